/* SPDX-License-Identifier: Apache-2.0
 *
 * The lines of a side in Hanzi.
 */
#pragma once

#include "pipeline/pipeline.h"

/** One string for each of side->lines, "" where the side is no text. *ret owned, and each of them:
 * pipeline_hanzi_free(). -ENOMEM. */
int pipeline_hanzi_lines(const struct pipeline_side *side, enum lang_code code, char ***ret);
void pipeline_hanzi_free(char **lines, size_t n);
