/* SPDX-License-Identifier: Apache-2.0
 *
 * A tensor of a checkpoint, where it lies in the mapped file. Nothing is copied before it is read.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nn/weights_file.h"

struct import_tensor {
    const char *name; ///< borrowed from the source
    enum nn_dtype dtype;
    unsigned rank;
    size_t shape[NN_RANK_MAX], stride[NN_RANK_MAX]; ///< values
    size_t n;                                       ///< values
    bool is_contiguous;                             ///< row-major without gaps
    const uint8_t *data;                            ///< the first value; of any alignment
};

/** Whether the tensor is there (not NULL) and has exactly this shape: import_is(t, NN_SHAPE(3, 4)).
 */
bool import_is(const struct import_tensor *t, unsigned rank, const size_t *shape);

/** "512x80x7", into 96 bytes; returns `words`. */
char *import_shape(const struct import_tensor *t, char words[96]);

/** Values begin .. begin + n of the row-major order, as they are, without gaps. */
void import_read(const struct import_tensor *t, size_t begin, size_t n, void *to);
/** The same as f32. */
void import_floats(const struct import_tensor *t, size_t begin, size_t n, float *to);

/** Tell the kernel that the tensor's pages are not needed for now, so that a process that goes
 * through a large file stays small. */
void import_forget(const struct import_tensor *t);
