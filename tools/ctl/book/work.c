/* SPDX-License-Identifier: Apache-2.0
 *
 * What is done of a book: OUT.part.jsonl, a journal of the pages read and the sentences said, and
 * OUT.part.s16, their samples. A sentence stands in the journal once its sound is on the disk.
 */

#include "tools/ctl/book/book.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "manifest/journal.h"

enum { BLOCK = 4096 };

static void sentence_done(struct book_sentence *s)
{
    free(s->pinyin);
    free(s->hanzi);
    *s = (struct book_sentence){0};
}

static int keep_said(struct book_work *w, const struct book_said *said)
{
    struct book_said *more = w->said;

    if ((w->n_said & (w->n_said - 1)) == 0) /* doubled at powers of two */
        more = reallocarray(w->said, w->n_said ? 2 * w->n_said : 1, sizeof(*more));
    if (!more)
        return -ENOMEM;
    w->said = more;
    w->said[w->n_said++] = *said;
    return 0;
}

/* ---- what a former run left ---- */

static int kind_of(const json_t *name)
{
    for (int i = 0; json_is_string(name) && book_kind_names[i]; i++)
        if (strcmp(book_kind_names[i], json_string_value(name)) == 0)
            return i;
    return -1;
}

static int take_said(struct book_work *w, const json_t *line)
{
    const char *pinyin = json_string_value(json_object_get(line, "say"));
    const char *hanzi = json_string_value(json_object_get(line, "hanzi"));
    const json_int_t start = json_integer_value(json_object_get(line, "start"));
    const json_int_t n = json_integer_value(json_object_get(line, "n"));
    const json_int_t page = json_integer_value(json_object_get(line, "page"));
    const int kind = kind_of(json_object_get(line, "kind"));

    if (!pinyin || !hanzi || kind < 0 || n < 0 || start < (json_int_t) w->n_samples || page < 0)
        return -EINVAL;
    struct book_said said = {
        .s = {strdup(pinyin), strdup(hanzi), (enum book_kind) kind, (unsigned) page},
        .start = (uint64_t) start,
        .n = (uint64_t) n};
    int r = said.s.pinyin && said.s.hanzi ? keep_said(w, &said) : -ENOMEM;
    if (r < 0)
        sentence_done(&said.s);
    else
        w->n_samples = said.start + said.n;
    return r;
}

static int take_line(void *ctx, const json_t *line, struct fail *fail)
{
    struct book_work *w = ctx;
    const json_t *page = json_object_get(line, "page");
    const json_int_t k = json_integer_value(page);
    int r = 0;

    if (json_object_get(line, "say"))
        r = take_said(w, line);
    else if (!json_is_integer(page) || k < 0 || (size_t) k >= w->n_pages || w->pages[k])
        r = -EINVAL;
    else
        w->pages[k] = json_incref((json_t *) line);
    return r;
}

/* The head of a journal of ours, whatever book it is of. */
static bool is_ours(const char *path)
{
    static const char begin[] = "{\"braillectl book\":";
    char found[sizeof(begin)] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, found, sizeof(begin) - 1);

    if (fd >= 0)
        close(fd);
    return n >= 0 && strncmp(found, begin, (size_t) n) == 0;
}

static void forget(struct book_work *w)
{
    for (size_t i = 0; i < w->n_said; i++)
        sentence_done(&w->said[i].s);
    for (size_t i = 0; i < w->n_pages; i++) {
        json_decref(w->pages[i]);
        w->pages[i] = NULL;
    }
    free(w->said);
    w->said = NULL;
    w->n_said = 0;
    w->n_samples = 0;
}

static int open_sound(struct book_work *w, struct fail *fail)
{
    struct stat st;

    w->sound_fd = open(w->sound_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (w->sound_fd < 0 || fstat(w->sound_fd, &st) < 0)
        return fail_set(fail, FAIL_CREATE, -errno,
                        "cannot create '%s': %m; choose a folder that exists and can be written",
                        w->sound_path);
    if (!S_ISREG(st.st_mode))
        return fail_set(fail, FAIL_CREATE, -EINVAL, "'%s' is no regular file", w->sound_path);
    return (uint64_t) st.st_size < w->n_samples * sizeof(int16_t);
}

/* Sound behind the last whole sentence goes. */
static int cut_sound(struct book_work *w, struct fail *fail)
{
    const off_t size = (off_t) (w->n_samples * sizeof(int16_t));

    if (ftruncate(w->sound_fd, size) < 0 || lseek(w->sound_fd, size, SEEK_SET) < 0)
        return fail_set(fail, FAIL_IO, -errno, "cannot write '%s': %m", w->sound_path);
    return 0;
}

/* 1: what is there is of something else, or broken. */
static int try_open(struct book_work *w, const json_t *head, bool fresh, struct fail *fail)
{
    struct fail first = {0};

    int r = journal_open(w->journal_path, head, fresh, take_line, w, &w->journal, &first);
    if (!fresh && (r == -EEXIST || r == -EINVAL || r == -EBADMSG || r == -EFBIG))
        return 1;
    if (r < 0) {
        if (fail && fail->kind == FAIL_NONE)
            *fail = first;
        return r;
    }
    r = open_sound(w, fail);
    if (r > 0) { /* the sound was removed: its journal is worth nothing */
        w->journal = journal_close(w->journal, false);
        close(w->sound_fd);
        w->sound_fd = -1;
    }
    return r;
}

/* What of the head is another one than in the journal that is there. */
static const char *what_differs(const struct book_work *w, const json_t *head)
{
    static const struct {
        const char *key, *words;
    } parts[] = {
        {"version", "it was made by another version"},
        {"weights", "it was made with other weights"},
        {"options", "it was made with other options"},
        {"pages", "it was made of other pages"},
    };
    FILE *f = fopen(w->journal_path, "re");
    json_t *old = f ? json_loadf(f, JSON_DISABLE_EOF_CHECK, NULL) : NULL;
    const char *words = "it is broken";

    for (size_t i = 0; old && i < ELEMENTSOF(parts); i++)
        if (!json_equal(json_object_get(old, parts[i].key), json_object_get(head, parts[i].key))) {
            words = parts[i].words;
            break;
        }
    json_decref(old);
    if (f)
        fclose(f);
    return words;
}

int book_work_open(struct book_work *w, const char *out, const json_t *head, size_t n_pages,
                   const char **ret_anew, struct fail *fail)
{
    *w = (struct book_work) BOOK_WORK_INIT;
    *ret_anew = NULL;
    w->pages = calloc(MAX(n_pages, (size_t) 1), sizeof(json_t *));
    if (!w->pages)
        return -ENOMEM;
    w->n_pages = n_pages;
    if (!out)
        return 0;
    if (asprintf(&w->journal_path, "%s.part.jsonl", out) < 0 ||
        asprintf(&w->sound_path, "%s.part.s16", out) < 0)
        return -ENOMEM;
    const bool there = access(w->journal_path, F_OK) == 0;
    if (there && !is_ours(w->journal_path))
        return fail_set(fail, FAIL_CREATE, -EEXIST,
                        "'%s', where the work on a book is kept, is something else; move it away",
                        w->journal_path);
    int r = try_open(w, head, false, fail);
    if (r > 0) {
        *ret_anew = what_differs(w, head);
        forget(w);
        r = try_open(w, head, true, fail);
    }
    w->n_found = w->n_said;
    return r < 0 ? r : cut_sound(w, fail);
}

/* ---- this run ---- */

static int add_line(struct book_work *w, const json_t *line, struct fail *fail)
{
    int r = line ? journal_add(w->journal, line, fail) : -ENOMEM;
    return r < 0 ? r : journal_sync(w->journal, fail);
}

int book_work_page(struct book_work *w, size_t k, json_t *page, struct fail *fail)
{
    if (!page || json_object_set_new(page, "page", json_integer((json_int_t) k)) < 0) {
        json_decref(page);
        return -ENOMEM;
    }
    w->pages[k] = page;
    return w->journal ? add_line(w, page, fail) : 0;
}

bool book_work_has(struct book_work *w, const struct book_sentence *s)
{
    const struct book_said *said = w->next < w->n_said ? &w->said[w->next] : NULL;

    if (!said || strcmp(said->s.pinyin, s->pinyin) != 0 || said->s.kind != s->kind ||
        said->s.page != s->page)
        return false;
    w->next++;
    return true;
}

static int write_all(struct book_work *w, const void *data, size_t size, struct fail *fail)
{
    const uint8_t *p = data;

    while (size > 0) {
        ssize_t n = write(w->sound_fd, p, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail_set(fail, FAIL_IO, -errno, "cannot write '%s': %m%s", w->sound_path,
                            errno == ENOSPC ? "; free some space, and the same command goes on"
                                            : "");
        p += n;
        size -= (size_t) n;
    }
    return 0;
}

int book_work_sound(struct book_work *w, const float *samples, size_t n, struct fail *fail)
{
    int16_t pcm[BLOCK] = {0};
    int r = 0;

    for (size_t i = 0, m; r == 0 && i < n; i += m) {
        m = MIN(n - i, (size_t) BLOCK);
        if (samples)
            audio_to_s16(samples + i, m, pcm);
        if (w->journal)
            r = write_all(w, pcm, m * sizeof(*pcm), fail);
    }
    w->n_samples += n;
    return r;
}

int book_work_said(struct book_work *w, struct book_sentence *s, uint64_t start, struct fail *fail)
{
    struct book_said said = {.s = *s, .start = start, .n = w->n_samples - start};
    int r = keep_said(w, &said);

    if (r < 0)
        return r;
    *s = (struct book_sentence){0};
    w->next = w->n_said;
    if (!w->journal)
        return 0;
    if (fdatasync(w->sound_fd) < 0)
        return fail_set(fail, FAIL_IO, -errno, "cannot write '%s': %m", w->sound_path);
    json_t *line = json_pack("{ss ss ss sI sI sI}", "say", said.s.pinyin, "hanzi", said.s.hanzi,
                             "kind", book_kind_names[said.s.kind], "page", (json_int_t) said.s.page,
                             "start", (json_int_t) said.start, "n", (json_int_t) said.n);
    r = add_line(w, line, fail);
    json_decref(line);
    return r;
}

void book_work_done(struct book_work *w, bool remove)
{
    forget(w);
    free(w->pages);
    if (w->sound_fd >= 0)
        close(w->sound_fd);
    if (remove && w->sound_path)
        unlink(w->sound_path);
    journal_close(w->journal, remove); /* last: it is the lock */
    free(w->journal_path);
    free(w->sound_path);
    *w = (struct book_work) BOOK_WORK_INIT;
}
