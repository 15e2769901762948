/* SPDX-License-Identifier: Apache-2.0
 *
 * The report: all figures are collected as one JSON object first, and the page is written from that
 * object alone, so that `--json` and the page cannot differ.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include "base/fail.h"

struct report_options {
    const char *title; ///< NULL: from the sets' names
    const char *out;   ///< the page; NULL: none
    char *const *dirs; ///< sets
    size_t n_dirs;
    char *const *expected; ///< "NAME:TYPE=N,TYPE=N", what a set should hold
    size_t n_expected;
    unsigned n_samples; ///< pictures in a contact sheet
    uint64_t seed;      ///< which ones
    bool quiet;
};

/* ---- histograms (histogram.c) ---- */

#define HISTOGRAM_BINS 400

/** Counts of values in bins of one width; memory does not grow with the values. */
struct histogram {
    double from, step;
    unsigned n_bins;
    uint64_t n, below, above, count[HISTOGRAM_BINS];
};
void histogram_init(struct histogram *h, double from, double to, double step);
void histogram_add(struct histogram *h, double value);
/** {"unit", "from", "step", "counts", "n", "below", "above", "median", "p5", "p95"}; empty bins at
 * the ends are left out. A new reference; NULL: not enough memory. */
json_t *histogram_json(const struct histogram *h, const char *unit);

/** A drawing of one, with its words for those who do not see it. */
void histogram_write_svg(FILE *f, const json_t *histogram, const char *title, double mark);
/** Several on one axis, one below the other: {"d1": histogram, …}. */
void histogram_write_rows(FILE *f, const json_t *rows, const char *title);

/* ---- figures (figures.c, cleaning.c) ---- */

/** What is kept of each picture until its lines in truth.jsonl and clean.jsonl come by. */
struct figures_item {
    uint64_t id; ///< hash
    float dpi;
    uint8_t type;    ///< number in the set's list of types
    uint8_t fault;   ///< enum brl_fault
    int8_t edge;     ///< enum brl_edge, -1
    uint8_t verdict; ///< enum brl_verdict + 1; 0: not looked at
};
#define FIGURES_MAX_TYPES 64
struct figures_items {
    struct figures_item *items; ///< owned, sorted by id
    size_t n, room;
    char *types[FIGURES_MAX_TYPES]; ///< owned
    unsigned n_types;
};
struct figures_item *figures_find(const struct figures_items *items, const char *id);

/** The `k` objects with the smallest draws: a sample that does not depend on the order. */
int figures_sample(json_t *list, json_t *object, uint64_t draw, unsigned k);

/** Empty rows of a table, so that they stand in this order. */
void figures_rows(json_t *table, const char *const *rows, unsigned n);
/** Without the rows that stayed empty, and samples without their draws. */
void figures_tidy(json_t *table);

/** figures[table][key] += 1; `table` NULL: figures[key]. -ENOMEM. */
int figures_count(json_t *figures, const char *table, const char *key);

/** What clean.jsonl and truth.jsonl of a set say, into its figures; nothing where there are none.
 */
int figures_cleaning(const struct report_options *o, const char *dir, struct figures_items *items,
                     json_t *set, struct fail *fail);

/** Everything: {"title", "sets": […]}. */
int figures_collect(const struct report_options *o, json_t **ret, struct fail *fail);

/* ---- the page (page.c, pictures.c) ---- */

/** The page from its figures; *ret owned, UTF-8. */
int page_write(const struct report_options *o, const json_t *figures, char **ret, size_t *ret_size,
               struct fail *fail);

void page_text(FILE *f, const char *text); ///< escaped
/** The first `n` characters of a text, escaped, "…" behind them where there are more: a label may
 * be a whole page. */
void page_short_text(FILE *f, const char *text, size_t n);
void page_number(FILE *f, json_int_t n); ///< 12400 as "12,400"

/** Where pictures come from and how many bytes of them the page may still take. */
struct pictures {
    const char *out; ///< borrowed
    size_t left;
};
/** An <img> of DIR/IMAGE that fits into width x height: inside of the page while there is room,
 * else a link beside it, else only its words. `alt`: their parts, the last is followed by NULL. */
int pictures_write(struct pictures *p, FILE *f, const char *dir, const char *image, unsigned width,
                   unsigned height, const char *const *alt);
