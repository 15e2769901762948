/* SPDX-License-Identifier: Apache-2.0 */

#include "nn/weights_load.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

/* Format a layer's name in the caller's variable arguments. */
#define NAMED(buffer, name)                                                                        \
    char buffer[NN_NAME_MAX - 16];                                                                 \
    va_list ap;                                                                                    \
    va_start(ap, name);                                                                            \
    vsnprintf(buffer, sizeof(buffer), name, ap);                                                   \
    va_end(ap)

void nn_load_note(struct nn_loader *l, int r)
{
    if (l->r == 0 && r == -E2BIG)
        l->r = fail_set(l->fail, FAIL_UNAVAILABLE, r,
                        "the device cannot bind so large a layer as the model has; choose another "
                        "with --device");
    if (l->r == 0 && r < 0)
        l->r = fail_set(l->fail, FAIL_UNAVAILABLE, r,
                        "the device cannot take the model's weights: %m; choose another with "
                        "--device");
}

static const float *get(struct nn_loader *l, const char *layer, const char *part, unsigned rank,
                        const size_t *shape)
{
    char name[NN_NAME_MAX];
    const float *v = NULL;
    const void *raw;
    enum nn_dtype type;

    if (l->r < 0)
        return NULL;
    snprintf(name, sizeof(name), "%s%s", layer, part);
    l->r = l->dry ? nn_file_view(l->file, name, rank, shape, &raw, &type, l->fail)
                  : nn_file_tensor(l->file, name, rank, shape, &v, l->fail);
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

    if (l->r == 0 && !l->dry)
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

    if (l->r == 0 && !l->dry)
        nn_load_note(
            l, nn_weight_conv1d_transposed(l->nn, w, bias, ci, co, taps, stride, l->half, &ret));
    return ret;
}

/* One part of a linear layer; its bias is where the file has one. */
static void get_matrix(struct nn_loader *l, const char *weight, const char *bias, unsigned co,
                       unsigned ci, struct nn_matrix *ret)
{
    *ret = (struct nn_matrix){.co = co};
    if (l->r == 0)
        l->r = nn_file_view(l->file, weight, 2, (const size_t[]){co, ci}, &ret->values, &ret->type,
                            l->fail);
    if (bias)
        ret->bias = get(l, bias, "", NN_SHAPE(co));
}

struct nn_weight *nn_load_stack(struct nn_loader *l, unsigned n, const char (*weights)[NN_NAME_MAX],
                                const char (*biases)[NN_NAME_MAX], unsigned co, unsigned ci)
{
    struct nn_matrix parts[NN_STACK_MAX];
    struct nn_weight *ret = NULL;

    for (unsigned i = 0; i < n; i++)
        get_matrix(l, weights[i], biases ? biases[i] : NULL, co, ci, &parts[i]);
    if (l->r < 0 || l->dry)
        return NULL;
    const int r = nn_weight_linear(l->nn, parts, n, ci, l->half, &ret);
    if (r == -EBADMSG)
        l->r = nn_file_not_finite(l->file, weights[0], l->fail);
    else
        nn_load_note(l, r);
    return ret;
}

struct nn_weight *nn_load_linear(struct nn_loader *l, unsigned co, unsigned ci, const char *name,
                                 ...)
{
    NAMED(layer, name);
    char weight[1][NN_NAME_MAX], bias[1][NN_NAME_MAX];

    snprintf(weight[0], sizeof(weight[0]), "%s.weight", layer);
    snprintf(bias[0], sizeof(bias[0]), "%s.bias", layer);
    return nn_load_stack(l, 1, weight, bias, co, ci);
}

struct nn_weight *nn_load_norm(struct nn_loader *l, unsigned channels, const char *name, ...)
{
    NAMED(layer, name);
    const float *gamma = get(l, layer, ".weight", NN_SHAPE(channels));
    const float *beta = get(l, layer, ".bias", NN_SHAPE(channels));
    struct nn_weight *ret = NULL;

    if (l->r == 0 && !l->dry)
        nn_load_note(l, nn_weight_norm(l->nn, gamma, beta, channels, &ret));
    return ret;
}

struct nn_weight *nn_load_table(struct nn_loader *l, unsigned rows, unsigned channels,
                                const char *name, ...)
{
    NAMED(layer, name);
    const float *w = get(l, layer, ".weight", NN_SHAPE(rows, channels));
    struct nn_weight *ret = NULL;

    if (l->r == 0 && !l->dry)
        nn_load_note(l, nn_weight_table(l->nn, w, rows, channels, &ret));
    return ret;
}
