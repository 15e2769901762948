/* SPDX-License-Identifier: Apache-2.0 */

#include "braille/dotnet.h"

#include <errno.h>
#include <math.h>

#include "base/macro.h"
#include "braille/dotnet_weights.h"

#define PX 10.0       ///< pixels a dot pitch
#define SIDE 24       ///< of a patch
#define A 12          ///< outputs of the first layer, 5 x 5, every second pixel
#define B 24          ///< of the second, 3 x 3, every second
#define C 32          ///< of the third, which sees everything
#define N_OUT 3       ///< logit, centre right and down of the patch's middle
#define BACKGROUND 15 ///< radius that is lit evenly, pixels
#define MOST_OFF 2.5  ///< a quarter of a pitch: what was trained
#define MAX_PIXELS (4u << 20)

int brl_dotnet_open(const struct image *grey, double pitch_px, double light_deg,
                    struct brl_dotnet_view *ret)
{
    CLEANUP(image_freep) struct image *small = NULL;
    const double wanted = PX / pitch_px;
    const double w = round(grey->width * wanted), h = round(grey->height * wanted);
    struct image_plane plane = {0};
    double sum = 0;

    if (grey->n_chan != 1 || !(pitch_px >= 3) || !(w >= 2 && h >= 2 && w * h <= MAX_PIXELS))
        return -EINVAL;
    int r = image_resize(grey, (unsigned) w, (unsigned) h, &small);
    if (r == 0)
        r = image_flatten(small, BACKGROUND, &plane);
    if (r < 0)
        return r;
    const size_t n = (size_t) plane.width * plane.height;
    for (size_t i = 0; i < n; i++)
        sum += fabsf(plane.data[i]);
    *ret = (struct brl_dotnet_view){
        .plane = plane,
        .scale_x = w / grey->width,
        .scale_y = h / grey->height,
        .deviation = fmax(sum / (double) n, 0.5),
        .turn_deg = light_deg,
    };
    return 0;
}

void brl_dotnet_done(struct brl_dotnet_view *view)
{
    image_plane_done(&view->plane);
}

/* Linear between pixels; outside the nearest one. */
static float pixel(const struct image_plane *p, double x, double y)
{
    x = fmin(fmax(x, 0), p->width - 1);
    y = fmin(fmax(y, 0), p->height - 1);
    const unsigned x0 = MIN((unsigned) x, p->width - 2), y0 = MIN((unsigned) y, p->height - 2);
    const float fx = (float) (x - x0), fy = (float) (y - y0);
    const float *at = p->data + (size_t) y0 * p->width + x0;
    const float top = at[0] + fx * (at[1] - at[0]);
    const float bottom = at[p->width] + fx * (at[p->width + 1] - at[p->width]);
    return top + fy * (bottom - top);
}

/* The patch, its light from the top, without its mean. */
static void cut_patch(const struct brl_dotnet_view *view, double x, double y,
                      float patch[SIDE * SIDE])
{
    const double t = view->turn_deg * M_PI / 180, c = cos(t), s = sin(t);
    const double cx = (x + 0.5) * view->scale_x - 0.5, cy = (y + 0.5) * view->scale_y - 0.5;
    float mean = 0;

    for (int j = 0; j < SIDE; j++)
        for (int i = 0; i < SIDE; i++) {
            const double u = i - (SIDE - 1) / 2.0, v = j - (SIDE - 1) / 2.0;
            const float p = pixel(&view->plane, cx + c * u - s * v, cy + s * u + c * v);
            patch[j * SIDE + i] = p;
            mean += p / (SIDE * SIDE);
        }
    for (int i = 0; i < SIDE * SIDE; i++)
        patch[i] = (patch[i] - mean) / (float) view->deviation;
}

static void layer_a(const float patch[SIDE * SIDE], float out[12 * 12 * A])
{
    for (int oy = 0; oy < 12; oy++)
        for (int ox = 0; ox < 12; ox++) {
            float sum[A];
            for (int o = 0; o < A; o++)
                sum[o] = brl_dotnet_a_bias[o];
            for (int ky = 0; ky < 5; ky++)
                for (int kx = 0; kx < 5; kx++) {
                    const int y = 2 * oy + ky - 2, x = 2 * ox + kx - 2;
                    if (y < 0 || x < 0 || y >= SIDE || x >= SIDE)
                        continue;
                    const float p = patch[y * SIDE + x];
                    const float *w = brl_dotnet_a_weight + (ky * 5 + kx) * A;
                    for (int o = 0; o < A; o++)
                        sum[o] += p * w[o];
                }
            for (int o = 0; o < A; o++)
                out[(oy * 12 + ox) * A + o] = fmaxf(sum[o], 0);
        }
}

static void layer_b(const float in[12 * 12 * A], float out[6 * 6 * B])
{
    for (int oy = 0; oy < 6; oy++)
        for (int ox = 0; ox < 6; ox++) {
            float sum[B];
            for (int o = 0; o < B; o++)
                sum[o] = brl_dotnet_b_bias[o];
            for (int ky = 0; ky < 3; ky++)
                for (int kx = 0; kx < 3; kx++) {
                    const int y = 2 * oy + ky - 1, x = 2 * ox + kx - 1;
                    if (y < 0 || x < 0 || y >= 12 || x >= 12)
                        continue;
                    const float *p = in + (y * 12 + x) * A;
                    for (int i = 0; i < A; i++) {
                        const float *w = brl_dotnet_b_weight + ((i * 3 + ky) * 3 + kx) * B;
                        for (int o = 0; o < B; o++)
                            sum[o] += p[i] * w[o];
                    }
                }
            for (int o = 0; o < B; o++)
                out[(oy * 6 + ox) * B + o] = fmaxf(sum[o], 0);
        }
}

static void run(const struct brl_dotnet_view *view, double x, double y, double out[N_OUT])
{
    float patch[SIDE * SIDE], a[12 * 12 * A], b[6 * 6 * B], sum[C];

    cut_patch(view, x, y, patch);
    layer_a(patch, a);
    layer_b(a, b);
    for (int o = 0; o < C; o++)
        sum[o] = brl_dotnet_c_bias[o];
    for (int i = 0; i < 6 * 6 * B; i++)
        for (int o = 0; o < C; o++)
            sum[o] += b[i] * brl_dotnet_c_weight[i * C + o];
    for (int k = 0; k < N_OUT; k++) {
        out[k] = brl_dotnet_d_bias[k];
        for (int o = 0; o < C; o++)
            out[k] += fmaxf(sum[o], 0) * brl_dotnet_d_weight[k * C + o];
    }
}

double brl_dotnet_rate(const struct brl_dotnet_view *view, double x, double y)
{
    double out[N_OUT];

    run(view, x, y, out);
    return out[0];
}

double brl_dotnet_centre(const struct brl_dotnet_view *view, double *x, double *y)
{
    const double t = view->turn_deg * M_PI / 180, c = cos(t), s = sin(t);
    double out[N_OUT];

    run(view, *x, *y, out);
    const double u = fmin(fmax(out[1], -MOST_OFF), MOST_OFF);
    const double v = fmin(fmax(out[2], -MOST_OFF), MOST_OFF);
    *x += (c * u - s * v) / view->scale_x;
    *y += (s * u + c * v) / view->scale_y;
    return out[0];
}
