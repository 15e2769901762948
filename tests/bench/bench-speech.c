/* SPDX-License-Identifier: Apache-2.0
 *
 * bench-speech LIST [RATE [cancel]]: speak each line of LIST (toned pinyin, no sandhi) with a warm
 * pipeline; `-` instead of LIST: one sentence of 30 syllables, cold. One JSON object on standard
 * output: seconds of sound, wall and processor seconds, the worst and the mean milliseconds to the
 * first sound, the longest time between two chunks, peak memory. Wall times hang on what else runs
 * on the machine; processor time over the cores is what they would be on an idle one at best. With
 * "cancel" a sentence is cancelled 40 times instead, and the time until that was heard is told.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/file.h"
#include "pipeline/pipeline.h"

static const char sentence[] = "ming2tian1 zao3shang5 wo3men5 yi4qi3 qu4 cheng2 li3 mai3 cai4 ， "
                               "xia4wu3 hui2jia1 gei3 hai2zi5men5 "
                               "zuo4 yi2 dun4 hao3chi1 de5 wan3fan4 。";

struct figures {
    double began_wall, began_cpu, last_wall;
    double first_wall, first_cpu; ///< of this sentence; < 0: none yet
    double audio_s, acoustic_ms, vocoder_ms, gap_s;
    double sum_first, worst_first, sum_first_cpu, worst_first_cpu;
    unsigned n, n_chunks;
};

static double now(clockid_t clock)
{
    struct timespec ts;

    clock_gettime(clock, &ts);
    return (double) ts.tv_sec + (double) ts.tv_nsec * 1e-9;
}

static int hear(void *userdata, const struct pipeline_chunk *chunk, struct fail *fail)
{
    struct figures *f = userdata;
    const double wall = now(CLOCK_MONOTONIC);

    if (chunk->n_samples > 0 && f->first_wall < 0) {
        f->first_wall = wall - f->began_wall;
        f->first_cpu = now(CLOCK_PROCESS_CPUTIME_ID) - f->began_cpu;
    } else if (wall - f->last_wall > f->gap_s) {
        f->gap_s = wall - f->last_wall;
    }
    f->last_wall = wall;
    f->audio_s += (double) chunk->n_samples / 16000;
    f->acoustic_ms += chunk->acoustic_ms;
    f->vocoder_ms += chunk->vocoder_ms;
    f->n_chunks++;
    return 0;
}

static int speak(struct pipeline *p, const char *pinyin, double rate, struct figures *f)
{
    struct fail fail = {0};

    f->began_wall = f->last_wall = now(CLOCK_MONOTONIC);
    f->began_cpu = now(CLOCK_PROCESS_CPUTIME_ID);
    f->first_wall = -1;
    int r = pipeline_say(p, pinyin, pipeline_say_params(.rate = rate, .no_sandhi = true), NULL,
                         hear, f, &fail);
    if (r < 0)
        return fprintf(stderr, "%s: %s\n", pinyin, fail.text), r;
    f->sum_first += f->first_wall;
    f->sum_first_cpu += f->first_cpu;
    f->worst_first = f->first_wall > f->worst_first ? f->first_wall : f->worst_first;
    f->worst_first_cpu = f->first_cpu > f->worst_first_cpu ? f->first_cpu : f->worst_first_cpu;
    f->n++;
    return 0;
}

struct canceller {
    volatile int cancel;
    double after_s, at; ///< when it was set
};

static void *wait_and_cancel(void *userdata)
{
    struct canceller *c = userdata;
    const struct timespec t = {0, (long) (c->after_s * 1e9)};

    nanosleep(&t, NULL);
    c->at = now(CLOCK_MONOTONIC);
    c->cancel = 1;
    return NULL;
}

/* Cancel 40 times, 10 ms later each time. */
static int measure_cancel(struct pipeline *p)
{
    double worst = 0, sum = 0;
    unsigned n = 0;

    for (unsigned i = 1; i <= 40; i++) {
        struct canceller c = {.after_s = 0.01 * i};
        const struct pipeline_job job = {.cancel = &c.cancel};
        struct figures f = {0};
        pthread_t thread;
        if (pthread_create(&thread, NULL, wait_and_cancel, &c) != 0)
            return -EAGAIN;
        int r =
            pipeline_say(p, sentence, pipeline_say_params(.no_sandhi = true), &job, hear, &f, NULL);
        const double end = now(CLOCK_MONOTONIC);
        pthread_join(thread, NULL);
        if (r != -ECANCELED) /* it was over before */
            continue;
        n++;
        sum += end - c.at;
        worst = end - c.at > worst ? end - c.at : worst;
    }
    printf("{\"cancelled\": %u, \"cancel_ms\": %.1f, \"cancel_worst_ms\": %.1f}\n", n,
           sum / (n ? n : 1) * 1e3, worst * 1e3);
    return 0;
}

static void print(const struct figures *f, double wall_s, double cpu_s)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    printf(
        "{\"sentences\": %u, \"chunks\": %u, \"audio_s\": %.3f, \"wall_s\": %.3f, \"cpu_s\": %.3f, "
        "\"acoustic_ms\": %.1f, \"vocoder_ms\": %.1f, \"first_ms\": %.1f, \"first_worst_ms\": "
        "%.1f, \"first_cpu_ms\": %.1f, \"first_cpu_worst_ms\": %.1f, \"longest_gap_ms\": %.1f, "
        "\"peak_mib\": %.1f}\n",
        f->n, f->n_chunks, f->audio_s, wall_s, cpu_s, f->acoustic_ms, f->vocoder_ms,
        f->sum_first / f->n * 1e3, f->worst_first * 1e3, f->sum_first_cpu / f->n * 1e3,
        f->worst_first_cpu * 1e3, f->gap_s * 1e3, (double) usage.ru_maxrss / 1024);
}

int main(int argc, char **argv)
{
    CLEANUP(pipeline_freep) struct pipeline *p = NULL;
    CLEANUP_FREE uint8_t *list = NULL;
    const double rate = argc > 2 ? strtod(argv[2], NULL) : 1;
    struct figures f = {0};
    struct fail fail = {0};
    size_t size = 0;
    char *rest = NULL;
    int r = argc < 2 ? -EINVAL : pipeline_new(pipeline_params(), &p, &fail);

    if (r < 0)
        return fprintf(stderr, "bench-speech LIST [RATE [cancel]]: %s\n", fail.text), 2;
    const bool cold = strcmp(argv[1], "-") == 0;
    if (!cold && ((r = file_read(argv[1], 1u << 20, &list, &size, &fail)) < 0 ||
                  (r = speak(p, sentence, rate, &f)) < 0))
        return fprintf(stderr, "%s\n", fail.text), 1;
    if (argc > 3)
        return measure_cancel(p) < 0;
    f = (struct figures){0};
    CLEANUP_FREE char *text =
        strndup(cold ? sentence : (char *) list, cold ? strlen(sentence) : size);
    const double wall = now(CLOCK_MONOTONIC), cpu = now(CLOCK_PROCESS_CPUTIME_ID);
    for (char *line = strtok_r(text, "\n", &rest); line && r == 0;
         line = strtok_r(NULL, "\n", &rest))
        r = speak(p, line, rate, &f);
    if (r < 0 || f.n == 0)
        return 1;
    print(&f, now(CLOCK_MONOTONIC) - wall, now(CLOCK_PROCESS_CPUTIME_ID) - cpu);
    return 0;
}
