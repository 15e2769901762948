/* SPDX-License-Identifier: Apache-2.0 */

#include "manifest/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "manifest/lines.h"

typedef int each_line(void *ctx, const json_t *line, struct fail *fail);

struct journal {
    char *path; ///< owned
    int fd;
    off_t start; ///< of the first line after the head
    size_t n_head;
    off_t end;     ///< of what is on the disk; nothing is written behind it but by journal_sync()
    char *waiting; ///< owned; lines that are not there yet
    size_t n, room;
};

/* Open and lock; again when the other process removed the file while we waited for nothing. */
static int open_locked(struct journal *j, struct fail *fail)
{
    for (;;) {
        struct stat st;
        j->fd = open(j->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0666);
        if (j->fd < 0 || fstat(j->fd, &st) < 0)
            return fail_set(fail, FAIL_CREATE, -errno, "cannot open '%s': %m", j->path);
        if (!S_ISREG(st.st_mode))
            return fail_set(fail, FAIL_CREATE, -EINVAL, "'%s' is no regular file", j->path);
        if (flock(j->fd, LOCK_EX | LOCK_NB) < 0) {
            if (errno == EWOULDBLOCK)
                return fail_set(fail, FAIL_OPEN, -EBUSY,
                                "another process is at work on '%s'; wait for it or end it",
                                j->path);
            return fail_set(fail, FAIL_IO, -errno, "cannot lock '%s': %m", j->path);
        }
        if (fstat(j->fd, &st) == 0 && st.st_nlink > 0)
            return 0;
        close(j->fd);
    }
}

/* What is not ours is never cut: a torn first line must at least begin like our head. */
static int check_head(struct journal *j, const json_t *head, struct manifest_lines *lines,
                      bool *ret_there, struct fail *fail)
{
    CLEANUP_FREE char *want = manifest_dump_line(head);
    json_error_t error;
    char *line;
    size_t size;
    bool whole;

    *ret_there = false;
    if (!want)
        return -ENOMEM;
    int r = manifest_lines_next(lines, &line, &size, &whole, fail);
    if (r <= 0)
        return r;
    bool same = false;
    if (whole) { /* by value, as the one in the file went through text as well */
        json_t *a = manifest_parse_line(line, size, &error),
               *b = manifest_parse_line(want, strlen(want), &error);
        same = a && b && json_equal(a, b);
        json_decref(a);
        json_decref(b);
    } else {
        same = size <= strlen(want) && memcmp(line, want, size) == 0;
    }
    if (!same)
        return fail_set(fail, FAIL_USAGE, -EEXIST, "'%s' belongs to something else", j->path);
    *ret_there = whole;
    if (whole) {
        j->start = j->end = lines->end;
        j->n_head = 1;
    }
    return 0;
}

/* Lines from `lines` on; j->end follows the last good one. A last line that is torn or no JSON is
 * what a power cut leaves. */
static int read_lines(struct journal *j, struct manifest_lines *lines, each_line *each, void *ctx,
                      struct fail *fail)
{
    size_t bad = 0;
    char *line;
    size_t size;
    bool whole;
    int r;

    while ((r = manifest_lines_next(lines, &line, &size, &whole, fail)) > 0) {
        json_error_t error;
        if (bad)
            return fail_set(fail, FAIL_INPUT, -EBADMSG,
                            "'%s', line %zu is no JSON object; repair or remove it", j->path, bad);
        json_t *json = whole ? manifest_parse_line(line, size, &error) : NULL;
        if (!json) {
            bad = lines->number;
            continue;
        }
        r = each ? each(ctx, json, fail) : 0;
        json_decref(json);
        if (r < 0)
            return r;
        j->end = lines->end;
    }
    return r;
}

static int read_all(struct journal *j, const json_t *head, each_line *each, void *ctx,
                    struct fail *fail)
{
    CLEANUP(manifest_lines_done) struct manifest_lines lines = {.fd = j->fd, .name = j->path};
    bool there = true;

    int r = head ? check_head(j, head, &lines, &there, fail) : 0;
    if (r == 0 && there)
        r = read_lines(j, &lines, each, ctx, fail);
    if (r == 0 && ftruncate(j->fd, j->end) < 0)
        r = fail_set(fail, FAIL_IO, -errno, "cannot write '%s': %m", j->path);
    if (r < 0 || there)
        return r;
    r = journal_add(j, head, fail);
    if (r == 0)
        r = journal_sync(j, fail);
    if (r == 0) {
        j->start = j->end;
        j->n_head = 1;
        file_sync_folder(j->path);
    }
    return r;
}

int journal_open(const char *path, const json_t *head, bool fresh, each_line *each, void *ctx,
                 struct journal **ret, struct fail *fail)
{
    struct journal *j = calloc(1, sizeof(*j));

    if (!j)
        return -ENOMEM;
    j->fd = -1;
    int r = (j->path = strdup(path)) ? open_locked(j, fail) : -ENOMEM;
    if (r == 0 && fresh && ftruncate(j->fd, 0) < 0)
        r = fail_set(fail, FAIL_IO, -errno, "cannot write '%s': %m", path);
    if (r == 0)
        r = read_all(j, head, each, ctx, fail);
    if (r < 0) {
        journal_close(j, false);
        return r;
    }
    *ret = j;
    return 0;
}

int journal_replay(struct journal *journal, each_line *each, void *ctx, struct fail *fail)
{
    CLEANUP(manifest_lines_done)
    struct manifest_lines lines = {.fd = journal->fd,
                                   .name = journal->path,
                                   .offset = journal->start,
                                   .number = journal->n_head};

    const off_t end = journal->end;
    int r = read_lines(journal, &lines, each, ctx, fail);
    journal->end = end;
    return r;
}

int journal_add(struct journal *journal, const json_t *line, struct fail *fail)
{
    CLEANUP_FREE char *text = manifest_dump_line(line);

    if (!text)
        return -ENOMEM;
    const size_t size = strlen(text);
    if (journal->n + size + 1 > journal->room) {
        const size_t room = MAX(journal->room * 2, journal->n + size + 1);
        char *more = realloc(journal->waiting, room);
        if (!more)
            return -ENOMEM;
        journal->waiting = more;
        journal->room = room;
    }
    memcpy(journal->waiting + journal->n, text, size);
    journal->waiting[journal->n + size] = '\n';
    journal->n += size + 1;
    return 0;
}

int journal_sync(struct journal *journal, struct fail *fail)
{
    size_t done = 0;

    while (done < journal->n) {
        const ssize_t n = pwrite(journal->fd, journal->waiting + done, journal->n - done,
                                 journal->end + (off_t) done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            break;
        done += (size_t) n;
    }
    if (done < journal->n || fdatasync(journal->fd) < 0) {
        int r = fail_set(fail, FAIL_IO, -errno, "cannot write '%s': %m", journal->path);
        /* should that fail too: the half line is cut off when it is opened again */
        if (ftruncate(journal->fd, journal->end) < 0)
            return r;
        return r;
    }
    journal->end += (off_t) journal->n;
    journal->n = 0;
    return 0;
}

struct journal *journal_close(struct journal *journal, bool remove)
{
    if (!journal)
        return NULL;
    if (remove)
        unlink(journal->path);
    if (journal->fd >= 0)
        close(journal->fd);
    free(journal->waiting);
    free(journal->path);
    free(journal);
    return NULL;
}
