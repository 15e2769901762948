/* SPDX-License-Identifier: Apache-2.0
 *
 * The thread that reads and speaks. It has the engine to itself; what it is to do waits in a queue.
 * What is written of times counts from the press.
 */

#include "tools/ctl/scan/session.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "tools/ctl/engine-local.h"

enum { QUEUE = 12, MAX_WAITING_PAGES = 4, TICK_MS = 50, STOP = 2 };

enum job_kind { JOB_BEGIN, JOB_PAGE, JOB_SAY, JOB_END };
struct job {
    enum job_kind kind;
    uint64_t press_usec; ///< JOB_BEGIN
    int fd;              ///< JOB_PAGE: a memfd, owned
    double dpi;
    unsigned number;           ///< JOB_PAGE; JOB_END: how many
    json_t *about;             ///< JOB_PAGE, owned
    enum scan_problem problem; ///< JOB_SAY
};

struct reader {
    struct ctl ctl; ///< a copy: its time begins with each press
    struct reader_options options;
    pthread_t thread;

    /* the thread's own */
    struct engine *engine;
    struct pipeline *pipeline;
    struct format_writer writer;
    bool writes, said_card;
    struct audio_player *player; ///< of speech
    uint64_t play_usec;          ///< the first sample was handed over then
    size_t n_samples;            ///< since then
    unsigned n_read;             ///< pages with text since the press
    size_t n_spoken;             ///< samples since the press
    double first_ms;             ///< of them, behind the press; < 0: nothing was heard yet
    double sound_ms;             ///< likewise of this page
    json_t *page;                ///< borrowed from the job at hand
    FILE *out;

    pthread_mutex_t lock; ///< over what follows
    pthread_cond_t changed;
    struct job queue[QUEUE];
    size_t n, n_pages; ///< n_pages of them are pages
    size_t n_presses;  ///< begun, and not read to their end
    bool working, ended;
    int r; ///< what failed first, and why
    struct fail fail;
};

/* ---- JSON ---- */

static pthread_mutex_t print_lock = PTHREAD_MUTEX_INITIALIZER;

int scan_print_json(json_t *object, struct fail *fail)
{
    pthread_mutex_lock(&print_lock);
    int r = ctl_print_json(object, fail);
    pthread_mutex_unlock(&print_lock);
    return r;
}

static void note_ms(json_t *page, const char *name, double ms)
{
    json_t *all = json_object_get(page, "ms");
    if (all)
        json_object_set_new(all, name, json_real(ms));
}

/* ---- failures ---- */

static void keep_failure(struct reader *r, int error, const struct fail *why)
{
    pthread_mutex_lock(&r->lock);
    if (r->r == 0) {
        r->r = error;
        r->fail = *why;
    }
    pthread_mutex_unlock(&r->lock);
}

/* A watch goes on, so it says it now; else it is the program's last word. */
static void failed(struct reader *r, int error, const struct fail *why)
{
    if (ctl_cancelled)
        return;
    keep_failure(r, error, why);
    if (!r->options.keep_going)
        return;
    ctl_progress_clear();
    fprintf(stderr, "braillectl: %s\n", why->text);
    if (r->ctl.json) {
        struct fail none = {0};
        scan_print_json(json_pack("{s{ss si ss}}", "error", "name", scan_words[SCAN_NOT_READ].name,
                                  "exit", (int) why->kind, "text", why->text),
                        &none);
    }
}

/* ---- the engine ---- */

static int get_engine(struct reader *r, struct fail *fail)
{
    return r->engine ? 0 : engine_new(&r->ctl, &r->engine, fail);
}

/* The connection of one that failed may be gone. Local ones stay: they took seconds to load. */
static void drop_engine(struct reader *r)
{
    if (r->engine && r->engine->daemon)
        r->engine = engine_free(r->engine);
}

static int get_pipeline(struct reader *r, struct fail *fail)
{
    if (r->pipeline)
        return 0;
    int e = local_pipeline_new(&r->ctl, &r->pipeline, fail);
    if (e == 0)
        e = format_begin(
            &r->writer, r->options.format,
            &(struct format_options){.device = pipeline_device(r->pipeline)->name, .doubt = 0.9});
    r->writes = e == 0;
    return e;
}

static void begin(struct reader *r, const struct job *job)
{
    struct fail why = {0};

    r->ctl.start_usec = job->press_usec;
    r->n_read = 0;
    r->n_spoken = 0;
    r->first_ms = -1;
    if (r->options.keep_going)
        r->r = 0;
    int e = r->options.speak ? get_engine(r, &why) : get_pipeline(r, &why);
    if (e == 0 && r->options.speak)
        e = engine_prepare(r->engine, &why);
    if (e < 0)
        drop_engine(r);
    if (e < 0)
        failed(r, e, &why);
}

/* ---- speech ---- */

static int on_sound(void *userdata, const float *samples, size_t n, struct fail *fail)
{
    struct reader *r = userdata;
    int e = 0;

    if (n == 0)
        return 0;
    if (!r->player) {
        e = audio_player_new(ENGINE_RATE_HZ, &ctl_cancelled, &r->player, fail);
        r->play_usec = ctl_now_usec();
        r->n_samples = 0;
    }
    if (e == 0)
        e = audio_player_write(r->player, samples, n, fail);
    if (e == 0 && r->sound_ms < 0)
        r->sound_ms = ctl_ms_since(r->ctl.start_usec);
    if (r->first_ms < 0)
        r->first_ms = r->sound_ms;
    r->n_samples += n;
    r->n_spoken += n;
    return e;
}

static void play_to_the_end(struct reader *r)
{
    struct fail why = {0};

    if (!r->player)
        return;
    int e = audio_player_drain(r->player, &why);
    r->player = audio_player_free(r->player);
    if (e < 0 && e != -ECANCELED)
        failed(r, e, &why);
}

/* Speak; what fails is told by the caller. -ENODATA: signs only. */
static int speak(struct reader *r, const char *text, enum lang_input input, struct fail *fail)
{
    struct engine_say_params say = r->options.say;

    say.input = input;
    int e = get_engine(r, fail);
    if (e == 0)
        e = engine_say(r->engine, text, &say, on_sound, r, fail);
    if (e < 0 && e != -ENODATA)
        drop_engine(r);
    return e;
}

/* Without words where even that fails: they stand on standard error already. */
static void say_problem(struct reader *r, enum scan_problem problem)
{
    struct fail none = {0};

    if (r->options.speak && !ctl_cancelled && *scan_words[problem].hanzi)
        speak(r, scan_words[problem].hanzi, LANG_TEXT, &none);
}

/* ---- a page ---- */

static bool has_words(const char *text)
{
    return text && strpbrk(text, "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ");
}

static int print(struct reader *r, const char *text, size_t size, struct fail *fail)
{
    pthread_mutex_lock(&print_lock);
    errno = 0;
    int e = fwrite(text, 1, size, stdout) == size ? ctl_flush(fail)
                                                  : fail_set(fail, FAIL_IO, errno ? -errno : -EIO,
                                                             "cannot write to standard output: %m");
    pthread_mutex_unlock(&print_lock);
    return e;
}

static void add_reading(struct reader *r, const struct job *job, const struct engine_page *page)
{
    json_t *more = json_pack("{ss sf ss ss ss sb}", "code", page->code, "confidence",
                             page->confidence, "text", page->text, "pinyin", page->pinyin, "device",
                             r->engine->device, "daemon", r->engine->daemon);
    if (more)
        json_object_update(job->about, more);
    json_decref(more);
}

static int speak_page(struct reader *r, const struct job *job, struct fail *fail)
{
    struct engine_read_params read = r->options.read;
    struct engine_page page = {0};
    char name[32];

    snprintf(name, sizeof(name), "page %u", job->number);
    read.dpi = job->dpi;
    int e = get_engine(r, fail);
    if (e == 0)
        e = engine_read(r->engine, job->fd, name, &read, &page, fail);
    if (e < 0) {
        if (fail->kind != FAIL_INPUT)
            drop_engine(r);
        return e;
    }
    note_ms(job->about, "text", ctl_ms_since(r->ctl.start_usec));
    ctl_say_line(&r->ctl, "%s: read, mean certainty %.3f", name, page.confidence);
    add_reading(r, job, &page);
    if (!has_words(page.text))
        e = fail_set(fail, FAIL_INPUT, -ENODATA,
                     "%s: no text in any code of Chinese braille; nothing of it is said", name);
    if (e == 0 && r->options.print)
        e = print(r, page.pinyin, strlen(page.pinyin), fail);
    if (e == 0 && r->options.print)
        e = print(r, "\n", 1, fail);
    if (e == 0)
        e = speak(r, page.text, LANG_PINYIN, fail);
    engine_page_done(&page);
    return e;
}

static int write_page(struct reader *r, const struct job *job, struct fail *fail)
{
    CLEANUP(image_freep) struct image *img = NULL;
    CLEANUP_FREE char *text = NULL;
    struct pipeline_reading reading = {0};
    size_t size = 0;
    char name[32];

    snprintf(name, sizeof(name), "page %u", job->number);
    int e = get_pipeline(r, fail);
    if (e == 0)
        e = local_read(r->pipeline, &r->ctl, job->fd, name,
                       pipeline_read_params(.dpi = job->dpi, .code = r->options.read.code,
                                            .orientation = r->options.read.orientation,
                                            .mirrored = r->options.read.mirrored,
                                            .sides = r->options.read.sides),
                       &reading, r->options.format->needs_picture ? &img : NULL, fail);
    ctl_progress_clear();
    if (e < 0)
        return e;
    ctl_say_line(&r->ctl, "%s: read, mean certainty %.3f", name, (double) reading.confidence);
    e = format_add(&r->writer, &(struct format_page){.name = name, .img = img, .reading = &reading},
                   fail);
    pipeline_reading_done(&reading);
    if (e < 0 || r->options.out || r->options.format->end)
        return e;
    e = format_take(&r->writer, &text, &size);
    return e < 0 ? e : print(r, text, size, fail);
}

/* A page without braille in a stack is a back that is blank: in a line, and said only where no page
 * has any. */
static void do_page(struct reader *r, struct job *job)
{
    struct fail why = {0};

    r->sound_ms = -1;
    int e = r->options.speak ? speak_page(r, job, &why) : write_page(r, job, &why);
    const bool empty = e == -ENODATA || (e < 0 && why.kind == FAIL_INPUT);
    if (r->sound_ms >= 0)
        note_ms(job->about, "sound", r->sound_ms);
    if (e == 0) {
        r->n_read++;
    } else if (empty) {
        ctl_say_line(&r->ctl, "page %u: %s", job->number, *why.text ? why.text : "nothing to say");
    } else {
        failed(r, e, &why);
        if (!ctl_cancelled)
            tones_play(r->options.tones, TONE_ERROR);
        say_problem(r, SCAN_NOT_READ);
    }
    if (r->ctl.json && r->options.speak && (e == 0 || empty)) {
        struct fail none = {0};
        e = scan_print_json(json_incref(job->about), &none);
        if (e < 0)
            failed(r, e, &none);
    }
}

static void press_done(struct reader *r)
{
    pthread_mutex_lock(&r->lock);
    r->n_presses -= r->n_presses > 0;
    pthread_mutex_unlock(&r->lock);
}

static void end(struct reader *r, const struct job *job)
{
    struct fail why = {0};

    if (job->number > 0 && r->n_read == 0 && r->r == 0) {
        int e = fail_set(&why, FAIL_INPUT, -ENODATA, "no braille was found on %s",
                         job->number > 1 ? "any page" : "the page");
        failed(r, e, &why);
        tones_play(r->options.tones, TONE_ERROR);
        press_done(r); /* who lays the page anew while this is said wants it scanned */
        say_problem(r, SCAN_NO_BRAILLE);
        play_to_the_end(r);
        return;
    }
    play_to_the_end(r);
    press_done(r);
    if (r->n_read == 0 || ctl_cancelled || !r->options.speak)
        return;
    tones_play(r->options.tones, TONE_DONE);
    ctl_say_line(&r->ctl, "read aloud: %.1f s of speech, the first after %.2f s, on %s",
                 (double) r->n_spoken / ENGINE_RATE_HZ, r->first_ms / 1000,
                 r->engine ? r->engine->device : "");
}

/* ---- the queue ---- */

static void job_done(struct job *job)
{
    if (job->kind == JOB_PAGE) {
        close(job->fd);
        json_decref(job->about);
    }
}

/* Under the lock. */
static void forget(struct reader *r)
{
    for (size_t i = 0; i < r->n; i++)
        job_done(&r->queue[i]);
    r->n = r->n_pages = r->n_presses = 0;
}

static void until_ms(struct timespec *ret, double ms)
{
    clock_gettime(CLOCK_REALTIME, ret);
    ret->tv_nsec += (long) ((uint64_t) ms % 1000 * 1000000);
    ret->tv_sec += (time_t) ((uint64_t) ms / 1000) + ret->tv_nsec / 1000000000;
    ret->tv_nsec %= 1000000000;
}

/* Under the lock: something to do, or false: it is time to end. While speech is still heard it
 * waits with the card open, so that the next page follows on without a gap. */
static bool next(struct reader *r, struct job *ret)
{
    struct timespec until;

    while (r->n == 0 && !r->ended) {
        r->working = r->player != NULL;
        pthread_cond_broadcast(&r->changed);
        const double rest_ms =
            r->player ? 1000.0 * (double) r->n_samples / ENGINE_RATE_HZ - ctl_ms_since(r->play_usec)
                      : 0;
        if (r->player && (rest_ms <= 0 || ctl_cancelled)) {
            pthread_mutex_unlock(&r->lock);
            play_to_the_end(r);
            pthread_mutex_lock(&r->lock);
        } else if (r->player) {
            until_ms(&until, MIN(rest_ms, TICK_MS));
            pthread_cond_timedwait(&r->changed, &r->lock, &until);
        } else {
            pthread_cond_wait(&r->changed, &r->lock);
        }
    }
    if (r->ended)
        return false;
    *ret = r->queue[0];
    memmove(r->queue, r->queue + 1, --r->n * sizeof(*r->queue));
    r->n_pages -= ret->kind == JOB_PAGE;
    r->working = true;
    pthread_cond_broadcast(&r->changed);
    return true;
}

static void work(struct reader *r, struct job *job)
{
    if (job->kind == JOB_BEGIN)
        begin(r, job);
    else if (job->kind == JOB_PAGE)
        do_page(r, job);
    else if (job->kind == JOB_SAY)
        say_problem(r, job->problem);
    else
        end(r, job);
}

static void *run(void *userdata)
{
    struct reader *r = userdata;
    struct job job;

    pthread_mutex_lock(&r->lock);
    while (next(r, &job)) {
        pthread_mutex_unlock(&r->lock);
        if (!ctl_cancelled)
            work(r, &job);
        job_done(&job);
        pthread_mutex_lock(&r->lock);
    }
    pthread_mutex_unlock(&r->lock);
    r->player = audio_player_free(r->player);
    return NULL;
}

static void add(struct reader *r, const struct job *job)
{
    pthread_mutex_lock(&r->lock);
    if (r->n < QUEUE) {
        r->queue[r->n++] = *job;
        r->n_pages += job->kind == JOB_PAGE;
        pthread_cond_broadcast(&r->changed);
    } else if (job->kind == JOB_PAGE) {
        close(job->fd);
        json_decref(job->about);
    }
    pthread_mutex_unlock(&r->lock);
}

/* ---- from the scanning thread ---- */

int reader_new(const struct ctl *ctl, const struct reader_options *options, struct reader **ret,
               struct fail *fail)
{
    struct reader *r = calloc(1, sizeof(*r));
    sigset_t all, old;

    if (!r)
        return -ENOMEM;
    r->ctl = *ctl;
    r->options = *options;
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->changed, NULL);
    sigfillset(&all); /* signals end the waiting of the thread that scans */
    pthread_sigmask(SIG_BLOCK, &all, &old);
    int e = -pthread_create(&r->thread, NULL, run, r);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (e < 0) {
        pthread_cond_destroy(&r->changed);
        pthread_mutex_destroy(&r->lock);
        free(r);
        return fail_set(fail, FAIL_OTHER, e, "cannot begin a thread: %m");
    }
    *ret = r;
    return 0;
}

void reader_begin(struct reader *r, uint64_t press_usec)
{
    pthread_mutex_lock(&r->lock);
    r->n_presses++;
    pthread_mutex_unlock(&r->lock);
    add(r, &(struct job){.kind = JOB_BEGIN, .press_usec = press_usec});
}

/* Wait a little, or until something changed. Under the lock. */
static void wait_tick(struct reader *r)
{
    struct timespec until;

    until_ms(&until, TICK_MS);
    pthread_cond_timedwait(&r->changed, &r->lock, &until);
}

static int to_memory(const struct image *img, int *ret_fd, struct fail *fail)
{
    CLEANUP_FREE uint8_t *data = NULL;
    size_t size = 0, done = 0;

    int e = image_encode(img, img->n_chan == 1 ? "page.pgm" : "page.ppm", &data, &size, fail);
    if (e < 0)
        return e;
    int fd = memfd_create("braillectl-page", MFD_CLOEXEC);
    while (fd >= 0 && done < size) {
        const ssize_t n = write(fd, data + done, size - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        done += (size_t) n;
    }
    if (fd < 0 || done < size || lseek(fd, 0, SEEK_SET) < 0) {
        if (fd >= 0)
            close(fd);
        return fail_set(fail, FAIL_OTHER, -ENOMEM, "not enough memory for the page");
    }
    *ret_fd = fd;
    return 0;
}

int reader_page(struct reader *r, struct image *img, unsigned number, json_t *about,
                struct fail *fail)
{
    struct job job = {.kind = JOB_PAGE, .number = number, .dpi = img->dpi, .about = about};

    int e = to_memory(img, &job.fd, fail);
    image_free(img);
    if (e < 0) {
        json_decref(about);
        return e;
    }
    pthread_mutex_lock(&r->lock);
    while (r->n_pages >= MAX_WAITING_PAGES && !ctl_cancelled)
        wait_tick(r);
    pthread_mutex_unlock(&r->lock);
    add(r, &job);
    return ctl_cancelled ? ctl_interrupted(fail) : 0;
}

void reader_end(struct reader *r, unsigned n_pages)
{
    add(r, &(struct job){.kind = JOB_END, .number = n_pages});
}

void reader_say(struct reader *r, enum scan_problem problem)
{
    add(r, &(struct job){.kind = JOB_SAY, .problem = problem});
}

bool reader_is_idle(struct reader *r)
{
    pthread_mutex_lock(&r->lock);
    const bool idle = r->n == 0 && !r->working;
    pthread_mutex_unlock(&r->lock);
    return idle;
}

bool reader_is_reading(struct reader *r)
{
    pthread_mutex_lock(&r->lock);
    const bool reading = r->n_presses > 0;
    pthread_mutex_unlock(&r->lock);
    return reading;
}

static void wait_idle(struct reader *r)
{
    pthread_mutex_lock(&r->lock);
    while (r->n > 0 || r->working) {
        if (ctl_cancelled)
            forget(r);
        wait_tick(r);
    }
    pthread_mutex_unlock(&r->lock);
}

/* Engines and players end when ctl_cancelled is set; a signal that comes meanwhile stays set. */
void reader_stop(struct reader *r)
{
    int none = 0, stop = STOP;

    __atomic_compare_exchange_n(&ctl_cancelled, &none, STOP, false, __ATOMIC_SEQ_CST,
                                __ATOMIC_SEQ_CST);
    wait_idle(r);
    pthread_mutex_lock(&r->lock);
    r->r = 0;
    r->n_presses = 0;
    r->fail = (struct fail){0};
    pthread_mutex_unlock(&r->lock);
    __atomic_compare_exchange_n(&ctl_cancelled, &stop, 0, false, __ATOMIC_SEQ_CST,
                                __ATOMIC_SEQ_CST);
}

/* What is left of a document, under its name or to standard output. */
static int write_out(struct reader *r, struct fail *fail)
{
    CLEANUP(file_out_done) struct file_out file = FILE_OUT_INIT;
    CLEANUP_FREE char *text = NULL;
    size_t size = 0;

    int e = format_end(&r->writer, &text, &size, fail);
    if (e < 0 || !r->options.out)
        return e < 0 ? e : print(r, text, size, fail);
    e = file_out_open(&file, r->options.out, fail);
    if (e == 0)
        e = file_out_write(&file, text, size, fail);
    return e < 0 ? e : file_out_commit(&file, fail);
}

int reader_finish(struct reader *r, struct fail *fail)
{
    wait_idle(r);
    if (ctl_cancelled)
        return ctl_interrupted(fail);
    if (r->r < 0) {
        *fail = r->fail;
        return r->r;
    }
    return r->writes ? write_out(r, fail) : 0;
}

struct reader *reader_free(struct reader *r)
{
    if (!r)
        return NULL;
    reader_stop(r);
    pthread_mutex_lock(&r->lock);
    r->ended = true;
    pthread_cond_broadcast(&r->changed);
    pthread_mutex_unlock(&r->lock);
    pthread_join(r->thread, NULL);
    if (r->writes)
        format_done(&r->writer);
    engine_free(r->engine);
    pipeline_free(r->pipeline);
    pthread_cond_destroy(&r->changed);
    pthread_mutex_destroy(&r->lock);
    free(r);
    return NULL;
}
