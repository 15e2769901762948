/* SPDX-License-Identifier: Apache-2.0
 *
 * Earcons: two sines of 60 to 120 ms with soft edges. What goes up is good, what goes down ends,
 * low and twice is an error.
 */

#include "tools/ctl/scan/session.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>

enum { SCANNING_MS = 1500, QUEUE = 8 };
#define EDGE_S 0.008
#define LEVEL 0.25

struct tones {
    double volume;
    pthread_t thread;
    pthread_mutex_t lock; ///< over what follows
    pthread_cond_t changed;
    enum tone queue[QUEUE];
    size_t n;
    bool scanning, ended;
};

/* Two sounds one after the other; 0 Hz is a pause. */
static const struct {
    struct {
        double hz, s;
    } part[3];
    double level;
} shapes[TONE_N] = {
    [TONE_PRESS] = {{{880, 0.06}, {1320, 0.06}}, 1},
    [TONE_SCANNING] = {{{440, 0.04}}, 0.4},
    [TONE_SCANNED] = {{{1320, 0.06}, {1760, 0.08}}, 0.8},
    [TONE_DONE] = {{{1320, 0.08}, {880, 0.12}}, 0.8},
    [TONE_STOPPED] = {{{660, 0.06}, {440, 0.08}}, 0.8},
    [TONE_ERROR] = {{{220, 0.12}, {0, 0.06}, {220, 0.12}}, 1},
    [TONE_READY] = {{{660, 0.06}, {880, 0.06}, {1320, 0.08}}, 0.8},
};

int tone_make(enum tone tone, double volume, float **ret, size_t *ret_n)
{
    size_t n = 0, at = 0;

    for (size_t i = 0; i < 3; i++)
        n += (size_t) lrint(shapes[tone].part[i].s * ENGINE_RATE_HZ);
    float *samples = calloc(n, sizeof(*samples));
    if (!samples)
        return -ENOMEM;
    for (size_t i = 0; i < 3; i++) {
        const double hz = shapes[tone].part[i].hz, s = shapes[tone].part[i].s;
        const size_t m = (size_t) lrint(s * ENGINE_RATE_HZ);
        for (size_t k = 0; k < m; k++, at++) {
            const double t = (double) k / ENGINE_RATE_HZ;
            const double edge = MIN(1, MIN(t, s - t) / EDGE_S);
            samples[at] = (float) (LEVEL * volume * shapes[tone].level *
                                   (0.5 - 0.5 * cos(M_PI * edge)) * sin(2 * M_PI * hz * t));
        }
    }
    *ret = samples;
    *ret_n = n;
    return 0;
}

static void play(const struct tones *t, enum tone tone)
{
    CLEANUP(audio_player_freep) struct audio_player *player = NULL;
    CLEANUP_FREE float *samples = NULL;
    struct fail none = {0};
    size_t n = 0;

    if (tone_make(tone, t->volume, &samples, &n) < 0 ||
        audio_player_new(ENGINE_RATE_HZ, NULL, &player, &none) < 0)
        return;
    if (audio_player_write(player, samples, n, &none) == 0)
        audio_player_drain(player, &none);
}

/* Under the lock. The next tone; false: it is time to end. */
static bool next(struct tones *t, enum tone *ret)
{
    struct timespec until;

    while (t->n == 0 && !t->ended) {
        if (!t->scanning) {
            pthread_cond_wait(&t->changed, &t->lock);
            continue;
        }
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += SCANNING_MS % 1000 * 1000000L;
        until.tv_sec += SCANNING_MS / 1000 + until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        if (pthread_cond_timedwait(&t->changed, &t->lock, &until) == ETIMEDOUT && t->scanning &&
            t->n == 0)
            t->queue[t->n++] = TONE_SCANNING;
    }
    if (t->n == 0)
        return false;
    *ret = t->queue[0];
    memmove(t->queue, t->queue + 1, --t->n * sizeof(*t->queue));
    return true;
}

static void *run(void *userdata)
{
    struct tones *t = userdata;
    enum tone tone;

    pthread_mutex_lock(&t->lock);
    while (next(t, &tone)) {
        pthread_mutex_unlock(&t->lock);
        play(t, tone);
        pthread_mutex_lock(&t->lock);
    }
    pthread_mutex_unlock(&t->lock);
    return NULL;
}

int tones_new(double volume, struct tones **ret)
{
    struct tones *t = calloc(1, sizeof(*t));
    sigset_t all, old;

    if (!t)
        return -ENOMEM;
    t->volume = volume;
    pthread_mutex_init(&t->lock, NULL);
    pthread_cond_init(&t->changed, NULL);
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &old);
    int r = -pthread_create(&t->thread, NULL, run, t);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (r < 0) {
        pthread_cond_destroy(&t->changed);
        pthread_mutex_destroy(&t->lock);
        free(t);
        return r;
    }
    *ret = t;
    return 0;
}

void tones_play(struct tones *t, enum tone tone)
{
    if (!t)
        return;
    pthread_mutex_lock(&t->lock);
    if (t->n < QUEUE)
        t->queue[t->n++] = tone;
    pthread_cond_broadcast(&t->changed);
    pthread_mutex_unlock(&t->lock);
}

void tones_scanning(struct tones *t, bool on)
{
    if (!t)
        return;
    pthread_mutex_lock(&t->lock);
    t->scanning = on;
    pthread_cond_broadcast(&t->changed);
    pthread_mutex_unlock(&t->lock);
}

struct tones *tones_free(struct tones *t)
{
    if (!t)
        return NULL;
    pthread_mutex_lock(&t->lock);
    t->ended = true;
    t->scanning = false;
    pthread_cond_broadcast(&t->changed);
    pthread_mutex_unlock(&t->lock);
    pthread_join(t->thread, NULL);
    pthread_cond_destroy(&t->changed);
    pthread_mutex_destroy(&t->lock);
    free(t);
    return NULL;
}
