/* SPDX-License-Identifier: Apache-2.0
 *
 * The grid of a crop: one line of a few cells. So few dots do not fix a grid by themselves (a
 * single dot may be any of six), so the crop's own frame counts as evidence: whoever cut it put the
 * cells into its middle.
 */

#include "braille/grid.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/macro.h"

#define MAX_CELLS 8
#define MAX_DOTS 96  ///< the strongest ones; eight full cells have 48
#define FINE 0.05    ///< steps of the search, in dot pitches
#define N_HEIGHTS 45 ///< heights tried: the middle row 1.2 pitches above the middle to 1 below
#define SPREAD 0.12  ///< deviation of a dot from its place, in dot pitches

struct guess {
    double pitch, cell, x, y; ///< x, y: dot 1 of the first cell
    unsigned n_cells;
    double score, fit;
};

/* Likeness of a coordinate to the nearest of `n` lines `step` apart from `first` on. */
static double on_lines(double at, double first, double step, unsigned n, double pitch)
{
    const double k = fmin(fmax(round((at - first) / step), 0), n - 1);
    const double d = (at - first - k * step) / (SPREAD * pitch);
    return d * d > 16 ? 0 : exp(-0.5 * d * d);
}

static double on_columns(double at, const struct guess *g)
{
    const double left = on_lines(at, g->x, g->cell, g->n_cells, g->pitch);
    const double right = on_lines(at, g->x + g->pitch, g->cell, g->n_cells, g->pitch);
    return fmax(left, right);
}

/* Cells needed to reach from the first dots' column to the last ones'; all must lie in the crop. */
static bool cover(struct guess *g, double from, double to, double width)
{
    const double out = 0.3 * g->pitch;
    const double first = floor((from - g->x + 0.3 * g->pitch) / g->cell);
    g->x += first * g->cell;
    const double n = floor((to - g->x + 0.3 * g->pitch) / g->cell) + 1;
    if (!(n >= 1 && n <= MAX_CELLS))
        return false;
    g->n_cells = (unsigned) n;
    return g->x > -out && g->x + (n - 1) * g->cell + g->pitch < width + out;
}

/* Likeness to the rows of one line at `y`, for each dot, times its weight. */
static void rate_rows(const struct brl_grid_point *pt, size_t n, double y, double pitch,
                      double *out)
{
    for (size_t i = 0; i < n; i++)
        out[i] = pt[i].weight * on_lines(pt[i].y, y, pitch, 3, pitch);
}

/* What speaks for a guess of which `fit` is the share of the dots' weight on it. */
static double score(const struct guess *g, const struct brl_grid_params *par)
{
    /* how far the cells' block lies from the crop's middle; its height says more than its width */
    const double width = (g->n_cells - 1) * g->cell + g->pitch;
    const double dx = (g->x + width / 2 - par->width / 2) / g->pitch;
    const double dy = (g->y + g->pitch - par->height / 2) / g->pitch;
    const double usual = (g->cell / g->pitch - 2.43) / 0.12;
    const double nominal = log(g->pitch / sqrt(par->min_pitch * par->max_pitch)) / 0.12;
    return g->fit - 0.02 * dx * dx - 0.06 * dy * dy - 0.01 * usual * usual -
           0.015 * nominal * nominal - 0.01 * g->n_cells;
}

/* Every place of the block of cells, for one pitch; rows[k] are rate_rows at y0 + k * step. */
static void search_places(struct guess base, const struct brl_grid_point *pt, size_t n,
                          const struct brl_grid_params *par, double from, double to, double y0,
                          const double (*rows)[MAX_DOTS], struct guess *best)
{
    const double step = FINE * base.pitch;
    double column[MAX_DOTS], all = 0;

    for (size_t i = 0; i < n; i++)
        all += pt[i].weight;
    for (double x = from - base.cell; x <= from + 0.2 * base.pitch; x += step) {
        struct guess g = base;
        g.x = x;
        if (!cover(&g, from, to, par->width))
            continue;
        for (size_t i = 0; i < n; i++)
            column[i] = on_columns(pt[i].x, &g) / all;
        for (unsigned k = 0; k < N_HEIGHTS; k++) {
            g.y = y0 + k * step;
            g.fit = 0;
            for (size_t i = 0; i < n; i++)
                g.fit += column[i] * rows[k][i];
            g.score = score(&g, par);
            if (g.score > best->score)
                *best = g;
        }
    }
}

static void search_pitch(double pitch, double step, const struct brl_grid_point *pt, size_t n,
                         const struct brl_grid_params *par, double from, double to,
                         struct guess *best)
{
    double rows[N_HEIGHTS][MAX_DOTS];
    const double y0 = par->height / 2 - 2.2 * pitch;

    for (unsigned k = 0; k < N_HEIGHTS; k++)
        rate_rows(pt, n, y0 + k * FINE * pitch, pitch, rows[k]);
    for (double ratio = 2.26; ratio < 2.7; ratio *= 1 + step)
        search_places((struct guess){.pitch = pitch, .cell = ratio * pitch}, pt, n, par, from, to,
                      y0, rows, best);
}

/* Move the lines to the means of the dots that lie on them. */
static void settle(struct guess *g, const struct brl_grid_point *pt, size_t n)
{
    for (int pass = 0; pass < 3; pass++) {
        double sx = 0, sy = 0, w = 0.5;
        for (size_t i = 0; i < n; i++) {
            const double v = pt[i].weight * on_columns(pt[i].x, g) *
                             on_lines(pt[i].y, g->y, g->pitch, 3, g->pitch);
            const double kl = round((pt[i].x - g->x) / g->cell);
            const double kr = round((pt[i].x - g->x - g->pitch) / g->cell);
            const double dl = pt[i].x - g->x - kl * g->cell;
            const double dr = pt[i].x - g->x - g->pitch - kr * g->cell;
            const double row = fmin(fmax(round((pt[i].y - g->y) / g->pitch), 0), 2);
            sx += v * (fabs(dl) < fabs(dr) ? dl : dr);
            sy += v * (pt[i].y - g->y - row * g->pitch);
            w += v;
        }
        g->x += sx / w;
        g->y += sy / w;
    }
}

static int to_grid(const struct guess *g, const struct brl_grid_params *par, size_t n,
                   struct brl_grid *ret)
{
    struct brl_grid grid = {
        .pitch = g->pitch,
        .cell = g->cell,
        .line = 4 * g->pitch,
        .score = g->score * sqrt((double) n),
        .fit = g->fit,
        .n_columns = g->n_cells,
        .n_rows = 1,
    };
    grid.column_x = malloc(g->n_cells * sizeof(double));
    grid.row_y = malloc(3 * sizeof(double));
    if (!grid.column_x || !grid.row_y) {
        brl_grid_done(&grid);
        return -ENOMEM;
    }
    for (unsigned k = 0; k < g->n_cells; k++)
        grid.column_x[k] = g->x + k * g->cell;
    for (unsigned j = 0; j < 3; j++)
        grid.row_y[j] = g->y + j * g->pitch;
    *ret = grid;
    return 0;
}

static int by_weight(const void *a, const void *b)
{
    const double x = ((const struct brl_grid_point *) a)->weight;
    const double y = ((const struct brl_grid_point *) b)->weight;
    return (x < y) - (x > y);
}

int brl_grid_fit_crop(const struct brl_grid_point *points, size_t n,
                      const struct brl_grid_params *params, struct brl_grid *ret)
{
    struct guess best = {.score = -INFINITY};
    struct brl_grid_point pt[MAX_DOTS];
    double from = INFINITY, to = -INFINITY;

    if (n < 1)
        return -ENODATA;
    CLEANUP_FREE struct brl_grid_point *sorted = malloc(n * sizeof(*sorted));
    if (!sorted)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        sorted[i] = points[i];
    qsort(sorted, n, sizeof(*sorted), by_weight);
    n = MIN(n, (size_t) MAX_DOTS);
    for (size_t i = 0; i < n; i++) {
        pt[i] = sorted[i];
        if (pt[i].weight > 0.4) { /* faint ones do not widen the block */
            from = fmin(from, pt[i].x);
            to = fmax(to, pt[i].x);
        }
    }
    if (!(from <= to))
        return -ENODATA;
    /* over many cells a small error of the pitch adds up */
    const bool wide = to - from > 8 * params->min_pitch;
    const double step = wide ? 0.015 : 0.03;
    for (double pitch = params->min_pitch; pitch <= params->max_pitch; pitch *= 1 + step)
        search_pitch(pitch, step, pt, n, params, from, to, &best);
    if (!isfinite(best.score) || best.fit < 0.3)
        return -ENODATA;
    settle(&best, pt, n);
    return to_grid(&best, params, n, ret);
}

void brl_grid_done(struct brl_grid *grid)
{
    free(grid->column_x);
    free(grid->row_y);
    *grid = (struct brl_grid){0};
}
