/* SPDX-License-Identifier: Apache-2.0
 *
 * A recorded list of dispatches. Descriptor sets are written as dispatches are recorded; command
 * buffers are recorded when the sequence runs, a few dispatches a submit.
 */
#include "vk/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    SETS_A_POOL = 64,
    MAX_COMMANDS_A_SUBMIT = 12, /* small ones say little of how long the next will take */
};
static const uint64_t default_timeout_usec = 60 * 1000000ull;

/* One dispatch, or a clear of bufs[0] when there is no program. */
struct command {
    struct vkc_program *program;               // owned reference
    struct vkc_buffer *bufs[VKC_MAX_BINDINGS]; // owned references
    size_t n_bufs;
    VkDescriptorSet set;
    uint8_t push[VKC_MAX_PUSH];
    uint32_t groups[3];
    VkDeviceSize offset, size; // of a clear
    bool barrier;              // before it
};

/* What was touched since the last barrier. */
struct touched {
    const struct vkc_buffer *buf;
    bool written;
};

struct vkc_sequence {
    struct vkc_context *ctx; // owned reference
    struct command *commands;
    size_t n_commands, n_room;
    VkDescriptorPool *pools;
    size_t n_pools, n_sets; // sets in all pools, filled in order
    struct touched *touched;
    size_t n_touched, n_touched_room;
    VkCommandBuffer cmd;
    VkFence fence;
};

int vkc_sequence_new(struct vkc_context *ctx, struct vkc_sequence **ret)
{
    CLEANUP(vkc_sequence_freep) struct vkc_sequence *s = NULL;
    const VkFenceCreateInfo fence = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
    const VkCommandBufferAllocateInfo cmd = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
        .commandPool = ctx->pool,
        .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
        .commandBufferCount = 1,
    };
    VkResult vr;

    if (ctx->lost)
        return -EIO;
    s = calloc(1, sizeof(*s));
    if (!s)
        return -ENOMEM;
    s->ctx = vkc_context_ref(ctx);
    vr = vkCreateFence(ctx->device, &fence, NULL, &s->fence);
    if (vr == VK_SUCCESS)
        vr = vkAllocateCommandBuffers(ctx->device, &cmd, &s->cmd);
    if (vr != VK_SUCCESS)
        return vkc_error(ctx, vr);
    *ret = TAKE_PTR(s);
    return 0;
}

static void command_done(struct command *c)
{
    for (size_t i = 0; i < c->n_bufs; i++)
        vkc_buffer_unref(c->bufs[i]);
    vkc_program_unref(c->program);
}

void vkc_sequence_reset(struct vkc_sequence *s)
{
    for (size_t i = 0; i < s->n_commands; i++)
        command_done(&s->commands[i]);
    s->n_commands = s->n_touched = s->n_sets = 0;
    if (!s->ctx->hung)
        for (size_t i = 0; i < s->n_pools; i++)
            vkResetDescriptorPool(s->ctx->device, s->pools[i], 0);
}

struct vkc_sequence *vkc_sequence_free(struct vkc_sequence *s)
{
    if (!s)
        return NULL;
    vkc_sequence_reset(s);
    if (!s->ctx->hung) {
        for (size_t i = 0; i < s->n_pools; i++)
            vkDestroyDescriptorPool(s->ctx->device, s->pools[i], NULL);
        if (s->cmd)
            vkFreeCommandBuffers(s->ctx->device, s->ctx->pool, 1, &s->cmd);
        vkDestroyFence(s->ctx->device, s->fence, NULL);
    }
    vkc_context_free(s->ctx);
    free(s->pools);
    free(s->touched);
    free(s->commands);
    free(s);
    return NULL;
}

/* Room for one more element; grows by doubling. */
static int make_room(void **array, size_t *room, size_t n, size_t element)
{
    const size_t want = *room ? 2 * *room : 32;
    void *p;

    if (n < *room)
        return 0;
    p = reallocarray(*array, want, element);
    if (!p)
        return -ENOMEM;
    *array = p;
    *room = want;
    return 0;
}

static int add_pool(struct vkc_sequence *s)
{
    const VkDescriptorPoolSize sizes[] = {
        {VK_DESCRIPTOR_TYPE_STORAGE_TEXEL_BUFFER, SETS_A_POOL * VKC_MAX_BINDINGS},
        {VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, SETS_A_POOL * VKC_MAX_BINDINGS},
    };
    const VkDescriptorPoolCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
        .maxSets = SETS_A_POOL,
        .poolSizeCount = ELEMENTSOF(sizes),
        .pPoolSizes = sizes,
    };
    VkDescriptorPool *pools = reallocarray(s->pools, s->n_pools + 1, sizeof(*pools));
    VkResult vr;

    if (!pools)
        return -ENOMEM;
    s->pools = pools;
    vr = vkCreateDescriptorPool(s->ctx->device, &info, NULL, &pools[s->n_pools]);
    if (vr != VK_SUCCESS)
        return vkc_error(s->ctx, vr);
    s->n_pools++;
    return 0;
}

static int make_set(struct vkc_sequence *s, const struct vkc_program *p,
                    struct vkc_buffer *const *bufs, VkDescriptorSet *ret)
{
    VkWriteDescriptorSet writes[VKC_MAX_BINDINGS];
    VkDescriptorBufferInfo infos[VKC_MAX_BINDINGS];
    VkDescriptorSet set;
    VkResult vr;
    int r;

    if (s->n_sets == s->n_pools * SETS_A_POOL) {
        r = add_pool(s);
        if (r < 0)
            return r;
    }
    const VkDescriptorSetAllocateInfo info = {
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
        .descriptorPool = s->pools[s->n_sets / SETS_A_POOL],
        .descriptorSetCount = 1,
        .pSetLayouts = &p->set_layout,
    };
    vr = vkAllocateDescriptorSets(s->ctx->device, &info, &set);
    if (vr != VK_SUCCESS)
        return vkc_error(s->ctx, vr);
    s->n_sets++;
    for (uint32_t i = 0; i < p->n_bindings; i++) {
        const bool texel = p->bindings[i] == 't';

        infos[i] = (VkDescriptorBufferInfo){bufs[i]->handle, 0, VK_WHOLE_SIZE};
        writes[i] = (VkWriteDescriptorSet){
            .sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
            .dstSet = set,
            .dstBinding = i,
            .descriptorCount = 1,
            .descriptorType =
                texel ? VK_DESCRIPTOR_TYPE_STORAGE_TEXEL_BUFFER : VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
            .pBufferInfo = texel ? NULL : &infos[i],
            .pTexelBufferView = texel ? &bufs[i]->view : NULL,
        };
    }
    vkUpdateDescriptorSets(s->ctx->device, (uint32_t) p->n_bindings, writes, 0, NULL);
    *ret = set;
    return 0;
}

static bool conflicts(const struct vkc_sequence *s, const struct vkc_buffer *buf, bool writes)
{
    for (size_t i = 0; i < s->n_touched; i++)
        if (s->touched[i].buf == buf && (writes || s->touched[i].written))
            return true;
    return false;
}

/* Put a complete command (its references are taken) at the end, with a barrier if it reads what
 * was written, or writes what was touched, since the last one. */
static int append(struct vkc_sequence *s, struct command *c, const char *access)
{
    int r = make_room((void **) &s->commands, &s->n_room, s->n_commands, sizeof(*s->commands));

    for (size_t i = 0; i < c->n_bufs && !c->barrier; i++)
        c->barrier = conflicts(s, c->bufs[i], access[i] == 'w' || access[i] == 'm');
    if (c->barrier)
        s->n_touched = 0;
    for (size_t i = 0; i < c->n_bufs && r >= 0; i++) {
        r = make_room((void **) &s->touched, &s->n_touched_room, s->n_touched, sizeof(*s->touched));
        if (r >= 0)
            s->touched[s->n_touched++] =
                (struct touched){c->bufs[i], access[i] == 'w' || access[i] == 'm'};
    }
    if (r < 0) {
        command_done(c);
        return r;
    }
    s->commands[s->n_commands++] = *c;
    return 0;
}

int vkc_sequence_dispatch(struct vkc_sequence *s, struct vkc_program *p,
                          struct vkc_buffer *const *bufs, size_t n_bufs, const void *push,
                          size_t push_size, const uint32_t groups[3])
{
    const uint32_t *max = s->ctx->physical.properties.limits.maxComputeWorkGroupCount;
    struct command c = {.program = p};
    int r;

    if (n_bufs != p->n_bindings || push_size != p->push_size)
        return -EINVAL;
    for (size_t i = 0; i < n_bufs; i++)
        if (!bufs[i] || (p->bindings[i] == 't' && !bufs[i]->view))
            return -EINVAL;
    if (groups[0] > max[0] || groups[1] > max[1] || groups[2] > max[2])
        return -E2BIG;
    if (s->ctx->lost)
        return -EIO;
    r = make_set(s, p, bufs, &c.set);
    if (r < 0)
        return r;
    p->n_ref++;
    for (size_t i = 0; i < n_bufs; i++) {
        bufs[i]->n_ref++;
        c.bufs[c.n_bufs++] = bufs[i];
    }
    if (push_size)
        memcpy(c.push, push, push_size);
    memcpy(c.groups, groups, sizeof(c.groups));
    return append(s, &c, p->bindings);
}

int vkc_sequence_clear(struct vkc_sequence *s, struct vkc_buffer *buf, size_t offset, size_t size)
{
    struct command c = {.bufs = {buf}, .n_bufs = 1, .offset = offset, .size = size};

    if (offset % 4 || size % 4 || offset > buf->size || size > buf->size - offset)
        return -EINVAL;
    if (size == 0)
        return 0;
    buf->n_ref++;
    return append(s, &c, "w");
}

static void record(VkCommandBuffer cmd, const struct command *c)
{
    const VkMemoryBarrier barrier = {
        .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
        .srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT,
        .dstAccessMask =
            VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT,
    };
    const VkPipelineStageFlags stages =
        VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT;

    if (c->barrier)
        vkCmdPipelineBarrier(cmd, stages, stages, 0, 1, &barrier, 0, NULL, 0, NULL);
    if (!c->program) {
        vkCmdFillBuffer(cmd, c->bufs[0]->handle, c->offset, c->size, 0);
        return;
    }
    vkCmdBindPipeline(cmd, VK_PIPELINE_BIND_POINT_COMPUTE, c->program->pipeline);
    vkCmdBindDescriptorSets(cmd, VK_PIPELINE_BIND_POINT_COMPUTE, c->program->layout, 0, 1, &c->set,
                            0, NULL);
    if (c->program->push_size)
        vkCmdPushConstants(cmd, c->program->layout, VK_SHADER_STAGE_COMPUTE_BIT, 0,
                           c->program->push_size, c->push);
    vkCmdDispatch(cmd, c->groups[0], c->groups[1], c->groups[2]);
}

/* Between submits, and for the host, all writes must be seen, whatever the barriers inside say. */
static void record_end(VkCommandBuffer cmd)
{
    const VkMemoryBarrier barrier = {
        .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
        .srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT,
        .dstAccessMask = VK_ACCESS_MEMORY_READ_BIT | VK_ACCESS_MEMORY_WRITE_BIT |
                         VK_ACCESS_HOST_READ_BIT | VK_ACCESS_HOST_WRITE_BIT,
    };

    vkCmdPipelineBarrier(cmd, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT,
                         VK_PIPELINE_STAGE_ALL_COMMANDS_BIT | VK_PIPELINE_STAGE_HOST_BIT, 0, 1,
                         &barrier, 0, NULL, 0, NULL);
}

static int run_part(struct vkc_sequence *s, size_t from, size_t to, uint64_t timeout_usec)
{
    struct vkc_context *ctx = s->ctx;
    const VkCommandBufferBeginInfo begin = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
        .flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT,
    };
    const VkSubmitInfo submit = {
        .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
        .commandBufferCount = 1,
        .pCommandBuffers = &s->cmd,
    };
    VkResult vr = vkBeginCommandBuffer(s->cmd, &begin);

    if (vr != VK_SUCCESS)
        return vkc_error(ctx, vr);
    for (size_t i = from; i < to; i++)
        record(s->cmd, &s->commands[i]);
    record_end(s->cmd);
    vr = vkEndCommandBuffer(s->cmd);
    if (vr == VK_SUCCESS)
        vr = vkResetFences(ctx->device, 1, &s->fence);
    if (vr == VK_SUCCESS)
        vr = vkQueueSubmit(ctx->queue, 1, &submit, s->fence);
    if (vr != VK_SUCCESS)
        return vkc_error(ctx, vr);
    return vkc_wait(ctx, s->fence, timeout_usec);
}

static double now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double) t.tv_sec * 1e3 + (double) t.tv_nsec / 1e6;
}

/* A submit of 10 to 30 ms costs little (half a percent on lavapipe), is heard by no watchdog, and
 * is over before a user who cancels waits for it: speech stops within 50 ms. */
static void adapt(struct vkc_context *ctx, double ms)
{
    if (ms < 10)
        ctx->n_a_submit = MIN(ctx->n_a_submit * 2, (unsigned) MAX_COMMANDS_A_SUBMIT);
    else if (ms > 30)
        ctx->n_a_submit = MAX(ctx->n_a_submit / 2, 1u);
}

int vkc_sequence_run(struct vkc_sequence *s, uint64_t timeout_usec, const volatile int *cancel,
                     struct fail *fail)
{
    const char *name = s->ctx->physical.info.name;
    int r = s->ctx->lost ? -EIO : 0;

    for (size_t i = 0, end; i < s->n_commands && r >= 0; i = end) {
        const double start = now_ms();

        if (cancel && *cancel)
            return fail_set(fail, FAIL_INTERRUPTED, -ECANCELED, "Interrupted");
        end = MIN(i + s->ctx->n_a_submit, s->n_commands);
        r = run_part(s, i, end, timeout_usec ? timeout_usec : default_timeout_usec);
        adapt(s->ctx, now_ms() - start);
    }
    if (r >= 0)
        return 0;
    if (s->ctx->lost)
        return fail_set(fail, FAIL_UNAVAILABLE, r,
                        "The Vulkan device '%s' was lost (it crashed or did not answer in time); "
                        "try again, or choose another with --device",
                        name);
    return fail_set(fail, FAIL_UNAVAILABLE, r, "The Vulkan device '%s' failed: %m", name);
}
