/* SPDX-License-Identifier: Apache-2.0 */

#include "tools/subcommand.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "base/log.h"
#include "base/tr.h"

static void usage(FILE *f, const char *program, const struct subcommand *commands, size_t n)
{
    fprintf(f, tr("usage: %s COMMAND [OPTIONS] ...\n\n"), program);
    for (size_t i = 0; i < n; i++)
        fprintf(f, "  %-10s %s%s\n", commands[i].name, tr(commands[i].what),
                commands[i].run ? "" : tr(" (comes with a later version)"));
    fprintf(f, tr("\n'%s COMMAND --help' tells a command's options.\n"), program);
}

static int run(const char *program, const struct subcommand *c, int argc, char **argv)
{
    if (c->run)
        return c->run(argc, argv);
    fprintf(stderr, tr("%s %s: comes with a later version\n"), program, c->name);
    return FAIL_UNAVAILABLE;
}

static int dispatch(const char *program, const struct subcommand *commands, size_t n, int argc,
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
            return run(program, &commands[i], argc - 1, argv + 1);
    fprintf(stderr, tr("%s: no command '%s'; see %s --help\n"), program, argv[1], program);
    return FAIL_USAGE;
}

int subcommand_main(const char *program, const struct subcommand *commands, size_t n, int argc,
                    char **argv)
{
    tr_open();
    log_set_translated(true);
    int code = dispatch(program, commands, n, argc, argv);

    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    fprintf(stderr, tr("%s: cannot write to standard output"), program);
    if (errno)
        fprintf(stderr, ": %s", tr(strerror(errno)));
    fputc('\n', stderr);
    return code ? code : FAIL_IO;
}
