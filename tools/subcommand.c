/* SPDX-License-Identifier: Apache-2.0 */

#include "tools/subcommand.h"

#include <stdio.h>
#include <string.h>

#include "base/fail.h"

static void usage(FILE *f, const char *program, const struct subcommand *commands, size_t n)
{
    fprintf(f, "usage: %s COMMAND [OPTIONS] ...\n\n", program);
    for (size_t i = 0; i < n; i++)
        fprintf(f, "  %-10s %s\n", commands[i].name, commands[i].what);
    fprintf(f, "\n'%s COMMAND --help' tells a command's options.\n", program);
}

int subcommand_main(const char *program, const struct subcommand *commands, size_t n, int argc,
                    char **argv)
{
    if (argc < 2) {
        usage(stderr, program, commands, n);
        return FAIL_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        usage(stdout, program, commands, n);
        return 0;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("%s %s\n", program, BRAILLED_VERSION);
        return 0;
    }
    for (size_t i = 0; i < n; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    fprintf(stderr, "%s: no command '%s'; see %s --help\n", program, argv[1], program);
    return FAIL_USAGE;
}
