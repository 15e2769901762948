/* SPDX-License-Identifier: Apache-2.0 */

#include "tools/ctl/ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/tr.h"

enum { REDRAW_USEC = 100 * 1000, LINE_USEC = 3 * 1000 * 1000 };

volatile int ctl_cancelled;
static bool progress_shown;
static uint64_t progress_usec;

static void on_signal(int sig)
{
    ctl_cancelled = 1;
}

void ctl_catch_signals(void)
{
    /* Without SA_RESTART: a blocking read of the input ends too. */
    struct sigaction sa = {.sa_handler = on_signal};
    sigaction(SIGINT, &sa, NULL);
    sigaction(SIGTERM, &sa, NULL);
    sigaction(SIGHUP, &sa, NULL);
}

int ctl_interrupted(struct fail *fail)
{
    return fail_set(fail, FAIL_INTERRUPTED, -ECANCELED, "interrupted; no file is left behind");
}

uint64_t ctl_now_usec(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t) ts.tv_sec * 1000000 + (uint64_t) ts.tv_nsec / 1000;
}

double ctl_ms_since(uint64_t start_usec)
{
    return (double) (ctl_now_usec() - start_usec) / 1000;
}

/* In place only where someone looks at a terminal that can do it; a screen reader and a log get
 * plain lines. */
static bool can_redraw(void)
{
    const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR");
    return isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0 && !(no_color && no_color[0]);
}

void ctl_progress_clear(void)
{
    flockfile(stderr);
    if (progress_shown)
        fputs("\r\033[K", stderr);
    progress_shown = false;
    funlockfile(stderr);
}

void ctl_say_line(const struct ctl *ctl, const char *format, ...)
{
    char localized[1024];
    va_list ap;

    if (ctl->quiet)
        return;
    format = tr_format(format, localized, sizeof(localized));
    flockfile(stderr);
    ctl_progress_clear();
    va_start(ap, format);
    vfprintf(stderr, format, ap);
    va_end(ap);
    fputc('\n', stderr);
    funlockfile(stderr);
}

void ctl_progress_restart(void)
{
    flockfile(stderr);
    progress_usec = ctl_now_usec();
    funlockfile(stderr);
}

static void redraw_progress(const struct ctl *ctl, bool redraw, const char *format, va_list ap)
{
    ctl_progress_clear();
    fputs(ctl->about, stderr);
    vfprintf(stderr, format, ap);
    if (!redraw)
        fputc('\n', stderr);
    fflush(stderr);
    progress_shown = redraw;
}

void ctl_progress(const struct ctl *ctl, const char *format, ...)
{
    bool redraw = can_redraw();
    uint64_t now = ctl_now_usec();
    va_list ap;

    flockfile(stderr);
    if (progress_usec == 0)
        progress_usec = ctl->start_usec;
    if (!ctl->quiet && now - progress_usec >= (redraw ? REDRAW_USEC : LINE_USEC)) {
        progress_usec = now;
        va_start(ap, format);
        redraw_progress(ctl, redraw, tr(format), ap);
        va_end(ap);
    }
    funlockfile(stderr);
}

static char first_words[240];

void ctl_said(const char *text)
{
    if (first_words[0] ||
        snprintf(first_words, sizeof(first_words), "%s", text) < (int) sizeof(first_words))
        return;
    /* no half a character, and a sign that there is more */
    size_t end = sizeof(first_words) - sizeof("…");
    while (end > 0 && ((uint8_t) first_words[end] & 0xc0) == 0x80)
        end--;
    strcpy(first_words + end, "…");
}

const char *ctl_first_words(void)
{
    return first_words;
}

int ctl_flush(struct fail *fail)
{
    errno = 0;
    if (fflush(stdout) != 0 || ferror(stdout))
        return fail_set(fail, FAIL_IO, errno ? -errno : -EIO,
                        "cannot write to standard output: %m");
    return 0;
}

int ctl_print_json(json_t *object, struct fail *fail)
{
    int r = object ? json_dumpf(object, stdout, JSON_COMPACT | JSON_REAL_PRECISION(7)) : -1;

    json_decref(object);
    if (r < 0 && !ferror(stdout))
        return fail_set(fail, FAIL_DEFECT, -ENOMEM, "cannot build the JSON answer");
    fputc('\n', stdout);
    return ctl_flush(fail);
}

static int copy_to_memory(int fd, const char *name, size_t max_size, int *ret_fd, struct fail *fail)
{
    uint8_t block[65536];
    size_t size = 0;

    int copy = memfd_create("braillectl-input", MFD_CLOEXEC);
    if (copy < 0)
        return fail_set(fail, FAIL_OTHER, -errno, "cannot keep '%s' in memory: %m", name);
    for (;;) {
        ssize_t n = ctl_cancelled ? 0 : read(fd, block, sizeof(block));
        int r = n < 0 ? -errno : 0;
        if (ctl_cancelled)
            r = ctl_interrupted(fail);
        else if (r == -EINTR)
            continue;
        else if (r < 0)
            fail_set(fail, FAIL_IO, r, "cannot read '%s': %m", name);
        else if ((size += (size_t) n) > max_size)
            r = fail_set(fail, FAIL_INPUT, -EFBIG, "'%s' is larger than %zu MiB", name,
                         max_size >> 20);
        else if (n > 0 && write(copy, block, (size_t) n) != n)
            r = fail_set(fail, FAIL_OTHER, -ENOMEM, "not enough memory to read '%s'", name);
        if (r < 0) {
            close(copy);
            return r;
        }
        if (n == 0)
            break;
    }
    lseek(copy, 0, SEEK_SET);
    *ret_fd = copy;
    return 0;
}

int ctl_open_input(const char *path, size_t max_size, int *ret_fd, struct fail *fail)
{
    struct stat st;

    if (strcmp(path, "-") == 0)
        return copy_to_memory(STDIN_FILENO, tr("standard input"), max_size, ret_fd, fail);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == EINTR && ctl_cancelled)
        return ctl_interrupted(fail);
    if (fd < 0 || fstat(fd, &st) < 0) {
        int r = fail_set(fail, FAIL_OPEN, -errno, "cannot open '%s': %m", path);
        if (fd >= 0)
            close(fd);
        return r;
    }
    if (S_ISREG(st.st_mode)) {
        *ret_fd = fd;
        return 0;
    }
    int r = S_ISDIR(st.st_mode)
                ? fail_set(fail, FAIL_OPEN, -EISDIR, "'%s' is a folder; name a file in it", path)
                : copy_to_memory(fd, path, max_size, ret_fd, fail);
    close(fd);
    return r;
}
