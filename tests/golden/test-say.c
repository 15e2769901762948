/* SPDX-License-Identifier: Apache-2.0
 *
 * test-say: speech through the whole pipeline with the shipped voice: its level against libebur128,
 * its pieces, spans, marks, pauses, factors, cancel; the limiter and the tempo by themselves.
 * Then a voice as it is imported, at 22.05 kHz (--imported FOLDER, models/recipes/golden.py made it
 * of random weights: what it says is noise).
 * test-say LIST: only how loud each line of toned pinyin is.
 */
#include <ebur128.h>
#include <errno.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/speech.h"

#include "../unit/test.h"

#define RATE 16000

struct heard {
    unsigned rate_hz;                        ///< 0: RATE
    float *samples;                          ///< owned
    size_t n, n_chunks, n_spans, stop_after; ///< stop_after: chunks, then cancel; 0: never
    const volatile int *cancel_set;
    char marks[64];
    double begins[8]; ///< of spans, seconds
};

static int hear(void *userdata, const struct pipeline_chunk *c, struct fail *fail)
{
    struct heard *h = userdata;

    const unsigned rate_hz = h->rate_hz ? h->rate_hz : RATE;

    REQUIRE(c->rate_hz == rate_hz);
    REQUIRE(fabs(c->start_s - (double) h->n / rate_hz) < 1e-9);
    REQUIRE(c->n_samples == 0 || c->samples);
    if (c->first_of_span) {
        REQUIRE(c->index == h->n_spans && h->n_spans < ELEMENTSOF(h->begins));
        h->begins[h->n_spans++] = c->start_s;
        if (c->mark) {
            strcat(h->marks, c->mark);
            strcat(h->marks, " ");
        }
    }
    REQUIRE(c->index + 1 == h->n_spans);
    h->samples = realloc(h->samples, (h->n + c->n_samples + 1) * sizeof(float));
    REQUIRE(h->samples);
    for (size_t i = 0; i < c->n_samples; i++)
        REQUIRE(fabsf(c->samples[i]) <= 1);
    if (c->n_samples > 0)
        memcpy(h->samples + h->n, c->samples, c->n_samples * sizeof(float));
    h->n += c->n_samples;
    h->n_chunks++;
    if (h->stop_after && h->n_chunks == h->stop_after)
        *(volatile int *) h->cancel_set = 1;
    return 0;
}

static double lufs_of(const float *samples, size_t n)
{
    ebur128_state *e = ebur128_init(1, RATE, EBUR128_MODE_I);
    double loudness;

    REQUIRE(e && ebur128_set_channel(e, 0, EBUR128_CENTER) == 0);
    REQUIRE(ebur128_add_frames_float(e, samples, n) == 0);
    REQUIRE(ebur128_loudness_global(e, &loudness) == 0);
    ebur128_destroy(&e);
    return loudness;
}

static void say(struct pipeline *p, const char *text, const struct pipeline_say_params *params,
                struct heard *h)
{
    struct fail fail = {0};
    int r = pipeline_say(p, text, params, NULL, hear, h, &fail);

    if (r < 0)
        fprintf(stderr, "%s: %d %s\n", text, r, fail.text);
    REQUIRE(r == 0 && h->n > 0);
}

static double loudness_of(struct pipeline *p, const char *text,
                          const struct pipeline_say_params *params)
{
    struct heard h = {0};

    say(p, text, params, &h);
    const double loudness = lufs_of(h.samples, h.n);
    printf("%.2f LUFS at volume %g, rate %g: %s\n", loudness, params->volume, params->rate, text);
    free(h.samples);
    return loudness;
}

/* The sentences lie within half a unit of -23 LUFS, and the volume is a factor on that. */
static void test_level(struct pipeline *p)
{
    static const char *const sentences[] = {
        "jin1tian1 tian1qi4 hen3 hao3 。",
        "ta1 shuo1 ， zhe4 ben3 shu1 xie3 de5 shi4 yi2ge4 lao3ren2 he2 hai3 de5 gu4shi5 。",
    };

    for (size_t i = 0; i < ELEMENTSOF(sentences); i++)
        REQUIRE(fabs(loudness_of(p, sentences[i], pipeline_say_params()) + 23) < 0.5);
    REQUIRE(fabs(loudness_of(p, sentences[1], pipeline_say_params(.volume = 0.5)) + 29.02) < 0.5);
    REQUIRE(fabs(loudness_of(p, sentences[1], pipeline_say_params(.rate = 3)) + 23) < 1.5);
    struct heard h = {0};
    say(p, sentences[0], pipeline_say_params(.volume = 4), &h);
    for (size_t i = 0; i < h.n; i++)
        REQUIRE(fabsf(h.samples[i]) < 0.892f);
    free(h.samples);
}

/* Spans come in order, each in pieces; a faster rate makes less sound of the same; what nobody can
 * say, or no voice, is refused. */
static void test_spans(struct pipeline *p)
{
    static const char text[] = "ni3hao3 。 wo3men5 xian4zai4 qu4 chi1fan4 ba5 ！ hao3 ma5 ？";
    const struct pipeline_voice *voices = NULL;
    struct heard plain = {0}, quick = {0}, again = {0};
    struct fail fail = {0};
    size_t n = 0;

    say(p, text, pipeline_say_params(), &plain);
    REQUIRE(plain.n_spans == 3 && plain.n_chunks > 3);
    REQUIRE(plain.begins[1] > 0.5 && plain.begins[2] > plain.begins[1] + 1);
    say(p, text, pipeline_say_params(.rate = 2), &quick);
    const double ratio = (double) plain.n / (double) quick.n;
    printf("rate 2: %zu and %zu samples\n", plain.n, quick.n);
    REQUIRE(ratio > 1.8 && ratio < 2.2);
    REQUIRE(pipeline_voices(p, &voices, &n, &fail) == 0 && n >= 1);
    say(p, text, pipeline_say_params(.voice = voices[0].name), &again);
    REQUIRE(again.n == plain.n && memcmp(again.samples, plain.samples, again.n * 4) == 0);
    REQUIRE(strcmp(voices[0].language, "zh-CN") == 0 && voices[0].title[0]);
    REQUIRE(pipeline_say(p, text, pipeline_say_params(.voice = "nobody"), NULL, hear, &again,
                         &fail) == -EINVAL);
    REQUIRE(fail.kind == FAIL_USAGE && strstr(fail.text, voices[0].name));
    REQUIRE(pipeline_say(p, text, pipeline_say_params(.rate = NAN), NULL, hear, &again, NULL) ==
            -EINVAL);
    REQUIRE(pipeline_say(p, text, pipeline_say_params(.volume = 5), NULL, hear, &again, NULL) ==
            -EINVAL);
    free(plain.samples);
    free(quick.samples);
    free(again.samples);
}

/* Breaks are silence of their length, marks come with the span that they stand before, prosody
 * bears on its own span only. */
static void test_ssml(struct pipeline *p)
{
    static const char text[] = "<speak>你好。<mark name=\"here\"/>我们走吧。<break time=\"700ms\"/>"
                               "<prosody rate=\"200%\">我们走吧。</prosody></speak>";
    struct heard h = {0};

    say(p, text, pipeline_say_params(.input = LANG_SSML), &h);
    REQUIRE(h.n_spans == 3 && strcmp(h.marks, "here ") == 0);
    const size_t quick = (size_t) (h.begins[2] * RATE + 0.5);
    for (size_t i = quick - (size_t) (0.69 * RATE); i < quick; i++)
        REQUIRE(h.samples[i] == 0);
    const double second = h.begins[2] - h.begins[1] - 0.7;
    const double third = (double) h.n / RATE - h.begins[2];
    printf("the same at 200 %%: %.2f and %.2f s\n", second, third);
    REQUIRE(second > 1.7 * third && second < 2.3 * third);
    free(h.samples);
}

/* Who hears may stop it between two chunks of a sentence, or refuse with an error of their own. */
static int refuse(void *userdata, const struct pipeline_chunk *chunk, struct fail *fail)
{
    ++*(unsigned *) userdata;
    return fail_set(fail, FAIL_IO, -EIO, "no room");
}

static void test_cancel(struct pipeline *p)
{
    volatile int cancel = 0;
    const struct pipeline_job job = {.cancel = &cancel};
    struct heard h = {.stop_after = 2, .cancel_set = &cancel};
    struct fail fail = {0};
    unsigned n = 0;

    REQUIRE(pipeline_say(p, "wo3men5 xian4zai4 yi4qi3 qu4 cheng2 li3 chi1fan4 ba5 。",
                         pipeline_say_params(), &job, hear, &h, &fail) == -ECANCELED);
    REQUIRE(h.n_chunks == 2 && fail.kind == FAIL_INTERRUPTED);
    free(h.samples);
    fail = (struct fail){0};
    REQUIRE(pipeline_say(p, "hao3 。", pipeline_say_params(), NULL, refuse, &n, &fail) == -EIO);
    REQUIRE(n == 1 && fail.kind == FAIL_IO && strcmp(fail.text, "no room") == 0);
}

/* The limiter: what is below its ceiling passes untouched, what is above comes down to it without a
 * step, and pieces make no difference. */
static void test_limiter(void)
{
    enum { N = 8000 };
    static const size_t cuts[] = {N, 256, 79, 1};
    static float in[N], out[N];

    for (int i = 0; i < N; i++)
        in[i] = (float) ((i > 3000 && i < 5000 ? 1.9 : 0.4) * sin(0.05 * i));
    for (size_t c = 0; c < ELEMENTSOF(cuts); c++) {
        CLEANUP(pipeline_limiter_freep) struct pipeline_limiter *l = NULL;
        const float *got;
        size_t at = 0, n;
        REQUIRE(pipeline_limiter_new(RATE, 1, &l) == 0);
        for (size_t i = 0; i < N; i += cuts[c]) {
            const size_t m = MIN(cuts[c], N - i);
            REQUIRE(pipeline_limiter_push(l, in + i, m, i + m == N, &got, &n) == 0 && at + n <= N);
            if (c == 0)
                memcpy(out, got, n * sizeof(*got));
            REQUIRE(memcmp(out + at, got, n * sizeof(*got)) == 0);
            at += n;
        }
        REQUIRE(at == N);
    }
    float gain = 1;
    for (int i = 0, last = -1; i < N; i++) {
        REQUIRE(fabsf(out[i]) <= 0.8911f);
        REQUIRE(i > 2900 || fabsf(out[i] - in[i]) < 1e-6f);
        if (fabsf(in[i]) > 0.05f) { /* the gain falls over 80 samples, to 0.47 */
            REQUIRE(fabsf(out[i] / in[i] - gain) < 0.02f * (float) (i - last));
            gain = out[i] / in[i];
            last = i;
        }
    }
    REQUIRE(fabsf(out[N - 1] - in[N - 1]) < 0.02f); /* let go again */
}

/* The tempo: as long as it should be, at the same pitch, and pieces make no difference. */
static void test_tempo(double speed)
{
    enum { N = 32000 };
    static const size_t cuts[] = {N, 1000, 77};
    static float in[N], out[2 * N + 4096];
    size_t total = 0;

    for (int i = 0; i < N; i++) /* 200 Hz with overtones */
        in[i] = (float) (0.3 * sin(2 * M_PI * i / 80) + 0.2 * sin(2 * M_PI * i / 40 + 1));
    for (size_t c = 0; c < ELEMENTSOF(cuts); c++) {
        CLEANUP(pipeline_tempo_freep) struct pipeline_tempo *t = NULL;
        const float *got;
        size_t at = 0, n;
        REQUIRE(pipeline_tempo_new(RATE, speed, &t) == 0);
        for (size_t i = 0; i < N; i += cuts[c]) {
            const size_t m = MIN(cuts[c], N - i);
            REQUIRE(pipeline_tempo_push(t, in + i, m, i + m == N, &got, &n) == 0);
            REQUIRE(at + n <= ELEMENTSOF(out));
            if (c == 0)
                memcpy(out, got, n * sizeof(*got));
            REQUIRE(memcmp(out + at, got, n * sizeof(*got)) == 0);
            at += n;
        }
        REQUIRE(c == 0 || at == total);
        total = at;
    }
    REQUIRE(fabs((double) total - N / speed) < 600);
    double same = 0, power = 0; /* still the same after one period of 200 Hz */
    for (size_t i = 2000; i + 2000 < total; i++) {
        same += (double) out[i] * (double) out[i + 80];
        power += (double) out[i] * (double) out[i];
    }
    REQUIRE(same / power > 0.95);
}

/* How many samples a voice makes of a text. */
static size_t length_of(struct pipeline *p, const char *text,
                        const struct pipeline_say_params *params, unsigned rate_hz)
{
    struct heard h = {.rate_hz = rate_hz};

    say(p, text, params, &h);
    double peak = 0;
    for (size_t i = 0; i < h.n; i++)
        peak = fmax(peak, fabs((double) h.samples[i]));
    REQUIRE(peak > 1e-3);
    free(h.samples);
    return h.n;
}

static void require_same(struct pipeline *p, const char *text, const char *one, const char *two,
                         bool same)
{
    struct heard a = {.rate_hz = 22050}, b = a;

    say(p, text, pipeline_say_params(.voice = one), &a);
    say(p, text, pipeline_say_params(.voice = two), &b);
    REQUIRE((a.n == b.n && memcmp(a.samples, b.samples, a.n * sizeof(float)) == 0) == same);
    free(a.samples);
    free(b.samples);
}

/* Every syllable is said; its own rate or the one that was asked for; voices by name and number. */
static void test_imported(const char *folder)
{
    static const char text[] = "ni3hao3 ， wo3men5 qu4 wan2er5 。 hao3 ma5 ？";
    CLEANUP(pipeline_freep) struct pipeline *p = NULL;
    const struct pipeline_voice *voices = NULL;
    struct heard none = {0};
    struct fail fail = {0};
    size_t n = 0;

    REQUIRE(pipeline_new(pipeline_params(.models = folder), &p, &fail) == 0);
    REQUIRE(pipeline_voices(p, &voices, &n, &fail) == 0 && n == 218 &&
            pipeline_rate_hz(p) == 22050);
    REQUIRE(strcmp(voices[217].name, "SSB1085") == 0 && !voices[217].gender[0]);
    const size_t plain = length_of(p, text, pipeline_say_params(), 22050);
    const size_t quick = length_of(p, text, pipeline_say_params(.rate = 2), 22050);
    const size_t slow = length_of(p, text, pipeline_say_params(.rate = 0.5), 22050);
    const size_t usual = length_of(p, text, pipeline_say_params(.rate_hz = RATE), RATE);
    printf("imported: %zu samples, %zu at 2, %zu at 0.5; at 16 kHz %zu\n", plain, quick, slow,
           usual);
    REQUIRE(plain > 1.8 * (double) quick && plain < 2.2 * (double) quick);
    REQUIRE(slow > 1.8 * (double) plain && slow < 2.2 * (double) plain);
    REQUIRE(fabs((double) usual - (double) plain * RATE / 22050) < 4);
    require_same(p, "hao3 。", NULL, "0", true);
    require_same(p, "hao3 。", "SSB0085", "17", true);
    require_same(p, "hao3 。", "17", "18", false);
    REQUIRE(pipeline_say(p, text, pipeline_say_params(.voice = "218"), NULL, hear, &none, &fail) ==
            -EINVAL);
    REQUIRE(fail.kind == FAIL_USAGE && strstr(fail.text, "0 to 217"));
    REQUIRE(pipeline_say(p, text, pipeline_say_params(.voice = "1x"), NULL, hear, &none, NULL) ==
            -EINVAL);
    REQUIRE(pipeline_say(p, text, pipeline_say_params(.rate_hz = 7999), NULL, hear, &none, NULL) ==
            -EINVAL);
}

/* Two files that are not of one voice are refused before anything is said, in words. */
static void require_no_pair(const char *fastspeech2, const char *hifigan, const char *word)
{
    char folder[] = "/tmp/brailled-pair-XXXXXX", path[2][64];
    const char *const to[] = {fastspeech2, hifigan};
    CLEANUP(pipeline_freep) struct pipeline *p = NULL;
    struct heard none = {0};
    struct fail fail = {0};

    REQUIRE(mkdtemp(folder));
    for (int i = 0; i < 2; i++) {
        snprintf(path[i], sizeof(path[i]), "%s/%s.safetensors", folder,
                 i ? "hifigan" : "fastspeech2");
        REQUIRE(symlink(to[i], path[i]) == 0);
    }
    REQUIRE(pipeline_new(pipeline_params(.models = folder), &p, &fail) == 0);
    const int r = pipeline_say(p, "a1", pipeline_say_params(), NULL, hear, &none, &fail);
    printf("%d: %s\n", r, fail.text);
    REQUIRE(r == -EBADMSG && fail.kind == FAIL_UNAVAILABLE && strstr(fail.text, word));
    REQUIRE(none.n == 0);
    for (int i = 0; i < 2; i++)
        unlink(path[i]);
    REQUIRE(rmdir(folder) == 0);
}

static void test_pairs(const char *folder)
{
    char own[4096], imported[2][4096];

    snprintf(own, sizeof(own), "%s/hifigan.safetensors", pipeline_models_dir());
    snprintf(imported[0], sizeof(imported[0]), "%s/fastspeech2.safetensors", folder);
    snprintf(imported[1], sizeof(imported[1]), "%s/../hifigan-v2.safetensors", folder);
    require_no_pair(imported[0], own, "22050");
    require_no_pair(imported[0], imported[1], "16000");
}

/* Not a test: how far the lines of a list lie from -23 LUFS. */
static int measure(struct pipeline *p, const char *path)
{
    CLEANUP_FREE char *line = NULL;
    FILE *f = fopen(path, "r");
    double sum = 0, squares = 0;
    size_t room = 0;
    int n = 0;

    REQUIRE(f);
    for (; getline(&line, &room, f) > 0; n++) {
        const double l = loudness_of(p, line, pipeline_say_params(.no_sandhi = true));
        sum += l;
        squares += l * l;
    }
    fclose(f);
    printf("mean %.2f LUFS, deviation %.2f of %d\n", sum / n, sqrt(squares / n - sum / n * sum / n),
           n);
    return 0;
}

int main(int argc, char **argv)
{
    CLEANUP(pipeline_freep) struct pipeline *p = NULL;
    struct fail fail = {0};

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc == 2) {
        REQUIRE(pipeline_new(pipeline_params(), &p, &fail) == 0);
        return measure(p, argv[1]);
    }

    test_limiter();
    test_tempo(1);
    test_tempo(1.7);
    test_tempo(3);
    test_tempo(0.6);
    REQUIRE(pipeline_new(pipeline_params(), &p, &fail) == 0);
    test_level(p);
    test_spans(p);
    test_ssml(p);
    test_cancel(p);
    if (argc == 3 && strcmp(argv[1], "--imported") == 0) {
        test_imported(argv[2]);
        test_pairs(argv[2]);
    }
    return 0;
}
