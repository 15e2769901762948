/* SPDX-License-Identifier: Apache-2.0 */

#include "braille/surface.h"

#include <math.h>

/* Terms by order: 1; x, y; xx, xy, yy; ... */
static void basis(const struct surface *s, double x, double y, double out[SURFACE_TERMS])
{
    double px[SURFACE_ORDER + 1] = {1}, py[SURFACE_ORDER + 1] = {1};
    unsigned n = 0;

    for (unsigned o = 0; o < SURFACE_ORDER; o++) {
        px[o + 1] = px[o] * (x - s->cx) / s->size;
        py[o + 1] = py[o] * (y - s->cy) / s->size;
    }
    for (unsigned o = 0; o <= SURFACE_ORDER; o++)
        for (unsigned j = 0; j <= o; j++)
            out[n++] = px[o - j] * py[j];
}

double surface_at(const struct surface *s, double x, double y)
{
    double phi[SURFACE_TERMS], sum = 0;

    basis(s, x, y, phi);
    for (unsigned i = 0; i < SURFACE_TERMS; i++)
        sum += s->k[i] * phi[i];
    return sum;
}

double surface_slopes(const struct surface *s, double x, double y, double *ret_dx, double *ret_dy)
{
    const double h = 1e-3 * s->size; /* third order errors: 1e-6 of what bends */

    *ret_dx = (surface_at(s, x + h, y) - surface_at(s, x - h, y)) / (2 * h);
    *ret_dy = (surface_at(s, x, y + h) - surface_at(s, x, y - h)) / (2 * h);
    return surface_at(s, x, y);
}

void surface_observe(const struct surface *s, double x, double y, double target, double weight,
                     struct surface_sums *sums)
{
    double phi[SURFACE_TERMS], value = 0;

    basis(s, x, y, phi);
    for (unsigned i = 0; i < SURFACE_TERMS; i++)
        value += s->k[i] * phi[i];
    for (unsigned i = 0; i < SURFACE_TERMS; i++) {
        const double w = weight * phi[i];
        sums->b[i] += w * (target - value);
        for (unsigned j = 0; j <= i; j++)
            sums->a[i][j] += w * phi[j];
    }
}

/* a x = b for a positive definite `a` of which the lower half is given (Cholesky), in place. */
static void solve(double a[SURFACE_TERMS][SURFACE_TERMS], double b[SURFACE_TERMS])
{
    for (int i = 0; i < SURFACE_TERMS; i++) {
        for (int j = 0; j <= i; j++) {
            double sum = a[i][j];
            for (int k = 0; k < j; k++)
                sum -= a[i][k] * a[j][k];
            a[i][j] = i == j ? sqrt(fmax(sum, 1e-12)) : sum / a[j][j];
        }
        for (int k = 0; k < i; k++)
            b[i] -= a[i][k] * b[k];
        b[i] /= a[i][i];
    }
    for (int i = SURFACE_TERMS - 1; i >= 0; i--) {
        for (int k = i + 1; k < SURFACE_TERMS; k++)
            b[i] -= a[k][i] * b[k];
        b[i] /= a[i][i];
    }
}

void surface_solve(struct surface *s, struct surface_sums *sums, double noise, double bend)
{
    static const double smaller[SURFACE_ORDER + 1] = {0, 0, 1, 0.5, 0.25, 0.2};
    unsigned n = 0;

    for (unsigned o = 0; o <= SURFACE_ORDER; o++)
        for (unsigned j = 0; j <= o; j++, n++) {
            const double r = o < 2 ? 0 : noise / (bend * smaller[o]);
            sums->a[n][n] += r * r + 1e-6;
            sums->b[n] -= r * r * s->k[n];
        }
    solve(sums->a, sums->b);
    for (unsigned i = 0; i < SURFACE_TERMS; i++)
        s->k[i] += sums->b[i];
}
