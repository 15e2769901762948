/* SPDX-License-Identifier: Apache-2.0
 *
 * torch.save() (PyTorch, torch/serialization.py): since 1.6 a zip file of NAME/data.pkl, a pickle
 * that names storages, and NAME/data/KEY, their values. Before that a stream: three pickles (magic
 * number, version, sizes), the pickle of the object, a pickle with the list of storages, and for
 * each 8 bytes with its length and the values.
 */

#include "import/source_part.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "import/words.h"

/* 0x1950a86a20f9469cfc6c as a pickle of protocol 2 */
static const uint8_t old_magic[] = {0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46,
                                    0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, '.'};

bool import_torch_is_old(const uint8_t *map, size_t size)
{
    return size >= sizeof(old_magic) && memcmp(map, old_magic, sizeof(old_magic)) == 0;
}

static int packed(const struct import_part *part, const struct import_zip_part *p,
                  struct fail *fail)
{
    return import_unknown(fail, part->path,
                          "'%.80s' in it is compressed, which PyTorch does not do; "
                          "unpack it and zip it again without compression (zip -0)",
                          p->name);
}

/* ---- storages ------------------------------------------------------------------------------- */

static int place_storage(struct import_part *part, struct pickle_storage *s, const uint8_t *data,
                         size_t size, struct fail *fail)
{
    if (s->n > SIZE_MAX / 8 || s->n * nn_dtype_size(s->dtype) != size)
        return import_broken(fail, part->path,
                             "storage '%s' has %zu bytes and should hold %llu "
                             "values of %s",
                             s->key, size, (unsigned long long) s->n, nn_dtype_name(s->dtype));
    s->data = data;
    return 0;
}

static int place_storages_zip(struct import_part *part, const char *folder, struct fail *fail)
{
    char name[512];

    for (struct pickle_storage *s = pickle_storages(part->pickle); s; s = s->next) {
        const int n = snprintf(name, sizeof(name), "%s/data/%s", folder, s->key);
        const struct import_zip_part *p =
            n < (int) sizeof(name) ? import_zip_find(&part->zip, name) : NULL;
        if (!p)
            return import_broken(fail, part->path, "storage '%s' is missing", s->key);
        int r =
            p->is_packed ? packed(part, p, fail) : place_storage(part, s, p->data, p->size, fail);
        if (r < 0)
            return r;
    }
    return 0;
}

static int place_storages_old(struct import_part *part, const struct pickle_value *keys, size_t at,
                              struct fail *fail)
{
    if (keys->kind != PICKLE_LIST)
        return import_broken(fail, part->path, "its list of storages is none");
    for (const struct pickle_item *i = keys->first; i; i = i->next) {
        struct pickle_storage *s = i->value->kind == PICKLE_TEXT
                                       ? pickle_find_storage(part->pickle, i->value->text)
                                       : NULL;
        uint64_t n;
        if (!s || s->data)
            return import_broken(fail, part->path, "its list of storages is damaged");
        if (part->size - at < 8)
            return import_broken(fail, part->path, "it is cut off");
        memcpy(&n, part->map + at, 8);
        at += 8;
        if (n != s->n || n > (part->size - at) / nn_dtype_size(s->dtype))
            return import_broken(fail, part->path,
                                 "storage '%s' is cut off or has another size "
                                 "than it should",
                                 s->key);
        const size_t bytes = (size_t) n * nn_dtype_size(s->dtype);
        int r = place_storage(part, s, part->map + at, bytes, fail);
        if (r < 0)
            return r;
        at += bytes;
    }
    for (struct pickle_storage *s = pickle_storages(part->pickle); s; s = s->next)
        if (!s->data)
            return import_broken(fail, part->path, "storage '%s' is missing", s->key);
    return 0;
}

/* ---- both formats to a root value ------------------------------------------------------------ */

/* NAME of NAME/data.pkl, into `folder`. */
static int find_table(const struct import_part *part, char *folder, size_t size,
                      const struct import_zip_part **ret, struct fail *fail)
{
    static const char table[] = "/data.pkl", program[] = "/constants.pkl";

    for (size_t i = 0; i < part->zip.n; i++) {
        const char *name = part->zip.parts[i].name, *slash = strchr(name, '/');
        if (slash && strcmp(slash, program) == 0)
            return import_unknown(fail, part->path,
                                  "it is a TorchScript program, not a checkpoint; load it in "
                                  "Python and save its state_dict()");
    }
    for (size_t i = 0; i < part->zip.n; i++) {
        const char *name = part->zip.parts[i].name, *slash = strchr(name, '/');
        if (!slash || strcmp(slash, table) != 0 || (size_t) (slash - name) >= size)
            continue;
        memcpy(folder, name, (size_t) (slash - name));
        folder[slash - name] = 0;
        *ret = &part->zip.parts[i];
        return 0;
    }
    return import_unknown(fail, part->path,
                          "it is a zip file, but not one of PyTorch's (no data.pkl in it)");
}

static int read_zip(struct import_part *part, struct pickle_value **root, struct fail *fail)
{
    const struct import_zip_part *table = NULL, *order;
    char folder[256], name[300];
    size_t used;

    int r = import_zip_open(part->map, part->size, part->path, &part->zip, fail);
    if (r < 0 || (r = find_table(part, folder, sizeof(folder), &table, fail)) < 0)
        return r;
    if (table->is_packed)
        return packed(part, table, fail);
    snprintf(name, sizeof(name), "%s/byteorder", folder);
    order = import_zip_find(&part->zip, name);
    if (order && (order->size != 6 || memcmp(order->data, "little", 6) != 0))
        return import_unknown(fail, part->path,
                              "its numbers are big-endian; save it on a "
                              "little-endian machine (x86, ARM)");
    if ((r = pickle_read(part->pickle, table->data, table->size, &used, root, fail)) < 0)
        return r;
    part->format = "PyTorch";
    return place_storages_zip(part, folder, fail);
}

static int read_old(struct import_part *part, struct pickle_value **root, struct fail *fail)
{
    struct pickle_value *value = NULL;
    size_t at = 0, used;

    for (unsigned i = 0; i < 5; i++) { /* magic, version, sizes, the object, list of storages */
        int r = pickle_read(part->pickle, part->map + at, part->size - at, &used, &value, fail);
        if (r < 0)
            return r;
        at += used;
        const struct pickle_value *order = i == 2 ? pickle_get(value, "little_endian") : NULL;
        if (order && (order->kind != PICKLE_BOOL || !order->integer))
            return import_unknown(fail, part->path,
                                  "its numbers are big-endian; save it on a "
                                  "little-endian machine (x86, ARM)");
        if (i == 3)
            *root = value;
    }
    part->format = "PyTorch before 1.6";
    return place_storages_old(part, value, at, fail);
}

/* ---- the state in it ------------------------------------------------------------------------- */

static bool holds_tensors(const struct pickle_value *v)
{
    if (v && v->kind == PICKLE_DICT)
        for (const struct pickle_item *i = v->first; i; i = i->next)
            if (i->key->kind == PICKLE_TEXT && i->value->kind == PICKLE_TENSOR)
                return true;
    return false;
}

/* The dictionary of tensors: the root, one of known names, or the only one. */
static const struct pickle_value *find_state(struct import_part *part)
{
    static const char *const names[] = {"state_dict", "generator", "model"};
    const struct pickle_value *only = NULL;
    unsigned n = 0;

    part->section = "";
    if (holds_tensors(part->root))
        return part->root;
    for (size_t i = 0; i < ELEMENTSOF(names); i++) {
        const struct pickle_value *v = pickle_get(part->root, names[i]);
        part->section = names[i];
        if (holds_tensors(v))
            return v;
    }
    for (const struct pickle_item *i = part->root->first; i; i = i->next)
        if (i->key->kind == PICKLE_TEXT && holds_tensors(i->value)) {
            only = i->value;
            part->section = i->key->text;
            n++;
        }
    return n == 1 ? only : NULL;
}

static int no_state(const struct import_part *part, struct fail *fail)
{
    char keys[160] = "";

    if (part->root->kind == PICKLE_OPAQUE || part->root->kind == PICKLE_NAME)
        return import_unknown(fail, part->path,
                              "it holds a whole object of Python ('%.80s'), not "
                              "its weights; load it in Python and save its state_dict()",
                              part->root->text);
    if (pickle_get(part->root, "mpd"))
        return import_unknown(fail, part->path,
                              "it is what HiFi-GAN is trained against (do_…); name the generator "
                              "beside it (g_…)");
    if (part->root->kind == PICKLE_DICT)
        for (const struct pickle_item *i = part->root->first; i; i = i->next)
            if (i->key->kind == PICKLE_TEXT &&
                strlen(keys) + strlen(i->key->text) + 3 < sizeof(keys))
                sprintf(keys + strlen(keys), "%s%s", *keys ? ", " : "", i->key->text);
    return import_unknown(fail, part->path,
                          "no dictionary of weights is found in it (it has: %s); "
                          "save the state_dict() of the model alone",
                          *keys ? keys : "nothing");
}

/* Check that the tensor lies in its storage, and how. */
static int view(const struct import_part *part, const char *name, const struct pickle_tensor *from,
                struct import_tensor *to, struct fail *fail)
{
    uint64_t last = from->offset, n = 1, step = 1, reach;
    bool is_contiguous = true, fits = true;

    *to = (struct import_tensor){.name = name, .dtype = from->storage->dtype, .rank = from->rank};
    for (unsigned d = from->rank; d > 0; d--) {
        const uint64_t size = from->shape[d - 1], stride = from->stride[d - 1];
        if (size > 1 && stride != step)
            is_contiguous = false;
        fits = fits && !__builtin_mul_overflow(step, MAX(size, (uint64_t) 1), &step) &&
               !__builtin_mul_overflow(n, size, &n) &&
               !__builtin_mul_overflow(size - (size > 0), stride, &reach) &&
               !__builtin_add_overflow(last, reach, &last);
        to->shape[d - 1] = (size_t) size;
        to->stride[d - 1] = (size_t) stride;
    }
    /* more values than the storage has: one value shown many times, which no weight is */
    if (!fits || n > from->storage->n || (n > 0 && last >= from->storage->n))
        return import_broken(fail, part->path, "tensor '%.80s' reaches beyond its storage", name);
    to->n = (size_t) n;
    to->is_contiguous = is_contiguous;
    to->data = from->storage->data;
    if (n > 0)
        to->data += from->offset * nn_dtype_size(to->dtype);
    return 0;
}

int import_torch_open(struct import_part *part, struct import_tensors *to, struct fail *fail)
{
    struct pickle_value *root = NULL;
    struct import_tensor t;

    int r = pickle_new(part->path, &part->pickle, fail);
    if (r < 0)
        return r;
    r = import_zip_is(part->map, part->size) ? read_zip(part, &root, fail)
                                             : read_old(part, &root, fail);
    if (r < 0)
        return r;
    part->root = root;
    const struct pickle_value *state = root->kind == PICKLE_DICT ? find_state(part) : NULL;
    if (!state)
        return no_state(part, fail);
    for (const struct pickle_item *i = state->first; i; i = i->next) {
        if (i->key->kind != PICKLE_TEXT)
            continue;
        if (i->value->kind == PICKLE_OPAQUE)
            return import_unknown(fail, part->path,
                                  "'%.60s' in it is a '%.80s', which is not known "
                                  "here; save the state_dict() again as plain tensors",
                                  i->key->text, i->value->text);
        if (i->value->kind != PICKLE_TENSOR)
            continue;
        if ((r = view(part, i->key->text, i->value->tensor, &t, fail)) < 0 ||
            (r = import_tensors_add(to, &t, fail)) < 0)
            return r;
    }
    return 0;
}
