/* SPDX-License-Identifier: Apache-2.0
 *
 * Pages with their layout, and books: the text of one page goes on with that of the next.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lang/layout.h"
#include "lang/reader.h"

/* The lines of running text lie between the asides: from line `first` to before `end`. */
static void find_text(const struct lang_layout *l, size_t *ret_first, size_t *ret_end)
{
    size_t first = 0, end = l->n;

    for (size_t i = 0; i < l->n && l->lines[i].kind <= LANG_LINE_RUNNING_HEAD; i++) {
        if (lang_line_is_aside(&l->lines[i]))
            first = i + 1;
        else if (l->lines[i].end > 0)
            break;
    }
    for (size_t i = l->n; i > first; i--) {
        if (lang_line_is_aside(&l->lines[i - 1]))
            end = i - 1;
        else if (l->lines[i - 1].end > 0)
            break;
    }
    *ret_first = first;
    *ret_end = end;
}

/* Adds the tokens of `more` behind those of `t`. */
static int join(struct lang_text *t, const struct lang_token *more, size_t n)
{
    if (n == 0)
        return 0;
    struct lang_token *tokens = reallocarray(t->tokens, t->n + n, sizeof(*tokens));
    if (!tokens)
        return -ENOMEM;
    memcpy(tokens + t->n, more, n * sizeof(*more));
    t->tokens = tokens;
    t->n += n;
    return 0;
}

/* A page number or head by itself. */
static int add_aside(enum lang_code code, const uint8_t *cells, const struct lang_line *line,
                     struct lang_text *t)
{
    CLEANUP(lang_text_done) struct lang_text aside = {0};
    const size_t first = line->first + line->indent, end = line->first + line->end;
    const bool roman = line->kind == LANG_LINE_PAGE_NUMBER && cells[first] == DOT6 &&
                       line->number[0] && !strchr(line->number, ' ');
    int r = 0;

    if (roman) {
        struct lang_token token = {LANG_LATIN, (uint32_t) first, (uint32_t) (end - first), "",
                                   true};
        memcpy(token.text, line->number, sizeof(line->number));
        return join(t, &token, 1);
    }
    r = lang_decode_part(code, cells, first, end, NULL, NULL, &aside);
    for (size_t i = 0; i < aside.n; i++)
        aside.tokens[i].aside = true;
    return r == 0 ? join(t, aside.tokens, aside.n) : r;
}

static int add_asides(enum lang_code code, const uint8_t *cells, const struct lang_line *lines,
                      size_t n, struct lang_text *t)
{
    int r = 0;

    for (size_t i = 0; i < n && r == 0; i++)
        if (lang_line_is_aside(&lines[i]))
            r = add_aside(code, cells, &lines[i], t);
    return r;
}

/* Does the line begin with dots 36 that join it to the word above? As lang_reader_gap() has it. */
static bool begins_in_word(const uint8_t *cells, const struct lang_line *line)
{
    const size_t first = line->first + line->indent;
    const unsigned next = line->indent + 1 < line->end ? cells[first + 1] : 0;

    return cells[first] == DOTS36 && next != 0 && next != DOT2 && next != DOTS23;
}

static enum lang_begin begin_of(const uint8_t *cells, const struct lang_line *lines, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (lines[i].end == 0)
            continue;
        if (begins_in_word(cells, &lines[i]))
            return LANG_BEGINS_IN_WORD;
        return lines[i].kind == LANG_LINE_TEXT ? LANG_BEGINS_LINE : LANG_BEGINS_PARAGRAPH;
    }
    return LANG_BEGINS_PARAGRAPH;
}

static void turn_page(struct lang_book *book, const uint8_t *cells, const struct lang_layout *l,
                      enum lang_code code)
{
    memmove(book->tops + 1, book->tops, sizeof(book->tops) - sizeof(book->tops[0]));
    book->tops[0] = lang_layout_top(l, cells);
    for (size_t i = 0; i < l->n; i++)
        if (lang_line_is_aside(&l->lines[i]) && atol(l->lines[i].number) > 0)
            book->number = atol(l->lines[i].number);
    book->code = code;
    book->n_pages++;
}

/* The running text, in the code asked for or the likeliest. */
static int decode_text(enum lang_code code, const uint8_t *cells, const struct lang_layout *l,
                       size_t first, size_t end, uint32_t *quotes, struct lang_text *ret,
                       struct lang_choice *ret_choice)
{
    const size_t from = first < l->n ? l->lines[first].first : 0;
    const size_t upto = first < end ? l->lines[end - 1].first + l->lines[end - 1].n_cells : from;

    return code == LANG_N_CODES
               ? lang_decode_any_part(cells, from, upto, l, quotes, ret, ret_choice)
               : lang_decode_part(code, cells, from, upto, l, quotes, ret);
}

int lang_decode_page(enum lang_code code, const uint8_t *cells, size_t n,
                     const struct lang_layout *layout, struct lang_book *book,
                     struct lang_text *ret, struct lang_choice *ret_choice)
{
    CLEANUP(lang_text_done) struct lang_text text = {0};
    CLEANUP(lang_text_done) struct lang_text all = {0};
    struct lang_choice choice = {.code = code, .p = 1};
    uint32_t quotes[3] = {0};
    size_t first, end;

    if (n > UINT32_MAX / 2)
        return -E2BIG;
    if (book)
        memcpy(quotes, book->quotes, sizeof(quotes));
    find_text(layout, &first, &end);
    int r = decode_text(code, cells, layout, first, end, quotes, &text, &choice);
    if (r == 0)
        r = add_asides(text.code, cells, layout->lines, first, &all);
    if (r == 0)
        r = join(&all, text.tokens, text.n);
    if (r == 0)
        r = add_asides(text.code, cells, layout->lines + end, layout->n - end, &all);
    if (r < 0)
        return r;
    all.code = text.code;
    all.begins = begin_of(cells, layout->lines + first, end - first);
    if (book) {
        turn_page(book, cells, layout, text.code);
        memcpy(book->quotes, quotes, sizeof(quotes));
    }
    *ret = all;
    all = (struct lang_text){0};
    if (ret_choice)
        *ret_choice = choice;
    return 0;
}

void lang_text_drop_asides(struct lang_text *t)
{
    size_t n = 0;

    for (size_t i = 0; i < t->n; i++)
        if (!t->tokens[i].aside)
            t->tokens[n++] = t->tokens[i];
    t->n = n;
}

/* A space of no cells, between pages. */
static struct lang_token page_break(enum lang_begin begins)
{
    struct lang_token space = {.kind = LANG_SPACE};

    strcpy(space.text, begins == LANG_BEGINS_PARAGRAPH ? "\n\n" : "\n");
    return space;
}

/* The joined token lists, with room for all: so that nothing fails halfway. */
int lang_text_append(struct lang_text *to, struct lang_text *page)
{
    const size_t n = to->n + page->n + 1;
    struct lang_token *tokens = reallocarray(to->tokens, n, sizeof(*tokens));

    if (!tokens)
        return -ENOMEM;
    to->tokens = tokens;
    lang_text_drop_asides(to);
    lang_text_drop_asides(page);
    while (page->n > 0 && to->n > 0 && to->tokens[to->n - 1].kind == LANG_SPACE)
        to->n--;
    size_t skip = 0;
    while (skip < page->n && page->tokens[skip].kind == LANG_SPACE)
        skip++;
    if (to->n == 0)
        to->code = page->code;
    if (to->n > 0 && page->n > skip && page->begins != LANG_BEGINS_IN_WORD)
        to->tokens[to->n++] = page_break(page->begins);
    if (page->n > skip)
        memcpy(to->tokens + to->n, page->tokens + skip, (page->n - skip) * sizeof(*tokens));
    to->n += page->n - skip;
    lang_text_done(page);
    return 0;
}

/* Does this token end what can be spoken by itself? */
static bool ends_sentence(const struct lang_token *t)
{
    static const char *const ends[] = {"。", "？", "！"};

    for (size_t i = 0; i < ELEMENTSOF(ends) && t->kind == LANG_PUNCT; i++)
        if (strcmp(t->text, ends[i]) == 0)
            return true;
    return t->kind == LANG_SPACE && strcmp(t->text, "\n\n") == 0;
}

/* Quotes and brackets that close behind the end of a sentence belong to it. */
static bool closes(const struct lang_token *t)
{
    static const char *const signs[] = {"”", "’", "）", "］", "》", "〉", "｝"};

    for (size_t i = 0; i < ELEMENTSOF(signs) && t->kind == LANG_PUNCT; i++)
        if (strcmp(t->text, signs[i]) == 0)
            return true;
    return false;
}

int lang_text_split(struct lang_text *from, struct lang_text *ret)
{
    struct lang_text front = {.code = from->code, .begins = from->begins};
    size_t n = from->n;

    while (n > 0 && !ends_sentence(&from->tokens[n - 1]))
        n--;
    while (n > 0 && n < from->n && closes(&from->tokens[n]))
        n++;
    int r = join(&front, from->tokens, n);
    if (r < 0)
        return r;
    memmove(from->tokens, from->tokens + n, (from->n - n) * sizeof(*from->tokens));
    from->n -= n;
    if (n > 0)
        from->begins = LANG_BEGINS_LINE;
    *ret = front;
    return 0;
}

size_t lang_text_sentence(const struct lang_text *t, size_t begin)
{
    size_t end = begin;

    while (end < t->n && !ends_sentence(&t->tokens[end]))
        end++;
    const bool sign = end < t->n && t->tokens[end].kind == LANG_PUNCT;
    end = MIN(end + 1, t->n);
    while (sign && end < t->n && (closes(&t->tokens[end]) || ends_sentence(&t->tokens[end])))
        end++;
    return MAX(end, begin + 1) - begin;
}
