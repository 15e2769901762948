/* SPDX-License-Identifier: Apache-2.0
 *
 * Two-Cell Chinese Braille: every syllable is two cells, initial + medial and rime + tone. The
 * first cell is none of the eleven that signs begin with, so that a word is cut into pairs from
 * its beginning on.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lang/reader.h"
#include "lang/tone.h"

enum { TA1 = 0x0E /* dots 234 */, TA2 = 0x1E /* dots 2345 */ };

static uint16_t pair_at(const struct reader *r, size_t at)
{
    unsigned first = cell_at(r, at), second = cell_at(r, at + 1);

    return first < 64 && second < 64 ? lang_two_cell_pairs[first][second] : 0;
}

/* Is the next cell neither the second of a pair nor the first of one? */
static bool ends_word(unsigned cell)
{
    static const uint8_t signs[] = {DOT4, DOTS45, DOT5, DOTS36, DOTS56, DOT6, NUMBER};

    return is_gap(cell) || memchr(signs, (int) cell, sizeof(signs));
}

/* Words that the books write with the first cell alone, also at the end of a longer word: de (34),
 * shi (124) and the er that colours the syllable before it (35). All seen in DSBI's Two-Cell book;
 * liblouis writes them in full. */
static const char *short_word(const struct reader *r)
{
    enum { DE = 0x0C, SHI = 0x0B, ER = 0x14 };
    unsigned cell = cell_at(r, r->at);

    if (!ends_word(cell_at(r, r->at + 1)))
        return NULL;
    if (cell == ER)
        return follows(r, LANG_SYLLABLE) ? "er5" : NULL;
    return cell == DE ? "de5" : cell == SHI ? "shi4" : NULL;
}

/* A syllable whose cells do not tell the neutral tone from the fourth stays without tone until the
 * word is whole. */
static int read_pair(struct reader *r, uint16_t code)
{
    const uint16_t base = (uint16_t) (code / 8 - 1);
    const unsigned tone = code % 8;
    const struct lang_two_cell *cells = &lang_two_cell[base];
    char text[16];

    if (tone >= 4 && cells->second[4] == cells->second[5])
        snprintf(text, sizeof(text), "%s", lang_bases[base].text);
    else
        snprintf(text, sizeof(text), "%s%u", lang_bases[base].text, tone);
    return lang_reader_add(r, LANG_SYLLABLE, 2, text);
}

static int read_syllable(struct reader *r)
{
    const uint16_t code = pair_at(r, r->at);
    const char *word = code ? NULL : short_word(r);

    if (code)
        return read_pair(r, code);
    if (word)
        return lang_reader_add(r, LANG_SYLLABLE, 1, word);
    const struct lang_sign *sign = lang_reader_sign(r); /* ’ begins like r */
    if (sign)
        return lang_reader_add(r, LANG_PUNCT, sign->n_cells, sign->text);
    return lang_reader_unknown(r, 1 + !ends_word(cell_at(r, r->at + 1)));
}

/* Do the cells from `at` to the end of the word read as syllables? */
static bool reads_as_syllables(const struct reader *r, size_t at)
{
    const size_t start = at;

    while (pair_at(r, at))
        at += 2;
    return at > start && ends_word(cell_at(r, at));
}

/* Letters behind a sign of `n_sign` cells that are nothing else. */
static bool letters_at(const struct reader *r, size_t n_sign)
{
    size_t n = 0;

    while (lang_reader_letter(cell_at(r, r->at + n_sign + n)))
        n++;
    return n > 0 && ends_word(cell_at(r, r->at + n_sign + n)) &&
           !reads_as_syllables(r, r->at + n_sign);
}

/* She and it are he behind dot 4 and dot 5, which are not spoken. */
static bool marks_pronoun(const struct reader *r)
{
    const unsigned cell = cell_at(r, r->at);

    return (cell == DOT4 || cell == DOT5) && at_word_start(r) && cell_at(r, r->at + 1) == TA1 &&
           cell_at(r, r->at + 2) == TA2;
}

/* Dots 36: a dash before a gap or a number, else a joiner that is not spoken. */
static int read_dots36(struct reader *r)
{
    const unsigned next = cell_at(r, r->at + 1);

    if (is_gap(next) || next == NUMBER)
        return lang_reader_add(r, LANG_PUNCT, 1, "－");
    r->at++;
    return 0;
}

static int read_sign(struct reader *r)
{
    const unsigned cell = cell_at(r, r->at), next = cell_at(r, r->at + 1);
    const size_t n = lang_reader_leader(r, DOT6) + lang_reader_leader(r, DOT5);

    if (n > 0)
        return lang_reader_add(r, LANG_PUNCT, n, "……");
    if (cell == DOTS56 && next == DOTS23)
        return lang_reader_pair(r, 2, &r->n_brackets, "［", "］");
    if (marks_pronoun(r)) {
        r->at++;
        return 0;
    }
    const struct lang_sign *sign = lang_reader_sign(r);
    if ((!sign || sign->n_cells == 1) && cell == DOT6 && next == DOT6 && letters_at(r, 2))
        return lang_reader_letters(r, 2, true, true);
    if ((!sign || sign->n_cells == 1) && (cell == DOT6 || cell == DOTS56) && letters_at(r, 1) &&
        !follows(r, LANG_SYLLABLE))
        return lang_reader_letters(r, 1, cell == DOT6, false);
    if (sign)
        return lang_reader_add(r, LANG_PUNCT, sign->n_cells, sign->text);
    return cell == DOTS36 ? read_dots36(r) : lang_reader_unknown(r, 1);
}

int lang_read_two_cell(struct reader *r)
{
    return is_syllabic(r, cell_at(r, r->at)) ? read_syllable(r) : read_sign(r);
}

/* The syllables of one word; those without a digit get the tone that its words have. */
static int settle_word(struct lang_token *tokens, size_t n)
{
    CLEANUP_FREE struct lang_syllable *items = calloc(n, sizeof(*items));

    if (!items)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        const size_t length = strcspn(tokens[i].text, "12345");
        const char digit = tokens[i].text[length];
        const int base = lang_base_find(tokens[i].text, length);
        items[i] = (struct lang_syllable){
            .base = (uint16_t) base, .tone = digit ? (uint8_t) (digit - '0') : 0, .other = 4};
    }
    int r = lang_tone_word(items, n);
    for (size_t i = 0; i < n && r == 0; i++)
        lang_syllable_format(items[i], tokens[i].text);
    return r;
}

int lang_settle_two_cell(struct lang_text *t)
{
    int r = 0;

    for (size_t i = 0, n; i < t->n && r == 0; i += n) {
        bool open = false;
        for (n = 0; i + n < t->n && t->tokens[i + n].kind == LANG_SYLLABLE; n++)
            open = open || !strpbrk(t->tokens[i + n].text, "12345");
        if (open)
            r = settle_word(t->tokens + i, n);
        n = MAX(n, (size_t) 1);
    }
    return r;
}
