/* SPDX-License-Identifier: Apache-2.0
 *
 * braillectl devices, braillectl prepare: what the work is done on.
 */

#include "tools/ctl/engine.h"

#include "vk/vkc.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

static int no_words(const char *name, int n_words, struct fail *fail)
{
    return n_words == 0
               ? 0
               : fail_set(fail, FAIL_USAGE, -EINVAL, "%s takes options only; see --help", name);
}

static json_t *device_json(const struct vkc_device_info *d, size_t index)
{
    return json_pack("{sI ss ss ss sI sb ss}", "index", (json_int_t) index, "name", d->name, "type",
                     vkc_device_type_name(d->type), "driver", d->driver, "memory_bytes",
                     (json_int_t) d->memory_bytes, "usable", d->usable, "why", d->why);
}

static int devices_run(struct ctl *ctl, int n_words, char **words, struct fail *fail)
{
    CLEANUP_FREE struct vkc_device_info *list = NULL;
    size_t n = 0;

    int r = no_words("devices", n_words, fail);
    if (r >= 0)
        r = vkc_devices(&list, &n, fail);
    if (r < 0)
        return r;
    json_t *array = ctl->json ? json_array() : NULL;
    for (size_t i = 0; i < n; i++) {
        if (array)
            json_array_append_new(array, device_json(&list[i], i));
        else
            printf("%zu  %s  (%s, %s, %" PRIu64 " MiB)%s%s\n", i, list[i].name,
                   vkc_device_type_name(list[i].type), list[i].driver, list[i].memory_bytes >> 20,
                   list[i].usable ? "" : "  cannot be used: ", list[i].usable ? "" : list[i].why);
    }
    return array ? ctl_print_json(json_pack("{so}", "devices", array), fail) : ctl_flush(fail);
}

static int prepare_run(struct ctl *ctl, int n_words, char **words, struct fail *fail)
{
    CLEANUP(engine_freep) struct engine *e = NULL;

    int r = no_words("prepare", n_words, fail);
    if (r < 0)
        return r;
    ctl_catch_signals();
    r = engine_new(ctl, &e, fail);
    if (r >= 0)
        r = engine_prepare(e, fail);
    if (r < 0)
        return r;
    double total_ms = ctl_ms_since(ctl->start_usec);
    ctl_say_line(ctl, "ready in %.2f s on %s", total_ms / 1000, e->device);
    if (!ctl->json)
        return 0;
    return ctl_print_json(
        json_pack("{ss sb sf}", "device", e->device, "daemon", e->daemon, "total_ms", total_ms),
        fail);
}

const struct ctl_command ctl_devices = {
    .name = "devices",
    .words = "",
    .summary = N_("list the Vulkan devices, best first"),
    .help =
        N_("The first usable one is taken unless --device names another, by its number or part of\n"
           "its name. A device of type cpu is a software driver (lavapipe): right, but slower.\n"),
    .run = devices_run,
};

const struct ctl_command ctl_prepare = {
    .name = "prepare",
    .words = "",
    .summary = N_("load models and warm the device now"),
    .help =
        N_("With brailled on the bus the next page then starts at once. In this process it only\n"
           "fills the driver's shader cache and shows that all is in place.\n"),
    .run = prepare_run,
};
