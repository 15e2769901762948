/* SPDX-License-Identifier: Apache-2.0
 *
 * From a finished job to its D-Bus reply.
 */
#pragma once

#include <systemd/sd-bus.h>

#include "base/fail.h"

struct job;

/** Send the reply or the error; a caller that is gone gets nothing. */
int answer_send(struct job *job);

/** Fill an error of the interface from a failure; `r` tells apart what one kind has in common. */
int answer_error(sd_bus_error *error, int r, const struct fail *fail);

/** daemon/answer-reading.c: append what was read to a result's a{sv}. */
int answer_reading(sd_bus_message *m, struct job *job);
