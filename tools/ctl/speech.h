/* SPDX-License-Identifier: Apache-2.0
 *
 * From an engine's sound to a file or standard output, and what is told about it at the end.
 */
#pragma once

#include "audio/audio.h"
#include "base/fail.h"
#include "pipeline/pipeline.h"
#include "tools/ctl/args.h"
#include "tools/ctl/engine.h"

/** Options of every command that speaks; `to` is a double. */
#define SPEECH_RATE_ARG(to)                                                                        \
    {                                                                                              \
        "rate", 0, ARG_NUMBER, "R", "speed, 1 is normal", (to), .min = PIPELINE_RATE_MIN,          \
        .max = PIPELINE_RATE_MAX                                                                   \
    }
#define SPEECH_PITCH_ARG(to)                                                                       \
    {                                                                                              \
        "pitch", 0, ARG_NUMBER, "P", "pitch, 1 is normal", (to), .min = PIPELINE_PITCH_MIN,        \
        .max = PIPELINE_PITCH_MAX                                                                  \
    }

struct speech {
    const struct ctl *ctl; ///< borrowed
    const char *path;      ///< borrowed; "-" streams
    struct audio_writer *writer;
    size_t n_samples;
    double first_sound_ms; ///< since the program began; < 0 while silent
};

/** Check the name and create the output now, so that a wrong one costs no waiting. */
int speech_open(struct speech *s, const struct ctl *ctl, const char *path, struct fail *fail);
/** An engine_sound_fn with a struct speech as its userdata. */
int speech_take(void *userdata, const float *samples, size_t n, struct fail *fail);
/** The file appears under its name. */
int speech_commit(struct speech *s, struct fail *fail);
/** Frees; what was not committed is removed. */
void speech_done(struct speech *s);

/** The closing line: on standard error for people, with --json the object of docs/contracts.md on
 * standard output. */
int speech_report(const struct speech *s, const struct engine *e, const char *text,
                  const char *pinyin, struct fail *fail);
