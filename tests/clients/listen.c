/* SPDX-License-Identifier: Apache-2.0
 *
 * An example of a client in C (sd-bus): hear a page while it is read, sentence by sentence.
 *
 *     cc listen.c $(pkg-config --cflags --libs libsystemd) -o listen
 *     ./listen page.png | aplay -q -t raw -f S16_LE -r 16000 -c 1
 *
 * Sound goes to standard output; the sentences and the progress go to standard error.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#define NAME "org.brailled.Brailled1"
#define PATH "/org/brailled/Brailled1"

static int on_signal(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
    const char *hanzi, *pinyin;
    uint64_t start_us, end_us;
    uint32_t n;
    double d;

    if (sd_bus_message_is_signal(m, NAME ".Job", "Progress") > 0 &&
        sd_bus_message_read(m, "ud", &n, &d) > 0)
        fprintf(stderr, "%3.0f %%\n", 100 * d);
    if (sd_bus_message_is_signal(m, NAME ".Job", "Segment") > 0 &&
        sd_bus_message_read(m, "uussttd", &n, NULL, &hanzi, &pinyin, &start_us, &end_us, &d) > 0)
        fprintf(stderr, "%7.2f s  %s\n", (double) start_us / 1e6, pinyin);
    return 0;
}

static int on_answer(sd_bus_message *m, void *userdata, sd_bus_error *unused)
{
    const sd_bus_error *error = sd_bus_message_get_error(m);
    const char *text;
    int *code = userdata;

    *code = 0;
    if (error) {
        fprintf(stderr, "%s: %s\n", error->name, error->message);
        *code = 1;
    } else if (sd_bus_message_read(m, "s", &text) > 0)
        fprintf(stderr, "%s\n", text);
    return 0;
}

/* From the daemon's pipe to standard output; false at its end. */
static int pass_on(int fd)
{
    char block[4096];
    ssize_t n = read(fd, block, sizeof(block));

    for (ssize_t done = 0, k; done < n; done += k)
        if ((k = write(STDOUT_FILENO, block + done, (size_t) (n - done))) < 0)
            return 0; /* nobody listens: closing the pipe cancels the job */
    return n > 0;
}

static int create(sd_bus *bus, int page, int sound, char **ret)
{
    sd_bus_error error = SD_BUS_ERROR_NULL;
    sd_bus_message *reply = NULL;
    const char *path;

    int r = sd_bus_call_method(bus, NAME, PATH, NAME ".Manager", "CreateJob", &error, &reply,
                               "ha{sv}", page, 2, "audio-fd", "h", sound, "audio-format", "s",
                               "audio/x-raw,format=S16LE,channels=1,rate=16000");
    if (r < 0)
        fprintf(stderr, "%s\n", error.message ? error.message : strerror(-r));
    if (r >= 0)
        r = sd_bus_message_read(reply, "o", &path);
    if (r >= 0)
        *ret = strdup(path);
    sd_bus_error_free(&error);
    sd_bus_message_unref(reply);
    return r;
}

static int listen_to(sd_bus *bus, const char *path, int sound)
{
    struct pollfd p[2] = {{.fd = sound, .events = POLLIN}, {.fd = sd_bus_get_fd(bus)}};
    int code = -1;

    sd_bus_match_signal(bus, NULL, NAME, path, NAME ".Job", NULL, on_signal, NULL);
    int r =
        sd_bus_call_method_async(bus, NULL, NAME, path, NAME ".Job", "Run", on_answer, &code, NULL);
    while (r >= 0 && (code < 0 || p[0].fd >= 0)) {
        while ((r = sd_bus_process(bus, NULL)) > 0)
            ;
        p[1].events = (short) sd_bus_get_events(bus);
        if (r < 0 || poll(p, 2, 1000) < 0)
            break;
        if (p[0].fd >= 0 && p[0].revents && !pass_on(sound)) {
            close(sound);
            p[0].fd = -1;
        }
    }
    return r < 0 ? 1 : code;
}

int main(int argc, char **argv)
{
    sd_bus *bus = NULL;
    char *path = NULL;
    int sound[2], page = argc == 2 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;

    if (page < 0 || pipe2(sound, O_CLOEXEC) < 0 || sd_bus_open_user(&bus) < 0) {
        fprintf(stderr, "usage: listen PAGE\n");
        return 2;
    }
    sd_bus_set_method_call_timeout(bus, UINT64_MAX); /* Run answers when all is said */
    int r = create(bus, page, sound[1], &path);
    close(sound[1]);
    int code = r < 0 ? 1 : listen_to(bus, path, sound[0]);
    free(path);
    sd_bus_flush_close_unref(bus);
    return code;
}
