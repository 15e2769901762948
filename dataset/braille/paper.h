/* SPDX-License-Identifier: Apache-2.0
 *
 * What makes a drawn page look like a scan of used paper: fibres that lie along it, stains,
 * creases, and the lines of the scanner. Private to braille; nothing here depends on libm's last
 * bits.
 */
#pragma once

#include "base/random.h"

/** The light on a page while it is drawn: -1 darkest .. 1 brightest side of a full bump. */
struct paper {
    float *shade; ///< [height][width], borrowed
    unsigned width, height;
    double px_mm;    ///< pixels a millimetre
    double contrast; ///< levels of one unit of shade
};

/** Fibres along the lines: noise of `amount` levels, longer than high. -ENOMEM. */
int paper_add_fibres(struct paper *paper, double amount, struct random *rnd);
/** Every row of the scan a little brighter or darker: deviation in levels. */
void paper_add_rows(struct paper *paper, double amount, struct random *rnd);
/** Soft dark patches of 2 to 9 mm, `n` of them. */
void paper_add_stains(struct paper *paper, unsigned n, struct random *rnd);
/** Fine folds of 3 to 20 mm, lit from (fx, fy), `n` of them. */
void paper_add_creases(struct paper *paper, unsigned n, double fx, double fy, struct random *rnd);
