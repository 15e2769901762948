/* SPDX-License-Identifier: Apache-2.0
 *
 * Lay the lattice of a known label over the dots of a crop. Pure computation on points; private to
 * dataset/braille.
 */
#pragma once

#include <stddef.h>

#include "braille/cell.h"
#include "braille/page.h"

/** Column `column` (two a cell), row 0-2 of the label's line. */
struct lattice_place {
    int column, row;
};

/** Where places lie: x = x0 + cell i * p + side s * a - turn * y', y = y0 + row * a + turn * x'. */
struct lattice {
    double x0, y0; ///< dot 1 of the label's first cell
    double pitch;  ///< a
    double cell;   ///< p
    double turn;   ///< radians clockwise; small
};

struct brl_point brl_lattice_at(const struct lattice *l, struct lattice_place place);

/** A dot that was measured. */
struct lattice_point {
    double x, y;
    double weight; ///< 0 .. 1, how much of a dot it is
};

struct lattice_params {
    double least_pitch, most_pitch; ///< where a is looked for
    double width, height;           ///< of the crop
};

/**
 * Find the lattice on which most of the label's dots meet measured ones; places outside of the crop
 * count as not met.
 *
 * @param want  places of the label's dots, by column
 * @return 0; -ENODATA: no point, or no label dot; -ENOMEM
 */
int brl_lattice_fit(const struct lattice_place *want, size_t n_want,
                    const struct lattice_point *points, size_t n_points,
                    const struct lattice_params *params, struct lattice *ret);
