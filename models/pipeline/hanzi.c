/* SPDX-License-Identifier: Apache-2.0
 *
 * The text for the eye: a line of Hanzi for each line of the page. The side is read as a whole, so
 * that a sentence is one over its lines.
 */

#include "pipeline/hanzi.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "lang/hanzi.h"
#include "lang/lang.h"

/* A side as lang reads it, and where each row begins. */
struct stream {
    uint8_t *cells; ///< owned
    size_t n;
    size_t *first; ///< of row k, one more than there are rows; owned
    size_t n_rows;
};

static void stream_done(struct stream *s)
{
    free(s->cells);
    free(s->first);
}

/* Blank cells between, LANG_LINE_END behind each row. */
static int stream_fill(struct stream *s, const struct pipeline_side *side)
{
    size_t room = 1, at = 0;

    s->n_rows = side->n_cells ? side->cells[side->n_cells - 1].row + 1u : 0;
    for (size_t i = 0; i < side->n_cells; i++) {
        const struct pipeline_cell *c = &side->cells[i];
        if (i + 1 == side->n_cells || c[1].row != c->row)
            room += c->column + 1u;
    }
    s->first = calloc(s->n_rows + 1, sizeof(*s->first));
    s->cells = calloc(room + s->n_rows, 1);
    if (!s->first || !s->cells)
        return -ENOMEM;
    for (size_t row = 0; row < s->n_rows; row++) {
        const size_t begin = s->n;
        for (; at < side->n_cells && side->cells[at].row == row; at++) {
            s->cells[begin + side->cells[at].column] = side->cells[at].dots;
            s->n = begin + side->cells[at].column + 1u;
        }
        s->cells[s->n++] = LANG_LINE_END;
        s->first[row + 1] = s->n;
    }
    return 0;
}

void pipeline_hanzi_free(char **lines, size_t n)
{
    for (size_t i = 0; lines && i < n; i++)
        free(lines[i]);
    free(lines);
}

/* The tokens that begin in each line's row. */
static int cut_lines(const struct stream *s, const struct pipeline_side *side,
                     const struct lang_text *text, const struct lang_sense *senses, char **ret)
{
    size_t begin = 0, end;
    int r = 0;

    for (size_t i = 0; i < side->n_lines && r == 0; i++, begin = end) {
        const size_t row = side->lines[i].row;
        if (row >= s->n_rows)
            return -EINVAL;
        while (begin < text->n && text->tokens[begin].first < s->first[row])
            begin++;
        end = begin;
        while (end < text->n && text->tokens[end].first < s->first[row + 1])
            end++;
        r = lang_hanzi(text, senses, begin, end, &ret[i]);
        if (r == 0)
            ret[i][strcspn(ret[i], "\n")] = 0; /* a paragraph's end is the line's */
    }
    return r;
}

int pipeline_hanzi_lines(const struct pipeline_side *side, enum lang_code code, char ***ret)
{
    CLEANUP(stream_done) struct stream s = {0};
    CLEANUP(lang_text_done) struct lang_text text = {0};
    CLEANUP_FREE struct lang_sense *senses = NULL;
    char **lines = calloc(MAX(side->n_lines, (size_t) 1), sizeof(*lines));
    int r = lines ? 0 : -ENOMEM;

    if (r == 0 && side->is_text) {
        r = stream_fill(&s, side);
        if (r == 0)
            r = lang_decode_code(code, s.cells, s.n, &text);
        if (r == 0)
            r = lang_senses(&text, &senses);
        if (r == 0)
            r = cut_lines(&s, side, &text, senses, lines);
    }
    for (size_t i = 0; i < side->n_lines && r == 0; i++)
        if (!lines[i] && !(lines[i] = strdup("")))
            r = -ENOMEM;
    if (r < 0)
        pipeline_hanzi_free(lines, side->n_lines);
    else
        *ret = lines;
    return r;
}
