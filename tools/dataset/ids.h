/* SPDX-License-Identifier: Apache-2.0
 *
 * The ids of a set and the names of its pictures, 20 bytes each, to look one up in.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "manifest/manifest.h"

struct ids {
    uint64_t *hash;      ///< owned, sorted
    uint32_t *at;        ///< owned; hash[i] is the id of record at[i]
    uint64_t *path;      ///< owned, sorted: the hashes of the pictures' names
    uint8_t (*sum)[32];  ///< owned, by record; NULL: not asked for
    size_t n, n_of_type; ///< records; of them, of the type that was asked for
    char manifest_sum[HASH_TEXT];
};

/**
 * Read the ids of a set.
 *
 * @param type       counted in n_of_type; NULL: all
 * @param with_sums  keep the pictures' checksums, 32 bytes each
 * @return 0; what manifest_next() fails with; FAIL_INPUT: two records of one id
 */
int ids_load(struct ids *ids, const char *dir, const char *type, bool with_sums, struct fail *fail);
void ids_done(struct ids *ids);

bool ids_has(const struct ids *ids, const char *id);
bool ids_has_image(const struct ids *ids, const char *image);
/** Is this (in hex) the checksum of the picture `id`? false also where nothing is known. */
bool ids_sum_is(const struct ids *ids, const char *id, const char sum[HASH_TEXT]);
