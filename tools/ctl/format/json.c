/* SPDX-License-Identifier: Apache-2.0
 *
 * Everything, with places and certainty: one object a page (docs/contracts.md).
 */

#include <errno.h>
#include <math.h>

#include <jansson.h>

#include "tools/ctl/format/format.h"
#include "pipeline/hanzi.h"

static const char *const sides[] = {[BRL_RECTO] = "recto", [BRL_VERSO] = "verso"};

/* What p was made of: the nearest texts by cosine, and the evidence of each dot. */
static void add_scores(const struct pipeline_cell *c, json_t *cell)
{
    json_t *top = json_array(), *evidence = json_array();
    char dots[7];

    for (unsigned k = 0; k < PIPELINE_TOP; k++) {
        brl_cell_format(c->top[k], dots);
        json_array_append_new(top, json_pack("[sf]", dots, (double) c->cosine[k]));
    }
    for (unsigned d = 0; d < 6; d++)
        json_array_append_new(evidence, json_real((double) c->evidence[d]));
    json_object_set_new(cell, "cosine", top);
    json_object_set_new(cell, "evidence", evidence);
}

static void add_cells(const struct pipeline_side *r, const struct pipeline_cell *cells, size_t n,
                      bool scores, json_t *array)
{
    for (size_t i = 0; i < n; i++) {
        const struct pipeline_cell *c = &cells[i];
        char dots[7];
        brl_cell_format(c->dots, dots);
        json_t *cell = json_pack("{ss si si s[ffff] ss sf}", "side", sides[r->side], "row",
                                 (int) c->row, "column", (int) c->column, "box", c->box[0],
                                 c->box[1], c->box[2], c->box[3], "dots", dots, "p", (double) c->p);
        if (scores && cell)
            add_scores(c, cell);
        json_array_append_new(array, cell);
    }
}

static int add_lines(const struct pipeline_side *r, enum lang_code code, json_t *array)
{
    char **hanzi;
    int error = pipeline_hanzi_lines(r, code, &hanzi);

    if (error < 0)
        return error;
    for (size_t i = 0; i < r->n_lines; i++) {
        const struct pipeline_line *l = &r->lines[i];
        json_t *line =
            json_pack("{ss si ss ss ss ss sf}", "side", sides[r->side], "row", (int) l->row, "kind",
                      lang_line_names[l->kind], "braille", l->braille, "pinyin", l->pinyin, "hanzi",
                      hanzi[i], "p", (double) l->p);
        if (line && l->number[0])
            json_object_set_new(line, "number", json_string(l->number));
        json_array_append_new(array, line);
    }
    pipeline_hanzi_free(hanzi, r->n_lines);
    return 0;
}

/* Cells that were taken for others because the text is likelier so. */
static void add_changes(const struct pipeline_side *r, json_t *array)
{
    for (size_t i = 0; i < r->n_changes; i++) {
        const struct pipeline_change *c = &r->changes[i];
        char from[7], to[7];
        brl_cell_format(c->from, from);
        brl_cell_format(c->to, to);
        json_array_append_new(
            array,
            json_pack("{ss si si s[ffff] ss ss ss ss ss sf}", "side", sides[r->side], "row",
                      (int) c->row, "column", (int) c->column, "box", c->box[0], c->box[1],
                      c->box[2], c->box[3], "from", from, "to", to, "was", c->was, "is", c->is,
                      "why", c->no_text ? "no-text" : "unlikely-word", "p", (double) c->p));
    }
}

/* Dots that belong to no cell. */
static void add_strays(const struct pipeline_side *r, json_t *array)
{
    for (size_t i = 0; i < r->n_strays; i++)
        json_array_append_new(array, json_pack("{ss s[ff] sf}", "side", sides[r->side], "at",
                                               (double) r->strays[i].x, (double) r->strays[i].y,
                                               "p", (double) r->strays[i].p));
}

/* What was read of each side, and whether it is text. */
static json_t *sides_json(const struct pipeline_reading *r)
{
    json_t *array = json_array();

    for (unsigned i = 0; i < r->n_sides; i++)
        json_array_append_new(array,
                              json_pack("{ss si sb sf}", "side", sides[r->side[i].side], "cells",
                                        (int) r->side[i].n_cells, "text", r->side[i].is_text,
                                        "nats", isfinite(r->side[i].nats) ? r->side[i].nats : 0));
    return array;
}

static int write_page(struct format_writer *w, const struct format_page *page, struct fail *fail)
{
    const struct pipeline_reading *r = page->reading;
    json_t *cells = json_array(), *lines = json_array(), *blanks = json_array(),
           *changes = json_array(), *strays = json_array();
    const struct pipeline_times *t = &r->times_ms;
    json_t *head = json_pack("{si si sf si sb sf}", "width", (int) r->width, "height",
                             (int) r->height, "dpi", r->dpi, "orientation", (int) r->orientation,
                             "mirrored", r->mirrored, "skew_deg", r->skew_deg);
    json_t *times = json_pack("{sf sf sf sf sf}", "decode", t->decode, "grid", t->grid, "embed",
                              t->embed, "knn", t->knn, "lang", t->lang);
    int error = 0;
    for (unsigned i = 0; i < r->n_sides; i++) {
        const struct pipeline_side *s = &r->side[i];
        add_cells(s, s->cells, s->n_cells, w->options.scores, cells);
        add_cells(s, s->blanks, s->n_blanks, w->options.scores, blanks);
        error = error < 0 ? error : add_lines(s, r->code, lines);
        add_changes(s, changes);
        add_strays(s, strays);
    }
    json_t *all =
        json_pack("{so ss so ss sf sf so so so so so}", "page", head, "device", w->options.device,
                  "times_ms", times, "code", lang_code_names[r->code], "code_p", (double) r->code_p,
                  "confidence", (double) r->confidence, "sides", sides_json(r), "cells", cells,
                  "lines", lines, "changes", changes, "strays", strays);

    if (all && w->options.scores)
        json_object_set(all, "blanks", blanks);
    json_decref(blanks);
    if (all && r->crop)
        json_object_set_new(all, "crop", json_string(r->crop_text));
    int n = all && error == 0 ? json_dumpf(all, w->out, JSON_COMPACT | JSON_REAL_PRECISION(7)) : -1;
    json_decref(all);
    if (n < 0)
        return fail_set(fail, FAIL_DEFECT, -ENOMEM, "cannot build the JSON answer");
    fputc('\n', w->out);
    return 0;
}

const struct format format_json = {.name = "json", .endings = ".json .jsonl", .page = write_page};
