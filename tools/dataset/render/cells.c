/* SPDX-License-Identifier: Apache-2.0
 *
 * Crops of single cells for training, as 'crop' writes them.
 */

#include <stdio.h>

#include "tools/dataset/render/render.h"

#define ROWS 4 ///< of a sheet that training cells are drawn on
#define COLUMNS 15

/* Half of the cells evenly over all 64, the rest sparse ones and blanks, as text has them. */
static brl_cell draw_cell(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    const unsigned z = (unsigned) (*state >> 33);
    const unsigned kind = z % 8;
    if (kind < 4)
        return (brl_cell) (z >> 8 & 63);
    if (kind == 4)
        return 0;
    return (brl_cell) (z >> 8 & z >> 16 & 63);
}

static int write_sheet(const struct render_options *o, const char *name, const struct image *img,
                       const struct brl_render_params *params, const struct brl_render_truth *truth,
                       size_t *left, struct file_out *u8, struct file_out *tsv, struct fail *fail)
{
    uint64_t state = params->seed;
    const double pitch = params->pitch_mm * params->dpi / 25.4;
    int r = 0;

    for (size_t i = 0; i<truth->n_cells && * left> 0 && r == 0; i++) {
        const struct brl_render_cell *c = &truth->cells[i];
        struct brl_page page = {
            .pitch_px = pitch,
            .light_deg = params->light_deg,
            .side = c->side,
            .picture = img,
            .picture_scale = 1,
        };
        struct brl_slot slot = {.row = c->row, .column = c->column};
        char dots[7];
        /* what a fitted grid is off by: up to 0.06 of a pitch each way */
        state = state * 6364136223846793005u + 1442695040888963407u;
        const double dx = ((double) (state >> 48) / 65535 - 0.5) * 0.12 * pitch;
        const double dy = ((double) (state >> 32 & 65535) / 65535 - 0.5) * 0.12 * pitch;
        for (unsigned d = 0; d < 6; d++)
            slot.dot[d] = (struct brl_point){c->dot[d].x + dx, c->dot[d].y + dy};
        brl_cell_format(c->cell, dots);
        r = dataset_write_crop(&o->size, name, &page, &slot, dots, u8, tsv, fail);
        --*left;
    }
    return r;
}

int render_cells(const struct render_options *o, struct fail *fail)
{
    CLEANUP(file_out_done) struct file_out u8 = FILE_OUT_INIT, tsv = FILE_OUT_INIT;
    size_t left = o->n_cells;
    struct progress progress;

    int r = render_check_free(o, render_printed("%s.u8", o->out), fail);
    if (r == 0)
        r = render_check_free(o, render_printed("%s.tsv", o->out), fail);
    if (r == 0)
        r = dataset_open_crops(o->out, &u8, &tsv, fail);
    progress_start(&progress, N_("drawing"), 0, o->n_cells, o->common.quiet);
    for (uint64_t k = 0; left > 0 && r == 0 && (r = dataset_interrupted(fail)) == 0; k++) {
        CLEANUP(image_freep) struct image *img = NULL;
        CLEANUP(brl_render_truth_done) struct brl_render_truth truth = {0};
        brl_cell cells[2][ROWS * COLUMNS];
        struct brl_render_params p = o->params;
        char name[64];

        brl_render_weather(&p, o->params.seed * 1000003 + k);
        uint64_t state = p.seed;
        for (unsigned i = 0; i < ROWS * COLUMNS; i++) {
            cells[0][i] = draw_cell(&state);
            cells[1][i] = draw_cell(&state);
        }
        p.dpi =
            165 + (double) (state >> 40) / (1 << 24) * 95; /* pitches that the reader cuts from */
        p.left_mm = p.top_mm = 12;
        const struct brl_render_sheet recto = {cells[0], ROWS, COLUMNS},
                                      verso = {cells[1], ROWS, COLUMNS};
        const bool single = state % 5 == 0; /* some paper is written on from one side only */
        r = brl_render(&recto, single ? NULL : &verso, &p, &img, &truth);
        snprintf(name, sizeof(name), "render-%llu-%llu", (unsigned long long) o->params.seed,
                 (unsigned long long) k);
        if (r == 0)
            r = write_sheet(o, name, img, &p, &truth, &left, &u8, &tsv, fail);
        while (r == 0 && progress.n < o->n_cells - left)
            progress_step(&progress);
    }
    progress_end(&progress);
    return r < 0 ? r : dataset_commit_crops(&u8, &tsv, fail);
}
