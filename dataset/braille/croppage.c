/* SPDX-License-Identifier: Apache-2.0
 *
 * The places of a crop of a few cells: too little is seen of its paper and its grid for what reads
 * pages.
 */

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "braille/dots.h"
#include "braille/grid.h"
#include "braille/page_internal.h"
#include "braille/sheet_internal.h"
#include "image/cv.h"

#define MIN_PITCH_SHARE 0.84 ///< of the pitch that is expected
#define MAX_PITCH_SHARE 1.19

/* A try: one scale. */
struct attempt {
    struct brl_dots dots;
    struct brl_grid grid;
};

static void attempt_done(struct attempt *a)
{
    brl_dots_done(&a->dots);
    brl_grid_done(&a->grid);
}

/* Weight of a dot by how like the crop's typical dot it is. Braille is pressed evenly: what is far
 * stronger is an edge or ink, what is far weaker a speck; a dot that touches one of the other side
 * is weaker, too. */
static double weight_of(double strength, double typical)
{
    const double d = log(strength / typical) / (strength > typical ? 0.3 : 0.45);
    return exp(-0.5 * d * d);
}

/* Strength around which most dots of one kind lie, but not at the picture's edge, and of some
 * contrast: on paper of a rough grain specks outnumber dots. */
static double typical_strength(const struct brl_dots *dots, bool dent, const struct image *grey,
                               double border)
{
    double best = 0, typical = 10;

    for (double t = 6.5; t < 300; t *= 1.1) {
        double sum = 0;
        for (size_t i = 0; i < dots->n; i++) {
            const struct brl_dot *d = &dots->dot[i];
            if (d->dent == dent && d->x > border && d->y > border && d->x < grey->width - border &&
                d->y < grey->height - border)
                sum += weight_of(d->strength, t);
        }
        sum *= sqrt(t); /* among equals the clearer ones */
        if (sum > best) {
            best = sum;
            typical = t;
        }
    }
    return typical;
}

static int fit(struct attempt *a, const struct image *grey, const struct brl_page_params *params,
               double pitch, unsigned orientation)
{
    const struct brl_dots *dots = &a->dots;
    const bool dent = params->side == BRL_VERSO, quarter = orientation % 180 == 90;
    const double typical = typical_strength(dots, dent, grey, 0.25 * pitch);
    CLEANUP_FREE struct brl_grid_point *pt = malloc((dots->n + 1) * sizeof(*pt));
    size_t n = 0;

    if (!pt)
        return -ENOMEM;
    for (size_t i = 0; i < dots->n; i++) {
        const struct brl_dot *d = &dots->dot[i];
        const double weight = weight_of(d->strength, typical);
        if (d->dent != dent || weight < 0.05)
            continue;
        const struct brl_point p =
            brl_sheet_turn(orientation, grey->width, grey->height, d->x, d->y);
        pt[n++] = (struct brl_grid_point){p.x, p.y, weight};
    }
    return brl_grid_fit_crop(pt, n,
                             &(struct brl_grid_params){
                                 .min_pitch = MIN_PITCH_SHARE * pitch,
                                 .max_pitch = MAX_PITCH_SHARE * pitch,
                                 .width = quarter ? grey->height : grey->width,
                                 .height = quarter ? grey->width : grey->height,
                             },
                             &a->grid);
}

/* A crop's height tells the pitch where its resolution does not: two pitches and what was left
 * around them. Light from the top; the text runs along the crop as it is. */
static int find_grid(const struct image *grey, const struct brl_page_params *params,
                     unsigned orientation, struct attempt *ret)
{
    CLEANUP(attempt_done) struct attempt best = {0};
    const double told = params->dpi > 0 ? params->dpi : grey->dpi;
    const double height = orientation % 180 ? grey->width : grey->height;
    const bool known = told >= MIN_TOLD_DPI && told <= MAX_TOLD_DPI;
    const double pitches[] = {known ? TYPICAL_PITCH_MM / MM_PER_INCH * told : height / 3.4,
                              height / 2.8, height / 4.4};

    for (unsigned i = 0; i < (known ? 1 : ELEMENTSOF(pitches)); i++) {
        CLEANUP(attempt_done) struct attempt now = {0};
        int r = brl_dots_find(grey, pitches[i], MAX(params->light_deg, 0), &now.dots);
        if (r == 0)
            r = fit(&now, grey, params, pitches[i], orientation);
        if (r == -ENOMEM)
            return r;
        if (r == 0 && now.grid.score > best.grid.score) {
            const struct attempt old = best;
            best = now;
            now = old;
        }
    }
    if (!best.grid.column_x)
        return -ENODATA;
    *ret = best;
    best = (struct attempt){0};
    return 0;
}

/* Index into slot->dot of the dot in picture column `s` (0 left) and row `j` (0 top). */
static unsigned dot_index(enum brl_side side, unsigned s, unsigned j)
{
    return (side == BRL_VERSO ? 1 - s : s) * 3 + j;
}

static struct brl_slot *slot_at(struct brl_page *page, unsigned row, unsigned k)
{
    const unsigned column = page->side == BRL_VERSO ? page->n_columns - 1 - k : k;
    return &page->slots[(size_t) row * page->n_columns + column];
}

static void place_slots(const struct attempt *a, const struct image *grey, struct brl_page *page)
{
    const struct brl_grid *g = &a->grid;
    const bool quarter = page->orientation % 180 == 90;
    const double width = quarter ? grey->height : grey->width;
    const double height = quarter ? grey->width : grey->height;
    const double sign = page->side == BRL_VERSO ? -1 : 1;

    for (unsigned row = 0; row < g->n_rows; row++)
        for (unsigned k = 0; k < g->n_columns; k++) {
            struct brl_slot *slot = slot_at(page, row, k);
            slot->row = (uint16_t) row;
            slot->column = (uint16_t) (page->side == BRL_VERSO ? g->n_columns - 1 - k : k);
            for (unsigned i = 0; i < 6; i++) {
                const unsigned d = dot_index(page->side, i / 3, i % 3);
                const double x = g->column_x[k] + i / 3 * g->pitch, y = g->row_y[3 * row + i % 3];
                slot->dot[d] = brl_sheet_turn((360 - page->orientation) % 360, width, height, x, y);
                slot->evidence[d] = sign * brl_dots_rest(&a->dots, slot->dot[d].x, slot->dot[d].y);
            }
        }
}

/* Give each place the strength of the dot that lies on it. */
static void collect_evidence(const struct attempt *a, struct brl_page *page)
{
    for (size_t i = 0; i < a->dots.n; i++) {
        const struct brl_dot *dot = &a->dots.dot[i];
        if (dot->dent != (page->side == BRL_VERSO))
            continue;
        for (size_t k = 0; k < 6 * page->n_slots; k++) {
            struct brl_slot *slot = &page->slots[k / 6];
            const struct brl_point at = slot->dot[k % 6];
            if (hypot(dot->x - at.x, dot->y - at.y) < 0.4 * page->pitch_px)
                slot->evidence[k % 6] = fmax(slot->evidence[k % 6], dot->strength);
        }
    }
}

int brl_page_find_crop(const struct image *img, const struct brl_page_params *params,
                       struct brl_page *page)
{
    CLEANUP(image_freep) struct image *grey = NULL;
    CLEANUP(attempt_done) struct attempt a = {0};

    int r = image_to_grey(img, &grey);
    page->side = params->side;
    page->orientation = params->orientation < 0 ? 0 : (unsigned) params->orientation;
    if (r == 0)
        r = find_grid(grey, params, page->orientation, &a);
    if (r < 0)
        return r;
    page->pitch_px = a.grid.pitch;
    page->cell_px = a.grid.cell;
    page->line_px = a.grid.line;
    page->light_deg = a.dots.light_deg;
    page->score = a.grid.score;
    page->fit = a.grid.fit;
    page->dpi = brl_page_dpi(params->dpi > 0 ? params->dpi : grey->dpi, page->pitch_px);
    page->n_rows = a.grid.n_rows;
    page->n_columns = a.grid.n_columns;
    page->n_slots = (size_t) page->n_rows * page->n_columns;
    page->slots = calloc(page->n_slots, sizeof(*page->slots));
    if (!page->slots)
        return -ENOMEM;
    place_slots(&a, grey, page);
    collect_evidence(&a, page);
    page->picture_scale = 1;
    page->picture = page->own = TAKE_PTR(grey);
    return 0;
}
