/* SPDX-License-Identifier: Apache-2.0
 *
 * Portable Embosser Format 2008-1 (Joel Håkansson; http://www.daisy.org/ns/2008/pef): volumes of
 * sections of pages of rows, a row only characters U+2800 to U+28FF.
 */

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "base/hash.h"
#include "tools/ctl/format/format.h"
#include "tools/ctl/format/markup.h"
#include "tools/ctl/format/rows.h"

static int write_side(struct format_writer *w, const struct format_page *page,
                      const struct pipeline_side *side, struct fail *fail)
{
    struct format_rows rows;
    unsigned n = 0;

    format_rows_begin(&rows, side);
    fputs("        <page>\n", w->out);
    for (; format_rows_next(&rows); n++) {
        fputs("          <row>", w->out);
        for (size_t i = 0; i < rows.n; i++) {
            char text[4];
            brl_cell_utf8(rows.cells[i], text);
            fputs(text, w->out);
        }
        fputs("</row>\n", w->out);
        w->n_columns = MAX(w->n_columns, (unsigned) rows.n);
    }
    fputs("        </page>\n", w->out);
    w->n_rows = MAX(w->n_rows, n);
    return 0;
}

/* Today, or the day that a reproducible build asks for. */
static void format_date(char *out, size_t size)
{
    const char *epoch = getenv("SOURCE_DATE_EPOCH");
    char *end = NULL;
    time_t now = epoch ? (time_t) strtoll(epoch, &end, 10) : 0;
    struct tm tm;

    if (!epoch || end == epoch || *end)
        now = time(NULL);
    if (!gmtime_r(&now, &tm) || strftime(out, size, "%Y-%m-%d", &tm) == 0)
        *out = 0;
}

static void write_element(FILE *f, const char *name, const char *text)
{
    fprintf(f, "      <dc:%s>", name);
    markup_text(f, text);
    fprintf(f, "</dc:%s>\n", name);
}

static int write_end(struct format_writer *w, FILE *out, struct fail *fail)
{
    char hash[HASH_TEXT], identifier[HASH_TEXT + 16], date[32];
    int r = hash_sha256(w->text, w->size, hash);
    if (r < 0)
        return r;
    /* the same pages are the same document, wherever they are read */
    snprintf(identifier, sizeof(identifier), "urn:sha256:%s", hash);
    format_date(date, sizeof(date));

    fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
          "<pef version=\"2008-1\" xmlns=\"http://www.daisy.org/ns/2008/pef\">\n"
          "  <head>\n    <meta xmlns:dc=\"http://purl.org/dc/elements/1.1/\">\n",
          out);
    write_element(out, "format", "application/x-pef+xml");
    write_element(out, "identifier", identifier);
    write_element(out, "title", format_title(w));
    if (*date)
        write_element(out, "date", date);
    write_element(out, "language", "zh");
    for (unsigned i = 0; i < w->n_pages; i++)
        write_element(out, "source", w->names[i]);
    fputs("    </meta>\n  </head>\n  <body>\n", out);
    fprintf(out,
            "    <volume cols=\"%u\" rows=\"%u\" rowgap=\"0\" duplex=\"false\">\n      <section>\n",
            MAX(w->n_columns, 1u), MAX(w->n_rows, 1u));
    fwrite(w->text, 1, w->size, out);
    fputs("      </section>\n    </volume>\n  </body>\n</pef>\n", out);
    return 0;
}

const struct format format_pef = {
    .name = "pef", .endings = ".pef", .side = write_side, .end = write_end};
