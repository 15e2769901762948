/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "manifest/record.h"
#include "tools/dataset/jsonl.h"
#include "tools/dataset/report/report.h"

#define MAX_LABEL 80                         ///< characters of a label that are shown
#define MAX_PICTURE_BYTES ((size_t) 8 << 20) ///< base64 inside of the page; the rest is linked

struct page {
    FILE *f;
    const struct report_options *o;
    struct pictures pictures;
    const json_t *figures;
};

static const char style[] =
    ":root{color-scheme:light dark;--paper:#faf9f6;--card:#fff;--ink:#22262b;--soft:#5c646d;"
    "--line:#e2dfd8;--accent:#2f6f73;--fill:#8fbcbb;--warn:#9a4f1b}"
    "@media(prefers-color-scheme:dark){:root{--paper:#15181b;--card:#1d2125;--ink:#e4e6e8;"
    "--soft:#9ba3ab;--line:#31373d;--accent:#86c5c3;--fill:#3f7a7b;--warn:#e0a070}}"
    "*{box-sizing:border-box}html{scroll-behavior:smooth}"
    "@media(prefers-reduced-motion:reduce){html{scroll-behavior:auto}}"
    "body{margin:0;background:var(--paper);color:var(--ink);font:1rem/1.6 system-ui,\"Noto Sans\","
    "\"Noto Sans CJK SC\",sans-serif}"
    "main,header,footer,nav{max-width:70rem;margin:0 auto;padding:0 1.5rem}"
    "header{padding-top:3.5rem}h1{font-size:2.1rem;font-weight:600;line-height:1.2;margin:0 0 "
    ".5rem;letter-spacing:-.01em}"
    "h2{font-size:1.5rem;font-weight:600;margin:4rem 0 .25rem;padding-top:1.5rem;border-top:1px "
    "solid var(--line)}"
    "h3{font-size:1.05rem;font-weight:600;margin:2.25rem 0 .5rem}p{max-width:44rem}"
    ".lead{font-size:1.1rem;color:var(--soft)}a{color:var(--accent);text-underline-offset:.2em}"
    "a:focus-visible,summary:focus-visible,.scroll:focus-visible{outline:3px solid "
    "var(--accent);outline-offset:3px;border-radius:3px}"
    ".skip{position:absolute;left:-99rem}.skip:focus{left:1rem;top:1rem;background:var(--card);"
    "padding:.5rem 1rem}"
    "nav ul{list-style:none;display:flex;flex-wrap:wrap;gap:.4rem 1.4rem;padding:0;margin:1.5rem "
    "0}"
    ".scroll{overflow-x:auto}table{border-collapse:collapse;margin:.5rem 0 1rem;font-variant-"
    "numeric:tabular-nums;min-width:min(100%,26rem)}"
    "caption{text-align:left;color:var(--soft);padding:.25rem 0;font-size:.95rem}"
    "th,td{padding:.35rem 1.4rem .35rem 0;text-align:right;border-bottom:1px solid var(--line);"
    "vertical-align:baseline;font-weight:400}"
    "th:first-child,td:first-child{text-align:left}thead th{color:var(--soft);font-size:.9rem}"
    "tbody th{text-align:left;white-space:nowrap}tfoot td,tfoot th{font-weight:600;border-bottom:0}"
    ".tables{display:flex;flex-wrap:wrap;gap:0 4rem}.tables>*{min-width:0}"
    ".sheet{list-style:none;padding:0;margin:.75rem 0;display:grid;gap:1rem;grid-template-columns:"
    "repeat(auto-fill,minmax(11rem,1fr))}"
    ".wide{grid-template-columns:repeat(auto-fill,minmax(20rem,1fr))}"
    ".sheet figure{margin:0;background:var(--card);border:1px solid var(--line);border-radius:"
    ".6rem;overflow:hidden;height:100%;display:flex;flex-direction:column}"
    ".sheet .shot{flex:1;display:flex;align-items:center;justify-content:center;padding:.6rem;"
    "min-height:5.5rem}"
    ".sheet img{max-width:100%;height:auto;border-radius:.25rem;display:block}"
    ".sheet figcaption{padding:.45rem .75rem .6rem;border-top:1px solid var(--line);font-size:"
    ".95rem;line-height:1.45;overflow-wrap:anywhere}"
    ".sheet small{display:block;color:var(--soft);font-size:.8rem}"
    ".cells{font-size:1.15rem;letter-spacing:.05em;color:var(--accent)}"
    ".plots{display:grid;gap:1.5rem 2.5rem;grid-template-columns:repeat(auto-fit,minmax(min(100%,"
    "27rem),1fr))}"
    ".plot{margin:.5rem 0}.plot svg{width:100%;height:auto;display:block}"
    ".plot text{fill:var(--soft);font:12px system-ui,sans-serif}.plot .grid{stroke:var(--line)}"
    ".plot .base{stroke:var(--line)}.plot .bars{fill:var(--fill);stroke:var(--accent);"
    "stroke-width:1}.plot .mark{stroke:var(--warn);stroke-dasharray:4 4}"
    ".plot figcaption span{color:var(--soft)}.plot figcaption{font-size:.95rem}"
    ".good{color:var(--accent)}.bad{color:var(--warn);font-weight:600}"
    ".gone{color:var(--warn);font-size:.9rem}code{font:.85em ui-monospace,monospace;overflow-wrap:"
    "anywhere}"
    "footer{margin-top:4rem;padding-bottom:3rem;color:var(--soft);font-size:.9rem}"
    "@media print{body{background:#fff}.sheet figure{break-inside:avoid}nav{display:none}}";

static void write_char(FILE *f, char c)
{
    const char *entity = c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;" : "&quot;";

    if (strchr("&<>\"", c))
        fputs(entity, f);
    else
        putc(c, f);
}

void page_text(FILE *f, const char *text)
{
    for (; text && *text; text++)
        write_char(f, *text);
}

void page_short_text(FILE *f, const char *text, size_t n)
{
    for (; text && *text; text++) {
        const bool begins = ((unsigned char) *text & 0xc0) != 0x80;
        if (begins && n-- == 0) {
            fputs("…", f);
            return;
        }
        write_char(f, *text);
    }
}

void page_number(FILE *f, json_int_t n)
{
    char digits[24], *d = digits;

    snprintf(digits, sizeof(digits), "%" JSON_INTEGER_FORMAT, n < 0 ? -n : n);
    if (n < 0)
        fputs("−", f);
    for (size_t left = strlen(digits); *d; d++, left--) {
        putc(*d, f);
        if (left > 1 && left % 3 == 1)
            putc(',', f);
    }
}

static json_int_t integer(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static const char *name_of(const json_t *set)
{
    return jsonl_text(set, "name");
}

/* ---- tables ---- */

static void begin_table(FILE *f, const char *caption)
{
    fputs("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"", f);
    page_text(f, caption);
    fputs("\"><table><caption>", f);
    page_text(f, caption);
    fputs("</caption>\n<thead><tr>", f);
}

static void end_table(FILE *f)
{
    fputs("</tbody></table></div>\n", f);
}

static void write_head(FILE *f, const char *text)
{
    fputs("<th scope=\"col\">", f);
    page_text(f, text);
    fputs("</th>", f);
}

static void begin_row(FILE *f, const char *name)
{
    fputs("<tr><th scope=\"row\">", f);
    page_text(f, name);
    fputs("</th>", f);
}

static void write_cell(FILE *f, json_int_t n)
{
    fputs("<td>", f);
    page_number(f, n);
    fputs("</td>", f);
}

/* {"key": n} */
static void write_list(FILE *f, const json_t *table, const char *caption, const char *head)
{
    const char *key;
    json_t *n;

    if (!json_object_size(table))
        return;
    begin_table(f, caption);
    write_head(f, head);
    write_head(f, "pictures");
    fputs("</tr></thead><tbody>\n", f);
    json_object_foreach((json_t *) table, key, n)
    {
        begin_row(f, key);
        write_cell(f, json_integer_value(n));
        fputs("</tr>\n", f);
    }
    end_table(f);
}

/* {"row": {"column": n}}; the columns in the order of `columns`' keys. */
static void write_cross(FILE *f, const json_t *rows, const json_t *columns, const char *caption,
                        const char *head)
{
    const char *row, *column;
    json_t *counts, *n;

    if (!json_object_size(rows))
        return;
    begin_table(f, caption);
    write_head(f, head);
    json_object_foreach((json_t *) columns, column, n) write_head(f, column);
    write_head(f, "all");
    fputs("</tr></thead><tbody>\n", f);
    json_object_foreach((json_t *) rows, row, counts)
    {
        json_int_t all = 0;
        begin_row(f, row);
        json_object_foreach((json_t *) columns, column, n)
        {
            all += integer(counts, column);
            write_cell(f, integer(counts, column));
        }
        write_cell(f, all);
        fputs("</tr>\n", f);
    }
    end_table(f);
}

/* ---- the sets side by side ---- */

/* Every type that a set has, in the order of the sets. */
static json_t *all_types(const json_t *sets)
{
    json_t *types = json_object(), *set, *n;
    const char *type;
    size_t i;

    json_array_foreach((json_t *) sets, i, set)
        json_object_foreach(json_object_get(set, "types"), type, n)
            json_object_set_new(types, type, json_true());
    return types;
}

static json_int_t off_by(const json_t *set)
{
    const char *type;
    json_int_t sum = 0;
    json_t *n;

    json_object_foreach(json_object_get(set, "more_than_expected"), type, n) sum +=
        json_integer_value(n) < 0 ? -json_integer_value(n) : json_integer_value(n);
    return sum;
}

static void write_off(FILE *f, const json_t *set)
{
    const json_t *off = json_object_get(set, "more_than_expected");
    const char *type, *comma = "";
    json_t *n;

    if (!off) {
        fputs("<td>–</td>", f);
        return;
    }
    if (off_by(set) == 0) {
        fputs("<td class=\"good\">exactly</td>", f);
        return;
    }
    fputs("<td class=\"bad\">", f);
    json_object_foreach((json_t *) off, type, n)
    {
        if (json_integer_value(n) == 0)
            continue;
        fprintf(f, "%s%s", comma, json_integer_value(n) > 0 ? "+" : "");
        page_number(f, json_integer_value(n));
        putc(' ', f);
        page_text(f, type);
        comma = ", ";
    }
    fputs("</td>", f);
}

static void write_sums_cell(FILE *f, const json_t *set)
{
    const json_t *sums = json_object_get(set, "checksums");
    const json_int_t bad = integer(sums, "wrong") + integer(sums, "missing");

    if (bad == 0 && integer(sums, "right") == integer(set, "pictures"))
        fputs("<td class=\"good\">all right</td>", f);
    else if (bad == 0)
        fprintf(f, "<td>%" JSON_INTEGER_FORMAT " right, %" JSON_INTEGER_FORMAT " without</td>",
                integer(sums, "right"), integer(sums, "none"));
    else
        fprintf(f, "<td class=\"bad\">%" JSON_INTEGER_FORMAT " wrong or missing</td>", bad);
}

static void write_overview(struct page *p)
{
    const json_t *sets = json_object_get(p->figures, "sets");
    json_t *types = all_types(sets), *set, *n;
    const char *type;
    bool expected = false;
    size_t i;

    json_array_foreach((json_t *) sets, i, set) expected =
        expected || json_object_get(set, "expected");
    begin_table(p->f, "Pictures in each set, counted from its manifest");
    write_head(p->f, "set");
    json_object_foreach(types, type, n) write_head(p->f, type);
    write_head(p->f, "all");
    if (expected)
        write_head(p->f, "as it should be");
    write_head(p->f, "checksums");
    fputs("</tr></thead><tbody>\n", p->f);
    json_array_foreach((json_t *) sets, i, set)
    {
        fprintf(p->f, "<tr><th scope=\"row\"><a href=\"#set-%zu\">", i);
        page_text(p->f, name_of(set));
        fputs("</a></th>", p->f);
        json_object_foreach(types, type, n)
            write_cell(p->f, integer(json_object_get(set, "types"), type));
        write_cell(p->f, integer(set, "pictures"));
        if (expected)
            write_off(p->f, set);
        write_sums_cell(p->f, set);
        fputs("</tr>\n", p->f);
    }
    end_table(p->f);
    json_decref(types);
}

/* ---- contact sheets ---- */

static int write_sample(struct page *p, const char *dir, const json_t *sample)
{
    const char *augment = jsonl_text(sample, "augment"), *reads = jsonl_text(sample, "reads");
    const char *text = jsonl_text(sample, "text");
    /* "248, turn-180": what a person would be told who asks for the picture */
    const char *alt[] = {text ? text : "no label", augment, NULL};

    fputs("<li><figure><div class=\"shot\">", p->f);
    int r = pictures_write(&p->pictures, p->f, dir, jsonl_text(sample, "image"), 260, 130, alt);
    fputs("</div><figcaption><span lang=\"zh\">", p->f);
    page_short_text(p->f, text, MAX_LABEL);
    fputs("</span> <span class=\"cells\">", p->f);
    page_text(p->f, jsonl_text(sample, "cells"));
    fputs("</span><small>", p->f);
    page_text(p->f, augment ? augment : jsonl_text(sample, "id"));
    if (reads) {
        fputs(*reads ? "; as it lies it reads " : "; as it lies it reads nothing", p->f);
        page_text(p->f, reads);
    }
    fputs("</small></figcaption></figure></li>\n", p->f);
    return r;
}

static int write_sheets(struct page *p, const char *dir, const json_t *tables, const char *what)
{
    const char *key;
    json_t *list, *sample;
    size_t i;
    int r = 0;

    json_object_foreach((json_t *) tables, key, list)
    {
        fputs("<h3>", p->f);
        page_text(p->f, what);
        page_text(p->f, key);
        fputs("</h3>\n<ul class=\"sheet\">\n", p->f);
        json_array_foreach(list, i, sample)
        {
            if (r == 0)
                r = write_sample(p, dir, sample);
        }
        fputs("</ul>\n", p->f);
    }
    return r;
}

/* ---- cleaning ---- */

static void write_faults(FILE *f, const json_t *faults, json_int_t n_redrawn)
{
    static const char *const columns[] = {"pictures", "rejected", "called clean",
                                          "unsure",   "named",    "edge named"};
    const char *row;
    json_t *counts;

    if (!json_object_size(faults))
        return;
    fputs("<h3>Faults that were put in, and what cleaning made of them</h3>\n", f);
    begin_table(f, "By fault and edge. “unsure” are among the rejected; “named” means over for "
                   "over, under for under and cut");
    write_head(f, "fault");
    for (unsigned i = 0; i < ELEMENTSOF(columns); i++)
        write_head(f, columns[i]);
    fputs("</tr></thead><tbody>\n", f);
    json_object_foreach((json_t *) faults, row, counts)
    {
        const bool none = strcmp(row, "none") == 0;
        begin_row(f, row);
        for (unsigned i = 0; i < ELEMENTSOF(columns); i++)
            if (none && i >= 4)
                fputs("<td>–</td>", f);
            else
                write_cell(f, integer(counts, columns[i]));
        fputs("</tr>\n", f);
    }
    end_table(f);
    if (n_redrawn == 0)
        return;
    fputs("<p>Not a measure of cleaning: ", f);
    page_number(f, n_redrawn);
    fputs(" drawings were thrown away and made anew until cleaning judged them as they were meant "
          "(<code>generate --checked</code>).</p>\n",
          f);
}

static void write_plots(FILE *f, const json_t *clean)
{
    const json_t *distances = json_object_get(clean, "distances");
    const char *type;
    char title[128];
    json_t *rows;

    fputs("<h3>Distances</h3>\n<p>Measured on the pictures, in millimetres at the resolution that "
          "the manifest gives. d1, d2, … are the distances of the columns of dots from the "
          "leftmost one.</p>\n<div class=\"plots\">\n",
          f);
    histogram_write_svg(f, json_object_get(clean, "pitch"), "Dot pitch", 0);
    histogram_write_svg(f, json_object_get(clean, "cell"), "Cell pitch", 0);
    histogram_write_svg(f, json_object_get(clean, "off"),
                        "Measured minus expected distance, clean pictures; the rule allows 0.20",
                        0.2);
    json_object_foreach((json_t *) distances, type, rows)
    {
        snprintf(title, sizeof(title), "Column distances, %s, clean pictures", type);
        histogram_write_rows(f, rows, title);
    }
    fputs("</div>\n", f);
    if (integer(clean, "without_dpi") > 0)
        fprintf(f,
                "<p>%" JSON_INTEGER_FORMAT " pictures have no known resolution and are not in "
                "the millimetres.</p>\n",
                integer(clean, "without_dpi"));
}

static int write_rejected_one(struct page *p, const char *dir, const char *verdict, const json_t *o)
{
    const char *picture = jsonl_text(o, "picture"), *side = jsonl_text(o, "side");
    const char *text = jsonl_text(o, "text");
    const char *alt[] = {text ? text : "no label", verdict, side, NULL};

    fputs("<li><figure><div class=\"shot\">", p->f);
    int r = picture || jsonl_text(o, "image")
                ? pictures_write(&p->pictures, p->f, dir,
                                 picture ? picture : jsonl_text(o, "image"), 480, 300, alt)
                : 0;
    fputs("</div><figcaption><span lang=\"zh\">", p->f);
    page_short_text(p->f, text, MAX_LABEL);
    fputs("</span>: ", p->f);
    page_text(p->f, jsonl_text(o, "rule"));
    fputs("<small>", p->f);
    page_text(p->f, jsonl_text(o, "id"));
    fputs(side ? ", " : "", p->f);
    page_short_text(p->f, side, MAX_LABEL);
    fprintf(p->f, ", doubt %.2f</small></figcaption></figure></li>\n",
            json_number_value(json_object_get(o, "doubt")));
    return r;
}

static int write_rejected(struct page *p, const char *dir, const json_t *rejected)
{
    const char *verdict;
    json_t *list, *o;
    size_t i;
    int r = 0;

    if (json_object_size(rejected) > 0)
        fputs(
            "<p>In the drawings circles are the places where the label has dots, crosses the dots "
            "that were found: green agrees, red is missing, orange boxes are too much.</p>\n",
            p->f);
    json_object_foreach((json_t *) rejected, verdict, list)
    {
        fputs("<h3>Rejected: ", p->f);
        page_text(p->f, verdict);
        fputs("</h3>\n<ul class=\"sheet wide\">\n", p->f);
        json_array_foreach(list, i, o)
        {
            if (r == 0)
                r = write_rejected_one(p, dir, verdict, o);
        }
        fputs("</ul>\n", p->f);
    }
    return r;
}

static int write_cleaning(struct page *p, const char *dir, const json_t *set)
{
    const json_t *clean = json_object_get(set, "clean");

    if (!clean)
        return 0;
    fputs("<h3>Cleaning</h3>\n", p->f);
    write_cross(p->f, json_object_get(clean, "verdicts"), json_object_get(set, "types"),
                "What cleaning says", "verdict");
    write_faults(p->f, json_object_get(set, "faults"), integer(set, "redrawn"));
    write_plots(p->f, clean);
    return write_rejected(p, dir, json_object_get(clean, "rejected"));
}

/* ---- a set ---- */

static void write_counts(FILE *f, const json_t *set)
{
    fputs("<div class=\"tables\">\n", f);
    write_cross(f, json_object_get(set, "splits"), json_object_get(set, "types"),
                "Pictures by split and type", "split");
    write_list(f, json_object_get(set, "made"), "How they were made", "augment");
    write_list(f, json_object_get(set, "codes"), "In which braille code", "code");
    write_list(f, json_object_get(set, "turned_reads"), "What turned pictures read as they lie",
               "reads");
    fputs("</div>\n", f);
}

static void write_bad(FILE *f, const json_t *bad)
{
    json_t *o;
    size_t i;

    if (!json_array_size(bad))
        return;
    fputs("<h3>Pictures that are not what the manifest says</h3>\n<ul>\n", f);
    json_array_foreach((json_t *) bad, i, o)
    {
        fputs("<li><code>", f);
        page_text(f, jsonl_text(o, "id"));
        fputs("</code>: ", f);
        page_text(f, jsonl_text(o, "why"));
        fputs("</li>\n", f);
    }
    fputs("</ul>\n", f);
}

static int write_set(struct page *p, size_t i, const json_t *set)
{
    const char *dir = p->o->dirs[i];

    fprintf(p->f, "<section id=\"set-%zu\" aria-labelledby=\"head-%zu\">\n<h2 id=\"head-%zu\">", i,
            i, i);
    page_text(p->f, name_of(set));
    fputs("</h2>\n<p class=\"lead\">", p->f);
    page_number(p->f, integer(set, "pictures"));
    fputs(" pictures</p>\n", p->f);
    write_counts(p->f, set);
    write_bad(p->f, json_object_get(set, "bad"));
    int r = write_sheets(p, dir, json_object_get(set, "samples_type"), "As they are: ");
    if (r == 0)
        r = write_sheets(p, dir, json_object_get(set, "samples_augment"), "Twins: ");
    if (r == 0)
        r = write_cleaning(p, dir, set);
    fputs("</section>\n", p->f);
    return r;
}

static void write_sums(FILE *f, const json_t *sets)
{
    const char *name;
    json_t *set, *sum;
    size_t i;

    fputs("<section id=\"sums\" aria-labelledby=\"head-sums\">\n<h2 id=\"head-sums\">Checksums</h2>"
          "\n<p>SHA-256 of the lists; each manifest holds the checksums of its pictures.</p>\n",
          f);
    begin_table(f, "SHA-256 of every list");
    write_head(f, "file");
    write_head(f, "SHA-256");
    fputs("</tr></thead><tbody>\n", f);
    json_array_foreach((json_t *) sets, i, set)
        json_object_foreach(json_object_get(set, "lists"), name, sum)
    {
        fputs("<tr><th scope=\"row\">", f);
        page_text(f, name_of(set));
        putc('/', f);
        page_text(f, name);
        fprintf(f, "</th><td><code>%s</code></td></tr>\n", json_string_value(sum));
    }
    end_table(f);
    fputs("</section>\n", f);
}

/* ---- the page ---- */

static void write_title(FILE *f, const struct report_options *o, const json_t *sets)
{
    json_t *set;
    size_t i;

    if (o->title) {
        page_text(f, o->title);
        return;
    }
    json_array_foreach((json_t *) sets, i, set)
    {
        fputs(i ? ", " : "", f);
        page_text(f, name_of(set));
    }
}

static void write_nav(FILE *f, const json_t *sets)
{
    json_t *set;
    size_t i;

    fputs("<nav aria-label=\"On this page\"><ul>\n", f);
    json_array_foreach((json_t *) sets, i, set)
    {
        fprintf(f, "<li><a href=\"#set-%zu\">", i);
        page_text(f, name_of(set));
        fputs("</a></li>\n", f);
    }
    fputs("<li><a href=\"#sums\">Checksums</a></li></ul></nav>\n", f);
}

static void write_begin(struct page *p, const json_t *sets)
{
    json_int_t n = 0;
    json_t *set;
    size_t i;

    json_array_foreach((json_t *) sets, i, set) n += integer(set, "pictures");
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta "
          "name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n<title>",
          p->f);
    write_title(p->f, p->o, sets);
    fprintf(p->f, "</title>\n<style>%s</style>\n</head>\n<body>\n", style);
    fputs("<a class=\"skip\" href=\"#main\">To the figures</a>\n<header><h1>", p->f);
    write_title(p->f, p->o, sets);
    fputs("</h1>\n<p class=\"lead\">", p->f);
    page_number(p->f, n);
    fprintf(p->f,
            " pictures of braille in %zu set%s. Every number on this page was counted from "
            "the sets' own files when it was written.</p></header>\n",
            json_array_size(sets), json_array_size(sets) == 1 ? "" : "s");
}

static int write_all(struct page *p)
{
    const json_t *sets = json_object_get(p->figures, "sets");
    json_t *set;
    size_t i;
    int r = 0;

    write_begin(p, sets);
    write_nav(p->f, sets);
    fputs("<main id=\"main\">\n", p->f);
    write_overview(p);
    json_array_foreach((json_t *) sets, i, set)
    {
        if (r == 0)
            r = write_set(p, i, set);
    }
    write_sums(p->f, sets);
    fprintf(p->f,
            "</main>\n<footer>braille-dataset report, version %s</footer>\n</body>\n</html>\n",
            BRAILLED_VERSION);
    return r;
}

int page_write(const struct report_options *o, const json_t *figures, char **ret, size_t *ret_size,
               struct fail *fail)
{
    struct page p = {.o = o, .figures = figures, .pictures = {o->out, MAX_PICTURE_BYTES}};

    p.f = open_memstream(ret, ret_size);
    if (!p.f)
        return -ENOMEM;
    int r = write_all(&p);
    const bool failed = ferror(p.f);
    if ((fclose(p.f) != 0 || failed) && r == 0)
        r = -ENOMEM;
    return r;
}
