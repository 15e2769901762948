/* SPDX-License-Identifier: Apache-2.0
 *
 * The pipeline cache, one file a device. lavapipe keeps nothing in it (Mesa's own disk cache does
 * that work there); elsewhere it saves seconds.
 */
#include "vk/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

enum { CACHE_MAX_SIZE = 64 << 20, CACHE_HEADER_SIZE = 16 + VK_UUID_SIZE };

/* The layout is fixed by the standard ("Pipeline Cache Header"): size, version, vendor, device,
 * then the UUID of the driver build. Drivers should check it too; not all did. */
static bool header_fits(const struct vkc_context *ctx, const uint8_t *data, size_t size)
{
    const VkPhysicalDeviceProperties *p = &ctx->physical.properties;
    uint32_t head[4];

    if (size < CACHE_HEADER_SIZE)
        return false;
    memcpy(head, data, sizeof(head));
    return head[0] >= CACHE_HEADER_SIZE && head[0] <= size &&
           head[1] == VK_PIPELINE_CACHE_HEADER_VERSION_ONE && head[2] == p->vendorID &&
           head[3] == p->deviceID &&
           memcmp(data + sizeof(head), p->pipelineCacheUUID, VK_UUID_SIZE) == 0;
}

static int cache_name(struct vkc_context *ctx, const char *dir)
{
    const uint8_t *uuid = ctx->physical.properties.pipelineCacheUUID;
    char hex[2 * VK_UUID_SIZE + 1];

    for (unsigned i = 0; i < VK_UUID_SIZE; i++)
        snprintf(hex + 2 * i, 3, "%02x", uuid[i]);
    if (asprintf(&ctx->cache_path, "%s/vulkan-%s.cache", dir, hex) < 0) {
        ctx->cache_path = NULL;
        return -ENOMEM;
    }
    return 0;
}

int vkc_cache_open(struct vkc_context *ctx, const char *dir)
{
    CLEANUP_FREE uint8_t *data = NULL;
    size_t size = 0;
    int r;

    if (dir) {
        r = cache_name(ctx, dir);
        if (r < 0)
            return r;
        if (file_read(ctx->cache_path, CACHE_MAX_SIZE, &data, &size, NULL) < 0 ||
            !header_fits(ctx, data, size))
            size = 0;
    }
    const VkPipelineCacheCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO,
        .initialDataSize = size,
        .pInitialData = size ? data : NULL,
    };

    ctx->cache_size = size;
    return vkc_error(ctx, vkCreatePipelineCache(ctx->device, &info, NULL, &ctx->cache));
}

void vkc_cache_save(struct vkc_context *ctx)
{
    struct file_out out = FILE_OUT_INIT;
    CLEANUP_FREE void *data = NULL;
    size_t size = 0;

    if (!ctx->cache_path || ctx->lost)
        return;
    if (vkGetPipelineCacheData(ctx->device, ctx->cache, &size, NULL) != VK_SUCCESS ||
        size <= ctx->cache_size || size > CACHE_MAX_SIZE)
        return;
    data = malloc(size);
    if (!data || vkGetPipelineCacheData(ctx->device, ctx->cache, &size, data) != VK_SUCCESS)
        return;
    if (file_out_open(&out, ctx->cache_path, NULL) >= 0 &&
        file_out_write(&out, data, size, NULL) >= 0 && file_out_commit(&out, NULL) >= 0)
        ctx->cache_size = size;
    file_out_done(&out);
}
