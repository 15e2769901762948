/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "braille/check.h"
#include "manifest/manifest.h"
#include "tools/dataset/common.h"
#include "tools/dataset/draw.h"
#include "tools/dataset/jsonl.h"
#include "tools/dataset/report/report.h"

#define MM_PER_INCH 25.4
#define MAX_DISTANCES 10 ///< d1 .. d10 have histograms

struct cleaning {
    const struct report_options *o;
    const char *dir;
    struct figures_items *items;
    json_t *set, *clean;          ///< borrowed: where the figures go
    struct histogram pitch, cell; ///< of all pictures where they were found, mm
    struct histogram off;         ///< measured minus expected, dot pitches, clean pictures
    struct histogram *distances;  ///< owned, [FIGURES_MAX_TYPES][MAX_DISTANCES], clean, mm
    size_t n_without_dpi, n_unknown;
};

static int find_name(const char *const *names, unsigned n, const char *name)
{
    for (unsigned i = 0; name && i < n; i++)
        if (strcmp(names[i], name) == 0)
            return (int) i;
    return -1;
}

/* ---- what was injected ---- */

static int read_truth(const char *dir, struct figures_items *items, json_t *set, bool *ret_any,
                      struct fail *fail)
{
    CLEANUP(jsonl_done) struct jsonl list = {0};
    json_int_t n_redrawn = 0;
    json_t *line = NULL;

    int r = jsonl_open(&list, dir, "truth.jsonl", fail);
    *ret_any = r > 0;
    while (r > 0 && (r = jsonl_next(&list, &line, fail)) == 1) {
        const char *id = jsonl_text(line, "id");
        struct figures_item *item = id ? figures_find(items, id) : NULL;
        const int fault = find_name(brl_fault_names, BRL_N_FAULTS, jsonl_text(line, "fault"));
        if (item && fault > 0) {
            item->fault = (uint8_t) fault;
            item->edge = (int8_t) find_name(brl_edge_names, BRL_N_EDGES, jsonl_text(line, "edge"));
        }
        n_redrawn += json_integer_value(json_object_get(line, "redrawn"));
        json_decref(line);
    }
    if (r == 0 && n_redrawn > 0)
        r = json_object_set_new(set, "redrawn", json_integer(n_redrawn)) < 0 ? -ENOMEM : 0;
    return r;
}

/* "over, left"; "none" */
static void name_fault(unsigned fault, int edge, char out[40])
{
    snprintf(out, 40, "%s%s%s", brl_fault_names[fault], fault && edge >= 0 ? ", " : "",
             fault && edge >= 0 ? brl_edge_names[edge] : "");
}

static void order_faults(json_t *faults)
{
    char row[40];
    const char *rows[] = {row};

    for (unsigned fault = 0; fault < BRL_N_FAULTS; fault++)
        for (int edge = 0; edge < BRL_N_EDGES; edge++) {
            name_fault(fault, edge, row);
            figures_rows(faults, rows, 1);
        }
}

/* Of one line: was the fault found, and called by its name? */
static int count_fault(json_t *set, const struct figures_item *item, const char *verdict,
                       const char *side)
{
    const char *edge = item->edge >= 0 ? brl_edge_names[item->edge] : "";
    const bool clean = strcmp(verdict, brl_verdict_names[BRL_CLEAN]) == 0;
    const enum brl_verdict name = item->fault == BRL_FAULT_OVER ? BRL_OVER : BRL_UNDER;
    char row[40];

    name_fault(item->fault, item->edge, row);
    json_t *faults = json_object_get(set, "faults");
    int r = figures_count(faults, row, "pictures");
    if (r == 0)
        r = figures_count(faults, row, clean ? "called clean" : "rejected");
    if (r == 0 && strcmp(verdict, brl_verdict_names[BRL_UNSURE]) == 0)
        r = figures_count(faults, row, "unsure");
    if (r < 0 || item->fault == BRL_FAULT_NONE || strcmp(verdict, brl_verdict_names[name]) != 0)
        return r;
    r = figures_count(faults, row, "named");
    if (r == 0 && side && strcmp(side, edge) == 0)
        r = figures_count(faults, row, "edge named");
    return r;
}

/* ---- what was measured ---- */

static double number(const json_t *line, const char *key)
{
    return json_number_value(json_object_get(line, key));
}

static void add_distances(struct cleaning *c, const struct figures_item *item, const json_t *line,
                          double mm)
{
    const json_t *measured = json_object_get(line, "measured"), *d;
    const json_t *expected = json_object_get(line, "expected");
    const double pitch = number(line, "pitch");
    size_t i;

    if (json_array_size(measured) != json_array_size(expected) || !(pitch > 0))
        return;
    json_array_foreach(measured, i, d)
    {
        const double v = json_number_value(d);
        histogram_add(&c->off, (v - json_number_value(json_array_get(expected, i))) / pitch);
        if (mm > 0 && i < MAX_DISTANCES)
            histogram_add(&c->distances[item->type * MAX_DISTANCES + i], v * mm);
    }
}

static void measure(struct cleaning *c, const struct figures_item *item, const json_t *line,
                    const char *verdict)
{
    const double mm = item->dpi > 0 ? MM_PER_INCH / (double) item->dpi : 0;
    const double pitch = number(line, "pitch"), cell = number(line, "cell");
    /* a column by itself tells no pitch: what stands there is what was looked for first */
    const bool told = json_array_size(json_object_get(line, "measured")) > 0;

    if (!(mm > 0))
        c->n_without_dpi++;
    if (mm > 0 && pitch > 0 && told)
        histogram_add(&c->pitch, pitch * mm);
    if (mm > 0 && cell > 0 && told)
        histogram_add(&c->cell, cell * mm);
    if (strcmp(verdict, brl_verdict_names[BRL_CLEAN]) == 0)
        add_distances(c, item, line, mm);
}

static json_t *rejected_list(struct cleaning *c, const char *verdict)
{
    json_t *rejected = json_object_get(c->clean, "rejected");
    json_t *list = json_object_get(rejected, verdict);

    if (!json_is_array(list))
        json_object_set_new(rejected, verdict, list = json_array());
    return list;
}

static int sample_rejected(struct cleaning *c, const json_t *line, const char *id,
                           const char *verdict)
{
    struct random lot = draw_of(c->o->seed, id);
    json_t *object =
        json_pack("{s:s, s:s?, s:s?, s:s?, s:f}", "id", id, "side", jsonl_text(line, "side"),
                  "rule", jsonl_text(line, "rule"), "picture", jsonl_text(line, "picture"), "doubt",
                  number(line, "doubt"));

    return figures_sample(rejected_list(c, verdict), object, random_next(&lot), c->o->n_samples);
}

/* One of the few that there are, so that no list can fill the page; NULL: none is given. */
static const char *verdict_name(const char *verdict)
{
    const int known = find_name(brl_verdict_names, BRL_N_VERDICTS, verdict);

    if (!verdict || known >= 0)
        return verdict;
    return strcmp(verdict, "broken") == 0 ? verdict : "no verdict we know";
}

static int take_line(struct cleaning *c, const json_t *line, bool truth)
{
    const char *id = jsonl_text(line, "id"), *verdict = verdict_name(jsonl_text(line, "verdict"));
    struct figures_item *item = id ? figures_find(c->items, id) : NULL;

    if (!item || !verdict || item->verdict) {
        c->n_unknown++; /* cleaned before the manifest was changed */
        return 0;
    }
    item->verdict = 1;
    const bool clean = strcmp(verdict, brl_verdict_names[BRL_CLEAN]) == 0;
    measure(c, item, line, verdict);
    json_t *verdicts = json_object_get(c->clean, "verdicts");
    int r = figures_count(verdicts, verdict, c->items->types[item->type]);
    if (r == 0 && truth)
        r = count_fault(c->set, item, verdict, jsonl_text(line, "side"));
    if (r == 0 && !clean)
        r = sample_rejected(c, line, id, verdict);
    return r;
}

static int read_lines(struct cleaning *c, bool truth, bool *ret_any, struct fail *fail)
{
    CLEANUP(jsonl_done) struct jsonl list = {0};
    json_t *line = NULL;

    int r = jsonl_open(&list, c->dir, "clean.jsonl", fail);
    *ret_any = r > 0;
    while (r > 0 && (r = jsonl_next(&list, &line, fail)) == 1) {
        r = take_line(c, line, truth);
        if (r == 0)
            r = dataset_interrupted(fail);
        r = r < 0 ? r : 1;
        json_decref(line);
    }
    return r;
}

/* The labels of the rejected pictures that are shown. */
static int find_labels(struct cleaning *c, struct fail *fail)
{
    CLEANUP(manifest_closep) struct manifest_reader *reader = NULL;
    const json_t *rejected = json_object_get(c->clean, "rejected");
    struct manifest_record record;

    int r = json_object_size(rejected) ? manifest_open(c->dir, &reader, fail) : 0;
    while (reader && r >= 0 && (r = manifest_next(reader, &record, fail)) == 1) {
        const char *verdict;
        json_t *list, *o;
        size_t i;
        json_object_foreach((json_t *) rejected, verdict, list)
            json_array_foreach(list, i, o) if (strcmp(jsonl_text(o, "id"), record.id) == 0)
        {
            json_object_set_new(o, "text", json_string(record.text ? record.text : ""));
            json_object_set_new(o, "image", json_string(record.image));
        }
        manifest_record_done(&record);
    }
    return r;
}

/* ---- together ---- */

static int write_distances(struct cleaning *c)
{
    json_t *types = json_object();
    char name[8];

    for (unsigned t = 0; t < c->items->n_types; t++) {
        json_t *rows = json_object();
        for (unsigned i = 0; i < MAX_DISTANCES; i++) {
            const struct histogram *h = &c->distances[t * MAX_DISTANCES + i];
            snprintf(name, sizeof(name), "d%u", i + 1);
            if (h->n > 0)
                json_object_set_new(rows, name, histogram_json(h, "mm"));
        }
        if (json_object_size(rows) > 0)
            json_object_set(types, c->items->types[t], rows);
        json_decref(rows);
    }
    return json_object_set_new(c->clean, "distances", types) < 0 ? -ENOMEM : 0;
}

static int write_figures(struct cleaning *c)
{
    int r = write_distances(c);
    if (r == 0)
        r = json_object_set_new(c->clean, "pitch", histogram_json(&c->pitch, "mm"));
    if (r == 0)
        r = json_object_set_new(c->clean, "cell", histogram_json(&c->cell, "mm"));
    if (r == 0)
        r = json_object_set_new(c->clean, "off", histogram_json(&c->off, "dot pitches"));
    if (r == 0)
        r = json_object_set_new(c->clean, "without_dpi",
                                json_integer((json_int_t) c->n_without_dpi));
    if (r == 0)
        r = json_object_set_new(c->clean, "unknown", json_integer((json_int_t) c->n_unknown));
    return r < 0 ? -ENOMEM : 0;
}

static void init_histograms(struct cleaning *c)
{
    histogram_init(&c->pitch, 1.5, 4.5, 0.01);
    histogram_init(&c->cell, 4, 8, 0.01);
    histogram_init(&c->off, -0.5, 0.5, 0.005);
    for (unsigned i = 0; i < FIGURES_MAX_TYPES * MAX_DISTANCES; i++)
        histogram_init(&c->distances[i], 0, 40, 0.1);
}

int figures_cleaning(const struct report_options *o, const char *dir, struct figures_items *items,
                     json_t *set, struct fail *fail)
{
    struct cleaning c = {.o = o, .dir = dir, .items = items, .set = set};
    bool truth = false, any = false;

    c.distances = calloc((size_t) FIGURES_MAX_TYPES * MAX_DISTANCES, sizeof(*c.distances));
    c.clean = json_pack("{s:{}, s:{}}", "verdicts", "rejected");
    if (!c.distances || !c.clean) {
        free(c.distances);
        json_decref(c.clean);
        return -ENOMEM;
    }
    init_histograms(&c);
    json_object_set_new(set, "faults", json_object());
    order_faults(json_object_get(set, "faults"));
    figures_rows(json_object_get(c.clean, "verdicts"), brl_verdict_names, BRL_N_VERDICTS);
    figures_rows(json_object_get(c.clean, "rejected"), brl_verdict_names, BRL_N_VERDICTS);
    int r = read_truth(dir, items, set, &truth, fail);
    if (r == 0)
        r = read_lines(&c, truth, &any, fail);
    if (r == 0 && any)
        r = find_labels(&c, fail);
    if (r == 0 && any)
        r = write_figures(&c);
    figures_tidy(json_object_get(set, "faults"));
    figures_tidy(json_object_get(c.clean, "verdicts"));
    figures_tidy(json_object_get(c.clean, "rejected"));
    if (r == 0 && any && json_object_set(set, "clean", c.clean) < 0)
        r = -ENOMEM;
    json_decref(c.clean);
    free(c.distances);
    return r;
}
