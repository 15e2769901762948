/* SPDX-License-Identifier: Apache-2.0
 *
 * From scattered dots to the grid of a page that need not lie flat: skewed, seen in perspective,
 * curled. A window of many dots gives a first, straight grid; it grows over the page, and while it
 * grows it learns to bend (two smooth functions of the place: how many cells from the left, how
 * many dot rows from the top). Then rows of dots are gathered into lines by all of them together.
 * Pure computation on points, thread-safe. Private to dataset/braille.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "braille/page.h"

/** A dot with the trust put into it (0 .. 1). */
struct brl_mesh_point {
    double x, y, weight;
};

struct brl_mesh_params {
    double min_pitch, max_pitch; ///< where the dot pitch is looked for, pixels
};

/** Lines run to the right, dots 1-3 of a cell lie on its left side. */
struct brl_mesh {
    double pitch;     ///< dot pitch across, a; in the page's middle
    double row_pitch; ///< dot pitch down
    double cell;      ///< cell pitch p
    double line;      ///< line pitch L, median; 4 row pitches where there is one line
    double skew_deg;  ///< the lines lie turned clockwise by it
    double score;     ///< how much better than chance the dots fall on the grid, in deviations
    double fit;       ///< share of the points' weight that lies on the grid
    double bent;      ///< how much the page bends; under 0.4 it lies flat
    unsigned n_columns, n_rows;
    struct brl_point (*dot)[6]; ///< [n_rows * n_columns] centres of dots 1-6; owned
    int32_t *place;             ///< [n] 6 * cell + dot that a point lies on, or -1; owned
};

/** Fit a grid. -ENODATA: too few dots or no periodic arrangement; -ENOMEM. */
int brl_mesh_fit(const struct brl_mesh_point *points, size_t n,
                 const struct brl_mesh_params *params, struct brl_mesh *ret);
void brl_mesh_done(struct brl_mesh *mesh);
