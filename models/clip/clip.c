/* SPDX-License-Identifier: Apache-2.0
 *
 * The forward passes of both towers. Crops and texts go through in chunks of a fixed size, so that
 * the tensors of one chunk serve the next.
 */
#include "clip/clip_model.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK 64 /* crops or texts at once: 64 * 25 tokens fill a device and stay in its cache */
#define DEVIATION_FLOOR 8 /* levels; a blank crop is noise, not a pattern */

static const float vision_eps = 1e-5f, text_eps = 1e-12f;

/* ---- the model ------------------------------------------------------------------------------ */

int clip_new(struct nn *nn, const char *path, struct clip **ret, struct fail *fail)
{
    CLEANUP(clip_freep) struct clip *c = calloc(1, sizeof(*c));
    int r;

    if (!c)
        return fail_set(fail, FAIL_OTHER, -ENOMEM, "not enough memory for the reading model");
    c->nn = nn;
    if ((r = clip_load(c, path, fail)) < 0)
        return fail_set(fail, FAIL_OTHER, r, "cannot load '%s': %m", path);
    *ret = TAKE_PTR(c);
    return 0;
}

static void free_block(struct clip_block *b)
{
    nn_weight_free(b->norm1);
    nn_weight_free(b->qkv);
    nn_weight_free(b->out);
    nn_weight_free(b->norm2);
    nn_weight_free(b->fc);
    nn_weight_free(b->proj);
}

struct clip *clip_free(struct clip *c)
{
    if (!c)
        return NULL;
    for (unsigned i = 0; i < CLIP_MAX_LAYERS; i++) {
        free_block(&c->vision[i]);
        free_block(&c->text[i]);
    }
    nn_weight_free(c->patches);
    nn_weight_free(c->norm_pre);
    nn_weight_free(c->norm_post);
    nn_weight_free(c->image_proj);
    nn_weight_free(c->words);
    nn_weight_free(c->places);
    nn_weight_free(c->norm_words);
    nn_weight_free(c->text_proj);
    free(c->letters);
    free(c);
    return NULL;
}

const struct clip_info *clip_info(const struct clip *c)
{
    return &c->info;
}

/* ---- what both towers share --------------------------------------------------------------- */

/* One sequence's first token each: y [channels][n] of x [channels][n * seq]. */
static int gather_first(struct nn_run *run, const struct nn_tensor *x, unsigned seq,
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

/* x [width][n] -> embeddings of length 1, read into out [n][E]. */
static int finish(const struct clip *c, struct nn_run *run, const struct nn_weight *proj,
                  const struct nn_tensor *x, float *out, const volatile int *cancel,
                  struct fail *fail)
{
    const unsigned e = c->info.embed, n = x->length;
    CLEANUP_FREE float *columns = malloc((size_t) e * n * sizeof(*columns));
    struct nn_tensor *y;
    int r;

    if (!columns)
        return -ENOMEM;
    if ((r = nn_tensor(run, e, n, 0, &y)) < 0 ||
        (r = nn_linear(run, proj, x, y, nn_conv_params())) < 0 ||
        (r = nn_normalize(run, y, y)) < 0 || (r = nn_run_wait(run, cancel, fail)) < 0 ||
        (r = nn_tensor_read(y, columns)) < 0)
        return r;
    for (unsigned i = 0; i < n; i++)
        for (unsigned k = 0; k < e; k++)
            out[(size_t) i * e + k] = columns[(size_t) k * n + i];
    return 0;
}

/* ---- image tower: pre-layer-norm ViT ------------------------------------------------------ */

/* (crop - mean) / max(deviation, floor) of n pixels. */
static void normalise(const uint8_t *crop, size_t n, float *out)
{
    uint64_t sum = 0, squares = 0;

    for (size_t i = 0; i < n; i++) {
        sum += crop[i];
        squares += (uint64_t) crop[i] * crop[i];
    }
    const double mean = (double) sum / (double) n;
    const double variance = fmax(0, (double) squares / (double) n - mean * mean);
    const double scale = 1 / fmax(sqrt(variance), DEVIATION_FLOOR);
    for (size_t i = 0; i < n; i++)
        out[i] = (float) ((crop[i] - mean) * scale);
}

/* x changes in place. Only class tokens leave the last block, so only they go through its MLP:
 * *x becomes [width][n]. */
static int record_vision_block(const struct clip *c, struct nn_run *run, const struct clip_block *b,
                               bool last, struct nn_tensor **x)
{
    const unsigned d = c->vision_width, seq = 1 + c->n_patches, length = (*x)->length;
    struct nn_tensor *y, *qkv, *fc;
    int r;

    if ((r = nn_tensor(run, d, length, 0, &y)) < 0 ||
        (r = nn_tensor(run, 3 * d, length, 0, &qkv)) < 0 ||
        (r = nn_layernorm(run, b->norm1, *x, NULL, vision_eps, y)) < 0 ||
        (r = nn_linear(run, b->qkv, y, qkv, nn_conv_params())) < 0 ||
        (r = nn_attention(run, qkv, c->vision_heads, seq, NULL, y)) < 0)
        return r;
    nn_tensor_done(run, qkv);
    if (last) {
        struct nn_tensor *const all_x = *x, *const all_y = y;
        if ((r = gather_first(run, all_x, seq, x)) < 0 ||
            (r = gather_first(run, all_y, seq, &y)) < 0)
            return r;
        nn_tensor_done(run, all_x);
        nn_tensor_done(run, all_y);
    }
    if ((r = nn_linear(run, b->out, y, *x, nn_conv_params(.residual = *x))) < 0 ||
        (r = nn_layernorm(run, b->norm2, *x, NULL, vision_eps, y)) < 0 ||
        (r = nn_tensor(run, 4 * d, (*x)->length, 0, &fc)) < 0 ||
        (r = nn_linear(run, b->fc, y, fc, nn_conv_params(.post = NN_QUICK_GELU))) < 0 ||
        (r = nn_linear(run, b->proj, fc, *x, nn_conv_params(.residual = *x))) < 0)
        return r;
    nn_tensor_done(run, fc);
    nn_tensor_done(run, y);
    return 0;
}

static int image_chunk(const struct clip *c, const uint8_t *crops, unsigned n, float *out,
                       const volatile int *cancel, struct fail *fail)
{
    const size_t size = (size_t) c->info.width * c->info.height;
    CLEANUP(nn_run_freep) struct nn_run *run = NULL;
    CLEANUP_FREE float *pixels = malloc(n * size * sizeof(*pixels));
    struct nn_tensor *in, *x;
    int r;

    if (!pixels)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        normalise(crops + i * size, size, pixels + i * size);
    if ((r = nn_run_new(c->nn, &run)) < 0 ||
        (r = nn_tensor(run, 1, (unsigned) (n * size), 0, &in)) < 0 ||
        (r = nn_tensor_write(in, pixels)) < 0 ||
        (r = nn_tensor(run, c->vision_width, n * (1 + c->n_patches), 0, &x)) < 0 ||
        (r = nn_patch_embed(run, c->patches, in, n, c->info.height, c->info.width, x)) < 0 ||
        (r = nn_layernorm(run, c->norm_pre, x, NULL, vision_eps, x)) < 0)
        return r;
    for (unsigned i = 0; i < c->vision_layers; i++)
        if ((r = record_vision_block(c, run, &c->vision[i], i + 1 == c->vision_layers, &x)) < 0)
            return r;
    if ((r = nn_layernorm(run, c->norm_post, x, NULL, vision_eps, x)) < 0)
        return r;
    return finish(c, run, c->image_proj, x, out, cancel, fail);
}

int clip_image(struct clip *c, const uint8_t *crops, size_t n, float *out,
               const volatile int *cancel, struct fail *fail)
{
    const size_t size = (size_t) c->info.width * c->info.height;

    for (size_t i = 0; i < n; i += CHUNK) {
        int r = image_chunk(c, crops + i * size, (unsigned) MIN(n - i, (size_t) CHUNK),
                            out + i * c->info.embed, cancel, fail);
        if (r < 0)
            return fail_set(fail, FAIL_OTHER, r, "cannot compute the embeddings: %m");
    }
    return 0;
}

/* ---- text tower: post-layer-norm BERT ----------------------------------------------------- */

static int by_code(const void *a, const void *b)
{
    const struct clip_letter *x = a, *y = b;

    return x->code < y->code ? -1 : x->code > y->code;
}

/* [CLS], one id a character, [SEP] -> how many. */
static int tokenise(const struct clip *c, const char *text, uint32_t *ids, struct fail *fail)
{
    const char *s = text;
    unsigned n = 0;
    int32_t code;

    ids[n++] = CLIP_CLS;
    while ((code = clip_next_char(&s)) > 0) {
        const struct clip_letter key = {.code = (uint32_t) code};
        const struct clip_letter *letter =
            bsearch(&key, c->letters, c->n_vocab - CLIP_N_SPECIALS, sizeof(key), by_code);
        if (!letter)
            return fail_set(fail, FAIL_INPUT, -EINVAL,
                            "the model does not know the character U+%04X of '%.60s'",
                            (unsigned) code, text);
        if (n + 2 > c->info.max_text)
            return fail_set(fail, FAIL_INPUT, -EINVAL,
                            "'%.60s' has more than the %u characters that the model takes", text,
                            c->info.max_text - 2);
        ids[n++] = letter->id;
    }
    if (code < 0)
        return fail_set(fail, FAIL_INPUT, -EINVAL, "a text for the model is not UTF-8");
    ids[n++] = CLIP_SEP;
    return (int) n;
}

/* x changes in place. */
static int record_text_block(const struct clip *c, struct nn_run *run, const struct clip_block *b,
                             unsigned seq, const uint32_t *valid, struct nn_tensor *x)
{
    const unsigned h = c->text_width, length = x->length;
    struct nn_tensor *qkv, *y, *fc;
    int r;

    if ((r = nn_tensor(run, 3 * h, length, 0, &qkv)) < 0 ||
        (r = nn_tensor(run, h, length, 0, &y)) < 0 ||
        (r = nn_tensor(run, c->text_ffn, length, 0, &fc)) < 0 ||
        (r = nn_linear(run, b->qkv, x, qkv, nn_conv_params())) < 0 ||
        (r = nn_attention(run, qkv, c->text_heads, seq, valid, y)) < 0 ||
        (r = nn_linear(run, b->out, y, x, nn_conv_params(.residual = x))) < 0 ||
        (r = nn_layernorm(run, b->norm1, x, NULL, text_eps, x)) < 0 ||
        (r = nn_linear(run, b->fc, x, fc, nn_conv_params(.post = NN_GELU))) < 0 ||
        (r = nn_linear(run, b->proj, fc, x, nn_conv_params(.residual = x))) < 0 ||
        (r = nn_layernorm(run, b->norm2, x, NULL, text_eps, x)) < 0)
        return r;
    nn_tensor_done(run, fc);
    nn_tensor_done(run, y);
    nn_tensor_done(run, qkv);
    return 0;
}

/* n rows of `seq` ids, `valid` of them real. */
static int text_ids(const struct clip *c, const uint32_t *ids, const uint32_t *valid, unsigned n,
                    unsigned seq, float *out, struct fail *fail)
{
    CLEANUP(nn_run_freep) struct nn_run *run = NULL;
    CLEANUP_FREE uint32_t *places = malloc((size_t) n * seq * sizeof(*places));
    struct nn_tensor *x, *first;
    int r;

    if (!places)
        return -ENOMEM;
    for (unsigned i = 0; i < n * seq; i++)
        places[i] = i % seq;
    if ((r = nn_run_new(c->nn, &run)) < 0 ||
        (r = nn_tensor(run, c->text_width, n * seq, 0, &x)) < 0 ||
        (r = nn_embedding(run, c->words, ids, n * seq, false, x)) < 0 ||
        (r = nn_embedding(run, c->places, places, n * seq, true, x)) < 0 ||
        (r = nn_layernorm(run, c->norm_words, x, NULL, text_eps, x)) < 0)
        return r;
    for (unsigned i = 0; i < c->text_layers; i++)
        if ((r = record_text_block(c, run, &c->text[i], seq, valid, x)) < 0)
            return r;
    if ((r = gather_first(run, x, seq, &first)) < 0)
        return r;
    return finish(c, run, c->text_proj, first, out, NULL, fail);
}

static int text_chunk(const struct clip *c, const char *const *texts, unsigned n, float *out,
                      struct fail *fail)
{
    const unsigned room = c->info.max_text;
    CLEANUP_FREE uint32_t *all = calloc((size_t) n * room, sizeof(*all)); /* 0 is [PAD] */
    uint32_t valid[CHUNK];
    unsigned seq = 0;

    if (!all)
        return -ENOMEM;
    for (unsigned i = 0; i < n; i++) {
        int r = tokenise(c, texts[i], all + (size_t) i * room, fail);
        if (r < 0)
            return r;
        valid[i] = (uint32_t) r;
        seq = MAX(seq, valid[i]);
    }
    for (unsigned i = 1; i < n; i++) /* rows of the longest text's length */
        memmove(all + (size_t) i * seq, all + (size_t) i * room, seq * sizeof(*all));
    return text_ids(c, all, valid, n, seq, out, fail);
}

int clip_text(struct clip *c, const char *const *texts, size_t n, float *out, struct fail *fail)
{
    for (size_t i = 0; i < n; i += CHUNK) {
        int r = text_chunk(c, texts + i, (unsigned) MIN(n - i, (size_t) CHUNK),
                           out + i * c->info.embed, fail);
        if (r < 0)
            return fail_set(fail, FAIL_OTHER, r, "cannot compute the embeddings: %m");
    }
    return 0;
}
