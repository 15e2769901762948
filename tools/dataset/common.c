/* SPDX-License-Identifier: Apache-2.0 */

#include "tools/dataset/common.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/tr.h"

int dataset_parse_number(const char *text, double most, double *ret)
{
    char *end;
    const double v = strtod(text, &end);
    if (end == text || *end || !(v > 0 && v <= most))
        return -EINVAL;
    *ret = v;
    return 0;
}

int dataset_parse_whole(const char *text, uint64_t most, uint64_t *ret)
{
    if (!*text || text[strspn(text, "0123456789")])
        return -EINVAL;
    errno = 0;
    const unsigned long long v = strtoull(text, NULL, 10);
    if (errno || v > most)
        return -EINVAL;
    *ret = v;
    return 0;
}

int dataset_common_option(int c, const char *command, struct dataset_common *ret)
{
    uint64_t n = 0;
    int r = 0;

    switch (c) {
    case DATASET_SEED:
        r = dataset_parse_whole(optarg, UINT64_MAX, &ret->seed);
        break;
    case DATASET_JOBS:
        r = dataset_parse_whole(optarg, 256, &n);
        ret->n_jobs = (unsigned) n;
        break;
    case DATASET_JSON:
        ret->json = true;
        break;
    case DATASET_FORCE:
        ret->force = true;
        break;
    case 'q':
        ret->quiet = true;
        break;
    default:
        return 0;
    }
    if (r < 0) {
        log_error("braille-dataset %s: '%s' does not fit its option; see --help", command, optarg);
        return r;
    }
    return 1;
}

void dataset_print_help(FILE *f, const char *help)
{
    fputs(tr(help), f);
    fputs(tr("      --seed N             what is drawn by lot follows from it (1)\n"
             "      --jobs N             threads (one a processor); the result does not depend on "
             "it\n"
             "      --json               the result as JSON on standard output\n"
             "      --force              replace what is there already\n"
             "  -q, --quiet              no progress\n"),
          f);
}

/* -o is an option of the commands that list it. */
static const char *short_options(const struct option *options)
{
    for (; options->name; options++)
        if (options->val == 'o')
            return "o:qh";
    return "qh";
}

int dataset_parse_options(int argc, char **argv, const struct option *options, const char *help,
                          int (*take)(int c, void *ctx), void *ctx)
{
    const char *letters = short_options(options);

    optind = 0;
    for (int c; (c = getopt_long(argc, argv, letters, options, NULL)) != -1;) {
        if (c == 'h') {
            dataset_print_help(stdout, help);
            return 1;
        }
        if (take(c, ctx) < 0)
            return -EINVAL;
    }
    return 0;
}

int dataset_end(const char *command, int r, struct fail *fail)
{
    if (r >= 0)
        return 0;
    if (r == -ENOMEM)
        fail_set(fail, FAIL_OTHER, r, "not enough memory");
    fail_set(fail, FAIL_OTHER, r, "%m");
    log_error("braille-dataset %s: %s", command, fail->text);
    return (int) fail->kind;
}

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
    interrupted = number;
}

void dataset_catch_signals(void)
{
    const struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

int dataset_interrupted(struct fail *fail)
{
    if (!interrupted)
        return 0;
    return fail_set(fail, FAIL_INTERRUPTED, -EINTR,
                    "interrupted; the same command goes on where it stopped");
}

/* ---- progress ---- */

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double) t.tv_sec + (double) t.tv_nsec / 1e9;
}

void progress_start(struct progress *p, const char *what, size_t done, size_t total, bool quiet)
{
    *p = (struct progress){.what = what, .n = done, .total = total, .quiet = quiet};
    p->terminal = isatty(STDERR_FILENO);
    p->start_s = now_s();
    p->told = total ? (unsigned) (10 * done / total) : 0;
    if (!quiet && done > 0)
        fprintf(stderr, tr("%s: going on after %zu\n"), tr(what), done);
}

static void draw_bar(const struct progress *p)
{
    enum { WIDTH = 30 };
    const double share = p->total ? (double) p->n / (double) p->total : 0;
    const int full = (int) (share * WIDTH);

    fprintf(stderr, "\r\033[K%s [", tr(p->what));
    for (int i = 0; i < WIDTH; i++)
        fputc(i < full ? '=' : ' ', stderr);
    fprintf(stderr, tr("] %zu of %zu"), p->n, p->total);
}

void progress_step(struct progress *p)
{
    p->n++;
    if (p->quiet)
        return;
    if (p->terminal) {
        const double now = now_s();
        if (now - p->drawn_s < 0.1 && p->n < p->total)
            return;
        p->drawn_s = now;
        draw_bar(p);
        return;
    }
    const unsigned tenth = p->total ? (unsigned) (10 * p->n / p->total) : 0;
    if (tenth > p->told) {
        p->told = tenth;
        fprintf(stderr, tr("%s: %zu of %zu\n"), tr(p->what), p->n, p->total);
    }
}

void progress_end(struct progress *p)
{
    if (p->quiet)
        return;
    const double s = now_s() - p->start_s;
    fprintf(stderr, tr("%s%s: %zu in %.1f s\n"), p->terminal ? "\r\033[K" : "", tr(p->what), p->n,
            s);
}
