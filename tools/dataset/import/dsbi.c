/* SPDX-License-Identifier: Apache-2.0
 *
 * The Double-Sided Braille Image dataset: X.jpg (or X+recto.jpg) with X+recto.txt and X+verso.txt.
 * Each side is a record of the one picture.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "braille/dsbi.h"
#include "tools/dataset/import/import.h"

#define CUT (sizeof("+recto.txt") - 1)

static int add(struct import_list *list, const char *root, const char *path, struct fail *fail)
{
    struct import_item item = {.root = root, .path = strdup(path)};

    if (!item.path)
        return -ENOMEM;
    item.side = import_ends(path, "+verso.txt") ? BRL_VERSO : BRL_RECTO;
    CLEANUP_FREE char *page = strndup(path, strlen(path) - CUT);
    if (!page) {
        free(item.path);
        return -ENOMEM;
    }
    return import_add(list, item, page);
}

static int list(const char *source, struct import_list *list, struct fail *fail)
{
    static const char *const endings[] = {"+recto.txt", "+verso.txt", NULL};
    return import_walk(source, endings, list, add, fail);
}

static int find(const struct import_options *o, struct import_work *w, struct fail *fail)
{
    static const char *const ends[] = {"", "+recto"}; /* the verso is seen in the recto's picture */
    const struct import_item *item = w->item;

    w->suffix = item->side == BRL_VERSO ? "+verso" : "+recto";
    int r = import_set_name(o, w, CUT);
    for (size_t i = 0; i < ELEMENTSOF(ends) && r == 0 && !w->picture; i++) {
        CLEANUP_FREE char *stem = import_join(item->root, item->path, CUT, ends[i]);
        r = stem ? import_picture(stem, &w->picture) : -ENOMEM;
    }
    if (r == 0 && !w->picture)
        r = fail_set(fail, FAIL_OPEN, -ENOENT, "there is no picture %.*s.jpg beside it",
                     (int) (strlen(item->path) - CUT), item->path);
    return r;
}

/* As this side's reader counts: the verso from the right of the picture. */
static struct manifest_place place(const struct brl_truth *t, const struct brl_truth_cell *c,
                                   enum brl_side side)
{
    const unsigned column = side == BRL_VERSO ? t->n_columns - 1 - c->column : c->column;
    return (struct manifest_place){c->row, column};
}

static int compare_cells(const void *a, const void *b, void *side)
{
    const struct brl_truth_cell *x = a, *y = b;
    const int turn = *(enum brl_side *) side == BRL_VERSO ? -1 : 1;
    return x->row != y->row ? (int) x->row - y->row : turn * ((int) x->column - y->column);
}

static int set_truth(struct manifest_record *record, struct brl_truth *t, enum brl_side side)
{
    record->cells = malloc(t->n_cells + 1);
    record->boxes = malloc((t->n_cells + 1) * sizeof(*record->boxes));
    record->places = malloc((t->n_cells + 1) * sizeof(*record->places));
    if (!record->cells || !record->boxes || !record->places)
        return -ENOMEM;
    if (t->n_cells > 0)
        qsort_r(t->cells, t->n_cells, sizeof(*t->cells), compare_cells, &side);
    for (size_t i = 0; i < t->n_cells; i++) {
        const struct brl_truth_cell *c = &t->cells[i];
        record->cells[i] = c->cell;
        record->boxes[i] = (struct manifest_box){c->centre.x - c->width / 2,
                                                 c->centre.y - c->height / 2, c->width, c->height};
        record->places[i] = place(t, c, side);
    }
    record->n_cells = t->n_cells;
    record->skew_deg = t->angle_deg;
    return manifest_set(&record->side, side == BRL_VERSO ? "verso" : "recto");
}

static int label(const struct import_options *o, struct import_work *w, const struct image *img,
                 struct fail *fail)
{
    CLEANUP_FREE char *path = import_join(w->item->root, w->item->path, 0, "");
    struct brl_truth truth = {0};

    if (!path)
        return -ENOMEM;
    int r = brl_truth_load(path, w->item->side, img->width, img->height, &truth, fail);
    if (r == 0 && !(truth.angle_deg >= -360 && truth.angle_deg <= 360))
        r = fail_set(fail, FAIL_INPUT, -EBADMSG, "its angle is out of range");
    if (r == 0)
        r = set_truth(&w->record, &truth, w->item->side);
    brl_truth_done(&truth);
    return r;
}

const struct import_format import_dsbi = {
    .name = "dsbi",
    .type = "page",
    .what = "X+recto.txt and X+verso.txt beside X.jpg, or folders of them",
    .list = list,
    .find = find,
    .label = label,
};
