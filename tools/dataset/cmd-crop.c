/* SPDX-License-Identifier: Apache-2.0
 *
 * braille-dataset crop: cells, syllables, words or lines out of whole pages, with their labels, cut
 * well or badly on purpose.
 */

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/batch.h"
#include "base/log.h"
#include "base/random.h"
#include "lang/encode.h"
#include "tools/dataset/dataset.h"
#include "tools/dataset/pagetruth.h"
#include "tools/dataset/set.h"

#define MM_PER_INCH 25.4
#define MAX_PAGES 100000

const char dataset_crop_help[] = N_(
    "usage: braille-dataset crop SOURCE... --unit UNIT -o OUT [OPTIONS]\n"
    "       braille-dataset crop PAGE... -o OUT [--truth] [OPTIONS]\n\n"
    "With --unit: cut pieces with their labels out of pages that are annotated, as a data set.\n"
    "SOURCE is a picture X.jpg with X+recto.txt beside it (DSBI), or the folder of a data set\n"
    "of pages ('import' makes them).\n"
    "Without --unit: find the grid of each page and cut every place where a cell can stand, as\n"
    "the reader does. OUT.u8 gets the crops (n x height x width grey bytes), OUT.tsv a line\n"
    "for each.\n\n"
    "Without --unit:\n"
    "      --truth              label crops from X+recto.txt or X+verso.txt beside X.jpg (DSBI)\n"
    "      --side SIDE          recto (default) or verso\n"
    "      --width N            pixels of a crop (32)\n"
    "      --height N           pixels of a crop (48)\n"
    "      --px-per-pitch N     pixels of a crop a dot pitch (10)\n"
    "      --dpi N              resolution of the pages (from the file, else found)\n"
    "      --orientation DEG    0, 90, 180 or 270 (found)\n"
    "  -q, --quiet              say nothing about each page\n"
    "With --unit:\n"
    "  -o, --output OUT         folder of the new data set\n"
    "      --unit UNIT          cell, syllable, word or line\n"
    "      --side SIDE          recto (default) or verso, which is mirrored and inverted so\n"
    "                           that it looks like a recto; pages of a data set know their side\n"
    "      --code CODE          what the pages are written in: current, common or two-cell (told\n"
    "                           by each page itself)\n"
    "      --margin N           dot pitches from the outer dots to the edge (0.8)\n"
    "      --count N            so many crops, by lot; each piece again and again if need be\n"
    "                           (every piece once)\n"
    "      --faults N           so many of them are cut badly: too wide, too narrow, through a\n"
    "                           dot, on each edge; OUT/truth.jsonl tells which (0)\n"
    "      --dpi N              resolution of the pages (from the file)\n");

struct crop_options {
    struct dataset_common common;
    const char *out, *code;
    enum page_unit unit;
    enum brl_side side;
    double margin, dpi;
    uint64_t count, faults;
};

/* A page to cut from: a picture with its annotation, or a record of a set. */
struct source {
    char *name; ///< for ids and `source`; owned
    char *path; ///< picture with an annotation beside it, or NULL; owned
    const char *dir;
    struct manifest_record record;
    size_t n_units;
};

/* One crop that will be cut. */
struct draw {
    uint32_t page, unit, serial;
};

struct crop_run {
    const struct crop_options *o;
    struct source *sources; ///< owned
    size_t n_sources, room;
    struct draw *draws; ///< owned, by page, then unit, then serial
    size_t n_draws, next;
    struct set_out set;
    struct progress progress;
};

/* The crops of one page that follow each other: the batch's item. */
struct item {
    const struct draw *draws;
    size_t n, skip; ///< `skip` of them are there from an earlier run
    struct crop {
        struct manifest_record record;
        uint8_t *png; ///< owned; NULL: cannot be cut, `why` says it
        size_t size;
        json_t *truth;
        char why[160];
    } * crops;
};

static void source_done(struct source *s)
{
    free(s->name);
    free(s->path);
    manifest_record_done(&s->record);
}

static void run_done(struct crop_run *run)
{
    for (size_t i = 0; i < run->n_sources; i++)
        source_done(&run->sources[i]);
    free(run->sources);
    free(run->draws);
    set_done(&run->set);
}

static void item_free(struct item *item)
{
    for (size_t i = 0; item->crops && i < item->n; i++) {
        manifest_record_done(&item->crops[i].record);
        free(item->crops[i].png);
        json_decref(item->crops[i].truth);
    }
    free(item->crops);
    free(item);
}

/* ---- pages ---- */

static int add_source(struct crop_run *run, struct source *taken)
{
    if (run->n_sources == run->room) {
        const size_t room = MAX(run->room * 2, (size_t) 64);
        struct source *more = realloc(run->sources, room * sizeof(*more));
        if (!more || room > MAX_PAGES) {
            source_done(taken);
            return more ? -E2BIG : -ENOMEM;
        }
        run->sources = more;
        run->room = room;
    }
    run->sources[run->n_sources++] = *taken;
    return 0;
}

/* The letters that an id may hold. */
static char *id_of(const char *name)
{
    char *id = strdup(name);
    for (char *p = id; p && *p; p++)
        if (!strchr("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_.+#", *p))
            *p = '_';
    if (id && *id == '.')
        *id = '_';
    return id;
}

static int add_picture(struct crop_run *run, const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    const char *dot = strrchr(name, '.');
    CLEANUP_FREE char *stem = strndup(name, dot ? (size_t) (dot - name) : strlen(name));
    struct source s = {.path = strdup(path)};

    s.name = stem ? id_of(stem) : NULL;
    if (!s.name || !s.path) {
        source_done(&s);
        return -ENOMEM;
    }
    return add_source(run, &s);
}

static int add_set(struct crop_run *run, const char *dir, struct fail *fail)
{
    CLEANUP(manifest_closep) struct manifest_reader *reader = NULL;
    int r = manifest_open(dir, &reader, fail);

    while (r >= 0) {
        struct source s = {.dir = dir};
        r = manifest_next(reader, &s.record, fail);
        if (r <= 0)
            break;
        s.name = strdup(s.record.id);
        r = s.name ? add_source(run, &s) : -ENOMEM;
    }
    return r;
}

static int load_page(const struct crop_run *run, const struct source *s, struct page_truth *ret,
                     struct fail *fail)
{
    int r = s->path ? page_truth_dsbi(s->path, run->o->side, ret, fail)
                    : page_truth_record(s->dir, &s->record, ret, fail);
    if (r < 0)
        return r;
    const char *named = s->record.code ? s->record.code : run->o->code;
    if (!named || lang_code_parse(named, &ret->code) < 0)
        r = page_truth_find_code(ret);
    return r;
}

/* ---- which pieces ---- */

static int by_draw(const void *a, const void *b)
{
    const struct draw *x = a, *y = b;
    if (x->page != y->page)
        return x->page < y->page ? -1 : 1;
    if (x->unit != y->unit)
        return x->unit < y->unit ? -1 : 1;
    return (x->serial > y->serial) - (x->serial < y->serial);
}

/* Serial numbers go to pieces by lot; a round through all pieces comes before any piece's second
 * turn. */
static int draw_lots(struct crop_run *run, size_t n_units)
{
    const size_t n = run->o->count ? run->o->count : n_units;
    CLEANUP_FREE struct draw *all = calloc(n_units + 1, sizeof(*all));
    struct random rnd = {run->o->common.seed};
    size_t k = 0;

    run->draws = calloc(n + 1, sizeof(*run->draws));
    if (!all || !run->draws)
        return -ENOMEM;
    for (uint32_t p = 0; p < run->n_sources; p++)
        for (uint32_t u = 0; u < run->sources[p].n_units; u++)
            all[k++] = (struct draw){.page = p, .unit = u};
    for (size_t i = 0; i < n && n_units > 0; i++) {
        const size_t at = i % n_units;
        const size_t other = at + random_below(&rnd, n_units - at);
        const struct draw swap = all[at];
        all[at] = all[other];
        all[other] = swap;
        run->draws[run->n_draws] = all[at];
        run->draws[run->n_draws++].serial = (uint32_t) i;
    }
    qsort(run->draws, run->n_draws, sizeof(*run->draws), by_draw);
    return 0;
}

static int choose(struct crop_run *run, struct fail *fail)
{
    size_t n_units = 0;

    for (size_t i = 0; i < run->n_sources; i++) {
        CLEANUP(page_truth_done) struct page_truth page = {0};
        struct page_run *units = NULL;
        struct fail why = {0};
        int r = load_page(run, &run->sources[i], &page, &why);
        if (r == -ENOMEM)
            return r;
        if (r < 0) { /* one page less; the others go on */
            log_warning("braille-dataset crop: %s", why.text);
            continue;
        }
        r = page_runs(&page, run->o->unit, &units, &run->sources[i].n_units);
        if (r < 0)
            return r;
        page_runs_free(units, run->sources[i].n_units);
        n_units += run->sources[i].n_units;
    }
    if (n_units == 0)
        return fail_set(
            fail, FAIL_INPUT, -ENODATA,
            "there is nothing to cut: no page has cells; see --help for what a page is");
    return draw_lots(run, n_units);
}

/* ---- cutting ---- */

/* The label with its blanks, and where its cells lie in the crop. */
static int fill_cells(const struct page_truth *page, const struct page_run *unit,
                      const struct brl_cut *cut, struct manifest_record *record, json_t *dots)
{
    const unsigned from = page->place[unit->first].column;
    const size_t n = page->place[unit->first + unit->n - 1].column - from + 1;
    struct brl_point step = {0, 0};

    if (n > MANIFEST_MAX_CELLS)
        return -E2BIG;
    record->cells = calloc(n, sizeof(*record->cells));
    record->boxes = calloc(n, sizeof(*record->boxes));
    if (!record->cells || !record->boxes)
        return -ENOMEM;
    record->n_cells = n;
    const struct brl_point *first = page->cells[unit->first].dot;
    const struct brl_point *last = page->cells[unit->first + unit->n - 1].dot;
    if (n > 1) {
        step.x = (last[0].x - first[0].x) / (double) (n - 1);
        step.y = (last[0].y - first[0].y) / (double) (n - 1);
    }
    size_t at = unit->first;
    for (size_t k = 0; k < n; k++) {
        const bool here = page->place[at].column == from + k;
        const struct brl_point *dot = here ? page->cells[at].dot : first;
        const double dx = here ? 0 : (double) k * step.x, dy = here ? 0 : (double) k * step.y;
        const struct brl_point c = {(dot[0].x + dot[5].x) / 2 + dx, (dot[0].y + dot[5].y) / 2 + dy};
        const double w = hypot(dot[3].x - dot[0].x, dot[3].y - dot[0].y);
        const double h = hypot(dot[2].x - dot[0].x, dot[2].y - dot[0].y);
        json_t *cell = json_array();
        record->boxes[k] = (struct manifest_box){c.x - w / 2 - cut->x, c.y - h / 2 - cut->y, w, h};
        record->cells[k] = here ? page->cells[at].cell : 0;
        for (unsigned d = 0; d < 6; d++)
            json_array_append_new(cell,
                                  record->cells[k] >> d & 1
                                      ? json_pack("[f,f]", round((dot[d].x - cut->x) * 1000) / 1000,
                                                  round((dot[d].y - cut->y) * 1000) / 1000)
                                      : json_null());
        if (json_array_append_new(dots, cell) < 0)
            return -ENOMEM;
        at += here;
    }
    return 0;
}

/* Cut with the wanted fault, or the next one that is possible here. */
static int cut_somehow(const struct page_truth *page, const struct page_run *unit,
                       const struct crop_options *o, uint32_t serial, struct brl_cut_params *params,
                       struct brl_cut *ret)
{
    const bool bad = serial < o->faults;
    const unsigned n_tries = bad ? (BRL_N_FAULTS - 1) * BRL_N_EDGES : 1;
    int r = -ENOENT;

    *params = *brl_cut_params(.margin = o->margin, .margin_vary = 0.15 * o->margin,
                              .seed = o->common.seed * 1000003 + serial);
    for (unsigned k = 0; k < n_tries && r == -ENOENT; k++) {
        if (bad) { /* first the other edges, then the other faults */
            params->edge = (enum brl_edge)((serial / (BRL_N_FAULTS - 1) + k) % BRL_N_EDGES);
            params->fault = (enum brl_fault)(1 + (serial + k / BRL_N_EDGES) % (BRL_N_FAULTS - 1));
        }
        r = brl_cut(page->cells, page->n_cells, unit->first, unit->n, page->pitch_px,
                    page->img->width, page->img->height, params, ret);
    }
    return r;
}

static int label_crop(const struct crop_options *o, const struct source *s,
                      const struct page_truth *page, const struct page_run *unit,
                      const struct draw *draw, struct manifest_record *record)
{
    const struct manifest_place *place = &page->place[unit->first];
    CLEANUP_FREE char *id = NULL, *image = NULL;
    const bool verso =
        s->path ? o->side == BRL_VERSO : s->record.side && strcmp(s->record.side, "verso") == 0;

    if (asprintf(&id, "%s-%s-%u.%u-%u", s->name, verso ? "v" : "r", place->row, place->column,
                 draw->serial) < 0) {
        id = NULL;
        return -ENOMEM;
    }
    if (asprintf(&image, "images/%s.png", id) < 0) {
        image = NULL;
        return -ENOMEM;
    }
    record->dpi = page->dpi;
    int r = manifest_set(&record->id, id);
    if (r == 0)
        r = manifest_set(&record->image, image);
    if (r == 0)
        r = manifest_set(&record->type, page_unit_names[o->unit]);
    if (r == 0)
        r = manifest_set(&record->text, unit->text);
    if (r == 0)
        r = manifest_set(&record->code, lang_code_names[page->code]);
    if (r == 0)
        r = manifest_set(&record->source, s->name);
    return r < 0 ? r : manifest_set(&record->side, verso ? "verso" : "recto");
}

static int cut_one(const struct crop_run *run, const struct draw *draw,
                   const struct page_truth *page, const struct page_run *unit, struct crop *crop)
{
    const struct source *s = &run->sources[draw->page];
    CLEANUP(image_freep) struct image *part = NULL;
    json_t *dots = json_array();
    struct brl_cut_params params;
    struct brl_cut cut;
    struct fail fail = {0};

    int r = label_crop(run->o, s, page, unit, draw, &crop->record);
    if (r == 0)
        r = cut_somehow(page, unit, run->o, draw->serial, &params, &cut);
    if (r == -ENOENT) {
        snprintf(crop->why, sizeof(crop->why), "no cut with that margin or fault is possible here");
        json_decref(dots);
        return 0;
    }
    if (r == 0)
        r = image_part(page->img, cut.x, cut.y, cut.width, cut.height, &part);
    if (r == 0)
        r = fill_cells(page, unit, &cut, &crop->record, dots);
    if (r == 0) {
        crop->record.width = cut.width;
        crop->record.height = cut.height;
        part->dpi = page->dpi;
        r = image_encode(part, crop->record.image, &crop->png, &crop->size, &fail);
    }
    const bool bad = r == 0 && params.fault != BRL_FAULT_NONE;
    if (r == 0)
        crop->truth = json_pack("{s:s, s:s, s:o, s:i, s:O}", "id", crop->record.id, "fault",
                                brl_fault_names[params.fault], "edge",
                                bad ? json_string(brl_edge_names[params.edge]) : json_null(),
                                "n_dots", (int) cut.n_dots, "dots", dots);
    json_decref(dots);
    return r == 0 && !crop->truth ? -ENOMEM : r;
}

static int next_item(void *ctx, void **ret, struct fail *fail)
{
    struct crop_run *run = ctx;
    size_t n = 1;

    int r = dataset_interrupted(fail);
    if (r < 0 || run->next == run->n_draws)
        return r;
    const struct draw *first = &run->draws[run->next];
    while (run->next + n < run->n_draws && first[n].page == first->page)
        n++;
    struct item *item = calloc(1, sizeof(*item));
    if (!item)
        return -ENOMEM;
    item->draws = first;
    item->n = n;
    item->skip = run->next < run->set.n_done ? MIN(run->set.n_done - run->next, n) : 0;
    run->next += n;
    *ret = item;
    return 1;
}

static int cut_page(void *ctx, void *p, struct fail *fail)
{
    struct crop_run *run = ctx;
    struct item *item = p;
    CLEANUP(page_truth_done) struct page_truth page = {0};
    struct page_run *units = NULL;
    size_t n_units = 0;

    if (item->skip == item->n)
        return 0;
    item->crops = calloc(item->n, sizeof(*item->crops));
    if (!item->crops)
        return -ENOMEM;
    int r = load_page(run, &run->sources[item->draws->page], &page, fail);
    if (r == 0 && run->o->dpi > 0)
        page.dpi = run->o->dpi;
    if (r == 0)
        r = page_runs(&page, run->o->unit, &units, &n_units);
    for (size_t i = item->skip; i < item->n && r == 0; i++)
        r = item->draws[i].unit < n_units
                ? cut_one(run, &item->draws[i], &page, &units[item->draws[i].unit], &item->crops[i])
                : fail_set(fail, FAIL_INPUT, -ESTALE, "a page changed while it was being cut");
    page_runs_free(units, n_units);
    return r;
}

static int take_crop(struct crop_run *run, struct crop *crop, struct fail *fail)
{
    if (crop->png)
        return set_add(&run->set, &crop->record, crop->png, crop->size, crop->truth, fail);
    json_t *line = json_pack("{s:s, s:s}", "id", crop->record.id, "why", crop->why);
    int r = line ? set_skip(&run->set, line, fail) : -ENOMEM;
    json_decref(line);
    return r;
}

static int take_item(void *ctx, void *p, int r, struct fail *fail)
{
    struct crop_run *run = ctx;
    struct item *item = p;

    for (size_t i = item->skip; i < item->n && r == 0; i++) {
        r = take_crop(run, &item->crops[i], fail);
        progress_step(&run->progress);
    }
    item_free(item);
    return r;
}

/* ---- the run ---- */

static json_t *describe(const struct crop_options *o)
{
    return json_pack("{s:s, s:s, s:s, s:s?, s:i, s:f, s:f, s:I, s:I, s:I}", "command", "crop",
                     "version", BRAILLED_VERSION, "unit", page_unit_names[o->unit], "code", o->code,
                     "side", (int) o->side, "margin", o->margin, "dpi", o->dpi, "count",
                     (json_int_t) o->count, "faults", (json_int_t) o->faults, "seed",
                     (json_int_t) o->common.seed);
}

static int write_card(struct crop_run *run, struct fail *fail)
{
    const struct crop_options *o = run->o;
    CLEANUP_FREE char *card = NULL;
    const size_t n = run->n_draws - run->set.n_skipped;

    if (asprintf(&card,
                 "# %zu %ss cut from %zu pages\n\n"
                 "- **Pictures** cut from annotated pages; the rights in them are those of the "
                 "pages.\n- **Labels** from the annotation, read in the code of each page; Unicode "
                 "braille "
                 "where that reads nothing.\n- **Margin** %.2f dot pitches +- 15 %%.\n"
                 "- **Cut badly on purpose** up to %llu (`truth.jsonl` says which and how).\n"
                 "- **Not possible** %zu (`skipped.jsonl`).\n- **Made by** `braille-dataset crop "
                 "--unit %s --seed %llu`, version %s.\n",
                 n, page_unit_names[o->unit], run->n_sources, o->margin,
                 (unsigned long long) o->faults, run->set.n_skipped, page_unit_names[o->unit],
                 (unsigned long long) o->common.seed, BRAILLED_VERSION) < 0) {
        card = NULL;
        return -ENOMEM;
    }
    return set_commit(&run->set, card, fail);
}

static int crop_units(const struct crop_options *o, char **sources, size_t n, struct fail *fail)
{
    CLEANUP(run_done) struct crop_run run = {.o = o};
    json_t *how = describe(o);
    int r = how ? 0 : -ENOMEM;

    for (size_t i = 0; i < n && r == 0; i++) {
        CLEANUP_FREE char *manifest = manifest_path(sources[i], MANIFEST_NAME);
        FILE *f = manifest ? fopen(manifest, "re") : NULL;
        r = f ? set_check_other(sources[i], o->out, fail) : add_picture(&run, sources[i]);
        if (f && r == 0)
            r = add_set(&run, sources[i], fail);
        if (f)
            fclose(f);
    }
    if (r == 0)
        r = choose(&run, fail);
    if (r == 0)
        r = set_open(&run.set, o->out, how, o->common.force, fail);
    json_decref(how);
    if (r < 0)
        return r;
    progress_start(&run.progress, N_("cutting"), run.set.n_done, run.n_draws, o->common.quiet);
    const struct batch batch = {.n_jobs = o->common.n_jobs,
                                .ctx = &run,
                                .next = next_item,
                                .work = cut_page,
                                .take = take_item};
    r = batch_run(&batch, fail);
    progress_end(&run.progress);
    if (r == 0)
        r = write_card(&run, fail);
    if (r == 0 && o->common.json)
        printf("{\"crops\": %zu, \"skipped\": %zu, \"pages\": %zu}\n",
               run.n_draws - run.set.n_skipped, run.set.n_skipped, run.n_sources);
    return r;
}

enum { UNIT = DATASET_OWN, SIDE, CODE, MARGIN, COUNT, FAULTS, DPI };

static int parse_unit(const char *name, enum page_unit *ret)
{
    for (unsigned i = 0; i < N_UNITS; i++)
        if (strcmp(name, page_unit_names[i]) == 0) {
            *ret = (enum page_unit) i;
            return 0;
        }
    return -EINVAL;
}

static int parse_option(int c, void *ctx)
{
    struct crop_options *o = ctx;
    enum lang_code code;
    int r = dataset_common_option(c, "crop", &o->common);

    if (r != 0)
        return r < 0 ? r : 0;
    switch (c) {
    case 'o':
        o->out = optarg;
        break;
    case UNIT:
        r = parse_unit(optarg, &o->unit);
        break;
    case SIDE:
        o->side = strcmp(optarg, "verso") == 0 ? BRL_VERSO : BRL_RECTO;
        r = o->side == BRL_VERSO || strcmp(optarg, "recto") == 0 ? 0 : -EINVAL;
        break;
    case CODE:
        r = lang_code_parse(optarg, &code);
        o->code = optarg;
        break;
    case MARGIN:
        r = dataset_parse_number(optarg, 5, &o->margin);
        break;
    case COUNT:
        r = dataset_parse_whole(optarg, 100000000, &o->count);
        break;
    case FAULTS:
        r = dataset_parse_whole(optarg, 100000000, &o->faults);
        break;
    case DPI:
        r = dataset_parse_number(optarg, 4800, &o->dpi);
        break;
    default:
        return -EINVAL; /* getopt has said why */
    }
    if (r < 0)
        log_error("braille-dataset crop: '%s' does not fit its option; see --help", optarg);
    return r;
}

static int parse_options(int argc, char **argv, struct crop_options *o)
{
    static const struct option options[] = {{"output", required_argument, NULL, 'o'},
                                            {"unit", required_argument, NULL, UNIT},
                                            {"side", required_argument, NULL, SIDE},
                                            {"code", required_argument, NULL, CODE},
                                            {"margin", required_argument, NULL, MARGIN},
                                            {"count", required_argument, NULL, COUNT},
                                            {"faults", required_argument, NULL, FAULTS},
                                            {"dpi", required_argument, NULL, DPI},
                                            DATASET_COMMON_OPTIONS,
                                            {0}};

    int r = dataset_parse_options(argc, argv, options, dataset_crop_help, parse_option, o);
    if (r != 0)
        return r;
    if (!o->out || optind == argc) {
        log_error("braille-dataset crop: name pages and, with -o, a new folder; see --help");
        return -EINVAL;
    }
    return 0;
}

int dataset_crop(int argc, char **argv)
{
    struct crop_options o = {.common = DATASET_COMMON, .margin = 0.8};
    struct fail fail = {0};
    bool units = false;

    for (int i = 1; i < argc; i++)
        units = units || strncmp(argv[i], "--unit", 6) == 0;
    if (!units)
        return dataset_crop_slots(argc, argv);
    int r = parse_options(argc, argv, &o);
    if (r != 0)
        return r < 0 ? FAIL_USAGE : 0;
    dataset_catch_signals();
    r = crop_units(&o, argv + optind, (size_t) (argc - optind), &fail);
    return dataset_end("crop", r, &fail);
}
