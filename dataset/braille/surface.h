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

/** Weighted sums over observations of two functions with the same terms. */
struct surface_sums {
    double a[SURFACE_TERMS][SURFACE_TERMS]; ///< lower half
    double b[2][SURFACE_TERMS];
};

double brl_surface_at(const struct surface *s, double x, double y);
/** Value and slopes. */
double brl_surface_slopes(const struct surface *s, double x, double y, double *ret_dx,
                          double *ret_dy);
/** Two functions (of the same cx, cy and size) should be so at (x, y). */
void brl_surface_observe(const struct surface s[2], double x, double y, const double target[2],
                         double weight, struct surface_sums *sums);
/** Change both to meet what was observed. `noise` is the deviation of an observation of weight 1,
 * `bend` that of a term of the second order a priori; higher ones are taken to be smaller. Both in
 * each function's own unit. */
void brl_surface_solve(struct surface s[2], const struct surface_sums *sums, const double noise[2],
                       const double bend[2]);
/** Root mean square of the bends over what they are a priori. */
double brl_surface_tension(const struct surface *s, double bend);
