/* SPDX-License-Identifier: Apache-2.0
 *
 * Running Chinese text to lines of braille, by liblouis and its tables (LGPL, an optional
 * dependency: without it every call fails with FAIL_UNAVAILABLE). liblouis keeps its tables in
 * globals: one thread at a time.
 */
#pragma once

#include "lang/encode.h"

/** Lines of equal length, blank cells at their ends. */
struct lang_lines {
    brl_cell *cells; ///< [n][width], owned
    unsigned width;
    size_t n;
};
void lang_lines_done(struct lang_lines *lines);

/**
 * Translate a text and break it into lines.
 *
 * Each line of the text is a paragraph: it begins two cells in. An empty line stays one. Words are
 * those that liblouis writes, so blanks in the text part words where its tables do not. A word that
 * finds no room goes on in the next line behind dots 36, as Chinese books have it; it is parted
 * between two characters, never before a sign that closes.
 *
 * @param text   UTF-8
 * @param width  cells of a line, at least 8
 * @return 0; FAIL_UNAVAILABLE -EOPNOTSUPP: built without liblouis, or its tables are not installed;
 *         FAIL_INPUT -EILSEQ names a character that the code cannot write or the text is no UTF-8;
 *         -EINVAL; -ENOMEM
 */
int lang_translate(enum lang_code code, const char *text, unsigned width, struct lang_lines *ret,
                   struct fail *fail);
