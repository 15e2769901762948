/* SPDX-License-Identifier: Apache-2.0
 *
 * Cells -> tokens, and Current and Common Braille. Initials, finals and tones share no cell, so
 * syllables need no look-back; what is left (numbers, punctuation, letters, the joiner) is told
 * apart by its neighbours. docs/braille.md C.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lang/formula.h"
#include "lang/reader.h"

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

/* Words of one initial: d is de also in books of Current Braille, and n with tone 2 nin2 (DSBI's
 * Math, page 3, twice); the others are Common Braille's: n ni3, t ta1 (with tone 1 she), both also
 * before men, m the me of zenme. NULL: there is none. */
static const char *short_word(const struct reader *r, size_t *ret_n)
{
    enum { D = 0x19, T = 0x1E, N = 0x1D, M = 0x0D, EN = 0x34, TONE1 = 0x01, TONE2 = 0x02 };
    unsigned cell = cell_at(r, r->at), next = cell_at(r, r->at + 1);
    bool first = !follows(r, LANG_SYLLABLE), whole = !is_syllabic(r, next) && next != NUMBER;
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
    if (!first || is_syllabic(r, cell_at(r, r->at + 2)))
        return NULL;
    return cell == T && next == TONE1 ? "ta1" : cell == N && next == TONE2 ? "nin2" : NULL;
}

/* The name of an initial in a table of them: "b － 4" (DSBI's Ordinary Printed Document, page 1).
 * NULL: here is none. */
static const char *named_initial(const struct reader *r)
{
    const unsigned cell = cell_at(r, r->at);

    if (!at_word_start(r) || class_of(cell) != LANG_INITIAL || cell_at(r, r->at + 1) != DOTS36 ||
        cell_at(r, r->at + 2) != NUMBER)
        return NULL;
    for (size_t b = 0; b < lang_n_bases; b++)
        if (lang_bases[b].cells[0] == cell)
            return lang_bases[b].initial;
    return NULL;
}

static int read_syllable(struct reader *r)
{
    size_t base = SIZE_MAX, n = syllable_at(r, r->at, &base);
    char text[16];

    const char *word = n == 0 ? short_word(r, &n) : NULL;
    if (word)
        return lang_reader_add(r, LANG_SYLLABLE, n, word);
    const char *initial = base == SIZE_MAX ? named_initial(r) : NULL;
    if (initial)
        return lang_reader_add(r, LANG_LATIN, 1, initial);
    if (base == SIZE_MAX) {
        /* an illegal pair is one unknown of two cells, with its tone */
        n = 1;
        if (class_of(cell_at(r, r->at)) == LANG_INITIAL &&
            class_of(cell_at(r, r->at + 1)) == LANG_FINAL)
            n = 2;
        if (n == 2 && class_of(cell_at(r, r->at + 2)) == LANG_TONE)
            n = 3;
        return lang_reader_unknown(r, n);
    }
    unsigned last = cell_at(r, r->at + n - 1), tone = 0;
    for (unsigned t = 1; t <= 4 && class_of(last) == LANG_TONE; t++)
        if (last == lang_tone_cells[t])
            tone = t;
    if (tone > 0)
        snprintf(text, sizeof(text), "%s%u", lang_bases[base].text, tone);
    else
        snprintf(text, sizeof(text), "%s", lang_bases[base].text);
    return lang_reader_add(r, LANG_SYLLABLE, n, text);
}

/* Do the cells from `at` to the next gap or sign read as syllables? */
static bool reads_as_syllables(const struct reader *r, size_t at)
{
    size_t base, n, start = at;

    while ((n = syllable_at(r, at, &base)) > 0)
        at += n;
    return at > start && !is_syllabic(r, cell_at(r, at));
}

/* Dot 6: a capital letter (66: a word of them), or emphasis before a word, which is not spoken. */
static int read_dot6(struct reader *r)
{
    size_t n_sign = cell_at(r, r->at + 1) == DOT6 ? 2 : 1, n = 0;
    size_t base;

    while (lang_reader_letter(cell_at(r, r->at + n_sign + n)))
        n++;
    bool latin = n > 0 && !is_syllabic(r, cell_at(r, r->at + n_sign + n));
    if (latin && (n_sign == 2 || n == 1 || !reads_as_syllables(r, r->at + n_sign)))
        return lang_reader_letters(r, n_sign, true, n_sign == 2);
    if (n_sign == 1 && syllable_at(r, r->at + 1, &base) > 0) {
        r->at++;
        return 0;
    }
    return lang_reader_unknown(r, 1);
}

/* Dots 36: "：" before a gap, "－" before a number, else a joiner that is not spoken. */
static int read_dots36(struct reader *r)
{
    unsigned next = cell_at(r, r->at + 1);

    if (is_gap(next))
        return lang_reader_add(r, LANG_PUNCT, 1, at_word_start(r) ? "－" : "：");
    if (next == NUMBER || (next == DOTS56 && lang_reader_letter(cell_at(r, r->at + 2))))
        return lang_reader_add(r, LANG_PUNCT, 1, "－");
    r->at++;
    return 0;
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
    if (next == NUMBER ? lang_reader_digit(cell_at(r, r->at + 2), false) < 0
                       : next != DOTS56 || !lang_reader_letter(cell_at(r, r->at + 2)))
        return NULL;
    for (size_t i = 0; i < ELEMENTSOF(table); i++)
        if (table[i].cell == cell_at(r, r->at))
            return table[i].text;
    return NULL;
}

/* The last dot 5 belongs to what follows when that makes a sign: "……。" */
static size_t leader_at(const struct reader *r)
{
    size_t n = lang_reader_leader(r, DOT5);
    unsigned next = cell_at(r, r->at + n);

    return n - (n > 3 && (next == DOTS23 || next == DOT3));
}

static int read_sign(struct reader *r)
{
    unsigned cell = cell_at(r, r->at), next = cell_at(r, r->at + 1);
    size_t n = leader_at(r);

    if (n > 0)
        return lang_reader_add(r, LANG_PUNCT, n, "……");
    if (cell == DOTS45 && next == DOTS45)
        return lang_reader_pair(r, 2, &r->n_single, "‘", "’");
    if (cell == DOTS45)
        return lang_reader_pair(r, 1, &r->n_quotes, "“", "”");
    if (cell == DOTS56 && next == DOTS23)
        return lang_reader_pair(r, 2, &r->n_brackets, "［", "］");
    if (cell == DOTS56 && lang_reader_letter(next) &&
        (at_word_start(r) || !follows(r, LANG_SYLLABLE)) && next != DOT2)
        return lang_reader_letters(r, 1, false, false);
    if (cell == DOT4 && at_word_start(r) && next == 0x1E) { /* "it": ta with a mark of its own */
        r->at++;
        return 0;
    }
    const struct lang_sign *sign = lang_reader_sign(r);
    if (sign && !(cell == DOTS36 && sign->n_cells == 1))
        return lang_reader_add(r, LANG_PUNCT, sign->n_cells, sign->text);
    if (cell == DOTS36)
        return read_dots36(r);
    if (cell == DOT6)
        return read_dot6(r);
    return lang_reader_unknown(r, 1);
}

/* me and mo share their cells. Without a tone it is me behind shen and zen, and behind the others
 * at the end of a word. */
int lang_settle_one_cell(struct lang_text *t)
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
    return 0;
}

int lang_read_one_cell(struct reader *r)
{
    const char *sign;

    if (!is_syllabic(r, r->cells[r->at]))
        return read_sign(r);
    sign = operator_at(r);
    return sign ? lang_reader_add(r, LANG_PUNCT, 1, sign) : read_syllable(r);
}

int lang_decode_part(enum lang_code code, const uint8_t *cells, size_t first, size_t end,
                     const struct lang_layout *layout, uint32_t *quotes, struct lang_text *ret)
{
    struct lang_text text = {.code = code};
    struct reader r = {.code = code,
                       .layout = layout,
                       .cells = cells,
                       .n = end,
                       .at = first,
                       .line = first,
                       .text = &text,
                       .n_quotes = quotes ? quotes[0] : 0,
                       .n_single = quotes ? quotes[1] : 0,
                       .n_brackets = quotes ? quotes[2] : 0};
    const bool two_cell = code == LANG_TWO_CELL;
    int error = 0;

    if (end > UINT32_MAX)
        return -E2BIG;
    lang_reader_measure(&r);
    while (r.at < end && error == 0) {
        if (is_gap(cells[r.at]))
            error = lang_reader_gap(&r);
        else if ((error = lang_math_read(&r)) != 0)
            error = error < 0 ? error : 0;
        else if (cells[r.at] == NUMBER)
            error = lang_reader_number(&r);
        else
            error = two_cell ? lang_read_two_cell(&r) : lang_read_one_cell(&r);
    }
    if (error == 0)
        error = two_cell ? lang_settle_two_cell(&text) : lang_settle_one_cell(&text);
    if (error < 0) {
        lang_text_done(&text);
        return error;
    }
    if (quotes) {
        quotes[0] = r.n_quotes;
        quotes[1] = r.n_single;
        quotes[2] = r.n_brackets;
    }
    *ret = text;
    return 0;
}

int lang_decode_code(enum lang_code code, const uint8_t *cells, size_t n, struct lang_text *ret)
{
    return lang_decode_part(code, cells, 0, n, NULL, NULL, ret);
}

/* Books of Current Braille print a tone on 7-23 % of the syllables (docs/braille.md D); Common
 * Braille (GF 0019-2018) leaves out one tone of each initial and prints the others, about 60 %. */
static bool is_common(const struct lang_text *t)
{
    size_t n = 0, n_toned = 0;

    for (size_t i = 0; i < t->n; i++) {
        n += t->tokens[i].kind == LANG_SYLLABLE;
        n_toned += t->tokens[i].kind == LANG_SYLLABLE && strpbrk(t->tokens[i].text, "1234");
    }
    return n >= 20 && n_toned * 100 >= n * 40;
}

int lang_decode(const uint8_t *cells, size_t n, struct lang_text *ret)
{
    int r = lang_decode_code(LANG_CURRENT, cells, n, ret);

    if (r == 0 && is_common(ret))
        ret->code = LANG_COMMON;
    return r;
}

void lang_text_done(struct lang_text *t)
{
    free(t->tokens);
    *t = (struct lang_text){0};
}
