/* SPDX-License-Identifier: Apache-2.0
 *
 * A sheet's dots under light along one axis, and the grids that lie over them.
 */

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/macro.h"
#include "braille/sheet_internal.h"

#define LEAST_P 0.2 ///< of a dot that says something of the grid
#define CLEAR_P 0.5
#define MIN_PITCH_SHARE 0.78 ///< of the pitch that dots were looked for with
#define MAX_PITCH_SHARE 1.28
#define MAX_DOTS 20000 ///< a page of the smallest cells has 8,000 of a side

struct brl_point brl_sheet_turn(unsigned degrees, double width, double height, double x, double y)
{
    switch (degrees / 90 % 4) {
    case 1:
        return (struct brl_point){y, width - 1 - x};
    case 2:
        return (struct brl_point){width - 1 - x, height - 1 - y};
    case 3:
        return (struct brl_point){height - 1 - y, x};
    default:
        return (struct brl_point){x, y};
    }
}

void brl_sheet_look_done(struct sheet_look *look)
{
    brl_spots_done(&look->spots);
    for (unsigned k = 0; k < 4; k++) {
        brl_mesh_done(&look->fit[k / 2][k % 2].mesh);
        free(look->fit[k / 2][k % 2].spot);
    }
}

int brl_sheet_look(struct brl_sheet *s, unsigned axis)
{
    struct sheet_look *look = &s->look[axis];
    CLEANUP(image_freep) struct image *turned = NULL;

    if (look->tried)
        return 0;
    look->tried = true;
    if (!s->picture)
        return 0; /* only dots were given */
    int r = axis ? image_turn(s->picture, 90, &turned) : 0;
    if (r == 0)
        r = brl_dotmap_find(axis ? turned : s->picture, s->pitch_px * s->scale, &look->spots);
    if (r == -EINVAL)
        return 0; /* nothing can be seen at such a pitch */
    look->turned = axis;
    look->scale = s->scale;
    look->width = s->picture->width;
    look->height = s->picture->height;
    for (size_t i = 0; i < look->spots.n && r == 0; i++) {
        struct brl_spot *spot = &look->spots.spot[i];
        struct brl_point p = {spot->x, spot->y};
        if (axis) /* where it was before the picture was turned */
            p = brl_sheet_turn(90, s->picture->height, s->picture->width, p.x, p.y);
        spot->x = (float) ((p.x + 0.5) / s->scale - 0.5);
        spot->y = (float) ((p.y + 0.5) / s->scale - 0.5);
    }
    return r;
}

double brl_sheet_proof(const struct brl_mesh *mesh)
{
    return mesh->score * mesh->fit * mesh->fit;
}

static int by_x(const void *a, const void *b)
{
    const struct brl_mesh_point *p = a, *q = b;
    return (p->x > q->x) - (p->x < q->x);
}

/* Distance to the nearest point, of points ordered by x. */
static double nearest(const struct brl_mesh_point *pt, size_t n, size_t i, double reach)
{
    double best = reach;

    for (size_t j = i + 1; j < n && pt[j].x - pt[i].x < best; j++)
        best = fmin(best, hypot(pt[j].x - pt[i].x, pt[j].y - pt[i].y));
    for (size_t j = i; j-- > 0 && pt[i].x - pt[j].x < best;)
        best = fmin(best, hypot(pt[j].x - pt[i].x, pt[j].y - pt[i].y));
    return best;
}

double brl_sheet_spacing(const struct brl_spots *spots, double pitch_px, double *ret_share)
{
    enum { N_BINS = 48 };
    const double bin = 0.05;
    double hist[N_BINS] = {0}, best = 0, spacing = 0;

    *ret_share = 0;
    for (int dent = 0; dent < 2; dent++) {
        CLEANUP_FREE struct brl_mesh_point *pt = malloc((spots->n + 1) * sizeof(*pt));
        size_t n = 0;
        if (!pt)
            return 0;
        for (size_t i = 0; i < spots->n && n < MAX_DOTS; i++)
            if (spots->spot[i].dent == dent && spots->spot[i].p > CLEAR_P)
                pt[n++] = (struct brl_mesh_point){spots->spot[i].x, spots->spot[i].y, 1};
        qsort(pt, n, sizeof(*pt), by_x);
        for (size_t i = 0; i < n; i++) {
            const double d = nearest(pt, n, i, N_BINS * bin * pitch_px) / pitch_px / bin;
            if (d < N_BINS)
                hist[(size_t) d]++;
        }
    }
    for (unsigned k = 8; k + 1 < N_BINS; k++) {
        const double sum = hist[k - 1] + hist[k] + hist[k + 1];
        if (sum > best && hist[k] > 0) {
            best = sum;
            spacing = bin *
                      ((k - 0.5) * hist[k - 1] + (k + 0.5) * hist[k] + (k + 1.5) * hist[k + 1]) /
                      sum;
        }
    }
    *ret_share = best;
    return best >= 10 ? spacing : 0;
}

int brl_sheet_fit(struct brl_sheet *s, unsigned axis, bool dent, bool down, struct sheet_fit **ret)
{
    struct sheet_look *look = &s->look[axis];
    struct sheet_fit *fit = &look->fit[dent][down];
    CLEANUP_FREE struct brl_mesh_point *pt = NULL;

    *ret = fit;
    if (fit->tried)
        return fit->result;
    pt = malloc((look->spots.n + 1) * sizeof(*pt));
    free(fit->spot);
    fit->spot = malloc((look->spots.n + 1) * sizeof(*fit->spot));
    if (!pt || !fit->spot)
        return -ENOMEM;
    fit->n = 0;
    for (size_t i = 0; i < look->spots.n && fit->n < MAX_DOTS; i++) {
        const struct brl_spot *spot = &look->spots.spot[i];
        if (spot->dent != dent || spot->p < LEAST_P)
            continue;
        const struct brl_point p =
            brl_sheet_turn(down ? 90 : 0, s->width, s->height, spot->x, spot->y);
        fit->spot[fit->n] = (uint32_t) i;
        pt[fit->n++] = (struct brl_mesh_point){p.x, p.y, spot->p};
    }
    int r = brl_mesh_fit(pt, fit->n,
                         &(struct brl_mesh_params){.min_pitch = MIN_PITCH_SHARE * s->pitch_px,
                                                   .max_pitch = MAX_PITCH_SHARE * s->pitch_px},
                         &fit->mesh);
    if (r == -ENOMEM)
        return r;
    fit->tried = true;
    fit->result = r;
    return r;
}
