/* SPDX-License-Identifier: Apache-2.0
 *
 * Span by span: the sound of each leaves while it is made.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "pipeline/speech.h"

/* A sentence is spoken in one pass: as long as the corpus the voice was trained on had them. */
#define MAX_SYLLABLES 32
#define SILENCE_N 4096 /* samples of silence at once */

struct saying { ///< what the spans of one input share
    struct pipeline *p;
    const struct pipeline_say_params *params;
    const struct pipeline_job *job;
    pipeline_sound_fn sound;
    void *userdata;
    const struct lang_utterance *u;
    struct fail *fail;
    unsigned rate_hz;   ///< of the sound
    uint64_t n_samples; ///< so far
    size_t index;       ///< the span
    double span_s;      ///< of its speech; 0 in silence
    bool began;         ///< its first chunk is out
    bool refused;       ///< by who hears: the error is theirs
};

/* One chunk of the span out. Times: of what was made for it. */
static int give(struct saying *s, const float *samples, size_t n, double acoustic_ms,
                double vocoder_ms)
{
    const struct lang_span *span = &s->u->spans[s->index];
    const struct pipeline_chunk chunk = {
        .index = s->index,
        .n = s->u->n,
        .pinyin = span->pinyin,
        .mark = span->mark,
        .offset = span->offset,
        .n_bytes = span->n_bytes,
        .first_of_span = !s->began,
        .start_s = (double) s->n_samples / s->rate_hz,
        .span_s = s->span_s,
        .samples = samples,
        .rate_hz = s->rate_hz,
        .n_samples = n,
        .acoustic_ms = acoustic_ms,
        .vocoder_ms = vocoder_ms,
        .unsaid = s->u->unsaid,
    };

    s->began = true;
    s->n_samples += n;
    const int r = s->sound(s->userdata, &chunk, s->fail);
    s->refused = r < 0;
    return r < 0 ? r : 0;
}

static int stopped(const struct saying *s)
{
    const volatile int *cancel = pipeline_cancel(s->job);

    return cancel && *cancel ? fail_set(s->fail, FAIL_INTERRUPTED, -ECANCELED, "stopped") : 0;
}

static int pause(struct saying *s, double seconds)
{
    static const float silence[SILENCE_N];
    uint64_t left = seconds > 0 ? (uint64_t) (seconds * s->rate_hz) : 0;
    int r = 0;

    while (left > 0 && r == 0) {
        const size_t n = MIN(left, (uint64_t) SILENCE_N);
        r = stopped(s);
        if (r == 0)
            r = give(s, silence, n, 0, 0);
        left -= n;
    }
    return r;
}

/* The span's speech, but for its first `skip` samples, which are out; *ret_n: how many it has had
 * so far. */
static int speak(struct saying *s, size_t skip, size_t *ret_n, struct fail *fail)
{
    CLEANUP(pipeline_speech_freep) struct pipeline_speech *speech = NULL;
    const struct lang_span *span = &s->u->spans[s->index];
    double acoustic_ms, vocoder_ms;
    size_t at = 0;
    int r = pipeline_speech_new(s->p, span, s->params, s->job, &speech, fail), more = r == 0;

    s->span_s = r == 0 ? pipeline_speech_seconds(speech) : 0;
    while (more > 0) {
        const float *samples;
        size_t n;
        r = more = pipeline_speech_next(speech, s->job, &samples, &n, fail);
        if (r < 0)
            break;
        const size_t known = MIN(skip > at ? skip - at : 0, n);
        at += n;
        if (n == known)
            continue;
        pipeline_speech_times(speech, &acoustic_ms, &vocoder_ms);
        r = give(s, samples + known, n - known, acoustic_ms, vocoder_ms);
        *ret_n = at;
        if (r < 0)
            return r;
    }
    return r < 0 ? r : 0;
}

/* A lost device is opened again and the sentence tried once more: what is made is the same, and
 * goes on where the sound stopped. */
static int speak_again(struct saying *s)
{
    struct fail first = {0};
    size_t n_out = 0;
    int r = speak(s, 0, &n_out, &first);

    if (r == -EIO && !s->refused && pipeline_reopen(s->p, &first) == 0)
        r = speak(s, n_out, &n_out, &first);
    if (r < 0 && s->fail && !s->refused)
        *s->fail = first;
    return r;
}

static int say_span(struct saying *s)
{
    const struct lang_span *span = &s->u->spans[s->index];
    const double rate = s->params->rate * span->rate;

    pipeline_report(s->job, PIPELINE_SPEAKING, (double) s->index / (double) s->u->n);
    int r = pipeline_turn(s->p, s->job, s->fail);
    if (r == 0)
        r = pipeline_load_voice(s->p, s->fail);
    if (r == 0)
        r = stopped(s);
    if (r < 0)
        return r;
    s->began = false;
    if (span->starts_paragraph && s->index > 0)
        r = pause(s, PIPELINE_PARAGRAPH_S / rate);
    if (r == 0 && span->pinyin[0])
        r = speak_again(s);
    s->span_s = 0;
    if (r == 0 && span->pinyin[0])
        r = pause(s, pipeline_speech_rest_s(s->p) / rate);
    if (r == 0)
        r = pause(s, span->pause_s);
    if (r == 0 && !s->began) /* a mark by itself */
        r = give(s, NULL, 0, 0, 0);
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
    if (q->rate_hz && (q->rate_hz < 8000 || q->rate_hz > 48000))
        return fail_set(fail, FAIL_USAGE, -EINVAL, "%u Hz: 8000 to 48000 can be had", q->rate_hz);
    return 0;
}

int pipeline_say(struct pipeline *p, const char *text, const struct pipeline_say_params *params,
                 const struct pipeline_job *job, pipeline_sound_fn sound, void *userdata,
                 struct fail *fail)
{
    CLEANUP(lang_utterance_done) struct lang_utterance u = {0};
    struct saying s = {p, params, job, sound, userdata, &u, fail};

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
    s.rate_hz = params->rate_hz ? params->rate_hz : pipeline_rate_hz(p);
    for (; s.index < u.n && r == 0; s.index++)
        r = say_span(&s);
    if (r == 0)
        pipeline_report(job, PIPELINE_DONE, 1);
    return r;
}
