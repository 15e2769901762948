/* SPDX-License-Identifier: Apache-2.0 */

#include "tools/ctl/engine-local.h"

#include "base/file.h"
#include "tools/ctl/engine.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct engine_local {
    struct engine base;
    struct pipeline *pipeline; ///< owned
};

struct say_state {
    struct engine_local *e;
    engine_sound_fn sound;
    engine_mark_fn mark; ///< may be NULL
    void *userdata;
};

void local_device_note(const struct vkc_device_info *info, char *out, size_t size)
{
    snprintf(out, size, " (%s, %s)%s", vkc_device_type_name(info->type), info->driver,
             info->type == VKC_CPU ? tr("; no GPU is used") : "");
}

int local_pipeline_new(const struct ctl *ctl, struct pipeline **ret, struct fail *fail)
{
    ctl_say_line(ctl, "in this process");
    return pipeline_new(pipeline_params(.device = ctl->device, .models = ctl->models), ret, fail);
}

static void on_progress(void *userdata, enum pipeline_stage stage, double fraction)
{
    static const char *const words[] = {
        [PIPELINE_QUEUED] = N_("waiting"),
        [PIPELINE_DECODING] = N_("opening the picture"),
        [PIPELINE_FINDING_DOTS] = N_("finding the dots"),
        [PIPELINE_READING_CELLS] = N_("reading the cells"),
        [PIPELINE_TRANSLATING] = N_("translating"),
        [PIPELINE_SPEAKING] = N_("speaking"),
    };
    const char *word = (size_t) stage < ELEMENTSOF(words) ? words[stage] : NULL;
    if (stage == PIPELINE_DONE)
        return;
    ctl_progress(userdata, "%s: %.0f %%", tr(word ? word : N_("working")), 100 * fraction);
}

static struct pipeline_job job_of(const struct ctl *ctl)
{
    return (struct pipeline_job){
        .cancel = &ctl_cancelled,
        .progress = on_progress,
        .userdata = (void *) ctl,
    };
}

/* A cancelled step may have failed in its own words; what counts is that the user stopped it. */
static int finish(int r, struct fail *fail)
{
    if (r >= 0 || !ctl_cancelled)
        return r;
    *fail = (struct fail){0};
    return ctl_interrupted(fail);
}

int local_read(struct pipeline *p, const struct ctl *ctl, int fd, const char *name,
               const struct pipeline_read_params *params, struct pipeline_reading *ret,
               struct image **ret_img, struct fail *fail)
{
    CLEANUP(image_freep) struct image *img = NULL;
    CLEANUP_FREE uint8_t *data = NULL;
    struct pipeline_job job = job_of(ctl);
    uint64_t start_usec = ctl_now_usec();
    size_t size = 0;

    int r = file_read_fd(fd, name, IMAGE_MAX_FILE_BYTES, &data, &size, fail);
    if (r >= 0)
        r = image_decode(data, size, name, &img, fail);
    double decode_ms = ctl_ms_since(start_usec);
    freep(&data);
    data = NULL;
    if (r >= 0)
        r = pipeline_read(p, img, params, &job, ret, fail);
    if (r >= 0)
        ret->times_ms.decode = decode_ms;
    if (r >= 0 && ret_img)
        *ret_img = TAKE_PTR(img);
    return finish(r, fail);
}

struct pipeline *local_engine_pipeline(struct engine *e)
{
    return ((struct engine_local *) e)->pipeline;
}

void local_engine_add_times(struct engine *e, const struct pipeline_reading *reading)
{
    const struct pipeline_times *t = &reading->times_ms;

    engine_stages_add(&e->stages, "decode", t->decode);
    engine_stages_add(&e->stages, "grid", t->grid);
    engine_stages_add(&e->stages, "embed", t->embed);
    engine_stages_add(&e->stages, "knn", t->knn);
    engine_stages_add(&e->stages, "lang", t->lang);
}

static int local_engine_read(struct engine *base, int fd, const char *name,
                             const struct engine_read_params *params, struct engine_page *ret,
                             struct fail *fail)
{
    struct engine_local *e = (struct engine_local *) base;
    struct pipeline_reading reading = {0};

    int r = local_read(e->pipeline, base->ctl, fd, name,
                       pipeline_read_params(.orientation = params->orientation, .dpi = params->dpi,
                                            .code = params->code, .sides = params->sides,
                                            .mirrored = params->mirrored),
                       &reading, NULL, fail);
    if (r < 0)
        return r;
    local_engine_add_times(base, &reading);
    *ret = (struct engine_page){
        .pinyin = TAKE_PTR(reading.pinyin),
        .text = TAKE_PTR(reading.spoken),
        .confidence = (double) reading.confidence,
        .n_unknown = reading.n_unknown,
    };
    snprintf(ret->code, sizeof(ret->code), "%s", lang_code_names[reading.code]);
    pipeline_reading_done(&reading);
    return 0;
}

static int on_chunk(void *userdata, const struct pipeline_chunk *chunk, struct fail *fail)
{
    struct say_state *s = userdata;

    s->e->base.rate_hz = chunk->rate_hz;
    engine_stages_add(&s->e->base.stages, "acoustic", chunk->acoustic_ms);
    engine_stages_add(&s->e->base.stages, "vocoder", chunk->vocoder_ms);
    if (!s->e->base.unsaid && chunk->unsaid && engine_set_unsaid(&s->e->base, chunk->unsaid) < 0)
        return -ENOMEM;
    if (chunk->first_of_span && engine_add_spoken(&s->e->base, chunk->pinyin) < 0)
        return -ENOMEM;
    if (chunk->first_of_span && s->mark) {
        int r = s->mark(s->userdata, chunk->mark, fail);
        if (r < 0)
            return r;
    }
    return s->sound(s->userdata, chunk->samples, chunk->n_samples, fail);
}

static int local_engine_say(struct engine *base, const char *text,
                            const struct engine_say_params *params, engine_sound_fn sound,
                            void *userdata, struct fail *fail)
{
    struct engine_local *e = (struct engine_local *) base;
    struct say_state state = {.e = e, .sound = sound, .mark = params->mark, .userdata = userdata};
    struct pipeline_job job = job_of(base->ctl);

    int r =
        pipeline_say(e->pipeline, text,
                     pipeline_say_params(.rate = params->rate, .pitch = params->pitch,
                                         .volume = params->volume, .no_sandhi = params->no_sandhi,
                                         .input = params->input, .voice = params->voice,
                                         .rate_hz = params->any_rate ? 0 : ENGINE_RATE_HZ),
                     &job, on_chunk, &state, fail);
    return finish(r, fail);
}

static int local_engine_voices(struct engine *base, struct engine_voice **ret, size_t *ret_n,
                               struct fail *fail)
{
    const struct pipeline_voice *voices;
    size_t n = 0;

    int r = pipeline_voices(local_engine_pipeline(base), &voices, &n, fail);
    if (r < 0)
        return r;
    struct engine_voice *list = calloc(MAX(n, (size_t) 1), sizeof(*list));
    if (!list)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        snprintf(list[i].name, sizeof(list[i].name), "%s", voices[i].name);
        snprintf(list[i].language, sizeof(list[i].language), "%s", voices[i].language);
        snprintf(list[i].gender, sizeof(list[i].gender), "%s", voices[i].gender);
        snprintf(list[i].title, sizeof(list[i].title), "%s", voices[i].title);
    }
    *ret = list;
    *ret_n = n;
    return 0;
}

static int local_engine_prepare(struct engine *base, struct fail *fail)
{
    struct pipeline_job job = job_of(base->ctl);
    return finish(pipeline_prepare(((struct engine_local *) base)->pipeline, &job, fail), fail);
}

static void local_engine_free(struct engine *base)
{
    struct engine_local *e = (struct engine_local *) base;
    pipeline_free(e->pipeline);
    free(e);
}

static const struct engine_ops local_ops = {
    .read = local_engine_read,
    .say = local_engine_say,
    .voices = local_engine_voices,
    .prepare = local_engine_prepare,
    .free = local_engine_free,
};

int engine_local_new(const struct ctl *ctl, struct engine **ret, struct fail *fail)
{
    uint64_t start_usec = ctl_now_usec();
    struct pipeline *p = NULL;
    char note[300];

    int r = local_pipeline_new(ctl, &p, fail);
    if (r < 0)
        return r;
    struct engine_local *e = calloc(1, sizeof(*e));
    if (!e) {
        pipeline_free(p);
        return fail_set(fail, FAIL_OTHER, -ENOMEM, "not enough memory");
    }
    e->base = (struct engine){.ops = &local_ops, .ctl = ctl};
    e->pipeline = p;
    engine_stages_add(&e->base.stages, "open", ctl_ms_since(start_usec));
    local_device_note(pipeline_device(p), note, sizeof(note));
    engine_set_device(&e->base, pipeline_device(p)->name, note);
    *ret = &e->base;
    return 0;
}
