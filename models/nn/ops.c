/* SPDX-License-Identifier: Apache-2.0
 *
 * The light operations: norms, activations, sums, look-ups, attention and the vocoder's ends.
 */
#include "nn/internal.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

/* Room for the last lane of a row kernel. */
static uint32_t groups_for(const struct nn *nn, unsigned n, unsigned t_a_lane)
{
    return nn_ceil_div(n, nn_lanes(nn, false) * t_a_lane);
}

int nn_layernorm(struct nn_run *run, const struct nn_weight *w, const struct nn_tensor *x,
                 const struct nn_tensor *residual, float eps, struct nn_tensor *y)
{
    const struct nn_tensor *res = residual ? residual : x;
    const uint32_t spec[] = {nn_lanes(run->nn, false), residual != NULL};
    const uint32_t groups[] = {groups_for(run->nn, x->length, 1), 1, 1};
    int r;

    if (w->kind != NN_NORM || w->co != x->channels || !nn_same_shape(x, y) ||
        !nn_same_shape(x, res) || !(eps >= 0.0f))
        return -EINVAL;
    r = nn_bind(run, x, NN_READ);
    if (r >= 0)
        r = nn_bind(run, res, NN_READ);
    if (r >= 0)
        r = nn_bind(run, y, NN_OVERWRITE);
    if (r < 0)
        return r;
    const struct vkc_push_layernorm push = {
        .channels = (int32_t) x->channels,
        .quads = (int32_t) nn_quads(x->channels),
        .n_t = (int32_t) x->length,
        .x_stride = (int32_t) x->stride,
        .x0 = (int32_t) x->margin,
        .r_stride = (int32_t) res->stride,
        .r0 = (int32_t) res->margin,
        .y_stride = (int32_t) y->stride,
        .y0 = (int32_t) y->margin,
        .eps = eps,
    };
    struct vkc_buffer *const bufs[] = {x->buf, res->buf, w->data, y->buf};

    return nn_dispatch(run, VKC_LAYERNORM, spec, ELEMENTSOF(spec), bufs, ELEMENTSOF(bufs), &push,
                       sizeof(push), groups);
}

/* Softmax, normalize and polar share bindings and push block. */
static int rows(struct nn_run *run, enum vkc_kernel_id id, const struct nn_tensor *x, float limit,
                unsigned n_y, struct nn_tensor *y)
{
    const uint32_t spec[] = {nn_lanes(run->nn, false)};
    const uint32_t groups[] = {groups_for(run->nn, x->length, 1), n_y, 1};
    int r;

    if (!nn_same_shape(x, y))
        return -EINVAL;
    r = nn_bind(run, x, NN_READ);
    if (r >= 0)
        r = nn_bind(run, y, NN_OVERWRITE);
    if (r < 0)
        return r;
    const struct vkc_push_rows push = {
        .channels = (int32_t) x->channels,
        .quads = (int32_t) nn_quads(x->channels),
        .n_t = (int32_t) x->length,
        .x_stride = (int32_t) x->stride,
        .x0 = (int32_t) x->margin,
        .y_stride = (int32_t) y->stride,
        .y0 = (int32_t) y->margin,
        .limit = limit,
    };
    struct vkc_buffer *const bufs[] = {x->buf, y->buf};

    return nn_dispatch(run, id, spec, 1, bufs, ELEMENTSOF(bufs), &push, sizeof(push), groups);
}

int nn_softmax(struct nn_run *run, const struct nn_tensor *x, struct nn_tensor *y)
{
    return rows(run, VKC_SOFTMAX, x, 0.0f, 1, y);
}

int nn_normalize(struct nn_run *run, const struct nn_tensor *x, struct nn_tensor *y)
{
    return rows(run, VKC_NORMALIZE, x, 1e-12f, 1, y);
}

int nn_polar(struct nn_run *run, const struct nn_tensor *x, float max_log, struct nn_tensor *y)
{
    if (x == y || x->channels % 2)
        return -EINVAL;
    return rows(run, VKC_POLAR, x, max_log, nn_quads(x->channels), y);
}

static int elementwise(struct nn_run *run, enum nn_activation f, float slope, float a,
                       const struct nn_tensor *x, float b, struct nn_tensor *y)
{
    const uint32_t spec[] = {nn_lanes(run->nn, false), f};
    const uint32_t groups[] = {groups_for(run->nn, x->length, 4), nn_quads(x->channels), 1};
    int r;

    if (!nn_same_shape(x, y) || (unsigned) f > NN_TANH)
        return -EINVAL;
    r = nn_bind(run, x, NN_READ);
    if (r >= 0)
        r = nn_bind(run, y, b != 0.0f ? NN_MODIFY : NN_OVERWRITE);
    if (r < 0)
        return r;
    const struct vkc_push_elementwise push = {
        .n_t = (int32_t) x->length,
        .x_stride = (int32_t) x->stride,
        .x0 = (int32_t) x->margin,
        .y_stride = (int32_t) y->stride,
        .y0 = (int32_t) y->margin,
        .slope = slope,
        .a = a,
        .b = b,
    };
    struct vkc_buffer *const bufs[] = {x->buf, y->buf, y->buf};

    return nn_dispatch(run, VKC_ELEMENTWISE, spec, 2, bufs, ELEMENTSOF(bufs), &push, sizeof(push),
                       groups);
}

int nn_activate(struct nn_run *run, enum nn_activation f, float slope, const struct nn_tensor *x,
                struct nn_tensor *y)
{
    return elementwise(run, f, slope, 1.0f, x, 0.0f, y);
}

int nn_axpby(struct nn_run *run, float a, const struct nn_tensor *x, float b, struct nn_tensor *y)
{
    return elementwise(run, NN_NONE, 0.0f, a, x, b, y);
}

static int gather(struct nn_run *run, struct vkc_buffer *from, unsigned stride, unsigned margin,
                  const uint32_t *index, bool accumulate, struct nn_tensor *y)
{
    const unsigned quads = nn_quads(y->channels);
    const uint32_t spec[] = {nn_lanes(run->nn, false)};
    const uint32_t groups[] = {groups_for(run->nn, y->length, 1), nn_ceil_div(quads, 8), 1};
    struct vkc_buffer *indices = NULL;
    int r;

    r = nn_bind(run, y, accumulate ? NN_MODIFY : NN_OVERWRITE);
    if (r >= 0)
        r = nn_upload(run, index, y->length * sizeof(*index), &indices);
    if (r < 0)
        return r;
    const struct vkc_push_gather push = {
        .n_t = (int32_t) y->length,
        .quads = (int32_t) quads,
        .x_stride = (int32_t) stride,
        .x0 = (int32_t) margin,
        .y_stride = (int32_t) y->stride,
        .y0 = (int32_t) y->margin,
        .accumulate = accumulate,
    };
    struct vkc_buffer *const bufs[] = {from, indices, y->buf, y->buf};

    return nn_dispatch(run, VKC_GATHER, spec, 1, bufs, ELEMENTSOF(bufs), &push, sizeof(push),
                       groups);
}

static int check_index(const uint32_t *index, unsigned n, unsigned limit)
{
    for (unsigned i = 0; i < n; i++)
        if (index[i] >= limit)
            return -ERANGE;
    return 0;
}

int nn_embedding(struct nn_run *run, const struct nn_weight *table, const uint32_t *ids, unsigned n,
                 bool accumulate, struct nn_tensor *y)
{
    int r;

    if (table->kind != NN_TABLE || table->co != y->channels || n != y->length)
        return -EINVAL;
    r = check_index(ids, n, table->rows);
    if (r < 0)
        return r;
    return gather(run, table->data, table->rows, 0, ids, accumulate, y);
}

int nn_gather(struct nn_run *run, const struct nn_tensor *x, const uint32_t *index, unsigned n,
              struct nn_tensor *y)
{
    int r;

    if (x == y || x->channels != y->channels || n != y->length)
        return -EINVAL;
    r = check_index(index, n, x->length);
    if (r >= 0)
        r = nn_bind(run, x, NN_READ);
    if (r < 0)
        return r;
    return gather(run, x->buf, x->stride, x->margin, index, false, y);
}

int nn_patch_embed(struct nn_run *run, const struct nn_weight *w, const struct nn_tensor *x,
                   unsigned n, unsigned height, unsigned width, struct nn_tensor *y)
{
    const unsigned quads = nn_quads(w->co);
    const uint32_t spec[] = {nn_lanes(run->nn, false)};
    const uint32_t groups[] = {groups_for(run->nn, y->length, 4), nn_ceil_div(quads, 4), 1};
    int r;

    if (w->kind != NN_PATCH || n == 0 || height == 0 || width == 0 || height > 1u << 15 ||
        width > 1u << 15 || height % w->patch_height || width % w->patch_width)
        return -EINVAL;
    if (height / w->patch_height * (width / w->patch_width) != w->n_patches || x->channels != 1 ||
        x->length != (uint64_t) n * w->ci * height * width || y->channels != w->co ||
        y->length != (uint64_t) n * (1 + w->n_patches))
        return -EINVAL;
    r = nn_bind(run, x, NN_READ);
    if (r >= 0)
        r = nn_bind(run, y, NN_OVERWRITE);
    if (r < 0)
        return r;
    const struct vkc_push_patch_embed push = {
        .n_t = (int32_t) y->length,
        .quads = (int32_t) quads,
        .channels = (int32_t) w->ci,
        .width = (int32_t) width,
        .height = (int32_t) height,
        .patch_width = (int32_t) w->patch_width,
        .patch_height = (int32_t) w->patch_height,
        .patches = (int32_t) w->n_patches,
        .x0 = (int32_t) x->margin,
        .y_stride = (int32_t) y->stride,
        .y0 = (int32_t) y->margin,
    };
    struct vkc_buffer *const bufs[] = {x->buf, w->data, w->extra, y->buf};

    return nn_dispatch(run, VKC_PATCH_EMBED, spec, 1, bufs, ELEMENTSOF(bufs), &push, sizeof(push),
                       groups);
}

/* How many keys each sequence has, on the device. */
static int upload_valid(struct nn_run *run, const uint32_t *valid, unsigned n, unsigned seq,
                        struct vkc_buffer **ret)
{
    CLEANUP_FREE uint32_t *all = malloc(n * sizeof(*all));

    if (!all)
        return -ENOMEM;
    for (unsigned i = 0; i < n; i++) {
        all[i] = valid ? valid[i] : seq;
        if (all[i] == 0 || all[i] > seq)
            return -ERANGE;
    }
    return nn_upload(run, all, n * sizeof(*all), ret);
}

int nn_attention(struct nn_run *run, const struct nn_tensor *qkv, unsigned heads, unsigned seq,
                 const uint32_t *valid, struct nn_tensor *y)
{
    const unsigned d = y->channels;
    const bool fast = nn_use_subgroups(run->nn);
    const unsigned lanes = fast ? nn_lanes(run->nn, true) : NN_PORTABLE_LANES;
    const unsigned queries = lanes / 8 * (fast ? 32 : 8);
    struct vkc_buffer *keys = NULL;
    int r;

    if (qkv == y || heads == 0 || seq == 0 || d % heads || d / heads % 4 || d / heads > 128 ||
        qkv->channels != 3 * d || qkv->length != y->length || y->length % seq)
        return -EINVAL;
    const unsigned n = y->length / seq, head = d / heads;
    const uint32_t spec[] = {lanes, head / 4};
    const uint32_t groups[] = {nn_ceil_div(seq, queries), heads, n};

    r = nn_bind(run, qkv, NN_READ);
    if (r >= 0) /* with an odd number of quads the last of the padding is not written */
        r = nn_bind(run, y, d % 8 ? NN_MODIFY : NN_OVERWRITE);
    if (r >= 0)
        r = upload_valid(run, valid, n, seq, &keys);
    if (r < 0)
        return r;
    const struct vkc_push_attention push = {
        .seq = (int32_t) seq,
        .quads = (int32_t) (d / 4),
        .x_stride = (int32_t) qkv->stride,
        .x0 = (int32_t) qkv->margin,
        .y_stride = (int32_t) y->stride,
        .y0 = (int32_t) y->margin,
        .scale = 1.0f / sqrtf((float) head),
    };
    struct vkc_buffer *const bufs[] = {qkv->buf, keys, y->buf};

    return nn_dispatch(run, fast ? VKC_ATTENTION : VKC_ATTENTION_PORTABLE, spec, ELEMENTSOF(spec),
                       bufs, ELEMENTSOF(bufs), &push, sizeof(push), groups);
}

/* Frames as the kernel reads them, then the weights; see harmonic_source.comp. */
static float *harmonic_frames(const double *f0_hz, unsigned n_frames, double frames_a_second,
                              const float *weights, unsigned n_harmonics, float scale,
                              size_t *ret_n)
{
    const size_t n = 4 * ((size_t) n_frames + nn_ceil_div(n_harmonics, 4));
    float *out = calloc(n, sizeof(*out));
    double cycles = 0;

    if (!out)
        return NULL;
    for (unsigned i = 0; i < n_frames; i++) {
        cycles = fmod(cycles + f0_hz[i] / frames_a_second, 1.0);
        out[4 * i] = (float) cycles;
        out[4 * i + 1] = i + 1 < n_frames ? (float) (f0_hz[i + 1] / frames_a_second) : 0.0f;
        out[4 * i + 2] = f0_hz[i] > 10.0;
    }
    for (unsigned i = 0; i < n_harmonics; i++)
        out[4 * (size_t) n_frames + i] = weights[i] * scale;
    *ret_n = n;
    return out;
}

int nn_harmonic_source(struct nn_run *run, const double *f0_hz, unsigned n_frames, unsigned hop,
                       unsigned rate, const float *weights, unsigned n_harmonics, float scale,
                       float bias, struct nn_tensor *y)
{
    const uint32_t spec[] = {nn_lanes(run->nn, false)};
    const uint32_t groups[] = {groups_for(run->nn, y->length, 1), 1, 1};
    CLEANUP_FREE float *data = NULL;
    struct vkc_buffer *frames = NULL;
    size_t n = 0;
    int r;

    if (n_frames == 0 || hop == 0 || hop % 4 || rate == 0 || n_harmonics == 0 ||
        n_harmonics > 256 || y->channels != 4 || y->length != (uint64_t) n_frames * (hop / 4))
        return -EINVAL;
    for (unsigned i = 0; i < n_frames; i++)
        if (!(f0_hz[i] >= 0.0 && f0_hz[i] <= rate))
            return -ERANGE;
    data = harmonic_frames(f0_hz, n_frames, (double) rate / hop, weights, n_harmonics, scale, &n);
    if (!data)
        return -ENOMEM;
    r = nn_upload(run, data, n * sizeof(*data), &frames);
    if (r >= 0)
        r = nn_bind(run, y, NN_OVERWRITE);
    if (r < 0)
        return r;
    const struct vkc_push_harmonic_source push = {
        .n_t = (int32_t) y->length,
        .frames = (int32_t) n_frames,
        .hop = (int32_t) hop,
        .harmonics = (int32_t) n_harmonics,
        .y_stride = (int32_t) y->stride,
        .y0 = (int32_t) y->margin,
        .bias = bias,
    };
    struct vkc_buffer *const bufs[] = {frames, y->buf};

    return nn_dispatch(run, VKC_HARMONIC_SOURCE, spec, 1, bufs, ELEMENTSOF(bufs), &push,
                       sizeof(push), groups);
}
