/* SPDX-License-Identifier: Apache-2.0
 *
 * ACC as training prints it: the gallery is a batch, not the set.
 */

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/macro.h"
#include "base/random.h"
#include "tools/eval/retrieval/retrieval.h"

#define SEED 1

static double dot(const float *a, const float *b, unsigned e)
{
    double sum = 0;

    for (unsigned k = 0; k < e; k++)
        sum += (double) a[k] * (double) b[k];
    return sum;
}

/* Pictures of the split in a random order. @return how many */
static size_t shuffle(const struct eval_set *set, size_t *order)
{
    struct random random = {SEED};
    size_t n = 0;

    for (size_t i = 0; i < set->n; i++)
        if (set->pictures[i].in_split)
            order[n++] = i;
    for (size_t i = n; i > 1; i--) {
        const size_t k = random_below(&random, i), last = order[i - 1];
        order[i - 1] = order[k];
        order[k] = last;
    }
    return n;
}

/* Of the pictures `order`, n of them, each with its text. */
static void judge(const struct eval_set *set, const struct eval_table *pictures,
                  const struct eval_table *texts, const size_t *order, size_t n,
                  struct eval_batches *to)
{
    const unsigned e = pictures->e;

    for (size_t i = 0; i < n; i++) {
        const struct eval_picture *own = &set->pictures[order[i]];
        const float *image = pictures->x + own->row * e;
        const float *text = texts->x + set->facts[own->text].row * e;
        size_t best_text = own->text, best_picture_text = own->text;
        double most = -INFINITY, most_back = -INFINITY;
        for (size_t k = 0; k < n; k++) {
            const struct eval_picture *p = &set->pictures[order[k]];
            const double there = dot(image, texts->x + set->facts[p->text].row * e, e);
            const double back = dot(text, pictures->x + p->row * e, e);
            if (there > most) {
                most = there;
                best_text = p->text;
            }
            if (back > most_back) {
                most_back = back;
                best_picture_text = p->text;
            }
        }
        to->image_to_text += best_text == own->text;
        to->text_to_image += best_picture_text == own->text;
    }
    to->n += n;
}

int eval_in_batches(const struct eval_set *set, const struct eval_table *pictures,
                    const struct eval_table *texts, size_t size, struct eval_batches *ret)
{
    CLEANUP_FREE size_t *order = calloc(set->n + 1, sizeof(*order));
    struct eval_batches b = {.size = size};

    if (!order)
        return -ENOMEM;
    const size_t n = shuffle(set, order);
    for (size_t at = 0; at + size <= n; at += size)
        judge(set, pictures, texts, order + at, size, &b);
    *ret = b;
    return 0;
}
