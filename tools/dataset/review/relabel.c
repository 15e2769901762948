/* SPDX-License-Identifier: Apache-2.0 */

#include "tools/dataset/review/relabel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lang/encode.h"

void review_label_done(struct review_label *label)
{
    free(label->text);
    free(label->cells);
    *label = (struct review_label){0};
}

/* Records without a code are in the one that most books have. */
static enum lang_code code_of(const struct manifest_record *record)
{
    enum lang_code code = LANG_CURRENT;

    if (record->code)
        lang_code_parse(record->code, &code);
    return code;
}

static void turn(brl_cell *cells, size_t n)
{
    for (size_t i = 0; i < (n + 1) / 2; i++) {
        const brl_cell last = brl_cell_turn(cells[n - 1 - i]);
        cells[n - 1 - i] = brl_cell_turn(cells[i]);
        cells[i] = last;
    }
}

static int copy_cells(const brl_cell *cells, size_t n, brl_cell **ret)
{
    *ret = malloc(n * sizeof *cells + 1);
    if (!*ret)
        return -ENOMEM;
    memcpy(*ret, cells, n * sizeof *cells);
    return 0;
}

int review_label_text(const struct manifest_record *record, const char *text,
                      struct review_label *ret, struct fail *fail)
{
    brl_cell cells[LANG_MAX_LABEL_CELLS];
    size_t n = 0;

    int r = lang_encode(code_of(record), text, cells, &n, fail);
    if (r == 0 && n == 0)
        r = fail_set(fail, FAIL_INPUT, -EILSEQ, "the label is empty");
    if (r < 0)
        return r;
    if (record->reads)
        turn(cells, n);
    struct review_label label = {.text = strdup(text), .n_cells = n};
    r = label.text ? copy_cells(cells, n, &label.cells) : -ENOMEM;
    if (r < 0)
        review_label_done(&label);
    else
        *ret = label;
    return r;
}

/* The text that upright cells stand for. */
static int write_text(enum lang_code code, const brl_cell *cells, size_t n, char **ret)
{
    char text[16];

    lang_read_label(code, cells, n, text);
    if (text[0])
        return (*ret = strdup(text)) ? 0 : -ENOMEM;
    char *p = malloc(3 * n + 1);
    if (!p)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        brl_cell_utf8(cells[i], p + 3 * i);
    p[3 * n] = 0;
    *ret = p;
    return 0;
}

char *review_reads(const struct manifest_record *record, const brl_cell *cells, size_t n)
{
    char *text = NULL;
    return write_text(code_of(record), cells, n, &text) < 0 ? NULL : text;
}

int review_label_dots(const struct manifest_record *record, const char *dots,
                      struct review_label *ret, struct fail *fail)
{
    static const char apart[] = " ,;\t";
    brl_cell cells[LANG_MAX_LABEL_CELLS];
    bool any = false;
    size_t n = 0;

    for (const char *p = dots + strspn(dots, apart); *p; p += strspn(p, apart)) {
        char one[8] = "";
        const size_t size = strcspn(p, apart);
        if (n == ELEMENTSOF(cells))
            return fail_set(fail, FAIL_INPUT, -E2BIG, "more than %d cells", LANG_MAX_LABEL_CELLS);
        strncat(one, p, MIN(size, sizeof one - 1));
        if (size >= sizeof one || brl_cell_parse(one, &cells[n]) < 0)
            return fail_set(fail, FAIL_INPUT, -EILSEQ,
                            "cell %zu is no cell: write the dots 1 to 6 that are raised, each "
                            "once, as in '125 235'; 0 is a blank cell",
                            n + 1);
        any = any || cells[n];
        n++;
        p += size;
    }
    if (!any)
        return fail_set(fail, FAIL_INPUT, -EILSEQ, "no dot is raised");
    struct review_label label = {.n_cells = n};
    int r = copy_cells(cells, n, &label.cells);
    if (r == 0) {
        if (record->reads)
            turn(cells, n);
        r = write_text(code_of(record), cells, n, &label.text);
    }
    if (r < 0)
        review_label_done(&label);
    else
        *ret = label;
    return r;
}

int review_apply_label(struct manifest_record *record, const char *text, const brl_cell *cells,
                       size_t n)
{
    brl_cell *copy = NULL;
    char reads[16];

    int r = manifest_set(&record->text, text);
    if (r == 0)
        r = copy_cells(cells, n, &copy);
    if (r == 0 && record->reads) {
        lang_read_label(code_of(record), cells, n, reads);
        r = manifest_set(&record->reads, reads);
    }
    if (r < 0) {
        free(copy);
        return r;
    }
    free(record->cells);
    record->cells = copy;
    if (n != record->n_cells) { /* they stood for other cells */
        free(TAKE_PTR(record->boxes));
        free(TAKE_PTR(record->places));
    }
    record->n_cells = n;
    return 0;
}
