/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "braille/mesh_internal.h"

#define NEAR_LINE 0.3 ///< a point farther off, in pitches, is not on the grid
#define TRUST_SPREAD 0.13
#define NOISE 0.1       ///< deviation of a dot, in pitches
#define SEED_REACH 11.0 ///< pitches around the seed that its straight grid is trusted for
#define GROWTH 2.5      ///< pitches a step
#define MAX_STEPS 100
#define SAME_LINE 0.27 ///< rows are of one line where their distance is 1 +- this
#define STIFF 0.5      ///< how much the rows' even distance weighs, a dot being 1

double brl_mesh_trust(double du, double dv)
{
    const double q = 1 + (du * du + dv * dv) / (TRUST_SPREAD * TRUST_SPREAD);
    return 1 / (q * q);
}

void brl_mesh_mark_column(struct mesh_mark *m, double u, double alpha)
{
    const double left = round(u), right = round(u - alpha);
    const double dl = (u - left) / alpha, dr = (u - alpha - right) / alpha;
    const bool is_left = fabs(dl) < fabs(dr);
    const double column = is_left ? 2 * left : 2 * right + 1;

    m->du = is_left ? dl : dr;
    m->column = (int32_t) fmin(fmax(column, -1e6), 1e6);
}

void brl_mesh_mark_row(struct mesh_mark *m, const struct mesh_row *rows, int n_rows)
{
    int lo = 0, hi = n_rows - 1;

    while (lo < hi) { /* the last row above the point */
        const int mid = (lo + hi + 1) / 2;
        if (rows[mid].at <= m->v)
            lo = mid;
        else
            hi = mid - 1;
    }
    if (lo + 1 < n_rows && rows[lo + 1].at - m->v < m->v - rows[lo].at)
        lo++;
    m->row = lo;
    m->dv = m->v - rows[lo].at;
}

void brl_mesh_map(struct mesh_growth *g)
{
    for (size_t i = 0; i < g->n; i++) {
        struct mesh_mark *m = &g->mark[i];
        m->u = brl_surface_at(&g->uv[0], g->points[i].x, g->points[i].y);
        m->v = brl_surface_at(&g->uv[1], g->points[i].x, g->points[i].y);
        brl_mesh_mark_column(m, m->u, g->alpha);
        m->near = m->u > g->lo_u && m->u < g->hi_u && m->v > g->lo_v && m->v < g->hi_v;
        m->on = false;
    }
}

/* Where rows should lie: at the mean of their dots, and neighbours of a line one apart (so that the
 * page's scale is the same everywhere). Minimises a sum of squares; tridiagonal. */
static void aim_rows(const struct mesh_growth *g, struct mesh_row *rows, int n)
{
    double sum[MESH_MAX_ROWS] = {0}, diag[MESH_MAX_ROWS] = {0}, off[MESH_MAX_ROWS] = {0},
           right[MESH_MAX_ROWS];

    for (size_t i = 0; i < g->n; i++) {
        const struct mesh_mark *m = &g->mark[i];
        if (m->on) {
            const double w = g->points[i].weight * brl_mesh_trust(m->du, m->dv);
            sum[m->row] += w * m->v;
            diag[m->row] += w;
        }
    }
    for (int k = 0; k < n; k++) {
        diag[k] += 1e-3; /* a row of which nothing is left stays */
        right[k] = sum[k] + 1e-3 * rows[k].at;
    }
    for (int k = 0; k + 1 < n; k++) {
        if (fabs(rows[k + 1].at - rows[k].at - 1) > SAME_LINE)
            continue;
        const double w = STIFF * fmin(rows[k].weight, rows[k + 1].weight);
        diag[k] += w;
        diag[k + 1] += w;
        off[k] = -w;
        right[k] -= w;
        right[k + 1] += w;
    }
    for (int k = 1; k < n; k++) {
        const double f = off[k - 1] / diag[k - 1];
        diag[k] -= f * off[k - 1];
        right[k] -= f * right[k - 1];
    }
    for (int k = n - 1; k >= 0; k--)
        rows[k].at = (right[k] - (k + 1 < n ? off[k] * rows[k + 1].at : 0)) / diag[k];
}

/* Bend both functions to the points that are on the grid. */
static void bend_to_rows(struct mesh_growth *g, const struct mesh_row *rows)
{
    struct surface_sums sums = {0};
    double side[2] = {0}, weight[2] = {1, 1};

    for (size_t i = 0; i < g->n; i++) {
        const struct mesh_mark *m = &g->mark[i];
        const struct brl_mesh_point *p = &g->points[i];
        if (!m->on)
            continue;
        const double w = p->weight * brl_mesh_trust(m->du, m->dv);
        const unsigned s = (unsigned) m->column & 1;
        const double target[2] = {m->u - m->du * g->alpha, rows[m->row].at};
        brl_surface_observe(g->uv, p->x, p->y, target, w, &sums);
        side[s] += w * m->du * g->alpha;
        weight[s] += w;
    }
    const double bends = g->bend * g->uv[0].size / g->pitch;
    const double noise[2] = {NOISE * g->alpha, NOISE}, prior[2] = {bends * g->alpha, bends};
    brl_surface_solve(g->uv, &sums, noise, prior);
    g->alpha += 0.7 * (side[1] / weight[1] - side[0] / weight[0]);
}

static void mark(struct mesh_growth *g)
{
    for (size_t i = 0; i < g->n; i++) {
        struct mesh_mark *m = &g->mark[i];
        if (!m->near)
            continue;
        brl_mesh_mark_row(m, g->rows, g->n_rows);
        m->on = fabs(m->du) < NEAR_LINE && fabs(m->dv) < NEAR_LINE;
    }
}

static int step(struct mesh_growth *g, double *at, double *weight)
{
    struct mesh_row *rows = g->rows;
    size_t n = 0;

    brl_mesh_map(g);
    for (size_t i = 0; i < g->n; i++)
        if (g->mark[i].near) {
            at[n] = g->mark[i].v;
            weight[n++] = g->points[i].weight;
        }
    const int n_rows = brl_mesh_rows_find(at, weight, n, rows, MESH_MAX_ROWS);
    if (n_rows <= 0)
        return n_rows < 0 ? n_rows : -ENODATA;
    g->n_rows = n_rows;
    mark(g);
    aim_rows(g, rows, n_rows);
    bend_to_rows(g, rows);
    return n == g->n;
}

/* How much the page bends, measured by what it may: 1 where its bends are as expected. */
static double tension(const struct mesh_growth *g)
{
    const double bends = g->bend * g->uv[0].size / g->pitch;
    const double prior[2] = {bends * g->alpha, bends};
    return (brl_surface_tension(&g->uv[0], prior[0]) + brl_surface_tension(&g->uv[1], prior[1])) /
           2;
}

static void expand(struct mesh_growth *g)
{
    const double du = GROWTH * g->alpha;
    const double dv = GROWTH;
    g->lo_u -= du;
    g->hi_u += du;
    g->lo_v -= dv;
    g->hi_v += dv;
}

static void start(struct mesh_growth *g, const struct mesh_seed *seed)
{
    double x0 = INFINITY, x1 = -INFINITY, y0 = INFINITY, y1 = -INFINITY;

    for (size_t i = 0; i < g->n; i++) {
        x0 = fmin(x0, g->points[i].x);
        x1 = fmax(x1, g->points[i].x);
        y0 = fmin(y0, g->points[i].y);
        y1 = fmax(y1, g->points[i].y);
    }
    g->alpha = seed->alpha;
    g->pitch = seed->alpha / hypot(seed->u[0], seed->u[1]);
    struct surface *u = &g->uv[0], *v = &g->uv[1];
    u->cx = v->cx = (x0 + x1) / 2;
    u->cy = v->cy = (y0 + y1) / 2;
    u->size = v->size = fmax(fmax(x1 - x0, y1 - y0) / 2, 15 * g->pitch);
    const double dx = u->cx - seed->x, dy = u->cy - seed->y;
    u->k[0] = seed->u0 + seed->u[0] * dx + seed->u[1] * dy;
    u->k[1] = seed->u[0] * u->size;
    u->k[2] = seed->u[1] * u->size;
    v->k[0] = seed->v[0] * dx + seed->v[1] * dy;
    v->k[1] = seed->v[0] * v->size;
    v->k[2] = seed->v[1] * v->size;
    g->lo_u = -SEED_REACH * g->alpha + seed->u0;
    g->hi_u = SEED_REACH * g->alpha + seed->u0;
    g->lo_v = -SEED_REACH;
    g->hi_v = SEED_REACH;
}

int brl_mesh_grow(const struct brl_mesh_point *points, size_t n, const struct mesh_seed *seed,
                  double bend, struct mesh_growth *ret)
{
    CLEANUP(brl_mesh_growth_done)
    struct mesh_growth g = {.points = points, .n = n, .bend = bend};
    CLEANUP_FREE double *at = malloc(n * sizeof(double)), *weight = malloc(n * sizeof(double));

    g.mark = calloc(n, sizeof(*g.mark));
    g.rows = malloc(MESH_MAX_ROWS * sizeof(*g.rows));
    if (!g.mark || !at || !weight || !g.rows)
        return -ENOMEM;
    start(&g, seed);
    int r = 0, after = 0;
    for (unsigned i = 0; i < MAX_STEPS && after < 3; i++) {
        r = step(&g, at, weight);
        if (r < 0)
            return r;
        if (!(g.alpha > 0.3 && g.alpha < 0.53))
            return -ENODATA; /* no cell has its columns so */
        after += r > 0;
        if (i % 2 == 1)
            expand(&g);
    }
    brl_mesh_map(&g);
    mark(&g);
    g.bent = tension(&g);
    r = brl_mesh_follow(&g, g.rows, g.n_rows);
    if (r < 0)
        return r;
    *ret = g;
    g = (struct mesh_growth){0};
    return 0;
}

void brl_mesh_growth_done(struct mesh_growth *g)
{
    free(g->mark);
    free(g->rows);
    *g = (struct mesh_growth){0};
}
