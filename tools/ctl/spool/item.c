/* SPDX-License-Identifier: Apache-2.0 */

#include "tools/ctl/spool/spool.h"

#include "base/file.h"
#include "base/macro.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/* Names in a page's folder: what was dropped, how often it was begun, and results that wait for
 * their places. */
#define PAGE "page"
#define TRIES "tries"
#define GOOD "out-"
#define BAD "failed-"

/* so that a prefix, a number and a longer ending still make a name */
enum { STEM_BYTES = NAME_MAX - 40, MAX_NUMBER = 100000 };

static int join(char **ret, const char *folder, const char *name)
{
    return asprintf(ret, "%s/%s", folder, name) < 0 ? -ENOMEM : 0;
}

static int make_folder(const char *path, mode_t mode, struct fail *fail)
{
    if (mkdir(path, mode) == 0 || errno == EEXIST)
        return 0;
    return fail_set(fail, FAIL_CREATE, -errno,
                    "cannot make the folder '%s': %m; choose a place that can be written to", path);
}

int item_prepare_folders(const char *out, int *ret_lock, struct fail *fail)
{
    static const struct {
        const char *name;
        mode_t mode;
    } folders[] = {{".work", 0700}, {"done", 0777}, {"failed", 0777}};
    CLEANUP_FREE char *work = NULL;

    int r = make_folder(out, 0777, fail);
    for (size_t i = 0; r >= 0 && i < ELEMENTSOF(folders); i++) {
        CLEANUP_FREE char *path = NULL;
        r = join(&path, out, folders[i].name);
        if (r >= 0)
            r = make_folder(path, folders[i].mode, fail);
    }
    if (r >= 0)
        r = join(&work, out, ".work");
    if (r < 0)
        return r;
    int fd = open(work, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return fail_set(fail, FAIL_CREATE, -errno, "cannot use the folder '%s': %m", work);
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        close(fd);
        return fail_set(fail, FAIL_OPEN, -EBUSY,
                        "another braillectl spool works on '%s'; it does these pages too", out);
    }
    *ret_lock = fd;
    return 0;
}

static int item_init(struct item *i, const char *name, const char *out)
{
    *i = (struct item){.out = out};
    snprintf(i->name, sizeof(i->name), "%s", name);
    if (asprintf(&i->folder, "%s/.work/%s", out, name) < 0) {
        i->folder = NULL;
        return -ENOMEM;
    }
    return join(&i->page, i->folder, PAGE);
}

void item_done(struct item *i)
{
    free(i->folder);
    free(i->page);
    *i = (struct item){0};
}

int item_take(struct item *i, const struct inbox *b, const char *name, const char *out,
              struct fail *fail)
{
    int r = item_init(i, name, out);
    if (r >= 0)
        r = make_folder(i->folder, 0700, fail);
    if (r < 0)
        return r;
    if (renameat2(b->fd, name, AT_FDCWD, i->page, RENAME_NOREPLACE) == 0) {
        file_sync_folder(i->page);
        return 1;
    }
    r = -errno;
    rmdir(i->folder);
    if (r == -ENOENT)
        return 0;
    if (r == -EXDEV)
        return fail_set(fail, FAIL_USAGE, r,
                        "'%s' and '%s' lie on different file systems; pages are moved, so put both "
                        "on one (--out)",
                        b->path, out);
    return fail_set(fail, FAIL_CREATE, r,
                    "cannot take '%s' out of '%s': %m; take it away, or change who may write there",
                    name, b->path);
}

/* Half-made results of a page that is still here; "tries" stays. */
static void remove_results(const struct item *i)
{
    DIR *dir = opendir(i->folder);

    if (!dir)
        return;
    for (struct dirent *e; (e = readdir(dir));)
        if (strncmp(e->d_name, GOOD, strlen(GOOD)) == 0 ||
            strncmp(e->d_name, BAD, strlen(BAD)) == 0)
            unlinkat(dirfd(dir), e->d_name, 0);
    closedir(dir);
}

int item_begin(struct item *i, struct fail *fail)
{
    CLEANUP_FREE char *path = NULL;
    struct stat st;

    int r = join(&path, i->folder, TRIES);
    if (r < 0)
        return r;
    remove_results(i);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, "x", 1) != 1 || fsync(fd) < 0 || fstat(fd, &st) < 0)
        r = fail_set(fail, FAIL_IO, -errno, "cannot write to '%s': %m", path);
    else
        i->tries = (unsigned) st.st_size;
    if (fd >= 0)
        close(fd);
    return r;
}

void item_not_begun(struct item *i)
{
    CLEANUP_FREE char *path = NULL;

    if (i->tries > 0 && join(&path, i->folder, TRIES) >= 0 && truncate(path, --i->tries) < 0)
        i->tries++;
}

/* ---- names ---- */

/* "page.png" -> 4; cut between characters where it is too long. */
static size_t stem_length(const char *name)
{
    const char *dot = strrchr(name, '.');
    size_t n = dot && dot > name ? (size_t) (dot - name) : strlen(name);

    if (n > STEM_BYTES)
        for (n = STEM_BYTES; n > 0 && ((unsigned char) name[n] & 0xc0) == 0x80;)
            n--;
    return n;
}

static const char *ending_of(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot && dot > name && strlen(dot) < 16 ? dot : "";
}

/* "page", or "page-2" where `number` is 2. */
static void numbered(const char *name, unsigned number, char out[NAME_MAX + 1])
{
    if (number < 2)
        snprintf(out, NAME_MAX + 1, "%.*s", (int) stem_length(name), name);
    else
        snprintf(out, NAME_MAX + 1, "%.*s-%u", (int) stem_length(name), name, number);
}

static bool exists(const char *folder, const char *stem, const char *ending)
{
    CLEANUP_FREE char *path = NULL;
    struct stat st;
    return asprintf(&path, "%s/%s%s", folder, stem, ending) >= 0 && lstat(path, &st) == 0;
}

/* Nothing of this name, whatever its ending was or will be. */
static bool is_free(const struct item *i, bool good, const char *stem)
{
    static const char *const endings[] = {".opus", ".ogg", ".flac", ".wav", ".txt"};
    CLEANUP_FREE char *moved = NULL;

    if (join(&moved, i->out, good ? "done" : "failed") < 0)
        return false;
    const char *results = good ? i->out : moved;
    for (size_t k = 0; k < ELEMENTSOF(endings); k++)
        if (exists(results, stem, endings[k]))
            return false;
    return !exists(moved, stem, ending_of(i->name));
}

static void free_name(const struct item *i, bool good, char out[NAME_MAX + 1])
{
    for (unsigned number = 1; number < MAX_NUMBER; number++) {
        numbered(i->name, number, out);
        if (is_free(i, good, out))
            return;
    }
}

int item_result_path(const struct item *i, bool good, const char *ending, char **ret,
                     struct fail *fail)
{
    char stem[NAME_MAX + 1];

    free_name(i, good, stem);
    if (asprintf(ret, "%s/%s%s%s", i->folder, good ? GOOD : BAD, stem, ending) < 0) {
        *ret = NULL;
        return fail_set(fail, FAIL_OTHER, -ENOMEM, "not enough memory");
    }
    return 0;
}

/* ---- results get their places ---- */

/* Where nothing is yet: under this name, else under one with a number. */
static int place(const char *from, const char *folder, const char *name, struct fail *fail)
{
    for (unsigned number = 1; number < MAX_NUMBER; number++) {
        CLEANUP_FREE char *to = NULL;
        char stem[NAME_MAX + 1];
        numbered(name, number, stem);
        if (asprintf(&to, "%s/%s%s", folder, stem, ending_of(name)) < 0)
            return -ENOMEM;
        if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0) {
            file_sync_folder(to);
            return 0;
        }
        if (errno != EEXIST)
            return fail_set(fail, FAIL_CREATE, -errno, "cannot put a file into '%s': %m", folder);
    }
    return fail_set(fail, FAIL_CREATE, -EEXIST, "'%s' has too many files named '%s'", folder, name);
}

static int place_entry(const struct item *i, const char *entry, struct fail *fail)
{
    CLEANUP_FREE char *from = NULL, *failed = NULL;

    if (join(&from, i->folder, entry) < 0 || join(&failed, i->out, "failed") < 0)
        return -ENOMEM;
    if (strncmp(entry, GOOD, strlen(GOOD)) == 0)
        return place(from, i->out, entry + strlen(GOOD), fail);
    if (strncmp(entry, BAD, strlen(BAD)) == 0)
        return place(from, failed, entry + strlen(BAD), fail);
    unlink(from); /* the count of tries */
    return 0;
}

/* Of a page that is done: whatever waits in its folder, then the folder goes. */
static int place_results(const struct item *i, struct fail *fail)
{
    DIR *dir = opendir(i->folder);
    int r = 0;

    if (!dir)
        return fail_set(fail, FAIL_OPEN, -errno, "cannot look into '%s': %m", i->folder);
    for (struct dirent *e; r >= 0 && (e = readdir(dir));)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            r = place_entry(i, e->d_name, fail);
    closedir(dir);
    if (r >= 0 && rmdir(i->folder) < 0)
        r = fail_set(fail, FAIL_IO, -errno, "cannot remove '%s': %m", i->folder);
    return r;
}

int item_publish(struct item *i, bool good, char *ret_name, struct fail *fail)
{
    CLEANUP_FREE char *folder = NULL, *name = NULL;
    char stem[NAME_MAX + 1];

    free_name(i, good, stem);
    if (ret_name)
        memcpy(ret_name, stem, sizeof(stem));
    if (join(&folder, i->out, good ? "done" : "failed") < 0 ||
        asprintf(&name, "%s%s", stem, ending_of(i->name)) < 0)
        return -ENOMEM;
    int r = place(i->page, folder, name, fail);
    return r < 0 ? r : place_results(i, fail);
}

/* ---- what another process left ---- */

static int resume_entry(struct item *i, const char *name, const char *out, struct fail *fail)
{
    CLEANUP_FREE char *tries = NULL;
    struct stat st;

    int r = item_init(i, name, out);
    if (r >= 0)
        r = join(&tries, i->folder, TRIES);
    if (r < 0)
        return r;
    if (lstat(i->page, &st) < 0)
        return place_results(i, fail);
    i->tries = stat(tries, &st) == 0 ? (unsigned) st.st_size : 0;
    remove_results(i);
    return 1;
}

int item_resume(struct item *i, const char *out, struct fail *fail)
{
    CLEANUP_FREE char *work = NULL;
    int r = join(&work, out, ".work");
    DIR *dir = r < 0 ? NULL : opendir(work);

    if (!dir)
        return fail_set(fail, FAIL_OPEN, -errno, "cannot look into '%s': %m", work);
    for (struct dirent *e; r == 0 && (e = readdir(dir));)
        if (e->d_name[0] != '.') {
            r = resume_entry(i, e->d_name, out, fail);
            if (r <= 0)
                item_done(i);
        }
    closedir(dir);
    return r;
}
