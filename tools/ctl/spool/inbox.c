/* SPDX-License-Identifier: Apache-2.0 */

#include "tools/ctl/spool/spool.h"

#include "tools/ctl/ctl.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/inotify.h>
#include <unistd.h>

enum {
    SETTLED_USEC = 2 * 1000 * 1000, ///< where it cannot be told who has a file open
    ABANDONED_S = 15 * 60,
};

int inbox_open(struct inbox *b, const char *path, const char *not_path, struct fail *fail)
{
    *b = (struct inbox) INBOX_INIT;
    b->path = path;
    b->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (b->fd < 0 || stat(not_path, &b->not ) < 0)
        return fail_set(fail, FAIL_OPEN, -errno, "cannot look into the folder '%s': %m", path);
    /* a lease that is broken while it is tried would end the program */
    signal(SIGIO, SIG_IGN);
    b->notify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (b->notify_fd >= 0 && inotify_add_watch(b->notify_fd, path,
                                               IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE |
                                                   IN_DELETE | IN_MOVED_FROM | IN_ATTRIB) < 0) {
        close(b->notify_fd);
        b->notify_fd = -1;
    }
    return 0;
}

static bool has_ending(const char *name, const char *const *endings, size_t n)
{
    const char *dot = strrchr(name, '.');

    for (size_t i = 0; dot && i < n; i++)
        if (strcasecmp(dot, endings[i]) == 0)
            return true;
    return false;
}

/* Names under which browsers and copying programs keep what is not whole yet. */
static bool is_download(const char *name)
{
    static const char *const endings[] = {".part", ".partial", ".crdownload",
                                          ".tmp",  ".temp",    ".filepart"};
    return has_ending(name, endings, ELEMENTSOF(endings));
}

/* What systemd's DirectoryNotEmpty= does not see either. */
static bool is_ignored(const char *name)
{
    static const char *const endings[] = {".bak", ".swp"};
    return name[0] == '.' || name[strlen(name) - 1] == '~' ||
           has_ending(name, endings, ELEMENTSOF(endings));
}

bool inbox_is_abandoned(const struct inbox_file *f)
{
    return is_download(f->name) && f->st.st_mtime + ABANDONED_S < time(NULL);
}

/* Whether someone has it open for writing: 1, 0, or -1: not to be told (another one's file, a file
 * system without leases). */
static int is_open_elsewhere(const struct inbox *b, const char *name)
{
    int fd = openat(b->fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return -1;
    int r = fcntl(fd, F_SETLEASE, F_RDLCK) == 0 ? 0 : errno == EAGAIN ? 1 : -1;
    close(fd); /* the lease goes with it */
    return r;
}

static bool is_ready(const struct inbox *b, const struct inbox_file *f)
{
    const bool settled = ctl_now_usec() - f->since_usec >= SETTLED_USEC;

    if (!S_ISREG(f->st.st_mode))
        return true; /* no page will come of it */
    if (is_download(f->name))
        return settled && inbox_is_abandoned(f);
    const int open_elsewhere = is_open_elsewhere(b, f->name);
    /* an empty one was made to be filled */
    return open_elsewhere == 0 && f->st.st_size > 0 ? true : open_elsewhere < 1 && settled;
}

static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static struct inbox_file *find(const struct inbox *b, const char *name)
{
    for (size_t i = 0; i < b->n; i++)
        if (strcmp(b->list[i].name, name) == 0)
            return &b->list[i];
    return NULL;
}

static int by_number(const void *a, const void *b)
{
    return strverscmp(((const struct inbox_file *) a)->name, ((const struct inbox_file *) b)->name);
}

static int add(struct inbox *b, const struct inbox *before, const char *name)
{
    struct stat st;

    if (is_ignored(name) || fstatat(b->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return 0; /* or gone in the meantime */
    if (st.st_dev == b->not .st_dev && st.st_ino == b->not .st_ino)
        return 0;
    struct inbox_file *more = reallocarray(b->list, b->n + 1, sizeof(*more));
    if (!more)
        return -ENOMEM;
    b->list = more;
    struct inbox_file *f = &more[b->n++];
    *f = (struct inbox_file){.st = st, .since_usec = ctl_now_usec()};
    snprintf(f->name, sizeof(f->name), "%s", name);
    const struct inbox_file *old = find(before, name);
    if (old && is_same(&old->st, &st)) {
        f->since_usec = old->since_usec;
        f->skip = old->skip;
    }
    f->ready = is_ready(b, f);
    return 0;
}

int inbox_scan(struct inbox *b, struct fail *fail)
{
    struct inbox before = *b;
    int r = 0;

    int fd = openat(b->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir) {
        r = fail_set(fail, FAIL_OPEN, -errno, "cannot look into the folder '%s': %m", b->path);
        if (fd >= 0)
            close(fd);
        return r;
    }
    b->list = NULL;
    b->n = 0;
    for (struct dirent *e; r >= 0 && (e = readdir(dir));)
        r = add(b, &before, e->d_name);
    closedir(dir);
    free(before.list);
    if (b->n > 1)
        qsort(b->list, b->n, sizeof(*b->list), by_number);
    return r;
}

struct inbox_file *inbox_first(struct inbox *b)
{
    for (size_t i = 0; i < b->n; i++)
        if (b->list[i].ready && !b->list[i].skip)
            return &b->list[i];
    return NULL;
}

bool inbox_is_filling(const struct inbox *b)
{
    for (size_t i = 0; i < b->n; i++)
        if (!b->list[i].ready)
            return true;
    return false;
}

void inbox_wait(struct inbox *b, int timeout_ms)
{
    struct pollfd p = {.fd = b->notify_fd, .events = POLLIN};
    char events[4096];

    if (poll(&p, 1, timeout_ms) > 0)
        while (read(b->notify_fd, events, sizeof(events)) > 0)
            ; /* the folder is looked at as a whole */
}

void inbox_done(struct inbox *b)
{
    if (b->fd >= 0)
        close(b->fd);
    if (b->notify_fd >= 0)
        close(b->notify_fd);
    free(b->list);
    *b = (struct inbox) INBOX_INIT;
}
