/* SPDX-License-Identifier: Apache-2.0 */

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int file_read_fd(int fd, const char *name, size_t max_size, uint8_t **ret_data, size_t *ret_size,
                 struct fail *fail)
{
    CLEANUP_FREE uint8_t *data = NULL;
    size_t size = 0, room = 0;
    struct stat st;

    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0) {
        if ((uint64_t) st.st_size > max_size)
            return fail_set(fail, FAIL_INPUT, -EFBIG,
                            "'%s' is larger than %zu MiB, the most that is read; make it smaller",
                            name, max_size >> 20);
        room = (size_t) st.st_size + 1;
    }
    for (;;) {
        if (size + 1 >= room || !data) {
            room = data ? room * 2 : MAX(room, (size_t) 65536);
            uint8_t *more = realloc(data, room + 1);
            if (!more)
                return fail_set(fail, FAIL_OTHER, -ENOMEM, "not enough memory to read '%s'", name);
            data = more;
        }
        ssize_t n = read(fd, data + size, room - size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail_set(fail, FAIL_IO, -errno, "cannot read '%s': %m", name);
        if (n == 0)
            break;
        size += (size_t) n;
        if (size > max_size)
            return fail_set(fail, FAIL_INPUT, -EFBIG,
                            "'%s' is larger than %zu MiB, the most that is read; make it smaller",
                            name, max_size >> 20);
    }
    data[size] = 0;
    *ret_data = TAKE_PTR(data);
    *ret_size = size;
    return 0;
}

int file_read(const char *path, size_t max_size, uint8_t **ret_data, size_t *ret_size,
              struct fail *fail)
{
    if (strcmp(path, "-") == 0)
        return file_read_fd(STDIN_FILENO, "standard input", max_size, ret_data, ret_size, fail);

    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fail_set(fail, FAIL_OPEN, -errno, "cannot open '%s': %m", path);
    struct stat st;
    int r;
    if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
        r = fail_set(fail, FAIL_OPEN, -EISDIR, "'%s' is a folder; name a file in it", path);
    else
        r = file_read_fd(fd, path, max_size, ret_data, ret_size, fail);
    close(fd);
    return r;
}

static int open_temporary(struct file_out *f, struct fail *fail)
{
    if (asprintf(&f->tmp, "%s.XXXXXX", f->path) < 0) {
        f->tmp = NULL;
        return -ENOMEM;
    }
    f->fd = mkostemp(f->tmp, O_CLOEXEC);
    if (f->fd < 0) {
        int r = fail_set(fail, FAIL_CREATE, -errno,
                         "cannot create '%s': %m; choose a folder that exists and can be written",
                         f->path);
        freep(&f->tmp);
        f->tmp = NULL;
        return r;
    }
    mode_t mask = umask(0);
    umask(mask);
    fchmod(f->fd, 0666 & ~mask);
    return 0;
}

/* A device or pipe keeps its place: a file with its name instead of it is never meant. */
static int open_directly(struct file_out *f, struct fail *fail)
{
    f->fd = open(f->path, O_WRONLY | O_NOCTTY | O_CLOEXEC);
    if (f->fd < 0)
        return fail_set(fail, FAIL_CREATE, -errno, "cannot write to '%s': %m", f->path);
    return 0;
}

int file_out_open(struct file_out *f, const char *path, struct fail *fail)
{
    struct stat st;
    int r;

    *f = (struct file_out) FILE_OUT_INIT;
    const bool exists = stat(path, &st) == 0;
    if (exists && S_ISDIR(st.st_mode))
        return fail_set(fail, FAIL_CREATE, -EISDIR, "'%s' is a folder; name a file in it", path);
    /* where a link leads, so that the file is replaced and not the link */
    f->path = exists && S_ISREG(st.st_mode) ? realpath(path, NULL) : strdup(path);
    if (!f->path)
        r = errno == ENOMEM ? -ENOMEM
                            : fail_set(fail, FAIL_CREATE, -errno, "cannot create '%s': %m", path);
    else if (exists && !S_ISREG(st.st_mode))
        r = open_directly(f, fail);
    else
        r = open_temporary(f, fail);
    if (r < 0)
        file_out_done(f);
    return r;
}

int file_out_write(struct file_out *f, const void *data, size_t size, struct fail *fail)
{
    const uint8_t *p = data;
    while (size > 0) {
        ssize_t n = write(f->fd, p, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail_set(fail, FAIL_IO, -errno, "cannot write '%s': %m", f->path);
        p += n;
        size -= (size_t) n;
    }
    return 0;
}

void file_sync_folder(const char *path)
{
    CLEANUP_FREE char *copy = strdup(path);
    int fd = copy ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
}

int file_out_sync(struct file_out *f, struct fail *fail)
{
    if (fsync(f->fd) == 0 || (!f->tmp && (errno == EINVAL || errno == EROFS)))
        return 0; /* a device or pipe has nothing to bring to a disk */
    return fail_set(fail, FAIL_IO, -errno, "cannot write '%s' to the disk: %m", f->path);
}

int file_out_commit(struct file_out *f, struct fail *fail)
{
    int r = file_out_sync(f, fail);
    if (close(f->fd) < 0 && r == 0)
        r = fail_set(fail, FAIL_IO, -errno, "cannot write '%s' to the disk: %m", f->path);
    f->fd = -1;
    if (r == 0 && f->tmp && rename(f->tmp, f->path) < 0)
        r = fail_set(fail, FAIL_CREATE, -errno, "cannot name the output '%s': %m", f->path);
    if (r == 0 && f->tmp) {
        file_sync_folder(f->path);
        free(f->tmp);
        f->tmp = NULL;
    }
    file_out_done(f);
    return r;
}

void file_out_done(struct file_out *f)
{
    if (f->fd >= 0)
        close(f->fd);
    if (f->tmp)
        unlink(f->tmp);
    free(f->tmp);
    free(f->path);
    *f = (struct file_out) FILE_OUT_INIT;
}
