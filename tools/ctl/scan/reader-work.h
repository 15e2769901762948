/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside of the reader: its queue (reader.c) and what its thread does with a job (reader-work.c).
 */
#pragma once

#include <pthread.h>
#include <stdint.h>

#include "audio/play.h"
#include "tools/ctl/scan/session.h"

enum { READER_QUEUE = 12 };

enum job_kind { JOB_BEGIN, JOB_PAGE, JOB_SAY, JOB_END };
struct job {
    enum job_kind kind;
    uint64_t press_usec; ///< JOB_BEGIN
    int fd;              ///< JOB_PAGE: a memfd, owned
    double dpi;
    unsigned number;           ///< JOB_PAGE; JOB_END: how many
    json_t *about;             ///< JOB_PAGE, owned
    enum scan_problem problem; ///< JOB_SAY
};

struct reader {
    struct ctl ctl; ///< a copy: its time begins with each press
    struct reader_options options;
    pthread_t thread;

    /* the thread's own */
    struct engine *engine;
    struct pipeline *pipeline;
    struct format_writer writer;
    bool writes, said_card;
    struct audio_player *player; ///< of speech
    uint64_t play_usec;          ///< the first sample was handed over then
    size_t n_samples;            ///< since then
    unsigned n_read;             ///< pages with text since the press
    size_t n_spoken;             ///< samples since the press
    double first_ms;             ///< of them, behind the press; < 0: nothing was heard yet
    double sound_ms;             ///< likewise of this page

    pthread_mutex_t lock; ///< over what follows
    pthread_cond_t changed;
    struct job queue[READER_QUEUE];
    size_t n, n_pages; ///< n_pages of them are pages
    size_t n_presses;  ///< begun, and not read to their end
    bool working, ended;
    int r; ///< what failed first, and why
    struct fail fail;
};

/** Do it. Only the reader's thread calls these. */
void reader_work(struct reader *r, struct job *job);
void reader_play_to_the_end(struct reader *r);
/** What is left of a document, under its name or to standard output; once the thread is idle. */
int reader_write_out(struct reader *r, struct fail *fail);
