/* SPDX-License-Identifier: Apache-2.0 */

#include "tools/dataset/groups.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/dataset/draw.h"
#include "tools/dataset/jsonl.h"
#include "tools/dataset/twin.h"

const char *const groups_side_names[N_SIDES] = {NULL, "train", "test", "val"};

/* A name that a record goes by; records that share one belong together. */
enum key_kind { KEY_ID, KEY_PARENT, KEY_ROOT, KEY_FILE, KEY_SAME };
struct key {
    uint64_t name;
    uint32_t item;
    uint32_t kind;
};

struct keys {
    struct key *keys; ///< owned
    size_t n, room;
};

static int add_key(struct keys *k, uint64_t name, size_t item, enum key_kind kind)
{
    if (k->n == k->room) {
        const size_t room = k->room ? 2 * k->room : 4096;
        struct key *more = realloc(k->keys, room * sizeof(*more));
        if (!more)
            return -ENOMEM;
        k->keys = more;
        k->room = room;
    }
    k->keys[k->n++] = (struct key){name, (uint32_t) item, kind};
    return 0;
}

static int by_name(const void *a, const void *b)
{
    const struct key *x = a, *y = b;
    return x->name != y->name   ? (x->name < y->name ? -1 : 1)
           : x->item != y->item ? (x->item < y->item ? -1 : 1)
                                : (int) x->kind - (int) y->kind;
}

/* The hash of the name that twins have in common with their picture: endings of ours are cut off,
 * so that also a twin's twin whose parent is elsewhere is known. */
static uint64_t root_hash(const char *name)
{
    char buffer[256];
    const size_t n = MIN(twin_root_length(name), sizeof(buffer) - 1);

    if (!name[n] || n == sizeof(buffer) - 1)
        return draw_hash(name);
    memcpy(buffer, name, n);
    buffer[n] = 0;
    return draw_hash(buffer);
}

static uint8_t side_of(const char *split)
{
    for (uint8_t side = SIDE_TRAIN; split && side < N_SIDES; side++)
        if (strcmp(split, groups_side_names[side]) == 0)
            return side;
    return SIDE_NONE;
}

static int type_of(struct groups *g, const char *name, uint8_t *ret, struct fail *fail)
{
    unsigned i = 0;

    name = name ? name : "none";
    while (i < g->n_types && strcmp(g->types[i], name) != 0)
        i++;
    if (i == GROUPS_MAX_TYPES)
        return fail_set(fail, FAIL_INPUT, -E2BIG, "more than %d types of pictures",
                        GROUPS_MAX_TYPES);
    if (i == g->n_types) {
        if (!(g->types[i] = strdup(name)))
            return -ENOMEM;
        g->n_types++;
    }
    *ret = (uint8_t) i;
    return 0;
}

/* ---- reading ---- */

static int add_record(struct groups *g, struct keys *keys, const struct manifest_record *r,
                      struct fail *fail)
{
    struct groups_item *item = &g->items[g->n];

    *item = (struct groups_item){.id = draw_hash(r->id),
                                 .root = (uint32_t) g->n,
                                 .side = side_of(r->split),
                                 .top = r->parent ? root_hash(r->parent) : draw_hash(r->id)};
    int err = type_of(g, r->type, &item->type, fail);
    if (err == 0)
        err = add_key(keys, item->id, g->n, KEY_ID);
    if (err == 0 && r->parent)
        err = add_key(keys, draw_hash(r->parent), g->n, KEY_PARENT);
    if (err == 0 && r->parent)
        err = add_key(keys, item->top, g->n, KEY_ROOT);
    if (err == 0 && r->sha256)
        err = add_key(keys, draw_hash(r->sha256), g->n, KEY_FILE);
    if (err == 0)
        g->n++;
    return err;
}

static int read_records(struct groups *g, struct keys *keys, const char *dir, struct fail *fail)
{
    CLEANUP(manifest_closep) struct manifest_reader *reader = NULL;
    struct manifest_record record;
    size_t room = 0;

    int r = manifest_open(dir, &reader, fail);
    while (r >= 0 && (r = manifest_next(reader, &record, fail)) == 1) {
        if (g->n == UINT32_MAX)
            r = fail_set(fail, FAIL_INPUT, -E2BIG, "'%s' has too many records", dir);
        if (g->n == room) {
            struct groups_item *more = realloc(g->items, (room = 2 * room + 1024) * sizeof(*more));
            r = more ? r : -ENOMEM;
            g->items = more ? more : g->items;
        }
        if (r > 0)
            r = add_record(g, keys, &record, fail);
        manifest_record_done(&record);
    }
    return r;
}

/* What `clean` says is the same print, two names after each other. */
static int read_duplicates(struct keys *pairs, const char *dir, struct fail *fail)
{
    CLEANUP(jsonl_done) struct jsonl list = {0};
    json_t *line = NULL;

    int r = jsonl_open(&list, dir, "clean.jsonl", fail);
    while (r > 0 && (r = jsonl_next(&list, &line, fail)) == 1) {
        const char *id = jsonl_text(line, "id"), *other = jsonl_text(line, "duplicate_of");
        if (id && other) {
            r = add_key(pairs, draw_hash(id), 0, KEY_SAME);
            if (r == 0)
                r = add_key(pairs, draw_hash(other), 0, KEY_SAME);
            r = r < 0 ? r : 1;
        }
        json_decref(line);
    }
    return r;
}

/* ---- joining ---- */

static uint32_t root_of(struct groups *g, uint32_t i)
{
    while (g->items[i].root != i)
        i = g->items[i].root = g->items[g->items[i].root].root;
    return i;
}

/* The earlier record stays the root. */
static void join(struct groups *g, uint32_t a, uint32_t b)
{
    a = root_of(g, a);
    b = root_of(g, b);
    g->items[MAX(a, b)].root = MIN(a, b);
}

static const struct key *find(const struct keys *keys, uint64_t name)
{
    size_t low = 0, high = keys->n;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (keys->keys[middle].name < name)
            low = middle + 1;
        else
            high = middle;
    }
    return low < keys->n && keys->keys[low].name == name ? &keys->keys[low] : NULL;
}

/* All that share one name. */
static void join_run(struct groups *g, const struct key *first, const struct key *end)
{
    bool here = false;

    for (const struct key *k = first; k < end; k++)
        here = here || k->kind == KEY_ID;
    for (const struct key *k = first; k < end; k++) {
        join(g, first->item, k->item);
        if (k->kind == KEY_PARENT && here)
            g->items[k->item].has_parent_here = true;
    }
}

static void join_all(struct groups *g, const struct keys *keys, const struct keys *pairs)
{
    const struct key *end = keys->keys + keys->n;

    for (const struct key *first = keys->keys, *k = first; k < end; first = k) {
        while (k < end && k->name == first->name)
            k++;
        join_run(g, first, k);
    }
    for (size_t i = 0; i + 1 < pairs->n; i += 2) {
        const struct key *a = find(keys, pairs->keys[i].name);
        const struct key *b = find(keys, pairs->keys[i + 1].name);
        if (a && b)
            join(g, a->item, b->item);
    }
    for (size_t i = 0; i < g->n; i++)
        g->items[i].root = root_of(g, (uint32_t) i);
}

/* ---- the other sets ---- */

static int by_side_name(const void *a, const void *b)
{
    const struct groups_name *x = a, *y = b;
    return x->name != y->name ? (x->name < y->name ? -1 : 1) : (int) x->side - (int) y->side;
}

static unsigned sides_of(const struct groups_sides *sides, uint64_t name)
{
    size_t low = 0, high = sides->n;
    unsigned bits = 0;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (sides->names[middle].name < name)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < sides->n && sides->names[low].name == name; low++)
        bits |= 1u << sides->names[low].side;
    return bits;
}

static int load(struct groups *g, struct keys *keys, struct keys *pairs, const char *dir,
                struct fail *fail)
{
    *g = (struct groups){0};
    int r = read_records(g, keys, dir, fail);
    if (r == 0)
        r = read_duplicates(pairs, dir, fail);
    if (r == 0 && keys->n > 0)
        qsort(keys->keys, keys->n, sizeof(*keys->keys), by_name);
    if (r == 0)
        join_all(g, keys, pairs);
    return r;
}

int groups_load(struct groups *groups, const char *dir, const struct groups_sides *sides,
                struct fail *fail)
{
    struct keys keys = {0}, pairs = {0};

    int r = load(groups, &keys, &pairs, dir, fail);
    if (r == 0 && !(groups->elsewhere = calloc(groups->n + 1, 1)))
        r = -ENOMEM;
    for (size_t i = 0; r == 0 && sides && i < keys.n; i++)
        groups->elsewhere[keys.keys[i].item] |= (uint8_t) sides_of(sides, keys.keys[i].name);
    free(keys.keys);
    free(pairs.keys);
    return r;
}

void groups_done(struct groups *groups)
{
    for (unsigned i = 0; i < groups->n_types; i++)
        free(groups->types[i]);
    free(groups->items);
    free(groups->elsewhere);
    *groups = (struct groups){0};
}

static int take_sides(struct groups_sides *sides, const struct groups *g, const struct keys *keys,
                      const char *dir, struct fail *fail)
{
    struct groups_name *more = realloc(sides->names, (sides->n + keys->n + 1) * sizeof(*more));

    if (!more)
        return -ENOMEM;
    sides->names = more;
    for (size_t i = 0; i < keys->n; i++) {
        const uint8_t side = g->items[keys->keys[i].item].side;
        if (side == SIDE_NONE)
            return fail_set(fail, FAIL_INPUT, -ENODATA,
                            "'%s' has no split yet; split it first, and others like it", dir);
        sides->names[sides->n++] = (struct groups_name){keys->keys[i].name, side};
    }
    if (sides->n > 0)
        qsort(sides->names, sides->n, sizeof(*sides->names), by_side_name);
    return 0;
}

int groups_sides_add(struct groups_sides *sides, const char *dir, struct fail *fail)
{
    struct keys keys = {0}, pairs = {0};
    struct groups g;

    int r = load(&g, &keys, &pairs, dir, fail);
    if (r == 0)
        r = take_sides(sides, &g, &keys, dir, fail);
    groups_done(&g);
    free(keys.keys);
    free(pairs.keys);
    return r;
}

void groups_sides_done(struct groups_sides *sides)
{
    free(sides->names);
    *sides = (struct groups_sides){0};
}
