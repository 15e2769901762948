/* SPDX-License-Identifier: Apache-2.0
 *
 * For the shell side of tests: what libsndfile says of a sound file, as one JSON line.
 * sound-info FILE -> {"format": "wav|flac|vorbis|opus", "rate": n, "channels": n, "frames": n,
 * "rms": x, "peak": x}
 */

#include <math.h>
#include <sndfile.h>
#include <stdio.h>

static const char *format_name(int format)
{
    switch (format & (SF_FORMAT_TYPEMASK | SF_FORMAT_SUBMASK)) {
    case SF_FORMAT_WAV | SF_FORMAT_PCM_16:
        return "wav";
    case SF_FORMAT_FLAC | SF_FORMAT_PCM_16:
        return "flac";
    case SF_FORMAT_OGG | SF_FORMAT_VORBIS:
        return "vorbis";
    case SF_FORMAT_OGG | SF_FORMAT_OPUS:
        return "opus";
    default:
        return "other";
    }
}

int main(int argc, char **argv)
{
    SF_INFO info = {0};
    double sum = 0, peak = 0;
    long frames = 0;
    float block[4096];

    SNDFILE *s = argc == 2 ? sf_open(argv[1], SFM_READ, &info) : NULL;
    if (!s) {
        fprintf(stderr, "sound-info: %s\n", argc == 2 ? sf_strerror(NULL) : "name one file");
        return 1;
    }
    for (sf_count_t n; (n = sf_read_float(s, block, 4096)) > 0; frames += n)
        for (sf_count_t i = 0; i < n; i++) {
            sum += (double) block[i] * block[i];
            peak = fmax(peak, fabs((double) block[i]));
        }
    sf_close(s);
    printf("{\"format\": \"%s\", \"rate\": %d, \"channels\": %d, \"frames\": %ld, \"rms\": %.6f, "
           "\"peak\": %.6f}\n",
           format_name(info.format), info.samplerate, info.channels, frames,
           frames ? sqrt(sum / (double) frames) : 0, peak);
    return 0;
}
