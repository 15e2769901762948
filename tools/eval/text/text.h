/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts of `braille-eval text`: lines of characters, tokens, BLEU, METEOR, edit distance. Each
 * counts as the package of the field that docs/retrieval.md names, down to its rounding and its
 * oddities.
 */
#pragma once

#include <locale.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fail.h"
#include "tools/eval/words.h"

#define EVAL_MAX_LINE 10000 ///< characters: the distances take a square of it

/* ---- lines.c ---- */

struct eval_chars { ///< a line, or a part of one
    uint32_t *c;    ///< Unicode
    size_t n;
};
struct eval_lines {
    struct eval_chars *lines; ///< owned, each too
    size_t n, room;
};
void eval_lines_done(struct eval_lines *l);
/** Lines of a UTF-8 file, without their ends. FAIL_OPEN; FAIL_INPUT names the line: no UTF-8, a
 * zero byte, too long. */
int eval_lines_load(const char *path, struct eval_lines *ret, struct fail *fail);
/** What Python's str.split() takes for a blank. */
bool eval_is_blank(uint32_t c);
/** The line as UTF-8; owned. NULL: not enough memory. */
char *eval_chars_utf8(const struct eval_chars *c);
/** Without blanks at both ends; a view. */
struct eval_chars eval_strip(const struct eval_chars *c);

/* ---- tokens.c ---- */

enum eval_tokenizer { EVAL_ZH, EVAL_NONE, EVAL_13A, EVAL_CHAR, EVAL_N_TOKENIZERS };
extern const char *const eval_tokenizer_names[EVAL_N_TOKENIZERS]; ///< as sacrebleu has them

struct eval_tokens {
    uint32_t *ids; ///< numbers of `words`; owned
    size_t n;
};
void eval_tokens_done(struct eval_tokens *t);
/** Cut a line as sacrebleu 2.6.0 does. -ENOMEM. */
int eval_tokenise(const struct eval_chars *line, enum eval_tokenizer how, struct eval_words *words,
                  struct eval_tokens *ret);
/** Is there a Hanzi in it? */
bool eval_has_ideograph(const struct eval_chars *line);

/* ---- bleu.c ---- */

#define EVAL_BLEU_ORDER 4
struct eval_bleu { ///< sums over lines
    size_t correct[EVAL_BLEU_ORDER], total[EVAL_BLEU_ORDER], hyp_len, ref_len;
};
/** -ENOMEM. */
int eval_bleu_add(struct eval_bleu *sums, const struct eval_tokens *hyp,
                  const struct eval_tokens *refs, size_t n_refs);
struct eval_bleu_score {
    double score, precisions[EVAL_BLEU_ORDER], brevity; ///< score and precisions: 0 … 100
};
struct eval_bleu_score eval_bleu_score(const struct eval_bleu *sums);

/* ---- porter.c ---- */

/** Porter's stem of a lower-case word, in place, with NLTK's changes. Room for one character more.
 * @return its length */
size_t eval_porter(uint32_t *word, size_t n);

/* ---- meteor.c ---- */

struct eval_meteor {         ///< what a token becomes, worked out once each
    struct eval_words forms; ///< lower-case words and stems
    uint32_t *lower, *stem;  ///< [token]: numbers of forms; owned
    size_t n;                ///< tokens that are known
    locale_t locale;
};
/** FAIL_UNAVAILABLE: no locale C.UTF-8. */
int eval_meteor_init(struct eval_meteor *m, struct fail *fail);
void eval_meteor_done(struct eval_meteor *m);
/** METEOR of one line: the best of its references. -ENOMEM. */
int eval_meteor_score(struct eval_meteor *m, const struct eval_words *words,
                      const struct eval_tokens *hyp, const struct eval_tokens *refs, size_t n_refs,
                      double *ret);

/* ---- edit.c ---- */

/** Least number of values to change, insert or leave out (Levenshtein). -ENOMEM. */
int eval_edit(const uint32_t *a, size_t n_a, const uint32_t *b, size_t n_b, size_t *ret);
