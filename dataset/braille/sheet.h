/* SPDX-License-Identifier: Apache-2.0
 *
 * A picture of a sheet of paper with the dots of both its sides, found once. From them the grid of
 * either side in any placement comes at the cost of some milliseconds.
 * Not thread-safe: grids are found when they are asked for first, and kept.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/fail.h"
#include "braille/dotmap.h"
#include "braille/page.h"
#include "image/image.h"

struct brl_sheet;

struct brl_sheet_params {
    double dpi;       ///< 0: from the file or found
    double light_deg; ///< < 0: from the top of the picture or, where that shows little, from a side
};
#define brl_sheet_params(...) (&(struct brl_sheet_params){.light_deg = -1, __VA_ARGS__})

/**
 * Find the dots.
 *
 * A resolution that is not told, or under which no grid is found, is looked for on a few parts of
 * the picture. Pictures of any size: at most 5,000 pixels of a side are looked at, 240 dot pitches.
 *
 * @return 0; no braille found: FAIL_INPUT, -ENODATA; -ENOMEM
 */
int brl_sheet_new(const struct image *img, const struct brl_sheet_params *params,
                  struct brl_sheet **ret, struct fail *fail);
/** The same from dots that are known; `img` is only what crops are cut from, NULL: no crops. */
int brl_sheet_new_dots(unsigned width, unsigned height, const struct image *img,
                       const struct brl_spot *spots, size_t n, double pitch_px,
                       struct brl_sheet **ret);
/** Shared: pages that came from it hold it, too. */
struct brl_sheet *brl_sheet_ref(struct brl_sheet *sheet);
struct brl_sheet *brl_sheet_unref(struct brl_sheet *sheet);
DEFINE_CLEANUP(struct brl_sheet *, brl_sheet_unref);

/**
 * The grid of one side in one placement; see brl_page_new() for `params` (dpi and crop are not
 * used) and for what is found by itself.
 *
 * @return 0; no braille on this side: FAIL_INPUT, -ENODATA; -ENOMEM
 */
int brl_sheet_page(struct brl_sheet *sheet, const struct brl_page_params *params,
                   struct brl_page **ret, struct fail *fail);
