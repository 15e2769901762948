/* SPDX-License-Identifier: Apache-2.0
 *
 * Scanners through SANE's C interface, which is opened when it is needed: braillectl runs where no
 * SANE is installed. All calls of a scanner come from one thread, but for scan_guard's.
 * Source: SANE Standard 1.06 (sane-project.org), sections 3 and 4.
 */
#pragma once

#include <jansson.h>
#include <sane/sane.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fail.h"
#include "image/image.h"
#include "tools/ctl/ctl.h"

/* ---- problem.c: what can go wrong, in writing and in speech ---- */

enum scan_problem {
    SCAN_FINE,
    SCAN_NO_LIBRARY,
    SCAN_NONE_FOUND,
    SCAN_DENIED,
    SCAN_BUSY,
    SCAN_GONE,
    SCAN_SILENT, ///< no data for too long
    SCAN_JAMMED,
    SCAN_COVER_OPEN,
    SCAN_NO_DOCS,
    SCAN_BLACK_AND_WHITE, ///< offers no grey
    SCAN_TOO_LARGE,
    SCAN_NO_PICTURE,
    SCAN_NO_MEMORY,
    SCAN_REFUSED, ///< does not accept what it was asked for, or answers what cannot be
    SCAN_CANCELLED,
    SCAN_NO_BUTTON,
    SCAN_NO_BRAILLE, ///< of the page, no scanner's
    SCAN_NOT_READ,   ///< likewise
    SCAN_BACK,       ///< no problem any more
    SCAN_N_PROBLEMS
};
struct scan_words {
    const char *name;    ///< in JSON, "paper-jam"
    enum fail_kind kind; ///< the exit code
    int r;               ///< negative errno
    const char *text;    ///< English, %s: the scanner
    const char *hanzi;   ///< as it is said
};
extern const struct scan_words scan_words[SCAN_N_PROBLEMS];
enum scan_problem scan_problem_of(SANE_Status status);

/* ---- sane.c ---- */

/* clang-format off */
#define SANE_CALLS(X)                                                                              \
    X(init) X(exit) X(get_devices) X(open) X(close) X(get_option_descriptor) X(control_option)     \
    X(get_parameters) X(start) X(read) X(cancel)
/* clang-format on */
struct sane_api {
#define X(name) __typeof__(&sane_##name) name;
    SANE_CALLS(X)
#undef X
};
/** Open libsane and begin with it; once a process. FAIL_UNAVAILABLE. Borrowed. */
const struct sane_api *sane_api_open(struct fail *fail);
/** End and begin anew: some drivers look for devices only at their beginning. */
int sane_api_restart(struct fail *fail);
/** End; the library stays loaded, for drivers leave threads behind. */
void sane_api_close(void);

/* ---- device.c ---- */

/** An open scanner. */
struct scanner {
    const struct ctl *ctl; ///< borrowed
    const struct sane_api *api;
    SANE_Handle handle;
    bool open, started;        ///< `started`: sane_cancel() is due
    char name[256];            ///< as SANE calls it
    char title[256];           ///< as people do
    enum scan_problem problem; ///< of the last failure
    unsigned timeout_s;        ///< without data, until it counts as dead
    double dpi;                ///< as set; 0: the scanner does not say
    /** Called from another thread before the process ends because a driver hangs; NULL: nothing. */
    void (*last_words)(void *userdata);
    void *userdata;
    struct scan_times {
        uint64_t start_usec, started_usec; ///< of the last page; CLOCK_MONOTONIC
        uint64_t data_usec, end_usec;
    } times;
};
/** Set s->problem and say it. The problem's errno. */
int scan_fail(struct scanner *s, enum scan_problem problem, struct fail *fail);

/** Print all scanners, network ones too. */
int scan_list(struct ctl *ctl, struct fail *fail);
/** Open `wanted`, or (NULL) $SANE_DEFAULT_DEVICE, the one that served last, the first that is no
 * camera. `s` is to be filled with zeros but for ctl and timeout_s. */
int scan_open(struct scanner *s, const char *wanted, struct fail *fail);
/** It has served: take it first next time. */
void scan_remember(const struct scanner *s);
void scan_close(struct scanner *s);
/** A scanner by USB, as udev's marks below `root` ("" but in tests) say, that this user may not
 * open? *ret: its name. */
bool scan_find_denied(const char *root, char *ret, size_t size);

/* ---- guard.c ---- */

/** Watches over calls that may never come back: behind the time limit, or a second after
 * ctl_cancelled was set, the scan is cancelled from aside (SANE allows that), and where not even
 * that helps, the process ends with FAIL_IO. */
struct scan_guard;
int scan_guard_new(const struct scanner *s, bool cancels, struct scan_guard **ret);
/** There was data. */
void scan_guard_touch(struct scan_guard *g);
/** Did it cancel because nothing came? */
bool scan_guard_fired(struct scan_guard *g);
struct scan_guard *scan_guard_free(struct scan_guard *g);
DEFINE_CLEANUP(struct scan_guard *, scan_guard_free);

/* ---- options.c ---- */

/** What is asked of a scanner; what is NULL or 0 is left to us. */
struct scan_settings {
    const char *source; ///< "flatbed", "adf", "duplex", or as the scanner calls it
    const char *mode;   ///< as the scanner calls it; NULL: grey, else colour
    double dpi;         ///< 0: SCAN_DPI
    bool has_area;      ///< else all, at most SCAN_MAX_MM of it
    double x, y, w, h;  ///< mm
    const char *set;    ///< "NAME=VALUE,NAME=VALUE"
};
enum { SCAN_DPI = 200, SCAN_MAX_MM = 460 };

/** By name. 0: there is none that can be used. */
int scan_option(const struct scanner *s, const char *name, const SANE_Option_Descriptor **ret);
int scan_n_options(const struct scanner *s);
/** One word of a bool, int or fixed option. */
SANE_Status scan_get_word(const struct scanner *s, int option, SANE_Word *ret);
/** A string option; at most size - 1 bytes of it. */
SANE_Status scan_get_string(const struct scanner *s, int option, char *ret, size_t size);
/** *ret_feeder: paper comes from a feeder; *ret_duplex: both sides of it. */
int scan_apply(struct scanner *s, const struct scan_settings *settings, bool *ret_feeder,
               bool *ret_duplex, struct fail *fail);
/** "A4", "A5", "letter", "X,Y,W,H", mm, into the settings. FAIL_USAGE. */
int scan_parse_area(const char *text, struct scan_settings *ret, struct fail *fail);

/* ---- frame.c ---- */

/** One page, 8 bit, grey or RGB. Between pages of a feeder nothing else is called. SCAN_NO_DOCS is
 * the end of a stack. *ret owned. */
int scan_page(struct scanner *s, struct image **ret, struct fail *fail);
/** The paper may be taken; behind the last page and each failure. */
void scan_end(struct scanner *s);

/* ---- buttons.c ---- */

enum scan_button_kind { SCAN_BUTTON_PRESS, SCAN_BUTTON_STOP };
struct scan_button {
    int option;
    char name[64], title[96];
    enum scan_button_kind kind;
    SANE_Value_Type type;
    SANE_Word word;  ///< as last seen
    char string[64]; ///< likewise, of strings
};
struct scan_buttons {
    struct scan_button list[32];
    size_t n;
};
/** Options that the user's finger sets; with `wanted` this one only, whatever it is called. */
int scan_buttons_find(struct scanner *s, const char *wanted, struct scan_buttons *ret,
                      struct fail *fail);
/** Look; 1: *ret_pressed (borrowed) has just been pressed; 0. The first look only takes note. */
int scan_buttons_poll(struct scanner *s, struct scan_buttons *b,
                      const struct scan_button **ret_pressed, struct fail *fail);
/** Forget presses since the last look. */
int scan_buttons_reset(struct scanner *s, struct scan_buttons *b, struct fail *fail);
/** For people and, as an array, for scripts. */
json_t *scan_buttons_json(const struct scan_buttons *b);
