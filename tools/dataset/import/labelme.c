/* SPDX-License-Identifier: Apache-2.0
 *
 * LabelMe's JSON (shapes with label and points; rectangles or what can be put into one), and the
 * same and CSV files as the Angelina dataset has them, whose labels are letters or bits.
 */

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "tools/dataset/import/import.h"

#define MAX_JSON ((size_t) 256 << 20) ///< the picture may be in it
#define MAX_CSV ((size_t) 4 << 20)
#define MAX_EDGE 100000.0

/* ---- JSON ---- */

static int load_json(struct import_work *w, struct fail *fail)
{
    CLEANUP_FREE char *path = import_join(w->item->root, w->item->path, 0, "");
    CLEANUP_FREE uint8_t *text = NULL;
    size_t size;
    json_error_t error;

    if (!path)
        return -ENOMEM;
    int r = file_read(path, MAX_JSON, &text, &size, fail);
    if (r < 0)
        return r;
    w->json = json_loadb((const char *) text, size, JSON_REJECT_DUPLICATES, &error);
    if (!w->json)
        return fail_set(fail, FAIL_INPUT, -EBADMSG, "line %d is no JSON: %s", error.line,
                        error.text);
    if (!json_is_array(json_object_get(w->json, "shapes")))
        return fail_set(fail, FAIL_INPUT, -EBADMSG, "it has no list \"shapes\"");
    return 0;
}

/* "imagePath": of another system's making ("..\\pages\\1.jpg"), so its last part counts too. */
static int find_named(struct import_work *w)
{
    const char *named = json_string_value(json_object_get(w->json, "imagePath"));
    const char *path = w->item->path, *slash = strrchr(path, '/');
    const size_t folder = slash ? (size_t) (slash + 1 - path) : 0;

    if (!named)
        return 0;
    const char *last = named + strlen(named);
    while (last > named && last[-1] != '/' && last[-1] != '\\')
        last--;
    const char *const tries[] = {named, last};
    for (size_t i = 0; i < ELEMENTSOF(tries); i++) {
        char *p;
        if (!manifest_is_path(tries[i]))
            continue;
        if (asprintf(&p, "%s/%.*s%s", w->item->root, (int) folder, path, tries[i]) < 0)
            return -ENOMEM;
        if (access(p, F_OK) == 0) {
            w->picture = p;
            return 0;
        }
        free(p);
    }
    return 0;
}

/* X.json and X.csv: X.jpg; X.labeled.csv: X.labeled.jpg or X.jpg. */
static int find_beside(struct import_work *w, size_t cut)
{
    CLEANUP_FREE char *stem = import_join(w->item->root, w->item->path, cut, "");

    int r = stem ? import_picture(stem, &w->picture) : -ENOMEM;
    if (r == 0 && !w->picture && import_ends(stem, ".labeled")) {
        stem[strlen(stem) - strlen(".labeled")] = 0;
        r = import_picture(stem, &w->picture);
    }
    return r;
}

static int find(const struct import_options *o, struct import_work *w, struct fail *fail)
{
    const char *path = w->item->path;
    const bool csv = import_ends(path, ".csv");
    const size_t ending = csv ? sizeof(".csv") - 1 : sizeof(".json") - 1;

    int r = import_set_name(o, w, ending);
    if (r == 0 && !csv)
        r = load_json(w, fail);
    if (r == 0 && !csv)
        r = find_named(w);
    if (r == 0 && !w->picture)
        r = find_beside(w, ending);
    if (r < 0 || w->picture)
        return r;
    const bool inside = json_is_string(json_object_get(w->json, "imageData"));
    return fail_set(fail, FAIL_OPEN, -ENOENT, "%s",
                    inside ? "its picture is only inside it (imageData): save it beside it"
                           : "there is no picture of this name beside it");
}

/* The rectangle around a shape's points. */
static bool read_points(const json_t *points, struct import_box *ret)
{
    const size_t n = json_array_size(points);

    *ret = (struct import_box){MAX_EDGE, MAX_EDGE, -MAX_EDGE, -MAX_EDGE, 0};
    if (n < 2 || n > 1000)
        return false;
    for (size_t i = 0; i < n; i++) {
        const json_t *p = json_array_get(points, i);
        const json_t *jx = json_array_get(p, 0), *jy = json_array_get(p, 1);
        const double x = json_number_value(jx), y = json_number_value(jy);
        if (!json_is_number(jx) || !json_is_number(jy) || !(fabs(x) < MAX_EDGE) ||
            !(fabs(y) < MAX_EDGE))
            return false;
        ret->left = fmin(ret->left, x);
        ret->right = fmax(ret->right, x);
        ret->top = fmin(ret->top, y);
        ret->bottom = fmax(ret->bottom, y);
    }
    return ret->right > ret->left && ret->bottom > ret->top;
}

/* What was marked in a picture of another size means nothing in this one. */
static int check_size(const json_t *json, const struct image *img, struct fail *fail)
{
    const json_t *w = json_object_get(json, "imageWidth"),
                 *h = json_object_get(json, "imageHeight");
    if ((json_is_integer(w) && json_integer_value(w) != img->width) ||
        (json_is_integer(h) && json_integer_value(h) != img->height))
        return fail_set(fail, FAIL_INPUT, -EBADMSG,
                        "it was made for a picture of %lld x %lld pixels, this one has %u x %u",
                        (long long) json_integer_value(w), (long long) json_integer_value(h),
                        img->width, img->height);
    return 0;
}

static int label_json(const struct import_options *o, struct import_work *w,
                      const struct image *img, struct fail *fail)
{
    const json_t *shapes = json_object_get(w->json, "shapes");
    const size_t n = json_array_size(shapes);
    const bool is_letter = o->format == &import_angelina;
    CLEANUP_FREE struct import_box *boxes = NULL;

    int r = check_size(w->json, img, fail);
    if (r < 0)
        return r;
    if (n > IMPORT_MAX_BOXES)
        return fail_set(fail, FAIL_INPUT, -EBADMSG, "it has more than %d shapes", IMPORT_MAX_BOXES);
    if (!(boxes = calloc(n + 1, sizeof(*boxes))))
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        const json_t *shape = json_array_get(shapes, i);
        const char *text = json_string_value(json_object_get(shape, "label"));
        const char *type = json_string_value(json_object_get(shape, "shape_type"));
        if (type && strcmp(type, "rectangle") != 0 && strcmp(type, "polygon") != 0)
            return fail_set(fail, FAIL_INPUT, -EBADMSG,
                            "shape %zu is a '%.20s'; only rectangles and polygons are cells", i + 1,
                            type);
        if (!read_points(json_object_get(shape, "points"), &boxes[i]))
            return fail_set(fail, FAIL_INPUT, -EBADMSG, "shape %zu has no area", i + 1);
        if (!text || (is_letter ? import_parse_letter(text, &boxes[i].cell)
                                : import_parse_dots(text, &boxes[i].cell)) < 0)
            return fail_set(fail, FAIL_INPUT, -EBADMSG, "shape %zu: '%.40s' is no label of a cell",
                            i + 1, text ? text : "");
    }
    return import_set_boxes(o, boxes, n, &w->record);
}

/* ---- Angelina's CSV ---- */

/* "left;top;right;bottom;label", edges in fractions of the picture; the label is the number whose
 * bits are the dots, or a letter. */
static bool read_line(char *line, const struct image *img, struct import_box *ret)
{
    double v[4];

    for (unsigned i = 0; i < 4; i++) {
        char *end;
        v[i] = strtod(line, &end);
        if (end == line || *end != ';' || !(v[i] >= -1 && v[i] <= 2))
            return false;
        line = end + 1;
    }
    line[strcspn(line, "\r")] = 0;
    *ret = (struct import_box){v[0] * img->width, v[1] * img->height, v[2] * img->width,
                               v[3] * img->height, 0};
    if (!(ret->right > ret->left && ret->bottom > ret->top))
        return false;
    if (*line && !line[strspn(line, "0123456789")]) {
        const unsigned long bits = strtoul(line, NULL, 10);
        ret->cell = (brl_cell) (bits & 63);
        return bits < 64;
    }
    return import_parse_letter(line, &ret->cell) == 0;
}

static int label_csv(const struct import_options *o, struct import_work *w, const struct image *img,
                     struct fail *fail)
{
    CLEANUP_FREE char *path = import_join(w->item->root, w->item->path, 0, "");
    CLEANUP_FREE uint8_t *text = NULL;
    CLEANUP_FREE struct import_box *boxes = NULL;
    size_t size, n = 0;

    if (!path)
        return -ENOMEM;
    int r = file_read(path, MAX_CSV, &text, &size, fail);
    if (r < 0)
        return r;
    if (!(boxes = calloc(IMPORT_MAX_BOXES, sizeof(*boxes))))
        return -ENOMEM;
    char *rest = (char *) text;
    size_t number = 0;
    for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
        number++;
        if (line[strspn(line, " \r")] == 0)
            continue;
        if (n == IMPORT_MAX_BOXES || !read_line(line, img, &boxes[n++]))
            return fail_set(fail, FAIL_INPUT, -EBADMSG,
                            "line %zu is not left;top;right;bottom;label", number);
    }
    return import_set_boxes(o, boxes, n, &w->record);
}

static int label(const struct import_options *o, struct import_work *w, const struct image *img,
                 struct fail *fail)
{
    return w->json ? label_json(o, w, img, fail) : label_csv(o, w, img, fail);
}

/* ---- lists ---- */

static int add(struct import_list *list, const char *root, const char *path, struct fail *fail)
{
    struct import_item item = {.root = root, .path = strdup(path)};
    return item.path ? import_add(list, item, path) : -ENOMEM;
}

/* The CSV beside a JSON says the same in fewer ways. */
static int add_angelina(struct import_list *list, const char *root, const char *path,
                        struct fail *fail)
{
    if (import_ends(path, ".json")) {
        CLEANUP_FREE char *csv = import_join(root, path, sizeof(".json") - 1, ".csv");
        if (!csv)
            return -ENOMEM;
        if (access(csv, F_OK) == 0)
            return 0;
    }
    return add(list, root, path, fail);
}

static int list_labelme(const char *source, struct import_list *list, struct fail *fail)
{
    static const char *const endings[] = {".json", NULL};
    return import_walk(source, endings, list, add, fail);
}

static int list_angelina(const char *source, struct import_list *list, struct fail *fail)
{
    static const char *const endings[] = {".csv", ".json", NULL};
    return import_walk(source, endings, list, add_angelina, fail);
}

const struct import_format import_labelme = {
    .name = "labelme",
    .type = "page",
    .what = "LabelMe's X.json, labels 125, 110010, ⠓ or ~125~",
    .list = list_labelme,
    .find = find,
    .label = label,
};

const struct import_format import_angelina = {
    .name = "angelina",
    .type = "page",
    .what = "X.csv (left;top;right;bottom;label) or X.json",
    .margin = 0.3, /* rect_margin of the Angelina Braille Reader, in widths of a cell */
    .list = list_angelina,
    .find = find,
    .label = label,
};
