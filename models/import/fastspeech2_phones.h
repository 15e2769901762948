/* SPDX-License-Identifier: Apache-2.0
 *
 * The phones of ming024's code, which its checkpoints do not hold: letters and signs, ARPAbet with
 * stress, pinyin's initials, finals with their tone, silences. Rows of its table of 361; the last
 * one has no phone. Not public.
 */
#pragma once

#include <jansson.h>

#define IMPORT_FASTSPEECH2_PHONES 361u

/** Their names in the order of the rows; owned by the caller. NULL: no memory. */
json_t *import_fastspeech2_phones(void);
