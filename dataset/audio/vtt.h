/* SPDX-License-Identifier: Apache-2.0
 *
 * WebVTT (W3C): text beside sound, cue by cue. Errors stay in the FILE, for ferror().
 */
#pragma once

#include <stddef.h>
#include <stdio.h>

struct audio_cue {
    double start_s, end_s;
    const char *lines[2]; ///< UTF-8; NULL or "": none
};

/** The first line; `title` may be NULL. */
void audio_vtt_begin(FILE *f, const char *title);
/** A comment that players do not show. */
void audio_vtt_note(FILE *f, const char *text);
/** `number` names it. A cue that would last no time is left out. */
void audio_vtt_cue(FILE *f, size_t number, const struct audio_cue *cue);
