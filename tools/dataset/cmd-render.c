/* SPDX-License-Identifier: Apache-2.0
 *
 * braille-dataset render: cells or pages that are drawn rather than scanned, with their truth.
 */

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/batch.h"
#include "base/log.h"
#include "braille/dsbi.h"
#include "braille/render.h"
#include "lang/translate.h"
#include "tools/dataset/dataset.h"

#define ROWS 4 ///< of a sheet that training cells are drawn on
#define COLUMNS 15
#define MAX_TEXT ((size_t) 1 << 20)

struct render_options {
    const char *out, *page, *verso, *truth;
    const char *text, *verso_text;
    enum lang_code code;
    uint64_t n_columns, n_rows; ///< of a page of text
    size_t n_cells;
    struct dataset_crop_size size;
    struct brl_render_params params;
    bool weather, scan, both_sides, dsbi;
    struct dataset_common common;
};

/* Nothing is overwritten without --force. Takes the name. */
static int check_free(const struct render_options *o, char *path, struct fail *fail)
{
    CLEANUP_FREE char *name = path;

    if (!name)
        return -ENOMEM;
    if (o->common.force || access(name, F_OK) < 0)
        return 0;
    return fail_set(fail, FAIL_CREATE, -EEXIST,
                    "'%s' is there already; name another file, or replace it with --force", name);
}

PRINTF_FORMAT(1, 2) static char *printed(const char *format, ...)
{
    char *text = NULL;
    va_list ap;

    va_start(ap, format);
    if (vasprintf(&text, format, ap) < 0)
        text = NULL;
    va_end(ap);
    return text;
}

/* ---- cells ---- */

/* Half of the cells evenly over all 64, the rest sparse ones and blanks, as text has them. */
static brl_cell draw_cell(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    const unsigned z = (unsigned) (*state >> 33);
    const unsigned kind = z % 8;
    if (kind < 4)
        return (brl_cell) (z >> 8 & 63);
    if (kind == 4)
        return 0;
    return (brl_cell) (z >> 8 & z >> 16 & 63);
}

static int write_sheet(const struct render_options *o, const char *name, const struct image *img,
                       const struct brl_render_params *params, const struct brl_render_truth *truth,
                       size_t *left, struct file_out *u8, struct file_out *tsv, struct fail *fail)
{
    uint64_t state = params->seed;
    const double pitch = params->pitch_mm * params->dpi / 25.4;
    int r = 0;

    for (size_t i = 0; i<truth->n_cells && * left> 0 && r == 0; i++) {
        const struct brl_render_cell *c = &truth->cells[i];
        struct brl_page page = {
            .pitch_px = pitch,
            .light_deg = params->light_deg,
            .side = c->side,
            .flat = (struct image *) img,
            .to_flat = {1, 0, 0, 0, 1, 0},
        };
        struct brl_slot slot = {.row = c->row, .column = c->column};
        char dots[7];
        /* what a fitted grid is off by: up to 0.06 of a pitch each way */
        state = state * 6364136223846793005u + 1442695040888963407u;
        const double dx = ((double) (state >> 48) / 65535 - 0.5) * 0.12 * pitch;
        const double dy = ((double) (state >> 32 & 65535) / 65535 - 0.5) * 0.12 * pitch;
        for (unsigned d = 0; d < 6; d++)
            slot.dot[d] = (struct brl_point){c->dot[d].x + dx, c->dot[d].y + dy};
        brl_cell_format(c->cell, dots);
        r = dataset_write_crop(&o->size, name, &page, &slot, dots, u8, tsv, fail);
        --*left;
    }
    return r;
}

static int render_cells(const struct render_options *o, struct fail *fail)
{
    CLEANUP(file_out_done) struct file_out u8 = FILE_OUT_INIT, tsv = FILE_OUT_INIT;
    size_t left = o->n_cells;
    struct progress progress;

    int r = check_free(o, printed("%s.u8", o->out), fail);
    if (r == 0)
        r = check_free(o, printed("%s.tsv", o->out), fail);
    if (r == 0)
        r = dataset_open_crops(o->out, &u8, &tsv, fail);
    progress_start(&progress, "drawing", 0, o->n_cells, o->common.quiet);
    for (uint64_t k = 0; left > 0 && r == 0 && (r = dataset_interrupted(fail)) == 0; k++) {
        CLEANUP(image_freep) struct image *img = NULL;
        CLEANUP(brl_render_truth_done) struct brl_render_truth truth = {0};
        brl_cell cells[2][ROWS * COLUMNS];
        struct brl_render_params p = o->params;
        char name[64];

        brl_render_weather(&p, o->params.seed * 1000003 + k);
        uint64_t state = p.seed;
        for (unsigned i = 0; i < ROWS * COLUMNS; i++) {
            cells[0][i] = draw_cell(&state);
            cells[1][i] = draw_cell(&state);
        }
        p.dpi =
            165 + (double) (state >> 40) / (1 << 24) * 95; /* pitches that the reader cuts from */
        p.left_mm = p.top_mm = 12;
        const struct brl_sheet recto = {cells[0], ROWS, COLUMNS}, verso = {cells[1], ROWS, COLUMNS};
        const bool single = state % 5 == 0; /* some paper is written on from one side only */
        r = brl_render(&recto, single ? NULL : &verso, &p, &img, &truth);
        snprintf(name, sizeof(name), "render-%llu-%llu", (unsigned long long) o->params.seed,
                 (unsigned long long) k);
        if (r == 0)
            r = write_sheet(o, name, img, &p, &truth, &left, &u8, &tsv, fail);
        while (r == 0 && progress.n < o->n_cells - left)
            progress_step(&progress);
    }
    progress_end(&progress);
    return r < 0 ? r : dataset_commit_crops(&u8, &tsv, fail);
}

/* ---- pages ---- */

struct text {
    struct brl_sheet sheet;
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

    int r = file_read(path, MAX_TEXT, &data, &size, fail);
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
    ret->sheet = (struct brl_sheet){ret->cells, rows, columns};
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

    return printed("%.*s+%s.txt", stem, out, side == BRL_VERSO ? "verso" : "recto");
}

static int check_sheet_free(const struct render_options *o, const char *out, const char *truth,
                            struct fail *fail)
{
    int r = check_free(o, strdup(out), fail);

    if (r == 0 && truth)
        r = check_free(o, strdup(truth), fail);
    for (enum brl_side side = BRL_RECTO; side <= BRL_VERSO && r == 0 && o->dsbi; side++)
        r = check_free(o, dsbi_path(out, side), fail);
    return r;
}

static int write_dsbi(const struct render_options *o, const char *out, enum brl_side side,
                      const struct image *img, const struct brl_sheet *sheet,
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

/* One sheet and what is known of it. `verso` may be NULL. */
static int render_sheet(const struct render_options *o, const struct brl_sheet *recto,
                        const struct brl_sheet *verso, const struct brl_render_params *params,
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

static int render_page(const struct render_options *o, struct fail *fail)
{
    CLEANUP(text_done) struct text recto = {0}, verso = {0};

    int r = check_sheet_free(o, o->out, o->truth, fail);
    if (r == 0)
        r = load_text(o->page, &recto, fail);
    if (r == 0 && o->verso)
        r = load_text(o->verso, &verso, fail);
    return r < 0 ? r
                 : render_sheet(o, &recto.sheet, o->verso ? &verso.sheet : NULL, &o->params, o->out,
                                o->truth, fail);
}

/* ---- pages of running text ---- */

static int load_lines(const struct render_options *o, const char *path, struct lang_lines *ret,
                      struct fail *fail)
{
    CLEANUP_FREE uint8_t *data = NULL;
    size_t size;

    int r = file_read(path, MAX_TEXT, &data, &size, fail);
    if (r == 0 && memchr(data, 0, size))
        return fail_set(fail, FAIL_INPUT, -EBADMSG, "'%s' is no text", path);
    if (r == 0)
        r = lang_translate(o->code, (const char *) data, (unsigned) o->n_columns, ret, fail);
    if (r == 0 && ret->n == 0)
        return fail_set(fail, FAIL_INPUT, -EBADMSG, "'%s' is empty", path);
    return r;
}

/* The k-th page of the lines; -1: there is none. A last page is as long as its lines. */
static int page_of(const struct lang_lines *lines, uint64_t n_rows, size_t k, struct brl_sheet *ret)
{
    const size_t first = k * n_rows;

    if (first >= lines->n)
        return -1;
    *ret = (struct brl_sheet){lines->cells + first * lines->width,
                              (unsigned) MIN(n_rows, lines->n - first), lines->width};
    return 0;
}

/* "a/b.png", 2 -> "a/b-2.png"; of several pages only. Owned; NULL: no memory. */
static char *numbered(const char *path, size_t page, size_t n_pages)
{
    const char *slash = strrchr(path, '/'), *dot = strrchr(slash ? slash : path, '.');
    const int stem = dot ? (int) (dot - path) : (int) strlen(path);

    return n_pages == 1 ? strdup(path) : printed("%.*s-%zu%s", stem, path, page, dot ? dot : "");
}

/* The sheets of a text, several at once; the number of the next one is all that is kept. */
struct sheets {
    const struct render_options *o;
    struct lang_lines lines[2]; ///< of the text, of what is on the other sides
    size_t n, next;
    bool drawing; ///< else it is only looked whether their files may be written
    struct progress progress;
};

/* Sheet k: both its sides, from one text or two. */
static int do_sheet(const struct sheets *s, size_t k, struct fail *fail)
{
    const struct render_options *o = s->o;
    CLEANUP_FREE char *out = numbered(o->out, k + 1, s->n);
    CLEANUP_FREE char *truth = o->truth ? numbered(o->truth, k + 1, s->n) : NULL;
    const struct brl_sheet blank = {(const brl_cell[]){0}, 1, 1};
    struct brl_render_params params = o->params;
    struct brl_sheet recto = blank, verso = blank;
    bool has_verso = false;

    if (!out || (o->truth && !truth))
        return -ENOMEM;
    if (!s->drawing)
        return check_sheet_free(o, out, truth, fail);
    page_of(&s->lines[0], o->n_rows, o->both_sides ? 2 * k : k, &recto);
    if (o->both_sides)
        has_verso = page_of(&s->lines[0], o->n_rows, 2 * k + 1, &verso) == 0;
    else if (o->verso_text)
        has_verso = page_of(&s->lines[1], o->n_rows, k, &verso) == 0;
    params.seed += k; /* no two sheets have the same grain */
    return render_sheet(o, &recto, has_verso ? &verso : NULL, &params, out, truth, fail);
}

static int next_sheet(void *ctx, void **ret, struct fail *fail)
{
    struct sheets *s = ctx;
    size_t *k;

    int r = dataset_interrupted(fail);
    if (r < 0 || s->next == s->n)
        return r;
    if (!(k = malloc(sizeof(*k))))
        return -ENOMEM;
    *k = s->next++;
    *ret = k;
    return 1;
}

static int work_sheet(void *ctx, void *k, struct fail *fail)
{
    return do_sheet(ctx, *(const size_t *) k, fail);
}

static int take_sheet(void *ctx, void *k, int r, struct fail *fail)
{
    struct sheets *s = ctx;

    free(k);
    if (r == 0)
        progress_step(&s->progress);
    return r;
}

static int draw_sheets(struct sheets *s, struct fail *fail)
{
    const struct batch batch = {.n_jobs = s->o->common.n_jobs,
                                .ctx = s,
                                .next = next_sheet,
                                .work = work_sheet,
                                .take = take_sheet};

    for (size_t k = 0; k < s->n; k++) {
        int r = do_sheet(s, k, fail);
        if (r < 0)
            return r;
    }
    s->drawing = true;
    progress_start(&s->progress, "drawing", 0, s->n, s->o->common.quiet);
    int r = batch_run(&batch, fail);
    progress_end(&s->progress);
    return r;
}

static int render_text(const struct render_options *o, size_t *ret_n, struct fail *fail)
{
    const uint64_t a_sheet = o->both_sides ? 2 * o->n_rows : o->n_rows;
    struct sheets s = {.o = o};

    int r = load_lines(o, o->text, &s.lines[0], fail);
    if (r == 0 && o->verso_text)
        r = load_lines(o, o->verso_text, &s.lines[1], fail);
    s.n = MAX((s.lines[0].n + a_sheet - 1) / a_sheet, (s.lines[1].n + a_sheet - 1) / a_sheet);
    if (r == 0)
        r = draw_sheets(&s, fail);
    *ret_n = s.n;
    lang_lines_done(&s.lines[0]);
    lang_lines_done(&s.lines[1]);
    return r;
}

/* ---- options ---- */

static const char help[] =
    "usage: braille-dataset render --cells N [--seed S] -o OUT\n"
    "       braille-dataset render --page TEXT [--verso TEXT] -o PICTURE [OPTIONS]\n"
    "       braille-dataset render --text FILE [--verso-text FILE] -o PICTURE [OPTIONS]\n\n"
    "Draw braille under raking light. The same options and seed give the same bytes.\n\n"
    "      --cells N            N crops of single cells for training, as 'crop' writes them:\n"
    "                           OUT.u8 and OUT.tsv, of all geometries, papers and lights\n"
    "      --page TEXT          a page of the lines of Unicode braille in the file TEXT\n"
    "      --verso TEXT         what is on its other side\n"
    "      --text FILE          pages of Chinese text, translated by liblouis; of several the\n"
    "                           pictures are OUT-1.png, OUT-2.png, …, their truth alike\n"
    "      --verso-text FILE    what is on their other sides\n"
    "      --both-sides         the text goes on on the other side of each sheet\n"
    "      --code NAME          current (default), common or two-cell\n"
    "      --columns N          cells of a line of text (28)\n"
    "      --rows N             lines of a page of text (22)\n"
    "  -o, --output OUT         .png .jpg .pgm for a page\n"
    "      --truth FILE         one line for each cell of the page: side, row, column, dots, box\n"
    "      --dsbi               annotations beside the picture as the DSBI dataset has them\n"
    "      --weather            light, paper, wear and noise drawn from the seed\n"
    "      --scan               the same, and what a scan of a used page has besides\n"
    "      --missing SHARE      of the dots that did not come out (0)\n"
    "      --geometry NAME      us, europe (default), press, press-wide or embosser\n"
    "      --dpi N              200\n"
    "      --paper W,H          size in mm (as the text needs); a4 is 210,297\n"
    "      --margin LEFT,TOP    mm to the first dots (15,15)\n"
    "      --skew DEG           the page lies turned clockwise by it (0)\n"
    "      --light DEG          where the light comes from, clockwise from the top (0)\n"
    "      --grain LEVELS       of the paper (4)\n"
    "      --jpeg QUALITY       what JPEG of this quality does to it\n" DATASET_COMMON_HELP;

static int parse_pair(const char *text, double most, double *a, double *b)
{
    char *end;
    const double x = strtod(text, &end);
    if (end == text || *end != ',' || !(x > 0 && x <= most))
        return -EINVAL;
    *a = x;
    return dataset_parse_number(end + 1, most, b);
}

static int parse_geometry(const char *name, struct brl_render_params *params)
{
    for (unsigned i = 0; i < BRL_N_GEOMETRIES; i++)
        if (strcmp(name, brl_geometry_names[i]) == 0) {
            brl_render_geometry(params, (enum brl_geometry) i);
            return 0;
        }
    return -EINVAL;
}

static int parse_angle(const char *text, double *ret)
{
    char *end;
    const double v = strtod(text, &end);
    if (end == text || *end || !(fabs(v) <= 360))
        return -EINVAL;
    *ret = v;
    return 0;
}

enum {
    CELLS = 256,
    PAGE,
    VERSO,
    TRUTH,
    DSBI,
    WEATHER,
    GEOMETRY,
    DPI,
    PAPER,
    MARGIN,
    SKEW,
    LIGHT,
    JPEG,
    GRAIN,
    TEXT,
    VERSO_TEXT,
    BOTH_SIDES,
    CODE,
    COLUMNS_OPTION,
    ROWS_OPTION,
    SCAN,
    MISSING,
};

/* What is drawn. 1 taken, 0 another option, or -EINVAL. */
static int parse_what(int c, struct render_options *o)
{
    double v = 0;
    int r = 0;

    switch (c) {
    case 'o':
        o->out = optarg;
        break;
    case CELLS:
        r = dataset_parse_number(optarg, 1e8, &v);
        o->n_cells = (size_t) v;
        break;
    case PAGE:
        o->page = optarg;
        break;
    case VERSO:
        o->verso = optarg;
        break;
    case TEXT:
        o->text = optarg;
        break;
    case VERSO_TEXT:
        o->verso_text = optarg;
        break;
    case BOTH_SIDES:
        o->both_sides = true;
        break;
    case CODE:
        r = lang_code_parse(optarg, &o->code);
        break;
    case COLUMNS_OPTION:
        r = dataset_parse_whole(optarg, 200, &o->n_columns);
        r = r == 0 && o->n_columns < 8 ? -EINVAL : r;
        break;
    case ROWS_OPTION:
        r = dataset_parse_whole(optarg, 200, &o->n_rows);
        r = r == 0 && o->n_rows < 1 ? -EINVAL : r;
        break;
    case TRUTH:
        o->truth = optarg;
        break;
    case DSBI:
        o->dsbi = true;
        break;
    default:
        return 0;
    }
    return r < 0 ? r : 1;
}

/* How it looks. As above. */
static int parse_look(int c, struct render_options *o)
{
    struct brl_render_params *p = &o->params;
    double v = 0;
    int r = 0;

    switch (c) {
    case WEATHER:
        o->weather = true;
        break;
    case SCAN:
        o->scan = true;
        break;
    case MISSING:
        r = dataset_parse_number(optarg, 1, &p->missing);
        break;
    case GEOMETRY:
        r = parse_geometry(optarg, p);
        break;
    case DPI:
        r = dataset_parse_number(optarg, 1200, &p->dpi);
        break;
    case PAPER:
        if (strcmp(optarg, "a4") == 0)
            optarg = "210,297";
        r = parse_pair(optarg, 1000, &p->width_mm, &p->height_mm);
        break;
    case MARGIN:
        r = parse_pair(optarg, 500, &p->left_mm, &p->top_mm);
        break;
    case SKEW:
        r = parse_angle(optarg, &p->skew_deg);
        break;
    case LIGHT:
        r = parse_angle(optarg, &p->light_deg);
        break;
    case GRAIN:
        r = dataset_parse_number(optarg, 60, &p->grain);
        break;
    case JPEG:
        r = dataset_parse_number(optarg, 100, &v);
        p->jpeg_quality = (int) v;
        break;
    default:
        return 0;
    }
    return r < 0 ? r : 1;
}

static int parse_option(int c, struct render_options *o)
{
    int r = dataset_common_option(c, "render", &o->common);
    if (r != 0)
        return r < 0 ? r : 0;
    r = parse_what(c, o);
    if (r == 0)
        r = parse_look(c, o);
    if (r < 0)
        log_error("braille-dataset render: '%s' does not fit its option; see --help", optarg);
    return r > 0 ? 0 : -EINVAL;
}

/* Weather for a page whose cells, light and place stay as they are. */
static void add_weather(struct brl_render_params *p, bool scan)
{
    const struct brl_render_params set = *p;
    if (scan)
        brl_render_scan(p, set.seed);
    else
        brl_render_weather(p, set.seed);
    p->pitch_mm = set.pitch_mm;
    p->cell_mm = set.cell_mm;
    p->line_mm = set.line_mm;
    p->dot_mm = set.dot_mm;
    p->skew_deg = set.skew_deg;
    p->light_deg = set.light_deg;
    p->verso_dx_mm = set.verso_dx_mm;
    p->verso_dy_mm = set.verso_dy_mm;
}

/* 0, 1: help was printed, or -EINVAL. */
static int parse_all(int argc, char **argv, struct render_options *o)
{
    static const struct option options[] = {{"output", required_argument, NULL, 'o'},
                                            {"cells", required_argument, NULL, CELLS},
                                            {"page", required_argument, NULL, PAGE},
                                            {"verso", required_argument, NULL, VERSO},
                                            {"truth", required_argument, NULL, TRUTH},
                                            {"dsbi", no_argument, NULL, DSBI},
                                            {"weather", no_argument, NULL, WEATHER},
                                            {"geometry", required_argument, NULL, GEOMETRY},
                                            {"dpi", required_argument, NULL, DPI},
                                            {"paper", required_argument, NULL, PAPER},
                                            {"margin", required_argument, NULL, MARGIN},
                                            {"skew", required_argument, NULL, SKEW},
                                            {"light", required_argument, NULL, LIGHT},
                                            {"jpeg", required_argument, NULL, JPEG},
                                            {"grain", required_argument, NULL, GRAIN},
                                            {"text", required_argument, NULL, TEXT},
                                            {"verso-text", required_argument, NULL, VERSO_TEXT},
                                            {"both-sides", no_argument, NULL, BOTH_SIDES},
                                            {"code", required_argument, NULL, CODE},
                                            {"columns", required_argument, NULL, COLUMNS_OPTION},
                                            {"rows", required_argument, NULL, ROWS_OPTION},
                                            {"scan", no_argument, NULL, SCAN},
                                            {"missing", required_argument, NULL, MISSING},
                                            DATASET_COMMON_OPTIONS,
                                            {0}};

    optind = 0; /* from the beginning, also the second time */
    for (int c; (c = getopt_long(argc, argv, "o:qh", options, NULL)) != -1;) {
        if (c == 'h') {
            fputs(help, stdout);
            return 1;
        }
        if (parse_option(c, o) < 0)
            return -EINVAL;
    }
    return 0;
}

static int render(const struct render_options *o, struct fail *fail)
{
    size_t n = o->page ? 1 : o->n_cells;

    int r = o->page   ? render_page(o, fail)
            : o->text ? render_text(o, &n, fail)
                      : render_cells(o, fail);
    if (r == 0 && o->common.json &&
        printf("{\"%s\":%zu}\n", o->n_cells ? "cells" : "pictures", n) < 0)
        r = fail_set(fail, FAIL_IO, -EIO, "cannot write to standard output");
    return r;
}

int dataset_render(int argc, char **argv)
{
    struct render_options o = {.size = DATASET_CROP_SIZE,
                               .n_columns = 28,
                               .n_rows = 22,
                               .params = *brl_render_params(),
                               .common = DATASET_COMMON};
    struct fail fail = {0};

    int r = parse_all(argc, argv, &o);
    if (r != 0)
        return r < 0 ? FAIL_USAGE : 0;
    const int n_kinds = (o.page != NULL) + (o.text != NULL) + (o.n_cells > 0);
    if (!o.out || optind != argc || n_kinds != 1 || (o.verso && !o.page) ||
        ((o.verso_text || o.both_sides) && !o.text) || (o.verso_text && o.both_sides)) {
        fputs(help, stderr);
        return FAIL_USAGE;
    }
    o.params.seed = o.common.seed;
    if (o.weather || o.scan) { /* first, and what the command line sets over it */
        o.params = *brl_render_params(.seed = o.params.seed, .dpi = o.params.dpi);
        add_weather(&o.params, o.scan);
        parse_all(argc, argv, &o); /* went well before */
    }
    dataset_catch_signals();
    return dataset_end("render", render(&o, &fail), &fail);
}
