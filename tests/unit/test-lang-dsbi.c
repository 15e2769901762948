/* SPDX-License-Identifier: Apache-2.0
 *
 * How much of real books decodes, and whether their code is told: the truth of the 26 training
 * pages of DSBI (arXiv 1811.10893), which may not be redistributed. Skipped where they are not:
 * $BRAILLED_DSBI, else the first argument.
 */

#include "lang-util.h"

#include <glob.h>

#include "braille/cell.h"
#include "lang/layout.h"

struct book {
    const char *folder;
    enum lang_code code;
    double least_percent; ///< of the cells; docs/braille.md D has the whole books
    size_t n_numbers;     ///< front sides that have a page number, two of them misread in the truth
    size_t n_numbers_found, n_heads;
    double most_upright, least_wrong; ///< nats a raised cell, of pages as they stand and otherwise
    size_t n_pages, n_told, n_lines, n_lines_told, n_versos, n_versos_told, n_cells, n_unknown,
        n_syllables, n_toned;
};

/* As its own reader has it: columns from the other end, dots 1-3 and 4-6 changed. */
static void mirror(uint8_t *row, unsigned last)
{
    for (unsigned i = 1, k = last; i <= k; i++, k--) {
        const uint8_t a = row[i], b = row[k];
        row[i] = (uint8_t) ((b & 7) << 3 | b >> 3);
        row[k] = (uint8_t) ((a & 7) << 3 | a >> 3);
    }
}

/* The cells of one annotation with their blanks; rows with a line end each. A verso stands in the
 * frame of its recto. */
static size_t load(const char *path, bool verso, uint8_t *cells, size_t room)
{
    enum { ROWS = 64, COLUMNS = 64 };
    static uint8_t page[ROWS][COLUMNS];
    unsigned last_column[ROWS] = {0}, last = 0, last_row = 0, row, column, d[6];
    char *line = NULL;
    size_t size = 0, n = 0, n_lines = 0;
    FILE *f = fopen(path, "r");

    REQUIRE(f);
    memset(page, 0, sizeof(page));
    while (getline(&line, &size, f) > 0) {
        if (n_lines++ < 3 || sscanf(line, "%u %u %u %u %u %u %u %u", &row, &column, &d[0], &d[1],
                                    &d[2], &d[3], &d[4], &d[5]) != 8)
            continue;
        REQUIRE(row < ROWS && column < COLUMNS);
        for (unsigned i = 0; i < 6; i++)
            page[row][column] |= (uint8_t) (d[i] << i);
        last_column[row] = column > last_column[row] ? column : last_column[row];
        last_row = row > last_row ? row : last_row;
        last = column > last ? column : last;
    }
    fclose(f);
    free(line);
    for (row = 1; n_lines > 3 && row <= last_row; row++) {
        REQUIRE(n + COLUMNS < room);
        if (verso) {
            mirror(page[row], last);
            last_column[row] = last;
        }
        for (column = 1; column <= last_column[row]; column++)
            cells[n++] = page[row][column];
        cells[n++] = LANG_LINE_END;
    }
    return n;
}

static bool is_told(enum lang_code code, const uint8_t *cells, size_t n)
{
    struct lang_choice choice;
    struct lang_text text;

    REQUIRE(lang_decode_any(cells, n, &text, &choice) == 0);
    lang_text_done(&text);
    return choice.code == code;
}

/* Is the code told from the page, and from each of its lines? */
static void count_told(struct book *book, const uint8_t *cells, size_t n)
{
    book->n_pages++;
    book->n_told += is_told(book->code, cells, n);
    for (size_t start = 0, end; start < n; start = end + 1) {
        size_t raised = 0;
        for (end = start; cells[end] != LANG_LINE_END; end++)
            raised += cells[end] != 0;
        if (raised == 0)
            continue;
        book->n_lines++;
        book->n_lines_told += is_told(book->code, cells + start, end - start);
    }
}

/* What is in no unknown token counts as decoded: grammatical, not compared with the print. */
static void count(struct book *book, const uint8_t *cells, size_t n)
{
    struct lang_text text;
    char *pinyin;

    REQUIRE(lang_decode_code(book->code, cells, n, &text) == 0);
    for (size_t i = 0; i < n; i++)
        book->n_cells += cells[i] != 0 && cells[i] != LANG_LINE_END;
    for (size_t i = 0; i < text.n; i++) {
        const struct lang_token *t = &text.tokens[i];
        if (t->kind == LANG_UNKNOWN)
            book->n_unknown += t->n_cells;
        if (t->kind == LANG_SYLLABLE) {
            book->n_syllables++;
            book->n_toned += strpbrk(t->text, "1234") != NULL;
        }
    }
    REQUIRE(lang_pinyin(&text, &pinyin) == 0);
    if (getenv("BRAILLED_SHOW"))
        puts(pinyin);
    free(pinyin);
    lang_text_done(&text);
}

/* The lines turned by half, mirrored, or both. Returns the cells. */
static size_t place(const uint8_t *cells, size_t n, bool turned, bool mirrored, uint8_t *out)
{
    enum { ROWS = 64 };
    size_t start[ROWS], length[ROWS], n_rows = 0, width = 0, n_out = 0;

    for (size_t i = 0, from = 0; i < n; i++)
        if (cells[i] == LANG_LINE_END) {
            REQUIRE(n_rows < ROWS);
            start[n_rows] = from;
            length[n_rows++] = i - from;
            width = i - from > width ? i - from : width;
            from = i + 1;
        }
    for (size_t k = 0; k < n_rows; k++) {
        const size_t row = turned ? n_rows - 1 - k : k;
        for (size_t c = 0; c < width; c++) {
            const size_t column = turned != mirrored ? width - 1 - c : c;
            uint8_t cell = column < length[row] ? cells[start[row] + column] : 0;
            cell = turned ? brl_cell_turn(cell) : cell;
            out[n_out++] = mirrored ? brl_cell_mirror(cell) : cell;
        }
        out[n_out++] = LANG_LINE_END;
    }
    return n_out;
}

/* How unlikely is the page as it stands, and as it never stands? */
static void weigh_placements(struct book *book, const uint8_t *cells, size_t n)
{
    static uint8_t other[16384];

    for (unsigned i = 0; i < 4; i++) {
        const size_t n_other = place(cells, n, i & 1, i & 2, other);
        struct lang_choice choice;
        struct lang_text text;
        size_t n_raised = 0;
        REQUIRE(lang_decode_any(other, n_other, &text, &choice) == 0);
        lang_text_done(&text);
        for (size_t k = 0; k < n_other; k++)
            n_raised += other[k] != 0 && other[k] != LANG_LINE_END;
        const double nats = choice.nats[choice.code] / (double) n_raised;
        if (i == 0 && nats > book->most_upright)
            book->most_upright = nats;
        if (i > 0 && (book->least_wrong == 0 || nats < book->least_wrong))
            book->least_wrong = nats;
    }
}

/* The page number, told from the text; no page here has a running head. */
static void count_asides(struct book *book, const uint8_t *cells, size_t n)
{
    struct lang_layout layout;

    REQUIRE(lang_layout_find(cells, n, NULL, &layout) == 0);
    for (size_t i = 0; i < layout.n; i++) {
        book->n_numbers_found += layout.lines[i].kind == LANG_LINE_PAGE_NUMBER;
        book->n_heads += layout.lines[i].kind == LANG_LINE_RUNNING_HEAD;
    }
    lang_layout_done(&layout);
}

/* Other pages of the same books; one of them is in Common Braille. */
static void read_versos(struct book *book, const char *root)
{
    static uint8_t cells[16384];
    char pattern[4096];
    glob_t pages;

    snprintf(pattern, sizeof(pattern), "%s/%s/*+verso.txt", root, book->folder);
    if (glob(pattern, 0, NULL, &pages) != 0)
        return;
    for (size_t i = 0; i < pages.gl_pathc; i++) {
        const bool common = strstr(pages.gl_pathv[i], "OPD+3+") != NULL;
        size_t n = load(pages.gl_pathv[i], true, cells, sizeof(cells));
        if (n == 0)
            continue;
        book->n_versos++;
        book->n_versos_told += is_told(common ? LANG_COMMON : book->code, cells, n);
    }
    globfree(&pages);
}

static void read_book(struct book *book, const char *root)
{
    static uint8_t cells[16384];
    char pattern[4096];
    glob_t pages;

    snprintf(pattern, sizeof(pattern), "%s/%s/*+recto.txt", root, book->folder);
    if (glob(pattern, 0, NULL, &pages) != 0)
        return;
    for (size_t i = 0; i < pages.gl_pathc; i++) {
        size_t n = load(pages.gl_pathv[i], false, cells, sizeof(cells));
        if (n > 0)
            count_told(book, cells, n);
        count(book, cells, n);
        count_asides(book, cells, n);
        if (n > 0)
            weigh_placements(book, cells, n);
    }
    globfree(&pages);
}

int main(int argc, char **argv)
{
    /* the third tells of Common Braille, in Current Braille with every tone */
    static struct book books[] = {
        {.folder = "Massage", .code = LANG_CURRENT, .least_percent = 99.8, .n_numbers = 4},
        {.folder = "Math", .code = LANG_CURRENT, .least_percent = 99.9, .n_numbers = 3},
        {.folder = "Ordinary Printed Document", .code = LANG_CURRENT, .least_percent = 99.7},
        {.folder = "Shaver Yang Fengting",
         .code = LANG_TWO_CELL,
         .least_percent = 99.6,
         .n_numbers = 2},
    };
    const char *root = getenv("BRAILLED_DSBI");
    bool any = false, good = true;

    if (!root)
        root = argc > 1 ? argv[1] : ".";
    for (size_t i = 0; i < sizeof(books) / sizeof(books[0]); i++) {
        struct book *b = &books[i];
        read_book(b, root);
        read_versos(b, root);
        if (b->n_cells == 0)
            continue;
        double percent = 100. * (1 - (double) b->n_unknown / (double) b->n_cells);
        printf("%s: the code of %zu of %zu pages, %zu of %zu versos and %zu of %zu lines is told\n",
               b->folder, b->n_told, b->n_pages, b->n_versos_told, b->n_versos, b->n_lines_told,
               b->n_lines);
        printf("%s: %zu pages, %zu of %zu cells decode: %.2f %%; %zu syllables, %.1f %% toned\n",
               b->folder, b->n_pages, b->n_cells - b->n_unknown, b->n_cells, percent,
               b->n_syllables, 100. * (double) b->n_toned / (double) b->n_syllables);
        printf("%s: %zu of %zu page numbers found, %zu lines taken for running heads\n", b->folder,
               b->n_numbers_found, b->n_numbers, b->n_heads);
        printf("%s: upright at most %.2f nats a cell, turned or mirrored at least %.2f\n",
               b->folder, b->most_upright, b->least_wrong);
        any = true;
        good = good && b->most_upright < b->least_wrong;
        good = good && b->n_numbers_found == b->n_numbers && b->n_heads == 0;
        good = good && percent >= b->least_percent && b->n_told == b->n_pages &&
               b->n_versos_told == b->n_versos && b->n_lines_told * 100 >= b->n_lines * 85;
    }
    if (!any) {
        printf("SKIPPED: no DSBI pages in '%s'; name their folder in BRAILLED_DSBI\n", root);
        return TEST_SKIPPED;
    }
    REQUIRE(good);
    return 0;
}
