/* SPDX-License-Identifier: Apache-2.0
 *
 * The models that can be imported: for each how it is recognised, and which tensor of it becomes
 * which tensor of ours. A new one is a file NAME_map.c with one of these, and a line in import.c.
 */
#pragma once

#include <stdbool.h>

#include "import/plan.h"

struct import_options {
    const char *vocab; ///< file of the vocabulary; NULL: vocab.txt beside the checkpoint
};

struct import_map {
    const char *kind;  ///< "chinese-clip": of --kind, and "model" of the configuration
    const char *title; ///< N_("…"): what it is called
    const char *file;  ///< name in a folder of models, "chinese-clip.safetensors"
    /** Whether the source looks like this model, by the names of its tensors. */
    bool (*is)(const struct import_source *s);
    /** Fill the plan; the first failure stays in p->r. Shapes that are not known are refused with a
     * list of those that are. */
    void (*plan)(struct import_plan *p, const struct import_source *s,
                 const struct import_options *options);
};

extern const struct import_map import_chinese_clip, import_hifigan, import_fastspeech2;
