/* SPDX-License-Identifier: Apache-2.0 */

#include "tools/ctl/format/format.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct format *const formats[] = {
    &format_text, &format_pinyin, &format_hanzi, &format_unicode, &format_brf,
    &format_pef,  &format_json,   &format_html,  &format_dsbi,
};

const char *const format_names[] = {"text", "pinyin", "hanzi", "unicode", "brf",
                                    "pef",  "json",   "html",  "dsbi",    NULL};

const struct format *format_find(const char *name)
{
    for (size_t i = 0; i < ELEMENTSOF(formats); i++)
        if (strcmp(formats[i]->name, name) == 0)
            return formats[i];
    return NULL;
}

const struct format *format_of_file(const char *path)
{
    const char *slash = strrchr(path, '/'), *dot = strrchr(slash ? slash : path, '.');

    for (size_t i = 0; i < ELEMENTSOF(formats) && dot; i++)
        for (const char *e = formats[i]->endings; *e; e += strspn(e, " ")) {
            const size_t n = strcspn(e, " ");
            if (strlen(dot) == n && strncasecmp(dot, e, n) == 0)
                return formats[i];
            e += n;
        }
    return NULL;
}

int format_begin(struct format_writer *w, const struct format *format,
                 const struct format_options *options)
{
    *w = (struct format_writer){.format = format, .options = *options};
    w->out = open_memstream(&w->text, &w->size);
    return w->out ? 0 : -ENOMEM;
}

/* Where somebody keeps their files is nobody's business. */
static const char *file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return strcmp(path, "-") == 0 ? "standard input" : slash && slash[1] ? slash + 1 : path;
}

static int keep_name(struct format_writer *w, const char *name)
{
    char **more = realloc(w->names, (w->n_pages + 1) * sizeof(*more));
    if (!more)
        return -ENOMEM;
    w->names = more;
    more[w->n_pages] = strdup(file_name(name));
    return more[w->n_pages] ? 0 : -ENOMEM;
}

static int add_section(struct format_writer *w, const struct format_page *page,
                       const struct pipeline_side *side, struct fail *fail)
{
    struct format_section *more = realloc(w->sections, (w->n_sections + 1) * sizeof(*more));
    if (!more)
        return -ENOMEM;
    w->sections = more;
    more[w->n_sections] = (struct format_section){
        .name = w->n_pages, .side = side->side, .one_of_two = page->reading->n_sides > 1};
    int r = w->format->side(w, page, side, fail);
    w->n_sections++;
    return r;
}

int format_add(struct format_writer *w, const struct format_page *page, struct fail *fail)
{
    const struct pipeline_reading *reading = page->reading;

    if (w->format->needs_text && !pipeline_reading_is_text(reading))
        return fail_set(fail, FAIL_INPUT, -ENODATA,
                        "the cells of '%s' are no text in any code of Chinese braille; --format "
                        "unicode or json gives the cells",
                        page->name);
    int r = keep_name(w, page->name);
    if (r == 0 && w->format->page)
        r = w->format->page(w, page, fail);
    for (unsigned i = 0; i < reading->n_sides && w->format->side && r == 0; i++)
        if (reading->side[i].is_text || !w->format->needs_text)
            r = add_section(w, page, &reading->side[i], fail);
    w->n_pages++;
    return r == 0 && ferror(w->out) ? -ENOMEM : r;
}

const char *format_title(const struct format_writer *w)
{
    return w->options.title ? w->options.title : w->n_pages > 0 ? w->names[0] : "braille";
}

/* Close the stream in memory: w->text is whole then. */
static int close_stream(struct format_writer *w)
{
    FILE *out = TAKE_PTR(w->out);
    return out && fclose(out) == 0 ? 0 : -ENOMEM;
}

int format_take(struct format_writer *w, char **ret_text, size_t *ret_size)
{
    int r = close_stream(w);
    if (r < 0)
        return r;
    *ret_text = TAKE_PTR(w->text);
    *ret_size = w->size;
    w->out = open_memstream(&w->text, &w->size);
    return w->out ? 0 : -ENOMEM;
}

int format_end(struct format_writer *w, char **ret_text, size_t *ret_size, struct fail *fail)
{
    CLEANUP_FREE char *text = NULL;
    size_t size = 0;

    int r = close_stream(w);
    if (r < 0)
        return r;
    if (!w->format->end) {
        *ret_text = TAKE_PTR(w->text);
        *ret_size = w->size;
        return 0;
    }
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return -ENOMEM;
    r = w->format->end(w, out, fail);
    if (fclose(out) != 0 && r == 0)
        r = -ENOMEM;
    if (r < 0)
        return r;
    *ret_text = TAKE_PTR(text);
    *ret_size = size;
    return 0;
}

void format_done(struct format_writer *w)
{
    if (w->out)
        fclose(w->out);
    free(w->text);
    for (unsigned i = 0; i < w->n_pages; i++)
        free(w->names[i]);
    free(w->names);
    free(w->sections);
    *w = (struct format_writer){0};
}
