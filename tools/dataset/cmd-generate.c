/* SPDX-License-Identifier: Apache-2.0
 *
 * braille-dataset generate: BIT, pictures of numbers, syllables and signs, some of them cut badly
 * on purpose.
 */

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/batch.h"
#include "base/log.h"
#include "base/random.h"
#include "tools/dataset/bit.h"
#include "tools/dataset/card.h"
#include "tools/dataset/dataset.h"
#include "tools/dataset/set.h"

#define MAX_PICTURES 10000000
#define N_COMBINATIONS ((BRL_N_FAULTS - 1) * BRL_N_EDGES)

struct generate_options {
    const char *out;
    uint64_t count[LANG_N_BIT_TYPES], n_faults;
    struct bit_options bit;
    struct dataset_common common;
};

/* What is drawn, in order: the numbers, the syllables, the signs. */
struct plan {
    const struct lang_label *of_type[LANG_N_BIT_TYPES]; ///< borrowed: they lie together
    size_t n_of_type[LANG_N_BIT_TYPES];
    uint8_t *fault; ///< owned; [pictures]: 0 none, else 1 + combination of fault and edge
    uint64_t total;
};

struct run {
    const struct generate_options *o;
    struct plan plan;
    struct lang_label *labels; ///< owned
    struct set_out set;
    struct card card;
    struct progress progress;
    uint64_t next;
};

struct item {
    uint64_t number; ///< of the picture
    uint64_t index;  ///< in its type
    enum lang_bit_type type;
    char text[16];
    struct bit_picture *picture; ///< owned, as is the rest
    uint8_t *bytes;
    size_t size;
    struct fail why; ///< why there is no picture
};

static struct item *item_free(struct item *item)
{
    if (item && item->picture)
        bit_picture_done(item->picture);
    if (item) {
        free(item->picture);
        free(item->bytes);
    }
    free(item);
    return NULL;
}

/* ---- the plan ---- */

static int find_labels(struct run *run)
{
    size_t n;

    int r = lang_labels(run->o->bit.code, &run->labels, &n);
    if (r < 0)
        return r;
    for (size_t i = 0; i < n; i++) {
        const enum lang_bit_type type = run->labels[i].type;
        if (run->plan.n_of_type[type]++ == 0)
            run->plan.of_type[type] = &run->labels[i];
    }
    return 0;
}

/* The same number of faults in each type, as far as there are pictures. */
static void share_faults(const struct generate_options *o, uint64_t share[LANG_N_BIT_TYPES])
{
    uint64_t left = o->n_faults;

    memset(share, 0, LANG_N_BIT_TYPES * sizeof(*share));
    while (left > 0)
        for (unsigned t = 0; t < LANG_N_BIT_TYPES && left > 0; t++)
            if (share[t] < o->count[t]) {
                share[t]++;
                left--;
            }
}

/* Which pictures are cut badly, and how: all kinds and edges in turn, by lot within a type. */
static int plan_faults(struct run *run)
{
    const struct generate_options *o = run->o;
    uint64_t share[LANG_N_BIT_TYPES], first = 0;
    struct random rnd = {o->bit.seed ^ 0xfa017};
    unsigned combination = 0;

    run->plan.fault = calloc(run->plan.total + 1, sizeof(*run->plan.fault));
    if (!run->plan.fault)
        return -ENOMEM;
    share_faults(o, share);
    for (unsigned t = 0; t < LANG_N_BIT_TYPES; t++) {
        CLEANUP_FREE uint32_t *order = calloc(o->count[t] + 1, sizeof(*order));
        if (!order)
            return -ENOMEM;
        for (uint32_t i = 0; i < o->count[t]; i++)
            order[i] = i;
        for (uint64_t i = 0; i < share[t]; i++) {
            const uint64_t k = i + random_below(&rnd, o->count[t] - i);
            const uint32_t chosen = order[k];
            order[k] = order[i];
            run->plan.fault[first + chosen] = (uint8_t) (1 + combination++ % N_COMBINATIONS);
        }
        first += o->count[t];
    }
    return 0;
}

/* Which label: each in turn as often as all of them fit; what is left by lot, but signs go on in
 * turn. Fewer pictures than labels are spread over them. */
static const char *label_of(const struct run *run, enum lang_bit_type type, uint64_t index)
{
    const struct lang_label *labels = run->plan.of_type[type];
    const uint64_t n = run->plan.n_of_type[type], count = run->o->count[type];
    struct random rnd = {run->o->bit.seed + 0x1abe1 + (index << 2) + type};

    if (count < n)
        return labels[index * n / count].text;
    if (type == LANG_BIT_PUNCTUATION || index < count / n * n)
        return labels[index % n].text;
    return labels[random_below(&rnd, n)].text;
}

/* ---- one picture ---- */

static int next_item(void *ctx, void **ret_item, struct fail *fail)
{
    struct run *run = ctx;
    uint64_t index = run->next;
    unsigned type = 0;

    int r = dataset_interrupted(fail);
    if (r < 0)
        return r;
    if (run->next == run->plan.total)
        return 0;
    struct item *item = calloc(1, sizeof(*item));
    if (!item)
        return -ENOMEM;
    while (index >= run->o->count[type])
        index -= run->o->count[type++];
    item->number = run->next++;
    item->index = index;
    item->type = (enum lang_bit_type) type;
    snprintf(item->text, sizeof(item->text), "%s", label_of(run, item->type, index));
    *ret_item = item;
    return 1;
}

static int work_item(void *ctx, void *arg, struct fail *fail)
{
    const struct run *run = ctx;
    struct item *item = arg;
    struct bit_wish wish = {.text = item->text, .type = item->type, .number = item->number};
    const unsigned plan = run->plan.fault[item->number];

    if (plan > 0) {
        wish.fault = (enum brl_fault)(1 + (plan - 1) / BRL_N_EDGES);
        wish.edge = (enum brl_edge)((plan - 1) % BRL_N_EDGES);
    }
    item->picture = calloc(1, sizeof(*item->picture));
    if (!item->picture)
        return -ENOMEM;
    int r = bit_draw(&run->o->bit, &wish, item->picture, &item->why);
    if (r == 0)
        r = image_encode(item->picture->img, "x.png", &item->bytes, &item->size, &item->why);
    if (r < 0 && r != -ENOMEM && item->why.kind == FAIL_NONE)
        fail_set(&item->why, FAIL_OTHER, r, "%m");
    return r == -ENOMEM ? r : 0;
}

/* ---- into the set ---- */

static int fill_record(const struct run *run, const struct item *item, struct manifest_record *ret)
{
    static const char letters[LANG_N_BIT_TYPES] = {'n', 's', 'p'};
    const struct bit_picture *p = item->picture;
    char id[32], image[64];

    snprintf(id, sizeof(id), "%c%04llu", letters[item->type], (unsigned long long) item->index);
    snprintf(image, sizeof(image), "images/%s.png", id);
    int r = manifest_set(&ret->id, id);
    if (r == 0)
        r = manifest_set(&ret->image, image);
    if (r == 0)
        r = manifest_set(&ret->type, lang_bit_type_names[item->type]);
    if (r == 0)
        r = manifest_set(&ret->text, item->text);
    if (r == 0)
        r = manifest_set(&ret->code, lang_code_names[run->o->bit.code]);
    if (r == 0)
        r = manifest_set(&ret->source, "drawn");
    if (r < 0 || !p || !p->img)
        return r;
    ret->dpi = p->img->dpi;
    /* a hundredth of a degree and of a pixel: what can be told from a picture */
    ret->skew_deg = round(p->skew_deg * 100) / 100;
    ret->width = p->img->width;
    ret->height = p->img->height;
    ret->n_cells = p->n_cells;
    ret->cells = calloc(p->n_cells, sizeof(*ret->cells));
    ret->boxes = calloc(p->n_cells, sizeof(*ret->boxes));
    if (!ret->cells || !ret->boxes)
        return -ENOMEM;
    memcpy(ret->cells, p->cells, p->n_cells);
    for (size_t i = 0; i < p->n_cells; i++) {
        double x0 = INFINITY, y0 = INFINITY, x1 = -INFINITY, y1 = -INFINITY;
        for (unsigned d = 0; d < 6; d++) {
            x0 = fmin(x0, p->dot[i][d].x);
            y0 = fmin(y0, p->dot[i][d].y);
            x1 = fmax(x1, p->dot[i][d].x);
            y1 = fmax(y1, p->dot[i][d].y);
        }
        x0 = round(x0 * 100) / 100;
        y0 = round(y0 * 100) / 100;
        ret->boxes[i] = (struct manifest_box){x0, y0, round((x1 - x0) * 100) / 100,
                                              round((y1 - y0) * 100) / 100};
    }
    return 0;
}

/* A line of truth.jsonl. */
static json_t *truth_line(const char *id, const struct bit_picture *p)
{
    const bool faulty = p->fault != BRL_FAULT_NONE;
    json_t *cells = json_array();

    for (size_t i = 0; i < p->n_cells; i++) {
        json_t *dots = json_array();
        for (unsigned d = 0; d < 6; d++) {
            const struct brl_point at = p->drawn[i][d];
            json_array_append_new(dots, isnan(at.x) ? json_null()
                                                    : json_pack("[f, f]", round(at.x * 100) / 100,
                                                                round(at.y * 100) / 100));
        }
        json_array_append_new(cells, dots);
    }
    json_t *line = json_pack(
        "{s:s, s:s, s:s?, s:i, s:o}", "id", id, "fault", brl_fault_names[p->fault], "edge",
        faulty ? brl_edge_names[p->edge] : NULL, "n_dots", (int) p->n_dots, "dots", cells);
    if (line && p->n_redrawn > 0)
        json_object_set_new(line, "redrawn", json_integer(p->n_redrawn));
    return line;
}

static int count_up(json_t *figures, const char *name, json_int_t by)
{
    const json_int_t n = json_integer_value(json_object_get(figures, name));
    return json_object_set_new(figures, name, json_integer(n + by)) < 0 ? -ENOMEM : 0;
}

/* How often each fault is in the set and how often was drawn again, in this run and in those before
 * that were interrupted. */
static int count_truth(json_t *figures, const json_t *truth)
{
    const char *fault = json_string_value(json_object_get(truth, "fault"));
    const char *edge = json_string_value(json_object_get(truth, "edge"));
    char name[32];

    int r = count_up(figures, "redrawn", json_integer_value(json_object_get(truth, "redrawn")));
    if (r < 0 || !edge)
        return r;
    snprintf(name, sizeof(name), "%s %s", fault, edge);
    return count_up(json_object_get(figures, "faults"), name, 1);
}

static int count_line(void *ctx, const json_t *line, struct fail *fail)
{
    return count_truth(ctx, json_object_get(line, "truth"));
}

static int skip_item(struct run *run, const struct item *item, const struct manifest_record *record,
                     struct fail *fail)
{
    log_warning("braille-dataset generate: %s is left out: %s", record->id, item->why.text);
    json_t *line =
        json_pack("{s:s, s:s, s:s}", "id", record->id, "text", item->text, "why", item->why.text);
    int r = line ? set_skip(&run->set, line, fail) : -ENOMEM;
    json_decref(line);
    return r < 0 ? r : card_add(&run->card, NULL);
}

static int take_item(void *ctx, void *arg, int r, struct fail *fail)
{
    struct run *run = ctx;
    struct item *item = arg;
    CLEANUP(manifest_record_done) struct manifest_record record = {0};

    if (r == 0)
        r = fill_record(run, item, &record);
    if (r == 0 && item->why.kind != FAIL_NONE) {
        r = skip_item(run, item, &record, fail);
    } else if (r == 0) {
        json_t *truth = truth_line(record.id, item->picture);
        r = truth ? set_add(&run->set, &record, item->bytes, item->size, truth, fail) : -ENOMEM;
        if (r == 0)
            r = count_truth(run->card.figures, truth);
        json_decref(truth);
        if (r == 0)
            r = card_add(&run->card, &record);
    }
    if (r == 0)
        progress_step(&run->progress);
    item_free(item);
    return r;
}

/* ---- the whole run ---- */

static const char *const look_names[BIT_N_LOOKS] = {"clean", "scan"};

/* What must be the same for a run to go on where another stopped. */
static json_t *describe(const struct generate_options *o)
{
    const struct bit_options *b = &o->bit;
    json_t *light = b->any_light          ? json_string("any")
                    : isnan(b->light_deg) ? json_string("top")
                                          : json_real(b->light_deg);

    return json_pack(
        "{s:s, s:s, s:o, s:s, s:I, s:I, s:I, s:I, s:s, s:s, s:f, s:o, s:b, s:b}", "command",
        "generate", "version", BRAILLED_VERSION, "seed",
        json_sprintf("%llu", (unsigned long long) b->seed), "code", lang_code_names[b->code],
        "numbers", (json_int_t) o->count[LANG_BIT_NUMBER], "spells",
        (json_int_t) o->count[LANG_BIT_SPELL], "punctuation",
        (json_int_t) o->count[LANG_BIT_PUNCTUATION], "faults", (json_int_t) o->n_faults, "geometry",
        b->geometry < 0 ? "mix" : brl_geometry_names[b->geometry], "look", look_names[b->look],
        "dpi", b->dpi, "light", light, "single_sided", b->single_sided, "checked", b->checked);
}

/* Count what is there already. The kinds stand in one order, whenever they came first. */
static int begin_card(struct run *run, json_t *how, struct fail *fail)
{
    json_t *faults = json_object();

    int r = card_begin(&run->card, run->set.journal, how, fail);
    for (unsigned fault = 1; fault < BRL_N_FAULTS && r == 0; fault++)
        for (unsigned edge = 0; edge < BRL_N_EDGES && run->o->n_faults > 0; edge++) {
            char name[32];
            snprintf(name, sizeof(name), "%s %s", brl_fault_names[fault], brl_edge_names[edge]);
            json_object_set_new(faults, name, json_integer(0));
        }
    if (r < 0) {
        json_decref(faults);
        return r;
    }
    if (json_object_set_new(run->card.figures, "faults", faults) < 0 ||
        json_object_set_new(run->card.figures, "redrawn", json_integer(0)) < 0)
        return -ENOMEM;
    return journal_replay(run->set.journal, count_line, run->card.figures, fail);
}

static int draw_all(struct run *run, struct fail *fail)
{
    const struct batch batch = {.n_jobs = run->o->common.n_jobs,
                                .ctx = run,
                                .next = next_item,
                                .work = work_item,
                                .take = take_item};

    run->next = run->set.n_done;
    progress_start(&run->progress, N_("drawing"), run->set.n_done, run->plan.total,
                   run->o->common.quiet);
    int r = batch_run(&batch, fail);
    progress_end(&run->progress);
    return r;
}

static int write_about(const struct run *run, char **ret)
{
    const json_t *faults = json_object_get(run->card.figures, "faults");
    const char *name;
    json_t *n;
    size_t size;
    FILE *f = open_memstream(ret, &size);

    if (!f)
        return -ENOMEM;
    fputs("Pictures of braille that was drawn, not scanned: numbers, toned syllables and signs of "
          "Chinese braille after the description of the paper's BIT set. Each label stands in the "
          "middle of a sheet of three lines of legal neighbours, is lit and worn by lot, with the "
          "other side of the paper showing through, and is cut out of it.\n\n"
          "Every number and syllable is there as often as all of them fit; signs in turn.\n\n"
          "Licence of the pictures and labels: CC0 1.0. Nothing in them is anybody's work: tables "
          "of facts, and noise from a seed; so nobody who trains on them owes a notice.\n\n"
          "Limits: nothing here was ever printed or scanned. Dots, paper and light are fitted to "
          "scans of Chinese books at 200 dpi; photographs, bent pages, handwriting on a slate and "
          "other presses are not in it, so try on real pages what you train on this. All labels "
          "are about equally frequent, not as they are in texts; a syllable whose cells are also "
          "those of another label (eng, which is the number sign) is left out.\n\n"
          "Checks: two runs with one seed give the same bytes with any number of threads; the "
          "label of each picture is the reading of its cells; tests/dataset/test-generate.py "
          "looks for the dots in the pictures.",
          f);
    if (json_object_size(faults) > 0) {
        fputs("\n\nSome pictures are cut badly on purpose, so that cleaning can be tried. Which "
              "ones is in truth.jsonl, which `clean` does not read. How many of each:\n\n"
              "| fault | pictures |\n|---|---|\n",
              f);
        json_object_foreach((json_t *) faults, name, n)
            fprintf(f, "| %s | %" JSON_INTEGER_FORMAT " |\n", name, json_integer_value(n));
    }
    if (run->o->bit.checked)
        fprintf(
            f,
            "\n\nChecked: %" JSON_INTEGER_FORMAT " pictures were thrown away and drawn anew, "
            "because the check of `braille-dataset clean` judged them otherwise than they were "
            "meant. How well cleaning works can only be measured on sets that were not checked.",
            json_integer_value(json_object_get(run->card.figures, "redrawn")));
    return fclose(f) != 0 ? -ENOMEM : 0;
}

static int finish(struct run *run, struct fail *fail)
{
    CLEANUP_FREE char *about = NULL;

    int r = write_about(run, &about);
    if (r == 0)
        r = card_write(&run->card, "BIT: braille images and texts", about);
    if (r == 0)
        r = set_commit(&run->set, run->card.text, fail);
    if (r == 0 && run->o->common.json)
        r = card_print(&run->card);
    return r;
}

static void run_done(struct run *run)
{
    card_done(&run->card);
    set_done(&run->set);
    free(run->plan.fault);
    free(run->labels);
}

static int generate(struct generate_options *o, struct fail *fail)
{
    CLEANUP(run_done) struct run run = {.o = o};
    json_t *how = describe(o);

    int r = how ? find_labels(&run) : -ENOMEM;
    for (unsigned t = 0; t < LANG_N_BIT_TYPES; t++) {
        run.plan.total += o->count[t];
        o->bit.n_labels += run.plan.n_of_type[t];
    }
    o->bit.labels = run.labels;
    if (r == 0)
        r = plan_faults(&run);
    if (r == 0)
        r = set_open(&run.set, o->out, how, o->common.force, fail);
    if (r == 0)
        r = begin_card(&run, how, fail);
    if (r == 0)
        r = draw_all(&run, fail);
    if (r == 0)
        r = finish(&run, fail);
    run_done(&run);
    run = (struct run){.o = o};
    json_decref(how);
    return r;
}

/* ---- options ---- */

static const char help[] = N_(
    "usage: braille-dataset generate OUT [OPTIONS]\n\n"
    "Draw BIT into the folder OUT: pictures of numbers, toned syllables and signs with their\n"
    "texts. Some are cut badly on purpose; OUT/truth.jsonl says which.\n\n"
    "      --numbers N          2000: each from 0 to 1999 once\n"
    "      --spells N           2700: each toned syllable at least twice\n"
    "      --punctuation N      1500: each sign of the code in turn\n"
    "      --faults N           of all of these, cut badly, a third in each type (600, or a\n"
    "                           third of fewer pictures)\n"
    "      --code NAME          current (default), common or two-cell\n"
    "      --geometry NAME      us, europe, press, press-wide, embosser or mix (default)\n"
    "      --dpi N              200\n"
    "      --light DEG          where the light comes from, clockwise from the top; any: by lot\n"
    "                           (from the top, 20 degrees more or less)\n"
    "      --single-sided       nothing shows through from the other side\n"
    "      --look NAME          scan (default), or clean: even light on smooth paper\n"
    "      --checked            draw again what 'clean' would judge otherwise than it was meant, "
    "so\n"
    "                           that cleaning finds just the faults; the card says how many those "
    "were\n");

enum {
    NUMBERS = DATASET_OWN,
    SPELLS,
    PUNCTUATION,
    FAULTS,
    CODE,
    GEOMETRY,
    DPI,
    LIGHT,
    SINGLE,
    LOOK,
    CHECKED
};

static int find_name(const char *const *names, int n, const char *name)
{
    for (int i = 0; i < n; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return -EINVAL;
}

static int parse_angle(const char *text, double *ret)
{
    char *end;
    const double v = strtod(text, &end);
    if (end == text || *end || !(fabs(v) <= 360))
        return -EINVAL;
    *ret = v;
    return 0;
}

static int parse_option(int c, void *ctx)
{
    struct generate_options *o = ctx;
    int r = dataset_common_option(c, "generate", &o->common);

    if (r != 0)
        return r < 0 ? r : 0;
    switch (c) {
    case NUMBERS:
    case SPELLS:
    case PUNCTUATION:
        r = dataset_parse_whole(optarg, MAX_PICTURES, &o->count[c - NUMBERS]);
        break;
    case FAULTS:
        r = dataset_parse_whole(optarg, MAX_PICTURES, &o->n_faults);
        break;
    case CODE:
        r = lang_code_parse(optarg, &o->bit.code);
        break;
    case GEOMETRY:
        o->bit.geometry = find_name(brl_geometry_names, BRL_N_GEOMETRIES, optarg);
        r = o->bit.geometry < 0 && strcmp(optarg, "mix") != 0 ? -EINVAL : 0;
        break;
    case DPI:
        r = dataset_parse_number(optarg, 1200, &o->bit.dpi);
        r = r == 0 && o->bit.dpi < 100 ? -EINVAL : r; /* dots of a few pixels are no picture */
        break;
    case LIGHT:
        o->bit.any_light = strcmp(optarg, "any") == 0;
        r = o->bit.any_light ? 0 : parse_angle(optarg, &o->bit.light_deg);
        break;
    case SINGLE:
        o->bit.single_sided = true;
        break;
    case CHECKED:
        o->bit.checked = true;
        break;
    case LOOK:
        r = find_name(look_names, BIT_N_LOOKS, optarg);
        o->bit.look = r < 0 ? o->bit.look : (enum bit_look) r;
        break;
    default:
        return -EINVAL;
    }
    if (r < 0)
        log_error("braille-dataset generate: '%s' does not fit its option; see --help", optarg);
    return r < 0 ? r : 0;
}

/* 0, 1: help was printed, or -EINVAL. */
static int parse_all(int argc, char **argv, struct generate_options *o)
{
    static const struct option options[] = {DATASET_COMMON_OPTIONS,
                                            {"numbers", required_argument, NULL, NUMBERS},
                                            {"spells", required_argument, NULL, SPELLS},
                                            {"punctuation", required_argument, NULL, PUNCTUATION},
                                            {"faults", required_argument, NULL, FAULTS},
                                            {"code", required_argument, NULL, CODE},
                                            {"geometry", required_argument, NULL, GEOMETRY},
                                            {"dpi", required_argument, NULL, DPI},
                                            {"light", required_argument, NULL, LIGHT},
                                            {"single-sided", no_argument, NULL, SINGLE},
                                            {"look", required_argument, NULL, LOOK},
                                            {"checked", no_argument, NULL, CHECKED},
                                            {0}};

    int r = dataset_parse_options(argc, argv, options, help, parse_option, o);
    if (r != 0)
        return r;
    if (optind + 1 != argc) {
        log_error("braille-dataset generate: name one folder for the pictures; see --help");
        return -EINVAL;
    }
    o->out = argv[optind];
    o->bit.seed = o->common.seed;
    return 0;
}

int dataset_generate(int argc, char **argv)
{
    struct generate_options o = {
        .count = {2000, 2700, 1500},
        .n_faults = UINT64_MAX,
        .bit = {.geometry = -1, .dpi = 200, .light_deg = NAN, .look = BIT_SCAN},
        .common = DATASET_COMMON,
    };
    struct fail fail = {0};

    int r = parse_all(argc, argv, &o);
    if (r != 0)
        return r < 0 ? FAIL_USAGE : 0;
    uint64_t total = 0;
    for (unsigned t = 0; t < LANG_N_BIT_TYPES; t++)
        total += o.count[t];
    if (o.n_faults == UINT64_MAX) /* as many as the paper's BIT has, but most pictures are good */
        o.n_faults = MIN(total / 3, (uint64_t) 600);
    if (o.n_faults > total) {
        log_error("braille-dataset generate: %llu faults do not fit into %llu pictures; give fewer "
                  "--faults",
                  (unsigned long long) o.n_faults, (unsigned long long) total);
        return FAIL_USAGE;
    }
    dataset_catch_signals();
    return dataset_end("generate", generate(&o, &fail), &fail);
}
