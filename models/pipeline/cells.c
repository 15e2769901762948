/* SPDX-License-Identifier: Apache-2.0
 *
 * The places of one side's grid, and what the image tower says of each.
 */

#include <errno.h>
#include <math.h>
#include <string.h>

#include "pipeline/pipeline_internal.h"

/* A place whose best dot has less is blank: of 20,031 cells of DSBI the faintest has -3.6, and 95 %
 * of 10,384 blank places have less. */
#define BARE_LOGIT -4.5

void pipeline_cells_done(struct pipeline_cells *c)
{
    c->page = brl_page_free(c->page);
    free(c->embeddings);
    free(c->top);
    free(c->cosine);
    free(c->seen);
    free(c->score);
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

static int look_up(struct pipeline_task *t, const float *embeddings, const uint32_t *slot, size_t n,
                   struct pipeline_cells *c, struct fail *fail)
{
    CLEANUP_FREE uint32_t *top = malloc((n + 1) * PIPELINE_TOP * sizeof(*top));
    CLEANUP_FREE float *cosine = malloc((n + 1) * PIPELINE_TOP * sizeof(*cosine));
    const size_t e = clip_info(t->p->reader.clip)->embed;

    if (!top || !cosine)
        return -ENOMEM;
    int r = knn_query(t->p->reader.cells, embeddings, n, PIPELINE_TOP, top, cosine,
                      pipeline_cancel(t->job), fail);
    if (r < 0)
        return r;
    for (size_t i = 0; i < n; i++) {
        memcpy(c->embeddings + slot[i] * e, embeddings + i * e, e * sizeof(float));
        memcpy(c->top + slot[i] * PIPELINE_TOP, top + i * PIPELINE_TOP,
               PIPELINE_TOP * sizeof(*top));
        memcpy(c->cosine + slot[i] * PIPELINE_TOP, cosine + i * PIPELINE_TOP,
               PIPELINE_TOP * sizeof(*cosine));
    }
    return 0;
}

static int make_room(const struct pipeline_reader *d, struct pipeline_cells *c)
{
    const size_t n = c->page->n_slots + 1, e = clip_info(d->clip)->embed;

    c->embeddings = malloc(n * e * sizeof(float));
    c->top = calloc(n, PIPELINE_TOP * sizeof(*c->top));
    c->cosine = calloc(n, PIPELINE_TOP * sizeof(*c->cosine));
    c->score = calloc(n, PIPELINE_TOP * sizeof(*c->score));
    c->seen = calloc(n, sizeof(*c->seen));
    c->cell = calloc(n, sizeof(*c->cell));
    c->p = calloc(n, sizeof(*c->p));
    if (!c->embeddings || !c->top || !c->cosine || !c->seen || !c->score || !c->cell || !c->p)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        memcpy(c->embeddings + i * e, d->cell_texts, e * sizeof(float));
    return 0;
}

/** Is there a dot, or what might be one? */
static bool is_bare(const struct brl_slot *s)
{
    double best = -INFINITY;
    for (int i = 0; i < 6; i++)
        best = fmax(best, s->evidence[i]);
    return best < BARE_LOGIT;
}

/** Which places are worth a look: blank ones cost as much as others. */
static size_t choose_slots(const struct image *img, const struct pipeline_cells *c, bool all,
                           uint32_t *slot)
{
    size_t n = 0;

    for (size_t i = 0; i < c->page->n_slots; i++) {
        const struct brl_slot *s = &c->page->slots[i];
        if (!all && (hangs_over(img, s) || is_bare(s)))
            continue;
        slot[n++] = (uint32_t) i;
    }
    return n;
}

static int embed_cells(struct pipeline_task *t, const struct image *img, bool crop,
                       struct pipeline_cells *c, struct fail *fail)
{
    const struct pipeline_reader *d = &t->p->reader;
    const struct clip_info *info = clip_info(d->clip);
    const size_t size = (size_t) info->width * info->height;
    CLEANUP_FREE uint32_t *slot = malloc((c->page->n_slots + 1) * sizeof(*slot));

    int r = slot ? make_room(d, c) : -ENOMEM;
    if (r < 0)
        return r;
    const size_t n = choose_slots(img, c, crop || t->params->blanks, slot);
    CLEANUP_FREE uint8_t *crops = malloc((n + 1) * size);
    CLEANUP_FREE float *embeddings = malloc((n + 1) * info->embed * sizeof(float));
    if (!crops || !embeddings)
        return -ENOMEM;
    const double t0 = pipeline_now_ms();
    for (size_t i = 0; i < n; i++)
        brl_page_crop(c->page, &c->page->slots[slot[i]], info->width, info->height,
                      (double) info->px_per_pitch, crops + i * size);
    r = clip_image(d->clip, crops, n, embeddings, pipeline_cancel(t->job), fail);
    const double t1 = pipeline_now_ms();
    if (r == 0)
        r = look_up(t, embeddings, slot, n, c, fail);
    for (size_t i = 0; i < n && r == 0; i++)
        c->seen[slot[i]] = !hangs_over(img, &c->page->slots[slot[i]]);
    if (r == 0)
        pipeline_rate_cells(&info->calibration, c);
    t->times->embed += t1 - t0;
    t->times->knn += pipeline_now_ms() - t1;
    return r;
}

static int find_grid(struct pipeline_task *t, const struct brl_page_params *params,
                     struct brl_page **ret, struct fail *fail)
{
    int r = 0;

    if (params->crop)
        return brl_page_new(t->img, params, ret, fail);
    if (t->no_sheet.kind != FAIL_NONE)
        r = -ENODATA;
    else if (!t->sheet)
        r = brl_sheet_new(t->img, brl_sheet_params(.dpi = params->dpi), &t->sheet, &t->no_sheet);
    if (r < 0 && fail)
        *fail = t->no_sheet;
    return r < 0 ? r : brl_sheet_page(t->sheet, params, ret, fail);
}

int pipeline_find_cells(struct pipeline_task *t, enum brl_side side, bool crop, double dpi,
                        const struct pipeline_place *place, struct pipeline_cells *c,
                        struct fail *fail)
{
    const struct brl_page_params params = {.side = side,
                                           .dpi = dpi,
                                           .orientation = place->orientation,
                                           .crop = crop,
                                           .light_deg = place->light_deg,
                                           .mirrored = place->mirrored};
    const double t0 = pipeline_now_ms();

    pipeline_report(t->job, PIPELINE_FINDING_DOTS, 0.05);
    int r = find_grid(t, &params, &c->page, fail);
    t->times->grid += pipeline_now_ms() - t0;
    if (r == 0 && !crop) /* a crop is read at once: its bank stays */
        r = pipeline_turn(t->p, t->job, fail);
    if (r == 0)
        r = pipeline_load_reader(t->p, fail);
    if (r < 0)
        return r;
    pipeline_report(t->job, PIPELINE_READING_CELLS, 0.1);
    return embed_cells(t, t->img, crop, c, fail);
}
