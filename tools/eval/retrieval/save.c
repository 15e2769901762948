/* SPDX-License-Identifier: Apache-2.0
 *
 * Embeddings as files that NumPy reads (NEP 1, version 1.0: little-endian float32, C order).
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/macro.h"
#include "tools/eval.h"
#include "tools/eval/retrieval/retrieval.h"

static void file_out_cleanup(struct file_out *f)
{
    file_out_done(f);
}

static int save(const char *path, const void *data, size_t size, struct fail *fail)
{
    CLEANUP(file_out_cleanup) struct file_out out = FILE_OUT_INIT;

    int r = file_out_open(&out, path, fail);
    if (r == 0)
        r = file_out_write(&out, data, size, fail);
    return r == 0 ? file_out_commit(&out, fail) : r;
}

static void put_rows(FILE *f, const struct eval_table *t, const size_t *rows, size_t n)
{
    char head[128] = "\x93NUMPY\x01\x00\x76"; /* 118 bytes of header follow these and a zero */

    snprintf(head + 10, sizeof(head) - 10,
             "{'descr': '<f4', 'fortran_order': False, 'shape': (%zu, %u), }", n, t->e);
    memset(head + strlen(head + 10) + 10, ' ', sizeof(head) - 11 - strlen(head + 10));
    head[sizeof(head) - 1] = '\n';
    fwrite(head, 1, sizeof(head), f);
    for (size_t i = 0; i < n; i++)
        fwrite(t->x + rows[i] * t->e, sizeof(float), t->e, f);
}

static int save_pair(const char *dir, const char *set, const char *what,
                     const struct eval_table *table, const size_t *rows, size_t n,
                     const char *names, size_t names_size, struct fail *fail)
{
    CLEANUP_FREE char *npy = NULL, *tsv = NULL, *data = NULL;
    size_t size = 0;

    if (asprintf(&npy, "%s/%s-%s.npy", dir, set, what) < 0)
        return (npy = NULL, -ENOMEM);
    if (asprintf(&tsv, "%s/%s-%s.tsv", dir, set, what) < 0)
        return (tsv = NULL, -ENOMEM);
    FILE *f = open_memstream(&data, &size);
    if (!f)
        return -ENOMEM;
    put_rows(f, table, rows, n);
    if (fclose(f) != 0)
        return -ENOMEM;
    int r = save(npy, data, size, fail);
    return r == 0 ? save(tsv, names, names_size, fail) : r;
}

static int save_pictures(const struct eval_set *s, const struct eval_table *table, const char *dir,
                         struct fail *fail)
{
    CLEANUP_FREE size_t *rows = calloc(s->n + 1, sizeof(*rows));
    CLEANUP_FREE char *names = NULL;
    size_t size = 0, n = 0;

    FILE *f = rows ? open_memstream(&names, &size) : NULL;
    if (!f)
        return -ENOMEM;
    for (size_t i = 0; i < s->n; i++) {
        const struct eval_picture *p = &s->pictures[i];
        if (p->row == EVAL_NOWHERE)
            continue;
        rows[n++] = p->row;
        fprintf(f, "%s\t%s\t", p->id, s->types.list[p->type]);
        eval_put_field(f, s->texts.list[p->text]);
        fprintf(f, "\t%s\t%s\n", p->in_split ? "asks" : "-", p->in_train ? "train" : "-");
    }
    if (fclose(f) != 0)
        return -ENOMEM;
    return save_pair(dir, s->name, "pictures", table, rows, n, names, size, fail);
}

static int save_texts(const struct eval_set *s, const struct eval_table *table, const char *dir,
                      struct fail *fail)
{
    CLEANUP_FREE size_t *rows = calloc(s->texts.n + 1, sizeof(*rows));
    CLEANUP_FREE char *names = NULL;
    size_t size = 0, n = 0;

    FILE *f = rows ? open_memstream(&names, &size) : NULL;
    if (!f)
        return -ENOMEM;
    for (size_t i = 0; i < s->texts.n; i++)
        if (s->facts[i].row != EVAL_NOWHERE) {
            rows[n++] = s->facts[i].row;
            eval_put_field(f, s->texts.list[i]);
            fputc('\n', f);
        }
    if (fclose(f) != 0)
        return -ENOMEM;
    return save_pair(dir, s->name, "texts", table, rows, n, names, size, fail);
}

int eval_save(const struct eval_set *set, const struct eval_table *pictures,
              const struct eval_table *texts, const char *dir, struct fail *fail)
{
    int r = save_pictures(set, pictures, dir, fail);
    if (r == 0)
        r = save_texts(set, texts, dir, fail);
    return r < 0 ? fail_set(fail, FAIL_OTHER, r, "%m") : 0;
}
