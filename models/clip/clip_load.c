/* SPDX-License-Identifier: Apache-2.0 */

#include "clip/clip_model.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/weights_load.h"

/* ---- vocabulary --------------------------------------------------------------------------- */

int32_t clip_next_char(const char **s)
{
    const uint8_t *p = (const uint8_t *) *s;
    const unsigned n = p[0] < 0x80 ? 1 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    uint32_t c = n == 1 ? p[0] : p[0] & (0xffu >> (n + 1));

    if ((p[0] >= 0x80 && p[0] < 0xc0) || p[0] >= 0xf8)
        return -EILSEQ;
    for (unsigned i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80) /* the end of the string is such a byte too */
            return -EILSEQ;
        c = c << 6 | (p[i] & 0x3f);
    }
    if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
        return -EILSEQ;
    if (c)
        *s += n;
    return (int32_t) c;
}

static int by_code(const void *a, const void *b)
{
    const struct clip_letter *x = a, *y = b;

    return x->code < y->code ? -1 : x->code > y->code;
}

static int load_vocabulary(struct clip *c, const struct nn_file *f, struct fail *fail)
{
    static const char *const specials[CLIP_N_SPECIALS] = {"[PAD]", "[CLS]", "[SEP]"};
    const json_t *vocab = json_object_get(nn_file_config(f), "vocab");
    const size_t n = json_array_size(vocab);

    if (n <= CLIP_N_SPECIALS || n > 100000)
        return nn_file_broken(f, fail, "configuration 'vocab' is not a list of characters");
    c->n_vocab = (unsigned) n;
    c->letters = calloc(n, sizeof(*c->letters));
    if (!c->letters)
        return -ENOMEM;
    for (unsigned i = 0; i < n; i++) {
        const char *s = json_string_value(json_array_get(vocab, i));
        int32_t code = 0;
        if (!s || (i < CLIP_N_SPECIALS && strcmp(s, specials[i]) != 0))
            return nn_file_broken(f, fail, "vocabulary entry %u is not as it should be", i);
        if (i < CLIP_N_SPECIALS)
            continue;
        if ((code = clip_next_char(&s)) <= 0 || *s)
            return nn_file_broken(f, fail, "vocabulary entry %u is not one character", i);
        c->letters[i - CLIP_N_SPECIALS] = (struct clip_letter){(uint32_t) code, i};
    }
    qsort(c->letters, n - CLIP_N_SPECIALS, sizeof(*c->letters), by_code);
    for (unsigned i = 1; i < n - CLIP_N_SPECIALS; i++)
        if (c->letters[i].code == c->letters[i - 1].code)
            return nn_file_broken(f, fail, "its vocabulary has a character twice");
    return 0;
}

/* ---- configuration ------------------------------------------------------------------------ */

/* What nn_attention() takes. */
static bool heads_fit(unsigned width, unsigned heads)
{
    return width % heads == 0 && width / heads % 4 == 0 && width / heads <= 128;
}

static int load_calibration(struct clip *c, const struct nn_file *f, struct fail *fail)
{
    const json_t *object = json_object_get(nn_file_config(f), "calibration");
    struct clip_calibration *to = &c->info.calibration;

    if (!object)
        return 0;
    int r = nn_file_number(f, object, "temperature", 1, 10000, &to->temperature, fail);
    if (r == 0)
        r = nn_file_number(f, object, "dot_weight", 0, 100, &to->dot_weight, fail);
    return r < 0 ? r : nn_file_number(f, object, "dot_bias", -100, 100, &to->dot_bias, fail);
}

static int load_config(struct clip *c, const struct nn_file *f, struct fail *fail)
{
    double px_per_pitch;
    int r;

    if ((r = nn_file_expect_model(f, "clip", fail)) < 0 ||
        (r = nn_file_uint(f, NULL, "width", 4, 1024, &c->info.width, fail)) < 0 ||
        (r = nn_file_uint(f, NULL, "height", 4, 1024, &c->info.height, fail)) < 0 ||
        (r = nn_file_uint(f, NULL, "patch", 2, 64, &c->patch, fail)) < 0 ||
        (r = nn_file_uint(f, NULL, "vision_width", 8, 4096, &c->vision_width, fail)) < 0 ||
        (r = nn_file_uint(f, NULL, "vision_layers", 1, CLIP_MAX_LAYERS, &c->vision_layers, fail)) <
            0 ||
        (r = nn_file_uint(f, NULL, "vision_heads", 1, 64, &c->vision_heads, fail)) < 0 ||
        (r = nn_file_uint(f, NULL, "embed", 4, 4096, &c->info.embed, fail)) < 0 ||
        (r = nn_file_uint(f, NULL, "text_width", 8, 4096, &c->text_width, fail)) < 0 ||
        (r = nn_file_uint(f, NULL, "text_layers", 1, CLIP_MAX_LAYERS, &c->text_layers, fail)) < 0 ||
        (r = nn_file_uint(f, NULL, "text_heads", 1, 64, &c->text_heads, fail)) < 0 ||
        (r = nn_file_uint(f, NULL, "text_ffn", 8, 16384, &c->text_ffn, fail)) < 0 ||
        (r = nn_file_uint(f, NULL, "max_text", 3, 512, &c->info.max_text, fail)) < 0 ||
        (r = nn_file_number(f, NULL, "px_per_pitch", 0.1, 1000, &px_per_pitch, fail)) < 0 ||
        (r = load_vocabulary(c, f, fail)) < 0 || (r = load_calibration(c, f, fail)) < 0)
        return r;
    c->info.px_per_pitch = (float) px_per_pitch;
    if (c->info.width % c->patch || c->info.height % c->patch)
        return nn_file_broken(f, fail, "crops of %u x %u have no whole patches of %u",
                              c->info.width, c->info.height, c->patch);
    c->n_patches = c->info.width / c->patch * (c->info.height / c->patch);
    if (c->n_patches > 4096)
        return nn_file_broken(f, fail, "%u patches are too many", c->n_patches);
    if (!heads_fit(c->vision_width, c->vision_heads) || !heads_fit(c->text_width, c->text_heads))
        return nn_file_broken(f, fail, "its heads do not divide its width");
    return 0;
}

/* ---- weights ------------------------------------------------------------------------------- */

/* `proj` is stored [width][embed], to be multiplied from the right. */
static struct nn_weight *load_projection(struct nn_loader *l, unsigned width, unsigned embed,
                                         const char *name)
{
    const float *p = nn_load_values(l, NN_SHAPE(width, embed), "%s", name);
    struct nn_weight *ret = NULL;

    if (l->r < 0)
        return NULL;
    CLEANUP_FREE float *turned = malloc((size_t) width * embed * sizeof(*turned));
    if (!turned) {
        nn_load_note(l, -ENOMEM);
        return NULL;
    }
    for (size_t i = 0; i < width; i++)
        for (size_t j = 0; j < embed; j++)
            turned[j * width + i] = p[i * embed + j];
    nn_load_note(l, nn_weight_conv1d(l->nn, turned, NULL, embed, width, 1, l->half, &ret));
    return ret;
}

static void load_vision(struct nn_loader *l, struct clip *c)
{
    const unsigned d = c->vision_width;
    const float *w = nn_load_values(l, NN_SHAPE(d, 1, c->patch, c->patch), "visual.conv1.weight");
    const float *row = nn_load_values(l, NN_SHAPE(d), "visual.class_embedding");
    const float *places =
        nn_load_values(l, NN_SHAPE(1 + (size_t) c->n_patches, d), "visual.positional_embedding");

    if (l->r == 0)
        nn_load_note(l, nn_weight_patch(l->nn, w, row, places, d, 1, c->patch, c->patch,
                                        c->n_patches, &c->patches));
    c->norm_pre = nn_load_norm(l, d, "visual.ln_pre");
    for (unsigned i = 0; i < c->vision_layers; i++) {
        struct clip_block *b = &c->vision[i];
        char at[64];
        snprintf(at, sizeof(at), "visual.transformer.resblocks.%u", i);
        b->norm1 = nn_load_norm(l, d, "%s.ln_1", at);
        const float *qkv =
            nn_load_values(l, NN_SHAPE(3 * (size_t) d, d), "%s.attn.in_proj_weight", at);
        const float *bias = nn_load_values(l, NN_SHAPE(3 * (size_t) d), "%s.attn.in_proj_bias", at);
        if (l->r == 0)
            nn_load_note(l, nn_weight_conv1d(l->nn, qkv, bias, 3 * d, d, 1, l->half, &b->qkv));
        b->out = nn_load_linear(l, d, d, "%s.attn.out_proj", at);
        b->norm2 = nn_load_norm(l, d, "%s.ln_2", at);
        b->fc = nn_load_linear(l, 4 * d, d, "%s.mlp.c_fc", at);
        b->proj = nn_load_linear(l, d, 4 * d, "%s.mlp.c_proj", at);
    }
    c->norm_post = nn_load_norm(l, d, "visual.ln_post");
    c->image_proj = load_projection(l, d, c->info.embed, "visual.proj");
}

/* query, key and value are three layers in BERT's file; one product computes them here. */
static struct nn_weight *load_qkv(struct nn_loader *l, unsigned h, const char *at)
{
    static const char *const parts[] = {"query", "key", "value"};
    CLEANUP_FREE float *w = malloc(3 * (size_t) h * h * sizeof(*w));
    CLEANUP_FREE float *bias = malloc(3 * (size_t) h * sizeof(*bias));
    struct nn_weight *ret = NULL;

    if (!w || !bias)
        nn_load_note(l, -ENOMEM);
    for (size_t i = 0; i < 3; i++) {
        const float *v =
            nn_load_values(l, NN_SHAPE(h, h), "%s.attention.self.%s.weight", at, parts[i]);
        const float *b = nn_load_values(l, NN_SHAPE(h), "%s.attention.self.%s.bias", at, parts[i]);
        if (l->r < 0)
            return NULL;
        memcpy(w + i * h * h, v, (size_t) h * h * sizeof(*w));
        memcpy(bias + i * h, b, h * sizeof(*bias));
    }
    nn_load_note(l, nn_weight_conv1d(l->nn, w, bias, 3 * h, h, 1, l->half, &ret));
    return ret;
}

/* Every text is of type 0, so that row goes into the places. */
static void load_places(struct nn_loader *l, struct clip *c)
{
    const size_t h = c->text_width, n = c->info.max_text;
    const float *rows =
        nn_load_values(l, NN_SHAPE(n, h), "bert.embeddings.position_embeddings.weight");
    const float *types =
        nn_load_values(l, NN_SHAPE(2, h), "bert.embeddings.token_type_embeddings.weight");

    if (l->r < 0)
        return;
    CLEANUP_FREE float *sum = malloc(n * h * sizeof(*sum));
    if (!sum)
        return nn_load_note(l, -ENOMEM);
    for (size_t i = 0; i < n * h; i++)
        sum[i] = rows[i] + types[i % h];
    nn_load_note(l, nn_weight_table(l->nn, sum, (unsigned) n, (unsigned) h, &c->places));
}

static void load_text(struct nn_loader *l, struct clip *c)
{
    const unsigned h = c->text_width, ffn = c->text_ffn;

    c->words = nn_load_table(l, c->n_vocab, h, "bert.embeddings.word_embeddings");
    load_places(l, c);
    c->norm_words = nn_load_norm(l, h, "bert.embeddings.LayerNorm");
    for (unsigned i = 0; i < c->text_layers; i++) {
        struct clip_block *b = &c->text[i];
        char at[64];
        snprintf(at, sizeof(at), "bert.encoder.layer.%u", i);
        b->qkv = load_qkv(l, h, at);
        b->out = nn_load_linear(l, h, h, "%s.attention.output.dense", at);
        b->norm1 = nn_load_norm(l, h, "%s.attention.output.LayerNorm", at);
        b->fc = nn_load_linear(l, ffn, h, "%s.intermediate.dense", at);
        b->proj = nn_load_linear(l, h, ffn, "%s.output.dense", at);
        b->norm2 = nn_load_norm(l, h, "%s.output.LayerNorm", at);
    }
    c->text_proj = load_projection(l, h, c->info.embed, "text_projection");
}

int clip_load(struct clip *c, const char *path, struct fail *fail)
{
    CLEANUP(nn_file_closep) struct nn_file *f = NULL;
    struct nn_loader l = {.nn = c->nn, .fail = fail, .half = true};
    int r;

    if ((r = nn_file_open(path, &f, fail)) < 0 || (r = load_config(c, f, fail)) < 0)
        return r;
    l.file = f;
    load_vision(&l, c);
    load_text(&l, c);
    return l.r;
}
