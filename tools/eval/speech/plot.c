/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <math.h>
#include <string.h>

#include "image/cv.h"
#include "image/image.h"
#include "tools/eval/speech/speech.h"

enum { LEFT = 70, RIGHT = 20, TOP = 40, GAP = 34, MEL_PX = 240, F0_PX = 200, BOTTOM = 44 };
#define MAX_WIDTH 1800.0
#define TEXT_PX 10.0
#define INK 0x202020u
#define GRID 0xb0b0b0u
#define F0_HIGH_HZ 500.0
static const unsigned line_rgb[2] = {0x1f5fb4, 0xd1500f}; ///< reference, speech
static const char *const names[2] = {"reference", "speech"};

struct canvas {
    struct image *img;
    double px_a_s; ///< pixels a second
    double seconds;
};

static double top_of(int panel)
{
    return TOP + panel * (MEL_PX + GAP);
}

/* From quiet (light) to loud (dark): 80 dB of magnitudes above the floor that ln(m + 0.01) has. */
static void put_level(uint8_t *rgb, double log_mel)
{
    const double x = fmin(fmax((log_mel - log(0.01)) / (log(10.) * 4), 0), 1);
    rgb[0] = (uint8_t) lround(255 - 235 * x);
    rgb[1] = (uint8_t) lround(255 - 215 * x);
    rgb[2] = (uint8_t) lround(255 - 165 * x);
}

static void draw_mel(struct canvas *c, const struct eval_plot *p, int side)
{
    const unsigned y0 = (unsigned) top_of(side), rows = MEL_PX / EVAL_PLOT_MELS;
    const unsigned width = (unsigned) (c->seconds * c->px_a_s);

    for (unsigned x = 0; x < width; x++) {
        const size_t f = (size_t) (x / c->px_a_s * 100);
        for (unsigned y = 0; f < p->n[side] && y < MEL_PX; y++) {
            const unsigned mel = EVAL_PLOT_MELS - 1 - y / rows;
            put_level(c->img->data + (y0 + y) * c->img->stride + 3 * (LEFT + x),
                      p->mel[side][f * EVAL_PLOT_MELS + mel]);
        }
    }
}

static double mel_of(double hz)
{
    return 1127 * log1p(hz / 700);
}

static int label(struct canvas *c, double x, double y, const char *text, unsigned rgb)
{
    return image_draw_text(c->img, text, x, y, TEXT_PX, rgb);
}

/* Seconds below a panel, with lines upward. */
static int draw_seconds(struct canvas *c, double y0, double height, bool with_text)
{
    const double step = c->seconds > 20 ? 5 : c->seconds > 8 ? 1 : 0.5;
    char text[32];
    int r = 0;

    for (double t = 0; r == 0 && t <= c->seconds + 1e-9; t += step) {
        const double x = LEFT + t * c->px_a_s;
        r = image_draw_line(c->img, x, y0 + height, x, y0 + height + 5, INK, 1);
        snprintf(text, sizeof(text), "%g", t);
        if (r == 0 && with_text)
            r = label(c, x - 8, y0 + height + 20, text, INK);
    }
    if (r == 0 && with_text)
        r = label(c, LEFT + c->seconds * c->px_a_s / 2 - 20, y0 + height + 38, "time / s", INK);
    return r;
}

static int draw_frame(struct canvas *c, double y0, double height)
{
    return image_draw_box(c->img, LEFT - 1, y0 - 1, c->seconds * c->px_a_s + 2, height + 2, INK, 1);
}

static int draw_mel_panel(struct canvas *c, const struct eval_plot *p, int side)
{
    static const unsigned ticks[] = {200, 500, 1000, 2000, 4000, 8000};
    const double y0 = top_of(side), low = mel_of(20), high = mel_of(8000);
    char text[128];

    draw_mel(c, p, side);
    int r = draw_frame(c, y0, MEL_PX);
    for (size_t i = 0; r == 0 && i < ELEMENTSOF(ticks); i++) {
        const double y = y0 + MEL_PX * (1 - (mel_of(ticks[i]) - low) / (high - low));
        snprintf(text, sizeof(text), "%u", ticks[i]);
        r = image_draw_line(c->img, LEFT - 6, y, LEFT - 1, y, INK, 1);
        if (r == 0)
            r = label(c, 20, y + 5, text, INK);
    }
    snprintf(text, sizeof(text), "%s, mel spectrum / Hz", names[side]);
    if (r == 0)
        r = label(c, LEFT, y0 - 8, text, line_rgb[side]);
    return r == 0 ? draw_seconds(c, y0, MEL_PX, false) : r;
}

static int draw_pitch(struct canvas *c, const struct eval_plot *p, int side, double y0)
{
    int r = 0;

    for (size_t f = 1; r == 0 && f < p->n_f0[side]; f++) {
        const double a = p->f0_hz[side][f - 1], b = p->f0_hz[side][f];
        const double x = LEFT + (double) f * EVAL_HOP_S * c->px_a_s;
        if (a > 0 && b > 0 && fmax(a, b) < F0_HIGH_HZ)
            r = image_draw_line(c->img, x - EVAL_HOP_S * c->px_a_s,
                                y0 + F0_PX * (1 - a / F0_HIGH_HZ), x,
                                y0 + F0_PX * (1 - b / F0_HIGH_HZ), line_rgb[side], 2);
    }
    return r;
}

static int draw_pitch_panel(struct canvas *c, const struct eval_plot *p)
{
    const double y0 = top_of(2), right = LEFT + c->seconds * c->px_a_s;
    char text[32];
    int r = 0;

    for (unsigned hz = 0; r == 0 && hz <= F0_HIGH_HZ; hz += 100) {
        const double y = y0 + F0_PX * (1 - hz / F0_HIGH_HZ);
        snprintf(text, sizeof(text), "%u", hz);
        r = image_draw_line(c->img, LEFT, y, right, y, GRID, 1);
        if (r == 0)
            r = label(c, 20, y + 5, text, INK);
    }
    for (int side = 0; r == 0 && side < 2; side++)
        r = draw_pitch(c, p, side, y0);
    if (r == 0)
        r = draw_frame(c, y0, F0_PX);
    if (r == 0)
        r = label(c, LEFT, y0 - 8, "pitch / Hz:", INK);
    for (int side = 0; r == 0 && side < 2; side++)
        r = label(c, LEFT + 100 + side * 90, y0 - 8, names[side], line_rgb[side]);
    return r == 0 ? draw_seconds(c, y0, F0_PX, true) : r;
}

int eval_plot(const struct eval_plot *p, const char *path, struct fail *fail)
{
    CLEANUP(image_freep) struct image *img = NULL;
    struct canvas c = {.seconds = fmax((double) MAX(p->n[0], p->n[1]) / 100, 0.1)};

    c.px_a_s = fmin(200, (MAX_WIDTH - LEFT - RIGHT) / c.seconds);
    const unsigned width = LEFT + RIGHT + (unsigned) ceil(fmax(c.seconds * c.px_a_s, 330));
    int r = image_new(width, (unsigned) top_of(2) + F0_PX + BOTTOM, 3, &img);
    if (r < 0)
        return r;
    memset(img->data, 255, img->stride * img->height);
    c.img = img;
    r = label(&c, LEFT, 18, p->title, INK);
    for (int side = 0; r == 0 && side < 2; side++)
        r = draw_mel_panel(&c, p, side);
    if (r == 0)
        r = draw_pitch_panel(&c, p);
    return r == 0 ? image_save(img, path, fail) : r;
}
