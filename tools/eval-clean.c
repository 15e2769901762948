/* SPDX-License-Identifier: Apache-2.0
 *
 * braille-eval clean: what `braille-dataset clean` decided against what was done to the pictures.
 */

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <jansson.h>

#include "base/fail.h"
#include "base/log.h"
#include "base/tr.h"
#include "base/macro.h"
#include "braille/check.h"
#include "tools/eval.h"

static const char help[] = N_(
    "usage: braille-eval clean DIR [--only PREFIX]... [--json]\n\n"
    "Compare DIR/clean.jsonl ('braille-dataset clean') with DIR/truth.jsonl ('generate', 'crop\n"
    "--faults'): how many pictures with each fault were caught, how many without were rejected, "
    "and\n"
    "how far measured dots are from the true ones. unsure counts as neither.\n\n"
    "      --only PREFIX        only pictures whose id begins with it; several add up\n"
    "      --json               one JSON object\n"
    "      --list               ids of missed faults and of rejected clean pictures on stderr\n");

#define N_KINDS (BRL_N_FAULTS * BRL_N_EDGES)
#define MAX_ONLY 64
#define N_ERROR_BINS 2000 ///< of 0.01 px

struct kind {
    size_t n, passed, unsure, right; ///< `right`: the verdict names the fault and its edge
};

struct eval {
    const char *only[MAX_ONLY];
    unsigned n_only;
    bool json, list;
    struct kind kinds[N_KINDS]; ///< [fault * BRL_N_EDGES + edge]; of no fault the edge is 0
    size_t errors[N_ERROR_BINS + 1], n_errors;
    double error_sum, error_square_sum;
};

static int index_of(const char *name, const char *const *names, unsigned n)
{
    for (unsigned i = 0; name && i < n; i++)
        if (strcmp(name, names[i]) == 0)
            return (int) i;
    return -1;
}

static bool is_wanted(const struct eval *e, const char *id)
{
    for (unsigned i = 0; i < e->n_only; i++)
        if (strncmp(id, e->only[i], strlen(e->only[i])) == 0)
            return true;
    return e->n_only == 0;
}

static void add_error(struct eval *e, double px)
{
    const double bin = fmin(px * 100, N_ERROR_BINS);
    e->errors[(size_t) bin]++;
    e->n_errors++;
    e->error_sum += px;
    e->error_square_sum += px * px;
}

static bool read_point(const json_t *json, double *x, double *y)
{
    const json_t *a = json_array_get(json, 0), *b = json_array_get(json, 1);

    *x = json_number_value(a);
    *y = json_number_value(b);
    return json_is_number(a) && json_is_number(b) && fabs(*x) < 1e6 && fabs(*y) < 1e6;
}

/* Each measured dot of the label against the true dot that is nearest. */
static void compare_dots(struct eval *e, const json_t *truth, const json_t *clean)
{
    const json_t *dot, *cell, *point;
    size_t i, k, m;

    json_array_foreach(json_object_get(clean, "dots"), i, dot)
    {
        double x, y, u, v, best = INFINITY;
        if (!read_point(json_object_get(dot, "at"), &x, &y) || !json_object_get(dot, "wanted"))
            continue;
        json_array_foreach(json_object_get(truth, "dots"), k, cell)
        {
            json_array_foreach(cell, m, point)
            {
                if (read_point(point, &u, &v))
                    best = fmin(best, hypot(u - x, v - y));
            }
        }
        if (isfinite(best))
            add_error(e, best);
    }
}

static int compare(struct eval *e, const json_t *truth, const json_t *clean, struct fail *fail)
{
    const char *id = json_string_value(json_object_get(truth, "id"));
    const char *clean_id = json_string_value(json_object_get(clean, "id"));
    const char *verdict = json_string_value(json_object_get(clean, "verdict"));
    const int fault =
        index_of(json_string_value(json_object_get(truth, "fault")), brl_fault_names, BRL_N_FAULTS);
    const int edge =
        index_of(json_string_value(json_object_get(truth, "edge")), brl_edge_names, BRL_N_EDGES);
    const int side =
        index_of(json_string_value(json_object_get(clean, "side")), brl_edge_names, BRL_N_EDGES);

    if (!id || !clean_id || !verdict || fault < 0 || strcmp(id, clean_id) != 0)
        return fail_set(fail, FAIL_INPUT, -EBADMSG,
                        "truth.jsonl and clean.jsonl do not go together (at '%s'); clean again",
                        id ? id : "?");
    if (!is_wanted(e, id))
        return 0;
    struct kind *k = &e->kinds[fault * BRL_N_EDGES + MAX(edge, 0)];
    const bool passed = strcmp(verdict, brl_verdict_names[BRL_CLEAN]) == 0;
    const bool unsure = strcmp(verdict, brl_verdict_names[BRL_UNSURE]) == 0;
    const char *name = fault == BRL_FAULT_OVER ? "over" : "under";
    k->n++;
    k->passed += passed;
    k->unsure += unsure;
    k->right += fault == BRL_FAULT_NONE ? passed : strcmp(verdict, name) == 0 && side == edge;
    if (fault == BRL_FAULT_NONE && passed)
        compare_dots(e, truth, clean);
    if (e->list && passed != (fault == BRL_FAULT_NONE))
        fprintf(stderr, "%s: %s%s%s, verdict %s\n", id, brl_fault_names[fault], edge < 0 ? "" : " ",
                edge < 0 ? "" : brl_edge_names[edge], verdict);
    return 0;
}

static FILE *open_list(const char *dir, const char *name, struct fail *fail)
{
    CLEANUP_FREE char *path = NULL;
    if (asprintf(&path, "%s/%s", dir, name) < 0) {
        path = NULL;
        return NULL;
    }
    struct stat st;
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
        fail_set(fail, FAIL_OPEN, -EINVAL, "'%s' is no regular file", path);
        return NULL;
    }
    FILE *f = fopen(path, "re");
    if (!f)
        fail_set(fail, FAIL_OPEN, -errno, "cannot open '%s': %m", path);
    return f;
}

/* A line of both lists; 0 at the common end. */
static int read_both(FILE *truth, FILE *clean, struct eval *e, struct fail *fail)
{
    CLEANUP_FREE char *a = NULL, *b = NULL;
    size_t room_a = 0, room_b = 0;

    const bool more_a = getline(&a, &room_a, truth) > 0, more_b = getline(&b, &room_b, clean) > 0;
    if (!more_a && !more_b)
        return 0;
    json_t *x = more_a ? json_loads(a, 0, NULL) : NULL, *y = more_b ? json_loads(b, 0, NULL) : NULL;
    int r = x && y ? compare(e, x, y, fail)
                   : fail_set(fail, FAIL_INPUT, -EBADMSG,
                              "truth.jsonl and clean.jsonl differ in length, or are broken");
    json_decref(x);
    json_decref(y);
    return r < 0 ? r : 1;
}

/* ---- the result ---- */

static double share(size_t part, size_t of)
{
    return of ? (double) part / (double) of : 0;
}

static double error_quantile(const struct eval *e, double q)
{
    size_t sum = 0;
    for (size_t i = 0; i <= N_ERROR_BINS; i++) {
        sum += e->errors[i];
        if ((double) sum >= q * (double) e->n_errors)
            return ((double) i + 0.5) / 100;
    }
    return 0;
}

static struct kind all_faults(const struct eval *e)
{
    struct kind all = {0};
    for (unsigned i = BRL_N_EDGES; i < N_KINDS; i++) {
        all.n += e->kinds[i].n;
        all.passed += e->kinds[i].passed;
        all.unsure += e->kinds[i].unsure;
        all.right += e->kinds[i].right;
    }
    return all;
}

static void print_text(const struct eval *e)
{
    const struct kind all = all_faults(e), none = e->kinds[0];

    printf("%-12s %7s %8s %7s %7s %8s\n", "fault", "n", "caught", "unsure", "missed", "named");
    for (unsigned i = BRL_N_EDGES; i < N_KINDS; i++) {
        const struct kind *k = &e->kinds[i];
        char name[32];
        if (k->n == 0)
            continue;
        snprintf(name, sizeof(name), "%s %s", brl_fault_names[i / BRL_N_EDGES],
                 brl_edge_names[i % BRL_N_EDGES]);
        printf("%-12s %7zu %8.4f %7zu %7zu %8.4f\n", name, k->n,
               share(k->n - k->passed - k->unsure, k->n), k->unsure, k->passed,
               share(k->right, k->n));
    }
    printf("%-12s %7zu %8.4f %7zu %7zu %8.4f\n", "all faults", all.n,
           share(all.n - all.passed - all.unsure, all.n), all.unsure, all.passed,
           share(all.right, all.n));
    printf("without: %zu, rejected %zu (%.4f), unsure %zu (%.4f)\n", none.n,
           none.n - none.passed - none.unsure, share(none.n - none.passed - none.unsure, none.n),
           none.unsure, share(none.unsure, none.n));
    if (e->n_errors)
        printf("dot centres: %zu, off by %.2f px in the mean, %.2f rms, median %.2f, 95 %% %.2f\n",
               e->n_errors, e->error_sum / (double) e->n_errors,
               sqrt(e->error_square_sum / (double) e->n_errors), error_quantile(e, 0.5),
               error_quantile(e, 0.95));
}

static json_t *kind_json(const struct kind *k)
{
    return json_pack("{s:I, s:I, s:I, s:I}", "n", (json_int_t) k->n, "passed",
                     (json_int_t) k->passed, "unsure", (json_int_t) k->unsure, "named",
                     (json_int_t) k->right);
}

static void print_json(const struct eval *e)
{
    const struct kind all = all_faults(e);
    json_t *out = json_object(), *faults = json_object();

    for (unsigned i = BRL_N_EDGES; i < N_KINDS; i++) {
        char name[32];
        snprintf(name, sizeof(name), "%s-%s", brl_fault_names[i / BRL_N_EDGES],
                 brl_edge_names[i % BRL_N_EDGES]);
        if (e->kinds[i].n)
            json_object_set_new(faults, name, kind_json(&e->kinds[i]));
    }
    json_object_set_new(out, "clean", kind_json(&e->kinds[0]));
    json_object_set_new(out, "faulty", kind_json(&all));
    json_object_set_new(out, "faults", faults);
    if (e->n_errors)
        json_object_set_new(out, "dot_error_px",
                            json_pack("{s:I, s:f, s:f, s:f, s:f}", "n", (json_int_t) e->n_errors,
                                      "mean", e->error_sum / (double) e->n_errors, "rms",
                                      sqrt(e->error_square_sum / (double) e->n_errors), "median",
                                      error_quantile(e, 0.5), "p95", error_quantile(e, 0.95)));
    json_dumpf(out, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6));
    putchar('\n');
    json_decref(out);
}

static int parse(int argc, char **argv, struct eval *e)
{
    enum { ONLY = 256, JSON, LIST };
    static const struct option options[] = {{"only", required_argument, NULL, ONLY},
                                            {"json", no_argument, NULL, JSON},
                                            {"list", no_argument, NULL, LIST},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};

    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        if (c == 'h') {
            fputs(tr(help), stdout);
            return 1;
        }
        if (c == ONLY && e->n_only < MAX_ONLY)
            e->only[e->n_only++] = optarg;
        else if (c == JSON)
            e->json = true;
        else if (c == LIST)
            e->list = true;
        else
            return -EINVAL;
    }
    if (optind != argc - 1) {
        fputs(tr(help), stderr);
        return -EINVAL;
    }
    return 0;
}

int eval_clean(int argc, char **argv)
{
    struct eval e = {0};
    struct fail fail = {0};

    int r = parse(argc, argv, &e);
    if (r != 0)
        return r < 0 ? FAIL_USAGE : 0;
    FILE *truth = open_list(argv[optind], "truth.jsonl", &fail);
    FILE *clean = truth ? open_list(argv[optind], "clean.jsonl", &fail) : NULL;
    r = truth && clean ? 1 : -EIO;
    while (r > 0)
        r = read_both(truth, clean, &e, &fail);
    if (truth)
        fclose(truth);
    if (clean)
        fclose(clean);
    if (r < 0) {
        fail_set(&fail, FAIL_OTHER, r, "%m");
        log_error("braille-eval clean: %s", fail.text);
        return (int) fail.kind;
    }
    if (e.json)
        print_json(&e);
    else
        print_text(&e);
    return 0;
}
