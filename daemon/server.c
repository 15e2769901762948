/* SPDX-License-Identifier: Apache-2.0 */

#include "server.h"

#include "answer.h"
#include "base/log.h"
#include "stream.h"

#include <errno.h>
#include <signal.h>
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

static void unlink_job(struct server *s, struct job *job)
{
    for (struct job **p = &s->jobs; *p; p = &(*p)->next)
        if (*p == job) {
            *p = job->next;
            s->n_jobs--;
            break;
        }
}

/* Answer and forget. */
static void end_job(struct server *s, struct job *job)
{
    static const char *const kinds[] = {"Convert", "Say", "Prepare", "ListVoices"};

    unlink_job(s, job);
    int r = answer_send(job);
    if (r < 0)
        log_warning_errno(r, "Failed to answer a call of %s: %m", kinds[job->kind]);
    if (job->result.r < 0)
        log_debug("%s: %s", kinds[job->kind], job->result.fail.text);
    else
        log_debug("%s: %zu cells, %zu samples on %s", kinds[job->kind],
                  pipeline_reading_cells(&job->result.reading), job->result.n_samples,
                  job->result.device);
    job_free(job);
    if (s->leaving && s->n_jobs == 0)
        sd_event_exit(s->event, 0);
    arm_idle(s);
}

/* The worker is through and the sound is out: only then the answer is due. */
static void end_if_ready(struct server *s, struct job *job)
{
    if (!job->worked)
        return;
    if (job->stream && !job->gone && job->result.r >= 0) {
        if (!stream_is_over(job->stream))
            return;
        if (stream_is_broken(job->stream))
            job->result.r = fail_set(&job->result.fail, FAIL_INTERRUPTED, -ECANCELED,
                                     "nobody reads audio-fd any more");
    }
    end_job(s, job);
}

static void on_stream_done(void *userdata)
{
    struct job *job = userdata;

    if (stream_is_broken(job->stream))
        job->cancel = 1;
    end_if_ready(job->server, job);
}

static int on_caller_gone(sd_bus_track *track, void *userdata)
{
    struct job *job = userdata;
    struct server *s = job->server;

    log_debug("A caller left before its answer; its work is cancelled");
    job->gone = true;
    job->cancel = 1;
    job->track = sd_bus_track_unref(job->track); /* an empty one would call again and again */
    if (worker_remove(s->worker, job)) {
        job->worked = true;
        job->result.r = -ECANCELED;
    }
    end_if_ready(s, job);
    return 1;
}

static void tell_device(struct server *s)
{
    struct vkc_device_info info;

    if (s->device_told || !worker_device(s->worker, &info))
        return;
    s->device_told = true;
    log_info("Device: %s (%s, %s)", info.name, vkc_device_type_name(info.type), info.driver);
    sd_bus_emit_properties_changed(s->bus, BUS_PATH, BUS_MANAGER, "Device", NULL);
}

static int on_worker(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
    struct server *s = userdata;

    worker_acknowledge(s->worker);
    tell_device(s);
    for (struct job *job = s->jobs, *next; job; job = next) {
        next = job->next;
        if (job->stream && !job->worked)
            stream_pump(job->stream); /* cannot end the job: the worker still has it */
    }
    for (struct job *job; (job = worker_take_done(s->worker));) {
        job->worked = true;
        if (job->stream && !job->gone && job->result.r >= 0 && !stream_is_over(job->stream))
            stream_end(job->stream); /* ends the job once all is out */
        else
            end_if_ready(s, job);
    }
    return 0;
}

static int follow_caller(struct server *s, struct job *job)
{
    int r = sd_bus_track_new(s->bus, &job->track, on_caller_gone, job);
    return r < 0 ? r : sd_bus_track_add_sender(job->track, job->call);
}

static unsigned jobs_of(const struct server *s, const char *sender)
{
    unsigned n = 0;

    for (const struct job *job = s->jobs; job; job = job->next) {
        const char *other = sd_bus_message_get_sender(job->call);
        n += sender && other && strcmp(sender, other) == 0;
    }
    return n;
}

int server_start_job(struct server *s, struct job *job, struct fail *fail)
{
    CLEANUP(job_freep) struct job *j = job;
    int r = 0;

    if (s->n_jobs >= SERVER_QUEUE_LIMIT)
        return fail_set(fail, FAIL_UNAVAILABLE, -EBUSY,
                        "%u pages are waiting already; try again in a moment", s->n_jobs);
    if (jobs_of(s, sd_bus_message_get_sender(j->call)) >= SERVER_CALLER_LIMIT)
        return fail_set(fail, FAIL_UNAVAILABLE, -EBUSY,
                        "%d of your pages are waiting already; wait for one of them",
                        SERVER_CALLER_LIMIT);
    if (j->options.audio_fd >= 0)
        r = stream_new(s->event, j->options.audio_fd, on_stream_done, j, &j->stream);
    if (r >= 0)
        r = follow_caller(s, j);
    if (r < 0)
        return fail_set(fail, FAIL_OTHER, r, "cannot begin: %m");
    if (s->idle)
        sd_event_source_set_enabled(s->idle, SD_EVENT_OFF);
    j->next = s->jobs;
    s->jobs = j;
    s->n_jobs++;
    worker_add(s->worker, TAKE_PTR(j));
    return 0;
}

/* Tell systemd first, so that it queues starts instead of taking us for running; then give the name
 * up and serve what was sent to it before: the bus delivers NameLost after all of that. */
static void leave(struct server *s)
{
    if (s->leaving)
        return;
    s->leaving = true;
    sd_notify(0, "STOPPING=1");
    int r = sd_bus_release_name_async(s->bus, NULL, BUS_NAME, NULL, NULL);
    if (r < 0)
        sd_event_exit(s->event, log_error_errno(r, "Failed to give up %s: %m", BUS_NAME));
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

    if (sd_bus_message_read(m, "s", &name) < 0 || strcmp(name, BUS_NAME) != 0 || !s->has_name)
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
    int r = sd_bus_request_name(s->bus, BUS_NAME, flags);
    if (r == -EEXIST)
        return log_error_errno(r, "Another brailled has the name %s; --replace takes it over",
                               BUS_NAME);
    if (r < 0)
        return log_error_errno(r, "Failed to take the name %s: %m", BUS_NAME);
    s->has_name = true;
    sd_notify(0, "READY=1");
    return 0;
}

/* A handler rather than a signalfd: libraries start threads before main() (OpenBLAS does), and a
 * signal that is blocked here only would end the process from there. */
static int stop_fd = -1;

static void on_stop_signal(int sig)
{
    const uint64_t one = 1;
    const int saved_errno = errno;
    ssize_t n = write(stop_fd, &one, sizeof(one));
    (void) n; /* only fails when the counter is full: it is readable then */
    errno = saved_errno;
}

static int on_stop(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
    return sd_event_exit(sd_event_source_get_event(source), 0);
}

static int catch_signals(struct server *s)
{
    const struct sigaction sa = {.sa_handler = on_stop_signal, .sa_flags = SA_RESTART};

    stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (stop_fd < 0)
        return -errno;
    signal(SIGPIPE, SIG_IGN);
    if (sigaction(SIGTERM, &sa, NULL) < 0 || sigaction(SIGINT, &sa, NULL) < 0)
        return -errno;
    return sd_event_add_io(s->event, NULL, stop_fd, EPOLLIN, on_stop, NULL);
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
    s->worker = worker_free(s->worker);
    while (s->jobs) {
        struct job *job = s->jobs;
        unlink_job(s, job);
        job->result.r = -ECANCELED;
        job->result.fail = (struct fail){0};
        fail_set(&job->result.fail, FAIL_INTERRUPTED, -ECANCELED,
                 "brailled was stopped; try again");
        answer_send(job);
        job_free(job);
    }
    sd_event_source_disable_unref(s->idle);
    sd_bus_flush_close_unref(s->bus);
    sd_event_unref(s->event);
}

int server_run(const struct server_params *params)
{
    struct server s = {.params = *params};
    int code = FAIL_OTHER;

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
