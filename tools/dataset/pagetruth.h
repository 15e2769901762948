/* SPDX-License-Identifier: Apache-2.0
 *
 * A page whose cells are known, ready to be cut: from a picture with a DSBI annotation beside it or
 * from a page record of a data set.
 */
#pragma once

#include "braille/cut.h"
#include "image/image.h"
#include "lang/encode.h"
#include "manifest/record.h"

struct page_truth {
    struct image *img;            ///< grey, owned
    double dpi;                   ///< of the file or record, 0: not known
    double pitch_px;              ///< dot pitch, mean over the page
    struct brl_cut_cell *cells;   ///< owned; raised cells in reading order
    struct manifest_place *place; ///< owned; [n_cells]
    size_t n_cells;
    enum lang_code code; ///< what it is written in; LANG_CURRENT until it is set
};

/** "X.jpg" with "X+recto.txt" or "X+verso.txt" beside it. FAIL_OPEN, FAIL_INPUT, -ENOMEM. A verso
 * is given as its reader sees it: mirrored, grey levels inverted, so that its dents look like
 * bumps. */
int page_truth_dsbi(const char *picture, enum brl_side side, struct page_truth *ret,
                    struct fail *fail);
/** A record with boxes and places of the set `dir`. -ENODATA: it has none. */
int page_truth_record(const char *dir, const struct manifest_record *record, struct page_truth *ret,
                      struct fail *fail);
void page_truth_done(struct page_truth *page);
/** Tell the code from what the page says. -ENOMEM. */
int page_truth_find_code(struct page_truth *page);

enum page_unit { UNIT_CELL, UNIT_SYLLABLE, UNIT_WORD, UNIT_LINE, N_UNITS };
extern const char *const page_unit_names[N_UNITS];

/** Cells [first, first + n) of a page that belong together, and what they read. */
struct page_run {
    size_t first, n;
    char *text; ///< owned: pinyin, numbers, signs; Unicode braille where they read nothing
};
/** Cut a page's text, read in its code, into units. *ret: array of *ret_n, owned, page_runs_free().
 * -ENOMEM. */
int page_runs(const struct page_truth *page, enum page_unit unit, struct page_run **ret,
              size_t *ret_n);
void page_runs_free(struct page_run *runs, size_t n);
