/* SPDX-License-Identifier: Apache-2.0
 *
 * Page by page: read, cut into sentences, speak. Always in this process: a book takes hours, and
 * brailled does one thing at a time.
 */

#include "tools/ctl/book/book.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "image/image.h"
#include "tools/ctl/engine-local.h"

#define HEADING_S 0.8 /* where a heading begins or ends, as PIPELINE_PARAGRAPH_S */

static bool is_streamed(const struct book_options *o)
{
    return !o->out || strcmp(o->out, "-") == 0;
}

/* ---- what the book is made of ---- */

static int add_hash(json_t *list, const char *name, const char *path, struct fail *fail)
{
    char hash[HASH_TEXT];
    int r = hash_sha256_file(path, hash, fail);

    if (r < 0)
        return r;
    return json_array_append_new(list, json_pack("[ss]", name, hash)) < 0 ? -ENOMEM : 0;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static int hash_weights(const struct ctl *ctl, json_t *list, struct fail *fail)
{
    CLEANUP_FREE char *pattern = NULL;
    glob_t g = {0};
    int r = 0;

    if (asprintf(&pattern, "%s/*.safetensors", ctl->models ? ctl->models : pipeline_models_dir()) <
        0)
        return -ENOMEM;
    if (glob(pattern, 0, NULL, &g) == GLOB_NOSPACE)
        return -ENOMEM;
    for (size_t i = 0; r == 0 && i < g.gl_pathc; i++)
        r = add_hash(list, base_name(g.gl_pathv[i]), g.gl_pathv[i], fail);
    globfree(&g);
    return r;
}

/* Of pages that cannot be opened there is no hash: they fail, or are left out, when their turn
 * comes, and are looked at again by the next run. */
static int hash_pages(const struct book_names *names, json_t *list, struct fail *fail)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < names->n; i++) {
        struct fail none = {0};
        r = ctl_cancelled ? ctl_interrupted(fail)
                          : add_hash(list, names->list[i], names->list[i], &none);
        if (none.kind == FAIL_OPEN || none.kind == FAIL_IO)
            r = json_array_append_new(list, json_pack("[sn]", names->list[i])) < 0 ? -ENOMEM : 0;
    }
    return r;
}

static int make_head(const struct book *b, json_t **ret, struct fail *fail)
{
    const struct book_options *o = b->options;
    json_t *weights = json_array(), *pages = json_array();

    int r = weights && pages ? hash_weights(b->ctl, weights, fail) : -ENOMEM;
    if (r == 0)
        r = hash_pages(&b->names, pages, fail);
    if (r < 0) {
        json_decref(weights);
        json_decref(pages);
        return r;
    }
    *ret = json_pack("{si ss so s{si si sf si si sf sf sf ss} so}", "braillectl book", 1, "version",
                     BRAILLED_VERSION, "weights", weights, "options", "orientation", o->orientation,
                     "mirrored", o->mirrored, "dpi", o->dpi, "code", (int) o->code, "sides",
                     (int) o->sides, "rate", o->say.rate, "pitch", o->say.pitch, "volume",
                     o->say.volume, "voice", o->say.voice ? o->say.voice : "", "pages", pages);
    return *ret ? 0 : -ENOMEM;
}

/* ---- a page ---- */

static json_t *page_error(const struct fail *fail)
{
    return json_pack("{ss}", "skipped", fail->text);
}

/* Of a page that is at fault itself: may the book go on without it? */
static int leave_out(struct book *b, size_t k, int r, const struct fail *why, struct fail *fail)
{
    const bool its_own = why->kind == FAIL_INPUT || why->kind == FAIL_OPEN;

    if (!its_own || !b->options->keep_going) {
        *fail = *why;
        if (its_own)
            ctl_say_line(b->ctl,
                         "page %zu of %zu cannot be read; --keep-going leaves such pages "
                         "out",
                         k + 1, b->names.n);
        return r;
    }
    ctl_say_line(b->ctl, "%s: left out: %s", b->names.list[k], why->text);
    return book_work_page(&b->work, k, page_error(why), fail);
}

static void say_of_page(const struct book *b, size_t k, const struct pipeline_reading *reading)
{
    const char *name = b->names.list[k], *title = engine_code_title(lang_code_names[reading->code]);

    ctl_say_line(b->ctl, "%s: page %zu of %zu, mean certainty %.3f", name, k + 1, b->names.n,
                 (double) reading->confidence);
    if (!pipeline_reading_is_text(reading))
        ctl_say_line(b->ctl, "%s: no text in any code of Chinese braille; nothing of it is said",
                     name);
    else if (reading->n_unknown)
        ctl_say_line(b->ctl, "%s: %u cells are no text in %s; left out", name, reading->n_unknown,
                     title);
}

static int read_picture(struct book *b, const char *name, struct pipeline_reading *ret,
                        struct fail *fail)
{
    const struct book_options *o = b->options;
    int fd = -1;

    int r = ctl_open_input(name, IMAGE_MAX_FILE_BYTES, &fd, fail);
    if (r < 0)
        return r;
    r = local_read(local_engine_pipeline(b->engine), b->ctl, fd, name,
                   pipeline_read_params(.orientation = o->orientation, .dpi = o->dpi,
                                        .code = o->code, .sides = o->sides,
                                        .mirrored = o->mirrored),
                   ret, NULL, fail);
    close(fd);
    return r;
}

static int read_page(struct book *b, size_t k, struct fail *fail)
{
    const json_t *skipped = json_object_get(b->work.pages[k], "skipped");
    struct pipeline_reading reading = {0};
    struct fail why = {0};

    if (skipped && !b->options->keep_going)
        return fail_set(fail, FAIL_INPUT, -EBADMSG, "%s; --keep-going leaves this page out",
                        json_string_value(skipped));
    if (b->work.pages[k])
        return 0;
    int r = read_picture(b, b->names.list[k], &reading, &why);
    if (r < 0)
        return leave_out(b, k, r, &why, fail);
    local_engine_add_times(b->engine, &reading);
    say_of_page(b, k, &reading);
    r = book_work_page(&b->work, k, book_page_json(&reading), fail);
    pipeline_reading_done(&reading);
    return r;
}

/* ---- its sentences ---- */

static int on_sound(void *userdata, const float *samples, size_t n, struct fail *fail)
{
    struct book *b = userdata;

    int r = book_work_sound(&b->work, samples, n, fail);
    return r < 0 ? r : speech_take(&b->speech, samples, n, fail);
}

static int pause_before(struct book *b, const struct book_sentence *s, struct fail *fail)
{
    static const float silence[ENGINE_RATE_HZ]; /* all zero */
    const struct book_said *last = b->work.n_said ? &b->work.said[b->work.n_said - 1] : NULL;
    double seconds = 0;

    if (!last)
        return 0;
    if (s->kind != BOOK_TEXT)
        seconds = s->kind != last->s.kind && BOOK_HEADING == MAX(s->kind, last->s.kind)
                      ? HEADING_S
                      : PIPELINE_PARAGRAPH_S;
    return on_sound(b, silence, (size_t) (seconds * ENGINE_RATE_HZ / b->options->say.rate), fail);
}

static void tell_progress(struct book *b, size_t k)
{
    const unsigned long s = (unsigned long) (b->work.n_samples / ENGINE_RATE_HZ);

    snprintf(b->ctl->about, sizeof(b->ctl->about),
             "page %zu of %zu, %lu:%02lu of speech so far: ", k + 1, b->names.n, s / 60, s % 60);
}

static int say_sentence(struct book *b, struct book_sentence *s, struct fail *fail)
{
    struct fail why = {0};

    if (book_work_has(&b->work, s))
        return 0;
    if (b->work.next < b->work.n_said)
        return fail_set(fail, FAIL_INPUT, -EBADMSG,
                        "what was kept of the book does not fit it; remove '%s'",
                        b->work.journal_path);
    tell_progress(b, s->page);
    int r = pause_before(b, s, fail);
    const uint64_t start = b->work.n_samples;
    if (r == 0)
        r = engine_say(b->engine, s->pinyin, &b->options->say, on_sound, b, &why);
    if (r == -ENODATA) /* signs only */
        r = 0;
    else if (r < 0)
        *fail = why;
    return r < 0 ? r : book_work_said(&b->work, s, start, fail);
}

static int say_page(struct book *b, size_t k, struct fail *fail)
{
    CLEANUP(book_sentences_done) struct book_sentences sentences = {0};
    const json_t *page = b->work.pages[k];

    int r = book_text_add(&b->text, page, (unsigned) k, k + 1 == b->names.n, &sentences,
                          &b->numbers[k], fail);
    for (size_t i = 0; r == 0 && i < sentences.n; i++)
        r = ctl_cancelled ? ctl_interrupted(fail) : say_sentence(b, &sentences.list[i], fail);
    return r;
}

/* ---- the book ---- */

static void say_where_it_goes_on(const struct book *b, const char *anew)
{
    const struct book_work *w = &b->work;
    size_t n_read = 0;

    if (b->names.sorted)
        ctl_say_line(b->ctl, "pages in the order of their numbers: %s, %s, …",
                     base_name(b->names.list[0]), base_name(b->names.list[1]));
    if (anew)
        ctl_say_line(b->ctl, "what was kept in %s is not used, %s: the book begins anew",
                     w->journal_path, anew);
    for (size_t i = 0; i < w->n_pages; i++)
        n_read += w->pages[i] != NULL;
    if (n_read > 0)
        ctl_say_line(b->ctl, "going on where it was: %zu of %zu pages read, %.1f s of speech",
                     n_read, w->n_pages, (double) w->n_samples / ENGINE_RATE_HZ);
}

/* Once: each page after it is the same. */
static void warn_of_repetition(const struct book *b, size_t k, bool *warned)
{
    if (*warned || !book_page_repeats(b->work.pages[k - 1], b->work.pages[k]))
        return;
    *warned = true;
    ctl_say_line(b->ctl,
                 "%s has the text that is on the other side of %s: where each side was scanned for "
                 "itself, --side recto says it once",
                 b->names.list[k], b->names.list[k - 1]);
}

static int make(struct book *b, struct fail *fail)
{
    json_t *head = NULL;
    bool warned = false;
    const char *anew;

    int r = make_head(b, &head, fail);
    if (r == 0)
        r = book_work_open(&b->work, is_streamed(b->options) ? NULL : b->options->out, head,
                           b->names.n, &anew, fail);
    json_decref(head);
    if (r < 0)
        return r;
    say_where_it_goes_on(b, anew);
    r = engine_local_new(b->ctl, &b->engine, fail);
    for (size_t k = 0; r == 0 && k < b->names.n; k++) {
        tell_progress(b, k);
        r = read_page(b, k, fail);
        if (r == 0 && k > 0)
            warn_of_repetition(b, k, &warned);
        if (r == 0)
            r = say_page(b, k, fail);
    }
    b->ctl->about[0] = 0;
    if (r == 0 && b->work.n_said == 0)
        r = fail_set(fail, FAIL_INPUT, -ENODATA, "there is nothing to speak on these pages");
    return r < 0 ? r : book_find_chapters(b);
}

/* Try the outputs now, so that a wrong one costs no waiting: the sound's name is free again, until
 * the chapters that stand in its head are known. */
static int try_outputs(struct book *b, struct fail *fail)
{
    const char *const others[] = {b->options->text, b->options->vtt};

    int r = speech_open(&b->speech, b->ctl, b->options->out, b->options->play, fail);
    if (r == 0 && !is_streamed(b->options)) {
        b->speech.writer = audio_writer_free(b->speech.writer);
        b->speech.path = NULL;
    }
    for (size_t i = 0; r == 0 && i < ELEMENTSOF(others); i++) {
        CLEANUP(file_out_done) struct file_out file = FILE_OUT_INIT;
        if (others[i])
            r = file_out_open(&file, others[i], fail);
    }
    return r;
}

static int find_title(struct book *b)
{
    const struct book_options *o = b->options;

    b->title = o->title;
    if (!b->title && b->names.folder)
        b->title = b->names.folder;
    if (b->title || is_streamed(o))
        return 0;
    const char *name = base_name(o->out), *dot = strrchr(name, '.');
    b->title = b->made_title = strndup(name, dot ? (size_t) (dot - name) : strlen(name));
    return b->title ? 0 : -ENOMEM;
}

static int check_names(const struct book *b, struct fail *fail)
{
    for (size_t i = 0; i < b->names.n; i++)
        if (strcmp(b->names.list[i], "-") == 0)
            return fail_set(fail, FAIL_USAGE, -EINVAL,
                            "standard input holds one page; name the pages of a book");
    return 0;
}

/* What is done stays for the next run, unless there is nothing yet. */
static void keep_work(struct book *b, int r, struct fail *fail)
{
    const struct book_work *w = &b->work;
    bool any = w->n_said > 0;

    for (size_t i = 0; i < w->n_pages && !any; i++)
        any = w->pages[i] != NULL;
    if (!w->journal || !any) {
        book_work_done(&b->work, true);
        return;
    }
    if (r == -ECANCELED) {
        *fail = (struct fail){0};
        fail_set(fail, FAIL_INTERRUPTED, r,
                 "interrupted; what is done is kept in '%s' and beside it, and the same command "
                 "goes on",
                 w->journal_path);
    } else {
        ctl_say_line(b->ctl, "what is done is kept in '%s' and beside it; the same command goes on",
                     w->journal_path);
    }
    book_work_done(&b->work, false);
}

static void book_done(struct book *b)
{
    for (size_t i = 0; i < b->n_chapters; i++)
        free(b->chapters[i].title);
    free(b->chapters);
    free(b->numbers);
    free(b->made_title);
    book_text_done(&b->text);
    speech_done(&b->speech);
    engine_free(b->engine);
    book_names_done(&b->names);
}

int book_run(struct ctl *ctl, const struct book_options *options, int n_words, char **words,
             struct fail *fail)
{
    struct book b = {.ctl = ctl, .options = options, .work = BOOK_WORK_INIT};

    int r = book_names_list(n_words, words, &b.names, fail);
    if (r == 0)
        r = check_names(&b, fail);
    if (r == 0 && !(b.numbers = calloc(b.names.n, sizeof(*b.numbers))))
        r = -ENOMEM;
    if (r == 0)
        r = find_title(&b);
    if (r == 0)
        r = try_outputs(&b, fail);
    if (r == 0)
        r = make(&b, fail);
    if (r == 0)
        r = book_finish(&b, fail);
    if (r == 0)
        r = book_report(&b, fail);
    if (r < 0)
        keep_work(&b, r, fail);
    else
        book_work_done(&b.work, true);
    book_done(&b);
    return r;
}
