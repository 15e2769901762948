/* SPDX-License-Identifier: Apache-2.0
 *
 * Checksums (OpenSSL's libcrypto). Thread-safe: no shared state.
 */
#pragma once

#include <stddef.h>

#include "base/fail.h"

#define HASH_TEXT 65 ///< 64 hex digits and a zero

/** SHA-256 (FIPS 180-4) in lower-case hex. -ENOMEM. */
int hash_sha256(const void *data, size_t size, char ret[HASH_TEXT]);
/** The same of a file, read in pieces. FAIL_OPEN, FAIL_IO. */
int hash_sha256_file(const char *path, char ret[HASH_TEXT], struct fail *fail);
