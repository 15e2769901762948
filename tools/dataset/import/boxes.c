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
        double nearest = 2.5 * w;
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

struct placed {
    struct import_box box;
    double down; ///< middle, lines made level
    size_t line;
};

static int compare_down(const void *a, const void *b)
{
    const struct placed *x = a, *y = b;
    return x->down < y->down ? -1 : x->down > y->down;
}

static int compare_place(const void *a, const void *b)
{
    const struct placed *x = a, *y = b;
    if (x->line != y->line)
        return x->line < y->line ? -1 : 1;
    return x->box.left < y->box.left ? -1 : x->box.left > y->box.left;
}

/* Lines are where going down makes a step of more than half a box. */
static int sort_boxes(struct import_box *boxes, size_t n, double slope)
{
    CLEANUP_FREE struct placed *p = malloc((n + 1) * sizeof(*p));
    if (!p)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        p[i] =
            (struct placed){.box = boxes[i], .down = mid_y(&boxes[i]) - slope * mid_x(&boxes[i])};
    qsort(p, n, sizeof(*p), compare_down);
    for (size_t i = 1; i < n; i++)
        p[i].line =
            p[i - 1].line + (p[i].down - p[i - 1].down > 0.3 * (p[i].box.bottom - p[i].box.top));
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

int import_set_boxes(const struct import_options *o, struct import_box *boxes, size_t n, bool sort,
                     struct manifest_record *record)
{
    CLEANUP_FREE double *v = malloc((n + 1) * sizeof(*v));
    const double margin = o->margin < 0 ? o->format->margin : o->margin;

    record->cells = malloc(n + 1);
    record->boxes = malloc((n + 1) * sizeof(*record->boxes));
    if (!v || !record->cells || !record->boxes)
        return -ENOMEM;
    const double slope = find_slope(boxes, n, v);
    int r = sort ? sort_boxes(boxes, n, slope) : 0;
    for (size_t i = 0; i < n && r == 0; i++) {
        record->cells[i] = boxes[i].cell;
        record->boxes[i] = through_centres(&boxes[i], margin);
    }
    record->n_cells = n;
    record->skew_deg = round(atan(slope) * 180 / M_PI * 100) / 100;
    return r;
}
