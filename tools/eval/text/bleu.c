/* SPDX-License-Identifier: Apache-2.0
 *
 * Papineni et al., "BLEU: a method for automatic evaluation of machine translation", ACL 2002, over
 * a corpus, as sacrebleu 2.6.0 counts it: clipped by the reference that has most, length of the
 * closest reference, precisions of no match by "exp" (Chen and Cherry, WMT 2014, method 3).
 */

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "tools/eval/text/text.h"

struct grams { ///< beginnings of all n-grams of a line, sorted
    const uint32_t **at;
    size_t n;
    unsigned order;
};

static int compare(const uint32_t *a, const uint32_t *b, unsigned order)
{
    for (unsigned i = 0; i < order; i++)
        if (a[i] != b[i])
            return a[i] < b[i] ? -1 : 1;
    return 0;
}

static int by_words(const void *a, const void *b, void *order)
{
    return compare(*(const uint32_t *const *) a, *(const uint32_t *const *) b,
                   *(const unsigned *) order);
}

static int grams_make(const struct eval_tokens *t, unsigned order, struct grams *ret)
{
    *ret = (struct grams){.n = t->n >= order ? t->n - order + 1 : 0, .order = order};
    ret->at = malloc((ret->n + 1) * sizeof(*ret->at));
    if (!ret->at)
        return -ENOMEM;
    for (size_t i = 0; i < ret->n; i++)
        ret->at[i] = t->ids + i;
    qsort_r(ret->at, ret->n, sizeof(*ret->at), by_words, &order);
    return 0;
}

/* How many stand from `at` on that are equal to the first of them. */
static size_t run_of(const struct grams *g, size_t at)
{
    size_t n = 1;

    while (at + n < g->n && compare(g->at[at], g->at[at + n], g->order) == 0)
        n++;
    return n;
}

static size_t count_of(const struct grams *g, const uint32_t *gram)
{
    size_t low = 0, high = g->n;

    while (low < high) {
        const size_t middle = (low + high) / 2;
        if (compare(g->at[middle], gram, g->order) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < g->n && compare(g->at[low], gram, g->order) == 0 ? run_of(g, low) : 0;
}

static int add_order(struct eval_bleu *sums, const struct eval_tokens *hyp,
                     const struct eval_tokens *refs, size_t n_refs, unsigned order)
{
    struct grams own = {0}, *others = calloc(n_refs, sizeof(*others));
    int r = others ? grams_make(hyp, order, &own) : -ENOMEM;

    for (size_t i = 0; r == 0 && i < n_refs; i++)
        r = grams_make(&refs[i], order, &others[i]);
    for (size_t at = 0, n; r == 0 && at < own.n; at += n) {
        size_t most = 0;
        n = run_of(&own, at);
        for (size_t i = 0; i < n_refs; i++)
            most = MAX(most, count_of(&others[i], own.at[at]));
        sums->correct[order - 1] += MIN(n, most);
        sums->total[order - 1] += n;
    }
    for (size_t i = 0; others && i < n_refs; i++)
        free(others[i].at);
    free(others);
    free(own.at);
    return r;
}

int eval_bleu_add(struct eval_bleu *sums, const struct eval_tokens *hyp,
                  const struct eval_tokens *refs, size_t n_refs)
{
    size_t closest = refs[0].n;

    for (size_t i = 1; i < n_refs; i++) {
        const size_t n = refs[i].n;
        const size_t far = n > hyp->n ? n - hyp->n : hyp->n - n;
        const size_t least = closest > hyp->n ? closest - hyp->n : hyp->n - closest;
        if (far < least || (far == least && n < closest))
            closest = n;
    }
    sums->hyp_len += hyp->n;
    sums->ref_len += closest;
    int r = 0;
    for (unsigned order = 1; r == 0 && order <= EVAL_BLEU_ORDER; order++)
        r = add_order(sums, hyp, refs, n_refs, order);
    return r;
}

struct eval_bleu_score eval_bleu_score(const struct eval_bleu *s)
{
    struct eval_bleu_score x = {.brevity = 1};
    double smooth = 1, sum = 0;
    bool any = false;

    if (s->hyp_len < s->ref_len)
        x.brevity = s->hyp_len > 0 ? exp(1 - (double) s->ref_len / (double) s->hyp_len) : 0;
    for (unsigned i = 0; i < EVAL_BLEU_ORDER; i++)
        any |= s->correct[i] > 0;
    for (unsigned i = 0; any && i < EVAL_BLEU_ORDER && s->total[i] > 0; i++) {
        if (s->correct[i] == 0)
            smooth *= 2;
        x.precisions[i] =
            100 * (s->correct[i] ? (double) s->correct[i] : 1 / smooth) / (double) s->total[i];
    }
    for (unsigned i = 0; i < EVAL_BLEU_ORDER; i++)
        sum += x.precisions[i] > 0 ? log(x.precisions[i]) : -9999999999.0;
    x.score = any ? x.brevity * exp(sum / EVAL_BLEU_ORDER) : 0;
    return x;
}
