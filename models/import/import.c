/* SPDX-License-Identifier: Apache-2.0 */

#include "import/import.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "import/words.h"

const struct import_map *const import_maps[] = {&import_chinese_clip, &import_hifigan,
                                                &import_fastspeech2, NULL};

const struct import_map *import_find_kind(const char *kind)
{
    for (size_t i = 0; import_maps[i]; i++)
        if (strcmp(import_maps[i]->kind, kind) == 0)
            return import_maps[i];
    return NULL;
}

int import_recognise(const struct import_source *s, const struct import_map **ret,
                     struct fail *fail)
{
    char kinds[200] = "";

    for (size_t i = 0; import_maps[i]; i++) {
        if (import_maps[i]->is(s)) {
            *ret = import_maps[i];
            return 0;
        }
        snprintf(kinds + strlen(kinds), sizeof(kinds) - strlen(kinds), "%s%s", i ? ", " : "",
                 import_maps[i]->title);
    }
    return import_unknown(fail, import_source_path(s),
                          "its tensors ('%.60s', …) are of no model that is known here; known are: "
                          "%s",
                          import_source_at(s, 0)->name, kinds);
}

int import_default_path(const struct import_map *map, char **ret, struct fail *fail)
{
    const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    int n;

    if (data && *data == '/')
        n = asprintf(ret, "%s/brailled/models/%s", data, map->file);
    else if (home && *home == '/')
        n = asprintf(ret, "%s/.local/share/brailled/models/%s", home, map->file);
    else
        return fail_set(fail, FAIL_CREATE, -ENOENT,
                        "there is no home folder to keep the model in; name the file with -o");
    return n < 0 ? fail_set(fail, FAIL_OTHER, -ENOMEM, "not enough memory for a name") : 0;
}
