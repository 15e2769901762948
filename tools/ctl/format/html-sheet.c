/* SPDX-License-Identifier: Apache-2.0
 *
 * The picture of a page, upright and small enough for a document, and its reading drawn over it.
 */

#include <errno.h>
#include <math.h>
#include <string.h>

#include "image/cv.h"
#include "tools/ctl/format/html.h"
#include "tools/ctl/format/markup.h"

#define LONG_SIDE_PX 1800
#define JPEG_QUALITY 80

static void html_view_done(struct html_view *v)
{
    v->img = image_free(v->img);
}

static void mirror(struct image *img)
{
    const unsigned n = img->n_chan;
    for (unsigned y = 0; y < img->height; y++) {
        uint8_t *row = img->data + y * img->stride;
        for (unsigned a = 0, b = img->width - 1; a < b; a++, b--)
            for (unsigned c = 0; c < n; c++) {
                const uint8_t t = row[a * n + c];
                row[a * n + c] = row[b * n + c];
                row[b * n + c] = t;
            }
    }
}

/* Points are pixel centres; the page is upright after `turn` degrees clockwise. */
static void view_matrix(struct html_view *v, const struct image *img, unsigned turn, bool mirrored)
{
    const double w = img->width, h = img->height;
    const double turns[4][6] = {{1, 0, 0.5, 0, 1, 0.5},
                                {0, -1, h - 0.5, 1, 0, 0.5},
                                {-1, 0, w - 0.5, 0, -1, h - 0.5},
                                {0, 1, 0.5, -1, 0, w - 0.5}};
    const bool lies = turn == 90 || turn == 270;
    const double sx = v->width / (lies ? h : w), sy = v->height / (lies ? w : h);

    memcpy(v->m, turns[turn / 90], sizeof(v->m));
    for (unsigned i = 0; i < 3; i++) {
        v->m[i] *= mirrored ? -sx : sx;
        v->m[3 + i] *= sy;
    }
    if (mirrored)
        v->m[2] += v->width;
}

static int view_make(const struct format_page *page, enum brl_side side, struct html_view *v)
{
    const struct image *img = page->img;
    const bool mirrored = (side == BRL_VERSO) != page->reading->mirrored;
    const unsigned turn = (360 - page->reading->orientation % 360) % 360;
    const double scale = fmin(1, (double) LONG_SIDE_PX / MAX(img->width, img->height));
    CLEANUP(image_freep) struct image *small = NULL;

    int r = image_resize(img, MAX((unsigned) lround(img->width * scale), 1u),
                         MAX((unsigned) lround(img->height * scale), 1u), &small);
    if (r == 0)
        r = image_turn(small, turn, &v->img);
    if (r < 0)
        return r;
    if (mirrored)
        mirror(v->img);
    v->width = v->img->width;
    v->height = v->img->height;
    view_matrix(v, img, turn, mirrored);
    return 0;
}

static struct brl_point shown(const struct html_view *v, const float at[2])
{
    const double x = (double) at[0], y = (double) at[1];
    return (struct brl_point){v->m[0] * x + v->m[1] * y + v->m[2],
                              v->m[3] * x + v->m[4] * y + v->m[5]};
}

/* Mean dot pitch as shown: what sizes of the drawing follow. */
static double pitch_px(const struct html_view *v, const struct pipeline_side *r)
{
    double sum = 0;
    for (size_t i = 0; i < r->n_cells; i++) {
        const struct brl_point a = shown(v, r->cells[i].dot[0]), b = shown(v, r->cells[i].dot[2]);
        sum += hypot(b.x - a.x, b.y - a.y) / 2;
    }
    return r->n_cells ? fmax(sum / (double) r->n_cells, 0.5) : 1;
}

/* The outline around a cell's six dots, `margin` beyond their centres, however it is turned. */
static void write_outline(FILE *f, const struct html_view *v, const struct pipeline_cell *c,
                          double margin)
{
    static const struct {
        int dot, x, y;
    } corners[4] = {{0, -1, -1}, {3, 1, -1}, {5, 1, 1}, {2, -1, 1}};
    const struct brl_point a = shown(v, c->dot[0]), b = shown(v, c->dot[3]),
                           d = shown(v, c->dot[2]);
    const double across = hypot(b.x - a.x, b.y - a.y), down = hypot(d.x - a.x, d.y - a.y);

    for (int i = 0; i < 4; i++) {
        const struct brl_point p = shown(v, c->dot[corners[i].dot]);
        const double u = across > 0 ? corners[i].x * margin / across : 0;
        const double w = down > 0 ? corners[i].y * margin / down : 0;
        fprintf(f, "%s%.1f %.1f", i ? "L" : "M", p.x + u * (b.x - a.x) + w * (d.x - a.x),
                p.y + u * (b.y - a.y) + w * (d.y - a.y));
    }
    fputc('Z', f);
}

static void write_cell(const struct html_page *p, const struct html_view *v, size_t i, double pitch)
{
    const struct pipeline_cell *c = &p->side->cells[i];
    const enum html_mark mark = html_mark_of(p, i);

    fprintf(p->out, "<g class=\"cell%s%s\" id=\"p%u-c%zu\"", mark == HTML_SURE ? "" : " ",
            html_classes[mark], p->number, i + 1);
    if (p->piece[i] != UINT32_MAX)
        fprintf(p->out, " data-piece=\"%u\"", p->piece[i]);
    fputs("><path class=\"box\" d=\"", p->out);
    write_outline(p->out, v, c, 0.42 * pitch);
    fputs("\"/><path class=\"dots\" d=\"", p->out);
    for (int d = 0; d < 6; d++) {
        const struct brl_point at = shown(v, c->dot[d]);
        if (c->dots >> d & 1)
            fprintf(p->out, "M%.1f %.1fh0", at.x, at.y);
    }
    fputs("\"/>", p->out);
    if (mark != HTML_SURE) { /* a sign beside the colour */
        const struct brl_point at = shown(v, c->dot[3]);
        fprintf(p->out, "<text class=\"sign\" x=\"%.1f\" y=\"%.1f\">%s</text>", at.x + 0.72 * pitch,
                at.y + 0.35 * pitch, html_signs[mark]);
    }
    fputs("</g>", p->out);
}

/* A piece's text below its cells of this row; `i` is its first cell. */
static void write_piece(const struct html_page *p, const struct html_view *v, size_t i,
                        double pitch)
{
    const struct pipeline_side *r = p->side;
    const struct pipeline_piece *piece = &r->pieces[p->piece[i]];
    size_t last = i;
    char text[96];

    while (last + 1 < r->n_cells && p->piece[last + 1] == p->piece[i] &&
           r->cells[last + 1].row == r->cells[i].row)
        last++;
    const struct brl_point a = shown(v, r->cells[i].dot[2]), b = shown(v, r->cells[last].dot[5]);
    html_piece_text(piece, text, sizeof(text));
    fprintf(p->out, "<text class=\"says\" data-piece=\"%u\" x=\"%.1f\" y=\"%.1f\">", p->piece[i],
            (a.x + b.x) / 2, (a.y + b.y) / 2 + 1.3 * pitch);
    markup_text(p->out, text);
    fputs("</text>", p->out);
}

static void write_overlay(const struct html_page *p, const struct html_view *v)
{
    const struct pipeline_side *r = p->side;
    const double pitch = pitch_px(v, r);

    fprintf(p->out,
            "<svg role=\"img\" aria-label=\"%s\" viewBox=\"0 0 %u %u\" font-size=\"%.1f\" "
            "stroke-width=\"%.2f\">\n",
            p->words->overlay, v->width, v->height, 1.2 * pitch, 0.12 * pitch);
    for (size_t i = 0; i < r->n_cells; i++) {
        const unsigned row = r->cells[i].row;
        if (i == 0 || r->cells[i - 1].row != row)
            fprintf(p->out, "%s<g class=\"row\" id=\"p%u-l%u\" data-line=\"%u\">",
                    i ? "</g>\n" : "", p->number, row + 1, row + 1);
        write_cell(p, v, i, pitch);
        if (p->piece[i] != UINT32_MAX && r->pieces[p->piece[i]].first == i)
            write_piece(p, v, i, pitch);
    }
    fputs(r->n_cells ? "</g>\n</svg>\n" : "</svg>\n", p->out);
}

static void write_legend(const struct html_page *p)
{
    const struct html_words *t = p->words;
    const struct {
        const char *class, *sign, *what;
    } rows[] = {{"cell", "", t->legend_cell},
                {"cell doubtful", "?", t->legend_doubtful},
                {"cell unknown", "×", t->legend_unknown},
                {"cell changed", "*", t->legend_changed}};

    fputs("<figcaption><ul class=\"legend\">", p->out);
    for (size_t i = 0; i < ELEMENTSOF(rows) - (p->side->n_changes == 0); i++)
        fprintf(p->out,
                "<li><svg aria-hidden=\"true\" viewBox=\"0 0 30 34\" font-size=\"13\" "
                "stroke-width=\"1.5\"><g class=\"%s\"><path class=\"box\" d=\"M4 4L20 4L20 30L4 "
                "30Z\"/><path class=\"dots\" d=\"M8 9h0M16 17h0M8 25h0\"/><text class=\"sign\" "
                "x=\"25\" y=\"13\">%s</text></g></svg> %s</li>",
                rows[i].class, rows[i].sign, rows[i].what);
    fputs("</ul></figcaption>\n", p->out);
}

int html_write_figure(const struct html_page *p, struct fail *fail)
{
    CLEANUP(html_view_done) struct html_view v = {0};
    CLEANUP_FREE uint8_t *jpeg = NULL;
    size_t size = 0;

    int r = view_make(p->page, p->side->side, &v);
    if (r == 0)
        r = image_encode_jpeg(v.img, JPEG_QUALITY, &jpeg, &size, fail);
    if (r < 0)
        return r;
    fprintf(p->out, "<figure>\n<div class=\"sheet\"><img alt=\"%s\" width=\"%u\" height=\"%u\" ",
            p->words->picture_alt, v.width, v.height);
    fputs("src=\"data:image/jpeg;base64,", p->out);
    markup_base64(p->out, jpeg, size);
    fputs("\">\n", p->out);
    write_overlay(p, &v);
    fputs("</div>\n", p->out);
    write_legend(p);
    fputs("</figure>\n", p->out);
    return 0;
}
