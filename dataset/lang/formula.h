/* SPDX-License-Identifier: Apache-2.0
 *
 * Formulas: cells of GB/T 18028-2010 -> tokens -> speech. The signs lie in data/math.tsv. Private
 * to lang.
 *
 * Print form of what has no sign: powers "²", "⁻¹" or "^{" … "}", indices "₁" or "_{" … "}", roots
 * "√{" … "}" with their degree as "√³{" or "√[" … "]{", framed fractions "{" … "}/{" … "}", simple
 * ones "/" between what stands beside it, bars "|",
 * systems of equations "⎧" … "；" … "⎫".
 */
#pragma once

#include "lang/buf.h"
#include "lang/reader.h"

/** A formula at r->at, where a word begins: its tokens. Returns 1; 0: there is none and nothing was
 * moved; -ENOMEM. */
int lang_math_read(struct reader *r);

/** Is this token an operator, which stands between spaces in print? */
bool lang_math_is_operator(const struct lang_token *t);

/** Is it the name of a function? */
bool lang_math_is_word(const struct lang_token *t);

/** How many numbers, letters and signs from `i` on belong together; *ret_formula: they make a
 * formula, that is a sign is among them. */
size_t lang_math_run(const struct lang_text *t, size_t i, bool *ret_formula);

/** A formula as it is read out: structure where brackets, roots and fractions close, else sign by
 * sign. `counted`: a number stands before it, so that it may begin with a unit. */
void lang_math_say(struct lang_buf *out, const struct lang_token *tokens, size_t n, bool counted);

/** One letter's name, Latin of either case or Greek; *ret_n: its bytes. NULL: it is none. */
const char *lang_letter_name(const char *text, size_t *ret_n);

/** "qian1mi3" of "km", as it is said behind a number; NULL: no unit, or one letter that more often
 * is none (A, V, t). */
const char *lang_unit_name(const char *text);
