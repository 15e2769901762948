/* SPDX-License-Identifier: Apache-2.0 */

#include <math.h>
#include <string.h>

#include "base/macro.h"
#include "manifest/record.h"
#include "tools/dataset/report/report.h"

void histogram_init(struct histogram *h, double from, double to, double step)
{
    *h = (struct histogram){.from = from, .step = step};
    h->n_bins = (unsigned) MIN(floor((to - from) / step + 0.5), (double) HISTOGRAM_BINS);
}

void histogram_add(struct histogram *h, double value)
{
    const double bin = floor((value - h->from) / h->step);

    if (!isfinite(value))
        return;
    h->n++;
    if (bin < 0)
        h->below++;
    else if (bin >= h->n_bins)
        h->above++;
    else
        h->count[(unsigned) bin]++;
}

/* The middle of the bin that holds this part of the values. */
static double quantile(const struct histogram *h, double part)
{
    const double wanted = part * (double) h->n;
    double sum = (double) h->below;

    for (unsigned i = 0; i < h->n_bins; i++) {
        sum += (double) h->count[i];
        if (sum >= wanted && sum > 0)
            return h->from + (i + 0.5) * h->step;
    }
    return h->from + h->n_bins * h->step;
}

json_t *histogram_json(const struct histogram *h, const char *unit)
{
    unsigned first = 0, last = h->n_bins;
    json_t *counts = json_array();

    while (first < last && !h->count[first])
        first++;
    while (last > first && !h->count[last - 1])
        last--;
    for (unsigned i = first; i < last; i++)
        json_array_append_new(counts, json_integer((json_int_t) h->count[i]));
    return json_pack("{s:s, s:o, s:o, s:o, s:I, s:I, s:I, s:o, s:o, s:o}", "unit", unit, "from",
                     manifest_number(h->from + first * h->step), "step", manifest_number(h->step),
                     "counts", counts, "n", (json_int_t) h->n, "below", (json_int_t) h->below,
                     "above", (json_int_t) h->above, "median", manifest_number(quantile(h, 0.5)),
                     "p5", manifest_number(quantile(h, 0.05)), "p95",
                     manifest_number(quantile(h, 0.95)));
}

/* ---- drawings ---- */

enum { WIDTH = 640, LEFT = 44, RIGHT = 16, PLOT = WIDTH - LEFT - RIGHT };

/* Without the sign of what is printed as 0.00. */
static double number(const json_t *object, const char *key)
{
    const double v = json_number_value(json_object_get(object, key));
    return fabs(v) < 0.005 ? 0 : v;
}

struct axis {
    double from, to, tick;
};

static double to_x(const struct axis *a, double v)
{
    return LEFT + (v - a->from) / (a->to - a->from) * PLOT;
}

/* Ends and steps that are round numbers. */
static void round_axis(struct axis *a)
{
    static const double steps[] = {0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50};
    const double width = a->to - a->from;

    a->tick = 100;
    for (unsigned i = ELEMENTSOF(steps); i-- > 0;)
        if (width / steps[i] <= 9)
            a->tick = steps[i];
    a->from = floor(a->from / a->tick + 1e-9) * a->tick;
    a->to = ceil(a->to / a->tick - 1e-9) * a->tick;
}

static void include(struct axis *a, const json_t *h)
{
    const double from = json_number_value(json_object_get(h, "from"));
    const double to = from + json_number_value(json_object_get(h, "step")) *
                                 (double) json_array_size(json_object_get(h, "counts"));

    a->from = MIN(a->from, from);
    a->to = MAX(a->to, to);
}

static void write_axis(FILE *f, const struct axis *a, double top, double bottom, const char *unit)
{
    const int places = a->tick < 0.1 ? 2 : a->tick < 1 ? 1 : 0;
    const int n = (int) floor((a->to - a->from) / a->tick + 0.5);

    for (int i = 0; i <= n; i++) {
        const double v = a->from + i * a->tick, x = to_x(a, v);
        fprintf(f, "<line class=\"grid\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.0f\" y2=\"%.0f\"/>", x, x,
                top, bottom);
        fprintf(f, "<text x=\"%.1f\" y=\"%.0f\" text-anchor=\"middle\">%.*f</text>", x, bottom + 16,
                places, fabs(v) < 1e-9 ? 0.0 : v);
    }
    fprintf(f, "<text x=\"%d\" y=\"%.0f\" text-anchor=\"end\">%s</text>\n", WIDTH - RIGHT,
            bottom + 32, unit);
}

/* Steps through the tops of the bins, closed along the bottom. */
static void write_area(FILE *f, const struct axis *a, const json_t *h, double bottom, double height)
{
    const json_t *counts = json_object_get(h, "counts"), *count;
    const double from = json_number_value(json_object_get(h, "from")),
                 step = json_number_value(json_object_get(h, "step"));
    double most = 1;
    size_t i;

    json_array_foreach(counts, i, count) most = MAX(most, json_number_value(count));
    fprintf(f, "<path class=\"bars\" d=\"M%.1f %.1f", to_x(a, from), bottom);
    json_array_foreach(counts, i, count)
    {
        const double y = bottom - json_number_value(count) / most * height;
        fprintf(f, "V%.1fH%.1f", y, to_x(a, from + (double) (i + 1) * step));
    }
    fprintf(f, "V%.1fZ\"/>\n", bottom);
}

/* What the drawing shows, in words. */
static void write_words(FILE *f, const json_t *h)
{
    fprintf(f, "median %.2f %s, nine of ten between %.2f and %.2f, of ", number(h, "median"),
            json_string_value(json_object_get(h, "unit")), number(h, "p5"), number(h, "p95"));
    page_number(f, json_integer_value(json_object_get(h, "n")));
    fputs(" values", f);
}

static void begin_svg(FILE *f, const char *title, int height)
{
    fprintf(f, "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"", WIDTH, height);
    page_text(f, title);
}

static void write_mark(FILE *f, const struct axis *a, double v, double top, double bottom)
{
    if (v >= a->from && v <= a->to)
        fprintf(f, "<line class=\"mark\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.0f\" y2=\"%.0f\"/>",
                to_x(a, v), to_x(a, v), top, bottom);
}

void histogram_write_svg(FILE *f, const json_t *histogram, const char *title, double mark)
{
    enum { TOP = 12, BOTTOM = 150, HEIGHT = 190 };
    const json_int_t n = json_integer_value(json_object_get(histogram, "n"));
    struct axis a = {INFINITY, -INFINITY, 0};

    fprintf(f, "<figure class=\"plot\">");
    if (n > 0 && json_array_size(json_object_get(histogram, "counts")) > 0) {
        include(&a, histogram);
        if (mark > 0) {
            a.from = MIN(a.from, -mark);
            a.to = MAX(a.to, mark);
        }
        round_axis(&a);
        begin_svg(f, title, HEIGHT);
        fputs(": ", f);
        write_words(f, histogram);
        fputs("\">\n", f);
        write_axis(f, &a, TOP, BOTTOM, json_string_value(json_object_get(histogram, "unit")));
        write_area(f, &a, histogram, BOTTOM, BOTTOM - TOP);
        if (mark > 0) {
            write_mark(f, &a, -mark, TOP, BOTTOM);
            write_mark(f, &a, mark, TOP, BOTTOM);
        }
        fputs("</svg>", f);
    }
    fputs("<figcaption><strong>", f);
    page_text(f, title);
    fputs("</strong> <span>", f);
    if (n > 0)
        write_words(f, histogram);
    else
        fputs("nothing measured", f);
    fputs("</span></figcaption></figure>\n", f);
}

void histogram_write_rows(FILE *f, const json_t *rows, const char *title)
{
    enum { ROW = 40, TOP = 12 };
    const double bottom = TOP + ROW * (double) json_object_size(rows);
    struct axis a = {0, -INFINITY, 0};
    const char *key, *unit = "";
    json_t *h;
    double y = TOP;

    json_object_foreach((json_t *) rows, key, h)
    {
        include(&a, h);
        unit = json_string_value(json_object_get(h, "unit"));
    }
    if (!(a.to > 0))
        return;
    round_axis(&a);
    fputs("<figure class=\"plot\">", f);
    begin_svg(f, title, (int) bottom + 40);
    json_object_foreach((json_t *) rows, key, h)
    {
        fprintf(f, "; %s: ", key);
        write_words(f, h);
    }
    fputs("\">\n", f);
    write_axis(f, &a, TOP, bottom, unit);
    json_object_foreach((json_t *) rows, key, h)
    {
        y += ROW;
        fprintf(f, "<text x=\"%d\" y=\"%.0f\" text-anchor=\"end\">%s</text>", LEFT - 8, y - 6, key);
        fprintf(f, "<line class=\"base\" x1=\"%d\" x2=\"%d\" y1=\"%.0f\" y2=\"%.0f\"/>", LEFT,
                WIDTH - RIGHT, y, y);
        write_area(f, &a, h, y, ROW - 8);
    }
    fputs("</svg><figcaption><strong>", f);
    page_text(f, title);
    fputs("</strong></figcaption></figure>\n", f);
}
