/* SPDX-License-Identifier: Apache-2.0
 *
 * A run of Hanzi: numerals as numbers, the rest as the likeliest row of words, whose readings are
 * then corrected where the sentence decides: measure words behind numbers, yi1 that counts, yi1
 * and bu4 that lose their tone.
 */

#include "lang/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "lang/search.h"

enum {
    LEAST_NUMERAL = 3, ///< characters; shorter ones are words of the lexicon
    NEUTRAL = 5,
};

static const uint32_t numerals[] = {u'零', u'一', u'二', u'三', u'四', u'五', u'六', u'七',
                                    u'八', u'九', u'十', u'百', u'千', u'万', u'亿', u'两'};
static const char *const numeral_names[] = {"ling2", "yi1",  "er4", "san1",  "si4",  "wu3",
                                            "liu4",  "qi1",  "ba1", "jiu3",  "shi2", "bai3",
                                            "qian1", "wan4", "yi4", "liang3"};
enum { N_DIGITS = 10 };

static size_t numeral(uint32_t c)
{
    size_t k = 0;

    while (k < ELEMENTSOF(numerals) && numerals[k] != c)
        k++;
    return k;
}

/* Numerals from `at` on that make a number or a row of digits. *ret_digits: only digits. */
static size_t numeral_run(const struct text *t, size_t at, size_t end, bool *ret_digits)
{
    size_t n = 0, n_digits = 0, n_scales = 0;
    const struct lang_print *p;

    if (at > 0 && numeral(t->c[at - 1].c) < ELEMENTSOF(numerals))
        return 0; /* not from its middle on */
    for (; at + n < end; n++) {
        const size_t k = numeral(t->c[at + n].c);
        if (k == ELEMENTSOF(numerals))
            break;
        n_digits += k < N_DIGITS;
        n_scales += k >= N_DIGITS && k < ELEMENTSOF(numerals) - 1;
    }
    *ret_digits = n_digits == n;
    const bool is_year = n == 2 && *ret_digits && lang_text_at(t, at + n) == u'年';
    if (n_digits == 0 || (n < LEAST_NUMERAL && !is_year) ||
        (p = lang_text_print(t, at, LANG_PRINT_NO_NUMBER, &n_scales)))
        return 0;
    return n;
}

static void say_numeral(struct text *t, size_t at, size_t n, bool digits)
{
    struct lang_buf out = {0};
    char *pinyin;

    for (size_t i = 0; i < n; i++) {
        const size_t k = numeral(t->c[at + i].c);
        lang_buf_adds(&out, numeral_names[k]);
        /* parts of a large number are words of their own, as in number.c */
        if (i + 1 < n && (k == 13 || k == 14))
            lang_buf_adds(&out, " ");
    }
    if (lang_buf_take(&out, &pinyin) < 0) {
        t->s->r = -ENOMEM;
        return;
    }
    lang_text_put(t, pinyin, at, n, digits ? LANG_WORD_COUNTS : LANG_WORD_PLAIN);
    free(pinyin);
}

/* ---- readings that the sentence decides ---- */

static void set_tone(struct lang_read *read, unsigned tone)
{
    read->code = (uint16_t) (read->code / 8 * 8 + tone);
}

static bool is_whole_word(const struct lang_read *read, size_t i, size_t n)
{
    return read[i].begins && (i + 1 == n || read[i + 1].begins);
}

static uint16_t code_of(const char *pinyin)
{
    const size_t n = strlen(pinyin) - 1;
    const int base = lang_base_find(pinyin, n);

    return (uint16_t) ((base + 1) * 8 + pinyin[n] - '0');
}

static bool is_counted(uint32_t c)
{
    return numeral(c) < N_DIGITS || c == u'十' || c == u'两' || c == u'几';
}

/* The first character of the word that character i is in. */
static size_t word_start(const struct lang_read *read, size_t i)
{
    while (!read[i].begins)
        i--;
    return i;
}

/* Behind a number: three zhi1, not zhi3. Also in words of a numeral and a measure. */
static void read_measure(const struct text *t, size_t at, struct lang_read *read, size_t i,
                         size_t n)
{
    const bool behind_number = i > 0 ? is_counted(t->c[at + i - 1].c) ||
                                           (read[i].begins && read[i - 1].tag == lang_class_number)
                                     : t->before == lang_class_number;
    const bool ends = i + 1 == n || read[i + 1].begins;
    const size_t first = word_start(read, i);
    const bool ordinal = t->c[at + first].c == u'第';
    size_t length;

    /* "zhi3 yang2" is no word behind a number */
    const bool begins = t->c[at + i].c == u'只' && i == first;
    if (!behind_number || (!ends && !begins) || i - first > 1u + ordinal)
        return;
    /* yi1xing2 is a party of travellers */
    if (t->c[at + i].c == u'行' && i - first == 1 && !ordinal)
        return;
    const struct lang_print *p = lang_text_print(t, at + i, LANG_PRINT_MEASURE, &length);
    if (p)
        read[i].code = code_of(p->pinyin);
}

/* What stands in the table with its neighbours. */
static void read_context(const struct text *t, size_t at, struct lang_read *read, size_t i)
{
    for (size_t k = 0; k < lang_n_prints; k++) {
        const struct lang_print *p = &lang_prints[k];
        if (p->kind == LANG_PRINT_CONTEXT && at + i >= p->at &&
            lang_text_is(t, at + i - p->at, p->text) > 0) {
            read[i].code = code_of(p->pinyin);
            return;
        }
    }
}

/* What a character is that makes a word by itself, where the lexicon's sources say otherwise. */
static void read_single(const struct text *t, size_t at, struct lang_read *read, size_t i, size_t n)
{
    size_t length;
    const struct lang_print *p =
        is_whole_word(read, i, n) ? lang_text_print(t, at + i, LANG_PRINT_SINGLE, &length) : NULL;
    if (p)
        read[i].code = code_of(p->pinyin);
}

/* wei4 is for somebody, and for something before a verb of two syllables; else it is wei2. */
static bool is_for(const struct lang_read *read, size_t i, size_t n)
{
    size_t next = i + 1;

    if (next == n || (i > 0 && lang_class_names[read[i - 1].tag][0] == 'v' &&
                      lang_class_names[read[next].tag][0] != 'r'))
        return false;
    if (read[next].tag == lang_class_pronoun)
        return true;
    if (read[next].tag != lang_class_noun && lang_class_names[read[next].tag][0] != 'v')
        return false;
    do
        next++;
    while (next < n && !read[next].begins);
    if (next + 1 >= n || lang_class_names[read[next].tag][0] != 'v' || read[next + 1].begins)
        return false;
    while (next < n && (!read[next].begins || lang_class_names[read[next].tag][0] == 'v'))
        next++;
    return next == n || read[next].tag != lang_class_of;
}

/* The particles: a verb and de5, an adverb and de5, "is" and a number; at a clause's end they are
 * none. */
static void read_particle(const struct text *t, size_t at, struct lang_read *read, size_t i,
                          size_t n)
{
    const uint32_t c = t->c[at + i].c;
    const char before = i > 0 ? lang_class_names[read[i - 1].tag][0] : 0;
    const bool whole = is_whole_word(read, i, n);

    if (c == u'子' && whole)
        read[i].code = code_of("zi3");
    if (c == u'得' && whole && (i + 1 == n || before == 'v' || before == 'a'))
        read[i].code = code_of(i + 1 == n ? "de2" : "de5");
    if (c == u'得' && whole && before == 'r' && i + 1 < n && read[i + 1].tag == lang_class_verb)
        read[i].code = code_of("dei3");
    if (c == u'地' && whole && (i + 1 == n || (i > 0 && t->c[at + i - 1].c == u'之')))
        read[i].code = code_of("di4");
    const bool manner = before == 'd' || before == 'z' || before == 'a' || before == 'i';
    const bool twice = !whole && i > 1 && t->c[at + i - 1].c == t->c[at + i - 2].c;
    if (c == u'地' &&
        (twice || (whole && manner && i + 1 < n && read[i + 1].tag == lang_class_verb)))
        read[i].code = code_of("de5");
    if (c == u'为' && whole && i + 1 == n && lang_is_digit(lang_text_at(t, at + n)))
        read[i].code = code_of("wei2");
    else if (c == u'为' && whole && is_for(read, i, n))
        read[i].code = code_of("wei4");
}

static int compare_neutral(const void *a, const void *b)
{
    const uint16_t *x = a, *y = b;

    for (size_t i = 0; i < 4; i++)
        if (x[i] != y[i])
            return (int) x[i] - (int) y[i];
    return 0;
}

/* Words of the table end in the neutral tone. */
static void read_neutral(const struct text *t, size_t at, struct lang_read *read, size_t i,
                         size_t n)
{
    uint16_t key[4] = {0};
    size_t length = 1;

    if (!read[i].begins)
        return;
    while (i + length < n && !read[i + length].begins)
        length++;
    /* also the end of a longer word: xiao3 peng2you5 */
    for (size_t skip = 0; skip < 2 && length - skip >= 2; skip++) {
        for (size_t k = 0; k < ELEMENTSOF(key); k++)
            key[k] = skip + k < length ? (uint16_t) t->c[at + i + skip + k].c : 0;
        if (length - skip <= ELEMENTSOF(key) &&
            bsearch(key, lang_neutral, lang_n_neutral, sizeof(key), compare_neutral)) {
            set_tone(&read[i + length - 1], NEUTRAL);
            return;
        }
    }
}

static bool is_in(const uint32_t *list, size_t n, uint32_t c)
{
    for (size_t i = 0; i < n; i++)
        if (list[i] == c)
            return true;
    return false;
}

/* kan4 yi5 kan4, hao3 bu5 hao3, kan4bu5jian4. */
static void read_between(const struct text *t, size_t at, struct lang_read *read, size_t i,
                         size_t n)
{
    const struct lang_char *c = &t->c[at + i];
    const bool yi = c->c == u'一', bu = c->c == u'不';

    if ((!yi && !bu) || i == 0 || i + 1 == n)
        return;
    const bool twice = c[-1].c == c[1].c && numeral(c[1].c) == ELEMENTSOF(numerals);
    const bool measured = i > 1 && yi && c[-2].c == u'一'; /* yi1 tian1 yi1 tian1 */
    const bool verb = !yi || read[i - 1].tag == lang_class_verb || !read[i].begins;
    static const uint32_t results[] = {u'见', u'到', u'了', u'起', u'出', u'完', u'清',
                                       u'懂', u'动', u'住', u'着', u'掉', u'及'};
    static const uint32_t aids[] = {u'是', u'要', u'想', u'会', u'能', u'敢', u'肯', u'有'};
    const bool of_verb = bu && read[i - 1].begins && read[i - 1].tag == lang_class_verb &&
                         is_in(results, ELEMENTSOF(results), c[1].c) &&
                         !is_in(aids, ELEMENTSOF(aids), c[-1].c);
    const bool of_three = bu && read[i - 1].begins && !read[i].begins && !read[i + 1].begins &&
                          (i + 2 == n || read[i + 2].begins);
    if ((twice && !measured && verb) || of_three || of_verb)
        set_tone(&read[i], NEUTRAL);
}

/* Ordinals: di4 yi1, yi1 yue4, and words of the table. */
static void read_ordinal(const struct text *t, size_t at, struct lang_read *read, size_t i)
{
    size_t n;

    if (t->c[at + i].c != u'一')
        return;
    const uint32_t before = at + i > 0 ? t->c[at + i - 1].c : 0;
    const bool known = before == u'第' || before == u'初' || before == u'月' ||
                       lang_text_print(t, at + i, LANG_PRINT_KEEPS, &n);
    /* yi1 yue4 is January, but yi2 yue4 is no month without "ge"; "yi1 hao4" is the first */
    if (known && (i == 0 || numeral(before) == ELEMENTSOF(numerals)))
        for (size_t k = i + 1; k-- > 0;) {
            read[k].is_number = true;
            if (read[k].begins)
                break;
        }
}

static void correct(const struct text *t, size_t at, struct lang_read *read, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        read_neutral(t, at, read, i, n);
        read_single(t, at, read, i, n);
        read_particle(t, at, read, i, n);
        read_measure(t, at, read, i, n);
        read_context(t, at, read, i);
        read_between(t, at, read, i, n);
        read_ordinal(t, at, read, i);
    }
}

/* ---- words ---- */

static void name_character(struct text *t, size_t i)
{
    char name[32], utf8[5];

    lang_utf8_write(t->c[i].c, utf8);
    const int n = snprintf(name, sizeof(name), "U+%04X %s", (unsigned) t->c[i].c, utf8);
    lang_script_unsaid(t->s, name, (size_t) n);
}

/* Which yi1 and bu4 are one and not, as only the characters tell. */
static void mark_sandhi(struct text *t, size_t at, const struct lang_read *read, size_t n)
{
    struct lang_pieces *p = &t->s->pieces;
    struct lang_piece *word = p->n > 0 ? &p->items[p->n - 1] : NULL;

    if (t->s->r < 0 || !word || word->n != n)
        return;
    for (size_t i = 0; i < n; i++) {
        const uint32_t c = t->c[at + i].c;
        const bool measures = (c == u'一' || c == u'不') && !read[0].is_number;
        word->items[i].sandhi = measures ? LANG_SANDHI_MEASURES : LANG_SANDHI_NONE;
    }
}

/* One word; its characters of no known reading are left out and named. */
static void say_word(struct text *t, size_t at, const struct lang_read *read, size_t n)
{
    struct lang_buf out = {0};
    char text[10], *pinyin;
    const struct lang_char *last = &t->c[at + n - 1];

    for (size_t i = 0; i < n; i++) {
        if (read[i].code == 0) {
            name_character(t, at + i);
            continue;
        }
        const struct lang_syllable s = {(uint16_t) (read[i].code / 8 - 1), read[i].code % 8};
        lang_syllable_format(s, text);
        lang_buf_adds(&out, text);
    }
    if (lang_buf_take(&out, &pinyin) < 0) {
        t->s->r = -ENOMEM;
        return;
    }
    if (pinyin[0])
        lang_script_say(t->s, pinyin, t->c[at].offset,
                        last->offset + last->n_bytes - t->c[at].offset, LANG_WORD_PLAIN,
                        read[0].tag);
    mark_sandhi(t, at, read, n);
    free(pinyin);
}

/* n Hanzi without numerals. */
static void say_words(struct text *t, size_t at, size_t n)
{
    CLEANUP_FREE uint32_t *hanzi = calloc(n, sizeof(*hanzi));
    CLEANUP_FREE struct lang_read *read = calloc(n, sizeof(*read));

    if (!hanzi || !read) {
        t->s->r = -ENOMEM;
        return;
    }
    for (size_t i = 0; i < n; i++) /* 々 repeats */
        hanzi[i] = t->c[at + i].c == 0x3005 && i > 0 ? hanzi[i - 1] : t->c[at + i].c;
    t->s->r = lang_search_hanzi(hanzi, n, t->before, read);
    if (t->s->r < 0)
        return;
    correct(t, at, read, n);
    for (size_t i = 0, length; i < n; i += length) {
        for (length = 1; i + length < n && !read[i + length].begins;)
            length++;
        say_word(t, at + i, read + i, length);
    }
    const bool unit = t->before == lang_class_number && n <= 2;
    t->before = unit ? lang_class_number : read[n - 1].tag;
}

size_t lang_text_hanzi(struct text *t)
{
    size_t n = 0, done = 0;
    bool digits = false;

    while (lang_is_hanzi(lang_text_at(t, t->at + n)))
        n++;
    if (n > 1 && t->as == LANG_SAY_CHARACTERS)
        n = 1;
    for (size_t i = 0; i < n;) {
        const size_t length = numeral_run(t, t->at + i, t->at + n, &digits);
        if (length == 0) {
            i++;
            continue;
        }
        if (i > done)
            say_words(t, t->at + done, i - done);
        say_numeral(t, t->at + i, length, digits);
        t->before = lang_class_number;
        i += length;
        done = i;
    }
    if (n > done)
        say_words(t, t->at + done, n - done);
    if (n > 0)
        t->line_start = false;
    return n;
}
