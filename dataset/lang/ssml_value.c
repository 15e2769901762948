/* SPDX-License-Identifier: Apache-2.0 */

#include "lang/ssml.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"

#define LONGEST_S 60.0

struct name {
    const char *text;
    double value;
};

static bool find(const struct name *names, size_t n, const char *text, double *ret)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(names[i].text, text) == 0) {
            *ret = names[i].value;
            return true;
        }
    return false;
}

/* A number as XML has it: no "inf", "nan", "0x1". Behind it in *ret_end; NULL: none. */
static const char *number(const char *text, double *ret)
{
    const char *digits = text + (*text == '+' || *text == '-');
    const size_t whole = strspn(digits, "0123456789"), part = digits[whole] == '.';
    const size_t n = whole + part + (part ? strspn(digits + whole + 1, "0123456789") : 0);
    char copy[32];

    if (n <= part || n + 2 > sizeof(copy))
        return NULL;
    /* not strtod(), whose point depends on the locale */
    double v = 0, scale = 1;
    for (size_t i = 0; i < n; i++) {
        if (digits[i] == '.') {
            scale = 0.1;
        } else if (scale == 1) {
            v = v * 10 + (digits[i] - '0');
        } else {
            v += scale * (digits[i] - '0');
            scale /= 10;
        }
    }
    *ret = *text == '-' ? -v : v;
    return digits + n;
}

static bool is_signed(const char *text)
{
    return *text == '+' || *text == '-';
}

static enum lang_ssml_value within(double v, double least, double most, double *ret)
{
    if (!(v >= 0 && v < 1000))
        return LANG_SSML_WRONG;
    *ret = MIN(MAX(v, least), most);
    return LANG_SSML_GOOD;
}

/* "+20%": 1.2, "80%": 0.8; *ret_rest: what is behind the number when it is no percent sign. */
static bool factor(const char *text, double *ret, const char **ret_rest)
{
    double v = 0;
    const char *rest = number(text, &v);

    *ret_rest = rest;
    if (!rest || strcmp(rest, "%") != 0)
        return false;
    *ret = is_signed(text) ? 1 + v / 100 : v / 100;
    return true;
}

enum lang_ssml_value lang_ssml_rate(const char *text, double *ret)
{
    static const struct name names[] = {{"x-slow", 0.5}, {"slow", 0.75}, {"medium", 1},
                                        {"default", 1},  {"fast", 1.5},  {"x-fast", 2}};
    const char *rest;
    double v = 1;

    if (find(names, ELEMENTSOF(names), text, ret))
        return LANG_SSML_GOOD;
    /* SSML 1.0 has plain numbers, which multiply */
    if (!factor(text, &v, &rest) && (!rest || *rest || is_signed(text) || !number(text, &v)))
        return LANG_SSML_WRONG;
    return within(v, 0.25, 4, ret);
}

enum lang_ssml_value lang_ssml_pitch(const char *text, double *ret)
{
    static const struct name names[] = {{"x-low", 0.7}, {"low", 0.85}, {"medium", 1},
                                        {"default", 1}, {"high", 1.2}, {"x-high", 1.4}};
    const char *rest;
    double v = 1;

    if (find(names, ELEMENTSOF(names), text, ret))
        return LANG_SSML_GOOD;
    if (factor(text, &v, &rest))
        return within(v, 0.5, 2, ret);
    if (rest && strcmp(rest, "Hz") == 0)
        return LANG_SSML_UNSAID;
    if (!rest || strcmp(rest, "st") != 0 || !is_signed(text) || !number(text, &v) || fabs(v) > 48)
        return LANG_SSML_WRONG;
    return within(exp2(v / 12), 0.5, 2, ret);
}

enum lang_ssml_value lang_ssml_volume(const char *text, double *ret)
{
    static const struct name names[] = {{"silent", 0}, {"x-soft", 0.35}, {"soft", 0.6},
                                        {"medium", 1}, {"default", 1},   {"loud", 1.4},
                                        {"x-loud", 2}};
    const char *rest;
    double v = 1;

    if (find(names, ELEMENTSOF(names), text, ret))
        return LANG_SSML_GOOD;
    if (factor(text, &v, &rest))
        return within(v, 0, 4, ret);
    if (!rest || strcmp(rest, "dB") != 0 || !is_signed(text) || !number(text, &v) || fabs(v) > 100)
        return LANG_SSML_WRONG;
    return within(pow(10, v / 20), 0, 4, ret);
}

/* "(0%,+10%)"; behind it in the return value, NULL: wrong. */
static const char *point(const char *text, struct lang_point *ret, enum lang_ssml_value *ret_kind)
{
    char value[24];
    double at = 0;
    const char *rest = *text == '(' ? number(text + 1 + strspn(text + 1, " "), &at) : NULL;

    *ret_kind = LANG_SSML_WRONG;
    if (!rest || *rest != '%' || at < 0 || at > 100)
        return NULL;
    rest += 1 + strspn(rest + 1, " ");
    if (*rest != ',')
        return NULL;
    rest += 1 + strspn(rest + 1, " ");
    const size_t n = strcspn(rest, " )");
    if (n + 1 > sizeof(value) || rest[n + strspn(rest + n, " ")] != ')')
        return NULL;
    memcpy(value, rest, n);
    value[n] = 0;
    ret->at = at / 100;
    *ret_kind = lang_ssml_pitch(value, &ret->factor);
    return *ret_kind == LANG_SSML_WRONG ? NULL : rest + n + strspn(rest + n, " ") + 1;
}

enum lang_ssml_value lang_ssml_contour(const char *text, struct lang_point *ret, unsigned *ret_n)
{
    enum lang_ssml_value kind = LANG_SSML_GOOD;
    unsigned n = 0;

    for (text += strspn(text, " \t\n"); *text; text += strspn(text, " \t\n")) {
        struct lang_point p;
        enum lang_ssml_value one;
        text = point(text, &p, &one);
        if (!text || n == LANG_CONTOUR_MAX || (n > 0 && p.at <= ret[n - 1].at))
            return LANG_SSML_WRONG;
        if (one == LANG_SSML_UNSAID)
            kind = one;
        ret[n++] = p;
    }
    *ret_n = n;
    return n == 0 ? LANG_SSML_WRONG : kind;
}

enum lang_ssml_value lang_ssml_time(const char *text, double *ret)
{
    double v = 0;
    const char *rest = number(text, &v);

    if (!rest || v < 0 || (strcmp(rest, "s") != 0 && strcmp(rest, "ms") != 0))
        return LANG_SSML_WRONG;
    *ret = *rest == 'm' ? v / 1000 : v;
    return *ret <= LONGEST_S ? LANG_SSML_GOOD : LANG_SSML_WRONG;
}

enum lang_ssml_value lang_ssml_strength(const char *text, double *ret)
{
    static const struct name names[] = {{"none", 0},     {"x-weak", 0.1}, {"weak", 0.2},
                                        {"medium", 0.4}, {"strong", 0.8}, {"x-strong", 1.2}};

    return find(names, ELEMENTSOF(names), text, ret) ? LANG_SSML_GOOD : LANG_SSML_WRONG;
}
