/* SPDX-License-Identifier: Apache-2.0
 *
 * A file of JSON lines that only grows: after a kill or a power cut it holds every line that was
 * synced, and a torn last line is cut off. One process at a time (flock).
 */
#pragma once

#include <stdbool.h>

#include <jansson.h>

#include "base/fail.h"

struct journal;

/**
 * Open or create.
 *
 * @param head   what the first line must equal; of a new journal it becomes the first line. Another
 *               first line is FAIL_USAGE, -EEXIST: the journal belongs to something else. NULL: no
 *               first line
 * @param fresh  begin anew whatever is there
 * @param each   called for every line after the head that is there already; NULL: none. A negative
 *               return stops and is handed on
 * @return 0; FAIL_OPEN -EBUSY: another process has it; FAIL_CREATE, FAIL_IO, FAIL_INPUT (a line in
 *         the middle is no JSON), -ENOMEM
 */
int journal_open(const char *path, const json_t *head, bool fresh,
                 int (*each)(void *ctx, const json_t *line, struct fail *fail), void *ctx,
                 struct journal **ret, struct fail *fail);
/** Read from the first line after the head on, as journal_open() does. */
int journal_replay(struct journal *journal,
                   int (*each)(void *ctx, const json_t *line, struct fail *fail), void *ctx,
                   struct fail *fail);
/** Append one line (borrowed); it is on the disk after the next journal_sync(). */
int journal_add(struct journal *journal, const json_t *line, struct fail *fail);
int journal_sync(struct journal *journal, struct fail *fail);
/** Close and, with `remove`, delete the file. Lines that were not synced are dropped. */
struct journal *journal_close(struct journal *journal, bool remove);
