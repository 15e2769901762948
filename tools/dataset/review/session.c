/* SPDX-License-Identifier: Apache-2.0 */

#include "tools/dataset/review/session.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/dataset/review/assets.h"
#include "tools/dataset/review/relabel.h"
#include "tools/dataset/review/view.h"

enum { OK = 200, BAD_REQUEST = 400, NOT_FOUND = 404, METHOD = 405, CANNOT = 422, BROKEN = 500 };

/* ---- the queue ---- */

static int open_journal(struct session *s, struct fail *fail)
{
    CLEANUP_FREE char *path = manifest_path(s->review->dir, REVIEW_JOURNAL_NAME);

    if (!path)
        return -ENOMEM;
    int r = journal_open(path, NULL, false, NULL, NULL, &s->journal, fail);
    if (r < 0)
        return r;
    /* a new file's name is to last as well */
    const int fd = open(s->review->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
    return 0;
}

int session_open(struct session *session, struct review *review, unsigned verdicts, bool again,
                 struct fail *fail)
{
    session->review = review;
    int r = open_journal(session, fail);
    if (r == 0) /* another reviewer may have ended just before it was ours */
        r = review_reload(review, fail);
    if (r < 0)
        return r;
    session->queue = calloc(review->n_items + 1, sizeof *session->queue);
    if (!session->queue)
        return -ENOMEM;
    for (size_t i = 0; i < review->n_items; i++) {
        const struct review_item *item = &review->items[i];
        if (item->clean_at < 0 || !(verdicts >> item->verdict & 1))
            continue;
        if (again || review_state(review, i).outcome == REVIEW_UNDECIDED)
            session->queue[session->n_queue++] = i;
    }
    return 0;
}

void session_done(struct session *session)
{
    session->journal = journal_close(session->journal, false);
    free(session->queue);
    *session = (struct session){0};
}

static size_t place_in_queue(const struct session *s, size_t item)
{
    for (size_t i = 0; i < s->n_queue; i++)
        if (s->queue[i] == item)
            return i;
    return REVIEW_NONE;
}

/* Where the item is in the queue; one that was decided earlier comes in before `at`. */
static size_t line_up(struct session *s, size_t item, size_t at)
{
    const size_t there = place_in_queue(s, item);

    if (there != REVIEW_NONE)
        return there;
    at = MIN(at, s->n_queue); /* there is room for every item */
    memmove(s->queue + at + 1, s->queue + at, (s->n_queue - at) * sizeof *s->queue);
    s->queue[at] = item;
    s->n_queue++;
    return at;
}

/* The next undecided one from `from` on, round the end; REVIEW_NONE: all are decided. */
static size_t next_open(const struct session *s, size_t from)
{
    for (size_t i = 0; i < s->n_queue; i++) {
        const size_t at = (from + i) % s->n_queue;
        if (review_state(s->review, s->queue[at]).outcome == REVIEW_UNDECIDED)
            return at;
    }
    return REVIEW_NONE;
}

static size_t count_open(const struct session *s)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n_queue; i++)
        n += review_state(s->review, s->queue[i]).outcome == REVIEW_UNDECIDED;
    return n;
}

/* ---- answers ---- */

static void answer_fail(struct http_answer *answer, int r, const struct fail *fail)
{
    const char *text = r == -ENOMEM ? "not enough memory" : fail->text;

    if (r != -ENOMEM && (fail->kind == FAIL_INPUT || fail->kind == FAIL_USAGE))
        http_error(answer, CANNOT, "input", text);
    else if (fail->kind == FAIL_OPEN)
        http_error(answer, NOT_FOUND, "missing", text);
    else
        http_error(answer, BROKEN, "failed", text);
}

/* An item by its place, with where it stands. REVIEW_NONE: none is left. */
static int item_json(struct session *s, size_t at, json_t **ret, struct fail *fail)
{
    const size_t next = next_open(s, at == REVIEW_NONE ? 0 : at + 1);
    json_t *item = NULL;

    int r = at == REVIEW_NONE ? 0 : view_item(s->review, s->queue[at], &item, fail);
    if (r < 0)
        return r;
    json_t *json = json_pack(
        "{s:I,s:I,s:I,s:I,s:o*}", "at", at == REVIEW_NONE ? (json_int_t) -1 : (json_int_t) at,
        "total", (json_int_t) s->n_queue, "open", (json_int_t) count_open(s), "next_open",
        next == REVIEW_NONE ? (json_int_t) -1 : (json_int_t) next, "item", item);
    if (!json)
        return -ENOMEM;
    *ret = json;
    return 0;
}

static size_t place_of_query(const struct session *s, const struct http_request *request)
{
    const char *at = http_query(request, "at");
    const char *id = http_query(request, "id");

    if (id) {
        const size_t item = review_find(s->review, id);
        return item == REVIEW_NONE ? REVIEW_NONE : place_in_queue(s, item);
    }
    if (!at || !*at || at[strspn(at, "0123456789")] || strlen(at) > 9)
        return REVIEW_NONE;
    const size_t n = strtoul(at, NULL, 10);
    return n < s->n_queue ? n : REVIEW_NONE;
}

static void get_item(struct session *s, const struct http_request *request,
                     struct http_answer *answer)
{
    const char *at = http_query(request, "at");
    const bool first = at && strcmp(at, "open") == 0;
    const size_t place = first ? next_open(s, 0) : place_of_query(s, request);
    struct fail fail = {0};
    json_t *json = NULL;

    if (place == REVIEW_NONE && !first) {
        http_error(answer, NOT_FOUND, "unknown", "This picture is not in the queue.");
        return;
    }
    const int r = item_json(s, place, &json, &fail);
    if (r < 0)
        answer_fail(answer, r, &fail);
    else
        http_json(answer, OK, json);
}

/* The item that "id" of a query or body names; REVIEW_NONE after an answer. */
static size_t known_item(struct session *s, const char *id, struct http_answer *answer)
{
    const size_t item = id ? review_find(s->review, id) : REVIEW_NONE;

    if (item == REVIEW_NONE)
        http_error(answer, NOT_FOUND, "unknown", "No picture of this set has that id.");
    return item;
}

static void get_picture(struct session *s, const struct http_request *request, bool drawing,
                        struct http_answer *answer)
{
    CLEANUP(manifest_record_done) struct manifest_record record = {0};
    const size_t item = known_item(s, http_query(request, "id"), answer);
    struct fail fail = {0};
    uint8_t *data = NULL;

    if (item == REVIEW_NONE)
        return;
    answer->type = "image/png";
    int r = drawing ? view_drawing(s->review, item, &data, &answer->size, &fail)
                    : review_record(s->review, item, &record, &fail);
    if (r == 0 && !drawing)
        r = view_picture(s->review, &record, &data, &answer->size, &answer->type, &fail);
    if (r < 0)
        answer_fail(answer, r, &fail);
    else
        answer->data = data;
}

static int make_label(struct session *s, size_t item, const char *text, const char *dots,
                      struct review_label *ret, struct fail *fail)
{
    CLEANUP(manifest_record_done) struct manifest_record record = {0};

    if (!text == !dots)
        return fail_set(fail, FAIL_INPUT, -EINVAL, "give the new label as text or as dots");
    if (strlen(text ? text : dots) > REVIEW_MAX_LABEL)
        return fail_set(fail, FAIL_INPUT, -E2BIG, "the label is longer than %d bytes",
                        REVIEW_MAX_LABEL);
    int r = review_record(s->review, item, &record, fail);
    if (r < 0)
        return r;
    return text ? review_label_text(&record, text, ret, fail)
                : review_label_dots(&record, dots, ret, fail);
}

/* What a label would look like, while it is typed; that it cannot be written is an answer, too. */
static void get_encoded(struct session *s, const struct http_request *request,
                        struct http_answer *answer)
{
    CLEANUP(review_label_done) struct review_label label = {0};
    const size_t item = known_item(s, http_query(request, "id"), answer);
    struct fail fail = {0};

    if (item == REVIEW_NONE)
        return;
    const int r = make_label(s, item, http_query(request, "text"), http_query(request, "dots"),
                             &label, &fail);
    if (r < 0 && fail.kind == FAIL_INPUT)
        http_json(answer, OK, json_pack("{s:s}", "refused", fail.text));
    else if (r < 0)
        answer_fail(answer, r, &fail);
    else
        http_json(answer, OK,
                  json_pack("{s:s,s:o}", "text", label.text, "cells",
                            review_cells_to_json(label.cells, label.n_cells)));
}

/* ---- decisions ---- */

static int read_rect(struct session *s, size_t item, const json_t *json, unsigned rect[4],
                     struct fail *fail)
{
    CLEANUP(manifest_record_done) struct manifest_record record = {0};
    unsigned width = 0, height = 0;

    int r = review_record(s->review, item, &record, fail);
    if (r == 0)
        r = view_size(s->review, &record, &width, &height, fail);
    if (r < 0)
        return r;
    for (size_t i = 0; i < 4; i++) {
        const json_t *v = json_array_get(json, i);
        const json_int_t n = json_integer_value(v);
        if (json_array_size(json) != 4 || !json_is_integer(v) || n < (i < 2 ? 0 : 1) || n > 65535)
            return fail_set(fail, FAIL_INPUT, -EINVAL,
                            "the rectangle must be four whole numbers: x, y, width, height");
        rect[i] = (unsigned) n;
    }
    if (rect[0] + rect[2] > width || rect[1] + rect[3] > height)
        return fail_set(fail, FAIL_INPUT, -ERANGE,
                        "the rectangle must lie inside of the picture of %u by %u pixels", width,
                        height);
    return 0;
}

/* NULL in *ret: none. What the page sends as a note may be empty. */
static int read_note(const json_t *body, char **ret, struct fail *fail)
{
    const json_t *note = json_object_get(body, "note");
    const size_t n = json_string_length(note);

    if (!note || json_is_null(note) || (json_is_string(note) && n == 0))
        return 0;
    if (!json_is_string(note) || strlen(json_string_value(note)) != n || n > REVIEW_MAX_NOTE)
        return fail_set(fail, FAIL_INPUT, -EINVAL, "a note is a text of at most %d bytes",
                        REVIEW_MAX_NOTE);
    return (*ret = strdup(json_string_value(note))) ? 0 : -ENOMEM;
}

static int read_relabel(struct session *s, const json_t *body, struct review_entry *e,
                        struct fail *fail)
{
    CLEANUP(review_label_done) struct review_label label = {0};

    const int r = make_label(s, e->item, json_string_value(json_object_get(body, "text")),
                             json_string_value(json_object_get(body, "dots")), &label, fail);
    if (r == 0) {
        e->text = TAKE_PTR(label.text);
        e->cells = TAKE_PTR(label.cells);
        e->n_cells = label.n_cells;
    }
    return r;
}

static int read_decision(struct session *s, const json_t *body, struct review_entry *e,
                         struct fail *fail)
{
    const char *action = json_string_value(json_object_get(body, "action"));
    unsigned a = 0;

    while (a < REVIEW_N_ACTIONS && !(action && strcmp(action, review_action_names[a]) == 0))
        a++;
    if (a == REVIEW_N_ACTIONS || a == REVIEW_UNDO)
        return fail_set(fail, FAIL_INPUT, -EINVAL, "'action' is none");
    e->action = (enum review_action) a;
    int r = read_note(body, &e->note, fail);
    if (r == 0 && a == REVIEW_NOTE && !e->note)
        r = fail_set(fail, FAIL_INPUT, -EINVAL, "the note is empty");
    if (r == 0 && a == REVIEW_RELABEL)
        r = read_relabel(s, body, e, fail);
    if (r == 0 && a == REVIEW_RECROP)
        r = read_rect(s, e->item, json_object_get(body, "rect"), e->rect, fail);
    return r;
}

/* To the disk. After a failure the journal is opened anew for the next one, so that nothing of what
 * was refused is written later. */
static int store(struct session *s, struct review_entry *e, struct fail *fail)
{
    int r = s->journal ? 0 : open_journal(s, fail);

    if (r == 0 && !(e->reviewer = strdup(s->reviewer)))
        r = -ENOMEM;
    if (r == 0)
        r = review_add(s->review, s->journal, e, fail);
    if (r < 0)
        s->journal = journal_close(s->journal, false);
    return r;
}

/* What was done, and what comes next: the same item after a note, else the next open one. */
static void answer_done(struct session *s, size_t at, json_t *did, struct http_answer *answer)
{
    struct fail fail = {0};
    json_t *json = NULL;

    const int r = item_json(s, at, &json, &fail);
    if (r < 0) {
        json_decref(did);
        answer_fail(answer, r, &fail);
        return;
    }
    json_object_set_new(json, "did", did);
    http_json(answer, OK, json);
}

static json_t *did_json(const struct session *s, size_t entry, const char *action)
{
    const struct review_entry *e = &s->review->entries[entry];
    json_t *json = json_pack("{s:s,s:s,s:I}", "action", action, "id", s->review->items[e->item].id,
                             "n", (json_int_t) e->n);

    if (json && e->text)
        json_object_set_new(json, "text", json_string(e->text));
    if (json && e->cells)
        json_object_set_new(json, "cells", review_cells_to_json(e->cells, e->n_cells));
    return json;
}

static void post_decide(struct session *s, const json_t *body, struct http_answer *answer)
{
    CLEANUP(review_entry_done) struct review_entry e = {0};
    struct fail fail = {0};

    e.item = known_item(s, json_string_value(json_object_get(body, "id")), answer);
    if (e.item == REVIEW_NONE)
        return;
    const size_t item = e.item;
    int r = read_decision(s, body, &e, &fail);
    const enum review_action action = e.action;
    if (r == 0)
        r = store(s, &e, &fail);
    if (r < 0) {
        answer_fail(answer, r, &fail);
        return;
    }
    const size_t at = line_up(s, item, 0);
    answer_done(s, action == REVIEW_NOTE ? at : next_open(s, at + 1),
                did_json(s, s->review->n_entries - 1, review_action_names[action]), answer);
}

static void post_undo(struct session *s, const json_t *body, struct http_answer *answer)
{
    CLEANUP(review_entry_done) struct review_entry e = {.action = REVIEW_UNDO};
    const json_t *n = json_object_get(body, "n");
    const json_int_t at = json_integer_value(json_object_get(body, "at"));
    struct fail fail = {0};

    const size_t undone = json_is_integer(n)
                              ? review_entry_of(s->review, (uint64_t) json_integer_value(n))
                              : review_newest(s->review);
    const struct review_entry *u = undone == REVIEW_NONE ? NULL : &s->review->entries[undone];
    if (!u || u->undone || u->stale || u->action == REVIEW_UNDO) {
        http_error(answer, CANNOT, "no-undo", "There is nothing to undo.");
        return;
    }
    e.item = u->item;
    e.undoes = u->n;
    const size_t item = e.item;
    const int r = store(s, &e, &fail);
    if (r < 0) {
        answer_fail(answer, r, &fail);
        return;
    }
    json_t *did = did_json(s, undone, "undo");
    json_object_set_new(did, "undone",
                        json_string(review_action_names[s->review->entries[undone].action]));
    answer_done(s, line_up(s, item, at > 0 ? (size_t) at : 0), did, answer);
}

static void post_end(struct session *s, struct http_answer *answer)
{
    http_json(answer, OK, review_summary(s->review));
    answer->last = answer->status == OK;
}

/* ---- the page ---- */

/* The weight "q" of a language in Accept-Language, -1: not named. */
static double weight(const char *accept, const char *language)
{
    const size_t n = strlen(language);

    for (const char *p = accept; *p; p += strcspn(p, ","), p += *p == ',') {
        p += strspn(p, " \t");
        if (strncasecmp(p, language, n) != 0 || !strchr("-;, ", p[n]))
            continue;
        const char *q = strstr(p, ";q="), *end = p + strcspn(p, ",");
        return q && q < end ? strtod(q + 3, NULL) : 1;
    }
    return -1;
}

static const char *choose_language(const struct http_request *request)
{
    const char *lang = http_query(request, "lang");

    if (lang && strcmp(lang, "zh") == 0)
        return "zh-Hans";
    if (lang && strcmp(lang, "en") == 0)
        return "en";
    if (!request->language)
        return "en";
    return weight(request->language, "zh") > weight(request->language, "en") ? "zh-Hans" : "en";
}

/* The page with its language written in where it says lang="en". */
static void get_page(const struct http_request *request, const struct review_asset *page,
                     struct http_answer *answer)
{
    static const char mark[] = "<html lang=\"en\"";
    const char *text = (const char *) page->data;
    const char *at = memmem(text, page->size, mark, sizeof mark - 1);
    char *out = NULL;

    const int before = at ? (int) (at - text) : 0, skip = at ? (int) sizeof mark - 1 : 0;
    const int n =
        asprintf(&out, "%.*s<html lang=\"%s\"%.*s", before, text, choose_language(request),
                 (int) page->size - before - skip, text + before + skip);
    if (n < 0) {
        answer->status = BROKEN;
        return;
    }
    answer->type = page->type;
    answer->data = out;
    answer->size = (size_t) n;
}

static bool get_asset(const struct http_request *request, struct http_answer *answer)
{
    for (size_t i = 0; i < review_n_assets; i++) {
        const struct review_asset *a = &review_assets[i];
        if (strcmp(request->path, a->name) != 0)
            continue;
        if (!*a->name) {
            get_page(request, a, answer);
            return true;
        }
        answer->type = a->type;
        answer->data = (void *) a->data;
        answer->size = a->size;
        answer->constant = true;
        return true;
    }
    return false;
}

void session_answer(void *ctx, const struct http_request *request, struct http_answer *answer)
{
    struct session *s = ctx;
    const char *path = request->path;

    if (request->post && strcmp(path, "decide") == 0)
        post_decide(s, request->body, answer);
    else if (request->post && strcmp(path, "undo") == 0)
        post_undo(s, request->body, answer);
    else if (request->post && strcmp(path, "end") == 0)
        post_end(s, answer);
    else if (!request->post && strcmp(path, "item") == 0)
        get_item(s, request, answer);
    else if (!request->post && strcmp(path, "picture") == 0)
        get_picture(s, request, false, answer);
    else if (!request->post && strcmp(path, "drawing") == 0)
        get_picture(s, request, true, answer);
    else if (!request->post && strcmp(path, "encode") == 0)
        get_encoded(s, request, answer);
    else if (request->post || !get_asset(request, answer))
        http_error(answer, NOT_FOUND, "unknown", "There is nothing under this address.");
}
