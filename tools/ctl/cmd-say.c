/* SPDX-License-Identifier: Apache-2.0
 *
 * braillectl say: toned pinyin -> speech.
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
    const char *pinyin, *out;
    double rate, pitch;
    bool no_sandhi;
} options = {.rate = 1, .pitch = 1};

static size_t say_args(struct arg *out)
{
    static const struct arg args[] = {
        {"pinyin", 0, ARG_STRING, "TEXT", "what to say, \"ni3hao3 shi4jie4。\"; - reads it",
         &options.pinyin},
        {"output", 'o', ARG_STRING, "OUT", "sound file: .wav .flac .ogg .opus; - streams WAV",
         &options.out},
        {"no-sandhi", 0, ARG_FLAG, NULL, "speak the tones as they stand", &options.no_sandhi},
        SPEECH_RATE_ARG(&options.rate),
        SPEECH_PITCH_ARG(&options.pitch),
    };
    memcpy(out, args, sizeof(args));
    return ELEMENTSOF(args);
}

/* All of standard input; *ret owned. */
static int read_text(char **ret, struct fail *fail)
{
    uint8_t *data = NULL;
    size_t size = 0;
    int fd = -1;

    int r = ctl_open_input("-", MAX_TEXT_BYTES, &fd, fail);
    if (r < 0)
        return r;
    r = file_read_fd(fd, "standard input", MAX_TEXT_BYTES, &data, &size, fail);
    close(fd);
    if (r < 0)
        return r;
    *ret = (char *) data;
    return memchr(data, 0, size)
               ? fail_set(fail, FAIL_INPUT, -EBADMSG, "standard input is not text")
               : 0;
}

/* Jansson takes UTF-8 only, and the bus hangs up on a sender of anything else. */
static bool is_utf8(const char *text, size_t size)
{
    json_t *s = json_stringn(text, size);
    json_decref(s);
    return s != NULL;
}

/* The text of the argument or of standard input; *ret owned; line ends become spaces. */
static int get_text(char **ret, struct fail *fail)
{
    CLEANUP_FREE char *text = NULL;
    int r = 0;

    if (strcmp(options.pinyin, "-") == 0)
        r = read_text(&text, fail);
    else if (!(text = strdup(options.pinyin)))
        r = -ENOMEM;
    if (r < 0)
        return r;
    const size_t size = strlen(text);
    if (size > MAX_TEXT_BYTES)
        return fail_set(fail, FAIL_INPUT, -EFBIG, "the text is larger than %d MiB; say it in parts",
                        MAX_TEXT_BYTES >> 20);
    if (!is_utf8(text, size))
        return fail_set(fail, FAIL_INPUT, -EILSEQ, "the text is not UTF-8");
    for (char *s = text; (s = strpbrk(s, "\n\r\t"));)
        *s = ' ';
    *ret = TAKE_PTR(text);
    return 0;
}

static int say_run(struct ctl *ctl, int n_words, char **words, struct fail *fail)
{
    const struct engine_say_params params = {
        .rate = options.rate,
        .pitch = options.pitch,
        .no_sandhi = options.no_sandhi,
    };
    CLEANUP(engine_freep) struct engine *engine = NULL;
    CLEANUP_FREE char *text = NULL;
    struct speech speech = {0};

    if (n_words > 0 || !options.pinyin)
        return fail_set(fail, FAIL_USAGE, -EINVAL,
                        "say takes its text as --pinyin \"ni3hao3\"; see --help");
    ctl_catch_signals();
    int r = speech_open(&speech, ctl, options.out, fail);
    if (r >= 0)
        r = get_text(&text, fail);
    if (r >= 0)
        r = engine_new(ctl, &engine, fail);
    if (r >= 0)
        r = engine_say(engine, text, &params, speech_take, &speech, fail);
    if (r >= 0)
        r = speech_commit(&speech, fail);
    if (r >= 0)
        r = speech_report(&speech, engine, text, text, fail);
    speech_done(&speech);
    return r;
}

const struct ctl_command ctl_say = {
    .name = "say",
    .words = "--pinyin TEXT -o OUT",
    .summary = "toned pinyin -> sound file",
    .help = "Syllables are written with their tone 1-5 (\"v\" for u-umlaut), the syllables of a "
            "word\ntogether, words apart, punctuation in full width: \"bei3jing1 hen3 da4。\". "
            "Tone sandhi\n(ni3hao3 -> ni2hao3) is applied unless --no-sandhi.\n",
    .args = say_args,
    .run = say_run,
};
