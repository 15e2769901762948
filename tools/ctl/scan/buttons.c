/* SPDX-License-Identifier: Apache-2.0
 *
 * Buttons as SANE shows them: options that can be read and that only a finger sets. Some drivers
 * (pixma) leave the mark of the finger out, one (hp5590) tells the button's name as a string.
 */

#include "tools/ctl/scan/scan.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { MAX_STRING = 1024 };

static const char *const press_names[] = {
    "scan", "start", "copy",  "email",  "print",    "pdf",    "file",    "fax",
    "web",  "ocr",   "extra", "transp", "function", "memory", "collect", NULL};
static const char *const stop_names[] = {"cancel", "stop", NULL};

static bool is_one_of(const char *name, const char *const *names)
{
    for (size_t i = 0; names[i]; i++)
        if (strcasecmp(name, names[i]) == 0)
            return true;
    return false;
}

/* "button-1", "button 2", "Button_3", "scan-button", "button-scan", "button-pressed" */
static bool is_called_button(const char *name)
{
    return strncasecmp(name, "button", 6) == 0 || strcasestr(name, "-button");
}

static bool can_be_read(const SANE_Option_Descriptor *d)
{
    const bool fits = (d->type == SANE_TYPE_BOOL || d->type == SANE_TYPE_INT)
                          ? d->size == sizeof(SANE_Word)
                          : d->type == SANE_TYPE_STRING && d->size > 0 && d->size <= MAX_STRING;
    return fits && SANE_OPTION_IS_ACTIVE(d->cap) && (d->cap & SANE_CAP_SOFT_DETECT);
}

/* Not settable by us: what we could set ("button-controlled") is no finger's. */
static bool is_button(const SANE_Option_Descriptor *d)
{
    if (d->cap & SANE_CAP_SOFT_SELECT)
        return false;
    if (is_called_button(d->name))
        return true;
    return (d->cap & SANE_CAP_HARD_SELECT) &&
           (is_one_of(d->name, press_names) || is_one_of(d->name, stop_names));
}

static void add(struct scan_buttons *b, int option, const SANE_Option_Descriptor *d)
{
    if (b->n == ELEMENTSOF(b->list))
        return;
    struct scan_button *to = &b->list[b->n++];
    *to = (struct scan_button){.option = option, .type = d->type};
    snprintf(to->name, sizeof(to->name), "%s", d->name);
    snprintf(to->title, sizeof(to->title), "%s", d->title ? d->title : d->name);
    to->kind = is_one_of(d->name, stop_names) ? SCAN_BUTTON_STOP : SCAN_BUTTON_PRESS;
}

static int no_such(const struct scan_buttons *b, const char *wanted, struct fail *fail)
{
    char all[300] = "";

    for (size_t i = 0; i < b->n; i++) {
        const size_t n = strlen(all);
        snprintf(all + n, sizeof(all) - n, "%s%s", n ? ", " : "", b->list[i].name);
    }
    return fail_set(fail, FAIL_USAGE, -EINVAL,
                    "this scanner has no button \"%s\" that can be read; it has %s", wanted,
                    *all ? all : "none");
}

int scan_buttons_find(struct scanner *s, const char *wanted, struct scan_buttons *ret,
                      struct fail *fail)
{
    struct scan_buttons all = {0}, one = {0};
    const int n = scan_n_options(s);

    for (int i = 1; i < n; i++) {
        const SANE_Option_Descriptor *d = s->api->get_option_descriptor(s->handle, i);
        if (!d || !d->name || !*d->name || !can_be_read(d))
            continue;
        if (is_button(d))
            add(&all, i, d);
        if (wanted && strcasecmp(d->name, wanted) == 0)
            add(&one, i, d);
    }
    if (wanted && one.n == 0)
        return no_such(&all, wanted, fail);
    if (wanted)
        one.list[0].kind = SCAN_BUTTON_PRESS;
    *ret = wanted ? one : all;
    return ret->n > 0 ? scan_buttons_reset(s, ret, fail) : scan_fail(s, SCAN_NO_BUTTON, fail);
}

/* 1: it has a new value that means a finger. */
static int look(const struct scanner *s, struct scan_button *b, SANE_Status *ret_status)
{
    char now[sizeof(b->string)] = "";
    SANE_Word word = 0;

    *ret_status = b->type == SANE_TYPE_STRING ? scan_get_string(s, b->option, now, sizeof(now))
                                              : scan_get_word(s, b->option, &word);
    if (*ret_status != SANE_STATUS_GOOD)
        return 0;
    const bool changed = word != b->word || strcmp(now, b->string) != 0;
    const bool pressed = word != 0 || (*now && strcasecmp(now, "none") != 0);
    b->word = word;
    memcpy(b->string, now, sizeof(now));
    return changed && pressed;
}

int scan_buttons_poll(struct scanner *s, struct scan_buttons *b,
                      const struct scan_button **ret_pressed, struct fail *fail)
{
    int pressed = 0;

    s->problem = SCAN_FINE;
    for (size_t i = 0; i < b->n; i++) {
        SANE_Status status;
        if (look(s, &b->list[i], &status) && !pressed) {
            *ret_pressed = &b->list[i];
            pressed = 1;
        }
        if (status == SANE_STATUS_DEVICE_BUSY) /* another program scans, or it warms up */
            continue;
        if (status != SANE_STATUS_GOOD)
            return scan_fail(s, status == SANE_STATUS_INVAL ? SCAN_GONE : scan_problem_of(status),
                             fail);
    }
    return pressed;
}

int scan_buttons_reset(struct scanner *s, struct scan_buttons *b, struct fail *fail)
{
    const struct scan_button *pressed = NULL;

    int r = scan_buttons_poll(s, b, &pressed, fail);
    return r < 0 ? r : 0;
}

json_t *scan_buttons_json(const struct scan_buttons *b)
{
    json_t *list = json_array();

    for (size_t i = 0; i < b->n; i++)
        json_array_append_new(
            list, json_pack("{ss ss ss}", "name", b->list[i].name, "title", b->list[i].title,
                            "does", b->list[i].kind == SCAN_BUTTON_STOP ? "stop" : "scan"));
    return list;
}
