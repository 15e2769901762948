/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "braille/mesh_internal.h"

#define MAX_SKEW_DEG 16.0 ///< +-10 of the page, the rest for what perspective and curl add
#define MIN_RATIO 1.95    ///< cell pitch over dot pitch: 2.29 (Massage) .. 2.65 (US); some have 2
#define MAX_RATIO 2.8
#define MIN_SEED 6   ///< points
#define N_FOLD 64    ///< bins of one cell pitch
#define SPREAD 0.1   ///< deviation of a dot from its line, in dot pitches
#define N_HIST 512   ///< bins across a window
#define LAG_BIN 0.02 ///< of the distance of rows, in dot pitches

/* The points of a window, from its middle. */
struct window {
    double *x, *y, *w; ///< owned
    size_t n;
    double pitch, reach; ///< expected; pixels
    double weight;
};

static void window_done(struct window *win)
{
    free(win->x);
    free(win->y);
    free(win->w);
}

static int window_new(const struct brl_mesh_point *points, size_t n, double x, double y,
                      double reach, struct window *win)
{
    win->x = malloc(n * sizeof(double));
    win->y = malloc(n * sizeof(double));
    win->w = malloc(n * sizeof(double));
    if (!win->x || !win->y || !win->w)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        const double dx = points[i].x - x, dy = points[i].y - y;
        if (fabs(dx) > reach || fabs(dy) > reach)
            continue;
        win->x[win->n] = dx;
        win->y[win->n] = dy;
        win->w[win->n++] = points[i].weight;
        win->weight += points[i].weight;
    }
    win->reach = reach;
    return win->n < MIN_SEED ? -ENODATA : 0;
}

/* Sum of squares of the points' histogram across lines that lie turned clockwise by `deg`. */
static double sharpness(const struct window *win, double deg, double bin, bool rows)
{
    const double c = cos(deg * M_PI / 180), s = sin(deg * M_PI / 180);
    double hist[N_HIST] = {0}, sum = 0;

    for (size_t i = 0; i < win->n; i++) {
        const double d = rows ? win->y[i] * c - win->x[i] * s : win->x[i] * c + win->y[i] * s;
        const double at = d / bin + N_HIST / 2.0;
        if (!(at >= 0) || at >= N_HIST - 1)
            continue;
        const size_t k = (size_t) at;
        const double f = at - (double) k;
        hist[k] += win->w[i] * (1 - f);
        hist[k + 1] += win->w[i] * f;
    }
    for (size_t k = 0; k < N_HIST; k++)
        sum += hist[k] * hist[k];
    return sum;
}

/* Direction of the rows, or of the columns, which is near `usual`. */
static double find_angle(const struct window *win, bool rows, double usual)
{
    /* each pass: bins so fine and steps so small that a bin over the window is one step */
    static const struct {
        double bin, step, range;
    } passes[] = {{0.3, 0.75, MAX_SKEW_DEG}, {0.15, 0.25, 1}, {0.1, 0.1, 0.4}};
    double best = 0;

    for (size_t p = 0; p < ELEMENTSOF(passes); p++) {
        const double middle = best;
        double top = -1;
        for (double d = -passes[p].range; d <= passes[p].range + 1e-9; d += passes[p].step) {
            const double off = (middle + d - usual) / MAX_SKEW_DEG;
            const double v = sharpness(win, middle + d, passes[p].bin * win->pitch, rows) *
                             (1 - 0.2 * off * off);
            if (v > top) {
                top = v;
                best = middle + d;
            }
        }
    }
    return best;
}

/* Weight of the points over one period, each spread as dots spread about their line. */
static void fold(const double *s, const struct window *win, double period, double spread,
                 double out[N_FOLD])
{
    double hist[N_FOLD] = {0};
    const int reach = (int) ceil(3 * spread);

    for (size_t i = 0; i < win->n; i++) {
        const double at = (s[i] / period - floor(s[i] / period)) * N_FOLD;
        const unsigned k = (unsigned) at;
        hist[k % N_FOLD] += win->w[i] * (1 - (at - k));
        hist[(k + 1) % N_FOLD] += win->w[i] * (at - k);
    }
    for (int k = 0; k < N_FOLD; k++) {
        out[k] = 0;
        for (int d = -reach; d <= reach; d++)
            out[k] += hist[(k + d + N_FOLD) % N_FOLD] * exp(-0.5 * d * d / (spread * spread));
    }
}

/* Period, phase and distance of the two columns under which they catch most, measured against an
 * even spread in deviations. `s` are places across the columns. */
static void find_columns(const double *s, const struct window *win,
                         const struct brl_mesh_params *params, struct mesh_seed *seed,
                         double *ret_period)
{
    const double spread = SPREAD / 2.43 * N_FOLD;
    const double even = 2 * spread * sqrt(2 * M_PI) / N_FOLD;
    const double noise = sqrt(spread * 2 * sqrt(M_PI) / N_FOLD - even * even / 2);
    double folded[N_FOLD];

    seed->score = -INFINITY;
    for (double p = params->min_pitch * MIN_RATIO; p <= params->max_pitch * MAX_RATIO; p *= 1.004) {
        const double most = fmin(p / MIN_RATIO, params->max_pitch);
        const double least = fmax(p / MAX_RATIO, params->min_pitch);
        fold(s, win, p, spread, folded);
        for (int a = (int) ceil(least / p * N_FOLD); a <= (int) floor(most / p * N_FOLD); a++)
            for (int k = 0; k < N_FOLD; k++) {
                const double share = (folded[k] + folded[(k + a) % N_FOLD]) / win->weight;
                const double score = (share - even) / noise * sqrt(win->weight);
                if (score > seed->score) {
                    seed->score = score;
                    seed->alpha = (double) a / N_FOLD;
                    seed->u0 = -(double) k / N_FOLD;
                    *ret_period = p;
                }
            }
    }
}

/* Distance of neighbouring rows, from pairs of points; `a` is that of columns. */
static double find_row_pitch(const double *t, const struct window *win, double a)
{
    enum { N_LAG = 32 };
    double hist[N_LAG + 1] = {0}, best = 0, row = a;
    const double least = 0.75;

    for (size_t i = 0; i < win->n; i++)
        for (size_t j = 0; j < win->n; j++) {
            const double lag = ((t[j] - t[i]) / a - least) / LAG_BIN;
            if (lag >= 0 && lag < N_LAG)
                hist[(size_t) lag] += win->w[i] * win->w[j];
        }
    for (int k = 2; k < N_LAG - 2; k++) {
        const double v =
            hist[k - 2] + 2 * hist[k - 1] + 3 * hist[k] + 2 * hist[k + 1] + hist[k + 2];
        if (v > best) {
            best = v;
            row = (least + (k + 0.5) * LAG_BIN) * a;
        }
    }
    return row;
}

int brl_mesh_seed_find(const struct brl_mesh_point *points, size_t n,
                       const struct brl_mesh_params *params, double x, double y, double reach,
                       struct mesh_seed *ret)
{
    CLEANUP(window_done)
    struct window win = {.pitch = sqrt(params->min_pitch * params->max_pitch)};
    double period = 0;

    int r = window_new(points, n, x, y, reach * win.pitch, &win);
    if (r < 0)
        return r;
    CLEANUP_FREE double *at = malloc(win.n * sizeof(*at));
    if (!at)
        return -ENOMEM;
    const double rows = find_angle(&win, true, 0), columns = find_angle(&win, false, rows);
    const double rc = cos(rows * M_PI / 180), rs = sin(rows * M_PI / 180);
    const double cc = cos(columns * M_PI / 180), cs = sin(columns * M_PI / 180);
    for (size_t i = 0; i < win.n; i++)
        at[i] = win.x[i] * cc + win.y[i] * cs;
    find_columns(at, &win, params, ret, &period);
    if (!(period > 0))
        return -ENODATA;
    for (size_t i = 0; i < win.n; i++)
        at[i] = win.y[i] * rc - win.x[i] * rs;
    const double row = find_row_pitch(at, &win, period * ret->alpha);
    ret->x = x;
    ret->y = y;
    ret->u[0] = cc / period;
    ret->u[1] = cs / period;
    ret->v[0] = -rs / row;
    ret->v[1] = rc / row;
    return 0;
}
