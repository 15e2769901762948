/* SPDX-License-Identifier: Apache-2.0
 *
 * What `braille-eval speech` takes from sounds, where the right answer is known; against other
 * programs: tests/cli/test-eval-speech.py.
 */

#include "tools/eval/speech/signal.h"
#include "base/random.h"
#include "test.h"

#include <errno.h>
#include <math.h>
#include <sndfile.h>
#include <string.h>
#include <unistd.h>

enum { RATE_HZ = 16000 };

static struct random lot = {7};

static double any(void)
{
    return (double) (random_next(&lot) >> 11) * 0x1p-52 - 1;
}

static void test_fft(void)
{
    double re[64], im[64], x[64], y[64];
    struct eval_fft t;

    REQUIRE(eval_fft_init(&t, 48) == -EINVAL && eval_fft_init(&t, 0) == -EINVAL);
    for (unsigned n = 2; n <= 64; n *= 2) {
        REQUIRE(eval_fft_init(&t, n) == 0);
        for (unsigned i = 0; i < n; i++) {
            x[i] = re[i] = any();
            y[i] = im[i] = any();
        }
        eval_fft_run(&t, re, im);
        for (unsigned j = 0; j < n; j++) {
            double a = 0, b = 0;
            for (unsigned k = 0; k < n; k++) {
                const double w = -2 * M_PI * j * k / n;
                a += x[k] * cos(w) - y[k] * sin(w);
                b += x[k] * sin(w) + y[k] * cos(w);
            }
            REQUIRE(fabs(a - re[j]) < 1e-12 && fabs(b - im[j]) < 1e-12);
        }
        eval_fft_done(&t);
    }
}

/* A buzz whose pitch moves from one frequency to another in a straight line. */
static struct audio_samples buzz(double from_hz, double to_hz, double seconds, unsigned rate_hz)
{
    const size_t n = (size_t) (seconds * rate_hz);
    struct audio_samples s = {calloc(n, sizeof(float)), n, rate_hz};
    double phase = 0;

    REQUIRE(s.data);
    for (size_t i = 0; i < n; i++) {
        phase += 2 * M_PI * (from_hz + (to_hz - from_hz) * (double) i / (double) n) / rate_hz;
        for (int h = 1; h * fmax(from_hz, to_hz) < 0.45 * rate_hz; h++)
            s.data[i] += (float) (0.1 * sin(h * phase) / h);
    }
    return s;
}

static void test_pitch(void)
{
    static const double pairs[][2] = {{90, 90},   {150, 150}, {233, 233},
                                      {410, 410}, {300, 180}, {120, 260}};

    for (size_t p = 0; p < ELEMENTSOF(pairs); p++)
        for (unsigned rate_hz = 16000; rate_hz <= 22050; rate_hz += 6050) {
            struct audio_samples s = buzz(pairs[p][0], pairs[p][1], 1, rate_hz);
            double *f0_hz = NULL, square = 0;
            REQUIRE(eval_pitch(&s, &f0_hz) == 0);
            const size_t n = eval_n_frames(&s);
            REQUIRE(n == 201);
            for (size_t f = 20; f < n - 20; f++) {
                const double want = pairs[p][0] + (pairs[p][1] - pairs[p][0]) * (double) f / 200;
                REQUIRE(f0_hz[f] > 0);
                const double cents = 1200 * log2(f0_hz[f] / want);
                square += cents * cents;
                REQUIRE(fabs(cents) < 30);
            }
            REQUIRE(sqrt(square / (double) (n - 40)) < 10); /* bins are 10 cents wide */
            free(f0_hz);
            audio_samples_done(&s);
        }
}

static size_t n_voiced(const struct audio_samples *s)
{
    double *f0_hz = NULL;
    size_t n = 0;

    REQUIRE(eval_pitch(s, &f0_hz) == 0);
    for (size_t f = 0; f < eval_n_frames(s); f++)
        n += f0_hz[f] > 0;
    free(f0_hz);
    return n;
}

static void test_unvoiced(void)
{
    struct audio_samples s = buzz(200, 200, 1, RATE_HZ);

    REQUIRE(n_voiced(&s) > 190);
    memset(s.data, 0, s.n * sizeof(float));
    REQUIRE(n_voiced(&s) == 0);
    for (size_t i = 0; i < s.n; i++)
        s.data[i] = (float) (0.1 * any());
    REQUIRE(n_voiced(&s) < 20);
    struct audio_samples tone = buzz(200, 200, 1, RATE_HZ);
    for (size_t i = s.n / 2; i < s.n; i++) /* far under the loud half */
        tone.data[i] *= 1e-3F;
    const size_t n = n_voiced(&tone);
    REQUIRE(n > 90 && n < 110);
    audio_samples_done(&tone);
    audio_samples_done(&s);
}

/* A vowel-like sound: its envelope is known to be smooth, the pitch must not show in it. */
static void test_envelope(void)
{
    struct eval_cepstra a = {0}, b = {0};
    struct audio_samples low = buzz(150, 150, 1, RATE_HZ), high = buzz(210, 210, 1, RATE_HZ);
    double *f0[2] = {NULL};

    REQUIRE(eval_pitch(&low, &f0[0]) == 0 && eval_pitch(&high, &f0[1]) == 0);
    REQUIRE(eval_cepstra(&low, f0[0], 201, &eval_cepstrum_24, &a) == 0);
    REQUIRE(eval_cepstra(&high, f0[1], 201, &eval_cepstrum_24, &b) == 0);
    REQUIRE(a.n == 201 && a.order == 24);
    for (size_t f = 20; f < 180; f++) /* steady: the frames are alike */
        for (unsigned k = 1; k <= 24; k++)
            REQUIRE(fabs(a.c[f * 25 + k] - a.c[20 * 25 + k]) < 0.1);
    /* twice as loud: only c0 moves, by ln 2 */
    for (size_t i = 0; i < low.n; i++)
        low.data[i] *= 2;
    struct eval_cepstra loud = {0};
    REQUIRE(eval_cepstra(&low, f0[0], 201, &eval_cepstrum_24, &loud) == 0);
    REQUIRE(fabs(loud.c[100 * 25] - a.c[100 * 25] - M_LN2) < 1e-3);
    REQUIRE(fabs(loud.c[100 * 25 + 1] - a.c[100 * 25 + 1]) < 1e-3);
    eval_cepstra_done(&loud);
    eval_cepstra_done(&a);
    eval_cepstra_done(&b);
    free(f0[0]);
    free(f0[1]);
    audio_samples_done(&low);
    audio_samples_done(&high);
}

/* Frames of `a` again, each one to three times: the alignment must find that nothing differs. */
static void test_align(void)
{
    enum { N = 50, ORDER = 4 };
    double c[N * (ORDER + 1)], d[3 * N * (ORDER + 1)];
    struct eval_cepstra a = {c, N, ORDER}, b = {d, 0, ORDER};
    struct eval_path path = {0};

    for (size_t i = 0; i < ELEMENTSOF(c); i++)
        c[i] = any();
    for (size_t f = 0; f < N; f++)
        for (uint64_t k = random_below(&lot, 3) + 1; k-- > 0; b.n++)
            memcpy(d + b.n * (ORDER + 1), c + f * (ORDER + 1), (ORDER + 1) * sizeof(double));
    REQUIRE(eval_align(&a, &b, false, &path) == 0);
    REQUIRE(path.n == b.n && eval_mcd(&a, &b, &path, 0) == 0);
    REQUIRE(path.at[0][0] == 0 && path.at[0][1] == 0);
    REQUIRE(path.at[path.n - 1][0] == N - 1 && path.at[path.n - 1][1] == b.n - 1);
    for (size_t f = 0; f < b.n; f++) { /* c0 off by 1, c1 by 2: 10 / ln 10 * sqrt(2) * length */
        d[f * (ORDER + 1)] += 1;
        d[f * (ORDER + 1) + 1] += 2;
    }
    const double db = 10 / M_LN10 * M_SQRT2;
    REQUIRE(fabs(eval_mcd(&a, &b, &path, 1) - 2 * db) < 1e-12);
    REQUIRE(fabs(eval_mcd(&a, &b, &path, 0) - sqrt(5) * db) < 1e-12);
    eval_path_done(&path);
    b.order = ORDER - 1;
    REQUIRE(eval_align(&a, &b, false, &path) == -EINVAL);
}

static void test_f0_sums(void)
{
    static const double x[] = {100, 200, 0, 300, 0}, y[] = {110, 190, 150, 330, 0};
    uint32_t at[5][2];
    const struct eval_path path = {at, 5};
    struct eval_f0_sums s = {0};

    for (uint32_t i = 0; i < 5; i++)
        at[i][0] = at[i][1] = i;
    REQUIRE(isnan(eval_f0_rmse_hz(&s)) && isnan(eval_f0_corr(&s)) && isnan(eval_f0_vuv(&s)));
    eval_f0_add(&s, x, 5, y, 5, &path);
    REQUIRE(s.n == 3 && s.n_vuv == 1 && s.n_all == 5);
    REQUIRE(fabs(eval_f0_rmse_hz(&s) - sqrt((100. + 100 + 900) / 3)) < 1e-9);
    REQUIRE(fabs(eval_f0_corr(&s) - 0.987829161) < 1e-8); /* numpy.corrcoef */
    REQUIRE(fabs(eval_f0_vuv(&s) - 0.2) < 1e-12);
    struct eval_f0_sums flat = {0};
    eval_f0_add(&flat, (const double[]){200, 200}, 2, y, 2, &(struct eval_path){at, 2});
    REQUIRE(isnan(eval_f0_corr(&flat)));
}

static void test_frechet(void)
{
    struct eval_rows a = {0}, b = {0};
    double d = 0;

    for (int i = 0; i < 4; i++) { /* covariances diag(4/3, 4/3) and 9 times that; means apart */
        const double row[] = {i & 1 ? 1 : -1, i & 2 ? 1 : -1};
        const double other[] = {5 + 3 * row[0], 3 * row[1] - 2};
        REQUIRE(eval_rows_add(&a, row, 2) == 0 && eval_rows_add(&b, other, 2) == 0);
    }
    REQUIRE(eval_frechet(&a, &a, &d) == 0 && fabs(d) < 1e-12);
    REQUIRE(eval_frechet(&a, &b, &d) == 0);
    REQUIRE(fabs(d - (25 + 4 + 2 * (2 * sqrt(4. / 3)) * (2 * sqrt(4. / 3)))) < 1e-9);
    REQUIRE(eval_rows_add(&a, (double[]){1, 2, 3}, 3) == -EINVAL);
    b.n = 1;
    REQUIRE(eval_frechet(&a, &b, &d) == -EINVAL);
    eval_rows_done(&a);
    eval_rows_done(&b);
}

static void test_extent(void)
{
    struct audio_samples s = buzz(200, 200, 2, RATE_HZ);

    memset(s.data, 0, RATE_HZ / 2 * sizeof(float));
    memset(s.data + s.n - RATE_HZ / 4, 0, RATE_HZ / 4 * sizeof(float));
    REQUIRE(fabs(eval_spoken_s(&s) - 1.25) < 0.026);
    memset(s.data, 0, s.n * sizeof(float));
    REQUIRE(eval_spoken_s(&s) == 0);
    audio_samples_done(&s);
}

/* ---- dataset/audio/read.h ---- */

static void test_read(const char *path)
{
    struct audio_samples s = {0}, half = {0};
    struct fail fail = {0};
    static float wave[2 * 8000];
    SF_INFO info = {
        .samplerate = RATE_HZ, .channels = 2, .format = SF_FORMAT_WAV | SF_FORMAT_FLOAT};

    for (int i = 0; i < 8000; i++) { /* left and right: their mean is a sine of 440 Hz */
        wave[2 * i] = 0.5F * (float) sin(2 * M_PI * 440 * i / RATE_HZ) + 0.2F;
        wave[2 * i + 1] = wave[2 * i] - 0.4F;
    }
    SNDFILE *f = sf_open(path, SFM_WRITE, &info);
    REQUIRE(f && sf_writef_float(f, wave, 8000) == 8000 && sf_close(f) == 0);
    REQUIRE(audio_read(path, &s, &fail) == 0 && s.n == 8000 && s.rate_hz == RATE_HZ);
    REQUIRE(fabsf(s.data[1000] - (wave[2000] - 0.2F)) < 1e-6F);
    REQUIRE(audio_resample(&s, 22050, &half) == 0 && half.n == 11025 && half.rate_hz == 22050);
    for (size_t i = 500; i < half.n - 500; i++)
        REQUIRE(fabs((double) half.data[i] - 0.5 * sin(2 * M_PI * 440 * (double) i / 22050)) <
                1e-3);
    REQUIRE(audio_resample(&s, 10, &half) == -EINVAL);
    audio_samples_done(&half);
    audio_samples_done(&s);
    wave[5] = NAN;
    f = sf_open(path, SFM_WRITE, &info);
    REQUIRE(f && sf_writef_float(f, wave, 8000) == 8000 && sf_close(f) == 0);
    REQUIRE(audio_read(path, &s, &fail) == -EBADMSG && fail.kind == FAIL_INPUT && !s.data);
    f = sf_open(path, SFM_WRITE, &info);
    REQUIRE(f && sf_close(f) == 0);
    fail = (struct fail){0};
    REQUIRE(audio_read(path, &s, &fail) == -ENODATA && fail.kind == FAIL_INPUT);
}

static void test_read_wrong(const char *path)
{
    struct audio_samples s = {0};
    struct fail fail = {0};

    FILE *f = fopen(path, "we");
    REQUIRE(f && fputs("no sound at all", f) >= 0 && fclose(f) == 0);
    REQUIRE(audio_read(path, &s, &fail) == -EBADMSG && fail.kind == FAIL_INPUT);
    REQUIRE(unlink(path) == 0);
    fail = (struct fail){0};
    REQUIRE(audio_read(path, &s, &fail) == -ENOENT && fail.kind == FAIL_OPEN);
    fail = (struct fail){0};
    REQUIRE(audio_read("/tmp", &s, &fail) < 0 && fail.kind == FAIL_OPEN);
    REQUIRE(!s.data);
}

int main(void)
{
    char path[] = "/tmp/test-speech-signal.XXXXXX";
    const int fd = mkstemp(path);

    REQUIRE(fd >= 0);
    close(fd);
    test_fft();
    test_pitch();
    test_unvoiced();
    test_envelope();
    test_align();
    test_f0_sums();
    test_frechet();
    test_extent();
    test_read(path);
    test_read_wrong(path);
    return 0;
}
