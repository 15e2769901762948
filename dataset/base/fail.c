/* SPDX-License-Identifier: Apache-2.0 */

#include "base/fail.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/tr.h"

/* Bytes of the sign at `s` in UTF-8; 0: it is none, or cut off. */
static unsigned utf8_length(const uint8_t *s)
{
    const unsigned n = s[0] < 0x80                   ? 1
                       : s[0] >= 0xc2 && s[0] < 0xe0 ? 2
                       : s[0] >= 0xe0 && s[0] < 0xf0 ? 3
                       : s[0] >= 0xf0 && s[0] < 0xf5 ? 4
                                                     : 0;
    for (unsigned i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    const unsigned two = n > 1 ? (unsigned) (s[0] << 8 | s[1]) : 0;
    /* longer than needed, surrogates, beyond U+10FFFF */
    if ((two >= 0xe080 && two < 0xe0a0) || (two >= 0xeda0 && two < 0xee00) ||
        (two >= 0xf080 && two < 0xf090) || (two >= 0xf490 && two < 0xf500))
        return 0;
    return n;
}

/* Names and labels from files get into the words: they must stay one line that no terminal takes
 * for orders, and text that JSON can hold. */
static void make_plain(char *text)
{
    for (uint8_t *s = (uint8_t *) text; *s;) {
        const unsigned n = utf8_length(s);
        const bool is_control = *s < 0x20 || *s == 0x7f || (*s == 0xc2 && s[1] < 0xa0);
        if (n == 0 || is_control)
            *s++ = '?';
        else
            s += n;
    }
}

int fail_set(struct fail *f, enum fail_kind kind, int r, const char *format, ...)
{
    if (!f || f->kind != FAIL_NONE)
        return r;

    const int saved_errno = errno;
    char localized[1024];
    va_list ap;

    f->kind = kind;
    errno = r < 0 ? -r : r;
    va_start(ap, format);
    vsnprintf(f->text, sizeof(f->text), tr_format(format, localized, sizeof(localized)), ap);
    va_end(ap);
    make_plain(f->text);
    errno = saved_errno;
    return r;
}
