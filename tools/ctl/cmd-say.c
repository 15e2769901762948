/* SPDX-License-Identifier: Apache-2.0
 *
 * braillectl say: text, SSML or toned pinyin -> speech.
 */

#include "tools/ctl/speech.h"

#include "base/file.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MAX_TEXT_BYTES = 1 << 20 };

static struct {
    const char *pinyin, *file, *out;
    bool ssml;
    struct speech_options speech;
} options = {.speech = SPEECH_OPTIONS_INIT};

static size_t say_args(struct arg *out)
{
    static const struct arg args[] = {
        {"file", 'f', ARG_STRING, "FILE", N_("say what is in it; - is standard input"),
         &options.file},
        {"ssml", 0, ARG_FLAG, NULL, N_("the text is SSML"), &options.ssml},
        {"pinyin", 0, ARG_STRING, "TEXT", N_("toned pinyin, \"ni3hao3 shi4jie4。\"; - reads it"),
         &options.pinyin},
        {"output", 'o', ARG_STRING, "OUT", N_("sound file: .wav .flac .ogg .opus; - streams WAV"),
         &options.out},
        {"no-sandhi", 0, ARG_FLAG, NULL, N_("speak the tones as they stand"),
         &options.speech.say.no_sandhi},
    };
    memcpy(out, args, sizeof(args));
    speech_args(&options.speech, out + ELEMENTSOF(args));
    return ELEMENTSOF(args) + SPEECH_N_ARGS;
}

/* All of a file or ("-") standard input; *ret owned. */
static int read_text(const char *path, char **ret, struct fail *fail)
{
    const char *name = strcmp(path, "-") == 0 ? tr("standard input") : path;
    uint8_t *data = NULL;
    size_t size = 0;
    int fd = -1;

    int r = ctl_open_input(path, MAX_TEXT_BYTES, &fd, fail);
    if (r < 0)
        return r;
    r = file_read_fd(fd, name, MAX_TEXT_BYTES, &data, &size, fail);
    close(fd);
    if (r < 0)
        return r;
    *ret = (char *) data;
    return memchr(data, 0, size) ? fail_set(fail, FAIL_INPUT, -EBADMSG, "'%s' is not text", name)
                                 : 0;
}

/* The words of the command line, a space between them; *ret owned. */
static int join_words(int n, char **words, char **ret)
{
    size_t size = 1;

    for (int i = 0; i < n; i++)
        size += strlen(words[i]) + 1;
    char *text = calloc(1, size), *at = text;
    if (!text)
        return -ENOMEM;
    for (int i = 0; i < n; i++) {
        if (i > 0)
            *at++ = ' ';
        at = stpcpy(at, words[i]);
    }
    *ret = text;
    return 0;
}

/* Jansson takes UTF-8 only, and the bus hangs up on a sender of anything else. */
static bool is_utf8(const char *text, size_t size)
{
    json_t *s = json_stringn(text, size);
    json_decref(s);
    return s != NULL;
}

/* Text has one source. */
static int check_source(int n_words, struct fail *fail)
{
    const int n = (n_words > 0) + (options.file != NULL) + (options.pinyin != NULL);

    if (n == 0 && isatty(STDIN_FILENO))
        return fail_set(fail, FAIL_USAGE, -EINVAL,
                        "what should be said? Write it behind say, or name --file FILE; see "
                        "--help");
    if (n > 1)
        return fail_set(fail, FAIL_USAGE, -EINVAL,
                        "words, --file and --pinyin: choose one of them");
    if (options.pinyin && options.ssml)
        return fail_set(fail, FAIL_USAGE, -EINVAL, "--pinyin and --ssml: choose one of them");
    return 0;
}

/* *ret owned. */
static int get_text(int n_words, char **words, char **ret, struct fail *fail)
{
    CLEANUP_FREE char *text = NULL;
    int r;

    if (options.pinyin && strcmp(options.pinyin, "-") != 0)
        r = join_words(1, (char *[]){(char *) options.pinyin}, &text);
    else if (n_words > 0 && !(n_words == 1 && strcmp(words[0], "-") == 0))
        r = join_words(n_words, words, &text);
    else
        r = read_text(options.file ? options.file : "-", &text, fail);
    if (r < 0)
        return r;
    const size_t size = strlen(text);
    if (size > MAX_TEXT_BYTES)
        return fail_set(fail, FAIL_INPUT, -EFBIG, "the text is larger than %d MiB; say it in parts",
                        MAX_TEXT_BYTES >> 20);
    if (!is_utf8(text, size))
        return fail_set(fail, FAIL_INPUT, -EILSEQ, "the text is not UTF-8");
    for (char *s = text; options.pinyin && (s = strpbrk(s, "\n\r\t"));)
        *s = ' ';
    *ret = TAKE_PTR(text);
    return 0;
}

static int say_run(struct ctl *ctl, int n_words, char **words, struct fail *fail)
{
    struct engine_say_params *params = &options.speech.say;
    CLEANUP(engine_freep) struct engine *engine = NULL;
    CLEANUP_FREE char *text = NULL;
    struct speech speech = {0};

    int r = check_source(n_words, fail);
    if (r < 0)
        return r;
    params->input = options.pinyin ? LANG_PINYIN : options.ssml ? LANG_SSML : LANG_TEXT;
    ctl_catch_signals();
    r = speech_open(&speech, ctl, options.out, options.speech.play, fail);
    if (r >= 0)
        r = get_text(n_words, words, &text, fail);
    if (r >= 0)
        r = engine_new(ctl, &engine, fail);
    if (r >= 0)
        r = speech_say(&speech, engine, text, params, fail);
    if (r >= 0)
        r = speech_commit(&speech, fail);
    if (r >= 0)
        r = speech_report(&speech, engine, text,
                          options.pinyin || !engine->spoken ? text : engine->spoken, fail);
    speech_done(&speech);
    return r;
}

const struct ctl_command ctl_say = {
    .name = "say",
    .words = "[TEXT...]",
    .summary = N_("text, SSML or toned pinyin -> speech"),
    .help = N_(
        "TEXT is what to say, Chinese with numbers, letters and signs as they are written; "
        "without\n"
        "it, and with -, standard input is read. To the sound card with --play, to a file with "
        "-o.\n"
        "What cannot be said is named on standard error.\n"
        "--ssml: <speak> with break, prosody, say-as, phoneme, sub, mark (docs/contracts.md).\n"
        "--pinyin: syllables with their tone 1-5 (\"v\" for u-umlaut), the syllables of a word\n"
        "together, words apart, punctuation in full width: \"bei3jing1 hen3 da4。\". Tone sandhi\n"
        "(ni3hao3 -> ni2hao3) is applied unless --no-sandhi.\n"),
    .args = say_args,
    .run = say_run,
};
