/* SPDX-License-Identifier: Apache-2.0
 *
 * 8-bit rasters, their files, and what OpenCV does for us (dataset/image/cv.h). Thread-safe: no
 * shared state.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fail.h"

/** Row-major, top-left origin; pixel (x, y) covers [x, x+1) x [y, y+1). */
struct image {
    unsigned width, height; ///< pixels, 1 .. 65535
    unsigned n_chan;        ///< 1 (grey) or 3 (RGB, sRGB-encoded)
    size_t stride;          ///< bytes from one row to the next
    uint8_t *data;          ///< height * stride bytes, owned
    double dpi;             ///< from the file; 0 = not said
    bool turned;            ///< a JPEG file holds it turned or mirrored, EXIF says so
};

#define IMAGE_MAX_FILE_BYTES ((size_t) 256 << 20)
#define IMAGE_MAX_PIXELS ((size_t) 100 << 20) ///< larger pictures are refused: -EFBIG

/** Zero-filled. -EINVAL on a size or channel count out of range. */
int image_new(unsigned width, unsigned height, unsigned n_chan, struct image **ret);
struct image *image_free(struct image *img);
DEFINE_CLEANUP(struct image *, image_free);

/** Decode PNG, JPEG, PNM (P1-P6) or TIFF from memory (told by content, not by name). 16-bit, alpha
 * (over white), palette, CMYK JPEG become 8-bit grey or RGB; EXIF orientation is applied.
 * FAIL_INPUT, -EBADMSG: broken; -EFBIG: too large; -EPROTONOSUPPORT: no picture we read. */
int image_decode(const uint8_t *data, size_t size, const char *name, struct image **ret,
                 struct fail *fail);
/** "png", "jpg": what these bytes are, told by content; NULL: a form that browsers and most other
 * programs cannot show, or no picture. */
const char *image_ending(const uint8_t *data, size_t size);
/** Read a file ("-": standard input) and decode it. */
int image_load(const char *path, struct image **ret, struct fail *fail);
/** Write atomically; the ending of `path` names the format (.png .jpg .pgm .ppm). */
int image_save(const struct image *img, const char *path, struct fail *fail);
/** Encode in memory as image_save() would; `name`'s ending names the format. *ret_data owned. */
int image_encode(const struct image *img, const char *name, uint8_t **ret_data, size_t *ret_size,
                 struct fail *fail);
/** Encode in memory as JPEG of a quality, 1 (smallest) to 100. *ret_data owned. */
int image_encode_jpeg(const struct image *img, int quality, uint8_t **ret_data, size_t *ret_size,
                      struct fail *fail);
/** A copy of the rectangle; it must lie inside: -EINVAL. -ENOMEM. */
int image_part(const struct image *img, unsigned x, unsigned y, unsigned width, unsigned height,
               struct image **ret);
/** A copy turned clockwise by 0, 90, 180 or 270 degrees. -EINVAL, -ENOMEM. */
int image_turn(const struct image *img, unsigned degrees, struct image **ret);
/** A copy of exactly this size, whatever that does to its shape: byte for byte what Pillow 13's
 * resize((width, height), BICUBIC) makes of a grey or RGB picture, which is how pictures come into
 * CLIP (torchvision's Resize). Antialiased when it shrinks. dpi follows the width. -EINVAL,
 * -ENOMEM. */
int image_stretch(const struct image *img, unsigned width, unsigned height, struct image **ret);
/** A copy in three channels. -ENOMEM. */
int image_to_rgb(const struct image *img, struct image **ret);
/** Luma (0.299, 0.587, 0.114) of an RGB picture, or a copy of a grey one. */
int image_to_grey(const struct image *img, struct image **ret);
