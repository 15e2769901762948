/* SPDX-License-Identifier: Apache-2.0
 *
 * The queue of pictures that a person goes through, and what the page may ask for.
 */
#pragma once

#include "tools/dataset/review/decisions.h"
#include "tools/dataset/review/http.h"

struct session {
    struct review *review;   ///< borrowed
    struct journal *journal; ///< owned: session_done(); NULL after it could not be written
    char *reviewer;          ///< borrowed
    size_t *queue;           ///< owned: items
    size_t n_queue;
};

/** Open the journal and line up what is to be looked at: the pictures whose verdict is in
 * `verdicts` (bit v: review_verdict_name()), those that are decided only with `again`. */
int session_open(struct session *session, struct review *review, unsigned verdicts, bool again,
                 struct fail *fail);
void session_done(struct session *session);

/** The http_handler; ctx is the session. */
void session_answer(void *ctx, const struct http_request *request, struct http_answer *answer);
