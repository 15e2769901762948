/* SPDX-License-Identifier: Apache-2.0
 *
 * Small systems of linear equations; private to dataset/braille.
 */
#pragma once

#include <math.h>

/** Solve a x = b in place, x comes out in b [n]: `a` [n][n] is symmetric, positive definite, and only
 * its lower half is read (Cholesky; a is overwritten). */
static inline void brl_solve(int n, double *a, double *b)
{
    for (int i = 0; i < n; i++) {
        for (int j = 0; j <= i; j++) {
            double sum = a[i * n + j];
            for (int k = 0; k < j; k++)
                sum -= a[i * n + k] * a[j * n + k];
            a[i * n + j] = i == j ? sqrt(fmax(sum, 1e-12)) : sum / a[j * n + j];
        }
        for (int k = 0; k < i; k++)
            b[i] -= a[i * n + k] * b[k];
        b[i] /= a[i * n + i];
    }
    for (int i = n - 1; i >= 0; i--) {
        for (int k = i + 1; k < n; k++)
            b[i] -= a[k * n + i] * b[k];
        b[i] /= a[i * n + i];
    }
}
