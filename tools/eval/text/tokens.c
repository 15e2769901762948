/* SPDX-License-Identifier: Apache-2.0
 *
 * The tokenizers of sacrebleu 2.6.0 (tokenizer_zh.py, tokenizer_13a.py, tokenizer_re.py,
 * tokenizer_char.py), written anew.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "tools/eval/text/text.h"

const char *const eval_tokenizer_names[EVAL_N_TOKENIZERS] = {"zh", "none", "13a", "char"};

/* Characters that grow at the end; `r` notes that memory ran out. */
struct out {
    uint32_t *c;
    size_t n, room;
    int r;
};

static void put(struct out *o, uint32_t c)
{
    if (o->n == o->room) {
        const size_t room = MAX(2 * o->room, (size_t) 256);
        uint32_t *more = reallocarray(o->c, room, sizeof(*more));
        if (!more) {
            o->r = -ENOMEM;
            return;
        }
        o->c = more;
        o->room = room;
    }
    o->c[o->n++] = c;
}

/* The pattern with a for 1 and b for 2. */
static void put_spaced(struct out *o, const char *pattern, uint32_t a, uint32_t b)
{
    for (; *pattern; pattern++)
        put(o, *pattern == '1' ? a : *pattern == '2' ? b : ' ');
}

static bool in(uint32_t c, uint32_t from, uint32_t to)
{
    return c >= from && c <= to;
}

/* sacrebleu's table. Its \u20000-\u2a6d6 and \u2f800-\u2fa1d are strings of two characters each in
 * Python, so that as ranges of one character they are U+2001 - U+2A6D and U+2F81 - U+2FA1: dashes
 * and quotes are cut out, the ideographs of plane 2 are not. */
static bool is_chinese(uint32_t c)
{
    return in(c, 0x3400, 0x4db5) || in(c, 0x4e00, 0x9fbb) || in(c, 0xf900, 0xfa2d) ||
           in(c, 0xfa30, 0xfa6a) || in(c, 0xfa70, 0xfad9) || in(c, 0x2001, 0x2a6d) ||
           in(c, 0x2e80, 0x2fdf) || in(c, 0xff00, 0xffef) || in(c, 0x2ff0, 0x303f) ||
           in(c, 0x31c0, 0x31ef) || in(c, 0x3100, 0x312f) || in(c, 0x31a0, 0x31bf) ||
           in(c, 0xfe10, 0xfe1f) || in(c, 0xfe30, 0xfe4f) || in(c, 0x3200, 0x33ff);
}

bool eval_has_ideograph(const struct eval_chars *line)
{
    for (size_t i = 0; i < line->n; i++)
        if (in(line->c[i], 0x3400, 0x9fff) || in(line->c[i], 0x20000, 0x323af))
            return true;
    return false;
}

/* ---- what zh and 13a share: tokenizer_re.py, four substitutions one after the other ---- */

static bool is_digit(uint32_t c)
{
    return in(c, '0', '9');
}

static bool is_point(uint32_t c)
{
    return c == '.' || c == ',';
}

/* [\{-\~\[-\` -\&\(-\+\:-\@\/] */
static bool is_sign(uint32_t c)
{
    return in(c, '{', '~') || in(c, '[', '`') || in(c, ' ', '&') || in(c, '(', '+') ||
           in(c, ':', '@') || c == '/';
}

static bool is_bare_point(uint32_t a, uint32_t b)
{
    return !is_digit(a) && is_point(b);
}

static bool is_point_before(uint32_t a, uint32_t b)
{
    return is_point(a) && !is_digit(b);
}

static bool is_dash(uint32_t a, uint32_t b)
{
    return is_digit(a) && b == '-';
}

/* Each pair from left to right that fits, none of them overlapping. */
static void spread_pairs(struct out *o, bool (*fits)(uint32_t, uint32_t), const char *pattern)
{
    struct out to = {.r = o->r};

    for (size_t i = 0; i < o->n; i++) {
        if (i + 1 < o->n && fits(o->c[i], o->c[i + 1])) {
            put_spaced(&to, pattern, o->c[i], o->c[i + 1]);
            i++;
        } else
            put(&to, o->c[i]);
    }
    free(o->c);
    *o = to;
}

static void spread_signs(struct out *o)
{
    struct out to = {.r = o->r};

    for (size_t i = 0; i < o->n; i++)
        put_spaced(&to, is_sign(o->c[i]) ? " 1 " : "1", o->c[i], 0);
    free(o->c);
    *o = to;
}

static void spread(struct out *o)
{
    spread_signs(o);
    spread_pairs(o, is_bare_point, "1 2 ");
    spread_pairs(o, is_point_before, " 1 2");
    spread_pairs(o, is_dash, "1 2 ");
}

/* ---- each ---- */

static void cut_zh(const struct eval_chars *line, struct out *o)
{
    const struct eval_chars s = eval_strip(line);

    for (size_t i = 0; i < s.n; i++)
        put_spaced(o, is_chinese(s.c[i]) ? " 1 " : "1", s.c[i], 0);
    spread(o);
}

/* Every `from` (ASCII) by one character, 0: by nothing. */
static void replace(struct out *o, const char *from, uint32_t by)
{
    const size_t length = strlen(from);
    struct out to = {.r = o->r};

    for (size_t i = 0; i < o->n; i++) {
        size_t k = 0;
        while (k < length && i + k < o->n && o->c[i + k] == (unsigned char) from[k])
            k++;
        if (k < length) {
            put(&to, o->c[i]);
            continue;
        }
        if (by)
            put(&to, by);
        i += length - 1;
    }
    free(o->c);
    *o = to;
}

static void cut_13a(const struct eval_chars *line, struct out *o)
{
    size_t n = line->n;

    while (n > 0 && eval_is_blank(line->c[n - 1]))
        n--;
    for (size_t i = 0; i < n; i++)
        put(o, line->c[i]);
    replace(o, "<skipped>", 0);
    replace(o, "&quot;", '"');
    replace(o, "&amp;", '&');
    replace(o, "&lt;", '<');
    replace(o, "&gt;", '>');
    struct out to = {.r = o->r};
    put(&to, ' ');
    for (size_t i = 0; i < o->n; i++)
        put(&to, o->c[i]);
    put(&to, ' ');
    free(o->c);
    *o = to;
    spread(o);
}

static void cut_plain(const struct eval_chars *line, bool each, struct out *o)
{
    for (size_t i = 0; i < line->n; i++)
        put_spaced(o, each ? "1 " : "1", line->c[i], 0);
}

void eval_tokens_done(struct eval_tokens *t)
{
    free(t->ids);
    *t = (struct eval_tokens){0};
}

static int add_token(const struct eval_chars *token, struct eval_words *words,
                     struct eval_tokens *to)
{
    CLEANUP_FREE char *text = eval_chars_utf8(token);
    size_t id;

    if (!text)
        return -ENOMEM;
    int r = eval_words_add(words, text, &id);
    if (r == 0)
        to->ids[to->n++] = (uint32_t) id;
    return r;
}

int eval_tokenise(const struct eval_chars *line, enum eval_tokenizer how, struct eval_words *words,
                  struct eval_tokens *ret)
{
    CLEANUP(eval_tokens_done) struct eval_tokens t = {0};
    struct out o = {0};

    if (how == EVAL_ZH)
        cut_zh(line, &o);
    else if (how == EVAL_13A)
        cut_13a(line, &o);
    else
        cut_plain(line, how == EVAL_CHAR, &o);
    int r = o.r;
    t.ids = malloc((o.n + 1) * sizeof(*t.ids));
    if (!t.ids)
        r = -ENOMEM;
    for (size_t i = 0, end; r == 0 && i < o.n; i = end + 1) {
        for (end = i; end < o.n && !eval_is_blank(o.c[end]); end++)
            ;
        if (end > i)
            r = add_token(&(struct eval_chars){o.c + i, end - i}, words, &t);
    }
    free(o.c);
    if (r < 0)
        return r;
    *ret = t;
    t = (struct eval_tokens){0};
    return 0;
}
