/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <syslog.h>

#include "base/macro.h"

/* Only main programs (tools/, daemon/) log; libraries return an error and stay silent. With
 * `log_set_journal(true)` lines carry sd-daemon(3)'s "<3>" priority marker. */
void log_set_max_level(int level);
void log_set_journal(bool journal);
/** What a user reads, not a journal: formats are translated (base/tr.h). */
void log_set_translated(bool translated);
/** Where lines go instead of standard error: `error` is positive or 0. One that returns a negative
 * value has not taken the line. NULL: standard error. */
void log_set_sink(int (*sink)(int level, int error, const char *text));
int log_full_errno(int level, int error, const char *format, ...) PRINTF_FORMAT(3, 4);

/* All of these return `error` unchanged, so that `return log_error_errno(r, "…: %m")` works. */
#define log_error_errno(e, ...) log_full_errno(LOG_ERR, (e), __VA_ARGS__)
#define log_warning_errno(e, ...) log_full_errno(LOG_WARNING, (e), __VA_ARGS__)
#define log_debug_errno(e, ...) log_full_errno(LOG_DEBUG, (e), __VA_ARGS__)
#define log_error(...) ((void) log_full_errno(LOG_ERR, 0, __VA_ARGS__))
#define log_warning(...) ((void) log_full_errno(LOG_WARNING, 0, __VA_ARGS__))
#define log_info(...) ((void) log_full_errno(LOG_INFO, 0, __VA_ARGS__))
#define log_debug(...) ((void) log_full_errno(LOG_DEBUG, 0, __VA_ARGS__))
