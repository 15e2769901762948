/* SPDX-License-Identifier: Apache-2.0 */

#include "hifigan/hifigan_model.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nn/weights_load.h"

#define PRE_TAPS 7

/* ---- configuration ------------------------------------------------------------------------ */

static int load_stages(struct hifigan *h, const struct nn_file *f, struct fail *fail)
{
    unsigned rates[HIFIGAN_MAX_STAGES], taps[HIFIGAN_MAX_STAGES], n, n_taps;
    unsigned hop = h->has_source ? HIFIGAN_FFT_HOP : 1;
    int r;

    if ((r = nn_file_uints(f, NULL, "rates", 2, 16, HIFIGAN_MAX_STAGES, rates, &n, fail)) < 0 ||
        (r = nn_file_uints(f, NULL, "kernels", 2, 64, HIFIGAN_MAX_STAGES, taps, &n_taps, fail)) < 0)
        return r;
    if (n != n_taps || h->channels >> n < 1)
        return nn_file_broken(f, fail, "rates, kernels and channels do not fit together");
    for (unsigned i = 0; i < n; i++) {
        if (taps[i] % rates[i] || (taps[i] - rates[i]) % 2)
            return nn_file_broken(f, fail, "an upsampling kernel of %u at rate %u", taps[i],
                                  rates[i]);
        h->stages[i].rate = rates[i];
        h->stages[i].taps = taps[i];
        h->stages[i].channels = h->channels >> (i + 1);
        hop *= rates[i];
    }
    h->n_stages = n;
    if (hop != h->hop)
        return nn_file_broken(f, fail, "rates make %u samples a frame, not %u", hop, h->hop);
    return 0;
}

static int load_resblocks(struct hifigan *h, const struct nn_file *f, struct fail *fail)
{
    unsigned taps[HIFIGAN_MAX_BLOCKS];
    const json_t *lists = json_object_get(nn_file_config(f), "res_dilations");
    int r =
        nn_file_uints(f, NULL, "res_kernels", 1, 31, HIFIGAN_MAX_BLOCKS, taps, &h->n_blocks, fail);

    if (r < 0)
        return r;
    if (!json_is_array(lists) || json_array_size(lists) != h->n_blocks)
        return nn_file_broken(f, fail, "configuration 'res_dilations' is not a list of lists");
    for (unsigned k = 0; k < h->n_blocks; k++) {
        const json_t *list = json_array_get(lists, k);
        if (taps[k] % 2 == 0 || !json_is_array(list) || json_array_size(list) < 1 ||
            json_array_size(list) > HIFIGAN_MAX_DILATIONS)
            return nn_file_broken(f, fail, "residual block %u is not as it should be", k);
        for (unsigned j = 0; j < json_array_size(list); j++) {
            const json_t *d = json_array_get(list, j);
            if (!json_is_integer(d) || json_integer_value(d) < 1 || json_integer_value(d) > 64)
                return nn_file_broken(f, fail, "a dilation is not a number from 1 to 64");
            for (unsigned s = 0; s < h->n_stages; s++)
                h->stages[s].blocks[k].dilations[j] = (unsigned) json_integer_value(d);
        }
        for (unsigned s = 0; s < h->n_stages; s++) {
            h->stages[s].blocks[k].taps = taps[k];
            h->stages[s].blocks[k].n = (unsigned) json_array_size(list);
        }
    }
    return 0;
}

static int load_source_config(struct hifigan *h, const struct nn_file *f, struct fail *fail)
{
    const json_t *istft = json_object_get(nn_file_config(f), "istft"), *v;
    const json_t *source = json_object_get(nn_file_config(f), "source");
    double scale, bias, max_log;
    unsigned n_fft, hop;
    size_t i;
    int r;

    if (!istft && !source)
        return 0;
    if (!json_is_object(istft) || !json_is_object(source))
        return nn_file_broken(f, fail, "configuration 'istft' and 'source' go together");
    if ((r = nn_file_uint(f, istft, "n_fft", HIFIGAN_N_FFT, HIFIGAN_N_FFT, &n_fft, fail)) < 0 ||
        (r = nn_file_uint(f, istft, "hop", HIFIGAN_FFT_HOP, HIFIGAN_FFT_HOP, &hop, fail)) < 0 ||
        (r = nn_file_number(f, istft, "max_log", -20, 20, &max_log, fail)) < 0 ||
        (r = nn_file_number(f, source, "scale", -10, 10, &scale, fail)) < 0 ||
        (r = nn_file_number(f, source, "bias", -10, 10, &bias, fail)) < 0)
        return r;
    const json_t *weights = json_object_get(source, "weights");
    if (!json_is_array(weights) || json_array_size(weights) < 1 ||
        json_array_size(weights) > HIFIGAN_MAX_HARMONICS)
        return nn_file_broken(f, fail, "the source has no list of harmonics");
    json_array_foreach((json_t *) weights, i, v)
    {
        if (!json_is_number(v) || !(fabs(json_number_value(v)) < 1e3))
            return nn_file_broken(f, fail, "the weight of a harmonic is no number");
        h->harmonics[i] = (float) json_number_value(v);
    }
    h->n_harmonics = (unsigned) json_array_size(weights);
    h->source_scale = (float) scale;
    h->source_bias = (float) bias;
    h->max_log = (float) max_log;
    h->has_source = true;
    return 0;
}

/* Where the bands end and whether the filter is wanted; most files say neither. */
static int load_mel_config(struct hifigan *h, const struct nn_file *f, struct fail *fail)
{
    const json_t *config = nn_file_config(f);
    int r = 0;

    h->top_hz = h->rate_hz / 2.0;
    if (json_object_get(config, "fmax"))
        r = nn_file_number(f, NULL, "fmax", 1000, h->top_hz, &h->top_hz, fail);
    h->envelope_passes = h->top_hz < h->rate_hz / 2.0 ? 0 : 2;
    if (r == 0 && json_object_get(config, "envelope"))
        r = nn_file_uint(f, NULL, "envelope", 0, h->envelope_passes ? 4 : 0, &h->envelope_passes,
                         fail);
    return r;
}

static int load_config(struct hifigan *h, const struct nn_file *f, struct fail *fail)
{
    int r;

    if ((r = nn_file_expect_model(f, "hifigan", fail)) < 0 ||
        (r = nn_file_uint(f, NULL, "rate", 8000, 48000, &h->rate_hz, fail)) < 0 ||
        (r = nn_file_uint(f, NULL, "hop", 4, 4096, &h->hop, fail)) < 0 ||
        (r = nn_file_uint(f, NULL, "n_mels", 1, 512, &h->n_mels, fail)) < 0 ||
        (r = nn_file_uint(f, NULL, "channels", 2, 2048, &h->channels, fail)) < 0 ||
        (r = nn_file_uint(f, NULL, "resblock", 1, 2, &h->resblock_type, fail)) < 0 ||
        (r = load_mel_config(h, f, fail)) < 0 || (r = load_source_config(h, f, fail)) < 0 ||
        (r = load_stages(h, f, fail)) < 0 || (r = load_resblocks(h, f, fail)) < 0)
        return r;
    /* the source enters after stages 0 and 1; its strided filter must start on a texel */
    if (h->has_source && (h->n_stages != 2 || h->hop / h->stages[0].rate % 8))
        return nn_file_broken(f, fail,
                              "a source needs two stages, of rates that leave whole texels");
    return 0;
}

/* Frames on each side of a frame that can change its samples: the sum of half widths of the layers
 * on the longest way, each at the rate of its layer. */
static unsigned reach_of(const struct hifigan *h)
{
    double frames = PRE_TAPS / 2, at = 1;

    for (unsigned s = 0; s < h->n_stages; s++) {
        const struct hifigan_stage *g = &h->stages[s];
        unsigned longest = 0;
        frames += (g->taps / g->rate + 1) / at;
        at *= g->rate;
        for (unsigned k = 0; k < h->n_blocks; k++) {
            const struct hifigan_resblock *b = &g->blocks[k];
            unsigned sum = 0;
            for (unsigned j = 0; j < b->n; j++)
                sum += b->taps / 2 * (b->dilations[j] + (h->resblock_type == 1));
            longest = MAX(longest, sum);
        }
        frames += longest / at;
    }
    return (unsigned) ceil(frames + 2 * PRE_TAPS / at) + 1; /* conv_post, source and synthesis */
}

/* ---- weights ------------------------------------------------------------------------------- */

static void load_resblock(struct nn_loader *l, const struct hifigan *h, unsigned channels,
                          unsigned index, struct hifigan_resblock *b)
{
    for (unsigned j = 0; j < b->n; j++) {
        if (h->resblock_type == 2) {
            b->first[j] =
                nn_load_conv1d(l, channels, channels, b->taps, "resblocks.%u.convs.%u", index, j);
            continue;
        }
        b->first[j] =
            nn_load_conv1d(l, channels, channels, b->taps, "resblocks.%u.convs1.%u", index, j);
        b->second[j] =
            nn_load_conv1d(l, channels, channels, b->taps, "resblocks.%u.convs2.%u", index, j);
    }
}

/* source_down: [co][1][2 * stride] over samples, stride `stride`, pad stride / 2, becomes a filter
 * over texels of 4 samples: tap j, channel i is sample 4 j + i. */
static void load_source_down(struct nn_loader *l, struct hifigan *h)
{
    const unsigned stride = h->hop / h->stages[0].rate, taps = stride / 2;
    const unsigned co = h->stages[0].channels;
    const float *w = nn_load_values(l, NN_SHAPE(co, 1, 2 * (size_t) stride), "source_down.weight");
    const float *bias = nn_load_values(l, NN_SHAPE(co), "source_down.bias");

    h->down_texels = stride / 4;
    if (l->r < 0)
        return;
    CLEANUP_FREE float *texels = malloc((size_t) co * 4 * taps * sizeof(*texels));
    if (!texels)
        return nn_load_note(l, -ENOMEM);
    for (unsigned c = 0; c < co; c++)
        for (unsigned j = 0; j < taps; j++)
            for (unsigned i = 0; i < 4; i++)
                texels[(c * 4 + i) * taps + j] = w[(size_t) c * 2 * stride + 4 * j + i];
    nn_load_note(l, nn_weight_conv1d(l->nn, texels, bias, co, 4, taps, l->half, &h->source_down));
}

/* fourier() of the reference: rows 0-8 real parts, 9-17 imaginary parts, under a Hann window. */
static void fourier(double analysis[HIFIGAN_BINS][HIFIGAN_N_FFT],
                    double synthesis[HIFIGAN_BINS][HIFIGAN_N_FFT])
{
    const unsigned half = HIFIGAN_N_FFT / 2;

    for (unsigned k = 0; k <= half; k++)
        for (unsigned n = 0; n < HIFIGAN_N_FFT; n++) {
            const double angle = 2 * M_PI * k * n / HIFIGAN_N_FFT;
            const double hann = 0.5 - 0.5 * cos(2 * M_PI * n / HIFIGAN_N_FFT);
            const double back = hann * (k == 0 || k == half ? 1 : 2) / HIFIGAN_N_FFT / 1.5;
            analysis[k][n] = cos(angle) * hann;
            analysis[half + 1 + k][n] = -sin(angle) * hann;
            synthesis[k][n] = cos(angle) * back;
            synthesis[half + 1 + k][n] = -sin(angle) * back;
        }
}

/* Both transforms have 6 samples of padding. Analysis: frame t covers samples 4t-6 .. 4t+9, which
 * lie in texels t-2 .. t+2. Synthesis: sample 4t+j gets from frame s the tap 4 (t-s) + j + 6. */
static void make_fourier(struct nn_loader *l, struct hifigan *h)
{
    double analysis[HIFIGAN_BINS][HIFIGAN_N_FFT], synthesis[HIFIGAN_BINS][HIFIGAN_N_FFT];
    float a[HIFIGAN_BINS][4][5], s[4][HIFIGAN_BINS][5];

    fourier(analysis, synthesis);
    for (unsigned c = 0; c < HIFIGAN_BINS; c++)
        for (int j = 0; j < 5; j++)
            for (int i = 0; i < 4; i++) {
                const int from = 4 * j + i - 2, to = 4 * (2 - j) + i + 6;
                const bool in = from >= 0 && from < HIFIGAN_N_FFT;
                const bool out = to >= 0 && to < HIFIGAN_N_FFT;
                a[c][i][j] = in ? (float) analysis[c][from] : 0;
                s[i][c][j] = out ? (float) synthesis[c][to] : 0;
            }
    if (l->r == 0)
        nn_load_note(
            l, nn_weight_conv1d(l->nn, &a[0][0][0], NULL, HIFIGAN_BINS, 4, 5, false, &h->analysis));
    if (l->r == 0)
        nn_load_note(l, nn_weight_conv1d(l->nn, &s[0][0][0], NULL, 4, HIFIGAN_BINS, 5, false,
                                         &h->synthesis));
}

int hifigan_load(struct hifigan *h, const char *path, struct fail *fail)
{
    CLEANUP(nn_file_closep) struct nn_file *f = NULL;
    struct nn_loader l = {.nn = h->nn, .fail = fail, .half = true};
    unsigned last;
    int r;

    if ((r = nn_file_open(path, &f, fail)) < 0 || (r = load_config(h, f, fail)) < 0)
        return r;
    l.file = f;
    h->reach = reach_of(h);
    h->conv_pre = nn_load_conv1d(&l, h->channels, h->n_mels, PRE_TAPS, "conv_pre");
    for (unsigned s = 0; s < h->n_stages; s++) {
        struct hifigan_stage *g = &h->stages[s];
        g->up = nn_load_conv1d_transposed(&l, h->channels >> s, g->channels, g->taps, g->rate,
                                          "ups.%u", s);
        for (unsigned k = 0; k < h->n_blocks; k++)
            load_resblock(&l, h, g->channels, s * h->n_blocks + k, &g->blocks[k]);
    }
    last = h->stages[h->n_stages - 1].channels;
    l.half = false; /* what follows makes the waveform itself, and is small */
    h->conv_post =
        nn_load_conv1d(&l, h->has_source ? HIFIGAN_BINS : 1, last, PRE_TAPS, "conv_post");
    if (h->has_source) {
        load_source_down(&l, h);
        h->source_stft = nn_load_conv1d(&l, last, HIFIGAN_BINS, PRE_TAPS, "source_stft");
        make_fourier(&l, h);
    }
    return l.r;
}
