/* SPDX-License-Identifier: Apache-2.0
 *
 * braille-dataset: builds and checks the data that the models learn from.
 */

#include "base/macro.h"
#include "base/tr.h"
#include "image/cv.h"
#include "tools/dataset/dataset.h"
#include "tools/subcommand.h"

static const struct subcommand commands[] = {
    {"crop", dataset_crop, N_("cut the cells of pages as the reader sees them")},
    {"render", dataset_render, N_("draw cells or pages with their truth")},
    {"build", dataset_build, N_("make all data sets in one run")},
    {"generate", dataset_generate, N_("draw the pictures of one data set")},
    {"clean", dataset_clean, N_("find the pictures that do not show what they should")},
    {"review", dataset_review, N_("look through doubtful pictures")},
    {"augment", dataset_augment, N_("turn, light and disturb pictures")},
    {"split", dataset_split, N_("divide into training, validation and test")},
    {"report", dataset_report, N_("one page about a data set")},
    {"import", dataset_import, N_("take a data set over from elsewhere")},
    {"export", dataset_export, N_("hand a data set on in another form")},
};

int main(int argc, char **argv)
{
    image_use_same_code(); /* what one machine makes and measures, every other one does */
    return subcommand_main("braille-dataset", commands, ELEMENTSOF(commands), argc, argv);
}
