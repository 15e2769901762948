/* SPDX-License-Identifier: Apache-2.0
 *
 * Braille CLIP: a ViT image tower and a BERT-like text tower into one space (Radford et al. 2021;
 * shapes and tensor names of Chinese-CLIP, OFA-Sys). Embeddings have length 1, so a . b is the
 * cosine. One thread at a time.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/fail.h"
#include "nn/nn.h"

struct clip;

/** What makes probabilities of cosines: p of a text is the softmax of temperature * cosine, and of
 * what a detector of dots says of its raised dots, dot_weight * (logit + dot_bias) each. Fitted by
 * models/recipes/calibrate.py; zeros where the file has none. */
struct clip_calibration {
    double temperature, dot_weight, dot_bias;
};

struct clip_info {
    unsigned width, height; ///< pixels of an input crop (grey)
    float px_per_pitch;     ///< pixels of the crop per dot pitch a: how a cell must be scaled
    unsigned embed;         ///< E, channels of an embedding
    unsigned max_text;      ///< longest text in tokens, [CLS] included
    struct clip_calibration calibration;
};

/** Load weights (safetensors) onto the device. `nn` borrowed, outlives the model.
 * Missing file: FAIL_UNAVAILABLE -ENOENT; broken: FAIL_UNAVAILABLE -EBADMSG. */
int clip_new(struct nn *nn, const char *path, struct clip **ret, struct fail *fail);
struct clip *clip_free(struct clip *clip);
DEFINE_CLEANUP(struct clip *, clip_free);
const struct clip_info *clip_info(const struct clip *clip);

/** Embed n crops, each width*height grey bytes 0..255, row-major, [n][h][w] -> out [n][E].
 * Each crop is normalised to mean 0, deviation 1 on the way in (deviation floored at 8 levels). */
int clip_image(struct clip *clip, const uint8_t *crops, size_t n, float *out /* [n][E] */,
               const volatile int *cancel, struct fail *fail);
/** Embed n texts (UTF-8). A character outside the vocabulary, or more than
 * max_text - 2 of them, is FAIL_INPUT -EINVAL. */
int clip_text(struct clip *clip, const char *const *texts, size_t n, float *out /* [n][E] */,
              struct fail *fail);
