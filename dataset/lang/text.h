/* SPDX-License-Identifier: Apache-2.0
 *
 * The reader of print: one rule after the other tries its luck at a place. Private to lang.
 */
#pragma once

#include "lang/script.h"
#include "lang/tables.h"

struct text {
    struct lang_script *s;
    const struct lang_char *c; ///< folded: full-width letters and digits are ASCII
    size_t n, at;
    enum lang_say_as as;
    unsigned before; ///< class of what was said before: lang_class_start, _number, _noun
    bool line_start; ///< nothing was said yet on this line
};

/** A rule: 0: not here; else how many characters it has said. */
typedef size_t (*lang_text_rule)(struct text *t);

/** Numbers, dates, times, money, telephone numbers. */
size_t lang_text_number(struct text *t);
/** Formulas with an operator. */
size_t lang_text_formula(struct text *t);
/** A run of Hanzi. */
size_t lang_text_hanzi(struct text *t);

static inline uint32_t lang_text_at(const struct text *t, size_t i)
{
    return i < t->n ? t->c[i].c : 0;
}
static inline bool lang_is_digit(uint32_t c)
{
    return c >= '0' && c <= '9';
}
static inline bool lang_is_letter(uint32_t c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}
bool lang_is_hanzi(uint32_t c);

/** Does the UTF-8 text stand at i? Its characters, else 0. */
size_t lang_text_is(const struct text *t, size_t i, const char *text);
/** Does it end at i? */
size_t lang_text_is_before(const struct text *t, size_t i, const char *text);
/** The longest entry of a kind that stands at i, or NULL; *ret_n: its characters. */
const struct lang_print *lang_text_print(const struct text *t, size_t i, enum lang_print_kind kind,
                                         size_t *ret_n);
/** Does one of a kind end at i? */
bool lang_text_print_before(const struct text *t, size_t i, enum lang_print_kind kind);

/** Say pinyin for the characters from `i` on. */
void lang_text_put(struct text *t, const char *pinyin, size_t i, size_t n,
                   enum lang_word_flags flags);
