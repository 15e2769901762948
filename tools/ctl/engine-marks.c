/* SPDX-License-Identifier: Apache-2.0 */

#include "tools/ctl/engine-marks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int marks_add(struct marks *m, const char *name, uint64_t start_us)
{
    if (m->n == m->room) {
        const size_t room = MAX(2 * m->room, (size_t) 16);
        struct marks_one *more = reallocarray(m->list, room, sizeof(*more));
        if (!more)
            return -ENOMEM;
        m->list = more;
        m->room = room;
    }
    struct marks_one *one = &m->list[m->n];
    one->name = name ? strdup(name) : NULL;
    if (name && !one->name)
        return -ENOMEM;
    /* microseconds were rounded down from samples of 62.5; nothing lasts as long as 2^48 */
    one->at = (MIN(start_us, UINT64_C(1) << 48) * (ENGINE_RATE_HZ / 1000) + 500) / 1000;
    m->n++;
    return 0;
}

static int give_next(struct marks *m, struct fail *fail)
{
    CLEANUP_FREE char *name = TAKE_PTR(m->list[m->n_given].name);

    m->n_given++;
    return m->mark(m->userdata, name, fail);
}

int marks_sound(struct marks *m, const float *samples, size_t n, struct fail *fail)
{
    int r = 0;

    while (r >= 0 && n > 0) {
        const struct marks_one *next = m->n_given < m->n ? &m->list[m->n_given] : NULL;
        if (next && next->at <= m->n_samples) {
            r = give_next(m, fail);
            continue;
        }
        const size_t part = next ? MIN(n, (size_t) (next->at - m->n_samples)) : n;
        m->n_samples += part;
        r = m->sound(m->userdata, samples, part, fail);
        samples += part;
        n -= part;
    }
    return r;
}

int marks_end(struct marks *m, struct fail *fail)
{
    int r = 0;

    while (r >= 0 && m->n_given < m->n)
        r = give_next(m, fail);
    return r;
}

void marks_done(struct marks *m)
{
    for (size_t i = m->n_given; i < m->n; i++)
        free(m->list[i].name);
    free(m->list);
}
