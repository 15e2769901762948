/* SPDX-License-Identifier: Apache-2.0
 *
 * dataset/lang: what the lines of a page are, and text that goes on over pages. The layouts are
 * those seen in DSBI's books (docs/braille.md D); its own pages are in test-lang-dsbi.c.
 */

#include "lang-util.h"

#include <errno.h>

#include "lang/layout.h"

struct page {
    const char *what, *cells;
    const char *kinds;  ///< a letter a line: b t p h c n r
    const char *number; ///< of the aside that has one
    const char *spoken;
};

static size_t cells_of(const char *text, uint8_t cells[1024])
{
    return cells_from_text(text, cells, 1024);
}

static void require_page(const struct page *page, struct lang_book *book)
{
    uint8_t cells[1024];
    const size_t n = cells_of(page->cells, cells);
    const char *number = "";
    char kinds[64] = "", *spoken;
    struct lang_layout layout;
    struct lang_text text;
    unsigned n_unknown;

    REQUIRE(lang_layout_find(cells, n, book, &layout) == 0);
    for (size_t i = 0; i < layout.n; i++) {
        kinds[i] = "btphcnr"[layout.lines[i].kind];
        if (lang_line_is_aside(&layout.lines[i]) && layout.lines[i].number[0])
            number = layout.lines[i].number;
    }
    if (strcmp(kinds, page->kinds) != 0 || strcmp(number, page->number) != 0)
        fprintf(stderr, "%s\n%s\n  gives %s '%s'\n  not   %s '%s'\n", page->what, page->cells,
                kinds, number, page->kinds, page->number);
    REQUIRE(strcmp(kinds, page->kinds) == 0 && strcmp(number, page->number) == 0);
    REQUIRE(lang_decode_page(LANG_CURRENT, cells, n, &layout, book, &text, NULL) == 0);
    lang_text_drop_asides(&text);
    REQUIRE(lang_spoken(&text, &spoken, &n_unknown) == 0);
    if (strcmp(spoken, page->spoken) != 0)
        fprintf(stderr, "%s\n  says %s\n  not  %s\n", page->what, spoken, page->spoken);
    REQUIRE(strcmp(spoken, page->spoken) == 0 && n_unknown == 0);
    free(spoken);
    lang_text_done(&text);
    lang_layout_done(&layout);
}

static void test_lines(void)
{
    static const struct page table[] = {
        {"paragraphs begin with two blanks, where the word had room above; the number is kept out",
         "  ⠓⠖⠆ ⠓⠖⠆ ⠓⠖⠆ ⠓⠖⠆\n⠓⠖⠆ ⠓⠖⠆\n  ⠛⠥⠄ ⠛⠥⠄ ⠛⠥⠄ ⠛⠥⠄\n⠛⠥⠄ ⠛⠥⠄ ⠛⠥⠄ ⠛⠥⠄\n⠛⠥⠄ "
         "⠛⠥⠄\n              ⠼⠁⠃\n",
         "ptpttn", "12",
         "hao4 hao4 hao4 hao4 hao4 hao4 。 gu3 gu3 gu3 gu3 gu3 gu3 gu3 gu3 gu3 gu3"},
        {"an indented line whose first word had no room above goes on",
         "⠓⠖⠆ ⠓⠖⠆ ⠓⠖⠆ ⠓⠖⠆ ⠓⠖⠆\n  ⠛⠥⠄ ⠛⠥⠄\n⠓⠖⠆\n", "ttt", "",
         "hao4 hao4 hao4 hao4 hao4 gu3 gu3 hao4"},
        {"the number in the first line's corner, in lowered digits",
         "                ⠼⠂⠒\n⠓⠖⠆ ⠓⠖⠆ ⠓⠖⠆ ⠓⠖⠆ ⠓⠖⠆\n⠓⠖⠆\n⠓⠖⠆\n⠓⠖⠆\n", "ntttt", "13",
         "hao4 hao4 hao4 hao4 hao4 hao4 hao4 hao4"},
        {"a Roman numeral", "⠓⠖⠆ ⠓⠖⠆ ⠓⠖⠆ ⠓⠖⠆ ⠓⠖⠆\n⠓⠖⠆\n⠓⠖⠆\n⠓⠖⠆\n               ⠠⠊⠊⠊\n", "ttttn",
         "III", "hao4 hao4 hao4 hao4 hao4 hao4 hao4 hao4"},
        {"one in the middle", "⠓⠖⠆ ⠓⠖⠆ ⠓⠖⠆ ⠓⠖⠆ ⠓⠖⠆\n⠓⠖⠆\n⠓⠖⠆\n⠓⠖⠆\n        ⠼⠁\n", "ttttn", "1",
         "hao4 hao4 hao4 hao4 hao4 hao4 hao4 hao4"},
        {"the number of the print and that of the braille book",
         "⠓⠖⠆ ⠓⠖⠆ ⠓⠖⠆ ⠓⠖⠆ ⠓⠖⠆\n⠓⠖⠆\n⠓⠖⠆\n⠓⠖⠆\n⠼⠑              ⠼⠁⠃\n", "ttttn", "5 12",
         "hao4 hao4 hao4 hao4 hao4 hao4 hao4 hao4"},
        {"a number that ends a sentence at the margin is text",
         "⠓⠖⠆ ⠓⠖⠆ ⠓⠖⠆ ⠓⠖⠆ ⠓⠖⠆\n⠓⠖⠆\n⠓⠖⠆\n⠓⠖⠆\n⠼⠁⠃\n", "ttttt", "",
         "hao4 hao4 hao4 hao4 hao4 hao4 hao4 hao4 shi2er4"},
        {"three lines have no corners", "⠓⠖⠆ ⠓⠖⠆ ⠓⠖⠆ ⠓⠖⠆ ⠓⠖⠆\n⠓⠖⠆\n                 ⠼⠁\n", "ttp",
         "", "hao4 hao4 hao4 hao4 hao4 hao4 。 yi1"},
        {"a running head with its number", "    ⠛⠥⠄ ⠛⠥⠄      ⠼⠁⠃\n⠓⠖⠆ ⠓⠖⠆ ⠓⠖⠆ ⠓⠖⠆ ⠓⠖⠆\n⠓⠖⠆\n⠓⠖⠆\n",
         "rttt", "12", "hao4 hao4 hao4 hao4 hao4 hao4 hao4"},
        {"lines that all end so are a table",
         "⠛⠥⠄ ⠛⠥⠄          ⠼⠁⠃\n⠓⠖⠆ ⠓⠖⠆          ⠼⠁⠃\n⠓⠖⠆ ⠓⠖⠆          ⠼⠁⠃\n⠓⠖⠆\n", "tttt", "",
         "gu3 gu3 shi2er4 hao4 hao4 shi2er4 hao4 hao4 shi2er4 hao4"},
        {"a centred title and its paragraph",
         "       ⠛⠥⠄⠛⠥⠄\n\n  ⠓⠖⠆ ⠓⠖⠆ ⠓⠖⠆ ⠓⠖⠆\n⠓⠖⠆ ⠓⠖⠆ ⠓⠖⠆ ⠓⠖⠆ ⠓⠖⠆\n", "hbpt", "",
         "gu3gu3 。 hao4 hao4 hao4 hao4 hao4 hao4 hao4 hao4 hao4"},
        {"a title of two lines is one",
         "    ⠛⠥⠄⠛⠥⠄ ⠛⠥⠄\n      ⠛⠥⠄⠛⠥⠄\n\n  ⠓⠖⠆ ⠓⠖⠆ ⠓⠖⠆ ⠓⠖⠆\n⠓⠖⠆ ⠓⠖⠆ ⠓⠖⠆ ⠓⠖⠆ ⠓⠖⠆\n", "hhbpt", "",
         "gu3gu3 gu3 gu3gu3 。 hao4 hao4 hao4 hao4 hao4 hao4 hao4 hao4 hao4"},
        {"a section: its number, two blanks, its title",
         "⠓⠖⠆ ⠓⠖⠆ ⠓⠖⠆ ⠓⠖⠆ ⠓⠖⠆\n⠓⠖⠆\n  ⠼⠃⠼⠁  ⠛⠥⠄⠛⠥⠄\n  ⠓⠖⠆ ⠓⠖⠆\n⠓⠖⠆\n", "tthpt", "",
         "hao4 hao4 hao4 hao4 hao4 hao4 。 er4dian3yi1 gu3gu3 。 hao4 hao4 hao4"},
        {"a table of contents; an entry of two lines",
         "        ⠛⠥⠄⠛⠥⠄\n\n⠓⠖⠆⠐⠐⠐⠐⠐⠐⠐⠐⠐⠐⠐⠐⠐⠐⠼⠁\n⠓⠖⠆ ⠓⠖⠆ ⠓⠖⠆ ⠓⠖⠆\n  "
         "⠛⠥⠄⠐⠐⠐⠐⠐⠐⠐⠐⠐⠐⠐⠐⠼⠃\n⠓⠖⠆⠐⠐⠐⠐⠐⠐⠐⠐⠐⠐⠐⠐⠐⠐⠼⠉\n",
         "hbcccc", "", "gu3gu3 。 hao4 ， yi1 。 hao4 hao4 hao4 hao4 gu3 ， er4 。 hao4 ， san1"},
        {"nothing", "", "b", "", ""},
        {"blank lines", "\n   \n", "bb", "", ""},
    };

    for (size_t i = 0; i < ELEMENTSOF(table); i++)
        require_page(&table[i], NULL);
}

/* What the pages before tell. */
static void test_book(void)
{
    static const struct page pages[] = {
        {"the first page",
         "     ⠛⠥⠄ ⠛⠥⠄\n⠓⠖⠆ ⠓⠖⠆ ⠓⠖⠆ ⠓⠖⠆ ⠓⠖⠆\n⠓⠖⠆\n⠓⠖⠆\n⠓⠖⠆\n                 ⠼⠛\n", "pttttn", "7",
         "gu3 gu3 hao4 hao4 hao4 hao4 hao4 hao4 hao4 hao4"},
        {"its back has the same head", "     ⠛⠥⠄ ⠛⠥⠄\n⠓⠖⠆ ⠓⠖⠆ ⠓⠖⠆ ⠓⠖⠆ ⠓⠖⠆\n⠓⠖⠆\n⠓⠖⠆\n⠓⠖⠆\n",
         "rtttt", "", "hao4 hao4 hao4 hao4 hao4 hao4 hao4 hao4"},
        {"a number in the left corner that goes on; the head again",
         "     ⠛⠥⠄ ⠛⠥⠄\n⠓⠖⠆ ⠓⠖⠆ ⠓⠖⠆ ⠓⠖⠆ ⠓⠖⠆\n⠓⠖⠆\n⠓⠖⠆\n⠓⠖⠆\n⠼⠊\n", "rttttn", "9",
         "hao4 hao4 hao4 hao4 hao4 hao4 hao4 hao4"},
        {"a number there that does not", "     ⠛⠥⠄ ⠛⠥⠄\n⠓⠖⠆ ⠓⠖⠆ ⠓⠖⠆ ⠓⠖⠆ ⠓⠖⠆\n⠓⠖⠆\n⠓⠖⠆\n⠓⠖⠆\n⠼⠑⠚\n",
         "rttttt", "", "hao4 hao4 hao4 hao4 hao4 hao4 hao4 hao4 wu3shi2"},
    };
    struct lang_book book = {0};

    for (size_t i = 0; i < ELEMENTSOF(pages); i++)
        require_page(&pages[i], &book);
    REQUIRE(book.n_pages == 4 && book.number == 9 && book.code == LANG_CURRENT);
}

/* Decodes a page of a book and adds it to the running text. */
static void turn(const char *page, struct lang_book *book, struct lang_text *text)
{
    uint8_t cells[1024];
    const size_t n = cells_of(page, cells);
    struct lang_layout layout;
    struct lang_text one;

    REQUIRE(lang_layout_find(cells, n, book, &layout) == 0);
    REQUIRE(lang_decode_page(LANG_CURRENT, cells, n, &layout, book, &one, NULL) == 0);
    REQUIRE(lang_text_append(text, &one) == 0 && one.n == 0 && !one.tokens);
    lang_layout_done(&layout);
}

static void require_spoken(const struct lang_text *text, const char *expected)
{
    unsigned n_unknown;
    char *spoken;

    REQUIRE(lang_spoken(text, &spoken, &n_unknown) == 0);
    if (strcmp(spoken, expected) != 0)
        fprintf(stderr, "says %s\nnot  %s\n", spoken, expected);
    REQUIRE(strcmp(spoken, expected) == 0);
    free(spoken);
}

/* Words, quotes and sentences that go on over pages, and what can be spoken meanwhile. */
static void test_pages(void)
{
    static const char first[] = "  ⠓⠖⠆ ⠓⠖⠆ ⠓⠖⠆ ⠓⠖⠆⠐⠆\n⠓⠖⠆ ⠓⠖⠆ ⠓⠖⠆ ⠓⠖⠆ ⠘⠛⠥⠄\n⠓⠖⠆ ⠓⠖⠆ ⠓⠖⠆ ⠓⠖⠆\n⠓⠖⠆ "
                                "⠓⠖⠆ ⠌⠲\n                  ⠼⠁\n";
    static const char second[] = "⠤⠛⠕ ⠛⠥⠄⠘⠐⠆⠓⠖⠆ ⠓⠖⠆ ⠓⠖⠆\n⠓⠖⠆ ⠓⠖⠆ ⠓⠖⠆\n⠓⠖⠆\n⠓⠖⠆\n";
    static const char third[] = "  ⠛⠥⠄ ⠛⠥⠄ ⠛⠥⠄ ⠛⠥⠄ ⠛⠥⠄\n⠓⠖⠆ ⠓⠖⠆\n⠓⠖⠆\n⠓⠖⠆ ⠓⠖⠆\n";
    struct lang_book book = {0};
    struct lang_text text = {0}, front = {0};

    turn(first, &book, &text);
    REQUIRE(book.quotes[0] == 1);
    REQUIRE(lang_text_split(&text, &front) == 0);
    require_spoken(&front, "hao4 hao4 hao4 hao4 。");
    lang_text_done(&front);
    turn(second, &book, &text);
    REQUIRE(book.quotes[0] == 0);
    REQUIRE(lang_text_split(&text, &front) == 0);
    require_spoken(&front,
                   "hao4 hao4 hao4 hao4 gu3 hao4 hao4 hao4 hao4 hao4 hao4 zhong1guo2 gu3 。");
    lang_text_done(&front);
    turn(third, &book, &text);
    REQUIRE(lang_text_split(&text, &front) == 0);
    require_spoken(&front, "hao4 hao4 hao4 hao4 hao4 hao4 hao4 hao4 。");
    lang_text_done(&front);
    require_spoken(&text, "gu3 gu3 gu3 gu3 gu3 hao4 hao4 hao4 hao4 hao4");
    REQUIRE(lang_text_split(&text, &front) == 0 && front.n == 0);
    lang_text_done(&front);
    lang_text_done(&text);
}

/* Page numbers and heads are tokens too, marked as such, and all tokens stand in order. */
static void test_asides(void)
{
    uint8_t cells[1024];
    const size_t n = cells_of(
        "    ⠛⠥⠄ ⠛⠥⠄      ⠼⠁⠃\n⠓⠖⠆ ⠓⠖⠆ ⠓⠖⠆ ⠓⠖⠆ ⠓⠖⠆\n⠓⠖⠆\n⠓⠖⠆\n               ⠠⠊⠊⠊\n", cells);
    struct lang_layout layout;
    struct lang_choice choice;
    struct lang_text text;
    size_t n_asides = 0, end = 0;

    REQUIRE(lang_layout_find(cells, n, NULL, &layout) == 0);
    REQUIRE(lang_decode_page(LANG_N_CODES, cells, n, &layout, NULL, &text, &choice) == 0);
    REQUIRE(choice.code == text.code && choice.p > 0.3);
    for (size_t i = 0; i < text.n; i++) {
        REQUIRE(text.tokens[i].first >= end && text.tokens[i].n_cells > 0);
        end = text.tokens[i].first + text.tokens[i].n_cells;
        n_asides += text.tokens[i].aside;
    }
    REQUIRE(end <= n);
    REQUIRE(n_asides == 6 && text.tokens[0].aside && text.tokens[text.n - 1].aside);
    REQUIRE(strcmp(text.tokens[text.n - 1].text, "III") == 0);
    lang_text_drop_asides(&text);
    REQUIRE(text.n > 0 && !text.tokens[0].aside && text.begins == LANG_BEGINS_LINE);
    lang_text_done(&text);
    lang_layout_done(&layout);
}

/* Whatever a page holds is answered, and time grows with its size only. */
static void test_hostile(void)
{
    enum { N = 200000 };
    static uint8_t cells[N];
    struct lang_book book = {0};
    uint64_t state = 88172645463325252u;

    for (unsigned round = 0; round < 60; round++) {
        const size_t n = round < 56 ? (round + 1) * 37 % 3000 : N;
        struct lang_layout layout;
        struct lang_text text, to = {0};
        for (size_t i = 0; i < n; i++) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            const unsigned lot = (unsigned) (state >> 40) % 100;
            cells[i] = lot < 8 ? LANG_LINE_END : lot < 45 ? 0 : (uint8_t) (state >> 20) & 63;
            if (round == 57)
                cells[i] = i % 2 ? LANG_LINE_END : 0x3C;
            if (round == 58)
                cells[i] = LANG_LINE_END;
        }
        REQUIRE(lang_layout_find(cells, n, &book, &layout) == 0);
        for (size_t i = 0; i < layout.n; i++) {
            const struct lang_line *l = &layout.lines[i];
            REQUIRE(l->first + l->n_cells <= n && l->indent <= l->end && l->end <= l->n_cells);
            REQUIRE((l->kind == LANG_LINE_BLANK) == (l->end == 0));
            REQUIRE(strlen(l->number) < sizeof(l->number));
        }
        REQUIRE(lang_decode_page(round % 4 < 3 ? (enum lang_code)(round % 3) : LANG_N_CODES, cells,
                                 n, &layout, &book, &text, NULL) == 0);
        REQUIRE(lang_text_append(&to, &text) == 0);
        lang_text_done(&to);
        lang_layout_done(&layout);
    }
}

int main(void)
{
    test_lines();
    test_book();
    test_pages();
    test_asides();
    test_hostile();
    return 0;
}
