/* SPDX-License-Identifier: Apache-2.0
 *
 * What Python would look up and call. The names below are compared; nothing is looked up.
 */

#include "import/pickle_machine.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "import/words.h"

static const struct {
    const char *name;
    enum nn_dtype dtype;
} storages[] = {
    {"torch.FloatStorage", NN_F32},     {"torch.HalfStorage", NN_F16},
    {"torch.BFloat16Storage", NN_BF16}, {"torch.DoubleStorage", NN_F64},
    {"torch.LongStorage", NN_I64},      {"torch.IntStorage", NN_I32},
    {"torch.ShortStorage", NN_I16},     {"torch.CharStorage", NN_I8},
    {"torch.ByteStorage", NN_U8},       {"torch.BoolStorage", NN_BOOL},
};

/* What may be called by name; `make` says what comes of its arguments, a tuple. */
struct callable {
    const char *name;
    int (*make)(struct pickle *p, const struct pickle_value *args, struct pickle_value **ret,
                struct fail *fail);
};

static int bad_tensor(struct pickle *p, const char *why, struct fail *fail)
{
    return import_broken(fail, p->path, "a tensor in it %s", why);
}

/* A tuple of up to `n` sizes that are not negative. */
static int read_sizes(const struct pickle_value *v, uint64_t sizes[NN_RANK_MAX], unsigned *ret_n)
{
    if (v->kind != PICKLE_TUPLE && v->kind != PICKLE_LIST)
        return -EBADMSG;
    *ret_n = 0;
    for (const struct pickle_item *i = v->first; i; i = i->next) {
        if (*ret_n == NN_RANK_MAX || i->value->kind != PICKLE_INT || i->value->integer < 0)
            return -EBADMSG;
        sizes[(*ret_n)++] = (uint64_t) i->value->integer;
    }
    return 0;
}

/* (storage, offset, size, stride, ...) */
static int make_tensor(struct pickle *p, const struct pickle_value *args, struct pickle_value **ret,
                       struct fail *fail)
{
    struct pickle_value *v = pickle_make(p, PICKLE_TENSOR);
    struct pickle_tensor *t = pickle_alloc(p, sizeof(*t));
    const struct pickle_value *part[4];
    const struct pickle_item *i = args->first;
    unsigned n_strides;

    if (!v || !t)
        return pickle_too_large(p, fail);
    for (unsigned k = 0; k < 4; k++, i = i->next) {
        if (!i)
            return bad_tensor(p, "is described by too few values", fail);
        part[k] = i->value;
    }
    if (part[0]->kind == PICKLE_OPAQUE)
        return import_unknown(fail, p->path,
                              "a tensor in it lies in a '%s', which is not known "
                              "here; save it as float32 or float16",
                              part[0]->text);
    if (part[0]->kind != PICKLE_STORAGE || part[1]->kind != PICKLE_INT || part[1]->integer < 0)
        return bad_tensor(p, "lies nowhere", fail);
    if (read_sizes(part[2], t->shape, &t->rank) < 0 ||
        read_sizes(part[3], t->stride, &n_strides) < 0 || n_strides != t->rank)
        return bad_tensor(p, "has an impossible shape", fail);
    t->storage = part[0]->storage;
    t->offset = (uint64_t) part[1]->integer;
    v->tensor = t;
    *ret = v;
    return 0;
}

/* (tensor, requires_grad, hooks): the tensor itself. */
static int make_parameter(struct pickle *p, const struct pickle_value *args,
                          struct pickle_value **ret, struct fail *fail)
{
    if (!args->first)
        return bad_tensor(p, "is described by too few values", fail);
    *ret = args->first->value;
    return 0;
}

/* OrderedDict(), or of a list of pairs as Python 2 wrote it. */
static int make_dict(struct pickle *p, const struct pickle_value *args, struct pickle_value **ret,
                     struct fail *fail)
{
    struct pickle_value *dict = pickle_make(p, PICKLE_DICT);
    const struct pickle_value *list = args->first ? args->first->value : NULL;

    if (!dict)
        return pickle_too_large(p, fail);
    if (list && list->kind != PICKLE_LIST)
        return pickle_damaged(p, fail);
    for (const struct pickle_item *i = list ? list->first : NULL; i; i = i->next) {
        const struct pickle_value *pair = i->value;
        if ((pair->kind != PICKLE_LIST && pair->kind != PICKLE_TUPLE) || pair->n != 2)
            return pickle_damaged(p, fail);
        if (pickle_add(p, dict, pair->first->value, pair->last->value) < 0)
            return pickle_too_large(p, fail);
    }
    *ret = dict;
    return 0;
}

static const struct callable callables[] = {
    {"collections.OrderedDict", make_dict},
    {"torch._utils._rebuild_tensor", make_tensor},
    {"torch._utils._rebuild_tensor_v2", make_tensor},
    {"torch._utils._rebuild_parameter", make_parameter},
    {"torch._utils._rebuild_parameter_with_state", make_parameter},
};

static const struct callable *find_callable(const char *name)
{
    for (size_t i = 0; i < ELEMENTSOF(callables); i++)
        if (strcmp(callables[i].name, name) == 0)
            return &callables[i];
    return NULL;
}

static bool is_storage(const char *name, enum nn_dtype *ret)
{
    for (size_t i = 0; i < ELEMENTSOF(storages); i++)
        if (strcmp(storages[i].name, name) == 0) {
            *ret = storages[i].dtype;
            return true;
        }
    return false;
}

/* ---- names ---------------------------------------------------------------------------------- */

static void note_stranger(struct pickle *p, const char *name)
{
    enum nn_dtype dtype;

    if (find_callable(name) || is_storage(name, &dtype))
        return;
    for (unsigned i = 0; i < p->n_strangers; i++)
        if (strcmp(p->strangers[i], name) == 0)
            return;
    if (p->n_strangers < PICKLE_STRANGERS)
        p->strangers[p->n_strangers++] = name;
}

static int push_name(struct pickle *p, const char *module, size_t n_module, const char *name,
                     size_t n_name, struct fail *fail)
{
    struct pickle_value *v = pickle_make(p, PICKLE_NAME);
    char *text = pickle_alloc(p, n_module + n_name + 2);

    if (!v || !text)
        return pickle_too_large(p, fail);
    memcpy(text, module, n_module);
    text[n_module] = '.';
    memcpy(text + n_module + 1, name, n_name);
    v->text = text;
    v->size = n_module + n_name + 1;
    note_stranger(p, text);
    return pickle_push(p, v, fail);
}

/* "module\nname\n" */
static int run_global(struct pickle *p, struct fail *fail)
{
    const char *line[2];
    size_t n[2];

    for (unsigned i = 0; i < 2; i++) {
        line[i] = (const char *) p->data + p->at;
        const char *end = memchr(line[i], '\n', p->size - p->at);
        if (!end)
            return pickle_damaged(p, fail);
        n[i] = (size_t) (end - line[i]);
        p->at += n[i] + 1;
    }
    return push_name(p, line[0], n[0], line[1], n[1], fail);
}

static int run_stack_global(struct pickle *p, struct fail *fail)
{
    const struct pickle_value *name = pickle_pop(p), *module = pickle_pop(p);

    if (!name || !module || name->kind != PICKLE_TEXT || module->kind != PICKLE_TEXT)
        return pickle_damaged(p, fail);
    return push_name(p, module->text, module->size, name->text, name->size, fail);
}

/* ---- calls ---------------------------------------------------------------------------------- */

/* callable, arguments -> what would come of it */
static int run_call(struct pickle *p, bool has_keywords, struct fail *fail)
{
    const struct pickle_value *keywords = has_keywords ? pickle_pop(p) : NULL;
    const struct pickle_value *args = pickle_pop(p), *what = pickle_pop(p);
    struct pickle_value *v = NULL;

    if ((has_keywords && !keywords) || !args || !what)
        return pickle_damaged(p, fail);
    const struct callable *c = what->kind == PICKLE_NAME ? find_callable(what->text) : NULL;
    if (c && args->kind == PICKLE_TUPLE) {
        int r = c->make(p, args, &v, fail);
        return r < 0 ? r : pickle_push(p, v, fail);
    }
    if (!(v = pickle_make(p, PICKLE_OPAQUE)))
        return pickle_too_large(p, fail);
    const bool is_named = what->kind == PICKLE_NAME || what->kind == PICKLE_OPAQUE;
    v->text = is_named ? what->text : "unknown";
    v->size = strlen(v->text);
    return pickle_push(p, v, fail);
}

/* ---- storages ------------------------------------------------------------------------------- */

static int add_storage(struct pickle *p, enum nn_dtype dtype, const char *key, uint64_t n,
                       struct pickle_storage **ret, struct fail *fail)
{
    struct pickle_storage *s = pickle_find_storage(p, key);

    if (s && (s->dtype != dtype || s->n != n))
        return import_broken(fail, p->path, "its storage '%s' has two sizes", key);
    if (!s) {
        if (!(s = pickle_alloc(p, sizeof(*s))))
            return pickle_too_large(p, fail);
        *s = (struct pickle_storage){.dtype = dtype, .key = key, .n = n, .next = p->storages};
        if (!tsearch(s, &p->by_key, pickle_by_key))
            return pickle_too_large(p, fail);
        p->storages = s;
    }
    *ret = s;
    return 0;
}

/* ("storage", class, key, place, n) and in the old format a view of it, which must be None. */
static int run_persistent(struct pickle *p, struct fail *fail)
{
    const struct pickle_value *id = pickle_pop(p), *part[6] = {NULL};
    struct pickle_value *v = pickle_make(p, PICKLE_STORAGE);
    enum nn_dtype dtype;
    unsigned n = 0;

    if (!v)
        return pickle_too_large(p, fail);
    if (!id || id->kind != PICKLE_TUPLE)
        return pickle_damaged(p, fail);
    for (const struct pickle_item *i = id->first; i && n < ELEMENTSOF(part); i = i->next)
        part[n++] = i->value;
    if (n < 5 || part[0]->kind != PICKLE_TEXT || part[1]->kind != PICKLE_NAME ||
        strcmp(part[0]->text, "storage") != 0) {
        v->kind = PICKLE_OPAQUE; /* ("module", class, file, source): a whole object is kept */
        v->text = n > 1 && part[1]->kind == PICKLE_NAME ? part[1]->text : "unknown";
        v->size = strlen(v->text);
        return pickle_push(p, v, fail);
    }
    if (!is_storage(part[1]->text, &dtype)) {
        v->kind = PICKLE_OPAQUE;
        v->text = part[1]->text;
        v->size = part[1]->size;
        return pickle_push(p, v, fail);
    }
    if (part[2]->kind != PICKLE_TEXT || part[4]->kind != PICKLE_INT || part[4]->integer < 0)
        return pickle_damaged(p, fail);
    if (part[5] && part[5]->kind != PICKLE_NONE)
        return import_unknown(fail, p->path,
                              "it shares memory in a way of PyTorch before 0.4; save "
                              "it again with a newer one");
    int r = add_storage(p, dtype, part[2]->text, (uint64_t) part[4]->integer, &v->storage, fail);
    return r < 0 ? r : pickle_push(p, v, fail);
}

int pickle_run_object(struct pickle *p, uint8_t op, struct fail *fail)
{
    switch (op) {
    case OP_GLOBAL:
        return run_global(p, fail);
    case OP_STACK_GLOBAL:
        return run_stack_global(p, fail);
    case OP_REDUCE:
    case OP_NEWOBJ:
        return run_call(p, false, fail);
    case OP_NEWOBJ_EX:
        return run_call(p, true, fail);
    case OP_BUILD: /* attributes of an object; a dictionary has "_metadata", of which none is read
                    */
        return pickle_pop(p) && p->n_stack > 0 && p->stack[p->n_stack - 1] != &p->mark
                   ? 0
                   : pickle_damaged(p, fail);
    case OP_BINPERSID:
        return run_persistent(p, fail);
    }
    return -ENOENT;
}
