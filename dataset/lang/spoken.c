/* SPDX-License-Identifier: Apache-2.0
 *
 * Tokens -> what is said.
 */

#include "lang/lang.h"

#include <errno.h>
#include <string.h>

#include "lang/buf.h"
#include "lang/formula.h"
#include "lang/hanzi.h"
#include "lang/number.h"

/* Signs that are words between numbers and letters. The dash is told apart in say_sign(). */
static const struct {
    const char *text, *words;
} operators[] = {
    {"＋", "jia1"}, {"＝", "deng3yu2"}, {"×", "cheng2yi3"}, {"÷", "chu2yi3"}, {"～", "zhi4"},
};

/* Measure words. Before the first N_COUNTED of them "2" is liang3. */
static const char *const measures[] = {
    "ge4",   "zhong3", "ci4",  "tian1", "nian2", "tiao2", "ben3",  "zhang1", "wei4",
    "ming2", "zu3",    "dui4", "zhe3",  "bian1", "lei4",  "jian4", "suo3",   "shou3",
    "chu4",  "zhi1",   "ye4",  "yue4",  "ri4",   "hao4",  "fen1",  "dian3",  "yuan2",
    "mi3",   "du4",    "bei4", "sui4",  "ren2",  "jie2",  "ke4",   "qi1",    "kuai4",
    "hui2",  "miao3",  "li2",  "cun4",  "dai4",
};
#define N_COUNTED 20

struct speaker {
    const struct lang_text *text;
    const struct lang_sense *senses; ///< a token each
    struct lang_buf out;
    const char *pause; ///< to be said before the next word; NULL: none
    bool weak;         ///< it stands for a bracket or dash and gives way to a real one
    unsigned n_unknown;
};

/* Start a new word: the pause that waits comes first. */
static void begin_word(struct speaker *s)
{
    lang_buf_space(&s->out);
    if (s->pause && s->out.n > 0) {
        lang_buf_adds(&s->out, s->pause);
        lang_buf_adds(&s->out, " ");
    }
    s->pause = NULL;
}

static void want_pause(struct speaker *s, const char *sign, bool weak)
{
    if (s->pause && (weak || !s->weak))
        return;
    s->pause = sign;
    s->weak = weak;
}

static void say(struct speaker *s, const char *words)
{
    begin_word(s);
    lang_buf_adds(&s->out, words);
}

static const struct lang_token *token_at(const struct speaker *s, size_t i)
{
    return i < s->text->n ? &s->text->tokens[i] : NULL;
}

/* The token before or behind i that is no space. */
static const struct lang_token *neighbour(const struct speaker *s, size_t i, int step)
{
    const struct lang_token *t = token_at(s, i + (size_t) step);

    return t && t->kind == LANG_SPACE ? token_at(s, i + 2 * (size_t) step) : t;
}

static bool is_kind(const struct lang_token *t, enum lang_kind kind)
{
    return t && t->kind == kind;
}

/* Is it this syllable, with this tone or none? */
static bool is_syllable(const struct lang_token *t, const char *toned)
{
    size_t n = strlen(toned);

    return is_kind(t, LANG_SYLLABLE) && strncmp(t->text, toned, n - 1) == 0 &&
           (t->text[n - 1] == 0 || strcmp(t->text + n - 1, toned + n - 1) == 0);
}

/* Syllables from token i on that belong together. Returns how many tokens they are. */
static size_t say_word(struct speaker *s, size_t i)
{
    size_t n = 0;

    begin_word(s);
    for (; is_kind(token_at(s, i + n), LANG_SYLLABLE); n++) {
        s->n_unknown += !s->senses[i + n].pinyin[0];
        lang_buf_adds(&s->out, s->senses[i + n].pinyin);
    }
    return n;
}

/* "2" before a measure word is liang3, but not behind di4. */
static bool says_liang(const struct speaker *s, size_t i)
{
    const struct lang_token *t = token_at(s, i), *next = neighbour(s, i, 1);

    if (strcmp(t->text, "2") != 0 || (i > 0 && is_syllable(t - 1, "di4")))
        return false;
    for (size_t k = 0; k < N_COUNTED; k++)
        if (is_syllable(next, measures[k]))
            return true;
    return false;
}

/* The number behind the dash of 010-62781234. */
static bool is_phone_part(const struct speaker *s, size_t i)
{
    return i > 1 && strcmp(token_at(s, i - 1)->text, "－") == 0 &&
           is_kind(token_at(s, i - 2), LANG_NUMBER) && token_at(s, i - 2)->text[0] == '0';
}

static void say_number(struct speaker *s, size_t i)
{
    const struct lang_token *t = token_at(s, i);
    /* a year: four digits and nian2 */
    bool year = strlen(t->text) == 4 && strspn(t->text, "0123456789") == 4 &&
                is_syllable(neighbour(s, i, 1), "nian2");

    begin_word(s);
    if (says_liang(s, i))
        lang_buf_adds(&s->out, "liang3");
    else if (strcmp(t->text, "%") == 0)
        lang_buf_adds(&s->out, "bai3fen1hao4");
    else
        lang_number_say(&s->out, t->text, year || is_phone_part(s, i));
}

static void say_latin(struct speaker *s, size_t i)
{
    const struct lang_token *t = token_at(s, i);

    const bool counted = i > 0 && is_kind(neighbour(s, i, -1), LANG_NUMBER);
    const char *unit = counted ? lang_unit_name(t->text) : NULL;

    if (unit) {
        say(s, unit);
        return;
    }
    for (size_t at = 0, n; t->text[at]; at += n) {
        const char *name = lang_letter_name(t->text + at, &n);
        if (name)
            say(s, name);
    }
}

/* "－": to, minus, negative, or nothing. */
static void say_dash(struct speaker *s, size_t i)
{
    const struct lang_token *before = i > 0 ? token_at(s, i - 1) : NULL,
                            *after = token_at(s, i + 1);
    const struct lang_token *operand = i > 0 ? neighbour(s, i, -1) : NULL;

    if (is_kind(before, LANG_NUMBER) && is_kind(after, LANG_NUMBER)) {
        if (before->text[0] != '0') /* not 010-62781234 */
            say(s, "zhi4");
    } else if (is_kind(after, LANG_NUMBER) || is_kind(after, LANG_LATIN)) {
        /* a minus has a blank before it (GB/T 18028 6.1): b－4 is a hyphen */
        if ((is_kind(operand, LANG_NUMBER) || is_kind(operand, LANG_LATIN)) &&
            (operand != before || before->kind != LANG_LATIN))
            say(s, "jian3");
        else if (!before || before->kind == LANG_SPACE || before->kind == LANG_PUNCT)
            say(s, "fu4");
    }
}

static void say_sign(struct speaker *s, size_t i)
{
    static const char *const pauses[] = {"，", "。", "、", "；", "：", "？", "！"};
    static const char *const breaks[] = {"（", "）", "［", "］", "｛", "｝", "——", "……"};
    const char *text = token_at(s, i)->text;

    for (size_t k = 0; k < ELEMENTSOF(pauses); k++)
        if (strcmp(text, pauses[k]) == 0)
            want_pause(s, pauses[k], false);
    for (size_t k = 0; k < ELEMENTSOF(breaks); k++)
        if (strcmp(text, breaks[k]) == 0)
            want_pause(s, "，", true);
    /* a list of quotes or titles without a sign between them */
    const struct lang_token *before = i > 0 ? neighbour(s, i, -1) : NULL;
    if (is_kind(before, LANG_PUNCT) &&
        ((strcmp(text, "“") == 0 && strcmp(before->text, "”") == 0) ||
         (strcmp(text, "《") == 0 && strcmp(before->text, "》") == 0)))
        want_pause(s, "、", true);
    for (size_t k = 0; k < ELEMENTSOF(operators); k++)
        if (strcmp(text, operators[k].text) == 0)
            say(s, operators[k].words);
    if (strcmp(text, "－") == 0)
        say_dash(s, i);
}

/* A heading and the paragraph below it, or two lines of a table, are parted by a pause. */
static void say_space(struct speaker *s, size_t i)
{
    if (strcmp(token_at(s, i)->text, "\n\n") == 0)
        want_pause(s, "。", false);
}

int lang_spoken(const struct lang_text *t, char **ret, unsigned *ret_n_unknown)
{
    CLEANUP_FREE struct lang_sense *senses = NULL;
    struct speaker s = {.text = t};
    size_t plain = 0; /* numbers and letters up to here are no formula */
    int r = lang_senses(t, &senses);

    if (r < 0)
        return r;
    s.senses = senses;
    for (size_t i = 0; i < t->n;) {
        bool formula = false;
        size_t n = i < plain ? 0 : lang_math_run(t, i, &formula);
        if (formula) {
            begin_word(&s);
            lang_math_say(&s.out, t->tokens + i, n,
                          i > 0 && is_kind(neighbour(&s, i, -1), LANG_NUMBER));
            i += n;
            continue;
        }
        plain = MAX(plain, i + n);
        n = 1;
        switch (t->tokens[i].kind) {
        case LANG_SYLLABLE:
            n = say_word(&s, i);
            break;
        case LANG_NUMBER:
            say_number(&s, i);
            break;
        case LANG_LATIN:
            say_latin(&s, i);
            break;
        case LANG_PUNCT:
            say_sign(&s, i);
            break;
        case LANG_SPACE:
            say_space(&s, i);
            break;
        case LANG_MATH: /* always in a run */
            break;
        case LANG_UNKNOWN:
            s.n_unknown += t->tokens[i].n_cells;
            break;
        }
        i += n;
    }
    if (s.pause && s.out.n > 0) {
        lang_buf_space(&s.out);
        lang_buf_adds(&s.out, s.pause);
    }
    r = lang_buf_take(&s.out, ret);
    if (r == 0 && ret_n_unknown)
        *ret_n_unknown = s.n_unknown;
    return r;
}
