/* SPDX-License-Identifier: Apache-2.0
 *
 * Sound files read whole, as mono samples at the rate that is asked for: what evaluations compare.
 * libsndfile decodes, libsamplerate (band-limited interpolation, its best converter) resamples.
 * Thread-safe: no shared state.
 */
#pragma once

#include <stddef.h>

#include "base/fail.h"

#define AUDIO_READ_MAX_S 600 ///< longer sound is refused: a sentence is read, not a book

struct audio_samples {
    float *data; ///< -1 .. 1, owned, free()
    size_t n;
    unsigned rate_hz;
};
void audio_samples_done(struct audio_samples *s);

/** Read a file (what libsndfile knows: WAV, FLAC, Ogg, Opus, AIFF …), channels averaged, at its own
 * rate. FAIL_OPEN: cannot be opened; FAIL_INPUT: no sound, broken, empty (-ENODATA), not finite, or
 * longer than AUDIO_READ_MAX_S (-EFBIG). *ret untouched on failure. */
int audio_read(const char *path, struct audio_samples *ret, struct fail *fail);

/** `s` at another rate, 1,000 .. 384,000 Hz; round(n * to / from) samples. -EINVAL, -ENOMEM. */
int audio_resample(const struct audio_samples *s, unsigned rate_hz, struct audio_samples *ret);
