/* SPDX-License-Identifier: Apache-2.0
 *
 * The few things that OpenCV does for us, behind C. Thread-safe: no shared state. Every function
 * returns 0, -EINVAL (a size or a channel count that does not fit) or -ENOMEM.
 */
#pragma once

#include "image/image.h"

/** One float a pixel, row-major without gaps. */
struct image_plane {
    unsigned width, height;
    float *data; ///< owned
};

#ifdef __cplusplus
extern "C" {
#endif

void image_plane_done(struct image_plane *plane);

/** Resize to a given size: area-averaged when it shrinks, cubic when it grows. dpi follows the
 * width. */
int image_resize(const struct image *img, unsigned width, unsigned height, struct image **ret);

/** Move every point (x, y) to (m0 x + m1 y + m2, m3 x + m4 y + m5), in pixel centres, into a
 * picture of the given size; linear; outside the picture its nearest pixel is repeated. */
int image_warp(const struct image *img, const double m[6], unsigned width, unsigned height,
               struct image **ret);

/** Gaussian blur of an 8-bit picture, in place. */
int image_blur(struct image *img, double sigma_px);

/** What JPEG of this quality (1 .. 100) does to a picture, in place. */
int image_recompress(struct image *img, int quality);

/** Levels over the background around them, a box blur of the given radius; 0 is as light as that,
 * paper being 128 levels away from black. */
int image_flatten(const struct image *grey, unsigned background_px, struct image_plane *ret);

/** Levels over the background around them in units of their mean size (at least half a level of
 * 128) within `surroundings_px`: contrast is evened out, too. */
int image_level(const struct image *grey, unsigned background_px, unsigned surroundings_px,
                struct image_plane *ret);

/** 64 bits that change little when a picture is scaled, recompressed or brightened: which of its
 * lowest frequencies (DCT of 32 x 32 means) are above their median. */
int image_phash(const struct image *img, uint64_t *ret);

/** How alike two pictures are, -1 .. 1: the correlation of what is finer than a few pixels (paper,
 * edges of dots), the second one scaled to the size of the first. */
int image_likeness(const struct image *a, const struct image *b, double *ret);

/** Every machine the same bytes: OpenCV leaves out code chosen by the processor. For this process.
 */
void image_use_same_code(void);

/** A circle, line or box outline `px` thick into an RGB or grey picture; `rgb` is 0xRRGGBB. Parts
 * outside the picture are left out. */
int image_draw_circle(struct image *img, double x, double y, double radius, unsigned rgb, int px);
int image_draw_line(struct image *img, double x0, double y0, double x1, double y1, unsigned rgb,
                    int px);
int image_draw_box(struct image *img, double x, double y, double w, double h, unsigned rgb, int px);
/** One line of ASCII text, its left baseline at (x, y), capitals `height_px` high. */
int image_draw_text(struct image *img, const char *text, double x, double y, double height_px,
                    unsigned rgb);

/** The slope of the light on a grey picture: Gaussian derivatives (levels a pixel, of paper at
 * level 128) in x and y after division by the background, a box blur of the given radius. */
int image_slope(const struct image *grey, double sigma_px, unsigned background_px,
                struct image_plane *ret_x, struct image_plane *ret_y);

#ifdef __cplusplus
}
#endif
