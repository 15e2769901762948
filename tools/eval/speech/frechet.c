/* SPDX-License-Identifier: Apache-2.0
 *
 * Dowson and Landau, "The Frechet distance between multivariate normal distributions", J.
 * Multivariate Analysis 12, 1982. tr (S1 S2)^(1/2) is the sum of the roots of the eigenvalues of
 * S1^(1/2) S2 S1^(1/2), which is symmetric; Jacobi's rotations find them (a page of code, where a
 * LAPACK would be a dependency of its own).
 */

#include <errno.h>
#include <math.h>
#include <string.h>

#include "tools/eval/speech/signal.h"

enum { MAX_SWEEPS = 60 };

void eval_rows_done(struct eval_rows *r)
{
    free(r->x);
    *r = (struct eval_rows){0};
}

int eval_rows_add(struct eval_rows *r, const double *row, unsigned dim)
{
    if (dim == 0 || dim > EVAL_MAX_DIM || (r->dim && r->dim != dim))
        return -EINVAL;
    if (r->n == r->room) {
        const size_t room = MAX(2 * r->room, (size_t) 64);
        double *x = reallocarray(r->x, room, dim * sizeof(*x));
        if (!x)
            return -ENOMEM;
        r->x = x;
        r->room = room;
    }
    r->dim = dim;
    memcpy(r->x + r->n++ * dim, row, dim * sizeof(*row));
    return 0;
}

/* Turn rows and columns p, q of the symmetric `a` so that a[p][q] becomes 0; `v` collects it. */
static void rotate(double *a, double *v, size_t n, size_t p, size_t q)
{
    const double theta = (a[q * n + q] - a[p * n + p]) / (2 * a[p * n + q]);
    const double t = copysign(1, theta) / (fabs(theta) + sqrt(theta * theta + 1));
    const double c = 1 / sqrt(t * t + 1), s = t * c;

    for (size_t k = 0; k < n; k++) {
        const double x = a[k * n + p], y = a[k * n + q];
        a[k * n + p] = c * x - s * y;
        a[k * n + q] = s * x + c * y;
    }
    for (size_t k = 0; k < n; k++) {
        const double x = a[p * n + k], y = a[q * n + k];
        a[p * n + k] = c * x - s * y;
        a[q * n + k] = s * x + c * y;
    }
    for (size_t k = 0; v && k < n; k++) {
        const double x = v[k * n + p], y = v[k * n + q];
        v[k * n + p] = c * x - s * y;
        v[k * n + q] = s * x + c * y;
    }
}

/* Eigenvalues of the symmetric `a` come onto its diagonal, the vectors into the columns of `v` (may
 * be NULL). */
static void diagonalise(double *a, double *v, size_t n)
{
    double all = 0;

    for (size_t i = 0; i < n * n; i++)
        all += a[i] * a[i];
    for (size_t i = 0; v && i < n * n; i++)
        v[i] = i % (n + 1) == 0;
    for (int sweep = 0; sweep < MAX_SWEEPS; sweep++) {
        double off = 0;
        for (size_t p = 0; p < n; p++)
            for (size_t q = p + 1; q < n; q++)
                off += a[p * n + q] * a[p * n + q];
        if (off <= 1e-26 * all)
            return;
        for (size_t p = 0; p < n; p++)
            for (size_t q = p + 1; q < n; q++)
                if (fabs(a[p * n + q]) > 1e-300)
                    rotate(a, v, n, p, q);
    }
}

/* Mean [dim] and covariance [dim][dim], over n - 1. */
static void fit(const struct eval_rows *r, double *mean, double *cov)
{
    const size_t d = r->dim;

    memset(mean, 0, d * sizeof(*mean));
    memset(cov, 0, d * d * sizeof(*cov));
    for (size_t i = 0; i < r->n; i++)
        for (size_t k = 0; k < d; k++)
            mean[k] += r->x[i * d + k] / (double) r->n;
    for (size_t i = 0; i < r->n; i++)
        for (size_t k = 0; k < d; k++) {
            const double x = (r->x[i * d + k] - mean[k]) / (double) (r->n - 1);
            for (size_t m = 0; m <= k; m++)
                cov[k * d + m] += x * (r->x[i * d + m] - mean[m]);
        }
    for (size_t k = 0; k < d; k++)
        for (size_t m = k + 1; m < d; m++)
            cov[k * d + m] = cov[m * d + k];
}

/* out = x y, or x y' */
static void multiply(const double *x, const double *y, bool turned, double *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < n; k++) {
            double sum = 0;
            for (size_t m = 0; m < n; m++)
                sum += x[i * n + m] * (turned ? y[k * n + m] : y[m * n + k]);
            out[i * n + k] = sum;
        }
}

/* tr (A B)^(1/2); both are spoilt. Eigenvalues that rounding made negative count as 0. */
static double trace_of_root(double *a, double *b, double *work, size_t n)
{
    double *v = work, *root = v + n * n, *t = root + n * n, sum = 0;

    diagonalise(a, v, n);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < n; k++)
            t[i * n + k] = v[i * n + k] * sqrt(fmax(a[k * n + k], 0));
    multiply(t, v, true, root, n);
    multiply(root, b, false, t, n);
    multiply(t, root, false, a, n);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < i; k++)
            a[i * n + k] = a[k * n + i] = (a[i * n + k] + a[k * n + i]) / 2;
    diagonalise(a, NULL, n);
    for (size_t k = 0; k < n; k++)
        sum += sqrt(fmax(a[k * n + k], 0));
    return sum;
}

int eval_frechet(const struct eval_rows *a, const struct eval_rows *b, double *ret)
{
    const size_t d = a->dim;

    if (d != b->dim || d == 0 || a->n < 2 || b->n < 2)
        return -EINVAL;
    CLEANUP_FREE double *work = calloc(5 * d + 2, d * sizeof(*work));
    if (!work)
        return -ENOMEM;
    double *cov_a = work, *cov_b = cov_a + d * d, *rest = cov_b + d * d;
    double *mean_a = rest + 3 * d * d, *mean_b = mean_a + d, distance = 0;
    fit(a, mean_a, cov_a);
    fit(b, mean_b, cov_b);
    for (size_t k = 0; k < d; k++)
        distance += (mean_a[k] - mean_b[k]) * (mean_a[k] - mean_b[k]) + cov_a[k * (d + 1)] +
                    cov_b[k * (d + 1)];
    *ret = fmax(distance - 2 * trace_of_root(cov_a, cov_b, rest, d), 0);
    return 0;
}
