/* SPDX-License-Identifier: Apache-2.0
 *
 * From a checkpoint that somebody trained elsewhere to a file that our models load: docs/models.md.
 */
#pragma once

#include "import/map.h"

/** The maps, NULL at the end. */
extern const struct import_map *const import_maps[];

/** The map of this kind ("hifigan"), or NULL. */
const struct import_map *import_find_kind(const char *kind);

/** Which model it is: FAIL_INPUT -ENOTSUP where none fits, in words that list what is known. */
int import_recognise(const struct import_source *s, const struct import_map **ret,
                     struct fail *fail);

/** The place where the map's file is looked for and written to by default:
 * $XDG_DATA_HOME/brailled/models/FILE, else ~/.local/share/...; owned by the caller. FAIL_CREATE:
 * there is neither. */
int import_default_path(const struct import_map *map, char **ret, struct fail *fail);
