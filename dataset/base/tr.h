/* SPDX-License-Identifier: Apache-2.0
 *
 * Translated words. Catalogues are gettext's (tools/po, msgfmt). They are looked up here and not by
 * libc, because libc translates only where the language's locale is installed, and a reader of
 * Chinese meets our Chinese also on a host where it is not.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/macro.h"

/** Marks a string of a table for xgettext; it is translated where it is printed. */
#define N_(text) text

/**
 * Take the language that LANGUAGE, LC_ALL, LC_MESSAGES and LANG name, in gettext's order, and set
 * LC_CTYPE and LC_MESSAGES (numbers stay as in C: JSON and options have a point). Called once, by a
 * program before it starts threads; without it everything stays English. Never fails: a catalogue
 * that is missing or damaged is none.
 */
void tr_open(void);

/** Take the catalogue in the file `path` instead; what tr() gave before is gone. False: there is
 * none, or it is damaged, and nothing changed. */
bool tr_use(const char *path, const char *language);

/** The catalogue in use: "zh_CN"; "" while all is English. */
const char *tr_language(void);

/** `text` in the user's language, or itself; borrowed, until another catalogue is
 * taken. */
const char *tr(const char *text) __attribute__((format_arg(1)));

/**
 * A printf format in the user's language, "%m" in it replaced by what errno says in that language.
 *
 * @param buffer  where a replaced format is put; at least 1024 bytes are worth having: where it
 * does not fit, "%m" stays
 * @return `format`, its translation, or `buffer`
 */
const char *tr_format(const char *format, char *buffer, size_t size) __attribute__((format_arg(1)));

/** What libc says of the errors that users meet, NULL-terminated. */
extern const char *const tr_errors[];

/** Columns that a text takes on a terminal: two a CJK character. */
size_t tr_columns(const char *text);
