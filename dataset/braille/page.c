/* SPDX-License-Identifier: Apache-2.0 */

#include "braille/page.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "braille/page_internal.h"
#include "braille/sheet.h"

#define LEAST_PITCH_MM 2.0
#define MOST_PITCH_MM 3.2
#define MOST_SAMPLES 8 ///< each way, of a pixel of a crop
#define FIXED 16       ///< bits behind the point of a place in the picture

double brl_page_dpi(double told_dpi, double pitch_px)
{
    const double mm = told_dpi > 0 ? pitch_px / told_dpi * MM_PER_INCH : 0;
    return mm >= LEAST_PITCH_MM && mm <= MOST_PITCH_MM ? told_dpi
                                                       : pitch_px / TYPICAL_PITCH_MM * MM_PER_INCH;
}

static int page_of_crop(const struct image *img, const struct brl_page_params *params,
                        struct brl_page **ret, struct fail *fail)
{
    CLEANUP(brl_page_freep) struct brl_page *page = calloc(1, sizeof(*page));

    int r = page ? brl_page_find_crop(img, params, page) : -ENOMEM;
    if (r == -ENOMEM)
        return fail_set(fail, FAIL_OTHER, r, "not enough memory to find the braille grid");
    if (r < 0)
        return fail_set(fail, FAIL_INPUT, -ENODATA,
                        "no braille found in the picture; scan the page flat at 200 to 300 dpi, "
                        "with the dots in focus");
    *ret = TAKE_PTR(page);
    return 0;
}

int brl_page_new(const struct image *img, const struct brl_page_params *params,
                 struct brl_page **ret, struct fail *fail)
{
    CLEANUP(brl_sheet_unrefp) struct brl_sheet *sheet = NULL;

    if (params->crop)
        return page_of_crop(img, params, ret, fail);
    int r = brl_sheet_new(img, brl_sheet_params(.dpi = params->dpi, .light_deg = params->light_deg),
                          &sheet, fail);
    return r < 0 ? r : brl_sheet_page(sheet, params, ret, fail);
}

struct brl_page *brl_page_free(struct brl_page *page)
{
    if (page) {
        brl_sheet_unref(page->sheet);
        image_free(page->own);
        free(page->stray);
        free(page->slots);
    }
    free(page);
    return NULL;
}

/* A crop's frame in the picture that it is cut from: its middle, and the ways of one pixel. */
struct frame {
    double x, y, right_x, right_y, down_x, down_y;
};

static struct frame frame_of(const struct brl_page *page, const struct brl_slot *slot,
                             double px_per_pitch)
{
    const struct brl_point *d = slot->dot;
    const double k = page->picture_scale, unit = k / px_per_pitch;
    struct frame f = {
        .right_x = (d[3].x + d[4].x + d[5].x - d[0].x - d[1].x - d[2].x) / 3 * unit,
        .right_y = (d[3].y + d[4].y + d[5].y - d[0].y - d[1].y - d[2].y) / 3 * unit,
        .down_x = (d[2].x + d[5].x - d[0].x - d[3].x) / 4 * unit,
        .down_y = (d[2].y + d[5].y - d[0].y - d[3].y) / 4 * unit,
    };
    for (unsigned i = 0; i < 6; i++) {
        f.x += ((d[i].x + 0.5) * k - 0.5) / 6;
        f.y += ((d[i].y + 0.5) * k - 0.5) / 6;
    }
    return f;
}

/* Level between pixel centres, 8 bits behind the point; the nearest pixel outside. Places have
 * FIXED bits behind the point. */
static unsigned sample(const struct image *img, int64_t x, int64_t y)
{
    const int64_t right = (int64_t) (img->width - 1) << FIXED;
    const int64_t bottom = (int64_t) (img->height - 1) << FIXED;
    const uint64_t px = (uint64_t) (x < 0 ? 0 : x > right ? right : x);
    const uint64_t py = (uint64_t) (y < 0 ? 0 : y > bottom ? bottom : y);
    const size_t x0 = px >> FIXED, y0 = py >> FIXED;
    const size_t next = x0 + 1 < img->width, below = y0 + 1 < img->height ? img->stride : 0;
    const unsigned fx = px >> (FIXED - 8) & 255, fy = py >> (FIXED - 8) & 255;
    const uint8_t *p = img->data + y0 * img->stride + x0;
    const unsigned a = p[0] * (256 - fx) + p[next] * fx;
    const unsigned b = p[below] * (256 - fx) + p[below + next] * fx;
    return (a * (256 - fy) + b * fy) >> 8;
}

/* In the upright page, does the light come from below? */
static bool lit_from_below(const struct brl_page *page)
{
    return cos((page->light_deg - page->orientation) * M_PI / 180) < -0.1;
}

void brl_page_crop(const struct brl_page *page, const struct brl_slot *slot, unsigned width,
                   unsigned height, double px_per_pitch, uint8_t *out)
{
    const struct frame f = frame_of(page, slot, px_per_pitch);
    const double step = fmax(hypot(f.right_x, f.right_y), hypot(f.down_x, f.down_y));
    const unsigned n = (unsigned) fmin(fmax(round(step), 1), MOST_SAMPLES); /* samples each way */
    const bool invert_levels = (page->side == BRL_VERSO) != lit_from_below(page);
    const double one = (double) (1 << FIXED), u0 = -((double) width - 1) / 2 - 0.5 + 0.5 / n;
    const double v0 = -((double) height - 1) / 2 - 0.5 + 0.5 / n;
    const int64_t right_x = llround(f.right_x / n * one), right_y = llround(f.right_y / n * one);

    for (unsigned y = 0; y < height; y++) {
        for (unsigned x = 0; x < width; x++) {
            unsigned sum = 0;
            for (unsigned j = 0; j < n; j++) {
                const double u = u0 + x, v = v0 + y + (double) j / n;
                int64_t px = llround((f.x + u * f.right_x + v * f.down_x) * one);
                int64_t py = llround((f.y + u * f.right_y + v * f.down_y) * one);
                for (unsigned i = 0; i < n; i++, px += right_x, py += right_y)
                    sum += sample(page->picture, px, py);
            }
            const unsigned level = (sum / (n * n) + 128) >> 8;
            out[(size_t) y * width + x] = (uint8_t) (invert_levels ? 255 - level : level);
        }
    }
}
