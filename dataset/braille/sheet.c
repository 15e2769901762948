/* SPDX-License-Identifier: Apache-2.0 */

#include "braille/sheet.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "braille/page_internal.h"
#include "braille/sheet_internal.h"
#include "image/cv.h"

#define MOST_PITCHES 240.0 ///< dot pitches along the longest picture; A3 has 165
#define LEAST_PITCHES 8.0
#define HANDY_PITCH 20.0 ///< of the picture that crops are cut from, unless it is smaller as given
#define MOST_PITCH 24.0  ///< up to here it is taken as given
#define LEAST_PITCH 4.0  ///< pixels; fewer show no dots
#define LADDER 1.4       ///< from one pitch to the next that is tried
#define MAX_STEPS 16
#define TILE 44.0         ///< side of a part that is tried, in pitches
#define GOOD_PROOF 30.0   ///< nothing else need be tried
#define LEAST_SPACING 0.8 ///< dots nearer than this or farther apart than the next were looked for
#define MOST_SPACING 1.25 ///< with the wrong pitch

static double told_pitch(const struct image *img, const struct brl_sheet_params *params)
{
    const double dpi = params->dpi > 0                                        ? params->dpi
                       : img->dpi >= MIN_TOLD_DPI && img->dpi <= MAX_TOLD_DPI ? img->dpi
                                                                              : 0;
    return dpi * TYPICAL_PITCH_MM / MM_PER_INCH;
}

/* The picture in grey, not larger than its dots need; `pitch` 0: not known. */
static int make_picture(const struct image *img, double pitch, struct brl_sheet *s)
{
    const double longest = MAX(img->width, img->height);
    double scale = pitch > 0 ? (pitch > MOST_PITCH ? HANDY_PITCH / pitch : 1)
                             : MOST_PITCHES * HANDY_PITCH / longest;
    CLEANUP(image_freep) struct image *small = NULL;

    scale = fmin(scale, 1);
    if (scale < 1) {
        const unsigned w = (unsigned) fmax(1, lround(img->width * scale));
        const unsigned h = (unsigned) fmax(1, lround(img->height * scale));
        int r = image_resize(img, w, h, &small);
        if (r < 0)
            return r;
    }
    image_free(s->picture);
    s->picture = NULL;
    s->scale = small ? (double) small->width / img->width : 1;
    return image_to_grey(small ? small : img, &s->picture);
}

/* Parts of the picture in which dots are likely: where it is rough at the scale of its dots. */
static int cut_tile(const struct image *picture, double pitch, unsigned k, struct image **ret)
{
    const double side = TILE * pitch;
    const unsigned w = (unsigned) fmin(side, picture->width);
    const unsigned h = (unsigned) fmin(side, picture->height);
    /* the middle, then up and left, down and right of it */
    static const double at[][2] = {{0.5, 0.5}, {0.25, 0.2}, {0.7, 0.75}};
    return image_part(picture, (unsigned) ((picture->width - w) * at[k][0]),
                      (unsigned) ((picture->height - h) * at[k][1]), w, h, ret);
}

/* A pitch that was tried on parts of the picture. */
struct step {
    double pitch; ///< that the dots' spacing shows
    double worth;
};

static int try_step(const struct image *picture, double pitch, struct step *ret)
{
    enum { N_TILES = 3 };
    double worth = 0, spacing = 0;

    for (unsigned k = 0; k < N_TILES; k++) {
        CLEANUP(image_freep) struct image *tile = NULL;
        CLEANUP(brl_spots_done) struct brl_spots spots = {0};
        double share = 0;
        int r = cut_tile(picture, pitch, k, &tile);
        if (r == 0)
            r = brl_dotmap_find(tile, pitch, &spots);
        if (r == -ENOMEM)
            return r;
        const double here = r == 0 ? brl_sheet_spacing(&spots, pitch, &share) : 0;
        const double area = r == 0 ? tile->width * (double) tile->height / (pitch * pitch) : 1;
        if (here < LEAST_SPACING || here > MOST_SPACING)
            continue;
        worth += share / area; /* share: dots that keep the usual distance */
        spacing += here * share / area;
    }
    *ret = (struct step){worth > 0 ? pitch * spacing / worth : pitch, worth};
    return 0;
}

static int by_worth(const void *a, const void *b)
{
    const double x = ((const struct step *) a)->worth, y = ((const struct step *) b)->worth;
    return (x < y) - (x > y);
}

/* Every pitch that the picture may have, best first. -> how many. */
static int climb(const struct image *picture, struct step steps[MAX_STEPS])
{
    const double longest = MAX(picture->width, picture->height);
    const double shortest = MIN(picture->width, picture->height);
    const double most = fmin(shortest / LEAST_PITCHES, longest / LEAST_PITCHES / 2);
    int n = 0;

    for (double p = fmax(longest / MOST_PITCHES, LEAST_PITCH); p < most && n < MAX_STEPS;
         p *= LADDER) {
        int r = try_step(picture, p, &steps[n]);
        if (r < 0)
            return r;
        n += steps[n].worth > 0;
    }
    qsort(steps, (size_t) n, sizeof(*steps), by_worth);
    return n;
}

static void forget(struct brl_sheet *s)
{
    for (unsigned axis = 0; axis < 2; axis++) {
        brl_sheet_look_done(&s->look[axis]);
        s->look[axis] = (struct sheet_look){0};
    }
}

/* How surely there is braille under light along this axis. */
static int prove(struct brl_sheet *s, unsigned axis, double *ret)
{
    *ret = 0;
    int r = brl_sheet_look(s, axis);
    for (unsigned k = 0; k < 4 && r == 0 && *ret < GOOD_PROOF; k++) {
        struct sheet_fit *fit;
        r = brl_sheet_fit(s, axis, k & 1, k & 2, &fit);
        if (r == 0)
            *ret = fmax(*ret, brl_sheet_proof(&fit->mesh));
        else if (r == -ENODATA)
            r = 0;
    }
    return r;
}

/* Dots and grids with this pitch; light from the top or, where that shows little, from a side. */
static int try_pitch(struct brl_sheet *s, double pitch, const struct brl_sheet_params *params,
                     double *ret)
{
    const bool across = params->light_deg >= 0 && fabs(cos(params->light_deg * M_PI / 180)) < 0.5;
    double proof[2] = {0};

    forget(s);
    s->pitch_px = pitch;
    s->axis = across;
    int r = prove(s, s->axis, &proof[s->axis]);
    if (r == 0 && params->light_deg < 0 && proof[0] < GOOD_PROOF) {
        r = prove(s, 1, &proof[1]);
        s->axis = proof[1] > 1.2 * proof[0];
    }
    *ret = proof[s->axis];
    return r;
}

/* The same; if the dots stand closer or wider than was expected, once more with their own pitch. */
static int try_told(struct brl_sheet *s, double pitch, const struct brl_sheet_params *params,
                    double *ret)
{
    double share;

    int r = try_pitch(s, pitch, params, ret);
    if (r < 0)
        return r;
    const double spacing = brl_sheet_spacing(&s->look[s->axis].spots, pitch, &share);
    if (spacing > 0 && (spacing < LEAST_SPACING || spacing > MOST_SPACING))
        r = try_pitch(s, pitch * spacing, params, ret);
    return r;
}

static int find(const struct image *img, const struct brl_sheet_params *params, struct brl_sheet *s)
{
    const double told = told_pitch(img, params);
    struct step steps[MAX_STEPS];
    double best = 0, pitch = 0, proof = 0;

    int r = make_picture(img, told, s);
    if (r == 0 && told > 0) {
        r = try_told(s, told, params, &best);
        pitch = s->pitch_px;
    }
    if (r < 0 || best >= GOOD_PROOF || (params->dpi > 0 && best >= SHEET_LEAST_PROOF))
        return r;
    if (told > 0)
        r = make_picture(img, 0, s);
    const int n = r == 0 ? climb(s->picture, steps) : r;
    if (n < 0)
        return n;
    for (int k = 0; k < MIN(n, 3) && best < GOOD_PROOF && r == 0; k++) {
        const double here = steps[k].pitch / s->scale;
        r = try_pitch(s, here, params, &proof);
        if (r == 0 && proof > best) {
            best = proof;
            pitch = here;
        }
    }
    if (r == 0 && best < SHEET_LEAST_PROOF)
        r = -ENODATA;
    if (r == 0 && s->pitch_px != pitch)
        r = try_pitch(s, pitch, params, &best);
    if (r == 0 && pitch * s->scale > MOST_PITCH)
        r = make_picture(img, pitch, s);
    return r;
}

int brl_sheet_new(const struct image *img, const struct brl_sheet_params *params,
                  struct brl_sheet **ret, struct fail *fail)
{
    CLEANUP(brl_sheet_unrefp) struct brl_sheet *s = calloc(1, sizeof(*s));

    int r = s ? 0 : -ENOMEM;
    if (r == 0) {
        *s = (struct brl_sheet){.width = img->width,
                                .height = img->height,
                                .told_dpi = params->dpi > 0 ? params->dpi : img->dpi,
                                .n_refs = 1};
        r = find(img, params, s);
    }
    if (r == -ENOMEM)
        return fail_set(fail, FAIL_OTHER, r, "not enough memory to find the braille dots");
    if (r < 0)
        return fail_set(fail, FAIL_INPUT, -ENODATA,
                        "no braille found in the picture; scan the page flat at 200 to 300 dpi, "
                        "with the dots in focus");
    *ret = TAKE_PTR(s);
    return 0;
}

int brl_sheet_new_dots(unsigned width, unsigned height, const struct image *img,
                       const struct brl_spot *spots, size_t n, double pitch_px,
                       struct brl_sheet **ret)
{
    CLEANUP(brl_sheet_unrefp) struct brl_sheet *s = calloc(1, sizeof(*s));

    if (!s)
        return -ENOMEM;
    *s = (struct brl_sheet){
        .width = width, .height = height, .pitch_px = pitch_px, .scale = 1, .n_refs = 1};
    s->look[0].tried = true;
    s->look[0].spots.spot = malloc((n + 1) * sizeof(*spots));
    if (!s->look[0].spots.spot)
        return -ENOMEM;
    memcpy(s->look[0].spots.spot, spots, n * sizeof(*spots));
    s->look[0].spots.n = n;
    int r = img ? make_picture(img, pitch_px, s) : 0;
    if (r < 0)
        return r;
    *ret = TAKE_PTR(s);
    return 0;
}

struct brl_sheet *brl_sheet_ref(struct brl_sheet *sheet)
{
    sheet->n_refs++;
    return sheet;
}

struct brl_sheet *brl_sheet_unref(struct brl_sheet *sheet)
{
    if (sheet && --sheet->n_refs == 0) {
        forget(sheet);
        image_free(sheet->picture);
        free(sheet);
    }
    return NULL;
}
