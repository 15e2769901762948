/* SPDX-License-Identifier: Apache-2.0 */

#include "tools/dataset/export/export.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define MARK ".braille-dataset-export" ///< in a folder of ours that is not finished

enum export_split export_split_of(const struct manifest_record *record)
{
    if (!record->split || strcmp(record->split, "train") == 0)
        return EXPORT_TRAIN;
    return strcmp(record->split, "val") == 0 ? EXPORT_VAL : EXPORT_TEST;
}

/* ---- the folder ---- */

static bool has_file(const char *dir, const char *name)
{
    CLEANUP_FREE char *path = manifest_path(dir, name);
    return path && access(path, F_OK) == 0;
}

static bool is_empty(const char *dir)
{
    DIR *d = opendir(dir);
    bool empty = d != NULL;

    for (struct dirent *e; empty && (e = readdir(d)) != NULL;)
        empty = strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0;
    if (d)
        closedir(d);
    return empty;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    return remove(path) < 0 && errno != ENOENT ? -1 : 0;
}

static int remove_below(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    const bool stays = ftw->level == 0 || (ftw->level == 1 && strcmp(path + ftw->base, MARK) == 0);
    return stays ? 0 : remove_one(path, st, kind, ftw);
}

/* The caller has seen that the folder is ours. */
static int remove_folder(const char *path, bool below)
{
    const int r = nftw(path, below ? remove_below : remove_one, 16, FTW_DEPTH | FTW_PHYS);
    return r < 0 && errno != ENOENT ? -errno : 0;
}

/* A folder with an "export.json" of ours; anyone may have a file of that name. */
static bool is_export(const char *dir)
{
    CLEANUP_FREE char *path = manifest_path(dir, EXPORT_DONE);
    json_t *json = path ? json_load_file(path, JSON_REJECT_DUPLICATES, NULL) : NULL;
    const char *made_by = json_string_value(json_object_get(json, "made_by"));
    const bool ours = made_by && strncmp(made_by, EXPORT_MADE_BY, strlen(EXPORT_MADE_BY)) == 0;

    json_decref(json);
    return ours;
}

/* What may be replaced is a finished export, or nothing yet. */
static int check_place(struct export_out *out, bool force, struct fail *fail)
{
    struct stat st;

    if (lstat(out->path, &st) < 0)
        return errno == ENOENT
                   ? 0
                   : fail_set(fail, FAIL_CREATE, -errno, "cannot create '%s': %m", out->path);
    out->replace = true;
    if (S_ISDIR(st.st_mode) && is_empty(out->path))
        return 0;
    if (!S_ISDIR(st.st_mode) || !is_export(out->path))
        return fail_set(fail, FAIL_CREATE, -EEXIST,
                        "'%s' is there and no export; name another folder", out->path);
    if (!force)
        return fail_set(fail, FAIL_CREATE, -EEXIST,
                        "'%s' holds an export already; name another folder, or replace it with "
                        "--force",
                        out->path);
    return 0;
}

/* Make it or empty what a killed run left in it. The mark is the lock. */
static int make_temporary(struct export_out *out, const char *tmp, struct fail *fail)
{
    CLEANUP_FREE char *mark = manifest_path(tmp, MARK);

    if (!mark)
        return -ENOMEM;
    if (mkdir(tmp, 0777) < 0 && errno != EEXIST)
        return fail_set(fail, FAIL_CREATE, -errno, "cannot create the folder '%s': %m", tmp);
    if (!is_empty(tmp) && !has_file(tmp, MARK) && !is_export(tmp))
        return fail_set(fail, FAIL_CREATE, -EEXIST, "'%s' is in the way; move it", tmp);
    out->lock = open(mark, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (out->lock < 0)
        return fail_set(fail, FAIL_CREATE, -errno, "cannot write to '%s': %m", tmp);
    if (flock(out->lock, LOCK_EX | LOCK_NB) < 0)
        return fail_set(fail, FAIL_OPEN, -EBUSY, "another process is writing '%s'", tmp);
    int r = remove_folder(tmp, true);
    return r < 0 ? fail_set(fail, FAIL_CREATE, r, "cannot empty '%s': %m", tmp) : 0;
}

int export_out_open(struct export_out *out, const char *path, bool force, struct fail *fail)
{
    CLEANUP_FREE char *tmp = NULL;

    *out = (struct export_out) EXPORT_OUT_INIT;
    if (!(out->path = strdup(path)))
        return -ENOMEM;
    for (size_t n = strlen(out->path); n > 1 && out->path[n - 1] == '/'; n--)
        out->path[n - 1] = 0;
    int r = check_place(out, force, fail);
    if (r < 0)
        return r;
    if (asprintf(&tmp, "%s.partial", out->path) < 0) {
        tmp = NULL;
        return -ENOMEM;
    }
    r = make_temporary(out, tmp, fail);
    if (r == 0)
        out->tmp = TAKE_PTR(tmp); /* ours to remove from here on */
    return r;
}

/* Exchange the two, so that one of them is always there; the old one is under the temporary name
 * then. */
static int replace(struct export_out *out)
{
    if (renameat2(AT_FDCWD, out->tmp, AT_FDCWD, out->path, RENAME_EXCHANGE) == 0)
        return remove_folder(out->tmp, false);
    if (errno != EINVAL && errno != ENOSYS)
        return -errno;
    int r = remove_folder(out->path, false); /* this file system cannot */
    if (r < 0)
        return r;
    return rename(out->tmp, out->path) < 0 ? -errno : 0;
}

int export_out_commit(struct export_out *out, struct fail *fail)
{
    CLEANUP_FREE char *mark = manifest_path(out->path, MARK);

    if (!mark)
        return -ENOMEM;
    if (syncfs(out->lock) < 0)
        return fail_set(fail, FAIL_IO, -errno, "cannot write '%s' to the disk: %m", out->tmp);
    int r = out->replace ? replace(out) : rename(out->tmp, out->path) < 0 ? -errno : 0;
    if (r < 0)
        return fail_set(fail, FAIL_CREATE, r, "cannot name the output '%s': %s", out->path,
                        strerror(-r));
    free(out->tmp);
    out->tmp = NULL;
    unlink(mark);
    syncfs(out->lock);
    return 0;
}

void export_out_done(struct export_out *out)
{
    if (out->tmp)
        remove_folder(out->tmp, false);
    if (out->lock >= 0)
        close(out->lock);
    free(out->tmp);
    free(out->path);
    *out = (struct export_out) EXPORT_OUT_INIT;
}

/* ---- files in it ---- */

int export_create(const char *dir, const char *name, FILE **ret, struct fail *fail)
{
    CLEANUP_FREE char *path = manifest_path(dir, name);

    if (!path)
        return -ENOMEM;
    char *slash = strrchr(path, '/');
    *slash = 0;
    if (mkdir(path, 0777) < 0 && errno != EEXIST)
        return fail_set(fail, FAIL_CREATE, -errno, "cannot create the folder '%s': %m", path);
    *slash = '/';
    *ret = fopen(path, "wxe");
    return *ret ? 0 : fail_set(fail, FAIL_CREATE, -errno, "cannot create '%s': %m", path);
}

int export_scratch(const char *dir, FILE **ret, struct fail *fail)
{
    CLEANUP_FREE char *path = manifest_path(dir, ".scratch-XXXXXX");

    if (!path)
        return -ENOMEM;
    const int fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0)
        unlink(path);
    *ret = fd < 0 ? NULL : fdopen(fd, "w+");
    if (*ret)
        return 0;
    int r = fail_set(fail, FAIL_CREATE, -errno, "cannot create a file in '%s': %m", dir);
    if (fd >= 0)
        close(fd);
    return r;
}

int export_close(FILE **f, const char *dir, int r, struct fail *fail)
{
    if (!*f)
        return r;
    const bool broken = ferror(*f);
    const int closed = fclose(*f);
    *f = NULL;
    if (r < 0 || (!broken && closed == 0))
        return r;
    return fail_set(fail, FAIL_IO, errno ? -errno : -EIO, "cannot write to '%s': %m", dir);
}

int export_write(const char *dir, const char *name, const void *bytes, size_t size,
                 struct fail *fail)
{
    FILE *f = NULL;

    int r = export_create(dir, name, &f, fail);
    if (r < 0)
        return r;
    errno = 0;
    if (fwrite(bytes, 1, size, f) != size)
        r = fail_set(fail, FAIL_IO, errno ? -errno : -EIO, "cannot write '%s/%s': %m", dir, name);
    return export_close(&f, dir, r, fail);
}

char *export_cells(const struct manifest_record *record)
{
    char *text = malloc(record->n_cells * 7 + 1), *p = text;

    if (!text)
        return NULL;
    for (size_t i = 0; i < record->n_cells; i++) {
        if (i > 0)
            *p++ = ' ';
        brl_cell_format(record->cells[i], p);
        p += strlen(p);
    }
    *p = 0;
    return text;
}
