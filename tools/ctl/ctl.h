/* SPDX-License-Identifier: Apache-2.0
 *
 * What the sub-commands of braillectl share: common options, messages, input, the way to an exit
 * code.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fail.h"
#include "tools/ctl/args.h"

/** The options every sub-command takes. */
struct ctl {
    const char *device, *models, *instance; ///< NULL: not given
    bool json, quiet, verbose, local;
    bool notify; ///< tell the desktop how it ended
    bool help, version;
    uint64_t start_usec; ///< when the program began, for total_ms and first_sound_ms
    char about[96];      ///< stands before what goes on now, "page 3 of 26: "
};

struct ctl_command {
    const char *name;
    const char *words;   ///< what follows the options in the usage line, e.g. "PAGE"
    const char *summary; ///< N_("…"): one line
    const char *help;    ///< N_("…"): more lines for --help
    /** The table of its own options, filled with places to put them. May be NULL. */
    size_t (*args)(struct arg *out);
    /** `words` are what is left after the options. 0, or a negative errno with *fail filled. */
    int (*run)(struct ctl *ctl, int n_words, char **words, struct fail *fail);
};
#define CTL_MAX_OWN_ARGS 24

extern const struct ctl_command ctl_caption, ctl_read, ctl_convert, ctl_say, ctl_devices,
    ctl_prepare, ctl_voices, ctl_spool, ctl_scan, ctl_button, ctl_metrics, ctl_find, ctl_keys,
    ctl_import;

/** Set by SIGINT and SIGTERM once ctl_catch_signals() was called. */
extern volatile int ctl_cancelled;
void ctl_catch_signals(void);
/** FAIL_INTERRUPTED, -ECANCELED. */
int ctl_interrupted(struct fail *fail);

uint64_t ctl_now_usec(void);
double ctl_ms_since(uint64_t start_usec);

/** A line on standard error, unless --quiet. Clears a progress line first. These are whole lines,
 * also of several threads. Formats are English and translated here, as those of ctl_progress()
 * (base/tr.h). */
void ctl_say_line(const struct ctl *ctl, const char *format, ...) PRINTF_FORMAT(2, 3);
/** What goes on now. Redrawn in place on a terminal, else a line every three seconds. */
void ctl_progress(const struct ctl *ctl, const char *format, ...) PRINTF_FORMAT(2, 3);
/** Something new begins: the next line comes no sooner than if the program began now. */
void ctl_progress_restart(void);
/** Remove the progress line from the terminal. */
void ctl_progress_clear(void);

/** Keep the first words of what is spoken; calls after the first do nothing. */
void ctl_said(const char *text);
const char *ctl_first_words(void);
/** With --notify: a notification on the desktop that `command` has ended, with the first words that
 * were spoken or with what is wrong. Where no server shows it, a line on standard error. */
void ctl_notify(const struct ctl *ctl, const char *command, const struct fail *fail);

/** Print one JSON object as a line on standard output and free it. */
int ctl_print_json(json_t *object /* taken */, struct fail *fail);
/** Flush standard output; a full disk or a closed pipe is FAIL_IO. */
int ctl_flush(struct fail *fail);

/** Open an input as a regular file; "-" and pipes are copied into memory first, and end with
 * -ECANCELED on SIGINT. *ret_fd owned. FAIL_OPEN when it cannot be opened. */
int ctl_open_input(const char *path, size_t max_size, int *ret_fd, struct fail *fail);
