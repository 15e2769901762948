/* SPDX-License-Identifier: Apache-2.0 */

#include "tools/dataset/import/import.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- labels ---- */

/* U+2800 .. U+283F as UTF-8; false: something else. */
static bool parse_unicode(const char *text, brl_cell *ret)
{
    const unsigned char *s = (const unsigned char *) text;
    if (s[0] != 0xe2 || s[1] != 0xa0 || (s[2] & 0xc0) != 0x80)
        return false;
    *ret = s[2] & 0x3f;
    return true;
}

/* "~125", "~125~", "&125&". */
static bool parse_marked(const char *text, brl_cell *ret)
{
    char dots[8];

    if (text[0] != '~' && text[0] != '&')
        return false;
    size_t n = strlen(text + 1);
    if (n > 0 && text[n] == text[0])
        n--;
    if (n == 0 || n >= sizeof(dots))
        return false;
    memcpy(dots, text + 1, n);
    dots[n] = 0;
    return brl_cell_parse(dots, ret) == 0;
}

int import_parse_dots(const char *text, brl_cell *ret)
{
    if (parse_marked(text, ret) || (parse_unicode(text, ret) && !text[3]))
        return 0;
    if (strlen(text) == 6 && !text[strspn(text, "01")]) {
        *ret = 0;
        for (unsigned d = 0; d < 6; d++)
            *ret |= (brl_cell) ((text[d] == '1') << d);
        return 0;
    }
    return *text ? brl_cell_parse(text, ret) : -EINVAL;
}

/* Latin and Russian letters, lower case, and the signs of Russian braille. */
static const struct {
    char text[5], dots[7];
} letters[] = {
    {"a", "1"},     {"b", "12"},      {"c", "14"},      {"d", "145"},   {"e", "15"},
    {"f", "124"},   {"g", "1245"},    {"h", "125"},     {"i", "24"},    {"j", "245"},
    {"k", "13"},    {"l", "123"},     {"m", "134"},     {"n", "1345"},  {"o", "135"},
    {"p", "1234"},  {"q", "12345"},   {"r", "1235"},    {"s", "234"},   {"t", "2345"},
    {"u", "136"},   {"v", "1236"},    {"w", "2456"},    {"x", "1346"},  {"y", "13456"},
    {"z", "1356"},  {"а", "1"},       {"б", "12"},      {"в", "2456"},  {"г", "1245"},
    {"д", "145"},   {"е", "15"},      {"ё", "16"},      {"ж", "245"},   {"з", "1356"},
    {"и", "24"},    {"й", "12346"},   {"к", "13"},      {"л", "123"},   {"м", "134"},
    {"н", "1345"},  {"о", "135"},     {"п", "1234"},    {"р", "1235"},  {"с", "234"},
    {"т", "2345"},  {"у", "136"},     {"ф", "124"},     {"х", "125"},   {"ц", "14"},
    {"ч", "12345"}, {"ш", "156"},     {"щ", "1346"},    {"ъ", "12356"}, {"ы", "2346"},
    {"ь", "23456"}, {"э", "246"},     {"ю", "1256"},    {"я", "1246"},  {"1", "1"},
    {"2", "12"},    {"3", "14"},      {"4", "145"},     {"5", "15"},    {"6", "124"},
    {"7", "1245"},  {"8", "125"},     {"9", "24"},      {"0", "245"},   {".", "256"},
    {",", "2"},     {"-", "36"},      {"?", "26"},      {"!", "235"},   {":", "25"},
    {";", "23"},    {"«", "236"},     {"»", "356"},     {"<<", "236"},  {">>", "356"},
    {"()", "2356"}, {"((", "2356"},   {"))", "2356"},   {"##", "3456"}, {"cc", "45"},
    {"сс", "45"},   {"xx", "123456"}, {"хх", "123456"},
};

/* ASCII and Russian capitals to small letters; at most 7 bytes. */
static void to_lower(const char *text, char out[8])
{
    size_t n = 0;
    for (const unsigned char *s = (const unsigned char *) text; *s && n < 6; s++) {
        if (*s >= 'A' && *s <= 'Z') {
            out[n++] = (char) (*s + 32);
        } else if (*s == 0xd0 && s[1] >= 0x90 && s[1] <= 0xaf) { /* А..Я -> а..я */
            const unsigned c = s[1] - 0x90u + 0x30;
            out[n++] = (char) (c < 0x40 ? 0xd0 : 0xd1);
            out[n++] = (char) (0x80 | (c & 0x3f));
            s++;
        } else if (*s == 0xd0 && s[1] == 0x81) { /* Ё */
            out[n++] = (char) 0xd1;
            out[n++] = (char) 0x91;
            s++;
        } else {
            out[n++] = (char) *s;
        }
    }
    out[n] = 0;
}

int import_parse_letter(const char *text, brl_cell *ret)
{
    char lower[8];

    if (parse_marked(text, ret) || (parse_unicode(text, ret) && !text[3]))
        return 0;
    if (strlen(text) > 4)
        return -EINVAL;
    to_lower(text, lower);
    for (size_t i = 0; i < ELEMENTSOF(letters); i++)
        if (strcmp(lower, letters[i].text) == 0)
            return brl_cell_parse(letters[i].dots, ret);
    return -EINVAL;
}

/* ---- reading order ---- */

static double mid_x(const struct import_box *b)
{
    return (b->left + b->right) / 2;
}

static double mid_y(const struct import_box *b)
{
    return (b->top + b->bottom) / 2;
}

static int compare_numbers(const void *a, const void *b)
{
    const double x = *(const double *) a, y = *(const double *) b;
    return x < y ? -1 : x > y;
}

/* The median; `v` gets sorted. */
static double median(double *v, size_t n)
{
    qsort(v, n, sizeof(*v), compare_numbers);
    return n ? v[n / 2] : 0;
}

/* The median slope from each box to its right neighbour in the line; `v` has room for n numbers.
 * Few neighbours tell nothing: 0. */
static double find_slope(const struct import_box *b, size_t n, double *v)
{
    size_t m = 0;

    for (size_t i = 0; i < n; i++) {
        const double w = b[i].right - b[i].left, h = b[i].bottom - b[i].top;
        double nearest = 1.6 * h; /* cells are 1.1 to 1.4 heights apart, without margins */
        size_t k = n;
        for (size_t j = 0; j < n; j++) {
            const double dx = mid_x(&b[j]) - mid_x(&b[i]);
            if (dx > 0.6 * w && dx < nearest && fabs(mid_y(&b[j]) - mid_y(&b[i])) < 0.4 * h) {
                nearest = dx;
                k = j;
            }
        }
        if (k < n)
            v[m++] = (mid_y(&b[k]) - mid_y(&b[i])) / (mid_x(&b[k]) - mid_x(&b[i]));
    }
    return m >= 8 ? median(v, m) : 0;
}

struct line {
    double x, y; ///< of the last box that was put into it
    double down; ///< sum over its boxes of where they are, lines made level
    size_t n;
    size_t place; ///< from the top
};

struct placed {
    struct import_box box;
    size_t line;
};

static int compare_left(const void *a, const void *b)
{
    const struct placed *x = a, *y = b;
    return x->box.left < y->box.left ? -1 : x->box.left > y->box.left;
}

static int compare_lines(const void *a, const void *b)
{
    const struct line *x = *(struct line *const *) a, *y = *(struct line *const *) b;
    const double dx = x->down / (double) x->n, dy = y->down / (double) y->n;
    return dx < dy ? -1 : dx > dy;
}

/* The line that a box goes on with, coming from the left: pages in photographs are bent. */
static size_t find_line(const struct line *lines, size_t n, const struct import_box *box,
                        double slope)
{
    double nearest = 0.6 * (box->bottom - box->top);
    size_t best = n;

    for (size_t i = 0; i < n; i++) {
        const double y = lines[i].y + slope * (mid_x(box) - lines[i].x);
        const double off = fabs(mid_y(box) - y);
        /* at the same place there cannot be two of one line */
        if (off < nearest && mid_x(box) - lines[i].x > 0.4 * (box->right - box->left)) {
            nearest = off;
            best = i;
        }
    }
    return best;
}

static int compare_place(const void *a, const void *b)
{
    const struct placed *x = a, *y = b;
    if (x->line != y->line)
        return x->line < y->line ? -1 : 1;
    return compare_left(a, b);
}

static int sort_boxes(struct import_box *boxes, size_t n, double slope)
{
    CLEANUP_FREE struct placed *p = malloc((n + 1) * sizeof(*p));
    CLEANUP_FREE struct line *lines = malloc((n + 1) * sizeof(*lines));
    CLEANUP_FREE struct line **order = malloc((n + 1) * sizeof(*order));
    size_t n_lines = 0;

    if (!p || !lines || !order)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        p[i] = (struct placed){.box = boxes[i]};
    qsort(p, n, sizeof(*p), compare_left);
    for (size_t i = 0; i < n; i++) {
        const struct import_box *b = &p[i].box;
        p[i].line = find_line(lines, n_lines, b, slope);
        struct line *line = &lines[p[i].line];
        if (p[i].line == n_lines) {
            *line = (struct line){0};
            order[n_lines++] = line;
        }
        line->x = mid_x(b);
        line->y = mid_y(b);
        line->down += mid_y(b) - slope * mid_x(b);
        line->n++;
    }
    qsort(order, n_lines, sizeof(*order), compare_lines);
    for (size_t i = 0; i < n_lines; i++)
        order[i]->place = i;
    for (size_t i = 0; i < n; i++)
        p[i].line = lines[p[i].line].place;
    qsort(p, n, sizeof(*p), compare_place);
    for (size_t i = 0; i < n; i++)
        boxes[i] = p[i].box;
    return 0;
}

/* Without the margin: a cell is one dot pitch wide and two high. */
static struct manifest_box through_centres(const struct import_box *b, double margin)
{
    const double w = b->right - b->left, h = b->bottom - b->top;
    const double dx = w * margin / (1 + 2 * margin), dy = h * margin / (2 + 2 * margin);

    return (struct manifest_box){b->left + dx - 0.5, b->top + dy - 0.5, w - 2 * dx, h - 2 * dy};
}

int import_set_boxes(const struct import_options *o, struct import_box *boxes, size_t n,
                     struct manifest_record *record)
{
    CLEANUP_FREE double *v = malloc((n + 1) * sizeof(*v));
    const double margin = o->margin < 0 ? o->format->margin : o->margin;

    record->cells = malloc(n + 1);
    record->boxes = malloc((n + 1) * sizeof(*record->boxes));
    if (!v || !record->cells || !record->boxes)
        return -ENOMEM;
    const double slope = find_slope(boxes, n, v);
    int r = sort_boxes(boxes, n, slope);
    for (size_t i = 0; i < n && r == 0; i++) {
        record->cells[i] = boxes[i].cell;
        record->boxes[i] = through_centres(&boxes[i], margin);
    }
    record->n_cells = n;
    record->skew_deg = round(atan(slope) * 180 / M_PI * 100) / 100;
    return r;
}
