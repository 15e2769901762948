/* SPDX-License-Identifier: Apache-2.0
 *
 * braillectl read: one page -> text, pinyin, braille or everything as JSON. Works in this process:
 * the places of the cells are not part of the daemon's answer.
 */

#include "tools/ctl/engine-local.h"

#include "image/image.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum format { FORMAT_TEXT, FORMAT_PINYIN, FORMAT_UNICODE, FORMAT_JSON };

static struct {
    unsigned format, orientation, side;
    double dpi;
    bool crop;
} options;

static const char *const formats[] = {"text", "pinyin", "unicode", "json", NULL};
static const char *const orientations[] = {"auto", "0", "90", "180", "270", NULL};
static const char *const sides[] = {"recto", "verso", NULL};

static size_t read_args(struct arg *out)
{
    static const struct arg args[] = {
        {"format", 'f', ARG_CHOICE, "FORMAT", "text (default), pinyin, unicode or json",
         &options.format, .choices = formats},
        {"side", 0, ARG_CHOICE, "SIDE", "recto (default) or verso: the other side's dots",
         &options.side, .choices = sides},
        {"orientation", 0, ARG_CHOICE, "DEG", "auto (default), 0, 90, 180 or 270",
         &options.orientation, .choices = orientations},
        {"dpi", 0, ARG_NUMBER, "N", "resolution of the scan when the file does not say it",
         &options.dpi, .min = 20, .max = 2400},
        {"crop", 0, ARG_FLAG, NULL, "the picture is a crop of few cells, not a page",
         &options.crop},
    };
    memcpy(out, args, sizeof(args));
    return ELEMENTSOF(args);
}

static json_t *cells_json(const struct pipeline_reading *r, const char *side)
{
    json_t *array = json_array();

    for (size_t i = 0; i < r->n_cells; i++) {
        const struct pipeline_cell *c = &r->cells[i];
        char dots[7];
        brl_cell_format(c->dots, dots);
        json_array_append_new(array, json_pack("{ss si si s[ffff] ss sf}", "side", side, "row",
                                               (int) c->row, "column", (int) c->column, "box",
                                               c->box[0], c->box[1], c->box[2], c->box[3], "dots",
                                               dots, "p", (double) c->p));
    }
    return array;
}

static json_t *lines_json(const struct pipeline_reading *r, const char *side)
{
    json_t *array = json_array();

    for (size_t i = 0; i < r->n_lines; i++) {
        const struct pipeline_line *l = &r->lines[i];
        json_array_append_new(array, json_pack("{ss si ss ss ss sf}", "side", side, "row",
                                               (int) l->row, "braille", l->braille, "pinyin",
                                               l->pinyin, "hanzi", "", "p", (double) l->p));
    }
    return array;
}

static int print_json(const struct pipeline *p, const struct pipeline_reading *r, struct fail *fail)
{
    const char *side = sides[options.side];
    const struct pipeline_times *t = &r->times_ms;
    json_t *page = json_pack("{si si sf si sb sf}", "width", (int) r->width, "height",
                             (int) r->height, "dpi", r->dpi, "orientation", (int) r->orientation,
                             "mirrored", r->mirrored, "skew_deg", r->skew_deg);
    json_t *times = json_pack("{sf sf sf sf sf}", "decode", t->decode, "grid", t->grid, "embed",
                              t->embed, "knn", t->knn, "lang", t->lang);
    json_t *all = json_pack("{so ss so ss so so}", "page", page, "device", pipeline_device(p)->name,
                            "times_ms", times, "code", "current", "cells", cells_json(r, side),
                            "lines", lines_json(r, side));

    if (all && r->crop)
        json_object_set_new(all, "crop", json_string(r->crop_text));
    return ctl_print_json(all, fail);
}

static int print_lines(const struct pipeline_reading *r, struct fail *fail)
{
    if (r->crop && options.format == FORMAT_TEXT) {
        printf("%s\n", r->crop_text);
        return ctl_flush(fail);
    }
    for (size_t i = 0; i < r->n_lines; i++)
        printf("%s\n", options.format == FORMAT_UNICODE ? r->lines[i].braille : r->lines[i].pinyin);
    return ctl_flush(fail);
}

static int read_one(const struct ctl *ctl, struct pipeline *p, const char *name, struct fail *fail)
{
    struct pipeline_reading reading = {0};
    int fd = -1;

    int r = ctl_open_input(name, IMAGE_MAX_FILE_BYTES, &fd, fail);
    if (r < 0)
        return r;
    r = local_read(p, ctl, fd, name,
                   pipeline_read_params(.mode = options.crop ? PIPELINE_CROP : PIPELINE_AUTO,
                                        .dpi = options.dpi,
                                        .orientation = options.orientation
                                                           ? 90 * ((int) options.orientation - 1)
                                                           : -1,
                                        .verso = options.side == 1),
                   &reading, fail);
    close(fd);
    ctl_progress_clear();
    if (r < 0)
        return r;
    const struct pipeline_times *t = &reading.times_ms;
    if (ctl->verbose)
        ctl_say_line(ctl, "decode %.1f, grid %.1f, embed %.1f, knn %.1f, lang %.1f ms", t->decode,
                     t->grid, t->embed, t->knn, t->lang);
    if (reading.n_unknown)
        ctl_say_line(ctl, "%u cells are no text in Current Chinese Braille", reading.n_unknown);
    r = ctl->json || options.format == FORMAT_JSON ? print_json(p, &reading, fail)
                                                   : print_lines(&reading, fail);
    pipeline_reading_done(&reading);
    return r;
}

static int read_run(struct ctl *ctl, int n_words, char **words, struct fail *fail)
{
    CLEANUP(pipeline_freep) struct pipeline *p = NULL;
    char note[300];

    if (n_words != 1)
        return fail_set(fail, FAIL_USAGE, -EINVAL, "read takes one page; see --help");
    ctl_catch_signals();
    int r = local_pipeline_new(ctl, &p, fail);
    if (r < 0)
        return r;
    local_device_note(pipeline_device(p), note, sizeof(note));
    ctl_say_line(ctl, "device: %s%s", pipeline_device(p)->name, note);
    return read_one(ctl, p, words[0], fail);
}

const struct ctl_command ctl_read = {
    .name = "read",
    .words = "PAGE",
    .summary = "one picture of a braille page -> text on standard output",
    .help =
        "PAGE is a PNG, JPEG, TIFF or PNM picture; - is standard input. Formats: \"pinyin\" as "
        "the\n"
        "page has it, \"unicode\" the cells as Unicode braille, \"json\" everything with places "
        "and\n"
        "certainty (--json is the same). \"text\" is the best text at hand: pinyin for now, hanzi\n"
        "come with a later issue; for a --crop it is what the crop shows. Reading always works in\n"
        "this process, never through brailled.\n",
    .args = read_args,
    .run = read_run,
};
