/* SPDX-License-Identifier: Apache-2.0
 *
 * The BIT family as the paper counts it: which sets there are and how many pictures of each type.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum family_set { BIT, BIT_DC, BIT_DA, BIT_DP, BIT_N, BIT_S, BIT_P, FAMILY_N_SETS };
extern const char *const family_names[FAMILY_N_SETS]; ///< in the order in which they are made
extern const char *const family_about[FAMILY_N_SETS]; ///< a line each

enum family_type { FAMILY_NUMBER, FAMILY_SPELL, FAMILY_PUNCTUATION, FAMILY_N_TYPES };
extern const char *const family_types[FAMILY_N_TYPES];

/** The paper's numbers of BIT and of the bad pictures among them, for a family `scale` times as
 * large. */
struct family_counts {
    uint64_t pictures[FAMILY_N_TYPES];
    uint64_t faults; ///< of each type
};
void family_scale(double scale, struct family_counts *ret);

/** What a set of such a family holds of a type. */
uint64_t family_expected(const struct family_counts *counts, enum family_set set,
                         enum family_type type);
