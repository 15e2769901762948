/* SPDX-License-Identifier: Apache-2.0
 *
 * Text -> cells. docs/braille.md C; what liblouis makes of the same text is compared in
 * tests/unit/test-encode.c.
 */

#include "lang/encode.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lang/code.h"

enum {
    DOT3 = 0x04,
    DOTS36 = 0x24, /* joins a number to a syllable that would be read as a digit */
    NUMBER = 0x3C,
};

const char *const lang_code_names[LANG_N_CODES] = {"current", "common", "two-cell"};
const char *const lang_bit_type_names[LANG_N_BIT_TYPES] = {"number", "spell", "punctuation"};

int lang_code_parse(const char *name, enum lang_code *ret)
{
    for (unsigned i = 0; i < LANG_N_CODES; i++)
        if (strcmp(name, lang_code_names[i]) == 0) {
            *ret = (enum lang_code) i;
            return 0;
        }
    return -EINVAL;
}

uint8_t lang_omitted_tone(uint16_t base)
{
    static const struct {
        const char *text;
        uint8_t tone;
    } own[] = {{"e", 0},  {"le", 0}, {"tou", 0}, {"zi", 0},  {"er", 2}, /* le4 is not le5 */
               {"wo", 3}, {"ye", 3}, {"yi", 1},  {"you", 3}, {"yo", 3}};
    static const char *const second = " p m t n h q ch r c ";
    const struct lang_base *b = &lang_bases[base];
    char initial[8];

    for (size_t i = 0; i < ELEMENTSOF(own); i++)
        if (strcmp(b->text, own[i].text) == 0)
            return own[i].tone;
    if (!b->initial[0])
        return 4;
    if (strcmp(b->initial, "f") == 0)
        return 1;
    snprintf(initial, sizeof(initial), " %s ", b->initial);
    return strstr(second, initial) ? 2 : 4;
}

size_t lang_write_syllable(enum lang_code code, struct lang_syllable s, brl_cell out[3])
{
    const struct lang_base *base = &lang_bases[s.base];
    size_t n = base->n_cells;

    if (code == LANG_TWO_CELL) {
        if (s.tone == 0)
            return 0;
        out[0] = lang_two_cell[s.base].first;
        out[1] = lang_two_cell[s.base].second[s.tone];
        return 2;
    }
    memcpy(out, base->cells, n);
    if (s.tone >= 1 && s.tone <= 4 && !(code == LANG_COMMON && s.tone == lang_omitted_tone(s.base)))
        out[n++] = lang_tone_cells[s.tone];
    return n;
}

const struct lang_sign *lang_code_signs(enum lang_code code, size_t *ret_n)
{
    *ret_n = code == LANG_TWO_CELL ? lang_n_two_cell_signs : lang_n_signs;
    return code == LANG_TWO_CELL ? lang_two_cell_signs : lang_signs;
}

/* ---- a text ---- */

struct writer {
    enum lang_code code;
    brl_cell *cells;
    size_t n;
    const char *text; ///< the whole, for messages
    bool gap;         ///< a blank is due before what comes
    bool after_number;
    struct fail *fail;
};

static int refuse(const struct writer *w, const char *part, size_t n, const char *why)
{
    return fail_set(w->fail, FAIL_INPUT, -EILSEQ, "'%.*s' in '%.80s': %s", (int) MIN(n, 40), part,
                    w->text, why);
}

static int put(struct writer *w, const brl_cell *cells, size_t n)
{
    if (w->n + w->gap + n > LANG_MAX_LABEL_CELLS)
        return fail_set(w->fail, FAIL_INPUT, -E2BIG, "'%.80s…' has more than %d cells", w->text,
                        LANG_MAX_LABEL_CELLS);
    if (w->gap)
        w->cells[w->n++] = 0;
    memcpy(w->cells + w->n, cells, n);
    w->n += n;
    w->gap = w->after_number = false;
    return 0;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static brl_cell lower(brl_cell cell)
{
    return (brl_cell) ((cell & 0x1B) << 1);
}

/* 24, 3.14, 5.1.1, 1/2 (the denominator in lowered digits), 50% (3456-245-356). */
static int put_number(struct writer *w, const char **at)
{
    static const brl_cell percent[] = {NUMBER, 0x1A, 0x34};
    brl_cell cells[LANG_MAX_LABEL_CELLS] = {NUMBER};
    const char *p = *at, *start = p;
    bool below = false;
    size_t n = 1;

    for (; n < LANG_MAX_LABEL_CELLS - 4; p++) {
        if (is_digit(*p))
            cells[n++] = below ? lower(lang_digit_cells[*p - '0']) : lang_digit_cells[*p - '0'];
        else if (*p == '.' && !below && is_digit(p[1]))
            cells[n++] = DOT3;
        else if (*p == '/' && !below && is_digit(p[1]))
            below = true;
        else
            break;
    }
    if (is_digit(*p))
        return fail_set(w->fail, FAIL_INPUT, -E2BIG, "'%.40s…' has too many digits", start);
    if (*p == '%') {
        memcpy(cells + n, percent, sizeof(percent));
        n += sizeof(percent);
        p++;
    }
    int r = put(w, cells, n);
    w->after_number = true;
    *at = p;
    return r;
}

/* Would the cell be taken for part of the number before it? */
static bool reads_as_digit(brl_cell cell)
{
    for (unsigned d = 0; d < 10; d++)
        if (cell == lang_digit_cells[d] || cell == lower(lang_digit_cells[d]))
            return true;
    return cell == DOT3;
}

/* Bytes of a letter of pinyin, 0 for something else. */
static size_t letter_at(const char *p)
{
    if ((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z'))
        return 1 + (size_t) ((*p == 'u' || *p == 'U') && p[1] == ':');
    return strncmp(p, "ü", 2) == 0 || strncmp(p, "Ü", 2) == 0 ? 2 : 0;
}

static size_t word_at(const char *p)
{
    size_t n = 0, length;

    for (;;) {
        if ((length = letter_at(p + n)) > 0) {
            n += length;
            if (p[n] >= '1' && p[n] <= '5')
                n++;
        } else if (p[n] == '\'' && n > 0 && letter_at(p + n + 1) > 0) {
            n++;
        } else {
            return n;
        }
    }
}

/* The short word of Common Braille that a syllable is: de, ni3, ta1 alone, the last two also before
 * men, me also behind other syllables (zen3me5). */
static const struct lang_common_word *short_word(const struct lang_piece *word, size_t i)
{
    const char *base = lang_bases[word->items[i].base].text;
    const uint8_t tone = word->items[i].tone ? word->items[i].tone : 5;
    const bool plural =
        i == 0 && word->n == 2 && strcmp(lang_bases[word->items[1].base].text, "men") == 0;

    for (size_t k = 0; k < lang_n_common_words; k++) {
        const char *p = lang_common_words[k].pinyin;
        const size_t n = strlen(p) - 1;
        if (strlen(base) != n || strncmp(p, base, n) != 0 || p[n] - '0' != tone)
            continue;
        const bool me = base[0] == 'm';
        return me ? (i + 1 == word->n ? &lang_common_words[k] : NULL)
                  : (word->n == 1 || (plural && base[0] != 'd') ? &lang_common_words[k] : NULL);
    }
    return NULL;
}

static int put_syllable(struct writer *w, const struct lang_piece *word, size_t i)
{
    const struct lang_common_word *short_form = w->code == LANG_COMMON ? short_word(word, i) : NULL;
    brl_cell cells[4] = {DOTS36};
    size_t n;

    if (short_form) {
        n = short_form->n_cells;
        memcpy(cells + 1, short_form->cells, n);
    } else {
        n = lang_write_syllable(w->code, word->items[i], cells + 1);
    }
    if (n == 0)
        return refuse(w, word->text, word->n_text,
                      "Two-Cell Braille writes every tone; add the digits 1-5");
    const bool join = w->after_number && !w->gap && reads_as_digit(cells[1]);
    return put(w, cells + !join, n + join);
}

static int put_word(struct writer *w, const char **at)
{
    const size_t n = word_at(*at);
    CLEANUP_FREE char *text = strndup(*at, n);
    struct lang_pieces pieces = {0};

    if (!text)
        return -ENOMEM;
    int r = lang_pieces_read(text, &pieces, NULL);
    if (r == -EINVAL || (r == 0 && (pieces.n != 1 || pieces.items[0].kind != LANG_PIECE_WORD)))
        r = refuse(w, *at, n, "is no pinyin; write syllables with tones 1-5, as in ni3hao3");
    for (size_t i = 0; r == 0 && i < pieces.items[0].n; i++)
        r = put_syllable(w, &pieces.items[0], i);
    lang_pieces_done(&pieces);
    *at += n;
    return r;
}

/* Blanks: none before a sign that closes or stops, none behind one that opens. */
enum { OPENS = 1, CLOSES = 2 };
static unsigned sign_sides(const char *sign)
{
    static const char *const opening = "“‘（［｛《〈·-～——",
                             *const closing = "，。、；：？！”’）］｝》〉……·-～——";

    return (strstr(opening, sign) ? OPENS : 0) | (strstr(closing, sign) ? CLOSES : 0);
}

/* What may be typed for a full-width sign. */
static const char *typed_sign(const char *p, size_t *ret_n)
{
    static const struct {
        const char *text, *sign;
    } table[] = {{",", "，"}, {".", "。"}, {";", "；"}, {":", "："}, {"?", "？"},
                 {"!", "！"}, {"(", "（"}, {")", "）"}, {"[", "［"}, {"]", "］"},
                 {"{", "｛"}, {"}", "｝"}, {"－", "-"}, {"…", "……"}, {"—", "——"}};

    for (size_t i = 0; i < ELEMENTSOF(table); i++)
        if (strncmp(p, table[i].text, strlen(table[i].text)) == 0) {
            *ret_n = strlen(table[i].text);
            return table[i].sign;
        }
    return NULL;
}

static const struct lang_sign *sign_at(enum lang_code code, const char *p, size_t *ret_n)
{
    size_t n_signs, n_typed = 0;
    const struct lang_sign *signs = lang_code_signs(code, &n_signs);

    for (size_t s = 0; s < n_signs; s++)
        if (strncmp(p, signs[s].text, strlen(signs[s].text)) == 0) {
            *ret_n = strlen(signs[s].text);
            return &signs[s];
        }
    const char *typed = typed_sign(p, &n_typed);
    for (size_t s = 0; typed && s < n_signs; s++)
        if (strcmp(typed, signs[s].text) == 0) {
            *ret_n = n_typed;
            return &signs[s];
        }
    return NULL;
}

static int put_sign(struct writer *w, const char **at, const struct lang_sign *sign, size_t n_text)
{
    const unsigned sides = sign_sides(sign->text);

    if (sides & CLOSES)
        w->gap = false;
    int r = put(w, sign->cells, sign->n_cells);
    *at += n_text;
    while (sides & OPENS && **at == ' ')
        ++*at;
    return r;
}

/* Bytes of the UTF-8 character at `p`; a broken one is one byte. */
static size_t char_at(const char *p)
{
    size_t n = 1;

    if ((unsigned char) *p >= 0xc0)
        while (n < 4 && ((unsigned char) p[n] & 0xc0) == 0x80)
            n++;
    return n;
}

/* A cell of Unicode braille, or one of Common Braille's words in Hanzi. */
static int put_other(struct writer *w, const char **at)
{
    const unsigned char *s = (const unsigned char *) *at;
    const size_t n = char_at(*at);

    if (n == 3 && s[0] == 0xe2 && (s[1] & 0xfc) == 0xa0) {
        const unsigned dots = (s[1] & 3u) << 6 | (s[2] & 0x3fu);
        if (dots > 63)
            return refuse(w, *at, n, "Chinese braille has six dots");
        *at += n;
        return put(w, &(brl_cell){(brl_cell) dots}, 1);
    }
    for (size_t k = 0; w->code == LANG_COMMON && k < lang_n_common_words; k++)
        if (strncmp(*at, lang_common_words[k].hanzi, n) == 0 && n == 3) {
            *at += n;
            return put(w, lang_common_words[k].cells, lang_common_words[k].n_cells);
        }
    return refuse(w, *at, n, "this code has no cells for it; write pinyin, numbers or signs");
}

static int put_next(struct writer *w, const char **at)
{
    size_t n_text = 0;

    if (**at == ' ' || (**at >= '\t' && **at <= '\r')) {
        w->gap = w->n > 0;
        ++*at;
        return 0;
    }
    if (is_digit(**at))
        return put_number(w, at);
    if (word_at(*at) > 0)
        return put_word(w, at);
    const struct lang_sign *sign = sign_at(w->code, *at, &n_text);
    return sign ? put_sign(w, at, sign, n_text) : put_other(w, at);
}

int lang_encode(enum lang_code code, const char *text, brl_cell cells[LANG_MAX_LABEL_CELLS],
                size_t *ret_n, struct fail *fail)
{
    struct writer w = {.code = code, .cells = cells, .text = text, .fail = fail};
    int r = 0;

    for (const char *p = text; *p && r == 0;)
        r = put_next(&w, &p);
    if (r == 0 && w.n == 0)
        r = fail_set(fail, FAIL_INPUT, -EILSEQ, "an empty label has no cells");
    if (r == 0)
        *ret_n = w.n;
    return r;
}
