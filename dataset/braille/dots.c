/* SPDX-License-Identifier: Apache-2.0 */

#include "braille/dots.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define PITCH 11.0 ///< dots are looked for on a picture of about so many pixels a dot pitch
#define SIGMA 2.0  ///< blur of the slope on that picture; dots are 0.55-0.65 pitch wide
#define REACH 13   ///< the beam covers 2 * REACH + 1 pixels each way
#define SIDE (2 * REACH + 1)
#define MIN_STRENGTH 5.0
/* A shadow reaches further from a dot's centre than its highlight, on bumps and dents alike, so
 * that the slope peaks this share of a pitch behind the centre (measured on the pages of DSBI). */
#define SHADOW 0.06
#define MAX_BEAM_DOTS 256
#define MIN_BEAM_DOTS 24
#define MAX_DOTS 20000         ///< a full page has 8,000 on both sides; more is texture
#define MAX_PIXELS (16u << 20) ///< of the picture that is searched; A3 paper takes 3 million

/* The response of one dot around its centre (1 there), for bumps and for dents. */
struct beam {
    float bump[SIDE * SIDE], dent[SIDE * SIDE];
};

struct peak {
    int x, y;
    float value;
};

struct peaks {
    struct peak *peak; ///< owned
    size_t n, room;
};

static int peaks_add(struct peaks *p, int x, int y, float value)
{
    if (p->n == p->room) {
        const size_t room = MAX(p->room * 2, (size_t) 1024);
        struct peak *more = realloc(p->peak, room * sizeof(*more));
        if (!more)
            return -ENOMEM;
        p->peak = more;
        p->room = room;
    }
    p->peak[p->n++] = (struct peak){x, y, value};
    return 0;
}

static int by_value(const void *a, const void *b)
{
    const float x = fabsf(((const struct peak *) a)->value);
    const float y = fabsf(((const struct peak *) b)->value);
    return (x < y) - (x > y);
}

static int by_float(const void *a, const void *b)
{
    const float x = *(const float *) a, y = *(const float *) b;
    return (x > y) - (x < y);
}

/* Median size of some of the values. */
static double median_size(const float *map, size_t n)
{
    enum { MOST = 20000 };
    const size_t step = n / MOST + 1, m = n / step;
    CLEANUP_FREE float *some = malloc(MAX(m, (size_t) 1) * sizeof(*some));
    if (!some || m == 0)
        return -1;
    for (size_t i = 0; i < m; i++)
        some[i] = fabsf(map[i * step]);
    qsort(some, m, sizeof(*some), by_float);
    return some[m / 2];
}

/* The axis along which strong slopes lie: the light's. Every slope well above the grain of the
 * paper has one vote, however strong: the shadow at a page's edge must not outvote the dots. */
static int light_axis(const struct image_plane *gx, const struct image_plane *gy, double *ret_deg)
{
    const size_t n = (size_t) gx->width * gx->height;
    const double grain_x = median_size(gx->data, n), grain_y = median_size(gy->data, n);
    const double grain = grain_x + grain_y;
    double c = 0, s = 0, votes = 0;

    if (grain_x < 0 || grain_y < 0)
        return -ENOMEM;
    const float least = (float) (9 * grain * grain + 0.01);
    for (size_t i = 0; i < n; i++) {
        const float x = gx->data[i], y = gy->data[i], size = x * x + y * y;
        if (size < least)
            continue;
        c += (x * x - y * y) / size; /* of the doubled angle: an axis has no sign */
        s += 2 * x * y / size;
        votes++;
    }
    if (votes < 1)
        c = -1; /* nothing to go by: down the picture */
    /* 0: along x; the compass counts from the top, and a coarse one does not chase noise */
    double deg = 45 * round((0.5 * atan2(s, c) * 180 / M_PI + 90) / 45);
    if (deg > 90)
        deg -= 180; /* the direction nearer to the top; from the left when there is none */
    if (deg >= 90)
        deg = -90;
    *ret_deg = deg < 0 ? deg + 360 : deg;
    return 0;
}

static void steer(const struct image_plane *gx, const struct image_plane *gy, double light_deg,
                  float *out)
{
    const size_t n = (size_t) gx->width * gx->height;
    const float fx = (float) sin(light_deg * M_PI / 180), fy = (float) -cos(light_deg * M_PI / 180);

    for (size_t i = 0; i < n; i++)
        out[i] = gx->data[i] * fx + gy->data[i] * fy;
}

static bool is_peak(const float *p, size_t w, float sign)
{
    const float v = *p * sign;
    return v >= p[-1] * sign && v > p[1] * sign && v >= p[-(ptrdiff_t) w] * sign &&
           v > p[w] * sign && v >= p[-(ptrdiff_t) w - 1] * sign &&
           v >= p[1 - (ptrdiff_t) w] * sign && v > p[w - 1] * sign && v > p[w + 1] * sign;
}

static int find_peaks(const struct image_plane *map, float least, struct peaks *ret)
{
    for (unsigned y = REACH; y + REACH < map->height; y++) {
        const float *row = map->data + (size_t) y * map->width;
        for (unsigned x = REACH; x + REACH < map->width; x++) {
            const float v = row[x];
            if (fabsf(v) < least || !is_peak(row + x, map->width, v > 0 ? 1.f : -1.f))
                continue;
            int r = peaks_add(ret, (int) x, (int) y, v);
            if (r < 0)
                return r;
        }
    }
    return 0;
}

/* A lone derivative of a Gaussian seen through another one: the second derivative of a wider one.
 */
static void ideal_beam(double light_deg, float *out)
{
    const double fx = sin(light_deg * M_PI / 180), fy = -cos(light_deg * M_PI / 180);
    const double var = 2 * SIGMA * SIGMA;

    for (int y = -REACH; y <= REACH; y++)
        for (int x = -REACH; x <= REACH; x++) {
            const double s = x * fx + y * fy, r2 = x * x + y * y;
            out[(y + REACH) * SIDE + x + REACH] =
                (float) ((1 - s * s / var) * exp(-r2 / (2 * var)));
        }
}

/* Is this peak the strongest thing of either sign within `radius`? */
static bool stands_out(const struct image_plane *map, const struct peak *p, int radius)
{
    for (int dy = -radius; dy <= radius; dy++) {
        const float *row = map->data + (size_t) (p->y + dy) * map->width + p->x;
        for (int dx = -radius; dx <= radius; dx++)
            if (fabsf(row[dx]) > fabsf(p->value))
                return false;
    }
    return true;
}

/* Median patch around the clearest peaks of one sign; false when there are too few of them. */
static bool measure_beam(const struct image_plane *map, const struct peaks *peaks, float sign,
                         float *out)
{
    const struct peak *chosen[MAX_BEAM_DOTS];
    float values[MAX_BEAM_DOTS];
    size_t n = 0;

    /* skip the very strongest: staples, ink, torn edges */
    for (size_t i = peaks->n / 100; i < peaks->n / 2 && n < MAX_BEAM_DOTS; i++)
        if (peaks->peak[i].value * sign > 0 && stands_out(map, &peaks->peak[i], 7))
            chosen[n++] = &peaks->peak[i];
    if (n < MIN_BEAM_DOTS)
        return false;
    for (int y = -REACH; y <= REACH; y++)
        for (int x = -REACH; x <= REACH; x++) {
            for (size_t i = 0; i < n; i++) {
                const struct peak *p = chosen[i];
                values[i] =
                    map->data[(size_t) (p->y + y) * map->width + (size_t) (p->x + x)] / p->value;
            }
            qsort(values, n, sizeof(*values), by_float);
            const double r = hypot(x, y);
            const double fade = r < 9 ? 1 : r > REACH ? 0 : (REACH - r) / (REACH - 9);
            out[(y + REACH) * SIDE + x + REACH] = (float) (values[n / 2] * fade);
        }
    return out[REACH * SIDE + REACH] > 0.9f;
}

static void subtract(struct image_plane *map, const float *beam, int x, int y, float value)
{
    for (int dy = -REACH; dy <= REACH; dy++) {
        float *row = map->data + (size_t) (y + dy) * map->width + (size_t) (x - REACH);
        const float *b = beam + (dy + REACH) * SIDE;
        for (int i = 0; i < SIDE; i++)
            row[i] -= value * b[i];
    }
}

/* Top of a parabola through three values, the middle one being the largest; within half a pixel. */
static double vertex(float before, float at, float after)
{
    const double bend = before - 2.0 * at + after;
    return bend < 0 ? fmax(-0.5, fmin(0.5, 0.5 * (before - after) / bend)) : 0;
}

static void refine(const struct image_plane *map, int x, int y, double *ret_x, double *ret_y)
{
    const float *p = map->data + (size_t) y * map->width + x;
    const float s = *p > 0 ? 1.f : -1.f;
    const ptrdiff_t w = map->width;
    *ret_x = x + vertex(s * p[-1], s * p[0], s * p[1]);
    *ret_y = y + vertex(s * p[-w], s * p[0], s * p[w]);
}

/* Two dots of one side are never nearer than this share of a pitch. */
static void mark(uint8_t *taken, const struct image_plane *map, int x, int y, uint8_t bit)
{
    const int radius = (int) (0.4 * PITCH);
    for (int dy = -radius; dy <= radius; dy++)
        for (int dx = -radius; dx <= radius; dx++)
            if (dx * dx + dy * dy <= radius * radius)
                taken[(size_t) (y + dy) * map->width + (size_t) (x + dx)] |= bit;
}

static int add_dot(struct brl_dots *dots, size_t *room, const struct brl_dot *dot)
{
    if (dots->n == *room) {
        const size_t more_room = MAX(*room * 2, (size_t) 1024);
        struct brl_dot *more = realloc(dots->dot, more_room * sizeof(*more));
        if (!more)
            return -ENOMEM;
        dots->dot = more;
        *room = more_room;
    }
    dots->dot[dots->n++] = *dot;
    return 0;
}

/* Take dots out of the map, strongest first, in rounds of a falling threshold. */
static int clean(struct brl_dots *dots, const struct beam *beam, float strongest, float least)
{
    struct image_plane *map = &dots->response;
    struct peaks peaks = {0};
    CLEANUP_FREE uint8_t *taken = calloc((size_t) map->width * map->height, 1);
    size_t room = 0;
    int r = taken ? 0 : -ENOMEM;

    for (float level = strongest * 0.8f; r == 0; level *= 0.8f) {
        level = MAX(level, least);
        peaks.n = 0;
        r = find_peaks(map, level, &peaks);
        if (r == 0 && peaks.n > 0)
            qsort(peaks.peak, peaks.n, sizeof(*peaks.peak), by_value);
        for (size_t i = 0; r == 0 && i < peaks.n && dots->n < MAX_DOTS; i++) {
            const int x = peaks.peak[i].x, y = peaks.peak[i].y;
            const float v = map->data[(size_t) y * map->width + (size_t) x];
            const uint8_t bit = v > 0 ? 1 : 2;
            if (fabsf(v) < level || (taken[(size_t) y * map->width + (size_t) x] & bit))
                continue; /* a lobe that went with an earlier dot, or a rest of one */
            struct brl_dot dot = {.strength = fabsf(v), .dent = v < 0};
            refine(map, x, y, &dot.x, &dot.y);
            r = add_dot(dots, &room, &dot);
            subtract(map, v > 0 ? beam->bump : beam->dent, x, y, v);
            mark(taken, map, x, y, bit);
        }
        if (level <= least)
            break;
    }
    free(peaks.peak);
    return r;
}

static int find_on(struct brl_dots *dots)
{
    struct image_plane *map = &dots->response;
    const size_t n = (size_t) map->width * map->height;
    struct peaks peaks = {0};
    struct beam beam;

    dots->noise = median_size(map->data, n) / 0.6745;
    if (dots->noise < 0)
        return -ENOMEM;
    dots->noise = MAX(dots->noise, 0.02); /* rendered paper may have no grain at all */
    for (size_t i = 0; i < n; i++)
        map->data[i] /= (float) dots->noise;
    int r = find_peaks(map, MIN_STRENGTH, &peaks);
    if (r == 0 && peaks.n > 0) {
        qsort(peaks.peak, peaks.n, sizeof(*peaks.peak), by_value);
        const bool bump = measure_beam(map, &peaks, 1, beam.bump);
        const bool dent = measure_beam(map, &peaks, -1, beam.dent);
        if (!bump && !dent)
            ideal_beam(dots->light_deg, beam.bump);
        if (!bump && dent)
            memcpy(beam.bump, beam.dent, sizeof(beam.bump));
        if (!dent)
            memcpy(beam.dent, beam.bump, sizeof(beam.dent));
        /* a few specks may be far stronger than any dot */
        r = clean(dots, &beam, fabsf(peaks.peak[peaks.n / 100].value), (float) MIN_STRENGTH);
    }
    free(peaks.peak);
    return r;
}

/* On a crop: everything over the strongest bump, with the beam that a dot ideally throws. */
static int find_few_on(struct brl_dots *dots, double least)
{
    struct image_plane *map = &dots->response;
    const size_t n = (size_t) map->width * map->height;
    struct peaks peaks = {0};
    struct beam beam;
    float strongest = 0;

    int r = find_peaks(map, 0.02f, &peaks);
    for (size_t i = 0; i < peaks.n; i++)
        strongest = fmaxf(strongest, fabsf(peaks.peak[i].value));
    free(peaks.peak);
    if (r < 0 || !(strongest > 0))
        return r;
    dots->noise = strongest;
    for (size_t i = 0; i < n; i++)
        map->data[i] /= strongest;
    ideal_beam(dots->light_deg, beam.bump);
    memcpy(beam.dent, beam.bump, sizeof(beam.dent));
    return clean(dots, &beam, 1, (float) least);
}

static int by_strength(const void *a, const void *b)
{
    const double x = ((const struct brl_dot *) a)->strength;
    const double y = ((const struct brl_dot *) b)->strength;
    return (x < y) - (x > y);
}

static int find_scaled(const struct image *small, double light_deg, double least,
                       struct brl_dots *dots)
{
    struct image_plane gx = {0}, gy = {0};

    int r = image_slope(small, SIGMA, (unsigned) (3 * PITCH), &gx, &gy);
    if (r < 0)
        return r;
    dots->response = gx;
    if (least > 0 && light_deg >= 0)
        dots->found_light_deg = light_deg; /* a crop shows it too badly to doubt what is known */
    else
        r = light_axis(&gx, &gy, &dots->found_light_deg);
    if (r < 0) {
        image_plane_done(&gy);
        return r;
    }
    dots->light_deg = light_deg >= 0 ? fmod(light_deg, 360) : dots->found_light_deg;
    steer(&gx, &gy, dots->light_deg, dots->response.data);
    image_plane_done(&gy);
    return least > 0 ? find_few_on(dots, least) : find_on(dots);
}

static int find(const struct image *grey, double pitch_px, double light_deg, double least,
                struct brl_dots *ret)
{
    struct brl_dots dots = {0};
    CLEANUP(image_freep) struct image *small = NULL, *padded = NULL;
    const double wanted = PITCH / pitch_px;
    const unsigned w = (unsigned) lround(grey->width * wanted);
    const unsigned h = (unsigned) lround(grey->height * wanted);

    if (grey->n_chan != 1 || !(pitch_px >= 3) || w < PITCH || h < PITCH || w > 65000 || h > 65000 ||
        (size_t) w * h > MAX_PIXELS)
        return -EINVAL;
    int r = image_resize(grey, w, h, &small);
    if (r == 0) /* dots at the very edge need a neighbourhood too */
        r = image_warp(small, (double[]){1, 0, REACH, 0, 1, REACH}, w + 2 * REACH, h + 2 * REACH,
                       &padded);
    if (r == 0)
        r = find_scaled(padded, light_deg, least, &dots);
    if (r < 0) {
        brl_dots_done(&dots);
        return r;
    }
    const double sx = (double) w / grey->width, sy = (double) h / grey->height;
    const double bias = SHADOW * pitch_px;
    const double fx = sin(dots.light_deg * M_PI / 180), fy = -cos(dots.light_deg * M_PI / 180);
    dots.scale = sx;
    for (size_t i = 0; i < dots.n; i++) {
        dots.dot[i].x = (dots.dot[i].x - REACH + 0.5) / sx - 0.5 + bias * fx;
        dots.dot[i].y = (dots.dot[i].y - REACH + 0.5) / sy - 0.5 + bias * fy;
    }
    if (dots.n > 0)
        qsort(dots.dot, dots.n, sizeof(*dots.dot), by_strength);
    *ret = dots;
    return 0;
}

int brl_dots_find(const struct image *grey, double pitch_px, double light_deg, struct brl_dots *ret)
{
    return find(grey, pitch_px, light_deg, 0, ret);
}

int brl_dots_find_few(const struct image *grey, double pitch_px, double light_deg, double least,
                      struct brl_dots *ret)
{
    return find(grey, pitch_px, light_deg, fmax(least, 0.01), ret);
}

void brl_dots_done(struct brl_dots *dots)
{
    free(dots->dot);
    image_plane_done(&dots->response);
    *dots = (struct brl_dots){0};
}

double brl_dots_rest(const struct brl_dots *dots, double x, double y)
{
    const struct image_plane *m = &dots->response;
    const long sx = lround((x + 0.5) * dots->scale - 0.5) + REACH;
    const long sy = lround((y + 0.5) * dots->scale - 0.5) + REACH;
    if (sx < 0 || sy < 0 || sx >= (long) m->width || sy >= (long) m->height)
        return 0;
    return m->data[(size_t) sy * m->width + (size_t) sx];
}
