/* SPDX-License-Identifier: Apache-2.0
 *
 * stretch IN OUT WIDTH HEIGHT [IN OUT WIDTH HEIGHT]...: image_stretch() on files.
 */
#include "image/image.h"

#include <errno.h>
#include <stdio.h>

static int stretch(char **argv, struct fail *fail)
{
    CLEANUP(image_freep) struct image *img = NULL, *out = NULL;

    int r = image_load(argv[0], &img, fail);
    if (r < 0)
        return r;
    r = image_stretch(img, (unsigned) strtoul(argv[2], NULL, 10),
                      (unsigned) strtoul(argv[3], NULL, 10), &out);
    if (r < 0)
        return fail_set(fail, FAIL_OTHER, r, "cannot stretch '%s': %m", argv[0]);
    return image_save(out, argv[1], fail);
}

int main(int argc, char **argv)
{
    struct fail fail = {0};

    for (int i = 1; i + 3 < argc; i += 4)
        if (stretch(argv + i, &fail) < 0) {
            fprintf(stderr, "stretch: %s\n", fail.text);
            return 1;
        }
    return 0;
}
