/* SPDX-License-Identifier: Apache-2.0
 *
 * Braille CLIP: grey crops, a vocabulary of single characters.
 */
#include "clip/clip_model.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DEVIATION_FLOOR 8 /* levels; a blank crop is noise, not a pattern */

/* ---- vocabulary --------------------------------------------------------------------------- */

/* Next character of *s, which moves on; -EILSEQ for what is no UTF-8. 0 at the end. */
static int32_t next_char(const char **s)
{
    const uint8_t *p = (const uint8_t *) *s;
    const unsigned n = p[0] < 0x80 ? 1 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    uint32_t c = n == 1 ? p[0] : p[0] & (0xffu >> (n + 1));

    if ((p[0] >= 0x80 && p[0] < 0xc0) || p[0] >= 0xf8)
        return -EILSEQ;
    for (unsigned i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80) /* the end of the string is such a byte too */
            return -EILSEQ;
        c = c << 6 | (p[i] & 0x3f);
    }
    if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
        return -EILSEQ;
    if (c)
        *s += n;
    return (int32_t) c;
}

static int by_code(const void *a, const void *b)
{
    const struct clip_letter *x = a, *y = b;

    return x->code < y->code ? -1 : x->code > y->code;
}

static int load_vocabulary(struct clip *c, const struct nn_file *f, struct fail *fail)
{
    static const char *const specials[CLIP_N_SPECIALS] = {"[PAD]", "[CLS]", "[SEP]"};
    const json_t *vocab = json_object_get(nn_file_config(f), "vocab");
    const size_t n = json_array_size(vocab);

    if (n <= CLIP_N_SPECIALS || n > 100000)
        return nn_file_broken(f, fail, "configuration 'vocab' is not a list of characters");
    c->n_vocab = (unsigned) n;
    c->letters = calloc(n, sizeof(*c->letters));
    if (!c->letters)
        return -ENOMEM;
    for (unsigned i = 0; i < n; i++) {
        const char *s = json_string_value(json_array_get(vocab, i));
        int32_t code = 0;
        if (!s || (i < CLIP_N_SPECIALS && strcmp(s, specials[i]) != 0))
            return nn_file_broken(f, fail, "vocabulary entry %u is not as it should be", i);
        if (i < CLIP_N_SPECIALS)
            continue;
        if ((code = next_char(&s)) <= 0 || *s)
            return nn_file_broken(f, fail, "vocabulary entry %u is not one character", i);
        c->letters[i - CLIP_N_SPECIALS] = (struct clip_letter){(uint32_t) code, i};
    }
    qsort(c->letters, n - CLIP_N_SPECIALS, sizeof(*c->letters), by_code);
    for (unsigned i = 1; i < n - CLIP_N_SPECIALS; i++)
        if (c->letters[i].code == c->letters[i - 1].code)
            return nn_file_broken(f, fail, "its vocabulary has a character twice");
    return 0;
}

/* ---- loading --------------------------------------------------------------------------------- */

static int load_calibration(struct clip *c, const struct nn_file *f, struct fail *fail)
{
    const json_t *object = json_object_get(nn_file_config(f), "calibration");
    struct clip_calibration *to = &c->info.calibration;

    if (!object)
        return 0;
    int r = nn_file_number(f, object, "temperature", 1, 10000, &to->temperature, fail);
    if (r == 0)
        r = nn_file_number(f, object, "dot_weight", 0, 100, &to->dot_weight, fail);
    return r < 0 ? r : nn_file_number(f, object, "dot_bias", -100, 100, &to->dot_bias, fail);
}

static int load_config(struct clip *c, const struct nn_file *f, struct fail *fail)
{
    double px_per_pitch;
    int r;

    if ((r = nn_file_uint(f, NULL, "width", 4, 1024, &c->info.width, fail)) < 0 ||
        (r = nn_file_uint(f, NULL, "height", 4, 1024, &c->info.height, fail)) < 0 ||
        (r = nn_file_number(f, NULL, "px_per_pitch", 0.1, 1000, &px_per_pitch, fail)) < 0 ||
        (r = load_vocabulary(c, f, fail)) < 0 || (r = load_calibration(c, f, fail)) < 0)
        return r;
    c->info.n_chan = 1;
    c->info.px_per_pitch = (float) px_per_pitch;
    c->n_patches = c->info.width / c->patch * (c->info.height / c->patch);
    return clip_check_shape(c, f, fail);
}

/* Every text is of type 0, so that row goes into the places. */
static void load_places(struct nn_loader *l, struct clip *c)
{
    const size_t h = c->text.width, n = c->info.max_text;
    const float *rows =
        nn_load_values(l, NN_SHAPE(n, h), "bert.embeddings.position_embeddings.weight");
    const float *types =
        nn_load_values(l, NN_SHAPE(2, h), "bert.embeddings.token_type_embeddings.weight");

    if (l->r < 0)
        return;
    CLEANUP_FREE float *sum = malloc(n * h * sizeof(*sum));
    if (!sum)
        return nn_load_note(l, -ENOMEM);
    for (size_t i = 0; i < n * h; i++)
        sum[i] = rows[i] + types[i % h];
    nn_load_note(l, nn_weight_table(l->nn, sum, (unsigned) n, (unsigned) h, &c->places));
}

int clip_load_braille(struct clip *c, struct nn_file *f, struct fail *fail)
{
    struct nn_loader l = {.nn = c->nn, .file = f, .fail = fail, .half = true};
    const unsigned d = c->vision.width;
    int r = load_config(c, f, fail);

    if (r < 0)
        return r;
    const float *w = nn_load_values(&l, NN_SHAPE(d, 1, c->patch, c->patch), "visual.conv1.weight");
    const float *row = nn_load_values(&l, NN_SHAPE(d), "visual.class_embedding");
    const float *places =
        nn_load_values(&l, NN_SHAPE(1 + (size_t) c->n_patches, d), "visual.positional_embedding");
    if (l.r == 0)
        nn_load_note(&l, nn_weight_patch(l.nn, w, row, places, d, 1, c->patch, c->patch,
                                         c->n_patches, &c->patches));
    for (unsigned i = 0; i < c->vision.layers; i++)
        clip_load_vision_block(&l, &c->vision, i, &c->vision_blocks[i]);
    c->words = nn_load_table(&l, c->n_vocab, c->text.width, "bert.embeddings.word_embeddings");
    load_places(&l, c);
    for (unsigned i = 0; i < c->text.layers; i++)
        clip_load_text_block(&l, &c->text, i, &c->text_blocks[i]);
    return l.r;
}

/* ---- what goes into the towers --------------------------------------------------------------- */

/* (crop - mean) / max(deviation, floor) of n pixels. */
static void normalise(const uint8_t *crop, size_t n, float *out)
{
    uint64_t sum = 0, squares = 0;

    for (size_t i = 0; i < n; i++) {
        sum += crop[i];
        squares += (uint64_t) crop[i] * crop[i];
    }
    const double mean = (double) sum / (double) n;
    const double variance = fmax(0, (double) squares / (double) n - mean * mean);
    const double scale = 1 / fmax(sqrt(variance), DEVIATION_FLOOR);
    for (size_t i = 0; i < n; i++)
        out[i] = (float) ((crop[i] - mean) * scale);
}

int clip_braille_patches(const struct clip *c, struct nn_run *run, const uint8_t *crops, unsigned n,
                         struct nn_tensor **ret)
{
    const size_t size = (size_t) c->info.width * c->info.height;
    CLEANUP_FREE float *pixels = malloc(n * size * sizeof(*pixels));
    struct nn_tensor *in;
    int r;

    if (!pixels)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        normalise(crops + i * size, size, pixels + i * size);
    if ((r = nn_tensor(run, 1, (unsigned) (n * size), 0, &in)) < 0 ||
        (r = nn_tensor_write(in, pixels)) < 0 ||
        (r = nn_tensor(run, c->vision.width, n * (1 + c->n_patches), 0, ret)) < 0)
        return r;
    return nn_patch_embed(run, c->patches, in, n, c->info.height, c->info.width, *ret);
}

int clip_braille_ids(const struct clip *c, const char *text, uint32_t *ids, struct fail *fail)
{
    const char *s = text;
    unsigned n = 0;
    int32_t code;

    ids[n++] = CLIP_CLS;
    while ((code = next_char(&s)) > 0) {
        const struct clip_letter key = {.code = (uint32_t) code};
        const struct clip_letter *letter =
            bsearch(&key, c->letters, c->n_vocab - CLIP_N_SPECIALS, sizeof(key), by_code);
        if (!letter)
            return fail_set(fail, FAIL_INPUT, -EINVAL,
                            "the model does not know the character U+%04X of '%.60s'",
                            (unsigned) code, text);
        if (n + 2 > c->info.max_text)
            return fail_set(fail, FAIL_INPUT, -EINVAL,
                            "'%.60s' has more than the %u characters that the model takes", text,
                            c->info.max_text - 2);
        ids[n++] = letter->id;
    }
    if (code < 0)
        return fail_set(fail, FAIL_INPUT, -EINVAL, "a text for the model is not UTF-8");
    ids[n++] = CLIP_SEP;
    return (int) n;
}

int clip_braille_words(const struct clip *c, struct nn_run *run, const uint32_t *ids, unsigned n,
                       unsigned seq, struct nn_tensor **ret)
{
    CLEANUP_FREE uint32_t *places = malloc((size_t) n * seq * sizeof(*places));
    int r;

    if (!places)
        return -ENOMEM;
    for (unsigned i = 0; i < n * seq; i++)
        places[i] = i % seq;
    if ((r = nn_tensor(run, c->text.width, n * seq, 0, ret)) < 0 ||
        (r = nn_embedding(run, c->words, ids, n * seq, false, *ret)) < 0)
        return r;
    return nn_embedding(run, c->places, places, n * seq, true, *ret);
}
