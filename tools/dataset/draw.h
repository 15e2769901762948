/* SPDX-License-Identifier: Apache-2.0
 *
 * Lots that follow from a seed and a name alone: the same picture draws the same lot in every set,
 * in every order and with any number of threads.
 */
#pragma once

#include <stdint.h>

/** splitmix64 (Vigna). */
static inline uint64_t draw_next(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/** FNV-1a of a name: what is kept of an id where keeping all of them would fill the memory. */
static inline uint64_t draw_hash(const char *name)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (; *name; name++)
        h = (h ^ (unsigned char) *name) * 0x100000001b3u;
    return h;
}

/** The state to draw a name's lots from. */
static inline uint64_t draw_state(uint64_t seed, const char *name)
{
    uint64_t state = draw_hash(name) ^ draw_next(&seed);
    return draw_next(&state);
}

/** From `from` to `to`, both included. */
static inline int draw_between(uint64_t *state, int from, int to)
{
    return from + (int) (draw_next(state) % (uint64_t) (to - from + 1));
}
