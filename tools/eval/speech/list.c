/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "tools/eval/speech/speech.h"

#define MAX_BYTES ((size_t) 64 << 20)

void eval_list_done(struct eval_list *l)
{
    for (size_t i = 0; i < l->n; i++) {
        free(l->items[i].id);
        free(l->items[i].hanzi);
        free(l->items[i].pinyin);
    }
    free(l->items);
    *l = (struct eval_list){0};
}

/* The id names files: no folder, no hidden file. */
static bool is_id(const char *s)
{
    return *s && *s != '.' && !strchr(s, '/') && strlen(s) < 200;
}

static int add(struct eval_list *l, char *const columns[3])
{
    if (l->n == l->room) {
        const size_t room = MAX(2 * l->room, (size_t) 64);
        struct eval_sentence *items = reallocarray(l->items, room, sizeof(*items));
        if (!items)
            return -ENOMEM;
        l->items = items;
        l->room = room;
    }
    struct eval_sentence *s = &l->items[l->n++];
    *s = (struct eval_sentence){strdup(columns[0]), strdup(columns[1]), strdup(columns[2])};
    return s->id && s->hanzi && s->pinyin ? 0 : -ENOMEM;
}

/* Three columns of a line, in place. @return false: there are not three */
static bool cut(char *line, char *columns[3])
{
    for (int i = 0; i < 3; i++) {
        columns[i] = line;
        line = line ? strchr(line, '\t') : NULL;
        if (line)
            *line++ = 0;
        else if (i < 2)
            return false;
    }
    return !line;
}

int eval_list_load(const char *path, size_t most, struct eval_list *ret, struct fail *fail)
{
    CLEANUP(eval_list_done) struct eval_list list = {0};
    CLEANUP_FREE uint8_t *data = NULL;
    size_t size = 0;

    int r = file_read(path, MAX_BYTES, &data, &size, fail);
    if (r < 0)
        return r;
    if (memchr(data, 0, size))
        return fail_set(fail, FAIL_INPUT, -EBADMSG, "'%s' is no text", path);
    size_t number = 1;
    for (char *line = (char *) data, *next; line && *line && list.n < most; line = next, number++) {
        char *columns[3];
        next = strchr(line, '\n');
        if (next)
            *next++ = 0;
        line[strcspn(line, "\r")] = 0;
        if (!*line)
            continue;
        if (!cut(line, columns) || !is_id(columns[0]) || (!*columns[1] && !*columns[2]))
            return fail_set(fail, FAIL_INPUT, -EBADMSG,
                            "'%s', line %zu: write an id that can name a file, Hanzi and pinyin, "
                            "parted by tabs",
                            path, number);
        r = add(&list, columns);
        if (r < 0)
            return fail_set(fail, FAIL_OTHER, r, "not enough memory");
    }
    if (list.n == 0)
        return fail_set(fail, FAIL_INPUT, -ENODATA, "'%s' holds no sentence", path);
    *ret = list;
    list = (struct eval_list){0};
    return 0;
}
