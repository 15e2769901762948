/* SPDX-License-Identifier: Apache-2.0
 *
 * Work on many items with several threads, given out and taken back in order. The result does not
 * depend on the number of threads, and memory not on the number of items.
 */
#pragma once

#include <stddef.h>

#include "base/fail.h"

struct batch {
    unsigned n_jobs; ///< threads; 0: one a processor
    void *ctx;       ///< borrowed, handed to the three functions
    /** The next item. Called on the caller's thread. @return 1 with *ret_item (owned by the batch's
     * user until taken), 0 at the end, negative: stop */
    int (*next)(void *ctx, void **ret_item, struct fail *fail);
    /** Work on one item; called on any thread, several at once. What fails only for this item goes
     * into the item; a negative return stops the batch. */
    int (*work)(void *ctx, void *item, struct fail *fail);
    /** Take an item back, in the order of next(), on the caller's thread. Called for every item
     * that next() gave, also after a failure (`r` < 0: the item was not worked on or its work
     * failed, only free it). @return 0, or negative: stop */
    int (*take)(void *ctx, void *item, int r, struct fail *fail);
};

/** Run until next() ends. @return 0, or the first failure in order; -ENOMEM, -EAGAIN (no thread).
 */
int batch_run(const struct batch *batch, struct fail *fail);

/** Processors that this process may use; at least 1. */
unsigned batch_n_processors(void);
