/* SPDX-License-Identifier: Apache-2.0 */

#include "braille/lattice.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "braille/solve.h"

#define LEAST_RATIO 2.24 ///< p / a of all printers known, docs/braille.md F, and a little more
#define MOST_RATIO 2.70
#define USUAL_RATIO 2.43
#define SPREAD 0.13    ///< deviation of a dot from its place, in dot pitches
#define NEAR 0.36      ///< a dot further away is not this place's
#define SEARCH_CELLS 6 ///< the search sees so many cells; the others follow while it settles
#define SEARCH_POINTS 64
#define N_BEST 6
#define FINE 10     ///< pixels of the map a dot pitch
#define N_UNKNOWN 5 ///< x0, p, a, y0, turn

struct brl_point brl_lattice_at(const struct lattice *l, struct lattice_place at)
{
    const double x = (at.column >> 1) * l->cell + (at.column & 1) * l->pitch;
    const double y = at.row * l->pitch;
    return (struct brl_point){l->x0 + x - l->turn * y, l->y0 + y + l->turn * x};
}

struct search {
    const struct lattice_place *want;
    size_t n_want, n_first; ///< of them the search looks at n_first
    const struct lattice_point *points;
    size_t n_points;
    const struct lattice_params *params;
    float *map; ///< [map_h][map_w]: how much of a dot is how near to each place of the crop; owned
    int map_w, map_h;
    double map_scale; ///< pixels of it a pixel of the crop
};

/* Spread each dot over the map; where two overlap the nearer one counts. */
static int draw_map(struct search *s)
{
    const double pitch = sqrt(s->params->least_pitch * s->params->most_pitch);
    const int reach = (int) (NEAR * FINE);

    s->map_scale = FINE / pitch;
    s->map_w = (int) (s->params->width * s->map_scale) + 1;
    s->map_h = (int) (s->params->height * s->map_scale) + 1;
    s->map = calloc((size_t) s->map_w * (size_t) s->map_h, sizeof(*s->map));
    if (!s->map)
        return -ENOMEM;
    for (size_t i = 0; i < s->n_points; i++) {
        const double x = s->points[i].x * s->map_scale, y = s->points[i].y * s->map_scale;
        for (int v = (int) y - reach; v <= (int) y + reach + 1; v++)
            for (int u = (int) x - reach; u <= (int) x + reach + 1; u++) {
                const double d2 = ((u - x) * (u - x) + (v - y) * (v - y)) / (FINE * FINE);
                if (u < 0 || v < 0 || u >= s->map_w || v >= s->map_h || d2 > NEAR * NEAR)
                    continue;
                float *at = &s->map[(size_t) v * (size_t) s->map_w + (size_t) u];
                *at =
                    fmaxf(*at, (float) (s->points[i].weight * exp(-0.5 * d2 / (SPREAD * SPREAD))));
            }
    }
    return 0;
}

/* The measured dot that is nearest to a place; n_points when none is near. */
static size_t nearest(const struct search *s, struct brl_point at, double pitch, double *ret_d2)
{
    size_t best = s->n_points;
    double least = NEAR * NEAR * pitch * pitch;

    for (size_t i = 0; i < s->n_points; i++) {
        const double dx = s->points[i].x - at.x, dy = s->points[i].y - at.y;
        const double d2 = dx * dx + dy * dy;
        if (d2 < least) {
            least = d2;
            best = i;
        }
    }
    *ret_d2 = least / (pitch * pitch);
    return best;
}

/* What speaks for a lattice: dots met, usual sizes, a block in the middle of the crop. */
static double rate(const struct search *s, const struct lattice *l, size_t n)
{
    const struct brl_point first = brl_lattice_at(l, s->want[0]);
    const struct brl_point last = brl_lattice_at(l, s->want[n - 1]);
    const double ratio = (l->cell / l->pitch - USUAL_RATIO) / 0.12;
    const double nominal = sqrt(s->params->least_pitch * s->params->most_pitch);
    const double size = log(l->pitch / nominal) / 0.1;
    const double dx = ((first.x + last.x) / 2 - s->params->width / 2) / l->pitch;
    const double dy = (l->y0 + l->pitch - s->params->height / 2) / l->pitch;
    double sum = 0;

    for (size_t k = 0; k < n; k++) {
        const struct brl_point p = brl_lattice_at(l, s->want[k]);
        const int u = (int) (p.x * s->map_scale + 0.5), v = (int) (p.y * s->map_scale + 0.5);
        if (p.x >= 0 && p.y >= 0 && u < s->map_w && v < s->map_h)
            sum += s->map[(size_t) v * (size_t) s->map_w + (size_t) u];
    }
    return sum - 0.02 * ratio * ratio - 0.02 * size * size -
           0.03 * (fmin(dx * dx, 4) + fmin(dy * dy, 4));
}

/* One measured coordinate: sum of coef * unknown = value. */
static void add_equation(double a[N_UNKNOWN][N_UNKNOWN], double b[N_UNKNOWN],
                         const double coef[N_UNKNOWN], double value, double weight)
{
    for (int i = 0; i < N_UNKNOWN; i++) {
        for (int j = 0; j < N_UNKNOWN; j++)
            a[i][j] += weight * coef[i] * coef[j];
        b[i] += weight * coef[i] * value;
    }
}

/* Least squares over the dots met; where they leave something open the lattice stays as it is. */
static void settle(const struct search *s, struct lattice *l, size_t n)
{
    double a[N_UNKNOWN][N_UNKNOWN] = {{0}}, b[N_UNKNOWN] = {0};
    const double v[N_UNKNOWN] = {l->x0, l->cell, l->pitch, l->y0, l->turn * l->pitch};
    const double stiff[N_UNKNOWN] = {0.01, 2, 2, 0.01, 8}; /* dots' worth of holding on */

    for (int i = 0; i < N_UNKNOWN; i++) {
        a[i][i] = stiff[i];
        b[i] = stiff[i] * (i == 4 ? 0 : v[i]);
    }
    for (size_t k = 0; k < n; k++) {
        double d2;
        const struct lattice_place at = s->want[k];
        const size_t i = nearest(s, brl_lattice_at(l, at), l->pitch, &d2);
        if (i == s->n_points)
            continue;
        const double cell = at.column >> 1, side = at.column & 1, row = at.row;
        const double across = cell * l->cell / l->pitch + side;
        const double w = s->points[i].weight * exp(-0.5 * d2 / (4 * SPREAD * SPREAD));
        add_equation(a, b, (double[]){1, cell, side, 0, -row}, s->points[i].x, w);
        add_equation(a, b, (double[]){0, 0, row, 1, across}, s->points[i].y, w);
    }
    brl_solve(N_UNKNOWN, &a[0][0], b);
    const double ratio = b[1] / b[2];
    *l = (struct lattice){b[0], b[3], b[2], b[1], b[4] / b[2]};
    if (!(l->pitch >= 0.95 * s->params->least_pitch && l->pitch <= 1.05 * s->params->most_pitch &&
          ratio > LEAST_RATIO - 0.05 && ratio < MOST_RATIO + 0.05)) {
        l->pitch = fmin(fmax(b[2], s->params->least_pitch), s->params->most_pitch);
        l->cell = l->pitch * fmin(fmax(ratio, LEAST_RATIO), MOST_RATIO);
    }
}

struct guess {
    struct lattice lattice;
    double score;
};

static bool same_place(const struct lattice *a, const struct lattice *b)
{
    return fabs(a->x0 - b->x0) < 0.3 * a->pitch && fabs(a->y0 - b->y0) < 0.3 * a->pitch;
}

/* One guess stands for its neighbourhood; another place pushes out the weakest. */
static void keep(struct guess best[N_BEST], const struct guess *g)
{
    struct guess *out = &best[0];

    for (unsigned i = 0; i < N_BEST; i++) {
        if (isfinite(best[i].score) && same_place(&best[i].lattice, &g->lattice)) {
            out = &best[i];
            break;
        }
        if (best[i].score < out->score)
            out = &best[i];
    }
    if (g->score > out->score)
        *out = *g;
}

/* One pitch and cell pitch: every way to put a dot of the label onto a measured one. */
static void search_places(const struct search *s, double pitch, double cell,
                          struct guess best[N_BEST])
{
    const size_t n_points = MIN(s->n_points, (size_t) SEARCH_POINTS);

    for (size_t k = 0; k < s->n_first; k++)
        for (size_t i = 0; i < n_points; i++) {
            struct guess g = {.lattice = {.pitch = pitch, .cell = cell}};
            const struct brl_point at = brl_lattice_at(&g.lattice, s->want[k]);
            g.lattice.x0 = s->points[i].x - at.x;
            g.lattice.y0 = s->points[i].y - at.y;
            g.score = rate(s, &g.lattice, s->n_first);
            keep(best, &g);
        }
}

static void search(const struct search *s, struct guess best[N_BEST])
{
    const int n_cells = (s->want[s->n_first - 1].column >> 1) + 1;
    const double wide = fmax(n_cells - 1, 1);
    const double step_pitch = 0.05, step_ratio = 0.16 / wide;

    for (double a = s->params->least_pitch; a <= s->params->most_pitch * 1.001;
         a *= 1 + step_pitch) {
        if (n_cells == 1) {
            search_places(s, a, USUAL_RATIO * a, best);
            continue;
        }
        for (double ratio = LEAST_RATIO; ratio <= MOST_RATIO; ratio += step_ratio)
            search_places(s, a, ratio * a, best);
    }
}

/* Settle a guess, over more and more cells. */
static void grow(const struct search *s, struct guess *g)
{
    size_t n = s->n_first;

    for (;;) {
        for (int pass = 0; pass < 3; pass++)
            settle(s, &g->lattice, n);
        if (n == s->n_want)
            break;
        const int last = (s->want[n].column >> 1) + 1; /* one cell at least, also over a gap */
        while (n < s->n_want && s->want[n].column >> 1 <= last)
            n++;
    }
    g->score = rate(s, &g->lattice, s->n_want);
}

int brl_lattice_fit(const struct lattice_place *want, size_t n_want,
                    const struct lattice_point *points, size_t n_points,
                    const struct lattice_params *params, struct lattice *ret)
{
    struct search s = {want, n_want, 0, points, n_points, params, NULL, 0, 0, 0};
    struct guess best[N_BEST];

    if (n_want == 0 || n_points == 0)
        return -ENODATA;
    while (s.n_first < n_want && want[s.n_first].column >> 1 < (want[0].column >> 1) + SEARCH_CELLS)
        s.n_first++;
    for (unsigned i = 0; i < N_BEST; i++)
        best[i].score = -INFINITY;
    int r = draw_map(&s);
    if (r < 0)
        return r;
    search(&s, best);
    const struct guess *top = NULL;
    for (unsigned i = 0; i < N_BEST; i++) {
        if (!isfinite(best[i].score))
            continue;
        grow(&s, &best[i]);
        if (!top || best[i].score > top->score)
            top = &best[i];
    }
    free(s.map);
    if (!top)
        return -ENODATA;
    *ret = top->lattice;
    return 0;
}
