/* SPDX-License-Identifier: Apache-2.0
 *
 * All dot products of two sets of rows, in double and each summed in the order of its channels, so
 * that equal rows have equal products and nothing depends on the number of threads.
 */

#include <errno.h>
#include <string.h>

#include "base/batch.h"
#include "base/macro.h"
#include "tools/eval/retrieval/retrieval.h"

enum { BLOCK = 8 }; /* queries at once: their sums stay in registers */

struct order {
    const struct eval_rows_of *queries, *gallery;
    eval_order_fn fn;
    void *ctx;
    const volatile int *cancel;
    size_t at;
};

struct part {
    size_t first, n;
};

static int next_part(void *ctx, void **ret, struct fail *fail)
{
    struct order *o = ctx;

    if (*o->cancel)
        return fail_set(fail, FAIL_INTERRUPTED, -ECANCELED, "stopped");
    if (o->at == o->queries->n)
        return 0;
    struct part *part = malloc(sizeof(*part));
    if (!part)
        return -ENOMEM;
    *part = (struct part){o->at, MIN(o->queries->n - o->at, (size_t) BLOCK)};
    o->at += part->n;
    *ret = part;
    return 1;
}

static const float *row_of(const struct eval_rows_of *r, size_t i)
{
    return r->table->x + r->row[i] * r->table->e;
}

static int work_on_part(void *ctx, void *item, struct fail *fail)
{
    const struct order *o = ctx;
    const struct part *part = item;
    const size_t e = o->queries->table->e, m = o->gallery->n;
    CLEANUP_FREE double *x = calloc(e * BLOCK, sizeof(*x));
    CLEANUP_FREE double *dot = malloc((m + 1) * BLOCK * sizeof(*dot));
    int r = 0;

    if (!x || !dot)
        return -ENOMEM;
    for (size_t i = 0; i < part->n; i++)
        for (size_t c = 0; c < e; c++)
            x[c * BLOCK + i] = (double) row_of(o->queries, part->first + i)[c];
    for (size_t k = 0; k < m; k++) {
        const float *g = row_of(o->gallery, k);
        double sum[BLOCK] = {0};
        for (size_t c = 0; c < e; c++)
            for (size_t i = 0; i < BLOCK; i++)
                sum[i] += x[c * BLOCK + i] * (double) g[c];
        for (size_t i = 0; i < BLOCK; i++)
            dot[i * m + k] = sum[i];
    }
    for (size_t i = 0; r >= 0 && i < part->n; i++)
        r = o->fn(o->ctx, part->first + i, dot + i * m);
    return r;
}

static int take_part(void *ctx, void *item, int r, struct fail *fail)
{
    free(item);
    return r;
}

int eval_order(const struct eval_rows_of *queries, const struct eval_rows_of *gallery,
               eval_order_fn fn, void *ctx, const volatile int *cancel, struct fail *fail)
{
    struct order o = {queries, gallery, fn, ctx, cancel, 0};
    const struct batch batch = {
        .ctx = &o, .next = next_part, .work = work_on_part, .take = take_part};

    return batch_run(&batch, fail);
}

size_t eval_nearest(const double *dot, size_t n, const bool *skip, size_t k,
                    struct eval_neighbour *ret)
{
    size_t found = 0;

    for (size_t i = 0; i < n; i++) {
        if ((skip && skip[i]) || (found == k && !(dot[i] > ret[k - 1].dot)))
            continue;
        size_t at = found < k ? found++ : k - 1;
        for (; at > 0 && dot[i] > ret[at - 1].dot; at--)
            ret[at] = ret[at - 1];
        ret[at] = (struct eval_neighbour){dot[i], i};
    }
    return found;
}
