/* SPDX-License-Identifier: Apache-2.0 */

#include "input.h"

#include "image/image.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { TICK_MS = 200, WAIT_MS = 30 * 1000 };

static const char too_large[] = "the picture has more than %zu MiB; make it smaller";

/* `access`: O_RDONLY or O_WRONLY; O_RDWR is as good. */
static bool is_open_for(int fd, int access, struct stat *st)
{
    int flags = fcntl(fd, F_GETFL);

    if (flags < 0 || (flags & O_PATH) || fstat(fd, st) < 0)
        return false;
    return (flags & O_ACCMODE) == access || (flags & O_ACCMODE) == O_RDWR;
}

int input_check_picture(int fd, struct fail *fail)
{
    struct stat st;

    if (!is_open_for(fd, O_RDONLY, &st))
        return fail_set(fail, FAIL_INPUT, -EBADF,
                        "the picture's descriptor is not open for reading");
    if (!S_ISREG(st.st_mode) && !S_ISFIFO(st.st_mode) && !S_ISSOCK(st.st_mode))
        return fail_set(fail, FAIL_INPUT, -EBADF,
                        "the picture must be a file, a memfd or a pipe, not a folder or device");
    if (!S_ISREG(st.st_mode) && fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0)
        return fail_set(fail, FAIL_INPUT, -errno, "the picture cannot be read: %m");
    if (S_ISREG(st.st_mode) && (uint64_t) st.st_size > IMAGE_MAX_FILE_BYTES)
        return fail_set(fail, FAIL_INPUT, -EFBIG, too_large, IMAGE_MAX_FILE_BYTES >> 20);
    return 0;
}

int input_check_sound(int fd, struct fail *fail)
{
    struct stat st;
    int type = 0;
    socklen_t size = sizeof(type);

    bool ok = is_open_for(fd, O_WRONLY, &st);
    if (ok && S_ISSOCK(st.st_mode))
        ok = getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM;
    else if (ok)
        ok = S_ISFIFO(st.st_mode);
    if (!ok || fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0)
        return fail_set(fail, FAIL_USAGE, -EBADF,
                        "audio-fd must be the write end of a pipe or a stream socket");
    return 0;
}

static int read_file(int fd, size_t size, uint8_t **ret_data, size_t *ret_size, struct fail *fail)
{
    CLEANUP_FREE uint8_t *data = NULL;
    size_t done = 0;

    if (size > IMAGE_MAX_FILE_BYTES)
        return fail_set(fail, FAIL_INPUT, -EFBIG, too_large, IMAGE_MAX_FILE_BYTES >> 20);
    data = malloc(size + 1);
    if (!data)
        return -ENOMEM;
    while (done < size) {
        ssize_t n = pread(fd, data + done, size - done, (off_t) done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail_set(fail, FAIL_INPUT, -errno, "the picture cannot be read: %m");
        if (n == 0)
            break; /* it shrank meanwhile */
        done += (size_t) n;
    }
    data[done] = 0;
    *ret_data = TAKE_PTR(data);
    *ret_size = done;
    return 0;
}

static int64_t now_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t) ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* 1: there is something to read. One deadline holds for the whole picture, also when it comes byte
 * by byte: it has one of the caller's places until then. */
static int wait_readable(int fd, int64_t deadline_ms, const volatile int *cancel, struct fail *fail)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};

    for (int64_t left_ms; (left_ms = deadline_ms - now_ms()) > 0;) {
        if (*cancel)
            return -ECANCELED;
        if (poll(&p, 1, (int) MIN(left_ms, (int64_t) TICK_MS)) > 0)
            return 1;
    }
    return fail_set(fail, FAIL_INPUT, -ETIMEDOUT,
                    "the picture did not come through the pipe within %d seconds; send a file",
                    WAIT_MS / 1000);
}

static int read_pipe(int fd, const volatile int *cancel, uint8_t **ret_data, size_t *ret_size,
                     struct fail *fail)
{
    CLEANUP_FREE uint8_t *data = NULL;
    size_t size = 0, room = 0;
    const int64_t deadline_ms = now_ms() + WAIT_MS;

    for (;;) {
        if (room - size < 65536) {
            room = MAX(2 * room, (size_t) 1 << 18);
            uint8_t *more = realloc(data, room + 1);
            if (!more)
                return -ENOMEM;
            data = more;
        }
        int r = wait_readable(fd, deadline_ms, cancel, fail);
        if (r < 0)
            return r;
        fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK); /* the flag is the caller's as well */
        ssize_t n = read(fd, data + size, room - size);
        if (n < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (n < 0)
            return fail_set(fail, FAIL_INPUT, -errno, "the picture cannot be read: %m");
        if (n == 0)
            break;
        size += (size_t) n;
        if (size > IMAGE_MAX_FILE_BYTES)
            return fail_set(fail, FAIL_INPUT, -EFBIG, too_large, IMAGE_MAX_FILE_BYTES >> 20);
    }
    data[size] = 0;
    *ret_data = TAKE_PTR(data);
    *ret_size = size;
    return 0;
}

bool input_is_slow(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && !S_ISREG(st.st_mode);
}

int input_read(int fd, const volatile int *cancel, uint8_t **ret_data, size_t *ret_size,
               struct fail *fail)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return fail_set(fail, FAIL_INPUT, -errno, "the picture cannot be read: %m");
    return S_ISREG(st.st_mode) ? read_file(fd, (size_t) st.st_size, ret_data, ret_size, fail)
                               : read_pipe(fd, cancel, ret_data, ret_size, fail);
}
