/* SPDX-License-Identifier: Apache-2.0
 *
 * A file in ming024's arrangement: its tensors under that code's names, each stored as it was
 * trained. Filters go to the device in f32, as they are compared with what trained them.
 */
#include "fastspeech2/fs2_model.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/weights_load.h"

static const float batch_norm_eps = 1e-5f;
static const char *const names[] = {"pitch", "energy"}; /* of struct fs2.binned */

/* ---- configuration -------------------------------------------------------------------------- */

static int load_level(const struct nn_file *f, const char *key, bool *ret_by_phone,
                      struct fail *fail)
{
    const char *level = json_string_value(json_object_get(nn_file_config(f), key));

    if (!level || (strcmp(level, "phone") != 0 && strcmp(level, "frame") != 0))
        return nn_file_broken(f, fail, "configuration '%s' is not phone or frame", key);
    *ret_by_phone = strcmp(level, "phone") == 0;
    return 0;
}

/* "stats": {"pitch": [least, most, mean, deviation], ...}, where the importer knew them. */
static int load_stats(struct fs2 *m, const struct nn_file *f, struct fail *fail)
{
    const json_t *stats = json_object_get(nn_file_config(f), "stats");
    const json_t *pitch = json_object_get(stats, names[0]);

    if (!stats)
        return 0;
    const double mean = json_number_value(json_array_get(pitch, 2));
    const double deviation = json_number_value(json_array_get(pitch, 3));
    if (!(mean >= 0 && mean <= 1e4 && deviation >= 1e-3 && deviation <= 1e4))
        return nn_file_broken(f, fail, "configuration 'stats' has no mean and deviation of F0");
    m->binned[0].over_sd = mean / deviation;
    return 0;
}

static int load_voice_names(struct fs2 *m, const struct nn_file *f, struct fail *fail)
{
    const json_t *list = json_object_get(nn_file_config(f), "voices"), *v;
    const bool table = nn_file_has(f, "speaker_emb.weight", NULL, NULL);
    size_t i;

    if (!json_is_array(list) || json_array_size(list) < 1 ||
        json_array_size(list) > FS2_MAX_VOICES || (json_array_size(list) > 1 && !table))
        return nn_file_broken(f, fail,
                              "configuration 'voices' does not fit its tensor "
                              "'speaker_emb.weight'");
    m->voices = calloc(json_array_size(list), sizeof(*m->voices));
    if (!m->voices)
        return -ENOMEM;
    json_array_foreach((json_t *) list, i, v)
    {
        const char *name = json_string_value(v);
        struct fs2_voice *voice = &m->voices[m->n_voices++];
        if (!name || !*name)
            return nn_file_broken(f, fail, "a voice without a name");
        voice->name = strdup(name);
        voice->title = strdup(name);
        voice->gender = strdup("");
        if (!voice->name || !voice->title || !voice->gender)
            return -ENOMEM;
    }
    return 0;
}

static int load_sizes(struct fs2 *m, const struct nn_file *f, struct fail *fail)
{
    unsigned kernels[2], n_kernels, width, n_bins, *taps = &m->predictor_taps;
    int r;

    if ((r = nn_file_uint(f, NULL, "rate", 8000, 48000, &m->rate_hz, fail)) < 0 ||
        (r = nn_file_uint(f, NULL, "hop", 16, 4096, &m->hop, fail)) < 0 ||
        (r = nn_file_uint(f, NULL, "n_mels", 1, 512, &m->n_mels, fail)) < 0 ||
        (r = nn_file_number(f, NULL, "fmax", 1000, m->rate_hz / 2.0, &m->top_hz, fail)) < 0 ||
        (r = nn_file_uint(f, NULL, "hidden", 8, 2048, &m->hidden, fail)) < 0 ||
        (r = nn_file_uint(f, NULL, "ffn", 8, 8192, &m->ffn, fail)) < 0 ||
        (r = nn_file_uints(f, NULL, "kernels", 1, 31, 2, kernels, &n_kernels, fail)) < 0 ||
        (r = nn_file_uint(f, NULL, "heads", 1, 64, &m->heads, fail)) < 0 ||
        (r = nn_file_uint(f, NULL, "encoder_layers", 1, FS2_MAX_LAYERS, &m->n_encoder, fail)) < 0 ||
        (r = nn_file_uint(f, NULL, "decoder_layers", 1, FS2_MAX_LAYERS, &m->n_decoder, fail)) < 0 ||
        (r = nn_file_uint(f, NULL, "predictor", 8, 2048, &width, fail)) < 0 ||
        (r = nn_file_uint(f, NULL, "predictor_kernel", 1, 31, taps, fail)) < 0 ||
        (r = nn_file_uint(f, NULL, "n_bins", 2, 65536, &n_bins, fail)) < 0 ||
        (r = nn_file_uint(f, NULL, "postnet", 8, 4096, &m->postnet_width, fail)) < 0 ||
        (r = nn_file_uint(f, NULL, "postnet_kernel", 1, 31, &m->postnet_taps, fail)) < 0 ||
        (r = nn_file_uint(f, NULL, "postnet_layers", 2, FS2_MAX_POSTNET, &m->n_postnet, fail)) < 0)
        return r;
    if (n_kernels != 2 || !(kernels[0] & kernels[1] & *taps & m->postnet_taps & 1))
        return nn_file_broken(f, fail, "a kernel is missing or has an even size");
    if (m->hidden % m->heads || m->hidden / m->heads % 4 || m->hidden / m->heads > 128)
        return nn_file_broken(f, fail, "%u channels do not go into %u heads", m->hidden, m->heads);
    m->taps = kernels[0];
    m->ffn_taps = kernels[1];
    for (unsigned i = 0; i < ELEMENTSOF(m->binned); i++) {
        m->binned[i].n_bounds = n_bins - 1;
        m->binned[i].predictor = (struct fs2_predictor){.taps = *taps, .width = width};
    }
    m->duration = (struct fs2_predictor){.taps = *taps, .width = width};
    return 0;
}

static int load_config(struct fs2 *m, const struct nn_file *f, struct fail *fail)
{
    const char *arrangement = json_string_value(json_object_get(nn_file_config(f), "arrangement"));
    int r;

    if (!arrangement || strcmp(arrangement, "ming024") != 0)
        return nn_file_broken(f, fail, "configuration 'arrangement' is not ming024");
    /* any tone and position pass: they are in the phones */
    m->has_bins = true;
    m->n_tones = m->n_positions = 256;
    if ((r = load_sizes(m, f, fail)) < 0 || (r = fs2_load_phones(m, f, fail)) < 0 ||
        (r = load_voice_names(m, f, fail)) < 0 || (r = load_stats(m, f, fail)) < 0 ||
        (r = load_level(f, "pitch_level", &m->binned[0].by_phone, fail)) < 0)
        return r;
    return load_level(f, "energy_level", &m->binned[1].by_phone, fail);
}

/* ---- weights -------------------------------------------------------------------------------- */

/* The three matrices of queries, keys and values as one. */
static struct nn_weight *load_qkv(struct nn_loader *l, unsigned h, const char *stack, unsigned i)
{
    const size_t n = (size_t) h * h;
    CLEANUP_FREE float *w = malloc(3 * n * sizeof(*w)), *bias = malloc(3 * (size_t) h * sizeof(*w));
    struct nn_weight *ret = NULL;

    if (!w || !bias)
        nn_load_note(l, -ENOMEM);
    for (unsigned k = 0; k < 3; k++) {
        const float *a = nn_load_values(
            l, NN_SHAPE(h, h), "%s.layer_stack.%u.slf_attn.w_%cs.weight", stack, i, "qkv"[k]);
        const float *b = nn_load_values(l, NN_SHAPE(h), "%s.layer_stack.%u.slf_attn.w_%cs.bias",
                                        stack, i, "qkv"[k]);
        if (l->r < 0)
            return NULL;
        memcpy(w + k * n, a, n * sizeof(*w));
        memcpy(bias + k * h, b, h * sizeof(*bias));
    }
    nn_load_note(l, nn_weight_conv1d(l->nn, w, bias, 3 * h, h, 1, l->half, &ret));
    return ret;
}

static void load_block(struct nn_loader *l, const struct fs2 *m, const char *stack, unsigned i,
                       struct fs2_block *b)
{
    const unsigned h = m->hidden;

    b->qkv = load_qkv(l, h, stack, i);
    b->out = nn_load_linear(l, h, h, "%s.layer_stack.%u.slf_attn.fc", stack, i);
    b->norm1 = nn_load_norm(l, h, "%s.layer_stack.%u.slf_attn.layer_norm", stack, i);
    b->conv1 = nn_load_conv1d(l, m->ffn, h, m->taps, "%s.layer_stack.%u.pos_ffn.w_1", stack, i);
    b->conv2 = nn_load_conv1d(l, h, m->ffn, m->ffn_taps, "%s.layer_stack.%u.pos_ffn.w_2", stack, i);
    b->norm2 = nn_load_norm(l, h, "%s.layer_stack.%u.pos_ffn.layer_norm", stack, i);
}

static void load_predictor(struct nn_loader *l, unsigned hidden, const char *name,
                           struct fs2_predictor *p)
{
    const unsigned w = p->width;
    char layer[80];

    snprintf(layer, sizeof(layer), "variance_adaptor.%s_predictor", name);
    p->conv1 = nn_load_conv1d(l, w, hidden, p->taps, "%s.conv_layer.conv1d_1.conv", layer);
    p->norm1 = nn_load_norm(l, w, "%s.conv_layer.layer_norm_1", layer);
    p->conv2 = nn_load_conv1d(l, w, w, p->taps, "%s.conv_layer.conv1d_2.conv", layer);
    p->norm2 = nn_load_norm(l, w, "%s.conv_layer.layer_norm_2", layer);
    p->linear = nn_load_linear(l, 1, w, "%s.linear_layer", layer);
}

static void load_binned(struct nn_loader *l, unsigned hidden, const char *name,
                        struct fs2_binned *b)
{
    const float *bounds =
        nn_load_values(l, NN_SHAPE(b->n_bounds), "variance_adaptor.%s_bins", name);

    load_predictor(l, hidden, name, &b->predictor);
    b->table = nn_load_table(l, b->n_bounds + 1, hidden, "variance_adaptor.%s_embedding", name);
    if (l->r < 0)
        return;
    for (unsigned i = 1; i < b->n_bounds; i++)
        if (!(bounds[i] > bounds[i - 1])) {
            l->r = nn_file_broken(l->file, l->fail, "the boundaries of %s do not rise", name);
            return;
        }
    b->bounds = malloc(b->n_bounds * sizeof(*bounds));
    if (!b->bounds)
        return nn_load_note(l, -ENOMEM);
    memcpy(b->bounds, bounds, b->n_bounds * sizeof(*bounds));
}

/* A convolution with the batch norm behind it: y = (w x + b - mean) g / sqrt(var + eps) + beta. */
static struct nn_weight *load_folded(struct nn_loader *l, unsigned co, unsigned ci, unsigned taps,
                                     unsigned i)
{
    const size_t row = (size_t) ci * taps;
    CLEANUP_FREE float *w = malloc(co * row * sizeof(*w)), *bias = malloc(co * sizeof(*bias));
    struct nn_weight *ret = NULL;
    const float *from[6];

#define PART(...) nn_load_values(l, __VA_ARGS__, i)
    from[0] = PART(NN_SHAPE(co, ci, taps), "postnet.convolutions.%u.0.conv.weight");
    from[1] = PART(NN_SHAPE(co), "postnet.convolutions.%u.0.conv.bias");
    from[2] = PART(NN_SHAPE(co), "postnet.convolutions.%u.1.weight");
    from[3] = PART(NN_SHAPE(co), "postnet.convolutions.%u.1.bias");
    from[4] = PART(NN_SHAPE(co), "postnet.convolutions.%u.1.running_mean");
    from[5] = PART(NN_SHAPE(co), "postnet.convolutions.%u.1.running_var");
#undef PART
    if (!w || !bias)
        nn_load_note(l, -ENOMEM);
    if (l->r < 0)
        return NULL;
    for (unsigned c = 0; c < co; c++) {
        if (!(from[5][c] >= 0)) {
            l->r = nn_file_broken(l->file, l->fail, "a variance of the postnet is negative");
            return NULL;
        }
        const float g = from[2][c] / sqrtf(from[5][c] + batch_norm_eps);
        for (size_t k = 0; k < row; k++)
            w[c * row + k] = from[0][c * row + k] * g;
        bias[c] = (from[1][c] - from[4][c]) * g + from[3][c];
    }
    nn_load_note(l, nn_weight_conv1d(l->nn, w, bias, co, ci, taps, l->half, &ret));
    return ret;
}

/* Row t: t / 10000^(2 floor(i / 2) / h), sine and cosine in turn. That code stores the first 1,001
 * rows and computes them again for longer input; they are the same. */
static void make_angles(struct nn_loader *l, struct fs2 *m)
{
    const unsigned h = m->hidden;
    CLEANUP_FREE float *rows = malloc((size_t) FS2_MAX_FRAMES * h * sizeof(*rows));

    if (!rows)
        return nn_load_note(l, -ENOMEM);
    for (unsigned i = 0; i < h; i++) {
        const double step = pow(1e4, -2.0 * (i / 2) / h);
        for (unsigned t = 0; t < FS2_MAX_FRAMES; t++)
            rows[(size_t) t * h + i] = (float) (i % 2 ? cos(t * step) : sin(t * step));
    }
    if (l->r == 0)
        nn_load_note(l, nn_weight_table(l->nn, rows, FS2_MAX_FRAMES, h, &m->angles));
}

int fs2_bins_load(struct fs2 *m, struct nn_file *f, struct fail *fail)
{
    struct nn_loader l = {.nn = m->nn, .file = f, .fail = fail};

    l.r = load_config(m, f, fail);
    if (l.r < 0)
        return l.r;
    m->phone = nn_load_table(&l, m->n_phones, m->hidden, "encoder.src_word_emb");
    if (nn_file_has(f, "speaker_emb.weight", NULL, NULL))
        m->speakers = nn_load_table(&l, m->n_voices, m->hidden, "speaker_emb");
    make_angles(&l, m);
    for (unsigned i = 0; i < m->n_encoder; i++)
        load_block(&l, m, "encoder", i, &m->encoder[i]);
    for (unsigned i = 0; i < m->n_decoder; i++)
        load_block(&l, m, "decoder", i, &m->decoder[i]);
    load_predictor(&l, m->hidden, "duration", &m->duration);
    for (unsigned i = 0; i < ELEMENTSOF(m->binned); i++)
        load_binned(&l, m->hidden, names[i], &m->binned[i]);
    m->mel = nn_load_linear(&l, m->n_mels, m->hidden, "mel_linear");
    for (unsigned i = 0, last = m->n_postnet - 1; i <= last; i++)
        m->postnet[i] = load_folded(&l, i == last ? m->n_mels : m->postnet_width,
                                    i == 0 ? m->n_mels : m->postnet_width, m->postnet_taps, i);
    return l.r;
}
