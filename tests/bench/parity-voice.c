/* SPDX-License-Identifier: Apache-2.0
 *
 * An imported voice at its full size against PyTorch, for parity_voice.py, which wrote IO.
 *
 *   parity-voice FASTSPEECH2 HIFIGAN IO
 *
 * IO has, of sentence k, phones<k> [n], voice<k> [1], factors<k> [3] (rate, pitch, energy), and
 * what PyTorch made of them: dur<k>, pitch<k>, energy<k>, before<k> and mel<k> [n_mels][frames],
 * samples<k>. Prints the largest difference of each over the output's range, and the seconds of
 * both models. Exit status 1: one is more than 1e-3.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "fastspeech2/fs2.h"
#include "hifigan/hifigan.h"
#include "nn/weights_file.h"

#include "bench.h"

static struct nn_file *io;
static bool all_near = true;

/* NULL: there is none. */
static const float *stored(const char *what, unsigned k, size_t *ret_n)
{
    size_t shape[8];
    unsigned rank;
    const float *v = NULL;
    char name[32];

    snprintf(name, sizeof(name), "%s%u", what, k);
    if (!nn_file_has(io, name, &rank, shape) || nn_file_tensor(io, name, rank, shape, &v, NULL) < 0)
        return NULL;
    *ret_n = 1;
    for (unsigned i = 0; i < rank; i++)
        *ret_n *= shape[i];
    return v;
}

static void compare(const char *what, unsigned k, const float *got, size_t n_got)
{
    double low = INFINITY, high = -INFINITY, worst = 0;
    size_t n = 0;
    const float *want = stored(what, k, &n);

    for (size_t i = 0; want && i < n && n == n_got; i++) {
        low = fmin(low, want[i]);
        high = fmax(high, want[i]);
        worst = fmax(worst, isfinite(got[i]) ? fabs((double) got[i] - want[i]) : INFINITY);
    }
    const bool near = n > 0 && n == n_got && worst <= 1e-3 * (high - low);
    printf("%-8s %u  %.1e of range %.3g (%zu values)%s\n", what, k, worst / (high - low),
           high - low, n, n == n_got ? "" : ", and another number of them");
    all_near = all_near && near;
}

struct took { ///< seconds
    double wall, cpu;
};

static struct took begin(void)
{
    return (struct took){bench_now_ms() / 1000, (double) clock() / CLOCKS_PER_SEC};
}

static struct took end(struct took t)
{
    return (struct took){bench_now_ms() / 1000 - t.wall, (double) clock() / CLOCKS_PER_SEC - t.cpu};
}

static void tell(const char *what, const struct took *t, double seconds)
{
    printf("%s: %.2f s, real-time factor %.3f; of all cores together %.2f s, %.3f\n", what, t->wall,
           t->wall / seconds, t->cpu, t->cpu / seconds);
}

static int speak(struct fs2 *fs2, struct hifigan *v, unsigned k, struct fail *fail)
{
    struct fs2_phone phones[1000] = {0};
    struct fs2_speech s = {0};
    size_t n, n_voice, n_factors;
    const float *ids = stored("phones", k, &n), *voice = stored("voice", k, &n_voice);
    const float *f = stored("factors", k, &n_factors);

    if (!ids || !voice || !f || n > 1000 || n_factors != 3)
        return fail_set(fail, FAIL_INPUT, -1, "sentence %u is not whole", k);
    for (size_t i = 0; i < n; i++)
        phones[i].id = (uint16_t) ids[i];
    const struct fs2_params params = {f[0], f[1], f[2], (unsigned) voice[0], .details = true};
    struct took mel = begin(), sound;
    int r = fs2_speak(fs2, phones, n, &params, &s, NULL, fail);
    if (r < 0)
        return r;
    mel = end(mel);
    const size_t n_samples = (size_t) s.n_frames * hifigan_hop(v);
    CLEANUP_FREE float *samples = malloc(n_samples * sizeof(*samples));
    CLEANUP_FREE float *durations = malloc(n * sizeof(*durations));
    if (!samples || !durations)
        return -1;
    sound = begin();
    r = hifigan_speak(v, s.mel, s.f0_hz, s.n_frames, samples, NULL, fail);
    sound = end(sound);
    const double seconds = (double) n_samples / hifigan_rate_hz(v);
    printf("sentence %u: %zu phones, %u frames, %.2f s of speech\n", k, n, s.n_frames, seconds);
    tell("acoustic model", &mel, seconds);
    tell("vocoder", &sound, seconds);
    for (size_t i = 0; i < n; i++)
        durations[i] = (float) s.durations[i];
    const size_t n_mel = (size_t) s.n_mels * s.n_frames;
    compare("dur", k, durations, n);
    compare("pitch", k, s.pitch, n);
    compare("energy", k, s.energy, n);
    compare("before", k, s.mel_before, n_mel);
    compare("mel", k, s.mel, n_mel);
    compare("samples", k, samples, n_samples);
    fs2_speech_done(&s);
    return r;
}

int main(int argc, char **argv)
{
    struct vkc_context *ctx = NULL;
    struct nn *nn = NULL;
    struct fs2 *fs2 = NULL;
    struct hifigan *v = NULL;
    struct fail fail = {0};
    size_t n;
    int r = -1;

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc == 4 && (r = nn_file_open(argv[3], &io, &fail)) == 0 &&
        (r = vkc_context_new(vkc_context_params(), &ctx, &fail)) == 0 &&
        (r = nn_new(ctx, &nn)) == 0 && (r = fs2_new(nn, argv[1], &fs2, &fail)) == 0 &&
        (r = hifigan_new(nn, argv[2], &v, &fail)) == 0)
        printf("on %s\n", vkc_context_info(ctx)->name);
    for (unsigned k = 0; r == 0 && stored("phones", k, &n); k++)
        r = speak(fs2, v, k, &fail);
    if (r < 0)
        fprintf(stderr, "%s\n", fail.text[0] ? fail.text : "FASTSPEECH2 HIFIGAN IO");
    hifigan_free(v);
    fs2_free(fs2);
    nn_free(nn);
    vkc_context_free(ctx);
    nn_file_close(io);
    return r < 0 ? 2 : !all_near;
}
