/* SPDX-License-Identifier: Apache-2.0
 *
 * braille-dataset augment: a data set and its pictures' twins, turned, on other paper or disturbed.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/batch.h"
#include "base/log.h"
#include "tools/dataset/card.h"
#include "tools/dataset/dataset.h"
#include "tools/dataset/ids.h"
#include "tools/dataset/set.h"
#include "tools/dataset/twin.h"

struct augment_options {
    struct dataset_common common;
    struct twin_options twins;
    const char *from, *out;
    const char *type;  ///< only pictures of this type; NULL: all
    const char *reuse; ///< a set that has the same twins already; NULL: none
};

/* One original and what becomes of it: item k of it is line k of the set, the original first. */
struct line {
    struct manifest_record record;
    char *path;     ///< owned; the picture that is linked, NULL: `bytes`
    uint8_t *bytes; ///< owned
    size_t size;
    struct fail why; ///< why it is left out
};
struct item {
    struct manifest_record from;
    size_t first;       ///< number of its first line
    struct line *lines; ///< owned, [1 + twins.n]
    uint8_t *bytes;     ///< owned; the original's file, and
    size_t size;
    struct image *img; ///< owned; what it shows
};

struct run {
    const struct augment_options *o;
    struct ids ids;   ///< of the set that is augmented
    struct ids reuse; ///< of the set that has twins already, with checksums
    struct manifest_reader *reader;
    struct set_out set;
    struct card card;
    struct progress progress;
    size_t n_lines; ///< given out so far
};

static unsigned lines_each(const struct run *run)
{
    return 1 + run->o->twins.n;
}

static void item_free(const struct run *run, struct item *item)
{
    for (unsigned k = 0; item->lines && k < lines_each(run); k++) {
        manifest_record_done(&item->lines[k].record);
        free(item->lines[k].path);
        free(item->lines[k].bytes);
    }
    free(item->lines);
    free(item->bytes);
    image_free(item->img);
    manifest_record_done(&item->from);
    free(item);
}

/* ---- the next picture ---- */

static int next_item(void *ctx, void **ret_item, struct fail *fail)
{
    struct run *run = ctx;
    const char *type = run->o->type;
    struct manifest_record from;
    int r;

    while ((r = dataset_interrupted(fail)) == 0 &&
           (r = manifest_next(run->reader, &from, fail)) == 1) {
        const bool wanted = !type || (from.type && strcmp(from.type, type) == 0);
        const size_t first = run->n_lines;
        if (wanted)
            run->n_lines += lines_each(run);
        if (!wanted || run->n_lines <= run->set.n_done) { /* an earlier run did it */
            manifest_record_done(&from);
            continue;
        }
        struct item *item = calloc(1, sizeof(*item));
        if (!item) {
            manifest_record_done(&from);
            return -ENOMEM;
        }
        *item = (struct item){.from = from, .first = first};
        *ret_item = item;
        return 1;
    }
    return r;
}

/* ---- work on one ---- */

/* The picture's bytes, which must be those that the manifest knows. */
static int load(const struct run *run, struct item *item, struct fail *fail)
{
    struct line *line = &item->lines[0];
    char sum[HASH_TEXT];

    line->path = manifest_path(run->o->from, item->from.image);
    if (!line->path)
        return -ENOMEM;
    int r = file_read(line->path, IMAGE_MAX_FILE_BYTES, &item->bytes, &item->size, fail);
    if (r == 0)
        r = hash_sha256(item->bytes, item->size, sum);
    if (r == 0 && item->from.sha256 && strcmp(sum, item->from.sha256) != 0)
        r = fail_set(fail, FAIL_INPUT, -EBADMSG,
                     "'%s' is not the picture that the manifest knows: its checksum differs",
                     line->path);
    if (r == 0)
        r = manifest_set(&line->record.sha256, sum);
    if (r == 0)
        r = image_decode(item->bytes, item->size, line->path, &item->img, fail);
    return r;
}

/* The same picture in the other set, under the name that the same lot gives it there. */
static int reuse(const struct run *run, struct line *line, const struct twin_plan *plan)
{
    const unsigned plain = 1u << TWIN_TURN | 1u << TWIN_BACKGROUND; /* the name says all of it */
    char sum[HASH_TEXT];

    if (plan->kinds & ~plain || !ids_has(&run->reuse, line->record.id))
        return 0;
    CLEANUP_FREE char *path = manifest_path(run->o->reuse, line->record.image);
    if (!path)
        return -ENOMEM;
    if (hash_sha256_file(path, sum, NULL) < 0 || !ids_sum_is(&run->reuse, line->record.id, sum))
        return 0;
    line->path = TAKE_PTR(path);
    return manifest_set(&line->record.sha256, sum);
}

static int draw_twin(const struct run *run, const struct item *item, unsigned k, struct line *line)
{
    CLEANUP(image_freep) struct image *out = NULL;
    const struct image *img = item->img;
    struct twin_plan plan;
    unsigned w, h;
    double map[6];

    twin_draw(&run->o->twins, item->from.id, k, &plan);
    int r = image_augment_place(img->width, img->height, &plan.how, &w, &h, map);
    if (r < 0)
        return fail_set(&line->why, FAIL_INPUT, r, "the picture would be too large");
    r = twin_record(&item->from, &plan, map, w, h, &line->record);
    if (r < 0)
        return r;
    if (ids_has(&run->ids, line->record.id) || ids_has_image(&run->ids, line->record.image))
        return fail_set(&line->why, FAIL_INPUT, -EEXIST, "the set has a picture of that name");
    r = reuse(run, line, &plan);
    if (r < 0 || line->path)
        return r;
    r = image_augment(img, &plan.how, &out);
    if (r < 0)
        return r;
    out->dpi = line->record.dpi;
    return image_encode(out, line->record.image, &line->bytes, &line->size, &line->why);
}

static void blame(struct line *line, int r, const struct fail *why)
{
    line->why = *why;
    fail_set(&line->why, FAIL_OTHER, r, "%m");
}

static int work_item(void *ctx, void *arg, struct fail *fail)
{
    const struct run *run = ctx;
    struct item *item = arg;
    struct fail why = {0};

    item->lines = calloc(lines_each(run), sizeof(*item->lines));
    if (!item->lines)
        return -ENOMEM;
    int r = manifest_record_copy(&item->from, &item->lines[0].record);
    if (r < 0)
        return r;
    r = load(run, item, &why);
    if (r == -ENOMEM)
        return r;
    if (r < 0) { /* the twins are missing with it */
        for (unsigned k = 0; k < lines_each(run); k++)
            blame(&item->lines[k], r, &why);
        return 0;
    }
    for (unsigned k = 0; k < run->o->twins.n; k++) {
        struct line *line = &item->lines[1 + k];
        r = draw_twin(run, item, k, line);
        if (r == -ENOMEM)
            return r;
        if (r < 0)
            blame(line, r, &line->why);
    }
    return 0;
}

/* ---- into the set ---- */

static int skip_line(struct run *run, const struct item *item, unsigned k, struct fail *fail)
{
    const struct line *line = &item->lines[k];
    struct twin_plan plan = {0};

    if (k > 0)
        twin_draw(&run->o->twins, item->from.id, k - 1, &plan);
    /* a twin that is missing because its original is has no line of its own on the terminal */
    if (k == 0 || item->lines[0].why.kind == FAIL_NONE)
        log_warning("braille-dataset augment: %s%s is left out: %s", item->from.id, plan.ending,
                    line->why.text);
    json_t *id = json_sprintf("%s%s", item->from.id, plan.ending);
    json_t *why =
        json_pack("{s:o, s:s, s:s}", "id", id, "image", item->from.image, "why", line->why.text);
    int r = why ? set_skip(&run->set, why, fail) : -ENOMEM;
    json_decref(why);
    return r;
}

static int take_line(struct run *run, struct item *item, unsigned k, struct fail *fail)
{
    struct line *line = &item->lines[k];
    const bool out = line->why.kind != FAIL_NONE;
    int r;

    if (out)
        r = skip_line(run, item, k, fail);
    else if (line->path)
        r = set_link(&run->set, &line->record, line->path, NULL, fail);
    else
        r = set_add(&run->set, &line->record, line->bytes, line->size, NULL, fail);
    return r < 0 ? r : card_add(&run->card, out ? NULL : &line->record);
}

static int take_item(void *ctx, void *arg, int r, struct fail *fail)
{
    struct run *run = ctx;
    struct item *item = arg;

    for (unsigned k = 0; r == 0 && k < lines_each(run); k++)
        if (item->first + k >= run->set.n_done) /* a kill may come between two twins */
            r = take_line(run, item, k, fail);
    if (r == 0)
        progress_step(&run->progress);
    item_free(run, item);
    return r;
}

/* ---- the whole run ---- */

/* What must be the same for a run to go on where another stopped. */
static json_t *describe(const struct augment_options *o, const char *manifest_sum)
{
    json_t *kinds = json_array();

    for (unsigned kind = 0; kind < TWIN_N_KINDS; kind++)
        if (o->twins.kinds & 1u << kind)
            json_array_append_new(kinds, json_string(twin_kind_names[kind]));
    return json_pack("{s:s, s:s, s:s, s:s*, s:o, s:o, s:b, s:i, s:i}", "command", "augment",
                     "version", BRAILLED_VERSION, "manifest", manifest_sum, "type", o->type, "seed",
                     json_sprintf("%llu", (unsigned long long) o->twins.seed), "kinds", kinds,
                     "together", o->twins.together, "per_image", (int) o->twins.n, "skew_tenths",
                     (int) o->twins.skew_tenths);
}

static int draw_all(struct run *run, struct fail *fail)
{
    const struct batch batch = {.n_jobs = run->o->common.n_jobs,
                                .ctx = run,
                                .next = next_item,
                                .work = work_item,
                                .take = take_item};

    progress_start(&run->progress, N_("augmenting"), run->set.n_done / lines_each(run),
                   run->ids.n_of_type, run->o->common.quiet);
    int r = manifest_open(run->o->from, &run->reader, fail);
    if (r == 0)
        r = batch_run(&batch, fail);
    progress_end(&run->progress);
    return r;
}

static const char about[] =
    "The pictures of another set and, for each, twins made from it by `braille-dataset augment`. "
    "A twin's `parent` is the picture it was made from and `augment` says how. `text` stays the "
    "label; `cells` and `boxes` say what the picture shows as it lies, and `reads` what a turned "
    "one reads.";

static int finish(struct run *run, struct fail *fail)
{
    const size_t n_skipped = run->set.n_skipped;
    CLEANUP_FREE char *licence = NULL, *text = NULL;

    int r = card_licence(run->o->from, &licence, fail);
    if (r == 0 && asprintf(&text, "%s%s%s", about, *licence ? "\n\n" : "", licence) < 0) {
        text = NULL;
        r = -ENOMEM;
    }
    if (r == 0)
        r = card_write(&run->card, "Pictures and their twins", text);
    if (r == 0)
        r = set_commit(&run->set, run->card.text, fail);
    if (r == 0 && run->o->common.json)
        r = card_print(&run->card);
    if (r == 0 && n_skipped > 0)
        log_warning("braille-dataset augment: %zu pictures are left out, see '%s/skipped.jsonl'",
                    n_skipped, run->o->out);
    return r;
}

static int augment(const struct augment_options *o, struct fail *fail)
{
    struct run run = {.o = o};
    json_t *how = NULL;

    int r = set_check_other(o->from, o->out, fail);
    if (r == 0)
        r = ids_load(&run.ids, o->from, o->type, false, fail);
    if (r == 0 && o->reuse)
        r = ids_load(&run.reuse, o->reuse, NULL, true, fail);
    if (r == 0)
        r = (how = describe(o, run.ids.manifest_sum)) ? 0 : -ENOMEM;
    if (r == 0)
        r = set_open(&run.set, o->out, how, o->common.force, fail);
    if (r == 0)
        r = card_begin(&run.card, run.set.journal, how, fail);
    if (r == 0)
        r = draw_all(&run, fail);
    if (r == 0)
        r = finish(&run, fail);
    card_done(&run.card);
    set_done(&run.set);
    json_decref(how);
    manifest_close(run.reader);
    ids_done(&run.ids);
    ids_done(&run.reuse);
    return r;
}

/* ---- options ---- */

static const char help[] =
    N_("usage: braille-dataset augment DIR -o OUT [OPTIONS]\n\n"
       "The pictures of the set DIR and a twin of each: half of the twins turned by 180 degrees,\n"
       "half on paper of another colour, by lot. Labels, cells and boxes travel with them.\n"
       "A picture gets the same twin in every run and in every set that has it.\n\n"
       "  -o, --output OUT         the new set\n"
       "      --per-image N        twins a picture (1)\n"
       "      --type NAME          only pictures of this type: number, spell, punctuation, …\n"
       "      --reuse DIR          link turned and recoloured twins that the set DIR has already\n"
       "Kinds of twins; each gets one of those named (--turn --background), by lot:\n"
       "      --turn               turned by 180 degrees\n"
       "      --background         on paper of another colour\n"
       "      --skew DEG           askew by at most DEG degrees, either way\n"
       "      --scale              85 to 115 percent of the size\n"
       "      --light              brighter or darker, more so at one edge\n"
       "      --shadow             a shadow falls on it from one edge\n"
       "      --blur               out of focus\n"
       "      --noise              a noisy camera\n"
       "      --jpeg               what JPEG of low quality does\n"
       "      --together           each twin gets all of the kinds that are "
       "named\n");

enum { PER_IMAGE = DATASET_OWN, TYPE, REUSE, TOGETHER, KIND };

static int parse_skew(struct augment_options *o)
{
    double degrees;

    int r = dataset_parse_number(optarg, 45, &degrees);
    if (r < 0 || degrees < 0.1)
        return -EINVAL;
    o->twins.skew_tenths = (unsigned) (degrees * 10 + 0.5);
    return 0;
}

static int parse_option(int c, void *ctx)
{
    struct augment_options *o = ctx;
    uint64_t n = o->twins.n;
    int r = dataset_common_option(c, "augment", &o->common);

    if (r != 0)
        return r < 0 ? r : 0;
    switch (c) {
    case 'o':
        o->out = optarg;
        break;
    case PER_IMAGE:
        r = dataset_parse_whole(optarg, TWIN_MAX, &n);
        o->twins.n = (unsigned) n;
        break;
    case TYPE:
        o->type = optarg;
        break;
    case REUSE:
        o->reuse = optarg;
        break;
    case TOGETHER:
        o->twins.together = true;
        break;
    default:
        if (c < KIND || c >= KIND + TWIN_N_KINDS)
            return -EINVAL;
        o->twins.kinds |= 1u << (c - KIND);
        if (c == KIND + TWIN_SKEW)
            r = parse_skew(o);
    }
    if (r < 0 || n == 0) {
        log_error("braille-dataset augment: '%s' does not fit its option; see --help", optarg);
        return -EINVAL;
    }
    return 0;
}

/* 0, 1: help was printed, or -EINVAL. */
static int parse_all(int argc, char **argv, struct augment_options *o)
{
    static const struct option options[] = {
        {"output", required_argument, NULL, 'o'},
        {"per-image", required_argument, NULL, PER_IMAGE},
        {"type", required_argument, NULL, TYPE},
        {"reuse", required_argument, NULL, REUSE},
        {"together", no_argument, NULL, TOGETHER},
        {"turn", no_argument, NULL, KIND + TWIN_TURN},
        {"background", no_argument, NULL, KIND + TWIN_BACKGROUND},
        {"skew", required_argument, NULL, KIND + TWIN_SKEW},
        {"scale", no_argument, NULL, KIND + TWIN_SCALE},
        {"light", no_argument, NULL, KIND + TWIN_LIGHT},
        {"shadow", no_argument, NULL, KIND + TWIN_SHADOW},
        {"blur", no_argument, NULL, KIND + TWIN_BLUR},
        {"noise", no_argument, NULL, KIND + TWIN_NOISE},
        {"jpeg", no_argument, NULL, KIND + TWIN_JPEG},
        DATASET_COMMON_OPTIONS,
        {0}};

    int r = dataset_parse_options(argc, argv, options, help, parse_option, o);
    if (r != 0)
        return r;
    if (!o->out || optind != argc - 1) {
        dataset_print_help(stderr, help);
        return -EINVAL;
    }
    o->from = argv[optind];
    return 0;
}

int dataset_augment(int argc, char **argv)
{
    struct augment_options o = {.common = DATASET_COMMON, .twins = {.n = 1, .skew_tenths = 30}};
    struct fail fail = {0};

    int r = parse_all(argc, argv, &o);
    if (r != 0)
        return r < 0 ? FAIL_USAGE : 0;
    if (!o.twins.kinds)
        o.twins.kinds = 1u << TWIN_TURN | 1u << TWIN_BACKGROUND;
    o.twins.seed = o.common.seed;
    dataset_catch_signals();
    return dataset_end("augment", augment(&o, &fail), &fail);
}
