/* SPDX-License-Identifier: Apache-2.0
 *
 * What the lexicon of words says about a text that was read. Its source and licence:
 * dataset/lang/data/LICENSES.md. Thread-safe: the lexicon is constant.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lang/lang.h"

/** How likely is a word? */
struct lang_word_fit {
    double nats;    ///< -log of the share of all words that the likeliest reading of it has
    size_t n_parts; ///< words of the lexicon and single syllables which that reading is made of
    bool known;     ///< one word of the lexicon, or such words and particles only
};

/** For judging corrections: the smaller the nats, the likelier are these syllables as one word of
 * braille text (what stands between two gaps). Printed tones are kept, others are free; `code` says
 * what a missing tone can be, as in struct lang_text. Words of equal length compare at once;
 * otherwise compare whole lines by the sum of their words.
 *
 * @param tokens n tokens of kind LANG_SYLLABLE, n at least 1
 * @return 0; -EINVAL: another kind, or no syllable; -ENOMEM
 */
int lang_word_fit(enum lang_code code, const struct lang_token *tokens, size_t n,
                  struct lang_word_fit *ret);
