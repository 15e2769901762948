/* SPDX-License-Identifier: Apache-2.0
 *
 * Matrices from a mapped file onto the device, some rows at a time: a large model goes through
 * without ever being in memory a second time.
 */
#include "nn/internal.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "nn/weights_file.h"

static const size_t slice_size = (size_t) 1 << 20;
static const float half_max = 65504.0f;

/* What the rows of a device's octet are made of. */
struct rows {
    const struct nn_matrix *parts;
    unsigned n_parts;
    unsigned ci, padded; ///< values of a row, and with the padding to quads
    float *values;       ///< [padded] of one row
    uint16_t *halves;    ///< the same
};

static int rows_init(const struct nn_matrix *parts, unsigned n_parts, unsigned ci, struct rows *r)
{
    *r = (struct rows){parts, n_parts, ci, nn_ceil_div(ci, 4) * 4, NULL, NULL};
    r->values = calloc(r->padded, sizeof(*r->values));
    r->halves = calloc(r->padded, sizeof(*r->halves));
    return r->values && r->halves ? 0 : -ENOMEM;
}

static void rows_done(struct rows *r)
{
    free(r->values);
    free(r->halves);
}

/* NULL beyond the last row. */
static const void *row_of(const struct rows *r, unsigned row, enum nn_dtype *ret)
{
    unsigned part = 0;

    while (part < r->n_parts && row >= r->parts[part].co)
        row -= r->parts[part++].co;
    if (part == r->n_parts)
        return NULL;
    *ret = r->parts[part].type;
    return (const uint8_t *) r->parts[part].values + (size_t) row * r->ci * nn_dtype_size(*ret);
}

/* Can all be held as f16? What a file holds so can. -EBADMSG: a value is no number. */
static int check_range(const struct rows *r, unsigned co, bool *ret)
{
    enum nn_dtype type = NN_F32;
    bool fits = true;

    for (unsigned row = 0; row < co; row++) {
        const void *from = row_of(r, row, &type);
        if (type == NN_F16)
            continue;
        if (!nn_values(from, type, r->ci, r->values))
            return -EBADMSG;
        for (unsigned i = 0; i < r->ci; i++)
            fits &= fabsf(r->values[i]) <= half_max;
    }
    *ret = fits;
    return 0;
}

/* One row as the device holds it. */
static int convert(const struct rows *r, const void *from, enum nn_dtype type, bool half)
{
    uint32_t bad = 0;

    if (!half)
        return nn_values(from, type, r->ci, r->values) ? 0 : -EBADMSG;
    if (type != NN_F16) {
        if (!nn_values(from, type, r->ci, r->values))
            return -EBADMSG;
        for (unsigned i = 0; i < r->ci; i++)
            r->halves[i] = nn_to_half(r->values[i]);
        return 0;
    }
    memcpy(r->halves, from, r->ci * sizeof(*r->halves));
    for (unsigned i = 0; i < r->ci; i++)
        bad |= (r->halves[i] & 0x7c00) == 0x7c00;
    return bad ? -EBADMSG : 0;
}

/* [ci/4][8 co][4 ci] of the eight rows of an octet. */
static int pack_octet(const struct rows *r, unsigned octet, bool half, uint8_t *out)
{
    const size_t quad = half ? 8 : 16;

    for (unsigned lane = 0; lane < 8; lane++) {
        enum nn_dtype type = NN_F32;
        const void *from = row_of(r, octet * 8 + lane, &type);
        const int bad = from ? convert(r, from, type, half) : 0;
        const uint8_t *row = half ? (const uint8_t *) r->halves : (const uint8_t *) r->values;
        if (bad < 0)
            return bad;
        for (unsigned q = 0; q < r->padded / 4; q++)
            if (from)
                memcpy(out + (q * 8 + lane) * quad, row + q * quad, quad);
            else
                memset(out + (q * 8 + lane) * quad, 0, quad);
    }
    return 0;
}

static int put_rows(const struct rows *r, const struct nn_weight *w)
{
    const size_t octet_size = (size_t) r->padded * 8 * (w->half ? 2 : 4);
    const unsigned at_once = (unsigned) MAX(slice_size / octet_size, (size_t) 1);
    CLEANUP_FREE uint8_t *slice = malloc(at_once * octet_size);
    int ret = 0;

    if (!slice)
        return -ENOMEM;
    for (unsigned o = 0; o < w->octets && ret == 0; o += at_once) {
        const unsigned n = MIN(at_once, w->octets - o);
        for (unsigned i = 0; i < n && ret == 0; i++)
            ret = pack_octet(r, o + i, w->half, slice + i * octet_size);
        if (ret == 0)
            ret = vkc_buffer_write(w->data, o * octet_size, slice, n * octet_size);
    }
    return ret;
}

static int put_biases(const struct rows *r, const struct nn_weight *w)
{
    CLEANUP_FREE float *bias = calloc((size_t) w->octets * 8, sizeof(*bias));
    float *at = bias;

    if (!bias)
        return -ENOMEM;
    for (unsigned i = 0; i < r->n_parts; at += r->parts[i++].co)
        if (r->parts[i].bias)
            memcpy(at, r->parts[i].bias, r->parts[i].co * sizeof(*bias));
    return vkc_buffer_write(w->extra, 0, bias, (size_t) w->octets * 8 * sizeof(*bias));
}

static int new_buffers(struct nn *nn, const struct rows *r, struct nn_weight *w)
{
    const size_t size = (size_t) w->octets * 8 * r->padded * (w->half ? 2 : 4);
    int ret = vkc_buffer_new(
        nn->ctx,
        vkc_buffer_params(.size = size, .view = w->half ? VKC_F16X4 : VKC_F32X4, .name = "weight"),
        &w->data);

    if (ret < 0)
        return ret;
    return vkc_buffer_new(
        nn->ctx,
        vkc_buffer_params(.size = (size_t) w->octets * 32, .view = VKC_F32X4, .name = "bias"),
        &w->extra);
}

int nn_weight_linear(struct nn *nn, const struct nn_matrix *parts, unsigned n_parts, unsigned ci,
                     bool half, struct nn_weight **ret)
{
    CLEANUP(nn_weight_freep) struct nn_weight *w = NULL;
    CLEANUP(rows_done) struct rows rows = {0};
    uint64_t co = 0;
    int r;

    for (unsigned i = 0; i < n_parts; i++)
        co += parts[i].co;
    if (co == 0 || co > 1u << 20 || ci == 0 || ci > 1u << 20 || co * ci > 1u << 28)
        return -EINVAL;
    if ((r = rows_init(parts, n_parts, ci, &rows)) < 0)
        return r;
    if (half && (r = check_range(&rows, (unsigned) co, &half)) < 0)
        return r;
    if (!(w = calloc(1, sizeof(*w))))
        return -ENOMEM;
    *w = (struct nn_weight){
        .kind = NN_CONV, .co = (unsigned) co, .ci = ci, .taps = 1, .stride = 1, .half = half};
    nn_choose_tile(w);
    if ((r = new_buffers(nn, &rows, w)) < 0 || (r = put_rows(&rows, w)) < 0 ||
        (r = put_biases(&rows, w)) < 0)
        return r;
    *ret = TAKE_PTR(w);
    return 0;
}
