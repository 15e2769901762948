/* SPDX-License-Identifier: Apache-2.0
 *
 * --notify: what became of a command, on the desktop (Desktop Notifications Specification 1.2).
 */

#include "tools/ctl/ctl.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-bus.h>

enum { WAIT_USEC = 3 * 1000 * 1000 };
enum { URGENCY_NORMAL = 1, URGENCY_CRITICAL = 2 };

/* Servers take a little markup in the body: a text must not be taken for it. */
static void escape(const char *text, char *out, size_t size)
{
    size_t n = 0;

    out[0] = 0;
    for (; *text; text++) {
        const char one[] = {*text, 0};
        const char *as = *text == '&'   ? "&amp;"
                         : *text == '<' ? "&lt;"
                         : *text == '>' ? "&gt;"
                                        : one;
        if (n + strlen(as) >= size)
            break;
        n += (size_t) snprintf(out + n, size - n, "%s", as);
    }
}

static int send(sd_bus *bus, const char *title, const char *body, uint8_t urgency,
                sd_bus_error *error)
{
    char escaped[6 * sizeof(((struct fail *) NULL)->text)];
    sd_bus_message *m = NULL;

    escape(body, escaped, sizeof(escaped));
    int r = sd_bus_message_new_method_call(bus, &m, "org.freedesktop.Notifications",
                                           "/org/freedesktop/Notifications",
                                           "org.freedesktop.Notifications", "Notify");
    if (r >= 0) /* actions: none, this process does not stay for an answer */
        r = sd_bus_message_append(m, "susssasa{sv}i", "brailled", 0, "org.brailled.ReadAloud",
                                  title, escaped, 0, 3, "urgency", "y", urgency, "desktop-entry",
                                  "s", "org.brailled.ReadAloud", "transient", "b",
                                  urgency == URGENCY_NORMAL, -1);
    if (r >= 0)
        r = sd_bus_call(bus, m, WAIT_USEC, error, NULL);
    sd_bus_message_unref(m);
    return r;
}

void ctl_notify(const struct ctl *ctl, const char *command, const struct fail *fail)
{
    sd_bus_error error = SD_BUS_ERROR_NULL;
    const bool failed = fail->kind != FAIL_NONE;
    char title[200];
    sd_bus *bus = NULL;

    if (!ctl->notify || fail->kind == FAIL_INTERRUPTED)
        return;
    snprintf(title, sizeof(title), failed ? tr("braillectl %s: failed") : tr("braillectl %s: done"),
             command);
    int r = sd_bus_open_user(&bus);
    if (r >= 0)
        r = send(bus, title, failed ? fail->text : ctl_first_words(),
                 failed ? URGENCY_CRITICAL : URGENCY_NORMAL, &error);
    errno = -r;
    if (r < 0)
        ctl_say_line(ctl, "no notification could be shown: %m");
    sd_bus_error_free(&error);
    sd_bus_flush_close_unref(bus);
}
