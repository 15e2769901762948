/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the Vulkan layer share. Not a public header: it includes <vulkan/vulkan.h>.
 */
#pragma once

#include <vulkan/vulkan.h>

#include "vk/vkc.h"

enum {
    VKC_MAX_BINDINGS = 8,
    VKC_MAX_PUSH = 128,
    VKC_MAX_SPEC = 16,
};

/** What is known of a device before one is opened. */
struct vkc_physical {
    VkPhysicalDevice handle;
    VkPhysicalDeviceProperties properties;
    uint32_t queue_family;
    bool size_control; ///< the subgroup size of a pipeline can be fixed
    struct vkc_device_info info;
};

struct vkc_context {
    unsigned n_ref; ///< the user's, and one for each object made from it
    VkInstance instance;
    VkDebugUtilsMessengerEXT messenger;
    struct vkc_physical physical;
    VkPhysicalDeviceMemoryProperties memory;
    VkDevice device;
    VkQueue queue;
    VkCommandPool pool;
    VkCommandBuffer copy_cmd; ///< for staging copies and fills
    VkFence copy_fence;
    struct vkc_buffer *staging; ///< made at the first copy
    VkPipelineCache cache;
    char *cache_path;  ///< NULL: the cache is not kept
    size_t cache_size; ///< as loaded; written back when it grew
    PFN_vkSetDebugUtilsObjectNameEXT set_name;
    unsigned n_a_submit; ///< commands of the next submit, by how long the last took
    bool map_all;        ///< device memory is host memory: map it, copy nothing
    bool lost;           ///< no call may touch the device again
    bool hung;           ///< lost without an answer: its objects may be in use and are left alone
    unsigned n_messages;
    char last_message[1024];
};

struct vkc_buffer {
    unsigned n_ref;
    struct vkc_context *ctx; ///< owned reference
    VkBuffer handle;
    VkDeviceMemory memory;
    VkBufferView view; ///< texel view or null
    size_t size;
    void *map; ///< NULL where the host cannot see it
    bool host;
};

struct vkc_program {
    unsigned n_ref;
    struct vkc_context *ctx; ///< owned reference
    VkDescriptorSetLayout set_layout;
    VkPipelineLayout layout;
    VkPipeline pipeline;
    char bindings[VKC_MAX_BINDINGS + 1];
    size_t n_bindings;
    uint32_t push_size;
};

/* context.c */
struct vkc_context *vkc_context_ref(struct vkc_context *ctx);
/** A negative errno for a Vulkan result; marks the context lost where it is. */
int vkc_error(struct vkc_context *ctx, VkResult vr);
/** Wait for a fence. No answer in time is a lost device. */
int vkc_wait(struct vkc_context *ctx, VkFence fence, uint64_t timeout_usec);
void vkc_set_name(struct vkc_context *ctx, VkObjectType type, uint64_t handle, const char *name);

/* device.c */
/** An instance, with the validation layer and its message channel when asked. */
int vkc_instance_new(bool validation, VkInstance *ret, struct fail *fail);
/** All devices, best first. *ret: owned, free(). */
int vkc_physical_list(VkInstance instance, struct vkc_physical **ret, size_t *ret_n,
                      struct fail *fail);
/** The one that `name` chooses (NULL: the best usable one). */
int vkc_physical_choose(const struct vkc_physical *list, size_t n, const char *name,
                        const struct vkc_physical **ret, struct fail *fail);

/* cache.c */
/** Open the pipeline cache, from `dir` when given; a stale or broken file is ignored. */
int vkc_cache_open(struct vkc_context *ctx, const char *dir);
/** Write it back when it grew. Failing to is no error: it is only a cache. */
void vkc_cache_save(struct vkc_context *ctx);
