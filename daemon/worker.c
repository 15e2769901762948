/* SPDX-License-Identifier: Apache-2.0 */

#include "worker.h"

#include "input.h"
#include "job.h"
#include "stream.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum {
    RAW_RATE_HZ = 16000,           ///< what the name of the raw format promises
    MEMFD_LIMIT_BYTES = 256 << 20, ///< of a sound that is kept until it is whole, as 16 bits
};

struct worker {
    struct worker_params params;
    pthread_t thread;
    int fd;                    ///< eventfd
    struct pipeline *pipeline; ///< the thread's

    pthread_mutex_t lock; ///< over what follows
    pthread_cond_t wake;
    struct job *todo, *done; ///< oldest first
    struct job *now;
    struct vkc_device_info device;
    bool has_device, quit;
};

static double now_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double) ts.tv_sec * 1e3 + (double) ts.tv_nsec * 1e-6;
}

static void append(struct job **list, struct job *job)
{
    while (*list)
        list = &(*list)->next_work;
    job->next_work = NULL;
    *list = job;
}

static void tell_loop(struct worker *w)
{
    const uint64_t one = 1;
    ssize_t n = write(w->fd, &one, sizeof(one));
    (void) n; /* only fails when the counter is full, which wakes the loop as well */
}

static int open_pipeline(struct worker *w, struct job *job)
{
    struct job_result *res = &job->result;
    double start_ms = now_ms();

    if (!w->pipeline) {
        int r = pipeline_new(pipeline_params(.device = w->params.device, .models = w->params.models,
                                             .validation = w->params.validation),
                             &w->pipeline, &res->fail);
        if (r < 0)
            return r;
        pthread_mutex_lock(&w->lock);
        w->device = *pipeline_device(w->pipeline);
        w->has_device = true;
        pthread_mutex_unlock(&w->lock);
        res->open_ms = now_ms() - start_ms;
    }
    snprintf(res->device, sizeof(res->device), "%s", pipeline_device(w->pipeline)->name);
    return 0;
}

/* A span comes in chunks: the first makes the segment, the others prolong it. */
static int keep_segment(struct job_result *res, const struct pipeline_chunk *chunk)
{
    const uint64_t end_usec = (res->n_samples + chunk->n_samples) * 1000000 / res->rate_hz;

    if (!*chunk->pinyin) /* a mark, or silence */
        return 0;
    if (!chunk->first_of_span && res->n_segments > 0) {
        res->segments[res->n_segments - 1].end_usec = end_usec;
        return 0;
    }
    struct job_segment *more =
        realloc(res->segments, (res->n_segments + 1) * sizeof(*res->segments));
    if (!more)
        return -ENOMEM;
    res->segments = more;
    struct job_segment *s = &more[res->n_segments];
    *s = (struct job_segment){
        .pinyin = strdup(chunk->pinyin),
        .start_usec = res->n_samples * 1000000 / res->rate_hz,
        .end_usec = end_usec,
    };
    if (!s->pinyin)
        return -ENOMEM;
    res->n_segments++;
    return 0;
}

static int put_stream(struct job *job, const float *samples, size_t n, struct fail *fail)
{
    int16_t pcm[4096];
    int r = 0;

    if (job->result.n_samples == 0 && job->options.format == AUDIO_WAV) {
        uint8_t header[AUDIO_STREAM_HEADER_BYTES];
        audio_stream_header(job->result.rate_hz, header);
        r = stream_put(job->stream, header, sizeof(header));
    }
    for (size_t i = 0, m; r >= 0 && i < n; i += m) {
        m = MIN(n - i, ELEMENTSOF(pcm));
        audio_to_s16(samples + i, m, pcm);
        for (size_t k = 0; k < m; k++)
            pcm[k] = (int16_t) htole16((uint16_t) pcm[k]);
        r = stream_put(job->stream, pcm, m * sizeof(*pcm));
    }
    if (r == -EPIPE)
        return fail_set(fail, FAIL_INTERRUPTED, -ECANCELED, "nobody reads audio-fd any more");
    if (r == -ENOBUFS)
        return fail_set(fail, FAIL_OTHER, r, "%d MiB of sound wait; read audio-fd while it is made",
                        STREAM_LIMIT_BYTES >> 20);
    return r;
}

static int put_memfd(struct job *job, const float *samples, size_t n, struct fail *fail)
{
    struct job_result *res = &job->result;

    if ((res->n_samples + n) * sizeof(int16_t) > MEMFD_LIMIT_BYTES)
        return fail_set(fail, FAIL_OTHER, -EFBIG,
                        "the sound is longer than %d MiB; say it in parts, or give an audio-fd and "
                        "read it while it is made",
                        MEMFD_LIMIT_BYTES >> 20);
    if (!res->writer) {
        res->audio_fd = memfd_create("brailled-audio", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        if (res->audio_fd < 0)
            return fail_set(fail, FAIL_OTHER, -errno, "cannot make room for the sound: %m");
        int r = audio_writer_new_fd(res->audio_fd, job->options.format, res->rate_hz, &res->writer,
                                    fail);
        if (r < 0)
            return r;
    }
    return audio_writer_write(res->writer, samples, n, fail);
}

struct sound {
    struct worker *w;
    struct job *job;
};

static int on_chunk(void *userdata, const struct pipeline_chunk *chunk, struct fail *fail)
{
    struct sound *s = userdata;
    struct job_result *res = &s->job->result;

    if (s->job->cancel)
        return -ECANCELED;
    res->rate_hz = pipeline_rate_hz(s->w->pipeline);
    if (s->job->options.format == AUDIO_RAW && res->rate_hz != RAW_RATE_HZ)
        return fail_set(fail, FAIL_DEFECT, -EINVAL,
                        "the voice speaks at %u Hz; ask for audio/x-wav", res->rate_hz);
    res->acoustic_ms += chunk->acoustic_ms;
    res->vocoder_ms += chunk->vocoder_ms;
    int r = keep_segment(res, chunk);
    if (r == 0 && chunk->unsaid && !res->unsaid && !(res->unsaid = strdup(chunk->unsaid)))
        r = -ENOMEM;
    if (r < 0)
        return r;
    r = s->job->stream ? put_stream(s->job, chunk->samples, chunk->n_samples, fail)
                       : put_memfd(s->job, chunk->samples, chunk->n_samples, fail);
    res->n_samples += chunk->n_samples;
    tell_loop(s->w);
    return r;
}

/* Of a text that is silent as a whole. */
static int find_unsaid(const struct job *job, const char *text, struct job_result *res)
{
    CLEANUP(lang_utterance_done) struct lang_utterance u = {0};
    const struct pipeline_say_params *p = &job->options.say;

    int r = lang_utterance(text, p->input, p->no_sandhi, UINT_MAX, &u, &res->fail);
    if (r == 0)
        res->unsaid = TAKE_PTR(u.unsaid);
    return r;
}

static int list_voices(struct worker *w, struct job_result *res)
{
    const struct pipeline_voice *voices;
    size_t n = 0;

    int r = pipeline_voices(w->pipeline, &voices, &n, &res->fail);
    if (r < 0)
        return r;
    res->voices = calloc(MAX(n, (size_t) 1), sizeof(*res->voices));
    if (!res->voices)
        return -ENOMEM;
    for (; res->n_voices < n; res->n_voices++) {
        struct job_voice *v = &res->voices[res->n_voices];
        const struct pipeline_voice *from = &voices[res->n_voices];
        snprintf(v->name, sizeof(v->name), "%s", from->name);
        snprintf(v->language, sizeof(v->language), "%s", from->language);
        snprintf(v->gender, sizeof(v->gender), "%s", from->gender);
        snprintf(v->title, sizeof(v->title), "%s", from->title);
    }
    return 0;
}

static int say(struct worker *w, struct job *job, const char *text)
{
    const struct pipeline_job pj = {.cancel = &job->cancel};
    struct sound sound = {.w = w, .job = job};
    struct job_result *res = &job->result;

    int r = pipeline_say(w->pipeline, text, &job->options.say, &pj, on_chunk, &sound, &res->fail);
    if (r == -ENODATA) { /* marks only: done, and silent; the answer warns of it */
        res->fail = (struct fail){0};
        r = find_unsaid(job, text, res);
    }
    if (r < 0 || !res->writer)
        return r;
    r = audio_writer_commit(res->writer, &res->fail);
    res->writer = audio_writer_free(res->writer);
    if (r < 0)
        return r;
    if (fcntl(res->audio_fd, F_ADD_SEALS,
              F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0 ||
        lseek(res->audio_fd, 0, SEEK_SET) < 0)
        return fail_set(&res->fail, FAIL_OTHER, -errno, "cannot seal the sound: %m");
    return 0;
}

static int convert(struct worker *w, struct job *job)
{
    const struct pipeline_job pj = {.cancel = &job->cancel};
    CLEANUP(image_freep) struct image *img = NULL;
    CLEANUP_FREE uint8_t *data = NULL;
    struct job_result *res = &job->result;
    double start_ms = now_ms();
    size_t size = 0;

    int r = input_read(job->image_fd, &job->cancel, &data, &size, &res->fail);
    if (r >= 0)
        r = image_decode(data, size, "the picture", &img, &res->fail);
    double decode_ms = now_ms() - start_ms;
    if (r >= 0)
        r = open_pipeline(w, job);
    if (r >= 0)
        r = pipeline_read(w->pipeline, img, &job->options.read, &pj, &res->reading, &res->fail);
    if (r < 0)
        return r;
    res->reading.times_ms.decode = decode_ms;
    if (!(job->options.outputs & OUTPUT_AUDIO))
        return 0;
    return say(w, job, res->reading.spoken);
}

static int work(struct worker *w, struct job *job)
{
    int r;

    if (job->cancel)
        return -ECANCELED;
    if (job->kind == JOB_CONVERT)
        return convert(w, job);
    r = open_pipeline(w, job);
    if (r < 0)
        return r;
    if (job->kind == JOB_SAY)
        return say(w, job, job->text);
    if (job->kind == JOB_VOICES)
        return list_voices(w, &job->result);
    return pipeline_prepare(w->pipeline, &(struct pipeline_job){.cancel = &job->cancel},
                            &job->result.fail);
}

static struct job *next_job(struct worker *w)
{
    pthread_mutex_lock(&w->lock);
    while (!w->todo && !w->quit)
        pthread_cond_wait(&w->wake, &w->lock);
    struct job *job = w->quit ? NULL : w->todo;
    if (job)
        w->todo = job->next_work;
    w->now = job;
    pthread_mutex_unlock(&w->lock);
    return job;
}

static void *run(void *userdata)
{
    struct worker *w = userdata;

    for (struct job *job; (job = next_job(w));) {
        int r = work(w, job);
        if (job->cancel && r < 0) {
            job->result.fail = (struct fail){0};
            r = fail_set(&job->result.fail, FAIL_INTERRUPTED, -ECANCELED, "the work was cancelled");
        }
        job->result.r = r;
        pthread_mutex_lock(&w->lock);
        w->now = NULL;
        append(&w->done, job);
        pthread_mutex_unlock(&w->lock);
        tell_loop(w);
    }
    w->pipeline = pipeline_free(w->pipeline);
    return NULL;
}

int worker_new(const struct worker_params *params, struct worker **ret)
{
    struct worker *w = calloc(1, sizeof(*w));

    if (!w)
        return -ENOMEM;
    w->params = *params;
    w->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int r = w->fd < 0 ? -errno : 0;
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->wake, NULL);
    if (r >= 0)
        r = -pthread_create(&w->thread, NULL, run, w);
    if (r < 0) {
        if (w->fd >= 0)
            close(w->fd);
        free(w);
        return r;
    }
    *ret = w;
    return 0;
}

struct worker *worker_free(struct worker *w)
{
    if (!w)
        return NULL;
    pthread_mutex_lock(&w->lock);
    w->quit = true;
    if (w->now)
        w->now->cancel = 1;
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    pthread_cond_destroy(&w->wake);
    pthread_mutex_destroy(&w->lock);
    close(w->fd);
    free(w);
    return NULL;
}

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

void worker_add(struct worker *w, struct job *job)
{
    pthread_mutex_lock(&w->lock);
    append(&w->todo, job);
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
}

bool worker_remove(struct worker *w, struct job *job)
{
    bool found = false;

    pthread_mutex_lock(&w->lock);
    for (struct job **p = &w->todo; *p && !found; p = &(*p)->next_work)
        if (*p == job) {
            *p = job->next_work;
            found = true;
            break;
        }
    pthread_mutex_unlock(&w->lock);
    return found;
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

bool worker_device(struct worker *w, struct vkc_device_info *ret)
{
    pthread_mutex_lock(&w->lock);
    bool has = w->has_device;
    if (has)
        *ret = w->device;
    pthread_mutex_unlock(&w->lock);
    return has;
}
