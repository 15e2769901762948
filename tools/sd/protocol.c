/* SPDX-License-Identifier: Apache-2.0 */

#include "tools/sd/protocol.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    READ_BYTES = 65536,
    WRITE_BYTES = 4096, /* PIPE_BUF: a pipe that poll() calls writable takes as many at once */
    ESCAPE = 0x7d,      /* in blocks of sound, before a byte with this bit turned over: */
    ESCAPE_BIT = 0x20,
};

void sd_in_done(struct sd_in *in)
{
    free(in->data);
    *in = (struct sd_in){.fd = -1};
}

bool sd_in_has_line(const struct sd_in *in)
{
    return in->at < in->n && memchr(in->data + in->at, '\n', in->n - in->at);
}

/* 1: there is more; 0: the end. */
static int fill(struct sd_in *in)
{
    if (in->at > 0) {
        memmove(in->data, in->data + in->at, in->n - in->at);
        in->n -= in->at;
        in->at = 0;
    }
    if (in->room < in->n + READ_BYTES) {
        char *more = realloc(in->data, 2 * in->room + READ_BYTES);
        if (!more)
            return -ENOMEM;
        in->data = more;
        in->room = 2 * in->room + READ_BYTES;
    }
    for (;;) {
        const ssize_t n = read(in->fd, in->data + in->n, READ_BYTES);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        in->n += (size_t) n;
        return n > 0;
    }
}

int sd_in_line(struct sd_in *in, char **ret, size_t *ret_n)
{
    size_t looked = 0;
    char *end = NULL;

    while (!in->ended) {
        end = in->n > in->at + looked
                  ? memchr(in->data + in->at + looked, '\n', in->n - in->at - looked)
                  : NULL;
        looked = in->n - in->at;
        if (end || looked > SD_LINE_MAX)
            break;
        const int r = fill(in);
        if (r < 0)
            return r;
        in->ended = r == 0;
    }
    if (!end && in->n == in->at)
        return 0;
    *ret = in->data + in->at;
    *ret_n = end ? (size_t) (end - *ret) : in->n - in->at;
    in->at += *ret_n + (end != NULL);
    return 1;
}

int sd_out_init(struct sd_out *out, int fd)
{
    *out = (struct sd_out){.fd = fd, .quit_fd = eventfd(0, EFD_CLOEXEC)};
    if (out->quit_fd < 0)
        return -errno;
    pthread_mutex_init(&out->lock, NULL);
    return 0;
}

void sd_out_done(struct sd_out *out)
{
    if (out->quit_fd >= 0) {
        close(out->quit_fd);
        pthread_mutex_destroy(&out->lock);
    }
    out->quit_fd = -1;
}

void sd_out_quit(struct sd_out *out)
{
    eventfd_write(out->quit_fd, 1);
}

/* The lock is held. */
static int write_all(struct sd_out *out, const char *data, size_t n)
{
    while (n > 0) {
        struct pollfd fds[2] = {{.fd = out->fd, .events = POLLOUT},
                                {.fd = out->quit_fd, .events = POLLIN}};
        if (poll(fds, ELEMENTSOF(fds), -1) < 0) {
            if (errno == EINTR)
                continue;
            return -errno;
        }
        if (!(fds[0].revents & POLLOUT)) /* an error, or we are to quit */
            return -EPIPE;
        const ssize_t wrote = write(out->fd, data, MIN(n, (size_t) WRITE_BYTES));
        if (wrote < 0 && errno != EINTR && errno != EAGAIN)
            return -errno;
        if (wrote > 0) {
            data += wrote;
            n -= (size_t) wrote;
        }
    }
    return 0;
}

static int write_locked(struct sd_out *out, const char *data, size_t n)
{
    pthread_mutex_lock(&out->lock);
    const int r = write_all(out, data, n);
    pthread_mutex_unlock(&out->lock);
    return r;
}

int sd_out_text(struct sd_out *out, const char *format, ...)
{
    char *text = NULL;
    va_list ap;

    va_start(ap, format);
    const int n = vasprintf(&text, format, ap);
    va_end(ap);
    if (n < 0)
        return -ENOMEM;
    const int r = write_locked(out, text, (size_t) n);
    free(text);
    return r;
}

int sd_out_audio(struct sd_out *out, const int16_t *samples, size_t n, unsigned rate_hz)
{
    char data[256 + 4 * SD_BLOCK_SAMPLES];

    n = MIN(n, (size_t) SD_BLOCK_SAMPLES);
    const int head = snprintf(data, 256,
                              "705-bits=16\n705-num_channels=1\n705-sample_rate=%u\n"
                              "705-num_samples=%zu\n705-big_endian=0\n705-AUDIO",
                              rate_hz, n);
    char *at = data + head;

    *at++ = '\0';
    for (size_t i = 0; i < n; i++) {
        const uint8_t bytes[2] = {(uint8_t) samples[i], (uint8_t) ((uint16_t) samples[i] >> 8)};
        for (unsigned b = 0; b < 2; b++) {
            const bool escaped = bytes[b] == ESCAPE || bytes[b] == '\n';
            if (escaped)
                *at++ = ESCAPE;
            *at++ = (char) (escaped ? bytes[b] ^ ESCAPE_BIT : bytes[b]);
        }
    }
    at = stpcpy(at, "\n705 AUDIO\n");
    return write_locked(out, data, (size_t) (at - data));
}
