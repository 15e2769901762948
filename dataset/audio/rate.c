/* SPDX-License-Identifier: Apache-2.0 */

#include "audio/rate.h"

#include <errno.h>
#include <math.h>
#include <samplerate.h>
#include <stdlib.h>

struct audio_rate {
    SRC_STATE *src; ///< NULL: as it is
    double ratio;
    float *out; ///< [room]
    size_t room;
};

int audio_rate_new(unsigned from_hz, unsigned to_hz, struct audio_rate **ret)
{
    CLEANUP(audio_rate_freep) struct audio_rate *a = calloc(1, sizeof(*a));
    int error = 0;

    if (from_hz < 1000 || from_hz > 384000 || to_hz < 1000 || to_hz > 384000)
        return -EINVAL;
    if (!a)
        return -ENOMEM;
    a->ratio = (double) to_hz / from_hz;
    if (from_hz != to_hz && !(a->src = src_new(SRC_SINC_MEDIUM_QUALITY, 1, &error)))
        return -ENOMEM;
    *ret = TAKE_PTR(a);
    return 0;
}

struct audio_rate *audio_rate_free(struct audio_rate *a)
{
    if (!a)
        return NULL;
    if (a->src)
        src_delete(a->src);
    free(a->out);
    free(a);
    return NULL;
}

static int make_room(struct audio_rate *a, size_t n)
{
    if (n <= a->room)
        return 0;
    float *more = realloc(a->out, n * sizeof(*more));
    if (!more)
        return -ENOMEM;
    a->out = more;
    a->room = n;
    return 0;
}

int audio_rate_push(struct audio_rate *a, const float *samples, size_t n, bool last,
                    const float **ret, size_t *ret_n)
{
    static const float none = 0;
    size_t at = 0, n_out = 0;

    if (!a->src) {
        *ret = samples;
        *ret_n = n;
        return 0;
    }
    for (;;) {
        if (make_room(a, n_out + (size_t) ceil((double) (n - at) * a->ratio) + 1024) < 0)
            return -ENOMEM;
        SRC_DATA data = {.data_in = n ? samples + at : &none,
                         .data_out = a->out + n_out,
                         .input_frames = (long) (n - at),
                         .output_frames = (long) (a->room - n_out),
                         .end_of_input = last,
                         .src_ratio = a->ratio};
        if (src_process(a->src, &data) != 0)
            return -EINVAL;
        at += (size_t) data.input_frames_used;
        n_out += (size_t) data.output_frames_gen;
        if (data.output_frames_gen == 0 || (at == n && n_out < a->room))
            break;
    }
    *ret = a->out;
    *ret_n = n_out;
    return 0;
}
