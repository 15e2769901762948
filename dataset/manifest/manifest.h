/* SPDX-License-Identifier: Apache-2.0
 *
 * A data set's manifest: DIR/manifest.jsonl, one record a line. Read and written one by one, so
 * that memory does not grow with the set.
 */
#pragma once

#include "manifest/record.h"

#define MANIFEST_NAME "manifest.jsonl"
#define MANIFEST_MAX_LINE ((size_t) 16 << 20)

struct manifest_reader;
/** Open DIR/manifest.jsonl, or `dir` itself when it is a file. FAIL_OPEN says what is missing. */
int manifest_open(const char *dir, struct manifest_reader **ret, struct fail *fail);
/** The next record. @return 1, 0 at the end; FAIL_INPUT names file and line. */
int manifest_next(struct manifest_reader *reader, struct manifest_record *ret, struct fail *fail);
struct manifest_reader *manifest_close(struct manifest_reader *reader);
DEFINE_CLEANUP(struct manifest_reader *, manifest_close);

struct manifest_writer;
/** Begin DIR/manifest.jsonl (or another `name`) under a temporary name. */
int manifest_create(const char *dir, const char *name, struct manifest_writer **ret,
                    struct fail *fail);
int manifest_add(struct manifest_writer *writer, const struct manifest_record *record,
                 struct fail *fail);
/** Any other JSON object, for files of the same form. `json` borrowed. */
int manifest_add_json(struct manifest_writer *writer, const json_t *json, struct fail *fail);
int manifest_commit(struct manifest_writer *writer, struct fail *fail);
/** Frees; without manifest_commit() nothing is left. */
struct manifest_writer *manifest_writer_free(struct manifest_writer *writer);
DEFINE_CLEANUP(struct manifest_writer *, manifest_writer_free);

/** "DIR/IMAGE" of a record, owned; NULL: not enough memory. */
char *manifest_path(const char *dir, const char *image);
