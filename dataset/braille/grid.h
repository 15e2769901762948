/* SPDX-License-Identifier: Apache-2.0
 *
 * From scattered dots to a braille grid: skew, pitches, lines and columns. Pure computation on
 * points; knows nothing of pictures. Thread-safe.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/** A dot with the trust put into it (0 .. 1). */
struct brl_grid_point {
    double x, y, weight;
};

/** A grid in its own upright frame: the points turned by -skew_deg about the frame's centre. */
struct brl_grid {
    double pitch;     ///< dot pitch across, a
    double row_pitch; ///< dot pitch down
    double cell;      ///< cell pitch p
    double line;      ///< line pitch L, median
    double skew_deg;  ///< the points lie turned clockwise by it
    double cx, cy;    ///< centre of turning
    double score;     ///< how much better than chance the dots fall on the grid, in deviations
    double fit;       ///< share of the points' weight that lies on the grid
    unsigned n_columns, n_rows;
    double *column_x; ///< [n_columns] of the left dots of each cell column; owned
    double *row_y;    ///< [n_rows][3] of the three dot rows of each line; owned
};

struct brl_grid_params {
    double min_pitch, max_pitch; ///< where the dot pitch is looked for
    double width, height;        ///< of the frame
    double max_skew_deg;         ///< skew is looked for within +- this
};

/** Fit a grid. -ENODATA: too few dots or no periodic arrangement; -ENOMEM. */
int brl_grid_fit(const struct brl_grid_point *points, size_t n,
                 const struct brl_grid_params *params, struct brl_grid *ret);

/** Fit one line of 1 to 8 cells to the few dots of a crop; the crop's middle helps where the dots
 * leave a choice. max_skew_deg is not used. -ENODATA: no dots that form cells; -ENOMEM. */
int brl_grid_fit_crop(const struct brl_grid_point *points, size_t n,
                      const struct brl_grid_params *params, struct brl_grid *ret);
void brl_grid_done(struct brl_grid *grid);

/** From the grid's frame to the points' and back. */
void brl_grid_out(const struct brl_grid *grid, double x, double y, double *ret_x, double *ret_y);
void brl_grid_in(const struct brl_grid *grid, double x, double y, double *ret_x, double *ret_y);
