/* SPDX-License-Identifier: Apache-2.0 */

#include "tools/sd/text.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lang/utterance.h"
#include "tools/sd/names.h"

enum { READING_MAX = 4096 }; /* Hanzi that are read together while they are spelled */

/* ---- a string that grows; failures are kept ---- */

struct out {
    char *text;
    size_t n, room;
    bool failed;
};

static void put_bytes(struct out *o, const char *bytes, size_t n)
{
    if (o->n + n + 1 > o->room && !o->failed) {
        const size_t room = 2 * (o->n + n + 1) + 256;
        char *more = realloc(o->text, room);
        o->failed = !more;
        if (more) {
            o->text = more;
            o->room = room;
        }
    }
    if (o->failed)
        return;
    memcpy(o->text + o->n, bytes, n);
    o->n += n;
    o->text[o->n] = '\0';
}

static void put(struct out *o, const char *text)
{
    put_bytes(o, text, strlen(text));
}

static void put_utf8(struct out *o, uint32_t c)
{
    char b[4];
    size_t n = 0;

    if (c < 0x80) {
        b[n++] = (char) c;
    } else {
        const unsigned more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
        b[n++] = (char) ((0xFF00u >> (more + 1)) | (c >> (6 * more)));
        for (unsigned k = more; k-- > 0;)
            b[n++] = (char) (0x80 | (c >> (6 * k) & 0x3F));
    }
    put_bytes(o, b, n);
}

/* As text of a document. */
static void put_char(struct out *o, uint32_t c)
{
    if (c == '<')
        put(o, "&lt;");
    else if (c == '>')
        put(o, "&gt;");
    else if (c == '&')
        put(o, "&amp;");
    else
        put_utf8(o, c);
}

static int take(struct out *o, char **ret)
{
    if (o->failed) {
        free(o->text);
        return -ENOMEM;
    }
    *ret = o->text ? o->text : calloc(1, 1);
    return *ret ? 0 : -ENOMEM;
}

/* ---- characters ---- */

/* The next character; what is none is a blank, a byte long. What XML cannot hold likewise. */
static uint32_t read_char(const char *data, size_t n, size_t *ret_bytes)
{
    const uint8_t *b = (const uint8_t *) data;
    const unsigned more = b[0] < 0x80 ? 0 : b[0] >= 0xF0 ? 3 : b[0] >= 0xE0 ? 2 : 1;
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    uint32_t c = more == 0 ? b[0] : b[0] & (0x3Fu >> more);

    *ret_bytes = 1;
    if (b[0] >= 0xF8 || (b[0] >= 0x80 && b[0] < 0xC0) || more >= n)
        return ' ';
    for (unsigned k = 1; k <= more; k++) {
        if ((b[k] & 0xC0) != 0x80)
            return ' ';
        c = c << 6 | (b[k] & 0x3F);
    }
    if (c < least[more] || c > 0x10FFFF || (c >= 0xD800 && c < 0xE000))
        return ' ';
    *ret_bytes = 1 + more;
    return (c < 0x20 && c != '\n' && c != '\t') || (c & 0xFFFE) == 0xFFFE ? ' ' : c;
}

/* One of XML's five entities or a number, `&` itself where it is none. */
static uint32_t read_entity(const char *data, size_t n, size_t *ret_bytes)
{
    static const struct {
        const char *name;
        uint32_t c;
    } known[] = {{"&lt;", '<'}, {"&gt;", '>'}, {"&amp;", '&'}, {"&quot;", '"'}, {"&apos;", '\''}};
    unsigned long c = 0;
    char number[12];
    size_t bytes;

    for (size_t i = 0; i < ELEMENTSOF(known); i++)
        if (n >= strlen(known[i].name) && memcmp(data, known[i].name, strlen(known[i].name)) == 0) {
            *ret_bytes = strlen(known[i].name);
            return known[i].c;
        }
    *ret_bytes = 1;
    const char *end = memchr(data, ';', MIN(n, sizeof(number)));
    if (!end || n < 4 || data[1] != '#')
        return '&';
    const bool hex = data[2] == 'x';
    memcpy(number, data + 2 + hex, (size_t) (end - data) - 2 - hex);
    number[end - data - 2 - hex] = '\0';
    char *stop;
    c = strtoul(number, &stop, hex ? 16 : 10);
    if (*stop || stop == number)
        return '&';
    *ret_bytes = (size_t) (end - data) + 1;
    if (c == 0 || c > 0x10FFFF)
        return ' ';
    struct out one = {0};
    put_utf8(&one, (uint32_t) c);
    const uint32_t checked = one.failed ? ' ' : read_char(one.text, one.n, &bytes);
    free(one.text);
    return checked;
}

static bool is_hanzi(uint32_t c)
{
    return c == 0x3007 || (c >= 0x3400 && c < 0xA000) || (c >= 0xF900 && c < 0xFB00) ||
           (c >= 0x20000 && c < 0x32000);
}
static bool is_digit(uint32_t c)
{
    return c >= '0' && c <= '9';
}
static bool is_capital(uint32_t c)
{
    return c >= 'A' && c <= 'Z';
}
static bool is_blank(uint32_t c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == 0xA0 || c == 0x3000;
}

/* ---- a run of text between two tags ---- */

struct run {
    const uint32_t *c;
    size_t n;
    const struct sd_settings *s;
    struct out *out;
};

static uint32_t at(const struct run *t, size_t i)
{
    return i < t->n ? t->c[i] : 0;
}

static void put_capital(const struct run *t)
{
    if (t->s->capitals == SD_CAPITALS_SPELL)
        put(t->out, "大写");
    else if (t->s->capitals == SD_CAPITALS_ICON)
        put(t->out, "<mark name=\"" SD_CAPITAL_MARK "\"/>");
}

/* A mark that belongs to a number is read with it: 3.5, 12:30, 50%, -5. Where all marks are wanted
 * only the decimal point is. */
static bool is_in_number(const struct run *t, size_t i)
{
    const bool before = i > 0 && is_digit(t->c[i - 1]), after = is_digit(at(t, i + 1));

    if (t->s->punctuation == SD_ALL)
        return t->c[i] == '.' && before && after;
    return (before && after && strchr(".,:-/+", (int) MIN(t->c[i], 0x7Fu))) ||
           (before && t->c[i] == '%') ||
           (after && (t->c[i] == '-' || t->c[i] == '+' || t->c[i] == '$' || t->c[i] == 0xA5));
}

/* A mark that ends a clause stays behind its name, as the pause that it is. */
static bool is_pause(const struct run *t, size_t i)
{
    const uint32_t c = t->c[i];

    if (strchr(",.;:!?", (int) MIN(c, 0x7Fu)))
        return i + 1 == t->n || is_blank(t->c[i + 1]) || t->c[i + 1] >= 0x80;
    return c == 0x3001 || c == 0x3002 || c == 0x2026 || c == 0xFF01 || c == 0xFF0C || c == 0xFF1A ||
           c == 0xFF1B || c == 0xFF1F;
}

static void say_mark(const struct run *t, size_t i, const struct sd_mark *mark)
{
    const uint32_t c = t->c[i];

    if (i > 0 && c == t->c[i - 1] && (c == 0x2026 || c == 0x2014)) /* two are one mark */
        return;
    put(t->out, mark->name);
    if (is_pause(t, i))
        put_char(t->out, c);
}

/* A blank between two Hanzi parts two names of a list, or the server took the mark away that stood
 * there (in zh-CN ！ and ？). A line end does not: it may be anywhere. */
static bool is_gap(const struct run *t, size_t i)
{
    size_t n = 0;

    while (at(t, i + n) == ' ' || at(t, i + n) == 0x3000)
        n++;
    return n > 0 && i > 0 && is_hanzi(t->c[i - 1]) && is_hanzi(at(t, i + n));
}

/* Text that is read, with its marks named and its capitals told. */
static void say_read(const struct run *t)
{
    for (size_t i = 0; i < t->n; i++) {
        const uint32_t c = t->c[i];
        if (is_gap(t, i))
            put(t->out, "，");
        const struct sd_mark *mark = is_blank(c) ? NULL : sd_mark_find(c);
        if (mark && mark->level <= t->s->punctuation && !is_in_number(t, i)) {
            say_mark(t, i, mark);
            continue;
        }
        if (is_capital(c) && !(i > 0 && is_capital(t->c[i - 1])))
            put_capital(t);
        put_char(t->out, c);
    }
}

/* The syllables of toned pinyin, one after the other: *s moves on; 0: no more. */
static size_t next_syllable(const char **s, const char **ret)
{
    while (**s && !(**s >= 'a' && **s <= 'z'))
        (*s)++;
    *ret = *s;
    while (**s >= 'a' && **s <= 'z')
        (*s)++;
    if (**s >= '1' && **s <= '5')
        (*s)++;
    return (size_t) (*s - *ret);
}

static size_t count_syllables(const struct lang_utterance *u)
{
    const char *syllable;
    size_t n = 0;

    for (size_t i = 0; i < u->n; i++)
        for (const char *s = u->spans[i].pinyin; next_syllable(&s, &syllable) > 0;)
            n++;
    return n;
}

/* Each Hanzi by itself, as it is read in its word: 银行 is yin2, hang2. */
static void spell_hanzi(const struct run *t, size_t from, size_t n)
{
    CLEANUP(lang_utterance_done) struct lang_utterance u = {0};
    struct out word = {0};
    const char *s, *syllable;
    size_t i = 0, span = 0;

    for (size_t k = 0; k < n; k++)
        put_utf8(&word, t->c[from + k]);
    const bool known = !word.failed &&
                       lang_utterance(word.text, LANG_TEXT, true, 32, &u, NULL) == 0 &&
                       count_syllables(&u) == n;
    free(word.text);
    for (s = known ? u.spans[0].pinyin : NULL; i < n; i++) {
        size_t size = 0;
        while (known && (size = next_syllable(&s, &syllable)) == 0)
            s = u.spans[++span].pinyin;
        if (known) {
            put(t->out, "<phoneme alphabet=\"x-pinyin\" ph=\"");
            put_bytes(t->out, syllable, size);
            put(t->out, "\">");
        }
        put_utf8(t->out, t->c[from + i]);
        put(t->out, known ? "</phoneme>，" : "，");
    }
}

static void spell_char(const struct run *t, uint32_t c)
{
    static const char *const digits[] = {"零", "一", "二", "三", "四",
                                         "五", "六", "七", "八", "九"};
    const struct sd_mark *mark = sd_mark_find(c);

    if (is_capital(c))
        put_capital(t);
    if (is_digit(c))
        put(t->out, digits[c - '0']);
    else if (mark)
        put(t->out, mark->name);
    else
        put_char(t->out, c);
    put(t->out, "，");
}

static void say_spelled(const struct run *t)
{
    size_t first = 0, end = t->n, n;

    while (first < end && is_blank(t->c[first]))
        first++;
    while (end > first && is_blank(t->c[end - 1]))
        end--;
    for (size_t i = first; i < end; i += n) {
        for (n = 0; n < READING_MAX && is_hanzi(at(t, i + n));)
            n++;
        if (n > 0) {
            spell_hanzi(t, i, n);
        } else {
            spell_char(t, t->c[i]);
            n = 1;
        }
    }
}

/* ---- documents ---- */

static void say_run(uint32_t *c, size_t n, const struct sd_settings *s, struct out *out)
{
    const struct run t = {c, n, s, out};

    if (s->spelling)
        say_spelled(&t);
    else
        say_read(&t);
}

static bool is_document(const char *data, size_t n)
{
    while (n > 0 && is_blank((uint8_t) *data)) {
        data++;
        n--;
    }
    return (n >= 6 && memcmp(data, "<speak", 6) == 0) || (n >= 5 && memcmp(data, "<?xml", 5) == 0);
}

/* Bytes of the tag that begins here; 0: it is none. No tag holds another one's begin. */
static size_t tag_bytes(const char *data, size_t n)
{
    char quote = 0;

    for (size_t i = 0; i < n && (i == 0 || data[i] != '<'); i++) {
        if (quote)
            quote = data[i] == quote ? 0 : quote;
        else if (data[i] == '"' || data[i] == '\'')
            quote = data[i];
        else if (data[i] == '>')
            return i + 1;
    }
    return 0;
}

/* A tag as it is, but for bytes that no document may hold. */
static void put_tag(struct out *o, const char *data, size_t n)
{
    for (size_t i = 0, bytes; i < n; i += bytes)
        put_utf8(o, read_char(data + i, n - i, &bytes));
}

/* Tags stay, what stands between them is said. */
static int say_text(const char *data, size_t n, const struct sd_settings *s, struct out *out)
{
    const bool document = is_document(data, n);
    uint32_t *c = calloc(n + 1, sizeof(*c));
    size_t n_c = 0, bytes;

    if (!c)
        return -ENOMEM;
    if (!document)
        put(out, "<speak>");
    for (size_t i = 0; i < n; i += bytes) {
        const size_t tag = document && data[i] == '<' ? tag_bytes(data + i, n - i) : 0;
        if (tag > 0) {
            say_run(c, n_c, s, out);
            n_c = 0;
            put_tag(out, data + i, tag);
            bytes = tag;
        } else if (document && data[i] == '&') {
            c[n_c++] = read_entity(data + i, n - i, &bytes);
        } else {
            c[n_c++] = read_char(data + i, n - i, &bytes);
        }
    }
    say_run(c, n_c, s, out);
    free(c);
    if (!document)
        put(out, "</speak>");
    return 0;
}

/* ---- single characters, keys, icons ---- */

/* A character by its name; more than one is a word of the server's. */
static int say_char(const char *data, size_t n, const struct sd_settings *s, struct out *out)
{
    struct sd_settings plain = *s;
    size_t bytes = 0;
    uint32_t c = n > 0 ? read_char(data, n, &bytes) : 0;
    const struct run t = {&c, 1, s, out};

    if (n == 5 && memcmp(data, "space", 5) == 0) {
        c = ' ';
        bytes = n;
    }
    plain.spelling = false;
    plain.punctuation = SD_NONE;
    if (bytes < n)
        return say_text(data, n, &plain, out);
    put(out, "<speak>");
    if (n > 0 && is_hanzi(c))
        put_utf8(out, c);
    else if (n > 0)
        spell_char(&t, c);
    put(out, "</speak>");
    return 0;
}

/* A part of a key's name. */
static void say_key_part(char *name, struct out *out)
{
    struct sd_settings spell = {.spelling = true};
    const char *words = sd_key_find(name);

    if (strncasecmp(name, "kp-", 3) == 0 && name[3]) {
        put(out, "小键盘");
        say_key_part(name + 3, out);
        return;
    }
    if (words) {
        put(out, words);
        return;
    }
    uint32_t c[64];
    size_t n_c = 0;
    for (size_t i = 0, bytes, n = strlen(name); i < n && n_c < ELEMENTSOF(c); i += bytes)
        c[n_c++] = read_char(name + i, n - i, &bytes);
    say_run(c, n_c, &spell, out);
}

/* "ctrl_a", "shift_KP_Enter", "F1", "a", "_". */
static int say_key(const char *data, size_t n, struct out *out)
{
    CLEANUP_FREE char *names = strndup(data, n);
    char *part = names, *end;

    if (!names)
        return -ENOMEM;
    put(out, "<speak>");
    while ((end = strchr(part, '_')) && end > part && end[1]) {
        *end = '\0';
        say_key_part(part, out);
        part = end + 1;
    }
    say_key_part(part, out);
    put(out, "</speak>");
    return 0;
}

static int say_icon(const char *data, size_t n, const struct sd_settings *s, struct out *out)
{
    CLEANUP_FREE char *name = strndup(data, n);

    if (!name)
        return -ENOMEM;
    const char *words = sd_icon_find(name);
    return words ? say_text(words, strlen(words), s, out) : say_text(data, n, s, out);
}

int sd_text_ssml(enum sd_kind kind, const char *data, size_t n, const struct sd_settings *s,
                 char **ret)
{
    struct out out = {0};
    int r = kind == SD_TEXT   ? say_text(data, n, s, &out)
            : kind == SD_CHAR ? say_char(data, n, s, &out)
            : kind == SD_KEY  ? say_key(data, n, &out)
                              : say_icon(data, n, s, &out);

    if (r == 0)
        return take(&out, ret);
    free(out.text);
    return r;
}

int sd_text_plain(const char *ssml, char **ret)
{
    const size_t n = strlen(ssml);
    struct out out = {0};

    for (size_t i = 0, bytes; i < n; i += bytes) {
        const size_t tag = ssml[i] == '<' ? tag_bytes(ssml + i, n - i) : 0;
        if (tag > 0) {
            bytes = tag;
            put(&out, " ");
        } else if (ssml[i] == '&') {
            put_utf8(&out, read_entity(ssml + i, n - i, &bytes));
        } else {
            put_utf8(&out, read_char(ssml + i, n - i, &bytes));
        }
    }
    return take(&out, ret);
}

/* ---- parts ---- */

/* Only <speak>, marks and text? */
static bool is_flat(const char *ssml, size_t *ret_begin, size_t *ret_end)
{
    static const char end[] = "</speak>";
    const size_t n = strlen(ssml), begin = strncmp(ssml, "<speak", 6) == 0 ? tag_bytes(ssml, n) : 0;

    if (begin < 7 || ssml[begin - 2] == '/' || n < begin + strlen(end) ||
        strcmp(ssml + n - strlen(end), end) != 0)
        return false;
    for (const char *s = ssml + begin; (s = strchr(s, '<')); s++) {
        const size_t at = (size_t) (s - ssml), tag = tag_bytes(s, n - at);
        if (at == n - strlen(end)) {
            *ret_begin = begin;
            *ret_end = at;
            return true;
        }
        if (strncmp(s, "<mark ", 6) != 0 || tag < 8 || s[tag - 2] != '/')
            return false;
    }
    return false;
}

void sd_parts_begin(struct sd_parts *parts, const char *ssml, size_t max)
{
    const size_t n = strlen(ssml);

    *parts = (struct sd_parts){.ssml = ssml, .end = n, .max = max, .whole = true};
    if (n > max)
        parts->whole = !is_flat(ssml, &parts->at, &parts->end);
}

/* Does a sentence end with c, behind which `next` stands? */
static bool ends_sentence(uint32_t c, char next)
{
    return c == 0x3002 || c == 0xFF01 || c == 0xFF1F || c == '\n' ||
           (strchr(".!?", (int) MIN(c, 0x7Fu)) && strchr(" \n<", next));
}

int sd_parts_next(struct sd_parts *parts, char **ret)
{
    const char *s = parts->ssml;
    size_t i = parts->at, good = 0, bytes;
    struct out out = {0};

    if (parts->at >= parts->end)
        return 0;
    while (!parts->whole && i < parts->end && i - parts->at < parts->max) {
        const bool tag = s[i] == '<';
        const uint32_t c = tag           ? 0
                           : s[i] == '&' ? read_entity(s + i, parts->end - i, &bytes)
                                         : read_char(s + i, parts->end - i, &bytes);
        i += tag ? tag_bytes(s + i, parts->end - i) : bytes;
        if (tag || (i < parts->end && ends_sentence(c, s[i])))
            good = i;
    }
    const size_t end = parts->whole || i >= parts->end ? parts->end : good ? good : i;
    put(&out, parts->whole ? "" : "<speak>");
    put_bytes(&out, s + parts->at, end - parts->at);
    put(&out, parts->whole ? "" : "</speak>");
    parts->at = end;
    const int r = take(&out, ret);
    return r < 0 ? r : 1;
}
