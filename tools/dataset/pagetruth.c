/* SPDX-License-Identifier: Apache-2.0 */

#include "tools/dataset/pagetruth.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "braille/dsbi.h"
#include "lang/lang.h"
#include "manifest/manifest.h"

const char *const page_unit_names[N_UNITS] = {"cell", "syllable", "word", "line"};

/* A cell while the page is put into reading order. */
struct entry {
    struct brl_cut_cell cell;
    struct manifest_place place;
};

static int by_place(const void *a, const void *b)
{
    const struct manifest_place *x = &((const struct entry *) a)->place;
    const struct manifest_place *y = &((const struct entry *) b)->place;
    if (x->row != y->row)
        return x->row < y->row ? -1 : 1;
    return (x->column > y->column) - (x->column < y->column);
}

/* The six dots of a box that lies turned clockwise. */
static void place_dots(struct brl_point centre, double w, double h, double turn_deg,
                       struct brl_point dot[6])
{
    const double c = cos(turn_deg * M_PI / 180), s = sin(turn_deg * M_PI / 180);

    for (unsigned d = 0; d < 6; d++) {
        const double dx = (d / 3) * w - w / 2, dy = (d % 3) * h / 2 - h / 2;
        dot[d] = (struct brl_point){centre.x + dx * c - dy * s, centre.y + dx * s + dy * c};
    }
}

/* The page as the reader of its other side sees it: dents become bumps under the same light. */
static void see_verso(struct image *img, struct entry *e, size_t n)
{
    unsigned last = 0;

    for (unsigned y = 0; y < img->height; y++) {
        uint8_t *row = img->data + y * img->stride;
        for (unsigned x = 0, k = img->width - 1; x <= k; x++, k--) {
            const uint8_t left = row[x];
            row[x] = (uint8_t) (255 - row[k]);
            row[k] = (uint8_t) (255 - left);
            if (k == 0)
                break;
        }
    }
    for (size_t i = 0; i < n; i++)
        last = MAX(last, e[i].place.column);
    for (size_t i = 0; i < n; i++) {
        struct brl_point was[6];
        memcpy(was, e[i].cell.dot, sizeof(was));
        for (unsigned d = 0; d < 6; d++) /* dots 1-4, 2-5, 3-6 swap */
            e[i].cell.dot[d] =
                (struct brl_point){img->width - 1 - was[(d + 3) % 6].x, was[(d + 3) % 6].y};
        e[i].place.column = last - e[i].place.column;
    }
}

static int take_entries(struct page_truth *page, struct entry *e, size_t n)
{
    double sum = 0;

    qsort(e, n, sizeof(*e), by_place);
    page->cells = calloc(n + 1, sizeof(*page->cells));
    page->place = calloc(n + 1, sizeof(*page->place));
    if (!page->cells || !page->place)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        const struct brl_point *dot = e[i].cell.dot;
        page->cells[i] = e[i].cell;
        page->place[i] = e[i].place;
        sum += hypot(dot[2].x - dot[0].x, dot[2].y - dot[0].y) / 4 +
               hypot(dot[3].x - dot[0].x, dot[3].y - dot[0].y) / 2;
    }
    page->n_cells = n;
    page->pitch_px = n ? sum / (double) n : 0;
    return 0;
}

static int load_grey(const char *path, struct image **ret, struct fail *fail)
{
    CLEANUP(image_freep) struct image *img = NULL;

    int r = image_load(path, &img, fail);
    return r < 0 ? r : image_to_grey(img, ret);
}

int page_truth_dsbi(const char *picture, enum brl_side side, struct page_truth *ret,
                    struct fail *fail)
{
    CLEANUP(page_truth_done) struct page_truth page = {0};
    CLEANUP(brl_truth_done) struct brl_truth truth = {0};
    CLEANUP_FREE struct entry *e = NULL;
    CLEANUP_FREE char *path = NULL;
    const char *dot = strrchr(picture, '.'), *slash = strrchr(picture, '/');
    const int stem =
        (int) (dot && (!slash || dot > slash) ? (size_t) (dot - picture) : strlen(picture));

    if (asprintf(&path, "%.*s+%s.txt", stem, picture, side == BRL_VERSO ? "verso" : "recto") < 0) {
        path = NULL;
        return -ENOMEM;
    }
    int r = load_grey(picture, &page.img, fail);
    if (r == 0)
        r = brl_truth_load(path, side, page.img->width, page.img->height, &truth, fail);
    if (r < 0)
        return r;
    e = calloc(truth.n_cells + 1, sizeof(*e));
    if (!e)
        return -ENOMEM;
    for (size_t i = 0; i < truth.n_cells; i++) {
        const struct brl_truth_cell *c = &truth.cells[i];
        e[i] = (struct entry){.cell.cell = c->cell, .place = {c->row, c->column}};
        place_dots(c->centre, c->width, c->height, truth.angle_deg, e[i].cell.dot);
    }
    if (side == BRL_VERSO)
        see_verso(page.img, e, truth.n_cells);
    page.dpi = page.img->dpi;
    r = take_entries(&page, e, truth.n_cells);
    if (r < 0)
        return r;
    *ret = page;
    page = (struct page_truth){0};
    return 0;
}

int page_truth_record(const char *dir, const struct manifest_record *record, struct page_truth *ret,
                      struct fail *fail)
{
    CLEANUP(page_truth_done) struct page_truth page = {0};
    CLEANUP_FREE struct entry *e = NULL;
    CLEANUP_FREE char *path = manifest_path(dir, record->image);
    size_t n = 0;

    if (!record->boxes || !record->places)
        return fail_set(fail, FAIL_INPUT, -ENODATA,
                        "'%s' does not say where its cells are; import it with its annotation",
                        record->id);
    e = calloc(record->n_cells + 1, sizeof(*e));
    if (!e || !path)
        return -ENOMEM;
    int r = load_grey(path, &page.img, fail);
    if (r < 0)
        return r;
    for (size_t i = 0; i < record->n_cells; i++) {
        const struct manifest_box *b = &record->boxes[i];
        if (!record->cells[i])
            continue;
        e[n] = (struct entry){.cell.cell = record->cells[i], .place = record->places[i]};
        place_dots((struct brl_point){b->x + b->w / 2, b->y + b->h / 2}, b->w, b->h,
                   record->skew_deg, e[n++].cell.dot);
    }
    if (record->side && strcmp(record->side, "verso") == 0)
        see_verso(page.img, e, n);
    page.dpi = record->dpi;
    r = take_entries(&page, e, n);
    if (r < 0)
        return r;
    *ret = page;
    page = (struct page_truth){0};
    return 0;
}

void page_truth_done(struct page_truth *page)
{
    image_free(page->img);
    free(page->cells);
    free(page->place);
    *page = (struct page_truth){0};
}

/* ---- units ---- */

struct runs {
    struct page_run *run;
    size_t n, room;
};

static char *braille_text(const struct brl_cut_cell *cells, size_t n)
{
    char *text = calloc(n, 3 + 1);
    for (size_t i = 0; text && i < n; i++)
        brl_cell_utf8(cells[i].cell, text + 3 * i);
    return text;
}

/* Cells [first, first + n) with the blanks and line ends between them. *ret owned. */
static int list_cells(const struct page_truth *page, size_t first, size_t n, uint8_t **ret,
                      size_t *ret_n)
{
    size_t room = n, k = 0;

    for (size_t i = first + 1; i < first + n; i++)
        room += page->place[i].row != page->place[i - 1].row ? 1 : page->place[i].column;
    uint8_t *out = calloc(room + 1, 1);
    if (!out)
        return -ENOMEM;
    for (size_t i = first; i < first + n; i++) {
        if (i > first && page->place[i].row != page->place[i - 1].row)
            out[k++] = LANG_LINE_END;
        else if (i > first && page->place[i].column > page->place[i - 1].column + 1)
            out[k++] = 0; /* one blank parts words as well as many */
        out[k++] = page->cells[i].cell;
    }
    *ret = out;
    *ret_n = k;
    return 0;
}

int page_truth_find_code(struct page_truth *page)
{
    CLEANUP_FREE uint8_t *cells = NULL;
    struct lang_choice choice;
    struct lang_text text = {0};
    size_t n = 0;

    int r = list_cells(page, 0, page->n_cells, &cells, &n);
    if (r == 0)
        r = lang_decode_any(cells, n, &text, &choice);
    if (r < 0)
        return r;
    page->code = choice.code;
    lang_text_done(&text);
    return 0;
}

/* What the cells read, or NULL where some of them read nothing. */
static int read_text(const struct page_truth *page, size_t first, size_t n, char **ret)
{
    CLEANUP_FREE uint8_t *cells = NULL;
    struct lang_text text = {0};
    bool known = true;

    *ret = NULL;
    int r = list_cells(page, first, n, &cells, &n);
    if (r == 0)
        r = lang_decode_code(page->code, cells, n, &text);
    if (r < 0)
        return r;
    for (size_t i = 0; i < text.n; i++)
        known = known && text.tokens[i].kind != LANG_UNKNOWN;
    if (known && text.n > 0)
        r = lang_pinyin(&text, ret);
    lang_text_done(&text);
    return r;
}

static int add_run(struct runs *runs, const struct page_truth *page, size_t first, size_t n,
                   bool decode)
{
    char *text = NULL;

    if (runs->n == runs->room) {
        const size_t room = MAX(runs->room * 2, (size_t) 256);
        struct page_run *more = realloc(runs->run, room * sizeof(*more));
        if (!more)
            return -ENOMEM;
        runs->run = more;
        runs->room = room;
    }
    int r = decode ? read_text(page, first, n, &text) : 0;
    if (r == 0 && (!text || !*text)) {
        free(text);
        text = braille_text(page->cells + first, n);
        r = text ? 0 : -ENOMEM;
    }
    if (r < 0)
        return r;
    runs->run[runs->n++] = (struct page_run){.first = first, .n = n, .text = text};
    return 0;
}

/* The pieces of a word that are read as one: syllables, numbers, signs. */
static int add_syllables(struct runs *runs, const struct page_truth *page, size_t first, size_t n)
{
    CLEANUP_FREE uint8_t *cells = NULL;
    struct lang_text text = {0};
    size_t n_read = 0;

    int r = list_cells(page, first, n, &cells, &n_read); /* a word has no gaps: as many as n */
    if (r == 0)
        r = lang_decode_code(page->code, cells, n_read, &text);
    for (size_t i = 0; i < text.n && r == 0; i++) {
        const struct lang_token *t = &text.tokens[i];
        if (t->kind != LANG_SPACE && t->kind != LANG_UNKNOWN && t->n_cells > 0 &&
            t->first + t->n_cells <= n)
            r = add_run(runs, page, first + t->first, t->n_cells, true);
    }
    lang_text_done(&text);
    return r;
}

/* Cells that follow each other without a gap. */
static size_t run_length(const struct page_truth *page, size_t first, bool over_gaps)
{
    size_t n = 1;

    while (first + n < page->n_cells) {
        const struct manifest_place *a = &page->place[first + n - 1], *b = &page->place[first + n];
        if (b->row != a->row || (!over_gaps && b->column != a->column + 1))
            break;
        n++;
    }
    return n;
}

int page_runs(const struct page_truth *page, enum page_unit unit, struct page_run **ret,
              size_t *ret_n)
{
    struct runs runs = {0};
    int r = 0;

    for (size_t first = 0, n; first < page->n_cells && r == 0; first += n) {
        n = unit == UNIT_CELL ? 1 : run_length(page, first, unit == UNIT_LINE);
        if (unit == UNIT_SYLLABLE)
            r = add_syllables(&runs, page, first, n);
        else
            r = add_run(&runs, page, first, n, unit != UNIT_CELL);
    }
    if (r < 0) {
        page_runs_free(runs.run, runs.n);
        return r;
    }
    *ret = runs.run;
    *ret_n = runs.n;
    return 0;
}

void page_runs_free(struct page_run *runs, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(runs[i].text);
    free(runs);
}
