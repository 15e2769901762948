/* SPDX-License-Identifier: Apache-2.0
 *
 * A context: one opened device with its queue, and the messages of the validation layer.
 */
#include "vk/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct vkc_context *vkc_context_ref(struct vkc_context *ctx)
{
    ctx->n_ref++;
    return ctx;
}

int vkc_error(struct vkc_context *ctx, VkResult vr)
{
    switch (vr) {
    case VK_SUCCESS:
        return 0;
    case VK_ERROR_OUT_OF_HOST_MEMORY:
    case VK_ERROR_OUT_OF_DEVICE_MEMORY:
    case VK_ERROR_OUT_OF_POOL_MEMORY:
    case VK_ERROR_FRAGMENTED_POOL:
    case VK_ERROR_MEMORY_MAP_FAILED:
    case VK_ERROR_TOO_MANY_OBJECTS:
        return -ENOMEM;
    case VK_ERROR_DEVICE_LOST:
        ctx->lost = true;
        return -EIO;
    case VK_ERROR_FEATURE_NOT_PRESENT:
    case VK_ERROR_EXTENSION_NOT_PRESENT:
    case VK_ERROR_FORMAT_NOT_SUPPORTED:
        return -ENOTSUP;
    default:
        return -EIO;
    }
}

int vkc_wait(struct vkc_context *ctx, VkFence fence, uint64_t timeout_usec)
{
    const uint64_t timeout_nsec =
        timeout_usec > UINT64_MAX / 1000 ? UINT64_MAX : timeout_usec * 1000;
    const VkResult vr = vkWaitForFences(ctx->device, 1, &fence, VK_TRUE, timeout_nsec);

    if (vr == VK_TIMEOUT) {
        ctx->lost = ctx->hung = true;
        return -EIO;
    }
    return vkc_error(ctx, vr);
}

void vkc_set_name(struct vkc_context *ctx, VkObjectType type, uint64_t handle, const char *name)
{
    const VkDebugUtilsObjectNameInfoEXT info = {
        .sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_OBJECT_NAME_INFO_EXT,
        .objectType = type,
        .objectHandle = handle,
        .pObjectName = name,
    };

    if (ctx->set_name && name)
        ctx->set_name(ctx->device, &info);
}

static VkBool32 VKAPI_CALL on_message(VkDebugUtilsMessageSeverityFlagBitsEXT severity,
                                      VkDebugUtilsMessageTypeFlagsEXT type,
                                      const VkDebugUtilsMessengerCallbackDataEXT *data,
                                      void *userdata)
{
    struct vkc_context *ctx = userdata;

    ctx->n_messages++;
    snprintf(ctx->last_message, sizeof(ctx->last_message), "%s", data->pMessage);
    return VK_FALSE;
}

static int listen(struct vkc_context *ctx)
{
    const VkDebugUtilsMessengerCreateInfoEXT info = {
        .sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT,
        .messageSeverity = VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT |
                           VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT,
        .messageType = VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT |
                       VK_DEBUG_UTILS_MESSAGE_TYPE_PERFORMANCE_BIT_EXT,
        .pfnUserCallback = on_message,
        .pUserData = ctx,
    };
    PFN_vkCreateDebugUtilsMessengerEXT create =
        (PFN_vkCreateDebugUtilsMessengerEXT) vkGetInstanceProcAddr(
            ctx->instance, "vkCreateDebugUtilsMessengerEXT");

    if (!create)
        return -ENOTSUP;
    ctx->set_name = (PFN_vkSetDebugUtilsObjectNameEXT) vkGetInstanceProcAddr(
        ctx->instance, "vkSetDebugUtilsObjectNameEXT");
    return vkc_error(ctx, create(ctx->instance, &info, NULL, &ctx->messenger));
}

static int open_device(struct vkc_context *ctx)
{
    static const char *const extension[] = {VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME};
    const struct vkc_physical *p = &ctx->physical;
    const bool control = p->info.full_subgroups || p->size_control;
    const float priority = 1.0f;
    const VkDeviceQueueCreateInfo queue = {
        .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
        .queueFamilyIndex = p->queue_family,
        .queueCount = 1,
        .pQueuePriorities = &priority,
    };
    VkPhysicalDeviceSubgroupSizeControlFeatures subgroups = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES,
        .subgroupSizeControl = p->size_control,
        .computeFullSubgroups = p->info.full_subgroups,
    };
    /* a tile reads past the end of its row: beyond the buffer this must be harmless */
    const VkPhysicalDeviceFeatures2 features = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2,
        .pNext = control ? &subgroups : NULL,
        .features.robustBufferAccess = VK_TRUE,
    };
    const VkDeviceCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
        .pNext = &features,
        .queueCreateInfoCount = 1,
        .pQueueCreateInfos = &queue,
        .enabledExtensionCount = control && p->properties.apiVersion < VK_API_VERSION_1_3 ? 1 : 0,
        .ppEnabledExtensionNames = extension,
    };

    const VkResult vr = vkCreateDevice(p->handle, &info, NULL, &ctx->device);
    if (vr != VK_SUCCESS)
        return vkc_error(ctx, vr);
    vkGetDeviceQueue(ctx->device, p->queue_family, 0, &ctx->queue);
    return 0;
}

/* On a CPU or an integrated GPU all memory is the host's: no copy is needed. */
static bool maps_all(const struct vkc_context *ctx)
{
    const enum vkc_device_type type = ctx->physical.info.type;
    const VkMemoryPropertyFlags want = VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT |
                                       VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT |
                                       VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;

    if (type != VKC_CPU && type != VKC_INTEGRATED)
        return false;
    for (uint32_t i = 0; i < ctx->memory.memoryTypeCount; i++)
        if ((ctx->memory.memoryTypes[i].propertyFlags & want) == want)
            return true;
    return false;
}

static int open_commands(struct vkc_context *ctx)
{
    const VkCommandPoolCreateInfo pool = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
        .flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT,
        .queueFamilyIndex = ctx->physical.queue_family,
    };
    const VkFenceCreateInfo fence = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
    VkResult vr;

    vr = vkCreateCommandPool(ctx->device, &pool, NULL, &ctx->pool);
    if (vr != VK_SUCCESS)
        return vkc_error(ctx, vr);
    const VkCommandBufferAllocateInfo cmd = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
        .commandPool = ctx->pool,
        .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
        .commandBufferCount = 1,
    };
    vr = vkAllocateCommandBuffers(ctx->device, &cmd, &ctx->copy_cmd);
    if (vr == VK_SUCCESS)
        vr = vkCreateFence(ctx->device, &fence, NULL, &ctx->copy_fence);
    return vkc_error(ctx, vr);
}

static void context_destroy(struct vkc_context *ctx)
{
    PFN_vkDestroyDebugUtilsMessengerEXT destroy = NULL;

    if (ctx->device) {
        if (!ctx->lost)
            vkDeviceWaitIdle(ctx->device);
        if (ctx->staging) {
            ctx->n_ref += 2; /* its reference, and one so that it does not come back here */
            vkc_buffer_unref(ctx->staging);
        }
        vkc_cache_save(ctx);
        vkDestroyPipelineCache(ctx->device, ctx->cache, NULL);
        vkDestroyFence(ctx->device, ctx->copy_fence, NULL);
        vkDestroyCommandPool(ctx->device, ctx->pool, NULL);
        vkDestroyDevice(ctx->device, NULL);
    }
    if (ctx->messenger)
        destroy = (PFN_vkDestroyDebugUtilsMessengerEXT) vkGetInstanceProcAddr(
            ctx->instance, "vkDestroyDebugUtilsMessengerEXT");
    if (destroy)
        destroy(ctx->instance, ctx->messenger, NULL);
    vkDestroyInstance(ctx->instance, NULL);
}

struct vkc_context *vkc_context_free(struct vkc_context *ctx)
{
    if (!ctx || --ctx->n_ref > 0)
        return NULL;
    /* a device that never answered may still run: its handles are given up, not destroyed, and
     * so is the context that its callbacks point to */
    if (ctx->hung)
        return NULL;
    if (ctx->instance)
        context_destroy(ctx);
    free(ctx->cache_path);
    free(ctx);
    return NULL;
}

int vkc_context_new(const struct vkc_context_params *params, struct vkc_context **ret,
                    struct fail *fail)
{
    CLEANUP(vkc_context_freep) struct vkc_context *ctx = NULL;
    CLEANUP_FREE struct vkc_physical *list = NULL;
    const struct vkc_physical *chosen = NULL;
    size_t n = 0;
    int r;

    ctx = calloc(1, sizeof(*ctx));
    if (!ctx)
        return -ENOMEM;
    ctx->n_ref = 1;
    ctx->n_a_submit = 8;
    r = vkc_instance_new(params->validation, &ctx->instance, fail);
    if (r < 0)
        return r;
    r = vkc_physical_list(ctx->instance, &list, &n, fail);
    if (r < 0)
        return r;
    r = vkc_physical_choose(list, n, params->device, &chosen, fail);
    if (r < 0)
        return r;
    ctx->physical = *chosen;
    vkGetPhysicalDeviceMemoryProperties(chosen->handle, &ctx->memory);
    ctx->map_all = !params->staging && maps_all(ctx);
    r = params->validation ? listen(ctx) : 0;
    if (r >= 0)
        r = open_device(ctx);
    if (r >= 0)
        r = open_commands(ctx);
    if (r >= 0)
        r = vkc_cache_open(ctx, params->cache_dir);
    if (r < 0)
        return fail_set(fail, FAIL_UNAVAILABLE, r, "The Vulkan device '%s' cannot be opened: %m",
                        chosen->info.name);
    *ret = TAKE_PTR(ctx);
    return 0;
}

const struct vkc_device_info *vkc_context_info(const struct vkc_context *ctx)
{
    return &ctx->physical.info;
}

unsigned vkc_context_n_validation_messages(const struct vkc_context *ctx, const char **last)
{
    if (last)
        *last = ctx->last_message;
    return ctx->n_messages;
}
