/* SPDX-License-Identifier: Apache-2.0
 *
 * Lots that follow from a seed and a name alone: the same picture draws the same lot in every set,
 * in every order and with any number of threads.
 */
#pragma once

#include "base/random.h"

/** FNV-1a of a name: what is kept of an id where keeping all of them would fill the memory. */
static inline uint64_t draw_hash(const char *name)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (; *name; name++)
        h = (h ^ (unsigned char) *name) * UINT64_C(0x100000001b3);
    return h;
}

/** The lots of a name that is known by its hash. */
static inline struct random draw_of_hash(uint64_t seed, uint64_t hash)
{
    struct random r = {seed};
    r.state = hash ^ random_next(&r);
    r.state = random_next(&r);
    return r;
}

/** The lots of a name. */
static inline struct random draw_of(uint64_t seed, const char *name)
{
    return draw_of_hash(seed, draw_hash(name));
}

/** From `from` to `to`, both included. */
static inline int draw_between(struct random *r, int from, int to)
{
    return from + (int) random_below(r, (uint64_t) (to - from + 1));
}
