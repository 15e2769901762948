/* SPDX-License-Identifier: Apache-2.0
 *
 * A noisy channel: what was printed is the cell for which what was seen and what the text says are
 * together the likeliest. Only cells a dot away are considered, and only where the place itself
 * leaves some doubt.
 */

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lang/lang.h"
#include "pipeline/pipeline_internal.h"

#define MAX_DOUBTS 400 ///< places of a side that are looked at, most doubtful first
#define MAX_WINDOW 3   ///< lines in which a cell changes the text

struct doubt {
    uint32_t slot;
    double gap; ///< to the next cell that is a dot away
};

struct corrector {
    struct pipeline_cells *c;
    enum lang_code code;
    const struct pipeline_correct_params *params;
    uint8_t *window;                 ///< owned
    struct pipeline_change *changes; ///< owned
    size_t n_changes;
};

static bool is_near(brl_cell a, brl_cell b)
{
    return __builtin_popcount(a ^ b) == 1;
}

/** The lines around a slot as they would be with this cell in it. *ret_at: where it stands. */
static size_t make_window(struct corrector *k, size_t slot, brl_cell cell, size_t *ret_at)
{
    const struct brl_page *page = k->c->page;
    const unsigned row = page->slots[slot].row;
    const unsigned from = row > 0 ? row - 1 : 0, to = MIN(row + 2, page->n_rows);
    size_t n = 0;

    for (unsigned r = from; r < to; r++) {
        size_t end = n;
        for (size_t i = (size_t) r * page->n_columns; i < (size_t) (r + 1) * page->n_columns; i++) {
            if (i == slot)
                *ret_at = n;
            k->window[n] = i == slot ? cell : k->c->cell[i];
            if (k->window[n++])
                end = n;
        }
        n = end;
        k->window[n++] = LANG_LINE_END;
    }
    return n;
}

/** What the lines cost with this cell; `said` is the token that it stands in. */
static int weigh(struct corrector *k, size_t slot, brl_cell cell, double *ret_nats,
                 struct lang_token *said)
{
    CLEANUP(lang_text_done) struct lang_text any = {0}, text = {0};
    struct lang_choice choice;
    size_t at = 0;
    const size_t n = make_window(k, slot, cell, &at);

    int r = lang_decode_any(k->window, n, &any, &choice);
    if (r < 0)
        return r;
    *ret_nats = choice.nats[k->code];
    if (!said)
        return 0;
    *said = (struct lang_token){.kind = LANG_SPACE};
    r = lang_decode_code(k->code, k->window, n, &text);
    for (size_t i = 0; i < text.n && r == 0; i++)
        if (text.tokens[i].first <= at && at < text.tokens[i].first + text.tokens[i].n_cells)
            *said = text.tokens[i];
    return r;
}

static int add_change(struct corrector *k, size_t slot, brl_cell to, float p)
{
    struct pipeline_change *more = realloc(k->changes, (k->n_changes + 1) * sizeof(*more));
    const struct brl_slot *s = &k->c->page->slots[slot];
    struct lang_token was, is;
    double nats;

    if (!more)
        return -ENOMEM;
    k->changes = more;
    int r = weigh(k, slot, k->c->cell[slot], &nats, &was);
    if (r == 0)
        r = weigh(k, slot, to, &nats, &is);
    if (r < 0)
        return r;
    struct pipeline_change *change = &more[k->n_changes++];
    *change = (struct pipeline_change){.row = s->row,
                                       .column = s->column,
                                       .from = k->c->cell[slot],
                                       .to = to,
                                       .no_text = was.kind == LANG_UNKNOWN,
                                       .p = p};
    snprintf(change->was, sizeof(change->was), "%s", was.kind == LANG_SPACE ? "" : was.text);
    snprintf(change->is, sizeof(change->is), "%s", is.kind == LANG_SPACE ? "" : is.text);
    return 0;
}

/** One place: all cells near to what was seen, by what was seen and by the text. */
static int judge(struct corrector *k, size_t slot)
{
    const uint32_t *top = k->c->top + slot * PIPELINE_TOP;
    const float *score = k->c->score + slot * PIPELINE_TOP;
    const brl_cell seen = k->c->cell[slot];
    double own = 0, nats, best = -INFINITY, sum = 1;
    brl_cell to = seen;

    for (unsigned i = 0; i < PIPELINE_TOP; i++)
        own = top[i] == seen ? (double) score[i] : own;
    int r = weigh(k, slot, seen, &nats, NULL);
    for (unsigned i = 0; i < PIPELINE_TOP && r == 0; i++) {
        const double gap = own - (double) score[i];
        double other = 0;
        if (top[i] == seen || gap > k->params->reach)
            continue;
        if (!is_near((brl_cell) top[i], seen)) { /* may be, but is not taken */
            sum += exp(-gap);
            continue;
        }
        r = weigh(k, slot, (brl_cell) top[i], &other, NULL);
        const double odds = k->params->trust * (nats - other) - gap;
        sum += exp(odds);
        if (odds > best) {
            best = odds;
            to = (brl_cell) top[i];
        }
    }
    if (r < 0)
        return r;
    k->c->p[slot] = (float) (1 / sum);
    if (best < k->params->log_odds)
        return 0;
    const float p = (float) (exp(best) / sum);
    r = add_change(k, slot, to, p);
    k->c->cell[slot] = to;
    k->c->p[slot] = p;
    return r;
}

/** How far the nearest other cell is; > reach: there is no doubt. */
static double gap_of(const struct pipeline_cells *c, size_t slot)
{
    const uint32_t *top = c->top + slot * PIPELINE_TOP;
    const float *score = c->score + slot * PIPELINE_TOP;
    double own = 0, gap = INFINITY;

    for (unsigned i = 0; i < PIPELINE_TOP; i++)
        own = top[i] == c->cell[slot] ? (double) score[i] : own;
    for (unsigned i = 0; i < PIPELINE_TOP; i++)
        if (is_near((brl_cell) top[i], c->cell[slot]))
            gap = fmin(gap, own - (double) score[i]);
    return gap;
}

static int by_gap(const void *a, const void *b)
{
    const struct doubt *x = a, *y = b;
    return x->gap < y->gap ? -1 : x->gap > y->gap;
}

static int by_place(const void *a, const void *b)
{
    const struct pipeline_change *x = a, *y = b;
    return x->row != y->row ? x->row - y->row : x->column - y->column;
}

static int correct(struct corrector *k)
{
    const struct brl_page *page = k->c->page;
    CLEANUP_FREE struct doubt *doubts = malloc((page->n_slots + 1) * sizeof(*doubts));
    size_t n = 0;
    int r = 0;

    k->window = malloc((size_t) MAX_WINDOW * (page->n_columns + 1) + 1);
    if (!doubts || !k->window)
        return -ENOMEM;
    for (size_t i = 0; i < page->n_slots; i++) {
        const double gap = k->c->seen[i] ? gap_of(k->c, i) : INFINITY;
        if (gap <= k->params->reach)
            doubts[n++] = (struct doubt){(uint32_t) i, gap};
    }
    qsort(doubts, n, sizeof(*doubts), by_gap);
    for (size_t i = 0; i < MIN(n, (size_t) MAX_DOUBTS) && r == 0; i++)
        r = judge(k, doubts[i].slot);
    return r;
}

int pipeline_correct(struct pipeline_cells *c, enum lang_code code,
                     const struct pipeline_correct_params *params, struct pipeline_change **ret,
                     size_t *ret_n)
{
    struct corrector k = {.c = c, .code = code, .params = params};

    int r = correct(&k);
    free(k.window);
    if (r < 0) {
        free(k.changes);
        return r;
    }
    if (k.n_changes)
        qsort(k.changes, k.n_changes, sizeof(*k.changes), by_place);
    *ret = k.changes;
    *ret_n = k.n_changes;
    return 0;
}
