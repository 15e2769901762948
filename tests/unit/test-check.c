/* SPDX-License-Identifier: Apache-2.0
 *
 * Cuts and what the check says of them, on drawn pages whose dots are known: every fault on every
 * edge holds what it promises and is seen; a good cut touches nothing and passes.
 */

#include "test.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/random.h"
#include "braille/check.h"
#include "braille/render.h"

#define ROWS 5
#define COLUMNS 12

struct page {
    struct image *img;
    struct brl_cut_cell cells[ROWS * COLUMNS];
    double pitch;
};

/* Three full lines of cells without blanks, dense enough that every fault is possible. */
static void draw_page(uint64_t seed, struct page *ret)
{
    brl_cell recto[ROWS * COLUMNS], verso[ROWS * COLUMNS];
    struct brl_render_params p = *brl_render_params(.seed = seed);
    struct brl_render_truth truth = {0};
    struct random rnd = {seed};

    for (unsigned i = 0; i < ROWS * COLUMNS; i++) {
        recto[i] = (brl_cell) (0x12 | random_below(&rnd, 64)); /* dots 2 and 5 */
        verso[i] = (brl_cell) random_below(&rnd, 64);
    }
    brl_render_scan(&p, seed);
    p.missing = 0;
    ret->pitch = p.pitch_mm * p.dpi / 25.4;
    REQUIRE(brl_render(&(struct brl_render_sheet){recto, ROWS, COLUMNS},
                       &(struct brl_render_sheet){verso, ROWS, COLUMNS}, &p, &ret->img,
                       &truth) == 0);
    size_t n = 0;
    for (size_t i = 0; i < truth.n_cells; i++)
        if (truth.cells[i].side == BRL_RECTO) {
            ret->cells[n].cell = truth.cells[i].cell;
            memcpy(ret->cells[n++].dot, truth.cells[i].dot, sizeof(truth.cells[i].dot));
        }
    REQUIRE(n == ROWS * COLUMNS);
    brl_render_truth_done(&truth);
}

/* Distance of a dot to the nearest edge of the cut, in pixels; negative outside. */
static double depth(const struct brl_cut *c, struct brl_point p)
{
    return fmin(fmin(p.x - c->x + 0.5, c->x + c->width - 0.5 - p.x),
                fmin(p.y - c->y + 0.5, c->y + c->height - 0.5 - p.y));
}

/* Dots of the run and of others by how they lie in the cut. */
static void count(const struct page *page, size_t first, size_t n, const struct brl_cut *cut,
                  unsigned ret_own[3], unsigned ret_other[3])
{
    memset(ret_own, 0, 3 * sizeof(*ret_own));
    memset(ret_other, 0, 3 * sizeof(*ret_other));
    for (size_t i = 0; i < ROWS * COLUMNS; i++)
        for (unsigned d = 0; d < 6; d++) {
            const double in = depth(cut, page->cells[i].dot[d]) / page->pitch;
            const unsigned how = in > 0.35 ? 0 : in > -0.35 ? 1 : 2; /* whole, cut through, out */
            if (page->cells[i].cell >> d & 1)
                (i >= first && i < first + n ? ret_own : ret_other)[how]++;
        }
}

static enum brl_verdict look(const struct page *page, size_t first, size_t n,
                             const struct brl_cut *cut, int *ret_edge)
{
    CLEANUP(image_freep) struct image *part = NULL;
    CLEANUP(image_freep) struct image *drawn = NULL;
    struct brl_check check;
    brl_cell label[COLUMNS];

    REQUIRE(image_part(page->img, cut->x, cut->y, cut->width, cut->height, &part) == 0);
    for (size_t i = 0; i < n; i++)
        label[i] = page->cells[first + i].cell;
    REQUIRE(brl_check(part, label, n, brl_check_params(.light_deg = 0), &check) == 0);
    REQUIRE(brl_check_draw(part, &check, &drawn) == 0 && drawn->width == 3 * part->width);
    *ret_edge = check.edge;
    const enum brl_verdict verdict = check.verdict;
    if (verdict == BRL_CLEAN) {
        REQUIRE(check.n_expected == check.n_measured);
        for (size_t i = 0; i < check.n_expected; i++)
            REQUIRE(fabs(check.expected[i] - check.measured[i]) < 0.2 * check.pitch_px);
        REQUIRE(fabs(check.pitch_px / page->pitch - 1) < 0.1);
    }
    brl_check_done(&check);
    return verdict;
}

static void test_page(uint64_t seed, unsigned *ret_n, unsigned *ret_wrong)
{
    struct page page = {0};
    struct brl_cut cut;
    unsigned own[3], other[3];
    int edge;

    draw_page(seed, &page);
    for (unsigned k = 0; k < 26; k++) {
        const bool bad = k < 12;
        const enum brl_fault fault = bad ? (enum brl_fault)(1 + k / 4) : BRL_FAULT_NONE;
        const enum brl_edge at = (enum brl_edge)(k % 4);
        const size_t first = (1 + k % (ROWS - 2)) * COLUMNS + 2 + k % 4, n = 1 + k % 4;
        REQUIRE(brl_cut(page.cells, ROWS * COLUMNS, first, n, page.pitch, page.img->width,
                        page.img->height,
                        brl_cut_params(.fault = fault, .edge = at, .seed = seed * 100 + k),
                        &cut) == 0);
        count(&page, first, n, &cut, own, other);
        REQUIRE((fault == BRL_FAULT_OVER) == (other[0] > 0));
        REQUIRE((fault == BRL_FAULT_UNDER) == (own[2] > 0));
        REQUIRE((fault == BRL_FAULT_CUT) == (own[1] > 0));
        REQUIRE(fault == BRL_FAULT_NONE || cut.n_dots > 0);
        const enum brl_verdict verdict = look(&page, first, n, &cut, &edge);
        ++*ret_n;
        if (bad ? verdict == BRL_CLEAN : verdict != BRL_CLEAN) {
            ++*ret_wrong;
            fprintf(stderr, "seed %d, cut %u: fault %s %s, verdict %s\n", (int) seed, k,
                    brl_fault_names[fault], brl_edge_names[at], brl_verdict_names[verdict]);
        }
    }
    image_free(page.img);
}

static void test_other_labels(void)
{
    struct page page = {0};
    struct brl_cut cut;
    struct brl_check check;
    CLEANUP(image_freep) struct image *part = NULL;
    CLEANUP(image_freep) struct image *paper = NULL;
    const size_t first = 2 * COLUMNS + 3;

    draw_page(3, &page);
    REQUIRE(brl_cut(page.cells, ROWS * COLUMNS, first, 2, page.pitch, page.img->width,
                    page.img->height, brl_cut_params(.seed = 1), &cut) == 0);
    REQUIRE(image_part(page.img, cut.x, cut.y, cut.width, cut.height, &part) == 0);
    for (unsigned d = 0; d < 6; d++) { /* a dot more or less is another label */
        const brl_cell label[2] = {page.cells[first].cell ^ (brl_cell) (1 << d),
                                   page.cells[first + 1].cell};
        REQUIRE(brl_check(part, label, 2, brl_check_params(.light_deg = 0), &check) == 0);
        REQUIRE(check.verdict != BRL_CLEAN);
        brl_check_done(&check);
    }
    REQUIRE(image_new(120, 80, 1, &paper) == 0);
    memset(paper->data, 150, 120 * 80);
    paper->dpi = 200;
    REQUIRE(brl_check(paper, (brl_cell[]){3}, 1, brl_check_params(), &check) == 0);
    REQUIRE(check.verdict == BRL_BLANK);
    brl_check_done(&check);
    REQUIRE(brl_check(paper, (brl_cell[]){0}, 1, brl_check_params(), &check) == -EINVAL);
    REQUIRE(brl_check(paper, NULL, 0, brl_check_params(), &check) == -EINVAL);
    image_free(page.img);
}

static void test_impossible(void)
{
    struct page page = {0};
    struct brl_cut cut;

    draw_page(4, &page);
    /* the first cell has no neighbour on the left, a single dot leaves nothing when it is cut off
     */
    REQUIRE(brl_cut(page.cells, ROWS * COLUMNS, 0, 1, page.pitch, page.img->width, page.img->height,
                    brl_cut_params(.fault = BRL_FAULT_OVER, .edge = BRL_LEFT), &cut) == -ENOENT);
    page.cells[14].cell = 2;
    REQUIRE(brl_cut(page.cells, ROWS * COLUMNS, 14, 1, page.pitch, page.img->width,
                    page.img->height, brl_cut_params(.fault = BRL_FAULT_UNDER, .edge = BRL_LEFT),
                    &cut) == -ENOENT);
    REQUIRE(brl_cut(page.cells, ROWS * COLUMNS, 14, 0, page.pitch, 100, 100, brl_cut_params(),
                    &cut) == -EINVAL);
    REQUIRE(brl_cut(page.cells, ROWS * COLUMNS, ROWS * COLUMNS, 1, page.pitch, 100, 100,
                    brl_cut_params(), &cut) == -EINVAL);
    image_free(page.img);
}

int main(void)
{
    unsigned n = 0, wrong = 0;

    test_impossible();
    for (uint64_t seed = 1; seed <= 12; seed++)
        test_page(seed, &n, &wrong);
    printf("%u of %u cuts judged wrongly\n", wrong, n);
    REQUIRE(wrong * 100 <= n); /* the figures by fault are tests/dataset/test-clean.py's */
    test_other_labels();
    return 0;
}
