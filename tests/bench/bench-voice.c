/* SPDX-License-Identifier: Apache-2.0
 *
 * The two networks of speech alone, for speech.py, which sets them beside ONNX Runtime.
 *
 *   bench-voice FASTSPEECH2 HIFIGAN REPETITIONS FOLDER
 *
 * Speaks 30 syllables of a fixed pattern, once to warm up, then REPETITIONS times, printing the
 * milliseconds of the acoustic model and of the vocoder. FOLDER gets mel.f32, f0.f32 and
 * samples.f32 of the last time, and durations.f32.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "fastspeech2/fs2.h"
#include "hifigan/hifigan.h"

#include "bench.h"

#define SYLLABLES 30
#define PHONES (2 * SYLLABLES + 2)

static void save(const char *folder, const char *name, const float *v, size_t n)
{
    char path[4096];

    snprintf(path, sizeof(path), "%s/%s.f32", folder, name);
    bench_save(path, v, n);
}

/* sil, then initial and final of each syllable, sil; peer_speech.py has the same. */
static void make_phones(const struct fs2 *fs2, struct fs2_phone *phones)
{
    static const char *const initials[] = {"b", "sh", "d", "zh", "l", "x"};
    static const char *const finals[] = {"_a", "_ang", "_ian", "_u", "_eng"};
    const uint16_t sil = (uint16_t) fs2_phone_id(fs2, "sil");

    phones[0] = phones[PHONES - 1] = (struct fs2_phone){sil, 0, 0};
    for (unsigned i = 0; i < SYLLABLES; i++) {
        const uint8_t position = 1 + i % 2;
        phones[1 + 2 * i] =
            (struct fs2_phone){(uint16_t) fs2_phone_id(fs2, initials[i % 6]), 0, position};
        phones[2 + 2 * i] = (struct fs2_phone){(uint16_t) fs2_phone_id(fs2, finals[i % 5]),
                                               (uint8_t) (1 + i % 4), position};
    }
}

static void save_all(const char *folder, const struct fs2_speech *s, const float *samples,
                     unsigned hop)
{
    CLEANUP_FREE float *f0_hz = calloc(s->n_frames, sizeof(*f0_hz));
    float durations[PHONES];

    for (unsigned i = 0; i < s->n_frames && f0_hz; i++)
        f0_hz[i] = (float) s->f0_hz[i];
    for (unsigned i = 0; i < PHONES; i++)
        durations[i] = (float) s->durations[i];
    save(folder, "mel", s->mel, (size_t) s->n_mels * s->n_frames);
    save(folder, "f0", f0_hz, s->n_frames);
    save(folder, "samples", samples, (size_t) s->n_frames * hop);
    save(folder, "durations", durations, PHONES);
}

int main(int argc, char **argv)
{
    CLEANUP(vkc_context_freep) struct vkc_context *ctx = NULL;
    CLEANUP(nn_freep) struct nn *nn = NULL;
    CLEANUP(fs2_freep) struct fs2 *fs2 = NULL;
    CLEANUP(hifigan_freep) struct hifigan *hifigan = NULL;
    struct fs2_phone phones[PHONES];
    struct fail fail = {0};

    if (argc != 5) {
        fprintf(stderr, "usage: bench-voice FASTSPEECH2 HIFIGAN REPETITIONS FOLDER\n");
        return 64;
    }
    bench_must(
        vkc_context_new(vkc_context_params(.device = getenv("BRAILLED_DEVICE")), &ctx, &fail),
        &fail);
    bench_must(nn_new(ctx, &nn), &fail);
    bench_must(fs2_new(nn, argv[1], &fs2, &fail), &fail);
    bench_must(hifigan_new(nn, argv[2], &hifigan, &fail), &fail);
    make_phones(fs2, phones);
    const size_t reps = strtoul(argv[3], NULL, 10);
    for (size_t i = 0; i <= reps; i++) {
        CLEANUP(fs2_speech_done) struct fs2_speech s = {0};
        const double start = bench_now_ms();
        bench_must(fs2_speak(fs2, phones, PHONES, fs2_params(), &s, NULL, &fail), &fail);
        const double between = bench_now_ms();
        CLEANUP_FREE float *samples = calloc(s.n_frames, hifigan_hop(hifigan) * sizeof(float));
        if (!samples)
            return 1;
        bench_must(hifigan_speak(hifigan, s.mel, s.f0_hz, s.n_frames, samples, NULL, &fail), &fail);
        if (i > 0)
            printf("%.3f %.3f\n", between - start, bench_now_ms() - between);
        if (i == reps)
            save_all(argv[4], &s, samples, hifigan_hop(hifigan));
    }
    return 0;
}
