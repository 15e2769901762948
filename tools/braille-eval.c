/* SPDX-License-Identifier: Apache-2.0
 *
 * braille-eval: how good the models are, by published rules.
 */

#include "base/macro.h"
#include "base/tr.h"
#include "tools/eval.h"
#include "tools/subcommand.h"

static const struct subcommand commands[] = {
    {"reading", eval_reading, N_("dots and cells of pages against annotations")},
    {"clean", eval_clean, N_("compare decisions on crops with what was done to them")},
    {"retrieval", NULL, N_("text found for pictures of a data set")},
    {"speech", eval_speech, N_("a voice against what it should say, and against its teacher")},
};

int main(int argc, char **argv)
{
    return subcommand_main("braille-eval", commands, ELEMENTSOF(commands), argc, argv);
}
