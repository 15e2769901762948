/* SPDX-License-Identifier: Apache-2.0
 *
 * The sound of a job on its way out: into the caller's pipe while it is made, or whole into a
 * sealed memfd; and what is told of it: segments and marks. In the job's thread.
 */
#pragma once

#include "job.h"

struct worker;

enum { RAW_RATE_HZ = 16000 }; ///< what the name of the raw format promises

struct sound {
    struct worker *w;
    struct job *job;
    size_t n_told; ///< segments that the owner was told of
};

/** A pipeline_sound_fn; userdata: struct sound. */
int sound_take(void *userdata, const struct pipeline_chunk *chunk, struct fail *fail);
/** All was taken: seal it. */
int sound_end(struct sound *s, struct fail *fail);
