/* SPDX-License-Identifier: Apache-2.0 */

#include "tools/ctl/format/markup.h"

#include <string.h>

#define REPLACEMENT "\xef\xbf\xbd"

/* Bytes of the character at `p`, 0 when it is no UTF-8; *ret: its code. */
static unsigned decode(const unsigned char *p, uint32_t *ret)
{
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned n = *p < 0x80   ? 1
                       : *p < 0xC0 ? 0
                       : *p < 0xE0 ? 2
                       : *p < 0xF0 ? 3
                       : *p < 0xF8 ? 4
                                   : 0;
    if (n < 2) {
        *ret = *p;
        return n;
    }
    uint32_t code = *p & (0x7Fu >> n);
    for (unsigned i = 1; i < n; i++) {
        if ((p[i] & 0xC0) != 0x80)
            return 0;
        code = code << 6 | (p[i] & 0x3Fu);
    }
    *ret = code;
    return code >= least[n] && code <= 0x10FFFF && (code < 0xD800 || code > 0xDFFF) ? n : 0;
}

/* Overrides of the writing direction would let a name pose as another. */
static int is_shown(uint32_t code)
{
    return code >= 0x20 && (code < 0x7F || code > 0x9F) && code != 0xFFFE && code != 0xFFFF &&
           (code < 0x202A || code > 0x202E) && (code < 0x2066 || code > 0x2069);
}

void markup_text(FILE *f, const char *text)
{
    for (const unsigned char *p = (const unsigned char *) text; *p;) {
        uint32_t code = 0;
        const unsigned n = decode(p, &code);
        if (n == 0 || !is_shown(code))
            fputs(REPLACEMENT, f);
        else if (strchr("<>&\"'", (int) code) && code < 0x80)
            fprintf(f, "&#%u;", code);
        else
            fwrite(p, 1, n, f);
        p += n ? n : 1;
    }
}

void markup_base64(FILE *f, const uint8_t *data, size_t size)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (size_t i = 0; i < size; i += 3) {
        const size_t n = size - i < 3 ? size - i : 3;
        uint32_t v = (uint32_t) data[i] << 16;
        v |= n > 1 ? (uint32_t) data[i + 1] << 8 : 0;
        v |= n > 2 ? data[i + 2] : 0;
        for (size_t k = 0; k < 4; k++)
            fputc(k <= n ? digits[v >> (18 - 6 * k) & 63] : '=', f);
    }
}
