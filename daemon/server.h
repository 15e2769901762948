/* SPDX-License-Identifier: Apache-2.0
 *
 * The daemon's one event loop: bus, jobs, idle exit. All of it runs in the main thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "base/fail.h"
#include "base/service.h"
#include "caller.h"
#include "job.h"
#include "metrics.h"
#include "worker.h"

#define BUS_PATH "/org/brailled/Brailled1"
#define BUS_MANAGER "org.brailled.Brailled1.Manager"
#define BUS_JOB "org.brailled.Brailled1.Job"
#define BUS_ERROR "org.brailled.Brailled1.Error."

enum {
    SERVER_QUEUE_LIMIT = WORKER_MAX_JOBS, ///< jobs at a time, of all callers
};

struct server_params {
    struct worker_params worker;
    bool system, replace;
    const char *instance; ///< NULL: the only one; borrowed
    uint64_t idle_usec;   ///< 0: stay
};

struct server {
    struct server_params params;
    sd_event *event;
    sd_bus *bus;
    sd_event_source *idle;
    char name[SERVICE_NAME_BYTES]; ///< on the bus
    struct worker *worker;
    struct caller *callers;
    struct job *jobs; ///< all that are alive
    unsigned n_jobs;
    unsigned n_running; ///< of them, those that were begun: property QueueLength
    unsigned n_objects; ///< that were ever made: numbers of job objects
    struct metrics metrics;
    struct vkc_device_info device; ///< that was announced; its name is empty until one is open
    bool leaving;                  ///< the name was given up: finish and quit
    bool has_name;
};

/** Serve until SIGTERM, idleness or the loss of the bus. Returns an exit code; what failed is
 * logged: 69 without a bus, 1 when the bus was lost or another one has the name. */
int server_run(const struct server_params *params);

/** Take a job whose options are filled in, in the name of the sender of `call`; it is taken in any
 * case. Queue full, or too many jobs of this caller: FAIL_UNAVAILABLE, -EBUSY. */
int server_add_job(struct server *s, struct job *job /* taken */, sd_bus_message *call,
                   struct fail *fail);
/** Begin one that was added; `call` gets the reply. */
int server_run_job(struct server *s, struct job *job, sd_bus_message *call, struct fail *fail);
/** Hold its work and its sound back, or go on. */
void server_pause_job(struct server *s, struct job *job, bool paused);
/** End it: a call that waits for it fails with Cancelled. Frees one that was not begun. */
void server_cancel_job(struct server *s, struct job *job);

/** daemon/manager.c */
extern const sd_bus_vtable manager_vtable[];

/** daemon/object.c: give the job an object on the bus, for its owner only; freed with the job. */
int object_new(struct server *s, struct job *job);
/** Path of the job's object. */
void object_path(const struct job *job, char *out, size_t size);
/** Tell the owner. */
void object_tell(struct server *s, const struct job *job, const struct job_event *event);
