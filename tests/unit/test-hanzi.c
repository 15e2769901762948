/* SPDX-License-Identifier: Apache-2.0
 *
 * dataset/lang/hanzi.h: what the lexicon says about what was read. The arguments are the sample
 * page of tests/data in braille, and its text.
 */

#include <errno.h>

#include "lang/hanzi.h"
#include "lang-util.h"

/* How well the syllables of a braille word fit. */
static struct lang_word_fit fit(enum lang_code code, const char *braille)
{
    uint8_t cells[64];
    struct lang_text text;
    struct lang_word_fit ret;

    REQUIRE(lang_decode_code(code, cells, cells_from_text(braille, cells, sizeof(cells)), &text) ==
            0);
    REQUIRE(lang_word_fit(code, text.tokens, text.n, &ret) == 0);
    lang_text_done(&text);
    return ret;
}

static void test_word_fit(void)
{
    /* zhongguo is a word, with its tones too; with a wrong tone or dot it is none */
    const struct lang_word_fit word = fit(LANG_CURRENT, "⠌⠲⠛⠕"),
                               toned = fit(LANG_CURRENT, "⠌⠲⠁⠛⠕⠂"),
                               off_tone = fit(LANG_CURRENT, "⠌⠲⠄⠛⠕⠁"),
                               off_dot = fit(LANG_CURRENT, "⠌⠲⠅⠕");
    REQUIRE(word.known && word.n_parts == 1);
    REQUIRE(toned.known && toned.n_parts == 1);
    REQUIRE(word.nats > 0 && word.nats <= toned.nats);
    REQUIRE(toned.nats + 4 < off_tone.nats);
    REQUIRE(word.nats + 4 < off_dot.nats);
    /* Common Braille leaves out tone 4 of zh and g: zhong4guo4 is what its missing tones say */
    REQUIRE(fit(LANG_COMMON, "⠌⠲⠛⠕").nats > word.nats + 4);
    /* no word of ours: told by its parts */
    const struct lang_word_fit none = fit(LANG_CURRENT, "⠎⠳⠄⠗⠂⠥⠁⠓⠽⠂");
    REQUIRE(!none.known && none.n_parts > 1);
}

static void test_wrong(void)
{
    const struct lang_token comma = {.kind = LANG_PUNCT, .text = "，"};
    const struct lang_token none = {.kind = LANG_SYLLABLE, .text = "zho"};
    struct lang_word_fit ret;

    REQUIRE(lang_word_fit(LANG_CURRENT, &comma, 1, &ret) == -EINVAL);
    REQUIRE(lang_word_fit(LANG_CURRENT, &none, 1, &ret) == -EINVAL);
    REQUIRE(lang_word_fit(LANG_CURRENT, &comma, 0, &ret) == -EINVAL);
}

static void require_hanzi(enum lang_code code, const char *braille, const char *hanzi)
{
    uint8_t cells[512];
    struct lang_text text;
    struct lang_sense *senses;
    char *out;

    REQUIRE(lang_decode_code(code, cells, cells_from_text(braille, cells, sizeof(cells)), &text) ==
            0);
    REQUIRE(lang_senses(&text, &senses) == 0);
    REQUIRE(lang_hanzi(&text, senses, 0, text.n, &out) == 0);
    if (strcmp(out, hanzi) != 0)
        fprintf(stderr, "%s\n  gives %s\n  not   %s\n", braille, out, hanzi);
    REQUIRE(strcmp(out, hanzi) == 0);
    free(out);
    free(senses);
    lang_text_done(&text);
}

static void test_hanzi(void)
{
    require_hanzi(LANG_CURRENT, "", "");
    /* printed tones decide between words */
    require_hanzi(LANG_CURRENT, "⠱⠂⠛⠩⠁", "时间");
    require_hanzi(LANG_CURRENT, "⠱⠆⠛⠩⠆", "事件");
    /* numbers, signs and letters as they stand; what is in no code in braille */
    require_hanzi(LANG_CURRENT, "⠌⠲⠛⠕ ⠼⠉⠄⠁⠙⠐ ⠠⠁⠐⠆", "中国3.14，A。");
    require_hanzi(LANG_CURRENT, "⠌⠲⠛⠕ ⠨", "中国⠨");
    /* no character sounds like den2 */
    require_hanzi(LANG_CURRENT, "⠌⠲⠛⠕ ⠙⠴⠂ ⠌⠲⠛⠕", "中国 den2 中国");
    /* he, she and it; two lines are one text, paragraphs are not */
    require_hanzi(LANG_COMMON, "⠞ ⠱", "他是");
    require_hanzi(LANG_COMMON, "⠞⠁ ⠱", "她是");
    require_hanzi(LANG_CURRENT, "⠌⠲\n⠤⠛⠕", "中国");
    require_hanzi(LANG_CURRENT, "⠌⠲⠛⠕\n\n⠌⠲⠛⠕", "中国\n中国");
}

/* The text of a page without its spaces: what is between the first `#` line and the empty one. */
static size_t load_text(const char *path, char *out, size_t room)
{
    FILE *f = fopen(path, "r");
    char line[4096];
    size_t n = 0;

    REQUIRE(f);
    while (fgets(line, sizeof(line), f) && line[0] != '\n')
        for (const char *p = line; line[0] != '#' && *p; p++)
            if (*p != ' ' && *p != '\n') {
                REQUIRE(n + 1 < room);
                out[n++] = *p;
            }
    fclose(f);
    out[n] = 0;
    return n;
}

static size_t load_cells(const char *path, uint8_t *cells, size_t room)
{
    FILE *f = fopen(path, "r");
    char text[16384];

    REQUIRE(f);
    text[fread(text, 1, sizeof(text) - 1, f)] = 0;
    fclose(f);
    return cells_from_text(text, cells, room);
}

/* A page in Current Braille that prints the tones it needs, against the text it was made from. */
static void test_page(const char *braille, const char *path)
{
    static uint8_t cells[8192];
    static char want[16384];
    struct lang_text text;
    struct lang_sense *senses;
    size_t n_right = 0, n = 0, at = 0;
    char *out;

    const size_t n_want = load_text(path, want, sizeof(want));
    REQUIRE(lang_decode_code(LANG_CURRENT, cells, load_cells(braille, cells, sizeof(cells)),
                             &text) == 0);
    REQUIRE(lang_senses(&text, &senses) == 0);
    REQUIRE(lang_hanzi(&text, senses, 0, text.n, &out) == 0);
    for (size_t i = 0; out[i]; i++) { /* characters of three bytes, digits of one */
        if (out[i] == '\n')
            continue;
        if (((unsigned char) out[i] & 0xC0) == 0x80)
            continue;
        const size_t length = (unsigned char) out[i] >= 0xE0 ? 3 : 1;
        REQUIRE(at + length <= n_want);
        n_right += memcmp(out + i, want + at, length) == 0;
        at += length;
        n++;
    }
    fprintf(stderr, "sample page: %zu of %zu characters are right\n", n_right, n);
    REQUIRE(at == n_want && n > 150);
    REQUIRE(n_right * 100 >= n * 90);
    free(out);
    free(senses);
    lang_text_done(&text);
}

/* One word of 50,000 syllables, each of its own kind: in time and memory that grow with it. */
static void test_long(void)
{
    static uint8_t cells[200000];
    struct lang_text text;
    struct lang_sense *senses;
    size_t n = 0, n_empty = 0;

    for (uint32_t i = 0, lot = 1; i < 50000; i++) {
        lot = lot * 1664525u + 1013904223u;
        cells[n++] = lot >> 24 & 0x3F;
        cells[n++] = lot >> 16 & 0x3F;
    }
    for (unsigned code = 0; code < LANG_N_CODES; code++) {
        REQUIRE(lang_decode_code((enum lang_code) code, cells, n, &text) == 0);
        REQUIRE(lang_senses(&text, &senses) == 0);
        for (size_t i = 0; i < text.n; i++) {
            const bool syllable = text.tokens[i].kind == LANG_SYLLABLE;
            REQUIRE(syllable == (senses[i].pinyin[0] != 0));
            n_empty += syllable && !senses[i].hanzi[0];
        }
        free(senses);
        lang_text_done(&text);
    }
    REQUIRE(n_empty > 0); /* among them are syllables of no character */
}

int main(int argc, char **argv)
{
    REQUIRE(argc == 3);
    test_word_fit();
    test_hanzi();
    test_page(argv[1], argv[2]);
    test_long();
    test_wrong();
    return 0;
}
