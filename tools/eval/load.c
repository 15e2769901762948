/* SPDX-License-Identifier: Apache-2.0 */

#include "tools/eval/reading.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "image/image.h"

#define MAX_READING_BYTES ((size_t) 64 << 20)

static void json_done(json_t **j)
{
    json_decref(*j);
}

void eval_page_done(struct eval_page *page)
{
    free(page->truth.cells);
    free(page->reading.cells);
    *page = (struct eval_page){0};
}

static void widen(struct eval_cell *c, double margin)
{
    c->width += 2 * margin;
    c->height += 2 * margin;
}

static int by_place(const void *a, const void *b)
{
    const struct eval_cell *x = a, *y = b;
    return x->row != y->row ? (x->row < y->row ? -1 : 1)
                            : (x->column > y->column) - (x->column < y->column);
}

static void sort(struct eval_cells *cells)
{
    if (cells->n > 0)
        qsort(cells->cells, cells->n, sizeof(*cells->cells), by_place);
}

/* ---- readings of braillectl ---- */

/* A cell of the reading, if it is of this side and not blank: 1; 0: another's; -EBADMSG.
 * `lies`: the page is turned by 90 or 270 degrees, a cell's width is its box's height. */
static int parse_cell(json_t *j, enum brl_side side, bool lies, struct eval_cell *ret)
{
    const char *name = NULL, *dots = NULL;
    json_int_t row = 0, column = 0;
    double b[4], p = -1;
    brl_cell cell;

    if (json_unpack(j, "{s:s, s:s, s:[F,F,F,F], s?I, s?I, s?F}", "side", &name, "dots", &dots,
                    "box", &b[0], &b[1], &b[2], &b[3], "row", &row, "column", &column, "p",
                    &p) < 0 ||
        brl_cell_parse(dots, &cell) < 0)
        return -EBADMSG;
    for (unsigned i = 0; i < 4; i++)
        if (!isfinite(b[i]) || fabs(b[i]) > 1e6)
            return -EBADMSG;
    if (b[2] < 0 || b[3] < 0 || row < 0 || row > UINT16_MAX || column < 0 || column > UINT16_MAX)
        return -EBADMSG;
    if (cell == 0 || strcmp(name, side == BRL_VERSO ? "verso" : "recto") != 0)
        return 0;
    *ret = (struct eval_cell){.row = (uint16_t) row,
                              .column = (uint16_t) column,
                              .cell = cell,
                              .centre = {b[0] + b[2] / 2, b[1] + b[3] / 2},
                              .width = b[2],
                              .height = b[3],
                              .p = p};
    widen(ret, EVAL_WIDEN * (lies ? b[3] : b[2]));
    return 1;
}

static int parse_reading(const char *path, const char *text, size_t size, enum brl_side side,
                         struct eval_cells *ret, unsigned *ret_width, unsigned *ret_height,
                         struct fail *fail)
{
    json_error_t error;
    CLEANUP(json_done) json_t *root = json_loadb(text, size, 0, &error);
    json_t *cells = NULL;
    json_int_t width = 0, height = 0, turned = 0;

    if (!root ||
        json_unpack(root, "{s:{s:I, s:I, s?I}, s:o}", "page", "width", &width, "height", &height,
                    "orientation", &turned, "cells", &cells) < 0 ||
        !json_is_array(cells) || width < 1 || height < 1 || width > 1000000 || height > 1000000)
        return fail_set(fail, FAIL_INPUT, -EBADMSG,
                        "'%s' is no reading%s%s; write it with 'braillectl read PAGE --format "
                        "json' or '--format dsbi'",
                        path, root ? "" : ": ", root ? "" : error.text);
    if (json_array_size(cells) > 2 * EVAL_MAX_CELLS) /* both sides may be in it */
        return fail_set(fail, FAIL_INPUT, -E2BIG, "'%s' has more cells than a page can have", path);
    *ret_width = (unsigned) width;
    *ret_height = (unsigned) height;
    ret->cells = calloc(json_array_size(cells) + 1, sizeof(*ret->cells));
    if (!ret->cells)
        return -ENOMEM;
    for (size_t i = 0; i < json_array_size(cells); i++) {
        const int r = parse_cell(json_array_get(cells, i), side, turned == 90 || turned == 270,
                                 &ret->cells[ret->n]);
        if (r < 0)
            return fail_set(fail, FAIL_INPUT, r,
                            "cell %zu of '%s' lacks a side, dots or a box of four numbers", i,
                            path);
        ret->n += (size_t) r;
    }
    return 0;
}

/* ---- annotations ---- */

/* Annotated boxes lie along the page; where that lies on its side, so do they. */
static int take_truth(const struct brl_truth *t, enum brl_side side, const char *path,
                      struct eval_cells *ret, struct fail *fail)
{
    const double turn = fabs(fmod(t->angle_deg, 180));
    const bool lies = turn > 45 && turn < 135;

    if (t->n_cells > EVAL_MAX_CELLS)
        return fail_set(fail, FAIL_INPUT, -E2BIG, "'%s' has more cells than a page can have", path);
    ret->cells = calloc(t->n_cells + 1, sizeof(*ret->cells));
    if (!ret->cells)
        return -ENOMEM;
    ret->n = t->n_cells;
    for (size_t i = 0; i < t->n_cells; i++) {
        const struct brl_truth_cell *c = &t->cells[i];
        ret->cells[i] = (struct eval_cell){
            .row = c->row,
            .column = (uint16_t) (side == BRL_VERSO ? t->n_columns - 1u - c->column : c->column),
            .cell = c->cell,
            .centre = c->centre,
            .width = lies ? c->height : c->width,
            .height = lies ? c->width : c->height,
            .p = -1};
        widen(&ret->cells[i], EVAL_WIDEN * c->width);
    }
    return 0;
}

/* The size of the picture beside an annotation "DIR/X+recto.txt"; -ENOENT when there is none. */
static int picture_size(const char *path, unsigned *ret_width, unsigned *ret_height)
{
    static const char *const endings[] = {".jpg", ".png", ".jpeg", ".tif", ".tiff", ".pgm"};
    const char *plus = strrchr(path, '+');
    int r = -ENOENT;

    for (size_t i = 0; i < ELEMENTSOF(endings) && plus && r == -ENOENT; i++) {
        CLEANUP(image_freep) struct image *img = NULL;
        CLEANUP_FREE char *name = NULL;
        if (asprintf(&name, "%.*s%s", (int) (plus - path), path, endings[i]) < 0)
            return -ENOMEM;
        if (access(name, R_OK) < 0)
            continue;
        r = image_load(name, &img, NULL);
        if (r == 0) {
            *ret_width = img->width;
            *ret_height = img->height;
        }
    }
    return r;
}

/* The truth of a page and what is known to be wrong in it. */
struct labels {
    const char *path;
    enum brl_side side;
    struct brl_change *changes; ///< owned
    size_t n_changes;
};

static void labels_done(struct labels *l)
{
    free(l->changes);
}

static int load_truth(const struct labels *l, unsigned width, unsigned height,
                      struct brl_truth *ret, struct fail *fail)
{
    return brl_truth_load_changed(l->path, l->side, width, height, l->changes, l->n_changes, ret,
                                  fail);
}

static int load_both(const struct labels *l, const char *reading_path, unsigned width,
                     unsigned height, struct brl_truth *truth, struct brl_truth *reading,
                     struct fail *fail)
{
    int r = load_truth(l, width, height, truth, fail);
    return r < 0 ? r : brl_truth_load(reading_path, l->side, width, height, reading, fail);
}

/* Two annotations: at one angle any size will do, it moves both alike. */
static int load_annotations(const struct labels *l, const char *reading_path,
                            struct eval_page *page, struct fail *fail)
{
    CLEANUP(brl_truth_done) struct brl_truth truth = {0}, reading = {0};
    unsigned width = 1, height = 1;

    int r = load_both(l, reading_path, width, height, &truth, &reading, fail);
    if (r == 0 && truth.n_cells && reading.n_cells && truth.angle_deg != reading.angle_deg) {
        r = picture_size(l->path, &width, &height);
        if (r == -ENOENT)
            r = picture_size(reading_path, &width, &height);
        if (r < 0)
            return fail_set(fail, FAIL_OPEN, r,
                            "'%s' and '%s' are at different angles, which needs the size of the "
                            "picture; put it beside one of them (X.jpg or X.png)",
                            l->path, reading_path);
        brl_truth_done(&truth);
        brl_truth_done(&reading);
        r = load_both(l, reading_path, width, height, &truth, &reading, fail);
    }
    if (r == 0)
        r = take_truth(&truth, l->side, l->path, &page->truth, fail);
    return r < 0 ? r : take_truth(&reading, l->side, reading_path, &page->reading, fail);
}

static bool ends_with(const char *text, const char *end)
{
    const size_t n = strlen(text), m = strlen(end);
    return n > m && strcmp(text + n - m, end) == 0;
}

static int load_json(const struct labels *l, const char *reading_path, const char *text,
                     size_t size, struct eval_page *page, struct fail *fail)
{
    CLEANUP(brl_truth_done) struct brl_truth truth = {0};
    unsigned width = 0, height = 0;

    int r = parse_reading(reading_path, text, size, l->side, &page->reading, &width, &height, fail);
    if (r < 0)
        return r;
    page->loose = ends_with(l->path, ".csv");
    if (page->loose)
        return eval_boxes_load(l->path, width, height, &page->truth, fail);
    r = load_truth(l, width, height, &truth, fail);
    return r < 0 ? r : take_truth(&truth, l->side, l->path, &page->truth, fail);
}

/* An annotation begins with a number, JSON never with one of ours. */
static bool is_annotation(const char *path, const char *text)
{
    const char *first = text + strspn(text, " \t\r\n");
    return *first ? strchr("+-.0123456789", *first) != NULL : ends_with(path, ".txt");
}

int eval_page_load(const char *truth_path, const char *reading_path, enum brl_side side,
                   const struct eval_corrections *corrections, struct eval_page *ret,
                   struct fail *fail)
{
    CLEANUP(labels_done) struct labels labels = {.path = truth_path, .side = side};
    CLEANUP_FREE uint8_t *text = NULL;
    struct eval_page page = {0};
    size_t size;

    int r = file_read(reading_path, MAX_READING_BYTES, &text, &size, fail);
    if (r < 0)
        return r;
    if (corrections)
        r = eval_corrections_of(corrections, truth_path, side, &labels.changes, &labels.n_changes);
    if (r == 0)
        r = is_annotation(reading_path, (char *) text) && !ends_with(truth_path, ".csv")
                ? load_annotations(&labels, reading_path, &page, fail)
                : load_json(&labels, reading_path, (char *) text, size, &page, fail);
    if (r < 0) {
        eval_page_done(&page);
        return r;
    }
    sort(&page.truth);
    sort(&page.reading);
    *ret = page;
    return 0;
}
