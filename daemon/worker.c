/* SPDX-License-Identifier: Apache-2.0 */

#include "worker.h"

#include "caller.h"
#include "job.h"

#include <errno.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

struct worker {
    struct worker_params params;
    int fd;                    ///< eventfd
    struct pipeline *pipeline; ///< of who has the turn

    pthread_mutex_t lock; ///< over what follows
    pthread_cond_t wake;
    pthread_t hands[WORKER_MAX_JOBS];
    unsigned n_hands, n_idle;
    struct job *todo, *done; ///< oldest first
    struct job *waiting;     ///< for the turn, oldest first
    struct job *turn;        ///< who has it, or NULL
    struct job *busy[WORKER_MAX_JOBS];
    unsigned n_begun;    ///< jobs that had a turn and are not through
    uint64_t floor_usec; ///< the least that a caller with work has used
    struct vkc_device_info device;
    bool has_device, quit, reload;
};

static uint64_t now_usec(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t) ts.tv_sec * 1000000 + (uint64_t) ts.tv_nsec / 1000;
}

static void append(struct job **list, struct job *job)
{
    while (*list)
        list = &(*list)->next_work;
    job->next_work = NULL;
    *list = job;
}

static void take_out(struct job **list, const struct job *job)
{
    for (; *list; list = &(*list)->next_work)
        if (*list == job) {
            *list = job->next_work;
            break;
        }
}

void worker_wake_loop(struct worker *w)
{
    const uint64_t one = 1;
    ssize_t n = write(w->fd, &one, sizeof(one));
    (void) n; /* only fails when the counter is full, which wakes the loop as well */
}

/* ---- turns ---- */

static bool may_have_turn(const struct job *job)
{
    return !job->paused && !job->cancel;
}

/* Whose turn is next: what has begun, where a reload waits for it; else the caller who has had
 * least. */
static const struct job *choose(const struct worker *w)
{
    const struct job *best = NULL;

    for (const struct job *job = w->waiting; job; job = job->next_work) {
        if (!may_have_turn(job))
            continue;
        const bool first = w->reload && job->begun && !(best && best->begun);
        const bool last = w->reload && best && best->begun && !job->begun;
        if (!best || first || (!last && job->caller->used_usec < best->caller->used_usec))
            best = job;
    }
    return best;
}

static void leave_turn(struct worker *w, struct job *job)
{
    if (w->turn != job)
        return;
    job->caller->used_usec += now_usec() - job->turn_usec;
    w->turn = NULL;
    pthread_cond_broadcast(&w->wake);
}

static int wait_for_turn(struct worker *w, struct job *job)
{
    append(&w->waiting, job);
    while (!job->cancel && !w->quit && (w->turn || choose(w) != job))
        pthread_cond_wait(&w->wake, &w->lock);
    take_out(&w->waiting, job);
    if (job->cancel || w->quit) {
        pthread_cond_broadcast(&w->wake); /* another one may be the next now */
        return -ECANCELED;
    }
    /* who was away gets no more for it than who was here */
    job->caller->used_usec = MAX(job->caller->used_usec, w->floor_usec);
    w->floor_usec = job->caller->used_usec;
    w->turn = job;
    job->turn_usec = now_usec();
    w->n_begun += !job->begun;
    job->begun = true;
    return 0;
}

int worker_take_turn(struct worker *w, struct job *job)
{
    pthread_mutex_lock(&w->lock);
    int r = wait_for_turn(w, job);
    pthread_mutex_unlock(&w->lock);
    return r;
}

int worker_pass_turn(struct worker *w, struct job *job)
{
    pthread_mutex_lock(&w->lock);
    leave_turn(w, job);
    int r = wait_for_turn(w, job);
    pthread_mutex_unlock(&w->lock);
    return r;
}

int worker_pipeline(struct worker *w, struct pipeline **ret, struct fail *fail)
{
    const struct pipeline_params params = {
        .device = w->params.device, .models = w->params.models, .validation = w->params.validation};
    int r = 0;

    pthread_mutex_lock(&w->lock);
    const bool reload = w->reload && w->n_begun == 1; /* the one that asks */
    w->reload = w->reload && !reload;
    pthread_mutex_unlock(&w->lock);
    if (reload && w->pipeline)
        pipeline_close(w->pipeline);
    if (!w->pipeline)
        r = pipeline_new(&params, &w->pipeline, fail);
    if (r < 0)
        return r;
    pthread_mutex_lock(&w->lock);
    w->device = *pipeline_device(w->pipeline);
    w->has_device = true;
    pthread_mutex_unlock(&w->lock);
    *ret = w->pipeline;
    return 0;
}

int worker_charge(struct worker *w, struct job *job, uint64_t bytes, uint64_t pixels,
                  struct fail *fail)
{
    struct caller *c = job->caller;

    pthread_mutex_lock(&w->lock);
    const bool fits = c->bytes + bytes <= (uint64_t) CALLER_MAX_MIB << 20 &&
                      c->pixels + pixels <= (uint64_t) CALLER_MAX_MEGAPIXELS * 1000000;
    if (fits) {
        c->bytes += bytes;
        c->pixels += pixels;
        job->bytes += bytes;
        job->pixels += pixels;
    }
    pthread_mutex_unlock(&w->lock);
    if (fits)
        return 0;
    return fail_set(fail, FAIL_UNAVAILABLE, -EBUSY,
                    "your pictures together are larger than %d MiB or %d megapixels; wait for one "
                    "of them",
                    CALLER_MAX_MIB, CALLER_MAX_MEGAPIXELS);
}

void worker_post(struct worker *w, struct job *job, struct job_event *event)
{
    struct job_event **p = &job->events;

    pthread_mutex_lock(&w->lock);
    while (*p)
        p = &(*p)->next;
    *p = event;
    pthread_mutex_unlock(&w->lock);
    worker_wake_loop(w);
}

/* ---- threads ---- */

static struct job *next_job(struct worker *w, unsigned hand)
{
    pthread_mutex_lock(&w->lock);
    w->n_idle++;
    while (!w->todo && !w->quit)
        pthread_cond_wait(&w->wake, &w->lock);
    w->n_idle--;
    struct job *job = w->quit ? NULL : w->todo;
    if (job)
        w->todo = job->next_work;
    w->busy[hand] = job;
    pthread_mutex_unlock(&w->lock);
    return job;
}

static void end_job(struct worker *w, struct job *job, unsigned hand)
{
    pthread_mutex_lock(&w->lock);
    leave_turn(w, job);
    job->caller->bytes -= job->bytes;
    job->caller->pixels -= job->pixels;
    w->n_begun -= job->begun;
    w->busy[hand] = NULL;
    append(&w->done, job);
    pthread_mutex_unlock(&w->lock);
    worker_wake_loop(w);
}

struct hand {
    struct worker *w;
    unsigned index;
};

static void *run(void *userdata)
{
    struct hand *h = userdata;
    struct worker *w = h->w;
    const unsigned index = h->index;

    free(h);
    for (struct job *job; (job = next_job(w, index));) {
        int r = work_do(w, job);
        if (job->cancel && r < 0) {
            job->result.fail = (struct fail){0};
            r = fail_set(&job->result.fail, FAIL_INTERRUPTED, -ECANCELED, "the work was cancelled");
        }
        job->result.r = r;
        end_job(w, job, index);
    }
    return NULL;
}

/* One more, unless one is idle. */
static int need_hand(struct worker *w)
{
    unsigned n_todo = 0;

    for (const struct job *job = w->todo; job; job = job->next_work)
        n_todo++;
    if (w->n_idle >= n_todo || w->n_hands == WORKER_MAX_JOBS)
        return 0;
    struct hand *h = malloc(sizeof(*h));
    if (!h)
        return -ENOMEM;
    *h = (struct hand){w, w->n_hands};
    int r = -pthread_create(&w->hands[w->n_hands], NULL, run, h);
    if (r < 0)
        free(h);
    else
        w->n_hands++;
    return r;
}

int worker_new(const struct worker_params *params, struct worker **ret)
{
    struct worker *w = calloc(1, sizeof(*w));

    if (!w)
        return -ENOMEM;
    w->params = *params;
    w->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (w->fd < 0) {
        int r = -errno;
        free(w);
        return r;
    }
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->wake, NULL);
    *ret = w;
    return 0;
}

struct worker *worker_free(struct worker *w)
{
    if (!w)
        return NULL;
    pthread_mutex_lock(&w->lock);
    w->quit = true;
    for (unsigned i = 0; i < w->n_hands; i++)
        if (w->busy[i])
            w->busy[i]->cancel = 1;
    pthread_cond_broadcast(&w->wake);
    pthread_mutex_unlock(&w->lock);
    for (unsigned i = 0; i < w->n_hands; i++)
        pthread_join(w->hands[i], NULL);
    pipeline_free(w->pipeline);
    pthread_cond_destroy(&w->wake);
    pthread_mutex_destroy(&w->lock);
    close(w->fd);
    free(w);
    return NULL;
}

/* ---- for the event loop ---- */

int worker_fd(const struct worker *w)
{
    return w->fd;
}

void worker_acknowledge(struct worker *w)
{
    uint64_t count;
    ssize_t n = read(w->fd, &count, sizeof(count));
    (void) n; /* nothing there: nothing to do */
}

int worker_add(struct worker *w, struct job *job)
{
    pthread_mutex_lock(&w->lock);
    append(&w->todo, job);
    int r = need_hand(w);
    if (r < 0 && w->n_hands > 0)
        r = 0; /* one of those that are there will come to it */
    if (r < 0)
        take_out(&w->todo, job);
    pthread_cond_broadcast(&w->wake);
    pthread_mutex_unlock(&w->lock);
    return r;
}

void worker_cancel(struct worker *w, struct job *job)
{
    pthread_mutex_lock(&w->lock);
    job->cancel = 1;
    pthread_cond_broadcast(&w->wake);
    pthread_mutex_unlock(&w->lock);
}

void worker_pause(struct worker *w, struct job *job, bool paused)
{
    pthread_mutex_lock(&w->lock);
    job->paused = paused;
    pthread_cond_broadcast(&w->wake);
    pthread_mutex_unlock(&w->lock);
}

struct job *worker_take_done(struct worker *w)
{
    pthread_mutex_lock(&w->lock);
    struct job *job = w->done;
    if (job)
        w->done = job->next_work;
    pthread_mutex_unlock(&w->lock);
    return job;
}

struct job_event *worker_take_event(struct worker *w, struct job *job)
{
    pthread_mutex_lock(&w->lock);
    struct job_event *e = job->events;
    if (e)
        job->events = e->next;
    pthread_mutex_unlock(&w->lock);
    return e;
}

void worker_reload(struct worker *w)
{
    pthread_mutex_lock(&w->lock);
    w->reload = true;
    pthread_mutex_unlock(&w->lock);
}

bool worker_device(struct worker *w, struct vkc_device_info *ret)
{
    pthread_mutex_lock(&w->lock);
    bool has = w->has_device;
    if (has)
        *ret = w->device;
    pthread_mutex_unlock(&w->lock);
    return has;
}

bool worker_has_begun(struct worker *w, const struct job *job)
{
    pthread_mutex_lock(&w->lock);
    bool begun = job->begun;
    pthread_mutex_unlock(&w->lock);
    return begun;
}
