/* SPDX-License-Identifier: Apache-2.0
 *
 * JPEG by libjpeg. As in png.c, what must survive a longjmp lives in the caller's struct.
 */

#include <errno.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

#include "image/codec.h"

#define MAX_SCANS 200 ///< a progressive file of more scans only wants to burn time

struct reader {
    struct jpeg_error_mgr err; ///< first, so that libjpeg's pointer is also ours
    struct jpeg_progress_mgr progress;
    struct jpeg_decompress_struct jpeg;
    jmp_buf jump;
    const char *name;
    struct fail *fail;
    struct image *img;
    uint8_t *row; ///< one CMYK row
    unsigned orientation;
    bool early_end;
    char why[JMSG_LENGTH_MAX];
};

static void on_fatal(j_common_ptr j)
{
    struct reader *r = (struct reader *) j->err;
    j->err->format_message(j, r->why);
    longjmp(r->jump, 1);
}

/* Warnings tell of lost data; two of them mean that pixels are made up. */
static void on_message(j_common_ptr j, int level)
{
    struct reader *r = (struct reader *) j->err;
    if (level >= 0)
        return;
    j->err->num_warnings++;
    if (j->err->msg_code == JWRN_JPEG_EOF || j->err->msg_code == JWRN_HIT_MARKER) {
        r->early_end = j->err->msg_code == JWRN_JPEG_EOF;
        on_fatal(j);
    }
}

static void on_output(j_common_ptr j)
{
}

static void on_progress(j_common_ptr j)
{
    struct reader *r = (struct reader *) j->err;
    if (j->is_decompressor && r->jpeg.input_scan_number > MAX_SCANS) {
        snprintf(r->why, sizeof(r->why), "more than %d scans", MAX_SCANS);
        longjmp(r->jump, 1);
    }
}

static unsigned get(const uint8_t *p, unsigned n, bool little)
{
    unsigned v = 0;
    for (unsigned i = 0; i < n; i++)
        v |= (unsigned) p[i] << 8 * (little ? i : n - 1 - i);
    return v;
}

/* The orientation tag (0x0112) of the first directory of an EXIF block; 1 when there is none. */
static unsigned exif_orientation(const uint8_t *p, size_t size)
{
    if (size < 14 || memcmp(p, "Exif\0\0", 6) != 0)
        return 1;
    p += 6;
    size -= 6;
    const bool little = p[0] == 'I';
    const size_t at = get(p + 4, 4, little);
    if (at > size - 2)
        return 1;
    const unsigned n = get(p + at, 2, little);
    for (unsigned i = 0; i < n; i++) {
        const size_t entry = at + 2 + 12 * (size_t) i;
        if (entry + 12 > size)
            return 1;
        if (get(p + entry, 2, little) == 0x0112)
            return get(p + entry + 8, 2, little);
    }
    return 1;
}

static void cmyk_to_rgb(const uint8_t *in, unsigned width, bool inverted, uint8_t *out)
{
    for (unsigned x = 0; x < width; x++, in += 4)
        for (unsigned c = 0; c < 3; c++) {
            const unsigned ink = inverted ? in[c] : 255u - in[c];
            const unsigned black = inverted ? in[3] : 255u - in[3];
            *out++ = (uint8_t) ((ink * black + 127u) / 255u);
        }
}

static int read_rows(struct reader *r)
{
    struct jpeg_decompress_struct *j = &r->jpeg;
    const bool cmyk = j->out_color_space == JCS_CMYK;

    int e = image_new(j->image_width, j->image_height, j->out_color_space == JCS_GRAYSCALE ? 1 : 3,
                      &r->img);
    if (e < 0)
        return e;
    if (cmyk && !(r->row = malloc((size_t) j->image_width * 4)))
        return -ENOMEM;
    jpeg_start_decompress(j);
    while (j->output_scanline < j->output_height) {
        uint8_t *out = r->img->data + j->output_scanline * r->img->stride;
        JSAMPROW row = cmyk ? r->row : out;
        jpeg_read_scanlines(j, &row, 1);
        if (cmyk)
            cmyk_to_rgb(r->row, j->image_width, j->saw_Adobe_marker, out);
    }
    if (j->saw_JFIF_marker && j->X_density == j->Y_density && j->X_density > 1)
        r->img->dpi = j->density_unit == 1   ? j->X_density
                      : j->density_unit == 2 ? j->X_density * 2.54
                                             : 0;
    jpeg_finish_decompress(j);
    return 0;
}

/* May jump: no local is changed between setjmp and its return. */
static int read_all(struct reader *r, const uint8_t *data, size_t size)
{
    struct jpeg_decompress_struct *j = &r->jpeg;

    if (setjmp(r->jump))
        return -EBADMSG;
    jpeg_create_decompress(j);
    j->progress = &r->progress;
    jpeg_mem_src(j, data, size);
    jpeg_save_markers(j, JPEG_APP0 + 1, 0xffff);
    jpeg_read_header(j, TRUE);
    int e = image_check_size(j->image_width, j->image_height, r->name, r->fail);
    if (e < 0)
        return e;
    for (jpeg_saved_marker_ptr m = j->marker_list; m && r->orientation == 0; m = m->next) {
        const unsigned orientation = exif_orientation(m->data, m->data_length);
        if (orientation > 1)
            r->orientation = orientation;
    }
    if (j->num_components == 1)
        j->out_color_space = JCS_GRAYSCALE;
    else if (j->num_components == 4)
        j->out_color_space = JCS_CMYK;
    else
        j->out_color_space = JCS_RGB;
    return read_rows(r);
}

int image_jpeg_decode(const uint8_t *data, size_t size, const char *name, struct image **ret,
                      struct fail *fail)
{
    struct reader *r = calloc(1, sizeof(*r));
    if (!r)
        return fail_set(fail, FAIL_OTHER, -ENOMEM, "not enough memory to decode '%s'", name);
    r->name = name;
    r->fail = fail;
    r->jpeg.err = jpeg_std_error(&r->err);
    r->err.error_exit = on_fatal;
    r->err.emit_message = on_message;
    r->err.output_message = on_output;
    r->progress.progress_monitor = on_progress;

    int e = read_all(r, data, size);
    jpeg_destroy_decompress(&r->jpeg);
    if (e == 0)
        e = image_orient(TAKE_PTR(r->img), r->orientation, &r->img);
    if (e == 0) {
        r->img->turned = r->orientation > 1;
        *ret = TAKE_PTR(r->img);
    } else if (e == -ENOMEM)
        fail_set(fail, FAIL_OTHER, e, "not enough memory to decode '%s'", name);
    else
        fail_set(fail, FAIL_INPUT, e, "'%s' is a broken JPEG file (%s); scan or save it again",
                 name, r->early_end ? "it ends early" : r->why);
    image_free(r->img);
    free(r->row);
    free(r);
    return e;
}

struct writer {
    struct jpeg_error_mgr err; ///< first, as in struct reader
    struct jpeg_destination_mgr destination;
    struct jpeg_compress_struct jpeg;
    jmp_buf jump;
    struct image_bytes *out;
    JOCTET buffer[16384]; ///< what libjpeg writes, on its way to `out`
};

static void on_write_exit(j_common_ptr j)
{
    longjmp(((struct writer *) j->err)->jump, 1);
}

static void on_write_start(j_compress_ptr j)
{
    struct writer *w = (struct writer *) j->err;
    w->destination.next_output_byte = w->buffer;
    w->destination.free_in_buffer = sizeof(w->buffer);
}

static void pass_on(j_compress_ptr j, size_t size)
{
    struct writer *w = (struct writer *) j->err;
    if (image_bytes_add(w->out, w->buffer, size) < 0)
        ERREXIT1(j, JERR_OUT_OF_MEMORY, 0);
}

/* libjpeg wants the whole buffer taken, whatever free_in_buffer says. */
static boolean on_write_full(j_compress_ptr j)
{
    pass_on(j, sizeof(((struct writer *) j->err)->buffer));
    on_write_start(j);
    return TRUE;
}

static void on_write_end(j_compress_ptr j)
{
    struct writer *w = (struct writer *) j->err;
    pass_on(j, sizeof(w->buffer) - w->destination.free_in_buffer);
}

static int write_all(struct writer *w, const struct image *img, int quality)
{
    struct jpeg_compress_struct *j = &w->jpeg;

    if (setjmp(w->jump))
        return w->err.msg_code == JERR_OUT_OF_MEMORY ? -ENOMEM : -EINVAL;
    jpeg_create_compress(j);
    j->dest = &w->destination;
    j->image_width = img->width;
    j->image_height = img->height;
    j->input_components = (int) img->n_chan;
    j->in_color_space = img->n_chan == 3 ? JCS_RGB : JCS_GRAYSCALE;
    jpeg_set_defaults(j);
    jpeg_set_quality(j, quality, TRUE);
    if (img->dpi > 0) {
        j->density_unit = 1;
        j->X_density = j->Y_density = (UINT16) MIN(img->dpi + 0.5, 65535.0);
    }
    jpeg_start_compress(j, TRUE);
    while (j->next_scanline < j->image_height) {
        JSAMPROW row = img->data + j->next_scanline * img->stride;
        jpeg_write_scanlines(j, &row, 1);
    }
    jpeg_finish_compress(j);
    return 0;
}

int image_jpeg_encode(const struct image *img, int quality, struct image_bytes *out)
{
    if (img->width > JPEG_MAX_DIMENSION || img->height > JPEG_MAX_DIMENSION)
        return -EINVAL;
    struct writer *w = calloc(1, sizeof(*w));
    if (!w)
        return -ENOMEM;
    w->out = out;
    w->destination.init_destination = on_write_start;
    w->destination.empty_output_buffer = on_write_full;
    w->destination.term_destination = on_write_end;
    w->jpeg.err = jpeg_std_error(&w->err);
    w->err.error_exit = on_write_exit;
    w->err.output_message = on_output;

    int e = write_all(w, img, quality);
    jpeg_destroy_compress(&w->jpeg);
    free(w);
    return e;
}
