/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of models/nn share.
 */
#pragma once

#include "nn/nn.h"
#include "vk/kernels.h"

enum {
    NN_MAX_SPEC = 5,
    NN_PORTABLE_LANES = 32, ///< of a workgroup of the portable convolution and attention
};

/** Memory of a tensor. Slots outlive tensors: `nn` keeps them and hands them out again. */
struct nn_slot {
    struct nn_slot *next;
    struct vkc_buffer *buf;
    size_t size;
    struct nn_run *run;                                        ///< whose it is; NULL: idle
    enum { NN_SLOT_USED, NN_SLOT_DONE, NN_SLOT_UPLOAD } state; ///< of a slot with a run
    /** Shape that all values outside lengths are zero for, so that a tensor of the same shape need
     * not clear it; channels 0: none. */
    unsigned channels, length, margin;
    bool fresh;         ///< just made: all zero
    bool pending;       ///< just taken from what its run gave back but has not run past
    bool clearing;      ///< a clear is recorded that has not run yet
    uint64_t last_used; ///< clock of `nn`
};

struct nn_program {
    enum vkc_kernel_id id;
    unsigned n_spec;
    uint32_t spec[NN_MAX_SPEC];
    struct vkc_program *program;
};

struct nn {
    struct vkc_context *ctx; ///< borrowed
    bool portable;
    struct nn_program *programs;
    size_t n_programs;
    struct nn_slot *slots;
    uint64_t clock;
};

struct nn_run {
    struct nn *nn; ///< borrowed
    struct vkc_sequence *sequence;
    struct nn_bound **tensors;
    size_t n_tensors;
    struct nn_topk *topks;
    unsigned epoch; ///< counts nn_run_wait()
};

/** A tensor and its memory, which it gets at its first use. */
struct nn_bound {
    struct nn_tensor t; ///< first: struct nn_tensor * points here
    struct nn_run *run; ///< its owner
    struct nn_slot *slot;
    bool done;
    bool shared; ///< in `epoch` its memory is also used by what was recorded before it
    unsigned epoch;
};

enum nn_use {
    NN_READ,      ///< a kernel reads it: what was never written is zero
    NN_OVERWRITE, ///< a kernel writes every channel of every t
    NN_MODIFY,    ///< a kernel reads and writes, or writes parts
    NN_HOST,      ///< the host is about to write it whole
};

enum nn_weight_kind { NN_CONV, NN_CONV_TRANSPOSED, NN_TABLE, NN_NORM, NN_PATCH };

struct nn_weight {
    enum nn_weight_kind kind;
    unsigned co, ci;       ///< table, norm: co = channels
    unsigned taps, stride; ///< of a transposed one: taps of all phases, and phases
    unsigned octets, tile; ///< stored output channels / 8, a multiple of the tile
    bool half;
    unsigned rows; ///< of a table, and its texels from quad to quad
    unsigned patch_height, patch_width, n_patches;
    struct vkc_buffer *data;
    struct vkc_buffer *extra; ///< bias; positions of a patch filter
};

/* nn.c */
int nn_program(struct nn *nn, enum vkc_kernel_id id, const uint32_t *spec, unsigned n_spec,
               struct vkc_program **ret);
/** Lanes of a workgroup for kernels with and without subgroup operations. */
unsigned nn_lanes(const struct nn *nn, bool subgroups);
bool nn_use_subgroups(const struct nn *nn);
/** Take memory. `pending`: may be what the run gave back but has not run past. */
int nn_slot_take(struct nn_run *run, size_t size, const struct nn_tensor *shape, bool pending,
                 struct nn_slot **ret);
/** After a run: what was given back is idle; `ran` says whether recorded clears took place. */
void nn_slots_settle(struct nn_run *run, bool ran, bool all);

/* weight.c */
/** Sets `tile` and `octets` from `co`. */
void nn_choose_tile(struct nn_weight *w);

/* run.c */
/** Give a tensor memory fit for `use`, recorded in `run` where clearing is needed. */
int nn_bind(struct nn_run *run, const struct nn_tensor *t, enum nn_use use);
/** A buffer with `data`, which lives until the run has run. */
int nn_upload(struct nn_run *run, const void *data, size_t size, struct vkc_buffer **ret);
int nn_dispatch(struct nn_run *run, enum vkc_kernel_id id, const uint32_t *spec, unsigned n_spec,
                struct vkc_buffer *const *bufs, size_t n_bufs, const void *push, size_t push_size,
                const uint32_t groups[3]);

/* knn.c */
void nn_topks_free(struct nn_run *run);

static inline unsigned nn_quads(unsigned channels)
{
    return (channels + 7) / 8 * 2;
}

static inline unsigned nn_ceil_div(unsigned a, unsigned b)
{
    return (a + b - 1) / b;
}

static inline bool nn_same_shape(const struct nn_tensor *a, const struct nn_tensor *b)
{
    return a->channels == b->channels && a->length == b->length;
}
