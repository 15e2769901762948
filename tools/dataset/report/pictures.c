/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <libgen.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "image/cv.h"
#include "image/image.h"
#include "manifest/manifest.h"
#include "tools/dataset/report/report.h"

static void write_base64(FILE *f, const uint8_t *data, size_t size)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (size_t i = 0; i < size; i += 3) {
        const size_t n = MIN(size - i, (size_t) 3);
        const unsigned v =
            (unsigned) data[i] << 16 | (n > 1 ? data[i + 1] : 0u) << 8 | (n > 2 ? data[i + 2] : 0u);
        putc(digits[v >> 18], f);
        putc(digits[v >> 12 & 63], f);
        putc(n > 1 ? digits[v >> 6 & 63] : '=', f);
        putc(n > 2 ? digits[v & 63] : '=', f);
    }
}

/* Small enough for its place, as JPEG. */
static int shrink(const char *path, unsigned width, unsigned height, struct image **ret,
                  uint8_t **ret_data, size_t *ret_size)
{
    CLEANUP(image_freep) struct image *img = NULL;

    int r = image_load(path, &img, NULL);
    if (r < 0)
        return r;
    const double scale = fmin(1, fmin((double) width / img->width, (double) height / img->height));
    if (scale < 1) {
        struct image *small = NULL;
        r = image_resize(img, MAX((unsigned) (img->width * scale), 1u),
                         MAX((unsigned) (img->height * scale), 1u), &small);
        if (r < 0)
            return r;
        image_free(img);
        img = small;
    }
    r = image_encode(img, "x.jpg", ret_data, ret_size, NULL);
    if (r == 0)
        *ret = TAKE_PTR(img);
    return r;
}

/* The folder as seen from the page, owned; NULL: it does not lie below the page's folder. */
static char *seen_from(const char *out, const char *dir)
{
    CLEANUP_FREE char *copy = strdup(out);
    CLEANUP_FREE char *from = copy ? realpath(dirname(copy), NULL) : NULL;
    CLEANUP_FREE char *to = realpath(dir, NULL);
    const size_t n = from ? strlen(from) : 0;

    if (!n || !to || strncmp(from, to, n) != 0 || (to[n] != '/' && to[n] && from[n - 1] != '/'))
        return NULL;
    return strdup(to[n] == '/' ? to + n + 1 : *(to + n) ? to + n : ".");
}

static void write_path(FILE *f, const char *path)
{
    for (; *path; path++)
        if (strchr("%#?\"&<> ", *path))
            fprintf(f, "%%%02X", (unsigned char) *path);
        else
            putc(*path, f);
}

static void write_words(FILE *f, const char *const *words)
{
    for (const char *const *word = words; *word; word++) {
        fputs(word == words ? "" : ", ", f);
        page_short_text(f, *word, 80);
    }
}

static void write_alt(FILE *f, const char *const *alt)
{
    fputs(" alt=\"", f);
    write_words(f, alt);
    fputs("\">", f);
}

int pictures_write(struct pictures *p, FILE *f, const char *dir, const char *image, unsigned width,
                   unsigned height, const char *const *alt)
{
    CLEANUP(image_freep) struct image *small = NULL;
    CLEANUP_FREE uint8_t *data = NULL;
    CLEANUP_FREE char *path = manifest_path(dir, image), *folder = NULL;
    size_t size = 0;

    if (!path)
        return -ENOMEM;
    int r = shrink(path, width, height, &small, &data, &size);
    if (r == -ENOMEM)
        return r;
    if (r == 0 && size * 4 / 3 <= p->left) {
        p->left -= size * 4 / 3;
        fprintf(f, "<img width=\"%u\" height=\"%u\" src=\"data:image/jpeg;base64,", small->width,
                small->height);
        write_base64(f, data, size);
        putc('"', f);
        write_alt(f, alt);
        return 0;
    }
    folder = r == 0 ? seen_from(p->out, dir) : NULL;
    if (!folder) {
        fprintf(f, "<span class=\"gone\">%s: ", r < 0 ? "cannot be read" : "not shown");
        write_words(f, alt);
        fputs("</span>", f);
        return 0;
    }
    fprintf(f, "<img loading=\"lazy\" width=\"%u\" height=\"%u\" src=\"", small->width,
            small->height);
    write_path(f, folder);
    putc('/', f);
    write_path(f, image);
    putc('"', f);
    write_alt(f, alt);
    return 0;
}
