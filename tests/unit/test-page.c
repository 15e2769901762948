/* SPDX-License-Identifier: Apache-2.0
 *
 * The grid of pages: drawn ones of every geometry, resolution, turn and side, whose truth is exact;
 * crops of few cells; pictures without braille; the shipped sample; the DSBI pages where they are.
 */

#include "test.h"

#include <errno.h>
#include <ftw.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "braille/dsbi.h"
#include "braille/page.h"
#include "braille/render.h"
#include "image/cv.h"

enum { ROWS = 16, COLUMNS = 22 };

static void fill(brl_cell *cells, size_t n, unsigned seed)
{
    for (size_t i = 0; i < n; i++) {
        seed = seed * 1664525 + 1013904223;
        /* words of some cells, a blank between them */
        cells[i] = seed >> 28 < 3 ? 0 : (brl_cell) (seed >> 16 & 63);
    }
}

static double distance(struct brl_point a, struct brl_point b)
{
    return hypot(a.x - b.x, a.y - b.y);
}

/* The slot whose every dot lies within `most` of the cell's, or NULL. */
static const struct brl_slot *find_slot(const struct brl_page *page,
                                        const struct brl_render_cell *c, double most)
{
    for (size_t i = 0; i < page->n_slots; i++) {
        const struct brl_slot *s = &page->slots[i];
        double worst = 0;
        for (unsigned d = 0; d < 6; d++)
            worst = fmax(worst, distance(s->dot[d], c->dot[d]));
        if (worst < most)
            return s;
    }
    return NULL;
}

/* Every cell of one side has a slot; rows and columns count alike; evidence tells the dots. */
static void check(const struct brl_page *page, const struct brl_render_truth *truth)
{
    size_t n_dots = 0, n_seen = 0, n_false = 0, n_empty = 0;
    long row = -1, column = -1;

    for (size_t i = 0; i < truth->n_cells; i++) {
        const struct brl_render_cell *c = &truth->cells[i];
        if (c->side != page->side || c->cell == 0)
            continue;
        const struct brl_slot *s = find_slot(page, c, 0.2 * page->pitch_px);
        REQUIRE(s);
        if (row < 0) {
            row = c->row - s->row;
            column = c->column - s->column;
        }
        REQUIRE(c->row - s->row == row && c->column - s->column == column);
        for (unsigned d = 0; d < 6; d++) {
            const bool raised = c->cell >> d & 1, seen = s->evidence[d] > 0;
            n_dots += raised;
            n_empty += !raised;
            n_seen += raised && seen;
            n_false += !raised && seen;
        }
    }
    REQUIRE(row >= 0);
    REQUIRE((double) n_seen > 0.7 * (double) n_dots); /* many touch dots of the other side */
    REQUIRE((double) n_false < 0.12 * (double) n_empty);
}

static struct brl_page *find(const struct image *img, const struct brl_page_params *params)
{
    struct brl_page *page = NULL;
    struct fail fail = {0};

    if (brl_page_new(img, params, &page, &fail) < 0)
        fprintf(stderr, "%s\n", fail.text);
    REQUIRE(page);
    REQUIRE(page->n_slots == (size_t) page->n_rows * page->n_columns);
    return page;
}

static void test_geometries(void)
{
    brl_cell recto[ROWS * COLUMNS], verso[ROWS * COLUMNS];

    for (unsigned g = 0; g < BRL_N_GEOMETRIES; g++)
        for (enum brl_side side = BRL_RECTO; side <= BRL_VERSO; side++) {
            struct brl_render_params p =
                *brl_render_params(.seed = g + 1, .skew_deg = g * 1.3 - 2.5, .wear = 0.3,
                                   .jitter = 0.02, .specks = 0.3, .grain = 2.5);
            struct brl_render_truth truth = {0};
            CLEANUP(image_freep) struct image *img = NULL;
            brl_render_geometry(&p, (enum brl_geometry) g);
            fill(recto, ROWS * COLUMNS, g + 10);
            fill(verso, ROWS * COLUMNS, g + 20);
            REQUIRE(brl_render(&(struct brl_render_sheet){recto, ROWS, COLUMNS},
                               &(struct brl_render_sheet){verso, ROWS, COLUMNS}, &p, &img,
                               &truth) == 0);
            CLEANUP(brl_page_freep)
            struct brl_page *page = find(img, brl_page_params(.side = side));
            const double px_mm = p.dpi / 25.4;
            REQUIRE(fabs(page->pitch_px / px_mm - p.pitch_mm) < 0.05);
            REQUIRE(fabs(page->cell_px / px_mm - p.cell_mm) < 0.05);
            REQUIRE(fabs(page->line_px / px_mm - p.line_mm) < 0.05);
            REQUIRE(fabs(page->skew_deg - p.skew_deg) < 0.1);
            REQUIRE(page->orientation == 0 && page->light_deg == 0 && page->dpi == 200);
            check(page, &truth);
            brl_render_truth_done(&truth);
        }
}

static void test_resolutions(void)
{
    static const double dpis[] = {110, 150, 300, 400, 600};
    brl_cell cells[ROWS * COLUMNS];

    fill(cells, ROWS * COLUMNS, 5);
    for (size_t i = 0; i < ELEMENTSOF(dpis); i++)
        for (int told = 0; told < 2; told++) {
            struct brl_render_truth truth = {0};
            CLEANUP(image_freep) struct image *img = NULL;
            REQUIRE(brl_render(&(struct brl_render_sheet){cells, ROWS, COLUMNS}, NULL,
                               brl_render_params(.dpi = dpis[i], .blur_px = dpis[i] / 300,
                                                 .skew_deg = 1, .seed = i),
                               &img, &truth) == 0);
            if (!told)
                img->dpi = 0;
            CLEANUP(brl_page_freep) struct brl_page *page = find(img, brl_page_params());
            check(page, &truth);
            REQUIRE(fabs(page->dpi / dpis[i] - 1) < 0.05);
            /* crops are cut from a picture that is not larger than it need be */
            REQUIRE(page->pitch_px * page->picture_scale < 29);
            brl_render_truth_done(&truth);
        }
}

/* Turn picture and truth clockwise by `deg`. */
static struct image *turn(const struct image *img, struct brl_render_truth *truth, unsigned deg)
{
    struct image *out = NULL;
    const double w = img->width - 1, h = img->height - 1;
    const double m[4][6] = {
        {1, 0, 0, 0, 1, 0}, {0, -1, h, 1, 0, 0}, {-1, 0, w, 0, -1, h}, {0, 1, 0, -1, 0, w}};
    const double *t = m[deg / 90];

    REQUIRE(image_warp(img, t, deg % 180 ? img->height : img->width,
                       deg % 180 ? img->width : img->height, &out) == 0);
    for (size_t i = 0; i < truth->n_cells; i++)
        for (unsigned d = 0; d < 6; d++) {
            struct brl_point *p = &truth->cells[i].dot[d];
            *p = (struct brl_point){t[0] * p->x + t[1] * p->y + t[2],
                                    t[3] * p->x + t[4] * p->y + t[5]};
        }
    return out;
}

static void test_turned(void)
{
    brl_cell cells[ROWS * COLUMNS];

    fill(cells, ROWS * COLUMNS, 6);
    for (unsigned deg = 0; deg < 360; deg += 90)
        for (int lamp = 0; lamp < 2; lamp++) {
            struct brl_render_truth truth = {0};
            CLEANUP(image_freep) struct image *img = NULL;
            /* lamp 0: the file was turned after scanning; 1: the page lay turned on the scanner */
            REQUIRE(brl_render(
                        &(struct brl_render_sheet){cells, ROWS, COLUMNS}, NULL,
                        brl_render_params(.light_deg = lamp ? (360 - deg) % 360 : 0, .seed = deg),
                        &img, &truth) == 0);
            CLEANUP(image_freep) struct image *turned = turn(img, &truth, deg);
            turned->dpi = 200;
            CLEANUP(brl_page_freep)
            struct brl_page *page = find(
                turned, brl_page_params(.orientation = (int) deg, .light_deg = lamp ? 0 : deg));
            check(page, &truth);
            REQUIRE(page->orientation == deg);
            /* Without being told: upright or a quarter; half turns are left to the text. A file
             * turned upside down shows no bumps at all under light from the top. */
            if (deg != 180) {
                CLEANUP(brl_page_freep) struct brl_page *found = find(turned, brl_page_params());
                REQUIRE(found->orientation % 180 == deg % 180);
                if (found->orientation == deg)
                    check(found, &truth);
            }
            /* crops come out upright and lit from above whatever lay how */
            uint8_t crop[48 * 32];
            const struct brl_slot *s = NULL;
            for (size_t i = 0; i < truth.n_cells && !s; i++)
                if (truth.cells[i].cell == 1)
                    s = find_slot(page, &truth.cells[i], 4);
            REQUIRE(s);
            if (lamp && deg % 180)
                goto next; /* light from the side stays on the side */
            brl_page_crop(page, s, 32, 48, 10, crop);
            /* dot 1: half a pitch left of the middle, a pitch above */
            REQUIRE(crop[(13 - 2) * 32 + 10] > crop[(13 + 3) * 32 + 10] + 20);
        next:
            brl_render_truth_done(&truth);
        }
}

/* A verso crop shows the cell as its reader feels it, dents as bumps. */
static void test_crop(void)
{
    static const brl_cell cells[ROWS] = {1, 63, 11, 21, 1, 42, 63, 7, 56, 9, 1, 36, 27, 54, 63, 1};
    brl_cell page_cells[ROWS * ROWS];

    for (unsigned i = 0; i < ROWS * ROWS; i++)
        page_cells[i] = cells[(i + i / ROWS * 3) % ROWS];
    const struct brl_render_sheet sheet = {page_cells, ROWS, ROWS};
    for (enum brl_side side = BRL_RECTO; side <= BRL_VERSO; side++) {
        struct brl_render_truth truth = {0};
        CLEANUP(image_freep) struct image *img = NULL;
        REQUIRE(brl_render(side == BRL_RECTO ? &sheet : NULL, side == BRL_VERSO ? &sheet : NULL,
                           brl_render_params(.grain = 1, .skew_deg = 2), &img, &truth) == 0);
        CLEANUP(brl_page_freep) struct brl_page *page = find(img, brl_page_params(.side = side));
        for (size_t i = 0; i < truth.n_cells; i++) {
            uint8_t crop[48 * 32];
            const struct brl_slot *s = find_slot(page, &truth.cells[i], 4);
            REQUIRE(s);
            brl_page_crop(page, s, 32, 48, 10, crop);
            for (unsigned d = 0; d < 6; d++) {
                const int x = 10 + 10 * (int) (d / 3), y = 13 + 10 * (int) (d % 3);
                const int slope = crop[(y - 2) * 32 + x] + crop[(y - 2) * 32 + x + 1] -
                                  crop[(y + 3) * 32 + x] - crop[(y + 3) * 32 + x + 1];
                REQUIRE(truth.cells[i].cell >> d & 1 ? slope > 40 : slope < 20);
            }
        }
        brl_render_truth_done(&truth);
    }
}

static void test_few_cells(void)
{
    /* "24", "hao4", "!" of docs/braille.md and a lone cell */
    static const brl_cell words[][4] = {
        {0x3c, 0x03, 0x19, 0}, {0x13, 0x16, 0x06, 0}, {0x30, 0x02, 0, 0}, {0x3f, 0, 0, 0}};
    static const unsigned lengths[] = {3, 3, 2, 1};

    for (size_t i = 0; i < ELEMENTSOF(words); i++)
        for (int told = 0; told < 2; told++) {
            struct brl_render_truth truth = {0};
            CLEANUP(image_freep) struct image *img = NULL;
            REQUIRE(brl_render(&(struct brl_render_sheet){words[i], 1, lengths[i]}, NULL,
                               brl_render_params(.left_mm = 2, .top_mm = 2, .line_mm = 5.1,
                                                 .verso_dx_mm = 0, .verso_dy_mm = 0),
                               &img, &truth) == 0);
            if (!told)
                img->dpi = 0;
            CLEANUP(brl_page_freep)
            struct brl_page *page = find(img, brl_page_params(.crop = true));
            REQUIRE(page->n_rows == 1 && page->n_columns == lengths[i]);
            for (unsigned k = 0; k < lengths[i]; k++)
                REQUIRE(find_slot(page, &truth.cells[k], 0.3 * page->pitch_px) == &page->slots[k]);
            brl_render_truth_done(&truth);
        }
}

static void test_none(void)
{
    brl_cell blank[ROWS * COLUMNS] = {0};
    const struct brl_render_sheet sheet = {blank, ROWS, COLUMNS};
    struct brl_page *page = NULL;
    struct fail fail = {0};
    CLEANUP(image_freep) struct image *img = NULL, *dot = NULL;

    REQUIRE(brl_render(&sheet, NULL, brl_render_params(.specks = 2), &img, NULL) == 0);
    REQUIRE(brl_page_new(img, brl_page_params(), &page, &fail) == -ENODATA && !page);
    REQUIRE(fail.kind == FAIL_INPUT && fail.text[0]);
    REQUIRE(brl_page_new(img, brl_page_params(.crop = true), &page, NULL) == -ENODATA);
    REQUIRE(image_new(1, 1, 3, &dot) == 0);
    REQUIRE(brl_page_new(dot, brl_page_params(), &page, NULL) == -ENODATA);
    REQUIRE(brl_page_new(dot, brl_page_params(.crop = true), &page, NULL) == -ENODATA);
}

/* Slots against an annotation: every cell is met, corners are off by little. */
static void check_annotated(const char *picture, const char *annotation, enum brl_side side,
                            double most_px)
{
    CLEANUP(image_freep) struct image *img = NULL;
    CLEANUP(brl_truth_done) struct brl_truth truth = {0};
    size_t n_met = 0;
    double off = 0;

    REQUIRE(image_load(picture, &img, NULL) == 0);
    REQUIRE(brl_truth_load(annotation, side, img->width, img->height, &truth, NULL) == 0);
    if (truth.n_cells == 0)
        return;
    CLEANUP(brl_page_freep) struct brl_page *page = find(img, brl_page_params(.side = side));
    for (size_t i = 0; i < truth.n_cells; i++) {
        const struct brl_truth_cell *c = &truth.cells[i];
        double best = 0.5, best_off = 0;
        for (size_t k = 0; k < page->n_slots; k++) {
            const struct brl_slot *s = &page->slots[k];
            const struct brl_point m = {(s->dot[0].x + s->dot[5].x) / 2,
                                        (s->dot[0].y + s->dot[5].y) / 2};
            const double iou =
                brl_box_iou(m, distance(s->dot[0], s->dot[3]), distance(s->dot[0], s->dot[2]),
                            c->centre, c->width, c->height, 0.3 * c->width);
            if (iou > best) {
                best = iou;
                best_off = distance(m, c->centre);
            }
        }
        n_met += best > 0.5;
        off += best_off;
    }
    if (n_met < truth.n_cells)
        fprintf(stderr, "%s: %zu of %zu cells met\n", annotation, n_met, truth.n_cells);
    REQUIRE((double) n_met > 0.998 * (double) truth.n_cells);
    REQUIRE(off / (double) n_met < most_px);
}

static void check_beside(const char *picture, double most_px)
{
    for (enum brl_side side = BRL_RECTO; side <= BRL_VERSO; side++) {
        char annotation[4200];
        const char *dot = strrchr(picture, '.');
        snprintf(annotation, sizeof(annotation), "%.*s+%s.txt", (int) (dot - picture), picture,
                 side == BRL_VERSO ? "verso" : "recto");
        check_annotated(picture, annotation, side, most_px);
    }
}

#ifdef __SANITIZE_ADDRESS__
#define EVERY 4 ///< all of them take minutes under the sanitizers
#else
#define EVERY 1
#endif

static unsigned n_pages;

static int visit(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    const size_t n = strlen(path);
    if (kind == FTW_F && n > 4 && strcmp(path + n - 4, ".jpg") == 0) {
        if (n_pages++ % EVERY == 0)
            check_beside(path, 5.5); /* some annotations as a whole lie 5 px off; the mean is 1.6 */
    }
    return 0;
}

int main(int argc, char **argv)
{
    REQUIRE(argc >= 2);
    if (argc > 2) { /* the DSBI pages, as a test of its own */
        if (access(argv[2], R_OK) < 0)
            return TEST_SKIPPED;
        REQUIRE(nftw(argv[2], visit, 16, FTW_PHYS) == 0);
        REQUIRE(n_pages > 0);
        return 0;
    }
    test_geometries();
    test_resolutions();
    test_turned();
    test_crop();
    test_few_cells();
    test_none();
    check_beside(argv[1], 1);
    return 0;
}
