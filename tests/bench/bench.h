/* SPDX-License-Identifier: Apache-2.0
 *
 * What the programs that time the networks share.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/fail.h"

static inline double bench_now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double) t.tv_sec * 1e3 + (double) t.tv_nsec / 1e6;
}

/** End the program with the words of a failure. */
static inline void bench_must(int r, const struct fail *fail)
{
    if (r >= 0)
        return;
    fprintf(stderr, "bench: %s\n", fail->text);
    exit(1);
}

/** Write floats, or end the program. */
static inline void bench_save(const char *path, const float *v, size_t n)
{
    FILE *f = fopen(path, "wb");
    const bool ok = f && fwrite(v, sizeof(*v), n, f) == n;
    if (!f || fclose(f) != 0 || !ok)
        exit(74);
}
