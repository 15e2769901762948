/* SPDX-License-Identifier: Apache-2.0 */

#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/tr.h"

static int log_max_level = LOG_INFO;
static bool log_journal, log_translated;
static int (*log_sink)(int level, int error, const char *text);

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

void log_set_sink(int (*sink)(int level, int error, const char *text))
{
    log_sink = sink;
}

int log_full_errno(int level, int error, const char *format, ...)
{
    if (level > log_max_level)
        return error;

    const int saved_errno = errno, positive = error < 0 ? -error : error;
    CLEANUP_FREE char *text = NULL;
    char localized[1024];
    va_list ap;

    errno = positive;
    if (log_translated)
        format = tr_format(format, localized, sizeof(localized));
    va_start(ap, format);
    if (vasprintf(&text, format, ap) < 0)
        text = NULL;
    va_end(ap);
    const char *line = text ? text : format; /* without memory, what is there of it */
    if (!log_sink || log_sink(level, positive, line) < 0) {
        flockfile(stderr);
        if (log_journal)
            fprintf(stderr, "<%d>", level);
        fputs(line, stderr);
        fputc('\n', stderr);
        funlockfile(stderr);
    }
    errno = saved_errno;
    return error;
}
