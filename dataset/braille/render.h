/* SPDX-License-Identifier: Apache-2.0
 *
 * Pictures of braille pages from cells: bumps of this side and dents of the other under a light
 * from one side, on paper with grain. What comes out depends on the parameters and the seed alone,
 * byte for byte on any machine (dataset/braille/snap.h).
 * Geometry: docs/braille.md, part F; shading fitted to the mean dots of DSBI's scans. Thread-safe.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "braille/cell.h"
#include "braille/page.h"
#include "image/image.h"

/** One side's cells as its reader feels them, [n_rows][n_columns]; borrowed. */
struct brl_render_sheet {
    const brl_cell *cells;
    unsigned n_rows, n_columns;
};

enum brl_geometry {
    BRL_GEOMETRY_US,         ///< NLS 800: 2.34 / 6.2 / 10.0 mm
    BRL_GEOMETRY_EUROPE,     ///< Marburg: 2.5 / 6.0 / 10.0
    BRL_GEOMETRY_PRESS,      ///< Chinese press books: 2.69 / 6.53 / 10.45
    BRL_GEOMETRY_PRESS_WIDE, ///< the book "Massage": 2.83 / 6.48 / 10.9
    BRL_GEOMETRY_EMBOSSER,   ///< 2.5 / 5.98 / 10.05
    BRL_N_GEOMETRIES,
};
extern const char *const brl_geometry_names[BRL_N_GEOMETRIES]; ///< "us", "europe", "press", …

/** Levels and lengths are finite; levels 0 .. 255, angles -360 .. 360. */
struct brl_render_params {
    double dpi;                        ///< 40 .. 1200
    double pitch_mm, cell_mm, line_mm; ///< a, p, L
    double dot_mm;                     ///< base diameter of a bump; a dent looks a tenth smaller
    double width_mm, height_mm;        ///< paper; 0: as the cells need
    double left_mm, top_mm;            ///< from the edge to the first dots of each side's reader
    double verso_dx_mm, verso_dy_mm;   ///< the verso's offset on the sheet, seen from the recto
    double light_deg;                  ///< where the light comes from, clockwise from the top
    double contrast;                   ///< levels between paper and the brightest side of a bump
    double paper;                      ///< level of the paper
    double grain;                      ///< deviation of its grain, levels
    double uneven;                     ///< levels between the page's lightest and darkest part
    double blur_px;                    ///< of the lens
    double skew_deg;                   ///< the page lies turned clockwise by it
    double jitter;                     ///< deviation of a dot's place, dot pitches
    double wear;                       ///< 0 .. 1: how much some dots are flattened
    double missing;                    ///< chance that a dot is not there at all (truth keeps it)
    double specks;                     ///< dark and light spots a square centimetre
    int jpeg_quality;                  ///< 1 .. 100: what JPEG does to it; 0: nothing
    double rough;                      ///< 0 .. 1: how far dots are from even domes
    double glow;                       ///< 0 .. 1: how much brighter than paper a dot is over all
    double fibres;                     ///< grain along the lines, levels
    double rows;                       ///< between the rows of the scan, levels
    double dirt, stains, creases;      ///< grains, dark patches, fine folds a square centimetre
    uint64_t seed;
};
/** A clean 200 dpi flatbed scan of European braille. */
#define brl_render_params(...)                                                                     \
    (&(struct brl_render_params){.dpi = 200,                                                       \
                                 .pitch_mm = 2.5,                                                  \
                                 .cell_mm = 6,                                                     \
                                 .line_mm = 10,                                                    \
                                 .dot_mm = 1.6,                                                    \
                                 .left_mm = 15,                                                    \
                                 .top_mm = 15,                                                     \
                                 .contrast = 40,                                                   \
                                 .verso_dx_mm = 1.2,                                               \
                                 .verso_dy_mm = 1.3,                                               \
                                 .paper = 160,                                                     \
                                 .grain = 4,                                                       \
                                 __VA_ARGS__})

/** Set a, p, L and the dot's size. */
void brl_render_geometry(struct brl_render_params *params, enum brl_geometry geometry);

/** Draw geometry, light, paper, wear, focus and noise for training; `seed` also goes into them. The
 * light comes from the top (+-20 degrees); resolution, sizes and offsets stay as they are. */
void brl_render_weather(struct brl_render_params *params, uint64_t seed);

/** The same, and what makes it look like a scan of a used page beside real ones: uneven dots,
 * fibres, rows, dirt, stains, creases. `light_deg` is kept when it is not NAN. */
void brl_render_scan(struct brl_render_params *params, uint64_t seed);

/** Where a cell was drawn; blank cells are listed too. */
struct brl_render_cell {
    enum brl_side side;
    uint16_t row, column; ///< as that side's reader counts
    brl_cell cell;
    struct brl_point dot[6];   ///< the places of the grid, pixels of the picture
    struct brl_point drawn[6]; ///< where its raised dots came out, `jitter` off; NAN: none there
};

struct brl_render_truth {
    struct brl_render_cell *cells; ///< owned
    size_t n_cells;
};
void brl_render_truth_done(struct brl_render_truth *truth);

/**
 * Draw a sheet, seen from its recto.
 *
 * @param recto, verso  either may be NULL; cells that reach beyond the paper are an error
 * @param ret           grey picture, owned
 * @param ret_truth     may be NULL
 * @return 0, -EINVAL (a parameter out of range, too large a picture), -ENOMEM
 */
int brl_render(const struct brl_render_sheet *recto, const struct brl_render_sheet *verso,
               const struct brl_render_params *params, struct image **ret,
               struct brl_render_truth *ret_truth);
