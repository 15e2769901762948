/* SPDX-License-Identifier: Apache-2.0
 *
 * Nearest text of a bank by p = a . b (the paper's equation; embeddings of length 1). Thread: as
 * nn.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/fail.h"
#include "nn/nn.h"

struct knn;

/** A bank of m embeddings [m][E], copied to the device. */
int knn_new(struct nn *nn, const float *bank, size_t m, unsigned e, struct knn **ret,
            struct fail *fail);
struct knn *knn_free(struct knn *knn);
DEFINE_CLEANUP(struct knn *, knn_free);

/** The k (1 .. 16, <= m) best of the bank for each of n queries [n][E], best first. */
int knn_query(struct knn *knn, const float *queries, size_t n, unsigned k,
              uint32_t *index /* [n][k] */, float *p /* [n][k] */, const volatile int *cancel,
              struct fail *fail);
