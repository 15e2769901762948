/* SPDX-License-Identifier: Apache-2.0
 *
 * Embeddings of sentences, a file for each part of a bank: what was done once is not done again
 * when the work was interrupted or the bank has grown. A file is the floats and nothing else; its
 * name says of what.
 */
#include "tools/ctl/caption/caption.h"

#include "base/file.h"
#include "base/hash.h"
#include "pipeline/pipeline.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define VERSION "brailled caption 1\n" /* another one where the same text gives other numbers */
enum { ENDS_SIZE = 65536, KEPT_DAYS = 90 };

char *caption_cache_folder(void)
{
    char base[PATH_MAX], *ret = NULL;

    pipeline_cache_dir(base, sizeof(base));
    if (!base[0] || asprintf(&ret, "%s/captions", base) < 0)
        return NULL;
    if (mkdir(ret, 0700) < 0 && errno != EEXIST) {
        free(ret);
        return NULL;
    }
    return ret;
}

/* ---- names ---------------------------------------------------------------------------------- */

/* What stands for a model: its size, its time, and both ends, of which the first has the names,
 * shapes and vocabulary. Reading 2 GB at each start would take longer than the picture does. */
static int describe(const char *path, uint8_t *out, size_t *ret_size)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return -errno;
    if (fstat(fd, &st) < 0) {
        close(fd);
        return -EIO;
    }
    const off_t last = st.st_size > ENDS_SIZE ? st.st_size - ENDS_SIZE : 0;
    const int64_t numbers[] = {st.st_size, st.st_mtim.tv_sec, st.st_mtim.tv_nsec};
    memcpy(out, numbers, sizeof(numbers));
    const ssize_t head = pread(fd, out + sizeof(numbers), ENDS_SIZE, 0);
    const ssize_t tail = head < 0 ? -1 : pread(fd, out + sizeof(numbers) + head, ENDS_SIZE, last);
    close(fd);
    if (tail < 0)
        return -EIO;
    *ret_size = sizeof(numbers) + (size_t) head + (size_t) tail;
    return 0;
}

int caption_cache_key(const char *model, const char *const *texts, size_t n, char *ret)
{
    size_t size = sizeof(VERSION) + 24 + 2 * ENDS_SIZE, at = sizeof(VERSION), used = 0;

    for (size_t i = 0; i < n; i++)
        size += strlen(texts[i]) + 1;
    CLEANUP_FREE uint8_t *all = malloc(size);
    if (!all)
        return -ENOMEM;
    memcpy(all, VERSION, sizeof(VERSION));
    int r = describe(model, all + at, &used);
    if (r < 0)
        return r;
    at += used;
    for (size_t i = 0; i < n; i++) {
        const size_t length = strlen(texts[i]) + 1;
        memcpy(all + at, texts[i], length);
        at += length;
    }
    return hash_sha256(all, at, ret);
}

/* ---- files ---------------------------------------------------------------------------------- */

/* All of length 1. */
static bool are_embeddings(const float *v, size_t n, unsigned e)
{
    for (size_t i = 0; i < n; i++) {
        double sum = 0;
        for (unsigned k = 0; k < e; k++)
            sum += (double) v[i * e + k] * (double) v[i * e + k];
        if (!(fabs(sum - 1) < 1e-3))
            return false;
    }
    return true;
}

bool caption_cache_read(const char *folder, const char *key, size_t n, unsigned e, float *out)
{
    const size_t size = n * e * sizeof(*out);
    char path[PATH_MAX];
    struct stat st;

    if (snprintf(path, sizeof(path), "%s/%s.f32", folder, key) >= (int) sizeof(path))
        return false;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return false;
    const bool whole = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
                       (uint64_t) st.st_size == size && pread(fd, out, size, 0) == (ssize_t) size;
    if (whole)
        futimens(fd, NULL); /* used today: it stays */
    close(fd);
    return whole && are_embeddings(out, n, e);
}

/* Nobody else empties a user's cache. */
static void remove_old(const char *folder)
{
    DIR *d = opendir(folder);
    const struct dirent *e;
    struct stat st;

    if (!d)
        return;
    while ((e = readdir(d)))
        if (strstr(e->d_name, ".f32") &&
            fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
            st.st_mtime < time(NULL) - KEPT_DAYS * 86400)
            unlinkat(dirfd(d), e->d_name, 0);
    closedir(d);
}

void caption_cache_write(const char *folder, const char *key, size_t n, unsigned e,
                         const float *values)
{
    CLEANUP(file_out_done) struct file_out f = FILE_OUT_INIT;
    struct fail unused = {0};
    char path[PATH_MAX];

    if (snprintf(path, sizeof(path), "%s/%s.f32", folder, key) >= (int) sizeof(path))
        return;
    remove_old(folder);
    if (file_out_open(&f, path, &unused) == 0 &&
        file_out_write(&f, values, n * e * sizeof(*values), &unused) == 0)
        file_out_commit(&f, &unused);
}
