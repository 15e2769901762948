/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts of a zip file (PKWARE APPNOTE 6.3, with zip64) that is mapped into memory.
 * torch.save() stores its parts and does not compress them, so a part is a view of the map.
 * Every size is checked against the map, the local header against the directory, and parts against
 * each other: none may overlap. Threads may read one zip at the same time. Not public.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fail.h"

struct import_zip_part {
    const char *name;    ///< owned by the zip, UTF-8 is not checked
    const uint8_t *data; ///< borrowed from the map
    size_t size;         ///< bytes, as they lie there
    bool is_packed;      ///< compressed: of no use here
    uint32_t crc;        ///< CRC-32 of the data; 0: the writer left it out
    size_t begin, end;   ///< where header and data lie in the map
};

struct import_zip {
    struct import_zip_part *parts; ///< sorted by name
    size_t n;
    char *names; ///< behind the parts' names
};

/** Whether these bytes begin like a zip file. */
bool import_zip_is(const uint8_t *map, size_t size);

/**
 * Read the directory. `map` is borrowed until import_zip_done().
 *
 * @param path  for messages
 * @return 0; FAIL_INPUT -EBADMSG: broken, encrypted or cut off; -ENOMEM
 */
int import_zip_open(const uint8_t *map, size_t size, const char *path, struct import_zip *ret,
                    struct fail *fail);
void import_zip_done(struct import_zip *z);

/** The part of this name, or NULL. */
const struct import_zip_part *import_zip_find(const struct import_zip *z, const char *name);
