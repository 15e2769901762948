/* SPDX-License-Identifier: Apache-2.0
 *
 * Syllables -> the words that they most likely are: their tones and their Hanzi. Private to lang.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lang/tables.h"
#include "lang/words.h"

/** A syllable as read. */
struct lang_heard {
    struct lang_syllable s;
    uint16_t hanzi; ///< the only character that it can be; 0: any
    bool after_gap; ///< a word of the lexicon may begin here but not run across
};

/** And as what. */
struct lang_meant {
    uint16_t code;  ///< (base + 1) * 8 + tone 1-5
    uint16_t hanzi; ///< UTF-16; 0: no character is known to sound so
};

struct lang_meaning {
    uint64_t cost;   ///< 256 * -log of the share of all texts
    size_t n_words;  ///< that it is made of
    size_t n_doubts; ///< of them rare single characters, and syllables that are in no word
};

/**
 * The cheapest row of words. Printed tones are kept (of a word's later syllables the neutral tone
 * and the full one both are what dictionaries have), no word crosses a gap. Words are weighed by
 * their counts, by the class of the word before and by pairs of words.
 *
 * @param before  class of what stands before: lang_class_start, lang_class_number
 * @param ret     n; cost linear in n
 * @param ret_sum may be NULL
 * @return 0 or -ENOMEM
 */
int lang_search(const struct lang_heard *in, size_t n, unsigned before, struct lang_meant *ret,
                struct lang_meaning *ret_sum);

/** How a character is read. */
struct lang_read {
    uint16_t code;  ///< (base + 1) * 8 + tone 1-5; 0: nobody knows
    uint8_t tag;    ///< class of its word
    bool begins;    ///< a word begins here
    bool is_number; ///< to be filled in: its tones are those of counting
};

/** The cheapest row of words that is written so: which readings the characters have. The same
 * weights as above.
 *
 * @param hanzi  n characters, simplified where there are two forms (lang_simplified())
 * @param ret    n; cost linear in n
 * @return 0 or -ENOMEM
 */
int lang_search_hanzi(const uint32_t *hanzi, size_t n, unsigned before, struct lang_read *ret);

/** The form that the lexicon has; other characters stay. */
uint32_t lang_simplified(uint32_t c);
