/* SPDX-License-Identifier: Apache-2.0 */

#include "lang/tables.h"

#include <string.h>

int lang_base_find(const char *text, size_t n)
{
    size_t low = 0, high = lang_n_bases;

    if (n == 0 || n >= sizeof(lang_bases[0].text))
        return -1;
    while (low < high) {
        size_t mid = (low + high) / 2;
        int order = strncmp(lang_bases[mid].text, text, n);
        if (order == 0 && lang_bases[mid].text[n] == 0)
            return (int) mid;
        if (order < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return -1;
}
