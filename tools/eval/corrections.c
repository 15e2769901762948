/* SPDX-License-Identifier: Apache-2.0
 *
 * Labels known to be wrong: TSV of `page side row column published corrected evidence`, after lines
 * of remarks (#) and the names of the columns. Page is the annotation's name without its side
 * ("M+9"); the rest is as in struct brl_change.
 */

#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "tools/eval/reading.h"

#define MAX_BYTES ((size_t) 16 << 20)

void eval_corrections_done(struct eval_corrections *c)
{
    for (size_t i = 0; i < c->n; i++)
        free(c->list[i].page);
    free(c->list);
    *c = (struct eval_corrections){0};
}

/* A place on the grid: 1 to 65535. */
static bool parse_place(const char *text, uint16_t *ret)
{
    char *end;
    const unsigned long v = strtoul(text, &end, 10);

    if (end == text || *end || v < 1 || v > UINT16_MAX || text[0] < '0' || text[0] > '9')
        return false;
    *ret = (uint16_t) v;
    return true;
}

static int parse_line(char *line, struct eval_correction *ret)
{
    char *field[7];

    for (unsigned i = 0; i < ELEMENTSOF(field); i++)
        if (!(field[i] = strsep(&line, "\t")) || !*field[i])
            return -EBADMSG;
    ret->side = strcmp(field[1], "verso") == 0 ? BRL_VERSO : BRL_RECTO;
    if ((ret->side == BRL_RECTO && strcmp(field[1], "recto") != 0) ||
        !parse_place(field[2], &ret->change.row) || !parse_place(field[3], &ret->change.column) ||
        brl_cell_parse(field[4], &ret->change.published) < 0 ||
        brl_cell_parse(field[5], &ret->change.corrected) < 0 || line)
        return -EBADMSG;
    ret->page = strdup(field[0]);
    return ret->page ? 0 : -ENOMEM;
}

static int add(struct eval_corrections *c, char *line)
{
    struct eval_correction *more = realloc(c->list, (c->n + 1) * sizeof(*more));

    if (!more)
        return -ENOMEM;
    c->list = more;
    more[c->n] = (struct eval_correction){0};
    const int r = parse_line(line, &more[c->n]);
    c->n += r == 0;
    return r;
}

int eval_corrections_load(const char *path, struct eval_corrections *ret, struct fail *fail)
{
    static const char names[] = "page\tside\trow\tcolumn\tpublished\tcorrected\tevidence";
    CLEANUP_FREE uint8_t *text = NULL;
    struct eval_corrections c = {0};
    bool named = false;
    size_t size, n = 0;

    int r = file_read(path, MAX_BYTES, &text, &size, fail);
    char *rest = (char *) text;
    for (char *line; r == 0 && (line = strsep(&rest, "\n")) != NULL;) {
        n++;
        if (!*line || *line == '#')
            continue;
        if (named)
            r = add(&c, line);
        else if (strcmp(line, names) != 0)
            r = -EBADMSG;
        named = true;
    }
    if (r == 0) {
        *ret = c;
        return 0;
    }
    eval_corrections_done(&c);
    return fail_set(fail, FAIL_INPUT, r,
                    "line %zu of '%s' is no correction; it needs a page, recto or verso, row, "
                    "column, published and corrected dots (0: blank) and the evidence, with tabs",
                    n, path);
}

int eval_corrections_of(const struct eval_corrections *c, const char *path, enum brl_side side,
                        struct brl_change **ret, size_t *ret_n)
{
    const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    const char *plus = strrchr(name, '+');
    const size_t length = plus ? (size_t) (plus - name) : strlen(name);
    struct brl_change *list = calloc(c->n + 1, sizeof(*list));
    size_t n = 0;

    if (!list)
        return -ENOMEM;
    for (size_t i = 0; i < c->n; i++)
        if (c->list[i].side == side && strncmp(c->list[i].page, name, length) == 0 &&
            c->list[i].page[length] == 0)
            list[n++] = c->list[i].change;
    *ret = list;
    *ret_n = n;
    return 0;
}
