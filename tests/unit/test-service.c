/* SPDX-License-Identifier: Apache-2.0 */

#include "base/service.h"
#include "test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>

int main(void)
{
    static const char *const cases[][2] = {
        {NULL, "org.brailled.Brailled1"},
        {"1", "org.brailled.Brailled1.device1"},
        {"10de", "org.brailled.Brailled1.device10de"},
        {"llvmpipe", "org.brailled.Brailled1.llvmpipe"},
        {"a-b", "org.brailled.Brailled1.a_b"},
        {"NVIDIA H100.x\\x20", "org.brailled.Brailled1.NVIDIA_H100_x_x20"},
        {"设", "org.brailled.Brailled1.___"},
    };
    char name[SERVICE_NAME_BYTES], longest[SERVICE_INSTANCE_BYTES + 1];

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        REQUIRE(service_name(cases[i][0], name) == 0);
        REQUIRE(strcmp(name, cases[i][1]) == 0);
        REQUIRE(sd_bus_service_name_is_valid(name) > 0);
    }
    memset(longest, '1', sizeof(longest));
    longest[SERVICE_INSTANCE_BYTES] = 0;
    REQUIRE(service_name(longest, name) == -EINVAL);
    REQUIRE(service_name(longest + 1, name) == 0);
    REQUIRE(sd_bus_service_name_is_valid(name) > 0 && strlen(name) == 22 + 1 + 6 + 63);
    REQUIRE(service_name("", name) == -EINVAL);
    return 0;
}
