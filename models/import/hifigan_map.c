/* SPDX-License-Identifier: Apache-2.0
 *
 * jik876's HiFi-GAN generators (github.com/jik876/hifi-gan, MIT): {"generator": state}, V1, V2 and
 * V3 by their shapes, others by the config.json beside them. Filters come with weight norm in its
 * old form (weight_g, weight_v), in its new one (parametrizations.weight.original0, original1) or
 * folded; ours are folded.
 */

#include "import/map.h"

#include <stdio.h>
#include <string.h>

#include "base/tr.h"

#define PRE_TAPS 7
#define MAX_STAGES 6 /* as hifigan_model.h */
#define MAX_BLOCKS 4
#define MAX_DILATIONS 4
#define PUBLISHED_RATE_HZ 22050 /* all of jik876's */

struct generator {
    unsigned channels, n_mels, resblock;
    unsigned n_stages, rates[MAX_STAGES], taps[MAX_STAGES];
    unsigned n_blocks, block_taps[MAX_BLOCKS];
    unsigned n_dilations[MAX_BLOCKS], dilations[MAX_BLOCKS][MAX_DILATIONS];
};

static const struct {
    const char *name;
    struct generator g;
} published[] = {
    {"V1",
     {512,
      80,
      1,
      4,
      {8, 8, 2, 2},
      {16, 16, 4, 4},
      3,
      {3, 7, 11},
      {3, 3, 3},
      {{1, 3, 5}, {1, 3, 5}, {1, 3, 5}}}},
    {"V2",
     {128,
      80,
      1,
      4,
      {8, 8, 2, 2},
      {16, 16, 4, 4},
      3,
      {3, 7, 11},
      {3, 3, 3},
      {{1, 3, 5}, {1, 3, 5}, {1, 3, 5}}}},
    {"V3",
     {256, 80, 2, 3, {8, 8, 4}, {16, 16, 8}, 3, {3, 5, 7}, {2, 2, 2}, {{1, 2}, {2, 6}, {3, 12}}}},
};

/* A filter by the names it may have; its shape is that of the unfolded one. */
static const struct import_tensor *find_filter(const struct import_source *s, const char *layer)
{
    static const char *const ends[] = {"weight", "weight_v", "parametrizations.weight.original1"};
    const struct import_tensor *t = NULL;

    for (size_t i = 0; i < ELEMENTSOF(ends) && !t; i++)
        t = import_source_find(s, "%s.%s", layer, ends[i]);
    return t;
}

static bool is(const struct import_source *s)
{
    return find_filter(s, "conv_pre") && find_filter(s, "ups.0") && find_filter(s, "conv_post");
}

/* ---- the shape of the network ------------------------------------------------------------------
 */

/* What the tensors say; 0: they do not fit together. Rates and dilations cannot be seen. */
static bool read_shapes(const struct import_source *s, struct generator *g)
{
    const struct import_tensor *pre = find_filter(s, "conv_pre"), *t;
    char layer[64];
    unsigned n;

    if (!pre || pre->rank != 3 || pre->shape[0] > 4096 || pre->shape[1] > 512)
        return false;
    g->channels = (unsigned) pre->shape[0];
    g->n_mels = (unsigned) pre->shape[1];
    for (n = 0; n < MAX_STAGES; n++) {
        snprintf(layer, sizeof(layer), "ups.%u", n);
        if (!(t = find_filter(s, layer)))
            break;
        if (t->rank != 3 || t->shape[2] > 64)
            return false;
        g->taps[n] = (unsigned) t->shape[2];
    }
    g->n_stages = n;
    g->resblock = find_filter(s, "resblocks.0.convs1.0") ? 1 : 2;
    for (n = 0; n <= MAX_STAGES * MAX_BLOCKS; n++) {
        snprintf(layer, sizeof(layer), "resblocks.%u.%s.0", n,
                 g->resblock == 1 ? "convs1" : "convs");
        if (!(t = find_filter(s, layer)))
            break;
        if (t->rank != 3 || t->shape[2] > 31)
            return false;
        if (n < MAX_BLOCKS)
            g->block_taps[n] = (unsigned) t->shape[2];
    }
    g->n_blocks = g->n_stages ? n / g->n_stages : 0;
    return g->n_blocks >= 1 && g->n_blocks <= MAX_BLOCKS && n == g->n_blocks * g->n_stages;
}

static bool is_like(const struct generator *a, const struct generator *b)
{
    return a->channels == b->channels && a->n_mels == b->n_mels && a->resblock == b->resblock &&
           a->n_stages == b->n_stages && a->n_blocks == b->n_blocks &&
           memcmp(a->taps, b->taps, a->n_stages * sizeof(*a->taps)) == 0 &&
           memcmp(a->block_taps, b->block_taps, a->n_blocks * sizeof(*a->block_taps)) == 0;
}

/* Up to `max` numbers of 1 .. 64; the count, or 0. */
static unsigned read_list(const json_t *list, unsigned max, unsigned *to)
{
    const size_t n = json_array_size(list);

    if (n == 0 || n > max)
        return 0;
    for (size_t i = 0; i < n; i++) {
        const json_int_t v = json_integer_value(json_array_get(list, i));
        if (v < 1 || v > 64)
            return 0;
        to[i] = (unsigned) v;
    }
    return (unsigned) n;
}

/* jik876's config.json: rates and dilations, and the kernels again, which must agree. */
static bool read_config(const json_t *config, struct generator *g)
{
    const json_t *lists = json_object_get(config, "resblock_dilation_sizes");
    const struct generator seen = *g;

    if (read_list(json_object_get(config, "upsample_rates"), MAX_STAGES, g->rates) != g->n_stages ||
        read_list(json_object_get(config, "upsample_kernel_sizes"), MAX_STAGES, g->taps) !=
            g->n_stages ||
        read_list(json_object_get(config, "resblock_kernel_sizes"), MAX_BLOCKS, g->block_taps) !=
            g->n_blocks ||
        json_array_size(lists) != g->n_blocks)
        return false;
    for (unsigned k = 0; k < g->n_blocks; k++)
        if (!(g->n_dilations[k] =
                  read_list(json_array_get(lists, k), MAX_DILATIONS, g->dilations[k])))
            return false;
    return is_like(&seen, g);
}

/* The generator by config.json, else by what was published; NULL where it is neither. */
static const char *find_generator(struct import_plan *p, const struct import_source *s,
                                  struct generator *g)
{
    const json_t *config = import_source_config(s);

    if (!read_shapes(s, g)) {
        import_refuse(p, "its layers do not fit together as those of a HiFi-GAN generator do");
        return NULL;
    }
    if (json_object_get(config, "upsample_rates")) {
        if (read_config(config, g))
            return "by config.json";
        import_refuse(p, "config.json beside it is of another generator");
        return NULL;
    }
    for (size_t i = 0; i < ELEMENTSOF(published); i++)
        if (is_like(g, &published[i].g)) {
            *g = published[i].g;
            return published[i].name;
        }
    import_refuse(p,
                  "its shapes (%u channels, %u mel bands, %u stages) are none of V1 (512, 80, "
                  "4), V2 (128, 80, 4) and V3 (256, 80, 3); put the config.json it was "
                  "trained with beside it",
                  g->channels, g->n_mels, g->n_stages);
    return NULL;
}

/* ---- configuration ------------------------------------------------------------------------------
 */

static json_t *list_of(const unsigned *values, unsigned n)
{
    json_t *list = json_array();

    for (unsigned i = 0; i < n; i++)
        json_array_append_new(list, json_integer(values[i]));
    return list;
}

/* What it was trained on against what our models speak with: docs/speech.md, the mel definition. */
static void tell_mel(struct import_plan *p, const json_t *config, unsigned rate, unsigned hop,
                     unsigned n_mels)
{
    static const struct {
        const char *key;
        double ours;
    } ours[] = {{"n_fft", 1024}, {"win_size", 1024}, {"fmin", 0}, {"fmax", 8000}};

    if (rate != 16000)
        import_note(p,
                    "it speaks at %u Hz, our own voice at 16000 Hz: it needs a FastSpeech2 of "
                    "the same rate beside it",
                    rate);
    if (hop != 256)
        import_note(p,
                    "its frames are %u samples apart, those of our voice 256: the two do not "
                    "fit together",
                    hop);
    if (n_mels != 80)
        import_note(p, "it takes %u mel bands, our voice has 80: the two do not fit together",
                    n_mels);
    for (size_t i = 0; i < ELEMENTSOF(ours); i++) {
        const json_t *v = json_object_get(config, ours[i].key);
        if (json_is_number(v) && json_number_value(v) != ours[i].ours)
            import_note(p,
                        "its %s is %g, that of our mel spectra %g: what it speaks from must be "
                        "trained with the same",
                        ours[i].key, json_number_value(v), ours[i].ours);
    }
}

static unsigned read_rate(struct import_plan *p, const json_t *config)
{
    const json_t *v = json_object_get(config, "sampling_rate");
    const json_int_t rate = json_integer_value(v);

    if (v && (rate < 8000 || rate > 48000)) {
        import_refuse(p, "config.json has a sampling rate outside 8000 to 48000 Hz");
    } else if (!v) {
        import_note(p, "no config.json with a sampling rate is beside it: 22050 Hz is taken, as "
                       "all published generators have it");
        return PUBLISHED_RATE_HZ;
    }
    return (unsigned) rate;
}

/* Where its mel's bands end: null is half the rate; all published ones say 8000. */
static double read_top_hz(const json_t *config, unsigned rate)
{
    const json_t *v = json_object_get(config, "fmax");
    const double half = rate / 2.0, top = json_is_number(v) ? json_number_value(v) : 8000;

    return json_is_null(v) || !(top >= 1000 && top < half) ? half : top;
}

static void write_config(struct import_plan *p, const struct generator *g, const json_t *config)
{
    const json_t *said = json_object_get(config, "hop_size");
    json_t *dilations = json_array();
    const unsigned rate = read_rate(p, config);
    unsigned hop = 1;

    for (unsigned i = 0; i < g->n_stages; i++)
        hop *= g->rates[i];
    if (said && json_integer_value(said) != hop)
        import_refuse(p, "config.json says %lld samples a frame, its rates make %u",
                      (long long) json_integer_value(said), hop);
    for (unsigned k = 0; k < g->n_blocks; k++)
        json_array_append_new(dilations, list_of(g->dilations[k], g->n_dilations[k]));
    import_config(p, "model", json_string("hifigan"));
    import_config(p, "channels", json_integer(g->channels));
    import_config(p, "rates", list_of(g->rates, g->n_stages));
    import_config(p, "kernels", list_of(g->taps, g->n_stages));
    import_config(p, "resblock", json_integer(g->resblock));
    import_config(p, "res_kernels", list_of(g->block_taps, g->n_blocks));
    import_config(p, "res_dilations", dilations);
    import_config(p, "rate", json_integer(rate));
    import_config(p, "hop", json_integer(hop));
    import_config(p, "n_mels", json_integer(g->n_mels));
    import_config(p, "fmax", json_real(read_top_hz(config, rate)));
    import_config(p, "envelope", json_integer(0)); /* it speaks as it was trained to */
    if (p->r == 0)
        tell_mel(p, config, rate, hop, g->n_mels);
}

/* ---- weights
 * ------------------------------------------------------------------------------------- */

/* A convolution [a, b, taps] with a bias of `n_bias`. The norm goes over all dimensions but the
 * first, which is the output channel, of transposed ones the input channel. */
static void plan_filter(struct import_plan *p, const struct import_source *s, size_t a, size_t b,
                        size_t taps, size_t n_bias, const char *layer)
{
    static const char *const norms[][2] = {
        {"weight_g", "weight_v"},
        {"parametrizations.weight.original0", "parametrizations.weight.original1"},
    };
    const struct import_tensor *g, *v;

    for (size_t i = 0; i < ELEMENTSOF(norms); i++) {
        if (!import_source_find(s, "%s.%s", layer, norms[i][1]))
            continue;
        g = import_want(p, NN_SHAPE(a, 1, 1), "%s.%s", layer, norms[i][0]);
        v = import_want(p, NN_SHAPE(a, b, taps), "%s.%s", layer, norms[i][1]);
        import_weight_norm(p, g, v, "%s.weight", layer);
        import_copy(p, import_want(p, NN_SHAPE(n_bias), "%s.bias", layer), "%s.bias", layer);
        return;
    }
    import_copy(p, import_want(p, NN_SHAPE(a, b, taps), "%s.weight", layer), "%s.weight", layer);
    import_copy(p, import_want(p, NN_SHAPE(n_bias), "%s.bias", layer), "%s.bias", layer);
}

static void plan_block(struct import_plan *p, const struct import_source *s,
                       const struct generator *g, unsigned index, size_t channels)
{
    static const char *const first[] = {"convs1", "convs2"}, *const second[] = {"convs"};
    const char *const *names = g->resblock == 1 ? first : second;
    const unsigned k = index % g->n_blocks;
    char layer[64];

    for (unsigned j = 0; j < g->n_dilations[k]; j++)
        for (unsigned i = 0; i < (g->resblock == 1 ? 2 : 1); i++) {
            snprintf(layer, sizeof(layer), "resblocks.%u.%s.%u", index, names[i], j);
            plan_filter(p, s, channels, channels, g->block_taps[k], channels, layer);
        }
}

static void plan(struct import_plan *p, const struct import_source *s,
                 const struct import_options *options)
{
    const json_t *config = import_source_config(s);
    struct generator g = {0};
    char layer[64];

    const char *name = find_generator(p, s, &g);
    if (!name)
        return;
    if (!json_object_get(config, "upsample_rates"))
        config = NULL; /* of something else */
    import_describe(p, "HiFi-GAN generator %s, %u channels, %u stages, %u mel bands", name,
                    g.channels, g.n_stages, g.n_mels);
    write_config(p, &g, config);
    plan_filter(p, s, g.channels, g.n_mels, PRE_TAPS, g.channels, "conv_pre");
    for (unsigned i = 0; i < g.n_stages; i++) {
        const size_t from = g.channels >> i, to = g.channels >> (i + 1);
        snprintf(layer, sizeof(layer), "ups.%u", i);
        plan_filter(p, s, from, to, g.taps[i], to, layer);
        for (unsigned k = 0; k < g.n_blocks; k++)
            plan_block(p, s, &g, i * g.n_blocks + k, to);
    }
    plan_filter(p, s, 1, g.channels >> g.n_stages, PRE_TAPS, 1, "conv_post");
}

const struct import_map import_hifigan = {
    .kind = "hifigan",
    .title = "HiFi-GAN",
    .file = "hifigan.safetensors",
    .is = is,
    .plan = plan,
};
