/* SPDX-License-Identifier: Apache-2.0
 *
 * The lists beside a manifest (clean.jsonl, truth.jsonl, skipped.jsonl), one object a line.
 */
#pragma once

#include "manifest/lines.h"

struct jsonl {
    char *path; ///< owned; NULL: none is open
    struct manifest_lines lines;
};

/** Open DIR/NAME. @return 1; 0: there is none; FAIL_OPEN, -ENOMEM */
int jsonl_open(struct jsonl *l, const char *dir, const char *name, struct fail *fail);
/** The next object, owned by the caller. @return 1, 0 at the end; FAIL_INPUT names file and line */
int jsonl_next(struct jsonl *l, json_t **ret, struct fail *fail);
void jsonl_done(struct jsonl *l);

/** A string of an object; NULL where it is none. Borrowed. */
const char *jsonl_text(const json_t *object, const char *key);
