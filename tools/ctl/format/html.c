/* SPDX-License-Identifier: Apache-2.0
 *
 * One self-contained document: each page's picture with the reading laid over it, its text beside
 * it, and what is doubtful. It works without its script, which only lights up what belongs
 * together.
 */

#include "tools/ctl/format/html.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "tools/ctl/format/markup.h"

enum html_mark html_mark_of(const struct html_page *p, size_t i)
{
    const struct pipeline_side *r = p->side;

    if (p->piece[i] != UINT32_MAX && r->pieces[p->piece[i]].unknown)
        return HTML_UNKNOWN;
    if ((double) r->cells[i].p < p->doubt)
        return HTML_DOUBTFUL;
    return p->change[i] != UINT32_MAX ? HTML_CHANGED : HTML_SURE;
}

const char *const html_signs[] = {"", "*", "?", "×"};
const char *const html_classes[] = {"", "changed", "doubtful", "unknown"};

/* Both are in reading order. */
static void find_changes(const struct pipeline_side *r, uint32_t *change)
{
    size_t at = 0;

    for (size_t i = 0; i < r->n_cells; i++) {
        const struct pipeline_cell *c = &r->cells[i];
        while (at < r->n_changes &&
               (r->changes[at].row < c->row ||
                (r->changes[at].row == c->row && r->changes[at].column < c->column)))
            at++;
        change[i] =
            at < r->n_changes && r->changes[at].row == c->row && r->changes[at].column == c->column
                ? (uint32_t) at
                : UINT32_MAX;
    }
}

static const struct html_words *words_of(const struct format_writer *w)
{
    return w->options.chinese ? &html_chinese : &html_english;
}

static int html_page_init(struct html_page *p, const struct format_writer *w,
                          const struct format_page *page, const struct pipeline_side *r)
{
    *p = (struct html_page){.out = w->out,
                            .number = w->n_sections + 1,
                            .words = words_of(w),
                            .page = page,
                            .side = r,
                            .doubt = w->options.doubt};
    p->piece = malloc((r->n_cells + 1) * sizeof(*p->piece));
    p->change = malloc((r->n_cells + 1) * sizeof(*p->change));
    if (!p->piece || !p->change)
        return -ENOMEM;
    find_changes(r, p->change);
    memset(p->piece, 0xFF, (r->n_cells + 1) * sizeof(*p->piece));
    for (size_t i = 0; i < r->n_pieces; i++)
        for (uint32_t k = 0; k < r->pieces[i].n_cells && r->pieces[i].first + k < r->n_cells; k++)
            p->piece[r->pieces[i].first + k] = (uint32_t) i;
    return 0;
}

static void html_page_done(struct html_page *p)
{
    free(p->piece);
    free(p->change);
}

static void write_fact(FILE *f, const char *name, const char *value)
{
    fprintf(f, "<div><dt>%s</dt><dd>", name);
    markup_text(f, value);
    fputs("</dd></div>", f);
}

static void write_number(FILE *f, const char *name, double value, const char *unit)
{
    fprintf(f, "<div><dt>%s</dt><dd>%.10g%s</dd></div>", name, value, unit);
}

static void write_facts(const struct html_page *p, size_t n_doubtful)
{
    const struct pipeline_reading *r = p->page->reading;
    const struct html_words *t = p->words;
    const bool verso = p->side->side == BRL_VERSO;

    fputs("<dl class=\"facts\">", p->out);
    if (r->crop)
        write_fact(p->out, t->crop, r->crop_text);
    fprintf(p->out, "<div><dt>%s</dt><dd>%s</dd></div>", t->side, verso ? t->verso : t->recto);
    write_fact(p->out, t->code, t->codes[r->code]);
    write_number(p->out, t->lines, (double) p->side->n_lines, "");
    write_number(p->out, t->cells, (double) p->side->n_cells, "");
    fprintf(p->out, "<div><dt>%s</dt><dd><a href=\"#p%u-doubtful\">%zu</a></dd></div>",
            t->doubtful_cells, p->number, n_doubtful);
    if (p->side->n_changes)
        fprintf(p->out, "<div><dt>%s</dt><dd><a href=\"#p%u-changes\">%zu</a></dd></div>",
                t->changes, p->number, p->side->n_changes);
    write_number(p->out, t->resolution, (int) (r->dpi + 0.5), " dpi");
    if (r->orientation)
        write_number(p->out, t->turned, r->orientation, "°");
    fputs("</dl>\n", p->out);
    if (verso != r->mirrored)
        fprintf(p->out, "<p class=\"note\">%s%s</p>\n", t->mirrored, t->stop);
    if (!p->side->is_text)
        fprintf(p->out, "<p class=\"note\"><strong>%s</strong></p>\n", t->not_text);
}

static void write_heading(FILE *f, const struct format_writer *w, unsigned index)
{
    const struct format_section *s = &w->sections[index];
    const struct html_words *t = words_of(w);

    fprintf(f, "%s %u%s<bdi>", t->page, index + 1, t->colon);
    markup_text(f, w->names[s->name]);
    fputs("</bdi>", f);
    if (s->one_of_two)
        fprintf(f, "%s%s", t->comma, s->side == BRL_VERSO ? t->verso : t->recto);
}

static int write_side(struct format_writer *w, const struct format_page *page,
                      const struct pipeline_side *side, struct fail *fail)
{
    CLEANUP(html_page_done) struct html_page p = {0};
    size_t n_doubtful = 0;

    int r = html_page_init(&p, w, page, side);
    if (r < 0)
        return r;
    for (size_t i = 0; i < side->n_cells; i++)
        n_doubtful += html_mark_of(&p, i) >= HTML_DOUBTFUL;
    w->n_cells += side->n_cells;
    w->n_doubtful += n_doubtful;

    fprintf(w->out, "<section class=\"page\" id=\"p%u\" aria-labelledby=\"p%u-name\">\n<h2 id=\"",
            p.number, p.number);
    fprintf(w->out, "p%u-name\">", p.number);
    write_heading(w->out, w, w->n_sections);
    fputs("</h2>\n", w->out);
    write_facts(&p, n_doubtful);
    fputs("<div class=\"both\">\n", w->out);
    r = html_write_figure(&p, fail);
    if (r < 0)
        return r;
    fputs("<div class=\"says-it\">\n", w->out);
    html_write_lines(&p);
    html_write_doubtful(&p);
    html_write_changes(&p);
    fputs("</div>\n</div>\n</section>\n", w->out);
    return 0;
}

/* 'sha256-…' of an inline style or script: the only ones that may run. */
static int write_source_hash(FILE *f, const char *text)
{
    char hex[HASH_TEXT];
    uint8_t raw[32];

    int r = hash_sha256(text, strlen(text), hex);
    if (r < 0)
        return r;
    for (unsigned i = 0; i < sizeof(raw); i++) {
        const char digits[3] = {hex[2 * i], hex[2 * i + 1], 0};
        raw[i] = (uint8_t) strtoul(digits, NULL, 16);
    }
    fputs("'sha256-", f);
    markup_base64(f, raw, sizeof(raw));
    fputc('\'', f);
    return 0;
}

static int write_head(const struct format_writer *w, FILE *out)
{
    const struct html_words *t = words_of(w);

    fprintf(out, "<!DOCTYPE html>\n<html lang=\"%s\">\n<head>\n<meta charset=\"utf-8\">\n",
            t->language);
    fputs("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
          "<meta name=\"referrer\" content=\"no-referrer\">\n"
          "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src "
          "data:; style-src ",
          out);
    int r = write_source_hash(out, html_css);
    fputs("; script-src ", out);
    if (r == 0)
        r = write_source_hash(out, html_js);
    fputs("\">\n<title>", out);
    markup_text(out, format_title(w));
    fprintf(out, "</title>\n<style>%s</style>\n</head>\n", html_css);
    return r;
}

static void write_switch(FILE *f, const char *id, const char *label, bool on)
{
    fprintf(f, "<label><input type=\"checkbox\" id=\"show-%s\"%s> %s</label>", id,
            on ? " checked" : "", label);
}

static void write_banner(const struct format_writer *w, FILE *out)
{
    const struct html_words *t = words_of(w);

    fprintf(out, "<body>\n<a class=\"skip\" href=\"#p1-text\">%s</a>\n<header>\n<h1><bdi>",
            t->skip);
    markup_text(out, format_title(w));
    fprintf(out, "</bdi></h1>\n<p class=\"sum\">%s%s%u · %s%s%zu · %s%s%zu</p>\n", t->pages,
            t->colon, w->n_sections, t->cells, t->colon, w->n_cells, t->doubtful_cells, t->colon,
            w->n_doubtful);
    fprintf(out, "<fieldset><legend>%s</legend>", t->show);
    write_switch(out, "dots", t->dots, true);
    write_switch(out, "says", t->reading, true);
    write_switch(out, "boxes", t->boxes, true);
    write_switch(out, "large", t->large, false);
    fputs("</fieldset>\n", out);
    if (w->n_sections > 1) {
        fprintf(out, "<nav aria-label=\"%s\"><ol>\n", t->pages);
        for (unsigned i = 0; i < w->n_sections; i++) {
            fprintf(out, "<li><a href=\"#p%u\">", i + 1);
            write_heading(out, w, i);
            fputs("</a></li>\n", out);
        }
        fputs("</ol></nav>\n", out);
    }
    fputs("</header>\n", out);
}

static int write_end(struct format_writer *w, FILE *out, struct fail *fail)
{
    const struct html_words *t = words_of(w);

    int r = write_head(w, out);
    if (r < 0)
        return r;
    write_banner(w, out);
    fputs("<main>\n", out);
    fwrite(w->text, 1, w->size, out);
    fprintf(out, "</main>\n<footer>\n<p>%s</p>\n<p>%s %.4g%s</p>\n<p>%s%s", t->about, t->doubt_rule,
            w->options.doubt, t->stop, t->device, t->colon);
    markup_text(out, w->options.device);
    fprintf(out, " · brailled %s</p>\n</footer>\n<script>%s</script>\n</body>\n</html>\n",
            BRAILLED_VERSION, html_js);
    return 0;
}

const struct format format_html = {.name = "html",
                                   .endings = ".html .htm",
                                   .needs_picture = true,
                                   .side = write_side,
                                   .end = write_end};
