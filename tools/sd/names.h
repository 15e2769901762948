/* SPDX-License-Identifier: Apache-2.0
 *
 * What marks and keys are called in Chinese. Marks: GB/T 15834-2011 (punctuation), GB/T 13715 and
 * usage (other signs); keys: usage of Chinese screen readers and keyboards.
 */
#pragma once

#include <stdint.h>

#include "tools/sd/settings.h"

struct sd_mark {
    uint32_t c;
    enum sd_punctuation level; ///< from this mode on it is named in a text
    const char *name;
};
/** NULL: it has no name. Full-width forms are what they stand for. */
const struct sd_mark *sd_mark_find(uint32_t c);

/** The key or modifier, "Return", "ctrl", "KP"; any case. NULL: not known. */
const char *sd_key_find(const char *name);
/** The sound icon, "capital", in words. NULL: not known. */
const char *sd_icon_find(const char *name);
