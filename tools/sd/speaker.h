/* SPDX-License-Identifier: Apache-2.0
 *
 * The thread that speaks, one message at a time, while another one listens to the server.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/fail.h"
#include "tools/ctl/engine.h"
#include "tools/sd/protocol.h"
#include "tools/sd/settings.h"

struct sd_speaker;

/** What is to be spoken. */
struct sd_message {
    char *ssml; ///< owned
    char *icon; ///< a sound file that the server plays instead; NULL: none; owned
    struct engine_say_params params;
};

/** Finds a device and the voices; the voice is then loaded behind the caller's back. `config` and
 * `out` are borrowed. *ret owned. One a process: it is stopped by ctl_cancelled. */
int sd_speaker_new(const struct sd_config *config, struct sd_out *out, struct sd_speaker **ret,
                   struct fail *fail);
/** Stops, and waits until it has. */
struct sd_speaker *sd_speaker_free(struct sd_speaker *s);
DEFINE_CLEANUP(struct sd_speaker *, sd_speaker_free);

/** Borrowed. */
const struct engine_voice *sd_speaker_voices(const struct sd_speaker *s, size_t *ret_n);
/** The name of the device, and whether brailled has it. */
const char *sd_speaker_device(const struct sd_speaker *s, bool *ret_daemon);
/** From now on times go to standard error. */
void sd_speaker_set_verbose(struct sd_speaker *s, bool verbose);

/** Wait for the end of a message that was stopped. -EBUSY: one is spoken that was not. */
int sd_speaker_ready(struct sd_speaker *s);
/** Speak, after sd_speaker_ready(); `m` is taken. Events: 701, then 702, 703 or 704. */
void sd_speaker_say(struct sd_speaker *s, struct sd_message *m);
void sd_speaker_stop(struct sd_speaker *s);
/** To be silent from the next of the server's marks on; where none is left, from the next
 * sentence on. */
void sd_speaker_pause(struct sd_speaker *s);
/** Wake it where it waits for something while it is to stop. true: call again in some ms. */
bool sd_speaker_nudge(struct sd_speaker *s);
enum { SD_NUDGE_MS = 5 };
