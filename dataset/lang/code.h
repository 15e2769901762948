/* SPDX-License-Identifier: Apache-2.0
 *
 * The three codes syllable by syllable. Private to lang.
 */
#pragma once

#include "lang/encode.h"
#include "lang/tables.h"
#include "lang/words.h"

/** The tone that Common Braille leaves out on this syllable (an index into lang_bases): 1-4, or 0
 * for none: e writes all, so that it is not taken for o, and le, tou, zi, which without are
 * neutral.
 */
uint8_t lang_omitted_tone(uint16_t base);

/** The cells of a syllable, at most 3. Without tone Current and Common write none. Returns their
 * number; 0: Two-Cell Braille always has a tone. */
size_t lang_write_syllable(enum lang_code code, struct lang_syllable s, brl_cell out[3]);

/** The signs of a code. Longest first; of two with the same cells the more usual first. */
const struct lang_sign *lang_code_signs(enum lang_code code, size_t *ret_n);
