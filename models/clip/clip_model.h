/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of models/clip share. Not public.
 */
#pragma once

#include "clip/clip.h"
#include "clip/tower.h"
#include "clip/wordpiece.h"

#define CLIP_MAX_LAYERS 48
#define CLIP_CHUNK                                                                                 \
    64 /* crops or texts at once: 64 * 25 tokens fill a device and stay in its cache */

struct clip_letter { ///< one entry of a vocabulary of characters
    uint32_t code;   ///< Unicode
    uint32_t id;
};

struct clip {
    struct nn *nn; ///< borrowed
    struct clip_info info;
    unsigned patch, n_patches;
    struct clip_tower vision, text;
    struct nn_weight *patches, *norm_pre, *norm_post, *image_proj;
    struct nn_weight *norm_words, *text_proj;
    const volatile int *cancel; ///< borrowed; may be NULL

    /* braille CLIP: all of it is on the device */
    struct clip_letter *letters; ///< sorted by code, owned
    unsigned n_vocab;            ///< the three specials included
    struct nn_weight *words, *places;
    struct clip_block vision_blocks[CLIP_MAX_LAYERS], text_blocks[CLIP_MAX_LAYERS];

    /* Chinese-CLIP: blocks and rows of tables are read when they are needed */
    struct nn_file *file; ///< owned; NULL: it is a braille CLIP
    struct clip_wordpiece *pieces;
    unsigned n_places; ///< that the file has
};

enum { CLIP_PAD, CLIP_CLS, CLIP_SEP, CLIP_N_SPECIALS };

/* clip_load.c */
/** Fill a zeroed *clip from the file; what was made before a failure is freed by clip_free(). */
int clip_load(struct clip *clip, const char *path, struct fail *fail);
/** `proj` is stored [width][embed], to be multiplied from the right. */
struct nn_weight *clip_load_projection(struct nn_loader *l, unsigned width, unsigned embed,
                                       const char *name);
/** What the kernels take: -EBADMSG. */
int clip_check_shape(const struct clip *clip, const struct nn_file *f, struct fail *fail);

/* braille.c */
int clip_load_braille(struct clip *clip, struct nn_file *f, struct fail *fail);
/** Crops -> *ret [vision width][n * (1 + n_patches)], before the first norm. */
int clip_braille_patches(const struct clip *clip, struct nn_run *run, const uint8_t *crops,
                         unsigned n, struct nn_tensor **ret);
/** [CLS], one id a character, [SEP] -> how many, <= max_text. */
int clip_braille_ids(const struct clip *clip, const char *text, uint32_t *ids, struct fail *fail);
/** n rows of seq ids -> *ret [text width][n * seq], before the first norm. */
int clip_braille_words(const struct clip *clip, struct nn_run *run, const uint32_t *ids, unsigned n,
                       unsigned seq, struct nn_tensor **ret);

/* chinese.c: the same */
int clip_load_chinese(struct clip *clip, struct nn_file *f, struct fail *fail);
int clip_chinese_patches(const struct clip *clip, struct nn_run *run, const uint8_t *crops,
                         unsigned n, struct nn_tensor **ret, struct fail *fail);
int clip_chinese_ids(const struct clip *clip, const char *text, uint32_t *ids, struct fail *fail);
int clip_chinese_words(const struct clip *clip, struct nn_run *run, const uint32_t *ids, unsigned n,
                       unsigned seq, struct nn_tensor **ret, struct fail *fail);
