/* SPDX-License-Identifier: Apache-2.0
 *
 * braille-eval speech: how well a voice says what it should, and how like its teacher it sounds.
 */

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audio/audio.h"
#include "base/log.h"
#include "base/tr.h"
#include "tools/eval.h"
#include "tools/eval/speech/speech.h"

static const char help[] = N_(
    "usage: braille-eval speech LIST [OPTION...]\n\n"
    "LIST has a sentence a line: id, Hanzi, pinyin as it is said, parted by tabs. Our voice "
    "speaks\n"
    "them in this process, or --speech has them ready. With --reference they are compared with a\n"
    "teacher's recordings, with a recogniser their syllables are counted (docs/speech.md).\n\n"
    "      --reference DIR      DIR/ID.wav, .flac, .ogg or .opus of the teacher\n"
    "      --speech DIR         DIR/ID.wav … that are judged, instead of our voice\n"
    "      --save DIR           keep what our voice said as DIR/ID.wav\n"
    "      --text               our voice speaks the Hanzi, not the pinyin\n"
    "      --voice NAME         one of 'braillectl voices'\n"
    "      --rate R, --pitch P  of our voice, 1 is normal; of --speech: the rate it was spoken at\n"
    "      --as-is              do not bring the speech to the reference's level first\n"
    "      --recogniser COMMAND turns the sound file {wav} into Hanzi or pinyin on its standard\n"
    "                           output; run without a shell\n"
    "      --recogniser-batch COMMAND  reads names of sound files, a line each, and writes a line\n"
    "                           of text each\n"
    "      --timeout S          how long a recogniser may say nothing (120; of a batch 600)\n"
    "      --reference-embeddings FILE, --speech-embeddings FILE\n"
    "                           rows of numbers (.npy or text) for the Frechet distance, instead\n"
    "                           of those computed here\n"
    "      --plots DIR          DIR/ID.png: mel spectra and pitch of both\n"
    "      --csv FILE           a line a sentence; - is standard output\n"
    "  -n, --count N            only the first N sentences\n"
    "  -d, --device NAME|INDEX  Vulkan device;  --models DIR  folder of the weights\n"
    "  -v, --verbose            the figures of each sentence\n"
    "      --json               one JSON object\n");

struct eval {
    const char *list_path, *reference, *speech, *save, *recogniser, *batch, *plots, *csv;
    const char *rows_path[2]; ///< reference, speech
    struct eval_voice_params voice;
    double timeout_s; ///< 0: not said
    size_t count;
    bool as_is, json, verbose;

    struct eval_list list;
    struct eval_figures *figures; ///< owned
    struct eval_command command;
    struct eval_rows rows[2]; ///< reference, speech
    char *folder;             ///< where our voice's files lie until the end; owned
    char *device;             ///< owned
    double fad, memory_mb;
};

static void eval_done(struct eval *e)
{
    for (size_t i = 0; e->folder && i < e->list.n; i++) {
        CLEANUP_FREE char *path = NULL;
        if (asprintf(&path, "%s/%s.wav", e->folder, e->list.items[i].id) >= 0)
            unlink(path);
    }
    if (e->folder)
        rmdir(e->folder);
    for (size_t i = 0; e->figures && i < e->list.n; i++)
        free(e->figures[i].text);
    free(e->figures);
    free(e->folder);
    free(e->device);
    eval_list_done(&e->list);
    eval_command_done(&e->command);
    eval_rows_done(&e->rows[0]);
    eval_rows_done(&e->rows[1]);
}

/* ---- speech ---- */

/* *ret owned; NULL: there is none. */
static int find_file(const char *folder, const char *id, char **ret)
{
    static const char *const endings[] = {"wav", "flac", "ogg", "opus"};

    for (size_t i = 0; i < ELEMENTSOF(endings); i++) {
        char *path = NULL;
        if (asprintf(&path, "%s/%s.%s", folder, id, endings[i]) < 0)
            return -ENOMEM;
        if (access(path, F_OK) == 0) {
            *ret = path;
            return 0;
        }
        free(path);
    }
    *ret = NULL;
    return 0;
}

static int save_speech(const char *folder, const char *id, const struct audio_samples *s,
                       struct fail *fail)
{
    CLEANUP(audio_writer_freep) struct audio_writer *writer = NULL;
    CLEANUP_FREE char *path = NULL;

    if (asprintf(&path, "%s/%s.wav", folder, id) < 0)
        return -ENOMEM;
    int r = audio_writer_new(path, s->rate_hz, &writer, fail);
    if (r == 0)
        r = audio_writer_write(writer, s->data, s->n, fail);
    return r == 0 ? audio_writer_commit(writer, fail) : r;
}

static int speak_all(struct eval *e, struct eval_voice *voice, struct fail *fail)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < e->list.n; i++) {
        CLEANUP(audio_samples_done) struct audio_samples sound = {0};
        struct eval_figures *f = &e->figures[i];
        r = eval_voice_say(voice, &e->list.items[i], &sound, &f->times, fail);
        if (r == 0)
            r = save_speech(e->speech, e->list.items[i].id, &sound, fail);
        if (e->verbose && r == 0)
            fprintf(stderr, "%s: first sound after %.0f ms, all after %.0f ms\n",
                    e->list.items[i].id, f->times.first_sound_ms, f->times.total_ms);
    }
    return r;
}

/* Our voice speaks everything before anything is judged: its memory and times are its own. */
static int run_voice(struct eval *e, struct fail *fail)
{
    CLEANUP(eval_voice_freep) struct eval_voice *voice = NULL;
    struct rusage usage;

    if (!e->save) {
        const char *tmp = getenv("TMPDIR");
        if (asprintf(&e->folder, "%s/braille-eval.XXXXXX", tmp && *tmp ? tmp : "/tmp") < 0)
            return (e->folder = NULL, -ENOMEM);
        if (!mkdtemp(e->folder)) {
            int r = fail_set(fail, FAIL_CREATE, -errno, "cannot create '%s': %m", e->folder);
            freep(&e->folder);
            e->folder = NULL;
            return r;
        }
    }
    e->speech = e->save ? e->save : e->folder;
    int r = eval_voice_new(&e->voice, &voice, fail);
    if (r == 0)
        r = speak_all(e, voice, fail);
    if (r == 0 && !(e->device = strdup(eval_voice_device(voice))))
        r = -ENOMEM;
    e->memory_mb = getrusage(RUSAGE_SELF, &usage) == 0 ? (double) usage.ru_maxrss / 1024 : NAN;
    return r;
}

/* ---- figures ---- */

static int load_reference(const struct eval *e, const char *id, struct audio_samples *ret,
                          struct fail *fail)
{
    CLEANUP_FREE char *path = NULL;

    int r = find_file(e->reference, id, &path);
    if (r < 0)
        return r;
    if (!path)
        return fail_set(fail, FAIL_OPEN, -ENOENT, "there is no '%s/%s.wav' or .flac", e->reference,
                        id);
    return audio_read(path, ret, fail);
}

static int judge(struct eval *e, size_t i, struct fail *fail)
{
    CLEANUP(audio_samples_done) struct audio_samples speech = {0};
    CLEANUP(audio_samples_done) struct audio_samples reference = {0};
    CLEANUP_FREE char *path = NULL;
    const char *id = e->list.items[i].id;
    struct eval_figures *f = &e->figures[i];

    int r = find_file(e->speech, id, &path);
    if (r < 0)
        return r;
    f->missing = !path;
    if (!path)
        return 0;
    r = audio_read(path, &speech, fail);
    if (r < 0)
        return r;
    f->speech_s = (double) speech.n / speech.rate_hz;
    f->spoken_s = eval_spoken_s(&speech);
    if (!e->reference)
        return 0;
    r = load_reference(e, id, &reference, fail);
    if (r < 0)
        return r;
    return eval_compare_speech(
        id, &speech, &reference,
        &(struct eval_compare_params){.rate = e->voice.rate, .as_is = e->as_is, .plots = e->plots},
        e->rows, f, fail);
}

static int judge_all(struct eval *e, struct fail *fail)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < e->list.n; i++)
        r = eval_cancelled ? fail_set(fail, FAIL_INTERRUPTED, -ECANCELED, "stopped")
                           : judge(e, i, fail);
    return r;
}

static int find_fad(struct eval *e, struct fail *fail)
{
    struct eval_rows given[2] = {0};
    const struct eval_rows *rows = e->rows;
    int r = 0;

    e->fad = NAN;
    if (e->rows_path[0]) {
        r = eval_rows_load(e->rows_path[0], &given[0], fail);
        if (r == 0)
            r = eval_rows_load(e->rows_path[1], &given[1], fail);
        if (r == 0 && given[0].dim != given[1].dim)
            r = fail_set(fail, FAIL_INPUT, -EINVAL,
                         "the embeddings have %u and %u numbers; both must be of one network",
                         given[0].dim, given[1].dim);
        rows = given;
    }
    if (r == 0 && rows[0].n >= 2 && rows[1].n >= 2)
        r = eval_frechet(&rows[0], &rows[1], &e->fad);
    eval_rows_done(&given[0]);
    eval_rows_done(&given[1]);
    return r;
}

/* ---- what was heard ---- */

static int take_text(struct eval *e, size_t i, const char *text, struct fail *fail)
{
    struct fail inner = {0};
    struct eval_figures *f = &e->figures[i];

    int r = eval_hear(&e->list.items[i], text, &f->heard, &inner);
    if (r < 0)
        return fail_set(fail, inner.kind, r, "'%s': %s", e->list.items[i].id, inner.text);
    if (!f->missing && !(f->text = strdup(text)))
        return -ENOMEM;
    return 0;
}

static int hear_each(struct eval *e, char *const *paths, struct fail *fail)
{
    const double timeout_s = e->timeout_s > 0 ? e->timeout_s : 120;
    int r = 0;

    for (size_t i = 0; r == 0 && i < e->list.n; i++) {
        CLEANUP_FREE char *text = NULL;
        struct fail inner = {0};
        if (paths[i])
            r = eval_command_run(&e->command, paths[i], timeout_s, &text, &inner);
        if (r < 0)
            return fail_set(fail, inner.kind, r, "'%s': %s", e->list.items[i].id, inner.text);
        r = take_text(e, i, text ? text : "", fail);
    }
    return r;
}

static int hear_batch(struct eval *e, char *const *paths, struct fail *fail)
{
    CLEANUP_FREE char **there = calloc(e->list.n, sizeof(*there));
    char **texts = NULL;
    size_t n = 0, at = 0;

    for (size_t i = 0; there && i < e->list.n; i++)
        if (paths[i])
            there[n++] = paths[i];
    int r = there ? 0 : -ENOMEM;
    if (n > 0)
        r = eval_command_batch(&e->command, there, n, e->timeout_s > 0 ? e->timeout_s : 600, &texts,
                               fail);
    for (size_t i = 0; r == 0 && i < e->list.n; i++)
        r = take_text(e, i, paths[i] ? texts[at++] : "", fail);
    for (size_t i = 0; texts && i < n; i++)
        free(texts[i]);
    free(texts);
    return r;
}

static int hear_all(struct eval *e, struct fail *fail)
{
    char **paths = calloc(e->list.n, sizeof(*paths));
    int r = paths ? 0 : -ENOMEM;

    for (size_t i = 0; r == 0 && i < e->list.n; i++)
        r = find_file(e->speech, e->list.items[i].id, &paths[i]);
    if (r == 0)
        r = e->batch ? hear_batch(e, paths, fail) : hear_each(e, paths, fail);
    for (size_t i = 0; paths && i < e->list.n; i++)
        free(paths[i]);
    free(paths);
    return r;
}

/* ---- report ---- */

static int write_csv(const char *path, const struct eval_report *report, struct fail *fail)
{
    FILE *f = strcmp(path, "-") == 0 ? stdout : fopen(path, "we");
    if (!f)
        return fail_set(fail, FAIL_CREATE, -errno, "cannot create '%s': %m", path);
    eval_report_csv(f, report);
    errno = 0;
    const bool ok = fflush(f) == 0 && !ferror(f);
    if (f != stdout && fclose(f) != 0)
        return fail_set(fail, FAIL_IO, -errno, "cannot write '%s': %m", path);
    return ok ? 0 : fail_set(fail, FAIL_IO, -EIO, "cannot write '%s'", path);
}

static int report(const struct eval *e, struct fail *fail)
{
    const struct eval_report r = {
        .list = &e->list,
        .figures = e->figures,
        .fad = e->fad,
        .embedding = isfinite(e->fad) ? e->rows_path[0] ? "given" : EVAL_EMBEDDING : NULL,
        .device = e->device,
        .rate = e->voice.rate,
        .memory_mb = e->memory_mb,
        .heard = e->command.n > 0,
    };

    if (e->csv) {
        int x = write_csv(e->csv, &r, fail);
        if (x < 0)
            return x;
    }
    if (e->json)
        eval_report_json(stdout, &r, e->verbose);
    else if (!e->csv || strcmp(e->csv, "-") != 0)
        eval_report_text(stdout, &r, e->verbose);
    return 0;
}

/* ---- options ---- */

static int number(const char *name, const char *text, double least, double most, double *to,
                  struct fail *fail)
{
    char *end = NULL;
    const double x = strtod(text, &end);

    if (end == text || *end || !(x >= least && x <= most))
        return fail_set(fail, FAIL_USAGE, -EINVAL, "--%s takes a number from %g to %g, not '%s'",
                        name, least, most, text);
    *to = x;
    return 0;
}

enum option_id {
    REFERENCE = 256,
    SPEECH,
    SAVE,
    TEXT,
    VOICE,
    RATE,
    PITCH,
    AS_IS,
    RECOGNISER,
    BATCH,
    TIMEOUT,
    REFERENCE_ROWS,
    SPEECH_ROWS,
    PLOTS,
    CSV,
    MODELS,
    JSON,
};

static const struct option options[] = {
    {"reference", required_argument, NULL, REFERENCE},
    {"speech", required_argument, NULL, SPEECH},
    {"save", required_argument, NULL, SAVE},
    {"text", no_argument, NULL, TEXT},
    {"voice", required_argument, NULL, VOICE},
    {"rate", required_argument, NULL, RATE},
    {"pitch", required_argument, NULL, PITCH},
    {"as-is", no_argument, NULL, AS_IS},
    {"recogniser", required_argument, NULL, RECOGNISER},
    {"recogniser-batch", required_argument, NULL, BATCH},
    {"timeout", required_argument, NULL, TIMEOUT},
    {"reference-embeddings", required_argument, NULL, REFERENCE_ROWS},
    {"speech-embeddings", required_argument, NULL, SPEECH_ROWS},
    {"plots", required_argument, NULL, PLOTS},
    {"csv", required_argument, NULL, CSV},
    {"count", required_argument, NULL, 'n'},
    {"device", required_argument, NULL, 'd'},
    {"models", required_argument, NULL, MODELS},
    {"verbose", no_argument, NULL, 'v'},
    {"json", no_argument, NULL, JSON},
    {"help", no_argument, NULL, 'h'},
    {0}};

/* Options that are a word or a flag. @return false: not one of them */
static bool set_word(struct eval *e, int c, const char *word)
{
    const char **const to = c == REFERENCE        ? &e->reference
                            : c == SPEECH         ? &e->speech
                            : c == SAVE           ? &e->save
                            : c == VOICE          ? &e->voice.voice
                            : c == RECOGNISER     ? &e->recogniser
                            : c == BATCH          ? &e->batch
                            : c == REFERENCE_ROWS ? &e->rows_path[0]
                            : c == SPEECH_ROWS    ? &e->rows_path[1]
                            : c == PLOTS          ? &e->plots
                            : c == CSV            ? &e->csv
                            : c == 'd'            ? &e->voice.device
                            : c == MODELS         ? &e->voice.models
                                                  : NULL;
    bool *const flag = c == TEXT    ? &e->voice.text
                       : c == AS_IS ? &e->as_is
                       : c == 'v'   ? &e->verbose
                       : c == JSON  ? &e->json
                                    : NULL;
    if (to)
        *to = word;
    if (flag)
        *flag = true;
    return to || flag;
}

static int set_option(struct eval *e, int c, struct fail *fail)
{
    double count = 0;
    int r;

    if (set_word(e, c, optarg))
        return 0;
    switch (c) {
    case RATE:
        return number("rate", optarg, PIPELINE_RATE_MIN, PIPELINE_RATE_MAX, &e->voice.rate, fail);
    case PITCH:
        return number("pitch", optarg, PIPELINE_PITCH_MIN, PIPELINE_PITCH_MAX, &e->voice.pitch,
                      fail);
    case TIMEOUT:
        return number("timeout", optarg, 0.01, 86400, &e->timeout_s, fail);
    case 'n':
        r = number("count", optarg, 1, 1e9, &count, fail);
        e->count = r == 0 ? (size_t) count : 0;
        return r;
    default:
        return fail_set(fail, FAIL_USAGE, -EINVAL, "see braille-eval speech --help");
    }
}

static int check_folder(const char *option, const char *path, struct fail *fail)
{
    struct stat st;

    if (!path)
        return 0;
    if (strchr(path, '\n'))
        return fail_set(fail, FAIL_USAGE, -EINVAL, "--%s: a name must not hold a line end", option);
    if (stat(path, &st) < 0)
        return fail_set(fail, FAIL_OPEN, -errno, "--%s: cannot open '%s': %m", option, path);
    return S_ISDIR(st.st_mode)
               ? 0
               : fail_set(fail, FAIL_OPEN, -ENOTDIR, "--%s: '%s' is no folder", option, path);
}

static int make_folder(const char *path, struct fail *fail)
{
    if (path && mkdir(path, 0777) < 0 && errno != EEXIST)
        return fail_set(fail, FAIL_CREATE, -errno, "cannot create the folder '%s': %m", path);
    return 0;
}

/* What does not go together, before anything takes time. */
static int check(struct eval *e, struct fail *fail)
{
    const char *wrong = NULL;

    if (e->recogniser && e->batch)
        wrong = "give --recogniser or --recogniser-batch";
    else if (e->speech && (e->save || e->voice.text || e->voice.voice || e->voice.pitch != 1))
        wrong = "--save, --text, --voice and --pitch are of our voice, not of --speech";
    else if (e->plots && !e->reference)
        wrong = "--plots needs --reference";
    else if (!e->rows_path[0] != !e->rows_path[1])
        wrong = "give both --reference-embeddings and --speech-embeddings";
    else if (e->json && e->csv && strcmp(e->csv, "-") == 0)
        wrong = "--json and --csv - both write to standard output";
    if (wrong)
        return fail_set(fail, FAIL_USAGE, -EINVAL, "%s", wrong);
    int r = check_folder("reference", e->reference, fail);
    if (r == 0)
        r = check_folder("speech", e->speech, fail);
    if (r == 0 && (e->recogniser || e->batch))
        r = eval_command_parse(e->recogniser ? e->recogniser : e->batch, e->recogniser != NULL,
                               &e->command, fail);
    if (r == 0)
        r = make_folder(e->save, fail);
    return r == 0 ? make_folder(e->plots, fail) : r;
}

/* @return 1: help was asked for */
static int parse(int argc, char **argv, struct eval *e, struct fail *fail)
{
    e->voice.rate = e->voice.pitch = 1;
    e->count = SIZE_MAX;
    for (int c; (c = getopt_long(argc, argv, "n:d:vh", options, NULL)) != -1;) {
        if (c == 'h') {
            fputs(tr(help), stdout);
            return 1;
        }
        int r = set_option(e, c, fail);
        if (r < 0)
            return r;
    }
    if (optind != argc - 1)
        return fail_set(fail, FAIL_USAGE, -EINVAL, "give one LIST; see braille-eval speech --help");
    e->list_path = argv[optind];
    return check(e, fail);
}

static int run(struct eval *e, struct fail *fail)
{
    int r = eval_list_load(e->list_path, e->count, &e->list, fail);
    if (r < 0)
        return r;
    e->figures = calloc(e->list.n, sizeof(*e->figures));
    if (!e->figures)
        return -ENOMEM;
    for (size_t i = 0; i < e->list.n; i++) {
        struct eval_figures *f = &e->figures[i];
        f->mcd_pymcd = f->mcd_24 = f->level_db = NAN;
        f->times = (struct eval_spoken){NAN, NAN};
    }
    if (!e->speech)
        r = run_voice(e, fail);
    if (r == 0)
        r = judge_all(e, fail);
    if (r == 0)
        r = find_fad(e, fail);
    if (r == 0 && e->command.n > 0)
        r = hear_all(e, fail);
    return r == 0 ? report(e, fail) : r;
}

int eval_speech(int argc, char **argv)
{
    CLEANUP(eval_done) struct eval e = {0};
    struct fail fail = {0};

    eval_catch_signals();
    int r = parse(argc, argv, &e, &fail);
    if (r == 0)
        r = run(&e, &fail);
    if (r >= 0)
        return 0;
    errno = -r;
    fail_set(&fail, eval_cancelled ? FAIL_INTERRUPTED : FAIL_OTHER, r, "%m");
    log_error("braille-eval speech: %s", fail.text);
    return (int) fail.kind;
}
