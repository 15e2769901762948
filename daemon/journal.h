/* SPDX-License-Identifier: Apache-2.0
 *
 * Log lines with fields, for systemd's journal: `journalctl BRAILLED_JOB=7`,
 * `journalctl -o json SYSLOG_IDENTIFIER=brailled`. Main thread only. Where standard error leads
 * elsewhere lines go there as before, without their fields. What a page says is never logged.
 *
 *     journal_field("METHOD", "%s", "Convert");     BRAILLED_METHOD=Convert
 *     journal_field("CELLS", "%zu", n);
 *     log_info("…");                                 one entry with both
 *     journal_clear();
 *
 * Fields in use: METHOD, CALLER (its name on the bus), JOB (of an object: its number), RESULT
 * (done, or the name of the error), DEVICE, CELLS, AUDIO_USEC, DURATION_USEC.
 */
#pragma once

#include "base/macro.h"

/** From here on log lines of all levels go to the journal with their fields, if standard error
 * leads there. */
void journal_start(void);

/** Add BRAILLED_`name` to the lines that follow; the oldest 12 are kept. `name`: capitals and _. */
void journal_field(const char *name, const char *format, ...) PRINTF_FORMAT(2, 3);
/** The lines that follow have no fields. */
void journal_clear(void);
