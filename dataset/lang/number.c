/* SPDX-License-Identifier: Apache-2.0 */

#include "lang/number.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const char *const digits[] = {"ling2", "yi1",  "er4", "san1", "si4",
                                     "wu3",   "liu4", "qi1", "ba1",  "jiu3"};

static void say_digits(struct lang_buf *out, const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (text[i] >= '0' && text[i] <= '9')
            lang_buf_adds(out, digits[text[i] - '0']);
}

/* 1-9999. `leading`: nothing was said before, so that 12 is shi2er4, not yi1shi2er4. */
static void say_thousands(struct lang_buf *out, unsigned n, bool leading)
{
    static const char *const units[] = {"qian1", "bai3", "shi2", ""};
    unsigned scale = 1000;
    bool said = false, gap = false;

    for (unsigned i = 0; i < 4; i++, scale /= 10) {
        unsigned digit = n / scale % 10;
        if (digit == 0) {
            gap = said;
            continue;
        }
        if (gap)
            lang_buf_adds(out, "ling2");
        gap = false;
        if (!(leading && !said && digit == 1 && scale == 10))
            lang_buf_adds(out, digits[digit]);
        lang_buf_adds(out, units[i]);
        said = true;
    }
}

/* Parts of a large number are words of their own: "yi1yi4 er4qian1wan4 ling2san1". */
static void say_part(struct lang_buf *out, uint64_t n, bool leading)
{
    static const struct {
        uint64_t scale;
        const char *unit;
    } parts[] = {{UINT64_C(100000000), "yi4"}, {10000, "wan4"}};

    for (unsigned i = 0; i < 2; i++) {
        uint64_t scale = parts[i].scale, high = n / scale;
        if (high == 0)
            continue;
        if (high < 10000)
            say_thousands(out, (unsigned) high, leading);
        else
            say_part(out, high, leading);
        lang_buf_adds(out, parts[i].unit);
        n %= scale;
        leading = false;
        if (n == 0)
            return;
        lang_buf_space(out);
        if (n < scale / 10)
            lang_buf_adds(out, "ling2");
    }
    say_thousands(out, (unsigned) n, leading);
}

static void say_integer(struct lang_buf *out, const char *text, size_t n)
{
    bool mobile = n == 11 && text[0] == '1' && text[1] >= '3';

    if (n == 0 || n > 16 || text[0] == '0' || mobile)
        say_digits(out, text, n);
    else
        say_part(out, strtoull(text, NULL, 10), true);
}

/* "3.14": the fraction digit by digit. "5.1.14" is a section, each part a number. */
static void say_decimal(struct lang_buf *out, const char *text, size_t n)
{
    size_t n_parts = 0;

    for (size_t at = 0; at <= n; n_parts++) {
        size_t length = 0;
        while (at + length < n && text[at + length] != '.')
            length++;
        if (n_parts > 0)
            lang_buf_adds(out, "dian3");
        if (n_parts == 1 && !memchr(text + at, '.', n - at))
            say_digits(out, text + at, length);
        else
            say_integer(out, text + at, length);
        at += length + 1;
    }
}

void lang_number_say(struct lang_buf *out, const char *number, bool by_digit)
{
    size_t n = strlen(number);
    const char *slash = strchr(number, '/');

    if (n > 0 && number[n - 1] == '%') {
        lang_buf_adds(out, "bai3fen1zhi1");
        n--;
    }
    const char *and = strstr(number, "又");
    if (and&&slash) {
        say_integer(out, number, (size_t) (and-number));
        lang_buf_adds(out, "you4");
        n -= (size_t) (and+strlen("又") - number);
        number = and+strlen("又");
    }
    if (slash) { /* the denominator is said first */
        say_integer(out, slash + 1, (size_t) (number + n - slash - 1));
        lang_buf_adds(out, "fen1zhi1");
        n = (size_t) (slash - number);
    }
    if (by_digit)
        say_digits(out, number, n);
    else
        say_decimal(out, number, n);
}
