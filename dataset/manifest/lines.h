/* SPDX-License-Identifier: Apache-2.0
 *
 * Lines of a file one by one, none longer than MANIFEST_MAX_LINE.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <jansson.h>

#include "base/fail.h"

struct manifest_lines {
    int fd;           ///< borrowed; a regular file
    const char *name; ///< borrowed; for messages
    off_t offset;     ///< of the byte after what was read; set it to begin elsewhere
    off_t end;        ///< of the byte after the last line given out
    size_t number;    ///< of the last line given out, from 1
    char *data;       ///< owned
    size_t at, n, room;
};

/**
 * The next line without its newline, borrowed until the next call, followed by a zero.
 *
 * @param ret_whole  false: the file ends in it without a newline
 * @return 1, 0 at the end; FAIL_IO, FAIL_INPUT -EFBIG, -ENOMEM
 */
int manifest_lines_next(struct manifest_lines *l, char **ret_line, size_t *ret_size,
                        bool *ret_whole, struct fail *fail);
void manifest_lines_done(struct manifest_lines *l);

/** One JSON object of one line, strictly read; NULL and *ret_error (one line) when it is none. */
json_t *manifest_parse_line(const char *line, size_t size, json_error_t *ret_error);
/** The one form in which JSON is written here, without newline; owned, free(). NULL: no memory. */
char *manifest_dump_line(const json_t *json);
