/* SPDX-License-Identifier: Apache-2.0
 *
 * Distinct words under numbers. UTF-8.
 */
#pragma once

#include <stddef.h>

#include <jansson.h>

struct eval_words { ///< distinct strings in the order in which they came
    char **list;    ///< owned
    size_t n, room;
    json_t *index; ///< string -> its number
};
void eval_words_done(struct eval_words *w);
/** The number of a word, which is added where it is new. -ENOMEM. */
int eval_words_add(struct eval_words *w, const char *word, size_t *ret);
