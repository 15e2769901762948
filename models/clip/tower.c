/* SPDX-License-Identifier: Apache-2.0 */

#include "clip/tower.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- weights -------------------------------------------------------------------------------- */

void clip_load_vision_block(struct nn_loader *l, const struct clip_tower *t, unsigned i,
                            struct clip_block *b)
{
    const unsigned d = t->width;
    char at[64], weight[1][NN_NAME_MAX], bias[1][NN_NAME_MAX];

    snprintf(at, sizeof(at), "visual.transformer.resblocks.%u", i);
    snprintf(weight[0], sizeof(weight[0]), "%s.attn.in_proj_weight", at);
    snprintf(bias[0], sizeof(bias[0]), "%s.attn.in_proj_bias", at);
    b->norm1 = nn_load_norm(l, d, "%s.ln_1", at);
    b->qkv = nn_load_stack(l, 1, weight, bias, 3 * d, d);
    b->out = nn_load_linear(l, d, d, "%s.attn.out_proj", at);
    b->norm2 = nn_load_norm(l, d, "%s.ln_2", at);
    b->fc = nn_load_linear(l, t->ffn, d, "%s.mlp.c_fc", at);
    b->proj = nn_load_linear(l, d, t->ffn, "%s.mlp.c_proj", at);
}

/* query, key and value are three layers in BERT's file; one product computes them here. */
static struct nn_weight *load_qkv(struct nn_loader *l, unsigned h, const char *at)
{
    static const char *const parts[] = {"query", "key", "value"};
    char weights[3][NN_NAME_MAX], biases[3][NN_NAME_MAX];

    for (size_t i = 0; i < 3; i++) {
        snprintf(weights[i], NN_NAME_MAX, "%s.attention.self.%s.weight", at, parts[i]);
        snprintf(biases[i], NN_NAME_MAX, "%s.attention.self.%s.bias", at, parts[i]);
    }
    return nn_load_stack(l, 3, weights, biases, h, h);
}

void clip_load_text_block(struct nn_loader *l, const struct clip_tower *t, unsigned i,
                          struct clip_block *b)
{
    const unsigned h = t->width;
    char at[64];

    snprintf(at, sizeof(at), "bert.encoder.layer.%u", i);
    b->qkv = load_qkv(l, h, at);
    b->out = nn_load_linear(l, h, h, "%s.attention.output.dense", at);
    b->norm1 = nn_load_norm(l, h, "%s.attention.output.LayerNorm", at);
    b->fc = nn_load_linear(l, t->ffn, h, "%s.intermediate.dense", at);
    b->proj = nn_load_linear(l, h, t->ffn, "%s.output.dense", at);
    b->norm2 = nn_load_norm(l, h, "%s.output.LayerNorm", at);
}

void clip_block_done(struct clip_block *b)
{
    nn_weight_free(b->norm1);
    nn_weight_free(b->qkv);
    nn_weight_free(b->out);
    nn_weight_free(b->norm2);
    nn_weight_free(b->fc);
    nn_weight_free(b->proj);
    *b = (struct clip_block){0};
}

/* ---- passes --------------------------------------------------------------------------------- */

int clip_gather_first(struct nn_run *run, const struct nn_tensor *x, unsigned seq,
                      struct nn_tensor **ret)
{
    const unsigned n = x->length / seq;
    CLEANUP_FREE uint32_t *index = malloc(n * sizeof(*index));
    int r;

    if (!index)
        return -ENOMEM;
    for (unsigned i = 0; i < n; i++)
        index[i] = i * seq;
    if ((r = nn_tensor(run, x->channels, n, 0, ret)) < 0)
        return r;
    return nn_gather(run, x, index, n, *ret);
}

int clip_record_vision_block(struct nn_run *run, const struct clip_tower *t,
                             const struct clip_block *b, unsigned seq, bool last,
                             struct nn_tensor **x)
{
    const unsigned d = t->width, length = (*x)->length;
    struct nn_tensor *y, *qkv, *fc;
    int r;

    if ((r = nn_tensor(run, d, length, 0, &y)) < 0 ||
        (r = nn_tensor(run, 3 * d, length, 0, &qkv)) < 0 ||
        (r = nn_layernorm(run, b->norm1, *x, NULL, CLIP_VISION_EPS, y)) < 0 ||
        (r = nn_linear(run, b->qkv, y, qkv, nn_conv_params())) < 0 ||
        (r = nn_attention(run, qkv, t->heads, seq, NULL, y)) < 0)
        return r;
    nn_tensor_done(run, qkv);
    if (last) {
        struct nn_tensor *const all_x = *x, *const all_y = y;
        if ((r = clip_gather_first(run, all_x, seq, x)) < 0 ||
            (r = clip_gather_first(run, all_y, seq, &y)) < 0)
            return r;
        nn_tensor_done(run, all_x);
        nn_tensor_done(run, all_y);
    }
    if ((r = nn_linear(run, b->out, y, *x, nn_conv_params(.residual = *x))) < 0 ||
        (r = nn_layernorm(run, b->norm2, *x, NULL, CLIP_VISION_EPS, y)) < 0 ||
        (r = nn_tensor(run, t->ffn, (*x)->length, 0, &fc)) < 0 ||
        (r = nn_linear(run, b->fc, y, fc, nn_conv_params(.post = NN_QUICK_GELU))) < 0 ||
        (r = nn_linear(run, b->proj, fc, *x, nn_conv_params(.residual = *x))) < 0)
        return r;
    nn_tensor_done(run, fc);
    nn_tensor_done(run, y);
    return 0;
}

int clip_record_text_block(struct nn_run *run, const struct clip_tower *t,
                           const struct clip_block *b, unsigned seq, const uint32_t *valid,
                           struct nn_tensor *x)
{
    const unsigned h = t->width, length = x->length;
    struct nn_tensor *qkv, *y, *fc;
    int r;

    if ((r = nn_tensor(run, 3 * h, length, 0, &qkv)) < 0 ||
        (r = nn_tensor(run, h, length, 0, &y)) < 0 ||
        (r = nn_tensor(run, t->ffn, length, 0, &fc)) < 0 ||
        (r = nn_linear(run, b->qkv, x, qkv, nn_conv_params())) < 0 ||
        (r = nn_attention(run, qkv, t->heads, seq, valid, y)) < 0 ||
        (r = nn_linear(run, b->out, y, x, nn_conv_params(.residual = x))) < 0 ||
        (r = nn_layernorm(run, b->norm1, x, NULL, CLIP_TEXT_EPS, x)) < 0 ||
        (r = nn_linear(run, b->fc, x, fc, nn_conv_params(.post = NN_GELU))) < 0 ||
        (r = nn_linear(run, b->proj, fc, x, nn_conv_params(.residual = x))) < 0 ||
        (r = nn_layernorm(run, b->norm2, x, NULL, CLIP_TEXT_EPS, x)) < 0)
        return r;
    nn_tensor_done(run, fc);
    nn_tensor_done(run, y);
    nn_tensor_done(run, qkv);
    return 0;
}
