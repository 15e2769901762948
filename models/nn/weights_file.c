/* SPDX-License-Identifier: Apache-2.0 */

#include "nn/weights_file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the file's floats are little-endian");

#define HEADER_MAX ((uint64_t) 100 * 1000 * 1000) /* the format's own limit */

struct entry {
    const char *name; ///< borrowed from the header
    enum nn_dtype dtype;
    unsigned rank;
    size_t shape[NN_RANK_MAX];
    size_t n;          ///< values
    size_t begin, end; ///< bytes from the start of the data
    float *copy;       ///< converted or realigned values, owned; NULL until asked for
};

struct nn_file {
    char *path;
    bool is_foreign;
    uint8_t *map;
    size_t size;
    const uint8_t *data; ///< inside the map
    size_t data_size;
    json_t *header; ///< owned
    json_t *config; ///< owned, NULL when there is none
    struct entry *entries;
    size_t n_entries; ///< sorted by name once checked
};

int nn_file_broken(const struct nn_file *f, struct fail *fail, const char *format, ...)
{
    char words[320];
    va_list ap;

    va_start(ap, format);
    vsnprintf(words, sizeof(words), format, ap);
    va_end(ap);
    for (char *p = words; *p; p++) /* names come from the file: keep the message one line */
        if ((unsigned char) *p < ' ' || *p == 127)
            *p = '?';
    if (f->is_foreign)
        return fail_set(fail, FAIL_INPUT, -EBADMSG, "'%s' is broken: %s; download it again",
                        f->path, words);
    return fail_set(fail, FAIL_UNAVAILABLE, -EBADMSG,
                    "weights file '%s' is broken: %s; install it again", f->path, words);
}

/* ---- opening: map, header, table of tensors ---------------------------------------------- */

static int map_file(struct nn_file *f, struct fail *fail)
{
    struct stat st;
    int fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* never wait for a pipe */

    if (fd < 0 && f->is_foreign)
        return fail_set(fail, FAIL_OPEN, -errno, "cannot open '%s': %m", f->path);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return fail_set(fail, FAIL_UNAVAILABLE, -ENOENT,
                        "no weights at '%s'; install the model files or name their folder with "
                        "--models DIR",
                        f->path);
    if (fd < 0)
        return fail_set(fail, FAIL_UNAVAILABLE, -errno, "cannot open weights file '%s': %m",
                        f->path);
    int r = 0;
    if (fstat(fd, &st) < 0)
        r = fail_set(fail, FAIL_IO, -errno, "cannot read weights file '%s': %m", f->path);
    else if (!S_ISREG(st.st_mode))
        r = nn_file_broken(f, fail, "it is not a regular file");
    else if (st.st_size < 8)
        r = nn_file_broken(f, fail, "it has only %lld bytes", (long long) st.st_size);
    else if ((uint64_t) st.st_size > SIZE_MAX / 2)
        r = nn_file_broken(f, fail, "it is too large for this machine");
    if (r == 0) {
        void *map = mmap(NULL, (size_t) st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (map == MAP_FAILED) {
            r = fail_set(fail, FAIL_IO, -errno, "cannot map weights file '%s': %m", f->path);
        } else {
            f->map = map;
            f->size = (size_t) st.st_size;
        }
    }
    close(fd);
    return r;
}

static int read_header(struct nn_file *f, struct fail *fail)
{
    json_error_t error;
    uint64_t n;

    memcpy(&n, f->map, sizeof(n));
    if (n > HEADER_MAX || n > f->size - 8)
        return nn_file_broken(f, fail, "its header would have %llu bytes", (unsigned long long) n);
    if (n == 0 || f->map[8] != '{')
        return nn_file_broken(f, fail, "it is not a safetensors file");
    f->header = json_loadb((const char *) f->map + 8, (size_t) n, JSON_REJECT_DUPLICATES, &error);
    if (!f->header)
        return nn_file_broken(f, fail, "header: %s", error.text);
    if (!json_is_object(f->header))
        return nn_file_broken(f, fail, "its header is not an object");
    f->data = f->map + 8 + n;
    f->data_size = f->size - 8 - (size_t) n;
    return 0;
}

static int read_metadata(struct nn_file *f, struct fail *fail)
{
    json_t *meta = json_object_get(f->header, "__metadata__"), *value;
    json_error_t error;
    const char *key;

    if (!meta)
        return 0;
    if (!json_is_object(meta))
        return nn_file_broken(f, fail, "its metadata is not an object");
    json_object_foreach(meta, key, value) if (!json_is_string(value)) return nn_file_broken(
        f, fail, "metadata '%s' is not a string", key);
    value = json_object_get(meta, "brailled");
    if (!value)
        return 0;
    f->config = json_loadb(json_string_value(value), json_string_length(value),
                           JSON_REJECT_DUPLICATES, &error);
    if (!f->config)
        return nn_file_broken(f, fail, "configuration: %s", error.text);
    if (!json_is_object(f->config))
        return nn_file_broken(f, fail, "its configuration is not an object");
    return 0;
}

static const struct {
    const char *name;
    size_t size;
} types[NN_DTYPES] = {
    [NN_F32] = {"F32", 4}, [NN_F16] = {"F16", 2},   [NN_BF16] = {"BF16", 2}, [NN_F64] = {"F64", 8},
    [NN_I64] = {"I64", 8}, [NN_I32] = {"I32", 4},   [NN_I16] = {"I16", 2},   [NN_I8] = {"I8", 1},
    [NN_U8] = {"U8", 1},   [NN_BOOL] = {"BOOL", 1},
};

const char *nn_dtype_name(enum nn_dtype dtype)
{
    return types[dtype].name;
}

size_t nn_dtype_size(enum nn_dtype dtype)
{
    return types[dtype].size;
}

static int read_dtype(const struct nn_file *f, const json_t *v, enum nn_dtype *ret)
{
    for (size_t i = 0; i < (f->is_foreign ? ELEMENTSOF(types) : NN_BF16 + 1); i++)
        if (json_is_string(v) && strcmp(json_string_value(v), types[i].name) == 0) {
            *ret = (enum nn_dtype) i;
            return 0;
        }
    return -EBADMSG;
}

static int read_shape(const json_t *v, struct entry *e)
{
    if (!json_is_array(v) || json_array_size(v) > NN_RANK_MAX)
        return -EBADMSG;
    e->rank = (unsigned) json_array_size(v);
    e->n = 1;
    for (unsigned i = 0; i < e->rank; i++) {
        const json_t *d = json_array_get(v, i);
        if (!json_is_integer(d) || json_integer_value(d) < 0 ||
            (uint64_t) json_integer_value(d) > SIZE_MAX)
            return -EBADMSG;
        e->shape[i] = (size_t) json_integer_value(d);
        if (__builtin_mul_overflow(e->n, e->shape[i], &e->n))
            return -EBADMSG;
    }
    return 0;
}

static int read_offset(const json_t *v, size_t limit, size_t *ret)
{
    if (!json_is_integer(v) || json_integer_value(v) < 0 ||
        (uint64_t) json_integer_value(v) > limit)
        return -EBADMSG;
    *ret = (size_t) json_integer_value(v);
    return 0;
}

static int read_entry(const struct nn_file *f, const char *name, const json_t *v, struct entry *e,
                      struct fail *fail)
{
    size_t bytes;

    e->name = name;
    if (!json_is_object(v) || json_object_size(v) != 3)
        return nn_file_broken(f, fail, "tensor '%.80s' is not described as it should be", name);
    if (read_dtype(f, json_object_get(v, "dtype"), &e->dtype) < 0)
        return nn_file_broken(f, fail, "tensor '%.80s' is not F32, F16 or BF16", name);
    if (read_shape(json_object_get(v, "shape"), e) < 0)
        return nn_file_broken(f, fail, "tensor '%.80s' has an impossible shape", name);
    const json_t *o = json_object_get(v, "data_offsets");
    if (!json_is_array(o) || json_array_size(o) != 2 ||
        read_offset(json_array_get(o, 0), f->data_size, &e->begin) < 0 ||
        read_offset(json_array_get(o, 1), f->data_size, &e->end) < 0 || e->begin > e->end)
        return nn_file_broken(f, fail, "tensor '%.80s' lies outside the file", name);
    if (__builtin_mul_overflow(e->n, nn_dtype_size(e->dtype), &bytes) || bytes != e->end - e->begin)
        return nn_file_broken(f, fail, "tensor '%.80s' has another size than its shape", name);
    return 0;
}

static int by_place(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;

    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    return x->end < y->end ? -1 : x->end > y->end;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct entry *) a)->name, ((const struct entry *) b)->name);
}

static int read_entries(struct nn_file *f, struct fail *fail)
{
    json_t *value;
    const char *name;
    size_t at = 0;

    f->entries = calloc(json_object_size(f->header) + 1, sizeof(*f->entries));
    if (!f->entries)
        return -ENOMEM;
    json_object_foreach(f->header, name, value)
    {
        if (strcmp(name, "__metadata__") == 0)
            continue;
        int r = read_entry(f, name, value, &f->entries[f->n_entries], fail);
        if (r < 0)
            return r;
        f->n_entries++;
    }
    /* one after the other, from the first byte of the data to the last */
    qsort(f->entries, f->n_entries, sizeof(*f->entries), by_place);
    for (size_t i = 0; i < f->n_entries; i++) {
        if (f->entries[i].begin != at)
            return nn_file_broken(f, fail, "tensor '%.80s' %s", f->entries[i].name,
                                  f->entries[i].begin < at ? "overlaps another" : "follows a hole");
        at = f->entries[i].end;
    }
    if (at != f->data_size)
        return nn_file_broken(f, fail, "%zu bytes follow the last tensor", f->data_size - at);
    qsort(f->entries, f->n_entries, sizeof(*f->entries), by_name);
    return 0;
}

static int open_file(const char *path, bool is_foreign, struct nn_file **ret, struct fail *fail)
{
    CLEANUP(nn_file_closep) struct nn_file *f = calloc(1, sizeof(*f));
    int r;

    if (!f || !(f->path = strdup(path)))
        return fail_set(fail, FAIL_OTHER, -ENOMEM, "not enough memory to read '%s'", path);
    f->is_foreign = is_foreign;
    if ((r = map_file(f, fail)) < 0 || (r = read_header(f, fail)) < 0 ||
        (r = read_metadata(f, fail)) < 0 || (r = read_entries(f, fail)) < 0)
        return fail_set(fail, FAIL_OTHER, r, "cannot read weights file '%s': %m", path);
    *ret = TAKE_PTR(f);
    return 0;
}

int nn_file_open(const char *path, struct nn_file **ret, struct fail *fail)
{
    return open_file(path, false, ret, fail);
}

int nn_file_open_foreign(const char *path, struct nn_file **ret, struct fail *fail)
{
    return open_file(path, true, ret, fail);
}

struct nn_file *nn_file_close(struct nn_file *f)
{
    if (!f)
        return NULL;
    for (size_t i = 0; i < f->n_entries; i++)
        free(f->entries[i].copy);
    free(f->entries);
    json_decref(f->config);
    json_decref(f->header);
    if (f->map)
        munmap(f->map, f->size);
    free(f->path);
    free(f);
    return NULL;
}

/* ---- configuration ------------------------------------------------------------------------ */

const json_t *nn_file_config(const struct nn_file *f)
{
    return f->config;
}

const char *nn_file_metadata(const struct nn_file *f, const char *key)
{
    return json_string_value(json_object_get(json_object_get(f->header, "__metadata__"), key));
}

int nn_file_expect_model(const struct nn_file *f, const char *model, struct fail *fail)
{
    const char *is = json_string_value(json_object_get(f->config, "model"));

    if (!is)
        return nn_file_broken(f, fail, "it does not say which model it is");
    if (strcmp(is, model) != 0)
        return nn_file_broken(f, fail, "it is a model '%.40s', not '%s'", is, model);
    return 0;
}

int nn_file_uint(const struct nn_file *f, const json_t *object, const char *key, unsigned lo,
                 unsigned hi, unsigned *ret, struct fail *fail)
{
    const json_t *v = json_object_get(object ? object : f->config, key);

    if (!json_is_integer(v) || json_integer_value(v) < lo || json_integer_value(v) > hi)
        return nn_file_broken(f, fail, "configuration '%s' is not a number from %u to %u", key, lo,
                              hi);
    *ret = (unsigned) json_integer_value(v);
    return 0;
}

int nn_file_number(const struct nn_file *f, const json_t *object, const char *key, double lo,
                   double hi, double *ret, struct fail *fail)
{
    const json_t *v = json_object_get(object ? object : f->config, key);
    double x = json_number_value(v);

    if (!json_is_number(v) || !(x >= lo && x <= hi))
        return nn_file_broken(f, fail, "configuration '%s' is not a number from %g to %g", key, lo,
                              hi);
    *ret = x;
    return 0;
}

int nn_file_uints(const struct nn_file *f, const json_t *object, const char *key, unsigned lo,
                  unsigned hi, unsigned max_n, unsigned *ret, unsigned *ret_n, struct fail *fail)
{
    const json_t *a = json_object_get(object ? object : f->config, key), *v;
    size_t i;

    if (!json_is_array(a) || json_array_size(a) < 1 || json_array_size(a) > max_n)
        return nn_file_broken(f, fail, "configuration '%s' is not a list of 1 to %u numbers", key,
                              max_n);
    json_array_foreach(
        (json_t *) a, i,
        v) if (!json_is_integer(v) || json_integer_value(v) < lo ||
               json_integer_value(v) >
                   hi) return nn_file_broken(f, fail,
                                             "configuration '%s' has a value outside %u to %u", key,
                                             lo, hi);
    for (i = 0; i < json_array_size(a); i++)
        ret[i] = (unsigned) json_integer_value(json_array_get(a, i));
    *ret_n = (unsigned) json_array_size(a);
    return 0;
}

/* ---- tensors -------------------------------------------------------------------------------- */

static struct entry *find(const struct nn_file *f, const char *name)
{
    const struct entry key = {.name = name};

    return bsearch(&key, f->entries, f->n_entries, sizeof(key), by_name);
}

bool nn_file_has(const struct nn_file *f, const char *name, unsigned *ret_rank, size_t *ret_shape)
{
    const struct entry *e = find(f, name);

    if (e && ret_rank)
        *ret_rank = e->rank;
    if (e && ret_shape)
        memcpy(ret_shape, e->shape, sizeof(e->shape));
    return e;
}

size_t nn_file_n_tensors(const struct nn_file *f)
{
    return f->n_entries;
}

void nn_file_raw(const struct nn_file *f, size_t i, struct nn_raw *ret)
{
    const struct entry *e = &f->entries[i];

    *ret = (struct nn_raw){
        .name = e->name, .dtype = e->dtype, .rank = e->rank, .n = e->n, .data = f->data + e->begin};
    memcpy(ret->shape, e->shape, sizeof(e->shape));
}

static float to_float(enum nn_dtype dtype, const uint8_t *from)
{
    union {
        float f32;
        double f64;
        int64_t i64;
        int32_t i32;
        int16_t i16;
        uint16_t u16;
        uint32_t u32;
    } v;

    memcpy(&v, from, nn_dtype_size(dtype));
    switch (dtype) {
    case NN_F32:
        return v.f32;
    case NN_F16:
        return nn_from_half(v.u16);
    case NN_BF16:
        v.u32 = (uint32_t) v.u16 << 16;
        return v.f32;
    case NN_F64:
        return (float) v.f64;
    case NN_I64:
        return (float) v.i64;
    case NN_I32:
        return (float) v.i32;
    case NN_I16:
        return v.i16;
    case NN_I8:
        return (int8_t) *from;
    case NN_U8:
    case NN_BOOL:
        return *from;
    }
    return NAN;
}

void nn_dtype_floats(enum nn_dtype dtype, const void *from, size_t n, float *to)
{
    const uint8_t *p = from;

    if (dtype == NN_F32 && n > 0)
        memcpy(to, from, n * sizeof(*to));
    for (size_t i = 0; dtype != NN_F32 && i < n; i++)
        to[i] = to_float(dtype, p + i * types[dtype].size);
}

/* The values as aligned f32, converted into e->copy where the map cannot be used as it is. *ret is
 * NULL where there is no memory; false: one of them is no number. */
static bool values(const struct nn_file *f, struct entry *e, const float **ret)
{
    const uint8_t *from = f->data + e->begin;
    uint32_t bad = 0;

    *ret = e->copy;
    if (e->copy)
        return true;
    if (e->dtype == NN_F32 && (uintptr_t) from % _Alignof(float) == 0) {
        *ret = (const float *) from;
        for (size_t i = 0; i < e->n; i++)
            bad |= !isfinite((*ret)[i]);
        return !bad;
    }
    float *to = malloc(MAX(e->n, (size_t) 1) * sizeof(*to));
    if (!to)
        return true;
    *ret = e->copy = to;
    return nn_values(from, e->dtype, e->n, to);
}

static int wrong_shape(const struct nn_file *f, const struct entry *e, unsigned rank,
                       const size_t *shape, struct fail *fail)
{
    char is[96] = "", want[96] = "";

    for (unsigned i = 0; i < e->rank; i++)
        snprintf(is + strlen(is), sizeof(is) - strlen(is), "%s%zu", i ? "x" : "", e->shape[i]);
    for (unsigned i = 0; i < rank; i++)
        snprintf(want + strlen(want), sizeof(want) - strlen(want), "%s%zu", i ? "x" : "", shape[i]);
    return nn_file_broken(f, fail,
                          "tensor '%.80s' has shape [%s] where its configuration says "
                          "[%s]",
                          e->name, is, want);
}

static int find_shaped(struct nn_file *f, const char *name, unsigned rank, const size_t *shape,
                       struct entry **ret, struct fail *fail)
{
    struct entry *e = find(f, name);

    if (!e)
        return nn_file_broken(f, fail, "tensor '%.80s' is missing", name);
    if (e->dtype > NN_BF16)
        return nn_file_broken(f, fail, "tensor '%.80s' is not F32, F16 or BF16", name);
    if (e->rank != rank || (rank && memcmp(e->shape, shape, rank * sizeof(*shape)) != 0))
        return wrong_shape(f, e, rank, shape, fail);
    *ret = e;
    return 0;
}

int nn_file_tensor(struct nn_file *f, const char *name, unsigned rank, const size_t *shape,
                   const float **ret, struct fail *fail)
{
    struct entry *e;
    const float *v;
    int r = find_shaped(f, name, rank, shape, &e, fail);

    if (r < 0)
        return r;
    const bool finite = values(f, e, &v);
    if (!v)
        return fail_set(fail, FAIL_OTHER, -ENOMEM, "not enough memory to read '%s'", f->path);
    if (!finite) {
        freep(&e->copy);
        e->copy = NULL;
        return nn_file_not_finite(f, name, fail);
    }
    *ret = v;
    return 0;
}

int nn_file_view(struct nn_file *f, const char *name, unsigned rank, const size_t *shape,
                 const void **ret, enum nn_dtype *ret_type, struct fail *fail)
{
    struct entry *e;
    int r = find_shaped(f, name, rank, shape, &e, fail);

    if (r < 0)
        return r;
    *ret = f->data + e->begin;
    *ret_type = e->dtype;
    return 0;
}

int nn_file_not_finite(const struct nn_file *f, const char *name, struct fail *fail)
{
    return nn_file_broken(f, fail, "tensor '%.80s' holds a value that is no number", name);
}

void nn_file_forget(struct nn_file *f)
{
    const size_t page = (size_t) sysconf(_SC_PAGESIZE);
    const size_t begin = ((size_t) (f->data - f->map) + page - 1) / page * page;

    for (size_t i = 0; i < f->n_entries; i++) {
        free(f->entries[i].copy);
        f->entries[i].copy = NULL;
    }
    if (begin < f->size)
        madvise(f->map + begin, f->size - begin, MADV_DONTNEED);
}
