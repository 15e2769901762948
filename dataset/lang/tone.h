/* SPDX-License-Identifier: Apache-2.0
 *
 * Tones of one braille word by itself. Private to lang.
 */
#pragma once

#include <stddef.h>

#include "lang/encode.h"
#include "lang/lang.h"
#include "lang/words.h"

/** The only tone, besides the neutral one, that a syllable written without can have; 0: any. */
uint8_t lang_unmarked_tone(enum lang_code code, uint16_t base);

/** -EINVAL: the token is no syllable. */
int lang_syllable_read(enum lang_code code, const struct lang_token *token,
                       struct lang_syllable *ret);

/** Give the syllables of one word their tones (and me for mo, o for e where the lexicon says so):
 * the cheapest row of words that agrees with the tones that are there. -ENOMEM. */
int lang_tone_word(struct lang_syllable *items, size_t n);

/** The same, and what that row costs: 256 * -log of its share of all texts, at most 2^31. */
int lang_tone_word_cost(struct lang_syllable *items, size_t n, uint32_t *ret_cost);
