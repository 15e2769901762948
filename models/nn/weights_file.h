/* SPDX-License-Identifier: Apache-2.0
 *
 * Read a safetensors file (huggingface/safetensors, format description in its README): 8 bytes
 * little-endian header size, a JSON header, then the data. The file is mapped read-only and every
 * field is checked before it is used, so that a broken or hostile file gives an error in words.
 * The model's configuration is one JSON object, written as a string under the metadata key
 * "brailled" (models/recipes/common.py). Different files may be used by different threads.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/fail.h"
#include "nn/number.h"

struct nn_file;

#define NN_RANK_MAX 8
const char *nn_dtype_name(enum nn_dtype dtype); ///< "F32"
size_t nn_dtype_size(enum nn_dtype dtype);      ///< bytes a value
/** `n` values at `from`, of any alignment, as f32. */
void nn_dtype_floats(enum nn_dtype dtype, const void *from, size_t n, float *to);

/** Map and check a file. Missing: FAIL_UNAVAILABLE -ENOENT; broken: FAIL_UNAVAILABLE -EBADMSG. */
int nn_file_open(const char *path, struct nn_file **ret, struct fail *fail);
/** The same of a file that a user brought: types that are no weights are let in, and what is wrong
 * is FAIL_INPUT ("download it again"); missing: FAIL_OPEN. */
int nn_file_open_foreign(const char *path, struct nn_file **ret, struct fail *fail);
struct nn_file *nn_file_close(struct nn_file *f);
DEFINE_CLEANUP(struct nn_file *, nn_file_close);

/** The configuration object (borrowed), or NULL when the file has none. */
const json_t *nn_file_config(const struct nn_file *f);
/** A string of the file's metadata (borrowed), or NULL. */
const char *nn_file_metadata(const struct nn_file *f, const char *key);
/** Fail unless the configuration says "model": `model`. */
int nn_file_expect_model(const struct nn_file *f, const char *model, struct fail *fail);

/** Values of the configuration, or of its part `object` when that is not NULL. Missing, of another
 * type or outside lo .. hi (both included): -EBADMSG. */
int nn_file_uint(const struct nn_file *f, const json_t *object, const char *key, unsigned lo,
                 unsigned hi, unsigned *ret, struct fail *fail);
int nn_file_number(const struct nn_file *f, const json_t *object, const char *key, double lo,
                   double hi, double *ret, struct fail *fail);
/** An array of 1 .. max_n numbers; *ret_n receives how many. */
int nn_file_uints(const struct nn_file *f, const json_t *object, const char *key, unsigned lo,
                  unsigned hi, unsigned max_n, unsigned *ret, unsigned *ret_n, struct fail *fail);

/** Whether a tensor of this name exists. `ret_rank` and `ret_shape` (8 places) may be NULL. */
bool nn_file_has(const struct nn_file *f, const char *name, unsigned *ret_rank, size_t *ret_shape);
/** The tensor `name`, which must have exactly this shape and finite values, as f32: a view of the
 * map, or a converted copy (F16, BF16). Borrowed until nn_file_close(). */
int nn_file_tensor(struct nn_file *f, const char *name, unsigned rank, const size_t *shape,
                   const float **ret, struct fail *fail);
/** A tensor as it lies in the file, row-major, without any alignment. */
struct nn_raw {
    const char *name; ///< borrowed
    enum nn_dtype dtype;
    unsigned rank;
    size_t shape[NN_RANK_MAX];
    size_t n;         ///< values
    const void *data; ///< borrowed from the map
};
size_t nn_file_n_tensors(const struct nn_file *f);
/** Tensor i, in the order of their names. */
void nn_file_raw(const struct nn_file *f, size_t i, struct nn_raw *ret);
/** The same as the file holds it: of any type, at any address, its values not yet looked at. */
int nn_file_view(struct nn_file *f, const char *name, unsigned rank, const size_t *shape,
                 const void **ret, enum nn_dtype *ret_type, struct fail *fail);
/** What nn_file_tensor() says of a tensor with such a value, for who looks at them himself. */
int nn_file_not_finite(const struct nn_file *f, const char *name, struct fail *fail);
/** Give the memory of all that was read back: copies are freed, which ends what was borrowed, and
 * the map's pages are dropped until they are read again. */
void nn_file_forget(struct nn_file *f);
#define NN_SHAPE(...)                                                                              \
    (unsigned) (sizeof((const size_t[]){__VA_ARGS__}) / sizeof(size_t)), (const size_t[])          \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

/** "weights file 'x' is broken: <words>; install it again", FAIL_UNAVAILABLE, -EBADMSG; of a
 * foreign file "'x' is broken: <words>; download it again", FAIL_INPUT. */
int nn_file_broken(const struct nn_file *f, struct fail *fail, const char *format, ...)
    PRINTF_FORMAT(3, 4);
