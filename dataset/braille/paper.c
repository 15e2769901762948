/* SPDX-License-Identifier: Apache-2.0 */

#include "braille/paper.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/macro.h"
#include "braille/snap.h"

#define FIBRE_MM 0.45 ///< twice this is how far along a line the grain of DSBI's scans is alike

/* A row of noise bytes, blurred along it by two running sums of `length`: deviation about 26. */
static void draw_fibre_row(int *row, int *sum, unsigned width, unsigned length, struct random *rnd)
{
    for (unsigned x = 0; x < width; x += 8) {
        const uint64_t z = random_next(rnd);
        for (unsigned k = 0; k < 8 && x + k < width; k++)
            row[x + k] = (int) (z >> 8 * k & 255) - 128;
    }
    for (unsigned pass = 0; pass < 2; pass++) {
        int running = 0;
        for (unsigned x = 0; x < width; x++) {
            running += row[x];
            if (x >= length)
                running -= row[x - length];
            sum[x] = running;
        }
        for (unsigned x = 0; x < width; x++)
            row[x] = sum[x] / (int) length;
    }
}

int brl_paper_fibres(struct brl_paper *paper, double amount, struct random *rnd)
{
    CLEANUP_FREE int *rows = calloc((size_t) paper->width * 3, sizeof(*rows));
    const unsigned length = MAX(1u, (unsigned) (FIBRE_MM * paper->px_mm + 0.5));
    /* two means of n bytes of deviation 74 each leave about 74 * 0.82 / sqrt(n) */
    const double scale = amount / (74 * 0.82 / sqrt(length)) / paper->contrast;

    if (!rows)
        return -ENOMEM;
    int *before = rows, *row = rows + paper->width, *sum = rows + 2 * (size_t) paper->width;
    for (unsigned y = 0; y < paper->height && amount > 0; y++) {
        float *out = paper->shade + (size_t) y * paper->width;
        draw_fibre_row(row, sum, paper->width, length, rnd);
        for (unsigned x = 0; x < paper->width; x++) /* fibres are thicker than a pixel */
            out[x] += (float) ((row[x] * 0.8 + before[x] * 0.6) * scale);
        int *swap = before;
        before = row;
        row = swap;
    }
    return 0;
}

void brl_paper_rows(struct brl_paper *paper, double amount, struct random *rnd)
{
    for (unsigned y = 0; y < paper->height && amount > 0; y++) {
        const float level = (float) (snap_gauss(rnd) * amount / paper->contrast);
        float *out = paper->shade + (size_t) y * paper->width;
        for (unsigned x = 0; x < paper->width; x++)
            out[x] += level;
    }
}

/* What lies on the paper: lobes whose rims are no circle, each lighter or darker by `amount`. */
static void add_lobes(struct brl_paper *paper, double size, double amount, struct random *rnd)
{
    const double cx = random_uniform(rnd, 0, paper->width);
    const double cy = random_uniform(rnd, 0, paper->height);

    for (unsigned lobe = 0; lobe < 3; lobe++) {
        const double x0 = cx + random_uniform(rnd, -0.6, 0.6) * size;
        const double y0 = cy + random_uniform(rnd, -0.6, 0.6) * size;
        const double rx = size * random_uniform(rnd, 0.5, 1.2);
        const double ry = size * random_uniform(rnd, 0.5, 1.2);
        const long left = MAX(0L, (long) (x0 - rx)), top = MAX(0L, (long) (y0 - ry));
        const long right = MIN((long) paper->width - 1, (long) (x0 + rx));
        const long bottom = MIN((long) paper->height - 1, (long) (y0 + ry));
        for (long y = top; y <= bottom; y++)
            for (long x = left; x <= right; x++) {
                const double u = (x - x0) / rx, v = (y - y0) / ry, r2 = u * u + v * v;
                if (r2 < 1)
                    paper->shade[(size_t) y * paper->width + (size_t) x] +=
                        (float) (amount * (1 - r2 * r2));
            }
    }
}

void brl_paper_dirt(struct brl_paper *paper, unsigned n, struct random *rnd)
{
    for (unsigned i = 0; i < n; i++) {
        const double size = random_uniform(rnd, 0.05, 0.2) * paper->px_mm;
        const double level = random_uniform(rnd, -40, 8);
        add_lobes(paper, size, level / paper->contrast, rnd);
    }
}

void brl_paper_stains(struct brl_paper *paper, unsigned n, struct random *rnd)
{
    for (unsigned i = 0; i < n; i++) {
        const double size = random_uniform(rnd, 1, 4.5) * paper->px_mm;
        const double level = random_uniform(rnd, -9, -2);
        add_lobes(paper, size, level / paper->contrast, rnd);
    }
}

static void add_shade(struct brl_paper *paper, double x, double y, double amount)
{
    /* shared by the four pixels around */
    const double fx = floor(x), fy = floor(y);

    if (!(fx >= 0 && fy >= 0 && fx + 1 < paper->width && fy + 1 < paper->height))
        return;
    float *at = paper->shade + (size_t) fy * paper->width + (size_t) fx;
    const double u = x - fx, v = y - fy;
    at[0] += (float) (amount * (1 - u) * (1 - v));
    at[1] += (float) (amount * u * (1 - v));
    at[paper->width] += (float) (amount * (1 - u) * v);
    at[paper->width + 1] += (float) (amount * u * v);
}

/* A line that wanders: its side towards the light bright, the other dark. */
static void add_crease(struct brl_paper *paper, double fx, double fy, struct random *rnd)
{
    double x = random_uniform(rnd, 0, paper->width), y = random_uniform(rnd, 0, paper->height);
    const double length = random_uniform(rnd, 3, 20) * paper->px_mm;
    const double depth = random_uniform(rnd, 0.1, 0.45);
    double degrees = random_uniform(rnd, 0, 360), turn = 0;
    const double half = 0.05 * paper->px_mm + 0.4; /* between its two sides */

    for (double done = 0; done < length; done += 0.7) {
        turn = 0.9 * turn + random_uniform(rnd, -2.5, 2.5);
        degrees += turn;
        const double dx = snap_cos(degrees), dy = snap_sin(degrees);
        const double towards = dy * fx - dx * fy; /* the normal (dy, -dx) on the light */
        const double fade = MIN(1, MIN(done, length - done) / (0.2 * length));
        const double amount = 0.7 * depth * fade * towards;
        add_shade(paper, x + half * dy, y - half * dx, amount);
        add_shade(paper, x - half * dy, y + half * dx, -amount);
        x += 0.7 * dx;
        y += 0.7 * dy;
    }
}

void brl_paper_creases(struct brl_paper *paper, unsigned n, double fx, double fy,
                       struct random *rnd)
{
    for (unsigned i = 0; i < n; i++)
        add_crease(paper, fx, fy, rnd);
}
