/* SPDX-License-Identifier: Apache-2.0
 *
 * Braille in the source of tests: Unicode braille text -> cells, and files of tab-separated cases.
 */
#pragma once

#include <string.h>

#include "lang/lang.h"
#include "test.h"

/** "⠓⠖⠆\n" -> cells; a newline is a line end, a space or U+2800 is blank. Returns the number. */
static inline size_t cells_from_text(const char *text, uint8_t *cells, size_t room)
{
    size_t n = 0;

    while (*text) {
        REQUIRE(n < room);
        if ((unsigned char) *text == 0xE2) {
            cells[n++] = (uint8_t) (((unsigned) text[1] & 3u) << 6 | ((unsigned) text[2] & 0x3Fu));
            text += 3;
        } else {
            REQUIRE(*text == ' ' || *text == '\n');
            cells[n++] = *text++ == '\n' ? LANG_LINE_END : 0;
        }
    }
    return n;
}

/** The next line of a file of cases that is no comment, cut at its tabs. False at the end. */
static inline bool next_case(FILE *f, char **line, size_t *room, char **fields, size_t n_fields)
{
    ssize_t n;

    while ((n = getline(line, room, f)) > 0) {
        if (**line == '#')
            continue;
        (*line)[strcspn(*line, "\n")] = 0;
        char *rest = *line;
        for (size_t i = 0; i < n_fields; i++) {
            fields[i] = strsep(&rest, "\t");
            REQUIRE(fields[i]);
        }
        return true;
    }
    return false;
}
