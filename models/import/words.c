/* SPDX-License-Identifier: Apache-2.0 */

#include "import/words.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/tr.h"

#define WORDS_BYTES 400

int import_broken(struct fail *fail, const char *path, const char *format, ...)
{
    char words[WORDS_BYTES];
    va_list ap;

    va_start(ap, format);
    vsnprintf(words, sizeof(words), format, ap);
    va_end(ap);
    return fail_set(fail, FAIL_INPUT, -EBADMSG, "'%s' is broken: %s; download it again", path,
                    words);
}

int import_unknown(struct fail *fail, const char *path, const char *format, ...)
{
    char words[WORDS_BYTES], localized[1024];
    va_list ap;

    format = tr_format(format, localized, sizeof(localized));
    va_start(ap, format);
    vsnprintf(words, sizeof(words), format, ap);
    va_end(ap);
    return fail_set(fail, FAIL_INPUT, -ENOTSUP, "'%s' cannot be imported: %s", path, words);
}
