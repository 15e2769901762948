/* SPDX-License-Identifier: Apache-2.0
 *
 * A side's lines as an embosser writes them: from its first column, blank cells and empty lines
 * kept.
 */
#pragma once

#include <stdbool.h>

#include "pipeline/pipeline.h"

#define FORMAT_MAX_COLUMNS 4096 ///< cells beyond are left out; pages have fewer than 100

struct format_rows {
    const struct pipeline_side *side; ///< borrowed
    unsigned next_row;
    unsigned row; ///< this one, from 0
    size_t at;    ///< the first cell behind it
    size_t n;     ///< cells of this row; none when it is empty
    brl_cell cells[FORMAT_MAX_COLUMNS];
};

void format_rows_begin(struct format_rows *rows, const struct pipeline_side *side);
/** The next row, from the side's first to the last that holds something. */
bool format_rows_next(struct format_rows *rows);
