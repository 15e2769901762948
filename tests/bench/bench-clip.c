/* SPDX-License-Identifier: Apache-2.0
 *
 * The image tower of the reader alone, for reading.py, which sets it beside ONNX Runtime.
 *
 *   bench-clip WEIGHTS CROPS REPETITIONS OUT
 *
 * Embeds CROPS crops of noise (byte i is (i * 2654435761 >> 13) & 255, 32-bit arithmetic), once to
 * warm up, then REPETITIONS times, printing the milliseconds of each; OUT gets the embeddings, f32.
 */
#include <stdio.h>
#include <stdlib.h>

#include "clip/clip.h"

#include "bench.h"

int main(int argc, char **argv)
{
    CLEANUP(vkc_context_freep) struct vkc_context *ctx = NULL;
    CLEANUP(clip_freep) struct clip *clip = NULL;
    struct nn *nn = NULL;
    struct fail fail = {0};

    if (argc != 5) {
        fprintf(stderr, "usage: bench-clip WEIGHTS CROPS REPETITIONS OUT\n");
        return 64;
    }
    const size_t n = strtoul(argv[2], NULL, 10), reps = strtoul(argv[3], NULL, 10);
    bench_must(
        vkc_context_new(vkc_context_params(.device = getenv("BRAILLED_DEVICE")), &ctx, &fail),
        &fail);
    bench_must(nn_new(ctx, &nn), &fail);
    bench_must(clip_new(nn, argv[1], &clip, &fail), &fail);
    const struct clip_info *info = clip_info(clip);
    const size_t size = (size_t) info->width * info->height;
    CLEANUP_FREE uint8_t *crops = malloc(n * size + 1);
    CLEANUP_FREE float *out = calloc(n * info->embed + 1, sizeof(*out));
    if (!crops || !out)
        return 1;
    for (size_t i = 0; i < n * size; i++)
        crops[i] = (uint8_t) ((uint32_t) i * 2654435761u >> 13);
    for (size_t i = 0; i <= reps; i++) {
        const double start = bench_now_ms();
        bench_must(clip_image(clip, crops, n, out, NULL, &fail), &fail);
        if (i > 0)
            printf("%.3f\n", bench_now_ms() - start);
    }
    bench_save(argv[4], out, n * info->embed);
    clip_free(TAKE_PTR(clip));
    nn_free(nn);
    return 0;
}
