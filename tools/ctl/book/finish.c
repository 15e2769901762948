/* SPDX-License-Identifier: Apache-2.0
 *
 * The end of a book: chapters, the encoded sound, what was said as text and as cues.
 */

#include "tools/ctl/book/book.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "audio/vtt.h"
#include "base/file.h"

/* Chapters are the headings where there is one on every so many pages; else a page is one. */
enum { PAGES_A_HEADING = 20, BLOCK = 4096 };

/* ---- chapters ---- */

static int add_chapter(struct book *b, uint64_t start, char *title /* taken */)
{
    struct book_chapter *more = NULL;

    if (title)
        more = reallocarray(b->chapters, b->n_chapters + 1, sizeof(*more));
    if (!more) {
        free(title);
        return -ENOMEM;
    }
    b->chapters = more;
    b->chapters[b->n_chapters] = (struct book_chapter){b->n_chapters ? start : 0, title};
    b->n_chapters++;
    return 0;
}

static const char *words_of(const struct book_said *said)
{
    return *said->s.hanzi ? said->s.hanzi : said->s.pinyin;
}

static bool is_heading(const struct book_said *said)
{
    return said->s.kind == BOOK_HEADING;
}

/* Headings that follow each other are one title. */
static char *heading_title(const struct book_said *said, size_t n)
{
    char *title = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&title, &size);

    for (size_t i = 0; f && i < n; i++)
        fprintf(f, "%s%s", i ? " " : "", words_of(&said[i]));
    return f && fclose(f) == 0 ? title : NULL;
}

static int chapters_of_headings(struct book *b)
{
    const struct book_said *said = b->work.said;
    const size_t n_said = b->work.n_said;
    int r = is_heading(&said[0]) ? 0 : add_chapter(b, 0, strdup(b->title ? b->title : "1"));

    for (size_t i = 0, n; r == 0 && i < n_said; i += n) {
        n = 1;
        if (!is_heading(&said[i]))
            continue;
        while (i + n < n_said && is_heading(&said[i + n]))
            n++;
        char *title = heading_title(&said[i], n);
        if (title && b->n_chapters && strcmp(title, b->chapters[b->n_chapters - 1].title) == 0)
            free(title); /* repeated on each page it goes on over */
        else
            r = add_chapter(b, said[i].start, title);
    }
    return r;
}

static const char *file_name(const struct book *b, unsigned page)
{
    const char *path = b->names.list[page], *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static char *page_title(const struct book *b, unsigned page)
{
    const char *name = file_name(b, page), *dot = strrchr(name, '.');
    char *title = NULL;

    if (b->numbers[page] == 0)
        return strndup(name, dot ? (size_t) (dot - name) : strlen(name));
    return asprintf(&title, "第%ld页", b->numbers[page]) < 0 ? NULL : title;
}

static int chapters_of_pages(struct book *b)
{
    const struct book_said *said = b->work.said;
    int r = 0;

    for (size_t i = 0; r == 0 && i < b->work.n_said; i++)
        if (i == 0 || said[i].s.page != said[i - 1].s.page)
            r = add_chapter(b, said[i].start, page_title(b, said[i].s.page));
    return r;
}

static bool has_enough_headings(const struct book *b)
{
    size_t n = 0;

    for (size_t i = 0; i < b->work.n_said; i++)
        n += is_heading(&b->work.said[i]) && (i == 0 || !is_heading(&b->work.said[i - 1]));
    return n > 0 && n * PAGES_A_HEADING >= b->names.n;
}

int book_find_chapters(struct book *b)
{
    switch (b->options->chapters) {
    case BOOK_CHAPTERS_NONE:
        return 0;
    case BOOK_CHAPTERS_PAGES:
        return chapters_of_pages(b);
    case BOOK_CHAPTERS_HEADINGS:
        return chapters_of_headings(b);
    case BOOK_CHAPTERS_AUTO:
        break;
    }
    return has_enough_headings(b) ? chapters_of_headings(b) : chapters_of_pages(b);
}

/* ---- text and cues ---- */

char *book_spoken_text(const struct book *b)
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);

    for (size_t i = 0; f && i < b->work.n_said; i++) {
        const struct book_sentence *s = &b->work.said[i].s;
        fprintf(f, "%s%s", i == 0 ? "" : s->kind == BOOK_TEXT ? " " : "\n", s->pinyin);
    }
    if (f && fclose(f) == 0)
        return text;
    free(text);
    return NULL;
}

static char *cues_text(const struct book *b)
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);

    if (!f)
        return NULL;
    audio_vtt_begin(f, b->title);
    for (size_t i = 0; i < b->work.n_said; i++) {
        const struct book_said *said = &b->work.said[i];
        if (i == 0 || said->s.page != said[-1].s.page)
            audio_vtt_note(f, file_name(b, said->s.page));
        audio_vtt_cue(f, i + 1,
                      &(struct audio_cue){(double) said->start / ENGINE_RATE_HZ,
                                          (double) (said->start + said->n) / ENGINE_RATE_HZ,
                                          {said->s.hanzi, said->s.pinyin}});
    }
    if (fclose(f) == 0)
        return text;
    free(text);
    return NULL;
}

/* ---- files ---- */

static int write_text(struct file_out *file, const char *path, char *text /* taken */,
                      struct fail *fail)
{
    int r = text ? file_out_open(file, path, fail) : -ENOMEM;

    if (r == 0)
        r = file_out_write(file, text, strlen(text), fail);
    if (r == 0 && *text && text[strlen(text) - 1] != '\n')
        r = file_out_write(file, "\n", 1, fail);
    if (r == 0)
        r = file_out_sync(file, fail);
    free(text);
    return r;
}

static int open_sound(struct book *b, struct fail *fail)
{
    CLEANUP_FREE struct audio_chapter *chapters = calloc(b->n_chapters + 1, sizeof(*chapters));
    const struct audio_tags tags = {b->title, chapters, b->n_chapters};

    if (!chapters)
        return -ENOMEM;
    for (size_t i = 0; i < b->n_chapters; i++)
        chapters[i] = (struct audio_chapter){(double) b->chapters[i].start / ENGINE_RATE_HZ,
                                             b->chapters[i].title};
    b->speech.path = b->options->out;
    return audio_writer_new_tagged(b->options->out, ENGINE_RATE_HZ, &tags, &b->speech.writer, fail);
}

static int encode(struct book *b, struct fail *fail)
{
    const uint64_t n_samples = b->work.n_samples;
    int16_t pcm[BLOCK];
    float samples[BLOCK];
    int r = 0;

    for (uint64_t at = 0, m; r == 0 && at < n_samples; at += m) {
        m = MIN(n_samples - at, (uint64_t) BLOCK);
        if (ctl_cancelled)
            return ctl_interrupted(fail);
        ctl_progress(b->ctl, "writing %s: %.0f %%", b->options->out,
                     100 * (double) at / (double) n_samples);
        ssize_t n = pread(b->work.sound_fd, pcm, m * sizeof(*pcm), (off_t) (at * sizeof(*pcm)));
        if (n != (ssize_t) (m * sizeof(*pcm)))
            return fail_set(fail, FAIL_IO, n < 0 ? -errno : -EIO, "cannot read '%s' again",
                            b->work.sound_path);
        audio_from_s16(pcm, m, samples);
        r = audio_writer_write(b->speech.writer, samples, m, fail);
    }
    ctl_progress_clear();
    return r < 0 ? r : audio_writer_sync(b->speech.writer, fail);
}

int book_finish(struct book *b, struct fail *fail)
{
    CLEANUP(file_out_done) struct file_out text = FILE_OUT_INIT;
    CLEANUP(file_out_done) struct file_out vtt = FILE_OUT_INIT;
    const struct book_options *o = b->options;
    int r = 0;

    if (b->work.journal)
        r = open_sound(b, fail);
    if (r == 0 && b->work.journal)
        r = encode(b, fail);
    if (r == 0 && o->text)
        r = write_text(&text, o->text, book_spoken_text(b), fail);
    if (r == 0 && o->vtt)
        r = write_text(&vtt, o->vtt, cues_text(b), fail);
    if (r == 0 && o->text)
        r = file_out_commit(&text, fail);
    if (r == 0 && o->vtt)
        r = file_out_commit(&vtt, fail);
    b->speech.n_samples = b->work.n_samples;
    return r < 0 ? r : speech_commit(&b->speech, fail);
}

/* ---- report ---- */

static json_t *chapters_json(const struct book *b)
{
    json_t *list = json_array();

    for (size_t i = 0; i < b->n_chapters; i++)
        json_array_append_new(list, json_pack("{sf ss}", "start_s",
                                              (double) b->chapters[i].start / ENGINE_RATE_HZ,
                                              "title", b->chapters[i].title));
    return list;
}

/* Named again at the end, where they are seen. */
static json_t *skipped_pages(const struct book *b)
{
    json_t *list = json_array();

    for (size_t i = 0; i < b->names.n; i++) {
        const json_t *why = json_object_get(b->work.pages[i], "skipped");
        if (!why)
            continue;
        ctl_say_line(b->ctl, "left out: %s", b->names.list[i]);
        json_array_append_new(
            list, json_pack("{ss ss}", "page", b->names.list[i], "why", json_string_value(why)));
    }
    return list;
}

int book_report(const struct book *b, struct fail *fail)
{
    json_t *skipped = skipped_pages(b);

    enum audio_format format;

    if (b->n_chapters > 0 && b->speech.path &&
        (audio_format_of(b->speech.path, &format, NULL) < 0 || format != AUDIO_OPUS))
        ctl_say_line(b->ctl, "the %zu chapters are not in this file: .opus has room for them",
                     b->n_chapters);
    speech_tell(&b->speech, b->engine);
    if (!b->ctl->json) {
        json_decref(skipped);
        return 0;
    }
    CLEANUP_FREE char *text = book_spoken_text(b);
    json_t *o = text
                    ? speech_json(&b->speech, b->engine, text, b->text.pinyin ? b->text.pinyin : "")
                    : NULL;
    json_t *more =
        json_pack("{sI so so sI}", "pages", (json_int_t) b->names.n, "skipped", skipped, "chapters",
                  chapters_json(b), "kept_sentences", (json_int_t) b->work.n_found);
    if (!o || !more || json_object_update(o, more) < 0) {
        json_decref(o);
        o = NULL;
    }
    json_decref(more);
    return ctl_print_json(o, fail);
}
