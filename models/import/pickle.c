/* SPDX-License-Identifier: Apache-2.0 */

#include "import/pickle.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "import/pickle_machine.h"
#include "import/words.h"

#define BLOCK_BYTES 65536

struct block {
    struct block *next;
    size_t used, size;
    alignas(16) uint8_t bytes[];
};

/* ---- memory: all values of a file live and go together ------------------------------------- */

void *pickle_alloc(struct pickle *p, size_t size)
{
    struct block *b = p->blocks;

    size = (size + 15) & ~(size_t) 15;
    if (!b || size > b->size - b->used) {
        const size_t room = MAX(size, (size_t) BLOCK_BYTES);
        if (room > PICKLE_BYTES_MAX - p->n_bytes || !(b = calloc(1, sizeof(*b) + room)))
            return NULL;
        p->n_bytes += room;
        b->size = room;
        b->next = p->blocks;
        p->blocks = b;
    }
    void *ret = b->bytes + b->used;
    b->used += size;
    return ret;
}

struct pickle_value *pickle_make(struct pickle *p, enum pickle_kind kind)
{
    struct pickle_value *v = pickle_alloc(p, sizeof(*v));

    if (v)
        v->kind = kind;
    return v;
}

int pickle_add(struct pickle *p, struct pickle_value *to, struct pickle_value *key,
               struct pickle_value *value)
{
    struct pickle_item *item = pickle_alloc(p, sizeof(*item));

    if (!item)
        return -ENOMEM;
    item->key = key;
    item->value = value;
    if (to->last)
        to->last->next = item;
    else
        to->first = item;
    to->last = item;
    to->n++;
    return 0;
}

int pickle_new(const char *path, struct pickle **ret, struct fail *fail)
{
    CLEANUP(pickle_freep) struct pickle *p = calloc(1, sizeof(*p));

    if (!p || !(p->path = strdup(path)))
        return fail_set(fail, FAIL_OTHER, -ENOMEM, "not enough memory to read '%s'", path);
    *ret = TAKE_PTR(p);
    return 0;
}

static void keep(void *storage)
{
    /* the tree's leaves live in the blocks */
}

struct pickle *pickle_free(struct pickle *p)
{
    if (!p)
        return NULL;
    tdestroy(p->by_key, keep);
    for (struct block *b = p->blocks, *next; b; b = next) {
        next = b->next;
        free(b);
    }
    free(p->stack);
    free(p->memo);
    free(p->path);
    free(p);
    return NULL;
}

/* ---- what was read -------------------------------------------------------------------------- */

struct pickle_storage *pickle_storages(struct pickle *p)
{
    return p->storages;
}

int pickle_by_key(const void *a, const void *b)
{
    return strcmp(((const struct pickle_storage *) a)->key,
                  ((const struct pickle_storage *) b)->key);
}

struct pickle_storage *pickle_find_storage(struct pickle *p, const char *key)
{
    const struct pickle_storage wanted = {.key = key};
    struct pickle_storage *const *found = tfind(&wanted, &p->by_key, pickle_by_key);

    return found ? *found : NULL;
}

const char *const *pickle_strangers(const struct pickle *p)
{
    return p->strangers;
}

const struct pickle_value *pickle_get(const struct pickle_value *dict, const char *key)
{
    const struct pickle_value *ret = NULL;

    if (dict && dict->kind == PICKLE_DICT)
        for (const struct pickle_item *i = dict->first; i; i = i->next)
            if (i->key->kind == PICKLE_TEXT && strcmp(i->key->text, key) == 0)
                ret = i->value;
    return ret;
}

/* ---- the stack ------------------------------------------------------------------------------ */

int pickle_damaged(struct pickle *p, struct fail *fail)
{
    return import_broken(fail, p->path, "its table of tensors (a pickle) is damaged at byte %zu",
                         p->op_at);
}

int pickle_too_large(struct pickle *p, struct fail *fail)
{
    return import_broken(fail, p->path,
                         "its table of tensors (a pickle) would need more than is "
                         "given to any checkpoint");
}

int pickle_push(struct pickle *p, struct pickle_value *v, struct fail *fail)
{
    if (!v || p->n_stack >= PICKLE_STACK_MAX)
        return pickle_too_large(p, fail);
    if (p->n_stack == p->stack_room) {
        const size_t room = p->stack_room ? 2 * p->stack_room : 256;
        struct pickle_value **more = realloc(p->stack, room * sizeof(*more));
        if (!more)
            return pickle_too_large(p, fail);
        p->stack = more;
        p->stack_room = room;
    }
    p->stack[p->n_stack++] = v;
    return 0;
}

struct pickle_value *pickle_pop(struct pickle *p)
{
    if (p->n_stack == 0 || p->stack[p->n_stack - 1] == &p->mark)
        return NULL;
    return p->stack[--p->n_stack];
}

int pickle_find_mark(const struct pickle *p, size_t *ret)
{
    for (size_t i = p->n_stack; i > 0; i--)
        if (p->stack[i - 1] == &p->mark) {
            *ret = i - 1;
            return 0;
        }
    return -EBADMSG;
}

static int remember(struct pickle *p, uint64_t index, struct fail *fail)
{
    if (p->n_stack == 0 || p->stack[p->n_stack - 1] == &p->mark)
        return pickle_damaged(p, fail);
    if (index >= PICKLE_MEMO_MAX)
        return pickle_too_large(p, fail);
    if (index >= p->memo_room) {
        size_t room = MAX(p->memo_room, (size_t) 256);
        while (room <= index)
            room *= 2;
        struct pickle_value **more = realloc(p->memo, room * sizeof(*more));
        if (!more)
            return pickle_too_large(p, fail);
        memset(more + p->memo_room, 0, (room - p->memo_room) * sizeof(*more));
        p->memo = more;
        p->memo_room = room;
    }
    p->n_memo += !p->memo[index];
    p->memo[index] = p->stack[p->n_stack - 1];
    return 0;
}

static int recall(struct pickle *p, uint64_t index, struct fail *fail)
{
    if (index >= p->memo_room || !p->memo[index])
        return pickle_damaged(p, fail);
    return pickle_push(p, p->memo[index], fail);
}

/* ---- the program ---------------------------------------------------------------------------- */

bool pickle_take(struct pickle *p, uint64_t n, const uint8_t **ret)
{
    if (n > p->size - p->at)
        return false;
    *ret = p->data + p->at;
    p->at += (size_t) n;
    return true;
}

bool pickle_number(struct pickle *p, unsigned n_bytes, uint64_t *ret)
{
    const uint8_t *b;

    if (!pickle_take(p, n_bytes, &b))
        return false;
    *ret = 0;
    for (unsigned i = 0; i < n_bytes; i++)
        *ret |= (uint64_t) b[i] << 8 * i;
    return true;
}

/* Orders that move what is on the stack. -ENOENT: another one. */
static int run_stack(struct pickle *p, uint8_t op, struct fail *fail)
{
    uint64_t n;
    size_t mark;

    switch (op) {
    case OP_PROTO:
        if (!pickle_number(p, 1, &n))
            return pickle_damaged(p, fail);
        if (n < 2 || n > 5)
            return import_unknown(
                fail, p->path,
                "it is a pickle of protocol %llu, where 2 to 5 are known; save it "
                "again with a newer PyTorch",
                (unsigned long long) n);
        return 0;
    case OP_FRAME: /* only a hint how much to read at once */
        return pickle_number(p, 8, &n) ? 0 : pickle_damaged(p, fail);
    case OP_MARK:
        return pickle_push(p, &p->mark, fail);
    case OP_POP:
        if (p->n_stack == 0)
            return pickle_damaged(p, fail);
        p->n_stack--;
        return 0;
    case OP_POP_MARK:
        if (pickle_find_mark(p, &mark) < 0)
            return pickle_damaged(p, fail);
        p->n_stack = mark;
        return 0;
    case OP_DUP:
        if (p->n_stack == 0 || p->stack[p->n_stack - 1] == &p->mark)
            return pickle_damaged(p, fail);
        return pickle_push(p, p->stack[p->n_stack - 1], fail);
    case OP_BINPUT:
    case OP_LONG_BINPUT:
        return pickle_number(p, op == OP_BINPUT ? 1 : 4, &n) ? remember(p, n, fail)
                                                             : pickle_damaged(p, fail);
    case OP_MEMOIZE:
        return remember(p, p->n_memo, fail);
    case OP_BINGET:
    case OP_LONG_BINGET:
        return pickle_number(p, op == OP_BINGET ? 1 : 4, &n) ? recall(p, n, fail)
                                                             : pickle_damaged(p, fail);
    }
    return -ENOENT;
}

static int run(struct pickle *p, struct fail *fail)
{
    const uint8_t *op;

    for (;;) {
        p->op_at = p->at;
        if (!pickle_take(p, 1, &op))
            return import_broken(fail, p->path, "its table of tensors (a pickle) is cut off");
        if (*op == OP_STOP)
            return 0;
        int r = run_stack(p, *op, fail);
        if (r == -ENOENT)
            r = pickle_run_value(p, *op, fail);
        if (r == -ENOENT)
            r = pickle_run_object(p, *op, fail);
        if (r == -ENOENT)
            return pickle_damaged(p, fail);
        if (r < 0)
            return r;
    }
}

int pickle_read(struct pickle *p, const uint8_t *data, size_t size, size_t *ret_used,
                struct pickle_value **ret, struct fail *fail)
{
    p->data = data;
    p->size = size;
    p->at = p->n_stack = p->n_memo = 0;
    if (p->memo_room)
        memset(p->memo, 0, p->memo_room * sizeof(*p->memo));
    int r = run(p, fail);
    if (r < 0)
        return r;
    if (p->n_stack != 1 || p->stack[0] == &p->mark)
        return pickle_damaged(p, fail);
    *ret_used = p->at;
    *ret = p->stack[0];
    return 0;
}
