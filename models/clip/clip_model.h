/* SPDX-License-Identifier: Apache-2.0
 *
 * What clip_load.c reads from the file and clip.c computes with. Not public.
 */
#pragma once

#include "clip/clip.h"

#define CLIP_MAX_LAYERS 48

struct clip_block { ///< a transformer block of either tower
    struct nn_weight *norm1, *qkv, *out, *norm2, *fc, *proj;
};

struct clip_letter { ///< one entry of the vocabulary
    uint32_t code;   ///< Unicode
    uint32_t id;
};

struct clip {
    struct nn *nn; ///< borrowed
    struct clip_info info;
    unsigned patch, n_patches;
    unsigned vision_width, vision_layers, vision_heads;
    unsigned text_width, text_layers, text_heads, text_ffn;
    struct clip_letter *letters; ///< sorted by code, owned
    unsigned n_vocab;            ///< the three specials included
    struct nn_weight *patches, *norm_pre, *norm_post, *image_proj;
    struct nn_weight *words, *places, *norm_words, *text_proj;
    struct clip_block vision[CLIP_MAX_LAYERS], text[CLIP_MAX_LAYERS];
};

enum { CLIP_PAD, CLIP_CLS, CLIP_SEP, CLIP_N_SPECIALS };

/** Fill a zeroed *clip from the file; what was made before a failure is freed by clip_free(). */
int clip_load(struct clip *clip, const char *path, struct fail *fail);

/** Next character of *s, which moves on; -EILSEQ for what is no UTF-8. 0 at the end. */
int32_t clip_next_char(const char **s);
