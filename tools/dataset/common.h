/* SPDX-License-Identifier: Apache-2.0
 *
 * What the sub-commands of braille-dataset share: options, progress, the end of a run.
 */
#pragma once

#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/fail.h"
#include "base/tr.h"

struct dataset_common {
    uint64_t seed;   ///< 1
    unsigned n_jobs; ///< 0: one a processor
    bool json;       ///< results as JSON on standard output
    bool force;      ///< what is there may be replaced
    bool quiet;      ///< no progress
};
#define DATASET_COMMON                                                                             \
    {                                                                                              \
        .seed = 1                                                                                  \
    }

/* getopt values of the shared options; a command's own start at DATASET_OWN. */
enum { DATASET_SEED = 512, DATASET_JOBS, DATASET_JSON, DATASET_FORCE, DATASET_OWN = 1024 };
#define DATASET_COMMON_OPTIONS                                                                     \
    {"seed", required_argument, NULL, DATASET_SEED},                                               \
        {"jobs", required_argument, NULL, DATASET_JOBS},                                           \
        {"json", no_argument, NULL, DATASET_JSON}, {"force", no_argument, NULL, DATASET_FORCE},    \
        {"quiet", no_argument, NULL, 'q'},                                                         \
    {                                                                                              \
        "help", no_argument, NULL, 'h'                                                             \
    }
/** A command's help, N_("…"), in the user's language, and the shared options under it. */
void dataset_print_help(FILE *f, const char *help);

/** Take a shared option. @return 1 taken, 0 not one of them, -EINVAL after a message. 'h' is the
 * caller's: it has the help text. */
int dataset_common_option(int c, const char *command, struct dataset_common *ret);

/** Go through a command line from its beginning, also the second time; what is no option is at
 * `optind` then. `take` gets every option but --help, the shared ones too, and says itself what is
 * wrong. @return 0, 1: the help was printed, -EINVAL after a message */
int dataset_parse_options(int argc, char **argv, const struct option *options, const char *help,
                          int (*take)(int c, void *ctx), void *ctx);

/** A number of an option: above 0, at most `most`; -EINVAL. */
int dataset_parse_number(const char *text, double most, double *ret);
/** A whole number of an option: digits only, at most `most`; -EINVAL. */
int dataset_parse_whole(const char *text, uint64_t most, uint64_t *ret);

/** Print a failure once, as "braille-dataset COMMAND: …", and turn it into the exit code. */
int dataset_end(const char *command, int r, struct fail *fail);

/** SIGINT and SIGTERM end a run between two items from here on; dataset_interrupted() then fails
 * with FAIL_INTERRUPTED, and the same command goes on where it stopped. */
void dataset_catch_signals(void);
int dataset_interrupted(struct fail *fail);

/** A bar on a terminal, a line every tenth elsewhere; on standard error. */
struct progress {
    const char *what; ///< borrowed: N_("drawing")
    size_t n, total;  ///< total 0: not known
    unsigned told;
    bool quiet, terminal;
    double start_s, drawn_s;
};
void progress_start(struct progress *p, const char *what, size_t done, size_t total, bool quiet);
void progress_step(struct progress *p);
void progress_end(struct progress *p);
