/* SPDX-License-Identifier: Apache-2.0
 *
 * Tokens -> the pinyin of docs/contracts.md, and spoken pinyin -> sentences.
 */

#include "lang/lang.h"

#include <errno.h>
#include <string.h>

#include "lang/buf.h"
#include "lang/formula.h"
#include "lang/words.h"

/* "²", "₁", "^{", "_{" */
static bool is_script(const struct lang_token *t)
{
    static const char *const heads[] = {"^",        "_",        "\xc2\xb9", "\xc2\xb2",
                                        "\xc2\xb3", "\xe2\x81", "\xe2\x82"};

    for (size_t i = 0; i < ELEMENTSOF(heads) && t->kind == LANG_MATH; i++)
        if (strncmp(t->text, heads[i], strlen(heads[i])) == 0)
            return true;
    return false;
}

/* What stands together in a formula: 6ax², but y ＝ 6x and sin x. */
static bool is_joined_formula(const struct lang_token *before, const struct lang_token *token)
{
    if (token->kind == LANG_MATH && strcmp(token->text, "}/{") == 0)
        return true;
    if (!before || before->kind == LANG_SPACE || before->first + before->n_cells != token->first)
        return false;
    const bool letters =
        (before->kind == LANG_NUMBER || before->kind == LANG_LATIN) && token->kind == LANG_LATIN;
    return (letters || before->kind == LANG_MATH || token->kind == LANG_MATH) &&
           (!lang_math_is_word(before) || is_script(token)) && !lang_math_is_operator(before) &&
           !lang_math_is_operator(token);
}

int lang_pinyin(const struct lang_text *t, char **ret)
{
    struct lang_buf out = {0};

    for (size_t i = 0; i < t->n; i++) {
        const struct lang_token *token = &t->tokens[i], *before = i > 0 ? token - 1 : NULL;
        if (token->kind == LANG_SPACE)
            continue;
        bool joined = before && token->kind == LANG_SYLLABLE && before->kind == LANG_SYLLABLE;
        if (!joined && !is_joined_formula(before, token))
            lang_buf_space(&out);
        else if (joined && strchr("aeo", token->text[0]) &&
                 !strchr("12345", before->text[strlen(before->text) - 1]))
            lang_buf_adds(&out, "'"); /* as in xi'an, which xian would not say */
        lang_buf_adds(&out, token->text);
    }
    return lang_buf_take(&out, ret);
}

struct sentences {
    struct lang_sentence *items;
    size_t n, room;
    struct lang_buf line;
    const char *begin, *end;
    size_t n_syllables;
};

/* The line, if it says anything, becomes a sentence. */
static int end_sentence(struct sentences *s)
{
    if (s->n_syllables == 0 && !s->line.failed) {
        lang_buf_done(&s->line);
        return 0;
    }
    if (s->n == s->room) {
        size_t room = s->room * 2 + 16;
        struct lang_sentence *items = reallocarray(s->items, room, sizeof(*items));
        if (!items)
            return -ENOMEM;
        s->items = items;
        s->room = room;
    }
    struct lang_sentence *sentence = &s->items[s->n];
    *sentence =
        (struct lang_sentence){.begin = s->begin, .end = s->end, .n_syllables = s->n_syllables};
    int r = lang_buf_take(&s->line, &sentence->pinyin);
    if (r == 0)
        s->n++;
    s->n_syllables = 0;
    return r;
}

static void add_piece(struct sentences *s, const struct lang_piece *piece)
{
    char text[10];

    if (s->n_syllables == 0 && piece->kind == LANG_PIECE_WORD)
        s->begin = piece->text;
    s->end = piece->text + piece->n_text;
    lang_buf_space(&s->line);
    if (piece->kind != LANG_PIECE_WORD)
        lang_buf_adds(&s->line, piece->sign);
    for (size_t i = 0; i < piece->n; i++) {
        if (i > 0 && lang_needs_apostrophe(piece->items[i - 1], piece->items[i]))
            lang_buf_adds(&s->line, "'");
        lang_syllable_format(piece->items[i], text);
        lang_buf_adds(&s->line, text);
    }
    s->n_syllables += piece->n;
}

static bool ends_sentence(const struct lang_piece *p)
{
    return p->kind == LANG_PIECE_PAUSE &&
           (strcmp(p->sign, "。") == 0 || strcmp(p->sign, "！") == 0 || strcmp(p->sign, "？") == 0);
}

/* Syllables from `at` to the next pause, no more than `limit` + 1. */
static size_t clause_length(const struct lang_pieces *p, size_t at, size_t limit)
{
    size_t n = 0;

    for (; at < p->n && p->items[at].kind != LANG_PIECE_PAUSE && n <= limit; at++)
        n += p->items[at].n;
    return n;
}

/* A word longer than a whole sentence may be is cut between its syllables. */
static int add_long_word(struct sentences *s, const struct lang_piece *word, unsigned max_syllables)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < word->n; i += max_syllables) {
        struct lang_piece part = *word;
        part.items += i;
        part.n = MIN(word->n - i, (size_t) max_syllables);
        r = end_sentence(s);
        add_piece(s, &part);
    }
    return r;
}

static int cut_sentences(struct sentences *s, const struct lang_pieces *p, unsigned max_syllables)
{
    bool clause_start = true;
    int r = 0;

    for (size_t i = 0; r == 0 && i < p->n; i++) {
        const struct lang_piece *piece = &p->items[i];
        if (piece->kind == LANG_PIECE_PAUSE) {
            add_piece(s, piece);
            clause_start = true;
            if (ends_sentence(piece))
                r = end_sentence(s);
            continue;
        }
        if (piece->kind == LANG_PIECE_SILENT)
            continue;
        /* before a clause that does not fit, or before a word that does not fit */
        size_t ahead = clause_start ? clause_length(p, i, max_syllables) : piece->n;
        if (s->n_syllables + ahead > max_syllables &&
            (ahead <= max_syllables || s->n_syllables * 2 > max_syllables ||
             s->n_syllables + piece->n > max_syllables))
            r = end_sentence(s);
        clause_start = false;
        if (r == 0 && piece->n > max_syllables)
            r = add_long_word(s, piece, max_syllables);
        else if (r == 0)
            add_piece(s, piece);
    }
    return r < 0 ? r : end_sentence(s);
}

void lang_sentences_free(struct lang_sentence *sentences, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(sentences[i].pinyin);
    free(sentences);
}

int lang_pieces_cut(const struct lang_piece *pieces, size_t n, unsigned max_syllables,
                    struct lang_sentence **ret, size_t *ret_n)
{
    /* only read */
    const struct lang_pieces p = {.items = (struct lang_piece *) pieces, .n = n};
    struct sentences s = {0};
    int r = cut_sentences(&s, &p, MAX(max_syllables, 1u));

    lang_buf_done(&s.line);
    if (r == 0 && !s.items && !(s.items = calloc(1, sizeof(*s.items))))
        r = -ENOMEM;
    if (r < 0) {
        lang_sentences_free(s.items, s.n);
        return r;
    }
    *ret = s.items;
    *ret_n = s.n;
    return 0;
}

int lang_sentences(const char *pinyin, unsigned max_syllables, char ***ret, size_t *ret_n,
                   struct fail *fail)
{
    struct lang_pieces pieces;
    struct lang_sentence *sentences = NULL;
    size_t n = 0;
    int r = lang_pieces_read(pinyin, &pieces, fail);

    if (r < 0)
        return r;
    r = lang_pieces_cut(pieces.items, pieces.n, max_syllables, &sentences, &n);
    lang_pieces_done(&pieces);
    if (r < 0)
        return r;
    char **items = calloc(MAX(n, (size_t) 1), sizeof(*items));
    for (size_t i = 0; i < n && items; i++)
        items[i] = TAKE_PTR(sentences[i].pinyin);
    lang_sentences_free(sentences, n);
    if (!items)
        return -ENOMEM;
    *ret = items;
    *ret_n = n;
    return 0;
}
