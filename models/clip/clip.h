/* SPDX-License-Identifier: Apache-2.0
 *
 * CLIP: a ViT image tower and a BERT-like text tower into one space (Radford et al. 2021; shapes
 * and tensor names of Chinese-CLIP, OFA-Sys). Embeddings have length 1, so a . b is the cosine. One
 * thread at a time. Which of two it is, the file says:
 *
 * "clip", braille CLIP: small, grey, single characters; all of it lies on the device.
 * "chinese-clip", Yang et al. 2022 (arXiv 2211.01335), ViT-B/16, L/14, L/14-336, H/14: RGB, BERT's
 * WordPiece. Up to 1.9 GB: the file stays mapped, and each block of a tower comes onto the device
 * when its turn has come and leaves it afterwards, for every clip_image() and clip_text() anew.
 */
#pragma once

#include <stdbool.h>
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
    bool chinese;           ///< it is a Chinese-CLIP
    unsigned width, height; ///< pixels of an input crop
    unsigned n_chan;        ///< its channels: 1, grey, or 3, RGB
    float px_per_pitch;     ///< pixels of the crop per dot pitch a: how a cell must be scaled
    unsigned embed;         ///< E, channels of an embedding
    unsigned max_text;      ///< longest text in tokens, [CLS] included
    struct clip_calibration calibration; ///< Chinese-CLIP: the temperature it was trained with
};

/** Load weights (safetensors) onto the device. `nn` borrowed, outlives the model.
 * Missing file: FAIL_UNAVAILABLE -ENOENT; broken: FAIL_UNAVAILABLE -EBADMSG. */
int clip_new(struct nn *nn, const char *path, struct clip **ret, struct fail *fail);
struct clip *clip_free(struct clip *clip);
DEFINE_CLEANUP(struct clip *, clip_free);
const struct clip_info *clip_info(const struct clip *clip);

/** Embed n crops, each of bytes 0..255, row-major, [n][h][w][n_chan] -> out [n][E]. Of the braille
 * CLIP each crop is normalised to mean 0, deviation 1 on the way in (deviation floored at 8
 * levels); of Chinese-CLIP by the mean and deviation of its training's channels. A whole picture
 * comes into Chinese-CLIP by image_stretch(). */
int clip_image(struct clip *clip, const uint8_t *crops, size_t n, float *out /* [n][E] */,
               const volatile int *cancel, struct fail *fail);
/** Embed n texts; what is not UTF-8 is FAIL_INPUT -EINVAL, and so is, of braille CLIP, a character
 * outside the vocabulary, or more than max_text - 2 of them. Chinese-CLIP reads the first
 * max_text - 2 pieces of a longer text, as its authors' program does. */
int clip_text(struct clip *clip, const char *const *texts, size_t n, float *out /* [n][E] */,
              struct fail *fail);
/** From here on clip_text() ends with -ECANCELED soon after *cancel is set; NULL: it does not.
 * Borrowed. */
void clip_set_cancel(struct clip *clip, const volatile int *cancel);
