/* SPDX-License-Identifier: Apache-2.0
 *
 * Ogg Opus (RFC 7845) through libopusenc, which writes the comments that chapters need; libsndfile
 * knows a title at most. Private to audio.
 */
#pragma once

#include "audio/audio.h"

struct audio_opus;

/** Takes the bytes as they come; 0, or a negative errno, which ends the writing. */
typedef int (*audio_bytes_fn)(void *userdata, const void *data, size_t size);

/** `tags` may be NULL. FAIL_USAGE, -EINVAL: not 8, 12, 16, 24 or 48 kHz; -EIO: bytes() failed. */
int audio_opus_new(unsigned rate_hz, const struct audio_tags *tags, audio_bytes_fn bytes,
                   void *userdata, struct audio_opus **ret, struct fail *fail);
/** -EIO: bytes() failed; -ENOMEM. */
int audio_opus_write(struct audio_opus *o, const int16_t *samples, size_t n);
/** The last page. */
int audio_opus_end(struct audio_opus *o);
struct audio_opus *audio_opus_free(struct audio_opus *o);
