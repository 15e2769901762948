/* SPDX-License-Identifier: Apache-2.0
 *
 * braillectl keys: one key of the desktop scans a page and reads it aloud. GNOME keeps such keys in
 * its settings (gsettings writes them), KDE in desktop files that kglobalaccel reads.
 */

#include "tools/ctl/ctl.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define GNOME_KEYS "org.gnome.settings-daemon.plugins.media-keys"
#define GNOME_PATH "/org/gnome/settings-daemon/plugins/media-keys/custom-keybindings/brailled/"
#define GNOME_KEY GNOME_KEYS ".custom-keybinding:" GNOME_PATH
#define KDE_FILE "kglobalaccel/org.brailled.Scan.desktop"

enum { MAX_SETTING = 64 * 1024 };
enum desktop { DESKTOP_GNOME = 1, DESKTOP_KDE };

static struct {
    bool gnome, kde;
    const char *key;
} options = {.key = "<Super>F9"};

static size_t keys_args(struct arg *out)
{
    static const struct arg args[] = {
        {"gnome", 0, ARG_FLAG, NULL, N_("of GNOME (default: the desktop that runs)"),
         &options.gnome},
        {"kde", 0, ARG_FLAG, NULL, N_("of KDE Plasma"), &options.kde},
        {"key", 0, ARG_STRING, "KEY", N_("which key (default: <Super>F9)"), &options.key},
    };
    memcpy(out, args, sizeof(args));
    return ELEMENTSOF(args);
}

/* ---- what the key runs ---- */

/* This program by its path: a desktop's PATH need not have it. */
static int command_line(char *out, size_t size, struct fail *fail)
{
    char exe[PATH_MAX];
    const ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

    if (n <= 0)
        return fail_set(fail, FAIL_OTHER, -errno, "cannot find this program's own file: %m");
    exe[n] = 0;
    if (exe[strcspn(exe, " '\"\\$`%")])
        return fail_set(fail, FAIL_OTHER, -EINVAL,
                        "'%s': no key can run a program in such a folder; install it", exe);
    snprintf(out, size, "%s scan --speak --notify", exe);
    return 0;
}

/* "<Super>F9": names of modifiers in angle brackets, then one key. */
static int check_key(const char *key, struct fail *fail)
{
    static const char *const modifiers[] = {"Super", "Ctrl", "Control", "Primary", "Alt", "Shift"};
    const char *at = key;

    while (*at == '<') {
        const size_t n = strcspn(at + 1, ">");
        size_t i = 0;
        while (i < ELEMENTSOF(modifiers) &&
               (strlen(modifiers[i]) != n || strncmp(modifiers[i], at + 1, n) != 0))
            i++;
        if (i == ELEMENTSOF(modifiers) || !at[n + 1])
            break;
        at += n + 2;
    }
    const size_t n = strspn(at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
    if (n == 0 || at[n])
        return fail_set(fail, FAIL_USAGE, -EINVAL,
                        "'%s' is no key; write it as <Super>F9, with <Super>, <Ctrl>, <Alt> and "
                        "<Shift> before the key's name",
                        key);
    return 0;
}

/* ---- GNOME ---- */

/* Run gsettings; what it prints without the line's end. -ENOENT: it is not installed; -EIO: it
 * failed, its own words are on standard error. */
static int gsettings(const char *verb, const char *schema, const char *key, const char *value,
                     char **ret)
{
    char *argv[] = {(char *) "gsettings", (char *) verb,  (char *) schema,
                    (char *) key,         (char *) value, NULL};
    posix_spawn_file_actions_t actions;
    int fds[2], status = 0;
    uint8_t *data = NULL;
    size_t size = 0;
    pid_t child;

    if (pipe2(fds, O_CLOEXEC) < 0)
        return -errno;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, fds[1], STDOUT_FILENO);
    int r = -posix_spawnp(&child, argv[0], &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(fds[1]);
    if (r == 0) {
        r = file_read_fd(fds[0], "gsettings", MAX_SETTING, &data, &size, NULL);
        while (waitpid(child, &status, 0) < 0 && errno == EINTR)
            ;
        if (r == 0 && status != 0)
            r = -EIO;
    }
    close(fds[0]);
    if (r == 0 && ret) {
        data[strcspn((char *) data, "\n")] = 0;
        *ret = (char *) data;
        data = NULL;
    }
    free(data);
    return r;
}

static int gnome_failed(int r, struct fail *fail)
{
    if (r == -ENOENT)
        return fail_set(fail, FAIL_UNAVAILABLE, r,
                        "gsettings is not installed (package libglib2.0-bin)");
    return fail_set(fail, FAIL_UNAVAILABLE, r,
                    "gsettings cannot reach GNOME's keys; is gnome-settings-daemon installed?");
}

/* The list of custom keys without ours, as gsettings prints it: "['a', 'b']". *ret owned. */
static int gnome_others(const char *list, char **ret)
{
    size_t size = 0;
    FILE *f = open_memstream(ret, &size);

    if (!f)
        return -ENOMEM;
    bool first = true;
    fputc('[', f);
    for (const char *at = strchr(list, '\''); at;) {
        const char *end = strchr(at + 1, '\'');
        if (!end)
            break;
        const size_t n = (size_t) (end - at - 1);
        if (n != strlen(GNOME_PATH) || strncmp(at + 1, GNOME_PATH, n) != 0) {
            fprintf(f, "%s'%.*s'", first ? "" : ", ", (int) n, at + 1);
            first = false;
        }
        at = strchr(end + 1, '\'');
    }
    fputc(']', f);
    return fclose(f) == 0 ? 0 : -ENOMEM;
}

/* With our key in it, or without. */
static int gnome_set_list(bool with, struct fail *fail)
{
    CLEANUP_FREE char *list = NULL;
    CLEANUP_FREE char *others = NULL;
    CLEANUP_FREE char *next = NULL;

    int r = gsettings("get", GNOME_KEYS, "custom-keybindings", NULL, &list);
    if (r < 0)
        return gnome_failed(r, fail);
    r = gnome_others(list, &others);
    if (r < 0)
        return r;
    others[strlen(others) - 1] = 0; /* its ] */
    if (asprintf(&next, "%s%s%s]", others, with && others[1] ? ", " : "",
                 with ? "'" GNOME_PATH "'" : "") < 0)
        return -ENOMEM;
    r = gsettings("set", GNOME_KEYS, "custom-keybindings", next, NULL);
    return r < 0 ? gnome_failed(r, fail) : 0;
}

static int gnome_install(struct fail *fail)
{
    char command[PATH_MAX + 32], quoted[PATH_MAX + 40], name[200], key[200];

    int r = command_line(command, sizeof(command), fail);
    if (r < 0)
        return r;
    snprintf(quoted, sizeof(quoted), "'%s'", command);
    snprintf(key, sizeof(key), "'%.180s'", options.key);
    snprintf(name, sizeof(name), "'%s'", tr("Scan a braille page and read it aloud"));
    r = gsettings("set", GNOME_KEY, "name", name, NULL);
    if (r == 0)
        r = gsettings("set", GNOME_KEY, "command", quoted, NULL);
    if (r == 0)
        r = gsettings("set", GNOME_KEY, "binding", key, NULL);
    return r < 0 ? gnome_failed(r, fail) : gnome_set_list(true, fail);
}

static int gnome_remove(struct fail *fail)
{
    static const char *const keys[] = {"name", "command", "binding"};
    int r = gnome_set_list(false, fail);

    for (size_t i = 0; r == 0 && i < ELEMENTSOF(keys); i++) {
        r = gsettings("reset", GNOME_KEY, keys[i], NULL, NULL);
        if (r < 0)
            gnome_failed(r, fail);
    }
    return r;
}

static int gnome_show(struct fail *fail)
{
    CLEANUP_FREE char *list = NULL;
    CLEANUP_FREE char *key = NULL;

    int r = gsettings("get", GNOME_KEYS, "custom-keybindings", NULL, &list);
    if (r == 0 && strstr(list, "'" GNOME_PATH "'"))
        r = gsettings("get", GNOME_KEY, "binding", NULL, &key);
    if (r < 0)
        return gnome_failed(r, fail);
    printf("GNOME: %s\n", key ? key : tr("no key"));
    return 0;
}

/* ---- KDE ---- */

static int kde_path(char *out, size_t size, struct fail *fail)
{
    const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    const bool own = data && *data == '/';

    if (!own && !(home && *home == '/'))
        return fail_set(fail, FAIL_CREATE, -ENOENT, "there is no home folder to keep a key in");
    snprintf(out, size, "%s%s/" KDE_FILE, own ? data : home, own ? "" : "/.local/share");
    return 0;
}

static int make_folders(char *path, struct fail *fail)
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        const int r = mkdir(path, 0755) < 0 && errno != EEXIST ? -errno : 0;
        if (r < 0)
            return fail_set(fail, FAIL_CREATE, r, "cannot create the folder '%s': %m", path);
        *slash = '/';
    }
    return 0;
}

/* "<Super>F9" as Qt writes it: "Meta+F9". */
static void kde_key(const char *key, char *out, size_t size)
{
    size_t n = 0;

    while (*key == '<') {
        const size_t length = strcspn(key + 1, ">");
        const char *name = strncmp(key, "<Super>", 7) == 0   ? "Meta"
                           : strncmp(key, "<Shift>", 7) == 0 ? "Shift"
                           : strncmp(key, "<Alt>", 5) == 0   ? "Alt"
                                                             : "Ctrl";
        n += (size_t) snprintf(out + n, size - n, "%s+", name);
        n = MIN(n, size - 1);
        key += length + 2;
    }
    snprintf(out + n, size - n, "%s", key);
}

static int kde_install(struct fail *fail)
{
    CLEANUP(file_out_done) struct file_out file = FILE_OUT_INIT;
    char path[PATH_MAX], command[PATH_MAX + 32], key[200];
    CLEANUP_FREE char *text = NULL;

    int r = kde_path(path, sizeof(path), fail);
    if (r == 0)
        r = command_line(command, sizeof(command), fail);
    if (r == 0)
        r = make_folders(path, fail);
    if (r < 0)
        return r;
    kde_key(options.key, key, sizeof(key));
    if (asprintf(&text,
                 "[Desktop Entry]\nType=Application\nName=Scan a braille page and read it aloud\n"
                 "Name[zh_CN]=扫描一页盲文并朗读\nExec=%s\nNoDisplay=true\nX-KDE-Shortcuts=%s\n",
                 command, key) < 0)
        return -ENOMEM;
    r = file_out_open(&file, path, fail);
    if (r == 0)
        r = file_out_write(&file, text, strlen(text), fail);
    return r == 0 ? file_out_commit(&file, fail) : r;
}

static int kde_remove(struct fail *fail)
{
    char path[PATH_MAX];
    int r = kde_path(path, sizeof(path), fail);

    if (r == 0 && unlink(path) < 0 && errno != ENOENT)
        r = fail_set(fail, FAIL_IO, -errno, "cannot remove '%s': %m", path);
    return r;
}

static int kde_show(struct fail *fail)
{
    CLEANUP_FREE uint8_t *data = NULL;
    char path[PATH_MAX];
    size_t size = 0;

    int r = kde_path(path, sizeof(path), fail);
    if (r < 0)
        return r;
    if (access(path, F_OK) == 0)
        r = file_read(path, MAX_SETTING, &data, &size, fail);
    char *key = data ? strstr((char *) data, "X-KDE-Shortcuts=") : NULL;
    if (key)
        key[strcspn(key, "\n")] = 0;
    printf("KDE: %s\n", key ? strchr(key, '=') + 1 : tr("no key"));
    return r;
}

/* ---- the command ---- */

static unsigned chosen_desktops(void)
{
    const char *current = getenv("XDG_CURRENT_DESKTOP");

    if (options.gnome || options.kde)
        return (options.gnome ? DESKTOP_GNOME : 0) | (options.kde ? DESKTOP_KDE : 0);
    if (current && strstr(current, "KDE"))
        return DESKTOP_KDE;
    return current && strstr(current, "GNOME") ? DESKTOP_GNOME : 0;
}

static int on_desktops(int (*gnome)(struct fail *fail), int (*kde)(struct fail *fail),
                       struct fail *fail)
{
    const unsigned desktops = chosen_desktops();
    int r = 0;

    if (!desktops)
        return fail_set(fail, FAIL_USAGE, -EINVAL,
                        "which desktop is this? Say --gnome or --kde; in others set a key that "
                        "runs \"braillectl scan --speak --notify\"");
    if (desktops & DESKTOP_GNOME)
        r = gnome(fail);
    if (r == 0 && desktops & DESKTOP_KDE)
        r = kde(fail);
    return r;
}

static int keys_run(struct ctl *ctl, int n_words, char **words, struct fail *fail)
{
    const char *verb = n_words == 1 ? words[0] : "";
    int r = check_key(options.key, fail);

    if (r < 0)
        return r;
    if (strcmp(verb, "show") == 0) {
        r = on_desktops(gnome_show, kde_show, fail);
        return r < 0 ? r : ctl_flush(fail);
    }
    if (strcmp(verb, "remove") == 0) {
        r = on_desktops(gnome_remove, kde_remove, fail);
        if (r == 0)
            ctl_say_line(ctl, "the key is removed");
        return r;
    }
    if (strcmp(verb, "install") != 0)
        return fail_set(fail, FAIL_USAGE, -EINVAL, "say keys install, keys remove or keys show");
    r = on_desktops(gnome_install, kde_install, fail);
    if (r < 0)
        return r;
    ctl_say_line(ctl, "%s scans a page and reads it aloud", options.key);
    if (chosen_desktops() & DESKTOP_KDE)
        ctl_say_line(ctl, "KDE knows the key from the next login on");
    return 0;
}

const struct ctl_command ctl_keys = {
    .name = "keys",
    .words = "install|remove|show",
    .summary = N_("one key of the desktop scans a page and reads it aloud"),
    .help = N_("install sets the key (--key, in GNOME's spelling) to \"braillectl scan --speak\n"
               "--notify\"; keys that are set already stay. remove takes it back, show prints it.\n"
               "GNOME: a custom shortcut, in force at once. KDE Plasma: a file for kglobalaccel,\n"
               "in force from the next login on; System Settings, Shortcuts shows it.\n"),
    .args = keys_args,
    .run = keys_run,
};
