/* SPDX-License-Identifier: Apache-2.0
 *
 * The lattice of a label over points: lines as long as labels may be, with gaps of every length,
 * dots that are not there and dots that are nobody's.
 */

#include "test.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/random.h"
#include "braille/lattice.h"

#define MOST_CELLS 256
#define PITCH 19.7

struct line {
    struct lattice_place want[MOST_CELLS * 6];
    struct lattice_point points[MOST_CELLS * 6 + 64];
    size_t n_want, n_points, n_cells;
    struct lattice truth;
    double width, height;
};

static double noise(struct random *rnd, double size)
{
    return random_uniform(rnd, -size, size) + random_uniform(rnd, -size, size);
}

/* `gap` blank cells after each third one; a twentieth of the dots is not seen. */
static void draw_line(uint64_t seed, size_t n_cells, size_t gap, struct line *l)
{
    struct random rnd = {seed};

    memset(l, 0, sizeof(*l));
    l->truth = (struct lattice){.x0 = 15 + random_uniform(&rnd, -3, 3),
                                .y0 = 16 + random_uniform(&rnd, -3, 3),
                                .pitch = PITCH * random_uniform(&rnd, 0.96, 1.04),
                                .turn = random_uniform(&rnd, -0.01, 0.01)};
    l->truth.cell = l->truth.pitch * random_uniform(&rnd, 2.35, 2.5);
    for (size_t i = 0; i < n_cells; i++) {
        if (i % (3 + gap) >= 3 && i + 1 < n_cells)
            continue;
        const unsigned cell = 1 + (unsigned) random_below(&rnd, 63);
        for (unsigned d = 0; d < 6; d++)
            if (cell >> d & 1)
                l->want[l->n_want++] = (struct lattice_place){(int) (2 * i + d / 3), (int) (d % 3)};
    }
    for (size_t k = 0; k < l->n_want; k++) {
        const struct brl_point p = brl_lattice_at(&l->truth, l->want[k]);
        if (random_below(&rnd, 20) > 0)
            l->points[l->n_points++] =
                (struct lattice_point){p.x + noise(&rnd, 0.6), p.y + noise(&rnd, 0.6), 1};
    }
    l->width = l->truth.x0 * 2 + l->truth.cell * (double) n_cells - l->truth.pitch;
    l->height = 2 * l->truth.y0 + 2 * l->truth.pitch;
    for (size_t k = 0; k < n_cells / 8; k++) /* dirt */
        l->points[l->n_points++] = (struct lattice_point){random_uniform(&rnd, 0, l->width),
                                                          random_uniform(&rnd, 0, l->height), 0.5};
}

static double worst_place(const struct line *l, const struct lattice *fit)
{
    double worst = 0;

    for (size_t k = 0; k < l->n_want; k++) {
        const struct brl_point a = brl_lattice_at(&l->truth, l->want[k]);
        const struct brl_point b = brl_lattice_at(fit, l->want[k]);
        worst = fmax(worst, hypot(a.x - b.x, a.y - b.y));
    }
    return worst / l->truth.pitch;
}

static int fit(const struct line *l, struct lattice *ret)
{
    const struct lattice_params params = {PITCH / 1.145, PITCH * 1.145, l->width, l->height};
    return brl_lattice_fit(l->want, l->n_want, l->points, l->n_points, &params, ret);
}

static void test_lines(void)
{
    static const size_t lengths[] = {2, 6, 7, 9, 20, 32, 90, MOST_CELLS};
    static struct line l;
    unsigned n = 0, n_off = 0;

    for (size_t gap = 0; gap < 12; gap++)
        for (size_t k = 0; k < sizeof(lengths) / sizeof(*lengths); k++) {
            struct lattice found;
            draw_line(100 * gap + k, lengths[k], gap, &l);
            REQUIRE(fit(&l, &found) == 0);
            const double worst = worst_place(&l, &found);
            n++;
            if (worst > 0.15) {
                printf("%zu cells, gaps of %zu: off by %.2f pitches\n", lengths[k], gap, worst);
                n_off++;
            }
        }
    printf("%u of %u lines off\n", n_off, n);
    REQUIRE(n_off == 0);
}

static void test_nothing(void)
{
    static struct line l;
    struct lattice found;

    draw_line(1, 3, 0, &l);
    l.n_points = 0;
    REQUIRE(fit(&l, &found) == -ENODATA);
    draw_line(1, 3, 0, &l);
    l.n_want = 0;
    REQUIRE(fit(&l, &found) == -ENODATA);
}

int main(void)
{
    test_lines();
    test_nothing();
    return 0;
}
