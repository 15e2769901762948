/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdlib.h>

#include "base/random.h"
#include "tools/eval/reading.h"

static double ratio(size_t a, size_t b)
{
    return b > 0 ? (double) a / (double) b : 1;
}

double eval_precision(const struct eval_count *c)
{
    return ratio(c->right, c->right + c->wrong);
}

double eval_recall(const struct eval_count *c)
{
    return ratio(c->right, c->right + c->missed);
}

double eval_f1(const struct eval_count *c)
{
    return ratio(2 * c->right, 2 * c->right + c->wrong + c->missed);
}

double eval_ratio(const struct eval_share *s, double otherwise)
{
    return s->of > 0 ? (double) s->n / (double) s->of : otherwise;
}

static void add_count(struct eval_count *to, const struct eval_count *c)
{
    to->right += c->right;
    to->wrong += c->wrong;
    to->missed += c->missed;
}

void eval_add(struct eval_score *to, const struct eval_score *score)
{
    add_count(&to->dot, &score->dot);
    add_count(&to->cell, &score->cell);
    to->words.n += score->words.n;
    to->words.of += score->words.of;
    to->text.n += score->text.n;
    to->text.of += score->text.of;
}

double eval_figure(const struct eval_score *s, enum eval_figure figure)
{
    switch (figure) {
    case EVAL_DOT_P:
        return eval_precision(&s->dot);
    case EVAL_DOT_R:
        return eval_recall(&s->dot);
    case EVAL_DOT_F1:
        return eval_f1(&s->dot);
    case EVAL_CELL_P:
        return eval_precision(&s->cell);
    case EVAL_CELL_R:
        return eval_recall(&s->cell);
    case EVAL_CELL_F1:
        return eval_f1(&s->cell);
    case EVAL_WORDS:
        return eval_ratio(&s->words, 1);
    default:
        return eval_ratio(&s->text, 0);
    }
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *) a, y = *(const double *) b;
    return (x > y) - (x < y);
}

int eval_bootstrap(const struct eval_score *pages, size_t n_pages, unsigned n_draws, uint64_t seed,
                   struct eval_interval ret[EVAL_N_FIGURES])
{
    struct random lot = {seed};

    if (n_pages < 2 || n_draws < 20)
        return -EINVAL;
    CLEANUP_FREE double *values = calloc(n_draws, EVAL_N_FIGURES * sizeof(*values));
    if (!values)
        return -ENOMEM;
    for (unsigned d = 0; d < n_draws; d++) {
        struct eval_score sum = {0};
        for (size_t i = 0; i < n_pages; i++)
            eval_add(&sum, &pages[random_below(&lot, n_pages)]);
        for (int f = 0; f < EVAL_N_FIGURES; f++)
            values[(size_t) f * n_draws + d] = eval_figure(&sum, (enum eval_figure) f);
    }
    for (int f = 0; f < EVAL_N_FIGURES; f++) {
        double *v = values + (size_t) f * n_draws;
        const unsigned out = n_draws / 40; /* 2.5 % at each end */
        qsort(v, n_draws, sizeof(*v), by_value);
        ret[f] = (struct eval_interval){v[out], v[n_draws - 1 - out]};
    }
    return 0;
}
