/* SPDX-License-Identifier: Apache-2.0 */

#include "hifigan/envelope.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <kiss_fftr.h>

#include "hifigan/slaney.h"

#define MAX_PASSES 4
#define MAX_CHANGE 2.5f /* of a log-mel in one pass */

struct band { ///< a triangle of the bank
    unsigned first, n;
    float *weights; ///< [n], into `weights` of the envelope
};

struct pass {              ///< sums stand `pad` samples before the speech, as the padded input does
    float *in;             ///< [length + 2 pad]
    float *sum;            ///< [length + 2 pad] overlap-add, then the output
    size_t n_in, n_out;    ///< samples of the speech that came and left
    unsigned n_transforms; ///< frames done
};

struct hifigan_envelope {
    struct hifigan_envelope_params params;
    unsigned n_fft, n_bins, pad, n_frames;
    size_t length; ///< samples
    float *wanted; ///< [n_frames][n_mels]; owned, as all that follows
    float *hann;   ///< [n_fft]
    struct band *bands;
    float *weights, *spread; ///< the bank's values, and the sum of each bin's column [n_bins]
    float *frame, *gain;     ///< [n_fft], [n_bins]
    kiss_fft_cpx *bins;
    kiss_fftr_cfg forward, inverse;
    struct pass pass[MAX_PASSES];
};

/* ---- the mel bank --------------------------------------------------------------------------- */

/* Triangles of area 1 between equally spaced mels, as librosa.filters.mel() has them. */
static void make_bank(struct hifigan_envelope *e)
{
    const unsigned n = e->params.n_mels;
    const double step = slaney_mel(e->params.rate_hz / 2.0) / (n + 1);
    const double hz_a_bin = (double) e->params.rate_hz / e->n_fft;
    float *w = e->weights;

    for (unsigned b = 0; b < n; b++) {
        const double low = slaney_hz(b * step), top = slaney_hz((b + 1) * step);
        const double high = slaney_hz((b + 2) * step);
        struct band *band = &e->bands[b];
        band->weights = w;
        for (unsigned k = 0; k < e->n_bins; k++) {
            const double hz = k * hz_a_bin;
            const double v = fmin((hz - low) / (top - low), (high - hz) / (high - top));
            if (v <= 0)
                continue;
            if (band->n++ == 0)
                band->first = k;
            *w = (float) (v * 2 / (high - low));
            e->spread[k] += *w++;
        }
    }
}

float hifigan_envelope_wanted(const float *mel, unsigned n_mels, unsigned n_frames, unsigned band,
                              unsigned frame, float sharpness)
{
    static const float near[5] = {1, 2, 3, 2, 1};
    const float v = mel[(size_t) band * n_frames + frame];
    float mean = 0;

    for (int i = 0; i < 5; i++) {
        const int at = MIN(MAX((int) band + i - 2, 0), (int) n_mels - 1);
        mean += near[i] / 9 * mel[(size_t) at * n_frames + frame];
    }
    return v + sharpness * (v - mean);
}

static void make_wanted(struct hifigan_envelope *e, const float *mel)
{
    const unsigned n = e->params.n_mels;

    for (unsigned t = 0; t < e->n_frames; t++)
        for (unsigned b = 0; b < n; b++)
            e->wanted[(size_t) t * n + b] =
                hifigan_envelope_wanted(mel, n, e->n_frames, b, t, e->params.sharpness);
}

/* ---- made and freed ------------------------------------------------------------------------- */

static int allocate(struct hifigan_envelope *e)
{
    const size_t padded = e->length + 2 * (size_t) e->pad;

    e->wanted = calloc((size_t) e->n_frames * e->params.n_mels, sizeof(*e->wanted));
    e->hann = calloc(e->n_fft, sizeof(*e->hann));
    e->bands = calloc(e->params.n_mels, sizeof(*e->bands));
    e->weights = calloc(2 * (size_t) e->n_bins, sizeof(*e->weights)); /* a bin is in two bands */
    e->spread = calloc(e->n_bins, sizeof(*e->spread));
    e->frame = calloc(e->n_fft, sizeof(*e->frame));
    e->gain = calloc(e->n_bins, sizeof(*e->gain));
    e->bins = calloc(e->n_bins, sizeof(*e->bins));
    e->forward = kiss_fftr_alloc((int) e->n_fft, 0, NULL, NULL);
    e->inverse = kiss_fftr_alloc((int) e->n_fft, 1, NULL, NULL);
    if (!e->wanted || !e->hann || !e->bands || !e->weights || !e->spread || !e->frame || !e->gain ||
        !e->bins || !e->forward || !e->inverse)
        return -ENOMEM;
    for (unsigned i = 0; i < MAX(e->params.passes, 1u); i++) {
        e->pass[i].in = calloc(padded, sizeof(float));
        e->pass[i].sum = calloc(padded, sizeof(float));
        if (!e->pass[i].in || !e->pass[i].sum)
            return -ENOMEM;
    }
    return 0;
}

int hifigan_envelope_new(const struct hifigan_envelope_params *params, const float *mel,
                         unsigned n_frames, struct hifigan_envelope **ret)
{
    CLEANUP(hifigan_envelope_freep) struct hifigan_envelope *e = NULL;

    if (params->passes > MAX_PASSES || params->n_mels < 1 || params->n_mels > 512 ||
        params->hop < 16 || params->hop > 4096 || params->hop % 4 || params->rate_hz < 1000 ||
        n_frames < 1 || n_frames > 1000000)
        return -EINVAL;
    e = calloc(1, sizeof(*e));
    if (!e)
        return -ENOMEM;
    e->params = *params;
    e->n_fft = 4 * params->hop;
    e->n_bins = e->n_fft / 2 + 1;
    e->pad = (e->n_fft - params->hop) / 2;
    e->n_frames = n_frames;
    e->length = (size_t) n_frames * params->hop;
    if (n_frames < 2) /* too short to be reflected */
        e->params.passes = 0;
    int r = allocate(e);
    if (r < 0)
        return r;
    for (unsigned i = 0; i < e->n_fft; i++)
        e->hann[i] = (float) (0.5 - 0.5 * cos(2 * M_PI * i / e->n_fft));
    make_bank(e);
    make_wanted(e, mel);
    *ret = TAKE_PTR(e);
    return 0;
}

struct hifigan_envelope *hifigan_envelope_free(struct hifigan_envelope *e)
{
    if (!e)
        return NULL;
    for (unsigned i = 0; i < MAX_PASSES; i++) {
        free(e->pass[i].in);
        free(e->pass[i].sum);
    }
    kiss_fftr_free(e->forward);
    kiss_fftr_free(e->inverse);
    free(e->wanted);
    free(e->hann);
    free(e->bands);
    free(e->weights);
    free(e->spread);
    free(e->frame);
    free(e->gain);
    free(e->bins);
    free(e);
    return NULL;
}

/* ---- a pass --------------------------------------------------------------------------------- */

/* From the bins of frame t to the gain of each. */
static void find_gain(struct hifigan_envelope *e, unsigned t)
{
    const float *wanted = e->wanted + (size_t) t * e->params.n_mels;
    float *magnitude = e->frame; /* it is in the bins by now */

    for (unsigned k = 0; k < e->n_bins; k++) {
        magnitude[k] = sqrtf(e->bins[k].r * e->bins[k].r + e->bins[k].i * e->bins[k].i + 1e-9f);
        e->gain[k] = 0;
    }
    for (unsigned b = 0; b < e->params.n_mels; b++) {
        const struct band *band = &e->bands[b];
        float sum = 0;
        for (unsigned i = 0; i < band->n; i++)
            sum += band->weights[i] * magnitude[band->first + i];
        const float change = wanted[b] - logf(fmaxf(sum, 1e-5f));
        const float held = fminf(fmaxf(change, -MAX_CHANGE), MAX_CHANGE);
        for (unsigned i = 0; i < band->n; i++)
            e->gain[band->first + i] += band->weights[i] * held;
    }
    for (unsigned k = 0; k < e->n_bins; k++)
        e->gain[k] = e->spread[k] < 1e-6f ? 1 : expf(e->gain[k] / (e->spread[k] + 1e-9f));
}

static void filter_frame(struct hifigan_envelope *e, struct pass *p, unsigned t)
{
    const size_t at = (size_t) t * e->params.hop;

    for (unsigned i = 0; i < e->n_fft; i++)
        e->frame[i] = p->in[at + i] * e->hann[i];
    kiss_fftr(e->forward, e->frame, e->bins);
    find_gain(e, t);
    for (unsigned k = 0; k < e->n_bins; k++) {
        e->bins[k].r *= e->gain[k] / (float) e->n_fft;
        e->bins[k].i *= e->gain[k] / (float) e->n_fft;
    }
    kiss_fftri(e->inverse, e->bins, e->frame);
    for (unsigned i = 0; i < e->n_fft; i++)
        p->sum[at + i] += e->frame[i] * e->hann[i];
}

/* The sum of squared windows over place `at` of the padded speech: fewer frames at its ends. */
static float cover(const struct hifigan_envelope *e, size_t at)
{
    const size_t last = at / e->params.hop;
    float sum = 0;

    for (size_t t = last < 3 ? 0 : last - 3; t <= last && t < e->n_frames; t++) {
        const float h = e->hann[at - t * e->params.hop];
        sum += h * h;
    }
    return fmaxf(sum, 1e-3f);
}

static void reflect(const struct hifigan_envelope *e, struct pass *p)
{
    if (p->n_in == e->length)
        for (size_t i = 0; i < e->pad; i++)
            p->in[e->pad + e->length + i] = p->in[e->pad + e->length - 2 - i];
    if (p->n_transforms == 0)
        for (size_t i = 1; i <= e->pad; i++)
            p->in[e->pad - i] = p->in[e->pad + i];
}

/* All frames whose samples are there; *ret, *ret_n: what has become final. */
static void run_pass(struct hifigan_envelope *e, struct pass *p, const float *samples, size_t n,
                     const float **ret, size_t *ret_n)
{
    memcpy(p->in + e->pad + p->n_in, samples, n * sizeof(*samples));
    p->n_in += n;
    const bool all = p->n_in == e->length;
    const size_t there = p->n_in + e->pad + (all ? e->pad : 0);
    reflect(e, p);
    while (p->n_transforms < e->n_frames &&
           (size_t) p->n_transforms * e->params.hop + e->n_fft <= there)
        filter_frame(e, p, p->n_transforms++);
    const size_t ended = (size_t) p->n_transforms * e->params.hop; /* in the padded speech */
    const size_t to = all ? e->length : ended > e->pad ? ended - e->pad : 0;
    for (size_t i = p->n_out; i < to; i++)
        p->sum[e->pad + i] /= cover(e, e->pad + i);
    *ret = p->sum + e->pad + p->n_out;
    *ret_n = to - p->n_out;
    p->n_out = to;
}

int hifigan_envelope_push(struct hifigan_envelope *e, const float *samples, size_t n,
                          const float **ret, size_t *ret_n)
{
    if (n > e->length - e->pass[0].n_in)
        return -EINVAL;
    if (e->params.passes == 0) {
        memcpy(e->pass[0].in + e->pass[0].n_in, samples, n * sizeof(*samples));
        samples = e->pass[0].in + e->pass[0].n_in;
        e->pass[0].n_in += n;
    }
    for (unsigned i = 0; i < e->params.passes; i++)
        run_pass(e, &e->pass[i], samples, n, &samples, &n);
    *ret = samples;
    *ret_n = n;
    return 0;
}
