/* SPDX-License-Identifier: Apache-2.0
 *
 * From a grid that has grown over a page to its lines, its columns and the place of every dot.
 */

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "braille/mesh_internal.h"

#define NEAR_ROW 0.35     ///< a row is of a line if it is so near to where it should be
#define NOISE 0.1         ///< deviation of a dot, in pitches
#define SHIFT_PRIOR 25.0  ///< dots that hold a line where the page's columns are
#define RAISE_PRIOR 4.0   ///< and where its neighbours have it up or down
#define LEAST_COLUMN 0.75 ///< weight of an outer column close to the text
#define LONE_COLUMN 1.6   ///< of one that stands alone
#define CLOSE_COLUMNS 3
#define MAX_COLUMNS 1000
#define EVEN_ALPHA 0.46 ///< dot pitch over cell pitch; 0.44 is the most with a clear gap (Massage)
#define TIGHT 0.15      ///< within it, in pitches, a point speaks for the grid
#define NODE 3.0        ///< distance of the nodes of what the smooth functions leave, in pitches
#define NODE_SPREAD 3.0 ///< deviation of a dot's weight for a node with their distance
#define NODE_LEVEL 3.0  ///< dots that hold a node where the smooth functions have it
#define NODE_SLOPE 30.0 ///< and its slopes

/* Lines and what each is off by. */
struct lines {
    double *at, *shift; ///< [n], owned: first row, in dot rows; to the right, in dot pitches
    unsigned n;
    int first, last; ///< columns of cells
};

static void lines_done(struct lines *l)
{
    free(l->at);
    free(l->shift);
}

/* Turn the rows of the points into rows of lines: 3 * line + row. */
static void join_rows(struct mesh_growth *g, const struct lines *l)
{
    for (size_t i = 0; i < g->n; i++) {
        struct mesh_mark *m = &g->mark[i];
        if (!m->on)
            continue;
        const double at = g->rows[m->row].at;
        unsigned lo = 0, hi = l->n - 1;
        while (lo < hi) { /* the last line that begins above the row */
            const unsigned mid = (lo + hi + 1) / 2;
            if (l->at[mid] <= at + 0.5)
                lo = mid;
            else
                hi = mid - 1;
        }
        const double row = fmin(fmax(round(at - l->at[lo]), 0), 2);
        m->on = fabs(at - l->at[lo] - row) < NEAR_ROW;
        m->dv = m->v - l->at[lo] - row;
        m->row = (int32_t) (3 * lo) + (int32_t) row;
    }
}

static int find_lines(struct mesh_growth *g, struct lines *l)
{
    CLEANUP_FREE double *sum = calloc((size_t) g->n_rows, sizeof(*sum));

    if (!sum)
        return -ENOMEM;
    for (int k = 0; k < g->n_rows; k++)
        g->rows[k].weight = 0;
    for (size_t i = 0; i < g->n; i++)
        if (g->mark[i].on) {
            sum[g->mark[i].row] += g->points[i].weight * g->mark[i].v;
            g->rows[g->mark[i].row].weight += g->points[i].weight;
        }
    for (int k = 0; k < g->n_rows; k++)
        if (g->rows[k].weight > 0)
            g->rows[k].at = sum[k] / g->rows[k].weight;
    int r = brl_mesh_lines_find(g->rows, (size_t) g->n_rows, &l->at, &l->n);
    if (r < 0)
        return r;
    l->shift = calloc(l->n, sizeof(double));
    if (!l->shift)
        return -ENOMEM;
    join_rows(g, l);
    return 0;
}

/* Cells that hold nothing between the first and the last of each line, if cells begin `odd` half
 * cells to the left of where they are taken to begin. -ENOMEM. */
static long count_blanks(const struct mesh_growth *g, const struct lines *l, int odd)
{
    enum { SPAN = 2 * MAX_COLUMNS };
    CLEANUP_FREE bool *full = calloc(SPAN, sizeof(*full));
    long blanks = 0;

    if (!full)
        return -ENOMEM;
    for (unsigned k = 0; k < l->n; k++) {
        int lo = SPAN, hi = -1;
        memset(full, 0, SPAN * sizeof(*full));
        for (size_t i = 0; i < g->n; i++) {
            const int at = (g->mark[i].column + odd + SPAN) / 2;
            if (!g->mark[i].on || g->mark[i].row / 3 != (int32_t) k || at < 0 || at >= SPAN)
                continue;
            full[at] = true;
            lo = MIN(lo, at);
            hi = MAX(hi, at);
        }
        for (int at = lo + 1; at < hi; at++)
            blanks += !full[at];
    }
    return blanks;
}

/* Where dot columns are all equally far apart their distance does not tell which two are a cell;
 * blanks between words do. */
static int find_phase(struct mesh_growth *g, const struct lines *l)
{
    if (g->alpha < EVEN_ALPHA)
        return 0;
    const long here = count_blanks(g, l, 0), there = count_blanks(g, l, 1);
    if (here < 0 || there < 0)
        return -ENOMEM;
    if (there > here) {
        for (size_t i = 0; i < g->n; i++)
            g->mark[i].column++;
        g->alpha = 1 - g->alpha;
    }
    return 0;
}

/* Which columns of cells the text reaches: an outer one needs a clear dot, two if it stands far
 * from the others. */
static int find_columns(const struct mesh_growth *g, struct lines *l)
{
    int lo = INT32_MAX, hi = INT32_MIN;

    for (size_t i = 0; i < g->n; i++)
        if (g->mark[i].on) {
            lo = MIN(lo, g->mark[i].column >> 1);
            hi = MAX(hi, g->mark[i].column >> 1);
        }
    if (hi < lo || hi - lo >= MAX_COLUMNS)
        return -ENODATA;
    CLEANUP_FREE double *w = calloc((size_t) (hi - lo + 1), sizeof(*w));
    if (!w)
        return -ENOMEM;
    for (size_t i = 0; i < g->n; i++)
        if (g->mark[i].on)
            w[(g->mark[i].column >> 1) - lo] += g->points[i].weight;
    int from = 0, to = hi - lo;
    for (; from < to; from++) {
        double next = 0;
        for (int k = from + 1; k <= MIN(from + CLOSE_COLUMNS, to); k++)
            next += w[k];
        if (w[from] >= LONE_COLUMN || (w[from] >= LEAST_COLUMN && next >= LONE_COLUMN))
            break;
    }
    for (; to > from; to--) {
        double next = 0;
        for (int k = to - 1; k >= MAX(to - CLOSE_COLUMNS, from); k--)
            next += w[k];
        if (w[to] >= LONE_COLUMN || (w[to] >= LEAST_COLUMN && next >= LONE_COLUMN))
            break;
    }
    l->first = lo + from;
    l->last = lo + to;
    return 0;
}

/* ---- places ---- */

/* Grid -> picture; grid coordinates in dot pitches. */
struct map {
    struct surface xy[2];
    double *off; ///< [n_y][n_x][2] what the smooth functions leave at nodes, pixels; owned
    double x0, y0;
    int n_x, n_y;
};

static void map_done(struct map *m)
{
    free(m->off);
}

/* Where a point lies in the grid, in dot pitches. */
static struct brl_point grid_place(const struct mesh_growth *g, const struct lines *l,
                                   const struct mesh_mark *m)
{
    const int line = m->row / 3;
    return (struct brl_point){
        (m->column >> 1) / g->alpha + l->shift[line] + (m->column & 1),
        l->at[line] + m->row % 3,
    };
}

static void map_bend(const struct mesh_growth *g, const struct lines *l, struct map *map)
{
    const double size = map->xy[0].size, bends = g->bend * size * g->pitch;

    for (int pass = 0; pass < 3; pass++) {
        struct surface_sums sums = {0};
        for (size_t i = 0; i < g->n; i++) {
            const struct mesh_mark *m = &g->mark[i];
            const struct brl_mesh_point *p = &g->points[i];
            if (!m->on)
                continue;
            const struct brl_point at = grid_place(g, l, m);
            double w = p->weight;
            if (pass > 0) /* a curl is no outlier: only points far off lose their say */
                w *=
                    brl_mesh_trust((p->x - brl_surface_at(&map->xy[0], at.x, at.y)) / g->pitch / 4,
                                   (p->y - brl_surface_at(&map->xy[1], at.x, at.y)) / g->pitch / 4);
            brl_surface_observe(map->xy, at.x, at.y, (double[]){p->x, p->y}, w, &sums);
        }
        brl_surface_solve(map->xy, &sums, (double[]){NOISE * g->pitch, NOISE * g->pitch},
                          (double[]){bends, bends});
    }
}

/* What dots around a node say: a level and slopes to the right and down. */
struct node {
    double a[3][3], x[3], y[3];
};

static void node_add(struct node *node, double dx, double dy, double weight, double off_x,
                     double off_y)
{
    const double phi[3] = {1, dx, dy};

    for (int p = 0; p < 3; p++) {
        for (int q = 0; q <= p; q++)
            node->a[p][q] += weight * phi[p] * phi[q];
        node->x[p] += weight * phi[p] * off_x;
        node->y[p] += weight * phi[p] * off_y;
    }
}

/* Local lines through what the smooth functions leave. */
static int map_rest(const struct mesh_growth *g, const struct lines *l, struct map *map)
{
    const size_t n = (size_t) map->n_x * (size_t) map->n_y;
    const int reach = (int) ceil(2.5 * NODE_SPREAD / NODE);
    CLEANUP_FREE struct node *node = calloc(n, sizeof(*node));

    if (!node)
        return -ENOMEM;
    for (size_t i = 0; i < g->n; i++) {
        const struct brl_mesh_point *p = &g->points[i];
        if (!g->mark[i].on)
            continue;
        const struct brl_point at = grid_place(g, l, &g->mark[i]);
        const double dx = p->x - brl_surface_at(&map->xy[0], at.x, at.y);
        const double dy = p->y - brl_surface_at(&map->xy[1], at.x, at.y);
        const double ix = (at.x - map->x0) / NODE, iy = (at.y - map->y0) / NODE;
        for (int y = MAX((int) iy - reach, 0); y <= MIN((int) iy + reach, map->n_y - 1); y++)
            for (int x = MAX((int) ix - reach, 0); x <= MIN((int) ix + reach, map->n_x - 1); x++) {
                const double nx = (ix - x) * NODE, ny = (iy - y) * NODE;
                const double far = (nx * nx + ny * ny) / (NODE_SPREAD * NODE_SPREAD);
                node_add(&node[(size_t) y * (size_t) map->n_x + (size_t) x], nx, ny,
                         p->weight * exp(-0.5 * far), dx, dy);
            }
    }
    for (size_t k = 0; k < n; k++) {
        node[k].a[0][0] += NODE_LEVEL;
        node[k].a[1][1] += NODE_SLOPE;
        node[k].a[2][2] += NODE_SLOPE;
        map->off[2 * k] = brl_mesh_level(node[k].a, node[k].x);
        map->off[2 * k + 1] = brl_mesh_level(node[k].a, node[k].y);
    }
    return 0;
}

static struct brl_point map_at(const struct map *map, double u, double v)
{
    const double ix = fmin(fmax((u - map->x0) / NODE, 0), map->n_x - 1);
    const double iy = fmin(fmax((v - map->y0) / NODE, 0), map->n_y - 1);
    const int x0 = (int) ix, y0 = (int) iy;
    const int x1 = MIN(x0 + 1, map->n_x - 1), y1 = MIN(y0 + 1, map->n_y - 1);
    const double fx = ix - x0, fy = iy - y0;
    double off[2];

    for (int k = 0; k < 2; k++) {
        const double *o = map->off + k;
        off[k] =
            (o[2 * (y0 * map->n_x + x0)] * (1 - fx) + o[2 * (y0 * map->n_x + x1)] * fx) * (1 - fy) +
            (o[2 * (y1 * map->n_x + x0)] * (1 - fx) + o[2 * (y1 * map->n_x + x1)] * fx) * fy;
    }
    return (struct brl_point){brl_surface_at(&map->xy[0], u, v) + off[0],
                              brl_surface_at(&map->xy[1], u, v) + off[1]};
}

static int map_new(const struct mesh_growth *g, const struct lines *l, struct map *map)
{
    const double u0 = l->first / g->alpha, u1 = l->last / g->alpha + 1;
    const double v0 = l->at[0], v1 = l->at[l->n - 1] + 2;
    const double size = fmax(fmax(u1 - u0, v1 - v0) / 2, 15);

    map->xy[0] = map->xy[1] =
        (struct surface){.cx = (u0 + u1) / 2, .cy = (v0 + v1) / 2, .size = size};
    map->x0 = u0;
    map->y0 = v0;
    map->n_x = (int) ceil((u1 - u0) / NODE) + 1;
    map->n_y = (int) ceil((v1 - v0) / NODE) + 1;
    map->off = calloc((size_t) map->n_x * (size_t) map->n_y, 2 * sizeof(double));
    if (!map->off)
        return -ENOMEM;
    map_bend(g, l, map);
    return map_rest(g, l, map);
}

/* Each line lies where its own dots are: what they are off by on the average. */
static int shift_lines(const struct mesh_growth *g, const struct map *map, struct lines *l)
{
    CLEANUP_FREE double(*sum)[3] = calloc(l->n, sizeof(*sum));
    double xu, xv, yu, yv;

    if (!sum)
        return -ENOMEM;
    brl_surface_slopes(&map->xy[0], map->xy[0].cx, map->xy[0].cy, &xu, &xv);
    brl_surface_slopes(&map->xy[1], map->xy[0].cx, map->xy[0].cy, &yu, &yv);
    const double det = xu * yv - xv * yu;
    if (!(fabs(det) > 1))
        return -ENODATA;
    for (size_t i = 0; i < g->n; i++) {
        const struct mesh_mark *m = &g->mark[i];
        if (!m->on)
            continue;
        const struct brl_point at = grid_place(g, l, m), p = map_at(map, at.x, at.y);
        const double dx = g->points[i].x - p.x, dy = g->points[i].y - p.y;
        const double du = (dx * yv - dy * xv) / det, dv = (dy * xu - dx * yu) / det;
        const double w = g->points[i].weight * brl_mesh_trust(du, dv);
        sum[m->row / 3][0] += w * du;
        sum[m->row / 3][1] += w * dv;
        sum[m->row / 3][2] += w;
    }
    for (unsigned k = 0; k < l->n; k++) {
        l->shift[k] += sum[k][0] / (sum[k][2] + SHIFT_PRIOR);
        l->at[k] += sum[k][1] / (sum[k][2] + RAISE_PRIOR);
    }
    return 0;
}

static int by_double(const void *a, const void *b)
{
    const double x = *(const double *) a, y = *(const double *) b;
    return (x > y) - (x < y);
}

/* Sizes and turn in the page's middle. */
static int measure(const struct mesh_growth *g, const struct lines *l, const struct map *map,
                   struct brl_mesh *ret)
{
    double xu, xv, yu, yv, gap = 4;
    CLEANUP_FREE double *gaps = malloc(l->n * sizeof(*gaps));

    if (!gaps)
        return -ENOMEM;
    for (unsigned k = 0; k + 1 < l->n; k++)
        gaps[k] = l->at[k + 1] - l->at[k];
    if (l->n > 1) {
        qsort(gaps, l->n - 1, sizeof(*gaps), by_double);
        gap = gaps[(l->n - 1) / 2];
    }
    brl_surface_slopes(&map->xy[0], map->xy[0].cx, map->xy[0].cy, &xu, &xv);
    brl_surface_slopes(&map->xy[1], map->xy[0].cx, map->xy[0].cy, &yu, &yv);
    ret->pitch = hypot(xu, yu);
    ret->row_pitch = hypot(xv, yv);
    ret->cell = ret->pitch / g->alpha;
    ret->line = gap * ret->row_pitch;
    ret->skew_deg = atan2(yu, xu) * 180 / M_PI;
    return 0;
}

static int place_dots(const struct mesh_growth *g, const struct lines *l, const struct map *map,
                      struct brl_mesh *ret)
{
    ret->n_rows = l->n;
    ret->n_columns = (unsigned) (l->last - l->first + 1);
    const size_t n = (size_t) ret->n_rows * ret->n_columns;
    ret->dot = malloc(n * sizeof(*ret->dot));
    if (!ret->dot)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        const unsigned row = (unsigned) (i / ret->n_columns), k = (unsigned) (i % ret->n_columns);
        for (unsigned d = 0; d < 6; d++)
            ret->dot[i][d] = map_at(map, (l->first + (int) k) / g->alpha + l->shift[row] + d / 3,
                                    l->at[row] + d % 3);
    }
    return 0;
}

/* Which dot each point is, and how well they speak for the grid. */
static int rate(const struct mesh_growth *g, const struct lines *l, struct brl_mesh *ret)
{
    const double line = ret->line / ret->row_pitch;
    const double chance = 4 * TIGHT * g->alpha * fmin(6 * TIGHT / line, 1);
    double all = 0, on = 0, tight = 0;

    ret->place = malloc(g->n * sizeof(*ret->place));
    if (!ret->place)
        return -ENOMEM;
    for (size_t i = 0; i < g->n; i++) {
        const struct mesh_mark *m = &g->mark[i];
        const double w = g->points[i].weight;
        const int column = m->column >> 1;
        all += w;
        ret->place[i] = -1;
        if (!m->on || column < l->first || column > l->last)
            continue;
        on += w;
        tight += fabs(m->du) < TIGHT && fabs(m->dv) < TIGHT ? w : 0;
        ret->place[i] = 6 * ((m->row / 3) * (int32_t) ret->n_columns + column - l->first) +
                        3 * (m->column & 1) + m->row % 3;
    }
    ret->fit = on / all;
    ret->bent = g->bent;
    ret->score = (tight / all - chance) / sqrt(chance * (1 - chance)) * sqrt(all);
    return 0;
}

int brl_mesh_settle(struct mesh_growth *g, struct brl_mesh *ret)
{
    CLEANUP(lines_done) struct lines l = {0};
    CLEANUP(map_done) struct map map = {0};

    int r = find_lines(g, &l);
    if (r == 0)
        r = find_phase(g, &l);
    if (r == 0)
        r = find_columns(g, &l);
    if (r == 0)
        r = map_new(g, &l, &map);
    if (r == 0)
        r = shift_lines(g, &map, &l);
    if (r == 0)
        r = measure(g, &l, &map, ret);
    if (r == 0)
        r = place_dots(g, &l, &map, ret);
    if (r == 0)
        r = rate(g, &l, ret);
    return r;
}
