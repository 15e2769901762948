/* SPDX-License-Identifier: Apache-2.0
 *
 * What brailled answers, as engine-bus.c asks it. systemd/org.brailled.Brailled1.xml describes
 * both.
 */
#pragma once

#include <systemd/sd-bus.h>

#include "base/service.h"
#include "tools/ctl/engine.h"

#define ENGINE_BUS_PATH "/org/brailled/Brailled1"
#define ENGINE_BUS_MANAGER "org.brailled.Brailled1.Manager"
#define ENGINE_BUS_CODE_PREFIX "zh-" /* of braille codes there */

struct engine_bus {
    struct engine base;
    sd_bus *bus; ///< owned
    char name[SERVICE_NAME_BYTES];
};

/** What it is, e.g. that there is no GPU, is told by the property Device; an answer has the name.
 * Not to be told is no failure. `name` NULL: the property's. */
int engine_bus_tell_device(struct engine *base, const char *name);
/** The a{sv} of an answer: what it says of a page, or with `page` NULL of speech. Where it is in
 * another form: FAIL_UNAVAILABLE. */
int engine_bus_take_result(struct engine *e, sd_bus_message *m, struct engine_page *page,
                           struct fail *fail);
/** Add the voices of an answer to *list, which the caller frees in any case. */
int engine_bus_take_voices(sd_bus_message *m, struct engine_voice **list, size_t *n);
