/* SPDX-License-Identifier: Apache-2.0 */

#include "base/fail.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

int fail_set(struct fail *f, enum fail_kind kind, int r, const char *format, ...)
{
    if (!f || f->kind != FAIL_NONE)
        return r;

    const int saved_errno = errno;
    va_list ap;

    f->kind = kind;
    errno = r < 0 ? -r : r;
    va_start(ap, format);
    vsnprintf(f->text, sizeof(f->text), format, ap);
    va_end(ap);
    errno = saved_errno;
    return r;
}
