/* SPDX-License-Identifier: Apache-2.0
 *
 * test-dotmap DATA: the dot detector's votes against what PyTorch computed with the same weights
 * (models/recipes/golden.py OUT dotmap).
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "braille/dotmap.h"
#include "nn/weights_file.h"

#include "../unit/test.h"

#define TOLERANCE 1e-3 ///< of the range of each output

static const float *stored(struct nn_file *io, const char *name, size_t n, size_t shape[8])
{
    const float *v = NULL;
    unsigned rank;

    REQUIRE(nn_file_has(io, name, &rank, shape) && rank == n);
    REQUIRE(nn_file_tensor(io, name, rank, shape, &v, NULL) == 0);
    return v;
}

int main(int argc, char **argv)
{
    CLEANUP(nn_file_closep) struct nn_file *io = NULL;
    CLEANUP(image_freep) struct image *img = NULL;
    CLEANUP(brl_spots_done) struct brl_spots spots = {0};
    size_t size[8], shape[8];
    char path[4096];

    REQUIRE(argc == 2);
    snprintf(path, sizeof(path), "%s/dotmap.io.safetensors", argv[1]);
    REQUIRE(nn_file_open(path, &io, NULL) == 0);
    const float *picture = stored(io, "picture", 2, size), *votes = stored(io, "votes", 4, shape);
    REQUIRE(image_new((unsigned) size[1], (unsigned) size[0], 1, &img) == 0);
    for (size_t y = 0; y < size[0]; y++)
        for (size_t x = 0; x < size[1]; x++)
            img->data[y * img->stride + x] = (uint8_t) picture[y * size[1] + x];
    REQUIRE(brl_dotmap_find(img, 10, &spots) == 0);
    REQUIRE(shape[0] == 2 && shape[1] == spots.height && shape[2] == spots.width && shape[3] == 3);
    const float *got = (const float *) spots.vote;
    for (size_t k = 0; k < 3; k++) {
        double low = INFINITY, high = -INFINITY, worst = 0;
        for (size_t i = k; i < shape[0] * shape[1] * shape[2] * 3; i += 3) {
            low = fmin(low, votes[i]);
            high = fmax(high, votes[i]);
            worst = fmax(worst, fabs((double) got[i] - votes[i]));
        }
        printf("output %zu: %.1e of range %.3g\n", k, worst / (high - low), high - low);
        REQUIRE(high - low > 1 && worst <= TOLERANCE * (high - low));
    }
    return 0;
}
