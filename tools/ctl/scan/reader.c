/* SPDX-License-Identifier: Apache-2.0
 *
 * The thread that reads and speaks, and the queue of what it is to do.
 */

#include "tools/ctl/scan/reader-work.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { MAX_WAITING_PAGES = 4, TICK_MS = 50, LAST_WORDS_MS = 30 * 1000, STOP = 2 };

static void job_done(struct job *job)
{
    if (job->kind == JOB_PAGE) {
        close(job->fd);
        json_decref(job->about);
    }
}

/* Under the lock. */
static void forget(struct reader *r)
{
    for (size_t i = 0; i < r->n; i++)
        job_done(&r->queue[i]);
    r->n = r->n_pages = r->n_presses = 0;
}

static void until_ms(struct timespec *ret, double ms)
{
    clock_gettime(CLOCK_REALTIME, ret);
    ret->tv_nsec += (long) ((uint64_t) ms % 1000 * 1000000);
    ret->tv_sec += (time_t) ((uint64_t) ms / 1000) + ret->tv_nsec / 1000000000;
    ret->tv_nsec %= 1000000000;
}

/* Under the lock: something to do, or false: it is time to end. While speech is still heard it
 * waits with the card open, so that the next page follows on without a gap. */
static bool next(struct reader *r, struct job *ret)
{
    struct timespec until;

    while (r->n == 0 && !r->ended) {
        r->working = r->player != NULL;
        pthread_cond_broadcast(&r->changed);
        const double rest_ms =
            r->player ? 1000.0 * (double) r->n_samples / ENGINE_RATE_HZ - ctl_ms_since(r->play_usec)
                      : 0;
        if (r->player && (rest_ms <= 0 || ctl_cancelled)) {
            pthread_mutex_unlock(&r->lock);
            reader_play_to_the_end(r);
            pthread_mutex_lock(&r->lock);
        } else if (r->player) {
            until_ms(&until, MIN(rest_ms, TICK_MS));
            pthread_cond_timedwait(&r->changed, &r->lock, &until);
        } else {
            pthread_cond_wait(&r->changed, &r->lock);
        }
    }
    if (r->ended)
        return false;
    *ret = r->queue[0];
    memmove(r->queue, r->queue + 1, --r->n * sizeof(*r->queue));
    r->n_pages -= ret->kind == JOB_PAGE;
    r->working = true;
    pthread_cond_broadcast(&r->changed);
    return true;
}

static void *run(void *userdata)
{
    struct reader *r = userdata;
    struct job job;

    pthread_mutex_lock(&r->lock);
    while (next(r, &job)) {
        pthread_mutex_unlock(&r->lock);
        if (!ctl_cancelled)
            reader_work(r, &job);
        job_done(&job);
        pthread_mutex_lock(&r->lock);
    }
    pthread_mutex_unlock(&r->lock);
    r->player = audio_player_free(r->player);
    return NULL;
}

static void add(struct reader *r, const struct job *job)
{
    pthread_mutex_lock(&r->lock);
    if (r->n < READER_QUEUE) {
        r->queue[r->n++] = *job;
        r->n_pages += job->kind == JOB_PAGE;
        pthread_cond_broadcast(&r->changed);
    } else if (job->kind == JOB_PAGE) {
        close(job->fd);
        json_decref(job->about);
    }
    pthread_mutex_unlock(&r->lock);
}

/* ---- from the scanning thread ---- */

int reader_new(const struct ctl *ctl, const struct reader_options *options, struct reader **ret,
               struct fail *fail)
{
    struct reader *r = calloc(1, sizeof(*r));
    sigset_t all, old;

    if (!r)
        return -ENOMEM;
    r->ctl = *ctl;
    r->options = *options;
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->changed, NULL);
    sigfillset(&all); /* signals end the waiting of the thread that scans */
    pthread_sigmask(SIG_BLOCK, &all, &old);
    int e = -pthread_create(&r->thread, NULL, run, r);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (e < 0) {
        pthread_cond_destroy(&r->changed);
        pthread_mutex_destroy(&r->lock);
        free(r);
        return fail_set(fail, FAIL_OTHER, e, "cannot begin a thread: %m");
    }
    *ret = r;
    return 0;
}

void reader_begin(struct reader *r, uint64_t press_usec)
{
    pthread_mutex_lock(&r->lock);
    r->n_presses++;
    pthread_mutex_unlock(&r->lock);
    add(r, &(struct job){.kind = JOB_BEGIN, .press_usec = press_usec});
}

/* Wait a little, or until something changed. Under the lock. */
static void wait_tick(struct reader *r)
{
    struct timespec until;

    until_ms(&until, TICK_MS);
    pthread_cond_timedwait(&r->changed, &r->lock, &until);
}

static int to_memory(const struct image *img, int *ret_fd, struct fail *fail)
{
    CLEANUP_FREE uint8_t *data = NULL;
    size_t size = 0, done = 0;

    int e = image_encode(img, img->n_chan == 1 ? "page.pgm" : "page.ppm", &data, &size, fail);
    if (e < 0)
        return e;
    int fd = memfd_create("braillectl-page", MFD_CLOEXEC);
    while (fd >= 0 && done < size) {
        const ssize_t n = write(fd, data + done, size - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        done += (size_t) n;
    }
    if (fd < 0 || done < size || lseek(fd, 0, SEEK_SET) < 0) {
        if (fd >= 0)
            close(fd);
        return fail_set(fail, FAIL_OTHER, -ENOMEM, "not enough memory for the page");
    }
    *ret_fd = fd;
    return 0;
}

int reader_page(struct reader *r, struct image *img, unsigned number, json_t *about,
                struct fail *fail)
{
    struct job job = {.kind = JOB_PAGE, .number = number, .dpi = img->dpi, .about = about};

    int e = to_memory(img, &job.fd, fail);
    image_free(img);
    if (e < 0) {
        json_decref(about);
        return e;
    }
    pthread_mutex_lock(&r->lock);
    while (r->n_pages >= MAX_WAITING_PAGES && !ctl_cancelled)
        wait_tick(r);
    pthread_mutex_unlock(&r->lock);
    add(r, &job);
    return ctl_cancelled ? ctl_interrupted(fail) : 0;
}

void reader_end(struct reader *r, unsigned n_pages)
{
    add(r, &(struct job){.kind = JOB_END, .number = n_pages});
}

void reader_say(struct reader *r, enum scan_problem problem)
{
    add(r, &(struct job){.kind = JOB_SAY, .problem = problem});
}

bool reader_is_idle(struct reader *r)
{
    pthread_mutex_lock(&r->lock);
    const bool idle = r->n == 0 && !r->working;
    pthread_mutex_unlock(&r->lock);
    return idle;
}

bool reader_is_reading(struct reader *r)
{
    pthread_mutex_lock(&r->lock);
    const bool reading = r->n_presses > 0;
    pthread_mutex_unlock(&r->lock);
    return reading;
}

static void wait_idle(struct reader *r)
{
    pthread_mutex_lock(&r->lock);
    while (r->n > 0 || r->working) {
        if (ctl_cancelled)
            forget(r);
        wait_tick(r);
    }
    pthread_mutex_unlock(&r->lock);
}

/* Engines and players end when ctl_cancelled is set; a signal that comes meanwhile stays set. */
void reader_stop(struct reader *r)
{
    int none = 0, stop = STOP;

    __atomic_compare_exchange_n(&ctl_cancelled, &none, STOP, false, __ATOMIC_SEQ_CST,
                                __ATOMIC_SEQ_CST);
    wait_idle(r);
    pthread_mutex_lock(&r->lock);
    r->r = 0;
    r->n_presses = 0;
    r->fail = (struct fail){0};
    pthread_mutex_unlock(&r->lock);
    __atomic_compare_exchange_n(&ctl_cancelled, &stop, 0, false, __ATOMIC_SEQ_CST,
                                __ATOMIC_SEQ_CST);
}

void reader_last_words(void *userdata)
{
    struct reader *r = userdata;
    const uint64_t begin_usec = ctl_now_usec();

    if (!r || ctl_cancelled)
        return;
    reader_say(r, SCAN_SILENT);
    while (!reader_is_idle(r) && ctl_ms_since(begin_usec) < LAST_WORDS_MS) {
        const struct timespec t = {.tv_nsec = TICK_MS * 1000000L};
        nanosleep(&t, NULL);
    }
}

int reader_finish(struct reader *r, struct fail *fail)
{
    wait_idle(r);
    if (ctl_cancelled)
        return ctl_interrupted(fail);
    if (r->r < 0) {
        *fail = r->fail;
        return r->r;
    }
    return r->writes ? reader_write_out(r, fail) : 0;
}

struct reader *reader_free(struct reader *r)
{
    if (!r)
        return NULL;
    reader_stop(r);
    pthread_mutex_lock(&r->lock);
    r->ended = true;
    pthread_cond_broadcast(&r->changed);
    pthread_mutex_unlock(&r->lock);
    pthread_join(r->thread, NULL);
    if (r->writes)
        format_done(&r->writer);
    engine_free(r->engine);
    pipeline_free(r->pipeline);
    pthread_cond_destroy(&r->changed);
    pthread_mutex_destroy(&r->lock);
    free(r);
    return NULL;
}
