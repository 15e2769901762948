/* SPDX-License-Identifier: Apache-2.0
 *
 * The arithmetic of Pillow's Image.resize(size, BICUBIC) (src/libImaging/Resample.c, MIT-CMU),
 * written anew: filters in double, their weights rounded to fixed point, each of the two passes
 * rounded and clipped to 8 bits.
 */
#include "image/image.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#define WEIGHT_BITS 22   /* of a weight after the point: 32 less 8 of a level less 2 of a sum */
#define CUBIC_REACH 2.0  /* the kernel is zero from here on */
#define CUBIC_SHARP -0.5 /* Keys' a */

/* For each new line of pixels: `n` old ones from `first` on, weighted. */
struct taps {
    struct {
        unsigned first, n;
    } * lines;
    int32_t *weights; ///< room for `room` a line
    unsigned room;
};

static void taps_done(struct taps *t)
{
    free(t->lines);
    free(t->weights);
}

static double cubic(double x)
{
    x = fabs(x);
    if (x < 1)
        return ((CUBIC_SHARP + 2.0) * x - (CUBIC_SHARP + 3.0)) * x * x + 1;
    if (x < 2)
        return (((x - 5) * x + 8) * x - 4) * CUBIC_SHARP;
    return 0;
}

static int taps_make(unsigned from, unsigned to, struct taps *t)
{
    const double scale = (double) from / to, widen = fmax(scale, 1);
    const double reach = CUBIC_REACH * widen, narrow = 1 / widen;

    t->room = (unsigned) ceil(reach) * 2 + 1;
    t->lines = calloc(to, sizeof(*t->lines));
    t->weights = calloc((size_t) to * t->room, sizeof(*t->weights));
    CLEANUP_FREE double *exact = calloc(t->room, sizeof(*exact));
    if (!t->lines || !t->weights || !exact)
        return -ENOMEM;
    for (unsigned i = 0; i < to; i++) {
        const double centre = (i + 0.5) * scale;
        const int first = MAX((int) (centre - reach + 0.5), 0);
        const int end = MIN((int) (centre + reach + 0.5), (int) from);
        double sum = 0;
        t->lines[i].first = (unsigned) first;
        t->lines[i].n = (unsigned) (end - first);
        for (int k = 0; k < end - first; k++)
            sum += exact[k] = cubic((k + first - centre + 0.5) * narrow);
        for (int k = 0; k < end - first; k++) {
            const double w = sum != 0 ? exact[k] / sum : exact[k];
            t->weights[(size_t) i * t->room + (size_t) k] =
                (int32_t) ((w < 0 ? -0.5 : 0.5) + w * (1 << WEIGHT_BITS));
        }
    }
    return 0;
}

static uint8_t level(int32_t sum)
{
    const int32_t v = sum >> WEIGHT_BITS;

    return (uint8_t) (v < 0 ? 0 : v > 255 ? 255 : v);
}

static void stretch_width(const struct image *from, const struct taps *t, struct image *to)
{
    const unsigned n_chan = from->n_chan;

    for (unsigned y = 0; y < to->height; y++) {
        const uint8_t *in = from->data + y * from->stride;
        uint8_t *out = to->data + y * to->stride;
        for (unsigned x = 0; x < to->width; x++) {
            const int32_t *w = t->weights + (size_t) x * t->room;
            for (unsigned c = 0; c < n_chan; c++) {
                const uint8_t *p = in + (size_t) t->lines[x].first * n_chan + c;
                int32_t sum = 1 << (WEIGHT_BITS - 1);
                for (unsigned k = 0; k < t->lines[x].n; k++)
                    sum += p[(size_t) k * n_chan] * w[k];
                *out++ = level(sum);
            }
        }
    }
}

static void stretch_height(const struct image *from, const struct taps *t, struct image *to)
{
    for (unsigned y = 0; y < to->height; y++) {
        const uint8_t *in = from->data + t->lines[y].first * from->stride;
        const int32_t *w = t->weights + (size_t) y * t->room;
        uint8_t *out = to->data + y * to->stride;
        for (size_t x = 0; x < (size_t) to->width * to->n_chan; x++) {
            int32_t sum = 1 << (WEIGHT_BITS - 1);
            for (unsigned k = 0; k < t->lines[y].n; k++)
                sum += in[k * from->stride + x] * w[k];
            out[x] = level(sum);
        }
    }
}

/* One pass into a picture of the given size; one of its sides is as before. */
static int pass(const struct image *from, unsigned width, unsigned height, struct image **ret)
{
    CLEANUP(image_freep) struct image *to = NULL;
    CLEANUP(taps_done) struct taps t = {0};
    const bool wide = width != from->width;

    int r = image_new(width, height, from->n_chan, &to);
    if (r == 0)
        r = taps_make(wide ? from->width : from->height, wide ? width : height, &t);
    if (r < 0)
        return r;
    (wide ? stretch_width : stretch_height)(from, &t, to);
    *ret = TAKE_PTR(to);
    return 0;
}

/* Which pass comes first changes the rounding: Pillow 13 shrinks the height first where that leaves
 * much less to do, all before it the width first, always. */
static bool height_first(const struct image *img, unsigned width, unsigned height)
{
    const int less_wide = (int) img->width - (int) width;
    const int less_high = (int) img->height - (int) height;

    return less_high > 0 && less_high > 2 * less_wide;
}

int image_stretch(const struct image *img, unsigned width, unsigned height, struct image **ret)
{
    CLEANUP(image_freep) struct image *half = NULL, *to = NULL;
    int r;

    if (width == img->width && height == img->height)
        r = image_part(img, 0, 0, width, height, &to);
    else if (width == img->width || height == img->height)
        r = pass(img, width, height, &to);
    else if (height_first(img, width, height))
        r = pass(img, img->width, height, &half);
    else
        r = pass(img, width, img->height, &half);
    if (r == 0 && half)
        r = pass(half, width, height, &to);
    if (r < 0)
        return r;
    to->dpi = img->dpi * width / img->width;
    *ret = TAKE_PTR(to);
    return 0;
}
