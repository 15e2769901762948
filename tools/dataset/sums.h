/* SPDX-License-Identifier: Apache-2.0
 *
 * Checksums of everything below a folder, as `sha256sum -c` reads them.
 */
#pragma once

#include "base/fail.h"

#define SUMS_NAME "SHA256SUMS"

/** Write DIR/SHA256SUMS over every file below DIR, in the order of the paths' bytes; files whose
 * names begin with a dot and what an interrupted run left under temporary names are not in it, and
 * the latter are removed. FAIL_IO, FAIL_OPEN, FAIL_CREATE, FAIL_INTERRUPTED, -ENOMEM. */
int sums_write(const char *dir, unsigned n_jobs, struct fail *fail);
