/* SPDX-License-Identifier: Apache-2.0 */

#include "braille/surface.h"

#include <math.h>

#include "braille/solve.h"

/* Deviation of terms of an order a priori, of those of the second. */
static const double smaller[SURFACE_ORDER + 1] = {0, 0, 1, 0.5, 0.25, 0.2};

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

double brl_surface_at(const struct surface *s, double x, double y)
{
    double phi[SURFACE_TERMS], sum = 0;

    basis(s, x, y, phi);
    for (unsigned i = 0; i < SURFACE_TERMS; i++)
        sum += s->k[i] * phi[i];
    return sum;
}

double brl_surface_slopes(const struct surface *s, double x, double y, double *ret_dx,
                          double *ret_dy)
{
    const double h = 1e-3 * s->size; /* third order errors: 1e-6 of what bends */

    *ret_dx = (brl_surface_at(s, x + h, y) - brl_surface_at(s, x - h, y)) / (2 * h);
    *ret_dy = (brl_surface_at(s, x, y + h) - brl_surface_at(s, x, y - h)) / (2 * h);
    return brl_surface_at(s, x, y);
}

void brl_surface_observe(const struct surface s[2], double x, double y, const double target[2],
                         double weight, struct surface_sums *sums)
{
    double phi[SURFACE_TERMS], off[2] = {target[0], target[1]};

    basis(&s[0], x, y, phi);
    for (unsigned i = 0; i < SURFACE_TERMS; i++) {
        off[0] -= s[0].k[i] * phi[i];
        off[1] -= s[1].k[i] * phi[i];
    }
    for (unsigned i = 0; i < SURFACE_TERMS; i++) {
        const double w = weight * phi[i];
        sums->b[0][i] += w * off[0];
        sums->b[1][i] += w * off[1];
        for (unsigned j = 0; j <= i; j++)
            sums->a[i][j] += w * phi[j];
    }
}

void brl_surface_solve(struct surface s[2], const struct surface_sums *sums, const double noise[2],
                       const double bend[2])
{
    for (unsigned f = 0; f < 2; f++) {
        struct surface_sums now = *sums;
        unsigned n = 0;
        for (unsigned o = 0; o <= SURFACE_ORDER; o++)
            for (unsigned j = 0; j <= o; j++, n++) {
                const double r = o < 2 ? 0 : noise[f] / (bend[f] * smaller[o]);
                now.a[n][n] += r * r + 1e-6;
                now.b[f][n] -= r * r * s[f].k[n];
            }
        brl_solve(SURFACE_TERMS, &now.a[0][0], now.b[f]);
        for (unsigned i = 0; i < SURFACE_TERMS; i++)
            s[f].k[i] += now.b[f][i];
    }
}

double brl_surface_tension(const struct surface *s, double bend)
{
    double sum = 0;
    unsigned n = 3;

    for (unsigned o = 2; o <= SURFACE_ORDER; o++)
        for (unsigned j = 0; j <= o; j++, n++)
            sum += pow(s->k[n] / (bend * smaller[o]), 2);
    return sqrt(sum / (SURFACE_TERMS - 3));
}
