/* SPDX-License-Identifier: Apache-2.0
 *
 * A client of brailled on the bus of tests/bus/with-bus.sh. test-bus CASE PAGE
 */

#include "../unit/test.h"

#include "base/macro.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <sndfile.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>
#include <time.h>
#include <unistd.h>

#define NAME "org.brailled.Brailled1"
#define PATH "/org/brailled/Brailled1"
#define MANAGER "org.brailled.Brailled1.Manager"
#define ERROR "org.brailled.Brailled1.Error."
#define RAW "audio/x-raw,format=S16LE,channels=1,rate=16000"
#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL)

static const char *page_path;

static sd_bus *open_bus(void)
{
    sd_bus *bus = NULL;
    REQUIRE(sd_bus_open_user(&bus) >= 0);
    return bus;
}

static int open_page(void)
{
    int fd = open(page_path, O_RDONLY | O_CLOEXEC);
    REQUIRE(fd >= 0);
    return fd;
}

static double now_s(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double) ts.tv_sec + (double) ts.tv_nsec * 1e-9;
}

/* One key of a{sv} at the message's place: its type is checked; strings and numbers only. */
static bool find_key(sd_bus_message *m, const char *key, const char *type)
{
    const char *name, *contents;
    char t;

    REQUIRE(sd_bus_message_enter_container(m, 'a', "{sv}") >= 0);
    while (sd_bus_message_enter_container(m, 'e', "sv") > 0) {
        REQUIRE(sd_bus_message_read(m, "s", &name) > 0);
        if (strcmp(name, key) == 0) {
            REQUIRE(sd_bus_message_peek_type(m, &t, &contents) > 0);
            REQUIRE(strcmp(contents, type) == 0);
            REQUIRE(sd_bus_message_enter_container(m, 'v', type) > 0);
            return true;
        }
        REQUIRE(sd_bus_message_skip(m, "v") >= 0);
        REQUIRE(sd_bus_message_exit_container(m) >= 0);
    }
    return false;
}

/* Go to a key of the result of Convert (`text` first) or Say. */
static bool result_key(sd_bus_message *m, bool convert, const char *key, const char *type)
{
    REQUIRE(sd_bus_message_rewind(m, true) >= 0);
    if (convert)
        REQUIRE(sd_bus_message_skip(m, "s") >= 0);
    return find_key(m, key, type);
}

static double result_double(sd_bus_message *m, bool convert, const char *key)
{
    double d = NAN;
    REQUIRE(result_key(m, convert, key, "d"));
    REQUIRE(sd_bus_message_read(m, "d", &d) > 0);
    return d;
}

static const char *result_string(sd_bus_message *m, bool convert, const char *key)
{
    const char *s = NULL;
    REQUIRE(result_key(m, convert, key, "s"));
    REQUIRE(sd_bus_message_read(m, "s", &s) > 0);
    return s;
}

static bool has_warning(sd_bus_message *m, bool convert, const char *warning)
{
    const char *s;
    bool found = false;
    REQUIRE(result_key(m, convert, "warnings", "as"));
    REQUIRE(sd_bus_message_enter_container(m, 'a', "s") > 0);
    while (sd_bus_message_read(m, "s", &s) > 0)
        found = found || strcmp(s, warning) == 0;
    return found;
}

static sd_bus_message *new_call(sd_bus *bus, const char *member)
{
    sd_bus_message *m = NULL;
    REQUIRE(sd_bus_message_new_method_call(bus, &m, NAME, PATH, MANAGER, member) >= 0);
    return m;
}

/* Call and want a reply. */
static sd_bus_message *call(sd_bus *bus, sd_bus_message *m /* taken */)
{
    sd_bus_message *reply = NULL;
    sd_bus_error error = SD_BUS_ERROR_NULL;
    int r = sd_bus_call(bus, m, UINT64_MAX, &error, &reply);
    if (r < 0)
        fprintf(stderr, "%s: %s\n", error.name, error.message);
    REQUIRE(r >= 0);
    sd_bus_message_unref(m);
    return reply;
}

/* Call and want this error of ours, with words. */
static void call_fails(sd_bus *bus, sd_bus_message *m /* taken */, const char *name)
{
    sd_bus_error error = SD_BUS_ERROR_NULL;
    int r = sd_bus_call(bus, m, UINT64_MAX, &error, NULL);
    REQUIRE(r < 0);
    fprintf(stderr, "%s: %s\n", error.name, error.message);
    REQUIRE(strncmp(error.name, ERROR, strlen(ERROR)) == 0);
    REQUIRE(strcmp(error.name + strlen(ERROR), name) == 0);
    REQUIRE(error.message && strlen(error.message) > 10);
    sd_bus_error_free(&error);
    sd_bus_message_unref(m);
}

/* Seconds of a WAV behind a descriptor. */
static double wav_seconds(int fd)
{
    SF_INFO info = {0};
    SNDFILE *s = sf_open_fd(fd, SFM_READ, &info, SF_FALSE);
    float block[1600];
    double sum = 0;

    REQUIRE(s);
    REQUIRE(info.format == (SF_FORMAT_WAV | SF_FORMAT_PCM_16));
    REQUIRE(info.samplerate == 16000 && info.channels == 1);
    for (sf_count_t n; (n = sf_readf_float(s, block, 1600)) > 0;)
        for (sf_count_t i = 0; i < n; i++)
            sum += (double) block[i] * block[i];
    REQUIRE(sum / (double) info.frames > 1e-5); /* not silence */
    sf_close(s);
    return (double) info.frames / info.samplerate;
}

static sd_bus_message *convert_call(sd_bus *bus, int fd)
{
    sd_bus_message *m = new_call(bus, "Convert");
    REQUIRE(sd_bus_message_append(m, "h", fd) >= 0);
    return m;
}

static uint32_t result_uint(sd_bus_message *reply, const char *key)
{
    uint32_t value = 0;
    REQUIRE(result_key(reply, true, key, "u"));
    REQUIRE(sd_bus_message_read(reply, "u", &value) > 0);
    return value;
}

/* One side after the other, and both at once: the same cells, a form feed between them. */
static void convert_sides(sd_bus *bus)
{
    char *cells[4] = {NULL};

    for (uint32_t sides = 1; sides <= 3; sides++) {
        const char *text;
        int page = open_page();
        sd_bus_message *m = convert_call(bus, page);
        REQUIRE(sd_bus_message_append(m, "a{sv}", 3, "outputs", "as", 1, "cells", "sides", "u",
                                      sides, "mirrored", "u", sides % 2) >= 0);
        sd_bus_message *reply = call(bus, m);
        REQUIRE(sd_bus_message_read(reply, "s", &text) > 0 && *text);
        REQUIRE((cells[sides] = strdup(result_string(reply, true, "cells"))));
        REQUIRE(result_uint(reply, "sides") == sides && result_uint(reply, "mirrored") == 1);
        REQUIRE(result_uint(reply, "orientation") == 1);
        REQUIRE(!has_warning(reply, true, "no-text:recto"));
        sd_bus_message_unref(reply);
        close(page);
    }
    REQUIRE(asprintf(&cells[0], "%s\f%s", cells[1], cells[2]) > 0);
    REQUIRE(strcmp(cells[0], cells[3]) == 0);
    for (unsigned i = 0; i < 4; i++)
        free(cells[i]);
}

static void case_convert(void)
{
    sd_bus *bus = open_bus();
    int page = open_page(), fd = -1;
    char byte = 0;

    REQUIRE(lseek(page, 100, SEEK_SET) == 100); /* the daemon reads from the beginning */
    sd_bus_message *m = convert_call(bus, page);
    REQUIRE(sd_bus_message_append(m, "a{sv}", 3, "outputs", "as", 4, "audio", "cells", "brf",
                                  "pinyin", "colour", "s", "red", "rate", "d", 1.5) >= 0);
    sd_bus_message *reply = call(bus, m);
    const char *text;
    REQUIRE(sd_bus_message_read(reply, "s", &text) > 0);
    REQUIRE(strlen(text) > 20);
    REQUIRE(lseek(page, 0, SEEK_CUR) == 100);

    double seconds = result_double(reply, true, "audio-duration");
    REQUIRE(result_key(reply, true, "audio", "h"));
    REQUIRE(sd_bus_message_read(reply, "h", &fd) > 0);
    REQUIRE(fcntl(fd, F_GET_SEALS) == SEALS);
    REQUIRE(write(fd, &byte, 1) < 0);
    REQUIRE(mmap(NULL, 1, PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
    REQUIRE(fabs(wav_seconds(fd) - seconds) < 0.001 && seconds > 1);

    REQUIRE(strlen(result_string(reply, true, "pinyin")) > 20);
    const char *cells = result_string(reply, true, "cells");
    REQUIRE(strncmp(cells, "\xE2\xA0", 2) == 0);
    size_t n_cells = 0, n_lines = 1;
    for (const char *s = cells; *s; s++) {
        n_cells += (*s & 0xC0) == 0x80;
        n_lines += *s == '\n';
    }
    const char *brf = result_string(reply, true, "brf");
    REQUIRE(strlen(brf) == n_cells / 2 + n_lines - 1); /* two bytes of a cell's three go on */
    for (const char *s = brf; *s; s++)
        REQUIRE(*s == '\n' || (*s >= 0x20 && *s < 0x60));

    double p = result_double(reply, true, "confidence");
    REQUIRE(p > 0.5 && p <= 1.0001);
    REQUIRE(*result_string(reply, true, "device"));
    REQUIRE(strcmp(result_string(reply, true, "braille-code"), "zh-current") == 0);
    REQUIRE(result_double(reply, true, "braille-code-confidence") > 0.99);
    REQUIRE(strcmp(result_string(reply, true, "audio-format"), "audio/x-wav") == 0);
    REQUIRE(has_warning(reply, true, "unknown-option:colour"));
    REQUIRE(!has_warning(reply, true, "unknown-option:rate"));

    uint64_t start, end, last = 0;
    uint32_t index, line, want = 0;
    const char *hanzi, *pinyin;
    REQUIRE(result_key(reply, true, "segments", "a(uussttd)"));
    REQUIRE(sd_bus_message_enter_container(reply, 'a', "(uussttd)") > 0);
    while (sd_bus_message_read(reply, "(uussttd)", &index, &line, &hanzi, &pinyin, &start, &end,
                               &p) > 0) {
        REQUIRE(index == want++ && start == last && end > start && *pinyin);
        last = end;
    }
    REQUIRE(want > 0 && fabs((double) last * 1e-6 - seconds) < 0.001);

    sd_bus_message_unref(reply);
    close(page);

    page = open_page(); /* the code that was asked for holds */
    m = convert_call(bus, page);
    REQUIRE(sd_bus_message_append(m, "a{sv}", 2, "outputs", "as", 1, "pinyin", "braille-code", "s",
                                  "zh-two-cell") >= 0);
    reply = call(bus, m);
    REQUIRE(sd_bus_message_read(reply, "s", &text) > 0);
    REQUIRE(strcmp(result_string(reply, true, "braille-code"), "zh-two-cell") == 0);
    REQUIRE(result_double(reply, true, "braille-code-confidence") == 1);
    sd_bus_message_unref(reply);
    close(page);
    convert_sides(bus);
    sd_bus_flush_close_unref(bus);
}

static void say_with_wrong_options(sd_bus *bus)
{
    static const struct {
        const char *key, *s;
        double d;
    } wrong[] = {
        {"input", "morse", 0}, {"input", NULL, 1},    {"voice", "", 0},      {"voice", "nobody", 0},
        {"volume", NULL, -1},  {"volume", NULL, NAN}, {"volume", "loud", 0},
    };
    for (size_t i = 0; i < ELEMENTSOF(wrong); i++) {
        sd_bus_message *m = new_call(bus, "Say");
        REQUIRE(sd_bus_message_append(m, "s", "hao3") >= 0);
        if (wrong[i].s)
            REQUIRE(sd_bus_message_append(m, "a{sv}", 1, wrong[i].key, "s", wrong[i].s) >= 0);
        else
            REQUIRE(sd_bus_message_append(m, "a{sv}", 1, wrong[i].key, "d", wrong[i].d) >= 0);
        call_fails(bus, m, "InvalidOption");
    }
}

/* Who is there can be asked for by name; how loud says nothing of how long. */
static void say_with_options(sd_bus *bus)
{
    const char *name, *language, *gender, *title;
    sd_bus_message *voices = call(bus, new_call(bus, "ListVoices"));
    double plain = 0;

    REQUIRE(sd_bus_message_enter_container(voices, 'a', "(ssss)") > 0);
    REQUIRE(sd_bus_message_read(voices, "(ssss)", &name, &language, &gender, &title) > 0);
    REQUIRE(*name && strcmp(language, "zh-CN") == 0 && *title);
    REQUIRE(strcmp(gender, "female") == 0 || strcmp(gender, "male") == 0);
    for (unsigned i = 0; i < 2; i++) {
        sd_bus_message *m = new_call(bus, "Say");
        REQUIRE(sd_bus_message_append(m, "sa{sv}", "ni3hao3。", 3, "voice", "s", name, "input", "s",
                                      "pinyin", "volume", "d", i ? 0.5 : 1) >= 0);
        sd_bus_message *reply = call(bus, m);
        const double s = result_double(reply, false, "audio-duration");
        REQUIRE(s > 0.2 && (i == 0 || s == plain));
        REQUIRE(!result_key(reply, false, "unsaid", "s"));
        plain = s;
        sd_bus_message_unref(reply);
    }
    sd_bus_message_unref(voices);
}

/* Every way to hand in something wrong; afterwards the daemon still works. */
static void case_errors(void)
{
    sd_bus *bus = open_bus();
    int fd[2], devnull = open("/dev/null", O_RDWR | O_CLOEXEC);
    int folder = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int by_path = open(page_path, O_PATH | O_CLOEXEC);
    int empty = memfd_create("empty", MFD_CLOEXEC), junk = memfd_create("junk", MFD_CLOEXEC);

    REQUIRE(devnull >= 0 && folder >= 0 && by_path >= 0 && empty >= 0 && junk >= 0);
    REQUIRE(write(junk, "\x89PNG\r\n\x1a\nrubbish", 15) == 15);
    REQUIRE(pipe2(fd, O_CLOEXEC) == 0);
    const int bad[] = {devnull, folder, by_path, fd[1], empty, junk};
    for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
        sd_bus_message *m = convert_call(bus, bad[i]);
        REQUIRE(sd_bus_message_append(m, "a{sv}", 0) >= 0);
        call_fails(bus, m, "InvalidInput");
    }
    int large = memfd_create("large", MFD_CLOEXEC);
    REQUIRE(large >= 0 && ftruncate(large, (off_t) 300 << 20) == 0);
    sd_bus_message *m = convert_call(bus, large);
    REQUIRE(sd_bus_message_append(m, "a{sv}", 0) >= 0);
    call_fails(bus, m, "InvalidInput");

    static const char grey_pgm[] = "P5 600 800 255\n";
    static uint8_t white[600 * 800];
    int blank = memfd_create("blank", MFD_CLOEXEC);
    memset(white, 250, sizeof(white));
    REQUIRE(write(blank, grey_pgm, strlen(grey_pgm)) > 0);
    REQUIRE(write(blank, white, sizeof(white)) == sizeof(white));
    m = convert_call(bus, blank);
    REQUIRE(sd_bus_message_append(m, "a{sv}", 0) >= 0);
    call_fails(bus, m, "NoBraille");

    static const struct {
        const char *key, *type;
        double d;
        const char *s;
    } wrong[] = {
        {"rate", "d", 0.01, NULL},
        {"rate", "d", 0.3, NULL},
        {"rate", "d", NAN, NULL},
        {"pitch", "d", 100, NULL},
        {"dpi", "d", -1, NULL},
        {"rate", "s", 0, "fast"},
        {"orientation", "s", 0, "up"},
        {"braille-code", "s", 0, "zh-morse"},
        {"audio-format", "s", 0, "audio/mpeg"},
    };
    for (size_t i = 0; i < ELEMENTSOF(wrong); i++) {
        int page = open_page();
        m = convert_call(bus, page);
        REQUIRE(sd_bus_message_open_container(m, 'a', "{sv}") >= 0);
        if (wrong[i].s)
            REQUIRE(sd_bus_message_append(m, "{sv}", wrong[i].key, "s", wrong[i].s) >= 0);
        else
            REQUIRE(sd_bus_message_append(m, "{sv}", wrong[i].key, "d", wrong[i].d) >= 0);
        REQUIRE(sd_bus_message_close_container(m) >= 0);
        call_fails(bus, m, "InvalidOption");
        close(page);
    }
    for (unsigned i = 0; i < 2; i++) {
        int page = open_page();
        m = convert_call(bus, page);
        REQUIRE(sd_bus_message_append(m, "a{sv}", 1, i ? "mirrored" : "sides", "u", 4 - i) >= 0);
        call_fails(bus, m, "InvalidOption");
        close(page);
    }
    m = new_call(bus, "Say");
    REQUIRE(sd_bus_message_append(m, "sa{sv}", "hao3", 2, "audio-fd", "h", fd[1], "audio-format",
                                  "s", "audio/flac") >= 0);
    call_fails(bus, m, "InvalidOption");
    m = new_call(bus, "Say"); /* the read end */
    REQUIRE(sd_bus_message_append(m, "sa{sv}", "hao3", 1, "audio-fd", "h", fd[0]) >= 0);
    call_fails(bus, m, "InvalidOption");
    m = new_call(bus, "Say");
    REQUIRE(sd_bus_message_append(m, "sa{sv}", "hao3 xyz9 \xE5\xA5\xBD", 0) >= 0);
    call_fails(bus, m, "InvalidInput");
    say_with_wrong_options(bus);
    say_with_options(bus);
    m = new_call(bus, "Say");
    REQUIRE(sd_bus_message_append(m, "sa{sv}", "。", 0) >= 0);
    sd_bus_message *reply = call(bus, m);
    REQUIRE(has_warning(reply, false, "nothing-to-say"));
    REQUIRE(!result_key(reply, false, "audio", "h"));
    sd_bus_message_unref(reply);

    m = new_call(bus, "Say");
    REQUIRE(sd_bus_message_append(m, "sa{sv}", "hao3", 0) >= 0);
    reply = call(bus, m);
    REQUIRE(!has_warning(reply, false, "nothing-to-say"));
    REQUIRE(result_key(reply, false, "audio", "h"));
    sd_bus_message_unref(reply);
    sd_bus_flush_close_unref(bus);
}

/* A picture through a pipe, and sound through another while it is made. */
static void case_pipes(void)
{
    sd_bus *bus = open_bus();
    int in[2], out[2], page = open_page();
    static uint8_t data[8 << 20];
    struct stat st;

    REQUIRE(fstat(page, &st) == 0 && (size_t) st.st_size < sizeof(data));
    REQUIRE(read(page, data, sizeof(data)) == st.st_size);
    REQUIRE(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0);
    pid_t pid = fork();
    REQUIRE(pid >= 0);
    if (pid == 0) { /* feeds the page */
        size_t done = 0;
        close(in[0]);
        while (done < (size_t) st.st_size) {
            ssize_t n = write(in[1], data + done, MIN((size_t) st.st_size - done, (size_t) 5000));
            if (n < 0)
                _exit(1);
            done += (size_t) n;
        }
        _exit(0);
    }
    close(in[1]);
    pid = fork();
    REQUIRE(pid >= 0);
    if (pid == 0) { /* listens slowly at first, and counts */
        uint8_t block[4096];
        size_t size = 0;
        close(out[1]);
        sleep(1);
        for (ssize_t n; (n = read(out[0], block, sizeof(block))) > 0; size += (size_t) n)
            if (size == 0 && memcmp(block, "RIFF", 4) != 0)
                _exit(255);
        _exit((int) (size / 32000)); /* whole seconds */
    }
    close(out[0]);
    sd_bus_message *m = convert_call(bus, in[0]);
    close(in[0]);
    REQUIRE(sd_bus_message_append(m, "a{sv}", 1, "audio-fd", "h", out[1]) >= 0);
    close(out[1]);
    sd_bus_message *reply = call(bus, m);
    double seconds = result_double(reply, true, "audio-duration");
    REQUIRE(!result_key(reply, true, "audio", "h"));
    int status;
    REQUIRE(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
    REQUIRE(WEXITSTATUS(status) == (int) seconds || WEXITSTATUS(status) == (int) (seconds + 0.01));
    sd_bus_message_unref(reply);
    sd_bus_flush_close_unref(bus);
}

static unsigned queue_length(sd_bus *bus)
{
    unsigned n = 0;
    REQUIRE(sd_bus_get_property_trivial(bus, NAME, PATH, MANAGER, "QueueLength", NULL, 'u', &n) >=
            0);
    return n;
}

/* Hours of speech: no device is through with it before the test is. */
static char *long_text(void)
{
    enum { SENTENCES = 2000 };
    static const char sentence[] = "jin1tian1 tian1qi4 hen3 hao3，wo3men5 yi4qi3 qu4 gong1yuan2。";
    char *text = malloc(SENTENCES * sizeof(sentence)), *at = text;
    REQUIRE(text);
    for (int i = 0; i < SENTENCES; i++)
        at = stpcpy(at, sentence);
    return text;
}

static int on_any_reply(sd_bus_message *m, void *userdata, sd_bus_error *unused)
{
    const sd_bus_error *e = sd_bus_message_get_error(m);
    char **answer = userdata;
    *answer = strdup(e ? e->name : "");
    REQUIRE(*answer);
    return 0;
}

static void say_async(sd_bus *bus, const char *text, char **answer)
{
    sd_bus_message *m = new_call(bus, "Say");
    REQUIRE(sd_bus_message_append(m, "sa{sv}", text, 0) >= 0);
    REQUIRE(sd_bus_call_async(bus, NULL, m, on_any_reply, answer, UINT64_MAX) >= 0);
    sd_bus_message_unref(m);
    REQUIRE(sd_bus_flush(bus) >= 0);
}

static void wait_for_jobs(sd_bus *bus, unsigned n)
{
    double end = now_s() + 60;
    while (queue_length(bus) != n) {
        REQUIRE(now_s() < end);
        usleep(50 * 1000);
    }
}

/* Someone who takes no sound holds up nobody, and may still leave while the pipe is full. */
static void listener_leaves(sd_bus *bus)
{
    CLEANUP_FREE char *answer = NULL;
    int fd[2];

    REQUIRE(pipe2(fd, O_CLOEXEC) == 0);
    REQUIRE(fcntl(fd[1], F_SETPIPE_SZ, 4096) >= 0);
    sd_bus_message *m = new_call(bus, "Say");
    REQUIRE(sd_bus_message_append(m, "sa{sv}", "hao3", 1, "audio-fd", "h", fd[1]) >= 0);
    REQUIRE(sd_bus_call_async(bus, NULL, m, on_any_reply, &answer, UINT64_MAX) >= 0);
    sd_bus_message_unref(m);
    wait_for_jobs(bus, 1);
    REQUIRE(fcntl(fd[1], F_SETFL, 0) == 0); /* and lets writes wait, for the daemon as well */
    m = new_call(bus, "Say");
    REQUIRE(sd_bus_message_append(m, "sa{sv}", "ni3hao3。", 0) >= 0);
    sd_bus_message_unref(call(bus, m));
    REQUIRE(queue_length(bus) == 1 && !answer);
    close(fd[1]);
    close(fd[0]);
    while (!answer) {
        REQUIRE(sd_bus_process(bus, NULL) >= 0);
        usleep(10 * 1000);
    }
    REQUIRE(strcmp(answer, ERROR "Cancelled") == 0);
    REQUIRE(queue_length(bus) == 0);
}

/* A caller that leaves frees the worker for others, long before its work would have ended. */
static void case_vanish(void)
{
    sd_bus *watcher = open_bus(), *caller = open_bus(), *waiting = open_bus();
    CLEANUP_FREE char *answer = NULL;
    char *text = long_text();

    say_async(caller, text, &answer);
    wait_for_jobs(watcher, 1);
    say_async(waiting, text, &answer);
    wait_for_jobs(watcher, 2);
    sd_bus_close(waiting); /* not begun yet: forgotten at once */
    wait_for_jobs(watcher, 1);
    sd_bus_close(caller);
    wait_for_jobs(watcher, 0);
    REQUIRE(!answer);

    /* the same when only the reader of the sound leaves */
    int fd[2];
    REQUIRE(pipe2(fd, O_CLOEXEC) == 0);
    sd_bus_message *m = new_call(watcher, "Say");
    REQUIRE(sd_bus_message_append(m, "sa{sv}", text, 1, "audio-fd", "h", fd[1]) >= 0);
    close(fd[1]);
    close(fd[0]);
    call_fails(watcher, m, "Cancelled");
    free(text);
    listener_leaves(watcher);
    sd_bus_unref(caller);
    sd_bus_unref(waiting);
    sd_bus_flush_close_unref(watcher);
}

/* Two callers at once both get theirs; more than the limit is told to come back. */
static void case_together(void)
{
    sd_bus *a = open_bus(), *b = open_bus();
    char *answers[64] = {0};
    unsigned limit = 0;

    say_async(a, "hao3", &answers[0]);
    say_async(b, "ni3hao3 shi4jie4。", &answers[1]);
    while (!answers[0] || !answers[1]) {
        REQUIRE(sd_bus_process(a, NULL) >= 0);
        REQUIRE(sd_bus_process(b, NULL) >= 0);
        usleep(10 * 1000);
    }
    REQUIRE(!*answers[0] && !*answers[1]);
    free(answers[0]);
    free(answers[1]);

    char *text = long_text();
    REQUIRE(sd_bus_get_property_trivial(a, NAME, PATH, MANAGER, "QueueLimit", NULL, 'u', &limit) >=
            0);
    REQUIRE(limit > 1 && limit < ELEMENTSOF(answers) - 2);
    /* four places for each caller */
    sd_bus *crowd[ELEMENTSOF(answers)] = {0};
    sd_bus_message *m;
    for (unsigned i = 0; i < limit; i++) {
        if (i % 4 == 0)
            crowd[i / 4] = open_bus();
        say_async(crowd[i / 4], text, &answers[2 + i]);
        wait_for_jobs(a, i + 1);
        if (i == 3) {
            m = new_call(crowd[0], "Say");
            REQUIRE(sd_bus_message_append(m, "sa{sv}", "hao3", 0) >= 0);
            call_fails(crowd[0], m, "Busy");
        }
    }
    m = new_call(a, "Say");
    REQUIRE(sd_bus_message_append(m, "sa{sv}", "hao3", 0) >= 0);
    call_fails(a, m, "Busy");
    for (unsigned i = 0; crowd[i]; i++) {
        sd_bus_close(crowd[i]);
        sd_bus_unref(crowd[i]);
    }
    wait_for_jobs(a, 0);
    free(text);
    sd_bus_flush_close_unref(b);
    sd_bus_flush_close_unref(a);
}

static bool has_owner(sd_bus *bus)
{
    return sd_bus_get_name_creds(bus, NAME, 0, NULL) >= 0;
}

/* 0 when nobody has the name. */
static pid_t daemon_pid(sd_bus *bus)
{
    sd_bus_creds *creds = NULL;
    pid_t pid = 0;
    if (sd_bus_get_name_creds(bus, NAME, SD_BUS_CREDS_PID, &creds) < 0)
        return 0;
    REQUIRE(sd_bus_creds_get_pid(creds, &pid) >= 0);
    sd_bus_creds_unref(creds);
    return pid;
}

static void wait_for_exit(sd_bus *bus, pid_t pid)
{
    double end = now_s() + 30;
    while (has_owner(bus) || kill(pid, 0) == 0) {
        REQUIRE(now_s() < end);
        usleep(20 * 1000);
    }
}

static void case_lifetime(void)
{
    sd_bus *bus = open_bus();
    CLEANUP_FREE char *answer = NULL;
    char *text = long_text();

    /* idle exit (the test gives a short time), not while there is work, and activation again */
    REQUIRE(queue_length(bus) == 0);
    pid_t first = daemon_pid(bus);
    wait_for_exit(bus, first);
    say_async(bus, text, &answer);
    wait_for_jobs(bus, 1);
    pid_t second = daemon_pid(bus);
    REQUIRE(second != 0 && second != first);
    sleep(3); /* longer than the idle time */
    REQUIRE(daemon_pid(bus) == second);

    /* SIGTERM: whoever waits is told, and the name goes */
    REQUIRE(kill(second, SIGTERM) == 0);
    double end = now_s() + 30;
    while (!answer) {
        REQUIRE(sd_bus_process(bus, NULL) >= 0);
        REQUIRE(now_s() < end);
        usleep(10 * 1000);
    }
    REQUIRE(strcmp(answer, ERROR "Cancelled") == 0);
    wait_for_exit(bus, second);
    REQUIRE(queue_length(bus) == 0); /* and is back when asked */
    free(text);
    sd_bus_flush_close_unref(bus);
}

/* Ask around the moment of the idle exit: no call may be lost. */
static void case_race(void)
{
    sd_bus *bus = open_bus();
    unsigned restarts = 0;
    pid_t pid = 0;

    for (int i = 0; i < 10; i++) {
        REQUIRE(queue_length(bus) == 0);
        pid_t now = daemon_pid(bus);
        restarts += now != 0 && now != pid;
        pid = now ? now : pid;
        usleep(1980 * 1000 + (useconds_t) i * 5000);
    }
    fprintf(stderr, "%u daemons served 10 calls\n", restarts);
    REQUIRE(restarts >= 2);
    sd_bus_flush_close_unref(bus);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } cases[] = {
        {"convert", case_convert}, {"errors", case_errors},     {"pipes", case_pipes},
        {"vanish", case_vanish},   {"together", case_together}, {"lifetime", case_lifetime},
        {"race", case_race},
    };

    REQUIRE(argc == 3);
    page_path = argv[2];
    signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < ELEMENTSOF(cases); i++)
        if (strcmp(cases[i].name, argv[1]) == 0) {
            cases[i].run();
            return 0;
        }
    fprintf(stderr, "there is no case '%s'\n", argv[1]);
    return 1;
}
