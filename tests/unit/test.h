/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdio.h>
#include <stdlib.h>

/** End the test at the first wrong condition, naming it. */
#define REQUIRE(c)                                                                                 \
    do {                                                                                           \
        if (!(c)) {                                                                                \
            fprintf(stderr, "%s:%d: %s: REQUIRE(%s)\n", __FILE__, __LINE__, __func__, #c);         \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/** What meson takes for "skipped". */
#define TEST_SKIPPED 77
