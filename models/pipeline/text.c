/* SPDX-License-Identifier: Apache-2.0
 *
 * What the cells of a sheet say: one text over its sides, cut into their lines and pieces.
 */

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lang/lang.h"
#include "pipeline/pipeline_internal.h"

void pipeline_stream_done(struct pipeline_stream *s)
{
    free(s->cells);
    free(s->first);
    *s = (struct pipeline_stream){0};
}

/** Rows from their first place to their last raised cell. */
int pipeline_stream_new(const struct pipeline_cells *c, bool turned, bool mirrored,
                        struct pipeline_stream *ret)
{
    const struct brl_page *page = c->page;
    struct pipeline_stream s = {.n_rows = page->n_rows};

    s.cells = malloc(page->n_slots + page->n_rows + 1);
    s.first = calloc(page->n_rows + 1, sizeof(*s.first));
    if (!s.cells || !s.first) {
        pipeline_stream_done(&s);
        return -ENOMEM;
    }
    for (unsigned row = 0; row < page->n_rows; row++) {
        const size_t from = (size_t) (turned ? page->n_rows - 1 - row : row) * page->n_columns;
        size_t end = s.n;
        s.first[row] = s.n;
        for (unsigned k = 0; k < page->n_columns; k++) {
            brl_cell cell = c->cell[from + (turned != mirrored ? page->n_columns - 1 - k : k)];
            cell = turned ? brl_cell_turn(cell) : cell;
            s.cells[s.n++] = mirrored ? brl_cell_mirror(cell) : cell;
            s.n_raised += cell != 0;
            if (cell)
                end = s.n;
        }
        s.n = end;
        s.cells[s.n++] = LANG_LINE_END;
    }
    s.first[page->n_rows] = s.n;
    *ret = s;
    return 0;
}

int pipeline_stream_nats(const struct pipeline_stream *s, unsigned code, double *ret)
{
    CLEANUP(lang_text_done) struct lang_text text = {0};
    struct lang_choice choice;

    int r = lang_decode_any(s->cells, s->n, &text, &choice);
    if (r < 0)
        return r;
    *ret =
        s->n_raised ? choice.nats[code ? code - 1 : choice.code] / (double) s->n_raised : INFINITY;
    return 0;
}

static char *braille_of(const uint8_t *cells, size_t n)
{
    char *out = malloc(n * 3 + 1), *at = out;
    if (!out)
        return NULL;
    for (size_t i = 0; i < n; i++, at += 3)
        brl_cell_utf8(cells[i], at);
    *at = 0;
    return out;
}

static float least_certain(const struct pipeline_side *side, unsigned row)
{
    float p = 1;
    for (size_t i = 0; i < side->n_cells; i++)
        if (side->cells[i].row == row)
            p = fminf(p, side->cells[i].p);
    return p;
}

/** The rows that hold something, each with the tokens that begin in it. `base`: where the side's
 * cells begin in those that `text` was read from. */
static int keep_lines(const struct pipeline_stream *s, size_t base, const struct lang_text *text,
                      struct pipeline_side *side)
{
    size_t token = 0;

    side->lines = calloc(MAX(s->n_rows, 1u), sizeof(*side->lines));
    if (!side->lines)
        return -ENOMEM;
    while (token < text->n && text->tokens[token].first < base)
        token++;
    for (unsigned row = 0; row < s->n_rows; row++) {
        const size_t n = s->first[row + 1] - s->first[row] - 1, begin = token;
        while (token < text->n && text->tokens[token].first < base + s->first[row + 1])
            token++;
        if (n == 0)
            continue;
        struct pipeline_line *line = &side->lines[side->n_lines++];
        *line = (struct pipeline_line){.row = (uint16_t) row, .p = least_certain(side, row)};
        line->braille = braille_of(s->cells + s->first[row], n);
        if (!line->braille)
            return -ENOMEM;
        int r =
            lang_pinyin(&(struct lang_text){text->tokens + begin, token - begin}, &line->pinyin);
        if (r < 0)
            return r;
    }
    return 0;
}

/** Which raised cells each token came from: the stream has them in the order of side->cells. */
static int keep_pieces(const struct pipeline_stream *s, size_t base, const struct lang_text *text,
                       struct pipeline_side *side)
{
    CLEANUP_FREE uint32_t *raised = malloc((s->n + 1) * sizeof(*raised)); /* before each place */

    side->pieces = calloc(MAX(text->n, 1), sizeof(*side->pieces));
    if (!raised || !side->pieces)
        return -ENOMEM;
    raised[0] = 0;
    for (size_t i = 0; i < s->n; i++)
        raised[i + 1] = raised[i] + (s->cells[i] != 0 && s->cells[i] != LANG_LINE_END);
    for (size_t i = 0; i < text->n; i++) {
        const struct lang_token *t = &text->tokens[i];
        const size_t from = MAX((size_t) t->first, base), to = (size_t) t->first + t->n_cells;
        if (t->kind == LANG_SPACE || to <= from || from - base >= s->n)
            continue;
        struct pipeline_piece *piece = &side->pieces[side->n_pieces];
        piece->first = raised[from - base];
        piece->n_cells = raised[MIN(to - base, s->n)] - piece->first;
        if (piece->n_cells == 0)
            continue;
        piece->unknown = t->kind == LANG_UNKNOWN;
        snprintf(piece->text, sizeof(piece->text), "%s", t->text);
        side->n_pieces++;
    }
    return 0;
}

/** A side that is no text: its cells, each for itself. */
static int keep_without_text(const struct pipeline_stream *s, struct pipeline_side *side)
{
    int r = keep_lines(s, 0, &(struct lang_text){0}, side);
    if (r < 0)
        return r;
    side->pieces = calloc(MAX(side->n_cells, 1), sizeof(*side->pieces));
    if (!side->pieces)
        return -ENOMEM;
    for (size_t i = 0; i < side->n_cells; i++) {
        struct pipeline_piece *piece = &side->pieces[side->n_pieces++];
        *piece = (struct pipeline_piece){.first = (uint32_t) i, .n_cells = 1, .unknown = true};
        brl_cell_utf8(side->cells[i].dots, piece->text);
    }
    return 0;
}

/** The sides that are text, one after the other. base[i]: where side i begins. */
static int join(const struct pipeline_stream *streams, const struct pipeline_reading *ret,
                uint8_t **ret_cells, size_t *ret_n, size_t base[2])
{
    uint8_t *all = malloc(streams[0].n + streams[1].n + 1);
    size_t n = 0;

    if (!all)
        return -ENOMEM;
    for (unsigned i = 0; i < ret->n_sides; i++) {
        base[i] = n;
        if (!ret->side[i].is_text)
            continue;
        memcpy(all + n, streams[i].cells, streams[i].n);
        n += streams[i].n;
    }
    *ret_cells = all;
    *ret_n = n;
    return 0;
}

/** In the code asked for, or the likeliest. */
static int decode(const uint8_t *cells, size_t n, unsigned code, struct lang_text *text,
                  struct pipeline_reading *ret)
{
    struct lang_choice choice = {.p = 1};

    int r = code ? lang_decode_code((enum lang_code)(code - 1), cells, n, text)
                 : lang_decode_any(cells, n, text, &choice);
    ret->code = text->code;
    ret->code_p = (float) choice.p;
    return r;
}

static int translate(const struct pipeline_stream *streams, unsigned code,
                     struct pipeline_reading *ret)
{
    CLEANUP(lang_text_done) struct lang_text text = {0};
    CLEANUP_FREE uint8_t *all = NULL;
    size_t n = 0, base[2] = {0};

    int r = join(streams, ret, &all, &n, base);
    if (r == 0)
        r = decode(all, n, code, &text, ret);
    if (r == 0)
        r = lang_pinyin(&text, &ret->pinyin);
    if (r == 0)
        r = lang_spoken(&text, &ret->spoken, &ret->n_unknown);
    for (unsigned i = 0; i < ret->n_sides && r == 0; i++) {
        struct pipeline_side *side = &ret->side[i];
        if (!side->is_text) {
            ret->n_unknown += (unsigned) side->n_cells;
            r = keep_without_text(&streams[i], side);
            continue;
        }
        r = keep_lines(&streams[i], base[i], &text, side);
        if (r == 0)
            r = keep_pieces(&streams[i], base[i], &text, side);
    }
    return r;
}

int pipeline_translate(const struct pipeline_cells *cells, unsigned code,
                       struct pipeline_reading *ret)
{
    struct pipeline_stream streams[2] = {0};
    int r = 0;

    for (unsigned i = 0; i < ret->n_sides && r == 0; i++) {
        struct pipeline_side *side = &ret->side[i];
        r = pipeline_stream_new(&cells[i], false, false, &streams[i]);
        if (r == 0)
            r = pipeline_stream_nats(&streams[i], code, &side->nats);
        side->is_text = ret->crop || pipeline_is_text(side->nats, streams[i].n_raised);
    }
    if (r == 0)
        r = translate(streams, code, ret);
    pipeline_stream_done(&streams[0]);
    pipeline_stream_done(&streams[1]);
    return r;
}
