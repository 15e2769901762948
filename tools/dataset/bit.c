/* SPDX-License-Identifier: Apache-2.0 */

#include "tools/dataset/bit.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/random.h"
#include "braille/check.h"

#define BESIDE 5        ///< cells on either side of the label
#define ROWS 3          ///< the label is in the middle one
#define MAX_COLUMNS 320 ///< 2 * BESIDE + the longest label, rounded up
#define MARGIN_MM 6     ///< of the sheet
#define N_TRIES 48      ///< sheets before we give up
#define TRIES_EDGE 4    ///< sheets before another edge is tried

/* A draft of the text that is written: `row` is filled from either end. */
struct draft {
    const struct bit_options *o;
    struct random rnd;
    brl_cell rows[2][ROWS][MAX_COLUMNS]; ///< recto, verso
    unsigned n_columns, first;           ///< of the label in the middle row
};

/* The cells of a label of this type, by lot. */
static size_t draw_unit(struct draft *d, enum lang_bit_type type, brl_cell *cells)
{
    for (;;) {
        const struct lang_label *label = &d->o->labels[random_below(&d->rnd, d->o->n_labels)];
        size_t n = 0;
        if (label->type == type && lang_encode(d->o->code, label->text, cells, &n, NULL) == 0)
            return n;
    }
}

/* One word as it may stand between two blanks: syllables, or a number, with a sign behind it now
 * and then. */
static size_t draw_word(struct draft *d, brl_cell *cells)
{
    size_t n = 0;

    if (random_below(&d->rnd, 5) == 0)
        n = draw_unit(d, LANG_BIT_NUMBER, cells);
    else
        for (uint64_t k = random_below(&d->rnd, 3); n < 12; k--) {
            n += draw_unit(d, LANG_BIT_SPELL, cells + n);
            if (k == 0)
                break;
        }
    if (random_below(&d->rnd, 4) == 0)
        n += draw_unit(d, LANG_BIT_PUNCTUATION, cells + n);
    return n;
}

/* Words from column `at` on; a word is cut off where the sheet ends. */
static void fill_right(struct draft *d, brl_cell *row, unsigned at)
{
    brl_cell cells[LANG_MAX_LABEL_CELLS];

    while (at < d->n_columns) {
        const size_t n = draw_word(d, cells);
        for (size_t i = 0; i < n && at < d->n_columns; i++)
            row[at++] = cells[i];
        at++;
    }
}

/* Words that end before column `at`. */
static void fill_left(struct draft *d, brl_cell *row, unsigned at)
{
    brl_cell cells[LANG_MAX_LABEL_CELLS];

    while (at > 0) {
        size_t n = draw_word(d, cells);
        while (n > 0 && at > 0)
            row[--at] = cells[--n];
        if (at > 0)
            at--;
    }
}

/* What stands next to the label. Numbers and words stand between blanks; a syllable has others of
 * its word beside it now and then, a sign mostly follows a word or a number without a blank. */
static void write_middle(struct draft *d, brl_cell *row, enum lang_bit_type type, unsigned end)
{
    const bool spell = type == LANG_BIT_SPELL, sign = type == LANG_BIT_PUNCTUATION;
    const uint64_t lot = random_below(&d->rnd, 8);
    const bool joined_left = spell ? lot < 4 : sign && lot < 6;
    const bool joined_right = spell ? lot % 4 < 2 : false;

    if (joined_left) {
        brl_cell cells[LANG_MAX_LABEL_CELLS];
        size_t n = draw_unit(d, LANG_BIT_SPELL, cells);
        unsigned at = d->first;
        while (n > 0 && at > 0)
            row[--at] = cells[--n];
        fill_left(d, row, at > 0 ? at - 1 : 0);
    } else {
        fill_left(d, row, d->first - 1);
    }
    if (joined_right) {
        unsigned at = end;
        brl_cell cells[LANG_MAX_LABEL_CELLS];
        const size_t n = draw_unit(d, LANG_BIT_SPELL, cells);
        for (size_t i = 0; i < n && at < d->n_columns; i++)
            row[at++] = cells[i];
        fill_right(d, row, at + 1);
    } else {
        fill_right(d, row, end + 1);
    }
}

static void write_draft(struct draft *d, const struct bit_wish *wish, const brl_cell *cells,
                        size_t n)
{
    d->first = BESIDE;
    d->n_columns = 2 * BESIDE + (unsigned) n;
    memset(d->rows, 0, sizeof(d->rows));
    for (unsigned row = 0; row < ROWS; row++) {
        /* lines do not begin with the same column of their words */
        fill_right(d, d->rows[1][row], (unsigned) random_below(&d->rnd, 3));
        if (row == 1)
            write_middle(d, d->rows[0][row], wish->type, d->first + (unsigned) n);
        else
            fill_left(d, d->rows[0][row], d->n_columns + (unsigned) random_below(&d->rnd, 2) - 1);
    }
    memcpy(d->rows[0][1] + d->first, cells, n);
}

/* ---- the sheet ---- */

struct sheet {
    struct brl_render_params params;
    struct image *img;             ///< owned
    struct brl_render_truth truth; ///< owned
    size_t n_recto;                ///< the recto's cells come first
    double pitch_px;
};

static void sheet_done(struct sheet *s)
{
    image_free(s->img);
    brl_render_truth_done(&s->truth);
}

static void set_params(const struct bit_options *o, struct random *rnd, struct brl_render_params *p)
{
    *p = *brl_render_params(.dpi = o->dpi);
    const double light_deg = o->any_light ? random_uniform(rnd, 0, 360) : o->light_deg;
    if (o->look == BIT_SCAN) {
        p->light_deg = light_deg;
        brl_render_scan(p, random_next(rnd));
    } else {
        brl_render_geometry(p, (enum brl_geometry) random_below(rnd, BRL_N_GEOMETRIES));
        p->verso_dx_mm = random_uniform(rnd, 0, p->cell_mm);
        p->verso_dy_mm = p->pitch_mm / 2;
        p->grain = 1;
        p->light_deg = isnan(light_deg) ? 0 : light_deg;
        p->seed = random_next(rnd);
    }
    if (o->geometry >= 0) {
        const double dot_mm = p->dot_mm, offset = p->verso_dy_mm / p->pitch_mm;
        brl_render_geometry(p, (enum brl_geometry) o->geometry);
        p->verso_dy_mm = offset * p->pitch_mm;
        if (o->look == BIT_SCAN)
            p->dot_mm = fmin(dot_mm, p->dot_mm * 1.1);
    }
    p->top_mm = MARGIN_MM;
    p->left_mm = MARGIN_MM + p->verso_dx_mm; /* the verso begins at the right edge */
}

static int draw_sheet(struct draft *d, struct sheet *s)
{
    const struct bit_options *o = d->o;
    brl_cell packed[2][ROWS * MAX_COLUMNS];
    struct brl_render_sheet sides[2];

    set_params(o, &d->rnd, &s->params);
    for (unsigned side = 0; side < 2; side++) {
        for (unsigned row = 0; row < ROWS; row++)
            memcpy(packed[side] + row * d->n_columns, d->rows[side][row], d->n_columns);
        sides[side] = (struct brl_render_sheet){packed[side], ROWS, d->n_columns};
    }
    /* a fifth of the paper is written on from one side only */
    const bool single = random_below(&d->rnd, 5) == 0 || o->single_sided;
    s->n_recto = (size_t) ROWS * d->n_columns;
    s->pitch_px = s->params.pitch_mm * o->dpi / 25.4;
    return brl_render(&sides[0], single ? NULL : &sides[1], &s->params, &s->img, &s->truth);
}

/* ---- the cut ---- */

static void take_cells(const struct draft *d, const struct sheet *s, const struct brl_cut *cut,
                       struct bit_picture *ret)
{
    const struct brl_render_cell *run = s->truth.cells + d->n_columns + d->first;

    for (size_t i = 0; i < ret->n_cells; i++)
        for (unsigned k = 0; k < 6; k++) {
            const struct brl_point from = run[i].dot[k], dot = run[i].drawn[k];
            ret->dot[i][k] = (struct brl_point){from.x - cut->x, from.y - cut->y};
            ret->drawn[i][k] = (struct brl_point){dot.x - cut->x, dot.y - cut->y};
        }
}

static int cut_sheet(struct draft *d, const struct sheet *s, struct bit_picture *ret)
{
    CLEANUP_FREE struct brl_cut_cell *cells = calloc(s->n_recto, sizeof(*cells));
    struct brl_cut_params *params =
        brl_cut_params(.fault = ret->fault, .edge = ret->edge, .seed = random_next(&d->rnd));
    struct brl_cut cut;

    if (!cells)
        return -ENOMEM;
    for (size_t i = 0; i < s->n_recto; i++) {
        cells[i].cell = s->truth.cells[i].cell;
        for (unsigned k = 0; k < 6; k++) /* what is seen is what must be kept clear of */
            cells[i].dot[k] = isnan(s->truth.cells[i].drawn[k].x) ? s->truth.cells[i].dot[k]
                                                                  : s->truth.cells[i].drawn[k];
    }
    int r = brl_cut(cells, s->n_recto, d->n_columns + d->first, ret->n_cells, s->pitch_px,
                    s->img->width, s->img->height, params, &cut);
    if (r == 0)
        r = image_part(s->img, cut.x, cut.y, cut.width, cut.height, &ret->img);
    if (r < 0)
        return r;
    ret->img->dpi = s->params.dpi;
    ret->skew_deg = s->params.skew_deg;
    ret->n_dots = cut.n_dots;
    take_cells(d, s, &cut, ret);
    return 0;
}

/* -EAGAIN: what was drawn well cannot be read, or what was cut badly looks well. */
static int check_picture(const struct bit_options *o, const struct bit_picture *p)
{
    const double light_deg = o->any_light ? -1 : isnan(o->light_deg) ? 0 : o->light_deg;
    struct brl_check check;

    int r = brl_check(p->img, p->cells, p->n_cells,
                      brl_check_params(.light_deg = fmod(light_deg + 360, 360)), &check);
    if (r < 0)
        return r;
    r = (check.verdict == BRL_CLEAN) == (p->fault == BRL_FAULT_NONE) ? 0 : -EAGAIN;
    brl_check_done(&check);
    return r;
}

/* One sheet; -ENOENT: the fault cannot be made on this one; -EAGAIN. */
static int try_once(const struct bit_options *o, const struct bit_wish *wish, unsigned try,
                    struct bit_picture *ret)
{
    CLEANUP(sheet_done) struct sheet sheet = {0};
    struct random lot = {o->seed};
    CLEANUP_FREE struct draft *d = malloc(sizeof(*d));

    if (!d)
        return -ENOMEM;
    lot.state = random_next(&lot) ^ wish->number;
    lot.state = random_next(&lot) + try;
    d->o = o;
    d->rnd = lot;
    write_draft(d, wish, ret->cells, ret->n_cells);
    int r = draw_sheet(d, &sheet);
    if (r == 0)
        r = cut_sheet(d, &sheet, ret);
    if (r == 0 && o->checked)
        r = check_picture(o, ret);
    if (r < 0)
        ret->img = image_free(ret->img);
    return r;
}

int bit_draw(const struct bit_options *o, const struct bit_wish *wish, struct bit_picture *ret,
             struct fail *fail)
{
    *ret = (struct bit_picture){.fault = wish->fault, .edge = wish->edge};
    int r = lang_encode(o->code, wish->text, ret->cells, &ret->n_cells, fail);
    if (r < 0)
        return r;
    r = -ENOENT;
    for (unsigned try = 0; try < N_TRIES && (r == -ENOENT || r == -EAGAIN); try++) {
        /* other neighbours first, then another edge; a sign of one dot cannot lose a dot and keep
         * one, so another fault after all edges */
        const unsigned missed = try - ret->n_redrawn;
        if (wish->fault != BRL_FAULT_NONE) {
            const unsigned edges = wish->edge + missed / TRIES_EDGE;
            ret->edge = (enum brl_edge)(edges % BRL_N_EDGES);
            ret->fault = (enum brl_fault)(
                1 + (wish->fault - 1 + missed / (TRIES_EDGE * BRL_N_EDGES)) % (BRL_N_FAULTS - 1));
        }
        r = try_once(o, wish, try, ret);
        ret->n_redrawn += r == -EAGAIN;
    }
    if (r == -ENOENT)
        return fail_set(fail, FAIL_DEFECT, r, "no sheet gives a cut of '%s'", wish->text);
    if (r == -EAGAIN)
        return fail_set(fail, FAIL_OTHER, r,
                        "none of %d drawings of '%s' is judged as it is meant; another --seed or "
                        "--look may do, or leave --checked out",
                        N_TRIES, wish->text);
    return r;
}

void bit_picture_done(struct bit_picture *picture)
{
    picture->img = image_free(picture->img);
}
