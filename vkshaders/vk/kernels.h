/* SPDX-License-Identifier: Apache-2.0
 *
 * The kernels of this folder, compiled in, and their push blocks as C sees them. Formulas,
 * bindings and dispatch rules stand at the head of each .comp file. Specialization constant 0 of
 * every kernel is the number of lanes of a workgroup.
 */
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum vkc_kernel_id {
    VKC_CONV1D,
    VKC_CONV1D_HALF,
    VKC_CONV1D_PORTABLE,
    VKC_CONV1D_PORTABLE_HALF,
    VKC_ATTENTION,
    VKC_ATTENTION_PORTABLE,
    VKC_LAYERNORM,
    VKC_SOFTMAX,
    VKC_NORMALIZE,
    VKC_POLAR,
    VKC_ELEMENTWISE,
    VKC_GATHER,
    VKC_PATCH_EMBED,
    VKC_KNN,
    VKC_HARMONIC_SOURCE,
    VKC_N_KERNELS,
};

struct vkc_kernel {
    const char *name;
    const uint32_t *spirv;
    size_t spirv_size;    ///< bytes
    const char *bindings; ///< as in struct vkc_program_params
    uint32_t push_size;
    bool full_subgroups;
};

/** Static. */
const struct vkc_kernel *vkc_kernel(enum vkc_kernel_id id);

struct vkc_push_conv1d {
    int32_t steps, taps, tap_step, row_step;
    int32_t x0, x_step, n_t, octets, quads;
    int32_t y_stride, y0, y_step, y_shift, y_length;
    int32_t r_stride, r0, has_residual, accumulate;
    float pre_slope, post_slope, scale;
};
static_assert(sizeof(struct vkc_push_conv1d) == 84, "conv1d.glsl");

struct vkc_push_attention {
    int32_t seq, quads, x_stride, x0, y_stride, y0;
    float scale;
};
static_assert(sizeof(struct vkc_push_attention) == 28, "attention.comp");

struct vkc_push_layernorm {
    int32_t channels, quads, n_t;
    int32_t x_stride, x0, r_stride, r0, y_stride, y0;
    float eps;
};
static_assert(sizeof(struct vkc_push_layernorm) == 40, "layernorm.comp");

struct vkc_push_rows { ///< softmax, normalize, polar
    int32_t channels, quads, n_t;
    int32_t x_stride, x0, y_stride, y0;
    float limit;
};
static_assert(sizeof(struct vkc_push_rows) == 32, "rows.glsl");

struct vkc_push_elementwise {
    int32_t n_t, x_stride, x0, y_stride, y0;
    float slope, a, b;
};
static_assert(sizeof(struct vkc_push_elementwise) == 32, "elementwise.comp");

struct vkc_push_gather {
    int32_t n_t, quads, x_stride, x0, y_stride, y0, accumulate;
};
static_assert(sizeof(struct vkc_push_gather) == 28, "gather.comp");

struct vkc_push_patch_embed {
    int32_t n_t, quads;
    int32_t channels, width, height, patch_width, patch_height, patches;
    int32_t x0, y_stride, y0;
};
static_assert(sizeof(struct vkc_push_patch_embed) == 44, "patch_embed.comp");

struct vkc_push_knn {
    int32_t n, m, quads, part, x_stride, x0, b_stride, b0;
};
static_assert(sizeof(struct vkc_push_knn) == 32, "knn.comp");

struct vkc_push_harmonic_source {
    int32_t n_t, frames, hop, harmonics, y_stride, y0;
    float bias;
};
static_assert(sizeof(struct vkc_push_harmonic_source) == 28, "harmonic_source.comp");
