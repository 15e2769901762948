/* SPDX-License-Identifier: Apache-2.0 */

#include "braille/cut.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>

#include "base/macro.h"
#include "base/random.h"

/* All in dot pitches. A dot's radius is about 0.3 of one. */
#define APART 0.42   ///< from an edge to the centre of a dot that it must leave alone
#define LEAST 0.58   ///< smallest margin of a good cut
#define REACH 5.5    ///< how far away the dots of a neighbour may be
#define SAME 0.35    ///< dots nearer than this along an axis are of one column or row
#define THROUGH 0.22 ///< a cut through a dot misses its centre by no more

const char *const brl_fault_names[BRL_N_FAULTS] = {"none", "over", "under", "cut"};
const char *const brl_edge_names[BRL_N_EDGES] = {"left", "right", "above", "below"};

/* The page seen so that the edge in question is always on the left: `u` grows from that edge into
 * the run, `v` runs along it. */
struct view {
    bool upright; ///< u is x
    double sign;  ///< u is counted from the other end
};

static struct view view_of(enum brl_edge edge)
{
    return (struct view){.upright = edge == BRL_LEFT || edge == BRL_RIGHT,
                         .sign = edge == BRL_LEFT || edge == BRL_ABOVE ? 1 : -1};
}

static double along_u(const struct view *w, struct brl_point p)
{
    return w->sign * (w->upright ? p.x : p.y);
}

static double along_v(const struct view *w, struct brl_point p)
{
    return w->upright ? p.y : p.x;
}

/* The page, in pixels; edge[] are the sides of the cut, e.g. edge[BRL_LEFT] an x. */
struct task {
    const struct brl_cut_cell *cells;
    size_t n, first, n_run;
    double pitch, size[2]; ///< width, height
    double edge[BRL_N_EDGES];
};

static bool in_run(const struct task *t, size_t cell)
{
    return cell >= t->first && cell < t->first + t->n_run;
}

/* Does the dot lie between the two edges that run across `edge`, well inside? */
static bool in_band(const struct task *t, const struct view *w, struct brl_point p)
{
    const double from = t->edge[w->upright ? BRL_ABOVE : BRL_LEFT];
    const double to = t->edge[w->upright ? BRL_BELOW : BRL_RIGHT];
    const double v = along_v(w, p);
    return v > from + APART * t->pitch && v < to - APART * t->pitch;
}

/* Does any of the dot show between those edges? */
static bool peeks_in(const struct task *t, const struct view *w, struct brl_point p)
{
    const double from = t->edge[w->upright ? BRL_ABOVE : BRL_LEFT];
    const double to = t->edge[w->upright ? BRL_BELOW : BRL_RIGHT];
    const double v = along_v(w, p);
    return v > from - APART * t->pitch && v < to + APART * t->pitch;
}

/* u of the run's outermost place of a dot, raised or not (`raised`: only raised ones). */
static double outermost(const struct task *t, const struct view *w, bool raised)
{
    double least = INFINITY;

    for (size_t i = t->first; i < t->first + t->n_run; i++)
        for (unsigned d = 0; d < 6; d++)
            if (!raised || (t->cells[i].cell >> d & 1))
                least = fmin(least, along_u(w, t->cells[i].dot[d]));
    return least;
}

/* u of the neighbours' raised dot next to `edge`, outside of u0; -INFINITY: none. */
static double nearest_outside(const struct task *t, const struct view *w, double u0, bool whole)
{
    double best = -INFINITY;

    for (size_t i = 0; i < t->n; i++) {
        if (in_run(t, i))
            continue;
        for (unsigned d = 0; d < 6; d++) {
            const struct brl_point p = t->cells[i].dot[d];
            if (!(t->cells[i].cell >> d & 1) || !(whole ? in_band(t, w, p) : peeks_in(t, w, p)))
                continue;
            const double u = along_u(w, p);
            if (u < u0 && u > best)
                best = u;
        }
    }
    return best;
}

/* Smallest u of a raised dot of the run that lies beyond the outermost column or row. */
static double second_column(const struct task *t, const struct view *w, double first)
{
    double least = INFINITY;

    for (size_t i = t->first; i < t->first + t->n_run; i++)
        for (unsigned d = 0; d < 6; d++) {
            const double u = along_u(w, t->cells[i].dot[d]);
            if ((t->cells[i].cell >> d & 1) && u > first + SAME * t->pitch)
                least = fmin(least, u);
        }
    return least;
}

static void set_edge(struct task *t, enum brl_edge edge, const struct view *w, double u)
{
    t->edge[edge] = w->sign * u;
}

/* A margin on one side that keeps clear of the neighbours and stays in the picture. */
static int margin_edge(struct task *t, enum brl_edge edge, double margin)
{
    const struct view w = view_of(edge);
    const double u0 = outermost(t, &w, false);
    const double other = nearest_outside(t, &w, u0 - 0.5 * t->pitch, false);
    const double end = w.sign > 0 ? -0.5 : -(t->size[w.upright ? 0 : 1] - 0.5);

    double u = fmax(u0 - margin * t->pitch, end);
    if (u < other + APART * t->pitch)
        u = other + APART * t->pitch;
    if (u > u0 - LEAST * t->pitch)
        return -ENOENT;
    set_edge(t, edge, &w, u);
    return 0;
}

static int over_edge(struct task *t, enum brl_edge edge, struct random *rnd)
{
    const struct view w = view_of(edge);
    const double u0 = outermost(t, &w, false);
    const double other = nearest_outside(t, &w, u0 - 0.5 * t->pitch, true);
    const double end = w.sign > 0 ? -0.5 : -(t->size[w.upright ? 0 : 1] - 0.5);
    const double u = other - random_uniform(rnd, APART, 0.62) * t->pitch;

    if (!(other > u0 - REACH * t->pitch) || u < end)
        return -ENOENT;
    set_edge(t, edge, &w, u);
    return 0;
}

static int under_edge(struct task *t, enum brl_edge edge, bool through, struct random *rnd)
{
    const struct view w = view_of(edge);
    const double first = outermost(t, &w, true), second = second_column(t, &w, first);

    if (through) {
        set_edge(t, edge, &w, first + random_uniform(rnd, -THROUGH, THROUGH) * t->pitch);
        return 0;
    }
    if (!isfinite(second))
        return -ENOENT; /* nothing would be left */
    set_edge(t, edge, &w, first + random_uniform(rnd, APART, 1 - APART) * t->pitch);
    return 0;
}

/* Dots that the fault took in, cut off or cut through. */
static unsigned count_dots(const struct task *t, const struct brl_cut_params *params)
{
    const struct view w = view_of(params->edge);
    const double u0 = w.sign * t->edge[params->edge];
    unsigned n = 0;

    if (params->fault == BRL_FAULT_NONE)
        return 0;
    for (size_t i = 0; i < t->n; i++)
        for (unsigned d = 0; d < 6; d++) {
            const struct brl_point p = t->cells[i].dot[d];
            const double u = along_u(&w, p) - u0;
            if (!(t->cells[i].cell >> d & 1))
                continue;
            if (params->fault == BRL_FAULT_OVER)
                n += !in_run(t, i) && u > 0 && in_band(t, &w, p) &&
                     along_u(&w, p) < outermost(t, &w, false);
            else
                n += in_run(t, i) && u < (params->fault == BRL_FAULT_CUT ? SAME : 0) * t->pitch;
        }
    return n;
}

static int to_pixels(const struct task *t, struct brl_cut *ret)
{
    const double x0 = fmax(ceil(t->edge[BRL_LEFT]), 0), y0 = fmax(ceil(t->edge[BRL_ABOVE]), 0);
    const double x1 = fmin(floor(t->edge[BRL_RIGHT]), t->size[0] - 1);
    const double y1 = fmin(floor(t->edge[BRL_BELOW]), t->size[1] - 1);

    if (!(x1 - x0 >= t->pitch && y1 - y0 >= t->pitch))
        return -ENOENT;
    *ret = (struct brl_cut){.x = (unsigned) x0,
                            .y = (unsigned) y0,
                            .width = (unsigned) (x1 - x0) + 1,
                            .height = (unsigned) (y1 - y0) + 1};
    return 0;
}

int brl_cut(const struct brl_cut_cell *cells, size_t n, size_t first, size_t n_run, double pitch_px,
            unsigned width, unsigned height, const struct brl_cut_params *params,
            struct brl_cut *ret)
{
    struct task t = {.cells = cells, .n = n, .first = first, .n_run = n_run, .pitch = pitch_px};
    struct random rnd = {params->seed};
    bool raised = false;
    int r = 0;

    if (n_run == 0 || first > n || n_run > n - first || !(pitch_px >= 1) ||
        params->edge >= BRL_N_EDGES || params->fault >= BRL_N_FAULTS)
        return -EINVAL;
    for (size_t i = first; i < first + n_run; i++)
        raised = raised || (cells[i].cell & 63);
    if (!raised)
        return -EINVAL;
    t.size[0] = width;
    t.size[1] = height;
    /* the band that decides who is a neighbour is the run's own height and width */
    for (unsigned e = 0; e < BRL_N_EDGES; e++) {
        const struct view w = view_of((enum brl_edge) e);
        set_edge(&t, (enum brl_edge) e, &w, outermost(&t, &w, false) - LEAST * pitch_px);
    }
    for (unsigned e = 0; e < BRL_N_EDGES && r == 0; e++)
        r = margin_edge(&t, (enum brl_edge) e,
                        params->margin +
                            random_uniform(&rnd, -params->margin_vary, params->margin_vary));
    if (r == 0 && params->fault == BRL_FAULT_OVER)
        r = over_edge(&t, params->edge, &rnd);
    else if (r == 0 && params->fault != BRL_FAULT_NONE)
        r = under_edge(&t, params->edge, params->fault == BRL_FAULT_CUT, &rnd);
    if (r == 0)
        r = to_pixels(&t, ret);
    if (r == 0)
        ret->n_dots = count_dots(&t, params);
    return r;
}
