/* SPDX-License-Identifier: Apache-2.0 */

#include "clip/clip_model.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What nn_attention() takes. */
static bool heads_fit(const struct clip_tower *t)
{
    return t->width % t->heads == 0 && t->width / t->heads % 4 == 0 && t->width / t->heads <= 128;
}

int clip_check_shape(const struct clip *c, const struct nn_file *f, struct fail *fail)
{
    if (c->info.width % c->patch || c->info.height % c->patch)
        return nn_file_broken(f, fail, "crops of %u x %u have no whole patches of %u",
                              c->info.width, c->info.height, c->patch);
    if (c->n_patches > 4096)
        return nn_file_broken(f, fail, "%u patches are too many", c->n_patches);
    if (!heads_fit(&c->vision) || !heads_fit(&c->text))
        return nn_file_broken(f, fail, "its heads do not divide its width");
    return 0;
}

struct nn_weight *clip_load_projection(struct nn_loader *l, unsigned width, unsigned embed,
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

/* The part that both kinds have. */
static int load_towers(struct clip *c, struct nn_file *f, struct fail *fail)
{
    struct clip_tower *v = &c->vision, *t = &c->text;
    int r;

    if ((r = nn_file_uint(f, NULL, "patch", 2, 64, &c->patch, fail)) < 0 ||
        (r = nn_file_uint(f, NULL, "vision_width", 8, 4096, &v->width, fail)) < 0 ||
        (r = nn_file_uint(f, NULL, "vision_layers", 1, CLIP_MAX_LAYERS, &v->layers, fail)) < 0 ||
        (r = nn_file_uint(f, NULL, "vision_heads", 1, 64, &v->heads, fail)) < 0 ||
        (r = nn_file_uint(f, NULL, "embed", 4, 4096, &c->info.embed, fail)) < 0 ||
        (r = nn_file_uint(f, NULL, "text_width", 8, 4096, &t->width, fail)) < 0 ||
        (r = nn_file_uint(f, NULL, "text_layers", 1, CLIP_MAX_LAYERS, &t->layers, fail)) < 0 ||
        (r = nn_file_uint(f, NULL, "text_heads", 1, 64, &t->heads, fail)) < 0 ||
        (r = nn_file_uint(f, NULL, "text_ffn", 8, 16384, &t->ffn, fail)) < 0 ||
        (r = nn_file_uint(f, NULL, "max_text", 3, 512, &c->info.max_text, fail)) < 0)
        return r;
    v->ffn = 4 * v->width;
    return 0;
}

/* Norms and projections, which stay on the device. */
static void load_ends(struct nn_loader *l, struct clip *c)
{
    c->norm_pre = nn_load_norm(l, c->vision.width, "visual.ln_pre");
    c->norm_post = nn_load_norm(l, c->vision.width, "visual.ln_post");
    c->image_proj = clip_load_projection(l, c->vision.width, c->info.embed, "visual.proj");
    c->norm_words = nn_load_norm(l, c->text.width, "bert.embeddings.LayerNorm");
    c->text_proj = clip_load_projection(l, c->text.width, c->info.embed, "text_projection");
}

int clip_load(struct clip *c, const char *path, struct fail *fail)
{
    CLEANUP(nn_file_closep) struct nn_file *f = NULL;
    struct fail not_chinese = {0};
    int r;

    if ((r = nn_file_open(path, &f, fail)) < 0)
        return r;
    c->info.chinese = nn_file_expect_model(f, "chinese-clip", &not_chinese) == 0;
    if (!c->info.chinese && (r = nn_file_expect_model(f, "clip", fail)) < 0)
        return r;
    if ((r = load_towers(c, f, fail)) < 0)
        return r;
    r = c->info.chinese ? clip_load_chinese(c, f, fail) : clip_load_braille(c, f, fail);
    if (r < 0)
        return r;
    struct nn_loader l = {.nn = c->nn, .file = f, .fail = fail, .half = true};
    load_ends(&l, c);
    if (c->info.chinese) {
        nn_file_forget(f);
        c->file = TAKE_PTR(f);
    }
    return l.r;
}
