/* SPDX-License-Identifier: Apache-2.0
 *
 * What a shell offers for the word at the cursor (tools/completion): the tables of --help are
 * asked, so that the two cannot differ.
 */
#pragma once

#include "tools/ctl/ctl.h"

/** One candidate a line, "WORD<TAB>what it is" in the user's language; the line ":files" where file
 * names fit. `words` are those behind the program's name, the last one is at the cursor, maybe "".
 * `common`: the options of all commands. */
void complete_words(struct ctl *ctl, const struct ctl_command *const *commands, size_t n_commands,
                    const struct arg *common, size_t n_common, int n_words, char **words);
