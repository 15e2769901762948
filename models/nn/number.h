/* SPDX-License-Identifier: Apache-2.0
 *
 * Numbers as files and devices hold them: f32, f16 (IEEE binary16), bf16 (the upper half of an
 * f32). Without branches, so that loops over them become vector code.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/** Types of values, by their names in safetensors; models of ours are of the first three. */
enum nn_dtype { NN_F32, NN_F16, NN_BF16, NN_F64, NN_I64, NN_I32, NN_I16, NN_I8, NN_U8, NN_BOOL };
#define NN_DTYPES (NN_BOOL + 1)

static inline float nn_from_bits(uint32_t bits)
{
    float v;

    memcpy(&v, &bits, sizeof(v));
    return v;
}

static inline uint32_t nn_to_bits(float v)
{
    uint32_t bits;

    memcpy(&bits, &v, sizeof(bits));
    return bits;
}

/* Exact, subnormals too; infinity and NaN stay what they are. */
static inline float nn_from_half(uint16_t h)
{
    const uint32_t magnitude = (uint32_t) (h & 0x7fff) << 13;
    const uint32_t finite = nn_to_bits(nn_from_bits(magnitude) * 0x1p112f);
    const uint32_t bits = (h & 0x7c00) == 0x7c00 ? magnitude | 0x7f800000 : finite;

    return nn_from_bits(bits | (uint32_t) (h & 0x8000) << 16);
}

/* To nearest, ties to even, subnormals kept; |v| <= 65504. */
static inline uint16_t nn_to_half(float v)
{
    const uint32_t bits = nn_to_bits(v), magnitude = bits & 0x7fffffff;
    /* below 2^-14 in steps of 2^-24: 0.5 has such a last place */
    const uint32_t small = nn_to_bits(nn_from_bits(magnitude) + 0.5f) - 0x3f000000;
    const uint32_t normal = (magnitude - (112u << 23) + 0xfff + (magnitude >> 13 & 1)) >> 13;

    return (uint16_t) ((magnitude < 113u << 23 ? small : normal) | (bits >> 16 & 0x8000));
}

/** n values of the first three types at `from`, at any address, as f32. false: one of them is
 * infinite or no number. */
static inline bool nn_values(const void *from, enum nn_dtype type, size_t n, float *to)
{
    const uint8_t *p = from;
    uint32_t bad = 0;

    if (type == NN_F32)
        memcpy(to, from, n * sizeof(*to));
    for (size_t i = 0; i < n && type != NN_F32; i++) {
        uint16_t half;
        memcpy(&half, p + 2 * i, sizeof(half));
        to[i] = type == NN_F16 ? nn_from_half(half) : nn_from_bits((uint32_t) half << 16);
    }
    for (size_t i = 0; i < n; i++)
        bad |= (nn_to_bits(to[i]) & 0x7f800000) == 0x7f800000;
    return !bad;
}
