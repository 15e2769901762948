/* SPDX-License-Identifier: Apache-2.0
 *
 * braille-dataset export: a data set in the forms that other people's tools are trained on.
 */

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/batch.h"
#include "base/file.h"
#include "base/log.h"
#include "image/image.h"
#include "tools/dataset/dataset.h"
#include "tools/dataset/export/export.h"
#include "tools/dataset/ids.h"

static const struct export_format *const formats[] = {
    &export_chinese_clip, &export_webdataset, &export_imagefolder, &export_coco, &export_dsbi};

struct export_run {
    const struct export_options *o;
    struct manifest_reader *reader;
    struct manifest_writer *skipped; ///< once there is one
    struct export_out out;
    void *state;
    struct progress progress;
    size_t n_all, n_read, n_written, n_skipped;
};

/* ---- one record ---- */

static int next_item(void *ctx, void **ret, struct fail *fail)
{
    struct export_run *run = ctx;

    int r = dataset_interrupted(fail);
    if (r < 0)
        return r;
    struct export_item *item = calloc(1, sizeof(*item));
    if (!item)
        return -ENOMEM;
    r = manifest_next(run->reader, &item->record, fail);
    if (r <= 0) {
        free(item);
        return r;
    }
    item->number = ++run->n_read;
    *ret = item;
    return 1;
}

/* What is no PNG and no JPEG is written as PNG: not all take other forms, or heed EXIF. */
static int to_known_form(struct export_item *item, const struct image *img, struct fail *fail)
{
    item->ending = img->turned ? NULL : image_ending(item->bytes, item->n_bytes);
    if (item->ending)
        return 0;
    uint8_t *png;
    size_t size;
    int r = image_encode(img, "x.png", &png, &size, fail);
    if (r < 0)
        return r;
    free(item->bytes);
    item->bytes = png;
    item->n_bytes = size;
    item->ending = "png";
    return 0;
}

static int load(const struct export_options *o, struct export_item *item, struct fail *fail)
{
    CLEANUP_FREE char *path = manifest_path(o->in, item->record.image);
    CLEANUP(image_freep) struct image *img = NULL;
    char sum[HASH_TEXT];

    if (!path)
        return -ENOMEM;
    int r = file_read(path, IMAGE_MAX_FILE_BYTES, &item->bytes, &item->n_bytes, fail);
    if (r == 0)
        r = hash_sha256(item->bytes, item->n_bytes, sum);
    if (r == 0 && item->record.sha256 && strcmp(sum, item->record.sha256) != 0)
        r = fail_set(fail, FAIL_INPUT, -EBADMSG, "'%s' is not the picture that was labelled", path);
    if (r == 0)
        r = image_decode(item->bytes, item->n_bytes, path, &img, fail);
    if (r < 0)
        return r;
    item->width = img->width;
    item->height = img->height;
    return to_known_form(item, img, fail);
}

static int work_on(void *ctx, void *p, struct fail *fail)
{
    struct export_run *run = ctx;
    struct export_item *item = p;

    int r = load(run->o, item, &item->why);
    if (r == -ENOMEM)
        return r;
    item->skip = r < 0;
    return 0;
}

static int skip(struct export_run *run, const struct export_item *item, struct fail *fail)
{
    log_warning("braille-dataset export: left out %s: %s", item->record.id, item->why.text);
    run->n_skipped++;
    int r = run->skipped ? 0 : manifest_create(run->out.tmp, "skipped.jsonl", &run->skipped, fail);
    json_t *line =
        r == 0 ? json_pack("{s:s, s:s}", "id", item->record.id, "why", item->why.text) : NULL;
    if (r == 0)
        r = line ? manifest_add_json(run->skipped, line, fail) : -ENOMEM;
    json_decref(line);
    return r;
}

static int take_item(void *ctx, void *p, int r, struct fail *fail)
{
    struct export_run *run = ctx;
    struct export_item *item = p;

    if (r == 0) {
        r = item->skip ? EXPORT_SKIP : run->o->format->add(run->state, item, fail);
        if (r == 0)
            run->n_written++;
        if (r == EXPORT_SKIP)
            r = skip(run, item, fail);
        if (r == 0)
            progress_step(&run->progress);
    }
    free(item->bytes);
    manifest_record_done(&item->record);
    free(item);
    return r;
}

/* ---- the run ---- */

/* The data card goes along, and a line that says what this folder is. */
static int describe(struct export_run *run, struct fail *fail)
{
    CLEANUP_FREE char *card = manifest_path(run->o->in, "card.md");
    CLEANUP_FREE uint8_t *text = NULL;
    size_t size;
    FILE *f = NULL;

    if (!card)
        return -ENOMEM;
    int r = 0;
    if (file_read(card, (size_t) 1 << 20, &text, &size, NULL) == 0) /* a set may have none */
        r = export_write(run->out.tmp, "card.md", text, size, fail);
    if (r == 0 && run->skipped)
        r = manifest_commit(run->skipped, fail);
    if (r == 0)
        r = export_create(run->out.tmp, EXPORT_DONE, &f, fail);
    if (r < 0)
        return r;
    fprintf(f,
            "{\"format\":\"%s\",\"made_by\":\"" EXPORT_MADE_BY "%s\",\"records\":%zu,"
            "\"skipped\":%zu}\n",
            run->o->format->name, BRAILLED_VERSION, run->n_written, run->n_skipped);
    return export_close(&f, run->out.tmp, 0, fail);
}

static int export_records(struct export_run *run, struct fail *fail)
{
    const struct export_options *o = run->o;

    int r = o->format->open(o, run->out.tmp, &run->state, fail);
    if (r < 0)
        return r;
    progress_start(&run->progress, N_("exporting"), 0, run->n_all, o->common.quiet);
    r = batch_run(&(struct batch){.n_jobs = o->common.n_jobs,
                                  .ctx = run,
                                  .next = next_item,
                                  .work = work_on,
                                  .take = take_item},
                  fail);
    if (r == 0)
        r = o->format->finish(run->state, fail);
    o->format->done(run->state);
    if (r == 0)
        progress_end(&run->progress);
    return r;
}

static int export_all(struct export_run *run, struct fail *fail)
{
    struct ids ids = {0};

    int r = ids_load(&ids, run->o->in, NULL, false, fail); /* files are named by them */
    run->n_all = ids.n;
    ids_done(&ids);
    if (r == 0)
        r = manifest_open(run->o->in, &run->reader, fail);
    if (r == 0)
        r = export_out_open(&run->out, run->o->out, run->o->common.force, fail);
    if (r == 0)
        r = export_records(run, fail);
    if (r == 0 && run->n_written == 0)
        r = fail_set(fail, FAIL_INPUT, -ENODATA, "no record of '%s' can be written as %s",
                     run->o->in, run->o->format->name);
    if (r == 0)
        r = describe(run, fail);
    return r < 0 ? r : export_out_commit(&run->out, fail);
}

static const char help[] = N_(
    "usage: braille-dataset export FORMAT DIR -o OUT [OPTIONS]\n\n"
    "Write the data set DIR in a form that others take. OUT appears when it is complete; what\n"
    "cannot be written is left out, with a line here and one in OUT/skipped.jsonl.\n\n"
    "  chinese-clip  SPLIT_imgs.tsv (number, base64) and SPLIT_texts.jsonl, splits train, valid\n"
    "                and test\n"
    "  webdataset    SPLIT-000000.tar of .png or .jpg, .txt (text) and .json (record)\n"
    "  imagefolder   train/, validation/ and test/ with metadata.csv, for Hugging Face datasets\n"
    "  coco          images/ and annotations/instances_SPLIT.json, 63 categories of cells\n"
    "  dsbi          X+recto.txt and X+verso.txt beside X.jpg or X.png\n\n"
    "Records without a split count as train.\n\n"
    "  -o, --output OUT         the folder; --force replaces an export only\n"
    "      --shard-size N       pictures in a tar file (1000)\n"
    "      --metadata csv|jsonl of imagefolder; in CSV the words NA, null and nan are lost to\n"
    "                           readers that take them for nothing (csv)\n");

enum { SHARD_SIZE = DATASET_OWN, METADATA };

static int parse_option(int c, void *ctx)
{
    struct export_options *o = ctx;
    int r = dataset_common_option(c, "export", &o->common);
    if (r != 0)
        return r;

    switch (c) {
    case 'o':
        o->out = optarg;
        break;
    case SHARD_SIZE:
        r = dataset_parse_whole(optarg, 1000000000, &o->shard_size);
        if (r == 0 && o->shard_size == 0)
            r = -EINVAL;
        break;
    case METADATA:
        o->jsonl = strcmp(optarg, "jsonl") == 0;
        r = o->jsonl || strcmp(optarg, "csv") == 0 ? 0 : -EINVAL;
        break;
    default:
        return -EINVAL;
    }
    if (r < 0)
        log_error("braille-dataset export: '%s' does not fit its option; see --help", optarg);
    return r;
}

/* 0, 1: help was printed, or -EINVAL. */
static int parse_all(int argc, char **argv, struct export_options *o)
{
    static const struct option options[] = {{"output", required_argument, NULL, 'o'},
                                            {"shard-size", required_argument, NULL, SHARD_SIZE},
                                            {"metadata", required_argument, NULL, METADATA},
                                            DATASET_COMMON_OPTIONS,
                                            {0}};

    int r = dataset_parse_options(argc, argv, options, help, parse_option, o);
    if (r != 0)
        return r;
    for (size_t i = 0; optind < argc && i < ELEMENTSOF(formats); i++)
        if (strcmp(argv[optind], formats[i]->name) == 0)
            o->format = formats[i];
    if (o->format && o->out && optind + 2 == argc) {
        o->in = argv[optind + 1];
        return 0;
    }
    if (optind < argc && !o->format)
        log_error("braille-dataset export: there is no format '%s'; see --help", argv[optind]);
    else
        dataset_print_help(stderr, help);
    return -EINVAL;
}

int dataset_export(int argc, char **argv)
{
    struct export_options o = {.common = DATASET_COMMON, .shard_size = 1000};
    struct export_run run = {.o = &o, .out = EXPORT_OUT_INIT};
    struct fail fail = {0};

    int r = parse_all(argc, argv, &o);
    if (r != 0)
        return r < 0 ? FAIL_USAGE : 0;
    dataset_catch_signals();
    r = export_all(&run, &fail);
    if (r == 0 && o.common.json)
        printf("{\"format\": \"%s\", \"records\": %zu, \"skipped\": %zu}\n", o.format->name,
               run.n_written, run.n_skipped);
    manifest_writer_free(run.skipped);
    manifest_close(run.reader);
    export_out_done(&run.out);
    return dataset_end("export", r, &fail);
}
