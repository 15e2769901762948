/* SPDX-License-Identifier: Apache-2.0 */

#include "tools/sd/speaker.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "audio/audio.h"
#include "tools/sd/hush.h"
#include "tools/sd/text.h"

#define WARM_TEXT "你好，世界。" /* whatever it says makes the device's programs ready */
#define BEEP_HZ 1000.0
#define BEEP_SAMPLES 960 /* 60 ms */
#define BEEP_PEAK 3000

enum state { IDLE, WAITING, SPEAKING, ENDING };

struct sd_speaker {
    const struct sd_config *config;
    struct sd_out *out;
    struct ctl ctl;
    struct engine *engine; ///< NULL: lost; of the thread
    struct engine_voice *voices;
    size_t n_voices;
    char device[256];
    bool daemon, verbose;

    pthread_t thread;
    pthread_mutex_t lock; ///< over all below
    pthread_cond_t changed;
    enum state state;
    bool stop, pause, quit;
    struct sd_message message; ///< while WAITING
};

/* A message that is under way. */
struct talk {
    struct sd_speaker *s;
    const struct sd_message *m;
    struct sd_hush hush;
    size_t n_heard, n_skip; ///< samples: of the engine's, and those of them that are out already
    size_t n_marks, n_skip_marks;
    size_t n_server_marks; ///< that are left
    bool paused;
    uint64_t start_usec;
    double first_ms; ///< until the first sound left; < 0: none did
};

static int open_engine(struct sd_speaker *s, struct fail *fail)
{
    s->ctl.start_usec = ctl_now_usec();
    return engine_new(&s->ctl, &s->engine, fail);
}

/* ---- what the engine calls ---- */

static int write_sound(void *userdata, const int16_t *samples, size_t n)
{
    struct talk *t = userdata;

    for (size_t i = 0; i < n; i += SD_BLOCK_SAMPLES) {
        if (ctl_cancelled)
            return -ECANCELED;
        const int r = sd_out_audio(t->s->out, samples + i, MIN(n - i, (size_t) SD_BLOCK_SAMPLES),
                                   ENGINE_RATE_HZ);
        if (r < 0)
            return r;
        if (t->first_ms < 0)
            t->first_ms = ctl_ms_since(t->start_usec);
    }
    return 0;
}

static int on_sound(void *userdata, const float *samples, size_t n, struct fail *fail)
{
    struct talk *t = userdata;
    int16_t pcm[4096];
    int r = 0;

    for (size_t i = 0; i < n && r == 0;) {
        const size_t part = MIN(n - i, ELEMENTSOF(pcm));
        const size_t known = MIN(t->n_skip > t->n_heard ? t->n_skip - t->n_heard : 0, part);
        audio_to_s16(samples + i, part, pcm);
        t->n_heard += part;
        i += part;
        r = sd_hush_push(&t->hush, pcm + known, part - known, write_sound, t);
    }
    return r;
}

static int beep(struct talk *t)
{
    int16_t pcm[BEEP_SAMPLES];
    char path[4200];

    snprintf(path, sizeof(path), "%s/capital", t->s->config->icons);
    if (access(path, R_OK) == 0)
        return sd_out_text(t->s->out, "706-%s\n706 ICON\n", path);
    for (size_t i = 0; i < BEEP_SAMPLES; i++) /* without clicks at its ends */
        pcm[i] = (int16_t) (BEEP_PEAK * sin(M_PI * (double) i / BEEP_SAMPLES) *
                            sin(2 * M_PI * BEEP_HZ * (double) i / ENGINE_RATE_HZ));
    return write_sound(t, pcm, BEEP_SAMPLES);
}

static bool is_pausing(struct sd_speaker *s)
{
    pthread_mutex_lock(&s->lock);
    const bool pausing = s->pause;
    pthread_mutex_unlock(&s->lock);
    return pausing;
}

/* The server goes on behind the last of its marks, so that is where to be silent. */
static int pause_here(struct talk *t)
{
    t->paused = true;
    return -ECANCELED;
}

static int on_mark(void *userdata, const char *name, struct fail *fail)
{
    struct talk *t = userdata;

    if (!name)
        return t->n_heard > t->n_skip && t->n_server_marks == 0 && is_pausing(t->s) ? pause_here(t)
                                                                                    : 0;
    if (t->n_marks++ < t->n_skip_marks)
        return 0;
    int r = sd_hush_flush(&t->hush, write_sound, t);
    if (r < 0)
        return r;
    if (strcmp(name, SD_CAPITAL_MARK) == 0)
        return beep(t);
    r = strpbrk(name, "\r\n") ? 0 : sd_out_text(t->s->out, "700-%s\n700 INDEX MARK\n", name);
    if (r < 0 || strncmp(name, SD_SERVER_MARK, strlen(SD_SERVER_MARK)) != 0)
        return r;
    t->n_server_marks -= t->n_server_marks > 0;
    return is_pausing(t->s) ? pause_here(t) : 0;
}

/* ---- one message ---- */

static int say(struct talk *t, const char *text, enum lang_input input, struct fail *fail)
{
    struct engine_say_params params = t->m->params;

    params.input = input;
    params.mark = on_mark;
    t->n_heard = t->n_marks = 0;
    return engine_say(t->s->engine, text, &params, on_sound, t, fail);
}

static int say_plain(struct talk *t, const char *ssml, struct fail *fail)
{
    CLEANUP_FREE char *text = NULL;
    int r = sd_text_plain(ssml, &text);

    *fail = (struct fail){0};
    return r < 0 ? r : say(t, text, LANG_TEXT, fail);
}

/* Broken SSML is said as the text it holds. A brailled or a device that went away is looked for
 * again, and the message goes on where it was. */
static int say_part(struct talk *t, const char *ssml, struct fail *fail)
{
    int r = t->s->engine ? 0 : open_engine(t->s, fail);

    t->n_skip = t->n_skip_marks = 0;
    if (r == 0)
        r = say(t, ssml, LANG_SSML, fail);
    if (r >= 0 || r == -ENODATA || ctl_cancelled || t->paused)
        return r;
    if (fail->kind == FAIL_INPUT)
        return say_plain(t, ssml, fail);
    if (r == -EPIPE) /* the server is gone, not the voice */
        return r;
    t->n_skip = t->n_heard;
    t->n_skip_marks = t->n_marks;
    t->s->engine = engine_free(t->s->engine);
    fprintf(stderr, "sd_brailled: %s; trying again\n", fail->text);
    *fail = (struct fail){0};
    r = open_engine(t->s, fail);
    return r < 0 ? r : say(t, ssml, LANG_SSML, fail);
}

static int say_message(struct talk *t, struct fail *fail)
{
    struct sd_parts parts;
    int r = 0, more;

    sd_parts_begin(&parts, t->m->ssml, SD_PART_BYTES);
    do {
        CLEANUP_FREE char *part = NULL;
        more = sd_parts_next(&parts, &part);
        if (more > 0)
            r = say_part(t, part, fail);
        if (r == -ENODATA) { /* nothing in it can be said */
            *fail = (struct fail){0};
            r = 0;
        }
        if (ctl_cancelled)
            r = -ECANCELED;
    } while (more > 0 && r >= 0);
    return more < 0 ? more : r;
}

static size_t count_server_marks(const char *ssml)
{
    size_t n = 0;

    while ((ssml = strstr(ssml, "\"" SD_SERVER_MARK))) {
        ssml++;
        n++;
    }
    return n;
}

/* How it ended: the event that says so. */
static const char *speak(struct sd_speaker *s, const struct sd_message *m)
{
    struct talk *t = calloc(1, sizeof(*t));
    struct fail fail = {0};
    const char *event = "702 END";
    int r = t ? sd_out_text(s->out, "701 BEGIN\n") : -ENOMEM;

    if (r < 0)
        goto finish;
    t->s = s;
    t->m = m;
    t->start_usec = ctl_now_usec();
    t->first_ms = -1;
    t->n_server_marks = count_server_marks(m->ssml);
    if (m->icon)
        r = sd_out_text(s->out, "706-%s\n706 ICON\n", m->icon);
    else
        r = say_message(t, &fail);
    if (r >= 0)
        r = sd_hush_end(&t->hush, write_sound, t);
    if (ctl_cancelled)
        event = "703 STOP";
    else if (t->paused)
        event = "704 PAUSE";
    else if (r < 0)
        fprintf(stderr, "sd_brailled: %s\n", fail.text[0] ? fail.text : strerror(-r));
    if (s->verbose)
        fprintf(stderr, "sd_brailled: first sound after %.1f ms, %s after %.1f ms\n", t->first_ms,
                event, ctl_ms_since(t->start_usec));
    /* Leaving a call early drops its connection: the next one needs another. */
    if (r < 0 && s->engine && s->engine->daemon)
        s->engine = engine_free(s->engine);
finish:
    free(t);
    return event;
}

static void message_done(struct sd_message *m)
{
    free(m->ssml);
    free(m->icon);
    *m = (struct sd_message){0};
}

/* ---- the thread ---- */

static int discard(void *userdata, const float *samples, size_t n, struct fail *fail)
{
    return 0;
}

/* Models are loaded and the device's programs are made before somebody waits for them. */
static void warm(struct sd_speaker *s)
{
    const uint64_t start_usec = ctl_now_usec();
    struct engine_say_params params = {.rate = 1, .pitch = 1, .volume = 1, .input = LANG_TEXT};
    struct fail fail = {0};

    if (s->config->warm && engine_say(s->engine, WARM_TEXT, &params, discard, NULL, &fail) < 0)
        fprintf(stderr, "sd_brailled: %s\n", fail.text);
    else if (s->verbose)
        fprintf(stderr, "sd_brailled: warm after %.1f ms\n", ctl_ms_since(start_usec));
}

/* false: the end. */
static bool next_message(struct sd_speaker *s, struct sd_message *ret)
{
    pthread_mutex_lock(&s->lock);
    s->state = IDLE;
    pthread_cond_broadcast(&s->changed);
    while (s->state != WAITING && !s->quit)
        pthread_cond_wait(&s->changed, &s->lock);
    *ret = s->message;
    s->message = (struct sd_message){0};
    s->state = SPEAKING;
    const bool quit = s->quit;
    pthread_mutex_unlock(&s->lock);
    return !quit;
}

static void *run(void *userdata)
{
    struct sd_speaker *s = userdata;
    struct sd_message m;

    warm(s);
    while (next_message(s, &m)) {
        const char *event = speak(s, &m);
        message_done(&m);
        /* From here on it is no longer to be stopped, and who got the event may send the next. */
        pthread_mutex_lock(&s->lock);
        s->state = ENDING;
        pthread_mutex_unlock(&s->lock);
        sd_out_text(s->out, "%s\n", event);
    }
    message_done(&m);
    s->engine = engine_free(s->engine);
    return NULL;
}

/* ---- from the other thread ---- */

static void on_nudge(int sig)
{
}

int sd_speaker_new(const struct sd_config *config, struct sd_out *out, struct sd_speaker **ret,
                   struct fail *fail)
{
    /* Without SA_RESTART: what waits, ends. */
    const struct sigaction nudge = {.sa_handler = on_nudge};
    struct sd_speaker *s = calloc(1, sizeof(*s));

    if (!s)
        return fail_set(fail, FAIL_OTHER, -ENOMEM, "not enough memory");
    s->config = config;
    s->out = out;
    s->ctl = (struct ctl){
        .device = config->device[0] ? config->device : NULL,
        .models = config->models[0] ? config->models : NULL,
        .quiet = true,
        .local = !config->daemon,
    };
    int r = open_engine(s, fail);
    if (r == 0)
        r = engine_voices(s->engine, &s->voices, &s->n_voices, fail);
    if (r == 0) {
        snprintf(s->device, sizeof(s->device), "%s", s->engine->device);
        s->daemon = s->engine->daemon;
        sigaction(SIGUSR1, &nudge, NULL);
        pthread_mutex_init(&s->lock, NULL);
        pthread_cond_init(&s->changed, NULL);
        s->state = ENDING; /* until it is warm */
        r = -pthread_create(&s->thread, NULL, run, s);
        if (r < 0)
            fail_set(fail, FAIL_OTHER, r, "cannot start a thread");
    }
    if (r < 0) {
        engine_free(s->engine);
        free(s->voices);
        free(s);
        return r;
    }
    *ret = s;
    return 0;
}

struct sd_speaker *sd_speaker_free(struct sd_speaker *s)
{
    if (!s)
        return NULL;
    pthread_mutex_lock(&s->lock);
    s->quit = true;
    ctl_cancelled = 1;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
    sd_out_quit(s->out);
    /* A signal may come just before the wait that it is to end. */
    struct timespec until;
    do {
        pthread_kill(s->thread, SIGUSR1);
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += SD_NUDGE_MS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
    } while (pthread_timedjoin_np(s->thread, NULL, &until) != 0);
    pthread_cond_destroy(&s->changed);
    pthread_mutex_destroy(&s->lock);
    message_done(&s->message);
    free(s->voices);
    free(s);
    return NULL;
}

const struct engine_voice *sd_speaker_voices(const struct sd_speaker *s, size_t *ret_n)
{
    *ret_n = s->n_voices;
    return s->voices;
}

const char *sd_speaker_device(const struct sd_speaker *s, bool *ret_daemon)
{
    *ret_daemon = s->daemon;
    return s->device;
}

void sd_speaker_set_verbose(struct sd_speaker *s, bool verbose)
{
    s->verbose = verbose;
}

static bool is_busy(const struct sd_speaker *s)
{
    return s->state == WAITING || s->state == SPEAKING;
}

bool sd_speaker_nudge(struct sd_speaker *s)
{
    pthread_mutex_lock(&s->lock);
    const bool stopping = s->stop && is_busy(s);
    pthread_mutex_unlock(&s->lock);
    if (stopping)
        pthread_kill(s->thread, SIGUSR1);
    return stopping;
}

int sd_speaker_ready(struct sd_speaker *s)
{
    int r = 0;

    pthread_mutex_lock(&s->lock);
    while (s->state != IDLE && r == 0) {
        struct timespec until;
        if (is_busy(s) && !s->stop) {
            r = -EBUSY;
            break;
        }
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += SD_NUDGE_MS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        if (s->stop)
            pthread_kill(s->thread, SIGUSR1);
        pthread_cond_timedwait(&s->changed, &s->lock, &until);
    }
    pthread_mutex_unlock(&s->lock);
    return r;
}

void sd_speaker_say(struct sd_speaker *s, struct sd_message *m)
{
    pthread_mutex_lock(&s->lock);
    s->message = *m;
    *m = (struct sd_message){0};
    s->stop = s->pause = false;
    ctl_cancelled = 0;
    s->state = WAITING;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

void sd_speaker_stop(struct sd_speaker *s)
{
    pthread_mutex_lock(&s->lock);
    if (is_busy(s)) {
        s->stop = true;
        ctl_cancelled = 1;
    }
    pthread_mutex_unlock(&s->lock);
    sd_speaker_nudge(s);
}

void sd_speaker_pause(struct sd_speaker *s)
{
    pthread_mutex_lock(&s->lock);
    s->pause = is_busy(s);
    pthread_mutex_unlock(&s->lock);
}
