/* SPDX-License-Identifier: Apache-2.0
 *
 * The sub-commands of braille-eval. Each gets its own argument vector (argv[0] its name) and
 * returns an exit code of docs/contracts.md.
 */
#pragma once

#include <stdio.h>

#include "base/fail.h"

int eval_reading(int argc, char **argv);    ///< eval-reading.c
int eval_clean(int argc, char **argv);      ///< eval-clean.c
int eval_speech(int argc, char **argv);     ///< eval-speech.c
int eval_retrieval(int argc, char **argv);  ///< eval-retrieval.c
int eval_text_files(int argc, char **argv); ///< eval-text.c

extern volatile int eval_cancelled; ///< set by SIGINT and SIGTERM
void eval_catch_signals(void);      ///< from here on; SIGPIPE is ignored. braille-eval.c

/** A list that grows line by line: a file, "-" standard output, NULL none. FAIL_CREATE. lists.c */
int eval_open_list(const char *path, FILE **ret, struct fail *fail);
/** A word of a list whose fields tabs part: what would end a field or a line becomes a blank. */
void eval_put_field(FILE *f, const char *word);
/** FAIL_IO. *f becomes NULL. */
int eval_close_list(const char *path, FILE **f, struct fail *fail);
