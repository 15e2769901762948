/* SPDX-License-Identifier: Apache-2.0 */

#include "answer.h"

#include "field.h"
#include "job.h"
#include "server.h"

#include <errno.h>
#include <stdbool.h>
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

int answer_error(sd_bus_error *error, int r, const struct fail *fail)
{
    return sd_bus_error_set(error, error_name(r, fail),
                            fail->kind != FAIL_NONE ? fail->text : strerror(-r));
}

static int add_segments(sd_bus_message *m, const struct job *job)
{
    const struct job_result *res = &job->result;
    const double p = job_reads(job) ? (double) res->reading.confidence : 1;

    int r = field_array(m, "segments", "a(uussttd)", "(uussttd)");
    for (size_t i = 0; r >= 0 && i < res->n_segments; i++)
        r = sd_bus_message_append(m, "(uussttd)", (uint32_t) i, UINT32_MAX, res->segments[i].text,
                                  res->segments[i].pinyin, res->segments[i].start_usec,
                                  res->segments[i].end_usec, p);
    return r < 0 ? r : field_end(m);
}

static int add_audio(sd_bus_message *m, struct job *job)
{
    const struct job_result *res = &job->result;

    if (res->n_samples == 0)
        return job_warn(job, "nothing-to-say");
    int r = field_string(m, "audio-format", job->options.format_name);
    if (r >= 0)
        r = sd_bus_message_append(m, "{sv}", "audio-duration", "d",
                                  (double) res->n_samples / res->rate_hz);
    if (r >= 0 && res->audio_fd >= 0)
        r = sd_bus_message_append(m, "{sv}", "audio", "h", res->audio_fd);
    return r < 0 ? r : add_segments(m, job);
}

/* Reading takes no speaking, and the other way round. */
static bool has_stage(enum job_kind kind, unsigned stage)
{
    const bool reads = stage >= 1 && stage <= 5;
    return stage == 0 || kind == JOB_CONVERT || reads == (kind == JOB_READ);
}

static int add_timings(sd_bus_message *m, const struct job *job)
{
    double ms[METRICS_N_STAGES];

    metrics_stages(&job->result, ms);
    int r = field_array(m, "timings", "a{sd}", "{sd}");
    for (unsigned i = 0; r >= 0 && i < METRICS_N_STAGES; i++)
        if (has_stage(job->kind, i))
            r = sd_bus_message_append(m, "{sd}", metrics_stage_names[i], ms[i]);
    return r < 0 ? r : field_end(m);
}

static int add_warnings(sd_bus_message *m, const struct job *job)
{
    int r = field_array(m, "warnings", "as", "s");

    for (size_t i = 0; r >= 0 && i < job->options.n_warnings; i++)
        r = sd_bus_message_append(m, "s", job->options.warnings[i]);
    return r < 0 ? r : field_end(m);
}

static int add_result(sd_bus_message *m, struct job *job)
{
    int r = sd_bus_message_open_container(m, 'a', "{sv}");
    if (r >= 0 && job_reads(job))
        r = answer_reading(m, job);
    if (r >= 0 && job->options.outputs & OUTPUT_AUDIO)
        r = add_audio(m, job);
    if (r >= 0 && job->result.unsaid)
        r = field_string(m, "unsaid", job->result.unsaid);
    if (r >= 0)
        r = field_string(m, "device", job->result.device);
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

static int add_devices(sd_bus_message *m, const struct job *job)
{
    const struct job_result *res = &job->result;
    int r = sd_bus_message_open_container(m, 'a', "(usustbs)");

    for (size_t i = 0; r >= 0 && i < res->n_devices; i++) {
        const struct vkc_device_info *d = &res->devices[i];
        r = sd_bus_message_append(m, "(usustbs)", (uint32_t) i, d->name, (uint32_t) d->type,
                                  d->driver, d->memory_bytes, d->usable, d->why);
    }
    return r < 0 ? r : sd_bus_message_close_container(m);
}

/* Convert, Read and the Run of any job give a text beside their result. */
static int add_text(sd_bus_message *m, const struct job *job)
{
    const char *text = job->kind == JOB_SAY ? job->text : job->result.reading.spoken;

    return job_reads(job) || job->number > 0 ? sd_bus_message_append(m, "s", text ? text : "") : 0;
}

static int add_values(sd_bus_message *m, struct job *job)
{
    switch (job->kind) {
    case JOB_PREPARE:
        return 0;
    case JOB_VOICES:
        return add_voices(m, job);
    case JOB_DEVICES:
        return add_devices(m, job);
    default:
        return add_result(m, job);
    }
}

static int send_result(struct job *job)
{
    CLEANUP(sd_bus_message_unrefp) sd_bus_message *m = NULL;

    int r = sd_bus_message_new_method_return(job->call, &m);
    if (r >= 0)
        r = add_text(m, job);
    if (r >= 0)
        r = add_values(m, job);
    return r < 0 ? r : sd_bus_send(NULL, m, NULL);
}

int answer_send(struct job *job)
{
    sd_bus_error error = SD_BUS_ERROR_NULL;
    int r = job->result.r;

    if (job->gone || !job->call)
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
