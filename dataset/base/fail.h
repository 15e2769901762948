/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

/** What went wrong, in the words a user gets. Libraries fill one and stay silent; a program prints
 * it once. The kinds are the exit codes of sysexits.h that docs/contracts.md promises. */
enum fail_kind {
    FAIL_NONE = 0,
    FAIL_OTHER = 1,
    FAIL_USAGE = 64,       ///< wrong options
    FAIL_INPUT = 65,       ///< the input is broken or not what it should be
    FAIL_OPEN = 66,        ///< the input cannot be opened
    FAIL_UNAVAILABLE = 69, ///< no device, model or service
    FAIL_DEFECT = 70,      ///< a defect of ours
    FAIL_CREATE = 73,      ///< the output cannot be created
    FAIL_IO = 74,          ///< read or write failed (full disk)
    FAIL_INTERRUPTED = 130,
};

struct fail {
    enum fail_kind kind; ///< FAIL_NONE until something failed
    char text[512];      ///< one line, no newline: what happened and what to do
};

/**
 * Write down a failure, in the user's language (base/tr.h: the format is translated here, callers
 * write English); the first one set wins, so that an outer layer cannot blur the cause.
 *
 * @param f   where to; NULL is accepted and does nothing
 * @param r   the negative errno to hand on; `%m` in the format prints it
 * @return r unchanged, so that `return fail_set(f, FAIL_INPUT, -EBADMSG, "…")` works
 */
int fail_set(struct fail *f, enum fail_kind kind, int r, const char *format, ...)
    PRINTF_FORMAT(4, 5);
