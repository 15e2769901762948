/* SPDX-License-Identifier: Apache-2.0
 *
 * Preloaded into brailled by a test: once the file $BRAILLED_TEST_LOSE is there, the next submit
 * loses the device, as a driver's reset or a GPU that is pulled out does; the file is taken away,
 * so that the device that is opened after it works.
 */
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>
#include <vulkan/vulkan.h>

__attribute__((visibility("default"))) VKAPI_ATTR VkResult VKAPI_CALL
vkQueueSubmit(VkQueue queue, uint32_t n, const VkSubmitInfo *submits, VkFence fence)
{
    static PFN_vkQueueSubmit next;
    const char *file = getenv("BRAILLED_TEST_LOSE");

    if (file && unlink(file) == 0)
        return VK_ERROR_DEVICE_LOST;
    if (!next)
        *(void **) &next = dlsym(RTLD_NEXT, "vkQueueSubmit");
    return next(queue, n, submits, fence);
}
