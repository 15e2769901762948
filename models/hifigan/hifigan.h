/* SPDX-License-Identifier: Apache-2.0
 *
 * HiFi-GAN generators (Kong et al. 2020, arXiv 2010.05646; jik876's V1, V2, V3 by configuration),
 * and the same trunk with a harmonic source from F0 and an inverse-STFT head (iSTFTNet,
 * arXiv 2203.02395). models/recipes/hifigan.py is the reference. One thread at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/fail.h"
#include "nn/nn.h"

struct hifigan;

int hifigan_new(struct nn *nn, const char *path, struct hifigan **ret, struct fail *fail);
struct hifigan *hifigan_free(struct hifigan *h);
DEFINE_CLEANUP(struct hifigan *, hifigan_free);
unsigned hifigan_rate_hz(const struct hifigan *h);
unsigned hifigan_hop(const struct hifigan *h);
unsigned hifigan_n_mels(const struct hifigan *h);
double hifigan_top_hz(const struct hifigan *h); ///< where the mel's bands end
bool hifigan_wants_f0(const struct hifigan *h);
/** How many passes of the filter of hifigan/envelope.h its samples want, as its file says
 * ("envelope"); else 2, and none where the bands end elsewhere than at half the rate, which the
 * filter's do. */
unsigned hifigan_envelope_passes(const struct hifigan *h);

/** mel [n_mels][n_frames], natural log -> samples [n_frames * hop] in -1 .. 1. `f0_hz` [n_frames]
 * (0 = unvoiced) feeds the harmonic source; a generator without one accepts NULL. */
int hifigan_speak(struct hifigan *h, const float *mel, const double *f0_hz, unsigned n_frames,
                  float *samples, const volatile int *cancel, struct fail *fail);

/** Speech that is made piece by piece and goes through the filter of hifigan/envelope.h. */
struct hifigan_stream;
/** Begin to speak; `mel`, `f0_hz` and `h` are borrowed until hifigan_stream_free(). `passes`,
 * `sharpness`: of struct hifigan_envelope_params. */
int hifigan_stream_new(struct hifigan *h, const float *mel, const double *f0_hz, unsigned n_frames,
                       unsigned passes, float sharpness, struct hifigan_stream **ret,
                       struct fail *fail);
struct hifigan_stream *hifigan_stream_free(struct hifigan_stream *s);
DEFINE_CLEANUP(struct hifigan_stream *, hifigan_stream_free);
/** Compute up to `n_frames` (>= 1) more: *ret_n samples (few or none at first: the filter wants
 * some to come), borrowed until the next call. However the speech is cut, the samples are the same.
 * Returns 1 while there are more, 0 with the last ones. */
int hifigan_stream_next(struct hifigan_stream *s, unsigned n_frames, const float **ret,
                        size_t *ret_n, const volatile int *cancel, struct fail *fail);

/** Compute at most this many frames at once (1,000 at first); less takes less memory, and the
 * samples stay the same. */
void hifigan_set_chunk(struct hifigan *h, unsigned n_frames);
