/* SPDX-License-Identifier: Apache-2.0
 *
 * Where to cut a run of cells out of a page whose dots are known: well, or badly on purpose. Pure
 * computation; thread-safe.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "braille/cell.h"
#include "braille/page.h"

/** A cell of the page's side that is cut from; blank ones need not be listed. */
struct brl_cut_cell {
    struct brl_point dot[6]; ///< centres, pixels of the page's picture
    brl_cell cell;
};

enum brl_fault {
    BRL_FAULT_NONE,
    BRL_FAULT_OVER,  ///< the cut takes in at least one whole dot of a neighbour
    BRL_FAULT_UNDER, ///< at least one whole dot of the run is cut off
    BRL_FAULT_CUT,   ///< the cut goes through a dot of the run
    BRL_N_FAULTS,
};
enum brl_edge { BRL_LEFT, BRL_RIGHT, BRL_ABOVE, BRL_BELOW, BRL_N_EDGES };
extern const char *const brl_fault_names[BRL_N_FAULTS]; ///< "none" "over" "under" "cut"
extern const char *const brl_edge_names[BRL_N_EDGES];   ///< "left" "right" "above" "below"

struct brl_cut_params {
    double margin;      ///< from the outer dot centres of the run to the edge, dot pitches
    double margin_vary; ///< each edge's margin is drawn from margin +- this
    enum brl_fault fault;
    enum brl_edge edge; ///< where the fault is
    uint64_t seed;
};
/** A margin that touches neither the run's dots nor its neighbours'. */
#define brl_cut_params(...)                                                                        \
    (&(struct brl_cut_params){.margin = 0.8, .margin_vary = 0.12, __VA_ARGS__})

struct brl_cut {
    unsigned x, y, width, height; ///< pixels of the page's picture
    unsigned n_dots;              ///< dots taken in, lost or cut by the fault
};

/**
 * Cut the cells [first, first + n_run) of `cells`: they follow each other on one line.
 *
 * @param pitch_px       dot pitch
 * @param width, height  of the page's picture
 * @return 0; -ENOENT: this fault cannot be made here (no neighbour on that edge, nothing would be
 *         left, the picture ends); -EINVAL
 */
int brl_cut(const struct brl_cut_cell *cells, size_t n, size_t first, size_t n_run, double pitch_px,
            unsigned width, unsigned height, const struct brl_cut_params *params,
            struct brl_cut *ret);
