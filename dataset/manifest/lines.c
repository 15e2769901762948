/* SPDX-License-Identifier: Apache-2.0 */

#include "manifest/lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "manifest/manifest.h"

#define PIECE 65536

static int make_room(struct manifest_lines *l, struct fail *fail)
{
    if (l->at > 0) {
        memmove(l->data, l->data + l->at, l->n - l->at);
        l->n -= l->at;
        l->at = 0;
    }
    if (l->n > MANIFEST_MAX_LINE)
        return fail_set(fail, FAIL_INPUT, -EFBIG, "'%s', line %zu is longer than %zu MiB", l->name,
                        l->number + 1, MANIFEST_MAX_LINE >> 20);
    if (l->room - l->n >= PIECE)
        return 0;
    const size_t room = MAX(l->room * 2, l->n + PIECE);
    char *more = realloc(l->data, room + 1);
    if (!more)
        return -ENOMEM;
    l->data = more;
    l->room = room;
    return 0;
}

int manifest_lines_next(struct manifest_lines *l, char **ret_line, size_t *ret_size,
                        bool *ret_whole, struct fail *fail)
{
    size_t looked = l->at;

    for (;;) {
        char *newline = looked < l->n ? memchr(l->data + looked, '\n', l->n - looked) : NULL;
        ssize_t n = 0;
        if (!newline) {
            looked = l->n - l->at;
            int r = make_room(l, fail);
            if (r < 0)
                return r;
            while ((n = pread(l->fd, l->data + l->n, PIECE, l->offset)) < 0 && errno == EINTR)
                ;
            if (n < 0)
                return fail_set(fail, FAIL_IO, -errno, "cannot read '%s': %m", l->name);
            l->n += (size_t) n;
            l->offset += n;
            if (n > 0)
                continue;
            if (l->n == 0)
                return 0;
        }
        *ret_line = l->data + l->at;
        *ret_size = (size_t) ((newline ? newline : l->data + l->n) - *ret_line);
        *ret_whole = newline != NULL;
        (*ret_line)[*ret_size] = 0;
        l->at += *ret_size + (newline != NULL);
        l->end = l->offset - (off_t) (l->n - l->at);
        l->number++;
        return 1;
    }
}

void manifest_lines_done(struct manifest_lines *l)
{
    free(l->data);
    l->data = NULL;
    l->at = l->n = l->room = 0;
}

json_t *manifest_parse_line(const char *line, size_t size, json_error_t *ret_error)
{
    json_t *json = json_loadb(line, size, JSON_REJECT_DUPLICATES, ret_error);
    if (json && !json_is_object(json)) {
        json_decref(json);
        *ret_error = (json_error_t){.text = "no object"};
        return NULL;
    }
    return json;
}

char *manifest_dump_line(const json_t *json)
{
    /* 15 digits: what was rounded to thousandths is written as it was meant */
    return json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(15));
}
