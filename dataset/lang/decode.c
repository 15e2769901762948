/* SPDX-License-Identifier: Apache-2.0
 *
 * Cells -> tokens. Initials, finals and tones share no cell, so syllables need no look-back; what
 * is left (numbers, punctuation, letters, the joiner) is told apart by its neighbours.
 * docs/braille.md C.
 */

#include "lang/lang.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lang/tables.h"

enum {
    DOT2 = 0x02,
    DOT3 = 0x04,
    DOT4 = 0x08,
    DOT5 = 0x10,
    DOT6 = 0x20,
    DOTS23 = 0x06,
    DOTS36 = 0x24,    /* joiner, hyphen, colon */
    DOTS45 = 0x18,    /* quotes */
    DOTS56 = 0x30,    /* small letters follow; semicolon */
    NUMBER = 0x3C,    /* dots 3456 */
    NUMBER_TEXT = 28, /* longest number of one token, so that "%" still fits */
};

struct reader {
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
static unsigned cell_at(const struct reader *r, size_t at)
{
    return at < r->n ? r->cells[at] : LANG_LINE_END;
}

static bool is_gap(unsigned cell)
{
    return cell == 0 || cell == LANG_LINE_END;
}

static enum lang_class class_of(unsigned cell)
{
    return cell < 64 ? (enum lang_class) lang_cell_class[cell] : LANG_OTHER;
}

static bool is_syllabic(unsigned cell)
{
    return class_of(cell) != LANG_OTHER && cell != NUMBER;
}

/* 0-9, or -1. `lowered`: the digit's dots moved down one row. */
static int digit_of(unsigned cell, bool lowered)
{
    for (int d = 0; d < 10; d++) {
        unsigned upper = lang_digit_cells[d];
        if (cell == (lowered ? (upper & 0x1B) << 1 : upper))
            return d;
    }
    return -1;
}

/* 'a'-'z', or 0 */
static char letter_of(unsigned cell)
{
    char c = cell > 0 && cell < 64 ? brl_cell_ascii((brl_cell) cell) : 0;

    return c >= 'A' && c <= 'Z' ? (char) (c + 'a' - 'A') : 0;
}

static int add(struct reader *r, enum lang_kind kind, size_t n_cells, const char *text)
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

static int add_unknown(struct reader *r, size_t n_cells)
{
    char text[32] = "";

    for (size_t i = 0; i < n_cells && i < 8; i++)
        brl_cell_utf8(r->cells[r->at + i], text + 3 * i);
    return add(r, LANG_UNKNOWN, n_cells, text);
}

/* The token that ends where the reader stands, if it is of this kind. */
static bool follows(const struct reader *r, enum lang_kind kind)
{
    const struct lang_text *t = r->text;

    return t->n > 0 && t->tokens[t->n - 1].kind == kind;
}

static bool at_word_start(const struct reader *r)
{
    return r->text->n == 0 || follows(r, LANG_SPACE) || follows(r, LANG_PUNCT);
}

/* Cells of the legal syllable at `at`, 0 if there is none. *ret_base: index into lang_bases. */
static size_t syllable_at(const struct reader *r, size_t at, size_t *ret_base)
{
    unsigned first = cell_at(r, at), second = cell_at(r, at + 1);
    uint16_t base = 0;
    size_t n = 0;

    if (class_of(first) == LANG_INITIAL && class_of(second) == LANG_FINAL) {
        base = lang_by_cells[first][second];
        n = 2;
    }
    if (!base && class_of(first) == LANG_INITIAL) { /* zh ch sh r z c s stand alone */
        base = lang_by_cells[first][0];
        n = 1;
    }
    if (class_of(first) == LANG_FINAL && first != NUMBER) {
        base = lang_by_cells[0][first];
        n = 1;
    }
    if (!base)
        return 0;
    *ret_base = base - 1u;
    return n + (class_of(cell_at(r, at + n)) == LANG_TONE);
}

static bool takes_me(const struct lang_token *before)
{
    static const char *const list[] = {"shen", "zen", "zhe", "na", "duo", "yao"};
    size_t n = strcspn(before->text, "12345");

    for (size_t k = 0; k < ELEMENTSOF(list); k++)
        if (strlen(list[k]) == n && memcmp(list[k], before->text, n) == 0)
            return before->kind == LANG_SYLLABLE;
    return false;
}

/* Words of one initial: d is de also in books of Current Braille, the others are Common Braille's:
 * n ni3, t ta1 (with tone 1 she), both also before men, m the me of zenme. NULL: there is none. */
static const char *short_word(const struct reader *r, size_t *ret_n)
{
    enum { D = 0x19, T = 0x1E, N = 0x1D, M = 0x0D, EN = 0x34, TONE1 = 0x01 };
    unsigned cell = cell_at(r, r->at), next = cell_at(r, r->at + 1);
    bool first = !follows(r, LANG_SYLLABLE), whole = !is_syllabic(next) && next != NUMBER;
    bool plural = next == M && cell_at(r, r->at + 2) == EN;

    *ret_n = 1;
    if (cell == D && first && whole)
        return "de";
    if (cell == N && first && (whole || plural))
        return "ni3";
    if (cell == T && first && (whole || plural))
        return "ta1";
    if (cell == M && !first && class_of(next) != LANG_FINAL && class_of(next) != LANG_TONE &&
        takes_me(&r->text->tokens[r->text->n - 1]))
        return "me";
    *ret_n = 2;
    return cell == T && first && next == TONE1 && !is_syllabic(cell_at(r, r->at + 2)) ? "ta1"
                                                                                      : NULL;
}

static int read_syllable(struct reader *r)
{
    size_t base = SIZE_MAX, n = syllable_at(r, r->at, &base);
    char text[16];

    const char *word = n == 0 ? short_word(r, &n) : NULL;
    if (word)
        return add(r, LANG_SYLLABLE, n, word);
    if (base == SIZE_MAX) {
        /* an illegal pair is one unknown of two cells, with its tone */
        n = 1;
        if (class_of(cell_at(r, r->at)) == LANG_INITIAL &&
            class_of(cell_at(r, r->at + 1)) == LANG_FINAL)
            n = 2;
        if (n == 2 && class_of(cell_at(r, r->at + 2)) == LANG_TONE)
            n = 3;
        return add_unknown(r, n);
    }
    unsigned last = cell_at(r, r->at + n - 1), tone = 0;
    for (unsigned t = 1; t <= 4 && class_of(last) == LANG_TONE; t++)
        if (last == lang_tone_cells[t])
            tone = t;
    if (tone > 0)
        snprintf(text, sizeof(text), "%s%u", lang_bases[base].text, tone);
    else
        snprintf(text, sizeof(text), "%s", lang_bases[base].text);
    return add(r, LANG_SYLLABLE, n, text);
}

/* A denominator: lowered digits behind a number that no syllable continues (1/2 is 3456-1-23).
 * Returns its cells. */
static size_t denominator_at(const struct reader *r, size_t at)
{
    size_t n = 0;

    while (digit_of(cell_at(r, at + n), true) >= 0)
        n++;
    return is_syllabic(cell_at(r, at + n)) || cell_at(r, at + n) == NUMBER ? 0 : n;
}

static bool percent_at(const struct reader *r, size_t at)
{
    return cell_at(r, at) == NUMBER && cell_at(r, at + 1) == lang_digit_cells[0] &&
           cell_at(r, at + 2) == 0x34;
}

/* 3456 and what belongs to it: 24, 3.14, 5.1.1 (a section: each part with its own 3456), 1/2, 50%,
 * and lowered digits alone (page and note numbers). */
static int read_number(struct reader *r)
{
    char text[NUMBER_TEXT + 4];
    size_t at = r->at + 1, n_text = 0;
    bool lowered = digit_of(cell_at(r, at), false) < 0;
    int r2, digit;

    if (percent_at(r, r->at))
        return add(r, LANG_NUMBER, 3, "%");
    if (digit_of(cell_at(r, at), lowered) < 0)
        return add_unknown(r, 1);
    for (;;) {
        if (n_text == NUMBER_TEXT) { /* more digits than a token holds: go on in the next one */
            text[n_text] = 0;
            r2 = add(r, LANG_NUMBER, at - r->at, text);
            if (r2 < 0)
                return r2;
            n_text = 0;
        }
        unsigned cell = cell_at(r, at);
        bool point = !lowered && n_text > 0 && text[n_text - 1] != '.' &&
                     (cell == DOT3 || cell == NUMBER) && !percent_at(r, at) &&
                     digit_of(cell_at(r, at + 1), false) >= 0;
        digit = digit_of(cell, lowered);
        if (digit < 0 && !point)
            break;
        text[n_text++] = point ? '.' : (char) ('0' + digit);
        at++;
    }
    size_t n_below = lowered ? 0 : denominator_at(r, at);
    if (n_below > 0 && n_text > 0 && n_text + 1 + n_below <= NUMBER_TEXT) {
        text[n_text++] = '/';
        while (n_below-- > 0)
            text[n_text++] = (char) ('0' + digit_of(cell_at(r, at++), true));
    }
    size_t sign = at + (cell_at(r, at) == 0);
    if (n_text > 0 && percent_at(r, sign)) {
        text[n_text++] = '%';
        at = sign + 3;
    }
    text[n_text] = 0;
    return at > r->at ? add(r, LANG_NUMBER, at - r->at, text) : 0;
}

/* Letters behind a sign of `n_sign` cells, in tokens of up to 31. */
static int read_letters(struct reader *r, size_t n_sign, bool first_upper, bool all_upper)
{
    size_t at = r->at + n_sign;

    while (letter_of(cell_at(r, at))) {
        char text[32];
        size_t n = 0;
        for (char c; n < sizeof(text) - 1 && (c = letter_of(cell_at(r, at))); at++, n++)
            text[n] = all_upper || (first_upper && n == 0) ? (char) (c - 'a' + 'A') : c;
        text[n] = 0;
        int r2 = add(r, LANG_LATIN, at - r->at, text);
        if (r2 < 0)
            return r2;
        first_upper = false;
    }
    return 0;
}

/* Do the cells from `at` to the next gap or sign read as syllables? */
static bool reads_as_syllables(const struct reader *r, size_t at)
{
    size_t base, n, start = at;

    while ((n = syllable_at(r, at, &base)) > 0)
        at += n;
    return at > start && !is_syllabic(cell_at(r, at));
}

/* Dot 6: a capital letter (66: a word of them), or emphasis before a word, which is not spoken. */
static int read_dot6(struct reader *r)
{
    size_t n_sign = cell_at(r, r->at + 1) == DOT6 ? 2 : 1, n = 0;
    size_t base;

    while (letter_of(cell_at(r, r->at + n_sign + n)))
        n++;
    bool latin = n > 0 && !is_syllabic(cell_at(r, r->at + n_sign + n));
    if (latin && (n_sign == 2 || n == 1 || !reads_as_syllables(r, r->at + n_sign)))
        return read_letters(r, n_sign, true, n_sign == 2);
    if (n_sign == 1 && syllable_at(r, r->at + 1, &base) > 0) {
        r->at++;
        return 0;
    }
    return add_unknown(r, 1);
}

/* Dots 36: "：" before a gap, "－" before a number, else a joiner that is not spoken. */
static int read_dots36(struct reader *r)
{
    unsigned next = cell_at(r, r->at + 1);

    if (is_gap(next))
        return add(r, LANG_PUNCT, 1, at_word_start(r) ? "－" : "：");
    if (next == NUMBER || (next == DOTS56 && letter_of(cell_at(r, r->at + 2))))
        return add(r, LANG_PUNCT, 1, "－");
    r->at++;
    return 0;
}

/* Both quotes are dots 45, both square brackets 56-23: the gaps around them tell, else they take
 * turns. */
static int read_pair(struct reader *r, size_t n_cells, unsigned *n_seen, const char *open,
                     const char *close)
{
    bool gap_after = is_gap(cell_at(r, r->at + n_cells)), gap_before = at_word_start(r);
    bool opens = gap_before != gap_after ? gap_before : *n_seen % 2 == 0;

    *n_seen = opens ? 1 : 0;
    return add(r, LANG_PUNCT, n_cells, opens ? open : close);
}

/* Leader dots and the ellipsis: three or more dots 5. Returns their cells. */
static size_t leader_at(const struct reader *r)
{
    size_t n = 0;

    while (cell_at(r, r->at + n) == DOT5)
        n++;
    /* the last one belongs to what follows when that makes a sign: "……。" */
    unsigned next = cell_at(r, r->at + n);
    if (n > 3 && (next == DOTS23 || next == DOT3))
        n--;
    return n >= 3 ? n : 0;
}

/* Operators look like finals; before a number or a letter at a word's start they are operators. */
static const char *operator_at(const struct reader *r)
{
    static const struct {
        unsigned cell;
        const char *text;
    } table[] = {{0x16, "＋"}, {0x36, "＝"}, {0x26, "×"}, {0x32, "÷"}};
    unsigned next = cell_at(r, r->at + 1);

    if (!at_word_start(r) && !follows(r, LANG_NUMBER) && !follows(r, LANG_LATIN))
        return NULL;
    if (next == NUMBER ? digit_of(cell_at(r, r->at + 2), false) < 0
                       : next != DOTS56 || !letter_of(cell_at(r, r->at + 2)))
        return NULL;
    for (size_t i = 0; i < ELEMENTSOF(table); i++)
        if (table[i].cell == cell_at(r, r->at))
            return table[i].text;
    return NULL;
}

static int read_sign(struct reader *r)
{
    unsigned cell = cell_at(r, r->at), next = cell_at(r, r->at + 1);
    size_t n = leader_at(r);

    if (n > 0)
        return add(r, LANG_PUNCT, n, "……");
    if (cell == DOTS45 && next == DOTS45)
        return read_pair(r, 2, &r->n_single, "‘", "’");
    if (cell == DOTS45)
        return read_pair(r, 1, &r->n_quotes, "“", "”");
    if (cell == DOTS56 && next == DOTS23)
        return read_pair(r, 2, &r->n_brackets, "［", "］");
    if (cell == DOTS56 && letter_of(next) && (at_word_start(r) || !follows(r, LANG_SYLLABLE)) &&
        next != DOT2)
        return read_letters(r, 1, false, false);
    if (cell == DOT4 && at_word_start(r) && next == 0x1E) { /* "it": ta with a mark of its own */
        r->at++;
        return 0;
    }
    for (size_t s = 0; s < lang_n_signs; s++) {
        const struct lang_sign *sign = &lang_signs[s];
        size_t same = 0;
        while (same < sign->n_cells && cell_at(r, r->at + same) == sign->cells[same])
            same++;
        if (same == sign->n_cells && !(cell == DOTS36 && same == 1))
            return add(r, LANG_PUNCT, same, sign->text);
    }
    if (cell == DOTS36)
        return read_dots36(r);
    if (cell == DOT6)
        return read_dot6(r);
    return add_unknown(r, 1);
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
static int read_gap(struct reader *r)
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
    return add(r, LANG_SPACE, n, paragraph ? "\n\n" : n_lines > 0 ? "\n" : " ");
}

static void measure_lines(struct reader *r)
{
    size_t margin = SIZE_MAX, start = 0;
    bool inside = false;

    for (size_t i = 0; i < r->n; i++) {
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

/* me and mo share their cells. Without a tone it is me behind shen and zen, and behind the others
 * at the end of a word. */
static void restore_me(struct lang_text *t)
{
    for (size_t i = 1; i < t->n; i++) {
        struct lang_token *token = &t->tokens[i];
        bool last = i + 1 == t->n || t->tokens[i + 1].kind != LANG_SYLLABLE;
        const char *before = t->tokens[i - 1].text;
        if (token->kind == LANG_SYLLABLE && strcmp(token->text, "mo") == 0 &&
            takes_me(&t->tokens[i - 1]) &&
            (last || strncmp(before, "shen", 4) == 0 || strncmp(before, "zen", 3) == 0))
            strcpy(token->text, "me");
    }
}

static int read_one(struct reader *r)
{
    unsigned cell = r->cells[r->at];
    const char *sign;

    if (is_gap(cell))
        return read_gap(r);
    if (cell == NUMBER)
        return read_number(r);
    if (is_syllabic(cell)) {
        sign = operator_at(r);
        return sign ? add(r, LANG_PUNCT, 1, sign) : read_syllable(r);
    }
    return read_sign(r);
}

int lang_decode(const uint8_t *cells, size_t n, struct lang_text *ret)
{
    struct lang_text text = {0};
    struct reader r = {.cells = cells, .n = n, .text = &text};

    if (n > UINT32_MAX)
        return -E2BIG;
    measure_lines(&r);
    while (r.at < n) {
        int error = read_one(&r);
        if (error < 0) {
            lang_text_done(&text);
            return error;
        }
    }
    restore_me(&text);
    *ret = text;
    return 0;
}

void lang_text_done(struct lang_text *t)
{
    free(t->tokens);
    *t = (struct lang_text){0};
}
