/* SPDX-License-Identifier: Apache-2.0
 *
 * Mono sound files through libsndfile and libopusenc, written atomically, and plain streams for
 * pipes. 16-bit PCM is `lrint(32767 x)`. One thread a writer.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/fail.h"

struct audio_writer;

enum audio_format {
    AUDIO_WAV,        ///< RIFF, 16-bit PCM
    AUDIO_FLAC,       ///< 16 bit
    AUDIO_OGG_VORBIS, ///< lossy
    AUDIO_OPUS,       ///< lossy, in Ogg; 8, 12, 16, 24 or 48 kHz only
    AUDIO_RAW,        ///< 16-bit little-endian PCM without a header; streams and memfds only
};

/** Format by the ending of `path` (.wav .flac .ogg .opus, any case), "-" is WAV; another ending:
 * FAIL_USAGE, -EINVAL. */
int audio_format_of(const char *path, enum audio_format *ret, struct fail *fail);

/** Open for mono sound at `rate_hz`; the file appears under its name only at audio_writer_commit(),
 * until then it grows under a temporary name beside it. "-" writes WAV to standard output as it
 * comes, with the longest length a header can say. Errors: FAIL_USAGE (ending, rate), FAIL_CREATE
 * (folder), FAIL_IO (full disk); *ret (owned) untouched on failure. */
int audio_writer_new(const char *path, unsigned rate_hz, struct audio_writer **ret,
                     struct fail *fail);

struct audio_chapter {
    double start_s;
    const char *title; ///< UTF-8, one line
};
/** What is written beside the sound. All borrowed while the writer is made. */
struct audio_tags {
    const char *title;                    ///< of all formats; may be NULL
    const struct audio_chapter *chapters; ///< of AUDIO_OPUS: comments CHAPTER001=00:00:00.000 and
    size_t n_chapters;                    ///< CHAPTER001NAME=...; others have no place for them
};
/** audio_writer_new() with `tags`, which may be NULL. */
int audio_writer_new_tagged(const char *path, unsigned rate_hz, const struct audio_tags *tags,
                            struct audio_writer **ret, struct fail *fail);
/** As above on a descriptor that stays the caller's. A regular file or memfd takes every format and
 * must be readable, empty and at offset 0; a pipe, socket or device takes AUDIO_WAV and AUDIO_RAW,
 * written as they come: else FAIL_USAGE, -ESPIPE. */
int audio_writer_new_fd(int fd, enum audio_format format, unsigned rate_hz,
                        struct audio_writer **ret, struct fail *fail);
/** Append n samples in -1 .. 1 (clipped; a NaN is silence). Full disk: FAIL_IO, -ENOSPC. */
int audio_writer_write(struct audio_writer *w, const float *samples, size_t n, struct fail *fail);
/** Finish and bring it to the disk without its name: of several outputs that belong together, sync
 * all before the first is committed. */
int audio_writer_sync(struct audio_writer *w, struct fail *fail);
/** Finish and make it appear; `w` stays to be freed. */
int audio_writer_commit(struct audio_writer *w, struct fail *fail);
/** Frees; what was not committed is removed. */
struct audio_writer *audio_writer_free(struct audio_writer *w);
DEFINE_CLEANUP(struct audio_writer *, audio_writer_free);

/** The WAV header a stream of 16-bit mono PCM begins with: it says the longest length there is,
 * which players take as "until the end". */
#define AUDIO_STREAM_HEADER_BYTES 44
void audio_stream_header(unsigned rate_hz, uint8_t out[AUDIO_STREAM_HEADER_BYTES]);

/** Samples as 16-bit PCM and back; a round trip through both gives the same 16-bit values. */
void audio_to_s16(const float *samples, size_t n, int16_t *out);
void audio_from_s16(const int16_t *samples, size_t n, float *out);
