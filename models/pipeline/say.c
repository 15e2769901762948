/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lang/lang.h"
#include "pipeline/pipeline_internal.h"

/* A sentence is spoken in one pass: as long as the corpus the voice was trained on had them. */
#define MAX_SYLLABLES 32
/* The corpus begins and ends with up to half a second of silence; this much is kept (frames of 16
 * ms). Less costs syllables: 12.7 % wrong with 5 and 14 frames where all of it gave 11.8 %, by
 * Whisper. */
#define KEEP_BEFORE 12u
#define KEEP_AFTER 20u

struct speech {
    float *samples; ///< owned
    size_t first, n;
    double acoustic_ms, vocoder_ms;
};

static int phone_ids(const struct fs2 *fs2, const struct lang_phone *phones, size_t n,
                     struct fs2_phone *out, struct fail *fail)
{
    for (size_t i = 0; i < n; i++) {
        int id = fs2_phone_id(fs2, phones[i].name);
        if (id < 0)
            return fail_set(
                fail, FAIL_UNAVAILABLE, id,
                "the voice cannot say the sound '%s'; install a voice that fits this version",
                phones[i].name);
        out[i] = (struct fs2_phone){(uint16_t) id, phones[i].tone, phones[i].position};
    }
    return 0;
}

static int sentence_phones(struct pipeline *p, const char *pinyin, struct fs2_phone **ret,
                           size_t *ret_n, struct fail *fail)
{
    CLEANUP_FREE struct lang_phone *phones = NULL;
    size_t n = 0;
    int r = lang_phones(pinyin, &phones, &n, fail);
    if (r < 0)
        return r;
    CLEANUP_FREE struct fs2_phone *ids = calloc(n, sizeof(*ids));
    if (!ids)
        return -ENOMEM;
    r = phone_ids(p->fs2, phones, n, ids, fail);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(ids);
    *ret_n = n;
    return 0;
}

/** Leave out most of the silence at both ends, and clip what a vocoder may overshoot. */
static void trim(struct speech *s, const struct fs2_speech *mel, size_t n_phones, unsigned hop)
{
    unsigned before = mel->durations[0], after = mel->durations[n_phones - 1];
    unsigned skip = before > KEEP_BEFORE ? before - KEEP_BEFORE : 0;
    unsigned drop = after > KEEP_AFTER ? after - KEEP_AFTER : 0;

    s->first = (size_t) skip * hop;
    s->n = (size_t) (mel->n_frames - skip - drop) * hop;
    for (size_t i = s->first; i < s->first + s->n; i++)
        s->samples[i] = s->samples[i] > 1 ? 1 : s->samples[i] < -1 ? -1 : s->samples[i];
}

/** The index of the voice that was asked for. */
static int find_voice(const struct pipeline *p, const char *name, unsigned *ret, struct fail *fail)
{
    char all[256] = "";
    size_t n, used = 0;
    const struct fs2_voice *voices = fs2_voices(p->fs2, &n);

    for (size_t i = 0; i < n; i++) {
        if (!name || strcmp(voices[i].name, name) == 0) {
            *ret = (unsigned) i;
            return 0;
        }
        if (used < sizeof(all))
            used += (size_t) snprintf(all + used, sizeof(all) - used, "%s%s", i ? ", " : "",
                                      voices[i].name);
    }
    return fail_set(fail, FAIL_USAGE, -EINVAL, "there is no voice '%s'; there are: %s", name, all);
}

static int speak_once(struct pipeline *p, const char *pinyin,
                      const struct pipeline_say_params *params, const struct pipeline_job *job,
                      struct speech *ret, struct fail *fail)
{
    CLEANUP(fs2_speech_done) struct fs2_speech mel = {0};
    CLEANUP_FREE struct fs2_phone *phones = NULL;
    unsigned voice = 0;
    size_t n = 0;

    int r = pipeline_load_voice(p, fail);
    if (r == 0)
        r = find_voice(p, params->voice, &voice, fail);
    if (r == 0)
        r = sentence_phones(p, pinyin, &phones, &n, fail);
    if (r < 0)
        return r;
    double t0 = pipeline_now_ms();
    r = fs2_speak(p->fs2, phones, n,
                  fs2_params(.rate = params->rate, .pitch = params->pitch, .energy = params->energy,
                             .voice = voice),
                  &mel, pipeline_cancel(job), fail);
    if (r < 0)
        return r;
    double t1 = pipeline_now_ms();
    const unsigned hop = hifigan_hop(p->hifigan);
    CLEANUP_FREE float *samples = calloc(mel.n_frames, hop * sizeof(float));
    if (!samples)
        return -ENOMEM;
    r = hifigan_speak(p->hifigan, mel.mel, mel.f0_hz, mel.n_frames, samples, pipeline_cancel(job),
                      fail);
    if (r < 0)
        return r;
    *ret = (struct speech){TAKE_PTR(samples), 0, 0, t1 - t0, pipeline_now_ms() - t1};
    trim(ret, &mel, n, hop);
    return 0;
}

/** A lost device is opened again and the sentence tried once more. */
static int speak(struct pipeline *p, const char *pinyin, const struct pipeline_say_params *params,
                 const struct pipeline_job *job, struct speech *ret, struct fail *fail)
{
    struct fail first = {0};
    int r = speak_once(p, pinyin, params, job, ret, &first);
    if (r == -EIO && pipeline_reopen(p, &first) == 0)
        r = speak_once(p, pinyin, params, job, ret, &first);
    if (r < 0 && fail)
        *fail = first;
    return r;
}

struct saying { ///< what the spans of one input share
    struct pipeline *p;
    const struct pipeline_say_params *params;
    const struct pipeline_job *job;
    pipeline_sound_fn sound;
    void *userdata;
    const struct lang_utterance *u;
    size_t n_samples; ///< so far
    struct fail *fail;
};

static int say_span(struct saying *s, size_t index)
{
    const struct lang_span *span = &s->u->spans[index];
    struct speech made = {0};
    int r = 0;

    if (pipeline_cancel(s->job) && *pipeline_cancel(s->job))
        return fail_set(s->fail, FAIL_INTERRUPTED, -ECANCELED, "stopped");
    pipeline_report(s->job, PIPELINE_SPEAKING, (double) index / (double) s->u->n);
    if (span->pinyin[0])
        r = speak(s->p, span->pinyin, s->params, s->job, &made, s->fail);
    if (r == 0)
        r = s->sound(s->userdata,
                     &(struct pipeline_chunk){
                         .index = index,
                         .n = s->u->n,
                         .pinyin = span->pinyin,
                         .mark = span->mark,
                         .offset = span->offset,
                         .n_bytes = span->n_bytes,
                         .first_of_span = true,
                         .start_s = (double) s->n_samples / pipeline_rate_hz(s->p),
                         .samples = made.samples + made.first,
                         .n_samples = made.n,
                         .acoustic_ms = made.acoustic_ms,
                         .vocoder_ms = made.vocoder_ms,
                         .unsaid = s->u->unsaid,
                     },
                     s->fail);
    s->n_samples += made.n;
    free(made.samples);
    return r;
}

static int check_params(const struct pipeline_say_params *q, struct fail *fail)
{
    if (!(q->rate >= PIPELINE_RATE_MIN && q->rate <= PIPELINE_RATE_MAX))
        return fail_set(fail, FAIL_USAGE, -EINVAL, "the rate must lie between 0.5 and 4");
    if (!(q->pitch >= PIPELINE_PITCH_MIN && q->pitch <= PIPELINE_PITCH_MAX))
        return fail_set(fail, FAIL_USAGE, -EINVAL, "the pitch must lie between 0.5 and 2");
    if (!(q->volume >= 0 && q->volume <= PIPELINE_VOLUME_MAX))
        return fail_set(fail, FAIL_USAGE, -EINVAL, "the volume must lie between 0 and 4");
    if (!(q->energy >= 0 && q->energy <= 2))
        return fail_set(fail, FAIL_USAGE, -EINVAL, "the energy must lie between 0 and 2");
    return 0;
}

int pipeline_say(struct pipeline *p, const char *text, const struct pipeline_say_params *params,
                 const struct pipeline_job *job, pipeline_sound_fn sound, void *userdata,
                 struct fail *fail)
{
    CLEANUP(lang_utterance_done) struct lang_utterance u = {0};
    struct saying s = {p, params, job, sound, userdata, &u, 0, fail};

    int r = check_params(params, fail);
    if (r == 0)
        r = pipeline_ensure_device(p, fail);
    if (r == 0)
        r = lang_utterance(text, params->input, params->no_sandhi, MAX_SYLLABLES, &u, fail);
    if (r < 0)
        return r;
    if (u.n == 0)
        return fail_set(fail, FAIL_INPUT, -ENODATA, "there is nothing to say%s%s",
                        u.unsaid ? "; what cannot be said: " : "", u.unsaid ? u.unsaid : "");
    r = pipeline_load_voice(p, fail);
    for (size_t i = 0; i < u.n && r == 0; i++)
        r = say_span(&s, i);
    if (r == 0)
        pipeline_report(job, PIPELINE_DONE, 1);
    return r;
}
