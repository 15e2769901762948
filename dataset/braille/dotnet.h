/* SPDX-License-Identifier: Apache-2.0
 *
 * Is there a raised dot at this place, and where exactly? A small convolutional classifier of
 * patches (30,707 weights, trained by models/recipes/dots.py), for crops too small to tell dots by
 * their surroundings' noise. Private to dataset/braille. Thread-safe: the weights are constant.
 */
#pragma once

#include "image/cv.h"
#include "image/image.h"

/** A picture as the classifier looks at it. */
struct brl_dotnet_view {
    struct image_plane plane; ///< 10 pixels a dot pitch, over the background; owned
    double scale_x, scale_y;  ///< pixels of it a pixel of the picture
    double deviation;         ///< mean size of its levels
    double turn_deg;          ///< the light comes from here, clockwise from the top
};

/** `grey` has one channel. -ENOMEM, -EINVAL (a pitch that does not fit the picture). */
int brl_dotnet_open(const struct image *grey, double pitch_px, double light_deg,
                    struct brl_dotnet_view *ret);
void brl_dotnet_done(struct brl_dotnet_view *view);

/** The logit of "a raised dot has its centre here"; (x, y) in pixels of the picture. */
double brl_dotnet_rate(const struct brl_dotnet_view *view, double x, double y);
/** The same; moves (x, y) to the centre of the dot if there is one within a quarter of a pitch. */
double brl_dotnet_centre(const struct brl_dotnet_view *view, double *x, double *y);
