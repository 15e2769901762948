/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <math.h>

#include "tools/eval/speech/signal.h"

int eval_fft_init(struct eval_fft *t, unsigned n)
{
    if (n < 2 || n > 1u << 20 || (n & (n - 1)) != 0)
        return -EINVAL;
    CLEANUP_FREE double *table = calloc(n, sizeof(*table));
    if (!table)
        return -ENOMEM;
    for (unsigned i = 0; i < n / 2; i++) {
        table[i] = cos(2 * M_PI * i / n);
        table[n / 2 + i] = sin(2 * M_PI * i / n);
    }
    t->n = n;
    t->cosine = TAKE_PTR(table);
    t->sine = t->cosine + n / 2;
    return 0;
}

void eval_fft_done(struct eval_fft *t)
{
    free(t->cosine);
    *t = (struct eval_fft){0};
}

static void swap(double *a, double *b)
{
    const double x = *a;
    *a = *b;
    *b = x;
}

static void reverse_bits(unsigned n, double *re, double *im)
{
    for (unsigned i = 1, j = 0; i < n; i++) {
        unsigned bit = n >> 1;
        for (; j & bit; bit >>= 1)
            j ^= bit;
        j ^= bit;
        if (i < j) {
            swap(&re[i], &re[j]);
            swap(&im[i], &im[j]);
        }
    }
}

/* Radix 2, decimation in time. */
void eval_fft_run(const struct eval_fft *t, double *re, double *im)
{
    reverse_bits(t->n, re, im);
    for (unsigned half = 1; half < t->n; half *= 2) {
        const unsigned stride = t->n / (2 * half);
        for (unsigned at = 0; at < t->n; at += 2 * half)
            for (unsigned k = 0; k < half; k++) {
                const double c = t->cosine[k * stride], s = t->sine[k * stride];
                double *const ar = &re[at + k], *const ai = &im[at + k];
                double *const br = ar + half, *const bi = ai + half;
                const double x = *br * c + *bi * s, y = *bi * c - *br * s;
                *br = *ar - x;
                *bi = *ai - y;
                *ar += x;
                *ai += y;
            }
    }
}
