/* SPDX-License-Identifier: Apache-2.0
 *
 * What is known of each picture of a set after `clean` and what people decided since:
 * manifest.jsonl with clean.jsonl and review.jsonl over it. Records stay on the disk; about a
 * hundred bytes an image are kept. One thread at a time.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "braille/check.h"
#include "manifest/journal.h"
#include "manifest/manifest.h"

#define REVIEW_CLEAN_NAME "clean.jsonl"
#define REVIEW_JOURNAL_NAME "review.jsonl"
#define REVIEW_MAX_NOTE 2000  ///< bytes
#define REVIEW_MAX_LABEL 1000 ///< bytes of a new label
#define REVIEW_NONE SIZE_MAX

/** The verdicts of clean.jsonl: those of enum brl_verdict, and "broken" of a picture that cannot be
 * read. */
#define REVIEW_BROKEN BRL_N_VERDICTS
#define REVIEW_N_VERDICTS (BRL_N_VERDICTS + 1)
const char *review_verdict_name(unsigned verdict);
/** `n` bytes at `name`; -EINVAL. */
int review_parse_verdict(const char *name, size_t n, unsigned *ret);

enum review_action {
    REVIEW_ACCEPT,  ///< keep the picture, with the label and rectangle it has by now
    REVIEW_REJECT,  ///< leave the picture out
    REVIEW_RELABEL, ///< keep it with another label
    REVIEW_RECROP,  ///< keep a part of it
    REVIEW_UNDO,    ///< an earlier line counts no more
    REVIEW_NOTE,    ///< a remark, no decision
    REVIEW_N_ACTIONS,
};
extern const char *const review_action_names[REVIEW_N_ACTIONS];

/** A line of review.jsonl. */
struct review_entry {
    uint64_t n; ///< from 1, growing
    size_t item;
    size_t before; ///< the entry of the same item before this one, or REVIEW_NONE
    enum review_action action;
    char *text;      ///< of a relabel, owned
    brl_cell *cells; ///< of a relabel, owned: what the picture shows as it lies
    size_t n_cells;
    unsigned rect[4]; ///< of a recrop: x, y, width, height in pixels of the picture as it is in DIR
    char *note;       ///< may go with any action, owned; NULL: none
    uint64_t undoes;  ///< of an undo
    char *reviewer;   ///< owned
    char time[24];    ///< RFC 3339, UTC
    bool undone;      ///< a later line takes it back
    bool stale;       ///< made for another picture of the same name: does not count
};

struct review_item {
    char *id;            ///< owned
    uint64_t sha;        ///< the first 8 bytes of the picture's SHA-256; 0: not known
    int64_t manifest_at; ///< where its line begins
    int64_t clean_at;    ///< the same in clean.jsonl, -1: clean has not judged it
    unsigned verdict;    ///< see above; BRL_UNSURE until judged
    size_t last;         ///< its newest entry, or REVIEW_NONE
};

struct review {
    char *dir; ///< owned
    FILE *manifest, *clean;
    struct review_item *items; ///< in the manifest's order
    size_t n_items;
    size_t *by_id; ///< items sorted by id
    struct review_entry *entries;
    size_t n_entries;
    uint64_t last_n;  ///< of the journal's newest line
    size_t n_strange; ///< lines of the journal for pictures that are not in the set (any more)
    size_t n_stale;   ///< lines for another picture of the same name
};

/** What holds for a picture after all that was decided and not undone. */
struct review_state {
    enum review_outcome { REVIEW_UNDECIDED, REVIEW_KEPT, REVIEW_REJECTED } outcome;
    const struct review_entry *decided;      ///< the line that says so, or NULL; borrowed, as below
    const struct review_entry *label, *rect; ///< the newest relabel and recrop, or NULL
    const char *note;                        ///< the newest, or NULL
};

/** Read the three files; review.jsonl may be missing, its torn last line is passed over. Nothing is
 * written or locked. FAIL_OPEN (no manifest, no clean.jsonl: the text says to clean first),
 * FAIL_INPUT names file and line, FAIL_IO, -ENOMEM. */
int review_open(const char *dir, struct review *ret, struct fail *fail);
void review_done(struct review *review);
/** Read everything again, e.g. once the journal is locked; on failure `review` stays as it was. */
int review_reload(struct review *review, struct fail *fail);

/** The item of an id, or REVIEW_NONE. */
size_t review_find(const struct review *review, const char *id);
struct review_state review_state(const struct review *review, size_t item);
/** The newest decision or note that can be undone, or REVIEW_NONE. */
size_t review_newest(const struct review *review);
/** The entry with this number, or REVIEW_NONE. */
size_t review_entry_of(const struct review *review, uint64_t n);

/** Read an item's record again; manifest_record_done(). */
int review_record(struct review *review, size_t item, struct manifest_record *ret,
                  struct fail *fail);
/** Read an item's line of clean.jsonl again. @return 0 with *ret owned; *ret NULL: not judged */
int review_judgement(struct review *review, size_t item, json_t **ret, struct fail *fail);

/** Append a line and bring it to the disk before it counts. `entry` without n, before and time, its
 * strings and cells taken, also on failure. @return 0, FAIL_IO, -ENOMEM */
int review_add(struct review *review, struct journal *journal, struct review_entry *entry,
               struct fail *fail);
void review_entry_done(struct review_entry *entry);

/** A new array of cells as a manifest has them: ["125", "235"]; NULL: not enough memory. */
json_t *review_cells_to_json(const brl_cell *cells, size_t n);

/** A new object of counts: images, by verdict, undecided, decisions by action, …; NULL: no memory.
 */
json_t *review_summary(const struct review *review);
