/* SPDX-License-Identifier: Apache-2.0
 *
 * braille-eval retrieval: how often pictures of braille find their text, and texts their pictures.
 */

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/log.h"
#include "base/macro.h"
#include "base/tr.h"
#include "tools/eval.h"
#include "tools/eval/retrieval/retrieval.h"

static const char help[] = N_(
    "usage: braille-eval retrieval BIT-DIR... --clip FILE [OPTION...]\n\n"
    "Embeds the pictures of data sets ('braille-dataset build') and their texts with a CLIP of "
    "whole\n"
    "pictures, and counts how often a picture finds its text among all texts, and a text a "
    "picture of\n"
    "its own: ACC, Recall@1, 5, 10, MeanR (docs/retrieval.md).\n\n"
    "      --clip FILE          weights, as models/recipes/contrastive.py writes them, or of an\n"
    "                           imported Chinese-CLIP\n"
    "      --split SPLIT        the pictures that ask: test (default), train, val or all\n"
    "      --gallery split|all  the texts to find: those of the split (default), or all of the "
    "set\n"
    "      --k LIST             as 1,3,5: Recall@k, and the text that the k nearest training\n"
    "                           pictures elect (up to 256)\n"
    "      --batch N            ACC within batches of N pairs too, as training prints it\n"
    "      --list FILE          a line a picture: what it found; - is standard output\n"
    "      --csv FILE           a line a figure; - is standard output\n"
    "      --save DIR           the embeddings, as .npy and .tsv\n"
    "      --image-embeddings FILE, --text-embeddings FILE\n"
    "                           rows of numbers (.npy or text) of any network, row i of one "
    "belongs\n"
    "                           to row i of the other: the same figures of these pairs\n"
    "  -d, --device NAME|INDEX  Vulkan device\n"
    "      --json               one JSON object a set, a line each\n");

struct retrieval {
    const char *split, *gallery, *csv_path, *list_path, *save;
    const char *pairs[2]; ///< files of embeddings: pictures, texts
    struct eval_embedder_params model;
    struct eval_ks ks;
    size_t batch; ///< 0: none
    bool json;
    char *const *dirs; ///< NULL-terminated

    struct eval_embedder *embedder;
    FILE *csv, *list;
    bool some;               ///< a set has been written
    struct eval_words saved; ///< names of sets
};

/* ---- options ---- */

static int by_number(const void *a, const void *b)
{
    const unsigned x = *(const unsigned *) a, y = *(const unsigned *) b;
    return (x > y) - (x < y);
}

static int set_ks(const char *text, struct eval_ks *ks, struct fail *fail)
{
    ks->n = 0;
    for (const char *s = text;; s++) {
        char *end = NULL;
        const long k = *s >= '0' && *s <= '9' ? strtol(s, &end, 10) : 0;
        if (k < 1 || k > EVAL_MAX_K || ks->n == EVAL_MAX_KS || (*end && *end != ','))
            return fail_set(fail, FAIL_USAGE, -EINVAL,
                            "--k takes up to %d numbers from 1 to %d parted by commas, not '%s'",
                            EVAL_MAX_KS, EVAL_MAX_K, text);
        ks->k[ks->n++] = (unsigned) k;
        s = end;
        if (!*s)
            break;
    }
    qsort(ks->k, ks->n, sizeof(*ks->k), by_number);
    size_t n = 1;
    for (size_t i = 1; i < ks->n; i++)
        if (ks->k[i] != ks->k[n - 1])
            ks->k[n++] = ks->k[i];
    ks->n = n;
    return 0;
}

static int set_batch(const char *text, size_t *to, struct fail *fail)
{
    char *end = NULL;
    const long n = *text >= '0' && *text <= '9' ? strtol(text, &end, 10) : 0;

    if (n < 2 || n > EVAL_MAX_BATCH || *end)
        return fail_set(fail, FAIL_USAGE, -EINVAL, "--batch takes a number from 2 to %d, not '%s'",
                        EVAL_MAX_BATCH, text);
    *to = (size_t) n;
    return 0;
}

static int one_of(const char *option, const char *word, const char *const *words, const char *all,
                  const char **to, struct fail *fail)
{
    for (; *words; words++)
        if (strcmp(word, *words) == 0) {
            *to = word;
            return 0;
        }
    return fail_set(fail, FAIL_USAGE, -EINVAL, "--%s takes %s, not '%s'", option, all, word);
}

enum option_id {
    CLIP = 256,
    BATCH,
    SPLIT,
    GALLERY,
    KS,
    LIST,
    CSV,
    SAVE,
    IMAGE_ROWS,
    TEXT_ROWS,
    JSON
};

static const struct option options[] = {{"clip", required_argument, NULL, CLIP},
                                        {"split", required_argument, NULL, SPLIT},
                                        {"gallery", required_argument, NULL, GALLERY},
                                        {"k", required_argument, NULL, KS},
                                        {"batch", required_argument, NULL, BATCH},
                                        {"list", required_argument, NULL, LIST},
                                        {"csv", required_argument, NULL, CSV},
                                        {"save", required_argument, NULL, SAVE},
                                        {"image-embeddings", required_argument, NULL, IMAGE_ROWS},
                                        {"text-embeddings", required_argument, NULL, TEXT_ROWS},
                                        {"device", required_argument, NULL, 'd'},
                                        {"json", no_argument, NULL, JSON},
                                        {"help", no_argument, NULL, 'h'},
                                        {0}};

static int set_option(struct retrieval *o, int c, struct fail *fail)
{
    static const char *const splits[] = {"test", "train", "val", "all", NULL};
    static const char *const galleries[] = {"split", "all", NULL};

    switch (c) {
    case CLIP:
        o->model.clip = optarg;
        return 0;
    case SPLIT:
        return one_of("split", optarg, splits, "test, train, val, all", &o->split, fail);
    case GALLERY:
        return one_of("gallery", optarg, galleries, "split, all", &o->gallery, fail);
    case BATCH:
        return set_batch(optarg, &o->batch, fail);
    case KS:
        return set_ks(optarg, &o->ks, fail);
    case LIST:
        o->list_path = optarg;
        return 0;
    case CSV:
        o->csv_path = optarg;
        return 0;
    case IMAGE_ROWS:
    case TEXT_ROWS:
        o->pairs[c == TEXT_ROWS] = optarg;
        return 0;
    case SAVE:
        o->save = optarg;
        return 0;
    case 'd':
        o->model.device = optarg;
        return 0;
    case JSON:
        o->json = true;
        return 0;
    default:
        return fail_set(fail, FAIL_USAGE, -EINVAL, "see braille-eval retrieval --help");
    }
}

/* What does not go together, before anything takes time. */
static int check(const struct retrieval *o, struct fail *fail)
{
    const bool csv = o->csv_path && strcmp(o->csv_path, "-") == 0;
    const bool list = o->list_path && strcmp(o->list_path, "-") == 0;
    const bool pairs = o->pairs[0] || o->pairs[1];
    const char *wrong = NULL;

    if (pairs && !(o->pairs[0] && o->pairs[1]))
        wrong = N_("give both --image-embeddings and --text-embeddings");
    else if (pairs && (*o->dirs || o->model.clip || o->save || o->split || o->gallery))
        wrong = N_("BIT-DIR, --clip, --split, --gallery and --save are not for embeddings");
    else if (!pairs && !*o->dirs)
        wrong = N_("give one BIT-DIR or more; see braille-eval retrieval --help");
    else if (!pairs && !o->model.clip)
        wrong = N_("give --clip FILE, the weights of a CLIP of whole pictures "
                   "(models/recipes/contrastive.py trains one)");
    else if (csv + list + o->json > 1)
        wrong = N_("only one of --json, --csv -, --list - can write to standard output");
    return wrong ? fail_set(fail, FAIL_USAGE, -EINVAL, "%s", tr(wrong)) : 0;
}

/* @return 1: help was asked for */
static int parse(int argc, char **argv, struct retrieval *o, struct fail *fail)
{
    for (int c; (c = getopt_long(argc, argv, "d:h", options, NULL)) != -1;) {
        if (c == 'h') {
            fputs(tr(help), stdout);
            return 1;
        }
        int r = set_option(o, c, fail);
        if (r < 0)
            return r;
    }
    o->dirs = argv + optind;
    int r = check(o, fail);
    if (r == 0 && !o->pairs[0]) {
        o->split = o->split ? o->split : "test";
        o->gallery = o->gallery ? o->gallery : "split";
    }
    return r;
}

/* ---- work ---- */

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double) t.tv_sec + (double) t.tv_nsec * 1e-9;
}

static int report(struct retrieval *o, const struct eval_set *set,
                  const struct eval_table *pictures, const struct eval_table *texts,
                  const struct eval_figures_of_set *figures, double start)
{
    struct eval_batches batches = {0};
    int r = o->batch > 0 ? eval_in_batches(set, pictures, texts, o->batch, &batches) : 0;

    if (r < 0)
        return r;
    const struct eval_retrieval_report x = {
        .set = set,
        .figures = figures,
        .batches = &batches,
        .ks = &o->ks,
        .split = o->split,
        .gallery = o->gallery,
        .model = o->model.clip,
        .device = o->embedder ? eval_embedder_device(o->embedder) : NULL,
        .seconds = now_s() - start};

    if (o->csv)
        eval_retrieval_csv(o->csv, &x, !o->some);
    if (o->json)
        eval_retrieval_json(stdout, &x);
    else if (o->csv != stdout && o->list != stdout)
        eval_retrieval_text(stdout, &x);
    fflush(stdout);
    o->some = true;
    return 0;
}

static int save(struct retrieval *o, const struct eval_set *set, struct fail *fail)
{
    const size_t n = o->saved.n;
    size_t at;

    int r = eval_words_add(&o->saved, set->name, &at);
    if (r == 0 && at < n)
        r = fail_set(fail, FAIL_USAGE, -EEXIST,
                     "two sets are called '%s'; --save writes each under its name", set->name);
    return r == 0 ? eval_save(set, eval_embedder_pictures(o->embedder),
                              eval_embedder_texts(o->embedder), o->save, fail)
                  : r;
}

static int judge(struct retrieval *o, const char *dir, struct fail *fail)
{
    CLEANUP(eval_set_done) struct eval_set set = {0};
    CLEANUP(eval_figures_of_set_done) struct eval_figures_of_set figures = {0};
    const struct eval_table *pictures = eval_embedder_pictures(o->embedder);
    const struct eval_table *texts = eval_embedder_texts(o->embedder);
    const struct eval_find_params params = {.ks = o->ks,
                                            .knn = o->ks.n > 0,
                                            .all = strcmp(o->gallery, "all") == 0,
                                            .list = o->list,
                                            .cancel = &eval_cancelled};
    const double start = now_s();

    int r = eval_set_load(dir, o->split, &set, fail);
    if (r == 0)
        r = eval_embed_set(o->embedder, &set, params.knn, params.all, fail);
    if (r == 0 && o->save)
        r = save(o, &set, fail);
    if (r == 0)
        r = eval_find(&set, pictures, texts, &params, &figures, fail);
    return r == 0 ? report(o, &set, pictures, texts, &figures, start) : r;
}

static int judge_pairs(struct retrieval *o, struct fail *fail)
{
    CLEANUP(eval_set_done) struct eval_set set = {0};
    CLEANUP(eval_figures_of_set_done) struct eval_figures_of_set figures = {0};
    CLEANUP(eval_table_done) struct eval_table pictures = {0};
    CLEANUP(eval_table_done) struct eval_table texts = {0};
    const struct eval_find_params params = {
        .ks = o->ks, .pairs = true, .list = o->list, .cancel = &eval_cancelled};
    const double start = now_s();

    int r = eval_pairs_load(o->pairs, &set, &pictures, &texts, fail);
    if (r == 0)
        r = eval_find(&set, &pictures, &texts, &params, &figures, fail);
    return r == 0 ? report(o, &set, &pictures, &texts, &figures, start) : r;
}

static int judge_sets(struct retrieval *o, struct fail *fail)
{
    o->model.cancel = &eval_cancelled;
    if (o->save && mkdir(o->save, 0777) < 0 && errno != EEXIST)
        return fail_set(fail, FAIL_CREATE, -errno, "cannot create the folder '%s': %m", o->save);
    int r = eval_embedder_new(&o->model, &o->embedder, fail);
    for (char *const *dir = o->dirs; r == 0 && *dir; dir++)
        r = judge(o, *dir, fail);
    return r;
}

static int run(struct retrieval *o, struct fail *fail)
{
    int r = eval_open_list(o->csv_path, &o->csv, fail);
    if (r == 0)
        r = eval_open_list(o->list_path, &o->list, fail);
    if (r == 0)
        r = o->pairs[0] ? judge_pairs(o, fail) : judge_sets(o, fail);
    const int a = eval_close_list(o->csv_path, &o->csv, fail);
    const int b = eval_close_list(o->list_path, &o->list, fail);
    return r < 0 ? r : MIN(a, b);
}

int eval_retrieval(int argc, char **argv)
{
    struct retrieval o = {0};
    struct fail fail = {0};

    eval_catch_signals();
    int r = parse(argc, argv, &o, &fail);
    if (r == 0)
        r = run(&o, &fail);
    eval_embedder_free(o.embedder);
    eval_words_done(&o.saved);
    if (r >= 0)
        return 0;
    errno = -r;
    fail_set(&fail, eval_cancelled ? FAIL_INTERRUPTED : FAIL_OTHER, r, "%m");
    log_error("braille-eval retrieval: %s", fail.text);
    return (int) fail.kind;
}
