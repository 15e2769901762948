/* SPDX-License-Identifier: Apache-2.0 */

#include "braille/dsbi.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

#define MAX_LINES 1000 ///< lines of an annotation across or down
#define MAX_BYTES ((size_t) 4 << 20)

struct lines {
    double at[MAX_LINES];
    unsigned n;
};

/* The numbers of one line of text; -1 when it holds anything else. */
static int parse_numbers(char *text, double *out, unsigned room)
{
    unsigned n = 0;
    for (char *save = NULL, *w = strtok_r(text, " \t\r", &save); w;
         w = strtok_r(NULL, " \t\r", &save)) {
        char *end;
        const double v = strtod(w, &end);
        if (*end || !isfinite(v) || fabs(v) > 1e6 || n == room)
            return -1;
        out[n++] = v;
    }
    return (int) n;
}

/* Annotated page -> picture. */
static struct brl_point to_picture(double angle_deg, unsigned width, unsigned height, double x,
                                   double y)
{
    const double c = cos(angle_deg * M_PI / 180), s = sin(angle_deg * M_PI / 180);
    const double grown_w = height * fabs(s) + width * fabs(c);
    const double grown_h = height * fabs(c) + width * fabs(s);
    const double dx = x - grown_w / 2, dy = y - grown_h / 2;
    return (struct brl_point){width / 2.0 + dx * c - dy * s, height / 2.0 + dx * s + dy * c};
}

static bool rises(const struct lines *l)
{
    for (unsigned i = 1; i < l->n; i++)
        if (!(l->at[i] > l->at[i - 1]))
            return false;
    return true;
}

static int parse_cell(const double v[8], const struct lines *x, const struct lines *y,
                      enum brl_side side, unsigned width, unsigned height, double angle_deg,
                      struct brl_truth_cell *ret)
{
    const double row = v[0] - 1, column = v[1] - 1;

    if (!(row >= 0) || !(column >= 0) || row * 3 + 2 >= y->n || column * 2 + 1 >= x->n)
        return -EBADMSG;
    *ret = (struct brl_truth_cell){.row = (uint16_t) row, .column = (uint16_t) column};
    for (unsigned d = 0; d < 6; d++) {
        if (v[2 + d] != 0 && v[2 + d] != 1)
            return -EBADMSG;
        ret->cell |= (brl_cell) ((v[2 + d] != 0) << d);
    }
    if (side == BRL_VERSO)
        ret->cell = brl_cell_mirror(ret->cell);
    const double *px = &x->at[ret->column * 2], *py = &y->at[ret->row * 3];
    ret->centre = to_picture(angle_deg, width, height, (px[0] + px[1]) / 2, (py[0] + py[2]) / 2);
    ret->width = px[1] - px[0];
    ret->height = py[2] - py[0];
    return 0;
}

static int parse(char *text, enum brl_side side, unsigned width, unsigned height,
                 struct brl_truth *t)
{
    CLEANUP_FREE struct lines *x = calloc(1, sizeof(*x)), *y = calloc(1, sizeof(*y));
    size_t room = 0;
    double v[8];

    if (!x || !y)
        return -ENOMEM;
    unsigned at = 0;
    for (char *line; (line = strsep(&text, "\n")) != NULL;) {
        if (line[strspn(line, " \t\r")] == 0)
            continue;
        if (at++ == 0) {
            if (parse_numbers(line, &t->angle_deg, 1) != 1)
                return -EBADMSG;
        } else if (at <= 3) {
            struct lines *l = at == 2 ? x : y;
            const int n = parse_numbers(line, l->at, MAX_LINES);
            if (n < 0 || n % (at == 2 ? 2 : 3) != 0)
                return -EBADMSG;
            l->n = (unsigned) n;
            if (!rises(l))
                return -EBADMSG;
        } else {
            if (t->n_cells == room) {
                room = MAX(room * 2, (size_t) 512);
                void *more = realloc(t->cells, room * sizeof(*t->cells));
                if (!more)
                    return -ENOMEM;
                t->cells = more;
            }
            if (parse_numbers(line, v, 8) != 8 ||
                parse_cell(v, x, y, side, width, height, t->angle_deg, &t->cells[t->n_cells]) < 0)
                return -EBADMSG;
            t->n_cells += t->cells[t->n_cells].cell != 0; /* a blank cell is no cell */
        }
    }
    for (unsigned i = 0; i + 1 < x->n; i += 2)
        t->column_px += (x->at[i + 1] - x->at[i]) / (x->n / 2);
    return at == 0 || at >= 3 ? 0 : -EBADMSG;
}

int brl_truth_load(const char *path, enum brl_side side, unsigned width, unsigned height,
                   struct brl_truth *ret, struct fail *fail)
{
    CLEANUP_FREE uint8_t *text = NULL;
    struct brl_truth t = {0};
    size_t size;

    int r = file_read(path, MAX_BYTES, &text, &size, fail);
    if (r < 0)
        return r;
    r = parse((char *) text, side, width, height, &t);
    if (r < 0) {
        brl_truth_done(&t);
        return fail_set(fail, r == -ENOMEM ? FAIL_OTHER : FAIL_INPUT, r,
                        "'%s' is no DSBI annotation (%m); it needs an angle, vertical lines, "
                        "horizontal lines, then cells",
                        path);
    }
    *ret = t;
    return 0;
}

void brl_truth_done(struct brl_truth *truth)
{
    free(truth->cells);
    *truth = (struct brl_truth){0};
}

double brl_box_iou(struct brl_point a, double aw, double ah, struct brl_point b, double bw,
                   double bh, double margin)
{
    aw += 2 * margin;
    ah += 2 * margin;
    bw += 2 * margin;
    bh += 2 * margin;
    const double w = fmin(a.x + aw / 2, b.x + bw / 2) - fmax(a.x - aw / 2, b.x - bw / 2);
    const double h = fmin(a.y + ah / 2, b.y + bh / 2) - fmax(a.y - ah / 2, b.y - bh / 2);
    if (w <= 0 || h <= 0)
        return 0;
    return w * h / (aw * ah + bw * bh - w * h);
}
