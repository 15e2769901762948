/* SPDX-License-Identifier: Apache-2.0
 *
 * The form of the Double-Sided Braille Image dataset: X.jpg with X+recto.txt and X+verso.txt, the
 * sides of one picture beside it.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "braille/dsbi.h"
#include "tools/dataset/export/export.h"

static int open_dsbi(const struct export_options *o, const char *dir, void **ret, struct fail *fail)
{
    *ret = (void *) dir;
    return 0;
}

static int leave_out(struct export_item *item, const char *why)
{
    fail_set(&item->why, FAIL_INPUT, -ENODATA, "%s", why);
    return EXPORT_SKIP;
}

/* "images/a/b.png" -> "a+b": records of one picture get one name. */
static char *name_of(const struct manifest_record *record)
{
    const char *path = record->image;
    const size_t n = strncmp(path, "images/", 7) == 0 ? 7 : 0;
    char *name = strdup(path + n);

    if (!name)
        return NULL;
    for (char *p = name; (p = strchr(p, '/')) != NULL;)
        *p = '+';
    char *dot = strrchr(name, '.');
    if (dot && dot != name)
        *dot = 0;
    return name;
}

/* The places as they lie in the picture; a record without them is one line. */
static int fill_in(const struct export_item *item, enum brl_side side, struct brl_truth *truth)
{
    const struct manifest_record *record = &item->record;
    unsigned most = 0;

    truth->cells = calloc(record->n_cells + 1, sizeof(*truth->cells));
    if (!truth->cells)
        return -ENOMEM;
    truth->angle_deg = record->skew_deg;
    for (size_t i = 0; i < record->n_cells; i++)
        most = MAX(most, record->places ? record->places[i].column : (unsigned) i);
    if (most >= UINT16_MAX)
        return -E2BIG;
    for (size_t i = 0; i < record->n_cells; i++) {
        const struct manifest_box *b = &record->boxes[i];
        const unsigned row = record->places ? record->places[i].row : 0;
        const unsigned column = record->places ? record->places[i].column : (unsigned) i;
        if (row >= UINT16_MAX)
            return -E2BIG;
        truth->cells[truth->n_cells++] = (struct brl_truth_cell){
            .row = (uint16_t) row,
            .column = (uint16_t) (side == BRL_VERSO ? most - column : column),
            .cell = record->cells[i],
            .centre = {b->x + b->w / 2, b->y + b->h / 2},
            .width = b->w,
            .height = b->h,
        };
    }
    truth->n_columns = record->n_cells ? most + 1 : 0;
    return 0;
}

/* Once; the other side's record has the same picture. 1: there is another one of this name. */
static int write_picture(const char *dir, const char *name, const struct export_item *item,
                         struct fail *fail)
{
    CLEANUP_FREE char *path = manifest_path(dir, name);
    char there[HASH_TEXT], new[HASH_TEXT];

    if (!path)
        return -ENOMEM;
    if (access(path, F_OK) < 0)
        return export_write(dir, name, item->bytes, item->n_bytes, fail);
    int r = hash_sha256_file(path, there, fail);
    if (r == 0)
        r = hash_sha256(item->bytes, item->n_bytes, new);
    return r < 0 ? r : strcmp(there, new) != 0;
}

static int add_dsbi(void *state, struct export_item *item, struct fail *fail)
{
    const char *dir = state;
    const struct manifest_record *record = &item->record;
    const bool is_page = record->type && strcmp(record->type, "page") == 0;
    const enum brl_side side =
        record->side && strcmp(record->side, "verso") == 0 ? BRL_VERSO : BRL_RECTO;
    CLEANUP(brl_truth_done) struct brl_truth truth = {0};
    CLEANUP_FREE char *text = NULL, *stem = name_of(record), *picture = NULL, *note = NULL;
    CLEANUP_FREE char *path = NULL;

    if (!record->cells || !record->boxes)
        return leave_out(item, "it has no boxes of cells");
    if (is_page && !record->places && record->n_cells > 0)
        return leave_out(item, "it is a page without the cells' rows and columns");
    if (!stem || asprintf(&picture, "%s.%s", stem, item->ending) < 0 ||
        asprintf(&note, "%s+%s.txt", stem, side == BRL_VERSO ? "verso" : "recto") < 0 ||
        !(path = manifest_path(dir, note)))
        return -ENOMEM;
    if (strlen(stem) > MANIFEST_MAX_NAME)
        return leave_out(item, "its picture's name is too long");
    if (access(path, F_OK) == 0)
        return leave_out(item, "another record is of this side of this picture");
    int r = fill_in(item, side, &truth);
    if (r == 0)
        r = brl_truth_format(&truth, side, item->width, item->height, &text);
    if (r == -EINVAL || r == -E2BIG)
        return leave_out(item, "its cells do not stand on a grid that DSBI can tell");
    if (r == 0)
        r = write_picture(dir, picture, item, fail);
    if (r > 0)
        return leave_out(item, "another picture has its name");
    return r < 0 ? r : export_write(dir, note, text, strlen(text), fail);
}

static int finish_dsbi(void *state, struct fail *fail)
{
    return 0;
}

static void done_dsbi(void *state)
{
}

const struct export_format export_dsbi = {
    .name = "dsbi",
    .open = open_dsbi,
    .add = add_dsbi,
    .finish = finish_dsbi,
    .done = done_dsbi,
};
