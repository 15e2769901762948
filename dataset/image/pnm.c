/* SPDX-License-Identifier: Apache-2.0
 *
 * PBM, PGM, PPM (netpbm's P1-P6), read and written by hand: the format is the whole library.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "image/codec.h"

struct cursor {
    const uint8_t *at, *end;
};

static void skip_blank(struct cursor *c)
{
    while (c->at < c->end) {
        if (*c->at == '#')
            while (c->at < c->end && *c->at != '\n')
                c->at++;
        else if (*c->at == ' ' || (*c->at >= '\t' && *c->at <= '\r'))
            c->at++;
        else
            return;
    }
}

static int read_number(struct cursor *c, unsigned max, unsigned *ret)
{
    unsigned v = 0, n_digits = 0;

    skip_blank(c);
    for (; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++, n_digits++) {
        v = v * 10 + (*c->at - '0');
        if (v > max)
            return -EBADMSG;
    }
    if (n_digits == 0)
        return -EBADMSG;
    *ret = v;
    return 0;
}

static int read_text(struct cursor *c, struct image *img, unsigned max, bool bits)
{
    for (unsigned y = 0; y < img->height; y++) {
        uint8_t *out = img->data + y * img->stride;
        for (size_t i = 0; i < img->stride; i++) {
            unsigned v;
            if (bits) {
                skip_blank(c);
                if (c->at == c->end || (*c->at != '0' && *c->at != '1'))
                    return -EBADMSG;
                out[i] = *c->at++ == '1' ? 0 : 255;
                continue;
            }
            if (read_number(c, max, &v) < 0)
                return -EBADMSG;
            out[i] = (uint8_t) ((v * 255u + max / 2) / max);
        }
    }
    return 0;
}

static int read_binary(struct cursor *c, struct image *img, unsigned max, bool bits)
{
    const size_t row_bytes = bits ? (img->width + 7) / 8 : img->stride * (max > 255 ? 2 : 1);

    if ((size_t) (c->end - c->at) < row_bytes * img->height)
        return -EBADMSG;
    for (unsigned y = 0; y < img->height; y++, c->at += row_bytes) {
        uint8_t *out = img->data + y * img->stride;
        for (size_t i = 0; i < img->stride; i++) {
            if (bits) {
                out[i] = c->at[i / 8] >> (7 - i % 8) & 1 ? 0 : 255;
                continue;
            }
            const unsigned v =
                max > 255 ? (unsigned) c->at[2 * i] << 8 | c->at[2 * i + 1] : c->at[i];
            out[i] = (uint8_t) ((MIN(v, max) * 255u + max / 2) / max);
        }
    }
    return 0;
}

int image_pnm_decode(const uint8_t *data, size_t size, const char *name, struct image **ret,
                     struct fail *fail)
{
    const unsigned kind = data[1] - '0';
    const bool bits = kind == 1 || kind == 4;
    struct cursor c = {data + 2, data + size};
    CLEANUP(image_freep) struct image *img = NULL;
    unsigned w = 0, h = 0, max = 1;

    int r = read_number(&c, 1u << 28, &w);
    if (r == 0)
        r = read_number(&c, 1u << 28, &h);
    if (r == 0 && !bits)
        r = read_number(&c, 65535, &max);
    if (r == 0 && (max == 0 || (kind >= 4 && c.at++ == c.end)))
        r = -EBADMSG;
    if (r == 0) {
        r = image_check_size(w, h, name, fail);
        if (r < 0)
            return r;
        /* every pixel takes at least a bit: a bomb of a few bytes is told before allocating */
        if ((uint64_t) w * h > (uint64_t) (c.end - c.at) * 8)
            r = -EBADMSG;
    }
    if (r == 0)
        r = image_new(w, h, kind % 3 == 0 ? 3 : 1, &img);
    if (r == -ENOMEM)
        return fail_set(fail, FAIL_OTHER, r, "not enough memory to decode '%s'", name);
    if (r == 0)
        r = kind >= 4 ? read_binary(&c, img, max, bits) : read_text(&c, img, max, bits);
    if (r < 0)
        return fail_set(fail, FAIL_INPUT, r,
                        "'%s' is a broken PNM file (bad header or it ends early); save it again",
                        name);
    *ret = TAKE_PTR(img);
    return 0;
}

static int add_row(struct image_bytes *out, const struct image *img, unsigned n_chan,
                   const uint8_t *row)
{
    uint8_t pixel[3];
    int r = 0;

    if (n_chan == img->n_chan)
        return image_bytes_add(out, row, img->stride);
    for (unsigned x = 0; x < img->width && r == 0; x++) {
        memset(pixel, row[x], sizeof(pixel));
        r = image_bytes_add(out, pixel, 3);
    }
    return r;
}

int image_pnm_encode(const struct image *img, unsigned n_chan, struct image_bytes *out)
{
    CLEANUP(image_freep) struct image *grey = NULL;
    char head[64];
    int r = 0;

    if (n_chan == 1 && img->n_chan == 3) {
        r = image_to_grey(img, &grey);
        if (r < 0)
            return r;
        img = grey;
    }
    const int n = snprintf(head, sizeof(head), "P%c\n%u %u\n255\n", n_chan == 3 ? '6' : '5',
                           img->width, img->height);
    r = image_bytes_add(out, head, (size_t) n);
    for (unsigned y = 0; y < img->height && r == 0; y++)
        r = add_row(out, img, n_chan, img->data + y * img->stride);
    return r;
}
