/* SPDX-License-Identifier: Apache-2.0
 *
 * dataset/lang/hanzi.h: what the lexicon says about words that were read.
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

int main(void)
{
    test_word_fit();
    test_wrong();
    return 0;
}
