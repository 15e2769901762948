/* SPDX-License-Identifier: Apache-2.0
 *
 * Tensors and operations on top of the kernels of vkshaders. Activations are [channels][length]
 * with the length last in memory (time, or tokens, possibly of many sequences one after the other),
 * stored C4: texel (c / 4) * stride + margin + t holds channels c .. c+3 at t; channels are padded
 * to a multiple of 8 with zeros, `margin` zero texels stand on both sides so that convolutions need
 * no bounds. Operations only record; nn_run_wait() computes. One thread at a time.
 *
 * All return 0 or a negative errno, outputs untouched on failure: -EINVAL for shapes that do not
 * fit (or a tensor given back), -ERANGE for an index out of bounds, -E2BIG for more than the device
 * can bind, -ENOMEM, -EIO once the device is lost.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fail.h"
#include "nn/number.h"
#include "vk/vkc.h"

struct nn;     ///< a context's programs, made at first use
struct nn_run; ///< one recorded forward pass and its scratch tensors

int nn_new(struct vkc_context *ctx /* borrowed */, struct nn **ret);
struct nn *nn_free(struct nn *nn);
DEFINE_CLEANUP(struct nn *, nn_free);
/** What it runs on. */
const struct vkc_device_info *nn_device(const struct nn *nn);
/** Which kernels: true forces the portable ones (no subgroup operations); tests run both. */
void nn_set_portable(struct nn *nn, bool portable);

/* ---- constant data: packed once at load -------------------------------------------------- */

struct nn_weight; ///< matrix or filter with its bias, packed for the kernels

/** `w` [co][ci][taps] (taps = 1: linear, [out][in]); `bias` [co] or NULL. f32 in, rgba16f packed
 * when `half` (and all |w| <= 65504), else rgba32f. */
int nn_weight_conv1d(struct nn *nn, const float *w, const float *bias, unsigned co, unsigned ci,
                     unsigned taps, bool half, struct nn_weight **ret);
/** Some rows of a matrix as a file holds them, their type and address as they are. */
struct nn_matrix {
    const void *values; ///< [co][ci]
    enum nn_dtype type;
    unsigned co;
    const float *bias; ///< [co], or NULL
};
/** The rows of all parts, one after the other, as a linear layer; packed in pieces, so that it
 * takes little more memory than the device's. `half` as above; of f16 it loses nothing. -EBADMSG: a
 * value is infinite or no number. */
int nn_weight_linear(struct nn *nn, const struct nn_matrix *parts, unsigned n_parts, unsigned ci,
                     bool half, struct nn_weight **ret);
/** PyTorch ConvTranspose1d's `w` [ci][co][taps]; taps a multiple of stride, taps - stride even,
 * padding (taps - stride) / 2: length becomes length * stride. The input needs a margin of
 * taps / stride - 1. */
int nn_weight_conv1d_transposed(struct nn *nn, const float *w, const float *bias, unsigned ci,
                                unsigned co, unsigned taps, unsigned stride, bool half,
                                struct nn_weight **ret);
/** Rows of an embedding table: [rows][channels]. */
int nn_weight_table(struct nn *nn, const float *w, unsigned rows, unsigned channels,
                    struct nn_weight **ret);
/** Vectors for layer norm: gamma, beta [channels]. */
int nn_weight_norm(struct nn *nn, const float *gamma, const float *beta, unsigned channels,
                   struct nn_weight **ret);
/** Patch filter [co][ci][ph][pw], class row [co], positions [1 + patches][co]. */
int nn_weight_patch(struct nn *nn, const float *w, const float *class_row, const float *positions,
                    unsigned co, unsigned ci, unsigned ph, unsigned pw, unsigned n_patches,
                    struct nn_weight **ret);
struct nn_weight *nn_weight_free(struct nn_weight *w);
DEFINE_CLEANUP(struct nn_weight *, nn_weight_free);

/* ---- a forward pass ------------------------------------------------------------------------ */

struct nn_tensor {
    unsigned channels, length, margin;
    unsigned stride;        ///< texels of one channel quad: margins included, padded to lines
    struct vkc_buffer *buf; ///< owned by the run; NULL until the tensor is first used
};

/** Begin a pass; its tensors live until nn_run_free(). Buffers are kept by `nn` and used again. */
int nn_run_new(struct nn *nn, struct nn_run **ret);
struct nn_run *nn_run_free(struct nn_run *run);
DEFINE_CLEANUP(struct nn_run *, nn_run_free);
/** Compute all that is recorded since the last call, and wait. */
int nn_run_wait(struct nn_run *run, const volatile int *cancel, struct fail *fail);

/** A zero-filled tensor of this run; `margin` texels (>= 0) of zeros on both sides of each row. It
 * takes memory at its first use. Other runs of the same `nn` may read it while this one lives.
 * An operation widens nothing: give the input of a convolution margin >= dilation * (taps - 1) / 2
 * (for even taps one dilation more). */
int nn_tensor(struct nn_run *run, unsigned channels, unsigned length, unsigned margin,
              struct nn_tensor **ret);
/** Copy host data in before, or out after, nn_run_wait(). Host order [channels][length]. Write
 * inputs before an operation writes the tensor: -EBUSY when its memory may still serve an earlier
 * one. Reading what was never used is -EINVAL. */
int nn_tensor_write(struct nn_tensor *t, const float *data);
int nn_tensor_read(struct nn_tensor *t, float *data);
/** Give a tensor back early, so that a later nn_tensor() of the run may use its memory (the
 * recorded order is the order of execution). It cannot be used or read afterwards. */
void nn_tensor_done(struct nn_run *run, struct nn_tensor *t);

enum nn_activation { NN_NONE, NN_RELU, NN_LRELU, NN_GELU, NN_QUICK_GELU, NN_TANH };

struct nn_conv_params {
    unsigned dilation; ///< 0 means 1
    unsigned stride;   ///< 0 means 1; output length = ceil(length / stride)
    int offset;        ///< input index of tap 0 at output 0; INT_MIN: -(dilation * (taps - 1) / 2)
    enum nn_activation pre;  ///< on the input as it is read (NN_NONE or NN_LRELU)
    float pre_slope;         ///< 0 .. 1
    enum nn_activation post; ///< on the sum with the bias
    float post_slope;
    const struct nn_tensor *residual; ///< added after `post`; same shape as y; may be y itself
    float scale;                      ///< y = scale * (...); 0 means 1
    bool accumulate;                  ///< y += instead of y =
};
#define nn_conv_params(...) (&(struct nn_conv_params){.offset = INT32_MIN, __VA_ARGS__})

/** y = scale * (post(bias + sum_ci,k w[co][ci][k] pre(x[ci][t*stride + offset + k*dilation]))
 * + residual). `p` may be NULL; y is not x; x's margin must cover all that is read. */
int nn_conv1d(struct nn_run *run, const struct nn_weight *w, const struct nn_tensor *x,
              struct nn_tensor *y, const struct nn_conv_params *p);
/** The same with one tap: y = W x. */
int nn_linear(struct nn_run *run, const struct nn_weight *w, const struct nn_tensor *x,
              struct nn_tensor *y, const struct nn_conv_params *p);
int nn_conv1d_transposed(struct nn_run *run, const struct nn_weight *w, const struct nn_tensor *x,
                         struct nn_tensor *y, const struct nn_conv_params *p);
/** Patch embedding of n pictures [n][ci][h][w] (x: channels = 1, length = n*ci*h*w, margin 0):
 * y[co][n * (1 + patches)], token 0 the class row, positions added. */
int nn_patch_embed(struct nn_run *run, const struct nn_weight *w, const struct nn_tensor *x,
                   unsigned n, unsigned height, unsigned width, struct nn_tensor *y);
/** Layer norm over channels at each t; `residual` (or NULL) is added to x first. y may be x. */
int nn_layernorm(struct nn_run *run, const struct nn_weight *w, const struct nn_tensor *x,
                 const struct nn_tensor *residual, float eps, struct nn_tensor *y);
/** Multi-head self-attention. qkv has 3*D channels (q|k|v), sequences of `seq` tokens one after
 * the other; `valid` (host array, one per sequence, 1 .. seq, or NULL) = how many tokens may be
 * attended to. D / heads is a multiple of 4 up to 128.
 * y[D] = softmax(q k / sqrt(D / heads)) v. Softmax is inside, streamed; no seq x seq buffer. */
int nn_attention(struct nn_run *run, const struct nn_tensor *qkv, unsigned heads, unsigned seq,
                 const uint32_t *valid, struct nn_tensor *y);
/* The models here fold the next three into other operations; they are for tests and for networks
 * that are imported later. */
/** Softmax over channels at each t. */
int nn_softmax(struct nn_run *run, const struct nn_tensor *x, struct nn_tensor *y);
/** y = f(x), channel by channel. */
int nn_activate(struct nn_run *run, enum nn_activation f, float slope, const struct nn_tensor *x,
                struct nn_tensor *y);
/** y = a * x + b * y */
int nn_axpby(struct nn_run *run, float a, const struct nn_tensor *x, float b, struct nn_tensor *y);

/** y[c][t] (+)= table[ids[t]][c]; ids host array, checked against the table: -ERANGE. */
int nn_embedding(struct nn_run *run, const struct nn_weight *table, const uint32_t *ids, unsigned n,
                 bool accumulate, struct nn_tensor *y);
/** y[c][t] = x[c][index[t]]: length regulation, class-token gather. index host array, n =
 * y->length, checked against x->length: -ERANGE. */
int nn_gather(struct nn_run *run, const struct nn_tensor *x, const uint32_t *index, unsigned n,
              struct nn_tensor *y);
/** y = x / |x| over channels at each t. */
int nn_normalize(struct nn_run *run, const struct nn_tensor *x, struct nn_tensor *y);
/** Dot-product nearest neighbours: queries [channels][n], bank [channels][m]. For each query the k
 * (1 .. 16) largest a.b, best first, ties to the lower index. Outputs are read by nn_topk_read().
 */
struct nn_topk;
int nn_knn(struct nn_run *run, const struct nn_tensor *queries, const struct nn_tensor *bank,
           unsigned k, struct nn_topk **ret /* owned by the run */);
int nn_topk_read(const struct nn_topk *t, uint32_t *index /* [n][k] */, float *dot /* [n][k] */);
/** exp/cos/sin head of the inverse-STFT generator: x [2h][t] log-magnitudes | phase inputs ->
 * y [2h] = e cos(p) | e sin(p), e = exp(min(x, max_log)), p = pi sin(x). */
int nn_polar(struct nn_run *run, const struct nn_tensor *x, float max_log, struct nn_tensor *y);
/** Harmonic source: per frame of `hop` samples the phase in cycles at its centre, its step to the
 * next frame and voicing -> samples as a tensor of 4 channels: channel i at t is sample 4t + i.
 * s = tanh(bias + sum_h weights[h-1] * scale * sin(2 pi h cycles) * voiced). hop a multiple of 4.
 */
int nn_harmonic_source(struct nn_run *run, const double *f0_hz, unsigned n_frames, unsigned hop,
                       unsigned rate, const float *weights, unsigned n_harmonics, float scale,
                       float bias, struct nn_tensor *y);
