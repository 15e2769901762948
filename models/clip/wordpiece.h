/* SPDX-License-Identifier: Apache-2.0
 *
 * BERT's tokeniser as Chinese-CLIP was trained with it (Devlin et al. 2018, google-research/bert
 * tokenization.py, do_lower_case): control characters dropped, ideographs by themselves, lower
 * case, NFD without its non-spacing marks, punctuation by itself, then the longest pieces of a
 * vocabulary from left to right. Immutable once made, so any thread may use it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct clip_wordpiece;

/** `pieces` [n] are borrowed and outlive it; a piece's id is its place. -EBADMSG: one is twice in
 * it, or [PAD], [UNK], [CLS] or [SEP] is missing, and *ret_why (static) says so. -ENOMEM. */
int clip_wordpiece_new(const char *const *pieces, size_t n, struct clip_wordpiece **ret,
                       const char **ret_why);
struct clip_wordpiece *clip_wordpiece_free(struct clip_wordpiece *w);

/** [CLS], the ids of a text, [SEP]: at most `room` (>= 2) of them, so that a longer text loses its
 * end. Curved quotation marks that the vocabulary lacks are taken for straight ones, as in the
 * training's data. Returns how many; -EILSEQ: the text is not UTF-8; -ENOMEM. */
int clip_wordpiece_ids(const struct clip_wordpiece *w, const char *text, uint32_t *ids,
                       unsigned room);
/** The id that fills rows up. */
uint32_t clip_wordpiece_pad(const struct clip_wordpiece *w);
