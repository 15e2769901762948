/* SPDX-License-Identifier: Apache-2.0
 *
 * Pictures with a text: a TSV of "image<TAB>text[<TAB>cells]", or a BRF file whose pages are
 * pictures in order.
 */

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "tools/dataset/import/import.h"

#define BOM "\xef\xbb\xbf" ///< what some editors begin a file with
#define MAX_BRF ((size_t) 64 << 20)
#define MAX_LINE 65536 ///< bytes of a TSV's line
#define MAX_PAGE_LINES 1000

/* The bytes that an item stands for, once more from its file; *ret owned, with a zero behind. */
static int read_piece(const char *path, uint64_t offset, uint32_t size, char **ret,
                      struct fail *fail)
{
    FILE *f = fopen(path, "rbe");
    if (!f)
        return fail_set(fail, FAIL_OPEN, -errno, "cannot open '%s': %m", path);
    char *text = malloc((size_t) size + 1);
    int r = text ? 0 : -ENOMEM;
    if (r == 0 && (fseeko(f, (off_t) offset, SEEK_SET) < 0 || fread(text, 1, size, f) != size))
        r = fail_set(fail, FAIL_IO, -EIO, "'%s' changes while it is read", path);
    fclose(f);
    if (r < 0) {
        free(text);
        return r;
    }
    text[size] = 0;
    *ret = text;
    return 0;
}

int import_parse_cells(const char *text, struct manifest_record *record, struct fail *fail)
{
    CLEANUP_FREE char *copy = strdup(text);
    brl_cell *cells = malloc(strlen(text) + 1);
    size_t n = 0;

    record->cells = cells;
    if (!copy || !cells)
        return -ENOMEM;
    char *save = NULL;
    for (char *word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
        if ((unsigned char) word[0] != 0xe2) {
            if (import_parse_dots(word, &cells[n++]) == 0)
                continue;
        } else { /* one sign after the other */
            size_t i = 0;
            for (; word[i]; i += 3) {
                char sign[4] = {0};
                strncpy(sign, word + i, 3);
                if (strlen(sign) < 3 || import_parse_dots(sign, &cells[n++]) < 0)
                    break;
            }
            if (!word[i])
                continue;
        }
        return fail_set(fail, FAIL_INPUT, -EBADMSG,
                        "'%.40s' is no list of cells like \"125 235\" or Unicode braille", text);
    }
    record->n_cells = n;
    return 0;
}

/* ---- TSV ---- */

/* "a.b/c.jpg" -> "a.b/c" */
static size_t stem_length(const char *path)
{
    const char *slash = strrchr(path, '/'), *dot = strrchr(slash ? slash : path, '.');
    return dot && dot != path && dot[-1] != '/' ? (size_t) (dot - path) : strlen(path);
}

static bool is_head(const char *line)
{
    return strncmp(line, "image\t", 6) == 0 || strncmp(line, "file_name\t", 10) == 0;
}

static int add_line(struct import_list *list, const char *root, const char *path, char *line,
                    size_t n, uint64_t offset, uint32_t number)
{
    struct import_item item = {.root = root,
                               .path = strdup(path),
                               .offset = offset,
                               .size = (uint32_t) n,
                               .number = number};
    if (!item.path)
        return -ENOMEM;
    line[strcspn(line, "\t\r\n")] = 0;
    line[stem_length(line)] = 0;
    return import_add(list, item, line);
}

static int add_tsv(struct import_list *list, const char *root, const char *path, struct fail *fail)
{
    CLEANUP_FREE char *full = import_join(root, path, 0, "");
    CLEANUP_FREE char *line = malloc(MAX_LINE + 1);
    uint64_t offset = 0;
    int r = 0;

    if (!full || !line)
        return -ENOMEM;
    FILE *f = fopen(full, "rbe");
    if (!f)
        return fail_set(fail, FAIL_OPEN, -errno, "cannot open '%s': %m", full);
    for (uint32_t number = 1; r == 0 && fgets(line, MAX_LINE + 1, f); number++) {
        const size_t n = strlen(line), mark = number == 1 && strncmp(line, BOM, 3) == 0 ? 3 : 0;
        if (n == 0 || (uint64_t) ftello(f) != offset + n || (line[n - 1] != '\n' && !feof(f)))
            r = fail_set(fail, FAIL_INPUT, -EBADMSG,
                         "'%s', line %u is longer than %d bytes or no text", full, number,
                         MAX_LINE);
        else if (line[mark] != '#' && line[mark + strspn(line + mark, " \r\n")] &&
                 !(number == 1 && is_head(line + mark)))
            r = add_line(list, root, path, line + mark, n - mark, offset + mark, number);
        offset += n;
    }
    if (r == 0 && ferror(f))
        r = fail_set(fail, FAIL_IO, -errno, "cannot read '%s': %m", full);
    fclose(f);
    return r;
}

static int list_tsv(const char *source, struct import_list *list, struct fail *fail)
{
    static const char *const endings[] = {".tsv", NULL};
    return import_walk(source, endings, list, add_tsv, fail);
}

/* "BOOK.tsv", "a/b.jpg" -> ROOT/…/a/b.jpg, beside the TSV. */
static int beside(const struct import_item *item, const char *image, char **ret)
{
    const char *slash = strrchr(item->path, '/');
    const int n = asprintf(ret, "%s/%.*s%s", item->root, slash ? (int) (slash + 1 - item->path) : 0,
                           item->path, image);
    if (n >= 0)
        return 0;
    *ret = NULL;
    return -ENOMEM;
}

static int find_tsv(const struct import_options *o, struct import_work *w, struct fail *fail)
{
    const struct import_item *item = w->item;
    CLEANUP_FREE char *path = import_join(item->root, item->path, 0, "");

    int r = path ? read_piece(path, item->offset, item->size, &w->note, fail) : -ENOMEM;
    if (r < 0)
        return r;
    const size_t n = strcspn(w->note, "\t\r\n");
    CLEANUP_FREE char *image = strndup(w->note, n);
    if (!image || !(w->name = strndup(image, stem_length(image))))
        return -ENOMEM;
    if (asprintf(&w->record.source, "tsv:%s:%u", item->path, item->number) < 0) {
        w->record.source = NULL;
        return -ENOMEM;
    }
    if (w->note[n] != '\t')
        return fail_set(fail, FAIL_INPUT, -EBADMSG,
                        "line %u of '%s' is not image<TAB>text[<TAB>cells]", item->number,
                        item->path);
    if (!manifest_is_path(image))
        return fail_set(fail, FAIL_INPUT, -EBADMSG,
                        "'%.100s' is no picture in or below the folder of the TSV", image);
    return beside(item, image, &w->picture);
}

/* "248" number, "hao4" spell, "！" punctuation, all else a line. */
static const char *guess_type(const char *text)
{
    size_t n_digits = 0, n_letters = 0, n_ascii = 0;

    for (const unsigned char *s = (const unsigned char *) text; *s; s++) {
        n_digits += isdigit(*s) != 0;
        n_letters += isalpha(*s) != 0;
        n_ascii += *s < 0x80;
    }
    const size_t n = strlen(text);
    if (n_digits > 0 && text[strspn(text, "0123456789.,%+-")] == 0)
        return "number";
    if (n_ascii == 0 && n <= 8)
        return "punctuation";
    const bool toned = n_digits == 1 && n > 1 && isdigit((unsigned char) text[n - 1]);
    return n_ascii == n && n_letters == n - 1 && toned ? "spell" : "line";
}

static int label_tsv(const struct import_options *o, struct import_work *w, const struct image *img,
                     struct fail *fail)
{
    struct manifest_record *record = &w->record;

    char *rest = w->note + strcspn(w->note, "\t") + 1;
    rest[strcspn(rest, "\r\n")] = 0;
    char *text = strsep(&rest, "\t"), *cells = strsep(&rest, "\t");
    int r = manifest_set(&record->text, text);
    if (r == 0 && !o->type)
        r = manifest_set(&record->type, guess_type(text));
    if (r < 0)
        return r;
    if (cells && *cells)
        return import_parse_cells(cells, record, fail);
    if (!*text)
        return fail_set(fail, FAIL_INPUT, -EBADMSG, "it has no text");
    if (!(record->cells = malloc(LANG_MAX_LABEL_CELLS)))
        return -ENOMEM;
    r = lang_encode(o->code, text, record->cells, &record->n_cells, fail);
    return r < 0 ? r : manifest_set(&record->code, lang_code_names[o->code]);
}

const struct import_format import_tsv = {
    .name = "tsv",
    .what = "X.tsv of image<TAB>text[<TAB>cells], or folders of them",
    .list = list_tsv,
    .find = find_tsv,
    .label = label_tsv,
};

/* ---- BRF ---- */

/* Numbers in names count as numbers: p2 before p10. */
static int compare_pictures(const void *a, const void *b)
{
    const struct import_item *x = a, *y = b;
    const int order = strverscmp(x->path, y->path);
    return order ? order : strcmp(x->path, y->path);
}

static int add_picture(struct import_list *list, const char *root, const char *path,
                       struct fail *fail)
{
    struct import_item item = {.root = root, .path = import_join(root, path, 0, "")};
    return item.path ? import_add(list, item, "") : -ENOMEM;
}

/* The pages of a BRF file get the pictures of `pictures` in their order. */
static int add_pages(struct import_list *list, const char *path, const uint8_t *text, size_t size,
                     struct import_list *pictures, struct fail *fail)
{
    size_t n_pages = 0, from = 0;
    const char *root;

    int r = import_add_root(list, path, &root);
    for (size_t i = 0; i <= size && r == 0; i++) {
        if (i < size && text[i] != '\f')
            continue;
        if (i == size && i == from) /* the last form feed ends a page, it begins none */
            break;
        char name[32];
        const struct import_item item = {
            .root = root,
            .path = n_pages < pictures->n ? strdup(pictures->items[n_pages].path) : NULL,
            .offset = from,
            .size = (uint32_t) (i - from),
            .number = (uint32_t) ++n_pages};
        if (n_pages <= pictures->n && !item.path)
            return -ENOMEM;
        const char *slash = strrchr(path, '/');
        CLEANUP_FREE char *full = NULL;
        snprintf(name, sizeof(name), "-%zu", n_pages);
        if (asprintf(&full, "%s%s", slash ? slash + 1 : path, name) < 0) {
            full = NULL;
            free(item.path);
            return -ENOMEM;
        }
        r = import_add(list, item, full);
        from = i + 1;
    }
    if (r == 0 && n_pages != pictures->n)
        return fail_set(fail, FAIL_INPUT, -EBADMSG,
                        "'%s' has %zu pages but there are %zu pictures: one picture a page, in "
                        "the order of their names",
                        path, n_pages, pictures->n);
    return r;
}

/* BOOK.brf: its pictures are in the folder BOOK, or the only ones beside it. */
static int list_pictures(const char *path, struct import_list *pictures, struct fail *fail)
{
    static const char *const endings[] = {".jpg", ".jpeg", ".png", ".tif", ".tiff",
                                          ".pgm", ".ppm",  ".pbm", ".pnm", NULL};
    CLEANUP_FREE char *folder = strndup(path, stem_length(path));

    if (!folder)
        return -ENOMEM;
    struct stat st;
    if (stat(folder, &st) < 0 || !S_ISDIR(st.st_mode)) {
        char *slash = strrchr(folder, '/');
        if (slash)
            *slash = 0;
        else
            strcpy(folder, ".");
    }
    int r = import_walk(folder, endings, pictures, add_picture, fail);
    if (r == 0 && pictures->n > 0)
        qsort(pictures->items, pictures->n, sizeof(*pictures->items), compare_pictures);
    return r;
}

static int add_brf(struct import_list *list, const char *root, const char *path, struct fail *fail)
{
    CLEANUP_FREE char *full = import_join(root, path, 0, "");
    CLEANUP_FREE uint8_t *text = NULL;
    CLEANUP(import_list_done) struct import_list pictures = {0};
    size_t size = 0;

    int r = full ? file_read(full, MAX_BRF, &text, &size, fail) : -ENOMEM;
    if (r == 0)
        r = list_pictures(full, &pictures, fail);
    list->stamp ^= pictures.stamp;
    return r < 0 ? r : add_pages(list, full, text, size, &pictures, fail);
}

static int list_brf(const char *source, struct import_list *list, struct fail *fail)
{
    static const char *const endings[] = {".brf", NULL};
    return import_walk(source, endings, list, add_brf, fail);
}

static int find_brf(const struct import_options *o, struct import_work *w, struct fail *fail)
{
    const struct import_item *item = w->item;
    const char *slash = strrchr(item->root, '/'), *book = slash ? slash + 1 : item->root;

    if (asprintf(&w->name, "%s-%u", book, item->number) < 0) {
        w->name = NULL;
        return -ENOMEM;
    }
    if (asprintf(&w->record.source, "brf:%s:%u", book, item->number) < 0) {
        w->record.source = NULL;
        return -ENOMEM;
    }
    w->picture = strdup(item->path);
    return w->picture ? 0 : -ENOMEM;
}

/* The inverse of brl_cell_ascii(); small letters as capitals, `{|}~ as @[\]^. -1: no cell. */
static int from_ascii(char c)
{
    if (c >= 0x60 && c < 0x7f)
        c = (char) (c - 0x20);
    for (unsigned cell = 0; cell < 64; cell++)
        if (brl_cell_ascii((brl_cell) cell) == c)
            return (int) cell;
    return -1;
}

/* One line without blanks at its end: cells with their places, and Unicode braille for the text. */
static int add_page_line(struct manifest_record *record, const char *line, size_t n, unsigned row,
                         FILE *text, struct fail *fail)
{
    while (n > 0 && (line[n - 1] == ' ' || line[n - 1] == '\r'))
        n--;
    for (size_t i = 0; i < n; i++) {
        const int cell = from_ascii(line[i]);
        char sign[4];
        if (cell < 0)
            return fail_set(fail, FAIL_INPUT, -EBADMSG,
                            "line %u holds the byte %d, which is no braille in BRF", row + 1,
                            (unsigned char) line[i]);
        brl_cell_utf8((brl_cell) cell, sign);
        fputs(sign, text);
        record->cells[record->n_cells] = (brl_cell) cell;
        record->places[record->n_cells++] = (struct manifest_place){row, (unsigned) i};
    }
    fputc('\n', text);
    return 0;
}

static int parse_page(struct manifest_record *record, const char *page, FILE *text,
                      struct fail *fail)
{
    const size_t size = strlen(page);
    unsigned row = 0;

    if (size > MANIFEST_MAX_CELLS)
        return fail_set(fail, FAIL_INPUT, -EBADMSG, "it is longer than any page");
    record->cells = malloc(size + 1);
    record->places = malloc((size + 1) * sizeof(*record->places));
    if (!record->cells || !record->places)
        return -ENOMEM;
    for (const char *line = page, *end; line < page + size; line = end + 1, row++) {
        end = strchrnul(line, '\n');
        int r = add_page_line(record, line, (size_t) (end - line), row, text, fail);
        if (r < 0)
            return r;
    }
    return row <= MAX_PAGE_LINES
               ? 0
               : fail_set(fail, FAIL_INPUT, -EBADMSG, "it has more than %d lines", MAX_PAGE_LINES);
}

static int label_brf(const struct import_options *o, struct import_work *w, const struct image *img,
                     struct fail *fail)
{
    CLEANUP_FREE char *page = NULL;
    size_t size = 0;

    int r = read_piece(w->item->root, w->item->offset, w->item->size, &page, fail);
    if (r < 0)
        return r;
    if (strlen(page) != w->item->size)
        return fail_set(fail, FAIL_INPUT, -EBADMSG, "it holds zero bytes: it is no BRF");
    FILE *text = open_memstream(&w->record.text, &size);
    if (!text)
        return -ENOMEM;
    r = parse_page(&w->record, page, text, fail);
    if (fclose(text) != 0)
        return -ENOMEM;
    while (size > 0 && w->record.text[size - 1] == '\n')
        w->record.text[--size] = 0;
    return r;
}

const struct import_format import_brf = {
    .name = "brf",
    .type = "page",
    .what = "BOOK.brf, its page pictures in the folder BOOK or beside it",
    .list = list_brf,
    .find = find_brf,
    .label = label_brf,
};
