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
#include "job.h"
#include "worker.h"

#define BUS_NAME "org.brailled.Brailled1"
#define BUS_PATH "/org/brailled/Brailled1"
#define BUS_MANAGER "org.brailled.Brailled1.Manager"
#define BUS_ERROR "org.brailled.Brailled1.Error."

enum {
    SERVER_QUEUE_LIMIT = 16, ///< jobs at a time, of all callers
    SERVER_CALLER_LIMIT = 4, ///< of one connection, so that no single one takes every place
};

struct server_params {
    struct worker_params worker;
    bool system, replace;
    uint64_t idle_usec; ///< 0: stay
};

struct server {
    struct server_params params;
    sd_event *event;
    sd_bus *bus;
    sd_event_source *idle;
    struct worker *worker;
    struct job *jobs; ///< all that are alive
    unsigned n_jobs;
    bool device_told; ///< property Device was announced
    bool leaving;     ///< the name was given up: finish and quit
    bool has_name;
};

/** Serve until SIGTERM, idleness or the loss of the bus. Returns an exit code; what failed is
 * logged: 69 without a bus, 1 when the bus was lost or another one has the name. */
int server_run(const struct server_params *params);

/** Begin a job whose options are filled; it is taken in any case. Queue full, or too
 * many jobs of this caller: FAIL_UNAVAILABLE, -EBUSY. */
int server_start_job(struct server *s, struct job *job /* taken */, struct fail *fail);

/** daemon/manager.c */
extern const sd_bus_vtable manager_vtable[];
