/* SPDX-License-Identifier: Apache-2.0 */

#include "braille/grid.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"

#define MIN_POINTS 12 ///< fewer dots make no page
#define STEP 0.05     ///< bin of a profile, in dot pitches
#define SPREAD 0.085  ///< deviation of a dot from its line, in dot pitches

/* Weight of the dots along one axis, in bins of `bin`, from `from` on. */
struct profile {
    double from, bin;
    size_t n;
    double *w; ///< owned
};

static void profile_done(struct profile *p)
{
    free(p->w);
    *p = (struct profile){0};
}

static double profile_at(const struct profile *p, double x)
{
    const double at = (x - p->from) / p->bin;
    if (!(at >= 0) || at >= (double) (p->n - 1))
        return 0;
    const size_t i = (size_t) at;
    const double f = at - (double) i;
    return p->w[i] * (1 - f) + p->w[i + 1] * f;
}

/* Every dot becomes a Gaussian of height `weight`: the profile at a line's place is then the weight
 * of the dots on it. */
static int profile_new(const double *x, const double *weight, size_t n, double from, double to,
                       double pitch, struct profile *ret)
{
    struct profile p = {.from = from - 2 * pitch, .bin = STEP * pitch};

    p.n = (size_t) ((to - from + 4 * pitch) / p.bin) + 2;
    p.w = calloc(p.n, sizeof(*p.w));
    if (!p.w)
        return -ENOMEM;
    const int reach = (int) ceil(3 * SPREAD / STEP);
    for (size_t i = 0; i < n; i++) {
        const double at = (x[i] - p.from) / p.bin;
        const long mid = lround(at);
        for (long k = mid - reach; k <= mid + reach; k++)
            if (k >= 0 && k < (long) p.n) {
                const double d = ((double) k - at) * STEP / SPREAD;
                p.w[k] += weight[i] * exp(-0.5 * d * d);
            }
    }
    *ret = p;
    return 0;
}

/* ---- skew ---- */

/* Sum of squares of the histogram of the dots across a direction: largest along the lines. */
static double sharpness(const struct brl_grid_point *pt, size_t n, double cx, double cy, double deg,
                        double bin, double *hist, size_t n_hist, bool rows)
{
    const double c = cos(deg * M_PI / 180), s = sin(deg * M_PI / 180);
    double sum = 0;

    memset(hist, 0, n_hist * sizeof(*hist));
    for (size_t i = 0; i < n; i++) {
        const double dx = pt[i].x - cx, dy = pt[i].y - cy;
        const double at = (rows ? dy * c - dx * s : dx * c + dy * s) / bin + (double) n_hist / 2;
        if (at < 0 || at >= (double) (n_hist - 1))
            continue;
        const size_t k = (size_t) at;
        const double f = at - (double) k;
        hist[k] += pt[i].weight * (1 - f);
        hist[k + 1] += pt[i].weight * f;
    }
    for (size_t k = 0; k < n_hist; k++)
        sum += hist[k] * hist[k];
    return sum;
}

static int find_skew(const struct brl_grid_point *pt, size_t n, const struct brl_grid_params *par,
                     double pitch, double *ret)
{
    const double reach = hypot(par->width, par->height);
    const double cx = par->width / 2, cy = par->height / 2;
    double best = 0;

    /* each pass: bins so fine and steps so small that a bin over the page is one step */
    const struct {
        double bin, step, range;
    } passes[] = {{0.3, 0.15, par->max_skew_deg}, {0.12, 0.03, 0.3}, {0.08, 0.01, 0.06}};
    const size_t n_hist = (size_t) (reach / (0.08 * pitch)) + 4;
    CLEANUP_FREE double *hist = malloc(n_hist * sizeof(*hist));
    if (!hist)
        return -ENOMEM;
    for (size_t p = 0; p < ELEMENTSOF(passes); p++) {
        const double bin = passes[p].bin * pitch, middle = best;
        const size_t m = (size_t) (reach / bin) + 4;
        double top = -1;
        for (double d = -passes[p].range; d <= passes[p].range + 1e-9; d += passes[p].step) {
            const double v = sharpness(pt, n, cx, cy, middle + d, bin, hist, m, true) +
                             sharpness(pt, n, cx, cy, middle + d, bin, hist, m, false);
            if (v > top) {
                top = v;
                best = middle + d;
            }
        }
    }
    *ret = best;
    return 0;
}

/* ---- periods ---- */

struct period {
    double period, pitch, score;
};
#define N_PERIODS 3 ///< candidates that are followed up

/* Fold a profile over one period: mean of its repetitions. */
static void fold(const struct profile *p, double period, double *out, size_t n_out)
{
    memset(out, 0, n_out * sizeof(*out));
    const double per_bin = (double) n_out / period;
    double at = fmod(p->from, period) * per_bin;
    for (size_t i = 0; i < p->n; i++, at += p->bin * per_bin) {
        while (at < 0)
            at += (double) n_out;
        while (at >= (double) n_out)
            at -= (double) n_out;
        const size_t k = (size_t) at;
        const double f = at - (double) k;
        out[k] += p->w[i] * (1 - f);
        out[k + 1 < n_out ? k + 1 : 0] += p->w[i] * f;
    }
}

/* Keep the best candidates of different periods, best first. */
static void keep_period(struct period best[N_PERIODS], const struct period *now)
{
    unsigned at = N_PERIODS;

    for (unsigned i = 0; i < N_PERIODS; i++)
        if (fabs(best[i].period - now->period) < 0.03 * now->period) {
            if (best[i].score >= now->score)
                return;
            at = i; /* the same peak, nearer to its top */
            break;
        }
    if (at == N_PERIODS) {
        at = N_PERIODS - 1;
        if (best[at].score >= now->score)
            return;
    }
    for (; at > 0 && best[at - 1].score < now->score; at--)
        best[at] = best[at - 1];
    best[at] = *now;
}

/* Periods and pitches under which `n_lines` dot lines a period (2 columns or 3 rows, a pitch apart)
 * catch most of the weight, measured against an even spread in deviations. */
static int find_periods(const struct profile *p, unsigned n_lines, double min_pitch,
                        double max_pitch, double min_ratio, double max_ratio,
                        struct period best[N_PERIODS])
{
    const double step = 0.0015 * min_pitch * min_ratio;
    enum { MAX_FOLD = 512 };
    double folded[MAX_FOLD], total = 0;

    for (unsigned i = 0; i < N_PERIODS; i++)
        best[i] = (struct period){.score = -INFINITY};
    for (size_t i = 0; i < p->n; i++)
        total += p->w[i];
    if (!(total > 0))
        return -ENODATA;
    for (double period = min_pitch * min_ratio; period <= max_pitch * max_ratio; period += step) {
        const size_t n = MIN((size_t) lround(period / p->bin), (size_t) MAX_FOLD);
        fold(p, period, folded, n);
        /* a line's window: where its dots' weight was spread to */
        const double window = 2 * SPREAD * (max_pitch + min_pitch) / 2 / period * n_lines;
        const double mean = total / (double) n;
        struct period top = {.score = -INFINITY};
        for (double a = MAX(min_pitch, period / max_ratio); a <= MIN(max_pitch, period / min_ratio);
             a += p->bin) {
            const size_t shift = (size_t) lround(a * (double) n / period);
            for (size_t k = 0; k < n; k++) {
                double on = 0;
                for (unsigned j = 0; j < n_lines; j++)
                    on += folded[(k + j * shift) % n];
                /* share of the weight within the window, as if the peak filled it */
                const double share = on / n_lines / mean * window;
                const double score = (share - window) / sqrt(window * (1 - window));
                if (score > top.score)
                    top = (struct period){period, a, score};
            }
        }
        if (isfinite(top.score))
            keep_period(best, &top);
    }
    return isfinite(best[0].score) ? 0 : -ENODATA;
}

/* ---- lines and columns ---- */

/* Best value near `x`, where the dots of one line may have drifted to. */
static double near(const struct profile *p, double x, double reach)
{
    double best = 0;
    for (double d = -reach; d <= reach + 1e-9; d += reach / 2) {
        const double v = profile_at(p, x + d) * (1 - 0.1 * fabs(d) / reach);
        best = MAX(best, v);
    }
    return best;
}

/* Place a chain of lines (groups of `n_lines` dot lines) so that they catch most dots; the distance
 * of neighbours may vary about `period`, at a price. Places that catch nothing keep the rhythm over
 * blank stretches. -> positions of the groups' first dot lines. */
static int place(const struct profile *p, unsigned n_lines, double pitch, double period,
                 double give, double stiff, double **ret, unsigned *ret_n)
{
    const size_t n = p->n;
    CLEANUP_FREE double *value = calloc(n, sizeof(double)), *best = calloc(n, sizeof(double));
    CLEANUP_FREE int *prev = calloc(n, sizeof(int));
    if (!value || !best || !prev)
        return -ENOMEM;

    const int lo = (int) floor(period * (1 - give) / p->bin);
    const int hi = (int) ceil(period * (1 + give) / p->bin);
    size_t last = 0;
    for (size_t i = 0; i < n; i++) {
        const double x = p->from + (double) i * p->bin;
        for (unsigned j = 0; j < n_lines; j++)
            value[i] += near(p, x + j * pitch, 0.1 * pitch);
        best[i] = value[i];
        prev[i] = -1;
        for (int g = lo; g <= hi && g <= (int) i; g++) {
            const double off = (g * p->bin - period) / (0.05 * period);
            const double v = best[i - (size_t) g] + value[i] - stiff * off * off;
            if (v > best[i]) {
                best[i] = v;
                prev[i] = (int) i - g;
            }
        }
        if (best[i] > best[last])
            last = i;
    }
    unsigned count = 1;
    for (int i = (int) last; prev[i] >= 0; i = prev[i])
        count++;
    double *out = malloc(count * sizeof(*out));
    if (!out)
        return -ENOMEM;
    int i = (int) last;
    for (unsigned k = count; k-- > 0; i = prev[i])
        out[k] = p->from + i * p->bin;
    *ret = out;
    *ret_n = count;
    return 0;
}

/* Pull a line to the weighted mean of the dots near it; `prior` is the weight of where it was. */
static double pull(const double *x, const double *weight, size_t n, double at, double reach,
                   double prior, double *ret_weight)
{
    double sum = 0, w = 0;
    for (size_t i = 0; i < n; i++) {
        const double d = x[i] - at;
        if (fabs(d) < reach) {
            sum += weight[i] * d;
            w += weight[i];
        }
    }
    if (ret_weight)
        *ret_weight = w;
    return at + sum / (w + prior);
}

static int by_double(const void *a, const void *b)
{
    const double x = *(const double *) a, y = *(const double *) b;
    return (x > y) - (x < y);
}

static double median_gap(const double *x, unsigned n, double fallback)
{
    CLEANUP_FREE double *gap = n > 1 ? malloc((n - 1) * sizeof(*gap)) : NULL;
    if (!gap)
        return fallback;
    for (unsigned i = 0; i + 1 < n; i++)
        gap[i] = x[i + 1] - x[i];
    qsort(gap, n - 1, sizeof(*gap), by_double);
    return gap[(n - 1) / 2];
}

/* Mean distance of the second dot line from the first, over all groups. */
static double refine_pitch(const double *x, const double *weight, size_t n, const double *first,
                           unsigned n_first, unsigned n_lines, double pitch)
{
    double sum = 0, w = 0;
    for (unsigned k = 0; k < n_first; k++) {
        double at[3], wt[3];
        for (unsigned j = 0; j < n_lines; j++)
            at[j] = pull(x, weight, n, first[k] + j * pitch, 0.3 * pitch, 1e-9, &wt[j]);
        for (unsigned j = 1; j < n_lines; j++) {
            const double both = MIN(wt[j], wt[j - 1]);
            sum += both * (at[j] - at[j - 1]);
            w += both;
        }
    }
    return w > 3 ? sum / w : pitch;
}

/* Drop groups without dots at both ends. */
static void trim(const double *x, const double *weight, size_t n, unsigned n_lines, double pitch,
                 double least, double *first, unsigned *n_first)
{
    unsigned from = 0, to = *n_first;
    while (to - from > 1) {
        double w = 0;
        for (unsigned j = 0; j < n_lines; j++) {
            double wj;
            pull(x, weight, n, first[from] + j * pitch, 0.25 * pitch, 1, &wj);
            w += wj;
        }
        if (w >= least)
            break;
        from++;
    }
    while (to - from > 1) {
        double w = 0;
        for (unsigned j = 0; j < n_lines; j++) {
            double wj;
            pull(x, weight, n, first[to - 1] + j * pitch, 0.25 * pitch, 1, &wj);
            w += wj;
        }
        if (w >= least)
            break;
        to--;
    }
    memmove(first, first + from, (to - from) * sizeof(*first));
    *n_first = to - from;
}

/* Groups' mean offset from where they were placed: all their dot lines together. */
static void settle(const double *x, const double *weight, size_t n, unsigned n_lines, double pitch,
                   double prior, double *first, unsigned n_first)
{
    for (unsigned k = 0; k < n_first; k++) {
        double sum = 0, w = 0;
        for (unsigned j = 0; j < n_lines; j++) {
            double wj;
            const double at = first[k] + j * pitch;
            sum += (pull(x, weight, n, at, 0.25 * pitch, 1e-9, &wj) - at) * wj;
            w += wj;
        }
        first[k] += sum / (w + prior);
    }
}

struct axes {
    double *x, *y, *w; ///< [n], owned, in the grid's frame
};

static void axes_done(struct axes *a)
{
    free(a->x);
    free(a->y);
    free(a->w);
}

void brl_grid_out(const struct brl_grid *g, double x, double y, double *ret_x, double *ret_y)
{
    const double c = cos(g->skew_deg * M_PI / 180), s = sin(g->skew_deg * M_PI / 180);
    const double dx = x - g->cx, dy = y - g->cy;
    *ret_x = g->cx + dx * c - dy * s;
    *ret_y = g->cy + dx * s + dy * c;
}

void brl_grid_in(const struct brl_grid *g, double x, double y, double *ret_x, double *ret_y)
{
    const double c = cos(g->skew_deg * M_PI / 180), s = sin(g->skew_deg * M_PI / 180);
    const double dx = x - g->cx, dy = y - g->cy;
    *ret_x = g->cx + dx * c + dy * s;
    *ret_y = g->cy - dx * s + dy * c;
}

/* Lines along one axis: groups of `n_lines`. */
struct chain {
    double *first; ///< owned
    unsigned n;
    double pitch, period;
    double share; ///< of the dots' weight that lies on the lines
    double score; ///< of the period it was placed by
};

/* Share of the weight that lies on the lines. */
static double share_of(const struct chain *c, unsigned n_lines, const double *x,
                       const double *weight, size_t n)
{
    double on = 0, all = 0;

    for (size_t i = 0; i < n; i++) {
        double d = INFINITY;
        for (unsigned k = 0; k < c->n; k++)
            for (unsigned j = 0; j < n_lines; j++)
                d = fmin(d, fabs(x[i] - c->first[k] - j * c->pitch));
        all += weight[i];
        on += d < 0.13 * c->pitch ? weight[i] : 0;
    }
    return all > 0 ? on / all : 0;
}

/* What is asked of a chain. */
struct chain_params {
    unsigned n_lines;
    double min_pitch, max_pitch, min_ratio, max_ratio; ///< ratio: period over pitch
    double give, stiff;                                ///< see place()
    double prior;                                      ///< weight of where a group was placed
    double length;                                     ///< of the axis
};

static int fit_period(const struct profile *p, const struct chain_params *par,
                      const struct period *period, const double *x, const double *w, size_t n,
                      struct chain *ret)
{
    struct chain c = {0};

    int r = place(p, par->n_lines, period->pitch, period->period, par->give, par->stiff, &c.first,
                  &c.n);
    if (r < 0)
        return r;
    c.pitch = refine_pitch(x, w, n, c.first, c.n, par->n_lines, period->pitch);
    trim(x, w, n, par->n_lines, c.pitch, 0.8, c.first, &c.n);
    settle(x, w, n, par->n_lines, c.pitch, par->prior, c.first, c.n);
    c.period = median_gap(c.first, c.n, period->period);
    c.share = share_of(&c, par->n_lines, x, w, n);
    c.score = period->score;
    const double ratio = c.period / c.pitch;
    if (ratio < 0.97 * par->min_ratio || ratio > 1.03 * par->max_ratio) {
        free(c.first); /* not braille, whatever it is */
        return -ENODATA;
    }
    *ret = c;
    return 0;
}

/* The chain that explains the dots best, of a few candidates for its period. */
static int fit_chain(const double *x, const double *w, size_t n, const struct chain_params *par,
                     struct chain *ret)
{
    CLEANUP(profile_done) struct profile p = {0};
    struct period period[N_PERIODS];
    struct chain best = {0};

    int r = profile_new(x, w, n, 0, par->length, (par->min_pitch + par->max_pitch) / 2, &p);
    if (r == 0)
        r = find_periods(&p, par->n_lines, par->min_pitch, par->max_pitch, par->min_ratio,
                         par->max_ratio, period);
    for (unsigned i = 0; r == 0 && i < N_PERIODS && isfinite(period[i].score); i++) {
        struct chain now = {0};
        const int r2 = fit_period(&p, par, &period[i], x, w, n, &now);
        if (r2 == -ENOMEM)
            r = r2;
        if (r2 < 0)
            continue;
        /* the periods come best first; a later one must explain clearly more */
        if (now.share > 1.1 * best.share) {
            free(best.first);
            best = now;
        } else {
            free(now.first);
        }
    }
    if (r == 0 && !best.first)
        r = -ENODATA;
    if (r == 0)
        *ret = best;
    else
        free(best.first);
    return r;
}

static int fit_columns(struct brl_grid *g, const struct axes *ax, size_t n,
                       const struct brl_grid_params *par, double *ret_score)
{
    const struct chain_params cp = {
        .n_lines = 2,
        .min_pitch = par->min_pitch,
        .max_pitch = par->max_pitch,
        .min_ratio = 2.2,
        .max_ratio = 2.72,
        .give = 0.12,
        .stiff = 2,
        .prior = 3,
        .length = par->width,
    };
    struct chain c = {0};

    int r = fit_chain(ax->x, ax->w, n, &cp, &c);
    if (r < 0)
        return r;
    g->column_x = c.first;
    g->n_columns = c.n;
    g->pitch = c.pitch;
    g->cell = c.period;
    *ret_score = c.score;
    return 0;
}

static int fit_rows(struct brl_grid *g, const struct axes *ax, size_t n,
                    const struct brl_grid_params *par, double *ret_score)
{
    const struct chain_params cp = {
        .n_lines = 3,
        .min_pitch = 0.92 * g->pitch,
        .max_pitch = 1.08 * g->pitch,
        .min_ratio = 3.55,
        .max_ratio = 4.7,
        .give = 0.2,
        .stiff = 0.7,
        .prior = 2,
        .length = par->height,
    };
    struct chain c = {0};

    int r = fit_chain(ax->y, ax->w, n, &cp, &c);
    if (r < 0)
        return r;
    g->n_rows = c.n;
    g->row_pitch = c.pitch;
    g->line = c.period;
    g->row_y = malloc(c.n * 3 * sizeof(*g->row_y));
    for (unsigned k = 0; g->row_y && k < c.n; k++)
        for (unsigned j = 0; j < 3; j++)
            g->row_y[3 * k + j] =
                pull(ax->y, ax->w, n, c.first[k] + j * c.pitch, 0.25 * c.pitch, 6, NULL);
    free(c.first);
    *ret_score = c.score;
    return g->row_y ? 0 : -ENOMEM;
}

/* Share of the dots' weight that lies on the grid. */
static double fit_of(const struct brl_grid *g, const struct axes *ax, size_t n)
{
    double on = 0, all = 0;
    for (size_t i = 0; i < n; i++) {
        double dx = INFINITY, dy = INFINITY;
        for (unsigned k = 0; k < g->n_columns; k++)
            dx = fmin(dx, fmin(fabs(ax->x[i] - g->column_x[k]),
                               fabs(ax->x[i] - g->column_x[k] - g->pitch)));
        for (unsigned k = 0; k < 3 * g->n_rows; k++)
            dy = fmin(dy, fabs(ax->y[i] - g->row_y[k]));
        all += ax->w[i];
        if (dx < 0.2 * g->pitch && dy < 0.2 * g->pitch)
            on += ax->w[i];
    }
    return all > 0 ? on / all : 0;
}

static int fit(struct brl_grid *g, const struct brl_grid_point *pt, size_t n,
               const struct brl_grid_params *par)
{
    CLEANUP(axes_done) struct axes ax = {0};
    double across = 0, down = 0;

    ax.x = malloc(n * sizeof(double));
    ax.y = malloc(n * sizeof(double));
    ax.w = malloc(n * sizeof(double));
    if (!ax.x || !ax.y || !ax.w)
        return -ENOMEM;
    int r = find_skew(pt, n, par, (par->min_pitch + par->max_pitch) / 2, &g->skew_deg);
    if (r < 0)
        return r;
    for (size_t i = 0; i < n; i++) {
        brl_grid_in(g, pt[i].x, pt[i].y, &ax.x[i], &ax.y[i]);
        ax.w[i] = pt[i].weight;
    }
    r = fit_columns(g, &ax, n, par, &across);
    if (r == 0)
        r = fit_rows(g, &ax, n, par, &down);
    if (r < 0)
        return r;
    double weight = 0;
    for (size_t i = 0; i < n; i++)
        weight += ax.w[i];
    g->score = (across + down) * sqrt(weight);
    g->fit = fit_of(g, &ax, n);
    return 0;
}

int brl_grid_fit(const struct brl_grid_point *points, size_t n,
                 const struct brl_grid_params *params, struct brl_grid *ret)
{
    struct brl_grid g = {.cx = params->width / 2, .cy = params->height / 2};

    if (n < MIN_POINTS)
        return -ENODATA;
    int r = fit(&g, points, n, params);
    if (r < 0)
        brl_grid_done(&g);
    else
        *ret = g;
    return r;
}

void brl_grid_done(struct brl_grid *grid)
{
    free(grid->column_x);
    free(grid->row_y);
    *grid = (struct brl_grid){0};
}
