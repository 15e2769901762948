/* SPDX-License-Identifier: Apache-2.0
 *
 * A picture's twins: how each is made follows from the seed, the picture's id and the options
 * alone; and what the record of a turned, moved or recoloured picture says.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "image/augment.h"
#include "manifest/record.h"

enum twin_kind {
    TWIN_TURN,
    TWIN_BACKGROUND,
    TWIN_SKEW,
    TWIN_SCALE,
    TWIN_LIGHT,
    TWIN_SHADOW,
    TWIN_BLUR,
    TWIN_NOISE,
    TWIN_JPEG,
    TWIN_N_KINDS,
};
/** "turn" "background" "skew" …: how the manifest's `augment` begins, and the option's name. */
extern const char *const twin_kind_names[TWIN_N_KINDS];

struct twin_options {
    unsigned kinds;       ///< bits of enum twin_kind, one at least
    bool together;        ///< each twin gets all of them; else one, by lot
    unsigned n;           ///< twins a picture, 1 .. TWIN_MAX
    unsigned skew_tenths; ///< the largest angle of TWIN_SKEW, tenths of a degree, 1 .. 450
    uint64_t seed;
};
#define TWIN_MAX 64

struct twin_plan {
    struct image_augment how;
    unsigned kinds;    ///< bits
    char augment[160]; ///< for the manifest: "turn-180+background-#e8d8b0"
    char ending[96];   ///< of the id: "-t180-bg-e8d8b0"
};

/** How twin `k` (from 0) of a picture is made. Twins of one picture never have the same ending. */
void twin_draw(const struct twin_options *o, const char *id, unsigned k, struct twin_plan *ret);

/** The length of an id without the endings that twin_draw() gives: of the picture it began with. */
size_t twin_root_length(const char *id);

/**
 * The record of a twin; its sha256 is not known yet.
 *
 * @param map    what image_augment() did to points
 * @param width, height  of the new picture
 * @param ret    owned, manifest_record_done()
 * @return 0, -ENOMEM
 */
int twin_record(const struct manifest_record *from, const struct twin_plan *plan,
                const double map[6], unsigned width, unsigned height, struct manifest_record *ret);
