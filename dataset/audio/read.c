/* SPDX-License-Identifier: Apache-2.0 */

#include "audio/read.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <samplerate.h>
#include <sndfile.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_CHANNELS = 64, BLOCK_FRAMES = 1024 };

void audio_samples_done(struct audio_samples *s)
{
    free(s->data);
    *s = (struct audio_samples){0};
}

static int check(const SF_INFO *info, const char *path, struct fail *fail)
{
    if (info->samplerate < 1000 || info->samplerate > 384000 || info->channels < 1 ||
        info->channels > MAX_CHANNELS)
        return fail_set(fail, FAIL_INPUT, -EINVAL, "'%s' has %d channels at %d Hz; give mono sound",
                        path, info->channels, info->samplerate);
    if (info->frames <= 0)
        return fail_set(fail, FAIL_INPUT, -ENODATA, "'%s' holds no sound", path);
    if (info->frames / info->samplerate >= AUDIO_READ_MAX_S)
        return fail_set(fail, FAIL_INPUT, -EFBIG, "'%s' is longer than %d s; cut it", path,
                        AUDIO_READ_MAX_S);
    return 0;
}

/* Mean of the channels; how many frames there were, or -EBADMSG at a sample that is no number. */
static sf_count_t read_mono(SNDFILE *f, const SF_INFO *info, float *out)
{
    float block[BLOCK_FRAMES];
    const sf_count_t chan = info->channels, room = BLOCK_FRAMES / chan;
    sf_count_t n = 0;

    for (sf_count_t m; (m = sf_readf_float(f, block, MIN(room, info->frames - n))) > 0; n += m)
        for (sf_count_t i = 0; i < m; i++) {
            float sum = 0;
            for (sf_count_t c = 0; c < chan; c++)
                sum += block[i * chan + c];
            out[n + i] = sum / (float) chan;
            if (!isfinite(out[n + i]))
                return -EBADMSG;
        }
    return n;
}

static int read_all(SNDFILE *f, const SF_INFO *info, const char *path, struct audio_samples *ret,
                    struct fail *fail)
{
    int r = check(info, path, fail);
    if (r < 0)
        return r;
    CLEANUP_FREE float *data = calloc((size_t) info->frames, sizeof(*data));
    if (!data)
        return fail_set(fail, FAIL_OTHER, -ENOMEM, "not enough memory");
    const sf_count_t n = read_mono(f, info, data);
    if (n <= 0)
        return fail_set(fail, FAIL_INPUT, -EBADMSG, "'%s' is broken: no samples can be read", path);
    *ret = (struct audio_samples){TAKE_PTR(data), (size_t) n, (unsigned) info->samplerate};
    return 0;
}

int audio_read(const char *path, struct audio_samples *ret, struct fail *fail)
{
    SF_INFO info = {0};
    struct stat st;

    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe must not hang it */
    if (fd < 0)
        return fail_set(fail, FAIL_OPEN, -errno, "cannot open '%s': %m", path);
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        close(fd);
        return fail_set(fail, FAIL_OPEN, -EINVAL, "'%s' is no regular file", path);
    }
    SNDFILE *f = sf_open_fd(fd, SFM_READ, &info, false);
    int r = f ? read_all(f, &info, path, ret, fail)
              : fail_set(fail, FAIL_INPUT, -EBADMSG, "'%s' is no sound file: %s", path,
                         sf_strerror(NULL));
    if (f)
        sf_close(f);
    close(fd);
    return r;
}

int audio_resample(const struct audio_samples *s, unsigned rate_hz, struct audio_samples *ret)
{
    if (s->n == 0 || s->n > (size_t) 1 << 30 || rate_hz < 1000 || rate_hz > 384000)
        return -EINVAL;
    const double ratio = (double) rate_hz / s->rate_hz;
    const size_t n = MAX((size_t) llround((double) s->n * ratio), (size_t) 1);
    if (n > (size_t) 1 << 30)
        return -EINVAL;
    CLEANUP_FREE float *data = calloc(n, sizeof(*data));
    if (!data)
        return -ENOMEM;
    if (rate_hz == s->rate_hz) {
        memcpy(data, s->data, n * sizeof(*data));
    } else {
        SRC_DATA src = {.data_in = s->data,
                        .data_out = data,
                        .input_frames = (long) s->n,
                        .output_frames = (long) n,
                        .src_ratio = ratio};
        if (src_simple(&src, SRC_SINC_BEST_QUALITY, 1) != 0)
            return -EINVAL;
    }
    *ret = (struct audio_samples){TAKE_PTR(data), n, rate_hz};
    return 0;
}
