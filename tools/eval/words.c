/* SPDX-License-Identifier: Apache-2.0 */

#include "tools/eval/words.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"

void eval_words_done(struct eval_words *w)
{
    for (size_t i = 0; i < w->n; i++)
        free(w->list[i]);
    free(w->list);
    json_decref(w->index);
    *w = (struct eval_words){0};
}

int eval_words_add(struct eval_words *w, const char *word, size_t *ret)
{
    if (!w->index && !(w->index = json_object()))
        return -ENOMEM;
    const json_t *known = json_object_get(w->index, word);
    if (known) {
        *ret = (size_t) json_integer_value(known);
        return 0;
    }
    if (w->n == w->room) {
        const size_t room = MAX(2 * w->room, (size_t) 64);
        char **list = reallocarray(w->list, room, sizeof(*list));
        if (!list)
            return -ENOMEM;
        w->list = list;
        w->room = room;
    }
    if (!(w->list[w->n] = strdup(word)))
        return -ENOMEM;
    if (json_object_set_new(w->index, word, json_integer((json_int_t) w->n)) < 0) {
        free(w->list[w->n]);
        return -ENOMEM;
    }
    *ret = w->n++;
    return 0;
}
