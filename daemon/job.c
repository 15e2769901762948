/* SPDX-License-Identifier: Apache-2.0 */

#include "job.h"

#include "caller.h"
#include "server.h"
#include "stream.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

const char *const job_kind_names[] = {"Convert", "Read",       "Say",
                                      "Prepare", "ListVoices", "ListDevices"};

struct job *job_new(struct server *server, enum job_kind kind)
{
    struct job *job = calloc(1, sizeof(*job));

    if (!job)
        return NULL;
    *job = (struct job){
        .kind = kind,
        .server = server,
        .image_fd = -1,
        .options =
            {
                .read = {.mode = PIPELINE_AUTO, .orientation = -1},
                .say = {.rate = 1, .pitch = 1, .volume = 1, .energy = 1},
                .outputs = OUTPUT_PINYIN | (kind == JOB_READ ? OUTPUT_CELLS : OUTPUT_AUDIO),
                .format = AUDIO_WAV,
                .format_name = "audio/x-wav",
                .audio_fd = -1,
            },
        .result = {.audio_fd = -1},
    };
    return job;
}

void job_options_done(struct job_options *o)
{
    for (size_t i = 0; i < o->n_warnings; i++)
        free(o->warnings[i]);
    free(o->warnings);
    free(o->voice);
    o->voice = NULL;
    o->say.voice = NULL;
    if (o->audio_fd >= 0)
        close(o->audio_fd);
    o->warnings = NULL;
    o->n_warnings = 0;
    o->audio_fd = -1;
}

static void job_result_done(struct job_result *r)
{
    for (size_t i = 0; i < r->n_segments; i++) {
        free(r->segments[i].pinyin);
        free(r->segments[i].text);
    }
    free(r->segments);
    free(r->unsaid);
    free(r->voices);
    free(r->devices);
    audio_writer_free(r->writer);
    if (r->audio_fd >= 0)
        close(r->audio_fd);
    pipeline_reading_done(&r->reading);
}

struct job_event *job_event_free(struct job_event *e)
{
    if (e) {
        free(e->pinyin);
        free(e->text);
        free(e);
    }
    return NULL;
}

struct job *job_free(struct job *job)
{
    if (!job)
        return NULL;
    job->stream = stream_free(job->stream);
    sd_bus_slot_unref(job->object);
    caller_unref(&job->server->callers, job->caller);
    sd_bus_message_unref(job->call);
    for (struct job_event *e = job->events, *next; e; e = next) {
        next = e->next;
        job_event_free(e);
    }
    job_options_done(&job->options);
    job_result_done(&job->result);
    if (job->image_fd >= 0)
        close(job->image_fd);
    free(job->text);
    free(job);
    return NULL;
}

int job_warn(struct job *job, const char *format, ...)
{
    struct job_options *o = &job->options;
    char **more = realloc(o->warnings, (o->n_warnings + 2) * sizeof(*more));
    va_list ap;

    if (!more)
        return -ENOMEM;
    o->warnings = more;
    va_start(ap, format);
    int r = vasprintf(&more[o->n_warnings], format, ap);
    va_end(ap);
    if (r < 0) {
        more[o->n_warnings] = NULL;
        return -ENOMEM;
    }
    more[++o->n_warnings] = NULL;
    return 0;
}
