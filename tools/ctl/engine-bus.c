/* SPDX-License-Identifier: Apache-2.0
 *
 * brailled as the engine: pages go as descriptors, sound comes through a pipe while it is made, and
 * the marks in it through the bus.
 */

#include "tools/ctl/engine-bus.h"
#include "tools/ctl/engine-marks.h"

#include "audio/audio.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#define BUS_JOB "org.brailled.Brailled1.Job"
#define BUS_ERROR "org.brailled.Brailled1.Error."
#define RAW_FORMAT "audio/x-raw,format=S16LE,channels=1,rate=16000"
#define WAV_FORMAT "audio/x-wav" /* its head says the rate */

enum { START_USEC = 25 * 1000 * 1000, TICK_MS = 500 };

/* One call that is under way: its reply, and the read end of its pipe of sound. */
struct call {
    struct engine_bus *e;
    const char *what; ///< N_("…"), for progress lines
    sd_bus_message *reply;
    int fd;                                  ///< -1: no sound, or its end was reached
    uint8_t head[AUDIO_STREAM_HEADER_BYTES]; ///< of WAV
    size_t n_head, head_bytes;               ///< that came; that will: 0 of raw sound
    uint8_t odd;
    bool has_odd;
    struct marks marks;
    const char *sender, *path; ///< of the job that tells marks; borrowed
    float held[4096];          ///< sound that waits until the marks in it must have come
    size_t n_held;
    sd_bus_slot *ping;
    bool in_step; ///< they have
    int r;        ///< < 0: a mark could not be kept
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

static int on_pong(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
    struct call *c = userdata;
    c->in_step = true;
    return 0;
}

/* The signal of a mark is sent before the sound behind it, but by another way. What brailled
 * answers from now on comes behind it. */
static int ask_for_step(struct call *c, struct fail *fail)
{
    CLEANUP(sd_bus_message_unrefp) sd_bus_message *m = NULL;
    sd_bus *bus = c->e->bus;

    c->ping = sd_bus_slot_unref(c->ping);
    c->in_step = c->reply || !c->path;
    if (c->in_step)
        return 0;
    int r = sd_bus_message_new_method_call(bus, &m, c->sender, ENGINE_BUS_PATH,
                                           "org.freedesktop.DBus.Peer", "Ping");
    if (r >= 0)
        r = sd_bus_call_async(bus, &c->ping, m, on_pong, c, 0);
    return r < 0 ? lost(r, fail) : 0;
}

/* The first bytes of WAV are no samples. -EBADMSG: it is not what brailled writes. */
static int take_head(struct call *c, const uint8_t *bytes, size_t n, size_t *ret_used)
{
    *ret_used = MIN(n, c->head_bytes - c->n_head);
    memcpy(c->head + c->n_head, bytes, *ret_used);
    c->n_head += *ret_used;
    if (c->n_head < c->head_bytes || *ret_used == 0)
        return 0;
    const unsigned rate_hz = c->head[24] | c->head[25] << 8 | (unsigned) c->head[26] << 16;
    uint8_t wanted[AUDIO_STREAM_HEADER_BYTES];
    audio_stream_header(rate_hz, wanted);
    c->e->base.rate_hz = rate_hz;
    return rate_hz > 0 && memcmp(wanted, c->head, sizeof(wanted)) == 0 ? 0 : -EBADMSG;
}

/* Bytes of a pipe may be cut anywhere, also inside a sample. */
static int take_sound(struct call *c, struct fail *fail)
{
    uint8_t bytes[2 * ELEMENTSOF(c->held) + 1];
    size_t n_head;
    int16_t pcm[ELEMENTSOF(c->held)];

    bytes[0] = c->odd;
    ssize_t n = read(c->fd, bytes + c->has_odd, sizeof(bytes) - 1 - c->has_odd);
    if (n < 0)
        return errno == EINTR || errno == EAGAIN ? 0 : lost(-errno, fail);
    if (n == 0) {
        close(c->fd);
        c->fd = -1;
        return 0;
    }
    int r = take_head(c, bytes + c->has_odd, (size_t) n, &n_head);
    if (r < 0)
        return lost(r, fail);
    memmove(bytes + c->has_odd, bytes + c->has_odd + n_head, (size_t) n - n_head);
    size_t have = (size_t) n - n_head + c->has_odd;
    if (have == 0)
        return 0;
    c->n_held = have / 2;
    for (size_t i = 0; i < c->n_held; i++)
        pcm[i] = (int16_t) (bytes[2 * i] | bytes[2 * i + 1] << 8);
    c->has_odd = have % 2;
    c->odd = bytes[have - 1];
    audio_from_s16(pcm, c->n_held, c->held);
    return ask_for_step(c, fail);
}

static int give_sound(struct call *c, struct fail *fail)
{
    const size_t n = c->n_held;

    c->n_held = 0;
    return marks_sound(&c->marks, c->held, n, fail);
}

static int wait_once(struct call *c, struct fail *fail)
{
    sd_bus *bus = c->e->bus;
    struct pollfd fds[2] = {
        {.fd = sd_bus_get_fd(bus), .events = (short) sd_bus_get_events(bus)},
        {.fd = c->n_held > 0 ? -1 : c->fd, .events = POLLIN},
    };

    if (c->marks.n_samples > 0)
        ctl_progress(c->e->base.ctl, "%s: %.1f s of speech", tr(c->what),
                     (double) c->marks.n_samples / c->e->base.rate_hz);
    else
        ctl_progress(c->e->base.ctl, "%s: %.0f s so far", tr(c->what),
                     ctl_ms_since(c->e->base.ctl->start_usec) / 1000);
    int n = poll(fds, 2, TICK_MS);
    if (n < 0 && errno != EINTR)
        return lost(-errno, fail);
    return n > 0 && fds[1].revents ? take_sound(c, fail) : 0;
}

/* Send and wait as long as it takes. Leaving early drops the connection, which is how brailled
 * learns that nobody waits for the answer any more; behind an answer it is as good as before. The
 * message is let go once it is sent: it holds a copy of the pipe's write end, with which the pipe
 * would never end. */
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
        if (c->n_held > 0 && (c->in_step || c->reply)) {
            r = give_sound(c, fail);
            continue;
        }
        bool failed = c->reply && sd_bus_message_is_method_error(c->reply, NULL);
        if (c->reply && (c->fd < 0 || failed))
            break;
        r = c->r < 0 ? c->r : wait_once(c, fail);
    }
    ctl_progress_clear();
    sd_bus_slot_unref(slot);
    c->ping = sd_bus_slot_unref(c->ping);
    if (r >= 0 && sd_bus_message_is_method_error(c->reply, NULL))
        r = fail_from_bus(sd_bus_message_get_error(c->reply), fail);
    else if (r >= 0)
        r = marks_end(&c->marks, fail);
    if (r < 0 && !c->reply)
        sd_bus_close(bus);
    return r;
}

static int new_call(struct engine_bus *e, const char *member, sd_bus_message **ret,
                    struct fail *fail)
{
    int r = sd_bus_message_new_method_call(e->bus, ret, e->name, ENGINE_BUS_PATH,
                                           ENGINE_BUS_MANAGER, member);
    return r < 0 ? lost(r, fail) : 0;
}

static int bus_engine_read(struct engine *base, int fd, const char *name,
                           const struct engine_read_params *params, struct engine_page *ret,
                           struct fail *fail)
{
    CLEANUP(sd_bus_message_unrefp) sd_bus_message *m = NULL;
    struct engine_bus *e = (struct engine_bus *) base;
    struct call c = {.e = e, .what = N_("reading"), .fd = -1};
    uint32_t orientation = params->orientation < 0 ? 0 : 1 + (uint32_t) params->orientation / 90;
    struct engine_page page = {0};
    const char *text;
    char code[32] = "auto";

    if (params->code)
        snprintf(code, sizeof(code), ENGINE_BUS_CODE_PREFIX "%s",
                 lang_code_names[params->code - 1]);
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
            r = engine_bus_take_result(base, c.reply, &page, fail);
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
                                  "audio-format", "s", params->any_rate ? WAV_FORMAT : RAW_FORMAT,
                                  "input", "s", lang_input_names[params->input], "rate", "d",
                                  params->rate, "pitch", "d", params->pitch, "sandhi", "b",
                                  !params->no_sandhi);
    if (r >= 0)
        r = sd_bus_message_append(m, "{sv}", "volume", "d", params->volume);
    if (r >= 0 && params->voice)
        r = sd_bus_message_append(m, "{sv}", "voice", "s", params->voice);
    return r < 0 ? r : sd_bus_message_close_container(m);
}

/* Signals of a job go to its owner without a match. */
static int on_signal(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
    struct call *c = userdata;
    const char *name = NULL, *sender = sd_bus_message_get_sender(m);
    const char *path = sd_bus_message_get_path(m);
    const bool is_mark = sd_bus_message_is_signal(m, BUS_JOB, "Mark") > 0;
    uint64_t start_us;
    int r;

    if (!is_mark && sd_bus_message_is_signal(m, BUS_JOB, "Segment") <= 0)
        return 0;
    if (!sender || strcmp(sender, c->sender) != 0 || !path || strcmp(path, c->path) != 0)
        return 0;
    if (is_mark)
        r = sd_bus_message_read(m, "st", &name, &start_us);
    else
        r = sd_bus_message_read(m, "uussttd", NULL, NULL, NULL, NULL, &start_us, NULL, NULL);
    if (r >= 0)
        r = marks_add(&c->marks, name, start_us);
    if (r < 0)
        c->r = r;
    return 0;
}

/* The same as a job, which tells its marks: `create` is a call of CreateSpeech. The reply to Run is
 * left where that of Say begins. */
static int call_job(struct call *c, sd_bus_message *create /* taken */, struct fail *fail)
{
    CLEANUP(sd_bus_slot_unrefp) sd_bus_slot *filter = NULL;
    sd_bus_message *run = NULL;
    struct call first = {.e = c->e, .what = c->what, .fd = -1};

    int r = call(&first, create, fail);
    if (r >= 0) {
        c->sender = sd_bus_message_get_sender(first.reply);
        r = sd_bus_message_read(first.reply, "o", &c->path);
        if (r >= 0)
            r = sd_bus_add_filter(c->e->bus, &filter, on_signal, c);
        if (r >= 0)
            r = sd_bus_message_new_method_call(c->e->bus, &run, c->sender, c->path, BUS_JOB, "Run");
        r = r < 0 ? lost(r, fail) : call(c, run, fail);
    }
    if (r >= 0)
        r = sd_bus_message_skip(c->reply, "s");
    sd_bus_message_unref(first.reply);
    return r;
}

static int bus_engine_say(struct engine *base, const char *text,
                          const struct engine_say_params *params, engine_sound_fn sound,
                          void *userdata, struct fail *fail)
{
    CLEANUP(sd_bus_message_unrefp) sd_bus_message *m = NULL;
    struct engine_bus *e = (struct engine_bus *) base;
    struct call c = {
        .e = e,
        .what = N_("speaking"),
        .head_bytes = params->any_rate ? AUDIO_STREAM_HEADER_BYTES : 0,
        .marks = {.sound = sound, .mark = params->mark, .userdata = userdata},
    };
    int fd[2];

    base->rate_hz = ENGINE_RATE_HZ;
    int r = new_call(e, params->mark ? "CreateSpeech" : "Say", &m, fail);
    if (r < 0)
        return r;
    if (pipe2(fd, O_CLOEXEC) < 0)
        return fail_set(fail, FAIL_OTHER, -errno, "cannot make a pipe: %m");
    r = sd_bus_message_append(m, "s", text);
    if (r >= 0)
        r = add_say_options(m, params, fd[1]);
    close(fd[1]);
    c.fd = fd[0];
    if (r < 0)
        lost(r, fail);
    else
        r = params->mark ? call_job(&c, TAKE_PTR(m), fail) : call(&c, TAKE_PTR(m), fail);
    if (r >= 0)
        r = engine_bus_take_result(base, c.reply, NULL, fail);
    sd_bus_message_unref(c.reply);
    marks_done(&c.marks);
    if (c.fd >= 0)
        close(c.fd);
    return r;
}

static int bus_engine_voices(struct engine *base, struct engine_voice **ret, size_t *ret_n,
                             struct fail *fail)
{
    CLEANUP(sd_bus_message_unrefp) sd_bus_message *m = NULL;
    CLEANUP_FREE struct engine_voice *list = NULL;
    struct engine_bus *e = (struct engine_bus *) base;
    struct call c = {.e = e, .what = N_("loading"), .fd = -1};
    size_t n = 0;

    int r = new_call(e, "ListVoices", &m, fail);
    if (r >= 0)
        r = call(&c, TAKE_PTR(m), fail);
    if (r >= 0 && (r = engine_bus_take_voices(c.reply, &list, &n)) < 0)
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
    struct call c = {.e = e, .what = N_("loading"), .fd = -1};

    int r = new_call(e, "Prepare", &m, fail);
    if (r >= 0 && (r = sd_bus_message_append(m, "a{sv}", 0)) < 0)
        lost(r, fail);
    if (r >= 0)
        r = call(&c, TAKE_PTR(m), fail);
    sd_bus_message_unref(c.reply);
    if (r < 0)
        return r;
    r = engine_bus_tell_device(base, NULL);
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
    int r = sd_bus_get_property(bus, name, ENGINE_BUS_PATH, ENGINE_BUS_MANAGER, "Version", &error,
                                &m, "s");
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
