/* SPDX-License-Identifier: Apache-2.0 */

#include "base/batch.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>

#define MAX_JOBS 256
#define AHEAD 4 ///< items in flight a thread

enum state { FREE, WAITING, AT_WORK, DONE };

struct slot {
    void *item;
    enum state state;
    int r;
    struct fail fail;
};

/* Slot k % n_slots holds item k; items first .. last-1 are in flight. */
struct run {
    const struct batch *batch;
    struct slot *slots;
    size_t n_slots, first, last, next_work;
    bool stop, closed;
    pthread_mutex_t lock;
    pthread_cond_t work, done;
};

static void *worker(void *arg)
{
    struct run *run = arg;

    pthread_mutex_lock(&run->lock);
    for (;;) {
        while (run->next_work == run->last && !run->closed)
            pthread_cond_wait(&run->work, &run->lock);
        if (run->next_work == run->last)
            break;
        struct slot *s = &run->slots[run->next_work++ % run->n_slots];
        const bool skip = run->stop;
        s->state = AT_WORK;
        pthread_mutex_unlock(&run->lock);
        const int r = skip ? -ECANCELED : run->batch->work(run->batch->ctx, s->item, &s->fail);
        pthread_mutex_lock(&run->lock);
        s->r = r;
        s->state = DONE;
        if (r < 0)
            run->stop = true;
        pthread_cond_signal(&run->done);
    }
    pthread_mutex_unlock(&run->lock);
    return NULL;
}

/* Hand the oldest item back; its slot is free then. The lock is held. */
static int take_first(struct run *run, int failed, struct fail *fail)
{
    struct slot *s = &run->slots[run->first % run->n_slots];

    while (s->state != DONE)
        pthread_cond_wait(&run->done, &run->lock);
    struct slot was = *s;
    *s = (struct slot){0};
    run->first++;
    pthread_mutex_unlock(&run->lock);
    /* after a failure the items behind it are only freed, though their work may be done */
    const int state = failed < 0 ? failed : was.r;
    if (failed == 0 && was.r < 0 && fail && fail->kind == FAIL_NONE)
        *fail = was.fail;
    int r = run->batch->take(run->batch->ctx, was.item, state, fail);
    pthread_mutex_lock(&run->lock);
    return failed < 0 ? failed : was.r < 0 ? was.r : r;
}

static int feed(struct run *run, struct fail *fail)
{
    int r = 0;

    for (;;) {
        void *item = NULL;
        pthread_mutex_unlock(&run->lock);
        const int more = run->batch->next(run->batch->ctx, &item, fail);
        pthread_mutex_lock(&run->lock);
        if (more <= 0)
            return more;
        if (run->last - run->first == run->n_slots)
            r = take_first(run, 0, fail);
        run->slots[run->last++ % run->n_slots] = (struct slot){.item = item, .state = WAITING};
        pthread_cond_signal(&run->work);
        if (r < 0)
            return r;
    }
}

static int drive(struct run *run, struct fail *fail)
{
    pthread_mutex_lock(&run->lock);
    int r = feed(run, fail);
    if (r < 0)
        run->stop = true;
    run->closed = true;
    pthread_cond_broadcast(&run->work);
    while (run->first < run->last) {
        r = take_first(run, r, fail);
        if (r < 0)
            run->stop = true;
    }
    pthread_mutex_unlock(&run->lock);
    return r;
}

unsigned batch_n_processors(void)
{
    cpu_set_t set;
    const int n = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
    return n < 1 ? 1 : (unsigned) n;
}

int batch_run(const struct batch *batch, struct fail *fail)
{
    const unsigned wanted = batch->n_jobs ? batch->n_jobs : batch_n_processors();
    const unsigned n_jobs = MIN(wanted, (unsigned) MAX_JOBS);
    pthread_t threads[MAX_JOBS];
    struct run run = {.batch = batch, .n_slots = (size_t) n_jobs * AHEAD};
    unsigned n = 0;
    int r = 0;

    run.slots = calloc(run.n_slots, sizeof(*run.slots));
    if (!run.slots)
        return -ENOMEM;
    pthread_mutex_init(&run.lock, NULL);
    pthread_cond_init(&run.work, NULL);
    pthread_cond_init(&run.done, NULL);
    while (n < n_jobs && (r = -pthread_create(&threads[n], NULL, worker, &run)) == 0)
        n++;
    if (n > 0) /* fewer threads than wanted do the same work */
        r = drive(&run, fail);
    for (unsigned i = 0; i < n; i++)
        pthread_join(threads[i], NULL);
    pthread_cond_destroy(&run.done);
    pthread_cond_destroy(&run.work);
    pthread_mutex_destroy(&run.lock);
    free(run.slots);
    return r;
}
