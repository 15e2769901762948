/* SPDX-License-Identifier: Apache-2.0
 *
 * braillectl read: pages -> what a format of tools/ctl/format makes of them. Works in this process:
 * the places of the cells are not part of the daemon's answer.
 */

#include "tools/ctl/engine-local.h"

#include "base/file.h"
#include "image/image.h"
#include "tools/ctl/engine.h"
#include "tools/ctl/format/format.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Of cells with a smaller p one in three is wrong on pages that the reader was not trained on. */
#define DOUBT 0.9
/* Below it the user is told that the code is a guess. */
#define CODE_SURE 0.9f

static struct {
    unsigned format, orientation, side, mirrored, code, language;
    const char *output, *title;
    double dpi, doubt;
    bool crop, scores, verbatim;
} options = {.format = UINT_MAX, .language = UINT_MAX, .doubt = DOUBT};

static const char *const languages[] = {"en", "zh", NULL};

static size_t read_args(struct arg *out)
{
    static const struct arg args[] = {
        {"format", 'f', ARG_CHOICE, "FORMAT",
         N_("text (default), pinyin, unicode, brf, pef, json, html, dsbi"), &options.format,
         .choices = format_names},
        {"output", 'o', ARG_STRING, "FILE", N_("write there; its ending may name the format"),
         &options.output},
        ENGINE_PLACE_ARGS(&options.side, &options.orientation, &options.mirrored),
        {"dpi", 0, ARG_NUMBER, "N", N_("resolution of the scan when the file does not say it"),
         &options.dpi, .min = 20, .max = 2400},
        ENGINE_CODE_ARG(&options.code),
        {"doubt", 0, ARG_NUMBER, "P", N_("html: cells with a smaller p are marked (0.9)"),
         &options.doubt, .min = -1, .max = 2},
        {"lang", 0, ARG_CHOICE, "LANGUAGE", N_("html: labels in en or zh (default: as LANG says)"),
         &options.language, .choices = languages},
        {"title", 0, ARG_STRING, "TEXT", N_("html, pef: title (default: the first page's name)"),
         &options.title},
        {"crop", 0, ARG_FLAG, NULL, N_("the picture is a crop of few cells, not a page"),
         &options.crop},
        {"verbatim", 0, ARG_FLAG, NULL,
         N_("cells as they were seen: nothing is corrected by the text"), &options.verbatim},
        {"scores", 0, ARG_FLAG, NULL,
         N_("json: what each p is made of, and the places that are blank"), &options.scores},
    };
    memcpy(out, args, sizeof(args));
    return ELEMENTSOF(args);
}

static int choose_format(const struct ctl *ctl, const struct format **ret, struct fail *fail)
{
    const struct format *f =
        options.format != UINT_MAX ? format_find(format_names[options.format]) : NULL;

    if (ctl->json && f && f != &format_json)
        return fail_set(fail, FAIL_USAGE, -EINVAL, "--json and --format %s: choose one", f->name);
    if (!f && ctl->json)
        f = &format_json;
    if (!f && options.output)
        f = format_of_file(options.output);
    *ret = f ? f : &format_text;
    return 0;
}

/* As programs of POSIX choose their language. */
static bool wants_chinese(void)
{
    static const char *const names[] = {"LC_ALL", "LC_MESSAGES", "LANG"};

    if (options.language != UINT_MAX)
        return strcmp(languages[options.language], "zh") == 0;
    for (size_t i = 0; i < ELEMENTSOF(names); i++) {
        const char *value = getenv(names[i]);
        if (value && *value)
            return strncmp(value, "zh", 2) == 0;
    }
    return false;
}

static int print_text(const char *text, size_t size, struct fail *fail)
{
    errno = 0;
    if (fwrite(text, 1, size, stdout) != size)
        return fail_set(fail, FAIL_IO, errno ? -errno : -EIO,
                        "cannot write to standard output: %m");
    return ctl_flush(fail);
}

static void say_where(const struct ctl *ctl, const struct pipeline_reading *reading)
{
    static const char *const names[] = {[BRL_RECTO] = N_("recto"), [BRL_VERSO] = N_("verso")};

    if (options.side == PIPELINE_BOTH && reading->n_sides == 1)
        ctl_say_line(ctl, "nothing on the %s", tr(names[reading->side[0].side == BRL_RECTO]));
    if (reading->mirrored)
        ctl_say_line(ctl, "a mirror image, it seems; --mirrored no reads it as it is");
    for (unsigned i = 0; i < reading->n_sides; i++)
        if (!reading->side[i].is_text)
            ctl_say_line(ctl,
                         "the %s is no text in any code of Chinese braille (%.1f nats a cell): its "
                         "cells are given, and none is certain",
                         tr(names[reading->side[i].side]), reading->side[i].nats);
}

static void say_what_was_read(const struct ctl *ctl, const struct pipeline_reading *reading)
{
    const char *name = lang_code_names[reading->code], *title = engine_code_title(name);
    const struct pipeline_times *t = &reading->times_ms;

    if (ctl->verbose)
        ctl_say_line(ctl, "decode %.1f, grid %.1f, embed %.1f, knn %.1f, lang %.1f ms", t->decode,
                     t->grid, t->embed, t->knn, t->lang);
    say_where(ctl, reading);
    if (!pipeline_reading_is_text(reading))
        return;
    if (reading->code_p < CODE_SURE)
        ctl_say_line(ctl, "%s, it seems (%.2f); --code says which code it is", title,
                     (double) reading->code_p);
    else if (ctl->verbose)
        ctl_say_line(ctl, "code: %s (%.3f)", name, (double) reading->code_p);
    if (pipeline_reading_changes(reading))
        ctl_say_line(ctl,
                     "%zu cells taken for others, a dot away, by what the text says; json and "
                     "html list them, --verbatim leaves them",
                     pipeline_reading_changes(reading));
    if (reading->n_unknown)
        ctl_say_line(ctl, "%u cells are no text in %s", reading->n_unknown, title);
}

static int read_one(const struct ctl *ctl, struct pipeline *p, const char *name,
                    struct format_writer *w, struct fail *fail)
{
    CLEANUP(image_freep) struct image *img = NULL;
    struct pipeline_reading reading = {0};
    int fd = -1;

    int r = ctl_open_input(name, IMAGE_MAX_FILE_BYTES, &fd, fail);
    if (r < 0)
        return r;
    r = local_read(
        p, ctl, fd, name,
        pipeline_read_params(.mode = options.crop ? PIPELINE_CROP : PIPELINE_AUTO,
                             .dpi = options.dpi,
                             .orientation =
                                 options.orientation ? 90 * ((int) options.orientation - 1) : -1,
                             .mirrored = (int) options.mirrored - 1, .code = options.code,
                             .blanks = options.scores, .verbatim = options.verbatim,
                             .sides = (enum pipeline_sides) options.side),
        &reading, w->format->needs_picture ? &img : NULL, fail);
    close(fd);
    ctl_progress_clear();
    if (r < 0)
        return r;
    say_what_was_read(ctl, &reading);
    r = format_add(w, &(struct format_page){.name = name, .img = img, .reading = &reading}, fail);
    pipeline_reading_done(&reading);
    return r;
}

/* Pages one after the other; where nothing stands around them they are printed as they come. */
static int read_pages(const struct ctl *ctl, struct pipeline *p, int n, char **names, bool stream,
                      struct format_writer *w, struct fail *fail)
{
    int r = 0;

    for (int i = 0; i < n && r == 0; i++) {
        CLEANUP_FREE char *text = NULL;
        size_t size = 0;
        r = read_one(ctl, p, names[i], w, fail);
        if (r == 0 && stream && !w->format->end)
            r = format_take(w, &text, &size);
        if (r == 0 && text)
            r = print_text(text, size, fail);
    }
    return r;
}

static int write_out(struct format_writer *w, struct file_out *file, struct fail *fail)
{
    CLEANUP_FREE char *text = NULL;
    size_t size = 0;

    int r = format_end(w, &text, &size, fail);
    if (r < 0)
        return r;
    if (file->fd < 0)
        return print_text(text, size, fail);
    r = file_out_write(file, text, size, fail);
    return r < 0 ? r : file_out_commit(file, fail);
}

static int read_with(struct ctl *ctl, const struct format *format, int n, char **names,
                     struct file_out *file, struct fail *fail)
{
    CLEANUP(pipeline_freep) struct pipeline *p = NULL;
    CLEANUP(format_done) struct format_writer w = {0};
    char note[300];

    int r = local_pipeline_new(ctl, &p, fail);
    if (r < 0)
        return r;
    local_device_note(pipeline_device(p), note, sizeof(note));
    ctl_say_line(ctl, "device: %s%s", pipeline_device(p)->name, note);
    r = format_begin(&w, format,
                     &(struct format_options){.title = options.title,
                                              .device = pipeline_device(p)->name,
                                              .doubt = options.doubt,
                                              .scores = options.scores,
                                              .chinese = wants_chinese()});
    if (r == 0)
        r = read_pages(ctl, p, n, names, file->fd < 0, &w, fail);
    return r < 0 ? r : write_out(&w, file, fail);
}

static int read_run(struct ctl *ctl, int n_words, char **words, struct fail *fail)
{
    CLEANUP(file_out_done) struct file_out file = FILE_OUT_INIT;
    const struct format *format = NULL;

    if (n_words < 1)
        return fail_set(fail, FAIL_USAGE, -EINVAL, "read takes a page or more; see --help");
    int r = choose_format(ctl, &format, fail);
    if (r < 0)
        return r;
    if (format->one_page && options.side == PIPELINE_BOTH)
        return fail_set(fail, FAIL_USAGE, -EINVAL,
                        "--format %s holds one side: use --side recto -o X+recto.txt, then --side "
                        "verso -o X+verso.txt",
                        format->name);
    if (n_words > 1 && format->one_page)
        return fail_set(fail, FAIL_USAGE, -EINVAL,
                        "--format %s holds one side of one page; read the pages one by one",
                        format->name);
    ctl_catch_signals();
    if (options.output && strcmp(options.output, "-") != 0)
        r = file_out_open(&file, options.output, fail);
    return r < 0 ? r : read_with(ctl, format, n_words, words, &file, fail);
}

const struct ctl_command ctl_read = {
    .name = "read",
    .words = "PAGE...",
    .summary = N_("pictures of braille pages -> text, or everything that was seen"),
    .help = N_(
        "PAGE is a PNG, JPEG, TIFF or PNM picture; - is standard input. Formats:\n"
        "  text     the best text at hand: pinyin for now; for a --crop what the crop shows\n"
        "  pinyin   as the page has it, tones where they are printed\n"
        "  hanzi    Chinese characters that the lexicon finds likeliest, a line for each line\n"
        "  unicode  the cells as Unicode braille, a line for each line\n"
        "  brf      braille ASCII for embossers and displays, a form feed behind each page\n"
        "  pef      Portable Embosser Format 2008-1\n"
        "  json     everything with places and certainty, an object a page (--json is the same)\n"
        "  html     one document: the picture, the reading laid over it, what is doubtful\n"
        "  dsbi     an annotation as the DSBI dataset has them, for braille-eval; one page\n"
        "With -o FILE the file appears when it is complete.\n"
        "Reading always works in this process, never through brailled.\n"),
    .args = read_args,
    .run = read_run,
};
