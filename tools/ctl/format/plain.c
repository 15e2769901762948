/* SPDX-License-Identifier: Apache-2.0
 *
 * Formats that are lines of text: text, pinyin, unicode, brf. A form feed stands between pages.
 */

#include <errno.h>
#include <string.h>

#include "tools/ctl/format/format.h"
#include "tools/ctl/format/rows.h"

static int write_lines(struct format_writer *w, const struct format_page *page)
{
    const struct pipeline_reading *r = page->reading;

    if (w->n_pages > 0)
        fputc('\f', w->out);
    for (size_t i = 0; i < r->n_lines; i++)
        fprintf(w->out, "%s\n",
                w->format == &format_unicode ? r->lines[i].braille : r->lines[i].pinyin);
    return 0;
}

static int write_page(struct format_writer *w, const struct format_page *page, struct fail *fail)
{
    return write_lines(w, page);
}

/* The best text at hand: of a crop what the bank says it is, else pinyin. */
static int write_text(struct format_writer *w, const struct format_page *page, struct fail *fail)
{
    if (!page->reading->crop)
        return write_lines(w, page);
    fprintf(w->out, "%s%s\n", w->n_pages > 0 ? "\f" : "", page->reading->crop_text);
    return 0;
}

static int refuse_hanzi(struct format_writer *w, const struct format_page *page, struct fail *fail)
{
    return fail_set(fail, FAIL_UNAVAILABLE, -EOPNOTSUPP,
                    "hanzi need the lexicon of words, which is not built yet; use --format pinyin");
}

/* Braille ASCII as embossers take it: CR LF, a form feed behind each page, empty lines kept. */
static int write_brf(struct format_writer *w, const struct format_page *page, struct fail *fail)
{
    struct format_rows rows;

    format_rows_begin(&rows, page->reading);
    while (format_rows_next(&rows)) {
        for (size_t i = 0; i < rows.n; i++)
            fputc(brl_cell_ascii(rows.cells[i]), w->out);
        fputs("\r\n", w->out);
    }
    fputc('\f', w->out);
    return 0;
}

const struct format format_text = {.name = "text", .endings = ".txt", .page = write_text};
const struct format format_pinyin = {.name = "pinyin", .endings = "", .page = write_page};
const struct format format_hanzi = {.name = "hanzi", .endings = "", .page = refuse_hanzi};
const struct format format_unicode = {.name = "unicode", .endings = ".brl", .page = write_page};
const struct format format_brf = {.name = "brf", .endings = ".brf", .page = write_brf};
