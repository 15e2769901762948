/* SPDX-License-Identifier: Apache-2.0 */

#include "answer.h"

#include "job.h"
#include "options.h"
#include "server.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *error_name(int r, const struct fail *fail)
{
    if (r == -ECANCELED)
        return BUS_ERROR "Cancelled";
    if (r == -EBUSY)
        return BUS_ERROR "Busy";
    switch (fail->kind) {
    case FAIL_USAGE:
        return BUS_ERROR "InvalidOption";
    case FAIL_INPUT:
    case FAIL_OPEN:
        return r == -ENODATA ? BUS_ERROR "NoBraille" : BUS_ERROR "InvalidInput";
    case FAIL_UNAVAILABLE:
        return BUS_ERROR "Unavailable";
    default:
        return BUS_ERROR "Failed";
    }
}

/* Bytes of the UTF-8 sequence at `s`, 0 when it is none. */
static size_t sequence_size(const uint8_t *s)
{
    size_t n = s[0] < 0x80 ? 1 : s[0] < 0xC2 ? 0 : s[0] < 0xE0 ? 2 : s[0] < 0xF0 ? 3 : 4;

    if (s[0] > 0xF4)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xC0) != 0x80)
            return 0;
    if ((s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xED && s[1] > 0x9F) ||
        (s[0] == 0xF0 && s[1] < 0x90) || (s[0] == 0xF4 && s[1] > 0x8F))
        return 0;
    return n;
}

/* The bus hangs up on a sender of broken UTF-8, and a text that was cut at its limit may end in
 * half a character. */
static void mend_utf8(char *text)
{
    for (uint8_t *s = (uint8_t *) text; *s;) {
        size_t n = sequence_size(s);
        if (n == 0)
            *s = '?';
        s += MAX(n, (size_t) 1);
    }
}

int answer_error(sd_bus_error *error, int r, const struct fail *fail)
{
    char text[sizeof(fail->text)];

    snprintf(text, sizeof(text), "%s", fail->kind != FAIL_NONE ? fail->text : strerror(-r));
    mend_utf8(text);
    return sd_bus_error_set(error, error_name(r, fail), text);
}

static int add_string(sd_bus_message *m, const char *key, const char *value)
{
    return sd_bus_message_append(m, "{sv}", key, "s", value ? value : "");
}

static char *put_line(char *at, const struct pipeline_line *line, bool brf)
{
    const uint8_t *s = (const uint8_t *) line->braille;

    if (!brf)
        return stpcpy(at, line->braille);
    /* U+2800 + cell is e2 a0+(cell >> 6) 80+(cell & 63); six-dot cells end in the third */
    for (; s[0]; s += 3)
        *at++ = brl_cell_ascii(s[2] & 63);
    *at = 0;
    return at;
}

/* The cells of all lines, a line each, as Unicode braille or as BRF; a form feed stands between the
 * sides. *ret owned. */
static int join_cells(const struct pipeline_reading *reading, bool brf, char **ret)
{
    size_t size = 1;

    for (unsigned k = 0; k < reading->n_sides; k++)
        for (size_t i = 0; i < reading->side[k].n_lines; i++)
            size += strlen(reading->side[k].lines[i].braille) + 1;
    char *out = calloc(1, size), *at = out;
    if (!out)
        return -ENOMEM;
    for (unsigned k = 0; k < reading->n_sides; k++)
        for (size_t i = 0; i < reading->side[k].n_lines; i++) {
            if (at > out)
                *at++ = i > 0 ? '\n' : '\f';
            at = put_line(at, &reading->side[k].lines[i], brf);
        }
    *ret = out;
    return 0;
}

static int add_cells(sd_bus_message *m, const struct job *job)
{
    static const struct {
        const char *key;
        unsigned output;
    } forms[] = {{"cells", OUTPUT_CELLS}, {"brf", OUTPUT_BRF}};
    int r = 0;

    for (size_t i = 0; r >= 0 && i < ELEMENTSOF(forms); i++) {
        CLEANUP_FREE char *s = NULL;
        if (!(job->options.outputs & forms[i].output))
            continue;
        r = join_cells(&job->result.reading, forms[i].output == OUTPUT_BRF, &s);
        if (r >= 0)
            r = add_string(m, forms[i].key, s);
    }
    return r;
}

/* Those that hold braille, as the option "sides" has them. */
static uint32_t sides_of(const struct pipeline_reading *reading)
{
    if (reading->n_sides == 2)
        return 3;
    return reading->side[0].side == BRL_VERSO ? 2 : 1;
}

static int add_reading(sd_bus_message *m, struct job *job)
{
    const struct pipeline_reading *reading = &job->result.reading;
    char code[32];
    int r = 0;

    if (job->options.outputs & OUTPUT_PINYIN)
        r = add_string(m, "pinyin", reading->pinyin);
    if (r >= 0)
        r = add_cells(m, job);
    snprintf(code, sizeof(code), CODE_PREFIX "%s", lang_code_names[reading->code]);
    if (r >= 0)
        r = add_string(m, "braille-code", code);
    if (r >= 0)
        r = sd_bus_message_append(
            m, "{sv}{sv}{sv}{sv}{sv}{sv}", "braille-code-confidence", "d", (double) reading->code_p,
            "orientation", "u", 1 + reading->orientation / 90, "mirrored", "u",
            1 + reading->mirrored, "sides", "u", sides_of(reading), "confidence", "d",
            (double) reading->confidence, "unknown-cells", "u", reading->n_unknown);
    for (unsigned i = 0; r >= 0 && i < reading->n_sides; i++)
        if (!reading->side[i].is_text)
            r = job_warn(job, "no-text:%s", reading->side[i].side == BRL_VERSO ? "verso" : "recto");
    if (r >= 0 && reading->n_unknown)
        r = job_warn(job, "unknown-cells:%u", reading->n_unknown);
    return r;
}

static int add_segments(sd_bus_message *m, const struct job *job)
{
    const struct job_result *res = &job->result;
    double p = job->kind == JOB_CONVERT ? (double) res->reading.confidence : 1;

    int r = sd_bus_message_open_container(m, 'e', "sv");
    if (r >= 0)
        r = sd_bus_message_append(m, "s", "segments");
    if (r >= 0)
        r = sd_bus_message_open_container(m, 'v', "a(uussttd)");
    if (r >= 0)
        r = sd_bus_message_open_container(m, 'a', "(uussttd)");
    for (size_t i = 0; r >= 0 && i < res->n_segments; i++)
        r = sd_bus_message_append(m, "(uussttd)", (uint32_t) i, UINT32_MAX, "",
                                  res->segments[i].pinyin, res->segments[i].start_usec,
                                  res->segments[i].end_usec, p);
    for (int i = 0; r >= 0 && i < 3; i++)
        r = sd_bus_message_close_container(m);
    return r;
}

static int add_audio(sd_bus_message *m, struct job *job)
{
    const struct job_result *res = &job->result;

    if (res->n_samples == 0)
        return job_warn(job, "nothing-to-say");
    int r = add_string(m, "audio-format", job->options.format_name);
    if (r >= 0)
        r = sd_bus_message_append(m, "{sv}", "audio-duration", "d",
                                  (double) res->n_samples / res->rate_hz);
    if (r >= 0 && res->audio_fd >= 0)
        r = sd_bus_message_append(m, "{sv}", "audio", "h", res->audio_fd);
    return r < 0 ? r : add_segments(m, job);
}

static int add_timings(sd_bus_message *m, const struct job *job)
{
    const struct job_result *res = &job->result;
    const struct pipeline_times *t = &res->reading.times_ms;

    if (job->kind == JOB_SAY)
        return sd_bus_message_append(m, "{sv}", "timings", "a{sd}", 3, "open", res->open_ms,
                                     "acoustic", res->acoustic_ms, "vocoder", res->vocoder_ms);
    return sd_bus_message_append(m, "{sv}", "timings", "a{sd}", 8, "open", res->open_ms, "decode",
                                 t->decode, "grid", t->grid, "embed", t->embed, "knn", t->knn,
                                 "lang", t->lang, "acoustic", res->acoustic_ms, "vocoder",
                                 res->vocoder_ms);
}

static int add_warnings(sd_bus_message *m, const struct job *job)
{
    int r = sd_bus_message_open_container(m, 'e', "sv");
    if (r >= 0)
        r = sd_bus_message_append(m, "s", "warnings");
    if (r >= 0)
        r = sd_bus_message_open_container(m, 'v', "as");
    if (r >= 0)
        r = sd_bus_message_append_strv(m, job->options.warnings);
    for (int i = 0; r >= 0 && i < 2; i++)
        r = sd_bus_message_close_container(m);
    return r;
}

static int add_result(sd_bus_message *m, struct job *job)
{
    int r = sd_bus_message_open_container(m, 'a', "{sv}");
    if (r >= 0 && job->kind == JOB_CONVERT)
        r = add_reading(m, job);
    if (r >= 0 && job->options.outputs & OUTPUT_AUDIO)
        r = add_audio(m, job);
    if (r >= 0 && job->result.unsaid)
        r = add_string(m, "unsaid", job->result.unsaid);
    if (r >= 0)
        r = add_string(m, "device", job->result.device);
    if (r >= 0)
        r = add_timings(m, job);
    if (r >= 0)
        r = add_warnings(m, job);
    return r < 0 ? r : sd_bus_message_close_container(m);
}

static int add_voices(sd_bus_message *m, const struct job *job)
{
    const struct job_result *res = &job->result;
    int r = sd_bus_message_open_container(m, 'a', "(ssss)");

    for (size_t i = 0; r >= 0 && i < res->n_voices; i++)
        r = sd_bus_message_append(m, "(ssss)", res->voices[i].name, res->voices[i].language,
                                  res->voices[i].gender, res->voices[i].title);
    return r < 0 ? r : sd_bus_message_close_container(m);
}

static int send_result(struct job *job)
{
    CLEANUP(sd_bus_message_unrefp) sd_bus_message *m = NULL;
    const char *text = job->result.reading.spoken;

    int r = sd_bus_message_new_method_return(job->call, &m);
    if (r >= 0 && job->kind == JOB_CONVERT)
        r = sd_bus_message_append(m, "s", text ? text : "");
    if (r >= 0 && job->kind == JOB_VOICES)
        r = add_voices(m, job);
    else if (r >= 0 && job->kind != JOB_PREPARE)
        r = add_result(m, job);
    return r < 0 ? r : sd_bus_send(NULL, m, NULL);
}

int answer_send(struct job *job)
{
    sd_bus_error error = SD_BUS_ERROR_NULL;
    int r = job->result.r;

    if (job->gone)
        return 0;
    if (r >= 0)
        r = send_result(job);
    if (r < 0) {
        answer_error(&error, r, &job->result.fail);
        r = sd_bus_reply_method_error(job->call, &error);
        sd_bus_error_free(&error);
    }
    return r;
}
