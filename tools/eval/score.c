/* SPDX-License-Identifier: Apache-2.0 */

#include "tools/eval/reading.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void eval_match_done(struct eval_match *m)
{
    free(m->of_truth);
    free(m->of_reading);
    *m = (struct eval_match){0};
}

static double overlap(const struct eval_cell *a, const struct eval_cell *b)
{
    /* boxes that overlap by more than half are nearer than half of the wider one */
    if (fabs(a->centre.x - b->centre.x) > a->width)
        return 0;
    return brl_box_iou(a->centre, a->width, a->height, b->centre, b->width, b->height, 0);
}

/* Of each cell of `from` the cell of `to` with the largest overlap beyond 0.5. */
static size_t *best_of(const struct eval_cells *from, const struct eval_cells *to)
{
    size_t *best = calloc(from->n + 1, sizeof(*best));

    for (size_t i = 0; i < from->n && best; i++) {
        double most = 0.5;
        best[i] = SIZE_MAX;
        for (size_t k = 0; k < to->n; k++) {
            const double iou = overlap(&from->cells[i], &to->cells[k]);
            if (iou > most) {
                most = iou;
                best[i] = k;
            }
        }
    }
    return best;
}

int eval_match(const struct eval_page *page, struct eval_match *ret)
{
    ret->of_truth = best_of(&page->truth, &page->reading);
    ret->of_reading = best_of(&page->reading, &page->truth);
    return ret->of_truth && ret->of_reading ? 0 : -ENOMEM;
}

static bool is_found(const struct eval_page *p, const struct eval_match *m, size_t i)
{
    const size_t k = m->of_truth[i];
    return k != SIZE_MAX && p->reading.cells[k].cell == p->truth.cells[i].cell;
}

static bool is_false(const struct eval_page *p, const struct eval_match *m, size_t k)
{
    const size_t i = m->of_reading[k];
    return i == SIZE_MAX || p->reading.cells[k].cell != p->truth.cells[i].cell;
}

static size_t n_dots(unsigned cell)
{
    return (size_t) __builtin_popcount(cell);
}

static void count(const struct eval_page *p, const struct eval_match *m, struct eval_score *s)
{
    for (size_t i = 0; i < p->truth.n; i++) {
        const size_t k = m->of_truth[i];
        const bool mutual = k != SIZE_MAX && m->of_reading[k] == i;
        const unsigned t = p->truth.cells[i].cell, r = mutual ? p->reading.cells[k].cell : 0;
        s->cell.right += is_found(p, m, i);
        s->cell.missed += !is_found(p, m, i);
        s->dot.right += n_dots(t & r);
        s->dot.missed += n_dots(t & ~r);
        s->dot.wrong += n_dots(r & ~t);
    }
    for (size_t k = 0; k < p->reading.n; k++) {
        const size_t i = m->of_reading[k];
        const bool mutual = i != SIZE_MAX && m->of_truth[i] == k;
        s->cell.wrong += is_false(p, m, k);
        s->dot.wrong += mutual ? 0 : n_dots(p->reading.cells[k].cell);
    }
}

/* ---- words ---- */

/* `b` stands right behind `a`, without a blank cell. */
static bool goes_on(const struct eval_cell *a, const struct eval_cell *b)
{
    return a->row == b->row && b->column == a->column + 1;
}

/* Cells [from, to) of the truth are a word: read right, as one word, and no longer one. */
static bool word_is_right(const struct eval_page *p, const struct eval_match *m, size_t from,
                          size_t to)
{
    const struct eval_cells *r = &p->reading;

    for (size_t i = from; i < to; i++) {
        const size_t k = m->of_truth[i];
        if (!is_found(p, m, i) || is_false(p, m, k))
            return false;
        if (i > from && (k != m->of_truth[i - 1] + 1 || !goes_on(&r->cells[k - 1], &r->cells[k])))
            return false;
    }
    const size_t first = m->of_truth[from], last = m->of_truth[to - 1];
    return (first == 0 || !goes_on(&r->cells[first - 1], &r->cells[first])) &&
           (last + 1 == r->n || !goes_on(&r->cells[last], &r->cells[last + 1]));
}

static void count_words(const struct eval_page *p, const struct eval_match *m, struct eval_share *s)
{
    const struct eval_cells *t = &p->truth;

    for (size_t from = 0, to; from < t->n; from = to) {
        for (to = from + 1; to < t->n && goes_on(&t->cells[to - 1], &t->cells[to]); to++)
            ;
        s->of++;
        s->n += word_is_right(p, m, from, to);
    }
}

int eval_compare(const struct eval_page *page, struct eval_score *ret)
{
    CLEANUP(eval_match_done) struct eval_match m = {0};
    struct eval_score s = {0};

    int r = eval_match(page, &m);
    if (r < 0)
        return r;
    count(page, &m, &s);
    if (!page->loose) {
        count_words(page, &m, &s.words);
        r = eval_text(page, &s.text);
    }
    if (r == 0)
        *ret = s;
    return r;
}

/* ---- the list of errors ---- */

static void write_name(FILE *f, const char *name)
{
    for (; *name; name++)
        if ((unsigned char) *name < 0x20 || *name == 0x7F)
            fprintf(f, "\\x%02x", (unsigned char) *name);
        else
            fputc(*name, f);
}

static void write_error(FILE *f, const char *name, enum brl_side side,
                        const struct eval_cell *place, const struct eval_cell *truth,
                        const struct eval_cell *reading)
{
    char wanted[7] = "-", got[7] = "-", p[32] = "-";

    if (truth)
        brl_cell_format(truth->cell, wanted);
    if (reading)
        brl_cell_format(reading->cell, got);
    if (reading && reading->p >= 0)
        snprintf(p, sizeof(p), "%.4f", reading->p);
    write_name(f, name);
    fprintf(f, "\t%s\t%u\t%u\t%s\t%s\t%s\t%.0f\t%.0f\n", side == BRL_VERSO ? "verso" : "recto",
            place->row, place->column, wanted, got, p, place->centre.x, place->centre.y);
}

int eval_list(FILE *f, const struct eval_page *page, const char *name, enum brl_side side)
{
    CLEANUP(eval_match_done) struct eval_match m = {0};
    const struct eval_cell *t = page->truth.cells, *r = page->reading.cells;

    if (eval_match(page, &m) < 0)
        return -ENOMEM;
    for (size_t i = 0; i < page->truth.n; i++)
        if (!is_found(page, &m, i))
            write_error(f, name, side, &t[i], &t[i],
                        m.of_truth[i] == SIZE_MAX ? NULL : &r[m.of_truth[i]]);
    for (size_t k = 0; k < page->reading.n; k++) {
        const size_t i = m.of_reading[k];
        if (is_false(page, &m, k) && (i == SIZE_MAX || m.of_truth[i] != k)) /* else told above */
            write_error(f, name, side, &r[k], i == SIZE_MAX ? NULL : &t[i], &r[k]);
    }
    return 0;
}
