/* SPDX-License-Identifier: Apache-2.0
 *
 * The forward pass. Up to `chunk` frames are computed in one submit; longer speech in overlapping
 * chunks whose seams are outside the receptive field, so the samples are the same.
 */
#include "hifigan/hifigan_model.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "hifigan/envelope.h"

#define CHUNK_FRAMES 1000

/* ---- the model ------------------------------------------------------------------------------ */

int hifigan_new(struct nn *nn, const char *path, struct hifigan **ret, struct fail *fail)
{
    CLEANUP(hifigan_freep) struct hifigan *h = calloc(1, sizeof(*h));
    int r;

    if (!h)
        return fail_set(fail, FAIL_OTHER, -ENOMEM, "not enough memory for the vocoder");
    h->nn = nn;
    h->chunk = CHUNK_FRAMES;
    if ((r = hifigan_load(h, path, fail)) < 0)
        return fail_set(fail, FAIL_OTHER, r, "cannot load '%s': %m", path);
    *ret = TAKE_PTR(h);
    return 0;
}

struct hifigan *hifigan_free(struct hifigan *h)
{
    if (!h)
        return NULL;
    nn_weight_free(h->conv_pre);
    nn_weight_free(h->conv_post);
    nn_weight_free(h->source_down);
    nn_weight_free(h->source_stft);
    nn_weight_free(h->analysis);
    nn_weight_free(h->synthesis);
    for (unsigned s = 0; s < HIFIGAN_MAX_STAGES; s++) {
        nn_weight_free(h->stages[s].up);
        for (unsigned k = 0; k < HIFIGAN_MAX_BLOCKS; k++)
            for (unsigned j = 0; j < HIFIGAN_MAX_DILATIONS; j++) {
                nn_weight_free(h->stages[s].blocks[k].first[j]);
                nn_weight_free(h->stages[s].blocks[k].second[j]);
            }
    }
    free(h);
    return NULL;
}

unsigned hifigan_rate_hz(const struct hifigan *h)
{
    return h->rate_hz;
}

unsigned hifigan_hop(const struct hifigan *h)
{
    return h->hop;
}

unsigned hifigan_n_mels(const struct hifigan *h)
{
    return h->n_mels;
}

double hifigan_top_hz(const struct hifigan *h)
{
    return h->top_hz;
}

bool hifigan_wants_f0(const struct hifigan *h)
{
    return h->has_source;
}

unsigned hifigan_envelope_passes(const struct hifigan *h)
{
    return h->envelope_passes;
}

void hifigan_set_chunk(struct hifigan *h, unsigned n_frames)
{
    h->chunk = MAX(n_frames, 1u);
}

/* ---- networks: what is recorded for the device ------------------------------------------ */

#define LRELU(...) nn_conv_params(.pre = NN_LRELU, .pre_slope = 0.1f, __VA_ARGS__)

/* sum += share * block(x); the first block of a stage writes instead. Each layer reads one tensor
 * and writes another, so three are needed: here, its inside and what comes next. */
static int record_resblock(struct nn_run *run, const struct hifigan_resblock *b,
                           const struct nn_tensor *x, unsigned margin, float share, bool add,
                           struct nn_tensor *sum)
{
    struct nn_tensor *inside = NULL, *here[2] = {NULL, NULL};
    const struct nn_tensor *from = x;
    const unsigned c = x->channels, n = x->length;
    int r = 0;

    if (b->second[0] && (r = nn_tensor(run, c, n, margin, &inside)) < 0)
        return r;
    for (unsigned j = 0; j < b->n; j++) {
        const bool last = j + 1 == b->n;
        struct nn_tensor *to = sum;
        if (!last && !here[j % 2] && (r = nn_tensor(run, c, n, margin, &here[j % 2])) < 0)
            return r;
        if (!last)
            to = here[j % 2];
        if (b->second[j] &&
            (r = nn_conv1d(run, b->first[j], from, inside, LRELU(.dilation = b->dilations[j]))) < 0)
            return r;
        if ((r = nn_conv1d(run, b->second[j] ? b->second[j] : b->first[j],
                           b->second[j] ? inside : from, to,
                           LRELU(.dilation = b->second[j] ? 1 : b->dilations[j], .residual = from,
                                 .scale = last ? share : 1, .accumulate = last && add))) < 0)
            return r;
        from = to;
    }
    if (inside)
        nn_tensor_done(run, inside);
    for (unsigned i = 0; i < 2; i++)
        if (here[i])
            nn_tensor_done(run, here[i]);
    return 0;
}

/* The source enters after the upsampling of stage 0 (brought down by a strided filter) and of
 * stage 1 (as its short Fourier transform). */
static int record_source(const struct hifigan *h, struct nn_run *run, unsigned s,
                         const struct nn_tensor *source, struct nn_tensor *y)
{
    struct nn_tensor *bins;
    int r;

    if (s == 0)
        return nn_conv1d(run, h->source_down, source, y,
                         nn_conv_params(.stride = h->down_texels,
                                        .offset = -(int) (h->down_texels / 2), .accumulate = true));
    if ((r = nn_tensor(run, HIFIGAN_BINS, source->length, 3, &bins)) < 0 ||
        (r = nn_conv1d(run, h->analysis, source, bins, nn_conv_params())) < 0 ||
        (r = nn_conv1d(run, h->source_stft, bins, y, nn_conv_params(.accumulate = true))) < 0)
        return r;
    nn_tensor_done(run, bins);
    return 0;
}

/* Zeros that the layers which read a stage's tensors want on both sides. */
static unsigned margin_of(const struct hifigan *h, unsigned s)
{
    unsigned margin = 4;

    for (unsigned k = 0; k < h->n_blocks; k++)
        for (unsigned j = 0; j < h->stages[s].blocks[k].n; j++)
            margin =
                MAX(margin, h->stages[s].blocks[k].taps / 2 * h->stages[s].blocks[k].dilations[j]);
    return margin;
}

/* The same for what goes into the upsampling of stage s, or into conv_post behind the last. */
static unsigned up_margin_of(const struct hifigan *h, unsigned s)
{
    return s < h->n_stages ? MAX(4u, h->stages[s].taps / h->stages[s].rate) : 4;
}

/* x is given up, *ret takes its place. */
static int record_stage(const struct hifigan *h, struct nn_run *run, unsigned s,
                        struct nn_tensor *x, const struct nn_tensor *source, struct nn_tensor **ret)
{
    const struct hifigan_stage *g = &h->stages[s];
    const unsigned n = x->length * g->rate, margin = margin_of(h, s);
    struct nn_tensor *y, *sum;
    int r;

    if ((r = nn_tensor(run, g->channels, n, margin, &y)) < 0 ||
        (r = nn_conv1d_transposed(run, g->up, x, y, LRELU())) < 0 ||
        (source && (r = record_source(h, run, s, source, y)) < 0))
        return r;
    nn_tensor_done(run, x);
    if ((r = nn_tensor(run, g->channels, n, up_margin_of(h, s + 1), &sum)) < 0)
        return r;
    for (unsigned k = 0; k < h->n_blocks; k++)
        if ((r = record_resblock(run, &g->blocks[k], y, margin, 1.0f / (float) h->n_blocks, k > 0,
                                 sum)) < 0)
            return r;
    nn_tensor_done(run, y);
    *ret = sum;
    return 0;
}

/* From mel to samples: *ret [1][samples], or [4][samples / 4] of the source form. */
static int record_generator(const struct hifigan *h, struct nn_run *run, struct nn_tensor *mel,
                            const struct nn_tensor *source, struct nn_tensor **ret)
{
    const struct nn_conv_params *post = nn_conv_params(.pre = NN_LRELU, .pre_slope = 0.01f,
                                                       .post = h->has_source ? NN_NONE : NN_TANH);
    struct nn_tensor *x, *y, *z;
    int r;

    if ((r = nn_tensor(run, h->channels, mel->length, up_margin_of(h, 0), &x)) < 0 ||
        (r = nn_conv1d(run, h->conv_pre, mel, x, nn_conv_params())) < 0)
        return r;
    for (unsigned s = 0; s < h->n_stages; s++)
        if ((r = record_stage(h, run, s, x, source, &x)) < 0)
            return r;
    if ((r = nn_tensor(run, h->has_source ? HIFIGAN_BINS : 1, x->length, 2, &y)) < 0 ||
        (r = nn_conv1d(run, h->conv_post, x, y, post)) < 0)
        return r;
    nn_tensor_done(run, x);
    *ret = y;
    if (!h->has_source)
        return 0;
    if ((r = nn_tensor(run, HIFIGAN_BINS, y->length, 2, &z)) < 0 ||
        (r = nn_polar(run, y, h->max_log, z)) < 0 || (r = nn_tensor(run, 4, y->length, 0, ret)) < 0)
        return r;
    return nn_conv1d(run, h->synthesis, z, *ret, nn_conv_params());
}

/* ---- speech -----------------------------------------------------------------------------------
 */

struct speech {
    const struct hifigan *h;
    const float *mel;
    unsigned n_frames;
    float *samples;
    struct nn_run *run;
    struct nn_tensor *source; ///< of the whole speech; NULL without one
    const volatile int *cancel;
    struct fail *fail;
};

/* Frames from .. to of the source as a tensor of their own. */
static int cut_source(struct speech *s, unsigned from, unsigned to, struct nn_tensor **ret)
{
    const unsigned texels = s->h->hop / 4, n = (to - from) * texels;
    CLEANUP_FREE uint32_t *index = malloc(n * sizeof(*index));
    int r;

    if (!index)
        return -ENOMEM;
    for (unsigned i = 0; i < n; i++)
        index[i] = from * texels + i;
    if ((r = nn_tensor(s->run, 4, n, s->h->hop / 8, ret)) < 0)
        return r;
    return nn_gather(s->run, s->source, index, n, *ret);
}

/* Copy the samples of frames skip .. skip + n of y to `out`. */
static int take_samples(const struct hifigan *h, struct nn_tensor *y, unsigned skip, unsigned n,
                        float *out)
{
    const size_t length = y->length, hop = h->hop;
    CLEANUP_FREE float *v = malloc(length * y->channels * sizeof(*v));
    int r;

    if (!v)
        return -ENOMEM;
    if ((r = nn_tensor_read(y, v)) < 0)
        return r;
    if (!h->has_source) {
        memcpy(out, v + skip * hop, n * hop * sizeof(*out));
        return 0;
    }
    for (size_t i = 0; i < n * hop; i++) { /* channel i at t is sample 4 t + i */
        const size_t at = skip * hop + i;
        out[i] = fminf(fmaxf(v[at % 4 * length + at / 4], -1), 1);
    }
    return 0;
}

/* Samples of frames first .. first + n, computed with `reach` more on each side where there are. */
static int speak_chunk(struct speech *s, unsigned first, unsigned n)
{
    const struct hifigan *h = s->h;
    const unsigned from = first > h->reach ? first - h->reach : 0;
    const unsigned to = MIN(s->n_frames, first + n + h->reach), length = to - from;
    CLEANUP_FREE float *rows = malloc((size_t) h->n_mels * length * sizeof(*rows));
    struct nn_tensor *mel, *y, *source = s->source;
    int r;

    if (!rows)
        return -ENOMEM;
    for (unsigned c = 0; c < h->n_mels; c++)
        memcpy(rows + (size_t) c * length, s->mel + (size_t) c * s->n_frames + from,
               length * sizeof(*rows));
    if (source && length < s->n_frames && (r = cut_source(s, from, to, &source)) < 0)
        return r;
    if ((r = nn_tensor(s->run, h->n_mels, length, 3, &mel)) < 0 ||
        (r = nn_tensor_write(mel, rows)) < 0 ||
        (r = record_generator(h, s->run, mel, source, &y)) < 0 ||
        (r = nn_run_wait(s->run, s->cancel, s->fail)) < 0 ||
        (r = take_samples(h, y, first - from, n, s->samples + (size_t) first * h->hop)) < 0)
        return r;
    nn_tensor_done(s->run, mel);
    nn_tensor_done(s->run, y);
    if (source && source != s->source)
        nn_tensor_done(s->run, source);
    return 0;
}

/* The harmonic source of the whole speech, which all its chunks are cut from. */
static int record_whole_source(struct speech *s, const double *f0_hz)
{
    const struct hifigan *h = s->h;
    int r = nn_tensor(s->run, 4, s->n_frames * (h->hop / 4), h->hop / 8, &s->source);

    if (r < 0)
        return r;
    return nn_harmonic_source(s->run, f0_hz, s->n_frames, h->hop, h->rate_hz, h->harmonics,
                              h->n_harmonics, h->source_scale, h->source_bias, s->source);
}

static int speak(struct speech *s, const double *f0_hz)
{
    const struct hifigan *h = s->h;
    int r;

    if (h->has_source && (r = record_whole_source(s, f0_hz)) < 0)
        return r;
    for (unsigned first = 0; first < s->n_frames; first += h->chunk)
        if ((r = speak_chunk(s, first, MIN(h->chunk, s->n_frames - first))) < 0)
            return r;
    return 0;
}

static int check(const struct hifigan *h, const float *mel, const double *f0_hz, unsigned n_frames,
                 struct fail *fail)
{
    if (n_frames < 1 || n_frames > 1000000 || (h->has_source && !f0_hz))
        return fail_set(fail, FAIL_DEFECT, -EINVAL, "the vocoder was given %u frames%s", n_frames,
                        h->has_source && !f0_hz ? " and no pitch, which it needs" : "");
    for (size_t i = 0; i < (size_t) n_frames * h->n_mels; i++)
        if (!isfinite(mel[i]))
            return fail_set(fail, FAIL_DEFECT, -EINVAL, "the vocoder was given no number as mel");
    for (unsigned i = 0; h->has_source && i < n_frames; i++)
        if (!(f0_hz[i] >= 0 && f0_hz[i] <= h->rate_hz / 2))
            return fail_set(fail, FAIL_DEFECT, -EINVAL, "the vocoder was given a pitch of %g Hz",
                            f0_hz[i]);
    return 0;
}

int hifigan_speak(struct hifigan *h, const float *mel, const double *f0_hz, unsigned n_frames,
                  float *samples, const volatile int *cancel, struct fail *fail)
{
    CLEANUP(nn_run_freep) struct nn_run *run = NULL;
    struct speech s = {.h = h,
                       .mel = mel,
                       .n_frames = n_frames,
                       .samples = samples,
                       .cancel = cancel,
                       .fail = fail};
    int r;

    if ((r = check(h, mel, f0_hz, n_frames, fail)) < 0)
        return r;
    if ((r = nn_run_new(h->nn, &run)) == 0) {
        s.run = run;
        r = speak(&s, f0_hz);
    }
    return r < 0 ? fail_set(fail, FAIL_OTHER, r, "cannot compute the speech: %m") : 0;
}

/* ---- piece by piece ------------------------------------------------------------------------- */

struct hifigan_stream {
    struct speech s; ///< its run lives as long as the stream
    struct hifigan_envelope *envelope;
    unsigned n_done; ///< frames
};

struct hifigan_stream *hifigan_stream_free(struct hifigan_stream *s)
{
    if (!s)
        return NULL;
    nn_run_free(s->s.run);
    hifigan_envelope_free(s->envelope);
    free(s->s.samples);
    free(s);
    return NULL;
}

static int stream_start(struct hifigan_stream *s, const double *f0_hz, unsigned passes,
                        float sharpness)
{
    const struct hifigan *h = s->s.h;
    const struct hifigan_envelope_params params = {h->rate_hz, h->hop, h->n_mels, passes,
                                                   sharpness};
    int r;

    s->s.samples = malloc((size_t) s->s.n_frames * h->hop * sizeof(*s->s.samples));
    if (!s->s.samples)
        return -ENOMEM;
    if ((r = hifigan_envelope_new(&params, s->s.mel, s->s.n_frames, &s->envelope)) < 0 ||
        (r = nn_run_new(h->nn, &s->s.run)) < 0)
        return r;
    return h->has_source ? record_whole_source(&s->s, f0_hz) : 0;
}

int hifigan_stream_new(struct hifigan *h, const float *mel, const double *f0_hz, unsigned n_frames,
                       unsigned passes, float sharpness, struct hifigan_stream **ret,
                       struct fail *fail)
{
    CLEANUP(hifigan_stream_freep) struct hifigan_stream *s = calloc(1, sizeof(*s));
    int r = s ? check(h, mel, f0_hz, n_frames, fail) : -ENOMEM;

    if (r < 0)
        return r;
    s->s = (struct speech){.h = h, .mel = mel, .n_frames = n_frames};
    r = stream_start(s, f0_hz, passes, sharpness);
    if (r < 0)
        return fail_set(fail, FAIL_OTHER, r, "cannot compute the speech: %m");
    *ret = TAKE_PTR(s);
    return 0;
}

int hifigan_stream_next(struct hifigan_stream *s, unsigned n_frames, const float **ret,
                        size_t *ret_n, const volatile int *cancel, struct fail *fail)
{
    const size_t hop = s->s.h->hop, from = s->n_done;
    const unsigned n = MIN(MAX(n_frames, 1u), s->s.n_frames - s->n_done);
    int r = 0;

    s->s.cancel = cancel;
    s->s.fail = fail;
    if (n > 0)
        r = speak_chunk(&s->s, s->n_done, n);
    if (r < 0)
        return fail_set(fail, FAIL_OTHER, r, "cannot compute the speech: %m");
    s->n_done += n;
    r = hifigan_envelope_push(s->envelope, s->s.samples + from * hop, n * hop, ret, ret_n);
    return r < 0 ? r : s->n_done < s->s.n_frames;
}
