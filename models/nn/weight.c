/* SPDX-License-Identifier: Apache-2.0
 *
 * Constant data, packed once into the layouts that the kernels read.
 */
#include "nn/internal.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const float half_max = 65504.0f;

static bool fits_half(const float *w, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!(fabsf(w[i]) <= half_max))
            return false;
    return true;
}

static int put(struct nn *nn, const float *data, size_t n, bool half, struct vkc_buffer **ret)
{
    CLEANUP(vkc_buffer_unrefp) struct vkc_buffer *buf = NULL;
    CLEANUP_FREE uint16_t *halves = NULL;
    int r;

    if (half) {
        halves = malloc(n * sizeof(*halves));
        if (!halves)
            return -ENOMEM;
        for (size_t i = 0; i < n; i++)
            halves[i] = nn_to_half(data[i]);
    }
    r = vkc_buffer_new(nn->ctx,
                       vkc_buffer_params(.size = n * (half ? 2 : 4),
                                         .view = half ? VKC_F16X4 : VKC_F32X4, .name = "weight"),
                       &buf);
    if (r >= 0)
        r = vkc_buffer_write(buf, 0, half ? (const void *) halves : data, n * (half ? 2 : 4));
    if (r >= 0)
        *ret = TAKE_PTR(buf);
    return r;
}

struct nn_weight *nn_weight_free(struct nn_weight *w)
{
    if (!w)
        return NULL;
    vkc_buffer_unref(w->data);
    vkc_buffer_unref(w->extra);
    free(w);
    return NULL;
}

static int weight_new(const struct nn_weight *from, struct nn_weight **ret)
{
    struct nn_weight *w = malloc(sizeof(*w));

    if (!w)
        return -ENOMEM;
    *w = *from;
    *ret = w;
    return 0;
}

/* Output channels of a tile, in eights, and all of them, padded to whole tiles. A tile of 32 is the
 * fastest, those of 16 and 8 reach 0.9 and 0.68 of its speed (measured on lavapipe), but waste
 * less when the channels do not fill it. */
void nn_choose_tile(struct nn_weight *w)
{
    static const struct {
        unsigned octets, cost;
    } tiles[] = {{4, 100}, {2, 111}, {1, 147}};
    const unsigned octets = nn_ceil_div(w->co, 8);
    unsigned best = UINT32_MAX;

    for (unsigned i = 0; i < ELEMENTSOF(tiles); i++) {
        const unsigned padded = nn_ceil_div(octets, tiles[i].octets) * tiles[i].octets;

        if (padded * tiles[i].cost < best) {
            best = padded * tiles[i].cost;
            w->tile = tiles[i].octets;
            w->octets = padded;
        }
    }
}

/* One tap of one phase at its place in [phase][co/8][ci/4][tap][8 co][4 ci]. */
static size_t place(const struct nn_weight *w, unsigned taps, unsigned phase, unsigned co,
                    unsigned ci, unsigned tap)
{
    const unsigned quads = nn_ceil_div(w->ci, 4);
    const size_t octet = (size_t) phase * w->octets + co / 8;

    return ((((octet * quads + ci / 4) * taps + tap) * 8 + co % 8) * 4) + ci % 4;
}

static int put_filter(struct nn *nn, struct nn_weight *w, const float *packed, size_t n,
                      const float *bias)
{
    CLEANUP_FREE float *b = calloc((size_t) w->octets * 8, sizeof(*b));
    int r;

    if (!b)
        return -ENOMEM;
    if (bias)
        memcpy(b, bias, w->co * sizeof(*b));
    r = put(nn, packed, n, w->half, &w->data);
    if (r >= 0)
        r = put(nn, b, (size_t) w->octets * 8, false, &w->extra);
    return r;
}

static bool filter_is_sane(unsigned co, unsigned ci, unsigned taps)
{
    return co > 0 && ci > 0 && taps > 0 && co <= 1u << 20 && ci <= 1u << 20 && taps <= 4096 &&
           (uint64_t) co * ci * taps <= 1u << 28;
}

/* An empty filter of the given kind: its tile and storage chosen, room for its `n` packed values.
 */
static int new_filter(const struct nn_weight *shape, const float *w, bool half,
                      struct nn_weight **ret, float **ret_packed, size_t *ret_n)
{
    CLEANUP(nn_weight_freep) struct nn_weight *weight = NULL;

    int r = weight_new(shape, &weight);
    if (r < 0)
        return r;
    nn_choose_tile(weight);
    weight->half = half && fits_half(w, (size_t) weight->co * weight->ci * weight->taps);
    *ret_n = (size_t) weight->octets * nn_ceil_div(weight->ci, 4) * weight->taps * 32;
    *ret_packed = calloc(*ret_n, sizeof(**ret_packed));
    if (!*ret_packed)
        return -ENOMEM;
    *ret = TAKE_PTR(weight);
    return 0;
}

int nn_weight_conv1d(struct nn *nn, const float *w, const float *bias, unsigned co, unsigned ci,
                     unsigned taps, bool half, struct nn_weight **ret)
{
    CLEANUP(nn_weight_freep) struct nn_weight *weight = NULL;
    CLEANUP_FREE float *packed = NULL;
    size_t n;
    int r;

    if (!filter_is_sane(co, ci, taps))
        return -EINVAL;
    r = new_filter(
        &(struct nn_weight){.kind = NN_CONV, .co = co, .ci = ci, .taps = taps, .stride = 1}, w,
        half, &weight, &packed, &n);
    if (r < 0)
        return r;
    for (unsigned o = 0; o < co; o++)
        for (unsigned i = 0; i < ci; i++)
            for (unsigned k = 0; k < taps; k++)
                packed[place(weight, taps, 0, o, i, k)] = w[((size_t) o * ci + i) * taps + k];
    r = put_filter(nn, weight, packed, n, bias);
    if (r >= 0)
        *ret = TAKE_PTR(weight);
    return r;
}

int nn_weight_conv1d_transposed(struct nn *nn, const float *w, const float *bias, unsigned ci,
                                unsigned co, unsigned taps, unsigned stride, bool half,
                                struct nn_weight **ret)
{
    CLEANUP(nn_weight_freep) struct nn_weight *weight = NULL;
    CLEANUP_FREE float *packed = NULL;
    size_t n;
    int r;

    if (!filter_is_sane(co, ci, taps) || stride == 0 || taps % stride || (taps - stride) % 2)
        return -EINVAL;
    r = new_filter(
        &(struct nn_weight){
            .kind = NN_CONV_TRANSPOSED, .co = co, .ci = ci, .taps = taps, .stride = stride},
        w, half, &weight, &packed, &n);
    if (r < 0)
        return r;
    /* phase k % stride holds taps k / stride */
    for (unsigned i = 0; i < ci; i++)
        for (unsigned o = 0; o < co; o++)
            for (unsigned k = 0; k < taps; k++)
                packed[place(weight, taps / stride, k % stride, o, i, k / stride)] =
                    w[((size_t) i * co + o) * taps + k];
    r = put_filter(nn, weight, packed, n, bias);
    if (r >= 0)
        *ret = TAKE_PTR(weight);
    return r;
}

int nn_weight_table(struct nn *nn, const float *w, unsigned rows, unsigned channels,
                    struct nn_weight **ret)
{
    CLEANUP(nn_weight_freep) struct nn_weight *weight = NULL;
    CLEANUP_FREE float *packed = NULL;
    const size_t n = (size_t) nn_quads(channels) * rows * 4;
    int r;

    if (rows == 0 || channels == 0 || channels > 1u << 20 || n > 1u << 29)
        return -EINVAL;
    r = weight_new(&(struct nn_weight){.kind = NN_TABLE, .co = channels, .rows = rows}, &weight);
    if (r < 0)
        return r;
    packed = calloc(n, sizeof(*packed));
    if (!packed)
        return -ENOMEM;
    for (unsigned i = 0; i < rows; i++)
        for (unsigned c = 0; c < channels; c++)
            packed[((size_t) (c / 4) * rows + i) * 4 + c % 4] = w[(size_t) i * channels + c];
    r = put(nn, packed, n, false, &weight->data);
    if (r >= 0)
        *ret = TAKE_PTR(weight);
    return r;
}

int nn_weight_norm(struct nn *nn, const float *gamma, const float *beta, unsigned channels,
                   struct nn_weight **ret)
{
    CLEANUP(nn_weight_freep) struct nn_weight *weight = NULL;
    CLEANUP_FREE float *packed = NULL;
    const size_t n = (size_t) nn_quads(channels) * 4;
    int r;

    if (channels == 0 || channels > 1u << 20)
        return -EINVAL;
    r = weight_new(&(struct nn_weight){.kind = NN_NORM, .co = channels}, &weight);
    if (r < 0)
        return r;
    packed = calloc(2 * n, sizeof(*packed));
    if (!packed)
        return -ENOMEM;
    memcpy(packed, gamma, channels * sizeof(*packed));
    memcpy(packed + n, beta, channels * sizeof(*packed));
    r = put(nn, packed, 2 * n, false, &weight->data);
    if (r >= 0)
        *ret = TAKE_PTR(weight);
    return r;
}

/* [co/4][k][4 co], k = (ci, dy, dx), quads padded to whole tiles of 4. */
static int put_patches(struct nn *nn, struct nn_weight *weight, const float *w)
{
    const size_t size = (size_t) weight->ci * weight->patch_height * weight->patch_width;
    const size_t n = (size_t) nn_ceil_div(weight->co, 16) * 16 * size;
    CLEANUP_FREE float *packed = calloc(n, sizeof(*packed));

    if (!packed)
        return -ENOMEM;
    for (unsigned o = 0; o < weight->co; o++)
        for (size_t k = 0; k < size; k++)
            packed[((o / 4) * size + k) * 4 + o % 4] = w[o * size + k];
    return put(nn, packed, n, false, &weight->data);
}

/* Positions [co/4][1 + patches][4 co], the class row added to the first. */
static int put_places(struct nn *nn, struct nn_weight *weight, const float *class_row,
                      const float *positions)
{
    const unsigned n_tokens = 1 + weight->n_patches, co = weight->co;
    const size_t n = (size_t) nn_ceil_div(co, 16) * 16 * n_tokens;
    CLEANUP_FREE float *packed = calloc(n, sizeof(*packed));

    if (!packed)
        return -ENOMEM;
    for (unsigned t = 0; t < n_tokens; t++)
        for (unsigned o = 0; o < co; o++)
            packed[((size_t) (o / 4) * n_tokens + t) * 4 + o % 4] =
                positions[(size_t) t * co + o] + (t == 0 ? class_row[o] : 0.0f);
    return put(nn, packed, n, false, &weight->extra);
}

int nn_weight_patch(struct nn *nn, const float *w, const float *class_row, const float *positions,
                    unsigned co, unsigned ci, unsigned ph, unsigned pw, unsigned n_patches,
                    struct nn_weight **ret)
{
    CLEANUP(nn_weight_freep) struct nn_weight *weight = NULL;
    int r;

    if (ph > 4096 || pw > 4096 || !filter_is_sane(co, ci, ph) || !filter_is_sane(co, ci * ph, pw) ||
        n_patches == 0 || n_patches > 1u << 20)
        return -EINVAL;
    r = weight_new(&(struct nn_weight){.kind = NN_PATCH,
                                       .co = co,
                                       .ci = ci,
                                       .patch_height = ph,
                                       .patch_width = pw,
                                       .n_patches = n_patches},
                   &weight);
    if (r >= 0)
        r = put_patches(nn, weight, w);
    if (r >= 0)
        r = put_places(nn, weight, class_row, positions);
    if (r >= 0)
        *ret = TAKE_PTR(weight);
    return r;
}
