/* SPDX-License-Identifier: Apache-2.0
 *
 * What a HiFi-GAN makes of a mel, for tests/bench/import-full.py, which compares it with PyTorch.
 *
 *   vocoder-run WEIGHTS MEL OUT
 *
 * MEL: [n_mels][n_frames] f32, n_mels of the configuration; OUT: [n_frames * hop] f32. Standard
 * error has the device and what it took.
 */
#include <stdlib.h>

#include "base/file.h"
#include "hifigan/hifigan.h"
#include "nn/weights_file.h"

#include "bench.h"

static unsigned read_n_mels(const char *path, struct fail *fail)
{
    CLEANUP(nn_file_closep) struct nn_file *f = NULL;
    unsigned n = 0;

    bench_must(nn_file_open(path, &f, fail), fail);
    bench_must(nn_file_uint(f, NULL, "n_mels", 1, 512, &n, fail), fail);
    return n;
}

int main(int argc, char **argv)
{
    CLEANUP(file_out_done) struct file_out out = FILE_OUT_INIT;
    CLEANUP(hifigan_freep) struct hifigan *h = NULL;
    CLEANUP(vkc_context_freep) struct vkc_context *ctx = NULL;
    CLEANUP_FREE uint8_t *mel = NULL;
    CLEANUP_FREE float *samples = NULL;
    struct nn *nn = NULL;
    struct fail fail = {0};
    size_t size;

    if (argc != 4) {
        fprintf(stderr, "vocoder-run WEIGHTS MEL OUT\n");
        return 64;
    }
    const unsigned n_mels = read_n_mels(argv[1], &fail);
    bench_must(file_read(argv[2], (size_t) 64 << 20, &mel, &size, &fail), &fail);
    const unsigned n_frames = (unsigned) (size / sizeof(float) / n_mels);
    bench_must(vkc_context_new(vkc_context_params(), &ctx, &fail), &fail);
    bench_must(nn_new(ctx, &nn), &fail);
    bench_must(hifigan_new(nn, argv[1], &h, &fail), &fail);
    const size_t n = (size_t) n_frames * hifigan_hop(h);
    samples = malloc(n * sizeof(*samples));
    const double start = bench_now_ms();
    bench_must(hifigan_speak(h, (const float *) mel, NULL, n_frames, samples, NULL, &fail), &fail);
    fprintf(stderr, "%s: %.0f ms\n", vkc_context_info(ctx)->name, bench_now_ms() - start);
    bench_must(file_out_open(&out, argv[3], &fail), &fail);
    bench_must(file_out_write(&out, samples, n * sizeof(*samples), &fail), &fail);
    bench_must(file_out_commit(&out, &fail), &fail);
    h = hifigan_free(h);
    nn_free(nn);
    return 0;
}
