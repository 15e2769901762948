/* SPDX-License-Identifier: Apache-2.0
 *
 * Who does the work: brailled on a bus where one can be reached, else a pipeline in this process.
 * Both do the same; which one it is, is said on standard error.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/fail.h"
#include "pipeline/pipeline.h"
#include "tools/ctl/args.h"
#include "tools/ctl/ctl.h"

struct engine;

enum { ENGINE_RATE_HZ = 16000 }; ///< of speech, unless its caller takes any rate

/** Milliseconds a stage, summed over pages and sentences. */
struct engine_stages {
    struct engine_stage {
        char name[16];
        double ms;
    } list[16];
    size_t n;
};
void engine_stages_add(struct engine_stages *s, const char *name, double ms);

struct engine_page {
    char *pinyin; ///< as printed; owned
    char *text;   ///< what is to be spoken, toned pinyin; owned
    double confidence;
    unsigned n_unknown; ///< cells that are no text
    char code[16];      ///< it was read in: "current", "common", "two-cell"; "": not told
};
void engine_page_done(struct engine_page *page);

/** --side, --orientation and --mirrored: the names, and what each stands for. */
extern const char *const engine_sides[], *const engine_orientations[], *const engine_mirrored[];
#define ENGINE_PLACE_ARGS(side_to, orientation_to, mirrored_to)                                    \
    {"side",                                                                                       \
     0,                                                                                            \
     ARG_CHOICE,                                                                                   \
     "SIDE",                                                                                       \
     N_("recto (default), verso (the other side's dots) or both"),                                 \
     (side_to),                                                                                    \
     .choices = engine_sides},                                                                     \
        {"orientation",                                                                            \
         0,                                                                                        \
         ARG_CHOICE,                                                                               \
         "DEG",                                                                                    \
         N_("auto (default), 0, 90, 180 or 270"),                                                  \
         (orientation_to),                                                                         \
         .choices = engine_orientations},                                                          \
    {                                                                                              \
        "mirrored", 0, ARG_CHOICE, "WHETHER",                                                      \
            N_("auto (default), no, or yes: the picture is a mirror image"), (mirrored_to),        \
            .choices = engine_mirrored                                                             \
    }

/** As --orientation and --mirrored choose: -1 for auto. */
int engine_orientation_of(unsigned choice), engine_mirrored_of(unsigned choice);

/** The names of --code: "auto", then those of enum lang_code. NULL-terminated. */
extern const char *const engine_codes[];
#define ENGINE_CODE_ARG(to)                                                                        \
    {                                                                                              \
        "code", 0, ARG_CHOICE, "CODE", N_("auto (default), current, common or two-cell"), (to),    \
            .choices = engine_codes                                                                \
    }
/** "Two-Cell Chinese Braille" of "two-cell", in the user's language. */
const char *engine_code_title(const char *code);

struct engine_read_params {
    int orientation; ///< -1: found; degrees
    double dpi;      ///< 0: from the file or found
    unsigned code;   ///< 0: found; else 1 + enum lang_code
    enum pipeline_sides sides;
    int mirrored; ///< -1: found; 0 no, 1 yes
};
/** An SSML mark is reached: of the sound, all that stands before it was given. NULL: a sentence
 * begins. A negative return ends the speaking with that error. */
typedef int (*engine_mark_fn)(void *userdata, const char *name, struct fail *fail);

struct engine_say_params {
    double rate, pitch, volume; ///< factors, 1: as the voice is
    bool no_sandhi;
    enum lang_input input; ///< what the text is
    const char *voice;     ///< one of engine_voices(); NULL: the first
    bool any_rate;         ///< the sound comes as the voice makes it, at engine->rate_hz
    engine_mark_fn mark;   ///< called with the userdata of the sound; may be NULL
};
struct engine_voice {
    char name[64], language[16], gender[16], title[128];
};
/** Sound as it is made, in order; a negative return ends the speaking with that error. */
typedef int (*engine_sound_fn)(void *userdata, const float *samples, size_t n, struct fail *fail);

/** What an engine can do; engine-local.c and engine-bus.c each fill one. */
struct engine_ops {
    int (*read)(struct engine *e, int fd, const char *name, const struct engine_read_params *params,
                struct engine_page *ret, struct fail *fail);
    int (*say)(struct engine *e, const char *text, const struct engine_say_params *params,
               engine_sound_fn sound, void *userdata, struct fail *fail);
    int (*voices)(struct engine *e, struct engine_voice **ret, size_t *ret_n, struct fail *fail);
    int (*prepare)(struct engine *e, struct fail *fail);
    void (*free)(struct engine *e);
};

/** The part both share; each has its own struct that begins with this one. */
struct engine {
    const struct engine_ops *ops;
    const struct ctl *ctl; ///< borrowed
    bool daemon;
    unsigned rate_hz; ///< of the sound, known with its first samples
    char device[256]; ///< "" until known
    char *unsaid;     ///< what of the last text could not be said, named; NULL: nothing; owned
    char *spoken;     ///< the last text as pinyin, as it was spoken; NULL: not yet; owned
    struct engine_stages stages;
};

/** A daemon unless --local, --device or --models were given or none can be reached. *ret owned. */
int engine_new(const struct ctl *ctl, struct engine **ret, struct fail *fail);
struct engine *engine_free(struct engine *e);
DEFINE_CLEANUP(struct engine *, engine_free);

/** Keep what could not be said; `unsaid` may be NULL. -ENOMEM. */
int engine_set_unsaid(struct engine *e, const char *unsaid);
/** A part that was spoken behind those before. -ENOMEM. */
int engine_add_spoken(struct engine *e, const char *pinyin);
/** Keep the name of the device and say it once. `note` may be "". */
void engine_set_device(struct engine *e, const char *device, const char *note);

int engine_local_new(const struct ctl *ctl, struct engine **ret, struct fail *fail);
/** 1: connected, *ret set; 0: there is no brailled to talk to. */
int engine_bus_new(const struct ctl *ctl, struct engine **ret);

/** Read one page from a regular file or memfd at offset 0. */
int engine_read(struct engine *e, int fd, const char *name, const struct engine_read_params *params,
                struct engine_page *ret, struct fail *fail);
/** Speak a text. What cannot be said is named on standard error and in e->unsaid; e->spoken is what
 * was said. */
int engine_say(struct engine *e, const char *text, const struct engine_say_params *params,
               engine_sound_fn sound, void *userdata, struct fail *fail);
/** The voices, the one that speaks unless another one is asked for first. *ret: owned. */
int engine_voices(struct engine *e, struct engine_voice **ret, size_t *ret_n, struct fail *fail);
/** Load models and warm the device's programs. */
int engine_prepare(struct engine *e, struct fail *fail);
