/* SPDX-License-Identifier: Apache-2.0
 *
 * A smooth function of a place on the page: a polynomial of the fifth order whose bends are held
 * small by a prior, so that it runs straight on where nothing is known. Private to dataset/braille.
 */
#pragma once

#define SURFACE_ORDER 5
#define SURFACE_TERMS 21 ///< of two variables up to that order

struct surface {
    double cx, cy, size; ///< terms are powers of (x - cx) / size and (y - cy) / size
    double k[SURFACE_TERMS];
};

/** Weighted sums over observations. */
struct surface_sums {
    double a[SURFACE_TERMS][SURFACE_TERMS]; ///< lower half
    double b[SURFACE_TERMS];
};

double surface_at(const struct surface *s, double x, double y);
/** Value and slopes. */
double surface_slopes(const struct surface *s, double x, double y, double *ret_dx, double *ret_dy);
/** The function should be `target` at (x, y). */
void surface_observe(const struct surface *s, double x, double y, double target, double weight,
                     struct surface_sums *sums);
/** Change `s` to meet what was observed. `noise` is the deviation of an observation of weight 1,
 * `bend` that of a term of the second order a priori; higher ones are taken to be smaller. */
void surface_solve(struct surface *s, struct surface_sums *sums, double noise, double bend);
