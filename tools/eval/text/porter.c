/* SPDX-License-Identifier: Apache-2.0
 *
 * Porter, "An algorithm for suffix stripping", Program 14.3, 1980, with the changes of NLTK 3.10
 * (nltk/stem/porter.py, mode NLTK_EXTENSIONS), so that METEOR is NLTK's. libstemmer has the paper's
 * algorithm without them.
 */

#include <string.h>

#include "base/macro.h"
#include "tools/eval/text/text.h"

struct word {
    uint32_t *c;
    size_t n;
};

struct rule {
    const char *suffix, *to;
    int more_than;     ///< the measure of what stands before the suffix; -1: whatever it is
    unsigned with;     ///< so many letters of the suffix count as standing before it
    const char *after; ///< one of these letters stands before it; NULL: any
};

static bool is_letter(uint32_t c, const char *letters)
{
    return c > 0 && c < 0x80 && strchr(letters, (int) c);
}

/* y is a vowel behind a consonant, and so a run of them is both by turns. */
static bool is_consonant(const struct word *w, size_t at)
{
    bool turned = false;

    for (; at > 0 && w->c[at] == 'y'; at--)
        turned = !turned;
    return !is_letter(w->c[at], "aeiou") != turned;
}

/* How often a consonant follows a vowel in the first n letters. */
static int measure(const struct word *w, size_t n)
{
    bool consonant = true;
    int m = 0;

    for (size_t i = 0; i < n; i++) {
        const bool before = consonant;
        const bool y = w->c[i] == 'y';
        consonant = y ? i == 0 || !before : !is_letter(w->c[i], "aeiou");
        m += i > 0 && !before && consonant;
    }
    return m;
}

static bool has_vowel(const struct word *w, size_t n)
{
    bool consonant = true;

    for (size_t i = 0; i < n; i++) {
        consonant = w->c[i] == 'y' ? i == 0 || !consonant : !is_letter(w->c[i], "aeiou");
        if (!consonant)
            return true;
    }
    return false;
}

static bool ends_cvc(const struct word *w, size_t n)
{
    if (n == 2)
        return !is_consonant(w, 0) && is_consonant(w, 1);
    return n > 2 && is_consonant(w, n - 3) && !is_consonant(w, n - 2) && is_consonant(w, n - 1) &&
           !is_letter(w->c[n - 1], "wxy");
}

static bool ends(const struct word *w, const char *suffix)
{
    const size_t n = strlen(suffix);

    for (size_t i = 0; i < n; i++)
        if (w->n < n || w->c[w->n - n + i] != (unsigned char) suffix[i])
            return false;
    return true;
}

static void change(struct word *w, const char *suffix, const char *to)
{
    w->n -= strlen(suffix);
    for (; *to; to++)
        w->c[w->n++] = (unsigned char) *to;
}

/* Only the first rule whose suffix fits is looked at. */
static void apply(struct word *w, const struct rule *rules)
{
    while (rules->suffix && !ends(w, rules->suffix))
        rules++;
    if (!rules->suffix)
        return;
    const size_t stem = w->n - strlen(rules->suffix);
    if (measure(w, stem + rules->with) > rules->more_than &&
        (!rules->after || (stem > 0 && is_letter(w->c[stem - 1], rules->after))))
        change(w, rules->suffix, rules->to);
}

/* Plurals. */
static void step_1a(struct word *w)
{
    static const struct rule rules[] = {
        {"sses", "ss", -1}, {"ies", "i", -1}, {"ss", "ss", -1}, {"s", "", -1}, {0}};

    if (w->n == 4 && ends(w, "ies"))
        change(w, "ies", "ie");
    else
        apply(w, rules);
}

/* What stood before -ed or -ing. */
static void mend(struct word *w)
{
    const uint32_t last = w->c[w->n - 1];

    if (ends(w, "at") || ends(w, "bl") || ends(w, "iz"))
        change(w, "", "e");
    else if (w->n >= 2 && last == w->c[w->n - 2] && is_consonant(w, w->n - 1))
        w->n -= !is_letter(last, "lsz");
    else if (ends(w, "*d")) /* NLTK's mark of a double consonant, taken for a suffix as well */
        change(w, "*d", "d");
    else if (measure(w, w->n) == 1 && ends_cvc(w, w->n))
        change(w, "", "e");
}

/* -ed and -ing. */
static void step_1b(struct word *w)
{
    static const char *const suffixes[] = {"ed", "ing"};

    if (ends(w, "ied")) {
        change(w, "ied", w->n == 4 ? "ie" : "i");
        return;
    }
    if (ends(w, "eed")) {
        if (measure(w, w->n - 3) > 0)
            change(w, "eed", "ee");
        return;
    }
    for (size_t i = 0; i < ELEMENTSOF(suffixes); i++)
        if (ends(w, suffixes[i]) && has_vowel(w, w->n - strlen(suffixes[i]))) {
            change(w, suffixes[i], "");
            mend(w);
            return;
        }
}

static void step_1c(struct word *w)
{
    if (w->n > 2 && ends(w, "y") && is_consonant(w, w->n - 2))
        change(w, "y", "i");
}

static void step_2(struct word *w)
{
    static const struct rule rules[] = {{"ational", "ate"},
                                        {"tional", "tion"},
                                        {"enci", "ence"},
                                        {"anci", "ance"},
                                        {"izer", "ize"},
                                        {"bli", "ble"},
                                        {"alli", "al"},
                                        {"entli", "ent"},
                                        {"eli", "e"},
                                        {"ousli", "ous"},
                                        {"ization", "ize"},
                                        {"ation", "ate"},
                                        {"ator", "ate"},
                                        {"alism", "al"},
                                        {"iveness", "ive"},
                                        {"fulness", "ful"},
                                        {"ousness", "ous"},
                                        {"aliti", "al"},
                                        {"iviti", "ive"},
                                        {"biliti", "ble"},
                                        {"fulli", "ful"},
                                        {"logi", "log", 0, 1},
                                        {0}};

    while (ends(w, "alli") && measure(w, w->n - 4) > 0)
        change(w, "alli", "al");
    apply(w, rules);
}

static void step_3(struct word *w)
{
    static const struct rule rules[] = {
        {"icate", "ic"}, {"ative", ""}, {"alize", "al"}, {"iciti", "ic"},
        {"ical", "ic"},  {"ful", ""},   {"ness", ""},    {0}};

    apply(w, rules);
}

static void step_4(struct word *w)
{
    static const struct rule rules[] = {
        {"al", "", 1},    {"ance", "", 1}, {"ence", "", 1}, {"er", "", 1},
        {"ic", "", 1},    {"able", "", 1}, {"ible", "", 1}, {"ant", "", 1},
        {"ement", "", 1}, {"ment", "", 1}, {"ent", "", 1},  {"ion", "", 1, 0, "st"},
        {"ou", "", 1},    {"ism", "", 1},  {"ate", "", 1},  {"iti", "", 1},
        {"ous", "", 1},   {"ive", "", 1},  {"ize", "", 1},  {0}};

    apply(w, rules);
}

static void step_5(struct word *w)
{
    static const struct rule rules[] = {{"ll", "l", 1, 1}, {0}};

    if (ends(w, "e")) {
        const int m = measure(w, w->n - 1);
        if (m > 1 || (m == 1 && !ends_cvc(w, w->n - 1)))
            w->n--;
    }
    apply(w, rules);
}

/* What the rules would have wrong. */
static bool is_irregular(struct word *w)
{
    static const char *const words[][2] = {
        {"sky", "sky"},        {"skies", "sky"},        {"dying", "die"},
        {"lying", "lie"},      {"tying", "tie"},        {"news", "news"},
        {"innings", "inning"}, {"inning", "inning"},    {"outings", "outing"},
        {"outing", "outing"},  {"cannings", "canning"}, {"canning", "canning"},
        {"howe", "howe"},      {"proceed", "proceed"},  {"exceed", "exceed"},
        {"succeed", "succeed"}};

    for (size_t i = 0; i < ELEMENTSOF(words); i++)
        if (w->n == strlen(words[i][0]) && ends(w, words[i][0])) {
            change(w, words[i][0], words[i][1]);
            return true;
        }
    return false;
}

size_t eval_porter(uint32_t *c, size_t n)
{
    static void (*const steps[])(struct word *) = {step_1a, step_1b, step_1c, step_2,
                                                   step_3,  step_4,  step_5};
    struct word w = {c, n};

    if (is_irregular(&w) || n <= 2)
        return w.n;
    for (size_t i = 0; i < ELEMENTSOF(steps); i++)
        steps[i](&w);
    return w.n;
}
