/* SPDX-License-Identifier: Apache-2.0
 *
 * What `clean` measured, put so that it can be told in words: which dot of which cell is missing,
 * what stands beside the label, which cells the found dots form, and which rectangle would hold the
 * label alone. Pure computation; thread-safe.
 */
#pragma once

#include <stdbool.h>

#include "braille/check.h"

enum measure_kind { MEASURE_AGREES, MEASURE_MISSING, MEASURE_EXTRA };
extern const char *const measure_kind_names[3]; ///< "agrees" "missing" "extra"

/** One dot of the check, on the grid that the label's places span. */
struct measure_dot {
    enum measure_kind kind;
    int cell;     ///< of the label from 0; below 0 before it, from n on behind it
    unsigned dot; ///< 1 .. 6; 0: on no place of the grid
    int edge;     ///< enum brl_edge: which side of the label's block it lies on; -1: inside
};

struct measure {
    struct measure_dot *dots; ///< [n_dots] as in the check, owned
    size_t n_dots, n_agree, n_missing, n_extra;
    brl_cell *seen;    ///< cells that the found dots form, the label's and those beside it; owned
    size_t n_seen;     ///< 0: the label's grid could not be laid
    unsigned n_before; ///< of them, before the label's first cell
    bool has_rect;
    unsigned rect[4]; ///< x, y, width, height: the label's block and a margin, inside the picture,
                      ///< where the block is in it whole and something else as well
};

/**
 * Lay the label's cells, all on one line, over the dots.
 *
 * @param check  pitch_px, cell_px, skew_deg and dots are used; the dots with a wanted place are in
 *               the order of the label's raised dots
 * @return 0; -ENOMEM. A grid that does not fit gives dots without places, n_seen 0, no rectangle.
 */
int measure_label(const struct brl_check *check, const brl_cell *cells, size_t n, unsigned width,
                  unsigned height, struct measure *ret);
void measure_done(struct measure *measure);
