/* SPDX-License-Identifier: Apache-2.0
 *
 * Where on a page are dots, of the front (bumps) and of the back (dents)? A fully convolutional
 * network (42,246 weights, trained by models/recipes/dotmap.py) looks at the whole picture at once,
 * at 10 pixels a dot pitch, and at 12 pitches around each place. Thread-safe: the weights are
 * constant; it uses all processors itself.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "image/image.h"

/** A dot that was found. */
struct brl_spot {
    float x, y; ///< centre, pixels of the picture (pixel centres at whole numbers)
    float p;    ///< that it is one, 0.05 .. 1
    bool dent;  ///< of the back
};

/** What the network says at one place of its output, for one side. */
struct brl_spot_vote {
    float logit;
    float right, down; ///< where the dot's centre is from here, pixels of the network's picture
};

struct brl_spots {
    struct brl_spot *spot; ///< owned, likeliest first
    size_t n;
    /** [2][height][width]: front, back; vote (i, j) stands at (4 j + 1.5, 4 i + 1.5); owned */
    struct brl_spot_vote *vote;
    unsigned width, height;
    double scale_x, scale_y; ///< pixels of the network's picture a pixel of the picture
};

/**
 * Find the dots of a picture whose light comes from the top (+-15 degrees; photographs may have it
 * anywhere).
 *
 * @param grey      one channel
 * @param pitch_px  its dot pitch, +-25 %
 * @return 0 (also where there is none); -EINVAL (more than one channel, or a pitch of under 3
 *         pixels or that makes it larger than any paper); -ENOMEM
 */
int brl_dotmap_find(const struct image *grey, double pitch_px, struct brl_spots *ret);
void brl_spots_done(struct brl_spots *spots);

/** The logit of "a dot of that side has its centre within a quarter of a pitch of (x, y)"; -12
 * outside the picture. */
double brl_dotmap_rate(const struct brl_spots *spots, double x, double y, bool dent);
