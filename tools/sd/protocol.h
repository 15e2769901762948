/* SPDX-License-Identifier: Apache-2.0
 *
 * What speech-dispatcher and its output modules say to each other, by lines on a pair of pipes.
 * Facts from speech-dispatcher 0.11.4's own modules, written down in docs/desktop.md.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macro.h"

/** Lines that come in. */
struct sd_in {
    int fd;     ///< borrowed
    char *data; ///< owned
    size_t n, room, at;
    bool ended;
};
void sd_in_done(struct sd_in *in);
/** Has a whole line come already? */
bool sd_in_has_line(const struct sd_in *in);
/** The next line without its end, which waits for it. It may hold NUL bytes and is valid until the
 * next call. A line beyond SD_LINE_MAX is cut off there. 1; 0: the other side is gone; -errno. */
int sd_in_line(struct sd_in *in, char **ret, size_t *ret_n);
enum { SD_LINE_MAX = 16 << 20 };

/** What goes out. Two threads write: each call below is one whole message. */
struct sd_out {
    int fd;      ///< borrowed
    int quit_fd; ///< an eventfd: once it can be read, nothing is waited for any more; owned
    pthread_mutex_t lock;
};
int sd_out_init(struct sd_out *out, int fd);
void sd_out_done(struct sd_out *out);
/** From now on a write ends instead of waiting for a server that does not read. */
void sd_out_quit(struct sd_out *out);

/** Text, with all its line ends. -EPIPE: the server is gone. */
int sd_out_text(struct sd_out *out, const char *format, ...) PRINTF_FORMAT(2, 3);
/** One block of sound, mono. Mind that a STOP waits until it is out. */
int sd_out_audio(struct sd_out *out, const int16_t *samples, size_t n, unsigned rate_hz);
enum { SD_BLOCK_SAMPLES = 1600 }; ///< at most in one block
