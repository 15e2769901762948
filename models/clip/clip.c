/* SPDX-License-Identifier: Apache-2.0
 *
 * The forward passes of both towers. Crops and texts go through in chunks, so that the tensors of
 * one chunk serve the next.
 */
#include "clip/clip_model.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ACTIVATIONS ((size_t) 192 << 20) /* bytes that a chunk's tensors may take */

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

struct clip *clip_free(struct clip *c)
{
    if (!c)
        return NULL;
    for (unsigned i = 0; i < CLIP_MAX_LAYERS; i++) {
        clip_block_done(&c->vision_blocks[i]);
        clip_block_done(&c->text_blocks[i]);
    }
    nn_weight_free(c->patches);
    nn_weight_free(c->norm_pre);
    nn_weight_free(c->norm_post);
    nn_weight_free(c->image_proj);
    nn_weight_free(c->words);
    nn_weight_free(c->places);
    nn_weight_free(c->norm_words);
    nn_weight_free(c->text_proj);
    clip_wordpiece_free(c->pieces);
    nn_file_close(c->file);
    free(c->letters);
    free(c);
    return NULL;
}

const struct clip_info *clip_info(const struct clip *c)
{
    return &c->info;
}

void clip_set_cancel(struct clip *c, const volatile int *cancel)
{
    c->cancel = cancel;
}

/* ---- what both towers share --------------------------------------------------------------- */

/* A recorded block that was read for this pass alone has to run before its weights may go. */
static int end_block(const struct clip *c, struct nn_run *run, const volatile int *cancel,
                     struct fail *fail)
{
    if (!c->file)
        return 0;
    nn_file_forget(c->file);
    return nn_run_wait(run, cancel, fail);
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

static int too_large(const struct clip *c, int r, struct fail *fail)
{
    const struct vkc_device_info *device = nn_device(c->nn);

    if (r != -E2BIG)
        return fail_set(fail, FAIL_OTHER, r, "cannot compute the embeddings: %m");
    return fail_set(fail, FAIL_UNAVAILABLE, r,
                    "the device '%s' binds %u MiB at once, too little for this model; choose "
                    "another with --device",
                    device->name, device->max_storage_bytes >> 20);
}

/* How many sequences of `tokens` at once: the small model's chunks stay in the device's cache, the
 * others' in bounds of memory and of what the device can bind. */
static size_t at_once_of(const struct clip *c, const struct clip_tower *t, unsigned tokens)
{
    const struct vkc_device_info *device = nn_device(c->nn);
    const size_t wide = MAX(t->ffn, 3 * t->width); /* channels of the widest tensor */
    const size_t all = 2 * t->width + 3 * t->width + t->ffn;

    if (!c->file)
        return CLIP_CHUNK;
    size_t n = ACTIVATIONS / (tokens * all * sizeof(float));
    n = MIN(n, device->max_storage_bytes / ((tokens + 16) * wide * sizeof(float)));
    n = MIN(n, device->max_texel_elements / ((tokens + 16) * wide / 4));
    return MIN(MAX(n, (size_t) 1), (size_t) CLIP_CHUNK);
}

/* ---- image tower ---------------------------------------------------------------------------- */

static int image_block(const struct clip *c, struct nn_run *run, unsigned i, struct nn_tensor **x,
                       const volatile int *cancel, struct fail *fail)
{
    struct nn_loader l = {.nn = c->nn, .file = c->file, .fail = fail, .half = true};
    CLEANUP(clip_block_done) struct clip_block own = {0};
    const bool last = i + 1 == c->vision.layers;
    int r;

    if (c->file)
        clip_load_vision_block(&l, &c->vision, i, &own);
    if (l.r < 0)
        return l.r;
    r = clip_record_vision_block(run, &c->vision, c->file ? &own : &c->vision_blocks[i],
                                 1 + c->n_patches, last, x);
    return r < 0 ? r : end_block(c, run, cancel, fail);
}

static int image_chunk(const struct clip *c, const uint8_t *crops, unsigned n, float *out,
                       const volatile int *cancel, struct fail *fail)
{
    CLEANUP(nn_run_freep) struct nn_run *run = NULL;
    struct nn_tensor *x;
    int r;

    if ((r = nn_run_new(c->nn, &run)) < 0)
        return r;
    r = c->file ? clip_chinese_patches(c, run, crops, n, &x, fail)
                : clip_braille_patches(c, run, crops, n, &x);
    if (r < 0 || (r = nn_layernorm(run, c->norm_pre, x, NULL, CLIP_VISION_EPS, x)) < 0)
        return r;
    for (unsigned i = 0; i < c->vision.layers; i++)
        if ((r = image_block(c, run, i, &x, cancel, fail)) < 0)
            return r;
    if ((r = nn_layernorm(run, c->norm_post, x, NULL, CLIP_VISION_EPS, x)) < 0)
        return r;
    return finish(c, run, c->image_proj, x, out, cancel, fail);
}

int clip_image(struct clip *c, const uint8_t *crops, size_t n, float *out,
               const volatile int *cancel, struct fail *fail)
{
    const size_t size = (size_t) c->info.width * c->info.height * c->info.n_chan;
    const size_t at_once = at_once_of(c, &c->vision, 1 + c->n_patches);

    for (size_t i = 0; i < n; i += at_once) {
        int r = image_chunk(c, crops + i * size, (unsigned) MIN(n - i, at_once),
                            out + i * c->info.embed, cancel, fail);
        if (r < 0)
            return too_large(c, r, fail);
    }
    return 0;
}

/* ---- text tower ----------------------------------------------------------------------------- */

static int text_block(const struct clip *c, struct nn_run *run, unsigned i, unsigned seq,
                      const uint32_t *valid, struct nn_tensor *x, struct fail *fail)
{
    struct nn_loader l = {.nn = c->nn, .file = c->file, .fail = fail, .half = true};
    CLEANUP(clip_block_done) struct clip_block own = {0};
    int r;

    if (c->file)
        clip_load_text_block(&l, &c->text, i, &own);
    if (l.r < 0)
        return l.r;
    r = clip_record_text_block(run, &c->text, c->file ? &own : &c->text_blocks[i], seq, valid, x);
    return r < 0 ? r : end_block(c, run, c->cancel, fail);
}

/* n rows of `seq` ids, `valid` of them real. */
static int text_ids(const struct clip *c, const uint32_t *ids, const uint32_t *valid, unsigned n,
                    unsigned seq, float *out, struct fail *fail)
{
    CLEANUP(nn_run_freep) struct nn_run *run = NULL;
    struct nn_tensor *x, *first;
    int r;

    if ((r = nn_run_new(c->nn, &run)) < 0)
        return r;
    r = c->file ? clip_chinese_words(c, run, ids, n, seq, &x, fail)
                : clip_braille_words(c, run, ids, n, seq, &x);
    if (r < 0 || (r = nn_layernorm(run, c->norm_words, x, NULL, CLIP_TEXT_EPS, x)) < 0)
        return r;
    for (unsigned i = 0; i < c->text.layers; i++)
        if ((r = text_block(c, run, i, seq, valid, x, fail)) < 0)
            return r;
    if ((r = clip_gather_first(run, x, seq, &first)) < 0)
        return r;
    return finish(c, run, c->text_proj, first, out, c->cancel, fail);
}

static int text_chunk(const struct clip *c, const char *const *texts, unsigned n, float *out,
                      struct fail *fail)
{
    const unsigned room = c->info.max_text;
    CLEANUP_FREE uint32_t *all = malloc((size_t) n * room * sizeof(*all));
    const uint32_t pad = c->file ? clip_wordpiece_pad(c->pieces) : CLIP_PAD;
    uint32_t valid[CLIP_CHUNK];
    unsigned seq = 0;

    if (!all)
        return -ENOMEM;
    for (size_t i = 0; i < (size_t) n * room; i++)
        all[i] = pad;
    for (unsigned i = 0; i < n; i++) {
        uint32_t *ids = all + (size_t) i * room;
        int r = c->file ? clip_chinese_ids(c, texts[i], ids, fail)
                        : clip_braille_ids(c, texts[i], ids, fail);
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
    const size_t at_once = at_once_of(c, &c->text, c->info.max_text);

    for (size_t i = 0; i < n; i += at_once) {
        int r =
            text_chunk(c, texts + i, (unsigned) MIN(n - i, at_once), out + i * c->info.embed, fail);
        if (r < 0)
            return too_large(c, r, fail);
    }
    return 0;
}
