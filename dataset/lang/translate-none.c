/* SPDX-License-Identifier: Apache-2.0
 *
 * In the place of translate.c where there is no liblouis (meson -Dliblouis=disabled).
 */

#include "lang/translate.h"

#include <errno.h>

int lang_translate(enum lang_code code, const char *text, unsigned width, struct lang_lines *ret,
                   struct fail *fail)
{
    return fail_set(fail, FAIL_UNAVAILABLE, -EOPNOTSUPP,
                    "this build has no liblouis; install liblouis-dev and build again, or "
                    "translate the text elsewhere and draw it with --page");
}

void lang_lines_done(struct lang_lines *lines)
{
}
