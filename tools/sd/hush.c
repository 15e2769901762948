/* SPDX-License-Identifier: Apache-2.0 */

#include "tools/sd/hush.h"

#include <stdlib.h>
#include <string.h>

#include "base/macro.h"

static bool is_silent(const int16_t *samples, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (abs(samples[i]) > SD_HUSH_PEAK)
            return false;
    return true;
}

int sd_hush_flush(struct sd_hush *h, sd_heard_fn heard, void *userdata)
{
    const size_t n = h->n_held;

    h->n_held = 0;
    return n > 0 ? heard(userdata, h->held, n) : 0;
}

static int hold(struct sd_hush *h, const int16_t *samples, size_t n, sd_heard_fn heard,
                void *userdata)
{
    if (!h->began && h->n_left_out + n <= SD_HUSH_BEFORE) {
        h->n_left_out += n;
        return 0;
    }
    h->began = true;
    if (h->n_held + n > SD_HUSH_AFTER) {
        const int r = sd_hush_flush(h, heard, userdata);
        if (r < 0)
            return r;
    }
    memcpy(h->held + h->n_held, samples, n * sizeof(*samples));
    h->n_held += n;
    return 0;
}

int sd_hush_push(struct sd_hush *h, const int16_t *samples, size_t n, sd_heard_fn heard,
                 void *userdata)
{
    size_t done = 0; /* is held or was heard */

    for (size_t i = 0; i < n;) {
        const size_t step = MIN(n - i, (size_t) SD_HUSH_STEP);
        int r = 0;
        if (is_silent(samples + i, step)) {
            if (i > done)
                r = heard(userdata, samples + done, i - done);
            if (r == 0)
                r = hold(h, samples + i, step, heard, userdata);
            done = i + step;
        } else {
            h->began = true;
            r = sd_hush_flush(h, heard, userdata);
        }
        if (r < 0)
            return r;
        i += step;
    }
    return n > done ? heard(userdata, samples + done, n - done) : 0;
}

int sd_hush_end(struct sd_hush *h, sd_heard_fn heard, void *userdata)
{
    h->n_held = MIN(h->n_held, (size_t) SD_HUSH_KEEP);
    return sd_hush_flush(h, heard, userdata);
}
