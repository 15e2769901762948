/* SPDX-License-Identifier: Apache-2.0
 *
 * dataset/lang/utterance.h: spans, their places in the input, refusals.
 */

#include "lang/utterance.h"

#include <errno.h>

#include "base/random.h"
#include "lang-util.h"

static void require_part(const char *input, const struct lang_span *span, const char *part)
{
    REQUIRE(span->n_bytes == strlen(part));
    REQUIRE(strncmp(input + span->offset, part, span->n_bytes) == 0);
}

static void test_pinyin(void)
{
    const char *text = "ni3hao3 , shi4jie4 ! yi1ge4 “ren2”";
    struct lang_utterance u;

    REQUIRE(lang_utterance(text, LANG_PINYIN, false, 32, &u, NULL) == 0);
    REQUIRE(u.n == 2 && !u.unsaid);
    REQUIRE(strcmp(u.spans[0].pinyin, "ni2hao3 ， shi4jie4 ！") == 0);
    require_part(text, &u.spans[0], "ni3hao3 , shi4jie4 !");
    REQUIRE(strcmp(u.spans[1].pinyin, "yi2ge4 ren2") == 0);
    require_part(text, &u.spans[1], "yi1ge4 “ren2");
    REQUIRE(u.spans[1].rate == 1 && u.spans[1].pitch == 1 && u.spans[1].volume == 1);
    lang_utterance_done(&u);

    REQUIRE(lang_utterance(text, LANG_PINYIN, true, 3, &u, NULL) == 0);
    REQUIRE(u.n == 3 && strcmp(u.spans[0].pinyin, "ni3hao3 ，") == 0);
    require_part(text, &u.spans[1], "shi4jie4 !");
    lang_utterance_done(&u);

    REQUIRE(lang_utterance("。", LANG_PINYIN, false, 32, &u, NULL) == 0);
    REQUIRE(u.n == 0);
    lang_utterance_done(&u);
}

static void test_text(void)
{
    const char *text = "你好！2个人。\n\n漢字😀";
    struct lang_utterance u;

    REQUIRE(lang_utterance(text, LANG_TEXT, false, 32, &u, NULL) == 0);
    REQUIRE(u.n == 3);
    REQUIRE(strcmp(u.spans[0].pinyin, "ni2hao3 ！") == 0);
    require_part(text, &u.spans[0], "你好！");
    REQUIRE(strcmp(u.spans[1].pinyin, "liang3 ge4ren2 。") == 0);
    require_part(text, &u.spans[1], "2个人。");
    REQUIRE(strcmp(u.spans[2].pinyin, "han4zi4") == 0);
    require_part(text, &u.spans[2], "漢字");
    REQUIRE(!u.spans[1].starts_paragraph && u.spans[2].starts_paragraph);
    REQUIRE(strcmp(u.unsaid, "U+1F600 😀") == 0);
    lang_utterance_done(&u);
}

static void test_ssml(void)
{
    const char *text = "<speak>你好<break time='0.5s'/><prosody rate='fast' pitch='+12st'>世界"
                       "</prosody>。<mark name='m'/>再<sub alias='见'>x</sub></speak>";
    struct lang_utterance u;

    REQUIRE(lang_utterance(text, LANG_SSML, false, 32, &u, NULL) == 0);
    REQUIRE(u.n == 3 && !u.unsaid);
    REQUIRE(strcmp(u.spans[0].pinyin, "ni2hao3") == 0 && u.spans[0].pause_s == 0.5);
    require_part(text, &u.spans[0], "你好");
    REQUIRE(strcmp(u.spans[1].pinyin, "shi4jie4 。") == 0);
    REQUIRE(u.spans[1].rate == 1.5 && u.spans[1].pitch == 2 && u.spans[1].volume == 1);
    REQUIRE(strcmp(u.spans[2].pinyin, "zai4 jian4") == 0);
    REQUIRE(u.spans[2].rate == 1 && strcmp(u.spans[2].mark, "m") == 0);
    lang_utterance_done(&u);
}

/* A mark at an end, silence at the beginning, a contour over two spans. */
static void test_ssml_edges(void)
{
    const char *text = "<speak><break time='2s'/>一<prosody contour='(0%,+0%) (100%,+100%)'>二三。"
                       "四五</prosody><mark name='end'/></speak>";
    struct lang_utterance u;

    REQUIRE(lang_utterance(text, LANG_SSML, false, 32, &u, NULL) == 0);
    REQUIRE(u.n == 5);
    REQUIRE(!u.spans[0].pinyin[0] && u.spans[0].pause_s == 2);
    REQUIRE(strcmp(u.spans[2].pinyin, "er4san1 。") == 0 && u.spans[2].n_contour == 2);
    REQUIRE(u.spans[2].contour[0].factor == 1 && u.spans[2].contour[1].factor == 1.5);
    REQUIRE(u.spans[3].n_contour == 2);
    REQUIRE(u.spans[3].contour[0].factor == 1.5 && u.spans[3].contour[1].factor == 2);
    REQUIRE(!u.spans[4].pinyin[0] && strcmp(u.spans[4].mark, "end") == 0);
    lang_utterance_done(&u);
}

/* Elements in each other, one more than are taken. */
static void test_deep(void)
{
    char text[65 * 20] = "<speak>";
    struct lang_utterance u;
    struct fail fail = {0};

    for (unsigned i = 0; i < 64; i++)
        strcat(text, "<lang>");
    REQUIRE(lang_utterance(text, LANG_SSML, false, 32, &u, &fail) == -EINVAL);
    REQUIRE(fail.kind == FAIL_INPUT && strstr(fail.text, "64"));
}

static size_t count_syllables(const char *pinyin)
{
    size_t n = 0;

    for (; *pinyin; pinyin++)
        n += *pinyin >= '1' && *pinyin <= '5';
    return n;
}

/* Whatever comes in, what comes out can be spoken, and says where it stands. */
static void require_spoken(const char *text, enum lang_input kind, unsigned max_syllables)
{
    struct lang_utterance u;
    struct fail fail = {0};
    const size_t n_text = strlen(text);

    if (lang_utterance(text, kind, false, max_syllables, &u, &fail) < 0) {
        REQUIRE(fail.kind == FAIL_INPUT && fail.text[0]);
        return;
    }
    for (size_t i = 0; i < u.n; i++) {
        const struct lang_span *span = &u.spans[i];
        struct lang_phone *phones;
        size_t n;
        REQUIRE(span->offset <= n_text && span->n_bytes <= n_text - span->offset);
        REQUIRE(count_syllables(span->pinyin) <= max_syllables);
        REQUIRE(lang_phones(span->pinyin, &phones, &n, &fail) == 0);
        free(phones);
        for (unsigned k = 1; k < span->n_contour; k++)
            REQUIRE(span->contour[k - 1].at <= span->contour[k].at);
        REQUIRE(span->pinyin[0] || span->mark || span->pause_s > 0);
    }
    lang_utterance_done(&u);
}

static void test_hostile(void)
{
    static const char *const parts[] = {"你",
                                        "好",
                                        "一",
                                        "不",
                                        "三",
                                        "十",
                                        "百",
                                        "万",
                                        "年",
                                        "月",
                                        "日",
                                        "点",
                                        "只",
                                        "第",
                                        "得",
                                        "地",
                                        "漢",
                                        "龘",
                                        "々",
                                        "〇",
                                        "0",
                                        "1",
                                        "2",
                                        "9",
                                        "12",
                                        "2026",
                                        "13812345678",
                                        ".",
                                        ",",
                                        "-",
                                        "/",
                                        ":",
                                        "%",
                                        "+",
                                        "=",
                                        "(",
                                        ")",
                                        "[",
                                        "]",
                                        "^",
                                        "√",
                                        "²",
                                        "₂",
                                        "<",
                                        ">",
                                        "&",
                                        "¥",
                                        "$",
                                        "°",
                                        "℃",
                                        "kg",
                                        "m²",
                                        "x",
                                        "sin",
                                        "A",
                                        "α",
                                        "é",
                                        "，",
                                        "。",
                                        "……",
                                        "——",
                                        "“",
                                        "”",
                                        "①",
                                        "Ⅲ",
                                        "½",
                                        "\n",
                                        "\n\n",
                                        " ",
                                        "　",
                                        "😀",
                                        "П",
                                        "カ",
                                        "\x01",
                                        "\xff",
                                        "\xe4\xbd",
                                        "'",
                                        "又",
                                        "~",
                                        "<speak>",
                                        "</speak>",
                                        "<p>",
                                        "</p>",
                                        "<s>",
                                        "</s>",
                                        "<break/>",
                                        "<break time='1s'/>",
                                        "<prosody rate='fast'>",
                                        "<prosody contour='(10%,+10%) (60%,-2st)'>",
                                        "</prosody>",
                                        "<say-as interpret-as='digits'>",
                                        "<say-as interpret-as='telephone'>",
                                        "</say-as>",
                                        "<sub alias='好1'>",
                                        "</sub>",
                                        "<phoneme alphabet='pinyin' ph='ni3'>",
                                        "</phoneme>",
                                        "<mark name='m'/>",
                                        "&lt;",
                                        "&#20320;",
                                        "<x>",
                                        "</x>",
                                        "ni3",
                                        "hao3",
                                        "bu4",
                                        "yi1",
                                        "5"};
    struct random random = {.state = 6};

    for (unsigned i = 0; i < 6000; i++) {
        char text[1024] = "";
        const enum lang_input kind = (enum lang_input)(i % 3);
        const size_t n = random_below(&random, 24);
        if (kind == LANG_SSML && i % 2 == 0)
            strcat(text, "<speak>");
        for (size_t k = 0; k < n; k++)
            strcat(text, parts[random_below(&random, sizeof(parts) / sizeof(*parts))]);
        if (kind == LANG_SSML && i % 2 == 0)
            strcat(text, "</speak>");
        require_spoken(text, kind, 1 + (unsigned) random_below(&random, 40));
    }
}

/* Long runs of one thing, in time that grows with them. */
static void test_long(void)
{
    static const char *const parts[] = {"一",     "1",  "-",  "(",  "a",  "。", "x+",
                                        "1,234,", "√(", "1-", "得", "\n", "😀",  "龘",
                                        "好",     "0",  ".",  "2/", "&"};
    enum { N = 20000 };
    char *text = malloc(N * 8);

    REQUIRE(text);
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
        text[0] = 0;
        for (size_t k = 0, n = strlen(parts[i]); k < N; k++)
            memcpy(text + k * n, parts[i], n + 1);
        require_spoken(text, LANG_TEXT, 32);
    }
    free(text);
}

static void test_wrong(void)
{
    struct lang_utterance u = {.n = 7};
    struct fail fail = {0};

    REQUIRE(lang_utterance("ni3 hao6", LANG_PINYIN, false, 32, &u, &fail) == -EINVAL);
    REQUIRE(fail.kind == FAIL_INPUT && strstr(fail.text, "hao6") && u.n == 7);
}

int main(void)
{
    test_pinyin();
    test_text();
    test_ssml();
    test_ssml_edges();
    test_deep();
    test_hostile();
    test_long();
    test_wrong();
    return 0;
}
