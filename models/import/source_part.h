/* SPDX-License-Identifier: Apache-2.0
 *
 * One file of a source. Not public.
 */
#pragma once

#include "import/pickle.h"
#include "import/source.h"
#include "import/zip.h"

struct import_part {
    char *path;
    uint8_t *map; ///< NULL for safetensors, which nn_file maps
    size_t size;
    struct import_zip zip;
    struct pickle *pickle;
    const struct pickle_value *root; ///< borrowed from the pickle
    struct nn_file *file;            ///< safetensors
    const char *format;
    const char *section;
};

/** Tensors of all parts; grows. */
struct import_tensors {
    struct import_tensor *list;
    size_t n, room;
};
int import_tensors_add(struct import_tensors *to, const struct import_tensor *t, struct fail *fail);

/** Open a file of any kind and append its tensors. */
int import_part_open(struct import_part *part, const char *path, struct import_tensors *to,
                     struct fail *fail);
void import_part_done(struct import_part *part);

/** torch.c: read a PyTorch file that is mapped. */
int import_torch_open(struct import_part *part, struct import_tensors *to, struct fail *fail);
/** Whether it begins as PyTorch before 1.6 wrote it. */
bool import_torch_is_old(const uint8_t *map, size_t size);
