/* SPDX-License-Identifier: Apache-2.0
 *
 * pYIN: Mauch and Dixon, "pYIN: a fundamental frequency estimator using probabilistic threshold
 * distributions", ICASSP 2014; its first stage is YIN (de Cheveigne and Kawahara, JASA 111, 2002).
 * Every threshold of YIN, weighted by a beta distribution of mean 0.1, gives a candidate; a hidden
 * Markov model of pitch bins of 10 cents, each voiced and unvoiced, takes the likeliest path.
 */

#include <errno.h>
#include <math.h>
#include <string.h>

#include "tools/eval/speech/signal.h"

enum {
    RATE_HZ = 16000,
    WINDOW = 400, ///< 25 ms that are compared with what lies a lag behind
    N_THRESHOLDS = 100,
    BINS_A_SEMITONE = 10,
};
#define NO_TROUGH 0.01       ///< the lowest value's weight where all lie above the threshold
#define QUIET 1e-5           ///< of the loudest window's power: -50 dB is no voice
#define SWITCH 0.01          ///< chance that a frame begins or ends voicing
#define OCTAVES_A_SECOND 36. ///< how fast the pitch may move

struct tracker {
    unsigned min_lag, max_lag;
    double quiet;           ///< power of a window that holds no voice
    unsigned n_bins, reach; ///< pitch bins; how many of them a frame may move
    double weight[N_THRESHOLDS + 1];
    double step[2 * 64 + 1]; ///< log chance of a move by -reach … reach
};

/* Density of the beta distribution (2, 18), whose mean is 0.1, over the thresholds. */
static void fill_weights(double weight[N_THRESHOLDS + 1])
{
    double sum = 0;
    for (unsigned i = 1; i <= N_THRESHOLDS; i++) {
        const double x = (i - 0.5) / N_THRESHOLDS;
        sum += weight[i] = x * pow(1 - x, 17);
    }
    for (unsigned i = 1; i <= N_THRESHOLDS; i++)
        weight[i] /= sum;
}

static void fill_tracker(struct tracker *t)
{
    *t = (struct tracker){.min_lag = (unsigned) floor(RATE_HZ / EVAL_F0_MAX_HZ),
                          .max_lag = (unsigned) ceil(RATE_HZ / EVAL_F0_MIN_HZ)};
    t->n_bins = (unsigned) floor(12 * BINS_A_SEMITONE * log2(EVAL_F0_MAX_HZ / EVAL_F0_MIN_HZ)) + 1;
    t->reach = (unsigned) lround(OCTAVES_A_SECOND * EVAL_HOP_S * 12 * BINS_A_SEMITONE / 2);
    fill_weights(t->weight);
    const int reach = (int) t->reach;
    for (int k = -reach; k <= reach; k++) /* a triangle of sum 1 */
        t->step[k + reach] = log((reach + 1. - abs(k)) / ((reach + 1.) * (reach + 1.)));
}

size_t eval_n_frames(const struct audio_samples *s)
{
    return (size_t) ((double) s->n / s->rate_hz / EVAL_HOP_S) + 1;
}

/* YIN's cumulative mean normalised difference of lags 0 … max_lag, around sample `centre`. */
static void difference(const struct tracker *t, const struct audio_samples *s, long centre,
                       double *out)
{
    float x[WINDOW + 512] = {0};
    const long first = centre - (long) (WINDOW + t->max_lag) / 2;
    double sum = 0;

    for (long i = 0; i < (long) (WINDOW + t->max_lag); i++)
        if (first + i >= 0 && first + i < (long) s->n)
            x[i] = s->data[first + i];
    out[0] = 1;
    for (unsigned lag = 1; lag <= t->max_lag; lag++) {
        const float *y = x + (t->max_lag - lag) / 2; /* both parts lie even about the centre */
        float d = 0;
        for (unsigned i = 0; i < WINDOW; i++)
            d += (y[i] - y[i + lag]) * (y[i] - y[i + lag]);
        sum += (double) d;
        out[lag] = sum > 0 ? (double) d * lag / sum : 1;
    }
}

/* The bin of a trough whose place is refined by the parabola through its neighbours. */
static unsigned bin_of(const struct tracker *t, const double *d, unsigned lag)
{
    double at = lag;
    if (lag > t->min_lag && lag < t->max_lag) {
        const double bend = d[lag - 1] - 2 * d[lag] + d[lag + 1];
        const double shift = bend > 0 ? (d[lag - 1] - d[lag + 1]) / (2 * bend) : 0;
        at += fabs(shift) <= 1 ? shift : 0;
    }
    const double bin = 12 * BINS_A_SEMITONE * log2(RATE_HZ / at / EVAL_F0_MIN_HZ);
    return (unsigned) fmin(fmax(lround(bin), 0), t->n_bins - 1);
}

/* Chances of the pitch bins in a frame. @return their sum */
static double observe(const struct tracker *t, const double *d, double *p)
{
    unsigned lags[512], n = 0, lowest = 0;

    memset(p, 0, t->n_bins * sizeof(*p));
    for (unsigned lag = t->min_lag; lag < t->max_lag; lag++)
        if ((lag == t->min_lag || d[lag] < d[lag - 1]) && d[lag] < d[lag + 1])
            lags[n++] = lag;
    if (n == 0)
        return 0;
    for (unsigned k = 1; k < n; k++)
        lowest = d[lags[k]] < d[lags[lowest]] ? k : lowest;
    double sum = 0;
    for (unsigned i = 1; i <= N_THRESHOLDS; i++) {
        unsigned k = 0;
        while (k < n && d[lags[k]] >= (double) i / N_THRESHOLDS)
            k++;
        const double w = k < n ? t->weight[i] : NO_TROUGH * t->weight[i];
        p[bin_of(t, d, lags[k < n ? k : lowest])] += w;
        sum += w;
    }
    return fmin(sum, 1);
}

/* One step of Viterbi's algorithm: states 0 … n_bins - 1 voiced, then as many unvoiced. */
static void advance(const struct tracker *t, const double *was, const double *p, double voiced,
                    double *now, uint16_t *from)
{
    const int n = (int) t->n_bins, reach = (int) t->reach;
    const double unvoiced = log((1 - voiced) / n + 1e-300);

    for (int k = 0; k < n; k++) {
        double best[2] = {-INFINITY, -INFINITY};
        int at[2] = {k, k};
        for (int i = MAX(k - reach, 0); i <= MIN(k + reach, n - 1); i++)
            for (int v = 0; v < 2; v++) {
                const double score = was[v * n + i] + t->step[k - i + reach];
                if (score > best[v]) {
                    best[v] = score;
                    at[v] = i;
                }
            }
        for (int v = 0; v < 2; v++) {
            const double stay = best[v] + log(1 - SWITCH), other = best[!v] + log(SWITCH);
            const double seen = v ? unvoiced : log(p[k] + 1e-300);
            now[v * n + k] = fmax(stay, other) + seen;
            from[v * n + k] = (uint16_t) (stay >= other ? v * n + at[v] : !v * n + at[!v]);
        }
    }
}

static double power_around(const struct audio_samples *s, long centre)
{
    double sum = 0;
    for (long i = MAX(centre - WINDOW / 2, 0L); i < MIN(centre + WINDOW / 2, (long) s->n); i++)
        sum += (double) s->data[i] * (double) s->data[i];
    return sum;
}

static long centre_of(size_t frame)
{
    return lround((double) frame * EVAL_HOP_S * RATE_HZ);
}

static void find_quiet(struct tracker *t, const struct audio_samples *s, size_t n)
{
    for (size_t f = 0; f < n; f++)
        t->quiet = fmax(t->quiet, QUIET * power_around(s, centre_of(f)));
}

static int track(const struct tracker *t, const struct audio_samples *s, size_t n, double *f0_hz)
{
    const size_t n_states = 2 * t->n_bins;
    CLEANUP_FREE double *work = calloc(2 * n_states + t->n_bins + 512, sizeof(*work));
    CLEANUP_FREE uint16_t *from = calloc(n, n_states * sizeof(*from));
    if (!work || !from)
        return -ENOMEM;
    double *was = work, *now = work + n_states, *p = now + n_states, *d = p + t->n_bins;
    for (size_t f = 0; f < n; f++) {
        difference(t, s, centre_of(f), d);
        double voiced = observe(t, d, p);
        if (power_around(s, centre_of(f)) <= t->quiet) {
            memset(p, 0, t->n_bins * sizeof(*p));
            voiced = 0;
        }
        advance(t, was, p, voiced, now, from + f * n_states);
        double *const old = was;
        was = now;
        now = old;
    }
    size_t state = 0;
    for (size_t i = 1; i < n_states; i++)
        state = was[i] > was[state] ? i : state;
    for (size_t f = n; f-- > 0; state = from[f * n_states + state])
        f0_hz[f] =
            state < t->n_bins ? EVAL_F0_MIN_HZ * exp2((double) state / (12 * BINS_A_SEMITONE)) : 0;
    return 0;
}

int eval_pitch(const struct audio_samples *s, double **ret)
{
    CLEANUP(audio_samples_done) struct audio_samples at16k = {0};
    struct tracker t;

    int r = audio_resample(s, RATE_HZ, &at16k);
    if (r < 0)
        return r;
    const size_t n = eval_n_frames(s);
    CLEANUP_FREE double *f0_hz = calloc(n, sizeof(*f0_hz));
    if (!f0_hz)
        return -ENOMEM;
    fill_tracker(&t);
    find_quiet(&t, &at16k, n);
    r = track(&t, &at16k, n, f0_hz);
    if (r == 0)
        *ret = TAKE_PTR(f0_hz);
    return r;
}
