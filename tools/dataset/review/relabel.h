/* SPDX-License-Identifier: Apache-2.0
 *
 * A new label for a picture: the text and the cells that follow from each other. Thread-safe.
 */
#pragma once

#include "manifest/record.h"

struct review_label {
    char *text;      ///< what the label says, owned
    brl_cell *cells; ///< what the picture shows as it lies, owned
    size_t n_cells;
};
void review_label_done(struct review_label *label);

/**
 * From a text, in the record's code. FAIL_INPUT carries the encoder's words; -ENOMEM. Of a picture
 * that lies upside down (it has `reads`) the text is that of the upright one, as in the manifest.
 */
int review_label_text(const struct manifest_record *record, const char *text,
                      struct review_label *ret, struct fail *fail);
/** From dots as they are felt: "125 235", cells apart by spaces or commas, "0" for a blank one.
 * FAIL_INPUT names the cell that is none. */
int review_label_dots(const struct manifest_record *record, const char *dots,
                      struct review_label *ret, struct fail *fail);

/** What cells read in the record's code; Unicode braille where that is nothing. Owned; NULL: no
 * memory. */
char *review_reads(const struct manifest_record *record, const brl_cell *cells, size_t n);

/** Put the label into the record: text, cells, reads. Boxes and places stay only where the number
 * of cells does. -ENOMEM. */
int review_apply_label(struct manifest_record *record, const char *text, const brl_cell *cells,
                       size_t n);
