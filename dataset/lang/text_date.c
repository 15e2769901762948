/* SPDX-License-Identifier: Apache-2.0
 *
 * Dates and times: GB/T 15835-2011 and GB/T 7408 (2026-11-22, 10:30).
 */

#include "lang/text_number.h"

#include <stdio.h>
#include <string.h>

#include "base/macro.h"
#include "lang/number.h"

static bool is_month_day(unsigned month, unsigned day)
{
    return month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

static void put_month_day(struct text *t, size_t month, size_t n_month, size_t day, size_t n_day)
{
    lang_text_put_value(t, lang_text_value(t, month, n_month), "yue4", month, n_month + 1);
    lang_text_put_value(t, lang_text_value(t, day, n_day), "ri4", day, n_day);
}

/* 2026-11-22, 2026/11/22, 2026.11.22 */
static size_t say_full_date(struct text *t, size_t i)
{
    const uint32_t sign = lang_text_at(t, i + 4);
    const size_t n_month = lang_text_digits(t, i + 5), day = i + 6 + n_month,
                 n_day = lang_text_digits(t, day);

    if (lang_text_digits(t, i) != 4 || (sign != '-' && sign != '/' && sign != '.') ||
        n_month == 0 || n_month > 2 || n_day == 0 || n_day > 2 ||
        lang_text_at(t, day - 1) != sign ||
        !is_month_day(lang_text_value(t, i + 5, n_month), lang_text_value(t, day, n_day)))
        return 0;
    lang_text_put_digits(t, i, 4, false, "nian2");
    put_month_day(t, i + 5, n_month, day, n_day);
    return day + n_day - i;
}

/* 11/22: two digits each, as no fraction is written; SSML may say that 1/2 is a date. */
static size_t say_short_date(struct text *t, size_t i)
{
    const size_t n = lang_text_digits(t, i), n_day = lang_text_digits(t, i + n + 1);
    const uint32_t sign = lang_text_at(t, i + n);
    const bool said = t->as == LANG_SAY_DATE;

    if ((sign != '/' && !(said && sign == '-')) || n == 0 || n > 2 || n_day == 0 || n_day > 2 ||
        (!said && n + n_day < 4) ||
        !is_month_day(lang_text_value(t, i, n), lang_text_value(t, i + n + 1, n_day)) ||
        lang_text_at(t, i + n + 1 + n_day) == '/')
        return 0;
    put_month_day(t, i, n, i + n + 1, n_day);
    return n + 1 + n_day;
}

/* 20261122, where SSML says that it is one. */
static size_t say_bare_date(struct text *t, size_t i)
{
    if (t->as != LANG_SAY_DATE || lang_text_digits(t, i) != 8 ||
        !is_month_day(lang_text_value(t, i + 4, 2), lang_text_value(t, i + 6, 2)))
        return 0;
    lang_text_put_digits(t, i, 4, false, "nian2");
    lang_text_put_value(t, lang_text_value(t, i + 4, 2), "yue4", i + 4, 2);
    lang_text_put_value(t, lang_text_value(t, i + 6, 2), "ri4", i + 6, 2);
    return 8;
}

/* A year: four digits and nian2, two and nian2 before a month. */
static size_t say_year(struct text *t, size_t i)
{
    const size_t n = lang_text_digits(t, i);
    const bool has_month = lang_text_digits(t, i + n + 1) > 0 &&
                           lang_text_at(t, i + n + 1 + lang_text_digits(t, i + n + 1)) == u'月';
    const bool is_age = lang_text_is(t, i + n, "年历史") || lang_text_is(t, i + n, "年来");

    if (lang_text_at(t, i + n) != u'年' || is_age ||
        !((n == 4 && lang_text_value(t, i, 4) >= 1000 && lang_text_value(t, i, 4) < 2200) ||
          (n == 2 && has_month)))
        return 0;
    lang_text_put_digits(t, i, n, false, "");
    return n;
}

/* 1949-1976 before nian2. */
static size_t say_first_year(struct text *t, size_t i)
{
    const uint32_t sign = lang_text_at(t, i + 4);
    size_t n = 5;

    if (lang_text_digits(t, i) != 4 ||
        (sign != '-' && sign != 0x2013 && sign != 0x2014 && sign != 0xFF5E && sign != '~'))
        return 0;
    while (lang_text_at(t, i + n) == sign)
        n++;
    if (lang_text_digits(t, i + n) != 4 || lang_text_at(t, i + n + 4) != u'年')
        return 0;
    lang_text_put_digits(t, i, 4, false, "");
    return 4;
}

static void put_minutes(struct text *t, size_t i, const char *unit)
{
    const unsigned v = lang_text_value(t, i, 2);

    if (v > 0 && v < 10) {
        struct lang_buf out = {0};
        const char text[2] = {(char) ('0' + v), 0};
        lang_buf_adds(&out, "ling2");
        lang_number_say(&out, text, false);
        lang_buf_adds(&out, unit);
        lang_text_put_taken(t, &out, i, 2, LANG_WORD_COUNTS);
    } else {
        lang_text_put_value(t, v, unit, i, 2);
    }
}

/* 10:30, 10:30:05. */
static size_t say_time(struct text *t, size_t i)
{
    const size_t n = lang_text_digits(t, i), minute = i + n + 1;
    const uint32_t sign = lang_text_at(t, i + n);

    if ((sign != ':' && sign != 0xFF1A) || n == 0 || n > 2 || lang_text_digits(t, minute) != 2 ||
        lang_text_value(t, i, n) > 24 || lang_text_value(t, minute, 2) > 59)
        return 0;
    const bool seconds = lang_text_at(t, minute + 2) == sign &&
                         lang_text_digits(t, minute + 3) == 2 &&
                         lang_text_value(t, minute + 3, 2) < 60;
    if (lang_text_value(t, i, n) == 2)
        lang_text_put(t, "liang3dian3", i, n + 1, LANG_WORD_PLAIN);
    else
        lang_text_put_value(t, lang_text_value(t, i, n), "dian3", i, n + 1);
    if (lang_text_value(t, minute, 2) > 0 || seconds)
        put_minutes(t, minute, "fen1");
    if (seconds)
        put_minutes(t, minute + 3, "miao3");
    t->before = lang_class_number;
    return n + 3 + (seconds ? 3 : 0);
}

/* 5·12, 9·11: days that have a name. */
static size_t say_named_day(struct text *t, size_t i)
{
    const size_t n = lang_text_digits(t, i), n_day = lang_text_digits(t, i + n + 1);

    if (lang_text_at(t, i + n) != 0xB7 || n == 0 || n > 2 || n_day == 0 || n_day > 2 ||
        !is_month_day(lang_text_value(t, i, n), lang_text_value(t, i + n + 1, n_day)))
        return 0;
    lang_text_put_digits(t, i, n + 1 + n_day, false, "");
    return n + 1 + n_day;
}

size_t lang_text_date(struct text *t, size_t i)
{
    static size_t (*const rules[])(struct text * t, size_t i) = {
        say_full_date,  say_short_date, say_bare_date, say_named_day,
        say_first_year, say_year,       say_time,
    };

    for (size_t k = 0; k < ELEMENTSOF(rules); k++) {
        const size_t n = rules[k](t, i);
        if (n > 0)
            return n;
    }
    return 0;
}
