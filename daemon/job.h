/* SPDX-License-Identifier: Apache-2.0
 *
 * One call that is being worked on. The event loop makes and frees jobs and owns all of it but
 * `result`, which belongs to the worker from worker_add() until it hands the job back.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-bus.h>

#include "audio/audio.h"
#include "base/fail.h"
#include "pipeline/pipeline.h"

struct server;
struct stream;

enum job_kind { JOB_CONVERT, JOB_SAY, JOB_PREPARE, JOB_VOICES };

enum {
    OUTPUT_PINYIN = 1 << 0,
    OUTPUT_CELLS = 1 << 1,
    OUTPUT_BRF = 1 << 2,
    OUTPUT_AUDIO = 1 << 3,
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
    char *pinyin; ///< owned
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
    double open_ms, acoustic_ms, vocoder_ms;
    int audio_fd; ///< sealed memfd, owned; -1: none
    struct audio_writer *writer;
    size_t n_samples;
    unsigned rate_hz;
    struct job_segment *segments; ///< owned
    size_t n_segments;
    char *unsaid;             ///< what of the text cannot be said, named; owned
    struct job_voice *voices; ///< JOB_VOICES; owned
    size_t n_voices;
};

struct job {
    enum job_kind kind;
    struct server *server; ///< borrowed
    struct job *next;      ///< in the server's list
    struct job *next_work; ///< in the worker's lists
    sd_bus_message *call;  ///< owned; the reply goes to it
    sd_bus_track *track;   ///< owned; tells when the caller is gone
    bool gone;             ///< nobody waits for the reply any more
    bool worked;           ///< the worker is through with it
    uint64_t start_usec;

    struct job_options options;
    int image_fd;          ///< JOB_CONVERT, owned
    char *text;            ///< JOB_SAY, owned
    struct stream *stream; ///< NULL unless options.audio_fd; owned
    volatile int cancel;   ///< set by the loop, looked at by the worker

    struct job_result result;
};

struct job *job_new(struct server *server, enum job_kind kind, sd_bus_message *call);
struct job *job_free(struct job *job);
DEFINE_CLEANUP(struct job *, job_free);

void job_options_done(struct job_options *o);
/** Add a machine-readable word to the answer's "warnings". */
int job_warn(struct job *job, const char *format, ...) PRINTF_FORMAT(2, 3);
