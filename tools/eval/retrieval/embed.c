/* SPDX-License-Identifier: Apache-2.0
 *
 * Pictures are read, hashed and stretched by threads of their own while the device embeds those
 * before them.
 */

#include <errno.h>
#include <string.h>

#include "base/batch.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/macro.h"
#include "clip/clip.h"
#include "image/image.h"
#include "nn/weights_file.h"
#include "tools/eval/retrieval/retrieval.h"
#include "vk/vkc.h"

#define CHUNK 256 /* pictures or texts that go to the device at once */

void eval_table_done(struct eval_table *t)
{
    free(t->x);
    eval_words_done(&t->names);
    *t = (struct eval_table){0};
}

struct eval_embedder {
    struct vkc_context *ctx;
    struct nn *nn;
    struct clip *clip;
    const volatile int *cancel;
    char *device; ///< owned
    struct eval_table pictures, texts;
    /* what waits for the device: its rows are the last `n_waiting` of its table */
    uint8_t *crops;
    const char *waiting[CHUNK]; ///< texts, borrowed
    size_t n_waiting;
};

/* The reader's own model knows a cell of a grid that was found before; a whole picture would be
 * nonsense to it. What is no CLIP at all clip_new() refuses. */
static int check_model(const char *path, struct fail *fail)
{
    CLEANUP(nn_file_closep) struct nn_file *f = NULL;

    int r = nn_file_open(path, &f, fail);
    if (r < 0)
        return r;
    const json_t *config = nn_file_config(f);
    const char *model = json_string_value(json_object_get(config, "model"));
    const char *fit = json_string_value(json_object_get(config, "fit"));
    if (model && strcmp(model, "clip") == 0 && (!fit || strcmp(fit, "stretch") != 0))
        return fail_set(
            fail, FAIL_INPUT, -EINVAL,
            "'%s' knows single cells, not whole pictures; models/recipes/contrastive.py "
            "trains one that does (\"fit\": \"stretch\" in its configuration)",
            path);
    return 0;
}

static size_t crop_bytes(const struct eval_embedder *e)
{
    const struct clip_info *info = clip_info(e->clip);

    return (size_t) info->width * info->height * info->n_chan;
}

int eval_embedder_new(const struct eval_embedder_params *params, struct eval_embedder **ret,
                      struct fail *fail)
{
    int r = check_model(params->clip, fail);
    if (r < 0)
        return r;
    CLEANUP(eval_embedder_freep) struct eval_embedder *e = calloc(1, sizeof(*e));
    if (!e)
        return -ENOMEM;
    e->cancel = params->cancel;
    if ((r = vkc_context_new(vkc_context_params(.device = params->device), &e->ctx, fail)) < 0)
        return r;
    if ((r = nn_new(e->ctx, &e->nn)) < 0)
        return fail_set(fail, FAIL_UNAVAILABLE, r, "cannot set up the Vulkan device: %m");
    if ((r = clip_new(e->nn, params->clip, &e->clip, fail)) < 0)
        return r;
    const struct clip_info *info = clip_info(e->clip);
    clip_set_cancel(e->clip, e->cancel);
    e->crops = malloc(CHUNK * crop_bytes(e));
    e->device = strdup(vkc_context_info(e->ctx)->name);
    if (!e->crops || !e->device)
        return -ENOMEM;
    e->pictures.e = e->texts.e = info->embed;
    *ret = TAKE_PTR(e);
    return 0;
}

struct eval_embedder *eval_embedder_free(struct eval_embedder *e)
{
    if (!e)
        return NULL;
    eval_table_done(&e->pictures);
    eval_table_done(&e->texts);
    free(e->crops);
    free(e->device);
    clip_free(e->clip);
    nn_free(e->nn);
    vkc_context_free(e->ctx);
    free(e);
    return NULL;
}

const char *eval_embedder_device(const struct eval_embedder *e)
{
    return e->device;
}

const struct eval_table *eval_embedder_pictures(const struct eval_embedder *e)
{
    return &e->pictures;
}

const struct eval_table *eval_embedder_texts(const struct eval_embedder *e)
{
    return &e->texts;
}

/* ---- rows ---- */

/* *ret_new: the row is still to be filled. */
static int take_row(struct eval_table *t, const char *name, size_t *ret, bool *ret_new)
{
    int r = eval_words_add(&t->names, name, ret);
    if (r < 0)
        return r;
    *ret_new = *ret == t->n;
    if (!*ret_new)
        return 0;
    if (t->n == t->room) {
        const size_t room = MAX(2 * t->room, (size_t) 1024);
        float *x = reallocarray(t->x, room, t->e * sizeof(*x));
        if (!x)
            return -ENOMEM;
        t->x = x;
        t->room = room;
    }
    t->n++;
    return 0;
}

static int send(struct eval_embedder *e, struct eval_table *t, struct fail *fail)
{
    float *out = t->x + (t->n - e->n_waiting) * t->e;
    int r = 0;

    if (*e->cancel)
        r = fail_set(fail, FAIL_INTERRUPTED, -ECANCELED, "stopped");
    else if (e->n_waiting > 0 && t == &e->pictures)
        r = clip_image(e->clip, e->crops, e->n_waiting, out, e->cancel, fail);
    else if (e->n_waiting > 0)
        r = clip_text(e->clip, e->waiting, e->n_waiting, out, fail);
    e->n_waiting = 0;
    return r;
}

/* ---- pictures ---- */

struct job {
    struct eval_picture *picture; ///< borrowed
    uint8_t *crop;                ///< owned
    char sha256[HASH_TEXT];
};

struct work {
    struct eval_embedder *e;
    struct eval_set *set;
    size_t at;
    bool train;
};

/* Pictures whose hash is known have their row at once. */
static int next_picture(void *ctx, void **ret, struct fail *fail)
{
    struct work *w = ctx;

    for (; w->at < w->set->n; w->at++) {
        struct eval_picture *p = &w->set->pictures[w->at];
        if (!p->in_split && !(w->train && p->in_train))
            continue;
        const json_t *known =
            p->sha256 ? json_object_get(w->e->pictures.names.index, p->sha256) : NULL;
        if (known) {
            p->row = (size_t) json_integer_value(known);
            continue;
        }
        struct job *job = calloc(1, sizeof(*job));
        if (!job)
            return -ENOMEM;
        job->picture = p;
        w->at++;
        *ret = job;
        return 1;
    }
    return 0;
}

static int stretch(const struct image *img, const struct clip_info *info, uint8_t **ret)
{
    CLEANUP(image_freep) struct image *alike = NULL, *small = NULL;
    const size_t row = (size_t) info->width * info->n_chan;

    int r = info->n_chan == 3 ? image_to_rgb(img, &alike) : image_to_grey(img, &alike);
    if (r == 0)
        r = image_stretch(alike, info->width, info->height, &small);
    if (r < 0)
        return r;
    uint8_t *crop = malloc(row * info->height);
    if (!crop)
        return -ENOMEM;
    for (unsigned y = 0; y < info->height; y++)
        memcpy(crop + y * row, small->data + y * small->stride, row);
    *ret = crop;
    return 0;
}

static int read_picture(void *ctx, void *item, struct fail *fail)
{
    CLEANUP(image_freep) struct image *img = NULL;
    CLEANUP_FREE uint8_t *data = NULL;
    const struct eval_embedder *e = ((struct work *) ctx)->e;
    struct job *job = item;
    const struct eval_picture *p = job->picture;
    size_t size = 0;

    int r = file_read(p->path, IMAGE_MAX_FILE_BYTES, &data, &size, fail);
    if (r == 0)
        r = hash_sha256(data, size, job->sha256);
    if (r == 0 && p->sha256 && strcmp(p->sha256, job->sha256) != 0)
        r = fail_set(fail, FAIL_INPUT, -EBADMSG,
                     "'%s' is not the picture that the manifest means (its SHA-256 is another); "
                     "make the set anew",
                     p->path);
    if (r == 0)
        r = image_decode(data, size, p->path, &img, fail);
    if (r == 0)
        r = stretch(img, clip_info(e->clip), &job->crop);
    return r < 0 ? fail_set(fail, FAIL_OTHER, r, "cannot read '%s': %m", p->path) : 0;
}

static int take_picture(void *ctx, void *item, int r, struct fail *fail)
{
    struct eval_embedder *e = ((struct work *) ctx)->e;
    const size_t size = crop_bytes(e);
    struct job *job = item;
    bool is_new = false;

    if (r == 0)
        r = take_row(&e->pictures, job->sha256, &job->picture->row, &is_new);
    if (r == 0 && is_new) {
        memcpy(e->crops + e->n_waiting++ * size, job->crop, size);
        if (e->n_waiting == CHUNK)
            r = send(e, &e->pictures, fail);
    }
    free(job->crop);
    free(job);
    return r;
}

/* ---- texts ---- */

static int embed_texts(struct eval_embedder *e, struct eval_set *set, bool all, struct fail *fail)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < set->texts.n; i++) {
        bool is_new = false;
        if (!all && !set->facts[i].in_split)
            continue;
        r = take_row(&e->texts, set->texts.list[i], &set->facts[i].row, &is_new);
        if (r == 0 && is_new)
            e->waiting[e->n_waiting++] = set->texts.list[i];
        if (r == 0 && e->n_waiting == CHUNK)
            r = send(e, &e->texts, fail);
    }
    return r == 0 ? send(e, &e->texts, fail) : r;
}

int eval_embed_set(struct eval_embedder *e, struct eval_set *set, bool train, bool all,
                   struct fail *fail)
{
    struct work work = {.e = e, .set = set, .train = train};
    const struct batch batch = {
        .ctx = &work, .next = next_picture, .work = read_picture, .take = take_picture};

    e->n_waiting = 0;
    int r = batch_run(&batch, fail);
    if (r == 0)
        r = send(e, &e->pictures, fail);
    return r == 0 ? embed_texts(e, set, all, fail) : r;
}
