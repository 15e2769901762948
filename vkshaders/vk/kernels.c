/* SPDX-License-Identifier: Apache-2.0
 *
 * The compiled kernels: the *.spv.inc files are made by glslc at build time.
 */
#include "vk/kernels.h"

#include "base/macro.h"

static const uint32_t conv1d[] =
#include "conv1d.spv.inc"
    ;
static const uint32_t conv1d_half[] =
#include "conv1d_half.spv.inc"
    ;
static const uint32_t conv1d_portable[] =
#include "conv1d_portable.spv.inc"
    ;
static const uint32_t conv1d_portable_half[] =
#include "conv1d_portable_half.spv.inc"
    ;
static const uint32_t attention[] =
#include "attention.spv.inc"
    ;
static const uint32_t attention_portable[] =
#include "attention_portable.spv.inc"
    ;
static const uint32_t layernorm[] =
#include "layernorm.spv.inc"
    ;
static const uint32_t softmax[] =
#include "softmax.spv.inc"
    ;
static const uint32_t normalize[] =
#include "normalize.spv.inc"
    ;
static const uint32_t polar[] =
#include "polar.spv.inc"
    ;
static const uint32_t elementwise[] =
#include "elementwise.spv.inc"
    ;
static const uint32_t gather[] =
#include "gather.spv.inc"
    ;
static const uint32_t patch_embed[] =
#include "patch_embed.spv.inc"
    ;
static const uint32_t knn[] =
#include "knn.spv.inc"
    ;
static const uint32_t harmonic_source[] =
#include "harmonic_source.spv.inc"
    ;

#define CODE(name) #name, name, sizeof(name)

static const struct vkc_kernel kernels[VKC_N_KERNELS] = {
    [VKC_CONV1D] = {CODE(conv1d), "tttttm", sizeof(struct vkc_push_conv1d), true},
    [VKC_CONV1D_HALF] = {CODE(conv1d_half), "tttttm", sizeof(struct vkc_push_conv1d), true},
    [VKC_CONV1D_PORTABLE] = {CODE(conv1d_portable), "tttttm", sizeof(struct vkc_push_conv1d),
                             false},
    [VKC_CONV1D_PORTABLE_HALF] = {CODE(conv1d_portable_half), "tttttm",
                                  sizeof(struct vkc_push_conv1d), false},
    [VKC_ATTENTION] = {CODE(attention), "trw", sizeof(struct vkc_push_attention), true},
    [VKC_ATTENTION_PORTABLE] = {CODE(attention_portable), "trw", sizeof(struct vkc_push_attention),
                                false},
    [VKC_LAYERNORM] = {CODE(layernorm), "tttw", sizeof(struct vkc_push_layernorm), false},
    [VKC_SOFTMAX] = {CODE(softmax), "tw", sizeof(struct vkc_push_rows), false},
    [VKC_NORMALIZE] = {CODE(normalize), "tw", sizeof(struct vkc_push_rows), false},
    [VKC_POLAR] = {CODE(polar), "tw", sizeof(struct vkc_push_rows), false},
    [VKC_ELEMENTWISE] = {CODE(elementwise), "ttm", sizeof(struct vkc_push_elementwise), false},
    [VKC_GATHER] = {CODE(gather), "trtm", sizeof(struct vkc_push_gather), false},
    [VKC_PATCH_EMBED] = {CODE(patch_embed), "tttw", sizeof(struct vkc_push_patch_embed), false},
    [VKC_KNN] = {CODE(knn), "ttww", sizeof(struct vkc_push_knn), false},
    [VKC_HARMONIC_SOURCE] = {CODE(harmonic_source), "tw", sizeof(struct vkc_push_harmonic_source),
                             false},
};

const struct vkc_kernel *vkc_kernel(enum vkc_kernel_id id)
{
    return &kernels[id];
}
