/* SPDX-License-Identifier: Apache-2.0
 *
 * A recorded pass and its tensors. A tensor gets memory at its first use, when it is known
 * whether it must be clean: a kernel that writes it whole only needs clean margins, and memory
 * that last held the same shape has them.
 */
#include "nn/internal.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

int nn_run_new(struct nn *nn, struct nn_run **ret)
{
    struct nn_run *run = calloc(1, sizeof(*run));
    int r;

    if (!run)
        return -ENOMEM;
    run->nn = nn;
    r = vkc_sequence_new(nn->ctx, &run->sequence);
    if (r < 0) {
        free(run);
        return r;
    }
    *ret = run;
    return 0;
}

struct nn_run *nn_run_free(struct nn_run *run)
{
    if (!run)
        return NULL;
    nn_slots_settle(run, false, true);
    nn_topks_free(run);
    vkc_sequence_free(run->sequence);
    for (size_t i = 0; i < run->n_tensors; i++)
        free(run->tensors[i]);
    free(run->tensors);
    free(run);
    return NULL;
}

int nn_run_wait(struct nn_run *run, const volatile int *cancel, struct fail *fail)
{
    const int r = vkc_sequence_run(run->sequence, 0, cancel, fail);

    vkc_sequence_reset(run->sequence);
    nn_slots_settle(run, r >= 0, false);
    run->epoch++;
    return r;
}

int nn_dispatch(struct nn_run *run, enum vkc_kernel_id id, const uint32_t *spec, unsigned n_spec,
                struct vkc_buffer *const *bufs, size_t n_bufs, const void *push, size_t push_size,
                const uint32_t groups[3])
{
    struct vkc_program *program = NULL;
    int r = nn_program(run->nn, id, spec, n_spec, &program);

    if (r < 0)
        return r;
    return vkc_sequence_dispatch(run->sequence, program, bufs, n_bufs, push, push_size, groups);
}

/* Rows a multiple of 128 bytes; one that is a multiple of 1 KiB would put all rows of a tile on
 * the same few cache lines. */
static unsigned row_stride(unsigned length, unsigned margin)
{
    const unsigned stride = (length + 2 * margin + 7) / 8 * 8;

    return stride % 64 ? stride : stride + 8;
}

static size_t size_of(const struct nn_tensor *t)
{
    return (size_t) nn_quads(t->channels) * t->stride * 16;
}

int nn_tensor(struct nn_run *run, unsigned channels, unsigned length, unsigned margin,
              struct nn_tensor **ret)
{
    const struct vkc_device_info *info = vkc_context_info(run->nn->ctx);
    struct nn_bound **tensors;
    struct nn_bound *b;

    if (channels == 0 || length == 0)
        return -EINVAL;
    if (channels > 1u << 20 || length > 1u << 28 || margin > 1u << 20)
        return -E2BIG;
    tensors = reallocarray(run->tensors, run->n_tensors + 1, sizeof(struct nn_bound *));
    if (!tensors)
        return -ENOMEM;
    run->tensors = tensors;
    b = calloc(1, sizeof(*b));
    if (!b)
        return -ENOMEM;
    b->run = run;
    b->t = (struct nn_tensor){.channels = channels,
                              .length = length,
                              .margin = margin,
                              .stride = row_stride(length, margin)};
    if (size_of(&b->t) > info->max_storage_bytes ||
        size_of(&b->t) / 16 > info->max_texel_elements) {
        free(b);
        return -E2BIG;
    }
    tensors[run->n_tensors++] = b;
    *ret = &b->t;
    return 0;
}

static struct nn_bound *bound(const struct nn_tensor *t)
{
    return (struct nn_bound *) t; /* the first member; callers hold it const, we bind lazily */
}

/* Nothing is known of what the slot holds. */
static void set_dirty(struct nn_slot *s)
{
    s->channels = 0;
}

static bool slot_is_clean(const struct nn_slot *s, const struct nn_tensor *t)
{
    return s->channels == t->channels && s->length == t->length && s->margin == t->margin;
}

static void set_clean(struct nn_slot *s, const struct nn_tensor *t)
{
    s->channels = t->channels;
    s->length = t->length;
    s->margin = t->margin;
}

static int clear_now(struct vkc_buffer *buf, size_t size)
{
    CLEANUP_FREE void *zeros = NULL;

    if (vkc_buffer_map(buf)) {
        memset(vkc_buffer_map(buf), 0, size);
        return 0;
    }
    zeros = calloc(1, size);
    return zeros ? vkc_buffer_write(buf, 0, zeros, size) : -ENOMEM;
}

/* Fresh memory needs no clearing; what else does depends on the use. */
static int clean(struct nn_run *run, struct nn_bound *b, enum nn_use use, bool fresh)
{
    struct nn_slot *s = b->slot;
    int r = 0;

    if (fresh || use == NN_HOST || (use == NN_OVERWRITE && slot_is_clean(s, &b->t)))
        return 0;
    if (use == NN_READ) {
        r = clear_now(s->buf, size_of(&b->t));
    } else {
        r = vkc_sequence_clear(run->sequence, s->buf, 0, size_of(&b->t));
        s->clearing = b->shared = true;
    }
    if (r >= 0)
        set_clean(s, &b->t);
    return r;
}

int nn_bind(struct nn_run *run, const struct nn_tensor *t, enum nn_use use)
{
    struct nn_bound *b = bound(t);
    const bool pending = use == NN_OVERWRITE || use == NN_MODIFY;
    bool fresh;
    int r;

    if (b->done)
        return -EINVAL;
    if (b->slot)
        return 0;
    r = nn_slot_take(b->run, size_of(t), t, pending && b->run == run, &b->slot);
    if (r < 0)
        return r;
    fresh = b->slot->fresh;
    b->shared = b->slot->pending;
    b->epoch = b->run->epoch;
    b->slot->fresh = b->slot->pending = false;
    r = clean(run, b, use, fresh);
    if (r < 0) {
        b->slot->run = NULL;
        b->slot = NULL;
        return r;
    }
    b->t.buf = b->slot->buf;
    return 0;
}

void nn_tensor_done(struct nn_run *run, struct nn_tensor *t)
{
    struct nn_bound *b = bound(t);

    if (!t || b->run != run || b->done)
        return;
    b->done = true;
    b->t.buf = NULL;
    if (b->slot)
        b->slot->state = NN_SLOT_DONE;
    b->slot = NULL;
}

int nn_upload(struct nn_run *run, const void *data, size_t size, struct vkc_buffer **ret)
{
    struct nn_slot *s = NULL;
    int r = nn_slot_take(run, size, NULL, false, &s);

    if (r < 0)
        return r;
    s->channels = 0;
    s->fresh = false;
    s->state = NN_SLOT_UPLOAD;
    r = vkc_buffer_write(s->buf, 0, data, size);
    if (r >= 0)
        *ret = s->buf;
    return r;
}

/* Host order [channels][length] to the rows of a C4 buffer, zeros around. */
static void pack(const struct nn_tensor *t, const float *data, float *out)
{
    memset(out, 0, size_of(t));
    for (unsigned c = 0; c < t->channels; c++) {
        const float *from = data + (size_t) c * t->length;
        float *to = out + ((size_t) (c / 4) * t->stride + t->margin) * 4 + c % 4;

        for (unsigned i = 0; i < t->length; i++)
            to[4 * (size_t) i] = from[i];
    }
}

static void unpack(const struct nn_tensor *t, const float *in, float *data)
{
    for (unsigned c = 0; c < t->channels; c++) {
        const float *from = in + ((size_t) (c / 4) * t->stride + t->margin) * 4 + c % 4;
        float *to = data + (size_t) c * t->length;

        for (unsigned i = 0; i < t->length; i++)
            to[i] = from[4 * (size_t) i];
    }
}

int nn_tensor_write(struct nn_tensor *t, const float *data)
{
    struct nn_bound *b = bound(t);
    CLEANUP_FREE float *packed = NULL;
    int r;

    /* its memory belongs to earlier operations until they have run */
    if (b->slot && b->shared && b->epoch == b->run->epoch)
        return -EBUSY;
    r = nn_bind(b->run, t, NN_HOST);
    if (r < 0)
        return r;
    set_dirty(b->slot); /* a write that fails may have written a part */
    if (vkc_buffer_map(t->buf)) {
        pack(t, data, vkc_buffer_map(t->buf));
    } else {
        packed = malloc(size_of(t));
        if (!packed)
            return -ENOMEM;
        pack(t, data, packed);
        r = vkc_buffer_write(t->buf, 0, packed, size_of(t));
    }
    if (r >= 0)
        set_clean(b->slot, t);
    return r;
}

int nn_tensor_read(struct nn_tensor *t, float *data)
{
    CLEANUP_FREE float *packed = NULL;
    int r;

    if (!t->buf)
        return -EINVAL;
    if (vkc_buffer_map(t->buf)) {
        unpack(t, vkc_buffer_map(t->buf), data);
        return 0;
    }
    packed = malloc(size_of(t));
    if (!packed)
        return -ENOMEM;
    r = vkc_buffer_read(t->buf, 0, packed, size_of(t));
    if (r >= 0)
        unpack(t, packed, data);
    return r;
}
