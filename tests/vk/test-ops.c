/* SPDX-License-Identifier: Apache-2.0
 *
 * The light operations against plain C, at sizes that break tiles.
 */
#include "common.h"

static const unsigned lengths[] = {1, 127, 128, 129, 1009};
static const unsigned widths[] = {4, 20, 80, 257};

static void test_layernorm(struct bench_of *b, unsigned n_c, unsigned n_t, bool residual)
{
    const size_t n = (size_t) n_c * n_t;
    CLEANUP_FREE float *x = random_floats(n, 2);
    CLEANUP_FREE float *res = random_floats(n, 2);
    CLEANUP_FREE float *gamma = random_floats(n_c, 1);
    CLEANUP_FREE float *beta = random_floats(n_c, 1);
    CLEANUP_FREE float *want = zeros(n);
    CLEANUP(nn_weight_freep) struct nn_weight *w = NULL;
    CLEANUP(nn_run_freep) struct nn_run *run = NULL;

    for (unsigned t = 0; t < n_t; t++) {
        double mean = 0, var = 0;

        for (unsigned c = 0; c < n_c; c++)
            mean += x[c * n_t + t] + (residual ? res[c * n_t + t] : 0);
        mean /= n_c;
        for (unsigned c = 0; c < n_c; c++) {
            const double d = x[c * n_t + t] + (residual ? res[c * n_t + t] : 0) - mean;

            want[c * n_t + t] = (float) d;
            var += d * d / n_c;
        }
        for (unsigned c = 0; c < n_c; c++)
            want[c * n_t + t] = (float) (want[c * n_t + t] / sqrt(var + 1e-5) * gamma[c] + beta[c]);
    }
    REQUIRE(nn_weight_norm(b->nn, gamma, beta, n_c, &w) == 0);
    REQUIRE(nn_run_new(b->nn, &run) == 0);
    struct nn_tensor *in = tensor(run, n_c, n_t, 3, x);
    struct nn_tensor *add = residual ? tensor(run, n_c, n_t, 0, res) : NULL;

    REQUIRE(nn_layernorm(run, w, in, add, 1e-5f, in) == 0); /* in place */
    CLEANUP_FREE float *got = result(run, in);

    agree("layernorm", got, want, n, 1e-10);
}

/* Softmax and normalize, in place and not. */
static void test_rows(struct bench_of *b, unsigned n_c, unsigned n_t)
{
    const size_t n = (size_t) n_c * n_t;
    CLEANUP_FREE float *x = random_floats(n, 20);
    CLEANUP_FREE float *soft = zeros(n);
    CLEANUP_FREE float *unit = zeros(n);
    CLEANUP(nn_run_freep) struct nn_run *run = NULL;

    for (unsigned t = 0; t < n_t; t++) {
        double sum = 0, square = 0;

        for (unsigned c = 0; c < n_c; c++) {
            sum += exp(x[c * n_t + t]);
            square += (double) x[c * n_t + t] * x[c * n_t + t];
        }
        for (unsigned c = 0; c < n_c; c++) {
            soft[c * n_t + t] = (float) (exp(x[c * n_t + t]) / sum);
            unit[c * n_t + t] = (float) (x[c * n_t + t] / sqrt(square));
        }
    }
    REQUIRE(nn_run_new(b->nn, &run) == 0);
    struct nn_tensor *in = tensor(run, n_c, n_t, 1, x), *out = tensor(run, n_c, n_t, 2, NULL);

    REQUIRE(nn_softmax(run, in, out) == 0);
    REQUIRE(nn_normalize(run, in, in) == 0);
    CLEANUP_FREE float *got = result(run, out);

    agree("softmax", got, soft, n, 1e-10);
    REQUIRE(nn_tensor_read(in, got) == 0);
    agree("normalize", got, unit, n, 1e-10);
}

static void test_activations(struct bench_of *b)
{
    enum { N = 1009 };
    CLEANUP_FREE float *x = random_floats(N, 30);
    CLEANUP_FREE float *want = zeros(N);

    for (unsigned i = 0; i < 500; i++) /* and near zero, where tanh(x) - x matters */
        x[i] *= 0.02f;
    x[500] = 200;
    x[501] = -200;
    for (int f = NN_NONE; f <= NN_TANH; f++) {
        CLEANUP(nn_run_freep) struct nn_run *run = NULL;

        for (unsigned i = 0; i < N; i++)
            want[i] = (float) activation(f, 0.3, x[i]);
        REQUIRE(nn_run_new(b->nn, &run) == 0);
        struct nn_tensor *t = tensor(run, 1, N, 0, x);

        REQUIRE(nn_activate(run, f, 0.3f, t, t) == 0);
        CLEANUP_FREE float *got = result(run, t);

        agree("activation", got, want, N, 1e-11);
        for (unsigned i = 0; i < N; i++)
            REQUIRE(fabsf(got[i] - want[i]) <= 2e-6f * MAX(1.0f, fabsf(want[i])));
    }
}

static void test_axpby(struct bench_of *b, unsigned n_c, unsigned n_t)
{
    const size_t n = (size_t) n_c * n_t;
    CLEANUP_FREE float *x = random_floats(n, 1);
    CLEANUP_FREE float *y = random_floats(n, 1);
    CLEANUP_FREE float *want = zeros(n);
    CLEANUP(nn_run_freep) struct nn_run *run = NULL;

    for (size_t i = 0; i < n; i++)
        want[i] = 0.5f * x[i] - 2 * y[i];
    REQUIRE(nn_run_new(b->nn, &run) == 0);
    struct nn_tensor *in = tensor(run, n_c, n_t, 5, x), *out = tensor(run, n_c, n_t, 0, y);

    REQUIRE(nn_axpby(run, 0.5f, in, -2, out) == 0);
    CLEANUP_FREE float *got = result(run, out);

    agree("axpby", got, want, n, 1e-12);
}

static void test_gather(struct bench_of *b, unsigned n_c, unsigned n_t)
{
    enum { ROWS = 37 };
    const size_t n = (size_t) n_c * n_t;
    CLEANUP_FREE float *table = random_floats((size_t) ROWS * n_c, 1);
    CLEANUP_FREE float *rows = zeros((size_t) ROWS * n_c); /* the same as a tensor */
    CLEANUP_FREE float *want = zeros(n);
    CLEANUP_FREE uint32_t *ids = calloc(n_t, sizeof(*ids));
    CLEANUP(nn_weight_freep) struct nn_weight *w = NULL;
    CLEANUP(nn_run_freep) struct nn_run *run = NULL;

    REQUIRE(ids);
    for (unsigned t = 0; t < n_t; t++)
        ids[t] = (uint32_t) ((uniform() + 1) / 2 * (ROWS - 1));
    for (unsigned c = 0; c < n_c; c++) {
        for (unsigned i = 0; i < ROWS; i++)
            rows[c * ROWS + i] = table[i * n_c + c];
        for (unsigned t = 0; t < n_t; t++)
            want[c * n_t + t] = 2 * table[ids[t] * n_c + c];
    }
    REQUIRE(nn_weight_table(b->nn, table, ROWS, n_c, &w) == 0);
    REQUIRE(nn_run_new(b->nn, &run) == 0);
    struct nn_tensor *x = tensor(run, n_c, ROWS, 4, rows), *y = tensor(run, n_c, n_t, 1, NULL);

    REQUIRE(nn_gather(run, x, ids, n_t, y) == 0);
    REQUIRE(nn_embedding(run, w, ids, n_t, true, y) == 0);
    CLEANUP_FREE float *got = result(run, y);

    agree("gather", got, want, n, 0);
    ids[n_t - 1] = ROWS;
    REQUIRE(nn_gather(run, x, ids, n_t, y) == -ERANGE);
    REQUIRE(nn_embedding(run, w, ids, n_t, false, y) == -ERANGE);
    ids[n_t - 1] = UINT32_MAX;
    REQUIRE(nn_embedding(run, w, ids, n_t, false, y) == -ERANGE);
    REQUIRE(nn_embedding(run, w, ids, n_t + 1, false, y) == -EINVAL);
    REQUIRE(nn_gather(run, y, ids, n_t, y) == -EINVAL);
}

struct picture {
    unsigned n, ci, height, width, ph, pw, co;
};

static void test_patches(struct bench_of *b, const struct picture *p)
{
    const unsigned columns = p->width / p->pw, n_patches = p->height / p->ph * columns;
    const unsigned tokens = 1 + n_patches, n_t = p->n * tokens;
    const size_t n_x = (size_t) p->n * p->ci * p->height * p->width;
    CLEANUP_FREE float *w = random_floats((size_t) p->co * p->ci * p->ph * p->pw, 1);
    CLEANUP_FREE float *class_row = random_floats(p->co, 1);
    CLEANUP_FREE float *places = random_floats((size_t) tokens * p->co, 1);
    CLEANUP_FREE float *x = random_floats(n_x, 1);
    CLEANUP_FREE float *want = zeros((size_t) p->co * n_t);
    CLEANUP(nn_weight_freep) struct nn_weight *weight = NULL;
    CLEANUP(nn_run_freep) struct nn_run *run = NULL;

    for (unsigned o = 0; o < p->co; o++)
        for (unsigned t = 0; t < n_t; t++) {
            const unsigned token = t % tokens, patch = token - 1;
            double sum = places[token * p->co + o] + (token == 0 ? class_row[o] : 0);

            for (unsigned k = 0; token > 0 && k < p->ci * p->ph * p->pw; k++) {
                const unsigned c = k / (p->ph * p->pw), dy = k / p->pw % p->ph, dx = k % p->pw;
                const unsigned row = patch / columns * p->ph + dy;
                const unsigned column = patch % columns * p->pw + dx;

                sum += (double) w[o * p->ci * p->ph * p->pw + k] *
                       x[((t / tokens * p->ci + c) * p->height + row) * p->width + column];
            }
            want[o * n_t + t] = (float) sum;
        }
    REQUIRE(nn_weight_patch(b->nn, w, class_row, places, p->co, p->ci, p->ph, p->pw, n_patches,
                            &weight) == 0);
    REQUIRE(nn_run_new(b->nn, &run) == 0);
    struct nn_tensor *in = tensor(run, 1, (unsigned) n_x, 0, x);
    struct nn_tensor *out = tensor(run, p->co, n_t, 2, NULL);

    REQUIRE(nn_patch_embed(run, weight, in, p->n, p->height + 1, p->width, out) == -EINVAL);
    REQUIRE(nn_patch_embed(run, weight, in, p->n + 1, p->height, p->width, out) == -EINVAL);
    REQUIRE(nn_patch_embed(run, weight, in, p->n, p->height, p->width, out) == 0);
    CLEANUP_FREE float *got = result(run, out);

    agree("patches", got, want, (size_t) p->co * n_t, 1e-11);
}

static void test_polar(struct bench_of *b, unsigned h, unsigned n_t)
{
    const size_t n = (size_t) 2 * h * n_t;
    CLEANUP_FREE float *x = random_floats(n, 8);
    CLEANUP_FREE float *want = zeros(n);
    CLEANUP(nn_run_freep) struct nn_run *run = NULL;

    for (size_t i = 0; i < n / 2; i++) {
        const double e = exp(fmin(x[i], 6)), p = M_PI * sin(x[i + n / 2]);

        want[i] = (float) (e * cos(p));
        want[i + n / 2] = (float) (e * sin(p));
    }
    REQUIRE(nn_run_new(b->nn, &run) == 0);
    struct nn_tensor *in = tensor(run, 2 * h, n_t, 0, x), *out = tensor(run, 2 * h, n_t, 3, NULL);
    struct nn_tensor *odd = tensor(run, 3, n_t, 0, NULL), *odd_y = tensor(run, 3, n_t, 0, NULL);

    REQUIRE(nn_polar(run, in, 6, in) == -EINVAL);
    REQUIRE(nn_polar(run, odd, 6, odd_y) == -EINVAL);
    REQUIRE(nn_polar(run, in, 6, out) == 0);
    CLEANUP_FREE float *got = result(run, out);

    agree("polar", got, want, n, 1e-10);
}

static void test_harmonics(struct bench_of *b, unsigned frames, unsigned hop)
{
    enum { RATE = 16000, N = 9 };
    const unsigned n = frames * hop;
    CLEANUP_FREE float *weights = random_floats(N, 0.5f);
    CLEANUP_FREE double *f0 = calloc(frames, sizeof(*f0)), *phase = calloc(frames, sizeof(*phase));
    CLEANUP_FREE float *want = zeros(n);
    CLEANUP(nn_run_freep) struct nn_run *run = NULL;

    REQUIRE(f0 && phase);
    for (unsigned i = 0; i < frames; i++) {
        f0[i] = i % 7 == 3 ? 0 : 250 + 150 * (double) uniform();
        phase[i] = (i ? phase[i - 1] : 0) + f0[i] * hop / RATE;
    }
    for (unsigned i = 0; i < n; i++) {
        const double u = fmin(fmax((i + 0.5) / hop - 0.5, 0), frames - 1);
        const unsigned f = (unsigned) u;
        const double cycles = phase[f] + (f + 1 < frames ? (u - f) * (phase[f + 1] - phase[f]) : 0);
        double sum = 0;

        for (unsigned h = 1; h <= N; h++)
            sum += weights[h - 1] * 0.1 * sin(2 * M_PI * h * cycles);
        want[i % 4 * (n / 4) + i / 4] = (float) tanh(-0.03 + (f0[i / hop] > 10 ? sum : 0));
    }
    REQUIRE(nn_run_new(b->nn, &run) == 0);
    struct nn_tensor *y = tensor(run, 4, n / 4, 2, NULL);

    REQUIRE(nn_harmonic_source(run, f0, frames, hop, RATE, weights, N, 0.1f, -0.03f, y) == 0);
    CLEANUP_FREE float *got = result(run, y);

    agree("harmonics", got, want, n, 1e-8);
    REQUIRE(nn_harmonic_source(run, f0, frames, hop + 2, RATE, weights, N, 1, 0, y) == -EINVAL);
    f0[0] = NAN;
    REQUIRE(nn_harmonic_source(run, f0, frames, hop, RATE, weights, N, 1, 0, y) == -ERANGE);
}

int main(void)
{
    static const struct picture pictures[] = {
        {1, 1, 8, 8, 8, 8, 8}, {3, 1, 40, 32, 8, 8, 20}, {2, 3, 14, 21, 7, 7, 257}};
    struct bench_of b = setup();

    for (size_t i = 0; i < ELEMENTSOF(lengths); i++)
        for (size_t j = 0; j < ELEMENTSOF(widths); j++) {
            test_layernorm(&b, widths[j], lengths[i], (i + j) % 2);
            test_rows(&b, widths[j], lengths[i]);
            test_axpby(&b, widths[j], lengths[i]);
            test_gather(&b, widths[j], lengths[i]);
        }
    test_activations(&b);
    for (size_t i = 0; i < ELEMENTSOF(pictures); i++)
        test_patches(&b, &pictures[i]);
    test_polar(&b, 9, 1009);
    test_polar(&b, 4, 1);
    test_harmonics(&b, 50, 256);
    test_harmonics(&b, 1, 4);
    test_harmonics(&b, 127, 20);
    teardown(&b);
    return 0;
}
