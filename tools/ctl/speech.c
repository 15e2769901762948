/* SPDX-License-Identifier: Apache-2.0 */

#include "tools/ctl/speech.h"

#include <errno.h>
#include <string.h>

int speech_open(struct speech *s, const struct ctl *ctl, const char *path, struct fail *fail)
{
    enum audio_format format;

    *s = (struct speech){.ctl = ctl, .path = path, .first_sound_ms = -1};
    if (!path)
        return fail_set(fail, FAIL_USAGE, -EINVAL,
                        "where should the sound go? Use -o OUT.wav (.flac, .ogg, .opus, or - for "
                        "standard output)");
    int r = audio_format_of(path, &format, fail);
    if (r < 0)
        return r;
    if (strcmp(path, "-") != 0)
        return audio_writer_new(path, ENGINE_RATE_HZ, &s->writer, fail);
    if (ctl->json)
        return fail_set(fail, FAIL_USAGE, -EINVAL,
                        "--json and -o - both want standard output; name a file");
    return 0; /* opened with the first sound: an error before it leaves no half a header */
}

int speech_take(void *userdata, const float *samples, size_t n, struct fail *fail)
{
    struct speech *s = userdata;

    if (n == 0)
        return 0;
    if (!s->writer) {
        int r = audio_writer_new(s->path, ENGINE_RATE_HZ, &s->writer, fail);
        if (r < 0)
            return r;
    }
    if (s->first_sound_ms < 0)
        s->first_sound_ms = ctl_ms_since(s->ctl->start_usec);
    s->n_samples += n;
    return audio_writer_write(s->writer, samples, n, fail);
}

int speech_commit(struct speech *s, struct fail *fail)
{
    if (s->n_samples == 0)
        return fail_set(fail, FAIL_INPUT, -ENODATA, "there is nothing to speak in this text");
    return audio_writer_commit(s->writer, fail);
}

void speech_done(struct speech *s)
{
    s->writer = audio_writer_free(s->writer);
}

static json_t *stages_json(const struct engine_stages *stages)
{
    json_t *o = json_object();

    for (size_t i = 0; i < stages->n; i++)
        json_object_set_new(o, stages->list[i].name, json_real(stages->list[i].ms));
    return o;
}

int speech_report(const struct speech *s, const struct engine *e, const char *text,
                  const char *pinyin, struct fail *fail)
{
    double audio_s = (double) s->n_samples / ENGINE_RATE_HZ;
    double total_ms = ctl_ms_since(s->ctl->start_usec);

    for (size_t i = 0; s->ctl->verbose && i < e->stages.n; i++)
        ctl_say_line(s->ctl, "%s: %.1f ms", e->stages.list[i].name, e->stages.list[i].ms);
    ctl_say_line(s->ctl, "%s: %.2f s of speech in %.2f s, the first after %.2f s, on %s", s->path,
                 audio_s, total_ms / 1000, s->first_sound_ms / 1000, e->device);
    if (!s->ctl->json)
        return 0;
    return ctl_print_json(json_pack("{ss sb sf sf sf so ss ss}", "device", e->device, "daemon",
                                    e->daemon, "audio_s", audio_s, "first_sound_ms",
                                    s->first_sound_ms, "total_ms", total_ms, "stages_ms",
                                    stages_json(&e->stages), "text", text, "pinyin", pinyin),
                          fail);
}
