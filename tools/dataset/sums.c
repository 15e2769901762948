/* SPDX-License-Identifier: Apache-2.0 */

#include "tools/dataset/sums.h"

#include <errno.h>
#include <fts.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/batch.h"
#include "base/file.h"
#include "base/hash.h"
#include "tools/dataset/common.h"

struct paths {
    char **paths; ///< owned, below the folder
    size_t n, room;
};

static void paths_done(struct paths *p)
{
    for (size_t i = 0; i < p->n; i++)
        free(p->paths[i]);
    free(p->paths);
}

static int add(struct paths *p, const char *path)
{
    if (p->n == p->room) {
        const size_t room = p->room ? 2 * p->room : 1024;
        char **more = realloc(p->paths, room * sizeof(*more));
        if (!more)
            return -ENOMEM;
        p->paths = more;
        p->room = room;
    }
    p->paths[p->n] = strdup(path);
    return p->paths[p->n++] ? 0 : -ENOMEM;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *) a, *(char *const *) b);
}

static bool ends_with(const char *name, size_t n, const char *ending)
{
    const size_t k = strlen(ending);
    return n >= k && strncmp(name + n - k, ending, k) == 0;
}

/* What a kill left: "card.md.Xy12aB" (base/file.c), "1.png.tmp" (set.c), or the journal of a run that
 * had ended but for it (set.c and cmd-clean.c remove theirs last, after the manifest). */
static bool is_left_over(const char *name)
{
    static const char *const endings[] = {".png", ".jpg", ".jsonl", ".md", ".html", SUMS_NAME};
    const char *dot = strrchr(name, '.');
    const size_t n = dot ? (size_t) (dot - name) : 0;
    bool ours = false;

    if (name[0] == '.' && ends_with(name, strlen(name), ".partial.jsonl"))
        return true;
    if (!dot || (strlen(dot) != 7 && strcmp(dot, ".tmp") != 0))
        return false;
    for (unsigned i = 0; i < ELEMENTSOF(endings); i++)
        ours = ours || ends_with(name, n, endings[i]);
    return ours;
}

static int take_file(struct paths *p, const FTSENT *e, size_t prefix, struct fail *fail)
{
    if (strchr(e->fts_path, '\n') || strchr(e->fts_path, '\\'))
        return fail_set(fail, FAIL_INPUT, -EINVAL, "'%s': no checksum list can hold such a name",
                        e->fts_path);
    if (is_left_over(e->fts_name)) {
        if (unlink(e->fts_path) < 0)
            return fail_set(fail, FAIL_IO, -errno, "cannot remove '%s': %m", e->fts_path);
        return 0;
    }
    if (e->fts_name[0] == '.' || strcmp(e->fts_path + prefix, SUMS_NAME) == 0)
        return 0;
    return add(p, e->fts_path + prefix);
}

static int collect(struct paths *p, const char *dir, struct fail *fail)
{
    char *const roots[] = {(char *) dir, NULL};
    FTS *fts = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    int r = fts ? 0 : fail_set(fail, FAIL_OPEN, -errno, "cannot read '%s': %m", dir);

    errno = 0;
    for (FTSENT *e; r == 0 && (e = fts_read(fts)) != NULL;) {
        if (e->fts_info == FTS_F)
            r = take_file(p, e, strlen(dir) + 1, fail);
        else if (e->fts_info == FTS_DNR || e->fts_info == FTS_ERR || e->fts_info == FTS_NS)
            r = fail_set(fail, FAIL_IO, -e->fts_errno, "cannot read '%s': %m", e->fts_path);
    }
    if (r == 0 && errno)
        r = fail_set(fail, FAIL_IO, -errno, "cannot read '%s': %m", dir);
    if (fts)
        fts_close(fts);
    if (p->n > 0)
        qsort(p->paths, p->n, sizeof(*p->paths), by_bytes);
    return r;
}

/* ---- the sums, several at once, in order ---- */

struct item {
    const char *path; ///< borrowed
    char sum[HASH_TEXT];
};

struct run {
    const char *dir;
    struct paths paths;
    size_t next;
    struct file_out out;
};

static void run_done(struct run *run)
{
    paths_done(&run->paths);
    file_out_done(&run->out);
}

static int next_item(void *ctx, void **ret, struct fail *fail)
{
    struct run *run = ctx;

    int r = dataset_interrupted(fail);
    if (r < 0 || run->next == run->paths.n)
        return r;
    struct item *item = calloc(1, sizeof(*item));
    if (!item)
        return -ENOMEM;
    item->path = run->paths.paths[run->next++];
    *ret = item;
    return 1;
}

static int work_item(void *ctx, void *arg, struct fail *fail)
{
    const struct run *run = ctx;
    struct item *item = arg;
    CLEANUP_FREE char *path = NULL;

    if (asprintf(&path, "%s/%s", run->dir, item->path) < 0) {
        path = NULL;
        return -ENOMEM;
    }
    return hash_sha256_file(path, item->sum, fail);
}

static int take_item(void *ctx, void *arg, int r, struct fail *fail)
{
    struct run *run = ctx;
    struct item *item = arg;
    CLEANUP_FREE char *line = NULL;

    if (r == 0) {
        const int n = asprintf(&line, "%s  %s\n", item->sum, item->path);
        if (n < 0)
            line = NULL;
        r = n < 0 ? -ENOMEM : file_out_write(&run->out, line, (size_t) n, fail);
    }
    free(item);
    return r;
}

int sums_write(const char *dir, unsigned n_jobs, struct fail *fail)
{
    CLEANUP(run_done) struct run run = {.dir = dir, .out = FILE_OUT_INIT};
    const struct batch batch = {
        .n_jobs = n_jobs, .ctx = &run, .next = next_item, .work = work_item, .take = take_item};
    CLEANUP_FREE char *path = NULL;

    if (asprintf(&path, "%s/" SUMS_NAME, dir) < 0) {
        path = NULL;
        return -ENOMEM;
    }
    int r = collect(&run.paths, dir, fail);
    if (r == 0)
        r = file_out_open(&run.out, path, fail);
    if (r == 0)
        r = batch_run(&batch, fail);
    return r < 0 ? r : file_out_commit(&run.out, fail);
}
