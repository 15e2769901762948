/* SPDX-License-Identifier: Apache-2.0
 *
 * Options from a table: the same rows are parsed and printed as --help.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/fail.h"
#include "base/tr.h"

enum arg_type {
    ARG_FLAG,   ///< bool *
    ARG_STRING, ///< const char **, borrowed from argv
    ARG_NUMBER, ///< double *, min .. max
    ARG_CHOICE, ///< unsigned *, the index in `choices`
};

struct arg {
    const char *name; ///< the long option without dashes
    char letter;      ///< the short option, or 0
    enum arg_type type;
    const char *value; ///< what --help calls the value, e.g. "NAME"; NULL for a flag
    const char *help;  ///< N_("…"); printed in the user's language
    void *dest;
    double min, max;            ///< ARG_NUMBER
    const char *const *choices; ///< ARG_CHOICE, NULL-terminated
};

/** Parse until the first word that is no option (`stop_at_word`), or all, moving the words to the
 * end. *ret_first: index of the first word. Wrong option or value: FAIL_USAGE, -EINVAL. */
int args_parse(const struct arg *args, size_t n_args, int argc, char **argv, bool stop_at_word,
               int *ret_first, struct fail *fail);

/** One line an option on standard output. */
void args_print(const struct arg *args, size_t n_args);
