/* SPDX-License-Identifier: Apache-2.0 */

#include "audio/audio.h"

#include "audio/ogg_opus.h"
#include "base/file.h"

#include <endian.h>
#include <errno.h>
#include <math.h>
#include <sndfile.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK_SAMPLES = 4096 };

struct audio_writer {
    struct file_out file; ///< only when opened by name
    const char *name;     ///< for messages: file.path or static
    int fd;               ///< where the bytes go; file.fd or borrowed
    int error;            ///< errno of the first write that failed, 0 = none
    enum audio_format format;
    SNDFILE *snd;            ///< of these at most one; none: 16-bit PCM written by hand
    struct audio_opus *opus; ///< owned
    bool is_ended;           ///< its last bytes are out
};

static const struct {
    const char *ending;
    int sf_format;
} formats[] = {
    [AUDIO_WAV] = {".wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16},
    [AUDIO_FLAC] = {".flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_16},
    [AUDIO_OGG_VORBIS] = {".ogg", SF_FORMAT_OGG | SF_FORMAT_VORBIS},
    [AUDIO_OPUS] = {".opus", 0},
};

int audio_format_of(const char *path, enum audio_format *ret, struct fail *fail)
{
    const char *base = strrchr(path, '/');
    const char *dot = strrchr(base ? base + 1 : path, '.');

    if (strcmp(path, "-") == 0) {
        *ret = AUDIO_WAV;
        return 0;
    }
    for (size_t i = 0; dot && i < ELEMENTSOF(formats); i++)
        if (strcasecmp(dot, formats[i].ending) == 0) {
            *ret = (enum audio_format) i;
            return 0;
        }
    return fail_set(fail, FAIL_USAGE, -EINVAL,
                    "'%s': the ending says no sound format; use .wav, .flac, .ogg or .opus", path);
}

void audio_to_s16(const float *samples, size_t n, int16_t *out)
{
    for (size_t i = 0; i < n; i++) {
        float x = isnan(samples[i]) ? 0 : samples[i];
        out[i] = (int16_t) lrintf(32767 * fminf(fmaxf(x, -1), 1));
    }
}

void audio_from_s16(const int16_t *samples, size_t n, float *out)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (float) samples[i] / 32767;
}

void audio_stream_header(unsigned rate_hz, uint8_t out[AUDIO_STREAM_HEADER_BYTES])
{
    struct __attribute__((__packed__)) {
        char riff[4];
        uint32_t size;
        char wave_fmt[8];
        uint32_t fmt_size;
        uint16_t tag, n_chan;
        uint32_t rate, bytes_per_second;
        uint16_t align, bits;
        char data[4];
        uint32_t data_size;
    } h = {
        .riff = {'R', 'I', 'F', 'F'},
        .size = htole32(UINT32_MAX),
        .wave_fmt = {'W', 'A', 'V', 'E', 'f', 'm', 't', ' '},
        .fmt_size = htole32(16),
        .tag = htole16(1),
        .n_chan = htole16(1),
        .rate = htole32(rate_hz),
        .bytes_per_second = htole32(2 * rate_hz),
        .align = htole16(2),
        .bits = htole16(16),
        .data = {'d', 'a', 't', 'a'},
        .data_size = htole32(UINT32_MAX - 36),
    };
    _Static_assert(sizeof(h) == AUDIO_STREAM_HEADER_BYTES, "a WAV header has 44 bytes");
    memcpy(out, &h, sizeof(h));
}

/* Write all bytes; the first error is kept, because libsndfile's own words do not say "disk full".
 */
static int put(struct audio_writer *w, const void *data, size_t size)
{
    const uint8_t *p = data;

    while (size > 0 && w->error == 0) {
        ssize_t n = write(w->fd, p, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            w->error = errno;
            break;
        }
        p += n;
        size -= (size_t) n;
    }
    return -w->error;
}

static sf_count_t io_length(void *user)
{
    struct audio_writer *w = user;
    struct stat st;
    return fstat(w->fd, &st) < 0 ? -1 : st.st_size;
}

static sf_count_t io_seek(sf_count_t offset, int whence, void *user)
{
    struct audio_writer *w = user;
    return lseek(w->fd, offset, whence);
}

static sf_count_t io_read(void *data, sf_count_t size, void *user)
{
    struct audio_writer *w = user;
    return read(w->fd, data, (size_t) size);
}

static sf_count_t io_write(const void *data, sf_count_t size, void *user)
{
    return put(user, data, (size_t) size) < 0 ? 0 : size;
}

static sf_count_t io_tell(void *user)
{
    struct audio_writer *w = user;
    return lseek(w->fd, 0, SEEK_CUR);
}

static int io_failed(struct audio_writer *w, struct fail *fail)
{
    int e = w->error ? w->error : EIO;
    return fail_set(fail, FAIL_IO, -e, "cannot write '%s': %m%s", w->name,
                    e == ENOSPC ? "; free some space or choose another disk" : "");
}

static int put_opus(void *userdata, const void *data, size_t size)
{
    return put(userdata, data, size);
}

static int open_opus(struct audio_writer *w, unsigned rate_hz, const struct audio_tags *tags,
                     struct fail *fail)
{
    int r = audio_opus_new(rate_hz, tags, put_opus, w, &w->opus, fail);
    return r == -EIO ? io_failed(w, fail) : r;
}

static int open_sndfile(struct audio_writer *w, unsigned rate_hz, const struct audio_tags *tags,
                        struct fail *fail)
{
    SF_VIRTUAL_IO io = {
        .get_filelen = io_length,
        .seek = io_seek,
        .read = io_read,
        .write = io_write,
        .tell = io_tell,
    };
    SF_INFO info = {
        .samplerate = (int) rate_hz,
        .channels = 1,
        .format = formats[w->format].sf_format,
    };

    w->snd = sf_open_virtual(&io, SFM_WRITE, &info, w);
    if (w->snd && tags && tags->title)
        sf_set_string(w->snd, SF_STR_TITLE, tags->title);
    if (w->snd)
        return 0;
    if (w->error)
        return io_failed(w, fail);
    return fail_set(fail, FAIL_USAGE, -EINVAL, "'%s': %u Hz cannot be written in this format: %s",
                    w->name, rate_hz, sf_strerror(NULL));
}

static int start(struct audio_writer *w, unsigned rate_hz, const struct audio_tags *tags,
                 struct fail *fail)
{
    struct stat st;

    if (rate_hz < 1000 || rate_hz > 384000)
        return fail_set(fail, FAIL_USAGE, -EINVAL, "%u Hz is no rate for sound", rate_hz);
    if (fstat(w->fd, &st) < 0)
        return fail_set(fail, FAIL_IO, -errno, "cannot write '%s': %m", w->name);
    if (w->format == AUDIO_RAW)
        return 0;
    if (S_ISREG(st.st_mode) && strcmp(w->name, "standard output") != 0)
        return w->format == AUDIO_OPUS ? open_opus(w, rate_hz, tags, fail)
                                       : open_sndfile(w, rate_hz, tags, fail);
    if (w->format != AUDIO_WAV)
        return fail_set(fail, FAIL_USAGE, -ESPIPE, "only WAV and raw samples can be streamed");
    uint8_t header[AUDIO_STREAM_HEADER_BYTES];
    audio_stream_header(rate_hz, header);
    return put(w, header, sizeof(header)) < 0 ? io_failed(w, fail) : 0;
}

/* Takes over `w` in any case. */
static int finish_new(struct audio_writer *w, unsigned rate_hz, const struct audio_tags *tags,
                      struct audio_writer **ret, struct fail *fail)
{
    int r = start(w, rate_hz, tags, fail);
    if (r < 0) {
        audio_writer_free(w);
        return r;
    }
    *ret = w;
    return 0;
}

static struct audio_writer *alloc_writer(enum audio_format format, int fd, const char *name,
                                         struct fail *fail)
{
    struct audio_writer *w = malloc(sizeof(*w));

    if (!w) {
        fail_set(fail, FAIL_OTHER, -ENOMEM, "not enough memory");
        return NULL;
    }
    *w = (struct audio_writer){.file = FILE_OUT_INIT, .name = name, .fd = fd, .format = format};
    return w;
}

int audio_writer_new(const char *path, unsigned rate_hz, struct audio_writer **ret,
                     struct fail *fail)
{
    return audio_writer_new_tagged(path, rate_hz, NULL, ret, fail);
}

int audio_writer_new_tagged(const char *path, unsigned rate_hz, const struct audio_tags *tags,
                            struct audio_writer **ret, struct fail *fail)
{
    enum audio_format format;

    int r = audio_format_of(path, &format, fail);
    if (r < 0)
        return r;
    struct audio_writer *w = alloc_writer(format, STDOUT_FILENO, "standard output", fail);
    if (!w)
        return -ENOMEM;
    if (strcmp(path, "-") != 0) {
        r = file_out_open(&w->file, path, fail);
        if (r < 0) {
            audio_writer_free(w);
            return r;
        }
        w->fd = w->file.fd;
        w->name = w->file.path;
    }
    return finish_new(w, rate_hz, tags, ret, fail);
}

int audio_writer_new_fd(int fd, enum audio_format format, unsigned rate_hz,
                        struct audio_writer **ret, struct fail *fail)
{
    struct audio_writer *w = alloc_writer(format, fd, "the sound", fail);
    return w ? finish_new(w, rate_hz, NULL, ret, fail) : -ENOMEM;
}

static int put_samples(struct audio_writer *w, int16_t *pcm, size_t n)
{
    if (w->opus)
        return audio_opus_write(w->opus, pcm, n);
    if (w->snd)
        return sf_writef_short(w->snd, pcm, (sf_count_t) n) == (sf_count_t) n ? 0 : -EIO;
    for (size_t k = 0; k < n; k++)
        pcm[k] = (int16_t) htole16((uint16_t) pcm[k]);
    return put(w, pcm, n * sizeof(*pcm));
}

int audio_writer_write(struct audio_writer *w, const float *samples, size_t n, struct fail *fail)
{
    int16_t pcm[BLOCK_SAMPLES];

    for (size_t i = 0, m; i < n; i += m) {
        m = MIN(n - i, (size_t) BLOCK_SAMPLES);
        audio_to_s16(samples + i, m, pcm);
        int r = put_samples(w, pcm, m);
        if (r == -ENOMEM)
            return fail_set(fail, FAIL_OTHER, r, "not enough memory");
        if (r < 0 || w->error)
            return io_failed(w, fail);
    }
    return 0;
}

/* The last bytes of the format. */
static int end(struct audio_writer *w, struct fail *fail)
{
    int r = 0;

    if (!w->is_ended && w->opus)
        r = audio_opus_end(w->opus);
    if (!w->is_ended && w->snd) {
        r = sf_close(w->snd) ? -EIO : 0;
        w->snd = NULL;
    }
    w->is_ended = true;
    return r < 0 || w->error ? io_failed(w, fail) : 0;
}

int audio_writer_sync(struct audio_writer *w, struct fail *fail)
{
    int r = end(w, fail);
    return r < 0 || w->file.fd < 0 ? r : file_out_sync(&w->file, fail);
}

int audio_writer_commit(struct audio_writer *w, struct fail *fail)
{
    int r = end(w, fail);
    if (r < 0 || w->file.fd < 0)
        return r;
    w->fd = -1;
    w->name = "the sound"; /* commit frees the path */
    return file_out_commit(&w->file, fail);
}

struct audio_writer *audio_writer_free(struct audio_writer *w)
{
    if (w) {
        if (w->snd)
            sf_close(w->snd);
        audio_opus_free(w->opus);
        file_out_done(&w->file);
        free(w);
    }
    return NULL;
}
