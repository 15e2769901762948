/* SPDX-License-Identifier: Apache-2.0
 *
 * The sub-commands of braille-dataset. Each gets its own argument vector (argv[0] its name) and
 * returns an exit code of docs/contracts.md.
 */
#pragma once

#include "base/file.h"
#include "braille/page.h"

int dataset_crop(int argc, char **argv);
int dataset_render(int argc, char **argv);

/* ---- crops for the image tower: OUT.u8 and OUT.tsv (dataset-crop.c) ---- */

struct dataset_crop_size {
    unsigned width, height;
    double px_per_pitch;
};
#define DATASET_CROP_SIZE                                                                          \
    {                                                                                              \
        .width = 32, .height = 48, .px_per_pitch = 10                                              \
    }

int dataset_open_crops(const char *out, struct file_out *u8, struct file_out *tsv,
                       struct fail *fail);
/** One crop and its line; `dots` is the label, "-" when none is known. */
int dataset_write_crop(const struct dataset_crop_size *size, const char *name,
                       const struct brl_page *page, const struct brl_slot *slot, const char *dots,
                       struct file_out *u8, struct file_out *tsv, struct fail *fail);
int dataset_commit_crops(struct file_out *u8, struct file_out *tsv, struct fail *fail);

/** A number of an option: above 0, at most `most`; -EINVAL. */
int dataset_parse_number(const char *text, double most, double *ret);
/** A whole number of an option: digits only, at most `most`; -EINVAL. */
int dataset_parse_whole(const char *text, uint64_t most, uint64_t *ret);
