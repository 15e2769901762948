/* SPDX-License-Identifier: Apache-2.0
 *
 * Text to cells in three Chinese codes: what a BIT label looks like in dots. Tables with their
 * sources lie in dataset/lang/data. Thread-safe: the tables are constant.
 */
#pragma once

#include "base/fail.h"
#include "braille/cell.h"

enum lang_code {
    LANG_CURRENT,  ///< Current Chinese Braille, GB/T 15720-2008
    LANG_COMMON,   ///< National Common Braille, GF 0019-2018: one tone an initial is not written
    LANG_TWO_CELL, ///< Two-Cell Chinese Braille: initial + medial, rime + tone
    LANG_N_CODES,
};
extern const char *const lang_code_names[LANG_N_CODES]; ///< "current", "common", "two-cell"
/** -EINVAL. */
int lang_code_parse(const char *name, enum lang_code *ret);

enum lang_bit_type { LANG_BIT_NUMBER, LANG_BIT_SPELL, LANG_BIT_PUNCTUATION, LANG_N_BIT_TYPES };
extern const char *const lang_bit_type_names[LANG_N_BIT_TYPES]; ///< as in the manifest

#define LANG_MAX_LABEL_CELLS 256

/**
 * A label to cells: a number ("248", "3.14"), toned or toneless pinyin of one syllable or of words
 * as docs/contracts.md writes them ("hao4", "bei3jing1 shi4"), Chinese punctuation, or a mix.
 * Unicode braille stands for itself. A syllable without tone is written without: in Current Braille
 * its tone is open, in Common Braille it then reads as the tone that its initial omits, Two-Cell
 * Braille cannot write it. Common Braille writes de5, me5, ni3 and ta1 as its one-cell words where
 * they are words; 的 么 你 他 她 它 name them all.
 *
 * @return 0; FAIL_INPUT, -EILSEQ names the part that the code cannot write; -E2BIG: more than
 *         LANG_MAX_LABEL_CELLS cells
 */
int lang_encode(enum lang_code code, const char *text, brl_cell cells[LANG_MAX_LABEL_CELLS],
                size_t *ret_n, struct fail *fail);

/** What BIT is made of in a code: every number from 0 to 1999, toned syllable that some word has,
 * and sign, by type in this order. No two have the same cells: lang_read_label() gives each back.
 */
struct lang_label {
    char text[16];
    enum lang_bit_type type;
};
/** *ret owned, free(). -ENOMEM. */
int lang_labels(enum lang_code code, struct lang_label **ret, size_t *ret_n);

/** What cells read as a BIT label of the code: the text, or "" for nothing. `out` has 16 bytes.
 * Also numbers beyond 1999 and decimals, and in Current Braille syllables without tone. */
void lang_read_label(enum lang_code code, const brl_cell *cells, size_t n, char out[16]);
