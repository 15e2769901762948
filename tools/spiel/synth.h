/* SPDX-License-Identifier: Apache-2.0
 *
 * A thread that speaks for several at once, part by part in turn, into memory: what it makes waits
 * there until the loop of the program has written it to the pipes. Only that loop calls these.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fail.h"
#include "tools/ctl/engine.h"

struct synth;
struct synth_job;

/** Opens the device and finds the voices. `wake_fd` (borrowed, an eventfd) is raised when there is
 * more to write. One a process: it is stopped by ctl_cancelled. *ret owned. */
int synth_new(const struct ctl *ctl, int wake_fd, struct synth **ret, struct fail *fail);
struct synth *synth_free(struct synth *s);
DEFINE_CLEANUP(struct synth *, synth_free);
/** Borrowed. */
const struct engine_voice *synth_voices(const struct synth *s, size_t *ret_n);

/** Speak a document. *ret: until synth_drop(). -ENOMEM. */
int synth_add(struct synth *s, const char *ssml, const struct engine_say_params *params,
              struct synth_job **ret);
/** Nobody wants it any more, or all of it was written. */
void synth_drop(struct synth *s, struct synth_job *job);

/** The records of Spiel's stream (audio/x-spiel, version 0.01), each to be written at once: the
 * reader on the other side wants a whole one or none. *ret is borrowed until synth_written().
 * Its bytes; 0: none yet; -ENODATA: that was all. */
int synth_next(struct synth *s, struct synth_job *job, const uint8_t **ret);
void synth_written(struct synth *s, struct synth_job *job);
