/* SPDX-License-Identifier: Apache-2.0
 *
 * What fs2_load.c and fs2_bins_load.c read from the file, and fs2.c and fs2_bins.c compute with;
 * what both arrangements share is in fs2_parts.c. Not public.
 */
#pragma once

#include <stdbool.h>

#include "fastspeech2/fs2.h"

struct nn_file; ///< nn/weights_file.h

#define FS2_MAX_LAYERS 12
#define FS2_MAX_PHONES 1000
#define FS2_MAX_FRAMES 4000
#define FS2_MAX_VOICES 4096
#define FS2_MAX_POSTNET 8

struct fs2_block { ///< FFT block: post-layer-norm attention and convolution
    struct nn_weight *qkv, *out, *norm1, *conv1, *conv2, *norm2;
};

struct fs2_predictor {
    struct nn_weight *conv1, *norm1, *conv2, *norm2, *linear;
    unsigned taps, width; ///< of the convolutions
};

/** Pitch or energy, sorted into boundaries and embedded (ming024). */
struct fs2_binned {
    struct fs2_predictor predictor;
    struct nn_weight *table; ///< [n_bounds + 1][hidden]
    float *bounds;           ///< [n_bounds] rising, owned
    unsigned n_bounds;
    bool by_phone;  ///< else by frame
    double over_sd; ///< the corpus's mean over its deviation; 0: not known
};

struct fs2 {
    struct nn *nn; ///< borrowed
    bool has_bins; ///< ming024's arrangement: `bins` and what follows it; else ours
    unsigned rate_hz, hop, n_mels;
    double top_hz; ///< where the mel's bands end
    unsigned hidden, ffn, taps, heads;
    unsigned ffn_taps; ///< of a block's second convolution
    unsigned n_encoder, n_decoder;
    unsigned duration_taps, predictor_taps, variance_taps;
    unsigned n_phones, n_tones, n_positions;
    bool by_phone; ///< pitch and energy by phone, else by frame
    double pitch_mean, pitch_scale, max_duration_scale;
    char **phones;            ///< [n_phones] names, owned
    struct fs2_voice *voices; ///< [n_voices], owned, as their strings
    unsigned n_voices;
    struct fs2_block encoder[FS2_MAX_LAYERS], decoder[FS2_MAX_LAYERS];
    struct fs2_predictor duration, pitch, energy;
    struct nn_weight *phone, *tone, *position, *angles; ///< tables
    struct nn_weight *speakers; ///< table [n_voices][hidden]; NULL: one voice, nothing added
    struct nn_weight *variance, *place, *mel;
    struct fs2_binned binned[2]; ///< pitch, energy: in this order
    unsigned n_postnet, postnet_width, postnet_taps;
    struct nn_weight *postnet[FS2_MAX_POSTNET]; ///< batch norms are folded in
};

/** What the steps of one sentence share. */
struct fs2_pass {
    const struct fs2 *m;
    const struct fs2_params *params;
    struct nn_run *run;
    struct nn_tensor *x;              ///< hidden sequence, by phone and then by frame
    struct nn_tensor *pitch, *energy; ///< [2], [1]: what the predictors said
    struct fs2_speech s;
    const volatile int *cancel;
    struct fail *fail;
};

/** Fill a zeroed *fs2 from the file; what was made before a failure is freed by fs2_free(). */
int fs2_load(struct fs2 *fs2, const char *path, struct fail *fail);
/** The same where the configuration says "arrangement": "ming024". */
int fs2_bins_load(struct fs2 *fs2, struct nn_file *f, struct fail *fail);
/** The configuration's "phones". */
int fs2_load_phones(struct fs2 *fs2, const struct nn_file *f, struct fail *fail);

/** A sentence in ming024's arrangement. */
int fs2_bins_speak(struct fs2_pass *p, const struct fs2_phone *phones, unsigned n);

/* ---- fs2_parts.c: what is recorded for the device, and the length regulator ----------------- */

/** Widest margin that any convolution over the hidden sequence asks for. */
unsigned fs2_margin(const struct fs2 *m);
/** One FFT block over a sequence of x->length; x is changed in place. */
int fs2_record_block(const struct fs2 *m, struct nn_run *run, const struct fs2_block *b,
                     struct nn_tensor *x);
/** y [n_out][x->length], made here. */
int fs2_record_predictor(struct nn_run *run, const struct fs2_predictor *p,
                         const struct nn_tensor *x, unsigned n_out, struct nn_tensor **y);
/** x += the sinusoid of each place. */
int fs2_record_angles(const struct fs2 *m, struct nn_run *run, struct nn_tensor *x);
/** The contour's factor at a part of the speech. */
double fs2_contour_at(const struct fs2_params *q, double at);
/** Take a phone's frames into s.durations, which is [n], and s.n_frames. -E2BIG: too many. */
int fs2_add_duration(struct fs2_pass *p, unsigned phone, float frames);
/** The mel's and F0's room, zeroed, once all durations are there. */
int fs2_make_room(struct fs2_pass *p);
