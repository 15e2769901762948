/* SPDX-License-Identifier: Apache-2.0
 *
 * What is said of files that cannot be imported. Not public.
 */
#pragma once

#include "base/fail.h"

/** "'x' is broken: <words>; download it again", FAIL_INPUT, -EBADMSG. */
int import_broken(struct fail *fail, const char *path, const char *format, ...) PRINTF_FORMAT(3, 4);

/** "'x' cannot be imported: <words>", FAIL_INPUT, -ENOTSUP: it is whole, but not what is known
 * here; the words say what to do. */
int import_unknown(struct fail *fail, const char *path, const char *format, ...)
    PRINTF_FORMAT(3, 4);
