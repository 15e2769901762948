/* SPDX-License-Identifier: Apache-2.0 */

#include "pipeline/speech.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audio/rate.h"
#include "lang/lang.h"

/* The corpus begins and ends with up to half a second of silence; this much is kept (frames of 16
 * ms). Less costs syllables: 12.7 % wrong with 5 and 14 frames where all of it gave 11.8 %, by
 * Whisper. */
#define KEEP_BEFORE 12u
#define KEEP_AFTER 20u

/* The sound is sped up so far, and the durations are divided by what is left: each for itself
 * garbles sooner. Syllables wrong of 10 held-out sentences (Whisper base): at rate 2 by the sound
 * alone 19.6 %, by both alike 20.6 %, by the durations alone 36.3 %; at rate 3 68 %, 43 %, 86 %.
 * Interpolated frames of the mel in place of the durations: 19.6 %, 56 %. Slower speech is the
 * model's own. */
#define SOUND_RATE_MAX 1.75
/* Of the filter behind the vocoder (hifigan/envelope.h), where there is one. */
#define SHARPNESS 0.4f
/* Behind a span of voices without silence at their ends: what ours has between two. */
#define REST_S 0.5
/* The vocoder's pieces: short ones first, so that the first sound comes soon, then longer ones,
 * which waste less on their seams; the longest end before somebody waits for a cancel. */
#define FIRST_FRAMES 24u
#define MOST_FRAMES 96u
/* What a sentence is levelled by at most: one that holds next to nothing stays quiet. */
#define GAIN_MAX_DB 20.0

struct pipeline_speech {
    struct fs2_speech mel; ///< without the silence at its ends that is left out
    struct hifigan_stream *stream;
    struct pipeline_tempo *tempo;
    struct pipeline_limiter *limiter;
    struct audio_rate *rate;
    unsigned n_next; ///< frames of the next piece
    double seconds;  ///< of the whole sound
    double acoustic_ms, vocoder_ms;
};

/* Voices that were trained before questions and exclamations had phones of their own end them as
 * any sentence. */
static int phone_id(const struct fs2 *fs2, const char *name)
{
    const int id = fs2_phone_id(fs2, name);
    const bool newer = strcmp(name, "？") == 0 || strcmp(name, "！") == 0;

    return id < 0 && newer ? fs2_phone_id(fs2, "。") : id;
}

static int phone_ids(const struct fs2 *fs2, const struct lang_phone *phones, size_t n,
                     struct fs2_phone *out, struct fail *fail)
{
    for (size_t i = 0; i < n; i++) {
        int id = phone_id(fs2, phones[i].name);
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
    int r = fs2_wants_tones_in_phones(p->fs2) ? lang_phones_toned(pinyin, &phones, &n, fail)
                                              : lang_phones(pinyin, &phones, &n, fail);
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

/* "17": the file's row, counted from 0, where no voice has that for a name. */
static bool is_number_of(const char *name, size_t n_voices, unsigned *ret)
{
    char *end;

    if (*name < '0' || *name > '9')
        return false;
    const unsigned long number = strtoul(name, &end, 10);
    if (*end || number >= n_voices)
        return false;
    *ret = (unsigned) number;
    return true;
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
    if (is_number_of(name, n, ret))
        return 0;
    if (used >= sizeof(all))
        return fail_set(fail, FAIL_USAGE, -EINVAL,
                        "there is no voice '%s'; there are %zu, 0 to %zu, from '%s' to '%s'", name,
                        n, n - 1, voices[0].name, voices[n - 1].name);
    return fail_set(fail, FAIL_USAGE, -EINVAL, "there is no voice '%s'; there are: %s", name, all);
}

static double within(double v, double low, double high)
{
    return v < low ? low : v > high ? high : v;
}

/* Frames `from` .. `to` take the place of all of them. */
static void cut_frames(struct fs2_speech *m, unsigned from, unsigned to)
{
    const unsigned n = to - from;

    for (unsigned c = 0; c < m->n_mels; c++)
        memmove(m->mel + (size_t) c * n, m->mel + (size_t) c * m->n_frames + from,
                n * sizeof(*m->mel));
    memmove(m->f0_hz, m->f0_hz + from, n * sizeof(*m->f0_hz));
    m->n_frames = n;
}

/** Leave out most of the silence at both ends. */
static void trim(struct fs2_speech *m, size_t n_phones, double rate)
{
    const unsigned before = m->durations[0], after = m->durations[n_phones - 1];
    const unsigned keep_before = (unsigned) (KEEP_BEFORE / rate);
    const unsigned keep_after = (unsigned) (KEEP_AFTER / rate);

    cut_frames(m, before > keep_before ? before - keep_before : 0,
               m->n_frames - (after > keep_after ? after - keep_after : 0));
}

static int speak_mel(struct pipeline *p, const struct lang_span *span,
                     const struct pipeline_say_params *params, double rate,
                     const volatile int *cancel, struct fs2_speech *ret, struct fail *fail)
{
    CLEANUP_FREE struct fs2_phone *phones = NULL;
    struct fs2_point contour[LANG_CONTOUR_MAX];
    unsigned voice = 0;
    size_t n = 0;

    int r = find_voice(p, params->voice, &voice, fail);
    if (r == 0)
        r = sentence_phones(p, span->pinyin, &phones, &n, fail);
    if (r < 0)
        return r;
    for (unsigned i = 0; i < span->n_contour; i++)
        contour[i] = (struct fs2_point){within(span->contour[i].at, 0, 1),
                                        within(span->contour[i].factor, 0.25, 4)};
    r = fs2_speak(p->fs2, phones, n,
                  fs2_params(.rate = rate,
                             .pitch = within(params->pitch * span->pitch, PIPELINE_PITCH_MIN,
                                             PIPELINE_PITCH_MAX),
                             .energy = params->energy, .voice = voice, .contour = contour,
                             .n_contour = span->n_contour),
                  ret, cancel, fail);
    if (r == 0 && !fs2_wants_tones_in_phones(p->fs2))
        trim(ret, n, rate);
    return r;
}

static float sharpness_of(const struct pipeline *p)
{
    return hifigan_envelope_passes(p->hifigan) > 0 ? SHARPNESS : 0;
}

/* From the sentence's loudness and the volume that was asked for to what samples are multiplied
 * with. */
static int find_gain(const struct pipeline_speech *s, const struct pipeline *p, double volume,
                     double *ret)
{
    double loudness;
    int r = pipeline_loudness(s->mel.mel, s->mel.n_mels, s->mel.n_frames, fs2_rate_hz(p->fs2),
                              fs2_hop(p->fs2), fs2_top_hz(p->fs2), sharpness_of(p), &loudness);

    *ret = r < 0 ? 0 : volume * pow(10, fmin(PIPELINE_LUFS - loudness, GAIN_MAX_DB) / 20);
    return r;
}

static int start(struct pipeline_speech *s, struct pipeline *p, const struct lang_span *span,
                 const struct pipeline_say_params *params, const volatile int *cancel,
                 struct fail *fail)
{
    const double rate = within(params->rate * span->rate, PIPELINE_RATE_MIN, PIPELINE_RATE_MAX);
    const double model_rate = rate < 1 ? rate : fmax(1, rate / SOUND_RATE_MAX);
    double gain;
    int r = pipeline_load_voice(p, fail);

    if (r == 0)
        r = speak_mel(p, span, params, model_rate, cancel, &s->mel, fail);
    if (r == 0)
        r = find_gain(s, p, within(params->volume * span->volume, 0, PIPELINE_VOLUME_MAX), &gain);
    if (r == 0) {
        s->seconds =
            (double) s->mel.n_frames * fs2_hop(p->fs2) / fs2_rate_hz(p->fs2) / (rate / model_rate);
        r = pipeline_tempo_new(fs2_rate_hz(p->fs2), rate / model_rate, &s->tempo);
    }
    if (r == 0)
        r = pipeline_limiter_new(fs2_rate_hz(p->fs2), gain, &s->limiter);
    if (r == 0)
        r = audio_rate_new(fs2_rate_hz(p->fs2),
                           params->rate_hz ? params->rate_hz : fs2_rate_hz(p->fs2), &s->rate);
    if (r == 0)
        r = hifigan_stream_new(p->hifigan, s->mel.mel, s->mel.f0_hz, s->mel.n_frames,
                               hifigan_envelope_passes(p->hifigan), sharpness_of(p), &s->stream,
                               fail);
    return r;
}

int pipeline_speech_new(struct pipeline *p, const struct lang_span *span,
                        const struct pipeline_say_params *params, const struct pipeline_job *job,
                        struct pipeline_speech **ret, struct fail *fail)
{
    CLEANUP(pipeline_speech_freep) struct pipeline_speech *s = calloc(1, sizeof(*s));
    const double began_ms = pipeline_now_ms();

    if (!s)
        return -ENOMEM;
    int r = start(s, p, span, params, pipeline_cancel(job), fail);
    if (r < 0)
        return r;
    s->n_next = FIRST_FRAMES;
    s->acoustic_ms = pipeline_now_ms() - began_ms;
    *ret = TAKE_PTR(s);
    return 0;
}

struct pipeline_speech *pipeline_speech_free(struct pipeline_speech *s)
{
    if (!s)
        return NULL;
    hifigan_stream_free(s->stream);
    audio_rate_free(s->rate);
    pipeline_limiter_free(s->limiter);
    pipeline_tempo_free(s->tempo);
    fs2_speech_done(&s->mel);
    free(s);
    return NULL;
}

int pipeline_speech_next(struct pipeline_speech *s, const struct pipeline_job *job,
                         const float **ret, size_t *ret_n, struct fail *fail)
{
    const double began_ms = pipeline_now_ms();
    const float *samples;
    size_t n;
    const int more =
        hifigan_stream_next(s->stream, s->n_next, &samples, &n, pipeline_cancel(job), fail);
    int r = more < 0 ? more : 0;

    if (r == 0)
        r = pipeline_tempo_push(s->tempo, samples, n, !more, &samples, &n);
    if (r == 0)
        r = pipeline_limiter_push(s->limiter, samples, n, !more, &samples, &n);
    if (r == 0)
        r = audio_rate_push(s->rate, samples, n, !more, ret, ret_n);
    s->n_next = MIN(2 * s->n_next, MOST_FRAMES);
    s->vocoder_ms += pipeline_now_ms() - began_ms;
    return r < 0 ? r : more;
}

double pipeline_speech_rest_s(const struct pipeline *p)
{
    return fs2_wants_tones_in_phones(p->fs2) ? REST_S : 0;
}

double pipeline_speech_seconds(const struct pipeline_speech *s)
{
    return s->seconds;
}

void pipeline_speech_times(struct pipeline_speech *s, double *ret_acoustic, double *ret_vocoder)
{
    *ret_acoustic = s->acoustic_ms;
    *ret_vocoder = s->vocoder_ms;
    s->acoustic_ms = s->vocoder_ms = 0;
}
