/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdlib.h>

#define CLEANUP(f) __attribute__((__cleanup__(f)))
#define PRINTF_FORMAT(a, b) __attribute__((__format__(__printf__, a, b)))

/* Hand a pointer over: evaluates to the old value and leaves NULL behind, so that the cleanup
 * handler of the variable becomes a no-op. */
#define TAKE_PTR(p)                                                                                \
    ({                                                                                             \
        __typeof__(p) *_pp = &(p);                                                                 \
        __typeof__(p) _v = *_pp;                                                                   \
        *_pp = NULL;                                                                               \
        _v;                                                                                        \
    })

#define ELEMENTSOF(a) (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

/* Define foo_freep() for CLEANUP() from a foo_free() that accepts and returns NULL. */
#define DEFINE_CLEANUP(type, func)                                                                 \
    static inline void func##p(type *p)                                                            \
    {                                                                                              \
        if (*p)                                                                                    \
            *p = func(*p);                                                                         \
    }

static inline void freep(void *p)
{
    free(*(void **) p);
}
#define CLEANUP_FREE CLEANUP(freep)
