/* SPDX-License-Identifier: Apache-2.0
 *
 * A string that grows. Errors are kept: append what you like, then look once in lang_buf_take().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct lang_buf {
    char *text; ///< owned; zero-terminated once something was appended
    size_t n, room;
    bool failed; ///< out of memory; later appends do nothing
};

void lang_buf_add(struct lang_buf *b, const char *text, size_t n);
void lang_buf_adds(struct lang_buf *b, const char *text);
/** One space, unless the text is empty or ends with one. */
void lang_buf_space(struct lang_buf *b);
/** The text goes to *ret (owned, never NULL on success); -ENOMEM. The buffer is empty afterwards.
 */
int lang_buf_take(struct lang_buf *b, char **ret);
void lang_buf_done(struct lang_buf *b);
