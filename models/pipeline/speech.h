/* SPDX-License-Identifier: Apache-2.0
 *
 * One span on its way from pinyin to sound: acoustic model (whole), vocoder (in growing pieces),
 * tempo, level. Inside of pipeline only.
 */
#pragma once

#include "lang/utterance.h"
#include "pipeline/pipeline_internal.h"

/* ---- tempo ---------------------------------------------------------------------------------- */

/** Speech made faster or slower at its own pitch (libsonic), piece by piece. */
struct pipeline_tempo;
/** `speed` 1 gives the samples back as they are. -ENOMEM */
int pipeline_tempo_new(unsigned rate_hz, double speed, struct pipeline_tempo **ret);
struct pipeline_tempo *pipeline_tempo_free(struct pipeline_tempo *t);
DEFINE_CLEANUP(struct pipeline_tempo *, pipeline_tempo_free);
/** n samples in -> *ret_n samples that follow on those before, borrowed until the next call;
 * `last`: all that is left. -ENOMEM */
int pipeline_tempo_push(struct pipeline_tempo *t, const float *samples, size_t n, bool last,
                        const float **ret, size_t *ret_n);

/* ---- level ---------------------------------------------------------------------------------- */

#define PIPELINE_LUFS -23.0 ///< EBU R128

/** How loud speech of this mel [n_mels][n_frames], whose bands end at top_hz, sharpened
 * (hifigan/envelope.h), is: *ret LUFS (ITU-R BS.1770-4 with its gates), less than -70 where it is
 * silence. -ENOMEM */
int pipeline_loudness(const float *mel, unsigned n_mels, unsigned n_frames, unsigned rate_hz,
                      unsigned hop, double top_hz, float sharpness, double *ret);

/** A gain, and a limiter behind it that looks 5 ms ahead: what would go over -1 dB is turned down
 * smoothly before it comes. */
struct pipeline_limiter;
/** -ENOMEM */
int pipeline_limiter_new(unsigned rate_hz, double gain, struct pipeline_limiter **ret);
struct pipeline_limiter *pipeline_limiter_free(struct pipeline_limiter *l);
DEFINE_CLEANUP(struct pipeline_limiter *, pipeline_limiter_free);
/** As pipeline_tempo_push(). */
int pipeline_limiter_push(struct pipeline_limiter *l, const float *samples, size_t n, bool last,
                          const float **ret, size_t *ret_n);

/* ---- a span --------------------------------------------------------------------------------- */

struct pipeline_speech;
/** Begin: the acoustic model speaks the span's pinyin, which is not "". */
int pipeline_speech_new(struct pipeline *p, const struct lang_span *span,
                        const struct pipeline_say_params *params, const struct pipeline_job *job,
                        struct pipeline_speech **ret, struct fail *fail);
struct pipeline_speech *pipeline_speech_free(struct pipeline_speech *s);
DEFINE_CLEANUP(struct pipeline_speech *, pipeline_speech_free);
/** The next samples, borrowed until the next call; none is not the end. 1 while there are more, 0
 * with the last ones. */
int pipeline_speech_next(struct pipeline_speech *s, const struct pipeline_job *job,
                         const float **ret, size_t *ret_n, struct fail *fail);
/** About how long the whole sound will be, to some milliseconds. */
double pipeline_speech_seconds(const struct pipeline_speech *s);
/** Silence behind a span at rate 1, of voices that make none by themselves. */
double pipeline_speech_rest_s(const struct pipeline *p);
/** Milliseconds since the last call, or the beginning. */
void pipeline_speech_times(struct pipeline_speech *s, double *ret_acoustic, double *ret_vocoder);
