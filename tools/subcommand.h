/* SPDX-License-Identifier: Apache-2.0
 *
 * A program of sub-commands that parse their own options: braille-dataset, braille-eval.
 */
#pragma once

#include <stddef.h>

struct subcommand {
    const char *name;
    /** argv[0] is the command's name; returns the exit code. NULL: the name is promised
     * (docs/contracts.md), the work comes with a later version; exit code 69 */
    int (*run)(int argc, char **argv);
    const char *what; ///< N_("…"): one line of help
};

/** Find and run argv[1]; --help and --version of the program itself. Standard output that cannot be
 * written (full disk) is exit code 74. @return the exit code */
int subcommand_main(const char *program, const struct subcommand *commands, size_t n, int argc,
                    char **argv);
