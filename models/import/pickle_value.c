/* SPDX-License-Identifier: Apache-2.0 */

#include "import/pickle_machine.h"

#include <errno.h>
#include <string.h>

static int push_integer(struct pickle *p, enum pickle_kind kind, int64_t value, struct fail *fail)
{
    struct pickle_value *v = pickle_make(p, kind);

    if (v)
        v->integer = value;
    return pickle_push(p, v, fail);
}

/* A copy with a zero behind it, which the file's bytes have not. */
static int push_bytes(struct pickle *p, enum pickle_kind kind, uint64_t n, struct fail *fail)
{
    const uint8_t *from;

    if (!pickle_take(p, n, &from))
        return pickle_damaged(p, fail);
    struct pickle_value *v = pickle_make(p, kind);
    char *copy = pickle_alloc(p, (size_t) n + 1);
    if (!v || !copy)
        return pickle_too_large(p, fail);
    memcpy(copy, from, (size_t) n);
    if (kind == PICKLE_TEXT && memchr(copy, 0, (size_t) n))
        v->kind = PICKLE_BYTES;
    v->text = copy;
    v->size = (size_t) n;
    return pickle_push(p, v, fail);
}

static int run_text(struct pickle *p, uint8_t op, struct fail *fail)
{
    static const struct {
        uint8_t op, size_bytes;
        enum pickle_kind kind;
    } orders[] = {
        {OP_SHORT_BINUNICODE, 1, PICKLE_TEXT}, {OP_BINUNICODE, 4, PICKLE_TEXT},
        {OP_BINUNICODE8, 8, PICKLE_TEXT},      {OP_SHORT_BINSTRING, 1, PICKLE_TEXT},
        {OP_BINSTRING, 4, PICKLE_TEXT},        {OP_SHORT_BINBYTES, 1, PICKLE_BYTES},
        {OP_BINBYTES, 4, PICKLE_BYTES},        {OP_BINBYTES8, 8, PICKLE_BYTES},
        {OP_BYTEARRAY8, 8, PICKLE_BYTES},
    };
    uint64_t n;

    for (size_t i = 0; i < ELEMENTSOF(orders); i++)
        if (orders[i].op == op)
            return pickle_number(p, orders[i].size_bytes, &n)
                       ? push_bytes(p, orders[i].kind, n, fail)
                       : pickle_damaged(p, fail);
    return -ENOENT;
}

/* Two's complement of any length; what does not fit 64 bits stays bytes. */
static int push_long(struct pickle *p, unsigned size_bytes, struct fail *fail)
{
    uint64_t n, v = 0;
    const uint8_t *b;

    if (!pickle_number(p, size_bytes, &n))
        return pickle_damaged(p, fail);
    if (n > 8)
        return push_bytes(p, PICKLE_BYTES, n, fail);
    if (!pickle_take(p, n, &b))
        return pickle_damaged(p, fail);
    for (unsigned i = 0; i < 8; i++) {
        const uint8_t sign = n > 0 && b[n - 1] & 0x80 ? 0xff : 0;
        v |= (uint64_t) (i < n ? b[i] : sign) << 8 * i;
    }
    return push_integer(p, PICKLE_INT, (int64_t) v, fail);
}

static int push_float(struct pickle *p, struct fail *fail)
{
    const uint8_t *b;
    uint64_t bits = 0;

    if (!pickle_take(p, 8, &b))
        return pickle_damaged(p, fail);
    for (unsigned i = 0; i < 8; i++)
        bits = bits << 8 | b[i]; /* the only big-endian number in a pickle */
    struct pickle_value *v = pickle_make(p, PICKLE_FLOAT);
    if (v)
        memcpy(&v->real, &bits, 8);
    return pickle_push(p, v, fail);
}

static int run_number(struct pickle *p, uint8_t op, struct fail *fail)
{
    uint64_t n;

    switch (op) {
    case OP_NONE:
        return pickle_push(p, pickle_make(p, PICKLE_NONE), fail);
    case OP_NEWTRUE:
    case OP_NEWFALSE:
        return push_integer(p, PICKLE_BOOL, op == OP_NEWTRUE, fail);
    case OP_BININT:
        return pickle_number(p, 4, &n) ? push_integer(p, PICKLE_INT, (int32_t) (uint32_t) n, fail)
                                       : pickle_damaged(p, fail);
    case OP_BININT1:
    case OP_BININT2:
        return pickle_number(p, op == OP_BININT1 ? 1 : 2, &n)
                   ? push_integer(p, PICKLE_INT, (int64_t) n, fail)
                   : pickle_damaged(p, fail);
    case OP_LONG1:
    case OP_LONG4:
        return push_long(p, op == OP_LONG1 ? 1 : 4, fail);
    case OP_BINFLOAT:
        return push_float(p, fail);
    }
    return -ENOENT;
}

/* ---- lists, tuples, dictionaries ------------------------------------------------------------ */

/* Put what lies above stack[from] into `to`, keys and values by turns into dictionaries. What
 * stands for an unknown object takes anything and keeps nothing. */
static int fill(struct pickle *p, struct pickle_value *to, size_t from, bool pairs,
                struct fail *fail)
{
    const bool fits = to->kind == PICKLE_OPAQUE ||
                      to->kind == (pairs ? PICKLE_DICT : PICKLE_LIST) ||
                      (!pairs && to->kind == PICKLE_TUPLE);

    if (!fits || (pairs && (p->n_stack - from) % 2))
        return pickle_damaged(p, fail);
    for (size_t i = from; i < p->n_stack && to->kind != PICKLE_OPAQUE; i += 1 + pairs)
        if (pickle_add(p, to, pairs ? p->stack[i] : NULL, p->stack[i + pairs]) < 0)
            return pickle_too_large(p, fail);
    p->n_stack = from;
    return 0;
}

/* Where the last `n` values begin, or with n < 0 what lies above the last mark; -EBADMSG: there are
 * not so many. A mark among them ends the search: its cost is what will be taken away. */
static int find_first(struct pickle *p, int n, size_t *ret)
{
    size_t mark;

    if (n < 0 && pickle_find_mark(p, &mark) < 0)
        return -EBADMSG;
    if (n >= 0 && p->n_stack < (size_t) n)
        return -EBADMSG;
    *ret = n < 0 ? mark + 1 : p->n_stack - (size_t) n;
    for (size_t i = *ret; i < p->n_stack; i++)
        if (p->stack[i] == &p->mark)
            return -EBADMSG;
    return 0;
}

/* A new container of the `n` top values, or of those above the last mark. */
static int collect(struct pickle *p, enum pickle_kind kind, int n, struct fail *fail)
{
    struct pickle_value *v = pickle_make(p, kind);
    size_t from;

    if (!v)
        return pickle_too_large(p, fail);
    if (find_first(p, n, &from) < 0)
        return pickle_damaged(p, fail);
    int r = fill(p, v, from, kind == PICKLE_DICT, fail);
    if (r < 0)
        return r;
    p->n_stack -= n < 0; /* the mark */
    return pickle_push(p, v, fail);
}

/* Add the `n` top values, or those above the last mark, to the container under them. */
static int extend(struct pickle *p, bool pairs, int n, struct fail *fail)
{
    size_t from;

    if (find_first(p, n, &from) < 0)
        return pickle_damaged(p, fail);
    const size_t under = from - (n < 0);
    if (under == 0 || p->stack[under - 1] == &p->mark)
        return pickle_damaged(p, fail);
    int r = fill(p, p->stack[under - 1], from, pairs, fail);
    if (r == 0)
        p->n_stack = under;
    return r;
}

static int run_container(struct pickle *p, uint8_t op, struct fail *fail)
{
    switch (op) {
    case OP_EMPTY_LIST:
    case OP_EMPTY_SET:
        return pickle_push(p, pickle_make(p, PICKLE_LIST), fail);
    case OP_EMPTY_TUPLE:
        return pickle_push(p, pickle_make(p, PICKLE_TUPLE), fail);
    case OP_EMPTY_DICT:
        return pickle_push(p, pickle_make(p, PICKLE_DICT), fail);
    case OP_LIST:
    case OP_FROZENSET:
        return collect(p, PICKLE_LIST, -1, fail);
    case OP_TUPLE:
        return collect(p, PICKLE_TUPLE, -1, fail);
    case OP_DICT:
        return collect(p, PICKLE_DICT, -1, fail);
    case OP_TUPLE1:
    case OP_TUPLE2:
    case OP_TUPLE3:
        return collect(p, PICKLE_TUPLE, op - OP_TUPLE1 + 1, fail);
    case OP_APPEND:
        return extend(p, false, 1, fail);
    case OP_APPENDS:
    case OP_ADDITEMS:
        return extend(p, false, -1, fail);
    case OP_SETITEM:
        return extend(p, true, 2, fail);
    case OP_SETITEMS:
        return extend(p, true, -1, fail);
    }
    return -ENOENT;
}

int pickle_run_value(struct pickle *p, uint8_t op, struct fail *fail)
{
    int r = run_text(p, op, fail);

    if (r == -ENOENT)
        r = run_number(p, op, fail);
    return r == -ENOENT ? run_container(p, op, fail) : r;
}
