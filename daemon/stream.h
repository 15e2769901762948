/* SPDX-License-Identifier: Apache-2.0
 *
 * Sound on its way into a caller's pipe. The worker puts bytes in and never waits; the event loop
 * writes them as the pipe takes them, so that a player that listens in real time holds up nobody.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <systemd/sd-event.h>

#include "base/macro.h"

struct stream;

/** Called in the loop when all is written after stream_end(), or when the reader is gone. */
typedef void (*stream_done_fn)(void *userdata);

/** `fd` (borrowed, non-blocking) must be a pipe or a stream socket. */
int stream_new(sd_event *event, int fd, stream_done_fn done, void *userdata, struct stream **ret);
struct stream *stream_free(struct stream *s);
DEFINE_CLEANUP(struct stream *, stream_free);

enum { STREAM_LIMIT_BYTES = 256 << 20 }; ///< waiting at a time: more than two hours of speech

/** Any thread: add bytes. -EPIPE once the reader is gone; -ENOBUFS beyond STREAM_LIMIT_BYTES. They
 * stay until the loop calls stream_allow(). */
int stream_put(struct stream *s, const void *data, size_t size);

/** Loop: what was put so far may go out, once stream_pump() is called. What is to be told before
 * these bytes leave is told between the two. */
void stream_allow(struct stream *s);
/** Loop: write what can be written now, and go on when the pipe takes more. */
void stream_pump(struct stream *s);
/** Loop: write nothing until told otherwise. */
void stream_hold(struct stream *s, bool hold);
/** Loop: no more bytes will come; all may go out. */
void stream_end(struct stream *s);
/** Loop: everything was written, or nobody reads. */
bool stream_is_over(const struct stream *s);
bool stream_is_broken(const struct stream *s);
