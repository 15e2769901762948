/* SPDX-License-Identifier: Apache-2.0
 *
 * How much of the text is right: the cells as syllables, numbers and signs, and what must be
 * changed to make the reading's the truth's (Levenshtein). Both are read in the code that makes
 * most sense of the truth.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lang/lang.h"
#include "tools/eval/reading.h"

#define MAX_GAP 100 ///< blank cells and empty lines beyond say nothing more

/* *ret owned; LANG_LINE_END between lines. */
static int stream_of(const struct eval_cells *c, uint8_t **ret, size_t *ret_n)
{
    uint8_t *stream = malloc((c->n + 1) * (MAX_GAP + 2));
    unsigned row = c->n ? c->cells[0].row : 0, column = 0, left = UINT16_MAX;
    size_t n = 0;

    if (!stream)
        return -ENOMEM;
    for (size_t i = 0; i < c->n; i++)
        left = MIN(left, c->cells[i].column);
    for (size_t i = 0; i < c->n; i++) {
        const struct eval_cell *at = &c->cells[i];
        if (at->row != row) {
            memset(stream + n, LANG_LINE_END, MIN(at->row - row, 2u));
            n += MIN(at->row - row, 2u);
            row = at->row;
            column = left;
        } else if (i == 0)
            column = left;
        if (at->column > column) {
            const unsigned gap = MIN(at->column - column, MAX_GAP - 2u);
            memset(stream + n, 0, gap);
            n += gap;
        }
        stream[n++] = at->cell;
        column = at->column + 1u;
    }
    *ret = stream;
    *ret_n = n;
    return 0;
}

/* Spaces go: a word more or less is counted by the words. */
static void drop_spaces(struct lang_text *t)
{
    size_t n = 0;
    for (size_t i = 0; i < t->n; i++)
        if (t->tokens[i].kind != LANG_SPACE)
            t->tokens[n++] = t->tokens[i];
    t->n = n;
}

static int distance(const struct lang_text *a, const struct lang_text *b, size_t *ret)
{
    CLEANUP_FREE size_t *row = calloc(b->n + 1, sizeof(*row));

    if (!row)
        return -ENOMEM;
    for (size_t k = 0; k <= b->n; k++)
        row[k] = k;
    for (size_t i = 0; i < a->n; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t k = 0; k < b->n; k++) {
            const size_t change = diagonal + (strcmp(a->tokens[i].text, b->tokens[k].text) != 0);
            diagonal = row[k + 1];
            row[k + 1] = MIN(change, MIN(row[k], row[k + 1]) + 1);
        }
    }
    *ret = row[b->n];
    return 0;
}

int eval_text(const struct eval_page *page, struct eval_share *ret)
{
    CLEANUP_FREE uint8_t *truth = NULL, *reading = NULL;
    CLEANUP(lang_text_done) struct lang_text t = {0}, r = {0};
    struct lang_choice choice;
    size_t n_truth = 0, n_reading = 0;

    int e = stream_of(&page->truth, &truth, &n_truth);
    if (e == 0)
        e = stream_of(&page->reading, &reading, &n_reading);
    if (e == 0)
        e = lang_decode_any(truth, n_truth, &t, &choice);
    if (e == 0)
        e = lang_decode_code(choice.code, reading, n_reading, &r);
    if (e < 0)
        return e;
    drop_spaces(&t);
    drop_spaces(&r);
    ret->of = t.n;
    return distance(&t, &r, &ret->n);
}
