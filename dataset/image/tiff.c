/* SPDX-License-Identifier: Apache-2.0
 *
 * TIFF by libtiff, from memory. libtiff's own RGBA reader knows all its variants (bilevel fax,
 * palette, planar, tiles, 16-bit, CMYK, YCbCr); the per-handle options keep its errors and its
 * appetite for memory ours.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <tiffio.h>

#include "image/codec.h"

struct source {
    const uint8_t *data;
    uint64_t size, at;
    char why[160]; ///< libtiff's first complaint
};

static tmsize_t on_read(thandle_t h, void *out, tmsize_t n)
{
    struct source *s = h;
    if (n <= 0 || s->at >= s->size)
        return 0;
    const uint64_t take = MIN((uint64_t) n, s->size - s->at);
    memcpy(out, s->data + s->at, take);
    s->at += take;
    return (tmsize_t) take;
}

static tmsize_t on_write(thandle_t h, void *in, tmsize_t n)
{
    return 0;
}

static toff_t on_seek(thandle_t h, toff_t at, int whence)
{
    struct source *s = h;
    s->at = whence == SEEK_CUR ? s->at + at : whence == SEEK_END ? s->size + at : at;
    return s->at;
}

static int on_close(thandle_t h)
{
    return 0;
}

static toff_t on_size(thandle_t h)
{
    return ((struct source *) h)->size;
}

static int on_error(TIFF *tiff, void *user, const char *module, const char *format, va_list ap)
{
    struct source *s = user;
    if (s->why[0] == 0)
        vsnprintf(s->why, sizeof(s->why), format, ap);
    return 1; /* handled: nothing on stderr */
}

static int on_warning(TIFF *tiff, void *user, const char *module, const char *format, va_list ap)
{
    return 1;
}

static TIFF *open_memory(struct source *s)
{
    TIFFOpenOptions *options = TIFFOpenOptionsAlloc();
    if (!options)
        return NULL;
    TIFFOpenOptionsSetErrorHandlerExtR(options, on_error, s);
    TIFFOpenOptionsSetWarningHandlerExtR(options, on_warning, s);
    TIFFOpenOptionsSetMaxSingleMemAlloc(options, (tmsize_t) IMAGE_MAX_PIXELS * 4);
    /* "m": no memory mapping */
    TIFF *tiff = TIFFClientOpenExt("memory", "rm", s, on_read, on_write, on_seek, on_close, on_size,
                                   NULL, NULL, options);
    TIFFOpenOptionsFree(options);
    return tiff;
}

static double read_dpi(TIFF *tiff)
{
    float x = 0, y = 0;
    uint16_t unit = RESUNIT_INCH;
    TIFFGetFieldDefaulted(tiff, TIFFTAG_RESOLUTIONUNIT, &unit);
    if (!TIFFGetField(tiff, TIFFTAG_XRESOLUTION, &x) ||
        !TIFFGetField(tiff, TIFFTAG_YRESOLUTION, &y) || !(x > 1 && x < 100000) || x != y)
        return 0;
    return unit == RESUNIT_INCH ? x : unit == RESUNIT_CENTIMETER ? x * 2.54 : 0;
}

static int read_pixels(TIFF *tiff, uint32_t w, uint32_t h, struct image **ret)
{
    char text[1024] = "";
    TIFFRGBAImage rgba;
    CLEANUP(image_freep) struct image *img = NULL;
    uint16_t photometric = PHOTOMETRIC_RGB, orientation = ORIENTATION_TOPLEFT;

    TIFFGetField(tiff, TIFFTAG_PHOTOMETRIC, &photometric);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_ORIENTATION, &orientation);
    const bool grey =
        photometric == PHOTOMETRIC_MINISBLACK || photometric == PHOTOMETRIC_MINISWHITE;
    if (!TIFFRGBAImageOK(tiff, text) || !TIFFRGBAImageBegin(&rgba, tiff, 1, text))
        return -EPROTONOSUPPORT;
    rgba.orientation = rgba.req_orientation = ORIENTATION_TOPLEFT; /* image_orient turns it */
    uint32_t *raster = malloc((size_t) w * h * sizeof(*raster));
    int r = raster ? image_new(w, h, grey ? 1 : 3, &img) : -ENOMEM;
    if (r == 0 && !TIFFRGBAImageGet(&rgba, raster, w, h))
        r = -EBADMSG;
    for (size_t i = 0; r == 0 && i < (size_t) w * h; i++) {
        const uint32_t p = raster[i];
        const unsigned paper = 255u - TIFFGetA(p); /* colours are premultiplied */
        const unsigned c[3] = {TIFFGetR(p), TIFFGetG(p), TIFFGetB(p)};
        for (unsigned k = 0; k < img->n_chan; k++)
            img->data[i * img->n_chan + k] = (uint8_t) MIN(c[k] + paper, 255u);
    }
    TIFFRGBAImageEnd(&rgba);
    free(raster);
    if (r < 0)
        return r;
    img->dpi = read_dpi(tiff);
    return image_orient(TAKE_PTR(img), orientation, ret);
}

int image_tiff_decode(const uint8_t *data, size_t size, const char *name, struct image **ret,
                      struct fail *fail)
{
    struct source s = {.data = data, .size = size};
    uint32_t w = 0, h = 0;
    int r = -EBADMSG;

    TIFF *tiff = open_memory(&s);
    if (tiff && TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &w) &&
        TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &h)) {
        r = image_check_size(w, h, name, fail);
        if (r == 0)
            r = read_pixels(tiff, w, h, ret);
    }
    if (tiff)
        TIFFClose(tiff);
    if (r == -ENOMEM)
        return fail_set(fail, FAIL_OTHER, r, "not enough memory to decode '%s'", name);
    if (r == -EPROTONOSUPPORT)
        return fail_set(fail, FAIL_INPUT, r,
                        "'%s' is a kind of TIFF that is not read (%s); save it as PNG", name,
                        s.why[0] ? s.why : "unknown layout");
    if (r < 0)
        return fail_set(fail, FAIL_INPUT, r, "'%s' is a broken TIFF file (%s); save it again", name,
                        s.why[0] ? s.why : "no picture in it");
    return 0;
}
