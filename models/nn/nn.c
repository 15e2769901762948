/* SPDX-License-Identifier: Apache-2.0
 *
 * Programs made at first use, and the memory that tensors take turns in.
 */
#include "nn/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const size_t idle_max_size = (size_t) 256 << 20;

int nn_new(struct vkc_context *ctx, struct nn **ret)
{
    struct nn *nn = calloc(1, sizeof(*nn));

    if (!nn)
        return -ENOMEM;
    nn->ctx = ctx;
    *ret = nn;
    return 0;
}

struct nn *nn_free(struct nn *nn)
{
    if (!nn)
        return NULL;
    for (size_t i = 0; i < nn->n_programs; i++)
        vkc_program_unref(nn->programs[i].program);
    for (struct nn_slot *s = nn->slots, *next; s; s = next) {
        next = s->next;
        vkc_buffer_unref(s->buf);
        free(s);
    }
    free(nn->programs);
    free(nn);
    return NULL;
}

const struct vkc_device_info *nn_device(const struct nn *nn)
{
    return vkc_context_info(nn->ctx);
}

void nn_set_portable(struct nn *nn, bool portable)
{
    nn->portable = portable;
}

bool nn_use_subgroups(const struct nn *nn)
{
    return !nn->portable && vkc_context_info(nn->ctx)->full_subgroups;
}

/* With subgroup operations a workgroup is one subgroup: lavapipe does best so, and a GPU wants no
 * less. The light kernels share the cost of a workgroup among more lanes. */
unsigned nn_lanes(const struct nn *nn, bool subgroups)
{
    return subgroups ? MAX(vkc_context_info(nn->ctx)->subgroup_size, 8u) : 64;
}

int nn_program(struct nn *nn, enum vkc_kernel_id id, const uint32_t *spec, unsigned n_spec,
               struct vkc_program **ret)
{
    const struct vkc_kernel *k = vkc_kernel(id);
    struct nn_program *p;
    int r;

    for (size_t i = 0; i < nn->n_programs; i++) {
        p = &nn->programs[i];
        if (p->id == id && p->n_spec == n_spec &&
            memcmp(p->spec, spec, n_spec * sizeof(*spec)) == 0) {
            *ret = p->program;
            return 0;
        }
    }
    p = reallocarray(nn->programs, nn->n_programs + 1, sizeof(*p));
    if (!p)
        return -ENOMEM;
    nn->programs = p;
    p += nn->n_programs;
    *p = (struct nn_program){.id = id, .n_spec = n_spec};
    memcpy(p->spec, spec, n_spec * sizeof(*spec));
    r = vkc_program_new(nn->ctx,
                        vkc_program_params(.name = k->name, .spirv = k->spirv,
                                           .spirv_size = k->spirv_size, .bindings = k->bindings,
                                           .push_size = k->push_size, .spec = spec,
                                           .n_spec = n_spec, .full_subgroups = k->full_subgroups),
                        &p->program, NULL);
    if (r < 0)
        return r;
    nn->n_programs++;
    *ret = p->program;
    return 0;
}

static bool slot_free_for(const struct nn_slot *s, const struct nn_run *run, bool pending)
{
    return !s->run || (pending && s->run == run && s->state == NN_SLOT_DONE);
}

/* A slot of this very shape, else the smallest that is not wastefully large. */
static struct nn_slot *find_slot(const struct nn_run *run, size_t size,
                                 const struct nn_tensor *shape, bool pending)
{
    struct nn_slot *best = NULL;

    for (struct nn_slot *s = run->nn->slots; s; s = s->next) {
        if (!slot_free_for(s, run, pending) || s->size < size)
            continue;
        if (shape && s->channels == shape->channels && s->length == shape->length &&
            s->margin == shape->margin)
            return s;
        if (s->size <= 2 * size + 65536 && (!best || s->size < best->size))
            best = s;
    }
    return best;
}

int nn_slot_take(struct nn_run *run, size_t size, const struct nn_tensor *shape, bool pending,
                 struct nn_slot **ret)
{
    struct nn_slot *s = find_slot(run, size, shape, pending);
    int r;

    if (!s) {
        s = calloc(1, sizeof(*s));
        if (!s)
            return -ENOMEM;
        s->size = (size + 4095) / 4096 * 4096;
        r = vkc_buffer_new(run->nn->ctx, vkc_buffer_params(.size = s->size, .view = VKC_F32X4),
                           &s->buf);
        if (r == -E2BIG) { /* at the limit of the device the round size may be one too many */
            s->size = size;
            r = vkc_buffer_new(run->nn->ctx, vkc_buffer_params(.size = size, .view = VKC_F32X4),
                               &s->buf);
        }
        if (r < 0) {
            free(s);
            return r;
        }
        s->next = run->nn->slots;
        run->nn->slots = s;
        s->fresh = true;
        if (shape) {
            s->channels = shape->channels;
            s->length = shape->length;
            s->margin = shape->margin;
        }
    }
    s->pending = s->run == run;
    s->run = run;
    s->state = NN_SLOT_USED;
    s->last_used = ++run->nn->clock;
    *ret = s;
    return 0;
}

/* Free the least recently used idle slots beyond a total size. */
static void trim(struct nn *nn)
{
    size_t total = 0;

    for (const struct nn_slot *s = nn->slots; s; s = s->next)
        total += s->run ? 0 : s->size;
    while (total > idle_max_size) {
        struct nn_slot **oldest = NULL;

        for (struct nn_slot **p = &nn->slots; *p; p = &(*p)->next)
            if (!(*p)->run && (!oldest || (*p)->last_used < (*oldest)->last_used))
                oldest = p;
        struct nn_slot *s = *oldest;

        *oldest = s->next;
        total -= s->size;
        vkc_buffer_unref(s->buf);
        free(s);
    }
}

void nn_slots_settle(struct nn_run *run, bool ran, bool all)
{
    for (struct nn_slot *s = run->nn->slots; s; s = s->next) {
        if (s->run != run)
            continue;
        if (s->clearing && !ran)
            s->channels = 0; /* the clear never took place: trust nothing */
        s->clearing = false;
        if (all || s->state != NN_SLOT_USED)
            s->run = NULL;
    }
    trim(run->nn);
}
