/* SPDX-License-Identifier: Apache-2.0 */

#include "stream.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

struct stream {
    int fd; ///< borrowed
    bool is_socket;
    sd_event_source *io;
    stream_done_fn done;
    void *userdata;
    bool ended, told, held;

    pthread_mutex_t lock;             ///< over what follows
    uint8_t *data;                    ///< waiting bytes, owned
    size_t size, room, sent, allowed; ///< allowed: of size
    bool broken;
};

/* Without EPOLLOUT the loop still learns at once that the reader is gone. */
static void watch(struct stream *s, bool waiting, bool broken)
{
    sd_event_source_set_io_events(s->io, waiting ? EPOLLOUT : 0);
    if (broken)
        sd_event_source_set_enabled(s->io, SD_EVENT_OFF);
}

/* The caller has this pipe too and may have taken O_NONBLOCK away, and a write that waits would
 * hold up the loop. A pipe that poll() calls writable takes PIPE_BUF bytes in any case. */
static ssize_t write_at_once(struct stream *s)
{
    const uint8_t *data = s->data + s->sent;
    const size_t size = s->allowed - s->sent;
    struct pollfd p = {.fd = s->fd, .events = POLLOUT};

    if (s->is_socket)
        return send(s->fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (fcntl(s->fd, F_SETFL, fcntl(s->fd, F_GETFL) | O_NONBLOCK) < 0)
        return -1;
    int r = poll(&p, 1, 0);
    if (r == 0)
        errno = EAGAIN;
    return r <= 0 ? -1 : write(s->fd, data, MIN(size, (size_t) PIPE_BUF));
}

/* True when nothing waits that may go. */
static bool write_some(struct stream *s)
{
    while (!s->broken && s->sent < s->allowed) {
        ssize_t n = write_at_once(s);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return false;
        if (n < 0)
            s->broken = true;
        else
            s->sent += (size_t) n;
    }
    if (s->broken || s->sent == s->size)
        s->size = s->sent = s->allowed = 0;
    return true;
}

void stream_pump(struct stream *s)
{
    pthread_mutex_lock(&s->lock);
    const bool waits = !(s->held || write_some(s));
    const bool broken = s->broken, empty = broken || s->size == 0;
    pthread_mutex_unlock(&s->lock);

    watch(s, waits, broken);
    if (empty && (s->ended || broken) && !s->told) {
        s->told = true;
        s->done(s->userdata); /* may free `s` */
    }
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
    struct stream *s = userdata;

    if (events & (EPOLLERR | EPOLLHUP)) {
        pthread_mutex_lock(&s->lock);
        s->broken = true;
        pthread_mutex_unlock(&s->lock);
    }
    stream_pump(s);
    return 0;
}

int stream_new(sd_event *event, int fd, stream_done_fn done, void *userdata, struct stream **ret)
{
    struct stream *s = calloc(1, sizeof(*s));
    struct stat st;

    if (!s)
        return -ENOMEM;
    s->fd = fd;
    s->is_socket = fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode);
    s->done = done;
    s->userdata = userdata;
    pthread_mutex_init(&s->lock, NULL);
    int r = sd_event_add_io(event, &s->io, fd, 0, on_io, s);
    if (r < 0) {
        stream_free(s);
        return r;
    }
    *ret = s;
    return 0;
}

struct stream *stream_free(struct stream *s)
{
    if (s) {
        sd_event_source_disable_unref(s->io);
        pthread_mutex_destroy(&s->lock);
        free(s->data);
        free(s);
    }
    return NULL;
}

static int make_room(struct stream *s, size_t size)
{
    if (s->size - s->sent + size > STREAM_LIMIT_BYTES)
        return -ENOBUFS;
    if (s->room - s->size >= size)
        return 0;
    if (s->sent > s->size / 2) { /* else too much is moved for too little room */
        memmove(s->data, s->data + s->sent, s->size - s->sent);
        s->size -= s->sent;
        s->allowed -= s->sent;
        s->sent = 0;
    }
    if (s->room - s->size >= size)
        return 0;
    size_t room = MAX(2 * s->room, s->size + size);
    uint8_t *more = realloc(s->data, room);
    if (!more)
        return -ENOMEM;
    s->data = more;
    s->room = room;
    return 0;
}

int stream_put(struct stream *s, const void *data, size_t size)
{
    pthread_mutex_lock(&s->lock);
    int r = s->broken ? -EPIPE : make_room(s, size);
    if (r >= 0 && size > 0) {
        memcpy(s->data + s->size, data, size);
        s->size += size;
    }
    pthread_mutex_unlock(&s->lock);
    return r;
}

void stream_allow(struct stream *s)
{
    pthread_mutex_lock(&s->lock);
    s->allowed = s->size;
    pthread_mutex_unlock(&s->lock);
}

void stream_hold(struct stream *s, bool hold)
{
    s->held = hold;
    stream_pump(s);
}

void stream_end(struct stream *s)
{
    s->ended = true;
    stream_allow(s);
    stream_pump(s);
}

bool stream_is_over(const struct stream *s)
{
    return s->told;
}

bool stream_is_broken(const struct stream *s)
{
    return s->broken;
}
