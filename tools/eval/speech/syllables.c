/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <string.h>

#include "lang/lang.h"
#include "lang/utterance.h"
#include "tools/eval/speech/speech.h"

enum { SPAN_SYLLABLES = 64 };

void eval_syllables_done(struct eval_syllables *s)
{
    free(s->items);
    *s = (struct eval_syllables){0};
}

static int add(struct eval_syllables *s, const struct eval_syllable *item)
{
    if (s->n == s->room) {
        const size_t room = MAX(2 * s->room, (size_t) 32);
        struct eval_syllable *items = reallocarray(s->items, room, sizeof(*items));
        if (!items)
            return -ENOMEM;
        s->items = items;
        s->room = room;
    }
    s->items[s->n++] = *item;
    return 0;
}

/* Phones end a syllable with its final, the one that has a tone. */
static int add_span(const char *pinyin, struct eval_syllables *to, struct fail *fail)
{
    CLEANUP_FREE struct lang_phone *phones = NULL;
    struct eval_syllable item = {0};
    size_t n = 0;

    int r = lang_phones(pinyin, &phones, &n, fail);
    for (size_t i = 0; r == 0 && i < n; i++) {
        if (phones[i].position == 0)
            continue;
        const size_t at = strlen(item.name);
        snprintf(item.name + at, sizeof(item.name) - at, "%s", phones[i].name);
        item.tone = phones[i].tone;
        if (item.tone == 0)
            continue;
        r = add(to, &item);
        item = (struct eval_syllable){0};
    }
    return r;
}

int eval_syllables(const char *text, enum lang_input kind, struct eval_syllables *ret,
                   struct fail *fail)
{
    CLEANUP(eval_syllables_done) struct eval_syllables s = {0};
    CLEANUP(lang_utterance_done) struct lang_utterance u = {0};

    int r = lang_utterance(text, kind, true, SPAN_SYLLABLES, &u, fail);
    for (size_t i = 0; r == 0 && i < u.n; i++)
        if (u.spans[i].pinyin[0])
            r = add_span(u.spans[i].pinyin, &s, fail);
    if (r < 0)
        return fail_set(fail, FAIL_OTHER, r, "%m");
    *ret = s;
    s = (struct eval_syllables){0};
    return 0;
}

/* U+3400 … U+9FFF: the unified ideographs of the basic plane, in three bytes of UTF-8. */
bool eval_has_hanzi(const char *text)
{
    for (const unsigned char *s = (const unsigned char *) text; s[0]; s++)
        if (s[0] >= 0xE3 && s[0] <= 0xE9 && s[1] >= 0x80 && s[2] >= 0x80 &&
            !(s[0] == 0xE3 && s[1] < 0x90))
            return true;
    return false;
}

int eval_distance(const struct eval_syllables *a, const struct eval_syllables *b, bool toned,
                  size_t *ret)
{
    CLEANUP_FREE size_t *d = calloc(b->n + 1, sizeof(*d));
    if (!d)
        return -ENOMEM;
    for (size_t k = 0; k <= b->n; k++)
        d[k] = k;
    for (size_t i = 1; i <= a->n; i++) {
        size_t corner = d[0];
        d[0] = i;
        for (size_t k = 1; k <= b->n; k++) {
            const struct eval_syllable *x = &a->items[i - 1], *y = &b->items[k - 1];
            const bool same = strcmp(x->name, y->name) == 0 && (!toned || x->tone == y->tone);
            const size_t change = corner + !same;
            corner = d[k];
            d[k] = MIN(MIN(d[k], d[k - 1]) + 1, change);
        }
    }
    *ret = d[b->n];
    return 0;
}

int eval_hear(const struct eval_sentence *s, const char *text, struct eval_heard *ret,
              struct fail *fail)
{
    CLEANUP(eval_syllables_done) struct eval_syllables want = {0}, got = {0};
    struct eval_heard h = {0};

    /* Both from Hanzi: then a reading that our lexicon has wrong is wrong on both sides alike. */
    const bool letters = strpbrk(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
    const bool as_pinyin = s->pinyin[0] && (!s->hanzi[0] || (letters && !eval_has_hanzi(text)));
    const enum lang_input kind = as_pinyin ? LANG_PINYIN : LANG_TEXT;
    int r = eval_syllables(as_pinyin ? s->pinyin : s->hanzi, kind, &want, fail);
    if (r == 0 && want.n == 0)
        r = fail_set(fail, FAIL_INPUT, -ENODATA, "sentence '%s' has no syllable", s->id);
    if (r == 0)
        r = eval_syllables(text, kind, &got, fail);
    if (r == 0)
        r = eval_distance(&want, &got, false, &h.wrong);
    if (r == 0)
        r = eval_distance(&want, &got, true, &h.wrong_toned);
    if (r < 0)
        return fail_set(fail, FAIL_OTHER, r, "%m");
    h.there = want.n;
    *ret = h;
    return 0;
}
