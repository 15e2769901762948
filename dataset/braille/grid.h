/* SPDX-License-Identifier: Apache-2.0
 *
 * From the few dots of a crop to a line of cells. Pure computation on points; knows nothing of
 * pictures. Thread-safe.
 */
#pragma once

#include <stddef.h>

/** A dot with the trust put into it (0 .. 1). */
struct brl_grid_point {
    double x, y, weight;
};

/** An upright grid. */
struct brl_grid {
    double pitch; ///< dot pitch, a
    double cell;  ///< cell pitch p
    double line;  ///< line pitch L, as it usually is
    double score; ///< how much better than chance the dots fall on the grid, in deviations
    double fit;   ///< share of the points' weight that lies on the grid
    unsigned n_columns, n_rows;
    double *column_x; ///< [n_columns] of the left dots of each cell column; owned
    double *row_y;    ///< [n_rows][3] of the three dot rows of each line; owned
};

struct brl_grid_params {
    double min_pitch, max_pitch; ///< where the dot pitch is looked for
    double width, height;        ///< of the frame
};

/** Fit one line of 1 to 8 cells to the few dots of a crop; the crop's middle helps where the dots
 * leave a choice. -ENODATA: no dots that form cells; -ENOMEM. */
int brl_grid_fit_crop(const struct brl_grid_point *points, size_t n,
                      const struct brl_grid_params *params, struct brl_grid *ret);
void brl_grid_done(struct brl_grid *grid);
