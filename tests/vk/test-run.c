/* SPDX-License-Identifier: Apache-2.0
 *
 * Tensors that take turns in memory: what is recycled must be clean, what is shared must not be
 * written, and a pass that never ran must leave no trace.
 */
#include "common.h"

/* y = W x with random W from one random tensor to the next; early says whether memory is given
 * back as soon as possible. Lengths grow, so that every recycled tensor has another shape. */
static float *chain(struct bench_of *b, struct nn_weight *const *w, const float *x, size_t n,
                    bool early, size_t *ret_n)
{
    CLEANUP(nn_run_freep) struct nn_run *run = NULL;
    struct nn_tensor *t, *next;

    REQUIRE(nn_run_new(b->nn, &run) == 0);
    t = tensor(run, 8, 20, 3, x);
    for (size_t i = 0; i < n; i++) {
        next = tensor(run, 8, t->length * 2, 3 + (unsigned) i % 3, NULL);
        REQUIRE(nn_conv1d_transposed(run, w[2 * i], t, next, NULL) == 0);
        if (early)
            nn_tensor_done(run, t);
        t = next;
        next = tensor(run, 8, t->length, 3, NULL);
        REQUIRE(nn_conv1d(run, w[2 * i + 1], t, next, nn_conv_params(.post = NN_TANH)) == 0);
        REQUIRE(nn_conv1d(run, w[2 * i + 1], t, next, nn_conv_params(.accumulate = true)) == 0);
        if (early)
            nn_tensor_done(run, t);
        t = next;
    }
    *ret_n = (size_t) t->channels * t->length;
    return result(run, t);
}

static void test_recycling(struct bench_of *b)
{
    enum { N = 6 };
    struct nn_weight *w[2 * N] = {NULL};
    CLEANUP_FREE float *x = random_floats(8 * 20, 1);
    size_t n = 0, n_early = 0;

    for (int i = 0; i < N; i++) {
        CLEANUP_FREE float *up = random_floats(8 * 8 * 4, 0.3f);
        CLEANUP_FREE float *conv = random_floats(8 * 8 * 7, 0.2f);

        REQUIRE(nn_weight_conv1d_transposed(b->nn, up, NULL, 8, 8, 4, 2, false, &w[2 * i]) == 0);
        REQUIRE(nn_weight_conv1d(b->nn, conv, NULL, 8, 8, 7, false, &w[2 * i + 1]) == 0);
    }
    CLEANUP_FREE float *plain = chain(b, w, x, N, false, &n);

    for (int round = 0; round < 3; round++) {
        CLEANUP_FREE float *early = chain(b, w, x, N, true, &n_early);

        REQUIRE(n == n_early && memcmp(plain, early, n * sizeof(*plain)) == 0);
    }
    for (int i = 0; i < 2 * N; i++)
        nn_weight_free(w[i]);
}

/* A tensor that is read, or added to, before anything wrote it is zero, whatever its memory held.
 */
static void test_zero(struct bench_of *b)
{
    CLEANUP_FREE float *x = random_floats(16 * 100, 1);

    for (int round = 0; round < 4; round++) {
        CLEANUP(nn_run_freep) struct nn_run *run = NULL;

        REQUIRE(nn_run_new(b->nn, &run) == 0);
        struct nn_tensor *in = tensor(run, 16, 100, 1, x), *mid = tensor(run, 16, 100, 1, NULL);

        REQUIRE(nn_axpby(run, 1, in, 0, mid) == 0);
        nn_tensor_done(run, mid);
        struct nn_tensor *sum = tensor(run, 16, 100, 1, NULL), *never = tensor(run, 9, 50, 0, NULL);
        struct nn_tensor *copy = tensor(run, 9, 50, 0, NULL);

        REQUIRE(nn_axpby(run, 2, in, 1, sum) == 0);
        REQUIRE(nn_axpby(run, 1, never, 0, copy) == 0);
        CLEANUP_FREE float *got = result(run, sum);

        for (size_t i = 0; i < 1600; i++)
            REQUIRE(got[i] == 2 * x[i]);
        REQUIRE(nn_tensor_read(copy, got) == 0);
        for (size_t i = 0; i < 450; i++)
            REQUIRE(got[i] == 0);
    }
}

static void test_host_writes(struct bench_of *b)
{
    CLEANUP_FREE float *x = random_floats(800, 1);
    CLEANUP(nn_run_freep) struct nn_run *run = NULL;

    REQUIRE(nn_run_new(b->nn, &run) == 0);
    struct nn_tensor *a = tensor(run, 8, 100, 0, x), *y = tensor(run, 8, 100, 0, NULL);
    struct nn_tensor *late = tensor(run, 8, 100, 0, NULL), *c;

    REQUIRE(nn_axpby(run, 3, a, 0, y) == 0);
    REQUIRE(nn_axpby(run, 1, late, 1, y) == 0); /* recorded first, written later */
    REQUIRE(nn_tensor_write(late, x) == 0);
    nn_tensor_done(run, a);
    REQUIRE(nn_axpby(run, 1, a, 0, y) == -EINVAL); /* given back */
    REQUIRE(nn_tensor_write(a, x) == -EINVAL);
    c = tensor(run, 8, 100, 0, NULL);
    REQUIRE(nn_activate(run, NN_RELU, 0, y, c) == 0); /* may sit where a was */
    nn_tensor_done(run, a);
    CLEANUP_FREE float *got = result(run, y);

    for (size_t i = 0; i < 800; i++)
        REQUIRE(fabsf(got[i] - 4 * x[i]) < 1e-5f);
    REQUIRE(nn_tensor_write(c, x) == 0); /* a second part of the same run */
    REQUIRE(nn_axpby(run, 1, c, 0, y) == 0);
    REQUIRE(nn_run_wait(run, NULL, NULL) == 0 && nn_tensor_read(y, got) == 0);
    REQUIRE(memcmp(got, x, 800 * sizeof(*x)) == 0);
}

/* Memory that recorded operations still need must not be written by the host before they ran.
 * The shape is unlike all others here, so that `c` gets the memory of `a`. */
static void test_busy(struct bench_of *b)
{
    CLEANUP_FREE float *x = random_floats(8 * 5003, 1);
    CLEANUP(nn_run_freep) struct nn_run *run = NULL;

    REQUIRE(nn_run_new(b->nn, &run) == 0);
    struct nn_tensor *a = tensor(run, 8, 5003, 0, x), *y = tensor(run, 8, 5003, 9, NULL), *c;

    REQUIRE(nn_axpby(run, 1, a, 0, y) == 0);
    nn_tensor_done(run, a);
    c = tensor(run, 8, 5003, 0, NULL);
    REQUIRE(nn_axpby(run, 1, y, 0, c) == 0);
    REQUIRE(nn_tensor_write(c, x) == -EBUSY);
    REQUIRE(nn_run_wait(run, NULL, NULL) == 0);
    REQUIRE(nn_tensor_write(c, x) == 0);
}

/* A pass that was recorded and cancelled, or thrown away: its clears never happened. */
static void test_abandoned(struct bench_of *b)
{
    const int cancel = 1;
    CLEANUP_FREE float *x = random_floats(8 * 300, 1);
    CLEANUP_FREE float *w = random_floats(8 * 8 * 5, 1);
    CLEANUP(nn_weight_freep) struct nn_weight *weight = NULL;
    float *first = NULL;

    REQUIRE(nn_weight_conv1d(b->nn, w, NULL, 8, 8, 5, false, &weight) == 0);
    for (int round = 0; round < 6; round++) {
        CLEANUP(nn_run_freep) struct nn_run *run = NULL;

        REQUIRE(nn_run_new(b->nn, &run) == 0);
        struct nn_tensor *in = tensor(run, 8, 300 - 3 * (round % 2), 2, x);
        struct nn_tensor *mid = tensor(run, 8, in->length, 2, NULL);
        struct nn_tensor *out = tensor(run, 8, in->length, 0, NULL);

        REQUIRE(nn_conv1d(run, weight, in, mid, NULL) == 0);
        nn_tensor_done(run, in);
        REQUIRE(nn_conv1d(run, weight, mid, out, NULL) == 0);
        if (round == 2 || round == 3) {
            REQUIRE(nn_run_wait(run, &cancel, NULL) == -ECANCELED);
            continue;
        }
        if (round % 2)
            continue;
        float *got = result(run, out);

        if (first)
            REQUIRE(memcmp(first, got, 8 * 300 * sizeof(*got)) == 0);
        free(first);
        first = got;
    }
    free(first);
}

static void test_limits(struct bench_of *b)
{
    CLEANUP(nn_run_freep) struct nn_run *run = NULL;
    struct nn_tensor *const canary = (struct nn_tensor *) 0x1, *t = canary;

    REQUIRE(nn_run_new(b->nn, &run) == 0);
    REQUIRE(nn_tensor(run, 0, 1, 0, &t) == -EINVAL);
    REQUIRE(nn_tensor(run, 1, 0, 0, &t) == -EINVAL);
    REQUIRE(nn_tensor(run, 1u << 16, 1u << 20, 0, &t) == -E2BIG);
    REQUIRE(nn_tensor(run, UINT32_MAX, UINT32_MAX, UINT32_MAX, &t) == -E2BIG);
    REQUIRE(t == canary);
    REQUIRE(nn_run_wait(run, NULL, NULL) == 0); /* nothing to do */
}

int main(void)
{
    struct bench_of b = setup();

    test_zero(&b);
    test_recycling(&b);
    test_host_writes(&b);
    test_busy(&b);
    test_abandoned(&b);
    test_limits(&b);
    teardown(&b);
    return 0;
}
