/* SPDX-License-Identifier: Apache-2.0
 *
 * Attention and nearest neighbours against plain C.
 */
#include "common.h"

struct shape {
    unsigned heads, head, seq, n;
    bool masked;
    float scale; ///< of the data: large ones make the softmax sharp
};

static double score(const float *qkv, unsigned d, unsigned n_t, unsigned first, unsigned head,
                    unsigned t, unsigned s)
{
    double sum = 0;

    for (unsigned c = 0; c < head; c++)
        sum +=
            (double) qkv[(size_t) (first + c) * n_t + t] * qkv[(size_t) (d + first + c) * n_t + s];
    return sum / sqrt(head);
}

static void attend(const struct shape *s, const float *qkv, const uint32_t *valid, float *y)
{
    const unsigned d = s->heads * s->head, n_t = s->seq * s->n;
    CLEANUP_FREE double *p = calloc(s->seq, sizeof(*p));

    REQUIRE(p);
    for (unsigned h = 0; h < s->heads; h++)
        for (unsigned t = 0; t < n_t; t++) {
            const unsigned from = t / s->seq * s->seq, n = valid ? valid[t / s->seq] : s->seq;
            double best = -1e300, sum = 0;

            for (unsigned i = 0; i < n; i++) {
                p[i] = score(qkv, d, n_t, h * s->head, s->head, t, from + i);
                best = fmax(best, p[i]);
            }
            for (unsigned i = 0; i < n; i++)
                sum += p[i] = exp(p[i] - best);
            for (unsigned c = h * s->head; c < (h + 1) * s->head; c++) {
                double v = 0;

                for (unsigned i = 0; i < n; i++)
                    v += p[i] / sum * qkv[(size_t) (2 * d + c) * n_t + from + i];
                y[(size_t) c * n_t + t] = (float) v;
            }
        }
}

static void check_attention(struct bench_of *b, const struct shape *s)
{
    const unsigned d = s->heads * s->head, n_t = s->seq * s->n;
    CLEANUP_FREE float *x = random_floats((size_t) 3 * d * n_t, s->scale);
    CLEANUP_FREE float *want = zeros((size_t) d * n_t);
    CLEANUP_FREE uint32_t *valid = calloc(s->n, sizeof(*valid));
    CLEANUP(nn_run_freep) struct nn_run *run = NULL;
    char what[80];

    REQUIRE(valid);
    for (unsigned i = 0; i < s->n; i++)
        valid[i] = 1 + (i * 7) % s->seq;
    attend(s, x, s->masked ? valid : NULL, want);
    REQUIRE(nn_run_new(b->nn, &run) == 0);
    struct nn_tensor *in = tensor(run, 3 * d, n_t, 2, x), *out = tensor(run, d, n_t, 1, NULL);

    REQUIRE(nn_attention(run, in, s->heads, s->seq, s->masked ? valid : NULL, out) == 0);
    CLEANUP_FREE float *got = result(run, out);

    snprintf(what, sizeof(what), "attention %u x %u, %u x %u %s", s->heads, s->head, s->n, s->seq,
             b->kernels);
    agree(what, got, want, (size_t) d * n_t, 1e-9);
}

/* The last keys are read 8 at a time: what lies past the tensor, here not numbers that another pass
 * has left in the same memory, must not come in. */
static void test_dirty_memory(struct bench_of *b)
{
    const struct shape s = {2, 8, 25, 2, false, 1};
    const unsigned d = s.heads * s.head, n_t = s.seq * s.n;
    CLEANUP_FREE float *x = random_floats((size_t) 3 * d * n_t, s.scale);
    CLEANUP_FREE float *want = zeros((size_t) d * n_t);
    CLEANUP_FREE float *dirt = zeros((size_t) (3 * d + 8) * n_t);
    CLEANUP(nn_freep) struct nn *fresh = NULL; /* with no memory but what is dirtied here */
    CLEANUP(nn_run_freep) struct nn_run *run = NULL;
    const struct vkc_buffer *dirty;

    memset(dirt, 0xff, (size_t) (3 * d + 8) * n_t * sizeof(*dirt));
    attend(&s, x, NULL, want);
    REQUIRE(nn_new(b->ctx, &fresh) == 0);
    nn_set_portable(fresh, strcmp(b->kernels, "portable") == 0);
    REQUIRE(nn_run_new(fresh, &run) == 0);
    dirty = tensor(run, 3 * d + 8, n_t, 0, dirt)->buf;
    run = nn_run_free(run);

    REQUIRE(nn_run_new(fresh, &run) == 0);
    struct nn_tensor *in = tensor(run, 3 * d, n_t, 0, x), *out = tensor(run, d, n_t, 0, NULL);

    REQUIRE(in->buf == dirty);
    REQUIRE(nn_attention(run, in, s.heads, s.seq, NULL, out) == 0);
    CLEANUP_FREE float *got = result(run, out);

    agree(b->kernels, got, want, (size_t) d * n_t, 1e-9);
}

static void test_rejects(struct bench_of *b)
{
    const uint32_t none[] = {3, 0}, many[] = {6, 1};
    CLEANUP(nn_run_freep) struct nn_run *run = NULL;

    REQUIRE(nn_run_new(b->nn, &run) == 0);
    struct nn_tensor *x = tensor(run, 48, 10, 0, NULL), *y = tensor(run, 16, 10, 0, NULL);
    struct nn_tensor *thin = tensor(run, 12, 10, 0, NULL), *brief = tensor(run, 16, 9, 0, NULL);

    REQUIRE(nn_attention(run, x, 3, 5, NULL, y) == -EINVAL); /* 16 / 3 */
    REQUIRE(nn_attention(run, x, 8, 5, NULL, y) == -EINVAL); /* heads of 2 */
    REQUIRE(nn_attention(run, x, 0, 5, NULL, y) == -EINVAL);
    REQUIRE(nn_attention(run, x, 2, 3, NULL, y) == -EINVAL); /* 10 / 3 */
    REQUIRE(nn_attention(run, x, 2, 0, NULL, y) == -EINVAL);
    REQUIRE(nn_attention(run, x, 2, 5, NULL, thin) == -EINVAL);
    REQUIRE(nn_attention(run, x, 2, 5, NULL, brief) == -EINVAL);
    REQUIRE(nn_attention(run, x, 2, 5, none, y) == -ERANGE);
    REQUIRE(nn_attention(run, x, 2, 5, many, y) == -ERANGE);
}

static double product(const float *q, const float *bank, unsigned e, unsigned n, unsigned m,
                      unsigned i, unsigned j)
{
    double sum = 0;

    for (unsigned c = 0; c < e; c++)
        sum += (double) q[(size_t) c * n + i] * bank[(size_t) c * m + j];
    return sum;
}

/* Small whole numbers: products are exact, and there are many ties. */
static void check_knn(struct bench_of *b, unsigned e, unsigned n, unsigned m, unsigned k)
{
    CLEANUP_FREE float *q = random_floats((size_t) e * n, 3);
    CLEANUP_FREE float *bank = random_floats((size_t) e * m, 3);
    CLEANUP_FREE uint32_t *index = calloc((size_t) n * k, sizeof(*index));
    CLEANUP_FREE float *dot = zeros((size_t) n * k);
    CLEANUP_FREE bool *taken = NULL;
    CLEANUP(nn_run_freep) struct nn_run *run = NULL;
    struct nn_topk *topk = NULL;
    struct fail fail = {0};

    for (size_t i = 0; i < (size_t) e * n; i++)
        q[i] = rintf(q[i]);
    for (size_t i = 0; i < (size_t) e * m; i++)
        bank[i] = rintf(bank[i]);
    REQUIRE(index && nn_run_new(b->nn, &run) == 0);
    struct nn_tensor *x = tensor(run, e, n, 0, q), *y = tensor(run, e, m, 1, bank);
    struct nn_tensor *thin = tensor(run, e + 1, m, 0, NULL);

    REQUIRE(nn_knn(run, x, thin, k, &topk) == -EINVAL);
    REQUIRE(nn_knn(run, x, y, 0, &topk) == -EINVAL);
    REQUIRE(nn_knn(run, x, y, 17, &topk) == -EINVAL);
    REQUIRE(nn_knn(run, x, y, k, &topk) == 0);
    REQUIRE(nn_run_wait(run, NULL, &fail) == 0);
    REQUIRE(nn_topk_read(topk, index, dot) == 0);
    for (unsigned i = 0; i < n; i++) {
        taken = calloc(m, sizeof(*taken));
        REQUIRE(taken);
        for (unsigned a = 0; a < k; a++) {
            unsigned best = m;

            for (unsigned j = 0; j < m; j++)
                if (!taken[j] && (best == m || product(q, bank, e, n, m, i, j) >
                                                   product(q, bank, e, n, m, i, best)))
                    best = j;
            taken[best] = true;
            REQUIRE(index[i * k + a] == best);
            REQUIRE(dot[i * k + a] == (float) product(q, bank, e, n, m, i, best));
        }
        free(TAKE_PTR(taken));
    }
}

int main(void)
{
    static const struct shape shapes[] = {
        {1, 4, 1, 1, false, 1},    {2, 8, 25, 17, true, 2}, {2, 96, 129, 1, false, 0.5f},
        {3, 20, 127, 1, false, 3}, {4, 32, 9, 3, true, 1},  {1, 128, 33, 2, true, 1},
        {2, 96, 257, 2, true, 3},
    };
    struct bench_of b = setup();

    for (unsigned portable = 0; portable < 2; portable++) {
        b.kernels = portable ? "portable" : "fast";
        nn_set_portable(b.nn, portable);
        for (size_t i = 0; i < ELEMENTSOF(shapes); i++)
            check_attention(&b, &shapes[i]);
        test_dirty_memory(&b);
    }
    test_rejects(&b);
    check_knn(&b, 8, 1, 1, 1);
    check_knn(&b, 20, 33, 127, 5);
    check_knn(&b, 64, 9, 1009, 16);
    check_knn(&b, 4, 5, 300, 3);
    teardown(&b);
    return 0;
}
