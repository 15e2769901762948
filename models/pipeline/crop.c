/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <math.h>
#include <stdio.h>

#include "lang/lang.h"
#include "pipeline/pipeline_internal.h"

/* A crop that does not say its resolution is read as each of these and as its own dots suggest (0);
 * the reading with the highest p is kept. */
static const double usual_dpi[] = {0, 200, 300};

static size_t first_raised(const struct pipeline_cells *c)
{
    size_t first = 0;
    while (first + 1 < c->page->n_slots && !c->cell[first])
        first++;
    return first;
}

/** The crop's cells from its first raised one on, then the blank text's embedding. */
static void make_query(const struct pipeline_reader *d, const struct pipeline_cells *c,
                       float *query)
{
    const unsigned e = clip_info(d->clip)->embed;
    const float scale = 1.0f / sqrtf((float) d->crop_cells);
    const size_t first = first_raised(c);

    for (unsigned k = 0; k < d->crop_cells; k++) {
        const size_t slot = first + k;
        const float *from = slot < c->page->n_slots ? c->embeddings + slot * e : d->cell_texts;
        for (unsigned i = 0; i < e; i++)
            query[k * e + i] = scale * from[i];
    }
}

/** The nearest BIT text by p = a . b. */
static int look_up(struct pipeline *p, const struct pipeline_cells *c, uint32_t *ret_text,
                   float *ret_p, const struct pipeline_job *job, struct fail *fail)
{
    const struct pipeline_reader *d = &p->reader;
    CLEANUP_FREE float *query = calloc(d->crop_cells, clip_info(d->clip)->embed * sizeof(float));
    if (!query)
        return -ENOMEM;
    make_query(d, c, query);
    return knn_query(d->crops, query, 1, 1, ret_text, ret_p, pipeline_cancel(job), fail);
}

static void take_text(struct pipeline_cells *c, const struct lang_bit *bit, float dot,
                      struct pipeline_reading *ret)
{
    const size_t first = first_raised(c);
    for (size_t i = first; i < c->page->n_slots; i++)
        c->cell[i] = i - first < bit->n_cells ? bit->cells[i - first] : 0;
    snprintf(ret->crop_text, sizeof(ret->crop_text), "%s", bit->text);
    ret->crop = true;
    ret->confidence = dot;
}

int pipeline_find_crop(struct pipeline_task *t, struct pipeline_cells *c,
                       struct pipeline_reading *ret, struct fail *fail)
{
    const struct pipeline_read_params *params = t->params;
    const bool known = params->dpi > 0 || t->img->dpi > 0;
    const enum brl_side side = params->sides == PIPELINE_VERSO ? BRL_VERSO : BRL_RECTO;
    const struct pipeline_place place = {params->orientation, params->mirrored == 1, -1};
    struct pipeline *p = t->p;
    uint32_t best = 0;
    float best_p = -2;

    int r = pipeline_load_crop_bank(p, fail);
    for (size_t i = 0; i < (known ? 1 : ELEMENTSOF(usual_dpi)) && r == 0; i++) {
        CLEANUP(pipeline_cells_done) struct pipeline_cells now = {0};
        const double dpi = known ? params->dpi : usual_dpi[i];
        struct fail why = {0};
        uint32_t text = 0;
        float dot = 0;

        r = pipeline_find_cells(t, side, true, dpi, &place, &now, &why);
        double t0 = pipeline_now_ms();
        if (r == 0)
            r = look_up(p, &now, &text, &dot, t->job, &why);
        ret->times_ms.knn += pipeline_now_ms() - t0;
        if (r == 0 && dot > best_p) {
            struct pipeline_cells old = *c;
            *c = now;
            now = old;
            best = text;
            best_p = dot;
        }
        if (r == -ENODATA && !known)
            r = 0; /* not at this resolution */
        else if (r < 0 && fail)
            *fail = why;
    }
    if (r < 0)
        return r;
    if (!c->page)
        return fail_set(fail, FAIL_INPUT, -ENODATA,
                        "no braille was found in the crop; name its resolution with --dpi");
    take_text(c, &p->reader.bit[best], best_p, ret);
    return 0;
}
