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

/** Any thread: add bytes. -EPIPE once the reader is gone; -ENOBUFS beyond STREAM_LIMIT_BYTES. The
 * loop must call stream_pump() soon. */
int stream_put(struct stream *s, const void *data, size_t size);

/** Loop: write what can be written now, and go on when the pipe takes more. */
void stream_pump(struct stream *s);
/** Loop: no more bytes will come. */
void stream_end(struct stream *s);
/** Loop: everything was written, or nobody reads. */
bool stream_is_over(const struct stream *s);
bool stream_is_broken(const struct stream *s);
