/* SPDX-License-Identifier: Apache-2.0
 *
 * From a weights file to weights on the device. The loader remembers the first failure and does
 * nothing afterwards, so a model loads all its layers and looks at `r` once. Names are formats.
 */
#pragma once

#include <stdbool.h>

#include "nn/nn.h"
#include "nn/weights_file.h"

struct nn_loader {
    struct nn *nn;        ///< borrowed
    struct nn_file *file; ///< borrowed
    struct fail *fail;    ///< borrowed, may be NULL
    bool half;            ///< filters as rgba16f from here on
    bool dry;             ///< look at names and shapes only: everything returns NULL
    int r;                ///< 0, or the first negative errno
};

/** The values of a tensor, borrowed from the file; NULL after a failure. */
const float *nn_load_values(struct nn_loader *l, unsigned rank, const size_t *shape,
                            const char *name, ...) PRINTF_FORMAT(4, 5);
/** Note the result of a call that made something by hand; a negative `r` is written down. */
void nn_load_note(struct nn_loader *l, int r);

/* Each needs "<name>.weight" (and "<name>.bias"), and returns a weight owned by the caller, or NULL
 * after a failure. */

/** PyTorch Conv1d: [co][ci][taps]. */
struct nn_weight *nn_load_conv1d(struct nn_loader *l, unsigned co, unsigned ci, unsigned taps,
                                 const char *name, ...) PRINTF_FORMAT(5, 6);
/** PyTorch ConvTranspose1d: [ci][co][taps]. */
struct nn_weight *nn_load_conv1d_transposed(struct nn_loader *l, unsigned ci, unsigned co,
                                            unsigned taps, unsigned stride, const char *name, ...)
    PRINTF_FORMAT(6, 7);
/** PyTorch Linear: [co][ci]. */
struct nn_weight *nn_load_linear(struct nn_loader *l, unsigned co, unsigned ci, const char *name,
                                 ...) PRINTF_FORMAT(4, 5);
enum { NN_NAME_MAX = 176, NN_STACK_MAX = 4 };
/** The rows of n (1 .. NN_STACK_MAX) matrices [co][ci], one after the other, by their whole names;
 * `biases` may be NULL. */
struct nn_weight *nn_load_stack(struct nn_loader *l, unsigned n, const char (*weights)[NN_NAME_MAX],
                                const char (*biases)[NN_NAME_MAX], unsigned co, unsigned ci);
/** PyTorch LayerNorm: weight and bias [channels]. */
struct nn_weight *nn_load_norm(struct nn_loader *l, unsigned channels, const char *name, ...)
    PRINTF_FORMAT(3, 4);
/** PyTorch Embedding: [rows][channels]; no bias. */
struct nn_weight *nn_load_table(struct nn_loader *l, unsigned rows, unsigned channels,
                                const char *name, ...) PRINTF_FORMAT(4, 5);
