/* SPDX-License-Identifier: Apache-2.0 */

#include "fastspeech2/fs2_model.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nn/weights_load.h"

int fs2_load_phones(struct fs2 *m, const struct nn_file *f, struct fail *fail)
{
    const json_t *names = json_object_get(nn_file_config(f), "phones"), *v;
    size_t i;

    if (!json_is_array(names) || json_array_size(names) < 1 || json_array_size(names) > UINT16_MAX)
        return nn_file_broken(f, fail, "configuration 'phones' is not a list of names");
    m->phones = calloc(json_array_size(names), sizeof(*m->phones));
    if (!m->phones)
        return -ENOMEM;
    json_array_foreach((json_t *) names, i, v)
    {
        if (!json_is_string(v))
            return nn_file_broken(f, fail, "configuration 'phones' is not a list of names");
        m->phones[m->n_phones] = strdup(json_string_value(v));
        if (!m->phones[m->n_phones++])
            return -ENOMEM;
    }
    return 0;
}

/* One string of a voice's description, which must be there. */
static int voice_string(const struct nn_file *f, const json_t *voice, const char *key, char **ret,
                        struct fail *fail)
{
    const char *s = json_string_value(json_object_get(voice, key));

    if (!s || !*s)
        return nn_file_broken(f, fail, "a voice without '%s'", key);
    *ret = strdup(s);
    return *ret ? 0 : -ENOMEM;
}

static int load_voice(struct fs2 *m, const struct nn_file *f, const json_t *v, struct fail *fail)
{
    struct fs2_voice *voice = &m->voices[m->n_voices++];
    int r;

    if ((r = voice_string(f, v, "name", &voice->name, fail)) < 0 ||
        (r = voice_string(f, v, "gender", &voice->gender, fail)) < 0 ||
        (r = voice_string(f, v, "title", &voice->title, fail)) < 0)
        return r;
    if (strcmp(voice->gender, "female") != 0 && strcmp(voice->gender, "male") != 0)
        return nn_file_broken(f, fail, "the gender of voice '%s' is not female or male",
                              voice->name);
    return 0;
}

/* Files of before there were several have neither the list nor the table. */
static int load_voices(struct fs2 *m, const struct nn_file *f, struct fail *fail)
{
    const json_t *list = json_object_get(nn_file_config(f), "voices"), *v;
    const bool table = nn_file_has(f, "speakers", NULL, NULL);
    size_t i;
    int r;

    if (!list && !table) {
        json_auto_t *one =
            json_pack("{ssssss}", "name", "xiaobei", "gender", "female", "title", "Xiaobei");
        m->voices = calloc(1, sizeof(*m->voices));
        return one && m->voices ? load_voice(m, f, one, fail) : -ENOMEM;
    }
    if (!json_is_array(list) || json_array_size(list) < 1 ||
        json_array_size(list) > FS2_MAX_VOICES || (json_array_size(list) > 1 && !table))
        return nn_file_broken(f, fail, "configuration 'voices' does not fit its tensor 'speakers'");
    m->voices = calloc(json_array_size(list), sizeof(*m->voices));
    if (!m->voices)
        return -ENOMEM;
    json_array_foreach((json_t *) list, i, v) if ((r = load_voice(m, f, v, fail)) < 0) return r;
    return 0;
}

static int load_config(struct fs2 *m, const struct nn_file *f, struct fail *fail)
{
    const char *level;
    int r;

    if ((r = nn_file_uint(f, NULL, "rate", 8000, 48000, &m->rate_hz, fail)) < 0 ||
        (r = nn_file_uint(f, NULL, "hop", 16, 4096, &m->hop, fail)) < 0 ||
        (r = nn_file_uint(f, NULL, "n_mels", 1, 512, &m->n_mels, fail)) < 0 ||
        (r = nn_file_uint(f, NULL, "hidden", 8, 2048, &m->hidden, fail)) < 0 ||
        (r = nn_file_uint(f, NULL, "ffn", 8, 8192, &m->ffn, fail)) < 0 ||
        (r = nn_file_uint(f, NULL, "kernel", 1, 31, &m->taps, fail)) < 0 ||
        (r = nn_file_uint(f, NULL, "heads", 1, 64, &m->heads, fail)) < 0 ||
        (r = nn_file_uint(f, NULL, "encoder_layers", 1, FS2_MAX_LAYERS, &m->n_encoder, fail)) < 0 ||
        (r = nn_file_uint(f, NULL, "decoder_layers", 1, FS2_MAX_LAYERS, &m->n_decoder, fail)) < 0 ||
        (r = nn_file_uint(f, NULL, "duration_kernel", 1, 31, &m->duration_taps, fail)) < 0 ||
        (r = nn_file_uint(f, NULL, "predictor_kernel", 1, 31, &m->predictor_taps, fail)) < 0 ||
        (r = nn_file_uint(f, NULL, "variance_kernel", 1, 31, &m->variance_taps, fail)) < 0 ||
        (r = nn_file_uint(f, NULL, "n_tones", 1, 255, &m->n_tones, fail)) < 0 ||
        (r = nn_file_uint(f, NULL, "n_positions", 1, 255, &m->n_positions, fail)) < 0 ||
        (r = nn_file_number(f, NULL, "pitch_mean", -10, 10, &m->pitch_mean, fail)) < 0 ||
        (r = nn_file_number(f, NULL, "pitch_scale", 1e-3, 10, &m->pitch_scale, fail)) < 0 ||
        (r = nn_file_number(f, NULL, "max_duration_scale", 1e-3, 1e4, &m->max_duration_scale,
                            fail)) < 0 ||
        (r = fs2_load_phones(m, f, fail)) < 0 || (r = load_voices(m, f, fail)) < 0)
        return r;
    /* what nn_attention() takes; "same" convolutions have a middle tap */
    if (m->hidden % m->heads || m->hidden / m->heads % 4 || m->hidden / m->heads > 128)
        return nn_file_broken(f, fail, "%u channels do not go into %u heads", m->hidden, m->heads);
    if (!(m->taps & m->duration_taps & m->predictor_taps & m->variance_taps & 1))
        return nn_file_broken(f, fail, "a kernel has an even size");
    level = json_string_value(json_object_get(nn_file_config(f), "variance_level"));
    if (!level || (strcmp(level, "phone") != 0 && strcmp(level, "frame") != 0))
        return nn_file_broken(f, fail, "configuration 'variance_level' is not phone or frame");
    m->by_phone = strcmp(level, "phone") == 0;
    m->ffn_taps = 1;
    m->top_hz = m->rate_hz / 2.0;
    return 0;
}

static void load_block(struct nn_loader *l, const struct fs2 *m, const char *stack, unsigned i,
                       struct fs2_block *b)
{
    const unsigned h = m->hidden;
    const float *w =
        nn_load_values(l, NN_SHAPE(3 * (size_t) h, h), "%s.%u.attn.in_proj_weight", stack, i);
    const float *bias =
        nn_load_values(l, NN_SHAPE(3 * (size_t) h), "%s.%u.attn.in_proj_bias", stack, i);

    if (l->r == 0)
        nn_load_note(l, nn_weight_conv1d(l->nn, w, bias, 3 * h, h, 1, l->half, &b->qkv));
    b->out = nn_load_linear(l, h, h, "%s.%u.attn.out_proj", stack, i);
    b->norm1 = nn_load_norm(l, h, "%s.%u.norm1", stack, i);
    b->conv1 = nn_load_conv1d(l, m->ffn, h, m->taps, "%s.%u.conv1", stack, i);
    b->conv2 = nn_load_conv1d(l, h, m->ffn, 1, "%s.%u.conv2", stack, i);
    b->norm2 = nn_load_norm(l, h, "%s.%u.norm2", stack, i);
}

static void load_predictor(struct nn_loader *l, unsigned hidden, unsigned taps, unsigned n_out,
                           const char *name, struct fs2_predictor *p)
{
    p->taps = taps;
    p->width = hidden;
    p->conv1 = nn_load_conv1d(l, hidden, hidden, taps, "%s.conv1", name);
    p->norm1 = nn_load_norm(l, hidden, "%s.norm1", name);
    p->conv2 = nn_load_conv1d(l, hidden, hidden, taps, "%s.conv2", name);
    p->norm2 = nn_load_norm(l, hidden, "%s.norm2", name);
    p->linear = nn_load_linear(l, n_out, hidden, "%s.linear", name);
}

/* Vaswani et al. 2017, section 3.5, one row a place. */
static void make_angles(struct nn_loader *l, struct fs2 *m)
{
    const unsigned h = m->hidden;
    CLEANUP_FREE float *rows = malloc((size_t) FS2_MAX_FRAMES * h * sizeof(*rows));

    if (!rows)
        return nn_load_note(l, -ENOMEM);
    for (unsigned i = 0; i < h; i += 2) {
        const float step = expf((float) i * (float) (-log(1e4) / h));
        for (unsigned t = 0; t < FS2_MAX_FRAMES; t++) {
            rows[(size_t) t * h + i] = sinf((float) t * step);
            rows[(size_t) t * h + i + 1] = cosf((float) t * step);
        }
    }
    if (l->r == 0)
        nn_load_note(l, nn_weight_table(l->nn, rows, FS2_MAX_FRAMES, h, &m->angles));
}

int fs2_load(struct fs2 *m, const char *path, struct fail *fail)
{
    CLEANUP(nn_file_closep) struct nn_file *f = NULL;
    struct nn_loader l = {.nn = m->nn, .fail = fail, .half = true};
    int r;

    if ((r = nn_file_open(path, &f, fail)) < 0 ||
        (r = nn_file_expect_model(f, "fastspeech2", fail)) < 0)
        return r;
    if (json_object_get(nn_file_config(f), "arrangement"))
        return fs2_bins_load(m, f, fail);
    if ((r = load_config(m, f, fail)) < 0)
        return r;
    l.file = f;
    m->phone = nn_load_table(&l, m->n_phones, m->hidden, "phone");
    m->tone = nn_load_table(&l, m->n_tones, m->hidden, "tone");
    m->position = nn_load_table(&l, m->n_positions, m->hidden, "position");
    make_angles(&l, m);
    if (nn_file_has(f, "speakers", NULL, NULL)) {
        const float *rows = nn_load_values(&l, NN_SHAPE(m->n_voices, m->hidden), "speakers");
        if (l.r == 0)
            nn_load_note(&l, nn_weight_table(l.nn, rows, m->n_voices, m->hidden, &m->speakers));
    }
    for (unsigned i = 0; i < m->n_encoder; i++)
        load_block(&l, m, "encoder", i, &m->encoder[i]);
    for (unsigned i = 0; i < m->n_decoder; i++)
        load_block(&l, m, "decoder", i, &m->decoder[i]);
    load_predictor(&l, m->hidden, m->duration_taps, 1, "duration", &m->duration);
    load_predictor(&l, m->hidden, m->predictor_taps, 2, "pitch", &m->pitch);
    load_predictor(&l, m->hidden, m->predictor_taps, 1, "energy", &m->energy);
    m->variance = nn_load_conv1d(&l, m->hidden, 3, m->variance_taps, "variance");
    m->place = nn_load_linear(&l, m->hidden, 3, "place");
    m->mel = nn_load_linear(&l, m->n_mels, m->hidden, "mel");
    return l.r;
}
