/* SPDX-License-Identifier: Apache-2.0 */

#include "lang/utterance.h"

#include <errno.h>
#include <stdlib.h>

#include "base/macro.h"
#include "lang/words.h"

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

static int add_spans(struct lang_utterance *u, struct lang_sentence *sentences, size_t n,
                     const char *text)
{
    struct lang_span *spans = reallocarray(u->spans, MAX(u->n + n, (size_t) 1), sizeof(*spans));

    if (!spans)
        return -ENOMEM;
    u->spans = spans;
    for (size_t i = 0; i < n; i++)
        u->spans[u->n++] = (struct lang_span){
            .pinyin = TAKE_PTR(sentences[i].pinyin),
            .rate = 1,
            .pitch = 1,
            .volume = 1,
            .offset = (size_t) (sentences[i].begin - text),
            .n_bytes = (size_t) (sentences[i].end - sentences[i].begin),
        };
    return 0;
}

static int say_pinyin(const char *text, bool no_sandhi, unsigned max_syllables,
                      struct lang_utterance *ret, struct fail *fail)
{
    struct lang_pieces pieces;
    struct lang_sentence *sentences = NULL;
    size_t n = 0;
    int r = lang_pieces_read(text, &pieces, fail);

    if (r < 0)
        return r;
    if (!no_sandhi)
        lang_pieces_sandhi(&pieces);
    r = lang_pieces_cut(pieces.items, pieces.n, max_syllables, &sentences, &n);
    if (r == 0)
        r = add_spans(ret, sentences, n, text);
    lang_sentences_free(sentences, n);
    lang_pieces_done(&pieces);
    return r < 0 ? fail_set(fail, FAIL_OTHER, r, "not enough memory for the text") : 0;
}

int lang_utterance(const char *text, enum lang_input kind, bool no_sandhi, unsigned max_syllables,
                   struct lang_utterance *ret, struct fail *fail)
{
    struct lang_utterance u = {0};

    if (kind != LANG_PINYIN)
        return fail_set(fail, FAIL_UNAVAILABLE, -ENOSYS,
                        "this version reads toned pinyin only; write pinyin, as in ni3hao3");
    int r = say_pinyin(text, no_sandhi, max_syllables, &u, fail);
    if (r < 0)
        lang_utterance_done(&u);
    else
        *ret = u;
    return r;
}
