/* SPDX-License-Identifier: Apache-2.0
 *
 * braillectl convert: pages in order -> one text -> speech.
 */

#include "tools/ctl/speech.h"

#include "base/file.h"
#include "image/image.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct {
    const char *out, *text;
    unsigned orientation, side, mirrored, code;
    double dpi, rate, pitch;
} options = {.rate = 1, .pitch = 1};

static size_t convert_args(struct arg *out)
{
    static const struct arg args[] = {
        {"output", 'o', ARG_STRING, "OUT", "sound file: .wav .flac .ogg .opus; - streams WAV",
         &options.out},
        {"text", 0, ARG_STRING, "OUT.txt", "also write what was spoken", &options.text},
        ENGINE_PLACE_ARGS(&options.side, &options.orientation, &options.mirrored),
        {"dpi", 0, ARG_NUMBER, "N", "resolution of the scan when the file does not say it",
         &options.dpi, .min = 20, .max = 2400},
        ENGINE_CODE_ARG(&options.code),
        SPEECH_RATE_ARG(&options.rate),
        SPEECH_PITCH_ARG(&options.pitch),
    };
    memcpy(out, args, sizeof(args));
    return ELEMENTSOF(args);
}

/* Growing text; owned. */
struct text {
    char *s;
    size_t size;
};

static int append(struct text *t, const char *separator, const char *s, size_t size)
{
    size_t gap = t->size ? strlen(separator) : 0;
    char *more = realloc(t->s, t->size + gap + size + 1);

    if (!more)
        return -ENOMEM;
    memcpy(more + t->size, separator, gap);
    memcpy(more + t->size + gap, s, size);
    t->s = more;
    t->size += gap + size;
    t->s[t->size] = 0;
    return 0;
}

/* Length up to and with the last end of a sentence; 0 when there is none. */
static size_t whole_sentences(const char *s)
{
    static const char *const ends[] = {"。", "！", "？"};
    size_t size = 0;

    for (size_t i = 0; i < ELEMENTSOF(ends); i++)
        for (const char *p = s; (p = strstr(p, ends[i]));) {
            p += strlen(ends[i]);
            size = MAX(size, (size_t) (p - s));
        }
    return size;
}

struct convert {
    const struct ctl *ctl;
    struct engine *engine;
    struct speech speech;
    struct text pinyin, text;
    size_t spoken; ///< bytes of `text` that were spoken already
};

/* Speak what is ready: all at the end, else whole sentences only, since the last one of a page may
 * go on on the next. */
static int speak(struct convert *c, bool all, struct fail *fail)
{
    const struct engine_say_params params = {.rate = options.rate, .pitch = options.pitch};
    char *rest = c->text.s ? c->text.s + c->spoken : NULL;
    size_t size = !rest ? 0 : all ? strlen(rest) : whole_sentences(rest);

    if (size == 0 || strspn(rest, " \n") == size)
        return 0;
    CLEANUP_FREE char *part = strndup(rest, size);
    if (!part)
        return -ENOMEM;
    c->spoken += size;
    int r = engine_say(c->engine, part, &params, speech_take, &c->speech, fail);
    if (r == -ENODATA) { /* punctuation only; whether nothing at all was said shows at the end */
        *fail = (struct fail){0};
        return 0;
    }
    return r;
}

static int read_page(struct convert *c, const char *name, struct fail *fail)
{
    const struct engine_read_params params = {
        .orientation = options.orientation ? 90 * ((int) options.orientation - 1) : -1,
        .dpi = options.dpi,
        .code = options.code,
        .sides = (enum pipeline_sides) options.side,
        .mirrored = (int) options.mirrored - 1,
    };
    struct engine_page page = {0};
    int fd = -1;

    int r = ctl_open_input(name, IMAGE_MAX_FILE_BYTES, &fd, fail);
    if (r < 0)
        return r;
    r = engine_read(c->engine, fd, name, &params, &page, fail);
    close(fd);
    if (r < 0)
        return r;
    ctl_say_line(c->ctl, "%s: read, mean certainty %.3f", name, page.confidence);
    if (page.n_unknown)
        ctl_say_line(c->ctl, "%s: %u cells are no text in %s; left out", name, page.n_unknown,
                     engine_code_title(page.code));
    r = append(&c->pinyin, "\n", page.pinyin, strlen(page.pinyin));
    if (r >= 0)
        r = append(&c->text, " ", page.text, strlen(page.text));
    engine_page_done(&page);
    return r;
}

static int convert(struct convert *c, int n_words, char **words, struct file_out *text_file,
                   struct fail *fail)
{
    int r = speech_open(&c->speech, c->ctl, options.out, fail);
    if (r >= 0 && options.text)
        r = file_out_open(text_file, options.text, fail);
    if (r >= 0)
        r = engine_new(c->ctl, &c->engine, fail);
    for (int i = 0; r >= 0 && i < n_words; i++) {
        r = read_page(c, words[i], fail);
        if (r >= 0)
            r = speak(c, i == n_words - 1, fail);
    }
    if (r >= 0 && options.text)
        r = file_out_write(text_file, c->text.s, c->text.size, fail);
    if (r >= 0 && options.text)
        r = file_out_write(text_file, "\n", 1, fail);
    if (r >= 0)
        r = speech_commit(&c->speech, fail);
    if (r >= 0 && options.text)
        r = file_out_commit(text_file, fail);
    return r;
}

static int convert_run(struct ctl *ctl, int n_words, char **words, struct fail *fail)
{
    struct file_out text_file = FILE_OUT_INIT;
    struct convert c = {.ctl = ctl};

    if (n_words == 0)
        return fail_set(fail, FAIL_USAGE, -EINVAL, "name at least one page; see --help");
    ctl_catch_signals();
    int r = convert(&c, n_words, words, &text_file, fail);
    if (r >= 0)
        r = speech_report(&c.speech, c.engine, c.text.s, c.pinyin.s, fail);
    speech_done(&c.speech);
    file_out_done(&text_file);
    engine_free(c.engine);
    free(c.pinyin.s);
    free(c.text.s);
    return r;
}

const struct ctl_command ctl_convert = {
    .name = "convert",
    .words = "PAGE... -o OUT",
    .summary = "pictures of braille pages -> one sound file",
    .help =
        "PAGE is a PNG, JPEG, TIFF or PNM picture; - is standard input. Several pages are read as\n"
        "one text in the order given. The sound grows sentence by sentence, under a temporary\n"
        "name until it is whole; with -o - it streams as WAV while the rest is being made.\n"
        "What is spoken (--text, \"text\" of --json) is toned pinyin: hanzi come with a later "
        "issue.\n",
    .args = convert_args,
    .run = convert_run,
};
