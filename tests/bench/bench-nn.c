/* SPDX-License-Identifier: Apache-2.0
 *
 * Speed of the matrix product, the convolution and attention, beside OpenBLAS in the same run:
 * one repetition of each in turn, the median of the ratios. A convolution of k taps stands beside
 * k products. Set OPENBLAS_NUM_THREADS to compare with the threads that lavapipe uses. "A core"
 * divides by processor time instead: on a CPU device it holds still when others use the machine.
 *
 *   bench-nn [repetitions]
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#ifdef HAVE_OPENBLAS
#include <cblas.h>
#endif

#include "nn/nn.h"

struct work {
    const char *name;
    unsigned ci, co, taps, dilation, length;
};

static double clock_ms(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (double) t.tv_sec * 1e3 + (double) t.tv_nsec / 1e6;
}

static double now_ms(void)
{
    return clock_ms(CLOCK_MONOTONIC);
}

static double cpu_ms(void)
{
    return clock_ms(CLOCK_PROCESS_CPUTIME_ID);
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *) a, y = *(const double *) b;

    return (x > y) - (x < y);
}

static double median(double *v, size_t n)
{
    qsort(v, n, sizeof(*v), compare);
    return v[n / 2];
}

static float *noise(size_t n)
{
    float *v = malloc(n * sizeof(*v));

    for (size_t i = 0; v && i < n; i++)
        v[i] = (float) ((i * 2654435761u >> 8) & 0xffff) / 65536.0f - 0.5f;
    return v;
}

static void check(int r, const char *what)
{
    if (r < 0) {
        fprintf(stderr, "%s: %s\n", what, strerror(-r));
        exit(1);
    }
}

/* Milliseconds of `taps` products [co][ci] x [ci][length]; 0 without OpenBLAS. */
static double blas_ms(const struct work *w, const float *a, const float *b, float *c)
{
#ifdef HAVE_OPENBLAS
    const double start = now_ms();

    for (unsigned k = 0; k < w->taps; k++)
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int) w->co, (int) w->length,
                    (int) w->ci, 1.0f, a, (int) w->ci, b, (int) w->length, k ? 1.0f : 0.0f, c,
                    (int) w->length);
    return now_ms() - start;
#else
    return 0;
#endif
}

static void bench_conv(struct nn *nn, const struct work *w, bool half, size_t reps)
{
    const double gflop = 2e-9 * w->ci * w->co * w->taps * w->length;
    const unsigned margin = w->dilation * (w->taps - 1) / 2;
    CLEANUP_FREE float *a = noise((size_t) w->co * w->ci * w->taps);
    CLEANUP_FREE float *b = noise((size_t) w->ci * w->length);
    CLEANUP_FREE float *c = noise((size_t) w->co * w->length);
    CLEANUP_FREE double *ours = calloc(reps, sizeof(*ours));
    CLEANUP_FREE double *theirs = calloc(reps, sizeof(*theirs));
    CLEANUP_FREE double *ratio = calloc(reps, sizeof(*ratio));
    CLEANUP_FREE double *cpu = calloc(reps, sizeof(*cpu));
    CLEANUP_FREE double *blas_cpu = calloc(reps, sizeof(*blas_cpu));
    CLEANUP(nn_weight_freep) struct nn_weight *weight = NULL;
    CLEANUP(nn_run_freep) struct nn_run *run = NULL;
    struct nn_tensor *x = NULL, *y = NULL;

    if (!a || !b || !c || !ours || !theirs || !ratio || !cpu || !blas_cpu)
        exit(1);
    check(nn_weight_conv1d(nn, a, NULL, w->co, w->ci, w->taps, half, &weight), "weight");
    check(nn_run_new(nn, &run), "run");
    check(nn_tensor(run, w->ci, w->length, margin, &x), "tensor");
    check(nn_tensor_write(x, b), "write");
    check(nn_tensor(run, w->co, w->length, 0, &y), "tensor");
    for (size_t i = 0; i < reps + 1; i++) { /* the first warms up */
        check(nn_conv1d(run, weight, x, y, nn_conv_params(.dilation = w->dilation)), "conv");
        const double start = now_ms(), cpu_start = cpu_ms();

        check(nn_run_wait(run, NULL, NULL), "run");
        const double ms = now_ms() - start, busy = cpu_ms() - cpu_start;
        const double blas_start = cpu_ms(), blas = blas_ms(w, a, b, c);

        if (i == 0)
            continue;
        ours[i - 1] = ms;
        cpu[i - 1] = busy;
        blas_cpu[i - 1] = cpu_ms() - blas_start;
        theirs[i - 1] = blas;
        ratio[i - 1] = blas / ms;
    }
    const double ms = median(ours, reps), blas = median(theirs, reps);

    printf("%-22s %s %8.2f ms %6.1f GFLOP/s (best %6.1f, a core %5.1f)", w->name,
           half ? "f16" : "f32", ms, gflop / ms * 1e3, gflop / ours[0] * 1e3,
           gflop / median(cpu, reps) * 1e3);
    if (blas > 0)
        printf("  OpenBLAS %6.1f GFLOP/s (a core %5.1f)  ratio %.3f", gflop / blas * 1e3,
               gflop / median(blas_cpu, reps) * 1e3, median(ratio, reps));
    printf("\n");
}

/* What the light operations work on. */
struct light {
    struct nn *nn;
    struct nn_weight *norm, *table, *patch;
    struct nn_tensor *x, *y;
    uint32_t *ids;
    double *f0;
    unsigned heads, seq;
};

static int do_attention(struct nn_run *run, struct light *l)
{
    return nn_attention(run, l->x, l->heads, l->seq, NULL, l->y);
}

static int do_layernorm(struct nn_run *run, struct light *l)
{
    return nn_layernorm(run, l->norm, l->x, l->x, 1e-5f, l->y);
}

static int do_axpby(struct nn_run *run, struct light *l)
{
    return nn_axpby(run, 0.5f, l->x, 0.5f, l->y);
}

static int do_many(struct nn_run *run, struct light *l)
{
    int r = 0;

    for (int i = 0; i < 100 && r >= 0; i++)
        r = nn_axpby(run, 0.5f, l->x, 0.5f, l->y);
    return r;
}

static int do_gelu(struct nn_run *run, struct light *l)
{
    return nn_activate(run, NN_GELU, 0, l->x, l->y);
}

static int do_gather(struct nn_run *run, struct light *l)
{
    return nn_gather(run, l->x, l->ids, l->y->length, l->y);
}

static int do_patches(struct nn_run *run, struct light *l)
{
    return nn_patch_embed(run, l->patch, l->x, 128, 32, 32, l->y);
}

static int do_knn(struct nn_run *run, struct light *l)
{
    struct nn_topk *topk;

    return nn_knn(run, l->x, l->y, 5, &topk);
}

static int do_polar(struct nn_run *run, struct light *l)
{
    return nn_polar(run, l->x, 6, l->y);
}

static int do_harmonics(struct nn_run *run, struct light *l)
{
    static const float weights[9] = {1, 1, 1, 1, 1, 1, 1, 1, 1};

    return nn_harmonic_source(run, l->f0, l->y->length / 64, 256, 16000, weights, 9, 0.1f, 0, l->y);
}

static void bench_light(struct light *l, const char *name,
                        int (*record)(struct nn_run *, struct light *), const unsigned x[2],
                        const unsigned y[2], size_t reps)
{
    CLEANUP_FREE float *data = noise((size_t) x[0] * x[1]);
    CLEANUP_FREE double *wall = calloc(reps, sizeof(*wall)), *cpu = calloc(reps, sizeof(*cpu));
    CLEANUP(nn_run_freep) struct nn_run *run = NULL;

    if (!data || !wall || !cpu)
        exit(1);
    check(nn_run_new(l->nn, &run), "run");
    check(nn_tensor(run, x[0], x[1], 0, &l->x), "tensor");
    check(nn_tensor_write(l->x, data), "write");
    check(nn_tensor(run, y[0], y[1], 0, &l->y), "tensor");
    for (size_t i = 0; i < reps + 1; i++) { /* the first warms up */
        check(record(run, l), name);
        const double start = now_ms(), cpu_start = cpu_ms();

        check(nn_run_wait(run, NULL, NULL), "run");
        if (i == 0)
            continue;
        wall[i - 1] = now_ms() - start;
        cpu[i - 1] = cpu_ms() - cpu_start;
    }
    const double ms = median(wall, reps);

    printf("%-26s %8.2f ms (best %.2f, processor %.2f)\n", name, ms, wall[0], median(cpu, reps));
}

static void bench_lights(struct nn *nn, size_t reps)
{
    struct light l = {
        .nn = nn, .ids = calloc(3200, sizeof(*l.ids)), .f0 = calloc(344, sizeof(*l.f0))};
    CLEANUP_FREE float *w = noise(1 << 18);
    CLEANUP(nn_weight_freep) struct nn_weight *norm = NULL, *patch = NULL;

    if (!l.ids || !l.f0 || !w)
        exit(1);
    check(nn_weight_norm(nn, w, w, 192, &norm), "norm");
    check(nn_weight_patch(nn, w, w, w, 192, 1, 8, 8, 16, &patch), "patch");
    l.norm = norm;
    l.patch = patch;
    for (unsigned i = 0; i < 3200; i++)
        l.ids[i] = i / 10;
    for (unsigned i = 0; i < 344; i++)
        l.f0[i] = 200 + i % 50;
#define SHAPE(a, b) ((const unsigned[]){a, b})
    for (unsigned i = 0; i < 3; i++) {
        static const struct {
            const char *name;
            unsigned heads, head, seq, n;
        } a[] = {{"attention 2x96, 600", 2, 96, 600, 1},
                 {"attention 2x96, 1500", 2, 96, 1500, 1},
                 {"attention 4x32, 128 x 25", 4, 32, 25, 128}};
        const unsigned d = a[i].heads * a[i].head, length = a[i].seq * a[i].n;

        l.heads = a[i].heads;
        l.seq = a[i].seq;
        bench_light(&l, a[i].name, do_attention, SHAPE(3 * d, length), SHAPE(d, length), reps);
    }
    bench_light(&l, "layernorm 192 x 3200", do_layernorm, SHAPE(192, 3200), SHAPE(192, 3200), reps);
    bench_light(&l, "axpby 64 x 5504", do_axpby, SHAPE(64, 5504), SHAPE(64, 5504), reps);
    bench_light(&l, "100 small dispatches", do_many, SHAPE(8, 64), SHAPE(8, 64), reps);
    bench_light(&l, "gelu 64 x 5504", do_gelu, SHAPE(64, 5504), SHAPE(64, 5504), reps);
    bench_light(&l, "gather 192 x 3200", do_gather, SHAPE(192, 320), SHAPE(192, 3200), reps);
    bench_light(&l, "patches 128 of 32x32", do_patches, SHAPE(1, 128 * 1024), SHAPE(192, 128 * 17),
                reps);
    bench_light(&l, "knn 5 of 1400, 1000 x 128", do_knn, SHAPE(128, 1000), SHAPE(128, 1400), reps);
    bench_light(&l, "polar 18 x 22016", do_polar, SHAPE(18, 22016), SHAPE(18, 22016), reps);
    bench_light(&l, "harmonics 5.5 s", do_harmonics, SHAPE(1, 1), SHAPE(4, 344 * 64), reps);
#undef SHAPE
    free(l.ids);
    free(l.f0);
}

int main(int argc, char **argv)
{
    static const struct work works[] = {
        {"product 256x768x768", 768, 768, 1, 1, 256},
        {"product 512x512x512", 512, 512, 1, 1, 512},
        {"product 3200x192x768", 192, 768, 1, 1, 3200},
        {"conv 192->512 k5 T600", 192, 512, 5, 1, 600},
        {"conv 256 k7 d3 T1024", 256, 256, 7, 3, 1024},
        {"conv 128 k3 T688", 128, 128, 3, 1, 688},
        {"conv 128 k7 d3 T5504", 128, 128, 7, 3, 5504},
        {"conv 64 k7 d12 T5504", 64, 64, 7, 12, 5504},
        {"conv 32 k11 T22016", 32, 32, 11, 1, 22016},
        {"conv 16 k7 T65536", 16, 16, 7, 1, 65536},
        {"conv 8 k7 T65536", 8, 8, 7, 1, 65536},
    };
    const size_t reps = argc > 1 ? (size_t) MAX(1, atoi(argv[1])) : 15;
    CLEANUP(vkc_context_freep) struct vkc_context *ctx = NULL;
    struct nn *nn = NULL;
    struct fail fail = {0};

    if (vkc_context_new(vkc_context_params(.device = getenv("BRAILLED_DEVICE")), &ctx, &fail) < 0) {
        fprintf(stderr, "%s\n", fail.text);
        return fail.kind;
    }
    printf("device: %s, %s\n", vkc_context_info(ctx)->name, vkc_context_info(ctx)->driver);
    check(nn_new(ctx, &nn), "nn");
    for (size_t i = 0; i < ELEMENTSOF(works); i++)
        for (int half = 0; half < 2; half++)
            bench_conv(nn, &works[i], half, reps);
    bench_lights(nn, reps);
    nn_free(nn);
    return 0;
}
