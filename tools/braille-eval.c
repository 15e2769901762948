/* SPDX-License-Identifier: Apache-2.0
 *
 * braille-eval: how good the models are, by published rules.
 */

#include <signal.h>
#include <stddef.h>

#include "base/macro.h"
#include "base/tr.h"
#include "tools/eval.h"
#include "tools/subcommand.h"

static const struct subcommand commands[] = {
    {"reading", eval_reading, N_("dots and cells of pages against annotations")},
    {"clean", eval_clean, N_("compare decisions on crops with what was done to them")},
    {"retrieval", eval_retrieval, N_("how often pictures of a data set find their text")},
    {"text", eval_text_files,
     N_("sentences against what they should be: BLEU, METEOR, error rates")},
    {"speech", eval_speech, N_("a voice against what it should say, and against its teacher")},
};

volatile int eval_cancelled;

static void on_signal(int number)
{
    eval_cancelled = 1;
}

void eval_catch_signals(void)
{
    const struct sigaction stop = {.sa_handler = on_signal}, ignore = {.sa_handler = SIG_IGN};

    sigaction(SIGINT, &stop, NULL);
    sigaction(SIGTERM, &stop, NULL);
    sigaction(SIGPIPE, &ignore, NULL); /* of a recogniser that reads no more */
}

int main(int argc, char **argv)
{
    return subcommand_main("braille-eval", commands, ELEMENTSOF(commands), argc, argv);
}
