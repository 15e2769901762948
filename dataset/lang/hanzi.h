/* SPDX-License-Identifier: Apache-2.0
 *
 * What the lexicon of words says about a text that was read: the tones for the voice, the Hanzi for
 * the eye. Its sources and licences: dataset/lang/data/LICENSES.md. Thread-safe: the lexicon is
 * constant.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lang/lang.h"

/** What a token of LANG_SYLLABLE most likely is; all empty for tokens of other kinds. */
struct lang_sense {
    char hanzi[4];   ///< one character, UTF-8; "" where none is known that sounds so
    char pinyin[10]; ///< with its tone: "hao3"
};

/** Read a text with the lexicon: printed tones and gaps between words are kept, numbers, signs and
 * letters part the clauses. Time linear in the tokens. *ret: t->n of them, owned, free(). -ENOMEM.
 */
int lang_senses(const struct lang_text *t, struct lang_sense **ret);

/** The tokens from `begin` up to `end` for the eye: Hanzi without gaps, numbers, signs and letters
 * as they stand, line ends inside left out ("\n\n" stays as one). A syllable that no Hanzi has is
 * written in pinyin, between spaces. *ret owned. -ENOMEM. */
int lang_hanzi(const struct lang_text *t, const struct lang_sense *senses, size_t begin, size_t end,
               char **ret);

/** How likely is a word? */
struct lang_word_fit {
    double nats;    ///< -log of the share of all words that the likeliest reading of it has
    size_t n_parts; ///< words of the lexicon and single syllables which that reading is made of
    bool known;     ///< of words of two syllables and more, and frequent ones of one syllable
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
