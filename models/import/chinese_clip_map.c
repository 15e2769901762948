/* SPDX-License-Identifier: Apache-2.0
 *
 * Chinese-CLIP (Yang et al. 2022, arXiv 2211.01335), to the names of its authors' code
 * (github.com/OFA-Sys/Chinese-CLIP, MIT), from three forms:
 *   - theirs: {"state_dict": …}, names with or without "module.", fp16 or fp32;
 *   - theirs as it is saved while Flash Attention is on: Wqkv in both towers;
 *   - transformers' ChineseCLIPModel: q, k, v of the image tower apart, projections transposed.
 */

#include "import/map.h"

#include <stdio.h>
#include <string.h>

#include "import/vocab.h"

#define MAX_TEXT 52 /* tokens: what it was trained with */
#define LAYERS_MAX 64

struct model {
    size_t image, patch, vision_width, vision_layers, vision_heads;
    size_t text_width, text_layers, text_heads, text_ffn, embed, pieces, places;
};

enum form { OFA, FLASH, TRANSFORMERS };

/* Where a form keeps things. */
struct names {
    const char *prefix; ///< "module." or ""
    enum form form;
};

static const struct {
    const char *name;
    struct model m;
} published[] = {
    {"ViT-B/16", {224, 16, 768, 12, 12, 768, 12, 12, 3072, 512, 0, 0}},
    {"ViT-L/14", {224, 14, 1024, 24, 16, 768, 12, 12, 3072, 768, 0, 0}},
    {"ViT-L/14-336", {336, 14, 1024, 24, 16, 768, 12, 12, 3072, 768, 0, 0}},
    {"ViT-H/14", {224, 14, 1280, 32, 16, 1024, 24, 16, 4096, 1024, 0, 0}},
};

/* ---- which form
 * ---------------------------------------------------------------------------------- */

static bool find_form(const struct import_source *s, struct names *ret)
{
    static const char *const prefixes[] = {"", "module."};

    ret->form = TRANSFORMERS;
    ret->prefix = "";
    if (import_source_find(s, "vision_model.embeddings.class_embedding") &&
        import_source_find(s, "text_model.embeddings.word_embeddings.weight"))
        return true;
    for (size_t i = 0; i < ELEMENTSOF(prefixes); i++) {
        ret->prefix = prefixes[i];
        if (!import_source_find(s, "%sbert.embeddings.word_embeddings.weight", prefixes[i]) ||
            !(import_source_find(s, "%svisual.class_embedding", prefixes[i]) ||
              import_source_find(s, "%svisual.conv1.weight", prefixes[i])))
            continue;
        ret->form =
            import_source_find(s, "%svisual.transformer.resblocks.0.attn.Wqkv.weight", prefixes[i])
                ? FLASH
                : OFA;
        return true;
    }
    return false;
}

static bool is(const struct import_source *s)
{
    struct names names;

    return find_form(s, &names);
}

/* ---- its shapes
 * -------------------------------------------------------------------------------------- */

static size_t count_layers(const struct import_source *s, const char *prefix, const char *layers,
                           const char *tensor)
{
    size_t n = 0;

    while (n <= LAYERS_MAX && import_source_find(s, "%s%s.%zu.%s", prefix, layers, n, tensor))
        n++;
    return n;
}

/* Side of the picture whose patches and one more are `n`; 0: they make no square. */
static size_t side_of(size_t n, size_t patch)
{
    for (size_t side = 1; side <= 256; side++)
        if (side * side + 1 == n)
            return side * patch;
    return 0;
}

static bool read_shapes(const struct import_source *s, const struct names *n, struct model *m)
{
    const bool hf = n->form == TRANSFORMERS;
    const char *const vision = hf ? "vision_model.embeddings." : "visual.";
    const char *const text = hf ? "text_model" : "bert";
    const struct import_tensor *conv, *places, *projection, *words, *rows, *ffn;

    conv = import_source_find(s, "%s%s%s", n->prefix, vision,
                              hf ? "patch_embedding.weight" : "conv1.weight");
    places = import_source_find(s, "%s%s%s", n->prefix, vision,
                                hf ? "position_embedding.weight" : "positional_embedding");
    projection =
        import_source_find(s, "%s%s", n->prefix, hf ? "visual_projection.weight" : "visual.proj");
    words = import_source_find(s, "%s%s.embeddings.word_embeddings.weight", n->prefix, text);
    rows = import_source_find(s, "%s%s.embeddings.position_embeddings.weight", n->prefix, text);
    ffn = import_source_find(s, "%s%s.encoder.layer.0.intermediate.dense.weight", n->prefix, text);
    if (!conv || conv->rank != 4 || !places || places->rank != 2 || !projection ||
        projection->rank != 2 || !words || words->rank != 2 || !rows || rows->rank != 2 || !ffn ||
        ffn->rank != 2)
        return false;
    m->patch = conv->shape[2];
    m->vision_width = conv->shape[0];
    m->image = m->patch <= 64 ? side_of(places->shape[0], m->patch) : 0;
    m->embed = projection->shape[hf ? 0 : 1];
    m->pieces = words->shape[0];
    m->text_width = words->shape[1];
    m->places = rows->shape[0];
    m->text_ffn = ffn->shape[0];
    m->vision_layers = count_layers(
        s, n->prefix, hf ? "vision_model.encoder.layers" : "visual.transformer.resblocks",
        hf ? "layer_norm1.weight" : "ln_1.weight");
    char layers[64];
    snprintf(layers, sizeof(layers), "%s.encoder.layer", text);
    m->text_layers = count_layers(s, n->prefix, layers, "intermediate.dense.weight");
    return m->image > 0 && m->vision_layers <= LAYERS_MAX && m->text_layers <= LAYERS_MAX;
}

/* ---- heads, which no shape tells
 * -------------------------------------------------------------------- */

static size_t number(const json_t *object, const char *key)
{
    const json_int_t v = json_integer_value(json_object_get(object, key));

    return v > 0 && v <= 65536 ? (size_t) v : 0;
}

/* Of transformers' config.json and of OFA-Sys' (model_configs). False: they are not in it. */
static bool read_heads(const json_t *config, struct model *m)
{
    const size_t head = number(config, "vision_head_width");

    m->vision_heads = head
                          ? m->vision_width / head
                          : number(json_object_get(config, "vision_config"), "num_attention_heads");
    m->text_heads = number(config, "text_num_attention_heads");
    if (!m->text_heads)
        m->text_heads = number(json_object_get(config, "text_config"), "num_attention_heads");
    return m->vision_heads && m->text_heads && m->vision_width % m->vision_heads == 0 &&
           m->text_width % m->text_heads == 0;
}

static bool is_like(const struct model *a, const struct model *b)
{
    return a->image == b->image && a->patch == b->patch && a->vision_width == b->vision_width &&
           a->vision_layers == b->vision_layers && a->text_width == b->text_width &&
           a->text_layers == b->text_layers && a->text_ffn == b->text_ffn && a->embed == b->embed;
}

static const char *find_model(struct import_plan *p, const struct import_source *s,
                              const struct names *n, struct model *m)
{
    if (import_source_find(s, "%svisual.layer1.0.conv1.weight", n->prefix)) {
        import_refuse(p, "it is Chinese-CLIP RN50, whose image tower is a ResNet, which is not "
                         "known here; take ViT-B/16, ViT-L/14, ViT-L/14-336 or ViT-H/14");
        return NULL;
    }
    if (!read_shapes(s, n, m)) {
        import_refuse(p, "its layers do not fit together as those of Chinese-CLIP do");
        return NULL;
    }
    for (size_t i = 0; i < ELEMENTSOF(published); i++)
        if (is_like(m, &published[i].m)) {
            m->vision_heads = published[i].m.vision_heads;
            m->text_heads = published[i].m.text_heads;
            return published[i].name;
        }
    if (read_heads(import_source_config(s), m))
        return "by config.json";
    import_refuse(p,
                  "its shape (picture %zu, patch %zu, width %zu, %zu layers; text %zu, %zu "
                  "layers) is none of ViT-B/16, ViT-L/14, ViT-L/14-336, ViT-H/14; put the "
                  "config.json with its numbers of heads beside it",
                  m->image, m->patch, m->vision_width, m->vision_layers, m->text_width,
                  m->text_layers);
    return NULL;
}

/* Functions of other models that share the layout. */
static void check_functions(struct import_plan *p, const json_t *config)
{
    const char *vision =
        json_string_value(json_object_get(json_object_get(config, "vision_config"), "hidden_act"));
    const char *text =
        json_string_value(json_object_get(json_object_get(config, "text_config"), "hidden_act"));

    if (vision && strcmp(vision, "quick_gelu") != 0)
        import_refuse(p, "its image tower computes with '%.40s' where Chinese-CLIP has quick_gelu",
                      vision);
    if (text && strcmp(text, "gelu") != 0)
        import_refuse(p, "its text tower computes with '%.40s' where Chinese-CLIP has gelu", text);
}

/* ---- tensors
 * -------------------------------------------------------------------------------------------- */

/* A tensor of the source under its own name there, to ours. */
static void copy(struct import_plan *p, unsigned rank, const size_t *shape, const char *from,
                 const char *to)
{
    import_copy(p, import_want(p, rank, shape, "%s", from), "%s", to);
}

/* "<from>.weight" and "<from>.bias" of a layer with `rows` outputs; columns 0: a LayerNorm. */
static void copy_layer(struct import_plan *p, size_t rows, size_t columns, const char *from,
                       const char *to)
{
    const size_t shape[] = {rows, columns};

    import_copy(p, import_want(p, columns ? 2 : 1, shape, "%s.weight", from), "%s.weight", to);
    import_copy(p, import_want(p, 1, shape, "%s.bias", from), "%s.bias", to);
}

/* q, k, v one below the other; `from` has a %s for the letter. */
static void fuse(struct import_plan *p, size_t d, const char *from, const char *to)
{
    static const char letters[] = "qkv";
    const struct import_tensor *weights[3], *biases[3];

    for (unsigned i = 0; i < 3; i++) {
        weights[i] = import_want(p, NN_SHAPE(d, d), "%s.%c_proj.weight", from, letters[i]);
        biases[i] = import_want(p, NN_SHAPE(d), "%s.%c_proj.bias", from, letters[i]);
    }
    import_rows(p, weights, 3, "%s.in_proj_weight", to);
    import_rows(p, biases, 3, "%s.in_proj_bias", to);
}

static void plan_block(struct import_plan *p, const struct names *n, const struct model *m,
                       size_t i)
{
    static const char *const parts[][2] = {{"ln_1", "layer_norm1"},
                                           {"ln_2", "layer_norm2"},
                                           {"attn.out_proj", "self_attn.out_proj"},
                                           {"mlp.c_fc", "mlp.fc1"},
                                           {"mlp.c_proj", "mlp.fc2"}};
    const size_t d = m->vision_width;
    const size_t shapes[][2] = {{d, 0}, {d, 0}, {d, d}, {4 * d, d}, {d, 4 * d}};
    const bool hf = n->form == TRANSFORMERS;
    char from[96], to[64], a[128], b[128];

    snprintf(to, sizeof(to), "visual.transformer.resblocks.%zu", i);
    snprintf(from, sizeof(from), "%s%s.%zu", n->prefix,
             hf ? "vision_model.encoder.layers" : "visual.transformer.resblocks", i);
    snprintf(b, sizeof(b), "%s.attn", to);
    if (hf) {
        snprintf(a, sizeof(a), "%s.self_attn", from);
        fuse(p, d, a, b);
    } else {
        const char *const dot = n->form == FLASH ? "Wqkv." : "in_proj_";
        import_copy(p, import_want(p, NN_SHAPE(3 * d, d), "%s.attn.%sweight", from, dot),
                    "%s.in_proj_weight", b);
        import_copy(p, import_want(p, NN_SHAPE(3 * d), "%s.attn.%sbias", from, dot),
                    "%s.in_proj_bias", b);
    }
    for (size_t k = 0; k < ELEMENTSOF(parts); k++) {
        snprintf(a, sizeof(a), "%s.%s", from, parts[k][hf]);
        snprintf(b, sizeof(b), "%s.%s", to, parts[k][0]);
        copy_layer(p, shapes[k][0], shapes[k][1], a, b);
    }
}

static void plan_image_tower(struct import_plan *p, const struct names *n, const struct model *m)
{
    const bool hf = n->form == TRANSFORMERS;
    const size_t d = m->vision_width, side = m->image / m->patch;
    char from[96];
#define FROM(ofa, transformers)                                                                    \
    (snprintf(from, sizeof(from), "%s%s", n->prefix, hf ? (transformers) : (ofa)), from)

    copy(p, NN_SHAPE(d), FROM("visual.class_embedding", "vision_model.embeddings.class_embedding"),
         "visual.class_embedding");
    copy(p, NN_SHAPE(side * side + 1, d),
         FROM("visual.positional_embedding", "vision_model.embeddings.position_embedding.weight"),
         "visual.positional_embedding");
    copy(p, NN_SHAPE(d, 3, m->patch, m->patch),
         FROM("visual.conv1.weight", "vision_model.embeddings.patch_embedding.weight"),
         "visual.conv1.weight");
    copy_layer(p, d, 0, FROM("visual.ln_pre", "vision_model.pre_layrnorm"), "visual.ln_pre");
    for (size_t i = 0; i < m->vision_layers; i++)
        plan_block(p, n, m, i);
    copy_layer(p, d, 0, FROM("visual.ln_post", "vision_model.post_layernorm"), "visual.ln_post");
    if (hf)
        import_turn(p, import_want(p, NN_SHAPE(m->embed, d), "visual_projection.weight"),
                    "visual.proj");
    else
        copy(p, NN_SHAPE(d, m->embed), FROM("visual.proj", ""), "visual.proj");
}

/* One of query, key, value, from its own tensor or its third of Flash Attention's. */
static void plan_attention(struct import_plan *p, const struct names *n, size_t h, const char *from,
                           const char *to)
{
    static const char *const parts[] = {"query", "key", "value"};
    char a[160], b[160];

    for (size_t k = 0; k < 3; k++) {
        snprintf(a, sizeof(a), "%s.attention.self.%s", from, parts[k]);
        snprintf(b, sizeof(b), "%s.attention.self.%s", to, parts[k]);
        if (n->form != FLASH) {
            copy_layer(p, h, h, a, b);
            continue;
        }
        import_slice(p, import_want(p, NN_SHAPE(3 * h, h), "%s.attention.self.Wqkv.weight", from),
                     k * h, h, "%s.weight", b);
        import_slice(p, import_want(p, NN_SHAPE(3 * h), "%s.attention.self.Wqkv.bias", from), k * h,
                     h, "%s.bias", b);
    }
    snprintf(a, sizeof(a), "%s.attention.%s", from,
             n->form == FLASH ? "self.out_proj" : "output.dense");
    snprintf(b, sizeof(b), "%s.attention.output.dense", to);
    copy_layer(p, h, h, a, b);
}

static void plan_text_tower(struct import_plan *p, const struct names *n, const struct model *m)
{
    static const char *const parts[] = {"attention.output.LayerNorm", "intermediate.dense",
                                        "output.dense", "output.LayerNorm"};
    const size_t h = m->text_width, f = m->text_ffn;
    const size_t shapes[][2] = {{h, 0}, {f, h}, {h, f}, {h, 0}};
    const char *const text = n->form == TRANSFORMERS ? "text_model" : "bert";
    char from[128], to[128], a[192], b[192];

    static const char *const tables[] = {"word_embeddings", "position_embeddings",
                                         "token_type_embeddings"};
    const size_t rows[] = {m->pieces, m->places, 2};
    for (size_t k = 0; k < ELEMENTSOF(tables); k++)
        import_copy(p,
                    import_want(p, NN_SHAPE(rows[k], h), "%s%s.embeddings.%s.weight", n->prefix,
                                text, tables[k]),
                    "bert.embeddings.%s.weight", tables[k]);
    snprintf(from, sizeof(from), "%s%s.embeddings.LayerNorm", n->prefix, text);
    copy_layer(p, h, 0, from, "bert.embeddings.LayerNorm");
    for (size_t i = 0; i < m->text_layers; i++) {
        snprintf(from, sizeof(from), "%s%s.encoder.layer.%zu", n->prefix, text, i);
        snprintf(to, sizeof(to), "bert.encoder.layer.%zu", i);
        plan_attention(p, n, h, from, to);
        for (size_t k = 0; k < ELEMENTSOF(parts); k++) {
            snprintf(a, sizeof(a), "%s.%s", from, parts[k]);
            snprintf(b, sizeof(b), "%s.%s", to, parts[k]);
            copy_layer(p, shapes[k][0], shapes[k][1], a, b);
        }
    }
    if (n->form == TRANSFORMERS)
        import_turn(p, import_want(p, NN_SHAPE(m->embed, h), "text_projection.weight"),
                    "text_projection");
    else
        import_copy(p, import_want(p, NN_SHAPE(h, m->embed), "%stext_projection", n->prefix),
                    "text_projection");
    import_copy(p, import_want(p, 0, NULL, "%slogit_scale", n->prefix), "logit_scale");
}

static void write_config(struct import_plan *p, const struct model *m)
{
    const struct {
        const char *key;
        size_t value;
    } values[] = {
        {"image", m->image},
        {"patch", m->patch},
        {"vision_width", m->vision_width},
        {"vision_layers", m->vision_layers},
        {"vision_heads", m->vision_heads},
        {"text_width", m->text_width},
        {"text_layers", m->text_layers},
        {"text_heads", m->text_heads},
        {"text_ffn", m->text_ffn},
        {"max_text", MIN(m->places, (size_t) MAX_TEXT)},
        {"embed", m->embed},
    };

    import_config(p, "model", json_string("chinese-clip"));
    for (size_t i = 0; i < ELEMENTSOF(values); i++)
        import_config(p, values[i].key, json_integer((json_int_t) values[i].value));
}

static void plan(struct import_plan *p, const struct import_source *s,
                 const struct import_options *options)
{
    struct names names;
    struct model m = {0};

    if (!find_form(s, &names)) {
        import_refuse(p, "it has not the tensors of Chinese-CLIP");
        return;
    }
    const char *name = find_model(p, s, &names, &m);
    if (!name)
        return;
    if (names.form == TRANSFORMERS)
        check_functions(p, import_source_config(s));
    import_describe(p, "Chinese-CLIP %s, pictures of %zu by %zu, embeddings of %zu", name, m.image,
                    m.image, m.embed);
    write_config(p, &m);
    plan_image_tower(p, &names, &m);
    plan_text_tower(p, &names, &m);
    import_vocab(p, options, m.pieces);
}

const struct import_map import_chinese_clip = {
    .kind = "chinese-clip",
    .title = "Chinese-CLIP",
    .file = "chinese-clip.safetensors",
    .is = is,
    .plan = plan,
};
