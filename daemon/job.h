/* SPDX-License-Identifier: Apache-2.0
 *
 * One piece of work: a call, or an object of its own on the bus. The event loop makes and frees
 * jobs and owns all of it but `result`, which belongs to the worker from worker_add() until it
 * hands the job back.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-bus.h>

#include "audio/audio.h"
#include "base/fail.h"
#include "pipeline/pipeline.h"

struct caller;
struct server;
struct stream;

enum job_kind { JOB_CONVERT, JOB_READ, JOB_SAY, JOB_PREPARE, JOB_VOICES, JOB_DEVICES, JOB_N_KINDS };
extern const char *const job_kind_names[]; ///< the methods': "Convert"

/** Property State of a job that is an object. */
enum job_state { JOB_CREATED, JOB_QUEUED, JOB_RUNNING, JOB_PAUSED };

enum {
    OUTPUT_PINYIN = 1 << 0,
    OUTPUT_CELLS = 1 << 1,
    OUTPUT_BRF = 1 << 2,
    OUTPUT_AUDIO = 1 << 3,
    OUTPUT_LINES = 1 << 4,
    OUTPUT_BOXES = 1 << 5,
};

/** What the caller asked for (daemon/options.c). */
struct job_options {
    struct pipeline_read_params read;
    struct pipeline_say_params say;
    char *voice;      ///< say.voice, owned
    unsigned outputs; ///< OUTPUT_*
    enum audio_format format;
    const char *format_name; ///< static
    int audio_fd;            ///< write end of a pipe, owned; -1: the sound goes into a memfd
    char **warnings;         ///< owned, NULL-terminated
    size_t n_warnings;
};

/** One spoken sentence. */
struct job_segment {
    char *pinyin, *text; ///< text: the part of a plain text that it says, or NULL; owned
    uint64_t start_usec, end_usec;
};

/** What the owner of a job hears of on the way, in order. */
struct job_event {
    struct job_event *next;
    enum { EVENT_PROGRESS, EVENT_SEGMENT, EVENT_MARK } type;
    enum pipeline_stage stage; ///< EVENT_PROGRESS
    double fraction;           ///< EVENT_PROGRESS; EVENT_SEGMENT: confidence
    uint32_t index;            ///< EVENT_SEGMENT
    char *pinyin, *text;       ///< EVENT_SEGMENT: see above; EVENT_MARK: text is its name; owned
    uint64_t start_usec, end_usec;
};

struct job_voice {
    char name[64], language[16], gender[16], title[128];
};

struct job_result {
    int r; ///< 0 or negative errno, with `fail`
    struct fail fail;
    struct pipeline_reading reading; ///< JOB_CONVERT
    char device[256];
    double open_ms, decode_ms, acoustic_ms, vocoder_ms;
    int audio_fd; ///< sealed memfd, owned; -1: none
    struct audio_writer *writer;
    size_t n_samples;
    unsigned rate_hz;
    struct job_segment *segments; ///< owned
    size_t n_segments;
    char *unsaid;             ///< what of the text cannot be said, named; owned
    struct job_voice *voices; ///< JOB_VOICES; owned
    size_t n_voices;
    struct vkc_device_info *devices; ///< JOB_DEVICES; owned
    size_t n_devices;
};

struct job {
    enum job_kind kind;
    struct server *server; ///< borrowed
    struct job *next;      ///< in the server's list
    struct caller *caller; ///< shared
    sd_bus_message *call;  ///< owned; the reply goes to it. NULL: nobody has called Run() yet
    bool gone;             ///< nobody waits for the reply any more
    bool running, worked;  ///< the worker has it; is through with it
    uint64_t start_usec;   ///< when work was asked for

    unsigned number;      ///< of an object /org/brailled/Brailled1/job/N; 0: it is none
    sd_bus_slot *object;  ///< owned
    bool paused_by_owner; ///< the loop's copy of `paused`

    struct job_options options;
    int image_fd;          ///< JOB_CONVERT, JOB_READ: owned
    char *text;            ///< JOB_SAY, owned
    struct stream *stream; ///< NULL unless options.audio_fd; owned

    volatile int cancel;      ///< worker_cancel() sets it
    struct job *next_work;    ///< the worker's, as all that follows: in its lists
    bool paused, begun;       ///< held back; had a turn already
    uint64_t turn_usec;       ///< when its turn began
    uint64_t bytes, pixels;   ///< of the picture, that were charged to the caller
    struct job_event *events; ///< not told yet, oldest first; owned
    double fraction;          ///< of the last progress

    struct job_result result;
};

struct job *job_new(struct server *server, enum job_kind kind);
/** Not while the worker or a list of the server has it. */
struct job *job_free(struct job *job);
DEFINE_CLEANUP(struct job *, job_free);

struct job_event *job_event_free(struct job_event *e);
DEFINE_CLEANUP(struct job_event *, job_event_free);

void job_options_done(struct job_options *o);
/** Add a machine-readable word to the answer's "warnings". */
int job_warn(struct job *job, const char *format, ...) PRINTF_FORMAT(2, 3);

/** Does it read a picture? */
static inline bool job_reads(const struct job *job)
{
    return job->kind == JOB_CONVERT || job->kind == JOB_READ;
}
