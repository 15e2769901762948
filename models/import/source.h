/* SPDX-License-Identifier: Apache-2.0
 *
 * A checkpoint as people have it, opened for reading: PyTorch's zip files (1.6 and later) and the
 * pickle streams before it, safetensors, and folders of Hugging Face with one file or several
 * (model.safetensors, model.safetensors.index.json, pytorch_model.bin and its index).
 *
 * All come out the same way: a list of named tensors, views of the mapped files. Nothing in a file
 * is executed (pickle.h), every size is checked, and memory does not grow with the tensors. One
 * thread at a time.
 */
#pragma once

#include <jansson.h>

#include "base/fail.h"
#include "import/tensor.h"

struct import_source;

/**
 * Open a file or a folder.
 *
 * @return 0; FAIL_OPEN: it cannot be opened; FAIL_INPUT -EBADMSG: broken; FAIL_INPUT -ENOTSUP: a
 *         kind of file that is not known; the words say what to do
 */
int import_source_open(const char *path, struct import_source **ret, struct fail *fail);
struct import_source *import_source_close(struct import_source *s);
DEFINE_CLEANUP(struct import_source *, import_source_close);

/** What was opened, the file or folder; borrowed. */
const char *import_source_path(const struct import_source *s);
/** The folder it lies in (or is), for what belongs to it: config.json, vocab.txt; borrowed. */
const char *import_source_folder(const struct import_source *s);
/** "PyTorch", "PyTorch before 1.6" or "safetensors"; static. */
const char *import_source_format(const struct import_source *s);
/** The key of the checkpoint's dictionary that the tensors are in, as "state_dict", "generator" or
 * "model"; "" where the tensors are at the top, as in safetensors. Borrowed. */
const char *import_source_section(const struct import_source *s);

/** The tensors, in the order of their names. */
size_t import_source_n(const struct import_source *s);
const struct import_tensor *import_source_at(const struct import_source *s, size_t i);
/** The tensor of this name (a format), or NULL. */
const struct import_tensor *import_source_find(const struct import_source *s, const char *name, ...)
    PRINTF_FORMAT(2, 3);

/** A text beside the tensors: {"name": …, "state_dict": …}; NULL: none. Borrowed. */
const char *import_source_text(const struct import_source *s, const char *key);
/** A whole number beside the tensors ("epoch", "step"); false: none. */
bool import_source_int(const struct import_source *s, const char *key, int64_t *ret);
/** config.json of its folder (borrowed); NULL: there is none, or it is no JSON object. */
const json_t *import_source_config(const struct import_source *s);

/** Names that the file wants Python to call and that no checkpoint needs ("os.system"), NULL at the
 * end; nothing of it was done. */
const char *const *import_source_strangers(const struct import_source *s);

/** Compare the tensors' data with the checksums that the file has; what is beside them (an
 * optimizer's state) is not looked at. FAIL_INPUT -EBADMSG: it is damaged; FAIL_INTERRUPTED.
 * `cancel` may be NULL. */
int import_source_verify(const struct import_source *s, const volatile int *cancel,
                         struct fail *fail);
