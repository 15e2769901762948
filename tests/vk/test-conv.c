/* SPDX-License-Identifier: Apache-2.0
 *
 * Convolutions and linear layers against plain C, at sizes that break tiles, with the fast and
 * with the portable kernels.
 */
#include "common.h"
#include "nn/weights_file.h"

#include <limits.h>

struct shape {
    unsigned ci, co, taps, length, dilation, stride;
};

/* y[co][t] before activation, x as read */
static float *reference(const struct shape *s, const float *w, const float *bias, const float *x,
                        int offset, unsigned n_y, double pre_slope, bool pre)
{
    float *y = zeros((size_t) s->co * n_y);

    for (unsigned o = 0; o < s->co; o++)
        for (unsigned t = 0; t < n_y; t++) {
            double sum = bias ? bias[o] : 0;

            for (unsigned i = 0; i < s->ci; i++)
                for (unsigned k = 0; k < s->taps; k++) {
                    const int64_t at = (int64_t) t * s->stride + offset + k * s->dilation;

                    if (at < 0 || at >= s->length)
                        continue;
                    const double v = x[(size_t) i * s->length + at];

                    sum += w[((size_t) o * s->ci + i) * s->taps + k] *
                           (pre && v < 0 ? pre_slope * v : v);
                }
            y[(size_t) o * n_y + t] = (float) sum;
        }
    return y;
}

static void check_plain(struct bench_of *b, const struct shape *s, bool half)
{
    const int offset = -(int) (s->dilation * (s->taps - 1) / 2);
    const unsigned n_y = (s->length + s->stride - 1) / s->stride;
    const unsigned margin = s->dilation * (s->taps - 1) + s->stride;
    CLEANUP_FREE float *w = random_floats((size_t) s->co * s->ci * s->taps, 1);
    CLEANUP_FREE float *bias = random_floats(s->co, 1);
    CLEANUP_FREE float *x = random_floats((size_t) s->ci * s->length, 1);
    CLEANUP_FREE float *want = reference(s, w, bias, x, offset, n_y, 0, false);
    CLEANUP(nn_weight_freep) struct nn_weight *weight = NULL;
    CLEANUP(nn_run_freep) struct nn_run *run = NULL;
    char what[160];

    snprintf(what, sizeof(what), "conv %u -> %u, %u taps, length %u, dilation %u, stride %u%s %s",
             s->ci, s->co, s->taps, s->length, s->dilation, s->stride, half ? " f16" : "",
             b->kernels);
    REQUIRE(nn_weight_conv1d(b->nn, w, bias, s->co, s->ci, s->taps, half, &weight) == 0);
    REQUIRE(nn_run_new(b->nn, &run) == 0);
    struct nn_tensor *in = tensor(run, s->ci, s->length, margin, x);
    struct nn_tensor *out = tensor(run, s->co, n_y, 0, NULL);

    REQUIRE(nn_conv1d(run, weight, in, out,
                      nn_conv_params(.dilation = s->dilation, .stride = s->stride)) == 0);
    CLEANUP_FREE float *got = result(run, out);

    agree(what, got, want, (size_t) s->co * n_y, half ? 1e-6 : 1e-11);
}

static void test_shapes(struct bench_of *b)
{
    static const struct shape shapes[] = {
        {4, 8, 1, 1, 1, 1},      {8, 4, 3, 127, 1, 1},     {20, 80, 5, 128, 2, 1},
        {80, 96, 7, 129, 3, 1},  {96, 20, 11, 1009, 1, 1}, {192, 257, 3, 33, 12, 1},
        {257, 192, 1, 31, 1, 1}, {8, 16, 16, 1009, 1, 8},  {4, 64, 16, 129, 1, 8},
        {18, 32, 7, 65, 1, 1},   {32, 18, 4, 200, 1, 4},   {1, 1, 1, 1, 1, 1},
        {3, 5, 3, 2, 12, 1},     {64, 64, 3, 1009, 3, 1},  {128, 24, 1, 32, 1, 1},
    };

    for (size_t i = 0; i < ELEMENTSOF(shapes); i++) {
        check_plain(b, &shapes[i], false);
        if (i % 3 == 0)
            check_plain(b, &shapes[i], true);
    }
}

struct fusion {
    enum nn_activation pre, post;
    bool residual, accumulate, in_place;
    float scale;
};

static void check_fused(struct bench_of *b, const struct fusion *f, unsigned co)
{
    const struct shape s = {16, co, 3, 100, 1, 1};
    const size_t n = (size_t) s.co * s.length;
    const float slope = 0.1f, scale = f->scale == 0 ? 1 : f->scale;
    CLEANUP_FREE float *w = random_floats((size_t) s.co * s.ci * s.taps, 0.5f);
    CLEANUP_FREE float *x = random_floats((size_t) s.ci * s.length, 1);
    CLEANUP_FREE float *res = random_floats(n, 3);
    CLEANUP_FREE float *old = random_floats(n, 3);
    CLEANUP_FREE float *want = reference(&s, w, NULL, x, -1, s.length, slope, f->pre == NN_LRELU);
    CLEANUP(nn_weight_freep) struct nn_weight *weight = NULL;
    CLEANUP(nn_run_freep) struct nn_run *run = NULL;

    for (size_t i = 0; i < n; i++) {
        const float *r = f->in_place ? old : res;

        want[i] = (float) activation(f->post, 0.2f, want[i]);
        want[i] = scale * (want[i] + (f->residual ? r[i] : 0)) + (f->accumulate ? old[i] : 0);
    }
    REQUIRE(nn_weight_conv1d(b->nn, w, NULL, s.co, s.ci, s.taps, false, &weight) == 0);
    REQUIRE(nn_run_new(b->nn, &run) == 0);
    struct nn_tensor *in = tensor(run, s.ci, s.length, 1, x);
    struct nn_tensor *with = tensor(run, s.co, s.length, 7, res);
    struct nn_tensor *out = tensor(run, s.co, s.length, 2, old);

    REQUIRE(nn_conv1d(run, weight, in, out,
                      nn_conv_params(.pre = f->pre, .pre_slope = slope, .post = f->post,
                                     .post_slope = 0.2f, .scale = f->scale,
                                     .residual = !f->residual  ? NULL
                                                 : f->in_place ? out
                                                               : with,
                                     .accumulate = f->accumulate)) == 0);
    CLEANUP_FREE float *got = result(run, out);

    agree("fused", got, want, n, 1e-11);
}

static void test_fusions(struct bench_of *b)
{
    static const struct fusion fusions[] = {
        {.pre = NN_LRELU},
        {.post = NN_RELU},
        {.post = NN_GELU, .residual = true},
        {.post = NN_QUICK_GELU, .scale = 0.5f},
        {.post = NN_TANH, .pre = NN_LRELU},
        {.post = NN_LRELU, .accumulate = true, .scale = 0.25f},
        {.pre = NN_LRELU, .residual = true, .in_place = true},
        {.residual = true, .accumulate = true, .scale = 1.0f / 3},
    };

    for (size_t i = 0; i < ELEMENTSOF(fusions); i++)
        check_fused(b, &fusions[i], i % 2 ? 12 : 32);
}

static void check_transposed(struct bench_of *b, unsigned ci, unsigned co, unsigned taps,
                             unsigned stride, unsigned length)
{
    const unsigned n_y = length * stride, pad = (taps - stride) / 2;
    CLEANUP_FREE float *w = random_floats((size_t) co * ci * taps, 1);
    CLEANUP_FREE float *bias = random_floats(co, 1);
    CLEANUP_FREE float *x = random_floats((size_t) ci * length, 1);
    CLEANUP_FREE double *sum = calloc((size_t) co * n_y, sizeof(*sum));
    CLEANUP_FREE float *want = zeros((size_t) co * n_y);
    CLEANUP(nn_weight_freep) struct nn_weight *weight = NULL;
    CLEANUP(nn_run_freep) struct nn_run *run = NULL;

    REQUIRE(sum);
    for (unsigned i = 0; i < ci; i++)
        for (unsigned o = 0; o < co; o++)
            for (unsigned t = 0; t < length; t++)
                for (unsigned k = 0; k < taps; k++) {
                    const int64_t at = (int64_t) t * stride + k - pad;

                    if (at >= 0 && at < n_y)
                        sum[(size_t) o * n_y + at] += (double) w[((size_t) i * co + o) * taps + k] *
                                                      x[(size_t) i * length + t];
                }
    for (size_t i = 0; i < (size_t) co * n_y; i++)
        want[i] = (float) (sum[i] + bias[i / n_y]);
    REQUIRE(nn_weight_conv1d_transposed(b->nn, w, bias, ci, co, taps, stride, false, &weight) == 0);
    REQUIRE(nn_run_new(b->nn, &run) == 0);
    struct nn_tensor *in = tensor(run, ci, length, taps, x);
    struct nn_tensor *out = tensor(run, co, n_y, 3, NULL);

    REQUIRE(nn_conv1d_transposed(run, weight, in, out, NULL) == 0);
    CLEANUP_FREE float *got = result(run, out);

    agree("transposed", got, want, (size_t) co * n_y, 1e-11);
}

static void test_linear(struct bench_of *b)
{
    const struct shape s = {96, 40, 1, 129, 1, 1};
    CLEANUP_FREE float *w = random_floats((size_t) s.co * s.ci, 1);
    CLEANUP_FREE float *x = random_floats((size_t) s.ci * s.length, 1);
    CLEANUP_FREE float *want = reference(&s, w, NULL, x, 0, s.length, 0, false);
    CLEANUP(nn_weight_freep) struct nn_weight *weight = NULL, *wide = NULL;
    CLEANUP(nn_run_freep) struct nn_run *run = NULL;

    REQUIRE(nn_weight_conv1d(b->nn, w, NULL, s.co, s.ci, 1, false, &weight) == 0);
    REQUIRE(nn_weight_conv1d(b->nn, w, NULL, s.co, s.ci / 3, 3, false, &wide) == 0);
    REQUIRE(nn_run_new(b->nn, &run) == 0);
    struct nn_tensor *in = tensor(run, s.ci, s.length, 0, x);
    struct nn_tensor *out = tensor(run, s.co, s.length, 0, NULL);

    REQUIRE(nn_linear(run, wide, in, out, NULL) == -EINVAL);
    REQUIRE(nn_linear(run, weight, in, out, NULL) == 0);
    CLEANUP_FREE float *got = result(run, out);

    agree("linear", got, want, (size_t) s.co * s.length, 1e-11);
}

static void test_rejects(struct bench_of *b)
{
    CLEANUP_FREE float *w = random_floats(8 * 8 * 16, 1);
    CLEANUP(nn_weight_freep) struct nn_weight *conv = NULL, *up = NULL;
    CLEANUP(nn_run_freep) struct nn_run *run = NULL;
    struct nn_weight *const canary = (struct nn_weight *) 0x1, *none = canary;

    REQUIRE(nn_weight_conv1d(b->nn, w, NULL, 0, 8, 3, false, &none) == -EINVAL);
    REQUIRE(nn_weight_conv1d(b->nn, w, NULL, 8, 8, 0, false, &none) == -EINVAL);
    REQUIRE(nn_weight_conv1d(b->nn, w, NULL, 1u << 20, 1u << 20, 1, false, &none) == -EINVAL);
    REQUIRE(nn_weight_conv1d_transposed(b->nn, w, NULL, 8, 8, 7, 2, false, &none) == -EINVAL);
    REQUIRE(none == canary);
    REQUIRE(nn_weight_conv1d(b->nn, w, NULL, 8, 8, 3, false, &conv) == 0);
    REQUIRE(nn_weight_conv1d_transposed(b->nn, w, NULL, 8, 8, 16, 8, false, &up) == 0);
    REQUIRE(nn_run_new(b->nn, &run) == 0);
    struct nn_tensor *x = tensor(run, 8, 50, 1, NULL), *y = tensor(run, 8, 50, 0, NULL);
    struct nn_tensor *bare = tensor(run, 8, 50, 0, NULL), *long_y = tensor(run, 8, 51, 0, NULL);
    struct nn_tensor *thin = tensor(run, 4, 50, 1, NULL), *up_y = tensor(run, 8, 400, 0, NULL);

    REQUIRE(nn_conv1d(run, conv, bare, y, NULL) == -EINVAL);   /* no margin */
    REQUIRE(nn_conv1d(run, conv, x, long_y, NULL) == -EINVAL); /* wrong length */
    REQUIRE(nn_conv1d(run, conv, thin, y, NULL) == -EINVAL);
    REQUIRE(nn_conv1d(run, conv, x, thin, NULL) == -EINVAL);
    REQUIRE(nn_conv1d(run, conv, x, x, NULL) == -EINVAL);
    REQUIRE(nn_conv1d(run, up, x, y, NULL) == -EINVAL);
    REQUIRE(nn_conv1d(run, conv, x, y, nn_conv_params(.dilation = 2)) == -EINVAL);
    REQUIRE(nn_conv1d(run, conv, x, y, nn_conv_params(.offset = INT_MAX)) == -EINVAL);
    REQUIRE(nn_conv1d(run, conv, x, y, nn_conv_params(.stride = 2)) == -EINVAL);
    REQUIRE(nn_conv1d(run, conv, x, y, nn_conv_params(.pre = NN_GELU)) == -EINVAL);
    REQUIRE(nn_conv1d(run, conv, x, y, nn_conv_params(.pre = NN_LRELU, .pre_slope = 2)) == -EINVAL);
    REQUIRE(nn_conv1d(run, conv, x, y, nn_conv_params(.residual = long_y)) == -EINVAL);
    REQUIRE(nn_conv1d_transposed(run, up, bare, up_y, NULL) == -EINVAL);
    REQUIRE(nn_conv1d_transposed(run, up, x, y, NULL) == -EINVAL);
    REQUIRE(nn_conv1d_transposed(run, up, x, up_y, nn_conv_params(.stride = 2)) == -EINVAL);
    REQUIRE(nn_conv1d_transposed(run, up, x, up_y, NULL) == 0);
}

/* A matrix of three parts, each as another type of file has it, at an odd address: the same as one
 * of floats. What no number is is refused. */
static void test_linear_parts(struct bench_of *b)
{
    enum { CI = 27, ROWS = 11, LENGTH = 70 };
    static const enum nn_dtype types[] = {NN_F16, NN_F32, NN_BF16};
    CLEANUP_FREE float *w = random_floats(3 * ROWS * CI, 1);
    CLEANUP_FREE float *bias = random_floats(3 * ROWS, 1);
    CLEANUP_FREE float *x = random_floats(CI * LENGTH, 1);
    uint8_t files[3][4 * ROWS * CI + 1];
    struct nn_matrix parts[3];

    for (unsigned part = 0; part < 3; part++) {
        parts[part] = (struct nn_matrix){files[part] + 1, types[part], ROWS,
                                         part == 1 ? NULL : bias + part * ROWS};
        for (unsigned i = 0; i < ROWS * CI; i++) {
            float *v = &w[part * ROWS * CI + i];
            const size_t size = nn_dtype_size(types[part]);
            uint32_t bits = types[part] == NN_F16    ? nn_to_half(*v)
                            : types[part] == NN_BF16 ? nn_to_bits(*v) >> 16
                                                     : nn_to_bits(*v);
            memcpy(files[part] + 1 + i * size, &bits, size);
            REQUIRE(nn_values(files[part] + 1 + i * size, types[part], 1, v));
        }
    }
    memset(bias + ROWS, 0, ROWS * sizeof(*bias));
    const struct shape shape = {
        .co = 3 * ROWS, .ci = CI, .taps = 1, .length = LENGTH, .dilation = 1, .stride = 1};
    for (int half = 0; half < 2; half++) {
        CLEANUP_FREE float *want = reference(&shape, w, bias, x, 0, LENGTH, 0, false);
        CLEANUP(nn_weight_freep) struct nn_weight *weight = NULL;
        CLEANUP(nn_run_freep) struct nn_run *run = NULL;
        REQUIRE(nn_weight_linear(b->nn, parts, 3, CI, half, &weight) == 0);
        REQUIRE(nn_run_new(b->nn, &run) == 0);
        struct nn_tensor *in = tensor(run, CI, LENGTH, 0, x);
        struct nn_tensor *out = tensor(run, 3 * ROWS, LENGTH, 0, NULL);
        REQUIRE(nn_linear(run, weight, in, out, NULL) == 0);
        CLEANUP_FREE float *got = result(run, out);
        agree(half ? "linear of parts f16" : "linear of parts", got, want, 3 * ROWS * LENGTH,
              half ? 1e-6 : 1e-11);
    }
    for (unsigned part = 0; part < 3; part++)
        for (int half = 0; half < 2; half++) {
            struct nn_weight *weight = NULL;
            const uint32_t bad = types[part] == NN_F16 ? 0xfc00 : types[part] ? 0x7fc0 : 0x7f800000;
            const size_t size = nn_dtype_size(types[part]);
            uint8_t *at = files[part] + 1 + (ROWS * CI - 1) * size, kept[4];
            memcpy(kept, at, size);
            memcpy(at, &bad, size);
            REQUIRE(nn_weight_linear(b->nn, parts, 3, CI, half, &weight) == -EBADMSG && !weight);
            memcpy(at, kept, size);
        }
}

/* Every number that f16 has, and what lies between two of them. */
static void test_halves(void)
{
    for (unsigned h = 0; h < 0x7c00; h++) {
        const float v = nn_from_half((uint16_t) h), next = nn_from_half((uint16_t) (h + 1));
        const double want =
            h < 1024 ? ldexp(h, -24) : ldexp((h & 1023) + 1024, (int) (h >> 10) - 25);
        REQUIRE((double) v == want && nn_to_half(v) == h && nn_to_half(-v) == (h | 0x8000));
        if (h == 0x7bff)
            break;
        const float middle = (v + next) / 2;
        REQUIRE(nn_to_half(middle) == (h & 1 ? h + 1 : h));
        REQUIRE(nn_to_half(nextafterf(middle, 1e9f)) == h + 1);
        REQUIRE(nn_to_half(nextafterf(middle, 0)) == h);
    }
    REQUIRE(isinf(nn_from_half(0x7c00)) && isnan(nn_from_half(0x7c01)));
}

/* Beyond what f16 holds, `half` is only a wish. */
static void test_half_range(struct bench_of *b)
{
    const float w[] = {70000.0f, 1e-7f, -3e-5f, 0.1f};
    const float x[] = {1, 1, 1, 1};

    for (unsigned large = 0; large < 2; large++) {
        CLEANUP(nn_weight_freep) struct nn_weight *weight = NULL;
        CLEANUP(nn_run_freep) struct nn_run *run = NULL;
        const float first = large ? w[0] : 2049.0f; /* a tie: rounds to even, 2048 */
        const float v[] = {first, w[1], w[2], w[3]};

        REQUIRE(nn_weight_conv1d(b->nn, v, NULL, 4, 1, 1, true, &weight) == 0);
        REQUIRE(nn_run_new(b->nn, &run) == 0);
        struct nn_tensor *in = tensor(run, 1, 1, 0, x), *out = tensor(run, 4, 1, 0, NULL);

        REQUIRE(nn_linear(run, weight, in, out, NULL) == 0);
        CLEANUP_FREE float *got = result(run, out);

        REQUIRE(got[0] == (large ? 70000.0f : 2048.0f));
        REQUIRE(fabsf(got[1] - 1e-7f) < 6e-8f);
        REQUIRE(fabsf(got[2] + 3e-5f) < 6e-8f);
        REQUIRE(fabsf(got[3] - 0.1f) < 5e-5f);
    }
}

int main(void)
{
    struct bench_of b = setup();

    for (unsigned portable = 0; portable < 2; portable++) {
        b.kernels = portable ? "portable" : "fast";
        nn_set_portable(b.nn, portable);
        test_shapes(&b);
        test_fusions(&b);
        check_transposed(&b, 32, 16, 16, 8, 127);
        check_transposed(&b, 20, 8, 4, 2, 1);
        check_transposed(&b, 18, 1, 16, 4, 129);
        check_transposed(&b, 64, 96, 8, 4, 65);
        check_transposed(&b, 8, 8, 3, 3, 10);
        test_linear(&b);
    }
    test_rejects(&b);
    test_half_range(&b);
    test_linear_parts(&b);
    test_halves();
    teardown(&b);
    return 0;
}
