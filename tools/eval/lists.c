/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/macro.h"
#include "tools/eval.h"

int eval_open_list(const char *path, FILE **ret, struct fail *fail)
{
    if (!path)
        return 0;
    *ret = strcmp(path, "-") == 0 ? stdout : fopen(path, "we");
    return *ret ? 0 : fail_set(fail, FAIL_CREATE, -errno, "cannot create '%s': %m", path);
}

void eval_put_field(FILE *f, const char *word)
{
    for (; *word; word++)
        fputc(*word == '\t' || *word == '\n' || *word == '\r' ? ' ' : *word, f);
}

int eval_close_list(const char *path, FILE **f, struct fail *fail)
{
    FILE *file = TAKE_PTR(*f);

    if (!file || file == stdout)
        return 0;
    errno = 0;
    const bool ok = fflush(file) == 0 && !ferror(file);
    if (fclose(file) != 0 || !ok)
        return fail_set(fail, FAIL_IO, errno ? -errno : -EIO, "cannot write '%s': %m", path);
    return 0;
}
