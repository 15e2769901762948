/* SPDX-License-Identifier: Apache-2.0
 *
 * org.brailled.Brailled1.Manager: methods and properties. systemd/org.brailled.Brailled1.xml says
 * the same to others; tests/bus compares the two.
 */

#include "server.h"

#include "answer.h"
#include "input.h"
#include "options.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

enum { MAX_TEXT_BYTES = 1 << 20 };

static int refuse(sd_bus_error *error, int r, const struct fail *fail)
{
    answer_error(error, r, fail);
    return r; /* the error that is set goes out, whatever r is */
}

/* Options are next in the message; then the job is taken, and is in *ret for as long as the loop
 * does not run. */
static int take(struct server *s, struct job *job /* taken */, sd_bus_message *m, struct job **ret,
                struct fail *fail)
{
    CLEANUP(job_freep) struct job *j = job;

    int r = options_read(j, m, fail);
    if (r < 0)
        return r;
    *ret = j;
    return server_add_job(s, TAKE_PTR(j), m, fail);
}

/* Replies with an error on failure, else once it is through. */
static int start(struct server *s, struct job *job /* taken */, sd_bus_message *m,
                 sd_bus_error *error)
{
    struct fail fail = {0};
    struct job *added;

    int r = take(s, job, m, &added, &fail);
    if (r >= 0) {
        r = server_run_job(s, added, m, &fail);
        if (r < 0)
            server_cancel_job(s, added);
    }
    return r < 0 ? refuse(error, r, &fail) : 1;
}

/* The same, but the reply is the path of an object that waits for Run(). */
static int create(struct server *s, struct job *job /* taken */, sd_bus_message *m,
                  sd_bus_error *error)
{
    struct fail fail = {0};
    struct job *added;
    char path[64];

    int r = take(s, job, m, &added, &fail);
    if (r < 0)
        return refuse(error, r, &fail);
    r = object_new(s, added);
    if (r >= 0) {
        object_path(added, path, sizeof(path));
        r = sd_bus_reply_method_return(m, "o", path);
    }
    if (r < 0)
        server_cancel_job(s, added);
    return r < 0 ? r : 1;
}

/* A picture is next in the message. */
static int picture_job(struct server *s, enum job_kind kind, sd_bus_message *m, struct job **ret,
                       sd_bus_error *error)
{
    CLEANUP(job_freep) struct job *job = NULL;
    struct fail fail = {0};
    int fd;

    int r = sd_bus_message_read(m, "h", &fd);
    if (r < 0)
        return r;
    r = input_check_picture(fd, &fail);
    if (r < 0)
        return refuse(error, r, &fail);
    job = job_new(s, kind);
    if (!job)
        return -ENOMEM;
    job->image_fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    if (job->image_fd < 0)
        return -errno;
    *ret = TAKE_PTR(job);
    return 0;
}

/* A text is next in the message. */
static int text_job(struct server *s, sd_bus_message *m, struct job **ret, sd_bus_error *error)
{
    CLEANUP(job_freep) struct job *job = NULL;
    struct fail fail = {0};
    const char *text;

    int r = sd_bus_message_read(m, "s", &text);
    if (r < 0)
        return r;
    if (strlen(text) > MAX_TEXT_BYTES) {
        r = fail_set(&fail, FAIL_INPUT, -EFBIG, "the text is longer than %d bytes; say it in parts",
                     MAX_TEXT_BYTES);
        return refuse(error, r, &fail);
    }
    job = job_new(s, JOB_SAY);
    if (!job || !(job->text = strdup(text)))
        return -ENOMEM;
    *ret = TAKE_PTR(job);
    return 0;
}

static int method_convert(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
    struct job *job;
    int r = picture_job(userdata, JOB_CONVERT, m, &job, error);
    return r < 0 ? r : start(userdata, job, m, error);
}

static int method_read(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
    struct job *job;
    int r = picture_job(userdata, JOB_READ, m, &job, error);
    return r < 0 ? r : start(userdata, job, m, error);
}

static int method_say(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
    struct job *job;
    int r = text_job(userdata, m, &job, error);
    return r < 0 ? r : start(userdata, job, m, error);
}

static int method_create_job(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
    struct job *job;
    int r = picture_job(userdata, JOB_CONVERT, m, &job, error);
    return r < 0 ? r : create(userdata, job, m, error);
}

static int method_create_speech(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
    struct job *job;
    int r = text_job(userdata, m, &job, error);
    return r < 0 ? r : create(userdata, job, m, error);
}

static int method_prepare(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
    struct job *job = job_new(userdata, JOB_PREPARE);
    return job ? start(userdata, job, m, error) : -ENOMEM;
}

/* Methods without arguments have no options. */
static int start_list(struct server *s, enum job_kind kind, sd_bus_message *m, sd_bus_error *error)
{
    struct job *job = job_new(s, kind);
    struct fail fail = {0};

    if (!job)
        return -ENOMEM;
    int r = server_add_job(s, job, m, &fail);
    if (r >= 0) {
        r = server_run_job(s, job, m, &fail);
        if (r < 0)
            server_cancel_job(s, job);
    }
    return r < 0 ? refuse(error, r, &fail) : 1;
}

static int method_list_voices(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
    return start_list(userdata, JOB_VOICES, m, error);
}

static int method_list_devices(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
    return start_list(userdata, JOB_DEVICES, m, error);
}

static int method_get_metrics(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
    const struct server *s = userdata;
    CLEANUP_FREE char *text = NULL;

    int r = metrics_text(&s->metrics, s->n_running, &s->device, &text);
    return r < 0 ? r : sd_bus_reply_method_return(m, "s", text);
}

static int get_version(sd_bus *bus, const char *path, const char *interface, const char *property,
                       sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    return sd_bus_message_append(reply, "s", BRAILLED_VERSION);
}

static int get_max_bytes(sd_bus *bus, const char *path, const char *interface, const char *property,
                         sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    return sd_bus_message_append(reply, "t", (uint64_t) IMAGE_MAX_FILE_BYTES);
}

static int get_codes(sd_bus *bus, const char *path, const char *interface, const char *property,
                     sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    int r = sd_bus_message_open_container(reply, 'a', "s");

    for (unsigned i = 0; r >= 0 && i < LANG_N_CODES; i++) {
        char name[32];
        snprintf(name, sizeof(name), CODE_PREFIX "%s", lang_code_names[i]);
        r = sd_bus_message_append(reply, "s", name);
    }
    return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int get_outputs(sd_bus *bus, const char *path, const char *interface, const char *property,
                       sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    return sd_bus_message_append(reply, "as", 6, "pinyin", "cells", "brf", "audio", "lines",
                                 "boxes");
}

static int get_device(sd_bus *bus, const char *path, const char *interface, const char *property,
                      sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    const struct vkc_device_info *d = &((struct server *) userdata)->device;
    return sd_bus_message_append(reply, "(sus)", d->name, (uint32_t) d->type, d->driver);
}

static int get_busy(sd_bus *bus, const char *path, const char *interface, const char *property,
                    sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    return sd_bus_message_append(reply, "b", ((struct server *) userdata)->n_running > 0);
}

static int get_length(sd_bus *bus, const char *path, const char *interface, const char *property,
                      sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    return sd_bus_message_append(reply, "u", ((struct server *) userdata)->n_running);
}

static int get_limit(sd_bus *bus, const char *path, const char *interface, const char *property,
                     sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    return sd_bus_message_append(reply, "u", (uint32_t) SERVER_QUEUE_LIMIT);
}

_Static_assert(VKC_OTHER == 0 && VKC_INTEGRATED == 1 && VKC_DISCRETE == 2 && VKC_VIRTUAL == 3 &&
                   VKC_CPU == 4,
               "property Device promises these numbers");

const sd_bus_vtable manager_vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD_WITH_ARGS("Convert", SD_BUS_ARGS("h", image, "a{sv}", options),
                            SD_BUS_RESULT("s", text, "a{sv}", result), method_convert,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Read", SD_BUS_ARGS("h", image, "a{sv}", options),
                            SD_BUS_RESULT("s", text, "a{sv}", result), method_read,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("CreateJob", SD_BUS_ARGS("h", image, "a{sv}", options),
                            SD_BUS_RESULT("o", job), method_create_job, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("CreateSpeech", SD_BUS_ARGS("s", text, "a{sv}", options),
                            SD_BUS_RESULT("o", job), method_create_speech,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Say", SD_BUS_ARGS("s", text, "a{sv}", options),
                            SD_BUS_RESULT("a{sv}", result), method_say, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Prepare", SD_BUS_ARGS("a{sv}", options), SD_BUS_NO_RESULT,
                            method_prepare, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("ListVoices", SD_BUS_NO_ARGS, SD_BUS_RESULT("a(ssss)", voices),
                            method_list_voices, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("ListDevices", SD_BUS_NO_ARGS, SD_BUS_RESULT("a(usustbs)", devices),
                            method_list_devices, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("GetMetrics", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", metrics),
                            method_get_metrics, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_PROPERTY("Version", "s", get_version, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("MaxImageBytes", "t", get_max_bytes, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("BrailleCodes", "as", get_codes, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Outputs", "as", get_outputs, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Device", "(sus)", get_device, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Busy", "b", get_busy, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("QueueLength", "u", get_length, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("QueueLimit", "u", get_limit, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_VTABLE_END,
};
