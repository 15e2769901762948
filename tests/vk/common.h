/* SPDX-License-Identifier: Apache-2.0
 *
 * What the device tests share: a context with the validation layer on, random data, a measure of
 * agreement, tensors filled from arrays.
 */
#pragma once

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/test.h"
#include "nn/nn.h"

/** One device for all tests of a program; prints its name. Skips (77) where there is none. */
struct bench_of {
    struct vkc_context *ctx;
    struct nn *nn;
    const char *kernels; ///< "fast" or "portable"
};

static inline struct bench_of setup(void)
{
    struct bench_of b = {0};
    struct fail fail = {0};
    int r =
        vkc_context_new(vkc_context_params(.device = getenv("BRAILLED_DEVICE"), .validation = true,
                                           .staging = getenv("BRAILLED_STAGING") != NULL),
                        &b.ctx, &fail);

    if (r == -ENODEV) {
        printf("skipped: %s\n", fail.text);
        exit(77);
    }
    REQUIRE(r == 0);
    REQUIRE(nn_new(b.ctx, &b.nn) == 0);
    printf("device: %s, subgroups of %u\n", vkc_context_info(b.ctx)->name,
           vkc_context_info(b.ctx)->subgroup_size);
    return b;
}

static inline void teardown(struct bench_of *b)
{
    const char *last = NULL;
    const unsigned n = vkc_context_n_validation_messages(b->ctx, &last);

    if (n)
        fprintf(stderr, "%u validation messages, the last: %s\n", n, last);
    REQUIRE(n == 0);
    b->nn = nn_free(b->nn);
    b->ctx = vkc_context_free(b->ctx);
}

static inline float uniform(void)
{
    static uint64_t state = 0x9e3779b97f4a7c15u;

    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (float) (state >> 40) / (float) (1 << 23) - 1.0f;
}

/** Owned by the caller: n values in -scale .. scale. */
static inline float *random_floats(size_t n, float scale)
{
    float *v = malloc(MAX(n, (size_t) 1) * sizeof(*v));

    REQUIRE(v);
    for (size_t i = 0; i < n; i++)
        v[i] = scale * uniform();
    return v;
}

static inline float *zeros(size_t n)
{
    float *v = calloc(MAX(n, (size_t) 1), sizeof(*v));

    REQUIRE(v);
    return v;
}

/** |got - want|^2 / |want|^2; not a number where `got` holds one. */
static inline double nmse(const float *got, const float *want, size_t n)
{
    double error = 0, power = 1e-30;

    for (size_t i = 0; i < n; i++) {
        const double d = (double) got[i] - want[i];

        error += d * d;
        power += (double) want[i] * want[i];
    }
    return error / power;
}

static inline void agree(const char *what, const float *got, const float *want, size_t n,
                         double limit)
{
    const double e = nmse(got, want, n);

    if (!(e <= limit))
        fprintf(stderr, "%s: NMSE %.3g > %.3g\n", what, e, limit);
    REQUIRE(e <= limit);
}

/** A tensor of `run`, written from `data` unless NULL. */
static inline struct nn_tensor *tensor(struct nn_run *run, unsigned channels, unsigned length,
                                       unsigned margin, const float *data)
{
    struct nn_tensor *t = NULL;

    REQUIRE(nn_tensor(run, channels, length, margin, &t) == 0);
    if (data)
        REQUIRE(nn_tensor_write(t, data) == 0);
    return t;
}

/** Run what is recorded and read `t`. Owned by the caller. */
static inline float *result(struct nn_run *run, struct nn_tensor *t)
{
    float *out = zeros((size_t) t->channels * t->length);
    struct fail fail = {0};

    if (nn_run_wait(run, NULL, &fail) < 0)
        fprintf(stderr, "%s\n", fail.text);
    REQUIRE(fail.kind == FAIL_NONE);
    REQUIRE(nn_tensor_read(t, out) == 0);
    return out;
}

static inline double activation(enum nn_activation f, double slope, double v)
{
    switch (f) {
    case NN_RELU:
        return v > 0 ? v : 0;
    case NN_LRELU:
        return v > 0 ? v : slope * v;
    case NN_GELU:
        return 0.5 * v * (1 + erf(v * M_SQRT1_2));
    case NN_QUICK_GELU:
        return v / (1 + exp(-1.702 * v));
    case NN_TANH:
        return tanh(v);
    default:
        return v;
    }
}
