/* SPDX-License-Identifier: Apache-2.0
 *
 * One decoder and at most one encoder a format; private to dataset/image.
 */
#pragma once

#include <stdbool.h>

#include "image/image.h"

/** A buffer that grows; what the encoders write into. */
struct image_bytes {
    uint8_t *data; ///< owned
    size_t size, room;
};
/** Append; -ENOMEM. */
int image_bytes_add(struct image_bytes *b, const void *data, size_t size);
void image_bytes_done(struct image_bytes *b);

/** Refuse a picture that is too large before anything is allocated for it: -EFBIG. */
int image_check_size(uint64_t width, uint64_t height, const char *name, struct fail *fail);
/** Turn and mirror by the EXIF/TIFF orientation 1-8 (others: as 1); `img` is taken. -ENOMEM. */
int image_orient(struct image *img, unsigned orientation, struct image **ret);
/** Rows of grey+alpha or RGBA (`n` = 2 or 4 bytes a pixel, not premultiplied) over white paper. */
void image_over_white(const uint8_t *row, unsigned width, unsigned n, uint8_t *out);

int image_png_decode(const uint8_t *data, size_t size, const char *name, struct image **ret,
                     struct fail *fail);
int image_jpeg_decode(const uint8_t *data, size_t size, const char *name, struct image **ret,
                      struct fail *fail);
int image_pnm_decode(const uint8_t *data, size_t size, const char *name, struct image **ret,
                     struct fail *fail);
int image_tiff_decode(const uint8_t *data, size_t size, const char *name, struct image **ret,
                      struct fail *fail);

/* Append a file to `out`; on failure a part of it. -ENOMEM; JPEG: -EINVAL beyond 65,500 pixels. */
int image_png_encode(const struct image *img, struct image_bytes *out);
int image_jpeg_encode(const struct image *img, int quality, struct image_bytes *out);
int image_pnm_encode(const struct image *img, unsigned n_chan, struct image_bytes *out);
