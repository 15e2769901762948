/* SPDX-License-Identifier: Apache-2.0
 *
 * lang-utterance text|ssml|pinyin [raw]: lines of standard input -> what is said, a line each;
 * spans parted by " | ", what cannot be said behind a tab. raw: without sandhi.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lang/utterance.h"

int main(int argc, char **argv)
{
    const char *kind = argc > 1 ? argv[1] : "text";
    const enum lang_input input = strcmp(kind, "ssml") == 0     ? LANG_SSML
                                  : strcmp(kind, "pinyin") == 0 ? LANG_PINYIN
                                                                : LANG_TEXT;
    char *line = NULL;
    size_t room = 0;

    while (getline(&line, &room, stdin) > 0) {
        struct lang_utterance u = {0};
        struct fail fail = {0};
        line[strcspn(line, "\n")] = 0;
        if (lang_utterance(line, input, argc > 2, 32, &u, &fail) < 0)
            printf("error: %s", fail.text);
        for (size_t i = 0; i < u.n; i++)
            printf("%s%s", i ? " | " : "", u.spans[i].pinyin);
        printf("%s%s\n", u.unsaid ? "\t" : "", u.unsaid ? u.unsaid : "");
        lang_utterance_done(&u);
    }
    free(line);
    return 0;
}
