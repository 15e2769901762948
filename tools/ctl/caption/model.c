/* SPDX-License-Identifier: Apache-2.0 */

#include "tools/ctl/caption/caption.h"

#include "base/hash.h"
#include "clip/clip.h"
#include "import/import.h"
#include "knn/knn.h"
#include "pipeline/pipeline.h"
#include "tools/ctl/engine-local.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_NAME "chinese-clip.safetensors"
enum { AT_ONCE = 64 }; /* sentences between two words of progress */

struct caption_model {
    const struct ctl *ctl; ///< borrowed
    char *path, *cache;    ///< owned; `cache` NULL: nothing is kept
    struct vkc_context *ctx;
    struct nn *nn;
    struct clip *clip;
};

/* ---- opening -------------------------------------------------------------------------------- */

static int folder_path(const char *folder, char **ret)
{
    return asprintf(ret, "%s/" FILE_NAME, folder) < 0 ? -ENOMEM : 0;
}

/* Where --models says, else where `braillectl import` puts it (NULL: there is no such place). */
static int first_place(const struct ctl *ctl, char **ret)
{
    struct fail unused = {0};

    if (ctl->models)
        return folder_path(ctl->models, ret);
    *ret = NULL;
    int r = import_default_path(import_find_kind("chinese-clip"), ret, &unused);
    return r == -ENOMEM ? r : 0;
}

/* *ret owned. */
static int find_file(const struct ctl *ctl, const char *given, char **ret, struct fail *fail)
{
    CLEANUP_FREE char *first = NULL, *second = NULL;
    int r;

    if (given)
        return (*ret = strdup(given)) ? 0 : -ENOMEM;
    r = first_place(ctl, &first);
    if (r == 0 && !ctl->models)
        r = folder_path(pipeline_models_dir(), &second);
    if (r < 0)
        return r;
    if (first && access(first, F_OK) == 0)
        *ret = TAKE_PTR(first);
    else if (second && access(second, F_OK) == 0)
        *ret = TAKE_PTR(second);
    else
        return fail_set(fail, FAIL_UNAVAILABLE, -ENOENT,
                        "there is no Chinese-CLIP at '%s'; braillectl import FILE makes one of a "
                        "checkpoint that you have downloaded, --clip FILE names one",
                        first ? first : second);
    return 0;
}

static int open_device(struct caption_model *m, struct fail *fail)
{
    char cache[PATH_MAX], note[300];

    pipeline_cache_dir(cache, sizeof(cache));
    int r = vkc_context_new(
        vkc_context_params(.device = m->ctl->device, .cache_dir = cache[0] ? cache : NULL), &m->ctx,
        fail);
    if (r < 0)
        return r;
    local_device_note(vkc_context_info(m->ctx), note, sizeof(note));
    ctl_say_line(m->ctl, "device: %s%s", caption_model_device(m), note);
    return nn_new(m->ctx, &m->nn);
}

int caption_model_open(const struct ctl *ctl, const char *path, struct caption_model **ret,
                       struct fail *fail)
{
    CLEANUP(caption_model_freep) struct caption_model *m = calloc(1, sizeof(*m));
    int r;

    if (!m)
        return -ENOMEM;
    m->ctl = ctl;
    if ((r = find_file(ctl, path, &m->path, fail)) < 0 || (r = open_device(m, fail)) < 0 ||
        (r = clip_new(m->nn, m->path, &m->clip, fail)) < 0)
        return r;
    if (!clip_info(m->clip)->chinese)
        return fail_set(fail, FAIL_UNAVAILABLE, -EBADMSG,
                        "'%s' reads braille cells and no pictures; name a Chinese-CLIP", m->path);
    clip_set_cancel(m->clip, &ctl_cancelled);
    m->cache = caption_cache_folder();
    *ret = TAKE_PTR(m);
    return 0;
}

struct caption_model *caption_model_free(struct caption_model *m)
{
    if (!m)
        return NULL;
    clip_free(m->clip);
    nn_free(m->nn);
    vkc_context_free(m->ctx);
    free(m->path);
    free(m->cache);
    free(m);
    return NULL;
}

const char *caption_model_path(const struct caption_model *m)
{
    return m->path;
}

const char *caption_model_device(const struct caption_model *m)
{
    return vkc_context_info(m->ctx)->name;
}

/* ---- embedding ------------------------------------------------------------------------------ */

static int embed_picture(struct caption_model *m, const struct image *picture, float *out,
                         struct fail *fail)
{
    const struct clip_info *info = clip_info(m->clip);
    CLEANUP(image_freep) struct image *fit = NULL, *rgb = NULL;

    int r = image_stretch(picture, info->width, info->height, &fit);
    if (r == 0)
        r = image_to_rgb(fit, &rgb);
    if (r < 0)
        return fail_set(fail, FAIL_OTHER, r, "cannot fit the picture into the model: %m");
    return clip_image(m->clip, rgb->data, 1, out, &ctl_cancelled, fail);
}

struct sentence {
    const char *text;
    size_t index;
};

static int by_length(const void *a, const void *b)
{
    const size_t x = strlen(((const struct sentence *) a)->text);
    const size_t y = strlen(((const struct sentence *) b)->text);

    return (x > y) - (x < y);
}

/* Some at a time, those of one length together: what goes through at once is filled up to the
 * longest. */
static int embed_texts(struct caption_model *m, const char *const *texts, size_t n, size_t before,
                       size_t all, float *out, struct fail *fail)
{
    const unsigned e = clip_info(m->clip)->embed;
    CLEANUP_FREE struct sentence *order = calloc(n, sizeof(*order));
    CLEANUP_FREE float *some = calloc((size_t) AT_ONCE * e, sizeof(*some));
    const char *batch[AT_ONCE];

    if (!order || !some)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        order[i] = (struct sentence){texts[i], i};
    qsort(order, n, sizeof(*order), by_length);
    for (size_t at = 0; at < n; at += AT_ONCE) {
        const size_t now = MIN(n - at, (size_t) AT_ONCE);
        ctl_progress(m->ctl, "comparing sentences: %zu of %zu", before + at, all);
        for (size_t i = 0; i < now; i++)
            batch[i] = order[at + i].text;
        int r = clip_text(m->clip, batch, now, some, fail);
        if (r < 0)
            return r;
        for (size_t i = 0; i < now; i++)
            memcpy(out + order[at + i].index * e, some + i * e, e * sizeof(*out));
    }
    return 0;
}

/* Sentences `first` .. `first` + n of the bank, from the cache if they are there. */
static int embed_part(struct caption_model *m, const struct caption_bank *bank, size_t first,
                      size_t n, float *out, struct caption_counts *counts, struct fail *fail)
{
    const unsigned e = clip_info(m->clip)->embed;
    const char *const *texts = bank->texts + first;
    char key[HASH_TEXT];
    const bool keep = m->cache && caption_cache_key(m->path, texts, n, key) == 0;

    if (keep && caption_cache_read(m->cache, key, n, e, out)) {
        counts->kept += n;
        return 0;
    }
    int r = embed_texts(m, texts, n, first, bank->n, out, fail);
    if (r < 0)
        return r;
    counts->embedded += n;
    if (keep)
        caption_cache_write(m->cache, key, n, e, out);
    return 0;
}

/* ---- searching ------------------------------------------------------------------------------ */

/* The best so far, best first; of equals the earlier one stays before. */
struct best {
    struct caption_hit *hits; ///< [k]
    size_t n, k;
    double shares; ///< sum over the bank of exp(temperature * (cosine - 1))
};

static void keep_hit(struct best *best, size_t index, double cosine)
{
    size_t at = best->n;

    while (at > 0 && best->hits[at - 1].cosine < cosine)
        at--;
    if (at == best->k)
        return;
    best->n = MIN(best->n + 1, best->k);
    memmove(&best->hits[at + 1], &best->hits[at], (best->n - 1 - at) * sizeof(*best->hits));
    best->hits[at] = (struct caption_hit){index, cosine, 0};
}

static double share(const struct caption_model *m, double cosine)
{
    return exp(clip_info(m->clip)->calibration.temperature * (cosine - 1));
}

static int search_part(struct caption_model *m, const float *picture, const float *texts,
                       size_t first, size_t n, struct best *best, struct fail *fail)
{
    const unsigned e = clip_info(m->clip)->embed, k = (unsigned) MIN(best->k, n);
    CLEANUP(knn_freep) struct knn *knn = NULL;
    uint32_t index[CAPTION_MAX_K];
    float cosine[CAPTION_MAX_K];

    int r = knn_new(m->nn, texts, n, e, &knn, fail);
    if (r == 0)
        r = knn_query(knn, picture, 1, k, index, cosine, &ctl_cancelled, fail);
    if (r < 0)
        return r;
    for (unsigned i = 0; i < k; i++)
        keep_hit(best, first + index[i], (double) cosine[i]);
    for (size_t i = 0; i < n; i++) { /* a probability hangs on all, not on the best alone */
        double dot = 0;
        for (unsigned c = 0; c < e; c++)
            dot += (double) picture[c] * (double) texts[i * e + c];
        best->shares += share(m, dot);
    }
    return 0;
}

static int find(struct caption_model *m, const struct image *picture,
                const struct caption_bank *bank, struct best *best, struct caption_counts *counts,
                struct fail *fail)
{
    const unsigned e = clip_info(m->clip)->embed;
    CLEANUP_FREE float *image = calloc(e, sizeof(*image));
    CLEANUP_FREE float *texts = calloc((size_t) CAPTION_PART * e, sizeof(*texts));

    if (!image || !texts)
        return fail_set(fail, FAIL_OTHER, -ENOMEM, "not enough memory for the embeddings");
    int r = embed_picture(m, picture, image, fail);
    for (size_t i = 0; r == 0 && i < bank->n; i += CAPTION_PART) {
        const size_t n = MIN(bank->n - i, (size_t) CAPTION_PART);
        r = embed_part(m, bank, i, n, texts, counts, fail);
        if (r == 0)
            r = search_part(m, image, texts, i, n, best, fail);
    }
    return r;
}

int caption_find(struct caption_model *m, const struct image *picture,
                 const struct caption_bank *bank, unsigned k, struct caption_hit *ret,
                 size_t *ret_n, struct caption_counts *ret_counts, struct fail *fail)
{
    struct best best = {.hits = ret, .k = k};
    struct fail why = {0};

    *ret_counts = (struct caption_counts){0};
    const int r = find(m, picture, bank, &best, ret_counts, &why);
    ctl_progress_clear();
    if (r < 0 && ctl_cancelled)
        return ctl_interrupted(fail);
    if (r < 0) {
        *fail = why;
        return r;
    }
    for (size_t i = 0; i < best.n; i++)
        ret[i].p = fmin(share(m, ret[i].cosine) / best.shares, 1);
    *ret_n = best.n;
    return 0;
}
