/* SPDX-License-Identifier: Apache-2.0
 *
 * What makes a drawn page look like a scan of used paper: fibres that lie along it, stains,
 * creases, and the lines of the scanner. Private to braille; nothing here depends on libm's last
 * bits.
 */
#pragma once

#include "base/random.h"

/** The light on a page while it is drawn: -1 darkest .. 1 brightest side of a full bump. */
struct brl_paper {
    float *shade; ///< [height][width], borrowed
    unsigned width, height;
    double px_mm;    ///< pixels a millimetre
    double contrast; ///< levels of one unit of shade
};

/** Fibres along the lines: noise of `amount` levels, longer than high. -ENOMEM. */
int brl_paper_fibres(struct brl_paper *paper, double amount, struct random *rnd);
/** Every row of the scan a little brighter or darker: deviation in levels. */
void brl_paper_rows(struct brl_paper *paper, double amount, struct random *rnd);
/** Grains of dirt of a tenth to four tenths of a millimetre, mostly dark, `n` of them. */
void brl_paper_dirt(struct brl_paper *paper, unsigned n, struct random *rnd);
/** Soft dark patches of 2 to 9 mm, `n` of them. */
void brl_paper_stains(struct brl_paper *paper, unsigned n, struct random *rnd);
/** Fine folds of 3 to 20 mm, lit from (fx, fy), `n` of them. */
void brl_paper_creases(struct brl_paper *paper, unsigned n, double fx, double fy,
                       struct random *rnd);
