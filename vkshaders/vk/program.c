/* SPDX-License-Identifier: Apache-2.0
 *
 * A compute pipeline with its layouts.
 */
#include "vk/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static VkDescriptorType type_of(char letter)
{
    return letter == 't' ? VK_DESCRIPTOR_TYPE_STORAGE_TEXEL_BUFFER
                         : VK_DESCRIPTOR_TYPE_STORAGE_BUFFER;
}

static int make_layouts(struct vkc_program *p)
{
    VkDescriptorSetLayoutBinding bindings[VKC_MAX_BINDINGS] = {0};
    VkDevice device = p->ctx->device;
    VkResult vr;

    for (uint32_t i = 0; i < p->n_bindings; i++)
        bindings[i] = (VkDescriptorSetLayoutBinding){
            .binding = i,
            .descriptorType = type_of(p->bindings[i]),
            .descriptorCount = 1,
            .stageFlags = VK_SHADER_STAGE_COMPUTE_BIT,
        };
    const VkDescriptorSetLayoutCreateInfo set = {
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
        .bindingCount = (uint32_t) p->n_bindings,
        .pBindings = bindings,
    };
    vr = vkCreateDescriptorSetLayout(device, &set, NULL, &p->set_layout);
    if (vr != VK_SUCCESS)
        return vkc_error(p->ctx, vr);
    const VkPushConstantRange range = {VK_SHADER_STAGE_COMPUTE_BIT, 0, p->push_size};
    const VkPipelineLayoutCreateInfo layout = {
        .sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
        .setLayoutCount = 1,
        .pSetLayouts = &p->set_layout,
        .pushConstantRangeCount = p->push_size ? 1 : 0,
        .pPushConstantRanges = &range,
    };
    return vkc_error(p->ctx, vkCreatePipelineLayout(device, &layout, NULL, &p->layout));
}

static int make_pipeline(struct vkc_program *p, const struct vkc_program_params *params)
{
    struct vkc_context *ctx = p->ctx;
    VkSpecializationMapEntry entries[VKC_MAX_SPEC];
    const VkShaderModuleCreateInfo code = {
        .sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
        .codeSize = params->spirv_size,
        .pCode = params->spirv,
    };
    VkShaderModule module;
    VkResult vr;

    for (uint32_t i = 0; i < params->n_spec; i++)
        entries[i] = (VkSpecializationMapEntry){i, 4 * i, 4};
    const VkSpecializationInfo spec = {params->n_spec, entries, 4 * params->n_spec, params->spec};
    /* a driver that may choose the size (Intel) must take the one that was planned with */
    const VkPipelineShaderStageRequiredSubgroupSizeCreateInfo size = {
        .sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_REQUIRED_SUBGROUP_SIZE_CREATE_INFO,
        .requiredSubgroupSize = ctx->physical.info.subgroup_size,
    };
    vr = vkCreateShaderModule(ctx->device, &code, NULL, &module);
    if (vr != VK_SUCCESS)
        return vkc_error(ctx, vr);
    const VkComputePipelineCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
        .stage =
            {
                .sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                .pNext = params->full_subgroups && ctx->physical.size_control ? &size : NULL,
                .flags = params->full_subgroups
                             ? VK_PIPELINE_SHADER_STAGE_CREATE_REQUIRE_FULL_SUBGROUPS_BIT
                             : 0,
                .stage = VK_SHADER_STAGE_COMPUTE_BIT,
                .module = module,
                .pName = "main",
                .pSpecializationInfo = &spec,
            },
        .layout = p->layout,
    };
    vr = vkCreateComputePipelines(ctx->device, ctx->cache, 1, &info, NULL, &p->pipeline);
    vkDestroyShaderModule(ctx->device, module, NULL);
    if (vr == VK_SUCCESS)
        vkc_set_name(ctx, VK_OBJECT_TYPE_PIPELINE, (uint64_t) p->pipeline, params->name);
    return vkc_error(ctx, vr);
}

int vkc_program_new(struct vkc_context *ctx, const struct vkc_program_params *params,
                    struct vkc_program **ret, struct fail *fail)
{
    CLEANUP(vkc_program_unrefp) struct vkc_program *p = NULL;
    const size_t n = strlen(params->bindings);
    int r;

    if (n == 0 || n > VKC_MAX_BINDINGS || strspn(params->bindings, "trwm") != n ||
        params->push_size > VKC_MAX_PUSH || params->n_spec > VKC_MAX_SPEC)
        return fail_set(fail, FAIL_DEFECT, -EINVAL, "The kernel '%s' is declared wrongly",
                        params->name);
    if (params->full_subgroups && !ctx->physical.info.full_subgroups)
        return fail_set(fail, FAIL_UNAVAILABLE, -ENOTSUP,
                        "The device '%s' lacks the subgroups that the kernel '%s' needs",
                        ctx->physical.info.name, params->name);
    if (ctx->lost)
        return fail_set(fail, FAIL_UNAVAILABLE, -EIO, "The Vulkan device was lost");
    p = calloc(1, sizeof(*p));
    if (!p)
        return -ENOMEM;
    p->n_ref = 1;
    p->ctx = vkc_context_ref(ctx);
    p->n_bindings = n;
    p->push_size = params->push_size;
    memcpy(p->bindings, params->bindings, n);
    r = make_layouts(p);
    if (r >= 0)
        r = make_pipeline(p, params);
    if (r < 0)
        return fail_set(fail, FAIL_UNAVAILABLE, r, "The device '%s' cannot run the kernel '%s': %m",
                        ctx->physical.info.name, params->name);
    *ret = TAKE_PTR(p);
    return 0;
}

struct vkc_program *vkc_program_unref(struct vkc_program *p)
{
    if (!p || --p->n_ref > 0)
        return NULL;
    if (!p->ctx->hung) {
        vkDestroyPipeline(p->ctx->device, p->pipeline, NULL);
        vkDestroyPipelineLayout(p->ctx->device, p->layout, NULL);
        vkDestroyDescriptorSetLayout(p->ctx->device, p->set_layout, NULL);
    }
    vkc_context_free(p->ctx);
    free(p);
    return NULL;
}
