/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/macro.h"
#include "lang/script.h"
#include "tools/eval/text/text.h"

#define MAX_BYTES ((size_t) 256 << 20)

void eval_lines_done(struct eval_lines *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->lines[i].c);
    free(l->lines);
    *l = (struct eval_lines){0};
}

bool eval_is_blank(uint32_t c)
{
    return (c >= 0x09 && c <= 0x0d) || (c >= 0x1c && c <= 0x20) || c == 0x85 || c == 0xa0 ||
           c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 ||
           c == 0x202f || c == 0x205f || c == 0x3000;
}

char *eval_chars_utf8(const struct eval_chars *c)
{
    char *text = malloc(4 * c->n + 5); /* the writer ends each character with a zero */
    size_t at = 0;

    if (!text)
        return NULL;
    text[0] = 0;
    for (size_t i = 0; i < c->n; i++)
        at += lang_utf8_write(c->c[i], text + at);
    return text;
}

struct eval_chars eval_strip(const struct eval_chars *c)
{
    struct eval_chars s = *c;

    for (; s.n > 0 && eval_is_blank(s.c[0]); s.n--)
        s.c++;
    while (s.n > 0 && eval_is_blank(s.c[s.n - 1]))
        s.n--;
    return s;
}

/* A line of `size` bytes, which a zero byte follows. */
static int decode(const char *text, size_t size, const char *path, size_t number,
                  struct eval_chars *ret, struct fail *fail)
{
    uint32_t *c = malloc((size + 1) * sizeof(*c));
    size_t n = 0;

    if (!c)
        return -ENOMEM;
    for (size_t at = 0, bytes; at < size; at += bytes, n++) {
        bytes = text[at] ? lang_utf8_read(text + at, &c[n]) : 0;
        if (bytes == 0 || n == EVAL_MAX_LINE) {
            free(c);
            return bytes ? fail_set(fail, FAIL_INPUT, -E2BIG,
                                    "'%s', line %zu: it is too long; give a sentence a line", path,
                                    number)
                         : fail_set(fail, FAIL_INPUT, -EILSEQ,
                                    "'%s', line %zu: it is no UTF-8 text", path, number);
        }
    }
    *ret = (struct eval_chars){c, n};
    return 0;
}

static int add(struct eval_lines *l, const struct eval_chars *line)
{
    if (l->n == l->room) {
        const size_t room = MAX(2 * l->room, (size_t) 256);
        struct eval_chars *lines = reallocarray(l->lines, room, sizeof(*lines));
        if (!lines)
            return -ENOMEM;
        l->lines = lines;
        l->room = room;
    }
    l->lines[l->n++] = *line;
    return 0;
}

int eval_lines_load(const char *path, struct eval_lines *ret, struct fail *fail)
{
    CLEANUP(eval_lines_done) struct eval_lines l = {0};
    CLEANUP_FREE uint8_t *data = NULL;
    size_t size = 0;

    int r = file_read(path, MAX_BYTES, &data, &size, fail);
    for (size_t at = 0; r == 0 && at < size;) {
        const uint8_t *end = memchr(data + at, '\n', size - at);
        const size_t n = end ? (size_t) (end - data) - at : size - at;
        const size_t kept = n > 0 && data[at + n - 1] == '\r' ? n - 1 : n;
        struct eval_chars line;
        data[at + kept] = 0;
        r = decode((const char *) data + at, kept, path, l.n + 1, &line, fail);
        if (r == 0 && (r = add(&l, &line)) < 0)
            free(line.c);
        at += n + 1;
    }
    if (r < 0)
        return r;
    *ret = l;
    l = (struct eval_lines){0};
    return 0;
}
