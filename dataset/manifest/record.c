/* SPDX-License-Identifier: Apache-2.0 */

#include "manifest/record.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define MAX_PATH 1000  ///< bytes of an image's path
#define MAX_PX 1e6     ///< of a coordinate
#define MAX_DPI 100000 ///< as image/ takes it

static const size_t strings[] = {
    offsetof(struct manifest_record, id),      offsetof(struct manifest_record, image),
    offsetof(struct manifest_record, sha256),  offsetof(struct manifest_record, type),
    offsetof(struct manifest_record, text),    offsetof(struct manifest_record, reads),
    offsetof(struct manifest_record, code),    offsetof(struct manifest_record, side),
    offsetof(struct manifest_record, source),  offsetof(struct manifest_record, parent),
    offsetof(struct manifest_record, augment), offsetof(struct manifest_record, split),
};

static char **string_of(const struct manifest_record *record, size_t offset)
{
    return (char **) ((char *) record + offset);
}

void manifest_record_done(struct manifest_record *record)
{
    for (size_t i = 0; i < ELEMENTSOF(strings); i++)
        free(*string_of(record, strings[i]));
    free(record->cells);
    free(record->boxes);
    free(record->places);
    *record = (struct manifest_record){0};
}

int manifest_set(char **field, const char *value)
{
    char *copy = NULL;
    if (value && !(copy = strdup(value)))
        return -ENOMEM;
    free(*field);
    *field = copy;
    return 0;
}

/* A copy of `from` that is not NULL even of nothing. */
static int copy_array(const void *from, size_t n, size_t size, void *ret)
{
    void *copy = NULL;
    if (from) {
        copy = malloc(MAX(n, (size_t) 1) * size);
        if (!copy)
            return -ENOMEM;
        memcpy(copy, from, n * size);
    }
    *(void **) ret = copy;
    return 0;
}

int manifest_record_copy(const struct manifest_record *from, struct manifest_record *ret)
{
    struct manifest_record to = *from;
    int r = 0;

    to.cells = NULL;
    to.boxes = NULL;
    to.places = NULL;
    for (size_t i = 0; i < ELEMENTSOF(strings); i++)
        *string_of(&to, strings[i]) = NULL;
    for (size_t i = 0; i < ELEMENTSOF(strings) && r == 0; i++)
        r = manifest_set(string_of(&to, strings[i]), *string_of(from, strings[i]));
    if (r == 0)
        r = copy_array(from->cells, from->n_cells, sizeof(*to.cells), &to.cells);
    if (r == 0)
        r = copy_array(from->boxes, from->n_cells, sizeof(*to.boxes), &to.boxes);
    if (r == 0)
        r = copy_array(from->places, from->n_cells, sizeof(*to.places), &to.places);
    if (r < 0) {
        manifest_record_done(&to);
        return r;
    }
    *ret = to;
    return 0;
}

/* ---- to JSON ---- */

json_t *manifest_number(double value)
{
    const double v = round(value * 1000) / 1000;
    return v == floor(v) && fabs(v) < 1e15 ? json_integer((json_int_t) v) : json_real(v);
}

static json_t *text_or_null(const char *text)
{
    return text ? json_string(text) : json_null();
}

static json_t *number_or_null(double value)
{
    return value != 0 ? manifest_number(value) : json_null();
}

/* An array of what `one` makes of each cell; null when `there` is not. */
static json_t *list(const struct manifest_record *r, bool there,
                    json_t *(*one)(const struct manifest_record *r, size_t i))
{
    if (!there)
        return json_null();
    json_t *array = json_array();
    for (size_t i = 0; array && i < r->n_cells; i++)
        if (json_array_append_new(array, one(r, i)) < 0) {
            json_decref(array);
            return NULL;
        }
    return array;
}

static json_t *cell_json(const struct manifest_record *r, size_t i)
{
    char dots[7];
    brl_cell_format(r->cells[i], dots);
    return json_string(dots);
}

static json_t *box_json(const struct manifest_record *r, size_t i)
{
    const struct manifest_box *b = &r->boxes[i];
    return json_pack("[oooo]", manifest_number(b->x), manifest_number(b->y), manifest_number(b->w),
                     manifest_number(b->h));
}

static json_t *place_json(const struct manifest_record *r, size_t i)
{
    return json_pack("[ii]", (int) r->places[i].row, (int) r->places[i].column);
}

json_t *manifest_record_to_json(const struct manifest_record *r)
{
    const struct {
        const char *key;
        json_t *value;
        bool optional;
    } all[] = {
        {"id", text_or_null(r->id), false},
        {"image", text_or_null(r->image), false},
        {"sha256", text_or_null(r->sha256), false},
        {"type", text_or_null(r->type), false},
        {"text", text_or_null(r->text), false},
        {"cells", list(r, r->cells, cell_json), false},
        {"boxes", list(r, r->cells && r->boxes, box_json), false},
        {"dpi", number_or_null(r->dpi), false},
        {"code", text_or_null(r->code), false},
        {"source", text_or_null(r->source), false},
        {"parent", text_or_null(r->parent), false},
        {"augment", text_or_null(r->augment), false},
        {"split", text_or_null(r->split), false},
        {"reads", text_or_null(r->reads), true},
        {"side", text_or_null(r->side), true},
        {"width", number_or_null(r->width), true},
        {"height", number_or_null(r->height), true},
        {"skew_deg", number_or_null(r->skew_deg), true},
        {"places", list(r, r->cells && r->places, place_json), true},
    };
    json_t *json = json_object();

    for (size_t i = 0; i < ELEMENTSOF(all); i++) {
        if (json && all[i].optional && json_is_null(all[i].value))
            continue;
        /* takes the value also when it fails, and fails when there is none */
        if (json_object_set_new(json, all[i].key, all[i].value) < 0) {
            json_decref(json);
            json = NULL;
        }
    }
    return json;
}

/* ---- from JSON ---- */

static int bad(struct fail *fail, const char *key, const char *what)
{
    return fail_set(fail, FAIL_INPUT, -EBADMSG, "\"%s\" %s", key, what);
}

static bool is_plain(const char *text)
{
    for (const unsigned char *p = (const unsigned char *) text; *p; p++)
        if (*p < 0x20 || *p == 0x7f)
            return false;
    return true;
}

bool manifest_is_id(const char *text)
{
    static const char good[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.+#";
    return *text && *text != '.' && !text[strspn(text, good)] && strlen(text) <= MANIFEST_MAX_NAME;
}

bool manifest_is_path(const char *text)
{
    if (!*text || strlen(text) > MAX_PATH || !is_plain(text))
        return false;
    for (const char *part = text;; part++) {
        const size_t n = strcspn(part, "/");
        if (n == 0 || (n == 1 && part[0] == '.') || (n == 2 && part[0] == '.' && part[1] == '.'))
            return false;
        part += n;
        if (!*part)
            return true;
    }
}

static bool is_sha256(const char *text)
{
    return strlen(text) == HASH_TEXT - 1 && !text[strspn(text, "0123456789abcdef")];
}

static bool is_type(const char *text)
{
    return *text && strlen(text) <= 32 &&
           !text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-")];
}

static bool is_code(const char *text)
{
    return !strcmp(text, "current") || !strcmp(text, "common") || !strcmp(text, "two-cell");
}

static bool is_side(const char *text)
{
    return !strcmp(text, "recto") || !strcmp(text, "verso");
}

static bool is_split(const char *text)
{
    return !strcmp(text, "train") || !strcmp(text, "test") || !strcmp(text, "val");
}

static bool is_any(const char *text)
{
    return true;
}

static int read_strings(const json_t *json, struct manifest_record *ret, struct fail *fail)
{
    const struct {
        const char *key;
        char **field;
        bool (*good)(const char *text);
        const char *what;
    } all[] = {
        {"id", &ret->id, manifest_is_id, "is no id (letters, digits, - _ . + #)"},
        {"image", &ret->image, manifest_is_path, "is no path below the set's folder"},
        {"sha256", &ret->sha256, is_sha256, "is no SHA-256"},
        {"type", &ret->type, is_type, "is no type"},
        {"text", &ret->text, is_any, NULL},
        {"code", &ret->code, is_code, "is none of current, common, two-cell"},
        {"source", &ret->source, is_plain, "has control characters"},
        {"parent", &ret->parent, manifest_is_id, "is no id"},
        {"augment", &ret->augment, is_plain, "has control characters"},
        {"split", &ret->split, is_split, "is none of train, test, val"},
        {"reads", &ret->reads, is_any, NULL},
        {"side", &ret->side, is_side, "is neither recto nor verso"},
    };

    for (size_t i = 0; i < ELEMENTSOF(all); i++) {
        const json_t *value = json_object_get(json, all[i].key);
        if (!value || json_is_null(value))
            continue;
        if (!json_is_string(value))
            return bad(fail, all[i].key, "is no text");
        if (!all[i].good(json_string_value(value)))
            return bad(fail, all[i].key, all[i].what);
        if (!(*all[i].field = strdup(json_string_value(value))))
            return -ENOMEM;
    }
    return ret->id && ret->image ? 0 : bad(fail, ret->id ? "image" : "id", "is missing");
}

/* A number from `least` to `most`; left as it is where there is none. */
static int read_number(const json_t *json, const char *key, double least, double most, double *ret,
                       struct fail *fail)
{
    const json_t *value = json_object_get(json, key);

    if (!value || json_is_null(value))
        return 0;
    const double v = json_number_value(value);
    if (!json_is_number(value) || !(v >= least && v <= most))
        return bad(fail, key, "is no number in its range");
    *ret = v;
    return 0;
}

static int read_size(const json_t *json, const char *key, unsigned *ret, struct fail *fail)
{
    double v = 0;
    int r = read_number(json, key, 1, MAX_PX, &v, fail);
    if (r < 0)
        return r;
    if (v != floor(v))
        return bad(fail, key, "is no whole number");
    *ret = (unsigned) v;
    return 0;
}

/* The numbers of an array of exactly n of them. */
static bool read_vector(const json_t *json, double *out, size_t n, double least, double most)
{
    if (!json_is_array(json) || json_array_size(json) != n)
        return false;
    for (size_t i = 0; i < n; i++) {
        const json_t *value = json_array_get(json, i);
        out[i] = json_number_value(value);
        if (!json_is_number(value) || !(out[i] >= least && out[i] <= most))
            return false;
    }
    return true;
}

static int read_cells(const json_t *json, struct manifest_record *ret, struct fail *fail)
{
    const json_t *cells = json_object_get(json, "cells");

    if (!cells || json_is_null(cells))
        return 0;
    if (!json_is_array(cells) || json_array_size(cells) > MANIFEST_MAX_CELLS)
        return bad(fail, "cells", "is no list, or too long a one");
    const size_t n = json_array_size(cells);
    if (!(ret->cells = malloc(MAX(n, (size_t) 1))))
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        const char *dots = json_string_value(json_array_get(cells, i));
        if (!dots || brl_cell_parse(dots, &ret->cells[i]) < 0)
            return bad(fail, "cells", "holds something other than dots like \"125\"");
    }
    ret->n_cells = n;
    return 0;
}

/* A list with an entry a cell: *ret_list NULL when it is not there. */
static int find_list(const json_t *json, const char *key, const struct manifest_record *record,
                     const json_t **ret_list, struct fail *fail)
{
    const json_t *value = json_object_get(json, key);

    *ret_list = NULL;
    if (!value || json_is_null(value))
        return 0;
    if (!record->cells || !json_is_array(value) || json_array_size(value) != record->n_cells)
        return bad(fail, key, "has not one entry for each of \"cells\"");
    *ret_list = value;
    return 0;
}

static int read_boxes(const json_t *json, struct manifest_record *ret, struct fail *fail)
{
    const json_t *list;
    double v[4];

    int r = find_list(json, "boxes", ret, &list, fail);
    if (r < 0 || !list)
        return r;
    if (!(ret->boxes = malloc(MAX(ret->n_cells, (size_t) 1) * sizeof(*ret->boxes))))
        return -ENOMEM;
    for (size_t i = 0; i < ret->n_cells; i++) {
        if (!read_vector(json_array_get(list, i), v, 4, -MAX_PX, MAX_PX) || v[2] < 0 || v[3] < 0)
            return bad(fail, "boxes", "holds something other than [x, y, width, height]");
        ret->boxes[i] = (struct manifest_box){v[0], v[1], v[2], v[3]};
    }
    return 0;
}

static int read_places(const json_t *json, struct manifest_record *ret, struct fail *fail)
{
    const json_t *list;
    double v[2];

    int r = find_list(json, "places", ret, &list, fail);
    if (r < 0 || !list)
        return r;
    if (!(ret->places = malloc(MAX(ret->n_cells, (size_t) 1) * sizeof(*ret->places))))
        return -ENOMEM;
    for (size_t i = 0; i < ret->n_cells; i++) {
        if (!read_vector(json_array_get(list, i), v, 2, 0, MAX_PX) || v[0] != floor(v[0]) ||
            v[1] != floor(v[1]))
            return bad(fail, "places", "holds something other than [row, column]");
        ret->places[i] = (struct manifest_place){(unsigned) v[0], (unsigned) v[1]};
    }
    return 0;
}

int manifest_record_from_json(const json_t *json, struct manifest_record *ret, struct fail *fail)
{
    struct manifest_record record = {0};

    if (!json_is_object(json))
        return fail_set(fail, FAIL_INPUT, -EBADMSG, "the record is no JSON object");
    int r = read_strings(json, &record, fail);
    if (r == 0)
        r = read_number(json, "dpi", 1, MAX_DPI, &record.dpi, fail);
    if (r == 0)
        r = read_number(json, "skew_deg", -360, 360, &record.skew_deg, fail);
    if (r == 0)
        r = read_size(json, "width", &record.width, fail);
    if (r == 0)
        r = read_size(json, "height", &record.height, fail);
    if (r == 0)
        r = read_cells(json, &record, fail);
    if (r == 0)
        r = read_boxes(json, &record, fail);
    if (r == 0)
        r = read_places(json, &record, fail);
    if (r < 0) {
        manifest_record_done(&record);
        return r;
    }
    *ret = record;
    return 0;
}
