/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts of `braille-eval reading`: a page of two sets of cells, the rule that compares them,
 * intervals of the sums.
 *
 * The rule is that of AngelinaReader's validate_retinanet.py (docs/braille.md A; Ovodov, arXiv
 * 2012.12412): boxes through the outer dot centres, widened by 0.3 of the cell's width on every
 * side. Cells: an annotated cell is found when the reading's cell of the largest IoU has more than
 * 0.5 and the same label; a cell of the reading is false unless the annotated cell of the largest
 * IoU has more than 0.5 and the same label. Dots: cells that are each other's best and overlap by
 * more than 0.5 are compared dot by dot, all others are missed or invented. Blank cells do not
 * count.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/fail.h"
#include "braille/dsbi.h"

#define EVAL_MAX_CELLS 20000 ///< of a side: a page has 1,200 at most
#define EVAL_WIDEN 0.3       ///< of the cell's width, on every side

struct eval_cell {
    uint16_t row, column; ///< from 0 in reading order
    brl_cell cell;
    struct brl_point centre;
    double width, height; ///< of the widened box, in the picture as given
    double p;             ///< < 0: not said
};

struct eval_cells {
    struct eval_cell *cells; ///< owned; rows, then columns
    size_t n;
};

struct eval_page {
    struct eval_cells truth, reading;
    bool loose; ///< the truth is boxes in no lines: no words, no text; `column` counts its cells
};

/** Labels that are known to be wrong (dataset/braille/data/dsbi-corrections.tsv). */
struct eval_correction {
    char *page; ///< owned: "M+9"
    enum brl_side side;
    struct brl_change change;
};

struct eval_corrections {
    struct eval_correction *list; ///< owned
    size_t n;
};

/** FAIL_OPEN, FAIL_INPUT, -ENOMEM. */
int eval_corrections_load(const char *path, struct eval_corrections *ret, struct fail *fail);
void eval_corrections_done(struct eval_corrections *c);
/** Those of the annotation `path`. *ret: owned, free(). -ENOMEM. */
int eval_corrections_of(const struct eval_corrections *c, const char *path, enum brl_side side,
                        struct brl_change **ret, size_t *ret_n);

/** Boxes of a photograph (boxes.c), a picture of the given size, as the rule has them. FAIL_OPEN,
 * FAIL_INPUT, -ENOMEM. */
int eval_boxes_load(const char *path, unsigned width, unsigned height, struct eval_cells *ret,
                    struct fail *fail);

/** Load one side of a page. The truth is a DSBI annotation, with corrections (NULL: as it is), or
 * CSV of boxes. The reading is JSON of braillectl or, beside an annotation, another one; of two at
 * different angles the picture's size must be known: it is looked for beside them. FAIL_OPEN,
 * FAIL_INPUT, -ENOMEM. */
int eval_page_load(const char *truth_path, const char *reading_path, enum brl_side side,
                   const struct eval_corrections *corrections, struct eval_page *ret,
                   struct fail *fail);
void eval_page_done(struct eval_page *page);

/** Which cell is the best of each: its index, or SIZE_MAX where none overlaps by more than 0.5. */
struct eval_match {
    size_t *of_truth, *of_reading; ///< owned
};
int eval_match(const struct eval_page *page, struct eval_match *ret);
void eval_match_done(struct eval_match *m);

struct eval_count {
    size_t right, wrong, missed; ///< true positives, false positives, false negatives
};

struct eval_share {
    size_t n, of;
};

struct eval_score {
    struct eval_count dot, cell;
    struct eval_share words; ///< words of the truth that were read as they stand, of all
    struct eval_share text;  ///< syllables, numbers and signs to change, of the truth's
};

double eval_precision(const struct eval_count *c); ///< 1 where there is nothing
double eval_recall(const struct eval_count *c);
double eval_f1(const struct eval_count *c);
double eval_ratio(const struct eval_share *s, double otherwise);
void eval_add(struct eval_score *to, const struct eval_score *score);

/** -ENOMEM. */
int eval_compare(const struct eval_page *page, struct eval_score *ret);
/** The text's part of it. -ENOMEM. */
int eval_text(const struct eval_page *page, struct eval_share *ret);
/** Every cell that is not as in the truth, a line each: `page side row column truth reading p x y`.
 * -ENOMEM. */
int eval_list(FILE *f, const struct eval_page *page, const char *name, enum brl_side side);

enum eval_figure {
    EVAL_DOT_P,
    EVAL_DOT_R,
    EVAL_DOT_F1,
    EVAL_CELL_P,
    EVAL_CELL_R,
    EVAL_CELL_F1,
    EVAL_WORDS,
    EVAL_TEXT,
    EVAL_N_FIGURES,
};
double eval_figure(const struct eval_score *s, enum eval_figure figure);

struct eval_interval {
    double from, to;
};
/** 95 % intervals of the figures of a sum by drawing its pages anew `n_draws` times (percentiles).
 * Not less than 2 pages and 20 draws: -EINVAL. -ENOMEM. */
int eval_bootstrap(const struct eval_score *pages, size_t n_pages, unsigned n_draws, uint64_t seed,
                   struct eval_interval ret[EVAL_N_FIGURES]);
