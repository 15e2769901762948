/* SPDX-License-Identifier: Apache-2.0
 *
 * The three codes read, and told apart by what they say. Arguments: tests/data/encode-louis.tsv and
 * tests/data/code-louis.tsv, both by liblouis.
 */

#include "lang-util.h"

#include <math.h>
#include <stdbool.h>
#include <time.h>

struct pair {
    const char *in, *out;
};

static void decode(enum lang_code code, const char *braille, struct lang_text *ret)
{
    static uint8_t cells[4096];

    REQUIRE(lang_decode_code(code, cells, cells_from_text(braille, cells, sizeof(cells)), ret) ==
            0);
    REQUIRE(ret->code == code);
}

static void require_pinyin(enum lang_code code, const char *braille, const char *expected)
{
    struct lang_text text;
    char *pinyin;

    decode(code, braille, &text);
    REQUIRE(lang_pinyin(&text, &pinyin) == 0);
    if (strcmp(pinyin, expected) != 0)
        fprintf(stderr, "%s\n  gives %s\n  not   %s\n", braille, pinyin, expected);
    REQUIRE(strcmp(pinyin, expected) == 0);
    free(pinyin);
    lang_text_done(&text);
}

static void test_two_cell(void)
{
    static const struct pair table[] = {
        {"", ""},
        {"⠞⠃⠎⠩⠑⠙ ⠒⠹⠖⠑⠞⠱", "ti4tou2jiang4 yang2feng4ting2"},
        /* neutral tones have cells of their own, but ao and ai: there the word tells */
        {"⠎⠞⠪⠂ ⠇⠔ ⠞⠗⠙⠆ ⠻⠜⠫⠎", "ta1men5 le5 tiao1zi5 sui1shuo1"},
        {"⠇⠷⠇⠓", "lao3lao5"},
        {"⠇⠓", "lao4"},
        /* one cell: de, shi, er behind a syllable */
        {"⠞⠃⠎⠩ ⠌ ⠔⠡", "ti4tou2 de5 ren2"},
        {"⠋ ⠞⠃ ⠑⠉⠋ ⠶⠣⠔⠐", "shi4 ti4 jiu4shi4 pi2er5 ，"},
        {"⠔", "⠔"},
        /* she, it */
        {"⠈⠎⠞ ⠐⠎⠞⠪⠂", "ta1 ta1men5"},
        /* its own signs */
        {"⠞⠃⠐ ⠞⠃⠐⠆⠞⠃⠐⠄ ⠞⠃⠰⠂ ⠞⠃⠠ ⠞⠃⠰ ⠞⠃⠠⠄ ⠞⠃",
         "ti4 ， ti4 。 ti4 ？ ti4 ！ ti4 、 ti4 ； ti4 ： ti4"},
        {"⠰⠄⠞⠃⠠⠆ ⠠⠢⠞⠃⠔⠄ ⠰⠤⠞⠃⠤⠆ ⠰⠆⠞⠃⠰⠆ ⠐⠤⠞⠃⠤⠂", "“ ti4 ” ‘ ti4 ’ （ ti4 ） ［ ti4 ］ 《 ti4 》"},
        {"⠞⠃⠠⠠⠠ ⠞⠃⠠⠤⠞⠃", "ti4 …… ti4 —— ti4"},
        /* numbers and letters */
        {"⠼⠃⠙ ⠼⠉⠄⠁⠙ ⠼⠉⠤⠔⠡", "24 3.14 3 ren2"},
        {"⠼⠁⠆ ⠼⠑⠚⠼⠚⠴", "1/2 50%"},
        {"⠠⠁ ⠰⠭ ⠠⠠⠥⠝⠑", "A x UNE"},
        /* line ends */
        {"⠞⠃\n⠎⠩", "ti4 tou2"},
        {"⠞⠃\n ⠤⠎⠩", "ti4tou2"},
        /* no syllable */
        {"⠔⠜ ⠞⠃", "⠔⠜ ti4"},
        {"⠆⠞⠃", "⠆ ti4"},
        {"⠞⠃⠞", "ti4 ⠞"},
    };

    for (size_t i = 0; i < ELEMENTSOF(table); i++)
        require_pinyin(LANG_TWO_CELL, table[i].in, table[i].out);
}

static void require_spoken(enum lang_code code, const char *braille, const char *expected)
{
    struct lang_text text;
    unsigned n_unknown;
    char *spoken;

    decode(code, braille, &text);
    REQUIRE(lang_spoken(&text, &spoken, &n_unknown) == 0 && n_unknown == 0);
    if (strcmp(spoken, expected) != 0)
        fprintf(stderr, "%s\n  gives %s\n  not   %s\n", braille, spoken, expected);
    REQUIRE(strcmp(spoken, expected) == 0);
    free(spoken);
    lang_text_done(&text);
}

/* The tone that is not written is the initial's own, or neutral. */
static void test_common(void)
{
    static const struct pair table[] = {
        {"⠋⠼⠋⠧", "feng1fan1"},
        {"⠍⠼ ⠃⠥", "meng2 bu4"},
        {"⠙⠊⠞⠧", "di4tan2"},
        {"⠳⠊⠆", "you3yi4"},
        {"⠕ ⠑ ⠊", "wo3 ye3 yi1"},
        {"⠱⠁⠵", "shi1zi5"},
        {"⠵⠆⠵", "zi4zi5"},
        {"⠇⠢ ⠇⠢⠆", "le5 le4"},
        {"⠞⠷ ⠞⠷⠂", "tou5 tou2"},
        {"⠝ ⠞ ⠞⠁ ⠈⠞ ⠙", "ni3 ta1 ta1 ta1 de5"},
        {"⠵⠴⠄⠍ ⠞⠍⠴", "zen3me5 ta1men5"},
        {"⠓⠖ ⠓⠖⠄", "hao2 hao3"},
    };

    for (size_t i = 0; i < ELEMENTSOF(table); i++)
        require_spoken(LANG_COMMON, table[i].in, table[i].out);
    /* the same cells in Current Braille: any tone that words have */
    require_spoken(LANG_CURRENT, "⠙⠢ ⠓⠖ ⠱⠁⠵", "de5 hao3 shi1zi5");
}

/* What liblouis writes for a syllable, word, sign or number reads as that; in Common Braille when
 * its unwritten tones are spoken. Labels that liblouis writes otherwise are no cases. */
static void test_labels(const char *path)
{
    char *line = NULL, *fields[4];
    size_t room = 0, n[LANG_N_CODES] = {0}, n_other[LANG_N_CODES] = {0};
    FILE *f = fopen(path, "r");

    REQUIRE(f);
    while (next_case(f, &line, &room, fields, 4)) {
        enum lang_code code;
        struct lang_text text;
        bool same = true;
        char *out;
        REQUIRE(lang_code_parse(fields[0], &code) == 0);
        if (*fields[3])
            continue;
        decode(code, fields[2], &text);
        for (size_t i = 0; i < text.n; i++)
            same = same && text.tokens[i].kind != LANG_UNKNOWN;
        REQUIRE(same);
        if (code == LANG_COMMON && text.tokens[0].kind == LANG_SYLLABLE)
            REQUIRE(lang_spoken(&text, &out, NULL) == 0);
        else
            REQUIRE(lang_pinyin(&text, &out) == 0);
        n[code]++;
        same = strcmp(out, fields[1]) == 0;
        n_other[code] += !same;
        if (!same && getenv("BRAILLED_SHOW"))
            printf("%s: %s reads as %s, not %s\n", fields[0], fields[2], out, fields[1]);
        free(out);
        lang_text_done(&text);
    }
    fclose(f);
    free(line);
    for (unsigned k = 0; k < LANG_N_CODES; k++) {
        printf("%s: %zu labels, %zu read as others\n", lang_code_names[k], n[k], n_other[k]);
        REQUIRE(n[k] > 1000);
    }
    /* closing signs alone look like their opening ones; in Common Braille one syllable alone, such
     * as ba4, may as well be neutral */
    REQUIRE(n_other[LANG_CURRENT] * 200 <= n[LANG_CURRENT]);
    REQUIRE(n_other[LANG_TWO_CELL] * 200 <= n[LANG_TWO_CELL]);
    REQUIRE(n_other[LANG_COMMON] * 200 <= n[LANG_COMMON] * 3);
}

static enum lang_code manner_code(const char *manner)
{
    enum lang_code code = LANG_CURRENT;

    if (strcmp(manner, "full") != 0 && strcmp(manner, "sparse") != 0)
        REQUIRE(lang_code_parse(manner, &code) == 0);
    return code;
}

struct score {
    size_t n, n_right;
};

static void judge(enum lang_code code, const uint8_t *cells, size_t n, struct score *score)
{
    struct lang_choice choice;
    struct lang_text text;

    REQUIRE(lang_decode_any(cells, n, &text, &choice) == 0);
    REQUIRE(text.code == choice.code && choice.p > 1. / 3 && choice.p <= 1);
    for (unsigned k = 0; k < LANG_N_CODES; k++)
        REQUIRE(choice.legal[k] >= 0 && choice.legal[k] <= 1 && choice.nats[k] >= 0);
    score->n++;
    score->n_right += choice.code == code;
    lang_text_done(&text);
}

/* Up to `most` cells, cut at a gap. */
static size_t cut(const uint8_t *cells, size_t n, size_t most)
{
    size_t end = 0;

    for (size_t i = 0; i <= n && i <= most; i++)
        if (i == n || cells[i] == 0)
            end = i;
    return end;
}

/* Lines of up to 32 cells, whole sentences, and four sentences together. */
static void test_choice(const char *path)
{
    enum { LINE, SENTENCE, PAGE, N_LENGTHS };
    static const char *const names[] = {"lines", "sentences", "fours"};
    static uint8_t cells[4096], page[65536];
    struct score scores[LANG_N_CODES][N_LENGTHS] = {0};
    char *line = NULL, *fields[3];
    size_t room = 0, n_page = 0, n_sentences = 0;
    FILE *f = fopen(path, "r");

    REQUIRE(f);
    while (next_case(f, &line, &room, fields, 3)) {
        const enum lang_code code = manner_code(fields[0]);
        const size_t n = cells_from_text(fields[1], cells, sizeof(cells));
        judge(code, cells, cut(cells, n, 32), &scores[code][LINE]);
        judge(code, cells, n, &scores[code][SENTENCE]);
        REQUIRE(n_page + n < sizeof(page));
        memcpy(page + n_page, cells, n);
        n_page += n;
        page[n_page++] = LANG_LINE_END;
        if (++n_sentences % 4 == 0) { /* the manners have a number of sentences that 4 divides */
            judge(code, page, n_page, &scores[code][PAGE]);
            n_page = 0;
        }
    }
    fclose(f);
    free(line);
    for (unsigned k = 0; k < LANG_N_CODES; k++)
        for (unsigned i = 0; i < N_LENGTHS; i++)
            printf("%s: %zu of %zu %s are told\n", lang_code_names[k], scores[k][i].n_right,
                   scores[k][i].n, names[i]);
    for (unsigned k = 0; k < LANG_N_CODES; k++) {
        REQUIRE(scores[k][PAGE].n >= 14 && scores[k][PAGE].n_right == scores[k][PAGE].n);
        REQUIRE(scores[k][SENTENCE].n_right * 100 >= scores[k][SENTENCE].n * 94);
        REQUIRE(scores[k][LINE].n_right * 100 >= scores[k][LINE].n * (k == LANG_COMMON ? 85 : 97));
    }
}

static double now_ms(void)
{
    struct timespec t;

    REQUIRE(clock_gettime(CLOCK_MONOTONIC, &t) == 0);
    return (double) t.tv_sec * 1e3 + (double) t.tv_nsec * 1e-6;
}

/* A page of 1,000 cells: a code is read in under a millisecond, the choice takes a few. The bounds
 * are for a loaded machine under sanitizers; the figures are printed. */
static void test_speed(const char *path)
{
    static uint8_t cells[8192];
    double code_ms = INFINITY, choice_ms = INFINITY;
    char *line = NULL, *fields[3];
    struct lang_choice choice;
    struct lang_text text;
    size_t room = 0, n = 0;
    FILE *f = fopen(path, "r");

    REQUIRE(f);
    while (n < 1000 && next_case(f, &line, &room, fields, 3)) {
        n += cells_from_text(fields[1], cells + n, sizeof(cells) - n - 1);
        cells[n++] = LANG_LINE_END;
    }
    fclose(f);
    free(line);
    for (int i = 0; i < 20; i++) {
        double t0 = now_ms(), t1;
        REQUIRE(lang_decode_code(LANG_CURRENT, cells, n, &text) == 0);
        lang_text_done(&text);
        t1 = now_ms();
        code_ms = fmin(code_ms, t1 - t0);
        REQUIRE(lang_decode_any(cells, n, &text, &choice) == 0);
        choice_ms = fmin(choice_ms, now_ms() - t1);
        lang_text_done(&text);
    }
    printf("%zu cells: %.3f ms in one code, %.3f ms to choose\n", n, code_ms, choice_ms);
    REQUIRE(code_ms < 5 && choice_ms < 25);
}

/* Nothing to go by: the code that most books are in, and no certainty. */
static void test_nothing(void)
{
    static const uint8_t blanks[] = {0, LANG_LINE_END, 0};
    struct lang_choice choice;
    struct lang_text text;

    REQUIRE(lang_decode_any(NULL, 0, &text, &choice) == 0);
    REQUIRE(choice.code == LANG_CURRENT && choice.p < 0.7 && text.n == 0);
    lang_text_done(&text);
    REQUIRE(lang_decode_any(blanks, sizeof(blanks), &text, &choice) == 0);
    REQUIRE(choice.code == LANG_CURRENT && choice.p < 0.7 && choice.legal[0] == 0);
    lang_text_done(&text);
}

int main(int argc, char **argv)
{
    REQUIRE(argc == 3);
    test_two_cell();
    test_common();
    test_labels(argv[1]);
    test_choice(argv[2]);
    test_speed(argv[2]);
    test_nothing();
    return 0;
}
