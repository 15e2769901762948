/* SPDX-License-Identifier: Apache-2.0
 *
 * The a{sv} of a call: known keys are checked by type and value, unknown ones become warnings.
 */
#pragma once

#include <systemd/sd-bus.h>

#include "base/fail.h"

struct job;

#define CODE_PREFIX "zh-" ///< of the braille codes' names on the bus

/** Read the dictionary at the message's place into job->options. A wrong type or value is
 * FAIL_USAGE, -EINVAL and names the key. */
int options_read(struct job *job, sd_bus_message *m, struct fail *fail);
