/* SPDX-License-Identifier: Apache-2.0
 *
 * From a press to speech: the thread that calls scans; a thread reads and speaks page by page while
 * the next one is scanned; a thread plays short tones at once, whatever the others do.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/fail.h"
#include "tools/ctl/engine.h"
#include "tools/ctl/format/format.h"
#include "tools/ctl/scan/scan.h"
#include "tools/ctl/speech.h"

/* ---- tones.c ---- */

enum tone {
    TONE_PRESS,    ///< heard you
    TONE_SCANNING, ///< still at it, every one and a half seconds
    TONE_SCANNED,  ///< the paper may be taken
    TONE_DONE,     ///< all was read
    TONE_STOPPED,
    TONE_ERROR,
    TONE_READY, ///< the scanner is there
    TONE_N
};
struct tones;
/** Mono samples at ENGINE_RATE_HZ. *ret owned. -ENOMEM */
int tone_make(enum tone tone, double volume, float **ret, size_t *ret_n);
/** Each tone opens the sound card for itself, so that speech finds it free even where it can be
 * opened only once. Without a card there are no tones. */
int tones_new(double volume, struct tones **ret);
/** Comes back at once. `t` NULL: nothing. */
void tones_play(struct tones *t, enum tone tone);
/** TONE_SCANNING again and again. */
void tones_scanning(struct tones *t, bool on);
/** What is queued is played to its end. */
struct tones *tones_free(struct tones *t);
DEFINE_CLEANUP(struct tones *, tones_free);

/* ---- reader.c ---- */

struct reader_options {
    bool speak;                  ///< else a format is written
    bool print;                  ///< of a page that is spoken, its text on standard output, too
    const struct format *format; ///< not NULL unless `speak`
    const char *out;             ///< of the format; NULL: standard output
    bool keep_going;             ///< a watch: say what fails, and go on
    struct engine_read_params read;
    struct engine_say_params say;
    struct tones *tones; ///< borrowed; may be NULL
};
struct reader;
int reader_new(const struct ctl *ctl, const struct reader_options *options, struct reader **ret,
               struct fail *fail);
/** A press, or the begin: load models and warm up, meanwhile. Times count from here. */
void reader_begin(struct reader *r, uint64_t press_usec);
/** A page to read. Waits while several are waiting. `about`: what is known of it, for JSON. */
int reader_page(struct reader *r, struct image *img /* taken */, unsigned number,
                json_t *about /* taken */, struct fail *fail);
/** No more pages now; `n_pages` of them were given. `say_none`: where none holds braille. */
void reader_end(struct reader *r, unsigned n_pages);
/** Say aloud what is wrong, behind what is said now. */
void reader_say(struct reader *r, enum scan_problem problem);
bool reader_is_idle(struct reader *r);
/** Is a page at work, from its press until all of it was heard? Messages are none. */
bool reader_is_reading(struct reader *r);
/** Be silent, forget what waits, and be ready for more. */
void reader_stop(struct reader *r);
/** Of the scanner's guard: say that it hangs, half a minute at most. A struct reader *, or NULL. */
void reader_last_words(void *userdata);
/** Wait for all of it. The first thing that failed, or -ECANCELED. */
int reader_finish(struct reader *r, struct fail *fail);
struct reader *reader_free(struct reader *r);
DEFINE_CLEANUP(struct reader *, reader_free);

/** A line of JSON on standard output; whole, also where two threads have something to say. */
int scan_print_json(json_t *object /* taken */, struct fail *fail);

/* ---- setup.c: what scan and button have in common ---- */

enum scan_output { SCAN_TO_TEXT, SCAN_TO_PICTURE, SCAN_TO_SOUND };
struct scan_setup {
    const char *scanner, *area, *output, *pages_text;
    unsigned format, side, orientation, mirrored, code;
    double timeout_s;
    bool speak, no_earcons;
    struct scan_settings settings;
    struct speech_options speech;
    /* found by scan_setup_check() */
    enum scan_output to;
    const struct format *text_format;
    unsigned max_pages; ///< 0: until the feeder is empty; UINT_MAX: not said
};
#define SCAN_SETUP_INIT                                                                            \
    {                                                                                              \
        .format = UINT_MAX, .side = PIPELINE_BOTH + 1, .timeout_s = 60,                            \
        .settings = {.dpi = SCAN_DPI}, .speech = SPEECH_OPTIONS_INIT                               \
    }
enum { SCAN_SETUP_N_ARGS = 20 };
void scan_setup_args(struct scan_setup *o, struct arg *out);
int scan_setup_check(struct scan_setup *o, const struct ctl *ctl, struct fail *fail);
struct engine_read_params scan_setup_read(const struct scan_setup *o);

/** "page-%03d.png" -> "page-007.png"; *ret owned. */
int scan_page_path(const char *pattern, unsigned number, char **ret);
bool scan_is_pattern(const char *path);
/** The first number whose file is not there, and no later one either. */
unsigned scan_first_free(const char *pattern);

/** All pages of a press: from the glass one, from a feeder as many as there are. */
struct scan_run {
    const struct ctl *ctl;
    const struct scan_setup *setup;
    struct scanner *scanner;
    struct reader *reader; ///< NULL: pictures only
    struct tones *tones;   ///< may be NULL
    const char *pictures;  ///< pattern or name; NULL: none
    bool feeder, duplex;   ///< as scan_apply() found them
    bool prompts;          ///< between pages of the glass ask for the next one
    bool (*stop)(void *);  ///< asked between pages; may be NULL
    void *userdata;
    uint64_t press_usec;
    unsigned next_number; ///< of the next page's file
    unsigned n_pages;     ///< so far
};
int scan_run(struct scan_run *run, struct fail *fail);
