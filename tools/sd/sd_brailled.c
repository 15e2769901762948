/* SPDX-License-Identifier: Apache-2.0
 *
 * sd_brailled: the output module of speech-dispatcher, which Orca speaks through. The server starts
 * it and talks to it on standard input and output.
 */

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/tr.h"
#include "tools/sd/protocol.h"
#include "tools/sd/settings.h"
#include "tools/sd/speaker.h"
#include "tools/sd/text.h"

enum { MAX_TEXT_BYTES = 32 << 20, VERBOSE_LEVEL = 4 };

struct module {
    struct sd_config config;
    struct sd_settings settings;
    struct sd_in in;
    struct sd_out out;
    struct sd_speaker *speaker; ///< NULL until INIT
    FILE *debug;                ///< NULL: no DEBUG
    int log_level;
};

static void debug_line(struct module *m, const char *what, const char *text)
{
    if (!m->debug)
        return;
    fprintf(m->debug, "%s %s\n", what, text);
    fflush(m->debug);
}

static int answer(struct module *m, const char *text)
{
    debug_line(m, "->", text);
    return sd_out_text(&m->out, "%s\n", text);
}

/* The next line as a string: what stands behind a NUL is left out. *ret: owned. */
static int next_line(struct module *m, char **ret)
{
    size_t n;
    int r = sd_in_line(&m->in, ret, &n);

    if (r <= 0)
        return r;
    *ret = strndup(*ret, n);
    if (!*ret)
        return -ENOMEM;
    debug_line(m, "<-", *ret);
    return 1;
}

/* ---- SET, AUDIO, LOGLEVEL: lines of name=value up to a dot ---- */

typedef int (*set_fn)(struct module *m, const char *name, const char *value);

static int set_setting(struct module *m, const char *name, const char *value)
{
    return sd_settings_set(&m->settings, name, value);
}

/* Sound goes to the server, whatever else it could be asked for here; a server that cannot take it
 * gets an error that it shows. */
static int set_audio(struct module *m, const char *name, const char *value)
{
    return strcmp(name, "audio_output_method") == 0 && strcmp(value, "server") == 0 ? 0 : -EINVAL;
}

static int set_log_level(struct module *m, const char *name, const char *value)
{
    m->log_level = strcmp(name, "log_level") == 0 ? atoi(value) : m->log_level;
    return 0;
}

static int take_lines(struct module *m, const char *receiving, const char *done, set_fn set)
{
    const char *wrong = NULL;
    int r = answer(m, receiving);

    while (r >= 0) {
        CLEANUP_FREE char *line = NULL;
        r = next_line(m, &line);
        if (r <= 0)
            return r < 0 ? r : -EPIPE;
        if (strcmp(line, ".") == 0)
            return answer(m, wrong ? wrong : done);
        char *value = strchr(line, '=');
        if (!value) {
            wrong = "302 ERROR BAD SYNTAX";
            continue;
        }
        *value++ = '\0';
        if (set(m, line, value) < 0)
            wrong = "303 ERROR INVALID PARAMETER OR VALUE";
    }
    return r;
}

/* ---- SPEAK, CHAR, KEY, SOUND_ICON: text up to a dot ---- */

struct text {
    char *data; ///< owned
    size_t n, room;
    bool too_long;
};

static int add_text(struct text *t, const char *line, size_t n)
{
    if (t->n + n + 1 > MAX_TEXT_BYTES) {
        t->too_long = true;
        return 0;
    }
    if (t->n + n + 1 > t->room) {
        char *more = realloc(t->data, 2 * (t->n + n + 1));
        if (!more)
            return -ENOMEM;
        t->data = more;
        t->room = 2 * (t->n + n + 1);
    }
    memcpy(t->data + t->n, line, n);
    t->n += n;
    t->data[t->n++] = '\n';
    return 0;
}

/* A line that begins with a dot got another one before it. */
static int take_text(struct module *m, struct text *t)
{
    size_t n;
    char *line;
    int r = answer(m, "202 OK RECEIVING MESSAGE");

    while (r >= 0) {
        r = sd_in_line(&m->in, &line, &n);
        if (r <= 0)
            return r < 0 ? r : -EPIPE;
        if (n == 1 && line[0] == '.')
            break;
        r = add_text(t, line + (n > 0 && line[0] == '.'), n - (n > 0 && line[0] == '.'));
    }
    t->n -= t->n > 0; /* the line end before the dot */
    if (m->debug)
        fprintf(m->debug, "<- %zu bytes of text\n", t->n);
    return r < 0 ? r : 0;
}

/* The file of a sound icon that the server can play, owned; NULL: there is none. */
static char *find_icon(const struct module *m, const char *name, size_t n)
{
    char *path = NULL;

    if (n == 0 || memchr(name, '/', n) || memchr(name, '\n', n) || memchr(name, 0, n) ||
        asprintf(&path, "%s/%.*s", m->config.icons, (int) MIN(n, (size_t) 255), name) < 0)
        return NULL;
    if (access(path, R_OK) == 0)
        return path;
    free(path);
    return NULL;
}

static int make_message(struct module *m, enum sd_kind kind, const struct text *t,
                        struct sd_message *ret)
{
    size_t n;
    const struct engine_voice *voices = sd_speaker_voices(m->speaker, &n);

    ret->params = sd_settings_params(&m->settings, &m->config, voices, n);
    if (kind == SD_ICON)
        ret->icon = find_icon(m, t->n > 0 ? t->data : "", t->n);
    return sd_text_ssml(kind, t->n > 0 ? t->data : "", t->n, &m->settings, &ret->ssml);
}

static int speak(struct module *m, enum sd_kind kind)
{
    struct text t = {0};
    struct sd_message message = {0};
    int r = take_text(m, &t);

    if (r >= 0 && (t.too_long || !m->speaker || sd_speaker_ready(m->speaker) < 0)) {
        r = answer(m, "301 ERROR CANT SPEAK");
    } else if (r >= 0 && make_message(m, kind, &t, &message) < 0) {
        r = answer(m, "402 ERROR OUT OF MEMORY");
    } else if (r >= 0) {
        r = answer(m, "200 OK SPEAKING");
        sd_speaker_say(m->speaker, &message);
    }
    free(t.data);
    return r;
}

/* ---- the other commands ---- */

static int init(struct module *m)
{
    struct fail fail = {0};
    bool daemon;

    if (m->speaker)
        return answer(m, "399-sd_brailled was initialised before\n399 ERR CANT INIT MODULE");
    if (sd_speaker_new(&m->config, &m->out, &m->speaker, &fail) < 0)
        return sd_out_text(&m->out, "399-%s\n399 ERR CANT INIT MODULE\n", fail.text);
    const char *device = sd_speaker_device(m->speaker, &daemon);
    return sd_out_text(&m->out, "299-brailled %s: %s%s\n299 OK LOADED SUCCESSFULLY\n",
                       BRAILLED_VERSION, device, daemon ? ", through brailled" : "");
}

static int list_voices(struct module *m)
{
    size_t n = 0, n_female = 0, n_male = 0, size = 0;
    const struct engine_voice *voices = m->speaker ? sd_speaker_voices(m->speaker, &n) : NULL;
    CLEANUP_FREE char *list = NULL;
    FILE *f = n > 0 ? open_memstream(&list, &size) : NULL;

    if (!f)
        return answer(m, "304 CANT LIST VOICES");
    for (size_t i = 0; i < n; i++) {
        const bool female = strcmp(voices[i].gender, "female") == 0;
        fprintf(f, "200-%s\t%s\t", voices[i].name, voices[i].language);
        if (voices[i].gender[0])
            fprintf(f, "%s%zu\n", female ? "female" : "male", female ? ++n_female : ++n_male);
        else
            fprintf(f, "none\n");
    }
    if (fclose(f) != 0)
        return answer(m, "304 CANT LIST VOICES");
    return sd_out_text(&m->out, "%s200 OK VOICE LIST SENT\n", list);
}

static int debug(struct module *m, char *words)
{
    char *rest = NULL, *how = strtok_r(words, " ", &rest), *path = strtok_r(NULL, " ", &rest);

    if (!how || (strcmp(how, "ON") != 0 && strcmp(how, "OFF") != 0) ||
        (strcmp(how, "ON") == 0 && !path))
        return answer(m, "302 ERROR BAD SYNTAX");
    if (m->debug)
        fclose(m->debug);
    m->debug = strcmp(how, "ON") == 0 ? fopen(path, "ae") : NULL;
    if (strcmp(how, "ON") == 0 && !m->debug)
        return answer(m, "303 CANT OPEN CUSTOM DEBUG FILE");
    return answer(m, m->debug ? "200 OK DEBUGGING ON" : "200 OK DEBUGGING OFF");
}

/* 1: go on; 0: the end. */
static int command(struct module *m, char *line)
{
    static const struct {
        const char *name;
        enum sd_kind kind;
    } texts[] = {{"SPEAK", SD_TEXT}, {"CHAR", SD_CHAR}, {"KEY", SD_KEY}, {"SOUND_ICON", SD_ICON}};
    int r = 0;

    for (size_t i = 0; i < ELEMENTSOF(texts); i++)
        if (strcmp(line, texts[i].name) == 0)
            return speak(m, texts[i].kind) < 0 ? -EPIPE : 1;
    if (strcmp(line, "STOP") == 0 || strcmp(line, "PAUSE") == 0) { /* no answer */
        if (m->speaker)
            (line[0] == 'S' ? sd_speaker_stop : sd_speaker_pause)(m->speaker);
    } else if (strcmp(line, "SET") == 0) {
        r = take_lines(m, "203 OK RECEIVING SETTINGS", "203 OK SETTINGS RECEIVED", set_setting);
    } else if (strcmp(line, "INIT") == 0) {
        r = init(m);
    } else if (strcmp(line, "AUDIO") == 0) {
        r = take_lines(m, "207 OK RECEIVING AUDIO SETTINGS", "203 OK AUDIO INITIALIZED", set_audio);
    } else if (strcmp(line, "LOGLEVEL") == 0) {
        r = take_lines(m, "207 OK RECEIVING LOGLEVEL SETTINGS", "203 OK LOGLEVEL SET",
                       set_log_level);
        if (m->speaker)
            sd_speaker_set_verbose(m->speaker, m->log_level >= VERBOSE_LEVEL);
    } else if (strcmp(line, "LIST VOICES") == 0) {
        r = list_voices(m);
    } else if (strncmp(line, "DEBUG", 5) == 0) {
        r = debug(m, line + 5);
    } else if (strcmp(line, "QUIT") == 0) {
        answer(m, "210 OK QUIT");
        return 0;
    } else {
        r = answer(m, "300 ERR UNKNOWN COMMAND");
    }
    return r < 0 ? r : 1;
}

/* Commands until QUIT or until the server is gone; both end well. */
static void serve(struct module *m)
{
    int r = 1;

    while (r > 0) {
        CLEANUP_FREE char *line = NULL;
        struct pollfd in = {.fd = m->in.fd, .events = POLLIN};
        if (!sd_in_has_line(&m->in)) {
            const bool stopping = m->speaker && sd_speaker_nudge(m->speaker);
            if (poll(&in, 1, stopping ? SD_NUDGE_MS : -1) <= 0)
                continue;
        }
        r = next_line(m, &line);
        if (r > 0)
            r = command(m, line);
    }
}

static int help(void)
{
    fputs(
        tr("usage: sd_brailled [CONFIGURATION]\n"
           "\n"
           "The voice of brailled for speech-dispatcher, and with it for Orca and spd-say. It is\n"
           "started by speech-dispatcher, which finds it in its folder of modules; to choose it:\n"
           "  spd-say -o brailled -l zh-CN 你好\n"
           "In ~/.config/speech-dispatcher/speechd.conf, where modules are listed by hand:\n"
           "  AddModule \"brailled\" \"sd_brailled\" \"brailled.conf\"\n"
           "  LanguageDefaultModule \"zh\" \"brailled\"\n"
           "  DefaultModule brailled\n"
           "\n"
           "CONFIGURATION is a file of lines like these (the values are the defaults):\n"
           "  BrailledVoice \"\"          a voice's name, for whoever asks for none by name\n"
           "  BrailledDevice \"\"         index or a part of the name of the Vulkan device\n"
           "  BrailledModels \"\"         folder of the weights\n"
           "  BrailledUseDaemon no      yes: speak through brailled where one can be reached\n"
           "  BrailledWarm yes          no: load the voice only when something is to be said\n"
           "  BrailledRate 1            0.5 to 4, times the rate that is asked for\n"
           "  BrailledPitch 1           0.5 to 2\n"
           "  BrailledVolume 1          0 to 4\n"
           "  BrailledSoundIcons \"/usr/share/sounds/sound-icons\"\n"
           "\n"
           "  -h, --help     this text\n"
           "  --version      the version\n"),
        stdout);
    return 0;
}

int main(int argc, char **argv)
{
    struct module m = {
        .config = SD_CONFIG_INIT, .settings = SD_SETTINGS_INIT, .in = {.fd = STDIN_FILENO}};
    struct fail fail = {0};

    tr_open();
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
        return help();
    if (argc > 1 && strcmp(argv[1], "--version") == 0)
        return printf("sd_brailled %s\n", BRAILLED_VERSION) < 0;
    if (argc > 2 || (argc > 1 && argv[1][0] == '-')) {
        fputs(tr("sd_brailled: give one configuration file or none; see --help\n"), stderr);
        return FAIL_USAGE;
    }
    signal(SIGPIPE, SIG_IGN);
    if (argc > 1 && sd_config_read(&m.config, argv[1], &fail) < 0)
        fprintf(stderr, "sd_brailled: %s; going on without it\n", fail.text);
    if (sd_out_init(&m.out, STDOUT_FILENO) < 0) {
        fputs("sd_brailled: no more files can be opened\n", stderr);
        return FAIL_OTHER;
    }
    serve(&m);
    sd_speaker_free(m.speaker);
    sd_out_done(&m.out);
    sd_in_done(&m.in);
    if (m.debug)
        fclose(m.debug);
    return 0;
}
