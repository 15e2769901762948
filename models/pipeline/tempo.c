/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <math.h>
#include <string.h>

#include <sonic.h>

#include "pipeline/speech.h"

struct pipeline_tempo {
    sonicStream sonic; ///< NULL: as it is
    float *samples;    ///< [room] what went in, held to -1 .. 1, then what came out
    size_t room;
};

int pipeline_tempo_new(unsigned rate_hz, double speed, struct pipeline_tempo **ret)
{
    CLEANUP(pipeline_tempo_freep) struct pipeline_tempo *t = calloc(1, sizeof(*t));

    if (!t)
        return -ENOMEM;
    if (fabs(speed - 1) > 1e-3) {
        t->sonic = sonicCreateStream((int) rate_hz, 1);
        if (!t->sonic)
            return -ENOMEM;
        sonicSetSpeed(t->sonic, (float) speed);
    }
    *ret = TAKE_PTR(t);
    return 0;
}

struct pipeline_tempo *pipeline_tempo_free(struct pipeline_tempo *t)
{
    if (!t)
        return NULL;
    if (t->sonic)
        sonicDestroyStream(t->sonic);
    free(t->samples);
    free(t);
    return NULL;
}

static int make_room(struct pipeline_tempo *t, size_t n)
{
    if (n <= t->room)
        return 0;
    float *more = realloc(t->samples, n * sizeof(*more));
    if (!more)
        return -ENOMEM;
    t->samples = more;
    t->room = n;
    return 0;
}

int pipeline_tempo_push(struct pipeline_tempo *t, const float *samples, size_t n, bool last,
                        const float **ret, size_t *ret_n)
{
    if (!t->sonic) {
        *ret = samples;
        *ret_n = n;
        return 0;
    }
    if (make_room(t, n) < 0)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) /* it counts in 16 bits, which would wrap */
        t->samples[i] = fminf(fmaxf(samples[i], -1), 1);
    if (n > 0 && !sonicWriteFloatToStream(t->sonic, t->samples, (int) n))
        return -ENOMEM;
    if (last && !sonicFlushStream(t->sonic))
        return -ENOMEM;
    const int there = sonicSamplesAvailable(t->sonic);
    if (there > 0 && make_room(t, (size_t) there) < 0)
        return -ENOMEM;
    *ret_n = there > 0 ? (size_t) sonicReadFloatFromStream(t->sonic, t->samples, there) : 0;
    *ret = t->samples;
    return 0;
}
