/* SPDX-License-Identifier: Apache-2.0
 *
 * Which scanner it is: named, remembered, or found.
 */

#include "tools/ctl/scan/scan.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

enum { MAX_DEVICES = 1000, OPEN_TIMEOUT_S = 120 };

int scan_fail(struct scanner *s, enum scan_problem problem, struct fail *fail)
{
    const struct scan_words *w = &scan_words[problem];
    const char *who = *s->title ? s->title : *s->name ? s->name : "scanner";

    s->problem = problem;
    return fail_set(fail, w->kind, w->r, w->text, who);
}

/* ---- the list ---- */

static const char *text_of(SANE_String_Const s)
{
    return s ? s : "";
}

/* Network scanners too. *ret borrowed from SANE, NULL-terminated. */
static int list(struct scanner *s, const SANE_Device ***ret, struct fail *fail)
{
    static const SANE_Device *none[] = {NULL};
    struct scan_guard *guard = NULL;
    const SANE_Device **devices = NULL;
    const unsigned timeout_s = s->timeout_s;

    s->timeout_s = OPEN_TIMEOUT_S;
    int r = scan_guard_new(s, false, &guard);
    if (r < 0)
        return r;
    SANE_Status status = s->api->get_devices(&devices, SANE_FALSE);
    scan_guard_free(guard);
    s->timeout_s = timeout_s;
    if (status != SANE_STATUS_GOOD)
        return scan_fail(s, scan_problem_of(status), fail);
    *ret = devices ? devices : none;
    return 0;
}

static void name_it(const SANE_Device *d, char *ret, size_t size)
{
    const char *vendor = text_of(d->vendor), *model = text_of(d->model);
    const bool known = *vendor && strcasecmp(vendor, "noname") != 0;

    snprintf(ret, size, "%s%s%s", known ? vendor : "", known && *model ? " " : "", model);
    if (!*ret)
        snprintf(ret, size, "%s", text_of(d->name));
}

/* What a driver says may be any bytes; JSON is UTF-8. */
static json_t *json_of(const char *text)
{
    json_t *s = json_string(text);
    return s ? s : json_string("?");
}

static int none_found(struct scanner *s, struct fail *fail)
{
    char name[256];

    if (!scan_find_denied("", name, sizeof(name)))
        return scan_fail(s, SCAN_NONE_FOUND, fail);
    snprintf(s->title, sizeof(s->title), "%s", name);
    return scan_fail(s, SCAN_DENIED, fail);
}

static int print_list(const struct ctl *ctl, const SANE_Device **devices, struct fail *fail)
{
    json_t *all = json_array();

    for (size_t i = 0; devices[i] && i < MAX_DEVICES; i++) {
        char title[256];
        name_it(devices[i], title, sizeof(title));
        if (ctl->json)
            json_array_append_new(all, json_pack("{so so so so}", "name",
                                                 json_of(text_of(devices[i]->name)), "vendor",
                                                 json_of(text_of(devices[i]->vendor)), "model",
                                                 json_of(text_of(devices[i]->model)), "type",
                                                 json_of(text_of(devices[i]->type))));
        else
            printf("%s\t%s\t%s\n", text_of(devices[i]->name), title, text_of(devices[i]->type));
    }
    if (ctl->json)
        return ctl_print_json(json_pack("{so}", "scanners", all), fail);
    json_decref(all);
    return ctl_flush(fail);
}

int scan_list(struct ctl *ctl, struct fail *fail)
{
    struct scanner s = {.ctl = ctl};
    const SANE_Device **devices = NULL;

    s.api = sane_api_open(fail);
    int r = s.api ? list(&s, &devices, fail) : -ENOSYS;
    if (r == 0 && !devices[0] && !ctl->json)
        r = none_found(&s, fail);
    if (r == 0)
        r = print_list(ctl, devices, fail);
    sane_api_close();
    return r;
}

/* ---- the one that served last ---- */

/* *ret owned; NULL: there is no home. */
static char *memory_path(void)
{
    const char *unit = getenv("STATE_DIRECTORY"); /* of systemd; several are parted by colons */
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    char *path = NULL;
    int n = -1;

    if (unit && unit[0] == '/')
        n = asprintf(&path, "%.*s/scanner", (int) strcspn(unit, ":"), unit);
    else if (state && state[0] == '/')
        n = asprintf(&path, "%s/brailled/scanner", state);
    else if (home && home[0] == '/')
        n = asprintf(&path, "%s/.local/state/brailled/scanner", home);
    return n < 0 ? NULL : path;
}

/* mkdir -p of what is above the file. */
static void make_folders(char *path)
{
    for (char *at = strchr(path + 1, '/'); at; at = strchr(at + 1, '/')) {
        *at = 0;
        mkdir(path, 0700);
        *at = '/';
    }
}

static bool get_line(FILE *f, char *ret, size_t size)
{
    const bool got = f && fgets(ret, (int) size, f);

    if (got)
        ret[strcspn(ret, "\n")] = 0;
    return got && *ret;
}

/* Its name, and in a second line what people call it. */
static bool recall(char *ret, size_t size, char *title, size_t title_size)
{
    CLEANUP_FREE char *path = memory_path();
    FILE *f = path ? fopen(path, "re") : NULL;

    const bool got = get_line(f, ret, size);
    if (got && !get_line(f, title, title_size))
        snprintf(title, title_size, "%s", ret);
    if (f)
        fclose(f);
    return got;
}

void scan_remember(const struct scanner *s)
{
    CLEANUP_FREE char *path = memory_path();
    CLEANUP(file_out_done) struct file_out f = FILE_OUT_INIT;
    struct fail none = {0};
    char last[sizeof(s->name)], title[sizeof(s->title)], line[sizeof(last) + sizeof(title) + 2];

    if (!path || (recall(last, sizeof(last), title, sizeof(title)) && strcmp(last, s->name) == 0))
        return;
    snprintf(line, sizeof(line), "%s\n%s\n", s->name, s->title);
    make_folders(path);
    int r = file_out_open(&f, path, &none);
    if (r == 0)
        r = file_out_write(&f, line, strlen(line), &none);
    if (r == 0)
        file_out_commit(&f, &none);
}

/* ---- a scanner that is there, for others ---- */

static bool read_line(const char *path, const char *key, char *ret, size_t size)
{
    FILE *f = fopen(path, "re");
    char line[512];
    bool found = false;

    while (f && !found && fgets(line, sizeof(line), f)) {
        found = strncmp(line, key, strlen(key)) == 0;
        if (found) {
            line[strcspn(line, "\n")] = 0;
            snprintf(ret, size, "%s", line + strlen(key));
        }
    }
    if (f)
        fclose(f);
    return found;
}

/* /sys/bus/usb/devices/1-2 -> /dev/bus/usb/001/004 */
static bool is_denied(const char *root, const char *device, char *ret, size_t size)
{
    char path[PATH_MAX], bus[16], number[16], value[64];
    int major = 0, minor = 0;

    snprintf(path, sizeof(path), "%s/sys/bus/usb/devices/%s/dev", root, device);
    if (!read_line(path, "", value, sizeof(value)) || sscanf(value, "%d:%d", &major, &minor) != 2)
        return false;
    snprintf(path, sizeof(path), "%s/run/udev/data/c%d:%d", root, major, minor);
    if (!read_line(path, "E:libsane_matched=", value, sizeof(value)) || strcmp(value, "yes") != 0)
        return false;
    if (!read_line(path, "E:ID_MODEL=", ret, size))
        snprintf(ret, size, "USB scanner");
    snprintf(path, sizeof(path), "%s/sys/bus/usb/devices/%s/busnum", root, device);
    bool known = read_line(path, "", bus, sizeof(bus));
    snprintf(path, sizeof(path), "%s/sys/bus/usb/devices/%s/devnum", root, device);
    known = known && read_line(path, "", number, sizeof(number));
    snprintf(path, sizeof(path), "%s/dev/bus/usb/%03d/%03d", root, atoi(bus), atoi(number));
    return known && access(path, R_OK | W_OK) < 0 && errno == EACCES;
}

bool scan_find_denied(const char *root, char *ret, size_t size)
{
    char path[PATH_MAX];
    bool found = false;

    snprintf(path, sizeof(path), "%s/sys/bus/usb/devices", root);
    DIR *dir = opendir(path);
    for (struct dirent *e; dir && !found && (e = readdir(dir));)
        if (e->d_name[0] != '.' && strlen(e->d_name) < 64)
            found = is_denied(root, e->d_name, ret, size);
    if (dir)
        closedir(dir);
    return found;
}

/* ---- open ---- */

static int open_name(struct scanner *s, const char *name, const char *title, struct fail *fail)
{
    struct scan_guard *guard = NULL;

    if (strlen(name) >= sizeof(s->name))
        return scan_fail(s, SCAN_NONE_FOUND, fail);
    snprintf(s->name, sizeof(s->name), "%s", name);
    snprintf(s->title, sizeof(s->title), "%s", title);
    int r = scan_guard_new(s, false, &guard);
    if (r < 0)
        return r;
    SANE_Status status = s->api->open(name, &s->handle);
    scan_guard_free(guard);
    if (status == SANE_STATUS_INVAL || status == SANE_STATUS_UNSUPPORTED)
        return scan_fail(s, SCAN_NONE_FOUND, fail); /* so says SANE of a name that nobody has */
    if (status != SANE_STATUS_GOOD)
        return scan_fail(s, scan_problem_of(status), fail);
    s->open = true;
    return 0;
}

/* A web camera is a scanner to SANE. */
static bool is_camera(const SANE_Device *d)
{
    return strncmp(text_of(d->name), "v4l:", 4) == 0 || strcasestr(text_of(d->type), "camera");
}

static int open_first(struct scanner *s, struct fail *fail)
{
    const SANE_Device **devices = NULL;
    struct fail first = {0};
    enum scan_problem problem = SCAN_FINE;
    size_t n = 0;

    int r = list(s, &devices, fail);
    if (r < 0)
        return r;
    for (size_t i = 0; devices[i] && i < MAX_DEVICES; i++) {
        struct fail why = {0};
        char title[sizeof(s->title)];
        if (is_camera(devices[i]))
            continue;
        name_it(devices[i], title, sizeof(title));
        r = open_name(s, text_of(devices[i]->name), title, &why);
        if (r == 0)
            return 0;
        if (n++ == 0) {
            first = why;
            problem = s->problem;
        }
    }
    if (n == 0)
        return none_found(s, fail);
    s->problem = problem;
    *fail = first;
    return scan_words[problem].r;
}

/* Opened by its name alone it has no other title: SANE tells the model only in its list, and to ask
 * for that takes seconds. */
int scan_open(struct scanner *s, const char *wanted, struct fail *fail)
{
    const char *named = wanted ? wanted : getenv("SANE_DEFAULT_DEVICE");
    char last[sizeof(s->name)], title[sizeof(s->title)];
    struct fail why = {0};

    s->problem = SCAN_NO_LIBRARY;
    s->api = sane_api_open(fail);
    if (!s->api)
        return -ENOSYS;
    if (named && *named)
        return open_name(s, named, named, fail);
    if (recall(last, sizeof(last), title, sizeof(title))) {
        const int r = open_name(s, last, title, &why);
        if (r == 0)
            return 0;
        if (s->problem == SCAN_BUSY ||
            s->problem == SCAN_DENIED) { /* there: no other one instead */
            *fail = why;
            return r;
        }
    }
    s->name[0] = s->title[0] = 0;
    return open_first(s, fail);
}

void scan_close(struct scanner *s)
{
    struct scan_guard *guard = NULL;

    if (!s->open)
        return;
    scan_end(s);
    s->open = false;
    const int r = scan_guard_new(s, false, &guard); /* without one it goes unwatched */
    s->api->close(s->handle);
    if (r == 0)
        scan_guard_free(guard);
}
