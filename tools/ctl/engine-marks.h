/* SPDX-License-Identifier: Apache-2.0
 *
 * Marks come through the bus and sound through a pipe: here each mark waits for its place in the
 * sound.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "tools/ctl/engine.h"

struct marks {
    engine_sound_fn sound;
    engine_mark_fn mark; ///< NULL: sound only
    void *userdata;
    uint64_t n_samples; ///< that were given on
    struct marks_one {
        char *name;  ///< owned; NULL: a sentence begins
        uint64_t at; ///< samples before it
    } * list;        ///< owned, as they came
    size_t n, n_given, room;
};

/** `name` NULL: a sentence. Once its place has passed it is given before the next sound. -ENOMEM.
 */
int marks_add(struct marks *m, const char *name, uint64_t start_us);
/** Give sound on, and between its samples the marks that stand there. What the functions return. */
int marks_sound(struct marks *m, const float *samples, size_t n, struct fail *fail);
/** There is no more sound: the marks that are left. */
int marks_end(struct marks *m, struct fail *fail);
void marks_done(struct marks *m);
