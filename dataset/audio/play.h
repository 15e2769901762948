/* SPDX-License-Identifier: Apache-2.0
 *
 * To the sound card, through ALSA's device "default": PipeWire and PulseAudio answer to that name,
 * too. A thread of its own feeds the card, so that sound goes on while more of it is made.
 */
#pragma once

#include <stddef.h>

#include "base/fail.h"

struct audio_player;

enum { AUDIO_PLAYER_QUEUE_S = 30 }; ///< made ahead of what is heard, at most

/** Open for mono sound. `cancel` is looked at all the time and ends the sound at once; may be NULL.
 * FAIL_UNAVAILABLE, -ENODEV: there is no sound card, or it is taken. *ret owned. */
int audio_player_new(unsigned rate_hz, const volatile int *cancel, struct audio_player **ret,
                     struct fail *fail);
/** Samples in -1 .. 1, as audio_to_s16() takes them. Waits while the queue is full. -ECANCELED
 * without words; FAIL_IO: the card is gone. */
int audio_player_write(struct audio_player *p, const float *samples, size_t n, struct fail *fail);
/** Wait until all was heard. As audio_player_write(). */
int audio_player_drain(struct audio_player *p, struct fail *fail);
/** What is still queued is not heard. */
struct audio_player *audio_player_free(struct audio_player *p);
DEFINE_CLEANUP(struct audio_player *, audio_player_free);
