/* SPDX-License-Identifier: Apache-2.0
 *
 * What each kind of job does, in its own thread. The picture is waited for without the turn: a
 * caller who feeds it byte by byte holds up nobody.
 */

#include "input.h"
#include "job.h"
#include "sound.h"
#include "worker.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static double now_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double) ts.tv_sec * 1e3 + (double) ts.tv_nsec * 1e-6;
}

struct task {
    struct worker *w;
    struct job *job;
    struct pipeline *pipeline;
    double read_part; ///< of the whole job, that reading is
};

/* How far the whole job is; it never goes back, although some pages are looked at twice. */
static void on_progress(void *userdata, enum pipeline_stage stage, double fraction)
{
    struct task *t = userdata;
    struct job *job = t->job;
    const bool speaking = stage == PIPELINE_SPEAKING;
    const double all = speaking ? t->read_part + (1 - t->read_part) * fraction : fraction;

    if (job->number == 0 || stage == PIPELINE_DONE || all < job->fraction)
        return;
    struct job_event *e = calloc(1, sizeof(*e));
    if (!e)
        return; /* it is only not told of */
    job->fraction = all;
    *e = (struct job_event){.type = EVENT_PROGRESS, .stage = stage, .fraction = all};
    worker_post(t->w, job, e);
}

static int on_turn(void *userdata)
{
    struct task *t = userdata;
    return worker_pass_turn(t->w, t->job);
}

static struct pipeline_job pipeline_job_of(struct task *t)
{
    return (struct pipeline_job){
        .cancel = &t->job->cancel, .progress = on_progress, .turn = on_turn, .userdata = t};
}

static int open_pipeline(struct task *t)
{
    struct job_result *res = &t->job->result;
    const double start_ms = now_ms();

    int r = worker_pipeline(t->w, &t->pipeline, &res->fail);
    if (r < 0)
        return r;
    res->open_ms = now_ms() - start_ms;
    snprintf(res->device, sizeof(res->device), "%s", pipeline_device(t->pipeline)->name);
    return 0;
}

/* Of a text that is silent as a whole. */
static int find_unsaid(const struct job *job, const char *text, struct job_result *res)
{
    CLEANUP(lang_utterance_done) struct lang_utterance u = {0};
    const struct pipeline_say_params *p = &job->options.say;

    int r = lang_utterance(text, p->input, p->no_sandhi, UINT_MAX, &u, &res->fail);
    if (r == 0)
        res->unsaid = TAKE_PTR(u.unsaid);
    return r;
}

static int say(struct task *t, const char *text)
{
    const struct pipeline_job pj = pipeline_job_of(t);
    struct job *job = t->job;
    struct sound sound = {.w = t->w, .job = job};
    struct job_result *res = &job->result;
    struct pipeline_say_params params = job->options.say;

    if (job->options.format == AUDIO_RAW)
        params.rate_hz = RAW_RATE_HZ;
    int r = pipeline_say(t->pipeline, text, &params, &pj, sound_take, &sound, &res->fail);
    if (r == -ENODATA) { /* marks only: done, and silent; the answer warns of it */
        res->fail = (struct fail){0};
        return find_unsaid(job, text, res);
    }
    return r < 0 ? r : sound_end(&sound, &res->fail);
}

static int decode(struct task *t, const uint8_t *data, size_t size, struct image **ret)
{
    struct job *job = t->job;
    struct fail *fail = &job->result.fail;

    on_progress(t, PIPELINE_DECODING, 0);
    int r = image_decode(data, size, "the picture", ret, fail);
    return r < 0 ? r : worker_charge(t->w, job, 0, (uint64_t) (*ret)->width * (*ret)->height, fail);
}

static int read_page(struct task *t, const struct image *img)
{
    const struct pipeline_job pj = pipeline_job_of(t);
    struct job *job = t->job;

    return pipeline_read(t->pipeline, img, &job->options.read, &pj, &job->result.reading,
                         &job->result.fail);
}

/* A file is read in the turn, so that files that wait take no memory; a pipe before it. */
static int take_picture(struct task *t, struct image **ret)
{
    CLEANUP_FREE uint8_t *data = NULL;
    struct job *job = t->job;
    struct fail *fail = &job->result.fail;
    const bool slow = input_is_slow(job->image_fd);
    size_t size = 0;
    int r = 0;

    if (slow)
        r = input_read(job->image_fd, &job->cancel, &data, &size, fail);
    if (r == 0 && slow)
        r = worker_charge(t->w, job, size, 0, fail);
    if (r == 0)
        r = worker_take_turn(t->w, job);
    if (r == 0 && !slow)
        r = input_read(job->image_fd, &job->cancel, &data, &size, fail);
    if (r == 0 && !slow)
        r = worker_charge(t->w, job, size, 0, fail);
    if (r < 0)
        return r;
    const double start_ms = now_ms();
    r = decode(t, data, size, ret);
    job->result.decode_ms = now_ms() - start_ms;
    return r;
}

static int convert(struct task *t)
{
    CLEANUP(image_freep) struct image *img = NULL;
    struct job_result *res = &t->job->result;

    int r = take_picture(t, &img);
    if (r >= 0)
        r = open_pipeline(t);
    if (r >= 0)
        r = read_page(t, img);
    if (r < 0)
        return r;
    res->reading.times_ms.decode = res->decode_ms;
    if (!(t->job->options.outputs & OUTPUT_AUDIO))
        return 0;
    img = image_free(img); /* speaking takes much longer than reading */
    t->read_part = 0.4;
    return say(t, res->reading.spoken);
}

static int list_voices(struct task *t)
{
    struct job_result *res = &t->job->result;
    const struct pipeline_voice *voices;
    size_t n = 0;

    int r = pipeline_voices(t->pipeline, &voices, &n, &res->fail);
    if (r < 0)
        return r;
    res->voices = calloc(MAX(n, (size_t) 1), sizeof(*res->voices));
    if (!res->voices)
        return -ENOMEM;
    for (; res->n_voices < n; res->n_voices++) {
        struct job_voice *v = &res->voices[res->n_voices];
        const struct pipeline_voice *from = &voices[res->n_voices];
        snprintf(v->name, sizeof(v->name), "%s", from->name);
        snprintf(v->language, sizeof(v->language), "%s", from->language);
        snprintf(v->gender, sizeof(v->gender), "%s", from->gender);
        snprintf(v->title, sizeof(v->title), "%s", from->title);
    }
    return 0;
}

static int prepare(struct task *t)
{
    const struct pipeline_job pj = pipeline_job_of(t);
    return pipeline_prepare(t->pipeline, &pj, &t->job->result.fail);
}

int work_do(struct worker *w, struct job *job)
{
    struct task t = {.w = w, .job = job};
    struct job_result *res = &job->result;
    int r;

    if (job_reads(job))
        return convert(&t);
    r = worker_take_turn(w, job);
    if (r == 0 && job->kind == JOB_DEVICES)
        return vkc_devices(&res->devices, &res->n_devices, &res->fail);
    if (r == 0)
        r = open_pipeline(&t);
    if (r < 0)
        return r;
    if (job->kind == JOB_SAY)
        return say(&t, job->text);
    return job->kind == JOB_VOICES ? list_voices(&t) : prepare(&t);
}
