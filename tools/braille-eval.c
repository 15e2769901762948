/* SPDX-License-Identifier: Apache-2.0
 *
 * braille-eval: how good the models are, by published rules.
 */

#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "tools/eval.h"

static const struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *what;
} commands[] = {
    {"reading", eval_reading, "dots and cells of pages against annotations"},
};

static void usage(FILE *f)
{
    fprintf(f, "usage: braille-eval COMMAND [OPTIONS] ...\n\n");
    for (size_t i = 0; i < ELEMENTSOF(commands); i++)
        fprintf(f, "  %-10s %s\n", commands[i].name, commands[i].what);
    fprintf(f, "\n'braille-eval COMMAND --help' tells a command's options.\n");
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        usage(stderr);
        return FAIL_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        usage(stdout);
        return 0;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("braille-eval " BRAILLED_VERSION);
        return 0;
    }
    for (size_t i = 0; i < ELEMENTSOF(commands); i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    fprintf(stderr, "braille-eval: no command '%s'; see braille-eval --help\n", argv[1]);
    return FAIL_USAGE;
}
