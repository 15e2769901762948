/* SPDX-License-Identifier: Apache-2.0
 *
 * A formula in print -> the tokens that formula_say.c reads out.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "lang/formula.h"
#include "lang/text.h"

enum { MAX_TOKENS = 96 };

struct formula {
    struct text *t;
    size_t at;
    struct lang_token tokens[MAX_TOKENS];
    size_t n;
    bool operand;       ///< the last token is one, or closes one
    size_t n_operators; ///< with what only formulas have
    size_t depth;       ///< of brackets
};

static bool add(struct formula *f, enum lang_kind kind, const char *text, size_t n)
{
    if (f->n == MAX_TOKENS || n >= sizeof(f->tokens[0].text))
        return false;
    struct lang_token *token = &f->tokens[f->n++];
    *token = (struct lang_token){.kind = kind};
    memcpy(token->text, text, n);
    return true;
}

static bool add_math(struct formula *f, const char *text)
{
    return add(f, LANG_MATH, text, strlen(text));
}

static bool read_number(struct formula *f)
{
    char text[32];
    size_t n = 0;

    while (n + 1 < sizeof(text) &&
           (lang_is_digit(lang_text_at(f->t, f->at)) ||
            (lang_text_at(f->t, f->at) == '.' && lang_is_digit(lang_text_at(f->t, f->at + 1)))))
        text[n++] = (char) lang_text_at(f->t, f->at++);
    if (n > 0 && lang_text_at(f->t, f->at) == '%' && n + 1 < sizeof(text)) {
        text[n++] = '%';
        f->at++;
    }
    f->operand = true;
    return n > 0 && add(f, LANG_NUMBER, text, n);
}

/* A name of a function, or letters one by one; words are none of a formula. */
static bool read_letters(struct formula *f)
{
    char text[16];
    size_t n = 0;

    while (n < 8 && lang_is_letter(lang_text_at(f->t, f->at + n))) {
        text[n] = (char) lang_text_at(f->t, f->at + n);
        n++;
    }
    text[n] = 0;
    for (size_t i = 0; i < lang_n_math_signs; i++)
        if (lang_math_signs[i].kind == LANG_MATH_FUNCTION &&
            strcmp(lang_math_signs[i].text, text) == 0) {
            f->at += n;
            f->operand = false;
            return add_math(f, text);
        }
    if (n > 3)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!add(f, LANG_LATIN, text + i, 1))
            return false;
    f->at += n;
    f->operand = true;
    return true;
}

static bool is_superscript(uint32_t c)
{
    return c == 0xB2 || c == 0xB3 || c == 0xB9 || c == 0x2070 || (c >= 0x2074 && c <= 0x2079) ||
           c == 0x207B;
}

static bool is_subscript(uint32_t c)
{
    return c >= 0x2080 && c <= 0x2089;
}

/* "²", "⁻¹", "₂"; and "^2", "^n", "^(…)". */
static bool read_script(struct formula *f)
{
    const uint32_t first = lang_text_at(f->t, f->at);
    char text[32];
    size_t n = 0;

    if (!f->operand)
        return false;
    while (n + 4 < sizeof(text) &&
           (is_superscript(first) ? is_superscript(lang_text_at(f->t, f->at))
                                  : is_subscript(lang_text_at(f->t, f->at))))
        n += lang_utf8_write(lang_text_at(f->t, f->at++), text + n);
    f->n_operators += is_superscript(first);
    return add(f, LANG_MATH, text, n);
}

static bool read_sign(struct formula *f);

/* What a root or a power takes: a number, a letter, or what is in brackets. */
static bool read_group(struct formula *f, const char *head)
{
    if (!add_math(f, head))
        return false;
    f->operand = false;
    if (lang_text_at(f->t, f->at) == '(') {
        f->at++;
        while (lang_text_at(f->t, f->at) != ')')
            if (lang_text_at(f->t, f->at) == '(' || !read_sign(f))
                return false;
        f->at++;
    } else {
        if (lang_text_at(f->t, f->at) == '-') {
            f->at++;
            if (!add_math(f, "−"))
                return false;
        }
        if (lang_is_digit(lang_text_at(f->t, f->at))) {
            if (!read_number(f))
                return false;
        } else {
            const char letter = (char) lang_text_at(f->t, f->at);
            if (!lang_is_letter(lang_text_at(f->t, f->at)) || !add(f, LANG_LATIN, &letter, 1))
                return false;
            f->at++;
        }
    }
    f->operand = true;
    f->n_operators++;
    return add_math(f, "}");
}

/* Operators that a text says in other ways when no operand stands on both sides. */
static bool read_operator(struct formula *f, const char *text, size_t n)
{
    const bool unary = !f->operand;

    if (unary && strcmp(text, "＋") != 0 && strcmp(text, "±") != 0)
        return false;
    f->at += n;
    f->n_operators += !unary;
    f->operand = false;
    return add_math(f, unary && strcmp(text, "＋") == 0 ? "+" : text);
}

static bool read_minus(struct formula *f)
{
    const bool unary = !f->operand;

    f->at++;
    f->operand = false;
    return add_math(f, unary ? "−" : "－");
}

static bool read_bracket(struct formula *f, uint32_t c)
{
    const char text[2] = {(char) c, 0};
    const bool opens = c == '(' || c == '[';

    if (!opens && (f->depth == 0 || !f->operand))
        return false;
    f->depth += opens ? 1 : (size_t) -1;
    f->at++;
    f->operand = !opens;
    return add_math(f, text);
}

static bool read_greek(struct formula *f)
{
    char text[5];
    size_t n;

    lang_utf8_write(lang_text_at(f->t, f->at), text);
    if (!lang_letter_name(text, &n))
        return false;
    f->at++;
    f->operand = true;
    return add(f, LANG_LATIN, text, strlen(text));
}

/* The next thing of a formula. */
static bool read_sign(struct formula *f)
{
    static const struct {
        const char *text, *sign;
    } typed[] = {{"<=", "≤"}, {">=", "≥"}, {"!=", "≠"}, {"=>", "⇒"}, {"->", "→"}};
    const uint32_t c = lang_text_at(f->t, f->at);
    const struct lang_print *p;
    size_t n;

    if (c == ' ') {
        f->at++;
        return true;
    }
    if (lang_is_digit(c))
        return read_number(f);
    if (lang_is_letter(c))
        return read_letters(f);
    if (c >= 0x370 && c < 0x400)
        return read_greek(f);
    if (is_superscript(c) || is_subscript(c))
        return read_script(f);
    for (size_t i = 0; i < ELEMENTSOF(typed); i++)
        if ((n = lang_text_is(f->t, f->at, typed[i].text)) > 0)
            return read_operator(f, typed[i].sign, n);
    if (c == '-' || c == 0x2212)
        return read_minus(f);
    if (c == '^' || c == 0x221A) {
        f->at++;
        return (c == 0x221A || f->operand) && read_group(f, c == '^' ? "^{" : "√{");
    }
    if (c == '/') {
        f->at++;
        const bool operand = f->operand;
        f->operand = false;
        return operand && add_math(f, "/");
    }
    if (c == '(' || c == ')' || c == '[' || c == ']')
        return read_bracket(f, c);
    if ((p = lang_text_print(f->t, f->at, LANG_PRINT_OPERATOR, &n)))
        return read_operator(f, p->pinyin, n);
    if ((p = lang_text_print(f->t, f->at, LANG_PRINT_MATH, &n))) {
        f->at += n;
        f->operand = c == 0x221E || c == 0x2032 || c == 0xB0;
        return add_math(f, p->pinyin);
    }
    return false;
}

/* "5 m²" and "1 g/cm³" are quantities, if nothing is reckoned with them. */
static bool is_quantity(const struct text *t)
{
    size_t n = 0, length;

    while (n < MAX_TOKENS &&
           (lang_is_digit(lang_text_at(t, t->at + n)) || lang_text_at(t, t->at + n) == '.'))
        n++;
    const struct lang_print *unit =
        n > 0 ? lang_text_print(t, t->at + n, LANG_PRINT_UNIT, &length) : NULL;
    if (!unit)
        return false;
    size_t gap = n + length, ignored;
    while (lang_text_at(t, t->at + gap) == ' ')
        gap++;
    const uint32_t c = lang_text_at(t, t->at + gap);
    return !lang_is_letter(c) && !lang_is_digit(c) && !is_superscript(c) && c != '^' &&
           !lang_text_print(t, t->at + gap, LANG_PRINT_OPERATOR, &ignored);
}

/* As much as makes sense: up to the last place where an operand ended and all was closed. */
size_t lang_text_formula(struct text *t)
{
    struct formula f = {.t = t, .at = t->at};
    size_t n_good = 0, end = 0, n_operators = 0;
    struct lang_buf out = {0};
    char *pinyin;

    if (t->as != LANG_SAY_PLAIN || is_quantity(t) ||
        (t->at > 0 && lang_is_letter(t->c[t->at - 1].c) && lang_is_letter(t->c[t->at].c)))
        return 0;
    while (f.at < t->n && read_sign(&f)) {
        if (f.operand && f.depth == 0 && f.at > 0 && t->c[f.at - 1].c != ' ') {
            n_good = f.n;
            end = f.at;
            n_operators = f.n_operators;
        }
    }
    if (n_operators == 0)
        return 0;
    lang_math_say(&out, f.tokens, n_good, false);
    if (lang_buf_take(&out, &pinyin) < 0) {
        t->s->r = -ENOMEM;
        return 0;
    }
    lang_text_put(t, pinyin, t->at, end - t->at, LANG_WORD_COUNTS);
    free(pinyin);
    t->before = lang_class_number;
    return end - t->at;
}
