/* SPDX-License-Identifier: Apache-2.0
 *
 * What the thread that reads does with a page, a message, the end of a press. It has the engine to
 * itself. Times count from the press.
 */

#include "tools/ctl/scan/reader-work.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "tools/ctl/engine-local.h"

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

/* Did brailled go away in the middle? It comes back when it is asked once more. */
static bool is_lost(const struct reader *r, const struct fail *why)
{
    return r->engine && r->engine->daemon && why->kind == FAIL_UNAVAILABLE && !ctl_cancelled;
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
    if (e < 0 && !is_lost(r, &why))
        failed(r, e, &why);
    if (e < 0)
        drop_engine(r);
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

void reader_play_to_the_end(struct reader *r)
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
    const bool again = e < 0 && r->sound_ms < 0 && is_lost(r, fail);
    if (e < 0 && e != -ENODATA)
        drop_engine(r);
    if (!again)
        return e;
    *fail = (struct fail){0};
    e = get_engine(r, fail);
    return e < 0 ? e : engine_say(r->engine, text, &say, on_sound, r, fail);
}

static int read_page(struct reader *r, const struct job *job, const char *name,
                     struct engine_page *ret, struct fail *fail)
{
    struct engine_read_params read = r->options.read;

    read.dpi = job->dpi;
    int e = get_engine(r, fail);
    if (e == 0)
        e = engine_read(r->engine, job->fd, name, &read, ret, fail);
    if (e < 0 && is_lost(r, fail)) {
        drop_engine(r);
        *fail = (struct fail){0};
        e = lseek(job->fd, 0, SEEK_SET) < 0 ? -errno : get_engine(r, fail);
        if (e == 0)
            e = engine_read(r->engine, job->fd, name, &read, ret, fail);
    }
    if (e < 0 && fail->kind != FAIL_INPUT)
        drop_engine(r);
    return e;
}

/* Without words where even that fails: they stand on standard error already. */
static void say_problem(struct reader *r, enum scan_problem problem)
{
    struct fail none = {0};

    r->sound_ms = -1;
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
    struct engine_page page = {0};
    char name[32];

    snprintf(name, sizeof(name), "page %u", job->number);
    int e = read_page(r, job, name, &page, fail);
    if (e < 0)
        return e;
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
        if (*why.text)
            ctl_say_line(&r->ctl, "%s", why.text);
        else
            ctl_say_line(&r->ctl, "page %u: there is nothing to say", job->number);
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
        int e = job->number > 1
                    ? fail_set(&why, FAIL_INPUT, -ENODATA, "no braille was found on any page")
                    : fail_set(&why, FAIL_INPUT, -ENODATA, "no braille was found on the page");
        failed(r, e, &why);
        tones_play(r->options.tones, TONE_ERROR);
        press_done(r); /* who lays the page anew while this is said wants it scanned */
        say_problem(r, SCAN_NO_BRAILLE);
        reader_play_to_the_end(r);
        return;
    }
    reader_play_to_the_end(r);
    press_done(r);
    if (r->n_read == 0 || ctl_cancelled || !r->options.speak)
        return;
    tones_play(r->options.tones, TONE_DONE);
    ctl_say_line(&r->ctl, "read aloud: %.1f s of speech, the first after %.2f s, on %s",
                 (double) r->n_spoken / ENGINE_RATE_HZ, r->first_ms / 1000,
                 r->engine ? r->engine->device : "");
}

void reader_work(struct reader *r, struct job *job)
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

int reader_write_out(struct reader *r, struct fail *fail)
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
