/* SPDX-License-Identifier: Apache-2.0
 *
 * The stream: libspeechprovider's speech-provider-common.h (Apache-2.0): "0.01", then chunks of a
 * type, a size and so many bytes; events hold a type, a range and a name.
 */

#include "tools/spiel/synth.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "audio/audio.h"
#include "tools/sd/text.h"

enum {
    CHUNK_AUDIO = 1,
    CHUNK_EVENT = 2,
    EVENT_MARK = 4,
    RECORD_MAX = 4096, /* PIPE_BUF: more is no longer written at once */
    RECORD_SAMPLES = 2000,
    PART_BYTES = 150,      /* some sentences, then it is the next one's turn */
    AHEAD_BYTES = 1 << 19, /* 16 s that nobody has read yet */
};

struct synth_job {
    struct synth_job *next;
    char *ssml; ///< owned
    char voice[64];
    struct engine_say_params params;
    struct sd_parts parts;
    uint8_t *data; ///< records, each behind two bytes with its size; owned
    size_t n, room, at;
    bool said, dropped;
};

struct synth {
    struct ctl ctl;
    int wake_fd;
    struct engine *engine; ///< of the thread; NULL: lost
    struct engine_voice *voices;
    size_t n_voices;
    pthread_t thread;
    pthread_mutex_t lock; ///< over all below
    pthread_cond_t changed;
    struct synth_job *jobs, *current;
    bool quit;
};

/* ---- what the engine makes ---- */

/* The lock is held. */
static int add_record(struct synth_job *job, const void *head, size_t n_head, const void *body,
                      size_t n_body)
{
    const uint16_t size = (uint16_t) (n_head + n_body);
    const size_t need = job->n + sizeof(size) + size;

    if (need > job->room) {
        uint8_t *more = realloc(job->data, 2 * need + RECORD_MAX);
        if (!more)
            return -ENOMEM;
        job->data = more;
        job->room = 2 * need + RECORD_MAX;
    }
    memcpy(job->data + job->n, &size, sizeof(size));
    memcpy(job->data + job->n + sizeof(size), head, n_head);
    memcpy(job->data + job->n + sizeof(size) + n_head, body, n_body);
    job->n = need;
    return 0;
}

static int give(struct synth *s, const void *head, size_t n_head, const void *body, size_t n_body)
{
    pthread_mutex_lock(&s->lock);
    const int r =
        s->current->dropped ? -ECANCELED : add_record(s->current, head, n_head, body, n_body);
    pthread_mutex_unlock(&s->lock);
    eventfd_write(s->wake_fd, 1);
    return r;
}

static int on_sound(void *userdata, const float *samples, size_t n, struct fail *fail)
{
    int16_t pcm[RECORD_SAMPLES];
    uint8_t head[5] = {CHUNK_AUDIO};
    int r = 0;

    for (size_t i = 0; i < n && r == 0; i += RECORD_SAMPLES) {
        const size_t part = MIN(n - i, (size_t) RECORD_SAMPLES);
        const uint32_t size = (uint32_t) (part * sizeof(*pcm));
        audio_to_s16(samples + i, part, pcm);
        memcpy(head + 1, &size, sizeof(size));
        r = give(userdata, head, sizeof(head), pcm, size);
    }
    return r;
}

static int on_mark(void *userdata, const char *name, struct fail *fail)
{
    uint8_t head[1 + 1 + 3 * sizeof(uint32_t)] = {CHUNK_EVENT, EVENT_MARK};
    const uint32_t size = name ? (uint32_t) MIN(strlen(name), (size_t) RECORD_MAX / 2) : 0;

    if (!name)
        return 0;
    memcpy(head + 2 + 2 * sizeof(uint32_t), &size, sizeof(size));
    return give(userdata, head, sizeof(head), name, size);
}

/* ---- the thread ---- */

static int say(struct synth *s, const char *text, enum lang_input input, struct fail *fail)
{
    struct engine_say_params params = s->current->params;

    params.input = input;
    params.mark = on_mark;
    return engine_say(s->engine, text, &params, on_sound, s, fail);
}

/* One part of the current job; 0: that was all. */
static int say_part(struct synth *s, struct fail *fail)
{
    CLEANUP_FREE char *part = NULL, *text = NULL;
    int more = sd_parts_next(&s->current->parts, &part);
    int r = more > 0 && !s->engine ? engine_new(&s->ctl, &s->engine, fail) : 0;

    if (more <= 0 || r < 0)
        return more < 0 ? more : r;
    r = say(s, part, LANG_SSML, fail);
    if (r < 0 && r != -ENODATA && fail->kind == FAIL_INPUT) { /* broken SSML: the text in it */
        *fail = (struct fail){0};
        r = sd_text_plain(part, &text);
        r = r < 0 ? r : say(s, text, LANG_TEXT, fail);
    }
    if (r < 0 && r != -ENODATA && !ctl_cancelled && fail->kind == FAIL_UNAVAILABLE)
        s->engine = engine_free(s->engine);
    return r == -ENODATA || r >= 0 ? 1 : r;
}

/* The next in turn that is not far ahead of its reader. The lock is held. */
static struct synth_job *choose(struct synth *s, const struct synth_job *last)
{
    struct synth_job *first = NULL;
    bool behind_last = false;

    for (struct synth_job *j = s->jobs; j; j = j->next) {
        if (!j->said && !j->dropped && j->n - j->at < AHEAD_BYTES) {
            if (behind_last)
                return j;
            if (!first)
                first = j;
        }
        behind_last |= j == last;
    }
    return first;
}

static void free_job(struct synth_job *j)
{
    free(j->ssml);
    free(j->data);
    free(j);
}

/* Those that were dropped and are not worked at. The lock is held. */
static void reap(struct synth *s)
{
    for (struct synth_job **at = &s->jobs; *at;) {
        struct synth_job *j = *at;
        if (!j->dropped || j == s->current) {
            at = &j->next;
            continue;
        }
        *at = j->next;
        free_job(j);
    }
}

static void *run(void *userdata)
{
    struct synth *s = userdata;
    struct synth_job *last = NULL;

    pthread_mutex_lock(&s->lock);
    while (!s->quit) {
        struct fail fail = {0};
        s->current = choose(s, last);
        if (!s->current) {
            pthread_cond_wait(&s->changed, &s->lock);
            continue;
        }
        ctl_cancelled = 0;
        pthread_mutex_unlock(&s->lock);
        const int r = say_part(s, &fail);
        pthread_mutex_lock(&s->lock);
        if (r < 0 && !s->current->dropped && !s->quit)
            fprintf(stderr, "brailled-spiel: %s\n", fail.text[0] ? fail.text : strerror(-r));
        s->current->said = r <= 0;
        last = s->current->dropped ? NULL : s->current;
        s->current = NULL;
        reap(s);
        eventfd_write(s->wake_fd, 1);
    }
    pthread_mutex_unlock(&s->lock);
    s->engine = engine_free(s->engine);
    return NULL;
}

/* ---- from the loop ---- */

int synth_new(const struct ctl *ctl, int wake_fd, struct synth **ret, struct fail *fail)
{
    struct synth *s = calloc(1, sizeof(*s));

    if (!s)
        return fail_set(fail, FAIL_OTHER, -ENOMEM, "not enough memory");
    s->ctl = *ctl;
    s->wake_fd = wake_fd;
    int r = engine_new(&s->ctl, &s->engine, fail);
    if (r == 0)
        r = engine_voices(s->engine, &s->voices, &s->n_voices, fail);
    if (r == 0) {
        pthread_mutex_init(&s->lock, NULL);
        pthread_cond_init(&s->changed, NULL);
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

struct synth *synth_free(struct synth *s)
{
    if (!s)
        return NULL;
    pthread_mutex_lock(&s->lock);
    s->quit = true;
    ctl_cancelled = 1;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->thread, NULL);
    for (struct synth_job *j = s->jobs, *next; j; j = next) {
        next = j->next;
        free_job(j);
    }
    pthread_cond_destroy(&s->changed);
    pthread_mutex_destroy(&s->lock);
    free(s->voices);
    free(s);
    return NULL;
}

const struct engine_voice *synth_voices(const struct synth *s, size_t *ret_n)
{
    *ret_n = s->n_voices;
    return s->voices;
}

int synth_add(struct synth *s, const char *ssml, const struct engine_say_params *params,
              struct synth_job **ret)
{
    struct synth_job *j = calloc(1, sizeof(*j)), **end = &s->jobs;

    if (!j || !(j->ssml = strdup(ssml))) {
        free(j);
        return -ENOMEM;
    }
    snprintf(j->voice, sizeof(j->voice), "%s", params->voice);
    j->params = *params;
    j->params.voice = j->voice;
    sd_parts_begin(&j->parts, j->ssml, PART_BYTES);
    pthread_mutex_lock(&s->lock);
    while (*end)
        end = &(*end)->next;
    *end = j;
    int r = add_record(j, "0.01", 4, NULL, 0);
    j->dropped = r < 0;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
    *ret = j;
    return r;
}

void synth_drop(struct synth *s, struct synth_job *job)
{
    pthread_mutex_lock(&s->lock);
    job->dropped = true;
    if (s->current == job)
        ctl_cancelled = 1;
    reap(s);
    pthread_mutex_unlock(&s->lock);
}

int synth_next(struct synth *s, struct synth_job *job, const uint8_t **ret)
{
    uint16_t size = 0;
    static uint8_t record[RECORD_MAX]; /* as the job's memory moves while it grows */

    pthread_mutex_lock(&s->lock);
    const bool has = job->at < job->n, said = job->said;
    if (has) {
        memcpy(&size, job->data + job->at, sizeof(size));
        memcpy(record, job->data + job->at + sizeof(size), size);
    }
    pthread_mutex_unlock(&s->lock);
    *ret = record;
    return has ? size : said ? -ENODATA : 0;
}

void synth_written(struct synth *s, struct synth_job *job)
{
    uint16_t size;

    pthread_mutex_lock(&s->lock);
    memcpy(&size, job->data + job->at, sizeof(size));
    job->at += sizeof(size) + size;
    if (job->at == job->n || job->at > AHEAD_BYTES) {
        memmove(job->data, job->data + job->at, job->n - job->at);
        job->n -= job->at;
        job->at = 0;
    }
    if (job->n - job->at < AHEAD_BYTES)
        pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
}
