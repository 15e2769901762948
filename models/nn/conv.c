/* SPDX-License-Identifier: Apache-2.0
 *
 * Convolutions, plain and transposed, and linear layers: all one kernel.
 */
#include "nn/internal.h"

#include <errno.h>
#include <limits.h>

static const struct nn_conv_params plain = {.offset = INT32_MIN};

/* The parts of the push block that do not depend on which kind of convolution it is. */
static void fill_common(struct vkc_push_conv1d *push, const struct nn_weight *w,
                        const struct nn_tensor *x, const struct nn_tensor *y,
                        const struct nn_conv_params *p)
{
    const struct nn_tensor *res = p->residual ? p->residual : y;

    push->steps = (int32_t) (nn_ceil_div(w->ci, 4) * (unsigned) push->taps);
    push->row_step = (int32_t) x->stride - (push->taps - 1) * push->tap_step;
    push->octets = (int32_t) w->octets;
    push->quads = (int32_t) nn_quads(y->channels);
    push->y_stride = (int32_t) y->stride;
    push->y0 = (int32_t) y->margin;
    push->y_length = (int32_t) y->length;
    push->r_stride = (int32_t) res->stride;
    push->r0 = (int32_t) res->margin;
    push->has_residual = p->residual != NULL;
    push->accumulate = p->accumulate;
    push->pre_slope = p->pre_slope;
    push->post_slope = p->post_slope;
    push->scale = p->scale == 0.0f ? 1.0f : p->scale;
}

static int record(struct nn_run *run, const struct nn_weight *w, const struct nn_tensor *x,
                  struct nn_tensor *y, const struct nn_conv_params *p, struct vkc_push_conv1d *push)
{
    const bool fast = nn_use_subgroups(run->nn);
    const unsigned lanes = fast ? nn_lanes(run->nn, true) : NN_PORTABLE_LANES;
    const enum vkc_kernel_id id = fast ? (w->half ? VKC_CONV1D_HALF : VKC_CONV1D)
                                       : (w->half ? VKC_CONV1D_PORTABLE_HALF : VKC_CONV1D_PORTABLE);
    const unsigned t_a_group = fast ? lanes / 8 * 32 : lanes * 2;
    const uint32_t spec[] = {lanes, p->post, p->pre != NN_NONE, p->residual || p->accumulate,
                             w->tile};
    const uint32_t groups[3] = {nn_ceil_div((unsigned) push->n_t, t_a_group), w->octets / w->tile,
                                w->kind == NN_CONV_TRANSPOSED ? w->stride : 1};
    int r;

    fill_common(push, w, x, y, p);
    r = nn_bind(run, x, NN_READ);
    if (r >= 0 && p->residual && p->residual != y)
        r = nn_bind(run, p->residual, NN_READ);
    if (r >= 0)
        r = nn_bind(run, y, p->accumulate || p->residual == y ? NN_MODIFY : NN_OVERWRITE);
    if (r < 0)
        return r;
    struct vkc_buffer *const bufs[] = {
        x->buf, w->data, w->extra, p->residual ? p->residual->buf : x->buf, y->buf, y->buf};

    return nn_dispatch(run, id, spec, ELEMENTSOF(spec), bufs, ELEMENTSOF(bufs), push, sizeof(*push),
                       groups);
}

static bool shapes_fit(const struct nn_weight *w, const struct nn_tensor *x,
                       const struct nn_tensor *y, const struct nn_conv_params *p)
{
    if (x->channels != w->ci || y->channels != w->co || x == y)
        return false;
    if (p->residual && !nn_same_shape(p->residual, y))
        return false;
    if (p->pre != NN_NONE && p->pre != NN_LRELU)
        return false;
    /* the kernel takes the larger of x and slope * x */
    if (p->pre == NN_LRELU && !(p->pre_slope >= 0.0f && p->pre_slope <= 1.0f))
        return false;
    return (unsigned) p->post <= NN_TANH;
}

int nn_conv1d(struct nn_run *run, const struct nn_weight *w, const struct nn_tensor *x,
              struct nn_tensor *y, const struct nn_conv_params *p)
{
    p = p ? p : &plain;
    const int64_t dilation = p->dilation ? p->dilation : 1, stride = p->stride ? p->stride : 1;
    const int64_t reach = dilation * (w->taps - 1); /* from the first tap to the last */
    const int64_t offset = p->offset == INT32_MIN ? -(reach / 2) : p->offset;
    const int64_t last = (int64_t) (y->length - 1) * stride + offset + reach;

    if (w->kind != NN_CONV || !shapes_fit(w, x, y, p) || dilation > 1 << 20 || stride > 1 << 20)
        return -EINVAL;
    if (y->length != (x->length + stride - 1) / stride)
        return -EINVAL;
    if (-offset > (int64_t) x->margin || last > (int64_t) x->length - 1 + x->margin)
        return -EINVAL; /* its zeros do not reach so far */
    struct vkc_push_conv1d push = {
        .taps = (int32_t) w->taps,
        .tap_step = (int32_t) dilation,
        .x0 = (int32_t) (x->margin + offset),
        .x_step = (int32_t) stride,
        .n_t = (int32_t) y->length,
        .y_step = 1,
    };

    return record(run, w, x, y, p, &push);
}

int nn_linear(struct nn_run *run, const struct nn_weight *w, const struct nn_tensor *x,
              struct nn_tensor *y, const struct nn_conv_params *p)
{
    p = p ? p : &plain;
    if (w->taps != 1 || p->stride > 1 || (p->offset != INT32_MIN && p->offset != 0))
        return -EINVAL;
    return nn_conv1d(run, w, x, y, p);
}

/* y[q * stride + z - pad] = sum_j x[q - j] w[z + j * stride]: phase z is a convolution. */
int nn_conv1d_transposed(struct nn_run *run, const struct nn_weight *w, const struct nn_tensor *x,
                         struct nn_tensor *y, const struct nn_conv_params *p)
{
    p = p ? p : &plain;
    if (w->kind != NN_CONV_TRANSPOSED || !shapes_fit(w, x, y, p) || p->dilation > 1 ||
        p->stride > 1 || p->offset != INT32_MIN || y->length != (uint64_t) x->length * w->stride)
        return -EINVAL;
    const unsigned taps = w->taps / w->stride, pad = (w->taps - w->stride) / 2;
    const unsigned n_q = (y->length - 1 + pad) / w->stride + 1;

    if (taps - 1 > x->margin || n_q > x->length + x->margin)
        return -EINVAL;
    struct vkc_push_conv1d push = {
        .taps = (int32_t) taps,
        .tap_step = -1,
        .x0 = (int32_t) x->margin,
        .x_step = 1,
        .n_t = (int32_t) n_q,
        .y_step = (int32_t) w->stride,
        .y_shift = (int32_t) pad,
    };

    return record(run, w, x, y, p, &push);
}
