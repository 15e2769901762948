/* SPDX-License-Identifier: Apache-2.0
 *
 * Telephone numbers and names made of digits: digit by digit, one is yao1.
 */

#include "lang/text_number.h"

#include "base/macro.h"

enum {
    MODEL_DIGITS = 3, ///< of a number behind letters that is read digit by digit (G117, A380)
    MOBILE = 11,      ///< digits of a mobile number
    CONTEXT = 4,      ///< characters between a word that says "digits" and the number
};

/* Groups of digits between single dashes or blanks; the lengths of them. */
static size_t read_groups(const struct text *t, size_t i, size_t lengths[4], size_t *ret_n)
{
    size_t n = 0, at = i;

    for (;;) {
        lengths[n] = lang_text_digits(t, at);
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
        lang_text_put_digits(t, at, lengths[k], true, "");
        at += lengths[k] + 1;
    }
    return at - 1 - i;
}

/* A mobile number without gaps is said in groups of 3, 4, 4. */
size_t lang_text_telephone(struct text *t, size_t i)
{
    static const size_t mobile[] = {3, 4, 4};
    size_t lengths[4], n, at = i;

    read_groups(t, i, lengths, &n);
    if (!is_telephone(t, i, lengths, n))
        return 0;
    if (n > 1 || lengths[0] != MOBILE)
        return put_groups(t, i, lengths, n);
    for (size_t k = 0; k < ELEMENTSOF(mobile); k++) {
        lang_text_put_digits(t, at, mobile[k], true, "");
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
size_t lang_text_code(struct text *t, size_t i)
{
    const size_t n = lang_text_digits(t, i);
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
    const bool number = lang_text_at(t, i + n) == '.' && lang_text_digits(t, i + n + 1) > 0;
    if (named && read_groups(t, i, lengths, &n_groups) > n) {
        return put_groups(t, i, lengths, n_groups);
    }
    if (!forced && !named && (number || (!model && !zeros && n <= 16)))
        return 0;
    lang_text_put_digits(t, i, n, named || model, "");
    return n;
}
