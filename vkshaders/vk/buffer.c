/* SPDX-License-Identifier: Apache-2.0
 *
 * Buffers with their memory and texel view, and the copies between host and device.
 */
#include "vk/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { STAGING_SIZE = 4 << 20 };
static const uint64_t copy_timeout_usec = 60 * 1000000ull;

/* The first memory type that has `must` and `wish`, else `must` alone; -1: none. */
static int find_memory(const struct vkc_context *ctx, uint32_t allowed, VkMemoryPropertyFlags must,
                       VkMemoryPropertyFlags wish)
{
    for (int with_wish = 1; with_wish >= 0; with_wish--) {
        const VkMemoryPropertyFlags want = must | (with_wish ? wish : 0);

        for (uint32_t i = 0; i < ctx->memory.memoryTypeCount; i++)
            if ((allowed & (1u << i)) && (ctx->memory.memoryTypes[i].propertyFlags & want) == want)
                return (int) i;
    }
    return -1;
}

static int choose_memory(const struct vkc_context *ctx, uint32_t allowed, bool mapped, bool host)
{
    const VkMemoryPropertyFlags visible =
        VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;

    if (mapped && !host) /* the one memory of a CPU or integrated device */
        return find_memory(ctx, allowed, visible | VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT,
                           VK_MEMORY_PROPERTY_HOST_CACHED_BIT);
    if (mapped)
        return find_memory(ctx, allowed, visible, VK_MEMORY_PROPERTY_HOST_CACHED_BIT);
    return find_memory(ctx, allowed, 0, VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT);
}

/* A negative type is no memory at all. */
static VkResult allocate_type(struct vkc_buffer *buf, VkDeviceSize size, int type)
{
    const VkMemoryAllocateInfo info = {
        .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
        .allocationSize = size,
        .memoryTypeIndex = (uint32_t) type,
    };

    if (type < 0)
        return VK_ERROR_OUT_OF_DEVICE_MEMORY;
    return vkAllocateMemory(buf->ctx->device, &info, NULL, &buf->memory);
}

/* The types of `allowed` that are not on the heap of `type`. */
static uint32_t other_heaps(const struct vkc_context *ctx, uint32_t allowed, int type)
{
    for (uint32_t i = 0; i < ctx->memory.memoryTypeCount && type >= 0; i++)
        if (ctx->memory.memoryTypes[i].heapIndex == ctx->memory.memoryTypes[type].heapIndex)
            allowed &= ~(1u << i);
    return allowed;
}

/* A heap may be small (what the host sees of a graphics card) or full of other programs' things:
 * slower memory is better than none. */
static int allocate(struct vkc_buffer *buf)
{
    struct vkc_context *ctx = buf->ctx;
    const bool mapped = buf->host || ctx->map_all;
    VkMemoryRequirements need;
    VkResult vr;
    int type;

    vkGetBufferMemoryRequirements(ctx->device, buf->handle, &need);
    type = choose_memory(ctx, need.memoryTypeBits, mapped, buf->host);
    vr = allocate_type(buf, need.size, type);
    if (vr == VK_ERROR_OUT_OF_DEVICE_MEMORY) {
        const uint32_t others = other_heaps(ctx, need.memoryTypeBits, type);

        vr = allocate_type(buf, need.size, choose_memory(ctx, others, mapped, mapped));
    }
    if (vr == VK_SUCCESS)
        vr = vkBindBufferMemory(ctx->device, buf->handle, buf->memory, 0);
    if (vr == VK_SUCCESS && mapped)
        vr = vkMapMemory(ctx->device, buf->memory, 0, VK_WHOLE_SIZE, 0, &buf->map);
    return vkc_error(ctx, vr);
}

static int make_view(struct vkc_buffer *buf, enum vkc_view view)
{
    const VkBufferViewCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_BUFFER_VIEW_CREATE_INFO,
        .buffer = buf->handle,
        .format = view == VKC_F16X4 ? VK_FORMAT_R16G16B16A16_SFLOAT : VK_FORMAT_R32G32B32A32_SFLOAT,
        .range = buf->size,
    };

    if (view == VKC_STORAGE)
        return 0;
    return vkc_error(buf->ctx, vkCreateBufferView(buf->ctx->device, &info, NULL, &buf->view));
}

/* Run what `copy_cmd` holds, between begin_copy() and this, and wait. Later submits and the host
 * see what was written, and may write over it. */
static int end_copy(struct vkc_context *ctx)
{
    const VkMemoryBarrier barrier = {
        .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
        .srcAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT,
        .dstAccessMask = VK_ACCESS_MEMORY_READ_BIT | VK_ACCESS_MEMORY_WRITE_BIT |
                         VK_ACCESS_HOST_READ_BIT | VK_ACCESS_HOST_WRITE_BIT,
    };
    const VkSubmitInfo submit = {
        .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
        .commandBufferCount = 1,
        .pCommandBuffers = &ctx->copy_cmd,
    };
    VkResult vr;

    vkCmdPipelineBarrier(ctx->copy_cmd, VK_PIPELINE_STAGE_TRANSFER_BIT,
                         VK_PIPELINE_STAGE_ALL_COMMANDS_BIT | VK_PIPELINE_STAGE_HOST_BIT, 0, 1,
                         &barrier, 0, NULL, 0, NULL);
    vr = vkEndCommandBuffer(ctx->copy_cmd);
    if (vr == VK_SUCCESS)
        vr = vkResetFences(ctx->device, 1, &ctx->copy_fence);
    if (vr == VK_SUCCESS)
        vr = vkQueueSubmit(ctx->queue, 1, &submit, ctx->copy_fence);
    if (vr != VK_SUCCESS)
        return vkc_error(ctx, vr);
    return vkc_wait(ctx, ctx->copy_fence, copy_timeout_usec);
}

static int begin_copy(struct vkc_context *ctx)
{
    const VkCommandBufferBeginInfo begin = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
        .flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT,
    };

    if (ctx->lost)
        return -EIO;
    return vkc_error(ctx, vkBeginCommandBuffer(ctx->copy_cmd, &begin));
}

static int zero(struct vkc_buffer *buf)
{
    int r;

    if (buf->map) {
        memset(buf->map, 0, buf->size);
        return 0;
    }
    r = begin_copy(buf->ctx);
    if (r < 0)
        return r;
    vkCmdFillBuffer(buf->ctx->copy_cmd, buf->handle, 0, VK_WHOLE_SIZE, 0);
    return end_copy(buf->ctx);
}

static VkBufferUsageFlags usage_of(enum vkc_view view)
{
    return VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT |
           VK_BUFFER_USAGE_STORAGE_BUFFER_BIT |
           (view == VKC_STORAGE ? 0 : VK_BUFFER_USAGE_STORAGE_TEXEL_BUFFER_BIT);
}

static bool size_fits(const struct vkc_context *ctx, const struct vkc_buffer_params *params)
{
    const size_t texel = params->view == VKC_F16X4 ? 8 : 16;

    if (params->size > ctx->physical.info.max_storage_bytes)
        return false;
    return params->view == VKC_STORAGE ||
           params->size / texel <= ctx->physical.info.max_texel_elements;
}

int vkc_buffer_new(struct vkc_context *ctx, const struct vkc_buffer_params *params,
                   struct vkc_buffer **ret)
{
    CLEANUP(vkc_buffer_unrefp) struct vkc_buffer *buf = NULL;
    VkResult vr;
    int r;

    if (params->size == 0)
        return -EINVAL;
    if (ctx->lost)
        return -EIO;
    if (!size_fits(ctx, params))
        return -E2BIG;
    buf = calloc(1, sizeof(*buf));
    if (!buf)
        return -ENOMEM;
    /* whole texels, and a multiple of 4 for fills */
    *buf = (struct vkc_buffer){
        .n_ref = 1,
        .ctx = vkc_context_ref(ctx),
        .size = (params->size + 15) / 16 * 16,
        .host = params->host,
    };
    const VkBufferCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
        .size = buf->size,
        .usage = usage_of(params->view),
    };
    vr = vkCreateBuffer(ctx->device, &info, NULL, &buf->handle);
    r = vkc_error(ctx, vr);
    if (r >= 0)
        r = allocate(buf);
    if (r >= 0)
        r = make_view(buf, params->view);
    if (r >= 0)
        r = zero(buf);
    if (r < 0)
        return r;
    vkc_set_name(ctx, VK_OBJECT_TYPE_BUFFER, (uint64_t) buf->handle, params->name);
    *ret = TAKE_PTR(buf);
    return 0;
}

struct vkc_buffer *vkc_buffer_unref(struct vkc_buffer *buf)
{
    if (!buf || --buf->n_ref > 0)
        return NULL;
    if (!buf->ctx->hung) {
        vkDestroyBufferView(buf->ctx->device, buf->view, NULL);
        vkDestroyBuffer(buf->ctx->device, buf->handle, NULL);
        vkFreeMemory(buf->ctx->device, buf->memory, NULL);
    }
    vkc_context_free(buf->ctx);
    free(buf);
    return NULL;
}

void *vkc_buffer_map(struct vkc_buffer *buf)
{
    return buf->map;
}

/* The staging buffer holds a reference on the context that owns it; the context must not count
 * it, or neither would ever go. */
static int staging(struct vkc_context *ctx, struct vkc_buffer **ret)
{
    int r;

    if (!ctx->staging) {
        r = vkc_buffer_new(ctx,
                           vkc_buffer_params(.size = STAGING_SIZE, .host = true, .name = "staging"),
                           &ctx->staging);
        if (r < 0)
            return r;
        ctx->n_ref--;
    }
    *ret = ctx->staging;
    return 0;
}

static int copy_part(struct vkc_buffer *from, size_t from_offset, struct vkc_buffer *to,
                     size_t to_offset, size_t size)
{
    const VkBufferCopy region = {from_offset, to_offset, size};
    int r = begin_copy(from->ctx);

    if (r < 0)
        return r;
    vkCmdCopyBuffer(from->ctx->copy_cmd, from->handle, to->handle, 1, &region);
    return end_copy(from->ctx);
}

int vkc_buffer_write(struct vkc_buffer *buf, size_t offset, const void *data, size_t size)
{
    struct vkc_buffer *via = NULL;
    int r;

    if (offset > buf->size || size > buf->size - offset)
        return -EINVAL;
    if (buf->ctx->lost)
        return -EIO;
    if (buf->map) {
        memcpy((char *) buf->map + offset, data, size);
        return 0;
    }
    r = staging(buf->ctx, &via);
    for (size_t done = 0; r >= 0 && done < size;) {
        const size_t part = MIN(size - done, (size_t) STAGING_SIZE);

        memcpy(via->map, (const char *) data + done, part);
        r = copy_part(via, 0, buf, offset + done, part);
        done += part;
    }
    return r;
}

int vkc_buffer_read(struct vkc_buffer *buf, size_t offset, void *data, size_t size)
{
    struct vkc_buffer *via = NULL;
    int r;

    if (offset > buf->size || size > buf->size - offset)
        return -EINVAL;
    if (buf->ctx->lost)
        return -EIO;
    if (buf->map) {
        memcpy(data, (const char *) buf->map + offset, size);
        return 0;
    }
    r = staging(buf->ctx, &via);
    for (size_t done = 0; r >= 0 && done < size;) {
        const size_t part = MIN(size - done, (size_t) STAGING_SIZE);

        r = copy_part(buf, offset + done, via, 0, part);
        if (r >= 0)
            memcpy((char *) data + done, via->map, part);
        done += part;
    }
    return r;
}
