/* SPDX-License-Identifier: Apache-2.0 */

#include "import/tensor.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

bool import_is(const struct import_tensor *t, unsigned rank, const size_t *shape)
{
    return t && t->rank == rank &&
           (rank == 0 || memcmp(t->shape, shape, rank * sizeof(*shape)) == 0);
}

char *import_shape(const struct import_tensor *t, char words[96])
{
    size_t at = 0;

    words[0] = 0;
    for (unsigned i = 0; i < t->rank && at < 96; i++)
        at += (size_t) snprintf(words + at, 96 - at, "%s%zu", i ? "x" : "", t->shape[i]);
    return words;
}

/* Where value i of the row-major order lies. */
static const uint8_t *place(const struct import_tensor *t, size_t i)
{
    size_t at = 0;

    for (unsigned d = t->rank; d > 0; d--) {
        at += i % t->shape[d - 1] * t->stride[d - 1];
        i /= t->shape[d - 1];
    }
    return t->data + at * nn_dtype_size(t->dtype);
}

void import_read(const struct import_tensor *t, size_t begin, size_t n, void *to)
{
    const size_t size = nn_dtype_size(t->dtype);
    uint8_t *out = to;

    if (t->is_contiguous && n > 0)
        memcpy(out, t->data + begin * size, n * size);
    for (size_t i = 0; !t->is_contiguous && i < n; i++)
        memcpy(out + i * size, place(t, begin + i), size);
}

void import_floats(const struct import_tensor *t, size_t begin, size_t n, float *to)
{
    if (t->is_contiguous) {
        nn_dtype_floats(t->dtype, t->data + begin * nn_dtype_size(t->dtype), n, to);
        return;
    }
    for (size_t i = 0; i < n; i++)
        nn_dtype_floats(t->dtype, place(t, begin + i), 1, &to[i]);
}

void import_forget(const struct import_tensor *t)
{
    const uintptr_t page = (uintptr_t) sysconf(_SC_PAGESIZE);
    uintptr_t begin = (uintptr_t) t->data, end = begin + nn_dtype_size(t->dtype);

    for (unsigned d = 0; d < t->rank; d++)
        end += (t->shape[d] - (t->shape[d] > 0)) * t->stride[d] * nn_dtype_size(t->dtype);
    begin &= ~(page - 1);
    end = (end + page - 1) & ~(page - 1);
    if (t->n > 0) /* a mapped file: the pages come back when they are read again */
        madvise((void *) begin, end - begin, MADV_DONTNEED);
}
