/* SPDX-License-Identifier: Apache-2.0 */

#include "tools/ctl/speech.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

void speech_args(struct speech_options *o, struct arg *out)
{
    const struct arg args[SPEECH_N_ARGS] = {
        {"voice", 0, ARG_STRING, "NAME", N_("who speaks; braillectl voices lists them"),
         &o->say.voice},
        {"rate", 0, ARG_NUMBER, "R", N_("speed, 0.5 to 4; 1 is normal"), &o->say.rate,
         .min = PIPELINE_RATE_MIN, .max = PIPELINE_RATE_MAX},
        {"pitch", 0, ARG_NUMBER, "P", N_("pitch, 0.5 to 2; 1 is normal"), &o->say.pitch,
         .min = PIPELINE_PITCH_MIN, .max = PIPELINE_PITCH_MAX},
        {"volume", 0, ARG_NUMBER, "V", N_("loudness, 0 to 4; 1 is normal"), &o->say.volume,
         .min = 0, .max = PIPELINE_VOLUME_MAX},
        {"play", 'p', ARG_FLAG, NULL, N_("to the sound card, as it is made"), &o->play},
    };
    memcpy(out, args, sizeof(args));
}

static int open_file(struct speech *s, struct fail *fail)
{
    enum audio_format format;

    int r = audio_format_of(s->path, &format, fail);
    if (r < 0)
        return r;
    if (strcmp(s->path, "-") != 0)
        return audio_writer_new(s->path, s->rate_hz, &s->writer, fail);
    if (s->ctl->json)
        return fail_set(fail, FAIL_USAGE, -EINVAL,
                        "--json and -o - both want standard output; name a file");
    if (isatty(STDOUT_FILENO))
        return fail_set(fail, FAIL_USAGE, -EINVAL,
                        "standard output is a terminal; lead the sound on (| aplay), use --play, "
                        "or name a file");
    return 0; /* opened with the first sound: an error before it leaves no half a header */
}

int speech_open(struct speech *s, const struct ctl *ctl, const char *path, bool play,
                struct fail *fail)
{
    *s = (struct speech){.ctl = ctl, .path = path, .rate_hz = ENGINE_RATE_HZ, .first_sound_ms = -1};
    if (!path && !play)
        return fail_set(fail, FAIL_USAGE, -EINVAL,
                        "where should the sound go? Use --play, or -o OUT.wav (.flac, .ogg, "
                        ".opus, or - for standard output)");
    int r = path ? open_file(s, fail) : 0;
    if (r == 0 && play)
        r = audio_player_new(s->rate_hz, &ctl_cancelled, &s->player, fail);
    return r;
}

/* What was opened for the usual rate is opened again for that of the first sound. */
static int change_rate(struct speech *s, unsigned rate_hz, struct fail *fail)
{
    const bool had_player = s->player != NULL, had_writer = s->writer != NULL;
    int r = 0;

    speech_done(s);
    s->rate_hz = rate_hz;
    if (had_writer)
        r = audio_writer_new(s->path, rate_hz, &s->writer, fail);
    if (r >= 0 && had_player)
        r = audio_player_new(rate_hz, &ctl_cancelled, &s->player, fail);
    return r;
}

int speech_take(void *userdata, const float *samples, size_t n, struct fail *fail)
{
    struct speech *s = userdata;
    int r = 0;

    if (n == 0)
        return 0;
    if (s->n_samples == 0 && s->engine && s->engine->rate_hz != s->rate_hz)
        r = change_rate(s, s->engine->rate_hz, fail);
    if (r >= 0 && s->path && !s->writer)
        r = audio_writer_new(s->path, s->rate_hz, &s->writer, fail);
    if (r < 0)
        return r;
    if (s->first_sound_ms < 0)
        s->first_sound_ms = ctl_ms_since(s->ctl->start_usec);
    s->n_samples += n;
    if (s->player)
        r = audio_player_write(s->player, samples, n, fail);
    return r < 0 || !s->writer ? r : audio_writer_write(s->writer, samples, n, fail);
}

int speech_say(struct speech *s, struct engine *e, const char *text,
               const struct engine_say_params *params, struct fail *fail)
{
    struct engine_say_params own = *params;

    own.any_rate = true;
    s->engine = e;
    return engine_say(e, text, &own, speech_take, s, fail);
}

int speech_commit(struct speech *s, struct fail *fail)
{
    if (s->n_samples == 0)
        return fail_set(fail, FAIL_INPUT, -ENODATA, "there is nothing to speak in this text");
    int r = s->player ? audio_player_drain(s->player, fail) : 0;
    if (r == -ECANCELED)
        return ctl_interrupted(fail);
    return r < 0 || !s->writer ? r : audio_writer_commit(s->writer, fail);
}

void speech_done(struct speech *s)
{
    s->writer = audio_writer_free(s->writer);
    s->player = audio_player_free(s->player);
}

static json_t *stages_json(const struct engine_stages *stages)
{
    json_t *o = json_object();

    for (size_t i = 0; i < stages->n; i++)
        json_object_set_new(o, stages->list[i].name, json_real(stages->list[i].ms));
    return o;
}

void speech_tell(const struct speech *s, const struct engine *e)
{
    const double audio_s = (double) s->n_samples / s->rate_hz;

    for (size_t i = 0; s->ctl->verbose && i < e->stages.n; i++)
        ctl_say_line(s->ctl, "%s: %.1f ms", e->stages.list[i].name, e->stages.list[i].ms);
    if (s->first_sound_ms < 0)
        ctl_say_line(s->ctl, "%s: %.2f s of speech", s->path, audio_s);
    else
        ctl_say_line(s->ctl, "%s: %.2f s of speech in %.2f s, the first after %.2f s, on %s",
                     s->path ? s->path : tr("played"), audio_s,
                     ctl_ms_since(s->ctl->start_usec) / 1000, s->first_sound_ms / 1000, e->device);
}

json_t *speech_json(const struct speech *s, const struct engine *e, const char *text,
                    const char *pinyin)
{
    json_t *first = s->first_sound_ms < 0 ? json_null() : json_real(s->first_sound_ms);

    return json_pack("{ss sb sf so sf so ss ss ss*}", "device", e->device, "daemon", e->daemon,
                     "audio_s", (double) s->n_samples / s->rate_hz, "first_sound_ms", first,
                     "total_ms", ctl_ms_since(s->ctl->start_usec), "stages_ms",
                     stages_json(&e->stages), "text", text, "pinyin", pinyin, "unsaid", e->unsaid);
}

int speech_report(const struct speech *s, const struct engine *e, const char *text,
                  const char *pinyin, struct fail *fail)
{
    speech_tell(s, e);
    return s->ctl->json ? ctl_print_json(speech_json(s, e, text, pinyin), fail) : 0;
}
