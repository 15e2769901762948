/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts of braille/mesh.h: a first grid in a window, rows of dots, lines of rows.
 */
#pragma once

#include <stdbool.h>

#include "braille/mesh.h"
#include "braille/surface.h"

/** A straight grid around a place. */
struct mesh_seed {
    double x, y;       ///< the window's middle
    double u[2], v[2]; ///< slopes: cells and dot rows a pixel right and down
    double u0;         ///< cells at (x, y)
    double alpha;      ///< dot pitch over cell pitch
    double score;      ///< in deviations
};

/** The straight grid that explains the points within `reach` pitches of (x, y) best. -ENODATA,
 * -ENOMEM. */
int mesh_seed_find(const struct brl_mesh_point *points, size_t n,
                   const struct brl_mesh_params *params, double x, double y, double reach,
                   struct mesh_seed *ret);

/** A row of dots. */
struct mesh_row {
    double at;     ///< in dot rows
    double weight; ///< of its dots
};

/** Peaks of the weight along an axis, rising. `room`: of `ret`. -> how many; -ENOMEM. */
int mesh_rows_find(const double *at, const double *weight, size_t n, struct mesh_row *ret,
                   size_t room);

/** Lines of three rows: where the first row of each lies. *ret owned, free(). -ENODATA, -ENOMEM. */
int mesh_lines_find(const struct mesh_row *rows, size_t n, double **ret, unsigned *ret_n);
