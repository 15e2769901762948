/* SPDX-License-Identifier: Apache-2.0
 *
 * Tone sandhi by the rules of the school book: of third tones in a row without a pause all but the
 * last become second, but one syllable before a word of two keeps a half third tone; bu4 is bu2
 * before a fourth tone; yi1 (one) is yi2 before a fourth, yi4 before the others, but not at a
 * word's end, in ordinals, or among digits. The voice was trained on speech that follows the same
 * rules (models/recipes), third tones across words included.
 */

#include "lang/lang.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lang/buf.h"
#include "lang/tables.h"
#include "lang/words.h"

static bool is_one_of(struct lang_syllable s, const char *const *list)
{
    char text[10];

    lang_syllable_format(s, text);
    for (; *list; list++)
        if (strcmp(text, *list) == 0)
            return true;
    return false;
}

static bool is(struct lang_syllable s, const char *text)
{
    const char *const list[] = {text, NULL};

    return is_one_of(s, list);
}

static int compare_keepers(const void *a, const void *b)
{
    const struct lang_keeper *x = a, *y = b;

    return x->first != y->first ? (int) x->first - y->first : (int) x->second - y->second;
}

static bool keeps(struct lang_syllable first, struct lang_syllable second)
{
    const struct lang_keeper key = {(uint16_t) ((first.base + 1) * 8 + first.tone),
                                    (uint16_t) ((second.base + 1) * 8 + second.tone)};

    return bsearch(&key, lang_keepers, lang_n_keepers, sizeof(key), compare_keepers) != NULL;
}

/* Counting, not measuring: "er4ling2yi1er4", "di4yi1", "shi2yi1", "yi1yue4" keep yi1. */
static bool counts(const struct lang_syllable *before, struct lang_syllable after, bool whole)
{
    static const char *const digits[] = {"ling2", "yi1", "er4", "san1", "si4", "wu3",
                                         "liu4",  "qi1", "ba1", "jiu3", NULL};
    static const char *const ahead[] = {"di4",  "shi2", "bai3",  "qian1", "wan4",
                                        "chu1", "zhi1", "dian3", NULL};

    if (before && (is_one_of(*before, digits) || is_one_of(*before, ahead)))
        return true;
    return is_one_of(after, digits) || (whole && (is(after, "yue4") || is(after, "hao4")));
}

/* yi1 and bu4 at place i of a word. `next`: the first syllable of the next word, or NULL. */
static uint8_t new_tone(const struct lang_piece *word, size_t i, const struct lang_syllable *next)
{
    const struct lang_syllable s = word->items[i];
    const bool yi = is(s, "yi1"), bu = is(s, "bu4");

    if ((!yi && !bu) || s.sandhi == LANG_SANDHI_NONE)
        return s.tone;
    const struct lang_syllable *after = word->n == 1 ? next : NULL;
    if (i + 1 < word->n)
        after = &word->items[i + 1];
    if (!after || (word->n > 1 && s.sandhi == LANG_SANDHI_BY_SOUND && keeps(s, *after)))
        return s.tone;
    if (bu)
        return after->tone == 4 ? 2 : 4;
    if (counts(i > 0 ? &word->items[i - 1] : NULL, *after, i == 0 && word->n == 2))
        return s.tone;
    if (after->tone == 4 || is(*after, "ge5"))
        return 2;
    return after->tone >= 1 && after->tone <= 3 ? 4 : s.tone;
}

static bool is_third(const struct lang_piece *word, size_t i)
{
    return word->kind == LANG_PIECE_WORD && i < word->n && word->items[i].tone == 3;
}

/* One syllable and a word of two, all third tones and no more of them: the first is said with a
 * half third tone, as in xiao3 | yu2san3. Huang Borong, Liao Xudong, Xiandai Hanyu. */
static bool is_half_third(const struct lang_pieces *p, size_t k)
{
    const struct lang_piece *word = &p->items[k], *next = word + 1;

    return word->n == 1 && is_third(word, 0) && k + 1 < p->n && next->n == 2 && is_third(next, 0) &&
           is_third(next, 1) && !(k > 0 && is_third(word - 1, word[-1].n - 1)) &&
           !(k + 2 < p->n && is_third(next + 1, 0));
}

/* Words from the last to the first, syllables from the first to the last, so that each still sees
 * the printed tone of the one behind it; `next` is a word's first syllable as printed, NULL at a
 * pause. */
void lang_pieces_sandhi(struct lang_pieces *p)
{
    const struct lang_syllable *next = NULL;
    struct lang_syllable next_printed = {0};

    for (size_t k = 0; k < p->n; k++)
        if (is_half_third(p, k))
            p->items[k].items[0].sandhi = LANG_SANDHI_HALF;
    for (size_t k = p->n; k-- > 0;) {
        struct lang_piece *word = &p->items[k];
        if (word->kind == LANG_PIECE_PAUSE)
            next = NULL;
        if (word->kind != LANG_PIECE_WORD)
            continue;
        const struct lang_syllable first = word->items[0];
        for (size_t i = 0; i < word->n; i++) {
            const struct lang_syllable *after = i + 1 < word->n ? &word->items[i + 1] : next;
            uint8_t tone = new_tone(word, i, next);
            if (tone == 3 && after && after->tone == 3 && word->items[i].sandhi != LANG_SANDHI_HALF)
                tone = 2;
            word->items[i].tone = tone;
        }
        next_printed = first;
        next = &next_printed;
    }
}

int lang_sandhi(const char *pinyin, char **ret, struct fail *fail)
{
    struct lang_pieces pieces;
    struct lang_buf out = {0};
    char text[10];
    int r = lang_pieces_read(pinyin, &pieces, fail);

    if (r < 0)
        return r;
    lang_pieces_sandhi(&pieces);
    for (size_t k = 0; k < pieces.n; k++) {
        const struct lang_piece *piece = &pieces.items[k];
        lang_buf_space(&out);
        if (piece->kind != LANG_PIECE_WORD)
            lang_buf_adds(&out, piece->sign);
        for (size_t i = 0; i < piece->n; i++) {
            if (i > 0 && lang_needs_apostrophe(piece->items[i - 1], piece->items[i]))
                lang_buf_adds(&out, "'");
            lang_syllable_format(piece->items[i], text);
            lang_buf_adds(&out, text);
        }
    }
    lang_pieces_done(&pieces);
    r = lang_buf_take(&out, ret);
    return r < 0 ? fail_set(fail, FAIL_OTHER, r, "not enough memory for the pinyin") : 0;
}
