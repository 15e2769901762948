/* SPDX-License-Identifier: Apache-2.0
 *
 * braille-dataset build: the whole BIT family in one run, by the same sub-commands that a user has.
 */

#include <errno.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "lang/encode.h"
#include "manifest/journal.h"
#include "manifest/manifest.h"
#include "tools/dataset/dataset.h"
#include "tools/dataset/family.h"
#include "tools/dataset/familycard.h"
#include "tools/dataset/sums.h"

#define JOURNAL_NAME ".build.jsonl"
#define REPORT_NAME "report.html"
#define CARD_NAME FAMILY_CARD_NAME
#define MAX_ARGS 32

struct build {
    struct dataset_common common;
    const char *out, *code;
    double scale;
    struct family_counts counts;
    struct family_found found; ///< counted from the manifests
    char *dirs[FAMILY_N_SETS]; ///< owned
    struct journal *journal;   ///< owned
    unsigned n_done;           ///< steps, an earlier run's too
    bool told;                 ///< a sub-command has said what is wrong, and this is its exit code:
    int code_of_command;
};

static void build_done(struct build *b)
{
    journal_close(b->journal, false);
    for (unsigned i = 0; i < FAMILY_N_SETS; i++)
        free(b->dirs[i]);
}

static bool exists(const char *dir, const char *name)
{
    CLEANUP_FREE char *path = manifest_path(dir, name);
    return path && access(path, F_OK) == 0;
}

/* ---- sub-commands ---- */

/* An argument vector; what is printed into it is owned. */
struct args {
    char *argv[MAX_ARGS + 1];
    int n;
    bool failed;
};

static void args_done(struct args *a)
{
    for (int i = 0; i < a->n; i++)
        free(a->argv[i]);
}

PRINTF_FORMAT(2, 3) static void add(struct args *a, const char *format, ...)
{
    va_list ap;

    if (a->n == MAX_ARGS || a->failed) {
        a->failed = true;
        return;
    }
    va_start(ap, format);
    if (vasprintf(&a->argv[a->n], format, ap) < 0) {
        a->argv[a->n] = NULL;
        a->failed = true;
    } else {
        a->n++;
    }
    va_end(ap);
}

static void add_option(struct args *a, const char *name, const char *value)
{
    add(a, "%s", name);
    add(a, "%s", value);
}

static void add_common(struct args *a, const struct build *b)
{
    add(a, "--seed");
    add(a, "%llu", (unsigned long long) b->common.seed);
    if (b->common.n_jobs) {
        add(a, "--jobs");
        add(a, "%u", b->common.n_jobs);
    }
    if (b->common.quiet)
        add(a, "--quiet");
}

/* Run a command as if it had been typed; it prints its own message. */
static int run(struct build *b, int (*command)(int argc, char **argv), struct args *a)
{
    if (a->failed)
        return -ENOMEM;
    if (!b->common.quiet) {
        fputs("braille-dataset", stderr);
        for (int i = 0; i < a->n; i++)
            fprintf(stderr, strchr(a->argv[i], ' ') ? " '%s'" : " %s", a->argv[i]);
        fputc('\n', stderr);
    }
    b->code_of_command = command(a->n, a->argv);
    b->told = b->code_of_command != 0;
    return b->told ? -ECANCELED : 0;
}

/* ---- the steps ---- */

static int generate(struct build *b, struct fail *fail)
{
    CLEANUP(args_done) struct args a = {0};
    static const char *const options[FAMILY_N_TYPES] = {"--numbers", "--spells", "--punctuation"};

    if (exists(b->dirs[BIT], MANIFEST_NAME)) /* killed before it was noted down */
        return 0;
    add(&a, "generate");
    add(&a, "%s", b->dirs[BIT]);
    for (unsigned t = 0; t < FAMILY_N_TYPES; t++) {
        add(&a, "%s", options[t]);
        add(&a, "%llu", (unsigned long long) b->counts.pictures[t]);
    }
    add(&a, "--faults");
    add(&a, "%llu", (unsigned long long) (FAMILY_N_TYPES * b->counts.faults));
    add(&a, "--checked");
    add_option(&a, "--code", b->code);
    add_common(&a, b);
    return run(b, dataset_generate, &a);
}

static int clean(struct build *b, struct fail *fail)
{
    CLEANUP(args_done) struct args a = {0};

    if (exists(b->dirs[BIT_DC], MANIFEST_NAME))
        return 0;
    add(&a, "clean");
    add(&a, "%s", b->dirs[BIT]);
    add_option(&a, "-o", b->dirs[BIT_DC]);
    if (exists(b->dirs[BIT], "clean.jsonl")) /* killed between the list and the set */
        add(&a, "--force");
    add_common(&a, b);
    return run(b, dataset_clean, &a);
}

/* The same split whatever is there. */
static int split(struct build *b, enum family_set set, const char *like)
{
    CLEANUP(args_done) struct args a = {0};

    add(&a, "split");
    add(&a, "%s", b->dirs[set]);
    if (like)
        add_option(&a, "--like", like);
    add(&a, "--force");
    add_common(&a, b);
    return run(b, dataset_split, &a);
}

/* First what is clean, exactly; then the others around it. */
static int split_clean(struct build *b, struct fail *fail)
{
    return split(b, BIT_DC, NULL);
}

static int split_bit(struct build *b, struct fail *fail)
{
    return split(b, BIT, b->dirs[BIT_DC]);
}

static int augment(struct build *b, enum family_set from, enum family_set to, const char *type,
                   const char *reuse)
{
    CLEANUP(args_done) struct args a = {0};

    if (exists(b->dirs[to], MANIFEST_NAME))
        return 0;
    add(&a, "augment");
    add(&a, "%s", b->dirs[from]);
    add_option(&a, "-o", b->dirs[to]);
    if (type)
        add_option(&a, "--type", type);
    if (reuse)
        add_option(&a, "--reuse", reuse);
    add_common(&a, b);
    return run(b, dataset_augment, &a);
}

/* A picture has the same twin in every set, so the twins of BIT-DC are the clean part of BIT-DA. */
static int augment_all(struct build *b, struct fail *fail)
{
    return augment(b, BIT, BIT_DA, NULL, NULL);
}

static int augment_clean(struct build *b, struct fail *fail)
{
    return augment(b, BIT_DC, BIT_DP, NULL, b->dirs[BIT_DA]);
}

static int augment_types(struct build *b, struct fail *fail)
{
    int r = 0;

    for (unsigned t = 0; r == 0 && t < FAMILY_N_TYPES; t++)
        r = augment(b, BIT_DC, (enum family_set)(BIT_N + t), family_types[t], b->dirs[BIT_DP]);
    return r;
}

/* Twins have their picture's side; look whether it is so, within each set and against BIT. */
static int check_splits(struct build *b, struct fail *fail)
{
    int r = 0;

    for (unsigned set = 0; r == 0 && set < FAMILY_N_SETS; set++) {
        CLEANUP(args_done) struct args a = {0};
        add(&a, "split");
        add(&a, "%s", b->dirs[set]);
        add(&a, "--check");
        add_option(&a, "--like", b->dirs[BIT]);
        add(&a, "--quiet");
        r = run(b, dataset_split, &a);
    }
    return r;
}

static void add_expected(struct args *a, const struct build *b, enum family_set set)
{
    char text[160];
    int n = snprintf(text, sizeof(text), "%s", family_names[set]);

    for (unsigned t = 0; t < FAMILY_N_TYPES; t++)
        if (set < BIT_N || t == (unsigned) set - BIT_N)
            n += snprintf(
                text + n, sizeof(text) - (size_t) n, "%s%s=%llu", strchr(text, ':') ? "," : ":",
                family_types[t],
                (unsigned long long) family_expected(&b->counts, set, (enum family_type) t));
    add_option(a, "--expect", text);
}

static int report(struct build *b, struct fail *fail)
{
    CLEANUP(args_done) struct args a = {0};
    CLEANUP_FREE char *page = manifest_path(b->out, REPORT_NAME);

    if (!page)
        return -ENOMEM;
    add(&a, "report");
    add(&a, "%s", b->out);
    add_option(&a, "-o", page);
    add_option(&a, "--title", "The BIT family");
    for (unsigned set = 0; set < FAMILY_N_SETS; set++)
        add_expected(&a, b, (enum family_set) set);
    add(&a, "--force");
    add_common(&a, b);
    return run(b, dataset_report, &a);
}

/* ---- the family's card ---- */

static int count_all(struct build *b, struct fail *fail)
{
    return family_count(b->dirs, &b->found, fail);
}

static int write_card(struct build *b, struct fail *fail)
{
    const struct family_recipe recipe = {
        .seed = b->common.seed, .code = b->code, .scale = b->scale, .counts = &b->counts};

    int r = count_all(b, fail);
    return r < 0 ? r : family_write_card(b->out, b->dirs[BIT], &recipe, &b->found, fail);
}

static int write_sums(struct build *b, struct fail *fail)
{
    return sums_write(b->out, b->common.n_jobs, fail);
}

static const struct step {
    const char *name;
    int (*run)(struct build *b, struct fail *fail);
} steps[] = {
    {"generate", generate},
    {"clean", clean},
    {"split BIT-DC", split_clean},
    {"split BIT", split_bit},
    {"augment BIT", augment_all},
    {"augment BIT-DC", augment_clean},
    {"augment types", augment_types},
    {"check splits", check_splits},
    {"report", report},
    {"card", write_card},
    {"checksums", write_sums},
};

/* ---- begin and go on ---- */

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *where)
{
    return remove(path);
}

/* Everything that a build makes, and nothing else. */
static int clear(struct build *b, struct fail *fail)
{
    static const char *const files[] = {SUMS_NAME, REPORT_NAME, CARD_NAME, JOURNAL_NAME};
    int r = 0;

    for (unsigned i = 0; r == 0 && i < ELEMENTSOF(files); i++) {
        CLEANUP_FREE char *path = manifest_path(b->out, files[i]);
        if (!path)
            return -ENOMEM;
        if (unlink(path) < 0 && errno != ENOENT)
            r = fail_set(fail, FAIL_CREATE, -errno, "cannot remove '%s': %m", path);
    }
    for (unsigned i = 0; r == 0 && i < FAMILY_N_SETS; i++)
        if (access(b->dirs[i], F_OK) == 0 &&
            nftw(b->dirs[i], remove_one, 16, FTW_DEPTH | FTW_PHYS) != 0)
            r = fail_set(fail, FAIL_CREATE, errno ? -errno : -EIO, "cannot remove '%s': %m",
                         b->dirs[i]);
    return r;
}

static int count_step(void *ctx, const json_t *line, struct fail *fail)
{
    struct build *b = ctx;
    b->n_done++;
    return 0;
}

static int open_journal(struct build *b, struct fail *fail)
{
    CLEANUP_FREE char *path = manifest_path(b->out, JOURNAL_NAME);
    json_t *how =
        json_pack("{s:s, s:s, s:o, s:s, s:f}", "command", "build", "version", BRAILLED_VERSION,
                  "seed", json_sprintf("%llu", (unsigned long long) b->common.seed), "code",
                  b->code, "scale", b->scale);
    struct fail why = {0};

    int r =
        path && how ? journal_open(path, how, false, count_step, b, &b->journal, &why) : -ENOMEM;
    json_decref(how);
    if (r == -EEXIST)
        return fail_set(fail, FAIL_CREATE, r,
                        "'%s' holds an interrupted build with other options; repeat those to go "
                        "on, or begin anew with --force",
                        b->out);
    return r < 0 ? fail_set(fail, why.kind ? why.kind : FAIL_OTHER, r, "%s", why.text) : 0;
}

static int begin(struct build *b, struct fail *fail)
{
    bool there = exists(b->out, SUMS_NAME);

    if (mkdir(b->out, 0777) < 0 && errno != EEXIST)
        return fail_set(fail, FAIL_CREATE, -errno, "cannot create the folder '%s': %m", b->out);
    for (unsigned i = 0; i < FAMILY_N_SETS; i++)
        there = there || access(b->dirs[i], F_OK) == 0;
    int r = b->common.force ? clear(b, fail) : 0;
    if (r == 0 && !b->common.force && there && !exists(b->out, JOURNAL_NAME))
        r = fail_set(fail, FAIL_CREATE, -EEXIST,
                     "'%s' holds data sets already; name another folder, or replace them with "
                     "--force",
                     b->out);
    return r < 0 ? r : open_journal(b, fail);
}

static int note_down(struct build *b, const char *step, struct fail *fail)
{
    json_t *line = json_pack("{s:s}", "step", step);
    int r = line ? journal_add(b->journal, line, fail) : -ENOMEM;

    json_decref(line);
    return r < 0 ? r : journal_sync(b->journal, fail);
}

static int take_steps(struct build *b, struct fail *fail)
{
    int r = 0;

    if (b->n_done > 0 && !b->common.quiet)
        fprintf(stderr, tr("building: going on after %u of %zu steps\n"), b->n_done,
                ELEMENTSOF(steps));
    for (unsigned i = b->n_done; r == 0 && i < ELEMENTSOF(steps); i++) {
        if (!b->common.quiet)
            fprintf(stderr, tr("building: step %u of %zu, %s\n"), i + 1, ELEMENTSOF(steps),
                    steps[i].name);
        r = dataset_interrupted(fail);
        if (r == 0)
            r = steps[i].run(b, fail);
        if (r == 0)
            r = note_down(b, steps[i].name, fail);
    }
    return r;
}

static int print_figures(const struct build *b, const char *off)
{
    json_t *sets = json_object();

    for (unsigned set = 0; set < FAMILY_N_SETS; set++) {
        json_t *types = json_object();
        for (unsigned t = 0; t < FAMILY_N_TYPES; t++)
            if (b->found.n[set][t] > 0)
                json_object_set_new(types, family_types[t],
                                    json_integer((json_int_t) b->found.n[set][t]));
        json_object_set_new(sets, family_names[set], types);
    }
    json_t *object = json_pack("{s:o, s:b, s:s}", "sets", sets, "exact", !*off, "off", off);
    const int r = object ? json_dumpf(object, stdout, JSON_COMPACT) : -1;
    json_decref(object);
    return r < 0 || putchar('\n') < 0 ? -EIO : 0;
}

static int build(struct build *b, struct fail *fail)
{
    char off[FAMILY_OFF_BYTES];

    int r = begin(b, fail);
    if (r == 0)
        r = take_steps(b, fail);
    if (r == 0)
        r = count_all(b, fail);
    if (r < 0)
        return r;
    b->journal = journal_close(b->journal, true);
    const unsigned n_off = family_compare(&b->counts, &b->found, off);
    if (b->common.json)
        r = print_figures(b, off);
    if (r == 0 && n_off > 0)
        r = fail_set(fail, FAIL_OTHER, -ERANGE,
                     "the sets are there, but not with the counts they should have: %s", off);
    return r;
}

/* ---- options ---- */

static const char help[] = N_(
    "usage: braille-dataset build OUT [OPTIONS]\n\n"
    "Make the whole BIT family in the folder OUT: BIT is drawn, with badly cut pictures in it;\n"
    "BIT-DC is what 'clean' leaves of it; BIT-DA and BIT-DP are both with a twin of each picture;\n"
    "BIT-N, BIT-S and BIT-P are the numbers, syllables and marks of BIT-DP. All have splits, and\n"
    "OUT has a card, report.html and SHA256SUMS. The commands it runs are printed.\n"
    "Ends with 1 when the sets do not have exactly the paper's counts; they stay.\n\n"
    "      --code NAME          current (default), common or two-cell\n"
    "      --scale F            a family F times as large as the paper's (1)\n");

enum { CODE = DATASET_OWN, SCALE };

static int parse_option(int c, void *ctx)
{
    struct build *b = ctx;
    enum lang_code code;
    int r = dataset_common_option(c, "build", &b->common);

    if (r != 0)
        return r < 0 ? r : 0;
    switch (c) {
    case CODE:
        r = lang_code_parse(optarg, &code);
        b->code = optarg;
        break;
    case SCALE:
        r = dataset_parse_number(optarg, 100, &b->scale);
        break;
    default:
        return -EINVAL;
    }
    if (r < 0)
        log_error("braille-dataset build: '%s' does not fit its option; see --help", optarg);
    return r;
}

/* 0, 1: help was printed, or -EINVAL. */
static int parse_all(int argc, char **argv, struct build *b)
{
    static const struct option options[] = {{"code", required_argument, NULL, CODE},
                                            {"scale", required_argument, NULL, SCALE},
                                            DATASET_COMMON_OPTIONS,
                                            {0}};

    int r = dataset_parse_options(argc, argv, options, help, parse_option, b);
    if (r != 0)
        return r;
    if (optind != argc - 1) {
        dataset_print_help(stderr, help);
        return -EINVAL;
    }
    b->out = argv[optind];
    return 0;
}

int dataset_build(int argc, char **argv)
{
    CLEANUP(build_done) struct build b = {.common = DATASET_COMMON, .code = "current", .scale = 1};
    struct fail fail = {0};

    int r = parse_all(argc, argv, &b);
    if (r != 0)
        return r < 0 ? FAIL_USAGE : 0;
    family_scale(b.scale, &b.counts);
    for (unsigned i = 0; r == 0 && i < FAMILY_N_SETS; i++)
        r = (b.dirs[i] = manifest_path(b.out, family_names[i])) ? 0 : -ENOMEM;
    dataset_catch_signals();
    if (r == 0)
        r = build(&b, &fail);
    if (b.told) {
        log_error("braille-dataset build: stopped there; the same command goes on");
        return b.code_of_command;
    }
    return dataset_end("build", r, &fail);
}
