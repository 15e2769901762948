/* SPDX-License-Identifier: Apache-2.0
 *
 * A data set in the forms of others. Records come one by one, in order, on one thread; what is
 * written stands in a folder with a temporary name until all of it is there.
 */
#pragma once

#include <stdint.h>
#include <stdio.h>

#include "manifest/manifest.h"
#include "tools/dataset/common.h"

struct export_format;

struct export_options {
    struct dataset_common common;
    const struct export_format *format;
    const char *in, *out;
    uint64_t shard_size; ///< pictures a shard
    bool jsonl;          ///< metadata.jsonl rather than .csv
};

/** A record with its picture, checked: it is a PNG or JPEG of this size and has its sha256. */
struct export_item {
    size_t number; ///< of the record in the manifest, from 1
    struct manifest_record record;
    uint8_t *bytes; ///< owned
    size_t n_bytes;
    const char *ending; ///< "png", "jpg"
    unsigned width, height;
    bool skip;
    struct fail why; ///< why it is left out
};

#define EXPORT_SKIP 1 ///< of add(): item->why says why the record cannot be written

struct export_format {
    const char *name;
    /** Begin in the empty folder `dir` (borrowed until done()). */
    int (*open)(const struct export_options *o, const char *dir, void **ret, struct fail *fail);
    /** @return 0, EXPORT_SKIP, or negative */
    int (*add)(void *state, struct export_item *item, struct fail *fail);
    /** Everything is handed to the system. */
    int (*finish)(void *state, struct fail *fail);
    void (*done)(void *state);
};
extern const struct export_format export_chinese_clip, export_webdataset, export_imagefolder,
    export_coco, export_dsbi;

/* ---- out.c ---- */

#define EXPORT_DONE "export.json" ///< in a finished export
#define EXPORT_MADE_BY "braille-dataset "

/** The three parts; a record without one is for training. */
enum export_split { EXPORT_TRAIN, EXPORT_VAL, EXPORT_TEST, EXPORT_N_SPLITS };
enum export_split export_split_of(const struct manifest_record *record);

/** A folder that gets its name at the end. */
struct export_out {
    char *path, *tmp; ///< owned
    int lock;
    bool replace;
};
#define EXPORT_OUT_INIT                                                                            \
    {                                                                                              \
        .lock = -1                                                                                 \
    }
/** FAIL_CREATE: there is something under that name, and it is no export or `force` is not set. */
int export_out_open(struct export_out *out, const char *path, bool force, struct fail *fail);
int export_out_commit(struct export_out *out, struct fail *fail);
/** What was not committed is removed. */
void export_out_done(struct export_out *out);

/** Create DIR/NAME, its folder too. */
int export_create(const char *dir, const char *name, FILE **ret, struct fail *fail);
/** Close and see whether all was written; *f may be NULL and becomes it. `r`: what failed before.
 */
int export_close(FILE **f, const char *dir, int r, struct fail *fail);
/** A file in DIR without a name, to write and to read again. */
int export_scratch(const char *dir, FILE **ret, struct fail *fail);
/** Write DIR/NAME whole. */
int export_write(const char *dir, const char *name, const void *bytes, size_t size,
                 struct fail *fail);
/** "125 235" of a record's cells, owned; "" where they are not known. */
char *export_cells(const struct manifest_record *record);
