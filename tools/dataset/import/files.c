/* SPDX-License-Identifier: Apache-2.0 */

#include "tools/dataset/import/import.h"

#include <ctype.h>
#include <errno.h>
#include <fts.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- the list ---- */

void import_list_done(struct import_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        free(list->items[i].path);
    for (size_t i = 0; i < list->n_roots; i++)
        free(list->roots[i]);
    free(list->items);
    free(list->roots);
    *list = (struct import_list){0};
}

int import_add_root(struct import_list *list, const char *root, const char **ret)
{
    char **more = realloc(list->roots, (list->n_roots + 1) * sizeof(*more));
    if (!more)
        return -ENOMEM;
    list->roots = more;
    if (!(more[list->n_roots] = strdup(root)))
        return -ENOMEM;
    *ret = more[list->n_roots++];
    return 0;
}

void import_clean_name(const char *name, char ret[151])
{
    const size_t n = strlen(name);
    size_t k = 0;

    for (name += n > 150 ? n - 150 : 0; *name; name++) {
        const unsigned char c = (unsigned char) *name;
        if (c >= 0x80 && c < 0xc0) /* one '-' for a letter of several bytes */
            continue;
        /* '#' is for the number that tells files of one name apart */
        ret[k++] = c == '/' ? '+' : c < 0x80 && (isalnum(c) || strchr("-_.+", c)) ? (char) c : '-';
    }
    if (k == 0)
        ret[k++] = '_';
    if (ret[0] == '.')
        ret[0] = '_';
    ret[k] = 0;
}

#define HASH_START 14695981039346656037u

/* FNV-1a, 64 bits; two names with one hash only get a number more than they need. */
static uint64_t hash_name(uint64_t h, const char *name)
{
    for (; *name; name++)
        h = (h ^ (unsigned char) *name) * 1099511628211u;
    return h;
}

int import_add(struct import_list *list, struct import_item item, const char *name)
{
    if (list->n == list->room) {
        const size_t room = MAX(list->room * 2, (size_t) 256);
        void *more = room <= UINT32_MAX ? realloc(list->items, room * sizeof(item)) : NULL;
        if (!more) {
            free(item.path);
            return -ENOMEM;
        }
        list->items = more;
        list->room = room;
    }
    char id[151];
    import_clean_name(name, id);
    item.hash = hash_name(HASH_START, id);
    item.key = hash_name(hash_name(HASH_START, item.root), name);
    list->items[list->n++] = item;
    return 0;
}

static int compare_items(const void *a, const void *b)
{
    const struct import_item *x = *(struct import_item *const *) a,
                             *y = *(struct import_item *const *) b;
    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    return x < y ? -1 : x > y;
}

int import_list_end(struct import_list *list)
{
    CLEANUP_FREE struct import_item **order = malloc((list->n + 1) * sizeof(*order));
    if (!order)
        return -ENOMEM;
    for (size_t i = 0; i < list->n; i++)
        order[i] = &list->items[i];
    qsort(order, list->n, sizeof(*order), compare_items);
    unsigned sides = 0; /* bits: of this page, so far */
    for (size_t i = 0; i < list->n; i++) {
        struct import_item *item = order[i];
        const struct import_item *last =
            i > 0 && order[i - 1]->hash == item->hash ? order[i - 1] : NULL;
        const bool page = last && last->key == item->key && !(sides >> item->side & 1);
        item->nth = last ? last->nth + !page : 0;
        sides = (page ? sides : 0) | 1u << item->side;
    }
    return 0;
}

/* ---- files ---- */

bool import_ends(const char *text, const char *ending)
{
    const size_t n = strlen(text), m = strlen(ending);
    return n > m && strcasecmp(text + n - m, ending) == 0;
}

char *import_join(const char *root, const char *path, size_t cut, const char *ending)
{
    char *out;
    const int n = asprintf(&out, "%s/%.*s%s", root, (int) (strlen(path) - cut), path, ending);
    return n < 0 ? NULL : out;
}

static bool has_ending(const char *name, const char *const endings[])
{
    for (; *endings; endings++)
        if (import_ends(name, *endings))
            return true;
    return false;
}

static int compare_names(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

/* Another file, or another state of it, gives another stamp. */
static void stamp(struct import_list *list, const struct stat *st)
{
    const uint64_t parts[] = {st->st_ino, (uint64_t) st->st_size, (uint64_t) st->st_mtim.tv_sec,
                              (uint64_t) st->st_mtim.tv_nsec};
    for (size_t i = 0; i < ELEMENTSOF(parts); i++)
        list->stamp = (list->stamp ^ parts[i]) * 1099511628211u;
}

static int walk_folder(const char *root, const char *const endings[], struct import_list *list,
                       int (*each)(struct import_list *list, const char *root, const char *path,
                                   struct fail *fail),
                       struct fail *fail)
{
    char *const paths[] = {(char *) root, NULL};
    FTS *fts = fts_open(paths, FTS_LOGICAL | FTS_NOCHDIR, compare_names);
    int r = fts ? 0 : -errno;

    for (FTSENT *e; r == 0 && (e = fts_read(fts)) != NULL;) {
        if (e->fts_info == FTS_DNR || e->fts_info == FTS_ERR || e->fts_info == FTS_NS)
            r = fail_set(fail, FAIL_OPEN, -e->fts_errno, "cannot open '%s': %s", e->fts_path,
                         strerror(e->fts_errno));
        else if (e->fts_info == FTS_F && e->fts_name[0] != '.' &&
                 has_ending(e->fts_name, endings)) {
            stamp(list, e->fts_statp);
            r = each(list, root, e->fts_path + strlen(root) + 1, fail);
        }
    }
    if (fts)
        fts_close(fts);
    return r;
}

int import_walk(const char *source, const char *const endings[], struct import_list *list,
                int (*each)(struct import_list *list, const char *root, const char *path,
                            struct fail *fail),
                struct fail *fail)
{
    CLEANUP_FREE char *folder = strdup(source), *name = strdup(source);
    const char *root;
    struct stat st;

    if (!folder || !name)
        return -ENOMEM;
    if (stat(source, &st) < 0)
        return fail_set(fail, FAIL_OPEN, -errno, "cannot open '%s': %m", source);
    if (S_ISDIR(st.st_mode)) { /* "DIR/" as "DIR": paths below begin after one slash */
        for (size_t n = strlen(folder); n > 1 && folder[n - 1] == '/'; n--)
            folder[n - 1] = 0;
        int r = import_add_root(list, folder, &root);
        return r < 0 ? r : walk_folder(root, endings, list, each, fail);
    }
    const char *file = basename(name);
    if (!has_ending(file, endings))
        return fail_set(fail, FAIL_USAGE, -EINVAL,
                        "'%s' does not end in %s; see --help for what the format needs", source,
                        endings[0]);
    stamp(list, &st);
    int r = import_add_root(list, dirname(folder), &root);
    return r < 0 ? r : each(list, root, file, fail);
}

int import_picture(const char *stem, char **ret)
{
    static const char *const endings[] = {".jpg", ".png",  ".jpeg", ".tif", ".tiff",
                                          ".pgm", ".ppm",  ".pbm",  ".pnm", ".JPG",
                                          ".PNG", ".JPEG", ".TIF",  ".TIFF"};
    *ret = NULL;
    for (size_t i = 0; i < ELEMENTSOF(endings); i++) {
        char *path;
        if (asprintf(&path, "%s%s", stem, endings[i]) < 0)
            return -ENOMEM;
        if (access(path, F_OK) == 0) {
            *ret = path;
            return 0;
        }
        free(path);
    }
    return 0;
}

int import_set_name(const struct import_options *o, struct import_work *w, size_t cut)
{
    const char *path = w->item->path;

    w->name = strndup(path, strlen(path) - cut);
    if (!w->name || asprintf(&w->record.source, "%s:%s", o->format->name, path) < 0) {
        w->record.source = NULL;
        return -ENOMEM;
    }
    return 0;
}
