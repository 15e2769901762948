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

/* That what reads as no Chinese text is braille at all: a picture of something else has cells, too,
 * each of which looks as it should. */
#define UNTOLD 0.3f

void pipeline_stream_done(struct pipeline_stream *s)
{
    free(s->cells);
    free(s->first);
    *s = (struct pipeline_stream){0};
}

/** From the middle of a row of the grid to that of the next one, pixels. */
static double row_distance(const struct brl_page *page, unsigned row)
{
    const struct brl_slot *a = page->slots + (size_t) row * page->n_columns;
    const struct brl_slot *b = a + page->n_columns;
    const unsigned last = page->n_columns - 1;

    return hypot(b[0].dot[0].x + b[last].dot[0].x - a[0].dot[0].x - a[last].dot[0].x,
                 b[0].dot[0].y + b[last].dot[0].y - a[0].dot[0].y - a[last].dot[0].y) /
           2;
}

/** The grid leaves out rows that are empty: a row stands a line lower where it is half a line
 * farther from the row above than rows nearby are from each other (photographs shrink to one end).
 */
static bool follows_blank(const struct brl_page *page, unsigned row, bool turned)
{
    const unsigned gap = turned ? page->n_rows - 1 - row : row - 1; /* between `gap` and gap + 1 */
    double nearest = INFINITY;

    if (row == 0 || page->n_columns == 0)
        return false;
    for (unsigned i = gap > 3 ? gap - 3 : 0; i + 1 < page->n_rows && i <= gap + 3; i++)
        nearest = fmin(nearest, row_distance(page, i));
    return row_distance(page, gap) > 1.5 * nearest;
}

/** Rows from their first place to their last raised cell. */
int pipeline_stream_new(const struct pipeline_cells *c, bool turned, bool mirrored,
                        struct pipeline_stream *ret)
{
    const struct brl_page *page = c->page;
    struct pipeline_stream s = {.n_rows = page->n_rows};

    s.cells = malloc(page->n_slots + 2 * (size_t) page->n_rows + 1);
    s.first = calloc(page->n_rows + 1, sizeof(*s.first));
    if (!s.cells || !s.first) {
        pipeline_stream_done(&s);
        return -ENOMEM;
    }
    for (unsigned row = 0; row < page->n_rows; row++) {
        const size_t from = (size_t) (turned ? page->n_rows - 1 - row : row) * page->n_columns;
        if (follows_blank(page, row, turned))
            s.cells[s.n++] = LANG_LINE_END;
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

static double least_nats(const struct lang_choice *choice, size_t n_raised)
{
    double least = INFINITY;
    for (unsigned k = 0; k < LANG_N_CODES && n_raised; k++)
        least = fmin(least, choice->nats[k] / (double) n_raised);
    return least;
}

int pipeline_stream_nats(const struct pipeline_stream *s, double *ret)
{
    CLEANUP(lang_text_done) struct lang_text text = {0};
    struct lang_choice choice;

    int r = lang_decode_any(s->cells, s->n, &text, &choice);
    if (r == 0)
        *ret = least_nats(&choice, s->n_raised);
    return r;
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

/** The rows that hold something, each with the tokens that begin in it. `layout`: NULL where the
 * side is no text. */
static int keep_lines(const struct pipeline_stream *s, const struct lang_layout *layout,
                      const struct lang_text *text, struct pipeline_side *side)
{
    const struct lang_line *found = layout ? layout->lines : NULL;
    size_t token = 0, end = 0; /* behind the row above */

    side->lines = calloc(MAX(s->n_rows, 1u), sizeof(*side->lines));
    if (!side->lines)
        return -ENOMEM;
    for (unsigned row = 0; row < s->n_rows; row++) {
        const size_t begin = token;
        const bool after_blank = s->first[row] > end;
        size_t n = 0;
        while (s->cells[s->first[row] + n] != LANG_LINE_END)
            n++;
        end = s->first[row] + n + 1;
        while (found && found->first < s->first[row])
            found++;
        while (token < text->n && text->tokens[token].first < s->first[row + 1])
            token++;
        if (n == 0)
            continue;
        struct pipeline_line *line = &side->lines[side->n_lines++];
        *line = (struct pipeline_line){.row = (uint16_t) row, .p = least_certain(side, row)};
        line->braille = braille_of(s->cells + s->first[row], n);
        if (!line->braille)
            return -ENOMEM;
        line->kind = found ? found->kind : LANG_LINE_TEXT;
        line->after_blank = after_blank;
        if (found)
            memcpy(line->number, found->number, sizeof(line->number));
        int r =
            lang_pinyin(&(struct lang_text){text->tokens + begin, token - begin}, &line->pinyin);
        if (r < 0)
            return r;
    }
    return 0;
}

/** Which raised cells each token came from: the stream has them in the order of side->cells. */
static int keep_pieces(const struct pipeline_stream *s, const struct lang_text *text,
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
        const size_t to = (size_t) t->first + t->n_cells;
        if (t->kind == LANG_SPACE)
            continue;
        struct pipeline_piece *piece = &side->pieces[side->n_pieces];
        piece->first = raised[t->first];
        piece->n_cells = raised[to] - piece->first;
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
    int r = keep_lines(s, NULL, &(struct lang_text){0}, side);
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

/** The code of the sides that are text: that asked for, or the likeliest of all their cells. */
static int find_code(const struct pipeline_stream *streams, unsigned code,
                     struct pipeline_reading *ret)
{
    CLEANUP_FREE uint8_t *all = malloc(streams[0].n + streams[1].n + 1);
    CLEANUP(lang_text_done) struct lang_text text = {0};
    struct lang_choice choice = {.code = (enum lang_code)(code - 1), .p = 1};
    size_t n = 0;
    int r = 0;

    if (!all)
        return -ENOMEM;
    for (unsigned i = 0; i < ret->n_sides; i++) {
        if (!ret->side[i].is_text)
            continue;
        memcpy(all + n, streams[i].cells, streams[i].n);
        n += streams[i].n;
    }
    if (code == 0)
        r = lang_decode_any(all, n, &text, &choice);
    ret->code = choice.code;
    ret->code_p = (float) choice.p;
    return r;
}

/** A side's lines and pieces; what is read out of it goes behind `all`. */
static int translate_side(const struct pipeline_stream *s, enum lang_code code,
                          struct lang_book *book, struct pipeline_side *side, struct lang_text *all)
{
    CLEANUP(lang_layout_done) struct lang_layout layout = {0};
    CLEANUP(lang_text_done) struct lang_text text = {0};

    int r = lang_layout_find(s->cells, s->n, book, &layout);
    if (r == 0)
        r = lang_decode_page(code, s->cells, s->n, &layout, book, &text, NULL);
    if (r == 0)
        r = keep_lines(s, &layout, &text, side);
    if (r == 0)
        r = keep_pieces(s, &text, side);
    return r == 0 ? lang_text_append(all, &text) : r;
}

static int translate(const struct pipeline_stream *streams, unsigned code,
                     struct pipeline_reading *ret)
{
    CLEANUP(lang_text_done) struct lang_text all = {0};
    struct lang_book book = {0};

    int r = find_code(streams, code, ret);
    for (unsigned i = 0; i < ret->n_sides && r == 0; i++) {
        struct pipeline_side *side = &ret->side[i];
        r = side->is_text ? translate_side(&streams[i], ret->code, &book, side, &all)
                          : keep_without_text(&streams[i], side);
    }
    all.code = ret->code;
    if (r == 0)
        r = lang_pinyin(&all, &ret->pinyin);
    if (r == 0)
        r = lang_spoken(&all, &ret->spoken, &ret->n_unknown);
    for (unsigned i = 0; i < ret->n_sides && r == 0; i++)
        if (!ret->side[i].is_text)
            ret->n_unknown += (unsigned) ret->side[i].n_cells;
    return r;
}

int pipeline_choose_code(const struct pipeline_cells *cells, unsigned n_sides, unsigned code,
                         enum lang_code *ret, bool ret_text[2])
{
    double nats[LANG_N_CODES] = {0};
    int r = 0;

    for (unsigned i = 0; i < n_sides && r == 0; i++) {
        CLEANUP(pipeline_stream_done) struct pipeline_stream s = {0};
        CLEANUP(lang_text_done) struct lang_text text = {0};
        struct lang_choice choice;
        r = pipeline_stream_new(&cells[i], false, false, &s);
        if (r == 0)
            r = lang_decode_any(s.cells, s.n, &text, &choice);
        if (r < 0)
            return r;
        ret_text[i] = pipeline_is_text(least_nats(&choice, s.n_raised), s.n_raised);
        for (unsigned k = 0; k < LANG_N_CODES && ret_text[i]; k++)
            nats[k] += choice.nats[k];
    }
    *ret = code ? (enum lang_code)(code - 1) : LANG_CURRENT;
    for (unsigned k = 1; k < LANG_N_CODES && !code; k++)
        if (nats[k] < nats[*ret])
            *ret = (enum lang_code) k;
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
            r = pipeline_stream_nats(&streams[i], &side->nats);
        side->is_text = ret->crop || pipeline_is_text(side->nats, streams[i].n_raised);
        for (size_t k = 0; k < side->n_cells && !side->is_text; k++)
            side->cells[k].p *= UNTOLD;
    }
    if (r == 0)
        r = translate(streams, code, ret);
    pipeline_stream_done(&streams[0]);
    pipeline_stream_done(&streams[1]);
    return r;
}
