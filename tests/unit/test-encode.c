/* SPDX-License-Identifier: Apache-2.0
 *
 * Text to cells in three codes: known words, what cannot be written, labels and their way back, and
 * liblouis as the oracle (tests/data/encode-louis.tsv; liblouis itself is not needed).
 */

#include "test.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "lang/encode.h"
#include "lang/lang.h"

/* "125 235 3" -> cells; "0" is a blank. */
static size_t parse(const char *dots, brl_cell *cells)
{
    char part[16];
    size_t n = 0;

    for (const char *p = dots; *p;) {
        const size_t length = strcspn(p, " ");
        REQUIRE(length < sizeof(part));
        snprintf(part, sizeof(part), "%.*s", (int) length, p);
        REQUIRE(brl_cell_parse(part, &cells[n++]) == 0);
        p += length + (p[length] == ' ');
    }
    return n;
}

static void to_text(const brl_cell *cells, size_t n, char *out)
{
    *out = 0;
    for (size_t i = 0; i < n; i++)
        brl_cell_utf8(cells[i], out + 3 * i);
}

static void test_known(void)
{
    static const struct {
        enum lang_code code;
        const char *text, *dots;
    } cases[] = {
        {LANG_CURRENT, "24", "3456 12 145"},
        {LANG_CURRENT, "248", "3456 12 145 125"},
        {LANG_CURRENT, "hao4", "125 235 23"},
        {LANG_CURRENT, "hao", "125 235"},
        {LANG_CURRENT, "！", "56 2"},
        {LANG_CURRENT, "zhong1", "34 256 1"},
        {LANG_CURRENT, "zhi4", "34 23"},
        {LANG_CURRENT, "nv3", "1345 346 3"},
        {LANG_CURRENT, "nü3", "1345 346 3"},
        {LANG_CURRENT, "NI3HAO3", "1345 24 3 125 235 3"},
        {LANG_CURRENT, "bei3jing1 shi4", "12 2346 3 1245 16 1 0 156 23"},
        {LANG_CURRENT, "xi'an", "125 24 1236"},
        {LANG_CURRENT, "ni3 ， hao3", "1345 24 3 5 0 125 235 3"},
        {LANG_CURRENT, "《 shu1 》", "5 36 156 136 1 36 2"},
        {LANG_CURRENT, "3.14", "3456 14 3 1 145"},
        {LANG_CURRENT, "1/2", "3456 1 23"},
        {LANG_CURRENT, "50%", "3456 15 245 3456 245 356"},
        {LANG_CURRENT, "24bei1", "3456 12 145 36 12 2346 1"}, /* b would be a 2 */
        {LANG_CURRENT, "24nian2", "3456 12 145 1345 146 2"},
        {LANG_CURRENT, "2018 nian2", "3456 12 245 1 125 0 1345 146 2"},
        {LANG_CURRENT, "⠓⠖⠄", "125 235 3"},
        {LANG_CURRENT, "“", "45"},
        {LANG_CURRENT, "?", "5 3"},
        {LANG_COMMON, "hao4", "125 235 23"},
        {LANG_COMMON, "hao2", "125 235"},
        {LANG_COMMON, "fang1", "124 236"},
        {LANG_COMMON, "shi4", "156"},
        {LANG_COMMON, "er2", "1235"},
        {LANG_COMMON, "er4", "1235 23"},
        {LANG_COMMON, "wo3men5", "135 134 356"},
        {LANG_COMMON, "yi1", "24"},
        {LANG_COMMON, "yi4", "24 23"},
        {LANG_COMMON, "wen4", "25"},
        {LANG_COMMON, "e4", "26 23"},
        {LANG_COMMON, "zi4", "1356 23"},
        {LANG_COMMON, "le5", "123 26"},
        {LANG_COMMON, "o4", "26"},
        {LANG_COMMON, "de5", "145"},
        {LANG_COMMON, "ni3", "1345"},
        {LANG_COMMON, "ni3men5", "1345 134 356"},
        {LANG_COMMON, "ni3ding4", "1345 24 3 145 16"},
        {LANG_COMMON, "zen3me5", "1356 356 3 134"},
        {LANG_COMMON, "她", "2345 1"},
        {LANG_COMMON, "它", "4 2345"},
        {LANG_COMMON, "：", "36"},
        {LANG_TWO_CELL, "wo3", "26 2346"},
        {LANG_TWO_CELL, "ti4", "2345 12"},
        {LANG_TWO_CELL, "de5", "34 35"},
        {LANG_TWO_CELL, "er2", "35 2456"},
        {LANG_TWO_CELL, "xiong1", "1256 135"},
        {LANG_TWO_CELL, "：", "6 3"},
        {LANG_TWO_CELL, "“", "56 3"},
        {LANG_TWO_CELL, "248", "3456 12 145 125"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        brl_cell cells[LANG_MAX_LABEL_CELLS], wanted[64];
        struct fail fail = {0};
        size_t n = 0, n_wanted = parse(cases[i].dots, wanted);
        const int r = lang_encode(cases[i].code, cases[i].text, cells, &n, &fail);
        if (r < 0 || n != n_wanted || memcmp(cells, wanted, n) != 0) {
            fprintf(stderr, "%s in %s: %d %s; got", cases[i].text, lang_code_names[cases[i].code],
                    r, fail.text);
            for (size_t k = 0; k < n; k++) {
                char dots[7];
                brl_cell_format(cells[k], dots);
                fprintf(stderr, " %s", dots);
            }
            fprintf(stderr, "\n");
            REQUIRE(!"the cells of a known word");
        }
    }
}

static void test_refused(void)
{
    static const struct {
        enum lang_code code;
        const char *text, *named;
        int r;
    } cases[] = {
        {LANG_CURRENT, "", "empty", -EILSEQ},     {LANG_CURRENT, "  ", "empty", -EILSEQ},
        {LANG_CURRENT, "bnx3", "bnx3", -EILSEQ},  {LANG_CURRENT, "hao3 好", "'好'", -EILSEQ},
        {LANG_CURRENT, "她", "'她'", -EILSEQ},    {LANG_COMMON, "好", "'好'", -EILSEQ},
        {LANG_TWO_CELL, "hao", "tone", -EILSEQ},  {LANG_TWO_CELL, "ni3hao", "tone", -EILSEQ},
        {LANG_CURRENT, "⣿", "six dots", -EILSEQ}, {LANG_CURRENT, "\xff\xfe", "'", -EILSEQ},
        {LANG_CURRENT, "hao3\xe5", "'", -EILSEQ}, {LANG_TWO_CELL, "·", "'·'", -EILSEQ},
    };
    brl_cell cells[LANG_MAX_LABEL_CELLS];
    char text[2000];
    size_t n;

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct fail fail = {0};
        REQUIRE(lang_encode(cases[i].code, cases[i].text, cells, &n, &fail) == cases[i].r);
        REQUIRE(fail.kind == FAIL_INPUT && strstr(fail.text, cases[i].named));
    }
    for (unsigned kind = 0; kind < 3; kind++) { /* one cell too many */
        text[0] = 0;
        for (unsigned i = 0; i < 300; i++)
            strcat(text, kind == 0 ? "1" : kind == 1 ? "ma1" : "，");
        REQUIRE(lang_encode(LANG_CURRENT, text, cells, &n, NULL) == -E2BIG);
    }
    enum lang_code code;
    REQUIRE(lang_code_parse("two-cell", &code) == 0 && code == LANG_TWO_CELL);
    REQUIRE(lang_code_parse("braille", &code) == -EINVAL);
}

struct counts {
    size_t of[LANG_N_BIT_TYPES];
};

/* Every label has cells of its own, and they read as the label. */
static void test_labels(enum lang_code code, const struct counts *wanted)
{
    struct lang_label *labels;
    struct counts counts = {0};
    size_t n;

    REQUIRE(lang_labels(code, &labels, &n) == 0);
    for (size_t i = 0; i < n; i++) {
        brl_cell cells[LANG_MAX_LABEL_CELLS];
        char text[16];
        size_t n_cells;
        REQUIRE(lang_encode(code, labels[i].text, cells, &n_cells, NULL) == 0);
        REQUIRE(n_cells >= 1 && n_cells <= 5);
        lang_read_label(code, cells, n_cells, text);
        REQUIRE(strcmp(text, labels[i].text) == 0);
        counts.of[labels[i].type]++;
        for (size_t k = 0; k < i; k++)
            REQUIRE(strcmp(labels[k].text, labels[i].text) != 0);
    }
    fprintf(stderr, "%s: %zu numbers, %zu syllables, %zu signs\n", lang_code_names[code],
            counts.of[0], counts.of[1], counts.of[2]);
    for (unsigned t = 0; t < LANG_N_BIT_TYPES; t++)
        REQUIRE(counts.of[t] == wanted->of[t]);
    free(labels);
}

/* Whatever reads as a label is written with the cells that were read; only the full spelling of a
 * word that Common Braille shortens is read, and written short. */
static void test_all_cells(enum lang_code code)
{
    size_t n_read = 0, n_short = 0;

    for (unsigned packed = 1; packed < 64 * 64 * 64; packed++) {
        const brl_cell all[3] = {packed >> 12, packed >> 6 & 63, packed & 63};
        const size_t skip = packed < 64 ? 2 : packed < 64 * 64 ? 1 : 0, n = 3 - skip;
        brl_cell cells[LANG_MAX_LABEL_CELLS];
        char text[16];
        size_t n_cells;
        lang_read_label(code, all + skip, n, text);
        if (!text[0])
            continue;
        n_read++;
        REQUIRE(lang_encode(code, text, cells, &n_cells, NULL) == 0);
        if (n_cells == n && memcmp(cells, all + skip, n) == 0)
            continue;
        REQUIRE(code == LANG_COMMON);
        n_short++;
    }
    fprintf(stderr, "%s: %zu of all sequences of up to three cells are labels\n",
            lang_code_names[code], n_read);
    REQUIRE(n_read > 1000 && n_short <= 8);
}

/* Of each line: code, text, cells of liblouis, and why ours differ, if they do. Blanks are compared
 * in the words only: around signs liblouis follows the print. */
static void test_louis(const char *path)
{
    FILE *f = fopen(path, "re");
    char line[4096];
    unsigned n_cases = 0, n_different = 0, n_wrong = 0;

    REQUIRE(f);
    while (fgets(line, sizeof(line), f)) {
        char *fields[4] = {line}, ours[4 * LANG_MAX_LABEL_CELLS];
        brl_cell cells[LANG_MAX_LABEL_CELLS];
        struct fail fail = {0};
        enum lang_code code;
        size_t n = 0;
        if (line[0] == '#')
            continue;
        line[strcspn(line, "\n")] = 0;
        for (unsigned i = 1; i < 4; i++) {
            fields[i] = strchr(fields[i - 1], '\t');
            REQUIRE(fields[i]);
            *fields[i]++ = 0;
        }
        REQUIRE(lang_code_parse(fields[0], &code) == 0);
        const int r = lang_encode(code, fields[1], cells, &n, &fail);
        to_text(cells, n, ours);
        const bool same = r == 0 && strcmp(ours, fields[2]) == 0;
        n_cases++;
        n_different += fields[3][0] != 0;
        if (same != (fields[3][0] == 0)) {
            fprintf(stderr, "%s '%s': liblouis %s, ours %s (%s) %s\n", fields[0], fields[1],
                    fields[2], ours, fields[3], fail.text);
            n_wrong++;
        }
    }
    fclose(f);
    fprintf(stderr, "liblouis: %u cases, %u differ with a reason, %u without\n", n_cases,
            n_different, n_wrong);
    REQUIRE(n_cases > 3000 && n_different < n_cases / 50 && n_wrong == 0);
}

int main(int argc, char **argv)
{
    REQUIRE(argc == 2);
    test_known();
    test_refused();
    test_labels(LANG_CURRENT, &(struct counts){{2000, 1308, 21}});
    test_labels(LANG_COMMON, &(struct counts){{2000, 1310, 21}});
    test_labels(LANG_TWO_CELL, &(struct counts){{2000, 1335, 20}});
    for (unsigned code = 0; code < LANG_N_CODES; code++)
        test_all_cells((enum lang_code) code);
    test_louis(argv[1]);
    return 0;
}
