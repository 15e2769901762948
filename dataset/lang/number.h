/* SPDX-License-Identifier: Apache-2.0
 *
 * Numbers as they are read out. Private to lang.
 */
#pragma once

#include <stdbool.h>

#include "lang/buf.h"

/** A number token ("24", "3.14", "5.1.1", "1/2", "50%") -> words of toned pinyin. Leading zeros,
 * more than 16 digits, mobile numbers (11 digits, 13-19 first) and `by_digit` (years): digit by
 * digit. */
void lang_number_say(struct lang_buf *out, const char *number, bool by_digit);
