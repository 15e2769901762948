/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <string.h>

#include "lang/translate.h"

#include "test.h"

int main(void)
{
    struct lang_lines lines = {0};
    struct fail fail = {0};

    REQUIRE(lang_translate(LANG_CURRENT, "你好", 28, &lines, &fail) == -EOPNOTSUPP);
    REQUIRE(fail.kind == FAIL_UNAVAILABLE && strstr(fail.text, "liblouis-dev"));
    REQUIRE(!lines.cells && lines.n == 0);
    lang_lines_done(&lines);
    return 0;
}
