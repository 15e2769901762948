/* SPDX-License-Identifier: Apache-2.0
 *
 * One text over the pages of a book, cut into sentences.
 */

#include "tools/ctl/book/book.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lang/hanzi.h"

const char *const book_kind_names[] = {"text", "paragraph", "heading", NULL};

/* Without the end of a sentence for so long it is no text that one could wait for: it is spoken as
 * far as it is there, and the memory stays small. */
enum { MAX_REST = 8192 };
/* Below it a page is read in the code of the page before. */
#define CODE_SURE 0.9

void book_sentences_done(struct book_sentences *s)
{
    for (size_t i = 0; i < s->n; i++) {
        free(s->list[i].pinyin);
        free(s->list[i].hanzi);
    }
    free(s->list);
    *s = (struct book_sentences){0};
}

void book_text_done(struct book_text *t)
{
    lang_text_done(&t->rest);
    free(t->pinyin);
    *t = (struct book_text){0};
}

/* ---- what is kept of a page ---- */

/* The lines as they stand on the page; *ret owned. */
static int side_cells(const struct pipeline_side *side, char **ret)
{
    size_t size = 0;
    unsigned row = 0;
    FILE *f = open_memstream(ret, &size);

    if (!f)
        return -ENOMEM;
    for (size_t i = 0; i < side->n_lines; i++, row++) {
        const struct pipeline_line *line = &side->lines[i];
        for (; row < line->row; row++)
            fputc('\n', f);
        fprintf(f, "%s%s\n", line->after_blank ? "\n" : "", line->braille);
    }
    const int r = ferror(f) ? -ENOMEM : 0;
    return fclose(f) == 0 ? r : -ENOMEM;
}

static json_t *side_json(const struct pipeline_reading *reading, const struct pipeline_side *side)
{
    CLEANUP_FREE char *cells = NULL;

    if (side_cells(side, &cells) < 0)
        return NULL;
    return json_pack("{ss ss sf sb ss}", "side", side->side == BRL_VERSO ? "verso" : "recto",
                     "code", lang_code_names[reading->code], "p", (double) reading->code_p, "text",
                     side->is_text, "cells", cells);
}

json_t *book_page_json(const struct pipeline_reading *reading)
{
    json_t *sides = json_array();
    int r = sides ? 0 : -1;

    for (unsigned i = 0; r == 0 && i < reading->n_sides; i++)
        r = json_array_append_new(sides, side_json(reading, &reading->side[i]));
    if (r == 0)
        return json_pack("{so sf si}", "sides", sides, "confidence", (double) reading->confidence,
                         "unknown", (int) reading->n_unknown);
    json_decref(sides);
    return NULL;
}

/* Unicode braille and line ends -> cells; *ret owned. */
static int cells_of(const char *text, uint8_t **ret, size_t *ret_n)
{
    uint8_t *cells = malloc(strlen(text) + 1);
    size_t n = 0;

    if (!cells)
        return -ENOMEM;
    for (const uint8_t *s = (const uint8_t *) text; *s;) {
        if (*s == '\n') {
            cells[n++] = LANG_LINE_END;
            s++;
        } else if (s[0] == 0xE2 && s[1] == 0xA0 && s[2] >= 0x80 && s[2] < 0xC0) {
            cells[n++] = s[2] & 63; /* six dots: U+2800 to U+283F */
            s += 3;
        } else {
            free(cells);
            return -EINVAL;
        }
    }
    *ret = cells;
    *ret_n = n;
    return 0;
}

static const char *side_text(const json_t *page, const char *name)
{
    const json_t *side;
    size_t i;

    json_array_foreach(json_object_get(page, "sides"), i, side)
    {
        const char *is = json_string_value(json_object_get(side, "side"));
        if (is && strcmp(is, name) == 0 && json_is_true(json_object_get(side, "text")))
            return json_string_value(json_object_get(side, "cells"));
    }
    return NULL;
}

/* Does the text have this line? */
static bool has_line(const char *text, const char *line, size_t n)
{
    for (const char *at = text; at; at = strchr(at, '\n')) {
        at += *at == '\n';
        if (strncmp(at, line, n) == 0 && (at[n] == '\n' || !at[n]))
            return true;
    }
    return false;
}

bool book_page_repeats(const json_t *page, const json_t *next)
{
    enum { MIN_BYTES = 3 * 8, MIN_LINES = 4 }; /* of lines that are no chance */
    const char *verso = side_text(page, "verso"), *recto = side_text(next, "recto");
    size_t n_lines = 0, n_same = 0;

    for (const char *at = verso; recto && at && *at;) {
        const size_t n = strcspn(at, "\n");
        if (n >= MIN_BYTES) {
            n_lines++;
            n_same += has_line(recto, at, n);
        }
        at += n + (at[n] == '\n');
    }
    return n_lines >= MIN_LINES && 3 * n_same >= n_lines;
}

/* ---- a page's text behind that of the pages before ---- */

/* What the tokens of a page are, and where those begin that are read out. */
struct page {
    unsigned index;
    enum book_kind *kinds; ///< of each token, asides left out; owned
    size_t skip, n;        ///< spaces that go; tokens behind them
};

static const struct lang_line *line_of(const struct lang_layout *l, size_t cell)
{
    const struct lang_line *line = NULL;

    for (size_t i = 0; i < l->n && l->lines[i].first <= cell; i++)
        if (l->lines[i].n_cells > 0)
            line = &l->lines[i];
    return line;
}

static int look_at_tokens(const struct lang_layout *l, const struct lang_text *text, struct page *p)
{
    const struct lang_line *line = NULL;

    p->kinds = calloc(MAX(text->n, (size_t) 1), sizeof(*p->kinds));
    if (!p->kinds)
        return -ENOMEM;
    while (p->skip < text->n && text->tokens[p->skip].kind == LANG_SPACE)
        p->skip++;
    p->n = text->n - p->skip;
    for (size_t i = p->skip; i < text->n; i++) {
        const size_t cell = text->tokens[i].first;
        if (!line || cell < line->first || cell >= line->first + line->n_cells)
            line = line_of(l, cell);
        if (line && line->kind == LANG_LINE_HEADING)
            p->kinds[i - p->skip] = BOOK_HEADING;
        else if (line && (i == p->skip || strcmp(text->tokens[i - 1].text, "\n\n") == 0) &&
                 (i > p->skip || text->begins == LANG_BEGINS_PARAGRAPH))
            p->kinds[i - p->skip] = BOOK_PARAGRAPH;
    }
    return 0;
}

/* The front of t->rest, of which the last p->n tokens are the page's, as sentences. */
struct cut {
    struct book_text *t;
    const struct page *p;
    struct lang_text front;
    struct lang_sense *senses; ///< owned
    size_t boundary;           ///< tokens before it are of pages before
};

static void describe(const struct cut *c, size_t token, struct book_sentence *s)
{
    const bool here = token >= c->boundary && token - c->boundary < c->p->n;

    s->page = here ? c->p->index : c->t->rest_page;
    s->kind = here ? c->p->kinds[token - c->boundary] : c->t->rest_kind;
}

/* Tokens begin .. end as a sentence; without a sound none is added. */
static int add_sentence(const struct cut *c, size_t begin, size_t end, struct book_sentences *ret)
{
    const struct lang_text part = {
        .tokens = c->front.tokens + begin, .n = end - begin, .code = c->front.code};
    CLEANUP_FREE char *pinyin = NULL;
    struct book_sentence s = {0};

    int r = lang_spoken(&part, &pinyin, NULL);
    if (r < 0 || !*pinyin)
        return r;
    struct book_sentence *more = reallocarray(ret->list, ret->n + 1, sizeof(*more));
    if (!more)
        return -ENOMEM;
    ret->list = more;
    r = lang_hanzi(&c->front, c->senses, begin, end, &s.hanzi);
    if (r < 0)
        return r;
    for (char *at = s.hanzi; (at = strpbrk(at, "\n\r"));)
        *at = ' ';
    for (size_t n = strlen(s.hanzi); n > 0 && s.hanzi[n - 1] == ' ';)
        s.hanzi[--n] = 0;
    s.pinyin = TAKE_PTR(pinyin);
    describe(c, begin, &s);
    ret->list[ret->n++] = s;
    return 0;
}

static int cut_sentences(struct cut *c, struct book_sentences *ret)
{
    int r = lang_senses(&c->front, &c->senses);

    for (size_t i = 0, n; r == 0 && i < c->front.n; i += n) {
        n = 1;
        if (c->front.tokens[i].kind == LANG_SPACE)
            continue;
        n = lang_text_sentence(&c->front, i);
        r = add_sentence(c, i, i + n, ret);
    }
    free(c->senses);
    return r;
}

/* What is left begins where the front ended. */
static int take_front(struct book_text *t, const struct page *p, bool last,
                      struct book_sentences *ret)
{
    struct cut c = {.t = t, .p = p, .boundary = t->rest.n - p->n};
    struct book_sentence left;
    int r = 0;

    if (last || t->rest.n > MAX_REST) {
        c.front = t->rest;
        t->rest = (struct lang_text){.code = c.front.code};
    } else {
        r = lang_text_split(&t->rest, &c.front);
    }
    if (r == 0)
        r = cut_sentences(&c, ret);
    size_t at = c.front.n; /* the first word of what is left */
    for (size_t i = 0; i < t->rest.n && t->rest.tokens[i].kind == LANG_SPACE; i++)
        at++;
    describe(&c, at, &left);
    t->rest_page = left.page;
    t->rest_kind = left.kind;
    lang_text_done(&c.front);
    return r;
}

static long printed_number(const struct lang_layout *l)
{
    for (size_t i = 0; i < l->n; i++) {
        const struct lang_line *line = &l->lines[i];
        const char *number = strrchr(line->number, ' '); /* "5 12": the braille book's is 12 */
        const long n = atol(number ? number + 1 : line->number);
        if (lang_line_is_aside(line) && n > 0)
            return n;
    }
    return 0;
}

static int keep_pinyin(struct book_text *t, const struct lang_text *text)
{
    CLEANUP_FREE char *pinyin = NULL;
    int r = lang_pinyin(text, &pinyin);
    const size_t n = r == 0 ? strlen(pinyin) : 0, gap = t->n_pinyin > 0;

    if (r < 0 || n == 0)
        return r;
    char *more = realloc(t->pinyin, t->n_pinyin + n + gap + 1);
    if (!more)
        return -ENOMEM;
    t->pinyin = more;
    if (gap)
        more[t->n_pinyin] = '\n';
    memcpy(more + t->n_pinyin + gap, pinyin, n + 1);
    t->n_pinyin += n + gap;
    return 0;
}

static int add_cells(struct book_text *t, const uint8_t *cells, size_t n, enum lang_code code,
                     struct page *p, long *number)
{
    CLEANUP(lang_layout_done) struct lang_layout layout = {0};
    CLEANUP(lang_text_done) struct lang_text text = {0};

    int r = lang_layout_find(cells, n, &t->book, &layout);
    if (r == 0)
        r = lang_decode_page(code, cells, n, &layout, &t->book, &text, NULL);
    if (r < 0)
        return r;
    lang_text_drop_asides(&text);
    if (*number == 0)
        *number = printed_number(&layout);
    r = keep_pinyin(t, &text);
    if (r == 0)
        r = look_at_tokens(&layout, &text, p);
    return r == 0 ? lang_text_append(&t->rest, &text) : r;
}

static int add_side(struct book_text *t, const json_t *side, unsigned index,
                    struct book_sentences *ret, long *number)
{
    const char *cells_text = json_string_value(json_object_get(side, "cells"));
    const char *name = json_string_value(json_object_get(side, "code"));
    const double sure = json_number_value(json_object_get(side, "p"));
    CLEANUP_FREE uint8_t *cells = NULL;
    struct page p = {.index = index};
    enum lang_code code;
    size_t n = 0;

    if (!cells_text || !name || lang_code_parse(name, &code) < 0)
        return -EINVAL;
    if (!json_is_true(json_object_get(side, "text")))
        return 0;
    if (t->book.n_pages > 0 && sure < CODE_SURE)
        code = t->book.code;
    int r = cells_of(cells_text, &cells, &n);
    if (r == 0)
        r = add_cells(t, cells, n, code, &p, number);
    if (r == 0)
        r = take_front(t, &p, false, ret);
    free(p.kinds);
    return r;
}

int book_text_add(struct book_text *t, const json_t *page, unsigned index, bool last,
                  struct book_sentences *ret, long *ret_number, struct fail *fail)
{
    CLEANUP(book_sentences_done) struct book_sentences found = {0};
    const json_t *side;
    size_t i;
    int r = 0;

    *ret_number = 0;
    json_array_foreach(json_object_get(page, "sides"), i, side) if (r == 0) r =
        add_side(t, side, index, &found, ret_number);
    if (r == 0 && last)
        r = take_front(t, &(struct page){.index = index}, true, &found);
    if (r == -EINVAL)
        return fail_set(fail, FAIL_INPUT, r, "what was kept of page %u is broken", index + 1);
    if (r < 0)
        return r;
    *ret = found;
    found = (struct book_sentences){0};
    return 0;
}
