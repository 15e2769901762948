/* SPDX-License-Identifier: Apache-2.0
 *
 * braillectl spool: a folder whose pages become sound (tools/ctl/spool/).
 */

#include "tools/ctl/spool/spool.h"

#include "base/file.h"
#include "image/image.h"
#include "tools/ctl/speech.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    FILLING_MS = 300,    ///< until a file that is being written is looked at again
    WATCH_MS = 5 * 1000, ///< until the folder is, also where no event came (network drives)
    BUSY_MS = 2000,      ///< until a daemon without room is asked again
};

static struct {
    const char *out;
    unsigned format, orientation, side, mirrored, code;
    double dpi;
    bool watch;
    struct speech_options speech;
} options = {.speech = SPEECH_OPTIONS_INIT};

static const char *const formats[] = {"opus", "ogg", "flac", "wav", NULL};

static size_t spool_args(struct arg *out)
{
    static const struct arg args[] = {
        {"out", 'o', ARG_STRING, "OUT", N_("folder of the results (default: DIR/out)"),
         &options.out},
        {"format", 0, ARG_CHOICE, "FORMAT", N_("opus (default), ogg, flac or wav"), &options.format,
         .choices = formats},
        {"watch", 'w', ARG_FLAG, NULL, N_("stay, and wait for more pages"), &options.watch},
        ENGINE_PLACE_ARGS(&options.side, &options.orientation, &options.mirrored),
        {"dpi", 0, ARG_NUMBER, "N", N_("resolution of scans whose file does not say it"),
         &options.dpi, .min = 20, .max = 2400},
        ENGINE_CODE_ARG(&options.code),
    };
    struct arg speech[SPEECH_N_ARGS];

    memcpy(out, args, sizeof(args));
    speech_args(&options.speech, speech);
    memcpy(out + ELEMENTSOF(args), speech, (SPEECH_N_ARGS - 1) * sizeof(*speech)); /* no --play */
    return ELEMENTSOF(args) + SPEECH_N_ARGS - 1;
}

struct spool {
    struct ctl *ctl;
    const char *out;
    struct inbox inbox;
    int lock;
    struct engine *engine; ///< kept from page to page; NULL: not opened, or it failed
    size_t n_good, n_bad;
};

/* What a page became. */
struct result {
    double audio_s;
    char name[NAME_MAX + 1]; ///< of its files, without an ending
};

/* ---- one page ---- */

/* A page, not a link to somewhere, a folder or a device. */
static int open_page(const struct item *i, int *ret_fd, struct stat *ret_st, struct fail *fail)
{
    int fd = open(i->page, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

    if (fd < 0 && errno == ELOOP)
        return fail_set(fail, FAIL_OPEN, -ELOOP,
                        "'%s' is a link; drop the picture itself, a copy of it", i->name);
    if (fd < 0 || fstat(fd, ret_st) < 0) {
        int r = fail_set(fail, FAIL_OPEN, -errno,
                         "cannot open '%s': %m; make it readable for who runs braillectl spool",
                         i->name);
        if (fd >= 0)
            close(fd);
        return r;
    }
    if (!S_ISREG(ret_st->st_mode)) {
        close(fd);
        return fail_set(fail, FAIL_OPEN, -EINVAL,
                        S_ISDIR(ret_st->st_mode)
                            ? "'%s' is a folder; drop its pages, or make one book of it with "
                              "braillectl convert"
                            : "'%s' is no file; drop a picture",
                        i->name);
    }
    *ret_fd = fd;
    return 0;
}

static int read_page(struct spool *s, const struct item *i, int fd, struct engine_page *ret,
                     struct fail *fail)
{
    const struct engine_read_params params = {
        .orientation = engine_orientation_of(options.orientation),
        .dpi = options.dpi,
        .code = options.code,
        .sides = (enum pipeline_sides) options.side,
        .mirrored = engine_mirrored_of(options.mirrored),
    };
    return engine_read(s->engine, fd, i->name, &params, ret, fail);
}

static int speak(struct spool *s, const struct engine_page *page, const char *path,
                 struct result *result, struct fail *fail)
{
    struct fail why = {0};
    struct speech speech;

    int r = speech_open(&speech, s->ctl, path, false, fail);
    if (r >= 0) {
        r = speech_say(&speech, s->engine, page->text, &options.speech.say, &why);
        if (r < 0 && r != -ENODATA) /* signs only: that nothing was said shows below */
            *fail = why;
        r = r == -ENODATA ? 0 : r;
    }
    if (r >= 0)
        r = speech_commit(&speech, fail);
    if (r >= 0)
        result->audio_s = (double) speech.n_samples / speech.rate_hz;
    speech_done(&speech);
    return r;
}

static int write_line(const char *path, const char *line, struct fail *fail)
{
    CLEANUP(file_out_done) struct file_out f = FILE_OUT_INIT;

    int r = file_out_open(&f, path, fail);
    if (r >= 0)
        r = file_out_write(&f, line, strlen(line), fail);
    if (r >= 0)
        r = file_out_write(&f, "\n", 1, fail);
    return r < 0 ? r : file_out_commit(&f, fail);
}

static int make_results(struct spool *s, const struct item *i, int fd, struct result *result,
                        struct fail *fail)
{
    CLEANUP_FREE char *sound = NULL, *text = NULL;
    struct engine_page page = {0};
    char ending[8];

    snprintf(ending, sizeof(ending), ".%s", formats[options.format]);
    int r = item_result_path(i, true, ending, &sound, fail);
    if (r >= 0)
        r = item_result_path(i, true, ".txt", &text, fail);
    if (r >= 0)
        r = read_page(s, i, fd, &page, fail);
    if (r >= 0)
        r = speak(s, &page, sound, result, fail);
    if (r >= 0)
        r = write_line(text, page.text, fail);
    engine_page_done(&page);
    return r;
}

/* Whether someone wrote to it while it was read: its name was taken from them, the file was not. */
static bool has_grown(int fd, const struct stat *before)
{
    struct stat now;
    return fstat(fd, &now) == 0 &&
           (now.st_size != before->st_size || now.st_mtim.tv_sec != before->st_mtim.tv_sec ||
            now.st_mtim.tv_nsec != before->st_mtim.tv_nsec);
}

static int convert(struct spool *s, const struct item *i, struct result *result, struct fail *fail)
{
    struct stat st;
    int fd = -1;

    int r = open_page(i, &fd, &st, fail);
    if (r < 0)
        return r;
    if (!s->engine)
        r = engine_new(s->ctl, &s->engine, fail);
    if (r >= 0)
        r = make_results(s, i, fd, result, fail);
    if (has_grown(fd, &st)) {
        *fail = (struct fail){0};
        r = -EAGAIN;
    }
    close(fd);
    return r;
}

/* What the page is to blame for: it is put aside. All else (no device, no room on the disk, a stop)
 * would meet the next page as well. */
static bool is_its_fault(const struct fail *fail)
{
    return fail->kind == FAIL_INPUT || fail->kind == FAIL_OPEN;
}

/* A defect of ours or a daemon that went away over it: perhaps the page's fault, so it has a few
 * tries. */
static bool may_be_its_fault(int r, const struct fail *fail)
{
    return fail->kind == FAIL_OTHER || fail->kind == FAIL_DEFECT || fail->kind == FAIL_NONE ||
           (fail->kind == FAIL_UNAVAILABLE &&
            (r == -EREMOTEIO || r == -ECONNRESET || r == -ENOTCONN || r == -EPIPE));
}

static int tell(struct spool *s, const struct item *i, const struct result *result, const char *why,
                struct fail *fail)
{
    const char *ending = formats[options.format];
    CLEANUP_FREE char *sound = NULL, *text = NULL;
    struct ctl loud = *s->ctl;

    loud.quiet = false; /* that a page could not be read is an error */
    if (why)
        ctl_say_line(&loud, "put aside as %s/failed/%s: %s", s->out, result->name, why);
    else
        ctl_say_line(s->ctl, "%s: %.2f s of speech in %s/%s.%s", i->name, result->audio_s, s->out,
                     result->name, ending);
    if (!s->ctl->json)
        return 0;
    if (asprintf(&sound, "%s/%s.%s", s->out, result->name, ending) < 0 ||
        asprintf(&text, "%s/%s%s.txt", s->out, why ? "failed/" : "", result->name) < 0)
        return -ENOMEM;
    return ctl_print_json(json_pack("{ss ss* ss sf ss*}", "page", i->name, "sound",
                                    why ? NULL : sound, "text", text, "audio_s", result->audio_s,
                                    "why", why),
                          fail);
}

static int put_aside(struct spool *s, struct item *i, const char *reason, struct fail *fail)
{
    CLEANUP_FREE char *text = NULL, *named = NULL;
    const char *why = reason;
    struct result result = {0};

    /* brailled knows no names */
    if (!strstr(reason, i->name) && asprintf(&named, "%s: %s", i->name, reason) >= 0)
        why = named;
    int r = item_result_path(i, false, ".txt", &text, fail);
    if (r >= 0)
        r = write_line(text, why, fail);
    if (r >= 0)
        r = item_publish(i, false, result.name, fail);
    if (r < 0)
        return r;
    s->n_bad++;
    return tell(s, i, &result, why, fail);
}

/* 0: done or put aside, or -EAGAIN: again. */
static int do_once(struct spool *s, struct item *i, struct fail *fail)
{
    struct result result = {0};
    struct fail why = {0};

    if (i->tries >= ITEM_TRIES)
        return put_aside(s, i, "given up: braillectl or brailled ended each time it was read",
                         fail);
    int r = item_begin(i, fail);
    if (r < 0)
        return r;
    r = convert(s, i, &result, &why);
    if (r >= 0) {
        r = item_publish(i, true, result.name, fail);
        if (r < 0)
            return r;
        s->n_good++;
        return tell(s, i, &result, NULL, fail);
    }
    /* a new one reaches a daemon that was started anew; and a call that failed ended its connection
     */
    if (s->engine && (s->engine->daemon || !is_its_fault(&why)))
        s->engine = engine_free(s->engine);
    if (r != -EAGAIN && is_its_fault(&why))
        return put_aside(s, i, why.text, fail);
    if (r != -EAGAIN && may_be_its_fault(r, &why) && !ctl_cancelled) {
        ctl_say_line(s->ctl, "%s: %s", i->name, why.kind ? why.text : strerror(-r));
        return i->tries < ITEM_TRIES ? -EAGAIN
                                     : put_aside(s, i, why.kind ? why.text : strerror(-r), fail);
    }
    item_not_begun(i);
    if (r == -EBUSY)
        ctl_say_line(s->ctl, "%s: %s", i->name, why.text);
    if (r == -EBUSY || r == -EAGAIN) {
        inbox_wait(&s->inbox, BUSY_MS);
        return ctl_cancelled ? ctl_interrupted(fail) : -EAGAIN;
    }
    *fail = why;
    return r;
}

static int do_item(struct spool *s, struct item *i, struct fail *fail)
{
    int r;

    snprintf(s->ctl->about, sizeof(s->ctl->about), "%.80s: ", i->name);
    do
        r = do_once(s, i, fail);
    while (r == -EAGAIN);
    s->ctl->about[0] = 0;
    return r;
}

/* ---- all of them ---- */

/* What a crash or a power cut left in the middle. */
static int finish_old(struct spool *s, struct fail *fail)
{
    int r = 0;

    do {
        CLEANUP(item_done) struct item item = {0};
        r = item_resume(&item, s->out, fail);
        if (r > 0) {
            ctl_say_line(s->ctl, "%s: it was begun before; once more", item.name);
            r = do_item(s, &item, fail);
            r = r < 0 ? r : 1;
        }
    } while (r > 0);
    return r;
}

/* One that cannot be taken stays, and the others are done first. */
static int do_file(struct spool *s, struct inbox_file *f, struct fail *stuck, struct fail *fail)
{
    CLEANUP(item_done) struct item item = {0};
    struct fail why = {0};

    int r = item_take(&item, &s->inbox, f->name, s->out, &why);
    if (r < 0 && why.kind == FAIL_CREATE) {
        ctl_say_line(s->ctl, "%s", why.text);
        f->skip = true;
        if (stuck->kind == FAIL_NONE)
            *stuck = why;
        return 0;
    }
    if (r < 0) {
        *fail = why;
        return r;
    }
    if (r > 0 && inbox_is_abandoned(f))
        return put_aside(s, &item, "never finished: nobody wrote to it for a quarter of an hour",
                         fail);
    return r > 0 ? do_item(s, &item, fail) : 0;
}

static int work(struct spool *s, struct fail *fail)
{
    struct fail stuck = {0};

    int r = finish_old(s, fail);
    while (r >= 0 && !ctl_cancelled) {
        r = inbox_scan(&s->inbox, fail);
        if (r < 0)
            break;
        struct inbox_file *f = inbox_first(&s->inbox);
        const bool filling = inbox_is_filling(&s->inbox);
        if (f)
            r = do_file(s, f, &stuck, fail);
        else if (filling || options.watch)
            inbox_wait(&s->inbox, filling ? FILLING_MS : WATCH_MS);
        else
            break;
    }
    if (r >= 0 && ctl_cancelled && !options.watch)
        return ctl_interrupted(fail);
    if (r >= 0 && stuck.kind != FAIL_NONE && !options.watch) {
        *fail = stuck;
        return -EPERM;
    }
    return r;
}

static int spool_run(struct ctl *ctl, int n_words, char **words, struct fail *fail)
{
    struct spool s = {.ctl = ctl, .inbox = INBOX_INIT, .lock = -1, .out = options.out};
    CLEANUP_FREE char *inside = NULL;
    struct stat st;

    if (n_words != 1)
        return fail_set(fail, FAIL_USAGE, -EINVAL, "name one folder; see --help");
    if (stat(words[0], &st) < 0 || !S_ISDIR(st.st_mode))
        return fail_set(fail, FAIL_OPEN, errno ? -errno : -ENOTDIR,
                        "'%s' is no folder that can be looked into", words[0]);
    if (!s.out && asprintf(&inside, "%s/out", words[0]) < 0)
        return -ENOMEM;
    s.out = s.out ? s.out : inside;
    ctl_catch_signals();
    int r = item_prepare_folders(s.out, &s.lock, fail);
    if (r >= 0)
        r = inbox_open(&s.inbox, words[0], s.out, fail);
    if (r >= 0)
        r = work(&s, fail);
    ctl_say_line(ctl, "%zu pages done, %zu put aside", s.n_good, s.n_bad);
    s.engine = engine_free(s.engine);
    inbox_done(&s.inbox);
    if (s.lock >= 0)
        close(s.lock);
    return r;
}

const struct ctl_command ctl_spool = {
    .name = "spool",
    .words = "DIR",
    .summary = N_("turn what is dropped into a folder into sound"),
    .help = N_(
        "Each page in DIR becomes OUT/page.opus and OUT/page.txt, what was spoken; the picture\n"
        "goes to OUT/done. A page that cannot be read goes to OUT/failed, with a .txt beside it\n"
        "that says why. A file is taken when nobody writes to it any more; hidden files are left\n"
        "alone. Nothing appears before it is whole, and after a crash or a power cut the same\n"
        "command goes on. DIR and OUT lie on one file system. It ends when DIR is empty.\n"),
    .args = spool_args,
    .run = spool_run,
};
