/* SPDX-License-Identifier: Apache-2.0
 *
 * brailled as the engine: pages go as descriptors, sound comes through a pipe while it is made.
 * systemd/org.brailled.Brailled1.xml describes the calls.
 */

#include "tools/ctl/engine.h"
#include "tools/ctl/engine-local.h"

#include "audio/audio.h"
#include "base/service.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#define BUS_PATH "/org/brailled/Brailled1"
#define BUS_MANAGER "org.brailled.Brailled1.Manager"
#define BUS_ERROR "org.brailled.Brailled1.Error."
#define CODE_PREFIX "zh-" /* of braille codes there */
#define RAW_FORMAT "audio/x-raw,format=S16LE,channels=1,rate=16000"

enum { START_USEC = 25 * 1000 * 1000, TICK_MS = 500 };

struct engine_bus {
    struct engine base;
    sd_bus *bus; ///< owned
    char name[SERVICE_NAME_BYTES];
};

/* One call that is under way: its reply, and the read end of its pipe of sound. */
struct call {
    struct engine_bus *e;
    const char *what; ///< for progress lines
    sd_bus_message *reply;
    int fd; ///< -1: no sound, or its end was reached
    uint8_t odd;
    bool has_odd;
    size_t n_samples;
    engine_sound_fn sound;
    void *userdata;
};

static int lost(int r, struct fail *fail)
{
    return fail_set(fail, FAIL_UNAVAILABLE, r,
                    "the connection to brailled was lost: %m; try again, or --local works without "
                    "it");
}

/* The errors of the interface -> exit codes of docs/contracts.md. */
static int fail_from_bus(const sd_bus_error *error, struct fail *fail)
{
    static const struct {
        const char *name;
        enum fail_kind kind;
        int r;
    } known[] = {
        {"InvalidInput", FAIL_INPUT, -EBADMSG}, {"NoBraille", FAIL_INPUT, -ENODATA},
        {"InvalidOption", FAIL_USAGE, -EINVAL}, {"Unavailable", FAIL_UNAVAILABLE, -ENODEV},
        {"Busy", FAIL_UNAVAILABLE, -EBUSY},     {"Cancelled", FAIL_UNAVAILABLE, -ECANCELED},
        {"Failed", FAIL_OTHER, -EIO},
    };
    const size_t prefix = strlen(BUS_ERROR);

    for (size_t i = 0; i < ELEMENTSOF(known); i++)
        if (strncmp(error->name, BUS_ERROR, prefix) == 0 &&
            strcmp(error->name + prefix, known[i].name) == 0)
            return fail_set(fail, known[i].kind, known[i].r, "%s", error->message);
    return fail_set(fail, FAIL_UNAVAILABLE, -EREMOTEIO,
                    "brailled did not answer (%s); try again, or --local works without it",
                    error->message ? error->message : error->name);
}

static int on_reply(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
    struct call *c = userdata;
    c->reply = sd_bus_message_ref(m);
    return 0;
}

/* Bytes of a pipe may be cut anywhere, also inside a sample. */
static int take_sound(struct call *c, struct fail *fail)
{
    uint8_t bytes[8192 + 1];
    int16_t pcm[4096];
    float samples[4096];

    bytes[0] = c->odd;
    ssize_t n = read(c->fd, bytes + c->has_odd, 8192 - c->has_odd);
    if (n < 0)
        return errno == EINTR || errno == EAGAIN ? 0 : lost(-errno, fail);
    if (n == 0) {
        close(c->fd);
        c->fd = -1;
        return 0;
    }
    size_t have = (size_t) n + c->has_odd, n_samples = have / 2;
    for (size_t i = 0; i < n_samples; i++)
        pcm[i] = (int16_t) (bytes[2 * i] | bytes[2 * i + 1] << 8);
    c->has_odd = have % 2;
    c->odd = bytes[have - 1];
    audio_from_s16(pcm, n_samples, samples);
    c->n_samples += n_samples;
    return c->sound(c->userdata, samples, n_samples, fail);
}

static int wait_once(struct call *c, struct fail *fail)
{
    sd_bus *bus = c->e->bus;
    struct pollfd fds[2] = {
        {.fd = sd_bus_get_fd(bus), .events = (short) sd_bus_get_events(bus)},
        {.fd = c->fd, .events = POLLIN},
    };

    if (c->n_samples > 0)
        ctl_progress(c->e->base.ctl, "%s: %.1f s of speech", c->what,
                     (double) c->n_samples / ENGINE_RATE_HZ);
    else
        ctl_progress(c->e->base.ctl, "%s: %.0f s so far", c->what,
                     ctl_ms_since(c->e->base.ctl->start_usec) / 1000);
    int n = poll(fds, 2, TICK_MS);
    if (n < 0 && errno != EINTR)
        return lost(-errno, fail);
    return n > 0 && fds[1].revents ? take_sound(c, fail) : 0;
}

/* Send and wait as long as it takes. Leaving early drops the connection, which is how brailled
 * learns that nobody waits for the answer any more. The message is let go once it is sent: it holds
 * a copy of the pipe's write end, with which the pipe would never end. */
static int call(struct call *c, sd_bus_message *m /* taken */, struct fail *fail)
{
    sd_bus *bus = c->e->bus;
    sd_bus_slot *slot = NULL;

    int r = sd_bus_call_async(bus, &slot, m, on_reply, c, UINT64_MAX);
    sd_bus_message_unref(m);
    if (r < 0)
        lost(r, fail);
    while (r >= 0) {
        if (ctl_cancelled) {
            r = ctl_interrupted(fail);
            break;
        }
        r = sd_bus_process(bus, NULL);
        if (r < 0)
            lost(r, fail);
        if (r != 0)
            continue;
        bool failed = c->reply && sd_bus_message_is_method_error(c->reply, NULL);
        if (c->reply && (c->fd < 0 || failed))
            break;
        r = wait_once(c, fail);
    }
    ctl_progress_clear();
    sd_bus_slot_unref(slot);
    if (r >= 0 && sd_bus_message_is_method_error(c->reply, NULL))
        r = fail_from_bus(sd_bus_message_get_error(c->reply), fail);
    if (r < 0)
        sd_bus_close(bus);
    return r;
}

/* What it is, e.g. that there is no GPU, is told by the property Device; an answer has the name.
 * Not to be told is no failure. `name` NULL: the property's. */
static int tell_device(struct engine *base, const char *name)
{
    CLEANUP(sd_bus_message_unrefp) sd_bus_message *m = NULL;
    const struct engine_bus *e = (struct engine_bus *) base;
    struct vkc_device_info info = {0};
    const char *now = NULL, *driver = NULL;
    char note[300] = "";
    uint32_t type = 0;

    if (name && strcmp(base->device, name) == 0)
        return 0;
    int r =
        sd_bus_get_property(e->bus, e->name, BUS_PATH, BUS_MANAGER, "Device", NULL, &m, "(sus)");
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
            tell_device(e, s);
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
        if (r >= 0 && strncmp(s, CODE_PREFIX, strlen(CODE_PREFIX)) == 0)
            snprintf(page->code, sizeof(page->code), "%s", s + strlen(CODE_PREFIX));
        return r;
    }
    if (page && strcmp(key, "confidence") == 0)
        return sd_bus_message_read(m, "v", "d", &page->confidence);
    if (page && strcmp(key, "unknown-cells") == 0)
        return sd_bus_message_read(m, "v", "u", &page->n_unknown);
    return sd_bus_message_skip(m, "v");
}

static int take_result(struct engine *e, sd_bus_message *m, struct engine_page *page,
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

static int new_call(struct engine_bus *e, const char *member, sd_bus_message **ret,
                    struct fail *fail)
{
    int r = sd_bus_message_new_method_call(e->bus, ret, e->name, BUS_PATH, BUS_MANAGER, member);
    return r < 0 ? lost(r, fail) : 0;
}

static int bus_engine_read(struct engine *base, int fd, const char *name,
                           const struct engine_read_params *params, struct engine_page *ret,
                           struct fail *fail)
{
    CLEANUP(sd_bus_message_unrefp) sd_bus_message *m = NULL;
    struct engine_bus *e = (struct engine_bus *) base;
    struct call c = {.e = e, .what = "reading", .fd = -1};
    uint32_t orientation = params->orientation < 0 ? 0 : 1 + (uint32_t) params->orientation / 90;
    struct engine_page page = {0};
    const char *text;
    char code[32] = "auto";

    if (params->code)
        snprintf(code, sizeof(code), CODE_PREFIX "%s", lang_code_names[params->code - 1]);
    int r = new_call(e, "Convert", &m, fail);
    if (r < 0)
        return r;
    r = sd_bus_message_append(m, "ha{sv}", fd, 6, "outputs", "as", 1, "pinyin", "orientation", "u",
                              orientation, "sides", "u", 1 + (uint32_t) params->sides, "mirrored",
                              "u", (uint32_t) (1 + params->mirrored), "dpi", "d", params->dpi,
                              "braille-code", "s", code);
    if (r < 0)
        return lost(r, fail);
    r = call(&c, TAKE_PTR(m), fail);
    if (r >= 0) {
        r = sd_bus_message_read(c.reply, "s", &text);
        if (r < 0 || !(page.text = strdup(text)))
            r = lost(r < 0 ? r : -ENOMEM, fail);
        else
            r = take_result(base, c.reply, &page, fail);
    }
    sd_bus_message_unref(c.reply);
    if (r >= 0 && !page.pinyin && !(page.pinyin = strdup("")))
        r = -ENOMEM;
    if (r < 0)
        engine_page_done(&page);
    else
        *ret = page;
    return r;
}

static int add_say_options(sd_bus_message *m, const struct engine_say_params *params, int fd)
{
    int r = sd_bus_message_open_container(m, 'a', "{sv}");

    if (r >= 0)
        r = sd_bus_message_append(m, "{sv}{sv}{sv}{sv}{sv}{sv}", "audio-fd", "h", fd,
                                  "audio-format", "s", RAW_FORMAT, "input", "s",
                                  lang_input_names[params->input], "rate", "d", params->rate,
                                  "pitch", "d", params->pitch, "sandhi", "b", !params->no_sandhi);
    if (r >= 0)
        r = sd_bus_message_append(m, "{sv}", "volume", "d", params->volume);
    if (r >= 0 && params->voice)
        r = sd_bus_message_append(m, "{sv}", "voice", "s", params->voice);
    return r < 0 ? r : sd_bus_message_close_container(m);
}

static int bus_engine_say(struct engine *base, const char *text,
                          const struct engine_say_params *params, engine_sound_fn sound,
                          void *userdata, struct fail *fail)
{
    CLEANUP(sd_bus_message_unrefp) sd_bus_message *m = NULL;
    struct engine_bus *e = (struct engine_bus *) base;
    struct call c = {.e = e, .what = "speaking", .sound = sound, .userdata = userdata};
    int fd[2];

    int r = new_call(e, "Say", &m, fail);
    if (r < 0)
        return r;
    if (pipe2(fd, O_CLOEXEC) < 0)
        return fail_set(fail, FAIL_OTHER, -errno, "cannot make a pipe: %m");
    r = sd_bus_message_append(m, "s", text);
    if (r >= 0)
        r = add_say_options(m, params, fd[1]);
    close(fd[1]);
    c.fd = fd[0];
    r = r < 0 ? lost(r, fail) : call(&c, TAKE_PTR(m), fail);
    if (r >= 0)
        r = take_result(base, c.reply, NULL, fail);
    sd_bus_message_unref(c.reply);
    if (c.fd >= 0)
        close(c.fd);
    return r;
}

static int take_voices(sd_bus_message *m, struct engine_voice **list, size_t *n)
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

static int bus_engine_voices(struct engine *base, struct engine_voice **ret, size_t *ret_n,
                             struct fail *fail)
{
    CLEANUP(sd_bus_message_unrefp) sd_bus_message *m = NULL;
    CLEANUP_FREE struct engine_voice *list = NULL;
    struct engine_bus *e = (struct engine_bus *) base;
    struct call c = {.e = e, .what = "loading", .fd = -1};
    size_t n = 0;

    int r = new_call(e, "ListVoices", &m, fail);
    if (r >= 0)
        r = call(&c, TAKE_PTR(m), fail);
    if (r >= 0 && (r = take_voices(c.reply, &list, &n)) < 0)
        lost(r, fail);
    sd_bus_message_unref(c.reply);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(list);
    *ret_n = n;
    return 0;
}

static int bus_engine_prepare(struct engine *base, struct fail *fail)
{
    CLEANUP(sd_bus_message_unrefp) sd_bus_message *m = NULL;
    struct engine_bus *e = (struct engine_bus *) base;
    struct call c = {.e = e, .what = "loading", .fd = -1};

    int r = new_call(e, "Prepare", &m, fail);
    if (r >= 0 && (r = sd_bus_message_append(m, "a{sv}", 0)) < 0)
        lost(r, fail);
    if (r >= 0)
        r = call(&c, TAKE_PTR(m), fail);
    sd_bus_message_unref(c.reply);
    if (r < 0)
        return r;
    r = tell_device(base, NULL);
    return r < 0 ? lost(r, fail) : 0;
}

static void bus_engine_free(struct engine *base)
{
    struct engine_bus *e = (struct engine_bus *) base;
    sd_bus_flush_close_unref(e->bus);
    free(e);
}

static const struct engine_ops bus_ops = {
    .read = bus_engine_read,
    .say = bus_engine_say,
    .voices = bus_engine_voices,
    .prepare = bus_engine_prepare,
    .free = bus_engine_free,
};

static bool is_listed(sd_bus *bus, const char *wanted, const char *method)
{
    CLEANUP(sd_bus_message_unrefp) sd_bus_message *m = NULL;
    bool found = false;
    const char *name;

    int r = sd_bus_call_method(bus, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                               "org.freedesktop.DBus", method, NULL, &m, "");
    if (r >= 0)
        r = sd_bus_message_enter_container(m, 'a', "s");
    while (r >= 0 && !found && (r = sd_bus_message_read(m, "s", &name)) > 0)
        found = strcmp(name, wanted) == 0;
    return found;
}

/* Asking for the version starts the daemon where it is activatable, and shows that we may talk to
 * it. 1: yes. */
static int try_bus(const struct ctl *ctl, sd_bus *bus, const char *name, const char *which)
{
    CLEANUP(sd_bus_message_unrefp) sd_bus_message *m = NULL;
    sd_bus_error error = SD_BUS_ERROR_NULL;
    const char *version;

    if (!is_listed(bus, name, "ListActivatableNames") && !is_listed(bus, name, "ListNames"))
        return 0;
    sd_bus_set_method_call_timeout(bus, START_USEC);
    int r = sd_bus_get_property(bus, name, BUS_PATH, BUS_MANAGER, "Version", &error, &m, "s");
    if (r >= 0)
        r = sd_bus_message_read(m, "s", &version);
    if (r >= 0)
        ctl_say_line(ctl, "through brailled %s on the %s bus", version, which);
    else
        ctl_say_line(ctl, "brailled on the %s bus cannot be used: %s", which,
                     error.message ? error.message : strerror(-r));
    sd_bus_error_free(&error);
    return r >= 0;
}

int engine_bus_new(const struct ctl *ctl, struct engine **ret)
{
    static const struct {
        const char *name;
        int (*open)(sd_bus **ret);
    } buses[] = {{"session", sd_bus_open_user}, {"system", sd_bus_open_system}};
    char name[SERVICE_NAME_BYTES];

    if (service_name(ctl->instance, name) < 0)
        return 0;
    for (size_t i = 0; i < ELEMENTSOF(buses); i++) {
        sd_bus *bus = NULL;
        if (buses[i].open(&bus) < 0)
            continue;
        struct engine_bus *e =
            try_bus(ctl, bus, name, buses[i].name) > 0 ? calloc(1, sizeof(*e)) : NULL;
        if (e) {
            e->base = (struct engine){.ops = &bus_ops, .ctl = ctl, .daemon = true};
            e->bus = bus;
            memcpy(e->name, name, sizeof(name));
            *ret = &e->base;
            return 1;
        }
        sd_bus_flush_close_unref(bus);
    }
    return 0;
}
