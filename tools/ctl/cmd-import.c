/* SPDX-License-Identifier: Apache-2.0
 *
 * braillectl import: a model that was trained elsewhere, to the file that ours are loaded from.
 */

#include "tools/ctl/ctl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/tr.h"
#include "import/import.h"

#define KINDS_MAX 8

static const char *kinds[KINDS_MAX + 2] = {"auto"};
static struct {
    const char *output, *vocab;
    unsigned kind;
    bool force;
} options;

static size_t import_args(struct arg *out)
{
    const struct arg args[] = {
        {"output", 'o', ARG_STRING, "OUT", N_("the file to write, or the folder to write it to"),
         &options.output},
        {"kind", 0, ARG_CHOICE, "KIND", N_("which model it is, where its tensors do not tell"),
         &options.kind, .choices = kinds},
        {"vocab", 0, ARG_STRING, "FILE", N_("vocabulary, else vocab.txt beside the checkpoint"),
         &options.vocab},
        {"force", 'f', ARG_FLAG, NULL, N_("replace the file that is there"), &options.force},
    };

    for (size_t i = 0; import_maps[i] && i < KINDS_MAX; i++)
        kinds[i + 1] = import_maps[i]->kind;
    memcpy(out, args, sizeof(args));
    return ELEMENTSOF(args);
}

/* ---- where to ------------------------------------------------------------------------------ */

/* mkdir -p of what is above the file; file_out_open() says what is wrong. */
static void make_folders(char *path)
{
    for (char *p = strchr(path + 1, '/'); p; p = strchr(p + 1, '/')) {
        *p = 0;
        mkdir(path, 0700);
        *p = '/';
    }
}

static int find_output(const struct import_map *map, char **ret, struct fail *fail)
{
    struct stat st;
    int n = 0;

    if (!options.output) {
        int r = import_default_path(map, ret, fail);
        if (r == 0)
            make_folders(*ret);
        return r;
    }
    if (stat(options.output, &st) == 0 && S_ISDIR(st.st_mode))
        n = asprintf(ret, "%s/%s", options.output, map->file);
    else
        n = asprintf(ret, "%s", options.output);
    return n < 0 ? -ENOMEM : 0;
}

static int check_output(const char *path, const char *input, struct fail *fail)
{
    struct stat out, in;

    if (stat(path, &out) < 0)
        return 0;
    if (stat(input, &in) == 0 && in.st_dev == out.st_dev && in.st_ino == out.st_ino)
        return fail_set(fail, FAIL_USAGE, -EINVAL,
                        "'%s' is the checkpoint itself; name another file with -o", path);
    if (!options.force)
        return fail_set(fail, FAIL_CREATE, -EEXIST,
                        "'%s' is there already; --force replaces it, -o names another", path);
    return 0;
}

/* ---- what came of it ----------------------------------------------------------------------- */

struct result {
    const struct import_source *source;
    const struct import_map *map;
    struct import_plan plan;
    char *path;
    uint64_t bytes;
    size_t n_unused;
    const char *first_unused;
};

static json_t *to_json(const struct ctl *ctl, const struct result *res)
{
    const char *const *strangers = import_source_strangers(res->source);
    json_t *notes = json_array(), *named = json_array();

    for (size_t i = 0; i < res->plan.n_notes; i++)
        json_array_append_new(notes, json_string(res->plan.notes[i]));
    for (size_t i = 0; strangers[i]; i++)
        json_array_append_new(named, json_string(strangers[i]));
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:o, s:o, s:f}", "kind",
                     res->map->kind, "model", res->plan.description, "format",
                     import_source_format(res->source), "section",
                     import_source_section(res->source), "file", res->path, "tensors",
                     (json_int_t) res->plan.n, "parameters", (json_int_t) res->plan.n_parameters,
                     "unused", (json_int_t) res->n_unused, "bytes", (json_int_t) res->bytes,
                     "notes", notes, "not_run", named, "total_ms", ctl_ms_since(ctl->start_usec));
}

static int report(const struct ctl *ctl, const struct result *res, struct fail *fail)
{
    const char *const *strangers = import_source_strangers(res->source);

    for (size_t i = 0; strangers[i]; i++)
        ctl_say_line(ctl, "the checkpoint names '%s', which no model needs; nothing of it was run",
                     strangers[i]);
    if (res->n_unused)
        ctl_say_line(ctl,
                     "left out: %zu of %zu tensors ('%s' …), for which this model has no place",
                     res->n_unused, import_source_n(res->source), res->first_unused);
    for (size_t i = 0; i < res->plan.n_notes; i++)
        ctl_say_line(ctl, "note: %s", res->plan.notes[i]);
    if (ctl->json)
        return ctl_print_json(to_json(ctl, res), fail);
    printf("%s\n", res->plan.description);
    printf(tr("%zu tensors, %zu parameters, %.1f MB, of %s\n"), res->plan.n, res->plan.n_parameters,
           (double) res->bytes / 1e6, import_source_format(res->source));
    printf(tr("written to %s\n"), res->path);
    return ctl_flush(fail);
}

/* ---- the work ------------------------------------------------------------------------------- */

static int convert(const struct ctl *ctl, struct result *res, struct fail *fail)
{
    const struct import_options import_options = {.vocab = options.vocab};
    int r;

    res->map->plan(&res->plan, res->source, &import_options);
    if (res->plan.r < 0)
        return res->plan.r;
    res->n_unused = import_plan_unused(&res->plan, &res->first_unused);
    if ((r = find_output(res->map, &res->path, fail)) < 0 ||
        (r = check_output(res->path, import_source_path(res->source), fail)) < 0)
        return r;
    ctl_progress(ctl, "comparing checksums");
    if ((r = import_source_verify(res->source, &ctl_cancelled, fail)) < 0)
        return r;
    ctl_progress(ctl, "writing %zu tensors", res->plan.n);
    r = import_write(&res->plan, res->path, &ctl_cancelled, &res->bytes, fail);
    return r < 0 ? r : report(ctl, res, fail);
}

static int import_run(struct ctl *ctl, int n_words, char **words, struct fail *fail)
{
    CLEANUP(import_source_closep) struct import_source *source = NULL;
    struct result res = {0};
    int r;

    if (n_words != 1)
        return fail_set(fail, FAIL_USAGE, -EINVAL,
                        "name one checkpoint, a file or a folder; see --help");
    ctl_catch_signals();
    if ((r = import_source_open(words[0], &source, fail)) < 0)
        return r;
    res.source = source;
    if (options.kind > 0)
        res.map = import_find_kind(kinds[options.kind]);
    else if ((r = import_recognise(source, &res.map, fail)) < 0)
        return r;
    import_plan_init(&res.plan, source, fail);
    r = convert(ctl, &res, fail);
    import_plan_done(&res.plan);
    free(res.path);
    return r;
}

const struct ctl_command ctl_import = {
    .name = "import",
    .words = "CHECKPOINT",
    .summary = N_("bring a model that was trained elsewhere"),
    .help =
        N_("Reads checkpoints of PyTorch (.pt, .pth, .bin, also of before 1.6), safetensors and\n"
           "folders of Hugging Face: Chinese-CLIP (ViT-B/16, L/14, L/14-336, H/14) with its\n"
           "vocabulary, FastSpeech2 of ming024 (speakers.json, stats.json, preprocess.yaml and\n"
           "model.yaml beside it are read) and HiFi-GAN generators (V1, V2, V3, others with their\n"
           "config.json).\n"
           "Nothing in a checkpoint is executed. The model is recognised by its tensors, and\n"
           "written as one file to ~/.local/share/brailled/models (XDG_DATA_HOME), or where\n"
           "-o says. --models DIR of the other commands takes that folder.\n"),
    .args = import_args,
    .run = import_run,
};
