/* SPDX-License-Identifier: Apache-2.0
 *
 * Who has jobs here: one connection to the bus. Jobs refer to it; it goes with the last of them.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <systemd/sd-bus.h>

#include "base/fail.h"

enum {
    CALLER_MAX_JOBS = 4, ///< of one connection, so that no single one takes every place
    CALLER_MAX_MIB = 512,
    CALLER_MAX_MEGAPIXELS = 200,
    USER_MAX_JOBS = 8, ///< of one user's connections together, on the system bus
};

struct caller {
    struct caller *next; ///< in the server's list
    char *name;          ///< ":1.42"; owned
    uid_t uid;           ///< UINT32_MAX: not known
    unsigned n_jobs;
    sd_bus_track *track; ///< owned

    uint64_t used_usec;     ///< the worker's: device time it had, for turns
    uint64_t bytes, pixels; ///< the worker's: of the pictures that are open now
};

/** The sender of `m`, with a place for one more job taken. `gone` is called in the loop, once, when
 * the connection ends, while it still has jobs. On the system bus (`by_user`) the places are
 * counted by user as well. No place: FAIL_UNAVAILABLE, -EBUSY. *ret shared: caller_unref(). */
int caller_ref(struct caller **list, sd_bus_message *m, bool by_user, sd_bus_track_handler_t gone,
               void *userdata, struct caller **ret, struct fail *fail);
/** Give the place back. NULL is fine. */
void caller_unref(struct caller **list, struct caller *c);
