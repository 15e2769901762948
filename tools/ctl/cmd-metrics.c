/* SPDX-License-Identifier: Apache-2.0
 *
 * braillectl metrics: what a running brailled has done so far, for Prometheus and for scripts.
 */

#include "tools/ctl/ctl.h"

#include "base/file.h"
#include "base/service.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>

#define WHOLE_MAX 9007199254740992.0 /* 2^53: beyond it a double skips whole numbers */

static struct {
    const char *output;
} options;

static size_t metrics_args(struct arg *out)
{
    static const struct arg args[] = {
        {"output", 'o', ARG_STRING, "FILE", N_("write to FILE, which is replaced as a whole"),
         &options.output},
    };
    memcpy(out, args, sizeof(args));
    return ELEMENTSOF(args);
}

static bool is_absent(const sd_bus_error *error)
{
    return sd_bus_error_has_name(error, SD_BUS_ERROR_NAME_HAS_NO_OWNER) ||
           sd_bus_error_has_name(error, SD_BUS_ERROR_SERVICE_UNKNOWN);
}

/* A daemon that is started to be asked has done nothing yet, and would count as up for a scraper.
 * 1: *ret is its answer, owned; 0: none runs on this bus. */
static int ask(sd_bus *bus, const char *name, const char *which, char **ret, struct fail *fail)
{
    CLEANUP(sd_bus_message_unrefp) sd_bus_message *m = NULL;
    CLEANUP(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
    sd_bus_error error = SD_BUS_ERROR_NULL;
    const char *text;

    int r = sd_bus_message_new_method_call(bus, &m, name, "/org/brailled/Brailled1",
                                           SERVICE_NAME ".Manager", "GetMetrics");
    if (r >= 0)
        r = sd_bus_message_set_auto_start(m, false);
    if (r >= 0)
        r = sd_bus_call(bus, m, 0, &error, &reply);
    if (r >= 0)
        r = sd_bus_message_read(reply, "s", &text);
    if (r >= 0)
        r = (*ret = strdup(text)) ? 1 : -ENOMEM;
    else if (is_absent(&error))
        r = 0;
    else
        fail_set(fail, FAIL_UNAVAILABLE, r, "brailled on the %s bus does not tell its figures: %s",
                 which, error.message ? error.message : strerror(-r));
    sd_bus_error_free(&error);
    return r;
}

static int get_metrics(const struct ctl *ctl, char **ret, struct fail *fail)
{
    static const struct {
        const char *name;
        int (*open)(sd_bus **ret);
    } buses[] = {{"session", sd_bus_open_user}, {"system", sd_bus_open_system}};
    char name[SERVICE_NAME_BYTES];

    int r = service_name(ctl->instance, name);
    if (r < 0)
        return fail_set(fail, FAIL_USAGE, r, "--instance takes the name of a brailled@NAME");
    for (size_t i = 0; i < ELEMENTSOF(buses); i++) {
        sd_bus *bus = NULL;
        if (buses[i].open(&bus) < 0)
            continue;
        r = ask(bus, name, buses[i].name, ret, fail);
        sd_bus_flush_close_unref(bus);
        if (r != 0)
            return r;
    }
    return fail_set(fail, FAIL_UNAVAILABLE, -ENOENT,
                    "no brailled runs (%s on the session or system bus), and none is started to be "
                    "asked; it starts with the first work that it gets",
                    name);
}

/* name="value",... up to the brace, into `labels`; *s is left behind the brace. A value has \\, \"
 * and \n for what would end it. */
static int parse_labels(char **s, json_t *labels)
{
    char *p = *s;

    while (*p != '}') {
        char *name = p, *value, *out;
        if (!(p = strstr(p, "=\"")))
            return -EBADMSG;
        *p = 0;
        value = out = p += 2;
        for (; *p && *p != '"'; p++) {
            const bool escaped = *p == '\\' && p[1];
            p += escaped;
            *out++ = escaped && *p == 'n' ? '\n' : *p;
        }
        if (!*p)
            return -EBADMSG;
        p++;
        p += *p == ',';
        *out = 0;
        if (json_object_set_new(labels, name, json_string(value)) < 0)
            return -EBADMSG;
    }
    *s = p + 1;
    return 0;
}

/* JSON knows neither NaN nor infinity: null. */
static json_t *parse_number(const char *s)
{
    char *end = NULL;
    const double x = strtod(s, &end);

    if (end == s || *end)
        return NULL;
    if (!(x > -WHOLE_MAX && x < WHOLE_MAX))
        return x != x || x - x != 0 ? json_null() : json_real(x);
    return x == (double) (json_int_t) x ? json_integer((json_int_t) x) : json_real(x);
}

static int add_labelled(json_t *object, const char *name, json_t *labels, json_t *value)
{
    json_t *list = json_object_get(object, name);

    if (!list) {
        list = json_array();
        if (json_object_set_new(object, name, list) < 0)
            return -ENOMEM;
    }
    return json_array_append_new(list, json_pack("{sO sO}", "labels", labels, "value", value));
}

/* NAME VALUE or NAME{LABELS} VALUE. */
static int parse_line(char *line, json_t *object)
{
    const size_t n = strcspn(line, "{ ");
    json_t *labels = NULL;
    char *rest = line + n;
    int r = 0;

    if (*rest == '{') {
        *rest++ = 0;
        labels = json_object();
        r = parse_labels(&rest, labels);
    }
    if (r == 0 && *rest != ' ')
        r = -EBADMSG;
    json_t *value = r == 0 ? parse_number(rest + 1) : NULL;
    line[n] = 0;
    if (!value)
        r = -EBADMSG;
    else if (labels)
        r = add_labelled(object, line, labels, value);
    else
        r = json_object_set(object, line, value);
    json_decref(value);
    json_decref(labels);
    return r < 0 ? -EBADMSG : 0;
}

/* A figure by its name; of those with labels a list. *text is taken apart, and replaced. */
static int to_json(char **text, struct fail *fail)
{
    json_t *object = json_object();
    char *rest = *text, *json = NULL, *line;
    int r = 0;

    while (r == 0 && (line = strsep(&rest, "\n")))
        if (*line && *line != '#')
            r = parse_line(line, object);
    if (r == 0)
        json = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(17));
    json_decref(object);
    if (!json)
        return fail_set(fail, FAIL_UNAVAILABLE, -EBADMSG,
                        "brailled's figures are in another form than this braillectl knows; "
                        "install both in the same version");
    free(*text);
    r = asprintf(text, "%s\n", json);
    free(json);
    if (r >= 0)
        return 0;
    *text = NULL;
    return -ENOMEM;
}

static int write_text(const char *text, struct fail *fail)
{
    CLEANUP(file_out_done) struct file_out file = FILE_OUT_INIT;

    if (!options.output || strcmp(options.output, "-") == 0) {
        fputs(text, stdout);
        return ctl_flush(fail);
    }
    int r = file_out_open(&file, options.output, fail);
    if (r >= 0)
        r = file_out_write(&file, text, strlen(text), fail);
    return r < 0 ? r : file_out_commit(&file, fail);
}

static int metrics_run(struct ctl *ctl, int n_words, char **words, struct fail *fail)
{
    CLEANUP_FREE char *text = NULL;

    if (n_words > 0)
        return fail_set(fail, FAIL_USAGE, -EINVAL, "metrics takes options only; see --help");
    if (ctl->local || ctl->device || ctl->models)
        return fail_set(
            fail, FAIL_USAGE, -EINVAL,
            "metrics asks a brailled that runs; leave out --local, --device and --models");
    int r = get_metrics(ctl, &text, fail);
    if (r >= 0 && ctl->json)
        r = to_json(&text, fail);
    return r < 0 ? r : write_text(text, fail);
}

const struct ctl_command ctl_metrics = {
    .name = "metrics",
    .words = "",
    .summary = N_("figures about the work of a brailled that runs"),
    .help = N_(
        "In Prometheus' text format: calls, cells, speech, time by stage, memory. --json is one\n"
        "object, a number for each name, a list of labels and value where there are labels.\n"
        "Asked is the brailled of the session bus, then of the system bus; none is started for\n"
        "it: 69 where none runs. node_exporter's textfile collector takes what is written with\n"
        "-o /var/lib/prometheus/node-exporter/brailled.prom, for one.\n"),
    .args = metrics_args,
    .run = metrics_run,
};
