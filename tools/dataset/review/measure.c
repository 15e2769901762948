/* SPDX-License-Identifier: Apache-2.0 */

#include "tools/dataset/review/measure.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#define NEAR 0.35  ///< largest distance of a dot from its place, dot pitches
#define BESIDE 3   ///< cells before and behind the label that are looked at
#define LEAST 3    ///< pixels that a rectangle must take away to be worth it
#define MARGIN 0.8 ///< of the rectangle, dot pitches: as well-cut crops have it (braille/cut.h)

const char *const measure_kind_names[] = {"agrees", "missing", "extra"};

/* Along the lines of braille (u) and across (v), from the label's dot 1 of cell 0. */
struct grid {
    double a, p;         ///< dot and cell pitch, pixels
    double cosine, sine; ///< of the skew, clockwise
    double u0, v0;
    int n; ///< cells of the label
};

static void to_grid(const struct grid *g, struct brl_point at, double *ret_u, double *ret_v)
{
    *ret_u = at.x * g->cosine + at.y * g->sine - g->u0;
    *ret_v = -at.x * g->sine + at.y * g->cosine - g->v0;
}

static struct brl_point from_grid(const struct grid *g, double u, double v)
{
    u += g->u0;
    v += g->v0;
    return (struct brl_point){u * g->cosine - v * g->sine, u * g->sine + v * g->cosine};
}

static void place_of(const struct grid *g, int cell, unsigned dot, double *ret_u, double *ret_v)
{
    *ret_u = cell * g->p + (dot > 3 ? g->a : 0);
    *ret_v = (dot - 1) % 3 * g->a;
}

static bool is_wanted(const struct brl_check_dot *dot)
{
    return isfinite(dot->wanted.x) && isfinite(dot->wanted.y);
}

/* The next raised dot of the label after (*cell, *dot); start with (0, 0). */
static bool next_dot(const brl_cell *cells, size_t n, size_t *cell, unsigned *dot)
{
    for (; *cell < n; (*cell)++, *dot = 0)
        while (*dot < 6)
            if (cells[*cell] >> (*dot)++ & 1)
                return true;
    return false;
}

/* Where the grid begins, so that the wanted places lie on it; false when they are no such grid. */
static bool lay_grid(const struct brl_check *check, const brl_cell *cells, size_t n,
                     struct grid *ret)
{
    const double skew = check->skew_deg * M_PI / 180;
    struct grid g = {.a = check->pitch_px,
                     .p = check->cell_px,
                     .cosine = cos(skew),
                     .sine = sin(skew),
                     .n = (int) n};

    if (!(g.a >= 1 && g.p >= g.a && g.p < 1e5))
        return false;
    for (int pass = 0; pass < 2; pass++) { /* the mean, then a look at who keeps to it */
        size_t cell = 0, met = 0;
        unsigned dot = 0;
        double u_sum = 0, v_sum = 0;
        for (size_t i = 0; i < check->n_dots; i++) {
            double u, v, u_want, v_want;
            if (!is_wanted(&check->dots[i]))
                continue;
            if (!next_dot(cells, n, &cell, &dot))
                return false;
            to_grid(&g, check->dots[i].wanted, &u, &v);
            place_of(&g, (int) cell, dot, &u_want, &v_want);
            if (pass && hypot(u - u_want, v - v_want) > NEAR * g.a)
                return false;
            u_sum += u - u_want;
            v_sum += v - v_want;
            met++;
        }
        if (!met || next_dot(cells, n, &cell, &dot))
            return false;
        if (!pass) {
            g.u0 = u_sum / (double) met;
            g.v0 = v_sum / (double) met;
        }
    }
    *ret = g;
    return true;
}

static void find_place(const struct grid *g, struct brl_point at, struct measure_dot *ret)
{
    const double width = (g->n - 1) * g->p + g->a;
    double u, v, best = NEAR * g->a;

    to_grid(g, at, &u, &v);
    const double out[] = {
        [BRL_LEFT] = -u, [BRL_RIGHT] = u - width, [BRL_ABOVE] = -v, [BRL_BELOW] = v - 2 * g->a};
    double most = NEAR * g->a;
    for (int e = 0; e < BRL_N_EDGES; e++)
        if (out[e] > most) {
            most = out[e];
            ret->edge = e;
        }
    for (int cell = -BESIDE; cell < g->n + BESIDE; cell++)
        for (unsigned dot = 1; dot <= 6; dot++) {
            double u_dot, v_dot;
            place_of(g, cell, dot, &u_dot, &v_dot);
            const double d = hypot(u - u_dot, v - v_dot);
            if (d <= best) {
                best = d;
                ret->cell = cell;
                ret->dot = dot;
            }
        }
}

/* The cells from the first to the last that a found dot or the label is in. */
static int see_cells(const struct grid *g, const struct brl_check *check, struct measure *m)
{
    int first = 0, last = g->n - 1;

    for (size_t i = 0; i < m->n_dots; i++)
        if (check->dots[i].found && m->dots[i].dot) {
            first = MIN(first, m->dots[i].cell);
            last = MAX(last, m->dots[i].cell);
        }
    m->n_seen = (size_t) (last - first + 1);
    m->n_before = (unsigned) -first;
    m->seen = calloc(m->n_seen, sizeof *m->seen);
    if (!m->seen)
        return -ENOMEM;
    for (size_t i = 0; i < m->n_dots; i++)
        if (check->dots[i].found && m->dots[i].dot)
            m->seen[m->dots[i].cell - first] |= (brl_cell) (1u << (m->dots[i].dot - 1));
    return 0;
}

static struct brl_point corner(const struct grid *g, int which, double margin)
{
    return from_grid(g, which & 1 ? (g->n - 1) * g->p + g->a + margin : -margin,
                     which & 2 ? 2 * g->a + margin : -margin);
}

/* Nothing is said where the label is cut off, or where next to nothing would go. */
static void draw_rect(const struct grid *g, unsigned width, unsigned height, struct measure *m)
{
    double x0 = width, y0 = height, x1 = 0, y1 = 0;

    for (int which = 0; which < 4; which++) {
        const struct brl_point dot = corner(g, which, 0), p = corner(g, which, MARGIN * g->a);
        if (!(dot.x >= 0 && dot.y >= 0 && dot.x < width && dot.y < height))
            return;
        x0 = fmin(x0, p.x);
        y0 = fmin(y0, p.y);
        x1 = fmax(x1, p.x);
        y1 = fmax(y1, p.y);
    }
    x0 = fmax(round(x0), 0);
    y0 = fmax(round(y0), 0);
    x1 = fmin(round(x1) + 1, width);
    y1 = fmin(round(y1) + 1, height);
    const unsigned rect[4] = {(unsigned) x0, (unsigned) y0, (unsigned) (x1 - x0),
                              (unsigned) (y1 - y0)};
    for (int i = 0; i < 4; i++)
        m->rect[i] = rect[i];
    m->has_rect = rect[2] + LEAST <= width || rect[3] + LEAST <= height;
}

int measure_label(const struct brl_check *check, const brl_cell *cells, size_t n, unsigned width,
                  unsigned height, struct measure *ret)
{
    struct measure m = {.n_dots = check->n_dots};
    struct grid grid = {0};

    m.dots = calloc(m.n_dots + 1, sizeof *m.dots);
    if (!m.dots)
        return -ENOMEM;
    const bool laid = n > 0 && n < 100000 && lay_grid(check, cells, n, &grid);
    size_t cell = 0;
    unsigned dot = 0;
    for (size_t i = 0; i < m.n_dots; i++) {
        const struct brl_check_dot *d = &check->dots[i];
        const bool wanted = is_wanted(d);
        m.dots[i].edge = -1;
        m.dots[i].kind = !wanted ? MEASURE_EXTRA : d->found ? MEASURE_AGREES : MEASURE_MISSING;
        m.n_agree += wanted && d->found;
        m.n_missing += wanted && !d->found;
        m.n_extra += !wanted;
        if (laid && wanted && next_dot(cells, n, &cell, &dot)) {
            m.dots[i].cell = (int) cell;
            m.dots[i].dot = dot;
        } else if (laid) {
            find_place(&grid, d->at, &m.dots[i]);
        }
    }
    int r = laid ? see_cells(&grid, check, &m) : 0;
    if (r < 0) {
        measure_done(&m);
        return r;
    }
    if (laid)
        draw_rect(&grid, width, height, &m);
    *ret = m;
    return 0;
}

void measure_done(struct measure *measure)
{
    free(measure->dots);
    free(measure->seen);
    *measure = (struct measure){0};
}
