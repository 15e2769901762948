/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <math.h>
#include <string.h>

#include "tools/eval/speech/signal.h"

enum {
    RATE_HZ = 16000,
    N_FFT = 512,
    WINDOW = 400, ///< 25 ms
    HOP = 160,    ///< 10 ms
    N_MELS = 64,  ///< of the embedding, as VGGish
    N_DCT = 16,
    PATCH = 96, ///< frames of 10 ms: 0.96 s
    PATCH_HOP = 48,
};

static double mel_of(double hz)
{
    return 1127 * log1p(hz / 700);
}

/* [n_mels][N_FFT / 2 + 1]; triangles that are even on the mel axis, as AudioSet has them. */
static int make_triangles(unsigned n_mels, double low_hz, double high_hz, double **ret)
{
    const unsigned n_bins = N_FFT / 2 + 1;
    const double low = mel_of(low_hz), high = mel_of(high_hz), width = (high - low) / (n_mels + 1);
    double *w = calloc(n_mels, n_bins * sizeof(*w));

    if (!w)
        return -ENOMEM;
    for (unsigned m = 0; m < n_mels; m++)
        for (unsigned k = 1; k < n_bins; k++) { /* bin 0 counts nowhere */
            const double at = (mel_of((double) k * RATE_HZ / N_FFT) - low) / width - m;
            w[m * n_bins + k] = fmax(0, fmin(at, 2 - at));
        }
    *ret = w;
    return 0;
}

static void magnitudes(const struct eval_fft *fft, const struct audio_samples *s, size_t first,
                       double *re, double *im)
{
    memset(re, 0, N_FFT * sizeof(*re));
    memset(im, 0, N_FFT * sizeof(*im));
    for (unsigned i = 0; i < WINDOW && first + i < s->n; i++)
        re[i] = (double) s->data[first + i] * (0.5 - 0.5 * cos(2 * M_PI * i / WINDOW));
    eval_fft_run(fft, re, im);
    for (unsigned k = 0; k <= N_FFT / 2; k++)
        re[k] = hypot(re[k], im[k]);
}

int eval_log_mel(const struct audio_samples *s, unsigned n_mels, double low_hz, double high_hz,
                 double **ret, size_t *ret_n)
{
    CLEANUP(eval_fft_done) struct eval_fft fft = {0};
    CLEANUP_FREE double *triangles = NULL;
    double re[N_FFT], im[N_FFT];
    const unsigned n_bins = N_FFT / 2 + 1;

    if (s->rate_hz != RATE_HZ || n_mels < 1 || n_mels > 256)
        return -EINVAL;
    int r = eval_fft_init(&fft, N_FFT);
    if (r == 0)
        r = make_triangles(n_mels, low_hz, high_hz, &triangles);
    if (r < 0)
        return r;
    const size_t n = s->n < WINDOW ? 1 : 1 + (s->n - WINDOW) / HOP;
    double *mel = calloc(n, n_mels * sizeof(*mel));
    if (!mel)
        return -ENOMEM;
    for (size_t f = 0; f < n; f++) {
        magnitudes(&fft, s, f * HOP, re, im);
        for (unsigned m = 0; m < n_mels; m++) {
            double sum = 0;
            for (unsigned k = 0; k < n_bins; k++)
                sum += triangles[m * n_bins + k] * re[k];
            mel[f * n_mels + m] = log(sum + 0.01);
        }
    }
    *ret = mel;
    *ret_n = n;
    return 0;
}

/* Mean and deviation over frames first … last - 1 of DCT-II coefficients 0 … 15 of the log-mel. */
static void embed_patch(const double *mel, size_t first, size_t last, double out[2 * N_DCT])
{
    const double n = (double) (last - first);

    for (unsigned q = 0; q < N_DCT; q++) {
        double sum = 0, square = 0;
        for (size_t f = first; f < last; f++) {
            double c = 0;
            for (unsigned m = 0; m < N_MELS; m++)
                c += mel[f * N_MELS + m] * cos(M_PI * q * (m + 0.5) / N_MELS);
            c *= sqrt((q ? 2. : 1.) / N_MELS);
            sum += c;
            square += c * c;
        }
        out[q] = sum / n;
        out[N_DCT + q] = sqrt(fmax(square / n - out[q] * out[q], 0));
    }
}

int eval_embed(const struct audio_samples *s, struct eval_rows *to)
{
    CLEANUP_FREE double *mel = NULL;
    double row[2 * N_DCT];
    size_t n = 0;

    int r = eval_log_mel(s, N_MELS, 125, 7500, &mel, &n);
    if (r == 0 && n < PATCH) {
        embed_patch(mel, 0, n, row);
        r = eval_rows_add(to, row, 2 * N_DCT);
    }
    for (size_t f = 0; r == 0 && f + PATCH <= n; f += PATCH_HOP) {
        embed_patch(mel, f, f + PATCH, row);
        r = eval_rows_add(to, row, 2 * N_DCT);
    }
    return r;
}

double eval_rms(const struct audio_samples *s)
{
    double sum = 0;
    for (size_t i = 0; i < s->n; i++)
        sum += (double) s->data[i] * (double) s->data[i];
    return s->n ? sqrt(sum / (double) s->n) : 0;
}

static double power_at(const struct audio_samples *s, size_t first, size_t n)
{
    double sum = 0;
    for (size_t i = first; i < first + n && i < s->n; i++)
        sum += (double) s->data[i] * (double) s->data[i];
    return sum;
}

double eval_spoken_s(const struct audio_samples *s)
{
    const size_t block = MAX(s->rate_hz / 40, 1U), n = (s->n + block - 1) / block;
    size_t first = n, last = 0;
    double loudest = 0;

    for (size_t i = 0; i < n; i++)
        loudest = fmax(loudest, power_at(s, i * block, block));
    for (size_t i = 0; i < n && loudest > 0; i++)
        if (power_at(s, i * block, block) > 1e-4 * loudest) {
            first = MIN(first, i);
            last = i + 1;
        }
    return last > first ? (double) ((last - first) * block) / s->rate_hz : 0;
}
