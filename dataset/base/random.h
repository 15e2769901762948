/* SPDX-License-Identifier: Apache-2.0
 *
 * Numbers drawn from a seed, the same on every machine: splitmix64 (Vigna 2015). Not for secrets.
 */
#pragma once

#include <stdint.h>

struct random {
    uint64_t state; ///< the seed
};

static inline uint64_t random_next(struct random *r)
{
    uint64_t z = r->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/** Evenly in [from, to). */
static inline double random_uniform(struct random *r, double from, double to)
{
    return from + (to - from) * (double) (random_next(r) >> 11) * 0x1p-53;
}

/** Evenly in 0 .. n - 1; n > 0. */
static inline uint64_t random_below(struct random *r, uint64_t n)
{
    return random_next(r) % n;
}
