/* SPDX-License-Identifier: Apache-2.0
 *
 * Makes files for the tests of models/import: bytes, pickles, zip files.
 */
#pragma once

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "test.h"

struct bytes {
    uint8_t *data;
    size_t n, room;
};

static inline void put(struct bytes *b, const void *data, size_t n)
{
    if (b->n + n >= b->room) {
        b->room = 2 * (b->n + n) + 64;
        b->data = realloc(b->data, b->room);
        REQUIRE(b->data);
    }
    memcpy(b->data + b->n, data, n);
    b->n += n;
}

static inline void put_number(struct bytes *b, uint64_t v, unsigned n_bytes)
{
    put(b, &v, n_bytes); /* little-endian machines only, as the library */
}

static inline void put_text(struct bytes *b, const char *s)
{
    put(b, s, strlen(s));
}

static inline void done(struct bytes *b)
{
    free(b->data);
    *b = (struct bytes){0};
}

/* An anonymous file of these bytes; `path` names it until close(). */
static inline int put_file(const struct bytes *b, char path[64])
{
    int fd = memfd_create("import", MFD_CLOEXEC);

    REQUIRE(fd >= 0 && write(fd, b->data, b->n) == (ssize_t) b->n);
    snprintf(path, 64, "/proc/self/fd/%d", fd);
    return fd;
}

struct zip_part {
    const char *name;
    const void *data;
    size_t n;
};

/* What a zip says wrongly, to be found out. */
struct zip_lie {
    unsigned flags, method;
    uint32_t size_add;      ///< to the first part's size in the directory
    uint32_t place_of_next; ///< the second entry's place is the first one's
    const char *local_name; ///< of the first part, as long as the right one
    uint16_t n_add;         ///< to the number of entries
    bool is_64;             ///< sizes, places and the directory's end in their 64-bit forms
};

static inline void put_zip_entry(struct bytes *z, const struct zip_part *p, uint64_t at,
                                 const struct zip_lie *lie)
{
    const uint32_t size = (uint32_t) p->n + (at == 0 ? lie->size_add : 0);

    put_number(z, 0x02014b50, 4), put_number(z, 0, 4), put_number(z, lie->flags, 2);
    put_number(z, lie->method, 2), put_number(z, 0, 4), put_number(z, 0, 4);
    put_number(z, lie->is_64 ? 0xffffffff : size, 4);
    put_number(z, lie->is_64 ? 0xffffffff : size, 4);
    put_number(z, strlen(p->name), 2), put_number(z, lie->is_64 ? 28 : 0, 2), put_number(z, 0, 2);
    put_number(z, 0, 2), put_number(z, 0, 2), put_number(z, 0, 4);
    put_number(z, lie->is_64 ? 0xffffffff : at, 4), put_text(z, p->name);
    if (lie->is_64) {
        put_number(z, 1, 2), put_number(z, 24, 2);
        put_number(z, size, 8), put_number(z, size, 8), put_number(z, at, 8);
    }
}

static inline void put_zip_end(struct bytes *z, size_t n, size_t directory,
                               const struct zip_lie *lie)
{
    const size_t end = z->n, bytes = end - directory;

    if (lie->is_64) {
        put_number(z, 0x06064b50, 4), put_number(z, 44, 8), put_number(z, 45, 4);
        put_number(z, 0, 8), put_number(z, n + lie->n_add, 8), put_number(z, n + lie->n_add, 8);
        put_number(z, bytes, 8), put_number(z, directory, 8);
        put_number(z, 0x07064b50, 4), put_number(z, 0, 4), put_number(z, end, 8);
        put_number(z, 1, 4);
    }
    put_number(z, 0x06054b50, 4), put_number(z, 0, 4);
    put_number(z, lie->is_64 ? 0xffff : n + lie->n_add, 2);
    put_number(z, lie->is_64 ? 0xffff : n + lie->n_add, 2);
    put_number(z, lie->is_64 ? 0xffffffff : bytes, 4);
    put_number(z, lie->is_64 ? 0xffffffff : directory, 4), put_number(z, 0, 2);
}

static inline struct bytes make_zip(const struct zip_part *parts, size_t n, struct zip_lie lie)
{
    struct bytes z = {0};
    uint64_t at[8];

    for (size_t i = 0; i < n; i++) {
        const char *name = i == 0 && lie.local_name ? lie.local_name : parts[i].name;
        at[i] = z.n;
        put_number(&z, 0x04034b50, 4), put_number(&z, 0, 2), put_number(&z, lie.flags, 2);
        put_number(&z, lie.method, 2), put_number(&z, 0, 4), put_number(&z, 0, 4);
        put_number(&z, lie.is_64 ? 0xffffffff : parts[i].n, 4);
        put_number(&z, lie.is_64 ? 0xffffffff : parts[i].n, 4);
        put_number(&z, strlen(name), 2), put_number(&z, 0, 2);
        put_text(&z, name), put(&z, parts[i].data, parts[i].n);
    }
    const size_t directory = z.n;
    for (size_t i = 0; i < n; i++)
        put_zip_entry(&z, &parts[i], i == 1 && lie.place_of_next ? at[0] : at[i], &lie);
    put_zip_end(&z, n, directory, &lie);
    return z;
}

/* A checkpoint of this pickle and one storage "0" of `n` bytes. */
static inline struct bytes make_checkpoint(const struct bytes *pickle, size_t n)
{
    static const uint8_t zeros[256];
    const struct zip_part parts[] = {{"x/data.pkl", pickle->data, pickle->n},
                                     {"x/data/0", zeros, n}};

    return make_zip(parts, 2, (struct zip_lie){0});
}
