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

/* The inverse of to_picture(). */
static struct brl_point from_picture(double angle_deg, unsigned width, unsigned height,
                                     struct brl_point p)
{
    const double c = cos(angle_deg * M_PI / 180), s = sin(angle_deg * M_PI / 180);
    const double grown_w = height * fabs(s) + width * fabs(c);
    const double grown_h = height * fabs(c) + width * fabs(s);
    const double dx = p.x - width / 2.0, dy = p.y - height / 2.0;
    return (struct brl_point){grown_w / 2 + dx * c + dy * s, grown_h / 2 - dx * s + dy * c};
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

static int change(const struct brl_change *c, const struct lines *x, const struct lines *y,
                  enum brl_side side, unsigned width, unsigned height, struct brl_truth *t)
{
    double v[8] = {c->row, c->column};
    struct brl_truth_cell cell;
    size_t i = 0;

    for (unsigned d = 0; d < 6; d++)
        v[2 + d] = c->corrected >> d & 1;
    if (parse_cell(v, x, y, side, width, height, t->angle_deg, &cell) < 0)
        return -ESTALE;
    while (i < t->n_cells && (t->cells[i].row + 1 != c->row || t->cells[i].column + 1 != c->column))
        i++;
    const brl_cell there = i < t->n_cells ? t->cells[i].cell : 0;
    if (there != (side == BRL_VERSO ? brl_cell_mirror(c->published) : c->published))
        return -ESTALE;
    if (i == t->n_cells && cell.cell != 0) {
        void *more = realloc(t->cells, (t->n_cells + 1) * sizeof(*t->cells));
        if (!more)
            return -ENOMEM;
        t->cells = more;
        t->n_cells++;
    }
    if (cell.cell != 0)
        t->cells[i] = cell;
    else if (i < t->n_cells)
        t->cells[i] = t->cells[--t->n_cells];
    return 0;
}

/* On -ESTALE *ret_bad is the change that does not fit. */
static int parse(char *text, enum brl_side side, unsigned width, unsigned height,
                 const struct brl_change *changes, size_t n_changes, struct brl_truth *t,
                 size_t *ret_bad)
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
    t->n_columns = x->n / 2;
    t->n_rows = y->n / 3;
    int r = at == 0 || at >= 3 ? 0 : -EBADMSG;
    for (size_t i = 0; i < n_changes && r == 0; i++) {
        r = change(&changes[i], x, y, side, width, height, t);
        *ret_bad = i;
    }
    return r;
}

static int fail_load(struct fail *fail, int r, const char *path, const struct brl_change *bad)
{
    char dots[7];

    if (r == -ESTALE) {
        brl_cell_format(bad->published, dots);
        return fail_set(fail, FAIL_INPUT, r,
                        "'%s' has no %s in row %u, column %u; these corrections are for another "
                        "annotation",
                        path, bad->published ? dots : "blank", bad->row, bad->column);
    }
    return fail_set(fail, r == -ENOMEM ? FAIL_OTHER : FAIL_INPUT, r,
                    "'%s' is no DSBI annotation (%m); it needs an angle, vertical lines, "
                    "horizontal lines, then cells",
                    path);
}

int brl_truth_load_changed(const char *path, enum brl_side side, unsigned width, unsigned height,
                           const struct brl_change *changes, size_t n, struct brl_truth *ret,
                           struct fail *fail)
{
    CLEANUP_FREE uint8_t *text = NULL;
    struct brl_truth t = {0};
    size_t size, bad = 0;

    int r = file_read(path, MAX_BYTES, &text, &size, fail);
    if (r < 0)
        return r;
    r = parse((char *) text, side, width, height, changes, n, &t, &bad);
    if (r < 0) {
        brl_truth_done(&t);
        return fail_load(fail, r, path, n > 0 ? &changes[bad] : NULL);
    }
    *ret = t;
    return 0;
}

int brl_truth_load(const char *path, enum brl_side side, unsigned width, unsigned height,
                   struct brl_truth *ret, struct fail *fail)
{
    return brl_truth_load_changed(path, side, width, height, NULL, 0, ret, fail);
}

void brl_truth_done(struct brl_truth *truth)
{
    free(truth->cells);
    *truth = (struct brl_truth){0};
}

/* ---- writing ---- */

/* The rows or the columns: where their middle is and how far their outer lines are apart. */
struct bands {
    double at[MAX_LINES], size[MAX_LINES];
    unsigned n_cells[MAX_LINES]; ///< seen in it
    unsigned n;
};

static int bands_add(struct bands *b, unsigned i, double at, double size)
{
    if (i >= MAX_LINES / 3)
        return -E2BIG;
    b->at[i] += at;
    b->size[i] += size;
    b->n_cells[i]++;
    b->n = MAX(b->n, i + 1);
    return 0;
}

/* Means; bands without cells get a place between or beyond those with. `step`: from one to the next
 * in sizes, where there is only one. */
static void bands_fill(struct bands *b, double step)
{
    unsigned first = b->n, last = 0, n = 0;
    double size = 0;

    for (unsigned i = 0; i < b->n; i++) {
        if (!b->n_cells[i])
            continue;
        b->at[i] /= b->n_cells[i];
        b->size[i] /= b->n_cells[i];
        size += b->size[i];
        first = MIN(first, i);
        last = i;
        n++;
    }
    size /= n;
    step = last > first ? (b->at[last] - b->at[first]) / (last - first) : step * size;
    for (unsigned i = 0, before = first; i < b->n; i++) {
        if (b->n_cells[i]) {
            before = i;
            continue;
        }
        unsigned after = i;
        while (after < last && !b->n_cells[after])
            after++;
        const bool between = i > first && i < last;
        const double per =
            between ? (b->at[after] - b->at[before]) / ((double) after - before) : step;
        b->at[i] = b->at[before] + per * ((double) i - before);
        b->size[i] = size;
    }
}

/* `n` lines of each band; -EINVAL when they do not rise. */
static int write_bands(FILE *f, const struct bands *b, unsigned n)
{
    double last = -INFINITY;

    for (unsigned i = 0; i < b->n; i++)
        for (unsigned k = 0; k < n; k++) {
            /* hundredths; whole numbers as the data set has them */
            const double v =
                round((b->at[i] + b->size[i] * (k / (n - 1.0) - 0.5)) * 100) / 100 + 0.0;
            if (!(v > last) || fabs(v) > 1e6)
                return -EINVAL;
            fprintf(f, "%s%.10g", i + k ? " " : "", v);
            last = v;
        }
    fputc('\n', f);
    return 0;
}

static int write_truth(FILE *f, const struct brl_truth *t, enum brl_side side,
                       const struct bands *x, const struct bands *y)
{
    fprintf(f, "%.2f\n", t->angle_deg);
    int r = write_bands(f, x, 2);
    if (r == 0)
        r = write_bands(f, y, 3);
    for (size_t i = 0; i < t->n_cells && r == 0; i++) {
        const struct brl_truth_cell *c = &t->cells[i];
        const brl_cell cell = side == BRL_VERSO ? brl_cell_mirror(c->cell) : c->cell;
        if (cell == 0)
            continue;
        fprintf(f, "%u %u", c->row + 1u, c->column + 1u);
        for (unsigned d = 0; d < 6; d++)
            fprintf(f, " %d", cell >> d & 1);
        fputc('\n', f);
    }
    return r;
}

int brl_truth_format(const struct brl_truth *truth, enum brl_side side, unsigned width,
                     unsigned height, char **ret)
{
    CLEANUP_FREE struct bands *x = calloc(1, sizeof(*x)), *y = calloc(1, sizeof(*y));
    char *text = NULL;
    size_t size = 0;
    int r = 0;

    if (!x || !y)
        return -ENOMEM;
    for (size_t i = 0; i < truth->n_cells && r == 0; i++) {
        const struct brl_truth_cell *c = &truth->cells[i];
        const struct brl_point p = from_picture(truth->angle_deg, width, height, c->centre);
        r = bands_add(x, c->column, p.x, c->width);
        if (r == 0)
            r = bands_add(y, c->row, p.y, c->height);
    }
    if (r == 0 && (truth->n_columns > MAX_LINES / 3 || truth->n_rows > MAX_LINES / 3))
        r = -E2BIG;
    FILE *f = r == 0 ? open_memstream(&text, &size) : NULL;
    if (!f)
        return r < 0 ? r : -ENOMEM;
    if (truth->n_cells > 0) {
        x->n = MAX(x->n, truth->n_columns);
        y->n = MAX(y->n, truth->n_rows);
        bands_fill(x, 2.4);
        bands_fill(y, 2);
        r = write_truth(f, truth, side, x, y);
    }
    if (fclose(f) != 0 && r == 0)
        r = -ENOMEM;
    if (r < 0) {
        free(text);
        return r;
    }
    *ret = text;
    return 0;
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
