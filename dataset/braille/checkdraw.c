/* SPDX-License-Identifier: Apache-2.0 */

#include <math.h>

#include "base/macro.h"
#include "braille/check.h"
#include "image/cv.h"

#define SCALE 3 ///< the crop is drawn enlarged
#define GREEN 0x10a030
#define RED 0xd02020
#define ORANGE 0xf08000

static double enlarged(double v)
{
    return (v + 0.5) * SCALE - 0.5;
}

static int draw_dot(struct image *img, const struct brl_check_dot *d, double radius)
{
    const bool wanted = !isnan(d->wanted.x);
    const unsigned rgb = !wanted ? ORANGE : d->found ? GREEN : RED;
    const double x = enlarged(d->at.x), y = enlarged(d->at.y), arm = 0.5 * radius;
    int r = 0;

    if (wanted)
        r = image_draw_circle(img, enlarged(d->wanted.x), enlarged(d->wanted.y), radius, rgb, 2);
    else
        r = image_draw_box(img, x - radius, y - radius, 2 * radius, 2 * radius, rgb, 2);
    if (r == 0 && d->found)
        r = image_draw_line(img, x - arm, y, x + arm, y, rgb, 2);
    return r < 0 || !d->found ? r : image_draw_line(img, x, y - arm, x, y + arm, rgb, 2);
}

int brl_check_draw(const struct image *img, const struct brl_check *check, struct image **ret)
{
    CLEANUP(image_freep) struct image *rgb = NULL;
    CLEANUP(image_freep) struct image *large = NULL;
    const double radius = 0.36 * (check->pitch_px > 0 ? check->pitch_px : 20) * SCALE;

    int r = image_to_rgb(img, &rgb);
    if (r == 0)
        r = image_resize(rgb, img->width * SCALE, img->height * SCALE, &large);
    for (size_t i = 0; i < check->n_dots && r == 0; i++)
        r = draw_dot(large, &check->dots[i], radius);
    if (r < 0)
        return r;
    large->dpi = 0;
    *ret = TAKE_PTR(large);
    return 0;
}
