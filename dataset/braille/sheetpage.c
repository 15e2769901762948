/* SPDX-License-Identifier: Apache-2.0
 *
 * From a sheet's dots to the slots of one side in one placement.
 */

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "braille/page_internal.h"
#include "braille/sheet_internal.h"

#define GOOD_PROOF 30.0 ///< so clear a grid with so many of the dots on it needs no second one;
#define GOOD_FIT 0.85   ///< lines taken for columns reach 70 and 0.7
#define LEAST_STRAY 0.3 ///< p of a dot that is worth a report

/* Which dots, how they lie and how they are read. */
struct placement {
    struct sheet_fit *fit;
    unsigned axis;
    bool dent;     ///< as the dots look under the light that was taken
    bool down;     ///< the grid's frame is the picture turned back by 90 degrees
    bool half;     ///< and this by another 180
    bool mirrored; ///< cells run from right to left in that frame
    bool swapped;  ///< the light comes from the right or from below
};

/* The light that the reader asks for, as an axis and whether it comes from the other end of it. */
static unsigned light_of(const struct brl_sheet *s, double light_deg, bool *ret_swapped)
{
    *ret_swapped = false;
    if (light_deg < 0)
        return s->axis;
    const double a = light_deg * M_PI / 180;
    const unsigned axis = fabs(cos(a)) < 0.7;
    *ret_swapped = axis ? sin(a) > 0 : cos(a) < 0; /* from the right, from below */
    return axis;
}

/* Which way the lines run, if that is not known: the way that fits clearly better. */
static int find_way(struct brl_sheet *s, struct placement *p)
{
    struct sheet_fit *fit[2] = {0};
    double proof[2] = {0};

    for (unsigned down = 0; down < 2; down++) {
        int r = brl_sheet_fit(s, p->axis, p->dent, down, &fit[down]);
        if (r == -ENOMEM)
            return r;
        if (r == 0)
            proof[down] = brl_sheet_proof(&fit[down]->mesh);
        if (proof[0] >= GOOD_PROOF && fit[0]->mesh.fit >= GOOD_FIT)
            break;
    }
    p->down = proof[1] > proof[0];
    p->fit = fit[p->down];
    return proof[p->down] > 0 ? 0 : -ENODATA;
}

/* Light across the picture, and nobody says from which end: from the page's top, if it is known
 * where that is, else from where the clearer dots are bumps. */
static int guess_end(struct brl_sheet *s, const struct brl_page_params *params, bool *ret_swapped)
{
    double proof[2] = {0};

    if (params->orientation % 180 == 90) {
        *ret_swapped = params->orientation == 90;
        return 0;
    }
    for (unsigned k = 0; k < 4; k++) {
        struct sheet_fit *fit;
        int r = brl_sheet_fit(s, 1, k & 1, k & 2, &fit);
        if (r == -ENOMEM)
            return r;
        if (r == 0)
            proof[k & 1] = fmax(proof[k & 1], brl_sheet_proof(&fit->mesh));
    }
    *ret_swapped = proof[1] > proof[0];
    return 0;
}

static int place(struct brl_sheet *s, const struct brl_page_params *params, struct placement *p)
{
    p->axis = light_of(s, params->light_deg, &p->swapped);
    if (p->axis && params->light_deg < 0) {
        int r = guess_end(s, params, &p->swapped);
        if (r < 0)
            return r;
    }
    p->dent = (params->side == BRL_VERSO) != p->swapped;
    p->mirrored = (params->side == BRL_VERSO) != params->mirrored;
    int r = brl_sheet_look(s, p->axis);
    if (r < 0)
        return r;
    if (params->orientation < 0) {
        r = find_way(s, p);
        /* a page lies with its top towards the light: what turns the scan later turns both */
        p->half = p->axis && p->down && !p->swapped;
    } else {
        p->down = params->orientation % 180 == 90;
        p->half = params->orientation >= 180;
        r = brl_sheet_fit(s, p->axis, p->dent, p->down, &p->fit);
    }
    if (r == 0 && brl_sheet_proof(&p->fit->mesh) < SHEET_LEAST_PROOF)
        r = -ENODATA;
    return r;
}

/* The slot and its dot that dot `d` of the mesh's cell `i` is. */
static struct brl_slot *slot_of(const struct placement *p, struct brl_page *page, size_t i,
                                unsigned *d)
{
    unsigned row = (unsigned) (i / page->n_columns), column = (unsigned) (i % page->n_columns);

    if (p->half) {
        row = page->n_rows - 1 - row;
        *d = 5 - *d;
    }
    if (p->half != p->mirrored)
        column = page->n_columns - 1 - column;
    if (p->mirrored)
        *d = (*d + 3) % 6;
    return &page->slots[(size_t) row * page->n_columns + column];
}

/* What the network says of a place. */
static double rate(const struct brl_sheet *s, const struct placement *p, struct brl_point at)
{
    const struct sheet_look *look = &s->look[p->axis];

    if (!look->spots.vote)
        return -12; /* only dots were given */
    at.x = (at.x + 0.5) * look->scale - 0.5;
    at.y = (at.y + 0.5) * look->scale - 0.5;
    if (look->turned) /* clockwise, as the picture was */
        at = brl_sheet_turn(270, look->width, look->height, at.x, at.y);
    return brl_dotmap_rate(&look->spots, at.x, at.y, p->dent);
}

static int fill_slots(const struct brl_sheet *s, const struct placement *p, struct brl_page *page)
{
    const struct brl_mesh *mesh = &p->fit->mesh;

    page->n_slots = (size_t) page->n_rows * page->n_columns;
    page->slots = calloc(page->n_slots, sizeof(*page->slots));
    if (!page->slots)
        return -ENOMEM;
    for (size_t i = 0; i < page->n_slots; i++)
        for (unsigned k = 0; k < 6; k++) {
            unsigned d = k;
            struct brl_slot *slot = slot_of(p, page, i, &d);
            struct brl_point at = mesh->dot[i][k];
            if (p->down)
                at = brl_sheet_turn(270, s->height, s->width, at.x, at.y);
            slot->row = (uint16_t) ((size_t) (slot - page->slots) / page->n_columns);
            slot->column = (uint16_t) ((size_t) (slot - page->slots) % page->n_columns);
            slot->dot[d] = at;
            slot->evidence[d] = rate(s, p, at);
        }
    return 0;
}

/* Dots count for the slots they lie on; those that lie on none are listed. */
static int sort_spots(const struct brl_sheet *s, const struct placement *p, struct brl_page *page)
{
    const struct sheet_fit *fit = p->fit;
    const struct brl_spot *spot = s->look[p->axis].spots.spot;

    page->stray = malloc((fit->n + 1) * sizeof(*page->stray));
    if (!page->stray)
        return -ENOMEM;
    for (size_t i = 0; i < fit->n; i++) {
        const struct brl_spot *here = &spot[fit->spot[i]];
        const int32_t at = fit->mesh.place[i];
        if (at < 0) {
            if (here->p >= LEAST_STRAY)
                page->stray[page->n_stray++] = *here;
            continue;
        }
        unsigned d = (unsigned) at % 6;
        struct brl_slot *slot = slot_of(p, page, (size_t) at / 6, &d);
        const double odds = fmin((double) here->p, 0.9999);
        slot->evidence[d] = fmax(slot->evidence[d], log(odds / (1 - odds)));
    }
    return 0;
}

static double fold_deg(double deg)
{
    return deg > 90 ? deg - 180 : deg <= -90 ? deg + 180 : deg;
}

static int fill_page(struct brl_sheet *s, const struct brl_page_params *params,
                     const struct placement *p, struct brl_page *page)
{
    const struct brl_mesh *mesh = &p->fit->mesh;
    page->side = params->side;
    page->mirrored = params->mirrored;
    page->pitch_px = mesh->pitch;
    page->cell_px = mesh->cell;
    page->line_px = mesh->line;
    page->skew_deg = fold_deg(mesh->skew_deg);
    page->orientation = (p->down ? 90u : 0u) + (p->half ? 180u : 0u);
    page->light_deg = fmod((p->axis ? 270 : 0) + (p->swapped ? 180 : 0), 360);
    page->score = mesh->score;
    page->fit = mesh->fit;
    page->dpi = brl_page_dpi(s->told_dpi, mesh->pitch);

    page->n_rows = mesh->n_rows;
    page->n_columns = mesh->n_columns;
    page->picture = s->picture;
    page->picture_scale = s->scale;
    int r = fill_slots(s, p, page);
    return r < 0 ? r : sort_spots(s, p, page);
}

int brl_sheet_page(struct brl_sheet *sheet, const struct brl_page_params *params,
                   struct brl_page **ret, struct fail *fail)
{
    CLEANUP(brl_page_freep) struct brl_page *page = calloc(1, sizeof(*page));
    struct placement p = {0};

    int r = page ? place(sheet, params, &p) : -ENOMEM;
    if (r == 0) {
        page->sheet = brl_sheet_ref(sheet);
        r = fill_page(sheet, params, &p, page);
    }
    if (r == -ENOMEM)
        return fail_set(fail, FAIL_OTHER, r, "not enough memory to find the braille grid");
    if (r < 0)
        return fail_set(fail, FAIL_INPUT, -ENODATA,
                        "no braille found on this side of the paper; read the other one or, if "
                        "the page was photographed, scan it flat at 200 to 300 dpi");
    *ret = TAKE_PTR(page);
    return 0;
}
