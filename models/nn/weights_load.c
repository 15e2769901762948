/* SPDX-License-Identifier: Apache-2.0 */

#include "nn/weights_load.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#define NAME_MAX_BYTES 160

/* Format a layer's name in the caller's variable arguments. */
#define NAMED(buffer, name)                                                                        \
    char buffer[NAME_MAX_BYTES];                                                                   \
    va_list ap;                                                                                    \
    va_start(ap, name);                                                                            \
    vsnprintf(buffer, sizeof(buffer), name, ap);                                                   \
    va_end(ap)

void nn_load_note(struct nn_loader *l, int r)
{
    if (l->r == 0 && r < 0)
        l->r = fail_set(l->fail, FAIL_UNAVAILABLE, r,
                        "the device cannot take the model's weights: %m; choose another with "
                        "--device");
}

static const float *get(struct nn_loader *l, const char *layer, const char *part, unsigned rank,
                        const size_t *shape)
{
    char name[NAME_MAX_BYTES + 16];
    const float *v = NULL;

    if (l->r < 0)
        return NULL;
    snprintf(name, sizeof(name), "%s%s", layer, part);
    l->r = nn_file_tensor(l->file, name, rank, shape, &v, l->fail);
    return v;
}

const float *nn_load_values(struct nn_loader *l, unsigned rank, const size_t *shape,
                            const char *name, ...)
{
    NAMED(layer, name);
    return get(l, layer, "", rank, shape);
}

struct nn_weight *nn_load_conv1d(struct nn_loader *l, unsigned co, unsigned ci, unsigned taps,
                                 const char *name, ...)
{
    NAMED(layer, name);
    const float *w = get(l, layer, ".weight", NN_SHAPE(co, ci, taps));
    const float *bias = get(l, layer, ".bias", NN_SHAPE(co));
    struct nn_weight *ret = NULL;

    if (l->r == 0)
        nn_load_note(l, nn_weight_conv1d(l->nn, w, bias, co, ci, taps, l->half, &ret));
    return ret;
}

struct nn_weight *nn_load_conv1d_transposed(struct nn_loader *l, unsigned ci, unsigned co,
                                            unsigned taps, unsigned stride, const char *name, ...)
{
    NAMED(layer, name);
    const float *w = get(l, layer, ".weight", NN_SHAPE(ci, co, taps));
    const float *bias = get(l, layer, ".bias", NN_SHAPE(co));
    struct nn_weight *ret = NULL;

    if (l->r == 0)
        nn_load_note(
            l, nn_weight_conv1d_transposed(l->nn, w, bias, ci, co, taps, stride, l->half, &ret));
    return ret;
}

struct nn_weight *nn_load_linear(struct nn_loader *l, unsigned co, unsigned ci, const char *name,
                                 ...)
{
    NAMED(layer, name);
    const float *w = get(l, layer, ".weight", NN_SHAPE(co, ci));
    const float *bias = get(l, layer, ".bias", NN_SHAPE(co));
    struct nn_weight *ret = NULL;

    if (l->r == 0)
        nn_load_note(l, nn_weight_conv1d(l->nn, w, bias, co, ci, 1, l->half, &ret));
    return ret;
}

struct nn_weight *nn_load_norm(struct nn_loader *l, unsigned channels, const char *name, ...)
{
    NAMED(layer, name);
    const float *gamma = get(l, layer, ".weight", NN_SHAPE(channels));
    const float *beta = get(l, layer, ".bias", NN_SHAPE(channels));
    struct nn_weight *ret = NULL;

    if (l->r == 0)
        nn_load_note(l, nn_weight_norm(l->nn, gamma, beta, channels, &ret));
    return ret;
}

struct nn_weight *nn_load_table(struct nn_loader *l, unsigned rows, unsigned channels,
                                const char *name, ...)
{
    NAMED(layer, name);
    const float *w = get(l, layer, ".weight", NN_SHAPE(rows, channels));
    struct nn_weight *ret = NULL;

    if (l->r == 0)
        nn_load_note(l, nn_weight_table(l->nn, w, rows, channels, &ret));
    return ret;
}
