/* SPDX-License-Identifier: Apache-2.0
 *
 * org.brailled.Brailled1.Job: a job as an object that its owner runs, pauses and cancels, and hears
 * of on the way. Only the connection that made it may use it, and its signals go there only: what a
 * page says is private.
 */

#include "server.h"

#include "answer.h"
#include "base/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void object_path(const struct job *job, char *out, size_t size)
{
    snprintf(out, size, BUS_PATH "/job/%u", job->number);
}

/* 0, or the error that is set. */
static int check_owner(const struct job *job, sd_bus_message *m, sd_bus_error *error)
{
    const char *sender = m ? sd_bus_message_get_sender(m) : NULL;

    if (sender && strcmp(sender, job->caller->name) == 0)
        return 0;
    return sd_bus_error_set(error, SD_BUS_ERROR_ACCESS_DENIED,
                            "this job is another program's; make one with CreateJob");
}

static int method_run(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
    struct job *job = userdata;
    struct fail fail = {0};

    int r = check_owner(job, m, error);
    if (r < 0)
        return r;
    if (job->running)
        return sd_bus_error_set(error, BUS_ERROR "InvalidOption",
                                "this job was begun already; make another one for another run");
    r = server_run_job(job->server, job, m, &fail);
    if (r >= 0)
        return 1;
    answer_error(error, r, &fail);
    return r;
}

static int set_paused(sd_bus_message *m, struct job *job, bool paused, sd_bus_error *error)
{
    int r = check_owner(job, m, error);
    if (r < 0)
        return r;
    r = sd_bus_reply_method_return(m, NULL);
    server_pause_job(job->server, job, paused); /* may free it */
    return r < 0 ? r : 1;
}

static int method_pause(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
    return set_paused(m, userdata, true, error);
}

static int method_resume(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
    return set_paused(m, userdata, false, error);
}

static int method_cancel(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
    struct job *job = userdata;

    int r = check_owner(job, m, error);
    if (r < 0)
        return r;
    r = sd_bus_reply_method_return(m, NULL);
    server_cancel_job(job->server, job); /* may free it */
    return r < 0 ? r : 1;
}

static enum job_state state_of(const struct job *job)
{
    if (!job->running)
        return JOB_CREATED;
    if (job->paused_by_owner)
        return JOB_PAUSED;
    return worker_has_begun(job->server->worker, job) ? JOB_RUNNING : JOB_QUEUED;
}

static int get_state(sd_bus *bus, const char *path, const char *interface, const char *property,
                     sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    const struct job *job = userdata;

    int r = check_owner(job, sd_bus_get_current_message(bus), error);
    return r < 0 ? r : sd_bus_message_append(reply, "u", (uint32_t) state_of(job));
}

static const sd_bus_vtable job_vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD_WITH_ARGS("Run", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", text, "a{sv}", result),
                            method_run, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Pause", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_pause,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Resume", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_resume,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Cancel", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_cancel,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_SIGNAL_WITH_ARGS("Progress", SD_BUS_ARGS("u", stage, "d", fraction), 0),
    SD_BUS_SIGNAL_WITH_ARGS("Segment",
                            SD_BUS_ARGS("u", index, "u", line, "s", hanzi, "s", pinyin, "t",
                                        start_us, "t", end_us, "d", confidence),
                            0),
    SD_BUS_SIGNAL_WITH_ARGS("Mark", SD_BUS_ARGS("s", name, "t", start_us), 0),
    SD_BUS_PROPERTY("State", "u", get_state, 0, 0),
    SD_BUS_VTABLE_END,
};

int object_new(struct server *s, struct job *job)
{
    char path[64];

    job->number = ++s->n_objects;
    object_path(job, path, sizeof(path));
    return sd_bus_add_object_vtable(s->bus, &job->object, path, BUS_JOB, job_vtable, job);
}

static int append_event(sd_bus_message *m, const struct job_event *e)
{
    switch (e->type) {
    case EVENT_PROGRESS:
        return sd_bus_message_append(m, "ud", (uint32_t) e->stage, e->fraction);
    case EVENT_SEGMENT:
        return sd_bus_message_append(m, "uussttd", e->index, UINT32_MAX, e->text, e->pinyin,
                                     e->start_usec, e->end_usec, e->fraction);
    case EVENT_MARK:
        return sd_bus_message_append(m, "st", e->text, e->start_usec);
    }
    return -EINVAL;
}

void object_tell(struct server *s, const struct job *job, const struct job_event *event)
{
    static const char *const names[] = {"Progress", "Segment", "Mark"};
    CLEANUP(sd_bus_message_unrefp) sd_bus_message *m = NULL;
    char path[64];

    object_path(job, path, sizeof(path));
    int r = sd_bus_message_new_signal(s->bus, &m, path, BUS_JOB, names[event->type]);
    if (r >= 0)
        r = append_event(m, event);
    if (r >= 0)
        r = sd_bus_send_to(s->bus, m, job->caller->name, NULL);
    if (r < 0)
        log_warning_errno(r, "Failed to tell %s of its job: %m", job->caller->name);
}
