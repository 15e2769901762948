/* SPDX-License-Identifier: Apache-2.0 */

#include "tools/dataset/review/apply.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/log.h"
#include "image/image.h"
#include "tools/dataset/review/relabel.h"
#include "tools/dataset/set.h"

struct apply {
    struct review *review;
    struct set_out set;
    size_t n_kept, n_relabelled, n_recropped, n_rejected, n_undecided, n_bad, n_broken;
};

static void apply_done(struct apply *a)
{
    set_done(&a->set);
}

/* An interrupted run goes on only over the same files. */
static int hash_of(const char *dir, const char *name, json_t *how, struct fail *fail)
{
    CLEANUP_FREE char *path = manifest_path(dir, name);
    char sum[HASH_TEXT] = "";

    if (!path)
        return -ENOMEM;
    int r = access(path, F_OK) == 0 ? hash_sha256_file(path, sum, fail) : 0;
    return r < 0 ? r : json_object_set_new(how, name, json_string(sum)) < 0 ? -ENOMEM : 0;
}

static int describe(const char *dir, json_t **ret, struct fail *fail)
{
    static const char *const names[] = {MANIFEST_NAME, REVIEW_CLEAN_NAME, REVIEW_JOURNAL_NAME};
    json_t *how = json_pack("{s:s,s:s}", "command", "review --apply", "version", BRAILLED_VERSION);
    int r = how ? 0 : -ENOMEM;

    for (size_t i = 0; i < ELEMENTSOF(names) && r == 0; i++)
        r = hash_of(dir, names[i], how, fail);
    if (r < 0)
        json_decref(how);
    else
        *ret = how;
    return r;
}

/* ---- one picture ---- */

enum fate { KEPT, REJECTED, UNDECIDED, BAD, NOT_JUDGED };

static enum fate fate_of(const struct review_item *item, const struct review_state *state)
{
    if (state->outcome == REVIEW_REJECTED)
        return REJECTED;
    if (state->outcome == REVIEW_KEPT)
        return KEPT;
    if (item->clean_at < 0)
        return NOT_JUDGED;
    if (item->verdict == BRL_CLEAN)
        return KEPT;
    return item->verdict == BRL_UNSURE ? UNDECIDED : BAD;
}

static void tally(struct apply *a, size_t i, bool there)
{
    const struct review_item *item = &a->review->items[i];
    const struct review_state state = review_state(a->review, i);
    const enum fate fate = fate_of(item, &state);

    a->n_kept += there;
    a->n_relabelled += there && state.label;
    a->n_recropped += there && state.rect;
    a->n_rejected += fate == REJECTED;
    a->n_undecided += fate == UNDECIDED;
    a->n_bad += fate == BAD;
    a->n_broken += fate == NOT_JUDGED || (fate == KEPT && !there);
}

static int skip(struct apply *a, size_t i, const char *reason, const struct review_state *state,
                struct fail *fail)
{
    const struct review_item *item = &a->review->items[i];
    const char *verdict = item->clean_at < 0 ? NULL : review_verdict_name(item->verdict);
    json_t *line = json_pack("{s:s,s:s,s:s?,s:s*}", "id", item->id, "why", reason, "verdict",
                             verdict, "note", state->note);

    int r = line ? set_skip(&a->set, line, fail) : -ENOMEM;
    json_decref(line);
    tally(a, i, false);
    return r;
}

static int skip_rejected(struct apply *a, size_t i, const struct review_state *state,
                         struct fail *fail)
{
    const char *who = state->decided->reviewer;
    CLEANUP_FREE char *reason = NULL;

    if (asprintf(&reason, "rejected by %s", who ? who : "a reviewer") < 0) {
        reason = NULL;
        return -ENOMEM;
    }
    return skip(a, i, reason, state, fail);
}

/* "images/a.jpg" -> "images/a.png": what is cut out is not compressed a second time. */
static int rename_to_png(struct manifest_record *record)
{
    const char *slash = strrchr(record->image, '/');
    const char *dot = strrchr(slash ? slash : record->image, '.');
    const int n = (int) (dot ? (size_t) (dot - record->image) : strlen(record->image));
    char *name;

    if (asprintf(&name, "%.*s.png", n, record->image) < 0)
        return -ENOMEM;
    free(record->image);
    record->image = name;
    return 0;
}

static int add_part(struct apply *a, struct manifest_record *record, const char *path,
                    const unsigned rect[4], struct fail *fail)
{
    CLEANUP(image_freep) struct image *img = NULL, *part = NULL;
    CLEANUP_FREE uint8_t *data = NULL;
    struct fail why = {0};
    size_t size = 0;

    int r = image_load(path, &img, &why);
    if (r == 0) {
        r = image_part(img, rect[0], rect[1], rect[2], rect[3], &part);
        if (r == -EINVAL)
            fail_set(&why, FAIL_INPUT, r, "'%s' is smaller than the rectangle that was chosen",
                     path);
    }
    if (r == 0)
        r = rename_to_png(record);
    if (r == 0)
        r = image_encode(part, record->image, &data, &size, &why);
    if (r < 0)
        return fail_set(fail, why.kind ? why.kind : FAIL_OTHER, r, "%s", why.text);
    record->width = rect[2];
    record->height = rect[3];
    for (size_t i = 0; record->boxes && i < record->n_cells; i++) {
        record->boxes[i].x -= rect[0];
        record->boxes[i].y -= rect[1];
    }
    return set_add(&a->set, record, data, size, NULL, fail);
}

/* What fails for this picture alone is a line of skipped.jsonl; the output's failures end it. */
static bool is_own_fault(const struct fail *fail)
{
    return fail->kind == FAIL_INPUT || fail->kind == FAIL_OPEN;
}

static int keep(struct apply *a, size_t i, const struct review_state *state, struct fail *fail)
{
    CLEANUP(manifest_record_done) struct manifest_record record = {0};
    CLEANUP_FREE char *path = NULL;
    struct fail why = {0};

    int r = review_record(a->review, i, &record, fail);
    if (r == 0 && state->label)
        r = review_apply_label(&record, state->label->text, state->label->cells,
                               state->label->n_cells);
    if (r < 0)
        return r;
    if (!(path = manifest_path(a->review->dir, record.image)))
        return -ENOMEM;
    if (state->rect)
        r = add_part(a, &record, path, state->rect->rect, &why);
    else if (access(path, R_OK) < 0)
        r = fail_set(&why, FAIL_OPEN, -errno, "cannot open '%s': %m", path);
    else
        r = set_link(&a->set, &record, path, NULL, &why);
    if (r < 0 && is_own_fault(&why)) {
        log_warning("braille-dataset review: %s", why.text);
        return skip(a, i, why.text, state, fail);
    }
    if (r < 0)
        return why.kind ? fail_set(fail, why.kind, r, "%s", why.text) : r;
    tally(a, i, true);
    return 0;
}

static int settle(struct apply *a, size_t i, struct fail *fail)
{
    const struct review_item *item = &a->review->items[i];
    const struct review_state state = review_state(a->review, i);

    switch (fate_of(item, &state)) {
    case KEPT:
        return keep(a, i, &state, fail);
    case REJECTED:
        return skip_rejected(a, i, &state, fail);
    case UNDECIDED:
        return skip(a, i, "unsure, and nobody has decided", &state, fail);
    case NOT_JUDGED:
        return skip(a, i, "clean has not judged it", &state, fail);
    default:
        return skip(
            a, i, item->verdict == REVIEW_BROKEN ? "the picture is broken" : "clean found a fault",
            &state, fail);
    }
}

/* An earlier run's line. */
static int count_line(void *ctx, const json_t *line, struct fail *fail)
{
    struct apply *a = ctx;
    const json_t *record = json_object_get(line, "record");
    const json_t *what = record ? record : json_object_get(line, "skipped");
    const char *id = json_string_value(json_object_get(what, "id"));
    const size_t i = id ? review_find(a->review, id) : REVIEW_NONE;

    if (i == REVIEW_NONE)
        return fail_set(fail, FAIL_INPUT, -EBADMSG,
                        "the interrupted run in '%s' cannot be gone on with; begin anew with "
                        "--force",
                        a->set.dir);
    tally(a, i, record != NULL);
    return 0;
}

/* ---- the set ---- */

static int write_card(const struct apply *a, char **ret)
{
    return asprintf(
               ret,
               "# A reviewed data set\n\n"
               "Made by `braille-dataset review --apply` (version %s) from a data set of %zu "
               "pictures, what `braille-dataset clean` found in it and what people decided.\n\n"
               "| pictures | |\n|---|---|\n"
               "| kept | %zu |\n"
               "| of them with a new label | %zu |\n"
               "| of them cut out anew | %zu |\n"
               "| rejected by a reviewer | %zu |\n"
               "| unsure and undecided, left out | %zu |\n"
               "| with a fault that clean found, left out | %zu |\n"
               "| broken or not judged, left out | %zu |\n\n"
               "`skipped.jsonl` names each picture that was left out, with the reason.\n",
               BRAILLED_VERSION, a->review->n_items, a->n_kept, a->n_relabelled, a->n_recropped,
               a->n_rejected, a->n_undecided, a->n_bad, a->n_broken) < 0
               ? -ENOMEM
               : 0;
}

static int run(struct apply *a, const struct dataset_common *common, struct fail *fail)
{
    CLEANUP_FREE char *card = NULL;
    const size_t done = MIN(a->set.n_done, a->review->n_items);
    struct progress progress;

    int r = journal_replay(a->set.journal, count_line, a, fail);
    progress_start(&progress, N_("applying"), done, a->review->n_items, common->quiet);
    for (size_t i = done; i < a->review->n_items && r == 0; i++) {
        r = dataset_interrupted(fail);
        if (r == 0)
            r = settle(a, i, fail);
        progress_step(&progress);
    }
    progress_end(&progress);
    if (r == 0)
        r = write_card(a, &card);
    return r < 0 ? r : set_commit(&a->set, card, fail);
}

int review_apply(struct review *review, const char *out, const struct dataset_common *common,
                 json_t **ret_json, struct fail *fail)
{
    CLEANUP(apply_done) struct apply a = {.review = review};
    json_t *how = NULL;

    int r = set_check_other(review->dir, out, fail);
    if (r == 0)
        r = describe(review->dir, &how, fail);
    if (r == 0)
        r = set_open(&a.set, out, how, common->force, fail);
    json_decref(how);
    if (r == 0)
        r = run(&a, common, fail);
    if (r < 0)
        return r;
    *ret_json =
        json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "images", (json_int_t) review->n_items,
                  "kept", (json_int_t) a.n_kept, "relabelled", (json_int_t) a.n_relabelled,
                  "recropped", (json_int_t) a.n_recropped, "rejected", (json_int_t) a.n_rejected,
                  "undecided", (json_int_t) a.n_undecided, "faulty", (json_int_t) a.n_bad, "broken",
                  (json_int_t) a.n_broken);
    return *ret_json ? 0 : -ENOMEM;
}
