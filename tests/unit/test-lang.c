/* SPDX-License-Identifier: Apache-2.0
 *
 * dataset/lang: braille -> tokens -> pinyin -> speech. The first argument is
 * tests/data/lang-louis.tsv, sentences put into braille by liblouis.
 */

#include "lang-util.h"

#include <errno.h>

struct pair {
    const char *in, *out;
};

static void require_same(const char *in, const char *out, const char *expected)
{
    if (strcmp(out, expected) != 0)
        fprintf(stderr, "%s\n  gives %s\n  not   %s\n", in, out, expected);
    REQUIRE(strcmp(out, expected) == 0);
}

static void decode(const char *braille, struct lang_text *ret)
{
    static uint8_t cells[4096];

    REQUIRE(lang_decode(cells, cells_from_text(braille, cells, sizeof(cells)), ret) == 0);
}

static void require_pinyin(const char *braille, const char *expected)
{
    struct lang_text text;
    char *pinyin;

    decode(braille, &text);
    REQUIRE(lang_pinyin(&text, &pinyin) == 0);
    require_same(braille, pinyin, expected);
    free(pinyin);
    lang_text_done(&text);
}

static void test_pinyin(void)
{
    static const struct pair table[] = {
        {"", ""},
        {"⠓⠖⠆", "hao4"},
        {"⠓⠖", "hao"},
        /* g k h before a e u, j q x before i and u-umlaut */
        {"⠛⠥⠄ ⠛⠬⠄ ⠛⠊⠁ ⠛⠔⠁", "gu3 ju3 ji1 ga1"},
        {"⠅⠥⠆ ⠅⠬⠆ ⠅⠡⠁", "ku4 qu4 qing1"},
        {"⠓⠲⠂ ⠓⠹⠂ ⠓⠸⠂ ⠓⠒⠂", "hong2 xiong2 xun2 hun2"},
        {"⠇⠬⠄⠝⠬⠄ ⠇⠾⠆", "lv3nv3 lve4"},
        /* o behind b p m f, else e; eng only behind an initial */
        {"⠃⠢⠁ ⠙⠢⠂ ⠢⠂ ⠋⠢⠂ ⠋⠼⠁", "bo1 de2 e2 fo2 feng1"},
        /* alone: zh ch sh r z c s; a final that cannot follow is a syllable of its own */
        {"⠌⠁⠟⠁⠱⠁⠚⠆⠵⠄⠉⠂⠎⠆", "zhi1chi1shi1ri4zi3ci2si4"},
        {"⠌⠊⠆", "zhiyi4"},
        /* without an initial */
        {"⠊⠁⠥⠄⠬⠂⠳⠄⠺⠂⠲⠁⠸⠂⠹⠆⠒⠆⠕⠄", "yi1wu3yu2you3wei2weng1yun2yong4wen4wo3"},
        /* apostrophe where toneless syllables would run together */
        {"⠓⠊⠧ ⠓⠊⠂⠧ ⠓⠊⠧⠂", "xi'an xi2an xi'an2"},
        /* me */
        {"⠱⠴⠂⠍⠢ ⠌⠢⠆⠍⠢ ⠧⠆⠍⠢ ⠱⠴⠍⠢⠭⠆ ⠍⠢", "shen2me zhe4me an4mo shenmeyang4 mo"},
        /* de in books of Current Braille; you, he, she, it */
        {"⠓⠾⠓⠊ ⠙ ⠱⠥", "xuexi de shu"},
        {"⠝ ⠞ ⠞⠁ ⠈⠞⠔ ⠞⠍⠴ ⠵⠴⠄⠍", "ni3 ta1 ta1 ta ta1men zen3me"},
        /* punctuation, and what only looks like it */
        {"⠓⠖⠐ ⠓⠖⠐⠆⠓⠖⠐⠄ ⠓⠖⠰⠂ ⠓⠖⠈ ⠓⠖⠰ ⠓⠖⠤ ⠓⠖",
         "hao ， hao 。 hao ？ hao ！ hao 、 hao ； hao ： hao"},
        {"⠘⠓⠖⠘ ⠓⠖⠘⠓⠖⠘", "“ hao ” hao “ hao ”"},
        {"⠘⠘⠓⠖⠘⠘", "‘ hao ’"},
        {"⠰⠄⠓⠖⠠⠆ ⠰⠆⠓⠖⠰⠆ ⠐⠤⠓⠖⠤⠂ ⠰⠤⠓⠖⠤⠆", "（ hao ） ［ hao ］ 《 hao 》 ｛ hao ｝"},
        {"⠓⠖⠐⠐⠐ ⠓⠖⠐⠐⠐⠐⠐⠐⠼⠁⠚ ⠓⠖⠐⠐⠐⠐⠆", "hao …… hao …… 10 hao …… 。"},
        {"⠓⠖⠠⠤⠓⠖⠠⠄⠓⠖", "hao —— hao · hao"},
        /* numbers */
        {"⠼⠃⠙ ⠼⠁⠊⠊⠊ ⠼⠚", "24 1999 0"},
        {"⠼⠉⠄⠁⠙ ⠼⠑⠼⠁⠼⠁⠃", "3.14 5.1.12"},
        {"⠼⠑⠚⠼⠚⠴ ⠼⠑⠚ ⠼⠚⠴", "50% 50%"},
        {"⠼⠁⠆ ⠼⠉⠲⠐⠆", "1/2 3/4 。"},
        {"⠼⠂⠒ ⠼⠉⠒⠞⠊⠂", "13 3 wenti2"},
        {"⠙⠊⠆⠼⠉⠤⠝⠩⠂", "di4 3 nian2"},
        {"⠼⠁⠃⠚⠤⠼⠁⠋⠚", "120 － 160"},
        {"⠼⠁⠃⠚\n⠤⠼⠁⠋⠚", "120 － 160"},
        {"⠼⠁ ⠖⠼⠃ ⠶⠼⠉", "1 ＋ 2 ＝ 3"},
        /* letters */
        {"⠰⠭ ⠠⠁ ⠠⠠⠥⠝ ⠼⠑ ⠰⠅⠛", "x A UN 5 kg"},
        {"⠠⠅⠛ ⠠⠓⠖⠆", "Kg hao4"},
        /* lines: a blank, or the word goes on */
        {"⠓⠖⠆\n⠓⠖⠆", "hao4 hao4"},
        {"⠓⠖⠆\n  ⠤⠓⠖⠆", "hao4hao4"},
        {"⠤⠓⠖⠆", "hao4"},
        {"⠓⠊⠤⠧⠁", "xi'an1"},
        /* no syllable: what it is in braille, and on with the next */
        {"⠋⠊⠆⠓⠖⠆", "⠋⠊⠆ hao4"},
        {"⠃ ⠓⠖⠆⠆ ⠨", "⠃ hao4 ⠆ ⠨"},
        {"⠼", "⠼"},
    };

    for (size_t i = 0; i < ELEMENTSOF(table); i++)
        require_pinyin(table[i].in, table[i].out);
}

/* Tokens name their cells: each cell but joiners and marks that are not spoken is in one token. */
static void test_tokens(void)
{
    struct lang_text text;

    decode("⠓⠖⠆⠐ ⠋⠊⠼⠃⠙\n ⠤⠓⠖", &text);
    static const struct lang_token expected[] = {
        {LANG_SYLLABLE, 0, 3, "hao4"}, {LANG_PUNCT, 3, 1, "，"},  {LANG_SPACE, 4, 1, " "},
        {LANG_UNKNOWN, 5, 2, "⠋⠊"},    {LANG_NUMBER, 7, 3, "24"}, {LANG_SYLLABLE, 13, 2, "hao"},
    };
    REQUIRE(text.n == ELEMENTSOF(expected));
    for (size_t i = 0; i < text.n; i++) {
        REQUIRE(text.tokens[i].kind == expected[i].kind);
        REQUIRE(text.tokens[i].first == expected[i].first);
        REQUIRE(text.tokens[i].n_cells == expected[i].n_cells);
        REQUIRE(strcmp(text.tokens[i].text, expected[i].text) == 0);
    }
    lang_text_done(&text);
    REQUIRE(text.n == 0 && !text.tokens);
}

static void test_louis(const char *path)
{
    char *line = NULL, *fields[3];
    size_t room = 0, n = 0;
    FILE *f = fopen(path, "r");

    REQUIRE(f);
    for (; next_case(f, &line, &room, fields, 3); n++)
        require_pinyin(fields[1], fields[2]);
    REQUIRE(n >= 25);
    fclose(f);
    free(line);
}

static void test_spoken(void)
{
    static const struct pair table[] = {
        {"⠼⠃⠙", "er4shi2si4"},
        {"⠼⠚", "ling2"},
        {"⠼⠁⠚ ⠼⠁⠃ ⠼⠁⠁⠚", "shi2 shi2er4 yi1bai3yi1shi2"},
        {"⠼⠁⠚⠚⠁", "yi1qian1ling2yi1"},
        {"⠼⠁⠚⠚⠁⠚", "yi1wan4 ling2yi1shi2"},
        {"⠼⠁⠃⠚⠚⠚⠚", "shi2er4wan4"},
        {"⠼⠁⠚⠚⠚⠚⠚⠚⠚⠁", "yi1yi4 ling2yi1"},
        {"⠼⠁⠃⠉⠙⠚⠚⠚⠚⠚⠚⠚⠚", "yi1qian1er4bai3san1shi2si4yi4"},
        {"⠼⠁⠚⠚⠚⠚⠚⠚⠚⠚⠚⠚⠚⠚", "yi1wan4yi4"},
        {"⠼⠚⠁⠚", "ling2yi1ling2"},
        {"⠼⠁⠉⠓⠚⠁⠃⠉⠙⠑⠋⠛", "yi1san1ba1ling2yi1er4san1si4wu3liu4qi1"},
        {"⠼⠁⠃⠉⠙⠑⠋⠛⠓⠊⠚⠁⠃⠉⠙⠑⠋⠛", "yi1er4san1si4wu3liu4qi1ba1jiu3ling2yi1er4san1si4wu3liu4qi1"},
        {"⠼⠉⠄⠁⠙", "san1dian3yi1si4"},
        {"⠼⠑⠼⠁⠼⠁⠃", "wu3dian3yi1dian3shi2er4"},
        {"⠼⠑⠚⠼⠚⠴", "bai3fen1zhi1wu3shi2"},
        {"⠼⠁⠆", "er4fen1zhi1yi1"},
        {"⠼⠁⠊⠊⠓⠝⠩⠂", "yi1jiu3jiu3ba1 nian2"},
        {"⠼⠁⠊⠊⠓ ⠝⠩", "yi1jiu3jiu3ba1 nian2"},
        {"⠼⠃⠤⠛⠢⠆", "liang3 ge4"},
        {"⠙⠊⠆⠼⠃⠤⠛⠢⠆", "di4 er4 ge4"},
        {"⠼⠉⠤⠉", "san1 ci4"},
        {"⠼⠁⠚⠤⠼⠃⠚", "shi2 zhi4 er4shi2"},
        {"⠼⠚⠁⠚⠤⠼⠋⠃", "ling2yi1ling2 liu4er4"},
        {"⠼⠑ ⠰⠅⠛", "wu3 qian1ke4"},
        {"⠠⠁ ⠰⠭", "ei1 ai2ke5si5"},
        {"⠼⠉ ⠖⠼⠉", "san1 jia1 san1"},
        {"⠓⠖⠆ ⠤⠼⠉", "hao4 fu4 san1"},
        /* tones from the lexicon, printed ones as they stand */
        {"⠙⠢ ⠱ ⠇⠢ ⠌⠢", "de5 shi4 le5 zhe4"},
        {"⠱⠴⠍⠢ ⠕⠍⠴ ⠌⠲⠛⠕ ⠞⠲⠓⠾", "shen2me5 wo3men5 zhong1guo2 tong2xue2"},
        {"⠱⠂⠛⠩ ⠱⠆⠛⠩", "shi2jian1 shi4jian4"},
        {"⠙⠩⠝⠖ ⠛⠲⠅⠡⠞⠻", "dian4nao3 gong4qing1tuan2"},
        {"⠅⠧⠌⠢ ⠌⠢⠉⠢", "kan4zhe5 zhe4ce4"},
        /* pauses: brackets and dashes are short ones, one at a time, none at the beginning */
        {"⠰⠄⠓⠖⠆⠠⠆⠐⠆⠓⠖⠆⠠⠤⠓⠖⠆", "hao4 。 hao4 ， hao4"},
        {"⠐⠆⠓⠖⠆⠰⠂⠐⠄", "hao4 ！"},
        {"⠘⠓⠖⠆⠘⠘⠓⠖⠆⠘", "hao4 hao4"},
        {"⠘⠓⠖⠆⠘ ⠘⠓⠖⠆⠘", "hao4 、 hao4"},
        /* a heading and its paragraph */
        {"   ⠓⠖⠆\n\n  ⠓⠖⠆ ⠓⠖⠆⠓⠖⠆\n⠓⠖⠆", "hao4 。 hao4 hao4hao4 hao4"},
        {"", ""},
    };
    unsigned n_unknown = 99;

    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        struct lang_text text;
        char *spoken;
        decode(table[i].in, &text);
        REQUIRE(lang_spoken(&text, &spoken, &n_unknown) == 0 && n_unknown == 0);
        require_same(table[i].in, spoken, table[i].out);
        free(spoken);
        lang_text_done(&text);
    }
    struct lang_text text;
    char *spoken;
    /* Common Braille, word by word by liblouis' zhcn-cbs: a missing tone says which one it is */
    decode("⠺⠂ ⠌⠒⠄⠃⠮ ⠛⠕⠂⠓⠺⠆ ⠋⠔⠩⠂⠐ ⠞ ⠉⠲⠵⠖⠄⠙⠖⠻⠄ ⠏⠖⠆ ⠵⠪ ⠛⠕⠂⠓⠺⠆ ⠞⠥⠱⠥⠁⠛⠻⠄ ⠝⠮⠆ ⠌⠔⠁⠌⠖⠄ ⠵⠁⠇⠜⠐⠆", &text);
    REQUIRE(lang_spoken(&text, &spoken, &n_unknown) == 0 && n_unknown == 0);
    require_same("Common Braille", spoken,
                 "wei2 zhun3bei4 guo2hui4 fa1yan2 ， ta1 cong2zao3dao4wan3 pao4 zai4 guo2hui4 "
                 "tu2shu1guan3 nei4 zha1zhao3 zi1liao4 。");
    free(spoken);
    lang_text_done(&text);
    decode("⠋⠊⠆⠓⠖⠆ ⠨", &text);
    REQUIRE(lang_spoken(&text, &spoken, &n_unknown) == 0 && n_unknown == 4);
    require_same("unknown", spoken, "hao4");
    free(spoken);
    lang_text_done(&text);
}

static void test_sandhi(void)
{
    static const struct pair table[] = {
        {"ni3hao3", "ni2hao3"},
        {"wo3 hen3 hao3 ， ni3", "wo2 hen2 hao3 ， ni3"},
        {"lao3 hu3 。 ni3 hao3", "lao2 hu3 。 ni2 hao3"},
        {"bu4shi4 bu4hao3 bu4", "bu2shi4 bu4hao3 bu4"},
        {"bu4 shi4", "bu2 shi4"},
        {"bu4fen4 quan2bu4 qu4", "bu4fen4 quan2bu4 qu4"},
        {"yi1ge4 yi1tian1 yi1nian2 yi1qi3", "yi2ge4 yi4tian1 yi4nian2 yi4qi3"},
        {"yi1 ge4 yi1 tian1", "yi2 ge4 yi4 tian1"},
        {"di4yi1 di4yi1ci4 tong3yi1 de5", "di4yi1 di4yi1ci4 tong3yi1 de5"},
        {"yi1jiu3jiu3yi1 nian2", "yi1jiu2jiu3yi1 nian2"},
        {"yi1bai3yi1shi2yi1", "yi4bai3yi1shi2yi1"},
        {"yi1yue4 yi1yuan4", "yi1yue4 yi1yuan4"},
        {"yi1 。 ge4", "yi1 。 ge4"},
        {"Ni3Hao3,lu:4 nü3", "ni2hao3 ， lv4 nv3"},
        {"xi'an", "xi'an"},
        {"", ""},
    };

    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        char *out;
        REQUIRE(lang_sandhi(table[i].in, &out, NULL) == 0);
        require_same(table[i].in, out, table[i].out);
        free(out);
    }
}

static void require_phones(const char *pinyin, const char *expected)
{
    struct lang_phone *phones;
    struct fail fail = {0};
    char text[1024] = "";
    size_t n;

    REQUIRE(lang_phones(pinyin, &phones, &n, &fail) == 0 && fail.kind == FAIL_NONE);
    for (size_t i = 0; i < n; i++) {
        size_t at = strlen(text);
        snprintf(text + at, sizeof(text) - at, "%s%s%u%u", i ? " " : "", phones[i].name,
                 phones[i].tone, phones[i].position);
    }
    require_same(pinyin, text, expected);
    free(phones);
}

static void test_phones(void)
{
    require_phones("", "sil00 sil00");
    require_phones("ni3hao3", "sil00 n01 _i31 h02 _ao32 sil00");
    require_phones("NI3Hao3", "sil00 n01 _i31 h02 _ao32 sil00");
    require_phones("nihao", "sil00 n01 _i51 h02 _ao52 sil00");
    require_phones("lü4 lu:4 lv4 nu:e4", "sil00 l01 _v41 l01 _v41 l01 _v41 n01 _ve41 sil00");
    require_phones("hao3, hao3!", "sil00 h01 _ao31 ，00 h01 _ao31 。00 sil00");
    require_phones("“hao3”（hao3）；", "sil00 h01 _ao31 h01 _ao31 ，00 sil00");
    require_phones("xi1an1 xi'an xian1", "sil00 x01 _i11 _an12 x01 _i51 _an52 x01 _ian11 sil00");
    require_phones("fangan3 er2", "sil00 f01 _an51 g02 _an32 _er21 sil00");

    static const struct pair bad[] = {
        {"hao3 blorp4", "blorp4"},
        {"hao6", "hao6"},
        {"3", "3"},
        {"hao33", "hao33"},
        {"好", "好"},
        {"24", "24"},
        {"'", "'"},
        {"xia\x01n", ""},
    };
    for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
        struct lang_phone *phones = (void *) 1;
        struct fail fail = {0};
        size_t n = 7;
        REQUIRE(lang_phones(bad[i].in, &phones, &n, &fail) == -EINVAL);
        REQUIRE(fail.kind == FAIL_INPUT && phones == (void *) 1 && n == 7);
        REQUIRE(strstr(fail.text, bad[i].out));
    }
}

static void require_sentences(const char *pinyin, unsigned max, const char *expected)
{
    char text[2048] = "", **sentences;
    size_t n;

    REQUIRE(lang_sentences(pinyin, max, &sentences, &n, NULL) == 0);
    for (size_t i = 0; i < n; i++) {
        size_t at = strlen(text);
        snprintf(text + at, sizeof(text) - at, "%s%s", i ? "|" : "", sentences[i]);
        free(sentences[i]);
    }
    free(sentences);
    require_same(pinyin, text, expected);
}

static void test_sentences(void)
{
    require_sentences("", 10, "");
    require_sentences("。 ！", 10, "");
    require_sentences("ni3hao3 。 wo3 hao3 ！ ta1 ？ hai2", 10,
                      "ni3hao3 。|wo3 hao3 ！|ta1 ？|hai2");
    require_sentences("yi1 er4 san1 ， yi1 er4 san1 ， yi1 er4 san1 。", 7,
                      "yi1 er4 san1 ， yi1 er4 san1 ，|yi1 er4 san1 。");
    require_sentences("yi1 er4 san1 si4 wu3 liu4 qi1", 3, "yi1 er4 san1|si4 wu3 liu4|qi1");
    require_sentences("yi1er4san1si4wu3 liu4", 2, "yi1er4|san1si4|wu3 liu4");
    require_sentences("yi1 er4", 0, "yi1|er4");
    char **sentences;
    size_t n;
    REQUIRE(lang_sentences("hao3 blorp", 10, &sentences, &n, NULL) == -EINVAL);
}

static int compare_cells(const void *a, const void *b)
{
    const struct lang_bit *x = a, *y = b;
    int order = memcmp(x->cells, y->cells, sizeof(x->cells));

    return order ? order : (int) x->n_cells - y->n_cells;
}

/* Each crop of the bank reads as its own text, and no two have the same cells. */
static void test_bank(void)
{
    struct lang_bit *bits;
    size_t n, n_numbers = 0, n_syllables = 0, n_signs = 0;

    REQUIRE(lang_bit_bank(&bits, &n) == 0);
    for (size_t i = 0; i < n; i++) {
        struct lang_text text;
        REQUIRE(bits[i].n_cells > 0 && bits[i].n_cells <= sizeof(bits[i].cells));
        REQUIRE(lang_decode(bits[i].cells, bits[i].n_cells, &text) == 0);
        n_numbers += text.tokens[0].kind == LANG_NUMBER;
        n_syllables += text.tokens[0].kind == LANG_SYLLABLE;
        n_signs += text.tokens[0].kind == LANG_PUNCT;
        if (text.tokens[0].kind != LANG_PUNCT) { /* "：" alone could be a dash */
            REQUIRE(text.n == 1);
            require_same("bank", text.tokens[0].text, bits[i].text);
        }
        lang_text_done(&text);
    }
    REQUIRE(n_numbers == 2000 && n_syllables > 2000 && n_signs >= 18);
    REQUIRE(n == n_numbers + n_syllables + n_signs);
    qsort(bits, n, sizeof(*bits), compare_cells);
    for (size_t i = 1; i < n; i++)
        REQUIRE(compare_cells(&bits[i - 1], &bits[i]) != 0);
    free(bits);
}

int main(int argc, char **argv)
{
    REQUIRE(argc == 2);
    test_pinyin();
    test_tokens();
    test_louis(argv[1]);
    test_spoken();
    test_sandhi();
    test_phones();
    test_sentences();
    test_bank();
    return 0;
}
