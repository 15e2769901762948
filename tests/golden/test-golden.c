/* SPDX-License-Identifier: Apache-2.0
 *
 * test-golden DATA: the models against what PyTorch computed (models/recipes/golden.py), with both
 * sets of kernels and the validation layer on. Then: chunks join without a seam, and files with
 * hostile configurations are refused.
 */
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "clip/clip.h"
#include "fastspeech2/fs2.h"
#include "hifigan/envelope.h"
#include "hifigan/hifigan.h"
#include "knn/knn.h"
#include "nn/weights_file.h"

#include "../unit/test.h"

static const char *folder, *device;
static const double tolerance = 1e-3; /* of the output's range */

/* Call and show the words of a failure. */
#define WORKS(call)                                                                                \
    do {                                                                                           \
        struct fail fail = {0};                                                                    \
        int _r = (call);                                                                           \
        if (_r < 0)                                                                                \
            fprintf(stderr, "%s: %d %s\n", #call, _r, fail.text);                                  \
        REQUIRE(_r >= 0);                                                                          \
    } while (0)

static const char *path_of(const char *name, const char *ending)
{
    static char path[4096];

    snprintf(path, sizeof(path), "%s/%s%s.safetensors", folder, name, ending);
    return path;
}

/* A stored input or output; its size is what it is. */
static const float *stored(struct nn_file *io, const char *name, size_t *n)
{
    size_t shape[8];
    unsigned rank;
    const float *v = NULL;

    REQUIRE(nn_file_has(io, name, &rank, shape));
    WORKS(nn_file_tensor(io, name, rank, shape, &v, &fail));
    *n = 1;
    for (unsigned i = 0; i < rank; i++)
        *n *= shape[i];
    return v;
}

static void compare(const char *name, const char *what, const float *got, const float *want,
                    size_t n)
{
    double low = INFINITY, high = -INFINITY, worst = 0;

    for (size_t i = 0; i < n; i++) {
        REQUIRE(isfinite(got[i]));
        low = fmin(low, want[i]);
        high = fmax(high, want[i]);
        worst = fmax(worst, fabs((double) got[i] - want[i]));
    }
    printf("%-18s %-12s %.1e of range %.3g (%zu values) on %s\n", name, what, worst / (high - low),
           high - low, n, device);
    REQUIRE(n > 0 && high - low > 0.05 && worst <= tolerance * (high - low));
}

static void test_hifigan(struct nn *nn, const char *name)
{
    CLEANUP(nn_file_closep) struct nn_file *io = NULL;
    CLEANUP(hifigan_freep) struct hifigan *h = NULL;
    CLEANUP_FREE double *f0_hz = NULL;
    CLEANUP_FREE float *samples = NULL;
    size_t n_mel, n_f0 = 0, n_samples;

    WORKS(nn_file_open(path_of(name, ".io"), &io, &fail));
    WORKS(hifigan_new(nn, path_of(name, ""), &h, &fail));
    REQUIRE(hifigan_hop(h) == 256 && hifigan_rate_hz(h) == 16000);
    const float *mel = stored(io, "mel", &n_mel), *want = stored(io, "samples", &n_samples);
    const unsigned n = (unsigned) (n_samples / 256);
    REQUIRE(n_mel == (size_t) n * 80);
    if (nn_file_has(io, "f0", NULL, NULL)) {
        const float *f0 = stored(io, "f0", &n_f0);
        f0_hz = calloc(n_f0, sizeof(*f0_hz));
        for (size_t i = 0; i < n_f0; i++)
            f0_hz[i] = f0[i];
        REQUIRE(n_f0 == n && hifigan_speak(h, mel, NULL, n, NULL, NULL, NULL) == -EINVAL);
    }
    samples = malloc(n_samples * sizeof(*samples));
    WORKS(hifigan_speak(h, mel, f0_hz, n, samples, NULL, &fail));
    compare(name, "samples", samples, want, n_samples);
}

/* A mel [80][n] with no pattern, and a pitch that rises and pauses. */
static void make_hum(float *mel, double *f0_hz, int n)
{
    for (int i = 0; i < 80 * n; i++)
        mel[i] = (float) (-4 + 2 * sin(0.37 * (i % n) + i / n * 0.11) + sin(1.7 * i * i));
    for (int i = 0; i < n; i++)
        f0_hz[i] = i % 20 < 14 ? 120 + 2 * i : 0;
}

/* 150 frames whole and in pieces of 37 give the same samples. */
static void test_chunks(struct nn *nn, const char *name)
{
    enum { FRAMES = 150, HOP = 256 };
    CLEANUP(hifigan_freep) struct hifigan *h = NULL;
    CLEANUP_FREE float *whole = calloc(FRAMES * HOP, sizeof(*whole));
    CLEANUP_FREE float *pieces = calloc(FRAMES * HOP, sizeof(*pieces));
    CLEANUP_FREE float *mel = malloc(80 * FRAMES * sizeof(*mel));
    double f0_hz[FRAMES];

    make_hum(mel, f0_hz, FRAMES);
    WORKS(hifigan_new(nn, path_of(name, ""), &h, &fail));
    WORKS(hifigan_speak(h, mel, f0_hz, FRAMES, whole, NULL, &fail));
    hifigan_set_chunk(h, 37);
    WORKS(hifigan_speak(h, mel, f0_hz, FRAMES, pieces, NULL, &fail));
    double worst = 0;
    for (int i = 0; i < FRAMES * HOP; i++)
        worst = fmax(worst, fabs(whole[i] - pieces[i]));
    printf("%-18s in pieces: %.1e on %s\n", name, worst, device);
    REQUIRE(worst < 1e-5);
}

/* The filter against its reference, whole and in pieces; silence stays quiet. */
static void test_envelope(void)
{
    CLEANUP(nn_file_closep) struct nn_file *io = NULL;
    CLEANUP_FREE float *got = NULL;
    size_t n_mel, n;

    WORKS(nn_file_open(path_of("envelope", ".io"), &io, &fail));
    const float *mel = stored(io, "mel", &n_mel), *samples = stored(io, "samples", &n);
    REQUIRE(n_mel / 80 == n / 256 && (got = calloc(n, sizeof(*got))));
    for (unsigned passes = 0; passes <= 2; passes++) {
        const struct hifigan_envelope_params params = {16000, 256, 80, passes,
                                                       passes == 2 ? 0.4f : 0};
        const float *want = stored(io,
                                   passes == 0   ? "samples"
                                   : passes == 1 ? "once"
                                                 : "twice",
                                   &n);
        const size_t cuts[] = {n, 256, 1000, 77};
        for (size_t c = 0; c < ELEMENTSOF(cuts); c++) {
            CLEANUP(hifigan_envelope_freep) struct hifigan_envelope *e = NULL;
            const float *out;
            size_t n_out, at = 0;
            REQUIRE(hifigan_envelope_new(&params, mel, (unsigned) (n / 256), &e) == 0);
            for (size_t i = 0; i < n; i += cuts[c]) {
                REQUIRE(hifigan_envelope_push(e, samples + i, MIN(cuts[c], n - i), &out, &n_out) ==
                        0);
                REQUIRE(at + n_out <= n);
                if (c == 0)
                    memcpy(got + at, out, n_out * sizeof(*out));
                REQUIRE(memcmp(got + at, out, n_out * sizeof(*out)) == 0);
                at += n_out;
            }
            REQUIRE(at == n && hifigan_envelope_push(e, samples, 1, &out, &n_out) == -EINVAL);
        }
        compare("envelope",
                passes == 2 ? "two passes"
                : passes    ? "one pass"
                            : "none",
                got, want, n);
    }
    REQUIRE(hifigan_envelope_new(&(struct hifigan_envelope_params){16000, 256, 80, 5, 0}, mel, 14,
                                 &(struct hifigan_envelope *){NULL}) == -EINVAL);
}

/* A stream's samples do not hang on its cuts, and without the filter are those of one call. */
static void test_stream(struct nn *nn, const char *name)
{
    enum { FRAMES = 90, HOP = 256 };
    static const unsigned cuts[] = {FRAMES, 24, 7};
    CLEANUP(hifigan_freep) struct hifigan *h = NULL;
    CLEANUP_FREE float *whole = calloc(FRAMES * HOP, sizeof(*whole));
    CLEANUP_FREE float *mel = malloc(80 * FRAMES * sizeof(*mel));
    double f0_hz[FRAMES];

    make_hum(mel, f0_hz, FRAMES);
    WORKS(hifigan_new(nn, path_of(name, ""), &h, &fail));
    for (unsigned passes = 0; passes <= 2; passes += 2) {
        double worst = 0, peak = 0;
        if (passes == 0)
            WORKS(hifigan_speak(h, mel, f0_hz, FRAMES, whole, NULL, &fail));
        for (size_t c = 0; c < ELEMENTSOF(cuts); c++) {
            CLEANUP(hifigan_stream_freep) struct hifigan_stream *s = NULL;
            const float *out;
            size_t n, at = 0;
            int more = 1;
            WORKS(hifigan_stream_new(h, mel, f0_hz, FRAMES, passes, 0, &s, &fail));
            while (more) {
                WORKS(more = hifigan_stream_next(s, cuts[c], &out, &n, NULL, &fail));
                REQUIRE(at + n <= FRAMES * HOP);
                if (passes && c == 0)
                    memcpy(whole + at, out, n * sizeof(*out));
                for (size_t i = 0; i < n; i++, at++) {
                    worst = fmax(worst, fabs(whole[at] - out[i]));
                    peak = fmax(peak, fabs(whole[at]));
                }
            }
            REQUIRE(at == FRAMES * HOP);
        }
        printf("%-18s streamed, %u passes: %.1e of %.2g on %s\n", name, passes, worst, peak,
               device);
        REQUIRE(worst < 2e-5 * fmax(peak, 1) && peak > 0.01);
    }
}

static void compare_speech(const char *name, struct nn_file *io, const char *prefix,
                           const struct fs2_speech *s, size_t n_phones)
{
    char key[32], what[32];
    size_t n, total = 0;

    snprintf(key, sizeof(key), "%sdur", prefix);
    const float *dur = stored(io, key, &n);
    REQUIRE(n == n_phones);
    for (size_t i = 0; i < n; i++) {
        REQUIRE((float) s->durations[i] == dur[i]);
        total += s->durations[i];
    }
    REQUIRE(total == s->n_frames);
    snprintf(key, sizeof(key), "%smel", prefix);
    const float *mel = stored(io, key, &n);
    REQUIRE(n == (size_t) s->n_mels * s->n_frames);
    compare(name, key, s->mel, mel, n);
    snprintf(what, sizeof(what), "%sf0", prefix);
    if (!nn_file_has(io, what, NULL, NULL)) {
        for (unsigned i = 0; i < s->n_frames; i++)
            REQUIRE(s->f0_hz[i] == 0);
        return;
    }
    const float *f0 = stored(io, what, &n);
    CLEANUP_FREE float *got = malloc(n * sizeof(*got));
    REQUIRE(n == s->n_frames);
    for (size_t i = 0; i < n; i++)
        got[i] = (float) s->f0_hz[i];
    compare(name, what, got, f0, n);
}

/* A contour multiplies F0 where it stands, and nothing else changes when it is level. */
static void test_contour(struct fs2 *m, const struct fs2_phone *phones, size_t n)
{
    static const struct fs2_point points[] = {{0.25, 0.5}, {0.75, 1.5}},
                                  wrong[] = {{0.5, 1}, {0.2, 1}};
    struct fs2_speech plain = {0}, bent = {0};

    WORKS(fs2_speak(m, phones, n, fs2_params(), &plain, NULL, &fail));
    WORKS(
        fs2_speak(m, phones, n, fs2_params(.contour = points, .n_contour = 2), &bent, NULL, &fail));
    REQUIRE(plain.n_frames == bent.n_frames);
    for (unsigned i = 0; i < plain.n_frames; i++) {
        const double at = (i + 0.5) / plain.n_frames;
        const double factor = fmin(fmax(0.5 + (at - 0.25) * 2, 0.5), 1.5);
        REQUIRE(fabs(bent.f0_hz[i] - factor * plain.f0_hz[i]) <= 1e-4 * plain.f0_hz[i]);
    }
    REQUIRE(memcmp(plain.mel, bent.mel, sizeof(float) * plain.n_mels * plain.n_frames) != 0);
    fs2_speech_done(&plain);
    fs2_speech_done(&bent);
    REQUIRE(fs2_speak(m, phones, n, fs2_params(.contour = wrong, .n_contour = 2), &bent, NULL,
                      NULL) == -EINVAL);
}

static void test_fastspeech2(struct nn *nn, const char *name)
{
    CLEANUP(nn_file_closep) struct nn_file *io = NULL;
    CLEANUP(fs2_freep) struct fs2 *m = NULL;
    struct fs2_phone phones[64];
    struct fs2_speech s = {0};
    size_t n, n_factors;

    WORKS(nn_file_open(path_of(name, ".io"), &io, &fail));
    WORKS(fs2_new(nn, path_of(name, ""), &m, &fail));
    REQUIRE(fs2_phone_id(m, "zh") == 7 && fs2_phone_id(m, "，") == 2);
    REQUIRE(fs2_phone_id(m, "_zzz") == -ENOENT);
    const float *ids = stored(io, "phones", &n), *factors = stored(io, "factors", &n_factors);
    REQUIRE((n /= 3) <= 64 && n_factors == 3);
    for (size_t i = 0; i < n; i++)
        phones[i] = (struct fs2_phone){(uint16_t) ids[3 * i], (uint8_t) ids[3 * i + 1],
                                       (uint8_t) ids[3 * i + 2]};
    WORKS(fs2_speak(m, phones, n, fs2_params(), &s, NULL, &fail));
    compare_speech(name, io, "", &s, n);
    fs2_speech_done(&s);
    const struct fs2_params varied = {factors[0], factors[1], factors[2]};
    WORKS(fs2_speak(m, phones, n, &varied, &s, NULL, &fail));
    compare_speech(name, io, "varied_", &s, n);
    fs2_speech_done(&s);

    test_contour(m, phones, n);
    REQUIRE(fs2_speak(m, phones, 0, fs2_params(), &s, NULL, NULL) == -EINVAL);
    REQUIRE(fs2_speak(m, phones, n, fs2_params(.rate = NAN), &s, NULL, NULL) == -EINVAL);
    REQUIRE(fs2_speak(m, phones, n, fs2_params(.pitch = 9), &s, NULL, NULL) == -EINVAL);
    phones[1].id = 999;
    REQUIRE(fs2_speak(m, phones, n, fs2_params(), &s, NULL, NULL) == -EINVAL && !s.mel);
}

/* Who speaks changes durations, pitch and mel; a file says who there is. */
static void test_voices(struct nn *nn)
{
    CLEANUP(nn_file_closep) struct nn_file *io = NULL;
    CLEANUP(fs2_freep) struct fs2 *m = NULL, *single = NULL;
    struct fs2_phone phones[64];
    struct fs2_speech s = {0};
    size_t n, n_voices;

    WORKS(nn_file_open(path_of("fastspeech2-voices", ".io"), &io, &fail));
    WORKS(fs2_new(nn, path_of("fastspeech2-voices", ""), &m, &fail));
    const struct fs2_voice *voices = fs2_voices(m, &n_voices);
    REQUIRE(n_voices == 2 && strcmp(voices[0].name, "one") == 0);
    REQUIRE(strcmp(voices[1].gender, "male") == 0 && strcmp(voices[1].title, "二") == 0);
    const float *ids = stored(io, "phones", &n);
    REQUIRE((n /= 3) <= ELEMENTSOF(phones));
    for (size_t i = 0; i < n; i++)
        phones[i] = (struct fs2_phone){(uint16_t) ids[3 * i], (uint8_t) ids[3 * i + 1],
                                       (uint8_t) ids[3 * i + 2]};
    for (unsigned v = 0; v < 2; v++) {
        WORKS(fs2_speak(m, phones, n, fs2_params(.voice = v), &s, NULL, &fail));
        compare_speech("fastspeech2-voices", io, v ? "voice1_" : "voice0_", &s, n);
        fs2_speech_done(&s);
    }
    REQUIRE(fs2_speak(m, phones, n, fs2_params(.voice = 2), &s, NULL, NULL) == -EINVAL && !s.mel);
    WORKS(fs2_new(nn, path_of("fastspeech2-frame", ""), &single, &fail));
    voices = fs2_voices(single, &n_voices);
    REQUIRE(n_voices == 1 && strcmp(voices[0].name, "xiaobei") == 0);
}

/* What the predictors said and the mel before the postnet, when they are asked for. */
static void compare_details(const char *name, struct nn_file *io, const char *prefix,
                            const struct fs2_speech *s)
{
    const struct {
        const char *key;
        const float *got;
    } parts[] = {{"before", s->mel_before}, {"pitch", s->pitch}, {"energy", s->energy}};
    char key[32];
    size_t n;

    for (size_t i = 0; i < ELEMENTSOF(parts); i++) {
        snprintf(key, sizeof(key), "%s%s", prefix, parts[i].key);
        const float *want = stored(io, key, &n);
        REQUIRE(parts[i].got);
        compare(name, key, parts[i].got, want, n);
    }
}

/* ming024's arrangement: bins, postnet, speakers, more frames than its table of places has. */
static void test_bins(struct nn *nn, const char *name, size_t n_voices)
{
    static const struct fs2_point level[] = {{0, 0.8}, {1, 0.8}};
    CLEANUP(nn_file_closep) struct nn_file *io = NULL;
    CLEANUP(fs2_freep) struct fs2 *m = NULL;
    struct fs2_phone phones[64];
    struct fs2_speech s = {0}, bent = {0};
    size_t n, n_factors, n_there;

    WORKS(nn_file_open(path_of(name, ".io"), &io, &fail));
    WORKS(fs2_new(nn, path_of(name, ""), &m, &fail));
    REQUIRE(fs2_rate_hz(m) == 22050 && fs2_hop(m) == 256 && fs2_n_mels(m) == 20);
    REQUIRE(fs2_wants_tones_in_phones(m) && fs2_top_hz(m) == 8000);
    REQUIRE(fs2_phone_id(m, "@7") == 7 && fs2_phone_id(m, "7") == -ENOENT);
    const struct fs2_voice *voices = fs2_voices(m, &n_there);
    REQUIRE(n_there == n_voices && (n_voices == 1 || strcmp(voices[1].name, "SSB0009") == 0));
    const float *ids = stored(io, "phones", &n), *f = stored(io, "factors", &n_factors);
    REQUIRE(n <= ELEMENTSOF(phones) && n_factors == 4);
    for (size_t i = 0; i < n; i++)
        phones[i] = (struct fs2_phone){.id = (uint16_t) ids[i], .tone = 255, .position = 255};
    struct fs2_params params = {1, 1, 1, (unsigned) f[3], .details = true};
    WORKS(fs2_speak(m, phones, n, &params, &s, NULL, &fail));
    compare_speech(name, io, "", &s, n);
    compare_details(name, io, "", &s);
    fs2_speech_done(&s);
    params = (struct fs2_params){f[0], f[1], f[2], (unsigned) f[3], .details = true};
    WORKS(fs2_speak(m, phones, n, &params, &s, NULL, &fail));
    compare_speech(name, io, "varied_", &s, n);
    compare_details(name, io, "varied_", &s);
    /* a level contour is as a pitch, and nothing is kept that nobody asked for */
    params = (struct fs2_params){f[0], f[1] / 0.8, f[2], (unsigned) f[3], level, 2};
    WORKS(fs2_speak(m, phones, n, &params, &bent, NULL, &fail));
    REQUIRE(bent.n_frames == s.n_frames && !bent.pitch && !bent.energy && !bent.mel_before);
    compare(name, "contour", bent.mel, s.mel, (size_t) s.n_mels * s.n_frames);
    fs2_speech_done(&s);
    fs2_speech_done(&bent);
    REQUIRE(fs2_speak(m, phones, n, fs2_params(.voice = 3), &s, NULL, NULL) == -EINVAL && !s.mel);
    phones[0].id = 12;
    REQUIRE(fs2_speak(m, phones, n, fs2_params(), &s, NULL, NULL) == -EINVAL && !s.mel);
}

static void test_too_long(struct nn *nn)
{
    CLEANUP(fs2_freep) struct fs2 *m = NULL;
    static struct fs2_phone phones[1000];
    struct fs2_speech s = {0};
    struct fail words = {0};

    WORKS(fs2_new(nn, path_of("fastspeech2-frame", ""), &m, &fail));
    for (size_t i = 0; i < ELEMENTSOF(phones); i++)
        phones[i] = (struct fs2_phone){1 + i % 9, i % 5, i % 3};
    REQUIRE(fs2_speak(m, phones, 1000, fs2_params(.rate = 0.5), &s, NULL, &words) == -E2BIG);
    REQUIRE(words.kind == FAIL_INPUT && !s.mel && !s.durations);
}

static void test_clip(struct nn *nn)
{
    static const char *const texts[] = {"a7", "", "我，𠀀a7我", "7"}; /* golden.py's */
    CLEANUP(nn_file_closep) struct nn_file *io = NULL;
    CLEANUP(clip_freep) struct clip *c = NULL;
    CLEANUP(knn_freep) struct knn *knn = NULL;
    CLEANUP_FREE uint8_t *crops = NULL;
    CLEANUP_FREE float *image = NULL;
    float text[4 * 20], p[2];
    uint32_t index[2];
    size_t n_crops, n_image, n_text;

    WORKS(nn_file_open(path_of("clip", ".io"), &io, &fail));
    WORKS(clip_new(nn, path_of("clip", ""), &c, &fail));
    const struct clip_info *info = clip_info(c);
    REQUIRE(info->width == 32 && info->height == 48 && info->embed == 20 && info->max_text == 8);
    REQUIRE(info->px_per_pitch == 9.5f);
    const float *levels = stored(io, "crops", &n_crops), *want = stored(io, "image", &n_image);
    const size_t n = n_crops / (32 * 48), many = 150; /* over two chunks */
    REQUIRE(n_image == n * 20);
    crops = malloc(many * 32 * 48);
    image = malloc(many * 20 * sizeof(*image));
    for (size_t i = 0; i < many * 32 * 48; i++)
        crops[i] = (uint8_t) levels[i % n_crops];
    WORKS(clip_image(c, crops, many, image, NULL, &fail));
    compare("clip", "image", image, want, n_image);
    for (size_t i = 0; i < many * 20; i++)
        REQUIRE(fabsf(image[i] - image[i % n_image]) < 1e-5f);

    const float *want_text = stored(io, "text", &n_text);
    REQUIRE(n_text == ELEMENTSOF(text));
    WORKS(clip_text(c, texts, 4, text, &fail));
    compare("clip", "text", text, want_text, n_text);
    REQUIRE(clip_text(c, (const char *const[]){"b"}, 1, text, NULL) == -EINVAL);
    REQUIRE(clip_text(c, (const char *const[]){"a\xff"}, 1, text, NULL) == -EINVAL);
    REQUIRE(clip_text(c, (const char *const[]){"aaaaaaa"}, 1, text, NULL) == -EINVAL);

    WORKS(knn_new(nn, image, n, 20, &knn, &fail));
    for (size_t i = 0; i < n; i++) { /* each is its own nearest, with p = 1 */
        WORKS(knn_query(knn, image + i * 20, 1, 2, index, p, NULL, &fail));
        REQUIRE(index[0] == i && fabsf(p[0] - 1) < 1e-4f && p[1] < p[0] && index[1] < n);
    }
    REQUIRE(knn_query(knn, image, 1, 17, index, p, NULL, NULL) == -EINVAL);
    image[3] = NAN;
    REQUIRE(knn_query(knn, image, 1, 1, index, p, NULL, NULL) == -EINVAL);
}

/* Its layers come from the file one after the other. */
static void test_chinese_clip(struct nn *nn)
{
    static const char *const texts[] = {/* chinese_clip.py's; two are longer than it reads */
                                        "一只猫坐在窗台上",
                                        "她说：“Hello, wörld 2026！”",
                                        "",
                                        "zhong1guo2 shuang1 lv4",
                                        "夜夜夜夜夜夜夜夜夜夜夜夜夜夜夜夜夜夜夜夜",
                                        "shuang1 zhong1 the cat"};
    enum { TEXTS = ELEMENTSOF(texts), E = 20, SIZE = 28 * 28 * 3, MANY = 140 };
    CLEANUP(nn_file_closep) struct nn_file *io = NULL;
    CLEANUP(clip_freep) struct clip *c = NULL;
    CLEANUP_FREE uint8_t *crops = malloc(MANY * SIZE);
    CLEANUP_FREE float *image = malloc(MANY * E * sizeof(*image));
    const volatile int stop = 1;
    float text[TEXTS * E];
    size_t n_crops, n_image, n_text;

    WORKS(nn_file_open(path_of("chinese-clip", ".io"), &io, &fail));
    WORKS(clip_new(nn, path_of("chinese-clip", ""), &c, &fail));
    const struct clip_info *info = clip_info(c);
    REQUIRE(info->chinese && info->width == 28 && info->height == 28 && info->n_chan == 3);
    REQUIRE(info->embed == E && info->max_text == 12);
    REQUIRE(fabs(info->calibration.temperature - 1 / 0.07) < 1e-4);
    const float *levels = stored(io, "crops", &n_crops), *want = stored(io, "image", &n_image);
    REQUIRE(n_crops / SIZE * E == n_image && crops && image);
    for (size_t i = 0; i < MANY * SIZE; i++)
        crops[i] = (uint8_t) levels[i % n_crops];
    WORKS(clip_image(c, crops, MANY, image, NULL, &fail));
    compare("chinese-clip", "image", image, want, n_image);
    for (size_t i = 0; i < MANY * E; i++)
        REQUIRE(fabsf(image[i] - image[i % n_image]) < 1e-5f);
    REQUIRE(clip_image(c, crops, 1, image, &stop, NULL) == -ECANCELED);

    want = stored(io, "text", &n_text);
    REQUIRE(n_text == ELEMENTSOF(text));
    WORKS(clip_text(c, texts, TEXTS, text, &fail));
    compare("chinese-clip", "text", text, want, n_text);
    REQUIRE(clip_text(c, (const char *const[]){"a\xff"}, 1, text, NULL) == -EINVAL);
    clip_set_cancel(c, &stop);
    REQUIRE(clip_text(c, texts, 1, text, NULL) == -ECANCELED);
}

/* One frame and one phone are enough; a wish to stop is heard; a missing file says what to do. */
static void test_edges(struct nn *nn)
{
    CLEANUP(hifigan_freep) struct hifigan *h = NULL;
    CLEANUP(fs2_freep) struct fs2 *m = NULL;
    CLEANUP(clip_freep) struct clip *c = NULL;
    const struct fs2_phone phone = {1, 0, 0};
    const volatile int stop = 1;
    struct fail words = {0};
    struct fs2_speech s = {0};
    float mel[80] = {0}, samples[256];
    double f0_hz = 150;

    WORKS(hifigan_new(nn, path_of("hifigan-source", ""), &h, &fail));
    WORKS(hifigan_speak(h, mel, &f0_hz, 1, samples, NULL, &fail));
    for (size_t i = 0; i < ELEMENTSOF(samples); i++)
        REQUIRE(samples[i] >= -1 && samples[i] <= 1);
    REQUIRE(hifigan_speak(h, mel, &f0_hz, 1, samples, &stop, NULL) == -ECANCELED);
    f0_hz = NAN;
    REQUIRE(hifigan_speak(h, mel, &f0_hz, 1, samples, NULL, NULL) == -EINVAL);
    REQUIRE(hifigan_speak(h, mel, &f0_hz, 0, samples, NULL, NULL) == -EINVAL);
    WORKS(fs2_new(nn, path_of("fastspeech2-frame", ""), &m, &fail));
    REQUIRE(fs2_speak(m, &phone, 1, fs2_params(), &s, &stop, NULL) == -ECANCELED && !s.mel);
    WORKS(fs2_speak(m, &phone, 1, fs2_params(), &s, NULL, &fail));
    REQUIRE(s.n_frames == s.durations[0] && s.n_frames > 0 && isfinite(s.mel[0]));
    fs2_speech_done(&s);
    REQUIRE(clip_new(nn, "/nonexistent/clip.safetensors", &c, &words) == -ENOENT && !c);
    REQUIRE(words.kind == FAIL_UNAVAILABLE && strstr(words.text, "--models DIR"));
}

/* ---- hostile configurations ----------------------------------------------------------------- */

static int load_any(struct nn *nn, const char *path, struct fail *fail)
{
    CLEANUP(hifigan_freep) struct hifigan *h = NULL;
    CLEANUP(fs2_freep) struct fs2 *m = NULL;
    CLEANUP(clip_freep) struct clip *c = NULL;
    struct fail unused = {0};
    int r = hifigan_new(nn, path, &h, fail);

    if (r == 0 || !strstr(fail->text, "it is a model"))
        return r;
    *fail = unused;
    if ((r = fs2_new(nn, path, &m, fail)) == 0 || !strstr(fail->text, "it is a model"))
        return r;
    *fail = unused;
    return clip_new(nn, path, &c, fail);
}

/* The file with `from` (which must be there) written over by `to` of the same length. */
static void require_refused(struct nn *nn, const char *name, const char *from, const char *to)
{
    CLEANUP_FREE uint8_t *data = NULL;
    struct fail words = {0};
    char path[64];
    size_t size;

    REQUIRE(strlen(from) == strlen(to));
    WORKS(file_read(path_of(name, ""), 16u << 20, &data, &size, &fail));
    uint8_t *at = memmem(data, size, from, strlen(from));
    REQUIRE(at);
    memcpy(at, to, strlen(to));
    int fd = memfd_create("hostile", MFD_CLOEXEC);
    REQUIRE(fd >= 0 && write(fd, data, size) == (ssize_t) size);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    int r = load_any(nn, path, &words);
    if (r != -EBADMSG)
        fprintf(stderr, "%s with '%s': %d %s\n", name, to, r, words.text);
    REQUIRE(r == -EBADMSG && words.kind == FAIL_UNAVAILABLE && strstr(words.text, "broken"));
    close(fd);
}

static void test_hostile(struct nn *nn)
{
    require_refused(nn, "fastspeech2-voices", "female", "animal");
    require_refused(nn, "fastspeech2-voices", "\\\"title\\\": \\\"One", "\\\"tatle\\\": \\\"One");
    require_refused(nn, "fastspeech2-voices", "\"speakers\"", "\"spookers\"");
    require_refused(nn, "hifigan-v1", "\\\"channels\\\": 40", "\\\"channels\\\": 48");
    require_refused(nn, "hifigan-v1", "\\\"channels\\\": 40", "\\\"channels\\\": -1");
    require_refused(nn, "hifigan-v1", "\\\"channels\\\": 40", "\\\"channels\\\": 08");
    require_refused(nn, "hifigan-v1", "\\\"hop\\\": 256", "\\\"hop\\\": 999");
    require_refused(nn, "hifigan-v1", "[8, 8, 2, 2]", "[8, 8, 0, 2]");
    require_refused(nn, "hifigan-v1", "[8, 8, 2, 2]", "[8, 8, 2   ]");
    require_refused(nn, "hifigan-v1", "[16, 16, 4, 4]", "[16, 15, 4, 4]");
    require_refused(nn, "hifigan-v1", "[3, 7, 11]", "[3, 7, 98]");
    require_refused(nn, "hifigan-v1", "[3, 7, 11]", "[3, 7, 10]");
    require_refused(nn, "hifigan-v1", "[[1, 3, 5]", "[[1, 3,-5]");
    require_refused(nn, "hifigan-v1", "\\\"resblock\\\": 1", "\\\"resblock\\\": 2");
    require_refused(nn, "hifigan-v1", "conv_pre.bias", "conv_pre.bios");
    require_refused(nn, "hifigan-source", "\\\"n_fft\\\": 16", "\\\"n_fft\\\": 32");
    require_refused(nn, "hifigan-source", "\\\"istft\\\"", "\\\"iSTFT\\\"");
    require_refused(nn, "hifigan-source", "\\\"scale\\\": 0.1", "\\\"scale\\\": 1e9");
    require_refused(nn, "fastspeech2-frame", "\\\"hidden\\\": 24", "\\\"hidden\\\": 25");
    require_refused(nn, "fastspeech2-frame", "\\\"hidden\\\": 24", "\\\"hidden\\\": 32");
    require_refused(nn, "fastspeech2-frame", "\\\"heads\\\": 2", "\\\"heads\\\": 5");
    require_refused(nn, "fastspeech2-frame", "\\\"heads\\\": 2", "\\\"heads\\\": 0");
    require_refused(nn, "fastspeech2-frame", "\\\"frame\\\"", "\\\"fraem\\\"");
    require_refused(nn, "fastspeech2-frame", "\\\"encoder_layers\\\": 2",
                    "\\\"encoder_layers\\\": 3");
    require_refused(nn, "fastspeech2-frame", "\\\"pitch_scale\\\": 0.25",
                    "\\\"pitch_scale\\\": 0.00");
    require_refused(nn, "fastspeech2-frame", "\\\"kernel\\\": 5", "\\\"kernel\\\": 4");
    require_refused(nn, "fastspeech2-bins-phone", "ming024", "other24");
    require_refused(nn, "fastspeech2-bins-phone", "[9, 1]", "[9, 2]");
    require_refused(nn, "fastspeech2-bins-phone", "[9, 1]", "[9   ]");
    require_refused(nn, "fastspeech2-bins-phone", "\\\"fmax\\\": 8000", "\\\"fmax\\\": 9e9 ");
    require_refused(nn, "fastspeech2-bins-phone", "\\\"n_bins\\\": 32", "\\\"n_bins\\\": 33");
    require_refused(nn, "fastspeech2-bins-phone", "\\\"postnet_layers\\\": 5",
                    "\\\"postnet_layers\\\": 9");
    require_refused(nn, "fastspeech2-bins-phone", "\\\"SSB0005\\\", ", "             ");
    require_refused(nn, "fastspeech2-bins-phone", "\\\"SSB0005\\\"", "\\\"\\\"       ");
    require_refused(nn, "fastspeech2-bins-phone", "53.598", "-3.598");
    require_refused(nn, "fastspeech2-bins-phone", "running_var", "running_vax");
    require_refused(nn, "clip", "\\\"patch\\\": 8", "\\\"patch\\\": 7");
    require_refused(nn, "clip", "\\\"patch\\\": 8", "\\\"patch\\\": 4");
    require_refused(nn, "clip", "\\\"vision_heads\\\": 3", "\\\"vision_heads\\\": 7");
    require_refused(nn, "clip", "\\\"max_text\\\": 8", "\\\"max_text\\\": 9");
    require_refused(nn, "clip", "\\\"[CLS]\\\"", "\\\"[CSL]\\\"");
    require_refused(nn, "clip", "\\\"7\\\"", "\\\"a\\\"");
    require_refused(nn, "clip", "\\\"embed\\\": 20", "\\\"embed\\\": 1e");
    require_refused(nn, "chinese-clip", "\\\"image\\\": 28", "\\\"image\\\": 35");
    require_refused(nn, "chinese-clip", "\\\"image\\\": 28", "\\\"image\\\": 29");
    require_refused(nn, "chinese-clip", "\\\"patch\\\": 7", "\\\"patch\\\": 4");
    require_refused(nn, "chinese-clip", "\\\"text_heads\\\": 2", "\\\"text_heads\\\": 5");
    require_refused(nn, "chinese-clip", "\\\"max_text\\\": 12", "\\\"max_text\\\": 17");
    require_refused(nn, "chinese-clip", "\\\"[UNK]\\\"", "\\\"[KNU]\\\"");
    require_refused(nn, "chinese-clip", "\\\"##ong\\\"", "\\\"##uan\\\"");
}

int main(int argc, char **argv)
{
    static const char *const vocoders[] = {"hifigan-v1", "hifigan-v2", "hifigan-v3",
                                           "hifigan-source"};
    CLEANUP(vkc_context_freep) struct vkc_context *ctx = NULL;
    CLEANUP(nn_freep) struct nn *nn = NULL;
    const char *last = NULL;

    REQUIRE(argc == 2);
    folder = argv[1];
    WORKS(vkc_context_new(vkc_context_params(.validation = true), &ctx, &fail));
    device = vkc_context_info(ctx)->name;
    REQUIRE(nn_new(ctx, &nn) == 0);
    for (int portable = 0; portable < 2; portable++) {
        printf("%s kernels\n", portable ? "portable" : "best");
        nn_set_portable(nn, portable);
        for (size_t i = 0; i < ELEMENTSOF(vocoders); i++)
            test_hifigan(nn, vocoders[i]);
        test_fastspeech2(nn, "fastspeech2-frame");
        test_fastspeech2(nn, "fastspeech2-phone");
        test_bins(nn, "fastspeech2-bins-phone", 3);
        test_bins(nn, "fastspeech2-bins-frame", 1);
        test_clip(nn);
        test_chinese_clip(nn);
    }
    nn_set_portable(nn, false);
    for (size_t i = 0; i < ELEMENTSOF(vocoders); i++)
        test_chunks(nn, vocoders[i]);
    test_envelope();
    test_stream(nn, "hifigan-v3");
    test_stream(nn, "hifigan-source");
    test_voices(nn);
    test_too_long(nn);
    test_edges(nn);
    test_hostile(nn);
    if (vkc_context_n_validation_messages(ctx, &last))
        fprintf(stderr, "%s\n", last);
    REQUIRE(vkc_context_n_validation_messages(ctx, NULL) == 0);
    return 0;
}
