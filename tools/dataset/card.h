/* SPDX-License-Identifier: Apache-2.0
 *
 * The data card of a set that is being written: DIR/card.md, figures counted from its own lines.
 */
#pragma once

#include "manifest/journal.h"
#include "manifest/record.h"

#define CARD_MAX_BYTES ((size_t) 4 << 20) ///< a longer one is not read

struct card {
    json_t *how;     ///< borrowed: the options, as in the journal's first line
    json_t *figures; ///< owned: {"pictures", "left_out", "types", "made", "splits"}
    char *text;      ///< owned, Markdown
};

/** Count what an opened set has already from an interrupted run. `how` borrowed. FAIL_INPUT,
 * FAIL_IO, -ENOMEM. */
int card_begin(struct card *card, struct journal *journal, json_t *how, struct fail *fail);
/** Count one more; NULL: a picture that is left out. -ENOMEM. */
int card_add(struct card *card, const struct manifest_record *record);
/** Write the text. `about`: a paragraph of Markdown. -ENOMEM. */
int card_write(struct card *card, const char *title, const char *about);
/** The figures as one line of JSON on standard output. -ENOMEM. */
int card_print(const struct card *card);
void card_done(struct card *card);

/** What the card of the set `dir` says about its licence, for the card of a set that is made from
 * it: one line that begins with "Licence", "" where it says nothing. *ret owned. FAIL_IO, -ENOMEM.
 */
int card_licence(const char *dir, char **ret, struct fail *fail);
