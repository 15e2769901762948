/* SPDX-License-Identifier: Apache-2.0
 *
 * braillectl convert: a page -> speech, or many pages -> a book (tools/ctl/book/).
 */

#include "tools/ctl/book/book.h"

#include "base/file.h"
#include "image/image.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* One more than a page's: what is asked for where nothing was said. */
enum { SIDE_UNSAID = PIPELINE_BOTH + 1 };

static struct {
    const char *out, *text, *vtt, *title;
    unsigned orientation, side, mirrored, code, chapters;
    double dpi;
    bool keep_going;
    struct speech_options speech;
} options = {.side = SIDE_UNSAID, .speech = SPEECH_OPTIONS_INIT};

static const char *const chapters[] = {[BOOK_CHAPTERS_AUTO] = "auto",
                                       [BOOK_CHAPTERS_PAGES] = "pages",
                                       [BOOK_CHAPTERS_HEADINGS] = "headings",
                                       [BOOK_CHAPTERS_NONE] = "none",
                                       NULL};

static size_t convert_args(struct arg *out)
{
    static const struct arg args[] = {
        {"output", 'o', ARG_STRING, "OUT", N_("sound file: .wav .flac .ogg .opus; - streams WAV"),
         &options.out},
        {"text", 0, ARG_STRING, "OUT.txt", N_("also write what was spoken"), &options.text},
        {"vtt", 0, ARG_STRING, "OUT.vtt", N_("also write it as cues (a book: beside OUT)"),
         &options.vtt},
        {"title", 0, ARG_STRING, "TEXT", N_("of the book (default: the folder's or OUT's name)"),
         &options.title},
        {"chapters", 0, ARG_CHOICE, "WHAT", N_("auto (default), pages, headings or none"),
         &options.chapters, .choices = chapters},
        {"keep-going", 'k', ARG_FLAG, NULL,
         N_("leave out pages that cannot be read, and name them"), &options.keep_going},
        ENGINE_PLACE_ARGS(&options.side, &options.orientation, &options.mirrored),
        {"dpi", 0, ARG_NUMBER, "N", N_("resolution of the scan when the file does not say it"),
         &options.dpi, .min = 20, .max = 2400},
        ENGINE_CODE_ARG(&options.code),
    };
    memcpy(out, args, sizeof(args));
    speech_args(&options.speech, out + ELEMENTSOF(args));
    return ELEMENTSOF(args) + SPEECH_N_ARGS;
}

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* ---- one page ---- */

static int read_page(const struct ctl *ctl, struct engine *e, const char *name,
                     struct engine_page *ret, struct fail *fail)
{
    const struct engine_read_params params = {
        .orientation = engine_orientation_of(options.orientation),
        .dpi = options.dpi,
        .code = options.code,
        .sides = options.side == SIDE_UNSAID ? PIPELINE_RECTO : (enum pipeline_sides) options.side,
        .mirrored = engine_mirrored_of(options.mirrored),
    };
    int fd = -1;

    int r = ctl_open_input(name, IMAGE_MAX_FILE_BYTES, &fd, fail);
    if (r < 0)
        return r;
    if (strcmp(name, "-") == 0)
        name = tr("standard input");
    r = engine_read(e, fd, name, &params, ret, fail);
    close(fd);
    if (r < 0)
        return r;
    ctl_say_line(ctl, "%s: read, mean certainty %.3f", name, ret->confidence);
    if (ret->n_unknown)
        ctl_say_line(ctl, "%s: %u cells are no text in %s; left out", name, ret->n_unknown,
                     engine_code_title(ret->code));
    return 0;
}

static int speak(struct engine *e, struct speech *speech, const struct engine_page *page,
                 struct fail *fail)
{
    struct fail why = {0};
    int r = speech_say(speech, e, page->text, &options.speech.say, &why);

    if (r < 0 && r != -ENODATA) /* signs only: whether nothing at all was said shows at the end */
        *fail = why;
    return r == -ENODATA ? 0 : r;
}

static int convert_page(struct ctl *ctl, const char *name, struct fail *fail)
{
    CLEANUP(file_out_done) struct file_out text = FILE_OUT_INIT;
    CLEANUP(engine_freep) struct engine *e = NULL;
    struct engine_page page = {0};
    struct speech speech;

    int r = speech_open(&speech, ctl, options.out, options.speech.play, fail);
    if (r >= 0 && options.text)
        r = file_out_open(&text, options.text, fail);
    if (r >= 0)
        r = engine_new(ctl, &e, fail);
    if (r >= 0)
        r = read_page(ctl, e, name, &page, fail);
    if (r >= 0)
        r = speak(e, &speech, &page, fail);
    if (r >= 0 && options.text)
        r = file_out_write(&text, page.text, strlen(page.text), fail);
    if (r >= 0 && options.text)
        r = file_out_write(&text, "\n", 1, fail);
    if (r >= 0)
        r = speech_commit(&speech, fail);
    if (r >= 0 && options.text)
        r = file_out_commit(&text, fail);
    if (r >= 0)
        r = speech_report(&speech, e, page.text, page.pinyin, fail);
    speech_done(&speech);
    engine_page_done(&page);
    return r;
}

/* ---- a book ---- */

/* Beside the sound: book.opus has book.vtt. *ret owned; NULL where there is no file. */
static int vtt_beside(char **ret)
{
    const char *out = options.out, *slash = out ? strrchr(out, '/') : NULL;
    const char *dot = out ? strrchr(slash ? slash : out, '.') : NULL;

    if (!dot)
        return 0;
    return asprintf(ret, "%.*s.vtt", (int) (dot - out), out) < 0 ? -ENOMEM : 0;
}

static int convert_book(struct ctl *ctl, int n_words, char **words, struct fail *fail)
{
    CLEANUP_FREE char *vtt = NULL;
    const struct book_options book = {
        .out = options.out,
        .text = options.text,
        .vtt = options.vtt,
        .title = options.title,
        .chapters = (enum book_chapters) options.chapters,
        .keep_going = options.keep_going,
        .play = options.speech.play,
        .orientation = engine_orientation_of(options.orientation),
        .mirrored = engine_mirrored_of(options.mirrored),
        .dpi = options.dpi,
        .code = options.code,
        .sides = options.side == SIDE_UNSAID ? PIPELINE_BOTH : (enum pipeline_sides) options.side,
        .say = options.speech.say,
    };
    struct book_options with_vtt = book;

    if (!options.vtt && vtt_beside(&vtt) < 0)
        return -ENOMEM;
    if (vtt)
        with_vtt.vtt = vtt;
    return book_run(ctl, &with_vtt, n_words, words, fail);
}

static int convert_run(struct ctl *ctl, int n_words, char **words, struct fail *fail)
{
    if (n_words == 0)
        return fail_set(fail, FAIL_USAGE, -EINVAL, "name at least one page; see --help");
    ctl_catch_signals();
    if (n_words > 1 || options.vtt || is_folder(words[0]))
        return convert_book(ctl, n_words, words, fail);
    return convert_page(ctl, words[0], fail);
}

const struct ctl_command ctl_convert = {
    .name = "convert",
    .words = "PAGE... -o OUT",
    .summary = N_("pictures of braille pages -> one sound file"),
    .help = N_(
        "PAGE is a PNG, JPEG, TIFF or PNM picture; - is standard input. The sound grows sentence\n"
        "by sentence and has its name once it is whole; with -o - it streams as WAV, with --play\n"
        "it is heard, while the rest is being made.\n"
        "Several pages, or a folder of them, are a book: one text that runs on over the pages, p2\n"
        "before p10, both sides of each sheet (--side recto for scans of single sides). OUT.opus\n"
        "has chapters, and OUT.vtt beside it the text with its times. A book that was interrupted\n"
        "goes on when the same command is given again. It is always made in this process.\n"
        "What is spoken (--text, \"text\" of --json) is toned pinyin.\n"),
    .args = convert_args,
    .run = convert_run,
};
