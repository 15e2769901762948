/* SPDX-License-Identifier: Apache-2.0 */

#include "metrics.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

const char *const metrics_stage_names[METRICS_N_STAGES] = {"open", "decode", "grid",     "embed",
                                                           "knn",  "lang",   "acoustic", "vocoder"};

void metrics_stages(const struct job_result *res, double ret_ms[METRICS_N_STAGES])
{
    const struct pipeline_times *t = &res->reading.times_ms;
    const double ms[METRICS_N_STAGES] = {res->open_ms,     t->decode,      t->grid,
                                         t->embed,         t->knn,         t->lang,
                                         res->acoustic_ms, res->vocoder_ms};
    memcpy(ret_ms, ms, sizeof(ms));
}

void metrics_count(struct metrics *m, const struct job *job)
{
    const struct job_result *res = &job->result;
    const enum metrics_outcome outcome = res->r >= 0            ? METRICS_DONE
                                         : res->r == -ECANCELED ? METRICS_CANCELLED
                                                                : METRICS_FAILED;
    double ms[METRICS_N_STAGES];

    m->jobs[job->kind][outcome]++;
    m->cells += pipeline_reading_cells(&res->reading);
    m->samples += res->n_samples;
    m->segments += res->n_segments;
    m->rate_hz = res->rate_hz ? res->rate_hz : m->rate_hz;
    metrics_stages(res, ms);
    for (unsigned i = 0; i < METRICS_N_STAGES; i++)
        m->stage_ms[i] += ms[i];
}

static void head(FILE *f, const char *name, const char *type, const char *help)
{
    fprintf(f, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void one(FILE *f, const char *name, const char *type, const char *help, double value)
{
    head(f, name, type, help);
    fprintf(f, "%s %.17g\n", name, value);
}

static unsigned count_fds(void)
{
    DIR *dir = opendir("/proc/self/fd");
    unsigned n = 0;

    for (const struct dirent *d; dir && (d = readdir(dir));)
        n += isdigit((unsigned char) d->d_name[0]) != 0;
    if (!dir)
        return 0;
    closedir(dir);
    return n - 1; /* the folder's own */
}

static double resident_bytes(void)
{
    FILE *f = fopen("/proc/self/statm", "re");
    unsigned long pages = 0;

    if (!f)
        return 0;
    if (fscanf(f, "%*u %lu", &pages) != 1)
        pages = 0;
    fclose(f);
    return (double) pages * (double) sysconf(_SC_PAGESIZE);
}

static double cpu_seconds(void)
{
    struct rusage u = {0};

    getrusage(RUSAGE_SELF, &u);
    return (double) (u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double) (u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1e-6;
}

/* A device's name may hold anything; a label's value is quoted. */
static void put_label(FILE *f, const char *s)
{
    for (; *s; s++)
        if (*s == '\n')
            fputs("\\n", f);
        else
            fprintf(f, *s == '"' || *s == '\\' ? "\\%c" : "%c", *s);
}

static void put_jobs(FILE *f, const struct metrics *m)
{
    static const char *const outcomes[] = {"done", "failed", "cancelled"};

    head(f, "brailled_jobs_total", "counter", "Calls that ended, by method and outcome.");
    for (unsigned k = 0; k < JOB_N_KINDS; k++)
        for (unsigned i = 0; i < METRICS_N_OUTCOMES; i++)
            fprintf(f, "brailled_jobs_total{method=\"%s\",outcome=\"%s\"} %" PRIu64 "\n",
                    job_kind_names[k], outcomes[i], m->jobs[k][i]);
    head(f, "brailled_stage_seconds_total", "counter", "Time spent, by stage of the work.");
    for (unsigned i = 0; i < METRICS_N_STAGES; i++)
        fprintf(f, "brailled_stage_seconds_total{stage=\"%s\"} %.17g\n", metrics_stage_names[i],
                m->stage_ms[i] / 1000);
}

int metrics_text(const struct metrics *m, unsigned n_queued, const struct vkc_device_info *device,
                 char **ret)
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);

    if (!f)
        return -ENOMEM;
    put_jobs(f, m);
    one(f, "brailled_cells_total", "counter", "Braille cells read.", (double) m->cells);
    one(f, "brailled_sentences_total", "counter", "Sentences spoken.", (double) m->segments);
    one(f, "brailled_audio_seconds_total", "counter", "Seconds of speech made.",
        m->rate_hz ? (double) m->samples / m->rate_hz : 0);
    one(f, "brailled_queue_length", "gauge", "Calls that are worked on or wait.", n_queued);
    head(f, "brailled_info", "gauge", "Version and Vulkan device; the device is empty until used.");
    fprintf(f, "brailled_info{version=\"%s\",device=\"", BRAILLED_VERSION);
    put_label(f, device ? device->name : "");
    fputs("\"} 1\n", f);
    one(f, "process_cpu_seconds_total", "counter", "User and system CPU time.", cpu_seconds());
    one(f, "process_resident_memory_bytes", "gauge", "Resident memory.", resident_bytes());
    one(f, "process_open_fds", "gauge", "Open file descriptors.", count_fds());
    if (fclose(f) != 0) {
        free(text);
        return -ENOMEM;
    }
    *ret = text;
    return 0;
}
