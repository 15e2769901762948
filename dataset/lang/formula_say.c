/* SPDX-License-Identifier: Apache-2.0
 *
 * Formulas as Mandarin reads them: the denominator before the numerator, x de ping fang, gen hao.
 */

#include <string.h>

#include "lang/formula.h"
#include "lang/number.h"

static const struct lang_math_sign *sign_of(const char *text)
{
    for (size_t s = 0; s < lang_n_math_signs; s++)
        if (strcmp(lang_math_signs[s].text, text) == 0 &&
            lang_math_signs[s].kind != LANG_MATH_GREEK)
            return &lang_math_signs[s];
    return NULL;
}

static bool is(const struct lang_token *t, const char *text)
{
    return t->kind == LANG_MATH && strcmp(t->text, text) == 0;
}

bool lang_math_is_operator(const struct lang_token *t)
{
    const struct lang_math_sign *sign = t->kind == LANG_MATH ? sign_of(t->text) : NULL;

    return sign && (sign->kind == LANG_MATH_BINARY || sign->kind == LANG_MATH_RELATION ||
                    sign->kind == LANG_MATH_LEAD || strcmp(sign->text, "≠") == 0 ||
                    strcmp(sign->text, "∉") == 0);
}

bool lang_math_is_word(const struct lang_token *t)
{
    const struct lang_math_sign *sign = t->kind == LANG_MATH ? sign_of(t->text) : NULL;

    return sign && sign->kind == LANG_MATH_FUNCTION;
}

/* May a space beside this token be inside a formula? */
static bool spans_gap(const struct lang_token *t)
{
    return lang_math_is_operator(t) || is(t, "}/{") || is(t, "，") || is(t, "；");
}

size_t lang_math_run(const struct lang_text *t, size_t i, bool *ret_formula)
{
    size_t n = 0, n_signs = 0;

    for (; i + n < t->n; n++) {
        const struct lang_token *token = &t->tokens[i + n];
        const struct lang_token *next = i + n + 1 < t->n ? token + 1 : NULL;
        const bool inside = token->kind == LANG_SPACE && n > 0 && next && token->text[1] != '\n' &&
                            ((next->kind == LANG_MATH && spans_gap(next)) || spans_gap(token - 1));
        n_signs += token->kind == LANG_MATH;
        if (token->kind != LANG_MATH && token->kind != LANG_NUMBER && token->kind != LANG_LATIN &&
            !inside)
            break;
    }
    *ret_formula = n_signs > 0;
    return n;
}

/* ---- what is open and closed ---- */

/* 1: opens, -1: closes, 2: closes and opens ("}/{", "]{"). Bars are told by their number. */
static int bracket(const struct lang_token *t)
{
    static const char *const opening[] = {"(", "[", "｛", "⎧", "{", "^{", "_{"};
    static const char *const closing[] = {")", "]", "}", "｝", "⎫"};

    if (t->kind != LANG_MATH)
        return 0;
    if (strcmp(t->text, "}/{") == 0 || strcmp(t->text, "]{") == 0)
        return 2;
    for (size_t i = 0; i < ELEMENTSOF(opening); i++)
        if (strcmp(t->text, opening[i]) == 0)
            return 1;
    for (size_t i = 0; i < ELEMENTSOF(closing); i++)
        if (strcmp(t->text, closing[i]) == 0)
            return -1;
    return strncmp(t->text, "√", strlen("√")) == 0 ? 1 : 0;
}

/* Behind the token that closes what tokens[0] opens, or at its "}/{", "]{"; n: nothing closes it.
 */
static size_t match(const struct lang_token *tokens, size_t n)
{
    size_t depth = 1;

    for (size_t i = 1; i < n; i++) {
        const int b = bracket(&tokens[i]);
        if (depth == 1 && (b == 2 || b == -1))
            return i;
        depth += b == 1 ? 1 : b == -1 ? (size_t) -1 : 0;
    }
    return n;
}

static bool is_balanced(const struct lang_token *tokens, size_t n)
{
    size_t depth = 0, n_bars = 0;

    for (size_t i = 0; i < n; i++) {
        const int b = bracket(&tokens[i]);
        if (b < 0 && depth == 0)
            return false;
        depth += b == 1 ? 1 : b == -1 ? (size_t) -1 : 0;
        n_bars += is(&tokens[i], "|");
    }
    return depth == 0 && n_bars % 2 == 0;
}

/* ---- speech ---- */

static const struct {
    const char *text, *words, *square, *cube;
} units[] = {
    {"kg", "qian1ke4", NULL, NULL},
    {"g", "ke4", NULL, NULL},
    {"mg", "hao2ke4", NULL, NULL},
    {"km", "qian1mi3", "ping2fang1 qian1mi3", NULL},
    {"m", "mi3", "ping2fang1mi3", "li4fang1mi3"},
    {"dm", "fen1mi3", "ping2fang1 fen1mi3", "li4fang1 fen1mi3"},
    {"cm", "li2mi3", "ping2fang1 li2mi3", "li4fang1 li2mi3"},
    {"mm", "hao2mi3", "ping2fang1 hao2mi3", "li4fang1 hao2mi3"},
    {"l", "sheng1", NULL, NULL},
    {"L", "sheng1", NULL, NULL},
    {"ml", "hao2sheng1", NULL, NULL},
    {"mL", "hao2sheng1", NULL, NULL},
    {"s", "miao3", "miao3 ping2fang1", NULL},
    {"min", "fen1zhong1", NULL, NULL},
    {"h", "xiao3shi2", NULL, NULL},
    {"t", "dun1", NULL, NULL},
    {"N", "niu2", NULL, NULL},
    {"J", "jiao1", NULL, NULL},
    {"W", "wa3", NULL, NULL},
    {"kW", "qian1wa3", NULL, NULL},
    {"V", "fu2", NULL, NULL},
    {"A", "an1", NULL, NULL},
    {"Hz", "he4zi1", NULL, NULL},
    {"Pa", "pa4", NULL, NULL},
};

static size_t unit_at(const struct lang_token *t)
{
    size_t u = 0;

    while (u < ELEMENTSOF(units) && (t->kind != LANG_LATIN || strcmp(units[u].text, t->text) != 0))
        u++;
    return u;
}

/* Numbers with units and no letters besides: "20 m/s", "6 cm²". `counted`: a number stands before
 * the formula. */
static bool is_quantity(const struct lang_token *tokens, size_t n, bool counted)
{
    bool any = false;

    for (size_t i = 0; i < n; i++) {
        if (tokens[i].kind != LANG_LATIN)
            continue;
        const bool behind_number = i > 0 ? tokens[i - 1].kind == LANG_NUMBER : counted;
        const bool per = i > 0 && (is(&tokens[i - 1], "∕") || is(&tokens[i - 1], "·"));
        if (unit_at(&tokens[i]) == ELEMENTSOF(units) || (!behind_number && !(per && any)))
            return false;
        any = true;
    }
    return any;
}

/* Mandarin names of the letters in the syllables that the voice knows (c, j and q only nearly). */
static const char *const latin[26] = {
    "ei1",    "bi4",  "xi1",     "di4",    "yi4",        "ai2fu5",    "ji4",  "ei1qi5", "ai4",
    "zhei4",  "kei4", "ai2lou5", "ai2mu5", "en1",        "ou1",       "pi4",  "qiu1",   "a4er5",
    "ai2si5", "ti4",  "you1",    "wei1",   "da2bu5liu5", "ai2ke5si5", "wai4", "zei4",
};

const char *lang_letter_name(const char *text, size_t *ret_n)
{
    const unsigned char *u = (const unsigned char *) text;
    const char small = u[0] >= 'A' && u[0] <= 'Z' ? (char) (u[0] - 'A' + 'a') : (char) u[0];

    *ret_n = 1;
    if (small >= 'a' && small <= 'z')
        return latin[small - 'a'];
    if ((u[0] != 0xCE && u[0] != 0xCF) || (u[1] & 0xC0) != 0x80)
        return NULL;
    *ret_n = 2;
    unsigned code = (u[0] & 0x1Fu) << 6 | (u[1] & 0x3Fu);
    if (code >= 0x391 && code <= 0x3A9) /* a capital */
        code += 0x20;
    for (size_t s = 0; s < lang_n_math_signs; s++) {
        const unsigned char *g = (const unsigned char *) lang_math_signs[s].text;
        if (lang_math_signs[s].kind == LANG_MATH_GREEK &&
            ((g[0] & 0x1Fu) << 6 | (g[1] & 0x3Fu)) == code)
            return lang_math_signs[s].pinyin;
    }
    return NULL;
}

const char *lang_unit_name(const char *text)
{
    for (size_t u = 0; u < ELEMENTSOF(units); u++)
        if (strlen(text) + (text[0] == 'g' || text[0] == 'm' || text[0] == 'l' || text[0] == 'L') >=
                2 &&
            strcmp(units[u].text, text) == 0)
            return units[u].words;
    return NULL;
}

struct saying {
    struct lang_buf *out;
    bool quantity; ///< letters are units
};

static void say(struct saying *s, const char *words)
{
    lang_buf_space(s->out);
    lang_buf_adds(s->out, words);
}

static void say_letters(struct saying *s, const char *text)
{
    for (size_t n; *text; text += n) {
        const char *name = lang_letter_name(text, &n);
        if (name)
            say(s, name);
        else
            n = 1;
    }
}

/* "²" or "₋₁": its sign and digits, as plain text in digits[16]. Returns whether it stands above.
 */
static bool plain_digits(const char *text, char digits[16], bool *ret_minus)
{
    static const char *const above[] = {"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
    static const char *const below[] = {"₀", "₁", "₂", "₃", "₄", "₅", "₆", "₇", "₈", "₉"};
    bool upper = false;
    size_t n = 0;

    *ret_minus = strstr(text, "⁻") || strstr(text, "₋");
    for (const char *p = text; *p; p++)
        for (int d = 0; d < 10 && n < 15; d++) {
            const bool is_above = strncmp(p, above[d], strlen(above[d])) == 0;
            if (is_above || strncmp(p, below[d], strlen(below[d])) == 0) {
                digits[n++] = (char) ('0' + d);
                upper = is_above;
            }
        }
    digits[n] = 0;
    return upper;
}

static void say_digits(struct saying *s, const char *text)
{
    char digits[16];
    bool minus;

    plain_digits(text, digits, &minus);
    if (minus)
        say(s, "fu4");
    lang_buf_space(s->out);
    lang_number_say(s->out, digits, false);
}

/* Powers of two and three have names. */
static void say_script(struct saying *s, const char *text)
{
    char digits[16];
    bool minus;
    const bool upper = plain_digits(text, digits, &minus);

    if (upper && !minus && (strcmp(digits, "2") == 0 || strcmp(digits, "3") == 0)) {
        say(s, digits[0] == '2' ? "de5 ping2fang1" : "de5 li4fang1");
        return;
    }
    say(s, upper ? "de5" : "xia4biao1");
    say_digits(s, text);
    if (upper)
        say(s, "ci4fang1");
}

static void say_tokens(struct saying *s, const struct lang_token *tokens, size_t n);

/* Square roots need no number; the content is said with "below" where it is more than one thing. */
static void say_root(struct saying *s, const struct lang_token *tokens, size_t body, size_t end)
{
    const char *text = tokens[0].text + strlen("√");

    if (*text != '{') {
        if (*text == '[') /* √[ … ]{ */
            say_tokens(s, tokens + 1, body - 1);
        else
            say_digits(s, text);
        say(s, "ci4");
    }
    say(s, end - body > 2 ? "gen1hao4xia4" : "gen1hao4");
    say_tokens(s, tokens + body + 1, end - body - 1);
}

/* What a bracket-like token opens, to its end. Returns how many tokens that is; 0: it is none of
 * these, or nothing closes it. */
static size_t say_group(struct saying *s, const struct lang_token *tokens, size_t n)
{
    const size_t first = match(tokens, n);
    const bool brace = first < n && bracket(&tokens[first]) == -1 && sign_of(tokens[first].text);

    if (first == n || (sign_of(tokens[0].text) != NULL) != brace)
        return 0;
    if (is(&tokens[first], "]{")) {
        const size_t end = first + match(tokens + first, n - first);
        if (end < n)
            say_root(s, tokens, first, end);
        return end < n ? end + 1 : 0;
    }
    if (strncmp(tokens[0].text, "√", strlen("√")) == 0) {
        say_root(s, tokens, 0, first);
        return first + 1;
    }
    if (is(&tokens[first], "}/{")) {
        const size_t end = first + match(tokens + first, n - first);
        if (end == n)
            return 0;
        say_tokens(s, tokens + first + 1, end - first - 1);
        say(s, "fen1zhi1");
        say_tokens(s, tokens + 1, first - 1);
        return end + 1;
    }
    if (is(&tokens[0], "^{") || is(&tokens[0], "_{")) {
        say(s, tokens[0].text[0] == '^' ? "de5" : "xia4biao1");
        say_tokens(s, tokens + 1, first - 1);
        if (tokens[0].text[0] == '^')
            say(s, "ci4fang1");
        return first + 1;
    }
    say(s, sign_of(tokens[0].text)->pinyin);
    say_tokens(s, tokens + 1, first - 1);
    if (first + 1 < n || !is(&tokens[first], "⎫")) /* the end of a system is a pause */
        say(s, sign_of(tokens[first].text)->pinyin);
    return first + 1;
}

/* |x|: to the next bar. */
static size_t say_bars(struct saying *s, const struct lang_token *tokens, size_t n)
{
    size_t end = 1;

    while (end < n && !is(&tokens[end], "|"))
        end++;
    if (end == n)
        return 0;
    say_tokens(s, tokens + 1, end - 1);
    say(s, "de5 jue2dui4zhi2");
    return end + 1;
}

/* A unit, with the power behind it. Returns the tokens. */
static size_t say_unit(struct saying *s, const struct lang_token *tokens, size_t n)
{
    const size_t u = unit_at(&tokens[0]);
    const bool square = n > 1 && is(&tokens[1], "²"), cube = n > 1 && is(&tokens[1], "³");

    if (square && units[u].square)
        say(s, units[u].square);
    else if (cube && units[u].cube)
        say(s, units[u].cube);
    else
        say(s, units[u].words);
    return (square && units[u].square) || (cube && units[u].cube) ? 2 : 1;
}

/* Names of what is left alone when a formula does not close. */
static const char *loose_name(const char *text)
{
    static const struct {
        const char *text, *words;
    } names[] = {
        {"^{", "shang4biao1"},    {"_{", "xia4biao1"}, {"}", "jie2shu4"},  {"{", "fen1shi4"},
        {"}/{", "fen1shu4xian4"}, {"]{", "gen1hao4"},  {"|", "shu4xian4"}, {"/", "fen1shu4xian4"},
    };

    for (size_t i = 0; i < ELEMENTSOF(names); i++)
        if (strcmp(names[i].text, text) == 0)
            return names[i].words;
    return strncmp(text, "√", strlen("√")) == 0 ? "gen1hao4" : NULL;
}

static void say_sign(struct saying *s, const struct lang_token *t)
{
    const struct lang_math_sign *sign = sign_of(t->text);
    const char *name = loose_name(t->text);

    if (s->quantity && strcmp(t->text, "·") == 0)
        return;
    if (s->quantity && strcmp(t->text, "∕") == 0)
        say(s, "mei3");
    else if (strcmp(t->text, "，") == 0 || strcmp(t->text, "；") == 0)
        say(s, t->text);
    else if (sign || name)
        say(s, sign ? sign->pinyin : name);
    else
        say_script(s, t->text);
}

/* log₂: "to the base of two", and what it is the logarithm of comes before the word. */
static bool has_base(const struct lang_token *tokens, size_t n)
{
    return n > 1 && is(&tokens[0], "log") && strncmp(tokens[1].text, "₀", 2) == 0 &&
           tokens[1].kind == LANG_MATH;
}

static void say_base(struct saying *s, const struct lang_token *index)
{
    say(s, "yi3");
    say_digits(s, index->text);
    say(s, "wei2 di3");
}

/* Things that follow each other without an operator. */
static void say_factors(struct saying *s, const struct lang_token *tokens, size_t n)
{
    bool logarithm = false;

    for (size_t i = 0, step; i < n; i += step) {
        const struct lang_token *t = &tokens[i];
        step = 1;
        if (has_base(t, n - i)) {
            say_base(s, t + 1);
            logarithm = true;
            step = 2;
        } else if (t->kind == LANG_NUMBER) {
            lang_buf_space(s->out);
            lang_number_say(s->out, t->text, false);
        } else if (t->kind == LANG_LATIN && s->quantity) {
            step = say_unit(s, t, n - i);
        } else if (t->kind == LANG_LATIN) {
            say_letters(s, t->text);
        } else if (t->kind == LANG_MATH) {
            step = is(t, "|")        ? say_bars(s, t, n - i)
                   : bracket(t) == 1 ? say_group(s, t, n - i)
                                     : 0;
            if (step == 0) {
                step = 1;
                say_sign(s, t);
            }
        }
    }
    if (logarithm)
        say(s, "de5 dui4shu4");
}

/* The first token from `i` on, outside of brackets and bars, that is an operator or the fraction
 * line; n: none. */
static size_t find_outside(const struct lang_token *tokens, size_t i, size_t n, bool line)
{
    size_t depth = 0, n_bars = 0;

    for (; i < n; i++) {
        const int b = bracket(&tokens[i]);
        depth += b == 1 ? 1 : b == -1 && depth > 0 ? (size_t) -1 : 0;
        n_bars += is(&tokens[i], "|");
        if (depth > 0 || n_bars % 2 || tokens[i].kind != LANG_MATH)
            continue;
        const struct lang_math_sign *sign = sign_of(tokens[i].text);
        const bool is_operator =
            sign && (sign->kind == LANG_MATH_BINARY || sign->kind == LANG_MATH_RELATION ||
                     sign->kind == LANG_MATH_INFIX || sign->kind == LANG_MATH_UNARY ||
                     sign->kind == LANG_MATH_LEAD);
        if (line ? is(&tokens[i], "/")
                 : is_operator || is(&tokens[i], "，") || is(&tokens[i], "；"))
            return i;
    }
    return n;
}

static void say_tokens(struct saying *s, const struct lang_token *tokens, size_t n)
{
    for (size_t i = 0; i < n;) {
        const size_t end = find_outside(tokens, i, n, false);
        const size_t line = find_outside(tokens, i, end, true);
        if (line < end) {
            say_factors(s, tokens + line + 1, end - line - 1);
            say(s, "fen1zhi1");
            say_factors(s, tokens + i, line - i);
        } else {
            say_factors(s, tokens + i, end - i);
        }
        if (end < n && end > i && is(&tokens[end - 1], "}")) /* a fraction or root ends here */
            say(s, "，");
        if (end < n)
            say_sign(s, &tokens[end]);
        i = end + 1;
    }
}

void lang_math_say(struct lang_buf *out, const struct lang_token *tokens, size_t n, bool counted)
{
    struct saying s = {.out = out, .quantity = is_quantity(tokens, n, counted)};

    if (is_balanced(tokens, n))
        say_tokens(&s, tokens, n);
    else
        for (size_t i = 0; i < n; i++)
            say_factors(&s, tokens + i, 1);
}
