/* SPDX-License-Identifier: Apache-2.0
 *
 * The transformer blocks of both towers: their weights, and what they compute. Not public.
 */
#pragma once

#include "nn/nn.h"
#include "nn/weights_load.h"

#define CLIP_VISION_EPS 1e-5f /* of the layer norms */
#define CLIP_TEXT_EPS 1e-12f

struct clip_tower {
    unsigned width, layers, heads, ffn;
};

struct clip_block { ///< of either tower; owned
    struct nn_weight *norm1, *qkv, *out, *norm2, *fc, *proj;
};

/** Layer `i` of the file; what a failure leaves is freed by clip_block_done(). */
void clip_load_vision_block(struct nn_loader *l, const struct clip_tower *t, unsigned i,
                            struct clip_block *b);
void clip_load_text_block(struct nn_loader *l, const struct clip_tower *t, unsigned i,
                          struct clip_block *b);
void clip_block_done(struct clip_block *b);

/** Record a block of the image tower (pre-layer-norm ViT) on *x [width][n * seq], which changes in
 * place. Only first tokens leave the `last` block, so only they go through its MLP: *x becomes
 * [width][n]. */
int clip_record_vision_block(struct nn_run *run, const struct clip_tower *t,
                             const struct clip_block *b, unsigned seq, bool last,
                             struct nn_tensor **x);
/** Record a block of the text tower (post-layer-norm BERT) on x [width][n * seq], which changes in
 * place; `valid` [n] of the tokens are real. */
int clip_record_text_block(struct nn_run *run, const struct clip_tower *t,
                           const struct clip_block *b, unsigned seq, const uint32_t *valid,
                           struct nn_tensor *x);
/** One sequence's first token each: *ret [channels][n] of x [channels][n * seq]. */
int clip_gather_first(struct nn_run *run, const struct nn_tensor *x, unsigned seq,
                      struct nn_tensor **ret);
