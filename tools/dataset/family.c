/* SPDX-License-Identifier: Apache-2.0 */

#include "tools/dataset/family.h"

#include <math.h>

#include "base/macro.h"

const char *const family_names[FAMILY_N_SETS] = {"BIT",   "BIT-DC", "BIT-DA", "BIT-DP",
                                                 "BIT-N", "BIT-S",  "BIT-P"};

const char *const family_about[FAMILY_N_SETS] = {
    "all pictures, the badly cut ones too",
    "the clean ones of BIT",
    "BIT with a twin of each picture, turned by 180 degrees or on other paper",
    "the clean ones of BIT-DA: BIT-DC with its twins",
    "the numbers of BIT-DP",
    "the syllables of BIT-DP",
    "the punctuation marks of BIT-DP"};

const char *const family_types[FAMILY_N_TYPES] = {"number", "spell", "punctuation"};

void family_scale(double scale, struct family_counts *ret)
{
    static const double pictures[FAMILY_N_TYPES] = {2000, 2700, 1500}, faults = 200;
    uint64_t least = UINT64_MAX;

    for (unsigned t = 0; t < FAMILY_N_TYPES; t++) {
        ret->pictures[t] = (uint64_t) fmax(1, floor(pictures[t] * scale + 0.5));
        least = MIN(least, ret->pictures[t]);
    }
    ret->faults = MIN((uint64_t) floor(faults * scale + 0.5), least - 1);
}

uint64_t family_expected(const struct family_counts *counts, enum family_set set,
                         enum family_type type)
{
    const uint64_t all = counts->pictures[type], clean = all - counts->faults;

    switch (set) {
    case BIT:
        return all;
    case BIT_DC:
        return clean;
    case BIT_DA:
        return 2 * all;
    case BIT_DP:
        return 2 * clean;
    case BIT_N:
    case BIT_S:
    case BIT_P: /* one type each, in the types' order */
        return (unsigned) set - BIT_N == (unsigned) type ? 2 * clean : 0;
    case FAMILY_N_SETS:
        break;
    }
    return 0;
}
