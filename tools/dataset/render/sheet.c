/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "braille/dsbi.h"
#include "tools/dataset/render/render.h"

int render_check_free(const struct render_options *o, char *path, struct fail *fail)
{
    CLEANUP_FREE char *name = path;

    if (!name)
        return -ENOMEM;
    if (o->common.force || access(name, F_OK) < 0)
        return 0;
    return fail_set(fail, FAIL_CREATE, -EEXIST,
                    "'%s' is there already; name another file, or replace it with --force", name);
}

char *render_printed(const char *format, ...)
{
    char *text = NULL;
    va_list ap;

    va_start(ap, format);
    if (vasprintf(&text, format, ap) < 0)
        text = NULL;
    va_end(ap);
    return text;
}

/* ---- a page of cells ---- */

struct text {
    struct brl_render_sheet sheet;
    brl_cell *cells; ///< owned
};

static void text_done(struct text *t)
{
    free(t->cells);
}

/* Cells of one line of Unicode braille (or its length when `out` is NULL); -1: something else. */
static int parse_line(const char *line, size_t n, brl_cell *out)
{
    int count = 0;

    for (size_t i = 0; i < n;) {
        const unsigned char *s = (const unsigned char *) line + i;
        unsigned code = 0x2800;
        if (*s == '\r') {
            i++;
            continue;
        }
        if (*s == ' ') {
            i++;
        } else if (n - i >= 3 && s[0] == 0xe2 && (s[1] & 0xc0) == 0x80 && (s[2] & 0xc0) == 0x80) {
            code = 0x2000u | (s[1] & 0x3fu) << 6 | (s[2] & 0x3fu);
            i += 3;
        } else {
            return -1;
        }
        if (code < 0x2800 || code > 0x283f)
            return -1;
        if (out)
            out[count] = (brl_cell) (code - 0x2800);
        count++;
    }
    return count;
}

static int load_text(const char *path, struct text *ret, struct fail *fail)
{
    CLEANUP_FREE uint8_t *data = NULL;
    size_t size;

    int r = file_read(path, RENDER_MAX_TEXT, &data, &size, fail);
    if (r < 0)
        return r;
    unsigned rows = 0, columns = 1;
    for (int pass = 0; pass < 2; pass++) {
        unsigned row = 0;
        for (const char *line = (const char *) data, *end; line < (const char *) data + size;
             line = end + 1, row++) {
            end = strchrnul(line, '\n');
            const int n = parse_line(line, (size_t) (end - line),
                                     pass ? ret->cells + (size_t) row * columns : NULL);
            if (n < 0)
                return fail_set(fail, FAIL_INPUT, -EBADMSG,
                                "line %u of '%s' holds more than Unicode braille of six dots; "
                                "translate it first, e.g. with lou_translate -f unicode.dis,...",
                                row + 1, path);
            columns = MAX(columns, (unsigned) n);
        }
        rows = row;
        if (pass == 0 && (rows == 0 || rows > 1000 || columns > 1000))
            return fail_set(fail, FAIL_INPUT, -EBADMSG,
                            "'%s' is no page: it has %u lines of up to %u cells", path, rows,
                            columns);
        if (pass == 0 && !(ret->cells = calloc((size_t) rows * columns, sizeof(*ret->cells))))
            return -ENOMEM;
    }
    ret->sheet = (struct brl_render_sheet){ret->cells, rows, columns};
    return 0;
}

/* unlike hypot() the same everywhere */
static double distance(struct brl_point a, struct brl_point b)
{
    return sqrt((a.x - b.x) * (a.x - b.x) + (a.y - b.y) * (a.y - b.y));
}

static int write_truth(const char *path, const struct brl_render_truth *truth, struct fail *fail)
{
    static const char head[] = "#side\trow\tcolumn\tdots\tx\ty\tw\th\n";
    CLEANUP(file_out_done) struct file_out f = FILE_OUT_INIT;

    int r = file_out_open(&f, path, fail);
    if (r == 0)
        r = file_out_write(&f, head, sizeof(head) - 1, fail);
    for (size_t i = 0; i < truth->n_cells && r == 0; i++) {
        const struct brl_render_cell *c = &truth->cells[i];
        char line[160], dots[7];
        if (c->cell == 0)
            continue;
        double x = 0, y = 0;
        for (unsigned d = 0; d < 6; d++) {
            x += c->dot[d].x / 6;
            y += c->dot[d].y / 6;
        }
        const double w = distance(c->dot[3], c->dot[0]), h = distance(c->dot[2], c->dot[0]);
        brl_cell_format(c->cell, dots);
        const int n = snprintf(line, sizeof(line), "%s\t%u\t%u\t%s\t%.1f\t%.1f\t%.1f\t%.1f\n",
                               c->side == BRL_VERSO ? "verso" : "recto", c->row, c->column, dots,
                               x - w / 2, y - h / 2, w, h);
        r = file_out_write(&f, line, (size_t) n, fail);
    }
    return r < 0 ? r : file_out_commit(&f, fail);
}

/* A drawn cell as it lies in the picture; blank ones tell where the lines are. */
static struct brl_truth_cell truth_cell(const struct brl_render_cell *c, unsigned n_columns)
{
    struct brl_truth_cell t = {.row = c->row, .column = c->column, .cell = c->cell};

    if (c->side == BRL_VERSO)
        t.column = (uint16_t) (n_columns - 1 - c->column);
    for (unsigned d = 0; d < 6; d++) {
        t.centre.x += c->dot[d].x / 6;
        t.centre.y += c->dot[d].y / 6;
    }
    t.width = distance(c->dot[3], c->dot[0]);
    t.height = distance(c->dot[2], c->dot[0]);
    return t;
}

/* "a.b/c.png" -> "a.b/c+recto.txt". Owned; NULL: no memory. */
static char *dsbi_path(const char *out, enum brl_side side)
{
    const char *slash = strrchr(out, '/'), *dot = strrchr(slash ? slash : out, '.');
    const int stem = dot ? (int) (dot - out) : (int) strlen(out);

    return render_printed("%.*s+%s.txt", stem, out, side == BRL_VERSO ? "verso" : "recto");
}

int render_check_sheet_free(const struct render_options *o, const char *out, const char *truth,
                            struct fail *fail)
{
    int r = render_check_free(o, strdup(out), fail);

    if (r == 0 && truth)
        r = render_check_free(o, strdup(truth), fail);
    for (enum brl_side side = BRL_RECTO; side <= BRL_VERSO && r == 0 && o->dsbi; side++)
        r = render_check_free(o, dsbi_path(out, side), fail);
    return r;
}

static int write_dsbi(const struct render_options *o, const char *out, enum brl_side side,
                      const struct image *img, const struct brl_render_sheet *sheet,
                      const struct brl_render_truth *drawn, struct fail *fail)
{
    CLEANUP_FREE char *path = dsbi_path(out, side), *text = NULL;
    CLEANUP(file_out_done) struct file_out f = FILE_OUT_INIT;
    CLEANUP(brl_truth_done) struct brl_truth truth = {.angle_deg = o->params.skew_deg};

    truth.cells = malloc((drawn->n_cells + 1) * sizeof(*truth.cells));
    if (!path || !truth.cells)
        return -ENOMEM;
    for (size_t i = 0; i < drawn->n_cells; i++)
        if (drawn->cells[i].side == side)
            truth.cells[truth.n_cells++] = truth_cell(&drawn->cells[i], sheet->n_columns);
    int r = brl_truth_format(&truth, side, img->width, img->height, &text);
    if (r == -E2BIG)
        return fail_set(fail, FAIL_INPUT, r, "'%s' has more lines or columns than DSBI can tell",
                        out);
    if (r == 0)
        r = file_out_open(&f, path, fail);
    if (r == 0)
        r = file_out_write(&f, text, strlen(text), fail);
    return r < 0 ? r : file_out_commit(&f, fail);
}

int render_sheet(const struct render_options *o, const struct brl_render_sheet *recto,
                 const struct brl_render_sheet *verso, const struct brl_render_params *params,
                 const char *out, const char *truth_path, struct fail *fail)
{
    CLEANUP(image_freep) struct image *img = NULL;
    CLEANUP(brl_render_truth_done) struct brl_render_truth truth = {0};

    int r = brl_render(recto, verso, params, &img, &truth);
    if (r == -EINVAL)
        return fail_set(fail, FAIL_INPUT, r,
                        "the text of '%s' does not fit the paper, or a size is out of range; use "
                        "shorter lines, larger paper or other margins",
                        o->page ? o->page : o->text);
    if (r == 0)
        r = image_save(img, out, fail);
    if (r == 0 && truth_path)
        r = write_truth(truth_path, &truth, fail);
    if (r == 0 && o->dsbi)
        r = write_dsbi(o, out, BRL_RECTO, img, recto, &truth, fail);
    if (r == 0 && o->dsbi && verso)
        r = write_dsbi(o, out, BRL_VERSO, img, verso, &truth, fail);
    return r;
}

int render_page(const struct render_options *o, struct fail *fail)
{
    CLEANUP(text_done) struct text recto = {0}, verso = {0};

    int r = render_check_sheet_free(o, o->out, o->truth, fail);
    if (r == 0)
        r = load_text(o->page, &recto, fail);
    if (r == 0 && o->verso)
        r = load_text(o->verso, &verso, fail);
    return r < 0 ? r
                 : render_sheet(o, &recto.sheet, o->verso ? &verso.sheet : NULL, &o->params, o->out,
                                o->truth, fail);
}
