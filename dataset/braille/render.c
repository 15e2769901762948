/* SPDX-License-Identifier: Apache-2.0 */

#include "braille/render.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "braille/paper.h"
#include "braille/snap.h"
#include "image/cv.h"

#define MM_PER_INCH 25.4
#define SHADOW 0.05 ///< how far the shading lies behind the centre, in dot pitches (see dots.c)

const char *const brl_geometry_names[BRL_N_GEOMETRIES] = {"us", "europe", "press", "press-wide",
                                                          "embosser"};

void brl_render_geometry(struct brl_render_params *params, enum brl_geometry geometry)
{
    static const struct {
        double a, p, l, dot;
    } table[BRL_N_GEOMETRIES] = {
        [BRL_GEOMETRY_US] = {2.34, 6.2, 10.0, 1.44},
        [BRL_GEOMETRY_EUROPE] = {2.5, 6.0, 10.0, 1.6},
        [BRL_GEOMETRY_PRESS] = {2.69, 6.53, 10.45, 1.66},
        [BRL_GEOMETRY_PRESS_WIDE] = {2.83, 6.48, 10.9, 1.66},
        [BRL_GEOMETRY_EMBOSSER] = {2.5, 5.98, 10.05, 1.5},
    };
    params->pitch_mm = table[geometry].a;
    params->cell_mm = table[geometry].p;
    params->line_mm = table[geometry].l;
    params->dot_mm = table[geometry].dot;
}

void brl_render_weather(struct brl_render_params *params, uint64_t seed)
{
    struct random r = {seed ^ 0x5deece66du};

    brl_render_geometry(params, (enum brl_geometry)(random_next(&r) % BRL_N_GEOMETRIES));
    params->dot_mm *= random_uniform(&r, 0.85, 1.12);
    params->verso_dx_mm = random_uniform(&r, 0, params->cell_mm);
    params->verso_dy_mm = random_uniform(&r, 0, params->line_mm);
    params->light_deg = fmod(360 + random_uniform(&r, -20, 20), 360);
    params->contrast = random_uniform(&r, 18, 60);
    params->paper = random_uniform(&r, 110, 215);
    params->grain = params->contrast * random_uniform(&r, 0.04, 0.16); /* a label must be seen */
    params->uneven = random_uniform(&r, 0, 25);
    params->blur_px = random_uniform(&r, 0.2, 1.2) * params->dpi / 200;
    params->skew_deg = 0.3 * snap_gauss(&r);
    params->jitter = random_uniform(&r, 0, 0.05);
    params->wear = random_uniform(&r, 0, 0.5);
    params->missing = 0;
    params->specks = random_uniform(&r, 0, 0.6);
    params->jpeg_quality = random_next(&r) % 3 ? (int) random_uniform(&r, 60, 97) : 0;
    params->seed = random_next(&r);
}

void brl_render_scan(struct brl_render_params *params, uint64_t seed)
{
    struct random r = {seed ^ 0x5ca9};
    const double light_deg = params->light_deg;

    brl_render_weather(params, seed);
    if (!isnan(light_deg))
        params->light_deg = light_deg;
    /* presses set the other side's dots between the lines of this side's, so that none meet */
    params->verso_dy_mm = params->pitch_mm * random_uniform(&r, 0.4, 0.6);
    /* between the faintest and the strongest of DSBI's books */
    params->contrast = random_uniform(&r, 32, 65);
    params->paper = random_uniform(&r, 115, 215 - params->contrast / 2);
    params->grain = params->contrast * random_uniform(&r, 0.05, 0.12);
    params->blur_px = random_uniform(&r, 0.2, 0.95) * params->dpi / 200;
    params->wear = random_uniform(&r, 0, 0.35);
    params->rough = random_uniform(&r, 0.15, 0.8);
    params->glow = random_uniform(&r, 0, 0.35);
    /* of the grain a part lies along the lines */
    params->fibres = params->grain * random_uniform(&r, 0.3, 0.9);
    params->grain *= random_uniform(&r, 0.5, 0.9);
    params->rows = params->grain * random_uniform(&r, 0, 0.2);
    params->specks = 0;
    params->dirt = random_uniform(&r, 0, 0.5);
    params->stains = random_uniform(&r, 0, 0.03);
    params->creases = random_uniform(&r, 0, 0.12);
}

void brl_render_truth_done(struct brl_render_truth *truth)
{
    free(truth->cells);
    *truth = (struct brl_render_truth){0};
}

/* The sheet while it is drawn. */
struct canvas {
    const struct brl_render_params *p;
    double px_mm;                 ///< pixels a millimetre
    double width, height;         ///< pixels
    struct brl_point light, skew; ///< unit vectors: to the light; of the lines
    struct image *img;            ///< owned
    float *shade; ///< [height][width], owned: -1 darkest .. 1 brightest side of a full bump
};

static void canvas_done(struct canvas *c)
{
    image_free(c->img);
    free(c->shade);
}

/* What sets one dot apart from the next: all 0 for an even dome. */
struct shape {
    double wide, slant; ///< an ellipse, leaning
    double flat;        ///< how far its top is pressed flat
    double lump[3][3];  ///< x, y, height of broken paper
};

static void draw_shape(struct shape *shape, double rough, struct random *rnd)
{
    *shape = (struct shape){0};
    if (rough <= 0)
        return;
    shape->wide = rough * random_uniform(rnd, -0.25, 0.25);
    shape->slant = rough * random_uniform(rnd, -0.25, 0.25);
    shape->flat = rough * random_uniform(rnd, 0, 0.6);
    for (unsigned k = 0; k < 3; k++) {
        shape->lump[k][0] = random_uniform(rnd, -0.7, 0.7);
        shape->lump[k][1] = random_uniform(rnd, -0.7, 0.7);
        shape->lump[k][2] = rough * random_uniform(rnd, -0.4, 0.4);
    }
}

/* Slope towards the light (fx, fy) of a lump of a third of the dot's radius. */
static double lump_slope(const double lump[3], double u, double v, double fx, double fy)
{
    const double a = (u - lump[0]) * 2.8, b = (v - lump[1]) * 2.8, r2 = a * a + b * b;
    return r2 < 1 ? lump[2] * (a * fx + b * fy) * (1 - r2) / 0.385 : 0;
}

/* The slope of a dome (1 - r^2)^2 towards the light. `size` is negative for a dent. */
static void draw_dot(struct canvas *c, double x, double y, double radius, double size,
                     const struct shape *shape)
{
    const double fx = c->light.x, fy = c->light.y;
    const double behind = SHADOW * c->p->pitch_mm * c->px_mm;
    const double cx = x - fx * behind, cy = y - fy * behind, reach = radius * 1.3;
    const int x0 = (int) floor(cx - reach), x1 = (int) ceil(cx + reach);
    const int y0 = (int) floor(cy - reach), y1 = (int) ceil(cy + reach);

    for (int iy = MAX(y0, 0); iy <= MIN(y1, (int) c->img->height - 1); iy++)
        for (int ix = MAX(x0, 0); ix <= MIN(x1, (int) c->img->width - 1); ix++) {
            const double v = (iy - cy) / radius;
            const double u = (ix - cx) / radius * (1 + shape->wide) + shape->slant * v;
            const double r2 = u * u + v * v;
            if (r2 >= 1)
                continue;
            /* largest slope of the dome: at r = 1/sqrt(3), 0.385 before scaling */
            double s = (u * fx + v * fy) * (1 - r2) / 0.385;
            s *= 1 - shape->flat * (1 - r2) * (1 - r2);
            for (unsigned k = 0; k < 3; k++)
                if (shape->lump[k][2] != 0)
                    s += lump_slope(shape->lump[k], u, v, fx, fy);
            s = size * s + fabs(size) * c->p->glow * (1 - r2);
            c->shade[(size_t) iy * c->img->width + (size_t) ix] += (float) s;
        }
}

/* Upright sheet -> picture. */
static struct brl_point lay(const struct canvas *c, double x, double y)
{
    const double dx = x - c->width / 2, dy = y - c->height / 2;
    return (struct brl_point){c->width / 2 + dx * c->skew.x - dy * c->skew.y,
                              c->height / 2 + dx * c->skew.y + dy * c->skew.x};
}

static void place_cell(const struct canvas *c, enum brl_side side, struct brl_render_cell *cell)
{
    const struct brl_render_params *p = c->p;

    for (unsigned d = 0; d < 6; d++) {
        double x = p->left_mm + cell->column * p->cell_mm + (d / 3) * p->pitch_mm;
        double y = p->top_mm + cell->row * p->line_mm + (d % 3) * p->pitch_mm;
        if (side == BRL_VERSO) { /* its reader starts at the sheet's right edge */
            x = c->width / c->px_mm - x + p->verso_dx_mm;
            y += p->verso_dy_mm;
        }
        cell->dot[d] = lay(c, x * c->px_mm, y * c->px_mm);
    }
}

static void draw_cell(struct canvas *c, enum brl_side side, struct brl_render_cell *cell,
                      struct random *rnd)
{
    const struct brl_render_params *p = c->p;
    const double pitch = p->pitch_mm * c->px_mm, radius = p->dot_mm * c->px_mm / 2;

    for (unsigned d = 0; d < 6; d++) {
        /* all are drawn from the stream, so that one cell does not change the others */
        const double jx = snap_gauss(rnd), jy = snap_gauss(rnd), worn = random_uniform(rnd, 0, 1);
        const double gone = random_uniform(rnd, 0, 1), strong = snap_gauss(rnd);
        struct shape shape;
        draw_shape(&shape, p->rough, rnd);
        cell->drawn[d] = (struct brl_point){NAN, NAN};
        if (!(cell->cell >> d & 1) || gone < p->missing)
            continue;
        double size = 1 + 0.08 * strong - p->wear * worn * worn;
        cell->drawn[d] = (struct brl_point){cell->dot[d].x + jx * p->jitter * pitch,
                                            cell->dot[d].y + jy * p->jitter * pitch};
        draw_dot(c, cell->drawn[d].x, cell->drawn[d].y, side == BRL_VERSO ? radius * 0.9 : radius,
                 side == BRL_VERSO ? -fmax(size, 0.2) : fmax(size, 0.2), &shape);
    }
}

static bool fits(const struct canvas *c, const struct brl_render_cell *cell)
{
    for (unsigned d = 0; d < 6; d++)
        if (!(cell->dot[d].x >= 0 && cell->dot[d].y >= 0 && cell->dot[d].x < c->width &&
              cell->dot[d].y < c->height))
            return false;
    return true;
}

static int draw_side(struct canvas *c, enum brl_side side, const struct brl_render_sheet *sheet,
                     struct brl_render_truth *truth)
{
    struct random rnd = {c->p->seed + (side == BRL_VERSO ? 77 : 7)};

    for (unsigned row = 0; sheet && row < sheet->n_rows; row++)
        for (unsigned column = 0; column < sheet->n_columns; column++) {
            struct brl_render_cell cell = {
                .side = side,
                .row = (uint16_t) row,
                .column = (uint16_t) column,
                .cell = sheet->cells[(size_t) row * sheet->n_columns + column] & 63,
            };
            place_cell(c, side, &cell);
            if (!fits(c, &cell))
                return -EINVAL;
            draw_cell(c, side, &cell, &rnd);
            truth->cells[truth->n_cells++] = cell;
        }
    return 0;
}

/* Add noise of one coarseness to the shading: `amount` in levels. */
static int add_noise(struct canvas *c, double sigma_px, double amount, struct random *rnd)
{
    CLEANUP(image_freep) struct image *noise = NULL;
    const size_t n = (size_t) c->img->width * c->img->height;
    const double raw = 50;

    if (amount <= 0)
        return 0;
    int r = image_new(c->img->width, c->img->height, 1, &noise);
    if (r < 0)
        return r;
    for (size_t i = 0; i < n; i += 4) {
        /* four sums of two bytes from one draw: triangles of deviation 50 */
        const uint64_t z = random_next(rnd);
        for (size_t k = 0; k < 4 && i + k < n; k++) {
            const unsigned a = z >> 16 * k & 255, b = z >> (16 * k + 8) & 255;
            noise->data[i + k] = (uint8_t) ((a + b) / 2);
        }
    }
    r = image_blur(noise, sigma_px);
    if (r < 0)
        return r;
    /* a Gaussian blur shrinks white noise by 2 sqrt(pi) sigma */
    const double scale = amount / raw * fmax(1, 2 * sqrt(M_PI) * sigma_px) / c->p->contrast;
    for (size_t i = 0; i < n; i++)
        c->shade[i] += (float) ((noise->data[i] - 127.5) * scale);
    return 0;
}

static void add_specks(struct canvas *c, struct random *rnd)
{
    const double area_cm2 = c->width * c->height / (c->px_mm * c->px_mm) / 100;
    const size_t n = (size_t) (area_cm2 * c->p->specks);

    for (size_t i = 0; i < n; i++) {
        const double x = random_uniform(rnd, 0, c->width), y = random_uniform(rnd, 0, c->height);
        const double radius = random_uniform(rnd, 0.1, 0.35) * c->px_mm;
        const double size = random_uniform(rnd, -1.5, 0.7);
        for (int dy = (int) -radius - 1; dy <= radius + 1; dy++)
            for (int dx = (int) -radius - 1; dx <= radius + 1; dx++) {
                const int px = (int) x + dx, py = (int) y + dy;
                if (px >= 0 && py >= 0 && px < (int) c->img->width && py < (int) c->img->height &&
                    dx * dx + dy * dy <= radius * radius)
                    c->shade[(size_t) py * c->img->width + (size_t) px] += (float) size;
            }
    }
}

static void expose(struct canvas *c, struct random *rnd)
{
    const struct brl_render_params *p = c->p;
    const double ax = snap_gauss(rnd), ay = snap_gauss(rnd), b = snap_gauss(rnd);
    const double reach = fabs(ax) + fabs(ay) + fabs(b) + 1e-9;

    for (unsigned y = 0; y < c->img->height; y++) {
        const double v = 2.0 * y / c->img->height - 1;
        uint8_t *out = c->img->data + y * c->img->stride;
        const float *in = c->shade + (size_t) y * c->img->width;
        for (unsigned x = 0; x < c->img->width; x++) {
            const double u = 2.0 * x / c->img->width - 1;
            const double light =
                p->uneven / 2 * (ax * u + ay * v + b * (u * u + v * v - 1)) / reach;
            out[x] = (uint8_t) fmin(fmax(p->paper + light + p->contrast * in[x] + 0.5, 0), 255);
        }
    }
}

static int add_paper(struct canvas *c)
{
    const struct brl_render_params *p = c->p;
    struct brl_paper paper = {
        .shade = c->shade,
        .width = c->img->width,
        .height = c->img->height,
        .px_mm = c->px_mm,
        .contrast = p->contrast,
    };
    const double area_cm2 = c->width * c->height / (c->px_mm * c->px_mm) / 100;
    struct random rnd = {p->seed ^ 0x9a9e2};

    brl_paper_dirt(&paper, (unsigned) (area_cm2 * p->dirt), &rnd);
    /* a small sheet has one now and then */
    brl_paper_stains(&paper, (unsigned) (area_cm2 * p->stains + random_uniform(&rnd, 0, 1)), &rnd);
    brl_paper_creases(&paper, (unsigned) (area_cm2 * p->creases + random_uniform(&rnd, 0, 1)),
                      c->light.x, c->light.y, &rnd);
    brl_paper_rows(&paper, p->rows, &rnd);
    return brl_paper_fibres(&paper, p->fibres, &rnd);
}

static int finish(struct canvas *c)
{
    const struct brl_render_params *p = c->p;
    struct random rnd = {p->seed};
    const double fine = 0.7 * p->dpi / 200;

    int r = add_noise(c, fine, 0.8 * p->grain, &rnd); /* fibres */
    if (r == 0)
        r = add_noise(c, 7 * fine, 0.5 * p->grain, &rnd); /* clouds in the paper */
    if (r < 0)
        return r;
    add_specks(c, &rnd);
    r = add_paper(c);
    if (r < 0)
        return r;
    expose(c, &rnd);
    r = image_blur(c->img, p->blur_px);
    if (r == 0 && p->jpeg_quality > 0)
        r = image_recompress(c->img, p->jpeg_quality);
    return r;
}

/* Finite, and small enough that no pixel, level or count leaves its type. */
static bool in_range(const struct brl_render_params *p)
{
    const struct {
        double is, least, most;
    } ranges[] = {
        {p->dpi, 40, 1200},
        {p->pitch_mm, 1, 10},
        {p->cell_mm, 1, 50},
        {p->line_mm, 2, 100},
        {p->dot_mm, 0.1, 5},
        {p->width_mm, 0, 2000},
        {p->height_mm, 0, 2000},
        {p->left_mm, 0, 2000},
        {p->top_mm, 0, 2000},
        {p->verso_dx_mm, -2000, 2000},
        {p->verso_dy_mm, -2000, 2000},
        {p->light_deg, -360, 360},
        {p->contrast, 0, 255},
        {p->paper, 0, 255},
        {p->grain, 0, 255},
        {p->uneven, 0, 255},
        {p->blur_px, 0, 50},
        {p->skew_deg, -360, 360},
        {p->jitter, 0, 1},
        {p->wear, 0, 1},
        {p->missing, 0, 1},
        {p->specks, 0, 100},
        {p->jpeg_quality, 0, 100},
        {p->rough, 0, 1},
        {p->glow, 0, 1},
        {p->fibres, 0, 255},
        {p->rows, 0, 255},
        {p->dirt, 0, 100},
        {p->stains, 0, 100},
        {p->creases, 0, 100},
    };

    for (size_t i = 0; i < ELEMENTSOF(ranges); i++)
        if (!(ranges[i].is >= ranges[i].least && ranges[i].is <= ranges[i].most))
            return false;
    return p->cell_mm > p->pitch_mm && p->line_mm > 2 * p->pitch_mm && p->contrast > 0;
}

static int canvas_open(struct canvas *c, const struct brl_render_sheet *a,
                       const struct brl_render_sheet *b)
{
    const struct brl_render_params *p = c->p;
    const unsigned rows = MAX(a ? a->n_rows : 0, b ? b->n_rows : 0);
    const unsigned columns = MAX(a ? a->n_columns : 0, b ? b->n_columns : 0);

    if (!in_range(p) || rows > 1000 || columns > 1000)
        return -EINVAL;
    const double w = p->width_mm > 0 ? p->width_mm
                                     : 2 * p->left_mm + columns * p->cell_mm + fabs(p->verso_dx_mm);
    const double h =
        p->height_mm > 0 ? p->height_mm : 2 * p->top_mm + rows * p->line_mm + fabs(p->verso_dy_mm);
    c->px_mm = p->dpi / MM_PER_INCH;
    c->light = (struct brl_point){snap_sin(p->light_deg), -snap_cos(p->light_deg)};
    c->skew = (struct brl_point){snap_cos(p->skew_deg), snap_sin(p->skew_deg)};
    c->width = round(w * c->px_mm);
    c->height = round(h * c->px_mm);
    if (!(c->width >= 1 && c->height >= 1 && c->width <= 65535 && c->height <= 65535))
        return -EINVAL;
    int r = image_new((unsigned) c->width, (unsigned) c->height, 1, &c->img);
    if (r < 0)
        return r;
    c->img->dpi = p->dpi;
    c->shade = calloc((size_t) c->img->width * c->img->height, sizeof(*c->shade));
    return c->shade ? 0 : -ENOMEM;
}

int brl_render(const struct brl_render_sheet *recto, const struct brl_render_sheet *verso,
               const struct brl_render_params *params, struct image **ret,
               struct brl_render_truth *ret_truth)
{
    CLEANUP(canvas_done) struct canvas c = {.p = params};
    CLEANUP(brl_render_truth_done) struct brl_render_truth truth = {0};
    const size_t n = (recto ? (size_t) recto->n_rows * recto->n_columns : 0) +
                     (verso ? (size_t) verso->n_rows * verso->n_columns : 0);

    int r = canvas_open(&c, recto, verso);
    if (r < 0)
        return r;
    truth.cells = calloc(n + 1, sizeof(*truth.cells));
    if (!truth.cells)
        return -ENOMEM;
    r = draw_side(&c, BRL_RECTO, recto, &truth);
    if (r == 0)
        r = draw_side(&c, BRL_VERSO, verso, &truth);
    if (r == 0)
        r = finish(&c);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(c.img);
    if (ret_truth) {
        *ret_truth = truth;
        truth = (struct brl_render_truth){0};
    }
    return 0;
}
