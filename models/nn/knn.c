/* SPDX-License-Identifier: Apache-2.0
 *
 * Nearest neighbours by dot product. The device keeps a short list for each part of the bank; the
 * host merges them when they are read.
 */
#include "nn/internal.h"

#include <errno.h>
#include <stdlib.h>

enum { MAX_K = 16, MAX_PARTS = 16, MIN_PART = 256 };

struct nn_topk {
    struct nn_topk *next;
    unsigned n, k, parts;
    unsigned room; ///< places a list has on the device
    struct nn_slot *dots, *indices;
};

void nn_topks_free(struct nn_run *run)
{
    for (struct nn_topk *t = run->topks, *next; t; t = next) {
        next = t->next;
        free(t);
    }
    run->topks = NULL;
}

/* 1, 2, 4, 8 or 16 places: few programs. */
static unsigned room_for(unsigned k)
{
    unsigned room = 1;

    while (room < k)
        room *= 2;
    return room;
}

static int take_lists(struct nn_run *run, struct nn_topk *t)
{
    const size_t size = (size_t) t->parts * t->n * t->room * sizeof(float);
    int r = nn_slot_take(run, size, NULL, false, &t->dots);

    if (r >= 0)
        r = nn_slot_take(run, size, NULL, false, &t->indices);
    if (r < 0)
        return r;
    t->dots->channels = t->indices->channels = 0;
    t->dots->fresh = t->indices->fresh = false;
    return 0;
}

int nn_knn(struct nn_run *run, const struct nn_tensor *queries, const struct nn_tensor *bank,
           unsigned k, struct nn_topk **ret)
{
    const unsigned lanes = nn_lanes(run->nn, false), m = bank->length;
    struct nn_topk *t;
    int r;

    if (queries->channels != bank->channels || k == 0 || k > MAX_K || k > m)
        return -EINVAL;
    t = calloc(1, sizeof(*t));
    if (!t)
        return -ENOMEM;
    t->next = run->topks;
    run->topks = t;
    const unsigned part = MAX((unsigned) MIN_PART, (nn_ceil_div(m, MAX_PARTS) + 7) / 8 * 8);

    t->n = queries->length;
    t->k = k;
    t->room = room_for(k);
    t->parts = nn_ceil_div(m, part);
    r = take_lists(run, t);
    if (r >= 0)
        r = nn_bind(run, queries, NN_READ);
    if (r >= 0)
        r = nn_bind(run, bank, NN_READ);
    if (r < 0)
        return r;
    const uint32_t spec[] = {lanes, t->room};
    const uint32_t groups[] = {nn_ceil_div(t->n, 4 * lanes), t->parts, 1};
    const struct vkc_push_knn push = {
        .n = (int32_t) t->n,
        .m = (int32_t) m,
        .quads = (int32_t) nn_quads(bank->channels),
        .part = (int32_t) part,
        .x_stride = (int32_t) queries->stride,
        .x0 = (int32_t) queries->margin,
        .b_stride = (int32_t) bank->stride,
        .b0 = (int32_t) bank->margin,
    };
    struct vkc_buffer *const bufs[] = {queries->buf, bank->buf, t->dots->buf, t->indices->buf};

    r = nn_dispatch(run, VKC_KNN, spec, ELEMENTSOF(spec), bufs, ELEMENTSOF(bufs), &push,
                    sizeof(push), groups);
    if (r >= 0)
        *ret = t;
    return r;
}

/* The k best of the parts' sorted lists; an earlier part has the lower indices. */
static void merge(const struct nn_topk *t, unsigned query, const float *dots,
                  const uint32_t *indices, uint32_t *index, float *dot)
{
    unsigned at[MAX_PARTS] = {0};

    for (unsigned i = 0; i < t->k; i++) {
        size_t best = 0;
        int part = -1;

        for (unsigned p = 0; p < t->parts; p++) {
            const size_t place = ((size_t) p * t->n + query) * t->room + at[p];

            if (at[p] < t->room && indices[place] != UINT32_MAX &&
                (part < 0 || dots[place] > dots[best])) {
                best = place;
                part = (int) p;
            }
        }
        index[i] = part < 0 ? 0 : indices[best];
        dot[i] = part < 0 ? -__builtin_inff() : dots[best];
        if (part >= 0)
            at[part]++;
    }
}

int nn_topk_read(const struct nn_topk *t, uint32_t *index, float *dot)
{
    const size_t n = (size_t) t->parts * t->n * t->room;
    CLEANUP_FREE float *dots = malloc(n * sizeof(*dots));
    CLEANUP_FREE uint32_t *indices = malloc(n * sizeof(*indices));
    int r;

    if (!dots || !indices)
        return -ENOMEM;
    r = vkc_buffer_read(t->dots->buf, 0, dots, n * sizeof(*dots));
    if (r >= 0)
        r = vkc_buffer_read(t->indices->buf, 0, indices, n * sizeof(*indices));
    if (r < 0)
        return r;
    for (unsigned q = 0; q < t->n; q++)
        merge(t, q, dots, indices, index + (size_t) q * t->k, dot + (size_t) q * t->k);
    return 0;
}
