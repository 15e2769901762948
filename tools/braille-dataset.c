/* SPDX-License-Identifier: Apache-2.0
 *
 * braille-dataset: builds and checks the data that the models learn from.
 */

#include "base/macro.h"
#include "tools/dataset.h"
#include "tools/subcommand.h"

static const struct subcommand commands[] = {
    {"crop", dataset_crop, "cut the cells of pages as the reader sees them"},
    {"render", dataset_render, "draw cells or pages with their truth"},
};

int main(int argc, char **argv)
{
    return subcommand_main("braille-dataset", commands, ELEMENTSOF(commands), argc, argv);
}
