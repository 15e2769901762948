/* SPDX-License-Identifier: Apache-2.0 */

#include "tools/dataset/review/view.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "image/image.h"
#include "tools/dataset/review/measure.h"
#include "tools/dataset/review/relabel.h"

#define MAX_DISTANCES 4096 ///< that the page is shown
#define MAX_DOTS 4096

/* ---- pictures ---- */

static int load(const struct review *review, const struct manifest_record *record,
                struct image **ret, struct fail *fail)
{
    CLEANUP_FREE char *path = manifest_path(review->dir, record->image);
    return path ? image_load(path, ret, fail) : -ENOMEM;
}

int view_size(const struct review *review, const struct manifest_record *record,
              unsigned *ret_width, unsigned *ret_height, struct fail *fail)
{
    CLEANUP(image_freep) struct image *img = NULL;

    int r = load(review, record, &img, fail);
    if (r == 0) {
        *ret_width = img->width;
        *ret_height = img->height;
    }
    return r;
}

static const char *browser_type(const uint8_t *data, size_t size)
{
    if (size > 8 && memcmp(data, "\x89PNG\r\n\x1a\n", 8) == 0)
        return "image/png";
    if (size > 3 && memcmp(data, "\xff\xd8\xff", 3) == 0)
        return "image/jpeg";
    return NULL;
}

int view_picture(const struct review *review, const struct manifest_record *record,
                 uint8_t **ret_data, size_t *ret_size, const char **ret_type, struct fail *fail)
{
    CLEANUP_FREE char *path = manifest_path(review->dir, record->image);
    CLEANUP_FREE uint8_t *data = NULL;
    CLEANUP(image_freep) struct image *img = NULL;
    size_t size = 0;

    if (!path)
        return -ENOMEM;
    int r = file_read(path, IMAGE_MAX_FILE_BYTES, &data, &size, fail);
    if (r < 0)
        return r;
    *ret_type = browser_type(data, size);
    if (*ret_type) {
        *ret_data = TAKE_PTR(data);
        *ret_size = size;
        return 0;
    }
    *ret_type = "image/png";
    r = image_decode(data, size, path, &img, fail);
    return r < 0 ? r : image_encode(img, "view.png", ret_data, ret_size, fail);
}

int view_drawing(struct review *review, size_t item, uint8_t **ret_data, size_t *ret_size,
                 struct fail *fail)
{
    const char *id = review->items[item].id;
    CLEANUP_FREE char *path = NULL;
    CLEANUP_FREE uint8_t *data = NULL;
    size_t size = 0;

    /* the id is a plain name: manifest_record_from_json() has seen to that */
    if (asprintf(&path, "%s/clean/%s.png", review->dir, id) < 0) {
        path = NULL;
        return -ENOMEM;
    }
    int r = file_read(path, IMAGE_MAX_FILE_BYTES, &data, &size, fail);
    if (r < 0)
        return r;
    if (!browser_type(data, size))
        return fail_set(fail, FAIL_INPUT, -EBADMSG, "'%s' is no PNG picture", path);
    *ret_data = TAKE_PTR(data);
    *ret_size = size;
    return 0;
}

/* ---- what clean measured ---- */

static double number(const json_t *json, const char *key)
{
    return json_number_value(json_object_get(json, key));
}

static struct brl_point point(const json_t *json)
{
    const json_t *x = json_array_get(json, 0), *y = json_array_get(json, 1);

    if (json_array_size(json) != 2 || !json_is_number(x) || !json_is_number(y))
        return (struct brl_point){NAN, NAN};
    return (struct brl_point){json_number_value(x), json_number_value(y)};
}

/* Back from a line of clean.jsonl; what the page has no use for stays 0. */
static int read_check(const json_t *judgement, struct brl_check *ret)
{
    const json_t *dots = json_object_get(judgement, "dots");
    const size_t n = MIN(json_array_size(dots), (size_t) MAX_DOTS);

    *ret = (struct brl_check){.pitch_px = number(judgement, "pitch"),
                              .cell_px = number(judgement, "cell"),
                              .skew_deg = number(judgement, "skew")};
    ret->dots = calloc(n + 1, sizeof *ret->dots);
    if (!ret->dots)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        const json_t *dot = json_array_get(dots, i);
        struct brl_check_dot *d = &ret->dots[ret->n_dots];
        *d = (struct brl_check_dot){.at = point(json_object_get(dot, "at")),
                                    .wanted = point(json_object_get(dot, "wanted")),
                                    .found = json_array_size(json_object_get(dot, "at")) == 2};
        if (isfinite(d->at.x) || isfinite(d->wanted.x))
            ret->n_dots++;
    }
    return 0;
}

/* The numbers of an array; what is none is left out. */
static json_t *numbers(const json_t *from)
{
    json_t *array = json_array();
    const size_t n = MIN(json_array_size(from), (size_t) MAX_DISTANCES);

    for (size_t i = 0; array && i < n; i++) {
        const json_t *v = json_array_get(from, i);
        if (json_is_number(v))
            json_array_append(array, (json_t *) v);
    }
    return array;
}

static json_t *place_json(const struct measure_dot *m, const struct brl_check_dot *d)
{
    json_t *json = json_pack("{s:s,s:i,s:i}", "kind", measure_kind_names[m->kind], "cell", m->cell,
                             "dot", (int) m->dot);

    if (json && m->edge >= 0)
        json_object_set_new(json, "edge", json_string(brl_edge_names[m->edge]));
    if (json && isfinite(d->at.x) && isfinite(d->at.y))
        json_object_set_new(json, "at", json_pack("[ff]", d->at.x, d->at.y));
    if (json && m->kind == MEASURE_AGREES && isfinite(d->at.x))
        json_object_set_new(json, "off",
                            json_real(hypot(d->at.x - d->wanted.x, d->at.y - d->wanted.y)));
    return json;
}

static int add_measure(json_t *json, const struct manifest_record *record, const json_t *judgement)
{
    CLEANUP(brl_check_done) struct brl_check check = {0};
    CLEANUP(measure_done) struct measure m = {0};

    int r = read_check(judgement, &check);
    if (r == 0)
        r = measure_label(&check, record->cells, record->n_cells, record->width, record->height,
                          &m);
    if (r < 0)
        return r;
    json_t *dots = json_array();
    for (size_t i = 0; i < m.n_dots; i++)
        if (m.dots[i].kind != MEASURE_AGREES || m.n_dots < 200)
            json_array_append_new(dots, place_json(&m.dots[i], &check.dots[i]));
    r = json_object_set_new(json, "dots", dots);
    r |= json_object_set_new(json, "n_dots",
                             json_pack("{s:i,s:i,s:i}", "agrees", (int) m.n_agree, "missing",
                                       (int) m.n_missing, "extra", (int) m.n_extra));
    if (m.n_seen > 0) {
        CLEANUP_FREE char *reads = review_reads(record, m.seen, m.n_seen);
        r |= json_object_set_new(json, "seen",
                                 json_pack("{s:o,s:i,s:s}", "cells",
                                           review_cells_to_json(m.seen, m.n_seen), "before",
                                           (int) m.n_before, "reads", reads ? reads : ""));
    }
    if (m.has_rect)
        r |= json_object_set_new(json, "suggestion",
                                 json_pack("[iiii]", (int) m.rect[0], (int) m.rect[1],
                                           (int) m.rect[2], (int) m.rect[3]));
    return r < 0 ? -ENOMEM : 0;
}

static int add_judgement(json_t *json, const struct manifest_record *record,
                         const json_t *judgement)
{
    static const char *const strings[] = {"verdict", "side", "rule"};
    static const char *const values[] = {"doubt", "pitch", "cell", "skew"};
    int r = 0;

    for (size_t i = 0; i < ELEMENTSOF(strings) && r == 0; i++) {
        json_t *v = json_object_get(judgement, strings[i]);
        /* "side" is an edge of the picture; the record's side is recto or verso */
        const char *key = strcmp(strings[i], "side") == 0 ? "edge" : strings[i];
        r = json_object_set(json, key, json_is_string(v) ? v : json_null());
    }
    for (size_t i = 0; i < ELEMENTSOF(values) && r == 0; i++) {
        json_t *v = json_object_get(judgement, values[i]);
        r = json_object_set(json, values[i], json_is_number(v) ? v : json_null());
    }
    if (r == 0)
        r = json_object_set_new(json, "expected", numbers(json_object_get(judgement, "expected")));
    if (r == 0)
        r = json_object_set_new(json, "measured", numbers(json_object_get(judgement, "measured")));
    if (r == 0)
        r = json_object_set_new(
            json, "drawing", json_boolean(json_is_string(json_object_get(judgement, "picture"))));
    return r < 0 ? -ENOMEM : add_measure(json, record, judgement);
}

/* ---- what was decided ---- */

static json_t *rect_json(const unsigned rect[4])
{
    return json_pack("[iiii]", (int) rect[0], (int) rect[1], (int) rect[2], (int) rect[3]);
}

static json_t *entry_json(const struct review_entry *e)
{
    json_t *json = json_pack("{s:I,s:s,s:b,s:s,s:s}", "n", (json_int_t) e->n, "action",
                             review_action_names[e->action], "undone", e->undone || e->stale,
                             "reviewer", e->reviewer ? e->reviewer : "", "time", e->time);
    int r = json ? 0 : -1;

    if (e->text && r == 0)
        r |= json_object_set_new(json, "text", json_string(e->text));
    if (e->cells && r == 0)
        r |= json_object_set_new(json, "cells", review_cells_to_json(e->cells, e->n_cells));
    if (e->action == REVIEW_RECROP && r == 0)
        r |= json_object_set_new(json, "rect", rect_json(e->rect));
    if (e->note && r == 0)
        r |= json_object_set_new(json, "note", json_string(e->note));
    if (r == 0)
        return json;
    json_decref(json);
    return NULL;
}

static int add_decisions(json_t *json, const struct review *review, size_t item)
{
    static const char *const outcomes[] = {"undecided", "kept", "rejected"};
    const struct review_state s = review_state(review, item);
    json_t *history = json_array();

    for (size_t i = review->items[item].last; i != REVIEW_NONE; i = review->entries[i].before)
        if (review->entries[i].action != REVIEW_UNDO)
            json_array_append_new(history, entry_json(&review->entries[i]));
    int r = json_object_set_new(json, "history", history);
    r |= json_object_set_new(json, "outcome", json_string(outcomes[s.outcome]));
    if (s.label)
        r |= json_object_set_new(json, "new_label", entry_json(s.label));
    if (s.rect)
        r |= json_object_set_new(json, "new_rect", rect_json(s.rect->rect));
    if (s.note)
        r |= json_object_set_new(json, "note", json_string(s.note));
    return r < 0 ? -ENOMEM : 0;
}

/* ---- all of it ---- */

static json_t *label_json(const struct manifest_record *record)
{
    json_t *cells = review_cells_to_json(record->cells, record->n_cells);
    return json_pack("{s:s,s:s?,s:s?,s:s?,s:s?,s:s?,s:s?,s:s?,s:o,s:i,s:i,s:f}", "id", record->id,
                     "text", record->text, "type", record->type, "code", record->code, "reads",
                     record->reads, "page_side", record->side, "source", record->source, "augment",
                     record->augment, "cells", cells, "width", (int) record->width, "height",
                     (int) record->height, "dpi", record->dpi);
}

int view_item(struct review *review, size_t item, json_t **ret, struct fail *fail)
{
    CLEANUP(manifest_record_done) struct manifest_record record = {0};
    struct fail picture = {0};
    json_t *judgement = NULL, *json = NULL;

    int r = review_record(review, item, &record, fail);
    if (r < 0)
        return r;
    /* the label is told also when the picture cannot be shown */
    r = view_size(review, &record, &record.width, &record.height, &picture);
    if (r == -ENOMEM)
        return r;
    json = label_json(&record);
    r = json ? 0 : -ENOMEM;
    if (picture.kind && r == 0)
        r = json_object_set_new(json, "broken", json_string(picture.text)) < 0 ? -ENOMEM : 0;
    if (r == 0)
        r = review_judgement(review, item, &judgement, fail);
    if (r == 0)
        r = add_judgement(json, &record, judgement);
    if (r == 0)
        r = add_decisions(json, review, item);
    json_decref(judgement);
    if (r < 0)
        json_decref(json);
    else
        *ret = json;
    return r;
}
