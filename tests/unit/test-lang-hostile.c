/* SPDX-License-Identifier: Apache-2.0
 *
 * dataset/lang with whatever a broken page or a hostile caller may hand over: random cells and
 * random text must be answered, whatever is spoken must be pinyin, and megabytes must not take
 * long. The first argument is the number of rounds, the second the seed.
 */

#include "lang-util.h"

#include <errno.h>
#include <time.h>

static uint64_t state = 1;

static unsigned random_below(unsigned n)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (unsigned) ((state >> 33) % n);
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double) t.tv_sec + 1e-9 * (double) t.tv_nsec;
}

/* Spoken pinyin goes through sandhi, sentences and phones. */
static void use_pinyin(const char *pinyin, unsigned max_syllables)
{
    char *sandhi, **sentences;
    struct lang_phone *phones;
    struct fail fail = {0};
    size_t n;

    if (lang_sandhi(pinyin, &sandhi, &fail) < 0)
        fprintf(stderr, "%s\n", fail.text);
    REQUIRE(fail.kind == FAIL_NONE);
    REQUIRE(lang_phones(sandhi, &phones, &n, &fail) == 0 && n >= 2 && fail.kind == FAIL_NONE);
    free(phones);
    REQUIRE(lang_sentences(sandhi, max_syllables, &sentences, &n, NULL) == 0);
    for (size_t i = 0; i < n; i++) {
        size_t n_syllables = 0;
        for (const char *p = sentences[i]; *p; p++)
            n_syllables += *p >= '1' && *p <= '5';
        REQUIRE(n_syllables > 0 && n_syllables <= (max_syllables ? max_syllables : 1));
        free(sentences[i]);
    }
    free(sentences);
    free(sandhi);
}

static void use_text(const struct lang_text *t, size_t n, unsigned max_syllables)
{
    struct lang_text text = *t;
    char *pinyin, *spoken;
    unsigned n_unknown;
    size_t end = 0;

    for (size_t i = 0; i < text.n; i++) { /* in order, without overlap, inside */
        REQUIRE(text.tokens[i].first >= end && text.tokens[i].n_cells > 0);
        end = (size_t) text.tokens[i].first + text.tokens[i].n_cells;
        REQUIRE(end <= n && text.tokens[i].text[0]);
    }
    REQUIRE(lang_pinyin(&text, &pinyin) == 0);
    REQUIRE(lang_spoken(&text, &spoken, &n_unknown) == 0 && n_unknown <= n);
    use_pinyin(spoken, max_syllables);
    free(pinyin);
    free(spoken);
}

/* In every code, and in the likeliest. */
static void use_cells(const uint8_t *cells, size_t n, unsigned max_syllables)
{
    struct lang_choice choice;
    struct lang_text text;

    for (unsigned code = 0; code < LANG_N_CODES; code++) {
        REQUIRE(lang_decode_code((enum lang_code) code, cells, n, &text) == 0);
        use_text(&text, n, max_syllables);
        lang_text_done(&text);
    }
    REQUIRE(lang_decode_any(cells, n, &text, &choice) == 0);
    REQUIRE(choice.code < LANG_N_CODES && text.code == choice.code);
    REQUIRE(choice.p >= 1. / 3 - 1e-9 && choice.p <= 1 + 1e-9);
    lang_text_done(&text);
    REQUIRE(lang_decode(cells, n, &text) == 0);
    lang_text_done(&text);
}

static void fuzz_cells(unsigned rounds)
{
    static const uint8_t signs[] = {0x3C, 0x24, 0x10, 0x20, 0x30, 0x18, 0x04, 0x02, 0x06, 0, 0xFF};
    uint8_t cells[400];

    for (unsigned round = 0; round < rounds; round++) {
        size_t n = random_below(sizeof(cells) + 1);
        unsigned style = random_below(3);
        for (size_t i = 0; i < n; i++) {
            cells[i] = (uint8_t) random_below(style == 0 ? 256 : 64);
            if (style == 2 && random_below(2))
                cells[i] = signs[random_below(sizeof(signs))];
        }
        use_cells(cells, n, random_below(30));
    }
}

static void fuzz_text(unsigned rounds)
{
    static const char *const parts[] = {"zhong", "guo",  "a",  "xi",   "an", "1",  "2",    "3",
                                        "4",     "5",    " ",  "'",    "，", "。", "u:",   "ü",
                                        ":",     "\xc3", "\n", "\xe3", "“",  "V",  "\x80", "6"};
    char text[1024], *out, **sentences;
    struct lang_phone *phones;
    size_t n;

    for (unsigned round = 0; round < rounds; round++) {
        unsigned n_parts = random_below(60), good = random_below(2) ? 16 : ELEMENTSOF(parts);
        text[0] = 0;
        for (unsigned i = 0; i < n_parts; i++)
            strcat(text, parts[random_below(good)]);
        struct fail fail = {0};
        int r = lang_phones(text, &phones, &n, &fail);
        REQUIRE(r == 0 || (r == -EINVAL && fail.kind == FAIL_INPUT && fail.text[0]));
        if (r == 0)
            free(phones);
        REQUIRE(lang_sandhi(text, &out, NULL) == r);
        if (r == 0) {
            /* what comes out is pinyin of the same phones, tones aside */
            struct lang_phone *again;
            size_t n_again;
            REQUIRE(lang_phones(out, &again, &n_again, NULL) == 0 && n_again == n);
            free(again);
            free(out);
        }
        REQUIRE(lang_sentences(text, random_below(9), &sentences, &n, NULL) == r);
        while (r == 0 && n > 0)
            free(sentences[--n]);
        if (r == 0)
            free(sentences);
    }
}

/* What makes a parser look far ahead, over and over. A cost per cell that grows with the length
 * would take hours here. */
static void test_long_cells(size_t n)
{
    static const uint8_t patterns[][3] = {
        {0x3C, 0x3C, 0x3C}, {0x24, 0x24, 0x24}, {0x10, 0x10, 0x10}, {0x20, 0x01, 0x03},
        {0x30, 0x01, 0x03}, {0x18, 0x18, 0x00}, {0x3C, 0x01, 0x02}, {0x3C, 0x01, 0x04},
        {0x13, 0x16, 0x06}, {0x20, 0x20, 0x0A}, {0xFF, 0x24, 0x13}, {0x0A, 0x0A, 0x0A},
    };
    uint8_t *cells = malloc(n);
    double start = now();

    REQUIRE(cells);
    for (size_t p = 0; p < ELEMENTSOF(patterns); p++) {
        for (size_t i = 0; i < n; i++)
            cells[i] = patterns[p][i % 3];
        use_cells(cells, n, 20);
    }
    printf("%zu texts of %zu cells: %.2f s\n", ELEMENTSOF(patterns), n, now() - start);
    REQUIRE(now() - start < 60);
    free(cells);
}

static void test_long_text(size_t n)
{
    static const char *const units[] = {"a",     "zhuang", "（", "， ", "ni3 ",
                                        "xian'", "“ ni3",  "n3", "g"};
    double start = now();

    for (size_t u = 0; u < ELEMENTSOF(units); u++) {
        size_t length = strlen(units[u]), n_units = n / length, n_phones;
        char *text = malloc(n + 1), **sentences;
        struct lang_phone *phones;
        REQUIRE(text);
        for (size_t i = 0; i < n_units; i++)
            memcpy(text + i * length, units[u], length);
        text[n_units * length] = 0;
        if (lang_phones(text, &phones, &n_phones, NULL) == 0)
            free(phones);
        if (lang_sentences(text, UINT32_MAX, &sentences, &n_phones, NULL) == 0) {
            while (n_phones > 0)
                free(sentences[--n_phones]);
            free(sentences);
        }
        free(text);
    }
    printf("%zu texts of %zu bytes: %.2f s\n", ELEMENTSOF(units), n, now() - start);
    REQUIRE(now() - start < 60);
}

int main(int argc, char **argv)
{
    unsigned rounds = argc > 1 ? (unsigned) atoi(argv[1]) : 1000;

    state = argc > 2 ? strtoull(argv[2], NULL, 10) | 1 : 20181;
    fuzz_cells(rounds);
    fuzz_text(rounds);
    test_long_cells(100000);
    test_long_text(300000);
    return 0;
}
