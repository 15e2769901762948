/* SPDX-License-Identifier: Apache-2.0
 *
 * Print -> speech: pauses, letters, signs, and what cannot be said. Numbers, formulas and Hanzi
 * have files of their own.
 */

#include "lang/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "lang/formula.h"
#include "lang/search.h"

enum {
    MAX_NAME = 8,       ///< characters of another script that are named together
    LEAST_WRAPPED = 20, ///< characters of a line that was broken because it was full
};

/* ---- characters ---- */

size_t lang_utf8_read(const char *text, uint32_t *ret)
{
    const unsigned char *p = (const unsigned char *) text;
    const size_t n = p[0] < 0x80             ? 1
                     : (p[0] & 0xE0) == 0xC0 ? 2
                     : (p[0] & 0xF0) == 0xE0 ? 3
                     : (p[0] & 0xF8) == 0xF0 ? 4
                                             : 0;
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    uint32_t c = n > 1 ? p[0] & (0x7Fu >> n) : p[0];

    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xC0) != 0x80)
            return 0;
        c = c << 6 | (p[i] & 0x3Fu);
    }
    if (n == 0 || c < least[n] || c > 0x10FFFF || (c >= 0xD800 && c < 0xE000))
        return 0;
    *ret = c;
    return n;
}

size_t lang_utf8_write(uint32_t c, char out[5])
{
    size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

    out[n] = 0;
    for (size_t i = n; i-- > 1; c >>= 6)
        out[i] = (char) (0x80 | (c & 0x3F));
    out[0] = (char) (n == 1 ? c : (0xF00u >> n & 0xFF) | c);
    return n;
}

/* One form for what is the same to the ear. */
static uint32_t fold(uint32_t c)
{
    static const struct {
        uint32_t from, to;
    } same[] = {
        {0xA0, ' '},      {0x3000, ' '},    {0x2002, ' '},    {0x2003, ' '},    {0x2009, ' '},
        {0x202F, ' '},    {'\r', '\n'},     {0x2028, '\n'},   {0x2029, '\n'},   {0xBA, 0xB0},
        {0x2DA, 0xB0},    {0xB5, 0x3BC},    {0x2126, 0x3A9},  {0x2103, 0x2103}, {0x2212, 0x2212},
        {0x3007, 0x96F6}, {0xFE63, '-'},    {0x2010, '-'},    {0x2011, '-'},    {0x22C5, 0xB7},
        {0x2032, 0x2032}, {0x2266, 0x2264}, {0x2267, 0x2265}, {0x2044, '/'},    {0x2215, '/'},
        {0x301C, 0xFF5E}, {0x2236, 0x2236}, {0x2E3A, 0x2014}, {0x2015, 0x2014},
    };
    static const char signs[] = "%$&+-/<=>@#*\\^_|.";

    if (c >= 0xFF01 && c <= 0xFF5E) {
        const uint32_t ascii = c - 0xFF01 + '!';
        if (lang_is_digit(ascii) || lang_is_letter(ascii) || strchr(signs, (int) ascii))
            return ascii;
    }
    for (size_t i = 0; i < ELEMENTSOF(same); i++)
        if (same[i].from == c)
            return same[i].to;
    return lang_simplified(c);
}

bool lang_is_hanzi(uint32_t c)
{
    return (c >= 0x3400 && c < 0x4DC0) || (c >= 0x4E00 && c < 0xA000) || c == 0x3005 ||
           (c >= 0x20000 && c < 0x40000);
}

/* Joiners, direction marks, variation selectors, and the skin of an emoji: nothing by themselves.
 */
static bool is_nothing(uint32_t c)
{
    return (c >= 0x200B && c <= 0x200F) || c == 0xFEFF || c == 0x2060 || c == 0xAD ||
           (c >= 0xFE00 && c <= 0xFE0F) || (c >= 0x1F3FB && c <= 0x1F3FF) ||
           (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
}

size_t lang_text_is(const struct text *t, size_t i, const char *text)
{
    size_t n = 0;
    uint32_t c;

    for (; *text; n++) {
        text += lang_utf8_read(text, &c);
        if (lang_text_at(t, i + n) != c)
            return 0;
    }
    return n;
}

size_t lang_text_is_before(const struct text *t, size_t i, const char *text)
{
    size_t n = 0;
    uint32_t c;

    for (const char *p = text; *p; n++)
        p += lang_utf8_read(p, &c);
    return n <= i ? lang_text_is(t, i - n, text) : 0;
}

const struct lang_print *lang_text_print(const struct text *t, size_t i, enum lang_print_kind kind,
                                         size_t *ret_n)
{
    for (size_t k = 0; k < lang_n_prints; k++) {
        const size_t n = lang_prints[k].kind == kind ? lang_text_is(t, i, lang_prints[k].text) : 0;
        if (n > 0) {
            *ret_n = n;
            return &lang_prints[k];
        }
    }
    return NULL;
}

bool lang_text_print_before(const struct text *t, size_t i, enum lang_print_kind kind)
{
    for (size_t k = 0; k < lang_n_prints; k++)
        if (lang_prints[k].kind == kind && lang_text_is_before(t, i, lang_prints[k].text) > 0)
            return true;
    return false;
}

void lang_text_put(struct text *t, const char *pinyin, size_t i, size_t n,
                   enum lang_word_flags flags)
{
    const struct lang_char *last = &t->c[i + n - 1];
    const size_t offset = t->c[i].offset;

    lang_script_say(t->s, pinyin, offset, last->offset + last->n_bytes - offset, flags,
                    lang_class_number);
    t->line_start = false;
}

static void put_pause(struct text *t, const char *sign, bool weak, size_t i, size_t n)
{
    const struct lang_char *last = &t->c[i + n - 1];

    lang_script_pause(t->s, sign, weak, t->c[i].offset,
                      last->offset + last->n_bytes - t->c[i].offset);
    t->before = lang_class_start;
}

/* ---- lines ---- */

/* A line that is full was broken anywhere, also inside a word: what is left without such ends. */
static size_t join_lines(struct lang_char *c, size_t n)
{
    size_t out = 0, length = 0;

    for (size_t i = 0; i < n; i++) {
        const bool ends = c[i].c == '\n';
        if (ends && length >= LEAST_WRAPPED && lang_is_hanzi(c[out - 1].c) && i + 1 < n &&
            lang_is_hanzi(c[i + 1].c)) {
            length = 0;
            continue;
        }
        length = ends ? 0 : length + 1;
        c[out++] = c[i];
    }
    return out;
}

/* Lines end where something ends, unless they are full; blank lines and lines that begin with a
 * blank begin a paragraph, and so does what follows a sentence's end. */
static size_t say_line_end(struct text *t)
{
    size_t n = 0, n_ends = 0, n_blanks = 0;

    if (lang_text_at(t, t->at) != '\n')
        return 0;
    for (; lang_text_at(t, t->at + n) == '\n' || lang_text_at(t, t->at + n) == ' '; n++) {
        const bool end = t->c[t->at + n].c == '\n';
        n_ends += end;
        n_blanks = end ? 0 : n_blanks + 1;
    }
    const bool ends_sentence = t->s->pause[0] && strstr("。！？", t->s->pause);
    put_pause(t, "。", false, t->at, 1);
    t->line_start = true;
    if (t->at + n < t->n && (n_ends > 1 || n_blanks > 1 || ends_sentence) && t->s->pieces.n > 0)
        lang_script_paragraph(t->s);
    return n;
}

/* ---- signs ---- */

/* "." after a sentence or an abbreviation, or in a name as www.gov.cn. */
static size_t say_dot(struct text *t)
{
    const uint32_t before = t->at > 0 ? t->c[t->at - 1].c : 0, after = lang_text_at(t, t->at + 1);
    size_t n = 1;

    if (lang_text_at(t, t->at) != '.')
        return 0;
    while (lang_text_at(t, t->at + n) == '.')
        n++;
    if (n > 1)
        put_pause(t, "，", true, t->at, n);
    else if ((lang_is_letter(before) || lang_is_digit(before)) &&
             (lang_is_letter(after) || lang_is_digit(after)))
        lang_text_put(t, "dian3", t->at, 1, LANG_WORD_PLAIN);
    else
        put_pause(t, "。", false, t->at, 1);
    return n;
}

static bool is_dash(uint32_t c)
{
    return c == '-' || c == 0x2013 || c == 0x2014 || c == 0x2212 || c == '~' || c == 0xFF5E;
}

/* A dash: from … to, a hyphen, or a pause. Negative numbers are told before. */
static size_t say_dash(struct text *t)
{
    const uint32_t c = lang_text_at(t, t->at);
    size_t n = 1;

    if (!is_dash(c))
        return 0;
    while (is_dash(lang_text_at(t, t->at + n)))
        n++;
    const size_t gap = t->at > 1 && t->c[t->at - 1].c == ' ' && lang_text_at(t, t->at + n) == ' ';
    const uint32_t before = t->at > gap ? t->c[t->at - 1 - gap].c : 0,
                   after = lang_text_at(t, t->at + n + gap);
    const bool number = (lang_is_digit(after) && before != ' ' && !lang_is_letter(before) &&
                         t->before == lang_class_number);
    if (number && (n == 1 || lang_is_digit(before)))
        lang_text_put(t, lang_text_print_before(t, t->at, LANG_PRINT_SCORE) ? "bi3" : "zhi4", t->at,
                      n, LANG_WORD_PLAIN);
    else if (n == 1 && (c == 0x2014 || c == 0x2013 || c == '~' || c == 0xFF5E) &&
             lang_is_hanzi(before) && lang_is_hanzi(after))
        lang_text_put(t, "zhi4", t->at, n, LANG_WORD_PLAIN);
    else if (n > 1 || c == 0x2014)
        put_pause(t, "，", true, t->at, n);
    return n;
}

/* "/": per, or between words. */
static size_t say_slash(struct text *t)
{
    const uint32_t before = t->at > 0 ? t->c[t->at - 1].c : 0, after = lang_text_at(t, t->at + 1);

    if (lang_text_at(t, t->at) != '/')
        return 0;
    if (t->before == lang_class_number && (lang_is_hanzi(after) || lang_is_letter(after)))
        lang_text_put(t, "mei3", t->at, 1, LANG_WORD_PLAIN);
    else if (lang_is_hanzi(before) || lang_is_hanzi(after))
        put_pause(t, "、", true, t->at, 1);
    else
        lang_text_put(t, "xie2xian4", t->at, 1, LANG_WORD_PLAIN);
    return 1;
}

/* Signs of the table. What is no word at a line's beginning is a bullet. */
static size_t say_sign(struct text *t)
{
    const struct lang_print *p;
    size_t n;

    if ((p = lang_text_print(t, t->at, LANG_PRINT_PAUSE, &n)))
        put_pause(t, p->pinyin, false, t->at, n);
    else if ((p = lang_text_print(t, t->at, LANG_PRINT_WEAK, &n)))
        put_pause(t, p->pinyin, true, t->at, n);
    else if ((p = lang_text_print(t, t->at, LANG_PRINT_SILENT, &n))) {
        /* a list of titles without a sign between them */
        if (lang_text_is(t, t->at, "》《") || lang_text_is(t, t->at, "”“"))
            put_pause(t, "、", true, t->at, n);
    } else if ((p = lang_text_print(t, t->at, LANG_PRINT_SIGN, &n))) {
        if (t->line_start && (t->c[t->at].c == '#' || t->c[t->at].c == '*' ||
                              t->c[t->at].c == '>' || t->c[t->at].c == '+'))
            return 1;
        lang_text_put(t, p->pinyin, t->at, n, LANG_WORD_PLAIN);
        t->before = lang_class_noun;
    } else {
        return 0;
    }
    return n;
}

/* ---- letters ---- */

/* The plain letter below the marks of Latin-1 and Latin Extended-A; 0: none. */
static char plain_letter(uint32_t c)
{
    static const char first[] = "AAAAAAACEEEEIIIIDNOOOOO*OUUUUYTsaaaaaaaceeeeiiiidnooooo*ouuuuyty";
    static const char extended[] =
        "AaAaAaCcCcCcCcDdDdEeEeEeEeEeGgGgGgGgHhHhIiIiIiIiIiIiJjKkkLlLlLlLlLlNnNnNnnNnOoOoOoOoRrRrRr"
        "SsSsSsSsTtTtTtUuUuUuUuUuUuWwYyYZzZzZzs";
    char plain = 0;

    if (lang_is_letter(c))
        return (char) c;
    if (c >= 0xC0 && c <= 0xFF)
        plain = first[c - 0xC0];
    else if (c >= 0x100 && c < 0x100 + sizeof(extended) - 1)
        plain = extended[c - 0x100];
    return plain == '*' ? 0 : plain;
}

/* One letter, by its name. */
static size_t say_letter(struct text *t)
{
    const uint32_t c = lang_text_at(t, t->at);
    const char plain = plain_letter(c);
    char utf8[5];
    size_t n;

    if (plain)
        lang_utf8_write((uint32_t) plain, utf8);
    else if (c >= 0x370 && c < 0x400)
        lang_utf8_write(c, utf8);
    else
        return 0;
    const char *name = lang_letter_name(utf8, &n);
    if (!name)
        return 0;
    lang_text_put(t, name, t->at, 1, LANG_WORD_PLAIN);
    t->before = lang_class_noun;
    return 1;
}

/* ---- the rest ---- */

static size_t skip_nothing(struct text *t)
{
    const uint32_t c = lang_text_at(t, t->at);

    return c == ' ' || is_nothing(c) ? 1 : 0;
}

/* Roughly, which characters belong to one word of another script? */
static bool is_alike(uint32_t a, uint32_t b)
{
    return (a >= 0x370 && a < 0x2000 && b >= 0x370 && b < 0x2000) ||
           (a >= 0x3040 && a < 0x3100 && b >= 0x3040 && b < 0x3100) ||
           (a >= 0xAC00 && a < 0xD7B0 && b >= 0xAC00 && b < 0xD7B0);
}

/* What nobody here can say is named: "U+1F600 😀". */
static size_t name_unsaid(struct text *t)
{
    const uint32_t first = t->c[t->at].c;
    char name[16 + 4 * MAX_NAME + 8];
    size_t n = 0, used = (size_t) snprintf(name, sizeof(name), "U+%04X", (unsigned) first);

    if (first >= ' ' && first != 0x7F)
        name[used++] = ' ';
    do {
        if (n < MAX_NAME && first >= ' ' && first != 0x7F)
            used += lang_utf8_write(t->c[t->at + n].c, name + used);
        n++;
    } while (t->at + n < t->n && is_alike(first, t->c[t->at + n].c));
    if (n > MAX_NAME)
        used += (size_t) snprintf(name + used, sizeof(name) - used, "…");
    lang_script_unsaid(t->s, name, used);
    t->before = lang_class_start;
    return n;
}

void lang_text_say(struct lang_script *s, const struct lang_char *text, size_t n,
                   enum lang_say_as as)
{
    static const lang_text_rule rules[] = {
        skip_nothing, say_line_end, lang_text_number, lang_text_hanzi, say_letter,
        say_dot,      say_dash,     say_slash,        say_sign,        name_unsaid,
    };
    CLEANUP_FREE struct lang_char *folded = calloc(MAX(n, (size_t) 1), sizeof(*folded));
    struct text t = {.s = s, .c = folded, .n = n, .as = as, .before = lang_class_start};

    if (!folded)
        s->r = -ENOMEM;
    t.line_start = as == LANG_SAY_PLAIN;
    for (size_t i = 0; i < n && folded; i++) {
        folded[i] = text[i];
        folded[i].c = fold(text[i].c);
    }
    t.n = folded ? join_lines(folded, n) : 0;
    while (t.at < t.n && s->r == 0) {
        size_t step = 0;
        for (size_t k = 0; k < ELEMENTSOF(rules) && step == 0; k++)
            step = rules[k](&t);
        t.at += step;
    }
}
