/* SPDX-License-Identifier: Apache-2.0
 *
 * A picture -> where its page lies -> the cells of its sides -> their text.
 */

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "lang/lang.h"
#include "pipeline/pipeline_internal.h"

/* A picture as low as this is one of the paper's crops: a number, a syllable or a mark. A line of
 * braille is 10 mm high, 118 px at 300 dpi. */
#define CROP_MAX_HEIGHT_PX 240
#define CROP_MAX_HEIGHT_MM 25.4

/* Cells that make no text are braille all the same where most are seen clearly: in photographs of
 * other languages the mean p of raised cells is 0.97 and more; where the other side's dots or dirt
 * were taken for this side's, 0.65 to 0.90. */
#define CLEARLY_SEEN 0.94

static const char no_braille[] =
    "no braille was found in the picture; scan the page flat, at 150 to 600 dpi";

/** The cells of the sides that hold any, in reading order. */
struct sides {
    struct pipeline_cells cells[2];
    enum brl_side side[2];
    unsigned n;
};

static void sides_done(struct sides *s)
{
    pipeline_cells_done(&s->cells[0]);
    pipeline_cells_done(&s->cells[1]);
}

static size_t n_raised(const struct pipeline_cells *c)
{
    size_t n = 0;
    for (size_t i = 0; i < c->page->n_slots; i++)
        n += c->cell[i] != 0;
    return n;
}

static int text_nats(const struct pipeline_cells *c, bool *ret)
{
    struct pipeline_stream s = {0};
    double nats = INFINITY;

    int r = pipeline_stream_new(c, false, false, &s);
    if (r == 0)
        r = pipeline_stream_nats(&s, &nats);
    *ret = r == 0 && pipeline_is_text(nats, s.n_raised);
    pipeline_stream_done(&s);
    return r;
}

static double mean_p(const struct pipeline_cells *c)
{
    double sum = 0;
    for (size_t i = 0; i < c->page->n_slots; i++)
        sum += c->cell[i] ? (double) c->p[i] : 0;
    return sum / (double) MAX(n_raised(c), (size_t) 1);
}

static void take_side(struct sides *s, enum brl_side side, struct pipeline_cells *c)
{
    s->cells[s->n] = *c;
    s->side[s->n++] = side;
    *c = (struct pipeline_cells){0};
}

/** Taken; a side without a raised cell, or with nothing but doubtful ones that are no text, is
 * none. */
static int add_side(struct sides *s, enum brl_side side, struct pipeline_cells *c)
{
    int r = 0;

    if (c->page && n_raised(c)) {
        bool stands = mean_p(c) >= CLEARLY_SEEN;
        if (!stands) /* what it says costs more to tell */
            r = text_nats(c, &stands);
        if (stands)
            take_side(s, side, c);
    }
    pipeline_cells_done(c);
    return r;
}

/** The recto says where the page lies, or, where it holds no text, the verso. */
static int find_both(struct pipeline_task *t, struct sides *ret, struct fail *fail)
{
    struct pipeline_cells recto = {0}, verso = {0};
    struct pipeline_place place, back;
    struct fail ignored = {0};
    bool is_text = false;

    int r = pipeline_find_place(t, BRL_RECTO, &recto, &place, fail);
    if (r == 0)
        r = text_nats(&recto, &is_text);
    if ((r == 0 && is_text) || (r == -ENODATA && place.light_deg >= 0)) {
        r = pipeline_find_cells(t, BRL_VERSO, false, t->params->dpi, &place, &verso, &ignored);
    } else if (r == 0 || r == -ENODATA) {
        r = pipeline_find_place(t, BRL_VERSO, &verso, &back, &ignored);
        if (r == 0)
            r = text_nats(&verso, &is_text);
        if (r == 0 && is_text) { /* the recto once more, as its other side lies */
            pipeline_cells_done(&recto);
            r = pipeline_find_cells(t, BRL_RECTO, false, t->params->dpi, &back, &recto, &ignored);
        } else if (r == 0 && recto.page)
            pipeline_cells_done(&verso); /* which way it lies is not known: one side is enough */
    }
    if (r == -ENODATA)
        r = 0;
    if (r < 0 && fail && ignored.kind != FAIL_NONE)
        *fail = ignored;
    if (r == 0) {
        r = add_side(ret, BRL_RECTO, &recto);
        if (r == 0)
            r = add_side(ret, BRL_VERSO, &verso);
    }
    pipeline_cells_done(&recto);
    pipeline_cells_done(&verso);
    return r;
}

static int find_sides(struct pipeline_task *t, struct sides *ret, struct fail *fail)
{
    const enum brl_side side = t->params->sides == PIPELINE_VERSO ? BRL_VERSO : BRL_RECTO;
    struct pipeline_cells cells = {0};
    struct pipeline_place place;

    if (t->params->sides == PIPELINE_BOTH)
        return find_both(t, ret, fail);
    int r = pipeline_find_place(t, side, &cells, &place, fail);
    if (r == 0)
        r = add_side(ret, side, &cells);
    if (r == -ENODATA ? place.light_deg >= 0 : r == 0 && ret->n == 0) {
        if (fail)
            *fail = (struct fail){0};
        return fail_set(fail, FAIL_INPUT, -ENODATA,
                        "no braille was found on this side of the page; --side %s reads the other",
                        side == BRL_VERSO ? "recto" : "verso");
    }
    return r;
}

static void slot_box(const struct pipeline_cell *c, double box[4])
{
    double x0 = (double) c->dot[0][0], x1 = x0, y0 = (double) c->dot[0][1], y1 = y0;
    for (int i = 1; i < 6; i++) {
        x0 = fmin(x0, (double) c->dot[i][0]);
        x1 = fmax(x1, (double) c->dot[i][0]);
        y0 = fmin(y0, (double) c->dot[i][1]);
        y1 = fmax(y1, (double) c->dot[i][1]);
    }
    box[0] = x0;
    box[1] = y0;
    box[2] = x1 - x0;
    box[3] = y1 - y0;
}

static void keep_cell(const struct pipeline_cells *c, size_t i, struct pipeline_cell *cell)
{
    const struct brl_slot *slot = &c->page->slots[i];

    *cell = (struct pipeline_cell){
        .row = slot->row, .column = slot->column, .dots = c->cell[i], .p = c->p[i]};
    for (int d = 0; d < 6; d++) {
        cell->dot[d][0] = (float) slot->dot[d].x;
        cell->dot[d][1] = (float) slot->dot[d].y;
        cell->evidence[d] = (float) slot->evidence[d];
    }
    for (unsigned k = 0; k < PIPELINE_TOP; k++) {
        cell->top[k] = (brl_cell) c->top[i * PIPELINE_TOP + k];
        cell->cosine[k] = c->cosine[i * PIPELINE_TOP + k];
    }
    slot_box(cell, cell->box);
}

static int keep_cells(const struct pipeline_cells *c, bool blanks, struct pipeline_side *ret)
{
    const struct brl_page *page = c->page;

    ret->skew_deg = page->skew_deg;
    ret->cells = calloc(MAX(page->n_slots, 1), sizeof(*ret->cells));
    if (blanks)
        ret->blanks = calloc(MAX(page->n_slots, 1), sizeof(*ret->blanks));
    if (!ret->cells || (blanks && !ret->blanks))
        return -ENOMEM;
    for (size_t i = 0; i < page->n_slots; i++)
        if (c->cell[i])
            keep_cell(c, i, &ret->cells[ret->n_cells++]);
        else if (blanks && c->seen[i])
            keep_cell(c, i, &ret->blanks[ret->n_blanks++]);
    return 0;
}

static int keep_strays(const struct brl_page *page, struct pipeline_side *ret)
{
    ret->strays = malloc((page->n_stray + 1) * sizeof(*ret->strays));
    if (!ret->strays)
        return -ENOMEM;
    for (size_t i = 0; i < page->n_stray; i++)
        ret->strays[ret->n_strays++] =
            (struct pipeline_stray){page->stray[i].x, page->stray[i].y, page->stray[i].p};
    return 0;
}

static bool looks_like_crop(const struct image *img, const struct pipeline_read_params *params)
{
    const double dpi = params->dpi > 0 ? params->dpi : img->dpi;

    if (params->mode != PIPELINE_AUTO)
        return params->mode == PIPELINE_CROP;
    return img->height <= CROP_MAX_HEIGHT_PX ||
           (dpi > 0 && img->height / dpi * 25.4 <= CROP_MAX_HEIGHT_MM);
}

/** Mean p of the cells. */
static float confidence_of(const struct pipeline_reading *r)
{
    double sum = 0;

    for (unsigned i = 0; i < r->n_sides; i++)
        for (size_t k = 0; k < r->side[i].n_cells; k++)
            sum += (double) r->side[i].cells[k].p;
    return (float) (sum / (double) MAX(pipeline_reading_cells(r), 1u));
}

static void place_change(const struct pipeline_cells *c, struct pipeline_change *change)
{
    struct pipeline_cell cell;

    keep_cell(c, (size_t) change->row * c->page->n_columns + change->column, &cell);
    memcpy(change->box, cell.box, sizeof(change->box));
}

/** Where the text is likelier another way, and the places themselves allow it. */
static int correct_sides(const struct pipeline_task *t, struct sides *s, unsigned code,
                         struct pipeline_reading *ret)
{
    bool is_text[2] = {false};
    enum lang_code chosen;

    int r = pipeline_choose_code(s->cells, s->n, code, &chosen, is_text);
    for (unsigned i = 0; i < s->n && r == 0; i++) {
        struct pipeline_side *side = &ret->side[i];
        if (!is_text[i])
            continue;
        r = pipeline_correct(&s->cells[i], chosen, pipeline_correct_params(), &side->changes,
                             &side->n_changes);
        for (size_t k = 0; k < side->n_changes && r == 0; k++)
            place_change(&s->cells[i], &side->changes[k]);
    }
    return r;
}

static int keep(const struct pipeline_task *t, struct sides *s, unsigned code,
                struct pipeline_reading *ret)
{
    const struct pipeline_cells *first = &s->cells[0];
    int r = 0;

    ret->width = t->img->width;
    ret->height = t->img->height;
    ret->dpi = first->page->dpi;
    ret->orientation = first->page->orientation;
    ret->mirrored = first->page->mirrored;
    ret->n_sides = s->n;
    if (!ret->crop && !t->params->verbatim)
        r = correct_sides(t, s, code, ret);
    for (unsigned i = 0; i < s->n && r == 0; i++) {
        ret->side[i].side = s->side[i];
        r = keep_cells(&s->cells[i], t->params->blanks, &ret->side[i]);
        if (r == 0)
            r = keep_strays(s->cells[i].page, &ret->side[i]);
    }
    ret->skew_deg = ret->side[0].skew_deg;
    if (r == 0)
        r = pipeline_translate(s->cells, code, ret);
    if (r == 0 && !ret->crop) /* a crop has the bank's p */
        ret->confidence = confidence_of(ret);
    return r;
}

static int read_once(struct pipeline *p, const struct image *img,
                     const struct pipeline_read_params *params, const struct pipeline_job *job,
                     struct pipeline_reading *ret, struct fail *fail)
{
    struct pipeline_task t = {
        .p = p, .img = img, .params = params, .job = job, .times = &ret->times_ms};
    const bool crop = looks_like_crop(img, params);
    /* a crop is too short to tell its code; the bank has crops of Current Braille */
    const unsigned code = params->code || !crop ? params->code : 1 + LANG_CURRENT;
    CLEANUP(sides_done) struct sides sides = {0};

    int r = pipeline_load_reader(p, fail);
    if (r == 0 && crop) {
        struct pipeline_cells c = {0};
        r = pipeline_find_crop(&t, &c, ret, fail);
        if (r == 0)
            take_side(&sides, params->sides == PIPELINE_VERSO ? BRL_VERSO : BRL_RECTO, &c);
        pipeline_cells_done(&c);
    } else if (r == 0)
        r = find_sides(&t, &sides, fail);
    brl_sheet_unref(t.sheet);
    if (r == 0 && sides.n == 0)
        r = fail_set(fail, FAIL_INPUT, -ENODATA, "%s", no_braille);
    if (r < 0)
        return r;
    pipeline_report(job, PIPELINE_TRANSLATING, 0.3);
    const double t0 = pipeline_now_ms();
    r = keep(&t, &sides, code, ret);
    ret->times_ms.lang += pipeline_now_ms() - t0;
    return r;
}

int pipeline_read(struct pipeline *p, const struct image *img,
                  const struct pipeline_read_params *params, const struct pipeline_job *job,
                  struct pipeline_reading *ret, struct fail *fail)
{
    struct pipeline_reading reading = {0};
    struct fail first = {0};

    int r = pipeline_ensure_device(p, &first);
    if (r == 0)
        r = read_once(p, img, params, job, &reading, &first);
    if (r == -EIO) { /* the device was lost: once more on a new one */
        pipeline_reading_done(&reading);
        if (pipeline_reopen(p, &first) == 0)
            r = read_once(p, img, params, job, &reading, &first);
    }
    if (r < 0) {
        pipeline_reading_done(&reading);
        if (fail)
            *fail = first;
        return r;
    }
    *ret = reading;
    return 0;
}

size_t pipeline_reading_cells(const struct pipeline_reading *r)
{
    return r->side[0].n_cells + r->side[1].n_cells;
}

size_t pipeline_reading_changes(const struct pipeline_reading *r)
{
    return r->side[0].n_changes + r->side[1].n_changes;
}

bool pipeline_reading_is_text(const struct pipeline_reading *r)
{
    return r->side[0].is_text || r->side[1].is_text;
}

static void side_done(struct pipeline_side *s)
{
    for (size_t i = 0; i < s->n_lines; i++) {
        free(s->lines[i].braille);
        free(s->lines[i].pinyin);
    }
    free(s->lines);
    free(s->pieces);
    free(s->cells);
    free(s->blanks);
    free(s->changes);
    free(s->strays);
}

void pipeline_reading_done(struct pipeline_reading *r)
{
    side_done(&r->side[0]);
    side_done(&r->side[1]);
    free(r->pinyin);
    free(r->spoken);
    *r = (struct pipeline_reading){0};
}
