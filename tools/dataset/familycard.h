/* SPDX-License-Identifier: Apache-2.0
 *
 * What became of a family: its sets' counts against those that were asked for, and OUT/card.md.
 */
#pragma once

#include "base/fail.h"
#include "tools/dataset/family.h"

#define FAMILY_CARD_NAME "card.md"

/** Pictures of each set and type. */
struct family_found {
    uint64_t n[FAMILY_N_SETS][FAMILY_N_TYPES];
};
/** Count them in the manifests of the sets. FAIL_OPEN, FAIL_INPUT, -ENOMEM. */
int family_count(char *const dirs[FAMILY_N_SETS], struct family_found *ret, struct fail *fail);

#define FAMILY_OFF_BYTES 2048 ///< every type of every set, with the longest numbers
/** "BIT-DC: 3 number too few, …; …" into `off`; the number of sets that are not as they should be.
 */
unsigned family_compare(const struct family_counts *counts, const struct family_found *found,
                        char off[FAMILY_OFF_BYTES]);

struct family_recipe {
    uint64_t seed;
    const char *code;
    double scale;
    const struct family_counts *counts;
};
/** Write OUT/card.md: data, licence, recipe, counts, what cleaning did, limits. `bit`: the folder
 * of BIT. FAIL_INPUT, FAIL_IO, FAIL_CREATE, -ENOMEM. */
int family_write_card(const char *out, const char *bit, const struct family_recipe *recipe,
                      const struct family_found *found, struct fail *fail);
