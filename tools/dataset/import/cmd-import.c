/* SPDX-License-Identifier: Apache-2.0
 *
 * braille-dataset import: a data set out of files that others have made.
 */

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/batch.h"
#include "base/file.h"
#include "base/log.h"
#include "tools/dataset/dataset.h"
#include "tools/dataset/import/import.h"
#include "tools/dataset/set.h"

static const struct import_format *const formats[] = {&import_dsbi, &import_angelina,
                                                      &import_labelme, &import_tsv, &import_brf};

struct import_run {
    const struct import_options *o;
    struct import_list list;
    struct set_out set;
    struct progress progress;
    size_t next;
};

/* ---- one item ---- */

static void work_free(struct import_work *w)
{
    free(w->name);
    free(w->picture);
    free(w->note);
    json_decref(w->json);
    free(w->bytes);
    manifest_record_done(&w->record);
    free(w);
}

/* The name; what comes more than once gets "#2". */
static int make_id(const struct import_work *w, const char *suffix, char **ret)
{
    char name[151], number[16] = "";

    import_clean_name(w->name, name);
    if (w->item->nth)
        snprintf(number, sizeof(number), "#%u", w->item->nth + 1);
    if (asprintf(ret, "%s%s%s", name, suffix ? suffix : "", number) >= 0)
        return 0;
    *ret = NULL;
    return -ENOMEM;
}

/* Read the picture; what is neither PNG nor JPEG, or turned by EXIF alone, becomes PNG: then all
 * programs see it as it was labelled. */
static int load_picture(const struct import_options *o, struct import_work *w, struct image **ret,
                        struct fail *fail)
{
    struct manifest_record *record = &w->record;
    CLEANUP_FREE char *name = NULL;

    int r = file_read(w->picture, IMAGE_MAX_FILE_BYTES, &w->bytes, &w->n_bytes, fail);
    if (r == 0)
        r = image_decode(w->bytes, w->n_bytes, w->picture, ret, fail);
    if (r < 0)
        return r;
    const char *ending = (*ret)->turned ? NULL : image_ending(w->bytes, w->n_bytes);
    if (!ending) {
        uint8_t *png;
        size_t size;
        ending = "png";
        r = image_encode(*ret, "x.png", &png, &size, fail);
        if (r < 0)
            return r;
        free(w->bytes);
        w->bytes = png;
        w->n_bytes = size;
        w->changed = true;
    }
    r = make_id(w, NULL, &name); /* both sides of a page are records of one picture */
    if (r < 0)
        return r;
    record->width = (*ret)->width;
    record->height = (*ret)->height;
    record->dpi = o->dpi > 0 ? o->dpi : (*ret)->dpi >= 1 ? (*ret)->dpi : 0;
    if (asprintf(&record->image, "images/%s.%s", name, ending) < 0) {
        record->image = NULL;
        return -ENOMEM;
    }
    return 0;
}

static int fill_in(const struct import_options *o, struct import_work *w, struct fail *fail)
{
    CLEANUP(image_freep) struct image *img = NULL;
    struct manifest_record *record = &w->record;

    int r = o->format->find(o, w, fail);
    if (r == 0)
        r = make_id(w, w->suffix, &record->id);
    if (r == 0)
        r = load_picture(o, w, &img, fail);
    if (r == 0 && (o->type || o->format->type))
        r = manifest_set(&record->type, o->type ? o->type : o->format->type);
    if (r == 0)
        r = manifest_set(&record->split, o->split);
    if (r == 0 && o->has_code)
        r = manifest_set(&record->code, lang_code_names[o->code]);
    if (r == 0)
        r = o->format->label(o, w, img, fail);
    return r;
}

/* What is written must be readable again: control characters, no UTF-8, numbers out of range. */
static int check_record(const struct manifest_record *record, struct fail *fail)
{
    struct manifest_record again;

    json_t *json = manifest_record_to_json(record);
    if (!json)
        return fail_set(fail, FAIL_INPUT, -EILSEQ, "its name or label is no UTF-8");
    int r = manifest_record_from_json(json, &again, fail);
    json_decref(json);
    if (r == 0)
        manifest_record_done(&again);
    return r;
}

static int work_on(void *ctx, void *item, struct fail *fail)
{
    struct import_run *run = ctx;
    struct import_work *w = item;

    int r = fill_in(run->o, w, &w->why);
    if (r == 0)
        r = check_record(&w->record, &w->why);
    if (r == -ENOMEM)
        return r;
    w->skip = r < 0;
    return 0;
}

/* ---- all items ---- */

static int next_item(void *ctx, void **ret, struct fail *fail)
{
    struct import_run *run = ctx;

    int r = dataset_interrupted(fail);
    if (r < 0)
        return r;
    if (run->next >= run->list.n)
        return 0;
    struct import_work *w = calloc(1, sizeof(*w));
    if (!w)
        return -ENOMEM;
    w->item = &run->list.items[run->next++];
    *ret = w;
    return 1;
}

static int skip(struct import_run *run, const struct import_work *w, struct fail *fail)
{
    const char *source = w->record.source ? w->record.source : w->item->path;

    struct fail words = {0}; /* a name may hold anything */
    fail_set(&words, FAIL_INPUT, 0, "%.200s: %s", source, w->why.text);
    log_warning("braille-dataset import: left out %s", words.text);
    json_t *line =
        json_pack("{s:s?, s:s?, s:s}", "id", w->record.id, "source", source, "why", w->why.text);
    if (!line) /* a name that is no UTF-8 */
        line = json_pack("{s:i, s:s}", "item", (int) (w->item - run->list.items), "why",
                         "its name is no UTF-8");
    int r = line ? set_skip(&run->set, line, fail) : -ENOMEM;
    json_decref(line);
    return r;
}

static int store(struct import_run *run, struct import_work *w, struct fail *fail)
{
    char sum[HASH_TEXT];

    if (!run->o->link || w->changed)
        return set_add(&run->set, &w->record, w->bytes, w->n_bytes, NULL, fail);
    int r = hash_sha256(w->bytes, w->n_bytes, sum);
    if (r == 0)
        r = manifest_set(&w->record.sha256, sum);
    return r < 0 ? r : set_link(&run->set, &w->record, w->picture, NULL, fail);
}

static int take_item(void *ctx, void *item, int r, struct fail *fail)
{
    struct import_run *run = ctx;
    struct import_work *w = item;

    if (r == 0)
        r = w->skip ? skip(run, w, fail) : store(run, w, fail);
    work_free(w);
    if (r == 0)
        progress_step(&run->progress);
    return r < 0 ? r : 0;
}

/* ---- the run ---- */

/* What makes two runs the same; the stamp tells other files, or the same ones changed, from these.
 */
static json_t *describe(const struct import_run *run)
{
    const struct import_options *o = run->o;
    char text[17];

    snprintf(text, sizeof(text), "%016llx", (unsigned long long) run->list.stamp);
    return json_pack("{s:s, s:s, s:s, s:I, s:s, s:s?, s:s?, s:s?, s:f, s:f}", "command", "import",
                     "version", BRAILLED_VERSION, "format", o->format->name, "items",
                     (json_int_t) run->list.n, "files", text, "type", o->type, "split", o->split,
                     "code", o->has_code ? lang_code_names[o->code] : NULL, "dpi", o->dpi, "margin",
                     o->margin);
}

static int write_card(struct import_run *run, char **argv, int n, struct fail *fail)
{
    char *card = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&card, &size);

    if (!f)
        return -ENOMEM;
    fprintf(f,
            "# An imported data set\n\n- Made by: `braille-dataset import %s` of brailled %s\n"
            "- Records: %zu\n- Left out: %zu%s\n- From:",
            run->o->format->name, BRAILLED_VERSION, run->set.n_done - run->set.n_skipped,
            run->set.n_skipped, run->set.n_skipped ? " (skipped.jsonl says why)" : "");
    for (int i = 0; i < n; i++) {
        const char *slash = strrchr(argv[i], '/');
        fprintf(f, " `%s`", slash && slash[1] ? slash + 1 : argv[i]);
    }
    fprintf(f,
            "\n- Licence: that of the pictures and labels taken over; ask those who made them\n");
    int r = fclose(f) == 0 ? set_commit(&run->set, card, fail) : -ENOMEM;
    free(card);
    return r;
}

static int import_all(struct import_run *run, char **sources, int n, struct fail *fail)
{
    const struct import_options *o = run->o;
    int r = 0;

    for (int i = 0; i < n && r == 0; i++)
        r = o->format->list(sources[i], &run->list, fail);
    if (r == 0 && run->list.n == 0)
        r = fail_set(fail, FAIL_INPUT, -ENOENT, "there is nothing to import; %s needs %s",
                     o->format->name, o->format->what);
    if (r == 0)
        r = import_list_end(&run->list);
    json_t *how = r == 0 ? describe(run) : NULL;
    if (r == 0)
        r = how ? set_open(&run->set, o->out, how, o->common.force, fail) : -ENOMEM;
    json_decref(how);
    if (r < 0)
        return r;
    run->next = run->set.n_done;
    progress_start(&run->progress, N_("importing"), run->next, run->list.n, o->common.quiet);
    r = batch_run(&(struct batch){.n_jobs = o->common.n_jobs,
                                  .ctx = run,
                                  .next = next_item,
                                  .work = work_on,
                                  .take = take_item},
                  fail);
    if (r == 0)
        progress_end(&run->progress);
    return r < 0 ? r : write_card(run, sources, n, fail);
}

static const char help[] = N_(
    "usage: braille-dataset import FORMAT SOURCE... -o DIR [OPTIONS]\n\n"
    "Make a data set out of files that others have made. Pictures are copied into DIR/images;\n"
    "what cannot be read is left out, with a line here and one in DIR/skipped.jsonl.\n\n"
    "  dsbi       X+recto.txt and X+verso.txt beside X.jpg, or folders of them: two records a\n"
    "             page, of one picture\n"
    "  angelina   X.csv (left;top;right;bottom;label: edges in fractions of the picture, bits of\n"
    "             the dots or a letter) or X.json beside X.jpg\n"
    "  labelme    X.json, rectangles with labels 125, 110010, \342\240\223 or ~125~, beside its\n"
    "             picture\n"
    "  tsv        X.tsv of image<TAB>text[<TAB>cells], cells as \"125 235\" or Unicode braille;\n"
    "             without cells the text is written in the code\n"
    "  brf        BOOK.brf, pages parted by form feeds; one picture a page in the folder BOOK (or\n"
    "             beside it), in the order of their names\n\n"
    "  -o, --output DIR         the data set\n"
    "      --code NAME          current, common or two-cell (tsv: current)\n"
    "      --type NAME          number, spell, punctuation, cell, word, line or page\n"
    "      --split NAME         train, val or test\n"
    "      --dpi N              of the pictures, where they do not say it\n"
    "      --margin N           boxes are wider than the cell's dot centres by N dot pitches on\n"
    "                           each side (angelina 0.3, labelme 0)\n"
    "      --link               link the pictures, copy only what cannot be "
    "linked\n");

enum { CODE = DATASET_OWN, TYPE, SPLIT, DPI, MARGIN, LINK };

static int one_of(const char *text, const char *const words[], const char **ret)
{
    for (; *words; words++)
        if (strcmp(text, *words) == 0) {
            *ret = *words;
            return 0;
        }
    return -EINVAL;
}

static int parse_option(int c, void *ctx)
{
    struct import_options *o = ctx;
    static const char *const types[] = {"number", "spell", "punctuation", "cell",
                                        "word",   "line",  "page",        NULL};
    static const char *const splits[] = {"train", "val", "test", NULL};
    int r = dataset_common_option(c, "import", &o->common);
    if (r != 0)
        return r;

    switch (c) {
    case 'o':
        o->out = optarg;
        break;
    case CODE:
        r = lang_code_parse(optarg, &o->code);
        o->has_code = true;
        break;
    case TYPE:
        r = one_of(optarg, types, &o->type);
        break;
    case SPLIT:
        r = one_of(optarg, splits, &o->split);
        break;
    case DPI:
        r = dataset_parse_number(optarg, 10000, &o->dpi);
        break;
    case MARGIN:
        r = strcmp(optarg, "0") == 0 ? 0 : dataset_parse_number(optarg, 2, &o->margin);
        if (strcmp(optarg, "0") == 0)
            o->margin = 0;
        break;
    case LINK:
        o->link = true;
        break;
    default:
        return -EINVAL;
    }
    if (r < 0)
        log_error("braille-dataset import: '%s' does not fit its option; see --help", optarg);
    return r;
}

/* 0, 1: help was printed, or -EINVAL. */
static int parse_all(int argc, char **argv, struct import_options *o)
{
    static const struct option options[] = {{"output", required_argument, NULL, 'o'},
                                            {"code", required_argument, NULL, CODE},
                                            {"type", required_argument, NULL, TYPE},
                                            {"split", required_argument, NULL, SPLIT},
                                            {"dpi", required_argument, NULL, DPI},
                                            {"margin", required_argument, NULL, MARGIN},
                                            {"link", no_argument, NULL, LINK},
                                            DATASET_COMMON_OPTIONS,
                                            {0}};

    int r = dataset_parse_options(argc, argv, options, help, parse_option, o);
    if (r != 0)
        return r;
    for (size_t i = 0; optind < argc && i < ELEMENTSOF(formats); i++)
        if (strcmp(argv[optind], formats[i]->name) == 0)
            o->format = formats[i];
    if (o->format && o->out && optind + 1 < argc)
        return 0;
    if (optind < argc && !o->format)
        log_error("braille-dataset import: there is no format '%s'; see --help", argv[optind]);
    else
        dataset_print_help(stderr, help);
    return -EINVAL;
}

int dataset_import(int argc, char **argv)
{
    struct import_options o = {.common = DATASET_COMMON, .margin = -1};
    struct import_run run = {.o = &o};
    struct fail fail = {0};

    int r = parse_all(argc, argv, &o);
    if (r != 0)
        return r < 0 ? FAIL_USAGE : 0;
    dataset_catch_signals();
    r = import_all(&run, argv + optind + 1, argc - optind - 1, &fail);
    const size_t n = run.set.n_done - run.set.n_skipped;
    if (r == 0 && n == 0)
        r = fail_set(&fail, FAIL_INPUT, -ENODATA,
                     "nothing could be read; '%s/skipped.jsonl' says why", o.out);
    if (r == 0 && o.common.json)
        printf("{\"records\": %zu, \"skipped\": %zu}\n", n, run.set.n_skipped);
    set_done(&run.set);
    import_list_done(&run.list);
    return dataset_end("import", r, &fail);
}
