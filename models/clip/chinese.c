/* SPDX-License-Identifier: Apache-2.0
 *
 * Chinese-CLIP: RGB pictures, BERT's pieces of words. Its tables are larger than its layers, so
 * their rows are read where they lie in the file.
 */
#include "clip/clip_model.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Of the channels of its training's pictures, 0 .. 1. */
static const float mean[] = {0.48145466f, 0.4578275f, 0.40821073f};
static const float deviation[] = {0.26862954f, 0.26130258f, 0.27577711f};

/* exp() of what training keeps the logarithm of the temperature under, ln 100. */
#define MAX_LOG_SCALE 4.6052

/* ---- loading --------------------------------------------------------------------------------- */

static int load_vocabulary(struct clip *c, const struct nn_file *f, struct fail *fail)
{
    const json_t *vocab = json_object_get(nn_file_config(f), "vocab");
    const size_t n = json_array_size(vocab);
    const char *why = NULL;

    if (n < 5 || n > 1000000)
        return nn_file_broken(f, fail, "configuration 'vocab' is not a list of pieces of words");
    CLEANUP_FREE const char **pieces = calloc(n, sizeof(*pieces));
    if (!pieces)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        if (!(pieces[i] = json_string_value(json_array_get(vocab, i))))
            return nn_file_broken(f, fail, "vocabulary entry %zu is not as it should be", i);
    c->n_vocab = (unsigned) n;
    const int r = clip_wordpiece_new(pieces, n, &c->pieces, &why);
    return r == -EBADMSG ? nn_file_broken(f, fail, "%s", why) : r;
}

/* What is read later, layers and rows of tables: it is there and has its shape. */
static int check_rest(struct clip *c, struct nn_file *f, struct fail *fail)
{
    struct nn_loader l = {.nn = c->nn, .file = f, .fail = fail, .dry = true};
    const size_t d = c->vision.width, h = c->text.width;
    struct clip_block none;
    size_t shape[8];
    unsigned rank;

    if (!nn_file_has(f, "bert.embeddings.position_embeddings.weight", &rank, shape) || rank != 2 ||
        shape[0] < c->info.max_text || shape[0] > 65536 || shape[1] != h)
        return nn_file_broken(f, fail, "it has no places of %u channels for %u pieces",
                              c->text.width, c->info.max_text);
    c->n_places = (unsigned) shape[0];
    nn_load_values(&l, NN_SHAPE(c->n_vocab, h), "bert.embeddings.word_embeddings.weight");
    nn_load_values(&l, NN_SHAPE(2, h), "bert.embeddings.token_type_embeddings.weight");
    nn_load_values(&l, NN_SHAPE(d), "visual.class_embedding");
    nn_load_values(&l, NN_SHAPE(1 + (size_t) c->n_patches, d), "visual.positional_embedding");
    for (unsigned i = 0; i < c->vision.layers; i++)
        clip_load_vision_block(&l, &c->vision, i, &none);
    for (unsigned i = 0; i < c->text.layers; i++)
        clip_load_text_block(&l, &c->text, i, &none);
    return l.r;
}

static void load_patches(struct nn_loader *l, struct clip *c)
{
    struct nn_matrix filter = {.co = c->vision.width};

    if (l->r == 0)
        l->r =
            nn_file_view(l->file, "visual.conv1.weight", NN_SHAPE(filter.co, 3, c->patch, c->patch),
                         &filter.values, &filter.type, l->fail);
    if (l->r < 0)
        return;
    const int r =
        nn_weight_linear(l->nn, &filter, 1, 3 * c->patch * c->patch, l->half, &c->patches);
    if (r == -EBADMSG)
        l->r = nn_file_not_finite(l->file, "visual.conv1.weight", l->fail);
    else
        nn_load_note(l, r);
}

int clip_load_chinese(struct clip *c, struct nn_file *f, struct fail *fail)
{
    struct nn_loader l = {.nn = c->nn, .file = f, .fail = fail, .half = true};
    int r;

    if ((r = nn_file_uint(f, NULL, "image", 4, 1024, &c->info.width, fail)) < 0 ||
        (r = load_vocabulary(c, f, fail)) < 0)
        return r;
    c->info.height = c->info.width;
    c->info.n_chan = 3;
    c->n_patches = c->info.width / c->patch * (c->info.height / c->patch);
    if ((r = clip_check_shape(c, f, fail)) < 0 || (r = check_rest(c, f, fail)) < 0)
        return r;
    const float *scale = nn_load_values(&l, 0, NULL, "logit_scale");
    if (l.r == 0)
        c->info.calibration.temperature = exp(fmin(fmax(*scale, 0), MAX_LOG_SCALE));
    load_patches(&l, c);
    return l.r;
}

/* ---- pictures -------------------------------------------------------------------------------- */

/* Each patch as a column of `out` [3 * patch * patch][n * (1 + n_patches)], as the filter's rows
 * have them (channel, y, x); none in the class token's. */
static void cut_patches(const struct clip *c, const uint8_t *pictures, unsigned n, float *out)
{
    const size_t side = c->info.width, p = c->patch, seq = 1 + c->n_patches, across = side / p;
    float levels[3][256];

    for (unsigned k = 0; k < 3; k++)
        for (unsigned v = 0; v < 256; v++)
            levels[k][v] = ((float) v / 255 - mean[k]) / deviation[k];
    for (size_t i = 0; i < n * side * side; i++) {
        const size_t x = i % side, y = i / side % side, picture = i / (side * side);
        const size_t column = picture * seq + 1 + y / p * across + x / p;
        for (size_t k = 0; k < 3; k++)
            out[((k * p + y % p) * p + x % p) * n * seq + column] = levels[k][pictures[3 * i + k]];
    }
}

/* What every picture's tokens begin with: [width][n * (1 + n_patches)]. */
static int put_places(const struct clip *c, unsigned n, float *out, struct fail *fail)
{
    struct nn_loader l = {.nn = c->nn, .file = c->file, .fail = fail};
    const size_t d = c->vision.width, seq = 1 + c->n_patches;
    const float *first = nn_load_values(&l, NN_SHAPE(d), "visual.class_embedding");
    const float *places = nn_load_values(&l, NN_SHAPE(seq, d), "visual.positional_embedding");

    if (l.r < 0)
        return l.r;
    for (size_t k = 0; k < d; k++)
        for (size_t i = 0; i < n * seq; i++)
            out[k * n * seq + i] = places[i % seq * d + k] + (i % seq == 0 ? first[k] : 0);
    return 0;
}

int clip_chinese_patches(const struct clip *c, struct nn_run *run, const uint8_t *pictures,
                         unsigned n, struct nn_tensor **ret, struct fail *fail)
{
    const unsigned d = c->vision.width, length = n * (1 + c->n_patches);
    const unsigned size = 3 * c->patch * c->patch;
    CLEANUP_FREE float *columns = calloc((size_t) MAX(size, d) * length, sizeof(*columns));
    struct nn_tensor *in;
    int r;

    if (!columns)
        return -ENOMEM;
    cut_patches(c, pictures, n, columns);
    if ((r = nn_tensor(run, size, length, 0, &in)) < 0 || (r = nn_tensor_write(in, columns)) < 0 ||
        (r = nn_tensor(run, d, length, 0, ret)) < 0 || (r = put_places(c, n, columns, fail)) < 0 ||
        (r = nn_tensor_write(*ret, columns)) < 0 ||
        (r = nn_linear(run, c->patches, in, *ret, nn_conv_params(.residual = *ret))) < 0)
        return r;
    nn_tensor_done(run, in);
    return 0;
}

/* ---- texts ----------------------------------------------------------------------------------- */

int clip_chinese_ids(const struct clip *c, const char *text, uint32_t *ids, struct fail *fail)
{
    const int n = clip_wordpiece_ids(c->pieces, text, ids, c->info.max_text);

    return n == -EILSEQ ? fail_set(fail, FAIL_INPUT, -EINVAL, "a text for the model is not UTF-8")
                        : n;
}

/* Add some rows of a table to `to` [channels][n], `index` [n] NULL: i % seq. */
static int add_rows(const struct clip *c, const char *name, size_t n_rows, const uint32_t *index,
                    size_t n, size_t seq, float *to, struct fail *fail)
{
    const size_t h = c->text.width;
    CLEANUP_FREE float *row = malloc(h * sizeof(*row));
    const uint8_t *table;
    enum nn_dtype type;

    if (!row)
        return -ENOMEM;
    int r = nn_file_view(c->file, name, NN_SHAPE(n_rows, h), (const void **) &table, &type, fail);
    if (r < 0)
        return r;
    for (size_t i = 0; i < n; i++) {
        const size_t at = index ? index[i] : i % seq;
        if (!nn_values(table + at * h * nn_dtype_size(type), type, h, row))
            return nn_file_not_finite(c->file, name, fail);
        for (size_t k = 0; k < h; k++)
            to[k * n + i] += row[k];
    }
    return 0;
}

int clip_chinese_words(const struct clip *c, struct nn_run *run, const uint32_t *ids, unsigned n,
                       unsigned seq, struct nn_tensor **ret, struct fail *fail)
{
    const size_t h = c->text.width, length = (size_t) n * seq;
    CLEANUP_FREE float *x = calloc(h * length, sizeof(*x));
    int r;

    if (!x)
        return -ENOMEM;
    if ((r = add_rows(c, "bert.embeddings.word_embeddings.weight", c->n_vocab, ids, length, seq, x,
                      fail)) < 0 ||
        (r = add_rows(c, "bert.embeddings.position_embeddings.weight", c->n_places, NULL, length,
                      seq, x, fail)) < 0 ||
        (r = add_rows(c, "bert.embeddings.token_type_embeddings.weight", 2, NULL, length, 1, x,
                      fail)) < 0 ||
        (r = nn_tensor(run, (unsigned) h, (unsigned) length, 0, ret)) < 0)
        return r;
    return nn_tensor_write(*ret, x);
}
