/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tools/eval/speech/speech.h"

extern char **environ;

enum { MAX_WORDS = 256, MAX_OUTPUT = 1 << 20 };

void eval_command_done(struct eval_command *c)
{
    for (size_t i = 0; c->words && i < c->n; i++)
        free(c->words[i]);
    free(c->words);
    *c = (struct eval_command){0};
}

/* One word of `*line`, quotes taken off. @return NULL: an open quote, or no memory */
static char *cut_word(const char **line)
{
    const char *s = *line;
    char quote = 0, *word = malloc(strlen(s) + 1), *to = word;

    for (; word && *s && (quote || !strchr(" \t\n", *s)); s++) {
        if (quote != '\'' && *s == '\\' && s[1])
            *to++ = *++s;
        else if (quote ? *s == quote : *s == '"' || *s == '\'')
            quote = quote ? 0 : *s;
        else
            *to++ = *s;
    }
    *line = s;
    if (!word || quote) {
        free(word);
        return NULL;
    }
    *to = 0;
    return word;
}

int eval_command_parse(const char *line, bool needs_wav, struct eval_command *ret,
                       struct fail *fail)
{
    CLEANUP(eval_command_done) struct eval_command c = {0};
    const char *at = line;
    bool has_wav = false;

    c.words = calloc(MAX_WORDS + 1, sizeof(*c.words));
    if (!c.words)
        return fail_set(fail, FAIL_OTHER, -ENOMEM, "not enough memory");
    for (at += strspn(at, " \t\n"); *at; at += strspn(at, " \t\n")) {
        char *word = c.n < MAX_WORDS ? cut_word(&at) : NULL;
        if (!word)
            return fail_set(fail, FAIL_USAGE, -EINVAL,
                            "the command '%s' has an open quote or too many words", line);
        has_wav = has_wav || strstr(word, "{wav}");
        c.words[c.n++] = word;
    }
    if (c.n == 0)
        return fail_set(fail, FAIL_USAGE, -EINVAL, "the command of the recogniser is empty");
    if (needs_wav && !has_wav)
        return fail_set(fail, FAIL_USAGE, -EINVAL,
                        "the command '%s' says nowhere {wav}, where the sound file's name goes",
                        line);
    *ret = c;
    c = (struct eval_command){0};
    return 0;
}

/* ---- a child and its pipes ---- */

struct child {
    const char *name; ///< of the program, borrowed
    pid_t pid;
    int in, out; ///< our ends, -1: closed
    char *data;  ///< what it wrote, owned
    size_t n, room;
};

static void close_end(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void child_done(struct child *c)
{
    close_end(&c->in);
    close_end(&c->out);
    if (c->pid > 0) {
        kill(-c->pid, SIGKILL); /* with what it started */
        waitpid(c->pid, NULL, 0);
    }
    free(c->data);
}

static int spawn(struct child *c, char *const *words, const int in[2], const int out[2])
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    sigset_t back;

    sigemptyset(&back);
    sigaddset(&back, SIGPIPE);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attr);
    posix_spawn_file_actions_adddup2(&actions, in[0], 0);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    posix_spawnattr_setsigdefault(&attr, &back);
    posix_spawnattr_setpgroup(&attr, 0);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF);
    int r = posix_spawnp(&c->pid, words[0], &actions, &attr, words, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attr);
    if (r != 0)
        c->pid = 0;
    return -r;
}

static int start(struct child *c, char *const *words, struct fail *fail)
{
    int in[2] = {-1, -1}, out[2] = {-1, -1};

    *c = (struct child){.name = words[0], .in = -1, .out = -1};
    int r = pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0 ? -errno : 0;
    if (r == 0)
        r = spawn(c, words, in, out);
    close_end(&in[0]);
    close_end(&out[1]);
    c->in = in[1];
    c->out = out[0];
    if (c->in >= 0)
        (void) fcntl(c->in, F_SETFL, O_NONBLOCK);
    if (r < 0) {
        errno = -r;
        fail_set(fail, FAIL_UNAVAILABLE, r, "cannot run '%s': %m; is it installed?", c->name);
    }
    return r;
}

/* Read what there is. @return 0: it closed its end */
static ssize_t take(struct child *c, struct fail *fail)
{
    if (c->n + 4096 + 1 > c->room) {
        const size_t room = 2 * c->room + 8192;
        char *data = realloc(c->data, room);
        if (!data)
            return -ENOMEM;
        c->data = data;
        c->room = room;
    }
    const ssize_t n = read(c->out, c->data + c->n, 4096);
    if (n < 0)
        return errno == EINTR ? 1 : -errno;
    c->n += (size_t) n;
    c->data[c->n] = 0;
    if (c->n > MAX_OUTPUT)
        return fail_set(fail, FAIL_UNAVAILABLE, -EFBIG, "'%s' writes more than 1 MiB of text",
                        c->name);
    return n;
}

/* Hand on a part of the input; a child that closed its end wants no more of it. */
static void give(struct child *c, const char *input, size_t n, size_t *at)
{
    const ssize_t m = *at < n ? write(c->in, input + *at, n - *at) : 0;

    if (m > 0)
        *at += (size_t) m;
    if (*at == n || (m < 0 && errno != EAGAIN && errno != EINTR))
        close_end(&c->in);
}

static int talk(struct child *c, const char *input, size_t n, double timeout_s, struct fail *fail)
{
    for (size_t at = 0;;) {
        struct pollfd fds[2] = {{.fd = c->out, .events = POLLIN}, {.fd = c->in, .events = POLLOUT}};
        if (at == n)
            close_end(&c->in);
        fds[1].fd = c->in;
        const int ready = poll(fds, 2, (int) (timeout_s * 1000));
        if (eval_cancelled)
            return fail_set(fail, FAIL_INTERRUPTED, -ECANCELED, "stopped");
        if (ready == 0)
            return fail_set(fail, FAIL_UNAVAILABLE, -ETIMEDOUT,
                            "'%s' said nothing for %g s and was ended; see --timeout", c->name,
                            timeout_s);
        if (ready < 0 && errno != EINTR)
            return -errno;
        if (ready > 0 && fds[1].revents)
            give(c, input, n, &at);
        if (ready > 0 && fds[0].revents) {
            const ssize_t r = take(c, fail);
            if (r <= 0)
                return (int) r;
        }
    }
}

/* It closed its output: it should end soon, and well. */
static int reap(struct child *c, double timeout_s, struct fail *fail)
{
    int status = 0;

    close_end(&c->in);
    for (double waited = 0;; waited += 0.01) {
        const pid_t pid = waitpid(c->pid, &status, WNOHANG);
        if (pid == c->pid)
            break;
        if (pid < 0 && errno != EINTR)
            return -errno;
        if (eval_cancelled)
            return fail_set(fail, FAIL_INTERRUPTED, -ECANCELED, "stopped");
        if (waited > timeout_s)
            return fail_set(fail, FAIL_UNAVAILABLE, -ETIMEDOUT,
                            "'%s' does not end and was ended; see --timeout", c->name);
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    kill(-c->pid, SIGKILL); /* what it may have left behind */
    c->pid = 0;
    if (WIFSIGNALED(status))
        return fail_set(fail, FAIL_UNAVAILABLE, -EIO, "'%s' was ended by signal %d", c->name,
                        WTERMSIG(status));
    if (WEXITSTATUS(status) != 0)
        return fail_set(fail, FAIL_UNAVAILABLE, -EIO, "'%s' failed with exit code %d", c->name,
                        WEXITSTATUS(status));
    return 0;
}

/* The length of a well-formed character of UTF-8 (RFC 3629), or 0. */
static size_t utf8_length(const unsigned char *s, size_t n)
{
    const size_t length = s[0] < 0x80 ? 1 : s[0] < 0xC2 ? 0 : s[0] < 0xE0 ? 2 : s[0] < 0xF0 ? 3 : 4;

    if (s[0] > 0xF4 || length > n || length == 0)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((s[i] & 0xC0) != 0x80)
            return 0;
    if ((s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xED && s[1] > 0x9F) ||
        (s[0] == 0xF0 && s[1] < 0x90) || (s[0] == 0xF4 && s[1] > 0x8F))
        return 0;
    return length;
}

static int check_text(const struct child *c, struct fail *fail)
{
    for (size_t i = 0, length; i < c->n; i += length) {
        length = utf8_length((const unsigned char *) c->data + i, c->n - i);
        if (length == 0 || c->data[i] == 0)
            return fail_set(fail, FAIL_INPUT, -EILSEQ,
                            "what '%s' wrote is no UTF-8 (byte %zu); set its locale to C.UTF-8",
                            c->name, i);
    }
    return 0;
}

/* *ret: owned, ends with a zero byte. */
static int run(char *const *words, const char *input, double timeout_s, char **ret,
               struct fail *fail)
{
    CLEANUP(child_done) struct child c;

    int r = start(&c, words, fail);
    if (r == 0)
        r = talk(&c, input, strlen(input), timeout_s, fail);
    if (r == 0)
        r = reap(&c, timeout_s, fail);
    if (r == 0)
        r = check_text(&c, fail);
    if (r < 0) {
        errno = -r;
        return fail_set(fail, FAIL_OTHER, r, "'%s': %m", words[0]);
    }
    char *text = c.data ? TAKE_PTR(c.data) : strdup(""); /* it may have nothing to say */
    if (!text)
        return -ENOMEM;
    *ret = text;
    return 0;
}

/* ---- one file, many files ---- */

static char *replace_wav(const char *word, const char *wav)
{
    const char *at = strstr(word, "{wav}");
    char *out = NULL;

    if (!at)
        return strdup(word);
    return asprintf(&out, "%.*s%s%s", (int) (at - word), word, wav, at + 5) < 0 ? NULL : out;
}

int eval_command_run(const struct eval_command *c, const char *wav, double timeout_s, char **ret,
                     struct fail *fail)
{
    CLEANUP(eval_command_done) struct eval_command now = {.n = c->n};

    now.words = calloc(c->n + 1, sizeof(*now.words));
    int r = now.words ? 0 : -ENOMEM;
    for (size_t i = 0; r == 0 && i < c->n; i++)
        r = (now.words[i] = replace_wav(c->words[i], wav)) ? 0 : -ENOMEM;
    char *text = NULL;
    if (r == 0)
        r = run(now.words, "", timeout_s, &text, fail);
    if (r < 0)
        return fail_set(fail, FAIL_OTHER, r, "not enough memory");
    for (char *s = text; *s; s++)
        *s = strchr("\r\n\t", *s) ? ' ' : *s;
    *ret = text;
    return 0;
}

static int cut_lines(char *text, size_t n, const char *name, char ***ret, struct fail *fail)
{
    size_t got = 0;
    for (const char *s = text; *s; s++)
        got += *s == '\n' || !s[1];
    if (got != n)
        return fail_set(fail, FAIL_UNAVAILABLE, -EBADMSG,
                        "'%s' wrote %zu lines for %zu files; it must write one for each, empty "
                        "where nothing was heard",
                        name, got, n);
    char **lines = calloc(n + 1, sizeof(*lines));
    int r = lines ? 0 : -ENOMEM;
    for (size_t i = 0; r == 0 && i < n; i++) {
        const size_t length = strcspn(text, "\n");
        r = (lines[i] = strndup(text, length)) ? 0 : -ENOMEM;
        text += length + (text[length] == '\n');
    }
    for (size_t i = 0; r < 0 && lines && i < n; i++)
        free(lines[i]);
    if (r < 0)
        free(lines);
    else
        *ret = lines;
    return r;
}

int eval_command_batch(const struct eval_command *c, char *const *paths, size_t n, double timeout_s,
                       char ***ret, struct fail *fail)
{
    CLEANUP_FREE char *input = NULL, *text = NULL;
    size_t size = 1;

    for (size_t i = 0; i < n; i++)
        size += strlen(paths[i]) + 1;
    input = malloc(size);
    if (!input)
        return fail_set(fail, FAIL_OTHER, -ENOMEM, "not enough memory");
    char *to = input;
    *to = 0;
    for (size_t i = 0; i < n; i++)
        to += sprintf(to, "%s\n", paths[i]);
    int r = run(c->words, input, timeout_s, &text, fail);
    if (r == 0)
        r = cut_lines(text, n, c->words[0], ret, fail);
    return r < 0 ? fail_set(fail, FAIL_OTHER, r, "not enough memory") : 0;
}
