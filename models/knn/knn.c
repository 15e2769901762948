/* SPDX-License-Identifier: Apache-2.0 */

#include "knn/knn.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#define CHUNK 1024 /* queries at once */
#define MAX_K 16

struct knn {
    struct nn *nn;      ///< borrowed
    struct nn_run *run; ///< owns the bank
    struct nn_tensor *bank;
    size_t m;
    unsigned e;
};

/* Rows [n][e] become a tensor [e][n] of the run. A value that is no number has no neighbour. */
static int put_rows(struct nn_run *run, const float *rows, size_t n, unsigned e,
                    struct nn_tensor **ret)
{
    CLEANUP_FREE float *columns = malloc(n * e * sizeof(*columns));
    int r;

    if (!columns)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < e; k++) {
            if (!isfinite(rows[i * e + k]))
                return -EINVAL;
            columns[k * n + i] = rows[i * e + k];
        }
    if ((r = nn_tensor(run, e, (unsigned) n, 0, ret)) < 0)
        return r;
    return nn_tensor_write(*ret, columns);
}

int knn_new(struct nn *nn, const float *bank, size_t m, unsigned e, struct knn **ret,
            struct fail *fail)
{
    CLEANUP(knn_freep) struct knn *knn = NULL;
    int r;

    if (m < 1 || m > 1000000 || e < 1 || e > 65536)
        return fail_set(fail, FAIL_DEFECT, -EINVAL, "a bank of %zu rows of %u", m, e);
    knn = calloc(1, sizeof(*knn));
    if (!knn)
        return fail_set(fail, FAIL_OTHER, -ENOMEM, "not enough memory for the bank");
    knn->nn = nn;
    knn->m = m;
    knn->e = e;
    if ((r = nn_run_new(nn, &knn->run)) < 0 || (r = put_rows(knn->run, bank, m, e, &knn->bank)) < 0)
        return fail_set(fail, FAIL_OTHER, r, "cannot put the bank on the device: %m");
    *ret = TAKE_PTR(knn);
    return 0;
}

struct knn *knn_free(struct knn *knn)
{
    if (!knn)
        return NULL;
    nn_run_free(knn->run);
    free(knn);
    return NULL;
}

static int query_chunk(struct knn *knn, const float *queries, size_t n, unsigned k, uint32_t *index,
                       float *p, const volatile int *cancel, struct fail *fail)
{
    CLEANUP(nn_run_freep) struct nn_run *run = NULL;
    struct nn_tensor *q;
    struct nn_topk *top;
    int r;

    if ((r = nn_run_new(knn->nn, &run)) < 0 || (r = put_rows(run, queries, n, knn->e, &q)) < 0 ||
        (r = nn_knn(run, q, knn->bank, k, &top)) < 0 || (r = nn_run_wait(run, cancel, fail)) < 0)
        return r;
    return nn_topk_read(top, index, p);
}

int knn_query(struct knn *knn, const float *queries, size_t n, unsigned k, uint32_t *index,
              float *p, const volatile int *cancel, struct fail *fail)
{
    if (k < 1 || k > MAX_K || k > knn->m)
        return fail_set(fail, FAIL_DEFECT, -EINVAL, "%u neighbours of a bank of %zu", k, knn->m);
    for (size_t i = 0; i < n; i += CHUNK) {
        int r = query_chunk(knn, queries + i * knn->e, MIN(n - i, (size_t) CHUNK), k, index + i * k,
                            p + i * k, cancel, fail);
        if (r < 0)
            return fail_set(fail, FAIL_OTHER, r, "cannot find the nearest texts: %m");
    }
    return 0;
}
