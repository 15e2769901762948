/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "braille/page.h"
#include "clip/clip.h"
#include "fastspeech2/fs2.h"
#include "hifigan/hifigan.h"
#include "knn/knn.h"
#include "nn/nn.h"
#include "pipeline/pipeline.h"

/** The reading models: the image tower and the banks its embeddings are looked up in. */
struct pipeline_reader {
    struct clip *clip;
    struct knn *cells;    ///< 64 texts, index = brl_cell
    float *cell_texts;    ///< [64][E], owned: the crops' bank is built of them at first use
    struct knn *crops;    ///< BIT texts, NULL until a crop is read
    struct lang_bit *bit; ///< [n_bit], owned
    size_t n_bit;
    unsigned crop_cells; ///< cells of the longest BIT text
};

struct pipeline {
    char *device, *models; ///< owned; device NULL = the best
    bool validation;
    struct vkc_device_info info; ///< of the device that is, or was last, open
    struct vkc_context *ctx;     ///< NULL, as is all below, after a lost device did not come back
    struct nn *nn;
    struct pipeline_reader reader;
    struct fs2 *fs2;
    struct hifigan *hifigan;
};

/** Load what reading (speaking) needs unless it is there. */
int pipeline_load_reader(struct pipeline *p, struct fail *fail);
int pipeline_load_voice(struct pipeline *p, struct fail *fail);
int pipeline_load_crop_bank(struct pipeline *p, struct fail *fail);
/** The device was lost: close it and open it again, models at next use. */
int pipeline_reopen(struct pipeline *p, struct fail *fail);
/** Open the device unless it is: after a reopening that failed there is none. */
int pipeline_ensure_device(struct pipeline *p, struct fail *fail);

/** What the models say of each place of the grid. */
struct pipeline_cells {
    struct brl_page *page; ///< owned
    float *embeddings;     ///< [n_slots][E], owned
    uint32_t *cell;        ///< [n_slots], owned
    float *p;              ///< [n_slots], owned
};

void pipeline_cells_done(struct pipeline_cells *c);
/** Find the grid as `params` has it and read every place. */
int pipeline_find_cells(struct pipeline *p, const struct image *img,
                        const struct brl_page_params *params, struct pipeline_cells *c,
                        struct pipeline_times *times, const struct pipeline_job *job,
                        struct fail *fail);
/** A crop of the paper's kind: its cells are those of the nearest BIT text, which is named in `ret`
 * with its p. */
int pipeline_find_crop(struct pipeline *p, const struct image *img,
                       const struct brl_page_params *params, struct pipeline_cells *c,
                       struct pipeline_reading *ret, const struct pipeline_job *job,
                       struct fail *fail);

double pipeline_now_ms(void);
void pipeline_report(const struct pipeline_job *job, enum pipeline_stage stage, double fraction);

static inline const volatile int *pipeline_cancel(const struct pipeline_job *job)
{
    return job ? job->cancel : NULL;
}
