/* SPDX-License-Identifier: Apache-2.0 */

#include "image/augment.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/random.h"
#include "image/cv.h"

#define ONE 65536 ///< 1.0 in the fixed-point numbers below

static uint8_t level(int64_t v)
{
    return (uint8_t) (v < 0 ? 0 : v > 255 ? 255 : v);
}

/* ---- colours ---- */

unsigned image_draw_paper(uint64_t seed)
{
    static const unsigned papers[] = {
        0xf3ead6, /* ivory press paper */
        0xefe3c4, /* cream book paper */
        0xe0cfa3, /* the same, aged */
        0xe8e6e1, /* office paper, a little grey */
        0xe6cf9b, /* manila folder */
        0xd9b97e, /* buff envelope */
        0xb98f5f, /* kraft */
        0x9c7650, /* wrapping paper */
        0xb9b6ae, /* grey board */
        0x9db8d2, /* sky-blue card */
        0xb5d3ae, /* mint card */
        0xe3b4b1, /* pink card */
        0xece08c, /* lemon card */
        0xe4a58a, /* salmon card */
        0xbcaecb, /* lilac card */
        0x6f8fb5, /* blue school folder */
        0x6f8f6c, /* green folder */
        0xa65a4e, /* brick-red folder */
        0x7b8289, /* slate cover */
    };
    enum { VARY = 10 }; /* no two prints of a card are alike */
    struct random lot = {seed};
    const unsigned paper = papers[random_below(&lot, ELEMENTSOF(papers))];
    unsigned rgb = 0;

    for (int shift = 16; shift >= 0; shift -= 8) {
        const int vary = (int) random_below(&lot, 2 * VARY + 1) - VARY;
        rgb |= (unsigned) level((int) (paper >> shift & 255) + vary) << shift;
    }
    return rgb;
}

/* The level below which `part` of ONE of a channel's pixels lie. */
static unsigned quantile(const struct image *img, unsigned chan, uint64_t part)
{
    uint64_t count[256] = {0}, sum = 0;
    const uint64_t wanted = (uint64_t) img->width * img->height * part / ONE;
    unsigned v = 0;

    for (unsigned y = 0; y < img->height; y++)
        for (unsigned x = 0; x < img->width; x++)
            count[img->data[y * img->stride + (size_t) x * img->n_chan + chan]]++;
    while (v < 255 && (sum += count[v]) <= wanted)
        v++;
    return v;
}

/* Every level is multiplied by what takes the paper to its new colour, so that a dot's light and
 * dark side keep their ratio to the paper. Where a light colour would drive the bright sides
 * beyond white, all three channels are exposed less, as a camera does. */
static void recolour(struct image *img, unsigned rgb)
{
    uint64_t exposure = ONE;
    unsigned paper[3], colour[3];

    for (unsigned c = 0; c < 3; c++) {
        const unsigned bright = quantile(img, c, ONE - ONE / 1000);
        colour[c] = MAX(rgb >> (16 - 8 * c) & 255, 1u);
        paper[c] = MAX(quantile(img, c, ONE / 2), 1u);
        exposure = MIN(exposure, 250u * ONE * (uint64_t) paper[c] / (MAX(bright, 1u) * colour[c]));
    }
    for (unsigned c = 0; c < 3; c++) {
        uint8_t to[256];
        for (unsigned v = 0; v < 256; v++)
            to[v] = level((int64_t) ((v * colour[c] * exposure / paper[c] + ONE / 2) / ONE));
        for (unsigned y = 0; y < img->height; y++)
            for (unsigned x = 0; x < img->width; x++) {
                uint8_t *p = &img->data[y * img->stride + (size_t) x * 3 + c];
                *p = to[*p];
            }
    }
}

/* ---- light ---- */

/* How far a pixel lies from an edge: 0 .. ONE at the opposite edge. */
static int64_t from_edge(const struct image *img, enum image_edge edge, unsigned x, unsigned y)
{
    const bool across = edge == IMAGE_LEFT || edge == IMAGE_RIGHT;
    const int64_t most = (int64_t) (across ? img->width : img->height) - 1;
    const int64_t at = most > 0 ? (int64_t) (across ? x : y) * ONE / most : 0;

    return edge == IMAGE_LEFT || edge == IMAGE_TOP ? at : ONE - at;
}

/* The light on a pixel, ONE as it was. */
static int64_t light_at(const struct image *img, const struct image_augment *how, unsigned x,
                        unsigned y)
{
    enum { SOFT = 15 }; /* percent of the picture over which a shadow begins */
    int64_t light = (int64_t) (how->light_percent ? how->light_percent : 100) * ONE / 100;

    if (how->slope_percent) {
        const int64_t at = ONE / 2 - from_edge(img, how->light_edge, x, y); /* +-ONE / 2 */
        light += light * at / ONE * how->slope_percent / 100;
    }
    if (how->shadow_percent) {
        const int64_t inside =
            (int64_t) how->shadow_reach * ONE / 100 - from_edge(img, how->shadow_edge, x, y);
        const int64_t depth = MAX(MIN(inside * 100 / SOFT, (int64_t) ONE), (int64_t) 0);
        light -= light * depth / ONE * how->shadow_percent / 100;
    }
    return light;
}

static void relight(struct image *img, const struct image_augment *how)
{
    for (unsigned y = 0; y < img->height; y++) {
        uint8_t *p = img->data + y * img->stride;
        for (unsigned x = 0; x < img->width; x++) {
            const int64_t light = light_at(img, how, x, y);
            for (unsigned c = 0; c < img->n_chan; c++, p++)
                *p = level((*p * light + ONE / 2) / ONE);
        }
    }
}

/* The sum of 12 uniform numbers is near enough to a normal one, and whole. */
static void add_noise(struct image *img, unsigned tenths, uint64_t seed)
{
    struct random lot = {seed};

    for (unsigned y = 0; y < img->height; y++) {
        uint8_t *p = img->data + y * img->stride;
        for (size_t i = 0; i < (size_t) img->width * img->n_chan; i++, p++) {
            int64_t sum = 0; /* of 12 bytes: mean 1530, deviation 256 */
            for (unsigned k = 0; k < 2; k++) {
                const uint64_t r = random_next(&lot);
                for (unsigned byte = 0; byte < 6; byte++)
                    sum += (int64_t) (r >> 8 * byte & 255);
            }
            const int64_t v = (sum - 1530) * tenths; /* in 2560ths of a level */
            *p = level(*p + (v + (v < 0 ? -1280 : 1280)) / 2560);
        }
    }
}

/* ---- geometry ---- */

static bool in_range(const struct image_augment *how)
{
    return how->skew_tenths >= -450 && how->skew_tenths <= 450 &&
           (!how->scale_percent || (how->scale_percent >= 25 && how->scale_percent <= 400)) &&
           how->paper_rgb <= 0xffffff &&
           (!how->light_percent || (how->light_percent >= 20 && how->light_percent <= 200)) &&
           how->slope_percent <= 100 && how->light_edge < IMAGE_N_EDGES &&
           how->shadow_percent <= 90 && how->shadow_reach <= 100 &&
           how->shadow_edge < IMAGE_N_EDGES && how->blur_tenths <= 100 &&
           how->noise_tenths <= 500 && how->jpeg_quality >= 0 && how->jpeg_quality <= 100;
}

/* Away from what another C library rounds differently in the last place. */
static double snap(double v)
{
    return rint(v * 0x1p30) * 0x1p-30;
}

static double scale_of(const struct image_augment *how)
{
    return (how->scale_percent ? how->scale_percent : 100) / 100.0;
}

static bool warps(const struct image_augment *how)
{
    return how->skew_tenths || scale_of(how) != 1;
}

/* Skew and scale; the middle stays the middle. */
static int place_warp(unsigned w, unsigned h, const struct image_augment *how, unsigned *ret_w,
                      unsigned *ret_h, double m[6])
{
    const double angle = how->skew_tenths * (M_PI / 1800), scale = scale_of(how);
    const double c = snap(scale * snap(cos(angle))), s = snap(scale * snap(sin(angle)));
    const double new_w = ceil(fabs(w * c) + fabs(h * s) - 1e-6);
    const double new_h = ceil(fabs(w * s) + fabs(h * c) - 1e-6);
    const double x = (w - 1) / 2.0, y = (h - 1) / 2.0;

    if (!(new_w <= 65535 && new_h <= 65535 && new_w * new_h <= (double) IMAGE_MAX_PIXELS))
        return -EINVAL;
    *ret_w = (unsigned) MAX(new_w, 1.0);
    *ret_h = (unsigned) MAX(new_h, 1.0);
    m[0] = m[4] = c;
    m[1] = -s;
    m[3] = s;
    m[2] = (*ret_w - 1) / 2.0 - c * x + s * y;
    m[5] = (*ret_h - 1) / 2.0 - s * x - c * y;
    return 0;
}

int image_augment_place(unsigned width, unsigned height, const struct image_augment *how,
                        unsigned *ret_width, unsigned *ret_height, double ret_map[6])
{
    double m[6] = {1, 0, 0, 0, 1, 0};

    if (!in_range(how))
        return -EINVAL;
    *ret_width = width;
    *ret_height = height;
    int r = warps(how) ? place_warp(width, height, how, ret_width, ret_height, m) : 0;
    if (r < 0)
        return r;
    if (how->turn) { /* first: (x, y) is (width - 1 - x, height - 1 - y) by then */
        const double x = width - 1.0, y = height - 1.0;
        m[2] += m[0] * x + m[1] * y;
        m[5] += m[3] * x + m[4] * y;
        m[0] = -m[0];
        m[1] = -m[1];
        m[3] = -m[3];
        m[4] = -m[4];
    }
    memcpy(ret_map, m, sizeof(m));
    return 0;
}

/* ---- all of it ---- */

static int turn(struct image **img)
{
    struct image *turned = NULL;

    int r = image_turn(*img, 180, &turned);
    if (r < 0)
        return r;
    image_free(*img);
    *img = turned;
    return 0;
}

static int warp(struct image **img, const struct image_augment *how)
{
    struct image *out = NULL;
    unsigned w, h;
    double m[6];

    int r = place_warp((*img)->width, (*img)->height, how, &w, &h, m);
    if (r == 0)
        r = image_warp(*img, m, w, h, &out);
    if (r < 0)
        return r;
    out->dpi = (*img)->dpi * scale_of(how);
    image_free(*img);
    *img = out;
    return 0;
}

static int disturb(struct image *img, const struct image_augment *how)
{
    int r = how->blur_tenths ? image_blur(img, how->blur_tenths / 10.0) : 0;
    if (r == 0 && how->noise_tenths)
        add_noise(img, how->noise_tenths, how->seed);
    if (r == 0 && how->jpeg_quality)
        r = image_recompress(img, how->jpeg_quality);
    return r;
}

int image_augment(const struct image *img, const struct image_augment *how, struct image **ret)
{
    CLEANUP(image_freep) struct image *out = NULL;

    if (!in_range(how))
        return -EINVAL;
    int r = how->recolour ? image_to_rgb(img, &out)
                          : image_part(img, 0, 0, img->width, img->height, &out);
    if (r < 0)
        return r;
    out->dpi = img->dpi;
    if (how->turn)
        r = turn(&out);
    if (r == 0 && warps(how))
        r = warp(&out, how);
    if (r < 0)
        return r;
    if (how->recolour)
        recolour(out, how->paper_rgb);
    if (how->light_percent || how->slope_percent || how->shadow_percent)
        relight(out, how);
    r = disturb(out, how);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(out);
    return 0;
}
