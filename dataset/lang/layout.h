/* SPDX-License-Identifier: Apache-2.0
 *
 * What the lines of a page are: text, where paragraphs begin, headings, tables of contents, page
 * numbers and running heads. Decided from the cells and their places alone. Pages are decoded so
 * that numbers and heads are never read out in the middle of a sentence, and sentences go on over
 * pages. Pure functions, thread-safe.
 */
#pragma once

#include "lang/lang.h"

enum lang_line_kind {
    LANG_LINE_BLANK,
    LANG_LINE_TEXT,         ///< goes on with the line above
    LANG_LINE_PARAGRAPH,    ///< a paragraph begins
    LANG_LINE_HEADING,      ///< centred, or a section's number and title
    LANG_LINE_CONTENTS,     ///< of a table of contents: leader dots and a number
    LANG_LINE_PAGE_NUMBER,  ///< first or last line, nothing but page numbers in a corner or the
                            ///< middle
    LANG_LINE_RUNNING_HEAD, ///< first line: a head, with a page number or as on the pages before
    LANG_N_LINE_KINDS,
};
/** "blank", "text", "paragraph", "heading", "contents", "page-number", "running-head" */
extern const char *const lang_line_names[LANG_N_LINE_KINDS];

struct lang_line {
    enum lang_line_kind kind;
    uint32_t first, n_cells; ///< its cells in the page, without LANG_LINE_END
    uint32_t indent, end;    ///< columns: its first raised cell, behind its last one; 0, 0 if blank
    char
        number[16]; ///< the page number in it: "12", "III", "5 12" (two); "" for none or unreadable
};

struct lang_layout {
    struct lang_line *lines; ///< owned
    size_t n;
    uint32_t margin, width; ///< columns: where lines begin, and the end of the longest
};
void lang_layout_done(struct lang_layout *l);

/** What the pages before tell of the next one. Zero: there were none. Holds no memory. */
struct lang_book {
    uint64_t tops[4];    ///< hashes of the first lines of the last pages, numbers apart; 0: none
    uint32_t n_pages;    ///< so far
    long number;         ///< of the last page that has one; 0: none
    uint32_t quotes[3];  ///< which quotes and brackets are open
    enum lang_code code; ///< of the last page
};

/** Lines of a page as lang_decode_code() takes it. A number is a page number in the first or last
 * line where it stands alone in the right corner or the middle, or in the left one where it goes on
 * from the pages before (Chinese press books print it in the last line's right corner, DSBI: on
 * front sides only). `before` may be NULL. *ret: owned. -ENOMEM, -E2BIG. */
int lang_layout_find(const uint8_t *cells, size_t n, const struct lang_book *before,
                     struct lang_layout *ret);

/** Is the line kept out of the running text? */
bool lang_line_is_aside(const struct lang_line *line);

/**
 * A page with its layout: page numbers and heads are tokens with `aside`, "\n\n" stands where the
 * layout has a paragraph or a heading.
 *
 * @param code to read it in, or LANG_N_CODES for the likeliest
 * @param book in and out; NULL: the page stands alone
 * @param ret_choice how sure the code is; NULL, or with LANG_N_CODES only
 */
int lang_decode_page(enum lang_code code, const uint8_t *cells, size_t n,
                     const struct lang_layout *layout, struct lang_book *book,
                     struct lang_text *ret, struct lang_choice *ret_choice);

/** Leaves only what is read out. */
void lang_text_drop_asides(struct lang_text *t);

/** The next page's text behind `to`, which keeps its code (an empty one takes the page's). A word
 * cut between the pages is one word again. `first` of the tokens stays that of their page; asides
 * go. *page: taken. -ENOMEM: both are as they were. */
int lang_text_append(struct lang_text *to, struct lang_text *page);

/** The front of `from` up to the end of its last sentence or paragraph: what can be spoken before
 * the next page is known. *ret: owned, may be empty. -ENOMEM. */
int lang_text_split(struct lang_text *from, struct lang_text *ret);

/** Tokens of the sentence at token `begin`, with what closes it and the end of its paragraph; at
 * least 1. */
size_t lang_text_sentence(const struct lang_text *t, size_t begin);
