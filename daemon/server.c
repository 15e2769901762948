/* SPDX-License-Identifier: Apache-2.0 */

#include "server.h"

#include "answer.h"
#include "base/log.h"
#include "journal.h"
#include "stream.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

static void arm_idle(struct server *s)
{
    if (s->idle && s->n_jobs == 0) {
        sd_event_source_set_time_relative(s->idle, s->params.idle_usec);
        sd_event_source_set_enabled(s->idle, SD_EVENT_ONESHOT);
    }
}

static void tell_queue(struct server *s)
{
    if (s->leaving) /* the name is not ours any more */
        return;
    sd_bus_emit_properties_changed(s->bus, BUS_PATH, BUS_MANAGER, "Busy", "QueueLength", NULL);
}

static void forget_job(struct server *s, struct job *job)
{
    for (struct job **p = &s->jobs; *p; p = &(*p)->next)
        if (*p == job) {
            *p = job->next;
            s->n_jobs--;
            s->n_running -= job->running;
            break;
        }
    const bool was_running = job->running;
    job_free(job);
    if (was_running)
        tell_queue(s);
    if (s->leaving && s->n_jobs == 0)
        sd_event_exit(s->event, 0);
    arm_idle(s);
}

/* What became of it; of the page and its text nothing. */
static void log_end(const struct job *job)
{
    const struct job_result *res = &job->result;
    const char *name = job_kind_names[job->kind];
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    journal_field("METHOD", "%s", name);
    journal_field("CALLER", "%s", job->caller->name);
    if (job->number > 0)
        journal_field("JOB", "%u", job->number);
    journal_field("DURATION_USEC", "%" PRIu64,
                  (uint64_t) ts.tv_sec * 1000000 + (uint64_t) ts.tv_nsec / 1000 - job->start_usec);
    if (*res->device)
        journal_field("DEVICE", "%s", res->device);
    if (res->r < 0) {
        sd_bus_error error = SD_BUS_ERROR_NULL;
        answer_error(&error, res->r, &res->fail);
        journal_field("RESULT", "%s", strrchr(error.name, '.') + 1);
        log_debug("%s for %s: %s", name, job->caller->name, error.message);
        sd_bus_error_free(&error);
    } else {
        journal_field("RESULT", "done");
        journal_field("CELLS", "%zu", pipeline_reading_cells(&res->reading));
        if (res->rate_hz > 0)
            journal_field("AUDIO_USEC", "%zu", res->n_samples * 1000000 / res->rate_hz);
        log_debug("%s for %s: %zu cells, %zu samples on %s", name, job->caller->name,
                  pipeline_reading_cells(&res->reading), res->n_samples, res->device);
    }
    journal_clear();
}

/* Answer and forget. */
static void end_job(struct server *s, struct job *job)
{
    const char *name = job_kind_names[job->kind];

    if (job->result.r >= 0 && job->number > 0)
        object_tell(
            s, job,
            &(struct job_event){.type = EVENT_PROGRESS, .stage = PIPELINE_DONE, .fraction = 1});
    metrics_count(&s->metrics, job);
    int r = answer_send(job);
    if (r < 0)
        log_warning_errno(r, "Failed to answer a call of %s: %m", name);
    log_end(job);
    forget_job(s, job);
}

/* The worker is through and the sound is out: only then the answer is due. */
static void end_if_ready(struct server *s, struct job *job)
{
    if (!job->worked)
        return;
    if (job->stream && !job->gone && !job->cancel && job->result.r >= 0) {
        if (!stream_is_over(job->stream))
            return;
        if (stream_is_broken(job->stream))
            job->result.r = fail_set(&job->result.fail, FAIL_INTERRUPTED, -ECANCELED,
                                     "nobody reads audio-fd any more");
    }
    if (job->cancel && job->result.r >= 0) /* when only sound was left to go out */
        job->result.r =
            fail_set(&job->result.fail, FAIL_INTERRUPTED, -ECANCELED, "the work was cancelled");
    end_job(s, job);
}

static void on_stream_done(void *userdata)
{
    struct job *job = userdata;

    if (!job->running) /* its reader left before it was begun: Run() will tell */
        return;
    if (stream_is_broken(job->stream) && !job->worked)
        worker_cancel(job->server->worker, job);
    end_if_ready(job->server, job);
}

void server_cancel_job(struct server *s, struct job *job)
{
    if (!job->running) {
        forget_job(s, job);
        return;
    }
    worker_cancel(s->worker, job);
    end_if_ready(s, job);
}

static int on_caller_gone(sd_bus_track *track, void *userdata)
{
    struct server *s = userdata;

    for (struct job *job = s->jobs, *next; job; job = next) {
        next = job->next;
        if (job->caller->track != track || job->gone)
            continue;
        log_debug("%s left before its answer; its work is cancelled", job->caller->name);
        job->gone = true;
        server_cancel_job(s, job);
    }
    return 1;
}

static void tell_device(struct server *s)
{
    struct vkc_device_info info;

    if (!worker_device(s->worker, &info) ||
        (strcmp(info.name, s->device.name) == 0 && strcmp(info.driver, s->device.driver) == 0))
        return;
    s->device = info;
    log_info("Device: %s (%s, %s)", info.name, vkc_device_type_name(info.type), info.driver);
    sd_bus_emit_properties_changed(s->bus, BUS_PATH, BUS_MANAGER, "Device", NULL);
}

/* What is told of a sentence is told before its sound leaves. */
static void tell_events(struct server *s, struct job *job)
{
    if (job->stream)
        stream_allow(job->stream);
    for (struct job_event *e; (e = worker_take_event(s->worker, job)); job_event_free(e))
        if (!job->gone)
            object_tell(s, job, e);
}

static int on_worker(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
    struct server *s = userdata;

    worker_acknowledge(s->worker);
    tell_device(s);
    for (struct job *job = s->jobs, *next; job; job = next) {
        next = job->next;
        if (!job->running || job->worked)
            continue;
        tell_events(s, job);
        if (job->stream)
            stream_pump(job->stream); /* cannot end the job: the worker still has it */
    }
    for (struct job *job; (job = worker_take_done(s->worker));) {
        job->worked = true;
        tell_events(s, job);
        if (job->stream && !job->gone && job->result.r >= 0 && !stream_is_over(job->stream))
            stream_end(job->stream); /* ends the job once all is out */
        else
            end_if_ready(s, job);
    }
    return 0;
}

int server_add_job(struct server *s, struct job *job, sd_bus_message *call, struct fail *fail)
{
    CLEANUP(job_freep) struct job *j = job;
    int r = 0;

    if (s->n_jobs >= SERVER_QUEUE_LIMIT)
        return fail_set(fail, FAIL_UNAVAILABLE, -EBUSY,
                        "%u pages are waiting already; try again in a moment", s->n_jobs);
    r = caller_ref(&s->callers, call, s->params.system, on_caller_gone, s, &j->caller, fail);
    if (r >= 0 && j->options.audio_fd >= 0)
        r = stream_new(s->event, j->options.audio_fd, on_stream_done, j, &j->stream);
    if (r < 0)
        return fail_set(fail, FAIL_OTHER, r, "cannot begin: %m");
    if (s->idle)
        sd_event_source_set_enabled(s->idle, SD_EVENT_OFF);
    j->next = s->jobs;
    s->jobs = j;
    s->n_jobs++;
    TAKE_PTR(j);
    return 0;
}

int server_run_job(struct server *s, struct job *job, sd_bus_message *call, struct fail *fail)
{
    int r = worker_add(s->worker, job);

    if (r < 0)
        return fail_set(fail, FAIL_OTHER, r, "cannot begin: %m");
    job->running = true;
    job->call = sd_bus_message_ref(call);
    sd_event_now(s->event, CLOCK_MONOTONIC, &job->start_usec);
    s->n_running++;
    tell_queue(s);
    if (job->number > 0)
        object_tell(s, job, &(struct job_event){.type = EVENT_PROGRESS, .stage = PIPELINE_QUEUED});
    return 0;
}

void server_pause_job(struct server *s, struct job *job, bool paused)
{
    job->paused_by_owner = paused;
    worker_pause(s->worker, job, paused);
    if (job->stream)
        stream_hold(job->stream, paused); /* may end the job */
}

/* Tell systemd first, so that it queues starts instead of taking us for running; then give the name
 * up and serve what was sent to it before: the bus delivers NameLost after all of that. */
static void leave(struct server *s)
{
    if (s->leaving)
        return;
    s->leaving = true;
    sd_notify(0, "STOPPING=1");
    int r = sd_bus_release_name_async(s->bus, NULL, s->name, NULL, NULL);
    if (r < 0)
        sd_event_exit(s->event, log_error_errno(r, "Failed to give up %s: %m", s->name));
}

static int on_idle(sd_event_source *source, uint64_t usec, void *userdata)
{
    log_debug("Nothing to do: leaving");
    leave(userdata);
    return 0;
}

static int on_name_lost(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
    struct server *s = userdata;
    const char *name;

    if (sd_bus_message_read(m, "s", &name) < 0 || strcmp(name, s->name) != 0 || !s->has_name)
        return 0;
    if (!s->leaving)
        log_info("Another brailled took over");
    s->leaving = true;
    sd_notify(0, "STOPPING=1");
    if (s->n_jobs == 0)
        sd_event_exit(s->event, 0);
    return 0;
}

static int open_bus(struct server *s)
{
    const char *which = s->params.system ? "system" : "session";

    int r = s->params.system ? sd_bus_open_system(&s->bus) : sd_bus_open_user(&s->bus);
    if (r < 0)
        return log_error_errno(r, "Failed to reach the %s bus: %m; is it running?", which);
    r = sd_bus_set_exit_on_disconnect(s->bus, true);
    if (r >= 0)
        r = sd_bus_set_close_on_exit(s->bus, false); /* server_done() still answers */
    if (r >= 0)
        r = sd_bus_attach_event(s->bus, s->event, SD_EVENT_PRIORITY_NORMAL);
    if (r >= 0)
        r = sd_bus_add_object_vtable(s->bus, NULL, BUS_PATH, BUS_MANAGER, manager_vtable, s);
    if (r >= 0)
        r = sd_bus_match_signal(s->bus, NULL, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                                "org.freedesktop.DBus", "NameLost", on_name_lost, s);
    if (r < 0)
        return log_error_errno(r, "Failed to set up the %s bus: %m", which);
    return 0;
}

static int take_name(struct server *s)
{
    uint64_t flags = SD_BUS_NAME_ALLOW_REPLACEMENT;

    if (s->params.replace)
        flags |= SD_BUS_NAME_REPLACE_EXISTING;
    int r = sd_bus_request_name(s->bus, s->name, flags);
    if (r == -EEXIST)
        return log_error_errno(r, "Another brailled has the name %s; --replace takes it over",
                               s->name);
    if (r < 0)
        return log_error_errno(r, "Failed to take the name %s: %m", s->name);
    s->has_name = true;
    sd_notify(0, "READY=1");
    return 0;
}

/* A handler rather than a signalfd: libraries start threads before main() (OpenBLAS does), and a
 * signal that is blocked here only would end the process from there. */
static int stop_fd = -1, reload_fd = -1;

static void on_signal(int sig)
{
    const uint64_t one = 1;
    const int saved_errno = errno;
    ssize_t n = write(sig == SIGHUP ? reload_fd : stop_fd, &one, sizeof(one));
    (void) n; /* only fails when the counter is full: it is readable then */
    errno = saved_errno;
}

static int on_stop(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
    return sd_event_exit(sd_event_source_get_event(source), 0);
}

/* What has begun goes on with what it has; the next one opens device and weights anew. */
static int on_reload(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
    struct server *s = userdata;
    uint64_t count;
    ssize_t n = read(fd, &count, sizeof(count));
    (void) n;

    log_info("Reloading: the next work opens the device and the weights anew");
    worker_reload(s->worker);
    return 0;
}

static int catch_signals(struct server *s)
{
    const struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_RESTART};

    stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    reload_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (stop_fd < 0 || reload_fd < 0)
        return -errno;
    signal(SIGPIPE, SIG_IGN);
    if (sigaction(SIGTERM, &sa, NULL) < 0 || sigaction(SIGINT, &sa, NULL) < 0 ||
        sigaction(SIGHUP, &sa, NULL) < 0)
        return -errno;
    int r = sd_event_add_io(s->event, NULL, stop_fd, EPOLLIN, on_stop, NULL);
    return r < 0 ? r : sd_event_add_io(s->event, NULL, reload_fd, EPOLLIN, on_reload, s);
}

static int add_sources(struct server *s)
{
    int r = catch_signals(s);
    if (r >= 0)
        r = sd_event_set_watchdog(s->event, true);
    if (r >= 0)
        r = sd_event_add_io(s->event, NULL, worker_fd(s->worker), EPOLLIN, on_worker, s);
    if (r >= 0 && s->params.idle_usec > 0)
        r = sd_event_add_time_relative(s->event, &s->idle, CLOCK_MONOTONIC, s->params.idle_usec, 0,
                                       on_idle, s);
    return r < 0 ? log_error_errno(r, "Failed to set up the event loop: %m") : 0;
}

/* What is still open is answered, so that no caller waits for a daemon that is gone. */
static void server_done(struct server *s)
{
    sd_notify(0, "STOPPING=1");
    s->leaving = true;
    s->worker = worker_free(s->worker);
    while (s->jobs) {
        struct job *job = s->jobs;
        job->result.r = -ECANCELED;
        job->result.fail = (struct fail){0};
        fail_set(&job->result.fail, FAIL_INTERRUPTED, -ECANCELED,
                 "brailled was stopped; try again");
        answer_send(job);
        forget_job(s, job);
    }
    sd_event_source_disable_unref(s->idle);
    sd_bus_flush_close_unref(s->bus);
    sd_event_unref(s->event);
}

int server_run(const struct server_params *params)
{
    struct server s = {.params = *params};
    int code = FAIL_OTHER;

    if (service_name(params->instance, s.name) < 0) {
        log_error("--instance takes a name of 1 to %d letters and digits",
                  SERVICE_INSTANCE_BYTES - 1);
        return FAIL_USAGE;
    }
    int r = sd_event_default(&s.event);
    if (r < 0) {
        log_error_errno(r, "Failed to make an event loop: %m");
        return code;
    }
    r = worker_new(&params->worker, &s.worker);
    if (r < 0)
        log_error_errno(r, "Failed to start the worker: %m");
    if (r >= 0)
        r = add_sources(&s);
    if (r >= 0 && (r = open_bus(&s)) < 0)
        code = FAIL_UNAVAILABLE;
    if (r >= 0 && (r = take_name(&s)) < 0 && r != -EEXIST)
        code = FAIL_UNAVAILABLE; /* where connecting is all that was done so far */
    if (r >= 0) {
        r = sd_event_loop(s.event); /* what sd_event_exit() got; a lost bus gives it 1 */
        code = r == 0 ? 0 : FAIL_OTHER;
        if (r > 0)
            log_error("The bus was lost");
    }
    server_done(&s);
    return code;
}
