/* SPDX-License-Identifier: Apache-2.0
 *
 * Functions of libm that give the same value on every machine. Their last bits differ from one
 * library and processor to the next; on a grid of 2^-20 that is gone (but once in 10^10 calls).
 * Private to braille.
 */
#pragma once

#include <math.h>

#include "base/random.h"

static inline double snap(double v)
{
    return floor(v * 0x1p20 + 0.5) * 0x1p-20;
}

static inline double snap_sin(double degrees)
{
    return snap(sin(degrees * (M_PI / 180)));
}

static inline double snap_cos(double degrees)
{
    return snap(cos(degrees * (M_PI / 180)));
}

/** Normally distributed, deviation 1 (Box and Muller). */
static inline double snap_gauss(struct random *r)
{
    const double u = random_uniform(r, 1e-12, 1), v = random_uniform(r, 0, 2 * M_PI);
    return sqrt(-2 * snap(log(u))) * snap(cos(v));
}
