/* SPDX-License-Identifier: Apache-2.0
 *
 * The state of pickle.c while it reads, shared with pickle_value.c and pickle_object.c. Not public.
 */
#pragma once

#include <stdalign.h>

#include "import/pickle.h"

enum {
    OP_MARK = '(',
    OP_STOP = '.',
    OP_POP = '0',
    OP_POP_MARK = '1',
    OP_DUP = '2',
    OP_BINFLOAT = 'G',
    OP_BININT = 'J',
    OP_BININT1 = 'K',
    OP_BININT2 = 'M',
    OP_NONE = 'N',
    OP_BINPERSID = 'Q',
    OP_REDUCE = 'R',
    OP_BINSTRING = 'T',
    OP_SHORT_BINSTRING = 'U',
    OP_BINUNICODE = 'X',
    OP_APPEND = 'a',
    OP_BUILD = 'b',
    OP_GLOBAL = 'c',
    OP_DICT = 'd',
    OP_APPENDS = 'e',
    OP_BINGET = 'h',
    OP_LONG_BINGET = 'j',
    OP_LIST = 'l',
    OP_BINPUT = 'q',
    OP_LONG_BINPUT = 'r',
    OP_SETITEM = 's',
    OP_TUPLE = 't',
    OP_SETITEMS = 'u',
    OP_EMPTY_DICT = '}',
    OP_EMPTY_LIST = ']',
    OP_EMPTY_TUPLE = ')',
    OP_PROTO = 0x80,
    OP_NEWOBJ = 0x81,
    OP_TUPLE1 = 0x85,
    OP_TUPLE2 = 0x86,
    OP_TUPLE3 = 0x87,
    OP_NEWTRUE = 0x88,
    OP_NEWFALSE = 0x89,
    OP_LONG1 = 0x8a,
    OP_LONG4 = 0x8b,
    OP_BINBYTES = 'B',
    OP_SHORT_BINBYTES = 'C',
    OP_SHORT_BINUNICODE = 0x8c,
    OP_BINUNICODE8 = 0x8d,
    OP_BINBYTES8 = 0x8e,
    OP_EMPTY_SET = 0x8f,
    OP_ADDITEMS = 0x90,
    OP_FROZENSET = 0x91,
    OP_NEWOBJ_EX = 0x92,
    OP_STACK_GLOBAL = 0x93,
    OP_MEMOIZE = 0x94,
    OP_FRAME = 0x95,
    OP_BYTEARRAY8 = 0x96,
};

struct block;

struct pickle {
    char *path; ///< for messages
    struct block *blocks;
    size_t n_bytes; ///< of the blocks
    struct pickle_storage *storages;
    void *by_key; ///< the same, a tree of search.h
    const char *strangers[PICKLE_STRANGERS + 1];
    unsigned n_strangers;

    const uint8_t *data; ///< the program
    size_t size, at, op_at;
    struct pickle_value mark; ///< its address is a mark on the stack
    struct pickle_value **stack, **memo;
    size_t n_stack, stack_room, n_memo, memo_room;
};

/** Zeroed memory that goes with the pickle; NULL: too much. */
void *pickle_alloc(struct pickle *p, size_t size);
struct pickle_value *pickle_make(struct pickle *p, enum pickle_kind kind);
/** Append to a list, tuple or dictionary. -ENOMEM: too much. */
int pickle_add(struct pickle *p, struct pickle_value *to, struct pickle_value *key,
               struct pickle_value *value);
int pickle_by_key(const void *a, const void *b);

/* The next bytes of the program; false: there are not so many. */
bool pickle_take(struct pickle *p, uint64_t n, const uint8_t **ret);
bool pickle_number(struct pickle *p, unsigned n_bytes, uint64_t *ret);

/** Push a value; NULL is an error (too large). */
int pickle_push(struct pickle *p, struct pickle_value *v, struct fail *fail);
/** Take the top value; NULL: none above the last mark. */
struct pickle_value *pickle_pop(struct pickle *p);
/** Index of the last mark on the stack, or -EBADMSG. */
int pickle_find_mark(const struct pickle *p, size_t *ret);

int pickle_damaged(struct pickle *p, struct fail *fail);
int pickle_too_large(struct pickle *p, struct fail *fail);

/* Do what an order says; -ENOENT: it is another kind of order. */
/** pickle_value.c: numbers, text, lists, tuples, dictionaries. */
int pickle_run_value(struct pickle *p, uint8_t op, struct fail *fail);
/** pickle_object.c: what Python would call or look up. */
int pickle_run_object(struct pickle *p, uint8_t op, struct fail *fail);
