/* SPDX-License-Identifier: Apache-2.0 */

#include "import/plan.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "import/words.h"

#define ALIGN 64
#define CHUNK_VALUES ((size_t) 1 << 18) /* of 8 bytes: 2 MiB */

struct writer {
    const struct import_plan *plan;
    const volatile int *cancel;
    struct fail *fail;
    struct file_out out;
    uint64_t n_bytes;
    size_t *order; ///< entries as they follow in the file
    uint8_t *raw;  ///< [CHUNK_VALUES * 8] values as they come
    float *floats; ///< [CHUNK_VALUES] converted
};

static int put(struct writer *w, const void *data, size_t size)
{
    if (w->cancel && *w->cancel)
        return fail_set(w->fail, FAIL_INTERRUPTED, -ECANCELED,
                        "interrupted; no file is left behind");
    w->n_bytes += size;
    return file_out_write(&w->out, data, size, w->fail);
}

/* ---- the header ------------------------------------------------------------------------------ */

/* Types of 4 bytes first, so that each value lies at a multiple of its size. */
static void sort_entries(struct writer *w)
{
    size_t n = 0;

    for (unsigned pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < w->plan->n; i++)
            if ((w->plan->entries[i].dtype == NN_F32) == (pass == 0))
                w->order[n++] = i;
}

static json_t *describe(const struct import_entry *e, uint64_t begin, uint64_t end)
{
    json_t *shape = json_array();

    for (unsigned d = 0; d < e->rank; d++)
        json_array_append_new(shape, json_integer((json_int_t) e->shape[d]));
    return json_pack("{s:s, s:o, s:[I,I]}", "dtype", nn_dtype_name(e->dtype), "shape", shape,
                     "data_offsets", (json_int_t) begin, (json_int_t) end);
}

static json_t *make_header(const struct writer *w)
{
    CLEANUP_FREE char *config = json_dumps(w->plan->config, JSON_COMPACT);
    json_t *header = json_object(), *metadata = json_copy(w->plan->metadata);
    uint64_t at = 0;

    if (!config || json_object_set_new(metadata, "format", json_string("pt")) < 0 ||
        json_object_set_new(metadata, "brailled", json_string(config)) < 0 ||
        json_object_set(header, "__metadata__", metadata) < 0) {
        json_decref(metadata);
        json_decref(header);
        return NULL;
    }
    json_decref(metadata);
    for (size_t i = 0; i < w->plan->n; i++) {
        const struct import_entry *e = &w->plan->entries[w->order[i]];
        const uint64_t end = at + (uint64_t) e->n * nn_dtype_size(e->dtype);
        if (json_object_get(header, e->name) ||
            json_object_set_new(header, e->name, describe(e, at, end)) < 0) {
            json_decref(header);
            return NULL;
        }
        at = end;
    }
    return header;
}

static int write_header(struct writer *w)
{
    CLEANUP(json_decrefp) json_t *header = make_header(w);
    CLEANUP_FREE char *text = header ? json_dumps(header, JSON_COMPACT) : NULL;
    static const char spaces[ALIGN] =
        "                                                               ";
    uint64_t size;
    int r;

    if (!text)
        return fail_set(w->fail, FAIL_DEFECT, -EINVAL, "cannot write down the header of '%s'",
                        w->out.path);
    const size_t n = strlen(text), pad = (ALIGN - (8 + n) % ALIGN) % ALIGN;
    size = n + pad;
    if ((r = put(w, &size, 8)) < 0 || (r = put(w, text, n)) < 0)
        return r;
    return put(w, spaces, pad);
}

/* ---- values ------------------------------------------------------------------------------------
 */

/* Infinities and NaNs, by their exponents. */
static bool is_finite(enum nn_dtype dtype, const void *values, size_t n)
{
    const uint32_t mask = dtype == NN_F16 ? 0x7c00 : dtype == NN_BF16 ? 0x7f80 : 0x7f800000;
    const uint16_t *half = values;
    const uint32_t *whole = values;
    bool bad = false;

    if (dtype == NN_F32)
        for (size_t i = 0; i < n; i++)
            bad |= (whole[i] & mask) == mask;
    else
        for (size_t i = 0; i < n; i++)
            bad |= (half[i] & mask) == mask;
    return !bad;
}

static int put_values(struct writer *w, const struct import_entry *e, const void *values, size_t n)
{
    if (!is_finite(e->dtype, values, n))
        return import_broken(w->fail, import_source_path(w->plan->source),
                             "tensor '%s' holds a value that is no number", e->from[0].name);
    return put(w, values, n * nn_dtype_size(e->dtype));
}

static int write_tensor(struct writer *w, const struct import_entry *e,
                        const struct import_tensor *t)
{
    int r = 0;

    for (size_t at = 0, n; r == 0 && at < t->n; at += n) {
        n = MIN(CHUNK_VALUES, t->n - at);
        if (t->dtype == e->dtype)
            import_read(t, at, n, w->raw);
        else
            import_floats(t, at, n, w->floats);
        r = put_values(w, e, t->dtype == e->dtype ? (void *) w->raw : w->floats, n);
    }
    import_forget(t);
    return r;
}

/* Row by row: |v| in double, then one product a value, as PyTorch has it. */
static int write_weight_norm(struct writer *w, const struct import_entry *e)
{
    const struct import_tensor *g = &e->from[0], *v = &e->from[1];
    const size_t rows = v->shape[0], columns = rows ? v->n / rows : 0;
    int r = 0;

    for (size_t row = 0; r == 0 && row < rows; row++) {
        double sum = 0;
        float gain;
        import_floats(g, row, 1, &gain);
        for (size_t at = 0, n; at < columns; at += n) {
            n = MIN(CHUNK_VALUES, columns - at);
            import_floats(v, row * columns + at, n, w->floats);
            for (size_t i = 0; i < n; i++)
                sum += (double) w->floats[i] * w->floats[i];
        }
        gain /= (float) sqrt(sum);
        for (size_t at = 0, n; r == 0 && at < columns; at += n) {
            n = MIN(CHUNK_VALUES, columns - at);
            import_floats(v, row * columns + at, n, w->floats);
            for (size_t i = 0; i < n; i++)
                w->floats[i] *= gain;
            r = put_values(w, e, w->floats, n);
        }
    }
    import_forget(v);
    return r;
}

static int write_entry(struct writer *w, const struct import_entry *e)
{
    int r = 0;

    if (e->form == IMPORT_WEIGHT_NORM)
        return write_weight_norm(w, e);
    for (unsigned i = 0; r == 0 && i < e->n_from; i++)
        r = write_tensor(w, e, &e->from[i]);
    return r;
}

static int write_all(struct writer *w, const char *path)
{
    int r = file_out_open(&w->out, path, w->fail);

    if (r < 0)
        return r;
    sort_entries(w);
    r = write_header(w);
    for (size_t i = 0; r == 0 && i < w->plan->n; i++)
        r = write_entry(w, &w->plan->entries[w->order[i]]);
    if (r < 0) {
        file_out_done(&w->out);
        return r;
    }
    return file_out_commit(&w->out, w->fail);
}

int import_write(const struct import_plan *p, const char *path, const volatile int *cancel,
                 uint64_t *ret_bytes, struct fail *fail)
{
    CLEANUP_FREE size_t *order = calloc(p->n + 1, sizeof(*order));
    CLEANUP_FREE uint8_t *raw = malloc(CHUNK_VALUES * 8);
    CLEANUP_FREE float *floats = malloc(CHUNK_VALUES * sizeof(*floats));
    struct writer w = {.plan = p,
                       .cancel = cancel,
                       .fail = fail,
                       .out = FILE_OUT_INIT,
                       .order = order,
                       .raw = raw,
                       .floats = floats};

    if (p->r < 0)
        return p->r;
    if (!order || !raw || !floats)
        return fail_set(fail, FAIL_OTHER, -ENOMEM, "not enough memory to write '%s'", path);
    int r = write_all(&w, path);
    if (r == 0)
        *ret_bytes = w.n_bytes;
    return r;
}
