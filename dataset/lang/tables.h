/* SPDX-License-Identifier: Apache-2.0
 *
 * The constant tables that dataset/lang/make_tables.py makes from dataset/lang/data. Private to
 * lang.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "braille/cell.h"

/** A syllable without tone: its spelling, its phones, its cells. Sorted by spelling. */
struct lang_base {
    char text[8];
    char initial[4]; ///< phone, "" for none
    char final[8];   ///< phone, "_ang"
    brl_cell cells[2];
    uint8_t n_cells;
    uint16_t usual; ///< index of the spelling that the decoder gives for these cells
};
extern const struct lang_base lang_bases[];
extern const size_t lang_n_bases;

/** [initial cell or 0][final cell or 0] -> index into lang_bases + 1; 0 is no syllable. */
extern const uint16_t lang_by_cells[64][64];

/** Initials, finals and tones share no cell, so a syllable is parsed without looking back. */
enum lang_class { LANG_OTHER, LANG_INITIAL, LANG_FINAL, LANG_TONE };
extern const uint8_t lang_cell_class[64];
extern const brl_cell lang_tone_cells[5];   ///< by tone; [0] unused
extern const brl_cell lang_digit_cells[10]; ///< by digit

/** Punctuation, longest sequence first; of two signs with the same cells the more usual first. */
struct lang_sign {
    char text[8];
    brl_cell cells[3];
    uint8_t n_cells;
};
extern const struct lang_sign lang_signs[];
extern const size_t lang_n_signs;

/** By base: its cells in Two-Cell Braille, and the tones that some word has. */
struct lang_two_cell {
    brl_cell first, second[6]; ///< second cell by tone 1-5
    uint8_t tones; ///< bit t: a syllable of tone t exists; bit 5: the table lists it as neutral
};
extern const struct lang_two_cell lang_two_cell[];

/** [first cell][second cell] -> (base + 1) * 8 + tone 1-5, of two readings the more frequent; 0 is
 * no syllable. The rimes ai, ao and o have no cell of their own for the neutral tone: theirs is
 * tone 4's. */
extern const uint16_t lang_two_cell_pairs[64][64];
extern const uint8_t lang_two_cell_heads[64]; ///< 1: some syllable begins with it

/** Punctuation of Two-Cell Braille, in the order of lang_signs. */
extern const struct lang_sign lang_two_cell_signs[];
extern const size_t lang_n_two_cell_signs;

/** The short words of Common Braille; of two with one pinyin the first is meant by it. */
struct lang_common_word {
    char hanzi[4], pinyin[4];
    brl_cell cells[2];
    uint8_t n_cells;
};
extern const struct lang_common_word lang_common_words[];
extern const size_t lang_n_common_words;

/** What a sign of mathematics may stand beside; data/math.tsv says it in words. */
enum lang_math_kind {
    LANG_MATH_BINARY,
    LANG_MATH_RELATION,
    LANG_MATH_INFIX,
    LANG_MATH_UNARY,
    LANG_MATH_PREFIX,
    LANG_MATH_FUNCTION,
    LANG_MATH_LEAD,
    LANG_MATH_CONSTANT,
    LANG_MATH_POSTFIX,
    LANG_MATH_OPEN,
    LANG_MATH_CLOSE,
    LANG_MATH_GREEK,
};
/** Longest first. */
struct lang_math_sign {
    enum lang_math_kind kind;
    char text[8];
    char pinyin[24];
    brl_cell cells[3];
    uint8_t n_cells;
};
extern const struct lang_math_sign lang_math_signs[];
extern const size_t lang_n_math_signs;

/** How print is read; data/text.tsv says what the kinds mean. Of one kind the longest first. */
enum lang_print_kind {
    LANG_PRINT_CONTEXT,
    LANG_PRINT_COUNTS,
    LANG_PRINT_DIGITS,
    LANG_PRINT_KEEPS,
    LANG_PRINT_LIANG,
    LANG_PRINT_MATH,
    LANG_PRINT_MEASURE,
    LANG_PRINT_MONEY,
    LANG_PRINT_NO_NUMBER,
    LANG_PRINT_OPERATOR,
    LANG_PRINT_PAUSE,
    LANG_PRINT_SCORE,
    LANG_PRINT_SIGN,
    LANG_PRINT_SILENT,
    LANG_PRINT_SINGLE,
    LANG_PRINT_UNIT,
    LANG_PRINT_WEAK,
};
struct lang_print {
    uint8_t kind;
    uint8_t at; ///< of a context: which character
    char text[15], pinyin[32];
};
extern const struct lang_print lang_prints[];
extern const size_t lang_n_prints;

/** Words that end in a neutral tone, UTF-16 with zeros behind; sorted. */
extern const uint16_t lang_neutral[][4];
extern const size_t lang_n_neutral;

/** Words, sorted by the usual bases of their syllables, the shorter of two with one beginning
 * first, then by cost. Of a single character each reading is one. */
struct lang_entry {
    uint32_t first; ///< of its syllables and characters
    uint16_t cost;  ///< 256 * -log(share of all words)
    uint8_t n;      ///< syllables, 1-8
    uint8_t tag;    ///< its class
};
extern const struct lang_entry lang_entries[];
extern const size_t lang_n_entries;
extern const uint16_t lang_entry_codes[]; ///< (base + 1) * 8 + tone 1-5
extern const uint16_t lang_entry_hanzi[]; ///< UTF-16, none needs two

extern const uint32_t lang_by_hanzi[]; ///< the entries in the order of their characters

/** Characters that are in no entry, and their reading; sorted. */
struct lang_character {
    uint32_t c; ///< UTF-32
    uint16_t code;
};
extern const struct lang_character lang_characters[];
extern const size_t lang_n_characters;

/** Traditional characters and what entries have in their place; sorted. */
struct lang_form {
    uint16_t traditional, simplified;
};
extern const struct lang_form lang_forms[];
extern const size_t lang_n_forms;

/** Characters as parts of words, by the usual base of their syllable: those of base b are
 * lang_inside[lang_inside_first[b]] to the next base's, the most frequent first. */
struct lang_inside {
    uint16_t code, hanzi;
    uint16_t cost; ///< 256 * -log(share of all characters)
};
extern const struct lang_inside lang_inside[];
extern const uint16_t lang_inside_first[]; ///< one more than there are bases

/** Words of running text, indices into lang_entries, sorted. */
struct lang_pair {
    uint32_t first, second;
    uint16_t cost; ///< 256 * -log(share of what follows `first`)
    uint8_t apart; ///< 1: they are one word of the lexicon, and two only where a gap parts them
};
extern const struct lang_pair lang_pairs[];
extern const size_t lang_n_pairs;

/** [class][next class]: 256 * log of how much likelier it is there. */
enum { LANG_N_CLASSES = 40 };
extern const int16_t lang_class_gain[LANG_N_CLASSES][LANG_N_CLASSES];
extern const char lang_class_names[LANG_N_CLASSES][4]; ///< as classes.tsv has them
extern const uint8_t lang_class_start;  ///< what a clause begins with; no word has it
extern const uint8_t lang_class_number; ///< m
extern const uint8_t lang_class_noun;   ///< n
extern const uint8_t lang_class_preposition, lang_class_conjunction, lang_class_adverb;
extern const uint8_t lang_class_measure, lang_class_pronoun, lang_class_verb;
extern const uint8_t lang_class_of;      ///< uj: de5 behind an attribute
extern const uint8_t lang_class_mood;    ///< y: ma5, ne5, ba5
extern const uint8_t lang_class_place;   ///< f: behind a noun
extern const uint8_t lang_class_perfect; ///< ul: le5

/** Pairs of toned syllables, coded as in lang_entry_codes, in which yi1 and bu4 are not "one" and
 * "not" and know no sandhi; sorted. */
struct lang_keeper {
    uint16_t first, second;
};
extern const struct lang_keeper lang_keepers[];
extern const size_t lang_n_keepers;

/** Spelling (n bytes, no zero needed) -> index into lang_bases, -1 when it is no syllable. */
int lang_base_find(const char *text, size_t n);
