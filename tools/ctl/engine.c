/* SPDX-License-Identifier: Apache-2.0 */

#include "tools/ctl/engine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void engine_stages_add(struct engine_stages *s, const char *name, double ms)
{
    size_t i = 0;

    while (i < s->n && strcmp(s->list[i].name, name) != 0)
        i++;
    if (i == ELEMENTSOF(s->list))
        return;
    if (i == s->n) {
        s->n++;
        s->list[i].ms = 0;
        snprintf(s->list[i].name, sizeof(s->list[i].name), "%s", name);
    }
    s->list[i].ms += ms;
}

const char *const engine_sides[] = {"recto", "verso", "both", NULL};
const char *const engine_orientations[] = {"auto", "0", "90", "180", "270", NULL};
const char *const engine_mirrored[] = {"auto", "no", "yes", NULL};

int engine_orientation_of(unsigned choice)
{
    return choice ? 90 * ((int) choice - 1) : -1;
}

int engine_mirrored_of(unsigned choice)
{
    return (int) choice - 1;
}

const char *const engine_codes[] = {"auto", "current", "common", "two-cell", NULL};

const char *engine_code_title(const char *code)
{
    static const char *const titles[] = {N_("Chinese braille"), N_("Current Chinese Braille"),
                                         N_("National Common Braille"),
                                         N_("Two-Cell Chinese Braille")};

    for (size_t i = 1; engine_codes[i]; i++)
        if (strcmp(code, engine_codes[i]) == 0)
            return tr(titles[i]);
    return tr(titles[0]);
}

void engine_page_done(struct engine_page *page)
{
    free(page->pinyin);
    free(page->text);
    *page = (struct engine_page){0};
}

void engine_set_device(struct engine *e, const char *device, const char *note)
{
    if (strcmp(e->device, device) == 0)
        return;
    snprintf(e->device, sizeof(e->device), "%s", device);
    ctl_say_line(e->ctl, "device: %s%s", device, note);
}

int engine_new(const struct ctl *ctl, struct engine **ret, struct fail *fail)
{
    bool local = ctl->local || ctl->device || ctl->models;

    if (local && ctl->instance)
        return fail_set(fail, FAIL_USAGE, -EINVAL,
                        "--instance names a daemon; leave out --local, --device and --models");
    if (!local && engine_bus_new(ctl, ret) > 0)
        return 0;
    if (ctl->instance) /* asked for, so nothing else takes its place */
        return fail_set(fail, FAIL_UNAVAILABLE, -ENOENT,
                        "there is no brailled '%s' on a bus; systemctl start brailled@%s starts it",
                        ctl->instance, ctl->instance);
    return engine_local_new(ctl, ret, fail);
}

struct engine *engine_free(struct engine *e)
{
    if (e) {
        free(e->unsaid);
        free(e->spoken);
        e->ops->free(e);
    }
    return NULL;
}

int engine_read(struct engine *e, int fd, const char *name, const struct engine_read_params *params,
                struct engine_page *ret, struct fail *fail)
{
    return e->ops->read(e, fd, name, params, ret, fail);
}

int engine_set_unsaid(struct engine *e, const char *unsaid)
{
    free(e->unsaid);
    e->unsaid = unsaid && *unsaid ? strdup(unsaid) : NULL;
    return unsaid && *unsaid && !e->unsaid ? -ENOMEM : 0;
}

int engine_add_spoken(struct engine *e, const char *pinyin)
{
    const size_t n = e->spoken ? strlen(e->spoken) : 0, gap = n > 0;

    if (!*pinyin)
        return 0;
    char *more = realloc(e->spoken, n + gap + strlen(pinyin) + 1);
    if (!more)
        return -ENOMEM;
    if (gap)
        more[n] = ' ';
    strcpy(more + n + gap, pinyin);
    e->spoken = more;
    return 0;
}

int engine_say(struct engine *e, const char *text, const struct engine_say_params *params,
               engine_sound_fn sound, void *userdata, struct fail *fail)
{
    engine_set_unsaid(e, NULL);
    freep(&e->spoken);
    e->spoken = NULL;
    ctl_said(text);
    int r = e->ops->say(e, text, params, sound, userdata, fail);
    if (r >= 0 && e->unsaid)
        ctl_say_line(e->ctl, "not said: %s", e->unsaid);
    return r;
}

int engine_voices(struct engine *e, struct engine_voice **ret, size_t *ret_n, struct fail *fail)
{
    return e->ops->voices(e, ret, ret_n, fail);
}

int engine_prepare(struct engine *e, struct fail *fail)
{
    return e->ops->prepare(e, fail);
}
