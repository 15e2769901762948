/* SPDX-License-Identifier: Apache-2.0 */

#include "braille/page.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "braille/dots.h"
#include "braille/grid.h"
#include "image/cv.h"

#define MM_PER_INCH 25.4
#define TYPICAL_PITCH_MM 2.55 ///< docs/braille.md, part F: 2.34 (US) .. 2.83 (Massage)
#define MIN_PITCH_SHARE 0.84  ///< of the pitch that is expected
#define MAX_PITCH_SHARE 1.19
#define FLAT_PITCH 20.0  ///< dot pitch of the flat picture where the scan's own is far from it
#define COMMON_DPI 200.0 ///< what a picture that does not say is tried at first
#define GOOD_SCORE 20.0  ///< a grid so much better than chance, on which so many of the dots
#define GOOD_FIT 0.45    ///< lie, needs no second opinion where the resolution is known;
#define CERTAIN_FIT 0.85 ///< so many where it is not: half the pitch or lines for columns fit less
/* Least score * fit^2 that is taken for braille. Pictures without any reached 1.9 (14 of the
 * Angelina set), the sparsest side of DSBI has 4.2. */
#define LEAST_PROOF 3.0
#define MIN_TOLD_DPI 96 ///< photographs say 72, and pages scanned so coarsely have no dots left
#define MAX_TOLD_DPI 2400
#define MAX_PITCHES 170.0 ///< dot pitches along the longest page there is (A3)

/* A try: one scale, one orientation. */
struct attempt {
    struct brl_dots dots;
    struct brl_grid grid;
    unsigned orientation;
    double least_fit; ///< what is good enough to stop at
};

static void attempt_done(struct attempt *a)
{
    brl_dots_done(&a->dots);
    brl_grid_done(&a->grid);
}

/* Affine maps as in image_warp. */
static void compose(const double second[6], const double first[6], double out[6])
{
    const double *a = second, *b = first;
    const double m[6] = {a[0] * b[0] + a[1] * b[3],        a[0] * b[1] + a[1] * b[4],
                         a[0] * b[2] + a[1] * b[5] + a[2], a[3] * b[0] + a[4] * b[3],
                         a[3] * b[1] + a[4] * b[4],        a[3] * b[2] + a[4] * b[5] + a[5]};
    memcpy(out, m, sizeof(m));
}

static void invert(const double m[6], double out[6])
{
    const double det = m[0] * m[4] - m[1] * m[3];
    const double r[6] = {m[4] / det,  -m[1] / det, (m[1] * m[5] - m[4] * m[2]) / det,
                         -m[3] / det, m[0] / det,  (m[3] * m[2] - m[0] * m[5]) / det};
    memcpy(out, r, sizeof(r));
}

static struct brl_point apply(const double m[6], double x, double y)
{
    return (struct brl_point){m[0] * x + m[1] * y + m[2], m[3] * x + m[4] * y + m[5]};
}

/* Picture -> upright, for a picture that was turned clockwise by `orientation`. */
static void turn(unsigned orientation, double width, double height, double out[6])
{
    const double m[4][6] = {{1, 0, 0, 0, 1, 0},
                            {0, 1, 0, -1, 0, width - 1},
                            {-1, 0, width - 1, 0, -1, height - 1},
                            {0, -1, height - 1, 1, 0, 0}};
    memcpy(out, m[orientation / 90 % 4], sizeof(m[0]));
}

/* Weight of a dot by how like the page's typical dot it is. Braille is pressed evenly: what is far
 * stronger is an edge or ink, what is far weaker a speck; a dot that touches one of the other side
 * is weaker, too. */
static double weight_of(double strength, double typical)
{
    const double d = log(strength / typical) / (strength > typical ? 0.3 : 0.45);
    return exp(-0.5 * d * d);
}

/* Strength around which most dots of one kind lie, but not at the picture's edge, and of some
 * contrast: on paper of a rough grain specks outnumber dots. */
static double typical_strength(const struct brl_dots *dots, bool dent, const struct image *grey,
                               double border)
{
    double best = 0, typical = 10;

    for (double t = 6.5; t < 300; t *= 1.1) {
        double sum = 0;
        for (size_t i = 0; i < dots->n; i++) {
            const struct brl_dot *d = &dots->dot[i];
            if (d->dent == dent && d->x > border && d->y > border && d->x < grey->width - border &&
                d->y < grey->height - border)
                sum += weight_of(d->strength, t);
        }
        sum *= sqrt(t); /* among equals the clearer ones */
        if (sum > best) {
            best = sum;
            typical = t;
        }
    }
    return typical;
}

static int fit_orientation(struct attempt *a, const struct image *grey,
                           const struct brl_page_params *params, double pitch, unsigned orientation,
                           double typical)
{
    const struct brl_dots *dots = &a->dots;
    const bool dent = params->side == BRL_VERSO, quarter = orientation % 180 == 90;
    CLEANUP_FREE struct brl_grid_point *pt = malloc((dots->n + 1) * sizeof(*pt));
    double m[6];
    size_t n = 0;

    if (!pt)
        return -ENOMEM;
    turn(orientation, grey->width, grey->height, m);
    for (size_t i = 0; i < dots->n; i++) {
        const struct brl_dot *d = &dots->dot[i];
        if (d->dent != dent)
            continue;
        const double weight = weight_of(d->strength, typical);
        if (weight < 0.05)
            continue;
        const struct brl_point p = apply(m, d->x, d->y);
        pt[n++] = (struct brl_grid_point){p.x, p.y, weight};
    }
    const struct brl_grid_params gp = {
        .min_pitch = MIN_PITCH_SHARE * pitch,
        .max_pitch = MAX_PITCH_SHARE * pitch,
        .width = quarter ? grey->height : grey->width,
        .height = quarter ? grey->width : grey->height,
        .max_skew_deg = 10,
    };
    a->orientation = orientation;
    return params->crop ? brl_grid_fit_crop(pt, n, &gp, &a->grid)
                        : brl_grid_fit(pt, n, &gp, &a->grid);
}

/* Where the light runs across the picture and the lines down it, the file was turned after
 * scanning: then the light comes from the page's top. */
static bool swap_light(const struct brl_page_params *params, const struct brl_dots *dots,
                       unsigned orientation)
{
    return params->light_deg < 0 && orientation % 180 == 90 &&
           fabs(dots->light_deg - orientation) == 180;
}

/* Half a turn changes nothing in a grid; but where the light runs across, it swaps bumps and dents.
 */
static bool is_allowed(const struct brl_page_params *params, const struct brl_dots *dots,
                       unsigned orientation)
{
    if (params->orientation >= 0)
        return orientation == (unsigned) params->orientation;
    const bool across = params->light_deg < 0 && fmod(dots->light_deg, 180) == 90;
    return orientation <= 90 || (orientation == 270 && across);
}

static void flip_light(struct brl_dots *dots)
{
    const size_t n = (size_t) dots->response.width * dots->response.height;
    dots->light_deg = fmod(dots->light_deg + 180, 360);
    for (size_t i = 0; i < dots->n; i++)
        dots->dot[i].dent = !dots->dot[i].dent;
    for (size_t i = 0; i < n; i++)
        dots->response.data[i] = -dots->response.data[i];
}

static void keep_better(struct attempt *best, struct brl_grid *grid, unsigned orientation)
{
    if (best->grid.score >= grid->score) {
        brl_grid_done(grid);
        return;
    }
    brl_grid_done(&best->grid);
    best->grid = *grid;
    best->orientation = orientation;
}

/* So clear that nothing else need be tried. */
static bool is_good(const struct attempt *a)
{
    return a->grid.column_x && a->grid.score >= GOOD_SCORE && a->grid.fit >= a->least_fit;
}

/* Every orientation that is allowed, with dots of one typical strength. */
static int try_strength(struct attempt *a, const struct image *grey,
                        const struct brl_page_params *params, double pitch, double typical)
{
    for (unsigned o = 0; o < 360; o += 90) {
        if (!is_allowed(params, &a->dots, o))
            continue;
        if (o > 0 && a->grid.fit >= CERTAIN_FIT && a->grid.score >= GOOD_SCORE)
            continue; /* lines taken for columns never fit so well */
        struct attempt now = {0};
        const double before = a->grid.score;
        const bool flip = swap_light(params, &a->dots, o);
        if (flip)
            flip_light(&a->dots);
        now.dots = a->dots; /* borrowed */
        const int r = fit_orientation(&now, grey, params, pitch, o, typical);
        if (r == -ENOMEM)
            return r;
        if (r == 0)
            keep_better(a, &now.grid, o);
        if (flip && !(a->grid.score > before))
            flip_light(&a->dots);
    }
    return 0;
}

/* Dots and grid at one expected pitch and light; the better one stays in `best`. The usual strength
 * of a dot is guessed, or, where specks and edges mislead the guess, a ladder of them is tried. */
static int try_pitch(const struct image *grey, const struct brl_page_params *params, double pitch,
                     double light_deg, bool ladder, double *ret_light_deg, struct attempt *best)
{
    CLEANUP(attempt_done) struct attempt a = {.least_fit = best->least_fit};

    int r = brl_dots_find(grey, pitch, light_deg, &a.dots);
    if (r < 0)
        return r == -ENOMEM ? r : 0;
    *ret_light_deg = a.dots.found_light_deg;
    if (!ladder)
        r = try_strength(&a, grey, params, pitch,
                         typical_strength(&a.dots, params->side == BRL_VERSO, grey,
                                          params->crop ? 0.25 * pitch : 2 * pitch));
    for (double t = 7; ladder && r == 0 && !is_good(&a) && t < 60; t *= 1.4)
        r = try_strength(&a, grey, params, pitch, t);
    if (r == 0 && a.grid.score > best->grid.score) {
        const struct attempt old = *best;
        *best = a;
        a = old;
    }
    return r;
}

/* Light from the top, as on flatbed scanners; if that shows no grid, light as the picture has it.
 */
static int try_lights(const struct image *grey, const struct brl_page_params *params, double pitch,
                      bool ladder, struct attempt *best)
{
    double found_deg = 0;

    if (params->light_deg >= 0)
        return try_pitch(grey, params, pitch, params->light_deg, ladder, &found_deg, best);
    int r = try_pitch(grey, params, pitch, 0, ladder, &found_deg, best);
    if (r == 0 && found_deg != 0 && best->grid.fit < CERTAIN_FIT)
        r = try_pitch(grey, params, pitch, found_deg, ladder, &found_deg, best);
    return r;
}

/* The resolution of a scan that does not say it: the one at which it would be as long as A4 or
 * letter paper; 0 when none of the usual ones fits. */
static double paper_dpi(const struct image *grey)
{
    static const double usual_dpi[] = {200, 300, 150, 100, 240, 400, 600, 1200};
    static const double lengths_in[] = {297 / MM_PER_INCH, 11};
    const double length = MAX(grey->width, grey->height);

    for (size_t i = 0; i < ELEMENTSOF(usual_dpi); i++)
        for (size_t k = 0; k < ELEMENTSOF(lengths_in); k++)
            if (fabs(length / lengths_in[k] / usual_dpi[i] - 1) < 0.006)
                return usual_dpi[i];
    return 0;
}

/* A crop of a few cells. Its height tells the pitch where its resolution does not: two pitches and
 * what was left around them. Light from the top; the text runs along the crop as it is. */
static int find_crop_grid(const struct image *grey, const struct brl_page_params *params,
                          struct attempt *ret)
{
    CLEANUP(attempt_done) struct attempt best = {0};
    struct brl_page_params upright = *params;
    const double told = params->dpi > 0 ? params->dpi : grey->dpi;
    double found_deg = 0;
    int r = 0;

    if (upright.orientation < 0)
        upright.orientation = 0;
    const double height = upright.orientation % 180 ? grey->width : grey->height;
    const bool known = told >= MIN_TOLD_DPI && told <= MAX_TOLD_DPI;
    const double pitches[] = {known ? TYPICAL_PITCH_MM / MM_PER_INCH * told : height / 3.4,
                              height / 2.8, height / 4.4};
    for (unsigned i = 0; i < (known ? 1 : ELEMENTSOF(pitches)) && r == 0; i++)
        r = try_pitch(grey, &upright, pitches[i], MAX(params->light_deg, 0), false, &found_deg,
                      &best);
    if (r == 0 && !best.grid.column_x)
        r = -ENODATA;
    if (r < 0)
        return r;
    *ret = best;
    best = (struct attempt){0};
    return 0;
}

static int find_grid(const struct image *grey, const struct brl_page_params *params,
                     struct attempt *ret)
{
    CLEANUP(attempt_done) struct attempt best = {0};
    const double per_dpi = TYPICAL_PITCH_MM / MM_PER_INCH;
    double told = params->dpi > 0 ? params->dpi : grey->dpi;
    if (!(params->dpi > 0) && !(told >= MIN_TOLD_DPI && told <= MAX_TOLD_DPI))
        told = paper_dpi(grey);
    const bool known = told > 0;
    const double first = per_dpi * (known ? told : COMMON_DPI);
    const double most = MIN(80.0, MIN(grey->width, grey->height) / 6.0);
    const double least = MAX(7.0, MAX(grey->width, grey->height) / MAX_PITCHES);

    int r = 0;
    best.least_fit = GOOD_FIT;
    if (known) {
        r = try_lights(grey, params, first, false, &best);
        if (r == 0 && !is_good(&best))
            r = try_lights(grey, params, first, true, &best);
    }
    /* A resolution in a file is often wrong; one given by the user is not doubted. From coarse to
     * fine: a grid of half the pitch may catch all dots, one of twice the pitch never does. */
    if (r == 0 && !(params->dpi > 0) && !is_good(&best)) {
        best.least_fit = CERTAIN_FIT;
        for (double pitch = most; r == 0 && !is_good(&best) && pitch > least; pitch /= 1.36)
            r = try_lights(grey, params, pitch, false, &best);
        if (r == 0 && !known && !is_good(&best))
            r = try_lights(grey, params, first, true, &best);
    }
    if (r < 0)
        return r;
    if (best.grid.score * best.grid.fit * best.grid.fit < LEAST_PROOF)
        return -ENODATA;
    *ret = best;
    best = (struct attempt){0};
    return 0;
}

/* The flat picture and the map to it: upright, deskewed, of a handy dot pitch. */
static int make_flat(const struct image *grey, const struct attempt *a, struct brl_page *page)
{
    const struct brl_grid *g = &a->grid;
    CLEANUP(image_freep) struct image *small = NULL;
    const double pitch = g->pitch;
    const double scale = pitch >= 16 && pitch <= 28 ? 1 : FLAT_PITCH / pitch;
    const double c = cos(g->skew_deg * M_PI / 180), s = sin(g->skew_deg * M_PI / 180);
    const double w = 2 * g->cx, h = 2 * g->cy;
    const double fw = w * fabs(c) + h * fabs(s), fh = w * fabs(s) + h * fabs(c);
    /* upright -> deskewed about the middle -> moved to the middle of a grown canvas */
    const double deskew[6] = {c,  s, fw / 2 - c * g->cx - s * g->cy,
                              -s, c, fh / 2 + s * g->cx - c * g->cy};
    double up[6], m[6];

    turn(a->orientation, grey->width, grey->height, up);
    compose(deskew, up, m);
    /* pixel centres: x -> (x + 0.5) * scale - 0.5 */
    const double zoom[6] = {scale, 0, (scale - 1) / 2, 0, scale, (scale - 1) / 2};
    compose(zoom, m, page->to_flat);

    const unsigned out_w = (unsigned) ceil(fw * scale), out_h = (unsigned) ceil(fh * scale);
    if (scale > 0.75)
        return image_warp(grey, page->to_flat, out_w, out_h, &page->flat);
    const unsigned sw = (unsigned) fmax(1, lround(grey->width * scale));
    const unsigned sh = (unsigned) fmax(1, lround(grey->height * scale));
    int r = image_resize(grey, sw, sh, &small);
    if (r < 0)
        return r;
    const double kx = (double) grey->width / sw, ky = (double) grey->height / sh;
    const double back[6] = {kx, 0, (kx - 1) / 2, 0, ky, (ky - 1) / 2};
    compose(page->to_flat, back, m);
    return image_warp(small, m, out_w, out_h, &page->flat);
}

/* Nearest of the dot columns (left and right of each cell), or -1. */
static long nearest_column(const struct brl_grid *g, double x)
{
    for (unsigned k = 0; k < g->n_columns; k++)
        for (unsigned s = 0; s < 2; s++)
            if (fabs(x - g->column_x[k] - s * g->pitch) < 0.3 * g->pitch)
                return 2 * (long) k + s;
    return -1;
}

static long nearest_row(const struct brl_grid *g, double y)
{
    for (unsigned k = 0; k < 3 * g->n_rows; k++)
        if (fabs(y - g->row_y[k]) < 0.3 * g->row_pitch)
            return (long) k;
    return -1;
}

/* Index into slot->dot of the dot in picture column `s` (0 left) and row `j` (0 top). */
static unsigned dot_index(enum brl_side side, unsigned s, unsigned j)
{
    return (side == BRL_VERSO ? 1 - s : s) * 3 + j;
}

static struct brl_slot *slot_at(struct brl_page *page, unsigned row, unsigned k)
{
    const unsigned column = page->side == BRL_VERSO ? page->n_columns - 1 - k : k;
    return &page->slots[(size_t) row * page->n_columns + column];
}

static void place_slots(const struct attempt *a, const double from_up[6], struct brl_page *page)
{
    const struct brl_grid *g = &a->grid;
    const double sign = page->side == BRL_VERSO ? -1 : 1;

    for (unsigned row = 0; row < g->n_rows; row++)
        for (unsigned k = 0; k < g->n_columns; k++) {
            struct brl_slot *slot = slot_at(page, row, k);
            slot->row = (uint16_t) row;
            slot->column = (uint16_t) (page->side == BRL_VERSO ? g->n_columns - 1 - k : k);
            for (unsigned s = 0; s < 2; s++)
                for (unsigned j = 0; j < 3; j++) {
                    const unsigned d = dot_index(page->side, s, j);
                    double x, y;
                    brl_grid_out(g, g->column_x[k] + s * g->pitch, g->row_y[3 * row + j], &x, &y);
                    slot->dot[d] = apply(from_up, x, y);
                    slot->evidence[d] =
                        sign * brl_dots_rest(&a->dots, slot->dot[d].x, slot->dot[d].y);
                }
        }
}

/* Give each slot the strengths of the dots that lie on it. */
static void collect_evidence(const struct attempt *a, const double up[6], struct brl_page *page)
{
    for (size_t i = 0; i < a->dots.n; i++) {
        const struct brl_dot *dot = &a->dots.dot[i];
        if (dot->dent != (page->side == BRL_VERSO))
            continue;
        const struct brl_point p = apply(up, dot->x, dot->y);
        double x, y;
        brl_grid_in(&a->grid, p.x, p.y, &x, &y);
        const long c = nearest_column(&a->grid, x), r = nearest_row(&a->grid, y);
        if (c < 0 || r < 0)
            continue;
        struct brl_slot *slot = slot_at(page, (unsigned) r / 3, (unsigned) c / 2);
        const unsigned d = dot_index(page->side, (unsigned) c % 2, (unsigned) r % 3);
        slot->evidence[d] = fmax(slot->evidence[d], dot->strength);
    }
}

static int fill_page(const struct image *grey, const struct brl_page_params *params,
                     const struct attempt *a, struct brl_page *page)
{
    const struct brl_grid *g = &a->grid;
    double up[6], from_up[6];

    page->side = params->side;
    page->pitch_px = g->pitch;
    page->cell_px = g->cell;
    page->line_px = g->line;
    page->skew_deg = g->skew_deg;
    page->orientation = a->orientation;
    page->light_deg = a->dots.light_deg;
    page->score = g->score;
    page->fit = g->fit;
    page->dpi = params->dpi > 0 ? params->dpi : grey->dpi;
    const double told_mm = page->dpi > 0 ? g->pitch / page->dpi * MM_PER_INCH : 0;
    if (told_mm < 2 || told_mm > 3.2) /* the file says nothing, or nonsense */
        page->dpi = g->pitch / TYPICAL_PITCH_MM * MM_PER_INCH;
    page->n_rows = g->n_rows;
    page->n_columns = g->n_columns;
    page->n_slots = (size_t) g->n_rows * g->n_columns;
    page->slots = calloc(page->n_slots, sizeof(*page->slots));
    if (!page->slots)
        return -ENOMEM;
    turn(a->orientation, grey->width, grey->height, up);
    invert(up, from_up);
    place_slots(a, from_up, page);
    collect_evidence(a, up, page);
    return make_flat(grey, a, page);
}

int brl_page_new(const struct image *img, const struct brl_page_params *params,
                 struct brl_page **ret, struct fail *fail)
{
    CLEANUP(image_freep) struct image *grey = NULL;
    CLEANUP(brl_page_freep) struct brl_page *page = calloc(1, sizeof(*page));
    CLEANUP(attempt_done) struct attempt a = {0};

    int r = page ? image_to_grey(img, &grey) : -ENOMEM;
    if (r == 0)
        r = params->crop ? find_crop_grid(grey, params, &a) : find_grid(grey, params, &a);
    if (r == 0)
        r = fill_page(grey, params, &a, page);
    if (r == -ENOMEM)
        return fail_set(fail, FAIL_OTHER, r, "not enough memory to find the braille grid");
    if (r < 0)
        return fail_set(fail, FAIL_INPUT, -ENODATA,
                        "no braille found in the picture; scan the page flat at 200 to 300 dpi, "
                        "with the dots in focus");
    *ret = TAKE_PTR(page);
    return 0;
}

struct brl_page *brl_page_free(struct brl_page *page)
{
    if (page) {
        image_free(page->flat);
        free(page->slots);
    }
    free(page);
    return NULL;
}

/* Linear between pixel centres; the nearest pixel outside. */
static double sample(const struct image *img, double x, double y)
{
    x = fmin(fmax(x, 0), img->width - 1);
    y = fmin(fmax(y, 0), img->height - 1);
    const unsigned x0 = (unsigned) x, y0 = (unsigned) y;
    const unsigned x1 = MIN(x0 + 1, img->width - 1), y1 = MIN(y0 + 1, img->height - 1);
    const double fx = x - x0, fy = y - y0;
    const uint8_t *a = img->data + y0 * img->stride, *b = img->data + y1 * img->stride;
    return (a[x0] * (1 - fx) + a[x1] * fx) * (1 - fy) + (b[x0] * (1 - fx) + b[x1] * fx) * fy;
}

/* In the upright page, does the light come from below? */
static bool lit_from_below(const struct brl_page *page)
{
    return cos((page->light_deg - page->orientation) * M_PI / 180) < -0.1;
}

void brl_page_crop(const struct brl_page *page, const struct brl_slot *slot, unsigned width,
                   unsigned height, double px_per_pitch, uint8_t *out)
{
    const double scale =
        sqrt(fabs(page->to_flat[0] * page->to_flat[4] - page->to_flat[1] * page->to_flat[3]));
    const double step = page->pitch_px * scale / px_per_pitch; /* flat pixels a crop pixel */
    const double dir = page->side == BRL_VERSO ? -1 : 1;
    const bool invert_levels = (page->side == BRL_VERSO) != lit_from_below(page);
    const unsigned n = (unsigned) fmin(fmax(ceil(step - 0.05), 1), 8); /* samples each way */
    struct brl_point centre = {0, 0};

    for (unsigned d = 0; d < 6; d++) {
        const struct brl_point p = apply(page->to_flat, slot->dot[d].x, slot->dot[d].y);
        centre.x += p.x / 6;
        centre.y += p.y / 6;
    }
    for (unsigned y = 0; y < height; y++)
        for (unsigned x = 0; x < width; x++) {
            double sum = 0;
            for (unsigned i = 0; i < n * n; i++) {
                const double u = x - (width - 1) / 2.0 + (i % n + 0.5) / n - 0.5;
                const double v = y - (height - 1) / 2.0 + (i / n + 0.5) / n - 0.5;
                sum += sample(page->flat, centre.x + dir * u * step, centre.y + v * step);
            }
            const double level = sum / (n * n);
            out[(size_t) y * width + x] = (uint8_t) (invert_levels ? 255.5 - level : level + 0.5);
        }
}
