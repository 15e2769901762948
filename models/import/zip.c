/* SPDX-License-Identifier: Apache-2.0
 *
 * Why not libzip or minizip: neither tells where the bytes of a part lie in the file, and a file of
 * 2 GB is to be read in its place.
 */

#include "import/zip.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "import/words.h"

#define LOCAL_BYTES 30
#define CENTRAL_BYTES 46
#define END_BYTES 22
#define END64_BYTES 56
#define LOCATOR_BYTES 20
#define COMMENT_MAX 65535

enum {
    LOCAL_MARK = 0x04034b50,
    CENTRAL_MARK = 0x02014b50,
    END_MARK = 0x06054b50,
    END64_MARK = 0x06064b50,
    LOCATOR_MARK = 0x07064b50,
};
enum { FLAG_ENCRYPTED = 1, FLAG_SIZES_FOLLOW = 8 };

struct reader {
    const uint8_t *map;
    size_t size;
    const char *path;
    size_t directory, directory_end; ///< where the directory lies
    uint64_t n;                      ///< parts it says it has
};

static unsigned u16(const uint8_t *p)
{
    return (unsigned) p[0] | (unsigned) p[1] << 8;
}

static uint32_t u32(const uint8_t *p)
{
    return u16(p) | (uint32_t) u16(p + 2) << 16;
}

static uint64_t u64(const uint8_t *p)
{
    return u32(p) | (uint64_t) u32(p + 4) << 32;
}

bool import_zip_is(const uint8_t *map, size_t size)
{
    return size >= 4 && u32(map) == LOCAL_MARK;
}

/* ---- the end of the directory ------------------------------------------------------------- */

/* The last record whose comment ends with the file. */
static const uint8_t *find_end(const struct reader *z)
{
    for (size_t back = END_BYTES; back <= z->size && back <= END_BYTES + COMMENT_MAX; back++) {
        const uint8_t *p = z->map + z->size - back;
        if (u32(p) == END_MARK && u16(p + 20) == back - END_BYTES)
            return p;
    }
    return NULL;
}

static int read_end64(struct reader *z, size_t end, uint64_t *bytes, uint64_t *begin,
                      struct fail *fail)
{
    if (end < LOCATOR_BYTES + END64_BYTES || u32(z->map + end - LOCATOR_BYTES) != LOCATOR_MARK)
        return import_broken(fail, z->path, "its directory of parts has no 64-bit end");
    const uint8_t *p = z->map + end - LOCATOR_BYTES;
    const uint64_t at = u64(p + 8);
    if (u32(p + 4) != 0 || u32(p + 16) > 1 || at > end - LOCATOR_BYTES - END64_BYTES ||
        u32(z->map + at) != END64_MARK)
        return import_broken(fail, z->path, "its directory's 64-bit end is not where it should be");
    p = z->map + at;
    if (u32(p + 16) != 0 || u32(p + 20) != 0 || u64(p + 24) != u64(p + 32))
        return import_broken(fail, z->path, "it is one of several volumes");
    z->n = u64(p + 32);
    *bytes = u64(p + 40);
    *begin = u64(p + 48);
    z->directory_end = at;
    return 0;
}

static int read_end(struct reader *z, struct fail *fail)
{
    const uint8_t *p = find_end(z);
    uint64_t bytes, begin;

    if (!p)
        return import_broken(fail, z->path, "it is cut off: the directory at its end is missing");
    if (u16(p + 4) != u16(p + 6) || u16(p + 8) != u16(p + 10))
        return import_broken(fail, z->path, "it is one of several volumes");
    z->n = u16(p + 10);
    bytes = u32(p + 12);
    begin = u32(p + 16);
    z->directory_end = (size_t) (p - z->map);
    if (z->n == 0xffff || bytes == 0xffffffff || begin == 0xffffffff) {
        int r = read_end64(z, z->directory_end, &bytes, &begin, fail);
        if (r < 0)
            return r;
    } else if (u16(p + 4) != 0) {
        return import_broken(fail, z->path, "it is one of several volumes");
    }
    if (begin > z->directory_end || bytes > z->directory_end - begin)
        return import_broken(fail, z->path, "its directory lies outside the file");
    if (z->n > bytes / CENTRAL_BYTES)
        return import_broken(fail, z->path, "its directory is too short for %llu parts",
                             (unsigned long long) z->n);
    z->directory = (size_t) begin;
    z->directory_end = (size_t) (begin + bytes);
    return 0;
}

/* ---- parts -------------------------------------------------------------------------------- */

/* Sizes and place beyond 32 bits, in this order and only those that did not fit. */
static int read_extra64(const uint8_t *p, size_t n, uint64_t *values[3])
{
    for (size_t bytes; n >= 4; p += 4 + bytes, n -= 4 + bytes) {
        bytes = u16(p + 2);
        if (bytes > n - 4)
            return -EBADMSG;
        if (u16(p) != 1)
            continue;
        size_t at = 0;
        for (unsigned i = 0; i < 3; i++) {
            if (*values[i] != 0xffffffff)
                continue;
            if (at + 8 > bytes)
                return -EBADMSG;
            *values[i] = u64(p + 4 + at);
            at += 8;
        }
        return 0;
    }
    for (unsigned i = 0; i < 3; i++)
        if (*values[i] == 0xffffffff)
            return -EBADMSG;
    return 0;
}

/* The header in front of the data must say the same as the directory's entry `c`. */
static int read_local(const struct reader *z, const uint8_t *c, uint64_t at,
                      struct import_zip_part *part, struct fail *fail)
{
    const unsigned name_bytes = u16(c + 28), flags = u16(c + 8);

    if (at > z->directory || z->directory - at < LOCAL_BYTES || u32(z->map + at) != LOCAL_MARK)
        return import_broken(fail, z->path, "part '%s' is not where the directory says",
                             part->name);
    const uint8_t *l = z->map + at;
    const size_t head = LOCAL_BYTES + u16(l + 26) + u16(l + 28), room = z->directory - (size_t) at;
    if (head > room || part->size > room - head)
        return import_broken(fail, z->path, "part '%s' would end behind the data", part->name);
    if (u16(l + 26) != name_bytes || memcmp(l + LOCAL_BYTES, c + CENTRAL_BYTES, name_bytes) != 0 ||
        u16(l + 6) != flags || u16(l + 8) != u16(c + 10))
        return import_broken(fail, z->path, "part '%s' contradicts the directory", part->name);
    /* a size of 0 or ff ff ff ff is in the record behind the data or in the 64-bit field */
    const uint32_t size = u32(l + 18);
    if (size != part->size && size != 0xffffffff && !(size == 0 && flags & FLAG_SIZES_FOLLOW))
        return import_broken(fail, z->path, "part '%s' has two sizes", part->name);
    part->begin = (size_t) at;
    part->data = l + head;
    part->end = (size_t) at + head + part->size;
    return 0;
}

static int read_part(const struct reader *z, const uint8_t *c, struct import_zip_part *part,
                     struct fail *fail)
{
    uint64_t size = u32(c + 24), packed = u32(c + 20), at = u32(c + 42);
    uint64_t *values[3] = {&size, &packed, &at};

    if (strlen(part->name) != u16(c + 28))
        return import_broken(fail, z->path, "the name of part '%s' is not as it should be",
                             part->name);
    if (read_extra64(c + CENTRAL_BYTES + u16(c + 28), u16(c + 30), values) < 0)
        return import_broken(fail, z->path, "part '%s' has no 64-bit size", part->name);
    if (u16(c + 8) & FLAG_ENCRYPTED)
        return import_broken(fail, z->path, "part '%s' is encrypted", part->name);
    part->is_packed = u16(c + 10) != 0;
    if (!part->is_packed && size != packed)
        return import_broken(fail, z->path, "part '%s' has two sizes", part->name);
    if (packed > z->size)
        return import_broken(fail, z->path, "part '%s' would end behind the data", part->name);
    part->size = (size_t) packed;
    part->crc = u32(c + 16);
    return read_local(z, c, at, part, fail);
}

static int read_directory(struct reader *z, struct import_zip *ret, struct fail *fail)
{
    size_t at = z->directory;
    char *name = ret->names;

    for (uint64_t i = 0; i < z->n; i++) {
        const uint8_t *c = z->map + at;
        if (z->directory_end - at < CENTRAL_BYTES || u32(c) != CENTRAL_MARK)
            return import_broken(fail, z->path, "its directory ends too early");
        const size_t bytes = CENTRAL_BYTES + (size_t) u16(c + 28) + u16(c + 30) + u16(c + 32);
        if (bytes > z->directory_end - at)
            return import_broken(fail, z->path, "its directory ends too early");
        memcpy(name, c + CENTRAL_BYTES, u16(c + 28));
        ret->parts[i].name = name;
        name += u16(c + 28) + 1; /* the zero is there already */
        int r = read_part(z, c, &ret->parts[i], fail);
        if (r < 0)
            return r;
        ret->n++;
        at += bytes;
    }
    return 0;
}

static int by_place(const void *a, const void *b)
{
    const struct import_zip_part *x = a, *y = b;

    return (x->begin > y->begin) - (x->begin < y->begin);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct import_zip_part *) a)->name,
                  ((const struct import_zip_part *) b)->name);
}

static int check_parts(const struct reader *z, struct import_zip *ret, struct fail *fail)
{
    if (ret->n)
        qsort(ret->parts, ret->n, sizeof(*ret->parts), by_place);
    for (size_t i = 1; i < ret->n; i++)
        if (ret->parts[i].begin < ret->parts[i - 1].end)
            return import_broken(fail, z->path, "parts '%s' and '%s' overlap",
                                 ret->parts[i - 1].name, ret->parts[i].name);
    if (ret->n)
        qsort(ret->parts, ret->n, sizeof(*ret->parts), by_name);
    for (size_t i = 1; i < ret->n; i++)
        if (by_name(&ret->parts[i - 1], &ret->parts[i]) == 0)
            return import_broken(fail, z->path, "part '%s' is there twice", ret->parts[i].name);
    return 0;
}

int import_zip_open(const uint8_t *map, size_t size, const char *path, struct import_zip *ret,
                    struct fail *fail)
{
    struct reader z = {.map = map, .size = size, .path = path};
    struct import_zip zip = {0};

    int r = read_end(&z, fail);
    if (r < 0)
        return r;
    zip.parts = calloc((size_t) z.n + 1, sizeof(*zip.parts));
    zip.names = calloc(1, z.directory_end - z.directory + 1); /* a name takes less than an entry */
    if (!zip.parts || !zip.names)
        r = fail_set(fail, FAIL_OTHER, -ENOMEM, "not enough memory to read '%s'", path);
    if (r < 0 || (r = read_directory(&z, &zip, fail)) < 0 ||
        (r = check_parts(&z, &zip, fail)) < 0) {
        import_zip_done(&zip);
        return r;
    }
    *ret = zip;
    return 0;
}

void import_zip_done(struct import_zip *z)
{
    free(z->parts);
    free(z->names);
    *z = (struct import_zip){0};
}

const struct import_zip_part *import_zip_find(const struct import_zip *z, const char *name)
{
    const struct import_zip_part key = {.name = name};

    return z->n ? bsearch(&key, z->parts, z->n, sizeof(key), by_name) : NULL;
}
