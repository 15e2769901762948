/* SPDX-License-Identifier: Apache-2.0
 *
 * What numbers, dates and telephone numbers share. Private to lang.
 */
#pragma once

#include "lang/text.h"

enum {
    LANG_TEXT_MAX_DIGITS = 40,  ///< of a number that is read at once
    LANG_TEXT_MOST_DIGITS = 64, ///< that are looked at, so that a text of digits takes linear time
};

/** A number as it stands. */
struct lang_text_number {
    char text[LANG_TEXT_MAX_DIGITS + 8]; ///< without commas: "1234.5"
    size_t n;                            ///< characters of the input
    size_t n_whole;                      ///< digits before the first point
    unsigned n_points;
};
bool lang_text_read_number(const struct text *t, size_t i, struct lang_text_number *ret);

/** How many digits stand at i, at most LANG_TEXT_MOST_DIGITS, and the first nine of n as a value.
 */
size_t lang_text_digits(const struct text *t, size_t i);
unsigned lang_text_value(const struct text *t, size_t i, size_t n);

/** Say what *out holds, which is taken, for n characters. */
void lang_text_put_taken(struct text *t, struct lang_buf *out, size_t i, size_t n,
                         enum lang_word_flags flags);
/** A number and what is behind it in one word. */
void lang_text_put_value(struct text *t, unsigned v, const char *behind, size_t i, size_t n);
/** Digits one by one; in telephone numbers one is yao1. */
void lang_text_put_digits(struct text *t, size_t i, size_t n, bool yao, const char *behind);

/** Rules, as in text.h: how many characters from i on were said. */
size_t lang_text_date(struct text *t, size_t i);
size_t lang_text_telephone(struct text *t, size_t i);
/** Digits one by one where a word, letters or zeros before them say so. */
size_t lang_text_code(struct text *t, size_t i);
