/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts of `braille-eval retrieval`: a data set as pictures and distinct texts, their
 * embeddings, the order in which each finds the others, figures, reports. docs/retrieval.md defines
 * the figures and names their sources.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/fail.h"
#include "tools/eval/words.h"

#define EVAL_NOWHERE SIZE_MAX

/* ---- set.c ---- */

struct eval_picture {
    char *id, *path;           ///< owned
    char *sha256;              ///< as the manifest has it; owned; NULL: not said
    size_t text, type, parent; ///< of texts, of types, of pictures (EVAL_NOWHERE: none)
    size_t row;                ///< of the embeddings; EVAL_NOWHERE: not embedded
    bool in_train, in_split;
};

struct eval_text_facts {
    bool in_split; ///< a picture of the split has it
    bool in_train; ///< a picture of the train split has it: it has been seen
    size_t type;   ///< of its first picture
    size_t row;    ///< of the embeddings
};

struct eval_set {
    char *name;                    ///< the folder's; owned
    struct eval_picture *pictures; ///< owned; in the manifest's order
    size_t n, room;
    struct eval_words texts, types;
    struct eval_text_facts *facts; ///< owned; a text each
};
/** `split`: "train", "test", "val", or "all". A record without a split counts as train. FAIL_OPEN,
 * FAIL_INPUT (also: nothing is in the split). */
int eval_set_load(const char *dir, const char *split, struct eval_set *ret, struct fail *fail);
void eval_set_done(struct eval_set *s);

/* ---- embed.c ---- */

struct eval_table { ///< rows of numbers of length 1, each under a name
    float *x;       ///< [n][e]; owned
    size_t n, room;
    unsigned e;
    struct eval_words names;
};
void eval_table_done(struct eval_table *t);

struct eval_embedder;
struct eval_embedder_params {
    const char *clip;   ///< weights
    const char *device; ///< NULL: the best
    const volatile int *cancel;
};
/** FAIL_UNAVAILABLE: no device, no such file; FAIL_INPUT: a model of single cells. */
int eval_embedder_new(const struct eval_embedder_params *params, struct eval_embedder **ret,
                      struct fail *fail);
struct eval_embedder *eval_embedder_free(struct eval_embedder *e);
DEFINE_CLEANUP(struct eval_embedder *, eval_embedder_free);
const char *eval_embedder_device(const struct eval_embedder *e); ///< borrowed
/** Give a row to every picture of the split, with `train` of the train split too, and to every
 * text, with `all` to those that no picture of the split has too. Pictures with the same SHA-256
 * and equal texts share a row, also between sets. FAIL_OPEN, FAIL_INPUT, FAIL_INTERRUPTED. */
int eval_embed_set(struct eval_embedder *e, struct eval_set *set, bool train, bool all,
                   struct fail *fail);
const struct eval_table *eval_embedder_pictures(const struct eval_embedder *e); ///< borrowed
const struct eval_table *eval_embedder_texts(const struct eval_embedder *e);    ///< borrowed

/* ---- pairs.c ---- */

/** Embeddings of pictures and of texts, in files as eval_rows_load() reads them, as a set of pairs
 * all of whose pictures ask. FAIL_OPEN, FAIL_INPUT, -ENOMEM; what was filled is the caller's to
 * free. */
int eval_pairs_load(const char *const paths[2], struct eval_set *set, struct eval_table *pictures,
                    struct eval_table *texts, struct fail *fail);

/* ---- order.c ---- */

struct eval_rows_of { ///< a choice of rows of a table
    const struct eval_table *table;
    const size_t *row; ///< borrowed
    size_t n;
};
/** Called for each query, from several threads: its dot products with all rows of the gallery. */
typedef int (*eval_order_fn)(void *ctx, size_t query, const double *dot);
/** -ENOMEM, or what `fn` returned below 0. */
int eval_order(const struct eval_rows_of *queries, const struct eval_rows_of *gallery,
               eval_order_fn fn, void *ctx, const volatile int *cancel, struct fail *fail);

struct eval_neighbour {
    double dot;
    size_t at; ///< of the gallery
};
/** The k largest, largest first, of equal ones the one that stands first; those for which `skip`
 * (NULL: none) is true are left out. @return how many */
size_t eval_nearest(const double *dot, size_t n, const bool *skip, size_t k,
                    struct eval_neighbour *ret);

/* ---- figures.c ---- */

#define EVAL_MAX_KS 32
#define EVAL_MAX_K 256

struct eval_ks { ///< ascending
    unsigned k[EVAL_MAX_KS];
    size_t n;
};

struct eval_ranked { ///< queries of one direction
    size_t n, within_1, within_5, within_10;
    size_t within[EVAL_MAX_KS]; ///< of the k that were asked for
    double median;              ///< of the ranks, from 1; NaN of no query
};

enum eval_bank { EVAL_BANK_PICTURES, EVAL_BANK_BOTH, EVAL_N_BANKS };
enum eval_vote { EVAL_VOTE_MAJORITY, EVAL_VOTE_SIMILARITY, EVAL_N_VOTES };

struct eval_group {   ///< all queries, those of a type, of texts seen or unseen in training
    const char *name; ///< borrowed from the set
    size_t n_texts;
    struct eval_ranked image_to_text, text_to_image;
    size_t knn[EVAL_N_BANKS][EVAL_N_VOTES][EVAL_MAX_KS]; ///< right ones of image_to_text.n
};

struct eval_figures_of_set {
    struct eval_group *groups; ///< owned: all, the types, seen, unseen
    size_t n_groups, n_types;
    size_t n_gallery;    ///< texts
    size_t n_bank;       ///< pictures of the train split, 0: no vote was taken
    double clip_score;   ///< mean of 100 cos of a picture and its text
    double clipscore_25; ///< mean of 2.5 max(cos, 0)
};
void eval_figures_of_set_done(struct eval_figures_of_set *f);

struct eval_find_params {
    struct eval_ks ks;
    bool knn;   ///< vote among the pictures of the train split
    bool all;   ///< the gallery has all texts of the set
    bool pairs; ///< there are no types, nothing seen or unseen
    FILE *list; ///< NULL, or a line for each picture of the split
    const volatile int *cancel;
};
int eval_find(const struct eval_set *set, const struct eval_table *pictures,
              const struct eval_table *texts, const struct eval_find_params *params,
              struct eval_figures_of_set *ret, struct fail *fail);

/* ---- batch.c ---- */

#define EVAL_MAX_BATCH 4096
struct eval_batches {
    size_t size, n;                      ///< pairs of a batch; of all whole batches
    size_t image_to_text, text_to_image; ///< right ones
};
/** The pairs of the split in a random order that is always the same, cut into batches of `size`;
 * what is left over is left out. -ENOMEM. */
int eval_in_batches(const struct eval_set *set, const struct eval_table *pictures,
                    const struct eval_table *texts, size_t size, struct eval_batches *ret);

/* ---- save.c ---- */

/** DIR/SET-pictures.npy with -pictures.tsv (id, type, text, "asks", "train", or "-"), and
 * DIR/SET-texts.npy with -texts.tsv: a row each. FAIL_CREATE, FAIL_IO, -ENOMEM. */
int eval_save(const struct eval_set *set, const struct eval_table *pictures,
              const struct eval_table *texts, const char *dir, struct fail *fail);

/* ---- report.c ---- */

struct eval_retrieval_report {
    const struct eval_set *set;
    const struct eval_figures_of_set *figures;
    const struct eval_batches *batches; ///< size 0: not asked for
    const struct eval_ks *ks;
    const char *split, *gallery; ///< NULL: pairs were given
    const char *model, *device;  ///< NULL likewise
    double seconds;
};
void eval_retrieval_json(FILE *f, const struct eval_retrieval_report *r);
void eval_retrieval_text(FILE *f, const struct eval_retrieval_report *r);
/** Long form, a line a figure; with its heading when `first`. */
void eval_retrieval_csv(FILE *f, const struct eval_retrieval_report *r, bool first);
