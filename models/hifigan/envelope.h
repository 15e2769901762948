/* SPDX-License-Identifier: Apache-2.0
 *
 * What a small vocoder gets wrong first is how loud each band is. Its samples go through a filter
 * that changes with time, so that their mel becomes the mel that was asked for: short Fourier
 * transform (4 hop samples, hop, periodic Hann, reflected at both ends: the mel of
 * models/recipes/common.py), difference of the log-mels held to +-2.5, spread over the bins by the
 * transposed Slaney bank with columns of sum 1, its exponential as gain, inverse transform, Hann,
 * overlap-add over the sum of squared windows; a pass or two. models/recipes/golden.py has the
 * reference. Measured on the first 20 held-out sentences (Whisper base, syllables wrong, two
 * passes): whole voice 9.1 to 6.7 %, copy synthesis 7.0 to 4.1 %; the teacher 3.9 %.
 *
 * The samples come in pieces of any length and leave 3 frames a pass later; what leaves does not
 * hang on how they were cut.
 */
#pragma once

#include <stddef.h>

#include "base/macro.h"

struct hifigan_envelope;

struct hifigan_envelope_params {
    unsigned rate_hz, hop, n_mels; ///< hop a multiple of 4; the bank ends at half the rate
    unsigned passes;               ///< 0 .. 4; 0 gives the samples back as they are
    float sharpness; ///< how much farther the wanted mel's peaks stand out from its mean over five
                     ///< bands; 0: as it is
};

/** `mel` [n_mels][n_frames], natural log, borrowed until the end. -ENOMEM, -EINVAL */
int hifigan_envelope_new(const struct hifigan_envelope_params *params, const float *mel,
                         unsigned n_frames, struct hifigan_envelope **ret);
struct hifigan_envelope *hifigan_envelope_free(struct hifigan_envelope *e);
DEFINE_CLEANUP(struct hifigan_envelope *, hifigan_envelope_free);

/** What the samples are filtered to at a band of a frame: mel [n_mels][n_frames], sharpened. */
float hifigan_envelope_wanted(const float *mel, unsigned n_mels, unsigned n_frames, unsigned band,
                              unsigned frame, float sharpness);

/** The next n samples of n_frames * hop in all -> *ret_n samples that follow on those before,
 * borrowed until the next call. The last samples in bring out all that is left. -EINVAL: more than
 * there were to be. */
int hifigan_envelope_push(struct hifigan_envelope *e, const float *samples, size_t n,
                          const float **ret, size_t *ret_n);
