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

/* Options are next in the message; then the job begins. Replies with an error on failure. */
static int start(struct server *s, struct job *job /* taken */, sd_bus_message *m,
                 sd_bus_error *error)
{
    struct fail fail = {0};

    int r = options_read(job, m, &fail);
    if (r < 0)
        job_free(job);
    else
        r = server_start_job(s, job, &fail);
    return r < 0 ? refuse(error, r, &fail) : 1;
}

static int method_convert(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
    struct fail fail = {0};
    int fd;

    int r = sd_bus_message_read(m, "h", &fd);
    if (r < 0)
        return r;
    r = input_check_picture(fd, &fail);
    if (r < 0)
        return refuse(error, r, &fail);
    struct job *job = job_new(userdata, JOB_CONVERT, m);
    if (!job)
        return -ENOMEM;
    job->image_fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    if (job->image_fd < 0) {
        r = -errno;
        job_free(job);
        return r;
    }
    return start(userdata, job, m, error);
}

static int method_say(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
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
    struct job *job = job_new(userdata, JOB_SAY, m);
    if (job)
        job->text = strdup(text);
    if (!job || !job->text) {
        job_free(job);
        return -ENOMEM;
    }
    return start(userdata, job, m, error);
}

static int method_prepare(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
    struct job *job = job_new(userdata, JOB_PREPARE, m);
    return job ? start(userdata, job, m, error) : -ENOMEM;
}

static int method_list_voices(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
    struct job *job = job_new(userdata, JOB_VOICES, m);
    struct fail fail = {0};

    if (!job)
        return -ENOMEM;
    int r = server_start_job(userdata, job, &fail);
    return r < 0 ? refuse(error, r, &fail) : 1;
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
    return sd_bus_message_append(reply, "as", 4, "pinyin", "cells", "brf", "audio");
}

static int get_device(sd_bus *bus, const char *path, const char *interface, const char *property,
                      sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    struct server *s = userdata;
    struct vkc_device_info info = {0};

    worker_device(s->worker, &info); /* else empty: nothing was opened yet */
    return sd_bus_message_append(reply, "(sus)", info.name, (uint32_t) info.type, info.driver);
}

static int get_active(sd_bus *bus, const char *path, const char *interface, const char *property,
                      sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    return sd_bus_message_append(reply, "u", ((struct server *) userdata)->n_jobs);
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
    SD_BUS_METHOD_WITH_ARGS("Say", SD_BUS_ARGS("s", text, "a{sv}", options),
                            SD_BUS_RESULT("a{sv}", result), method_say, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Prepare", SD_BUS_ARGS("a{sv}", options), SD_BUS_NO_RESULT,
                            method_prepare, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("ListVoices", SD_BUS_NO_ARGS, SD_BUS_RESULT("a(ssss)", voices),
                            method_list_voices, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_PROPERTY("Version", "s", get_version, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("MaxImageBytes", "t", get_max_bytes, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("BrailleCodes", "as", get_codes, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Outputs", "as", get_outputs, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Device", "(sus)", get_device, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("ActiveJobs", "u", get_active, 0, 0),
    SD_BUS_PROPERTY("QueueLimit", "u", get_limit, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_VTABLE_END,
};
