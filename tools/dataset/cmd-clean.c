/* SPDX-License-Identifier: Apache-2.0
 *
 * braille-dataset clean: which pictures show their label, the whole label and nothing else.
 */

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/batch.h"
#include "base/hash.h"
#include "base/log.h"
#include "braille/check.h"
#include "image/cv.h"
#include "lang/encode.h"
#include "tools/dataset/card.h"
#include "tools/dataset/dataset.h"
#include "tools/dataset/set.h"

#define LIST_NAME "clean.jsonl"
#define PARTIAL_NAME ".clean.partial.jsonl"
#define SYNC_EVERY 256
#define NEAR_BITS 10    ///< perceptual hashes of one print differ in no more
#define SAME_PRINT 0.80 ///< and their details correlate at least so much

static const char help[] = N_(
    "usage: braille-dataset clean DIR [-o OUT] [OPTIONS]\n\n"
    "Look at every picture of the data set DIR: does it show the dots of its label, all of them "
    "and\n"
    "no other? Decisions go to DIR/clean.jsonl, one line a picture: clean, over (cropped too "
    "wide),\n"
    "under (cropped too narrow), misaligned, mismatch (label and dots disagree), blank, "
    "duplicate,\n"
    "unsure (see 'braille-dataset review'). Nothing of DIR is changed.\n\n"
    "  -o, --output OUT         a new data set of the clean ones\n"
    "      --pictures WHICH     draw expected places and measured dots of bad (default), all or "
    "no\n"
    "                           pictures into DIR/clean/\n"
    "      --eps N              how far a dot may be from its place, in dot pitches (0.20)\n"
    "      --dpi N              resolution of the pictures (from the manifest, the file, else "
    "found)\n"
    "      --light DEG          where the light comes from, clockwise from the top (0); any: found "
    "for\n"
    "                           each picture. Pictures that were turned know it\n"
    "      --keep-duplicates    do not look for pictures of the same print\n");

enum which { BAD, ALL, NONE };

struct clean_options {
    struct dataset_common common;
    const char *dir, *out;
    enum which pictures;
    double eps, dpi;
    double light_deg; ///< < 0: found for each
    bool keep_duplicates;
};

/* A picture on its way: the batch's item. */
struct item {
    struct manifest_record record;
    bool skip;   ///< decided by an earlier run; only its hash is wanted
    bool broken; ///< `why` says what
    struct brl_check check;
    uint64_t phash;
    uint8_t *drawn; ///< PNG, owned; NULL: none
    size_t drawn_size;
    char why[512];
};

/* What is known of an earlier picture, for duplicates. */
struct print {
    uint64_t phash;
    char *id, *path; ///< owned
};

struct clean_run {
    const struct clean_options *o;
    struct manifest_reader *reader;
    struct journal *journal;
    size_t n_done, n_next, n_waiting;
    bool went_on;         ///< an earlier run left its decisions
    struct print *prints; ///< owned
    size_t n_prints, room;
    struct progress progress;
    size_t tally[BRL_N_VERDICTS + 1]; ///< the last: broken
};

static void item_free(struct item *item)
{
    manifest_record_done(&item->record);
    brl_check_done(&item->check);
    free(item->drawn);
    free(item);
}

static void run_done(struct clean_run *run)
{
    manifest_close(run->reader);
    journal_close(run->journal, false);
    for (size_t i = 0; i < run->n_prints; i++) {
        free(run->prints[i].id);
        free(run->prints[i].path);
    }
    free(run->prints);
}

/* ---- one picture ---- */

/* The cells that the picture must show: the record's own, else what its text is in its code. */
static int label_of(const struct manifest_record *record, brl_cell cells[LANG_MAX_LABEL_CELLS],
                    size_t *ret_n, struct fail *fail)
{
    enum lang_code code = LANG_CURRENT;

    if (record->n_cells > 0) {
        if (record->n_cells > LANG_MAX_LABEL_CELLS)
            return fail_set(fail, FAIL_INPUT, -E2BIG, "its label has %zu cells, more than %d",
                            record->n_cells, LANG_MAX_LABEL_CELLS);
        memcpy(cells, record->cells, record->n_cells * sizeof(*cells));
        *ret_n = record->n_cells;
        return 0;
    }
    if (!record->text)
        return fail_set(fail, FAIL_INPUT, -ENODATA, "it has no label");
    if (record->code && lang_code_parse(record->code, &code) < 0)
        return fail_set(fail, FAIL_INPUT, -EINVAL, "'%s' is no code that we know", record->code);
    return lang_encode(code, record->text, cells, ret_n, fail);
}

/* The light turns with the picture. */
static double light_of(const struct clean_options *o, const struct manifest_record *record)
{
    const bool turned = record->augment && strstr(record->augment, "turn-180");
    return o->light_deg < 0 ? -1 : fmod(o->light_deg + (turned ? 180 : 0), 360);
}

static int examine(const struct clean_options *o, struct item *item, struct fail *fail)
{
    const struct manifest_record *record = &item->record;
    CLEANUP(image_freep) struct image *img = NULL;
    CLEANUP(image_freep) struct image *drawn = NULL;
    CLEANUP_FREE char *path = manifest_path(o->dir, record->image);
    brl_cell cells[LANG_MAX_LABEL_CELLS];
    size_t n = 0;

    if (!path)
        return -ENOMEM;
    int r = label_of(record, cells, &n, fail);
    if (r == 0)
        r = image_load(path, &img, fail);
    if (r == 0)
        r = image_phash(img, &item->phash);
    if (r < 0 || item->skip)
        return r;
    r = brl_check(img, cells, n,
                  &(struct brl_check_params){.dpi = o->dpi > 0 ? o->dpi : record->dpi,
                                             .light_deg = light_of(o, record),
                                             .eps = o->eps},
                  &item->check);
    if (r == -EINVAL)
        return fail_set(fail, FAIL_INPUT, r, "its label has no raised dot");
    if (r < 0 || o->pictures == NONE || (o->pictures == BAD && item->check.verdict == BRL_CLEAN))
        return r;
    r = brl_check_draw(img, &item->check, &drawn);
    return r < 0 ? r : image_encode(drawn, ".png", &item->drawn, &item->drawn_size, fail);
}

static int work(void *ctx, void *p, struct fail *fail)
{
    struct clean_run *run = ctx;
    struct item *item = p;
    struct fail why = {0};

    int r = examine(run->o, item, &why);
    if (r == -ENOMEM)
        return fail_set(fail, FAIL_OTHER, r, "not enough memory for '%s'", item->record.image);
    if (r < 0) { /* of this picture alone; the others go on */
        item->broken = true;
        snprintf(item->why, sizeof(item->why), "%s", why.text);
    }
    return 0;
}

/* ---- duplicates ---- */

static int remember(struct clean_run *run, const struct item *item)
{
    if (run->n_prints == run->room) {
        const size_t room = MAX(run->room * 2, (size_t) 1024);
        struct print *more = realloc(run->prints, room * sizeof(*more));
        if (!more)
            return -ENOMEM;
        run->prints = more;
        run->room = room;
    }
    struct print print = {item->phash, strdup(item->record.id),
                          manifest_path(run->o->dir, item->record.image)};
    if (!print.id || !print.path) {
        free(print.id);
        free(print.path);
        return -ENOMEM;
    }
    run->prints[run->n_prints++] = print;
    return 0;
}

/* The first earlier picture of the same print, or NULL. What a picture was made from is no
 * duplicate of it. */
static const struct print *find_print(const struct clean_run *run, const struct item *item)
{
    CLEANUP(image_freep) struct image *img = NULL;
    CLEANUP_FREE char *path = manifest_path(run->o->dir, item->record.image);

    for (size_t i = 0; path && i < run->n_prints; i++) {
        const struct print *p = &run->prints[i];
        CLEANUP(image_freep) struct image *other = NULL;
        double likeness = 0;
        if (__builtin_popcountll(p->phash ^ item->phash) > NEAR_BITS ||
            (item->record.parent && strcmp(item->record.parent, p->id) == 0))
            continue;
        if ((!img && image_load(path, &img, NULL) < 0) || image_load(p->path, &other, NULL) < 0)
            continue;
        if (image_likeness(img, other, &likeness) == 0 && likeness > SAME_PRINT)
            return p;
    }
    return NULL;
}

/* ---- records ---- */

static json_t *rounded(double v)
{
    return json_real(round(v * 100) / 100);
}

static json_t *list_px(const double *v, size_t n)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, rounded(v[i]));
    return list;
}

static json_t *list_dots(const struct brl_check *c)
{
    json_t *list = json_array();

    for (size_t i = 0; i < c->n_dots; i++) {
        const struct brl_check_dot *d = &c->dots[i];
        json_t *dot = json_object();
        if (d->found)
            json_object_set_new(dot, "at", json_pack("[o,o]", rounded(d->at.x), rounded(d->at.y)));
        if (!isnan(d->wanted.x))
            json_object_set_new(dot, "wanted",
                                json_pack("[o,o]", rounded(d->wanted.x), rounded(d->wanted.y)));
        json_array_append_new(list, dot);
    }
    return list;
}

static json_t *to_json(const struct item *item, const char *verdict, const char *rule,
                       const char *twin, const char *picture)
{
    const struct brl_check *c = &item->check;
    json_t *json = json_pack("{s:s, s:s}", "id", item->record.id, "verdict", verdict);

    if (!json)
        return NULL;
    json_object_set_new(json, "side",
                        c->edge >= 0 ? json_string(brl_edge_names[c->edge]) : json_null());
    json_object_set_new(json, "expected", list_px(c->expected, c->n_expected));
    json_object_set_new(json, "measured", list_px(c->measured, c->n_measured));
    json_object_set_new(json, "pitch", c->pitch_px > 0 ? rounded(c->pitch_px) : json_null());
    json_object_set_new(json, "cell", c->cell_px > 0 ? rounded(c->cell_px) : json_null());
    json_object_set_new(json, "skew", rounded(c->skew_deg));
    json_object_set_new(json, "rule", json_string(rule));
    if (twin)
        json_object_set_new(json, "duplicate_of", json_string(twin));
    json_object_set_new(json, "doubt", rounded(c->doubt));
    json_object_set_new(json, "dots", list_dots(c));
    json_object_set_new(json, "picture", picture ? json_string(picture) : json_null());
    return json;
}

static int save_picture(const struct clean_run *run, const struct item *item, char **ret,
                        struct fail *fail)
{
    CLEANUP_FREE char *name = NULL, *path = NULL;
    CLEANUP(file_out_done) struct file_out f = FILE_OUT_INIT;

    if (asprintf(&name, "clean/%s.png", item->record.id) < 0) {
        name = NULL;
        return -ENOMEM;
    }
    path = manifest_path(run->o->dir, name);
    if (!path)
        return -ENOMEM;
    int r = file_out_open(&f, path, fail);
    if (r == 0)
        r = file_out_write(&f, item->drawn, item->drawn_size, fail);
    if (r == 0)
        r = file_out_commit(&f, fail);
    if (r == 0)
        *ret = TAKE_PTR(name);
    return r;
}

static int sync_some(struct clean_run *run, bool all, struct fail *fail)
{
    if (!all && ++run->n_waiting < SYNC_EVERY)
        return 0;
    run->n_waiting = 0;
    return journal_sync(run->journal, fail);
}

static int record_item(struct clean_run *run, struct item *item, struct fail *fail)
{
    CLEANUP_FREE char *picture = NULL, *rule = NULL;
    const char *verdict = item->broken ? "broken" : brl_verdict_names[item->check.verdict];
    const struct print *twin = NULL;
    int r = 0;

    if (item->broken)
        log_warning("braille-dataset clean: '%s': %s", item->record.id, item->why);
    else if (!run->o->keep_duplicates && (twin = find_print(run, item)) != NULL)
        verdict = brl_verdict_names[BRL_DUPLICATE];
    if (twin && asprintf(&rule, "the same print as %s", twin->id) < 0) {
        rule = NULL;
        return -ENOMEM;
    }
    run->tally[item->broken ? BRL_N_VERDICTS : twin ? BRL_DUPLICATE : item->check.verdict]++;
    if (item->drawn)
        r = save_picture(run, item, &picture, fail);
    if (r < 0)
        return r;
    const char *why = item->broken ? item->why : rule ? rule : item->check.rule;
    json_t *json = to_json(item, verdict, why, twin ? twin->id : NULL, picture);
    r = json ? journal_add(run->journal, json, fail) : -ENOMEM;
    json_decref(json);
    return r < 0 ? r : sync_some(run, false, fail);
}

static int take(void *ctx, void *p, int r, struct fail *fail)
{
    struct clean_run *run = ctx;
    struct item *item = p;

    if (r == 0 && !item->skip) {
        r = record_item(run, item, fail);
        progress_step(&run->progress);
    }
    if (r == 0 && !item->broken && !run->o->keep_duplicates)
        r = remember(run, item);
    item_free(item);
    return r < 0 ? r : 0;
}

static int next(void *ctx, void **ret, struct fail *fail)
{
    struct clean_run *run = ctx;
    struct item *item = calloc(1, sizeof(*item));

    if (!item)
        return -ENOMEM;
    int r = dataset_interrupted(fail);
    if (r == 0)
        r = manifest_next(run->reader, &item->record, fail);
    if (r <= 0) {
        item_free(item);
        return r;
    }
    item->skip = run->n_next++ < run->n_done;
    *ret = item;
    return 1;
}

/* ---- the list and the new set ---- */

static int count_line(void *ctx, const json_t *line, struct fail *fail)
{
    struct clean_run *run = ctx;
    const char *verdict = json_string_value(json_object_get(line, "verdict"));

    run->n_done++;
    for (unsigned v = 0; v < BRL_N_VERDICTS; v++)
        if (verdict && strcmp(verdict, brl_verdict_names[v]) == 0)
            run->tally[v]++;
    run->tally[BRL_N_VERDICTS] += verdict && strcmp(verdict, "broken") == 0;
    return 0;
}

struct list {
    struct manifest_writer *writer;
    bool print;
};

static int copy_line(void *ctx, const json_t *line, struct fail *fail)
{
    struct list *list = ctx;

    if (list->print) {
        json_dumpf(line, stdout, JSON_COMPACT | JSON_REAL_PRECISION(12));
        putchar('\n');
    }
    return manifest_add_json(list->writer, line, fail);
}

static int write_list(struct clean_run *run, struct fail *fail)
{
    CLEANUP(manifest_writer_freep) struct manifest_writer *writer = NULL;

    int r = sync_some(run, true, fail);
    if (r == 0)
        r = manifest_create(run->o->dir, LIST_NAME, &writer, fail);
    struct list list = {writer, run->o->common.json};
    if (r == 0)
        r = journal_replay(run->journal, copy_line, &list, fail);
    return r < 0 ? r : manifest_commit(writer, fail);
}

/* What makes two runs the same: the options, and the set as it is. */
static int describe(const struct clean_options *o, json_t **ret, struct fail *fail)
{
    CLEANUP_FREE char *manifest = manifest_path(o->dir, MANIFEST_NAME);
    char sum[HASH_TEXT];

    int r = manifest ? hash_sha256_file(manifest, sum, fail) : -ENOMEM;
    if (r < 0)
        return r;
    *ret =
        json_pack("{s:s, s:s, s:s, s:f, s:f, s:f, s:b, s:i}", "command", "clean", "version",
                  BRAILLED_VERSION, "manifest", sum, "eps", o->eps, "dpi", o->dpi, "light",
                  o->light_deg, "duplicates", !o->keep_duplicates, "pictures", (int) o->pictures);
    return *ret ? 0 : -ENOMEM;
}

static int count_records(const char *dir, size_t *ret, struct fail *fail)
{
    CLEANUP(manifest_closep) struct manifest_reader *reader = NULL;
    int r = manifest_open(dir, &reader, fail);

    for (*ret = 0; r >= 0; ++*ret) {
        struct manifest_record record;
        r = manifest_next(reader, &record, fail);
        if (r <= 0)
            break;
        manifest_record_done(&record);
    }
    return r;
}

/* Walks through the manifest and the decisions together; they have the same order. */
struct walk {
    const struct clean_options *o;
    struct manifest_reader *records; ///< owned
    struct set_out *set;             ///< links go here; NULL: compare with `there`
    struct manifest_reader *there;   ///< owned
    size_t n_clean;
};

static void walk_done(struct walk *w)
{
    manifest_close(w->records);
    manifest_close(w->there);
}

static int link_record(struct walk *w, const struct manifest_record *record, struct fail *fail)
{
    CLEANUP_FREE char *path = manifest_path(w->o->dir, record->image);
    struct manifest_record other;

    if (!path)
        return -ENOMEM;
    if (w->set)
        return w->n_clean++ < w->set->n_done ? 0 : set_link(w->set, record, path, NULL, fail);
    int r = manifest_next(w->there, &other, NULL);
    if (r <= 0)
        return -ESTALE;
    r = strcmp(other.id, record->id) == 0 ? 0 : -ESTALE;
    manifest_record_done(&other);
    return r;
}

static int walk_line(void *ctx, const json_t *line, struct fail *fail)
{
    struct walk *w = ctx;
    const char *id = json_string_value(json_object_get(line, "id"));
    const char *verdict = json_string_value(json_object_get(line, "verdict"));
    struct manifest_record record;

    int r = manifest_next(w->records, &record, fail);
    if (r < 0)
        return r;
    if (r == 0 || !id || !verdict || strcmp(id, record.id) != 0) {
        if (r > 0)
            manifest_record_done(&record);
        return fail_set(fail, FAIL_INPUT, -EBADMSG,
                        "the manifest of '%s' changed since it was cleaned; clean again with "
                        "--force",
                        w->o->dir);
    }
    r = strcmp(verdict, brl_verdict_names[BRL_CLEAN]) == 0 ? link_record(w, &record, fail) : 0;
    manifest_record_done(&record);
    return r;
}

/* Did an earlier run finish OUT and was ended before it could say so? */
static bool is_there(const struct clean_run *run)
{
    CLEANUP(walk_done) struct walk w = {.o = run->o};
    struct manifest_record more;

    if (manifest_open(run->o->out, &w.there, NULL) < 0 ||
        manifest_open(run->o->dir, &w.records, NULL) < 0 ||
        journal_replay(run->journal, walk_line, &w, NULL) < 0)
        return false;
    if (manifest_next(w.there, &more, NULL) == 0)
        return true;
    manifest_record_done(&more);
    return false;
}

static void set_donep(struct set_out *set)
{
    set_done(set);
}

static int write_set(const struct clean_run *run, struct fail *fail)
{
    const struct clean_options *o = run->o;
    CLEANUP(set_donep) struct set_out set = {0};
    CLEANUP(walk_done) struct walk w = {.o = o, .set = &set};
    CLEANUP_FREE char *card = NULL, *licence = NULL;
    json_t *how = NULL;

    if (run->went_on && is_there(run))
        return 0;
    int r = describe(o, &how, fail);
    if (r == 0)
        r = set_open(&set, o->out, how, o->common.force, fail);
    if (r == 0)
        r = manifest_open(o->dir, &w.records, fail);
    if (r == 0)
        r = journal_replay(run->journal, walk_line, &w, fail);
    json_decref(how);
    if (r == 0)
        r = card_licence(o->dir, &licence, fail);
    if (r < 0)
        return r;
    if (asprintf(&card,
                 "# %zu clean pictures\n\n- **From** %zu pictures cleaned by the rule of dot "
                 "distances (eps %.2f dot pitches): over %zu, under %zu, misaligned %zu, mismatch "
                 "%zu, blank %zu, duplicate %zu, unsure %zu, broken %zu were left out.\n"
                 "- **Why** each one: `clean.jsonl` of the set they come from.\n"
                 "- **Made by** `braille-dataset clean`, version %s.\n%s%s\n",
                 run->tally[BRL_CLEAN], run->n_next, o->eps, run->tally[BRL_OVER],
                 run->tally[BRL_UNDER], run->tally[BRL_MISALIGNED], run->tally[BRL_MISMATCH],
                 run->tally[BRL_BLANK], run->tally[BRL_DUPLICATE], run->tally[BRL_UNSURE],
                 run->tally[BRL_N_VERDICTS], BRAILLED_VERSION, *licence ? "- " : "", licence) < 0) {
        card = NULL;
        return -ENOMEM;
    }
    return set_commit(&set, card, fail);
}

static int make_room(const struct clean_options *o, const char *partial, struct fail *fail)
{
    CLEANUP_FREE char *list = manifest_path(o->dir, LIST_NAME),
                      *clean = manifest_path(o->dir, "clean");

    if (!list || !clean)
        return -ENOMEM;
    /* the journal goes last: while it is there the run has not ended */
    if (access(list, F_OK) == 0 && access(partial, F_OK) != 0 && !o->common.force)
        return fail_set(fail, FAIL_CREATE, -EEXIST,
                        "'%s' has been cleaned already ('%s'); clean it again with --force", o->dir,
                        list);
    if (o->pictures != NONE && mkdir(clean, 0777) < 0 && errno != EEXIST)
        return fail_set(fail, FAIL_CREATE, -errno, "cannot create the folder '%s': %m", clean);
    return 0;
}

static int open_journal(struct clean_run *run, const char *partial, const json_t *how,
                        struct fail *fail)
{
    struct fail why = {0};
    int r = journal_open(partial, how, run->o->common.force, count_line, run, &run->journal, &why);

    if (r == -EEXIST)
        return fail_set(fail, FAIL_CREATE, r,
                        "'%s' holds an interrupted run with other options, or of another state of "
                        "the set; begin anew with --force",
                        run->o->dir);
    return r < 0 && why.kind ? fail_set(fail, why.kind, r, "%s", why.text) : r;
}

static int clean_set(const struct clean_options *o, struct clean_run *run, struct fail *fail)
{
    CLEANUP_FREE char *partial = manifest_path(o->dir, PARTIAL_NAME);
    json_t *how = NULL;
    size_t total = 0;
    int r = partial ? 0 : -ENOMEM;

    if (r == 0 && o->out)
        r = set_check_other(o->dir, o->out, fail);
    if (r == 0)
        r = count_records(o->dir, &total, fail);
    if (r == 0)
        r = make_room(o, partial, fail);
    if (r == 0)
        r = describe(o, &how, fail);
    if (r == 0)
        r = manifest_open(o->dir, &run->reader, fail);
    if (r == 0)
        r = open_journal(run, partial, how, fail);
    json_decref(how);
    if (r < 0)
        return r;
    run->went_on = run->n_done > 0;
    progress_start(&run->progress, N_("cleaning"), run->n_done, total, o->common.quiet);
    const struct batch batch = {
        .n_jobs = o->common.n_jobs, .ctx = run, .next = next, .work = work, .take = take};
    r = batch_run(&batch, fail);
    progress_end(&run->progress);
    if (r < 0) {
        journal_sync(run->journal, NULL); /* for the next run */
        return r;
    }
    r = write_list(run, fail);
    if (r == 0 && o->out)
        r = write_set(run, fail);
    if (r == 0)
        run->journal = journal_close(run->journal, true);
    return r;
}

static void print_tally(const struct clean_run *run)
{
    if (run->o->common.quiet)
        return;
    fprintf(stderr, "%zu pictures:", run->n_next);
    for (unsigned v = 0; v <= BRL_N_VERDICTS; v++)
        if (run->tally[v])
            fprintf(stderr, " %s %zu", v < BRL_N_VERDICTS ? brl_verdict_names[v] : "broken",
                    run->tally[v]);
    fputc('\n', stderr);
}

enum { PICTURES = DATASET_OWN, EPS, DPI, LIGHT, KEEP };

static int parse_option(int c, void *ctx)
{
    struct clean_options *o = ctx;
    static const char *const names[] = {"bad", "all", "no"};
    int r = dataset_common_option(c, "clean", &o->common);

    if (r != 0)
        return r < 0 ? r : 0;
    switch (c) {
    case 'o':
        o->out = optarg;
        break;
    case PICTURES:
        r = -EINVAL;
        for (unsigned i = 0; i < ELEMENTSOF(names); i++)
            if (strcmp(optarg, names[i]) == 0) {
                o->pictures = (enum which) i;
                r = 0;
            }
        break;
    case EPS:
        r = dataset_parse_number(optarg, 0.5, &o->eps);
        break;
    case DPI:
        r = dataset_parse_number(optarg, 4800, &o->dpi);
        break;
    case LIGHT:
        o->light_deg = -1;
        if (strcmp(optarg, "any") != 0) {
            uint64_t degrees = 0;
            r = dataset_parse_whole(optarg, 359, &degrees);
            o->light_deg = (double) degrees;
        }
        break;
    case KEEP:
        o->keep_duplicates = true;
        break;
    default:
        return -EINVAL; /* getopt has said why */
    }
    if (r < 0)
        log_error("braille-dataset clean: '%s' does not fit its option; see --help", optarg);
    return r;
}

static int parse_options(int argc, char **argv, struct clean_options *o)
{
    static const struct option options[] = {{"output", required_argument, NULL, 'o'},
                                            {"pictures", required_argument, NULL, PICTURES},
                                            {"eps", required_argument, NULL, EPS},
                                            {"dpi", required_argument, NULL, DPI},
                                            {"light", required_argument, NULL, LIGHT},
                                            {"keep-duplicates", no_argument, NULL, KEEP},
                                            DATASET_COMMON_OPTIONS,
                                            {0}};

    int r = dataset_parse_options(argc, argv, options, help, parse_option, o);
    if (r != 0)
        return r;
    if (optind != argc - 1) {
        log_error("braille-dataset clean: name the folder of one data set; see --help");
        return -EINVAL;
    }
    o->dir = argv[optind];
    return 0;
}

int dataset_clean(int argc, char **argv)
{
    struct clean_options o = {.common = DATASET_COMMON, .eps = 0.20};
    CLEANUP(run_done) struct clean_run run = {.o = &o};
    struct fail fail = {0};

    int r = parse_options(argc, argv, &o);
    if (r != 0)
        return r < 0 ? FAIL_USAGE : 0;
    dataset_catch_signals();
    r = clean_set(&o, &run, &fail);
    if (r == 0)
        print_tally(&run);
    return dataset_end("clean", r, &fail);
}
