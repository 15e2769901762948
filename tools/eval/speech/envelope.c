/* SPDX-License-Identifier: Apache-2.0
 *
 * CheapTrick (Morise, "CheapTrick, a spectral envelope estimator for high-quality speech
 * synthesis", Speech Communication 67, 2015): a Hann window of three periods, the power below F0
 * made good by what lies as far above, a running mean over 2/3 F0, and a lifter that undoes what
 * the mean smeared. Then the mel-cepstrum: the envelope's cepstrum on a bent frequency axis
 * (Tokuda et al., ICSLP 1994; the recursion is Oppenheim and Johnson's of 1972).
 */

#include <errno.h>
#include <math.h>
#include <string.h>

#include "tools/eval/speech/signal.h"

#define UNVOICED_HZ 500.0 ///< stands for F0 where there is none
#define RECOVERY (-0.15)  ///< q1 of the paper
#define FLOOR 1e-16       ///< of power, under 16-bit silence

const struct eval_cepstrum eval_cepstrum_pymcd = {22050, 512, 13, 0.65, true};
const struct eval_cepstrum eval_cepstrum_24 = {16000, 1024, 24, 0.42, false};

void eval_cepstra_done(struct eval_cepstra *c)
{
    free(c->c);
    *c = (struct eval_cepstra){0};
}

struct envelope {
    struct eval_fft fft;
    double rate_hz;
    double *re, *im, *power, *sums; ///< owned as one
};

static int envelope_init(struct envelope *e, const struct eval_cepstrum *how)
{
    const size_t n = how->fft_size;

    *e = (struct envelope){.rate_hz = how->rate_hz};
    int r = eval_fft_init(&e->fft, how->fft_size);
    if (r < 0)
        return r;
    e->re = calloc(5 * n + 8, sizeof(double));
    if (!e->re)
        return -ENOMEM;
    e->im = e->re + n;
    e->power = e->im + n;
    e->sums = e->power + n;
    return 0;
}

static void envelope_done(struct envelope *e)
{
    eval_fft_done(&e->fft);
    free(e->re);
}

/* Three periods around `at_s`, windowed, without the mean, of power 1 for white noise of power 1 */
static void take_window(struct envelope *e, const struct audio_samples *s, double at_s, double f0)
{
    const long half = lround(1.5 * e->rate_hz / f0), centre = lround(at_s * e->rate_hz);
    double window[2048], sum = 0, square = 0, weighted = 0;
    const long n = MIN(2 * half + 1, MIN((long) e->fft.n, (long) ELEMENTSOF(window)));

    memset(e->re, 0, 2 * e->fft.n * sizeof(double)); /* im lies behind re */
    for (long i = 0; i < n; i++) {
        const double t = (double) (i - half) / e->rate_hz / 1.5;
        window[i] = 0.5 * cos(M_PI * t * f0) + 0.5;
        square += window[i] * window[i];
    }
    for (long i = 0; i < n; i++) {
        const long k = MAX(MIN(centre - half + i, (long) s->n - 1), 0L);
        window[i] /= sqrt(square);
        e->re[i] = (double) s->data[k] * window[i];
        weighted += e->re[i];
        sum += window[i];
    }
    for (long i = 0; i < n; i++)
        e->re[i] -= window[i] * weighted / sum;
}

/* A value of the first `n` between its samples. */
static double between(const double *x, size_t n, double at)
{
    const double i = fmin(fmax(floor(at), 0), (double) n - 2);
    return x[(size_t) i] + (at - i) * (x[(size_t) i + 1] - x[(size_t) i]);
}

/* Below F0 a voice has its lowest harmonic's lobe only: add the mirror image about F0 / 2. */
static void correct_low(struct envelope *e, double f0)
{
    const double bin_hz = e->rate_hz / e->fft.n;
    const size_t n = (size_t) (f0 / bin_hz) + 1, n_bins = e->fft.n / 2 + 1;

    for (size_t k = 0; k < n && k < n_bins; k++)
        e->sums[k] = between(e->power, n_bins, f0 / bin_hz - (double) k);
    for (size_t k = 0; k < n && k < n_bins; k++)
        e->power[k] += e->sums[k];
}

/* Mean of the power within `width` Hz around each bin, the spectrum going on as its mirror image:
 * differences of the running sum, whose step k covers half a bin on each side of bin k. */
static void smooth(struct envelope *e, double width_hz)
{
    const double bin_hz = e->rate_hz / e->fft.n;
    const long n_bins = (long) e->fft.n / 2 + 1, border = (long) (width_hz / bin_hz) + 2;
    const long n = MIN(n_bins + 2 * border, 2 * (long) e->fft.n);

    e->sums[0] = 0;
    for (long i = 0; i < n; i++) {
        long k = labs(i - border);
        k = k >= n_bins ? 2 * (n_bins - 1) - k : k;
        e->sums[i + 1] = e->sums[i] + e->power[MIN(MAX(k, 0L), n_bins - 1)];
    }
    const double reach = width_hz / bin_hz / 2;
    for (long k = 0; k < n_bins; k++) {
        const double at = (double) (k + border) + 0.5;
        const double high = between(e->sums, (size_t) n + 1, at + reach);
        const double low = between(e->sums, (size_t) n + 1, at - reach);
        e->re[k] = (high - low) / (2 * reach);
    }
    memcpy(e->power, e->re, (size_t) n_bins * sizeof(double));
}

/* Log power -> its cepstrum in `re` (real and even). */
static void to_cepstrum(struct envelope *e, const double *log_power)
{
    const unsigned n = e->fft.n;
    for (unsigned k = 0; k < n; k++) {
        e->re[k] = log_power[k <= n / 2 ? k : n - k];
        e->im[k] = 0;
    }
    eval_fft_run(&e->fft, e->re, e->im);
    for (unsigned k = 0; k < n; k++)
        e->re[k] /= n;
}

static void lift(struct envelope *e, double f0)
{
    const unsigned n = e->fft.n;

    for (unsigned k = 0; k <= n / 2; k++)
        e->power[k] = log(e->power[k] + FLOOR);
    to_cepstrum(e, e->power);
    for (unsigned k = 0; k < n; k++) {
        const double q = f0 * (k <= n / 2 ? k : n - k) / e->rate_hz;
        const double mean = q > 0 ? sin(M_PI * q) / (M_PI * q) : 1;
        e->re[k] *= mean * (1 - 2 * RECOVERY + 2 * RECOVERY * cos(2 * M_PI * q));
        e->im[k] = 0;
    }
    eval_fft_run(&e->fft, e->re, e->im);
    for (unsigned k = 0; k <= n / 2; k++)
        e->power[k] = exp(e->re[k]);
}

static void find_envelope(struct envelope *e, const struct audio_samples *s, double at_s, double f0)
{
    /* the window must fit into the transform */
    const double least = 3 * e->rate_hz / (e->fft.n - 3.);
    const double hz = f0 > least ? f0 : UNVOICED_HZ;

    take_window(e, s, at_s, hz);
    eval_fft_run(&e->fft, e->re, e->im);
    for (unsigned k = 0; k <= e->fft.n / 2; k++)
        e->power[k] = e->re[k] * e->re[k] + e->im[k] * e->im[k];
    correct_low(e, hz);
    smooth(e, hz * 2 / 3);
    lift(e, hz);
}

/* c (n of them) on the frequency axis bent by an all-pass: order + 1 of them. */
static void bend(const double *c, unsigned n, double alpha, unsigned order, double *out)
{
    double was[65] = {0};

    memset(out, 0, (order + 1) * sizeof(*out));
    for (unsigned i = n; i-- > 0;) {
        memcpy(was, out, (order + 1) * sizeof(*out));
        out[0] = c[i] + alpha * was[0];
        if (order >= 1)
            out[1] = (1 - alpha * alpha) * was[0] + alpha * was[1];
        for (unsigned k = 2; k <= order; k++)
            out[k] = was[k - 1] + alpha * (was[k] - out[k - 1]);
    }
}

static void find_cepstrum(struct envelope *e, const struct eval_cepstrum *how, double *out)
{
    const unsigned n = e->fft.n;
    for (unsigned k = 0; k <= n / 2; k++) {
        const double p = e->power[k];
        e->power[k] = how->as_pymcd ? log(p * p + 1e-8) : log(p);
    }
    to_cepstrum(e, e->power);
    e->re[0] /= 2; /* of log amplitude, the others twice: one-sided */
    e->re[n / 2] /= 2;
    bend(e->re, n / 2 + 1, how->alpha, how->order, out);
}

int eval_cepstra(const struct audio_samples *s, const double *f0_hz, size_t n_f0,
                 const struct eval_cepstrum *how, struct eval_cepstra *ret)
{
    CLEANUP(audio_samples_done) struct audio_samples sound = {0};
    CLEANUP(envelope_done) struct envelope e = {0};

    if (how->order < 1 || how->order > 64)
        return -EINVAL;
    int r = audio_resample(s, how->rate_hz, &sound);
    if (r == 0)
        r = envelope_init(&e, how);
    if (r < 0)
        return r;
    const size_t n = eval_n_frames(s);
    CLEANUP_FREE double *c = calloc(n, (how->order + 1) * sizeof(*c));
    if (!c)
        return -ENOMEM;
    for (size_t f = 0; f < n; f++) {
        find_envelope(&e, &sound, (double) f * EVAL_HOP_S, f < n_f0 ? f0_hz[f] : 0);
        find_cepstrum(&e, how, c + f * (how->order + 1));
    }
    *ret = (struct eval_cepstra){TAKE_PTR(c), n, how->order};
    return 0;
}
