/* SPDX-License-Identifier: Apache-2.0
 *
 * Which way does the page lie? Nothing in a grid tells a page from the page upside down, its dots
 * from those of a mirror image, or bumps from dents lit from the other side. Its text does: a page
 * of Chinese braille costs 1.5 to 3.8 nats a raised cell in its place and at least 4.8 in any other
 * (docs/braille.md D). To turn or mirror what was read is to permute dots and places, so that one
 * look at one side's dots tries four placements.
 */

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/pipeline_internal.h"

#define GOOD_NATS 4.3 ///< a raised cell: less than this is text, and stands right
/* So much less likely is a mirror image than light from an unusual side, in steps of that. */
#define MIRROR_COST 1.0

/** One side's dots as they were found, and how good a text they are in four placements. */
struct look {
    struct pipeline_cells cells;
    struct pipeline_place place; ///< that they were read in
    bool found;
    struct fail why;   ///< not found
    double nats[2][2]; ///< [turned][mirrored]
};

static void look_done(struct look *l)
{
    pipeline_cells_done(&l->cells);
}

static double around(double deg)
{
    const double d = fmod(deg, 360);
    return d < 0 ? d + 360 : d;
}

static int look_nats(struct look *l, bool turned, bool mirrored)
{
    struct pipeline_stream s = {0};

    int r = pipeline_stream_new(&l->cells, turned, mirrored, &s);
    if (r == 0)
        r = pipeline_stream_nats(&s, &l->nats[turned][mirrored]);
    pipeline_stream_done(&s);
    return r;
}

/** Read one side's dots; nothing there is no failure. */
static int look_at(struct pipeline_task *t, enum brl_side side, const struct pipeline_place *place,
                   struct look *l)
{
    look_done(l);
    *l = (struct look){.place = *place};
    for (unsigned i = 0; i < 4; i++)
        l->nats[i / 2][i % 2] = INFINITY;
    int r = pipeline_find_cells(t, side, false, t->params->dpi, place, &l->cells, &l->why);
    if (r == -ENODATA)
        return 0;
    if (r < 0)
        return r;
    l->found = true;
    l->place.orientation = (int) l->cells.page->orientation;
    l->place.light_deg = l->cells.page->light_deg;
    return look_nats(l, false, false);
}

/** The place in which dots that were looked at in one place stand upright, if they have to be
 * turned or mirrored for that. */
static struct pipeline_place moved(const struct pipeline_place *from, bool turned, bool mirrored)
{
    return (struct pipeline_place){(from->orientation + (turned ? 180 : 0)) % 360,
                                   from->mirrored != mirrored, from->light_deg};
}

static bool is_allowed(const struct pipeline_task *t, const struct pipeline_place *place)
{
    const struct pipeline_read_params *q = t->params;
    return (q->orientation < 0 || q->orientation == place->orientation) &&
           (q->mirrored < 0 || q->mirrored == place->mirrored);
}

/** Dots that are text as one side's in the mirror are the other side's, lit from the other side. */
static struct pipeline_place other_side(const struct pipeline_place *from, bool turned)
{
    struct pipeline_place p = moved(from, turned, false);
    p.light_deg = around(p.light_deg + 180);
    return p;
}

/** How unusual a place is: a page lies with its top towards the light (what turns the scan later
 * turns both), and pictures of pages are seldom mirror images. */
static double cost_of(const struct pipeline_place *p)
{
    const double off = around(p->light_deg - p->orientation);
    return fmin(off, 360 - off) / 90 + (p->mirrored ? MIRROR_COST : 0);
}

/** The best of the four placements. */
static int best_of(const struct pipeline_task *t, struct look *l, bool *ret_turned,
                   bool *ret_mirrored, double *ret_nats)
{
    *ret_nats = INFINITY;
    for (unsigned i = 0; i < 4 && l->found; i++) {
        const bool turned = i & 1, mirrored = i & 2;
        int r = i ? look_nats(l, turned, mirrored) : 0;
        if (r < 0)
            return r;
        const struct pipeline_place here = moved(&l->place, turned, mirrored);
        const struct pipeline_place there = other_side(&l->place, turned);
        if (!is_allowed(t, &here) && !(mirrored && is_allowed(t, &there)))
            continue;
        if (l->nats[turned][mirrored] < *ret_nats) {
            *ret_nats = l->nats[turned][mirrored];
            *ret_turned = turned;
            *ret_mirrored = mirrored;
        }
    }
    return 0;
}

/** The dots that were looked at are text when they are turned or mirrored: read it as it lies. */
static int read_moved(struct pipeline_task *t, enum brl_side side, struct look *l, bool turned,
                      bool mirrored)
{
    const struct pipeline_place same = moved(&l->place, turned, mirrored);
    const struct pipeline_place other = other_side(&l->place, turned);

    if (!mirrored)
        return look_at(t, side, &same, l);
    const bool may_same = is_allowed(t, &same), may_other = is_allowed(t, &other);
    if (may_same && (!may_other || cost_of(&same) < cost_of(&other)))
        return look_at(t, side, &same, l);
    int r = look_at(t, side, &other, l);
    /* nothing on the side that was asked for: then the page is as it seems, or a mirror image */
    if (r == 0 && !l->found && may_same && cost_of(&same) <= MIRROR_COST)
        r = look_at(t, side, &same, l);
    return r;
}

/** A look, and how its dots stand best. */
struct view {
    struct look look;
    bool turned, mirrored;
    double nats;
};

/** The same dots under light from elsewhere, if they are text so, and a better one. What is no text
 * anywhere (another language) stays as it was seen first. */
static int try_light(struct pipeline_task *t, enum brl_side side, double light_deg, struct view *v)
{
    const struct pipeline_place place = {t->params->orientation, t->params->mirrored == 1,
                                         light_deg};
    struct view other = {.nats = INFINITY};

    int r = look_at(t, side, &place, &other.look);
    if (r == 0)
        r = best_of(t, &other.look, &other.turned, &other.mirrored, &other.nats);
    if (r == 0 &&
        ((other.nats < v->nats && other.nats < GOOD_NATS) || (!v->look.found && other.look.found) ||
         (!v->look.found && v->look.why.kind == FAIL_NONE))) {
        const struct view old = *v;
        *v = other;
        other = old;
    }
    look_done(&other.look);
    return r;
}

/** Lines that run down under light from the head of the picture: it was taken from the wrong side,
 * or the page lay across. */
static bool is_lit_across(const struct look *l)
{
    return fabs(sin((l->place.light_deg - l->place.orientation) * M_PI / 180)) > 0.5;
}

static int find_view(struct pipeline_task *t, enum brl_side side, struct view *v)
{
    int r = try_light(t, side, -1, v);
    if (r < 0 || (v->nats < GOOD_NATS && !v->turned && !v->mirrored))
        return r;
    const struct pipeline_place *here = &v->look.place;
    const bool across = v->look.found && is_lit_across(&v->look);
    const bool found = v->look.found; /* under light from the head; else from the foot or a side */
    const double first = !found ? 180 : across ? here->orientation : here->light_deg + 180;
    const double lights[] = {first, first + (found ? 180 : 90), first + (found ? 90 : 270)};
    for (unsigned i = 0; i < ELEMENTSOF(lights) && r == 0; i++)
        if (v->nats >= GOOD_NATS || (across && i == 0))
            r = try_light(t, side, around(lights[i]), v);
    return r;
}

static int find_place(struct pipeline_task *t, enum brl_side side, struct look *l)
{
    struct view v = {.nats = INFINITY};

    int r = find_view(t, side, &v);
    if (r == 0 && v.nats < GOOD_NATS && (v.turned || v.mirrored))
        r = read_moved(t, side, &v.look, v.turned, v.mirrored);
    *l = v.look;
    return r;
}

int pipeline_find_place(struct pipeline_task *t, enum brl_side side, struct pipeline_cells *c,
                        struct pipeline_place *ret, struct fail *fail)
{
    struct look l = {.place = {.light_deg = -1}};

    int r = find_place(t, side, &l);
    *ret = l.place;
    if (r == 0 && !l.found)
        r = -ENODATA;
    if (r == 0) {
        *c = l.cells;
        l.cells = (struct pipeline_cells){0};
    } else if (fail)
        *fail = l.why;
    look_done(&l);
    return r;
}

bool pipeline_is_text(double nats, size_t n_raised)
{
    return nats < GOOD_NATS + 3 / sqrt((double) MAX(n_raised, 1u));
}
