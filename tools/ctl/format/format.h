/* SPDX-License-Identifier: Apache-2.0
 *
 * What `braillectl read` writes: a format a file, pages in, one document out. A writer collects in
 * memory, so that a document appears whole or not at all.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "base/fail.h"
#include "braille/page.h"
#include "image/image.h"
#include "pipeline/pipeline.h"

struct format_page {
    const char *name;                       ///< as the user gave it; any bytes
    const struct image *img;                ///< the picture as given; NULL unless needs_picture
    const struct pipeline_reading *reading; ///< borrowed, as all here
};

/** A side of a page: what a document has a section of, and a stream a page. */
struct format_section {
    unsigned name; ///< index in names
    enum brl_side side;
    bool one_of_two;
};

struct format_options {
    const char *title;  ///< NULL: the first page's name
    const char *device; ///< that read it
    double doubt;       ///< cells of a smaller p are marked as doubtful
    bool scores;        ///< json: what each p was made of
    bool chinese;       ///< labels in Chinese, else in English
};

struct format_writer {
    const struct format *format;
    struct format_options options;
    FILE *out;                       ///< what is handed over next; in memory
    char *text;                      ///< what `out` holds once it is flushed; owned
    size_t size;                     ///< of `text`
    char **names;                    ///< of the pages so far, without their folders; owned
    unsigned n_pages;                ///< before this one
    struct format_section *sections; ///< of the sides so far; owned
    unsigned n_sections;             ///< before this one
    unsigned n_columns, n_rows;      ///< pef: of the largest page
    size_t n_cells, n_doubtful;      ///< html: of all pages
};

struct format {
    const char *name;
    const char *endings; ///< of files written so: ".html .htm"; "" for none
    bool needs_picture;
    bool one_page;   ///< holds one side of one page
    bool needs_text; ///< a page that is no text is an error
    /** Append a page to w->out. Errors that are the page's: *fail filled. */
    int (*page)(struct format_writer *w, const struct format_page *page, struct fail *fail);
    /** Or one side of it after the other; w->n_sections is this one's index. */
    int (*side)(struct format_writer *w, const struct format_page *page,
                const struct pipeline_side *side, struct fail *fail);
    /** Put what stands before and after the pages around w->text into `out`; NULL: nothing does, so
     * that pages may be handed over one by one. */
    int (*end)(struct format_writer *w, FILE *out, struct fail *fail);
};

/** By name; NULL when there is none. The first one is the default. */
const struct format *format_find(const char *name);
/** By the ending of a file's name; NULL when none has it. */
const struct format *format_of_file(const char *path);
extern const char *const format_names[]; ///< all names, NULL-terminated

/** @param options  copied; its strings borrowed until format_done(). -ENOMEM */
int format_begin(struct format_writer *w, const struct format *format,
                 const struct format_options *options);
int format_add(struct format_writer *w, const struct format_page *page, struct fail *fail);
/** What is ready so far, and begin anew: a stream of pages. *ret_text owned. -ENOMEM */
int format_take(struct format_writer *w, char **ret_text, size_t *ret_size);
/** The document, or the rest of the stream. *ret_text owned. */
int format_end(struct format_writer *w, char **ret_text, size_t *ret_size, struct fail *fail);
void format_done(struct format_writer *w);
/** What a document is called: as the user says, else as its first page. Borrowed. */
const char *format_title(const struct format_writer *w);

extern const struct format format_text, format_pinyin, format_hanzi, format_unicode, format_brf,
    format_pef, format_json, format_html, format_dsbi;
