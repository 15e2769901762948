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
int brl_mesh_seed_find(const struct brl_mesh_point *points, size_t n,
                       const struct brl_mesh_params *params, double x, double y, double reach,
                       struct mesh_seed *ret);

/** A row of dots. */
struct mesh_row {
    double at;     ///< in dot rows
    double weight; ///< of its dots
};

/** Peaks of the weight along an axis, rising. `room`: of `ret`. -> how many; -ENOMEM. */
int brl_mesh_rows_find(const double *at, const double *weight, size_t n, struct mesh_row *ret,
                       size_t room);

/** Lines of three rows: where the first row of each lies. *ret owned, free(). -ENODATA, -ENOMEM. */
int brl_mesh_lines_find(const struct mesh_row *rows, size_t n, double **ret, unsigned *ret_n);

/** What the growing grid says of one point. */
struct mesh_mark {
    double u, v;               ///< cells from the left, dot rows from the top
    double smooth_u, smooth_v; ///< the same by the smooth functions alone
    double du, dv;             ///< off its column and its row, in dot pitches
    int32_t column;            ///< 2 * cell + side
    int32_t row;               ///< of the rows or, later, 3 * line + row
    bool near;                 ///< within the part of the page that is known
    bool on;                   ///< on a column and a row
};

/** A grid while it grows over the page. */
struct mesh_growth {
    const struct brl_mesh_point *points; ///< borrowed
    size_t n;
    struct mesh_mark *mark; ///< [n], owned
    struct mesh_row *rows;  ///< owned
    int n_rows;
    struct surface uv[2]; ///< picture -> cells, dot rows
    double alpha;         ///< dot pitch over cell pitch
    double pitch;         ///< in pixels, of the seed
    double bend;          ///< how much the page may bend; see brl_surface_solve(), in its half size
    double lo_u, hi_u, lo_v, hi_v;
    double bent; ///< how much the page bends for what it may
};

#define MESH_MAX_ROWS 800

/** Grow a seed over all points. -ENOMEM, -ENODATA (nothing grows). */
int brl_mesh_grow(const struct brl_mesh_point *points, size_t n, const struct mesh_seed *seed,
                  double bend, struct mesh_growth *ret);
void brl_mesh_growth_done(struct mesh_growth *g);
/** Map every point and find its column; du is set, dv and row are not. */
void brl_mesh_map(struct mesh_growth *g);
/** The nearest column or row and how far it is. */
void brl_mesh_mark_column(struct mesh_mark *m, double u, double alpha);
void brl_mesh_mark_row(struct mesh_mark *m, const struct mesh_row *rows, int n_rows);
/** Trust in a point that is off by so many pitches. */
double brl_mesh_trust(double du, double dv);

/** The first of three unknowns of a x = b, of which the lower half is given; a [3][3], b [3]. */
double brl_mesh_level(const double (*a)[3], const double *b);
/** Judge every point by its neighbours, from where the grid is sure to where it is not. -ENOMEM. */
int brl_mesh_follow(struct mesh_growth *g, const struct mesh_row *rows, int n_rows);

/** Lines, columns and the places of all dots, from a grid that has grown. */
int brl_mesh_settle(struct mesh_growth *g, struct brl_mesh *ret);
