/* SPDX-License-Identifier: Apache-2.0
 *
 * WebDataset: tar files train-000000.tar, … in which a sample is the files of one name: KEY.png or
 * .jpg, KEY.txt (the text), KEY.json (the record). Nothing in them tells when or by whom they were
 * made. A key ends at its first dot, so a dot of an id is written '~'.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <archive.h>
#include <archive_entry.h>

#include "tools/dataset/export/export.h"

struct shard {
    struct archive *tar; ///< owned
    uint64_t n;          ///< samples in it
    unsigned number;     ///< of the next
};

struct web {
    const struct export_options *o;
    const char *dir;
    struct shard shards[EXPORT_N_SPLITS];
};

static const char *const split_names[EXPORT_N_SPLITS] = {"train", "val", "test"};

static int open_web(const struct export_options *o, const char *dir, void **ret, struct fail *fail)
{
    struct web *s = calloc(1, sizeof(*s));
    if (!s)
        return -ENOMEM;
    s->o = o;
    s->dir = dir;
    *ret = s;
    return 0;
}

static int tar_failed(const struct web *s, struct archive *tar, struct fail *fail)
{
    const int e = archive_errno(tar);
    const char *why = e > 0 ? strerror(e) : archive_error_string(tar);
    return fail_set(fail, FAIL_IO, e > 0 ? -e : -EIO, "cannot write to '%s': %s", s->dir,
                    why ? why : "unknown reason");
}

static int close_shard(struct web *s, struct shard *shard, struct fail *fail)
{
    struct archive *tar = TAKE_PTR(shard->tar);
    int r = 0;

    if (tar && archive_write_close(tar) != ARCHIVE_OK)
        r = tar_failed(s, tar, fail);
    if (tar)
        archive_write_free(tar);
    return r;
}

static int open_shard(struct web *s, enum export_split split, struct fail *fail)
{
    struct shard *shard = &s->shards[split];
    CLEANUP_FREE char *path = NULL;

    if (asprintf(&path, "%s/%s-%06u.tar", s->dir, split_names[split], shard->number++) < 0) {
        path = NULL;
        return -ENOMEM;
    }
    shard->n = 0;
    if (!(shard->tar = archive_write_new()))
        return -ENOMEM;
    /* ustar, and pax only for names that do not fit it */
    if (archive_write_set_format_pax_restricted(shard->tar) != ARCHIVE_OK ||
        archive_write_open_filename(shard->tar, path) != ARCHIVE_OK)
        return tar_failed(s, shard->tar, fail);
    return 0;
}

static int add_file(struct web *s, struct archive *tar, const char *key, const char *ending,
                    const void *bytes, size_t size, struct fail *fail)
{
    char name[256];
    struct archive_entry *entry = archive_entry_new();

    if (!entry)
        return -ENOMEM;
    snprintf(name, sizeof(name), "%s.%s", key, ending);
    archive_entry_set_pathname(entry, name);
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_size(entry, (la_int64_t) size);
    archive_entry_set_mtime(entry, 0, 0);
    archive_entry_set_uid(entry, 0);
    archive_entry_set_gid(entry, 0);
    int r = 0;
    if (archive_write_header(tar, entry) != ARCHIVE_OK ||
        archive_write_data(tar, bytes, size) != (la_ssize_t) size)
        r = tar_failed(s, tar, fail);
    archive_entry_free(entry);
    return r;
}

static int add_web(void *state, struct export_item *item, struct fail *fail)
{
    struct web *s = state;
    const enum export_split split = export_split_of(&item->record);
    struct shard *shard = &s->shards[split];
    const char *text = item->record.text ? item->record.text : "";
    char key[MANIFEST_MAX_NAME + 1];
    int r = 0;

    snprintf(key, sizeof(key), "%s", item->record.id);
    for (char *p = key; (p = strchr(p, '.')) != NULL;)
        *p = '~';
    if (shard->tar && shard->n == s->o->shard_size)
        r = close_shard(s, shard, fail);
    if (r == 0 && !shard->tar)
        r = open_shard(s, split, fail);
    if (r < 0)
        return r;
    shard->n++;
    json_t *record = manifest_record_to_json(&item->record);
    char *json = record ? json_dumps(record, JSON_COMPACT | JSON_REAL_PRECISION(15)) : NULL;
    json_decref(record);
    r = json ? add_file(s, shard->tar, key, item->ending, item->bytes, item->n_bytes, fail)
             : -ENOMEM;
    if (r == 0)
        r = add_file(s, shard->tar, key, "json", json, strlen(json), fail);
    if (r == 0)
        r = add_file(s, shard->tar, key, "txt", text, strlen(text), fail);
    free(json);
    return r;
}

static int finish_web(void *state, struct fail *fail)
{
    struct web *s = state;
    int r = 0;

    for (unsigned k = 0; k < EXPORT_N_SPLITS && r == 0; k++)
        r = close_shard(s, &s->shards[k], fail);
    return r;
}

static void done_web(void *state)
{
    struct web *s = state;

    for (unsigned k = 0; k < EXPORT_N_SPLITS; k++)
        if (s->shards[k].tar)
            archive_write_free(s->shards[k].tar);
    free(s);
}

const struct export_format export_webdataset = {
    .name = "webdataset",
    .open = open_web,
    .add = add_web,
    .finish = finish_web,
    .done = done_web,
};
