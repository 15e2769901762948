/* SPDX-License-Identifier: Apache-2.0
 *
 * braille-eval reading: dots, cells, words and text of pages against annotations, by book and side,
 * with intervals; the rule and its parts are in tools/eval/reading.h.
 */

#include <errno.h>
#include <fts.h>
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/tr.h"
#include "tools/eval.h"
#include "tools/eval/reading.h"

#define MAX_DRAWS 1000000

static const char *const sides[2] = {[BRL_RECTO] = "recto", [BRL_VERSO] = "verso"};

/* The pages of one side, of a book or of all. */
struct pages {
    struct eval_score *scores; ///< owned
    size_t n;
    struct eval_score sum;
    struct eval_interval interval[EVAL_N_FIGURES];
    bool has_interval; ///< of two pages or more
};

/* One book: a folder of the truth. */
struct book {
    char *name; ///< owned
    struct pages side[2];
};

struct eval {
    const char *truth, *reading, *corrections_path;
    struct eval_corrections corrections;
    bool json, list, skip_missing;
    unsigned n_draws;
    uint64_t seed;
    struct book *books; ///< owned
    size_t n_books, n_pages;
    struct pages all[2];
    char *last_page; ///< owned: recto and verso of a page are one page
};

static void eval_done(struct eval *e)
{
    for (size_t i = 0; i < e->n_books; i++) {
        free(e->books[i].name);
        free(e->books[i].side[0].scores);
        free(e->books[i].side[1].scores);
    }
    free(e->books);
    eval_corrections_done(&e->corrections);
    free(e->all[0].scores);
    free(e->all[1].scores);
    free(e->last_page);
}

static int pages_add(struct pages *p, const struct eval_score *score)
{
    struct eval_score *more = realloc(p->scores, (p->n + 1) * sizeof(*more));
    if (!more)
        return -ENOMEM;
    p->scores = more;
    more[p->n++] = *score;
    eval_add(&p->sum, score);
    return 0;
}

/* ---- which reading belongs to which annotation ---- */

/* "DIR/X+recto.txt" or "DIR/X.csv" -> the side; -1: no truth. `ret_n`: length of "DIR/X". */
static int truth_side(const char *path, size_t *ret_n)
{
    static const struct {
        const char *end;
        enum brl_side side;
    } endings[] = {{"+recto.txt", BRL_RECTO}, {"+verso.txt", BRL_VERSO}, {".csv", BRL_RECTO}};
    const size_t n = strlen(path);
    for (size_t i = 0; i < ELEMENTSOF(endings); i++)
        if (n > strlen(endings[i].end) &&
            strcmp(path + n - strlen(endings[i].end), endings[i].end) == 0) {
            *ret_n = n - strlen(endings[i].end);
            return (int) endings[i].side;
        }
    return -1;
}

/* The reading of a page in a folder of readings: in the same sub-folder or beside the others, for
 * both sides or for one, JSON or an annotation. NULL when there is none. */
static char *find_reading(const char *folder, const char *relative, const char *base,
                          enum brl_side side)
{
    const char *const names[2] = {relative, base};
    const char *const ends[3] = {side == BRL_VERSO ? "+verso.json" : "+recto.json", ".json",
                                 side == BRL_VERSO ? "+verso.txt" : "+recto.txt"};

    for (unsigned i = 0; i < 6; i++) {
        char *path;
        if (asprintf(&path, "%s/%s%s", folder, names[i / 3], ends[i % 3]) < 0)
            return NULL;
        if (access(path, F_OK) == 0)
            return path;
        free(path);
    }
    return NULL;
}

static struct book *book_of(struct eval *e, const char *name)
{
    for (size_t i = 0; i < e->n_books; i++)
        if (strcmp(e->books[i].name, name) == 0)
            return &e->books[i];
    struct book *more = realloc(e->books, (e->n_books + 1) * sizeof(*more));
    if (!more)
        return NULL;
    e->books = more;
    more[e->n_books] = (struct book){.name = strdup(name)};
    return more[e->n_books].name ? &more[e->n_books++] : NULL;
}

static int eval_page(struct eval *e, const char *book_name, const char *page, const char *shown,
                     const char *truth_path, const char *reading_path, enum brl_side side,
                     struct fail *fail)
{
    CLEANUP(eval_page_done) struct eval_page cells = {0};
    struct eval_score score;

    struct book *book = book_of(e, book_name);
    if (!book)
        return -ENOMEM;
    int r = eval_page_load(truth_path, reading_path, side, &e->corrections, &cells, fail);
    if (r == 0)
        r = eval_compare(&cells, &score);
    if (r == 0 && e->list)
        r = eval_list(stdout, &cells, shown, side);
    if (r == 0)
        r = pages_add(&book->side[side], &score);
    if (r == 0)
        r = pages_add(&e->all[side], &score);
    if (r < 0)
        return r;
    if (!e->last_page || strcmp(e->last_page, page) != 0) {
        free(e->last_page);
        e->last_page = strdup(page);
        e->n_pages++;
    }
    return 0;
}

static int eval_entry(struct eval *e, const char *path, struct fail *fail)
{
    size_t n;
    const int side = truth_side(path, &n);
    if (side < 0)
        return 0;
    CLEANUP_FREE char *page = strndup(path, n), *book = NULL, *reading = NULL;
    const size_t skip = strlen(e->truth);
    if (!page)
        return -ENOMEM;
    const char *relative = page + skip + strspn(page + skip, "/");
    const char *base = strrchr(page, '/') ? strrchr(page, '/') + 1 : page;
    book = base > relative ? strndup(relative, (size_t) (base - relative) - 1) : strdup("pages");
    if (!book)
        return -ENOMEM;
    reading = find_reading(e->reading, relative, base, (enum brl_side) side);
    if (!reading) {
        struct stat st;
        /* where a side is blank there is nothing to read */
        if (e->skip_missing || (stat(path, &st) == 0 && st.st_size == 0))
            return 0;
        return fail_set(fail, FAIL_OPEN, -ENOENT,
                        "no reading of '%s' in '%s'; write %s.json or %s+%s.txt there, or use "
                        "--skip-missing",
                        path, e->reading, base, base, sides[side]);
    }
    return eval_page(e, book, page, relative, path, reading, (enum brl_side) side, fail);
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

static int eval_folder(struct eval *e, struct fail *fail)
{
    char *const paths[2] = {(char *) e->truth, NULL};
    int r = 0;

    if (access(e->truth, R_OK) < 0)
        return fail_set(fail, FAIL_OPEN, -errno, "cannot open '%s': %m", e->truth);
    FTS *fts = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, by_name);
    if (!fts)
        return fail_set(fail, FAIL_OPEN, -errno, "cannot open '%s': %m", e->truth);
    errno = 0;
    for (FTSENT *f; r == 0 && (f = fts_read(fts)) != NULL; errno = 0)
        if (f->fts_info == FTS_F)
            r = eval_entry(e, f->fts_path, fail);
        else if (f->fts_info == FTS_DNR || f->fts_info == FTS_ERR || f->fts_info == FTS_NS)
            r = fail_set(fail, FAIL_OPEN, -f->fts_errno, "cannot open '%s': %m", f->fts_path);
    if (r == 0 && errno)
        r = fail_set(fail, FAIL_OPEN, -errno, "cannot read '%s': %m", e->truth);
    fts_close(fts);
    if (r == 0 && e->n_pages == 0)
        r = fail_set(fail, FAIL_INPUT, -ENODATA,
                     "no truth (X+recto.txt, X+verso.txt, X.csv) with a reading under '%s'",
                     e->truth);
    return r;
}

/* ---- results ---- */

static int draw(struct eval *e, struct pages *p)
{
    int r = eval_bootstrap(p->scores, p->n, e->n_draws, e->seed, p->interval);
    p->has_interval = r == 0;
    return r == -EINVAL ? 0 : r; /* too few pages */
}

static int draw_all(struct eval *e)
{
    int r = 0;
    for (unsigned s = 0; s < 2 && r == 0; s++) {
        r = draw(e, &e->all[s]);
        for (size_t i = 0; i < e->n_books && r == 0; i++)
            r = draw(e, &e->books[i].side[s]);
    }
    return r;
}

static void set_interval(json_t *to, const char *name, const struct pages *p, int figure)
{
    json_object_set_new(to, name,
                        json_pack("[f, f]", p->interval[figure].from, p->interval[figure].to));
}

/* `first`: the precision among the figures; recall and F1 follow it. */
static json_t *count_json(const struct eval_count *c, const struct pages *p, int first)
{
    json_t *j =
        json_pack("{s:f, s:f, s:f, s:I, s:I, s:I}", "p", eval_precision(c), "r", eval_recall(c),
                  "f1", eval_f1(c), "right", (json_int_t) c->right, "found",
                  (json_int_t) (c->right + c->wrong), "there", (json_int_t) (c->right + c->missed));
    if (!p->has_interval)
        return j;
    json_t *ci = json_object();
    set_interval(ci, "p", p, first);
    set_interval(ci, "r", p, first + 1);
    set_interval(ci, "f1", p, first + 2);
    json_object_set_new(j, "ci95", ci);
    return j;
}

static json_t *pages_json(const struct pages *p)
{
    const struct eval_score *s = &p->sum;
    json_t *words = json_pack("{s:f, s:I, s:I}", "right_share", eval_ratio(&s->words, 1), "right",
                              (json_int_t) s->words.n, "there", (json_int_t) s->words.of);
    json_t *text = json_pack("{s:f, s:I, s:I}", "error_rate", eval_ratio(&s->text, 0), "errors",
                             (json_int_t) s->text.n, "there", (json_int_t) s->text.of);

    if (p->has_interval) {
        set_interval(words, "ci95", p, EVAL_WORDS);
        set_interval(text, "ci95", p, EVAL_TEXT);
    }
    return json_pack("{s:I, s:o, s:o, s:o, s:o}", "pages", (json_int_t) p->n, "dot",
                     count_json(&s->dot, p, EVAL_DOT_P), "cell",
                     count_json(&s->cell, p, EVAL_CELL_P), "words", words, "text", text);
}

static void json_done(json_t **j)
{
    json_decref(*j);
}

static void set_sides(json_t *to, const struct pages side[2])
{
    for (unsigned s = 0; s < 2; s++)
        if (side[s].n > 0)
            json_object_set_new(to, sides[s], pages_json(&side[s]));
}

static int print_json(const struct eval *e)
{
    CLEANUP(json_done)
    json_t *root = json_pack("{s:I, s:{}}", "pages", (json_int_t) e->n_pages, "books");

    set_sides(root, e->all);
    json_t *books = json_object_get(root, "books");
    for (size_t i = 0; i < e->n_books; i++) {
        json_t *b = json_object();
        set_sides(b, e->books[i].side);
        json_object_set_new(books, e->books[i].name, b);
    }
    if (json_dumpf(root, stdout, JSON_REAL_PRECISION(6)) < 0 && !ferror(stdout))
        return -ENOMEM; /* a full disk is told of by subcommand_main() */
    putchar('\n');
    return 0;
}

static void print_row(const char *name, const char *side, const struct pages *p)
{
    const struct eval_score *s = &p->sum;
    char interval[32] = "";

    if (p->has_interval)
        snprintf(interval, sizeof(interval), "%.4f-%.4f", p->interval[EVAL_CELL_F1].from,
                 p->interval[EVAL_CELL_F1].to);
    printf("%-28.28s %-5s %4zu  %.4f %.4f %.4f  %.4f %.4f %.4f %-13s  %.4f %.4f  %6zu\n", name,
           side, p->n, eval_precision(&s->dot), eval_recall(&s->dot), eval_f1(&s->dot),
           eval_precision(&s->cell), eval_recall(&s->cell), eval_f1(&s->cell), interval,
           eval_ratio(&s->words, 1), eval_ratio(&s->text, 0), s->cell.right + s->cell.missed);
}

static int print(const struct eval *e)
{
    if (e->json)
        return print_json(e);
    printf("%-28s %-5s %4s  %-20s  %-20s %-13s  %-6s %-6s  %6s\n", "book", "side", "pp.",
           "dot P      R      F1", "cell P     R      F1", "95 % of F1", "words", "text", "cells");
    for (unsigned s = 0; s < 2; s++)
        for (size_t i = 0; i < e->n_books; i++)
            if (e->books[i].side[s].n > 0)
                print_row(e->books[i].name, sides[s], &e->books[i].side[s]);
    for (unsigned s = 0; s < 2; s++)
        if (e->all[s].n > 0)
            print_row("all", sides[s], &e->all[s]);
    return 0;
}

static const char help[] = N_(
    "usage: braille-eval reading TRUTH READING [OPTIONS]\n\n"
    "Compare readings (braillectl read --format json or dsbi) with DSBI annotations.\n"
    "TRUTH is X+recto.txt or X+verso.txt, or X.csv of boxes (left;top;right;bottom;label, front\n"
    "side only, no words or text), or a folder of such, one sub-folder a book;\n"
    "READING is a file, or a folder with X.json, X+recto.json, X+verso.json or annotations.\n"
    "A cell is right where boxes widened by 0.3 of a cell overlap by more than 0.5 (IoU) and the\n"
    "dots are the same. \"words\": share read as they stand; \"text\": syllables, numbers and "
    "signs\n"
    "to be changed, of the truth's. Intervals (95 %) come from drawing the pages anew.\n\n"
    "      --corrections FILE  labels known to be wrong, with tabs: page side row column\n"
    "                       published corrected evidence\n"
    "      --json           one JSON object\n"
    "      --list           every cell that is wrong, missed or invented instead, as TSV\n"
    "      --bootstrap N    draws for the intervals (1000; 0: none)\n"
    "      --seed N         of the draws (1)\n"
    "      --skip-missing   leave out pages without a reading\n");

/* A whole number from 0 to `max`. */
static bool parse_number(const char *text, unsigned long long max, uint64_t *ret)
{
    char *end = NULL;
    errno = 0;
    const unsigned long long v = strtoull(text, &end, 10);
    if (end == text || *end || errno || v > max || strchr(text, '-'))
        return false;
    *ret = v;
    return true;
}

/* 0; 1: help was asked for; FAIL_USAGE, told. */
static int parse_options(struct eval *e, int argc, char **argv)
{
    static const struct option options[] = {{"json", no_argument, NULL, 'j'},
                                            {"list", no_argument, NULL, 'l'},
                                            {"bootstrap", required_argument, NULL, 'b'},
                                            {"seed", required_argument, NULL, 'r'},
                                            {"skip-missing", no_argument, NULL, 's'},
                                            {"corrections", required_argument, NULL, 'c'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    uint64_t draws = e->n_draws;

    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        if (c == 'h')
            return 1;
        if (c == '?')
            return FAIL_USAGE;
        e->json |= c == 'j';
        e->list |= c == 'l';
        e->skip_missing |= c == 's';
        if (c == 'c')
            e->corrections_path = optarg;
        if ((c == 'b' && !parse_number(optarg, MAX_DRAWS, &draws)) ||
            (c == 'r' && !parse_number(optarg, UINT64_MAX, &e->seed))) {
            log_error("braille-eval reading: '%s' is no whole number from 0 on%s", optarg,
                      c == 'b' ? " to 1000000" : "");
            return FAIL_USAGE;
        }
    }
    e->n_draws = (unsigned) draws;
    if (e->json && e->list) {
        log_error("braille-eval reading: --list and --json: choose one");
        return FAIL_USAGE;
    }
    if (draws > 0 && draws < 20) {
        log_error("braille-eval reading: --bootstrap takes 0 or at least 20 draws");
        return FAIL_USAGE;
    }
    if (argc - optind == 2) {
        e->truth = argv[optind];
        e->reading = argv[optind + 1];
        return 0;
    }
    fputs(tr(help), stderr);
    return FAIL_USAGE;
}

int eval_reading(int argc, char **argv)
{
    CLEANUP(eval_done) struct eval e = {.n_draws = 1000, .seed = 1};
    struct fail fail = {0};
    size_t n;

    int r = parse_options(&e, argc, argv);
    if (r == 1)
        fputs(tr(help), stdout);
    if (r > 0)
        return r == 1 ? 0 : r;
    if (e.list)
        printf("page\tside\trow\tcolumn\ttruth\treading\tp\tx\ty\n");
    const int side = truth_side(e.truth, &n);
    r = e.corrections_path ? eval_corrections_load(e.corrections_path, &e.corrections, &fail) : 0;
    if (r == 0)
        r = side < 0 ? eval_folder(&e, &fail)
                     : eval_page(&e, "pages", e.truth, e.truth, e.truth, e.reading,
                                 (enum brl_side) side, &fail);
    if (r == 0 && !e.list)
        r = draw_all(&e);
    if (r == 0 && !e.list)
        r = print(&e);
    if (r < 0) {
        fail_set(&fail, FAIL_OTHER, r, "%m");
        log_error("braille-eval reading: %s", fail.text);
        return (int) fail.kind;
    }
    return 0;
}
