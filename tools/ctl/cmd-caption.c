/* SPDX-License-Identifier: Apache-2.0
 *
 * braillectl caption: a picture -> the sentences of a bank that fit it best.
 */

#include "tools/ctl/caption/caption.h"

#include "base/file.h"
#include "tools/ctl/speech.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct {
    const char *bank, *clip, *out;
    double k;
    struct speech_options speech;
} options = {.k = 5, .speech = SPEECH_OPTIONS_INIT};

static size_t caption_args(struct arg *out)
{
    static const struct arg args[] = {
        {"bank", 'b', ARG_STRING, "TEXTS", N_("text file, a sentence a line; - is standard input"),
         &options.bank},
        {"count", 'k', ARG_NUMBER, "N", N_("how many sentences are shown, 1 to 16; 5"), &options.k,
         .min = 1, .max = CAPTION_MAX_K},
        {"clip", 0, ARG_STRING, "FILE", N_("the Chinese-CLIP, as braillectl import writes it"),
         &options.clip},
        {"output", 'o', ARG_STRING, "OUT",
         N_("the best as sound: .wav .flac .ogg .opus; - streams WAV"), &options.out},
    };
    memcpy(out, args, sizeof(args));
    speech_args(&options.speech, out + ELEMENTSOF(args));
    return ELEMENTSOF(args) + SPEECH_N_ARGS;
}

static int check_words(int n_words, char **words, struct fail *fail)
{
    if (n_words != 1)
        return fail_set(fail, FAIL_USAGE, -EINVAL, "name one picture; see --help");
    if (!options.bank)
        return fail_set(fail, FAIL_USAGE, -EINVAL,
                        "name the sentences to choose from: --bank TEXTS, a line each");
    if (strcmp(words[0], "-") == 0 && strcmp(options.bank, "-") == 0)
        return fail_set(fail, FAIL_USAGE, -EINVAL,
                        "the picture and the sentences cannot both be standard input");
    if (options.k != (unsigned) options.k)
        return fail_set(fail, FAIL_USAGE, -EINVAL, "--count takes a whole number");
    return 0;
}

static int load_picture(const char *path, struct image **ret, struct fail *fail)
{
    const char *name = strcmp(path, "-") == 0 ? tr("standard input") : path;
    CLEANUP_FREE uint8_t *data = NULL;
    size_t size = 0;
    int fd = -1;

    int r = ctl_open_input(path, IMAGE_MAX_FILE_BYTES, &fd, fail);
    if (r < 0)
        return r;
    r = file_read_fd(fd, name, IMAGE_MAX_FILE_BYTES, &data, &size, fail);
    close(fd);
    return r < 0 ? r : image_decode(data, size, name, ret, fail);
}

/* ---- what was found ------------------------------------------------------------------------- */

struct found {
    struct caption_bank bank;
    struct caption_hit hits[CAPTION_MAX_K];
    size_t n;
    struct caption_counts counts;
    json_t *object; ///< with --json; owned
};

/* Whose sound goes to standard output tells the rest on standard error. */
static int print_hits(const struct ctl *ctl, const struct found *f, struct fail *fail)
{
    const bool sound = options.out && strcmp(options.out, "-") == 0;

    for (size_t i = 0; i < f->n; i++) {
        const char *text = f->bank.texts[f->hits[i].index];
        if (sound)
            ctl_say_line(ctl, "%s  (%.1f %%, cosine %.4f)", text, 100 * f->hits[i].p,
                         f->hits[i].cosine);
        else
            printf(tr("%s  (%.1f %%, cosine %.4f)\n"), text, 100 * f->hits[i].p, f->hits[i].cosine);
    }
    return ctl_flush(fail);
}

static json_t *describe(const struct found *f, const struct caption_model *m)
{
    json_t *texts = json_array();

    for (size_t i = 0; i < f->n; i++)
        json_array_append_new(texts,
                              json_pack("{ss si sf sf}", "text", f->bank.texts[f->hits[i].index],
                                        "line", (int) f->bank.lines[f->hits[i].index], "cosine",
                                        f->hits[i].cosine, "p", f->hits[i].p));
    return json_pack("{so s{si si si} ss ss}", "texts", texts, "bank", "sentences", (int) f->bank.n,
                     "embedded", (int) f->counts.embedded, "kept", (int) f->counts.kept, "clip",
                     caption_model_path(m), "clip_device", caption_model_device(m));
}

/* The model is gone again when this is done: the voice has the memory for itself. */
static int find(const struct ctl *ctl, const struct image *picture, struct found *f,
                struct fail *fail)
{
    CLEANUP(caption_model_freep) struct caption_model *m = NULL;
    const uint64_t start_usec = ctl_now_usec();

    int r = caption_model_open(ctl, options.clip, &m, fail);
    if (r == 0)
        r = caption_find(m, picture, &f->bank, (unsigned) options.k, f->hits, &f->n, &f->counts,
                         fail);
    if (r < 0)
        return r;
    ctl_say_line(ctl, "%zu sentences compared in %.1f s; %zu of them were known", f->bank.n,
                 ctl_ms_since(start_usec) / 1000, f->counts.kept);
    if (!ctl->json)
        return print_hits(ctl, f, fail);
    f->object = describe(f, m);
    return f->object ? 0 : -ENOMEM;
}

static int speak(struct ctl *ctl, struct speech *speech, struct found *f, struct fail *fail)
{
    const char *text = f->bank.texts[f->hits[0].index];
    CLEANUP(engine_freep) struct engine *engine = NULL;

    int r = engine_new(ctl, &engine, fail);
    if (r >= 0)
        r = speech_say(speech, engine, text, &options.speech.say, fail);
    if (r >= 0)
        r = speech_commit(speech, fail);
    if (r < 0)
        return r;
    speech_tell(speech, engine);
    if (!ctl->json)
        return 0;
    json_t *spoken = speech_json(speech, engine, text, engine->spoken ? engine->spoken : text);
    r = spoken ? json_object_update(f->object, spoken) : -1;
    json_decref(spoken);
    return r < 0 ? -ENOMEM : 0;
}

static int caption(struct ctl *ctl, const char *path, struct speech *speech, struct found *f,
                   struct fail *fail)
{
    CLEANUP(image_freep) struct image *picture = NULL;
    const bool aloud = options.out || options.speech.play;

    int r = aloud ? speech_open(speech, ctl, options.out, options.speech.play, fail) : 0;
    if (r >= 0)
        r = caption_bank_read(options.bank, &f->bank, fail);
    if (r >= 0)
        r = load_picture(path, &picture, fail);
    if (r >= 0)
        r = find(ctl, picture, f, fail);
    if (r < 0)
        return r;
    ctl_said(f->bank.texts[f->hits[0].index]);
    r = aloud ? speak(ctl, speech, f, fail) : 0;
    return r < 0 || !ctl->json ? r : ctl_print_json(TAKE_PTR(f->object), fail);
}

static int caption_run(struct ctl *ctl, int n_words, char **words, struct fail *fail)
{
    struct speech speech = {0};
    struct found found = {0};

    int r = check_words(n_words, words, fail);
    if (r < 0)
        return r;
    options.speech.say.input = LANG_TEXT;
    ctl_catch_signals();
    r = caption(ctl, words[0], &speech, &found, fail);
    speech_done(&speech);
    caption_bank_done(&found.bank);
    json_decref(found.object);
    return r;
}

const struct ctl_command ctl_caption = {
    .name = "caption",
    .words = "PICTURE --bank TEXTS",
    .summary = N_("a picture -> the sentences that describe it best"),
    .help = N_(
        "PICTURE is a photograph or drawing (PNG, JPEG, TIFF, PNM; - is standard input), TEXTS\n"
        "holds Chinese sentences to choose from. A Chinese-CLIP compares them: braillectl import\n"
        "makes one of a checkpoint that was downloaded. The best are printed, best first, with\n"
        "the probability among all of TEXTS and the cosine; -o and --play speak the best.\n"
        "What was found out about TEXTS is kept in ~/.cache/brailled/captions (XDG_CACHE_HOME)\n"
        "for 90 days, so that the next picture takes seconds. Of a sentence about 50 characters\n"
        "are compared.\n"),
    .args = caption_args,
    .run = caption_run,
};
