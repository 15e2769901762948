/* SPDX-License-Identifier: Apache-2.0
 *
 * Small files that people keep beside a checkpoint. Not public.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "import/plan.h"

/** A file of text of the checkpoint's folder, whole; NULL: there is none, or a failure was written
 * down. Owned by the caller. */
char *import_beside_text(struct import_plan *p, const char *name);
/** A JSON object of the folder; NULL as above; owned by the caller. What is no object is refused.
 */
json_t *import_beside_json(struct import_plan *p, const char *name);

/** The value of `key` in a YAML text whose values stand on their keys' lines, behind a line
 * "section:" (NULL: anywhere), without quotes and comment. false: it is not there. Lists, anchors
 * and the like are not read. */
bool import_yaml_value(const char *yaml, const char *section, const char *key, char *ret,
                       size_t size);
