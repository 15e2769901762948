/* SPDX-License-Identifier: Apache-2.0 */

#include "base/service.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

int service_name(const char *instance, char out[SERVICE_NAME_BYTES])
{
    int n = snprintf(out, SERVICE_NAME_BYTES, "%s", SERVICE_NAME);

    if (!instance)
        return 0;
    if (!*instance || strlen(instance) >= SERVICE_INSTANCE_BYTES)
        return -EINVAL;
    snprintf(out + n, SERVICE_NAME_BYTES - (size_t) n, ".%s%s", is_digit(*instance) ? "device" : "",
             instance);
    for (char *c = out + n + 1; *c; c++)
        if (!is_letter(*c) && !is_digit(*c))
            *c = '_';
    return 0;
}
