/* SPDX-License-Identifier: Apache-2.0 */

#include "journal.h"

#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

enum { MAX_FIELDS = 12, FIELD_BYTES = 300, OWN_FIELDS = 4 };

static struct {
    char text[FIELD_BYTES];
} fields[MAX_FIELDS];
static size_t n_fields;

/* systemd.exec(5): JOURNAL_STREAM names the socket that standard error was connected to; a program
 * started from here with its output led elsewhere has the variable, too. */
static bool is_connected(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    unsigned long long dev, ino;
    struct stat st;

    return stream && sscanf(stream, "%llu:%llu", &dev, &ino) == 2 &&
           fstat(STDERR_FILENO, &st) == 0 && st.st_dev == dev && st.st_ino == ino;
}

static void add(struct iovec *entry, size_t *n, char *text)
{
    entry[(*n)++] = (struct iovec){text, strlen(text)};
}

static int send_line(int level, int error, const char *text)
{
    static char identifier[] = "SYSLOG_IDENTIFIER=brailled";
    struct iovec entry[OWN_FIELDS + MAX_FIELDS];
    CLEANUP_FREE char *message = NULL;
    char priority[32], number[32];
    size_t n = 0;

    if (asprintf(&message, "MESSAGE=%s", text) < 0) {
        message = NULL;
        return -1;
    }
    snprintf(priority, sizeof(priority), "PRIORITY=%d", level);
    snprintf(number, sizeof(number), "ERRNO=%d", error);
    add(entry, &n, message);
    add(entry, &n, priority);
    add(entry, &n, identifier);
    if (error != 0)
        add(entry, &n, number);
    for (size_t i = 0; i < n_fields; i++)
        add(entry, &n, fields[i].text);
    return sd_journal_sendv(entry, (int) n);
}

void journal_start(void)
{
    log_set_journal(getenv("JOURNAL_STREAM") != NULL);
    if (!is_connected())
        return;
    log_set_sink(send_line);
    log_set_max_level(LOG_DEBUG); /* journalctl -p chooses, also afterwards */
}

void journal_field(const char *name, const char *format, ...)
{
    va_list ap;

    if (n_fields == MAX_FIELDS)
        return;
    char *text = fields[n_fields++].text;
    int n = snprintf(text, FIELD_BYTES, "BRAILLED_%s=", name);
    va_start(ap, format);
    vsnprintf(text + n, FIELD_BYTES - (size_t) n, format, ap);
    va_end(ap);
}

void journal_clear(void)
{
    n_fields = 0;
}
