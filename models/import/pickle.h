/* SPDX-License-Identifier: Apache-2.0
 *
 * Python's pickle format, protocols 2 to 5 (CPython, Lib/pickletools.py), read as far as a PyTorch
 * state_dict needs it and no further. A pickle is a program for a small stack machine, and in
 * Python it can call anything. Here nothing is ever called: what the program names is compared with
 * a short list (dictionaries, tensors, storages, parameters), and all else becomes a value that
 * keeps its name and is good for nothing. Not public; source.h is.
 *
 * A damaged or hostile pickle is an error in words. Work and memory are bounded by the pickle's
 * size and by the limits below. Values may contain themselves: whoever walks over them keeps to a
 * fixed depth. One thread at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fail.h"
#include "nn/weights_file.h"

enum {
    PICKLE_STACK_MAX = 1 << 20,   ///< values and marks on the stack
    PICKLE_MEMO_MAX = 1 << 20,    ///< values remembered by number
    PICKLE_BYTES_MAX = 256 << 20, ///< memory of all values
};

enum pickle_kind {
    PICKLE_NONE,
    PICKLE_BOOL,
    PICKLE_INT,
    PICKLE_FLOAT,
    PICKLE_TEXT,
    PICKLE_BYTES, ///< bytes, numbers of more than 8 bytes, text with a zero in it
    PICKLE_LIST,  ///< also sets
    PICKLE_TUPLE,
    PICKLE_DICT,
    PICKLE_NAME,    ///< a class or function of Python, by its name
    PICKLE_STORAGE, ///< memory that tensors lie in
    PICKLE_TENSOR,
    PICKLE_OPAQUE, ///< what Python would make by calling something that is not known here
};

struct pickle_item {
    struct pickle_value *key; ///< NULL in lists and tuples
    struct pickle_value *value;
    struct pickle_item *next;
};

struct pickle_storage {
    enum nn_dtype dtype;
    const char *key;     ///< which storage of the file
    uint64_t n;          ///< values it says it holds
    const uint8_t *data; ///< set by source.c, NULL before
    struct pickle_storage *next;
};

struct pickle_tensor {
    struct pickle_storage *storage;
    uint64_t offset; ///< values from the storage's begin
    unsigned rank;
    uint64_t shape[NN_RANK_MAX], stride[NN_RANK_MAX]; ///< values
};

struct pickle_value {
    enum pickle_kind kind;
    union {
        int64_t integer; ///< PICKLE_BOOL, PICKLE_INT
        double real;
        struct {
            const char *text; ///< zero-terminated; of names and opaque values "module.name"
            size_t size;
        };
        struct {
            struct pickle_item *first, *last;
            size_t n;
        };
        struct pickle_storage *storage;
        struct pickle_tensor *tensor;
    };
};

struct pickle;

int pickle_new(const char *path, struct pickle **ret, struct fail *fail);
struct pickle *pickle_free(struct pickle *p);
DEFINE_CLEANUP(struct pickle *, pickle_free);

/**
 * Read one pickle.
 *
 * @param data      what it lies in; not needed afterwards
 * @param ret_used  how many bytes it has
 * @param ret       its value, borrowed until pickle_free()
 * @return 0; FAIL_INPUT -EBADMSG or -ENOTSUP; -ENOMEM
 */
int pickle_read(struct pickle *p, const uint8_t *data, size_t size, size_t *ret_used,
                struct pickle_value **ret, struct fail *fail);

/** The storages that were named, a list. */
struct pickle_storage *pickle_storages(struct pickle *p);
/** The storage of this key, or NULL. */
struct pickle_storage *pickle_find_storage(struct pickle *p, const char *key);

/** What was named and is not known here, first come first; NULL at the end. At most
 * PICKLE_STRANGERS are kept. */
enum { PICKLE_STRANGERS = 8 };
const char *const *pickle_strangers(const struct pickle *p);

/** The value of a text key of a dictionary, the last one that was set; NULL: none, or no
 * dictionary. */
const struct pickle_value *pickle_get(const struct pickle_value *dict, const char *key);
