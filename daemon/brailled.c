/* SPDX-License-Identifier: Apache-2.0
 *
 * brailled: pages and pinyin to speech, as a D-Bus service.
 */

#include "server.h"

#include "base/log.h"
#include "base/tr.h"
#include "journal.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static void print_help(void)
{
    printf(
        tr("Usage: brailled [OPTION...]\n\n"
           "Turn pictures of Chinese braille pages into Mandarin speech, as the D-Bus service\n"
           "%s on the session bus. braillectl is its client.\n\n"
           "  --system              the system bus instead, for headless hosts\n"
           "  --instance NAME       one of several: the bus name ends in .NAME (.device1 for 1)\n"
           "  --replace             take the name over from a brailled that runs already\n"
           "  --idle-timeout SEC    leave after so long without work (60; 0 stays)\n"
           "  --device NAME|INDEX   the Vulkan device; braillectl devices lists them\n"
           "  --models DIR          the folder of the weights\n"
           "  --validation          load Vulkan's validation layer\n"
           "  --verbose             log each job\n"
           "  --quiet               log errors only\n"
           "  --help, --version\n\n"
           "The device is opened by the first call that needs it.\n"),
        SERVICE_NAME);
}

/* 0: leave the program with code 0; 1: go on; else a negative errno. */
static int parse(int argc, char **argv, struct server_params *p)
{
    enum {
        SYSTEM = 256,
        INSTANCE,
        REPLACE,
        IDLE,
        DEVICE,
        MODELS,
        VALIDATION,
        VERBOSE,
        QUIET,
        HELP,
        VERSION
    };
    static const struct option options[] = {
        {"system", no_argument, NULL, SYSTEM},
        {"instance", required_argument, NULL, INSTANCE},
        {"replace", no_argument, NULL, REPLACE},
        {"idle-timeout", required_argument, NULL, IDLE},
        {"device", required_argument, NULL, DEVICE},
        {"models", required_argument, NULL, MODELS},
        {"validation", no_argument, NULL, VALIDATION},
        {"verbose", no_argument, NULL, VERBOSE},
        {"quiet", no_argument, NULL, QUIET},
        {"help", no_argument, NULL, HELP},
        {"version", no_argument, NULL, VERSION},
        {0},
    };
    double seconds;
    char *end;

    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;)
        switch (c) {
        case SYSTEM:
            p->system = true;
            break;
        case INSTANCE:
            p->instance = optarg;
            break;
        case REPLACE:
            p->replace = true;
            break;
        case IDLE:
            seconds = strtod(optarg, &end);
            if (end == optarg || *end || !(seconds >= 0 && seconds < 1e9))
                return log_error_errno(-EINVAL, "--idle-timeout takes seconds, not '%s'", optarg);
            p->idle_usec = (uint64_t) llround(seconds * 1e6);
            break;
        case DEVICE:
            p->worker.device = optarg;
            break;
        case MODELS:
            p->worker.models = optarg;
            break;
        case VALIDATION:
            p->worker.validation = true;
            break;
        case VERBOSE:
            log_set_max_level(LOG_DEBUG);
            break;
        case QUIET:
            log_set_max_level(LOG_ERR);
            break;
        case HELP:
            print_help();
            return 0;
        case VERSION:
            printf("brailled %s\n", BRAILLED_VERSION);
            return 0;
        default:
            return -EINVAL; /* getopt said which */
        }
    if (optind < argc)
        return log_error_errno(-EINVAL, "'%s' is no option; brailled --help lists them",
                               argv[optind]);
    return 1;
}

int main(int argc, char **argv)
{
    struct server_params params = {.idle_usec = 60 * 1000000};

    tr_open();
    journal_start();
    log_set_translated(getenv("JOURNAL_STREAM") == NULL);
    int r = parse(argc, argv, &params);
    if (r <= 0)
        return r < 0 ? FAIL_USAGE : 0;
    return server_run(&params);
}
