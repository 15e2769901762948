/* SPDX-License-Identifier: Apache-2.0
 *
 * The text beside the picture: lines as a table, doubtful cells as a list of links.
 */

#include <string.h>

#include "tools/ctl/format/html.h"
#include "tools/ctl/format/markup.h"

/* "hao3" -> where its tone mark stands: on a or e, on the o of ou, else on the last vowel. */
static size_t marked_vowel(const char *s, size_t n)
{
    size_t last = n;

    for (size_t i = 0; i < n; i++)
        if (s[i] == 'a' || s[i] == 'e' || (s[i] == 'o' && i + 1 < n && s[i + 1] == 'u'))
            return i;
        else if (strchr("iouv", s[i]))
            last = i;
    return last;
}

static const char *marked(char vowel, unsigned tone)
{
    static const char vowels[] = "aeiouv";
    static const char *const signs[6][5] = {{"ā", "á", "ǎ", "à", "a"}, {"ē", "é", "ě", "è", "e"},
                                            {"ī", "í", "ǐ", "ì", "i"}, {"ō", "ó", "ǒ", "ò", "o"},
                                            {"ū", "ú", "ǔ", "ù", "u"}, {"ǖ", "ǘ", "ǚ", "ǜ", "ü"}};
    const char *at = strchr(vowels, vowel);
    return at && *at ? signs[at - vowels][tone - 1] : "";
}

/* A syllable as lang has it: lower-case letters, a tone at its end where one is printed. */
static bool is_syllable(const char *s)
{
    const size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz");
    return n > 0 && strpbrk(s, "aeiouv") && (s[n] == 0 || (strchr("12345", s[n]) && !s[n + 1]));
}

void html_piece_text(const struct pipeline_piece *piece, char *out, size_t size)
{
    const char *s = piece->text;
    const size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz");
    const size_t at = s[n] ? marked_vowel(s, n) : n;
    size_t used = 0;

    if (piece->unknown || !is_syllable(s)) {
        snprintf(out, size, "%s", s);
        return;
    }
    *out = 0;
    for (size_t i = 0; i < n && used + 4 < size; i++) {
        const char plain[2] = {s[i], 0};
        const char *sign = i == at       ? marked(s[i], (unsigned) (s[n] - '0'))
                           : s[i] == 'v' ? "ü"
                                         : plain;
        used += (size_t) snprintf(out + used, size - used, "%s", sign);
    }
}

/* The worst mark among a piece's cells. */
static enum html_mark piece_mark(const struct html_page *p, const struct pipeline_piece *piece)
{
    enum html_mark mark = HTML_SURE;

    for (uint32_t k = 0; k < piece->n_cells; k++)
        if (html_mark_of(p, piece->first + k) > mark)
            mark = html_mark_of(p, piece->first + k);
    return mark;
}

static const char *mark_words(const struct html_words *t, enum html_mark mark)
{
    return mark == HTML_UNKNOWN ? t->no_text : mark == HTML_CHANGED ? t->changed : t->doubtful;
}

static void write_piece(const struct html_page *p, uint32_t index)
{
    const struct pipeline_piece *piece = &p->side->pieces[index];
    const enum html_mark mark = piece_mark(p, piece);
    char text[96];

    html_piece_text(piece, text, sizeof(text));
    if (mark == HTML_SURE) {
        fprintf(p->out, "<span data-piece=\"%u\">", index);
        markup_text(p->out, text);
        fputs("</span>", p->out);
        return;
    }
    fprintf(p->out, "<mark class=\"%s\" data-piece=\"%u\">", html_classes[mark], index);
    markup_text(p->out, text);
    fprintf(p->out,
            "<span class=\"sign\" aria-hidden=\"true\">%s</span><span class=\"heard\" "
            "lang=\"%s\"> (%s)</span></mark>",
            html_signs[mark], p->words->language, mark_words(p->words, mark));
}

/* The pieces that begin in a line, with a space where a blank cell is. Cells [from, to). */
static void write_pieces(const struct html_page *p, size_t from, size_t to)
{
    const struct pipeline_side *r = p->side;

    for (size_t i = from; i < to; i++) {
        if (i > from && r->cells[i].column > r->cells[i - 1].column + 1)
            fputc(' ', p->out);
        if (p->piece[i] != UINT32_MAX && r->pieces[p->piece[i]].first == i)
            write_piece(p, p->piece[i]);
    }
}

void html_write_lines(const struct html_page *p)
{
    const struct pipeline_side *r = p->side;
    const struct html_words *t = p->words;
    size_t from = 0;

    fprintf(p->out, "<h3 id=\"p%u-text\" tabindex=\"-1\">%s</h3>\n<table class=\"lines\" aria-",
            p->number, t->text);
    fprintf(p->out,
            "labelledby=\"p%u-text\">\n<thead><tr><th scope=\"col\">%s</th><th scope=\"col\">%s"
            "</th><th scope=\"col\">%s</th></tr></thead>\n<tbody>\n",
            p->number, t->line, t->text_column, t->certainty);
    for (size_t i = 0; i < r->n_lines; i++) {
        const struct pipeline_line *l = &r->lines[i];
        size_t to = from;
        while (to < r->n_cells && r->cells[to].row <= l->row)
            to++;
        fprintf(p->out,
                "<tr data-line=\"%u\"><th scope=\"row\"><a href=\"#p%u-l%u\">%u</a></th><td><div "
                "class=\"pinyin\" lang=\"zh-Latn-pinyin\">",
                l->row + 1u, p->number, l->row + 1u, l->row + 1u);
        write_pieces(p, from, to);
        fprintf(p->out, "</div><div class=\"braille\" lang=\"zh-Brai\">%s</div></td>", l->braille);
        fprintf(p->out, "<td class=\"p\">%.2f</td></tr>\n", (double) l->p);
        from = to;
    }
    fputs("</tbody>\n</table>\n", p->out);
}

static void write_dots(const struct html_page *p, brl_cell cell)
{
    char dots[7];

    brl_cell_format(cell, dots);
    if (!cell) {
        fputs(p->words->blank, p->out);
        return;
    }
    fprintf(p->out, "%s ", p->words->dots_of);
    for (const char *d = dots; *d; d++)
        fprintf(p->out, "%s%c", d == dots ? "" : "-", *d);
}

static void write_doubt(const struct html_page *p, size_t i)
{
    const struct pipeline_cell *c = &p->side->cells[i];
    const struct html_words *t = p->words;
    char text[96];

    fprintf(p->out, "<li><a href=\"#p%u-c%zu\">%s %u, %s %u</a>%s", p->number, i + 1, t->line,
            c->row + 1u, t->cell, c->column + 1u, t->colon);
    write_dots(p, c->dots);
    if (html_mark_of(p, i) == HTML_UNKNOWN)
        fprintf(p->out, ", %s", t->no_text);
    else if (p->piece[i] != UINT32_MAX) {
        html_piece_text(&p->side->pieces[p->piece[i]], text, sizeof(text));
        fprintf(p->out, ", %s <span lang=\"zh-Latn-pinyin\">", t->in);
        markup_text(p->out, text);
        fputs("</span>", p->out);
    }
    fprintf(p->out, ", p = %.3f</li>\n", (double) c->p);
}

void html_write_doubtful(const struct html_page *p)
{
    const struct pipeline_side *r = p->side;
    size_t n = 0;

    fprintf(p->out, "<section class=\"doubts\" aria-labelledby=\"p%u-doubtful\">\n<h3 id=\"",
            p->number);
    fprintf(p->out, "p%u-doubtful\" tabindex=\"-1\">%s</h3>\n", p->number,
            p->words->doubtful_cells);
    for (size_t i = 0; i < r->n_cells; i++) {
        if (html_mark_of(p, i) < HTML_DOUBTFUL)
            continue;
        fputs(n++ == 0 ? "<ol>\n" : "", p->out);
        write_doubt(p, i);
    }
    if (n > 0)
        fputs("</ol>\n", p->out);
    else
        fprintf(p->out, "<p>%s</p>\n", p->words->no_doubt);
    fputs("</section>\n", p->out);
}

/* A cell that was taken for a blank one is in no picture: its line is. */
static void write_change(const struct html_page *p, uint32_t index)
{
    const struct pipeline_change *c = &p->side->changes[index];
    const struct html_words *t = p->words;
    size_t cell = 0;

    while (cell < p->side->n_cells && p->change[cell] != index)
        cell++;
    fprintf(p->out, "<li>");
    if (cell < p->side->n_cells)
        fprintf(p->out, "<a href=\"#p%u-c%zu\">", p->number, cell + 1);
    fprintf(p->out, "%s %u, %s %u%s%s", t->line, c->row + 1u, t->cell, c->column + 1u,
            cell < p->side->n_cells ? "</a>" : "", t->colon);
    write_dots(p, c->from);
    fprintf(p->out, " %s ", t->taken_for);
    write_dots(p, c->to);
    if (c->is[0]) {
        fprintf(p->out, "%s%s <span lang=\"zh-Latn-pinyin\">", t->comma,
                c->no_text ? t->why_no_text : t->why_word);
        markup_text(p->out, c->is);
        fputs("</span>", p->out);
    }
    fprintf(p->out, ", p = %.3f</li>\n", (double) c->p);
}

void html_write_changes(const struct html_page *p)
{
    if (!p->side->n_changes)
        return;
    fprintf(p->out, "<section class=\"doubts\" aria-labelledby=\"p%u-changes\">\n<h3 id=\"",
            p->number);
    fprintf(p->out, "p%u-changes\" tabindex=\"-1\">%s</h3>\n<ol>\n", p->number, p->words->changes);
    for (size_t i = 0; i < p->side->n_changes; i++)
        write_change(p, (uint32_t) i);
    fputs("</ol>\n</section>\n", p->out);
}
