/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <string.h>
#include <time.h>

#include "tools/eval/speech/speech.h"

struct eval_voice {
    struct pipeline *pipeline; ///< owned
    struct eval_voice_params params;
};

struct take {
    float *samples; ///< owned
    size_t n, room;
    double start_ms, first_ms; ///< first: of the first sample, < 0 until then
};

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double) t.tv_sec * 1e3 + (double) t.tv_nsec * 1e-6;
}

static int on_chunk(void *userdata, const struct pipeline_chunk *chunk, struct fail *fail)
{
    struct take *t = userdata;

    if (chunk->n_samples == 0)
        return 0;
    if (t->first_ms < 0)
        t->first_ms = now_ms() - t->start_ms;
    if (t->n + chunk->n_samples > t->room) {
        const size_t room = 2 * t->room + chunk->n_samples;
        float *samples = reallocarray(t->samples, room, sizeof(*samples));
        if (!samples)
            return -ENOMEM;
        t->samples = samples;
        t->room = room;
    }
    memcpy(t->samples + t->n, chunk->samples, chunk->n_samples * sizeof(*t->samples));
    t->n += chunk->n_samples;
    return 0;
}

/* What the list calls pinyin is as it is said: sandhi is in it. */
static int speak(struct eval_voice *v, const char *text, enum lang_input input, struct take *t,
                 struct fail *fail)
{
    const struct pipeline_job job = {.cancel = &eval_cancelled};

    *t = (struct take){.start_ms = now_ms(), .first_ms = -1};
    int r = pipeline_say(v->pipeline, text,
                         pipeline_say_params(.rate = v->params.rate, .pitch = v->params.pitch,
                                             .no_sandhi = input == LANG_PINYIN, .input = input,
                                             .voice = v->params.voice),
                         &job, on_chunk, t, fail);
    if (r < 0) {
        free(t->samples);
        t->samples = NULL;
    }
    return r;
}

int eval_voice_new(const struct eval_voice_params *params, struct eval_voice **ret,
                   struct fail *fail)
{
    CLEANUP(eval_voice_freep) struct eval_voice *v = calloc(1, sizeof(*v));
    struct take t;

    if (!v)
        return fail_set(fail, FAIL_OTHER, -ENOMEM, "not enough memory");
    v->params = *params;
    int r = pipeline_new(pipeline_params(.device = params->device, .models = params->models),
                         &v->pipeline, fail);
    if (r == 0)
        r = speak(v, "ni2hao3 。", LANG_PINYIN, &t, fail);
    if (r < 0)
        return r;
    free(t.samples);
    *ret = TAKE_PTR(v);
    return 0;
}

struct eval_voice *eval_voice_free(struct eval_voice *v)
{
    if (v) {
        pipeline_free(v->pipeline);
        free(v);
    }
    return NULL;
}

const char *eval_voice_device(const struct eval_voice *v)
{
    return pipeline_device(v->pipeline)->name;
}

int eval_voice_say(struct eval_voice *v, const struct eval_sentence *s, struct audio_samples *ret,
                   struct eval_spoken *ret_times, struct fail *fail)
{
    const char *text = v->params.text ? s->hanzi : s->pinyin;
    struct take t;

    if (!*text)
        return fail_set(fail, FAIL_INPUT, -ENODATA, "sentence '%s' has no %s to speak", s->id,
                        v->params.text ? "Hanzi" : "pinyin");
    int r = speak(v, text, v->params.text ? LANG_TEXT : LANG_PINYIN, &t, fail);
    if (r < 0)
        return r;
    *ret_times = (struct eval_spoken){t.first_ms, now_ms() - t.start_ms};
    if (t.n == 0) {
        free(t.samples);
        return fail_set(fail, FAIL_INPUT, -ENODATA, "sentence '%s' has nothing to say", s->id);
    }
    *ret = (struct audio_samples){t.samples, t.n, pipeline_rate_hz(v->pipeline)};
    return 0;
}
