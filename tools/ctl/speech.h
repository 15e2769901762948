/* SPDX-License-Identifier: Apache-2.0
 *
 * From an engine's sound to a file or standard output, and what is told about it at the end.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "audio/audio.h"
#include "audio/play.h"
#include "base/fail.h"
#include "pipeline/pipeline.h"
#include "tools/ctl/args.h"
#include "tools/ctl/engine.h"

/** Options of every command that speaks. */
struct speech_options {
    struct engine_say_params say;
    bool play;
};
#define SPEECH_OPTIONS_INIT                                                                        \
    {                                                                                              \
        .say = {.rate = 1, .pitch = 1, .volume = 1 }                                               \
    }
enum { SPEECH_N_ARGS = 5 };
/** Their rows of a table, SPEECH_N_ARGS of them. */
void speech_args(struct speech_options *o, struct arg *out);

struct speech {
    const struct ctl *ctl;       ///< borrowed
    const char *path;            ///< borrowed; "-" streams; NULL: no file
    unsigned rate_hz;            ///< of the sound; ENGINE_RATE_HZ until another one comes
    const struct engine *engine; ///< that speaks at any rate; NULL: at ENGINE_RATE_HZ; borrowed
    struct audio_writer *writer;
    struct audio_player *player; ///< NULL: none
    size_t n_samples;
    double first_sound_ms; ///< since the program began; < 0 while silent
};

/** Check the name, create the output and open the sound card now, so that a wrong one costs no
 * waiting. */
int speech_open(struct speech *s, const struct ctl *ctl, const char *path, bool play,
                struct fail *fail);
/** An engine_sound_fn with a struct speech as its userdata, of sound at ENGINE_RATE_HZ. */
int speech_take(void *userdata, const float *samples, size_t n, struct fail *fail);
/** engine_say() into it, at the voice's own rate. */
int speech_say(struct speech *s, struct engine *e, const char *text,
               const struct engine_say_params *params, struct fail *fail);
/** All was heard, and the file appears under its name. */
int speech_commit(struct speech *s, struct fail *fail);
/** Frees; what was not committed is removed. */
void speech_done(struct speech *s);

/** The closing line on standard error. */
void speech_tell(const struct speech *s, const struct engine *e);
/** The object of docs/contracts.md. NULL: no memory. */
json_t *speech_json(const struct speech *s, const struct engine *e, const char *text,
                    const char *pinyin);
/** Both, the object with --json. */
int speech_report(const struct speech *s, const struct engine *e, const char *text,
                  const char *pinyin, struct fail *fail);
