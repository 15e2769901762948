/* SPDX-License-Identifier: Apache-2.0
 *
 * The lines of a page. Rules seen in DSBI's books (docs/braille.md): paragraphs begin with two
 * blank cells, headings are centred or a section's number, two blanks and a title; the page number
 * stands in the last line's right corner, of front matter in lowered digits or Roman numerals.
 */

#include "lang/layout.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lang/reader.h"

const char *const lang_line_names[LANG_N_LINE_KINDS] = {
    "blank", "text", "paragraph", "heading", "contents", "page-number", "running-head"};

enum {
    MIN_LINES = 4,  /* a page with fewer has no corners to speak of */
    MIN_WIDTH = 12, /* nor has a narrow one */
    FAR = 3,        /* blanks that part a head from its number */
};

struct page {
    const uint8_t *cells;
    struct lang_line *lines;
    size_t n;
    uint32_t margin, width, n_used; ///< lines that hold something
    bool contents;                  ///< a table of contents
};

void lang_layout_done(struct lang_layout *l)
{
    free(l->lines);
    *l = (struct lang_layout){0};
}

bool lang_line_is_aside(const struct lang_line *line)
{
    return line->kind == LANG_LINE_PAGE_NUMBER || line->kind == LANG_LINE_RUNNING_HEAD;
}

static unsigned at(const struct page *p, const struct lang_line *line, size_t column)
{
    return column < line->n_cells ? p->cells[line->first + column] : 0;
}

/* ---- page numbers ---- */

/* A number or Roman numeral from `column` to a blank. Returns its cells, 0 for none. */
static size_t label_at(const struct page *p, const struct lang_line *line, size_t column,
                       char out[16])
{
    const bool number = at(p, line, column) == NUMBER, roman = at(p, line, column) == DOT6;
    const bool lowered = lang_reader_digit(at(p, line, column + 1), false) < 0;
    size_t n = 1, n_out = 0;

    out[0] = 0;
    for (; (number || roman) && n_out < 7 && at(p, line, column + n) != 0; n++) {
        const unsigned cell = at(p, line, column + n);
        const int digit = lang_reader_digit(cell, lowered);
        const char letter = lang_reader_letter(cell);
        if (number ? digit < 0 : !letter || !strchr("ivxlc", letter))
            return 0;
        out[n_out++] = number ? (char) ('0' + digit) : (char) (letter - 'a' + 'A');
    }
    out[n_out] = 0;
    return n_out > 0 && n_out < 7 && at(p, line, column + n) == 0 ? n : 0;
}

/* The column behind the blanks from `column` on. */
static size_t skip_blanks(const struct page *p, const struct lang_line *line, size_t column)
{
    while (column < line->end && at(p, line, column) == 0)
        column++;
    return column;
}

/* One label or two far from each other, and nothing else. */
static bool only_labels(const struct page *p, const struct lang_line *line, char out[16],
                        bool *ret_two)
{
    char second[16] = "";
    size_t column = line->indent + label_at(p, line, line->indent, out);

    *ret_two = false;
    if (column == line->indent)
        return false;
    if (column == line->end)
        return true;
    const size_t next = skip_blanks(p, line, column), n = label_at(p, line, next, second);
    *ret_two = true;
    if (next < column + FAR || n == 0 || next + n != line->end)
        return false;
    snprintf(out + strlen(out), 16 - strlen(out), " %s", second);
    return true;
}

static bool in_right_corner(const struct page *p, const struct lang_line *line)
{
    return line->end + 2 >= p->width && line->indent - p->margin > (p->width - p->margin) / 2;
}

static bool in_middle(const struct page *p, const struct lang_line *line, uint32_t least,
                      uint32_t slack)
{
    const uint32_t left = line->indent - p->margin, right = p->width - line->end;

    return left >= least && (left > right ? left - right : right - left) <= slack;
}

/* Does the number go on from the last page that had one? Only front sides may have theirs. */
static bool goes_on(const struct lang_book *before, const char *number)
{
    const long value = atol(number);

    return before && before->number > 0 && value > before->number && value <= before->number + 2;
}

/* A few cells alone at the end of the last line are a number that is misprinted or misread. */
static bool is_unreadable_label(const struct page *p, const struct lang_line *line)
{
    return p->n_used >= 2 * MIN_LINES && line->end - line->indent <= 4 &&
           line->end + 2 >= p->width && skip_blanks(p, line, line->indent) == line->indent &&
           line->indent - p->margin >= (p->width - p->margin) * 3 / 4;
}

static void mark_page_number(const struct page *p, struct lang_line *line, bool last,
                             const struct lang_book *before)
{
    char number[16] = "";
    bool two;

    if (p->n_used < MIN_LINES || p->width - p->margin < MIN_WIDTH)
        return;
    if (only_labels(p, line, number, &two) &&
        (two || in_right_corner(p, line) || in_middle(p, line, 6, 2) ||
         (line->indent <= p->margin + 1 && goes_on(before, number)))) {
        line->kind = LANG_LINE_PAGE_NUMBER;
        memcpy(line->number, number, sizeof(number));
    } else if (last && is_unreadable_label(p, line)) {
        line->kind = LANG_LINE_PAGE_NUMBER;
    }
}

/* ---- running heads ---- */

/* Text, blanks and a number that ends the line. Returns the column of the number, 0 for none. */
static size_t number_behind(const struct page *p, const struct lang_line *line, char out[16])
{
    size_t column = line->end;

    while (column > line->indent && at(p, line, column - 1) != 0)
        column--;
    size_t text = column;
    while (text > line->indent && at(p, line, text - 1) == 0)
        text--;
    return text > line->indent && column >= text + FAR && line->end + 1 >= p->width &&
                   label_at(p, line, column, out) == line->end - column
               ? column
               : 0;
}

/* A number, blanks, and text behind them. Returns the column of the text, 0 for none. */
static size_t number_before(const struct page *p, const struct lang_line *line, char out[16])
{
    const size_t n = label_at(p, line, line->indent, out);
    const size_t text = n ? skip_blanks(p, line, line->indent + n) : 0;

    return n && text < line->end && text >= line->indent + n + FAR ? text : 0;
}

/* FNV-1a of the raised cells of a line's head. */
static uint64_t hash(const struct page *p, const struct lang_line *line, size_t from, size_t to)
{
    uint64_t h = 0xcbf29ce484222325u;

    for (size_t column = from; column < to; column++)
        if (at(p, line, column) != 0)
            h = (h ^ at(p, line, column)) * 0x100000001b3u;
    return h;
}

static uint64_t head_hash(const struct page *p, const struct lang_line *line)
{
    char number[16];
    const size_t behind = number_behind(p, line, number), before = number_before(p, line, number);

    return hash(p, line, before ? before : line->indent, behind ? behind : line->end);
}

/* Lines that end like a head are a table where there are more of them. */
static bool is_table(const struct page *p)
{
    char number[16];
    size_t n = 0;

    for (size_t i = 0; i < p->n; i++)
        n += p->lines[i].end > 0 && number_behind(p, &p->lines[i], number) > 0;
    return n > 2;
}

static void mark_head(const struct page *p, struct lang_line *line, const struct lang_book *before)
{
    const uint64_t h = head_hash(p, line);
    char number[16] = "";

    if (p->n_used < MIN_LINES)
        return;
    bool head = number_behind(p, line, number) > 0 && !is_table(p);
    if (!head)
        head = number_before(p, line, number) > 0 && goes_on(before, number);
    for (size_t i = 0; before && i < ELEMENTSOF(before->tops) && !head; i++)
        if (before->tops[i] == h) {
            head = true;
            if (!number_behind(p, line, number) && !number_before(p, line, number))
                number[0] = 0;
        }
    if (!head)
        return;
    line->kind = LANG_LINE_RUNNING_HEAD;
    memcpy(line->number, number, sizeof(number));
}

/* ---- text ---- */

/* Leader dots and a number at the end. */
static bool is_contents(const struct page *p, const struct lang_line *line, char number[16])
{
    size_t column = line->end, n = 0;
    unsigned dot;

    while (column > line->indent && lang_reader_digit(at(p, line, column - 1), false) >= 0)
        column--;
    if (column == line->end || column == line->indent || at(p, line, column - 1) != NUMBER)
        return false;
    column--;
    label_at(p, line, column, number);
    if (column > line->indent && at(p, line, column - 1) == 0)
        column--;
    dot = column > line->indent ? at(p, line, column - 1) : 0;
    while (column > line->indent && at(p, line, column - 1) == dot) {
        column--;
        n++;
    }
    return n >= 3 && (dot == DOT5 || dot == DOT6);
}

/* Does it end like a sentence that goes on or is over: 5, 36, or 23 behind 5? */
static bool ends_in_sign(const struct page *p, const struct lang_line *line)
{
    const unsigned last = at(p, line, line->end - 1), before = at(p, line, line->end - 2);

    return last == DOT5 || last == DOTS36 || (before == DOT5 && (last == DOTS23 || last == DOT3));
}

/* "26.1", two blanks, a title. */
static bool is_section(const struct page *p, const struct lang_line *line)
{
    size_t column = line->indent;

    if (at(p, line, column) != NUMBER)
        return false;
    while (at(p, line, column) == NUMBER || lang_reader_digit(at(p, line, column), false) >= 0)
        column++;
    return column > line->indent + 1 && at(p, line, column) == 0 && at(p, line, column + 1) == 0 &&
           skip_blanks(p, line, column) < line->end && line->end + 4 <= p->width;
}

/* Would the first word of `line` have found room on the line above? */
static bool had_room(const struct page *p, const struct lang_line *above,
                     const struct lang_line *line)
{
    size_t n = 0;

    while (at(p, line, line->indent + n) != 0)
        n++;
    return above->end + 1 + n <= p->width;
}

static bool is_indented(const struct page *p, const struct lang_line *line)
{
    return line->end > 0 && line->indent >= p->margin + 2;
}

static bool is_blank(const struct lang_line *line)
{
    return !line || line->end == 0 || lang_line_is_aside(line);
}

/* Could it be a line of a title: in the middle, or short and far from the margin? */
static bool is_like_title(const struct page *p, const struct lang_line *line)
{
    return !ends_in_sign(p, line) && (in_middle(p, line, 1, 3) ||
                                      (line->indent >= p->margin + 4 &&
                                       line->end - line->indent <= (p->width - p->margin) * 2 / 3));
}

/* Up to MAX_TITLE lines that blank lines or the page's ends part from the rest, all like a title.
 */
static bool is_title(const struct page *p, size_t i)
{
    enum { MAX_TITLE = 4 };
    bool far = false;
    size_t first = i, end = i + 1;

    while (first > 0 && i - first < MAX_TITLE && !is_blank(&p->lines[first - 1]))
        first--;
    while (end < p->n && end - first <= MAX_TITLE && !is_blank(&p->lines[end]))
        end++;
    for (size_t k = first; k < end; k++) {
        far = far || p->lines[k].indent >= p->margin + 4;
        if (!is_like_title(p, &p->lines[k]))
            return false;
    }
    return far && end - first <= MAX_TITLE && end - first < p->n_used;
}

/* Titles; lines in the very middle; sections. */
static bool is_heading(const struct page *p, size_t i)
{
    const struct lang_line *line = &p->lines[i];
    const struct lang_line *above = i > 0 ? line - 1 : NULL,
                           *below = i + 1 < p->n ? line + 1 : NULL;
    const bool parted_above = is_blank(above) || above->kind == LANG_LINE_HEADING;
    const bool parted_below = is_blank(below) || is_indented(p, below) || p->contents;

    if (at(p, line, line->indent) == DOTS36)
        return false;
    if (is_title(p, i) || (parted_above && parted_below && in_middle(p, line, 6, 3)))
        return true;
    return !p->contents && below && parted_below && is_section(p, line) && !ends_in_sign(p, line);
}

/* Is this the first line that is text? */
static bool is_first(const struct page *p, size_t i)
{
    while (i > 0 && is_blank(&p->lines[i - 1]))
        i--;
    return i == 0;
}

static enum lang_line_kind text_kind(const struct page *p, size_t i)
{
    const struct lang_line *line = &p->lines[i], *above = i > 0 ? line - 1 : NULL;
    const struct lang_line *below = i + 1 < p->n ? line + 1 : NULL;
    const bool first = is_first(p, i);
    char number[16];

    if (is_contents(p, line, number))
        return LANG_LINE_CONTENTS;
    if (is_heading(p, i))
        return LANG_LINE_HEADING;
    if (p->contents && !is_blank(below)) /* an entry of several lines */
        return LANG_LINE_CONTENTS;
    if (at(p, line, line->indent) == DOTS36 && at(p, line, line->indent + 1) != 0)
        return LANG_LINE_TEXT;
    if (!first &&
        (is_blank(above) || above->kind == LANG_LINE_HEADING || above->kind == LANG_LINE_CONTENTS))
        return LANG_LINE_PARAGRAPH;
    if (is_indented(p, line) && (first || had_room(p, above, line)))
        return LANG_LINE_PARAGRAPH;
    return LANG_LINE_TEXT;
}

/* At least three entries. */
static bool has_contents(const struct page *p)
{
    char number[16];
    size_t n = 0;

    for (size_t i = 0; i < p->n; i++)
        n += p->lines[i].end > 0 && is_contents(p, &p->lines[i], number);
    return n >= 3;
}

/* ---- all of it ---- */

static void measure_line(const struct page *p, struct lang_line *line)
{
    for (uint32_t column = 0; column < line->n_cells; column++)
        if (at(p, line, column) != 0) {
            line->indent = line->end ? line->indent : column;
            line->end = column + 1;
        }
}

static int cut_lines(struct page *p, size_t n_cells)
{
    size_t n_lines = 1, line = 0, start = 0;

    for (size_t i = 0; i < n_cells; i++)
        n_lines += p->cells[i] == LANG_LINE_END;
    p->lines = calloc(n_lines, sizeof(*p->lines));
    if (!p->lines)
        return -ENOMEM;
    p->margin = UINT32_MAX;
    for (size_t i = 0; i <= n_cells; i++) {
        if (i < n_cells && p->cells[i] != LANG_LINE_END)
            continue;
        struct lang_line *l = &p->lines[line++];
        l->first = (uint32_t) start;
        l->n_cells = (uint32_t) (i - start);
        measure_line(p, l);
        start = i + 1;
        if (l->end == 0)
            continue;
        p->margin = MIN(p->margin, l->indent);
        p->width = MAX(p->width, l->end);
        p->n_used++;
    }
    /* nothing stands behind the last line end */
    p->n = n_lines - (n_cells > 0 && p->cells[n_cells - 1] == LANG_LINE_END);
    return 0;
}

/* The first (step 1) or last (-1) line from `i` on that holds something; p->n: none. */
static size_t find_used(const struct page *p, size_t i, int step)
{
    while (i < p->n && p->lines[i].end == 0)
        i += (size_t) step;
    return i < p->n ? i : p->n;
}

static void mark_asides(const struct page *p, const struct lang_book *before)
{
    const size_t first = find_used(p, 0, 1), last = find_used(p, p->n - 1, -1);

    if (first == p->n)
        return;
    mark_page_number(p, &p->lines[last], true, before);
    if (first == last)
        return;
    mark_page_number(p, &p->lines[first], false, before);
    /* the head is the first line, or follows the number */
    const size_t head =
        p->lines[first].kind == LANG_LINE_PAGE_NUMBER ? find_used(p, first + 1, 1) : first;
    if (head < last)
        mark_head(p, &p->lines[head], before);
}

int lang_layout_find(const uint8_t *cells, size_t n, const struct lang_book *before,
                     struct lang_layout *ret)
{
    struct page p = {.cells = cells};

    if (n > UINT32_MAX / 2)
        return -E2BIG;
    int r = cut_lines(&p, n);
    if (r < 0)
        return r;
    if (p.n_used == 0)
        p.margin = 0;
    mark_asides(&p, before);
    p.contents = has_contents(&p);
    for (size_t i = 0; i < p.n; i++) {
        struct lang_line *line = &p.lines[i];
        if (line->end == 0 || lang_line_is_aside(line))
            continue;
        line->kind = text_kind(&p, i);
        if (line->kind == LANG_LINE_CONTENTS)
            is_contents(&p, line, line->number);
    }
    *ret = (struct lang_layout){p.lines, p.n, p.margin, p.width};
    return 0;
}

/* What the book keeps of a page: the hash of its first line, numbers apart; 0: it is empty. */
uint64_t lang_layout_top(const struct lang_layout *l, const uint8_t *cells)
{
    const struct page p = {
        .cells = cells, .lines = l->lines, .n = l->n, .margin = l->margin, .width = l->width};
    size_t first = find_used(&p, 0, 1);

    if (first < p.n && l->lines[first].kind == LANG_LINE_PAGE_NUMBER)
        first = find_used(&p, first + 1, 1);
    return first < p.n ? head_hash(&p, &l->lines[first]) : 0;
}

bool lang_layout_parts(const struct lang_layout *l, size_t cell)
{
    size_t low = 0, high = l->n;

    while (high - low > 1) { /* the last line that begins at or before the cell */
        const size_t middle = low + (high - low) / 2;
        if (l->lines[middle].first <= cell)
            low = middle;
        else
            high = middle;
    }
    const struct lang_line *line = &l->lines[low], *above = low > 0 ? line - 1 : NULL;
    const bool heading = line->kind == LANG_LINE_HEADING;
    return line->kind == LANG_LINE_PARAGRAPH ||
           (above && heading != (above->kind == LANG_LINE_HEADING)) ||
           (above && above->kind == LANG_LINE_CONTENTS && above->number[0]);
}
