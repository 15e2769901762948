/* SPDX-License-Identifier: Apache-2.0 */

#include "tools/ctl/engine-bus.h"
#include "tools/ctl/engine-local.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

int engine_bus_tell_device(struct engine *base, const char *name)
{
    CLEANUP(sd_bus_message_unrefp) sd_bus_message *m = NULL;
    const struct engine_bus *e = (struct engine_bus *) base;
    struct vkc_device_info info = {0};
    const char *now = NULL, *driver = NULL;
    char note[300] = "";
    uint32_t type = 0;

    if (name && strcmp(base->device, name) == 0)
        return 0;
    int r = sd_bus_get_property(e->bus, e->name, ENGINE_BUS_PATH, ENGINE_BUS_MANAGER, "Device",
                                NULL, &m, "(sus)");
    if (r >= 0)
        r = sd_bus_message_read(m, "(sus)", &now, &type, &driver);
    if (r >= 0 && type <= VKC_CPU && (!name || strcmp(name, now) == 0)) {
        info.type = (enum vkc_device_type) type;
        snprintf(info.driver, sizeof(info.driver), "%s", driver);
        local_device_note(&info, note, sizeof(note));
    }
    if (name || r >= 0)
        engine_set_device(base, name ? name : now, note);
    return r;
}

static int take_timings(struct engine *e, sd_bus_message *m)
{
    const char *name;
    double ms;

    int r = sd_bus_message_enter_container(m, 'v', "a{sd}");
    if (r >= 0)
        r = sd_bus_message_enter_container(m, 'a', "{sd}");
    while (r >= 0 && (r = sd_bus_message_read(m, "{sd}", &name, &ms)) > 0)
        engine_stages_add(&e->stages, name, ms);
    if (r >= 0)
        r = sd_bus_message_exit_container(m);
    return r < 0 ? r : sd_bus_message_exit_container(m);
}

static int take_segments(struct engine *e, sd_bus_message *m)
{
    const char *pinyin;

    int r = sd_bus_message_enter_container(m, 'v', "a(uussttd)");
    if (r >= 0)
        r = sd_bus_message_enter_container(m, 'a', "(uussttd)");
    while (r >= 0 && (r = sd_bus_message_read(m, "(uussttd)", NULL, NULL, NULL, &pinyin, NULL, NULL,
                                              NULL)) > 0)
        r = engine_add_spoken(e, pinyin);
    if (r >= 0)
        r = sd_bus_message_exit_container(m);
    return r < 0 ? r : sd_bus_message_exit_container(m);
}

static int take_value(struct engine *e, sd_bus_message *m, const char *key,
                      struct engine_page *page)
{
    const char *s = NULL;

    if (strcmp(key, "timings") == 0)
        return take_timings(e, m);
    if (strcmp(key, "device") == 0) {
        int r = sd_bus_message_read(m, "v", "s", &s);
        if (r >= 0)
            engine_bus_tell_device(e, s);
        return r;
    }
    if (!page && strcmp(key, "segments") == 0)
        return take_segments(e, m);
    if (!page && strcmp(key, "unsaid") == 0) {
        int r = sd_bus_message_read(m, "v", "s", &s);
        return r < 0 ? r : engine_set_unsaid(e, s);
    }
    if (page && strcmp(key, "pinyin") == 0) {
        int r = sd_bus_message_read(m, "v", "s", &s);
        return r >= 0 && !(page->pinyin = strdup(s)) ? -ENOMEM : r;
    }
    if (page && strcmp(key, "braille-code") == 0) {
        int r = sd_bus_message_read(m, "v", "s", &s);
        if (r >= 0 && strncmp(s, ENGINE_BUS_CODE_PREFIX, strlen(ENGINE_BUS_CODE_PREFIX)) == 0)
            snprintf(page->code, sizeof(page->code), "%s", s + strlen(ENGINE_BUS_CODE_PREFIX));
        return r;
    }
    if (page && strcmp(key, "confidence") == 0)
        return sd_bus_message_read(m, "v", "d", &page->confidence);
    if (page && strcmp(key, "unknown-cells") == 0)
        return sd_bus_message_read(m, "v", "u", &page->n_unknown);
    return sd_bus_message_skip(m, "v");
}

int engine_bus_take_result(struct engine *e, sd_bus_message *m, struct engine_page *page,
                           struct fail *fail)
{
    int r = sd_bus_message_enter_container(m, 'a', "{sv}");
    while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
        const char *key;
        r = sd_bus_message_read(m, "s", &key);
        if (r >= 0)
            r = take_value(e, m, key, page);
        if (r >= 0)
            r = sd_bus_message_exit_container(m);
    }
    if (r >= 0)
        r = sd_bus_message_exit_container(m);
    if (r < 0)
        return fail_set(fail, FAIL_UNAVAILABLE, r,
                        "brailled answered in a way that this braillectl does not understand; "
                        "install both in the same version");
    return 0;
}

int engine_bus_take_voices(sd_bus_message *m, struct engine_voice **list, size_t *n)
{
    const char *name, *language, *gender, *title;
    int r = sd_bus_message_enter_container(m, 'a', "(ssss)");

    while (r >= 0 &&
           (r = sd_bus_message_read(m, "(ssss)", &name, &language, &gender, &title)) > 0) {
        struct engine_voice *more = reallocarray(*list, *n + 1, sizeof(*more));
        if (!more)
            return -ENOMEM;
        *list = more;
        struct engine_voice *v = &more[(*n)++];
        snprintf(v->name, sizeof(v->name), "%s", name);
        snprintf(v->language, sizeof(v->language), "%s", language);
        snprintf(v->gender, sizeof(v->gender), "%s", gender);
        snprintf(v->title, sizeof(v->title), "%s", title);
    }
    return r;
}
