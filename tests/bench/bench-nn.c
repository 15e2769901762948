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
    CLEANUP(nn_weight_freep) struct nn_weight *weight = NULL;
    CLEANUP(nn_run_freep) struct nn_run *run = NULL;
    struct nn_tensor *x = NULL, *y = NULL;

    if (!a || !b || !c || !ours || !theirs || !ratio || !cpu)
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
        const double blas = blas_ms(w, a, b, c);

        if (i == 0)
            continue;
        ours[i - 1] = ms;
        cpu[i - 1] = busy;
        theirs[i - 1] = blas;
        ratio[i - 1] = blas / ms;
    }
    const double ms = median(ours, reps), blas = median(theirs, reps);

    printf("%-22s %s %8.2f ms %6.1f GFLOP/s (best %6.1f, a core %5.1f)", w->name,
           half ? "f16" : "f32", ms, gflop / ms * 1e3, gflop / ours[0] * 1e3,
           gflop / median(cpu, reps) * 1e3);
    if (blas > 0)
        printf("  OpenBLAS %6.1f GFLOP/s  ratio %.3f", gflop / blas * 1e3, median(ratio, reps));
    printf("\n");
}

static void bench_attention(struct nn *nn, unsigned heads, unsigned head, unsigned seq, unsigned n,
                            size_t reps)
{
    const unsigned d = heads * head, length = seq * n;
    CLEANUP_FREE float *data = noise((size_t) 3 * d * length);
    CLEANUP_FREE double *ours = calloc(reps, sizeof(*ours));
    CLEANUP(nn_run_freep) struct nn_run *run = NULL;
    struct nn_tensor *x = NULL, *y = NULL;

    if (!data || !ours)
        exit(1);
    check(nn_run_new(nn, &run), "run");
    check(nn_tensor(run, 3 * d, length, 0, &x), "tensor");
    check(nn_tensor_write(x, data), "write");
    check(nn_tensor(run, d, length, 0, &y), "tensor");
    for (size_t i = 0; i < reps + 1; i++) {
        check(nn_attention(run, x, heads, seq, NULL, y), "attention");
        const double start = now_ms();

        check(nn_run_wait(run, NULL, NULL), "run");
        if (i > 0)
            ours[i - 1] = now_ms() - start;
    }
    const double ms = median(ours, reps), gflop = 4e-9 * d * seq * length;

    printf("attention %u x %u, %u x %u: %.2f ms (best %.2f) %.1f GFLOP/s\n", heads, head, n, seq,
           ms, ours[0], gflop / ms * 1e3);
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
    bench_attention(nn, 2, 96, 600, 1, reps);
    bench_attention(nn, 2, 96, 1500, 1, reps);
    bench_attention(nn, 4, 32, 25, 128, reps);
    nn_free(nn);
    return 0;
}
