/* SPDX-License-Identifier: Apache-2.0
 *
 * The renderer: the same seed gives the same bytes, dots lie where the truth says, light and side
 * turn the shading as they should; a known picture comes out byte for byte on any machine.
 */

#include "test.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "braille/render.h"

static const brl_cell full[6] = {63, 0, 1, 63, 32, 0};
static const struct brl_render_sheet sheet = {full, 2, 3};

static struct image *draw(const struct brl_render_sheet *recto,
                          const struct brl_render_sheet *verso,
                          const struct brl_render_params *params, struct brl_render_truth *truth)
{
    struct image *img = NULL;
    REQUIRE(brl_render(recto, verso, params, &img, truth) == 0);
    return img;
}

/* Mean level of a small square. */
static double level(const struct image *img, double x, double y)
{
    double sum = 0;
    for (int dy = -1; dy <= 1; dy++)
        for (int dx = -1; dx <= 1; dx++) {
            const long px = lround(x) + dx, py = lround(y) + dy;
            REQUIRE(px >= 0 && py >= 0 && px < img->width && py < img->height);
            sum += img->data[(size_t) py * img->stride + (size_t) px];
        }
    return sum / 9;
}

static void test_same(void)
{
    struct brl_render_params p = *brl_render_params(.seed = 9);

    brl_render_weather(&p, 9);
    CLEANUP(image_freep) struct image *a = draw(&sheet, &sheet, &p, NULL);
    CLEANUP(image_freep) struct image *b = draw(&sheet, &sheet, &p, NULL);
    p.seed++;
    CLEANUP(image_freep) struct image *c = draw(&sheet, &sheet, &p, NULL);
    const size_t size = a->height * a->stride;
    REQUIRE(a->width == b->width && memcmp(a->data, b->data, size) == 0);
    REQUIRE(a->width == c->width && memcmp(a->data, c->data, size) != 0);
}

/* Brightness above the dot minus below, or left minus right, in units of the contrast. */
static void test_shading(void)
{
    for (unsigned light = 0; light < 360; light += 90)
        for (int side = 0; side < 2; side++) {
            struct brl_render_truth truth = {0};
            const struct brl_render_params *p =
                brl_render_params(.grain = 0.5, .light_deg = light, .seed = 3);
            CLEANUP(image_freep)
            struct image *img = draw(side ? NULL : &sheet, side ? &sheet : NULL, p, &truth);
            REQUIRE(truth.n_cells == 6 && img->dpi == 200);
            for (size_t i = 0; i < truth.n_cells; i++)
                for (unsigned d = 0; d < 6; d++) {
                    const struct brl_render_cell *c = &truth.cells[i];
                    const double fx = sin(light * M_PI / 180), fy = -cos(light * M_PI / 180);
                    const double r = 4, x = c->dot[d].x, y = c->dot[d].y;
                    const double slope =
                        level(img, x + r * fx, y + r * fy) - level(img, x - r * fx, y - r * fy);
                    REQUIRE(c->side == (enum brl_side) side);
                    if (c->cell >> d & 1)
                        REQUIRE(side ? slope < -30 : slope > 30);
                    else
                        REQUIRE(fabs(slope) < 8);
                }
            brl_render_truth_done(&truth);
        }
}

/* As the reader of each side feels it: dot 1 upper left, columns from the left. */
static void test_sides(void)
{
    struct brl_render_truth truth = {0};
    CLEANUP(image_freep)
    struct image *img = draw(&sheet, &sheet, brl_render_params(.skew_deg = 3), &truth);

    REQUIRE(truth.n_cells == 12);
    for (size_t i = 0; i < truth.n_cells; i++) {
        const struct brl_render_cell *c = &truth.cells[i];
        const double sign = c->side == BRL_VERSO ? -1 : 1;
        REQUIRE(sign * (c->dot[3].x - c->dot[0].x) > 19 && c->dot[2].y - c->dot[0].y > 38);
        const double skew =
            atan2(sign * (c->dot[3].y - c->dot[0].y), sign * (c->dot[3].x - c->dot[0].x));
        REQUIRE(fabs(skew * 180 / M_PI - 3) < 1e-4); /* positive: clockwise */
        if (i > 0 && c->row == truth.cells[i - 1].row && c->side == truth.cells[i - 1].side)
            REQUIRE(sign * (c->dot[0].x - truth.cells[i - 1].dot[0].x) > 40);
    }
    brl_render_truth_done(&truth);
}

static void test_refused(void)
{
    struct image *img = NULL;

    REQUIRE(brl_render(&sheet, NULL, brl_render_params(.dpi = 5), &img, NULL) == -EINVAL);
    REQUIRE(brl_render(&sheet, NULL, brl_render_params(.dpi = NAN), &img, NULL) == -EINVAL);
    REQUIRE(brl_render(&sheet, NULL, brl_render_params(.contrast = 0), &img, NULL) == -EINVAL);
    REQUIRE(brl_render(&sheet, NULL, brl_render_params(.width_mm = 20, .height_mm = 20), &img,
                       NULL) == -EINVAL);
    REQUIRE(brl_render(&sheet, NULL,
                       brl_render_params(.dpi = 1200, .width_mm = 2000, .height_mm = 2000), &img,
                       NULL) == -EINVAL);
    REQUIRE(brl_render(&sheet, NULL, brl_render_params(.rough = 1.5), &img, NULL) == -EINVAL);
    REQUIRE(brl_render(&sheet, NULL, brl_render_params(.creases = NAN), &img, NULL) == -EINVAL);
    REQUIRE(!img);
}

static uint64_t checksum(const struct image *img)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325); /* FNV-1a */

    for (unsigned y = 0; y < img->height; y++)
        for (unsigned x = 0; x < img->width; x++)
            h = (h ^ img->data[y * img->stride + x]) * UINT64_C(0x100000001b3);
    return h;
}

/* Everything at once, JPEG aside, whose bytes are the library's. */
static void test_known(void)
{
    struct brl_render_params p = *brl_render_params(.light_deg = NAN);

    brl_render_scan(&p, 5);
    p.skew_deg = 1.5;
    p.jpeg_quality = 0;
    p.left_mm = p.top_mm = 20;
    p.stains = p.creases = 0.5;
    CLEANUP(image_freep) struct image *img = draw(&sheet, &sheet, &p, NULL);
    const uint64_t sum = checksum(img);
    fprintf(stderr, "%u x %u, checksum %016llx\n", img->width, img->height,
            (unsigned long long) sum);
    REQUIRE(sum == UINT64_C(0x10755a684fd144f6));
}

/* The truth tells where raised dots came out, and that missing ones did not. */
static void test_drawn(void)
{
    struct brl_render_truth truth = {0};
    const struct brl_render_params *p =
        brl_render_params(.grain = 0.5, .jitter = 0.05, .missing = 0.4, .seed = 4);
    CLEANUP(image_freep) struct image *img = draw(&sheet, NULL, p, &truth);
    unsigned n_drawn = 0, n_missing = 0;

    for (size_t i = 0; i < truth.n_cells; i++)
        for (unsigned d = 0; d < 6; d++) {
            const struct brl_point at = truth.cells[i].drawn[d], grid = truth.cells[i].dot[d];
            const bool raised = truth.cells[i].cell >> d & 1;
            REQUIRE(isnan(at.x) == isnan(at.y) && (raised || isnan(at.x)));
            n_missing += raised && isnan(at.x);
            if (isnan(at.x)) {
                REQUIRE(fabs(level(img, grid.x, grid.y - 4) - level(img, grid.x, grid.y + 4)) < 8);
                continue;
            }
            n_drawn++;
            REQUIRE(hypot(at.x - grid.x, at.y - grid.y) < 0.25 * 19.7);
            REQUIRE(level(img, at.x, at.y - 4) - level(img, at.x, at.y + 4) > 30);
        }
    REQUIRE(n_drawn > 2 && n_missing > 0 && n_drawn + n_missing == 14);
    brl_render_truth_done(&truth);
}

/* Each look changes the picture, and with all of them off nothing does. */
static void test_looks(void)
{
    const struct brl_render_params plain = *brl_render_params(.grain = 0, .seed = 2);
    struct brl_render_params looks[7];
    uint64_t seen[8];

    for (unsigned i = 0; i < 7; i++)
        looks[i] = plain;
    looks[0].rough = 0.5;
    looks[1].glow = 0.3;
    looks[2].fibres = 4;
    looks[3].rows = 1;
    looks[4].stains = 1;
    looks[5].creases = 1;
    looks[6].dirt = 2;
    for (unsigned i = 0; i < 8; i++) {
        CLEANUP(image_freep)
        struct image *img = draw(&sheet, NULL, i < 7 ? &looks[i] : &plain, NULL);
        seen[i] = checksum(img);
        for (unsigned k = 0; k < i; k++)
            REQUIRE(seen[k] != seen[i]);
    }
    CLEANUP(image_freep) struct image *img = draw(&sheet, NULL, &plain, NULL);
    REQUIRE(img->data[0] == (uint8_t) plain.paper && checksum(img) == seen[7]);
    struct brl_render_params p = *brl_render_params(.light_deg = 123);
    brl_render_scan(&p, 3);
    REQUIRE(p.light_deg == 123);
    p.light_deg = NAN;
    brl_render_scan(&p, 3);
    REQUIRE(p.light_deg <= 20 || p.light_deg >= 340);
}

int main(void)
{
    test_same();
    test_known();
    test_drawn();
    test_looks();
    test_shading();
    test_sides();
    test_refused();
    return 0;
}
