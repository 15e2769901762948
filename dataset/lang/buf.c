/* SPDX-License-Identifier: Apache-2.0 */

#include "lang/buf.h"

#include <errno.h>
#include <string.h>

#include "base/macro.h"

void lang_buf_add(struct lang_buf *b, const char *text, size_t n)
{
    if (b->failed)
        return;
    if (b->room - b->n <= n) {
        size_t room = MAX(b->room * 2, b->n + n + 64);
        char *more = realloc(b->text, room);
        if (!more) {
            b->failed = true;
            return;
        }
        b->text = more;
        b->room = room;
    }
    memcpy(b->text + b->n, text, n);
    b->n += n;
    b->text[b->n] = 0;
}

void lang_buf_adds(struct lang_buf *b, const char *text)
{
    lang_buf_add(b, text, strlen(text));
}

void lang_buf_space(struct lang_buf *b)
{
    if (b->n > 0 && b->text[b->n - 1] != ' ')
        lang_buf_add(b, " ", 1);
}

int lang_buf_take(struct lang_buf *b, char **ret)
{
    lang_buf_add(b, "", 0); /* so that an empty text is "" */
    if (b->failed) {
        lang_buf_done(b);
        return -ENOMEM;
    }
    *ret = TAKE_PTR(b->text);
    lang_buf_done(b);
    return 0;
}

void lang_buf_done(struct lang_buf *b)
{
    free(b->text);
    *b = (struct lang_buf){0};
}
