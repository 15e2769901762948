/* SPDX-License-Identifier: Apache-2.0
 *
 * A picture of the set as the page gets it: what it should show, what was measured, what was
 * decided, as one JSON object.
 */
#pragma once

#include "tools/dataset/review/decisions.h"

/** {"id", "text", "cells", …}; FAIL_INPUT, FAIL_IO, -ENOMEM. *ret owned. */
int view_item(struct review *review, size_t item, json_t **ret, struct fail *fail);

/** The size of the picture itself, read from its file. */
int view_size(const struct review *review, const struct manifest_record *record,
              unsigned *ret_width, unsigned *ret_height, struct fail *fail);
/** The picture as a browser takes it: PNG and JPEG as they are, others turned into PNG. *ret_data
 * owned; *ret_type static. */
int view_picture(const struct review *review, const struct manifest_record *record,
                 uint8_t **ret_data, size_t *ret_size, const char **ret_type, struct fail *fail);
/** DIR/clean/ID.png, when clean drew one. FAIL_OPEN when not. */
int view_drawing(struct review *review, size_t item, uint8_t **ret_data, size_t *ret_size,
                 struct fail *fail);
