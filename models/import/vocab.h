/* SPDX-License-Identifier: Apache-2.0
 *
 * The vocabulary of BERT (google-research/bert, vocab.txt): a piece a line, its number is the
 * line's from 0. Not public.
 */
#pragma once

#include "import/map.h"

/** Read `options->vocab`, else vocab.txt or tokenizer.json beside the checkpoint, which must have
 * `n` pieces and among them those BERT needs, into the configuration "vocab". A failure stays in
 * p->r. */
void import_vocab(struct import_plan *p, const struct import_options *options, size_t n);
