/* SPDX-License-Identifier: Apache-2.0
 *
 * What fs2_load.c reads from the file and fs2.c computes with. Not public.
 */
#pragma once

#include <stdbool.h>

#include "fastspeech2/fs2.h"

#define FS2_MAX_LAYERS 12
#define FS2_MAX_PHONES 1000
#define FS2_MAX_FRAMES 4000
#define FS2_MAX_VOICES 64

struct fs2_block { ///< FFT block: post-layer-norm attention and convolution
    struct nn_weight *qkv, *out, *norm1, *conv1, *conv2, *norm2;
};

struct fs2_predictor {
    struct nn_weight *conv1, *norm1, *conv2, *norm2, *linear;
    unsigned taps;
};

struct fs2 {
    struct nn *nn; ///< borrowed
    unsigned rate_hz, hop, n_mels;
    unsigned hidden, ffn, taps, heads;
    unsigned n_encoder, n_decoder;
    unsigned duration_taps, predictor_taps, variance_taps;
    unsigned n_phones, n_tones, n_positions;
    bool by_phone; ///< pitch and energy by phone, else by frame
    double pitch_mean, pitch_scale, max_duration_scale;
    char **phones;                           ///< [n_phones] names, owned
    struct fs2_voice voices[FS2_MAX_VOICES]; ///< strings owned
    unsigned n_voices;
    struct fs2_block encoder[FS2_MAX_LAYERS], decoder[FS2_MAX_LAYERS];
    struct fs2_predictor duration, pitch, energy;
    struct nn_weight *phone, *tone, *position, *angles; ///< tables
    struct nn_weight *speakers; ///< table [n_voices][hidden]; NULL: one voice, nothing added
    struct nn_weight *variance, *place, *mel;
};

/** Fill a zeroed *fs2 from the file; what was made before a failure is freed by fs2_free(). */
int fs2_load(struct fs2 *fs2, const char *path, struct fail *fail);
