/* SPDX-License-Identifier: Apache-2.0
 *
 * PNG by libpng. Everything that must survive a longjmp lives in a struct that the caller of the
 * jumping function owns, so that nothing leaks and no local is clobbered.
 */

#include <errno.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <png.h>

#include "image/codec.h"

struct reader {
    const uint8_t *data;
    size_t size, at;
    const char *name;
    struct fail *fail;
    png_structp png;
    png_infop info;
    struct image *img; ///< the result while it grows
    uint8_t *pixels;   ///< decoded rows, alpha included
    png_bytep *rows;   ///< pointers into `pixels`
    char why[128];     ///< libpng's own words
    bool early_end;
};

static void on_error(png_structp png, png_const_charp text)
{
    char *why = png_get_error_ptr(png);
    snprintf(why, 128, "%s", text);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp text)
{
}

static void read_bytes(png_structp png, png_bytep out, size_t n)
{
    struct reader *r = png_get_io_ptr(png);
    if (r->size - r->at < n) {
        r->early_end = true;
        png_error(png, "the file ends early");
    }
    memcpy(out, r->data + r->at, n);
    r->at += n;
}

static double read_dpi(struct reader *r)
{
    png_uint_32 x = 0, y = 0;
    int unit = PNG_RESOLUTION_UNKNOWN;
    if (!png_get_pHYs(r->png, r->info, &x, &y, &unit) || unit != PNG_RESOLUTION_METER || x != y)
        return 0;
    return x * 0.0254;
}

static int read_rows(struct reader *r)
{
    const png_uint_32 w = png_get_image_width(r->png, r->info);
    const png_uint_32 h = png_get_image_height(r->png, r->info);
    const size_t row_bytes = png_get_rowbytes(r->png, r->info);
    const unsigned n = png_get_channels(r->png, r->info);

    int e = image_new(w, h, n >= 3 ? 3 : 1, &r->img);
    if (e < 0)
        return e;
    r->img->dpi = read_dpi(r);
    const bool alpha = n == 2 || n == 4;
    if (alpha && !(r->pixels = malloc(row_bytes * h)))
        return -ENOMEM;
    if (!(r->rows = malloc(h * sizeof(*r->rows))))
        return -ENOMEM;
    for (png_uint_32 y = 0; y < h; y++)
        r->rows[y] = alpha ? r->pixels + y * row_bytes : r->img->data + y * r->img->stride;
    png_read_image(r->png, r->rows);
    png_read_end(r->png, NULL);
    for (png_uint_32 y = 0; alpha && y < h; y++)
        image_over_white(r->rows[y], w, n, r->img->data + y * r->img->stride);
    return 0;
}

/* May jump out of libpng: no local is changed between setjmp and its return. */
static int read_all(struct reader *r)
{
    if (setjmp(png_jmpbuf(r->png)))
        return -EBADMSG;
    png_set_read_fn(r->png, r, read_bytes);
    /* our own check below has the better words; libpng's own keeps hostile text chunks small */
    png_set_user_limits(r->png, 0x7fffffff, 0x7fffffff);
    png_set_chunk_malloc_max(r->png, 8 << 20);
    png_set_chunk_cache_max(r->png, 64);
    png_read_info(r->png, r->info);
    int e = image_check_size(png_get_image_width(r->png, r->info),
                             png_get_image_height(r->png, r->info), r->name, r->fail);
    if (e < 0)
        return e;
    png_set_expand(r->png);
    png_set_scale_16(r->png);
    png_set_interlace_handling(r->png);
    png_read_update_info(r->png, r->info);
    return read_rows(r);
}

int image_png_decode(const uint8_t *data, size_t size, const char *name, struct image **ret,
                     struct fail *fail)
{
    struct reader r = {.data = data, .size = size, .name = name, .fail = fail};
    int e = -ENOMEM;

    r.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, r.why, on_error, on_warning);
    if (r.png)
        r.info = png_create_info_struct(r.png);
    if (r.info)
        e = read_all(&r);
    png_destroy_read_struct(&r.png, &r.info, NULL);
    free(r.pixels);
    free(r.rows);
    if (e == 0) {
        *ret = r.img;
        return 0;
    }
    image_free(r.img);
    if (e == -ENOMEM)
        return fail_set(fail, FAIL_OTHER, e, "not enough memory to decode '%s'", name);
    return fail_set(fail, FAIL_INPUT, e, "'%s' is a broken PNG file (%s); scan or save it again",
                    name, r.early_end ? "it ends early" : r.why);
}

struct writer {
    struct image_bytes *out;
    png_structp png;
    png_infop info;
    char why[128];
};

static void write_bytes(png_structp png, png_bytep data, size_t n)
{
    struct writer *w = png_get_io_ptr(png);
    if (image_bytes_add(w->out, data, n) < 0)
        png_error(png, "no memory");
}

static void flush_bytes(png_structp png)
{
}

static int write_all(struct writer *w, const struct image *img)
{
    if (setjmp(png_jmpbuf(w->png)))
        return -ENOMEM;
    png_set_write_fn(w->png, w, write_bytes, flush_bytes);
    png_set_IHDR(w->png, w->info, img->width, img->height, 8,
                 img->n_chan == 3 ? PNG_COLOR_TYPE_RGB : PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    if (img->dpi > 0) {
        const png_uint_32 per_metre = (png_uint_32) MIN(img->dpi / 0.0254 + 0.5, 0x7fffffff);
        png_set_pHYs(w->png, w->info, per_metre, per_metre, PNG_RESOLUTION_METER);
    }
    png_write_info(w->png, w->info);
    for (unsigned y = 0; y < img->height; y++)
        png_write_row(w->png, img->data + y * img->stride);
    png_write_end(w->png, NULL);
    return 0;
}

int image_png_encode(const struct image *img, struct image_bytes *out)
{
    struct writer w = {.out = out};
    int e = -ENOMEM;

    w.png = png_create_write_struct(PNG_LIBPNG_VER_STRING, w.why, on_error, on_warning);
    if (w.png)
        w.info = png_create_info_struct(w.png);
    if (w.info)
        e = write_all(&w, img);
    png_destroy_write_struct(&w.png, &w.info);
    return e;
}
