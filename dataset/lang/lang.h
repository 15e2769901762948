/* SPDX-License-Identifier: Apache-2.0
 *
 * Chinese braille of three codes -> toned pinyin, numbers, punctuation -> phones. Tables with their
 * sources lie in dataset/lang/data. Thread-safe: the tables are constant.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fail.h"
#include "braille/cell.h"
#include "lang/encode.h"

enum lang_kind {
    LANG_SYLLABLE,
    LANG_PUNCT,
    LANG_NUMBER,
    LANG_LATIN, ///< letters, Latin or Greek
    LANG_SPACE,
    LANG_UNKNOWN,
    LANG_MATH, ///< a sign in a formula
};

/** One piece of a line as read. A word's syllables follow each other without LANG_SPACE. Cells that
 * only say how to read the next ones (joiner 36, emphasis 6, the mark of "it") are in no token. */
struct lang_token {
    enum lang_kind kind;
    uint32_t first, n_cells; ///< the cells it came from (index into the input)
    /** "hao3" ("hao" when no tone is printed, "v" for u-umlaut); "，", "……", "－"; "24", "3.14",
     * "5.1.1", "1/2", "1又1/2", "50%"; "A", "kg", "α"; of a formula "＝", "²", "√{" (formula.h);
     * the cells in Unicode braille when unknown (the first 8); of LANG_SPACE " ", "\n" at a line's
     * end,
     * "\n\n" where a paragraph or heading ends */
    char text[32];
    bool aside; ///< a page number or running head, which is not read out (layout.h)
};

/** How a text begins: as its page does. */
enum lang_begin { LANG_BEGINS_LINE, LANG_BEGINS_IN_WORD, LANG_BEGINS_PARAGRAPH };

struct lang_text {
    struct lang_token *tokens; ///< owned
    size_t n;
    enum lang_code code;    ///< that it was read in; says what a syllable without tone can be
    enum lang_begin begins; ///< only lang_decode_page() knows
};
void lang_text_done(struct lang_text *t);

/** A page's cells in reading order; `LANG_LINE_END` stands between lines. A line that begins with
 * dots 36 goes on with the word of the line above; other line ends count as a space. Any bytes are
 * accepted. Words of one initial are de, ni, ta, me in Current Braille too (some books write them,
 * docs/braille.md C). Two-Cell Braille writes every tone; the few pairs with two readings have that
 * of the cheapest words. *ret: owned, lang_text_done(). -ENOMEM, -E2BIG beyond 2^32 cells. */
#define LANG_LINE_END 0xFF
int lang_decode_code(enum lang_code code, const uint8_t *cells, size_t n, struct lang_text *ret);

/** In Current Braille, or in Common Braille where so many tones are printed. */
int lang_decode(const uint8_t *cells, size_t n, struct lang_text *ret);

/** How well cells read in each code. */
struct lang_choice {
    enum lang_code code;        ///< the likeliest
    double p;                   ///< of that, 0 … 1; with nothing to read the prior
    double legal[LANG_N_CODES]; ///< share of the raised cells that are text, 0 … 1
    double nats[LANG_N_CODES];  ///< -log likelihood of the page: its words, their tones, the rest
};

/** Read in every code and keep what makes the likeliest text. *ret_text as of lang_decode_code().
 */
int lang_decode_any(const uint8_t *cells, size_t n, struct lang_text *ret_text,
                    struct lang_choice *ret);

/** Tokens -> pinyin as docs/contracts.md has it: words separated by spaces, syllables of a word
 * written together, punctuation full width and standing alone. Syllables without a printed tone
 * stay without digit. *ret owned. */
int lang_pinyin(const struct lang_text *t, char **ret);

/** What is spoken: pinyin in which every syllable has a tone (printed, else from the lexicon of
 * frequent words, else the most frequent tone of the syllable), numbers read out ("24" ->
 * er4shi2si4), Latin letters spelled, unknown cells left out and counted. *ret owned. */
int lang_spoken(const struct lang_text *t, char **ret, unsigned *ret_n_unknown);

/** Tone sandhi on spoken pinyin: third tones between two pauses, bu4, yi1. A third tone that stays
 * before another tone is a half one, which is the voice's matter and is not written. *ret owned.
 * Fails as lang_phones() does. */
int lang_sandhi(const char *pinyin, char **ret, struct fail *fail);

struct lang_phone {
    char name[8];     ///< "zh", "_ang", "sil", "，" (models/recipes/phones.py has the same set)
    uint8_t tone;     ///< 1-5 on finals, 0 elsewhere
    uint8_t position; ///< 1 in a word's first syllable, 2 in the others, 0 for pauses
};

/** Toned pinyin -> phones, `sil` at both ends. What is no syllable: FAIL_INPUT, -EINVAL, named.
 * A toneless syllable is spoken with tone 5. Half-width , . ; : ? ! count as full-width, quotes,
 * brackets and dashes are silent, upper case, u-umlaut, "u:" and apostrophes (xi'an) are accepted.
 * *ret owned. Same result as recipes/phones.py. */
int lang_phones(const char *pinyin, struct lang_phone **ret, size_t *ret_n, struct fail *fail);

/** The same as phones of ming024's AISHELL3 models (its pinyin-lexicon-r.txt): initials "@zh", finals
 * with their tone "@ang4", y and w before finals without an initial, "@ii" of zi and "@iii" of zhi,
 * "@rr" of a neutral er behind a syllable of its word, "@sp" of any pause inside; no silence at the
 * ends; tone and position 0. The lexicon speaks weng as wen and yo as you; here they are "@w @eng"
 * and "@y @o". */
int lang_phones_toned(const char *pinyin, struct lang_phone **ret, size_t *ret_n,
                      struct fail *fail);

/** Cut spoken pinyin into sentences (after 。！？, and long ones after ，；：、 or a word) of at
 * most `max_syllables`; silent signs go. *ret: array of owned strings, free each and the array;
 * never NULL, may be empty. -EINVAL: no pinyin, see lang_phones(). */
int lang_sentences(const char *pinyin, unsigned max_syllables, char ***ret, size_t *ret_n,
                   struct fail *fail);

/** The bank of the paper's BIT crops: numbers 0-1999, toned and toneless syllables, punctuation.
 * Each distinct cell sequence once: of two texts with the same cells the number, then the sign,
 * then the usual spelling stays (mo not me, e not o, “ not ”). */
struct lang_bit {
    char text[16];      ///< "248", "hao4", "！"
    brl_cell cells[10]; ///< in Current Braille
    uint8_t n_cells;
};
int lang_bit_bank(struct lang_bit **ret /* owned */, size_t *ret_n);
