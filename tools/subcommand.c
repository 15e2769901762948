/* SPDX-License-Identifier: Apache-2.0 */

#include "tools/subcommand.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "base/log.h"
#include "base/macro.h"
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

/* A line of a help: "  -o, --output OUT   the folder" gives "--output<TAB>the folder". */
static void offer_option(char *line)
{
    char *option = line + strspn(line, " ");

    if (option == line || *option != '-' || !(option = strstr(option, "--")))
        return;
    char *end = option + strcspn(option, " ,\n"), *what = strstr(end, "  ");
    line[strcspn(line, "\n")] = 0;
    what = what ? what + strspn(what, " ") : end + strlen(end);
    printf("%.*s\t%s\n", (int) (end - option), option, what);
}

/* What a shell offers for the last word (tools/completion): commands, or the options that the
 * command's own help lists; else file names. */
static void complete(const struct subcommand *commands, size_t n, int n_words, char **words)
{
    CLEANUP_FREE char *help = NULL;
    char name[] = "", option[] = "--help", *argv[] = {name, option, NULL};
    FILE *out = stdout, *f;
    size_t size = 0;

    for (size_t i = 0; n_words == 1 && i < n; i++)
        printf("%s\t%s\n", commands[i].name, tr(commands[i].what));
    if (n_words > 1 && words[n_words - 1][0] != '-')
        puts(":files");
    for (size_t i = 0; n_words > 1 && words[n_words - 1][0] == '-' && i < n; i++) {
        if (strcmp(words[0], commands[i].name) != 0 || !commands[i].run ||
            !(f = open_memstream(&help, &size)))
            continue;
        stdout = f;
        commands[i].run(2, argv);
        stdout = out;
        fclose(f);
    }
    for (char *line = help, *next; line && *line; line = next) {
        next = line + strcspn(line, "\n") + (strchr(line, '\n') != NULL);
        offer_option(strndupa(line, (size_t) (next - line)));
    }
}

static int dispatch(const char *program, const struct subcommand *commands, size_t n, int argc,
                    char **argv)
{
    if (argc < 2) {
        usage(stderr, program, commands, n);
        return FAIL_USAGE;
    }
    if (strcmp(argv[1], "__complete") == 0) {
        complete(commands, n, argc - 2, argv + 2);
        return 0;
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
