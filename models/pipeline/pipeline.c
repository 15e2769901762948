/* SPDX-License-Identifier: Apache-2.0 */

#include "pipeline/pipeline_internal.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lang/lang.h"

double pipeline_now_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double) ts.tv_sec * 1e3 + (double) ts.tv_nsec * 1e-6;
}

void pipeline_report(const struct pipeline_job *job, enum pipeline_stage stage, double fraction)
{
    if (job && job->progress)
        job->progress(job->userdata, stage, fraction);
}

/* Beside the folder of the program (bin, libexec), so that an installed tree can be moved as a
 * whole. NULL: not there. */
static const char *models_beside(char *exe)
{
    static char dir[PATH_MAX + sizeof("/share/brailled/models")];

    for (int i = 0; i < 2; i++) { /* the name, then the folder */
        char *slash = strrchr(exe, '/');
        if (!slash)
            return NULL;
        *slash = 0;
    }
    snprintf(dir, sizeof(dir), "%s/share/brailled/models", exe);
    return access(dir, F_OK) == 0 ? dir : NULL;
}

const char *pipeline_models_dir(void)
{
    const char *dir = getenv("BRAILLED_MODELS");
    char exe[PATH_MAX];

    if (dir && *dir)
        return dir;
    /* a program that lies in the build folder uses the source tree's weights */
    ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
    if (n > 0) {
        exe[n] = 0;
        if (strncmp(exe, BRAILLED_BUILD_ROOT "/", sizeof(BRAILLED_BUILD_ROOT)) == 0)
            return BRAILLED_SOURCE_ROOT "/models/weights";
        dir = models_beside(exe);
        if (dir)
            return dir;
    }
    return BRAILLED_MODELS_DIR;
}

int pipeline_turn(struct pipeline *p, const struct pipeline_job *job, struct fail *fail)
{
    int r = job && job->turn ? job->turn(job->userdata) : 0;

    if (r == -ECANCELED)
        fail_set(fail, FAIL_INTERRUPTED, r, "stopped");
    return r < 0 ? r : pipeline_ensure_device(p, fail);
}

void pipeline_cache_dir(char *out, size_t size)
{
    const char *xdg = getenv("XDG_CACHE_HOME"), *systemd = getenv("CACHE_DIRECTORY");
    const char *home = getenv("HOME");

    out[0] = 0;
    if (systemd && *systemd)
        snprintf(out, size, "%s", systemd);
    else if (xdg && *xdg == '/')
        snprintf(out, size, "%s/brailled", xdg);
    else if (home && *home == '/')
        snprintf(out, size, "%s/.cache/brailled", home);
    if (out[0] && mkdir(out, 0700) < 0 && errno != EEXIST)
        out[0] = 0;
}

static int open_device(struct pipeline *p, struct fail *fail)
{
    char cache[PATH_MAX];
    pipeline_cache_dir(cache, sizeof(cache));
    int r = vkc_context_new(vkc_context_params(.device = p->device, .validation = p->validation,
                                               .cache_dir = cache[0] ? cache : NULL),
                            &p->ctx, fail);
    if (r < 0)
        return r;
    p->info = *vkc_context_info(p->ctx);
    r = nn_new(p->ctx, &p->nn);
    if (r < 0)
        return fail_set(fail, FAIL_UNAVAILABLE, r, "cannot set up the Vulkan device '%s': %m",
                        p->info.name);
    return 0;
}

static void close_device(struct pipeline *p)
{
    struct pipeline_reader *d = &p->reader;

    d->crops = knn_free(d->crops);
    d->cells = knn_free(d->cells);
    d->clip = clip_free(d->clip);
    free(d->cell_texts);
    free(d->bit);
    *d = (struct pipeline_reader){0};
    p->hifigan = hifigan_free(p->hifigan);
    p->fs2 = fs2_free(p->fs2);
    free(p->voices);
    p->voices = NULL;
    p->nn = nn_free(p->nn);
    p->ctx = vkc_context_free(p->ctx);
}

int pipeline_new(const struct pipeline_params *params, struct pipeline **ret, struct fail *fail)
{
    CLEANUP(pipeline_freep) struct pipeline *p = calloc(1, sizeof(*p));
    if (!p)
        return -ENOMEM;
    p->validation = params->validation;
    p->models = strdup(params->models ? params->models : pipeline_models_dir());
    if (params->device)
        p->device = strdup(params->device);
    if (!p->models || (params->device && !p->device))
        return -ENOMEM;
    int r = open_device(p, fail);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(p);
    return 0;
}

struct pipeline *pipeline_free(struct pipeline *p)
{
    if (!p)
        return NULL;
    close_device(p);
    free(p->device);
    free(p->models);
    free(p);
    return NULL;
}

void pipeline_close(struct pipeline *p)
{
    close_device(p);
}

int pipeline_reopen(struct pipeline *p, struct fail *fail)
{
    if (fail)
        *fail = (struct fail){0};
    close_device(p);
    return open_device(p, fail);
}

int pipeline_ensure_device(struct pipeline *p, struct fail *fail)
{
    if (p->nn)
        return 0;
    close_device(p);
    return open_device(p, fail);
}

const struct vkc_device_info *pipeline_device(const struct pipeline *p)
{
    return &p->info;
}

static int weights_path(const struct pipeline *p, const char *file, char *out, size_t size,
                        struct fail *fail)
{
    if ((size_t) snprintf(out, size, "%s/%s", p->models, file) >= size)
        return fail_set(fail, FAIL_UNAVAILABLE, -ENAMETOOLONG,
                        "the models folder's name is too long");
    return 0;
}

/** Embed the texts of the 64 cells; they are the bank of a page's cells. */
static int load_cell_bank(struct pipeline *p, struct clip *clip, float **ret_texts,
                          struct knn **ret_bank, struct fail *fail)
{
    const unsigned e = clip_info(clip)->embed;
    CLEANUP_FREE float *texts = calloc(64, e * sizeof(float));
    char dots[64][7];
    const char *names[64];

    if (!texts)
        return -ENOMEM;
    for (unsigned c = 0; c < 64; c++) {
        brl_cell_format((brl_cell) c, dots[c]);
        names[c] = dots[c];
    }
    int r = clip_text(clip, names, 64, texts, fail);
    if (r < 0)
        return r;
    r = knn_new(p->nn, texts, 64, e, ret_bank, fail);
    if (r < 0)
        return r;
    *ret_texts = TAKE_PTR(texts);
    return 0;
}

int pipeline_load_reader(struct pipeline *p, struct fail *fail)
{
    CLEANUP(clip_freep) struct clip *clip = NULL;
    char path[PATH_MAX];

    if (p->reader.clip)
        return 0;
    int r = weights_path(p, "clip.safetensors", path, sizeof(path), fail);
    if (r < 0)
        return r;
    r = clip_new(p->nn, path, &clip, fail);
    if (r < 0)
        return r;
    if (clip_info(clip)->chinese)
        return fail_set(fail, FAIL_UNAVAILABLE, -EBADMSG,
                        "'%s' is a Chinese-CLIP, which reads no braille cells; install brailled's "
                        "own file again",
                        path);
    r = load_cell_bank(p, clip, &p->reader.cell_texts, &p->reader.cells, fail);
    if (r < 0)
        return r;
    p->reader.clip = TAKE_PTR(clip);
    return 0;
}

/** A BIT text's embedding is its cells' text embeddings one after the other, blank cells to the
 * end, over sqrt(cells): its length is 1 and a . b the mean of the cells' own. */
int pipeline_load_crop_bank(struct pipeline *p, struct fail *fail)
{
    struct pipeline_reader *d = &p->reader;
    if (d->crops)
        return 0;

    CLEANUP_FREE struct lang_bit *bit = NULL;
    size_t n = 0;
    int r = lang_bit_bank(&bit, &n);
    if (r < 0)
        return r;
    unsigned longest = 1;
    for (size_t i = 0; i < n; i++)
        longest = MAX(longest, bit[i].n_cells);

    const unsigned e = clip_info(d->clip)->embed, width = longest * e;
    const float scale = 1.0f / sqrtf((float) longest);
    CLEANUP_FREE float *bank = calloc(n, width * sizeof(float));
    if (!bank)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        for (unsigned c = 0; c < longest; c++) {
            brl_cell cell = c < bit[i].n_cells ? bit[i].cells[c] : 0;
            for (unsigned k = 0; k < e; k++)
                bank[i * width + c * e + k] = scale * d->cell_texts[cell * e + k];
        }
    r = knn_new(p->nn, bank, n, width, &d->crops, fail);
    if (r < 0)
        return r;
    d->bit = TAKE_PTR(bit);
    d->n_bit = n;
    d->crop_cells = longest;
    return 0;
}

/* Both must speak of the same frames, and a vocoder that hums by itself must be told how high. */
static int check_pair(const struct pipeline *p, struct fail *fail)
{
    const struct fs2 *a = p->fs2;
    const struct hifigan *v = p->hifigan;

    if (fs2_rate_hz(a) != hifigan_rate_hz(v) || fs2_hop(a) != hifigan_hop(v))
        return fail_set(
            fail, FAIL_UNAVAILABLE, -EBADMSG,
            "the voice in '%s' does not fit together (%u Hz, hop %u against %u Hz, hop %u); "
            "install both files of one voice",
            p->models, fs2_rate_hz(a), fs2_hop(a), hifigan_rate_hz(v), hifigan_hop(v));
    if (fs2_n_mels(a) != hifigan_n_mels(v) || fabs(fs2_top_hz(a) - hifigan_top_hz(v)) > 1)
        return fail_set(
            fail, FAIL_UNAVAILABLE, -EBADMSG,
            "the voice in '%s' does not fit together (%u bands to %.0f Hz against %u bands to "
            "%.0f Hz); install both files of one voice",
            p->models, fs2_n_mels(a), fs2_top_hz(a), hifigan_n_mels(v), hifigan_top_hz(v));
    if (hifigan_wants_f0(v) && fs2_wants_tones_in_phones(a))
        return fail_set(fail, FAIL_UNAVAILABLE, -EBADMSG,
                        "the vocoder in '%s' speaks from a pitch by frame, which the acoustic "
                        "model there does not give; use one of HiFi-GAN's V1, V2 or V3",
                        p->models);
    return 0;
}

int pipeline_load_voice(struct pipeline *p, struct fail *fail)
{
    char path[PATH_MAX];
    int r = 0;

    if (!p->fs2) {
        r = weights_path(p, "fastspeech2.safetensors", path, sizeof(path), fail);
        if (r == 0)
            r = fs2_new(p->nn, path, &p->fs2, fail);
    }
    if (r == 0 && !p->hifigan) {
        r = weights_path(p, "hifigan.safetensors", path, sizeof(path), fail);
        if (r == 0)
            r = hifigan_new(p->nn, path, &p->hifigan, fail);
    }
    if (r == 0)
        r = check_pair(p, fail);
    return r;
}

unsigned pipeline_rate_hz(struct pipeline *p)
{
    return p->fs2 ? fs2_rate_hz(p->fs2) : 0;
}

int pipeline_voices(struct pipeline *p, const struct pipeline_voice **ret, size_t *ret_n,
                    struct fail *fail)
{
    size_t n;
    int r = pipeline_ensure_device(p, fail);

    if (r == 0)
        r = pipeline_load_voice(p, fail);
    if (r < 0)
        return r;
    const struct fs2_voice *voices = fs2_voices(p->fs2, &n);
    if (!p->voices && !(p->voices = calloc(n, sizeof(*p->voices))))
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        p->voices[i] =
            (struct pipeline_voice){voices[i].name, "zh-CN", voices[i].gender, voices[i].title};
    *ret = p->voices;
    *ret_n = n;
    return 0;
}

static int drop_sound(void *userdata, const struct pipeline_chunk *chunk, struct fail *fail)
{
    return 0;
}

/** Programs are compiled at their first dispatch: read one blank cell and say one syllable. */
int pipeline_prepare(struct pipeline *p, const struct pipeline_job *job, struct fail *fail)
{
    const volatile int *cancel = pipeline_cancel(job);

    int r = pipeline_ensure_device(p, fail);
    if (r == 0)
        r = pipeline_load_reader(p, fail);
    if (r < 0)
        return r;
    const struct clip_info *info = clip_info(p->reader.clip);
    CLEANUP_FREE uint8_t *crop = calloc(info->width, info->height);
    CLEANUP_FREE float *embedding = calloc(info->embed, sizeof(float));
    uint32_t index;
    float dot;
    if (!crop || !embedding)
        return -ENOMEM;
    r = clip_image(p->reader.clip, crop, 1, embedding, cancel, fail);
    if (r == 0)
        r = knn_query(p->reader.cells, embedding, 1, 1, &index, &dot, cancel, fail);
    if (r == 0)
        r = pipeline_say(p, "a1", pipeline_say_params(.no_sandhi = true), job, drop_sound, NULL,
                         fail);
    return r;
}
