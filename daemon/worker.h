/* SPDX-License-Identifier: Apache-2.0
 *
 * The threads that own the pipeline, and with it the Vulkan device. Each job has one, so that a job
 * may wait (for its picture, for its owner's Resume) without holding up another; but only one at a
 * time has the turn, that is, uses the device. It passes the turn on between two sentences and
 * between the steps of a reading, to the job whose caller has had the least of the device so far:
 * one who converts a library does not keep a screen reader waiting. The event loop hears of news
 * through an eventfd, so that a long submit never holds up the bus or the watchdog.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/fail.h"
#include "base/macro.h"
#include "vk/vkc.h"

struct job;
struct job_event;
struct pipeline;
struct worker;

struct worker_params {
    const char *device, *models; ///< borrowed for the worker's life; may be NULL
    bool validation;
};

enum { WORKER_MAX_JOBS = 16 };

int worker_new(const struct worker_params *params, struct worker **ret);
/** Cancels what is under way, waits for it, and ends the threads. Jobs stay the caller's. */
struct worker *worker_free(struct worker *w);
DEFINE_CLEANUP(struct worker *, worker_free);

/* ---- for the event loop ---- */

/** Readable whenever worker_take_done(), worker_take_event() or a stream may have something new. */
int worker_fd(const struct worker *w);
/** Make worker_fd() unreadable again; call it before looking. */
void worker_acknowledge(struct worker *w);

/** Begin; at most WORKER_MAX_JOBS at a time. -EAGAIN: no thread can be had. */
int worker_add(struct worker *w, struct job *job);
/** End it soon; it comes back through worker_take_done() all the same. */
void worker_cancel(struct worker *w, struct job *job);
/** Give it no more turns, or go on. */
void worker_pause(struct worker *w, struct job *job, bool paused);
/** The next finished job, or NULL. */
struct job *worker_take_done(struct worker *w);
/** The next news of a job, or NULL; owned. */
struct job_event *worker_take_event(struct worker *w, struct job *job);
/** Open device and weights anew once what is under way is through. */
void worker_reload(struct worker *w);

/** False until a device was opened. */
bool worker_device(struct worker *w, struct vkc_device_info *ret);
/** Has the job had a turn? */
bool worker_has_begun(struct worker *w, const struct job *job);

/* ---- for a job's thread ---- */

/** Wait for the turn; -ECANCELED when the job is cancelled meanwhile. */
int worker_take_turn(struct worker *w, struct job *job);
/** Let others have it, and wait for the next one. Without it: -ECANCELED. */
int worker_pass_turn(struct worker *w, struct job *job);
/** With the turn: the pipeline, opened if need be. */
int worker_pipeline(struct worker *w, struct pipeline **ret, struct fail *fail);
/** The picture's size counts towards its caller's limits (caller.h). FAIL_UNAVAILABLE, -EBUSY. */
int worker_charge(struct worker *w, struct job *job, uint64_t bytes, uint64_t pixels,
                  struct fail *fail);
/** Tell the loop of it. */
void worker_post(struct worker *w, struct job *job, struct job_event *event /* taken */);
/** Have the loop look at the job's stream. */
void worker_wake_loop(struct worker *w);

/** daemon/work.c: all of the job, in its thread; fills job->result but for `r`. Takes the turn if
 * it needs it; the worker gives it back. */
int work_do(struct worker *w, struct job *job);
