/* SPDX-License-Identifier: Apache-2.0
 *
 * Where the page bends more than smooth functions follow (paper curling into its binding), the grid
 * grows on dot by dot: each is judged by the dots on the grid around it.
 */

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/macro.h"
#include "braille/mesh_internal.h"

#define REACH 8.0        ///< neighbours are looked for so far, in pitches
#define SPREAD 3.5       ///< deviation of their weight with the distance
#define SLOPE_PRIOR 0.6  ///< a neighbour's noise over the slopes that are usual, squared
#define LEVEL_PRIOR 0.02 ///< the same of the level
#define CORE_REACH 5.0   ///< a core point's neighbours, so near, are on the grid,
#define CORE_SHARE 0.8   ///< so many of them by weight,
#define CORE_NEAR 0.22   ///< and so near to it
#define SUPPORT 1.2      ///< weight of neighbours that is needed to judge a point
#define TAKEN 0.27       ///< a point so near to the grid is taken for one of it
#define ROUNDS 40

/* Points in square buckets, so that neighbours are found quickly. */
struct buckets {
    double x0, y0, size;
    int n_x, n_y;
    int32_t *first, *next; ///< owned
};

static void buckets_done(struct buckets *b)
{
    free(b->first);
    free(b->next);
}

static int buckets_new(const struct mesh_growth *g, struct buckets *b)
{
    double x1 = -INFINITY, y1 = -INFINITY;

    b->x0 = b->y0 = INFINITY;
    for (size_t i = 0; i < g->n; i++) {
        b->x0 = fmin(b->x0, g->points[i].x);
        b->y0 = fmin(b->y0, g->points[i].y);
        x1 = fmax(x1, g->points[i].x);
        y1 = fmax(y1, g->points[i].y);
    }
    b->size = fmax(REACH * g->pitch, fmax(x1 - b->x0, y1 - b->y0) / 500);
    b->n_x = (int) ((x1 - b->x0) / b->size) + 1;
    b->n_y = (int) ((y1 - b->y0) / b->size) + 1;
    const size_t n = (size_t) b->n_x * (size_t) b->n_y;
    b->first = malloc(n * sizeof(*b->first));
    b->next = malloc(g->n * sizeof(*b->next));
    if (!b->first || !b->next)
        return -ENOMEM;
    for (size_t k = 0; k < n; k++)
        b->first[k] = -1;
    for (size_t i = 0; i < g->n; i++) {
        const int x = (int) ((g->points[i].x - b->x0) / b->size);
        const int y = (int) ((g->points[i].y - b->y0) / b->size);
        const size_t k = (size_t) y * (size_t) b->n_x + (size_t) x;
        b->next[i] = b->first[k];
        b->first[k] = (int32_t) i;
    }
    return 0;
}

/* What the neighbours of a point say, summed: a level and two slopes, in cells and in rows. */
struct local {
    double a[3][3], u[3], v[3];
    double on, all; ///< weight of near neighbours, on the grid and all
};

static void local_add(const struct mesh_growth *g, size_t i, size_t j, struct local *l)
{
    const double dx = (g->points[j].x - g->points[i].x) / g->pitch;
    const double dy = (g->points[j].y - g->points[i].y) / g->pitch;
    const struct mesh_mark *m = &g->mark[j];
    const double d2 = dx * dx + dy * dy, weight = g->points[j].weight;

    if (d2 > REACH * REACH || i == j)
        return;
    if (d2 < CORE_REACH * CORE_REACH) {
        l->all += weight;
        l->on += m->on && fabs(m->du) < CORE_NEAR && fabs(m->dv) < CORE_NEAR ? weight : 0;
    }
    if (!m->on)
        return;
    const double w = weight * exp(-0.5 * d2 / (SPREAD * SPREAD));
    const double phi[3] = {1, dx, dy};
    const double eu = m->u - m->du * g->alpha - m->smooth_u, ev = m->v - m->dv - m->smooth_v;
    for (int p = 0; p < 3; p++) {
        for (int q = 0; q <= p; q++)
            l->a[p][q] += w * phi[p] * phi[q];
        l->u[p] += w * phi[p] * eu;
        l->v[p] += w * phi[p] * ev;
    }
}

static void local_sum(const struct mesh_growth *g, const struct buckets *b, size_t i,
                      struct local *l)
{
    const int bx = (int) ((g->points[i].x - b->x0) / b->size);
    const int by = (int) ((g->points[i].y - b->y0) / b->size);

    *l = (struct local){.a = {{LEVEL_PRIOR}, {0, SLOPE_PRIOR}, {0, 0, SLOPE_PRIOR}}};
    for (int y = MAX(by - 1, 0); y <= MIN(by + 1, b->n_y - 1); y++)
        for (int x = MAX(bx - 1, 0); x <= MIN(bx + 1, b->n_x - 1); x++)
            for (int32_t j = b->first[(size_t) y * (size_t) b->n_x + (size_t) x]; j >= 0;
                 j = b->next[j])
                local_add(g, i, (size_t) j, l);
}

double brl_mesh_level(const double (*a)[3], const double *b)
{
    const double m0 = a[1][1] * a[2][2] - a[2][1] * a[2][1];
    const double m1 = a[1][0] * a[2][2] - a[2][1] * a[2][0];
    const double m2 = a[1][0] * a[2][1] - a[1][1] * a[2][0];
    return (b[0] * m0 - a[1][0] * (b[1] * a[2][2] - a[2][1] * b[2]) +
            a[2][0] * (b[1] * a[2][1] - a[1][1] * b[2])) /
           (a[0][0] * m0 - a[1][0] * m1 + a[2][0] * m2);
}

/* Where the point lies by its neighbours: sets u, v, du, dv, column, row. */
static void judge(struct mesh_growth *g, size_t i, const struct local *l,
                  const struct mesh_row *rows, int n_rows)
{
    struct mesh_mark *m = &g->mark[i];

    m->u = m->smooth_u + brl_mesh_level(l->a, l->u);
    m->v = m->smooth_v + brl_mesh_level(l->a, l->v);
    brl_mesh_mark_column(m, m->u, g->alpha);
    brl_mesh_mark_row(m, rows, n_rows);
}

/* Keep only points that lie well among others that do. */
static int find_core(struct mesh_growth *g, const struct buckets *b)
{
    CLEANUP_FREE bool *core = calloc(g->n, sizeof(*core));

    if (!core)
        return -ENOMEM;
    for (size_t i = 0; i < g->n; i++) {
        struct local l;
        if (!g->mark[i].on)
            continue;
        local_sum(g, b, i, &l);
        core[i] = l.all == 0 || l.on >= CORE_SHARE * l.all;
    }
    for (size_t i = 0; i < g->n; i++)
        g->mark[i].on = g->mark[i].on && core[i];
    return 0;
}

/* One round: points beside the grid that fit it join. -> how many. */
static int join(struct mesh_growth *g, const struct buckets *b, bool *joins,
                const struct mesh_row *rows, int n_rows)
{
    int n = 0;

    for (size_t i = 0; i < g->n; i++) {
        struct local l;
        joins[i] = false;
        if (g->mark[i].on)
            continue;
        local_sum(g, b, i, &l);
        if (l.a[0][0] < SUPPORT)
            continue;
        judge(g, i, &l, rows, n_rows);
        joins[i] = fabs(g->mark[i].du) < TAKEN && fabs(g->mark[i].dv) < TAKEN;
    }
    for (size_t i = 0; i < g->n; i++) {
        g->mark[i].on = g->mark[i].on || joins[i];
        n += joins[i];
    }
    return n;
}

int brl_mesh_follow(struct mesh_growth *g, const struct mesh_row *rows, int n_rows)
{
    CLEANUP(buckets_done) struct buckets b = {0};
    CLEANUP_FREE bool *was = malloc(g->n * sizeof(*was)), *joins = malloc(g->n * sizeof(*joins));

    int r = was && joins ? buckets_new(g, &b) : -ENOMEM;
    for (size_t i = 0; i < g->n && r == 0; i++) {
        g->mark[i].smooth_u = g->mark[i].u;
        g->mark[i].smooth_v = g->mark[i].v;
        was[i] = g->mark[i].on;
    }
    if (r == 0)
        r = find_core(g, &b);
    if (r < 0)
        return r;
    for (int round = 0; round < ROUNDS; round++)
        if (join(g, &b, joins, rows, n_rows) == 0)
            break;
    /* what stands far from everything else is where the smooth functions have it */
    for (size_t i = 0; i < g->n; i++) {
        struct local l;
        if (g->mark[i].on || !was[i])
            continue;
        local_sum(g, &b, i, &l);
        g->mark[i].on = l.a[0][0] < 0.3 * SUPPORT;
    }
    return 0;
}
