/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "braille/page.h"
#include "lang/lang.h"
#include "pipeline/pipeline_internal.h"

/* A picture as low as this is one of the paper's crops: a number, a syllable or a mark. A line of
 * braille is 10 mm high, 118 px at 300 dpi. */
#define CROP_MAX_HEIGHT_PX 240
#define CROP_MAX_HEIGHT_MM 25.4
/* Share of raised cells that are text, above which a page is taken to stand upright. DSBI's truth
 * has 0.97 to 1 in its code; upside down or seen from behind the same pages have up to 0.92, but
 * for one of 0.94. */
#define LEGAL_ENOUGH 0.93

void pipeline_cells_done(struct pipeline_cells *c)
{
    c->page = brl_page_free(c->page);
    free(c->embeddings);
    free(c->cell);
    free(c->p);
    *c = (struct pipeline_cells){0};
}

/** A place that hangs over the picture's edge: what is seen there is the edge. */
static bool hangs_over(const struct image *img, const struct brl_slot *s)
{
    for (int i = 0; i < 6; i++)
        if (s->dot[i].x < 0 || s->dot[i].y < 0 || s->dot[i].x > img->width - 1 ||
            s->dot[i].y > img->height - 1)
            return true;
    return false;
}

static int embed_cells(struct pipeline *p, const struct image *img, struct pipeline_cells *c,
                       struct pipeline_times *times, const struct pipeline_job *job,
                       struct fail *fail)
{
    const struct clip_info *info = clip_info(p->reader.clip);
    const size_t n = c->page->n_slots, size = (size_t) info->width * info->height;
    CLEANUP_FREE uint8_t *crops = malloc(n * size);

    c->embeddings = calloc(n, info->embed * sizeof(float));
    c->cell = calloc(n, sizeof(*c->cell));
    c->p = calloc(n, sizeof(*c->p));
    if (!crops || !c->embeddings || !c->cell || !c->p)
        return -ENOMEM;
    double t0 = pipeline_now_ms();
    for (size_t i = 0; i < n; i++)
        brl_page_crop(c->page, &c->page->slots[i], info->width, info->height,
                      (double) info->px_per_pitch, crops + i * size);
    int r = clip_image(p->reader.clip, crops, n, c->embeddings, pipeline_cancel(job), fail);
    double t1 = pipeline_now_ms();
    if (r == 0)
        r = knn_query(p->reader.cells, c->embeddings, n, 1, c->cell, c->p, pipeline_cancel(job),
                      fail);
    for (size_t i = 0; i < n && r == 0; i++)
        if (hangs_over(img, &c->page->slots[i]))
            c->cell[i] = 0;
    times->embed += t1 - t0;
    times->knn += pipeline_now_ms() - t1;
    return r;
}

int pipeline_find_cells(struct pipeline *p, const struct image *img,
                        const struct brl_page_params *params, struct pipeline_cells *c,
                        struct pipeline_times *times, const struct pipeline_job *job,
                        struct fail *fail)
{
    double t0 = pipeline_now_ms();
    pipeline_report(job, PIPELINE_FINDING_DOTS, 0.05);
    int r = brl_page_new(img, params, &c->page, fail);
    times->grid += pipeline_now_ms() - t0;
    if (r < 0)
        return r;
    pipeline_report(job, PIPELINE_READING_CELLS, 0.1);
    return embed_cells(p, img, c, times, job, fail);
}

/** Rows from their first place to their last raised cell, LANG_LINE_END between rows. `first` says
 * where a row's cells begin in the stream; [n_rows + 1]. */
static int cell_stream(const struct pipeline_cells *c, uint8_t **ret, size_t *ret_n,
                       size_t **ret_first)
{
    const struct brl_page *page = c->page;
    CLEANUP_FREE uint8_t *stream = malloc(page->n_slots + page->n_rows + 1);
    CLEANUP_FREE size_t *first = calloc(page->n_rows + 1, sizeof(*first));
    size_t n = 0, i = 0;

    if (!stream || !first)
        return -ENOMEM;
    for (unsigned row = 0; row < page->n_rows; row++) {
        size_t end = n;
        first[row] = n;
        for (; i < page->n_slots && page->slots[i].row == row; i++) {
            stream[n++] = (uint8_t) c->cell[i];
            if (c->cell[i])
                end = n;
        }
        n = end;
        stream[n++] = LANG_LINE_END;
    }
    first[page->n_rows] = n;
    *ret = TAKE_PTR(stream);
    *ret_n = n;
    *ret_first = TAKE_PTR(first);
    return 0;
}

/** In the code asked for (0: the likeliest). *ret_legal: share of the raised cells that are text;
 * *ret_p: how sure the code is. */
static int decode(const uint8_t *stream, size_t n, unsigned code, struct lang_text *ret,
                  double *ret_legal, double *ret_p)
{
    size_t raised = 0, unknown = 0;
    struct lang_choice choice;

    int r = code ? lang_decode_code((enum lang_code)(code - 1), stream, n, ret)
                 : lang_decode_any(stream, n, ret, &choice);
    if (r < 0)
        return r;
    for (size_t i = 0; i < n; i++)
        raised += stream[i] != 0 && stream[i] != LANG_LINE_END;
    for (size_t i = 0; i < ret->n; i++)
        if (ret->tokens[i].kind == LANG_UNKNOWN)
            unknown += ret->tokens[i].n_cells;
    *ret_legal = raised ? 1 - (double) unknown / (double) raised : 0;
    *ret_p = code ? 1 : choice.p;
    return 0;
}

/** What tells a page from the same page upside down. */
static int legal_share(const struct pipeline_cells *c, unsigned code, double *ret)
{
    CLEANUP_FREE uint8_t *stream = NULL;
    CLEANUP_FREE size_t *first = NULL;
    CLEANUP(lang_text_done) struct lang_text text = {0};
    size_t n = 0;
    double p;

    int r = cell_stream(c, &stream, &n, &first);
    return r < 0 ? r : decode(stream, n, code, &text, ret, &p);
}

/** Read it turned by half, or lit from the other side; keep that where it is text, and more so. */
static int try_other(struct pipeline *p, const struct image *img,
                     const struct brl_page_params *params, unsigned code,
                     struct pipeline_cells *best, double *legal, struct pipeline_times *times,
                     const struct pipeline_job *job)
{
    struct pipeline_cells other = {0};
    struct fail ignored = {0};
    double other_legal = 0;

    int r = pipeline_find_cells(p, img, params, &other, times, job, &ignored);
    if (r == 0)
        r = legal_share(&other, code, &other_legal);
    if (r == 0 && other_legal >= LEGAL_ENOUGH && other_legal > *legal) {
        struct pipeline_cells old = *best;
        *best = other;
        other = old;
        *legal = other_legal;
    }
    pipeline_cells_done(&other);
    return r == -ECANCELED || r == -ENOMEM || r == -EIO ? r : 0;
}

/** Nothing in the grid tells a page from the page upside down, or its bumps from dents lit from the
 * other side; its text does. */
static int find_upright(struct pipeline *p, const struct image *img,
                        const struct brl_page_params *params, unsigned code,
                        struct pipeline_cells *c, struct pipeline_times *times,
                        const struct pipeline_job *job, struct fail *fail)
{
    double legal = 0;
    int r = pipeline_find_cells(p, img, params, c, times, job, fail);
    if (r < 0)
        return r;
    r = legal_share(c, code, &legal);

    const int found = (int) c->page->orientation, turned = (found + 180) % 360;
    const double light_deg = c->page->light_deg, other_deg = fmod(light_deg + 180, 360);
    const struct {
        int orientation;
        double light_deg;
    } ways[] = {
        {turned, other_deg}, /* the picture was turned after the scan */
        {turned, light_deg}, /* the page lay the other way round on the scanner */
        {found, other_deg},  /* the light came from below */
    };
    for (size_t i = 0; i < ELEMENTSOF(ways) && r == 0 && legal < LEGAL_ENOUGH; i++) {
        struct brl_page_params other = *params;
        if (params->orientation >= 0 && params->orientation != ways[i].orientation)
            continue; /* it was named; only the light is open */
        other.orientation = ways[i].orientation;
        other.light_deg = ways[i].light_deg;
        r = try_other(p, img, &other, code, c, &legal, times, job);
    }
    return r;
}

static void slot_box(const struct brl_slot *s, double box[4])
{
    double x0 = s->dot[0].x, x1 = x0, y0 = s->dot[0].y, y1 = y0;
    for (int i = 1; i < 6; i++) {
        x0 = fmin(x0, s->dot[i].x);
        x1 = fmax(x1, s->dot[i].x);
        y0 = fmin(y0, s->dot[i].y);
        y1 = fmax(y1, s->dot[i].y);
    }
    box[0] = x0;
    box[1] = y0;
    box[2] = x1 - x0;
    box[3] = y1 - y0;
}

static int keep_cells(const struct pipeline_cells *c, struct pipeline_reading *ret)
{
    const struct brl_page *page = c->page;
    double sum = 0;

    ret->cells = calloc(MAX(page->n_slots, 1), sizeof(*ret->cells));
    if (!ret->cells)
        return -ENOMEM;
    for (size_t i = 0; i < page->n_slots; i++) {
        if (!c->cell[i])
            continue;
        struct pipeline_cell *cell = &ret->cells[ret->n_cells++];
        *cell = (struct pipeline_cell){.row = page->slots[i].row,
                                       .column = page->slots[i].column,
                                       .dots = (brl_cell) c->cell[i],
                                       .p = c->p[i]};
        slot_box(&page->slots[i], cell->box);
        for (int d = 0; d < 6; d++) {
            cell->dot[d][0] = (float) page->slots[i].dot[d].x;
            cell->dot[d][1] = (float) page->slots[i].dot[d].y;
        }
        sum += (double) c->p[i];
    }
    if (!ret->crop) /* a crop has the bank's p */
        ret->confidence = ret->n_cells ? (float) (sum / (double) ret->n_cells) : 0;
    return 0;
}

static char *braille_of(const uint8_t *cells, size_t n)
{
    char *out = malloc(n * 3 + 1), *at = out;
    if (!out)
        return NULL;
    for (size_t i = 0; i < n; i++, at += 3)
        brl_cell_utf8(cells[i], at);
    *at = 0;
    return out;
}

static float least_certain(const struct pipeline_reading *r, unsigned row)
{
    float p = 1;
    for (size_t i = 0; i < r->n_cells; i++)
        if (r->cells[i].row == row)
            p = fminf(p, r->cells[i].p);
    return p;
}

/** The rows that hold something, each with the tokens that begin in it. */
static int keep_lines(const uint8_t *stream, const size_t *first, unsigned n_rows,
                      const struct lang_text *text, struct pipeline_reading *ret)
{
    size_t token = 0;

    ret->lines = calloc(MAX(n_rows, 1u), sizeof(*ret->lines));
    if (!ret->lines)
        return -ENOMEM;
    for (unsigned row = 0; row < n_rows; row++) {
        size_t n = first[row + 1] - first[row] - 1, begin = token;
        while (token < text->n && text->tokens[token].first < first[row + 1])
            token++;
        if (n == 0)
            continue;
        struct pipeline_line *line = &ret->lines[ret->n_lines++];
        *line = (struct pipeline_line){.row = (uint16_t) row, .p = least_certain(ret, row)};
        line->braille = braille_of(stream + first[row], n);
        if (!line->braille)
            return -ENOMEM;
        int r =
            lang_pinyin(&(struct lang_text){text->tokens + begin, token - begin}, &line->pinyin);
        if (r < 0)
            return r;
    }
    return 0;
}

/** Which raised cells each token came from: the stream has them in the order of ret->cells. */
static int keep_pieces(const uint8_t *stream, size_t n, const struct lang_text *text,
                       struct pipeline_reading *ret)
{
    size_t at = 0;
    uint32_t raised = 0;

    ret->pieces = calloc(MAX(text->n, 1), sizeof(*ret->pieces));
    if (!ret->pieces)
        return -ENOMEM;
    for (size_t i = 0; i < text->n; i++) {
        const struct lang_token *t = &text->tokens[i];
        struct pipeline_piece *piece = &ret->pieces[ret->n_pieces];
        for (; at < t->first && at < n; at++)
            raised += stream[at] != 0 && stream[at] != LANG_LINE_END;
        piece->first = raised;
        for (; at < (size_t) t->first + t->n_cells && at < n; at++)
            raised += stream[at] != 0 && stream[at] != LANG_LINE_END;
        piece->n_cells = raised - piece->first;
        if (t->kind == LANG_SPACE || piece->n_cells == 0)
            continue;
        piece->unknown = t->kind == LANG_UNKNOWN;
        snprintf(piece->text, sizeof(piece->text), "%s", t->text);
        ret->n_pieces++;
    }
    return 0;
}

static int translate(const struct pipeline_cells *c, unsigned code, struct pipeline_reading *ret)
{
    CLEANUP_FREE uint8_t *stream = NULL;
    CLEANUP_FREE size_t *first = NULL;
    CLEANUP(lang_text_done) struct lang_text text = {0};
    double legal, code_p = 0;
    size_t n = 0;

    int r = cell_stream(c, &stream, &n, &first);
    if (r == 0)
        r = decode(stream, n, code, &text, &legal, &code_p);
    ret->code = text.code;
    ret->code_p = (float) code_p;
    if (r == 0)
        r = keep_lines(stream, first, c->page->n_rows, &text, ret);
    if (r == 0)
        r = keep_pieces(stream, n, &text, ret);
    if (r == 0)
        r = lang_pinyin(&text, &ret->pinyin);
    if (r == 0)
        r = lang_spoken(&text, &ret->spoken, &ret->n_unknown);
    return r;
}

static bool looks_like_crop(const struct image *img, const struct pipeline_read_params *params)
{
    const double dpi = params->dpi > 0 ? params->dpi : img->dpi;

    if (params->mode != PIPELINE_AUTO)
        return params->mode == PIPELINE_CROP;
    return img->height <= CROP_MAX_HEIGHT_PX ||
           (dpi > 0 && img->height / dpi * 25.4 <= CROP_MAX_HEIGHT_MM);
}

static int read_once(struct pipeline *p, const struct image *img,
                     const struct pipeline_read_params *params, const struct pipeline_job *job,
                     struct pipeline_reading *ret, struct fail *fail)
{
    CLEANUP(pipeline_cells_done) struct pipeline_cells c = {0};
    struct brl_page_params page = {.side = params->verso ? BRL_VERSO : BRL_RECTO,
                                   .dpi = params->dpi,
                                   .orientation = params->orientation,
                                   .light_deg = -1,
                                   .crop = looks_like_crop(img, params)};

    /* a crop is too short to tell its code; the bank has crops of Current Braille */
    const unsigned code = params->code || !page.crop ? params->code : 1 + LANG_CURRENT;

    int r = pipeline_load_reader(p, fail);
    if (r == 0)
        r = page.crop ? pipeline_find_crop(p, img, &page, &c, ret, job, fail)
                      : find_upright(p, img, &page, params->code, &c, &ret->times_ms, job, fail);
    if (r < 0)
        return r;
    ret->width = img->width;
    ret->height = img->height;
    ret->dpi = c.page->dpi;
    ret->skew_deg = c.page->skew_deg;
    ret->orientation = c.page->orientation;
    pipeline_report(job, PIPELINE_TRANSLATING, 0.3);
    double t0 = pipeline_now_ms();
    r = keep_cells(&c, ret);
    if (r == 0 && ret->n_cells == 0)
        r = fail_set(fail, FAIL_INPUT, -ENODATA,
                     "no braille was found in the picture; scan the page flat, at 150 to 600 dpi");
    if (r == 0)
        r = translate(&c, code, ret);
    ret->times_ms.lang += pipeline_now_ms() - t0;
    return r;
}

int pipeline_read(struct pipeline *p, const struct image *img,
                  const struct pipeline_read_params *params, const struct pipeline_job *job,
                  struct pipeline_reading *ret, struct fail *fail)
{
    struct pipeline_reading reading = {0};
    struct fail first = {0};

    int r = pipeline_ensure_device(p, &first);
    if (r == 0)
        r = read_once(p, img, params, job, &reading, &first);
    if (r == -EIO) { /* the device was lost: once more on a new one */
        pipeline_reading_done(&reading);
        if (pipeline_reopen(p, &first) == 0)
            r = read_once(p, img, params, job, &reading, &first);
    }
    if (r < 0) {
        pipeline_reading_done(&reading);
        if (fail)
            *fail = first;
        return r;
    }
    *ret = reading;
    return 0;
}

void pipeline_reading_done(struct pipeline_reading *r)
{
    for (size_t i = 0; i < r->n_lines; i++) {
        free(r->lines[i].braille);
        free(r->lines[i].pinyin);
    }
    free(r->lines);
    free(r->pieces);
    free(r->cells);
    free(r->pinyin);
    free(r->spoken);
    *r = (struct pipeline_reading){0};
}
