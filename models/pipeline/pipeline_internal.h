/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "braille/page.h"
#include "braille/sheet.h"
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
    struct pipeline_voice *voices; ///< those of fs2, made when they are asked for; owned
};

/** Load what reading (speaking) needs unless it is there. */
int pipeline_load_reader(struct pipeline *p, struct fail *fail);
int pipeline_load_voice(struct pipeline *p, struct fail *fail);
int pipeline_load_crop_bank(struct pipeline *p, struct fail *fail);
/** The device was lost: close it and open it again, models at next use. */
int pipeline_reopen(struct pipeline *p, struct fail *fail);
/** Open the device unless it is: after a reopening that failed there is none. */
int pipeline_ensure_device(struct pipeline *p, struct fail *fail);
/** Let others have the pipeline. Behind it the device is open, and models have to be loaded as if
 * for the first time. */
int pipeline_turn(struct pipeline *p, const struct pipeline_job *job, struct fail *fail);

/** What the models say of each place of one side's grid. */
struct pipeline_cells {
    struct brl_page *page; ///< owned
    float *embeddings;     ///< [n_slots][E], the blank text's where nobody looked; owned
    uint32_t *top;         ///< [n_slots][PIPELINE_TOP] the nearest cells, best first; owned
    float *cosine;         ///< [n_slots][PIPELINE_TOP] theirs; owned
    bool *seen;            ///< [n_slots] was it looked at; owned
    uint8_t *cell;         ///< [n_slots] what is read, owned
    float *p;              ///< [n_slots] that it is this, owned
    float *score;          ///< [n_slots][PIPELINE_TOP] log likelihoods of the nearest cells; owned
};

void pipeline_cells_done(struct pipeline_cells *c);

/** Where the page lies, and where its light comes from. */
struct pipeline_place {
    int orientation;  ///< -1: 0, 90 or 270 by the grid
    bool mirrored;    ///< the picture is a mirror image
    double light_deg; ///< in the picture; < 0: found
};

struct pipeline_task { ///< what stays the same while one picture is read
    struct pipeline *p;
    const struct image *img;
    const struct pipeline_read_params *params;
    const struct pipeline_job *job;
    struct brl_sheet *sheet;      ///< the picture's dots, found when they are needed; owned
    struct fail no_sheet;         ///< why there is none, once it was looked for
    struct pipeline_times *times; ///< added to
};

/** Find one side's grid in this place and read every cell of it. */
int pipeline_find_cells(struct pipeline_task *t, enum brl_side side, bool crop, double dpi,
                        const struct pipeline_place *place, struct pipeline_cells *c,
                        struct fail *fail);
/** A crop of the paper's kind: its cells are those of the nearest BIT text, which is named in `ret`
 * with its p. */
int pipeline_find_crop(struct pipeline_task *t, struct pipeline_cells *c,
                       struct pipeline_reading *ret, struct fail *fail);

/** Which way the page lies is what makes its cells text. Reads `side` and says where the page lies,
 * light included. -ENODATA: no braille on this side; the place may still be known from the other
 * side's dots (ret->light_deg >= 0). */
int pipeline_find_place(struct pipeline_task *t, enum brl_side side, struct pipeline_cells *c,
                        struct pipeline_place *ret, struct fail *fail);

/* A page's cells in reading order, LANG_LINE_END behind each row. */
struct pipeline_stream {
    uint8_t *cells; ///< owned
    size_t n;
    size_t *first; ///< [n_rows + 1] where a row begins; owned
    unsigned n_rows;
    size_t n_raised;
};
void pipeline_stream_done(struct pipeline_stream *s);
/** As if the page were turned by half, or mirrored: the same cells, permuted. */
int pipeline_stream_new(const struct pipeline_cells *c, bool turned, bool mirrored,
                        struct pipeline_stream *ret);
/** -log likelihood of the text a raised cell, in the likeliest code, whatever the caller wants it
 * read in: where a page lies does not hang on that. INFINITY of no cells. */
int pipeline_stream_nats(const struct pipeline_stream *s, double *ret);

/** The code of a sheet's sides, `code` or (0) the likeliest one; *ret_text: which of them are text.
 */
int pipeline_choose_code(const struct pipeline_cells *cells, unsigned n_sides, unsigned code,
                         enum lang_code *ret, bool ret_text[2]);

/** Is it text in the placement that was found? Few cells say little. */
bool pipeline_is_text(double nats, size_t n_raised);

/** From cosines, and the dots' evidence where it is known, to probabilities and the likeliest
 * cell. Places where nobody looked stay blank. */
void pipeline_rate_cells(const struct clip_calibration *calibration, struct pipeline_cells *c);

struct pipeline_correct_params {
    double trust;    ///< in the text's nats: words are not independent of each other
    double log_odds; ///< a change is made from here on
    double reach;    ///< cells whose likelihood is less by so much are not considered
};
#define pipeline_correct_params(...)                                                               \
    (&(struct pipeline_correct_params){.trust = 0.35, .log_odds = 1.4, .reach = 3, __VA_ARGS__})

/** Take cells for others, a dot away, where the text is so much likelier then; p of all that was in
 * doubt follows the text. *ret: owned. -ENOMEM */
int pipeline_correct(struct pipeline_cells *c, enum lang_code code,
                     const struct pipeline_correct_params *params, struct pipeline_change **ret,
                     size_t *ret_n);

/** What the sides say: lines, pieces, pinyin. `cells` are those of ret->side. */
int pipeline_translate(const struct pipeline_cells *cells, unsigned code,
                       struct pipeline_reading *ret);

double pipeline_now_ms(void);
void pipeline_report(const struct pipeline_job *job, enum pipeline_stage stage, double fraction);

static inline const volatile int *pipeline_cancel(const struct pipeline_job *job)
{
    return job ? job->cancel : NULL;
}
