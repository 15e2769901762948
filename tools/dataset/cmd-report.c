/* SPDX-License-Identifier: Apache-2.0
 *
 * braille-dataset report: one page about one set or several.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "manifest/manifest.h"
#include "tools/dataset/dataset.h"
#include "tools/dataset/family.h"
#include "tools/dataset/report/report.h"

#define MAX_SETS 64

struct options {
    struct dataset_common common;
    struct report_options report;
    char *dirs[MAX_SETS];     ///< owned
    char *expected[MAX_SETS]; ///< borrowed
};

static void options_done(struct options *o)
{
    for (size_t i = 0; i < o->report.n_dirs; i++)
        free(o->dirs[i]);
}

static int add_dir(struct options *o, char *path)
{
    if (!path)
        return -ENOMEM;
    if (o->report.n_dirs == MAX_SETS) {
        free(path);
        return -E2BIG;
    }
    o->dirs[o->report.n_dirs++] = path;
    return 0;
}

static bool is_set(const char *dir)
{
    CLEANUP_FREE char *manifest = manifest_path(dir, MANIFEST_NAME);
    return manifest && access(manifest, F_OK) == 0;
}

/* A set, or a folder with the sets of the family. */
static int add_named(struct options *o, const char *name, struct fail *fail)
{
    char *path = strdup(name);
    size_t n;
    int r = 0;

    if (!path)
        return -ENOMEM;
    for (n = strlen(path); n > 1 && path[n - 1] == '/'; n--)
        path[n - 1] = 0;
    const size_t before = o->report.n_dirs;
    for (unsigned i = 0; r == 0 && !is_set(path) && i < FAMILY_N_SETS; i++) {
        char *set = manifest_path(path, family_names[i]);
        if (set && is_set(set))
            r = add_dir(o, set);
        else
            free(set);
    }
    if (r == 0 && o->report.n_dirs == before)
        r = add_dir(o, TAKE_PTR(path)); /* what is wrong with it is told when it is opened */
    free(path);
    return r == -E2BIG ? fail_set(fail, FAIL_USAGE, r, "more than %d sets in one report", MAX_SETS)
                       : r;
}

static int write_page(const struct report_options *o, const json_t *figures, struct fail *fail)
{
    CLEANUP(file_out_done) struct file_out f = FILE_OUT_INIT;
    CLEANUP_FREE char *page = NULL;
    size_t size = 0;

    int r = page_write(o, figures, &page, &size, fail);
    if (r == 0)
        r = file_out_open(&f, o->out, fail);
    if (r == 0)
        r = file_out_write(&f, page, size, fail);
    return r < 0 ? r : file_out_commit(&f, fail);
}

static int report(struct options *o, int n, char **names, struct fail *fail)
{
    json_t *figures = NULL;
    int r = 0;

    if (o->report.out && !o->common.force && access(o->report.out, F_OK) == 0)
        return fail_set(fail, FAIL_CREATE, -EEXIST,
                        "'%s' is there already; replace it with --force", o->report.out);
    for (int i = 0; r == 0 && i < n; i++)
        r = add_named(o, names[i], fail);
    if (r == 0)
        r = figures_collect(&o->report, &figures, fail);
    if (r == 0 && o->report.out)
        r = write_page(&o->report, figures, fail);
    if (r == 0 && o->common.json &&
        (json_dumpf(figures, stdout, JSON_COMPACT | JSON_REAL_PRECISION(12)) < 0 ||
         putchar('\n') < 0))
        r = fail_set(fail, FAIL_IO, -EIO, "cannot write to standard output");
    json_decref(figures);
    return r;
}

/* ---- options ---- */

static const char help[] = N_(
    "usage: braille-dataset report DIR... -o FILE.html [OPTIONS]\n\n"
    "One page about the sets DIR, or about the family that 'build' made in DIR: counts, samples,\n"
    "distances that were measured, rejected pictures and why, checksums. It stands alone, needs\n"
    "no scripts, and a screen reader can read all of it. Every picture's checksum is compared.\n\n"
    "  -o, --output FILE.html   the page; may be left out with --json\n"
    "      --title TEXT         its head line (the names of the sets)\n"
    "      --samples N          pictures in a contact sheet (8); --seed chooses them\n"
    "      --expect NAME:TYPE=N[,TYPE=N]\n"
    "                           what the set called NAME should hold; may be "
    "repeated\n");

enum { TITLE = DATASET_OWN, SAMPLES, EXPECT };

static bool is_expectation(const char *text)
{
    const char *at = strchr(text, ':');

    while (at && *at) {
        const size_t key = strcspn(++at, "=,");
        const size_t digits = at[key] == '=' ? strspn(at + key + 1, "0123456789") : 0;
        if (!key || !digits || digits > 9)
            return false;
        at += key + 1 + digits;
        if (*at && *at != ',')
            return false;
    }
    return at != NULL;
}

static int parse_option(int c, void *ctx)
{
    struct options *o = ctx;
    uint64_t n = o->report.n_samples;
    int r = dataset_common_option(c, "report", &o->common);

    if (r != 0)
        return r < 0 ? r : 0;
    switch (c) {
    case 'o':
        o->report.out = optarg;
        break;
    case TITLE:
        o->report.title = optarg;
        break;
    case SAMPLES:
        r = dataset_parse_whole(optarg, 200, &n);
        o->report.n_samples = (unsigned) n;
        break;
    case EXPECT:
        if (!is_expectation(optarg) || o->report.n_expected == MAX_SETS)
            r = -EINVAL;
        else
            o->expected[o->report.n_expected++] = optarg;
        break;
    default:
        return -EINVAL;
    }
    if (r < 0)
        log_error("braille-dataset report: '%s' does not fit its option; see --help", optarg);
    return r;
}

/* 0, 1: help was printed, or -EINVAL. */
static int parse_all(int argc, char **argv, struct options *o)
{
    static const struct option options[] = {{"output", required_argument, NULL, 'o'},
                                            {"title", required_argument, NULL, TITLE},
                                            {"samples", required_argument, NULL, SAMPLES},
                                            {"expect", required_argument, NULL, EXPECT},
                                            DATASET_COMMON_OPTIONS,
                                            {0}};

    int r = dataset_parse_options(argc, argv, options, help, parse_option, o);
    if (r != 0)
        return r;
    if (optind == argc || (!o->report.out && !o->common.json)) {
        dataset_print_help(stderr, help);
        return -EINVAL;
    }
    return 0;
}

int dataset_report(int argc, char **argv)
{
    CLEANUP(options_done) struct options o = {.common = DATASET_COMMON, .report = {.n_samples = 8}};
    struct fail fail = {0};

    int r = parse_all(argc, argv, &o);
    if (r != 0)
        return r < 0 ? FAIL_USAGE : 0;
    o.report.seed = o.common.seed;
    o.report.dirs = o.dirs;
    o.report.expected = o.expected;
    dataset_catch_signals();
    return dataset_end("report", report(&o, argc - optind, argv + optind, &fail), &fail);
}
