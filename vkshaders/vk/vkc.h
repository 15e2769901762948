/* SPDX-License-Identifier: Apache-2.0
 *
 * A small C layer over Vulkan compute: device, buffer, program, recorded sequence. Nothing outside
 * vkshaders/ includes <vulkan/...>. A context and what is made from it belong to one thread at a
 * time. All return 0 or a negative errno; outputs are untouched on failure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fail.h"

struct vkc_context;
struct vkc_buffer;
struct vkc_program;
struct vkc_sequence;

enum vkc_device_type { VKC_OTHER, VKC_INTEGRATED, VKC_DISCRETE, VKC_VIRTUAL, VKC_CPU };

struct vkc_device_info {
    char name[256];   ///< as the driver names it
    char driver[256]; ///< driver name and version
    enum vkc_device_type type;
    uint32_t subgroup_size;
    bool full_subgroups;         ///< can run kernels with subgroup shuffles; else the portable ones
    uint64_t memory_bytes;       ///< largest device-local heap
    uint32_t max_texel_elements; ///< maxTexelBufferElements
    uint32_t max_storage_bytes;  ///< of a buffer: maxStorageBufferRange, maxMemoryAllocationSize
    bool usable;                 ///< has what the kernels need; else `why`
    char why[128];
};

/** "discrete", "integrated", "virtual", "cpu" or "other". Static string. */
const char *vkc_device_type_name(enum vkc_device_type type);

/** List the devices, best first (discrete, integrated, virtual, CPU). *ret: owned, free().
 * No loader, no driver or no device: FAIL_UNAVAILABLE, -ENODEV, naming the package to install. */
int vkc_devices(struct vkc_device_info **ret, size_t *ret_n, struct fail *fail);

struct vkc_context_params {
    const char *device;    ///< NULL: the best; else an index of vkc_devices() or part of a name
    bool validation;       ///< load VK_LAYER_KHRONOS_validation; its messages are counted
    const char *cache_dir; ///< pipeline cache folder; NULL: none
    bool staging; ///< copy through staging memory even where device memory can be mapped (tests)
};
#define vkc_context_params(...) (&(struct vkc_context_params){__VA_ARGS__})

int vkc_context_new(const struct vkc_context_params *params, struct vkc_context **ret,
                    struct fail *fail);
struct vkc_context *vkc_context_free(struct vkc_context *ctx);
DEFINE_CLEANUP(struct vkc_context *, vkc_context_free);
const struct vkc_device_info *vkc_context_info(const struct vkc_context *ctx);
/** Warnings and errors the validation layer has given so far; `last` (borrowed) may be NULL. */
unsigned vkc_context_n_validation_messages(const struct vkc_context *ctx, const char **last);

/** How shaders see a buffer. Texel formats are read-only `imageBuffer`s on the hot path. */
enum vkc_view {
    VKC_STORAGE, ///< std430 buffer only
    VKC_F32X4,   ///< storage buffer and rgba32f texel buffer
    VKC_F16X4,   ///< rgba16f texel buffer (weights)
};

struct vkc_buffer_params {
    size_t size; ///< bytes, > 0
    enum vkc_view view;
    bool host; ///< mapped for the host; uploads and downloads of other buffers go through a copy
    const char *name; ///< for validation messages; borrowed, may be NULL
};
#define vkc_buffer_params(...) (&(struct vkc_buffer_params){__VA_ARGS__})

/** A zero-filled buffer. Reference-counted: recorded sequences keep what they use alive. */
int vkc_buffer_new(struct vkc_context *ctx, const struct vkc_buffer_params *params,
                   struct vkc_buffer **ret);
struct vkc_buffer *vkc_buffer_unref(struct vkc_buffer *buf);
DEFINE_CLEANUP(struct vkc_buffer *, vkc_buffer_unref);
/** Copy to or from the buffer; blocks; must not overlap a submitted sequence that uses it. */
int vkc_buffer_write(struct vkc_buffer *buf, size_t offset, const void *data, size_t size);
int vkc_buffer_read(struct vkc_buffer *buf, size_t offset, void *data, size_t size);
/** The mapping of a host buffer (borrowed), or NULL. */
void *vkc_buffer_map(struct vkc_buffer *buf);

struct vkc_program_params {
    const char *name;      ///< the kernel's file name, for messages; borrowed
    const uint32_t *spirv; ///< borrowed during the call
    size_t spirv_size;     ///< bytes
    const char *bindings; ///< one letter a binding: 't' texel buffer, 'r' storage read, 'w' storage
                          ///< write, 'm' storage read and write
    uint32_t push_size;   ///< bytes of push constants, <= 128
    const uint32_t *spec; ///< specialization constants 0 .. n_spec-1
    unsigned n_spec;
    bool full_subgroups; ///< require full subgroups (kernels with subgroupShuffle)
};
#define vkc_program_params(...) (&(struct vkc_program_params){__VA_ARGS__})

/** A device that cannot run it: FAIL_UNAVAILABLE. */
int vkc_program_new(struct vkc_context *ctx, const struct vkc_program_params *params,
                    struct vkc_program **ret, struct fail *fail);
struct vkc_program *vkc_program_unref(struct vkc_program *p);
DEFINE_CLEANUP(struct vkc_program *, vkc_program_unref);

/** A recorded list of dispatches. Barriers are derived from what each binding reads and writes. */
int vkc_sequence_new(struct vkc_context *ctx, struct vkc_sequence **ret);
struct vkc_sequence *vkc_sequence_free(struct vkc_sequence *s);
DEFINE_CLEANUP(struct vkc_sequence *, vkc_sequence_free);
/** Record; takes a reference on program and buffers until the sequence is freed or reset. */
int vkc_sequence_dispatch(struct vkc_sequence *s, struct vkc_program *p,
                          struct vkc_buffer *const *bufs, size_t n_bufs, const void *push,
                          size_t push_size, const uint32_t groups[3]);
/** Record a fill of bytes offset .. offset + size (multiples of 4) with zeros. */
int vkc_sequence_clear(struct vkc_sequence *s, struct vkc_buffer *buf, size_t offset, size_t size);
/** Run all that is recorded and wait. Long lists are split into several submits. A device that
 * does not answer within `timeout_usec` (0: 60 s a submit) is lost: -EIO, FAIL_UNAVAILABLE.
 * `cancel` (may be NULL) is looked at between submits: -ECANCELED. May be run again. */
int vkc_sequence_run(struct vkc_sequence *s, uint64_t timeout_usec, const volatile int *cancel,
                     struct fail *fail);
/** Forget what was recorded. */
void vkc_sequence_reset(struct vkc_sequence *s);
