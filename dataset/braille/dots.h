/* SPDX-License-Identifier: Apache-2.0
 *
 * Candidates for dots on a grey picture: bumps and dents told apart by the side the light comes
 * from. Thread-safe: no shared state.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "image/cv.h"
#include "image/image.h"

struct brl_dot {
    double x, y;     ///< centre, pixels of the picture (pixel centres at whole numbers)
    double strength; ///< matched-filter response over the page's noise; > 0
    bool dent;       ///< pressed from this side: a dot of the other side of the paper
};

struct brl_dots {
    struct brl_dot *dot; ///< owned, strongest first
    size_t n;
    double light_deg;       ///< where the light comes from: 0 the top edge, 90 the right, clockwise
    double found_light_deg; ///< the same, as the picture has it, whatever was asked for
    double noise;           ///< deviation of the response where there is only paper
    double scale;           ///< pixels of `response` a pixel of the picture
    struct image_plane response; ///< what is left after the dots were taken out, over the noise
};

/**
 * Find bumps and dents of one size.
 *
 * A dot lit from one side is bright where it faces the light and dark behind: the slope of a
 * blurred picture against the light peaks at its centre. Each peak also throws lobes of the other
 * sign around it; they are taken out strongest dot first (the CLEAN method, Hogbom 1974), with the
 * shape that the page's own clear dots show.
 *
 * @param grey       one channel
 * @param pitch_px   dot pitch to expect, +-25 %
 * @param light_deg  where the light comes from, or < 0: found (axis from the picture; of its two
 *                   directions the one nearer to the top, as on flatbed scanners)
 * @return 0, -ENOMEM, -EINVAL (picture too small for the pitch)
 */
int brl_dots_find(const struct image *grey, double pitch_px, double light_deg,
                  struct brl_dots *ret);
/** The same on a crop of few dots: so little of it is bare paper that noise cannot be measured
 * there. Dots are taken down to `least` (0 .. 1) of the strongest, whose strength is 1. */
int brl_dots_find_few(const struct image *grey, double pitch_px, double light_deg, double least,
                      struct brl_dots *ret);
void brl_dots_done(struct brl_dots *dots);

/** Response at a place of the picture, over the noise; what the dots left. Negative: a dent. */
double brl_dots_rest(const struct brl_dots *dots, double x, double y);
