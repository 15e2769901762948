/* SPDX-License-Identifier: Apache-2.0 */

#include "braille/mesh.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/macro.h"
#include "braille/mesh_internal.h"

#define MIN_POINTS 8 ///< fewer dots make no page
#define WINDOW 13.0  ///< half a seed's window, in dot pitches
#define TILES 24     ///< along the longer side, at most
#define MAX_SEEDS 4
#define CERTAIN_FIT 0.9    ///< needs no second seed
#define FLAT_BENT 0.4      ///< nor that it bends where dots are off by less, in pitches
#define CERTAIN_PROOF 60.0 ///< score * fit^2, the same where many dots are none
/* Deviation of the page's bends, in its half size: of scans, of photographs of books. */
#define FLAT 0.01
#define CURLED 0.06

/* Where the points lie densely: middles of windows, the fullest first, not two near each other. */
static unsigned choose_windows(const struct brl_mesh_point *pt, size_t n, double reach,
                               struct brl_point out[MAX_SEEDS])
{
    double x0 = INFINITY, x1 = -INFINITY, y0 = INFINITY, y1 = -INFINITY;
    double full[TILES * TILES] = {0};
    unsigned n_out = 0;

    for (size_t i = 0; i < n; i++) {
        x0 = fmin(x0, pt[i].x);
        x1 = fmax(x1, pt[i].x);
        y0 = fmin(y0, pt[i].y);
        y1 = fmax(y1, pt[i].y);
    }
    const double size = fmax(fmax(x1 - x0, y1 - y0) / TILES, reach / 2) * 1.0001;
    const int nx = (int) ((x1 - x0) / size) + 1, ny = (int) ((y1 - y0) / size) + 1;
    const int r = MAX((int) lround(reach / size - 0.5), 0);
    for (size_t i = 0; i < n; i++) {
        const int tx = (int) ((pt[i].x - x0) / size), ty = (int) ((pt[i].y - y0) / size);
        for (int y = MAX(ty - r, 0); y <= MIN(ty + r, ny - 1); y++)
            for (int x = MAX(tx - r, 0); x <= MIN(tx + r, nx - 1); x++)
                full[y * TILES + x] += pt[i].weight;
    }
    while (n_out < MAX_SEEDS) {
        double most = 0;
        int best_x = 0, best_y = 0;
        for (int y = 0; y < ny; y++)
            for (int x = 0; x < nx; x++)
                if (full[y * TILES + x] > most) {
                    most = full[y * TILES + x];
                    best_x = x;
                    best_y = y;
                }
        if (most <= 0)
            break;
        out[n_out++] = (struct brl_point){x0 + (best_x + 0.5) * size, y0 + (best_y + 0.5) * size};
        for (int y = MAX(best_y - 2 * r, 0); y <= MIN(best_y + 2 * r, ny - 1); y++)
            for (int x = MAX(best_x - 2 * r, 0); x <= MIN(best_x + 2 * r, nx - 1); x++)
                full[y * TILES + x] = 0;
    }
    return n_out;
}

static int try_seed(const struct brl_mesh_point *points, size_t n, const struct mesh_seed *seed,
                    double bend, struct brl_mesh *best)
{
    CLEANUP(brl_mesh_growth_done) struct mesh_growth g = {0};
    CLEANUP(brl_mesh_done) struct brl_mesh now = {0};

    int r = brl_mesh_grow(points, n, seed, bend, &g);
    if (r == 0)
        r = brl_mesh_settle(&g, &now);
    if (r == 0 && (!best->dot || now.score > best->score)) {
        const struct brl_mesh old = *best;
        *best = now;
        now = old;
    }
    return r == -ENODATA ? 0 : r;
}

int brl_mesh_fit(const struct brl_mesh_point *points, size_t n,
                 const struct brl_mesh_params *params, struct brl_mesh *ret)
{
    const double pitch = sqrt(params->min_pitch * params->max_pitch);
    CLEANUP(brl_mesh_done) struct brl_mesh best = {0};
    struct brl_point at[MAX_SEEDS];
    int r = 0;

    if (n < MIN_POINTS)
        return -ENODATA;
    const unsigned n_seeds = choose_windows(points, n, WINDOW * pitch, at);
    for (unsigned i = 0; i < n_seeds && r == 0 && best.fit < CERTAIN_FIT; i++) {
        struct mesh_seed seed;
        r = brl_mesh_seed_find(points, n, params, at[i].x, at[i].y, WINDOW, &seed);
        if (r == 0)
            r = try_seed(points, n, &seed, FLAT, &best);
        if (r == 0 && (best.fit < CERTAIN_FIT || best.bent > FLAT_BENT))
            r = try_seed(points, n, &seed, CURLED, &best);
        r = r == -ENODATA ? 0 : r;
        if (best.score * best.fit * best.fit > CERTAIN_PROOF)
            break;
    }
    if (r < 0)
        return r;
    if (!best.dot)
        return -ENODATA;
    *ret = best;
    best = (struct brl_mesh){0};
    return 0;
}

void brl_mesh_done(struct brl_mesh *mesh)
{
    free(mesh->dot);
    free(mesh->place);
    *mesh = (struct brl_mesh){0};
}
