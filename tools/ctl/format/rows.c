/* SPDX-License-Identifier: Apache-2.0 */

#include "tools/ctl/format/rows.h"

#include <string.h>

void format_rows_begin(struct format_rows *rows, const struct pipeline_side *side)
{
    rows->side = side;
    rows->next_row = 0;
    rows->at = 0;
}

bool format_rows_next(struct format_rows *rows)
{
    const struct pipeline_side *s = rows->side;

    if (rows->at >= s->n_cells)
        return false;
    rows->row = rows->next_row++;
    rows->n = 0;
    memset(rows->cells, 0, sizeof(rows->cells));
    for (; rows->at < s->n_cells && s->cells[rows->at].row == rows->row; rows->at++) {
        const struct pipeline_cell *c = &s->cells[rows->at];
        if (c->column >= FORMAT_MAX_COLUMNS)
            continue;
        rows->cells[c->column] = c->dots;
        rows->n = c->column + 1u;
    }
    return true;
}
