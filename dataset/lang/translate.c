/* SPDX-License-Identifier: Apache-2.0 */

#include "lang/translate.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <liblouis/liblouis.h>

#include "base/macro.h"

#define INDENT 2     ///< cells before a paragraph
#define DOTS36 0x24  ///< a word goes on from the line above
#define MAX_GROWTH 8 ///< cells of a character, at most (they have up to five)

static const char *const tables[LANG_N_CODES] = {
    [LANG_CURRENT] = "zhcn-g1.ctb",
    [LANG_COMMON] = "zhcn-cbs.ctb",
    [LANG_TWO_CELL] = "zhcn-g2.ctb",
};

/* A paragraph: its cells, and where the word may be parted before each. */
struct paragraph {
    brl_cell *cells; ///< owned, as is `may_part`
    bool *may_part;
    size_t n;
};

static void paragraph_done(struct paragraph *p)
{
    free(p->cells);
    free(p->may_part);
    *p = (struct paragraph){0};
}

void lang_lines_done(struct lang_lines *lines)
{
    free(lines->cells);
    *lines = (struct lang_lines){0};
}

/* ---- what liblouis makes of it ---- */

static void stay_silent(logLevels level, const char *message)
{
}

/* One code point. Its bytes; 0: no UTF-8 (cut off, longer than needed, a surrogate, too large). */
static unsigned decode_one(const unsigned char *s, size_t n, uint32_t *ret)
{
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    const unsigned extra = *s < 0x80 ? 0 : *s < 0xe0 ? 1 : *s < 0xf0 ? 2 : 3;
    uint32_t c = extra == 0 ? *s : *s & (0x3fu >> extra);

    if ((*s >= 0x80 && *s < 0xc2) || *s > 0xf4 || n <= extra)
        return 0;
    for (unsigned k = 1; k <= extra; k++) {
        if ((s[k] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (s[k] & 0x3fu);
    }
    *ret = c;
    return c < least[extra] || (c >= 0xd800 && c < 0xe000) || c > 0x10ffff ? 0 : extra + 1;
}

/* UTF-8 to code points. -EILSEQ. */
static int decode(const char *text, size_t n, widechar *out, int *ret_n)
{
    const unsigned char *s = (const unsigned char *) text, *end = s + n;
    int count = 0;

    while (s < end) {
        uint32_t c = 0;
        const unsigned length = decode_one(s, (size_t) (end - s), &c);
        if (length == 0)
            return -EILSEQ;
        if (c == '\t' || c == 0xa0 || c == 0x3000)
            c = ' ';
        /* a liblouis of 16 bits a character has nothing for the others: no table knows U+FFFD */
        out[count++] = (widechar) c == c ? (widechar) c : 0xfffd;
        s += length;
    }
    *ret_n = count;
    return 0;
}

/* The UTF-8 of one code point, for messages. */
static void encode(widechar c, char out[5])
{
    char *p = out;

    if (c < 0x80) {
        *p++ = (char) c;
    } else if (c < 0x800) {
        *p++ = (char) (0xc0 | c >> 6);
    } else if (c < 0x10000) {
        *p++ = (char) (0xe0 | c >> 12);
        *p++ = (char) (0x80 | (c >> 6 & 0x3f));
    } else {
        *p++ = (char) (0xf0 | c >> 18);
        *p++ = (char) (0x80 | (c >> 12 & 0x3f));
        *p++ = (char) (0x80 | (c >> 6 & 0x3f));
    }
    if (c >= 0x80)
        *p++ = (char) (0x80 | (c & 0x3f));
    *p = 0;
}

static bool is_hanzi(widechar c)
{
    return c >= 0x4e00 && c <= 0x9fff;
}

/* “ ‘ （ 〔 ［ 【 ｛ 《 〈 「 『 and their half-width forms */
static bool opens(widechar c)
{
    static const widechar list[] = {0x201c, 0x2018, 0xff08, 0x3014, 0xff3b, 0x3010, 0xff5b,
                                    0x300a, 0x3008, 0x300c, 0x300e, '(',    '[',    '{'};

    for (size_t i = 0; i < ELEMENTSOF(list); i++)
        if (list[i] == c)
            return true;
    return false;
}

/* liblouis writes a character that it does not know as its number, with dots 7 and 8, or as a
 * blank, as the table has it. */
static bool is_unknown(const widechar *in, const widechar *out, const int *from, int n, int i)
{
    if ((out[i] & 0xff) > 63)
        return true;
    if ((out[i] & 0xff) || in[from[i]] == ' ' || (i > 0 && from[i] == from[i - 1]))
        return false;
    for (int k = i; k < n && from[k] == from[i]; k++)
        if (out[k] & 0xff)
            return false;
    return true;
}

/* liblouis's output to cells. */
static int take_cells(const widechar *in, const widechar *out, const int *from, int n,
                      struct paragraph *ret, struct fail *fail)
{
    for (int i = 0; i < n; i++) {
        const unsigned dots = out[i] & 0xff;
        const bool new_character = i == 0 || from[i] != from[i - 1];
        if (is_unknown(in, out, from, n, i)) {
            char character[5];
            encode(in[from[i]], character);
            return fail_set(fail, FAIL_INPUT, -EILSEQ,
                            "'%s' (U+%04X) is not in liblouis's table for this code; write "
                            "something else for it",
                            character, in[from[i]]);
        }
        ret->cells[i] = (brl_cell) dots;
        ret->may_part[i] = i > 0 && new_character && is_hanzi(in[from[i]]) &&
                           !opens(in[from[i] > 0 ? from[i] - 1 : 0]) && ret->cells[i - 1] != 0;
    }
    ret->n = (size_t) n;
    while (ret->n > 0 && ret->cells[ret->n - 1] == 0)
        ret->n--;
    return 0;
}

static int translate(enum lang_code code, const char *text, size_t n_text, struct paragraph *ret,
                     struct fail *fail)
{
    const size_t room = n_text * MAX_GROWTH + 64;
    CLEANUP_FREE widechar *in = calloc(n_text + 1, sizeof(*in));
    CLEANUP_FREE widechar *out = calloc(room, sizeof(*out));
    CLEANUP_FREE int *from = calloc(room, sizeof(*from)), *to = calloc(n_text + 1, sizeof(*to));
    int n_in = 0, n_out = (int) room;

    ret->cells = calloc(room, sizeof(*ret->cells));
    ret->may_part = calloc(room, sizeof(*ret->may_part));
    if (!in || !out || !from || !to || !ret->cells || !ret->may_part)
        return -ENOMEM;
    if (decode(text, n_text, in, &n_in) < 0)
        return fail_set(fail, FAIL_INPUT, -EILSEQ,
                        "the text is no UTF-8; save it as UTF-8 (iconv -f GB18030 -t UTF-8)");
    const int wanted = n_in;
    if (!lou_translate(tables[code], in, &n_in, out, &n_out, NULL, NULL, to, from, NULL,
                       dotsIO | ucBrl))
        return fail_set(fail, FAIL_UNAVAILABLE, -EOPNOTSUPP,
                        "liblouis cannot read its table %s; install liblouis-data", tables[code]);
    if (n_in != wanted)
        return fail_set(fail, FAIL_DEFECT, -E2BIG, "liblouis translated only %d of %d characters",
                        n_in, wanted);
    return take_cells(in, out, from, n_out, ret, fail);
}

/* ---- lines ---- */

struct setter {
    struct lang_lines lines;
    size_t room;
    unsigned column; ///< of the line that is being set, which is the last one
};

static int new_line(struct setter *s, unsigned column)
{
    if (s->lines.n == s->room) {
        const size_t room = s->room * 2 + 32;
        brl_cell *cells = reallocarray(s->lines.cells, room * s->lines.width, 1);
        if (!cells)
            return -ENOMEM;
        s->lines.cells = cells;
        s->room = room;
    }
    memset(s->lines.cells + s->lines.n++ * s->lines.width, 0, s->lines.width);
    s->column = column;
    return 0;
}

static void put(struct setter *s, const brl_cell *cells, size_t n)
{
    memcpy(s->lines.cells + (s->lines.n - 1) * s->lines.width + s->column, cells, n);
    s->column += (unsigned) n;
}

/* How much of the word [at, end) fits into `room` cells and may stand there, 0 for nothing. */
static size_t fitting(const struct paragraph *p, size_t at, size_t end, size_t room)
{
    if (end - at <= room)
        return end - at;
    for (size_t n = room; n > 0; n--)
        if (p->may_part[at + n])
            return n;
    return 0;
}

/* A word, parted as often as it needs. A whole one moves down when little room is lost by that. */
static int put_word(struct setter *s, const struct paragraph *p, size_t at, size_t end)
{
    const unsigned width = s->lines.width;
    bool goes_on = false;

    while (at < end) {
        const size_t room = width - s->column;
        size_t n = fitting(p, at, end, room);
        const bool moves = n < end - at && !goes_on && end - at <= width && room <= width / 4;
        if (moves)
            n = 0;
        if (n == 0 && s->column == goes_on) /* nothing fits a whole line: part it anywhere */
            n = room;
        put(s, p->cells + at, n);
        at += n;
        if (at == end)
            break;
        goes_on = goes_on || n > 0;
        int r = new_line(s, 0);
        if (r < 0)
            return r;
        if (goes_on)
            put(s, &(brl_cell){DOTS36}, 1);
    }
    return 0;
}

static int set_paragraph(struct setter *s, const struct paragraph *p)
{
    size_t at = 0;

    int r = new_line(s, p->n > 0 ? INDENT : 0);
    while (at < p->n && r == 0) {
        size_t end = at, blanks = 0;
        while (at + blanks < p->n && p->cells[at + blanks] == 0)
            blanks++;
        at += blanks;
        for (end = at; end < p->n && p->cells[end] != 0; end++)
            ;
        /* blanks at a line's end are not written */
        s->column = (unsigned) MIN((size_t) s->lines.width, s->column + blanks);
        if (s->column == s->lines.width)
            r = new_line(s, 0);
        if (r == 0)
            r = put_word(s, p, at, end);
        at = end;
    }
    return r;
}

int lang_translate(enum lang_code code, const char *text, unsigned width, struct lang_lines *ret,
                   struct fail *fail)
{
    struct setter s = {.lines.width = width};
    const char *end;
    int r = 0;

    if (width < 8 || code >= LANG_N_CODES)
        return -EINVAL;
    lou_registerLogCallback(stay_silent);
    for (const char *p = text; *p && r == 0; p = *end ? end + 1 : end) {
        CLEANUP(paragraph_done) struct paragraph paragraph = {0};
        end = strchrnul(p, '\n');
        size_t n = (size_t) (end - p);
        while (n > 0 && (p[n - 1] == '\r' || p[n - 1] == ' '))
            n--;
        if (n > 0)
            r = translate(code, p, n, &paragraph, fail);
        if (r == 0)
            r = set_paragraph(&s, &paragraph);
    }
    lou_free();
    if (r < 0) {
        lang_lines_done(&s.lines);
        return r;
    }
    *ret = s.lines;
    return 0;
}
