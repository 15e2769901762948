/* SPDX-License-Identifier: Apache-2.0
 *
 * One picture of BIT: a label drawn in the middle of a small sheet of legal neighbours and cut out,
 * well or with a fault. What comes out follows from the options, the seed and the picture's number
 * alone. Thread-safe.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "braille/cut.h"
#include "braille/render.h"
#include "image/image.h"
#include "lang/encode.h"

enum bit_look { BIT_CLEAN, BIT_SCAN, BIT_N_LOOKS };

struct bit_options {
    enum lang_code code;
    int geometry; ///< enum brl_geometry, -1: by lot
    double dpi;
    double light_deg; ///< where the light comes from, NAN: from the top, 20 degrees more or less
    bool any_light;   ///< from any side instead
    bool single_sided;
    enum bit_look look;
    bool checked; ///< draw again what brl_check() judges otherwise than it was meant
    uint64_t seed;
    const struct lang_label *labels; ///< of the code: what neighbours are drawn from; borrowed
    size_t n_labels;
};

/** What a picture is to show. */
struct bit_wish {
    const char *text; ///< a label of the code
    enum lang_bit_type type;
    uint64_t number; ///< of the picture: its lot
    enum brl_fault fault;
    enum brl_edge edge;
};

struct bit_picture {
    struct image *img; ///< owned
    brl_cell cells[LANG_MAX_LABEL_CELLS];
    struct brl_point dot[LANG_MAX_LABEL_CELLS][6];   ///< the grid's places, pixels of the picture
    struct brl_point drawn[LANG_MAX_LABEL_CELLS][6]; ///< raised dots, NAN elsewhere
    size_t n_cells;
    double skew_deg;
    enum brl_fault fault; ///< as wished, or another where the label has no such fault
    enum brl_edge edge;
    unsigned n_dots;    ///< that the fault took in, lost or cut
    unsigned n_redrawn; ///< pictures that were thrown away because their check said otherwise
};

/** @return 0; FAIL_INPUT -EILSEQ: the code cannot write the text; -ENOMEM; FAIL_DEFECT -ENOENT: no
 * sheet gave a cut (a fault of ours); FAIL_OTHER -EAGAIN: none passed the check */
int bit_draw(const struct bit_options *o, const struct bit_wish *wish, struct bit_picture *ret,
             struct fail *fail);
void bit_picture_done(struct bit_picture *picture);
