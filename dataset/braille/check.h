/* SPDX-License-Identifier: Apache-2.0
 *
 * Does a crop show its label, the whole label and nothing else? The rule of dot distances G from
 * the label (docs/braille.md, part F): dots are located, pitches fitted to the crop, and every dot
 * of the label must be there, no other dot, and nothing at the border. Thread-safe.
 */
#pragma once

#include "base/fail.h"
#include "braille/cell.h"
#include "braille/cut.h"
#include "braille/page.h"
#include "image/image.h"

enum brl_verdict {
    BRL_CLEAN,
    BRL_OVER,       ///< dots beyond the label's block: the crop took in too much
    BRL_UNDER,      ///< dots of the label are cut off or cut through, or too near to the border
    BRL_MISALIGNED, ///< as many dots as the label has, but not at its distances
    BRL_MISMATCH,   ///< the dots form another label
    BRL_BLANK,      ///< no dots at all
    BRL_DUPLICATE,  ///< another picture of the set shows the same print (found by the caller)
    BRL_UNSURE,     ///< a person should look
    BRL_N_VERDICTS,
};
extern const char *const brl_verdict_names[BRL_N_VERDICTS];

struct brl_check_params {
    double dpi;       ///< 0: from the picture, else found from the dots
    double light_deg; ///< < 0: found
    double eps;       ///< largest distance of a dot from its place, dot pitches
};
#define brl_check_params(...)                                                                      \
    (&(struct brl_check_params){.light_deg = -1, .eps = 0.20, __VA_ARGS__})

/** A dot that was found or should be there. */
struct brl_check_dot {
    struct brl_point at;     ///< measured centre (expected one where there is none), pixels
    struct brl_point wanted; ///< where the label has it; NAN: it has none there
    double strength;         ///< over the label's usual dot: 1 is as clear as the others
    bool found;
};

struct brl_check {
    enum brl_verdict verdict;
    int edge;                 ///< enum brl_edge of an over- or under-crop, -1: none
    const char *rule;         ///< one line of English: which rule decided; static
    double doubt;             ///< 0 sure .. 1 a coin's toss
    double pitch_px, cell_px; ///< as fitted to this crop
    double skew_deg;
    /** Distances of the columns of dots from the leftmost, in pixels: the paper's d1, d2, … as the
     * label has them at the fitted pitches, and as measured. Owned. */
    double *expected, *measured;
    size_t n_expected, n_measured;
    struct brl_check_dot *dots; ///< owned
    size_t n_dots;
};

/**
 * Check a crop.
 *
 * @param cells  the label, as the picture's reader feels it (turned labels for turned pictures)
 * @return 0 with a verdict; -EINVAL (no cells, none with dots), -ENOMEM
 */
int brl_check(const struct image *img, const brl_cell *cells, size_t n,
              const struct brl_check_params *params, struct brl_check *ret);
void brl_check_done(struct brl_check *check);

/** The crop, enlarged, with expected places (circles) and measured dots (crosses) drawn over it:
 * green agrees, red circles have no dot, orange boxes are dots too many. */
int brl_check_draw(const struct image *img, const struct brl_check *check, struct image **ret);
