/* SPDX-License-Identifier: Apache-2.0
 *
 * Sound files through libsndfile, written atomically. One thread a writer.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/fail.h"

struct audio_writer;

enum audio_format { AUDIO_WAV, AUDIO_FLAC, AUDIO_OGG_VORBIS, AUDIO_OPUS };

/** Format by the ending of `path` (.wav .flac .ogg .opus); another ending: FAIL_USAGE, -EINVAL. */
int audio_format_of(const char *path, enum audio_format *ret, struct fail *fail);

/** Open for mono sound at `rate_hz`; the file appears under its name only at audio_writer_commit().
 * "-" writes WAV to standard output as it comes. */
int audio_writer_new(const char *path, unsigned rate_hz, struct audio_writer **ret,
                     struct fail *fail);
/** As above on a descriptor that stays the caller's (a memfd), in `format`. */
int audio_writer_new_fd(int fd, enum audio_format format, unsigned rate_hz,
                        struct audio_writer **ret, struct fail *fail);
/** Append n samples in -1 .. 1 (clipped). */
int audio_writer_write(struct audio_writer *w, const float *samples, size_t n, struct fail *fail);
/** Finish and make it appear; `w` stays to be freed. */
int audio_writer_commit(struct audio_writer *w, struct fail *fail);
/** Frees; what was not committed is removed. */
struct audio_writer *audio_writer_free(struct audio_writer *w);
DEFINE_CLEANUP(struct audio_writer *, audio_writer_free);
