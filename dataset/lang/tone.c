/* SPDX-License-Identifier: Apache-2.0
 *
 * One braille word by itself.
 */

#include "lang/tone.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "lang/code.h"
#include "lang/hanzi.h"
#include "lang/search.h"

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

int lang_syllable_read(enum lang_code code, const struct lang_token *token,
                       struct lang_syllable *ret)
{
    const size_t length = strcspn(token->text, "12345");
    const char digit = token->text[length];
    const int base = token->kind == LANG_SYLLABLE ? lang_base_find(token->text, length) : -1;

    if (base < 0)
        return -EINVAL;
    *ret = (struct lang_syllable){.base = (uint16_t) base,
                                  .tone = digit ? (uint8_t) (digit - '0') : 0,
                                  .other = lang_unmarked_tone(code, (uint16_t) base)};
    return 0;
}

static int search_word(struct lang_syllable *items, size_t n, struct lang_meaning *ret)
{
    CLEANUP_FREE struct lang_heard *heard = calloc(MAX(n, (size_t) 1), sizeof(*heard));
    CLEANUP_FREE struct lang_meant *meant = calloc(MAX(n, (size_t) 1), sizeof(*meant));

    if (!heard || !meant)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        heard[i] = (struct lang_heard){.s = items[i], .after_gap = i == 0};
    int r = lang_search(heard, n, lang_class_start, meant, ret);
    for (size_t i = 0; i < n && r == 0; i++) {
        items[i].base = (uint16_t) (meant[i].code / 8 - 1);
        items[i].tone = meant[i].code % 8;
    }
    return r;
}

int lang_tone_word(struct lang_syllable *items, size_t n)
{
    struct lang_meaning meaning;

    return search_word(items, n, &meaning);
}

int lang_tone_word_cost(struct lang_syllable *items, size_t n, uint32_t *ret_cost)
{
    struct lang_meaning meaning = {0};

    int r = search_word(items, n, &meaning);
    *ret_cost = (uint32_t) MIN(meaning.cost, UINT32_MAX / 2);
    return r;
}

int lang_word_fit(enum lang_code code, const struct lang_token *tokens, size_t n,
                  struct lang_word_fit *ret)
{
    CLEANUP_FREE struct lang_syllable *items = calloc(MAX(n, (size_t) 1), sizeof(*items));
    struct lang_meaning meaning = {0};
    int r = n > 0 ? 0 : -EINVAL;

    if (!items)
        return -ENOMEM;
    for (size_t i = 0; i < n && r == 0; i++)
        r = lang_syllable_read(code, &tokens[i], &items[i]);
    if (r == 0)
        r = search_word(items, n, &meaning);
    if (r == 0)
        *ret = (struct lang_word_fit){(double) meaning.cost / 256, meaning.n_words,
                                      meaning.n_doubts == 0};
    return r;
}
