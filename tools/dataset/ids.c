/* SPDX-License-Identifier: Apache-2.0 */

#include "tools/dataset/ids.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/dataset/draw.h"

struct entry {
    uint64_t hash;
    uint32_t at;
};

static int by_hash(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    return x->hash != y->hash ? (x->hash < y->hash ? -1 : 1) : x->at < y->at ? -1 : x->at > y->at;
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* false: no 64 hex digits, all zero then */
static bool to_bytes(const char *hex, uint8_t out[32])
{
    memset(out, 0, 32);
    if (!hex || strlen(hex) != 64 || hex[strspn(hex, "0123456789abcdef")])
        return false;
    for (unsigned i = 0; i < 32; i++)
        out[i] = (uint8_t) (hex_digit(hex[2 * i]) << 4 | hex_digit(hex[2 * i + 1]));
    return true;
}

struct list {
    struct entry *entries;
    uint64_t *paths;
    uint8_t (*sums)[32];
    size_t n, room;
};

static int grow(struct list *l, bool with_sums)
{
    const size_t room = l->room ? 2 * l->room : 1024;
    struct entry *entries = realloc(l->entries, room * sizeof(*entries));
    if (!entries)
        return -ENOMEM;
    l->entries = entries;
    uint64_t *paths = realloc(l->paths, room * sizeof(*paths));
    if (!paths)
        return -ENOMEM;
    l->paths = paths;
    if (with_sums) {
        void *sums = realloc(l->sums, room * sizeof(*l->sums));
        if (!sums)
            return -ENOMEM;
        l->sums = sums;
    }
    l->room = room;
    return 0;
}

static int read_all(struct list *l, struct ids *ids, const char *dir, const char *type,
                    bool with_sums, struct fail *fail)
{
    CLEANUP(manifest_closep) struct manifest_reader *reader = NULL;
    struct manifest_record record;

    int r = manifest_open(dir, &reader, fail);
    while (r >= 0 && (r = manifest_next(reader, &record, fail)) == 1) {
        r = l->n == l->room ? grow(l, with_sums) : 0;
        if (r == 0 && l->n == UINT32_MAX)
            r = fail_set(fail, FAIL_INPUT, -E2BIG, "'%s' has too many records", dir);
        if (r == 0) {
            l->entries[l->n] = (struct entry){draw_hash(record.id), (uint32_t) l->n};
            l->paths[l->n] = draw_hash(record.image);
            if (with_sums)
                to_bytes(record.sha256, l->sums[l->n]);
            l->n++;
            ids->n_of_type += !type || (record.type && strcmp(record.type, type) == 0);
        }
        manifest_record_done(&record);
    }
    return r;
}

static int by_value(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *) a, y = *(const uint64_t *) b;
    return x < y ? -1 : x > y;
}

static int unique(const struct list *l, const char *dir, struct fail *fail)
{
    for (size_t i = 1; i < l->n; i++)
        if (l->entries[i].hash == l->entries[i - 1].hash)
            return fail_set(fail, FAIL_INPUT, -EBADMSG,
                            "'%s/%s': records %u and %u have the same id", dir, MANIFEST_NAME,
                            l->entries[i - 1].at + 1, l->entries[i].at + 1);
    return 0;
}

static int take_over(struct ids *ids, const struct list *l)
{
    ids->n = l->n;
    ids->hash = calloc(l->n + 1, sizeof(*ids->hash));
    ids->at = calloc(l->n + 1, sizeof(*ids->at));
    if (!ids->hash || !ids->at)
        return -ENOMEM;
    for (size_t i = 0; i < l->n; i++) {
        ids->hash[i] = l->entries[i].hash;
        ids->at[i] = l->entries[i].at;
    }
    return 0;
}

int ids_load(struct ids *ids, const char *dir, const char *type, bool with_sums, struct fail *fail)
{
    struct list l = {0};

    *ids = (struct ids){0};
    CLEANUP_FREE char *path = manifest_path(dir, MANIFEST_NAME);
    if (!path)
        return -ENOMEM;
    int r = read_all(&l, ids, dir, type, with_sums, fail);
    if (r == 0)
        r = hash_sha256_file(path, ids->manifest_sum, fail);
    if (r == 0) {
        if (l.n > 0) {
            qsort(l.entries, l.n, sizeof(*l.entries), by_hash);
            qsort(l.paths, l.n, sizeof(*l.paths), by_value);
        }
        r = unique(&l, dir, fail);
    }
    if (r == 0)
        r = take_over(ids, &l);
    ids->sum = l.sums;
    ids->path = l.paths;
    free(l.entries);
    return r;
}

void ids_done(struct ids *ids)
{
    free(ids->hash);
    free(ids->at);
    free(ids->path);
    free(ids->sum);
    *ids = (struct ids){0};
}

/* Its number in hash[], or n. */
static size_t find(const struct ids *ids, const char *id)
{
    const uint64_t wanted = draw_hash(id);
    size_t low = 0, high = ids->n;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (ids->hash[middle] < wanted)
            low = middle + 1;
        else
            high = middle;
    }
    return low < ids->n && ids->hash[low] == wanted ? low : ids->n;
}

bool ids_has(const struct ids *ids, const char *id)
{
    return find(ids, id) < ids->n;
}

bool ids_has_image(const struct ids *ids, const char *image)
{
    const uint64_t wanted = draw_hash(image);
    return ids->n && bsearch(&wanted, ids->path, ids->n, sizeof(wanted), by_value);
}

bool ids_sum_is(const struct ids *ids, const char *id, const char sum[HASH_TEXT])
{
    const size_t i = find(ids, id);
    uint8_t bytes[32];

    return i < ids->n && ids->sum && to_bytes(sum, bytes) &&
           memcmp(ids->sum[ids->at[i]], bytes, 32) == 0;
}
