/* SPDX-License-Identifier: Apache-2.0
 *
 * A page in Hanzi, a line each.
 */

#include <stdio.h>

#include "pipeline/hanzi.h"
#include "tools/ctl/format/format.h"

static int write_hanzi(struct format_writer *w, const struct format_page *page,
                       const struct pipeline_side *side, struct fail *fail)
{
    char **lines;
    int r = pipeline_hanzi_lines(side, page->reading->code, &lines);

    if (r < 0)
        return fail_set(fail, FAIL_OTHER, r, "not enough memory for the Hanzi of a page");
    if (w->n_sections > 0)
        fputc('\f', w->out);
    for (size_t i = 0; i < side->n_lines; i++) {
        const enum lang_line_kind kind = side->lines[i].kind;
        if (kind != LANG_LINE_PAGE_NUMBER && kind != LANG_LINE_RUNNING_HEAD)
            fprintf(w->out, "%s\n", lines[i]);
    }
    pipeline_hanzi_free(lines, side->n_lines);
    return 0;
}

const struct format format_hanzi = {
    .name = "hanzi", .endings = "", .needs_text = true, .side = write_hanzi};
