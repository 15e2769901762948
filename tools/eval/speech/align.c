/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "tools/eval/speech/signal.h"

enum step { BOTH, FIRST, SECOND };

void eval_path_done(struct eval_path *p)
{
    free(p->at);
    *p = (struct eval_path){0};
}

static double distance(const struct eval_cepstra *a, const struct eval_cepstra *b, size_t i,
                       size_t k, unsigned from)
{
    const double *x = a->c + i * (a->order + 1), *y = b->c + k * (b->order + 1);
    double sum = 0;

    for (unsigned m = from; m <= a->order; m++)
        sum += (x[m] - y[m]) * (x[m] - y[m]);
    return sqrt(sum);
}

/* Where sums are equal, as in digital silence, fastdtw goes the long way round. */
static enum step choose(double both, double first, double second, bool as_fastdtw)
{
    const enum step side = first <= second ? FIRST : SECOND;
    const double best = fmin(first, second);

    return as_fastdtw ? (both < best ? BOTH : side) : (both <= best ? BOTH : side);
}

/* Smallest sums from (0, 0) to each pair of frames; only the step that led there is kept. */
static int fill(const struct eval_cepstra *a, const struct eval_cepstra *b, bool as_fastdtw,
                uint8_t *steps)
{
    CLEANUP_FREE double *sums = calloc(2 * b->n, sizeof(*sums));
    if (!sums)
        return -ENOMEM;
    double *was = sums, *now = sums + b->n;
    for (size_t i = 0; i < a->n; i++) {
        for (size_t k = 0; k < b->n; k++) {
            const double both = i && k ? was[k - 1] : i || k ? INFINITY : 0;
            const double first = i ? was[k] : INFINITY, second = k ? now[k - 1] : INFINITY;
            const enum step step = choose(both, first, second, as_fastdtw);
            steps[i * b->n + k] = (uint8_t) step;
            now[k] = (step == BOTH    ? both
                      : step == FIRST ? first
                                      : second) +
                     distance(a, b, i, k, 1);
        }
        double *const old = was;
        was = now;
        now = old;
    }
    return 0;
}

int eval_align(const struct eval_cepstra *a, const struct eval_cepstra *b, bool as_fastdtw,
               struct eval_path *ret)
{
    const size_t most = (size_t) (EVAL_MAX_SPEECH_S / EVAL_HOP_S) + 2;
    if (a->order != b->order || a->n == 0 || b->n == 0 || a->n > most || b->n > most)
        return -EINVAL;
    CLEANUP_FREE uint8_t *steps = calloc(a->n, b->n);
    CLEANUP_FREE uint32_t(*at)[2] = calloc(a->n + b->n, sizeof(*at));
    if (!steps || !at)
        return -ENOMEM;
    int r = fill(a, b, as_fastdtw, steps);
    if (r < 0)
        return r;
    size_t n = 0, i = a->n - 1, k = b->n - 1;
    for (;;) {
        at[n][0] = (uint32_t) i;
        at[n++][1] = (uint32_t) k;
        if (i == 0 && k == 0)
            break;
        const enum step step = (enum step) steps[i * b->n + k];
        i -= step != SECOND;
        k -= step != FIRST;
    }
    for (size_t m = 0; m < n / 2; m++)
        for (int side = 0; side < 2; side++) {
            const uint32_t x = at[m][side];
            at[m][side] = at[n - 1 - m][side];
            at[n - 1 - m][side] = x;
        }
    *ret = (struct eval_path){TAKE_PTR(at), n};
    return 0;
}

double eval_mcd(const struct eval_cepstra *a, const struct eval_cepstra *b,
                const struct eval_path *path, unsigned from)
{
    double sum = 0;

    for (size_t m = 0; m < path->n; m++)
        sum += distance(a, b, path->at[m][0], path->at[m][1], from);
    return 10 / M_LN10 * M_SQRT2 * sum / (double) path->n;
}

void eval_f0_add(struct eval_f0_sums *sums, const double *a_hz, size_t n_a, const double *b_hz,
                 size_t n_b, const struct eval_path *path)
{
    for (size_t m = 0; m < path->n; m++) {
        const size_t i = path->at[m][0], k = path->at[m][1];
        const double x = i < n_a ? a_hz[i] : 0, y = k < n_b ? b_hz[k] : 0;
        sums->n_all++;
        sums->n_vuv += (x > 0) != (y > 0);
        if (!(x > 0 && y > 0))
            continue;
        const double cents = 1200 * log2(y / x);
        sums->n++;
        sums->square_hz += (y - x) * (y - x);
        sums->square_cents += cents * cents;
        sums->x += x;
        sums->y += y;
        sums->xx += x * x;
        sums->yy += y * y;
        sums->xy += x * y;
    }
}

void eval_f0_join(struct eval_f0_sums *to, const struct eval_f0_sums *s)
{
    to->n += s->n;
    to->n_all += s->n_all;
    to->n_vuv += s->n_vuv;
    to->square_hz += s->square_hz;
    to->square_cents += s->square_cents;
    to->x += s->x;
    to->y += s->y;
    to->xx += s->xx;
    to->yy += s->yy;
    to->xy += s->xy;
}

double eval_f0_rmse_hz(const struct eval_f0_sums *s)
{
    return s->n ? sqrt(s->square_hz / (double) s->n) : NAN;
}

double eval_f0_rmse_cents(const struct eval_f0_sums *s)
{
    return s->n ? sqrt(s->square_cents / (double) s->n) : NAN;
}

double eval_f0_corr(const struct eval_f0_sums *s)
{
    const double n = (double) s->n;
    const double xx = n * s->xx - s->x * s->x, yy = n * s->yy - s->y * s->y;

    /* of a pitch that does not move there is none, but for what rounding leaves */
    if (s->n < 2 || xx <= 1e-9 * n * s->xx || yy <= 1e-9 * n * s->yy)
        return NAN;
    return (n * s->xy - s->x * s->y) / sqrt(xx * yy);
}

double eval_f0_vuv(const struct eval_f0_sums *s)
{
    return s->n_all ? (double) s->n_vuv / (double) s->n_all : NAN;
}
