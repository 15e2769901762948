/* SPDX-License-Identifier: Apache-2.0
 *
 * Truth of photographs as the Angelina data set has it (Ovodov, ICCV Workshops 2021): CSV of
 * `left;top;right;bottom;label`, edges as fractions of the picture, the label's bits are the dots.
 * Only the front side is labelled, in no lines and columns. A box is the cell's dots and a margin,
 * the same on every side: the dots stand `a` apart and twice that one over the other, so a box of
 * (a + 2m) x (2a + 2m) has a = height - width. Boxes were drawn by hand; the share a / width of the
 * page's middle box serves for all.
 */

#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/file.h"
#include "tools/eval/reading.h"

#define MAX_BYTES ((size_t) 16 << 20)
#define LEAST_SHARE 0.2 ///< of the pitch in the width; no margin would be 1

/* `v`: left, top, right, bottom, label. */
static int parse_line(const char *line, double v[5])
{
    for (unsigned i = 0; i < 5; i++) {
        char *end;
        v[i] = strtod(line, &end);
        if (end == line || *end != (i < 4 ? ';' : 0) || !isfinite(v[i]))
            return -EBADMSG;
        line = end + 1;
    }
    for (unsigned i = 0; i < 4; i++)
        if (v[i] < -0.5 || v[i] > 1.5)
            return -EBADMSG;
    return v[2] > v[0] && v[3] > v[1] && v[4] >= 0 && v[4] <= 63 && v[4] == floor(v[4]) ? 0
                                                                                        : -EBADMSG;
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *) a, y = *(const double *) b;
    return (x > y) - (x < y);
}

/* From boxes as they were drawn to those of the rule. */
static int shrink(struct eval_cells *cells)
{
    CLEANUP_FREE double *shares = calloc(cells->n + 1, sizeof(*shares));

    if (!shares)
        return -ENOMEM;
    for (size_t i = 0; i < cells->n; i++)
        shares[i] = (cells->cells[i].height - cells->cells[i].width) / cells->cells[i].width;
    qsort(shares, cells->n, sizeof(*shares), by_size);
    const double share = shares[cells->n / 2];
    if (cells->n > 0 && (share < LEAST_SHARE || share > 1))
        return -EDOM;
    for (size_t i = 0; i < cells->n; i++) {
        struct eval_cell *c = &cells->cells[i];
        const double a = share * c->width, margin = (c->width - a) / 2;
        c->width -= 2 * (margin - EVAL_WIDEN * a);
        c->height -= 2 * (margin - EVAL_WIDEN * a);
    }
    return 0;
}

static int add(struct eval_cells *cells, size_t *room, const double v[5], unsigned width,
               unsigned height)
{
    if (cells->n == *room) {
        *room = MAX(*room * 2, (size_t) 512);
        void *more = realloc(cells->cells, *room * sizeof(*cells->cells));
        if (!more)
            return -ENOMEM;
        cells->cells = more;
    }
    cells->cells[cells->n] =
        (struct eval_cell){.column = (uint16_t) cells->n,
                           .cell = (brl_cell) v[4],
                           .centre = {(v[0] + v[2]) / 2 * width, (v[1] + v[3]) / 2 * height},
                           .width = (v[2] - v[0]) * width,
                           .height = (v[3] - v[1]) * height,
                           .p = -1};
    cells->n += v[4] != 0; /* a blank cell is no cell */
    return cells->n > EVAL_MAX_CELLS ? -E2BIG : 0;
}

int eval_boxes_load(const char *path, unsigned width, unsigned height, struct eval_cells *ret,
                    struct fail *fail)
{
    CLEANUP_FREE uint8_t *text = NULL;
    struct eval_cells cells = {0};
    size_t size, room = 0, n = 0;
    double v[5];

    int r = file_read(path, MAX_BYTES, &text, &size, fail);
    if (r < 0)
        return r;
    char *rest = (char *) text;
    for (char *line; r == 0 && (line = strsep(&rest, "\n")) != NULL;) {
        n++;
        line[strcspn(line, "\r")] = 0;
        if (!*line)
            continue;
        r = parse_line(line, v);
        if (r == 0)
            r = add(&cells, &room, v, width, height);
    }
    if (r == 0) {
        r = shrink(&cells);
        n = 0;
    }
    if (r == 0) {
        *ret = cells;
        return 0;
    }
    free(cells.cells);
    if (r == -E2BIG)
        return fail_set(fail, FAIL_INPUT, r, "'%s' has more cells than a page can have", path);
    if (r == -EDOM)
        return fail_set(fail, FAIL_INPUT, r, "the boxes of '%s' are no upright cells", path);
    return fail_set(fail, r == -ENOMEM ? FAIL_OTHER : FAIL_INPUT, r,
                    "line %zu of '%s' is no cell; it needs left;top;right;bottom;label, edges as "
                    "fractions of the picture, the label from 0 to 63",
                    n, path);
}
