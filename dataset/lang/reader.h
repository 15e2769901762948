/* SPDX-License-Identifier: Apache-2.0
 *
 * What the readers of the codes have in common: the place in the cells, the tokens so far, numbers,
 * letters, gaps and line ends. Private to lang.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lang/lang.h"
#include "lang/tables.h"

enum {
    DOT1 = 0x01,
    DOT2 = 0x02,
    DOT3 = 0x04,
    DOT4 = 0x08,
    DOT5 = 0x10,
    DOT6 = 0x20,
    DOTS23 = 0x06,
    DOTS36 = 0x24, /* joiner, hyphen; colon of Current Braille */
    DOTS45 = 0x18, /* quotes of Current Braille */
    DOTS56 = 0x30, /* small letters follow; semicolon */
    NUMBER = 0x3C, /* dots 3456 */
};

struct lang_layout;

struct reader {
    enum lang_code code;
    const struct lang_layout *layout; ///< says where paragraphs begin; NULL: indents do
    const uint8_t *cells;
    size_t n, at;
    size_t margin; ///< blank cells that every line begins with
    size_t width;  ///< cells of the longest line
    size_t line;   ///< where the line begins that is read
    struct lang_text *text;
    size_t room;
    unsigned n_quotes, n_single, n_brackets; ///< seen so far: odd means open
};

/* The cell at `at`; what lies outside is a line end. */
static inline unsigned cell_at(const struct reader *r, size_t at)
{
    return at < r->n ? r->cells[at] : LANG_LINE_END;
}

static inline bool is_gap(unsigned cell)
{
    return cell == 0 || cell == LANG_LINE_END;
}

static inline enum lang_class class_of(unsigned cell)
{
    return cell < 64 ? (enum lang_class) lang_cell_class[cell] : LANG_OTHER;
}

/** Can a syllable begin or go on with this cell? In Two-Cell Braille: begin. */
static inline bool is_syllabic(const struct reader *r, unsigned cell)
{
    if (r->code == LANG_TWO_CELL)
        return cell < 64 && lang_two_cell_heads[cell];
    return class_of(cell) != LANG_OTHER && cell != NUMBER;
}

/** Is the token that ends where the reader stands of this kind? */
static inline bool follows(const struct reader *r, enum lang_kind kind)
{
    const struct lang_text *t = r->text;

    return t->n > 0 && t->tokens[t->n - 1].kind == kind;
}

static inline bool at_word_start(const struct reader *r)
{
    return r->text->n == 0 || follows(r, LANG_SPACE) || follows(r, LANG_PUNCT);
}

/** 0-9, or -1. `lowered`: the digit's dots moved down one row. */
int lang_reader_digit(unsigned cell, bool lowered);
/** 'a'-'z', or 0. */
char lang_reader_letter(unsigned cell);

/* The readers take the cells at r->at and move behind them. 0, or -ENOMEM. */
int lang_reader_add(struct reader *r, enum lang_kind kind, size_t n_cells, const char *text);
int lang_reader_unknown(struct reader *r, size_t n_cells);
int lang_reader_gap(struct reader *r);
/** 3456 and what belongs to it: 24, 3.14, 5.1.1 (a section: each part with its own 3456), 1/2, 50%,
 * 1又1/2, and lowered digits alone (page and note numbers). The decimal point is dot 2 (GB/T 18028)
 * or dot 3 (liblouis); what parts groups of three digits is left out. */
int lang_reader_number(struct reader *r);
/** The same at `at`, nothing moved: its cells, or 0 for no number or one longer than a token. */
size_t lang_reader_number_at(const struct reader *r, size_t at, char text[32]);
/** Letters behind a sign of `n_sign` cells, in tokens of up to 31. */
int lang_reader_letters(struct reader *r, size_t n_sign, bool first_upper, bool all_upper);
/** One sign for both sides of a pair: the gaps around it tell, else they take turns. */
int lang_reader_pair(struct reader *r, size_t n_cells, unsigned *n_seen, const char *open,
                     const char *close);

/** Cells of a row of at least three of these: leader dots, an ellipsis. */
size_t lang_reader_leader(const struct reader *r, unsigned cell);
/** The longest sign of the code at r->at, or NULL. */
const struct lang_sign *lang_reader_sign(const struct reader *r);

/** Reads to the end: what stands at r->at, which is no gap and no number, by the code's own rules.
 */
int lang_read_one_cell(struct reader *r); ///< Current and Common: initial, final, tone (decode.c)
int lang_read_two_cell(struct reader *r); ///< Two-Cell (decode_two_cell.c)
/** What only the words around tell: me for mo; in Two-Cell Braille the neutral tones. -ENOMEM. */
int lang_settle_one_cell(struct lang_text *t);
int lang_settle_two_cell(struct lang_text *t);

/** Measures the lines from r->at on; the caller sets the other fields. */
void lang_reader_measure(struct reader *r);

/** The cells from `first` to `end` (those before are not looked at). quotes[3]: which pairs are
 * open, in and out, NULL: none. Else as lang_decode_code(). */
int lang_decode_part(enum lang_code code, const uint8_t *cells, size_t first, size_t end,
                     const struct lang_layout *layout, uint32_t *quotes, struct lang_text *ret);
/** As lang_decode_any(). */
int lang_decode_any_part(const uint8_t *cells, size_t first, size_t end,
                         const struct lang_layout *layout, uint32_t *quotes,
                         struct lang_text *ret_text, struct lang_choice *ret);

/** Does the layout part the line that holds cell `at` from the text before? */
bool lang_layout_parts(const struct lang_layout *l, size_t at);
/** What a book keeps of a page: the hash of its first line, numbers apart; 0: it is empty. */
uint64_t lang_layout_top(const struct lang_layout *l, const uint8_t *cells);
