/* SPDX-License-Identifier: Apache-2.0
 *
 * Writing an a{sv}. All return 0 or a negative errno.
 */
#pragma once

#include <systemd/sd-bus.h>

static inline int field_string(sd_bus_message *m, const char *key, const char *value)
{
    return sd_bus_message_append(m, "{sv}", key, "s", value ? value : "");
}

/** An array of `element`, to be appended to; then field_end(). */
static inline int field_array(sd_bus_message *m, const char *key, const char *array,
                              const char *element)
{
    int r = sd_bus_message_open_container(m, 'e', "sv");
    if (r >= 0)
        r = sd_bus_message_append(m, "s", key);
    if (r >= 0)
        r = sd_bus_message_open_container(m, 'v', array);
    return r < 0 ? r : sd_bus_message_open_container(m, 'a', element);
}

static inline int field_end(sd_bus_message *m)
{
    int r = 0;
    for (int i = 0; r >= 0 && i < 3; i++)
        r = sd_bus_message_close_container(m);
    return r;
}
