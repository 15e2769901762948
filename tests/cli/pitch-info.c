/* SPDX-License-Identifier: Apache-2.0
 *
 * The pitch that `braille-eval speech` finds in a sound file, Hz, a line a frame of 5 ms; 0 is
 * unvoiced.
 */

#include <stdio.h>

#include "tools/eval/speech/signal.h"

int main(int argc, char **argv)
{
    CLEANUP(audio_samples_done) struct audio_samples s = {0};
    CLEANUP_FREE double *f0_hz = NULL;
    struct fail fail = {0};

    if (argc != 2 || audio_read(argv[1], &s, &fail) < 0 || eval_pitch(&s, &f0_hz) < 0) {
        fprintf(stderr, "pitch-info: %s\n", argc == 2 ? fail.text : "give one file");
        return 1;
    }
    for (size_t i = 0; i < eval_n_frames(&s); i++)
        printf("%.3f\n", f0_hz[i]);
    return 0;
}
