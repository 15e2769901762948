/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts of the html format: words, the picture with the reading laid over it, the text.
 */
#pragma once

#include "tools/ctl/format/format.h"

/** What the page says, in one language. */
struct html_words {
    const char *language; ///< of the document, BCP 47
    const char *skip, *pages, *page, *show, *dots, *reading, *boxes, *large;
    const char *side, *recto, *verso, *mirrored, *not_text, *resolution, *turned, *cells, *lines,
        *device;
    const char *picture_alt, *overlay, *text, *line, *text_column, *braille, *certainty;
    const char *doubtful, *doubtful_cells, *no_doubt, *no_text, *cell, *dots_of, *in, *legend_cell,
        *legend_doubtful, *legend_unknown, *doubt_rule, *about, *crop;
    const char *changed, *changes, *taken_for, *blank, *why_no_text, *why_word, *legend_changed;
    const char *code, *codes[LANG_N_CODES];
    const char *colon, *stop, *comma; ///< with the space that belongs to them
};
extern const struct html_words html_english, html_chinese;

/** Where a page's cells lie in the picture that is shown: upright, a verso mirrored. */
struct html_view {
    double m[6]; ///< 2x3 affine: picture as given -> picture shown
    unsigned width, height;
    struct image *img; ///< owned
};

/** A page, what is known of its cells, and where it is written to. */
struct html_page {
    FILE *out;
    unsigned number; ///< from 1
    const struct html_words *words;
    const struct format_page *page;
    const struct pipeline_side *side;
    double doubt;
    uint32_t *piece;  ///< [n_cells] the piece that each cell belongs to, or UINT32_MAX; owned
    uint32_t *change; ///< [n_cells] the change that made it what it is, or UINT32_MAX; owned
};

enum html_mark { HTML_SURE, HTML_CHANGED, HTML_DOUBTFUL, HTML_UNKNOWN };

/** What stands beside a mark's colour, and its class. */
extern const char *const html_signs[], *const html_classes[];
/** How cell `i` is marked: it is in no text, its p is below the threshold, or the text made it what
 * it is. */
enum html_mark html_mark_of(const struct html_page *p, size_t i);
/** A piece's text, pinyin with tone marks. */
void html_piece_text(const struct pipeline_piece *piece, char *out, size_t size);

/** The <figure>. -ENOMEM; a picture that cannot be encoded: *fail filled. */
int html_write_figure(const struct html_page *p, struct fail *fail);
/** The table of lines and the list of doubtful cells. */
void html_write_lines(const struct html_page *p);
void html_write_doubtful(const struct html_page *p);
/** The list of corrections, where there are any. */
void html_write_changes(const struct html_page *p);

extern const char html_css[], html_js[]; ///< embed.py makes them from html.css and html.js
