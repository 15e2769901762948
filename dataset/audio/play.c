/* SPDX-License-Identifier: Apache-2.0 */

#include "audio/play.h"

#include "audio/audio.h"

#include <alsa/asoundlib.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

enum {
    LATENCY_USEC = 200 * 1000, ///< of the card's buffer: what a stop may still let out
    BLOCK_MS = 20,
    TICK_MS = 50, ///< how often a waiting caller looks at `cancel`
};

struct audio_player {
    snd_pcm_t *pcm;
    unsigned rate_hz;
    const volatile int *cancel; ///< borrowed
    pthread_t thread;
    bool has_thread;

    pthread_mutex_t lock; ///< over what follows
    pthread_cond_t changed;
    int16_t *queue; ///< a ring of `room` samples, owned
    size_t room, first, n;
    bool ended, stop; ///< no more will come; end now
    bool drained;     ///< the thread is through
    int error;        ///< negative errno of the card
};

/* ALSA writes to standard error; what is worth telling is in the failure. */
static void be_silent(const char *file, int line, const char *function, int err, const char *format,
                      ...)
{
}

static bool is_cancelled(const struct audio_player *p)
{
    return p->cancel && *p->cancel;
}

/* The next samples, BLOCK_MS at most; 0: there is nothing more to play. Waits for them. */
static size_t take(struct audio_player *p, int16_t *out, size_t most)
{
    size_t n = 0;

    pthread_mutex_lock(&p->lock);
    while (p->n == 0 && !p->ended && !p->stop)
        pthread_cond_wait(&p->changed, &p->lock);
    while (!p->stop && n < most && p->n > 0) {
        out[n++] = p->queue[p->first];
        p->first = (p->first + 1) % p->room;
        p->n--;
    }
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->lock);
    return n;
}

/* A sound that was late is no failure: the card begins again. */
static int put(struct audio_player *p, const int16_t *samples, size_t n)
{
    while (n > 0 && !is_cancelled(p)) {
        snd_pcm_sframes_t done = snd_pcm_writei(p->pcm, samples, n);
        if (done < 0)
            done = snd_pcm_recover(p->pcm, (int) done, 1);
        if (done < 0)
            return (int) done;
        samples += done;
        n -= (size_t) done;
    }
    return 0;
}

static void *run(void *userdata)
{
    struct audio_player *p = userdata;
    int16_t block[48 * BLOCK_MS];
    const size_t most = MIN(ELEMENTSOF(block), (size_t) p->rate_hz * BLOCK_MS / 1000);
    int r = 0;

    for (size_t n; r == 0 && !is_cancelled(p) && (n = take(p, block, most)) > 0;)
        r = put(p, block, n);
    pthread_mutex_lock(&p->lock);
    const bool stop = p->stop || is_cancelled(p);
    pthread_mutex_unlock(&p->lock);
    if (stop)
        snd_pcm_drop(p->pcm);
    else if (r == 0)
        snd_pcm_drain(p->pcm);
    pthread_mutex_lock(&p->lock);
    p->error = r;
    p->drained = true;
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

static int no_card(int r, struct fail *fail)
{
    fail_set(fail, FAIL_UNAVAILABLE, r,
             "no sound can be played here (ALSA's device \"default\": %s); -o OUT.wav writes it to "
             "a file",
             snd_strerror(r));
    return -ENODEV;
}

static int open_card(struct audio_player *p, struct fail *fail)
{
    snd_lib_error_set_handler(be_silent);
    int r = snd_pcm_open(&p->pcm, "default", SND_PCM_STREAM_PLAYBACK, 0);
    if (r < 0) {
        p->pcm = NULL;
        return no_card(r, fail);
    }
    r = snd_pcm_set_params(p->pcm, SND_PCM_FORMAT_S16, SND_PCM_ACCESS_RW_INTERLEAVED, 1, p->rate_hz,
                           1, LATENCY_USEC);
    return r < 0 ? no_card(r, fail) : 0;
}

int audio_player_new(unsigned rate_hz, const volatile int *cancel, struct audio_player **ret,
                     struct fail *fail)
{
    CLEANUP(audio_player_freep) struct audio_player *p = calloc(1, sizeof(*p));

    if (!p)
        return -ENOMEM;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->changed, NULL);
    p->rate_hz = rate_hz;
    p->cancel = cancel;
    p->room = (size_t) AUDIO_PLAYER_QUEUE_S * rate_hz;
    p->queue = malloc(p->room * sizeof(*p->queue));
    if (!p->queue)
        return -ENOMEM;
    int r = open_card(p, fail);
    if (r == 0)
        r = -pthread_create(&p->thread, NULL, run, p);
    if (r < 0)
        return r;
    p->has_thread = true;
    *ret = TAKE_PTR(p);
    return 0;
}

/* Under the lock: wait for the thread, or for the time to look at `cancel`. */
static void wait_tick(struct audio_player *p)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += TICK_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_cond_timedwait(&p->changed, &p->lock, &until);
}

/* Under the lock. */
static int state_of(const struct audio_player *p, struct fail *fail)
{
    if (is_cancelled(p))
        return -ECANCELED;
    if (p->error < 0)
        return fail_set(fail, FAIL_IO, p->error, "the sound card stopped: %s",
                        snd_strerror(p->error));
    return 0;
}

int audio_player_write(struct audio_player *p, const float *samples, size_t n, struct fail *fail)
{
    int r = 0;

    pthread_mutex_lock(&p->lock);
    while (n > 0 && (r = state_of(p, fail)) == 0) {
        if (p->n == p->room) {
            wait_tick(p);
            continue;
        }
        const size_t at = (p->first + p->n) % p->room;
        const size_t m = MIN(MIN(n, p->room - p->n), p->room - at);
        audio_to_s16(samples, m, p->queue + at);
        p->n += m;
        samples += m;
        n -= m;
        pthread_cond_broadcast(&p->changed);
    }
    pthread_mutex_unlock(&p->lock);
    return r;
}

int audio_player_drain(struct audio_player *p, struct fail *fail)
{
    int r;

    pthread_mutex_lock(&p->lock);
    p->ended = true;
    pthread_cond_broadcast(&p->changed);
    while ((r = state_of(p, fail)) == 0 && !p->drained)
        wait_tick(p);
    pthread_mutex_unlock(&p->lock);
    return r;
}

struct audio_player *audio_player_free(struct audio_player *p)
{
    if (!p)
        return NULL;
    if (p->has_thread) {
        pthread_mutex_lock(&p->lock);
        p->stop = true;
        pthread_cond_broadcast(&p->changed);
        pthread_mutex_unlock(&p->lock);
        pthread_join(p->thread, NULL);
    }
    if (p->pcm)
        snd_pcm_close(p->pcm);
    pthread_cond_destroy(&p->changed);
    pthread_mutex_destroy(&p->lock);
    free(p->queue);
    free(p);
    return NULL;
}
