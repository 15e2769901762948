/* SPDX-License-Identifier: Apache-2.0
 *
 * The renderer: the same seed gives the same bytes, dots lie where the truth says, light and side
 * turn the shading as they should.
 */

#include "test.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "braille/render.h"

static const brl_cell full[6] = {63, 0, 1, 63, 32, 0};
static const struct brl_sheet sheet = {full, 2, 3};

static struct image *draw(const struct brl_sheet *recto, const struct brl_sheet *verso,
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
        REQUIRE(fabs(skew * 180 / M_PI - 3) < 1e-6); /* positive: clockwise */
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
    REQUIRE(!img);
}

int main(void)
{
    test_same();
    test_shading();
    test_sides();
    test_refused();
    return 0;
}
