/* SPDX-License-Identifier: Apache-2.0 */

#include "lang/utterance.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "lang/script.h"

const char *const lang_input_names[LANG_N_INPUTS] = {
    [LANG_PINYIN] = "pinyin", [LANG_TEXT] = "text", [LANG_SSML] = "ssml"};

void lang_utterance_done(struct lang_utterance *u)
{
    for (size_t i = 0; i < u->n; i++) {
        free(u->spans[i].pinyin);
        free(u->spans[i].mark);
    }
    free(u->spans);
    free(u->unsaid);
    *u = (struct lang_utterance){0};
}

static void say_pinyin(struct lang_script *s, const char *text, struct fail *fail)
{
    s->r = lang_pieces_read(text, &s->pieces, fail);
}

static void say_text(struct lang_script *s, const char *text, struct fail *fail)
{
    const size_t room = MAX(strlen(text), (size_t) 1);
    CLEANUP_FREE struct lang_char *chars = calloc(room, sizeof(*chars));
    size_t n = 0;

    if (!chars)
        s->r = -ENOMEM;
    for (size_t at = 0, length; s->r == 0 && text[at]; at += length) {
        uint32_t c;
        length = lang_utf8_read(text + at, &c);
        if (length == 0)
            s->r =
                fail_set(fail, FAIL_INPUT, -EINVAL,
                         "byte %zu of the text is no UTF-8; convert it, as with iconv -f GBK", at);
        else
            chars[n++] = (struct lang_char){c, (uint32_t) length, at};
    }
    if (s->r == 0)
        lang_text_say(s, chars, n, LANG_SAY_PLAIN);
    lang_script_breathe(s);
}

static void say_ssml(struct lang_script *s, const char *text, struct fail *fail)
{
    const int r = lang_ssml_say(s, text, fail);

    if (s->r == 0)
        s->r = r;
    lang_script_breathe(s);
}

int lang_utterance(const char *text, enum lang_input kind, bool no_sandhi, unsigned max_syllables,
                   struct lang_utterance *ret, struct fail *fail)
{
    struct lang_utterance u = {0};
    struct lang_script script;

    lang_script_begin(&script, text);
    if (kind == LANG_PINYIN)
        say_pinyin(&script, text, fail);
    else if (kind == LANG_TEXT)
        say_text(&script, text, fail);
    else
        say_ssml(&script, text, fail);
    int r = script.r;
    if (r == 0)
        r = lang_script_finish(&script, no_sandhi, max_syllables, &u);
    lang_script_done(&script);
    if (r == 0) {
        *ret = u;
        return 0;
    }
    lang_utterance_done(&u);
    return r == -EINVAL ? r : fail_set(fail, FAIL_OTHER, r, "not enough memory for the text");
}
