/* SPDX-License-Identifier: Apache-2.0
 *
 * to-pgm IN OUT.pgm: a picture in the one form that SANE's pnm driver and ours serve.
 */

#include "image/image.h"

#include <stdio.h>

int main(int argc, char **argv)
{
    CLEANUP(image_freep) struct image *img = NULL;
    struct fail fail = {0};

    int r = argc == 3 ? image_load(argv[1], &img, &fail) : -1;
    if (r == 0)
        r = image_save(img, argv[2], &fail);
    if (r < 0)
        fprintf(stderr, "to-pgm: %s\n", argc == 3 ? fail.text : "name a picture and OUT.pgm");
    return r < 0;
}
