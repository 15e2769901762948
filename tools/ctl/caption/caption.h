/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts of braillectl caption: a bank of sentences, a Chinese-CLIP, embeddings that are kept.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/fail.h"
#include "image/image.h"
#include "tools/ctl/ctl.h"

/* ---- bank.c --------------------------------------------------------------------------------- */

enum {
    CAPTION_MAX_FILE = 64 << 20,    ///< bytes
    CAPTION_MAX_TEXT = 4096,        ///< bytes of a sentence
    CAPTION_MAX_SENTENCES = 100000, ///< that would be days of work without a GPU
    CAPTION_PART = 1024,            ///< sentences whose embeddings are kept together
    CAPTION_MAX_K = 16,
};

/** Sentences of a file: its lines without blanks around them, empty ones left out. */
struct caption_bank {
    char *data;         ///< owned
    const char **texts; ///< [n], into `data`; owned
    size_t *lines;      ///< [n] where each stands, from 1; owned
    size_t n;           ///< 1 .. CAPTION_MAX_SENTENCES
};

/** "-": standard input. FAIL_OPEN; FAIL_INPUT: empty, no UTF-8, too long, too many. */
int caption_bank_read(const char *path, struct caption_bank *ret, struct fail *fail);
void caption_bank_done(struct caption_bank *bank);

/* ---- model.c -------------------------------------------------------------------------------- */

struct caption_model;

/** Open `path`, or (NULL) chinese-clip.safetensors in the folder --models, of the user's models or
 * of those that are installed. There is none: FAIL_UNAVAILABLE. */
int caption_model_open(const struct ctl *ctl, const char *path, struct caption_model **ret,
                       struct fail *fail);
struct caption_model *caption_model_free(struct caption_model *m);
DEFINE_CLEANUP(struct caption_model *, caption_model_free);
const char *caption_model_path(const struct caption_model *m);
const char *caption_model_device(const struct caption_model *m);

struct caption_hit {
    size_t index; ///< in the bank
    double cosine;
    double p; ///< that it is this one, of all in the bank
};
struct caption_counts {
    size_t embedded, kept; ///< sentences that were embedded now, and before
};

/** The k best sentences (fewer where the bank has fewer), best first; *ret_n of them. */
int caption_find(struct caption_model *m, const struct image *picture,
                 const struct caption_bank *bank, unsigned k, struct caption_hit *ret,
                 size_t *ret_n, struct caption_counts *ret_counts, struct fail *fail);

/* ---- cache.c -------------------------------------------------------------------------------- */

/** Where embeddings are kept, made if need be: *ret owned; NULL: there is no place. */
char *caption_cache_folder(void);
/** The name of a part's file: the model (its ends, size and time) and the texts. `ret` has room for
 * a HASH_TEXT. -ENOMEM, -EIO. */
int caption_cache_key(const char *model, const char *const *texts, size_t n, char *ret);
/** Read [n][e] embeddings; false: they are not there, or not as they were written. */
bool caption_cache_read(const char *folder, const char *key, size_t n, unsigned e, float *out);
/** Write them; what goes wrong costs the next time only. */
void caption_cache_write(const char *folder, const char *key, size_t n, unsigned e,
                         const float *values);
