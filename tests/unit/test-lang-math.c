/* SPDX-License-Identifier: Apache-2.0
 *
 * dataset/lang: formulas, numbers and units. The first argument is tests/data/lang-math.tsv: code,
 * braille ("|" ends a line), what is printed, what is said, and the rule with its source.
 */

#include "lang-util.h"

#include <stdbool.h>

struct result {
    char *pinyin, *spoken;
    unsigned n_unknown;
};

static struct result read_cells(enum lang_code code, const uint8_t *cells, size_t n)
{
    struct lang_text text;
    struct result r;
    size_t end = 0;

    REQUIRE(lang_decode_code(code, cells, n, &text) == 0);
    for (size_t i = 0; i < text.n; i++) { /* in order, without overlap, inside */
        REQUIRE(text.tokens[i].first >= end && text.tokens[i].n_cells > 0);
        end = (size_t) text.tokens[i].first + text.tokens[i].n_cells;
        REQUIRE(end <= n && text.tokens[i].text[0]);
    }
    REQUIRE(lang_pinyin(&text, &r.pinyin) == 0);
    REQUIRE(lang_spoken(&text, &r.spoken, &r.n_unknown) == 0);
    lang_text_done(&text);
    return r;
}

static void done(struct result *r)
{
    free(r->pinyin);
    free(r->spoken);
}

static bool same(const char *what, const char *braille, const char *got, const char *expected)
{
    if (strcmp(got, expected) == 0)
        return true;
    fprintf(stderr, "%s (%s)\n  gives %s\n  not   %s\n", braille, what, got, expected);
    return false;
}

/* What is said must be pinyin that the voice takes. */
static void require_phones(const char *spoken)
{
    struct lang_phone *phones;
    struct fail fail = {0};
    size_t n;

    if (lang_phones(spoken, &phones, &n, &fail) < 0)
        fprintf(stderr, "%s: %s\n", spoken, fail.text);
    REQUIRE(fail.kind == FAIL_NONE && n > 2);
    free(phones);
}

static void test_cases(const char *path)
{
    char *line = NULL, *fields[5];
    size_t room = 0, n = 0, n_bad = 0;
    FILE *f = fopen(path, "r");

    REQUIRE(f);
    for (; next_case(f, &line, &room, fields, 5); n++) {
        static uint8_t cells[512];
        enum lang_code code;
        REQUIRE(lang_code_parse(fields[0], &code) == 0);
        for (char *p = fields[1]; *p; p++)
            *p = *p == '|' ? '\n' : *p;
        struct result r = read_cells(code, cells, cells_from_text(fields[1], cells, sizeof(cells)));
        n_bad += !same("printed", fields[1], r.pinyin, fields[2]);
        n_bad += !same("said", fields[1], r.spoken, fields[3]);
        require_phones(r.spoken);
        done(&r);
    }
    REQUIRE(n >= 60 && n_bad == 0);
    fclose(f);
    free(line);
}

/* A formula that goes on and on, or nests beyond reason, is answered all the same. */
static void test_deep(void)
{
    static uint8_t cells[4000];
    static const uint8_t open[] = {0x23, 0x23, 0x23}, root[] = {0x29, 0x31, 0x30},
                         sum[] = {0x16, 0x30, 0x01}, bars[] = {0x38, 0x38, 0x38};
    const uint8_t *const units[] = {open, root, sum, bars};

    for (size_t u = 0; u < ELEMENTSOF(units); u++)
        for (size_t lead = 0; lead < 3; lead++) {
            for (size_t i = 0; i < sizeof(cells); i++)
                cells[i] = i < lead ? 0x30 : units[u][i % 3];
            struct result r = read_cells(LANG_CURRENT, cells, sizeof(cells));
            done(&r);
        }
}

int main(int argc, char **argv)
{
    REQUIRE(argc == 2);
    test_cases(argv[1]);
    test_deep();
    return 0;
}
