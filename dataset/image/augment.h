/* SPDX-License-Identifier: Apache-2.0
 *
 * Pictures made from pictures: turned, on other paper, in other light, disturbed. What comes out
 * depends on the picture and the numbers below alone; the arithmetic is that of whole numbers.
 * Thread-safe: no shared state.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "image/image.h"

enum image_edge { IMAGE_LEFT, IMAGE_RIGHT, IMAGE_TOP, IMAGE_BOTTOM, IMAGE_N_EDGES };

/** What is done, in this order; all zero: nothing. */
struct image_augment {
    bool turn;              ///< by 180 degrees
    int skew_tenths;        ///< turned clockwise by tenths of a degree, -450 .. 450, canvas grown
    unsigned scale_percent; ///< 25 .. 400; 0: as it is
    bool recolour;          ///< paper of another colour: the result is RGB
    unsigned paper_rgb;     ///< 0xRRGGBB
    unsigned light_percent; ///< brightness, 20 .. 200; 0: as it is
    unsigned slope_percent; ///< so much lighter at `light_edge` than at the edge opposite, .. 100
    enum image_edge light_edge;
    unsigned shadow_percent; ///< how much darker it is in a shadow, .. 90; 0: no shadow
    unsigned shadow_reach;   ///< how far it reaches from `shadow_edge`, percent of the picture
    enum image_edge shadow_edge;
    unsigned blur_tenths;  ///< deviation in tenths of a pixel, .. 100
    unsigned noise_tenths; ///< deviation in tenths of a level, .. 500
    int jpeg_quality;      ///< 1 .. 100; 0: nothing
    uint64_t seed;         ///< of the noise
};

/**
 * Where things lie in the new picture, without making it.
 *
 * @param width, height  of the picture that it is made from
 * @param ret_map  the point (x, y) comes to (m0 x + m1 y + m2, m3 x + m4 y + m5), in pixel centres
 * @return 0, -EINVAL (a number out of range, a result too large)
 */
int image_augment_place(unsigned width, unsigned height, const struct image_augment *how,
                        unsigned *ret_width, unsigned *ret_height, double ret_map[6]);

/** Make the picture. -EINVAL as above, -ENOMEM. */
int image_augment(const struct image *img, const struct image_augment *how, struct image **ret);

/** A colour of paper by lot: of real books, cards and folders, or near to one. */
unsigned image_draw_paper(uint64_t seed);
