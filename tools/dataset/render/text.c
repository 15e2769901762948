/* SPDX-License-Identifier: Apache-2.0
 *
 * Pages of running text.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/batch.h"
#include "lang/translate.h"
#include "tools/dataset/render/render.h"

static int load_lines(const struct render_options *o, const char *path, struct lang_lines *ret,
                      struct fail *fail)
{
    CLEANUP_FREE uint8_t *data = NULL;
    size_t size;

    int r = file_read(path, RENDER_MAX_TEXT, &data, &size, fail);
    if (r == 0 && memchr(data, 0, size))
        return fail_set(fail, FAIL_INPUT, -EBADMSG, "'%s' is no text", path);
    if (r == 0)
        r = lang_translate(o->code, (const char *) data, (unsigned) o->n_columns, ret, fail);
    if (r == 0 && ret->n == 0)
        return fail_set(fail, FAIL_INPUT, -EBADMSG, "'%s' is empty", path);
    return r;
}

/* The k-th page of the lines; -1: there is none. A last page is as long as its lines. */
static int page_of(const struct lang_lines *lines, uint64_t n_rows, size_t k,
                   struct brl_render_sheet *ret)
{
    const size_t first = k * n_rows;

    if (first >= lines->n)
        return -1;
    *ret = (struct brl_render_sheet){lines->cells + first * lines->width,
                                     (unsigned) MIN(n_rows, lines->n - first), lines->width};
    return 0;
}

/* "a/b.png", 2 -> "a/b-2.png"; of several pages only. Owned; NULL: no memory. */
static char *numbered(const char *path, size_t page, size_t n_pages)
{
    const char *slash = strrchr(path, '/'), *dot = strrchr(slash ? slash : path, '.');
    const int stem = dot ? (int) (dot - path) : (int) strlen(path);

    return n_pages == 1 ? strdup(path)
                        : render_printed("%.*s-%zu%s", stem, path, page, dot ? dot : "");
}

/* The sheets of a text, several at once; the number of the next one is all that is kept. */
struct sheets {
    const struct render_options *o;
    struct lang_lines lines[2]; ///< of the text, of what is on the other sides
    size_t n, next;
    bool drawing; ///< else it is only looked whether their files may be written
    struct progress progress;
};

/* Sheet k: both its sides, from one text or two. */
static int do_sheet(const struct sheets *s, size_t k, struct fail *fail)
{
    const struct render_options *o = s->o;
    CLEANUP_FREE char *out = numbered(o->out, k + 1, s->n);
    CLEANUP_FREE char *truth = o->truth ? numbered(o->truth, k + 1, s->n) : NULL;
    const struct brl_render_sheet blank = {(const brl_cell[]){0}, 1, 1};
    struct brl_render_params params = o->params;
    struct brl_render_sheet recto = blank, verso = blank;
    bool has_verso = false;

    if (!out || (o->truth && !truth))
        return -ENOMEM;
    if (!s->drawing)
        return render_check_sheet_free(o, out, truth, fail);
    page_of(&s->lines[0], o->n_rows, o->both_sides ? 2 * k : k, &recto);
    if (o->both_sides)
        has_verso = page_of(&s->lines[0], o->n_rows, 2 * k + 1, &verso) == 0;
    else if (o->verso_text)
        has_verso = page_of(&s->lines[1], o->n_rows, k, &verso) == 0;
    params.seed += k; /* no two sheets have the same grain */
    return render_sheet(o, &recto, has_verso ? &verso : NULL, &params, out, truth, fail);
}

static int next_sheet(void *ctx, void **ret, struct fail *fail)
{
    struct sheets *s = ctx;
    size_t *k;

    int r = dataset_interrupted(fail);
    if (r < 0 || s->next == s->n)
        return r;
    if (!(k = malloc(sizeof(*k))))
        return -ENOMEM;
    *k = s->next++;
    *ret = k;
    return 1;
}

static int work_sheet(void *ctx, void *k, struct fail *fail)
{
    return do_sheet(ctx, *(const size_t *) k, fail);
}

static int take_sheet(void *ctx, void *k, int r, struct fail *fail)
{
    struct sheets *s = ctx;

    free(k);
    if (r == 0)
        progress_step(&s->progress);
    return r;
}

static int draw_sheets(struct sheets *s, struct fail *fail)
{
    const struct batch batch = {.n_jobs = s->o->common.n_jobs,
                                .ctx = s,
                                .next = next_sheet,
                                .work = work_sheet,
                                .take = take_sheet};

    for (size_t k = 0; k < s->n; k++) {
        int r = do_sheet(s, k, fail);
        if (r < 0)
            return r;
    }
    s->drawing = true;
    progress_start(&s->progress, N_("drawing"), 0, s->n, s->o->common.quiet);
    int r = batch_run(&batch, fail);
    progress_end(&s->progress);
    return r;
}

int render_text(const struct render_options *o, size_t *ret_n, struct fail *fail)
{
    const uint64_t a_sheet = o->both_sides ? 2 * o->n_rows : o->n_rows;
    struct sheets s = {.o = o};

    int r = load_lines(o, o->text, &s.lines[0], fail);
    if (r == 0 && o->verso_text)
        r = load_lines(o, o->verso_text, &s.lines[1], fail);
    s.n = MAX((s.lines[0].n + a_sheet - 1) / a_sheet, (s.lines[1].n + a_sheet - 1) / a_sheet);
    if (r == 0)
        r = draw_sheets(&s, fail);
    *ret_n = s.n;
    lang_lines_done(&s.lines[0]);
    lang_lines_done(&s.lines[1]);
    return r;
}
