/* SPDX-License-Identifier: Apache-2.0
 *
 * The sub-commands of braille-dataset. Each gets its own argument vector (argv[0] its name) and
 * returns an exit code of docs/contracts.md.
 */
#pragma once

#include "base/file.h"
#include "braille/page.h"
#include "tools/dataset/common.h"

int dataset_generate(int argc, char **argv); ///< cmd-generate.c
int dataset_clean(int argc, char **argv);    ///< cmd-clean.c
int dataset_review(int argc, char **argv);   ///< review/
int dataset_augment(int argc, char **argv);  ///< cmd-augment.c
int dataset_split(int argc, char **argv);    ///< cmd-split.c
int dataset_report(int argc, char **argv);   ///< cmd-report.c
int dataset_build(int argc, char **argv);    ///< cmd-build.c
int dataset_import(int argc, char **argv);   ///< import/
int dataset_export(int argc, char **argv);   ///< export/
int dataset_crop(int argc, char **argv);     ///< cmd-crop.c
int dataset_render(int argc, char **argv);   ///< render/

/* ---- crops for the image tower: OUT.u8 and OUT.tsv (crop-slots.c) ---- */

extern const char dataset_crop_help[]; ///< cmd-crop.c
int dataset_crop_slots(int argc, char **argv);

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
