/* SPDX-License-Identifier: Apache-2.0 */

#include "import/source.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "import/source_part.h"
#include "import/words.h"

#define PARTS_MAX 1000
#define JSON_BYTES_MAX (16 << 20)
#define VERIFY_BYTES ((size_t) 16 << 20) /* how much is looked at before pages are given back */

struct import_source {
    char *path, *folder;
    struct import_part *parts;
    size_t n_parts;
    struct import_tensors tensors; ///< sorted by name
    json_t *config;                ///< owned, NULL: none
};

/* ---- one file ------------------------------------------------------------------------------- */

int import_tensors_add(struct import_tensors *to, const struct import_tensor *t, struct fail *fail)
{
    if (to->n == to->room) {
        const size_t room = to->room ? 2 * to->room : 1024;
        struct import_tensor *more = realloc(to->list, room * sizeof(*more));
        if (!more)
            return fail_set(fail, FAIL_OTHER, -ENOMEM, "not enough memory for the list of tensors");
        to->list = more;
        to->room = room;
    }
    to->list[to->n++] = *t;
    return 0;
}

static int map_part(struct import_part *part, struct fail *fail)
{
    struct stat st;
    int fd = open(part->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), r = 0; /* no waiting for a pipe */

    if (fd < 0)
        return fail_set(fail, FAIL_OPEN, -errno, "cannot open '%s': %m", part->path);
    if (fstat(fd, &st) < 0)
        r = fail_set(fail, FAIL_IO, -errno, "cannot read '%s': %m", part->path);
    else if (!S_ISREG(st.st_mode))
        r = fail_set(fail, FAIL_OPEN, -EINVAL, "'%s' is not a regular file; name a file or folder",
                     part->path);
    else if (st.st_size == 0)
        r = import_broken(fail, part->path, "it is empty");
    else if ((uint64_t) st.st_size > SIZE_MAX / 2)
        r = import_unknown(fail, part->path, "it is too large for this machine");
    if (r == 0) {
        void *map = mmap(NULL, (size_t) st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (map == MAP_FAILED) {
            r = fail_set(fail, FAIL_IO, -errno, "cannot map '%s': %m", part->path);
        } else {
            part->map = map;
            part->size = (size_t) st.st_size;
        }
    }
    close(fd);
    return r;
}

static bool begins(const struct import_part *part, size_t at, const char *what)
{
    return part->size >= at + strlen(what) && memcmp(part->map + at, what, strlen(what)) == 0;
}

/* Files that are often where a checkpoint should be. */
static int not_known(const struct import_part *part, struct fail *fail)
{
    if (begins(part, 0, "version https://git-lfs"))
        return import_unknown(fail, part->path,
                              "it only says where Git LFS has the file; run "
                              "`git lfs pull` in its folder");
    if (begins(part, 0, "<"))
        return import_unknown(fail, part->path, "it is a web page; download the file itself");
    if (begins(part, 257, "ustar") || begins(part, 0, "storages"))
        return import_unknown(fail, part->path,
                              "it is a tar file; unpack it, or if it is a "
                              "checkpoint of PyTorch before 0.1.10 save it again with a newer one");
    if (begins(part, 0, "\x1f\x8b"))
        return import_unknown(fail, part->path, "it is compressed; unpack it with gunzip");
    return import_unknown(fail, part->path,
                          "it is neither a checkpoint of PyTorch (.pt, .bin) nor "
                          "safetensors");
}

static int open_safetensors(struct import_part *part, struct import_tensors *to, struct fail *fail)
{
    struct nn_raw raw;

    munmap(part->map, part->size);
    part->map = NULL;
    int r = nn_file_open_foreign(part->path, &part->file, fail);
    for (size_t i = 0; r == 0 && i < nn_file_n_tensors(part->file); i++) {
        nn_file_raw(part->file, i, &raw);
        struct import_tensor t = {.name = raw.name,
                                  .dtype = raw.dtype,
                                  .rank = raw.rank,
                                  .n = raw.n,
                                  .is_contiguous = true,
                                  .data = raw.data};
        size_t step = 1;
        for (unsigned d = raw.rank; d > 0; d--) {
            t.shape[d - 1] = raw.shape[d - 1];
            t.stride[d - 1] = step;
            step *= raw.n ? raw.shape[d - 1] : 1;
        }
        r = import_tensors_add(to, &t, fail);
    }
    part->format = "safetensors";
    part->section = "";
    return r;
}

int import_part_open(struct import_part *part, const char *path, struct import_tensors *to,
                     struct fail *fail)
{
    uint64_t header = 0;

    if (!(part->path = strdup(path)))
        return fail_set(fail, FAIL_OTHER, -ENOMEM, "not enough memory to read '%s'", path);
    int r = map_part(part, fail);
    if (r < 0)
        return r;
    if (import_zip_is(part->map, part->size) || import_torch_is_old(part->map, part->size))
        return import_torch_open(part, to, fail);
    if (part->size > 8)
        memcpy(&header, part->map, 8);
    if (begins(part, 8, "{") && header > 0 && header <= part->size - 8)
        return open_safetensors(part, to, fail);
    return not_known(part, fail);
}

void import_part_done(struct import_part *part)
{
    import_zip_done(&part->zip);
    pickle_free(part->pickle);
    nn_file_close(part->file);
    if (part->map)
        munmap(part->map, part->size);
    free(part->path);
}

/* ---- folders and several files ----------------------------------------------------------------
 */

static json_t *load_json(const char *path)
{
    json_error_t error;
    struct stat st;
    json_t *ret;

    if (stat(path, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > JSON_BYTES_MAX)
        return NULL;
    ret = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    if (json_is_object(ret))
        return ret;
    json_decref(ret);
    return NULL;
}

static int add_part(struct import_source *s, const char *path, struct fail *fail)
{
    struct import_part *more = realloc(s->parts, (s->n_parts + 1) * sizeof(*more));

    if (!more)
        return fail_set(fail, FAIL_OTHER, -ENOMEM, "not enough memory to read '%s'", path);
    s->parts = more;
    s->parts[s->n_parts] = (struct import_part){0};
    return import_part_open(&s->parts[s->n_parts++], path, &s->tensors, fail);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct import_tensor *) a)->name,
                  ((const struct import_tensor *) b)->name);
}

/* {"weight_map": {TENSOR: FILE}}: the files lie beside the index. */
static int add_listed(struct import_source *s, const char *index, struct fail *fail)
{
    CLEANUP(json_decrefp) json_t *root = load_json(index);
    json_t *map = json_object_get(root, "weight_map"), *file;
    CLEANUP(json_decrefp) json_t *seen = json_object();
    const char *tensor;
    int r;

    if (!json_is_object(map) || json_object_size(map) == 0)
        return import_broken(fail, index, "it lists no files ('weight_map')");
    json_object_foreach(map, tensor, file)
    {
        const char *name = json_string_value(file);
        CLEANUP_FREE char *path = NULL;
        if (!name || !*name || strchr(name, '/') || strcmp(name, "..") == 0)
            return import_broken(fail, index, "the file of '%.80s' is not beside it", tensor);
        if (json_object_get(seen, name))
            continue;
        if (json_object_size(seen) == PARTS_MAX)
            return import_unknown(fail, index, "it lists more than %d files", PARTS_MAX);
        if (json_object_set_new(seen, name, json_true()) < 0 ||
            asprintf(&path, "%s/%s", s->folder, name) < 0)
            return fail_set(fail, FAIL_OTHER, -ENOMEM, "not enough memory to read '%s'", index);
        if ((r = add_part(s, path, fail)) < 0)
            return r;
    }
    qsort(s->tensors.list, s->tensors.n, sizeof(*s->tensors.list), by_name);
    json_object_foreach(
        map, tensor,
        file) if (!import_source_find(s, "%s", tensor)) return import_broken(fail, index,
                                                                             "tensor '%.80s' is in "
                                                                             "none of its files",
                                                                             tensor);
    return 0;
}

static bool is_index(const char *path)
{
    static const char end[] = ".index.json";
    const size_t n = strlen(path);

    return n > strlen(end) && strcmp(path + n - strlen(end), end) == 0;
}

static int open_folder(struct import_source *s, struct fail *fail)
{
    static const char *const names[] = {"model.safetensors", "model.safetensors.index.json",
                                        "pytorch_model.bin", "pytorch_model.bin.index.json"};
    struct stat st;

    for (size_t i = 0; i < ELEMENTSOF(names); i++) {
        CLEANUP_FREE char *path = NULL;
        if (asprintf(&path, "%s/%s", s->folder, names[i]) < 0)
            return -ENOMEM;
        if (stat(path, &st) == 0)
            return is_index(path) ? add_listed(s, path, fail) : add_part(s, path, fail);
    }
    return import_unknown(fail, s->path,
                          "no model.safetensors and no pytorch_model.bin is in this "
                          "folder; name the checkpoint itself");
}

static int find_folder(struct import_source *s, bool is_folder)
{
    CLEANUP_FREE char *copy = strdup(s->path);

    if (!copy)
        return -ENOMEM;
    s->folder = strdup(is_folder ? s->path : dirname(copy));
    return s->folder ? 0 : -ENOMEM;
}

static int open_parts(struct import_source *s, struct fail *fail)
{
    struct stat st;

    if (stat(s->path, &st) < 0)
        return fail_set(fail, FAIL_OPEN, -errno, "cannot open '%s': %m", s->path);
    int r = find_folder(s, S_ISDIR(st.st_mode));
    if (r < 0)
        return fail_set(fail, FAIL_OTHER, r, "not enough memory to read '%s'", s->path);
    if (S_ISDIR(st.st_mode))
        return open_folder(s, fail);
    return is_index(s->path) ? add_listed(s, s->path, fail) : add_part(s, s->path, fail);
}

static int finish(struct import_source *s, struct fail *fail)
{
    CLEANUP_FREE char *config = NULL;
    const struct import_tensor *list = s->tensors.list;

    if (s->tensors.n == 0)
        return import_unknown(fail, s->path, "it holds no tensors");
    qsort(s->tensors.list, s->tensors.n, sizeof(*s->tensors.list), by_name);
    for (size_t i = 1; i < s->tensors.n; i++)
        if (strcmp(list[i - 1].name, list[i].name) == 0)
            return import_broken(fail, s->path, "tensor '%.80s' is there twice", list[i].name);
    if (asprintf(&config, "%s/config.json", s->folder) < 0)
        return -ENOMEM;
    s->config = load_json(config);
    return 0;
}

int import_source_open(const char *path, struct import_source **ret, struct fail *fail)
{
    CLEANUP(import_source_closep) struct import_source *s = calloc(1, sizeof(*s));
    int r;

    if (!s || !(s->path = strdup(path)))
        return fail_set(fail, FAIL_OTHER, -ENOMEM, "not enough memory to read '%s'", path);
    if ((r = open_parts(s, fail)) < 0 || (r = finish(s, fail)) < 0)
        return r;
    *ret = TAKE_PTR(s);
    return 0;
}

struct import_source *import_source_close(struct import_source *s)
{
    if (!s)
        return NULL;
    for (size_t i = 0; i < s->n_parts; i++)
        import_part_done(&s->parts[i]);
    free(s->parts);
    free(s->tensors.list);
    json_decref(s->config);
    free(s->folder);
    free(s->path);
    free(s);
    return NULL;
}

/* ---- what is in it -----------------------------------------------------------------------------
 */

const char *import_source_path(const struct import_source *s)
{
    return s->path;
}

const char *import_source_folder(const struct import_source *s)
{
    return s->folder;
}

const char *import_source_format(const struct import_source *s)
{
    return s->parts[0].format;
}

const char *import_source_section(const struct import_source *s)
{
    return s->parts[0].section;
}

size_t import_source_n(const struct import_source *s)
{
    return s->tensors.n;
}

const struct import_tensor *import_source_at(const struct import_source *s, size_t i)
{
    return &s->tensors.list[i];
}

const struct import_tensor *import_source_find(const struct import_source *s, const char *name, ...)
{
    char text[512];
    va_list ap;

    va_start(ap, name);
    const int n = vsnprintf(text, sizeof(text), name, ap);
    va_end(ap);
    const struct import_tensor key = {.name = text};
    return n < (int) sizeof(text) && s->tensors.n > 0
               ? bsearch(&key, s->tensors.list, s->tensors.n, sizeof(key), by_name)
               : NULL;
}

const char *import_source_text(const struct import_source *s, const char *key)
{
    const struct pickle_value *v = s->parts[0].root ? pickle_get(s->parts[0].root, key) : NULL;

    if (s->parts[0].file)
        return nn_file_metadata(s->parts[0].file, key);
    return v && v->kind == PICKLE_TEXT ? v->text : NULL;
}

bool import_source_int(const struct import_source *s, const char *key, int64_t *ret)
{
    const struct pickle_value *v = s->parts[0].root ? pickle_get(s->parts[0].root, key) : NULL;

    if (!v || v->kind != PICKLE_INT)
        return false;
    *ret = v->integer;
    return true;
}

const json_t *import_source_config(const struct import_source *s)
{
    return s->config;
}

const char *const *import_source_strangers(const struct import_source *s)
{
    static const char *const none[] = {NULL};

    for (size_t i = 0; i < s->n_parts; i++)
        if (s->parts[i].pickle && *pickle_strangers(s->parts[i].pickle))
            return pickle_strangers(s->parts[i].pickle);
    return none;
}

static int verify_part(const struct import_part *part, const struct import_zip_part *z,
                       const volatile int *cancel, struct fail *fail)
{
    uLong crc = crc32(0, NULL, 0);

    for (size_t at = 0, n; at < z->size; at += n) {
        n = MIN(VERIFY_BYTES, z->size - at);
        crc = crc32_z(crc, z->data + at, n);
        const struct import_tensor seen = {
            .dtype = NN_U8, .rank = 1, .shape = {n}, .stride = {1}, .n = n, .data = z->data + at};
        import_forget(&seen);
        if (cancel && *cancel)
            return fail_set(fail, FAIL_INTERRUPTED, -ECANCELED,
                            "interrupted; no file is left behind");
    }
    if (crc != z->crc)
        return import_broken(fail, part->path, "the checksum of part '%s' is wrong", z->name);
    return 0;
}

static int by_pointer(const void *a, const void *b)
{
    const uint8_t *const *x = a, *const *y = b;

    return (*x > *y) - (*x < *y);
}

/* Whether one of the pointers, which are sorted, lies in the part. */
static bool holds_one(const struct import_zip_part *z, const uint8_t *const *pointers, size_t n)
{
    size_t from = 0;

    while (n > 0) { /* the first that is not below the part */
        if (pointers[from + n / 2] < z->data) {
            from += n / 2 + 1;
            n -= n / 2 + 1;
        } else {
            n /= 2;
            if (pointers[from + n] < z->data + z->size)
                return true;
        }
    }
    return false;
}

static bool is_table(const struct import_zip_part *z)
{
    const char *slash = strchr(z->name, '/');

    return slash && strcmp(slash, "/data.pkl") == 0;
}

int import_source_verify(const struct import_source *s, const volatile int *cancel,
                         struct fail *fail)
{
    CLEANUP_FREE const uint8_t **pointers = calloc(s->tensors.n + 1, sizeof(*pointers));

    if (!pointers)
        return fail_set(fail, FAIL_OTHER, -ENOMEM, "not enough memory to read '%s'", s->path);
    for (size_t i = 0; i < s->tensors.n; i++)
        pointers[i] = s->tensors.list[i].data;
    qsort(pointers, s->tensors.n, sizeof(*pointers), by_pointer);
    for (size_t i = 0; i < s->n_parts; i++)
        for (size_t k = 0; k < s->parts[i].zip.n; k++) {
            const struct import_zip_part *z = &s->parts[i].zip.parts[k];
            if (!z->crc || z->is_packed || !(is_table(z) || holds_one(z, pointers, s->tensors.n)))
                continue;
            int r = verify_part(&s->parts[i], z, cancel, fail);
            if (r < 0)
                return r;
        }
    return 0;
}
