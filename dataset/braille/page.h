/* SPDX-License-Identifier: Apache-2.0
 *
 * From a picture to the places of its cells: skew, light, dot pitch, lines, columns. Sources of the
 * geometry: docs/braille.md. Thread-safe: no shared state.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fail.h"
#include "image/image.h"

enum brl_side { BRL_RECTO, BRL_VERSO };

struct brl_point {
    double x, y;
};

/** A place where a cell can stand (raised dots or not): the rectangle through its outer dot
 * centres. */
struct brl_slot {
    uint16_t row, column;    ///< from 0 in reading order
    struct brl_point dot[6]; ///< centres of dots 1-6, in pixels of the picture as given
    double evidence[6];      ///< logit of a dot there; of crops: response over the page's noise
};

struct brl_sheet;
struct brl_spot;

struct brl_page {
    double pitch_px;      ///< dot pitch a
    double cell_px;       ///< cell pitch p
    double line_px;       ///< line pitch L (median)
    double skew_deg;      ///< positive: the picture is turned clockwise
    double dpi;           ///< from the file, else estimated from the pitch
    unsigned orientation; ///< 0, 90, 180, 270: how far the picture was turned clockwise
    double light_deg;     ///< where the light comes from in the picture: 0 its top edge, clockwise
    double score;         ///< how much better than chance the dots fall on the grid, in deviations
    double fit;           ///< share of this side's dots (by strength) that lie on the grid
    enum brl_side side;   ///< as asked for
    unsigned n_rows, n_columns;
    struct brl_slot *slots; ///< owned, rows then columns
    size_t n_slots;
    bool mirrored;          ///< the picture is a mirror image of what lay there
    struct brl_spot *stray; ///< this side's dots that no cell explains, likeliest first; owned
    size_t n_stray;
    const struct image *picture; ///< grey: crops are cut from it; NULL: none can; borrowed
    double picture_scale;        ///< pixels of it a pixel of the picture as given
    struct brl_sheet *sheet;     ///< shared, or NULL
    struct image *own;           ///< picture, where there is no sheet; owned
};

struct brl_page_params {
    enum brl_side side; ///< which side's dots are looked for
    double dpi;         ///< 0: from the file or found
    int orientation;    ///< -1: found; 0, 90, 180, 270
    bool crop;          ///< a crop of few cells rather than a page
    double light_deg;   ///< < 0: found, from the picture's top where two sides are as likely
    bool mirrored;      ///< the picture is a mirror image: lines run the other way
};
#define brl_page_params(...)                                                                       \
    (&(struct brl_page_params){.orientation = -1, .light_deg = -1, __VA_ARGS__})

/**
 * Find the grid of one side's dots.
 *
 * A grid looks the same after half a turn, so `orientation` < 0 finds 0 or 90; a reader that doubts
 * it asks again for the other and compares what the text says. Bumps and dents swap when the light
 * comes from the other side. It is taken to come from the top of the picture (flatbed scanners) or,
 * where that shows no grid, from a side. `orientation` is how far the picture as given lies turned,
 * mirrored or not. A reader that wants both sides or tries placements takes brl_sheet_new().
 *
 * @return 0; no braille found: FAIL_INPUT, -ENODATA; -ENOMEM
 */
int brl_page_new(const struct image *img, const struct brl_page_params *params,
                 struct brl_page **ret, struct fail *fail);
struct brl_page *brl_page_free(struct brl_page *page);
DEFINE_CLEANUP(struct brl_page *, brl_page_free);

/** Cut one slot for the image tower: `width` x `height` grey bytes, the cell's centre in the middle
 * ((width-1)/2, (height-1)/2 in pixel centres), `px_per_pitch` pixels a dot pitch by the slot's own
 * six places (so that it comes out upright and square however the page lies), area-averaged;
 * outside the picture the nearest pixel is repeated. A verso slot is mirrored and its grey
 * levels inverted, so that its dents look like bumps; levels are inverted, too, where the light
 * comes from below. */
void brl_page_crop(const struct brl_page *page, const struct brl_slot *slot, unsigned width,
                   unsigned height, double px_per_pitch, uint8_t *out);
