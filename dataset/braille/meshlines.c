/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "braille/mesh_internal.h"

#define BIN 0.05      ///< of the weight along an axis, in dot rows
#define SPREAD 0.1    ///< deviation of a dot from its row
#define APART 0.55    ///< rows are no nearer
#define LEAST_ROW 0.5 ///< weight of a row
#define MAX_ROWS_LONG 2000.0
#define MIN_LINE 3.6  ///< line pitch over row pitch: 3.85 (Massage, US) ..
#define MAX_LINE 10.5 ///< twice that of Europe's, with print between
#define MIN_GAP 3.4   ///< of two lines' first rows, whatever the page's line pitch is
#define ON_ROW 0.15   ///< deviation of a row from where its line has it
#define LINE_COST 1.2
#define SAME_START 0.08
#define NEXT_ROW 0.3     ///< a row so near to a line's own, but for their distance, is of that line
#define MAX_OFF_COST 8.0 ///< of a line at any other place than the page's rhythm has it, in dots
#define OFF_SPREAD 0.12  ///< deviation of a line from the rhythm, in dot rows
#define MAX_SKIPPED 8    ///< blank lines over which the rhythm is kept

int brl_mesh_rows_find(const double *at, const double *weight, size_t n, struct mesh_row *ret,
                       size_t room)
{
    double from = INFINITY, to = -INFINITY;
    const int reach = (int) ceil(3 * SPREAD / BIN), apart = (int) (APART / BIN);
    int n_rows = 0;

    for (size_t i = 0; i < n; i++) {
        from = fmin(from, at[i] - 1);
        to = fmax(to, at[i] + 1);
    }
    if (n == 0 || !(to - from < MAX_ROWS_LONG))
        return 0;
    const size_t n_room = (size_t) ((to - from) / BIN) + 2;
    const int n_bins = (int) n_room;
    CLEANUP_FREE double *bins = calloc(n_room, sizeof(*bins));
    if (!bins)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        const double x = (at[i] - from) / BIN;
        const int mid = (int) lround(x);
        for (int k = MAX(mid - reach, 0); k <= MIN(mid + reach, n_bins - 1); k++)
            bins[k] += weight[i] * exp(-0.5 * pow((k - x) * BIN / SPREAD, 2));
    }
    for (int k = 0; k < n_bins && (size_t) n_rows < room; k++) {
        if (bins[k] < LEAST_ROW)
            continue;
        bool top = true;
        for (int j = MAX(k - apart, 0); j <= MIN(k + apart, n_bins - 1) && top; j++)
            top = bins[j] < bins[k] || (bins[j] == bins[k] && j >= k);
        if (top)
            ret[n_rows++] = (struct mesh_row){from + k * BIN, bins[k]};
    }
    return n_rows;
}

/* A place where a line may begin. */
struct start {
    double at, value, best;
    int prev;
};

static int by_place(const void *a, const void *b)
{
    const double x = ((const struct start *) a)->at, y = ((const struct start *) b)->at;
    return (x > y) - (x < y);
}

/* Of starts that mean the same line the best. */
static size_t thin_starts(struct start *s, size_t n)
{
    size_t m = 0;

    for (size_t i = 0; i < n; i++)
        if (m > 0 && s[i].at - s[m - 1].at < SAME_START) {
            if (s[i].value > s[m - 1].value)
                s[m - 1] = s[i];
        } else {
            s[m++] = s[i];
        }
    return m;
}

/* Every place that has one of a line's rows on a row of dots. */
static size_t list_starts(const struct mesh_row *rows, size_t n, struct start *out)
{
    size_t m = 0;

    for (size_t k = 0; k < n; k++)
        for (int j = 0; j < 3; j++)
            out[m++] = (struct start){.at = rows[k].at - j};
    qsort(out, m, sizeof(*out), by_place);
    for (size_t i = 0; i < m; i++) {
        out[i].value = -LINE_COST;
        for (size_t k = 0; k < n; k++)
            for (int j = 0; j < 3; j++) {
                const double off = (rows[k].at - out[i].at - j) / ON_ROW;
                if (fabs(off) < 3)
                    out[i].value += rows[k].weight * exp(-0.5 * off * off);
            }
        for (size_t k = 0; k < n; k++) { /* lines keep more than a pitch away from each other */
            const double off = rows[k].at - out[i].at;
            if (fabs(off + 1) < NEXT_ROW || fabs(off - 3) < NEXT_ROW)
                out[i].value -= rows[k].weight;
        }
    }
    return thin_starts(out, m);
}

static double off_cost(double gap, double line)
{
    const int n = (int) (gap / line + 0.5), k = n < 1 ? 1 : n > MAX_SKIPPED ? MAX_SKIPPED : n;
    const double off = (gap - k * line) / OFF_SPREAD, cost = 0.5 * off * off;
    return cost < MAX_OFF_COST ? cost : MAX_OFF_COST;
}

/* The chain of lines that catches most under one line pitch; its value, and its last line. */
static double chain(struct start *s, size_t n, double line, int *ret_last)
{
    double top = -INFINITY, passed = 0; /* the best so far back that no rhythm reaches here */
    int passed_at = -1;
    size_t first = 0;

    for (size_t i = 0; i < n; i++) {
        for (; s[i].at - s[first].at > (MAX_SKIPPED + 0.5) * line; first++)
            if (s[first].best > passed) {
                passed = s[first].best;
                passed_at = (int) first;
            }
        s[i].best = s[i].value;
        s[i].prev = -1;
        if (passed_at >= 0 && passed - MAX_OFF_COST > 0) {
            s[i].best = passed - MAX_OFF_COST + s[i].value;
            s[i].prev = passed_at;
        }
        for (size_t j = first; j < i && s[i].at - s[j].at >= MIN_GAP; j++) {
            const double v = s[j].best + s[i].value - off_cost(s[i].at - s[j].at, line);
            if (v > s[i].best) {
                s[i].best = v;
                s[i].prev = (int) j;
            }
        }
        if (s[i].best > top) {
            top = s[i].best;
            *ret_last = (int) i;
        }
    }
    return top;
}

int brl_mesh_lines_find(const struct mesh_row *rows, size_t n, double **ret, unsigned *ret_n)
{
    CLEANUP_FREE struct start *s = malloc((3 * n + 1) * sizeof(*s));
    double line = 0, top = 0;
    int last = -1;
    unsigned count = 0;

    if (!s)
        return -ENOMEM;
    const size_t m = list_starts(rows, n, s);
    for (double l = MIN_LINE; l < MAX_LINE; l += 0.05) {
        const double v = chain(s, m, l, &last);
        if (v > top) {
            top = v;
            line = l;
        }
    }
    if (!(top > 0))
        return -ENODATA;
    const double middle = line;
    for (double l = middle - 0.05; l < middle + 0.05; l += 0.01) {
        const double v = chain(s, m, l, &last);
        if (v > top) {
            top = v;
            line = l;
        }
    }
    chain(s, m, line, &last);
    for (int i = last; i >= 0; i = s[i].prev)
        count++;
    double *out = malloc(count * sizeof(*out));
    if (!out)
        return -ENOMEM;
    *ret_n = count;
    for (int i = last; i >= 0; i = s[i].prev)
        out[--count] = s[i].at;
    *ret = out;
    return 0;
}
