/* SPDX-License-Identifier: Apache-2.0
 *
 * A data set while it is written: DIR/images, DIR/manifest.jsonl, DIR/card.md, and DIR/truth.jsonl
 * where something was injected. The manifest comes last: a folder without one is not finished, and
 * the same command goes on where it stopped: DIR/.partial.jsonl holds a line for every item that is
 * done, in order.
 */
#pragma once

#include <stdint.h>
#include <time.h>

#include "image/image.h"
#include "manifest/journal.h"
#include "manifest/manifest.h"
#include "tools/dataset/common.h"

struct set_out {
    char *dir;               ///< owned
    struct journal *journal; ///< owned
    size_t n_done;           ///< items that are there, the earlier run's too: go on with this one
    size_t n_skipped;        ///< of them, without a record
    size_t n_waiting;        ///< of them, not yet on the disk for sure
    struct timespec waiting_since;
};

/** FAIL_USAGE: `out` is the folder `from` itself; a set cannot be written over its own source. */
int set_check_other(const char *from, const char *out, struct fail *fail);

/**
 * Open or go on with a set.
 *
 * @param how  {"command": …, "version": …, options…}, borrowed: a run with another `how` does not
 * go on here
 * @return 0; FAIL_CREATE -EEXIST: a finished set is there and `force` is not set, or an interrupted
 *         run with other options
 */
int set_open(struct set_out *set, const char *dir, const json_t *how, bool force,
             struct fail *fail);

/** Store a record's picture as DIR/IMAGE (bytes of the file) and the record. Fills in sha256.
 * `truth` (borrowed, may be NULL): a line of truth.jsonl. Call in the records' order. */
int set_add(struct set_out *set, struct manifest_record *record, const void *bytes, size_t size,
            const json_t *truth, struct fail *fail);
/** The same with a picture that is a file already: linked, or copied where that cannot be. sha256
 * must be set. */
int set_link(struct set_out *set, const struct manifest_record *record, const char *path,
             const json_t *truth, struct fail *fail);
/** An item that gives no record: `line` (borrowed) says why in DIR/skipped.jsonl. */
int set_skip(struct set_out *set, const json_t *line, struct fail *fail);

/** Write the manifest, the lists and the card (Markdown, borrowed); everything is on the disk when
 * it returns 0. */
int set_commit(struct set_out *set, const char *card, struct fail *fail);
/** Close; what is not committed stays for the next run. */
void set_done(struct set_out *set);
