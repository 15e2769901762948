/* SPDX-License-Identifier: Apache-2.0
 *
 * The silence at both ends of a message is left out, so that the first sound comes sooner and the
 * next message can begin: a sentence begins with a fifth of a second of it and ends with a third.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Takes what is to be heard; a negative return is handed on. */
typedef int (*sd_heard_fn)(void *userdata, const int16_t *samples, size_t n);

enum {
    SD_HUSH_STEP = 160,         ///< 10 ms at 16 kHz: silent or not as a whole
    SD_HUSH_BEFORE = 16000 / 4, ///< samples left out at most at the begin
    SD_HUSH_AFTER = 16000 / 2,  ///< and at the end, of which
    SD_HUSH_KEEP = 16000 / 20,  ///< these stay
    SD_HUSH_PEAK = 64,          ///< of silence: -54 dB
};

/** A zeroed one is ready for a message. */
struct sd_hush {
    bool began;
    size_t n_left_out;           ///< at the begin
    int16_t held[SD_HUSH_AFTER]; ///< silence that may be the end
    size_t n_held;
};
int sd_hush_push(struct sd_hush *h, const int16_t *samples, size_t n, sd_heard_fn heard,
                 void *userdata);
/** What is held is heard after all, as something comes behind it. */
int sd_hush_flush(struct sd_hush *h, sd_heard_fn heard, void *userdata);
/** The message ends. */
int sd_hush_end(struct sd_hush *h, sd_heard_fn heard, void *userdata);
