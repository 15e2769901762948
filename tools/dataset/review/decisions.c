/* SPDX-License-Identifier: Apache-2.0 */

#include "tools/dataset/review/decisions.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

const char *const review_action_names[REVIEW_N_ACTIONS] = {
    [REVIEW_ACCEPT] = "accept", [REVIEW_REJECT] = "reject", [REVIEW_RELABEL] = "relabel",
    [REVIEW_RECROP] = "recrop", [REVIEW_UNDO] = "undo",     [REVIEW_NOTE] = "note",
};

/* ---- lines of JSON with their places ---- */

struct lines {
    const char *name; ///< borrowed: for messages
    FILE *file;       ///< borrowed
    char *line;       ///< owned
    size_t room, number;
    int64_t at; ///< where the line begins
};

static void lines_done(struct lines *l)
{
    free(l->line);
}

/* 1 with *ret owned, 0 at the end. A last line without its line feed was torn by a kill: no line.
 */
static int lines_next(struct lines *l, json_t **ret, struct fail *fail)
{
    json_error_t error;

    l->at = ftello(l->file);
    errno = 0;
    const ssize_t n = getline(&l->line, &l->room, l->file);
    if (n < 0 && (errno == ENOMEM || ferror(l->file)))
        return fail_set(fail, FAIL_IO, errno ? -errno : -EIO, "cannot read '%s': %m", l->name);
    if (n <= 0 || l->line[n - 1] != '\n')
        return 0;
    l->number++;
    if ((size_t) n > MANIFEST_MAX_LINE)
        return fail_set(fail, FAIL_INPUT, -EBADMSG, "'%s', line %zu: too long", l->name, l->number);
    json_t *json = json_loadb(l->line, (size_t) n, JSON_REJECT_DUPLICATES, &error);
    if (!json_is_object(json)) {
        json_decref(json);
        return fail_set(fail, FAIL_INPUT, -EBADMSG, "'%s', line %zu: %s", l->name, l->number,
                        json ? "no JSON object" : error.text);
    }
    *ret = json;
    return 1;
}

static int bad_line(const struct lines *l, const char *why, struct fail *fail)
{
    return fail_set(fail, FAIL_INPUT, -EBADMSG, "'%s', line %zu: %s", l->name, l->number, why);
}

/* The line that begins at `at`. */
static int read_at(FILE *file, const char *name, int64_t at, json_t **ret, struct fail *fail)
{
    CLEANUP(lines_done) struct lines l = {.name = name, .file = file};

    if (fseeko(file, at, SEEK_SET) < 0)
        return fail_set(fail, FAIL_IO, -errno, "cannot read '%s': %m", name);
    const int r = lines_next(&l, ret, fail);
    return r == 0 ? fail_set(fail, FAIL_IO, -EIO, "'%s' was cut off meanwhile", name) : MIN(r, 0);
}

static int open_file(const char *dir, const char *name, FILE **ret, struct fail *fail)
{
    CLEANUP_FREE char *path = manifest_path(dir, name);

    if (!path)
        return -ENOMEM;
    if ((*ret = fopen(path, "re")))
        return 0;
    if (errno == ENOENT && strcmp(name, MANIFEST_NAME) == 0)
        return fail_set(fail, FAIL_OPEN, -ENOENT,
                        "'%s' holds no %s: it is no data set, or the run that makes it is not "
                        "finished",
                        dir, MANIFEST_NAME);
    if (errno == ENOENT && strcmp(name, REVIEW_CLEAN_NAME) == 0)
        return fail_set(fail, FAIL_OPEN, -ENOENT,
                        "'%s' is missing; run 'braille-dataset clean %s' first", path, dir);
    return fail_set(fail, FAIL_OPEN, -errno, "cannot open '%s': %m", path);
}

/* ---- items ---- */

/* Room for one more of an array that doubles. */
static int grow(void *array, size_t n, size_t size)
{
    void **p = array;

    if (n & (n - 1) || (n > 0 && n < 16))
        return 0;
    void *more = reallocarray(*p, n ? 2 * n : 16, size);
    if (!more)
        return -ENOMEM;
    *p = more;
    return 0;
}

static uint64_t sha_start(const char *sha256)
{
    char start[17] = "";

    if (sha256)
        strncat(start, sha256, 16);
    return strtoull(start, NULL, 16);
}

static int read_manifest(struct review *review, struct fail *fail)
{
    CLEANUP(lines_done) struct lines l = {.name = MANIFEST_NAME, .file = review->manifest};
    json_t *json = NULL;
    int r;

    while ((r = lines_next(&l, &json, fail)) > 0) {
        struct manifest_record record = {0};
        struct fail why = {0};
        r = manifest_record_from_json(json, &record, &why);
        json_decref(json);
        if (r < 0)
            return why.kind ? bad_line(&l, why.text, fail) : r;
        r = grow(&review->items, review->n_items, sizeof *review->items);
        if (r == 0) {
            struct review_item *item = &review->items[review->n_items++];
            *item = (struct review_item){.id = TAKE_PTR(record.id),
                                         .sha = sha_start(record.sha256),
                                         .manifest_at = l.at,
                                         .clean_at = -1,
                                         .verdict = BRL_UNSURE,
                                         .last = REVIEW_NONE};
        }
        manifest_record_done(&record);
        if (r < 0)
            return r;
    }
    return r;
}

static int compare_ids(const void *a, const void *b, void *ctx)
{
    const struct review_item *items = ctx;
    return strcmp(items[*(const size_t *) a].id, items[*(const size_t *) b].id);
}

static int sort_ids(struct review *review, struct fail *fail)
{
    review->by_id = calloc(review->n_items + 1, sizeof *review->by_id);
    if (!review->by_id)
        return -ENOMEM;
    for (size_t i = 0; i < review->n_items; i++)
        review->by_id[i] = i;
    qsort_r(review->by_id, review->n_items, sizeof *review->by_id, compare_ids, review->items);
    for (size_t i = 1; i < review->n_items; i++) {
        const char *id = review->items[review->by_id[i]].id;
        if (strcmp(review->items[review->by_id[i - 1]].id, id) == 0)
            return fail_set(fail, FAIL_INPUT, -EBADMSG, "'%s/%s' has the id '%s' twice",
                            review->dir, MANIFEST_NAME, id);
    }
    return 0;
}

size_t review_find(const struct review *review, const char *id)
{
    size_t low = 0, high = review->n_items;

    while (low < high) {
        const size_t mid = low + (high - low) / 2;
        const int c = strcmp(review->items[review->by_id[mid]].id, id);
        if (c == 0)
            return review->by_id[mid];
        if (c < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return REVIEW_NONE;
}

const char *review_verdict_name(unsigned verdict)
{
    return verdict < BRL_N_VERDICTS ? brl_verdict_names[verdict] : "broken";
}

int review_parse_verdict(const char *name, size_t n, unsigned *ret)
{
    for (unsigned v = 0; v < REVIEW_N_VERDICTS; v++) {
        const char *known = review_verdict_name(v);
        if (strlen(known) == n && memcmp(name, known, n) == 0) {
            *ret = v;
            return 0;
        }
    }
    return -EINVAL;
}

static int read_clean(struct review *review, struct fail *fail)
{
    CLEANUP(lines_done) struct lines l = {.name = REVIEW_CLEAN_NAME, .file = review->clean};
    json_t *json = NULL;
    int r;

    while ((r = lines_next(&l, &json, fail)) > 0) {
        const char *id = json_string_value(json_object_get(json, "id"));
        const json_t *name = json_object_get(json, "verdict");
        unsigned verdict = BRL_UNSURE;
        const char *wrong = id ? NULL : "'id' is missing";
        if (!json_is_string(name) ||
            review_parse_verdict(json_string_value(name), json_string_length(name), &verdict) < 0)
            wrong = "'verdict' is none that 'clean' gives";
        const size_t i = wrong ? REVIEW_NONE : review_find(review, id);
        if (i != REVIEW_NONE) {
            review->items[i].clean_at = l.at;
            review->items[i].verdict = verdict;
        }
        json_decref(json);
        if (wrong)
            return bad_line(&l, wrong, fail);
    }
    return r;
}

/* ---- entries ---- */

void review_entry_done(struct review_entry *entry)
{
    free(entry->text);
    free(entry->cells);
    free(entry->note);
    free(entry->reviewer);
    *entry = (struct review_entry){0};
}

static int take_string(const json_t *json, const char *key, char **ret)
{
    const json_t *value = json_object_get(json, key);

    if (!value || json_is_null(value))
        return 0;
    if (!json_is_string(value) || strlen(json_string_value(value)) != json_string_length(value))
        return -EBADMSG;
    return (*ret = strdup(json_string_value(value))) ? 0 : -ENOMEM;
}

static int take_cells(const json_t *cells, struct review_entry *ret)
{
    const size_t n = json_array_size(cells);

    if (n < 1 || n > MANIFEST_MAX_CELLS)
        return -EBADMSG;
    ret->cells = calloc(n, sizeof *ret->cells);
    if (!ret->cells)
        return -ENOMEM;
    ret->n_cells = n;
    for (size_t i = 0; i < n; i++) {
        const char *dots = json_string_value(json_array_get(cells, i));
        if (!dots || brl_cell_parse(dots, &ret->cells[i]) < 0)
            return -EBADMSG;
    }
    return 0;
}

static int take_rect(const json_t *rect, unsigned ret[4])
{
    if (json_array_size(rect) != 4)
        return -EBADMSG;
    for (size_t i = 0; i < 4; i++) {
        const json_t *v = json_array_get(rect, i);
        const json_int_t n = json_integer_value(v);
        if (!json_is_integer(v) || n < (i < 2 ? 0 : 1) || n > 65535)
            return -EBADMSG;
        ret[i] = (unsigned) n;
    }
    return 0;
}

static int take_action(const json_t *json, struct review_entry *ret)
{
    const char *name = json_string_value(json_object_get(json, "action"));

    for (unsigned a = 0; name && a < REVIEW_N_ACTIONS; a++) {
        if (strcmp(name, review_action_names[a]) != 0)
            continue;
        ret->action = (enum review_action) a;
        const json_int_t undoes = json_integer_value(json_object_get(json, "undoes"));
        ret->undoes = undoes > 0 ? (uint64_t) undoes : 0;
        if (a == REVIEW_UNDO && undoes <= 0)
            return -EBADMSG;
        if (a == REVIEW_RECROP)
            return take_rect(json_object_get(json, "rect"), ret->rect);
        if (a != REVIEW_RELABEL)
            return 0;
        int r = take_string(json, "text", &ret->text);
        if (r == 0 && !ret->text)
            r = -EBADMSG;
        return r < 0 ? r : take_cells(json_object_get(json, "cells"), ret);
    }
    return -EBADMSG;
}

static int parse_entry(const json_t *json, struct review_entry *ret)
{
    const json_int_t n = json_integer_value(json_object_get(json, "n"));
    const char *time = json_string_value(json_object_get(json, "time"));

    if (n < 1)
        return -EBADMSG;
    ret->n = (uint64_t) n;
    if (time)
        strncat(ret->time, time, sizeof ret->time - 1);
    int r = take_action(json, ret);
    if (r == 0)
        r = take_string(json, "note", &ret->note);
    if (r == 0)
        r = take_string(json, "reviewer", &ret->reviewer);
    return r;
}

size_t review_entry_of(const struct review *review, uint64_t n)
{
    size_t low = 0, high = review->n_entries;

    while (low < high) {
        const size_t mid = low + (high - low) / 2;
        if (review->entries[mid].n == n)
            return mid;
        if (review->entries[mid].n < n)
            low = mid + 1;
        else
            high = mid;
    }
    return REVIEW_NONE;
}

/* Into the list, and what follows from it: `entry` is taken. */
static int link_entry(struct review *review, struct review_entry *entry)
{
    struct review_item *item = &review->items[entry->item];

    int r = grow(&review->entries, review->n_entries, sizeof *review->entries);
    if (r < 0) {
        review_entry_done(entry);
        return r;
    }
    entry->before = item->last;
    item->last = review->n_entries;
    review->entries[review->n_entries++] = *entry;
    if (entry->action == REVIEW_UNDO && !entry->stale) {
        const size_t undone = review_entry_of(review, entry->undoes);
        if (undone != REVIEW_NONE && review->entries[undone].action != REVIEW_UNDO)
            review->entries[undone].undone = true;
    }
    *entry = (struct review_entry){0};
    return 0;
}

static int read_entry(struct review *review, const struct lines *l, const json_t *json,
                      struct fail *fail)
{
    CLEANUP(review_entry_done) struct review_entry entry = {0};
    const char *id = json_string_value(json_object_get(json, "id"));
    const char *sha = json_string_value(json_object_get(json, "sha256_start"));

    int r = id ? parse_entry(json, &entry) : -EBADMSG;
    if (r == -ENOMEM)
        return r;
    if (r < 0)
        return bad_line(l, "no decision as 'review' writes them", fail);
    if (entry.n <= review->last_n)
        return bad_line(l, "its number 'n' does not follow", fail);
    review->last_n = entry.n;
    entry.item = review_find(review, id);
    if (entry.item == REVIEW_NONE) {
        review->n_strange++;
        return 0;
    }
    const uint64_t now = review->items[entry.item].sha;
    entry.stale = sha && now && sha_start(sha) != now;
    review->n_stale += entry.stale;
    return link_entry(review, &entry);
}

static int read_journal(struct review *review, struct fail *fail)
{
    CLEANUP_FREE char *path = manifest_path(review->dir, REVIEW_JOURNAL_NAME);
    CLEANUP(lines_done) struct lines l = {.name = REVIEW_JOURNAL_NAME};
    json_t *json = NULL;

    if (!path)
        return -ENOMEM;
    FILE *file = fopen(path, "re");
    if (!file)
        return errno == ENOENT ? 0
                               : fail_set(fail, FAIL_OPEN, -errno, "cannot open '%s': %m", path);
    l.file = file;
    int r;
    while ((r = lines_next(&l, &json, fail)) > 0) {
        r = read_entry(review, &l, json, fail);
        json_decref(json);
        if (r < 0)
            break;
    }
    fclose(file);
    return r;
}

int review_open(const char *dir, struct review *ret, struct fail *fail)
{
    struct review review = {0};

    int r = (review.dir = strdup(dir)) ? 0 : -ENOMEM;
    if (r == 0)
        r = open_file(dir, MANIFEST_NAME, &review.manifest, fail);
    if (r == 0)
        r = open_file(dir, REVIEW_CLEAN_NAME, &review.clean, fail);
    if (r == 0)
        r = read_manifest(&review, fail);
    if (r == 0)
        r = sort_ids(&review, fail);
    if (r == 0)
        r = read_clean(&review, fail);
    if (r == 0)
        r = read_journal(&review, fail);
    if (r < 0)
        review_done(&review);
    else
        *ret = review;
    return r;
}

int review_reload(struct review *review, struct fail *fail)
{
    struct review now;

    int r = review_open(review->dir, &now, fail);
    if (r < 0)
        return r;
    review_done(review);
    *review = now;
    return 0;
}

void review_done(struct review *review)
{
    for (size_t i = 0; i < review->n_entries; i++)
        review_entry_done(&review->entries[i]);
    for (size_t i = 0; i < review->n_items; i++)
        free(review->items[i].id);
    free(review->entries);
    free(review->items);
    free(review->by_id);
    free(review->dir);
    if (review->manifest)
        fclose(review->manifest);
    if (review->clean)
        fclose(review->clean);
    *review = (struct review){0};
}

/* ---- what follows ---- */

struct review_state review_state(const struct review *review, size_t item)
{
    struct review_state state = {0};
    size_t i = review->items[item].last;

    /* from the newest backwards: what is found first holds */
    for (; i != REVIEW_NONE; i = review->entries[i].before) {
        const struct review_entry *e = &review->entries[i];
        if (e->undone || e->stale || e->action == REVIEW_UNDO)
            continue;
        if (!state.note)
            state.note = e->note;
        if (e->action == REVIEW_NOTE)
            continue;
        if (!state.decided)
            state.decided = e;
        if (e->action == REVIEW_RELABEL && !state.label)
            state.label = e;
        if (e->action == REVIEW_RECROP && !state.rect)
            state.rect = e;
    }
    if (state.decided)
        state.outcome = state.decided->action == REVIEW_REJECT ? REVIEW_REJECTED : REVIEW_KEPT;
    return state;
}

size_t review_newest(const struct review *review)
{
    for (size_t i = review->n_entries; i-- > 0;) {
        const struct review_entry *e = &review->entries[i];
        if (!e->undone && !e->stale && e->action != REVIEW_UNDO)
            return i;
    }
    return REVIEW_NONE;
}

int review_record(struct review *review, size_t item, struct manifest_record *ret,
                  struct fail *fail)
{
    json_t *json = NULL;

    int r = read_at(review->manifest, MANIFEST_NAME, review->items[item].manifest_at, &json, fail);
    if (r == 0)
        r = manifest_record_from_json(json, ret, fail);
    json_decref(json);
    return r;
}

int review_judgement(struct review *review, size_t item, json_t **ret, struct fail *fail)
{
    *ret = NULL;
    if (review->items[item].clean_at < 0)
        return 0;
    return read_at(review->clean, REVIEW_CLEAN_NAME, review->items[item].clean_at, ret, fail);
}

/* ---- writing ---- */

json_t *review_cells_to_json(const brl_cell *cells, size_t n)
{
    json_t *array = json_array();

    for (size_t i = 0; array && i < n; i++) {
        char dots[7];
        brl_cell_format(cells[i], dots);
        if (json_array_append_new(array, json_string(dots)) < 0) {
            json_decref(array);
            array = NULL;
        }
    }
    return array;
}

static json_t *entry_to_json(const struct review *review, const struct review_entry *e)
{
    const struct review_item *item = &review->items[e->item];
    char sha[17];
    json_t *json = json_pack("{s:I,s:s,s:s}", "n", (json_int_t) e->n, "id", item->id, "action",
                             review_action_names[e->action]);
    int r = json ? 0 : -1;

    if (e->action == REVIEW_RELABEL && r == 0) {
        r |= json_object_set_new(json, "text", json_string(e->text));
        r |= json_object_set_new(json, "cells", review_cells_to_json(e->cells, e->n_cells));
    }
    if (e->action == REVIEW_RECROP && r == 0)
        r |= json_object_set_new(json, "rect",
                                 json_pack("[iiii]", (int) e->rect[0], (int) e->rect[1],
                                           (int) e->rect[2], (int) e->rect[3]));
    if (e->action == REVIEW_UNDO && r == 0)
        r |= json_object_set_new(json, "undoes", json_integer((json_int_t) e->undoes));
    if (e->note && r == 0)
        r |= json_object_set_new(json, "note", json_string(e->note));
    if (item->sha && r == 0) { /* so that it does not count for another picture of this name */
        snprintf(sha, sizeof sha, "%016llx", (unsigned long long) item->sha);
        r |= json_object_set_new(json, "sha256_start", json_string(sha));
    }
    if (r == 0) {
        r |= json_object_set_new(json, "reviewer", json_string(e->reviewer));
        r |= json_object_set_new(json, "time", json_string(e->time));
    }
    if (r == 0)
        return json;
    json_decref(json);
    return NULL;
}

int review_add(struct review *review, struct journal *journal, struct review_entry *entry,
               struct fail *fail)
{
    CLEANUP(review_entry_done) struct review_entry e = *entry;
    const time_t now = time(NULL);
    struct tm utc;

    *entry = (struct review_entry){0};
    e.n = review->last_n + 1;
    strftime(e.time, sizeof e.time, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
    json_t *line = entry_to_json(review, &e);
    int r = line ? journal_add(journal, line, fail) : -ENOMEM;
    json_decref(line);
    if (r == 0)
        r = journal_sync(journal, fail);
    if (r < 0)
        return r;
    review->last_n = e.n;
    return link_entry(review, &e);
}

/* ---- counts ---- */

static int count_in(json_t *counts, const char *name)
{
    const json_int_t n = json_integer_value(json_object_get(counts, name));
    return json_object_set_new(counts, name, json_integer(n + 1));
}

json_t *review_summary(const struct review *review)
{
    json_t *verdicts = json_object(), *actions = json_object();
    size_t kept = 0, rejected = 0, relabelled = 0, recropped = 0, open = 0, unjudged = 0;
    int r = verdicts && actions ? 0 : -1;

    for (unsigned v = 0; v < REVIEW_N_VERDICTS && r == 0; v++)
        r = json_object_set_new(verdicts, review_verdict_name(v), json_integer(0));
    for (unsigned a = 0; a < REVIEW_N_ACTIONS && r == 0; a++)
        r = json_object_set_new(actions, review_action_names[a], json_integer(0));
    for (size_t i = 0; i < review->n_items && r == 0; i++) {
        const struct review_item *item = &review->items[i];
        const struct review_state s = review_state(review, i);
        if (item->clean_at < 0)
            unjudged++;
        else
            r = count_in(verdicts, review_verdict_name(item->verdict));
        kept += s.outcome == REVIEW_KEPT;
        rejected += s.outcome == REVIEW_REJECTED;
        relabelled += s.outcome == REVIEW_KEPT && s.label;
        recropped += s.outcome == REVIEW_KEPT && s.rect;
        open += s.outcome == REVIEW_UNDECIDED && item->verdict == BRL_UNSURE && item->clean_at >= 0;
    }
    for (size_t i = 0; i < review->n_entries && r == 0; i++)
        if (!review->entries[i].undone && !review->entries[i].stale)
            r = count_in(actions, review_action_names[review->entries[i].action]);
    if (r < 0) {
        json_decref(verdicts);
        json_decref(actions);
        return NULL;
    }
    return json_pack("{s:I,s:o,s:I,s:I,s:I,s:I,s:I,s:I,s:o,s:I,s:I}", "images",
                     (json_int_t) review->n_items, "verdicts", verdicts, "not_judged",
                     (json_int_t) unjudged, "kept", (json_int_t) kept, "rejected",
                     (json_int_t) rejected, "relabelled", (json_int_t) relabelled, "recropped",
                     (json_int_t) recropped, "unsure_undecided", (json_int_t) open, "entries",
                     actions, "for_no_picture", (json_int_t) review->n_strange,
                     "for_another_picture", (json_int_t) review->n_stale);
}
