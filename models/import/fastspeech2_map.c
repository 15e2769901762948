/* SPDX-License-Identifier: Apache-2.0
 *
 * ming024's FastSpeech2 (github.com/ming024/FastSpeech2, MIT): {"model": state}. Tensors keep their
 * names; sizes are read off their shapes. What cannot be seen stands in files of that code, which
 * are read where they lie beside the checkpoint: preprocess.yaml (rate, hop, bands), model.yaml
 * (heads), speakers.json (names), stats.json (the corpus's F0).
 */

#include "import/map.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/tr.h"
#include "import/beside.h"
#include "import/fastspeech2_phones.h"

#define MAX_LAYERS 12 /* as fs2_model.h */
#define MAX_POSTNET 8
#define MAX_VOICES 4096
#define MAX_NAME 63 /* bytes of a voice's name: what the bus carries on */

struct sizes {
    unsigned hidden, ffn, kernels[2], n_encoder, n_decoder, predictor, predictor_kernel, n_bins;
    unsigned n_mels, postnet, postnet_kernel, n_postnet, n_phones, n_voices; ///< n_voices 0: one
};

/* stats.json of AISHELL3, whose checkpoint was published: least, most, mean and deviation. The
 * first two are the ends of the boundaries, by which the corpus is recognised. */
static const double aishell3[2][4] = {
    {-2.8392840501056322, 11.022401919746486, 215.83989225621028, 53.598100192528406},
    {-1.620629906654358, 6.771811008453369, 59.412674114165846, 36.6257104832052}};
static const char *const varied[] = {"pitch", "energy"};

static bool is(const struct import_source *s)
{
    return import_source_find(s, "encoder.src_word_emb.weight") &&
           import_source_find(s, "variance_adaptor.duration_predictor.linear_layer.weight") &&
           import_source_find(s, "mel_linear.weight");
}

/* ---- sizes ---------------------------------------------------------------------------------- */

/* The shape of a tensor that must be there, dimensions of at most 65,536. */
static bool read_shape(struct import_plan *p, const char *name, unsigned rank, unsigned *shape)
{
    const struct import_tensor *t = import_source_find(p->source, "%s", name);

    if (p->r < 0)
        return false;
    if (!t || t->rank != rank) {
        import_refuse(p, "tensor '%s' is missing or of another shape than that of FastSpeech2",
                      name);
        return false;
    }
    for (unsigned i = 0; i < rank; i++) {
        if (t->shape[i] < 1 || t->shape[i] > 65536) {
            import_refuse(p, "tensor '%s' has an impossible shape", name);
            return false;
        }
        shape[i] = (unsigned) t->shape[i];
    }
    return true;
}

/* How many of "name.0.end", "name.1.end" ... there are, up to max. */
static unsigned count(const struct import_source *s, const char *name, const char *end,
                      unsigned max)
{
    unsigned n = 0;

    while (n < max && import_source_find(s, "%s.%u.%s", name, n, end))
        n++;
    return n;
}

static bool read_sizes(struct import_plan *p, struct sizes *z)
{
    static const char *const end = "slf_attn.fc.weight";
    const struct import_source *s = p->source;
    unsigned a[3];

    if (!read_shape(p, "encoder.src_word_emb.weight", 2, a))
        return false;
    z->n_phones = a[0];
    z->hidden = a[1];
    if (!read_shape(p, "encoder.layer_stack.0.pos_ffn.w_1.weight", 3, a))
        return false;
    z->ffn = a[0];
    z->kernels[0] = a[2];
    if (!read_shape(p, "encoder.layer_stack.0.pos_ffn.w_2.weight", 3, a))
        return false;
    z->kernels[1] = a[2];
    if (!read_shape(p, "variance_adaptor.duration_predictor.conv_layer.conv1d_1.conv.weight", 3, a))
        return false;
    z->predictor = a[0];
    z->predictor_kernel = a[2];
    if (!read_shape(p, "variance_adaptor.pitch_bins", 1, a))
        return false;
    z->n_bins = a[0] + 1;
    if (!read_shape(p, "mel_linear.weight", 2, a))
        return false;
    z->n_mels = a[0];
    if (!read_shape(p, "postnet.convolutions.0.0.conv.weight", 3, a))
        return false;
    z->postnet = a[0];
    z->postnet_kernel = a[2];
    z->n_voices =
        import_source_find(s, "speaker_emb.weight") && read_shape(p, "speaker_emb.weight", 2, a)
            ? a[0]
            : 0;
    z->n_encoder = count(s, "encoder.layer_stack", end, MAX_LAYERS + 1);
    z->n_decoder = count(s, "decoder.layer_stack", end, MAX_LAYERS + 1);
    z->n_postnet = count(s, "postnet.convolutions", "0.conv.weight", MAX_POSTNET + 1);
    return p->r == 0;
}

static void check_sizes(struct import_plan *p, const struct sizes *z)
{
    if (!(z->kernels[0] & z->kernels[1] & z->predictor_kernel & z->postnet_kernel & 1) ||
        z->kernels[0] > 31 || z->kernels[1] > 31 || z->predictor_kernel > 31 ||
        z->postnet_kernel > 31)
        import_refuse(p, "a kernel is even or wider than 31");
    if (z->n_encoder > MAX_LAYERS || z->n_decoder < 1 || z->n_decoder > MAX_LAYERS ||
        z->n_postnet < 2 || z->n_postnet > MAX_POSTNET)
        import_refuse(p, "it has %u + %u blocks and a postnet of %u; 12 + 12 and 8 can be had",
                      z->n_encoder, z->n_decoder, z->n_postnet);
    if (z->n_phones != IMPORT_FASTSPEECH2_PHONES)
        import_refuse(p, "it knows %u phones; those of that code are %u, others are not known here",
                      z->n_phones, IMPORT_FASTSPEECH2_PHONES);
    if (z->n_voices > MAX_VOICES)
        import_refuse(p, "it has %u speakers; %u can be had", z->n_voices, MAX_VOICES);
}

/* ---- what stands beside it ------------------------------------------------------------------ */

/* A whole number of YAML. What is not there is `usual`, and said. */
static unsigned read_number(struct import_plan *p, const char *yaml, const char *key,
                            unsigned usual, unsigned least, unsigned most)
{
    char value[32], *end;

    if (!yaml || !import_yaml_value(yaml, NULL, key, value, sizeof(value)))
        return usual;
    const unsigned long v = strtoul(value, &end, 10);
    if (*end || end == value || v < least || v > most) {
        import_refuse(p, "'%s' beside it is '%s', which lies outside %u to %u", key, value, least,
                      most);
        return usual;
    }
    return (unsigned) v;
}

/* "phoneme_level" or "frame_level". */
static const char *read_level(struct import_plan *p, const char *yaml, const char *section)
{
    char value[32] = "phoneme_level";

    if (yaml)
        import_yaml_value(yaml, section, "feature", value, sizeof(value));
    if (strcmp(value, "frame_level") == 0)
        return "frame";
    if (strcmp(value, "phoneme_level") != 0)
        import_refuse(p, "preprocess.yaml beside it has a feature '%s'", value);
    return "phone";
}

static void write_sound(struct import_plan *p, const struct sizes *z)
{
    CLEANUP_FREE char *yaml = import_beside_text(p, "preprocess.yaml");
    char fmax[32];
    const unsigned rate = read_number(p, yaml, "sampling_rate", 22050, 8000, 48000);
    const unsigned hop = read_number(p, yaml, "hop_length", 256, 16, 4096);
    const bool is_open = yaml && import_yaml_value(yaml, NULL, "mel_fmax", fmax, sizeof(fmax)) &&
                         strcmp(fmax, "null") == 0;
    const unsigned usual = MIN(8000u, rate / 2);

    if (!yaml)
        import_note(p, "no preprocess.yaml is beside it: 22050 Hz, frames of 256 samples and mel "
                       "bands to 8000 Hz are taken, as all published models have them");
    if (read_number(p, yaml, "n_mel_channels", z->n_mels, 1, 4096) != z->n_mels)
        import_refuse(p, "preprocess.yaml beside it is of another model");
    import_config(p, "rate", json_integer(rate));
    import_config(p, "hop", json_integer(hop));
    if (is_open)
        import_config(p, "fmax", json_real(rate / 2.0));
    else
        import_config(p, "fmax",
                      json_integer(read_number(p, yaml, "mel_fmax", usual, 1000, rate / 2)));
    import_config(p, "pitch_level", json_string(read_level(p, yaml, "pitch")));
    import_config(p, "energy_level", json_string(read_level(p, yaml, "energy")));
}

static unsigned read_heads(struct import_plan *p, const struct sizes *z)
{
    CLEANUP_FREE char *yaml = import_beside_text(p, "model.yaml");
    const unsigned heads = read_number(p, yaml, "encoder_head", 2, 1, 64);

    if (!yaml)
        import_note(p, "no model.yaml is beside it: 2 heads are taken, as all published models "
                       "have them");
    if (read_number(p, yaml, "decoder_head", heads, 1, 64) != heads)
        import_refuse(p, "its encoder and decoder have different numbers of heads");
    else if (z->hidden % heads || z->hidden / heads % 4 || z->hidden / heads > 128)
        import_refuse(p, "%u channels do not go into %u heads", z->hidden, heads);
    return heads;
}

/* Put the names of speakers.json at their numbers. */
static void name_voices(struct import_plan *p, json_t *names, json_t *speakers)
{
    const char *name;
    json_t *number;

    json_object_foreach(speakers, name, number)
    {
        const json_int_t at = json_integer_value(number);
        if (!json_is_integer(number) || at < 0 || (size_t) at >= json_array_size(names)) {
            import_refuse(p, "speakers.json beside it is of another model ('%.60s')", name);
            return;
        }
        if (!*name || strlen(name) > MAX_NAME) {
            import_refuse(p, "speakers.json beside it has a name of 0 or more than %d bytes",
                          MAX_NAME);
            return;
        }
        for (const char *c = name; *c; c++)
            if ((unsigned char) *c < ' ' || *c == 127) {
                import_refuse(p, "speakers.json beside it has a name that is not one line of text");
                return;
            }
        json_array_set_new(names, (size_t) at, json_string(name));
    }
}

/* Numbers, or the names of speakers.json. */
static void write_voices(struct import_plan *p, const struct sizes *z)
{
    json_t *speakers = import_beside_json(p, "speakers.json"), *names = json_array();

    for (unsigned i = 0; i < MAX(z->n_voices, 1u); i++) {
        char number[16];
        snprintf(number, sizeof(number), "%u", i);
        json_array_append_new(names, json_string(number));
    }
    if (speakers && z->n_voices > 0)
        name_voices(p, names, speakers);
    else if (z->n_voices > 0)
        import_note(p, "no speakers.json is beside it: its %u voices are called 0 to %u",
                    z->n_voices, z->n_voices - 1);
    json_decref(speakers);
    import_config(p, "voices", names);
}

/* The first and last boundary. */
static bool read_ends(struct import_plan *p, const char *name, float ends[2])
{
    const struct import_tensor *t = import_source_find(p->source, "variance_adaptor.%s_bins", name);

    if (p->r < 0 || !t || t->rank != 1 || t->n < 1)
        return false;
    import_floats(t, 0, 1, ends);
    import_floats(t, t->n - 1, 1, ends + 1);
    return true;
}

static json_t *known_stats(const double of[2][4])
{
    json_t *o = json_object();

    for (int i = 0; i < 2; i++)
        json_object_set_new(o, varied[i],
                            json_pack("[ffff]", of[i][0], of[i][1], of[i][2], of[i][3]));
    return o;
}

/* stats.json; of a model that was trained on AISHELL3 it is known. */
static void write_stats(struct import_plan *p)
{
    json_t *file = import_beside_json(p, "stats.json");
    double stats[2][4];
    bool is_aishell3 = true;
    float ends[2];

    for (int i = 0; i < 2; i++) {
        const json_t *list = json_object_get(file, varied[i]);
        if (!read_ends(p, varied[i], ends))
            break;
        for (size_t k = 0; k < 4; k++)
            stats[i][k] = json_number_value(json_array_get(list, k));
        for (int k = 0; k < 2; k++) {
            is_aishell3 = is_aishell3 && fabs((double) ends[k] - aishell3[i][k]) < 1e-3;
            if (file && !(fabs((double) ends[k] - stats[i][k]) < 1e-3))
                import_refuse(p, "stats.json beside it is of another model");
        }
        if (file &&
            !(stats[i][2] >= 0 && stats[i][2] <= 1e4 && stats[i][3] >= 1e-3 && stats[i][3] <= 1e4))
            import_refuse(p, "stats.json beside it has no mean and deviation of '%s'", varied[i]);
    }
    if (p->r == 0 && (file || is_aishell3))
        import_config(p, "stats", known_stats(file ? stats : aishell3));
    else if (p->r == 0)
        import_note(p, "no stats.json is beside it: --pitch multiplies how far the pitch goes from "
                       "its mean, not the pitch itself");
    json_decref(file);
}

static void write_config(struct import_plan *p, const struct sizes *z)
{
    import_config(p, "model", json_string("fastspeech2"));
    import_config(p, "arrangement", json_string("ming024"));
    write_sound(p, z);
    import_config(p, "hidden", json_integer(z->hidden));
    import_config(p, "ffn", json_integer(z->ffn));
    import_config(p, "kernels", json_pack("[ii]", z->kernels[0], z->kernels[1]));
    import_config(p, "heads", json_integer(read_heads(p, z)));
    import_config(p, "encoder_layers", json_integer(z->n_encoder));
    import_config(p, "decoder_layers", json_integer(z->n_decoder));
    import_config(p, "predictor", json_integer(z->predictor));
    import_config(p, "predictor_kernel", json_integer(z->predictor_kernel));
    import_config(p, "n_bins", json_integer(z->n_bins));
    import_config(p, "n_mels", json_integer(z->n_mels));
    import_config(p, "postnet", json_integer(z->postnet));
    import_config(p, "postnet_kernel", json_integer(z->postnet_kernel));
    import_config(p, "postnet_layers", json_integer(z->n_postnet));
    import_config(p, "phones", import_fastspeech2_phones());
    write_voices(p, z);
    write_stats(p);
}

/* ---- tensors -------------------------------------------------------------------------------- */

/* "layer.weight" of this shape and "layer.bias", as they are. */
static void keep(struct import_plan *p, unsigned rank, const size_t *shape, const char *layer)
{
    import_copy(p, import_want(p, rank, shape, "%s.weight", layer), "%s.weight", layer);
    import_copy(p, import_want(p, 1, shape, "%s.bias", layer), "%s.bias", layer);
}

static void keep_vector(struct import_plan *p, size_t n, const char *name)
{
    import_copy(p, import_want(p, NN_SHAPE(n), "%s", name), "%s", name);
}

static void keep_table(struct import_plan *p, size_t rows, size_t columns, const char *name)
{
    import_copy(p, import_want(p, NN_SHAPE(rows, columns), "%s", name), "%s", name);
}

static void keep_blocks(struct import_plan *p, const struct sizes *z, const char *stack, unsigned n)
{
    const size_t h = z->hidden, f = z->ffn;
    char layer[80];

#define PART(end) (snprintf(layer, sizeof(layer), "%s.layer_stack.%u." end, stack, i), layer)
    for (unsigned i = 0; i < n; i++) {
        keep(p, NN_SHAPE(h, h), PART("slf_attn.w_qs"));
        keep(p, NN_SHAPE(h, h), PART("slf_attn.w_ks"));
        keep(p, NN_SHAPE(h, h), PART("slf_attn.w_vs"));
        keep(p, NN_SHAPE(h, h), PART("slf_attn.fc"));
        keep(p, NN_SHAPE(h), PART("slf_attn.layer_norm"));
        keep(p, NN_SHAPE(f, h, z->kernels[0]), PART("pos_ffn.w_1"));
        keep(p, NN_SHAPE(h, f, z->kernels[1]), PART("pos_ffn.w_2"));
        keep(p, NN_SHAPE(h), PART("pos_ffn.layer_norm"));
    }
#undef PART
}

static void keep_predictor(struct import_plan *p, const struct sizes *z, const char *name)
{
    const size_t w = z->predictor, k = z->predictor_kernel;
    char layer[96];

#define PART(end)                                                                                  \
    (snprintf(layer, sizeof(layer), "variance_adaptor.%s_predictor." end, name), layer)
    keep(p, NN_SHAPE(w, z->hidden, k), PART("conv_layer.conv1d_1.conv"));
    keep(p, NN_SHAPE(w), PART("conv_layer.layer_norm_1"));
    keep(p, NN_SHAPE(w, w, k), PART("conv_layer.conv1d_2.conv"));
    keep(p, NN_SHAPE(w), PART("conv_layer.layer_norm_2"));
    keep(p, NN_SHAPE(1, w), PART("linear_layer"));
#undef PART
}

static void keep_postnet(struct import_plan *p, const struct sizes *z)
{
    char name[64];

#define PART(end) (snprintf(name, sizeof(name), "postnet.convolutions.%u." end, i), name)
    for (unsigned i = 0; i < z->n_postnet; i++) {
        const size_t co = i + 1 == z->n_postnet ? z->n_mels : z->postnet;
        keep(p, NN_SHAPE(co, i == 0 ? z->n_mels : z->postnet, z->postnet_kernel), PART("0.conv"));
        keep(p, NN_SHAPE(co), PART("1"));
        keep_vector(p, co, PART("1.running_mean"));
        keep_vector(p, co, PART("1.running_var"));
    }
#undef PART
}

static void plan(struct import_plan *p, const struct import_source *s,
                 const struct import_options *options)
{
    struct sizes z = {0};
    char name[64];

    if (!read_sizes(p, &z))
        return;
    check_sizes(p, &z);
    if (p->r < 0)
        return;
    import_describe(p,
                    "FastSpeech2 (ming024), %u + %u blocks of %u channels, %u mel bands, "
                    "%u voices",
                    z.n_encoder, z.n_decoder, z.hidden, z.n_mels, MAX(z.n_voices, 1u));
    write_config(p, &z);
    keep_table(p, z.n_phones, z.hidden, "encoder.src_word_emb.weight");
    if (z.n_voices > 0)
        keep_table(p, z.n_voices, z.hidden, "speaker_emb.weight");
    keep_blocks(p, &z, "encoder", z.n_encoder);
    keep_blocks(p, &z, "decoder", z.n_decoder);
    keep_predictor(p, &z, "duration");
    for (int i = 0; i < 2; i++) {
        keep_predictor(p, &z, varied[i]);
        snprintf(name, sizeof(name), "variance_adaptor.%s_bins", varied[i]);
        keep_vector(p, z.n_bins - 1, name);
        snprintf(name, sizeof(name), "variance_adaptor.%s_embedding.weight", varied[i]);
        keep_table(p, z.n_bins, z.hidden, name);
    }
    keep(p, NN_SHAPE(z.n_mels, z.hidden), "mel_linear");
    keep_postnet(p, &z);
}

const struct import_map import_fastspeech2 = {
    .kind = "fastspeech2",
    .title = "FastSpeech2 (ming024)",
    .file = "fastspeech2.safetensors",
    .is = is,
    .plan = plan,
};
