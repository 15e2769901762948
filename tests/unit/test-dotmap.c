/* SPDX-License-Identifier: Apache-2.0
 *
 * The dot detector finds the dots of drawn sheets where they were drawn, each on its side, at
 * several sizes; nothing on bare paper; and refuses what it cannot look at.
 */

#include "test.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/random.h"
#include "braille/dotmap.h"
#include "braille/render.h"

#define ROWS 12
#define COLUMNS 18
#define PITCH_MM 2.5

static struct image *draw(double dpi, double light_deg, bool verso, struct brl_render_truth *truth)
{
    static brl_cell cells[2][ROWS * COLUMNS];
    struct random lot = {5};
    struct image *img = NULL;
    const struct brl_render_params *p = brl_render_params(.dpi = dpi, .light_deg = light_deg,
                                                          .grain = 3, .jitter = 0.02, .seed = 5);

    for (int side = 0; side < 2; side++)
        for (int i = 0; i < ROWS * COLUMNS; i++)
            cells[side][i] = (brl_cell) random_below(&lot, 64);
    const struct brl_render_sheet front = {cells[0], ROWS, COLUMNS},
                                  back = {cells[1], ROWS, COLUMNS};
    REQUIRE(brl_render(&front, verso ? &back : NULL, p, &img, truth) == 0);
    return img;
}

static double nearest(const struct brl_spots *spots, double x, double y, bool dent)
{
    double best = 1e9;
    for (size_t i = 0; i < spots->n; i++) {
        const struct brl_spot *s = &spots->spot[i];
        if (s->dent == dent && s->p > 0.5f)
            best = fmin(best, hypot(s->x - x, s->y - y));
    }
    return best;
}

/* Of each hundred dots at least 99 are found within a quarter of a pitch, and rated as dots where
 * bare places are not; and there are not many more spots than dots. */
static void require_found(const struct brl_spots *spots, const struct brl_render_truth *truth,
                          double pitch)
{
    size_t dots = 0, found = 0, rated = 0, bare = 0, said = 0, spot = 0;

    for (size_t i = 0; i < truth->n_cells; i++)
        for (unsigned d = 0; d < 6; d++) {
            const struct brl_render_cell *c = &truth->cells[i];
            const bool dent = c->side == BRL_VERSO, up = c->cell >> d & 1;
            const struct brl_point at = up ? c->drawn[d] : c->dot[d];
            const bool says = brl_dotmap_rate(spots, at.x, at.y, dent) > 0;
            dots += up;
            rated += up && says;
            found += up && nearest(spots, at.x, at.y, dent) < 0.25 * pitch;
            bare += !up;
            said += !up && says;
        }
    for (size_t i = 0; i < spots->n; i++)
        spot += spots->spot[i].p > 0.5f;
    REQUIRE(dots > 600 && 100 * found >= 99 * dots && 100 * rated >= 99 * dots);
    REQUIRE(100 * said <= bare && 100 * spot <= 102 * dots);
}

static void test_sheets(void)
{
    static const struct {
        double dpi, light_deg;
        bool verso;
    } sheets[] = {
        {200, 0, true}, {200, 12, true}, {300, -8, true}, {200, 0, false}, {100, 0, true}};

    for (size_t i = 0; i < ELEMENTSOF(sheets); i++) {
        struct brl_render_truth truth = {0};
        CLEANUP(brl_spots_done) struct brl_spots spots = {0};
        const double pitch = PITCH_MM / 25.4 * sheets[i].dpi;
        CLEANUP(image_freep)
        struct image *img = draw(sheets[i].dpi, sheets[i].light_deg, sheets[i].verso, &truth);
        REQUIRE(brl_dotmap_find(img, pitch * (i % 2 ? 1.15 : 0.9), &spots) == 0);
        require_found(&spots, &truth, pitch);
        for (size_t k = 1; k < spots.n; k++)
            REQUIRE(spots.spot[k - 1].p >= spots.spot[k].p);
        brl_render_truth_done(&truth);
    }
}

static void test_nothing(void)
{
    CLEANUP(brl_spots_done) struct brl_spots none = {0}, tiny = {0};
    CLEANUP(image_freep) struct image *paper = NULL;
    CLEANUP(image_freep) struct image *dot = NULL;
    CLEANUP(image_freep) struct image *colour = NULL;
    struct brl_spots untouched = {0};
    const brl_cell blank = 0;
    const struct brl_render_sheet bare = {&blank, 1, 1};

    REQUIRE(brl_render(&bare, NULL, brl_render_params(.width_mm = 100, .height_mm = 100), &paper,
                       NULL) == 0);
    REQUIRE(brl_dotmap_find(paper, 20, &none) == 0);
    for (size_t i = 0; i < none.n; i++)
        REQUIRE(none.spot[i].p < 0.5f);
    REQUIRE(brl_dotmap_rate(&none, 50, 50, false) < 0);
    REQUIRE(brl_dotmap_rate(&none, -1000, 1e9, true) < -10);

    REQUIRE(image_new(1, 1, 1, &dot) == 0 && image_new(40, 40, 3, &colour) == 0);
    REQUIRE(brl_dotmap_find(dot, 10, &tiny) == 0);
    REQUIRE(brl_dotmap_find(dot, 100, &untouched) == -EINVAL);   /* less than a pixel is left */
    REQUIRE(brl_dotmap_find(paper, 1, &untouched) == -EINVAL);   /* no dots of one pixel */
    REQUIRE(brl_dotmap_find(paper, NAN, &untouched) == -EINVAL); /* or of none */
    REQUIRE(brl_dotmap_find(colour, 10, &untouched) == -EINVAL);
    REQUIRE(!untouched.spot && !untouched.vote);
}

int main(void)
{
    test_sheets();
    test_nothing();
    return 0;
}
