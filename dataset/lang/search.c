/* SPDX-License-Identifier: Apache-2.0
 *
 * A Viterbi search whose states are the last word. Of the words that can end at a place the
 * cheapest N_KEPT go on; each remembers the cheapest word before it.
 */

#include "lang/search.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"

enum {
    MAX_SYLLABLES = 8, ///< of a word in the lexicon
    MAX_RUN = 192,     ///< syllables that are searched at once
    N_KEPT = 16,
    N_SINGLES = 24, ///< words of one syllable that are tried
    N_LONGER = 8,   ///< of each greater length
    /* In 1/256 nat. Found with tests/bench/measure-hanzi.py on every second sentence of hsk
     * and every fourth of meta.jsonl; all within 0.2 % of the best over wide ranges. */
    COST_JOINED = 500,      ///< a word begins inside a braille word
    COST_INSIDE = 700,      ///< a character of a word that is not in the lexicon
    COST_OTHER_TONE = 512,  ///< a neutral tone printed in full, or the other way round
    COST_NEUTRAL = 3 * 256, ///< a neutral tone where a longer braille word begins
    COST_NEVER = 16 * 256,  ///< a syllable that no character has
    COST_PAIR = 200,        ///< pairs are counted in other texts, in which they are more frequent
    COST_RARE = 1950,       ///< of single characters below 0.05 % of all words
    CLASS_WEIGHT = 154,     ///< of 256: how much the classes count
};

#define ID_INSIDE UINT32_C(0x80000000) /* an index into lang_inside, no word */
#define ID_NONE UINT32_MAX

struct state {
    uint64_t cost;
    uint32_t word; ///< index into lang_entries, ID_INSIDE + index into lang_inside, or ID_NONE
    uint16_t tag;
    uint8_t n;      ///< syllables of the word
    uint8_t before; ///< which state of the place where it begins
};

struct place {
    size_t n;
    struct state states[N_KEPT];
};

struct search {
    const struct lang_heard *in; ///< NULL: `hanzi` is searched
    const uint32_t *hanzi;
    size_t n;
    struct place *places; ///< n + 1
};

static uint16_t usual_of(uint16_t code)
{
    return lang_bases[code / 8 - 1].usual;
}

/* What a word is sorted by at its k-th syllable; 0 behind its end. */
static unsigned key_at(const struct lang_entry *e, size_t k)
{
    return k < e->n ? usual_of(lang_entry_codes[e->first + k]) + 1u : 0;
}

/* The first entry of [low, high) whose k-th key is at least `key`. */
static size_t lower(size_t low, size_t high, size_t k, unsigned key)
{
    while (low < high) {
        const size_t mid = (low + high) / 2;
        if (key_at(&lang_entries[mid], k) < key)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

/* What it costs that a syllable of a word is read with this tone; -1: it cannot be. */
static int tone_cost(const struct lang_syllable *s, unsigned tone, bool later)
{
    if (s->tone == 0)
        return s->other == 0 || tone == s->other || tone == 5 ? 0 : -1;
    if (s->tone == tone)
        return 0;
    return later && (tone == 5 || s->tone == 5) ? COST_OTHER_TONE : -1;
}

/* The cost of reading n syllables as this word; -1: they do not agree. */
static int agree(const struct lang_heard *in, const struct lang_entry *e)
{
    int cost = 0;

    for (size_t k = 0; k < e->n; k++) {
        const int one = tone_cost(&in[k].s, lang_entry_codes[e->first + k] % 8, k > 0);
        if (one < 0 || (in[k].hanzi && in[k].hanzi != lang_entry_hanzi[e->first + k]))
            return -1;
        cost += one;
    }
    return cost;
}

/* -256 * log of how often `second` follows `first`; 65535: not known. */
static unsigned pair_cost(uint32_t first, uint32_t second, bool gap)
{
    size_t low = 0, high = lang_n_pairs;

    if (first >= ID_INSIDE || second >= ID_INSIDE)
        return 65535;
    while (low < high) {
        const size_t mid = (low + high) / 2;
        const struct lang_pair *p = &lang_pairs[mid];
        if (p->first < first || (p->first == first && p->second < second))
            low = mid + 1;
        else
            high = mid;
    }
    const struct lang_pair *p = &lang_pairs[low];
    return low < lang_n_pairs && p->first == first && p->second == second && (gap || !p->apart)
               ? p->cost
               : 65535;
}

/* Keep it if it is new or cheaper than what is there. */
static void keep(struct place *p, const struct state *s)
{
    size_t worst = 0, k;

    for (k = 0; k < p->n && p->states[k].word != s->word; k++)
        if (p->states[k].cost > p->states[worst].cost)
            worst = k;
    if (k == p->n && k == N_KEPT)
        k = worst;
    else if (k == p->n)
        p->states[p->n++].cost = UINT64_MAX;
    if (s->cost < p->states[k].cost)
        p->states[k] = *s;
}

/* A word of n syllables from `at` on, behind the cheapest word that ends there. */
static void extend(struct search *s, size_t at, size_t n, uint32_t word, unsigned tag, int cost)
{
    const struct place *from = &s->places[at];
    struct state best = {.cost = UINT64_MAX, .word = word, .tag = (uint16_t) tag, .n = (uint8_t) n};

    const bool after_gap = s->in && s->in[at].after_gap;
    if (s->in && !after_gap && at > 0)
        cost += COST_JOINED;
    for (size_t k = 0; k < from->n; k++) {
        const struct state *b = &from->states[k];
        const int by_class = cost - lang_class_gain[b->tag][tag] * CLASS_WEIGHT / 256;
        const int by_pair = (int) pair_cost(b->word, word, after_gap) + COST_PAIR;
        const uint64_t sum = b->cost + (uint64_t) MAX(MIN(by_class, by_pair), 1);
        if (sum < best.cost) {
            best.cost = sum;
            best.before = (uint8_t) k;
        }
    }
    keep(&s->places[at + n], &best);
}

/* Particles of the neutral tone stand alone or end a braille word. */
static int neutral_cost(const struct search *s, size_t at, const struct lang_entry *e)
{
    return e->n == 1 && lang_entry_codes[e->first] % 8 == 5 && s->in[at].after_gap &&
                   at + 1 < s->n && !s->in[at + 1].after_gap
               ? COST_NEUTRAL
               : 0;
}

/* Words of the lexicon from `at` on. */
static void extend_words(struct search *s, size_t at)
{
    size_t low = 0, high = lang_n_entries;

    for (size_t n = 1; n <= MAX_SYLLABLES && at + n <= s->n; n++) {
        if (n > 1 && s->in[at + n - 1].after_gap)
            return;
        const unsigned key = lang_bases[s->in[at + n - 1].s.base].usual + 1u;
        low = lower(low, high, n - 1, key);
        high = lower(low, high, n - 1, key + 1);
        unsigned room = n == 1 ? N_SINGLES : N_LONGER;
        for (size_t i = low; i < high && lang_entries[i].n == n && room > 0; i++) {
            const int cost = agree(s->in + at, &lang_entries[i]);
            if (cost < 0)
                continue;
            extend(s, at, n, (uint32_t) i, lang_entries[i].tag,
                   cost + lang_entries[i].cost + neutral_cost(s, at, &lang_entries[i]));
            room--;
        }
    }
}

/* The character that this syllable most often is in words. */
static void extend_inside(struct search *s, size_t at)
{
    const struct lang_heard *in = &s->in[at];
    const uint16_t key = lang_bases[in->s.base].usual;

    for (size_t i = lang_inside_first[key]; i < lang_inside_first[key + 1]; i++) {
        const struct lang_inside *c = &lang_inside[i];
        if (tone_cost(&in->s, c->code % 8, false) < 0 || (in->hanzi && in->hanzi != c->hanzi))
            continue;
        extend(s, at, 1, ID_INSIDE + (uint32_t) i, lang_class_noun, c->cost + COST_INSIDE);
        return;
    }
    extend(s, at, 1, ID_NONE, lang_class_noun, COST_NEVER);
}

static void write_state(const struct state *st, const struct lang_heard *in, struct lang_meant *ret)
{
    for (size_t k = 0; k < st->n; k++) {
        const struct lang_syllable *s = &in[k].s;
        uint8_t tone = s->tone ? s->tone : s->other ? s->other : 1;
        ret[k] = (struct lang_meant){(uint16_t) ((s->base + 1) * 8 + tone), in[k].hanzi};
        if (st->word == ID_NONE)
            continue;
        if (st->word >= ID_INSIDE) {
            const struct lang_inside *c = &lang_inside[st->word - ID_INSIDE];
            ret[k] = (struct lang_meant){c->code, c->hanzi};
        } else {
            const uint32_t at = lang_entries[st->word].first + (uint32_t) k;
            ret[k] = (struct lang_meant){lang_entry_codes[at], lang_entry_hanzi[at]};
        }
        if (s->tone) /* as printed, where the word has the neutral one or the full one */
            ret[k].code = (uint16_t) (ret[k].code / 8 * 8 + s->tone);
    }
}

static bool is_doubt(const struct state *st)
{
    return st->word >= ID_INSIDE ||
           (st->n == 1 && lang_entries[st->word].cost > (unsigned) COST_RARE);
}

static size_t cheapest(const struct place *p)
{
    size_t best = 0;

    for (size_t k = 1; k < p->n; k++)
        if (p->states[k].cost < p->states[best].cost)
            best = k;
    return best;
}

/* Back from the cheapest end. */
static void conclude(const struct search *s, struct lang_meant *ret, struct lang_meaning *sum)
{
    const struct place *last = &s->places[s->n];
    const size_t best = cheapest(last);

    sum->cost += last->states[best].cost;
    for (size_t end = s->n, k = best; end > 0;) {
        const struct state *st = &s->places[end].states[k];
        end -= st->n;
        write_state(st, s->in + end, ret + end);
        sum->n_words++;
        sum->n_doubts += is_doubt(st);
        k = st->before;
    }
}

/* Of a longer row the first part: up to the last gap that is not too far, else cut. */
static size_t run_length(const struct lang_heard *in, size_t n)
{
    if (n <= MAX_RUN)
        return n;
    for (size_t k = MAX_RUN; k > MAX_RUN / 2; k--)
        if (in[k].after_gap)
            return k;
    return MAX_RUN;
}

static void begin(struct place *places, size_t n, unsigned before)
{
    for (size_t i = 0; i <= n; i++)
        places[i].n = 0;
    places[0] = (struct place){.n = 1, .states = {{.word = ID_NONE, .tag = (uint16_t) before}}};
}

int lang_search(const struct lang_heard *in, size_t n, unsigned before, struct lang_meant *ret,
                struct lang_meaning *ret_sum)
{
    CLEANUP_FREE struct place *places = malloc((MIN(n, (size_t) MAX_RUN) + 1) * sizeof(*places));
    struct lang_meaning sum = {0};

    if (!places)
        return -ENOMEM;
    for (size_t done = 0, length; done < n; done += length) {
        length = run_length(in + done, n - done);
        struct search s = {.in = in + done, .n = length, .places = places};
        begin(places, length, before);
        for (size_t i = 0; i < length; i++) {
            extend_words(&s, i);
            extend_inside(&s, i);
        }
        conclude(&s, ret + done, &sum);
        before = lang_class_start;
    }
    if (ret_sum)
        *ret_sum = sum;
    return 0;
}

/* ---- the same for what is written in Hanzi ---- */

static unsigned hanzi_at(const struct lang_entry *e, size_t k)
{
    return k < e->n ? lang_entry_hanzi[e->first + k] : 0;
}

/* The first of [low, high) in lang_by_hanzi whose k-th character is at least `c`. */
static size_t lower_hanzi(size_t low, size_t high, size_t k, uint32_t c)
{
    while (low < high) {
        const size_t mid = (low + high) / 2;
        if (hanzi_at(&lang_entries[lang_by_hanzi[mid]], k) < c)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static void extend_hanzi(struct search *s, size_t at)
{
    size_t low = 0, high = lang_n_entries;

    for (size_t n = 1; n <= MAX_SYLLABLES && at + n <= s->n; n++) {
        low = lower_hanzi(low, high, n - 1, s->hanzi[at + n - 1]);
        high = lower_hanzi(low, high, n - 1, s->hanzi[at + n - 1] + 1);
        for (size_t i = low; i < high && lang_entries[lang_by_hanzi[i]].n == n; i++) {
            const struct lang_entry *e = &lang_entries[lang_by_hanzi[i]];
            extend(s, at, n, lang_by_hanzi[i], e->tag, e->cost);
        }
        const bool is_word = low < high && lang_entries[lang_by_hanzi[low]].n == 1;
        if (n == 1 && !is_word)
            extend(s, at, 1, ID_NONE, lang_class_noun, COST_NEVER);
        if (low == high)
            return;
    }
}

static int compare_characters(const void *a, const void *b)
{
    const struct lang_character *x = a, *y = b;

    return (x->c > y->c) - (x->c < y->c);
}

static uint16_t rare_reading(uint32_t c)
{
    const struct lang_character key = {.c = c}, *found;

    found = bsearch(&key, lang_characters, lang_n_characters, sizeof(key), compare_characters);
    return found ? found->code : 0;
}

static int compare_forms(const void *a, const void *b)
{
    const struct lang_form *x = a, *y = b;

    return (int) x->traditional - (int) y->traditional;
}

uint32_t lang_simplified(uint32_t c)
{
    const struct lang_form key = {.traditional = (uint16_t) c}, *found = NULL;

    if (c <= UINT16_MAX)
        found = bsearch(&key, lang_forms, lang_n_forms, sizeof(key), compare_forms);
    return found ? found->simplified : c;
}

static void conclude_hanzi(const struct search *s, struct lang_read *ret)
{
    for (size_t end = s->n, k = cheapest(&s->places[s->n]); end > 0;) {
        const struct state *st = &s->places[end].states[k];
        end -= st->n;
        for (size_t i = 0; i < st->n; i++)
            ret[end + i] = (struct lang_read){
                .code = st->word == ID_NONE ? rare_reading(s->hanzi[end])
                                            : lang_entry_codes[lang_entries[st->word].first + i],
                .tag = (uint8_t) st->tag,
                .begins = i == 0,
            };
        k = st->before;
    }
}

int lang_search_hanzi(const uint32_t *hanzi, size_t n, unsigned before, struct lang_read *ret)
{
    CLEANUP_FREE struct place *places = malloc((MIN(n, (size_t) MAX_RUN) + 1) * sizeof(*places));

    if (!places)
        return -ENOMEM;
    for (size_t done = 0, length; done < n; done += length) {
        length = MIN(n - done, (size_t) MAX_RUN);
        struct search s = {.hanzi = hanzi + done, .n = length, .places = places};
        begin(places, length, before);
        for (size_t i = 0; i < length; i++)
            extend_hanzi(&s, i);
        conclude_hanzi(&s, ret + done);
        before = lang_class_start;
    }
    return 0;
}
