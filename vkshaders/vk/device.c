/* SPDX-License-Identifier: Apache-2.0
 *
 * Instance and devices: what is there, what it can do, which one to take.
 */
#include "vk/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define VALIDATION_LAYER "VK_LAYER_KHRONOS_validation"

enum {
    MIN_STORAGE_IMAGES = 5,       ///< texel buffers of the convolution
    MIN_TEXEL_ELEMENTS = 1 << 22, ///< 64 MiB of floats: the largest tensors and weights
};

const char *vkc_device_type_name(enum vkc_device_type type)
{
    static const char *const names[] = {
        [VKC_OTHER] = "other",       [VKC_INTEGRATED] = "integrated",
        [VKC_DISCRETE] = "discrete", [VKC_VIRTUAL] = "virtual",
        [VKC_CPU] = "cpu",
    };

    return (unsigned) type < ELEMENTSOF(names) ? names[type] : "other";
}

static int no_driver(struct fail *fail)
{
    return fail_set(fail, FAIL_UNAVAILABLE, -ENODEV,
                    "No Vulkan driver was found. Install the Debian package "
                    "'mesa-vulkan-drivers' (any computer) or the driver of your graphics card");
}

static bool has_layer(const char *name)
{
    CLEANUP_FREE VkLayerProperties *layers = NULL;
    uint32_t n = 0;

    if (vkEnumerateInstanceLayerProperties(&n, NULL) != VK_SUCCESS || n == 0)
        return false;
    layers = calloc(n, sizeof(*layers));
    if (!layers || vkEnumerateInstanceLayerProperties(&n, layers) != VK_SUCCESS)
        return false;
    for (uint32_t i = 0; i < n; i++)
        if (strcmp(layers[i].layerName, name) == 0)
            return true;
    return false;
}

int vkc_instance_new(bool validation, VkInstance *ret, struct fail *fail)
{
    static const char *const layers[] = {VALIDATION_LAYER};
    static const char *const extensions[] = {VK_EXT_DEBUG_UTILS_EXTENSION_NAME,
                                             VK_EXT_VALIDATION_FEATURES_EXTENSION_NAME};
    /* barriers are derived, not written: have them checked too */
    static const VkValidationFeatureEnableEXT enable[] = {
        VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT};
    const VkValidationFeaturesEXT features = {
        .sType = VK_STRUCTURE_TYPE_VALIDATION_FEATURES_EXT,
        .enabledValidationFeatureCount = ELEMENTSOF(enable),
        .pEnabledValidationFeatures = enable,
    };
    const VkApplicationInfo app = {
        .sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
        .pApplicationName = "brailled",
        .apiVersion = VK_API_VERSION_1_3,
    };
    const VkInstanceCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
        .pNext = validation ? &features : NULL,
        .pApplicationInfo = &app,
        .enabledLayerCount = validation ? 1 : 0,
        .ppEnabledLayerNames = layers,
        .enabledExtensionCount = validation ? ELEMENTSOF(extensions) : 0,
        .ppEnabledExtensionNames = extensions,
    };
    VkResult vr;

    if (validation && !has_layer(VALIDATION_LAYER))
        return fail_set(fail, FAIL_UNAVAILABLE, -ENODEV,
                        "The Vulkan validation layer is not installed; on Debian it is the "
                        "package 'vulkan-validationlayers'");
    vr = vkCreateInstance(&info, NULL, ret);
    if (vr == VK_SUCCESS)
        return 0;
    if (vr == VK_ERROR_OUT_OF_HOST_MEMORY)
        return -ENOMEM;
    return no_driver(fail); /* the loader found no driver that starts */
}

static bool has_extension(VkPhysicalDevice handle, const char *name)
{
    CLEANUP_FREE VkExtensionProperties *list = NULL;
    uint32_t n = 0;

    if (vkEnumerateDeviceExtensionProperties(handle, NULL, &n, NULL) != VK_SUCCESS || n == 0)
        return false;
    list = calloc(n, sizeof(*list));
    if (!list || vkEnumerateDeviceExtensionProperties(handle, NULL, &n, list) != VK_SUCCESS)
        return false;
    for (uint32_t i = 0; i < n; i++)
        if (strcmp(list[i].extensionName, name) == 0)
            return true;
    return false;
}

/* A family that computes; one without graphics is preferred, so that a desktop is not held up. */
static int find_queue(VkPhysicalDevice handle, uint32_t *ret)
{
    CLEANUP_FREE VkQueueFamilyProperties *list = NULL;
    uint32_t n = 0;
    int found = -1;

    vkGetPhysicalDeviceQueueFamilyProperties(handle, &n, NULL);
    list = calloc(n ? n : 1, sizeof(*list));
    if (!list)
        return -ENOMEM;
    vkGetPhysicalDeviceQueueFamilyProperties(handle, &n, list);
    for (uint32_t i = 0; i < n; i++) {
        if (!(list[i].queueFlags & VK_QUEUE_COMPUTE_BIT))
            continue;
        if (found < 0 || !(list[i].queueFlags & VK_QUEUE_GRAPHICS_BIT))
            found = (int) i;
        if (!(list[i].queueFlags & VK_QUEUE_GRAPHICS_BIT))
            break;
    }
    if (found < 0)
        return -ENODEV;
    *ret = (uint32_t) found;
    return 0;
}

static void describe_subgroups(struct vkc_physical *p)
{
    const VkSubgroupFeatureFlags need =
        VK_SUBGROUP_FEATURE_BASIC_BIT | VK_SUBGROUP_FEATURE_SHUFFLE_BIT;
    VkPhysicalDeviceSubgroupSizeControlProperties control = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_PROPERTIES};
    VkPhysicalDeviceSubgroupProperties sub = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES, .pNext = &control};
    VkPhysicalDeviceProperties2 props = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2,
                                         .pNext = &sub};
    VkPhysicalDeviceSubgroupSizeControlFeatures able = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES};
    VkPhysicalDeviceFeatures2 features = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2,
                                          .pNext = &able};

    if (p->properties.apiVersion < VK_API_VERSION_1_3 &&
        !has_extension(p->handle, VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME)) {
        sub.pNext = NULL;
        features.pNext = NULL;
    }
    vkGetPhysicalDeviceProperties2(p->handle, &props);
    vkGetPhysicalDeviceFeatures2(p->handle, &features);
    p->info.subgroup_size = sub.subgroupSize;
    p->size_control = able.subgroupSizeControl &&
                      (control.requiredSubgroupSizeStages & VK_SHADER_STAGE_COMPUTE_BIT);
    p->info.full_subgroups = able.computeFullSubgroups && sub.subgroupSize >= 8 &&
                             (sub.supportedStages & VK_SHADER_STAGE_COMPUTE_BIT) &&
                             (sub.supportedOperations & need) == need &&
                             sub.subgroupSize <= p->properties.limits.maxComputeWorkGroupSize[0];
}

static uint64_t largest_local_heap(VkPhysicalDevice handle)
{
    VkPhysicalDeviceMemoryProperties m;
    uint64_t best = 0;

    vkGetPhysicalDeviceMemoryProperties(handle, &m);
    for (uint32_t i = 0; i < m.memoryHeapCount; i++)
        if (m.memoryHeaps[i].flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT)
            best = MAX(best, m.memoryHeaps[i].size);
    return best;
}

/* What the kernels and the models need beyond what every device can; says what is too little. A
 * texel buffer counts as a storage image. All else is within the least that Vulkan promises. */
static bool limits_suffice(const VkPhysicalDeviceLimits *limits, char *why, size_t size)
{
    const struct {
        const char *what;
        uint32_t is, least;
    } needs[] = {
        {"storage images a stage", limits->maxPerStageDescriptorStorageImages, MIN_STORAGE_IMAGES},
        {"storage images a set", limits->maxDescriptorSetStorageImages, MIN_STORAGE_IMAGES},
        {"elements of a texel buffer", limits->maxTexelBufferElements, MIN_TEXEL_ELEMENTS},
    };

    for (size_t i = 0; i < ELEMENTSOF(needs); i++)
        if (needs[i].is < needs[i].least) {
            snprintf(why, size, "it has %u %s, not %u", needs[i].is, needs[i].what, needs[i].least);
            return false;
        }
    return true;
}

static void describe(VkPhysicalDevice handle, struct vkc_physical *p)
{
    static const enum vkc_device_type types[] = {
        [VK_PHYSICAL_DEVICE_TYPE_OTHER] = VKC_OTHER,
        [VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU] = VKC_INTEGRATED,
        [VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU] = VKC_DISCRETE,
        [VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU] = VKC_VIRTUAL,
        [VK_PHYSICAL_DEVICE_TYPE_CPU] = VKC_CPU,
    };
    VkPhysicalDeviceMaintenance3Properties memory = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_3_PROPERTIES};
    VkPhysicalDeviceDriverProperties driver = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES, .pNext = &memory};
    VkPhysicalDeviceProperties2 props = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2,
                                         .pNext = &driver};
    struct vkc_device_info *info = &p->info;

    *p = (struct vkc_physical){.handle = handle};
    vkGetPhysicalDeviceProperties(handle, &p->properties);
    snprintf(info->name, sizeof(info->name), "%.255s", p->properties.deviceName);
    if ((unsigned) p->properties.deviceType < ELEMENTSOF(types))
        info->type = types[p->properties.deviceType];
    info->max_texel_elements = p->properties.limits.maxTexelBufferElements;
    info->max_storage_bytes = p->properties.limits.maxStorageBufferRange;
    info->memory_bytes = largest_local_heap(handle);
    if (p->properties.apiVersion < VK_API_VERSION_1_2) {
        snprintf(info->why, sizeof(info->why), "its driver speaks Vulkan %u.%u, not 1.2",
                 VK_API_VERSION_MAJOR(p->properties.apiVersion),
                 VK_API_VERSION_MINOR(p->properties.apiVersion));
        return;
    }
    vkGetPhysicalDeviceProperties2(handle, &props);
    if (memory.maxMemoryAllocationSize < info->max_storage_bytes)
        info->max_storage_bytes = (uint32_t) memory.maxMemoryAllocationSize;
    snprintf(info->driver, sizeof(info->driver), "%.100s %.150s", driver.driverName,
             driver.driverInfo);
    describe_subgroups(p);
    if (find_queue(handle, &p->queue_family) < 0)
        snprintf(info->why, sizeof(info->why), "it has no compute queue");
    else
        info->usable = limits_suffice(&p->properties.limits, info->why, sizeof(info->why));
}

static int rank(const struct vkc_physical *p)
{
    static const int ranks[] = {
        [VKC_DISCRETE] = 0, [VKC_INTEGRATED] = 1, [VKC_VIRTUAL] = 2, [VKC_CPU] = 3, [VKC_OTHER] = 4,
    };

    return ranks[p->info.type] + (p->info.usable ? 0 : 8);
}

/* Stable: devices of one rank stay in the loader's order, which the user can set. */
static void sort(struct vkc_physical *list, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        const struct vkc_physical p = list[i];
        size_t j = i;

        for (; j > 0 && rank(&list[j - 1]) > rank(&p); j--)
            list[j] = list[j - 1];
        list[j] = p;
    }
}

int vkc_physical_list(VkInstance instance, struct vkc_physical **ret, size_t *ret_n,
                      struct fail *fail)
{
    CLEANUP_FREE VkPhysicalDevice *handles = NULL;
    struct vkc_physical *list;
    uint32_t n = 0;

    if (vkEnumeratePhysicalDevices(instance, &n, NULL) != VK_SUCCESS || n == 0)
        return no_driver(fail);
    handles = calloc(n, sizeof(*handles));
    if (!handles)
        return -ENOMEM;
    if (vkEnumeratePhysicalDevices(instance, &n, handles) < 0 || n == 0)
        return no_driver(fail);
    list = calloc(n, sizeof(*list));
    if (!list)
        return -ENOMEM;
    for (uint32_t i = 0; i < n; i++)
        describe(handles[i], &list[i]);
    sort(list, n);
    *ret = list;
    *ret_n = n;
    return 0;
}

int vkc_devices(struct vkc_device_info **ret, size_t *ret_n, struct fail *fail)
{
    CLEANUP_FREE struct vkc_physical *list = NULL;
    struct vkc_device_info *infos;
    VkInstance instance;
    size_t n = 0;
    int r;

    r = vkc_instance_new(false, &instance, fail);
    if (r < 0)
        return r;
    r = vkc_physical_list(instance, &list, &n, fail);
    vkDestroyInstance(instance, NULL);
    if (r < 0)
        return r;
    infos = calloc(n, sizeof(*infos));
    if (!infos)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        infos[i] = list[i].info;
    *ret = infos;
    *ret_n = n;
    return 0;
}

static bool is_index(const char *s, size_t *ret)
{
    if (!*s || strspn(s, "0123456789") != strlen(s) || strlen(s) > 4)
        return false;
    *ret = (size_t) atoi(s);
    return true;
}

static int unknown_device(const struct vkc_physical *list, size_t n, const char *name,
                          struct fail *fail)
{
    char known[300] = "";

    for (size_t i = 0; i < n; i++) {
        const size_t used = strlen(known);

        snprintf(known + used, sizeof(known) - used, "%s%zu: %s", i ? ", " : "", i,
                 list[i].info.name);
    }
    return fail_set(fail, FAIL_UNAVAILABLE, -ENODEV, "No Vulkan device '%.80s'; there is %s", name,
                    known);
}

int vkc_physical_choose(const struct vkc_physical *list, size_t n, const char *name,
                        const struct vkc_physical **ret, struct fail *fail)
{
    const struct vkc_physical *p = NULL;
    size_t index;

    if (!name || !*name)
        p = &list[0];
    else if (is_index(name, &index) && index < n)
        p = &list[index];
    for (size_t i = 0; i < n && !p; i++)
        if (strcasestr(list[i].info.name, name))
            p = &list[i];
    if (!p)
        return unknown_device(list, n, name, fail);
    if (!p->info.usable)
        return fail_set(fail, FAIL_UNAVAILABLE, -ENODEV, "The device '%s' cannot be used: %s",
                        p->info.name, p->info.why);
    *ret = p;
    return 0;
}
