/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdlib.h>

#include "base/macro.h"
#include "tools/eval/text/text.h"

int eval_edit(const uint32_t *a, size_t n_a, const uint32_t *b, size_t n_b, size_t *ret)
{
    CLEANUP_FREE size_t *d = calloc(n_b + 1, sizeof(*d));

    if (!d)
        return -ENOMEM;
    for (size_t k = 0; k <= n_b; k++)
        d[k] = k;
    for (size_t i = 1; i <= n_a; i++) {
        size_t corner = d[0];
        d[0] = i;
        for (size_t k = 1; k <= n_b; k++) {
            const size_t change = corner + (a[i - 1] != b[k - 1]);
            corner = d[k];
            d[k] = MIN(MIN(d[k], d[k - 1]) + 1, change);
        }
    }
    *ret = d[n_b];
    return 0;
}
