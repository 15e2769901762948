/* SPDX-License-Identifier: Apache-2.0
 *
 * What is written with digits: money, fractions, ratios, plain numbers and their units. The forms
 * are those of GB/T 15835-2011; how they are said is usage.
 */

#include "lang/text_number.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "lang/number.h"

size_t lang_text_digits(const struct text *t, size_t i)
{
    size_t n = 0;

    while (n < LANG_TEXT_MOST_DIGITS && lang_is_digit(lang_text_at(t, i + n)))
        n++;
    return n;
}

/* Digits i … i + n - 1 as a value; at most 9. */
unsigned lang_text_value(const struct text *t, size_t i, size_t n)
{
    unsigned v = 0;

    for (size_t k = 0; k < n && k < 9; k++)
        v = v * 10 + (unsigned) (t->c[i + k].c - '0');
    return v;
}

/* "1,234,567": commas part groups of three. */
static bool is_grouped(const struct text *t, size_t i, size_t n)
{
    return n >= 1 && n <= 3 && t->c[i].c != '0' && lang_text_at(t, i + n) == ',' &&
           lang_text_digits(t, i + n + 1) == 3;
}

bool lang_text_read_number(const struct text *t, size_t i, struct lang_text_number *ret)
{
    size_t used = 0, n = MIN(lang_text_digits(t, i), (size_t) LANG_TEXT_MAX_DIGITS);
    bool grouped = is_grouped(t, i, n);

    *ret = (struct lang_text_number){.n = n};
    if (n == 0)
        return false;
    for (size_t k = 0; k < n; k++)
        ret->text[used++] = (char) t->c[i + k].c;
    while (grouped && used + 3 < LANG_TEXT_MAX_DIGITS) {
        for (size_t k = 1; k <= 3; k++)
            ret->text[used++] = (char) t->c[i + ret->n + k].c;
        ret->n += 4;
        grouped = lang_text_at(t, i + ret->n) == ',' && lang_text_digits(t, i + ret->n + 1) == 3;
    }
    ret->n_whole = used;
    while (lang_text_at(t, i + ret->n) == '.' && (n = lang_text_digits(t, i + ret->n + 1)) > 0 &&
           used + n + 1 < LANG_TEXT_MAX_DIGITS) {
        ret->text[used++] = '.';
        for (size_t k = 1; k <= n; k++)
            ret->text[used++] = (char) t->c[i + ret->n + k].c;
        ret->n += n + 1;
        ret->n_points++;
    }
    ret->text[used] = 0;
    return true;
}

/* ---- saying ---- */

void lang_text_put_taken(struct text *t, struct lang_buf *out, size_t i, size_t n,
                         enum lang_word_flags flags)
{
    char *pinyin;

    if (lang_buf_take(out, &pinyin) < 0) {
        t->s->r = -ENOMEM;
        return;
    }
    lang_text_put(t, pinyin, i, n, flags);
    free(pinyin);
    t->before = lang_class_number;
}

void lang_text_put_value(struct text *t, unsigned v, const char *behind, size_t i, size_t n)
{
    struct lang_buf out = {0};
    char text[16];

    snprintf(text, sizeof(text), "%u", v);
    lang_number_say(&out, text, false);
    lang_buf_adds(&out, behind);
    lang_text_put_taken(t, &out, i, n, LANG_WORD_COUNTS);
}

/* Digits one by one; in telephone numbers one is yao1. */
void lang_text_put_digits(struct text *t, size_t i, size_t n, bool yao, const char *behind)
{
    struct lang_buf out = {0};
    char digit[2] = "";

    for (size_t k = 0; k < n; k++) {
        if (!lang_is_digit(t->c[i + k].c))
            continue;
        digit[0] = (char) t->c[i + k].c;
        if (yao && digit[0] == '1')
            lang_buf_adds(&out, "yao1");
        else
            lang_number_say(&out, digit, true);
    }
    lang_buf_adds(&out, behind);
    lang_text_put_taken(t, &out, i, n, LANG_WORD_COUNTS);
}

/* ---- numbers and what they count ---- */

/* 16:9; as a score also 3-2. */
static size_t say_ratio(struct text *t, size_t i)
{
    struct lang_text_number a, b;
    const bool score = lang_text_print_before(t, i, LANG_PRINT_SCORE);

    if (!lang_text_read_number(t, i, &a) ||
        (!(score && lang_text_at(t, i + a.n) == '-') && lang_text_at(t, i + a.n) != ':' &&
         lang_text_at(t, i + a.n) != 0xFF1A && lang_text_at(t, i + a.n) != 0x2236) ||
        !lang_text_read_number(t, i + a.n + 1, &b))
        return 0;
    struct lang_buf out = {0};
    lang_number_say(&out, a.text, false);
    lang_buf_adds(&out, " bi3 ");
    lang_number_say(&out, b.text, false);
    lang_text_put_taken(t, &out, i, a.n + 1 + b.n, LANG_WORD_COUNTS);
    return a.n + 1 + b.n;
}

/* What stands behind a number, blanks between them skipped where a unit follows. */
static const struct lang_print *unit_at(const struct text *t, size_t i, size_t *ret_n)
{
    size_t n, gap = 0;

    while (lang_text_at(t, i + gap) == ' ')
        gap++;
    const struct lang_print *p = lang_text_print(t, i + gap, LANG_PRINT_UNIT, &n);
    if (!p || gap > 1 || lang_is_letter(lang_text_at(t, i + gap + n)) ||
        lang_is_digit(lang_text_at(t, i + gap + n)))
        return NULL;
    /* single capitals are more often no unit */
    if (n == 1 && lang_is_letter(t->c[i + gap].c) && gap > 0 && t->c[i + gap].c < 'a')
        return NULL;
    *ret_n = gap + n;
    return p;
}

static bool is_degree(const struct lang_print *unit)
{
    return unit && strstr(unit->pinyin, "du4");
}

static bool is_ordinal(const struct text *t, size_t i)
{
    return i > 0 && t->c[i - 1].c == u'第';
}

/* liang3 is what things are counted with. Ranges count too: 2-3 ge4. */
static bool says_liang(const struct text *t, size_t i, const struct lang_text_number *number,
                       const struct lang_print *unit)
{
    size_t at = i + number->n, n;
    struct lang_text_number end;

    if (strcmp(number->text, "2") != 0 || is_ordinal(t, i) ||
        (i > 0 && lang_is_letter(t->c[i - 1].c)) || t->as == LANG_SAY_CARDINAL ||
        t->as == LANG_SAY_ORDINAL)
        return false;
    if (i > 0 && t->c[i - 1].c == u'月' && lang_text_at(t, at) != u'个')
        return false;
    if (unit)
        return !is_degree(unit);
    if ((lang_text_at(t, at) == '-' || lang_text_at(t, at) == '~' ||
         lang_text_at(t, at) == 0xFF5E) &&
        lang_text_read_number(t, at + 1, &end))
        at += 1 + end.n;
    if (lang_text_at(t, at) == ' ')
        at++;
    /* "er4 nian2ji2", "er4 lou2" */
    const struct lang_print *counts = lang_text_print(t, at, LANG_PRINT_COUNTS, &n);
    const struct lang_print *liang = lang_text_print(t, at, LANG_PRINT_LIANG, &n);
    return liang && !(counts && strlen(counts->text) > strlen(liang->text));
}

static bool keeps_tone(const struct text *t, size_t i, size_t n)
{
    size_t length;

    return is_ordinal(t, i) || (i > 0 && lang_is_letter(t->c[i - 1].c)) ||
           lang_text_print(t, i + n, LANG_PRINT_COUNTS, &length);
}

static bool is_minus(const struct text *t, size_t i)
{
    const uint32_t c = lang_text_at(t, i), before = i > 0 ? t->c[i - 1].c : 0;

    return (c == '-' || c == 0x2212) && lang_is_digit(lang_text_at(t, i + 1)) &&
           !lang_is_digit(before) && !lang_is_letter(before) && before != ')' &&
           (t->before != lang_class_number || before == ' ' || before == ':' || i == 0);
}

/* Of -5 °C it is "below zero". */
static size_t say_minus(struct text *t, size_t i)
{
    struct lang_text_number number;
    size_t n;

    if (!is_minus(t, i) || !lang_text_read_number(t, i + 1, &number))
        return 0;
    const struct lang_print *unit = unit_at(t, i + 1 + number.n, &n);
    const bool cold = is_degree(unit) && strcmp(unit->text, "°") != 0;
    lang_text_put(t, cold ? "ling2xia4" : "fu4", i, 1, LANG_WORD_PLAIN);
    t->before = lang_class_number;
    return 1;
}

/* 1/2; of 3又1/2 the rest is read as it stands. */
static size_t say_fraction(struct text *t, size_t i)
{
    const size_t n = lang_text_digits(t, i), n_below = lang_text_digits(t, i + n + 1);
    const uint32_t sign = lang_text_at(t, i + n);

    if (sign != '/' || n == 0 || n > 9 || n_below == 0 || n_below > 9 ||
        lang_text_at(t, i + n + 1 + n_below) == '/')
        return 0;
    struct lang_buf out = {0};
    char text[24];
    snprintf(text, sizeof(text), "%u/%u", lang_text_value(t, i, n),
             lang_text_value(t, i + n + 1, n_below));
    lang_number_say(&out, text, false);
    lang_text_put_taken(t, &out, i, n + 1 + n_below, LANG_WORD_COUNTS);
    return n + 1 + n_below;
}

/* "1." "2、" "3)" at the beginning of a line. */
static size_t say_list_number(struct text *t, size_t i)
{
    const size_t n = lang_text_digits(t, i);
    const uint32_t sign = lang_text_at(t, i + n);

    if (!t->line_start || n == 0 || n > 3 ||
        (sign != '.' && sign != u'、' && sign != ')' && sign != 0xFF09) ||
        lang_is_digit(lang_text_at(t, i + n + 1)))
        return 0;
    lang_text_put_value(t, lang_text_value(t, i, n), "", i, n);
    lang_script_pause(t->s, "、", false, t->c[i + n].offset, t->c[i + n].n_bytes);
    return n + 1;
}

static size_t say_plain(struct text *t, size_t i)
{
    struct lang_text_number number;
    struct lang_buf out = {0};
    size_t n_unit = 0;

    if (!lang_text_read_number(t, i, &number))
        return 0;
    const struct lang_print *unit = unit_at(t, i + number.n, &n_unit);
    const uint32_t next = lang_text_at(t, i + number.n);
    const bool percent = next == '%' || next == 0x2030;
    if (t->as == LANG_SAY_ORDINAL)
        lang_buf_adds(&out, "di4");
    if (next == '%')
        lang_buf_adds(&out, "bai3fen1zhi1 ");
    if (next == 0x2030)
        lang_buf_adds(&out, "qian1fen1zhi1 ");
    if (says_liang(t, i, &number, unit))
        lang_buf_adds(&out, "liang3");
    else
        lang_number_say(&out, number.text, false);
    const bool keeps = (percent && strcmp(number.text, "1") == 0) || t->as == LANG_SAY_ORDINAL ||
                       keeps_tone(t, i, number.n);
    lang_text_put_taken(t, &out, i, number.n + percent, keeps ? LANG_WORD_COUNTS : LANG_WORD_PLAIN);
    if (unit) {
        lang_text_put(t, unit->pinyin, i + number.n, n_unit, LANG_WORD_PLAIN);
        return number.n + n_unit;
    }
    return number.n + percent;
}

/* ---- money ---- */

/* "12.50" yuan: its jiao and fen. */
static void put_jiao_fen(struct text *t, size_t i, const struct lang_text_number *number)
{
    const char *cents = strchr(number->text, '.') + 1;
    const size_t at = i + number->n - 2;

    if (cents[0] != '0')
        lang_text_put_value(t, (unsigned) (cents[0] - '0'), "jiao3", at, 1);
    else if (cents[1] != '0')
        lang_text_put(t, "ling2", at, 1, LANG_WORD_PLAIN);
    if (cents[1] != '0')
        lang_text_put_value(t, (unsigned) (cents[1] - '0'), "fen1", at + 1, 1);
}

/* ¥12.50, $3, €1.2万. */
static size_t say_money(struct text *t, size_t i)
{
    struct lang_text_number number;
    struct lang_buf out = {0};
    size_t n, n_scale = 0;

    const struct lang_print *p = lang_text_print(t, i, LANG_PRINT_MONEY, &n);
    if (!p)
        return 0;
    if (lang_text_at(t, i + n) == ' ')
        n++;
    if (!lang_text_read_number(t, i + n, &number))
        return 0;
    const bool cents = strcmp(p->pinyin, "yuan2") == 0 && number.n_points == 1 &&
                       strlen(strchr(number.text, '.')) == 3;
    if (strcmp(number.text, "2") == 0)
        lang_buf_adds(&out, "liang3");
    else if (cents) {
        char whole[LANG_TEXT_MAX_DIGITS + 8];
        snprintf(whole, sizeof(whole), "%.*s", (int) number.n_whole, number.text);
        lang_number_say(&out, whole, false);
    } else {
        lang_number_say(&out, number.text, false);
    }
    const uint32_t scale = lang_text_at(t, i + n + number.n);
    if (scale == u'万' || scale == u'亿') {
        lang_buf_adds(&out, scale == u'万' ? "wan4" : "yi4");
        n_scale = 1;
    }
    lang_buf_adds(&out, " ");
    lang_buf_adds(&out, p->pinyin);
    lang_text_put_taken(t, &out, i, n + number.n + n_scale, LANG_WORD_PLAIN);
    if (cents)
        put_jiao_fen(t, i + n, &number);
    return n + number.n + n_scale;
}

/* ---- numbers that are one sign ---- */

struct block {
    uint32_t first, last;
    unsigned value;
};

/* ① ⑴ ⒈ ㈠ Ⅰ and their like. */
static size_t say_sign_number(struct text *t, size_t i)
{
    static const struct block blocks[] = {
        {0x2460, 0x2473, 1}, {0x2474, 0x2487, 1}, {0x2488, 0x249B, 1},
        {0x2776, 0x277F, 1}, {0x3220, 0x3229, 1}, {0x3280, 0x3289, 1},
        {0x2160, 0x216B, 1}, {0x2170, 0x217B, 1}, {0x3251, 0x325F, 21},
    };
    const uint32_t c = lang_text_at(t, i);

    for (size_t k = 0; k < ELEMENTSOF(blocks); k++)
        if (c >= blocks[k].first && c <= blocks[k].last) {
            const bool roman = c >= 0x2160 && c <= 0x217B;
            lang_text_put_value(t, c - blocks[k].first + blocks[k].value, "", i, 1);
            if (!roman)
                lang_script_pause(t->s, "、", false, t->c[i].offset, t->c[i].n_bytes);
            return 1;
        }
    return 0;
}

/* ½ and its like. */
static size_t say_sign_fraction(struct text *t, size_t i)
{
    static const struct {
        uint32_t c;
        const char *text;
    } fractions[] = {{0xBD, "1/2"},   {0xBC, "1/4"},   {0xBE, "3/4"},
                     {0x2153, "1/3"}, {0x2154, "2/3"}, {0x215B, "1/8"}};

    for (size_t k = 0; k < ELEMENTSOF(fractions); k++)
        if (lang_text_at(t, i) == fractions[k].c) {
            struct lang_buf out = {0};
            if (i > 0 && lang_is_digit(t->c[i - 1].c))
                lang_buf_adds(&out, "you4 ");
            lang_number_say(&out, fractions[k].text, false);
            lang_text_put_taken(t, &out, i, 1, LANG_WORD_COUNTS);
            return 1;
        }
    return 0;
}

/* P12, p. 12, pp. 3 */
static size_t say_page(struct text *t, size_t i)
{
    size_t n = 1;

    if ((lang_text_at(t, i) != 'P' && lang_text_at(t, i) != 'p') ||
        (i > 0 && (lang_is_letter(t->c[i - 1].c) || lang_is_digit(t->c[i - 1].c))))
        return 0;
    if (lang_text_at(t, i + n) == 'p')
        n++;
    const bool dotted = lang_text_at(t, i + n) == '.';
    n += dotted;
    if (lang_text_at(t, i + n) == ' ')
        n++;
    const size_t n_digits = lang_text_digits(t, i + n);
    if (n_digits == 0 || n_digits > 5 || lang_is_letter(lang_text_at(t, i + n + n_digits)))
        return 0;
    struct lang_buf out = {0};
    char text[8];
    snprintf(text, sizeof(text), "%u", lang_text_value(t, i + n, n_digits));
    lang_buf_adds(&out, "di4");
    lang_number_say(&out, text, false);
    lang_buf_adds(&out, " ye4");
    lang_text_put_taken(t, &out, i, n + n_digits, LANG_WORD_COUNTS);
    return n + n_digits;
}

static size_t say_formula(struct text *t, size_t i)
{
    (void) i; /* it is t->at */
    return lang_text_formula(t);
}

size_t lang_text_number(struct text *t)
{
    static size_t (*const rules[])(struct text * t, size_t i) = {
        say_list_number, lang_text_date, lang_text_telephone, say_ratio,
        lang_text_code,  say_formula,    say_fraction,        say_plain,
    };
    static size_t (*const signs[])(struct text * t, size_t i) = {
        say_formula, say_minus, say_money, say_sign_number, say_sign_fraction, say_page,
    };

    if (!lang_is_digit(lang_text_at(t, t->at))) {
        for (size_t k = 0; k < ELEMENTSOF(signs); k++) {
            const size_t n = signs[k](t, t->at);
            if (n > 0)
                return n;
        }
        return 0;
    }
    for (size_t k = 0; k < ELEMENTSOF(rules); k++) {
        const size_t n = rules[k](t, t->at);
        if (n > 0)
            return n;
    }
    return 0;
}
