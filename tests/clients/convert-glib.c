/* SPDX-License-Identifier: Apache-2.0
 *
 * An example of a client in C with GLib (GDBus), as desktop programs are written: one call, page
 * in, text and sound out.
 *
 *     cc convert-glib.c $(pkg-config --cflags --libs gio-unix-2.0) -o convert-glib
 *     ./convert-glib page.png page.wav
 */
#include <fcntl.h>
#include <gio/gio.h>
#include <gio/gunixfdlist.h>
#include <glib/gstdio.h>
#include <stdio.h>

/* The sound is in a sealed memfd, at offset 0. */
static gboolean save(int fd, const char *path, GError **error)
{
    g_autoptr(GMappedFile) sound = g_mapped_file_new_from_fd(fd, FALSE, error);

    return sound && g_file_set_contents(path, g_mapped_file_get_contents(sound),
                                        (gssize) g_mapped_file_get_length(sound), error);
}

static gboolean convert(GDBusConnection *bus, const char *page, const char *out, GError **error)
{
    g_autoptr(GUnixFDList) fds = g_unix_fd_list_new(), got = NULL;
    g_autoptr(GVariant) reply = NULL, result = NULL;
    g_auto(GVariantDict) values = G_VARIANT_DICT_INIT(NULL);
    const char *text;
    gint32 index;

    int fd = g_open(page, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0 || g_unix_fd_list_append(fds, fd, error) < 0)
        return FALSE;
    g_close(fd, NULL);
    reply = g_dbus_connection_call_with_unix_fd_list_sync(
        bus, "org.brailled.Brailled1", "/org/brailled/Brailled1", "org.brailled.Brailled1.Manager",
        "Convert", g_variant_new_parsed("(@h 0, @a{sv} {'rate': <1.25>})"),
        G_VARIANT_TYPE("(sa{sv})"), G_DBUS_CALL_FLAGS_NONE, G_MAXINT, fds, &got, NULL, error);
    if (!reply)
        return FALSE;
    g_variant_get(reply, "(&s@a{sv})", &text, &result);
    g_variant_dict_clear(&values);
    g_variant_dict_init(&values, result);
    printf("%s\n", text);
    if (!g_variant_dict_lookup(&values, "audio", "h", &index))
        return TRUE; /* nothing to say */
    fd = g_unix_fd_list_get(got, index, error);
    gboolean done = fd >= 0 && save(fd, out, error);
    g_close(fd, NULL);
    return done;
}

int main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GDBusConnection) bus = g_bus_get_sync(G_BUS_TYPE_SESSION, NULL, &error);

    if (argc != 3) {
        fprintf(stderr, "usage: convert-glib PAGE OUT.wav\n");
        return 2;
    }
    if (bus && convert(bus, argv[1], argv[2], &error))
        return 0;
    if (error)
        g_dbus_error_strip_remote_error(error);
    fprintf(stderr, "%s\n", error ? error->message : "the page cannot be opened");
    return 1;
}
