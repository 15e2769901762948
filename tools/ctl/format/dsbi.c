/* SPDX-License-Identifier: Apache-2.0
 *
 * The annotation format of the DSBI dataset (braille/dsbi.h), so that others' rules can score a
 * reading. Which way the page lies follows from where its dots are.
 */

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "braille/dsbi.h"
#include "tools/ctl/format/format.h"

static double between(const float a[2], const float b[2])
{
    return hypot((double) b[0] - a[0], (double) b[1] - a[1]);
}

/* Degrees by which the page is turned clockwise in the picture, from the mean direction of the
 * cells' rows of dots; hundredths, as the file has them. A verso's dots 1 lie right of dots 4. */
static double page_angle(const struct pipeline_side *r)
{
    double x = 0, y = 0;

    for (size_t i = 0; i < r->n_cells; i++) {
        const struct pipeline_cell *c = &r->cells[i];
        for (int d = 0; d < 3; d++) {
            const double sign = r->side == BRL_VERSO ? -1 : 1;
            x += sign * ((double) c->dot[d + 3][0] - c->dot[d][0]);
            y += sign * ((double) c->dot[d + 3][1] - c->dot[d][1]);
        }
        for (int d = 0; d < 6; d += 3) { /* downwards, turned by 90 degrees */
            x += (double) c->dot[d + 2][1] - c->dot[d][1];
            y -= (double) c->dot[d + 2][0] - c->dot[d][0];
        }
    }
    return round(atan2(y, x) * 180 / M_PI * 100) / 100 + 0.0;
}

static struct brl_truth_cell annotate(const struct pipeline_cell *c, unsigned column)
{
    struct brl_truth_cell t = {.row = c->row, .column = (uint16_t) column, .cell = c->dots};

    for (int d = 0; d < 6; d++) {
        t.centre.x += (double) c->dot[d][0] / 6;
        t.centre.y += (double) c->dot[d][1] / 6;
    }
    for (int d = 0; d < 3; d++)
        t.width += between(c->dot[d], c->dot[d + 3]) / 3;
    for (int d = 0; d < 6; d += 3)
        t.height += between(c->dot[d], c->dot[d + 2]) / 2;
    return t;
}

static int write_page(struct format_writer *w, const struct format_page *page, struct fail *fail)
{
    const struct pipeline_side *r = &page->reading->side[0];
    CLEANUP_FREE struct brl_truth_cell *cells = calloc(r->n_cells + 1, sizeof(*cells));
    CLEANUP_FREE char *text = NULL;
    unsigned last = 0;

    if (!cells)
        return -ENOMEM;
    if (page->reading->mirrored)
        return fail_set(fail, FAIL_INPUT, -EINVAL,
                        "'%s' is a mirror image, which DSBI annotations do not know; mirror it, "
                        "or use --format json",
                        page->name);
    for (size_t i = 0; i < r->n_cells; i++)
        last = MAX(last, r->cells[i].column);
    for (size_t i = 0; i < r->n_cells; i++) /* a verso is annotated as it lies in the picture */
        cells[i] = annotate(&r->cells[i],
                            r->side == BRL_VERSO ? last - r->cells[i].column : r->cells[i].column);
    const struct brl_truth truth = {
        .angle_deg = page_angle(r), .cells = cells, .n_cells = r->n_cells};
    int e = brl_truth_format(&truth, r->side, page->reading->width, page->reading->height, &text);
    if (e == -EINVAL || e == -E2BIG)
        return fail_set(fail, FAIL_INPUT, e,
                        "the cells of '%s' stand on no grid of straight lines, which DSBI "
                        "annotations are made of; use --format json",
                        page->name);
    if (e < 0)
        return e;
    fputs(text, w->out);
    return 0;
}

const struct format format_dsbi = {
    .name = "dsbi", .endings = "", .one_page = true, .page = write_page};
