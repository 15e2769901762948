/* SPDX-License-Identifier: Apache-2.0
 *
 * Codecs on tiny files of every kind, on broken ones and on bombs.
 */

#include "test.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "image/cv.h"
#include "image/image.h"

static const char *folder;

static struct image *load(const char *name)
{
    struct image *img = NULL;
    struct fail fail = {0};
    char path[4096];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    if (image_load(path, &img, &fail) < 0)
        fprintf(stderr, "%s\n", fail.text);
    REQUIRE(img);
    return img;
}

static unsigned at(const struct image *img, unsigned x, unsigned y, unsigned c)
{
    REQUIRE(x < img->width && y < img->height && c < img->n_chan);
    return img->data[y * img->stride + x * img->n_chan + c];
}

static bool near(unsigned a, unsigned b, unsigned by)
{
    return a <= b + by && b <= a + by;
}

static const uint8_t grey[3][5] = {
    {0, 64, 128, 192, 255}, {10, 20, 30, 40, 50}, {250, 200, 150, 100, 5}};

static void test_new(void)
{
    struct image *const canary = (struct image *) 0x1, *img = canary;

    REQUIRE(image_new(0, 2, 3, &img) == -EINVAL);
    REQUIRE(image_new(1, 1, 4, &img) == -EINVAL);
    REQUIRE(image_new(65536, 1, 1, &img) == -EINVAL);
    REQUIRE(image_new(65535, 65535, 3, &img) == -EINVAL);
    REQUIRE(img == canary); /* outputs are not clobbered on failure */
    REQUIRE(image_new(3, 2, 3, &img) == 0);
    REQUIRE(img->stride == 9 && img->data[17] == 0);
    image_free(img);
}

static void test_grey(void)
{
    static const char *const names[] = {"grey.png", "grey16.png", "p5.pgm", "p5-16.pgm"};

    for (size_t i = 0; i < ELEMENTSOF(names); i++) {
        CLEANUP(image_freep) struct image *img = load(names[i]);
        REQUIRE(img->width == 5 && img->height == 3 && img->n_chan == 1);
        for (unsigned y = 0; y < 3; y++)
            REQUIRE(memcmp(img->data + y * img->stride, grey[y], 5) == 0);
    }
}

static void test_colour(void)
{
    static const char *const names[] = {"rgb.png", "p6.ppm"};

    for (size_t i = 0; i < ELEMENTSOF(names); i++) {
        CLEANUP(image_freep) struct image *img = load(names[i]), *luma = NULL;
        REQUIRE(img->n_chan == 3);
        for (unsigned y = 0; y < 3; y++)
            for (unsigned x = 0; x < 5; x++) {
                REQUIRE(at(img, x, y, 0) == grey[y][x]);
                REQUIRE(at(img, x, y, 1) == grey[2 - y][x]);
                REQUIRE(at(img, x, y, 2) == 255u - grey[y][x]);
            }
        REQUIRE(image_to_grey(img, &luma) == 0);
        REQUIRE(near(at(luma, 4, 0, 0), (unsigned) lround(0.299 * 255 + 0.587 * 5), 1));
    }
    CLEANUP(image_freep) struct image *p3 = load("p3.ppm");
    REQUIRE(p3->width == 2 && at(p3, 0, 0, 0) == 255 && at(p3, 1, 0, 2) == 255);
}

static void test_alpha(void)
{
    CLEANUP(image_freep) struct image *img = load("rgba.png");

    REQUIRE(img->n_chan == 3);
    REQUIRE(at(img, 0, 0, 0) == 255); /* nothing there: white paper */
    REQUIRE(at(img, 4, 0, 0) == 255 && at(img, 4, 1, 0) == 50);
    REQUIRE(near(at(img, 2, 1, 0), (30 * 128 + 255 * 127) / 255, 1));
}

static void test_bits(void)
{
    static const char *const names[] = {"p1.pbm", "p4.pbm"};

    for (size_t i = 0; i < ELEMENTSOF(names); i++) {
        CLEANUP(image_freep) struct image *img = load(names[i]);
        REQUIRE(at(img, 0, 0, 0) == 0 && at(img, 1, 0, 0) == 255);
        REQUIRE(at(img, 0, 1, 0) == 255 && at(img, 2, 2, 0) == 0 && at(img, 4, 2, 0) == 255);
    }
    CLEANUP(image_freep) struct image *png = load("bits.png"), *p2 = load("p2.pgm");
    REQUIRE(png->n_chan == 1 && at(png, 0, 0, 0) == 0 && at(png, 1, 0, 0) == 255);
    REQUIRE(at(p2, 4, 0, 0) == 255 && at(p2, 0, 1, 0) == 17);
}

static void test_png_kinds(void)
{
    CLEANUP(image_freep) struct image *palette = load("palette-interlaced.png");
    CLEANUP(image_freep) struct image *rgb = load("rgb-interlaced.png");

    REQUIRE(palette->n_chan == 3 && fabs(palette->dpi - 200) < 0.01);
    REQUIRE(at(palette, 0, 0, 0) == 255 && at(palette, 0, 0, 1) == 0);
    REQUIRE(at(palette, 2, 0, 2) == 255 && at(palette, 2, 0, 0) == 0);
    REQUIRE(at(palette, 3, 0, 0) == 255 && at(palette, 3, 0, 2) == 255); /* transparent */
    for (unsigned y = 0; y < 9; y++)
        for (unsigned x = 0; x < 16; x++)
            for (unsigned c = 0; c < 3; c++)
                REQUIRE(at(rgb, x, y, c) == x * 10 + y * 5 + c);
}

static void test_jpeg_kinds(void)
{
    CLEANUP(image_freep) struct image *turned = load("grey-orientation6.jpg");
    CLEANUP(image_freep) struct image *cmyk = load("cmyk.jpg");
    CLEANUP(image_freep) struct image *progressive = load("progressive.jpg");

    /* orientation 6: the stored left edge is the top of the picture */
    REQUIRE(turned->width == 16 && turned->height == 24 && turned->n_chan == 1);
    REQUIRE(near(at(turned, 3, 2, 0), 30, 8) && near(at(turned, 3, 21, 0), 220, 8));
    REQUIRE(fabs(turned->dpi - 300) < 0.01);
    REQUIRE(cmyk->n_chan == 3);
    REQUIRE(near(at(cmyk, 2, 8, 0), 255, 8) && near(at(cmyk, 2, 8, 1), 255, 8));
    REQUIRE(near(at(cmyk, 20, 8, 0), 0, 8) && near(at(cmyk, 20, 8, 2), 255, 8)); /* full cyan */
    REQUIRE(near(at(progressive, 2, 8, 1), 30, 8) && near(at(progressive, 20, 8, 1), 220, 8));
}

static void test_tiff_kinds(void)
{
    CLEANUP(image_freep) struct image *fax = load("fax4.tiff"), *deep = load("grey16.tiff");
    CLEANUP(image_freep)
    struct image *palette = load("palette.tiff"),
                 *planar = load("planar.tiff");
    CLEANUP(image_freep) struct image *turned = load("tiled-orientation6.tiff");

    REQUIRE(fax->n_chan == 1 && at(fax, 0, 0, 0) == 0 && at(fax, 15, 3, 0) == 255);
    REQUIRE(fabs(fax->dpi - 150) < 0.01);
    REQUIRE(deep->n_chan == 1 && near(at(deep, 8, 0, 0), 128, 1) &&
            near(at(deep, 15, 3, 0), 240, 1));
    REQUIRE(palette->n_chan == 3 && at(palette, 1, 0, 0) == 255 && at(palette, 2, 0, 1) == 255);
    REQUIRE(at(planar, 3, 1, 0) == 3 && at(planar, 3, 1, 1) == 103 && at(planar, 3, 1, 2) == 203);
    REQUIRE(turned->width == 16 && turned->height == 24);
    REQUIRE(at(turned, 3, 2, 0) == 30 && at(turned, 3, 21, 0) == 220);
}

static const char *const all[] = {"grey.png",
                                  "grey16.png",
                                  "rgb.png",
                                  "rgba.png",
                                  "palette-interlaced.png",
                                  "rgb-interlaced.png",
                                  "bits.png",
                                  "p1.pbm",
                                  "p2.pgm",
                                  "p3.ppm",
                                  "p4.pbm",
                                  "p5.pgm",
                                  "p5-16.pgm",
                                  "p6.ppm",
                                  "cmyk.jpg",
                                  "progressive.jpg",
                                  "grey-orientation6.jpg",
                                  "fax4.tiff",
                                  "grey16.tiff",
                                  "palette.tiff",
                                  "planar.tiff",
                                  "tiled-orientation6.tiff"};

/* Decode from an exact allocation, so that a byte read beyond it is seen by the sanitizer. */
static int decode(const uint8_t *data, size_t size, struct fail *fail)
{
    struct image *img = NULL;
    uint8_t *copy = malloc(size ? size : 1);

    REQUIRE(copy);
    memcpy(copy, data, size);
    const int r = image_decode(copy, size, "test", &img, fail);
    REQUIRE((r == 0) == (img != NULL));
    free(copy);
    image_free(img);
    return r;
}

static void test_broken(void)
{
    unsigned state = 1, n_refused = 0;

    for (size_t i = 0; i < ELEMENTSOF(all); i++) {
        CLEANUP_FREE uint8_t *data = NULL;
        size_t size;
        char path[4096];
        snprintf(path, sizeof(path), "%s/%s", folder, all[i]);
        REQUIRE(file_read(path, 1 << 20, &data, &size, NULL) == 0);
        for (size_t cut = 0; cut < size; cut++) {
            struct fail fail = {0};
            if (decode(data, cut, &fail) < 0) {
                n_refused++;
                REQUIRE(fail.kind == FAIL_INPUT && fail.text[0] && !strchr(fail.text, '\n'));
            }
        }
        for (unsigned k = 0; k < 300; k++) {
            struct fail fail = {0};
            state = state * 1664525 + 1013904223;
            uint8_t *byte = &data[(state >> 8) % size];
            const uint8_t before = *byte;
            *byte ^= (uint8_t) (1u << (state >> 29));
            if (decode(data, size, &fail) < 0)
                REQUIRE(fail.kind != FAIL_NONE);
            *byte = before;
        }
        REQUIRE(decode(data, size, NULL) == 0);
    }
    REQUIRE(n_refused > 2000);
}

static void test_truncated(void)
{
    static const char *const names[] = {"rgb-interlaced.png", "grey-orientation6.jpg", "p6.ppm",
                                        "grey16.tiff"};

    for (size_t i = 0; i < ELEMENTSOF(names); i++) {
        CLEANUP_FREE uint8_t *data = NULL;
        struct fail fail = {0};
        size_t size;
        char path[4096];
        snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        REQUIRE(file_read(path, 1 << 20, &data, &size, NULL) == 0);
        REQUIRE(decode(data, size * 2 / 3, &fail) == -EBADMSG);
        REQUIRE(fail.kind == FAIL_INPUT);
    }
}

static void test_bombs(void)
{
    static const uint8_t pnm[] = "P5 60000 60000 255\n";
    static const uint8_t flat[] = "P5 9000 9000 255\nxx"; /* small enough, but not there */
    uint8_t png[64] = {0x89, 'P',  'N', 'G', '\r', '\n', 0x1a, '\n', 0,    0,    0,
                       13,   'I',  'H', 'D', 'R',  0,    0,    0xea, 0x60, 0,    0,
                       0xea, 0x60, 8,   2,   0,    0,    0,    0x0d, 0x32, 0xde, 0x25};
    struct fail fail = {0};

    REQUIRE(decode(pnm, sizeof(pnm) - 1, &fail) == -EFBIG && fail.kind == FAIL_INPUT);
    REQUIRE(decode(flat, sizeof(flat) - 1, NULL) == -EBADMSG);
    REQUIRE(decode(png, sizeof(png), NULL) < 0);
    REQUIRE(decode((const uint8_t *) "GIF89a....", 10, NULL) == -EPROTONOSUPPORT);
    REQUIRE(decode((const uint8_t *) "", 0, NULL) == -EBADMSG);
}

static void test_save(void)
{
    static const char *const endings[] = {"png", "ppm", "jpg", "pgm"};
    CLEANUP(image_freep) struct image *img = NULL;
    char name[64];

    REQUIRE(image_new(40, 30, 3, &img) == 0);
    img->dpi = 300;
    for (unsigned i = 0; i < 40 * 30; i++)
        for (unsigned c = 0; c < 3; c++)
            img->data[3 * i + c] = (uint8_t) (i % 40 * 4 + c * 20);
    for (size_t i = 0; i < ELEMENTSOF(endings); i++) {
        CLEANUP(image_freep) struct image *again = NULL;
        snprintf(name, sizeof(name), "/tmp/test-image-%d.%s", (int) getpid(), endings[i]);
        REQUIRE(image_save(img, name, NULL) == 0);
        REQUIRE(image_load(name, &again, NULL) == 0);
        REQUIRE(unlink(name) == 0);
        REQUIRE(again->width == 40 && again->height == 30 && again->n_chan == (i == 3 ? 1 : 3));
        if (i < 2)
            REQUIRE(memcmp(again->data, img->data, 40 * 30 * 3) == 0);
        if (i % 2 == 0)
            REQUIRE(fabs(again->dpi - 300) < 0.5);
        REQUIRE(near(at(again, 20, 10, 0), i == 3 ? 80 + 14 : 80, i == 2 ? 8 : 2));
    }
    struct fail fail = {0};
    REQUIRE(image_save(img, "/tmp/test-image.bmp", &fail) == -EINVAL && fail.kind == FAIL_USAGE);
    fail = (struct fail){0};
    REQUIRE(image_save(img, "/nowhere/x.png", &fail) < 0 && fail.kind == FAIL_CREATE);
}

/* Noise: a file of many times the encoder's buffer. */
static void test_save_large(void)
{
    CLEANUP(image_freep) struct image *img = NULL;
    unsigned state = 1, before = 0, after = 0;

    REQUIRE(image_new(601, 401, 1, &img) == 0);
    for (unsigned i = 0; i < 601 * 401; i++) {
        state = state * 1664525 + 1013904223;
        img->data[i] = (uint8_t) (i % 601 / 3 + (state >> 24) % 50);
        before += img->data[i];
    }
    REQUIRE(image_recompress(img, 98) == 0);
    for (unsigned i = 0; i < 601 * 401; i++)
        after += img->data[i];
    REQUIRE(near(before, after, 601 * 401 / 20));
    REQUIRE(near(at(img, 0, 200, 0), 25, 35) && near(at(img, 600, 400, 0), 225, 35));
}

static void test_save_limits(void)
{
    CLEANUP(image_freep) struct image *longest = NULL, *small = NULL, *again = NULL;
    struct fail fail = {0};
    char name[64];

    REQUIRE(image_new(65535, 1, 1, &longest) == 0);
    snprintf(name, sizeof(name), "/tmp/test-image-%d.jpg", (int) getpid());
    REQUIRE(image_save(longest, name, &fail) == -EINVAL && fail.kind == FAIL_USAGE);
    REQUIRE(access(name, F_OK) < 0);
    REQUIRE(image_recompress(longest, 90) == -EINVAL);

    REQUIRE(image_new(2, 2, 1, &small) == 0);
    small->dpi = 1e300;
    snprintf(name, sizeof(name), "/tmp/test-image-%d.png", (int) getpid());
    REQUIRE(image_save(small, name, NULL) == 0);
    REQUIRE(image_load(name, &again, NULL) == 0);
    REQUIRE(unlink(name) == 0);
    REQUIRE(fabs(again->dpi - 0x7fffffff * 0.0254) < 1);
}

static void test_warp(void)
{
    CLEANUP(image_freep) struct image *img = NULL, *moved = NULL, *half = NULL;
    struct image_plane x = {0}, y = {0};

    REQUIRE(image_new(64, 48, 1, &img) == 0);
    for (unsigned i = 0; i < 64 * 48; i++)
        img->data[i] = (uint8_t) (i % 64 * 2 + 60);
    REQUIRE(image_warp(img, (double[]){1, 0, 3, 0, 1, 0}, 64, 48, &moved) == 0);
    REQUIRE(at(moved, 10, 5, 0) == at(img, 7, 5, 0) && at(moved, 0, 0, 0) == at(img, 0, 0, 0));
    REQUIRE(image_resize(img, 32, 24, &half) == 0 && half->width == 32);
    REQUIRE(near(at(half, 10, 10, 0), 60 + 2 * 20 + 1, 1));
    for (unsigned i = 0; i < 64 * 48; i++)
        img->data[i] = i % 64 < 32 ? 100 : 150;
    REQUIRE(image_slope(img, 2, 10, &x, &y) == 0);
    const float *at_step = &x.data[24 * 64 + 32];
    /* a step of 2/5 of the paper's level, 128, through a Gaussian of sigma 2 */
    REQUIRE(*at_step > 7 && *at_step < 12 && *at_step > 3 * fabsf(at_step[-12]));
    REQUIRE(fabsf(y.data[24 * 64 + 32]) < 0.01f);
    image_plane_done(&x);
    image_plane_done(&y);
}

int main(int argc, char **argv)
{
    REQUIRE(argc == 2);
    folder = argv[1];
    test_new();
    test_grey();
    test_colour();
    test_alpha();
    test_bits();
    test_png_kinds();
    test_jpeg_kinds();
    test_tiff_kinds();
    test_broken();
    test_truncated();
    test_bombs();
    test_save();
    test_save_large();
    test_save_limits();
    test_warp();
    return 0;
}
