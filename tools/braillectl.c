/* SPDX-License-Identifier: Apache-2.0
 *
 * braillectl: pages, speech and devices from the command line. Sub-commands lie in tools/ctl/.
 */

#include "tools/ctl/complete.h"
#include "tools/ctl/ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/tr.h"

static const struct ctl_command *const commands[] = {
    &ctl_convert, &ctl_read, &ctl_say,    &ctl_caption, &ctl_devices, &ctl_prepare, &ctl_voices,
    &ctl_spool,   &ctl_scan, &ctl_button, &ctl_metrics, &ctl_find,    &ctl_keys,    &ctl_import,
};

static size_t common_args(struct ctl *ctl, struct arg *out)
{
    const struct arg args[] = {
        {"device", 'd', ARG_STRING, "NAME|INDEX", N_("Vulkan device, works in this process"),
         &ctl->device},
        {"models", 0, ARG_STRING, "DIR", N_("folder of the weights, works in this process"),
         &ctl->models},
        {"local", 0, ARG_FLAG, NULL, N_("stay in this process, ask no daemon"), &ctl->local},
        {"instance", 0, ARG_STRING, "NAME", N_("the daemon of one device, brailled@NAME"),
         &ctl->instance},
        {"json", 0, ARG_FLAG, NULL, N_("answer as JSON on standard output"), &ctl->json},
        {"quiet", 'q', ARG_FLAG, NULL, N_("no progress and no notes, errors only"), &ctl->quiet},
        {"verbose", 'v', ARG_FLAG, NULL, N_("times of each stage"), &ctl->verbose},
        {"notify", 0, ARG_FLAG, NULL, N_("a notification on the desktop at the end"), &ctl->notify},
        {"help", 'h', ARG_FLAG, NULL, N_("this text"), &ctl->help},
        {"version", 0, ARG_FLAG, NULL, N_("the version"), &ctl->version},
    };
    memcpy(out, args, sizeof(args));
    return ELEMENTSOF(args);
}

static void print_general_help(const struct arg *args, size_t n_args)
{
    fputs(
        tr("Usage: braillectl [OPTION...] COMMAND [OPTION...]\n\n"
           "Turn pictures of Chinese braille pages into text and Mandarin speech.\n\nCommands:\n"),
        stdout);
    for (size_t i = 0; i < ELEMENTSOF(commands); i++)
        printf("  %-10s %s\n", commands[i]->name, tr(commands[i]->summary));
    fputs(tr("\nOptions of all commands:\n"), stdout);
    args_print(args, n_args);
    fputs(tr("\nbraillectl COMMAND --help says more. Results go to standard output, all else to\n"
             "standard error. Exit codes: 0 done, 1 failed, 64 usage, 65 broken input, 66 input\n"
             "cannot be opened, 69 no device, model or service, 70 a defect of ours, 73 output\n"
             "cannot be created, 74 read or write failed, 130 interrupted.\n"),
          stdout);
}

static void print_help(const struct ctl_command *c, const struct arg *own, size_t n_own,
                       const struct arg *common, size_t n_common)
{
    printf(tr("Usage: braillectl %s [OPTION...]%s%s\n"), c->name, *c->words ? " " : "", c->words);
    printf("\n%s%s\n%s\n", tr(c->summary), tr("."), tr(c->help));
    if (n_own > 0)
        fputs(tr("Options:\n"), stdout);
    args_print(own, n_own);
    fputs(tr("\nOptions of all commands:\n") + (n_own == 0), stdout);
    args_print(common, n_common);
}

static const struct ctl_command *find_command(const char *name)
{
    for (size_t i = 0; i < ELEMENTSOF(commands); i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

static int run_command(struct ctl *ctl, const struct ctl_command *c, int argc, char **argv,
                       struct fail *fail)
{
    struct arg args[CTL_MAX_OWN_ARGS + 16];
    size_t n_own = c->args ? c->args(args) : 0;
    size_t n_common = common_args(ctl, args + n_own);
    int first = 0;

    int r = args_parse(args, n_own + n_common, argc, argv, false, &first, fail);
    if (r < 0)
        return r;
    if (ctl->help) {
        print_help(c, args, n_own, args + n_own, n_common);
        return ctl_flush(fail);
    }
    if (ctl->version) {
        printf("braillectl %s\n", BRAILLED_VERSION);
        return ctl_flush(fail);
    }
    r = c->run(ctl, argc - first, argv + first, fail);
    if (r < 0 && fail->kind == FAIL_NONE)
        fail_set(fail, r == -ENOMEM ? FAIL_OTHER : FAIL_DEFECT, r, "%m");
    ctl_notify(ctl, c->name, fail);
    return r;
}

static int run(struct ctl *ctl, int argc, char **argv, struct fail *fail)
{
    struct arg args[16];
    size_t n_args = common_args(ctl, args);
    int first = 0;

    if (argc > 2 && strcmp(argv[1], "__complete") == 0) {
        complete_words(ctl, commands, ELEMENTSOF(commands), args, n_args, argc - 2, argv + 2);
        return ctl_flush(fail);
    }
    int r = args_parse(args, n_args, argc, argv, true, &first, fail);
    if (r < 0)
        return r;
    if (ctl->help || ctl->version) {
        if (ctl->help)
            print_general_help(args, n_args);
        else
            printf("braillectl %s\n", BRAILLED_VERSION);
        return ctl_flush(fail);
    }
    if (first >= argc)
        return fail_set(fail, FAIL_USAGE, -EINVAL, "name a command; braillectl --help lists them");
    const struct ctl_command *c = find_command(argv[first]);
    if (!c)
        return fail_set(fail, FAIL_USAGE, -EINVAL,
                        "there is no command '%s'; braillectl --help lists them", argv[first]);
    return run_command(ctl, c, argc - first, argv + first, fail);
}

/* Where a standard stream is closed the next file that is opened would take its place, and what is
 * meant for the stream would go into it. Here it cannot be read or written instead. */
static void hold_standard_streams(void)
{
    for (int fd = open("/dev/null", O_PATH); fd >= 0; fd = open("/dev/null", O_PATH))
        if (fd > STDERR_FILENO) {
            close(fd);
            break;
        }
}

int main(int argc, char **argv)
{
    struct ctl ctl = {.start_usec = ctl_now_usec()};
    struct fail fail = {0};

    hold_standard_streams();
    tr_open();
    signal(SIGPIPE, SIG_IGN); /* a closed pipe and a full file are write errors like others */
    signal(SIGXFSZ, SIG_IGN);
    int r = run(&ctl, argc, argv, &fail);
    ctl_progress_clear();
    if (r >= 0)
        return 0;
    if (fail.kind == FAIL_NONE)
        fail_set(&fail, r == -ENOMEM ? FAIL_OTHER : FAIL_DEFECT, r, "%m");
    fprintf(stderr, "braillectl: %s\n", fail.text);
    return (int) fail.kind;
}
