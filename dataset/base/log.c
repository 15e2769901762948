/* SPDX-License-Identifier: Apache-2.0 */

#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/tr.h"

static int log_max_level = LOG_INFO;
static bool log_journal, log_translated;

void log_set_max_level(int level)
{
    log_max_level = level;
}

void log_set_journal(bool journal)
{
    log_journal = journal;
}

void log_set_translated(bool translated)
{
    log_translated = translated;
}

int log_full_errno(int level, int error, const char *format, ...)
{
    if (level > log_max_level)
        return error;

    const int saved_errno = errno;
    char localized[1024];
    va_list ap;

    flockfile(stderr);
    if (log_journal)
        fprintf(stderr, "<%d>", level);
    errno = error < 0 ? -error : error;
    if (log_translated)
        format = tr_format(format, localized, sizeof(localized));
    va_start(ap, format);
    vfprintf(stderr, format, ap);
    va_end(ap);
    fputc('\n', stderr);
    funlockfile(stderr);
    errno = saved_errno;
    return error;
}
