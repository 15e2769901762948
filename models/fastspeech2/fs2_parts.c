/* SPDX-License-Identifier: Apache-2.0
 *
 * What both arrangements have: FFT blocks, predictors, sinusoids, and the count of frames.
 */
#include "fastspeech2/fs2_model.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

static const float norm_eps = 1e-5f;

unsigned fs2_margin(const struct fs2 *m)
{
    unsigned taps = MAX(MAX(m->taps, m->variance_taps), MAX(m->duration_taps, m->predictor_taps));

    return taps / 2;
}

int fs2_record_block(const struct fs2 *m, struct nn_run *run, const struct fs2_block *b,
                     struct nn_tensor *x)
{
    const unsigned h = m->hidden, n = x->length;
    struct nn_tensor *qkv, *y, *f;
    int r;

    if ((r = nn_tensor(run, 3 * h, n, 0, &qkv)) < 0 || (r = nn_tensor(run, h, n, 0, &y)) < 0 ||
        (r = nn_linear(run, b->qkv, x, qkv, nn_conv_params())) < 0 ||
        (r = nn_attention(run, qkv, m->heads, n, NULL, y)) < 0 ||
        (r = nn_linear(run, b->out, y, x, nn_conv_params(.residual = x))) < 0 ||
        (r = nn_layernorm(run, b->norm1, x, NULL, norm_eps, x)) < 0)
        return r;
    nn_tensor_done(run, qkv);
    nn_tensor_done(run, y);
    if ((r = nn_tensor(run, m->ffn, n, m->ffn_taps / 2, &f)) < 0 ||
        (r = nn_conv1d(run, b->conv1, x, f, nn_conv_params(.post = NN_RELU))) < 0 ||
        (r = nn_conv1d(run, b->conv2, f, x, nn_conv_params(.residual = x))) < 0 ||
        (r = nn_layernorm(run, b->norm2, x, NULL, norm_eps, x)) < 0)
        return r;
    nn_tensor_done(run, f);
    return 0;
}

int fs2_record_predictor(struct nn_run *run, const struct fs2_predictor *p,
                         const struct nn_tensor *x, unsigned n_out, struct nn_tensor **y)
{
    const unsigned n = x->length;
    struct nn_tensor *a, *b;
    int r;

    if ((r = nn_tensor(run, p->width, n, p->taps / 2, &a)) < 0 ||
        (r = nn_tensor(run, p->width, n, 0, &b)) < 0 || (r = nn_tensor(run, n_out, n, 0, y)) < 0 ||
        (r = nn_conv1d(run, p->conv1, x, a, nn_conv_params(.post = NN_RELU))) < 0 ||
        (r = nn_layernorm(run, p->norm1, a, NULL, norm_eps, a)) < 0 ||
        (r = nn_conv1d(run, p->conv2, a, b, nn_conv_params(.post = NN_RELU))) < 0 ||
        (r = nn_layernorm(run, p->norm2, b, NULL, norm_eps, b)) < 0 ||
        (r = nn_linear(run, p->linear, b, *y, nn_conv_params())) < 0)
        return r;
    nn_tensor_done(run, a);
    nn_tensor_done(run, b);
    return 0;
}

int fs2_record_angles(const struct fs2 *m, struct nn_run *run, struct nn_tensor *x)
{
    CLEANUP_FREE uint32_t *place = malloc(x->length * sizeof(*place));

    if (!place)
        return -ENOMEM;
    for (uint32_t t = 0; t < x->length; t++)
        place[t] = t;
    return nn_embedding(run, m->angles, place, x->length, true, x);
}

double fs2_contour_at(const struct fs2_params *q, double at)
{
    const struct fs2_point *c = q->contour;
    size_t i = 0;

    if (q->n_contour == 0)
        return 1;
    while (i < q->n_contour && c[i].at <= at)
        i++;
    if (i == 0 || i == q->n_contour)
        return c[i == 0 ? 0 : i - 1].factor;
    const double part = (at - c[i - 1].at) / (c[i].at - c[i - 1].at);
    return c[i - 1].factor + part * (c[i].factor - c[i - 1].factor);
}

int fs2_add_duration(struct fs2_pass *p, unsigned phone, float frames)
{
    p->s.durations[phone] = frames >= 1 ? (unsigned) fminf(frames, FS2_MAX_FRAMES + 1) : 0;
    p->s.n_frames += p->s.durations[phone]; /* <= 1000 * 4001 */
    if (p->s.n_frames > FS2_MAX_FRAMES)
        return fail_set(p->fail, FAIL_INPUT, -E2BIG,
                        "a sentence would last more than %u s; put a full stop into it",
                        FS2_MAX_FRAMES * p->m->hop / p->m->rate_hz);
    return 0;
}

int fs2_make_room(struct fs2_pass *p)
{
    p->s.n_mels = p->m->n_mels;
    p->s.mel = malloc((size_t) p->m->n_mels * p->s.n_frames * sizeof(*p->s.mel));
    p->s.f0_hz = calloc(p->s.n_frames, sizeof(*p->s.f0_hz));
    return p->s.mel && p->s.f0_hz ? 0 : -ENOMEM;
}
