/* SPDX-License-Identifier: Apache-2.0
 *
 * Embeddings of any network as files: row i of one belongs to row i of the other. They become a set
 * of as many pictures and texts, so that the same code counts.
 */

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "tools/eval/retrieval/retrieval.h"
#include "tools/eval/speech/signal.h"

/* Rows of length 1. */
static int fill_table(const struct eval_rows *rows, const char *path, struct eval_table *to,
                      struct fail *fail)
{
    *to = (struct eval_table){.n = rows->n, .room = rows->n, .e = rows->dim};
    to->x = malloc(rows->n * rows->dim * sizeof(*to->x));
    if (!to->x)
        return -ENOMEM;
    for (size_t i = 0; i < rows->n; i++) {
        const double *x = rows->x + i * rows->dim;
        double square = 0;
        for (size_t k = 0; k < rows->dim; k++)
            square += x[k] * x[k];
        if (!(square > 1e-30) || !isfinite(square))
            return fail_set(fail, FAIL_INPUT, -EINVAL, "'%s': row %zu has no direction", path,
                            i + 1);
        for (size_t k = 0; k < rows->dim; k++)
            to->x[i * rows->dim + k] = (float) (x[k] / sqrt(square));
    }
    return 0;
}

static int fill_set(size_t n, struct eval_set *s)
{
    int r = eval_words_add(&s->types, "pair", &(size_t){0});

    s->pictures = calloc(n, sizeof(*s->pictures));
    s->facts = calloc(n, sizeof(*s->facts));
    s->name = strdup("pairs");
    if (!s->pictures || !s->facts || !s->name)
        return -ENOMEM;
    for (size_t i = 0; r == 0 && i < n; i++) {
        char name[32];
        snprintf(name, sizeof(name), "%zu", i + 1);
        struct eval_picture *p = &s->pictures[i];
        *p = (struct eval_picture){
            .id = strdup(name), .parent = EVAL_NOWHERE, .row = i, .in_split = true};
        s->n = i + 1;
        r = p->id ? eval_words_add(&s->texts, name, &p->text) : -ENOMEM;
        s->facts[i] = (struct eval_text_facts){.in_split = true, .row = i};
    }
    return r;
}

int eval_pairs_load(const char *const paths[2], struct eval_set *set, struct eval_table *pictures,
                    struct eval_table *texts, struct fail *fail)
{
    CLEANUP(eval_rows_done) struct eval_rows a = {0};
    CLEANUP(eval_rows_done) struct eval_rows b = {0};

    int r = eval_rows_load(paths[0], &a, fail);
    if (r == 0)
        r = eval_rows_load(paths[1], &b, fail);
    if (r == 0 && (a.n != b.n || a.dim != b.dim))
        r = fail_set(fail, FAIL_INPUT, -EINVAL,
                     "'%s' has %zu rows of %u numbers, '%s' has %zu of %u; row i of one belongs to "
                     "row i of the other, in the same space",
                     paths[0], a.n, a.dim, paths[1], b.n, b.dim);
    if (r == 0)
        r = fill_table(&a, paths[0], pictures, fail);
    if (r == 0)
        r = fill_table(&b, paths[1], texts, fail);
    return r == 0 ? fill_set(a.n, set) : r;
}
