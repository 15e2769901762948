/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "braille/mesh.h"
#include "braille/sheet.h"

/** A grid that was tried. */
struct sheet_fit {
    bool tried;
    int result; ///< 0, -ENODATA
    struct brl_mesh mesh;
    uint32_t *spot; ///< [n] which spot each of the mesh's points is; owned
    size_t n;
};

/** Dots as they look under light along one axis. */
struct sheet_look {
    bool tried;
    bool turned;          ///< spots.vote is of the picture turned clockwise by 90 degrees
    double scale;         ///< and that had so many pixels a pixel of the picture as given,
    double width, height; ///< and was so large before it was turned
    struct brl_spots spots;
    struct sheet_fit fit[2][2]; ///< [dent][lines run down the picture]
};

struct brl_sheet {
    unsigned width, height; ///< of the picture
    double told_dpi;        ///< by the file or the user, or 0
    double pitch_px;        ///< that dots were looked for with
    struct image *picture;  ///< grey, of a handy size, or NULL; owned
    double scale;           ///< pixels of it a pixel of the picture
    unsigned axis;          ///< light came along: 0 from the top, 1 from the left
    struct sheet_look look[2];
    unsigned n_refs;
};

/** Look for dots under light along this axis. -ENOMEM. */
int brl_sheet_look(struct brl_sheet *sheet, unsigned axis);
void brl_sheet_look_done(struct sheet_look *look);
/** Fit a grid, unless that was tried before. 0, -ENODATA, -ENOMEM. */
int brl_sheet_fit(struct brl_sheet *sheet, unsigned axis, bool dent, bool down,
                  struct sheet_fit **ret);
/** How surely it is braille; at least SHEET_LEAST_PROOF is. */
double brl_sheet_proof(const struct brl_mesh *mesh);
#define SHEET_LEAST_PROOF 6.0
/** Picture -> upright, for a picture that was turned clockwise by `degrees`. */
struct brl_point brl_sheet_turn(unsigned degrees, double width, double height, double x, double y);
/** The most usual distance of neighbouring dots, in pitches; 0: none stands out. */
double brl_sheet_spacing(const struct brl_spots *spots, double pitch_px, double *ret_share);
