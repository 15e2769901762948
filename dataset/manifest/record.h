/* SPDX-License-Identifier: Apache-2.0
 *
 * One picture of a data set and what is known of it; the JSON of docs/contracts.md. Strings are
 * owned and UTF-8; NULL is JSON's null. Thread-safe: no shared state.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "base/fail.h"
#include "base/hash.h"
#include "braille/cell.h"

/** A cell: the rectangle through its outer dot centres, pixels of the picture, pixel centres at
 * whole numbers. May reach outside of the picture where the picture was cut. */
struct manifest_box {
    double x, y, w, h;
};

/** Where a cell stands on its page, from 0 in reading order. */
struct manifest_place {
    unsigned row, column;
};

#define MANIFEST_MAX_CELLS 100000
#define MANIFEST_MAX_NAME 200 ///< bytes of an id: it becomes a file name

struct manifest_record {
    char *id;      ///< unique in the set: letters, digits, '-', '_', '.', '+', '#'; no leading dot
    char *image;   ///< path below the set's folder: no leading '/', no "..", no empty part
    char *sha256;  ///< of the image file
    char *type;    ///< "number" "spell" "punctuation" (BIT), "cell" "word" "line" "page"
    char *text;    ///< the label: "248", "hao4", "！", pinyin of a word or line
    char *reads;   ///< of a turned picture: what it reads as it lies, "" for nothing; else NULL
    char *code;    ///< "current" "common" "two-cell"
    char *side;    ///< "recto" "verso"; NULL counts as recto
    char *source;  ///< where it comes from: "drawn", "page.jpg", "dsbi:Massage/M+1.jpg"
    char *parent;  ///< id of the picture that this one was made from
    char *augment; ///< how: "turn-180", "background-#e8d8b0", several joined by '+'
    char *split;   ///< "train" "test" "val"
    double dpi;    ///< 0 (null): not known
    double skew_deg;        ///< the lines lie turned clockwise by it
    unsigned width, height; ///< pixels; 0 (null): not known
    /** What the picture shows as it lies, in reading order as its side's reader feels it: turned
     * pictures have turned cells in turned order. Blank cells are in it where the label has them.
     * NULL: not known; not NULL with n_cells 0: none. */
    brl_cell *cells;
    struct manifest_box *boxes;    ///< [n_cells], or NULL: not known
    struct manifest_place *places; ///< [n_cells], or NULL: not known
    size_t n_cells;
};

void manifest_record_done(struct manifest_record *record);
/** A deep copy. -ENOMEM. */
int manifest_record_copy(const struct manifest_record *from, struct manifest_record *ret);
/** Replace a string of a record by a copy of `value` (NULL: null). -ENOMEM. */
int manifest_set(char **field, const char *value);

/** What an id and an image may be. */
bool manifest_is_id(const char *text);
bool manifest_is_path(const char *text);
/** Pixels, degrees: rounded to thousandths, without ".0" where whole, so that they are written the
 * same everywhere. A new reference; NULL: not enough memory, or not finite. */
json_t *manifest_number(double value);

/** A new object, keys in the order of the contract; NULL: not enough memory. */
json_t *manifest_record_to_json(const struct manifest_record *record);
/** Nothing of *ret is used; it is untouched on failure. Everything is checked (types, ranges,
 * paths, counts that must agree); unknown keys are left out. FAIL_INPUT, -EBADMSG names what is
 * wrong; -ENOMEM. */
int manifest_record_from_json(const json_t *json, struct manifest_record *ret, struct fail *fail);
