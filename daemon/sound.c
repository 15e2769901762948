/* SPDX-License-Identifier: Apache-2.0 */

#include "sound.h"

#include "stream.h"
#include "worker.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    MEMFD_LIMIT_BYTES = 256 << 20, ///< of a sound that is kept until it is whole, as 16 bits
};

/* What of a plain text the chunk says: "" of pinyin and SSML, whose source is not for the eye. */
static char *text_of(const struct job *job, const struct pipeline_chunk *chunk)
{
    const bool plain = job->kind == JOB_SAY && job->options.say.input == LANG_TEXT;

    return plain ? strndup(job->text + chunk->offset, chunk->n_bytes) : strdup("");
}

static int tell(struct sound *s, const struct job_event *event)
{
    CLEANUP(job_event_freep) struct job_event *e = calloc(1, sizeof(*e));

    if (!e)
        return -ENOMEM;
    *e = *event;
    e->pinyin = event->pinyin ? strdup(event->pinyin) : NULL;
    e->text = event->text ? strdup(event->text) : NULL;
    if ((event->pinyin && !e->pinyin) || (event->text && !e->text))
        return -ENOMEM;
    worker_post(s->w, s->job, TAKE_PTR(e));
    return 0;
}

static int tell_mark(struct sound *s, const struct pipeline_chunk *chunk)
{
    if (!chunk->mark || !chunk->first_of_span || s->job->number == 0)
        return 0;
    return tell(s, &(struct job_event){.type = EVENT_MARK,
                                       .text = (char *) chunk->mark,
                                       .start_usec = (uint64_t) (chunk->start_s * 1e6)});
}

/* Before its sound leaves; when it ends is known to some milliseconds then. */
static int tell_segment(struct sound *s, const struct pipeline_chunk *chunk)
{
    struct job_result *res = &s->job->result;

    if (s->job->number == 0 || chunk->span_s <= 0 || s->n_told == res->n_segments)
        return 0;
    const struct job_segment *seg = &res->segments[res->n_segments - 1];
    s->n_told = res->n_segments;
    return tell(s, &(struct job_event){
                       .type = EVENT_SEGMENT,
                       .index = (uint32_t) res->n_segments - 1,
                       .pinyin = seg->pinyin,
                       .text = seg->text,
                       .start_usec = seg->start_usec,
                       .end_usec = (uint64_t) ((chunk->start_s + chunk->span_s) * 1e6),
                       .fraction = job_reads(s->job) ? (double) res->reading.confidence : 1,
                   });
}

/* A span comes in chunks: the first makes the segment, the others prolong it. */
static int keep_segment(struct job *job, const struct pipeline_chunk *chunk)
{
    struct job_result *res = &job->result;
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
    more[res->n_segments] = (struct job_segment){
        .pinyin = strdup(chunk->pinyin),
        .text = text_of(job, chunk),
        .start_usec = res->n_samples * 1000000 / res->rate_hz,
        .end_usec = end_usec,
    };
    const struct job_segment *seg = &more[res->n_segments++];
    return seg->pinyin && seg->text ? 0 : -ENOMEM;
}

static int put_stream(struct job *job, const float *samples, size_t n, struct fail *fail)
{
    int16_t pcm[4096];
    int r = 0;

    if (job->result.n_samples == 0 && n > 0 && job->options.format == AUDIO_WAV) {
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

int sound_take(void *userdata, const struct pipeline_chunk *chunk, struct fail *fail)
{
    struct sound *s = userdata;
    struct job *job = s->job;
    struct job_result *res = &job->result;

    if (job->cancel)
        return -ECANCELED;
    res->rate_hz = chunk->rate_hz;
    res->acoustic_ms += chunk->acoustic_ms;
    res->vocoder_ms += chunk->vocoder_ms;
    int r = keep_segment(job, chunk);
    if (r == 0 && chunk->unsaid && !res->unsaid && !(res->unsaid = strdup(chunk->unsaid)))
        r = -ENOMEM;
    if (r == 0)
        r = tell_mark(s, chunk);
    if (r == 0)
        r = tell_segment(s, chunk);
    if (r == 0)
        r = job->stream ? put_stream(job, chunk->samples, chunk->n_samples, fail)
                        : put_memfd(job, chunk->samples, chunk->n_samples, fail);
    res->n_samples += chunk->n_samples;
    worker_wake_loop(s->w);
    return r;
}

int sound_end(struct sound *s, struct fail *fail)
{
    struct job_result *res = &s->job->result;

    if (!res->writer)
        return 0;
    int r = audio_writer_commit(res->writer, fail);
    res->writer = audio_writer_free(res->writer);
    if (r < 0)
        return r;
    if (fcntl(res->audio_fd, F_ADD_SEALS,
              F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0 ||
        lseek(res->audio_fd, 0, SEEK_SET) < 0)
        return fail_set(fail, FAIL_OTHER, -errno, "cannot seal the sound: %m");
    return 0;
}
