/* SPDX-License-Identifier: Apache-2.0 */

#include "image/image.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "image/codec.h"
#include "image/cv.h"

int image_new(unsigned width, unsigned height, unsigned n_chan, struct image **ret)
{
    if (width < 1 || height < 1 || width > 65535 || height > 65535 || (n_chan != 1 && n_chan != 3))
        return -EINVAL;
    if ((size_t) width * height > IMAGE_MAX_PIXELS)
        return -EINVAL;

    CLEANUP(image_freep) struct image *img = calloc(1, sizeof(*img));
    if (!img)
        return -ENOMEM;
    img->width = width;
    img->height = height;
    img->n_chan = n_chan;
    img->stride = (size_t) width * n_chan;
    img->data = calloc(height, img->stride);
    if (!img->data)
        return -ENOMEM;
    *ret = TAKE_PTR(img);
    return 0;
}

struct image *image_free(struct image *img)
{
    if (img)
        free(img->data);
    free(img);
    return NULL;
}

int image_check_size(uint64_t width, uint64_t height, const char *name, struct fail *fail)
{
    if (width < 1 || height < 1)
        return fail_set(fail, FAIL_INPUT, -EBADMSG,
                        "'%s' says it has no pixels; scan or save it again", name);
    if (width > 65535 || height > 65535 || width * height > IMAGE_MAX_PIXELS)
        return fail_set(fail, FAIL_INPUT, -EFBIG,
                        "'%s' has %llu x %llu pixels, more than the %zu million that are read; "
                        "scan it at 200 to 300 dpi",
                        name, (unsigned long long) width, (unsigned long long) height,
                        IMAGE_MAX_PIXELS >> 20);
    return 0;
}

const char *image_ending(const uint8_t *data, size_t size)
{
    if (size >= 8 && memcmp(data, "\x89PNG\r\n\x1a\n", 8) == 0)
        return "png";
    if (size >= 3 && memcmp(data, "\xff\xd8\xff", 3) == 0)
        return "jpg";
    return NULL;
}

int image_decode(const uint8_t *data, size_t size, const char *name, struct image **ret,
                 struct fail *fail)
{
    if (size == 0)
        return fail_set(fail, FAIL_INPUT, -EBADMSG, "'%s' is empty; scan or save it again", name);
    const char *ending = image_ending(data, size);
    if (ending)
        return strcmp(ending, "png") == 0 ? image_png_decode(data, size, name, ret, fail)
                                          : image_jpeg_decode(data, size, name, ret, fail);
    if (size >= 3 && data[0] == 'P' && data[1] >= '1' && data[1] <= '6')
        return image_pnm_decode(data, size, name, ret, fail);
    if (size >= 8 && (memcmp(data, "II", 2) == 0 || memcmp(data, "MM", 2) == 0) &&
        (data[2] == 42 || data[3] == 42 || data[2] == 43 || data[3] == 43))
        return image_tiff_decode(data, size, name, ret, fail);
    return fail_set(fail, FAIL_INPUT, -EPROTONOSUPPORT,
                    "'%s' is no picture that we read; save it as PNG, JPEG, TIFF or PNM", name);
}

int image_load(const char *path, struct image **ret, struct fail *fail)
{
    CLEANUP_FREE uint8_t *data = NULL;
    size_t size = 0;

    int r = file_read(path, IMAGE_MAX_FILE_BYTES, &data, &size, fail);
    if (r < 0)
        return r;
    return image_decode(data, size, strcmp(path, "-") == 0 ? "standard input" : path, ret, fail);
}

static int encode(const struct image *img, const char *path, struct image_bytes *bytes,
                  struct fail *fail)
{
    const char *ending = strrchr(path, '.');

    if (ending && strcasecmp(ending, ".png") == 0)
        return image_png_encode(img, bytes);
    if (ending && (strcasecmp(ending, ".jpg") == 0 || strcasecmp(ending, ".jpeg") == 0))
        return image_jpeg_encode(img, 92, bytes);
    if (ending && strcasecmp(ending, ".pgm") == 0)
        return image_pnm_encode(img, 1, bytes);
    if (ending && strcasecmp(ending, ".ppm") == 0)
        return image_pnm_encode(img, 3, bytes);
    return fail_set(fail, FAIL_USAGE, -EINVAL,
                    "the ending of '%s' names no format; use .png, .jpg, .pgm or .ppm", path);
}

int image_encode(const struct image *img, const char *name, uint8_t **ret_data, size_t *ret_size,
                 struct fail *fail)
{
    struct image_bytes bytes = {0};

    int r = encode(img, name, &bytes, fail);
    if (r == -EINVAL)
        fail_set(fail, FAIL_USAGE, r, "a picture of %u x %u pixels is too large for '%s'; use .png",
                 img->width, img->height, name);
    if (r < 0) {
        image_bytes_done(&bytes);
        return fail_set(fail, FAIL_OTHER, r, "cannot encode '%s': %m", name);
    }
    *ret_data = bytes.data;
    *ret_size = bytes.size;
    return 0;
}

int image_encode_jpeg(const struct image *img, int quality, uint8_t **ret_data, size_t *ret_size,
                      struct fail *fail)
{
    struct image_bytes bytes = {0};

    int r = image_jpeg_encode(img, quality, &bytes);
    if (r < 0) {
        image_bytes_done(&bytes);
        return fail_set(fail, FAIL_OTHER, r, "cannot encode a picture as JPEG: %m");
    }
    *ret_data = bytes.data;
    *ret_size = bytes.size;
    return 0;
}

int image_save(const struct image *img, const char *path, struct fail *fail)
{
    CLEANUP_FREE uint8_t *data = NULL;
    CLEANUP(file_out_done) struct file_out f = FILE_OUT_INIT;
    size_t size = 0;

    int r = image_encode(img, path, &data, &size, fail);
    if (r == 0)
        r = file_out_open(&f, path, fail);
    if (r == 0)
        r = file_out_write(&f, data, size, fail);
    return r < 0 ? r : file_out_commit(&f, fail);
}

int image_part(const struct image *img, unsigned x, unsigned y, unsigned width, unsigned height,
               struct image **ret)
{
    struct image *out = NULL;

    if (x > img->width || y > img->height || width > img->width - x || height > img->height - y)
        return -EINVAL;
    int r = image_new(width, height, img->n_chan, &out);
    if (r < 0)
        return r;
    out->dpi = img->dpi;
    for (unsigned row = 0; row < height; row++)
        memcpy(out->data + row * out->stride,
               img->data + (y + row) * img->stride + (size_t) x * img->n_chan, out->stride);
    *ret = out;
    return 0;
}

int image_turn(const struct image *img, unsigned degrees, struct image **ret)
{
    /* EXIF's names for pictures that are stored turned the other way */
    const unsigned orientation = degrees == 90 ? 6 : degrees == 180 ? 3 : degrees == 270 ? 8 : 1;
    struct image *copy = NULL;

    if (degrees % 90 || degrees > 270)
        return -EINVAL;
    int r = image_part(img, 0, 0, img->width, img->height, &copy);
    return r < 0 ? r : image_orient(copy, orientation, ret);
}

int image_to_rgb(const struct image *img, struct image **ret)
{
    struct image *out = NULL;

    if (img->n_chan == 3)
        return image_part(img, 0, 0, img->width, img->height, ret);
    int r = image_new(img->width, img->height, 3, &out);
    if (r < 0)
        return r;
    out->dpi = img->dpi;
    for (unsigned y = 0; y < img->height; y++)
        for (unsigned x = 0; x < img->width; x++)
            memset(out->data + y * out->stride + 3 * (size_t) x, img->data[y * img->stride + x], 3);
    *ret = out;
    return 0;
}

int image_to_grey(const struct image *img, struct image **ret)
{
    struct image *grey = NULL;
    int r = image_new(img->width, img->height, 1, &grey);
    if (r < 0)
        return r;
    grey->dpi = img->dpi;
    for (unsigned y = 0; y < img->height; y++) {
        const uint8_t *in = img->data + y * img->stride;
        uint8_t *out = grey->data + y * grey->stride;
        if (img->n_chan == 1) {
            memcpy(out, in, img->width);
            continue;
        }
        for (unsigned x = 0; x < img->width; x++, in += 3)
            out[x] = (uint8_t) ((in[0] * 19595u + in[1] * 38470u + in[2] * 7471u + 32768u) >> 16);
    }
    *ret = grey;
    return 0;
}

int image_recompress(struct image *img, int quality)
{
    CLEANUP(image_freep) struct image *again = NULL;
    struct image_bytes bytes = {0};

    int r = image_jpeg_encode(img, quality, &bytes);
    if (r == 0)
        r = image_jpeg_decode(bytes.data, bytes.size, "a JPEG of ours", &again, NULL);
    image_bytes_done(&bytes);
    if (r < 0)
        return r;
    for (unsigned y = 0; y < img->height; y++)
        memcpy(img->data + y * img->stride, again->data + y * again->stride, img->stride);
    return 0;
}

int image_orient(struct image *img, unsigned orientation, struct image **ret)
{
    CLEANUP(image_freep) struct image *in = img;
    struct image *out = NULL;

    if (orientation < 2 || orientation > 8) {
        *ret = TAKE_PTR(in);
        return 0;
    }
    const bool swap = orientation >= 5;
    const unsigned w = swap ? in->height : in->width, h = swap ? in->width : in->height;
    int r = image_new(w, h, in->n_chan, &out);
    if (r < 0)
        return r;
    out->dpi = in->dpi;
    /* the stored picture's rows run down from the top (1, 2, 5, 6) or up, its columns from the
     * left (1, 4, 5, 8) or from the right; 5-8 have rows and columns exchanged on top of that */
    static const struct {
        bool flip_x, flip_y;
    } flips[9] = {
        [2] = {true, false}, [3] = {true, true}, [4] = {false, true}, [5] = {false, false},
        [6] = {false, true}, [7] = {true, true}, [8] = {true, false}};
    for (unsigned y = 0; y < h; y++) {
        uint8_t *o = out->data + y * out->stride;
        for (unsigned x = 0; x < w; x++, o += in->n_chan) {
            unsigned sx = swap ? y : x, sy = swap ? x : y;
            if (flips[orientation].flip_x)
                sx = in->width - 1 - sx;
            if (flips[orientation].flip_y)
                sy = in->height - 1 - sy;
            memcpy(o, in->data + sy * in->stride + (size_t) sx * in->n_chan, in->n_chan);
        }
    }
    *ret = out;
    return 0;
}

void image_over_white(const uint8_t *row, unsigned width, unsigned n, uint8_t *out)
{
    for (unsigned x = 0; x < width; x++, row += n) {
        const unsigned a = row[n - 1];
        for (unsigned c = 0; c + 1 < n; c++)
            *out++ = (uint8_t) ((row[c] * a + 255u * (255u - a) + 127u) / 255u);
    }
}

int image_bytes_add(struct image_bytes *b, const void *data, size_t size)
{
    if (b->room - b->size < size) {
        const size_t room = MAX(b->size + size, b->room * 2);
        uint8_t *more = realloc(b->data, room);
        if (!more)
            return -ENOMEM;
        b->data = more;
        b->room = room;
    }
    if (size > 0)
        memcpy(b->data + b->size, data, size);
    b->size += size;
    return 0;
}

void image_bytes_done(struct image_bytes *b)
{
    free(b->data);
    *b = (struct image_bytes){0};
}

void image_plane_done(struct image_plane *plane)
{
    free(plane->data);
    *plane = (struct image_plane){0};
}
