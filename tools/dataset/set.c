/* SPDX-License-Identifier: Apache-2.0 */

#include "tools/dataset/set.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"

#define PARTIAL ".partial.jsonl"
#define TRUTH_NAME "truth.jsonl"
#define SKIPPED_NAME "skipped.jsonl"
#define CARD_NAME "card.md"
#define SYNC_ITEMS 256 ///< most items between two syncs of the file system
#define SYNC_SECONDS 2 ///< longest time between them

static int make_folder(const char *path, struct fail *fail)
{
    if (mkdir(path, 0777) < 0 && errno != EEXIST)
        return fail_set(fail, FAIL_CREATE, -errno, "cannot create the folder '%s': %m", path);
    return 0;
}

/* DIR/a/b.png: the folders below DIR. */
static int make_parents(const char *dir, const char *image, struct fail *fail)
{
    for (const char *slash = strchr(image, '/'); slash; slash = strchr(slash + 1, '/')) {
        CLEANUP_FREE char *path = NULL;
        if (asprintf(&path, "%s/%.*s", dir, (int) (slash - image), image) < 0) {
            path = NULL;
            return -ENOMEM;
        }
        int r = make_folder(path, fail);
        if (r < 0)
            return r;
    }
    return 0;
}

static int forget(const char *dir, const char *name)
{
    CLEANUP_FREE char *path = manifest_path(dir, name);
    if (!path)
        return -ENOMEM;
    return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

static bool has(const char *dir, const char *name)
{
    CLEANUP_FREE char *path = manifest_path(dir, name);
    return path && access(path, F_OK) == 0;
}

static int count_item(void *ctx, const json_t *line, struct fail *fail)
{
    struct set_out *set = ctx;
    set->n_done++;
    if (!json_object_get(line, "record"))
        set->n_skipped++;
    return 0;
}

/* "card.md.Xy12aB" (base/file.c): what a kill at the end of a run left. */
static bool is_left_over(const char *name)
{
    static const char *const lists[] = {MANIFEST_NAME, TRUTH_NAME, SKIPPED_NAME, CARD_NAME};
    const char *dot = strrchr(name, '.');

    if (!dot || strlen(dot) != 7)
        return false;
    for (size_t i = 0; i < ELEMENTSOF(lists); i++)
        if (strlen(lists[i]) == (size_t) (dot - name) &&
            strncmp(name, lists[i], (size_t) (dot - name)) == 0)
            return true;
    return false;
}

static int remove_left_overs(const char *dir, struct fail *fail)
{
    DIR *d = opendir(dir);
    int r = 0;

    if (!d)
        return fail_set(fail, FAIL_CREATE, -errno, "cannot read the folder '%s': %m", dir);
    for (struct dirent *e; r == 0 && (e = readdir(d)) != NULL;)
        if (is_left_over(e->d_name))
            r = forget(dir, e->d_name);
    closedir(d);
    return r < 0 ? fail_set(fail, FAIL_CREATE, r, "cannot tidy up '%s': %m", dir) : 0;
}

int set_check_other(const char *from, const char *out, struct fail *fail)
{
    struct stat a, b;

    if (stat(from, &a) == 0 && stat(out, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino)
        return fail_set(fail, FAIL_USAGE, -EINVAL,
                        "the result cannot go into '%s' itself; name another folder with -o", from);
    return 0;
}

/* Without --force nothing of someone else's is overwritten: neither a finished set nor a folder
 * that holds files under the names of a set's. */
static int check_free(const char *dir, struct fail *fail)
{
    static const char *const names[] = {"images", CARD_NAME, TRUTH_NAME, SKIPPED_NAME};

    if (has(dir, MANIFEST_NAME))
        return fail_set(fail, FAIL_CREATE, -EEXIST,
                        "'%s' holds a data set already; name another folder, or replace it with "
                        "--force",
                        dir);
    for (size_t i = 0; i < ELEMENTSOF(names) && !has(dir, PARTIAL); i++)
        if (has(dir, names[i]))
            return fail_set(fail, FAIL_CREATE, -EEXIST,
                            "'%s/%s' is there and of no run of ours; name another folder, or "
                            "write into this one with --force",
                            dir, names[i]);
    return 0;
}

int set_open(struct set_out *set, const char *dir, const json_t *how, bool force, struct fail *fail)
{
    CLEANUP_FREE char *partial = manifest_path(dir, PARTIAL);

    *set = (struct set_out){0};
    if (!partial || !(set->dir = strdup(dir)))
        return -ENOMEM;
    int r = make_folder(dir, fail);
    if (r == 0 && !force)
        r = check_free(dir, fail);
    if (r < 0)
        return r;
    struct fail why = {0};
    r = journal_open(partial, how, force, count_item, set, &set->journal, &why);
    if (r == -EEXIST)
        return fail_set(fail, FAIL_CREATE, r,
                        "'%s' holds an interrupted run with other options; repeat those to go on, "
                        "or begin anew with --force",
                        dir);
    if (r < 0)
        return why.kind ? fail_set(fail, why.kind, r, "%s", why.text) : r;
    r = remove_left_overs(dir, fail);
    if (r < 0)
        return r;
    /* from here on the folder is unfinished again */
    r = forget(dir, MANIFEST_NAME);
    return r < 0 ? fail_set(fail, FAIL_CREATE, r, "cannot replace '%s/%s': %m", dir, MANIFEST_NAME)
                 : 0;
}

/* Pictures first, then the lines that say that they are there. */
static int sync_all(struct set_out *set, struct fail *fail)
{
    int fd = open(set->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || syncfs(fd) < 0) {
        int r = fail_set(fail, FAIL_IO, -errno, "cannot write to '%s': %m", set->dir);
        if (fd >= 0)
            close(fd);
        return r;
    }
    close(fd);
    set->n_waiting = 0;
    return journal_sync(set->journal, fail);
}

static int log_item(struct set_out *set, json_t *line, struct fail *fail)
{
    int r = journal_add(set->journal, line, fail);
    if (r < 0)
        return r;
    set->n_done++;
    if (set->n_waiting++ == 0)
        clock_gettime(CLOCK_MONOTONIC, &set->waiting_since);
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    const bool late = now.tv_sec - set->waiting_since.tv_sec >= SYNC_SECONDS;
    return late || set->n_waiting >= SYNC_ITEMS ? sync_all(set, fail) : 0;
}

static int log_record(struct set_out *set, const struct manifest_record *record,
                      const json_t *truth, struct fail *fail)
{
    json_t *line = json_pack("{s:o}", "record", manifest_record_to_json(record));
    int r = line ? 0 : -ENOMEM;

    if (r == 0 && truth && json_object_set(line, "truth", (json_t *) truth) < 0)
        r = -ENOMEM;
    if (r == 0)
        r = log_item(set, line, fail);
    json_decref(line);
    return r;
}

/* Under a temporary name first, but not to the disk one by one: sync_all() does that for many. */
static int store(const char *path, const void *bytes, size_t size, struct fail *fail)
{
    CLEANUP_FREE char *tmp = NULL;

    if (asprintf(&tmp, "%s.tmp", path) < 0) {
        tmp = NULL;
        return -ENOMEM;
    }
    unlink(tmp); /* a kill may have left it, as a second name of a file that is not to change */
    int fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0)
        return fail_set(fail, FAIL_CREATE, -errno, "cannot create '%s': %m", path);
    const uint8_t *p = bytes;
    int r = 0;
    while (size > 0 && r == 0) {
        const ssize_t n = write(fd, p, size);
        if (n < 0 && errno != EINTR)
            r = fail_set(fail, FAIL_IO, -errno, "cannot write '%s': %m", path);
        if (n > 0) {
            p += n;
            size -= (size_t) n;
        }
    }
    if (close(fd) < 0 && r == 0)
        r = fail_set(fail, FAIL_IO, -errno, "cannot write '%s': %m", path);
    if (r == 0 && rename(tmp, path) < 0)
        r = fail_set(fail, FAIL_CREATE, -errno, "cannot create '%s': %m", path);
    if (r < 0)
        unlink(tmp);
    return r;
}

int set_add(struct set_out *set, struct manifest_record *record, const void *bytes, size_t size,
            const json_t *truth, struct fail *fail)
{
    CLEANUP_FREE char *path = manifest_path(set->dir, record->image);
    char sum[HASH_TEXT];

    if (!path)
        return -ENOMEM;
    int r = hash_sha256(bytes, size, sum);
    if (r == 0)
        r = manifest_set(&record->sha256, sum);
    if (r == 0)
        r = make_parents(set->dir, record->image, fail);
    if (r == 0)
        r = store(path, bytes, size, fail);
    return r < 0 ? r : log_record(set, record, truth, fail);
}

static int copy_file(const char *from, const char *to, struct fail *fail)
{
    CLEANUP_FREE uint8_t *data = NULL;
    size_t size = 0;

    int r = file_read(from, IMAGE_MAX_FILE_BYTES, &data, &size, fail);
    return r < 0 ? r : store(to, data, size, fail);
}

/* A second name for the file itself, not for a link to it. The old `to` stays until then: it may be
 * `from`. */
static int link_file(const char *from, const char *to)
{
    CLEANUP_FREE char *tmp = NULL;

    if (asprintf(&tmp, "%s.tmp", to) < 0) {
        tmp = NULL;
        return -ENOMEM;
    }
    unlink(tmp);
    if (linkat(AT_FDCWD, from, AT_FDCWD, tmp, AT_SYMLINK_FOLLOW) < 0)
        return -errno;
    const int r = rename(tmp, to) < 0 ? -errno : 0;
    unlink(tmp); /* still there also where both were names of one file already */
    return r;
}

int set_link(struct set_out *set, const struct manifest_record *record, const char *from,
             const json_t *truth, struct fail *fail)
{
    CLEANUP_FREE char *path = manifest_path(set->dir, record->image);

    if (!path)
        return -ENOMEM;
    int r = make_parents(set->dir, record->image, fail);
    if (r == 0 && link_file(from, path) < 0)
        r = copy_file(from, path, fail);
    return r < 0 ? r : log_record(set, record, truth, fail);
}

int set_skip(struct set_out *set, const json_t *why, struct fail *fail)
{
    json_t *line = json_pack("{s:O}", "skipped", (json_t *) why);
    int r = line ? log_item(set, line, fail) : -ENOMEM;

    json_decref(line);
    set->n_skipped++;
    return r;
}

/* ---- the end ---- */

struct lists {
    const char *dir;
    struct manifest_writer *manifest, *truth,
        *skipped; ///< owned; the last two when there is a line
};

static void lists_done(struct lists *l)
{
    manifest_writer_free(l->manifest);
    manifest_writer_free(l->truth);
    manifest_writer_free(l->skipped);
}

static int add_to(struct lists *l, struct manifest_writer **list, const char *name,
                  const json_t *line, struct fail *fail)
{
    int r = *list ? 0 : manifest_create(l->dir, name, list, fail);
    return r < 0 ? r : manifest_add_json(*list, line, fail);
}

static int sort_line(void *ctx, const json_t *line, struct fail *fail)
{
    struct lists *l = ctx;
    const json_t *record = json_object_get(line, "record"), *truth = json_object_get(line, "truth");
    const json_t *skipped = json_object_get(line, "skipped");
    int r = 0;

    if (record)
        r = add_to(l, &l->manifest, MANIFEST_NAME, record, fail);
    if (truth && r == 0)
        r = add_to(l, &l->truth, TRUTH_NAME, truth, fail);
    if (skipped && r == 0)
        r = add_to(l, &l->skipped, SKIPPED_NAME, skipped, fail);
    return r;
}

static int write_card(const char *dir, const char *card, struct fail *fail)
{
    CLEANUP_FREE char *path = manifest_path(dir, CARD_NAME);
    CLEANUP(file_out_done) struct file_out f = FILE_OUT_INIT;

    if (!path)
        return -ENOMEM;
    int r = file_out_open(&f, path, fail);
    if (r == 0)
        r = file_out_write(&f, card, strlen(card), fail);
    return r < 0 ? r : file_out_commit(&f, fail);
}

/* The list, or nothing under its name where an earlier run left one. */
static int end_list(struct manifest_writer *list, const char *dir, const char *name,
                    struct fail *fail)
{
    return list ? manifest_commit(list, fail) : forget(dir, name);
}

int set_commit(struct set_out *set, const char *card, struct fail *fail)
{
    CLEANUP(lists_done) struct lists lists = {.dir = set->dir};

    int r = sync_all(set, fail);
    if (r == 0) /* an empty set has a manifest too */
        r = manifest_create(set->dir, MANIFEST_NAME, &lists.manifest, fail);
    if (r == 0)
        r = journal_replay(set->journal, sort_line, &lists, fail);
    if (r == 0)
        r = end_list(lists.truth, set->dir, TRUTH_NAME, fail);
    if (r == 0)
        r = end_list(lists.skipped, set->dir, SKIPPED_NAME, fail);
    if (r == 0)
        r = write_card(set->dir, card, fail);
    if (r == 0)
        r = manifest_commit(lists.manifest, fail);
    if (r == 0)
        set->journal = journal_close(set->journal, true);
    return r;
}

void set_done(struct set_out *set)
{
    /* what is on the disk by now counts for the next run */
    if (set->journal && set->n_waiting > 0)
        sync_all(set, NULL);
    set->journal = journal_close(set->journal, false);
    free(set->dir);
    *set = (struct set_out){0};
}
