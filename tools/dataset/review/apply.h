/* SPDX-License-Identifier: Apache-2.0
 *
 * The data set that results from what `clean` found and people decided.
 */
#pragma once

#include "tools/dataset/common.h"
#include "tools/dataset/review/decisions.h"

/**
 * Write OUT: what is clean or accepted linked, what got another label with it, what was recropped
 * with its new picture; the rest is named in OUT/skipped.jsonl with the reason.
 *
 * @param ret_json  a new object of counts
 * @return 0; as set_open() and set_add(); FAIL_INTERRUPTED
 */
int review_apply(struct review *review, const char *out, const struct dataset_common *common,
                 json_t **ret_json, struct fail *fail);
