/* SPDX-License-Identifier: Apache-2.0 */

#include "tools/ctl/scan/scan.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/tr.h"

enum {
    TICK_MS = 100,
    GRACE_S = 10,              ///< from the cancelling to the end of our patience
    CANCEL_USEC = 1000 * 1000, ///< a scan that the user stopped ends by itself until then
};

struct scan_guard {
    const struct scanner *s; ///< borrowed
    bool cancels;
    pthread_t thread;
    pthread_mutex_t lock; ///< over what follows
    pthread_cond_t changed;
    bool ended, fired, cancelled;
    uint64_t touched_usec;
};

static void wait_tick(struct scan_guard *g)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += TICK_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_cond_timedwait(&g->changed, &g->lock, &until);
}

/* The driver holds our thread and will not let go: nothing can be tidied up. */
static void give_up(const struct scanner *s)
{
    ctl_progress_clear();
    fprintf(stderr, "braillectl: ");
    fprintf(stderr, tr(scan_words[SCAN_SILENT].text), *s->title ? s->title : s->name);
    fprintf(stderr, "\n");
    if (s->last_words)
        s->last_words(s->userdata);
    _exit(FAIL_IO);
}

static void cancel(struct scan_guard *g)
{
    g->cancelled = true;
    if (!g->cancels)
        return;
    pthread_mutex_unlock(&g->lock);
    g->s->api->cancel(g->s->handle);
    pthread_mutex_lock(&g->lock);
}

static void *run(void *userdata)
{
    struct scan_guard *g = userdata;
    const uint64_t limit_usec = (uint64_t) g->s->timeout_s * 1000000;
    uint64_t stop_usec = 0;

    pthread_mutex_lock(&g->lock);
    while (!g->ended) {
        wait_tick(g);
        const uint64_t now = ctl_now_usec();
        const bool silent = now - g->touched_usec > limit_usec;
        if (ctl_cancelled && stop_usec == 0)
            stop_usec = now;
        if (g->ended)
            break;
        if (!g->cancelled && (silent || (stop_usec && now - stop_usec > CANCEL_USEC))) {
            g->fired = silent;
            stop_usec = now;
            cancel(g);
        } else if (g->cancelled && now - stop_usec > (uint64_t) GRACE_S * 1000000) {
            pthread_mutex_unlock(&g->lock);
            give_up(g->s);
        }
    }
    pthread_mutex_unlock(&g->lock);
    return NULL;
}

int scan_guard_new(const struct scanner *s, bool cancels, struct scan_guard **ret)
{
    struct scan_guard *g = calloc(1, sizeof(*g));
    sigset_t all, old;

    if (!g)
        return -ENOMEM;
    g->s = s;
    g->cancels = cancels;
    g->touched_usec = ctl_now_usec();
    pthread_mutex_init(&g->lock, NULL);
    pthread_cond_init(&g->changed, NULL);
    sigfillset(&all); /* signals are the scanning thread's, whose waiting they end */
    pthread_sigmask(SIG_BLOCK, &all, &old);
    int r = -pthread_create(&g->thread, NULL, run, g);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (r < 0) {
        pthread_cond_destroy(&g->changed);
        pthread_mutex_destroy(&g->lock);
        free(g);
        return r;
    }
    *ret = g;
    return 0;
}

void scan_guard_touch(struct scan_guard *g)
{
    pthread_mutex_lock(&g->lock);
    g->touched_usec = ctl_now_usec();
    pthread_mutex_unlock(&g->lock);
}

bool scan_guard_fired(struct scan_guard *g)
{
    pthread_mutex_lock(&g->lock);
    const bool fired = g->fired;
    pthread_mutex_unlock(&g->lock);
    return fired;
}

struct scan_guard *scan_guard_free(struct scan_guard *g)
{
    if (!g)
        return NULL;
    pthread_mutex_lock(&g->lock);
    g->ended = true;
    pthread_cond_broadcast(&g->changed);
    pthread_mutex_unlock(&g->lock);
    pthread_join(g->thread, NULL);
    pthread_cond_destroy(&g->changed);
    pthread_mutex_destroy(&g->lock);
    free(g);
    return NULL;
}
