/* SPDX-License-Identifier: Apache-2.0
 *
 * What the codes have in common: numbers, letters, pairs of signs, gaps and line ends.
 * docs/braille.md C.
 */

#include "lang/reader.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lang/code.h"

enum { NUMBER_TEXT = 28 /* longest number of one token, so that "%" still fits */ };

int lang_reader_digit(unsigned cell, bool lowered)
{
    for (int d = 0; d < 10; d++) {
        unsigned upper = lang_digit_cells[d];
        if (cell == (lowered ? (upper & 0x1B) << 1 : upper))
            return d;
    }
    return -1;
}

char lang_reader_letter(unsigned cell)
{
    char c = cell > 0 && cell < 64 ? brl_cell_ascii((brl_cell) cell) : 0;

    return c >= 'A' && c <= 'Z' ? (char) (c + 'a' - 'A') : 0;
}

int lang_reader_add(struct reader *r, enum lang_kind kind, size_t n_cells, const char *text)
{
    struct lang_text *t = r->text;

    if (t->n == r->room) {
        size_t room = r->room * 2 + 64;
        struct lang_token *more = reallocarray(t->tokens, room, sizeof(*more));
        if (!more)
            return -ENOMEM;
        t->tokens = more;
        r->room = room;
    }
    struct lang_token *token = &t->tokens[t->n++];
    *token =
        (struct lang_token){.kind = kind, .first = (uint32_t) r->at, .n_cells = (uint32_t) n_cells};
    snprintf(token->text, sizeof(token->text), "%s", text);
    r->at += n_cells;
    return 0;
}

int lang_reader_unknown(struct reader *r, size_t n_cells)
{
    char text[32] = "";

    for (size_t i = 0; i < n_cells && i < 8; i++)
        brl_cell_utf8(r->cells[r->at + i], text + 3 * i);
    return lang_reader_add(r, LANG_UNKNOWN, n_cells, text);
}

/* A denominator: lowered digits behind a number that no syllable continues (1/2 is 3456-1-23).
 * Returns its cells. */
static size_t denominator_at(const struct reader *r, size_t at)
{
    size_t n = 0;

    while (lang_reader_digit(cell_at(r, at + n), true) >= 0)
        n++;
    return is_syllabic(r, cell_at(r, at + n)) || cell_at(r, at + n) == NUMBER ? 0 : n;
}

static bool percent_at(const struct reader *r, size_t at)
{
    return cell_at(r, at) == NUMBER && cell_at(r, at + 1) == lang_digit_cells[0] &&
           cell_at(r, at + 2) == 0x34;
}

/* Is this cell a point between the digits before and behind it? Its sign, or 0: 3456 parts a
 * section's numbers, dots 2 and 3 decimals or thousands. */
static char point_at(const struct reader *r, size_t at)
{
    const unsigned cell = cell_at(r, at);

    if (lang_reader_digit(cell_at(r, at + 1), false) < 0 || percent_at(r, at))
        return 0;
    return cell == NUMBER ? ':' : cell == DOT2 ? ',' : cell == DOT3 ? '.' : 0;
}

/* Digits and points from `at` on, up to NUMBER_TEXT of them. Returns the cells. */
static size_t digits_at(const struct reader *r, size_t at, bool lowered, char *text, size_t *n_text)
{
    const size_t start = at;

    for (; *n_text < NUMBER_TEXT; at++) {
        const int digit = lang_reader_digit(cell_at(r, at), lowered);
        const bool begun = *n_text > 0 && text[*n_text - 1] >= '0';
        const char point = digit < 0 && !lowered && begun ? point_at(r, at) : 0;
        if (digit < 0 && !point)
            break;
        text[(*n_text)++] = digit >= 0 ? (char) ('0' + digit) : point;
    }
    return at - start;
}

/* Do the signs `part` stand before groups of three digits only, the first behind one to three? */
static bool parts_thousands(const char *text, char part)
{
    const char *end = text + strcspn(text, part == ',' ? "." : ",");
    size_t n = strspn(text, "0123456789");

    if (n > 3 || text[0] == '0' || text[n] != part)
        return false;
    for (text += n; text < end; text += 4)
        if (*text != part || strspn(text + 1, "0123456789") != 3)
            return false;
    return true;
}

static void drop(char *text, char part)
{
    char *out = text;

    for (; *text; text++)
        if (*text != part)
            *out++ = *text;
    *out = 0;
}

/* Which of the points is decimal. Dot 2 alone before 000 is a thousand as liblouis writes it,
 * before three other digits a decimal point as GB/T 18028 has it. */
static void settle_points(char *text)
{
    size_t n_commas = 0, n_points = 0;
    const char *comma = strchr(text, ',');

    for (const char *p = text; *p; p++) {
        n_commas += *p == ',';
        n_points += *p == '.';
    }
    const bool plain = !strchr(text, ':');
    const bool commas = plain && parts_thousands(text, ',') &&
                        (n_commas > 1 || n_points == 1 || (comma && !strcmp(comma, ",000")));
    if (n_commas > 0 && commas)
        drop(text, ',');
    else if (plain && (n_points > 1 || (n_points == 1 && n_commas == 1)) &&
             parts_thousands(text, '.'))
        drop(text, '.');
    for (char *p = text; *p; p++)
        if (*p == ',' || *p == ':')
            *p = '.';
}

/* "1.2" and a denominator: one and two thirds, each part with its own 3456. */
static bool is_mixed(const char *text)
{
    const char *part = strchr(text, ':');

    return part && !strpbrk(text, ",.") && !strchr(part + 1, ':');
}

/* The denominator, and the percent sign behind a gap. */
static size_t add_tail(const struct reader *r, size_t at, bool lowered, bool mixed, char *text)
{
    static const char and[] = "又";
    const size_t start = at, n_below = lowered ? 0 : denominator_at(r, at);
    size_t n = strlen(text);

    if (n_below > 0 && n + sizeof(and) + n_below <= NUMBER_TEXT) {
        char *part = mixed ? strchr(text, '.') : NULL;
        if (part) {
            memmove(part + sizeof(and) - 1, part + 1, strlen(part));
            memcpy(part, and, sizeof(and) - 1);
            n += sizeof(and) - 2;
        }
        text[n++] = '/';
        for (size_t i = 0; i < n_below; i++)
            text[n++] = (char) ('0' + lang_reader_digit(cell_at(r, at++), true));
    }
    const size_t sign = at + (cell_at(r, at) == 0);
    if (percent_at(r, sign)) {
        text[n++] = '%';
        at = sign + 3;
    }
    text[n] = 0;
    return at - start;
}

size_t lang_reader_number_at(const struct reader *r, size_t at, char text[32])
{
    const bool lowered = lang_reader_digit(cell_at(r, at + 1), false) < 0;
    size_t n_text = 0, n;

    if (cell_at(r, at) != NUMBER)
        return 0;
    n = 1 + digits_at(r, at + 1, lowered, text, &n_text);
    if (n_text == 0 || n_text == NUMBER_TEXT)
        return 0;
    text[n_text] = 0;
    const bool mixed = is_mixed(text);
    settle_points(text);
    return n + add_tail(r, at + n, lowered, mixed, text);
}

/* More digits than a token holds: as they stand, and on in the next token. */
static int read_long_number(struct reader *r)
{
    char text[NUMBER_TEXT + 4];
    size_t n_text = 0, n = 1 + digits_at(r, r->at + 1, false, text, &n_text);
    int r2 = 0;

    while (r2 == 0 && n_text > 0) {
        text[n_text] = 0;
        for (size_t i = 0; i < n_text; i++)
            text[i] = text[i] >= '0' && text[i] <= '9' ? text[i] : '.';
        r2 = lang_reader_add(r, LANG_NUMBER, n, text);
        n_text = 0;
        n = digits_at(r, r->at, false, text, &n_text);
    }
    return r2;
}

int lang_reader_number(struct reader *r)
{
    char text[32];
    const size_t n = lang_reader_number_at(r, r->at, text);

    if (n > 0)
        return lang_reader_add(r, LANG_NUMBER, n, text);
    if (percent_at(r, r->at))
        return lang_reader_add(r, LANG_NUMBER, 3, "%");
    if (lang_reader_digit(cell_at(r, r->at + 1), false) >= 0)
        return read_long_number(r);
    return lang_reader_unknown(r, 1);
}

int lang_reader_letters(struct reader *r, size_t n_sign, bool first_upper, bool all_upper)
{
    size_t at = r->at + n_sign;

    while (lang_reader_letter(cell_at(r, at))) {
        char text[32];
        size_t n = 0;
        for (char c; n < sizeof(text) - 1 && (c = lang_reader_letter(cell_at(r, at))); at++, n++)
            text[n] = all_upper || (first_upper && n == 0) ? (char) (c - 'a' + 'A') : c;
        text[n] = 0;
        int r2 = lang_reader_add(r, LANG_LATIN, at - r->at, text);
        if (r2 < 0)
            return r2;
        first_upper = false;
    }
    return 0;
}

int lang_reader_pair(struct reader *r, size_t n_cells, unsigned *n_seen, const char *open,
                     const char *close)
{
    bool gap_after = is_gap(cell_at(r, r->at + n_cells)), gap_before = at_word_start(r);
    bool opens = gap_before != gap_after ? gap_before : *n_seen % 2 == 0;

    *n_seen = opens ? 1 : 0;
    return lang_reader_add(r, LANG_PUNCT, n_cells, opens ? open : close);
}

size_t lang_reader_leader(const struct reader *r, unsigned cell)
{
    size_t n = 0;

    while (cell_at(r, r->at + n) == cell)
        n++;
    return n >= 3 ? n : 0;
}

const struct lang_sign *lang_reader_sign(const struct reader *r)
{
    size_t n_signs;
    const struct lang_sign *signs = lang_code_signs(r->code, &n_signs);

    for (size_t s = 0; s < n_signs; s++) {
        size_t same = 0;
        while (same < signs[s].n_cells && cell_at(r, r->at + same) == signs[s].cells[same])
            same++;
        if (same == signs[s].n_cells)
            return &signs[s];
    }
    return NULL;
}

/* Cells from `at` to the next gap, up to `limit`. */
static size_t word_length(const struct reader *r, size_t at, size_t limit)
{
    size_t n = 0;

    while (n < limit && !is_gap(cell_at(r, at + n)))
        n++;
    return n;
}

/* A line of a table of contents ends in leader dots and a page number. */
static bool ends_contents_line(const struct lang_text *t)
{
    return t->n > 1 && t->tokens[t->n - 1].kind == LANG_NUMBER &&
           strcmp(t->tokens[t->n - 2].text, "……") == 0;
}

/* Blank cells and line ends in one. A line that begins with dots 36 goes on with the word above;
 * the text tells a line end ("\n") and a new paragraph ("\n\n") from a space. A paragraph is an
 * indented line whose first word would have found room on the line above, or what follows an empty
 * line. */
int lang_reader_gap(struct reader *r)
{
    size_t n = 0, indent = 0, column = r->at - r->line;
    unsigned n_lines = 0;

    for (; r->at + n < r->n && is_gap(r->cells[r->at + n]); n++) {
        bool end = r->cells[r->at + n] == LANG_LINE_END;
        n_lines += end;
        indent = end ? 0 : indent + 1;
        if (end)
            r->line = r->at + n + 1;
    }
    unsigned next = cell_at(r, r->at + n), after = cell_at(r, r->at + n + 1);
    if ((n_lines > 0 || r->at == 0) && next == DOTS36 && !is_gap(after) && after != DOT2 &&
        after != DOTS23) {
        /* a range goes on with its dash */
        r->at += n + !(after == NUMBER && follows(r, LANG_NUMBER));
        return 0;
    }
    bool had_room = column + 1 + word_length(r, r->at + n, r->width) <= r->width;
    bool paragraph = n_lines > 1 || (n_lines > 0 && ends_contents_line(r->text)) ||
                     (n_lines > 0 && indent >= r->margin + 2 && had_room);
    if (r->layout && n_lines == 1)
        paragraph = lang_layout_parts(r->layout, r->at + n);
    return lang_reader_add(r, LANG_SPACE, n, paragraph ? "\n\n" : n_lines > 0 ? "\n" : " ");
}

void lang_reader_measure(struct reader *r)
{
    size_t margin = SIZE_MAX, start = r->at;
    bool inside = false;

    for (size_t i = r->at; i < r->n; i++) {
        if (r->cells[i] == LANG_LINE_END) {
            inside = false;
            start = i + 1;
        } else if (r->cells[i] != 0) {
            if (!inside)
                margin = MIN(margin, i - start);
            inside = true;
            r->width = MAX(r->width, i + 1 - start);
        }
    }
    r->margin = margin == SIZE_MAX ? 0 : margin;
}
