/* SPDX-License-Identifier: Apache-2.0
 *
 * brailled-spiel: the voices as a provider of Spiel, org.freedesktop.Speech.Provider
 * (libspeechprovider 1.0, tests/spiel/data) on the session bus.
 */

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "tools/ctl/args.h"
#include "tools/spiel/synth.h"

#define BUS_NAME "org.brailled.Brailled1.Speech.Provider"
#define BUS_PATH "/org/brailled/Brailled1/Speech/Provider"
#define INTERFACE "org.freedesktop.Speech.Provider"
#define FORMAT "audio/x-spiel,format=S16LE,channels=1,rate=16000"

enum {
    FEATURE_MARKS = 0x8,
    FEATURE_SAY_AS_DATE = 0x10,
    FEATURE_SAY_AS_TIME = 0x20,
    FEATURE_SAY_AS_TELEPHONE = 0x40,
    FEATURE_SAY_AS_CHARACTERS = 0x80,
    FEATURE_SAY_AS_CARDINAL = 0x200,
    FEATURE_SAY_AS_ORDINAL = 0x400,
    FEATURE_BREAK = 0x1000,
    FEATURE_SUB = 0x2000,
    FEATURE_PHONEME = 0x4000,
    FEATURE_PROSODY = 0x10000,
    FEATURE_SENTENCE = 0x20000,
    FEATURE_TOKEN = 0x40000,
    FEATURES = FEATURE_MARKS | FEATURE_SAY_AS_DATE | FEATURE_SAY_AS_TIME |
               FEATURE_SAY_AS_TELEPHONE | FEATURE_SAY_AS_CHARACTERS | FEATURE_SAY_AS_CARDINAL |
               FEATURE_SAY_AS_ORDINAL | FEATURE_BREAK | FEATURE_SUB | FEATURE_PHONEME |
               FEATURE_PROSODY | FEATURE_SENTENCE | FEATURE_TOKEN,
    MAX_TEXT_BYTES = 16 << 20,
    MAX_STREAMS = 64,
};

/* A pipe that waits for speech. */
struct stream {
    struct provider *p;
    struct stream *next;
    struct synth_job *job;
    sd_event_source *source;
    int fd;
};

struct provider {
    struct ctl ctl;
    double idle_s;
    sd_bus *bus;
    sd_event *event;
    sd_event_source *idle;
    struct synth *synth;
    struct stream *streams;
    size_t n_streams;
    int wake_fd;
};

/* ---- pipes ---- */

static void arm_idle(struct provider *p)
{
    if (!p->idle)
        return;
    sd_event_source_set_time_relative(p->idle, (uint64_t) (p->idle_s * 1e6));
    sd_event_source_set_enabled(p->idle, p->streams ? SD_EVENT_OFF : SD_EVENT_ONESHOT);
}

static void end_stream(struct stream *t)
{
    struct provider *p = t->p;
    struct stream **at = &p->streams;

    while (*at != t)
        at = &(*at)->next;
    *at = t->next;
    p->n_streams--;
    sd_event_source_unref(t->source);
    if (t->job)
        synth_drop(p->synth, t->job);
    close(t->fd);
    free(t);
    arm_idle(p);
}

/* Write what there is; a full pipe is waited for, one that nobody reads any more ends the job. */
static void pump(struct stream *t)
{
    const uint8_t *record;

    for (;;) {
        const int n = synth_next(t->p->synth, t->job, &record);
        if (n == -ENODATA) {
            end_stream(t);
            return;
        }
        if (n == 0) {
            sd_event_source_set_io_events(t->source, 0);
            return;
        }
        const ssize_t wrote = write(t->fd, record, (size_t) n);
        if (wrote == n) {
            synth_written(t->p->synth, t->job);
        } else if (wrote < 0 && errno == EAGAIN) {
            sd_event_source_set_io_events(t->source, EPOLLOUT);
            return;
        } else if (wrote >= 0 || errno != EINTR) {
            end_stream(t);
            return;
        }
    }
}

static int on_pipe(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
    if (events & (EPOLLERR | EPOLLHUP))
        end_stream(userdata);
    else
        pump(userdata);
    return 0;
}

static int on_wake(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
    struct provider *p = userdata;
    eventfd_t n;

    eventfd_read(fd, &n);
    for (struct stream *t = p->streams, *next; t; t = next) {
        next = t->next;
        pump(t);
    }
    return 0;
}

/* ---- the interface ---- */

/* Text and a part of a document -> a document; owned. */
static char *make_document(const char *text, bool is_ssml)
{
    char *document = NULL;
    size_t n = 0;

    if (is_ssml) {
        const char *begin = text + strspn(text, " \t\r\n");
        const bool whole = strncmp(begin, "<speak", 6) == 0 || strncmp(begin, "<?xml", 5) == 0;
        return asprintf(&document, whole ? "%s" : "<speak>%s</speak>", whole ? begin : text) < 0
                   ? NULL
                   : document;
    }
    FILE *f = open_memstream(&document, &n);
    if (!f)
        return NULL;
    fputs("<speak>", f);
    for (const char *c = text; *c; c++)
        if (*c == '<' || *c == '&')
            fputs(*c == '<' ? "&lt;" : "&amp;", f);
        else
            fputc((unsigned char) *c < 0x20 && *c != '\n' && *c != '\t' ? ' ' : *c, f);
    fputs("</speak>", f);
    if (fclose(f) == 0)
        return document;
    free(document);
    return NULL;
}

static double within(double v, double low, double high)
{
    return fmin(fmax(v, low), high);
}

static const char *find_voice(const struct provider *p, const char *name)
{
    size_t n;
    const struct engine_voice *voices = synth_voices(p->synth, &n);

    for (size_t i = 0; i < n; i++)
        if (!*name || strcmp(voices[i].name, name) == 0)
            return voices[i].name;
    return NULL;
}

static int check(const struct provider *p, int fd, const char *text, const char *voice,
                 double pitch, double rate, sd_bus_error *error)
{
    struct stat st;
    const int flags = fcntl(fd, F_GETFL);

    if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY || fstat(fd, &st) < 0 || !S_ISFIFO(st.st_mode))
        return sd_bus_error_set(error, SD_BUS_ERROR_INVALID_ARGS,
                                "pipe_fd must be the write end of a pipe");
    if (!voice)
        return sd_bus_error_set(error, SD_BUS_ERROR_INVALID_ARGS,
                                "there is no such voice_id; the property Voices lists them");
    if (!isfinite(pitch) || !isfinite(rate))
        return sd_bus_error_set(error, SD_BUS_ERROR_INVALID_ARGS,
                                "pitch and rate must be numbers, 1 is as the voice is");
    if (strlen(text) > MAX_TEXT_BYTES)
        return sd_bus_error_setf(error, SD_BUS_ERROR_LIMITS_EXCEEDED,
                                 "the text is larger than %d MiB; say it in parts",
                                 MAX_TEXT_BYTES >> 20);
    if (p->n_streams >= MAX_STREAMS)
        return sd_bus_error_setf(error, SD_BUS_ERROR_LIMITS_EXCEEDED,
                                 "%d texts are being spoken; wait until one of them ends",
                                 MAX_STREAMS);
    return 0;
}

/* `fd` is taken. */
static int add_stream(struct provider *p, int fd, const char *document,
                      const struct engine_say_params *params)
{
    struct stream *t = calloc(1, sizeof(*t));

    if (!t) {
        close(fd);
        return -ENOMEM;
    }
    *t = (struct stream){.p = p, .next = p->streams, .fd = fd};
    p->streams = t;
    p->n_streams++;
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    int r = sd_event_add_io(p->event, &t->source, fd, 0, on_pipe, t);
    if (r >= 0)
        r = synth_add(p->synth, document, params, &t->job);
    if (r < 0)
        end_stream(t);
    else
        arm_idle(p);
    return r;
}

static int synthesize(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
    struct provider *p = userdata;
    const char *text, *id, *language;
    double pitch, rate;
    int fd, is_ssml;

    int r = sd_bus_message_read(m, "hssddbs", &fd, &text, &id, &pitch, &rate, &is_ssml, &language);
    const char *voice = r < 0 ? NULL : find_voice(p, id);
    if (r >= 0)
        r = check(p, fd, text, voice, pitch, rate, error);
    if (r < 0)
        return r;
    CLEANUP_FREE char *document = make_document(text, is_ssml);
    const int own_fd = document ? fcntl(fd, F_DUPFD_CLOEXEC, 3) : -1;
    if (own_fd < 0)
        return document ? -errno : -ENOMEM;
    const struct engine_say_params params = {
        .rate = within(rate, PIPELINE_RATE_MIN, PIPELINE_RATE_MAX),
        .pitch = within(pitch, PIPELINE_PITCH_MIN, PIPELINE_PITCH_MAX),
        .volume = 1,
        .voice = voice,
    };
    r = add_stream(p, own_fd, document, &params);
    return r < 0 ? r : sd_bus_reply_method_return(m, NULL);
}

static int get_voices(sd_bus *bus, const char *path, const char *interface, const char *property,
                      sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    const struct provider *p = userdata;
    size_t n;
    const struct engine_voice *voices = synth_voices(p->synth, &n);
    int r = sd_bus_message_open_container(reply, 'a', "(ssstas)");

    for (size_t i = 0; i < n && r >= 0; i++)
        r = sd_bus_message_append(reply, "(ssstas)", voices[i].title, voices[i].name, FORMAT,
                                  (uint64_t) FEATURES, 3, voices[i].language, "cmn-CN", "zh");
    return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int get_name(sd_bus *bus, const char *path, const char *interface, const char *property,
                    sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    return sd_bus_message_append(reply, "s", "brailled");
}

static const sd_bus_vtable vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD_WITH_ARGS("Synthesize",
                            SD_BUS_ARGS("h", pipe_fd, "s", text, "s", voice_id, "d", pitch, "d",
                                        rate, "b", is_ssml, "s", language),
                            SD_BUS_NO_RESULT, synthesize, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_PROPERTY("Voices", "a(ssstas)", get_voices, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Name", "s", get_name, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_VTABLE_END,
};

/* ---- the program ---- */

/* The name goes first: who calls from then on gets a new process. What came before is answered. */
static int on_idle(sd_event_source *source, uint64_t usec, void *userdata)
{
    struct provider *p = userdata;

    sd_bus_release_name(p->bus, BUS_NAME);
    while (sd_bus_process(p->bus, NULL) > 0)
        ;
    if (p->streams)
        return sd_bus_request_name(p->bus, BUS_NAME, 0);
    sd_bus_flush(p->bus);
    return sd_event_exit(p->event, 0);
}

static int set_up(struct provider *p, struct fail *fail)
{
    const char *what = "watch for signals and pipes";
    sigset_t signals;

    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigprocmask(SIG_BLOCK, &signals, NULL); /* before there is a thread */
    p->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int r = p->wake_fd < 0 ? -errno : sd_event_default(&p->event);
    if (r >= 0)
        r = sd_event_add_signal(p->event, NULL, SIGTERM, NULL, NULL);
    if (r >= 0)
        r = sd_event_add_signal(p->event, NULL, SIGINT, NULL, NULL);
    if (r >= 0)
        r = sd_event_add_io(p->event, NULL, p->wake_fd, EPOLLIN, on_wake, p);
    if (r >= 0 && (r = synth_new(&p->ctl, p->wake_fd, &p->synth, fail)) < 0)
        return r;
    if (r >= 0) {
        what = "reach the session bus; is DBUS_SESSION_BUS_ADDRESS set?";
        r = sd_bus_open_user(&p->bus);
    }
    if (r >= 0)
        r = sd_bus_set_exit_on_disconnect(p->bus, true);
    if (r >= 0)
        r = sd_bus_attach_event(p->bus, p->event, 0);
    if (r >= 0)
        r = sd_bus_add_object_vtable(p->bus, NULL, BUS_PATH, INTERFACE, vtable, p);
    if (r >= 0) {
        what = "take the name " BUS_NAME "; another provider may have it";
        r = sd_bus_request_name(p->bus, BUS_NAME, 0);
    }
    if (r >= 0 && p->idle_s > 0)
        r = sd_event_add_time_relative(p->event, &p->idle, CLOCK_MONOTONIC,
                                       (uint64_t) (p->idle_s * 1e6), 0, on_idle, p);
    return r < 0 ? fail_set(fail, FAIL_UNAVAILABLE, r, "cannot %s (%s)", what, strerror(-r)) : 0;
}

static void clean_up(struct provider *p)
{
    while (p->streams)
        end_stream(p->streams);
    synth_free(p->synth);
    sd_bus_flush_close_unref(p->bus);
    sd_event_source_unref(p->idle);
    sd_event_unref(p->event);
    if (p->wake_fd >= 0)
        close(p->wake_fd);
}

static void print_help(const struct arg *args, size_t n)
{
    printf(tr("usage: brailled-spiel [OPTION...]\n\n"
              "The voices of brailled for programs that speak through Spiel (libspiel): the "
              "interface\n%s\nwith the name %s on the\n"
              "session bus, which starts it when it is called.\n\n"),
           INTERFACE, BUS_NAME);
    args_print(args, n);
}

int main(int argc, char **argv)
{
    struct provider p = {.idle_s = 600, .wake_fd = -1, .ctl = {.quiet = true, .local = true}};
    const struct arg args[] = {
        {"device", 0, ARG_STRING, "NAME", N_("Vulkan device, index or part of its name"),
         &p.ctl.device},
        {"models", 0, ARG_STRING, "DIR", N_("folder of the weights"), &p.ctl.models},
        {"idle-timeout", 0, ARG_NUMBER, "S", N_("leave after so long without work (600; 0 stays)"),
         &p.idle_s, 0, 1e6},
        {"help", 'h', ARG_FLAG, NULL, N_("this text"), &p.ctl.help},
        {"version", 0, ARG_FLAG, NULL, N_("the version"), &p.ctl.version},
    };
    struct fail fail = {0};
    int first;

    tr_open();
    int r = args_parse(args, ELEMENTSOF(args), argc, argv, true, &first, &fail);
    if (r >= 0 && first < argc)
        r = fail_set(&fail, FAIL_USAGE, -EINVAL, "'%s' is no option; see --help", argv[first]);
    if (r >= 0 && (p.ctl.help || p.ctl.version)) {
        if (p.ctl.help)
            print_help(args, ELEMENTSOF(args));
        else
            printf("brailled-spiel %s\n", BRAILLED_VERSION);
        return 0;
    }
    signal(SIGPIPE, SIG_IGN);
    if (r >= 0)
        r = set_up(&p, &fail);
    if (r >= 0 && (r = sd_event_loop(p.event)) < 0)
        fail_set(&fail, FAIL_OTHER, r, "the event loop failed (%s)", strerror(-r));
    clean_up(&p);
    if (r >= 0)
        return 0;
    fprintf(stderr, "brailled-spiel: %s\n", fail.text);
    return fail.kind;
}
