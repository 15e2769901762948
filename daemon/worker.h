/* SPDX-License-Identifier: Apache-2.0
 *
 * The thread that owns the pipeline, and with it the Vulkan device: it works on one job after the
 * other and tells the event loop through an eventfd, so that a long submit never holds up the bus
 * or the watchdog. The device is opened by the first job.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/macro.h"
#include "vk/vkc.h"

struct job;
struct worker;

struct worker_params {
    const char *device, *models; ///< borrowed for the worker's life; may be NULL
    bool validation;
};

int worker_new(const struct worker_params *params, struct worker **ret);
/** Cancels what is under way, waits for it, and ends the thread. Jobs stay the caller's. */
struct worker *worker_free(struct worker *w);
DEFINE_CLEANUP(struct worker *, worker_free);

/** Readable whenever worker_take_done() or a stream may have something new. */
int worker_fd(const struct worker *w);
/** Make worker_fd() unreadable again; call it before looking. */
void worker_acknowledge(struct worker *w);

void worker_add(struct worker *w, struct job *job);
/** Take a job back that was not begun. False: it is being worked on or done already. */
bool worker_remove(struct worker *w, struct job *job);
/** The next finished job, or NULL. */
struct job *worker_take_done(struct worker *w);

/** False until a device was opened. */
bool worker_device(struct worker *w, struct vkc_device_info *ret);
