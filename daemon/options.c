/* SPDX-License-Identifier: Apache-2.0 */

#include "options.h"

#include "input.h"
#include "job.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

struct option {
    const char *name, *type;
    unsigned kinds; ///< bits of 1 << enum job_kind
    int (*take)(struct job *job, sd_bus_message *m, const char *name, struct fail *fail);
};

static int bad(const char *name, const char *what, struct fail *fail)
{
    return fail_set(fail, FAIL_USAGE, -EINVAL, "option '%s' must be %s", name, what);
}

/* What a stranger wrote is repeated only while it is short and there are few of them. */
static int warn_name(struct job *job, const char *what, const char *name)
{
    enum { MAX_WARNINGS = 32, MAX_NAME = 64 };

    if (job->options.n_warnings >= MAX_WARNINGS)
        return 0;
    return strlen(name) > MAX_NAME ? job_warn(job, "%s", what) : job_warn(job, "%s:%s", what, name);
}

static int take_code(struct job *job, sd_bus_message *m, const char *name, struct fail *fail)
{
    const char *s;
    enum lang_code code;
    int r = sd_bus_message_read(m, "s", &s);
    if (r < 0)
        return r;
    job->options.read.code = 0;
    if (strcmp(s, "auto") == 0)
        return 0;
    if (strncmp(s, CODE_PREFIX, strlen(CODE_PREFIX)) != 0 ||
        lang_code_parse(s + strlen(CODE_PREFIX), &code) < 0)
        return bad(name, "\"auto\", \"zh-current\", \"zh-common\" or \"zh-two-cell\"", fail);
    job->options.read.code = 1 + (unsigned) code;
    return 0;
}

static int take_outputs(struct job *job, sd_bus_message *m, const char *name, struct fail *fail)
{
    static const struct {
        const char *name;
        unsigned bit;
    } known[] = {
        {"pinyin", OUTPUT_PINYIN}, {"cells", OUTPUT_CELLS}, {"brf", OUTPUT_BRF},
        {"audio", OUTPUT_AUDIO},   {"lines", OUTPUT_LINES}, {"boxes", OUTPUT_BOXES},
    };
    const char *s;

    job->options.outputs = 0;
    int r = sd_bus_message_enter_container(m, 'a', "s");
    while (r >= 0 && (r = sd_bus_message_read(m, "s", &s)) > 0) {
        size_t i = 0;
        while (i < ELEMENTSOF(known) && strcmp(known[i].name, s) != 0)
            i++;
        if (i < ELEMENTSOF(known) && !(job->kind == JOB_READ && known[i].bit == OUTPUT_AUDIO))
            job->options.outputs |= known[i].bit;
        else
            r = warn_name(job, "output-unavailable", s);
    }
    return r < 0 ? r : sd_bus_message_exit_container(m);
}

static int take_orientation(struct job *job, sd_bus_message *m, const char *name, struct fail *fail)
{
    uint32_t u;
    int r = sd_bus_message_read(m, "u", &u);
    if (r < 0)
        return r;
    if (u > 4)
        return bad(name, "0 (auto), 1 (upright), 2 (90), 3 (180) or 4 (270)", fail);
    job->options.read.orientation = u == 0 ? -1 : 90 * ((int) u - 1);
    return 0;
}

static int take_sides(struct job *job, sd_bus_message *m, const char *name, struct fail *fail)
{
    uint32_t u;
    int r = sd_bus_message_read(m, "u", &u);
    if (r < 0)
        return r;
    if (u > 3)
        return bad(name, "0 or 1 (recto), 2 (verso) or 3 (both)", fail);
    job->options.read.sides = u > 0 ? (enum pipeline_sides)(u - 1) : PIPELINE_RECTO;
    return 0;
}

static int take_mirrored(struct job *job, sd_bus_message *m, const char *name, struct fail *fail)
{
    uint32_t u;
    int r = sd_bus_message_read(m, "u", &u);
    if (r < 0)
        return r;
    if (u > 2)
        return bad(name, "0 (auto), 1 (no) or 2 (yes)", fail);
    job->options.read.mirrored = (int) u - 1;
    return 0;
}

static int take_number(sd_bus_message *m, const char *name, double least, double most,
                       const char *what, double *ret, struct fail *fail)
{
    double d;
    int r = sd_bus_message_read(m, "d", &d);
    if (r < 0)
        return r;
    if (!(d >= least && d <= most)) /* a NaN fails too */
        return bad(name, what, fail);
    *ret = d;
    return 0;
}

static int take_dpi(struct job *job, sd_bus_message *m, const char *name, struct fail *fail)
{
    double d = 0;
    int r = take_number(m, name, 0, 2400, "0 (unknown) or 20 to 2400", &d, fail);
    if (r >= 0 && d > 0 && d < 20)
        r = bad(name, "0 (unknown) or 20 to 2400", fail);
    if (r >= 0)
        job->options.read.dpi = d;
    return r;
}

static int take_rate(struct job *job, sd_bus_message *m, const char *name, struct fail *fail)
{
    return take_number(m, name, PIPELINE_RATE_MIN, PIPELINE_RATE_MAX, "from 0.5 to 4",
                       &job->options.say.rate, fail);
}

static int take_pitch(struct job *job, sd_bus_message *m, const char *name, struct fail *fail)
{
    return take_number(m, name, PIPELINE_PITCH_MIN, PIPELINE_PITCH_MAX, "from 0.5 to 2",
                       &job->options.say.pitch, fail);
}

static int take_volume(struct job *job, sd_bus_message *m, const char *name, struct fail *fail)
{
    return take_number(m, name, 0, PIPELINE_VOLUME_MAX, "from 0 to 4", &job->options.say.volume,
                       fail);
}

/* Whether there is such a voice is known once the weights are open. */
static int take_voice(struct job *job, sd_bus_message *m, const char *name, struct fail *fail)
{
    enum { MAX_NAME = 64 };
    const char *s;
    int r = sd_bus_message_read(m, "s", &s);

    if (r < 0)
        return r;
    if (!*s || strlen(s) > MAX_NAME)
        return bad(name, "the name of one of ListVoices", fail);
    free(job->options.voice);
    job->options.voice = strdup(s);
    job->options.say.voice = job->options.voice;
    return job->options.voice ? 0 : -ENOMEM;
}

static int take_input(struct job *job, sd_bus_message *m, const char *name, struct fail *fail)
{
    const char *s;
    int r = sd_bus_message_read(m, "s", &s);

    if (r < 0)
        return r;
    for (size_t i = 0; i < LANG_N_INPUTS; i++)
        if (strcmp(s, lang_input_names[i]) == 0) {
            job->options.say.input = (enum lang_input) i;
            return 0;
        }
    return bad(name, "\"pinyin\", \"text\" or \"ssml\"", fail);
}

static int take_sandhi(struct job *job, sd_bus_message *m, const char *name, struct fail *fail)
{
    int on;
    int r = sd_bus_message_read(m, "b", &on);
    if (r >= 0)
        job->options.say.no_sandhi = !on;
    return r;
}

static const struct {
    const char *name;
    enum audio_format format;
} formats[] = {
    {"audio/x-wav", AUDIO_WAV},
    {"audio/x-raw,format=S16LE,channels=1,rate=16000", AUDIO_RAW},
    {"audio/flac", AUDIO_FLAC},
    {"audio/ogg; codecs=vorbis", AUDIO_OGG_VORBIS},
    {"audio/ogg; codecs=opus", AUDIO_OPUS},
};

static int take_format(struct job *job, sd_bus_message *m, const char *name, struct fail *fail)
{
    const char *s;
    int r = sd_bus_message_read(m, "s", &s);
    if (r < 0)
        return r;
    for (size_t i = 0; i < ELEMENTSOF(formats); i++)
        if (strcmp(formats[i].name, s) == 0) {
            job->options.format = formats[i].format;
            job->options.format_name = formats[i].name;
            return 0;
        }
    return bad(name,
               "audio/x-wav, audio/x-raw,format=S16LE,channels=1,rate=16000, audio/flac, "
               "audio/ogg; codecs=vorbis or audio/ogg; codecs=opus",
               fail);
}

static int take_audio_fd(struct job *job, sd_bus_message *m, const char *name, struct fail *fail)
{
    int fd;
    int r = sd_bus_message_read(m, "h", &fd);
    if (r < 0)
        return r;
    if (job->options.audio_fd >= 0)
        return bad(name, "given once", fail);
    r = input_check_sound(fd, fail);
    if (r < 0)
        return r;
    job->options.audio_fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    return job->options.audio_fd < 0 ? -errno : 0;
}

#define CONVERT (1u << JOB_CONVERT)
#define SAY (1u << JOB_SAY)
#define PAGE (CONVERT | 1u << JOB_READ)
#define SPEAK (CONVERT | SAY)

static const struct option options[] = {
    {"braille-code", "s", PAGE, take_code},
    {"outputs", "as", PAGE, take_outputs},
    {"orientation", "u", PAGE, take_orientation},
    {"sides", "u", PAGE, take_sides},
    {"mirrored", "u", PAGE, take_mirrored},
    {"dpi", "d", PAGE, take_dpi},
    {"input", "s", SAY, take_input},
    {"voice", "s", SPEAK, take_voice},
    {"rate", "d", SPEAK, take_rate},
    {"pitch", "d", SPEAK, take_pitch},
    {"volume", "d", SPEAK, take_volume},
    {"sandhi", "b", SPEAK, take_sandhi},
    {"audio-format", "s", SPEAK, take_format},
    {"audio-fd", "h", SPEAK, take_audio_fd},
};

static const struct option *find(const char *name, enum job_kind kind)
{
    for (size_t i = 0; i < ELEMENTSOF(options); i++)
        if (strcmp(options[i].name, name) == 0 && options[i].kinds & (1u << kind))
            return &options[i];
    return NULL;
}

static int read_entry(struct job *job, sd_bus_message *m, struct fail *fail)
{
    const char *name, *contents;
    char type;

    int r = sd_bus_message_read(m, "s", &name);
    if (r < 0)
        return r;
    const struct option *o = find(name, job->kind);
    if (!o) {
        r = warn_name(job, "unknown-option", name);
        return r < 0 ? r : sd_bus_message_skip(m, "v");
    }
    r = sd_bus_message_peek_type(m, &type, &contents);
    if (r < 0)
        return r;
    if (strcmp(contents, o->type) != 0)
        return fail_set(fail, FAIL_USAGE, -EINVAL, "option '%s' has type '%s', not '%.16s'", name,
                        o->type, contents);
    r = sd_bus_message_enter_container(m, 'v', o->type);
    if (r >= 0)
        r = o->take(job, m, name, fail);
    return r < 0 ? r : sd_bus_message_exit_container(m);
}

int options_read(struct job *job, sd_bus_message *m, struct fail *fail)
{
    int r = sd_bus_message_enter_container(m, 'a', "{sv}");
    while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
        r = read_entry(job, m, fail);
        if (r >= 0)
            r = sd_bus_message_exit_container(m);
    }
    if (r >= 0)
        r = sd_bus_message_exit_container(m);
    if (r >= 0 && job->options.audio_fd >= 0 && job->options.format != AUDIO_WAV &&
        job->options.format != AUDIO_RAW)
        return fail_set(fail, FAIL_USAGE, -EINVAL,
                        "through audio-fd come audio/x-wav or audio/x-raw only");
    return r;
}
