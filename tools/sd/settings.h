/* SPDX-License-Identifier: Apache-2.0
 *
 * What a screen reader chose (SET) and the module's own configuration file, and what both mean for
 * the voice.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/fail.h"
#include "tools/ctl/engine.h"

/** Which marks are named: each mode names those of the modes before it, too. */
enum sd_punctuation { SD_NONE, SD_SOME, SD_MOST, SD_ALL };
enum sd_capitals { SD_CAPITALS_PLAIN, SD_CAPITALS_SPELL, SD_CAPITALS_ICON };

struct sd_settings {
    int rate, pitch, volume; ///< -100 … 100
    enum sd_punctuation punctuation;
    enum sd_capitals capitals;
    bool spelling;
    char type[16];  ///< "male1" … "child_female"
    char voice[64]; ///< a name; "": none was asked for
};
#define SD_SETTINGS_INIT                                                                           \
    {                                                                                              \
        .volume = 100                                                                              \
    }

/** One line of SET, `name=value`. -EINVAL: the value does not fit; names that are not known are
 * taken and mean nothing. */
int sd_settings_set(struct sd_settings *s, const char *name, const char *value);

/** modules/brailled.conf */
struct sd_config {
    char voice[64];             ///< that speaks unless one is asked for by name; "": by its type
    char device[128];           ///< "": the best
    char models[4096];          ///< "": where they are installed
    char icons[4096];           ///< folder of sound icons
    bool daemon;                ///< through brailled where one can be reached
    bool warm;                  ///< load the voice when the server starts
    double rate, pitch, volume; ///< factors on top of what is asked for
};
#define SD_CONFIG_INIT                                                                             \
    {                                                                                              \
        .icons = "/usr/share/sounds/sound-icons", .warm = true, .rate = 1, .pitch = 1, .volume = 1 \
    }
/** Lines of `Name "value"`, "#" begins a comment. A file that is not there is an empty one. A line
 * that is not understood: FAIL_INPUT, -EINVAL, with its number and what may stand there. */
int sd_config_read(struct sd_config *config, const char *path, struct fail *fail);

/** To the factors of an engine: rate -100, 0, 100 -> 0.5, 1, 4; pitch -> half an octave down, none,
 * half an octave up; volume -> silence, half, full; in between rate and pitch grow by equal factors
 * and the volume by equal steps. The voice is one of the n. */
struct engine_say_params sd_settings_params(const struct sd_settings *s,
                                            const struct sd_config *config,
                                            const struct engine_voice *voices, size_t n);
