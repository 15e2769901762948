/* SPDX-License-Identifier: Apache-2.0
 *
 * Formats that are lines of text: text, pinyin, unicode, brf. A form feed stands between pages and
 * between a page's sides. Page numbers and running heads are no text; the braille has them.
 */

#include <string.h>

#include "tools/ctl/format/format.h"
#include "tools/ctl/format/rows.h"

static int write_lines(struct format_writer *w, const struct format_page *page,
                       const struct pipeline_side *side, struct fail *fail)
{
    const bool cells = w->format == &format_unicode;

    if (w->n_sections > 0)
        fputc('\f', w->out);
    for (size_t i = 0; i < side->n_lines; i++) {
        const struct pipeline_line *l = &side->lines[i];
        const bool aside = l->kind == LANG_LINE_PAGE_NUMBER || l->kind == LANG_LINE_RUNNING_HEAD;
        if (cells || !aside)
            fprintf(w->out, "%s\n", cells ? l->braille : l->pinyin);
    }
    return 0;
}

/* The best text at hand: of a crop what the bank says it is, else pinyin. */
static int write_text(struct format_writer *w, const struct format_page *page,
                      const struct pipeline_side *side, struct fail *fail)
{
    if (!page->reading->crop)
        return write_lines(w, page, side, fail);
    fprintf(w->out, "%s%s\n", w->n_sections > 0 ? "\f" : "", page->reading->crop_text);
    return 0;
}

/* Braille ASCII as embossers take it: CR LF, a form feed behind each page, empty lines kept. */
static int write_brf(struct format_writer *w, const struct format_page *page,
                     const struct pipeline_side *side, struct fail *fail)
{
    struct format_rows rows;

    format_rows_begin(&rows, side);
    while (format_rows_next(&rows)) {
        for (size_t i = 0; i < rows.n; i++)
            fputc(brl_cell_ascii(rows.cells[i]), w->out);
        fputs("\r\n", w->out);
    }
    fputc('\f', w->out);
    return 0;
}

const struct format format_text = {
    .name = "text", .endings = ".txt", .needs_text = true, .side = write_text};
const struct format format_pinyin = {
    .name = "pinyin", .endings = "", .needs_text = true, .side = write_lines};
const struct format format_unicode = {.name = "unicode", .endings = ".brl", .side = write_lines};
const struct format format_brf = {.name = "brf", .endings = ".brf", .side = write_brf};
