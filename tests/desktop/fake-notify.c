/* SPDX-License-Identifier: Apache-2.0
 *
 * A server of org.freedesktop.Notifications for tests: runs the program of its arguments and prints
 * each notification as a line: urgency, transient, icon, title, body, parted by tabs.
 */

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

static int on_notify(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
    const char *app, *icon, *title, *body, *key, *text;
    uint32_t replaces;
    uint8_t urgency = 0;
    int32_t timeout;
    int transient = 0;

    if (sd_bus_message_read(m, "susss", &app, &replaces, &icon, &title, &body) < 0 ||
        sd_bus_message_skip(m, "as") < 0 || sd_bus_message_enter_container(m, 'a', "{sv}") < 0)
        return -EBADMSG;
    while (sd_bus_message_enter_container(m, 'e', "sv") > 0) {
        int r = sd_bus_message_read(m, "s", &key);
        if (r > 0 && strcmp(key, "urgency") == 0)
            r = sd_bus_message_read(m, "v", "y", &urgency);
        else if (r > 0 && strcmp(key, "transient") == 0)
            r = sd_bus_message_read(m, "v", "b", &transient);
        else if (r > 0)
            r = sd_bus_message_read(m, "v", "s", &text);
        if (r < 0 || sd_bus_message_exit_container(m) < 0)
            return -EBADMSG;
    }
    if (sd_bus_message_exit_container(m) < 0 || sd_bus_message_read(m, "i", &timeout) < 0)
        return -EBADMSG;
    printf("%u\t%d\t%s\t%s\t%s\n", urgency, transient, icon, title, body);
    return sd_bus_reply_method_return(m, "u", 1);
}

static const sd_bus_vtable vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD("Notify", "susssasa{sv}i", "u", on_notify, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_VTABLE_END,
};

int main(int argc, char **argv)
{
    sd_bus *bus = NULL;
    int status = 0;

    if (sd_bus_open_user(&bus) < 0 ||
        sd_bus_add_object_vtable(bus, NULL, "/org/freedesktop/Notifications",
                                 "org.freedesktop.Notifications", vtable, NULL) < 0 ||
        sd_bus_request_name(bus, "org.freedesktop.Notifications", 0) < 0)
        return 2;
    const pid_t child = fork();
    if (child == 0) {
        dup2(STDERR_FILENO, STDOUT_FILENO);
        execvp(argv[1], argv + 1);
        _exit(127);
    }
    while (waitpid(child, &status, WNOHANG) == 0) {
        if (sd_bus_process(bus, NULL) == 0)
            sd_bus_wait(bus, 50 * 1000);
    }
    sd_bus_unref(bus);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
