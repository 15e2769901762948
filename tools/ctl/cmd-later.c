/* SPDX-License-Identifier: Apache-2.0
 *
 * Sub-commands whose names are promised (docs/contracts.md) and whose work is not there yet: they
 * say so and end with 69, so that a script can tell "not in this version" from a typing error.
 */

#include "tools/ctl/ctl.h"

#include <errno.h>

static int run_later(const char *what, struct fail *fail)
{
    return fail_set(fail, FAIL_UNAVAILABLE, -EOPNOTSUPP, "this version cannot do that yet: %s",
                    tr(what));
}

#define LATER(name_, summary_)                                                                     \
    static int name_##_run(struct ctl *ctl, int n_words, char **words, struct fail *fail)          \
    {                                                                                              \
        return run_later(summary_, fail);                                                          \
    }                                                                                              \
    const struct ctl_command ctl_##name_ = {                                                       \
        .name = #name_,                                                                            \
        .words = "",                                                                               \
        .summary = summary_,                                                                       \
        .help = N_("The name is kept for a later version; now it ends with exit code 69.\n"),      \
        .run = name_##_run,                                                                        \
    }

LATER(find, N_("find a braille word in a page (not in this version)"));
