/* SPDX-License-Identifier: Apache-2.0 */

#include "tools/ctl/complete.h"

#include "tools/ctl/engine.h"

#include "vk/vkc.h"

#include <stdio.h>
#include <string.h>

static void offer(const char *word, const char *what)
{
    printf("%s\t%s\n", word, what);
}

static void offer_voices(struct ctl *ctl)
{
    CLEANUP(engine_freep) struct engine *e = NULL;
    CLEANUP_FREE struct engine_voice *list = NULL;
    struct fail fail = {0};
    size_t n = 0;

    ctl->quiet = ctl->local = true;
    if (engine_new(ctl, &e, &fail) < 0 || engine_voices(e, &list, &n, &fail) < 0)
        return;
    for (size_t i = 0; i < n; i++)
        offer(list[i].name, list[i].title);
}

static void offer_devices(void)
{
    CLEANUP_FREE struct vkc_device_info *list = NULL;
    struct fail fail = {0};
    size_t n = 0;

    if (vkc_devices(&list, &n, &fail) < 0)
        return;
    for (size_t i = 0; i < n; i++)
        printf("%zu\t%s\n", i, list[i].name);
}

static void offer_values(struct ctl *ctl, const struct arg *a)
{
    if (a->type == ARG_CHOICE)
        for (size_t i = 0; a->choices[i]; i++)
            offer(a->choices[i], "");
    else if (strcmp(a->name, "voice") == 0)
        offer_voices(ctl);
    else if (strcmp(a->name, "device") == 0)
        offer_devices();
    else if (a->type == ARG_STRING)
        puts(":files");
}

static void offer_options(const struct arg *args, size_t n)
{
    for (size_t i = 0; i < n; i++)
        printf("--%s\t%s\n", args[i].name, tr(args[i].help));
}

/* "install|remove" are the words that there are; any others name files. */
static void offer_words(const char *words)
{
    const bool is_list = strchr(words, '|') != NULL;

    if (!is_list && *words)
        puts(":files");
    while (is_list && *words) {
        const size_t n = strcspn(words, "|");
        printf("%.*s\t\n", (int) n, words);
        words += n + (words[n] == '|');
    }
}

/* The option that `word` is, if a value follows it as a word of its own. */
static const struct arg *waits_for_value(const struct arg *args, size_t n, const char *word)
{
    for (size_t i = 0; i < n; i++) {
        const char letter[] = {'-', args[i].letter, 0};
        if (args[i].type != ARG_FLAG && word[0] == '-' &&
            ((word[1] == '-' && strcmp(word + 2, args[i].name) == 0) ||
             (args[i].letter && strcmp(word, letter) == 0)))
            return &args[i];
    }
    return NULL;
}

static const struct ctl_command *find(const struct ctl_command *const *commands, size_t n,
                                      const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

void complete_words(struct ctl *ctl, const struct ctl_command *const *commands, size_t n_commands,
                    const struct arg *common, size_t n_common, int n_words, char **words)
{
    struct arg args[CTL_MAX_OWN_ARGS + 16];
    const struct arg *value = NULL;
    const struct ctl_command *c = NULL;
    size_t n_args = n_common;

    if (n_words == 0)
        return;
    memcpy(args, common, n_common * sizeof(*common));
    for (int i = 0; i + 1 < n_words; i++) {
        const bool is_word = !value && words[i][0] != '-';
        value = value ? NULL : waits_for_value(args, n_args, words[i]);
        if (!is_word || c)
            continue;
        c = find(commands, n_commands, words[i]);
        if (!c)
            return; /* there is no such command: nothing fits behind it */
        const size_t n_own = c->args ? c->args(args) : 0;
        memcpy(args + n_own, common, n_common * sizeof(*common));
        n_args = n_own + n_common;
    }
    const char *current = words[n_words - 1];
    if (value)
        offer_values(ctl, value);
    else if (current[0] == '-')
        offer_options(args, n_args);
    else if (c)
        offer_words(c->words);
    for (size_t i = 0; !value && !c && current[0] != '-' && i < n_commands; i++)
        offer(commands[i]->name, tr(commands[i]->summary));
}
