/* SPDX-License-Identifier: Apache-2.0
 *
 * What is written with digits: dates, times, telephone numbers, money, fractions, ratios, plain
 * numbers and their units. The forms are those of GB/T 15835-2011 and GB/T 7408 (2026-11-22,
 * 10:30); how they are said is usage.
 */

#include "lang/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "lang/number.h"

enum {
    MAX_DIGITS = 40,  ///< of a number that is read at once
    MODEL_DIGITS = 3, ///< of a number behind letters that is read digit by digit (G117, A380)
    MOBILE = 11,      ///< digits of a mobile number
    CONTEXT = 4,      ///< characters between a word that says "digits" and the number
};

/* A number as it stands. */
struct number {
    char text[MAX_DIGITS + 8]; ///< without commas: "1234.5"
    size_t n;                  ///< characters of the input
    size_t n_whole;            ///< digits before the first point
    unsigned n_points;
};

static size_t n_digits_at(const struct text *t, size_t i)
{
    size_t n = 0;

    while (lang_is_digit(lang_text_at(t, i + n)))
        n++;
    return n;
}

/* Digits i … i + n - 1 as a value; at most 9. */
static unsigned value(const struct text *t, size_t i, size_t n)
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
           n_digits_at(t, i + n + 1) == 3;
}

static bool read_number(const struct text *t, size_t i, struct number *ret)
{
    size_t used = 0, n = MIN(n_digits_at(t, i), (size_t) MAX_DIGITS);
    bool grouped = is_grouped(t, i, n);

    *ret = (struct number){.n = n};
    if (n == 0)
        return false;
    for (size_t k = 0; k < n; k++)
        ret->text[used++] = (char) t->c[i + k].c;
    while (grouped && used + 3 < MAX_DIGITS) {
        for (size_t k = 1; k <= 3; k++)
            ret->text[used++] = (char) t->c[i + ret->n + k].c;
        ret->n += 4;
        grouped = lang_text_at(t, i + ret->n) == ',' && n_digits_at(t, i + ret->n + 1) == 3;
    }
    ret->n_whole = used;
    while (lang_text_at(t, i + ret->n) == '.' && (n = n_digits_at(t, i + ret->n + 1)) > 0 &&
           used + n + 1 < MAX_DIGITS) {
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

static void put_text(struct text *t, struct lang_buf *out, size_t i, size_t n,
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

static void put_value(struct text *t, unsigned v, const char *behind, size_t i, size_t n)
{
    struct lang_buf out = {0};
    char text[16];

    snprintf(text, sizeof(text), "%u", v);
    lang_number_say(&out, text, false);
    lang_buf_adds(&out, behind);
    put_text(t, &out, i, n, LANG_WORD_COUNTS);
}

/* Digits one by one; in telephone numbers one is yao1. */
static void put_digits(struct text *t, size_t i, size_t n, bool yao, const char *behind)
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
    put_text(t, &out, i, n, LANG_WORD_COUNTS);
}

/* ---- dates and times ---- */

static bool is_month_day(unsigned month, unsigned day)
{
    return month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

static void put_month_day(struct text *t, size_t month, size_t n_month, size_t day, size_t n_day)
{
    put_value(t, value(t, month, n_month), "yue4", month, n_month + 1);
    put_value(t, value(t, day, n_day), "ri4", day, n_day);
}

/* 2026-11-22, 2026/11/22, 2026.11.22 */
static size_t say_full_date(struct text *t, size_t i)
{
    const uint32_t sign = lang_text_at(t, i + 4);
    const size_t n_month = n_digits_at(t, i + 5), day = i + 6 + n_month,
                 n_day = n_digits_at(t, day);

    if (n_digits_at(t, i) != 4 || (sign != '-' && sign != '/' && sign != '.') || n_month == 0 ||
        n_month > 2 || n_day == 0 || n_day > 2 || lang_text_at(t, day - 1) != sign ||
        !is_month_day(value(t, i + 5, n_month), value(t, day, n_day)))
        return 0;
    put_digits(t, i, 4, false, "nian2");
    put_month_day(t, i + 5, n_month, day, n_day);
    return day + n_day - i;
}

/* 11/22: two digits each, as no fraction is written; SSML may say that 1/2 is a date. */
static size_t say_short_date(struct text *t, size_t i)
{
    const size_t n = n_digits_at(t, i), n_day = n_digits_at(t, i + n + 1);
    const uint32_t sign = lang_text_at(t, i + n);
    const bool said = t->as == LANG_SAY_DATE;

    if ((sign != '/' && !(said && sign == '-')) || n == 0 || n > 2 || n_day == 0 || n_day > 2 ||
        (!said && n + n_day < 4) || !is_month_day(value(t, i, n), value(t, i + n + 1, n_day)) ||
        lang_text_at(t, i + n + 1 + n_day) == '/')
        return 0;
    put_month_day(t, i, n, i + n + 1, n_day);
    return n + 1 + n_day;
}

/* 20261122, where SSML says that it is one. */
static size_t say_bare_date(struct text *t, size_t i)
{
    if (t->as != LANG_SAY_DATE || n_digits_at(t, i) != 8 ||
        !is_month_day(value(t, i + 4, 2), value(t, i + 6, 2)))
        return 0;
    put_digits(t, i, 4, false, "nian2");
    put_value(t, value(t, i + 4, 2), "yue4", i + 4, 2);
    put_value(t, value(t, i + 6, 2), "ri4", i + 6, 2);
    return 8;
}

/* A year: four digits and nian2, two and nian2 before a month. */
static size_t say_year(struct text *t, size_t i)
{
    const size_t n = n_digits_at(t, i);
    const bool has_month = n_digits_at(t, i + n + 1) > 0 &&
                           lang_text_at(t, i + n + 1 + n_digits_at(t, i + n + 1)) == u'月';
    const bool is_age = lang_text_is(t, i + n, "年历史") || lang_text_is(t, i + n, "年来");

    if (lang_text_at(t, i + n) != u'年' || is_age ||
        !((n == 4 && value(t, i, 4) >= 1000 && value(t, i, 4) < 2200) || (n == 2 && has_month)))
        return 0;
    put_digits(t, i, n, false, "");
    return n;
}

/* 1949-1976 before nian2. */
static size_t say_first_year(struct text *t, size_t i)
{
    const uint32_t sign = lang_text_at(t, i + 4);
    size_t n = 5;

    if (n_digits_at(t, i) != 4 ||
        (sign != '-' && sign != 0x2013 && sign != 0x2014 && sign != 0xFF5E && sign != '~'))
        return 0;
    while (lang_text_at(t, i + n) == sign)
        n++;
    if (n_digits_at(t, i + n) != 4 || lang_text_at(t, i + n + 4) != u'年')
        return 0;
    put_digits(t, i, 4, false, "");
    return 4;
}

static void put_minutes(struct text *t, size_t i, const char *unit)
{
    const unsigned v = value(t, i, 2);

    if (v > 0 && v < 10) {
        struct lang_buf out = {0};
        const char text[2] = {(char) ('0' + v), 0};
        lang_buf_adds(&out, "ling2");
        lang_number_say(&out, text, false);
        lang_buf_adds(&out, unit);
        put_text(t, &out, i, 2, LANG_WORD_COUNTS);
    } else {
        put_value(t, v, unit, i, 2);
    }
}

/* 10:30, 10:30:05. */
static size_t say_time(struct text *t, size_t i)
{
    const size_t n = n_digits_at(t, i), minute = i + n + 1;
    const uint32_t sign = lang_text_at(t, i + n);

    if ((sign != ':' && sign != 0xFF1A) || n == 0 || n > 2 || n_digits_at(t, minute) != 2 ||
        value(t, i, n) > 24 || value(t, minute, 2) > 59)
        return 0;
    const bool seconds = lang_text_at(t, minute + 2) == sign && n_digits_at(t, minute + 3) == 2 &&
                         value(t, minute + 3, 2) < 60;
    if (value(t, i, n) == 2)
        lang_text_put(t, "liang3dian3", i, n + 1, LANG_WORD_PLAIN);
    else
        put_value(t, value(t, i, n), "dian3", i, n + 1);
    if (value(t, minute, 2) > 0 || seconds)
        put_minutes(t, minute, "fen1");
    if (seconds)
        put_minutes(t, minute + 3, "miao3");
    t->before = lang_class_number;
    return n + 3 + (seconds ? 3 : 0);
}

/* 16:9; as a score also 3-2. */
static size_t say_ratio(struct text *t, size_t i)
{
    struct number a, b;
    const bool score = lang_text_print_before(t, i, LANG_PRINT_SCORE);

    if (!read_number(t, i, &a) ||
        (!(score && lang_text_at(t, i + a.n) == '-') && lang_text_at(t, i + a.n) != ':' &&
         lang_text_at(t, i + a.n) != 0xFF1A && lang_text_at(t, i + a.n) != 0x2236) ||
        !read_number(t, i + a.n + 1, &b))
        return 0;
    struct lang_buf out = {0};
    lang_number_say(&out, a.text, false);
    lang_buf_adds(&out, " bi3 ");
    lang_number_say(&out, b.text, false);
    put_text(t, &out, i, a.n + 1 + b.n, LANG_WORD_COUNTS);
    return a.n + 1 + b.n;
}

/* ---- telephone numbers, names made of digits ---- */

/* Groups of digits between single dashes or blanks; the lengths of them. */
static size_t read_groups(const struct text *t, size_t i, size_t lengths[4], size_t *ret_n)
{
    size_t n = 0, at = i;

    for (;;) {
        lengths[n] = n_digits_at(t, at);
        if (lengths[n] == 0)
            break;
        at += lengths[n++];
        const uint32_t c = lang_text_at(t, at);
        if (n == 4 || (c != '-' && c != ' ') || !lang_is_digit(lang_text_at(t, at + 1)))
            break;
        at++;
    }
    *ret_n = n;
    return at - i;
}

/* 13812345678, 138-1234-5678, 010-62781234, 400-820-8820, 62781234转808. */
static bool is_telephone(const struct text *t, size_t i, const size_t *lengths, size_t n)
{
    const bool mobile = t->c[i].c == '1' && n > 0 && lengths[0] >= 3 && t->c[i + 1].c >= '3';
    const bool trunk = t->c[i].c == '0' && n >= 2 && (lengths[0] == 3 || lengths[0] == 4) &&
                       (lengths[1] == 7 || lengths[1] == 8);
    const bool local = t->c[i].c == '0' && n == 3 && (lengths[0] == 3 || lengths[0] == 4) &&
                       (lengths[1] == 3 || lengths[1] == 4) && lengths[2] == 4;
    const bool service = n == 3 && lengths[0] == 3 && (t->c[i].c == '4' || t->c[i].c == '8') &&
                         t->c[i + 1].c == '0' && t->c[i + 2].c == '0' &&
                         lengths[1] + lengths[2] == 7;

    if (n == 1 && (lengths[0] == 7 || lengths[0] == 8) && lang_text_at(t, i + lengths[0]) == u'转')
        return true;
    if (mobile && n == 1)
        return lengths[0] == MOBILE;
    return trunk || local || service ||
           (mobile && n == 3 && lengths[0] == 3 && lengths[1] == 4 && lengths[2] == 4);
}

static size_t put_groups(struct text *t, size_t i, const size_t *lengths, size_t n)
{
    size_t at = i;

    for (size_t k = 0; k < n; k++) {
        put_digits(t, at, lengths[k], true, "");
        at += lengths[k] + 1;
    }
    return at - 1 - i;
}

/* A mobile number without gaps is said in groups of 3, 4, 4. */
static size_t say_telephone(struct text *t, size_t i)
{
    static const size_t mobile[] = {3, 4, 4};
    size_t lengths[4], n, at = i;

    read_groups(t, i, lengths, &n);
    if (!is_telephone(t, i, lengths, n))
        return 0;
    if (n > 1 || lengths[0] != MOBILE)
        return put_groups(t, i, lengths, n);
    for (size_t k = 0; k < ELEMENTSOF(mobile); k++) {
        put_digits(t, at, mobile[k], true, "");
        at += mobile[k];
    }
    return MOBILE;
}

/* Behind "telephone", "room" and the like, and ten signs at most. */
static bool is_named_digits(const struct text *t, size_t i)
{
    size_t end = i;

    for (size_t k = 0; k <= CONTEXT && end > 0; k++, end--) {
        if (lang_text_print_before(t, end, LANG_PRINT_DIGITS))
            return true;
        const uint32_t c = t->c[end - 1].c;
        if (c != ' ' && c != ':' && c != 0xFF1A && c != u'是' && c != u'为' && c != u'号' &&
            c != '+' && c != '(' && c != 0xFF08)
            return false;
    }
    return false;
}

/* Letters and digits as in G117 or CA1234, room numbers, codes with leading zeros. */
static size_t say_code(struct text *t, size_t i)
{
    const size_t n = n_digits_at(t, i);
    size_t lengths[4], n_groups;
    const uint32_t before = i > 0 ? t->c[i - 1].c : 0;
    const bool forced =
        t->as == LANG_SAY_DIGITS || t->as == LANG_SAY_TELEPHONE || t->as == LANG_SAY_CHARACTERS;

    if (t->as == LANG_SAY_TELEPHONE) {
        const size_t length = read_groups(t, i, lengths, &n_groups);
        put_groups(t, i, lengths, n_groups);
        return length;
    }
    const bool named = n >= 3 && is_named_digits(t, i);
    const bool model = n >= MODEL_DIGITS && lang_is_letter(before);
    const bool zeros = n > 1 && t->c[i].c == '0';
    const bool number = lang_text_at(t, i + n) == '.' && n_digits_at(t, i + n + 1) > 0;
    if (named && read_groups(t, i, lengths, &n_groups) > n) {
        return put_groups(t, i, lengths, n_groups);
    }
    if (!forced && !named && (number || (!model && !zeros && n <= 16)))
        return 0;
    put_digits(t, i, n, named || model, "");
    return n;
}

/* 5·12, 9·11: days that have a name. */
static size_t say_named_day(struct text *t, size_t i)
{
    const size_t n = n_digits_at(t, i), n_day = n_digits_at(t, i + n + 1);

    if (lang_text_at(t, i + n) != 0xB7 || n == 0 || n > 2 || n_day == 0 || n_day > 2 ||
        !is_month_day(value(t, i, n), value(t, i + n + 1, n_day)))
        return 0;
    put_digits(t, i, n + 1 + n_day, false, "");
    return n + 1 + n_day;
}

/* ---- numbers and what they count ---- */

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
static bool says_liang(const struct text *t, size_t i, const struct number *number,
                       const struct lang_print *unit)
{
    size_t at = i + number->n, n;
    struct number end;

    if (strcmp(number->text, "2") != 0 || is_ordinal(t, i) || t->as == LANG_SAY_CARDINAL ||
        t->as == LANG_SAY_ORDINAL)
        return false;
    if (i > 0 && t->c[i - 1].c == u'月' && lang_text_at(t, at) != u'个')
        return false;
    if (unit)
        return !is_degree(unit);
    if ((lang_text_at(t, at) == '-' || lang_text_at(t, at) == '~' ||
         lang_text_at(t, at) == 0xFF5E) &&
        read_number(t, at + 1, &end))
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
    struct number number;
    size_t n;

    if (!is_minus(t, i) || !read_number(t, i + 1, &number))
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
    const size_t n = n_digits_at(t, i), n_below = n_digits_at(t, i + n + 1);
    const uint32_t sign = lang_text_at(t, i + n);

    if (sign != '/' || n == 0 || n > 9 || n_below == 0 || n_below > 9 ||
        lang_text_at(t, i + n + 1 + n_below) == '/')
        return 0;
    struct lang_buf out = {0};
    char text[24];
    snprintf(text, sizeof(text), "%u/%u", value(t, i, n), value(t, i + n + 1, n_below));
    lang_number_say(&out, text, false);
    put_text(t, &out, i, n + 1 + n_below, LANG_WORD_COUNTS);
    return n + 1 + n_below;
}

/* "1." "2、" "3)" at the beginning of a line. */
static size_t say_list_number(struct text *t, size_t i)
{
    const size_t n = n_digits_at(t, i);
    const uint32_t sign = lang_text_at(t, i + n);

    if (!t->line_start || n == 0 || n > 3 ||
        (sign != '.' && sign != u'、' && sign != ')' && sign != 0xFF09) ||
        lang_is_digit(lang_text_at(t, i + n + 1)))
        return 0;
    put_value(t, value(t, i, n), "", i, n);
    lang_script_pause(t->s, "、", false, t->c[i + n].offset, t->c[i + n].n_bytes);
    return n + 1;
}

static size_t say_plain(struct text *t, size_t i)
{
    struct number number;
    struct lang_buf out = {0};
    size_t n_unit = 0;

    if (!read_number(t, i, &number))
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
    put_text(t, &out, i, number.n + percent, keeps ? LANG_WORD_COUNTS : LANG_WORD_PLAIN);
    if (unit) {
        lang_text_put(t, unit->pinyin, i + number.n, n_unit, LANG_WORD_PLAIN);
        return number.n + n_unit;
    }
    return number.n + percent;
}

/* ---- money ---- */

/* "12.50" yuan: its jiao and fen. */
static void put_jiao_fen(struct text *t, size_t i, const struct number *number)
{
    const char *cents = strchr(number->text, '.') + 1;
    const size_t at = i + number->n - 2;

    if (cents[0] != '0')
        put_value(t, (unsigned) (cents[0] - '0'), "jiao3", at, 1);
    else if (cents[1] != '0')
        lang_text_put(t, "ling2", at, 1, LANG_WORD_PLAIN);
    if (cents[1] != '0')
        put_value(t, (unsigned) (cents[1] - '0'), "fen1", at + 1, 1);
}

/* ¥12.50, $3, €1.2万. */
static size_t say_money(struct text *t, size_t i)
{
    struct number number;
    struct lang_buf out = {0};
    size_t n, n_scale = 0;

    const struct lang_print *p = lang_text_print(t, i, LANG_PRINT_MONEY, &n);
    if (!p)
        return 0;
    if (lang_text_at(t, i + n) == ' ')
        n++;
    if (!read_number(t, i + n, &number))
        return 0;
    const bool cents = strcmp(p->pinyin, "yuan2") == 0 && number.n_points == 1 &&
                       strlen(strchr(number.text, '.')) == 3;
    if (strcmp(number.text, "2") == 0)
        lang_buf_adds(&out, "liang3");
    else if (cents) {
        char whole[MAX_DIGITS + 8];
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
    put_text(t, &out, i, n + number.n + n_scale, LANG_WORD_PLAIN);
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
            put_value(t, c - blocks[k].first + blocks[k].value, "", i, 1);
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
            put_text(t, &out, i, 1, LANG_WORD_COUNTS);
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
    const size_t n_digits = n_digits_at(t, i + n);
    if (n_digits == 0 || n_digits > 5 || lang_is_letter(lang_text_at(t, i + n + n_digits)))
        return 0;
    struct lang_buf out = {0};
    char text[8];
    snprintf(text, sizeof(text), "%u", value(t, i + n, n_digits));
    lang_buf_adds(&out, "di4");
    lang_number_say(&out, text, false);
    lang_buf_adds(&out, " ye4");
    put_text(t, &out, i, n + n_digits, LANG_WORD_COUNTS);
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
        say_list_number, say_full_date,  say_short_date, say_bare_date, say_named_day,
        say_telephone,   say_first_year, say_year,       say_time,      say_ratio,
        say_code,        say_formula,    say_fraction,   say_plain,
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
