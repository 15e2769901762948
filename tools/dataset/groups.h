/* SPDX-License-Identifier: Apache-2.0
 *
 * Which pictures of a set belong together: a picture and all that was made from it, the same file
 * under two names, and what `clean` found to be one print twice. For splits without a leak.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "manifest/manifest.h"

enum groups_side { SIDE_NONE, SIDE_TRAIN, SIDE_TEST, SIDE_VAL, N_SIDES };
extern const char *const groups_side_names[N_SIDES]; ///< NULL, "train", "test", "val"

#define GROUPS_MAX_TYPES 64

struct groups_item {
    uint64_t top;  ///< hash of the name that its chain of parents begins with
    uint64_t id;   ///< hash
    uint32_t root; ///< the first record of its group
    uint8_t type;  ///< number in `types`
    uint8_t side;  ///< as the manifest has it
    bool has_parent_here;
};

/** Names of another set with the side each is on. */
struct groups_sides {
    struct groups_name {
        uint64_t name;
        uint8_t side;
    } * names; ///< owned, sorted
    size_t n;
};

struct groups {
    struct groups_item *items; ///< owned, [n] in the manifest's order
    size_t n;
    char *types[GROUPS_MAX_TYPES]; ///< owned
    unsigned n_types;
    uint8_t *elsewhere; ///< owned, [n]: bits (1 << side) of its kin in the other sets
};

/** Read a set. `sides`: of other sets, may be NULL. FAIL_INPUT, -ENOMEM as manifest_next(). */
int groups_load(struct groups *groups, const char *dir, const struct groups_sides *sides,
                struct fail *fail);
void groups_done(struct groups *groups);

/** Add a set that has a split. FAIL_INPUT: it has none. */
int groups_sides_add(struct groups_sides *sides, const char *dir, struct fail *fail);
void groups_sides_done(struct groups_sides *sides);
