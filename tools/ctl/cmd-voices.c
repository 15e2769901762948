/* SPDX-License-Identifier: Apache-2.0
 *
 * braillectl voices: who can speak.
 */

#include "tools/ctl/engine.h"

#include <errno.h>
#include <stdio.h>

static int print_list(const struct engine_voice *list, size_t n, struct fail *fail)
{
    for (size_t i = 0; i < n; i++)
        printf("%s  (%s%s%s)  %s%s\n", list[i].name, list[i].language,
               list[i].gender[0] ? ", " : "", list[i].gender, list[i].title,
               i == 0 ? tr("; the default") : "");
    return ctl_flush(fail);
}

static int print_object(const struct engine *e, const struct engine_voice *list, size_t n,
                        struct fail *fail)
{
    json_t *array = json_array();

    for (size_t i = 0; i < n; i++)
        json_array_append_new(array, json_pack("{ss ss ss ss}", "name", list[i].name, "language",
                                               list[i].language, "gender", list[i].gender, "title",
                                               list[i].title));
    return ctl_print_json(json_pack("{sb so}", "daemon", e->daemon, "voices", array), fail);
}

static int voices_run(struct ctl *ctl, int n_words, char **words, struct fail *fail)
{
    CLEANUP(engine_freep) struct engine *e = NULL;
    CLEANUP_FREE struct engine_voice *list = NULL;
    size_t n = 0;

    if (n_words > 0)
        return fail_set(fail, FAIL_USAGE, -EINVAL, "voices takes options only; see --help");
    ctl_catch_signals();
    int r = engine_new(ctl, &e, fail);
    if (r >= 0)
        r = engine_voices(e, &list, &n, fail);
    if (r < 0)
        return r;
    return ctl->json ? print_object(e, list, n, fail) : print_list(list, n, fail);
}

const struct ctl_command ctl_voices = {
    .name = "voices",
    .words = "",
    .summary = N_("list the voices"),
    .help =
        N_("Of the weights that are installed, or that --models names. `say` and `convert` take "
           "the\nname as --voice; without it the first one speaks.\n"),
    .run = voices_run,
};
