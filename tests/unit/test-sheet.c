/* SPDX-License-Identifier: Apache-2.0
 *
 * Grids over drawn dots whose places are exact: skewed, in perspective, curled, sparse, turned,
 * mirrored; dots that form no grid.
 */

#include "test.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "braille/sheet.h"

#define PITCH 20.0
#define CELL 48.6 ///< 6.2 mm at 2.55 mm a pitch
#define LINE 82.0
#define SIDE 1800.0

struct drawn {
    unsigned rows, columns;
    double skew_deg, perspective, curl; ///< per page; pitches at its edge
    double missing, false_ones;         ///< shares of the dots
    bool dent;
    unsigned turn; ///< degrees clockwise
};

struct sheet_dots {
    struct brl_spot spot[8000];
    size_t n;
    struct brl_point centre[2000]; ///< of raised cells, row by row
    unsigned row[2000], column[2000];
    size_t n_cells;
};

static unsigned lot(unsigned *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

static double chance(unsigned *state)
{
    return lot(state) / (double) (1 << 24);
}

static struct brl_point bend(const struct drawn *d, double x, double y)
{
    const double s = sin(d->skew_deg * M_PI / 180), c = cos(d->skew_deg * M_PI / 180);
    const double u = x / SIDE - 0.5, v = y / SIDE - 0.5;
    const double px = u * SIDE * (1 + d->perspective * v);
    const double py = v * SIDE * (1 + 0.5 * d->perspective * v) + d->curl * PITCH * 4 * u * u;
    struct brl_point p = {SIDE / 2 + px * c - py * s, SIDE / 2 + px * s + py * c};

    if (d->turn == 90)
        p = (struct brl_point){SIDE - 1 - p.y, p.x};
    else if (d->turn == 180)
        p = (struct brl_point){SIDE - 1 - p.x, SIDE - 1 - p.y};
    return p;
}

static void add_dot(struct sheet_dots *out, struct brl_point p, bool dent, float sure)
{
    REQUIRE(out->n < ELEMENTSOF(out->spot));
    out->spot[out->n++] = (struct brl_spot){(float) p.x, (float) p.y, sure, dent};
}

static struct sheet_dots *draw(const struct drawn *d, unsigned seed)
{
    struct sheet_dots *out = calloc(1, sizeof(*out));

    REQUIRE(out);
    for (unsigned row = 0; row < d->rows; row++)
        for (unsigned column = 0; column < d->columns; column++) {
            const unsigned z = lot(&seed), cell = z % 6 == 0 ? 0 : 1 + (z >> 4) % 63;
            const double x = 180 + column * CELL, y = 160 + row * LINE;
            if (!cell)
                continue;
            out->row[out->n_cells] = row;
            out->column[out->n_cells] = column;
            out->centre[out->n_cells++] = bend(d, x + PITCH / 2, y + PITCH);
            for (unsigned k = 0; k < 6; k++)
                if (cell >> k & 1 && chance(&seed) >= d->missing) {
                    struct brl_point p = bend(d, x + k / 3 * PITCH, y + k % 3 * PITCH);
                    p.x += (chance(&seed) - 0.5) * 0.2 * PITCH;
                    p.y += (chance(&seed) - 0.5) * 0.2 * PITCH;
                    add_dot(out, p, d->dent, 0.98f);
                }
        }
    const size_t n_false = (size_t) ((double) out->n * d->false_ones);
    for (size_t i = 0; i < n_false; i++)
        add_dot(out, (struct brl_point){chance(&seed) * SIDE, chance(&seed) * SIDE}, d->dent, 0.6f);
    return out;
}

static struct brl_sheet *sheet_of(const struct sheet_dots *dots)
{
    struct brl_sheet *sheet = NULL;

    REQUIRE(brl_sheet_new_dots((unsigned) SIDE, (unsigned) SIDE, NULL, dots->spot, dots->n, PITCH,
                               &sheet) == 0);
    return sheet;
}

static const struct brl_slot *slot_near(const struct brl_page *page, struct brl_point at)
{
    for (size_t i = 0; i < page->n_slots; i++) {
        const struct brl_point *d = page->slots[i].dot;
        const double x = (d[0].x + d[2].x + d[3].x + d[5].x) / 4;
        const double y = (d[0].y + d[2].y + d[3].y + d[5].y) / 4;
        if (hypot(x - at.x, y - at.y) < 0.3 * PITCH)
            return &page->slots[i];
    }
    return NULL;
}

/* Every cell has its slot, rows and columns count as they were drawn (or backwards). */
static void check(const struct sheet_dots *dots, const struct brl_page *page, int way_row,
                  int way_column, double most_lost)
{
    long row = 0, column = 0;
    size_t met = 0;

    for (size_t i = 0; i < dots->n_cells; i++) {
        const struct brl_slot *s = slot_near(page, dots->centre[i]);
        if (!s)
            continue;
        const long r = s->row - way_row * (long) dots->row[i];
        const long c = s->column - way_column * (long) dots->column[i];
        if (met++ == 0) {
            row = r;
            column = c;
        }
        REQUIRE(r == row && c == column);
    }
    if ((double) (dots->n_cells - met) > most_lost * (double) dots->n_cells)
        fprintf(stderr, "%zu of %zu cells met\n", met, dots->n_cells);
    REQUIRE((double) (dots->n_cells - met) <= most_lost * (double) dots->n_cells);
}

static void test_shapes(void)
{
    static const struct drawn all[] = {
        {.rows = 18, .columns = 28},
        {.rows = 18, .columns = 28, .skew_deg = 9.5},
        {.rows = 18, .columns = 28, .skew_deg = -9.5, .missing = 0.03, .false_ones = 0.03},
        {.rows = 18, .columns = 28, .perspective = 0.25, .skew_deg = 2},
        {.rows = 18, .columns = 28, .curl = 3, .missing = 0.02, .false_ones = 0.02},
        {.rows = 2, .columns = 26, .skew_deg = 3},
        {.rows = 1, .columns = 20, .skew_deg = -2},
    };
    for (size_t i = 0; i < ELEMENTSOF(all); i++) {
        struct sheet_dots *dots = draw(&all[i], 11 + (unsigned) i);
        CLEANUP(brl_sheet_unrefp) struct brl_sheet *sheet = sheet_of(dots);
        CLEANUP(brl_page_freep) struct brl_page *page = NULL;
        REQUIRE(brl_sheet_page(sheet, brl_page_params(), &page, NULL) == 0);
        REQUIRE(page->orientation == 0 && !page->mirrored);
        check(dots, page, 1, 1, all[i].missing ? 0.005 : 0);
        free(dots);
    }
}

static void test_placements(void)
{
    for (unsigned turn = 0; turn <= 180; turn += 90) {
        const struct drawn how = {.rows = 16, .columns = 24, .turn = turn, .skew_deg = 1};
        struct sheet_dots *dots = draw(&how, 5);
        CLEANUP(brl_sheet_unrefp) struct brl_sheet *sheet = sheet_of(dots);
        CLEANUP(brl_page_freep) struct brl_page *page = NULL, *mirrored = NULL;
        REQUIRE(brl_sheet_page(sheet, brl_page_params(.orientation = (int) turn), &page, NULL) ==
                0);
        REQUIRE(page->orientation == turn);
        check(dots, page, 1, 1, 0);
        REQUIRE(brl_sheet_page(sheet, brl_page_params(.orientation = (int) turn, .mirrored = true),
                               &mirrored, NULL) == 0);
        check(dots, mirrored, 1, -1, 0);
        free(dots);
    }
}

/* Few dents of a verso among the bumps of a full page; lines run backwards. */
static void test_verso(void)
{
    const struct drawn recto = {.rows = 18, .columns = 28};
    const struct drawn verso = {.rows = 2, .columns = 20, .dent = true, .missing = 0.05};
    struct sheet_dots *a = draw(&recto, 3), *b = draw(&verso, 4);
    CLEANUP(brl_page_freep) struct brl_page *page = NULL, *swapped = NULL;

    for (size_t i = 0; i < b->n; i++)
        add_dot(a, (struct brl_point){b->spot[i].x + 9, b->spot[i].y + 33}, true, b->spot[i].p);
    for (size_t i = 0; i < b->n_cells; i++) {
        b->centre[i].x += 9;
        b->centre[i].y += 33;
    }
    CLEANUP(brl_sheet_unrefp) struct brl_sheet *sheet = sheet_of(a);
    REQUIRE(brl_sheet_page(sheet, brl_page_params(.side = BRL_VERSO), &page, NULL) == 0);
    check(b, page, 1, -1, 0);
    /* lit from below, bumps and dents are each other */
    REQUIRE(brl_sheet_page(sheet, brl_page_params(.light_deg = 180, .mirrored = true), &swapped,
                           NULL) == 0);
    check(b, swapped, 1, -1, 0);
    free(a);
    free(b);
}

static void test_stray(void)
{
    const struct drawn how = {.rows = 12, .columns = 20};
    struct sheet_dots *dots = draw(&how, 8);
    CLEANUP(brl_page_freep) struct brl_page *page = NULL;

    add_dot(dots, (struct brl_point){1700, 1700}, false, 0.9f);
    CLEANUP(brl_sheet_unrefp) struct brl_sheet *sheet = sheet_of(dots);
    REQUIRE(brl_sheet_page(sheet, brl_page_params(), &page, NULL) == 0);
    REQUIRE(page->n_stray == 1 && page->stray[0].x == 1700 && page->n_rows == 12);
    free(dots);
}

static void test_none(void)
{
    struct brl_page *page = NULL;
    struct fail fail = {0};
    unsigned seed = 1;

    for (size_t n = 0; n <= 1200; n = n * 3 + 5) {
        struct sheet_dots *dots = calloc(1, sizeof(*dots));
        REQUIRE(dots);
        for (size_t i = 0; i < n; i++)
            add_dot(dots, (struct brl_point){chance(&seed) * SIDE, chance(&seed) * SIDE}, false,
                    0.9f);
        CLEANUP(brl_sheet_unrefp) struct brl_sheet *sheet = sheet_of(dots);
        REQUIRE(brl_sheet_page(sheet, brl_page_params(), &page, &fail) == -ENODATA && !page);
        REQUIRE(fail.kind == FAIL_INPUT && fail.text[0]);
        free(dots);
    }
}

int main(void)
{
    test_shapes();
    test_placements();
    test_verso();
    test_stray();
    test_none();
    return 0;
}
