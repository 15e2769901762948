/* SPDX-License-Identifier: Apache-2.0
 *
 * Which code is it? The one in which the cells are the likeliest text. A code's likelihood is that
 * of its words (shares of the lexicon, as tones are restored), of the tones that it would print on
 * them, and of numbers, signs and cells that are no text. docs/braille.md C has the codes' rules.
 */

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lang/code.h"
#include "lang/reader.h"
#include "lang/tone.h"

/* Current Braille prints tones where they are needed or, in schoolbooks and by liblouis, all. */
enum manner { SPARSE, FULL, COMMON, TWO_CELL, N_MANNERS };

static const enum lang_code code_of[N_MANNERS] = {LANG_CURRENT, LANG_CURRENT, LANG_COMMON,
                                                  LANG_TWO_CELL};

#define TONED_SHARE 0.15 /* of syllables in books of Current Braille: 7 to 23 % in DSBI */
#define NATS_UNKNOWN 8.0 /* a cell that is no text: rarer than the rarest syllable's cells */
#define NATS_SIGN 3.0    /* punctuation: one of about 20 */
#define NATS_MATH 4.5    /* one of about 90 signs in a formula */
#define NATS_NUMBER 4.0  /* that there is a number, then its digits */
#define NATS_DIGIT 2.3   /* ln 10 */
#define NATS_LETTER 3.3  /* ln 26 */
#define NATS_BREACH 4.0  /* a syllable against the rules of its code: 2 % of them */
#define NATS_SHORT 5.0   /* a word of Common Braille in a book of Current Braille */
#define MAX_WORD 32      /* syllables; longer rows of them are cut */
/* Words are not independent of each other, nor the lexicon's shares those of the page: so much
 * is a difference of likelihoods overstated. */
#define OVERSTATED 2.5

/* Prior probabilities: most books are in Current Braille. */
static const double prior[N_MANNERS] = {0.4, 0.2, 0.2, 0.2};

struct word {
    struct lang_syllable items[MAX_WORD];
    bool breaks[MAX_WORD]; ///< prints the tone that Common Braille leaves out
    size_t n, n_toned, n_short, n_breaks;
};

/* The words that only Common Braille has: ni, ta, me of one cell. */
static bool is_short_word(const struct lang_token *t, const uint8_t *cells)
{
    static const char *const words[] = {"ni3", "ta1", "me"};

    if (t->n_cells > 2 || class_of(cells[t->first]) != LANG_INITIAL ||
        (t->n_cells == 2 && class_of(cells[t->first + 1]) != LANG_TONE))
        return false;
    for (size_t i = 0; i < ELEMENTSOF(words); i++)
        if (strcmp(t->text, words[i]) == 0)
            return true;
    return false;
}

/* Up to MAX_WORD syllables that are written together. Returns how many tokens they are. */
static size_t take_word(const struct lang_token *tokens, size_t n_tokens, const uint8_t *cells,
                        struct word *ret)
{
    *ret = (struct word){0};
    while (ret->n < n_tokens && ret->n < MAX_WORD && tokens[ret->n].kind == LANG_SYLLABLE) {
        const struct lang_token *t = &tokens[ret->n];
        const size_t length = strcspn(t->text, "12345");
        const bool is_short = is_short_word(t, cells);
        const uint16_t base = (uint16_t) lang_base_find(t->text, length);
        const uint8_t tone = t->text[length] ? (uint8_t) (t->text[length] - '0') : 0;
        ret->n_short += is_short;
        ret->n_toned += tone != 0 && !is_short;
        ret->n_breaks += tone != 0 && !is_short && tone == lang_omitted_tone(base);
        ret->items[ret->n++] = (struct lang_syllable){.base = base, .tone = tone};
    }
    return ret->n;
}

/* Nats of the cheapest reading where syllables without tone can only have `other` or the neutral
 * tone; `other` 0 means any, 6 means what Common Braille leaves out. */
static int word_nats(const struct word *word, uint8_t other, double *ret)
{
    struct lang_syllable items[MAX_WORD];
    uint32_t cost = 0;

    memcpy(items, word->items, word->n * sizeof(*items));
    for (size_t i = 0; i < word->n && other; i++) {
        const uint8_t omitted = lang_omitted_tone(items[i].base);
        items[i].other = other < 6 ? other : omitted ? omitted : 5;
    }
    int r = lang_tone_word_cost(items, word->n, &cost);
    *ret = cost / 256.0;
    return r;
}

/* A word by the rules of its code, or against them: then each breach costs. */
static int add_word(const struct word *word, enum lang_code code, double nats[N_MANNERS])
{
    const size_t n_bare = word->n - word->n_toned - word->n_short;
    double free_nats, strict, breach;

    int r = word_nats(word, 0, &free_nats);
    if (r < 0)
        return r;
    if (code == LANG_TWO_CELL) {
        nats[TWO_CELL] += free_nats;
        return 0;
    }
    breach = free_nats + NATS_BREACH * (double) n_bare;
    nats[SPARSE] += free_nats - (double) word->n_toned * log(TONED_SHARE) -
                    (double) n_bare * log(1 - TONED_SHARE) + NATS_SHORT * (double) word->n_short;
    r = n_bare ? word_nats(word, 5, &strict) : 0;
    nats[FULL] += (n_bare ? fmin(strict, breach) : free_nats) + NATS_SHORT * (double) word->n_short;
    if (r == 0 && n_bare)
        r = word_nats(word, 6, &strict);
    nats[COMMON] +=
        (n_bare ? fmin(strict, breach) : free_nats) + NATS_BREACH * (double) word->n_breaks;
    return r;
}

static double other_nats(const struct lang_token *t)
{
    switch (t->kind) {
    case LANG_PUNCT:
        return NATS_SIGN;
    case LANG_NUMBER:
        return NATS_NUMBER + NATS_DIGIT * (double) strlen(t->text);
    case LANG_LATIN:
        return NATS_NUMBER + NATS_LETTER * (double) strlen(t->text);
    case LANG_MATH:
        return NATS_MATH;
    case LANG_UNKNOWN:
        return NATS_UNKNOWN * t->n_cells;
    default:
        return 0;
    }
}

/* The nats of a text in the manners of its code; those of other codes are not touched. */
static int weigh(const struct lang_text *text, const uint8_t *cells, double nats[N_MANNERS],
                 size_t *ret_n_unknown)
{
    double others = 0;
    struct word word;
    int r = 0;

    *ret_n_unknown = 0;
    for (size_t i = 0; i < text->n && r == 0;) {
        const struct lang_token *t = &text->tokens[i];
        if (t->kind == LANG_SYLLABLE) {
            i += take_word(t, text->n - i, cells, &word);
            r = add_word(&word, text->code, nats);
            continue;
        }
        others += other_nats(t);
        *ret_n_unknown += t->kind == LANG_UNKNOWN ? t->n_cells : 0;
        i++;
    }
    for (unsigned m = 0; m < N_MANNERS; m++)
        if ((code_of[m] == LANG_TWO_CELL) == (text->code == LANG_TWO_CELL))
            nats[m] += others;
    return r;
}

/* What the manners cost -> what the codes do, and which is the likeliest. */
static void conclude(const double nats[N_MANNERS], struct lang_choice *c)
{
    double p[LANG_N_CODES] = {0}, least = INFINITY, sum = 0;

    for (unsigned k = 0; k < LANG_N_CODES; k++)
        c->nats[k] = INFINITY;
    for (unsigned m = 0; m < N_MANNERS; m++)
        least = fmin(least, nats[m]);
    for (unsigned m = 0; m < N_MANNERS; m++) {
        const double likely = prior[m] * exp((least - nats[m]) / OVERSTATED);
        p[code_of[m]] += likely;
        sum += likely;
        c->nats[code_of[m]] = fmin(c->nats[code_of[m]], nats[m]);
    }
    for (unsigned k = 1; k < LANG_N_CODES; k++)
        if (p[k] > p[c->code])
            c->code = (enum lang_code) k;
    c->p = p[c->code] / sum;
}

int lang_decode_any_part(const uint8_t *cells, size_t first, size_t end,
                         const struct lang_layout *layout, uint32_t *quotes,
                         struct lang_text *ret_text, struct lang_choice *ret)
{
    uint32_t open[2][3] = {{0}};
    CLEANUP(lang_text_done) struct lang_text one = {0};
    CLEANUP(lang_text_done) struct lang_text two = {0};
    struct lang_choice choice = {.code = LANG_CURRENT};
    size_t n_raised = 0, n_unknown[2] = {0};
    double nats[N_MANNERS] = {0};

    for (unsigned i = 0; quotes && i < 3; i++)
        open[0][i] = open[1][i] = quotes[i];
    int r = lang_decode_part(LANG_CURRENT, cells, first, end, layout, open[0], &one);
    if (r == 0)
        r = lang_decode_part(LANG_TWO_CELL, cells, first, end, layout, open[1], &two);
    if (r == 0)
        r = weigh(&one, cells, nats, &n_unknown[0]);
    if (r == 0)
        r = weigh(&two, cells, nats, &n_unknown[1]);
    if (r < 0)
        return r;
    for (size_t i = first; i < end; i++)
        n_raised += !is_gap(cells[i]);
    for (unsigned k = 0; k < LANG_N_CODES; k++)
        choice.legal[k] =
            n_raised ? 1 - (double) n_unknown[k == LANG_TWO_CELL] / (double) n_raised : 0;
    conclude(nats, &choice);
    *ret_text = choice.code == LANG_TWO_CELL ? two : one;
    ret_text->code = choice.code;
    *(choice.code == LANG_TWO_CELL ? &two : &one) = (struct lang_text){0};
    if (quotes)
        memcpy(quotes, open[choice.code == LANG_TWO_CELL], sizeof(open[0]));
    *ret = choice;
    return 0;
}

int lang_decode_any(const uint8_t *cells, size_t n, struct lang_text *ret_text,
                    struct lang_choice *ret)
{
    return lang_decode_any_part(cells, 0, n, NULL, NULL, ret_text, ret);
}
