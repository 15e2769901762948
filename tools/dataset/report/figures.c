/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "manifest/manifest.h"
#include "tools/dataset/common.h"
#include "tools/dataset/draw.h"
#include "tools/dataset/report/report.h"

#define MAX_BAD 20 ///< pictures that are named when their checksums differ

int figures_count(json_t *figures, const char *table, const char *key)
{
    json_t *object = figures;

    if (table && !(object = json_object_get(figures, table)) &&
        json_object_set_new(figures, table, object = json_object()) < 0)
        return -ENOMEM;
    const json_int_t n = json_integer_value(json_object_get(object, key));
    return json_object_set_new(object, key, json_integer(n + 1)) < 0 ? -ENOMEM : 0;
}

/* figures[table][row][column] += 1 */
static int count_cross(json_t *figures, const char *table, const char *row, const char *column)
{
    json_t *rows = json_object_get(figures, table);

    if (!rows && json_object_set_new(figures, table, rows = json_object()) < 0)
        return -ENOMEM;
    return figures_count(rows, row, column);
}

int figures_sample(json_t *list, json_t *object, uint64_t draw, unsigned k)
{
    size_t at = json_array_size(list);
    char text[20];

    snprintf(text, sizeof(text), "%016llx", (unsigned long long) draw);
    while (at > 0) {
        const json_t *before = json_array_get(list, at - 1);
        if (strcmp(json_string_value(json_object_get(before, "draw")), text) <= 0)
            break;
        at--;
    }
    if (!object || at >= k) {
        json_decref(object);
        return at >= k || object ? 0 : -ENOMEM;
    }
    json_object_set_new(object, "draw", json_string(text));
    if (json_array_insert_new(list, at, object) < 0)
        return -ENOMEM;
    if (json_array_size(list) > k)
        json_array_remove(list, k);
    return 0;
}

void figures_rows(json_t *table, const char *const *rows, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        json_object_set_new(table, rows[i], json_object());
}

void figures_tidy(json_t *table)
{
    const char *row;
    json_t *value, *sample;
    void *next;
    size_t i;

    json_object_foreach_safe(table, next, row, value)
    {
        json_array_foreach(value, i, sample) json_object_del(sample, "draw");
        if (json_object_size(value) == 0 && json_array_size(value) == 0)
            json_object_del(table, row);
    }
}

static json_t *list_of(json_t *figures, const char *table, const char *key)
{
    json_t *object = json_object_get(figures, table), *list;

    if (!object)
        json_object_set_new(figures, table, object = json_object());
    list = json_object_get(object, key);
    if (!list)
        json_object_set_new(object, key, list = json_array());
    return list;
}

/* ---- pictures that are kept in mind ---- */

static int by_id(const void *a, const void *b)
{
    const struct figures_item *x = a, *y = b;
    return x->id != y->id ? (x->id < y->id ? -1 : 1) : 0;
}

struct figures_item *figures_find(const struct figures_items *items, const char *id)
{
    const struct figures_item wanted = {.id = draw_hash(id)};
    return items->n ? bsearch(&wanted, items->items, items->n, sizeof(wanted), by_id) : NULL;
}

static int find_type(struct figures_items *items, const char *type, uint8_t *ret, struct fail *fail)
{
    unsigned i = 0;

    while (i < items->n_types && strcmp(items->types[i], type) != 0)
        i++;
    if (i == FIGURES_MAX_TYPES)
        return fail_set(fail, FAIL_INPUT, -E2BIG, "more than %d types of pictures",
                        FIGURES_MAX_TYPES);
    if (i == items->n_types) {
        if (!(items->types[i] = strdup(type)))
            return -ENOMEM;
        items->n_types++;
    }
    *ret = (uint8_t) i;
    return 0;
}

static int remember(struct figures_items *items, const struct manifest_record *r, const char *type,
                    struct fail *fail)
{
    if (items->n == items->room) {
        const size_t room = items->room ? 2 * items->room : 1024;
        struct figures_item *more = realloc(items->items, room * sizeof(*more));
        if (!more)
            return -ENOMEM;
        items->items = more;
        items->room = room;
    }
    struct figures_item *item = &items->items[items->n];
    *item = (struct figures_item){.id = draw_hash(r->id), .dpi = (float) r->dpi, .edge = -1};
    int err = find_type(items, type, &item->type, fail);
    items->n += err == 0;
    return err;
}

static void forget(struct figures_items *items)
{
    for (unsigned i = 0; i < items->n_types; i++)
        free(items->types[i]);
    free(items->items);
}

/* ---- a set ---- */

/* "turn-180+background-#e8d8b0" -> "turn, background" */
static void kind_of(const char *augment, char out[64])
{
    bool copy = true;
    size_t n = 0;

    for (; *augment && n < 60; augment++) {
        if (*augment == '+') {
            out[n++] = ',';
            out[n++] = ' ';
            copy = true;
        } else if (*augment == '-') {
            copy = false;
        } else if (copy) {
            out[n++] = *augment;
        }
    }
    out[n] = 0;
}

static json_t *cells_text(const struct manifest_record *r)
{
    enum { MOST = 40 };
    char text[3 * MOST + 4] = "";

    for (size_t i = 0; r->cells && i < MIN(r->n_cells, (size_t) MOST); i++)
        brl_cell_utf8(r->cells[i], text + 3 * i);
    return json_string(text);
}

static json_t *describe(const struct manifest_record *r)
{
    return json_pack("{s:s, s:s, s:s?, s:s?, s:s?, s:o}", "id", r->id, "image", r->image, "text",
                     r->text, "reads", r->reads, "augment", r->augment, "cells", cells_text(r));
}

static int check_picture(const char *dir, const struct manifest_record *r, json_t *set)
{
    char sum[HASH_TEXT];
    struct fail why = {0};

    CLEANUP_FREE char *path = manifest_path(dir, r->image);
    if (!path)
        return -ENOMEM;
    int err = hash_sha256_file(path, sum, &why);
    if (err == -ENOMEM)
        return err;
    if (err == 0 && !r->sha256)
        return figures_count(set, "checksums", "none");
    const bool good = err == 0 && strcmp(sum, r->sha256) == 0;
    json_t *bad = json_object_get(set, "bad");
    if (!good && json_array_size(bad) < MAX_BAD)
        json_array_append_new(bad, json_pack("{s:s, s:s}", "id", r->id, "why",
                                             err < 0 ? why.text : "another checksum"));
    return figures_count(set, "checksums", good ? "right" : err < 0 ? "missing" : "wrong");
}

static int add_sample(const struct report_options *o, const struct manifest_record *r,
                      const char *type, json_t *set)
{
    struct random lot = draw_of(o->seed, r->id);
    char kind[64];

    if (r->augment)
        kind_of(r->augment, kind);
    json_t *list =
        r->augment ? list_of(set, "samples_augment", kind) : list_of(set, "samples_type", type);
    return figures_sample(list, describe(r), random_next(&lot), o->n_samples);
}

static int count_record(const struct report_options *o, const struct manifest_record *r,
                        const char *type, json_t *set)
{
    char kind[64] = "as it was";

    if (r->augment)
        kind_of(r->augment, kind);
    int err = figures_count(set, "types", type);
    if (err == 0)
        err = figures_count(set, "codes", r->code ? r->code : "not known");
    if (err == 0)
        err = figures_count(set, "made", kind);
    if (err == 0)
        err = count_cross(set, "splits", r->split ? r->split : "none", type);
    if (err == 0 && r->reads)
        err = figures_count(set, "turned_reads", *r->reads ? "another label" : "nothing");
    return err < 0 ? err : add_sample(o, r, type, set);
}

static int read_records(const struct report_options *o, const char *dir,
                        struct figures_items *items, json_t *set, struct fail *fail)
{
    CLEANUP(manifest_closep) struct manifest_reader *reader = NULL;
    struct manifest_record record;

    int r = manifest_open(dir, &reader, fail);
    while (r >= 0 && (r = manifest_next(reader, &record, fail)) == 1) {
        const char *type = record.type ? record.type : "none";
        r = remember(items, &record, type, fail);
        if (r == 0)
            r = count_record(o, &record, type, set);
        if (r == 0)
            r = check_picture(dir, &record, set);
        if (r == 0)
            r = dataset_interrupted(fail);
        manifest_record_done(&record);
    }
    if (items->n > 0)
        qsort(items->items, items->n, sizeof(*items->items), by_id);
    return r;
}

static int sum_file(const char *dir, const char *name, json_t *sums, struct fail *fail)
{
    char sum[HASH_TEXT];

    CLEANUP_FREE char *path = manifest_path(dir, name);
    if (!path)
        return -ENOMEM;
    if (access(path, F_OK) < 0)
        return 0;
    int r = hash_sha256_file(path, sum, fail);
    return r < 0 ? r : json_object_set_new(sums, name, json_string(sum)) < 0 ? -ENOMEM : 0;
}

static int sum_lists(const char *dir, json_t *set, struct fail *fail)
{
    static const char *const names[] = {MANIFEST_NAME, "clean.jsonl", "truth.jsonl", "review.jsonl",
                                        "skipped.jsonl"};
    json_t *sums = json_object();
    int r = sums ? json_object_set_new(set, "lists", sums) : -ENOMEM;

    for (unsigned i = 0; r == 0 && i < ELEMENTSOF(names); i++)
        r = sum_file(dir, names[i], sums, fail);
    return r;
}

/* ---- what it should hold ---- */

/* "NAME:TYPE=N,TYPE=N" of this set's name: {"TYPE": N, …}; NULL: nothing was asked for. */
static json_t *find_expected(const struct report_options *o, const char *name)
{
    for (size_t i = 0; i < o->n_expected; i++) {
        const char *text = o->expected[i], *colon = strchr(text, ':');
        if (!colon || strlen(name) != (size_t) (colon - text) ||
            strncmp(text, name, strlen(name)) != 0)
            continue;
        json_t *object = json_object();
        for (const char *at = colon + 1; *at;) {
            const size_t key = strcspn(at, "=");
            json_object_setn_new(object, at, key, json_integer(at[key] ? atoll(at + key + 1) : 0));
            at += strcspn(at, ",");
            at += *at == ',';
        }
        return object;
    }
    return NULL;
}

static void compare(const struct report_options *o, const char *name, json_t *set)
{
    json_t *expected = find_expected(o, name), *off = NULL, *n;
    const json_t *types = json_object_get(set, "types");
    const char *type;

    if (!expected)
        return;
    off = json_object();
    json_object_foreach(expected, type, n)
    {
        const json_int_t more =
            json_integer_value(json_object_get(types, type)) - json_integer_value(n);
        json_object_set_new(off, type, json_integer(more));
    }
    json_object_set_new(set, "expected", expected);
    json_object_set_new(set, "more_than_expected", off);
}

static const char *base_name(const char *dir)
{
    const char *slash = strrchr(dir, '/');
    return slash && slash[1] ? slash + 1 : dir;
}

static int collect_set(const struct report_options *o, const char *dir, json_t *set,
                       struct fail *fail)
{
    static const char *const splits[] = {"train", "test", "val", "none"};
    struct figures_items items = {0};

    figures_rows(json_object_get(set, "splits"), splits, ELEMENTSOF(splits));
    int r = read_records(o, dir, &items, set, fail);
    figures_tidy(json_object_get(set, "splits"));
    figures_tidy(json_object_get(set, "samples_type"));
    figures_tidy(json_object_get(set, "samples_augment"));
    if (r == 0)
        r = json_object_set_new(set, "pictures", json_integer((json_int_t) items.n));
    if (r == 0)
        r = figures_cleaning(o, dir, &items, set, fail);
    if (r == 0)
        r = sum_lists(dir, set, fail);
    if (r == 0)
        compare(o, base_name(dir), set);
    forget(&items);
    return r;
}

int figures_collect(const struct report_options *o, json_t **ret, struct fail *fail)
{
    json_t *sets = json_array();
    json_t *figures = json_pack("{s:s?, s:O}", "title", o->title, "sets", sets);
    int r = figures ? 0 : -ENOMEM;

    for (size_t i = 0; r == 0 && i < o->n_dirs; i++) {
        json_t *set =
            json_pack("{s:s, s:i, s:[]}", "name", base_name(o->dirs[i]), "pictures", 0, "bad");
        r = set ? collect_set(o, o->dirs[i], set, fail) : -ENOMEM;
        if (json_array_append_new(sets, set) < 0 && r == 0)
            r = -ENOMEM;
    }
    json_decref(sets);
    if (r < 0)
        json_decref(figures);
    else
        *ret = figures;
    return r;
}
