/* SPDX-License-Identifier: Apache-2.0
 *
 * Formulas of GB/T 18028-2010 (data/math.tsv has the signs and the source): numbers, letters behind
 * their case signs, operators behind a blank, powers and indices (34, 16), roots (146 … 156 …
 * 1456), fractions (a 1256 b; framed 23 … 1256 … 56), brackets, bars (456), functions (1246 …). Its
 * cells are initials and finals elsewhere, so a formula is taken only where operands and operators
 * follow each other without a flaw from the beginning of a word to the end of one, and one of them
 * is more than a number or letters.
 */

#include <stdio.h>
#include <string.h>

#include "lang/code.h"
#include "lang/formula.h"

enum {
    MAX_CELLS = 400, ///< a formula is a few lines at most; bounds the looking ahead
    MAX_DEPTH = 16,
    CAPITAL = 0x20,       /* 6 */
    GREEK = 0x28,         /* 46 */
    GREEK_CAPITAL = 0x38, /* 456, also a bar */
    UPPER = 0x0C,         /* 34 */
    LOWER = 0x21,         /* 16 */
    END = 0x31,           /* 156 */
    ROOT = 0x29,          /* 146 */
    ROOT_END = 0x39,      /* 1456 */
    FRACTION = 0x33,      /* 1256 */
    FRAME = 0x06,         /* 23 */
    FRAME_END = 0x30,     /* 56 */
    BAR = 0x38,           /* 456 */
};

/* What is open: a bracket as its sign, else one of these. */
enum {
    IN_DEGREE = 'd',
    IN_ROOT = 'r',
    IN_SCRIPT = 's',
    IN_ABOVE = 'a',
    IN_BELOW = 'b',
    IN_BAR = '|',
    IN_SYSTEM = 'S'
};

struct formula {
    struct reader *r;
    size_t at, start;
    size_t upto;  ///< write tokens of what ends here or before; 0: only look
    bool operand; ///< an operand was just read
    bool gap;     ///< a gap may come though no operand was read
    char open[MAX_DEPTH];
    unsigned depth, weight; ///< weight: signs that only formulas have
    size_t good;            ///< where a formula could end, the last seen
    size_t loose;           ///< the same, with something left open
    int error;
};

static unsigned cell(const struct formula *f, size_t ahead)
{
    return cell_at(f->r, f->at + ahead);
}

/* Takes n cells as one token. */
static void take(struct formula *f, enum lang_kind kind, size_t n, const char *text)
{
    if (f->upto > 0 && f->error == 0) {
        f->r->at = f->at;
        f->error = lang_reader_add(f->r, kind, n, text);
    }
    f->at += n;
}

static void take_operand(struct formula *f, enum lang_kind kind, size_t n, const char *text)
{
    take(f, kind, n, text);
    f->operand = true;
    f->gap = false;
}

/* A sign behind which an operand must come. */
static void take_operator(struct formula *f, size_t n, const char *text)
{
    take(f, LANG_MATH, n, text);
    f->operand = f->gap = false;
    f->weight++;
}

static bool push(struct formula *f, char what)
{
    if (f->depth == MAX_DEPTH)
        return false;
    f->open[f->depth++] = what;
    return true;
}

static char top(const struct formula *f)
{
    return f->depth ? f->open[f->depth - 1] : 0;
}

/* The sign of the kind that stands `ahead` cells on, or NULL. */
static const struct lang_math_sign *sign_at(const struct formula *f, size_t ahead,
                                            enum lang_math_kind kind)
{
    for (size_t s = 0; s < lang_n_math_signs; s++) {
        const struct lang_math_sign *sign = &lang_math_signs[s];
        size_t same = 0;
        if (sign->kind != kind)
            continue;
        while (same < sign->n_cells && cell(f, ahead + same) == sign->cells[same])
            same++;
        if (same == sign->n_cells)
            return sign;
    }
    return NULL;
}

/* Blank cells and at most one line end. 0: none, or an empty line, or the end. */
static size_t gap_at(const struct formula *f)
{
    size_t n = 0, n_lines = 0;

    while (f->at + n < f->r->n && is_gap(cell(f, n)) && n < 64)
        n_lines += cell(f, n++) == LANG_LINE_END;
    return f->at + n < f->r->n && n_lines < 2 && n < 64 ? n : 0;
}

static void take_gap(struct formula *f, size_t n)
{
    if (f->upto > 0 && f->error == 0) {
        f->r->at = f->at;
        f->error = lang_reader_gap(f->r);
    }
    f->at += n;
}

/* ---- operands ---- */

static const char *greek(unsigned c)
{
    for (size_t s = 0; s < lang_n_math_signs; s++)
        if (lang_math_signs[s].kind == LANG_MATH_GREEK && lang_math_signs[s].cells[0] == c)
            return lang_math_signs[s].text;
    return NULL;
}

/* A Greek capital is its small letter's code point less 0x20, within two bytes of UTF-8. */
static void greek_capital(const char *small, char out[3])
{
    const unsigned code =
        (((unsigned char) small[0] & 0x1Fu) << 6 | ((unsigned char) small[1] & 0x3Fu)) - 0x20;

    out[0] = (char) (0xC0 | code >> 6);
    out[1] = (char) (0x80 | (code & 0x3F));
    out[2] = 0;
}

/* The ends of roots and of indices are Greek letters elsewhere. */
static bool closes(const struct formula *f, unsigned c)
{
    return (top(f) == IN_ROOT && c == ROOT_END) ||
           ((top(f) == IN_SCRIPT || top(f) == IN_DEGREE) && c == END);
}

/* Letters behind their sign, which holds for all of them (GB/T 18028 5.2). */
static bool take_letters(struct formula *f)
{
    const unsigned mark = cell(f, 0);
    char text[32] = "";
    size_t n = 1, n_text = 0;

    if (mark == DOTS56 || mark == CAPITAL)
        for (char c; n_text < 24 && (c = lang_reader_letter(cell(f, n))); n++)
            text[n_text++] = mark == CAPITAL ? (char) (c - 'a' + 'A') : c;
    const char *letter;
    if (mark == GREEK || mark == GREEK_CAPITAL)
        for (; n_text < 24 && !closes(f, cell(f, n)) && (letter = greek(cell(f, n)));
             n++, n_text += 2) {
            if (mark == GREEK_CAPITAL)
                greek_capital(letter, text + n_text);
            else
                memcpy(text + n_text, letter, 2);
        }
    if (n == 1 || n_text >= 24)
        return false;
    text[n_text] = 0;
    f->weight += mark == GREEK;
    take_operand(f, LANG_LATIN, n, text);
    return true;
}

static bool take_number(struct formula *f)
{
    char text[32];
    const size_t n = lang_reader_number_at(f->r, f->at, text);

    if (n == 0 || lang_reader_digit(cell(f, 1), false) < 0)
        return false;
    take_operand(f, LANG_NUMBER, n, text);
    return true;
}

/* Lowered digits and their sign from `ahead` on, as ² or ₂. Returns their cells. */
static size_t lowered_at(const struct formula *f, size_t ahead, bool upper, char text[32])
{
    static const char *const above[] = {"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
    static const char *const below[] = {"₀", "₁", "₂", "₃", "₄", "₅", "₆", "₇", "₈", "₉"};
    const bool minus = cell(f, ahead) == DOTS36;
    size_t n = minus, n_digits = 0;
    int digit;

    snprintf(text, 32, "%s", !minus ? "" : upper ? "⁻" : "₋");
    for (; n_digits < 6 && (digit = lang_reader_digit(cell(f, ahead + n), true)) >= 0;
         n++, n_digits++)
        strcat(text, upper ? above[digit] : below[digit]);
    return n_digits ? n : 0;
}

/* Which pair of brackets a sign belongs to: the last one is a system of equations. */
static char bracket_of(const struct lang_math_sign *sign)
{
    static const char *const signs[] = {"(", ")", "[", "]", "｛", "｝", "⎧", "⎫"};
    size_t i = 0;

    while (i + 1 < ELEMENTSOF(signs) && strcmp(signs[i], sign->text) != 0)
        i++;
    return "([{S"[i / 2];
}

/* 146, a degree of lowered digits or letters, 156. */
static bool take_root(struct formula *f)
{
    char digits[32], text[48] = "√{";
    size_t n = 1;

    if (cell(f, 1) != END) {
        n += lowered_at(f, 1, true, digits);
        if (n == 1) {
            take_operator(f, 1, "√[");
            return push(f, IN_DEGREE);
        }
        snprintf(text, sizeof(text), "√%s{", digits);
    }
    if (cell(f, n) != END)
        return false;
    take_operator(f, n + 1, text);
    return push(f, IN_ROOT);
}

/* A formula cut at a line's end has dot 6 there (GB/T 18028 5.4): that, the line end and the
 * indent.
 */
static size_t break_at(const struct formula *f, size_t ahead)
{
    size_t n = 2;

    if (cell(f, ahead) != DOT6 || cell(f, ahead + 1) != LANG_LINE_END ||
        f->at + ahead + 2 > f->r->n)
        return 0;
    while (n < 64 && cell(f, ahead + n) == 0)
        n++;
    return n;
}

/* Does an operand begin `ahead` cells on, with a sign of its own or without? */
static bool starts_operand(const struct formula *f, size_t ahead)
{
    ahead += break_at(f, ahead);
    ahead += cell(f, ahead) == BAR || cell(f, ahead) == FRAME;
    const struct lang_math_sign *sign = sign_at(f, ahead, LANG_MATH_UNARY);
    ahead += sign ? sign->n_cells : 0;
    const unsigned c = cell(f, ahead), next = cell(f, ahead + 1);

    return (c == NUMBER && (lang_reader_digit(next, false) >= 0 || next == 0x3F)) ||
           ((c == DOTS56 || c == CAPITAL) && lang_reader_letter(next)) ||
           ((c == GREEK || c == GREEK_CAPITAL) && greek(next)) || c == ROOT ||
           sign_at(f, ahead, LANG_MATH_OPEN) || sign_at(f, ahead, LANG_MATH_PREFIX) ||
           sign_at(f, ahead, LANG_MATH_FUNCTION);
}

/* Signs that stand before an operand: √, ∠, sin, (, |, the frame of a fraction. */
static bool take_opening(struct formula *f)
{
    const struct lang_math_sign *sign;

    if ((sign = sign_at(f, 0, LANG_MATH_FUNCTION)) || (sign = sign_at(f, 0, LANG_MATH_PREFIX))) {
        if (!starts_operand(f, sign->n_cells) && cell(f, sign->n_cells) != UPPER &&
            cell(f, sign->n_cells) != LOWER)
            return false;
        take_operator(f, sign->n_cells, sign->text);
        /* sin², log₂ */
        f->operand = sign->kind == LANG_MATH_FUNCTION;
        return true;
    }
    if (cell(f, 0) == ROOT)
        return take_root(f);
    if (cell(f, 0) == BAR && starts_operand(f, 0)) {
        take_operator(f, 1, "|");
        return push(f, IN_BAR);
    }
    if (cell(f, 0) == FRAME && starts_operand(f, 0)) {
        take_operator(f, 1, "{");
        return push(f, IN_ABOVE);
    }
    if ((sign = sign_at(f, 0, LANG_MATH_OPEN))) {
        take_operator(f, sign->n_cells, sign->text);
        return push(f, bracket_of(sign));
    }
    return false;
}

static bool take_start(struct formula *f)
{
    const struct lang_math_sign *sign = sign_at(f, 0, LANG_MATH_CONSTANT);

    if (sign) {
        f->weight++;
        take_operand(f, LANG_MATH, sign->n_cells, sign->text);
        return true;
    }
    return take_number(f) || take_letters(f) || take_opening(f);
}

/* ---- behind an operand ---- */

/* 34 or 16: lowered digits, or anything up to 156. */
static bool take_script(struct formula *f)
{
    const bool upper = cell(f, 0) == UPPER;
    char text[32];
    const size_t n = lowered_at(f, 1, upper, text);

    if (n > 0) {
        f->weight++;
        take_operand(f, LANG_MATH, 1 + n, text);
        return true;
    }
    take_operator(f, 1, upper ? "^{" : "_{");
    return push(f, IN_SCRIPT);
}

/* What closes the innermost: its cell, and its print. */
static bool take_close(struct formula *f)
{
    const struct lang_math_sign *sign = sign_at(f, 0, LANG_MATH_CLOSE);
    const char open = top(f);
    const unsigned c = cell(f, 0);
    const char *text = NULL;
    size_t n = 1;

    if (sign && open == bracket_of(sign)) {
        text = sign->text;
        n = sign->n_cells;
    } else if (open == IN_SCRIPT && c == END)
        text = "}";
    else if (open == IN_ROOT && c == ROOT_END)
        text = "}";
    else if (open == IN_BELOW && c == FRAME_END && !lang_reader_letter(cell(f, 1)))
        text = "}";
    else if (open == IN_BAR && c == BAR)
        text = "|";
    else if (open == IN_DEGREE && c == END) { /* the root's own content comes now */
        f->open[f->depth - 1] = IN_ROOT;
        take_operator(f, 1, "]{");
        return true;
    }
    if (!text)
        return false;
    f->depth--;
    take_operand(f, LANG_MATH, n, text);
    return true;
}

/* In Two-Cell Braille the sign and the number sign behind it may be a syllable. */
static bool is_pair(const struct formula *f, size_t ahead)
{
    const unsigned a = cell(f, ahead), b = cell(f, ahead + 1);

    return f->r->code == LANG_TWO_CELL && a < 64 && b < 64 && lang_two_cell_pairs[a][b] != 0;
}

/* An operator that stands right behind its operand: always ·, ≠ and the like; others in indices,
 * and where the blank was forgotten, but for the minus, which then is a dash. */
static bool take_infix(struct formula *f)
{
    const struct lang_math_sign *sign = sign_at(f, 0, LANG_MATH_INFIX);

    if (!sign)
        sign = sign_at(f, 0, LANG_MATH_BINARY);
    if (!sign || !starts_operand(f, sign->n_cells) ||
        (sign->kind == LANG_MATH_BINARY && sign->n_cells == 1 &&
         (sign->cells[0] == 0x14 || (sign->cells[0] == DOTS36 && f->depth == 0))))
        return false;
    take_operator(f, sign->n_cells, sign->text);
    return true;
}

static bool take_behind(struct formula *f)
{
    const struct lang_math_sign *sign;

    if (take_close(f))
        return true;
    if (cell(f, 0) == UPPER || cell(f, 0) == LOWER)
        return take_script(f);
    if (cell(f, 0) == FRACTION && starts_operand(f, 1)) {
        take_operator(f, 1, "/");
        return true;
    }
    if (cell(f, 0) == DOT6 && cell(f, 1) == FRAME && starts_operand(f, 1)) {
        f->at++; /* parts an index from the frame behind it (6.7) */
        return take_opening(f);
    }
    if (take_infix(f))
        return true;
    if ((sign = sign_at(f, 0, LANG_MATH_POSTFIX)) &&
        !(f->r->code == LANG_TWO_CELL && sign->n_cells == 1)) {
        f->weight += sign->n_cells > 1;
        take_operand(f, LANG_MATH, sign->n_cells, sign->text);
        return true;
    }
    if (top(f) == IN_SYSTEM && cell(f, 0) == GREEK && cell(f, 1) == FRACTION) {
        take_operator(f, 2, "；");
        f->gap = true;
        return true;
    }
    if (cell(f, 0) == DOT5 && f->depth > 0 && is_gap(cell(f, 1))) {
        take(f, LANG_MATH, 1, "，");
        f->operand = false;
        f->gap = true;
        return true;
    }
    return take_start(f);
}

/* ---- gaps ---- */

/* Behind a gap comes an operator, or the line of a framed fraction; ＞ and its like have another
 * gap behind them. */
static bool take_behind_gap(struct formula *f, size_t n)
{
    const struct lang_math_sign *sign = sign_at(f, n, LANG_MATH_BINARY);

    if (top(f) == IN_ABOVE && cell(f, n) == FRACTION && starts_operand(f, n + 1)) {
        take_gap(f, n);
        f->open[f->depth - 1] = IN_BELOW;
        take_operator(f, 1, "}/{");
        return true;
    }
    if (sign && starts_operand(f, n + sign->n_cells) && !is_pair(f, n)) {
        take_gap(f, n);
        take_operator(f, sign->n_cells, sign->text);
        return true;
    }
    sign = sign_at(f, n, LANG_MATH_RELATION);
    if (sign && is_gap(cell(f, n + sign->n_cells)) && starts_operand(f, n + sign->n_cells + 1)) {
        take_gap(f, n);
        take_operator(f, sign->n_cells, sign->text);
        f->gap = true;
        return true;
    }
    return false;
}

/* Where an operand must come: a sign of its own before it, or a gap where one may be. */
static bool take_unary(struct formula *f)
{
    const struct lang_math_sign *sign = sign_at(f, 0, LANG_MATH_UNARY);

    if (!sign || !starts_operand(f, sign->n_cells))
        return false;
    take(f, LANG_MATH, sign->n_cells, sign->text);
    f->gap = false;
    return true;
}

static bool take_break(struct formula *f)
{
    const size_t n = break_at(f, 0);

    if (f->upto > 0 && n > 0)
        f->r->line = f->at + 2;
    f->at += n;
    return n > 0;
}

static bool step(struct formula *f)
{
    const size_t gap = gap_at(f);

    if (take_break(f))
        return true;
    if (gap > 0 && f->operand)
        return take_behind_gap(f, gap);
    if (gap > 0 && f->gap && starts_operand(f, gap)) {
        take_gap(f, gap);
        f->gap = false;
        return true;
    }
    if (gap > 0)
        return false;
    return f->operand ? take_behind(f) : take_unary(f) || take_start(f);
}

/* May a word end before this cell? */
static bool ends_word(unsigned c)
{
    static const uint8_t signs[] = {DOT4, DOT5, DOTS36, DOTS45, DOTS56, DOT6};

    return is_gap(c) || memchr(signs, (int) c, sizeof(signs));
}

/* ∵ and ∴ have two blanks behind them, which parts them from ying and zhi; ＝ may follow a word
 * (one-cell codes only: elsewhere the cells are syllables). */
static void take_lead(struct formula *f)
{
    const struct lang_math_sign *lead = sign_at(f, 0, LANG_MATH_LEAD);
    const struct lang_math_sign *sign = sign_at(f, 0, LANG_MATH_BINARY);
    size_t n = lead ? lead->n_cells : 0;

    while (lead && cell(f, n) == 0 && n < 6)
        n++;
    if (lead && n >= lead->n_cells + 2u && starts_operand(f, n)) {
        take_operator(f, lead->n_cells, lead->text);
        f->gap = true;
    } else if (sign && sign->cells[0] != DOTS36 && sign->n_cells == 1 && sign->cells[0] != 0x14 &&
               f->r->code != LANG_TWO_CELL && starts_operand(f, 1)) {
        take_operator(f, 1, sign->text);
    }
}

static void run(struct formula *f)
{
    const size_t end = f->upto ? f->upto : f->start + MAX_CELLS;

    take_lead(f);
    while (f->error == 0 && f->at < end && step(f)) {
        if (!f->operand || !ends_word(cell(f, 0)))
            continue;
        if (f->depth == 0 && f->weight > 0)
            f->good = f->at;
        if (f->weight > 2)
            f->loose = f->at;
    }
}

/* Cells that no formula begins with are most of a page. */
static bool may_begin(const struct reader *r)
{
    static const uint8_t first[] = {NUMBER,       DOTS56,       DOT6,         GREEK, BAR,
                                    ROOT,         FRAME,        DOTS36,       UPPER, LOWER,
                                    DOT4,         0x16,         0x26,         0x32,  0x36,
                                    0x23 /* ( */, 0x37 /* [ */, 0x2A /* { */, 0x2B /* sin, ∠ */};

    return at_word_start(r) && memchr(first, (int) cell_at(r, r->at), sizeof(first));
}

int lang_math_read(struct reader *r)
{
    struct formula look = {.r = r, .at = r->at, .start = r->at};

    if (!may_begin(r))
        return 0;
    run(&look);
    const size_t upto = look.good ? look.good : look.loose;
    if (upto == 0)
        return 0;
    struct formula take = {.r = r, .at = r->at, .start = r->at, .upto = upto};
    run(&take);
    if (take.error == 0)
        r->at = take.at;
    return take.error < 0 ? take.error : 1;
}
