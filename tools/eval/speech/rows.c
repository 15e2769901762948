/* SPDX-License-Identifier: Apache-2.0 */

#include <ctype.h>
#include <endian.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "tools/eval/speech/signal.h"

#define MAX_BYTES ((size_t) 256 << 20)

static int broken(const char *path, const char *what, struct fail *fail)
{
    return fail_set(fail, FAIL_INPUT, -EBADMSG,
                    "'%s': %s; give a matrix of embeddings, a row each, as .npy or as text", path,
                    what);
}

static int add_row(struct eval_rows *ret, const double *row, size_t n, const char *path,
                   struct fail *fail)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(row[i]) || fabs(row[i]) > 1e100)
            return broken(path, "a value is not finite", fail);
    int r = n <= EVAL_MAX_DIM ? eval_rows_add(ret, row, (unsigned) n) : -EINVAL;
    return r == -EINVAL ? broken(path, "rows of different or too great length", fail) : r;
}

/* A value of the header's dictionary, behind "'key':". */
static const char *value_of(const char *header, const char *key)
{
    const char *at = strstr(header, key);
    at = at ? strchr(at + strlen(key), ':') : NULL;
    return at ? at + 1 + strspn(at + 1, " ") : "";
}

/* NEP 1: "\x93NUMPY", version, length of the header, the header in Python's notation, the data. */
static int load_npy(const uint8_t *data, size_t size, const char *path, struct eval_rows *ret,
                    struct fail *fail)
{
    char header[512] = "";
    const size_t head = size > 8 && data[6] == 1 ? 10 : 12;
    if (size < head)
        return broken(path, "the header is cut off", fail);
    size_t n_header = data[8] | (size_t) data[9] << 8;
    if (head == 12)
        n_header |= (size_t) data[10] << 16 | (size_t) data[11] << 24;
    if (n_header >= sizeof(header) || head + n_header > size)
        return broken(path, "the header is too long or cut off", fail);
    memcpy(header, data + head, n_header);
    const char *type = value_of(header, "'descr'");
    const bool wide = strncmp(type, "'<f8'", 5) == 0;
    unsigned long n = 0, dim = 0;
    if ((!wide && strncmp(type, "'<f4'", 5) != 0) ||
        strncmp(value_of(header, "'fortran_order'"), "False", 5) != 0)
        return broken(path, "no float32 or float64 in C order", fail);
    if (sscanf(value_of(header, "'shape'"), "(%9lu, %9lu)", &n, &dim) != 2 || dim < 1 ||
        dim > EVAL_MAX_DIM)
        return broken(path, "it has not two dimensions, the second of 1 to 2048", fail);
    const size_t item = wide ? 8 : 4;
    if (size - head - n_header < n * dim * item)
        return broken(path, "the data is cut off", fail);
    const uint8_t *at = data + head + n_header;
    int r = 0;
    for (size_t i = 0; r == 0 && i < n; i++) {
        double row[EVAL_MAX_DIM];
        for (size_t k = 0; k < dim; k++, at += item) {
            uint64_t bits = 0;
            memcpy(&bits, at, item); /* both ends little: le64toh() does the rest */
            bits = le64toh(bits);
            float narrow;
            const uint32_t low = (uint32_t) bits;
            memcpy(&narrow, &low, sizeof(narrow));
            memcpy(&row[k], &bits, sizeof(row[k]));
            row[k] = wide ? row[k] : (double) narrow;
        }
        r = add_row(ret, row, dim, path, fail);
    }
    return r;
}

static int load_text(char *text, const char *path, struct eval_rows *ret, struct fail *fail)
{
    int r = 0;

    for (char *line = text, *next; r == 0 && line; line = next) {
        double row[EVAL_MAX_DIM + 1];
        size_t n = 0;
        next = strchr(line, '\n');
        if (next)
            *next++ = 0;
        for (;;) {
            line += strspn(line, " \t\r,");
            if (!*line)
                break;
            char *end = line;
            const double x = strtod(line, &end);
            if (end == line || n > EVAL_MAX_DIM || (*end && !strchr(" \t\r,", *end)))
                return broken(path, "what is no number stands in a row, or too many", fail);
            row[n++] = x;
            line = end;
        }
        if (n > 0)
            r = add_row(ret, row, n, path, fail);
    }
    return r;
}

int eval_rows_load(const char *path, struct eval_rows *ret, struct fail *fail)
{
    CLEANUP(eval_rows_done) struct eval_rows rows = {0};
    CLEANUP_FREE uint8_t *data = NULL;
    size_t size = 0;

    int r = file_read(path, MAX_BYTES, &data, &size, fail);
    if (r < 0)
        return r;
    if (size >= 8 && memcmp(data, "\x93NUMPY", 6) == 0)
        r = load_npy(data, size, path, &rows, fail);
    else if (memchr(data, 0, size))
        r = broken(path, "neither .npy nor text", fail);
    else
        r = load_text((char *) data, path, &rows, fail);
    if (r == 0 && rows.n < 2)
        r = broken(path, "less than two rows", fail);
    if (r < 0)
        return fail_set(fail, FAIL_OTHER, r, "'%s': %m", path);
    *ret = rows;
    rows = (struct eval_rows){0};
    return 0;
}
