/* SPDX-License-Identifier: Apache-2.0
 *
 * The lexicon's reading of a whole text, clause by clause.
 */

#include "lang/hanzi.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "lang/buf.h"
#include "lang/search.h"
#include "lang/tone.h"

/* The syllables of a clause and which tokens they were. */
struct clause {
    struct lang_heard *heard;
    struct lang_meant *meant;
    size_t *tokens;
    size_t n;
    unsigned before; ///< class of what stands before it
};

static void utf8(uint16_t c, char out[4])
{
    if (c)
        snprintf(out, 4, "%c%c%c", (char) (0xE0 | c >> 12), (char) (0x80 | (c >> 6 & 0x3F)),
                 (char) (0x80 | (c & 0x3F)));
}

/* She and it sound like he. Common Braille writes she as the one cell of he and its tone, and a dot
 * before it; Two-Cell Braille a dot before each, of which a token does not say which one it was. */
static uint16_t only_hanzi(const struct lang_text *t, size_t i)
{
    const struct lang_token *token = &t->tokens[i];
    const bool marked = i > 0 && token[-1].first + token[-1].n_cells < token->first;

    if (strncmp(token->text, "ta", 2) != 0 || t->code == LANG_TWO_CELL)
        return 0;
    if (marked && (token->text[2] == 0 || token->text[2] == '1') && token[-1].kind != LANG_SYLLABLE)
        return u'它';
    return t->code == LANG_COMMON && strcmp(token->text, "ta1") == 0 && token->n_cells == 2 ? u'她'
                                                                                            : 0;
}

static int end_clause(struct clause *c, struct lang_sense *senses)
{
    int r = c->n > 0 ? lang_search(c->heard, c->n, c->before, c->meant, NULL) : 0;

    for (size_t i = 0; i < c->n && r == 0; i++) {
        struct lang_sense *sense = &senses[c->tokens[i]];
        const struct lang_syllable s = {(uint16_t) (c->meant[i].code / 8 - 1),
                                        c->meant[i].code % 8};
        lang_syllable_format(s, sense->pinyin);
        utf8(c->meant[i].hanzi, sense->hanzi);
    }
    c->n = 0;
    return r;
}

/* What the next clause stands behind, if the token ends one. */
static bool ends_clause(const struct lang_token *t, unsigned *ret_before)
{
    *ret_before = t->kind == LANG_NUMBER  ? lang_class_number
                  : t->kind == LANG_LATIN ? lang_class_noun
                                          : lang_class_start;
    return t->kind != LANG_SYLLABLE && (t->kind != LANG_SPACE || strcmp(t->text, "\n\n") == 0);
}

static int read_clauses(const struct lang_text *t, struct clause *c, struct lang_sense *senses)
{
    bool gap = true;
    int r = 0;

    for (size_t i = 0; i < t->n && r == 0; i++) {
        const struct lang_token *token = &t->tokens[i];
        struct lang_syllable s;
        unsigned before;
        if (i > 0 && token->aside != token[-1].aside) { /* a running head is no part of the text */
            r = end_clause(c, senses);
            c->before = lang_class_start;
        }
        if (r == 0 && lang_syllable_read(t->code, token, &s) == 0) {
            c->tokens[c->n] = i;
            c->heard[c->n++] =
                (struct lang_heard){.s = s, .hanzi = only_hanzi(t, i), .after_gap = gap};
            gap = false;
            continue;
        }
        gap = true;
        if (r == 0 && ends_clause(token, &before)) {
            r = end_clause(c, senses);
            c->before = before;
        }
    }
    return r == 0 ? end_clause(c, senses) : r;
}

int lang_senses(const struct lang_text *t, struct lang_sense **ret)
{
    const size_t room = MAX(t->n, (size_t) 1);
    CLEANUP_FREE struct lang_heard *heard = calloc(room, sizeof(*heard));
    CLEANUP_FREE struct lang_meant *meant = calloc(room, sizeof(*meant));
    CLEANUP_FREE size_t *tokens = calloc(room, sizeof(*tokens));
    CLEANUP_FREE struct lang_sense *senses = calloc(room, sizeof(*senses));
    struct clause clause = {heard, meant, tokens, 0, lang_class_start};

    if (!heard || !meant || !tokens || !senses)
        return -ENOMEM;
    int r = read_clauses(t, &clause, senses);
    if (r == 0)
        *ret = TAKE_PTR(senses);
    return r;
}

int lang_hanzi(const struct lang_text *t, const struct lang_sense *senses, size_t begin, size_t end,
               char **ret)
{
    struct lang_buf out = {0};
    bool was_bare = false, was_ascii = false;

    for (size_t i = begin; i < end; i++) {
        const struct lang_token *token = &t->tokens[i];
        const bool bare = token->kind == LANG_SYLLABLE && !senses[i].hanzi[0];
        const bool ascii = token->kind == LANG_NUMBER || token->kind == LANG_LATIN;
        if (token->kind == LANG_SPACE) {
            if (strcmp(token->text, "\n\n") == 0 && out.n > 0)
                lang_buf_adds(&out, "\n");
            continue;
        }
        if (bare || (was_bare && token->kind != LANG_PUNCT) ||
            (ascii && was_ascii && token[-1].kind == LANG_SPACE))
            lang_buf_space(&out);
        lang_buf_adds(&out, token->kind != LANG_SYLLABLE ? token->text
                            : bare                       ? senses[i].pinyin
                                                         : senses[i].hanzi);
        was_bare = bare;
        was_ascii = ascii;
    }
    return lang_buf_take(&out, ret);
}
