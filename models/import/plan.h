/* SPDX-License-Identifier: Apache-2.0
 *
 * What a file of ours will hold: its tensors, each with the tensors of a checkpoint that it is made
 * of, its configuration, and what the user is to know. A map (map.h) fills it; import_write()
 * writes it, tensor by tensor. Nothing is read before that.
 *
 * A plan remembers its first failure and does nothing afterwards, so that a map asks for all its
 * tensors and looks at `r` once. Names are formats. One thread at a time.
 */
#pragma once

#include <jansson.h>
#include <stdint.h>

#include "base/fail.h"
#include "import/source.h"

enum import_form {
    IMPORT_COPY,        ///< as it is
    IMPORT_ROWS,        ///< one below the other (dimension 0)
    IMPORT_WEIGHT_NORM, ///< from[0] = g, from[1] = v: g v / |v|, |v| over all dimensions but 0
};
#define IMPORT_FROM_MAX 3

struct import_entry {
    char *name;
    enum nn_dtype dtype; ///< F32, F16 or BF16
    unsigned rank;
    size_t shape[NN_RANK_MAX], n;
    enum import_form form;
    struct import_tensor from[IMPORT_FROM_MAX];
    unsigned n_from;
};

struct import_plan {
    const struct import_source *source; ///< borrowed
    struct fail *fail;                  ///< borrowed, may be NULL
    int r;                              ///< 0, or the first negative errno

    struct import_entry *entries;
    size_t n, room;
    size_t n_parameters; ///< values of all of them
    json_t *config;      ///< owned: metadata "brailled"
    json_t *metadata;    ///< owned: other metadata, of texts
    char *description;   ///< owned: which model it is, in the user's language
    char **notes;        ///< lines for the user, owned, in the user's language
    size_t n_notes;
};

void import_plan_init(struct import_plan *p, const struct import_source *source, struct fail *fail);
void import_plan_done(struct import_plan *p);

/** A tensor of the source that must be there, have this shape and be of weights (F64, F32, F16,
 * BF16). NULL after a failure. */
const struct import_tensor *import_want(struct import_plan *p, unsigned rank, const size_t *shape,
                                        const char *name, ...) PRINTF_FORMAT(4, 5);

/* Each adds the tensor `name` to the file. `t` NULL: nothing, a failure was written down. */
/** In the type it came in; F64 becomes F32. */
void import_copy(struct import_plan *p, const struct import_tensor *t, const char *name, ...)
    PRINTF_FORMAT(3, 4);
/** A matrix, rows and columns exchanged. */
void import_turn(struct import_plan *p, const struct import_tensor *t, const char *name, ...)
    PRINTF_FORMAT(3, 4);
/** Rows begin .. begin + n of it. */
void import_slice(struct import_plan *p, const struct import_tensor *t, size_t begin, size_t n,
                  const char *name, ...) PRINTF_FORMAT(5, 6);
/** `n` tensors (at most IMPORT_FROM_MAX), equal but for their first dimension; of different types:
 * F32. */
void import_rows(struct import_plan *p, const struct import_tensor *const *t, unsigned n,
                 const char *name, ...) PRINTF_FORMAT(4, 5);
/** g [n, 1, ...], v [n, ...] -> F32 [n, ...] (torch.nn.utils.weight_norm). */
void import_weight_norm(struct import_plan *p, const struct import_tensor *g,
                        const struct import_tensor *v, const char *name, ...) PRINTF_FORMAT(4, 5);

/** Set a value of the configuration; `value` is taken, NULL is "not enough memory". */
void import_config(struct import_plan *p, const char *key, json_t *value);
/** Set a text of the metadata. */
void import_metadata(struct import_plan *p, const char *key, const char *value);
/** Say which model it is; the format is English and translated here. */
void import_describe(struct import_plan *p, const char *format, ...) PRINTF_FORMAT(2, 3);
/** A line for the user; the format is English and translated here (base/tr.h). */
void import_note(struct import_plan *p, const char *format, ...) PRINTF_FORMAT(2, 3);
/** Tensors of the source that nothing is made of; *ret_first is one's name. */
size_t import_plan_unused(const struct import_plan *p, const char **ret_first);
/** Fail: "'x' cannot be imported: <words>" (import_unknown of words.h); the first one stands. */
void import_refuse(struct import_plan *p, const char *format, ...) PRINTF_FORMAT(2, 3);

/**
 * Write the plan as safetensors: to a temporary name, fsync, rename. The header's end is at a
 * multiple of 64 bytes, types of 4 bytes come first, so that a map of the file can be used as it
 * is. Memory stays at a few MiB, whatever the size.
 *
 * @param cancel     ends the work when it becomes true; may be NULL
 * @param ret_bytes  size of the file
 * @return 0; FAIL_CREATE, FAIL_IO; FAIL_INPUT: a value is no number; FAIL_INTERRUPTED. No file is
 *         left behind on failure.
 */
int import_write(const struct import_plan *p, const char *path, const volatile int *cancel,
                 uint64_t *ret_bytes, struct fail *fail);
