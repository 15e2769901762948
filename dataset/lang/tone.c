/* SPDX-License-Identifier: Apache-2.0 */

#include "lang/tone.h"

#include <errno.h>
#include <string.h>

#include "base/macro.h"
#include "lang/code.h"
#include "lang/hanzi.h"
#include "lang/tables.h"

enum {
    MAX_SYLLABLES = 4,     ///< of a word in the lexicon
    COST_ALONE = 256 * 2,  ///< a syllable of its own inside a longer word
    COST_NEVER = 256 * 16, ///< a toned syllable that is no word
};

/* The cheapest way to read the syllables before a place. */
struct step {
    uint32_t cost;
    uint8_t n;                     ///< syllables of the last word
    bool alone;                    ///< which is in no lexicon
    uint16_t codes[MAX_SYLLABLES]; ///< that word
};

uint8_t lang_unmarked_tone(enum lang_code code, uint16_t base)
{
    if (code == LANG_TWO_CELL)
        return 4; /* other tones have cells of their own */
    if (code == LANG_CURRENT)
        return 0;
    uint8_t tone = lang_omitted_tone(base);
    /* e is written with every tone, but the draft of the standard leaves one out */
    if (tone == 0)
        return strcmp(lang_bases[base].text, "e") == 0 ? 0 : 5;
    return lang_two_cell[base].tones >> tone & 1 ? tone : 0; /* there is no ta2: ta is any */
}

static uint16_t usual_of(uint16_t code)
{
    return lang_bases[code / 8 - 1].usual;
}

/* Order of a lexicon word against n syllables, by what their cells say. */
static int compare(const struct lang_word *word, const struct lang_syllable *key, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (word->syllables[i] == 0)
            return -1;
        int order = (int) usual_of(word->syllables[i]) - (int) lang_bases[key[i].base].usual;
        if (order != 0)
            return order;
    }
    return n < MAX_SYLLABLES && word->syllables[n] != 0 ? 1 : 0;
}

static bool can_be(const struct lang_syllable *s, unsigned tone)
{
    if (s->tone != 0)
        return tone == s->tone;
    return s->other == 0 || tone == s->other || tone == 5;
}

static bool agrees(const struct lang_word *word, const struct lang_syllable *key, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!can_be(&key[i], word->syllables[i] % 8))
            return false;
    return true;
}

/* The most frequent word of these n syllables that agrees with their tones, or NULL. */
static const struct lang_word *find_word(const struct lang_syllable *key, size_t n)
{
    size_t low = 0, high = lang_n_lexicon;

    while (low < high) {
        size_t mid = (low + high) / 2;
        if (compare(&lang_lexicon[mid], key, n) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    for (; low < lang_n_lexicon && compare(&lang_lexicon[low], key, n) == 0; low++)
        if (agrees(&lang_lexicon[low], key, n))
            return &lang_lexicon[low];
    return NULL;
}

/* One syllable inside a longer word: its usual tone there, else what is printed or can be meant. */
static uint32_t read_alone(const struct lang_syllable *s, bool first, uint16_t *ret_code)
{
    const struct lang_inside *inside = &lang_inside[s->base][!first];
    uint8_t tone = s->tone ? s->tone : s->other ? s->other : 1;

    if (inside->tone && can_be(s, inside->tone))
        tone = inside->tone;
    *ret_code = (uint16_t) ((s->base + 1) * 8 + tone);
    return COST_ALONE + (tone == inside->tone ? inside->cost : COST_NEVER);
}

static void extend(struct step *steps, size_t at, const struct lang_syllable *items, size_t n_word,
                   bool whole)
{
    struct step step = {.n = (uint8_t) n_word};

    if (n_word == 1 && !whole) {
        step.alone = true;
        step.cost = read_alone(items, at == 0, &step.codes[0]);
    } else {
        const struct lang_word *word = find_word(items, n_word);
        if (word) {
            memcpy(step.codes, word->syllables, sizeof(step.codes));
            step.cost = word->cost;
        } else if (n_word == 1) {
            step.alone = true;
            step.cost = read_alone(items, at == 0, &step.codes[0]);
        } else {
            return;
        }
    }
    step.cost += steps[at].cost;
    if (step.cost < steps[at + n_word].cost)
        steps[at + n_word] = step;
}

static int read_word(struct lang_syllable *items, size_t n, uint32_t *ret_cost, size_t *ret_n_parts,
                     size_t *ret_n_alone)
{
    CLEANUP_FREE struct step *steps = malloc((n + 1) * sizeof(*steps));

    if (!steps)
        return -ENOMEM;
    for (size_t i = 0; i <= n; i++)
        steps[i] = (struct step){.cost = i == 0 ? 0 : UINT32_MAX};
    for (size_t i = 0; i < n; i++) {
        /* costs count from here, so that a word of a million syllables does not overflow */
        if (steps[i].cost > UINT32_MAX / 2)
            for (size_t k = i + MAX_SYLLABLES + 1; k-- > i;)
                if (k <= n && steps[k].cost != UINT32_MAX)
                    steps[k].cost -= UINT32_MAX / 4;
        for (size_t n_word = 1; n_word <= MAX_SYLLABLES && i + n_word <= n; n_word++)
            extend(steps, i, items + i, n_word, n == 1);
    }
    *ret_cost = MIN(steps[n].cost, UINT32_MAX / 2);
    *ret_n_parts = *ret_n_alone = 0;
    for (size_t end = n; end > 0; end -= steps[end].n) {
        const struct step *step = &steps[end];
        *ret_n_parts += 1;
        *ret_n_alone += step->alone;
        for (size_t k = 0; k < step->n; k++) {
            items[end - step->n + k].base = (uint16_t) (step->codes[k] / 8 - 1);
            items[end - step->n + k].tone = step->codes[k] % 8;
        }
    }
    return 0;
}

int lang_tone_word(struct lang_syllable *items, size_t n)
{
    uint32_t cost;

    return lang_tone_word_cost(items, n, &cost);
}

int lang_tone_word_cost(struct lang_syllable *items, size_t n, uint32_t *ret_cost)
{
    size_t n_parts, n_alone;

    return read_word(items, n, ret_cost, &n_parts, &n_alone);
}

int lang_word_fit(enum lang_code code, const struct lang_token *tokens, size_t n,
                  struct lang_word_fit *ret)
{
    CLEANUP_FREE struct lang_syllable *items = calloc(MAX(n, (size_t) 1), sizeof(*items));
    uint32_t cost = 0;
    size_t n_parts = 0, n_alone = 0;

    if (!items)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        const size_t length = strcspn(tokens[i].text, "12345");
        const char digit = tokens[i].text[length];
        const int base =
            tokens[i].kind == LANG_SYLLABLE ? lang_base_find(tokens[i].text, length) : -1;
        if (base < 0)
            return -EINVAL;
        items[i] = (struct lang_syllable){.base = (uint16_t) base,
                                          .tone = digit ? (uint8_t) (digit - '0') : 0,
                                          .other = lang_unmarked_tone(code, (uint16_t) base)};
    }
    int r = n > 0 ? read_word(items, n, &cost, &n_parts, &n_alone) : -EINVAL;
    if (r == 0)
        *ret = (struct lang_word_fit){cost / 256.0, n_parts, n_alone == 0};
    return r;
}
