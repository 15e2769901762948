/* SPDX-License-Identifier: Apache-2.0 */

#include "import/plan.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/tr.h"
#include "import/words.h"

#define NAME_BYTES 256

/* Format a tensor's name in the caller's variable arguments. */
#define NAMED(buffer, name)                                                                        \
    char buffer[NAME_BYTES];                                                                       \
    va_list ap;                                                                                    \
    va_start(ap, name);                                                                            \
    vsnprintf(buffer, sizeof(buffer), name, ap);                                                   \
    va_end(ap)

static void no_memory(struct import_plan *p)
{
    if (p->r == 0)
        p->r = fail_set(p->fail, FAIL_OTHER, -ENOMEM, "not enough memory to read '%s'",
                        import_source_path(p->source));
}

void import_plan_init(struct import_plan *p, const struct import_source *source, struct fail *fail)
{
    *p = (struct import_plan){.source = source, .fail = fail};
    p->config = json_object();
    p->metadata = json_object();
    if (!p->config || !p->metadata)
        no_memory(p);
}

void import_plan_done(struct import_plan *p)
{
    for (size_t i = 0; i < p->n; i++)
        free(p->entries[i].name);
    for (size_t i = 0; i < p->n_notes; i++)
        free(p->notes[i]);
    free(p->entries);
    free(p->description);
    free(p->notes);
    json_decref(p->config);
    json_decref(p->metadata);
    *p = (struct import_plan){0};
}

/* ---- tensors that are wanted ------------------------------------------------------------------
 */

static bool is_weight(enum nn_dtype dtype)
{
    return dtype == NN_F32 || dtype == NN_F16 || dtype == NN_BF16 || dtype == NN_F64;
}

const struct import_tensor *import_want(struct import_plan *p, unsigned rank, const size_t *shape,
                                        const char *name, ...)
{
    NAMED(text, name);
    const char *path = import_source_path(p->source);
    const struct import_tensor *t = import_source_find(p->source, "%s", text);
    struct import_tensor wanted = {.rank = rank};
    char is[96], want[96];

    if (p->r < 0)
        return NULL;
    if (!t) {
        p->r = import_broken(p->fail, path, "tensor '%s' is missing", text);
        return NULL;
    }
    if (!import_is(t, rank, shape)) {
        if (rank)
            memcpy(wanted.shape, shape, rank * sizeof(*shape));
        p->r = import_broken(p->fail, path, "tensor '%s' has shape [%s], where the others say [%s]",
                             text, import_shape(t, is), import_shape(&wanted, want));
        return NULL;
    }
    if (!is_weight(t->dtype)) {
        p->r = import_broken(p->fail, path, "tensor '%s' is %s, which no weight is", text,
                             nn_dtype_name(t->dtype));
        return NULL;
    }
    return t;
}

/* ---- tensors of the file ------------------------------------------------------------------------
 */

/* A new entry shaped like `t`; NULL after a failure. */
static struct import_entry *add(struct import_plan *p, const char *name,
                                const struct import_tensor *t, enum import_form form)
{
    if (p->r < 0 || !t)
        return NULL;
    if (p->n == p->room) {
        const size_t room = p->room ? 2 * p->room : 256;
        struct import_entry *more = realloc(p->entries, room * sizeof(*more));
        if (!more) {
            no_memory(p);
            return NULL;
        }
        p->entries = more;
        p->room = room;
    }
    struct import_entry *e = &p->entries[p->n];
    *e = (struct import_entry){.name = strdup(name),
                               .dtype = t->dtype == NN_F64 ? NN_F32 : t->dtype,
                               .rank = t->rank,
                               .n = t->n,
                               .form = form,
                               .from = {*t},
                               .n_from = 1};
    if (!e->name) {
        no_memory(p);
        return NULL;
    }
    memcpy(e->shape, t->shape, sizeof(e->shape));
    p->n++;
    p->n_parameters += t->n;
    return e;
}

void import_copy(struct import_plan *p, const struct import_tensor *t, const char *name, ...)
{
    NAMED(text, name);
    add(p, text, t, IMPORT_COPY);
}

void import_turn(struct import_plan *p, const struct import_tensor *t, const char *name, ...)
{
    NAMED(text, name);
    if (!t || t->rank != 2)
        return;
    struct import_tensor turned = *t; /* the same values, seen the other way */
    for (unsigned d = 0; d < 2; d++) {
        turned.shape[d] = t->shape[1 - d];
        turned.stride[d] = t->stride[1 - d];
    }
    turned.is_contiguous = false;
    add(p, text, &turned, IMPORT_COPY);
}

void import_slice(struct import_plan *p, const struct import_tensor *t, size_t begin, size_t n,
                  const char *name, ...)
{
    NAMED(text, name);
    if (!t || t->rank == 0 || begin + n > t->shape[0])
        return;
    struct import_tensor part = *t;
    part.shape[0] = n;
    part.n = t->n / MAX(t->shape[0], (size_t) 1) * n;
    part.data += begin * t->stride[0] * nn_dtype_size(t->dtype);
    add(p, text, &part, IMPORT_COPY);
}

void import_rows(struct import_plan *p, const struct import_tensor *const *t, unsigned n,
                 const char *name, ...)
{
    NAMED(text, name);
    for (unsigned i = 0; i < n; i++)
        if (!t[i])
            return;
    struct import_entry *e = add(p, text, t[0], IMPORT_ROWS);
    for (unsigned i = 1; e && i < n && i < IMPORT_FROM_MAX; i++) {
        e->from[i] = *t[i];
        e->n_from++;
        e->n += t[i]->n;
        e->shape[0] += t[i]->shape[0];
        p->n_parameters += t[i]->n;
        if (t[i]->dtype != e->dtype)
            e->dtype = NN_F32;
    }
}

void import_weight_norm(struct import_plan *p, const struct import_tensor *g,
                        const struct import_tensor *v, const char *name, ...)
{
    NAMED(text, name);
    if (!g)
        return;
    struct import_entry *e = add(p, text, v, IMPORT_WEIGHT_NORM);
    if (!e)
        return;
    e->dtype = NN_F32;
    e->from[0] = *g;
    e->from[1] = *v;
    e->n_from = 2;
}

/* ---- configuration and words -------------------------------------------------------------------
 */

void import_config(struct import_plan *p, const char *key, json_t *value)
{
    if (json_object_set_new(p->config, key, value) < 0)
        no_memory(p);
}

void import_metadata(struct import_plan *p, const char *key, const char *value)
{
    if (json_object_set_new(p->metadata, key, json_string(value)) < 0)
        no_memory(p);
}

/* A line in the user's language, owned by the caller; NULL: no memory. */
static char *make_line(struct import_plan *p, const char *format, va_list ap)
{
    char localized[1024], *text = NULL;

    if (vasprintf(&text, tr_format(format, localized, sizeof(localized)), ap) < 0) {
        no_memory(p);
        return NULL;
    }
    for (char *c = text; *c; c++) /* names come from the file: keep it one line */
        if ((unsigned char) *c < ' ' || *c == 127)
            *c = '?';
    return text;
}

void import_describe(struct import_plan *p, const char *format, ...)
{
    va_list ap;

    free(p->description);
    va_start(ap, format);
    p->description = make_line(p, format, ap);
    va_end(ap);
}

void import_note(struct import_plan *p, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    char *text = make_line(p, format, ap);
    va_end(ap);
    char **more = text ? realloc(p->notes, (p->n_notes + 1) * sizeof(*more)) : NULL;
    if (!more) {
        free(text);
        no_memory(p);
        return;
    }
    p->notes = more;
    p->notes[p->n_notes++] = text;
}

void import_refuse(struct import_plan *p, const char *format, ...)
{
    char localized[1024], words[400];
    va_list ap;

    format = tr_format(format, localized, sizeof(localized));
    va_start(ap, format);
    vsnprintf(words, sizeof(words), format, ap);
    va_end(ap);
    if (p->r == 0)
        p->r = import_unknown(p->fail, import_source_path(p->source), "%s", words);
}

static int by_pointer(const void *a, const void *b)
{
    const char *const *x = a, *const *y = b;

    return (*x > *y) - (*x < *y);
}

size_t import_plan_unused(const struct import_plan *p, const char **ret_first)
{
    CLEANUP_FREE const char **used = calloc(p->n * IMPORT_FROM_MAX + 1, sizeof(*used));
    size_t n_used = 0, ret = 0;

    if (!used)
        return 0;
    for (size_t i = 0; i < p->n; i++)
        for (unsigned k = 0; k < p->entries[i].n_from; k++)
            used[n_used++] = p->entries[i].from[k].name;
    qsort(used, n_used, sizeof(*used), by_pointer);
    for (size_t i = 0; i < import_source_n(p->source); i++) {
        const char *name = import_source_at(p->source, i)->name;
        if (bsearch(&name, used, n_used, sizeof(*used), by_pointer))
            continue;
        if (ret++ == 0)
            *ret_first = name;
    }
    return ret;
}
