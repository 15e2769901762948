/* SPDX-License-Identifier: Apache-2.0
 *
 * What hifigan_load.c reads from the file and hifigan.c computes with. Not public.
 */
#pragma once

#include <stdbool.h>

#include "hifigan/hifigan.h"

#define HIFIGAN_MAX_STAGES 6
#define HIFIGAN_MAX_BLOCKS 4
#define HIFIGAN_MAX_DILATIONS 4
#define HIFIGAN_MAX_HARMONICS 32

/* The short Fourier transform at both ends of the source form: 16 samples, hop 4. A texel holds 4
 * samples, so both are convolutions of 5 taps over texels. */
#define HIFIGAN_N_FFT 16
#define HIFIGAN_FFT_HOP 4
#define HIFIGAN_BINS (HIFIGAN_N_FFT + 2) ///< real and imaginary parts of 9 bins

struct hifigan_resblock {
    unsigned taps, n, dilations[HIFIGAN_MAX_DILATIONS];
    struct nn_weight *first[HIFIGAN_MAX_DILATIONS];  ///< dilated
    struct nn_weight *second[HIFIGAN_MAX_DILATIONS]; ///< dilation 1; NULL in resblocks of type 2
};

struct hifigan_stage {
    unsigned rate, taps; ///< of the transposed convolution
    unsigned channels;   ///< after it
    struct nn_weight *up;
    struct hifigan_resblock blocks[HIFIGAN_MAX_BLOCKS];
};

struct hifigan {
    struct nn *nn; ///< borrowed
    unsigned rate_hz, hop, n_mels, channels;
    double top_hz;
    unsigned envelope_passes;
    unsigned n_stages, n_blocks, resblock_type;
    struct hifigan_stage stages[HIFIGAN_MAX_STAGES];
    struct nn_weight *conv_pre, *conv_post;
    bool has_source;
    unsigned n_harmonics;
    float harmonics[HIFIGAN_MAX_HARMONICS], source_scale, source_bias, max_log;
    unsigned down_texels; ///< stride of source_down
    struct nn_weight *source_down, *source_stft, *analysis, *synthesis;
    unsigned reach; ///< frames on each side that can change a frame's samples
    unsigned chunk; ///< frames computed at once
};

/** Fill a zeroed *h from the file; what was made before a failure is freed by hifigan_free(). */
int hifigan_load(struct hifigan *h, const char *path, struct fail *fail);
