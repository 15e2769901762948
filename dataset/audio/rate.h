/* SPDX-License-Identifier: Apache-2.0
 *
 * Sound at another rate while it is made (libsamplerate, band-limited). However it is cut into
 * pieces, the samples are the same. One thread at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/macro.h"

struct audio_rate;

/** Rates of 1,000 .. 384,000 Hz; the same rate twice gives the samples back as they are. -EINVAL,
 * -ENOMEM. */
int audio_rate_new(unsigned from_hz, unsigned to_hz, struct audio_rate **ret);
struct audio_rate *audio_rate_free(struct audio_rate *a);
DEFINE_CLEANUP(struct audio_rate *, audio_rate_free);

/** n samples in -> *ret_n samples that follow on those before, borrowed until the next call;
 * `last`: all that is left. -ENOMEM, -EINVAL. */
int audio_rate_push(struct audio_rate *a, const float *samples, size_t n, bool last,
                    const float **ret, size_t *ret_n);
