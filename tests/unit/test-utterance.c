/* SPDX-License-Identifier: Apache-2.0
 *
 * dataset/lang/utterance.h: spans, their places in the input, refusals.
 */

#include "lang/utterance.h"

#include <errno.h>

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
    test_wrong();
    return 0;
}
