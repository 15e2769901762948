/* SPDX-License-Identifier: Apache-2.0
 *
 * braille-eval reading: cells and dots of pages by the rule of Ovodov (arXiv 2012.12412 and its
 * code): boxes through the dot lines, widened by 0.3 x cell width on every side; each annotated
 * cell takes the reading's cell of the largest overlap, and is right when IoU > 0.5 and the label
 * is equal. Blank cells do not count. Dots: those of paired cells against each other, those of
 * unpaired ones as missed or invented.
 */

#include <errno.h>
#include <fts.h>
#include <getopt.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "braille/dsbi.h"
#include "tools/eval.h"

#define MAX_READING_BYTES ((size_t) 64 << 20)
#define WIDEN 0.3

struct count {
    size_t right, found, there; ///< true positives, of the reading, of the truth
};

struct score {
    struct count dot, cell;
};

/* One book: a folder of the truth. */
struct book {
    char *name; ///< owned
    struct score side[2];
    size_t n_pages[2];
};

struct eval {
    const char *truth, *reading;
    bool json, skip_missing;
    struct book *books; ///< owned
    size_t n_books, n_pages;
    char *last_page; ///< owned: recto and verso of a page are one page
};

struct reading {
    struct brl_truth_cell *cells; ///< owned; row and column unused
    size_t n_cells;
    unsigned width, height;
};

static void eval_done(struct eval *e)
{
    for (size_t i = 0; i < e->n_books; i++)
        free(e->books[i].name);
    free(e->books);
    free(e->last_page);
}

static void reading_done(struct reading *r)
{
    free(r->cells);
}

static void json_done(json_t **j)
{
    json_decref(*j);
}

/* A cell of the reading, if it is of this side and not blank: 1; 0: another's; -EBADMSG. */
static int parse_cell(json_t *j, enum brl_side side, struct brl_truth_cell *ret)
{
    const char *name = NULL, *dots = NULL;
    double b[4];
    brl_cell cell;

    if (json_unpack(j, "{s:s, s:s, s:[F,F,F,F]}", "side", &name, "dots", &dots, "box", &b[0], &b[1],
                    &b[2], &b[3]) < 0 ||
        brl_cell_parse(dots, &cell) < 0)
        return -EBADMSG;
    for (unsigned i = 0; i < 4; i++)
        if (!isfinite(b[i]) || fabs(b[i]) > 1e6)
            return -EBADMSG;
    if (b[2] < 0 || b[3] < 0)
        return -EBADMSG;
    if (cell == 0 || strcmp(name, side == BRL_VERSO ? "verso" : "recto") != 0)
        return 0;
    *ret = (struct brl_truth_cell){
        .cell = cell, .centre = {b[0] + b[2] / 2, b[1] + b[3] / 2}, .width = b[2], .height = b[3]};
    return 1;
}

static int parse_reading(const char *path, const char *text, size_t size, enum brl_side side,
                         struct reading *ret, struct fail *fail)
{
    json_error_t error;
    CLEANUP(json_done) json_t *root = json_loadb(text, size, 0, &error);
    json_t *cells = NULL;
    int width = 0, height = 0;

    if (!root ||
        json_unpack(root, "{s:{s:i, s:i}, s:o}", "page", "width", &width, "height", &height,
                    "cells", &cells) < 0 ||
        !json_is_array(cells) || width < 1 || height < 1)
        return fail_set(fail, FAIL_INPUT, -EBADMSG,
                        "'%s' is no reading%s%s; write it with 'braillectl read PAGE --format "
                        "json'",
                        path, root ? "" : ": ", root ? "" : error.text);
    ret->cells = calloc(json_array_size(cells) + 1, sizeof(*ret->cells));
    if (!ret->cells)
        return -ENOMEM;
    for (size_t i = 0; i < json_array_size(cells); i++) {
        const int r = parse_cell(json_array_get(cells, i), side, &ret->cells[ret->n_cells]);
        if (r < 0)
            return fail_set(fail, FAIL_INPUT, r,
                            "cell %zu of '%s' lacks a side, dots or a box of four numbers", i,
                            path);
        ret->n_cells += (size_t) r;
    }
    ret->width = (unsigned) width;
    ret->height = (unsigned) height;
    return 0;
}

static unsigned n_dots(unsigned cell)
{
    return (unsigned) __builtin_popcount(cell);
}

static double overlap(const struct brl_truth_cell *a, const struct brl_truth_cell *b)
{
    return brl_box_iou(a->centre, a->width * (1 + 2 * WIDEN), a->height + 2 * WIDEN * a->width,
                       b->centre, b->width * (1 + 2 * WIDEN), b->height + 2 * WIDEN * b->width, 0);
}

static int compare(const struct brl_truth *truth, const struct reading *reading, struct score *s)
{
    CLEANUP_FREE bool *paired = calloc(reading->n_cells + 1, sizeof(*paired));
    if (!paired)
        return -ENOMEM;

    for (size_t i = 0; i < truth->n_cells; i++) {
        const struct brl_truth_cell *t = &truth->cells[i];
        double best = 0.5;
        size_t at = SIZE_MAX;
        for (size_t k = 0; k < reading->n_cells; k++) {
            if (fabs(reading->cells[k].centre.x - t->centre.x) > 2 * t->width || paired[k])
                continue;
            const double iou = overlap(t, &reading->cells[k]);
            if (iou > best) {
                best = iou;
                at = k;
            }
        }
        s->dot.there += n_dots(t->cell);
        s->cell.there++;
        if (at == SIZE_MAX)
            continue;
        paired[at] = true;
        s->dot.right += n_dots(t->cell & reading->cells[at].cell);
        s->cell.right += t->cell == reading->cells[at].cell;
    }
    for (size_t k = 0; k < reading->n_cells; k++)
        s->dot.found += n_dots(reading->cells[k].cell);
    s->cell.found += reading->n_cells;
    return 0;
}

/* ---- which reading belongs to which annotation ---- */

/* "DIR/X+recto.txt" -> the side; -1: no annotation. `ret_n`: length of "DIR/X". */
static int annotation_side(const char *path, size_t *ret_n)
{
    static const char *const endings[2] = {"+recto.txt", "+verso.txt"};
    const size_t n = strlen(path);
    for (int side = 0; side < 2; side++)
        if (n > strlen(endings[side]) &&
            strcmp(path + n - strlen(endings[side]), endings[side]) == 0) {
            *ret_n = n - strlen(endings[side]);
            return side;
        }
    return -1;
}

/* The reading of a page in a folder of readings: in the same sub-folder or beside the others, for
 * both sides or for one. NULL when there is none. */
static char *find_reading(const char *folder, const char *relative, const char *base,
                          enum brl_side side)
{
    const char *const names[2] = {relative, base};
    const char *const ends[2] = {side == BRL_VERSO ? "+verso.json" : "+recto.json", ".json"};

    for (unsigned i = 0; i < 4; i++) {
        char *path;
        if (asprintf(&path, "%s/%s%s", folder, names[i / 2], ends[i % 2]) < 0)
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

static int eval_page(struct eval *e, const char *book_name, const char *page,
                     const char *truth_path, const char *reading_path, enum brl_side side,
                     struct fail *fail)
{
    CLEANUP_FREE uint8_t *text = NULL;
    CLEANUP(reading_done) struct reading reading = {0};
    CLEANUP(brl_truth_done) struct brl_truth truth = {0};
    size_t size;

    struct book *book = book_of(e, book_name);
    if (!book)
        return -ENOMEM;
    int r = file_read(reading_path, MAX_READING_BYTES, &text, &size, fail);
    if (r == 0)
        r = parse_reading(reading_path, (char *) text, size, side, &reading, fail);
    if (r == 0)
        r = brl_truth_load(truth_path, side, reading.width, reading.height, &truth, fail);
    if (r == 0)
        r = compare(&truth, &reading, &book->side[side]);
    if (r < 0)
        return r;
    book->n_pages[side]++;
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
    const int side = annotation_side(path, &n);
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
                        "no reading of '%s' in '%s'; write %s.json there, or use --skip-missing",
                        path, e->reading, base);
    }
    return eval_page(e, book, page, path, reading, (enum brl_side) side, fail);
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
                     "no annotation (X+recto.txt, X+verso.txt) with a reading under '%s'",
                     e->truth);
    return r;
}

/* ---- results ---- */

static double ratio(size_t a, size_t b)
{
    return b > 0 ? (double) a / (double) b : 1;
}

static double f1(const struct count *c)
{
    return ratio(2 * c->right, c->found + c->there);
}

static void add(struct count *to, const struct count *c)
{
    to->right += c->right;
    to->found += c->found;
    to->there += c->there;
}

static json_t *count_json(const struct count *c)
{
    return json_pack("{s:f, s:f, s:f, s:I, s:I, s:I}", "p", ratio(c->right, c->found), "r",
                     ratio(c->right, c->there), "f1", f1(c), "right", (json_int_t) c->right,
                     "found", (json_int_t) c->found, "there", (json_int_t) c->there);
}

static json_t *score_json(const struct score *s)
{
    return json_pack("{s:o, s:o}", "dot", count_json(&s->dot), "cell", count_json(&s->cell));
}

static int print_json(const struct eval *e, const struct score total[2], const size_t n_pages[2])
{
    static const char *const sides[2] = {"recto", "verso"};
    CLEANUP(json_done)
    json_t *root = json_pack("{s:I, s:{}}", "pages", (json_int_t) e->n_pages, "books");

    for (unsigned s = 0; s < 2; s++)
        if (n_pages[s] > 0)
            json_object_set_new(root, sides[s], score_json(&total[s]));
    json_t *books = json_object_get(root, "books");
    for (size_t i = 0; i < e->n_books; i++) {
        json_t *b = json_object();
        for (unsigned s = 0; s < 2; s++)
            if (e->books[i].n_pages[s] > 0)
                json_object_set_new(b, sides[s], score_json(&e->books[i].side[s]));
        json_object_set_new(books, e->books[i].name, b);
    }
    if (json_dumpf(root, stdout, JSON_REAL_PRECISION(6)) < 0 && !ferror(stdout))
        return -ENOMEM; /* a full disk is told of by subcommand_main() */
    putchar('\n');
    return 0;
}

static void print_row(const char *name, const char *side, size_t pages, const struct score *s)
{
    printf("%-28.28s %-5s %4zu  %.4f %.4f %.4f  %.4f %.4f %.4f  %6zu\n", name, side, pages,
           ratio(s->dot.right, s->dot.found), ratio(s->dot.right, s->dot.there), f1(&s->dot),
           ratio(s->cell.right, s->cell.found), ratio(s->cell.right, s->cell.there), f1(&s->cell),
           s->cell.there);
}

static int print(const struct eval *e)
{
    static const char *const sides[2] = {"recto", "verso"};
    struct score total[2] = {0};
    size_t n_pages[2] = {0};

    for (size_t i = 0; i < e->n_books; i++)
        for (unsigned s = 0; s < 2; s++) {
            add(&total[s].dot, &e->books[i].side[s].dot);
            add(&total[s].cell, &e->books[i].side[s].cell);
            n_pages[s] += e->books[i].n_pages[s];
        }
    if (e->json)
        return print_json(e, total, n_pages);
    printf("%-28s %-5s %4s  %-20s  %-20s  %6s\n", "book", "side", "pp.", "dot P      R      F1",
           "cell P     R      F1", "cells");
    for (unsigned s = 0; s < 2; s++)
        for (size_t i = 0; i < e->n_books; i++)
            if (e->books[i].n_pages[s] > 0)
                print_row(e->books[i].name, sides[s], e->books[i].n_pages[s], &e->books[i].side[s]);
    for (unsigned s = 0; s < 2; s++)
        if (n_pages[s] > 0)
            print_row("all", sides[s], n_pages[s], &total[s]);
    return 0;
}

static const char help[] =
    "usage: braille-eval reading TRUTH READING [--json] [--skip-missing]\n\n"
    "Compare readings (braillectl read --format json) with DSBI annotations.\n"
    "TRUTH is X+recto.txt or X+verso.txt, or a folder of such, one sub-folder a book;\n"
    "READING is a file, or a folder with X.json, X+recto.json or X+verso.json.\n\n"
    "      --json           one JSON object\n"
    "      --skip-missing   leave out pages without a reading\n";

int eval_reading(int argc, char **argv)
{
    static const struct option options[] = {{"json", no_argument, NULL, 'j'},
                                            {"skip-missing", no_argument, NULL, 's'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    CLEANUP(eval_done) struct eval e = {0};
    struct fail fail = {0};

    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        if (c == 'h') {
            fputs(help, stdout);
            return 0;
        }
        if (c == '?')
            return FAIL_USAGE;
        e.json |= c == 'j';
        e.skip_missing |= c == 's';
    }
    if (argc - optind != 2) {
        fputs(help, stderr);
        return FAIL_USAGE;
    }
    e.truth = argv[optind];
    e.reading = argv[optind + 1];
    size_t n;
    const int side = annotation_side(e.truth, &n);
    int r = side < 0
                ? eval_folder(&e, &fail)
                : eval_page(&e, "pages", e.truth, e.truth, e.reading, (enum brl_side) side, &fail);
    if (r == 0)
        r = print(&e);
    if (r < 0) {
        fail_set(&fail, FAIL_OTHER, r, "%m");
        log_error("braille-eval reading: %s", fail.text);
        return (int) fail.kind;
    }
    return 0;
}
