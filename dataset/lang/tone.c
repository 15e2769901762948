/* SPDX-License-Identifier: Apache-2.0 */

#include "lang/tone.h"

#include <errno.h>
#include <string.h>

#include "base/macro.h"
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
    uint16_t codes[MAX_SYLLABLES]; ///< that word
};

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
        step.cost = read_alone(items, at == 0, &step.codes[0]);
    } else {
        const struct lang_word *word = find_word(items, n_word);
        if (word) {
            memcpy(step.codes, word->syllables, sizeof(step.codes));
            step.cost = word->cost;
        } else if (n_word == 1) {
            step.cost = read_alone(items, at == 0, &step.codes[0]);
        } else {
            return;
        }
    }
    step.cost += steps[at].cost;
    if (step.cost < steps[at + n_word].cost)
        steps[at + n_word] = step;
}

int lang_tone_word(struct lang_syllable *items, size_t n)
{
    uint32_t cost;

    return lang_tone_word_cost(items, n, &cost);
}

int lang_tone_word_cost(struct lang_syllable *items, size_t n, uint32_t *ret_cost)
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
    for (size_t end = n; end > 0; end -= steps[end].n) {
        const struct step *step = &steps[end];
        for (size_t k = 0; k < step->n; k++) {
            items[end - step->n + k].base = (uint16_t) (step->codes[k] / 8 - 1);
            items[end - step->n + k].tone = step->codes[k] % 8;
        }
    }
    return 0;
}
