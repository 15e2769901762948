/* SPDX-License-Identifier: Apache-2.0
 *
 * Annotations of the Double-Sided Braille Image dataset (Li et al., arXiv 1811.10893). Line 1: an
 * angle in degrees; the annotated page is the picture turned counter-clockwise by it about its
 * centre, on a canvas grown to hold it. Line 2: x of the vertical lines, two a cell. Line 3: y of
 * the horizontal lines, three a cell. Then `row column d1 d2 d3 d4 d5 d6` for each cell that is not
 * blank. A side without braille has an empty file. Verso dots are listed as they lie in the recto's
 * picture.
 */
#pragma once

#include "braille/cell.h"
#include "braille/page.h"

struct brl_truth_cell {
    uint16_t row, column;    ///< from 0, as they lie in the picture
    brl_cell cell;           ///< as the side's reader feels it: verso mirrored
    struct brl_point centre; ///< in the picture as given
    double width, height;    ///< through the outer dot lines
};

struct brl_truth {
    double angle_deg;
    struct brl_truth_cell *cells; ///< owned
    size_t n_cells;
    unsigned n_rows, n_columns; ///< of the annotation's lines
    double column_px;           ///< mean distance of a cell's two lines; 0 when there are none
};

/** Read `path` for a picture of the given size. FAIL_OPEN, FAIL_INPUT -EBADMSG, -ENOMEM. */
int brl_truth_load(const char *path, enum brl_side side, unsigned width, unsigned height,
                   struct brl_truth *ret, struct fail *fail);
void brl_truth_done(struct brl_truth *truth);

/** A label that is not what the picture shows. As in the annotation: row and column from 1, the
 * dots of a verso unmirrored; 0 is a blank cell. */
struct brl_change {
    uint16_t row, column;
    brl_cell published, corrected;
};

/** brl_truth_load() with `n` labels changed. FAIL_INPUT -ESTALE where the annotation does not have
 * what was published, or no such place. */
int brl_truth_load_changed(const char *path, enum brl_side side, unsigned width, unsigned height,
                           const struct brl_change *changes, size_t n, struct brl_truth *ret,
                           struct fail *fail);

/**
 * The text that brl_truth_load() reads as `truth` (column_px is not used; n_rows and n_columns may
 * be less than the cells need). A line is put where its cells are on the average, one without cells
 * between its neighbours.
 *
 * @param ret  owned, free(); "" for no cells
 * @return 0; -EINVAL: the cells stand on no grid (lines do not rise); -E2BIG; -ENOMEM
 */
int brl_truth_format(const struct brl_truth *truth, enum brl_side side, unsigned width,
                     unsigned height, char **ret);

/** Intersection over union of two boxes (centre, size), each widened by `margin` on every side. */
double brl_box_iou(struct brl_point a, double aw, double ah, struct brl_point b, double bw,
                   double bh, double margin);
